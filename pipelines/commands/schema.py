"""`phenotext schema`: the tables, their columns and rules."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..errors import RunError


def schema_command(
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="One table; all of them where none is named.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Print the schema of the tables: columns, types, keys, and what must hold in them."""
    from ...nlp.tables import TABLES
    from ..schema_document import schema_document, schema_markdown

    if as_json and as_markdown:
        raise RunError("--json and --markdown contradict each other", remedy="give one of them")
    if table is not None and table not in TABLES:
        raise RunError(f"no table {table}", remedy=f"name one of {', '.join(TABLES)}")
    names = [table] if table is not None else list(TABLES)
    if as_json:
        print(json.dumps(schema_document(names), indent=2, ensure_ascii=False))
    elif as_markdown:
        print(schema_markdown(names))
    else:
        console = Console()
        for name, described in schema_document(names)["tables"].items():
            _show(console, name, described)


def _show(console: Console, name: str, described: dict[str, list[dict[str, str]]]) -> None:
    console.print(Text.assemble((name, "bold"), f"  key: {', '.join(map(str, described['primary_key']))}"))
    columns = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("column", "type", "null", "description"):
        columns.add_column(title, overflow="fold")
    for column in described["columns"]:
        null = "null" if column["nullable"] else ""
        columns.add_row(*map(Text, (column["name"], column["type"], null, column["description"])))
    console.print(columns)
    if described["rules"]:
        rules = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("rule", "what holds"):
            rules.add_column(title, overflow="fold")
        for rule in described["rules"]:
            rules.add_row(Text(rule["name"]), Text(rule["holds"]))
        console.print(rules)
    console.print()
