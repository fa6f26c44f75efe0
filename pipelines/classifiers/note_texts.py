"""Texts of a run's notes, from its own store or read again from where they came from, each checked by its hash."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ..errors import RunError
from ..ids import Identifier, key_fingerprint, read_key
from ..readers import NoteRow, open_corpus
from ..readers.rows import RowRules
from ..run_folder import RunFolder


def run_key(run: RunFolder, id_key: Path | None) -> bytes:
    """The key of the run's ids; empty where they are not keyed. Raises RunError where it is needed and not there."""
    wanted = run.document["identity"].get("id_key")
    if wanted is None:
        if id_key is not None:
            raise RunError("the run's ids are not keyed", where=str(run.path), remedy="leave out --id-key")
        return b""
    path = id_key or Path(run.settings["id_key"])
    if not path.is_file():
        raise RunError("the id key of the run is not here", where=str(path), remedy="give it as --id-key FILE")
    key = read_key(path)
    if key_fingerprint(key) != wanted:
        raise RunError(
            "this is not the id key of the run", where=str(path), remedy="give the one the run was made with"
        )
    return key


def read_texts(run: RunFolder, hashes: Mapping[int, str], key: bytes, notes: Path | None = None) -> dict[int, str]:
    """Text of each note of `hashes` (note_id -> note_hash).

    From the run's stored text where it has one, else from the source, or from `notes` where it has moved. Raises
    RunError where a note is gone or its text is no longer the text that was read.
    """
    if not hashes:
        return {}
    stored = run.files("note_text")
    if stored and notes is None:
        found, where = _stored(stored, hashes), "private/text.parquet"
    else:
        found, where = _read_again(run, hashes, key, notes)
    for number, text in found.items():
        if _hash(text, key) != hashes[number]:
            raise RunError(
                "a note has changed since the run, so its offsets no longer fit",
                where=where,
                remedy="run again on the new source",
            )
    lost = len(hashes) - len(found)
    if lost:
        raise RunError(
            f"{lost} notes of the run are no longer there", where=where, remedy="bring them back, or run again"
        )
    return found


def _stored(files: list[Path], hashes: Mapping[int, str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for file in files:
        with pq.ParquetFile(file) as source:
            for batch in source.iter_batches(batch_size=4096, columns=["note_id", "text"]):
                for number, text in zip(batch.column(0).to_pylist(), batch.column(1), strict=True):
                    if number in hashes:
                        found[number] = text.as_py()
    return found


def _read_again(
    run: RunFolder, hashes: Mapping[int, str], key: bytes, notes: Path | None
) -> tuple[dict[int, str], str]:
    source = json.loads((run.path / "source.json").read_bytes())
    path = notes or Path(source["notes"])
    if not path.exists():
        raise RunError(
            "the notes are no longer there",
            where=str(path),
            remedy="bring them back, name their new place with --notes, or run with --keep-text",
        )
    rules = RowRules(int(source["max_note_mb"] * 1_000_000), source["date_format"])
    identify = Identifier("note", key)
    found: dict[int, str] = {}
    for row in open_corpus(path).rows(rules):
        if not isinstance(row, NoteRow):
            continue
        number = identify(row.note_id)
        if number in hashes and number not in found:  # of several notes with one id the run took the first
            found[number] = row.text
            if len(found) == len(hashes):
                break
    return found, str(path)


def _hash(text: str, key: bytes) -> str:
    content = text.encode("utf-8")
    return hmac.new(key, content, "sha256").hexdigest() if key else hashlib.sha256(content).hexdigest()


def parts_by_size(sizes: np.ndarray, most: int) -> list[slice]:
    """Cut rows of these sizes into slices of at most `most` in all; a larger row stands alone.

    >>> parts_by_size(np.array([5, 4, 9, 1]), 10)
    [slice(0, 2, None), slice(2, 4, None)]
    """
    parts: list[slice] = []
    first, held = 0, 0
    for place, size in enumerate(sizes.tolist()):
        if place > first and held + size > most:
            parts.append(slice(first, place))
            first, held = place, 0
        held += size
    if first < len(sizes):
        parts.append(slice(first, len(sizes)))
    return parts
