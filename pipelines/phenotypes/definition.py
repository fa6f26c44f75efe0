"""A phenotype definition as it is evaluated: typed, frozen, with everything short in the file written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

SOURCES = ("note", "claims", "ehr")
INDEX = "index"


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `first` to `last` (None is open), counted from the index time or from a fact of criterion `of`.

    With `absent` a fact counts only where the other criterion has none there.
    """

    first: int | None
    last: int | None
    of: str = INDEX
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Allowed names, and names that are not allowed; empty is no rule."""

    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.included or self.excluded)


@dataclass(frozen=True, slots=True)
class ValueTest:
    """Bounds of a number, each with whether it belongs to the range, and the units that may stand with it."""

    low: float | None
    high: float | None
    low_closed: bool = True
    high_closed: bool = True
    units: tuple[str, ...] = ()
    accept_unknown_unit: bool = False


@dataclass(frozen=True, slots=True)
class Leaf:
    """Facts of one kind, and how many there must be.

    `path` is the place in the tree, such as `inclusion/2/1`. Without concept sets and domains it is a test of the
    person at the index time (age, sex).
    """

    path: str
    name: str | None = None
    concept_sets: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    sources: tuple[str, ...] = SOURCES
    both: bool = False
    assertions: tuple[str, ...] = ("present",)
    min_count: int = 1
    min_distinct_days: int = 1
    windows: tuple[Window, ...] = ()
    sections: Choice = Choice()
    note_classes: Choice = Choice()
    value: ValueTest | None = None
    min_age: int | None = None
    max_age: int | None = None
    sex: str | None = None
    first_date: str | None = None
    last_date: str | None = None
    first_only: bool = False
    same_observation: bool = False

    @property
    def of_person(self) -> bool:
        """Whether it asks about the person and not about facts."""
        return not self.concept_sets and not self.domains

    @property
    def anchored(self) -> bool:
        """Whether a window or the observation period ties it to the index time itself."""
        return self.of_person or self.same_observation or any(window.of == INDEX for window in self.windows)


@dataclass(frozen=True, slots=True)
class Group:
    """Criteria taken together: `kind` is all, any, not or at_least (then `n` of them)."""

    path: str
    kind: str
    parts: tuple[Criterion, ...]
    name: str | None = None
    n: int = 1


Criterion: TypeAlias = Leaf | Group


@dataclass(frozen=True, slots=True)
class IndexRule:
    """Which day is the index day; see docs/phenotypes.md."""

    rule: str
    of: tuple[str, ...] = ()
    n: int = 1
    among: str = "events"
    gap_days: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Days that must be observed before and after the index day; with `candidates` other days are not chosen at all."""

    look_back_days: int = 0
    look_ahead_days: int = 0
    keep_unknown: bool = False
    candidates: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked definition. `document` is the file's content, `folder` where its own files are looked for."""

    phenotype_id: str
    name: str
    version: str
    status: str
    sha256: str
    index: IndexRule
    inclusion: Criterion
    exclusion: Criterion | None
    observation: Observation | None
    document: dict[str, Any]
    folder: Path
    where: str
    defined: tuple[Leaf, ...] = ()

    def nodes(self) -> Iterator[Criterion]:
        """Every criterion, a group before its parts; first those that are only referred to."""
        yield from self.defined
        for tree in (self.inclusion, self.exclusion):
            if tree is not None:
                yield from walk(tree)

    def leaves(self) -> list[Leaf]:
        """The leaves in order of the tree."""
        return [node for node in self.nodes() if isinstance(node, Leaf)]

    def by_name(self) -> dict[str, Leaf]:
        """Named leaves."""
        return {leaf.name: leaf for leaf in self.leaves() if leaf.name is not None}


def walk(node: Criterion) -> Iterator[Criterion]:
    """A criterion and all below it, a group before its parts."""
    yield node
    if isinstance(node, Group):
        for part in node.parts:
            yield from walk(part)


def wording(leaf: Leaf) -> str:
    """What a leaf asks for, in one line.

    >>> wording(Leaf("inclusion", concept_sets=("hf",), min_distinct_days=2, windows=(Window(-365, 0),)))
    'hf (present) on 2 days, day -365 to 0 of index'
    """
    parts: list[str] = []
    if not leaf.of_person:
        parts.append(" or ".join(leaf.concept_sets) or "anything")
        if leaf.domains:
            parts.append(f"in {'/'.join(leaf.domains)}")
        if leaf.both:
            parts.append("in notes and in claims or EHR")
        elif leaf.sources != SOURCES:
            parts.append("in " + " or ".join(leaf.sources))
        parts.append(f"({', '.join(leaf.assertions)})")
    if leaf.min_count > 1:
        parts.append(f"{leaf.min_count} times")
    if leaf.min_distinct_days > 1:
        parts.append(f"on {leaf.min_distinct_days} days")
    for label, choice in (("section", leaf.sections), ("note class", leaf.note_classes)):
        parts += [f"{label} {', '.join(choice.included)}"] if choice.included else []
        parts += [f"{label} not {', '.join(choice.excluded)}"] if choice.excluded else []
    if leaf.value is not None:
        parts.append(value_wording(leaf.value))
    if leaf.min_age is not None or leaf.max_age is not None:
        parts.append(f"age {_span(leaf.min_age, leaf.max_age)}")
    parts += [leaf.sex] if leaf.sex else []
    if leaf.first_date or leaf.last_date:
        parts.append(f"dated {_span(leaf.first_date, leaf.last_date)}")
    parts += ["first ever"] if leaf.first_only else []
    parts += ["in the same observation period"] if leaf.same_observation else []
    text = " ".join(parts)
    for window in leaf.windows:
        kind = "none" if window.absent else "day"
        text += f", {kind} {_span(window.first, window.last)} of {window.of}"
    return text


def value_wording(value: ValueTest) -> str:
    """A value test in one line.

    >>> value_wording(ValueTest(None, 40.0, units=("%",)))
    'value <= 40 %'
    """
    bounds = []
    if value.low is not None:
        bounds.append(f"{'>=' if value.low_closed else '>'} {value.low:g}")
    if value.high is not None:
        bounds.append(f"{'<=' if value.high_closed else '<'} {value.high:g}")
    return " ".join(["value", " and ".join(bounds), "/".join(value.units)]).rstrip()


def _span(first: object, last: object) -> str:
    if first is None:
        return f"up to {last}" if last is not None else "any"
    return f"from {first}" if last is None else f"{first} to {last}"
