"""Rows of an OMOP vocabulary table as blocks of text columns; faulty rows are counted, never guessed.

A full download has 40 million rows, so a file is read in blocks of columns and only what is wanted is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as csv

from ..source_term import SourceError
from .athena_files import AthenaTable
from .content import DropLog

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

_BLOCK = 8 << 20
_NO_ROW = ("Could not skip initial", "Empty CSV file")
_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "pipes"}
_TABLE_REMEDY = "Download the vocabularies from Athena again, or export the table as the OMOP CDM names its columns"


@dataclass(slots=True)
class RowLog:
    """What was wrong with rows: `drops` of those left out, `repairs` of those taken after a repair."""

    drops: DropLog = field(default_factory=DropLog)
    repairs: DropLog = field(default_factory=DropLog)


def row_blocks(table: AthenaTable, columns: Sequence[str], log: RowLog) -> Iterator[pa.RecordBatch]:
    """Blocks of the given columns, all text. Rows with another number of cells than the header are counted.

    Raises:
        SourceError: columns that are missing, text that is not UTF-8, or more rows of the wrong width than right ones.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        words = f"The table lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        raise SourceError(table.place, 1, words, _TABLE_REMEDY)
    rejected: list[int] = []

    def skip(row: csv.InvalidRow) -> str:
        rejected.append(row.number or 0)
        log.drops.reject("wrong_cell_count", f"{table.name}:{row.number}")
        return "skip"

    count = 0
    with table.open() as stream:
        try:
            reader = csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=csv.ReadOptions(
                    column_names=_distinct(table.columns), skip_rows=1, block_size=_BLOCK, use_threads=False
                ),
                parse_options=csv.ParseOptions(
                    delimiter=table.delimiter,
                    quote_char='"' if table.quoted else False,
                    newlines_in_values=False,
                    invalid_row_handler=skip,
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            for block in reader:
                if table.quoted:
                    _refuse_open_quote(block, table, count + 2)
                count += len(block)
                yield block
        except pa.ArrowInvalid as error:
            if not str(error).startswith(_NO_ROW):
                raise _unreadable(table, str(error)) from None
    if len(rejected) > count:
        raise SourceError(
            table.place,
            rejected[0],
            f"{len(rejected):,} of {len(rejected) + count:,} rows have another number of cells than the header, whose "
            f"cells are separated by {_NAMES[table.delimiter]} (the first here)",
            "Separate the rows as the header; a file with tabs knows no quotes, cells with commas must be quoted",
        )


def _refuse_open_quote(block: pa.RecordBatch, table: AthenaTable, first_row: int) -> None:
    """No cell of a vocabulary has a line break; where one has, a quote was not closed and rows are lost in the cell."""
    for column in block.columns:
        broken = pc.match_substring(column, "\n")
        if pc.any(broken).as_py():
            row = first_row + pc.index(broken, True).as_py()
            raise SourceError(
                table.place, row, "A quote that opens here is not closed in its row", "Double the quotes within cells"
            )


def _distinct(columns: tuple[str, ...]) -> list[str]:
    return [name if columns.index(name) == place else f"{name} {place}" for place, name in enumerate(columns)]


def _unreadable(table: AthenaTable, message: str) -> SourceError:
    if "UTF8" in message:
        with table.open() as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    return SourceError(table.place, number, "The line is not UTF-8", "Save the file as UTF-8")
    return SourceError(table.place, None, "The table cannot be split into cells", _TABLE_REMEDY)


def concept_numbers(column: pa.Array, table: AthenaTable, rows: np.ndarray, log: RowLog) -> np.ndarray:
    """Concept ids [n] int64, -1 where a cell is no id (counted). Whole numbers with a decimal point (`123.0`, as
    spreadsheets and data frames write them) are taken and counted. `rows` [n] are the rows' numbers in the file."""
    try:
        numbers = pc.cast(column, pa.int64()).to_numpy(zero_copy_only=False)
        if not len(numbers) or numbers.min() >= 0:
            return numbers
    except pa.ArrowInvalid:
        pass
    text = pc.utf8_trim_whitespace(column)
    whole = pc.match_substring_regex(text, r"^[0-9]{1,18}$")
    decimal = pc.match_substring_regex(text, r"^[0-9]{1,15}\.0*$")
    digits = pc.replace_substring_regex(text, r"\.0*$", "")
    numbers = pc.cast(pc.if_else(pc.or_(whole, decimal), digits, "-1"), pa.int64()).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(numbers < 0).tolist():
        log.drops.reject("malformed_concept_id", f"{table.name}:{rows[row]}")
    for row in np.flatnonzero(decimal.to_numpy(zero_copy_only=False)).tolist():
        log.repairs.leave_out("decimal_concept_id", f"{table.name}:{rows[row]}")
    return numbers
