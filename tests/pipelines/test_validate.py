"""Every rule of the schema is broken once in a copy of a valid run, and validation names rule and row."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.nlp.rule_kinds import Allowed, Bounds, JoinCheck, Order, Pattern, Reference, RowCheck, Rule
from phenotext.nlp.table_rules import RULES
from phenotext.nlp.tables import TABLES, primary_key
from phenotext.pipelines.claims_import import ImportOptions, import_claims
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.run import run
from phenotext.pipelines.schema_document import FOLDER_RULES
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.validate import ValidationReport, validate_folder

from .conftest import NOTES, SENTINEL, write_jsonl
from .valid_run import Copy, Row, add_results, make_run

Call = Callable[..., subprocess.CompletedProcess[str]]
EARLY, LATE = datetime(1900, 1, 1), datetime(2290, 1, 1)
SAMPLE = Path(__file__).parent.parent.parent / "pipelines" / "data" / "sample"


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make_run(tmp_path_factory.mktemp("valid"), keep_text=True)
    add_results(out)
    return out


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text("0123456789abcdef0123456789abcdef")
    return path


@pytest.fixture(scope="module")
def minimal(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    return make_run(tmp_path_factory.mktemp("minimal"), phi="minimal", id_key=key)


@pytest.fixture
def copy(valid: Path, tmp_path: Path) -> Copy:
    return Copy.of(valid, tmp_path / "copy")


def broken(report: ValidationReport) -> dict[str, list[Row]]:
    return {finding.rule: list(finding.rows) for finding in report.findings}


def any_row(row: Row) -> bool:
    del row
    return True


def of_note(row: Row) -> bool:
    return row["source"] == "note"


def mention(row: Row) -> bool:
    return row["assertion"] == "present"


# Row conditions and joins: which row to change, and how, so that the rule no longer holds.
SPOIL: dict[str, tuple[Callable[[Row], bool], dict[str, Any]]] = {
    "event.suffix": (of_note, {"assertion": "family"}),
    "event.concept_id": (lambda row: row["assertion"] == "absent", {"concept_id": 7}),
    "event.available_time": (of_note, {"clinical_time": LATE}),
    "event.time": (of_note, {"time": EARLY}),
    "event.of_a_note": (of_note, {"type_concept_id": 32817}),
    "event.text_value": (of_note, {"text_value": "words"}),
    "event.as_note": (of_note, {"visit_id": 999}),
    "event.as_codes": (of_note, {"base_concept_id": 999}),
    "evidence.span": (mention, {"end": 0}),
    "evidence.axes": (mention, {"negation": "negated"}),
    "evidence.makes_event": (mention, {"event_id": None}),
    "evidence.cues": (mention, {"triggers": [{"text": None, "start": 3, "end": 2, "rule": "r"}]}),
    "evidence.as_note": (mention, {"note_time": EARLY}),
    "evidence.note_hash": (mention, {"note_hash": "0" * 64}),
    "evidence.within_note": (mention, {"end": 1_000_000}),
    "evidence.as_event": (mention, {"base_concept_id": 999}),
    "note.available_time": (any_row, {"available_time": EARLY}),
    "note.n_mentions": (any_row, {"n_mentions": 99}),
    "note_text.length": (any_row, {"text": "short"}),
    "note_text.note_hash": (any_row, {"text": "another text"}),
    "cohort.observation": (any_row, {"observation_start": LATE, "observation_end": EARLY}),
    "cohort.volume": (any_row, {"row_id": 4_000}),
    "cohort.split": (any_row, {"split": "elsewhere"}),
    "person.death": (any_row, {"death_time": EARLY}),
    "observation_period.period": (any_row, {"observation_end": EARLY}),
    "feature.zeros": (lambda row: row["covariate_id"] % 1000 == 620, {"covariate_value": 0.0}),
    "feature.binary": (lambda row: row["covariate_id"] % 1000 == 620, {"covariate_value": 2.0}),
    "covariate_ref.covariate_id": (lambda row: row["concept_id"] > 0, {"concept_id": 5}),
    "covariate_ref.one_name": (lambda row: row["covariate_id"] == 694, {"feature_name": "note_volume_any_notes"}),
    "covariate_ref.as_analysis": (any_row, {"agg": "median"}),
    "analysis_ref.window": (lambda row: row["start_day"] is not None, {"end_day": -9999}),
    "analysis_ref.one_end": (any_row, {"end_day": 5}),
    "codes.suffix": (mention, {"assertion": "absent"}),
    "codes.concept_id": (lambda row: row["assertion"] == "absent", {"concept_id": 5}),
    "codes.parents": (lambda row: row["assertion"] == "absent", {"parent_codes": ["SNOMED/64572001"]}),
    "codes.parents_bare": (mention, {"parent_codes": ["SNOMED/64572001//ABSENT"]}),
    "score.flagged": (any_row, {"probability": 0.1}),
    "score.status_ok": (any_row, {"status": "error"}),
    "score.as_cohort": (any_row, {"prediction_time": EARLY}),
    "score_evidence.something": (
        any_row, {"evidence_id": None, "note_id": None, "event_id": None, "covariate_id": None},
    ),
    "score_evidence.span": (any_row, {"start": 5, "end": 5}),
    "score_evidence.within_note": (any_row, {"end": 1_000_000}),
}  # fmt: skip


def spoil(rule: Rule, copy: Copy) -> Row | None:
    """Break the rule; the primary key of the row that breaks it now, None where several do."""
    match rule:
        case Allowed():
            return copy.change(rule.table, any_row, **{rule.column: "zebra"})
        case Pattern():
            return copy.change(rule.table, any_row, **{rule.column: "no such//thing!"})
        case Bounds():
            wrong = float("nan") if rule.low is None else rule.low - 1
            whole = pa.types.is_integer(TABLES[rule.table].field(rule.column).type)
            return copy.change(rule.table, any_row, **{rule.column: int(wrong) if whole else wrong})
        case Reference(where="flagged"):
            copy.write("score_evidence", [])
            return None
        case Reference():
            wanted = of_note if rule.where else any_row
            text = pa.types.is_string(TABLES[rule.table].field(rule.columns[-1]).type)
            return copy.change(rule.table, wanted, **{rule.columns[-1]: "SNOMED/1" if text else 987_654_321_987})
        case Order():
            copy.write(rule.table, copy.rows(rule.table)[::-1])
            return None
        case RowCheck() | JoinCheck():
            wanted, values = SPOIL[rule.name]
            return copy.change(rule.table, wanted, **values)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if getattr(rule, "only", "") != "phi=minimal"], ids=lambda r: r.name
)
def test_a_broken_rule_is_named_with_its_row(rule: Rule, copy: Copy) -> None:
    row = spoil(rule, copy)
    found = broken(validate_folder(copy.out, compare_source=False))
    assert rule.name in found
    assert row is None or row in found[rule.name]


def test_every_condition_has_a_way_to_break_it() -> None:
    written = {rule.name for rule in RULES if isinstance(rule, RowCheck | JoinCheck)}
    assert written - {"evidence.minimal"} == SPOIL.keys()


def test_words_in_a_minimal_run_are_found(minimal: Path, tmp_path: Path) -> None:
    for place, values in enumerate(
        ({"snippet": "words"}, {"triggers": [{"text": "no", "start": 0, "end": 2, "rule": "r"}]})
    ):
        copy = Copy.of(minimal, tmp_path / str(place))
        row = copy.change("evidence", any_row, **values)
        assert broken(validate_folder(copy.out, compare_source=False)) == {"evidence.minimal": [row]}


def test_valid_runs_have_no_findings(valid: Path, minimal: Path, key: Path) -> None:
    report = validate_folder(valid)
    assert report.valid, report.findings
    assert not report.not_checked
    assert report.tables.keys() == TABLES.keys()
    assert all(report.tables.values()), "a table without rows tests nothing"
    assert "compared" in report.source
    report = validate_folder(minimal, key=key.read_bytes())
    assert report.valid, report.findings
    assert report.source.startswith("files, notes")
    assert "--id-key" in validate_folder(minimal).source
    with pytest.raises(RunError, match="without --id-key"):
        validate_folder(valid, key=key.read_bytes())
    with pytest.raises(RunError, match="another --id-key"):
        validate_folder(minimal, key=b"x" * 20)


def test_the_sample_is_valid(tmp_path: Path, key: Path) -> None:
    for name, options in {"full": {}, "minimal": {"phi": "minimal", "id_key": key}}.items():
        out = tmp_path / name
        run(Settings(SAMPLE / "notes.jsonl", out, claims=SAMPLE / "claims", **options))
        report = validate_folder(out, key=key.read_bytes() if options else b"")
        assert report.valid, report.findings
        assert report.tables["event"] > 3000


def test_a_run_without_events_is_valid(tmp_path: Path) -> None:
    notes = write_jsonl(tmp_path / "notes.jsonl", [NOTES[3]])
    run(Settings(notes, tmp_path / "out"))
    report = validate_folder(tmp_path / "out")
    assert report.valid, report.findings


@pytest.mark.parametrize("table", sorted(TABLES))
def test_columns_nulls_and_keys(table: str, valid: Path, tmp_path: Path) -> None:
    schema = TABLES[table]
    key = primary_key(schema)
    content = Copy.of(valid, tmp_path / "key")
    rows = content.rows(table)
    row = {name: rows[0][name] for name in key}
    content.write(table, [rows[0], *rows])
    assert broken(validate_folder(content.out, compare_source=False))[f"{table}.key"] == [row]

    content = Copy.of(valid, tmp_path / "null")
    name = next((field.name for field in reversed(list(schema)) if not field.nullable and field.name not in key), None)
    if name is not None:
        row = content.change(table, any_row, **{name: None})
        assert row in broken(validate_folder(content.out, compare_source=False))[f"{table}.nulls"]

    content = Copy.of(valid, tmp_path / "columns")
    content.write(table, rows, pa.schema([field for field in schema if field.name != schema.names[-1]]))
    report = validate_folder(content.out, compare_source=False)
    finding = next(finding for finding in report.findings if finding.rule == f"{table}.columns")
    assert f"no column {schema.names[-1]}" in finding.sentence
    assert all(
        rule.name in report.not_checked for rule in RULES if rule.table == table and not getattr(rule, "only", "")
    )

    if "run_id" in schema.names:
        content = Copy.of(valid, tmp_path / "run_id")
        row = content.change(table, any_row, run_id="another")
        assert row in broken(validate_folder(content.out, compare_source=False))[f"{table}.run_id"]


def test_damaged_and_missing_tables(copy: Copy) -> None:
    (copy.out / "evidence.parquet").write_bytes(b"PAR1 and no more")
    (copy.out / "note.parquet").unlink()
    report = validate_folder(copy.out, compare_source=False)
    assert {"evidence.columns", "folder.tables", "run.files"} <= broken(report).keys()
    assert "note" in next(finding.sentence for finding in report.findings if finding.rule == "folder.tables")
    assert report.not_checked["evidence.span"]


def _identity(copy: Copy, **values: Any) -> None:
    path = copy.out / "run.json"
    document = json.loads(path.read_text())
    document["identity"] |= values
    path.write_text(json.dumps(document))


def _second_file(copy: Copy, folder: str) -> None:
    """Half of a patient's events in a file of their own."""
    path = copy.file("event")
    rows = pq.read_table(path).to_pylist()
    many = max((row["subject_id"] for row in rows), key=[row["subject_id"] for row in rows].count)
    moved = next(row for row in rows if row["subject_id"] == many)
    copy.write("event", [row for row in rows if row is not moved])
    other = copy.out / "data" / folder / "1.parquet"
    other.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist([moved], TABLES["event"]), other)


def _without(copy: Copy, table: str, column: str) -> None:
    copy.write(table, copy.rows(table), pa.schema([field for field in TABLES[table] if field.name != column]))


def _no_dataset(copy: Copy) -> None:
    path = copy.out / "metadata" / "dataset.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"site_id_columns": ["no_such_column"]}))
    copy.rehash(path)


def _source(copy: Copy, change: Callable[[list[Row]], list[Row]]) -> None:
    """The copy's source becomes a changed copy of the notes."""
    path = copy.out / "source.json"
    document = json.loads(path.read_text())
    notes = [json.loads(line) for line in Path(document["notes"]).read_text().splitlines()]
    changed = write_jsonl(copy.out.parent / "notes.jsonl", change(notes))
    path.write_text(json.dumps(document | {"notes": str(changed)}))


def _other_words(rows: list[Row]) -> list[Row]:
    return [row | {"text": row["text"].replace("asthma", "ASTHMA")} for row in rows]


BREAK_FOLDER: dict[str, Callable[[Copy], object]] = {
    "run.id": lambda copy: _identity(copy, package_version="0"),
    "run.schema_version": lambda copy: _identity(copy, schema_version="0"),
    "run.files": lambda copy: (copy.out / "metadata" / "dataset.json").write_text("{}"),
    "run.listed": lambda copy: _second_file(copy, "train"),
    "meds.data": lambda copy: _without(copy, "event", "time"),
    "meds.codes": lambda copy: _without(copy, "codes", "code"),
    "meds.subject_splits": lambda copy: _without(copy, "subject_split", "split"),
    "meds.dataset": _no_dataset,
    "meds.one_file": lambda copy: _second_file(copy, "train"),
    "meds.split_folder": lambda copy: _second_file(copy, "elsewhere"),
    "analysis_ref.registry": lambda copy: copy.change(
        "analysis_ref", lambda row: row["analysis_id"] == 620, missing_means_zero="N"
    ),
    "source.files": lambda copy: _source(copy, _other_words),
    "source.note_there": lambda copy: _source(copy, lambda rows: rows[1:]),
    "source.note_hash": lambda copy: _source(copy, _other_words),
    "source.nothing_lost": lambda copy: _source(copy, lambda rows: [*rows, rows[0] | {"note_id": "new"}]),
    "source.words": lambda copy: copy.change("evidence", any_row, lexical_variant="zebra"),
}


@pytest.mark.parametrize("rule", FOLDER_RULES)
def test_a_broken_folder_rule_is_named(rule: str, copy: Copy) -> None:
    BREAK_FOLDER[rule](copy)
    assert rule in broken(validate_folder(copy.out))


def test_a_source_that_is_gone_is_told(copy: Copy) -> None:
    path = copy.out / "source.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"notes": "nowhere"}))
    report = validate_folder(copy.out)
    assert report.valid
    assert "no longer" in report.source


def test_rows_are_limited_and_counted(copy: Copy) -> None:
    rows = [row | {"negation": SENTINEL} for row in copy.rows("evidence")]
    copy.write("evidence", rows)
    report = validate_folder(copy.out, max_rows=2, compare_source=False)
    finding = next(finding for finding in report.findings if finding.rule == "evidence.negation.allowed")
    assert (len(finding.rows), finding.n_rows) == (2, len(rows))


def test_command(valid: Path, copy: Copy, phenotext: Call) -> None:
    done = phenotext("validate", valid)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No rule is broken" in done.stdout
    rows = [row | {"lexical_variant": SENTINEL, "negation": SENTINEL} for row in copy.rows("evidence")]
    copy.write("evidence", rows)
    done = phenotext("validate", copy.out, "--max-rows", 1)
    assert done.returncode == 1
    assert "evidence.negation.allowed" in done.stdout
    assert f"and {len(rows) - 1} more" in done.stdout
    as_json = phenotext("validate", copy.out, "--json")
    assert as_json.returncode == 1
    document = json.loads(as_json.stdout)
    assert not document["valid"]
    assert "source.words" in {finding["rule"] for finding in document["findings"]}
    assert SENTINEL not in done.stdout + done.stderr + as_json.stdout + as_json.stderr


def test_what_is_no_run_is_refused(tmp_path: Path, phenotext: Call) -> None:
    with pytest.raises(RunError, match="no such folder"):
        validate_folder(tmp_path / "none")
    done = phenotext("validate", tmp_path)
    assert done.returncode == 2
    assert "run.json" in done.stderr


def test_a_folder_of_events(tmp_path: Path, phenotext: Call) -> None:
    events = tmp_path / "events"
    import_claims(ImportOptions(SAMPLE / "claims", events))
    report = validate_folder(events)
    assert report.kind == "events"
    assert report.valid, report.findings
    assert {"event", "person", "observation_period", "codes"} <= report.tables.keys()
    copy = Copy(events)
    row = copy.change("event", any_row, available_time=EARLY)
    assert broken(validate_folder(events)) == {"event.available_time": [row]}
    copy.change("person", any_row, run_id="another")
    (events / "unmapped.parquet").unlink()
    assert {"person.run_id", "run.files"} <= broken(validate_folder(events)).keys()
    assert phenotext("validate", events).returncode == 1


def test_results_of_phenotypes_are_checked_too(copy: Copy) -> None:
    """`phenotype run` keeps each result in a folder of its own; two may be of one definition."""
    for place, wrong in (("toy", {}), ("toy.note", {"definition_sha256": "no hash"})):
        folder = copy.out / "phenotypes" / place
        folder.mkdir(parents=True)
        for table in ("phenotype_row", "phenotype_evidence"):
            rows = [row | (wrong if table == "phenotype_row" else {}) for row in copy.rows(table)]
            pq.write_table(pa.Table.from_pylist(rows, TABLES[table]), folder / f"{table}.parquet")
    assert broken(validate_folder(copy.out, compare_source=False)).keys() == {"phenotype_row.definition_sha256.pattern"}
