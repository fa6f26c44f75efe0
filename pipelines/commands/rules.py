"""`phenotext rules`: what becomes of other systems' rule files, and our cues as a file for medspaCy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import RunError, refuse_same_file

rules_app = typer.Typer(help="Check and exchange cue and heading files.", no_args_is_help=True)
PARTS = ("cues", "headings")


def _print(lines: list[str]) -> None:
    console = Console()
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@rules_app.command("show")
def show_rules_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TSV, medspaCy or negspaCy file.")],
    part: Annotated[str, typer.Option(help="What it holds: cues or headings.")] = "cues",
) -> None:
    """Say how each rule of a file is understood: taken, taken with a difference, or left out and why."""
    from ...nlp.rule_import import read_cue_file, read_heading_file

    if part not in PARTS:
        raise RunError(f"--part {part} is not known", remedy=f"use {' or '.join(PARTS)}")
    report = read_cue_file(file).report if part == "cues" else read_heading_file(file).report
    _print(report.lines())


@rules_app.command("export")
def export_rules_command(
    out: Annotated[Path, typer.Option("--out", help="JSON for medspaCy's ConText component.")],
    cues: Annotated[Path | None, typer.Option(help="Cue file to export; the package's own by default.")] = None,
) -> None:
    """Write a cue table as medspaCy ConText rules, and say what medspaCy will do otherwise.

    The exact lines stand in the rules' metadata: giving the file back with --cues restores them.
    """
    from ...nlp.cue_table import default_cues
    from ...nlp.rule_import import read_cue_file, write_medspacy_rules

    if out.is_dir() or not out.parent.is_dir():
        problem = "is a folder" if out.is_dir() else "no such folder"
        raise RunError(
            problem, where=str(out if out.is_dir() else out.parent), remedy="give --out a file, such as c.json"
        )
    if cues is not None:
        refuse_same_file(out, cues)
    report = write_medspacy_rules(default_cues() if cues is None else read_cue_file(cues).rows, out)
    counts: dict[str, int] = {}
    for note in report.changed:
        counts[note.text] = counts.get(note.text, 0) + 1
    differences = [f"  differs: {count} x {text}" for text, count in sorted(counts.items(), key=lambda item: -item[1])]
    _print([f"{report.rules} cues as {report.rows} rules -> {out}", *differences])
