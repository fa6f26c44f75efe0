"""What became of retired concepts: why they were retired, and which concepts stand in their place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..retired import RetiredCode
from .rf2_concepts import Concepts
from .rf2_files import Release
from .rf2_names import Names
from .rf2_rows import ReadLog, count_drops, read_rows
from .rf2_schema import ASSOCIATIONS, CONCEPT_INACTIVATION, REPLACED_BY, SAME_AS
from .rf2_versions import members_in_use, newest, places

_ASSOCIATION = re.compile(r"\s*association ref(?:erence )?set.*", re.IGNORECASE)


@dataclass(slots=True)
class History:
    """`retired` by (system, code), and `redirects` of those with exactly one successor in use."""

    retired: dict[tuple[str, str], RetiredCode] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)


def read_history(release: Release, concepts: Concepts, names: Names, log: ReadLog) -> History:
    """Read the historical associations and the reasons of inactivation."""
    reasons = _reasons(release, concepts, names, log)
    associations = _associations(release, concepts, log)
    history = History()
    words: dict[int, str] = {}
    same: dict[int, list[int]] = {}
    successors: dict[int, list[tuple[str, str]]] = {}
    for concept, refset, target in associations:
        word = words.get(refset) or words.setdefault(refset, _association_name(refset, concepts, names))
        successors.setdefault(concept, []).append((word, str(target)))
        if refset in (SAME_AS, REPLACED_BY):
            same.setdefault(concept, []).append(target)
    codes = concepts.codes
    for concept in np.flatnonzero(~concepts.active).tolist():
        key = ("SNOMED", codes[concept])
        name, reason = names.preferred[concept] or "", reasons.get(concept, "")
        history.retired[key] = RetiredCode(name, reason, tuple(successors.get(concept, ())))
    number = {int(concepts.ids[concept]): concept for concept in same}
    in_use = {target for targets in same.values() for target in targets}
    found = np.array(sorted(in_use), np.int64)
    place = concepts.find(found)
    living = {int(code) for code in found[(place >= 0) & concepts.active[place]]} if len(found) else set()
    for concept in same:
        ends = _ends(concept, same, number, living)
        if len(ends) == 1:
            history.redirects[codes[concept]] = str(ends.pop())
    return history


def _ends(concept: int, same: dict[int, list[int]], number: dict[int, int], living: set[int]) -> set[int]:
    """The concepts in use at which the chains from a retired concept end; circles end nowhere."""
    ends: set[int] = set()
    seen = {concept}
    waiting = [concept]
    while waiting:
        for target in same[waiting.pop()]:
            if target in living:
                ends.add(target)
            elif (further := number.get(target)) is not None and further not in seen:
                seen.add(further)
                waiting.append(further)
    return ends


def _associations(release: Release, concepts: Concepts, log: ReadLog) -> list[tuple[int, int, int]]:
    """(concept, reference set, target) of retired concepts, ordered; the concept by its place."""
    files = release.of("association")
    table = members_in_use(newest(read_rows(files, "association", log), files, log), files, log, "association")
    concept = concepts.find(np.asarray(table["referencedComponentId"]))
    historical = (concept >= 0) & ~concepts.active[concept] if len(concepts.ids) else np.zeros(len(table), bool)
    if not historical.all():
        where = places(table, ~historical, files)
        count_drops(log.drops, "association_not_of_a_retired_concept", int((~historical).sum()), where)
    table, concept = table.filter(pa.array(historical)), concept[historical]
    refset, target = np.asarray(table["refsetId"]), np.asarray(table["targetComponentId"])
    order = np.lexsort((target, refset, concept))
    columns = (concept[order].tolist(), refset[order].tolist(), target[order].tolist())
    return list(dict.fromkeys(zip(*columns, strict=True)))


def _association_name(refset: int, concepts: Concepts, names: Names) -> str:
    if refset in ASSOCIATIONS:
        return ASSOCIATIONS[refset]
    name = _name(refset, concepts, names)
    return _ASSOCIATION.sub("", name) or f"association {refset}"


def _reasons(release: Release, concepts: Concepts, names: Names, log: ReadLog) -> dict[int, str]:
    """Reasons in lower case (`duplicate`, `ambiguous`) by the place of the concept."""
    files = release.of("attribute")
    table = newest(read_rows(files, "attribute", log, _of_concepts), files, log)
    table = members_in_use(table, files, log, "inactivation_reason")
    concept = concepts.find(np.asarray(table["referencedComponentId"]))
    words: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for place, value in zip(concept.tolist(), table["valueId"].to_pylist(), strict=True):
        if value not in words:
            plain = re.sub(r"\bcomponent\b", "", _name(value, concepts, names), flags=re.IGNORECASE)
            words[value] = " ".join(plain.split()).lower() or f"reason {value}"
        if place >= 0:
            reasons.setdefault(place, words[value])
    return reasons


def _of_concepts(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    # The other sets of this kind give reasons for descriptions, and mark concepts whose descriptions are not current.
    wanted = np.asarray(table["refsetId"]) == CONCEPT_INACTIVATION
    others = int((~wanted).sum())
    return table.filter(pa.array(wanted)), {"reason_not_of_a_concept": others} if others else {}


def _name(number: int, concepts: Concepts, names: Names) -> str:
    place = int(concepts.find(np.array([number]))[0])
    return (names.preferred[place] or "") if place >= 0 else ""
