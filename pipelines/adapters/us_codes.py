"""Code systems and demographic codes of United States claims, as SQL."""

from __future__ import annotations

from .sql_names import choose

# OMOP concepts
SEX = {"1": 8507, "2": 8532}
RACE = {"1": 8527, "2": 8516, "4": 8515, "6": 8657}
HISPANIC, NOT_HISPANIC = 38003563, 38003564
INPATIENT, OUTPATIENT = 9201, 9202
FIRST_ICD10_DAY = "2015-10-01"  # claims with services from this day on carry ICD-10 (CMS)


def procedure_system(code: str) -> str:
    """CPT has five digits, or four and F, T, U or M; HCPCS level II a letter and four digits."""
    return f"CASE WHEN regexp_full_match(upper({code}), '\\d{{5}}|\\d{{4}}[FTUM]') THEN 'CPT4' ELSE 'HCPCS' END"


def versioned(version: str, day: str, nine: str, ten: str) -> str:
    """System of an ICD code by its version code (9, 0 or 10), else by the day of service."""
    return (
        f"CASE WHEN {version} = '9' THEN '{nine}' WHEN {version} IN ('0', '10') THEN '{ten}' "
        f"WHEN {day} < DATE '{FIRST_ICD10_DAY}' THEN '{nine}' ELSE '{ten}' END"
    )


def sex(text: str) -> str:
    return choose(text, dict(SEX), "0")


def race(text: str) -> str:
    """OMOP race of CMS' race code; 5 (Hispanic) is no race."""
    return choose(text, dict(RACE), "0")


def ethnicity(text: str) -> str:
    """OMOP ethnicity of CMS' race code, which is Hispanic or something else."""
    others = "'1', '2', '3', '4', '6'"
    return f"CASE WHEN {text} = '5' THEN {HISPANIC} WHEN {text} IN ({others}) THEN {NOT_HISPANIC} ELSE 0 END"


def real_ndc(code: str) -> str:
    """An NDC; null where zeros fill the field."""
    return f"CASE WHEN NOT regexp_full_match({code}, '0*') THEN {code} END"
