"""The tables of a small run, checked cell by cell, and against their schemas and MEDS."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import meds
import pyarrow.parquet as pq
import pytest

from phenotext.nlp.tables import TABLES, primary_key
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings

from .conftest import NOTES, rows, write_jsonl

FILES = {
    "evidence": "evidence.parquet",
    "note": "note.parquet",
    "cohort": "cohort.parquet",
    "feature": "feature.parquet",
    "covariate_ref": "covariate_ref.parquet",
    "analysis_ref": "analysis_ref.parquet",
    "quarantine": "quarantine.parquet",
    "codes": "metadata/codes.parquet",
    "subject_split": "metadata/subject_splits.parquet",
    "id_map": "private/id_map.parquet",
}


def names(finished: RunResult) -> dict[int, str]:
    return {row["id"]: row["source_id"] for row in rows(finished.out, "private/id_map") if row["kind"] == "patient"}


def test_events_are_one_fact_a_note(finished: RunResult) -> None:
    who = names(finished)
    events = {(who[e["subject_id"]], str(e["clinical_time"])[:10], e["code"]) for e in rows(finished.out, "event")}
    assert events == {
        ("ada", "2021-01-10", "SNOMED/195967001"),
        ("ada", "2021-01-10", "SNOMED/233604007//ABSENT"),
        ("ada", "2021-01-10", "SNOMED/254837009//FAMILY"),
        ("ada", "2021-03-01", "SNOMED/195967001"),
        ("ada", "2021-03-01", "SNOMED/233604007//POSSIBLE"),
        ("bob", "2021-02-01", "SNOMED/29857009//ABSENT"),
    }
    assert len(rows(finished.out, "event")) == 6


def test_concept_id_is_set_only_where_present(finished: RunResult) -> None:
    for event in rows(finished.out, "event"):
        assert event["base_concept_id"] >= 2_000_000_000
        assert event["concept_id"] == (event["base_concept_id"] if event["assertion"] == "present" else 0)
        assert event["time"] == event["available_time"] >= event["clinical_time"]
        assert event["type_concept_id"] == 32858


def test_default_lag_is_added_where_no_available_time_is_given(finished: RunResult) -> None:
    notes = {row["note_time"]: row for row in rows(finished.out, "note")}
    given, lagged = notes[datetime(2021, 1, 10, 9)], notes[datetime(2021, 2, 1, 10)]
    assert (given["available_time"], given["available_defaulted"]) == (datetime(2021, 1, 10, 12), False)
    assert (lagged["available_time"], lagged["available_defaulted"]) == (datetime(2021, 2, 4, 10), True)
    assert finished.document["counts"]["notes_default_lag"] == 2


def test_default_cohort_ends_with_the_day_of_the_last_available_time(finished: RunResult) -> None:
    who = names(finished)
    cohort = {who[row["subject_id"]]: row["prediction_time"] for row in rows(finished.out, "cohort")}
    assert cohort == {"ada": datetime(2021, 3, 3), "bob": datetime(2021, 2, 5), "77": datetime(2021, 2, 7)}


def test_features_of_one_patient(finished: RunResult) -> None:
    who = names(finished)
    row_of = {who[row["subject_id"]]: row["row_id"] for row in rows(finished.out, "cohort")}
    named = {row["covariate_id"]: row["feature_name"] for row in rows(finished.out, "covariate_ref")}
    values = {
        named[row["covariate_id"]]: row["covariate_value"]
        for row in rows(finished.out, "feature")
        if row["row_id"] == row_of["ada"]
    }
    # prediction on 2021-03-03: notes 52 and 2 days before
    assert values["note_snomed_195967001_present_any_count"] == 2  # days, not mentions
    assert values["note_snomed_195967001_present_30d_count"] == 1
    assert values["note_snomed_195967001_present_any_recency"] == 2
    assert values["note_snomed_233604007_absent_180d_binary"] == 1
    assert "note_snomed_233604007_absent_30d_binary" not in values
    assert "note_snomed_233604007_present_any_binary" not in values
    assert values["note_snomed_254837009_family_365d_recency"] == 52
    assert (values["note_volume_any_notes"], values["note_volume_any_days"], values["note_volume_any_recency"]) == (
        2,
        2,
        2,
    )


def test_a_patient_without_mentions_still_has_note_volume(finished: RunResult) -> None:
    who = names(finished)
    row = next(row["row_id"] for row in rows(finished.out, "cohort") if who[row["subject_id"]] == "77")
    values = {r["covariate_id"]: r["covariate_value"] for r in rows(finished.out, "feature") if r["row_id"] == row}
    assert values == {693: 1, 694: 1, 695: 4}


def test_ids_follow_the_registry(finished: RunResult) -> None:
    for row in rows(finished.out, "covariate_ref"):
        assert row["covariate_id"] == row["concept_id"] * 1000 + row["analysis_id"]
        assert row["feature_name"].replace("_", "").isalnum()
    analyses = {row["analysis_id"]: row for row in rows(finished.out, "analysis_ref")}
    for a, assertion in enumerate(["present", "absent", "possible", "historical", "family", "hypothetical"]):
        for w, (window, start) in enumerate([("any", None), ("365d", -365), ("180d", -180), ("30d", -30)]):
            for g, agg in enumerate(["binary", "count", "recency"]):
                row = analyses[620 + 12 * a + 3 * w + g]
                assert (row["assertion"], row["window"], row["start_day"], row["agg"]) == (
                    assertion,
                    window,
                    start,
                    agg,
                )
                assert row["end_day"] == -1


def test_integer_ids_are_kept_and_others_hashed(finished: RunResult) -> None:
    who = names(finished)
    assert who[77] == "77"
    assert all(number > 10**9 for number, name in who.items() if name != "77")


@pytest.mark.parametrize("name", sorted(FILES))
def test_table_has_its_schema_and_key(finished: RunResult, name: str) -> None:
    schema = TABLES[name]
    path = finished.out / FILES[name]
    table = pq.read_table(path)
    assert table.schema.remove_metadata().equals(schema.remove_metadata())
    assert pq.read_schema(path).field(0).metadata[b"description"]
    if name != "quarantine":
        keys = list(zip(*(table.column(column).to_pylist() for column in primary_key(schema))))
        assert len(set(keys)) == len(keys)
    for field in schema:
        if not field.nullable:
            assert table.column(field.name).null_count == 0, field.name


def test_output_is_a_meds_dataset(finished: RunResult) -> None:
    out = finished.out
    seen: set[int] = set()
    for path in sorted((out / meds.data_subdirectory).rglob("*.parquet")):
        table = pq.read_table(path)
        meds.DataSchema.validate(table)
        order = [(row["subject_id"], row["time"]) for row in table.to_pylist()]
        assert order == sorted(order)
        subjects = set(table.column("subject_id").to_pylist())
        assert not seen & subjects
        seen |= subjects
    codes = pq.read_table(out / meds.code_metadata_filepath)
    meds.CodeMetadataSchema.validate(codes)
    named = {row["code"] for row in rows(out, "event")} | {row["code"] for row in rows(out, "evidence")}
    assert named == set(codes.column("code").to_pylist())
    meds.SubjectSplitSchema.validate(pq.read_table(out / meds.subject_splits_filepath))
    meds.DatasetMetadataSchema.validate(json.loads((out / meds.dataset_metadata_filepath).read_bytes()))


def test_codes_with_an_assertion_have_no_parents(finished: RunResult) -> None:
    for row in rows(finished.out, "metadata/codes"):
        assert row["parent_codes"] == []
        assert row["description"]


def test_evidence_points_into_the_note(finished: RunResult) -> None:
    ids = {row["id"]: row["source_id"] for row in rows(finished.out, "private/id_map") if row["kind"] == "note"}
    texts = {note["note_id"]: note["text"] for note in NOTES}
    evidence = rows(finished.out, "evidence")
    assert len(evidence) == 7
    for row in evidence:
        text = texts[ids[row["note_id"]]]
        assert text[row["start"] : row["end"]] == row["lexical_variant"]
        for cue in row["triggers"]:
            assert text[cue["start"] : cue["end"]] == cue["text"]
    events = {row["event_id"] for row in rows(finished.out, "event")}
    assert {row["event_id"] for row in evidence} == events


def test_run_json_names_the_files_and_their_hashes(finished: RunResult) -> None:
    document = json.loads((finished.out / "run.json").read_bytes())
    assert document["run_id"] == finished.document["run_id"]
    assert set(document["files"]) >= set(FILES.values())
    assert not (finished.out / "work").exists()


def test_a_large_note_is_read_and_a_larger_one_set_aside(tmp_path: Path) -> None:
    large = "Patient has asthma. " * 250_000  # 5 MB
    notes = [
        {
            "note_id": str(n),
            "patient_id": "p",
            "note_time": "2021-01-01",
            "text": large * n + "Mother had breast cancer.",
        }
        for n in (1, 3)
    ]
    result = run(Settings(write_jsonl(tmp_path / "n.jsonl", notes), tmp_path / "out"))
    assert result.document["counts"]["quarantined"] == {"note_too_large": 1}
    assert result.document["counts"]["mentions"] == {"present": 250_000, "family": 1}
    assert len(rows(result.out, "event")) == 2


def test_an_empty_corpus_gives_empty_tables(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.write_bytes(b"")
    result = run(Settings(path, tmp_path / "out"))
    assert result.document["counts"]["notes"] == 0
    assert pq.read_table(result.out / "feature.parquet").num_rows == 0
    schema = pq.read_schema(result.out / "evidence.parquet")
    assert schema.field("triggers").type.value_type == TABLES["evidence"].field("triggers").type.value_type
