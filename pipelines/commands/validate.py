"""`phenotext validate`: does a run keep the promises of the schema?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def validate_command(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a finished run, of imported events, or of features.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="Rows to name for each broken rule.")] = 20,
    id_key: Annotated[
        Path | None, typer.Option("--id-key", help="Key of the run, to compare its notes with their source.")
    ] = None,
    no_source: Annotated[bool, typer.Option("--no-source", help="Do not read the notes again.")] = False,
) -> None:
    """Check a run against the schema: types, keys, order, codes, references, hashes, offsets, MEDS.

    Names the rows that break a rule, by their keys. Exit code 1 if a rule is broken.
    """
    from ..ids import read_key
    from ..validate import validate_folder

    key = read_key(id_key) if id_key is not None else b""
    report = validate_folder(folder, max_rows, key=key, compare_source=not no_source)
    if as_json:
        print(json.dumps(report.document(), indent=2, ensure_ascii=False))
    else:
        _show(Console(), report)
    if not report.valid:
        raise typer.Exit(1)


def _show(console: Console, report: object) -> None:
    from ..validate import ValidationReport

    assert isinstance(report, ValidationReport)
    rows = sum(report.tables.values())
    console.print(f"{report.rules_checked} rules checked on {len(report.tables)} tables with {rows:,} rows.")
    if report.kind == "run":
        console.print(f"Source: {report.source}.", soft_wrap=True)
    if report.not_checked:
        console.print(f"[yellow]{len(report.not_checked)} rules could not be checked:[/]")
        for reason in sorted(set(report.not_checked.values())):
            count = sum(other == reason for other in report.not_checked.values())
            console.print(f"  {count} because {reason}", soft_wrap=True)
    if report.valid:
        console.print("[green]No rule is broken.[/]")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("broken rule", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("what should hold, and the rows that break it", overflow="fold")
    for finding in report.findings:
        named = [", ".join(f"{name} {value}" for name, value in row.items()) for row in finding.rows]
        if finding.n_rows > len(named) > 0:
            named.append(f"and {finding.n_rows - len(named):,} more")
        told = Text("\n").join([Text(finding.sentence), *(Text(f"  {line}", "dim") for line in named)])
        table.add_row(Text(finding.rule, "bold red"), f"{finding.n_rows:,}", told)
    console.print(table)
