"""medspaCy's ConText rules as cues (https://github.com/medspacy/medspacy).

A rule's category names the axis, its direction where the targets stand, and its scope is the sentence, or `max_scope`
tokens. One rule may stand for several phrases, hence for several cues. What phenotext's scopes add (stops at
semicolons, at commas before a subject, ...) is described in docs/context.md and stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..cue_table import UNLIMITED, Category, CueRow, Direction, Reach, folded_words, parse_reach
from .report import ImportReport
from .rule_dicts import RuleDict, RuleNames, differ, leave_out, positive_number, rule_dicts
from .token_patterns import UntranslatableError, phrases_of

# The categories of medspaCy's own rules (the last two in its French ones) that set an axis.
CATEGORIES: Mapping[str, Category] = {
    "NEGATED_EXISTENCE": Category.NEGATED,
    "POSSIBLE_EXISTENCE": Category.UNCERTAIN,
    "HISTORICAL": Category.HISTORICAL,
    "HYPOTHETICAL": Category.HYPOTHETICAL,
    "FAMILY": Category.FAMILY,
    "UNCERTAIN": Category.UNCERTAIN,
    "CONDITIONAL": Category.HYPOTHETICAL,
}
# TERMINATE and PSEUDO act alike whatever the rule's category.
_ENDS = {"TERMINATE": Category.TERMINATOR, "PSEUDO": Category.PSEUDO}
_DIRECTIONS = {"FORWARD": Direction.FORWARD, "BACKWARD": Direction.BACKWARD, "BIDIRECTIONAL": Direction.BOTH}
_KEYS = ("direction", "rule", "allowed_types", "excluded_types", "max_scope", "max_targets", "terminated_by")
# Under this key of a rule's metadata our own export keeps the exact lines of the cue table.
METADATA_KEY = "phenotext_cues"


@dataclass(slots=True)
class ImportedCues:
    """Cues and the account of how they came about. `Extractor(cues=imported.rows)` uses them alone."""

    rows: list[CueRow]
    report: ImportReport


@dataclass(slots=True)
class _Rows:
    """Rows so far; a row that says the same as one before it is not added again."""

    report: ImportReport
    names: RuleNames
    rows: list[CueRow] = field(default_factory=list)
    seen: set[tuple[object, ...]] = field(default_factory=set)

    def add(self, phrase: str, category: Category, direction: Direction, reach: Reach, words: int) -> bool:
        """Whether the phrase has words at all."""
        folded = tuple(folded_words(phrase))
        if not folded:
            return False
        key = (folded, category, direction, reach, words)
        if key not in self.seen:
            self.seen.add(key)
            name = self.names.name(category.name.lower(), phrase)
            self.rows.append(CueRow(name, phrase.lower(), category, direction, reach, words, ("", "")))
            self.report.rows += 1
        return True


def cues_from_medspacy(
    rules: Sequence[object],
    source: str = "context_rules",
    *,
    origin: str = "medspacy",
    categories: Mapping[str, Category] | None = None,
) -> ImportedCues:
    """Cues from the list under `context_rules` of a medspaCy file.

    Args:
        rules: rule objects as in the JSON; the names of medspaCy 1.x (`direction`) and of earlier files (`rule`).
        source: what the report calls them.
        origin: second part of the rules' names.
        categories: further category names (in capitals) and what they do here; they go before the known ones.

    Returns:
        The cues, and a report in which every rule that was not taken has its reason.

    >>> rule = {"literal": "no", "category": "NEGATED_EXISTENCE", "direction": "FORWARD"}
    >>> cues_from_medspacy([rule]).rows[0].rule
    'negated.medspacy.no'
    """
    report = ImportReport(source)
    table = {**CATEGORIES, **{name.upper(): category for name, category in (categories or {}).items()}}
    rows = _Rows(report, RuleNames(origin))
    for rule in rule_dicts(rules, report, _KEYS):
        try:
            _take(rule, table, rows)
        except UntranslatableError as error:
            leave_out(report, rule.number, rule.name, str(error))
        else:
            report.taken += 1
    return ImportedCues(rows.rows, report)


def _take(rule: RuleDict, categories: Mapping[str, Category], rows: _Rows) -> None:
    kept = _own_lines(rule)
    if kept is not None:
        rows.rows.extend(kept)
        rows.report.rows += len(kept)
        return
    category, direction = _category(rule, categories)
    for limit in ("allowed_types", "excluded_types"):
        if rule.fields.get(limit):
            raise UntranslatableError(f"{limit}: it acts on some types of entity only, a cue acts on every finding")
    scope = positive_number(rule.fields.get("max_scope"), "max_scope")
    targets = positive_number(rule.fields.get("max_targets"), "max_targets")
    phrases = phrases_of(rule.literal, rule.pattern)
    # a scope of n tokens reaches a target with at most n - 1 tokens before it
    reach, words = (Reach.SENTENCE, UNLIMITED) if scope is None else (Reach.WORDS, scope - 1)
    taken = [rows.add(phrase, category, direction, reach, words) for phrase in phrases.phrases]
    if not any(taken):
        raise UntranslatableError("no word in it")
    for difference in phrases.differences:
        differ(rows.report, rule, difference)
    if targets is not None and category <= Category.RESOLVED:
        differ(rows.report, rule, "max_targets is not kept: it acts on every finding in its scope")
    if rule.fields.get("terminated_by"):
        differ(rows.report, rule, "terminated_by is not kept: its scope ends where every scope of its kind ends")


def _category(rule: RuleDict, categories: Mapping[str, Category]) -> tuple[Category, Direction]:
    direction = rule.fields.get("direction", rule.fields.get("rule", "BIDIRECTIONAL"))
    direction = direction.upper() if isinstance(direction, str) else ""
    if direction in _ENDS:
        return _ENDS[direction], Direction.NONE
    if direction not in _DIRECTIONS:
        raise UntranslatableError("a direction unknown here")
    category = categories.get(rule.category.upper())
    if category is None:
        raise UntranslatableError(f"category {rule.category[:40] or '(none)'} sets no axis; map it with `categories`")
    return category, Direction.NONE if category >= Category.TERMINATOR else _DIRECTIONS[direction]


def _own_lines(rule: RuleDict) -> list[CueRow] | None:
    """The lines of the cue table that our export kept in the metadata; None if this is no rule of ours."""
    metadata = rule.fields.get("metadata")
    lines = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
    if not isinstance(lines, list) or not lines:
        return None
    try:
        return [_own_line(line) for line in lines]
    except (KeyError, TypeError, ValueError):
        raise UntranslatableError(f"its metadata under {METADATA_KEY} is damaged; remove it there") from None


def _own_line(line: Mapping[str, Any]) -> CueRow:
    reach, words = parse_reach(str(line["reach"]))
    return CueRow(
        rule=str(line["rule"]),
        cue=str(line["cue"]),
        category=Category[str(line["category"]).upper()],
        direction=Direction[str(line["direction"]).upper()],
        reach=reach,
        words=words,
        examples=(str(line["positive"]), str(line["negative"])),
    )
