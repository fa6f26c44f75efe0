"""OMOP CDM folders, 5.0 to 5.4: CSV with commas or tabs, in any case, gzipped, or Parquet, whole or in parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import RunError
from .facts import CodeCell, FactTable, add_facts
from .reading import Reading, type_of
from .source_file import SourceFile
from .sql_names import NOTHING, column, first_of
from .time_sql import time_sql

AVAILABLE = ("available_time", "paid_date", "paid_datetime", "payment_date")


@dataclass(frozen=True, slots=True)
class OmopTable:
    """One OMOP table of facts; `prefix` starts the names of its columns, `start` those of its time."""

    name: str
    domain: str
    prefix: str
    start: str


FACT_TABLES = (
    OmopTable("condition_occurrence", "Condition", "condition", "condition_start"),
    OmopTable("drug_exposure", "Drug", "drug", "drug_exposure_start"),
    OmopTable("procedure_occurrence", "Procedure", "procedure", "procedure"),
    OmopTable("measurement", "Measurement", "measurement", "measurement"),
    OmopTable("observation", "Observation", "observation", "observation"),
    OmopTable("device_exposure", "Device", "device", "device_exposure_start"),
)
_BY_NAME = {table.name: table for table in FACT_TABLES}
_OTHER_TABLES = ("person", "visit_occurrence", "observation_period", "death", "concept")


def omop_table(file: SourceFile, folder: str = "") -> str | None:
    """Which OMOP table a file is, by its name or the name of its folder, else by its columns; None for none of those
    that are read."""
    for name in (file.stem, folder.lower()):
        if name in _BY_NAME or name in _OTHER_TABLES:
            return name
    columns = set(file.columns)
    if "person_id" in columns:
        for table in FACT_TABLES:
            if {f"{table.start}_date", f"{table.start}_datetime"} & columns and f"{table.prefix}_concept_id" in columns:
                return table.name
        if {"visit_occurrence_id", "visit_start_date"} <= columns and "visit_detail_id" not in columns:
            return "visit_occurrence"
        if "year_of_birth" in columns:
            return "person"
        if "observation_period_start_date" in columns:
            return "observation_period"
        if "death_date" in columns:
            return "death"
    if {"concept_id", "vocabulary_id", "concept_code", "standard_concept"} <= columns:
        return "concept"
    return None


def read_omop(reading: Reading, tables: Mapping[str, list[SourceFile]]) -> None:
    """Fill the relations from the tables that are there."""
    _persons(reading, tables.get("person", []), tables.get("death", []))
    _periods(reading, tables.get("observation_period", []))
    _visits(reading, tables.get("visit_occurrence", []))
    _concepts(reading, tables.get("concept", []))
    for table in FACT_TABLES:
        # files with different columns are read apart, so that each column is looked for where it is
        for file in tables.get(table.name, []):
            _facts(reading, table, file)


def _id(name: str) -> str:
    """An id column; data frames write whole numbers with a point where the column has gaps."""
    return f"regexp_replace({column(name)}, '^(-?[0-9]+)\\.0+$', '\\1')"


def _patient(reading: Reading) -> str:
    """What notes call the patient: the source's own id where there is one, or OMOP's number (its NOTE table)."""
    number = _id("person_id")
    return number if reading.omop_ids else f"coalesce(person_source_value, {number})"


def _whole(name: str) -> str:
    return f"coalesce(TRY_CAST({column(name)} AS BIGINT), 0)"


def _persons(reading: Reading, files: list[SourceFile], deaths: list[SourceFile]) -> None:
    database = reading.database
    database.execute("INSERT INTO people_complete VALUES (?)", [bool(files)])
    wanted = ["person_id", "person_source_value", "birth_datetime", "year_of_birth", "month_of_birth", "day_of_birth",
              "gender_concept_id", "race_concept_id", "ethnicity_concept_id", "care_site_id"]  # fmt: skip
    for file in files:
        if file.columns and not file.has("person_id"):
            raise RunError("no column person_id", where=file.name, remedy="add it, or take the file away")
    reading.load("person_cells", files, wanted, facts=False)
    reading.load("death_cells", deaths, ["person_id", "death_date", "death_datetime", "cause_source_value",
                                         "cause_concept_id"], facts=False)  # fmt: skip
    parts = " || '-' || ".join(
        f"lpad(coalesce(CAST(TRY_CAST({column(f'{part}_of_birth')} AS INTEGER) AS VARCHAR), '{default}'), {width}, '0')"
        for part, default, width in (("year", "", 4), ("month", "1", 2), ("day", "1", 2))
    )
    # without a year, month and day would make a date of the year 0
    parts = (
        f"CASE WHEN TRY_CAST(year_of_birth AS INTEGER) BETWEEN 1800 AND 2300 THEN TRY_CAST({parts} AS TIMESTAMP) END"
    )
    birth = f"coalesce({time_sql('birth_datetime', reading.date_format)}, {parts})"
    death = time_sql("coalesce(death_datetime, death_date)", reading.date_format)
    database.execute(
        f"INSERT INTO known_person SELECT DISTINCT {_id('person_id')}, "
        f"{_patient(reading)} FROM person_cells WHERE person_id IS NOT NULL"
    )
    database.execute(
        f"INSERT INTO person_row SELECT file, row_number() OVER (ORDER BY file, line), {_id('person_id')}, {birth}, "
        f"d.death, {_whole('gender_concept_id')}, {_whole('race_concept_id')}, {_whole('ethnicity_concept_id')}, "
        f"{_id('care_site_id')} FROM person_cells "
        f"LEFT JOIN (SELECT {_id('person_id')} AS dead, min({death}) AS death FROM death_cells GROUP BY 1) d "
        f"ON d.dead = {_id('person_id')} WHERE person_id IS NOT NULL"
    )
    reading.set_aside("death_cells", f"person_id IS NULL OR {death} IS NULL", "unreadable_date")
    reading.set_aside(
        "death_cells", f"{len(files)} > 0 AND {_id('person_id')} NOT IN (SELECT person_id FROM known_person)",
        "unknown_person",
    )  # fmt: skip
    causes = database.execute("SELECT count(*) FROM death_cells WHERE cause_source_value IS NOT NULL").fetchall()
    reading.count("causes_of_death_not_read", causes[0][0])


def _periods(reading: Reading, files: list[SourceFile]) -> None:
    start, end = "observation_period_start_date", "observation_period_end_date"
    reading.load("period_cells", files, ["person_id", start, end], facts=False)
    reading.database.execute(
        f"INSERT INTO period_row SELECT file, line, {_id('person_id')}, {time_sql(start, reading.date_format)}, "
        f"{time_sql(end, reading.date_format)} FROM period_cells"
    )


def _visits(reading: Reading, files: list[SourceFile]) -> None:
    """Visits by the encounter id that notes use too, where the visit table has it."""
    source_id = _id("visit_occurrence_id")
    if not reading.omop_ids:
        source_id = f"coalesce(visit_source_value, {source_id})"
    wanted = ["visit_occurrence_id", "visit_source_value", "person_id", "visit_start_datetime", "visit_start_date",
              "visit_end_datetime", "visit_end_date", "visit_concept_id"]  # fmt: skip
    reading.load("visit_cells", files, wanted, facts=False)
    start = time_sql("coalesce(visit_start_datetime, visit_start_date)", reading.date_format)
    end = time_sql("coalesce(visit_end_datetime, visit_end_date)", reading.date_format)
    reading.database.execute(
        f"INSERT INTO visit_row SELECT {_id('visit_occurrence_id')}, "
        f"min({source_id}), min({_id('person_id')}), min({start}), "
        f"max({end}), min({_whole('visit_concept_id')}) FROM visit_cells WHERE visit_occurrence_id IS NOT NULL "
        "GROUP BY 1 ORDER BY 1"
    )


def _concepts(reading: Reading, files: list[SourceFile]) -> None:
    """The folder's own vocabulary says which one a source code is from, where the form of the code would be a guess."""
    reading.load("concept_cells", files, ["concept_id", "vocabulary_id", "concept_code"], facts=False)
    reading.database.execute(
        "CREATE OR REPLACE TEMP TABLE coded AS SELECT TRY_CAST(concept_id AS BIGINT) AS coded_id, "
        "min(vocabulary_id) AS coded_vocabulary, min(upper(replace(concept_code, '.', ''))) AS coded_code "
        "FROM concept_cells WHERE TRY_CAST(concept_id AS BIGINT) > 0 GROUP BY 1"
    )


def _facts(reading: Reading, table: OmopTable, file: SourceFile) -> None:
    start = (f"{table.start}_datetime", f"{table.start}_date")
    if file.columns and ("person_id" not in file.columns or not set(start) & set(file.columns)):
        raise RunError(
            f"no column person_id, or none of {start[1]} and {start[0]}",
            where=file.name,
            remedy="name the columns as the OMOP CDM does",
        )
    end = (f"{table.start.replace('_start', '')}_end_datetime", f"{table.start.replace('_start', '')}_end_date")
    names = {
        "code": f"{table.prefix}_source_value", "concept": f"{table.prefix}_concept_id",
        "type": f"{table.prefix}_type_concept_id", "coded": f"{table.prefix}_source_concept_id",
    }  # fmt: skip
    wanted = ["person_id", "visit_occurrence_id", "value_as_number", "unit_source_value", *start, *end, *AVAILABLE,
              *names.values()]  # fmt: skip
    reading.load("omop_cells", [file], wanted)
    reading.database.execute(
        f"CREATE OR REPLACE TEMP VIEW omop_coded AS SELECT o.*, CASE WHEN "
        f"upper(replace(o.{column(names['code'])}, '.', '')) = c.coded_code THEN c.coded_vocabulary END "
        f"AS coded_vocabulary FROM omop_cells o LEFT JOIN coded c ON c.coded_id = "
        f"TRY_CAST(o.{column(names['coded'])} AS BIGINT)"
    )
    there = file.columns
    cell = CodeCell(
        cell=None,
        code=column(names["code"]),
        domain=f"'{table.domain}'",
        vocabulary="coded_vocabulary",
        start=first_of(*start, there=there),
        end=first_of(*end, there=there),
        available=first_of(*[name for name in AVAILABLE if name in there][:1], there=there),
        value=column("value_as_number"),
        unit=column("unit_source_value"),
        concept=column(names["concept"]),
        source_concept=column(names["coded"]),
        type_concept=column(names["type"]),
        line=NOTHING,
    )
    source = reading.source_of("claims")
    add_facts(
        reading.database,
        FactTable(
            "omop_coded", [cell], _id("person_id"), _id("visit_occurrence_id"), whole_rows=True, source=source,
            default_type=type_of(source), date_format=reading.date_format,
        ),
    )  # fmt: skip
