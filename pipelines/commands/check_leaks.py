"""`phenotext check-leaks`: do the features of a run know anything of the future?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..leaks import LeakCheck, check_leaks


def check_leaks_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of a finished run.")],
) -> None:
    """Test that no feature knows the future: recompute them without later rows, and with later rows shuffled.

    Exit code 1 if a feature changes.
    """
    checks = check_leaks(out)
    if not checks:
        Console().print("The run has no events: nothing to test.")
        return
    Console().print(leak_table(checks))
    if not all(check.identical for check in checks):
        raise typer.Exit(1)


def leak_table(checks: list[LeakCheck]) -> Table:
    """The outcome of the tests, one line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("test", "cohort"):
        table.add_column(name)
    for name in ("rows", "features", "later rows"):
        table.add_column(name, justify="right")
    table.add_column("outcome")
    for check in checks:
        outcome = "[green]identical[/]" if check.identical else "[bold red]LEAK[/]"
        table.add_row(
            check.name, check.cohort, f"{check.rows:,}", f"{check.features:,}", f"{check.later_rows:,}", outcome
        )
    return table
