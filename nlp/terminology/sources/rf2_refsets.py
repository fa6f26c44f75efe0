"""Members of simple reference sets, and maps to other code systems from map reference sets."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..code_map import MAP_SCHEMA
from .rf2_concepts import Concepts
from .rf2_files import Release
from .rf2_ids import CONCEPT_PARTITIONS
from .rf2_names import Names
from .rf2_rows import ReadLog, count_drops, read_rows
from .rf2_schema import MAP_SYSTEMS
from .rf2_versions import members_in_use, newest, places

# The target system by the name of the reference set, where its id is not known; the first that is found counts.
_TARGETS: tuple[tuple[str, str], ...] = (
    (r"ICD-?10-?CM\b", "ICD10CM"),
    (r"ICD-?10-?PCS\b", "ICD10PCS"),
    (r"ICD-?9-?CM\b", "ICD9CM"),
    (r"ICD-?O\b", "ICDO3"),
    (r"ICD-?10\b(?!-)", "ICD10"),
    (r"ICPC-?2", "ICPC2"),
    (r"OPCS-?4", "OPCS4"),
    (r"LOINC", "LOINC"),
    (r"MedDRA", "MedDRA"),
    (r"RxNorm", "RxNorm"),
    (r"Orphanet", "Orphanet"),
)

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them


def read_refsets(release: Release, log: ReadLog) -> dict[str, list[str]]:
    """Concepts in use of every simple reference set, by its code; codes ascending.

    Whether the members are concepts of this release is not asked: a set may come as a package of its own.
    """
    files = release.of("simple")
    table = members_in_use(newest(read_rows(files, "simple", log), files, log), files, log, "member")
    member, refset = np.asarray(table["referencedComponentId"]), np.asarray(table["refsetId"])
    partition = member // 10 % 100
    concept = (partition == CONCEPT_PARTITIONS[0]) | (partition == CONCEPT_PARTITIONS[1])
    if not concept.all():
        where = places(table, ~concept, files)
        count_drops(log.drops, "member_is_no_concept", int((~concept).sum()), where)
    member, refset = member[concept], refset[concept]
    return {
        str(number): [str(code) for code in np.unique(member[refset == number]).tolist()]
        for number in np.unique(refset).tolist()
    }


def read_maps(release: Release, concepts: Concepts, names: Names, log: ReadLog) -> tuple[list[pa.Table], list[str]]:
    """Maps in use as tables of `MAP_SCHEMA`, one for each reference set, and notices of sets that were left out."""
    files = release.of("map")
    table = members_in_use(newest(read_rows(files, "map", log), files, log), files, log, "map")
    without = np.asarray(pc.equal(pc.utf8_trim_whitespace(table["mapTarget"]), ""))
    if without.any():
        count_drops(log.drops, "map_without_target", int(without.sum()), places(table, without, files))
        table = table.filter(pa.array(~without))
    refset = np.asarray(table["refsetId"])
    tables: list[pa.Table] = []
    notices: list[str] = []
    for number in np.unique(refset).tolist():
        mine = refset == number
        name = _refset_name(number, concepts, names)
        system = MAP_SYSTEMS.get(number) or target_system(name)
        if system is None:
            count_drops(log.drops, "map_target_system_unknown", int(mine.sum()), places(table, mine, files))
            notices.append(
                f"The maps of reference set {number}{f' ({name})' if name else ''} were left out, because neither its "
                "id nor its name tells the code system of the targets"
            )
            continue
        tables.append(_map_table(table.filter(pa.array(mine)), system, concepts, names))
    return tables, notices


def target_system(name: str) -> str | None:
    """The code system that a map reference set leads to, by its name; None if the name does not tell.

    >>> target_system("SNOMED CT to ICD-10-CM extended map reference set")
    'ICD10CM'
    """
    return next((system for pattern, system in _TARGETS if re.search(pattern, name, re.IGNORECASE)), None)


def _refset_name(number: int, concepts: Concepts, names: Names) -> str:
    place = int(concepts.find(np.array([number]))[0])
    return (names.preferred[place] or "") if place >= 0 else ""


def _map_table(table: pa.Table, system: str, concepts: Concepts, names: Names) -> pa.Table:
    component = np.asarray(table["referencedComponentId"])
    order = np.lexsort((np.asarray(table["mapPriority"]), np.asarray(table["mapGroup"]), component))
    table, component = table.take(order), component[order]
    group, priority = (table[name].cast(pa.string()) for name in ("mapGroup", "mapPriority"))
    rule = pc.binary_join_element_wise(group, priority, "/")
    source_names = [(names.preferred[place] or "") if place >= 0 else "" for place in concepts.find(component).tolist()]
    empty = pa.repeat("", len(table))
    columns = {
        "source_system": pa.repeat("SNOMED", len(table)),
        "source_code": pa.array(component).cast(pa.string()),
        "source_name": pa.array(source_names, pa.string()),
        "target_system": pa.repeat(system, len(table)),
        "target_code": pc.utf8_trim_whitespace(table["mapTarget"]),
        "target_name": empty,
        "target_concept_id": pa.array(np.zeros(len(table), np.int64)),
        "target_domain": empty,
        "relationship": pc.utf8_trim_whitespace(pc.binary_join_element_wise(rule, table["mapRule"], " ")),
    }
    return pa.table([columns[name] for name in MAP_SCHEMA.names], schema=MAP_SCHEMA)
