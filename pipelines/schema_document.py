"""The schema of the tables written out: as a document for programs, and as Markdown for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from ..nlp.rule_kinds import Allowed, Bounds, JoinCheck, Order, Pattern, Reference, RowCheck, Rule
from ..nlp.table_rules import rules_of
from ..nlp.tables import SCHEMA_VERSION, TABLES, primary_key
from .validate.analyses import REGISTRY_RULE, SENTENCE
from .validate.meds_dataset import MEDS_RULES
from .validate.run_files import FILE_RULES
from .validate.source_notes import SOURCE_RULES

FOLDER_RULES = {**FILE_RULES, **MEDS_RULES, REGISTRY_RULE: SENTENCE, **SOURCE_RULES}


def schema_document(tables: Iterable[str] = tuple(TABLES)) -> dict[str, Any]:
    """Columns, keys and rules of the tables, ready for JSON.

    >>> schema_document(["rollup"])["tables"]["rollup"]["primary_key"]
    ['rollup_base_concept_id', 'member_base_concept_id']
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": {
            table: {
                "primary_key": list(primary_key(TABLES[table])),
                "columns": [_column(field) for field in TABLES[table]],
                "rules": [_rule(rule) for rule in rules_of(table)],
            }
            for table in tables
        },
    }


def _column(field: pa.Field) -> dict[str, Any]:
    described = {
        "name": field.name,
        "type": type_name(field.type),
        "nullable": field.nullable,
        "description": _description(field),
    }
    item = field.type.value_type if pa.types.is_list(field.type) else field.type
    if pa.types.is_struct(item):
        described["fields"] = [_column(part) for part in item]
    return described


def _description(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"description", b"").decode()


def type_name(kind: pa.DataType) -> str:
    """Arrow's name of a type, short.

    >>> type_name(pa.list_(pa.string())), type_name(pa.timestamp("us"))
    ('list<string>', 'timestamp[us]')
    """
    if pa.types.is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(part.name for part in kind)}>"
    return str(kind)


def _rule(rule: Rule) -> dict[str, Any]:
    described: dict[str, Any] = {"name": rule.name, "holds": rule.sentence}
    match rule:
        case Allowed():
            described |= {"column": rule.column, "values": list(rule.values)}
        case Pattern():
            described |= {"column": rule.column, "regex": rule.regex}
        case Reference():
            described |= {
                "columns": list(rule.columns), "to_table": rule.to_table, "to_columns": list(rule.to_columns),
                "where": rule.where or None,
            }  # fmt: skip
        case RowCheck():
            described |= {"sql": rule.condition, "only": rule.only or None}
        case JoinCheck():
            described |= {"other": rule.other, "on": list(rule.on), "sql": rule.condition, "only": rule.only or None}
        case Bounds():
            described |= {"column": rule.column, "low": rule.low, "high": rule.high}
        case Order():
            described |= {"columns": list(rule.columns)}
    return described


def schema_markdown(tables: Iterable[str] = tuple(TABLES)) -> str:
    """The same as Markdown, one section a table."""
    return "\n".join(_section(table) for table in tables)


def _section(table: str) -> str:
    schema = TABLES[table]
    lines = [f"## {table}", "", f"Primary key: {', '.join(f'`{name}`' for name in primary_key(schema))}", ""]
    lines += ["| column | type | null | description |", "|---|---|---|---|"]
    for field in schema:
        lines.append(_row(field, field.name))
        item = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_struct(item):
            lines += [_row(part, f"{field.name}.{part.name}") for part in item]
    rules = rules_of(table)
    if rules:
        lines += ["", "| rule | what holds |", "|---|---|"]
        lines += [f"| `{rule.name}` | {_cell(rule.sentence + _when(rule))} |" for rule in rules]
    return "\n".join([*lines, ""])


def _when(rule: Rule) -> str:
    return " (runs without --id-key)" if isinstance(rule, JoinCheck) and rule.only == "no id key" else ""


def _row(field: pa.Field, name: str) -> str:
    null = "yes" if field.nullable else ""
    return f"| `{name}` | {_cell(type_name(field.type))} | {null} | {_cell(_description(field))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


_HEAD = f"""# The schema

Written by `scripts/make_schema_doc.py` from `nlp/tables.py` and `nlp/table_rules.py`. Version {SCHEMA_VERSION}. The
same is printed by

```
phenotext schema [TABLE] [--json | --markdown]
```

and checked on a run, on a folder of imported events, or on one of `phenotext features`, by

```
phenotext validate RUN [--json] [--max-rows 20] [--id-key KEY] [--no-source]
```

which names the rows that break a rule by their keys, never by their content. Exit code: 0 nothing is broken, 1 a rule
is broken, 2 the folder is none of these. What the tables are for is told in [tables.md](tables.md).

Besides the rules below each table is checked for its columns (`TABLE.columns`: names, types, order), for nulls in
columns that have none (`TABLE.nulls`), for its primary key (`TABLE.key`), and for the run that wrote it
(`TABLE.run_id`). A missing value breaks no other rule. Rules that need a table which is missing, or has other columns,
are listed as not checked. `folder.tables` says which tables are missing.

## The folder

| rule | what holds |
|---|---|
"""


def schema_page() -> str:
    """docs/schema.md."""
    folder = "".join(f"| `{name}` | {_cell(sentence)} |\n" for name, sentence in FOLDER_RULES.items())
    return f"{_HEAD}{folder}\n{_SOURCE}\n{schema_markdown()}"


_SOURCE = """The notes are read again where `source.json` still leads to them. Notes of a run with `--id-key` can be
compared only with the key; without it the files as a whole are.
"""
