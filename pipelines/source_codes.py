"""Which vocabulary a claims code is from, told by its form where the source does not say."""

from __future__ import annotations

import re

from ..nlp.terminology.systems import canonical_system, is_concept_id, tidy_code

_ICD9 = re.compile(r"\d{3}(\.?\d{1,2})?|V\d\d(\.?\d{1,2})?|E[89]\d\d\.\d")
_ICD10CM = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?")
_NDC = re.compile(r"\d{11}|\d{4,5}-\d{3,4}-\d{1,2}")
_RXNORM = re.compile(r"\d{2,8}")
_CPT4 = re.compile(r"\d{5}|\d{4}[FTUM]")
_HCPCS = re.compile(r"[A-V]\d{4}")
_ICD10PCS = re.compile(r"[0-9A-HJ-NP-Z]{7}")
_ICD9PROC = re.compile(r"\d\d\.\d{1,2}")
_LOINC = re.compile(r"\d{1,5}-\d")
_PREFIXED = re.compile(
    r"(ICD10CM|ICD9CM|ICD10PCS|ICD9Proc|ICD10|CPT4|HCPCS|NDC|RxNorm|LOINC|SNOMED|HPO|CVX|ATC)[/:]\s*(\S.*)",
    re.IGNORECASE,
)
_SPELLING = {
    name.lower(): name
    for name in (
        "ICD10CM",
        "ICD9CM",
        "ICD10PCS",
        "ICD9Proc",
        "ICD10",
        "CPT4",
        "HCPCS",
        "NDC",
        "RxNorm",
        "LOINC",
        "SNOMED",
        "HPO",
        "CVX",
        "ATC",
    )
}
_BY_DOMAIN: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "Condition": ((_ICD9, "ICD9CM"), (_ICD10CM, "ICD10CM")),
    "Drug": ((_NDC, "NDC"), (_RXNORM, "RxNorm"), (_HCPCS, "HCPCS")),
    "Procedure": ((_CPT4, "CPT4"), (_HCPCS, "HCPCS"), (_ICD9PROC, "ICD9Proc"), (_ICD10PCS, "ICD10PCS")),
    "Measurement": ((_LOINC, "LOINC"), (_CPT4, "CPT4"), (_HCPCS, "HCPCS")),
    "Observation": ((_LOINC, "LOINC"), (_HCPCS, "HCPCS"), (_ICD9, "ICD9CM"), (_ICD10CM, "ICD10CM")),
}
LOCAL = "LOCAL"


def vocabulary_and_code(domain: str, source_value: str) -> tuple[str, str]:
    """Vocabulary (OMOP name, `LOCAL` if unknown) and code as its publisher writes it.

    >>> vocabulary_and_code("Condition", "E119")
    ('ICD10CM', 'E11.9')
    >>> vocabulary_and_code("Condition", "250.00"), vocabulary_and_code("Procedure", "99213")
    (('ICD9CM', '250.00'), ('CPT4', '99213'))
    """
    value = source_value.strip()
    prefixed = _PREFIXED.fullmatch(value)
    if prefixed:
        vocabulary, code = _SPELLING[prefixed[1].lower()], prefixed[2]
        return vocabulary, _dotted(code, vocabulary)
    upper = value.upper()
    for pattern, vocabulary in _BY_DOMAIN.get(domain, ()):
        if pattern.fullmatch(upper):
            return vocabulary, _dotted(upper, vocabulary)
    if domain != "Drug" and is_concept_id(value):  # a check digit and a partition: hardly by chance
        return "SNOMED", value
    return LOCAL, value


def code_of_vocabulary(vocabulary: str, source_value: str) -> tuple[str, str]:
    """As `vocabulary_and_code`, where the source says which vocabulary its code is from.

    >>> code_of_vocabulary("ICD-10-CM", "E1121"), code_of_vocabulary("ICD9Proc", "3995")
    (('ICD10CM', 'E11.21'), ('ICD9Proc', '39.95'))
    """
    system = canonical_system(vocabulary)
    code = tidy_code(system, source_value)
    if system in ("ICD10CM", "ICD9CM", "ICD10PCS", "ICD9Proc", "CPT4", "HCPCS"):
        code = code.upper()
    if system == "ICD9Proc" and "." not in code and len(code) > 2:
        code = f"{code[:2]}.{code[2:]}"
    return system, _dotted(code, system)


def _dotted(code: str, vocabulary: str) -> str:
    if vocabulary not in ("ICD10CM", "ICD9CM") or "." in code:
        return code
    head = 4 if vocabulary == "ICD9CM" and code.startswith("E") else 3
    return f"{code[:head]}.{code[head:]}" if len(code) > head else code
