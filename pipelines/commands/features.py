"""`phenotext features`: features for any cohort from a finished run, joined with claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from ..feature_request import FeatureResult

WHO, WHAT, CHECK = "Who and when", "What is joined", "Checks and forms"


def features_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT", help="Folder for the tables.")],
    cohort: Annotated[
        Path | None,
        typer.Option(help="patient_id and prediction_time (csv, parquet). Default: the run's.", rich_help_panel=WHO),
    ] = None,
    end_day: Annotated[
        int | None,
        typer.Option(help="Last day that counts, from the day of prediction. Default: the run's.", rich_help_panel=WHO),
    ] = None,
    min_lookback: Annotated[
        int, typer.Option(help="Days before prediction that claims must cover; rows say if so.", rich_help_panel=WHO)
    ] = 365,
    exclude_short: Annotated[
        bool,
        typer.Option("--exclude-short", help="Leave out rows that were not observed so long.", rich_help_panel=WHO),
    ] = False,
    claims: Annotated[
        Path | None,
        typer.Option(help="Folder of `phenotext claims import`, or claims in any known form.", rich_help_panel=WHAT),
    ] = None,
    fe: Annotated[
        Path | None,
        typer.Option(help="Covariates of FeatureExtraction for the same rows (csv, parquet).", rich_help_panel=WHAT),
    ] = None,
    rollup: Annotated[
        Path | None, typer.Option(help="Roll-ups (YAML, TSV, CSV). Default: the run's.", rich_help_panel=WHAT)
    ] = None,
    analyses: Annotated[
        str | None, typer.Option(help="Only these analysis ids, as in 101-104,620-691.", rich_help_panel=WHAT)
    ] = None,
    id_key: Annotated[
        Path | None,
        typer.Option(help="Key of the run's ids, where it has moved.", rich_help_panel=WHAT),
    ] = None,
    check_leaks: Annotated[
        bool, typer.Option("--check-leaks", help="Run the leak tests on these features.", rich_help_panel=CHECK)
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Also one table with a column a feature.", rich_help_panel=CHECK)
    ] = False,
    memory: Annotated[
        str | None, typer.Option(help="What the database may hold in memory, as in 8GB.", rich_help_panel=CHECK)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the features that OUT holds.")] = False,
) -> None:
    """Compute the features of a cohort from a run's events, with claims and FeatureExtraction's covariates beside them.

    Exit code 1 if --check-leaks finds a feature that knows the future; the tables are written all the same.
    """
    from ..analysis_choice import AnalysisChoice
    from ..feature_request import FeatureRequest, make_features

    result = make_features(
        FeatureRequest(
            run=run,
            out=out,
            cohort=cohort,
            claims=claims,
            fe=fe,
            rollup=rollup,
            analyses=AnalysisChoice.parse(analyses) if analyses is not None else None,
            end_day=end_day,
            min_lookback=min_lookback,
            exclude_short=exclude_short,
            id_key=id_key,
            check_leaks=check_leaks,
            wide=wide,
            overwrite=overwrite,
            memory=memory,
        )
    )
    _tell(Console(), result)


def _tell(console: Console, result: FeatureResult) -> None:
    from .check_leaks import leak_table

    counts = result.document["counts"]
    console.print(
        f"{counts['features']:,} values of {counts['covariates']:,} features for {counts['cohort_rows']:,} rows, from "
        + (", ".join(f"{number:,} {source}" for source, number in counts["events"].items()) or "no")
        + " events"
    )
    if counts["cohort_rows_without_data"]:
        console.print(f"[yellow]{counts['cohort_rows_without_data']:,}[/] rows have a patient without any data")
    marks = counts["cohort_rows_by_lookback"]
    if marks:
        told = ", ".join(f"{number:,} {mark}" for mark, number in marks.items())
        console.print(f"Look-back of {result.document['identity']['min_lookback']} days: {told}")
    if counts["patients_in_run_and_claims"] is not None:
        console.print(f"{counts['patients_in_run_and_claims']:,} patients are both in the run and in the claims")
    if "fe_rows" in counts:
        console.print(
            f"FeatureExtraction: {counts['fe_rows']:,} rows joined, "
            f"{counts['fe_rows_outside_the_cohort']:,} are not in the cohort"
        )
    console.print(f"Written to {result.out}", markup=False)
    if result.leaks:
        console.print(leak_table(result.leaks))
        if not all(leak.identical for leak in result.leaks):
            raise typer.Exit(1)
