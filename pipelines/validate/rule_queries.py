"""Rules as SQL: each gives the condition that is true for a row (`t`) that breaks the rule."""

from __future__ import annotations

from collections.abc import Mapping

from ...nlp.rule_kinds import Allowed, Bounds, JoinCheck, Order, Pattern, Reference, RowCheck, Rule
from ..database import literal


def tables_read(rule: Rule) -> tuple[str, ...]:
    """The tables that a rule looks at, its own first."""
    match rule:
        case Reference():
            return rule.table, rule.to_table
        case RowCheck():
            return rule.table, *rule.reads
        case JoinCheck():
            return rule.table, rule.other
        case _:
            return (rule.table,)


def row_condition(rule: Rule) -> str | None:
    """Condition that is true for a row (`t`) that breaks the rule; None where other rows must be looked up.

    >>> row_condition(Allowed("analysis_ref", "is_binary", ("Y", "N")))
    'NOT (t."is_binary" IN (\'Y\', \'N\'))'
    """
    match rule:
        case Allowed():
            values = ", ".join(literal(value) for value in rule.values)
            return f'NOT (t."{rule.column}" IN ({values}))'
        case Pattern():
            return f'NOT regexp_full_match(t."{rule.column}", {literal(rule.regex)})'
        case Bounds():
            return _outside(rule)
        case RowCheck() if "SELECT" not in rule.condition:
            return f"NOT ({rule.condition})"
        case _:
            return None


def broken_rows(rule: Rule) -> str:
    """`FROM ... WHERE ...` of the rows (alias `t`, or the table's own name) that break the rule."""
    condition = row_condition(rule)
    if condition is not None:
        return f"FROM {rule.table} t WHERE {condition}"
    match rule:
        case Reference():
            return _without_partner(rule)
        case RowCheck():
            return f"FROM {rule.table} WHERE NOT ({rule.condition})"
        case JoinCheck():
            on = " AND ".join(f't."{name}" = o."{name}"' for name in rule.on)
            return f"FROM {rule.table} t JOIN {rule.other} o ON {on} WHERE NOT ({rule.condition})"
        case _:
            raise ValueError(f"{rule.name} is checked file by file")


def out_of_order(rule: Order, least: Mapping[str, str]) -> tuple[str, str]:
    """(expressions of the row before, condition that a row does not come after it). `least`: what stands for null.

    `lag() OVER ()` reads a file once, in its order, without holding it.
    """
    mine = [f'coalesce("{name}", {least[name]})' if name in least else f'"{name}"' for name in rule.columns]
    before = ", ".join(f"lag({column}) OVER () AS before_{place}" for place, column in enumerate(mine))
    steps: list[str] = []
    for place, column in enumerate(mine):
        same = [f"{mine[earlier]} = before_{earlier}" for earlier in range(place)]
        steps.append("(" + " AND ".join([*same, f"{column} < before_{place}"]) + ")")
    return before, " OR ".join(steps)


def _outside(rule: Bounds) -> str:
    column = f't."{rule.column}"'
    parts = [f"NOT isfinite(CAST({column} AS DOUBLE))"]
    if rule.low is not None:
        parts.append(f"{column} < {rule.low:.15g}")
    if rule.high is not None:
        parts.append(f"{column} > {rule.high:.15g}")
    return " OR ".join(parts)


def _without_partner(rule: Reference) -> str:
    pairs = list(zip(rule.columns, rule.to_columns))
    on = " AND ".join(f't."{mine}" = o."{theirs}"' for mine, theirs in pairs)
    given = " AND ".join(f't."{mine}" IS NOT NULL' for mine, _ in pairs)
    where = f" AND ({rule.where})" if rule.where else ""
    return f"FROM {rule.table} t ANTI JOIN {rule.to_table} o ON {on} WHERE {given}{where}"
