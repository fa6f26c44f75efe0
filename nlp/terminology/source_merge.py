"""What several sources say of one code, put together: the first source that has something to say is heard."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from .chronic import is_chronic
from .rows import ConceptRow, Relations
from .sources.content import SourceContent

Key = tuple[str, str]


class RedirectedCodes:
    """Which codes the redirects concern. They name codes without their system, and systems of plain numbers share codes
    (RxNorm and CPT4): where a code is known as retired, its redirect holds in the systems that retired it only."""

    def __init__(self, redirects: Mapping[str, str], retired: Collection[Key]) -> None:
        self._redirects = redirects
        self._retired = retired
        self._codes = {code for _, code in retired if code in redirects}

    def successor(self, key: Key) -> Key | None:
        """The code that stands for a redirected one, whether a source has it or not; None for others."""
        system, code = key
        if code not in self._redirects or (code in self._codes and key not in self._retired):
            return None
        return system, self._redirects[code]


def merged_concepts(sources: list[SourceContent], redirected: RedirectedCodes) -> dict[Key, ConceptRow]:
    """Every code once, in order of first appearance; redirected codes only if their successor is in no source.

    The first source that has a code gives its preferred name; the first that knows them its semantic tag, OMOP concept
    id and restriction.
    """
    concepts: dict[Key, ConceptRow] = {}
    chronic: set[Key] = set()
    concept_ids: dict[Key, int] = {}
    restrictions: dict[Key, int] = {}
    for source in reversed(sources):  # the first source wins
        concept_ids.update(source.concept_ids)
        restrictions.update(source.restrictions)
    for source in sources:
        for term in source.terms:
            key = (term.system, term.code)
            if key not in concepts:
                concepts[key] = ConceptRow(
                    term.code,
                    term.system,
                    term.preferred,
                    term.semantic_tag,
                    is_chronic(term.system, term.code, term.preferred),
                    concept_ids.get(key, 0),
                    restrictions.get(key, 0),
                )
            elif term.semantic_tag and concepts[key].semantic_tag is None:
                concepts[key] = replace(concepts[key], semantic_tag=term.semantic_tag)
            if term.chronic:
                chronic.add(key)
    moved = [(key, successor) for key in concepts if (successor := redirected.successor(key)) and successor in concepts]
    for key, successor in moved:
        if key in chronic or concepts[key].chronic:
            chronic.add(successor)
        del concepts[key]
    for key in chronic:
        if key in concepts:
            concepts[key] = replace(concepts[key], chronic=True)
    return concepts


def merged_relations(sources: list[SourceContent], concepts: dict[Key, ConceptRow]) -> Relations:
    """Everything that the sources say beyond names; a code that is in use in one source is not retired."""
    relations = Relations()
    for source in sources:
        for system, edges in source.isa.items():
            relations.isa.extend((system, child, parent) for child, parent in edges)
        for refset, members in source.refsets.items():
            relations.refsets.setdefault(refset, []).extend(members)
        for key, retired in source.retired.items():
            if key not in concepts:
                relations.retired.setdefault(key, retired)
        relations.maps.extend(source.maps)
    return relations
