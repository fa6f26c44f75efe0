"""From occurrences of terms to weighted matrices: counts a note and a patient, TF-IDF weights, unit length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from .patients import PatientNotes

# scipy.sparse.csr_matrix of float64; type stubs lose the class at most operations
Matrix: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Occurrences:
    """o occurrences of terms in m notes: `note`, `column` [o] int64, `start`, `end` [o] int32 in the note."""

    note: np.ndarray
    column: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def counts(self, n_notes: int, n_columns: int) -> Matrix:
        """[m, k] how often each term stands in each note."""
        ones = np.ones(len(self.note))
        return sparse.csr_matrix((ones, (self.note, self.column)), shape=(n_notes, n_columns))

    def of_notes(self, notes: range) -> Occurrences:
        """Those of the notes at these positions; positions stay those of all notes."""
        kept = (self.note >= notes.start) & (self.note < notes.stop)
        return Occurrences(self.note[kept], self.column[kept], self.start[kept], self.end[kept])

    @classmethod
    def join(cls, parts: Sequence[Occurrences]) -> Occurrences:
        return cls(
            np.concatenate([part.note for part in parts]),
            np.concatenate([part.column for part in parts]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.end for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """A group of terms and where they stand: `names` k of them, `at` the occurrences with columns into `names`."""

    names: tuple[str, ...]
    at: Occurrences

    def seen_in(self, data: PatientNotes, least: int) -> Terms:
        """The terms that at least this many distinct patients have, in order of name."""
        subject = np.unique(data.subject_id, return_inverse=True)[1][data.note_rows()]
        pairs = np.unique(self.at.column * (len(data) + 1) + subject[self.at.note])
        patients = np.bincount(pairs // (len(data) + 1), minlength=len(self.names))
        kept = sorted(np.flatnonzero(patients >= least).tolist(), key=lambda i: self.names[i])
        return self.on(tuple(self.names[i] for i in kept))

    def on(self, names: Sequence[str]) -> Terms:
        """The occurrences of these names only, with columns into them."""
        place = {name: i for i, name in enumerate(names)}
        column = np.asarray([place.get(name, -1) for name in self.names], np.int64)
        columns = column[self.at.column] if len(column) else self.at.column
        known = columns >= 0
        at = self.at
        return Terms(tuple(names), Occurrences(at.note[known], columns[known], at.start[known], at.end[known]))


def rows_from_notes(data: PatientNotes) -> Matrix:
    """[n, m] one where the note is the row's: row counts are this times note counts."""
    m = data.n_notes
    return sparse.csr_matrix((np.ones(m), (data.note_rows(), np.arange(m))), shape=(len(data), m))


def inverse_frequency(counts: Matrix) -> np.ndarray:
    """[k] ln((1 + rows) / (1 + rows with the term)) + 1, as is usual (Salton and Buckley 1988, smoothed)."""
    present = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.log((1 + counts.shape[0]) / (1 + present)) + 1


def weighted(counts: Matrix, idf: np.ndarray) -> Matrix:
    """(1 + ln count) * idf, each row of length 1; rows without terms stay empty."""
    out: Matrix = sparse.csr_matrix(counts, copy=True).astype(np.float64)
    out.sum_duplicates()
    out.data = (1 + np.log(out.data)) * idf[out.indices]
    lengths = np.sqrt(np.asarray(out.multiply(out).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ out)


@dataclass(frozen=True, slots=True)
class Design:
    """Training data of an additive model, made once for all labels.

    `names` k terms; `bag` [n, k] weighted terms of each row; `notes` [m, k] weighted terms of each note; `note_row`
    [m] row of each note; `bag_idf`, `note_idf` [k]; `groups` [n]: rows of one group stay on one side of inner folds.
    """

    names: tuple[str, ...]
    bag: Matrix
    notes: Matrix
    note_row: np.ndarray
    bag_idf: np.ndarray
    note_idf: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return self.bag.shape[0]

    def take(self, rows: np.ndarray) -> Design:
        """Some of the rows, ascending; terms and their weights stay as they are."""
        place = np.full(len(self), -1, np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.note_row] >= 0
        return Design(
            names=self.names,
            bag=self.bag[rows],
            notes=self.notes[np.flatnonzero(kept)],
            note_row=place[self.note_row][kept],
            bag_idf=self.bag_idf,
            note_idf=self.note_idf,
            groups=self.groups[rows],
        )


def make_design(data: PatientNotes, terms: Terms) -> Design:
    """Weighted matrices of the terms; rows of one person, or with an equal note, form a group."""
    counts: Matrix = terms.at.counts(data.n_notes, len(terms.names))
    counts.sum_duplicates()
    bag: Matrix = sparse.csr_matrix(rows_from_notes(data) @ counts)
    bag_idf, note_idf = inverse_frequency(bag), inverse_frequency(counts)
    return Design(
        names=terms.names,
        bag=weighted(bag, bag_idf),
        notes=weighted(counts, note_idf),
        note_row=data.note_rows(),
        bag_idf=bag_idf,
        note_idf=note_idf,
        groups=same_person_or_text(data),
    )


def same_person_or_text(data: PatientNotes) -> np.ndarray:
    """[n] group of each row by person and by equal notes."""
    from .near_duplicates import person_groups

    numbers: dict[str, int] = {}
    copies = np.asarray([numbers.setdefault(text, len(numbers)) for text in data.text], np.int64)
    return person_groups(data.subject_id, data.note_rows(), copies).group
