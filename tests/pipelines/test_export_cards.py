"""CDS Hooks cards: valid, short, and never without a basis that can be reviewed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.exporters import cds_cards
from phenotext.pipelines.exporters.cds_card import LIMIT, card
from phenotext.pipelines.exporters.cds_cards import CARDS, CdsCards
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.phenotypes.evaluate import evaluate, write_result
from phenotext.pipelines.phenotypes.read_definition import build_definition
from phenotext.pipelines.phenotypes.shipped import open_definition
from phenotext.pipelines.run_folder import RunFolder

from .export_corpus import SENTINEL, copy_with, make_run
from .export_scores import score_rows

SCHEMA = json.loads((Path(cds_cards.__file__).parent / "cds_response_schema.json").read_bytes())


def exported(source: Path, out: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    document = export_run(source, out, CdsCards(**options))
    lines = [json.loads(line) for line in (out / CARDS).read_text(encoding="utf-8").splitlines()]
    for line in lines:
        Draft202012Validator(SCHEMA).validate(line["response"])
    return lines, document


@pytest.fixture(scope="module")
def definition() -> Any:
    """Asthma: a definition whose name is far too long for a card."""
    document = json.loads(json.dumps(open_definition("copd").document))
    document |= {
        "id": "asthma_test", "name": "Asthma <b>*or*</b> " + "something like it " * 12,
        "description": "Asthma in a note.",
        "concept_sets": {"asthma": {"codes": ["SNOMED/195967001 |Asthma|"]}},
        "criteria": {"any": [{"concept_set": "asthma", "name": "asthma"}]},
        "index": {"rule": "first", "of": "asthma"},
    }  # fmt: skip
    document.pop("exclusion", None)
    document.pop("observation", None)
    return document


@pytest.fixture(scope="module")
def result(export_source: Path, definition: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phenotype") / "result"
    built = build_definition(definition, "test", folder)
    write_result(evaluate(RunFolder.open(export_source), built), folder)
    return folder


def test_cards_of_a_phenotype(export_source: Path, result: Path, tmp_path: Path) -> None:
    lines, document = exported(export_source, tmp_path / "a", phenotype=result)
    assert document["cards"] == len(lines) == 1
    shown = lines[0]["response"]["cards"][0]
    assert shown["indicator"] == "info"
    assert len(shown["summary"]) <= LIMIT
    for said in (
        "**Sponsor:** none declared", "**Inputs:**", "**Logic:** asthma\\_test version", "**Validation:** Unvalidated",
        "**Limits:**", "**Basis:**", "Clinic note", SENTINEL,
    ):  # fmt: skip
        assert said in shown["detail"], said
    assert "<b>" not in shown["detail"].replace("\\<b", "")
    again, _ = exported(export_source, tmp_path / "b", phenotype=result)
    assert again == lines
    quiet, counts = exported(export_source, tmp_path / "c", phenotype=result, no_text=True)
    assert SENTINEL not in json.dumps(quiet)
    assert counts["withheld"]["free_text_snippet"] == 1


def test_results_of_another_run_or_none_are_refused(
    export_source: Path, minimal_export_source: Path, result: Path, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="another run"):
        exported(minimal_export_source, tmp_path / "a", phenotype=result)
    with pytest.raises(RunError, match="no phenotype result"):
        exported(export_source, tmp_path / "a", phenotype=tmp_path)
    with pytest.raises(RunError, match="no scores"):
        exported(export_source, tmp_path / "a")


def test_cards_of_scores(export_source: Path, tmp_path: Path) -> None:
    scores, basis = score_rows(export_source)
    source = copy_with(export_source, tmp_path / "run", score=scores, score_evidence=basis)
    lines, document = exported(source, tmp_path / "a")
    assert len(lines) == 1
    shown = lines[0]["response"]["cards"][0]
    assert shown["source"]["topic"]["code"] == "195967001"
    assert "probability 0.91, threshold 0.5" in shown["detail"]
    assert document["withheld"]["score_not_flagged"] == document["withheld"]["score_without_result"] == 1
    bare = copy_with(export_source, tmp_path / "run2", score=scores, score_evidence=[])
    lines, document = exported(bare, tmp_path / "b")
    assert lines == []
    assert document["withheld"]["flag_without_evidence"] == 1


def test_the_sponsor_is_told(definition: Any, tmp_path: Path) -> None:
    source = make_run(tmp_path / "run", sponsor="Acme *Pharma*").out
    write_result(evaluate(RunFolder.open(source), build_definition(definition, "test", tmp_path)), tmp_path / "result")
    lines, _ = exported(source, tmp_path / "a", phenotype=tmp_path / "result")
    assert "**Sponsor:** Acme \\*Pharma\\*" in lines[0]["response"]["cards"][0]["detail"]


@pytest.mark.parametrize(
    "change", [{"indicator": "critical"}, {"summary": "x" * 140}, {"source": {}}, {"uuid": "1"}, {"suggestions": []}]
)
def test_the_schema_refuses_what_is_no_information_card(change: dict[str, Any]) -> None:
    sound = card("k", "s" * 300, {"Logic": "l"}, ["- b"], {})
    Draft202012Validator(SCHEMA).validate({"cards": [sound]})
    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate({"cards": [sound | change]})
