"""Synthea's CSV export becomes events; the codes are among those that Synthea's own modules use."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from phenotext.pipelines.adapters.recognize import recognize
from phenotext.pipelines.errors import RunError

from .adapter_samples import patient_numbers, put_files, table, take_in

ADA, VISIT = "b9c610cd-28a6-4636-ccb6-c7a0d2a4cb85", "b1c428d6-4f07-31e0-90f0-68ffa6ff8c76"
FILES = {
    "patients.csv": "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,"
    "MARITAL,RACE,ETHNICITY,GENDER\n"
    f"{ADA},1960-02-17,2020-05-05,999-65-3251,,,,Ada,Made Up,,,M,black,nonhispanic,F\n",
    "encounters.csv": "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,ENCOUNTERCLASS,CODE,"
    "DESCRIPTION,BASE_ENCOUNTER_COST\n"
    f"{VISIT},2019-02-17T05:07:38Z,2019-02-17T05:22:38Z,{ADA},o,p,q,wellness,162673000,General examination,77\n"
    f"v2,2020-03-01T05:07:38Z,2020-03-02T05:22:38Z,{ADA},o,p,q,inpatient,162673000,General examination,77\n",
    "conditions.csv": "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n"
    f"2019-02-17,2019-03-01,{ADA},{VISIT},444814009,Viral sinusitis (disorder)\n"
    f"2019-02-17,2019-03-01,{ADA},{VISIT},444814009,Viral sinusitis (disorder)\n"
    f"2019-02-17,,{ADA},{VISIT},44054006.0,Diabetes\n"
    f"2019-02-17,,somebody,{VISIT},44054006,Diabetes\n"
    f"2019-02-17,2018-03-01,{ADA},{VISIT},44054006,Diabetes\n",
    "medications.csv": "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,"
    "PAYER_COVERAGE,DISPENSES,TOTALCOST\n"
    f"2019-02-17T05:07:38Z,,{ADA},q,{VISIT},860975,24 HR Metformin 500 MG,1,1,1,1\n",
    "procedures.csv": "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION\n"
    f"2019-02-17T05:07:38Z,2019-02-17T05:22:38Z,{ADA},{VISIT},SNOMED-CT,430193006,Medication Reconciliation,1,,\n",
    "observations.csv": "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE\n"
    f"2019-02-17T05:07:38Z,{ADA},{VISIT},vital-signs,8302-2,Body Height,162.5,cm,numeric\n"
    f"2019-02-17T05:07:38Z,{ADA},{VISIT},social-history,72166-2,Tobacco smoking status,Never smoker,,text\n"
    f"2019-02-17T05:07:38Z,{ADA},,,QALY,QALY,31.4,a,numeric\n",
    "immunizations.csv": "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST\n"
    f"2019-02-17T05:07:38Z,{ADA},{VISIT},140,Influenza,136\n",
    "devices.csv": "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,UDI\n"
    f"2019-02-17T05:07:38Z,,{ADA},{VISIT},72506001,Implantable defibrillator,(01)1\n",
    "allergies.csv": "START,STOP,PATIENT,ENCOUNTER,CODE,SYSTEM,DESCRIPTION,TYPE,CATEGORY\n"
    f"2019-02-17,,{ADA},{VISIT},1191,RxNorm,Aspirin,allergy,medication\n",
    "claims.csv": "Id,PATIENTID,PROVIDERID,DIAGNOSIS1,DIAGNOSIS2,DIAGNOSIS3,DIAGNOSIS4,DIAGNOSIS5,"
    "DIAGNOSIS6,DIAGNOSIS7,"
    "DIAGNOSIS8,APPOINTMENTID,CURRENTILLNESSDATE,SERVICEDATE\n"
    f"c1,{ADA},p,444814009,44054006,444814009,,,,,,{VISIT},2019-02-17T05:07:38Z,2019-02-17T05:07:38Z\n"
    f"c2,{ADA},p,,,,,,,,,{VISIT},2019-02-17T05:07:38Z,2019-02-17T05:07:38Z\n",
    "careplans.csv": "Id,START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n"
    f"x,2019-02-17,,{ADA},{VISIT},53950000,Respiratory therapy\n",
}


def test_the_record_becomes_events(tmp_path: Path) -> None:
    source = put_files(tmp_path / "synthea", FILES)
    recognized = recognize(source)
    assert (recognized.form, recognized.ignored) == ("synthea", ("careplans.csv",))
    out = tmp_path / "out"
    counts = take_in(source, out)
    events = table(out, "event")
    assert Counter((event["code"], event["domain"], event["source"]) for event in events) == {
        ("SNOMED/444814009", "Condition", "ehr"): 1, ("RxNorm/860975", "Drug", "ehr"): 1,
        ("SNOMED/430193006", "Procedure", "ehr"): 1, ("LOINC/8302-2", "Measurement", "ehr"): 1,
        ("LOINC/72166-2", "Measurement", "ehr"): 1, ("LOCAL/QALY", "Measurement", "ehr"): 1,
        ("CVX/140", "Drug", "ehr"): 1, ("SNOMED/72506001", "Device", "ehr"): 1,
        ("RxNorm/1191", "Observation", "ehr"): 1,
        # the columns are called as those of ICD-10 codes elsewhere, and hold SNOMED
        ("SNOMED/444814009", "Condition", "claims"): 1, ("SNOMED/44054006", "Condition", "claims"): 1,
    }  # fmt: skip
    assert {(row["file"], row["row"], row["reason"]) for row in table(out, "quarantine")} == {
        ("conditions.csv", 3, "code_as_float"), ("conditions.csv", 4, "unknown_person"),
        ("conditions.csv", 5, "end_before_start"),
    }  # fmt: skip
    assert (counts["codes_repeated"], counts["rows_without_code"], counts["values_not_numbers"]) == (2, 1, 1)


def test_persons_visits_periods_and_delays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    take_in(put_files(tmp_path / "synthea", FILES), out)
    person = table(out, "person")[0]
    assert person["subject_id"] == patient_numbers(out)[ADA]
    assert (person["gender_concept_id"], person["race_concept_id"], person["ethnicity_concept_id"]) == (
        8532, 8516, 38003564,
    )  # fmt: skip
    assert person["death_time"] == datetime(2020, 5, 5)
    period = table(out, "observation_period")[0]
    assert (period["observation_start"], period["observation_end"]) == (datetime(2019, 2, 17), datetime(2020, 3, 2))
    visits = {row["visit_concept_id"]: row for row in table(out, "visit")}
    assert set(visits) == {9201, 9202}
    heights = [event for event in table(out, "event") if event["code"] == "LOINC/8302-2"]
    assert heights[0]["visit_id"] == visits[9202]["visit_id"]
    assert heights[0]["time"] == datetime(2019, 2, 17, 5, 7, 38)
    assert heights[0]["available_time"] == datetime(2019, 2, 20, 5, 7, 38)  # a record is known as a note is
    claim = next(event for event in table(out, "event") if event["source"] == "claims")
    assert (claim["available_time"] - claim["time"]).days == 90
    assert (claim["type_concept_id"], heights[0]["type_concept_id"]) == (32810, 32817)


def test_a_declared_source_counts_for_all(tmp_path: Path) -> None:
    take_in(put_files(tmp_path / "synthea", FILES), tmp_path / "out", declared="claims")
    assert {event["source"] for event in table(tmp_path / "out", "event")} == {"claims"}
    with pytest.raises(RunError, match="not known"):
        take_in(tmp_path / "synthea", tmp_path / "other", declared="notes")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    source = put_files(tmp_path / "synthea", {**FILES, "observations.csv": "DATE,PATIENT,CODE,UNITS\n"})
    with pytest.raises(RunError, match=r"observations\.csv: no column value"):
        take_in(source, tmp_path / "out")
