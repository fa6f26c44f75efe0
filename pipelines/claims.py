"""Claims and structured records -> events that meet the notes' concepts.

Whatever form the source has (`adapters/recognize.py`), a code is mapped in this order: to the concept that the source
gives, where the terminology knows it or has OMOP's ids at all; through the terminology's maps, where it has any of
the code's vocabulary (several concepts give several rows); a code of the terminology itself to its concept;
ICD-10-CM, where the terminology has no maps of it, through the project's table to the SNOMED concept that notes use
too; else to the concept id that the source gives; else the code keeps a number of its own. What was not mapped stays
in `event` and is counted, by vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..nlp.tables import EVENT
from .adapters.facts import settle_facts
from .adapters.people import number_people
from .adapters.reading import Reading, Source
from .adapters.recognize import FORMS, RecognizedSource, recognize
from .claims_codes import map_claim_codes
from .code_targets import CodeTargets
from .concepts import Concept, Registry
from .database import BATCH_ROWS, Database, put, value
from .errors import RunError
from .events_folder import empty_tables, is_events_folder, load_events_folder
from .ids import blake2b_63
from .lag import Lag
from .mappings import read_mapping
from .readers import BadRow
from .sql import read_sql


@dataclass(slots=True)
class Claims:
    """What a source gave: events (table `claims_event` of the database, with `claim_code`, `person`,
    `observation_period` and `visit_table`), and the rest for the run's books."""

    bad: list[BadRow] = field(default_factory=list)
    concepts: set[Concept] = field(default_factory=set)
    ids: list[tuple[str, int, str]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)


def no_claims(database: Database) -> Claims:
    """Empty tables in place of claims."""
    empty_tables(database)
    return Claims()


def load_claims(
    database: Database,
    source: Path | RecognizedSource,
    registry: Registry,
    key: bytes,
    lag: Lag,
    run_id: str,
    declared: Source | None = None,
    date_format: str | None = None,
    omop_ids: bool = False,
) -> Claims:
    """Read a source into the tables `claims_event`, `claim_code`, `person`, `observation_period` and `visit_table`.

    Args:
        source: a folder of any form that `adapters.recognize` knows, or one that `phenotext claims import` wrote.
        key: keys the ids that are not whole numbers.
        lag: what is added where the source does not say when a fact was known; records of care take that of notes.
        declared: that all rows are claims, or all are records; else as the form of the source says.
        omop_ids: patients and visits of OMOP tables have the ids `person_id` and `visit_occurrence_id`, as in OMOP's
            NOTE table, and not those of `person_source_value` and `visit_source_value`.

    Raises:
        RunError: a source of no known form, or a table without its columns.
    """
    if isinstance(source, Path) and is_events_folder(source):
        counts, concepts, ids, bad = load_events_folder(database, source, registry, key, lag, run_id)
        return Claims(bad, concepts, ids, counts)
    recognized = source if isinstance(source, RecognizedSource) else recognize(source)
    if omop_ids and recognized.form != "omop":
        raise RunError(f"is {FORMS[recognized.form]}", where=str(recognized.root), remedy="leave out --omop-ids")
    reading = Reading(database, declared, date_format, omop_ids)
    recognized.read(reading)
    settle_facts(database)
    claims = Claims()
    numbered = number_people(database, key, run_id)
    claims.ids = numbered.ids
    books = map_claim_codes(database, CodeTargets(registry, read_mapping()))
    claims.concepts = books.concepts
    put(
        database,
        "lag",
        pa.table({"source": ["claims", "ehr"], "hours": pa.array([lag.claims_hours, lag.notes_hours], pa.int64())}),
    )
    _events(database, claims, run_id)
    claims.bad = reading.bad + numbered.bad + _bad_facts(database)
    claims.counts.update(
        books.counts,
        form=recognized.form,
        ignored_files=list(recognized.ignored),
        **reading.counts,
        **_accounts(database, reading, claims),
    )
    return claims


def _bad_facts(database: Database) -> list[BadRow]:
    """Facts that cannot stand. A code of a wide row is named by its column, as two of a row may be at fault."""
    rows = database.execute(
        "SELECT file || coalesce('#' || cell, ''), line, reason FROM checked_fact WHERE reason IS NOT NULL ORDER BY ALL"
    ).fetchall()
    return [BadRow(file, line, reason) for file, line, reason in rows]


def _accounts(database: Database, reading: Reading, claims: Claims) -> dict[str, Any]:
    """Where every row and every code of the input went, so that nothing can be lost unseen.

    rows_in = rows_set_aside + rows_without_code + rows_with_codes, and
    codes_in = codes_quarantined + codes_repeated + codes_in_events; an event more for each further concept of a code.
    """

    def number(query: str) -> int:
        return value(database, query) or 0

    without = number("SELECT sum(without_code)::BIGINT FROM row_count")
    read = number("SELECT sum(rows)::BIGINT FROM row_count")
    standing = number("SELECT count(*) FROM claims_row")
    return {
        "rows_in": sum(reading.rows.values()),
        "rows_set_aside": sum(reading.rows.values()) - read,
        "rows_without_code": without,
        "rows_with_codes": read - without,
        "codes_in": number("SELECT count(*) FROM checked_fact"),
        "codes_quarantined": number("SELECT count(*) FROM checked_fact WHERE reason IS NOT NULL"),
        "codes_repeated": number("SELECT count(*) FROM settled WHERE copy > 1"),
        "codes_in_events": standing,
        "events_of_further_concepts": claims.counts["events"] - standing,
        "unread_available_times": number("SELECT count(*) FROM claims_row WHERE unread_available"),
        "unread_end_times": number("SELECT count(*) FROM claims_row WHERE unread_end"),
        "values_not_numbers": number("SELECT count(*) FROM claims_row WHERE text_value"),
        "persons": number("SELECT count(*) FROM person"),
        "persons_with_events": number("SELECT count(DISTINCT subject_id) FROM claims_event"),
        "persons_without_birth_date": number("SELECT count(*) FROM person WHERE birth_date IS NULL"),
        "deaths": number("SELECT count(*) FROM person WHERE death_time IS NOT NULL"),
        "visits": number("SELECT count(*) FROM visit_table"),
        "events_before_birth": number(
            "SELECT count(*) FROM claims_event e JOIN person p USING (subject_id) WHERE e.clinical_time < p.birth_date"
        ),
        "events_long_after_death": number(
            "SELECT count(*) FROM claims_event e JOIN person p USING (subject_id) "
            "WHERE e.clinical_time > p.death_time + INTERVAL 60 DAY"
        ),
        "times_with_zone": number("SELECT count(*) FROM claims_row WHERE zoned"),
    }


def _events(database: Database, claims: Claims, run_id: str) -> None:
    """Table `claims_event`, filled batch by batch: the ids are hashes, which DuckDB does not make."""
    put(database, "claims_event", EVENT.empty_table())
    lagged = total = 0
    reader = database.cursor().sql(read_sql("claims_event")).to_arrow_reader(BATCH_ROWS)
    for table in _with_ids(reader, run_id):
        lagged += sum(table.column("available_defaulted").to_pylist())
        total += table.num_rows
        database.register("incoming_events", table.select(EVENT.names).cast(EVENT))
        database.execute("INSERT INTO claims_event SELECT * FROM incoming_events")
        database.unregister("incoming_events")
    claims.counts["events"] = total
    claims.counts["events_default_lag"] = lagged


def _with_ids(batches: Iterator[pa.RecordBatch], run_id: str) -> Iterator[pa.Table]:
    names = ("source", "code", "visit_id", "numeric_value", "unit", "ordinal")
    for batch in batches:
        table = pa.Table.from_batches([batch])
        times = table.column("clinical_time").cast(pa.int64()).to_pylist()
        parts = (table.column(name).to_pylist() for name in names)
        # the text that worker.event_id hashes, put together in place: this is the innermost loop of an import
        numbers = [
            blake2b_63(
                f"{source}|{time}|{code}|{'' if visit is None else visit}||"
                f"{'' if number is None else number}|{unit or ''}|{ordinal}".encode()
            )
            for time, source, code, visit, number, unit, ordinal in zip(times, *parts)
        ]
        table = table.append_column("event_id", pa.array(numbers, pa.int64()))
        yield table.append_column("run_id", pa.repeat(pa.scalar(run_id), table.num_rows))
