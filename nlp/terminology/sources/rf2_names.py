"""Names from descriptions: preferred terms by the language reference sets, semantic tags from the full names."""

from __future__ import annotations

from dataclasses import dataclass, field
from sys import intern
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..source_term import SourceTerm
from .options import SourceOptions
from .rf2_concepts import Concepts
from .rf2_files import Release
from .rf2_ids import DESCRIPTION_PARTITIONS, id_fault, sound_ids
from .rf2_language import Acceptance, read_acceptance
from .rf2_rows import FILE, Keep, ReadLog, count_drops, read_rows
from .rf2_schema import FSN, SYNONYM
from .rf2_versions import newest, places

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

_EXAMPLES = 5


@dataclass(slots=True)
class Names:
    """Names by concept, in the order of `Concepts`: `preferred` and `tags` have None where there is none.

    `without` are the concepts in use that have no name; `languages` whether a language reference set was there.
    """

    terms: list[SourceTerm] = field(default_factory=list)
    preferred: list[str | None] = field(default_factory=list)
    tags: list[str | None] = field(default_factory=list)
    without: int = 0
    untagged: int = 0
    languages: bool = False


@dataclass(frozen=True, slots=True)
class _Descriptions:
    """Descriptions in use of known concepts, as columns; `concept` are places in `Concepts`."""

    ids: np.ndarray
    concept: np.ndarray
    full: np.ndarray
    term: pa.ChunkedArray
    file: np.ndarray


def read_names(release: Release, concepts: Concepts, options: SourceOptions, log: ReadLog) -> Names:
    """Read descriptions and language reference sets."""
    rows = _read_descriptions(release, concepts, options, log)
    acceptance = read_acceptance(release, rows.ids, rows.concept, len(concepts.ids), options.language_refsets, log)
    chosen_full = _first_per_concept(rows, rows.full, (rows.ids, acceptance.preferred_by))
    by_refset = ~rows.full & acceptance.accepted & (acceptance.preferred_by < acceptance.never)
    chosen = _first_per_concept(rows, by_refset, (rows.ids, acceptance.preferred_by))
    accepted = ~rows.full & acceptance.accepted
    names = Names(languages=acceptance.present)
    _name_concepts(names, rows, concepts, chosen_full, chosen, accepted)
    _make_terms(names, rows, concepts, release, chosen_full, accepted)
    _count(rows, concepts, release, acceptance, chosen_full, log)
    return names


def _wanted(options: SourceOptions) -> Keep:
    """Full names and synonyms in the languages asked for; a text definition is no name."""
    languages = tuple(language.casefold() for language in options.languages)

    def keep(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
        kinds = np.asarray(table["typeId"])
        named = (kinds == FSN) | (kinds == SYNONYM)
        codes = pc.dictionary_encode(table["languageCode"].combine_chunks())
        spoken = [code.casefold() for code in codes.dictionary.to_pylist()]
        right = np.array([code in languages or code.split("-")[0] in languages for code in spoken], bool)
        in_language = right[np.asarray(codes.indices)] if len(table) else np.zeros(0, bool)
        wanted = named & in_language
        counts = {"text_definition": int((~named).sum()), "other_language": int((named & ~in_language).sum())}
        return table.filter(pa.array(wanted)), {reason: count for reason, count in counts.items() if count}

    return keep


def _read_descriptions(release: Release, concepts: Concepts, options: SourceOptions, log: ReadLog) -> _Descriptions:
    files = release.of("description")
    table = newest(read_rows(files, "description", log, _wanted(options)), files, log)
    ids = np.asarray(table["id"])
    concept = concepts.find(np.asarray(table["conceptId"]))
    left = np.ones(len(table), bool)

    def drop(reason: str, mask: np.ndarray, fault: bool = False) -> None:
        nonlocal left
        mask = mask & left
        if mask.any():
            count_drops(log.drops, reason, int(mask.sum()), places(table, mask, files), fault)
            left = left & ~mask

    if options.check_digits:
        unsound = ~sound_ids(ids, DESCRIPTION_PARTITIONS)
        faults = np.array([id_fault(int(number), DESCRIPTION_PARTITIONS) or "" for number in ids[unsound]])
        for reason in sorted(set(faults.tolist())):
            mask = np.zeros(len(ids), bool)
            mask[np.flatnonzero(unsound)[faults == reason]] = True
            drop(reason, mask, fault=True)
    drop("inactive_description", np.asarray(table["active"]) == 0)
    drop("unknown_concept", concept < 0, fault=True)
    table = table.filter(pa.array(left))
    order = np.lexsort((ids[left], concept[left]))
    table = table.take(order)
    return _Descriptions(
        ids[left][order],
        concept[left][order],
        np.asarray(table["typeId"]) == FSN,
        table["term"],
        np.asarray(table[FILE]),
    )


def _first_per_concept(rows: _Descriptions, mask: np.ndarray, keys: tuple[np.ndarray, ...]) -> np.ndarray:
    """Of the masked rows the best of each concept by `keys`, the last key first; row numbers in order of concepts."""
    chosen = np.flatnonzero(mask)
    order = np.lexsort((*(key[chosen] for key in keys), rows.concept[chosen]))
    chosen = chosen[order]
    return chosen[np.diff(rows.concept[chosen], prepend=-1) > 0]


def _name_concepts(
    names: Names,
    rows: _Descriptions,
    concepts: Concepts,
    full: np.ndarray,
    chosen: np.ndarray,
    accepted: np.ndarray,
) -> None:
    names.preferred = [None] * len(concepts.ids)
    names.tags = [None] * len(concepts.ids)
    # Weakest first: any accepted synonym, the full name without its tag, the preferred synonym.
    any_synonym = _first_per_concept(rows, accepted, (rows.ids,))
    for concept, term in _strings(rows, any_synonym):
        names.preferred[concept] = term
    active = concepts.active.tolist()
    for concept, term in _strings(rows, full):
        names.preferred[concept], names.tags[concept] = split_full_name(term)
        names.untagged += names.tags[concept] is None and active[concept]
    for concept, term in _strings(rows, chosen):
        names.preferred[concept] = term
    names.without = sum(name is None and used for name, used in zip(names.preferred, active, strict=True))


def _strings(rows: _Descriptions, chosen: np.ndarray) -> list[tuple[int, str]]:
    return list(zip(rows.concept[chosen].tolist(), rows.term.take(chosen).to_pylist(), strict=True))


def split_full_name(name: str) -> tuple[str, str | None]:
    """A fully specified name without its semantic tag, and the tag; any last parenthesis is one in a release.

    >>> split_full_name("Asthma (disorder)")
    ('Asthma', 'disorder')
    """
    start = name.rfind(" (")
    if start <= 0 or not name.endswith(")"):
        return name, None
    return name[:start].rstrip(), intern(name[start + 2 : -1])


def _make_terms(
    names: Names,
    rows: _Descriptions,
    concepts: Concepts,
    release: Release,
    full: np.ndarray,
    accepted: np.ndarray,
) -> None:
    """Terms of the concepts in use, in order of concepts and descriptions; a string of a concept once."""
    files = [file.name for file in release.of("description")]
    wanted = accepted.copy()
    wanted[full] = True
    wanted &= concepts.active[rows.concept]
    chosen = np.flatnonzero(wanted)
    codes, preferred, tags, terms = concepts.codes, names.preferred, names.tags, names.terms
    before, seen = -1, set[str]()
    columns = (rows.concept[chosen], rows.full[chosen], rows.ids[chosen], rows.file[chosen])
    for concept, is_full, number, file, term in zip(
        *(column.tolist() for column in columns), rows.term.take(chosen).to_pylist(), strict=True
    ):
        if concept != before:
            before, seen = concept, set()
        if is_full:
            term = split_full_name(term)[0]
        if term in seen:
            continue
        seen.add(term)
        name = preferred[concept] or term
        if term == name:
            term = name  # one string in memory
        kind = "preferred" if term is name else "synonym"
        origin = f"{files[file]}#{number}"
        terms.append(SourceTerm(codes[concept], "SNOMED", term, name, kind, False, tags[concept], origin))


def _count(
    rows: _Descriptions,
    concepts: Concepts,
    release: Release,
    acceptance: Acceptance,
    full: np.ndarray,
    log: ReadLog,
) -> None:
    """Count the descriptions that give no term."""
    files = release.of("description")
    named = ~rows.full & acceptance.accepted
    named[full] = True
    retired = ~concepts.active[rows.concept]
    for reason, mask in (
        ("description_of_retired_concept", retired),
        ("not_acceptable_in_language", ~retired & ~named & ~rows.full),
        ("second_full_name", ~retired & ~named & rows.full),
    ):
        if mask.any():
            some = np.flatnonzero(mask)[:_EXAMPLES].tolist()
            where = [f"{files[rows.file[row]].name}#{rows.ids[row]}" for row in some]
            count_drops(log.drops, reason, int(mask.sum()), where)
