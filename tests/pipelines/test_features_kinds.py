"""Values, EHR records, demographics, look-back and note volume, counted by hand; and parts that change nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from phenotext.pipelines.analysis_choice import AnalysisChoice
from phenotext.pipelines.database import Database
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.features import compute_features, feature_batches, load_analyses
from phenotext.pipelines.lookback import mark_lookback
from phenotext.pipelines.registry import read_registry

from .feature_database import Event, feature_database

WINDOWS = ("any", "365d", "180d", "30d")


def computed(database: Database, end_day: int = -1, choice: AnalysisChoice | None = None) -> dict[int, float]:
    """Features of the one row of the cohort."""
    load_analyses(database, end_day, choice)
    compute_features(database)
    return dict(database.execute("SELECT covariate_id, covariate_value FROM feature").fetchall())


def values(events: Iterable[Event], first: int) -> dict[str, tuple[float | None, ...]]:
    """(last, min, max) of concept 7 by window, from the block that begins with `first`."""
    found = computed(feature_database(events))
    return {
        window: tuple(found.get(7000 + first + 3 * w + g) for g in range(3))
        for w, window in enumerate(WINDOWS)
    }  # fmt: skip


def lab(day: str, value: float | None, **rest: object) -> Event:
    return Event(1, 7, day, domain="Measurement", value=value, **rest)  # pyright: ignore[reportArgumentType]


def test_last_lowest_and_highest_value_by_window() -> None:
    # days before 2022-01-01: 2021-12-31 = -1, 2021-12-02 = -30, 2021-12-01 = -31, 2021-01-01 = -365, 2020-12-31 = -366
    found = values([lab("2021-12-02", 7.1), lab("2021-12-01", 9.5), lab("2021-01-01", 5.25), lab("2020-12-31", 4)], 825)
    assert found == {
        "any": (7.1, 4.0, 9.5),
        "365d": (7.1, 5.25, 9.5),
        "180d": (7.1, 7.1, 9.5),
        "30d": (7.1, 7.1, 7.1),
    }


def test_a_value_of_zero_and_a_negative_value_are_values() -> None:
    assert values([lab("2021-12-30", 0), lab("2021-12-20", -3)], 825)["30d"] == (0.0, -3.0, 0.0)


def test_of_one_day_the_last_is_the_later_then_the_one_known_later_then_the_greater_id() -> None:
    early, late = lab("2021-12-30T08:00", 1), lab("2021-12-30T09:00", 2)
    assert values([late, early], 825)["any"][0] == 2
    corrected = lab("2021-12-30T08:00", 3, available="2021-12-31")
    assert values([corrected, early], 825)["any"][0] == 3
    assert values([lab("2021-12-30", 4, event_id=9), lab("2021-12-30", 5, event_id=8)], 825)["any"][0] == 4


def test_values_that_are_not_yet_known_absent_or_no_numbers_do_not_count() -> None:
    assert values([lab("2021-12-30", 5, available="2022-01-02")], 825)["any"] == (None, None, None)
    assert values([lab("2022-01-01", 5, available="2021-12-31")], 825)["any"] == (None, None, None)
    assert values([lab("2021-12-30", 5, assertion="absent", source="note")], 813)["any"] == (None, None, None)
    assert values([lab("2021-12-30", float("nan")), lab("2021-12-29", 6)], 825)["any"] == (6.0, 6.0, 6.0)


def test_values_of_notes_have_a_block_of_their_own_and_those_of_ehr_and_claims_share_one() -> None:
    note, ehr, claim = (lab("2021-12-30", n, source=s) for n, s in ((1, "note"), (2, "ehr"), (3, "claims")))
    assert values([note, ehr, claim], 813)["any"] == (1.0, 1.0, 1.0)
    assert values([note, ehr, claim], 825)["any"][1:] == (2.0, 3.0)


def test_ehr_records_are_counted_apart_by_assertion() -> None:
    present = [Event(1, 7, day, "ehr") for day in ("2021-12-30", "2021-12-30T10:00", "2021-07-01")]
    found = computed(feature_database(present))
    assert found == {
        **{7837 + 3 * w: 1 for w in range(4)},
        **{7838 + 3 * w: n for w, n in enumerate((2, 2, 1, 1))},
        **{7839 + 3 * w: 2 for w in range(4)},
        693: 0, 694: 0, 695: -1,
    }  # fmt: skip
    historical = computed(feature_database([Event(1, 7, "2021-12-30", "ehr", assertion="historical")]))
    assert {key for key in historical if key > 7000} == set(range(7849, 7861))
    assert set(computed(feature_database([Event(1, 7, "2021-12-30", "ehr", assertion="absent")]))) == {
        693, 694, 695,
    }  # fmt: skip


def test_concept_zero_counts_for_nothing() -> None:
    assert set(computed(feature_database([Event(1, 0, "2021-12-30"), Event(1, 0, "2021-12-30", "note")]))) == {
        693, 694, 695,
    }  # fmt: skip


def test_note_volume_is_there_for_rows_without_anything() -> None:
    database = feature_database(
        cohort={1: (1, "2022-01-01"), 2: (99, "2022-01-01")}, notes=[(1, "2021-12-20", "2021-12-21")]
    )
    load_analyses(database, -1)
    compute_features(database)
    assert database.execute("SELECT * FROM feature ORDER BY ALL").fetchall() == [
        (1, 693, 1), (1, 694, 1), (1, 695, 12), (2, 693, 0), (2, 694, 0), (2, 695, -1),
    ]  # fmt: skip


def test_demographics_have_the_ids_of_feature_extraction() -> None:
    # year(2022-01-01) - year(1956-12-31) = 66, though the birthday is still to come: as FeatureExtraction counts
    found = computed(
        feature_database(
            persons=[(1, "1956-12-31", 8532, 8527, 38003564)],
            periods=[(1, "2010-01-01", "2015-12-31"), (1, "2020-01-01", "2022-06-30")],
        )
    )
    assert found == {
        8532001: 1, 1002: 66, 13003: 1, 8527004: 1, 38003564005: 1, 2022006: 1, 1007: 1, 1008: 731,
        693: 0, 694: 0, 695: -1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("persons", "periods", "expected"),
    [
        ([(1, None, 0, 0, 0)], [], {2022006, 1007}),  # nothing known but the day of prediction
        ([(1, "2022-01-02", 8507, 0, 0)], [], {8507001, 2022006, 1007}),  # born after the prediction: no age
        ([(1, "2022-01-01", 0, 0, 0)], [], {1002, 3, 2022006, 1007}),  # age 0 is an age
        ([(2, "1990-01-01", 8507, 0, 0)], [], set()),  # somebody else
        ([], [(1, "2010-01-01", "2021-12-31")], set()),  # observation ended the day before
        ([], [(1, "2010-01-01", "2022-01-01")], {1008}),
        ([], [(1, "2022-01-01", "2022-01-01")], {1008}),  # observed for 0 days is known, so it is there
        ([], [(1, "2022-01-02", "2023-01-01")], set()),
    ],
)
def test_demographics_that_are_not_known_are_left_out(
    persons: list[tuple[int, str | None, int, int, int]], periods: list[tuple[int, str, str]], expected: set[int]
) -> None:
    assert set(computed(feature_database(persons=persons, periods=periods))) - {693, 694, 695} == expected


def test_the_cohort_says_when_observation_began() -> None:
    database = feature_database(periods=[(1, "2020-01-01", "2022-06-30")], observation={1: ("2021-12-22", None)})
    assert computed(database)[1008] == 10


@pytest.mark.parametrize(
    ("periods", "observation", "expected"),
    [
        ([], {}, "unknown"),
        ([(2, "2010-01-01", "2023-01-01")], {}, "unknown"),
        ([(1, "2021-01-01", "2021-12-31")], {}, "enough"),  # from day -365 to day -1
        ([(1, "2021-01-02", "2021-12-31")], {}, "short"),
        ([(1, "2021-01-01", "2021-12-30")], {}, "short"),
        ([(1, "2020-01-01", "2021-06-30"), (1, "2021-07-01", "2022-12-31")], {}, "short"),  # no period covers it alone
        ([(1, "2021-12-01", "2021-12-31")], {1: ("2019-01-01", None)}, "enough"),  # the cohort goes first
        ([(1, "2010-01-01", "2023-12-31")], {1: ("2021-12-01", "2022-12-31")}, "short"),
    ],
)
def test_lookback(
    periods: list[tuple[int, str, str]], observation: dict[int, tuple[str, str | None]], expected: str
) -> None:
    database = feature_database(periods=periods, observation=observation)
    load_analyses(database, -1)
    assert mark_lookback(database, 365) == {expected: 1}
    assert database.execute("SELECT lookback FROM cohort").fetchall() == [(expected,)]


def test_only_the_analyses_asked_for_and_note_volume() -> None:
    database = feature_database([Event(1, 7, "2021-12-30")])
    assert set(computed(database, choice=AnalysisChoice.parse("101-102, 605"))) == {7101, 7102, 7605, 693, 694, 695}
    database = feature_database([Event(1, 7, "2021-12-30")])
    assert 7101 not in computed(database, choice=AnalysisChoice(without=(101,)))


@pytest.mark.parametrize("text", ["", "x", "1-", "5-3", "0", "1000", "101;102"])
def test_analyses_that_cannot_be_read(text: str) -> None:
    with pytest.raises(RunError, match="--analyses"):
        AnalysisChoice.parse(text)


def test_the_registry_has_the_blocks_of_the_schema() -> None:
    ids = read_registry().column("analysis_id").to_pylist()
    assert ids == sorted(set(ids))
    blocks = [(1, 8), *((first, first + 3) for first in (101, 301, 501, 601, 701, 801)), (605, 612), (620, 695),
              (717, 728), (741, 776), (813, 836), (837, 860), (861, 872), (873, 884)]  # fmt: skip
    assert set(ids) == {number for first, last in blocks for number in range(first, last + 1)}


@pytest.mark.parametrize("part_events", [1, 7, 10**9])
def test_parts_change_nothing(part_events: int) -> None:
    events = [
        Event(subject, concept, f"2021-{1 + concept % 12:02d}-{1 + subject % 28:02d}", source, value=float(concept))
        for subject in range(12) for concept in range(1, 9) for source in ("claims", "note", "ehr")
    ]  # fmt: skip
    cohort = {100 - row: (row % 12, f"2021-{6 + row % 6:02d}-15") for row in range(30)}
    persons = [(subject, f"19{50 + subject}-01-01", 8507, 0, 0) for subject in range(6)]

    def rows(size: int) -> list[tuple[int, int, float]]:
        database = feature_database(events, cohort, persons=persons, rollup=[(1, 1), (1, 2)])
        load_analyses(database, -1)
        return [tuple(row.values()) for batch in feature_batches(database, size) for row in batch.to_pylist()]  # pyright: ignore[reportReturnType]

    found = rows(part_events)
    assert found == sorted(found)
    assert found == rows(4_000_000)
    assert len(found) > 1000
