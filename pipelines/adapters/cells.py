"""Files as a DuckDB table of text cells, with the number of each row and of the rows that cannot be cut into cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from ..database import Database, put, quoted, value
from ..errors import RunError
from ..readers import BadRow
from .source_file import SourceFile

_HIDDEN = "\x01"  # stands in no text: makes a line one cell


def load_cells(
    database: Database, table: str, files: Sequence[SourceFile], wanted: Sequence[str], *, piped: bool = False
) -> list[BadRow]:
    """Table of the wanted columns of all files as trimmed text, null where empty or absent; with `file`, `line` (1 =
    first row of data) and `row_hash` (of every cell of the row, wanted or not).

    Args:
        piped: the files are cut at every `|`; quotation marks and backslashes are plain text (CMS RIF).

    Returns:
        The rows that have another number of cells than the header.
    """
    names = list(dict.fromkeys(wanted))
    columns = "".join(f', "{name}" VARCHAR' for name in names)
    database.execute(f"CREATE OR REPLACE TEMP TABLE {table} (file VARCHAR, line BIGINT, row_hash UBIGINT{columns})")
    bad: list[BadRow] = []
    for file in files:
        if not file.columns:
            raise RunError("is empty", where=file.name, remedy="give it a header row, or take the file away")
        try:
            numbers = _load(database, file, names, piped)
        except duckdb.Error as error:
            # the message of a CSV error quotes cells; only its kind may leave
            raise RunError(
                f"cannot be read as a table ({type(error).__name__})",
                where=file.name,
                remedy="give UTF-8 with one header row",
            ) from None
        bad += [BadRow(file.name, number, "wrong_cell_count") for number in numbers]
        database.execute(f"INSERT INTO {table} SELECT ?, * FROM part ORDER BY line", [file.name])
        database.execute("DROP TABLE part")
    return bad


def _load(database: Database, file: SourceFile, wanted: Sequence[str], piped: bool) -> list[int]:
    if piped:
        return _load_piped(database, file, wanted)
    places = {name: place for place, name in enumerate(file.columns)}
    if file.parquet:
        names = [row[0] for row in database.execute(f"DESCRIBE FROM read_parquet({quoted(file.path)})").fetchall()]
        spelled = {name.lower(): f'CAST("{name}" AS VARCHAR)' for name in names}
        scan, number = f"read_parquet({quoted(file.path)}, file_row_number = true)", "file_row_number + 1"
    else:
        spelled = {name: f"c{place}" for name, place in places.items()}
        scan, number = _csv_scan(file), "row_number() OVER ()"
    _forget_rejects(database)
    database.execute(
        f"CREATE TEMP TABLE part AS SELECT {number} AS line, hash({', '.join(spelled.values())}) AS row_hash"
        f"{''.join(f', {_tidy(spelled.get(name))}' for name in wanted)} FROM {scan}"
    )
    if file.parquet:
        return []
    rejected = database.execute("SELECT DISTINCT line FROM reject_errors ORDER BY line").fetchall()
    return _renumber(database, [line - 1 for (line,) in rejected])


def _tidy(cell: str | None) -> str:
    return f"nullif(trim({cell}), '')" if cell else "CAST(NULL AS VARCHAR)"


def _csv_scan(file: SourceFile) -> str:
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(file.columns)))
    # tab-separated downloads (Athena) hold quote characters that quote nothing
    quote = "''" if file.delimiter == "\t" else "'\"'"
    return (
        f"read_csv({quoted(file.path)}, auto_detect = false, header = true, columns = {{{columns}}}, "
        f"delim = '{file.delimiter}', quote = {quote}, escape = {quote}, strict_mode = true, null_padding = false, "
        "store_rejects = true, parallel = false)"
    )


def _forget_rejects(database: Database) -> None:
    for name in ("reject_errors", "reject_scans"):
        database.execute(f"DROP TABLE IF EXISTS {name}")


def _load_piped(database: Database, file: SourceFile, wanted: Sequence[str]) -> list[int]:
    places = {name: place for place, name in enumerate(file.columns, 1)}
    n = len(places)
    cells = ", ".join(_tidy(f"cells[{places[name]}]" if name in places else None) for name in wanted)
    database.execute(
        "CREATE OR REPLACE TEMP TABLE cut AS SELECT row_number() OVER () AS line, "
        "string_split(rtrim(text, chr(13)), '|') AS cells FROM "
        f"read_csv({quoted(file.path)}, auto_detect = false, header = true, columns = {{'text': 'VARCHAR'}}, "
        f"delim = '{_HIDDEN}', quote = '', escape = '', parallel = false, max_line_size = 10000000)"
    )
    # a bar after the last cell makes one more, which is empty; an empty line is no row
    fits = f"(len(cells) = {n} OR (len(cells) = {n + 1} AND cells[{n + 1}] = ''))"
    database.execute(
        f"CREATE TEMP TABLE part AS SELECT line, hash(cells){', ' + cells if cells else ''} FROM cut WHERE {fits}"
    )
    rejected = database.execute(f"SELECT line FROM cut WHERE cells IS NOT NULL AND NOT {fits} ORDER BY line").fetchall()
    database.execute("DROP TABLE cut")
    return [line for (line,) in rejected]


def _renumber(database: Database, rejected: list[int]) -> list[int]:
    """Give the readable rows the numbers they have in the file, which counts the others too."""
    if rejected:
        count = value(database, "SELECT count(*) FROM part")
        numbers = np.setdiff1d(np.arange(1, count + len(rejected) + 1), rejected)[:count]
        put(database, "numbering", pa.table({"readable": np.arange(1, count + 1), "number": numbers}))
        database.execute("UPDATE part SET line = number FROM numbering WHERE readable = line")
        database.execute("DROP TABLE numbering")
    return rejected


def require(file: SourceFile, columns: Collection[str], remedy: str) -> None:
    """Raise RunError for columns that a file must have and has not."""
    missing = [name for name in columns if name not in file.columns]
    if missing:
        raise RunError(f"no column {', '.join(missing)}", where=file.name, remedy=remedy)
