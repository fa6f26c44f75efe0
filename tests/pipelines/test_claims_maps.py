"""Claims codes go through the maps of the terminology, and meet the notes at OMOP's concept ids."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.rows import ConceptRow, TermVariant
from phenotext.nlp.terminology.terminology import Terminology
from phenotext.pipelines.code_targets import CodeTargets
from phenotext.pipelines.concepts import LOCAL_BASE, Registry, spelled_id
from phenotext.pipelines.mappings import Mapped, read_mapping
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.source_codes import vocabulary_and_code

from .conftest import rows, write_jsonl

ASTHMA, PNEUMONIA, DIABETES, METFORMIN, METFORMIN_TABLET = 317009, 255848, 201826, 1503297, 40163924
ATHENA = {
    "CONCEPT.csv": (
        "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\t"
        "valid_start_date\tvalid_end_date\tinvalid_reason",
        f"{ASTHMA}\tAsthma\tCondition\tSNOMED\tDisorder\tS\t195967001\t19700101\t20991231\t",
        f"{PNEUMONIA}\tPneumonia\tCondition\tSNOMED\tDisorder\tS\t233604007\t19700101\t20991231\t",
        f"{DIABETES}\tType 2 diabetes mellitus\tCondition\tSNOMED\tDisorder\tS\t44054006\t19700101\t20991231\t",
        f"{METFORMIN}\tmetformin\tDrug\tRxNorm\tIngredient\tS\t6809\t19700101\t20991231\t",
        f"{METFORMIN_TABLET}\tmetformin tablet\tDrug\tRxNorm\tClinical Drug\tS\t860975\t19700101\t20991231\t",
        "900101\tAsthma, unspecified\tCondition\tICD10CM\tcode\t\tJ45.909\t19700101\t20991231\t",
        "900102\tRespiratory disease in pregnancy\tCondition\tICD10CM\tcode\t\tO99.511\t19700101\t20991231\t",
        "900103\tDependence on machine\tCondition\tICD10CM\tcode\t\tZ99.9\t19700101\t20991231\t",
        "900104\tmetformin 500\tDrug\tNDC\tcode\t\t00093104801\t19700101\t20991231\t",
        "900105\tDiabetes\tCondition\tICD9CM\tcode\t\t250.00\t19700101\t20991231\t",
    ),
    "CONCEPT_RELATIONSHIP.csv": (
        "concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason",
        f"900101\t{ASTHMA}\tMaps to\t19700101\t20991231\t",
        f"900102\t{ASTHMA}\tMaps to\t19700101\t20991231\t",
        f"900102\t{PNEUMONIA}\tMaps to\t19700101\t20991231\t",
        f"900103\t{ASTHMA}\tMaps to value\t19700101\t20991231\t",
        f"900104\t{METFORMIN_TABLET}\tMaps to\t19700101\t20991231\t",
        f"900105\t{DIABETES}\tMaps to\t19700101\t20991231\t",
        f"{METFORMIN_TABLET}\t{METFORMIN_TABLET}\tMaps to\t19700101\t20991231\t",
    ),
}
CONDITIONS = (
    "person_id,condition_concept_id,condition_start_date,condition_source_value\n"
    "ada,0,2021-01-12,J45909\n"
    "ada,0,2021-01-12,O99.511\n"
    "ada,0,2021-01-12,25000\n"
    "ada,0,2021-01-12,Z99.9\n"
    "ada,0,2021-01-13,Z99.9\n"
    "ada,0,2021-01-12,E11.9\n"  # in the project's own table, but the terminology's maps lack it
    f"ada,{PNEUMONIA},2021-01-12,home made\n"
    "ada,0,2021-01-12,Jane Doe\n"
    "ada,4242,2021-01-12,home made too\n"
)
DRUGS = (
    "person_id,drug_concept_id,drug_exposure_start_date,drug_source_value\n"
    "ada,0,2021-01-12,0093-1048-01\n"
    "ada,0,2021-01-12,6809\n"
    "ada,0,2021-01-12,55555-4444-22\n"
)


@pytest.fixture(scope="module")
def terminology_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("athena")
    for name, lines in ATHENA.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = tmp_path_factory.mktemp("compiled") / "t.ptx"
    compile_sources([folder], path)
    return path


@pytest.fixture(scope="module")
def mapped_run(terminology_file: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("run")
    claims = folder / "claims"
    claims.mkdir()
    (claims / "condition_occurrence.csv").write_text(CONDITIONS, encoding="utf-8")
    (claims / "drug_exposure.csv").write_text(DRUGS, encoding="utf-8")
    note = {
        "note_id": "n1", "patient_id": "ada", "note_time": "2021-01-10T09:00:00",
        "available_time": "2021-01-10T12:00:00",
        "text": "Patient has asthma and takes metformin. No pneumonia.",
    }  # fmt: skip
    notes = write_jsonl(folder / "notes.jsonl", [note])
    return run(Settings(notes, folder / "out", terminology=terminology_file, claims=claims))


def events(result: RunResult) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for event in rows(result.out, "event"):
        if event["source"] == "claims":
            found.setdefault(event["source_code"], set()).add(event["base_concept_id"])
    return found


def test_notes_carry_omop_ids(mapped_run: RunResult) -> None:
    found = {row["code"]: row["base_concept_id"] for row in rows(mapped_run.out, "evidence")}
    assert found == {"SNOMED/195967001": ASTHMA, "RxNorm/6809": METFORMIN, "SNOMED/233604007": PNEUMONIA}
    by_code = {row["code"]: row for row in rows(mapped_run.out, "metadata/codes")}
    assert by_code["RxNorm/6809"]["base_concept_id"] == METFORMIN


def test_claims_meet_notes_through_the_maps(mapped_run: RunResult) -> None:
    assert events(mapped_run) == {
        "J45909": {ASTHMA},
        "O99.511": {ASTHMA, PNEUMONIA},
        "25000": {DIABETES},
        "Z99.9": {spelled_id("ICD10CM", "Z99.9")},
        "E11.9": {spelled_id("ICD10CM", "E11.9")},
        "home made": {PNEUMONIA},  # the concept that the source gives is one of the terminology
        "Jane Doe": {0},
        "home made too": {4242},
        "0093-1048-01": {METFORMIN_TABLET},  # a target without a term of its own
        "6809": {METFORMIN},
        "55555-4444-22": {spelled_id("NDC", "55555-4444-22")},
    }
    assert "E119" in read_mapping()  # or the test above says nothing
    names = {row["feature_name"] for row in rows(mapped_run.out, "covariate_ref")}
    assert {"claims_condition_snomed_195967001_any_binary", "claims_drug_rxnorm_860975_any_binary"} <= names


def test_unmapped_codes_are_counted_by_vocabulary(mapped_run: RunResult) -> None:
    counts = mapped_run.document["counts"]["claims"]
    assert (counts["rows"], counts["rows_mapped"], counts["rows_source_concept"], counts["rows_unmapped"]) == (
        12,
        6,
        1,
        5,
    )
    assert counts["unmapped"] == {
        "ICD10CM": {"codes": 2, "rows": 3, "top": {"Z99.9": 2, "E11.9": 1}},
        "LOCAL": {"codes": 1, "rows": 1, "top": {}},  # a cell of no known form may hold anything, also a name
        "NDC": {"codes": 1, "rows": 1, "top": {"55555-4444-22": 1}},
    }


def test_without_maps_the_small_table_counts() -> None:
    registry = Registry(Extractor().terminology)
    targets = CodeTargets(registry, {"J45909": [Mapped("195967001", "Asthma")]})
    assert [concept.code for concept in targets.of("ICD10CM", "J45.909")] == ["SNOMED/195967001"]
    assert targets.of("ICD10CM", "E11.9") == targets.of("NDC", "00093104801") == []


def small(ids: list[int]) -> Terminology:
    concepts = [ConceptRow(f"HP:000000{i}", "HPO", f"name {i}", concept_id=number) for i, number in enumerate(ids)]
    return compile_terminology(
        concepts, [TermVariant(c.code, "HPO", c.preferred, False, "preferred", 0) for c in concepts]
    )


def test_registry_finds_both_kinds_of_ids() -> None:
    registry = Registry(small([777, 0, LOCAL_BASE + 1, 777, 5]))
    numbers = [registry.find("HPO", f"HP:000000{i}") for i in range(5)]
    # no OMOP id; one that could be a local id; one that is taken
    assert numbers == [777, LOCAL_BASE + 1, LOCAL_BASE + 2, LOCAL_BASE + 3, 5]
    assert [registry.concept(number).code for number in numbers] == [f"HPO/HP:000000{i}" for i in range(5)]
    assert 777 in registry
    assert LOCAL_BASE not in registry
    with pytest.raises(KeyError):
        registry.concept(LOCAL_BASE)


def test_registry_hash_covers_omop_ids_only_where_there_are_any() -> None:
    one, other, none = (Registry(small(ids)).sha256() for ids in ([1, 2], [1, 3], [0, 0]))
    assert len({one, other, none}) == 3
    terminology = Extractor().terminology
    assert not terminology.concept_ids.any()
    assert Registry(terminology).find("SNOMED", "195967001") == LOCAL_BASE + terminology.find("195967001", "SNOMED")
    assert np.array_equal(terminology.concept_ids, np.zeros(terminology.n_concepts, np.int64))


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        ("Condition", "44054006", ("SNOMED", "44054006")),
        ("Condition", "44054007", ("LOCAL", "44054007")),
        ("Drug", "44054006", ("RxNorm", "44054006")),
        ("Drug", "CVX:140", ("CVX", "140")),
        ("Drug", "atc/A10BA02", ("ATC", "A10BA02")),
    ],
)
def test_snomed_codes_are_told_by_their_check_digit(domain: str, value: str, expected: tuple[str, str]) -> None:
    assert vocabulary_and_code(domain, value) == expected


def test_the_command(
    terminology_file: Path, tmp_path: Path, phenotext: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = phenotext("terminology", "map", terminology_file, "--system", "icd-10-cm", "J45.909", "Z88.8")
    assert done.returncode == 0, done.stderr
    assert "195967001" in done.stdout
    assert "2 codes (2 rows): 1 mapped" in done.stdout
    codes = tmp_path / "codes.csv"
    codes.write_text("dx\nO99.511\n\nQ00\n", encoding="utf-8")
    out = tmp_path / "mapped.csv"
    done = phenotext("terminology", "map", terminology_file, "--file", codes, "--column", "dx", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "Unmapped: Q00" in done.stdout
    assert [line.split(",")[3] for line in out.read_text(encoding="utf-8").splitlines()[1:]] == [
        "233604007", "195967001", "",
    ]  # fmt: skip
    assert phenotext("terminology", "map", terminology_file).returncode == 2
    assert phenotext("terminology", "map", terminology_file, "--file", codes, "--out", codes).returncode == 2
