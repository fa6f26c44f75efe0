"""Integer ids for concepts without an OMOP vocabulary: from the terminology or from the code, never from the data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..nlp.terminology.terminology import Terminology

LOCAL_BASE = 2_000_000_000
# A code outside the terminology is its own number: letters and digits read as a number, one block a vocabulary. Sized
# so that base_concept_id * 1000 + 999 stays below 2 ** 53: R and spreadsheets read ids as doubles.
SPELLED_BASE = 1_000_000_000_000
SPELLED_BLOCK = 400_000_000_000
SPELLED_VOCABULARIES = (
    "ICD10CM",
    "ICD9CM",
    "CPT4",
    "HCPCS",
    "ICD10PCS",
    "ICD9Proc",
    "NDC",
    "RxNorm",
    "LOINC",
    "SNOMED",
)
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
_LONGEST_SPELLED, _LONGEST_NUMBER = 7, 11
_NUMBERS = 100_000_000_000  # above every spelled code of 7 letters; numbers of 11 digits follow

# SNOMED semantic tag -> OMOP domain, as OMOP's own SNOMED load assigns it for the bulk of each hierarchy
DOMAINS = {
    "disorder": "Condition",
    "finding": "Condition",
    "morphologic abnormality": "Condition",
    "procedure": "Procedure",
    "regime/therapy": "Procedure",
    "product": "Drug",
    "medicinal product": "Drug",
    "clinical drug": "Drug",
    "substance": "Drug",
    "observable entity": "Measurement",
    "physical object": "Device",
}
CONDITION_VOCABULARIES = frozenset({"HPO", "Mondo", "ICD10CM", "ICD9CM", "ICD10"})


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept as the tables name it."""

    base_concept_id: int
    code: str
    name: str
    domain: str


CONCEPT_SCHEMA = pa.schema(
    [("base_concept_id", pa.int64()), ("code", pa.string()), ("name", pa.string()), ("domain", pa.string())]
)


def concept_table(concepts: Iterable[Concept]) -> pa.Table:
    """One row an id: a code seen in two claims tables has two domains, the first in order counts."""
    ordered = sorted(set(concepts), key=lambda concept: (concept.base_concept_id, concept.code, concept.domain))
    rows = list({concept.base_concept_id: concept for concept in reversed(ordered)}.values())[::-1]
    return pa.table(
        {name: [getattr(row, name) for row in rows] for name in CONCEPT_SCHEMA.names}, schema=CONCEPT_SCHEMA
    )


def spelled_id(vocabulary: str, code: str) -> int:
    """A number that spells the code: the same at every site, and no two codes share one. 0 where it cannot.

    >>> spelled_id("ICD10CM", "E11.9") == spelled_id("ICD10CM", "E119")
    True
    >>> spelled_id("LOCAL", "E119")
    0
    """
    if vocabulary not in SPELLED_VOCABULARIES:
        return 0
    start = SPELLED_BASE + SPELLED_VOCABULARIES.index(vocabulary) * SPELLED_BLOCK
    plain = code.upper().replace(".", "")
    if plain.isascii() and plain.isdigit() and len(plain) <= _LONGEST_NUMBER:
        return start + _NUMBERS + int("1" + plain)  # the 1 keeps leading zeros
    if not 0 < len(plain) <= _LONGEST_SPELLED or any(letter not in _LETTERS for letter in plain):
        return 0
    number = 0
    for letter in plain:
        number = number * len(_LETTERS) + _LETTERS.index(letter) + 1
    return start + number


class Registry:
    """Local concept ids of a terminology: 2,000,000,000 + the concept's rank in order of vocabulary and code."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology

    def sha256(self) -> str:
        """Fingerprint of the whole registry."""
        terminology = self._terminology
        digest = hashlib.sha256("\n".join(terminology.system_names).encode())
        for name in ("codes_blob", "codes_offsets", "concept_system"):
            array = np.ascontiguousarray(terminology.arrays[name])
            digest.update(f"{name}{array.dtype.str}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    def concept(self, base_concept_id: int) -> Concept:
        """The concept behind a local id."""
        index = base_concept_id - LOCAL_BASE
        terminology = self._terminology
        system = terminology.systems[index]
        default = "Condition" if system in CONDITION_VOCABULARIES else "Observation"
        domain = DOMAINS.get(terminology.semantic_tags[index], default)
        return Concept(base_concept_id, f"{system}/{terminology.codes[index]}", terminology.preferred[index], domain)

    def find(self, vocabulary: str, code: str) -> int:
        """Local id of a code; 0 where the terminology lacks it."""
        index = self._terminology.find(code, vocabulary)
        return LOCAL_BASE + index if index >= 0 else 0
