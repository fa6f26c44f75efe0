"""The is-a edges of a release: inferred relationships, or where there are none stated ones and OWL axioms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from .rf2_concepts import Concepts
from .rf2_files import Release, ReleaseFile
from .rf2_ids import RELATIONSHIP_PARTITIONS, sound_ids
from .rf2_rows import FILE, ReadLog, count_drops, read_rows
from .rf2_schema import INFERRED, IS_A, OWL_AXIOMS, STATED
from .rf2_versions import members_in_use, newest, places

_NAMED_CLASS = re.compile(
    r"(SubClassOf|EquivalentClasses|SubObjectPropertyOf|SubDataPropertyOf)\(:(\d{1,18}) (.*)\)\s*"
)
_NAME = re.compile(r":(\d{1,18})")
_AND = "ObjectIntersectionOf("
_EXAMPLES = 5


@dataclass(slots=True)
class Edges:
    """(child, parent) codes, ordered; `notices` say where they come from if not from inferred relationships."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    odd_ids: int = 0


def read_edges(release: Release, concepts: Concepts, log: ReadLog, check_digits: bool) -> Edges:
    """Read the is-a edges between concepts in use.

    Ids of relationships serve only to tell versions apart, so that faulty ones are counted in `odd_ids` and kept.
    """
    files = release.of("relationship")
    table = newest(read_rows(files, "relationship", log, _is_a), files, log)
    edges = Edges()
    if check_digits:
        edges.odd_ids = int((~sound_ids(np.asarray(table["id"]), RELATIONSHIP_PARTITIONS)).sum())
    table = members_in_use(table, files, log, "relationship")
    kind = np.asarray(table["characteristicTypeId"])
    inferred = kind == INFERRED
    if inferred.any():
        _leave_stated(table, ~inferred, files, log)
        table = table.filter(pa.array(inferred))
        edges.pairs = _between_known(table, files, concepts, log)
        return edges
    table = table.filter(pa.array(kind == STATED))
    stated = _between_known(table, files, concepts, log)
    axioms = _axioms(release, concepts, log)
    edges.pairs = sorted({*stated, *axioms}, key=lambda pair: (int(pair[0]), int(pair[1])))
    if edges.pairs:
        edges.notices.append(
            f"There is no inferred is-a relationship in use; the hierarchy comes from {len(stated):,} stated "
            f"relationships and {len(axioms):,} parents named in OWL axioms, so that parents which only a classifier "
            "would find are missing"
        )
    return edges


def _is_a(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    wanted = np.asarray(table["typeId"]) == IS_A
    others = int((~wanted).sum())
    return table.filter(pa.array(wanted)), {"relationship_other_than_is_a": others} if others else {}


def _leave_stated(table: pa.Table, mask: np.ndarray, files: list[ReleaseFile], log: ReadLog) -> None:
    if mask.any():
        count_drops(log.drops, "is_a_not_inferred", int(mask.sum()), places(table, mask, files))


def _between_known(
    table: pa.Table, files: list[ReleaseFile], concepts: Concepts, log: ReadLog
) -> list[tuple[str, str]]:
    child = concepts.find(np.asarray(table["sourceId"]))
    parent = concepts.find(np.asarray(table["destinationId"]))
    left = np.ones(len(table), bool)
    unknown = (child < 0) | (parent < 0)
    active = concepts.active if len(concepts.ids) else np.zeros(1, bool)
    retired = ~unknown & ~(active[child] & active[parent])
    for reason, mask, fault in (
        ("is_a_unknown_concept", unknown, True),
        ("is_a_retired_concept", retired, True),
        ("is_a_itself", (child == parent) & ~unknown, True),
    ):
        mask = mask & left
        if mask.any():
            count_drops(log.drops, reason, int(mask.sum()), places(table, mask, files), fault)
            left &= ~mask
    return _pairs(child[left], parent[left], concepts)


def _pairs(child: np.ndarray, parent: np.ndarray, concepts: Concepts) -> list[tuple[str, str]]:
    """Codes of the edges, each once, ordered by child and parent."""
    if not len(child):
        return []
    keys = np.unique(child * np.int64(len(concepts.ids)) + parent)
    codes = concepts.codes
    lower, upper = np.divmod(keys, len(concepts.ids))
    return [(codes[a], codes[b]) for a, b in zip(lower.tolist(), upper.tolist(), strict=True)]


def _axioms(release: Release, concepts: Concepts, log: ReadLog) -> list[tuple[str, str]]:
    files = release.of("owl")
    table = newest(read_rows(files, "owl", log), files, log)
    table = table.filter(pa.array(np.asarray(table["refsetId"]) == OWL_AXIOMS))
    table = members_in_use(table, files, log, "axiom")
    found: list[tuple[int, int, int]] = []
    for row, expression in enumerate(table["owlExpression"].to_pylist()):
        child, parents = named_parents(expression)
        found.extend((row, child, parent) for parent in parents)
    if not found:
        return []
    rows, child, parent = np.array(found, np.int64).T
    edges = pa.table(
        {
            "sourceId": child,
            "destinationId": parent,
            "referencedComponentId": child,
            FILE: np.asarray(table[FILE])[rows],
        }
    )
    return _between_known(edges, files, concepts, log)


def named_parents(expression: str) -> tuple[int, list[int]]:
    """The class that an OWL axiom describes, and the parents it names outright; (0, []) where it names none.

    >>> named_parents("SubClassOf(:2 ObjectIntersectionOf(:1 ObjectSomeValuesFrom(:3 :4)))")
    (2, [1])
    """
    match = _NAMED_CLASS.fullmatch(expression)
    if match is None:
        return 0, []
    axiom, child, rest = match[1], int(match[2]), match[3]
    if single := _NAME.fullmatch(rest):
        # Two names for one class make each the parent of the other: no hierarchy.
        return (child, [int(single[1])]) if axiom != "EquivalentClasses" else (0, [])
    if not rest.startswith(_AND) or not rest.endswith(")"):
        return 0, []
    parents: list[int] = []
    depth = 0
    for part in re.findall(r"[()]|:\d{1,18}", rest[len(_AND) : -1]):
        if part == "(":
            depth += 1
        elif part == ")":
            depth -= 1
        elif depth == 0:
            parents.append(int(part[1:]))
    return child, parents
