"""Each construct of a definition on a few facts written by hand."""

from datetime import datetime
from typing import Any

import pytest

HF, DM, COPD, EF = "SNOMED/84114007", "SNOMED/44054006", "SNOMED/13645005", "SNOMED/250908004"
DX: dict[str, Any] = {"name": "dx", "concept_set": "hf"}


def test_a_denial_is_no_disease_and_history_counts_only_if_asked_for(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, HF, source="note")
    for subject, assertion in enumerate(("absent", "family", "possible", "historical", "hypothetical"), start=2):
        maker.fact(subject, 0, HF, source="note", assertion=assertion)
    assert set(matches(DX)) == {1}
    assert set(matches({**DX, "assertions": ["present", "historical", "possible"]})) == {1, 4, 5}


def test_sources(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, HF, source="note")
    maker.fact(2, 0, HF, source="claims")
    maker.fact(3, 0, HF, source="ehr")
    maker.fact(4, 0, HF, source="note")
    maker.fact(4, 1, HF, source="ehr")
    for source, expected in (
        ("either", {1, 2, 3, 4}),
        ("note", {1, 4}),
        ("claims", {2}),
        ("ehr", {3, 4}),
        ("both", {4}),
        (["claims", "ehr"], {2, 3, 4}),
    ):
        assert set(matches({**DX, "source": source})) == expected, source


def test_counts_are_of_notes_and_lines_and_days_of_the_calendar(maker: Any, matches: Any) -> None:
    for _ in range(2):
        maker.fact(1, 0, HF, source="note", note=77)  # two events of one note
    maker.fact(2, 0.1, HF)
    maker.fact(2, 0.9, HF)  # two lines of one day
    maker.fact(3, 0, HF)
    maker.fact(3, 5, HF)
    assert set(matches({**DX, "min_count": 2})) == {2, 3}
    assert set(matches({**DX, "min_distinct_days": 2})) == {3}


def test_all_any_not_and_at_least(maker: Any, matches: Any) -> None:
    held = {1: (HF,), 2: (HF, DM), 3: (HF, DM, COPD), 4: (DM, COPD)}
    for subject, codes in held.items():
        for code in codes:
            maker.fact(subject, 0, code)
    dm, copd = {"concept_set": "dm"}, {"concept_set": "copd"}
    assert set(matches({"all": [DX, dm]})) == {2, 3}
    assert set(matches({"all": [DX, {"any": [dm, copd]}]})) == {2, 3}
    assert set(matches({"all": [DX, {"not": dm}]})) == {1}
    assert set(matches({"at_least": {"n": 2, "of": [DX, dm, copd]}})) == {2, 3}
    assert set(matches({"at_least": {"n": 2, "of": [DX, dm, copd]}}, index={"rule": "tree"})) == {2, 3, 4}
    assert set(matches(DX, exclusion={"any": [copd]})) == {1, 2}


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"days": 10}, {2, 3, 4}),
        ({"days": [-10, 0]}, {2, 3}),
        ({"days": [-11, -10]}, {1, 2}),
        ({"days": [1, None]}, {4, 5}),
        ({"days": [None, -1]}, {1, 2}),
    ],
)
def test_windows_count_calendar_days_from_the_index(
    maker: Any, matches: Any, window: dict[str, Any], expected: set[int]
) -> None:
    for subject, at in {1: 9.0, 2: 10.0, 3: 20.9, 4: 21.0, 5: 40.0}.items():
        maker.fact(subject, 20.3, HF)
        maker.fact(subject, at, DM)
    assert set(matches({"all": [DX, {"concept_set": "dm", "within": window}]})) == expected


def test_before_after_and_within_of_another_criterion(maker: Any, matches: Any) -> None:
    for subject, at in {1: 5, 2: 10, 3: 15, 4: 100}.items():
        maker.fact(subject, 0, HF)
        maker.fact(subject, 10, DM)
        maker.fact(subject, at, COPD)
    dm = {"name": "sugar", "concept_set": "dm"}

    def found(**window: Any) -> set[int]:
        return set(matches({"all": [DX, dm, {"concept_set": "copd", **window}]}))

    assert found(before="sugar") == {1}
    assert found(after="sugar") == {3, 4}
    assert found(after={"criterion": "sugar", "days": 30}) == {3}
    assert found(after={"criterion": "sugar", "min_days": 0, "days": 30}) == {2, 3}
    assert found(within={"days": 5, "of": "sugar"}) == {1, 2, 3}
    assert found(without={"days": 5, "of": "sugar"}) == {4}
    assert found(within=[{"days": 5, "of": "sugar"}, {"days": [11, None]}]) == {3}


def test_sections_and_note_classes(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, HF, source="note", section="assessment", note_class="Clinic note")
    maker.fact(2, 0, HF, source="note", section="indication", note_class="Radiology report")
    maker.fact(3, 0, HF, source="note")
    maker.fact(4, 0, HF)
    assert set(matches({**DX, "sections": {"in": ["assessment", "plan"]}})) == {1}
    assert set(matches({**DX, "sections": {"not_in": ["indication"]}})) == {1, 3}
    assert set(matches({**DX, "note_classes": {"in": ["Radiology report"]}})) == {2}


def test_values_with_units(maker: Any, matches: Any) -> None:
    for subject, (value, unit) in enumerate(((40.0, "%"), (40.1, "%"), (35.0, None), (0.35, "1"), (None, "%")), 1):
        maker.fact(subject, 0, EF, source="note", value=value, unit=unit)
    maker.fact(6, 0, "LOINC/10230-1", value=30.0)  # no claims row has a unit
    leaf = {"name": "dx", "concept_set": "ef"}

    def found(**value: Any) -> set[int]:
        return set(matches({**leaf, "value": value}))

    assert found(op="<=", number=40, unit="%") == {1}
    assert found(op="<", number=40, unit="%") == set()
    assert found(op=">", number=40, unit=["%", "percent"]) == {2}
    assert found(op="<=", number=40, unit="%", unknown_unit="accept") == {1, 3, 6}
    assert found(range=[30, 40]) == {1, 3, 6}
    assert found(op="=", number=40.1) == {2}, "a 32-bit number equals the decimal it was read from"


def test_age_and_sex(maker: Any, matches: Any) -> None:
    for subject, (born, gender) in enumerate(
        ((datetime(1960, 1, 1), 8532), (datetime(1960, 1, 2), 8507), (None, 0)), start=1
    ):
        maker.person(subject, born, gender)
        maker.fact(subject, 0, HF)  # 1 January 2020
    assert set(matches({**DX, "age": {"min": 60}})) == {1}
    assert set(matches({"all": [DX, {"age": {"max": 59}}]})) == {2}
    assert set(matches({"all": [DX, {"sex": "female"}]})) == {1}
    assert set(matches({**DX, "sex": "male"})) == {2}


def test_index_rules(maker: Any, matches: Any) -> None:
    for at in (3.25, 3.5, 10, 50):
        maker.fact(1, at, HF)
    maker.fact(1, 12, DM)
    both = {"all": [DX, {"concept_set": "dm", "within": {"days": [-5, 5]}}]}
    tree = {"all": [{"concept_set": "hf", "min_distinct_days": 2}, {"concept_set": "dm"}]}
    of = {"of": "dx"}
    assert matches(DX, index={"rule": "first", **of}) == {1: [3.25]}
    assert matches(DX, index={"rule": "last", **of}) == {1: [50]}
    assert matches(DX, index={"rule": "nth", "n": 2, **of}) == {1: [10]}
    assert matches(DX, index={"rule": "nth", "n": 4, **of}) == {}
    assert matches(DX, index={"rule": "all", **of}) == {1: [3.25, 10, 50]}
    assert matches(DX, index={"rule": "all", "gap_days": 7, **of}) == {1: [3.25, 50]}
    assert matches(both, index={"rule": "first", **of}) == {}
    assert matches(both, index={"rule": "first", "among": "holding", **of}) == {1: [10]}
    assert matches(tree, index={"rule": "tree"}) == {1: [12]}, "the first day on which all was there"


def test_observation(maker: Any, matches: Any) -> None:
    for subject, (first, last) in {1: (0, 500), 2: (300, 500), 3: (0, 405)}.items():
        maker.observed(subject, first, last)
        maker.fact(subject, 400, HF)
    maker.fact(4, 400, HF)

    def found(**observation: Any) -> set[int]:
        return set(matches(DX, observation=observation))

    assert found() == {1, 2, 3}
    assert found(look_back_days=365) == {1, 3}
    assert found(look_back_days=400, look_ahead_days=30) == {1}
    assert found(unknown="keep", look_back_days=365) == {1, 3, 4}


def test_only_observed_days_are_candidates_if_asked_for(maker: Any, matches: Any) -> None:
    maker.observed(1, 0, 500)
    maker.fact(1, 10, HF)
    maker.fact(1, 400, HF)
    assert matches(DX, observation={"look_back_days": 365}) == {}
    assert matches(DX, observation={"look_back_days": 365, "candidates": True}) == {1: [400]}


def test_same_observation_period(maker: Any, matches: Any) -> None:
    maker.observed(1, 0, 100)
    maker.observed(1, 200, 300)
    maker.observed(2, 0, 300)
    for subject in (1, 2):
        maker.fact(subject, 250, HF)
        maker.fact(subject, 50, DM)
    assert set(matches({"all": [DX, {"concept_set": "dm"}]})) == {1, 2}
    assert set(matches({"all": [DX, {"concept_set": "dm", "same_observation": True}]})) == {2}


def test_first_only_dates_and_domains(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, HF)
    maker.fact(1, 60, HF)
    maker.fact(2, 60, HF, domain="Observation")
    march = {"dates": {"from": "2020-02-01"}}
    assert set(matches({**DX, **march})) == {1, 2}
    assert set(matches({**DX, **march, "first_only": True})) == {2}, "the first of patient 1 lies before"
    assert set(matches({**DX, "dates": {"to": "2020-01-01"}})) == {1}
    assert set(matches({**DX, "domains": ["Observation"]})) == {2}
    assert set(matches({"name": "dx", "domains": ["Observation"]})) == {2}


def test_defined_facts_are_referred_to_and_are_no_criteria(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, HF)
    maker.fact(1, 3, DM)
    maker.fact(2, 0, HF)
    near = {**DX, "within": {"days": 5, "of": "sugar"}}
    sugar = [{"name": "sugar", "concept_set": "dm"}]
    assert set(matches(near, define=sugar)) == {1}
    assert set(matches({**DX, "without": {"days": 5, "of": "sugar"}}, define=sugar)) == {2}


def test_only_one_source_leaves_the_others_out(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, HF, source="note")
    maker.fact(2, 0, HF)
    assert set(matches(DX, only="note")) == {1}
    assert set(matches(DX, only="claims")) == {2}
    assert set(matches({**DX, "source": "note"}, only="claims")) == set()


def test_unmapped_claims_are_found_by_their_code(maker: Any, matches: Any) -> None:
    maker.fact(1, 0, "ICD10CM/Z99.81")
    maker.fact(2, 0, "ICD10CM/Z9981")
    maker.fact(3, 0, "ICD10CM/Z99.9")
    sets = {"oxygen": {"codes": ["ICD10CM/Z99.81"]}}
    assert set(matches({"name": "dx", "concept_set": "oxygen"}, concept_sets=sets)) == {1, 2}
