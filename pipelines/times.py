"""Reading the times of sources: ISO 8601 or the format the user names; anything else is not guessed at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache

EARLIEST, LATEST = 1800, 2300  # de-identified corpora shift dates far, but not beyond this


def to_time(value: object, date_format: str | None = None) -> datetime | None:
    """Naive UTC time of a date, a time or its text; None where it cannot be read.

    >>> to_time("2021-03-04T10:00:00+02:00")
    datetime.datetime(2021, 3, 4, 8, 0)
    >>> to_time("04.03.2021") is None
    True
    """
    if isinstance(value, datetime):
        return _naive(value)
    if isinstance(value, date):
        return _naive(datetime(value.year, value.month, value.day))
    if not isinstance(value, str):
        return None
    return _reader(date_format)(value.strip())


@lru_cache(maxsize=8)
def _reader(date_format: str | None) -> Callable[[str], datetime | None]:
    @lru_cache(maxsize=65_536)
    def read(text: str) -> datetime | None:
        try:
            # week dates and bare numbers such as "2021" are refused: they are more likely something else
            if date_format is not None:
                return _naive(datetime.strptime(text, date_format))
            return _naive(datetime.fromisoformat(text)) if len(text) >= 8 and "W" not in text else None
        except (ValueError, OverflowError):
            return None

    return read


def _naive(moment: datetime) -> datetime | None:
    try:
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment.year <= LATEST else None
