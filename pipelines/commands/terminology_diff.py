"""`phenotext terminology diff`: what a new release changes, for the codes and for the user's phenotypes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..report_files import check_reports, write_reports


def diff_command(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The compiled terminology in use.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The one compiled from the new release.")],
    concept_sets: Annotated[
        list[str] | None,
        typer.Option(
            "--concept-set",
            help="A concept-set file or an ECL expression: its members and strings are compared. Repeatable.",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="OUT", help="A finished run: count the mentions concerned.")
    ] = None,
    reports: Annotated[
        list[Path] | None, typer.Option("--report", help="Write everything: a .html or a .json file. Repeatable.")
    ] = None,
) -> None:
    """Compare two compiled terminologies: codes, names, terms, parents, and what that means for your phenotypes."""
    from ...nlp.terminology.diff import diff_terminologies
    from ...nlp.terminology.phenotype_changes import phenotype_changes
    from ...nlp.terminology.terminology import Terminology
    from ..run_changes import run_changes
    from ..terminology_diff_text import diff_summary
    from .terminology_sets import concept_sets_of, named_file

    given = concept_sets or []
    check_reports(reports or [], old, new, *(Path(one) for one in given if named_file(one)))
    sets = [one for text in given for one in concept_sets_of(text)]
    before, now = Terminology.open(old), Terminology.open(new)
    changes = diff_terminologies(before, now)
    phenotypes = phenotype_changes(before, now, changes, sets)
    mentions = run_changes(run, before, now, changes) if run is not None else None

    def page() -> str:
        from ..terminology_diff_html import diff_page

        return diff_page(changes, phenotypes, mentions)

    def document() -> dict[str, object]:
        return {
            **changes.to_json(),
            "concept_sets": [asdict(change) for change in phenotypes],
            "run": asdict(mentions) if mentions is not None else None,
        }

    write_reports(reports or [], page, document)
    console = Console()
    console.print(diff_summary(changes, phenotypes, mentions), markup=False, highlight=False, soft_wrap=True)
    for path in reports or []:
        console.print(f"-> {path}", markup=False, highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command to `phenotext terminology`."""
    app.command("diff")(diff_command)
