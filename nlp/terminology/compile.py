"""From concepts and term variants to the arrays of a `Terminology`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..normalize import normalize
from ..order_free import BagTable, bag_words
from ..spelling_sources import pack_with_known_words
from ..tokens import words_of
from ..trie import MAX_WORDS, Trie, Vocabulary, hash_words
from .artefact import StringColumn, payload_hash
from .plain_english import plain_english_words
from .relations import RelationReport, pack_relations
from .rows import RANKS, ConceptRow, Relations, TermVariant
from .term_strings import TermStringCollector
from .terminology import (
    CHRONIC,
    ENTRY_CASE,
    FORMAT,
    GROUP_ANY,
    GROUP_MIXED,
    GROUP_UPPER,
    GROUP_UPPER_WORDLIKE,
    MAX_SYSTEMS,
    Terminology,
)

# After these words "I" and "V" are numerals, elsewhere a pronoun and an initial; `normalize` maps II to XII everywhere.
NUMBERED = re.compile(r"type|stage|grade|class|factor|nerve|group|phase|level|degree|zone")
ONE_FIVE = {"i": "1", "v": "5", "1": "i", "5": "v"}


def numeral_variants(words: list[str]) -> list[list[str]]:
    """`words`, and where "type 1" or "type I" occurs, also with the other numeral."""
    variants = [words]
    for i, (before, word) in enumerate(pairwise(words), start=1):
        if word in ONE_FIVE and NUMBERED.fullmatch(before):
            variants += [[*variant[:i], ONE_FIVE[word], *variant[i + 1 :]] for variant in variants]
    return variants


def compile_terminology(
    concepts: list[ConceptRow],
    variants: Iterable[TermVariant],
    out: Path | None = None,
    *,
    name: str = "terminology",
    release: str = "",
    redirects: Mapping[str, str] | None = None,
    relations: Relations | None = None,
    report: RelationReport | None = None,
    corrections: Sequence[tuple[str, str, str, str]] = (),
) -> Terminology:
    """Compile; with `out` also write the artefact. Same input, same bytes.

    Of several concepts named by one string the lowest `rank` comes first (`precedence.py`), then the order of
    `variants`. Variants of codes that are not among `concepts` and variants of more than MAX_WORDS words are left out.
    Of `relations` those stay whose codes are among `concepts`; retired codes and maps stay whole. `report` receives
    what was left out.
    """
    ordered = sorted({(c.system, c.code): c for c in reversed(concepts)}.values(), key=lambda c: (c.system, c.code))
    number = {(c.system, c.code): i for i, c in enumerate(ordered)}
    word_number: dict[str, int] = {}
    flat: list[int] = []
    bag_flat: list[str] = []
    bag_lengths: list[int] = []
    lengths_list: list[int] = []
    concept_list: list[int] = []
    rank_list: list[int] = []
    case_list: list[bool] = []
    spellings: set[str] = set()
    strings = TermStringCollector()
    for variant in variants:
        concept = number.get((variant.system, variant.code))
        if concept is None:
            continue
        strings.add(concept, variant.text, variant.rank % RANKS)
        written = words_of(variant.text)
        if not variant.case_sensitive:
            spellings.update(written)
        for words in numeral_variants([normalize(word) for word in written]):
            if not 0 < len(words) <= MAX_WORDS:
                continue
            bag = [] if variant.case_sensitive else bag_words(words)
            bag_flat.extend(bag)
            bag_lengths.append(len(bag))
            flat.extend([word_number.setdefault(word, len(word_number)) for word in words])
            lengths_list.append(len(words))
            concept_list.append(concept)
            rank_list.append(variant.rank)
            case_list.append(variant.case_sensitive)
    vocabulary = Vocabulary.build(word_number)
    # word numbers in order of appearance -> ids by hash
    by_appearance = np.empty(len(word_number), np.int32)
    if word_number:
        by_appearance[:] = np.searchsorted(vocabulary.hashes, hash_words(word_number))
    lengths = np.array(lengths_list, np.int64)
    words_flat = by_appearance[np.array(flat, np.int64)] if flat else np.empty(0, np.int32)
    matrix = np.zeros((len(lengths), int(lengths.max()) if len(lengths) else 0), np.int32)
    if len(lengths):
        matrix[np.arange(matrix.shape[1])[None, :] < lengths[:, None]] = words_flat
    del flat, words_flat
    trie, group = Trie.build(matrix, lengths, len(vocabulary.hashes))
    bags = _bag_table(bag_flat, np.array(bag_lengths, np.int64), np.array(rank_list, np.int32), group)
    concept = np.array(concept_list, np.int32)
    rank = np.array(rank_list, np.int32)
    case = np.array(case_list, bool)
    # one entry per (group, concept): the best-ranked; matching in any case wins over needing capitals
    order = np.lexsort((np.arange(len(group)), case, rank, concept, group))
    group_sorted, concept_sorted = group[order], concept[order]
    new = np.ones(len(order), bool)
    new[1:] = (group_sorted[1:] != group_sorted[:-1]) | (concept_sorted[1:] != concept_sorted[:-1])
    insensitive = np.zeros(int(new.sum()), bool)
    np.logical_or.at(insensitive, np.cumsum(new) - 1, ~case[order])
    best = order[new]
    entry_case = ~insensitive
    order = np.lexsort((best, rank[best], group[best]))
    best, entry_case = best[order], entry_case[order]
    groups = int(group.max()) + 1 if len(group) else 0
    group_start = np.zeros(groups + 1, np.int64)
    np.cumsum(np.bincount(group[best], minlength=groups), out=group_start[1:])
    any_case = np.zeros(groups, bool)
    needs_case = np.zeros(groups, bool)
    np.logical_or.at(any_case, group[best], ~entry_case)
    np.logical_or.at(needs_case, group[best], entry_case)
    group_case = np.where(~needs_case, GROUP_ANY, np.where(any_case, GROUP_MIXED, GROUP_UPPER)).astype(np.uint8)
    plain = vocabulary.ids(sorted({normalize(word) for word in plain_english_words()}))
    single = (lengths == 1) & np.isin(matrix[:, 0] if matrix.shape[1] else np.zeros(len(lengths)), plain[plain >= 0])
    wordlike = np.zeros(groups, bool)
    wordlike[group[single]] = True
    group_case[(group_case == GROUP_UPPER) & wordlike] = GROUP_UPPER_WORDLIKE

    systems = sorted({c.system for c in ordered})
    if len(systems) > MAX_SYSTEMS:
        raise ValueError(f"{len(systems):,} code systems, but a terminology holds at most {MAX_SYSTEMS}")
    arrays: dict[str, np.ndarray] = {
        "vocabulary": vocabulary.hashes,
        **trie.arrays("trie_"),
        "bag_keys": bags.keys,
        "bag_groups": bags.groups,
        "bag_words": bags.words,
        "group_start": group_start.astype(np.int32),
        "group_case": group_case,
        "entry_concept": concept[best],
        "entry_flags": np.where(entry_case, ENTRY_CASE, 0).astype(np.uint8),
        "concept_system": np.array([systems.index(c.system) for c in ordered], np.uint8),
        "concept_ids": np.array([c.concept_id for c in ordered], np.int64),
        "concept_restriction": np.array([c.restriction for c in ordered], np.uint8),
        "concept_flags": np.array([CHRONIC if c.chronic else 0 for c in ordered], np.uint8),
    }
    moved = sorted((redirects or {}).items())
    for column, cells in (
        ("codes", [c.code for c in ordered]),
        ("preferred", [c.preferred for c in ordered]),
        ("semantic_tags", [c.semantic_tag or "" for c in ordered]),
        ("redirect_from", [old for old, _ in moved]),
        ("redirect_to", [new for _, new in moved]),
    ):
        arrays[f"{column}_blob"], arrays[f"{column}_offsets"] = StringColumn.pack(cells)
    arrays.update(strings.pack([c.preferred for c in ordered]))
    arrays.update(pack_with_known_words(spellings))
    arrays.update(pack_relations(relations or Relations(), number, report or RelationReport()))
    meta: dict[str, Any] = {"format": FORMAT, "name": name, "release": release, "systems": systems}
    if corrections:
        meta["corrections"] = [list(correction) for correction in corrections]
    terminology = Terminology.from_arrays(arrays, meta, payload_hash(arrays, meta))
    if out is not None:
        terminology.save(out)
    return terminology


def _bag_table(flat: list[str], lengths: np.ndarray, rank: np.ndarray, group: np.ndarray) -> BagTable:
    """Order-free keys of the variants that have one; of variants with one key the best-ranked counts."""
    number: dict[str, int] = {}
    numbers = np.array([number.setdefault(word, len(number)) for word in flat], np.int64)
    hashes = hash_words(number)
    sums = np.zeros(len(flat) + 1, np.uint64)
    if len(flat):
        np.cumsum(hashes[numbers], out=sums[1:])
    ends = np.cumsum(lengths)
    chosen = np.flatnonzero(lengths)
    chosen = chosen[np.argsort(rank[chosen], kind="stable")]
    keys = sums[ends[chosen]] - sums[ends[chosen] - lengths[chosen]]
    return BagTable.build(keys, group[chosen], hashes)
