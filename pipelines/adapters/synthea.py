"""Synthea's CSV export: its record tables (EHR), and claims.csv, whose diagnosis columns hold SNOMED codes, not ICD-10.

The export has no claims table in the usual sense: conditions, medications and the others are what a clinic's record
holds. They become rows of source `ehr`, those of claims.csv rows of source `claims`, unless the user declares one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .cells import require
from .facts import CodeCell, FactTable, add_facts
from .reading import Reading, type_of
from .source_file import SourceFile
from .sql_names import NOTHING, choose, column, first_of
from .time_sql import time_sql

_SYSTEMS = {
    "snomed-ct": "SNOMED", "snomed": "SNOMED", "http://snomed.info/sct": "SNOMED", "rxnorm": "RxNorm",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm", "loinc": "LOINC", "http://loinc.org": "LOINC",
    "cvx": "CVX", "http://hl7.org/fhir/sid/cvx": "CVX",
}  # fmt: skip
_RACES: dict[str, str | int] = {
    "white": 8527, "black": 8516, "asian": 8515, "native": 8657, "hawaiian": 8557,
}  # fmt: skip
_ETHNICITIES: dict[str, str | int] = {"hispanic": 38003563, "nonhispanic": 38003564}
_VISITS: dict[str, str | int] = {
    "inpatient": 9201, "ambulatory": 9202, "outpatient": 9202, "wellness": 9202, "urgentcare": 9203, "emergency": 9203,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SyntheaTable:
    """One table of the record: the domain of its codes and the system they are from where no column names it."""

    domain: str
    system: str
    needed: tuple[str, ...]


FACT_TABLES = {
    "conditions": SyntheaTable("Condition", "SNOMED", ("start", "patient", "code")),
    "medications": SyntheaTable("Drug", "RxNorm", ("start", "patient", "code")),
    "procedures": SyntheaTable("Procedure", "SNOMED", ("patient", "code")),
    "observations": SyntheaTable("Measurement", "LOINC", ("date", "patient", "code", "value")),
    "immunizations": SyntheaTable("Drug", "CVX", ("date", "patient", "code")),
    "devices": SyntheaTable("Device", "SNOMED", ("start", "patient", "code")),
    "allergies": SyntheaTable("Observation", "SNOMED", ("start", "patient", "code")),
}


def synthea_table(file: SourceFile) -> str | None:
    """Which table of the export it is, by its columns; names tell apart the ones with equal columns."""
    if file.has("diagnosis1", "patientid"):
        return "claims"
    if file.has("id", "birthdate", "ssn") or file.has("id", "birthdate", "gender", "race"):
        return "patients"
    if not file.has("patient", "code"):
        return None
    if file.has("id", "encounterclass"):
        return "encounters"
    if file.has("id"):
        return None  # care plans, which name no fact of their own
    if file.stem in FACT_TABLES:
        return file.stem
    for name, sign in (("devices", "udi"), ("observations", "units"), ("allergies", "category"),
                       ("medications", "dispenses"), ("procedures", "reasoncode"), ("immunizations", "base_cost"),
                       ("conditions", "stop")):  # fmt: skip
        if file.has(sign):
            return name
    return None


def read_synthea(reading: Reading, tables: Mapping[str, list[SourceFile]]) -> None:
    """Fill the relations from the tables that are there."""
    _patients(reading, tables.get("patients", []))
    _encounters(reading, tables.get("encounters", []))
    for name, table in FACT_TABLES.items():
        for file in tables.get(name, []):
            _facts(reading, table, file)
    for file in tables.get("claims", []):
        _claims(reading, file)


def _patients(reading: Reading, files: list[SourceFile]) -> None:
    database = reading.database
    database.execute("INSERT INTO people_complete VALUES (?)", [bool(files)])
    wanted = ["id", "birthdate", "deathdate", "gender", "race", "ethnicity"]
    reading.load("patients", files, wanted, facts=False)
    database.execute("INSERT INTO known_person SELECT DISTINCT id, id FROM patients WHERE id IS NOT NULL")
    format_ = reading.date_format
    database.execute(
        "INSERT INTO person_row SELECT file, row_number() OVER (ORDER BY file, line), id, "
        f"{time_sql('birthdate', format_)}, {time_sql('deathdate', format_)}, "
        f"{choose('gender', {'m': 8507, 'f': 8532}, '0')}, {choose('race', _RACES, '0')}, "
        f"{choose('ethnicity', _ETHNICITIES, '0')}, NULL FROM patients WHERE id IS NOT NULL"
    )


def _encounters(reading: Reading, files: list[SourceFile]) -> None:
    reading.load("encounters", files, ["id", "start", "stop", "patient", "encounterclass"], facts=False)
    start, stop = time_sql('"start"', reading.date_format), time_sql("stop", reading.date_format)
    reading.database.execute(
        f"INSERT INTO visit_row SELECT id, id, min(patient), min({start}), max({stop}), "
        f"min({choose('encounterclass', _VISITS, '0')}) FROM encounters WHERE id IS NOT NULL GROUP BY 1"
    )
    # a record is complete from the first encounter to the last (OHDSI's ETL of Synthea takes the same)
    reading.database.execute(
        f"INSERT INTO period_row SELECT min(file), min(line), patient, min({start}), "
        f"max(coalesce({stop}, {start})) FROM encounters WHERE {start} IS NOT NULL AND patient IS NOT NULL "
        "GROUP BY patient"
    )


def _facts(reading: Reading, table: SyntheaTable, file: SourceFile) -> None:
    require(file, table.needed, "give the table as Synthea's CSV export writes it")
    start = first_of("start", "date", there=file.columns)
    system = f"'{table.system}'"
    if "system" in file.columns:
        system = choose("system", dict(_SYSTEMS), system)
    if table.system == "LOINC":  # the export's own scores (QALY, DALY) stand among the observations
        system = f"CASE WHEN regexp_full_match(code, '[0-9]+-[0-9]') THEN {system} ELSE 'LOCAL' END"
    cell = CodeCell(
        cell=None, code="code", domain=f"'{table.domain}'", vocabulary=system, start=start,
        end=first_of("stop", there=file.columns), value=column("value"), unit=column("units"),
    )  # fmt: skip
    wanted = ["start", "date", "stop", "patient", "encounter", "code", "system", "value", "units"]
    reading.load("synthea_cells", [file], wanted)
    source = reading.source_of("ehr")
    add_facts(
        reading.database,
        FactTable(
            "synthea_cells", [cell], "patient", "encounter", whole_rows=True, source=source,
            default_type=type_of(source), date_format=reading.date_format,
        ),
    )  # fmt: skip


def _claims(reading: Reading, file: SourceFile) -> None:
    start = first_of("servicedate", "currentillnessdate", there=file.columns)
    codes = [f"diagnosis{place}" for place in range(1, 9) if f"diagnosis{place}" in file.columns]
    reading.load(
        "synthea_cells", [file], ["id", "patientid", "appointmentid", "servicedate", "currentillnessdate", *codes]
    )
    cells = [CodeCell(name, name, "'Condition'", "'SNOMED'", start=start, line=NOTHING) for name in codes]
    source = reading.source_of("claims")
    add_facts(
        reading.database,
        FactTable(
            "synthea_cells", cells, "patientid", "coalesce(appointmentid, id)", whole_rows=False, source=source,
            default_type=type_of(source), date_format=reading.date_format,
        ),
    )  # fmt: skip
