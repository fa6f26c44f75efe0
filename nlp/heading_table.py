"""Section headings as arrays: what stands in `data/sections.tsv`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from .cue_table import folded_words
from .trie import Trie, Vocabulary, pad
from .tsv import data_file, read_tsv


class HeadingKind(IntEnum):
    """`MAIN` opens a section, `SUB` a part of an exam or review of systems, `WEAK` is a heading only in plain sight."""

    MAIN = 0
    SUB = 1
    WEAK = 2


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """One spelling of a heading and the normalised section name it opens."""

    name: str
    heading: str
    loinc: str
    kind: HeadingKind
    examples: tuple[str, str]


def read_headings(path: Path) -> list[HeadingRow]:
    """Read a heading file. Raises ValueError naming file and line for an unknown kind."""
    rows: list[HeadingRow] = []
    for number, row in read_tsv(path):
        try:
            kind = HeadingKind[row["kind"].upper()]
        except KeyError:
            raise ValueError(f"{path}:{number}: unknown kind {row.get('kind')!r}; use main, sub or weak") from None
        examples = (row["positive"].replace("\\n", "\n"), row["negative"].replace("\\n", "\n"))
        rows.append(HeadingRow(row["name"], row["heading"], row["loinc"], kind, examples))
    return rows


@dataclass(frozen=True, slots=True)
class HeadingTable:
    """Headings by trie group: `name[g]` index into `names`, `kind[g]`. Of equal headings the first row counts."""

    names: tuple[str, ...]
    trie: Trie
    name: np.ndarray
    kind: np.ndarray

    @classmethod
    def build(cls, rows: Iterable[HeadingRow], vocabulary: Vocabulary) -> HeadingTable:
        kept = [(row, folded_words(row.heading)) for row in rows]
        kept = [(row, words) for row, words in kept if words]
        matrix, lengths = pad([vocabulary.ids(words) for _, words in kept])
        trie, group = Trie.build(matrix, lengths, len(vocabulary.hashes))
        _, first = np.unique(group, return_index=True)
        names = tuple(sorted({row.name for row, _ in kept}))
        return cls(
            names=names,
            trie=trie,
            name=np.array([names.index(kept[i][0].name) for i in first.tolist()], np.int16),
            kind=np.array([kept[i][0].kind for i in first.tolist()], np.int8),
        )


def default_headings() -> list[HeadingRow]:
    """The headings shipped with the package."""
    return read_headings(data_file("sections.tsv"))
