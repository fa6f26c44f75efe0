"""Finding concepts by what a person types: the beginnings of words, a code, or words with typing errors.

A hit's `score` says how it was found: 1.0 the whole name or the code; 0.9 all words whole; 0.6 to 0.8 every query
word begins a word of the name; below 0.5 only after correcting the typing. Of equal ones names with few words come
first, then preferred names before other terms, short names before long ones, and then the order of the terminology,
so results are always the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from .edit_distance import near_words
from .search_index import SearchIndex, query_words
from .terminology import Terminology

_EXACT, _WHOLE_WORDS, _PREFIX, _PREFIX_SPAN, _FUZZY = 1.0, 0.9, 0.6, 0.2, 0.5
# With so many hits the typing is taken as meant.
_FEW = 3
# Corrections of one word that are tried at most, the nearest first.
_CORRECTIONS = 200


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One concept that was found, by the term that fits best.

    `concept` is its number in the terminology, `matched_term` the term (or the code) that matched, `score` in 0..1,
    `tag` the semantic tag ("" where the source has none).
    """

    concept: int
    code: str
    system: str
    preferred: str
    matched_term: str
    score: float
    tag: str


class TermSearch:
    """Searches the names of a terminology. The index is built at the first search and kept.

    >>> from phenotext.nlp import Extractor
    >>> search = TermSearch(Extractor().terminology)
    >>> [hit.preferred for hit in search.search("heart fail", limit=2)]
    ['Heart failure', 'Systolic heart failure']
    >>> search.search("diabtes melitus", limit=1)[0].preferred
    'Diabetes mellitus'
    """

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._index: SearchIndex | None = None

    @property
    def index(self) -> SearchIndex:
        """The index, built when first asked for."""
        if self._index is None:
            self._index = SearchIndex.build(self.terminology)
        return self._index

    def search(
        self,
        query: str,
        limit: int = 20,
        *,
        systems: Collection[str] | None = None,
        tags: Collection[str] | None = None,
        fuzzy: bool = True,
    ) -> list[SearchHit]:
        """The best `limit` concepts for what was typed, one hit a concept, best first.

        Args:
            query: words, the beginnings of words, or a code.
            limit: hits at most.
            systems: only concepts of these code systems.
            tags: only concepts with these semantic tags.
            fuzzy: correct the typing where fewer than three concepts are found without: one error in words of four to
                seven characters, two in longer ones.
        """
        found: dict[int, tuple[float, int]] = {}  # concept -> score, term (-1: the code)
        if limit <= 0:
            return []
        allowed = self._allowed(systems, tags)
        for concept in self._by_code(query):
            if allowed is None or allowed[concept]:
                found[concept] = _EXACT, -1
        words = query_words(query)
        if words:
            self._add(found, *self._by_words(words), limit, allowed)
            if fuzzy and len(found) < min(limit, _FEW):
                self._add(found, *self._corrected(words), limit, allowed)
        return [self._hit(concept, score, term, query) for concept, (score, term) in list(found.items())[:limit]]

    def _by_code(self, query: str) -> list[int]:
        code = query.strip()
        numbers = [self.terminology.find(code, system) for system in self.terminology.system_names] if code else []
        return list(dict.fromkeys(number for number in numbers if number >= 0))

    def _allowed(self, systems: Collection[str] | None, tags: Collection[str] | None) -> np.ndarray | None:
        if systems is None and tags is None:
            return None
        terminology = self.terminology
        allowed = np.ones(terminology.n_concepts, bool)
        if systems is not None:
            allowed &= np.isin(
                terminology.concept_system, [i for i, name in enumerate(terminology.system_names) if name in systems]
            )
        if tags is not None:
            allowed &= np.isin(self.index.tag_of_concept, self.index.tag_numbers(tags))
        return allowed

    def _by_words(self, words: list[tuple[str, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Terms [k] that have a word for the beginning of each query word, and their scores [k]."""
        index = self.index
        fits = np.ones(index.n_terms, bool)
        whole = np.zeros(index.n_terms, np.uint8)
        for spellings in words:
            begun = np.zeros(index.n_terms, bool)
            complete = np.zeros(index.n_terms, bool)
            for spelling in spellings:
                low, high = index.prefix_range(spelling)
                begun[index.terms_with(low, high)] = True
                if low < high and index.words[low] == spelling:
                    complete[index.terms_with(low, low + 1)] = True
            fits &= begun
            whole += complete
        terms = np.flatnonzero(fits)
        share = whole[terms] / len(words)
        score = np.where(share == 1.0, _WHOLE_WORDS, _PREFIX + _PREFIX_SPAN * share)
        score[(share == 1.0) & (index.n_words[terms] == len(words))] = _EXACT
        return terms, score

    def _corrected(self, words: list[tuple[str, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """As `_by_words`, with words at a small edit distance of the query's too."""
        index = self.index
        total = np.zeros(index.n_terms, np.int32)
        fits = np.ones(index.n_terms, bool)
        size = 0
        far = np.iinfo(np.uint8).max
        for spellings in words:
            distance = np.full(index.n_terms, far, np.uint8)
            size += len(spellings[0])
            numbers, distances = near_words(index.letters, spellings[0], _CORRECTIONS)
            for number, apart in sorted(zip(numbers.tolist(), distances.tolist()), key=lambda pair: -pair[1]):
                distance[index.terms_with(number, number + 1)] = apart
            for spelling in spellings:
                distance[index.terms_with(*index.prefix_range(spelling))] = 0
            fits &= distance < far
            total += distance
        terms = np.flatnonzero(fits)
        return terms, _FUZZY * (1 - total[terms] / (size + 1))

    def _add(
        self,
        found: dict[int, tuple[float, int]],
        terms: np.ndarray,
        scores: np.ndarray,
        limit: int,
        allowed: np.ndarray | None,
    ) -> None:
        """Add the best term of each concept to `found`, best first, until it has `limit` concepts."""
        index = self.index
        if allowed is not None:
            keep = allowed[index.concept[terms]]
            terms, scores = terms[keep], scores[keep]
        synonym = terms >= self.terminology.n_concepts
        order = np.lexsort((terms, index.n_bytes[terms], synonym, index.n_words[terms], -scores))
        for place in order.tolist():
            if len(found) >= limit:
                return
            concept = int(index.concept[terms[place]])
            if concept not in found:
                found[concept] = round(float(scores[place]), 3), int(terms[place])

    def _hit(self, concept: int, score: float, term: int, query: str) -> SearchHit:
        terminology = self.terminology
        return SearchHit(
            concept,
            terminology.codes[concept],
            terminology.systems[concept],
            terminology.preferred[concept],
            query.strip() if term < 0 else self.index.text(term),
            score,
            terminology.semantic_tags[concept],
        )
