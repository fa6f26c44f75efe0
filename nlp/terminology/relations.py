"""From relations between codes to the arrays of a terminology: hierarchy, reference sets, retired codes and maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .closure import pack_hierarchy
from .code_map import pack_maps
from .retired import pack_retired
from .rows import Relations
from .stored_sets import pack_sets

_EXAMPLES = 20


@dataclass(slots=True)
class RelationReport:
    """What became of the relations.

    Attributes:
        isa_edges: edges kept.
        isa_pairs: (descendant, ancestor) pairs that follow from them.
        isa_unknown: edges left out, because a code of theirs is not in the terminology.
        on_circle: codes on a circle of is-a edges; the edges among them are left out.
        refset_members: members kept, by set.
        refset_unknown: members left out, because they are not in the terminology.
        maps: rows by (source system, target system).
    """

    isa_edges: int = 0
    isa_pairs: int = 0
    isa_unknown: int = 0
    isa_unknown_examples: list[tuple[str, str]] = field(default_factory=list)
    on_circle: list[str] = field(default_factory=list)
    refset_members: dict[str, int] = field(default_factory=dict)
    refset_unknown: int = 0
    maps: dict[str, int] = field(default_factory=dict)
    retired: int = 0


def pack_relations(
    relations: Relations, number: Mapping[tuple[str, str], int], report: RelationReport
) -> dict[str, np.ndarray]:
    """Arrays of what there is; nothing for what the sources do not give. `number` holds the concept numbers."""
    arrays: dict[str, np.ndarray] = {}
    if relations.isa:
        arrays.update(_hierarchy(relations, number, report))
    sets: dict[str, np.ndarray] = {}
    for refset, members in sorted(relations.refsets.items()):
        found = [number[key] for code in members if (key := ("SNOMED", code)) in number]
        report.refset_unknown += len(members) - len(found)
        report.refset_members[refset] = len(set(found))
        sets[refset] = np.unique(np.array(found, np.int32))
    if sets:
        arrays.update(pack_sets(sets, "refset"))
    if relations.retired:
        report.retired = len(relations.retired)
        arrays.update(pack_retired(relations.retired))
    tables = [table for table in relations.maps if len(table)]
    if tables:
        arrays.update(pack_maps(tables))
        _count_maps(arrays, report)
    return arrays


def _hierarchy(
    relations: Relations, number: Mapping[tuple[str, str], int], report: RelationReport
) -> dict[str, np.ndarray]:
    child: list[int] = []
    parent: list[int] = []
    for system, lower, upper in relations.isa:
        a, b = number.get((system, lower), -1), number.get((system, upper), -1)
        if a >= 0 and b >= 0:
            child.append(a)
            parent.append(b)
        else:
            report.isa_unknown += 1
            if len(report.isa_unknown_examples) < _EXAMPLES:
                report.isa_unknown_examples.append((lower, upper))
    arrays, on_circle = pack_hierarchy(np.array(child, np.int64), np.array(parent, np.int64), len(number))
    if len(on_circle):
        wanted = set(on_circle.tolist())
        report.on_circle = [code for (_, code), i in number.items() if i in wanted]
    report.isa_edges = len(arrays["isa_parent"])
    report.isa_pairs = len(arrays["isa_ancestor"])
    return arrays


def _count_maps(arrays: Mapping[str, np.ndarray], report: RelationReport) -> None:
    from .code_map import CodeMaps

    table = CodeMaps(arrays).table()
    counted = table.group_by(["source_system", "target_system"], use_threads=False).aggregate([([], "count_all")])
    for row in counted.to_pylist():
        report.maps[f"{row['source_system']} to {row['target_system']}"] = row["count_all"]
