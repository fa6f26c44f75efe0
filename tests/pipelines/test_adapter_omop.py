"""OMOP folders of any version and form become events; what cannot stand is set aside with a reason."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from phenotext.pipelines.adapters.recognize import recognize
from phenotext.pipelines.claims_import import ImportOptions, import_claims
from phenotext.pipelines.errors import RunError

from .adapter_samples import RIF_HEADER, patient_numbers, put_files, table, take_in

PERSON = (
    "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,race_concept_id,ethnicity_concept_id,"
    "person_source_value,care_site_id\n1,8532,1950,3,,8527,38003564,ada,4\n2,8507,1960,12,31,0,0,,\n"
)
CONDITION = (
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_end_date,"
    "condition_source_value,visit_occurrence_id\n"
)
BAD_ROWS = (
    "1,1,0,2021-01-12,2021-01-13,J45.909,5\n"
    "1,1,0,2021-01-12,2021-01-13,J45.909,5\n"  # the same row again
    "2,1,0,2021-01-12,2021-01-11,J45.909,\n"
    "3,99,0,2021-01-12,,J45.909,\n"
    "4,-1,0,2021-01-12,,J45.909,\n"
    "5,,0,2021-01-12,,J45.909,\n"
    "6,1,-5,2021-01-12,,J45.909,\n"
    "7,1,3.2e6,2021-01-12,,J45.909,\n"
    "8,1,0,1066-01-12,,J45.909,\n"
    "9,1,0,12/01/2021,,J45.909,\n"
    "10,1,0,,,J45.909,\n"
    "11,1,0,2021-01-12,,,\n"
    "12,1,0,2021-01-12,,44054006.0,\n"
    "13,1,0,2021-01-12,,4.4054006E+07,\n"
    "14,1,0,2021-01-12,,1092131000000100,\n"
    "15,1,0,2021-01-12,,250.0,\n"  # a code of ICD-9 and no float
    "16,1.0,319826.0,2021-01-12,,401.9,5.0\n"  # as a data frame with gaps writes whole numbers
    "17,1,0\n"
)
REASONS = {
    3: "end_before_start", 4: "unknown_person", 5: "negative_id", 6: "no_patient", 7: "negative_id",
    8: "unreadable_concept_id", 9: "date_out_of_range", 10: "unreadable_date", 11: "no_date", 12: "no_code",
    13: "code_as_float", 14: "code_as_float", 15: "code_rounded", 18: "wrong_cell_count",
}  # fmt: skip


def test_every_bad_row_has_its_reason_and_none_is_lost(tmp_path: Path) -> None:
    visits = "visit_occurrence_id,person_id,visit_start_date,visit_source_value\n5,1,2021-01-12,e-5\n"
    source = put_files(
        tmp_path / "omop",
        {"person.csv": PERSON, "condition_occurrence.csv": CONDITION + BAD_ROWS, "visit_occurrence.csv": visits},
    )
    out = tmp_path / "out"
    counts = take_in(source, out)
    assert {row["row"]: row["reason"] for row in table(out, "quarantine")} == REASONS
    assert (counts["codes_repeated"], counts["rows_in"]) == (1, 18)
    events = table(out, "event")
    assert {event["source_code"] for event in events} == {"J45.909", "250.0", "401.9"}
    assert {event["subject_id"] for event in events} == {patient_numbers(out)["ada"]}
    kept = next(event for event in events if event["source_code"] == "401.9")
    assert kept["base_concept_id"] == 319826
    assert kept["visit_id"] == next(event for event in events if event["source_code"] == "J45.909")["visit_id"]
    people = {row["subject_id"]: row for row in table(out, "person")}
    assert people[patient_numbers(out)["ada"]]["birth_date"] == datetime(1950, 3, 1)
    assert people[2]["birth_date"] == datetime(1960, 12, 31)


def test_times_with_and_without_an_offset(tmp_path: Path) -> None:
    rows = "".join(
        f"{number},1,4321,{moment},x,\n"
        for number, moment in enumerate(
            ("2021-01-12T10:00:00+02:00", "2021-01-12T10:00:00Z", "2021-01-12 10:00:00", "2021-01-13",
             "2021-01-12T10:00:00-0500", "2021-01-12 10:00 America/New_York"), 1
        )
    )  # fmt: skip
    header = (
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_datetime,condition_source_value,v\n"
    )
    source = put_files(tmp_path / "omop", {"condition_occurrence.csv": header + rows})
    take_in(source, tmp_path / "out")
    assert {(row["row"], row["reason"]) for row in table(tmp_path / "out", "quarantine")} == {
        (3, "mixed_time_zone"), (6, "unreadable_date"),
    }  # fmt: skip
    assert sorted(event["time"] for event in table(tmp_path / "out", "event")) == [
        datetime(2021, 1, 12, 8), datetime(2021, 1, 12, 10), datetime(2021, 1, 12, 15), datetime(2021, 1, 13),
    ]  # fmt: skip


def test_forms_of_one_folder_give_one_result(tmp_path: Path) -> None:
    """Commas, tabs, upper case, gzip, Parquet whole and in parts."""
    rows = "1,1,0,2021-01-12,2021-01-13,J45.909,\n2,2,4321,20210112,,x,\n"
    plain = put_files(tmp_path / "plain", {"person.csv": PERSON, "condition_occurrence.csv": CONDITION + rows})
    tabs = tmp_path / "tabs"
    tabs.mkdir()
    for name in ("PERSON", "CONDITION_OCCURRENCE"):
        text = (plain / f"{name.lower()}.csv").read_text()
        head, body = text.split("\n", 1)
        with gzip.open(tabs / f"{name}.csv.gz", "wt") as handle:
            handle.write((head.upper() + "\n" + body).replace(",", "\t"))
    parts = tmp_path / "parts"
    (parts / "condition_occurrence").mkdir(parents=True)
    database = duckdb.connect()
    database.execute(f"COPY (FROM read_csv('{plain}/person.csv')) TO '{parts}/person.parquet'")
    for number in (1, 2):
        database.execute(
            f"COPY (FROM read_csv('{plain}/condition_occurrence.csv', all_varchar = true) "
            f"WHERE condition_occurrence_id = '{number}') TO '{parts}/condition_occurrence/part-{number}.parquet'"
        )
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    (renamed / "dx_2021.csv").write_text((plain / "condition_occurrence.csv").read_text())
    (renamed / "members.csv").write_text(PERSON)
    found = []
    for folder in (plain, tabs, parts, renamed):
        assert recognize(folder).form == "omop"
        out = tmp_path / f"out_{folder.name}"
        take_in(folder, out)
        found.append([{**event, "run_id": ""} for event in table(out, "event")])
    assert len(found[0]) == 2
    assert found[0] == found[1] == found[2] == found[3]


def test_values_units_devices_and_the_folders_own_vocabulary(tmp_path: Path) -> None:
    source = put_files(
        tmp_path / "omop",
        {
            "measurement.csv": "person_id,measurement_concept_id,measurement_date,"
            "measurement_source_value,value_as_number,"
            "unit_source_value\n1,0,2021-01-12,4548-4,7.5,%\n1,0,2021-01-12,4548-4,high,%\n",
            "device_exposure.csv": "person_id,device_concept_id,device_exposure_start_date,device_source_value\n"
            "1,0,2021-01-12,72506001\n",
            "drug_exposure.csv": "person_id,drug_concept_id,drug_exposure_start_date,drug_source_value,"
            "drug_source_concept_id\n1,0,2021-01-12,140,40213154\n1,0,2021-01-12,140,0\n",
            "concept.csv": "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,"
            "standard_concept,concept_code\n"
            "40213154,a vaccine,Drug,CVX,CVX,S,140\n",
        },
    )
    counts = take_in(source, tmp_path / "out")
    events = table(tmp_path / "out", "event")
    assert sorted(event["code"] for event in events) == [
        "CVX/140", "LOINC/4548-4", "LOINC/4548-4", "RxNorm/140", "SNOMED/72506001",
    ]  # fmt: skip
    assert {event["numeric_value"] for event in events if event["domain"] == "Measurement"} == {7.5, None}
    assert counts["values_not_numbers"] == 1
    assert {event["domain"] for event in events} == {"Measurement", "Drug", "Device"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"condition_occurrence.csv": ""}, "is empty"),
        ({"condition_occurrence.csv": "person_id,condition_concept_id\n1,2\n"}, "condition_start_date"),
        ({"condition_occurrence.csv": CONDITION, "person.csv": "person_source_value\n1\n"}, "no column person_id"),
        ({"condition_occurrence.csv": "person_id,person_id,condition_start_date\n"}, "twice"),
        ({"other.csv": "a,b\n1,2\n"}, "no claims table"),
    ],
)
def test_a_table_without_its_columns_is_an_error(files: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=message):
        take_in(put_files(tmp_path / "omop", files), tmp_path / "out")


def test_a_header_alone_gives_no_events(tmp_path: Path) -> None:
    counts = take_in(put_files(tmp_path / "omop", {"condition_occurrence.csv": CONDITION}), tmp_path / "out")
    assert (counts["events"], counts["rows_in"]) == (0, 0)


def test_periods_that_meet_are_one_and_bad_ones_are_told(tmp_path: Path) -> None:
    periods = (
        "observation_period_id,person_id,observation_period_start_date,observation_period_end_date\n"
        "1,1,2019-01-01,2019-12-31\n2,1,2020-01-01,2020-06-30\n3,1,2021-01-01,2021-02-01\n4,2,2020-01-01,2019-01-01\n"
        "5,7,2020-01-01,2020-02-01\n"
    )
    source = put_files(
        tmp_path / "omop",
        {"person.csv": PERSON, "condition_occurrence.csv": CONDITION, "observation_period.csv": periods,
         "death.csv": "person_id,death_date\n2,2021-05-01\n8,2021-05-01\n1,never\n"},
    )  # fmt: skip
    out = tmp_path / "out"
    take_in(source, out)
    found = [(row["observation_start"].year, row["observation_end"].month) for row in table(out, "observation_period")]
    assert found == [(2019, 6), (2021, 2)]
    assert {(row["file"], row["row"], row["reason"]) for row in table(out, "quarantine")} == {
        ("observation_period.csv", 4, "end_before_start"), ("observation_period.csv", 5, "unknown_person"),
        ("death.csv", 2, "unknown_person"), ("death.csv", 3, "unreadable_date"),
    }  # fmt: skip
    assert next(row for row in table(out, "person") if row["subject_id"] == 2)["death_time"] == datetime(2021, 5, 1)


TABLES = (
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "measurement",
    "observation",
    "device_exposure",
)


def real_rows(folder: Path, name: str) -> list[dict[str, str]]:
    for path in folder.iterdir():
        if path.name.lower().removesuffix(".gz") == f"{name}.csv":
            with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as handle:
                return [{key.lower(): cell for key, cell in row.items()} for row in csv.DictReader(handle)]
    return []


@pytest.mark.parametrize("name", ["synpuf_omop_10p/import", "athena_samples/synthea27nj"])
def test_real_omop_samples(name: str, tmp_path: Path, shared: Path) -> None:
    folder = shared / "data" / "terminology" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    out = tmp_path / "out"
    counts = take_in(folder, out)
    expected = {table_name: real_rows(folder, table_name) for table_name in TABLES}
    assert counts["rows_in"] == counts["events"] == sum(map(len, expected.values())) > 30
    events = table(out, "event")
    domain_of: dict[str, str] = dict(
        zip(TABLES, ("Condition", "Drug", "Procedure", "Measurement", "Observation", "Device"))
    )
    assert Counter(event["domain"] for event in events) == {
        domain_of[key]: len(rows) for key, rows in expected.items() if rows
    }
    people = real_rows(folder, "person")
    assert {row["source_id"] for row in table(out / "private", "id_map") if row["kind"] == "patient"} == {
        row["person_source_value"] for row in people
    }
    assert counts["deaths"] == len(real_rows(folder, "death"))
    assert len(table(out, "observation_period")) == len(real_rows(folder, "observation_period"))
    days = {row["condition_start_date"] for row in expected["condition_occurrence"]}
    assert {f"{event['time']:%Y-%m-%d}" for event in events if event["domain"] == "Condition"} == days
    values = sorted(float(row["value_as_number"]) for row in expected["measurement"] if row["value_as_number"])
    assert sorted(e["numeric_value"] for e in events if e["numeric_value"] is not None) == pytest.approx(
        sorted(values + [float(r["value_as_number"]) for r in expected["observation"] if r["value_as_number"]]),
        rel=1e-5,
    )


def test_omop_ids_are_those_of_the_note_table(tmp_path: Path) -> None:
    visits = "visit_occurrence_id,person_id,visit_start_date,visit_source_value\n5,1,2021-01-12,e-5\n"
    rows = "1,1,0,2021-01-12,2021-01-13,J45.909,5\n"
    source = put_files(
        tmp_path / "omop",
        {"person.csv": PERSON, "condition_occurrence.csv": CONDITION + rows, "visit_occurrence.csv": visits},
    )
    take_in(source, tmp_path / "out", omop_ids=True)
    [event] = table(tmp_path / "out", "event")
    assert (event["subject_id"], event["visit_id"]) == (1, 5)
    assert [row["subject_id"] for row in table(tmp_path / "out", "person")] == [1, 2]
    rif = put_files(tmp_path / "rif", {"carrier.txt": RIF_HEADER["carrier"] + "\n"})
    with pytest.raises(RunError, match="omop-ids"):
        import_claims(ImportOptions(rif, tmp_path / "no", omop_ids=True))


def test_a_birth_that_cannot_be_is_none_and_counted(tmp_path: Path) -> None:
    people = (
        "person_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime\n"
        "1,,5,,\n2,0,,,\n3,1950,13,,\n4,1950,2,,\n5,19500,,,\n6,,,,0001-01-01\n"
    )
    source = put_files(
        tmp_path / "omop", {"person.csv": people, "condition_occurrence.csv": CONDITION + "1,4,0,2021-01-12,,I10,\n"}
    )
    counts = take_in(source, tmp_path / "out")
    births = {row["subject_id"]: row["birth_date"] for row in table(tmp_path / "out", "person")}
    assert births == {1: None, 2: None, 3: None, 4: datetime(1950, 2, 1), 5: None, 6: None}
    assert counts["persons_without_birth_date"] == 5
