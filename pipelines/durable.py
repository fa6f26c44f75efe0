"""Files that are whole or not there: written aside, flushed to the disk, then renamed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import RunError

ROW_GROUP = 122_880
PRIVATE = 0o600


def flush_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_new(path: Path, mode: int) -> int:
    path.unlink(missing_ok=True)  # a left-over of another mode
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)


def write_bytes(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write `content` atomically."""
    aside = path.with_name(f".{path.name}.part")
    with os.fdopen(_open_new(aside, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(aside, path)
    flush_folder(path.parent)


def write_json(path: Path, document: Any, mode: int = 0o644) -> None:
    write_bytes(path, (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode(), mode)


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches([batch]).select(schema.names).cast(schema)


def write_table(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], mode: int = 0o644) -> int:
    """Write a Parquet file (zstd) atomically and return its number of rows.

    Rows are regrouped into row groups of a fixed size, so that the bytes depend on the rows alone and not on how they
    came in.
    """
    aside = path.with_name(f".{path.name}.part")
    rows = 0
    with os.fdopen(_open_new(aside, mode), "wb") as out:
        with pq.ParquetWriter(out, schema, compression="zstd", compression_level=3, write_statistics=True) as writer:
            waiting: list[pa.Table] = []
            held = 0
            for batch in batches:
                if not batch.num_rows:
                    continue
                waiting.append(_cast(batch, schema))
                held += batch.num_rows
                rows += batch.num_rows
                while held >= ROW_GROUP:
                    table = pa.concat_tables(waiting)
                    writer.write_table(_one_chunk(table.slice(0, ROW_GROUP)), row_group_size=ROW_GROUP)
                    waiting = [table.slice(ROW_GROUP)]
                    held -= ROW_GROUP
            if held or not rows:
                table = pa.concat_tables(waiting) if waiting else schema.empty_table()
                writer.write_table(_one_chunk(table), row_group_size=ROW_GROUP)
        out.flush()
        os.fsync(out.fileno())
    os.replace(aside, path)
    flush_folder(path.parent)
    return rows


def _one_chunk(table: pa.Table) -> pa.Table:
    # dictionary pages follow the chunks of a column, so these must not depend on the batches that came in
    return table.combine_chunks()


def read_batches(paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    """Batches of several Parquet files, one after the other."""
    for path in paths:
        with pq.ParquetFile(path) as source:
            yield from source.iter_batches(batch_size=ROW_GROUP)


@contextmanager
def folder_in_one_go(folder: Path) -> Iterator[Path]:
    """Fill a folder aside; it appears under its name when whole."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    yield aside
    flush_folder(aside)
    os.replace(aside, folder)
    flush_folder(folder.parent)


@contextmanager
def folder_replaced(folder: Path) -> Iterator[Path]:
    """Fill a folder aside; it takes the place of what stands there when whole, and is gone after an error."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        flush_folder(aside)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(aside, folder)
        flush_folder(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file; the system lets go of it when the process dies, however it dies."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RunError(
            "another run is writing here", where=str(lock.parent), remedy="wait for it to end or use another --out"
        ) from None
    try:
        yield
    finally:
        os.close(handle)
