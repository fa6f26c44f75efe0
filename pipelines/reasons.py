"""Why a row is set aside, in words. The names are what `quarantine.parquet` holds."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "no_patient": "no patient id",
    "no_date": "no date",
    "unreadable_date": "a date that is not ISO 8601 (--date-format reads others)",
    "no_text": "no text, or blanks only",
    "text_is_no_string": "the text is a number or a list",
    "undecodable_bytes": "bytes that are not UTF-8",
    "note_too_large": "larger than --max-note-mb",
    "duplicate_note_id": "an earlier row has this note id",
    "broken_json": "the line is not valid JSON",
    "no_json_object": "the line is JSON, but not an object",
    "line_too_long": "a line far larger than --max-note-mb",
    "wrong_cell_count": "more or fewer cells than the header",
    "cell_too_long": "a cell far larger than --max-note-mb; a lost quotation mark?",
    "not_in_metadata": "a .txt file that metadata.csv does not list",
    "file_missing": "metadata.csv lists a file that is not there",
    "extraction_failed": "the extractor failed on this note: please report it",
    "unknown_person": "claims of a person who is not in the person table",
    "no_code": "claims without a code",
}
