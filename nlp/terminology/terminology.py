"""A compiled terminology: a trie of normalised words over concepts, read-only, usually memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..order_free import BagTable
from ..tokens import key_words
from ..trie import Trie, Vocabulary
from .artefact import ArtefactError, SortedStrings, StringColumn, open_artefact, payload_hash, write_artefact
from .code_map import CodeMaps
from .hierarchy import Hierarchy
from .retired import RetiredCodes
from .stored_sets import StoredSets

FORMAT = 3
MAX_SYSTEMS = 256
"""Code systems of one terminology: their numbers are stored in a byte."""
CHRONIC = 1
ENTRY_CASE = 1
GROUP_ANY, GROUP_UPPER, GROUP_MIXED, GROUP_UPPER_WORDLIKE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Terminology:
    """Concepts and the strings that name them.

    Concepts are numbered 0..n_concepts-1 in order of (system, code). A group is a set of strings that normalise alike;
    `group_start[g]:group_start[g+1]` are its entries, best first; `entry_concept` and `entry_flags` describe them;
    `group_case[g]` says whether it needs capitals (GROUP_* constants). `concept_ids` are OMOP concept ids (0 where the
    sources gave none), `restrictions` UMLS restriction levels, `refsets` the members of reference sets by the set's
    code, `retired` what became of codes no longer in use, `maps` the maps from and to other code systems.
    """

    name: str
    release: str
    sha256: str
    system_names: tuple[str, ...]
    vocabulary: Vocabulary
    trie: Trie
    bags: BagTable
    group_start: np.ndarray
    group_case: np.ndarray
    entry_concept: np.ndarray
    entry_flags: np.ndarray
    concept_system: np.ndarray
    concept_flags: np.ndarray
    codes: StringColumn
    preferred: StringColumn
    semantic_tags: StringColumn
    redirects: Mapping[str, str]
    concept_ids: np.ndarray
    restrictions: np.ndarray
    hierarchy: Hierarchy
    refsets: StoredSets
    retired: RetiredCodes
    maps: CodeMaps
    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any], sha256: str | None = None
    ) -> Terminology:
        if meta.get("format") != FORMAT:
            raise ArtefactError(
                f"terminology format {meta.get('format')}, but this phenotext reads {FORMAT}; build it again"
            )
        columns = {
            name: StringColumn(arrays[f"{name}_blob"], arrays[f"{name}_offsets"])
            for name in ("codes", "preferred", "semantic_tags", "redirect_from", "redirect_to")
        }
        n_concepts = len(arrays["concept_system"])
        return cls(
            name=meta["name"],
            release=meta["release"],
            sha256=sha256 or payload_hash(arrays, meta),
            system_names=tuple(meta["systems"]),
            vocabulary=Vocabulary(arrays["vocabulary"]),
            trie=Trie.from_arrays(arrays, "trie_"),
            bags=BagTable(arrays["bag_keys"], arrays["bag_groups"], arrays["bag_words"]),
            group_start=arrays["group_start"],
            group_case=arrays["group_case"],
            entry_concept=arrays["entry_concept"],
            entry_flags=arrays["entry_flags"],
            concept_system=arrays["concept_system"],
            concept_flags=arrays["concept_flags"],
            codes=columns["codes"],
            preferred=columns["preferred"],
            semantic_tags=columns["semantic_tags"],
            redirects=SortedStrings(columns["redirect_from"], columns["redirect_to"]),
            concept_ids=arrays["concept_ids"],
            restrictions=arrays["concept_restriction"],
            hierarchy=Hierarchy(arrays, n_concepts),
            refsets=StoredSets(arrays, "refset"),
            retired=RetiredCodes(arrays),
            maps=CodeMaps(arrays),
            arrays=arrays,
            meta=meta,
        )

    @classmethod
    def open(cls, path: str | Path) -> Terminology:
        """Map a file written by `phenotext terminology build`. Raises ArtefactError with the remedy."""
        return cls.from_arrays(*open_artefact(Path(path)))

    def save(self, path: str | Path) -> None:
        write_artefact(Path(path), self.arrays, self.meta, self.sha256)

    def verify(self) -> None:
        """Compare the content with the recorded sha256; ArtefactError on a difference (a damaged or edited file)."""
        if payload_hash(self.arrays, self.meta) != self.sha256:
            raise ArtefactError("terminology content does not match its sha256; copy the file again or build it again")

    @property
    def n_concepts(self) -> int:
        return len(self.concept_system)

    @property
    def n_terms(self) -> int:
        """Entries: distinct (normalised string, concept) pairs."""
        return len(self.entry_concept)

    @property
    def chronic(self) -> np.ndarray:
        """[n_concepts] bool: "history of" this still means the patient has it."""
        return (self.concept_flags & CHRONIC) > 0

    @property
    def systems(self) -> _Systems:
        """Vocabulary name of each concept, by concept number."""
        return _Systems(self.system_names, self.concept_system)

    def find(self, code: str, system: str | None = None) -> int:
        """Concept number of `code` (of `system`, where given), following redirects of retired codes; -1 if unknown."""
        for number in range(len(self.system_names)) if system is None else self._system_numbers(system):
            low, high = np.searchsorted(self.concept_system, [number, number + 1]).tolist()
            while low < high:
                middle = (low + high) // 2
                if self.codes[middle] < code:
                    low = middle + 1
                else:
                    high = middle
            if low < self.n_concepts and self.concept_system[low] == number and self.codes[low] == code:
                return low
        successor = self.redirects.get(code)
        if successor is None or successor == code:
            return -1
        if system is not None and self.retired.get(code) is not None and self.retired.get(code, system) is None:
            return -1  # it is a code of another system that was retired (RxNorm and CPT4 share numbers)
        return self.find(successor, system)

    def lookup(self, text: str) -> list[int]:
        """Concept numbers that `text` as a whole names, best first; [] if none. Acronyms must be in capitals."""
        words = self.vocabulary.ids(key_words(text))
        if not len(words):
            return []
        starts, ends, groups = self.trie.longest(words, positions=np.zeros(1, np.int64))
        if not len(starts) or ends[0] != len(words):
            return []
        low, high = self.group_start[groups[0]], self.group_start[groups[0] + 1]
        shouted = text.upper() == text
        flags = self.entry_flags[low:high]
        return [int(c) for c, flag in zip(self.entry_concept[low:high], flags) if shouted or not flag & ENTRY_CASE]

    def _system_numbers(self, system: str) -> list[int]:
        return [i for i, name in enumerate(self.system_names) if name == system]


@dataclass(frozen=True, slots=True)
class _Systems:
    names: tuple[str, ...]
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> str:
        return self.names[self.numbers[index]]
