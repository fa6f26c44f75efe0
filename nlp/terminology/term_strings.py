"""The strings of terms as people read them, kept beside the hashed words that matching uses.

A terminology stores the preferred name of every concept. Its other terms stand here, so that `search`, `show` and
`explain` can name them. Only terms of the sources are kept, not the forms that rules derive from them, and none that
differs from the preferred name or from a better term of the same concept in capitals only.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .artefact import StringColumn

KINDS = ("preferred", "synonym", "lay", "abbreviation")
"""What `TermVariant.rank` says of a term of a source, by rank."""


class TermStringCollector:
    """Gathers terms while a terminology is compiled; text is held as UTF-8 bytes, so a million terms stay small."""

    def __init__(self) -> None:
        self._blob = bytearray()
        self._ends = array("q")
        self._concepts = array("i")
        self._ranks = array("b")

    def add(self, concept: int, text: str, rank: int) -> None:
        """Take a term. Ranks of derived forms (`len(KINDS)` and above) are passed over."""
        if rank < len(KINDS):
            self._blob += text.encode("utf-8", "surrogatepass")
            self._ends.append(len(self._blob))
            self._concepts.append(concept)
            self._ranks.append(rank)

    def pack(self, preferred: Sequence[str]) -> dict[str, np.ndarray]:
        """The arrays of a terminology file, ordered by concept, then rank; `preferred` has the name of each concept."""
        concepts = np.array(self._concepts, np.int32)
        ranks = np.array(self._ranks, np.uint8)
        ends = np.array(self._ends, np.int64)
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if len(ends) else ends
        order = np.lexsort((np.arange(len(concepts)), ranks, concepts))
        blob = bytes(self._blob)
        pieces: list[bytes] = []
        kept: list[int] = []
        current = -1
        seen: set[str] = set()
        for number, concept, start, end in zip(
            order.tolist(), concepts[order].tolist(), starts[order].tolist(), ends[order].tolist()
        ):
            if concept != current:
                current = concept
                seen = {preferred[int(concept)].casefold()}
            piece = blob[start:end]
            folded = piece.decode("utf-8", "surrogatepass").casefold()
            if folded not in seen:
                seen.add(folded)
                pieces.append(piece)
                kept.append(number)
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        chosen = np.array(kept, np.int64)
        return {
            "term_blob": np.frombuffer(b"".join(pieces), np.uint8),
            "term_offsets": offsets,
            "term_concept": concepts[chosen],
            "term_kind": ranks[chosen],
        }


class TermStrings:
    """The terms of a terminology beside preferred names; empty for files that were compiled without them.

    `concept` [n] int32 ascending and `kind` [n] uint8 (an index into KINDS) describe `text` [n].
    """

    __slots__ = ("concept", "kind", "text")

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        known = "term_offsets" in arrays
        self.text = StringColumn(arrays["term_blob"], arrays["term_offsets"]) if known else StringColumn.empty()
        self.concept: np.ndarray = arrays["term_concept"] if known else np.empty(0, np.int32)
        self.kind: np.ndarray = arrays["term_kind"] if known else np.empty(0, np.uint8)

    def __len__(self) -> int:
        return len(self.concept)

    def of(self, concept: int) -> Iterator[tuple[str, str]]:
        """(text, kind) of the concept's terms, the best kind first; without its preferred name."""
        low, high = np.searchsorted(self.concept, [concept, concept + 1]).tolist()
        for place in range(low, high):
            yield self.text[place], KINDS[self.kind[place]]
