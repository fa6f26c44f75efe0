"""CSV: every table comes back, and nothing in it is damaged by a spreadsheet."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.nlp.tables import TABLES, primary_key
from phenotext.pipelines.exporters.csv_files import read_csv, write_csv
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.tables_csv import TablesCsv, flat
from phenotext.pipelines.run_folder import RunFolder


@pytest.mark.parametrize("plain", [False, True])
def test_every_table_comes_back(plain: bool, export_source: Path, tmp_path: Path) -> None:
    run = RunFolder.open(export_source)
    document = export_run(export_source, tmp_path / "a", TablesCsv(plain=plain))
    written = {path.stem for path in (tmp_path / "a").glob("*.csv")}
    assert written == {name for name in TABLES if run.files(name)} - {"id_map", "note_text"}
    assert document["withheld"] == {"private_table_id_map": 1}
    database = run.connect()
    for name in sorted(written):
        schema, query = flat(name)
        back = read_csv(tmp_path / "a" / f"{name}.csv", schema, marked=not plain)
        assert back.to_pylist() == database.sql(query).to_arrow_table().cast(schema).to_pylist(), name
        keys = [tuple(row[key] for key in primary_key(TABLES[name])) for row in back.to_pylist()]
        assert len(set(keys)) == len(keys)
    database.close()


def test_ids_are_text_to_a_spreadsheet(export_source: Path, tmp_path: Path) -> None:
    export_run(export_source, tmp_path / "a", TablesCsv())
    number = re.compile(r"[0-9]+")
    for path in (tmp_path / "a").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                for name, cell in row.items():
                    assert not (number.fullmatch(cell) and len(cell) > 15), (path.name, name)
                    assert not cell.startswith(("=", "+", "@")), (path.name, name)
                    if name.endswith("_id") and name not in ("run_id", "domain_id") and cell:
                        assert cell.startswith("'"), (path.name, name)
    event = (tmp_path / "a" / "event.csv").read_text(encoding="utf-8")
    assert '"\'007"' in event  # a code of digits keeps its zeros


TABLE = pa.schema([("some_id", pa.int64()), ("text", pa.large_string()), ("n", pa.int32()), ("x", pa.float64())])
CELLS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    st.sampled_from(
        ["", "'", "''", "=1", "+1", "-1", "@a", "007", "1e5", "2021-01-02", "a,b", 'a"b', "a\nb", "\r", "\t", " "]
    ),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), CELLS), max_size=6), st.booleans())
def test_any_text_and_any_id_come_back(cells: list[tuple[int | None, str | None]], marked: bool) -> None:
    import tempfile

    table = pa.table(
        {
            "some_id": [number for number, _ in cells],
            "text": [text for _, text in cells],
            "n": [7] * len(cells),
            "x": [0.1] * len(cells),
        },
        schema=TABLE,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        assert write_csv(path, TABLE, table.to_batches(), marked) == len(cells)
        assert read_csv(path, TABLE, marked).to_pylist() == table.to_pylist()


def test_row_groups_do_not_change_the_bytes(export_source: Path, tmp_path: Path) -> None:
    table = pq.read_table(export_source / "feature.parquet")
    write_csv(tmp_path / "a.csv", table.schema, table.to_batches(), True)
    write_csv(tmp_path / "b.csv", table.schema, table.to_batches(max_chunksize=3), True)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
