"""Write annotations/gold/gold.parquet from the readable mark-up (`python scripts/make_gold.py [--check]`).

The mark-up is the master copy: correct it there, then run this. `--check` writes nothing and fails when they differ.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from phenotext.annotations.gold_notes import AXES, SYSTEM, GoldNote, read_gold_notes

GOLD = Path(__file__).resolve().parent.parent / "annotations" / "gold"
STATUS = "non-clinician"
SCHEMA = pa.schema(
    [
        pa.field("note_id", pa.string(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("system", pa.string(), nullable=False),
        *(pa.field(axis, pa.string(), nullable=False) for axis in AXES),
        pa.field("assertion", pa.string(), nullable=False),
        pa.field("section", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("agreement", pa.string(), nullable=False),
    ]
)


def gold_table(notes: Sequence[GoldNote]) -> pa.Table:
    """One row a mention, ordered by note, start, longest first; `agreement` is both, a, b, adjudicated or single."""
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for note in notes:
        for mention in note.mentions:
            row: dict[str, object] = {name: getattr(mention, name, None) for name in SCHEMA.names}
            row |= {"note_id": note.note_id, "system": SYSTEM, "status": STATUS, "agreement": mention.passes}
            for name, value in row.items():
                columns[name].append(value)
    return pa.table(columns, schema=SCHEMA)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD, help="folder with markup/ and gold.parquet")
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args()
    table = gold_table(read_gold_notes(options.gold / "markup", adjudicated=True))
    path = options.gold / "gold.parquet"
    if options.check:
        if not path.is_file() or not pq.read_table(path).equals(table):
            raise SystemExit(f"{path.name} differs from the mark-up; run scripts/make_gold.py")
        return
    pq.write_table(table, path, compression="zstd")
    print(f"{path.name}: {table.num_rows} mentions of {len(set(table['note_id'].to_pylist()))} notes")


if __name__ == "__main__":
    main()
