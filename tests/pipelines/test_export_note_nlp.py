"""NOTE_NLP: core fields are lossless, assertions come back, the fields fit the CDM."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.nlp.tables import EVIDENCE
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.exporters.csv_files import read_csv
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.note_nlp import KEPT, NoteNlp, parse_modifiers, read_note_nlp
from phenotext.pipelines.exporters.omop_fields import check_lengths, omop_fields, omop_schema

from .conftest import rows
from .export_corpus import copy_with


def exported(source: Path, out: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    document = export_run(source, out, NoteNlp(**options))
    return pq.read_table(out / "note_nlp.parquet").to_pylist(), document


def assert_round_trip(source: Path, out: Path) -> None:
    back = pa.Table.from_batches(read_note_nlp(out / "note_nlp.parquet")).sort_by("evidence_id")
    there = pq.read_table(source / "evidence.parquet", schema=EVIDENCE).sort_by("evidence_id")
    assert back.num_rows == there.num_rows > 0
    for name in KEPT:
        assert back[name].to_pylist() == there[name].to_pylist(), name
    cues = [[{**cue, "text": None} for cue in row] for row in there["triggers"].to_pylist()]
    assert back["triggers"].to_pylist() == cues


@pytest.mark.parametrize("fixture", ["export_source", "minimal_export_source"])
def test_evidence_comes_back(fixture: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    source: Path = request.getfixturevalue(fixture)
    exported(source, tmp_path / "a")
    assert_round_trip(source, tmp_path / "a")


def test_the_corpus_has_every_assertion(export_source: Path) -> None:
    assert {row["assertion"] for row in rows(export_source, "evidence")} == {
        "present", "absent", "possible", "historical", "family", "other", "hypothetical",
    }  # fmt: skip


def test_term_exists_is_n_for_what_is_denied_and_only_that(export_source: Path, tmp_path: Path) -> None:
    assertion = {row["evidence_id"]: row["assertion"] for row in rows(export_source, "evidence")}
    by_negation, _ = exported(export_source, tmp_path / "a")
    by_patient, _ = exported(export_source, tmp_path / "b", term_exists="patient")
    assert {(assertion[row["note_nlp_id"]], row["term_exists"]) for row in by_negation} == {
        ("present", "Y"), ("absent", "N"), ("possible", "Y"), ("historical", "Y"), ("family", "Y"), ("other", "Y"),
        ("hypothetical", "Y"),
    }  # fmt: skip
    assert {(assertion[row["note_nlp_id"]], row["term_exists"]) for row in by_patient} == {
        ("present", "Y"), ("absent", "N"), ("possible", "Y"), ("historical", "Y"), ("family", "N"), ("other", "N"),
        ("hypothetical", "N"),
    }  # fmt: skip
    resolved = next(row for row in by_negation if "resolved" in row["term_modifiers"])
    assert (resolved["term_exists"], resolved["term_temporal"]) == ("Y", "past")
    assert parse_modifiers(resolved["term_modifiers"])["negated"] == "yes"
    assert {row["term_temporal"] for row in by_negation} == {"past", "present", None}
    with pytest.raises(RunError, match="--term-exists"):
        exported(export_source, tmp_path / "c", term_exists="maybe")


def test_fields_are_those_of_the_cdm(export_source: Path, tmp_path: Path) -> None:
    _, document = exported(export_source, tmp_path / "a", processed_on="2024-05-06")
    table = pq.read_table(tmp_path / "a" / "note_nlp.parquet")
    assert table.schema.equals(omop_schema("note_nlp"))
    assert table.schema.names == [field.name for field in omop_fields("note_nlp")]
    for batch in table.to_batches():
        assert check_lengths("note_nlp", batch) == []
    assert table["nlp_date"].to_pylist() == [datetime.date(2024, 5, 6)] * table.num_rows
    assert read_csv(tmp_path / "a" / "note_nlp.csv", omop_schema("note_nlp")).equals(table)
    assert document["bigint_columns"]["note_nlp"] == ["note_id", "note_nlp_id"]


def test_local_concepts_are_no_standard_concepts(export_source: Path, tmp_path: Path) -> None:
    found, _ = exported(export_source, tmp_path / "a")
    assert {row["note_nlp_concept_id"] for row in found} == {0}
    assert min(row["note_nlp_source_concept_id"] for row in found) >= 2_000_000_000
    known = [{**row, "base_concept_id": 317009} for row in rows(export_source, "evidence")]
    source = copy_with(export_source, tmp_path / "run", evidence=known)
    found, _ = exported(source, tmp_path / "b")
    assert {row["note_nlp_concept_id"] for row in found} == {317009}


def test_under_phi_minimal_the_name_stands_for_the_words(minimal_export_source: Path, tmp_path: Path) -> None:
    found, document = exported(minimal_export_source, tmp_path / "a")
    names = {row["code"]: row["description"] for row in rows(minimal_export_source / "metadata", "codes")}
    for row in found:
        assert row["snippet"] is None
        assert row["lexical_variant"] == names[parse_modifiers(row["term_modifiers"])["code"]]
    assert document["withheld"]["snippet_without_text"] == len(found)
    assert document["withheld"]["lexical_variant_replaced_by_name"] == len(found)


def test_hard_values_come_back_and_long_ones_are_counted(export_source: Path, tmp_path: Path) -> None:
    evidence = rows(export_source, "evidence")
    evidence[0] |= {
        "numeric_value": 0.1, "unit": "a,b=c|d:e%f%2C", "section": "s,=|:%", "code": "LOCAL/a,b=c%", "link_score": 1e-7,
        "onset_time": datetime.datetime(2020, 2, 3, 4, 5, 6, 700), "copied_from_note_id": evidence[1]["note_id"],
        "triggers": [{"text": "x", "start": 1, "end": 2, "rule": "a|b:c,d=e%"}], "event_id": None,
    }  # fmt: skip
    source = copy_with(export_source, tmp_path / "run", evidence=evidence)
    exported(source, tmp_path / "a")
    assert_round_trip(source, tmp_path / "a")

    many = [{"text": "x", "start": n, "end": n + 1, "rule": f"rule.number_{n}"} for n in range(200)]
    evidence[0] |= {"triggers": many, "lexical_variant": "w" * 400, "snippet": "s" * 900}
    source = copy_with(export_source, tmp_path / "run2", evidence=evidence)
    found, document = exported(source, tmp_path / "b")
    row = next(row for row in found if row["note_nlp_id"] == evidence[0]["evidence_id"])
    assert 1900 < len(row["term_modifiers"]) <= 2000
    assert (len(row["lexical_variant"]), len(row["snippet"])) == (250, 250)
    kept = parse_modifiers(row["term_modifiers"])["cues"].split("|")
    assert document["withheld"]["cues_beyond_2000_characters"] == 200 - len(kept) > 0
    assert kept[-1].endswith(f"rule.number_{len(kept) - 1}")  # whole cues, from the first
    assert document["withheld"]["lexical_variant_cut_to_250_characters"] == 1
    assert document["withheld"]["snippet_cut_to_250_characters"] == 1
