"""FHIR bundles: valid by `fhir.resources`, every reference leads somewhere, statuses say what is known and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.fhir_bundles import BUNDLES, FhirBundles

from .conftest import rows
from .export_corpus import SENTINEL, copy_with
from .export_scores import score_rows

pytest.importorskip("fhir.resources")


def exported(source: Path, out: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    document = export_run(source, out, FhirBundles(processed_on="2024-05-06", **options))
    return [json.loads(line) for line in (out / BUNDLES).read_text(encoding="utf-8").splitlines()], document


def resources(bundles: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [
        entry["resource"]
        for bundle in bundles
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == kind
    ]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [item for value in node.values() for item in references(value)]
    return [item for value in node for item in references(value)] if isinstance(node, list) else []


def test_bundles_are_valid_and_whole(export_source: Path, tmp_path: Path) -> None:
    import importlib

    from fhir.resources.R4B.bundle import Bundle

    bundles, document = exported(export_source, tmp_path / "a")
    assert len(bundles) == 2
    assert document["withheld"]["patient_without_fact"] == 1
    for bundle in bundles:
        Bundle.model_validate(bundle)
        places = {f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in bundle["entry"]}
        assert len(places) == len(bundle["entry"])
        assert set(references(bundle)) <= places
        for entry in bundle["entry"]:
            resource = entry["resource"]
            assert entry["fullUrl"].endswith(f"/{resource['resourceType']}/{resource['id']}")
            assert len(resource["id"]) <= 64
            module = importlib.import_module(f"fhir.resources.R4B.{resource['resourceType'].lower()}")
            getattr(module, resource["resourceType"]).model_validate(resource)


def test_statuses(export_source: Path, tmp_path: Path) -> None:
    bundles, _ = exported(export_source, tmp_path / "a")
    told = {
        (
            condition["code"]["coding"][0]["code"],
            condition["verificationStatus"]["coding"][0]["code"],
            condition.get("clinicalStatus", {"coding": [{"code": None}]})["coding"][0]["code"],
        )
        for condition in resources(bundles, "Condition")
    }
    assert {
        ("195967001", "unconfirmed", "active"),  # asthma
        ("233604007", "refuted", None),  # no pneumonia
        ("233604007", "provisional", None),  # possible pneumonia
        ("128053003", "unconfirmed", "inactive"),  # a thrombosis that resolved
        ("230690007", "unconfirmed", None),  # a history of stroke, which nobody calls over
        ("29857009", "refuted", None),  # denies chest pain
    } <= told
    # the husband's COPD and the precaution about chest pain are nowhere
    assert "13645005" not in json.dumps(bundles)
    family = resources(bundles, "FamilyMemberHistory")
    assert [item["condition"][0]["code"]["coding"][0]["code"] for item in family] == ["254837009"]
    assert family[0]["status"] == "partial"


def test_every_fact_leads_to_its_note_and_characters(export_source: Path, tmp_path: Path) -> None:
    bundles, document = exported(export_source, tmp_path / "a")
    evidence = rows(export_source, "evidence")
    origins = {item["target"][0]["reference"]: item for item in resources(bundles, "Provenance")}
    facts = [*resources(bundles, "Condition"), *resources(bundles, "FamilyMemberHistory")]
    assert len(facts) == len(origins) == document["resources"]["Provenance"]
    for fact in facts:
        origin = origins[f"{fact['resourceType']}/{fact['id']}"]
        number = int(fact["id"].split("-")[1])
        places = {item["valueString"] for item in origin["entity"][0]["extension"]}
        assert places == {f"{row['start']}-{row['end']}" for row in evidence if row["event_id"] == number}
        assert origin["recorded"].startswith("2024-05-06")


def test_counts(export_source: Path, tmp_path: Path) -> None:
    bundles, document = exported(export_source, tmp_path / "a")
    events = [row for row in rows(export_source, "event") if row["source"] == "note"]
    facts = len(resources(bundles, "Condition")) + len(resources(bundles, "FamilyMemberHistory"))
    withheld = document["withheld"]
    assert facts + withheld["event_is_hypothetical"] + withheld["event_not_a_condition"] == len(events)
    assert withheld["source_is_claims"] == 3
    assert withheld["free_text_snippet"] == len(rows(export_source, "evidence"))


def test_text_and_birth_dates(export_source: Path, tmp_path: Path) -> None:
    plain, _ = exported(export_source, tmp_path / "a")
    assert SENTINEL not in json.dumps(plain)
    with_text, _ = exported(export_source, tmp_path / "b", snippets=True)
    assert SENTINEL in json.dumps(with_text)
    no_text, document = exported(export_source, tmp_path / "c", snippets=True, no_text=True)
    assert SENTINEL not in json.dumps(no_text)
    assert document["withheld"]["birth_date"] == 2
    assert {item.get("gender") for item in resources(plain, "Patient")} == {"female", "male"}
    assert {item.get("birthDate") for item in resources(plain, "Patient")} == {"1960-04-05", "1955-01-31"}
    assert {item.get("birthDate") for item in resources(no_text, "Patient")} == {None}


def test_scores_become_risk_assessments(export_source: Path, tmp_path: Path) -> None:
    scores, basis = score_rows(export_source)
    source = copy_with(export_source, tmp_path / "run", score=scores, score_evidence=basis)
    bundles, document = exported(source, tmp_path / "a")
    found = sorted(resources(bundles, "RiskAssessment"), key=lambda item: item["id"])
    assert [item["prediction"][0]["probabilityDecimal"] for item in found] == [0.91, 0.12]
    assert found[0]["status"] == "preliminary"
    assert found[0]["basis"][0]["reference"].startswith("DocumentReference/")
    assert "Sponsor" in found[0]["note"][0]["text"]
    assert document["withheld"]["score_without_result"] == 1
