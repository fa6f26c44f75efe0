"""The notes read again from where they came: have they changed, was none lost, do mentions stand where they say?"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..database import Database, put, value
from ..errors import RunError
from ..ids import Identifier, SeenNotes
from ..readers import Corpus, NoteRow, open_corpus
from ..readers.corpus import hash_file
from ..readers.rows import RowRules
from .findings import ValidationReport
from .layout import Layout

SOURCE_RULES = {
    "source.files": "the files of the notes are those that were read (hash in source.json)",
    "source.note_there": "every note is still in its source",
    "source.note_hash": "the text in the source has the note's hash and length",
    "source.nothing_lost": "every note of the source is in note or in quarantine",
    "source.words": "lexical_variant and the text of the cues are what stands at their offsets",
}
NOTES_AT_A_TIME, CHARACTERS_AT_A_TIME = 4000, 20_000_000
_READ = pa.schema([("note_id", pa.int64()), ("note_hash", pa.string()), ("n_characters", pa.int64())])


@dataclass(slots=True)
class SourceNotes:
    """Compares a run with its source. Needs the views note, evidence and quarantine."""

    database: Database
    layout: Layout
    report: ValidationReport
    max_rows: int
    key: bytes = b""
    _wrong_words: list[dict[str, Any]] = field(default_factory=list)
    _n_wrong_words: int = 0

    def check(self) -> None:
        """Enter the findings, and what could be looked at, into the report."""
        try:
            source = json.loads((self.layout.root / "source.json").read_bytes())
            root = Path(source["notes"])
        except (OSError, ValueError, KeyError, TypeError):
            self.report.source = "source.json is missing or damaged, so the source was not compared"
            return
        if not root.exists():
            self.report.source = f"the notes are no longer at {root}, so they were not compared"
            return
        self._files(source, root)
        if self.layout.keyed and not self.key:
            self.report.source = "files compared; for the notes themselves give --id-key"
            return
        try:
            corpus = open_corpus(root)
            rules = RowRules(int(source["max_note_mb"] * 1_000_000), source["date_format"])
            self._notes(corpus, rules)
        except RunError as error:
            self.report.source = f"the notes cannot be read again ({error.problem})"
            self._enter("source.note_there", "SELECT note_id FROM note")
            return
        self.report.source = "files, notes and the words at each offset compared"

    def _files(self, source: dict[str, Any], root: Path) -> None:
        listed = source["files"]
        if isinstance(listed, str):
            try:
                listed = json.loads((self.layout.root / listed).read_bytes())
            except (OSError, ValueError):
                self.report.not_checked["source.files"] = f"{listed} is gone"
                return
        changed = []
        for file in listed:
            path = root / file["name"] if root.is_dir() else root
            if not path.is_file() or hash_file(path) != file["sha256"]:
                changed.append(file["name"])
        # under phi=minimal names of text files may hold patient ids: they are counted only
        rows = [{"file": name} for name in changed[: self.max_rows]] if isinstance(source["files"], list) else []
        self.report.checked("source.files", "", SOURCE_RULES["source.files"], len(changed), rows)

    def _notes(self, corpus: Corpus, rules: RowRules) -> None:
        put(self.database, "source_note", _READ.empty_table())
        for numbers, texts in self._batches(corpus, rules):
            columns = [numbers, [self._hash(text) for text in texts], [len(text) for text in texts]]
            batch = pa.table(columns, schema=_READ)
            self.database.register("read_now", batch)
            self.database.execute("INSERT INTO source_note SELECT * FROM read_now")
            self._compare_words(dict(zip(numbers, texts)))
            self.database.unregister("read_now")
        self._enter("source.note_there", "SELECT n.note_id FROM note n ANTI JOIN source_note s USING (note_id)")
        self._enter(
            "source.note_hash",
            "SELECT n.note_id FROM note n JOIN source_note s USING (note_id) "
            "WHERE n.note_hash <> s.note_hash OR n.n_characters <> s.n_characters",
        )
        self._enter(
            "source.nothing_lost",
            "SELECT s.note_id FROM source_note s ANTI JOIN note n USING (note_id) "
            "ANTI JOIN quarantine q ON q.note_id = s.note_id",
        )
        self.report.checked(
            "source.words", "evidence", SOURCE_RULES["source.words"], self._n_wrong_words, self._wrong_words
        )

    def _batches(self, corpus: Corpus, rules: RowRules) -> Iterator[tuple[list[int], list[str]]]:
        """Notes as the run numbers them; of several with one id the first, as in the run."""
        identify, seen = Identifier("note", self.key), SeenNotes()
        numbers: list[int] = []
        texts: list[str] = []
        size = 0
        for row in corpus.rows(rules):
            if not isinstance(row, NoteRow) or not seen.add(identify(row.note_id)):
                continue
            numbers.append(identify(row.note_id))
            texts.append(row.text)
            size += len(row.text)
            if len(texts) >= NOTES_AT_A_TIME or size >= CHARACTERS_AT_A_TIME:
                yield numbers, texts
                numbers, texts, size = [], [], 0
        if texts:
            yield numbers, texts

    def _hash(self, text: str) -> str:
        content = text.encode("utf-8")
        return hmac.new(self.key, content, "sha256").hexdigest() if self.key else hashlib.sha256(content).hexdigest()

    def _compare_words(self, texts: dict[int, str]) -> None:
        result = self.database.execute(
            'SELECT e.evidence_id, e.note_id, e."start", e."end", e.lexical_variant, e.triggers '
            "FROM evidence e JOIN read_now USING (note_id) ORDER BY e.evidence_id"
        )
        while rows := result.fetchmany(10_000):
            for evidence_id, note_id, start, end, words, cues in rows:
                text = texts[note_id]
                spans = [(start, end, words), *((cue["start"], cue["end"], cue["text"]) for cue in cues or ())]
                if any(said is not None and text[first:last] != said for first, last, said in spans):
                    self._n_wrong_words += 1
                    if len(self._wrong_words) < self.max_rows:
                        self._wrong_words.append({"evidence_id": evidence_id})

    def _enter(self, rule: str, query: str) -> None:
        count = value(self.database, f"SELECT count(*) FROM ({query})")
        found = self.database.execute(f"{query} ORDER BY 1 LIMIT {self.max_rows}").fetchall() if count else []
        self.report.checked(rule, "note", SOURCE_RULES[rule], count, [{"note_id": number} for (number,) in found])
