"""The parts that all medspaCy rules share: reading them out of JSON without trusting it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..normalize import fold
from .report import ImportReport, RuleNote
from .token_patterns import UntranslatableError

MAX_NAME = 40
_NOT_IN_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class RuleDict:
    """One rule of a medspaCy file. `number` counts from 1."""

    number: int
    literal: str
    category: str
    pattern: object
    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The literal, shortened for a report."""
        return self.literal if len(self.literal) <= MAX_NAME else self.literal[: MAX_NAME - 1] + "…"


def rule_dicts(rules: Sequence[object], report: ImportReport, known: Iterable[str]) -> Iterable[RuleDict]:
    """The rules that can be read at all; others go into the report. Keys that mean nothing here are reported too."""
    known = {"literal", "category", "pattern", "metadata", *known}
    for number, item in enumerate(rules, start=1):
        report.rules += 1
        if not isinstance(item, Mapping):
            leave_out(report, number, "?", f"not an object but a {type(item).__name__}")
            continue
        literal, category = item.get("literal"), item.get("category", item.get("section_title"))
        pattern = item.get("pattern")
        if literal is None and isinstance(pattern, str):
            literal, pattern = pattern, None  # files of the clinical_sectionizer have no literal
        if not isinstance(literal, str) or not literal.strip():
            leave_out(report, number, "?", "no literal")
            continue
        if category is not None and not isinstance(category, str):
            category = None
        rule = RuleDict(number, literal, (category or "").strip(), pattern, item)
        strange = sorted(str(key) for key, value in item.items() if key not in known and value is not None)
        if strange:
            differ(report, rule, f"not understood: {', '.join(strange)}")
        yield rule


def leave_out(report: ImportReport, number: int, literal: str, reason: str) -> None:
    """Enter a rule that is not taken."""
    report.left_out.append(RuleNote(number, literal, reason))


def differ(report: ImportReport, rule: RuleDict, difference: str) -> None:
    """Enter a difference between a rule and what was made of it."""
    report.changed.append(RuleNote(rule.number, rule.name, difference))


def positive_number(value: object, name: str) -> int | None:
    """A positive whole number or None; anything else makes the rule unusable (UntranslatableError)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UntranslatableError(f"{name} is not a positive whole number")
    return value


class RuleNames:
    """Unique rule names of the form `category.origin.words`."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._used: dict[str, int] = {}

    def name(self, category: str, phrase: str) -> str:
        """A name that was not given before."""
        words = _NOT_IN_NAME.sub("_", fold(phrase)).strip("_")[:MAX_NAME] or "symbol"
        name = f"{category}.{self.origin}.{words}"
        count = self._used.get(name, 0)
        self._used[name] = count + 1
        return name if count == 0 else f"{name}_{count + 1}"
