"""`phenotext phenotype compare`: results side by side, or one definition by notes and by claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from ..errors import RunError

if TYPE_CHECKING:
    from ..phenotypes.compare import Comparison


def compare_command(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT...",
            help="Folders of `phenotype run`: two to six, or one, whose definition is tried on notes and claims apart.",
        ),
    ],
    run: Annotated[
        Path | None, typer.Option("--run", help="The run of the results, where they do not lie in it.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write an UpSet plot (.svg or .png).")] = None,
    patients: Annotated[
        Path | None,
        typer.Option("--patients", help="Write who is in which result (CSV, mode 0600). Refused for commercial runs."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Show counts of 1 to 10. For use inside the site alone.")
    ] = False,
) -> None:
    """Compare the patients of results: counts, overlap, found by one alone. Counts of 1 to 10 are not shown."""
    from ..phenotypes.compare import compare
    from ..phenotypes.result_sets import everyone_of, patients_of, run_of

    folder = run_of(results, run)
    commercial = folder.document["declared"]["purpose"] == "commercial"
    if commercial and (exact or patients is not None):
        raise RunError(
            "the run's purpose is commercial, so neither exact small counts nor patients are given out",
            where=str(folder.path),
            remedy="leave --exact and --patients away",
        )
    sets = patients_of(results, folder)
    comparison = compare(sets, everyone_of(folder), exact=exact)
    _print(comparison)
    if plot is not None:
        from ..phenotypes.upset import draw_upset

        draw_upset(comparison, plot)
        Console(stderr=True).print(f"-> {plot}", markup=False, highlight=False, soft_wrap=True)
    if patients is not None:
        _write_patients(sets, patients)


def _print(comparison: Comparison) -> None:
    console = Console()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("patients in")
    table.add_column("n", justify="right")
    for name in comparison.names:
        table.add_row(name, comparison.totals[name].text)
    table.add_section()
    for overlap in comparison.overlaps:
        if len(overlap.members) == len(comparison.names):
            label = "all of them"
        else:
            label = f"only {' and '.join(overlap.members)}" if overlap.members else "none of them"
        table.add_row(label, overlap.cell.text)
    table.add_section()
    table.add_row("any of them", comparison.found_by_any.text)
    if comparison.jaccard is not None:
        table.add_row("overlap (shared / any)", f"{comparison.jaccard:.2f}")
    console.print(table)


def _write_patients(sets: dict[str, set[int]], path: Path) -> None:
    from ..durable import PRIVATE, write_bytes

    lines = [",".join(["subject_id", *(f'"{name}"' for name in sets)])]
    for subject in sorted(set().union(*sets.values())):
        lines.append(",".join([str(subject), *("1" if subject in found else "0" for found in sets.values())]))
    write_bytes(path, ("\n".join(lines) + "\n").encode(), PRIVATE)
