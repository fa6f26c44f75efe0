"""The minimum look-back: was the patient observed long enough for "no claim" to mean that nothing happened?"""

from __future__ import annotations

from .database import Database
from .sql import read_sql


def mark_lookback(database: Database, days: int) -> dict[str, int]:
    """Fill `cohort.lookback` (enough, short or unknown) and return the number of rows of each.

    Reads `cohort`, `observation_period` and `horizon`; `days` is the minimum look-back before the day of prediction.
    """
    database.execute("CREATE OR REPLACE TABLE asked_lookback AS SELECT CAST(? AS INTEGER) AS days", [days])
    database.execute(
        f"UPDATE cohort SET lookback = found.lookback FROM ({read_sql('lookback')}) found "
        "WHERE found.row_id = cohort.row_id"
    )
    return dict(database.execute("SELECT lookback, count(*) FROM cohort GROUP BY 1 ORDER BY 1").fetchall())
