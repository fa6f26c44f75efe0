"""The terms of a terminology by their letter trigrams, and the most similar one to a phrase.

The idea is that of scispaCy's candidate generation (TF-IDF of character 3-grams, cosine). Its index is an approximate
graph that takes minutes to build and depends on threads; this one is exact and the same on every machine: a term can
only reach the threshold if it shares one of the phrase's rarest trigrams, so only such terms are compared.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..terminology.artefact import ArtefactError, StringColumn, open_artefact, payload_hash, write_artefact
from ..terminology.term_strings import TermStrings
from ..terminology.terminology import Terminology
from .trigrams import each_word_answered, phrase_key, weigh

MAX_ALIASES = 60_000
SHORTEST_ALIAS = 5
FORMAT = "recall-1"
_AT_ONCE = 512


class RecallIndexError(ValueError):
    """An index that cannot be built or used; the message says what to do."""


@dataclass(frozen=True)
class CandidateIndex:
    """Aliases with their concepts and TF-IDF rows; immutable, saved without pickle, memory-mapped when opened.

    >>> from phenotext.nlp import Extractor
    >>> extractor = Extractor()
    >>> index = CandidateIndex.build(extractor.terminology)
    >>> concepts, scores = index.nearest(["hypertensive heart failures"], threshold=0.5)
    >>> extractor.terminology.preferred[int(concepts[0])], bool(scores[0] > 0.5)
    ('Hypertensive heart failure', True)
    """

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]

    @classmethod
    def build(cls, terminology: Terminology, *, max_aliases: int = MAX_ALIASES) -> CandidateIndex:
        """Index the preferred names and terms of `terminology`; abbreviations and very short terms are left out.

        More than `max_aliases` are taken too, with a warning: memory and time grow with them.
        """
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
        except ImportError:
            raise RecallIndexError(
                "recall mode needs scikit-learn, which is not installed; run pip install 'phenotext[scispacy]'"
            ) from None
        aliases = _aliases(terminology)
        if not aliases:
            raise RecallIndexError(
                f"terminology {terminology.name} holds no terms to index; build it again with this phenotext"
            )
        if len(aliases) > max_aliases:
            warnings.warn(
                f"{len(aliases):,} aliases are more than {max_aliases:,}: the index will be large and slow;"
                " narrow the terminology to the concepts that matter",
                stacklevel=2,
            )
        ordered = sorted(aliases)
        single: Any = np.float32
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), lowercase=False, dtype=single)
        matrix = vectorizer.fit_transform(ordered).tocsr()
        matrix.sort_indices()
        alias_blob, alias_offsets = StringColumn.pack(ordered)
        gram_blob, gram_offsets = StringColumn.pack(vectorizer.get_feature_names_out().tolist())
        arrays = {
            "alias_blob": alias_blob,
            "alias_offsets": alias_offsets,
            "alias_concept": np.array([aliases[alias] for alias in ordered], np.int32),
            "gram_blob": gram_blob,
            "gram_offsets": gram_offsets,
            "gram_idf": vectorizer.idf_.astype(np.float32),
            "row_start": matrix.indptr.astype(np.int64),
            "row_gram": matrix.indices.astype(np.int32),
            "row_weight": matrix.data.astype(np.float32),
        }
        return cls(arrays, {"format": FORMAT, "terminology": terminology.sha256, "name": terminology.name})

    @classmethod
    def open(cls, path: str | Path) -> CandidateIndex:
        """Map a file that `save` wrote. Raises RecallIndexError with the remedy."""
        try:
            arrays, meta, _ = open_artefact(Path(path))
        except ArtefactError as error:
            raise RecallIndexError(
                f"no recall index can be opened ({error}); make it with `phenotext terminology recall-index`"
            ) from None
        if meta.get("format") != FORMAT:
            raise RecallIndexError(
                f"{path}: no recall index of this version; make it with `phenotext terminology recall-index`"
            )
        return cls(arrays, meta)

    def save(self, path: str | Path) -> None:
        """Write the index; same terminology, same bytes."""
        write_artefact(Path(path), self.arrays, self.meta, payload_hash(self.arrays, self.meta))

    def __len__(self) -> int:
        """Aliases."""
        return len(self.arrays["alias_concept"])

    def check(self, terminology: Terminology) -> None:
        """RecallIndexError where the index was built from another terminology: its concept numbers would be wrong."""
        if self.meta["terminology"] != terminology.sha256:
            raise RecallIndexError(
                f"the recall index was built from another terminology ({self.meta['name']}) than"
                f" {terminology.name}; build it again with CandidateIndex.build(terminology)"
            )

    def nearest(self, phrases: Sequence[str], threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Concept [n] int32 of the most similar alias to each phrase and the cosine [n] float32; -1 and 0 below
        `threshold` (above 0, at most 1) and where a word of either phrase has none like it in the other. Of equally
        similar aliases the first in alphabetical order counts."""
        if not 0 < threshold <= 1:
            raise RecallIndexError(f"threshold {threshold} is not possible; give a cosine above 0 and at most 1")
        alias = np.full(len(phrases), -1, np.int64)
        score = np.zeros(len(phrases), np.float32)
        keys = [phrase_key(phrase) for phrase in phrases]
        for first in range(0, len(keys), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            alias[part], score[part] = self._nearest(keys[part], threshold)
        strings = StringColumn(self.arrays["alias_blob"], self.arrays["alias_offsets"])
        for row in np.flatnonzero(alias >= 0).tolist():
            if not each_word_answered(keys[row], strings[int(alias[row])]):
                alias[row], score[row] = -1, 0
        concept = np.where(alias >= 0, self.arrays["alias_concept"][np.maximum(alias, 0)], -1)
        return concept.astype(np.int32), score

    @cached_property
    def _numbers(self) -> dict[str, int]:
        grams = StringColumn(self.arrays["gram_blob"], self.arrays["gram_offsets"])
        return {gram: number for number, gram in enumerate(grams)}

    @cached_property
    def _by_gram(self) -> Any:
        """Sparse [grams, aliases] and the number of aliases that hold each gram."""
        from scipy.sparse import csr_matrix

        arrays = self.arrays
        shape = (len(self), len(arrays["gram_idf"]))
        rows = csr_matrix((arrays["row_weight"], arrays["row_gram"], arrays["row_start"]), shape)
        columns = rows.T.tocsr()
        columns.sort_indices()
        return columns

    def _nearest(self, keys: Sequence[str], threshold: float) -> tuple[np.ndarray, np.ndarray]:
        from scipy.sparse import csr_matrix

        columns = self._by_gram
        starts, grams, weights = weigh(keys, self._numbers, self.arrays["gram_idf"])
        shape = (len(keys), columns.shape[0])
        # the rarest trigrams of a phrase, so many that the others alone cannot reach the threshold (Cauchy-Schwarz)
        row = np.repeat(np.arange(len(keys)), np.diff(starts))
        held = np.diff(columns.indptr)[grams]
        order = np.lexsort((grams, held, row))
        squares = weights[order].astype(np.float64) ** 2
        total = np.concatenate((np.zeros(1), np.cumsum(squares)))
        before = total[:-1] - total[starts[:-1]][row]
        length = (total[starts[1:]] - total[starts[:-1]])[row]
        rare = np.zeros(len(weights), bool)
        rare[order] = length - before >= threshold * threshold * 0.999
        kept = np.concatenate((np.zeros(1, np.int64), np.cumsum(rare)))
        first_pass = csr_matrix((weights[rare], grams[rare], kept[starts]), shape)
        rest = csr_matrix((weights[~rare], grams[~rare], (np.arange(len(kept)) - kept)[starts]), shape)
        shared = (first_pass @ columns).tocoo()
        left = np.sqrt(np.asarray(rest.multiply(rest).sum(axis=1), np.float64).ravel())
        keep = shared.data + left[shared.row] >= threshold - 1e-4
        asked, alias, partly = shared.row[keep], shared.col[keep], shared.data[keep]
        if not len(asked):
            return np.full(len(keys), -1, np.int64), np.zeros(len(keys), np.float32)
        full = partly + self._products(rest, asked, alias)
        best = np.lexsort((alias, -np.round(full, 5), asked))
        asked, alias, full = asked[best], alias[best], full[best]
        top = np.ones(len(asked), bool)
        top[1:] = asked[1:] != asked[:-1]
        top &= full >= threshold
        answer, score = np.full(len(keys), -1, np.int64), np.zeros(len(keys), np.float32)
        answer[asked[top]] = alias[top]
        score[asked[top]] = np.minimum(full[top], 1.0)
        return answer, score

    def _products(self, rest: Any, asked: np.ndarray, alias: np.ndarray) -> np.ndarray:
        """[p] scalar products of rows of `rest` with aliases, a few thousand pairs at a time."""
        from scipy.sparse import csr_matrix

        arrays = self.arrays
        rows = csr_matrix(
            (arrays["row_weight"], arrays["row_gram"], arrays["row_start"]), (len(self), len(arrays["gram_idf"]))
        )
        parts = [
            np.asarray(rest[asked[i : i + 8192]].multiply(rows[alias[i : i + 8192]]).sum(axis=1)).ravel()
            for i in range(0, len(asked), 8192)
        ]
        return np.concatenate(parts)


def _aliases(terminology: Terminology) -> dict[str, int]:
    """Concept of each alias; of several the one whose name it is, then the lowest number."""
    found: dict[str, int] = {}
    for number, text in enumerate(terminology.preferred):
        _add(found, text, number)
    strings = TermStrings(terminology.arrays)
    kinds, concepts = strings.kind.tolist(), strings.concept.tolist()
    for text, kind, number in zip(strings.text, kinds, concepts):
        if kind < 3 and not text.isupper():
            _add(found, text, number)
    return found


def _add(found: dict[str, int], text: str, number: int) -> None:
    key = phrase_key(text)
    if len(key) >= SHORTEST_ALIAS:
        found.setdefault(key, number)
