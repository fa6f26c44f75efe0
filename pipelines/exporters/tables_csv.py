"""Every table of a run as CSV, but the private ones.

Ids and all that a spreadsheet would take for a number, a date or a formula begin with an apostrophe (`csv_files`), so
that opening and saving a file does not change it. `plain` leaves the apostrophes out, for programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from ...nlp.tables import TABLES, primary_key
from ..database import Database, batches, value
from ..run_folder import RunFolder
from .csv_files import write_csv
from .export_run import without_text
from .ledger import Ledger

PRIVATE = ("id_map", "note_text")
# the columns that hold pieces of notes, or names that may
TEXT_COLUMNS = {"evidence": ("lexical_variant", "snippet"), "event": ("text_value",), "quarantine": ("file",)}


@dataclass(frozen=True, slots=True)
class TablesCsv:
    """`plain`: no apostrophes. `no_text`: no pieces of notes, as of a run with phi=minimal."""

    plain: bool = False
    no_text: bool = False
    form: ClassVar[str] = "csv"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write `<table>.csv` for every table that the run has; nested columns as JSON text."""
        no_text = without_text(run, self.no_text)
        for name in sorted(TABLES):
            files = run.files(name)
            if not files:
                continue
            if name in PRIVATE:
                ledger.withhold(f"private_table_{name}", 1)
                continue
            schema, query = flat(name, no_text)
            rows = write_csv(folder / f"{name}.csv", schema, batches(database, query), marked=not self.plain)
            ledger.wrote(f"{name}.csv", rows)
            if no_text:
                for column in TEXT_COLUMNS.get(name, ()):
                    told = "count(*)" if name == "evidence" else f'count("{column}")'
                    ledger.withhold(f"text_{name}_{column}", value(database, f"SELECT {told} FROM {name}"))


def flat(name: str, no_text: bool = False) -> tuple[pa.Schema, str]:
    """Schema without nested columns, and the query for it in order of the primary key."""
    fields: list[pa.Field] = []
    columns: list[str] = []
    for field in TABLES[name]:
        column = f'"{field.name}"'
        kind = field.type
        if no_text and field.name in TEXT_COLUMNS.get(name, ()):
            columns.append(f"CAST(NULL AS VARCHAR) AS {column}")
        elif pa.types.is_list(kind):
            kind = pa.string()
            inner = column
            if no_text and name == "evidence":
                inner = (
                    "list_transform(triggers, lambda t: "
                    "{'text': NULL, 'start': t.\"start\", 'end': t.\"end\", 'rule': t.\"rule\"})"
                )
            columns.append(f"CAST(to_json({inner}) AS VARCHAR) AS {column}")
        else:
            columns.append(column)
        fields.append(pa.field(field.name, kind))
    order = ", ".join(f'"{key}"' for key in primary_key(TABLES[name]))
    return pa.schema(fields), f"SELECT {', '.join(columns)} FROM {name} ORDER BY {order}"
