"""What a run found, for a person to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from .database import connect, quoted
from .reasons import REASONS
from .run import RunResult
from .sql import read_sql

TOP = 10
ORDER = ("present", "absent", "possible", "historical", "family", "hypothetical", "other")
TABLES = (
    ("feature.parquet", "one row per cohort row and feature; names in covariate_ref.parquet"),
    ("evidence.parquet", "every mention with offsets, axes and cues"),
    ("data/", "events as a MEDS dataset (metadata/ beside it)"),
    ("cohort.parquet", "who, as of when, in which split"),
    ("quarantine.parquet", "rows left out, with the reason"),
    ("private/", "ids of the source: keep it apart"),
)


@dataclass(frozen=True, slots=True)
class TopConcept:
    """A concept by the number of patients who have it."""

    code: str
    name: str
    patients: int
    mentions: int
    denied: int


def top_concepts(out: Path, limit: int = TOP) -> list[TopConcept]:
    """Concepts that most patients have according to their notes."""
    database = connect()
    try:
        for name, path in (("evidence", out / "evidence.parquet"), ("codes", out / "metadata" / "codes.parquet")):
            database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({quoted(path)})")
        return [TopConcept(*row) for row in database.execute(read_sql("top_concepts"), [limit]).fetchall()]
    finally:
        database.close()


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def print_summary(console: Console, result: RunResult) -> None:
    """Notes, patients, mentions, top concepts, what was left out and why, speed, where the tables are."""
    counts, measured, out = result.document["counts"], result.document["measured"], result.out
    if result.already_complete:
        console.print(
            Text.assemble(("Already complete", "green"), f": {out} holds this very run; nothing was done again.\n")
        )
    console.print(
        f"[bold]{_count(counts['notes'], 'note')}[/] of [bold]{_count(counts['patients'], 'patient')}[/], "
        f"{_count(sum(counts['mentions'].values()), 'mention')}, {_count(sum(counts['events'].values()), 'event')}, "
        f"{_count(counts['features'], 'feature value')} in {_count(counts['cohort_rows'], 'cohort row')}."
    )
    console.print()
    console.print(Text("Mentions by assertion", style="bold"), _mentions(counts["mentions"]), "", sep="\n")
    console.print(Text("Top concepts in notes", style="bold"), _concepts(out), sep="\n")
    console.print(_quarantine(counts["quarantined"]))
    _remarks(console, counts)
    if not result.already_complete:
        _speed(console, measured)
    console.print("\n[bold]Tables[/]")
    for name, words in TABLES:
        console.print(Text.assemble("  ", (str(out / name), "cyan"), "  ", (words, "dim")), soft_wrap=True)


def _plain_table(*, show_header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=show_header)


def _mentions(mentions: dict[str, int]) -> Table:
    table = _plain_table()
    names = [name for name in ORDER if mentions.get(name)]
    for name in names:
        table.add_column(name, justify="right")
    if names:
        table.add_row(*(f"{mentions[name]:,}" for name in names))
    return table


def _concepts(out: Path) -> Table:
    table = _plain_table()
    table.add_column("concept")
    table.add_column("code", style="dim")
    for name in ("patients", "present", "absent"):
        table.add_column(name, justify="right")
    for row in top_concepts(out):
        table.add_row(Text(row.name), row.code, f"{row.patients:,}", f"{row.mentions:,}", f"{row.denied:,}")
    return table


def _quarantine(reasons: dict[str, int]) -> RenderableType:
    if not reasons:
        return Text("\nQuarantine: empty, every row was read.", style="dim")
    title = Text(f"\nQuarantine: {_count(sum(reasons.values()), 'row')} left out", style="yellow")
    table = _plain_table(show_header=False)
    table.add_column(justify="right")
    for name, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(f"{number:,}", name, Text(REASONS.get(name, ""), style="dim"))
    return Group(title, table)


def _remarks(console: Console, counts: dict[str, int | dict[str, int]]) -> None:
    claims = counts.get("claims")
    if isinstance(claims, dict) and claims:
        console.print(
            f"Claims: {claims['rows']:,} rows; {claims['rows_mapped']:,} share a concept with the terminology, "
            f"{claims['rows_source_concept']:,} keep the source's concept, "
            f"{claims['rows_unmapped']:,} unmapped ({claims['codes_unmapped']:,} codes)."
        )
        _remark_on_both(console, counts)
    for key, words in (
        ("notes_default_lag", "Notes without available_time, so the default lag was added (--lag)"),
        ("notes_unread_available_time", "Notes whose available_time could not be read, so the default lag was added"),
        ("notes_available_before_note_time", "Notes available before they were written, so their note time was taken"),
        ("cohort_rows_without_data", "Cohort rows of patients without notes or claims"),
        ("subjects_without_given_split", "Patients missing in the splits file, so the default split was taken"),
    ):
        number = counts.get(key)
        if isinstance(number, int) and number:
            console.print(f"[dim]{words}: {number:,}[/]")


def _remark_on_both(console: Console, counts: dict[str, int | dict[str, int]]) -> None:
    """Notes and claims that name nobody together are joined to nothing, which no table would show."""
    both = counts.get("patients_in_notes_and_claims")
    if both == 0 and counts["notes"]:
        console.print(
            "[yellow]No patient has notes and claims: they seem to name patients by other ids.[/] Where the notes have "
            "OMOP's person_id, import the claims with `phenotext claims import --omop-ids` (docs/claims.md)."
        )
    elif isinstance(both, int):
        console.print(f"Patients with notes and claims: {both:,}")


def _speed(console: Console, measured: dict[str, float]) -> None:
    seconds, done = measured["seconds_extract"], measured["notes_extracted_now"]
    speed = (
        f"{done / seconds:,.0f} notes/s, {measured['characters_extracted_now'] / seconds / 1e6:.1f} MB/s"
        if seconds and done
        else "-"
    )
    resumed = (
        f", {int(measured['shards_resumed'])} of {int(measured['shards'])} shards from before"
        if measured["shards_resumed"]
        else ""
    )
    processes = _count(int(measured["processes"]), "process", "processes")
    console.print(f"Took {measured['seconds']:.1f} s ({speed} reading and extracting, {processes}{resumed}).")
