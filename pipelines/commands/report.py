"""`phenotext report`: what a run found, as one web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The web page to write: a .html file.")],
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="The same facts for a machine: a .json file.")
    ] = None,
    phenotypes: Annotated[
        Path | None,
        typer.Option("--phenotypes", metavar="FOLDER", help="Results of `phenotype run`; RUN/phenotypes by default."),
    ] = None,
    place_names: Annotated[
        bool, typer.Option("--place-names", help="Name sites and providers as the source does, not by number.")
    ] = False,
    min_cell: Annotated[
        int,
        typer.Option("--min-cell", help="Smallest count of people that is told; 1 tells all, for made-up data only."),
    ] = 11,
) -> None:
    """Write one self-contained web page about a run: roll-ups only, with small cells suppressed."""
    from rich.console import Console

    from ..errors import RunError
    from ..report.build import build_report
    from ..report.charts import need_matplotlib
    from ..report.render import html
    from ..report_files import check_reports, write_reports
    from ..run_folder import RunFolder

    for path, ending in ((out, ".html"), (json, ".json")):
        if path is not None and path.suffix.lower() != ending:
            raise RunError(f"is no {ending} file", where=str(path), remedy=f"end its name in {ending}")
    outputs = [path for path in (out, json) if path is not None]
    folder = RunFolder.open(run)
    check_reports(outputs)
    need_matplotlib()
    report = build_report(folder, phenotypes=phenotypes, min_cell=min_cell, place_names=place_names)
    write_reports(outputs, lambda: html(report), report.to_json)
    console = Console()
    for path in outputs:
        console.print(f"-> {path}", markup=False, highlight=False, soft_wrap=True)
