"""The log of a registry: one line a decision, each with the hash of the one before, so that no past line can be changed
unseen."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .pack_files import PackError

LOG = "stages.jsonl"
_BEGINNING = "0" * 64


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def _hash(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(_line({key: value for key, value in entry.items() if key != "sha256"})).hexdigest()


def read_log(registry: Path) -> list[dict[str, Any]]:
    """All entries in order, the chain of hashes checked. [] where there is no log.

    Raises PackError at the first line that is damaged, changed, or out of its place.
    """
    place = registry / LOG
    try:
        lines = place.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    if lines.pop():
        raise PackError(place, "the last line is cut short", "bring back the log from a backup")
    entries: list[dict[str, Any]] = []
    before = _BEGINNING
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or "sha256" not in entry:
            raise PackError(place, f"line {number} is damaged", "bring back the log from a backup")
        if entry.get("previous") != before or entry["sha256"] != _hash(entry) or entry.get("number") != number:
            raise PackError(
                place,
                f"line {number} does not fit the chain: a line was changed, removed or put in",
                "bring back the log from a backup, and find out who changed it",
            )
        entries.append(entry)
        before = entry["sha256"]
    return entries


def append(registry: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Add an entry (JSON values; without number, previous and sha256, which are made here) and return it whole.

    Call inside `locked`, after the log was read.
    """
    entries = read_log(registry)
    whole = {**entry, "number": len(entries) + 1, "previous": entries[-1]["sha256"] if entries else _BEGINNING}
    whole["sha256"] = _hash(whole)
    handle = os.open(registry / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, _line(whole) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return whole


@contextmanager
def locked(registry: Path) -> Iterator[None]:
    """One writer at a time; the system lets go of the lock when the process dies."""
    handle = os.open(registry / f".{LOG}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
