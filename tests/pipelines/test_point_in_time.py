"""Windows and point in time, counted by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa
import pytest

from phenotext.pipelines.database import Database, connect, put
from phenotext.pipelines.features import compute_features, load_analyses

PREDICTION = datetime(2022, 1, 1)
Event = tuple[str, str, str, str, str]  # source, domain, assertion, clinical day, available time


def features(events: Iterable[Event], notes: Iterable[tuple[str, str]] = (), end_day: int = -1) -> dict[int, float]:
    """Features of concept 5 for one patient as of PREDICTION."""
    database = connect()
    moment = pa.timestamp("us")
    rows = list(events)
    put(
        database,
        "event",
        pa.table(
            {
                "subject_id": pa.array([1] * len(rows), pa.int64()),
                "event_id": pa.array(range(len(rows)), pa.int64()),
                "numeric_value": pa.nulls(len(rows), pa.float32()),
                "base_concept_id": pa.array([5] * len(rows), pa.int64()),
                "source": pa.array([row[0] for row in rows], pa.string()),
                "domain": pa.array([row[1] for row in rows], pa.string()),
                "assertion": pa.array([row[2] for row in rows], pa.string()),
                "clinical_time": pa.array([datetime.fromisoformat(row[3]) for row in rows], moment),
                "available_time": pa.array([datetime.fromisoformat(row[4]) for row in rows], moment),
            }
        ),
    )
    listed = list(notes)
    put(
        database,
        "note",
        pa.table(
            {
                "subject_id": pa.array([1] * len(listed), pa.int64()),
                "note_id": pa.array(range(len(listed)), pa.int64()),
                "note_time": pa.array([datetime.fromisoformat(row[0]) for row in listed], moment),
                "available_time": pa.array([datetime.fromisoformat(row[1]) for row in listed], moment),
            }
        ),
    )
    put(
        database,
        "cohort",
        pa.table({"row_id": [1], "subject_id": [1], "prediction_time": pa.array([PREDICTION], moment)}),
    )
    load_analyses(database, end_day)
    compute_features(database)
    return _result(database)


def _result(database: Database) -> dict[int, float]:
    found = database.execute("SELECT covariate_id, covariate_value FROM feature").fetchall()
    database.close()
    return dict(found)


def note(day: str, available: str | None = None, assertion: str = "present") -> Event:
    return ("note", "Condition", assertion, day, available or day)


def claim(day: str, available: str | None = None, domain: str = "Condition") -> Event:
    return ("claims", domain, "present", day, available or day)


def test_what_was_not_yet_available_does_not_count() -> None:
    assert features([note("2021-12-20", "2022-01-01T00:00:01")]) == {693: 0, 694: 0, 695: -1}
    assert 5620 in features([note("2021-12-20", "2022-01-01T00:00:00")])


@pytest.mark.parametrize(
    ("day", "windows"),
    [
        ("2021-12-31", {0, 1, 2, 3}),
        ("2021-12-02", {0, 1, 2, 3}),  # day -30
        ("2021-12-01", {0, 1, 2}),  # day -31
        ("2021-07-05", {0, 1, 2}),  # day -180
        ("2021-07-04", {0, 1}),
        ("2021-01-01", {0, 1}),  # day -365
        ("2020-12-31", {0}),
        ("2022-01-01", set()),  # the day of prediction itself
    ],
)
def test_windows_of_notes(day: str, windows: set[int]) -> None:
    found = features([note(day, "2020-01-01")])
    assert {key - 5620 for key in found if key > 5000} == {3 * w + g for w in windows for g in range(3)}


def test_end_day_zero_takes_the_index_day_in() -> None:
    assert features([note("2022-01-01T00:00:00", "2021-12-31")], end_day=0)[5622] == 0  # recency of today
    assert 5620 in features([note("2022-01-01T00:00:00", "2021-12-31")], end_day=0)


def test_count_is_distinct_days_and_recency_the_last() -> None:
    found = features([note("2021-12-30T08:00:00"), note("2021-12-30T17:00:00"), note("2021-12-01")])
    assert (found[5621], found[5622]) == (2, 2)  # any time: count, recency
    assert (found[5630], found[5631]) == (1, 2)  # 30 days


@pytest.mark.parametrize(
    ("assertion", "first"),
    [("present", 620), ("absent", 632), ("possible", 644), ("historical", 656), ("family", 668), ("hypothetical", 680)],
)
def test_assertions_have_blocks_of_their_own(assertion: str, first: int) -> None:
    found = features([note("2021-12-30", assertion=assertion)])
    assert {key - 5000 for key in found if key > 5000} == set(range(first, first + 12))


@pytest.mark.parametrize(
    ("domain", "first"),
    [
        ("Condition", 101), ("Drug", 301), ("Procedure", 501), ("Device", 601), ("Measurement", 701),
        ("Observation", 801),
    ],
)  # fmt: skip
def test_claims_keep_the_ids_of_feature_extraction(domain: str, first: int) -> None:
    found = features(
        [claim("2021-12-31", domain=domain), claim("2021-12-31", domain=domain), claim("2021-01-01", domain=domain)]
    )
    assert {key - 5000 for key in found if key > 5000} == {*range(first, first + 4), *range(605, 613)}
    assert [found[5605 + w] for w in range(4)] == [2, 2, 1, 1]  # distinct days, any, 365, 180, 30
    assert [found[5609 + w] for w in range(4)] == [1, 1, 1, 1]  # days since the last


def test_claims_and_notes_are_counted_apart() -> None:
    found = features([claim("2021-12-31"), note("2021-12-30")])
    assert (found[5605], found[5621], found[5609], found[5622]) == (1, 1, 1, 2)


def test_note_volume() -> None:
    notes = [("2021-12-30T08:00", "2021-12-31"), ("2021-12-30T20:00", "2021-12-31"), ("2021-12-31", "2022-02-01")]
    assert features([], notes) == {693: 2, 694: 1, 695: 2}
    assert features([]) == {693: 0, 694: 0, 695: -1}
