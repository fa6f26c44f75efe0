"""A small OMOP vocabulary in the form of a download from Athena: tabs, no quoting, dates as yyyymmdd.

Written for these tests. SNOMED codes are real; concept ids from 900000 to 900999 are made up.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

CONCEPT_HEADER = (
    "concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_class_id", "standard_concept",
    "concept_code", "valid_start_date", "valid_end_date", "invalid_reason",
)  # fmt: skip
SYNONYM_HEADER = ("concept_id", "concept_synonym_name", "language_concept_id")
RELATIONSHIP_HEADER = (
    "concept_id_1", "concept_id_2", "relationship_id", "valid_start_date", "valid_end_date", "invalid_reason",
)  # fmt: skip
ANCESTOR_HEADER = (
    "ancestor_concept_id",
    "descendant_concept_id",
    "min_levels_of_separation",
    "max_levels_of_separation",
)
VOCABULARY_HEADER = (
    "vocabulary_id", "vocabulary_name", "vocabulary_reference", "vocabulary_version", "vocabulary_concept_id",
)  # fmt: skip
SPAN = ("19700101", "20991231")
ENGLISH, SPANISH = 4180186, 4182511

Row = tuple[object, ...]


def concept(
    number: int, name: str, vocabulary: str, code: str, *, domain: str = "Condition", kind: str = "Disorder",
    standard: str = "S", invalid: str = "",
) -> Row:  # fmt: skip
    """One row of CONCEPT."""
    return (number, name, domain, vocabulary, kind, standard, code, *SPAN, invalid)


def tie(first: int, relationship: str, second: int, invalid: str = "") -> Row:
    """One row of CONCEPT_RELATIONSHIP."""
    return (first, second, relationship, *SPAN, invalid)


CONCEPTS: tuple[Row, ...] = (
    concept(317009, "Asthma", "SNOMED", "195967001"),
    concept(255848, "Pneumonia", "SNOMED", "233604007"),
    concept(201826, "Type 2 diabetes mellitus", "SNOMED", "44054006"),
    concept(316139, "Heart failure", "SNOMED", "84114007"),
    concept(320128, "Essential hypertension", "SNOMED", "59621000"),
    # neither of the two above asthma and disease is matched: one is of another domain, one is not standard
    concept(900001, "Disorder of respiratory system", "SNOMED", "50043002", domain="Spec Anatomic Site"),
    concept(900002, "Clinical finding", "SNOMED", "404684003", kind="Clinical Finding", standard=""),
    concept(900003, "Disease", "SNOMED", "64572001"),
    concept(900004, "Asthma", "SNOMED", "187687003", standard="", invalid="U"),
    concept(900005, "Congestive heart failure", "SNOMED", "155374007", standard="", invalid="U"),
    concept(900006, "Rheumatoid arthritis", "SNOMED", "156471009", standard="", invalid="D"),
    concept(1503297, "metformin", "RxNorm", "6809", domain="Drug", kind="Ingredient"),
    concept(900007, '24 HR metformin "Extended" Tablet', "RxNorm", "860975", domain="Drug", kind="Clinical Drug"),
    concept(900008, "Glucophage", "RxNorm", "151827", domain="Drug", kind="Brand Name", standard=""),
    concept(3004410, "Hemoglobin A1c/Hemoglobin.total in Blood", "LOINC", "4548-4", domain="Measurement",
            kind="Lab Test"),
    concept(900101, "Type 2 diabetes mellitus without complications", "ICD10CM", "E11.9", standard=""),
    concept(900102, "Diseases of the respiratory system complicating pregnancy, first trimester", "ICD10CM",
            "O99.511", standard=""),
    concept(900103, "Dependence on enabling machines and devices, unspecified", "ICD10CM", "Z99.9", standard=""),
    concept(900104, "Asthma, unspecified type, unspecified", "ICD9CM", "493.90", standard=""),
    concept(900105, "metformin 500 MG", "NDC", "00093104801", domain="Drug", kind="11-digit NDC", standard=""),
    # the same NDC, given out before to another product
    concept(900106, "an older product", "NDC", "00093104801", domain="Drug", kind="11-digit NDC", standard="",
            invalid="D"),
    concept(900107, "", "CPT4", "99213", domain="Observation", kind="CPT4", standard="S"),
    concept(900108, "metformin", "ATC", "A10BA02", domain="Drug", kind="ATC 5th", standard="C"),
    concept(900109, "Finding of family history", "ICD10CM", "Z82.5", standard=""),
)  # fmt: skip
SYNONYMS: tuple[Row, ...] = (
    (317009, "Asthma (disorder)", ENGLISH),
    (317009, "Bronchial asthma", ENGLISH),
    (317009, "Asma", SPANISH),
    (201826, "Type II diabetes mellitus", ENGLISH),
    (900003, "Disease (disorder)", ENGLISH),
    (900007, "not matched", ENGLISH),
    (424242, "of nobody", ENGLISH),
)
RELATIONSHIPS: tuple[Row, ...] = (
    tie(317009, "Is a", 900001),
    tie(255848, "Is a", 900001),
    tie(900001, "Is a", 900002),
    tie(900002, "Is a", 900003),
    tie(316139, "Is a", 900003),
    tie(320128, "Is a", 316139, "D"),
    tie(900003, "Subsumes", 316139),
    tie(900004, "Concept replaced by", 317009),
    tie(900004, "Maps to", 317009),
    tie(900005, "Concept poss_eq to", 316139),
    tie(900005, "Concept poss_eq to", 320128),
    tie(900005, "Maps to", 316139),
    *(tie(number, "Maps to", number) for number in (317009, 255848, 201826, 316139, 320128, 1503297, 900007, 3004410)),
    tie(900101, "Maps to", 201826),
    tie(900102, "Maps to", 255848),
    tie(900102, "Maps to", 317009),
    tie(900104, "Maps to", 317009),
    tie(900105, "Maps to", 900007),
    tie(900106, "Maps to", 1503297),
    tie(900107, "Maps to", 900107),
    tie(900108, "Maps to", 1503297),
    tie(900109, "Maps to value", 317009),
    tie(900109, "Maps to", 555555),  # a standard concept of a vocabulary that was not downloaded
)
VOCABULARIES: tuple[Row, ...] = (
    ("None", "OMOP Standardized Vocabularies", "OMOP generated", "v5.0 31-AUG-23", 0),
    ("SNOMED", "Systematic Nomenclature of Medicine", "IHTSDO", "2023-04-01 SNOMED CT International Edition", 44819097),
)


def lines(header: tuple[str, ...], rows: tuple[Row, ...], end: str = "\n") -> str:
    """A table as Athena writes it."""
    return "".join("\t".join(map(str, cells)) + end for cells in (header, *rows))


def write_athena(
    folder: Path,
    concepts: tuple[Row, ...] = CONCEPTS,
    relationships: tuple[Row, ...] = RELATIONSHIPS,
    synonyms: tuple[Row, ...] = SYNONYMS,
    end: str = "\n",
) -> Path:
    """The tables in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header, rows in (
        ("CONCEPT", CONCEPT_HEADER, concepts),
        ("CONCEPT_SYNONYM", SYNONYM_HEADER, synonyms),
        ("CONCEPT_RELATIONSHIP", RELATIONSHIP_HEADER, relationships),
        ("CONCEPT_ANCESTOR", ANCESTOR_HEADER, ()),
        ("VOCABULARY", VOCABULARY_HEADER, VOCABULARIES),
    ):
        (folder / f"{name}.csv").write_text(lines(header, rows, end), encoding="utf-8", newline="")
    return folder


def quoted_with_iso_dates(text: str) -> str:
    """The table as a database exports it: commas, quotes where needed, ISO dates, upper-case names."""
    out = io.StringIO()
    rows = [line.split("\t") for line in text.splitlines()]
    dates = [place for place, name in enumerate(rows[0]) if name.startswith("valid_")]
    for row in rows[1:]:
        for place in dates:
            row[place] = f"{row[place][:4]}-{row[place][4:6]}-{row[place][6:]}"
    csv.writer(out, lineterminator="\n").writerows([[name.upper() for name in rows[0]], *rows[1:]])
    return out.getvalue()
