"""Which column of a source holds what: usual names are recognised, whatever their case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from ..errors import RunError

# First name found wins. Names of OMOP NOTE, MIMIC and the project's own JSON lines.
ALIASES: dict[str, tuple[str, ...]] = {
    "note_id": ("note_id", "noteid", "row_id", "document_id", "doc_id"),
    "patient_id": ("patient_id", "subject_id", "person_id", "patientid", "pat_id", "mrn"),
    "note_time": ("note_time", "note_datetime", "note_timestamp", "charttime", "note_date", "chartdate", "date"),
    "text": ("text", "note_text", "note", "document", "report_text"),
    "available_time": ("available_time", "available_datetime", "signed_time", "storetime"),
    "note_class": (
        "note_class",
        "note_type",
        "category",
        "note_class_source_value",
        "note_title",
        "note_class_concept_id",
        "note_type_concept_id",
    ),
    "encounter_id": ("encounter_id", "visit_id", "visit_occurrence_id", "hadm_id"),
    "provider_id": ("provider_id", "author_id"),
    "site_id": ("site_id", "care_site_id"),
    "status": ("note_status", "doc_status", "docstatus", "document_status", "iserror"),
}
DATE_FALLBACK = ("note_date", "chartdate")  # where the exact time is empty in a row


@dataclass(frozen=True, slots=True)
class Columns:
    """Name in the source of each field; None where the source lacks it."""

    note_id: str | None
    patient_id: str | None
    note_time: str | None
    text: str | None
    available_time: str | None
    note_class: str | None
    encounter_id: str | None
    provider_id: str | None
    site_id: str | None
    date_fallback: str | None
    status: str | None = None

    def document(self) -> dict[str, str]:
        """The columns found, ready for JSON."""
        pairs = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: column for name, column in pairs if column is not None}

    def missing(self) -> list[str]:
        return [name for name in ("patient_id", "note_time", "text") if getattr(self, name) is None]


def find_columns(names: Iterable[str]) -> Columns:
    """Recognise the columns of a source."""
    by_lower: dict[str, str] = {}
    for name in names:
        by_lower.setdefault(name.strip().lower(), name)
    found = {
        field: next((by_lower[alias] for alias in aliases if alias in by_lower), None)
        for field, aliases in ALIASES.items()
    }
    fallback = next(
        (by_lower[name] for name in DATE_FALLBACK if name in by_lower and by_lower[name] != found["note_time"]), None
    )
    return Columns(**found, date_fallback=fallback)


def require(columns: Columns, where: str) -> Columns:
    """Raise RunError if notes cannot be read from these columns."""
    missing = columns.missing()
    if missing:
        # a file without a header has a patient's data in its first line: only names we know are repeated
        found = [column for column in columns.document().values() if column]
        raise RunError(
            f"no column for {', '.join(missing)} (found: {', '.join(found) or 'none that is known'})",
            where=where,
            remedy="name the columns " + "; ".join(f"{name}: {', '.join(ALIASES[name][:4])}" for name in missing),
        )
    return columns
