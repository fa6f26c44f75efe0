"""Our cue table as medspaCy ConText rules, with a list of what medspaCy does otherwise.

medspaCy keeps one rule a phrase, so the cues of one phrase become one rule. The exact lines of the cue table stand in
the rule's metadata, which medspaCy ignores: importing the file again gives the same cues.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cue_table import ADJACENT_WORDS, COLUMNS, Category, CueRow, Direction, Reach, folded_words
from ..tokens import NUMBER, YEAR
from .context_rules import METADATA_KEY
from .report import ImportReport, RuleNote

_CATEGORIES = {
    Category.NEGATED: "NEGATED_EXISTENCE",
    Category.UNCERTAIN: "POSSIBLE_EXISTENCE",
    Category.HISTORICAL: "HISTORICAL",
    Category.HYPOTHETICAL: "HYPOTHETICAL",
    Category.FAMILY: "FAMILY",
    Category.OTHER: "OTHER_EXPERIENCER",
    Category.RESOLVED: "HISTORICAL",
    Category.AFFIRMED: "AFFIRMED",
    Category.TERMINATOR: "TERMINATOR",
    Category.PATIENT: "PATIENT",
    Category.PSEUDO: "PSEUDO",
}
_DIRECTIONS = {Direction.FORWARD: "FORWARD", Direction.BACKWARD: "BACKWARD", Direction.BOTH: "BIDIRECTIONAL"}
_CATEGORY_LOSS = {
    Category.OTHER: "medspaCy has no attribute for other people",
    Category.RESOLVED: "in medspaCy it is historical only, not also negated",
    Category.AFFIRMED: "in medspaCy it ends scopes of every kind",
    Category.PATIENT: "in medspaCy it ends scopes of every kind",
    Category.TERMINATOR: "in medspaCy it also ends scopes of family",
}
# An answer ("Fever: no") stands at most one token after its finding.
ANSWER_SCOPE = 2


@dataclass(slots=True)
class ExportedRules:
    """The document to write, and an account; `report.changed` says what medspaCy does otherwise."""

    document: dict[str, list[dict[str, Any]]]
    report: ImportReport


def medspacy_rules(cues: Iterable[CueRow], source: str = "cues") -> ExportedRules:
    """medspaCy's `context_rules` for cues; each phrase gives one rule.

    >>> from phenotext.nlp.cue_table import default_cues
    >>> exported = medspacy_rules([row for row in default_cues() if row.cue == "no evidence of"])
    >>> rule = exported.document["context_rules"][0]
    >>> rule["literal"], rule["category"], rule["direction"]
    ('no evidence of', 'NEGATED_EXISTENCE', 'FORWARD')
    """
    report = ImportReport(source)
    phrases: dict[tuple[str, ...], list[CueRow]] = {}
    for row in cues:
        report.rules += 1
        words = tuple(folded_words(row.cue))
        if words:
            phrases.setdefault(words, []).append(row)
            report.taken += 1
        else:
            report.left_out.append(RuleNote(report.rules, row.rule, "no word in it"))
    rules: list[dict[str, Any]] = []
    for words, rows in phrases.items():
        number = len(rules) + 1
        rules.append(_rule(words, rows))
        report.changed.extend(RuleNote(number, rows[0].rule, loss) for loss in _losses(rows))
    report.rows = len(rules)
    return ExportedRules({"context_rules": rules}, report)


def write_medspacy_rules(cues: Iterable[CueRow], path: Path) -> ImportReport:
    """Write cues as a file for `medspacy_context` (`config={"rules": path}`); returns what medspaCy does otherwise."""
    exported = medspacy_rules(cues, path.name)
    text = json.dumps(exported.document, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return exported.report


def _rule(words: tuple[str, ...], rows: Sequence[CueRow]) -> dict[str, Any]:
    first = rows[0]
    rule: dict[str, Any] = {"literal": first.cue, "category": _CATEGORIES[first.category]}
    if first.category == Category.PSEUDO:
        rule["direction"] = "PSEUDO"
    elif first.category in (Category.AFFIRMED, Category.TERMINATOR, Category.PATIENT):
        rule["direction"] = "TERMINATE"
    else:
        same = [row for row in rows if row.category == first.category]
        directions = {row.direction for row in same}
        both = Direction.BOTH in directions or len(directions - {Direction.NONE}) > 1
        rule["direction"] = "BIDIRECTIONAL" if both else _DIRECTIONS.get(first.direction, "BIDIRECTIONAL")
        scopes = [_scope(row) for row in same]
        if all(scope is not None for scope in scopes):
            rule["max_scope"] = max(scope for scope in scopes if scope is not None)
    if NUMBER in words or YEAR in words:
        rule["pattern"] = [_token(word) for word in words]
    rule["metadata"] = {METADATA_KEY: [_line(row) for row in rows]}
    return rule


def _token(word: str) -> dict[str, Any]:
    if word == YEAR:
        return {"TEXT": {"REGEX": r"^(?:19|20)\d\d$"}}
    return {"IS_DIGIT": True} if word == NUMBER else {"LOWER": word}


def _scope(row: CueRow) -> int | None:
    if row.reach == Reach.WORDS:
        return row.words + 1
    return ANSWER_SCOPE if row.reach == Reach.ANSWER else None


def _losses(rows: Sequence[CueRow]) -> list[str]:
    losses = {_CATEGORY_LOSS[row.category] for row in rows[:1] if row.category in _CATEGORY_LOSS}
    acting = [row for row in rows if row.category <= Category.RESOLVED]
    if any(row.reach == Reach.CLAUSE for row in acting):
        losses.add("its scope is the clause here, the sentence in medspaCy")
    if any(row.reach == Reach.ANSWER for row in acting):
        losses.add(f"an answer here, a scope of {ANSWER_SCOPE} tokens in medspaCy")
    if len({row.category for row in rows}) > 1:
        losses.add(f"medspaCy keeps one rule a phrase, {rows[0].rule}")
    elif len({row.direction for row in rows}) > 1:
        losses.add("medspaCy keeps one rule a phrase, in both directions")
    return sorted(losses)


def _line(row: CueRow) -> dict[str, str]:
    if row.reach != Reach.WORDS:
        reach = row.reach.name.lower()
    else:
        reach = "adjacent" if row.words == ADJACENT_WORDS else str(row.words)
    values = (row.rule, row.cue, row.category.name.lower(), row.direction.name.lower(), reach, *row.examples)
    return dict(zip(COLUMNS, values))
