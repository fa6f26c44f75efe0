"""One note of a run with its evidence, its text read again from where it came from."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .database import Database, connect, quoted
from .errors import RunError
from .ids import kept_integer, read_key
from .plan import RUN, finished_run
from .readers import NoteRow, open_corpus
from .readers.corpus import hash_file
from .readers.rows import RowRules
from .sql import read_sql


@dataclass(frozen=True, slots=True)
class ShownMention:
    """A mention as it is shown; `cues` are (start, end, rule)."""

    start: int
    end: int
    code: str
    name: str
    section: str
    negation: str
    certainty: str
    temporality: str
    experiencer: str
    assertion: str
    cues: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note and what was found in it."""

    note_id: str
    subject_id: int
    note_time: datetime
    note_class: str | None
    text: str
    mentions: tuple[ShownMention, ...]


def view_note(out: Path, wanted: str, id_key: Path | None = None) -> NoteView:
    """The note that the source (or the tables) call `wanted`.

    Raises RunError if there is no such run or note, or if the source's text is no longer the text that was read.
    """
    if not out.is_dir() or finished_run(out) is None:
        raise RunError(
            f"no finished run here (no {RUN})", where=str(out), remedy="name the --out folder of `phenotext run`"
        )
    database = connect()
    try:
        number, source_id = _find(database, out, wanted)
        rows = _rows(
            database, f"SELECT * FROM read_parquet({quoted(out / 'note.parquet')}) WHERE note_id = ?", [number]
        )
        if not rows:
            raise RunError(
                f"note {wanted} was left out", where=str(out), remedy="see quarantine.parquet for the reason"
            )
        note = rows[0]
        text = _text(database, out, number, source_id, note["note_hash"], id_key)
        for name, path in (("evidence", out / "evidence.parquet"), ("codes", out / "metadata" / "codes.parquet")):
            database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({quoted(path)})")
        mentions = tuple(_mention(row) for row in _rows(database, read_sql("note_mentions"), [number]))
    finally:
        database.close()
    return NoteView(source_id, note["subject_id"], note["note_time"], note["note_class"], text, mentions)


def _rows(database: Database, query: str, parameters: list[object]) -> list[dict[str, Any]]:
    result = database.execute(query, parameters)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row)) for row in result.fetchall()]


def _mention(row: dict[str, Any]) -> ShownMention:
    cues = tuple((cue["start"], cue["end"], cue["rule"]) for cue in row.pop("triggers") or ())
    return ShownMention(**row, cues=cues)


def _find(database: Database, out: Path, wanted: str) -> tuple[int, str]:
    """Number and source id of a note."""
    map_file = out / "private" / "id_map.parquet"
    if not map_file.is_file():
        raise RunError("the id map is gone, so no note can be found by its id", where=str(map_file))
    query = f"SELECT id, source_id FROM read_parquet({quoted(map_file)}) WHERE kind = 'note' AND "
    found = database.execute(query + "source_id = ?", [wanted]).fetchall()
    number = (
        kept_integer(wanted)
        if len(wanted) <= 18
        else (int(wanted) if wanted.isdigit() and int(wanted) < 2**63 else None)
    )
    if not found and number is not None:
        found = database.execute(query + "id = ?", [number]).fetchall()
    if not found:
        raise RunError(
            "no note with this id", where=str(out), remedy="give the note_id of the source or of note.parquet"
        )
    return found[0]


def _text(database: Database, out: Path, number: int, source_id: str, note_hash: str, id_key: Path | None) -> str:
    kept = out / "private" / "text.parquet"
    if kept.is_file():
        rows = database.execute(f"SELECT text FROM read_parquet({quoted(kept)}) WHERE note_id = ?", [number]).fetchall()
        if rows:
            return rows[0][0]
    source = json.loads((out / "source.json").read_bytes())
    key = read_key(id_key) if id_key else b""
    document = finished_run(out) or {}
    keyed = document["identity"]["id_key"] is not None
    if keyed and not key:
        _check_files(out, source)  # without the key only the files as a whole can be checked
    text = _read_again(source, source_id)
    content = text.encode("utf-8")
    if not keyed or key:
        found = hmac.new(key, content, "sha256").hexdigest() if keyed else hashlib.sha256(content).hexdigest()
        if found != note_hash:
            raise _changed(source["notes"])
    return text


def _changed(where: str) -> RunError:
    return RunError(
        "the source has changed since the run, so the offsets no longer fit",
        where=where,
        remedy="run again on the new source",
    )


def _check_files(out: Path, source: dict[str, Any]) -> None:
    files = source["files"] if isinstance(source["files"], list) else json.loads((out / source["files"]).read_bytes())
    root = Path(source["notes"])
    for file in files:
        path = root / file["name"] if root.is_dir() else root
        if not path.is_file() or hash_file(path) != file["sha256"]:
            raise _changed(str(path))


def _read_again(source: dict[str, Any], source_id: str) -> str:
    path = Path(source["notes"])
    if not path.exists():
        raise RunError(
            "the notes are no longer there", where=str(path), remedy="bring them back, or run with --keep-text"
        )
    corpus = open_corpus(path)
    rules = RowRules(int(source["max_note_mb"] * 1_000_000), source["date_format"])
    for row in corpus.rows(rules):
        if isinstance(row, NoteRow) and row.note_id == source_id:
            return row.text
    raise _changed(str(path))
