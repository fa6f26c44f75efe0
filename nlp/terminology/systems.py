"""Names of code systems, and the checks that a code of each must pass.

Canonical names are those of the OMOP vocabulary table (`SNOMED`, `ICD10CM`, ...); the spellings of FHIR, UMLS and OBO
are aliases.
"""

from __future__ import annotations

import re
from sys import intern

_ALIASES: dict[str, tuple[str, ...]] = {
    "SNOMED": (
        "SNOMEDCT",
        "SNOMEDCT_US",
        "SNOMED-CT",
        "SNOMED_CT",
        "SNOMED CT",
        "SCT",
        "SCTID",
        "http://snomed.info/sct",
        "2.16.840.1.113883.6.96",
    ),
    "HPO": (
        "HP",
        "http://human-phenotype-ontology.org",
        "http://purl.obolibrary.org/obo/hp.owl",
        "http://purl.obolibrary.org/obo/hp.fhir",
    ),
    "Mondo": ("MONDO", "http://purl.obolibrary.org/obo/mondo.owl"),
    "DOID": ("DO", "Disease Ontology", "http://purl.obolibrary.org/obo/doid.owl"),
    "ICD10CM": ("ICD10-CM", "ICD-10-CM", "http://hl7.org/fhir/sid/icd-10-cm", "2.16.840.1.113883.6.90"),
    "ICD10": ("ICD-10", "http://hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.3"),
    "ICD10PCS": (
        "ICD-10-PCS",
        "http://hl7.org/fhir/sid/icd-10-pcs",
        "http://www.cms.gov/Medicare/Coding/ICD10",
        "2.16.840.1.113883.6.4",
    ),
    "ICD9CM": ("ICD9", "ICD-9", "ICD9-CM", "ICD-9-CM", "http://hl7.org/fhir/sid/icd-9-cm", "2.16.840.1.113883.6.103"),
    "ICD9Proc": ("ICD9PROC", "http://hl7.org/fhir/sid/icd-9-cm/procedure", "2.16.840.1.113883.6.104"),
    "RxNorm": ("RXNORM", "http://www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88"),
    "LOINC": ("LNC", "http://loinc.org", "2.16.840.1.113883.6.1"),
    "CPT4": ("CPT", "CPT-4", "http://www.ama-assn.org/go/cpt", "2.16.840.1.113883.6.12"),
    "HCPCS": ("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "2.16.840.1.113883.6.285"),
    "NDC": ("http://hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69"),
    "CVX": ("http://hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292"),
    "ATC": ("http://www.whocc.no/atc",),
    "UCUM": ("http://unitsofmeasure.org",),
    "MeSH": ("MSH", "https://meshb.nlm.nih.gov"),
    "OMOP": ("https://fhir-terminology.ohdsi.org",),
    "OMIM": ("MIM", "https://omim.org"),
    "Orphanet": ("ORPHA", "ORDO", "http://www.orpha.net"),
    "NCIt": ("NCI", "NCIT", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"),
    "UMLS": ("CUI", "http://www.nlm.nih.gov/research/umls"),
}

_CANONICAL: dict[str, str] = {
    alias.casefold(): name for name, aliases in _ALIASES.items() for alias in (name, *aliases)
}

# Only systems whose identifiers have one known shape; a check that is too strict would drop good rows of other systems.
_SHAPES: dict[str, re.Pattern[str]] = {
    "SNOMED": re.compile(r"[1-9][0-9]{5,17}"),
    "HPO": re.compile(r"HP:[0-9]{7}"),
    "Mondo": re.compile(r"MONDO:[0-9]{7}"),
}
_OBO_CODE = re.compile(r"(?:https?://purl\.obolibrary\.org/obo/)?([A-Za-z]+)[_:]([0-9]+)")
_FLOAT = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]+|[0-9]+\.[0-9]*")

# D5 multiplication and the permutation of Verhoeff's scheme (SNOMED CT Technical Implementation Guide, check-digit).
_D5 = tuple(
    tuple(
        (i + j) % 5 if i < 5 and j < 5 else (i + j) % 5 + 5 if i < 5 else (i - j) % 5 + 5 if j < 5 else (i - j) % 5
        for j in range(10)
    )
    for i in range(10)
)


def _permutations() -> tuple[tuple[int, ...], ...]:
    base = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(base[digit] for digit in rows[-1]))
    return tuple(rows)


_PERMUTED = _permutations()


def canonical_system(name: str) -> str:
    """The OMOP vocabulary name of a code system; an unknown name is returned as it is, without outer blanks.

    A versioned FHIR uri (`http://snomed.info/sct|...`, `http://snomed.info/sct/731000124108/version/...`) reads as
    its base.
    """
    key = name.strip()
    if key.lower().startswith("urn:oid:"):
        key = key[8:]
    key = key.split("|", 1)[0].rstrip("/")
    folded = key.casefold()
    if folded in _CANONICAL:
        return _CANONICAL[folded]
    if folded.startswith("http://snomed.info/sct/"):
        return "SNOMED"
    return intern(key)


def verhoeff_ok(digits: str) -> bool:
    """Whether the last digit is the Verhoeff check digit of the ones before it, as in every SNOMED CT identifier."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _D5[check][_PERMUTED[place % 8][ord(digit) - 48]]
    return check == 0


def is_concept_id(code: str) -> bool:
    """Whether a string is a well-formed SNOMED CT concept identifier (shape, partition and check digit)."""
    return code_fault("SNOMED", code) is None


def tidy_code(system: str, code: str) -> str:
    """The code in its system's own form: `HP_0001250` and its purl are `HP:0001250`; other systems' codes lose
    outer blanks only."""
    code = code.strip()
    if system in ("HPO", "Mondo", "DOID"):
        match = _OBO_CODE.fullmatch(code)
        if match:
            return f"{match[1].upper()}:{match[2]}"
    return code


def code_fault(system: str, code: str) -> str | None:
    """Why a tidy code cannot be one of its system, as a short reason, or None if nothing speaks against it."""
    if not code:
        return "empty_code"
    shape = _SHAPES.get(system)
    if shape is None:
        return None
    if not shape.fullmatch(code):
        if system == "SNOMED" and _FLOAT.fullmatch(code):
            return "spreadsheet_number"
        return "malformed_code"
    if system != "SNOMED":
        return None
    if not verhoeff_ok(code):
        # Spreadsheets keep 15 significant digits and fill with zeros.
        return "spreadsheet_number" if len(code) > 15 and code.endswith("0") else "check_digit"
    if code[-3:-1] in ("01", "11"):
        return "description_id"
    if code[-3:-1] not in ("00", "10"):
        return "not_a_concept_id"
    return None


def looks_like_code(system: str, text: str) -> bool:
    """Whether a term cell holds what can only be a code of the system; the sign of swapped columns."""
    return system in _SHAPES and code_fault(system, tidy_code(system, text)) in (None, "description_id")


FAULT_REMEDIES: dict[str, str] = {
    "empty_code": "Fill the code column",
    "empty_term": "Fill the term column",
    "empty_system": "Fill the system column, with SNOMED, HPO or another vocabulary name",
    "spreadsheet_number": (
        "A spreadsheet turned the codes into numbers; export them again from the source with the code column as text"
    ),
    "malformed_code": "Give codes in the form of their system, such as 22298006 for SNOMED or HP:0001250 for HPO",
    "check_digit": "SNOMED ids end in a check digit; export the codes again from their source, as text",
    "description_id": "Use concept ids; these are ids of descriptions",
    "not_a_concept_id": "Use concept ids; these are ids of other SNOMED components",
    "swapped_columns": "The code and term columns are swapped; correct the header or the columns",
    "bad_effective_time": "effectiveTime is a date such as 20240131; fetch the release again",
    "bad_active_flag": "The active column holds 0 or 1; fetch the release again",
    "wrong_partition": "The ids are those of another kind of SNOMED CT component; fetch the release again",
    "unknown_concept": "Put the extension or Delta into one folder with the release that it builds on",
    "is_a_unknown_concept": "Put the extension or Delta into one folder with the release that it builds on",
    "conflicting_versions": "Two rows have one id and date but differ, the first was taken; fetch the release again",
    "wrong_cell_count": "Give every row as many cells as the header has",
    "malformed_concept_id": "OMOP concept ids are whole numbers; export the table again",
    "doubled_concept_id": "Give each concept id once; do not append one download to another",
}
