"""The CONCEPT table of an OMOP vocabulary in memory, by column, and which of its rows are wanted."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from .. import systems
from ..source_term import SourceError
from .athena_files import AthenaTable
from .athena_rows import RowLog, concept_numbers, row_blocks
from .options import SourceOptions

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

_CODED = ("domain_id", "vocabulary_id", "concept_class_id", "standard_concept", "invalid_reason")
_DATES = ("valid_start_date", "valid_end_date")
_DATE = re.compile(r"(?:1[6-9]|20|21)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?:[T ].*)?")
_NOTHING = frozenset({"", "NULL", "\\N"})  # how databases export an empty cell


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of few distinct values: `names` and the number of each row's value [n] int32."""

    names: tuple[str, ...]
    rows: np.ndarray

    def among(self, wanted: Collection[str]) -> np.ndarray:
        """[n] bool: rows whose value is one of `wanted`."""
        return np.array([name in wanted for name in self.names], bool)[self.rows]

    def __getitem__(self, row: int) -> str:
        return self.names[self.rows[row]]


@dataclass(frozen=True, slots=True)
class Concepts:
    """Every row of CONCEPT in file order; `ids` [n] int64 are distinct."""

    ids: np.ndarray
    code: pa.Array
    name: pa.Array
    domain: Coded
    vocabulary: Coded
    concept_class: Coded
    standard: Coded
    invalid: Coded
    bad_dates: int
    _order: np.ndarray
    _sorted: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: np.ndarray) -> np.ndarray:
        """Row of each concept id [k] int64, -1 where CONCEPT lacks it."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self.ids) - 1)
        return np.where(self._sorted[place] == ids, self._order[place], -1)

    @property
    def valid(self) -> np.ndarray:
        """[n] bool: rows that were neither deleted nor updated."""
        return self.invalid.among(_NOTHING)

    @property
    def is_standard(self) -> np.ndarray:
        """[n] bool."""
        return self.standard.among({"S"})


@dataclass(frozen=True, slots=True)
class VocabularyRule:
    """What is taken from one vocabulary; empty `classes` and `domains` mean any."""

    vocabulary: str
    matched: bool = False
    classes: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    standard: bool = False
    claims: bool = False


@cache
def vocabulary_rules() -> dict[str, VocabularyRule]:
    """The rules of `nlp/data/athena_vocabularies.tsv` by vocabulary."""
    rules: dict[str, VocabularyRule] = {}
    for cells in _data_rows("athena_vocabularies.tsv"):
        name, matched, classes, domains, standard, claims = cells
        rules[name] = VocabularyRule(name, matched == "yes", _set(classes), _set(domains), standard == "yes",
                                     claims == "yes")  # fmt: skip
    return rules


@cache
def semantic_tag_of_class() -> dict[str, str]:
    """SNOMED CT semantic tag by OMOP concept class (`nlp/data/athena_classes.tsv`)."""
    return {cells[0]: cells[1] for cells in _data_rows("athena_classes.tsv")}


def _data_rows(name: str) -> list[list[str]]:
    text = files(f"{__name__.rsplit('.', 3)[0]}.data").joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")][1:]


def _set(cell: str) -> frozenset[str]:
    return frozenset(cell.split(";")) - {""}


def matched_rules(concepts: Concepts, options: SourceOptions, where: str) -> list[VocabularyRule]:
    """The rules of the vocabularies whose names are matched, in the order asked for.

    Raises:
        SourceError: a vocabulary or a domain was asked for that CONCEPT lacks.
    """
    known = vocabulary_rules()
    folded = {name.casefold(): name for name in concepts.vocabulary.names}
    names = [folded.get(name.casefold(), systems.canonical_system(name)) for name in options.vocabularies]
    _refuse_unknown("vocabularies", names, concepts.vocabulary.names, where)
    _refuse_unknown("domains", options.domains, concepts.domain.names, where)
    names = names or [name for name, rule in known.items() if rule.matched and name in concepts.vocabulary.names]
    rules = [known.get(name, VocabularyRule(name)) for name in dict.fromkeys(names)]
    return [
        VocabularyRule(
            rule.vocabulary,
            True,
            rule.classes,
            frozenset(options.domains) or rule.domains,
            rule.standard and options.standard_only,
            rule.claims,
        )
        for rule in rules
    ]


def _refuse_unknown(what: str, asked: Collection[str], there: Collection[str], where: str) -> None:
    unknown = [name for name in asked if name not in there]
    if unknown:
        present = ", ".join(sorted(name for name in there if name))
        raise SourceError(
            where, None, f"CONCEPT has no concepts of the {what} {', '.join(unknown)}", f"It has {present}"
        )


def rows_matched(concepts: Concepts, rules: list[VocabularyRule], *, retired: bool = False) -> np.ndarray:
    """[n] bool: valid concepts that the rules take; with `retired` invalid ones, whatever their domain, since a
    retired concept is never standard and often loses its domain."""
    wanted = np.zeros(len(concepts), bool)
    for rule in rules:
        rows = concepts.vocabulary.among({rule.vocabulary})
        if rule.classes and not retired:
            rows &= concepts.concept_class.among(rule.classes)
        if rule.domains and not retired:
            rows &= concepts.domain.among(rule.domains)
        if rule.standard and not retired:
            rows &= concepts.is_standard
        wanted |= rows
    return wanted & (~concepts.valid if retired else concepts.valid)


def read_concepts(tables: list[AthenaTable], log: RowLog) -> Concepts:
    """Read CONCEPT. Of rows with one concept id the first counts; those of a CPT4 supplement, which stand in CONCEPT
    once names were added, are passed over without a word.

    Raises:
        SourceError: missing columns, unreadable text, no rows, or mostly faulty rows.
    """
    ids: list[np.ndarray] = []
    text: dict[str, list[pa.Array]] = {"concept_code": [], "concept_name": []}
    coded: dict[str, list[pa.Array]] = {name: [] for name in _CODED}
    supplement: list[np.ndarray] = []
    bad_dates = 0
    for number, table in enumerate(tables):
        row = 2
        dates = [name for name in _DATES if name in table.columns]
        for block in row_blocks(table, ["concept_id", *text, *_CODED, *dates], log):
            numbers = concept_numbers(block["concept_id"], table, row + np.arange(len(block)), log)
            bad_dates += sum(_bad_dates(block[name]) for name in dates)
            row += len(block)
            ids.append(numbers)
            supplement.append(np.full(len(numbers), number > 0))
            for name, parts in text.items():
                parts.append(pc.utf8_trim_whitespace(block[name]))
            for name, parts in coded.items():
                parts.append(pc.utf8_trim_whitespace(block[name]).dictionary_encode())
    if not ids:
        raise SourceError(
            tables[0].place,
            None,
            "The table has no rows",
            "Download the vocabularies again; see `docs/sources/athena.md`",
        )
    numbers = np.concatenate(ids)
    keep = numbers >= 0
    _, first = np.unique(numbers, return_index=True)
    once = np.zeros(len(numbers), bool)
    once[first] = True
    for place in np.flatnonzero(keep & ~once & ~np.concatenate(supplement)).tolist():
        log.drops.reject("doubled_concept_id", f"{tables[0].name}#{numbers[place]}")
    keep &= once
    rows = pa.array(np.flatnonzero(keep))
    _refuse_mostly_bad(tables[0], log, len(numbers))
    numbers = numbers[keep]
    order = np.argsort(numbers, kind="stable")
    return Concepts(
        numbers,
        *(pa.chunked_array(text.pop(name)).combine_chunks().take(rows) for name in ("concept_code", "concept_name")),
        *(_coded(coded.pop(name), keep) for name in _CODED),
        bad_dates=bad_dates,
        _order=order,
        _sorted=numbers[order],
    )


def _bad_dates(column: pa.Array) -> int:
    values = column.dictionary_encode()
    bad = np.array([_DATE.fullmatch(text) is None for text in values.dictionary.to_pylist()], bool)
    return int(bad[values.indices.to_numpy()].sum()) if len(bad) else 0


def _coded(parts: list[pa.Array], keep: np.ndarray) -> Coded:
    whole = pa.chunked_array(parts).unify_dictionaries()
    rows = np.concatenate([chunk.indices.to_numpy() for chunk in whole.chunks])
    return Coded(tuple(whole.chunk(0).dictionary.to_pylist()), rows[keep].astype(np.int32))


def _refuse_mostly_bad(table: AthenaTable, log: RowLog, rows: int) -> None:
    faults = log.drops.faults
    if faults * 2 > rows:
        reason = max(log.drops.counts, key=lambda name: log.drops.counts[name])
        raise SourceError(
            table.place, None,
            f"{faults:,} of {rows:,} rows are faulty, most by {reason.replace('_', ' ')} "
            f"({', '.join(log.drops.places[reason][:3])})",
            systems.FAULT_REMEDIES[reason],
        )  # fmt: skip
