"""The input cut into shards: by order and size alone, so that the cut is the same whatever the number of processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .ids import Identifier, SeenNotes
from .readers import BadRow, Corpus, NoteRow
from .readers.rows import RowRules
from .settings import Settings
from .worker import Shard

BAD_ROWS_A_SHARD = 20_000


@dataclass(slots=True)
class Cutter:
    """Cuts the rows of a corpus into shards, giving ids on the way. Duplicate note ids: the first one counts."""

    settings: Settings
    folder: Path
    key: bytes
    notes_unread_available: int = 0
    notes_early_available: int = 0
    _seen: SeenNotes = field(default_factory=SeenNotes)
    _identifiers: dict[str, Identifier] = field(default_factory=dict)

    def shards(self, corpus: Corpus) -> Iterator[Shard]:
        """Every shard in order, also of a run that goes on: the cut needs the rows before it."""
        rules = RowRules(self.settings.max_note_bytes, self.settings.date_format)
        shard = self._new(0)
        for row in corpus.rows(rules):
            if isinstance(row, NoteRow):
                full = len(shard) >= self.settings.shard_notes
                if full or (len(shard) and shard.size + row.size > self.settings.shard_bytes):
                    yield self._closed(shard)
                    shard = self._new(shard.number + 1)
                self._add(shard, row)
            else:
                self._set_aside(shard, row)
            if len(shard.bad) >= BAD_ROWS_A_SHARD:
                yield self._closed(shard)
                shard = self._new(shard.number + 1)
        yield self._closed(shard)

    def _new(self, number: int) -> Shard:
        return Shard(number, self.folder / f"{number:07d}")

    def _closed(self, shard: Shard) -> Shard:
        for kind in sorted(self._identifiers):
            shard.ids.extend((kind, number, source) for source, number in self._identifiers[kind].take_new().items())
        return shard

    def _id(self, kind: str, source_id: str | None) -> int | None:
        if source_id is None:
            return None
        if kind not in self._identifiers:
            self._identifiers[kind] = Identifier(kind, self.key)
        return self._identifiers[kind](source_id)

    def _set_aside(self, shard: Shard, row: BadRow) -> None:
        shard.bad.append((row, self._id("note", row.note_id)))

    def _add(self, shard: Shard, row: NoteRow) -> None:
        note_id = self._id("note", row.note_id)
        subject_id = self._id("patient", row.patient_id)
        assert note_id is not None
        assert subject_id is not None
        if not self._seen.add(note_id):
            shard.bad.append((BadRow(row.file, row.row, "duplicate_note_id"), note_id))
            return
        available = row.available_time
        self.notes_unread_available += row.late_unread
        if available is not None and available < row.note_time:
            self.notes_early_available += 1
            available = row.note_time
        shard.note_id.append(note_id)
        shard.subject_id.append(subject_id)
        shard.note_time.append(row.note_time)
        shard.available_time.append(available if available is not None else row.note_time + self.settings.lag.notes)
        shard.available_defaulted.append(available is None)
        shard.note_class.append(row.note_class)
        shard.visit_id.append(self._id("visit", row.encounter_id))
        shard.provider_id.append(self._id("provider", row.provider_id))
        shard.site_id.append(self._id("site", row.site_id))
        shard.text.append(row.text)
        shard.place.append((row.file, row.row))
        shard.size += row.size
