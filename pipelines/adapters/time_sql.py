"""How the times of a source are read by DuckDB: ISO 8601, plain `20210112`, or the format the user names."""

from __future__ import annotations

from ..database import literal

# a moment with an offset from UTC; a name of a zone is not understood, and must not be dropped silently
_ZONED = r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)? ?(Z|[+-]\d{2}(:?\d{2})?)"
_NAIVE = r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
_COMPACT = r"\d{8}"


def time_sql(text: str, date_format: str | None = None) -> str:
    """SQL for the moment (UTC, TIMESTAMP) that a text names, null where it cannot be read."""
    if date_format is not None:
        return f"try_strptime({text}, {literal(date_format)})"
    return (
        f"CASE WHEN regexp_full_match({text}, '{_NAIVE}') THEN TRY_CAST({text} AS TIMESTAMP) "
        f"WHEN regexp_full_match({text}, '{_ZONED}') THEN CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP) "
        f"WHEN regexp_full_match({text}, '{_COMPACT}') THEN try_strptime({text}, '%Y%m%d') END"
    )


def zone_sql(text: str, date_format: str | None = None) -> str:
    """SQL for whether a moment names its offset from UTC; null for a day without a time of day."""
    if date_format is not None:
        return "CAST(NULL AS BOOLEAN)"
    return (
        f"CASE WHEN regexp_full_match({text}, '{_ZONED}') THEN TRUE "
        f"WHEN regexp_matches({text}, '[ T].*[1-9]') THEN FALSE END"
    )
