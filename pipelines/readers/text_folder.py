"""Notes from a folder of `.txt` files.

The rule, in this order:
1. `metadata.csv` in the folder, if there: column `file` (path relative to the folder, with or without `.txt`; `note_id`
   serves as well), and the columns that any notes table has (patient_id, note_time, note_class, ...).
2. else a file in a sub-folder belongs to the patient that the first sub-folder names: `p017/2021-03-04_clinic.txt`;
3. else the file's name names the patient before two underscores: `p017__2021-03-04_clinic.txt`.
The note's id is the path without `.txt`; without metadata its time is the first date in the file's name
(`2021-03-04`, `20210304`, either followed by `T1530` or `T15-30` where the time is known). A file system's own dates
are never used: they say when a file was copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import RunError
from .columns import Columns, find_columns
from .delimited import header_of, records
from .rows import BadRow, NoteRow, RowRules, read_row, text_of

METADATA = "metadata.csv"
_DATE = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d)-?(\d\d))?(?!\d)")
_OWN = Columns(
    note_id="note_id",
    patient_id="patient_id",
    note_time="note_time",
    text="text",
    available_time=None,
    note_class=None,
    encounter_id=None,
    provider_id=None,
    site_id=None,
    date_fallback=None,
)


def text_files(folder: Path) -> list[Path]:
    """All `.txt` files below `folder`, in a stable order."""
    return sorted(
        (path for path in folder.rglob("*") if path.suffix.lower() == ".txt" and path.is_file()),
        key=lambda p: p.as_posix(),
    )


def _by_name(relative: str) -> dict[str, object]:
    stem = relative[:-4]
    folder, _, rest = stem.partition("/")
    if rest:
        patient, title = folder, rest
    else:
        patient, marker, title = stem.partition("__")
        if not marker:
            patient, title = "", stem
    date = _DATE.search(title)
    time = None
    if date:
        time = f"{date[1]}-{date[2]}-{date[3]}" + (f"T{date[4]}:{date[5]}" if date[4] else "")
    return {"note_id": stem, "patient_id": patient, "note_time": time}


def _metadata(folder: Path) -> tuple[Columns, dict[str, dict[str, object]]] | None:
    path = folder / METADATA
    if not path.is_file():
        return None
    header = header_of(path, METADATA)
    columns = find_columns(header)
    key = next((name for name in header if name.strip().lower() == "file"), columns.note_id)
    missing = [name for name in ("patient_id", "note_time") if getattr(columns, name) is None]
    if key is None or missing:
        raise RunError(
            f"no column for {', '.join((['file'] if key is None else []) + missing)}",
            where=METADATA,
            remedy="give it the columns file, patient_id and note_time",
        )
    table: dict[str, dict[str, object]] = {}
    for number, record in records(path, 1_000_000):
        if isinstance(record, str):
            raise RunError("the row cannot be read", where=f"{METADATA} row {number}", remedy="mend the row")
        name = text_of(record[key])
        if name is not None:
            table[name.removesuffix(".txt")] = record
    return columns, table


def read_text_folder(folder: Path, files: list[Path], rules: RowRules) -> Iterator[NoteRow | BadRow]:
    """One row a file, in the order of `files`; rows of the metadata without a file are reported after them."""
    metadata = _metadata(folder)
    seen: set[str] = set()
    for path in files:
        relative = path.relative_to(folder).as_posix()
        stem = relative[:-4]
        record, columns = _by_name(relative), _OWN
        if metadata is not None:
            entry = metadata[1].get(stem)
            seen.add(stem)
            if entry is None:
                yield BadRow(relative, 1, "not_in_metadata", stem)
                continue
            names = metadata[0]
            columns = Columns(
                **{f: getattr(names, f) for f in Columns.__slots__} | {"note_id": "\x00id", "text": "\x00text"}
            )
            record = {**entry, "\x00id": stem}
        record[columns.text or ""] = b""
        if path.stat().st_size > rules.max_bytes:
            yield BadRow(relative, 1, "note_too_large", stem)
            continue
        content = path.read_bytes()
        record[columns.text or ""] = content.removeprefix(b"\xef\xbb\xbf")
        yield read_row(relative, 1, record, columns, rules)
    if metadata is not None:
        for name in sorted(set(metadata[1]) - seen):
            yield BadRow(f"{name}.txt", 1, "file_missing", name)
