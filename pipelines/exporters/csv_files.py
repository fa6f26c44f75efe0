"""CSV files that keep what they hold: null apart from the empty text, and ids that a spreadsheet does not damage.

With `marked` a cell that a spreadsheet would turn into a number, a date or a formula begins with an apostrophe: all ids
(16 digits and more are rounded, leading zeros lost) and texts such as `007` or `=1+1`. Who reads such a file takes one
leading apostrophe off.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

# a number, date or time; or a beginning that makes a formula (or is the mark itself)
RISKY = r"^(?:[=+\-@'\t\r\n]|[0-9][0-9eE.,/: \-]*$)"


def is_id(field: pa.Field) -> bool:
    """Whether the column holds ids.

    >>> is_id(pa.field("note_id", pa.int64())), is_id(pa.field("n_mentions", pa.int32()))
    (True, False)
    """
    return field.name.lower().endswith("id") and pa.types.is_integer(field.type)


def is_text(kind: pa.DataType) -> bool:
    """Whether the column holds text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _marked(column: pa.Array, field: pa.Field) -> pa.Array:
    if is_id(field):
        mark, text = pa.scalar("'"), column.cast(pa.string())
        return pc.call_function("binary_join_element_wise", [mark, text, pa.scalar("")])
    if is_text(field.type):
        text, nothing = column.cast(pa.large_string()), pa.scalar("", pa.large_string())
        risky = pc.call_function("match_substring_regex", [text], pc.MatchSubstringOptions(RISKY))
        mark = pc.call_function("if_else", [risky, pa.scalar("'", pa.large_string()), nothing])
        return pc.call_function("binary_join_element_wise", [mark, text, nothing])
    return column


def write_csv(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], marked: bool = False) -> int:
    """Write a UTF-8 file with a heading and return its number of rows. Columns must not be nested."""
    fields = [
        pa.field(field.name, pa.large_string() if is_text(field.type) else pa.string() if is_id(field) else field.type)
        if marked
        else pa.field(field.name, field.type)
        for field in schema
    ]
    target = pa.schema(fields)
    rows = 0
    with pacsv.CSVWriter(path, target, write_options=pacsv.WriteOptions(quoting_style="needed")) as out:
        for batch in batches:
            columns = [batch.column(name) for name in schema.names]
            if marked:
                columns = [_marked(column, field) for column, field in zip(columns, schema)]
            columns = [column.cast(field.type) for column, field in zip(columns, target)]
            out.write_batch(pa.record_batch(columns, schema=target))
            rows += batch.num_rows
    return rows


def read_csv(path: Path, schema: pa.Schema, marked: bool = False) -> pa.Table:
    """Read a file of `write_csv` again: the same table. Columns must not be nested."""
    as_text = {field.name for field in schema if is_text(field.type) or (marked and is_id(field))}
    kinds = {field.name: pa.large_string() if field.name in as_text else field.type for field in schema}
    table = pacsv.read_csv(
        path,
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=kinds, strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    columns = []
    for field in schema:
        column = table[field.name]
        if marked and (is_text(field.type) or is_id(field)):
            column = pc.call_function("replace_substring_regex", [column], pc.ReplaceSubstringOptions("^'", ""))
        columns.append(column.cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)
