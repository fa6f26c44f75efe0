"""What a new release of a terminology changes, as one web page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..nlp.terminology.build_findings import Listing, NamedCode, RetiredRow
from ..nlp.terminology.diff import MovedString, Renamed, TerminologyDiff
from ..nlp.terminology.phenotype_changes import SetChange
from .report_page import Markup, Section, figures, long_list, notice, page, paragraph, table
from .run_changes import RunChanges

_HOW = {
    "moved": ("bad", "moved to another code"),
    "reordered": ("warn", "another code is chosen"),
    "followed": ("good", "successor of the retired code"),
}
_CHANGES = {
    "moved": "string leads to another code",
    "not_found": "string names nothing any more",
    "removed": "code is gone",
    "new_parents": "code has other parents",
}
_WHY = {"retired": "retired", "removed": "removed", "left": "still a code, no longer in the set"}


def diff_page(changes: TerminologyDiff, sets: Sequence[SetChange] = (), run: RunChanges | None = None) -> str:
    """HTML of a difference, the user's own phenotypes and run first."""
    (old, old_release, _), (new, new_release, _) = changes.names.old, changes.names.new
    lead = paragraph(f"From {_title(old, old_release)} to {_title(new, new_release)}.", "soft")
    lead += figures(
        [
            ("codes before", changes.codes_before),
            ("codes now", changes.codes),
            ("codes added", changes.added.total),
            ("codes retired", changes.retired.total),
            ("codes removed", changes.removed.total),
            ("strings to another code", changes.moved.total),
            ("strings lost", changes.strings_lost),
            ("strings new", changes.strings_gained),
        ]
    )
    sections: list[Section] = []
    if sets:
        sections.append(Section("phenotypes", "Your concept sets", _overview(sets) + "".join(map(_set, sets))))
    if run is not None:
        sections.append(Section("run", "Your run", _run(run)))
    sections += [
        Section("moved", "Strings that lead to another code", _moved(changes)),
        Section("codes", "Codes added, retired and removed", _codes(changes)),
        Section("names", "Names, tags and chronic flags", _names(changes.changed)),
        Section("terms", "Terms of codes in both", _terms(changes)),
        Section("parents", "Parents", _parents(changes)),
    ]
    return page(f"{new}: what the release changes", lead, sections)


def _title(name: str, release: str) -> str:
    return f"{name} (release {release})" if release else name


def _code(code: NamedCode) -> str:
    return f"<code>{escape(code.code)}</code> {escape(code.name)}"


def _codes_cell(codes: Iterable[NamedCode]) -> Markup:
    return Markup("<br>".join(map(_code, codes)))


def _successors(successors: Iterable[tuple[str, str, str]]) -> Markup:
    return Markup(
        "<br>".join(
            f"<code>{escape(code)}</code> {escape(name or 'not in the new release')}"
            + (f' <span class="soft">({escape(association.lower())})</span>' if association else "")
            for association, code, name in successors
        )
    )


def _overview(sets: Sequence[SetChange]) -> str:
    rows = [
        (
            change.name,
            change.before,
            change.now,
            change.gained.total,
            change.lost.total,
            change.strings_in.total,
            change.strings_out.total,
        )
        for change in sets
    ]
    headers = ("concept set", "concepts before", "now", "gained", "lost", "strings in", "strings out")
    return table(headers, rows)


def _set(change: SetChange) -> str:
    if not change.changed and not change.warnings:
        return ""
    html = f"<h3>{escape(change.name)}</h3>\n" + "".join(map(notice, change.warnings))
    if change.gained.total:
        rows = [(row.code, row.name) for row in change.gained.shown]
        what = f"members gained, {change.new_codes:,} of them new codes"
        html += long_list(change.gained.total, ("code", "name"), rows, what)
    if change.lost.total:
        lost = [
            (row.code.code, row.code.name, _WHY.get(row.why, row.why), _successors(row.successors))
            for row in change.lost.shown
        ]
        html += long_list(change.lost.total, ("code", "name", "why", "successors"), lost, "members lost")
    notes = [(note.code, note.name, note.what.replace("_", " "), note.detail) for note in change.replaced]
    notes += [(note.code, note.name, note.what.replace("_", " "), note.detail) for note in change.unresolved]
    if notes:
        html += long_list(
            len(notes), ("code", "name in the set", "now", "detail"), notes, "lines of the set to look at"
        )
    for listing, what in (
        (change.strings_in, "strings that now lead into the set"),
        (change.strings_out, "strings that now lead out of the set"),
    ):
        if listing.total:
            html += _moved_list(listing, what)
    return html


def _run(run: RunChanges) -> str:
    html = paragraph(f"{run.concerned:,} of {run.mentions:,} mentions are concerned. Run the notes again to see them.")
    if not run.same_terminology:
        html += notice("The run was not made with the old terminology; the counts are an estimate.")
    if run.unknown_code:
        html += notice(f"{run.unknown_code:,} mentions have a code that the old terminology does not have.")
    if not run.strings_known:
        html += notice("The run keeps no strings (phi=minimal): only codes are compared.")
    rows = [
        (
            _CHANGES[row.change],
            _codes_cell([row.code]),
            _codes_cell([row.now]) if row.now and row.change != "new_parents" else "",
            row.mentions,
            row.patients,
        )
        for row in run.rows.shown
    ]
    return html + long_list(run.rows.total, ("change", "code", "now", "mentions", "patients"), rows, "codes concerned")


def _moved_list(listing: Listing[MovedString], what: str) -> str:
    rows = []
    for row in listing.shown:
        colour, label = _HOW[row.how]
        how = Markup(f'<span class="{colour}">{escape(label)}</span>')
        string = row.string or Markup('<span class="soft">(a derived form)</span>')
        rows.append((string, _codes_cell([row.before]), _codes_cell([row.now]), how))
    return long_list(listing.total, ("string", "before", "now", "how"), rows, what)


def _moved(changes: TerminologyDiff) -> str:
    counts = ", ".join(f"{count:,} {_HOW[how][1]}" for how, count in changes.moved_by_kind.items())
    text = "The same words in a note give another code than before. Read the first ones: they change results silently."
    return (
        paragraph(text)
        + (paragraph(f"{counts}.", "soft") if counts else "")
        + _moved_list(changes.moved, "strings lead to another code")
    )


def _codes(changes: TerminologyDiff) -> str:
    def plain(listing: Listing[NamedCode], what: str) -> str:
        rows = [(row.system, row.code, row.name) for row in listing.shown]
        return long_list(listing.total, ("system", "code", "name"), rows, what)

    def fate(row: RetiredRow) -> tuple[str, str, str, Markup]:
        return (row.code, row.name, row.reason.replace("_", " "), _successors(row.successors))

    return (
        "<h3>Added</h3>\n"
        + plain(changes.added, "codes added")
        + "<h3>Retired</h3>\n"
        + long_list(
            changes.retired.total,
            ("code", "name", "reason", "successors"),
            [fate(row) for row in changes.retired.shown],
            "codes retired",
        )
        + "<h3>Removed without a word</h3>\n"
        + plain(changes.removed, "codes removed")
    )


def _names(listing: Listing[Renamed]) -> str:
    rows = []
    for row in listing.shown:
        tag = f"{row.tag_before or 'none'} to {row.tag or 'none'}" if row.tag_before != row.tag else ""
        chronic = ("now chronic" if row.chronic else "no longer chronic") if row.chronic != row.chronic_before else ""
        name = row.name if row.name != row.name_before else ""
        rows.append((row.code, row.name_before, name, tag, chronic))
    return long_list(listing.total, ("code", "name before", "new name", "semantic tag", "chronic"), rows, "codes")


def _terms(changes: TerminologyDiff) -> str:
    html = paragraph(
        f"{changes.strings_lost:,} strings name nothing any more, {changes.strings_gained:,} are new. Beside the terms"
        f" below, codes in both lost {changes.derived_lost:,} and gained {changes.derived_gained:,} forms that rules"
        " derive."
    )
    for title, listing in (("Lost", changes.terms_lost), ("Gained", changes.terms_gained)):
        rows = [(row.string, _codes_cell([row.code])) for row in listing.shown]
        html += f"<h3>{title}</h3>\n" + long_list(listing.total, ("term", "code"), rows, f"terms {title.lower()}")
    return html


def _parents(changes: TerminologyDiff) -> str:
    rows = [(_codes_cell([row.code]), _codes_cell(row.lost), _codes_cell(row.gained)) for row in changes.parents.shown]
    return long_list(
        changes.parents.total, ("code", "parents lost", "parents gained"), rows, "codes with other parents"
    )
