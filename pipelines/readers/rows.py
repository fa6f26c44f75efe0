"""One row of a source: read as a note, or set aside with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..times import to_time
from .columns import Columns


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note as its source gives it; ids are still the source's own."""

    file: str
    row: int
    note_id: str
    patient_id: str
    note_time: datetime
    available_time: datetime | None
    note_class: str | None
    encounter_id: str | None
    provider_id: str | None
    site_id: str | None
    text: str
    size: int  # bytes of the text in UTF-8
    late_unread: bool = False  # the source had an available_time that could not be read


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no usable note. `reason` is a name from `reasons.py`, never a piece of the row."""

    file: str
    row: int
    reason: str
    note_id: str | None = None


@dataclass(frozen=True, slots=True)
class RowRules:
    """What a row must satisfy."""

    max_bytes: int
    date_format: str | None = None


def text_of(value: object) -> str | None:
    """An id or a label as text; None for blanks, and for what cannot be one (lists, fractions)."""
    if isinstance(value, str):
        # half a character (a lone surrogate) can be in no table
        return value.encode("utf-8", "replace").decode().strip() or None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else None
    return str(value) if isinstance(value, int) else None


# FHIR's docStatus, HL7's document completion and availability status, and MIMIC's iserror (1).
_WITHDRAWN = frozenset(
    ("entered-in-error", "entered in error", "entered_in_error", "error", "cancelled", "canceled", "deleted",
     "retracted", "obsolete", "1", "true", "y", "yes")
)  # fmt: skip


def _whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def read_row(file: str, row: int, values: Mapping[str, object], columns: Columns, rules: RowRules) -> NoteRow | BadRow:
    """Interpret one record. The first thing that is wrong with it is the reason."""

    def cell(column: str | None) -> object:
        return None if column is None else values.get(column)

    note_id = text_of(cell(columns.note_id))
    if note_id is None:  # a note without an id of its own is named after its place
        note_id = f"{file}:{row}"
    patient_id = text_of(cell(columns.patient_id))
    if patient_id is None:
        return BadRow(file, row, "no_patient", note_id)
    for given in (cell(columns.note_id), cell(columns.patient_id)):
        if isinstance(given, str) and not _whole(given):
            return BadRow(file, row, "undecodable_bytes", note_id)
    raw_time = cell(columns.note_time)
    if raw_time is None or raw_time == "":
        raw_time = cell(columns.date_fallback)
    if raw_time is None or (isinstance(raw_time, str) and not raw_time.strip()):
        return BadRow(file, row, "no_date", note_id)
    note_time = to_time(raw_time, rules.date_format)
    if note_time is None:
        return BadRow(file, row, "unreadable_date", note_id)
    status = cell(columns.status)
    if status is True or (text_of(status) or "").lower() in _WITHDRAWN:
        return BadRow(file, row, "entered_in_error", note_id)
    text = cell(columns.text)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError:
            return BadRow(file, row, "undecodable_bytes", note_id)
    if text is None or (isinstance(text, str) and not text.strip()):
        return BadRow(file, row, "no_text", note_id)
    if not isinstance(text, str):
        return BadRow(file, row, "text_is_no_string", note_id)
    if not _whole(text):
        return BadRow(file, row, "undecodable_bytes", note_id)
    size = len(text.encode("utf-8"))
    if size > rules.max_bytes:
        return BadRow(file, row, "note_too_large", note_id)
    raw_available = cell(columns.available_time)
    available = to_time(raw_available, rules.date_format)
    return NoteRow(
        file=file,
        row=row,
        note_id=note_id,
        patient_id=patient_id,
        note_time=note_time,
        available_time=available,
        note_class=text_of(cell(columns.note_class)),
        encounter_id=text_of(cell(columns.encounter_id)),
        provider_id=text_of(cell(columns.provider_id)),
        site_id=text_of(cell(columns.site_id)),
        text=text,
        size=size,
        late_unread=available is None and raw_available not in (None, ""),
    )
