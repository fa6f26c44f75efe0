"""The report of a terminology build as one web page."""

from __future__ import annotations

from html import escape

from ..nlp.terminology.build_findings import Findings, Listing, NamedCode, RetiredRow, SharedString
from ..nlp.terminology.build_report import BuildReport, SourceReport
from ..nlp.terminology.systems import FAULT_REMEDIES
from .report_page import Markup, Section, bars, figures, folded, long_list, notice, page, paragraph, table

_RULES = {
    "plain_english": "common English words and phrases; acronyms in capitals are kept",
    "numeric": "numbers and ordinals",
    "one_letter": "single letters",
    "context": "names that hold their own negation, time or person; the assertion says that",
    "punctuation": "no letter or digit",
    "too_long": "more than 20 words",
}
_DERIVED = {
    "unspecified": "without NOS or unspecified",
    "acronym_long": "long form before a trailing acronym",
    "acronym_short": "trailing acronym split off",
    "inverted": "commas turned: type 2 diabetes mellitus",
    "part_order": "breast carcinoma for carcinoma of the breast",
}
_REPAIRS = {"swapped_columns": "code and term stood in each other's column", "repaired_prefix": "codes behind an x"}
_DECIDED = {"override": "your override", "kind": "better kind of term", "order": "order of the sources only"}
_STATES = {
    "applied": ("good", "applied"),
    "followed": ("warn", "applied to successor"),
    "new_concept": ("warn", "new concept"),
    "no_effect": ("warn", "no effect"),
    "retired": ("bad", "code retired"),
    "unknown_code": ("bad", "code unknown"),
}


def build_page(report: BuildReport) -> str:
    """HTML of a build report; complete where the report has findings."""
    lead = f'<p class="soft">{escape(f"Release {report.release}" if report.release else "No release named")}'
    lead += f", sha256 <code>{escape(report.sha256[:16])}</code></p>\n"
    lead += "".join(map(notice, report.warnings))
    lead += figures(
        [
            ("codes", report.codes),
            ("terms read", report.terms_read),
            ("terms kept", report.terms_kept),
            ("distinct strings", report.strings),
            ("ambiguous strings", report.ambiguous),
            ("acronyms", report.acronyms),
            ("codes redirected", report.redirects),
            ("codes without terms", len(report.codes_without_terms)),
        ]
    )
    sections = [
        Section("sources", "Sources", "".join(map(_source, report.sources))),
        Section("rules", "Terms left out by rule", _rules(report)),
        Section("content", "What is in it", _content(report)),
    ]
    if report.overrides:
        sections.append(Section("overrides", "Overrides", _overrides(report)))
    if report.findings is not None:
        sections += _finding_sections(report, report.findings)
    sections.append(Section("relations", "Hierarchy, reference sets and maps", _relations(report)))
    sections.append(Section("without-terms", "Codes without terms", _without_terms(report)))
    return page(f"Terminology {report.name}", lead, sections)


def _words(reason: str) -> str:
    return reason.replace("_", " ")


def _falling(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _source(source: SourceReport) -> str:
    release = f", release {source.release}" if source.release else ""
    html = f"<h3>{escape(source.name)}</h3>\n" + paragraph(
        f"{source.terms:,} terms taken, {sum(source.dropped.values()):,} rows left out, "
        f"{source.redirects:,} retired or alternative codes with one successor{release}."
    )
    html += "".join(map(notice, source.notices))
    if source.all_capitals:
        html += notice("The source writes nearly everything in capitals: capitals tell no acronyms apart in it.")
    if source.dropped:
        rows = [
            (_words(reason), count, ", ".join(source.dropped_at.get(reason, [])), FAULT_REMEDIES.get(reason, ""))
            for reason, count in _falling(source.dropped)
        ]
        html += table(("rows left out because", "rows", "where, the first", "what to do"), rows)
    if source.repaired:
        rows = [
            (_REPAIRS.get(kind, _words(kind)), count, ", ".join(source.repaired_at.get(kind, [])))
            for kind, count in _falling(source.repaired)
        ]
        html += table(("rows put right and taken", "rows", "where, the first"), rows)
    if source.skipped_files:
        html += folded(
            f"{len(source.skipped_files):,} files are no terminology and were passed over",
            table(("file",), [(name,) for name in source.skipped_files]),
        )
    return html


def _rules(report: BuildReport) -> str:
    if not report.terms_dropped:
        return paragraph("None.", "soft")
    html = ""
    for reason, count in _falling(report.terms_dropped):
        derived = reason.endswith("_variant")
        meaning = _RULES.get(reason.removesuffix("_variant"), "")
        form = "derived forms: " if derived else ""
        examples = report.examples.get(reason, [])
        cut = f"; {len(examples)} examples" if len(examples) < count else ""
        title = f"{_words(reason.removesuffix('_variant'))}: {count:,} ({form}{meaning}{cut})"
        html += folded(title, table(("code", "term"), examples))
    if report.long_terms_kept:
        html += paragraph(f"{report.long_terms_kept:,} terms are too long, but kept as the only ones of their codes.")
    return html


def _content(report: BuildReport) -> str:
    html = "<h3>Codes by system</h3>\n" + bars(("system", "codes"), _falling(report.codes_by_system))
    html += paragraph(f"{report.chronic_codes:,} of them are chronic diseases.", "soft")
    html += "<h3>Strings by kind</h3>\n" + bars(("kind", "strings"), _falling(report.terms_by_kind))
    derived = [(_DERIVED.get(rule, _words(rule)), count) for rule, count in _falling(report.derived)]
    if derived:
        html += "<h3>Derived by rule</h3>\n" + bars(("rule", "strings"), derived)
    tags = [(tag or "(no semantic tag)", count) for tag, count in _falling(report.terms_by_tag)]
    return html + "<h3>Strings by semantic tag</h3>\n" + bars(("semantic tag", "strings"), tags)


def _overrides(report: BuildReport) -> str:
    rows = []
    for outcome in report.overrides:
        colour, label = _STATES[outcome.state]
        state = Markup(f'<span class="{colour}">{escape(label)}</span>')
        code = f"{outcome.system} {outcome.code}".strip()
        rows.append((str(outcome.line), outcome.action, outcome.term, code, state, outcome.detail))
    return table(("line", "action", "term", "code", "result", "what it did"), rows)


def _code(code: NamedCode, *, origin: bool = True) -> str:
    place = f' <span class="soft">{escape(code.origin)}</span>' if origin and code.origin else ""
    kind = escape(code.kind + (f", {_words(code.rule)}" if code.rule else ""))
    kind = f' <span class="soft">({kind})</span>' if kind else ""
    return f"<code>{escape(code.code)}</code> {escape(code.name)}{kind}{place}"


def _shared_rows(listing: Listing[SharedString]) -> list[tuple[str, Markup]]:
    return [(row.string, Markup("<br>".join(map(_code, row.codes)))) for row in listing.shown]


def _finding_sections(report: BuildReport, findings: Findings) -> list[Section]:
    share = f" ({100 * report.ambiguous / report.strings:.1f} % of all)" if report.strings else ""
    ambiguous = [
        (
            row.string,
            Markup(f"<b>{_code(row.codes[0])}</b>"),
            Markup("<br>".join(map(_code, row.codes[1:]))),
            _DECIDED.get(row.decided_by, row.decided_by),
        )
        for row in findings.ambiguous.shown
    ]
    doubtful = [(row.string, Markup(_code(row.code)), Markup(_code(row.named))) for row in findings.doubtful.shown]
    names = [(row.code, row.name, row.source, row.other_name, row.other_source) for row in findings.other_names.shown]
    lengths = ", ".join(f"{count:,} of {length}" for length, count in findings.short_by_length.items())
    acronyms = (
        paragraph(
            "These acronyms equal an everyday word, or a word that other terms use in small letters. They match in"
            " capitals only."
        )
        + long_list(
            findings.word_acronyms.total, ("acronym", "codes"), _shared_rows(findings.word_acronyms), "such acronyms"
        )
        + "<h3>Strings of up to three letters</h3>\n"
        + (paragraph(f"By number of letters and digits: {lengths}.", "soft") if lengths else "")
        + paragraph("Short strings mean different things in different clinics. Suppress those that you do not use.")
        + long_list(findings.short.total, ("string", "codes"), _shared_rows(findings.short), "short strings")
    )
    return [
        Section(
            "ambiguous",
            "Ambiguous strings",
            paragraph(
                f"{report.ambiguous:,} strings name several codes{share}. One is chosen, the others stand as candidates"
                " beside it. Where only the order of the sources decides, a prefer line in the overrides settles it."
            )
            + long_list(
                findings.ambiguous.total, ("string", "chosen", "also", "decided by"), ambiguous, "ambiguous strings"
            ),
        ),
        Section(
            "doubtful",
            "Synonyms that are another code's name",
            paragraph(
                "A synonym of one code that is the preferred name of another one is often wrong, or wider or narrower"
                " than the code. Suppress it for the first code if it is."
            )
            + long_list(
                findings.doubtful.total, ("string", "synonym of", "but the name of"), doubtful, "doubtful synonyms"
            ),
        ),
        Section("acronyms", "Acronyms and short strings", acronyms),
        Section("retired", "Retired codes", _retired(findings)),
        Section(
            "names",
            "Names that differ",
            "<h3>Codes with several preferred names</h3>\n"
            + paragraph("The first source names the code. A name that means something else is a wrong mapping.")
            + long_list(
                findings.other_names.total, ("code", "name used", "from", "other name", "from"), names, "other names"
            )
            + "<h3>Codes that share a preferred name</h3>\n"
            + paragraph("Two codes of one system with one name: often one of them is retired, or a mapping is wrong.")
            + long_list(findings.same_name.total, ("name", "codes"), _shared_rows(findings.same_name), "shared names"),
        ),
    ]


def _retired(findings: Findings) -> str:
    retired = findings.retired
    html = ""
    for title, text, listing in (
        ("Redirected", "They lead to their one successor.", retired.redirected),
        ("To be chosen", "They have possible successors, but no single one: nothing leads there.", retired.choose),
        ("Without a successor", "They are gone; a codelist that has them loses them.", retired.ended),
        ("Retired, but used by a source", "They stay in use. Check the source that has them.", retired.still_used),
    ):
        rows = [
            (row.code, row.name, _words(row.reason), Markup("<br>".join(_successors(row)))) for row in listing.shown
        ]
        html += f"<h3>{title}</h3>\n" + (paragraph(text) if listing.total else "")
        html += long_list(listing.total, ("code", "last name", "reason", "successors"), rows, "codes")
    return html


def _successors(row: RetiredRow) -> list[str]:
    return [
        f"<code>{escape(code)}</code> {escape(name or 'not in this terminology')}"
        + (f' <span class="soft">({escape(association.lower())})</span>' if association else "")
        for association, code, name in row.successors
    ]


def _relations(report: BuildReport) -> str:
    relations = report.relations
    html = paragraph(
        f"{relations.isa_edges:,} is-a relations give {relations.isa_pairs:,} pairs of a code and an ancestor; "
        f"{relations.isa_unknown:,} relations were left out, as a code of theirs is not in the terminology."
        if relations.isa_edges or relations.isa_unknown
        else "The sources give no is-a relations: no descendants, no roll-up."
    )
    if relations.isa_unknown_examples:
        html += folded("Relations with an unknown code", table(("code", "parent"), relations.isa_unknown_examples))
    if relations.on_circle:
        html += notice(f"{len(relations.on_circle):,} codes lie on circles of is-a relations; those were left out.")
        html += folded("Codes on circles", table(("code",), [(code,) for code in relations.on_circle]))
    if relations.refset_members:
        rows = sorted(relations.refset_members.items())
        unknown = (
            f"; {relations.refset_unknown:,} members are not in the terminology" if relations.refset_unknown else ""
        )
        html += folded(f"{len(rows):,} reference sets{unknown}", table(("reference set", "members"), rows))
    if relations.maps:
        html += "<h3>Maps</h3>\n" + table(("from and to", "rows"), sorted(relations.maps.items()))
    return html


def _without_terms(report: BuildReport) -> str:
    return paragraph("They stay in the terminology, but will not be found in any note.") + long_list(
        len(report.codes_without_terms),
        ("system", "code", "preferred name"),
        report.codes_without_terms[:2_000],
        "codes",
    )
