"""What every classifier reads: the notes of each patient as of a time, and features where a run has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from .note_mentions import NoteMentions
    from .note_words import NoteWords


class PatientDataError(ValueError):
    """Patients, notes or labels that a classifier cannot use; the message names the place and the remedy, no text."""


@dataclass(frozen=True, slots=True)
class PatientNotes:
    """n rows of a cohort (one patient as of one time) and their m notes.

    `row_id` [n] int64, `subject_id` [n] int64, `prediction_time` [n] datetime64[us], `note_start` [n + 1] int64 (the
    notes of row i are note_start[i] to note_start[i + 1]), `note_id` [m] int64, `text` m strings. `features` is a
    scipy CSR matrix [n, k] from a run's feature table, with k `feature_names`, or None. `mentions` holds what the
    extractor found in the m notes (see note_mentions) and `words` their words (see note_words), or None: models compute
    what they need and is not there.

    >>> data = patient_notes([(7, ["no fever", "cough"]), (8, [])])
    >>> len(data), data.n_notes, data.subset([1, 0]).note_counts().tolist()
    (2, 2, [0, 2])
    """

    row_id: np.ndarray
    subject_id: np.ndarray
    prediction_time: np.ndarray
    note_start: np.ndarray
    note_id: np.ndarray
    text: Sequence[str]
    features: csr_matrix | None = None
    feature_names: tuple[str, ...] = ()
    mentions: NoteMentions | None = None
    words: NoteWords | None = None

    def __post_init__(self) -> None:
        n, m = len(self.row_id), len(self.text)
        if len(self.subject_id) != n or len(self.prediction_time) != n:
            raise PatientDataError(f"{n} row ids but {len(self.subject_id)} patients; give one of each a row")
        if len(self.note_start) != n + 1 or self.note_start[0] != 0 or (np.diff(self.note_start) < 0).any():
            raise PatientDataError(f"note_start must rise from 0 and have {n + 1} cells for {n} rows")
        if self.note_start[-1] != m or len(self.note_id) != m:
            raise PatientDataError(
                f"{m} texts and {len(self.note_id)} note ids, but note_start ends at {int(self.note_start[-1])}"
            )
        if len(np.unique(self.row_id)) != n:
            raise PatientDataError("a row_id occurs twice; a row is one patient as of one time")
        if self.features is not None and self.features.shape != (n, len(self.feature_names)):
            raise PatientDataError(
                f"features of shape {self.features.shape} do not fit {n} rows and {len(self.feature_names)} names"
            )
        if self.mentions is not None and self.mentions.n_notes != m:
            raise PatientDataError(f"mentions of {self.mentions.n_notes} notes do not fit {m} notes")
        if self.words is not None and self.words.n_notes != m:
            raise PatientDataError(f"words of {self.words.n_notes} notes do not fit {m} notes")

    def __len__(self) -> int:
        return len(self.row_id)

    @property
    def n_notes(self) -> int:
        return len(self.text)

    def note_counts(self) -> np.ndarray:
        """[n] number of notes of each row."""
        return np.diff(self.note_start)

    def note_rows(self) -> np.ndarray:
        """[m] position of the row that each note belongs to."""
        return np.repeat(np.arange(len(self)), self.note_counts())

    def notes_of(self, row: int) -> range:
        """Positions of the notes of the row at this position."""
        return range(int(self.note_start[row]), int(self.note_start[row + 1]))

    def subset(self, rows: Iterable[int] | np.ndarray) -> PatientNotes:
        """The rows at these positions, in this order, with their notes. A boolean mask of n cells works as well."""
        kept = np.asarray(list(rows) if not isinstance(rows, np.ndarray) else rows)
        kept = np.flatnonzero(kept) if kept.dtype == bool else kept.astype(np.int64)
        counts = self.note_counts()[kept]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        notes = np.arange(starts[-1]) - np.repeat(starts[:-1] - self.note_start[kept], counts)
        return PatientNotes(
            row_id=self.row_id[kept],
            subject_id=self.subject_id[kept],
            prediction_time=self.prediction_time[kept],
            note_start=starts,
            note_id=self.note_id[notes],
            text=[str(self.text[note]) for note in notes.tolist()],
            features=None if self.features is None else self.features[kept],
            feature_names=self.feature_names,
            mentions=None if self.mentions is None else self.mentions.subset(notes),
            words=None if self.words is None else self.words.subset(notes),
        )

    def with_mentions(self, mentions: NoteMentions | None) -> PatientNotes:
        """The same patients with what the extractor found in their notes."""
        return replace(self, mentions=mentions)

    def with_words(self, words: NoteWords | None) -> PatientNotes:
        """The same patients with the words of their notes."""
        return replace(self, words=words)


def patient_notes(
    patients: Iterable[tuple[int, Sequence[str]]], *, prediction_time: str = "2000-01-01"
) -> PatientNotes:
    """Patients given as (subject_id, texts): row and note ids count from 0, one row a patient.

    For experiments and tests; a run's tables give the real ids and times.
    """
    rows = list(patients)
    texts = [text for _, notes in rows for text in notes]
    starts = np.concatenate([[0], np.cumsum([len(notes) for _, notes in rows])]).astype(np.int64)
    return PatientNotes(
        row_id=np.arange(len(rows)),
        subject_id=np.asarray([subject for subject, _ in rows], np.int64),
        prediction_time=np.full(len(rows), np.datetime64(prediction_time, "us")),
        note_start=starts,
        note_id=np.arange(len(texts)),
        text=texts,
    )
