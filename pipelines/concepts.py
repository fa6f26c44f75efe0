"""Integer ids of concepts: OMOP's where the terminology has them, else from the terminology or from the code, never
from the data."""

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
# The domain of concepts without such a tag, by vocabulary; Observation for all others
VOCABULARY_DOMAINS = {
    **dict.fromkeys(("HPO", "Mondo", "ICD10CM", "ICD9CM", "ICD10"), "Condition"),
    **dict.fromkeys(("RxNorm", "RxNorm Extension", "NDC", "ATC", "CVX"), "Drug"),
    **dict.fromkeys(("CPT4", "HCPCS", "ICD10PCS", "ICD9Proc"), "Procedure"),
    "LOINC": "Measurement",
}


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


def base_concept_ids(terminology: Terminology) -> np.ndarray:
    """[n_concepts] int64: each concept's OMOP concept id where the terminology has one, else 2,000,000,000 + its rank
    in order of vocabulary and code.

    OMOP gives a site's own concepts ids above 2,000,000,000; as these could meet a rank, such a concept keeps its rank.
    So does the second of two concepts with one OMOP id.
    """
    numbers = LOCAL_BASE + np.arange(terminology.n_concepts, dtype=np.int64)
    given = terminology.concept_ids
    usable = np.flatnonzero((given > 0) & (given < LOCAL_BASE))
    _, first = np.unique(given[usable], return_index=True)
    usable = usable[first]
    numbers[usable] = given[usable]
    return numbers


class Registry:
    """Base concept ids of a terminology (see `base_concept_ids`), and the way back from them."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        self._numbers = base_concept_ids(terminology)
        self._order = np.argsort(self._numbers)

    def sha256(self) -> str:
        """Fingerprint of the whole registry. OMOP ids are in it where there are any."""
        terminology = self.terminology
        digest = hashlib.sha256("\n".join(terminology.system_names).encode())
        names = ["codes_blob", "codes_offsets", "concept_system"]
        if terminology.concept_ids.any():
            names.append("concept_ids")
        for name in names:
            array = np.ascontiguousarray(terminology.arrays[name])
            digest.update(f"{name}{array.dtype.str}".encode())
            digest.update(array.data)
        return digest.hexdigest()

    def concept(self, base_concept_id: int) -> Concept:
        """The concept behind an id that `find` gave or that stands in `evidence`. Raises KeyError for another."""
        index = self._index(base_concept_id)
        if index < 0:
            raise KeyError(base_concept_id)
        terminology = self.terminology
        system = terminology.systems[index]
        default = VOCABULARY_DOMAINS.get(system, "Observation")
        domain = DOMAINS.get(terminology.semantic_tags[index], default)
        return Concept(base_concept_id, f"{system}/{terminology.codes[index]}", terminology.preferred[index], domain)

    def find(self, vocabulary: str, code: str) -> int:
        """Base concept id of a code; 0 where the terminology lacks it."""
        index = self.terminology.find(code, vocabulary)
        return int(self._numbers[index]) if index >= 0 else 0

    def __contains__(self, base_concept_id: int) -> bool:
        return self._index(base_concept_id) >= 0

    def _index(self, base_concept_id: int) -> int:
        place = int(np.searchsorted(self._numbers, base_concept_id, sorter=self._order))
        if place < len(self._order) and self._numbers[self._order[place]] == base_concept_id:
            return int(self._order[place])
        return -1
