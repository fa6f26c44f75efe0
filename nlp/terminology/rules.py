"""Which terms may be matched in notes, and in which forms: the filter and the variants between the sources and the
compiler.

Left out are terms whose semantic tag says that they are no clinical fact (`nlp/data/unmatched_tags.txt`), terms that
are plain English, numbers, single letters or punctuation, and terms that hold a context of their own. Terms of more
than `MAX_WORDS` words are left out unless their code has no other. Everything left out is counted with examples in a
`RuleReport`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from .plain_english import plain_english_words
from .rows import TermVariant
from .source_term import SourceTerm
from .variants import clean_name, is_acronym, part_order, split_trailing_acronym, uninverted, without_unspecified
from .word_list import word_list

MAX_WORDS = 20
DERIVED_RANK = 4

_RANKS = {"preferred": 0, "synonym": 1, "lay": 2, "abbreviation": 3}
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
# "History of hypertension" is hypertension with a temporality: the axes say so, the dictionary must find the disease.
_CONTEXT = re.compile(
    r"(?:(?:past|personal|family|prior|previous)\s+)?(?:history|h/o)(?:\s+of\b|:)|family history\b|fh[:/]"
    r"|denies\b|suspected\b"
    r"|(?:at\s+)?(?:increased\s+|high\s+)?risk\s+(?:of|for)\b|at\s+risk\b|no\s+(?:evidence|history|h/o)\b",
    re.IGNORECASE,
)
# "N/V", "I&D": written so they are abbreviations, in small letters too.
_LETTER_PAIR = re.compile(r"[A-Za-z][/&][A-Za-z]")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)?")


@dataclass(slots=True)
class RuleReport:
    """What the rules did. `examples` holds up to `max_examples` (code, term) of each reason, in the order met."""

    max_examples: int = 20
    terms: int = 0
    terms_kept: int = 0
    variants: int = 0
    acronyms: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    derived: dict[str, int] = field(default_factory=dict)
    kept_only_term: int = 0
    codes_without_terms: list[tuple[str, str, str]] = field(default_factory=list)
    """(system, code, preferred name) of codes none of whose terms may be matched; complete once the terms are used
    up."""

    def drop(self, reason: str, code: str, term: str) -> None:
        """Count a term left out."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        seen = self.examples.setdefault(reason, [])
        if len(seen) < self.max_examples:
            seen.append((code, term))


def drop_reason(term: str) -> str | None:
    """Why a term must not be matched, or None if it may be.

    Reasons: `punctuation`, `numeric`, `one_letter`, `plain_english`, `context`, `too_long`. Acronyms in capitals are
    not plain English: `ALL` is kept, `all` is not. `context` are names that hold their own negation, certainty,
    temporality or experiencer ("family history of asthma").
    """
    words: list[str] = _WORD.findall(term.lower())
    if "'" in term or "’" in term:
        words = [_POSSESSIVE.sub("", word) for word in words]
    if not words:
        return "punctuation"
    first = words[0]
    if first[0].isdigit() and all(_ORDINAL.fullmatch(word) for word in words):
        return "numeric"
    if len(words) == 1 and len(first) == 1:
        return "one_letter"
    if len(words) > MAX_WORDS:
        return "too_long"
    if _LETTER_PAIR.fullmatch(term.strip()):
        return None
    if _CONTEXT.match(term):
        return "context"
    if len(words) == 2 and all(len(word) == 1 or _ORDINAL.fullmatch(word) for word in words):
        return "one_letter"
    if len(words) <= 4 and not is_acronym(term.strip()) and _is_plain(words):
        return "plain_english"
    return None


def _is_plain(words: list[str]) -> bool:
    plain = plain_english_words()
    if len(words) > 1:
        return " ".join(words) in plain
    word = words[0]
    return word in plain or (len(word) > 3 and word.endswith("s") and word[:-1] in plain)


def forms(term: str, semantic_tag: str | None = None) -> list[tuple[str, str]]:
    """(string, rule) of every form of a term: the cleaned term itself with an empty rule first, then the derived
    ones, none twice."""
    name = clean_name(term, semantic_tag)
    found: dict[str, str] = {name: ""}
    todo = [name]
    while todo:
        form = todo.pop()
        for rule, derived in _derived(form):
            if derived not in found:
                found[derived] = rule
                # A reordered form would be turned back by the same rule.
                if rule in ("unspecified", "acronym_long", "inverted"):
                    todo.append(derived)
    return list(found.items())


def _derived(form: str) -> Iterator[tuple[str, str]]:
    shorter = without_unspecified(form)
    if shorter:
        yield "unspecified", shorter
    pair = split_trailing_acronym(form)
    if pair:
        yield "acronym_long", pair[0]
        yield "acronym_short", pair[1]
    for turned in uninverted(form):
        yield "inverted", turned
    for turned in part_order(form):
        yield "part_order", turned


def compile_terms(
    terms: Iterable[SourceTerm],
    report: RuleReport | None = None,
    *,
    capitals_mean_acronym: bool = True,
    match_tags: Collection[str] = (),
) -> Iterator[TermVariant]:
    """The strings to match for each term, in order; lazily, so that a million terms need no second copy.

    Args:
        terms: terms of one source or of several.
        report: filled while the result is read; `codes_without_terms` stands at the end.
        capitals_mean_acronym: False for sources written in capitals throughout, whose short words are words.
        match_tags: semantic tags to match although `nlp/data/unmatched_tags.txt` has them.
    """
    report = RuleReport() if report is None else report
    held: dict[tuple[str, str], SourceTerm] = {}
    without: dict[tuple[str, str], str] = {}
    matched: set[tuple[str, str]] = set()
    unmatched_tags = word_list("unmatched_tags.txt").difference(match_tags)
    for term in terms:
        report.terms += 1
        if term.semantic_tag in unmatched_tags:
            report.drop("unmatched_tag", term.code, term.term)
            continue
        key = (term.system, term.code)
        emitted = False
        for text, rule in forms(term.term, term.semantic_tag):
            acronym = (
                is_acronym(text)
                and not _LETTER_PAIR.fullmatch(text)
                and (capitals_mean_acronym or rule == "acronym_short")
            )
            reason = drop_reason(text if acronym or capitals_mean_acronym else text.lower())
            if reason:
                if rule == "":
                    report.drop(reason, term.code, text)
                    if reason == "too_long":
                        held.setdefault(key, term)
                else:
                    report.drop(f"{reason}_variant", term.code, text)
                continue
            emitted = True
            yield _variant(term, text, rule, acronym, report)
        if emitted:
            report.terms_kept += 1
            matched.add(key)
        else:
            without.setdefault(key, term.preferred)
    for key, preferred in without.items():
        if key in matched:
            continue
        term = held.get(key)
        if term is None:
            report.codes_without_terms.append((*key, preferred))
        else:
            report.kept_only_term += 1
            report.terms_kept += 1
            yield _variant(term, clean_name(term.term, term.semantic_tag), "", False, report)


def _variant(term: SourceTerm, text: str, rule: str, acronym: bool, report: RuleReport) -> TermVariant:
    report.variants += 1
    report.acronyms += acronym
    kind = "abbreviation" if rule == "acronym_short" else term.kind
    rank = _RANKS[kind]
    if rule:
        report.derived[rule] = report.derived.get(rule, 0) + 1
        rank += DERIVED_RANK
    return TermVariant(term.code, term.system, text, acronym, kind, rank)
