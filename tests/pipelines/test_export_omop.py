"""The OMOP domain rows: what goes where, and what never goes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from phenotext.pipelines.exporters.csv_files import read_csv
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.omop_derived import DOMAIN_TABLES, OmopDerived
from phenotext.pipelines.exporters.omop_fields import check_lengths, omop_fields, omop_schema

from .conftest import rows
from .export_corpus import copy_with


def exported(source: Path, out: Path, possible: bool = False) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    document = export_run(source, out, OmopDerived(possible))
    tables = {
        table: pq.read_table(out / f"{table}_derived.parquet").to_pylist() for table in sorted(DOMAIN_TABLES.values())
    }
    return tables, document


def test_every_note_event_is_written_once_or_withheld(export_source: Path, tmp_path: Path) -> None:
    for possible in (False, True):
        tables, document = exported(export_source, tmp_path / str(possible), possible)
        written = sum(len(table) for table in tables.values())
        kept_back = sum(n for reason, n in document["withheld"].items() if reason != "evidence_without_event")
        assert written + kept_back == len(rows(export_source, "event"))
        assert document["withheld"]["source_is_claims"] == 3


def test_present_facts_go_to_the_table_of_their_domain(export_source: Path, tmp_path: Path) -> None:
    tables, _ = exported(export_source, tmp_path / "a")
    events = {row["event_id"]: row for row in rows(export_source, "event")}
    notes = {row["note_id"]: row for row in rows(export_source, "note")}
    for domain, table in DOMAIN_TABLES.items():
        key = omop_fields(table)[0].name
        if table == "observation":
            continue
        assert {row[key] for row in tables[table]} == {
            event["event_id"]
            for event in events.values()
            if event["domain"] == domain and event["assertion"] == "present" and event["source"] == "note"
        }
    row = next(row for row in tables["condition_occurrence"] if row["condition_source_value"] == "SNOMED/195967001")
    event = events[row["condition_occurrence_id"]]
    assert row["person_id"] == event["subject_id"]
    assert row["condition_start_datetime"] == event["clinical_time"]
    assert row["condition_start_date"] == event["clinical_time"].date()
    assert row["condition_type_concept_id"] == 32858
    assert (row["condition_concept_id"], row["condition_source_concept_id"]) == (0, event["base_concept_id"])
    assert row["visit_occurrence_id"] == event["visit_id"]
    assert row["provider_id"] == notes[event["note_id"]]["provider_id"]
    assert tables["procedure_occurrence"]


def test_history_and_family_become_observations_with_the_fact_as_value(export_source: Path, tmp_path: Path) -> None:
    tables, _ = exported(export_source, tmp_path / "a")
    told = {row["value_source_value"]: row for row in tables["observation"] if row["value_source_value"]}
    assert set(told) == {"SNOMED/128053003", "SNOMED/230690007", "SNOMED/254837009"}
    assert told["SNOMED/230690007"]["observation_concept_id"] == 1340204
    assert told["SNOMED/230690007"]["value_as_string"] == "Stroke"
    assert told["SNOMED/254837009"]["observation_concept_id"] == 4210989
    known = copy_with(export_source, tmp_path / "run")
    parts = {path: pq.read_table(path)["code"].to_pylist() for path in (known / "data").rglob("*.parquet")}
    path = next(path for path, codes in parts.items() if "SNOMED/254837009//FAMILY" in codes)
    table = pq.read_table(path)
    place = table.schema.get_field_index("base_concept_id")
    pq.write_table(table.set_column(place, table.schema.field(place), [[317009] * table.num_rows]), path)
    tables, _ = exported(known, tmp_path / "b")
    family = next(row for row in tables["observation"] if row["observation_concept_id"] == 4210989)
    assert family["value_as_concept_id"] == 317009


def test_what_precedes_the_first_observation_period_is_medical_history(export_source: Path, tmp_path: Path) -> None:
    later = [{**row, "observation_start": row["observation_start"].replace(year=2021, month=12)}
             for row in rows(export_source, "observation_period")]  # fmt: skip
    tables, _ = exported(copy_with(export_source, tmp_path / "run", observation_period=later), tmp_path / "a")
    told = {row["value_source_value"]: row["observation_concept_id"] for row in tables["observation"]}
    assert told["SNOMED/230690007"] == 43054928
    assert told["SNOMED/254837009"] == 4210989


def test_denied_and_hypothetical_never_go_out_and_possible_only_when_asked(export_source: Path, tmp_path: Path) -> None:
    _, plain = exported(export_source, tmp_path / "a")
    tables, asked = exported(export_source, tmp_path / "b", possible=True)
    assertion = {row["event_id"]: row["assertion"] for row in rows(export_source, "event")}
    out = {assertion[row[omop_fields(name)[0].name]] for name, table in tables.items() for row in table}
    assert out == {"present", "possible", "historical", "family"}
    possible = [row for row in tables["condition_occurrence"] if row["condition_status_source_value"] == "possible"]
    assert [row["condition_source_value"] for row in possible] == ["SNOMED/233604007"]
    assert plain["withheld"]["possible_not_asked_for"] == 1
    assert "possible_not_asked_for" not in asked["withheld"]
    assert plain["withheld"]["assertion_is_absent"] == asked["withheld"]["assertion_is_absent"] > 0
    assert plain["withheld"]["assertion_is_hypothetical"] > 0


@pytest.mark.parametrize("table", sorted(DOMAIN_TABLES.values()))
def test_fields_and_types_are_those_of_the_cdm(table: str, export_source: Path, tmp_path: Path) -> None:
    exported(export_source, tmp_path / "a")
    written = pq.read_table(tmp_path / "a" / f"{table}_derived.parquet")
    assert written.schema.equals(omop_schema(table))
    for batch in written.to_batches():
        assert check_lengths(table, batch) == []
    assert read_csv(tmp_path / "a" / f"{table}_derived.csv", omop_schema(table)).equals(written)
    assert not list((tmp_path / "a").glob("condition_occurrence.*"))  # never under the name of the claims table
