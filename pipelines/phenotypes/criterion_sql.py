"""The SQL of one criterion: which facts it takes, and on which days."""

from __future__ import annotations

from collections.abc import Iterable

from ..database import literal
from .definition import Leaf, ValueTest, Window

SEX = {"male": 8507, "female": 8532}


def listed(names: Iterable[str]) -> str:
    """Several SQL strings."""
    return ", ".join(literal(name) for name in names)


def fact_filter(leaf: Leaf) -> str:
    """SELECT of the leaf's facts: set, source, assertion, then everything that a fact alone decides."""
    kind: list[str] = []
    if leaf.concept_sets:
        kind.append(
            "(f.code, f.base_concept_id) IN\n          (SELECT code, base_concept_id FROM set_member WHERE set_name IN "
            f"({listed(leaf.concept_sets)}))"
        )
    if leaf.domains:
        kind.append(f"f.domain IN ({listed(leaf.domains)})")
    kind.append(f"f.source IN ({listed(leaf.sources)})" if leaf.sources else "false  -- no such source")
    kind.append(f"f.assertion IN ({listed(leaf.assertions)})")
    more = [
        *_choice("f.section", leaf.sections.included, leaf.sections.excluded),
        *_choice("f.note_class", leaf.note_classes.included, leaf.note_classes.excluded),
        *(_value(leaf.value) if leaf.value is not None else []),
        *age_sql(leaf, "p.birth_date", "f.clinical_time"),
    ]
    if leaf.sex is not None:
        more.append(f"p.gender_concept_id = {SEX[leaf.sex]}")
    if leaf.first_date is not None:
        more.append(f"CAST(f.clinical_time AS DATE) >= DATE '{leaf.first_date}'")
    if leaf.last_date is not None:
        more.append(f"CAST(f.clinical_time AS DATE) <= DATE '{leaf.last_date}'")
    aged = leaf.sex is not None or leaf.min_age is not None or leaf.max_age is not None
    person = " LEFT JOIN person p ON p.subject_id = f.subject_id" if aged else ""
    text = f"    SELECT f.* FROM fact f{person}\n    WHERE "
    if not leaf.first_only:
        return text + "\n      AND ".join([*kind, *more])
    first = "f.clinical_time = min(f.clinical_time) OVER (PARTITION BY f.unit_id)"
    return text + "\n      AND ".join(kind) + "\n    QUALIFY " + "\n      AND ".join([first, *more])


def age_sql(leaf: Leaf, birth: str, time: str) -> list[str]:
    """Tests of the age in full years; a birthday on 29 February is kept on 1 March of other years."""
    age = (
        f"(year({time}) - year({birth}) - CASE WHEN month({time}) * 100 + day({time}) < "
        f"month({birth}) * 100 + day({birth}) THEN 1 ELSE 0 END)"
    )
    tests: list[str] = []
    if leaf.min_age is not None:
        tests.append(f"{age} >= {leaf.min_age}")
    if leaf.max_age is not None:
        tests.append(f"{age} <= {leaf.max_age}")
    return tests


def day_test(origin: str, time: str, window: Window) -> str:
    """Whether `time` lies in the window, in calendar days from `origin`."""
    days = f"date_diff('day', {origin}, {time})"
    if window.first is not None and window.last is not None:
        return f"{days} BETWEEN {window.first} AND {window.last}"
    if window.first is not None:
        return f"{days} >= {window.first}"
    return f"{days} <= {window.last}" if window.last is not None else f"{days} IS NOT NULL"


def fact_window(window: Window, other: str, key: str, value: str) -> str:
    """Whether fact f lies in the window of a fact of CTE `other` that belongs to the same patient (and candidate)."""
    word = "NOT EXISTS" if window.absent else "EXISTS"
    return (
        f"{word} (SELECT 1 FROM {other} r WHERE r.{key} = {value} AND "
        f"{day_test('r.clinical_time', 'f.clinical_time', window)})"
    )


def _choice(column: str, included: tuple[str, ...], excluded: tuple[str, ...]) -> list[str]:
    tests: list[str] = []
    if included:
        tests.append(f"{column} IN ({listed(included)})")
    if excluded:
        tests.append(f"coalesce({column}, '') NOT IN ({listed(excluded)})")
    return tests


def _value(value: ValueTest) -> list[str]:
    # event and evidence hold 32-bit numbers: the bound is rounded likewise, so that 6.5 equals 6.5
    tests: list[str] = []
    if value.low is not None:
        tests.append(f"f.number {'>=' if value.low_closed else '>'} CAST({value.low!r} AS FLOAT)")
    if value.high is not None:
        tests.append(f"f.number {'<=' if value.high_closed else '<'} CAST({value.high!r} AS FLOAT)")
    if value.units:
        units = listed(unit.casefold() for unit in value.units)
        unknown = " OR f.unit IS NULL" if value.accept_unknown_unit else ""
        tests.append(f"(lower(trim(f.unit)) IN ({units}){unknown})")
    return tests
