"""`phenotext export`: a finished run in the forms that other systems read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

export_app = typer.Typer(help="Write a finished run in the form that another system reads.", no_args_is_help=True)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished `phenotext run`.")]
Out = Annotated[Path, typer.Option("--out", metavar="OUT", help="New folder for the export.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the export that OUT holds.")]
NoText = Annotated[bool, typer.Option("--no-text", help="No piece of a note, as from a run with --phi minimal.")]
Day = Annotated[
    str | None,
    typer.Option("--processed-on", metavar="YYYY-MM-DD", help="Day of processing; that of the run by default."),
]
Frozen = Annotated[
    Path | None,
    typer.Option("--columns", metavar="FROZEN", help="columns.json of the training export: its columns and no others."),
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="Features of this source only (claims, note, ehr); may be repeated."),
]
Features = Annotated[
    Path | None,
    typer.Option("--features", metavar="DIR", help="Features of `phenotext features` in place of the run's own."),
]


def _export(run: Path, out: Path, exporter: Any, overwrite: bool) -> None:
    from ..exporters.export_run import export_run

    document = export_run(run, out, exporter, overwrite)
    console = Console()
    for name, file in document["files"].items():
        rows = f"{file['rows']:,} rows" if "rows" in file else ""
        console.print(f"  {out / name}  {rows}".rstrip(), highlight=False, soft_wrap=True)
    for reason, count in document["withheld"].items():
        console.print(f"  withheld: {count:,} {reason.replace('_', ' ')}", highlight=False)


@export_app.command("meds")
def meds_command(
    run: Run,
    out: Out,
    link: Annotated[bool, typer.Option("--link", help="Hard links in place of copies.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """The events as a MEDS dataset, checked by the meds package."""
    from ..exporters.meds_dataset import MedsDataset

    _export(run, out, MedsDataset(link), overwrite)


@export_app.command("note-nlp")
def note_nlp_command(
    run: Run,
    out: Out,
    term_exists: Annotated[
        str,
        typer.Option(help="negation: N for what is negated; patient: N also for what is another's or conditional."),
    ] = "negation",
    no_text: NoText = False,
    processed_on: Day = None,
    overwrite: Overwrite = False,
) -> None:
    """The mentions as the OMOP CDM 5.4 table NOTE_NLP."""
    from ..exporters.note_nlp import NoteNlp

    exporter = NoteNlp(term_exists, no_text, processed_on)  # pyright: ignore[reportArgumentType]  # checked by write
    _export(run, out, exporter, overwrite)


@export_app.command("omop-derived")
def omop_derived_command(
    run: Run,
    out: Out,
    possible: Annotated[bool, typer.Option("--possible", help="Also what notes call possible, marked so.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Note events as OMOP domain rows, in *_derived files apart from claims."""
    from ..exporters.omop_derived import OmopDerived

    _export(run, out, OmopDerived(possible), overwrite)


@export_app.command("fe")
def fe_command(run: Run, out: Out, features: Features = None, overwrite: Overwrite = False) -> None:
    """Features for OHDSI FeatureExtraction, with an R loader."""
    from ..exporters.feature_extraction import FeatureExtraction

    _export(run, out, FeatureExtraction(features), overwrite)


@export_app.command("fhir")
def fhir_command(
    run: Run,
    out: Out,
    snippets: Annotated[bool, typer.Option("--snippets", help="With the passage as a note of each resource.")] = False,
    no_text: NoText = False,
    processed_on: Day = None,
    overwrite: Overwrite = False,
) -> None:
    """FHIR R4: one Bundle a patient, as ndjson."""
    from ..exporters.fhir_bundles import FhirBundles

    _export(run, out, FhirBundles(snippets, no_text, processed_on), overwrite)


@export_app.command("cds-hooks")
def cds_hooks_command(
    run: Run,
    out: Out,
    phenotype: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Result of `phenotext phenotype run`; else the run's scores.")
    ] = None,
    no_text: NoText = False,
    overwrite: Overwrite = False,
) -> None:
    """CDS Hooks patient-view cards, as ndjson."""
    from ..exporters.cds_cards import CdsCards

    _export(run, out, CdsCards(phenotype, no_text), overwrite)


@export_app.command("matrix")
def matrix_command(
    run: Run,
    out: Out,
    columns: Frozen = None,
    source: Sources = None,
    features: Features = None,
    overwrite: Overwrite = False,
) -> None:
    """Features as a scipy CSR matrix with frozen columns."""
    from ..exporters.matrix import Matrix

    _export(run, out, Matrix(columns, tuple(source or ()), features), overwrite)


@export_app.command("wide")
def wide_command(
    run: Run,
    out: Out,
    columns: Frozen = None,
    source: Sources = None,
    max_columns: Annotated[int, typer.Option(help="More columns than this are refused.")] = 5_000,
    features: Features = None,
    overwrite: Overwrite = False,
) -> None:
    """Features as one Parquet table, a column for each."""
    from ..exporters.wide import Wide

    _export(run, out, Wide(columns, tuple(source or ()), max_columns, features), overwrite)


@export_app.command("csv")
def csv_command(
    run: Run,
    out: Out,
    plain: Annotated[bool, typer.Option("--plain", help="No apostrophes before ids: for programs.")] = False,
    no_text: NoText = False,
    overwrite: Overwrite = False,
) -> None:
    """Every table as CSV that a spreadsheet does not damage."""
    from ..exporters.tables_csv import TablesCsv

    _export(run, out, TablesCsv(plain, no_text), overwrite)
