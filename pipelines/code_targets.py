"""What a claims code stands for: the standard concepts that the terminology's maps, the terminology itself or the
project's small ICD-10-CM table give for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .concepts import LOCAL_BASE, Concept, Registry, spelled_id
from .mappings import Mapped, undotted
from .source_codes import LOCAL

MAPS_TO = "Maps to"
TOP_UNMAPPED = 10
# 10-digit NDCs are printed with hyphens as 4-4-2, 5-3-2 or 5-4-1; claims and OMOP write 5-4-2 without (FDA, 21 CFR 207)
_NDC_PARTS = re.compile(r"(\d{4,5})-(\d{3,4})-(\d{1,2})")


def eleven_digits(ndc: str) -> str:
    """An NDC as OMOP writes it; a code that is not in three parts is returned as it is.

    >>> eleven_digits("0093-1048-01"), eleven_digits("00093104801")
    ('00093104801', '00093104801')
    """
    parts = _NDC_PARTS.fullmatch(ndc.strip())
    return parts[1].zfill(5) + parts[2].zfill(4) + parts[3].zfill(2) if parts else ndc


@dataclass(frozen=True, slots=True)
class CodeTargets:
    """Look-up from source code to concepts.

    Where the terminology has maps of the code's vocabulary (built from an OMOP vocabulary download), these count, and
    a code that they lack is only looked up as a concept of the terminology. Without such maps a code of the terminology
    is its own concept, and an ICD-10-CM code goes through `shipped`, the project's small table.
    """

    registry: Registry
    shipped: Mapping[str, list[Mapped]]

    def of(self, vocabulary: str, code: str) -> list[Concept]:
        """The concepts, in order of their ids; several where the code says several things, [] if unmapped."""
        maps = self.registry.terminology.maps
        registry = self.registry
        if vocabulary in maps.systems:
            key = eleven_digits(code) if vocabulary == "NDC" else code
            targets = [target for target in maps.targets(vocabulary, key) if target.relationship == MAPS_TO]
            concepts = {
                concept.base_concept_id or concept.code: concept
                for target in targets
                for concept in [
                    self._concept(target.system, target.code, target.concept_id, target.name, target.domain)
                ]
            }
            if concepts:
                return sorted(concepts.values(), key=lambda concept: (concept.base_concept_id, concept.code))
        found = registry.find(vocabulary, code)
        if found:
            return [registry.concept(found)]
        if vocabulary != "ICD10CM" or vocabulary in maps.systems:
            return []
        numbers = {registry.find("SNOMED", target.snomed) for target in self.shipped.get(undotted(code), [])} - {0}
        return [registry.concept(number) for number in sorted(numbers)]

    def _concept(self, system: str, code: str, concept_id: int, name: str, domain: str) -> Concept:
        found = self.registry.find(system, code)
        if found:
            return self.registry.concept(found)
        # a site's own OMOP concepts have numbers that local ids have too
        number = concept_id if 0 < concept_id < LOCAL_BASE else spelled_id(system, code)
        return Concept(number, f"{system}/{code}", name, domain)


@dataclass(slots=True)
class UnmappedCodes:
    """Codes that stand for no concept, by vocabulary, for the run's books."""

    rows: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, vocabulary: str, code: str, rows: int) -> None:
        """Count the rows of one code."""
        codes = self.rows.setdefault(vocabulary, {})
        codes[code] = codes.get(code, 0) + rows

    def by_vocabulary(self) -> dict[str, dict[str, Any]]:
        """Codes, rows and the codes with most rows of each vocabulary. Codes of no known vocabulary are counted but
        not listed: such a cell may hold anything, a name too."""
        return {
            vocabulary: {
                "codes": len(codes),
                "rows": sum(codes.values()),
                "top": {}
                if vocabulary == LOCAL
                else dict(sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP_UNMAPPED]),
            }
            for vocabulary, codes in sorted(self.rows.items())
        }
