"""OHDSI cohort definitions: what is imported, what is named as lost, and the library as a whole."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from phenotext.pipelines.commands.phenotype import phenotype_app
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.phenotypes.evaluate import evaluate
from phenotext.pipelines.phenotypes.ohdsi_import import import_cohort
from phenotext.pipelines.phenotypes.read_definition import build_definition, read_definition

HF, DM = "SNOMED/84114007", "SNOMED/44054006"


def concept_set(number: int, code: str) -> dict[str, Any]:
    concept = {"CONCEPT_ID": 0, "CONCEPT_CODE": code, "VOCABULARY_ID": "SNOMED", "CONCEPT_NAME": "x"}
    return {"id": number, "name": f"set {number}", "expression": {"items": [{"concept": concept}]}}


def around(codeset: int, first: int | None, last: int | None, kind: int = 2, count: int = 1) -> dict[str, Any]:
    def bound(days: int | None, open_way: int) -> dict[str, int]:
        return {"Coeff": open_way} if days is None else {"Days": abs(days), "Coeff": -1 if days < 0 else 1}

    return {
        "Criteria": {"ConditionOccurrence": {"CodesetId": codeset}},
        "StartWindow": {"Start": bound(first, -1), "End": bound(last, 1), "UseEventEnd": False},
        "Occurrence": {"Type": kind, "Count": count, "IsDistinct": False},
        "IgnoreObservationPeriod": True,
    }


@pytest.fixture
def cohort(tmp_path: Path) -> Callable[..., Path]:
    def write(**more: Any) -> Path:
        content = {
            "ConceptSets": [concept_set(0, "84114007"), concept_set(1, "44054006")],
            "PrimaryCriteria": {
                "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}],
                "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
                "PrimaryCriteriaLimit": {"Type": "First"},
            },
            "QualifiedLimit": {"Type": "First"}, "ExpressionLimit": {"Type": "First"}, "InclusionRules": [],
            "CensoringCriteria": [], "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0}, "CensorWindow": {},
        }  # fmt: skip
        path = tmp_path / "7.json"
        path.write_text(json.dumps(content | more))
        return path

    return write


def rule(*entries: dict[str, Any], kind: str = "ALL", **more: Any) -> list[dict[str, Any]]:
    group = {"Type": kind, "CriteriaList": list(entries), "DemographicCriteriaList": [], "Groups": [], **more}
    return [{"name": "rule", "expression": group}]


def found(maker: Any, path: Path) -> dict[int, list[int]]:
    imported = import_cohort(path)
    assert not imported.losses
    assert imported.document is not None
    result = evaluate(maker.write(), build_definition(imported.document, path.name, path.parent))
    days: dict[int, list[int]] = {}
    for row in result.rows.to_pylist():
        days.setdefault(row["subject_id"], []).append(row["index_time"].timetuple().tm_yday - 1)
    return days


def test_windows_and_counts_mean_what_they_mean_in_circe(maker: Any, cohort: Callable[..., Path]) -> None:
    for subject, extra in {1: (), 2: (15,), 3: (15, 17), 4: (60,)}.items():
        maker.observed(subject, 0, 300)
        maker.fact(subject, 20, HF)
        for at in extra:
            maker.fact(subject, at, DM)
    maker.fact(5, 20, HF)  # never observed

    def who(*entries: dict[str, Any], kind: str = "ALL", **more: Any) -> set[int]:
        return set(found(maker, cohort(InclusionRules=rule(*entries, kind=kind, **more))))

    assert set(found(maker, cohort())) == {1, 2, 3, 4}
    assert who(around(1, -30, -1)) == {2, 3}
    assert who(around(1, None, None, 0, 0)) == {1}
    assert who(around(1, None, None, 0, 1)) == {2, 4}
    assert who(around(1, None, None, 1, 1)) == {1, 2, 4}
    assert who(around(1, None, 0, 2, 2)) == {3}
    assert who(around(1, -30, -1), around(1, 1, None), kind="ANY") == {2, 3, 4}
    assert who(around(1, -30, -1), around(1, 1, None), kind="AT_LEAST", Count=1) == {2, 3, 4}
    assert who(around(1, -30, -1), around(1, 1, None), kind="AT_MOST", Count=0) == {1}


def test_limits_and_eras(maker: Any, cohort: Callable[..., Path]) -> None:
    maker.observed(1, 5, 300)
    for at in (0, 10, 13, 60):  # the first lies before the observation
        maker.fact(1, at, HF)
    maker.fact(1, 12, DM)

    def days(primary: str, expression: str, **more: Any) -> list[int]:
        content = json.loads(cohort().read_text())["PrimaryCriteria"] | {"PrimaryCriteriaLimit": {"Type": primary}}
        path = cohort(PrimaryCriteria=content, ExpressionLimit={"Type": expression}, **more)
        return found(maker, path).get(1, [])

    later = rule(around(1, None, -1))
    offset = {"EndStrategy": {"DateOffset": {"DateField": "StartDate", "Offset": 5}}}
    assert days("First", "First") == [10]
    assert days("First", "First", InclusionRules=later) == []
    assert days("All", "First", InclusionRules=later) == [13]
    assert days("All", "Last") == [60]
    assert days("All", "All", **offset) == [10, 60], "entries that overlap are one"


def test_what_is_not_supported_is_named_with_its_place(cohort: Callable[..., Path], tmp_path: Path) -> None:
    entry: dict[str, Any] = around(1, -30, -1) | {"EndWindow": {"Start": {"Coeff": -1}}}
    entry["Criteria"]["ConditionOccurrence"]["VisitType"] = [{"CONCEPT_ID": 9201}]
    path = cohort(
        InclusionRules=rule(entry, {**around(1, 0, 1), "Criteria": {"Death": {}}}), CensorWindow={"StartDate": "x"}
    )
    place = "$.InclusionRules[0].expression.CriteriaList"
    assert [(loss.place, loss.construct) for loss in import_cohort(path).losses] == [
        (f"{place}[0].Criteria.ConditionOccurrence.VisitType", "ConditionOccurrence.VisitType"),
        (f"{place}[0].EndWindow", "EndWindow"),
        (f"{place}[1].Criteria.Death", "Death"),
        ("$.CensorWindow", "CensorWindow"),
    ]
    out = tmp_path / "out.yaml"
    refused = CliRunner().invoke(phenotype_app, ["import-ohdsi", str(path), "--out", str(out)])
    assert isinstance(refused.exception, RunError)
    assert "4 constructs" in str(refused.exception)
    assert not out.exists()
    allowed = CliRunner().invoke(phenotype_app, ["import-ohdsi", str(path), "--out", str(out), "--allow-loss"])
    assert allowed.exit_code == 0
    assert read_definition(out).phenotype_id == "ohdsi_7"
    assert "EndWindow" in yaml.safe_load(out.read_text())["rationale"]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"PrimaryCriteria": {"CriteriaList": [3]}}'])
def test_other_json_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(RunError, match=r"x\.json"):
        import_cohort(path)


def test_the_phenotype_library(shared: Path) -> None:
    folder = shared / "data" / "terminology" / "ohdsi_phenotype_library" / "cohorts"
    if not folder.is_dir():
        pytest.skip("no OHDSI phenotype library in the shared data")
    outcome: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")):
        imported = import_cohort(path)
        if imported.document is None:
            outcome["not at all"] += 1
        else:
            build_definition(imported.document, path.name, path.parent)
            outcome["with loss" if imported.losses else "fully"] += 1
        reasons.update({loss.construct for loss in imported.losses})
    assert outcome == {"fully": 17, "with loss": 42, "not at all": 1}
    assert reasons["DateOffset from EndDate with ExpressionLimit All"] == 35
    assert reasons["Measurement.ValueAsConcept"] == 4
    assert reasons["EndWindow"] == 2
    assert reasons["Death"] == 2
