"""Definition files: what is refused, and how; the hash; the shipped ones."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.phenotypes.read_definition import read_definition
from phenotext.pipelines.phenotypes.sets import resolve_sets
from phenotext.pipelines.phenotypes.shipped import open_definition, shipped_files

WRITTEN = """
schema_version: "1.0"
id: hf
name: Heart failure
version: "1.0"
description: d
rationale: r
sources: [s]
author: a
status: unvalidated
concept_sets:
  hf: {codes: ["SNOMED/84114007 |Heart failure|"]}
index: {rule: first, of: dx}
criteria: {name: dx, concept_set: hf}
"""
REVIEW = {
    "date": "2026-03-01", "site": "North", "n": 100, "ppv": 0.9, "ppv_ci": [0.82, 0.95], "sensitivity": 0.8,
    "sensitivity_ci": [0.7, 0.88], "approvers": ["A. Able", "B. Baker"],
}  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(change: Callable[[dict[str, Any]], object] = lambda document: None) -> Path:
        document = yaml.safe_load(WRITTEN)
        change(document)
        path = tmp_path / "hf.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    return write


def refusal(path: Path) -> RunError:
    with pytest.raises(RunError) as caught:
        read_definition(path)
    assert caught.value.where is not None
    assert path.name in caught.value.where
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("change", "where", "problem"),
    [
        (lambda d: d.pop("author"), "top level", "no author"),
        (lambda d: d.update(colour="red"), "top level", "unknown key colour"),
        (lambda d: d.update(version=1.0), "version", "is no string"),
        (lambda d: d["criteria"].update(min_count=0), "criteria/min_count", "minimum"),
        (lambda d: d["criteria"].update(source="notes"), "criteria/source", "not"),
        (lambda d: d["criteria"].update(concept_set="hff"), "criteria/concept_set", "no concept set hff"),
        (lambda d: d["criteria"].update(all=[]), "criteria", "exactly one of"),
        (lambda d: d["criteria"].update(within={"days": 5, "of": "mi"}), "inclusion", "called mi"),
        (lambda d: d["criteria"].update(within={"days": 5, "of": "dx"}), "inclusion", "lead back to itself"),
        (lambda d: d["criteria"].update(within={"days": 5}), "index/of", "counts from it"),
        (lambda d: d["criteria"].update(within={"days": [5, 1], "of": "dx"}), "criteria/within/days", "lies above"),
        (lambda d: d["criteria"].update(source="claims", sections={"in": ["plan"]}), "criteria", "need facts"),
        (lambda d: d["criteria"].update(dates={"from": "2020-02-30"}), "criteria/dates", "no such day"),
        (lambda d: d["index"].pop("of"), "index", "no `of`"),
        (lambda d: d["index"].update(rule="nth"), "index", "n and rule nth"),
        (lambda d: d["concept_sets"]["hf"].update(ecl="<< 1"), "concept_sets/hf", "exactly one of"),
        (lambda d: d["concept_sets"].update(hf={"file": "gone.csv"}), "concept_sets/hf", "no file gone.csv"),
        (lambda d: d["concept_sets"]["hf"].update(codes=[84114007]), "concept_sets/hf/codes/0", "no string"),
        (lambda d: d.update(criteria={"at_least": {"n": 2, "of": [d["criteria"]]}}), "at_least", "never hold"),
        (lambda d: d.update(status="validated"), "review", "the review has no date"),
        (lambda d: d.update(status="validated", review={**REVIEW, "approvers": ["A"]}), "review/approvers", "short"),
        (lambda d: d.update(review={**REVIEW, "approvers": ["A", "a "]}), "review/approvers", "one person twice"),
        (lambda d: d.update(review={**REVIEW, "ppv": 0.5}), "review/ppv_ci", "contain the estimate"),
        (lambda d: d.update(review={**REVIEW, "definition_sha256": "0" * 64}), "definition_sha256", "changed after"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    written: Callable[..., Path], change: Callable[[dict[str, Any]], object], where: str, problem: str
) -> None:
    error = refusal(written(change))
    assert where in str(error.where)
    assert problem in error.problem


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(WRITTEN + "author: somebody else\n")
    error = refusal(path)
    assert error.where == f"{path}:{len(WRITTEN.splitlines()) + 1}"
    path.write_bytes(b"\xff\xfe")
    assert "UTF-8" in refusal(path).problem
    path.write_text("a: [")
    refusal(path)


def test_a_faulty_code_is_refused_when_the_sets_are_resolved(written: Callable[..., Path], extractor: Any) -> None:
    read = read_definition(written(lambda d: d["concept_sets"]["hf"].update(codes=["SNOMED/84114008"])))
    with pytest.raises(RunError, match="check digit"):
        resolve_sets(read, extractor.terminology)


def test_the_hash_is_of_the_logic_and_of_named_files(written: Callable[..., Path], tmp_path: Path) -> None:
    plain = read_definition(written()).sha256
    review = {**REVIEW, "definition_sha256": plain}
    assert read_definition(written(lambda d: d.update(status="validated", review=review))).sha256 == plain
    assert read_definition(written(lambda d: d["criteria"].update(min_count=2))).sha256 != plain
    codes = tmp_path / "codes.csv"
    codes.write_text("code,system\n84114007,SNOMED\n")
    named = written(lambda d: d["concept_sets"].update(hf={"file": "codes.csv"}))
    first = read_definition(named).sha256
    codes.write_text("code,system\n42343007,SNOMED\n")
    assert read_definition(named).sha256 != first


def test_every_way_to_write_a_concept_set(written: Callable[..., Path], tmp_path: Path, extractor: Any) -> None:
    (tmp_path / "codes.csv").write_text("code,system\n84114007,SNOMED\n")
    concept = {"CONCEPT_ID": 316139, "CONCEPT_CODE": "84114007", "VOCABULARY_ID": "SNOMED", "CONCEPT_NAME": "x"}
    item = {"concept": concept, "includeDescendants": True}
    ways = (
        {"codes": ["SNOMED/84114007"]}, {"ecl": "84114007"}, {"file": "codes.csv"}, {"ohdsi": {"items": [item]}},
        {"codes": ["SNOMED/84114007", "SNOMED/42343007"], "exclude": ["SNOMED/42343007"]},
    )  # fmt: skip
    tables = []
    for way in ways:
        read = read_definition(written(lambda d, way=way: d["concept_sets"].update(hf=way)))
        tables.append(resolve_sets(read, extractor.terminology).table.to_pylist())
    assert len(tables[0]) == 1
    assert all(table == tables[0] for table in tables)


def test_codes_that_the_terminology_lacks_are_kept_as_source_codes(
    written: Callable[..., Path], extractor: Any
) -> None:
    read = read_definition(written(lambda d: d["concept_sets"]["hf"]["codes"].append("ICD10CM/I50.9")))
    resolved = resolve_sets(read, extractor.terminology)
    assert "ICD10CM/I509" in resolved.table.column("code_key").to_pylist()
    assert [note.code for note in resolved.reports["hf"].other_systems] == ["I50.9"]


def test_shipped_definitions_are_sound_and_unvalidated(extractor: Any) -> None:
    names = [path.stem for path in shipped_files()]
    assert len(names) >= 12
    for path in shipped_files():
        read = open_definition(path.stem)
        assert read.phenotype_id == path.stem
        assert read.status == "unvalidated"
        assert not read.document.get("review")
        assert len(read.document["rationale"]) > 80
        assert len(read.document["sources"]) >= 2
        resolved = resolve_sets(read, extractor.terminology)
        for name, report in resolved.reports.items():
            assert not [*report.not_found, *report.faulty, *report.retired], (path.stem, name)
    with pytest.raises(RunError, match="t2dm"):
        open_definition("gout")


def test_shipped_codes_have_their_sources_names(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "scripts"))
    import importlib

    counts, misses = importlib.import_module("check_phenotypes").check(shared)
    sys.modules.pop("check_phenotypes")
    assert counts.total() > 100
    assert misses == []
