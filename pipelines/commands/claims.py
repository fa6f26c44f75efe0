"""`phenotext claims`: claims and structured records as events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

claims_app = typer.Typer(
    help="Claims and structured records: OMOP, Synthea, DE-SynPUF, CMS RIF, or your own layout.", no_args_is_help=True
)


@claims_app.callback()
def _group() -> None:
    """Makes `import` a verb of its own although it is the only one."""


@claims_app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of the tables; its form is told by them.")],
    out: Annotated[Path, typer.Option("--out", metavar="EVENTS", help="Folder for the events.")],
    mapping: Annotated[
        Path | None, typer.Option(help="YAML file that says which columns play which role (docs/claims.md).")
    ] = None,
    terminology: Annotated[
        Path | None, typer.Option(help="Compiled terminology, the same as of the runs; the starter lexicon by default.")
    ] = None,
    source_kind: Annotated[
        str | None, typer.Option("--source", help="claims or ehr: declare what all rows are.")
    ] = None,
    lag: Annotated[
        str, typer.Option(help="Delay until a row is known, where the source does not say; records take that of notes.")
    ] = "notes=72h,claims=90d",
    id_key: Annotated[Path | None, typer.Option(help="File with a secret that keys the ids.")] = None,
    date_format: Annotated[
        str | None, typer.Option(help="strptime format of the dates, where they are not those of the form.")
    ] = None,
    omop_ids: Annotated[
        bool,
        typer.Option("--omop-ids", help="OMOP: the notes name patients by person_id, not by person_source_value."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the import that EVENTS holds.")] = False,
) -> None:
    """Read claims or records of any known form into a folder of events.

    `phenotext run --claims` and `phenotext features --claims` take the folder, or SOURCE itself. Rows that cannot be
    used go to quarantine.parquet with the reason, codes without a concept to unmapped.parquet.
    """
    from ..claims_import import ImportOptions, import_claims
    from ..lag import Lag

    options = ImportOptions(
        source=source,
        out=out,
        mapping=mapping,
        terminology=terminology,
        declared=source_kind,  # pyright: ignore[reportArgumentType]  # checked by import_claims
        lag=Lag.parse(lag),
        id_key=id_key,
        date_format=date_format,
        omop_ids=omop_ids,
        overwrite=overwrite,
    )
    _tell(Console(), out, import_claims(options))


def _tell(console: Console, out: Path, document: dict[str, Any]) -> None:
    from ..adapters.recognize import FORMS
    from ..reasons import REASONS

    counts = document["counts"]
    console.print(f"[bold]{FORMS[counts['form']]}[/]: {counts['rows_in']:,} rows with {counts['codes_in']:,} codes")
    console.print(
        f"{counts['events']:,} events of {counts['persons_with_events']:,} patients "
        f"({counts['codes_repeated']:,} codes said twice, {counts['codes_quarantined']:,} in quarantine; "
        f"{counts['rows_without_code']:,} rows without a code, {counts['rows_set_aside']:,} rows set aside)"
    )
    console.print(
        f"{counts['rows_mapped']:,} codes meet a concept of the terminology, {counts['rows_source_concept']:,} keep "
        f"the source's concept id, {counts['rows_unmapped']:,} ({counts['codes_unmapped']:,} different) are unmapped"
    )
    for vocabulary, told in counts["unmapped"].items():
        top = ", ".join(told["top"])
        console.print(
            f"  {vocabulary}: {told['codes']:,} codes, {told['rows']:,} rows{': ' + top if top else ''}", markup=False
        )
    for reason, number in counts["quarantined"].items():
        console.print(f"  [yellow]{number:,}[/] {reason}: {REASONS.get(reason, reason)}")
    if counts["ignored_files"]:
        console.print(f"Not read: {', '.join(counts['ignored_files'])}", markup=False)
    console.print(f"{counts['events_default_lag']:,} events took the default lag")
    console.print(f"Written to {out} in {document['measured']['seconds']:.1f} s", markup=False)
