"""`phenotext terminology`: build a compiled terminology from sources."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import RunError, refuse_same_file
from ..progress import Bar

terminology_app = typer.Typer(help="Build compiled terminologies.", no_args_is_help=True)


@terminology_app.callback()
def _terminology() -> None:
    """Build compiled terminologies."""


@terminology_app.command("build")
def build_command(
    source: Annotated[
        list[Path],
        typer.Option(
            "--source",
            help="TSV/CSV, FHIR ValueSet or CodeSystem JSON, OBO or OBO-graph JSON (also .gz); a folder. Repeatable.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The compiled terminology.")],
    name: Annotated[str | None, typer.Option(help="Name of the terminology; the first source's by default.")] = None,
    release: Annotated[str | None, typer.Option(help="Release; the sources' by default.")] = None,
) -> None:
    """Compile sources into one memory-mapped file, and report what was left out and why."""
    from ...nlp.terminology.build import build_terminology

    for path in source:
        if not path.exists():
            raise RunError("no such file or folder", where=str(path), remedy="give --source an existing one")
    if out.is_dir():
        raise RunError("is a folder", where=str(out), remedy="give --out a file, such as snomed.ptx")
    refuse_same_file(out, *source)
    with Bar() as bar:
        report = build_terminology(
            source,
            out,
            name=name,
            release=release,
            progress=lambda stage, done, total: bar.stage(f"Terminology: {stage}"),
        )
    console = Console()
    console.print(report.summary(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"-> {out}", markup=False, highlight=False, soft_wrap=True)
