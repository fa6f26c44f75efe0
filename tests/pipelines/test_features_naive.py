"""The SQL against the same rules written as plain Python, on events drawn at random."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phenotext.pipelines.features import compute_features, load_analyses

from .feature_database import Event, feature_database

NATIVE = {"Condition": 101, "Drug": 301, "Procedure": 501, "Device": 601, "Measurement": 701, "Observation": 801}
NOTE_BLOCKS = {"present": 0, "absent": 1, "possible": 2, "historical": 3, "family": 4, "hypothetical": 5}
STARTS = (None, -365, -180, -30)
MEMBERS = {1: {1, 2}, 3: {3}}
BASE = datetime(2022, 1, 1)

DAYS = st.one_of(
    st.sampled_from([0, -1, -29, -30, -31, -179, -180, -181, -364, -365, -366, 1, 2]), st.integers(-800, 30)
)
EVENTS = st.lists(
    st.builds(
        lambda subject, concept, day, hour, delay, source, domain, assertion, value: Event(
            subject,
            concept,
            (BASE + timedelta(days=day, hours=hour)).isoformat(),
            source,
            domain,
            assertion if source != "claims" else "present",
            value,
            (BASE + timedelta(days=day + delay, hours=hour)).isoformat(),
        ),
        st.integers(1, 3),
        st.integers(0, 4),
        DAYS,
        st.integers(0, 23),
        st.sampled_from([0, 0, 1, 3, 90]),
        st.sampled_from(["claims", "ehr", "note"]),
        st.sampled_from(sorted(NATIVE)),
        st.sampled_from(sorted(NOTE_BLOCKS)),
        st.one_of(st.none(), st.integers(-50, 50).map(lambda number: number / 4)),
    ),
    max_size=40,
)
NOTES = st.lists(st.tuples(st.integers(1, 3), DAYS, st.sampled_from([0, 1, 5])), max_size=12)
COHORT = st.lists(st.tuples(st.integers(1, 4), st.integers(-400, 10), st.integers(0, 23)), min_size=1, max_size=6)


def windowed(days: list[int], first: int, step: int, offsets: dict[str, int]) -> dict[int, float]:
    """Analysis id -> value of binary, count and recency over the windows; `step` ids from window to window."""
    found: dict[int, float] = {}
    for w, start in enumerate(STARTS):
        inside = {day for day in days if start is None or day >= start}
        if inside:
            kinds = {"binary": 1, "count": len(inside), "recency": -max(inside)}
            found |= {first + step * w + offset: kinds[kind] for kind, offset in offsets.items()}
    return found


ALL_THREE = {"binary": 0, "count": 1, "recency": 2}


def naive(
    events: list[Event],
    notes: list[tuple[int, datetime, datetime]],
    cohort: dict[int, tuple[int, datetime]],
    end_day: int,
) -> set[tuple[int, int, float]]:
    found: set[tuple[int, int, float]] = set()

    def enter(row: int, concept: int, cells: dict[int, float]) -> None:
        found.update((row, concept * 1000 + analysis, float(number)) for analysis, number in cells.items())

    for row, (subject, time) in cohort.items():
        groups: dict[tuple[str, ...], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        measured: dict[tuple[int, int], list[tuple[datetime, datetime, int, float, int]]] = defaultdict(list)
        for event_id, event in enumerate(events):
            clinical, available = datetime.fromisoformat(event.clinical), datetime.fromisoformat(event.available or "")
            day = (clinical.date() - time.date()).days
            if event.subject != subject or not event.concept or available > time or day > end_day:
                continue
            groups[event.source, event.domain, event.assertion][event.concept].append(day)
            if event.value is not None and event.assertion == "present":
                first = 813 if event.source == "note" else 825
                measured[event.concept, first].append((clinical, available, event_id, event.value, day))
        whole: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for (source, domain, assertion), concepts in groups.items():
            for concept, days in concepts.items():
                whole[source, assertion][concept] += days
                if source == "claims":
                    enter(row, concept, windowed(days, NATIVE[domain], 1, {"binary": 0}))
        for (source, assertion), concepts in whole.items():
            rolled = {
                top: [day for member in members for day in concepts.get(member, [])]
                for top, members in MEMBERS.items()
            }  # fmt: skip
            block = 12 * NOTE_BLOCKS[assertion]
            if source == "claims":
                for concept, days in concepts.items():
                    enter(row, concept, windowed(days, 605, 1, {"count": 0, "recency": 4}))
            elif source == "note":
                for concept, days in concepts.items():
                    enter(row, concept, windowed(days, 620 + block, 3, ALL_THREE))
            elif assertion in ("present", "historical"):
                for concept, days in concepts.items():
                    enter(row, concept, windowed(days, 837 + (12 if assertion == "historical" else 0), 3, ALL_THREE))
            first = {"claims": 861, "ehr": 873, "note": 717 + block}[source]
            if (source == "note" and assertion not in ("absent", "hypothetical")) or assertion == "present":
                for top, days in rolled.items():
                    enter(row, top, windowed(days, first, 3, ALL_THREE))
        for (concept, first), listed in measured.items():
            for w, start in enumerate(STARTS):
                inside = sorted(item for item in listed if start is None or item[4] >= start)
                if inside:
                    numbers = [item[3] for item in inside]
                    enter(
                        row,
                        concept,
                        {first + 3 * w + g: n for g, n in enumerate((numbers[-1], min(numbers), max(numbers)))},
                    )
        known = [
            (written.date() - time.date()).days
            for patient, written, available in notes
            if patient == subject and available <= time and (written.date() - time.date()).days <= end_day
        ]
        enter(row, 0, {693: len(known), 694: len(set(known)), 695: -max(known) if known else -1})
    return found


# each example is a database of its own (over 100 ms of computing), hence fewer than usual
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS, NOTES, COHORT, st.sampled_from([-1, 0, -30]), st.sampled_from([1, 20, 10**6]))
def test_as_plain_python_counts(
    events: list[Event],
    notes: list[tuple[int, int, int]],
    cohort: list[tuple[int, int, int]],
    end_day: int,
    part_events: int,
) -> None:
    asked = {row: (subject, BASE + timedelta(days=day, hours=hour)) for row, (subject, day, hour) in enumerate(cohort)}
    written = [
        (subject, BASE + timedelta(days=day), BASE + timedelta(days=day + delay)) for subject, day, delay in notes
    ]
    database = feature_database(
        events,
        {row: (subject, time.isoformat()) for row, (subject, time) in asked.items()},
        [(subject, time.isoformat(), available.isoformat()) for subject, time, available in written],
        rollup=[(top, member) for top, members in MEMBERS.items() for member in members],
    )
    try:
        load_analyses(database, end_day)
        compute_features(database, "feature", part_events)
        found = database.execute("SELECT row_id, covariate_id, covariate_value FROM feature").fetchall()
    finally:
        database.close()
    assert len(found) == len(set(found))
    assert set(found) == naive(events, written, asked, end_day)
