"""The headers under which code lists put their codes, names, systems and rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .code_system import system_in_name

DELIMITERS = ",\t;|"
_BLANK = re.compile(r"[^a-z0-9+]+")

# The most telling name first.
_CODE = (
    "code codes concept_code conceptcode snomed_code snomedcode snomedct_code snomedctcode snomed_ct_code"
    " snomedctconceptid snomed_concept_id snomed_id snomedct_id sctid sct_id conceptid icd10_code icd10code"
    " icd10cm_code icd_code icdcode icd10 readcode read_code ctv3id ctv3_id ctv3code ctv3 dmd_id dmd_code"
    " medcode source_code source_codes id"
).split()
_TERM = (
    "term terms preferred_term preferred fsn description desc descr code_description code_desc code_term display label"
    " snomed_term icd10codedescr icd10_description readterm rubric ctv3preferredtermdesc term_name concept_name name"
).split()
_SYSTEM = (
    "coding_system code_system codesystem codingsystem vocabulary vocabulary_id vocab system terminology code_type"
    " codetype"
).split()
_LIST = (
    "codelist codelist_name code_list code_list_name list list_name concept_set_name concept_set conceptset"
    " phenotype_name phenotype"
).split()
_EXCLUDED = "exclude excluded is_excluded isexcluded".split()
_DESCENDANTS = "descendants include_descendants includedescendants".split()
_MAPPED = "mapped include_mapped includemapped".split()


@dataclass(frozen=True, slots=True)
class ListColumns:
    """Where each column stands, -1 for one that is absent; `system_named` is the system in the code column's name."""

    width: int
    code: int
    concept_id: int
    term: int
    system: int
    group: int
    excluded: int
    descendants: int
    mapped: int
    system_named: str | None


def header_names(cells: Sequence[str]) -> list[str]:
    """Column names in one form: `Concept Code` as `concept_code`."""
    return [_BLANK.sub("_", cell.strip().strip("\"'").lower()).strip("_") for cell in cells]


def columns_of(header: Sequence[str]) -> ListColumns | None:
    """The columns of a code list by its header, or None if the line is no such header.

    >>> columns_of(["code", "term"]).term, columns_of(["22298006", "Myocardial infarction"])
    (1, None)
    """
    names = header_names(header)
    code = _place(names, _CODE)
    system = _place(names, _SYSTEM)
    concept_id = _place(names, ["concept_id"])
    if code < 0:
        code = next(
            (i for i, name in enumerate(names) if system_in_name(name) and name.endswith(("code", "codes", "id"))), -1
        )
    if code >= 0 and not (names[code] == "concept_code" or names.count("vocabulary") or names.count("vocabulary_id")):
        concept_id = -1  # HDR UK calls its own list number so
    if code < 0 and concept_id < 0:
        return None
    group = _place(names, _LIST)
    terms = [name for name in _TERM if name in names]
    if group < 0 and "concept_set_id" in names and "name" in names:
        group = names.index("name")
        terms = [name for name in terms if name != "name"]
    elif group < 0 and system >= 0 and "concept_name" in names and len(terms) > 1 and "concept_code" not in names:
        group = names.index("concept_name")  # HDR UK: the list is called a concept
    term = names.index(terms[0]) if terms else -1
    return ListColumns(
        width=len(names),
        code=code,
        concept_id=concept_id,
        term=term,
        system=system,
        group=group,
        excluded=_place(names, _EXCLUDED),
        descendants=_place(names, _DESCENDANTS),
        mapped=_place(names, _MAPPED),
        system_named=None if code < 0 else system_in_name(names[code]),
    )


def delimiter_of(header: str) -> str:
    """The delimiter that cuts the header into most columns that a code list has."""
    known = {*_CODE, *_TERM, *_SYSTEM, *_LIST, *_EXCLUDED, *_DESCENDANTS, *_MAPPED, "concept_id"}
    return max(DELIMITERS, key=lambda mark: sum(name in known for name in header_names(header.split(mark))))


def _place(names: Sequence[str], wanted: Sequence[str]) -> int:
    return next((names.index(name) for name in wanted if name in names), -1)
