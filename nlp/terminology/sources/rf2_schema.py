"""The file kinds of a SNOMED CT release (RF2), told from their header lines, and the identifiers that readers need.

Source of the layouts: SNOMED CT Release File Specifications, "Release Format 2" (docs.snomed.org). Names carry only the
release type (Full, Snapshot, Delta); what a file holds is told from its columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

FSN = 900000000000003001
SYNONYM = 900000000000013009
PREFERRED = 900000000000548007
ACCEPTABLE = 900000000000549004
IS_A = 116680003
INFERRED = 900000000000011006
STATED = 900000000000010007
OWL_AXIOMS = 733073007
CONCEPT_INACTIVATION = 900000000000489007
SAME_AS = 900000000000527005
REPLACED_BY = 900000000000526001
ASSOCIATIONS = {
    SAME_AS: "SAME AS",
    REPLACED_BY: "REPLACED BY",
    900000000000523009: "POSSIBLY EQUIVALENT TO",
    900000000000530003: "ALTERNATIVE",
}
"""Names for releases that lack the concept of the reference set; others are named by that concept."""
MAP_SYSTEMS = {6011000124106: "ICD10CM", 447562003: "ICD10", 446608001: "ICDO3"}
UNPUBLISHED = 99_999_999
"""Stands for an empty effectiveTime: a row that was exported before its release is newer than any published one."""

Kind = Literal[
    "concept", "description", "relationship", "simple", "language", "association", "attribute", "owl", "map", "unused"
]


@dataclass(frozen=True, slots=True)
class Layout:
    """What is read of one kind of file: `columns` with their types; `key` is the identifier's type (SCTID or UUID)."""

    kind: Kind
    columns: dict[str, pa.DataType]
    key: Literal["sctid", "uuid"]


_VERSION = {"effectiveTime": pa.int32(), "active": pa.int8()}
_CONCEPT = ("id", "effectiveTime", "active", "moduleId", "definitionStatusId")
_DESCRIPTION = (*_CONCEPT[:4], "conceptId", "languageCode", "typeId", "term", "caseSignificanceId")
_ENDS = ("relationshipGroup", "typeId", "characteristicTypeId", "modifierId")
_RELATIONSHIP = (*_CONCEPT[:4], "sourceId", "destinationId", *_ENDS)
_CONCRETE = (*_CONCEPT[:4], "sourceId", "value", *_ENDS)
_MEMBER = (*_CONCEPT[:4], "refsetId", "referencedComponentId")
_MAP = ("mapGroup", "mapPriority", "mapRule", "mapAdvice", "mapTarget")

_MEMBER_TYPES = {"id": pa.string(), **_VERSION, "refsetId": pa.int64(), "referencedComponentId": pa.int64()}
LAYOUTS: dict[Kind, Layout] = {
    "concept": Layout("concept", {"id": pa.int64(), **_VERSION, "moduleId": pa.int64()}, "sctid"),
    "description": Layout(
        "description",
        {
            "id": pa.int64(),
            **_VERSION,
            "conceptId": pa.int64(),
            "languageCode": pa.string(),
            "typeId": pa.int64(),
            "term": pa.string(),
        },
        "sctid",
    ),
    "relationship": Layout(
        "relationship",
        {
            "id": pa.int64(),
            **_VERSION,
            "sourceId": pa.int64(),
            "destinationId": pa.int64(),
            "typeId": pa.int64(),
            "characteristicTypeId": pa.int64(),
        },
        "sctid",
    ),
    "simple": Layout("simple", _MEMBER_TYPES, "uuid"),
    "language": Layout("language", {**_MEMBER_TYPES, "acceptabilityId": pa.int64()}, "uuid"),
    "association": Layout("association", {**_MEMBER_TYPES, "targetComponentId": pa.int64()}, "uuid"),
    "attribute": Layout("attribute", {**_MEMBER_TYPES, "valueId": pa.int64()}, "uuid"),
    "owl": Layout("owl", {**_MEMBER_TYPES, "owlExpression": pa.string()}, "uuid"),
    "map": Layout(
        "map",
        {
            **_MEMBER_TYPES,
            "mapGroup": pa.int32(),
            "mapPriority": pa.int32(),
            "mapRule": pa.string(),
            "mapTarget": pa.string(),
        },
        "uuid",
    ),
}

_EXACT: dict[tuple[str, ...], Kind] = {
    _CONCEPT: "concept",
    _DESCRIPTION: "description",
    _RELATIONSHIP: "relationship",
    _CONCRETE: "unused",
    ("alternateIdentifier", *_CONCEPT[1:4], "identifierSchemeId", "referencedComponentId"): "unused",
    ("identifierSchemeId", "alternateIdentifier", *_CONCEPT[1:4], "referencedComponentId"): "unused",
}
_MEMBERS: dict[tuple[str, ...], Kind] = {
    (): "simple",
    ("acceptabilityId",): "language",
    ("targetComponentId",): "association",
    ("valueId",): "attribute",
    ("owlExpression",): "owl",
    (*_MAP, "correlationId"): "map",
    (*_MAP, "correlationId", "mapCategoryId"): "map",
    (*_MAP, "correlationId", "mapBlock"): "map",
    ("mapTarget",): "map",
}


def kind_of(columns: tuple[str, ...]) -> Kind | None:
    """What a file with these columns holds, `unused` for RF2 files that have nothing to read here; None if no RF2.

    >>> kind_of(("id", "effectiveTime", "active", "moduleId", "definitionStatusId"))
    'concept'
    """
    if columns in _EXACT:
        return _EXACT[columns]
    if columns[:6] == _MEMBER:
        return _MEMBERS.get(columns[6:], "unused")
    return None
