"""`phenotext run`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..lag import Lag
from ..language_rules import print_reports
from ..progress import Bar
from ..run import run
from ..settings import Settings, comma_list
from ..summary import print_summary

WHAT, WHO, PRIVACY, RECORD = "What is read", "Who and when", "Privacy", "What run.json declares"


def run_command(
    notes: Annotated[
        Path,
        typer.Argument(
            metavar="NOTES", help=".jsonl, .csv or .parquet (also .gz), a folder of .txt files, or an OMOP NOTE table."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="OUT", help="Folder for the tables; an interrupted run there is continued.")
    ],
    terminology: Annotated[
        Path | None, typer.Option(help="Compiled terminology; the starter lexicon by default.", rich_help_panel=WHAT)
    ] = None,
    cues: Annotated[
        Path | None,
        typer.Option(help="Cues in place of the package's: TSV, medspaCy or negspaCy file.", rich_help_panel=WHAT),
    ] = None,
    add_cues: Annotated[
        Path | None, typer.Option(help="Cues beside them, of the same forms.", rich_help_panel=WHAT)
    ] = None,
    headings: Annotated[
        Path | None,
        typer.Option(help="Section headings in place of the package's: TSV or medspaCy file.", rich_help_panel=WHAT),
    ] = None,
    add_headings: Annotated[
        Path | None, typer.Option(help="Headings beside them, of the same forms.", rich_help_panel=WHAT)
    ] = None,
    concepts: Annotated[
        str | None,
        typer.Option(
            metavar="ECL", help="Extract only these concepts, as in '<< 404684003' (docs/ecl.md).", rich_help_panel=WHAT
        ),
    ] = None,
    tags: Annotated[
        str | None,
        typer.Option(help="Extract only these semantic tags, as in disorder,finding.", rich_help_panel=WHAT),
    ] = None,
    misspellings: Annotated[
        bool,
        typer.Option(
            "--misspellings/--no-misspellings",
            help="Read misspelled words as what they were meant.",
            rich_help_panel=WHAT,
        ),
    ] = True,
    nested: Annotated[
        bool, typer.Option("--nested", help="Also give shorter matches inside longer ones.", rich_help_panel=WHAT)
    ] = False,
    recall: Annotated[
        Path | None,
        typer.Option(
            help="Also link similar phrases, by the index of `terminology recall-index`.", rich_help_panel=WHAT
        ),
    ] = None,
    recall_threshold: Annotated[
        float | None, typer.Option(help="Least similarity for --recall, 0 to 1.", rich_help_panel=WHAT)
    ] = None,
    claims: Annotated[
        Path | None, typer.Option(help="Folder of OMOP tables (condition_occurrence.csv, ...).", rich_help_panel=WHAT)
    ] = None,
    date_format: Annotated[
        str | None,
        typer.Option(help="strptime format of the notes' dates, where they are not ISO 8601.", rich_help_panel=WHAT),
    ] = None,
    max_note_mb: Annotated[float, typer.Option(help="Larger notes go to quarantine.", rich_help_panel=WHAT)] = 10.0,
    cohort: Annotated[
        Path | None,
        typer.Option(
            help="patient_id and prediction_time (csv, parquet). Default: each patient after the last thing known.",
            rich_help_panel=WHO,
        ),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(help="patient_id and split (csv, parquet). Default: a hash, 80/10/10.", rich_help_panel=WHO),
    ] = None,
    rollup: Annotated[
        Path | None,
        typer.Option(
            help="Concepts and concept sets to roll features up to (YAML, TSV or CSV: name, concepts).",
            rich_help_panel=WHO,
        ),
    ] = None,
    lag: Annotated[
        str, typer.Option(help="Delay until a row is known, where no available_time is given.", rich_help_panel=WHO)
    ] = "notes=72h,claims=90d",
    end_day: Annotated[
        int, typer.Option(help="Last day that counts, from the day of prediction.", rich_help_panel=WHO)
    ] = -1,
    min_lookback: Annotated[
        int,
        typer.Option(help="Days before prediction that claims must cover; cohort rows say if so.", rich_help_panel=WHO),
    ] = 365,
    phi: Annotated[
        str,
        typer.Option(help="full, or minimal: no piece of text in any table; needs --id-key.", rich_help_panel=PRIVACY),
    ] = "full",
    id_key: Annotated[
        Path | None, typer.Option(help="File with a secret that keys the ids and text hashes.", rich_help_panel=PRIVACY)
    ] = None,
    keep_text: Annotated[
        bool, typer.Option("--keep-text", help="Store the notes in OUT/private (mode 0600).", rich_help_panel=PRIVACY)
    ] = False,
    purpose: Annotated[
        str, typer.Option(help="care, research, quality or commercial.", rich_help_panel=RECORD)
    ] = "research",
    sponsor: Annotated[str, typer.Option(help="Who pays for it.", rich_help_panel=RECORD)] = "",
    data_basis: Annotated[str, typer.Option(help="Legal basis of the data.", rich_help_panel=RECORD)] = "",
    processes: Annotated[
        int, typer.Option(help="Worker processes; the tables are the same whatever their number.")
    ] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Discard the run that OUT holds.")] = False,
    shard_notes: Annotated[int, typer.Option(hidden=True)] = 1000,
) -> None:
    """Turn a corpus of notes (and claims) into feature tables.

    Rows that are no usable notes go to quarantine.parquet with the reason.
    A run that was killed goes on where it stopped when the same command is given again.
    """
    settings = Settings(
        notes=notes,
        out=out,
        terminology=terminology,
        cues=cues,
        add_cues=add_cues,
        headings=headings,
        add_headings=add_headings,
        concepts=concepts,
        tags=comma_list(tags),
        misspellings=misspellings,
        nested=nested,
        recall=recall,
        recall_threshold=recall_threshold,
        rollup=rollup,
        claims=claims,
        cohort=cohort,
        splits=splits,
        id_key=id_key,
        processes=processes,
        overwrite=overwrite,
        phi=phi,  # pyright: ignore[reportArgumentType]  # checked by Settings.check
        keep_text=keep_text,
        lag=Lag.parse(lag),
        end_day=end_day,
        min_lookback=min_lookback,
        max_note_mb=max_note_mb,
        date_format=date_format,
        shard_notes=shard_notes,
        purpose=purpose,  # pyright: ignore[reportArgumentType]
        sponsor=sponsor,
        data_basis=data_basis,
    )
    print_reports(Console(stderr=True), settings.language_rules)
    with Bar() as bar:
        result = run(settings, bar)
    print_summary(Console(), result)
