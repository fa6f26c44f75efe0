"""Every form of input, and every way a row can be no usable note."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.readers import BadRow, NoteRow, open_corpus, rows
from phenotext.pipelines.readers.rows import RowRules
from phenotext.pipelines.reasons import REASONS

RULES = RowRules(max_bytes=10_000_000)
ROW = {"note_id": "n1", "patient_id": "p1", "note_time": "2021-01-02T03:04:05", "text": "Fever, naïve\nline"}


def read(path: Path, rules: RowRules = RULES) -> list[NoteRow | BadRow]:
    return list(open_corpus(path).rows(rules))


def reasons(path: Path, rules: RowRules = RULES) -> list[tuple[int, str]]:
    return [(row.row, row.reason) for row in read(path, rules) if isinstance(row, BadRow)]


def write(folder: Path, form: str, records: list[dict[str, Any]]) -> Path:
    path = folder / f"notes.{form}"
    content = b""
    if form.startswith("jsonl"):
        content = "".join(json.dumps(row) + "\n" for row in records).encode()
    elif form.startswith(("csv", "tsv")):
        plain = folder / "plain"
        with open(plain, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, list(records[0]), delimiter="\t" if form.startswith("tsv") else ",")
            writer.writeheader()
            writer.writerows(records)
        content = plain.read_bytes()
        plain.unlink()
    else:
        plain = folder / "plain"
        pq.write_table(pa.Table.from_pylist(records), plain)
        content = plain.read_bytes()
        plain.unlink()
    path.write_bytes(gzip.compress(content) if form.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "csv", "csv.gz", "tsv", "parquet", "parquet.gz"])
def test_every_form_reads_the_same(tmp_path: Path, form: str) -> None:
    (row,) = read(write(tmp_path, form, [ROW]))
    assert isinstance(row, NoteRow)
    assert (row.note_id, row.patient_id, row.note_time.isoformat(), row.text) == tuple(ROW.values())


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_optional_columns_are_carried_through(tmp_path: Path, form: str) -> None:
    extra = {
        "note_class": "ED",
        "available_time": "2021-01-03",
        "encounter_id": "e",
        "provider_id": "d",
        "site_id": "s",
    }
    (row,) = read(write(tmp_path, form, [ROW | extra]))
    assert isinstance(row, NoteRow)
    assert (row.note_class, row.encounter_id, row.provider_id, row.site_id) == ("ED", "e", "d", "s")
    assert row.available_time is not None
    assert row.available_time.isoformat() == "2021-01-03T00:00:00"


def test_omop_note_table(tmp_path: Path) -> None:
    omop = {
        "NOTE_ID": 12, "PERSON_ID": 7, "NOTE_DATE": "2020-05-06", "NOTE_DATETIME": "", "NOTE_TYPE_CONCEPT_ID": 44814637,
        "NOTE_CLASS_CONCEPT_ID": 3000735, "NOTE_TITLE": "Progress", "NOTE_TEXT": "Cough.", "PROVIDER_ID": 3,
        "VISIT_OCCURRENCE_ID": 99,
    }  # fmt: skip
    path = write(tmp_path, "csv", [omop])
    path = path.rename(tmp_path / "note.csv")
    (tmp_path / "person.csv").write_text("person_id\n7\n")
    (row,) = read(tmp_path)
    assert isinstance(row, NoteRow)
    assert (row.note_id, row.patient_id, row.note_time.isoformat()) == ("12", "7", "2020-05-06T00:00:00")
    assert (row.note_class, row.encounter_id, row.provider_id) == ("Progress", "99", "3")


def test_bad_rows_of_json_lines(tmp_path: Path) -> None:
    lines = [
        json.dumps(ROW).encode(),
        b"{broken",
        b"[1, 2]",
        json.dumps(ROW | {"patient_id": None}).encode(),
        json.dumps(ROW | {"note_time": ""}).encode(),
        json.dumps(ROW | {"note_time": "second of May"}).encode(),
        json.dumps(ROW | {"text": "  \n"}).encode(),
        json.dumps(ROW | {"text": 5}).encode(),
        b'{"note_id": "x", "patient_id": "p", "note_time": "2021-01-01", "text": "\xff\xfe"}',
        json.dumps(ROW | {"text": "\ud800"}).encode(),
        b"",
        json.dumps(ROW | {"text": "x" * 2_000_000}).encode(),
        json.dumps({k: v for k, v in ROW.items() if k != "note_id"}).encode(),
    ]
    path = tmp_path / "n.jsonl"
    path.write_bytes(b"\n".join(lines))
    assert reasons(path, RowRules(max_bytes=1_000_000)) == [
        (2, "broken_json"),
        (3, "no_json_object"),
        (4, "no_patient"),
        (5, "no_date"),
        (6, "unreadable_date"),
        (7, "no_text"),
        (8, "text_is_no_string"),
        (9, "undecodable_bytes"),
        (10, "undecodable_bytes"),
        (12, "note_too_large"),
    ]
    rows = read(path)
    assert isinstance(rows[-1], NoteRow)
    assert rows[-1].note_id == "n.jsonl:13"  # without an id of its own


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize(
    ("column", "value", "read_on"),
    [
        ("note_status", "entered-in-error", False),
        ("docStatus", "Final", True),
        ("iserror", "1", False),
        ("iserror", "", True),
    ],
)
def test_withdrawn_notes_are_set_aside(tmp_path: Path, form: str, column: str, value: str, read_on: bool) -> None:
    path = write(tmp_path, form, [{**ROW, column: value}])
    assert reasons(path) == ([] if read_on else [(1, "entered_in_error")])


def test_raw_control_characters_in_json_are_read(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_bytes(json.dumps(ROW).replace("\\n", "\x0b").encode())
    (row,) = read(path)
    assert isinstance(row, NoteRow)
    assert "\x0b" in row.text


def test_bad_rows_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_bytes(
        b"note_id,patient_id,note_time,text\n"
        b'a,p,2021-01-01,"two\nlines"\n'
        b"b,p,2021-01-01\n"
        b"c,p,2021-01-01,x,y\n"
        b"d,p,2021-01-01,\xff\n"
        b"\n"
        b"e,,2021-01-01,x\n"
        b"f,p,2021-01-01,fine\n"
    )
    assert reasons(path) == [
        (2, "wrong_cell_count"),
        (3, "wrong_cell_count"),
        (4, "undecodable_bytes"),
        (5, "no_patient"),
    ]
    assert [row.text for row in read(path) if isinstance(row, NoteRow)] == ["two\nlines", "fine"]


def test_a_lost_quotation_mark_does_not_swallow_memory(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_bytes(b'note_id,patient_id,note_time,text\na,p,2021-01-01,"lost\n' + b"b,p,2021-01-01,x\n" * 200_000)
    assert reasons(path, RowRules(max_bytes=100_000))[0] == (1, "cell_too_long")


def test_bad_cells_of_parquet(tmp_path: Path) -> None:
    column = pa.Array.from_buffers(pa.string(), 2, pa.array([b"fine", b"\xff\xfe"], pa.binary()).buffers())
    table = pa.table(
        {
            "note_id": ["a", "b"],
            "patient_id": [1.0, 2.0],
            "note_time": [pa.scalar(0, pa.timestamp("ns"))] * 2,
            "text": column,
        }
    )
    path = tmp_path / "n.parquet"
    pq.write_table(table, path)
    assert reasons(path) == [(2, "undecodable_bytes")]
    row = read(path)[0]
    assert isinstance(row, NoteRow)
    assert (row.patient_id, row.note_time.year) == ("1", 1970)


def test_text_folder_by_sub_folder_and_name(tmp_path: Path) -> None:
    (tmp_path / "p1").mkdir()
    (tmp_path / "p1" / "2021-01-02_clinic.txt").write_text("one")
    (tmp_path / "p2__20210304T1530_ed.txt").write_text("two")
    (tmp_path / "p3__undated.txt").write_text("three")
    (tmp_path / "2021-01-01.txt").write_text("four")
    (tmp_path / "p4__2021-01-01.txt").write_bytes(b"\xff\xfe\xff")
    rows = read(tmp_path)
    good = [
        (row.note_id, row.patient_id, row.note_time.isoformat(), row.text) for row in rows if isinstance(row, NoteRow)
    ]
    assert good == [
        ("p1/2021-01-02_clinic", "p1", "2021-01-02T00:00:00", "one"),
        ("p2__20210304T1530_ed", "p2", "2021-03-04T15:30:00", "two"),
    ]
    assert {(row.file, row.reason) for row in rows if isinstance(row, BadRow)} == {
        ("2021-01-01.txt", "no_patient"),
        ("p3__undated.txt", "no_date"),
        ("p4__2021-01-01.txt", "undecodable_bytes"),
    }


def test_text_folder_with_metadata(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é line\r\n".encode())
    (tmp_path / "b.txt").write_text("not listed")
    (tmp_path / "metadata.csv").write_text(
        "file,patient_id,note_time,note_class\na.txt,p9,2021-05-06,Letter\nc.txt,p9,2021-05-06,Letter\n"
    )
    rows = read(tmp_path)
    assert isinstance(rows[0], NoteRow)
    assert (rows[0].patient_id, rows[0].note_class, rows[0].text) == ("p9", "Letter", "é line\r\n")
    assert [(row.file, row.reason) for row in rows[1:] if isinstance(row, BadRow)] == [
        ("b.txt", "not_in_metadata"),
        ("c.txt", "file_missing"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("n.csv", b"note_id,body\n1,x\n", "no column for patient_id, note_time"),
        ("n.jsonl", b"plain words\nmore words\n", "none of the first 2 lines is a JSON object"),
        ("n.jsonl", b'{"a": 1}\n', "no column for patient_id, note_time, text"),
        ("n.parquet", b"nothing of the kind", "not a readable Parquet file"),
        ("n.csv", "note_id,text".encode("utf-16"), "UTF-16"),
        ("n.docx", b"PK", "not a notes file"),
        ("n.jsonl.gz", b"not gzip", "gzip"),
    ],
)
def test_unusable_input_is_an_error_with_a_remedy(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RunError) as error:
        open_corpus(path)
    assert told in str(error.value)
    assert error.value.remedy
    assert "words" not in str(error.value)


def test_a_folder_of_several_kinds_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "jsonl", [ROW])
    write(tmp_path, "csv", [ROW])
    with pytest.raises(RunError, match="several kinds"):
        open_corpus(tmp_path)


def test_every_reason_has_words() -> None:
    package = Path(rows.__file__).parent.parent
    sources = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "reasons.py")
    used = set(re.findall(r'BadRow\([^)\[]*?"([a-z_]+)"', sources))
    checks = [package / "sql" / "claims_fact.sql", package / "sql" / "claims_bad_period.sql"]
    used |= set(re.findall(r"THEN '([a-z_]+)'", "".join(path.read_text() for path in checks)))
    used |= set(re.findall(r'(?:return|yield number,) "([a-z_]+)"(?:, False)?$', sources, re.MULTILINE)) & set(REASONS)
    assert {"no_patient", "unknown_person", "wrong_cell_count", "extraction_failed"} <= used
    assert used <= set(REASONS)


@pytest.mark.parametrize("form", ["jsonl.gz", "csv.gz", "parquet", "parquet.gz"])
def test_a_file_cut_short_is_an_error(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, [ROW | {"note_id": str(n), "text": f"Fever {n * 7919}"} for n in range(5000)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(RunError):
        read(path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=80).filter(lambda line: b"\n" not in line), max_size=8))
def test_whatever_stands_between_good_lines(tmp_path: Path, lines: list[bytes]) -> None:
    good = json.dumps(ROW).encode()
    path = tmp_path / "n.jsonl"
    path.write_bytes(b"\n".join([good, *lines, good]) + b"\n")
    found = read(path)
    assert len(found) == 2 + sum(bool(line.strip()) for line in lines)
    assert isinstance(found[0], NoteRow)
    assert isinstance(found[-1], NoteRow)
    assert found[-1].row == len(lines) + 2
