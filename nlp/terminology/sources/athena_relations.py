"""From CONCEPT_RELATIONSHIP to is-a edges, successors of retired codes and maps to standard concepts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..code_map import MAP_SCHEMA
from ..retired import RetiredCode
from ..systems import canonical_system, tidy_code
from .athena_concepts import Coded, Concepts, vocabulary_rules
from .athena_files import AthenaTable
from .athena_rows import RowLog, concept_numbers, row_blocks
from .content import SourceContent

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

IS_A, MAPS_TO, MAPS_TO_VALUE = "Is a", "Maps to", "Maps to value"
REPLACED, SAME, POSSIBLE = "Concept replaced by", "Concept same_as to", "Concept poss_eq to"
_SUCCESSORS = (REPLACED, SAME, MAPS_TO, POSSIBLE)
_READ = (IS_A, MAPS_TO_VALUE, *_SUCCESSORS)
_REASONS = {"D": "deleted", "U": "updated"}
_VALID = ["", "NULL", "\\N"]


@dataclass(slots=True)
class Relationships:
    """Valid relationships whose two concepts are in CONCEPT: rows of CONCEPT [k] int64, by relationship.

    `unknown_source` and `unknown_target` count those whose concepts CONCEPT lacks, by relationship.
    """

    pairs: dict[str, tuple[np.ndarray, np.ndarray]]
    unknown_source: dict[str, int] = field(default_factory=dict)
    unknown_target: dict[str, int] = field(default_factory=dict)

    def of(self, relationship: str) -> tuple[np.ndarray, np.ndarray]:
        return self.pairs[relationship]


def read_relationships(tables: list[AthenaTable], concepts: Concepts, log: RowLog) -> Relationships:
    """Stream CONCEPT_RELATIONSHIP; relationships that are not needed are passed over, invalid ones counted."""
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in _READ}
    result = Relationships({})
    wanted = pa.array(_READ)
    for table in tables:
        row = 2
        for block in row_blocks(table, ["concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"], log):
            kind = pc.index_in(pc.utf8_trim_whitespace(block["relationship_id"]), wanted).fill_null(-1).to_numpy()
            valid = pc.is_in(pc.utf8_trim_whitespace(block["invalid_reason"]), pa.array(_VALID)).to_numpy(
                zero_copy_only=False
            )
            for place in np.flatnonzero((kind >= 0) & ~valid).tolist():
                log.drops.leave_out("invalid_relationship", f"{table.name}:{row + place}")
            chosen = np.flatnonzero((kind >= 0) & valid)
            part, kind = block.take(pa.array(chosen)), kind[chosen]
            first = concept_numbers(part["concept_id_1"], table, row + chosen, log)
            second = concept_numbers(part["concept_id_2"], table, row + chosen, log)
            sound = (first >= 0) & (second >= 0)
            kind, first, second = kind[sound], concepts.rows_of(first[sound]), concepts.rows_of(second[sound])
            for number, name in enumerate(_READ):
                mine = kind == number
                _count(result.unknown_source, name, mine & (first < 0))
                _count(result.unknown_target, name, mine & (first >= 0) & (second < 0))
                mine &= (first >= 0) & (second >= 0)
                found[name].append((first[mine].astype(np.int32), second[mine].astype(np.int32)))
            row += len(block)
    none = np.empty(0, np.int32)
    for name, parts in found.items():
        result.pairs[name] = (
            np.concatenate([none, *(first for first, _ in parts)]).astype(np.int64),
            np.concatenate([none, *(second for _, second in parts)]).astype(np.int64),
        )
    return result


def _count(counts: dict[str, int], name: str, mask: np.ndarray) -> None:
    number = int(mask.sum())
    if number:
        counts[name] = counts.get(name, 0) + number


def read_direct_ancestors(tables: list[AthenaTable], concepts: Concepts, log: RowLog) -> tuple[np.ndarray, np.ndarray]:
    """(child, parent) rows of CONCEPT from CONCEPT_ANCESTOR, its pairs one level apart."""
    children, parents = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    columns = ["descendant_concept_id", "ancestor_concept_id", "min_levels_of_separation"]
    for table in tables:
        row = 2
        for block in row_blocks(table, columns, log):
            direct = pc.equal(pc.utf8_trim_whitespace(block["min_levels_of_separation"]), "1")
            chosen = np.flatnonzero(direct.to_numpy(zero_copy_only=False))
            part = block.take(pa.array(chosen))
            child = concepts.rows_of(concept_numbers(part[columns[0]], table, row + chosen, log))
            parent = concepts.rows_of(concept_numbers(part[columns[1]], table, row + chosen, log))
            known = (child >= 0) & (parent >= 0) & (child != parent)
            children.append(child[known])
            parents.append(parent[known])
            row += len(block)
    return np.concatenate(children), np.concatenate(parents)


def same_vocabulary(concepts: Concepts, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """[k] bool: pairs of rows of CONCEPT within one vocabulary."""
    return concepts.vocabulary.rows[first] == concepts.vocabulary.rows[second]


def add_isa(
    content: SourceContent, concepts: Concepts, wanted: np.ndarray, child: np.ndarray, parent: np.ndarray
) -> int:
    """Edges among the `wanted` concepts, within each vocabulary. A parent that is not wanted (another domain, not
    standard) is replaced by the nearest wanted ones above it, so that no branch falls off. Returns their number."""
    sound = same_vocabulary(concepts, child, parent) & concepts.valid[child] & concepts.valid[parent]
    child, parent = nearest_wanted(child[sound], parent[sound], wanted)
    codes = concepts.code
    lower, upper = codes.take(pa.array(child)).to_pylist(), codes.take(pa.array(parent)).to_pylist()
    for row, a, b in zip(child.tolist(), lower, upper, strict=True):
        system = canonical_system(concepts.vocabulary[row])
        content.isa.setdefault(system, []).append((tidy_code(system, a), tidy_code(system, b)))
    return len(child)


def nearest_wanted(child: np.ndarray, parent: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges [m] from each wanted child to the nearest wanted concepts above it, ordered, none twice."""
    order = np.argsort(child, kind="stable")
    above = parent[order]
    start = np.searchsorted(child[order], np.arange(len(wanted) + 1))
    front = np.unique(np.stack((child, parent), axis=1)[wanted[child]], axis=0)
    seen = front
    done: list[np.ndarray] = []
    while len(front):
        arrived = wanted[front[:, 1]]
        done.append(front[arrived])
        left = front[~arrived]
        low, high = start[left[:, 1]], start[left[:, 1] + 1]
        lengths = high - low
        steps = np.repeat(low - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) + np.arange(lengths.sum())
        further = np.unique(np.stack((np.repeat(left[:, 0], lengths), above[steps]), axis=1), axis=0)
        width = len(wanted)
        fresh = ~np.isin(further[:, 0] * width + further[:, 1], seen[:, 0] * width + seen[:, 1])
        front = further[fresh]
        seen = np.concatenate((seen, front))
    edges = np.unique(np.concatenate(done), axis=0) if done else np.empty((0, 2), np.int64)
    edges = edges[edges[:, 0] != edges[:, 1]]
    return edges[:, 0], edges[:, 1]


def add_retired(content: SourceContent, concepts: Concepts, retired: np.ndarray, relations: Relationships) -> None:
    """What became of the `retired` concepts ([n] bool); the one successor of an unambiguous one is its redirect."""
    successors: dict[int, list[tuple[str, str]]] = {}
    for name in _SUCCESSORS:
        old, new = relations.of(name)
        mine = retired[old] & (old != new) & same_vocabulary(concepts, old, new)
        codes = concepts.code.take(pa.array(new[mine])).to_pylist()
        for row, code in zip(old[mine].tolist(), codes, strict=True):
            successors.setdefault(row, []).append((name, code))
    rows = np.flatnonzero(retired)
    places = pa.array(rows)
    codes, names = concepts.code.take(places).to_pylist(), concepts.name.take(places).to_pylist()
    for row, given, name in zip(rows.tolist(), codes, names, strict=True):
        system = canonical_system(concepts.vocabulary[row])
        code = tidy_code(system, given)
        pairs = tuple((how, tidy_code(system, new)) for how, new in dict.fromkeys(successors.get(row, ())))
        reason = concepts.invalid[row]
        content.retired.setdefault((system, code), RetiredCode(name, _REASONS.get(reason, reason.lower()), pairs))
        successor = only_successor(pairs)
        if successor is not None and successor != code:
            content.redirects.setdefault(code, successor)


def only_successor(pairs: tuple[tuple[str, str], ...]) -> str | None:
    """The code that stands in a retired code's place, None where there is a choice to make. `Maps to` counts only
    where the vocabulary itself does not speak of possible equivalents: then it is OMOP's choice of one of them."""
    by_relation: dict[str, list[str]] = {}
    for name, code in pairs:
        by_relation.setdefault(name, []).append(code)
    for name in (REPLACED, SAME):
        if name in by_relation:
            return by_relation[name][0] if len(by_relation[name]) == 1 else None
    mapped = by_relation.get(MAPS_TO, [])
    return mapped[0] if len(mapped) == 1 and POSSIBLE not in by_relation else None


def add_maps(content: SourceContent, concepts: Concepts, relations: Relationships) -> None:
    """`Maps to` and `Maps to value` as tables of `MAP_SCHEMA`.

    A standard concept's map to itself is kept for vocabularies whose codes stand in claims. Where a code was used
    again (an NDC for another product), the maps of the concept that is valid count.
    """
    claims = {name for name, rule in vocabulary_rules().items() if rule.claims}
    for name in (MAPS_TO, MAPS_TO_VALUE):
        source, target = relations.of(name)
        keep = (source != target) | concepts.vocabulary.among(claims)[source]
        source, target = source[keep], target[keep]
        source, target = _of_valid_use(content, concepts, source, target)
        # by concept, so that the bytes do not hang on the order of the rows
        order = np.lexsort((concepts.ids[target], concepts.ids[source]))
        source, target = source[order], target[order]
        content.maps.append(
            pa.table(
                [
                    _texts(concepts.vocabulary, source),
                    concepts.code.take(pa.array(source)),
                    concepts.name.take(pa.array(source)),
                    _texts(concepts.vocabulary, target),
                    concepts.code.take(pa.array(target)),
                    concepts.name.take(pa.array(target)),
                    pa.array(concepts.ids[target]),
                    _texts(concepts.domain, target),
                    pa.repeat(pa.scalar(name), len(source)),
                ],
                schema=MAP_SCHEMA,
            )
        )


def _of_valid_use(
    content: SourceContent, concepts: Concepts, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.unique(source)
    codes = concepts.code.take(pa.array(rows)).dictionary_encode()
    key = np.zeros(len(concepts), np.int64)
    key[rows] = (
        codes.indices.to_numpy().astype(np.int64) * len(concepts.vocabulary.names) + concepts.vocabulary.rows[rows]
    )
    in_use = np.unique(key[rows[concepts.valid[rows]]])
    stale = ~concepts.valid[source] & np.isin(key[source], in_use)
    for row in np.unique(source[stale]).tolist():
        content.drops.leave_out("map_of_reused_code", f"CONCEPT#{concepts.ids[row]}")
    return source[~stale], target[~stale]


def _texts(column: Coded, rows: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(column.rows[rows]), pa.array(column.names, pa.string())).cast(
        pa.string()
    )


def unmapped_codes(concepts: Concepts, relations: Relationships) -> dict[str, tuple[int, int]]:
    """(codes without `Maps to`, all codes) of each vocabulary that stands in claims; valid concepts only."""
    mapped = np.zeros(len(concepts), bool)
    mapped[relations.of(MAPS_TO)[0]] = True
    counts: dict[str, tuple[int, int]] = {}
    for name, rule in vocabulary_rules().items():
        if rule.claims and name in concepts.vocabulary.names:
            rows = concepts.vocabulary.among({name}) & concepts.valid
            if rows.any():
                counts[name] = (int((rows & ~mapped).sum()), int(rows.sum()))
    return counts
