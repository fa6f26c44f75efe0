"""negspaCy's term sets as cues (https://github.com/jenojp/negspacy): four lists of phrases, negation only."""

from __future__ import annotations

from collections.abc import Mapping

from ..cue_table import UNLIMITED, Category, CueRow, Direction, Reach, folded_words
from .context_rules import ImportedCues
from .report import ImportReport, RuleNote
from .rule_dicts import RuleNames

# list of the term set -> what its phrases do
TERM_LISTS: Mapping[str, tuple[Category, Direction]] = {
    "pseudo_negations": (Category.PSEUDO, Direction.NONE),
    "preceding_negations": (Category.NEGATED, Direction.FORWARD),
    "following_negations": (Category.NEGATED, Direction.BACKWARD),
    "termination": (Category.TERMINATOR, Direction.NONE),
}


def is_term_set(document: object) -> bool:
    """Whether a JSON document, or a Python dict, is a term set of negspaCy."""
    return isinstance(document, Mapping) and bool(set(document) & set(TERM_LISTS))


def cues_from_negspacy(
    terms: Mapping[str, object], source: str = "negspaCy", *, origin: str = "negspacy"
) -> ImportedCues:
    """Cues from a term set, as `termset("en_clinical").get_patterns()` gives it.

    Every phrase counts as a rule of the report. A phrase in two lists ("declined") gives two cues.

    >>> cues_from_negspacy({"preceding_negations": ["no sign of"]}).rows[0].direction.name
    'FORWARD'
    """
    report = ImportReport(source)
    names = RuleNames(origin)
    rows: list[CueRow] = []
    seen: set[tuple[object, ...]] = set()
    for name, phrases in terms.items():
        action = TERM_LISTS.get(name)
        listed = list(phrases) if isinstance(phrases, (list, tuple, set, frozenset)) else [phrases]
        for phrase in sorted(listed, key=str) if isinstance(phrases, (set, frozenset)) else listed:
            report.rules += 1
            literal = phrase[:40] if isinstance(phrase, str) else "?"
            if action is None:
                report.left_out.append(RuleNote(report.rules, literal, f"the list {name[:40]} is unknown here"))
                continue
            folded = tuple(folded_words(phrase)) if isinstance(phrase, str) else ()
            if not isinstance(phrase, str) or not folded:
                report.left_out.append(RuleNote(report.rules, literal, "no word in it"))
                continue
            report.taken += 1
            category, direction = action
            if (folded, category, direction) in seen:
                continue
            seen.add((folded, category, direction))
            rule = names.name(category.name.lower(), phrase)
            rows.append(CueRow(rule, phrase.lower(), category, direction, Reach.SENTENCE, UNLIMITED, ("", "")))
    rows.extend(_contained(rows, names, seen))
    report.rows = len(rows)
    return ImportedCues(rows, report)


def _contained(rows: list[CueRow], names: RuleNames, seen: set[tuple[object, ...]]) -> list[CueRow]:
    """What the phrases inside a longer phrase do, for the longer one: here it hides them, in negspaCy they act too
    ("was not", a following negation, has the preceding "not" in it)."""
    acting = [(tuple(folded_words(row.cue)), row) for row in rows if row.category != Category.PSEUDO]
    more: list[CueRow] = []
    for longer, row in acting:
        for shorter, inner in acting:
            key = (longer, inner.category, inner.direction)
            if len(shorter) >= len(longer) or key in seen or not _has(longer, shorter):
                continue
            seen.add(key)
            rule = names.name(inner.category.name.lower(), row.cue)
            more.append(CueRow(rule, row.cue, inner.category, inner.direction, inner.reach, inner.words, ("", "")))
    return more


def _has(longer: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    size = len(shorter)
    return any(longer[start : start + size] == shorter for start in range(len(longer) - size + 1))
