"""One shard of notes in, its tables out: the part of a run that is done in several processes."""

from __future__ import annotations

import hashlib
import hmac
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..nlp.concept_filter import ConceptFilter
from ..nlp.evidence import EVIDENCE_COLUMNS, evidence_batch
from ..nlp.extractor import Extractor
from ..nlp.tables import EVIDENCE, ID_MAP, NOTE, NOTE_TEXT, QUARANTINE
from ..nlp.terminology.terminology import Terminology
from ..nlp.version import VERSION
from .concepts import base_concept_ids
from .durable import PRIVATE, folder_in_one_go, write_table
from .ids import blake2b_63
from .language_rules import PACKAGE_RULES, LanguageRules
from .matching_options import USUAL_MATCHING, MatchingOptions
from .readers import BadRow

NOTES_AT_A_TIME = 256
CHARACTERS_AT_A_TIME = 2_000_000
EVERY_CONCEPT = ConceptFilter()


@dataclass(frozen=True, slots=True)
class Constants:
    """What every shard of a run has in common."""

    run_id: str
    terminology: Path | None
    key: bytes
    keep_snippets: bool
    keep_text: bool
    hide_files: bool
    rules: LanguageRules = PACKAGE_RULES
    concepts: ConceptFilter = EVERY_CONCEPT
    matching: MatchingOptions = USUAL_MATCHING


@dataclass(slots=True)
class Shard:
    """Notes in column form, with the ids of the tables, and the rows set aside on the way."""

    number: int
    folder: Path
    size: int = 0
    note_id: list[int] = field(default_factory=list)
    subject_id: list[int] = field(default_factory=list)
    note_time: list[datetime] = field(default_factory=list)
    available_time: list[datetime] = field(default_factory=list)
    available_defaulted: list[bool] = field(default_factory=list)
    note_class: list[str | None] = field(default_factory=list)
    visit_id: list[int | None] = field(default_factory=list)
    provider_id: list[int | None] = field(default_factory=list)
    site_id: list[int | None] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    place: list[tuple[str, int]] = field(default_factory=list)
    bad: list[tuple[BadRow, int | None]] = field(default_factory=list)
    ids: list[tuple[str, int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What a finished shard reports back."""

    notes: int
    mentions: int
    characters: int


_NOTE_COLUMNS = (
    "note_id",
    "subject_id",
    "note_time",
    "available_time",
    "available_defaulted",
    "note_class",
    "visit_id",
    "provider_id",
    "site_id",
)

_extractor: tuple[tuple[Path | None, LanguageRules, ConceptFilter, MatchingOptions], Extractor] | None = None


def load_extractor(
    terminology: Path | None,
    rules: LanguageRules = PACKAGE_RULES,
    concepts: ConceptFilter = EVERY_CONCEPT,
    matching: MatchingOptions = USUAL_MATCHING,
) -> Extractor:
    """The process's extractor; its arrays are memory-mapped, so processes share them."""
    global _extractor
    if _extractor is None or _extractor[0] != (terminology, rules, concepts, matching):
        opened = None if terminology is None else Terminology.open(terminology)
        extractor = Extractor(
            opened,
            cues=rules.cue_rows()[0],
            headings=rules.heading_rows()[0],
            concepts=concepts,
            misspellings=matching.misspellings,
            nested=matching.nested,
            recall=matching.index(),
            recall_threshold=matching.recall_threshold,
        )
        _extractor = ((terminology, rules, concepts, matching), extractor)
    return _extractor[1]


def start_worker(
    terminology: Path | None,
    rules: LanguageRules = PACKAGE_RULES,
    concepts: ConceptFilter = EVERY_CONCEPT,
    matching: MatchingOptions = USUAL_MATCHING,
) -> None:
    """Make a worker process ready. Ctrl-C is for the main process, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load_extractor(terminology, rules, concepts, matching)


def write_shard(constants: Constants, shard: Shard) -> ShardCounts:
    """Extract a shard and write its folder in one go; a killed process leaves nothing that counts."""
    extractor = load_extractor(constants.terminology, constants.rules, constants.concepts, constants.matching)
    batch, failed = _extract(extractor, shard.text, constants.keep_snippets)
    kept = np.setdiff1d(np.arange(len(shard)), failed)
    hashes = [_note_hash(text, constants.key) for text in shard.text]
    notes = _note_table(constants, shard, hashes, batch)
    evidence = _evidence_table(constants, notes, batch, base_concept_ids(extractor.terminology))
    bad = list(shard.bad)
    for index in failed.tolist():
        file, row = shard.place[index]
        bad.append((BadRow(file, row, "extraction_failed"), shard.note_id[index]))
    with folder_in_one_go(shard.folder) as folder:
        write_table(folder / "evidence.parquet", EVIDENCE, evidence.to_batches())
        write_table(folder / "note.parquet", NOTE, notes.take(pa.array(kept)).to_batches())
        write_table(folder / "quarantine.parquet", QUARANTINE, quarantine_table(bad, constants.hide_files).to_batches())
        write_table(folder / "id_map.parquet", ID_MAP, _id_map(shard.ids).to_batches(), PRIVATE)
        if constants.keep_text:
            texts = pa.table({"note_id": shard.note_id, "text": pa.array(shard.text, pa.large_string())})
            write_table(folder / "text.parquet", NOTE_TEXT, texts.take(pa.array(kept)).to_batches(), PRIVATE)
    return ShardCounts(len(kept), evidence.num_rows, sum(map(len, shard.text)))


def _chunks(texts: list[str]) -> Iterator[tuple[int, int]]:
    start = size = 0
    for index, text in enumerate(texts):
        if index > start and (index - start >= NOTES_AT_A_TIME or size + len(text) > CHARACTERS_AT_A_TIME):
            yield start, index
            start, size = index, 0
        size += len(text)
    if start < len(texts):
        yield start, len(texts)


def _extract(extractor: Extractor, texts: list[str], keep_text: bool) -> tuple[pa.Table, np.ndarray]:
    """Evidence rows of the texts, and the indices of texts that the extractor could not take."""
    batches: list[pa.RecordBatch] = []
    failed: list[int] = []
    for start, stop in _chunks(texts):
        try:
            batches.append(_shifted(evidence_batch(extractor, texts[start:stop], keep_text=keep_text), start))
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception:
            # one note must not cost the others theirs: find it, set it aside
            for index in range(start, stop):
                try:
                    batches.append(_shifted(evidence_batch(extractor, [texts[index]], keep_text=keep_text), index))
                except Exception:
                    failed.append(index)
    return pa.Table.from_batches(batches, EVIDENCE_COLUMNS), np.array(failed, np.int64)


def _shifted(batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
    place = batch.schema.get_field_index("note_index")
    return batch.set_column(
        place,
        EVIDENCE_COLUMNS.field("note_index"),
        pa.array(batch.column(place).to_numpy() + np.int32(start), pa.int32()),
    )


def _note_hash(text: str, key: bytes) -> str:
    content = text.encode("utf-8")
    return hmac.new(key, content, "sha256").hexdigest() if key else hashlib.sha256(content).hexdigest()


def _note_table(constants: Constants, shard: Shard, hashes: list[str], batch: pa.Table) -> pa.Table:
    n = len(shard)
    columns = {name: pa.array(getattr(shard, name), NOTE.field(name).type) for name in _NOTE_COLUMNS}
    columns["n_characters"] = pa.array([len(text) for text in shard.text], pa.int32())
    columns["note_hash"] = pa.array(hashes, pa.string())
    index = batch.column("note_index").to_numpy()
    columns["n_mentions"] = pa.array(np.bincount(index, minlength=n)[:n].astype(np.int32))
    columns["run_id"] = pa.repeat(pa.scalar(constants.run_id, pa.string()), n)
    return pa.table(columns, schema=NOTE)


def evidence_id(note_id: int, start: int, end: int, code: str) -> int:
    """blake2b-63 of `note|start|end|code`."""
    return blake2b_63(f"{note_id}|{start}|{end}|{code}".encode())


def event_id(
    source: str,
    clinical_time: int,
    code: str,
    visit_id: int | None,
    note_id: int | None = None,
    value: float | None = None,
    unit: str | None = None,
    ordinal: int = 0,
) -> int:
    """blake2b-63 of the parts joined by `|`; time in microseconds, what is missing left empty."""
    visit, note = "" if visit_id is None else visit_id, "" if note_id is None else note_id
    amount = "" if value is None else value
    return blake2b_63(f"{source}|{clinical_time}|{code}|{visit}|{note}|{amount}|{unit or ''}|{ordinal}".encode())


def _event_ids(notes: pa.Table, index: np.ndarray, batch: pa.Table) -> pa.Array:
    """Event of every mention; null for what makes none (other people, and denials about anyone but the patient)."""
    assertion = batch.column("assertion").to_pylist()
    code = batch.column("code").to_pylist()
    negation = batch.column("negation").to_pylist()
    experiencer = batch.column("experiencer").to_pylist()
    time = notes.column("note_time").cast(pa.int64()).to_pylist()
    visit = notes.column("visit_id").to_pylist()
    note = notes.column("note_id").to_pylist()
    known: dict[tuple[int, str, str], int] = {}  # a fact that is mentioned again is the same event
    result: list[int | None] = []
    for i, a, c, n, e in zip(index.tolist(), assertion, code, negation, experiencer):
        if a == "other" or (n == "negated" and e != "patient" and a == "absent"):
            result.append(None)
            continue
        key = (i, c, a)
        if key not in known:
            full = c if a == "present" else f"{c}//{a.upper()}"
            known[key] = event_id("note", time[i], full, visit[i], note[i])
        result.append(known[key])
    return pa.array(result, pa.int64())


def _evidence_table(constants: Constants, notes: pa.Table, batch: pa.Table, concept_ids: np.ndarray) -> pa.Table:
    n = batch.num_rows
    index = batch.column("note_index").to_numpy()
    of_note = notes.select(["subject_id", "note_id", "note_time", "available_time", "note_class", "note_hash"]).take(
        pa.array(index)
    )
    columns: dict[str, pa.Array | pa.ChunkedArray] = {name: of_note.column(name) for name in of_note.column_names}
    for name in batch.column_names:
        if name not in ("note_index", "concept_index"):
            columns[name] = batch.column(name)
    columns["base_concept_id"] = pa.array(concept_ids[batch.column("concept_index").to_numpy()])
    columns["event_id"] = _event_ids(notes, index, batch)
    columns["evidence_id"] = pa.array(
        [
            evidence_id(*parts)
            for parts in zip(
                of_note.column("note_id").to_pylist(),
                batch.column("start").to_pylist(),
                batch.column("end").to_pylist(),
                batch.column("code").to_pylist(),
            )
        ],
        pa.int64(),
    )
    columns["nlp_system"] = pa.repeat(pa.scalar("phenotext"), n)
    columns["nlp_version"] = pa.repeat(pa.scalar(VERSION), n)
    columns["run_id"] = pa.repeat(pa.scalar(constants.run_id, pa.string()), n)
    for field_ in EVIDENCE:
        if field_.name not in columns:
            columns[field_.name] = pa.nulls(n, field_.type)
    return pa.table({name: columns[name] for name in EVIDENCE.names}).cast(EVIDENCE)


def quarantine_table(bad: list[tuple[BadRow, int | None]], hide_files: bool) -> pa.Table:
    return pa.table(
        {
            "reason": [row.reason for row, _ in bad],
            "file": [None if hide_files else row.file for row, _ in bad],
            "row": [row.row for row, _ in bad],
            "note_id": [number for _, number in bad],
        },
        schema=QUARANTINE,
    )


def _id_map(ids: list[tuple[str, int, str]]) -> pa.Table:
    return pa.table(
        {"kind": [i[0] for i in ids], "id": [i[1] for i in ids], "source_id": [i[2] for i in ids]}, schema=ID_MAP
    )
