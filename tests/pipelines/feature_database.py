"""A database for feature tests, filled from rows written as tuples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from phenotext.nlp.tables import OBSERVATION_PERIOD, PERSON, ROLLUP
from phenotext.pipelines.database import Database, connect, put

MOMENT = pa.timestamp("us")


@dataclass(frozen=True)
class Event:
    """A row of `event`, as far as features look at it. Times are ISO texts; `available` is `clinical` by default."""

    subject: int
    concept: int
    clinical: str
    source: str = "claims"
    domain: str = "Condition"
    assertion: str = "present"
    value: float | None = None
    available: str | None = None
    event_id: int | None = None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def feature_database(
    events: Iterable[Event] = (),
    cohort: Mapping[int, tuple[int, str]] | None = None,
    notes: Iterable[tuple[int, str, str]] = (),
    persons: Iterable[tuple[int, str | None, int, int, int]] = (),
    periods: Iterable[tuple[int, str, str]] = (),
    rollup: Iterable[tuple[int, int]] = (),
    observation: Mapping[int, tuple[str, str | None]] | None = None,
) -> Database:
    """`cohort` is row -> (subject, prediction time), one row of subject 1 as of 2022 by default; `notes` are (subject,
    note time, available time); `persons` (subject, birth, gender, race, ethnicity); `observation` row -> (start, end).
    """
    database = connect()
    rows = list(events)
    put(
        database,
        "event",
        pa.table(
            {
                "subject_id": pa.array([row.subject for row in rows], pa.int64()),
                "event_id": pa.array(
                    [place if row.event_id is None else row.event_id for place, row in enumerate(rows)], pa.int64()
                ),
                "base_concept_id": pa.array([row.concept for row in rows], pa.int64()),
                "source": pa.array([row.source for row in rows], pa.string()),
                "domain": pa.array([row.domain for row in rows], pa.string()),
                "assertion": pa.array([row.assertion for row in rows], pa.string()),
                "numeric_value": pa.array([row.value for row in rows], pa.float32()),
                "clinical_time": pa.array([moment(row.clinical) for row in rows], MOMENT),
                "available_time": pa.array([moment(row.available or row.clinical) for row in rows], MOMENT),
            }
        ),
    )
    listed = list(notes)
    put(
        database,
        "note",
        pa.table(
            {
                "subject_id": pa.array([row[0] for row in listed], pa.int64()),
                "note_id": pa.array(range(len(listed)), pa.int64()),
                "note_time": pa.array([moment(row[1]) for row in listed], MOMENT),
                "available_time": pa.array([moment(row[2]) for row in listed], MOMENT),
            }
        ),
    )
    asked = {1: (1, "2022-01-01")} if cohort is None else dict(cohort)
    seen = dict(observation or {})
    put(
        database,
        "cohort",
        pa.table(
            {
                "row_id": pa.array(list(asked), pa.int64()),
                "subject_id": pa.array([subject for subject, _ in asked.values()], pa.int64()),
                "prediction_time": pa.array([moment(time) for _, time in asked.values()], MOMENT),
                "observation_start": pa.array([moment(seen[row][0]) if row in seen else None for row in asked], MOMENT),
                "observation_end": pa.array(
                    [moment(end) if row in seen and (end := seen[row][1]) else None for row in asked], MOMENT
                ),
                "lookback": pa.nulls(len(asked), pa.string()),
            }
        ),
    )
    put(
        database,
        "person",
        pa.Table.from_pylist(
            [
                {
                    "subject_id": subject, "birth_date": moment(birth) if birth else None, "gender_concept_id": gender,
                    "race_concept_id": race, "ethnicity_concept_id": ethnicity, "run_id": "test",
                }
                for subject, birth, gender, race, ethnicity in persons
            ],
            schema=PERSON,
        ),
    )  # fmt: skip
    put(
        database,
        "observation_period",
        pa.Table.from_pylist(
            [
                {
                    "subject_id": subject,
                    "observation_start": moment(start),
                    "observation_end": moment(end),
                    "run_id": "t",
                }
                for subject, start, end in periods
            ],
            schema=OBSERVATION_PERIOD,
        ),
    )
    put(
        database,
        "rollup",
        pa.Table.from_pylist(
            [{"rollup_base_concept_id": top, "member_base_concept_id": member} for top, member in rollup], schema=ROLLUP
        ),
    )
    return database
