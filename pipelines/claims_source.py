"""A claims file as a DuckDB table of text cells, with the number of each row and of the rows that cannot be read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from .database import Database, put, value
from .errors import RunError


def load_source(database: Database, path: Path) -> list[int]:
    """Table `claims_source`: the columns of the file in lower case, as text, and `line` (1 = first data row).

    Returns the numbers of the rows that could not be split into cells.
    """
    database.execute("DROP TABLE IF EXISTS claims_source")
    if path.suffix.lower() == ".parquet":
        names = [row[0] for row in database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()]
        columns = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name.lower()}"' for name in names)
        database.execute(
            f"CREATE TEMP TABLE claims_source AS SELECT {columns}, row_number() OVER () AS line FROM read_parquet(?)",
            [str(path)],
        )
        return []
    database.execute("DROP TABLE IF EXISTS reject_errors")
    database.execute("DROP TABLE IF EXISTS reject_scans")
    try:
        database.execute(
            "CREATE TEMP TABLE claims_source AS SELECT *, row_number() OVER () AS line FROM "
            "read_csv(?, all_varchar = true, header = true, normalize_names = false, store_rejects = true, "
            "null_padding = false, strict_mode = true, parallel = false)",
            [str(path)],
        )
        rejected = database.execute("SELECT DISTINCT line FROM reject_errors ORDER BY line").fetchall()
    except duckdb.Error as error:
        # the message of a CSV error quotes cells; only its kind may leave
        raise RunError(
            f"cannot be read as a CSV table ({type(error).__name__})",
            where=path.name,
            remedy="give UTF-8 with one header row",
        ) from None
    for (name,) in database.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'claims_source'"
    ).fetchall():
        if name != name.lower():
            database.execute(f'ALTER TABLE claims_source RENAME "{name}" TO "{name.lower()}"')
    return _renumber(database, [line - 1 for (line,) in rejected])


def _renumber(database: Database, rejected: list[int]) -> list[int]:
    """Give the readable rows the numbers they have in the file, which counts the others too."""
    if rejected:
        count = value(database, "SELECT count(*) FROM claims_source")
        numbers = np.setdiff1d(np.arange(1, count + len(rejected) + 1), rejected)[:count]
        put(database, "numbering", pa.table({"readable": np.arange(1, count + 1), "number": numbers}))
        database.execute("UPDATE claims_source SET line = number FROM numbering WHERE readable = line")
    return rejected


def source_columns(database: Database) -> set[str]:
    """Column names of the table loaded last."""
    return {row[0] for row in database.execute("DESCRIBE claims_source").fetchall()}
