"""Claims become events that meet the notes' concepts."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from phenotext.pipelines import claims as claims_module
from phenotext.pipelines.concepts import SPELLED_VOCABULARIES, spelled_id
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.mappings import Mapped, read_mapping
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.source_codes import vocabulary_and_code
from phenotext.pipelines.summary import print_summary

from .conftest import rows

CONDITIONS = (
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_type_concept_id,"
    "condition_source_value,visit_occurrence_id,paid_date\n"
    "1,10,0,2021-01-12,32810,J45.909,500,2021-02-01\n"
    "2,10,0,2021-01-12,32810,J45909,500,2021-02-01\n"  # the same line of the claim again, without the dot
    "3,10,0,2021-01-12,32810,Z99.9,500,\n"  # paid when nobody says
    "4,10,4321,2021-01-12,32810,custom code,,2021-02-01\n"
    "5,99,0,2021-01-12,32810,J45.909,,2021-02-01\n"  # nobody
    "6,10,0,soon,32810,J45.909,,2021-02-01\n"
    "7,10,0,,32810,J45.909,,2021-02-01\n"
    "8,10,0,2021-01-12,32810,,,2021-02-01\n"
    "9,10,0\n"
    "10,10,0,2021-01-12,32810,O99.511,,2020-01-01\n"  # paid before it was done: cannot be
)


@pytest.fixture
def claims_run(tmp_path: Path, notes_file: Path, monkeypatch: pytest.MonkeyPatch) -> RunResult:
    mapping = {
        "J45909": [Mapped("195967001", "Asthma")],
        "O99511": [Mapped("195967001", "Asthma"), Mapped("233604007", "Pneumonia")],
    }
    monkeypatch.setattr(claims_module, "read_mapping", lambda: mapping)
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "condition_occurrence.csv").write_text(CONDITIONS)
    (folder / "procedure_occurrence.csv").write_text(
        "procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,procedure_source_value\n1,10,0,2021-01-12,99213\n"
    )
    (folder / "person.csv").write_text("person_id,person_source_value\n10,ada\n")
    (folder / "visit_occurrence.csv").write_text("visit_occurrence_id,person_id,visit_source_value\n500,10,e1\n")
    return run(Settings(notes_file, tmp_path / "out", claims=folder))


def test_claims_and_notes_share_concepts_patients_and_visits(claims_run: RunResult) -> None:
    events = rows(claims_run.out, "event")
    note = next(event for event in events if event["code"] == "SNOMED/195967001")
    claim = next(event for event in events if event["source_code"] == "J45.909")
    for name in ("subject_id", "base_concept_id", "concept_id", "visit_id"):
        assert claim[name] == note[name] != 0, name
    assert claim["code"] == "ICD10CM/J45.909"
    assert (claim["time"], claim["available_time"]) == (datetime(2021, 1, 12), datetime(2021, 2, 1))


def test_a_run_tells_whether_notes_and_claims_name_the_same_patients(
    claims_run: RunResult, notes_file: Path, tmp_path: Path
) -> None:
    def told(result: RunResult) -> str:
        console = Console(width=400, record=True, file=io.StringIO())
        print_summary(console, result)
        return console.export_text()

    assert claims_run.document["counts"]["patients_in_notes_and_claims"] == 1
    assert "Patients with notes and claims: 1\n" in told(claims_run)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "condition_occurrence.csv").write_text(CONDITIONS)
    result = run(Settings(notes_file, tmp_path / "apart", claims=strangers))
    assert result.document["counts"]["patients_in_notes_and_claims"] == 0
    assert "No patient has notes and claims" in told(result)


def test_lines_that_are_alike_stay_apart(claims_run: RunResult) -> None:
    alike = [event for event in rows(claims_run.out, "event") if event["code"] == "ICD10CM/J45.909"]
    assert len(alike) == 2
    assert len({event["event_id"] for event in alike}) == 2


def test_a_code_of_two_concepts_gives_two_rows(claims_run: RunResult) -> None:
    events = [event for event in rows(claims_run.out, "event") if event["code"] == "ICD10CM/O99.511"]
    assert len({event["base_concept_id"] for event in events}) == len(events) == 2
    assert all(event["available_time"] == datetime(2021, 1, 12) for event in events)
    code = next(row for row in rows(claims_run.out, "metadata/codes") if row["code"] == "ICD10CM/O99.511")
    assert code["parent_codes"] == ["SNOMED/195967001", "SNOMED/233604007"]


def test_unmapped_codes_are_kept_and_counted(claims_run: RunResult) -> None:
    events = {event["source_code"]: event for event in rows(claims_run.out, "event") if event["source"] == "claims"}
    assert events["Z99.9"]["base_concept_id"] == spelled_id("ICD10CM", "Z99.9")
    assert events["Z99.9"]["available_time"] == datetime(2021, 4, 12)  # 90 days
    assert events["custom code"]["base_concept_id"] == 4321
    assert events["99213"]["code"] == "CPT4/99213"
    counts = claims_run.document["counts"]["claims"]
    assert (counts["rows"], counts["rows_mapped"], counts["rows_source_concept"], counts["rows_unmapped"]) == (
        6,
        3,
        1,
        2,
    )


def test_bad_claims_rows_are_set_aside(claims_run: RunResult) -> None:
    bad = {(row["row"], row["reason"]) for row in rows(claims_run.out, "quarantine")}
    assert bad == {
        (5, "unknown_person"), (6, "unreadable_date"), (7, "no_date"), (8, "no_code"), (9, "wrong_cell_count"),
    }  # fmt: skip


def test_features_of_claims(claims_run: RunResult) -> None:
    names = {row["feature_name"] for row in rows(claims_run.out, "covariate_ref")}
    assert "claims_condition_snomed_195967001_any_binary" in names
    assert "claims_snomed_195967001_365d_count" in names
    assert "claims_procedure_cpt4_99213_any_binary" in names
    assert "note_snomed_195967001_present_any_binary" in names


def test_a_folder_without_claims_is_an_error(tmp_path: Path, notes_file: Path) -> None:
    (tmp_path / "claims").mkdir()
    with pytest.raises(RunError, match="no claims table"):
        run(Settings(notes_file, tmp_path / "out", claims=tmp_path / "claims"))


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        ("Condition", "E119", ("ICD10CM", "E11.9")),
        ("Condition", "E86.0", ("ICD10CM", "E86.0")),
        ("Condition", "E8600", ("ICD10CM", "E86.00")),
        ("Condition", "E849.0", ("ICD9CM", "E849.0")),
        ("Condition", "25000", ("ICD9CM", "250.00")),
        ("Condition", "icd10cm:i10", ("ICD10CM", "i10")),
        ("Drug", "00093-1048-01", ("NDC", "00093-1048-01")),
        ("Drug", "860975", ("RxNorm", "860975")),
        ("Procedure", "G0008", ("HCPCS", "G0008")),
        ("Procedure", "0DTJ4ZZ", ("ICD10PCS", "0DTJ4ZZ")),
        ("Measurement", "4548-4", ("LOINC", "4548-4")),
        ("Drug", "furosemide 20 mg", ("LOCAL", "furosemide 20 mg")),
    ],
)
def test_vocabulary_is_told_by_the_form(domain: str, value: str, expected: tuple[str, str]) -> None:
    assert vocabulary_and_code(domain, value) == expected


def test_spelled_ids_differ() -> None:
    codes = [("ICD10CM", "E11.9"), ("ICD10CM", "E11.90"), ("ICD9CM", "250.00"), ("ICD9CM", "25.000"), ("CPT4", "25000"),
             ("NDC", "00093104801"), ("NDC", "0093104801"), ("RxNorm", "93104801"), ("ICD10CM", "0E119")]  # fmt: skip
    ids = [spelled_id(*code) for code in codes]
    assert len(set(ids)) == len(ids) - 1  # a dot is no difference: 250.00 and 25.000
    assert all(number > 2_000_000_000 for number in ids)


def test_covariate_ids_survive_as_doubles() -> None:
    largest = spelled_id(SPELLED_VOCABULARIES[-1], "9" * 11)
    assert largest > spelled_id(SPELLED_VOCABULARIES[-1], "-" * 7) > spelled_id(SPELLED_VOCABULARIES[-2], "9" * 11)
    assert largest * 1000 + 999 < 2**53
    assert spelled_id("ICD10CM", "A" * 8) == spelled_id("NDC", "9" * 12) == 0


def test_the_mapping_table_reads(tmp_path: Path) -> None:
    path = tmp_path / "map.tsv"
    path.write_text("# comment\nicd10cm\tsnomed\tname\nE11.9\t44054006\tType 2 diabetes\nE11.9\t44054006\tagain\n")
    assert read_mapping(path)["E119"][0].snomed == "44054006"
    assert read_mapping(tmp_path / "absent.tsv") == {}
