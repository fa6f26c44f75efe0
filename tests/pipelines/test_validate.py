"""Every rule of the schema is broken once in a copy of a valid run, and validation names rule and row."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.nlp.rule_kinds import JoinCheck, RowCheck, Rule
from phenotext.nlp.table_rules import RULES
from phenotext.nlp.tables import TABLES, primary_key
from phenotext.pipelines.claims_import import ImportOptions, import_claims
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.run import run
from phenotext.pipelines.schema_document import FOLDER_RULES
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.validate import ValidationReport, validate_folder
from phenotext.pipelines.validate.rule_queries import row_condition

from .conftest import NOTES, SENTINEL, write_jsonl
from .rule_breaks import EARLY, SPOIL, any_row, spoil
from .valid_run import Copy, Row, add_results, make_run

Call = Callable[..., subprocess.CompletedProcess[str]]
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


CHECKED = [rule for rule in RULES if getattr(rule, "only", "") != "phi=minimal"]


def one_of_each_table() -> list[list[Rule]]:
    """The rules that look at one row alone, in groups that hold a table once: they cannot break one another."""
    alone = [[rule for rule in CHECKED if rule.table == table and row_condition(rule)] for table in TABLES]
    return [[rule for rule in group if rule is not None] for group in zip_longest(*alone)]


@pytest.mark.parametrize(
    "rules",
    [*one_of_each_table(), *([rule] for rule in CHECKED if row_condition(rule) is None)],
    ids=lambda rules: f"{rules[0].name} and {len(rules) - 1} more" if len(rules) > 1 else rules[0].name,
)
def test_a_broken_rule_is_named_with_its_row(rules: list[Rule], copy: Copy) -> None:
    rows = [spoil(rule, copy) for rule in rules]
    found = broken(validate_folder(copy.out, compare_source=False))
    for rule, row in zip(rules, rows, strict=True):
        assert rule.name in found
        assert row is None or row in found[rule.name]


def test_every_rule_is_broken_once() -> None:
    tried = [rule.name for group in one_of_each_table() for rule in group]
    tried += [rule.name for rule in CHECKED if row_condition(rule) is None]
    assert sorted(tried) == sorted(rule.name for rule in CHECKED)


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


def test_keys(copy: Copy) -> None:
    rows: dict[str, Row] = {}
    for table, schema in TABLES.items():
        content = copy.rows(table)
        rows[table] = {name: content[0][name] for name in primary_key(schema)}
        copy.write(table, [content[0], *content])
    found = broken(validate_folder(copy.out, compare_source=False))
    for table, row in rows.items():
        assert found[f"{table}.key"] == [row]


def test_nulls(copy: Copy) -> None:
    rows: dict[str, Row] = {}
    for table, schema in TABLES.items():
        key = primary_key(schema)
        required = (field.name for field in reversed(list(schema)) if not field.nullable and field.name not in key)
        name = next(required, None)
        if name is not None:
            rows[table] = copy.change(table, any_row, **{name: None})
    found = broken(validate_folder(copy.out, compare_source=False))
    for table, row in rows.items():
        assert row in found[f"{table}.nulls"]


def test_run_ids(copy: Copy) -> None:
    named = [table for table, schema in TABLES.items() if "run_id" in schema.names]
    rows = {table: copy.change(table, any_row, run_id="another") for table in named}
    found = broken(validate_folder(copy.out, compare_source=False))
    for table, row in rows.items():
        assert row in found[f"{table}.run_id"]


@pytest.mark.parametrize("table", sorted(TABLES))
def test_columns(table: str, copy: Copy) -> None:
    schema = TABLES[table]
    copy.write(table, copy.rows(table), pa.schema([field for field in schema if field.name != schema.names[-1]]))
    report = validate_folder(copy.out, compare_source=False)
    finding = next(finding for finding in report.findings if finding.rule == f"{table}.columns")
    assert f"no column {schema.names[-1]}" in finding.sentence
    assert all(
        rule.name in report.not_checked for rule in RULES if rule.table == table and not getattr(rule, "only", "")
    )


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


def test_command(valid: Path, copy: Copy, phenotext: Call, phenotext_process: Call) -> None:
    done = phenotext_process("validate", valid)
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
