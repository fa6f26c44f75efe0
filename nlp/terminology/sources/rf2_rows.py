"""The rows of RF2 files as tables, read in blocks: faulty rows are left out and counted with their lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pyarrow import csv

from ..source_term import SourceError
from ..systems import FAULT_REMEDIES
from .bytes_of import bad_utf8
from .content import DropLog
from .rf2_files import ReleaseFile
from .rf2_ids import member_keys
from .rf2_schema import LAYOUTS, UNPUBLISHED, Kind

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

FILE = "file"
KEYS = ("key_high", "key_low")
_BLOCK = 16 << 20
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_COMMENT = re.compile(rb"(?m)^#[^\n]*")
_FLOAT = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+|[0-9]+\.[0-9]*")
_BOM = b"\xef\xbb\xbf"
# Simple maps have no groups and rules.
_MAP_DEFAULTS: dict[str, int | str] = {"mapGroup": 1, "mapPriority": 1, "mapRule": "TRUE"}


@dataclass(slots=True)
class ReadLog:
    """What reading met: faulty rows and those that have no use here in `drops`; comment lines; all rows; rows without
    effectiveTime."""

    drops: DropLog = field(default_factory=DropLog)
    comments: int = 0
    rows: int = 0
    unpublished: int = 0


Keep = Callable[[pa.Table], tuple[pa.Table, dict[str, int]]]
"""Takes a block of rows and gives those wanted, and how many were not, by reason."""


def count_drops(drops: DropLog, reason: str, count: int, places: list[str], fault: bool = False) -> None:
    """Count many rows at once; `places` are those of the first few."""
    for place in places[:count]:
        drops.leave_out(reason, place)
    more = count - min(len(places), count)
    if more:
        drops.counts[reason] = drops.counts.get(reason, 0) + more
    if fault:
        drops.faults += count


def read_rows(files: list[ReleaseFile], kind: Kind, log: ReadLog, keep: Keep | None = None) -> pa.Table:
    """All rows of some files of one kind, as the columns of its layout and `file` (int16, the place in `files`).

    Members have `key_high` and `key_low` (uint64) for `id`. An empty effectiveTime reads as `UNPUBLISHED`.

    Raises:
        SourceError: bytes that are not UTF-8, or more than half of a file's rows faulty.
    """
    parts = [_read_file(file, kind, number, log, keep) for number, file in enumerate(files)]
    return pa.concat_tables(parts).combine_chunks() if parts else _empty(kind)


def _empty(kind: Kind) -> pa.Table:
    layout = LAYOUTS[kind]
    fields = [pa.field(name, kind_) for name, kind_ in layout.columns.items() if name != "id" or layout.key == "sctid"]
    if layout.key == "uuid":
        fields += [pa.field(name, pa.uint64()) for name in KEYS]
    return pa.schema([*fields, pa.field(FILE, pa.int16())]).empty_table()


def _read_file(file: ReleaseFile, kind: Kind, number: int, log: ReadLog, keep: Keep | None) -> pa.Table:
    drops = DropLog()
    rows = 0
    parts: list[pa.Table] = [_empty(kind)]
    for block, line in _blocks(file, log):
        parsed = _Block(file, kind, block, line, drops)
        table = parsed.table()
        rows += parsed.rows
        log.unpublished += parsed.unpublished
        if keep is not None:
            table, unwanted = keep(table)
            for reason, count in unwanted.items():
                count_drops(log.drops, reason, count, [file.name])
        table = table.append_column(FILE, pa.array(np.full(len(table), number, np.int16)))
        if LAYOUTS[kind].key == "uuid":
            keys = member_keys(table["id"].combine_chunks() if len(table) else pa.array([], pa.string()))
            table = table.drop_columns("id")
            for column, name in enumerate(KEYS):
                table = table.append_column(name, pa.array(keys[:, column]))
        parts.append(table.select(parts[0].column_names).cast(parts[0].schema))
    _refuse_mostly_bad(file, drops, rows)
    log.drops.add(drops)
    log.rows += rows
    return pa.concat_tables(parts)


def _refuse_mostly_bad(file: ReleaseFile, drops: DropLog, rows: int) -> None:
    if drops.faults * 2 <= rows:
        return
    reason = max(drops.counts, key=lambda reason: drops.counts[reason])
    line = int(drops.places[reason][0].rsplit(":", 1)[1])
    what = f"{reason.replace('_', ' ')} in {drops.counts[reason]}"
    raise SourceError(
        file.place, line, f"{drops.faults} of {rows} rows are faulty ({what}, the first here)", FAULT_REMEDIES[reason]
    )


def _blocks(file: ReleaseFile, log: ReadLog) -> Iterator[tuple[bytes, int]]:
    """Whole lines after the header, UTF-8, in blocks with the number of their first line; comments are blank lines."""
    line = 1
    rest = b""
    header = True
    with file.found.open() as stream:
        while True:
            data = stream.read(_BLOCK)
            block = rest + data if data else rest + b"\n"
            end = block.rfind(b"\n") + 1
            block, rest = block[:end], block[end:]
            if block.strip():
                block = block.removeprefix(_BOM) if line == 1 else block
                _check_text(file, block, line)
                if block.count(b"\r") != block.count(b"\r\n"):
                    block = _LONE_RETURN.sub(b" ", block)  # inside a cell; the parser would end the line there
                if block.startswith(b"#") or b"\n#" in block:
                    block, comments = _COMMENT.subn(b"", block)
                    log.comments += comments
                if header and block.strip():
                    start = len(block) - len(block.lstrip())
                    stop = block.find(b"\n", start)
                    block = b"\n" * block.count(b"\n", 0, stop) + block[stop:]
                    header = False
                if block.strip():
                    yield block, line
            line += block.count(b"\n")
            if not data:
                return


def _check_text(file: ReleaseFile, block: bytes, line: int) -> None:
    if b"\x00" in block:
        where = line + block.count(b"\n", 0, block.index(b"\x00"))
        raise SourceError(file.place, where, "The line has zero bytes, the file is damaged", "Fetch the release again")
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        start = block.rfind(b"\n", 0, error.start) + 1
        where = line + block.count(b"\n", 0, error.start)
        raise bad_utf8(Path(file.place), where, error.start - start + 1) from None


class _Block:
    """One block of lines, parsed; the fast way first, row by row only where a cell is no number."""

    def __init__(self, file: ReleaseFile, kind: Kind, data: bytes, line: int, drops: DropLog) -> None:
        self.file = file
        self.data = data
        self.line = line
        self.drops = drops
        self.columns = LAYOUTS[kind].columns
        self.present = [name for name in self.columns if name in file.columns]
        self.short: list[int] = []  # rows with another number of cells, from 1
        self.rows = 0
        self.unpublished = 0

    def table(self) -> pa.Table:
        """The sound rows, with the columns of the layout."""
        try:
            table = self._parse({name: self.columns[name] for name in self.present})
            bad = np.zeros(len(table), bool)
        except pa.ArrowInvalid:
            table, bad = self._cast(self._parse({name: pa.string() for name in self.present}))
        self.rows = len(table) + len(self.short)
        for row in self.short:
            self._reject("wrong_cell_count", row, parsed=False)
        table = self._check(table, bad)
        for name, kind in self.columns.items():
            if name not in self.present:
                table = table.append_column(name, pa.repeat(pa.scalar(_MAP_DEFAULTS[name], kind), len(table)))
        return table

    def _parse(self, types: dict[str, pa.DataType]) -> pa.Table:
        self.short = []

        def note(row: csv.InvalidRow) -> str:
            self.short.append(row.number)
            return "skip"

        return csv.read_csv(
            pa.BufferReader(self.data),
            csv.ReadOptions(column_names=list(self.file.columns), use_threads=False, block_size=_BLOCK * 2),
            csv.ParseOptions(delimiter="\t", quote_char=False, escape_char=False, invalid_row_handler=note),
            csv.ConvertOptions(
                column_types=types, include_columns=self.present, null_values=[""], strings_can_be_null=False
            ),
        )

    def _cast(self, table: pa.Table) -> tuple[pa.Table, np.ndarray]:
        """Numbers from strings; cells that are none become 0 and their rows are counted and marked."""
        bad = np.zeros(len(table), bool)
        for place, name in enumerate(self.present):
            kind = self.columns[name]
            if not pa.types.is_integer(kind):
                continue
            column = table[name]
            digits = 3 if kind == pa.int8() else 9 if kind == pa.int32() else 18
            pattern = f"^([0-9]{{1,{digits}}})?$" if name == "effectiveTime" else f"^[0-9]{{1,{digits}}}$"
            wrong = ~np.asarray(pc.match_substring_regex(column, pattern))
            for row in np.flatnonzero(wrong & ~bad).tolist():
                cell = column[row].as_py()
                named = {"effectiveTime": "bad_effective_time", "active": "bad_active_flag"}.get(name, "malformed_code")
                reason = "spreadsheet_number" if named == "malformed_code" and _FLOAT.fullmatch(cell) else named
                self._reject(reason, row)
            bad |= wrong
            empty = pc.or_(pa.array(wrong), pc.equal(column, ""))
            column = pc.if_else(empty, pa.scalar(None, pa.string()), column)
            table = table.set_column(place, name, column.cast(kind))
        return table, bad

    def _check(self, table: pa.Table, bad: np.ndarray) -> pa.Table:
        """Leave out rows with empty or impossible cells; the times that are empty become UNPUBLISHED."""
        time = table["effectiveTime"]
        table = table.set_column(
            table.column_names.index("effectiveTime"), "effectiveTime", pc.fill_null(time, UNPUBLISHED)
        )
        active = np.asarray(pc.fill_null(table["active"], -1))
        time = np.asarray(table["effectiveTime"])
        checks = [
            ("bad_active_flag", (active != 0) & (active != 1)),
            ("bad_effective_time", (time < 10**7) | (time > UNPUBLISHED)),
        ]
        for name in self.present:
            if name not in ("effectiveTime", "active") and pa.types.is_integer(self.columns[name]):
                checks.append(("malformed_code", np.asarray(pc.fill_null(pc.less(table[name], 0), True))))
        if "term" in self.present:
            checks.append(("empty_term", np.asarray(pc.equal(pc.utf8_trim_whitespace(table["term"]), ""))))
        for reason, wrong in checks:
            for row in np.flatnonzero(wrong & ~bad).tolist():
                self._reject(reason, row)
            bad = bad | wrong
        self.unpublished = int(((time == UNPUBLISHED) & ~bad).sum())
        return table.filter(pa.array(~bad)) if bad.any() else table

    def _row(self, row: int) -> int:
        """The number of a parsed row among all rows of the block, those with a wrong number of cells included."""
        number = row + 1
        for short in self.short:
            if short <= number:
                number += 1
        return number

    def _reject(self, reason: str, row: int, parsed: bool = True) -> None:
        if self.drops.counts.get(reason, 0) >= 5:
            self.drops.reject(reason, "")
            return
        row = self._row(row) if parsed else row
        filled = [number for number, line in enumerate(self.data.split(b"\n")) if line.strip(b"\r")]
        self.drops.reject(reason, f"{self.file.name}:{self.line + filled[row - 1]}")
