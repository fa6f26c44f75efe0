"""Claims of any layout, by a mapping of their columns."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from phenotext.pipelines.adapters.mapping_file import SCHEMA_FILE, read_mapping_file
from phenotext.pipelines.errors import RunError

from .adapter_samples import patient_numbers, put_files, table, take_in

EXAMPLE = SCHEMA_FILE.parent / "medical_claims.yaml"
FILES = {
    "medical_2021.csv": "MEMBER_ID,SERVICE_FROM,SERVICE_TO,PAID_DATE,CLAIM_ID,LINE_NO,DX_1,DX_VER_1,"
    "DX_2,DX_VER_2,PROC_CODE\n"
    "m1,01/12/2021,01/12/2021,02/01/2021,c1,1,J45909,0,25000,9,99213\n"
    "m1,01/12/2021,01/12/2021,02/01/2021,c1,2,J45909,0,25000,9,J1100\n"
    "m1,01/12/2021,01/12/2021,02/01/2021,c1,2,J45909,0,25000,9,J1100\n"
    "m2,2021-01-12,,,c2,1,J45909,0,,,\n"
    "m9,01/12/2021,,,c3,1,J45909,0,,,\n"
    "-3,01/12/2021,,,c3,1,J45909,0,,,\n"
    "m2,01/12/2021,01/11/2021,,c4,1,J45909,0,,,\n"
    "m2,01/12/2021,,,c5,1,,,,,\n",
    "pharmacy_2021.csv": "MEMBER_ID,FILL_DATE,PAID_DATE,RX_ID,NDC\nm2,03/01/2021,03/02/2021,r1,00093104801\n",
    "labs_2021.csv": "MEMBER_ID,COLLECTED,LOINC,RESULT,UNITS\nm2,03/01/2021,4548-4,7.5,%\n",
    "members.csv": "MEMBER_ID,DOB,SEX\nm1,05/06/1970,F\nm2,05/06/1980,x\n",
    "enrollment.csv": "MEMBER_ID,EFF_DATE,TERM_DATE\nm1,01/01/2020,12/31/2021\n",
}


def document(**changes: object) -> dict[str, object]:
    return {**yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), **changes}


def write_mapping(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_the_shipped_example_reads_a_folder_of_its_layout(tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = take_in(put_files(tmp_path / "claims", FILES), out, mapping=EXAMPLE)
    events = table(out, "event")
    mine = Counter(event["code"] for event in events if event["subject_id"] == patient_numbers(out)["m1"])
    assert mine.pop("ICD10CM/J45.909") >= 1
    assert mine == {"ICD9CM/250.00": 1, "CPT4/99213": 1, "HCPCS/J1100": 1}
    others = {event["code"]: event for event in events if event["subject_id"] == patient_numbers(out)["m2"]}
    assert set(others) == {"NDC/00093104801", "LOINC/4548-4"}
    assert (others["LOINC/4548-4"]["numeric_value"], others["LOINC/4548-4"]["domain"]) == (7.5, "Measurement")
    assert others["NDC/00093104801"]["available_time"] == datetime(2021, 3, 2)
    assert counts["rows_without_code"] == 1
    assert {(row["row"], row["reason"]) for row in table(out, "quarantine")} == {
        (4, "unreadable_date"), (5, "unknown_person"), (6, "negative_id"), (7, "end_before_start"),
    }  # fmt: skip
    assert table(out, "observation_period")[0]["observation_end"] == datetime(2021, 12, 31)
    assert {row["gender_concept_id"] for row in table(out, "person")} == {8532, 0}


def test_a_mapping_beside_the_files_is_found(tmp_path: Path) -> None:
    source = put_files(tmp_path / "claims", {**FILES, "mapping.yaml": EXAMPLE.read_text(encoding="utf-8")})
    assert take_in(source, tmp_path / "out")["form"] == "mapping"


def test_systems_by_column_by_pattern_and_by_form(tmp_path: Path) -> None:
    rows = "who|when|code|kind|part\n1|20210112|44054006|http://snomed.info/sct|dx\n1|20210112|E119|ICD-10-CM|dx\n"
    part = {
        "patient": "who", "service_date": "when",
        "codes": [{"column": "code", "code_system": {"column": "kind"},
                   "domain": {"column": "part", "values": {"dx": "Condition"}}}],
    }  # fmt: skip
    mapping = write_mapping(tmp_path / "m.yaml", {"version": 1, "source": "ehr", "files": [part]})
    source = put_files(tmp_path / "in", {"a.txt": rows})
    take_in(source / "a.txt", tmp_path / "out", mapping=mapping)
    events = table(tmp_path / "out", "event")
    assert {event["code"] for event in events} == {"SNOMED/44054006", "ICD10CM/E11.9"}
    assert {(event["source"], event["domain"]) for event in events} == {("ehr", "Condition")}
    part["codes"] = [{"column": "code", "code_system": "by_form", "domain": "Condition"}]
    write_mapping(mapping, {"version": 1, "files": [part]})
    take_in(source, tmp_path / "form", mapping=mapping)
    assert {event["code"] for event in table(tmp_path / "form", "event")} == {"SNOMED/44054006", "ICD10CM/E11.9"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": []}, "files: "),
        ({"source": "notes"}, "source: 'notes' is not one of"),
        ({"surprise": 1}, "surprise"),
        ({"version": 2}, "version"),
        ({"files": [{"file": "labs*.csv", "patient": "WHO", "service_date": "COLLECTED",
                     "codes": [{"column": "LOINC", "code_system": "LOINC", "domain": "Measurement"}]}]},
         r"labs_2021\.csv: no column who \(which m\.yaml names at files/0/patient\); it has member_id"),
        ({"files": [{"file": "dental*.csv", "patient": "WHO", "service_date": "COLLECTED",
                     "codes": [{"column": "LOINC", "code_system": "LOINC", "domain": "Measurement"}]}]},
         r"no file is called dental\*\.csv"),
        ({"files": [{"file": "labs*.csv", "patient": "MEMBER_ID", "service_date": "COLLECTED", "codes": [
            {"column": "LOINC", "code_system": {"patterns": [{"matches": "(", "system": "LOINC"}]},
             "domain": "Measurement"}]}]}, "files/0/codes/0: the pattern cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_told_where(change: dict[str, object], message: str, tmp_path: Path) -> None:
    mapping = write_mapping(tmp_path / "m.yaml", document(**change))
    with pytest.raises(RunError, match=message):
        take_in(put_files(tmp_path / "claims", FILES), tmp_path / "out", mapping=mapping)


def test_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("version: 1\nfiles: [\n")
    with pytest.raises(RunError, match=r"m\.yaml:3: is not YAML"):
        read_mapping_file(tmp_path / "m.yaml")


def test_of_several_member_files_the_last_says_what_is_so(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != "members.csv"}
    files["members_2020.csv"] = "MEMBER_ID,DOB,SEX\nm2,05/06/1980,M\nm3,05/06/1990,M\nm1,05/06/1970,M\n"
    files["members_2021.csv"] = "MEMBER_ID,DOB,SEX\nm1,05/06/1970,F\n"
    person = {**document()["person"], "file": "members_*.csv"}  # pyright: ignore[reportGeneralTypeIssues]
    mapping = write_mapping(tmp_path / "map.yaml", document(person=person))
    take_in(put_files(tmp_path / "claims", files), tmp_path / "out", mapping=mapping)
    people = {row["subject_id"]: row["gender_concept_id"] for row in table(tmp_path / "out", "person")}
    assert people[patient_numbers(tmp_path / "out")["m1"]] == 8532


def test_who_is_only_enrolled_is_a_person(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != "members.csv"}
    files["enrollment.csv"] += "m7,01/01/2020,12/31/2020\n"
    content = document()
    del content["person"]
    take_in(
        put_files(tmp_path / "claims", files), tmp_path / "out", mapping=write_mapping(tmp_path / "m.yaml", content)
    )
    enrolled = patient_numbers(tmp_path / "out")["m7"]
    assert enrolled in {row["subject_id"] for row in table(tmp_path / "out", "person")}
    assert enrolled in {row["subject_id"] for row in table(tmp_path / "out", "observation_period")}
