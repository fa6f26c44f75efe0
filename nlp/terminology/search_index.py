"""The words of all names of a terminology, sorted, with the names that hold each: what prefix search needs.

Built with Arrow's string kernels, as a terminology may have a million names. Words are folded (case, accents, Greek
letters), British spellings become American ones and roman numerals arabic ones, for names and queries alike.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from ..normalize import ROMAN, americanize, fold, normalize
from .edit_distance import Letters
from .term_strings import TermStrings
from .terminology import Terminology

_APOSTROPHE = re.compile(r"['’]")
_WORD = re.compile(r"[^\W_]+")
_LAST = chr(0x10FFFF)


def query_words(query: str) -> list[tuple[str, ...]]:
    """The spellings under which each word of a query is looked up, the likeliest first.

    >>> query_words("Crohn's tumour II")
    [('crohns', 'crohn'), ('tumor', 'tumour'), ('2', 'ii')]
    """
    words: list[tuple[str, ...]] = []
    for part in query.split():
        for word in _WORD.findall(_APOSTROPHE.sub("", fold(part))):
            spellings = [_key(word), word]
            if "ae" in word or "oe" in word:  # a word that is still being typed may be too short for `americanize`
                spellings.append(word.replace("ae", "e").replace("oe", "e"))
            if word.endswith("s") and len(word) > 3:
                spellings.append(normalize(word))
            words.append(tuple(dict.fromkeys(spellings)))
    return words


def _key(word: str) -> str:
    return ROMAN.get(word) or americanize(word)


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """Names 0..n_concepts-1 are the preferred ones, the others follow in the order of `TermStrings`.

    Attributes:
        words: [w] distinct words, ascending by code point.
        start: [w + 1] where each word's names begin in `postings`.
        postings: name numbers, those of one word ascending.
        concept: [n] concept of each name.
        n_words: [n] words of each name.
        n_bytes: [n] length of each name in bytes.
        tag_of_concept: [n_concepts] number of the semantic tag among `tags`.
    """

    words: Sequence[str]
    start: np.ndarray
    postings: np.ndarray
    concept: np.ndarray
    n_words: np.ndarray
    n_bytes: np.ndarray
    tag_of_concept: np.ndarray
    tags: Sequence[str]
    letters: Letters
    terminology: Terminology
    terms: TermStrings

    @classmethod
    def build(cls, terminology: Terminology) -> SearchIndex:
        """Index the names of a terminology: about 4 s a million names."""
        import pyarrow.compute as pc

        arrays = terminology.arrays
        terms = TermStrings(arrays)
        names = pa.chunked_array(
            [
                _strings(arrays["preferred_blob"], arrays["preferred_offsets"]),
                *([_strings(arrays["term_blob"], arrays["term_offsets"])] if len(terms) else []),
            ],
            pa.large_string(),
        )
        lengths: list[np.ndarray] = []
        codes: list[np.ndarray] = []
        number: dict[str, int] = {}
        # in pieces, so that the intermediate copies of a million names stay small
        for begin in range(0, len(names), 200_000):
            piece = names.slice(begin, 200_000)
            split = pc.split_pattern_regex(  # pyright: ignore[reportAttributeAccessIssue]
                pc.replace_substring(  # pyright: ignore[reportAttributeAccessIssue]
                    pc.replace_substring(piece, "'", ""),  # pyright: ignore[reportAttributeAccessIssue]
                    "’",
                    "",
                ),
                r"[^\pL\pN\pM]+",
            ).combine_chunks()
            split = split.combine_chunks() if isinstance(split, pa.ChunkedArray) else split
            flat = split.flatten().dictionary_encode()
            raw = flat.dictionary.to_pylist()
            local = np.array([-1 if not word else number.setdefault(_key(fold(word)), len(number)) for word in raw])
            each = local[flat.indices.to_numpy()] if len(raw) else np.empty(0, np.int64)
            owner = np.repeat(np.arange(begin, begin + len(piece)), np.diff(split.offsets.to_numpy()))
            real = each >= 0
            codes.append(each[real])
            lengths.append(owner[real])
        words = sorted(number)
        rank = np.empty(len(words), np.int64)
        rank[[number[word] for word in words]] = np.arange(len(words))
        word_of = rank[np.concatenate(codes)] if words else np.empty(0, np.int64)
        name_of = np.concatenate(lengths) if words else np.empty(0, np.int64)
        order = np.argsort(word_of * max(len(names), 1) + name_of, kind="stable")
        start = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.bincount(word_of, minlength=len(words)), out=start[1:])
        tags = _strings(arrays["semantic_tags_blob"], arrays["semantic_tags_offsets"]).dictionary_encode()
        sizes = [np.diff(arrays["preferred_offsets"]), np.diff(arrays["term_offsets"]) if len(terms) else []]
        return cls(
            words,
            start,
            name_of[order].astype(np.int32),
            np.concatenate((np.arange(terminology.n_concepts, dtype=np.int32), terms.concept)),
            np.bincount(name_of, minlength=len(names)).astype(np.int32),
            np.concatenate(sizes).astype(np.int32),
            tags.indices.to_numpy(),
            tags.dictionary.to_pylist(),
            Letters.of(words),
            terminology,
            terms,
        )

    @property
    def n_terms(self) -> int:
        """Names in the index."""
        return len(self.concept)

    def text(self, name: int) -> str:
        """A name as it is written."""
        preferred = self.terminology.preferred
        return preferred[name] if name < len(preferred) else self.terms.text[name - len(preferred)]

    def prefix_range(self, prefix: str) -> tuple[int, int]:
        """Half-open range of the words that begin so."""
        return bisect_left(self.words, prefix), bisect_left(self.words, prefix + _LAST)

    def terms_with(self, low: int, high: int) -> np.ndarray:
        """Names that hold one of the words `low:high`; a name may come several times."""
        return self.postings[self.start[low] : self.start[high]]

    def tag_numbers(self, tags: Collection[str]) -> list[int]:
        """Numbers of semantic tags, for `tag_of_concept`; unknown tags are passed over."""
        return [number for number, tag in enumerate(self.tags) if tag in tags]


def _strings(blob: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """A string column of an artefact as an Arrow array, without a copy where it is sound UTF-8."""
    count = len(offsets) - 1
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, np.int64)), pa.py_buffer(np.ascontiguousarray(blob))]
    strings = pa.Array.from_buffers(pa.large_string(), count, buffers)
    try:
        strings.validate(full=True)
    except pa.ArrowInvalid:  # half a character from a damaged source
        data = blob.tobytes()
        bounds = offsets.tolist()
        cells = [data[low:high].decode("utf-8", "replace") for low, high in pairwise(bounds)]
        return pa.array(cells, pa.large_string())
    return strings
