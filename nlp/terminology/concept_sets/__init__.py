"""Concept sets: lists of codes with rules, as phenotype libraries publish them, and what they mean in a terminology."""

from .concept_set import ConceptSet, ConceptSetItem, ItemNote
from .read import read_concept_sets
from .resolution import ResolutionReport, ResolvedSet
from .resolve import resolve

__all__ = [
    "ConceptSet",
    "ConceptSetItem",
    "ItemNote",
    "ResolutionReport",
    "ResolvedSet",
    "read_concept_sets",
    "resolve",
]
