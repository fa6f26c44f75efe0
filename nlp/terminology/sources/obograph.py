"""OBO-graph JSON, as ontologies publish it beside their OWL (https://github.com/geneontology/obographs).

Obsolete classes are left out; their replacements and the alternative ids of living ones are kept as redirects.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..source_term import SourceError
from .content import MATCHED_SCOPES, SourceContent, resolve_chains
from .obo_terms import OboRecord, curie, release_of, take_record

Json = dict[str, Any]
_SCOPES = {
    "hasExactSynonym": "EXACT",
    "hasRelatedSynonym": "RELATED",
    "hasBroadSynonym": "BROAD",
    "hasNarrowSynonym": "NARROW",
}
_ALTERNATIVE = "hasAlternativeId"
_REPLACED_BY = "IAO_0100001"
_CONSIDER = "oboInOwl#consider"
_IS_A = ("is_a", "http://www.w3.org/2000/01/rdf-schema#subClassOf", "subClassOf")


def is_obograph(document: object) -> bool:
    """Whether a JSON document is an OBO graph."""
    return isinstance(document, dict) and isinstance(document.get("graphs"), list)


def read_obograph(path: Path, document: Json, scopes: Collection[str] = MATCHED_SCOPES) -> SourceContent:
    """Read a parsed OBO graph document; synonyms of other scopes than `scopes` are left out and counted.

    Raises:
        SourceError: no classes in it, or more than half of them faulty.
    """
    content = SourceContent(path.name)
    count = 0
    for graph in document["graphs"]:
        if not isinstance(graph, dict):
            continue
        if content.release is None:
            content.release = _release(graph)
        nodes = graph.get("nodes")
        parents = _parents(graph.get("edges"))
        for node in nodes if isinstance(nodes, list) else []:
            record = _record(node)
            if record is None:
                continue
            count += 1
            record.parents = parents.get(record.id, [])
            take_record(record, content, f"{path.name}#{curie(record.id)[:30]}", scopes)
    if count == 0:
        raise SourceError(
            path, None, "The OBO graph has no classes", "Give the full ontology, not a module with properties only"
        )
    content.drops.refuse_mostly_bad(path, count)
    content.redirects = resolve_chains(content.redirects)
    return content


def _release(graph: Json) -> str | None:
    meta = graph.get("meta")
    version = meta.get("version") if isinstance(meta, dict) else None
    return release_of(version) if isinstance(version, str) else None


def _record(node: object) -> OboRecord | None:
    """The node's record, or None for properties, individuals and classes that are only referred to."""
    if not isinstance(node, dict) or node.get("type") != "CLASS":
        return None
    meta = node.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    record = OboRecord(str(node.get("id") or ""), str(node.get("lbl") or "").strip(), meta.get("deprecated") is True)
    if not record.name and not record.obsolete:
        return None  # a class of another ontology that an axiom mentions
    for synonym in meta.get("synonyms") or ():
        scope = _SCOPES.get(synonym.get("pred", ""), "RELATED")
        record.synonyms.append((str(synonym.get("val") or "").strip(), scope, str(synonym.get("synonymType") or "")))
    for item in meta.get("basicPropertyValues") or ():
        predicate = str(item.get("pred") or "")
        if predicate.endswith(_ALTERNATIVE):
            record.alternative_ids.append(str(item.get("val")))
        elif predicate.endswith(_REPLACED_BY):
            record.replaced_by.append(str(item.get("val")))
        elif predicate.endswith(_CONSIDER):
            record.consider.append(str(item.get("val")))
    record.xrefs = [str(xref["val"]) for xref in meta.get("xrefs") or () if isinstance(xref, dict) and "val" in xref]
    return record


def _parents(edges: object) -> dict[str, list[str]]:
    """Parents of each class by `is_a` edges; other edges (part of, ...) are no hierarchy."""
    parents: dict[str, list[str]] = {}
    for edge in edges if isinstance(edges, list) else []:
        if isinstance(edge, dict) and edge.get("pred") in _IS_A:
            parents.setdefault(str(edge.get("sub")), []).append(str(edge.get("obj")))
    return parents
