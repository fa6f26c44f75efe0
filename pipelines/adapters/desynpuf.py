"""CMS DE-SynPUF 2008-2010: beneficiary summaries, inpatient, outpatient and carrier claims, prescription drug events.

Codes stand in numbered columns and become one fact each. All diagnoses and inpatient procedures are ICD-9-CM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .cells import require
from .facts import CodeCell, FactTable, add_facts
from .reading import Reading, type_of
from .source_file import SourceFile
from .sql_names import NOTHING, column
from .time_sql import time_sql
from .us_codes import INPATIENT, OUTPATIENT, ethnicity, procedure_system, race, real_ndc, sex

DAY = "%Y%m%d"
PERSON = "desynpuf_id"
_YEAR = re.compile(r"(?:^|[^0-9])(20\d\d)(?:[^0-9]|$)")
_NUMBERED = {
    "diagnosis": re.compile(r"icd9_dgns_cd_\d+|admtng_icd9_dgns_cd|line_icd9_dgns_cd_\d+"),
    "operation": re.compile(r"icd9_prcdr_cd_\d+"),
    "procedure": re.compile(r"hcpcs_cd_(\d+)"),
}


def desynpuf_table(file: SourceFile) -> str | None:
    """Which DE-SynPUF file it is, by its columns."""
    if not file.has(PERSON):
        return None
    if file.has("bene_birth_dt"):
        return "beneficiary"
    if file.has("prod_srvc_id"):
        return "drug"
    if file.has("clm_id", "clm_admsn_dt"):
        return "inpatient"
    if file.has("clm_id", "line_icd9_dgns_cd_1"):
        return "carrier"
    return "outpatient" if file.has("clm_id") else None


def read_desynpuf(reading: Reading, tables: Mapping[str, list[SourceFile]]) -> None:
    """Fill the relations from the files that are there."""
    _beneficiaries(reading, tables.get("beneficiary", []))
    for kind in ("inpatient", "outpatient", "carrier"):
        for file in tables.get(kind, []):
            _claims(reading, file, kind)
    for file in tables.get("drug", []):
        _drugs(reading, file)


def _beneficiaries(reading: Reading, files: list[SourceFile]) -> None:
    database = reading.database
    wanted = [PERSON, "bene_birth_dt", "bene_death_dt", "bene_sex_ident_cd", "bene_race_cd", "bene_hi_cvrage_tot_mons",
              "bene_smi_cvrage_tot_mons"]  # fmt: skip
    database.execute("INSERT INTO people_complete VALUES (?)", [bool(files)])
    reading.load("beneficiary", files, wanted, facts=False)
    format_ = reading.date_format or DAY
    birth, death = time_sql("bene_birth_dt", format_), time_sql("bene_death_dt", format_)
    database.execute(
        f"INSERT INTO known_person SELECT DISTINCT {PERSON}, {PERSON} FROM beneficiary WHERE {PERSON} IS NOT NULL"
    )
    database.execute(
        f"INSERT INTO person_row SELECT file, row_number() OVER (ORDER BY file, line), {PERSON}, {birth}, {death}, "
        f"{sex('bene_sex_ident_cd')}, "
        f"{race('bene_race_cd')}, {ethnicity('bene_race_cd')}, NULL FROM beneficiary WHERE {PERSON} IS NOT NULL"
    )
    for file in files:
        year = _YEAR.search(file.name)
        if year is None:  # the year stands in the name only
            reading.count("beneficiary_files_without_year", 1)
            continue
        # who was covered for part of a year came in during it, or died
        first, last = f"DATE '{year[1]}-01-01'", f"DATE '{year[1]}-12-31'"
        months = (
            "greatest(coalesce(TRY_CAST(bene_hi_cvrage_tot_mons AS INTEGER), 0), "
            "coalesce(TRY_CAST(bene_smi_cvrage_tot_mons AS INTEGER), 0))"
        )
        ended = f"{death} IS NOT NULL AND year({death}) = {year[1]}"
        database.execute(
            f"INSERT INTO period_row SELECT file, line, {PERSON}, CASE WHEN {ended} THEN {first} "
            f"ELSE {last} + INTERVAL 1 DAY - to_months({months}) END, CASE WHEN {ended} THEN {death} ELSE {last} END "
            f"FROM beneficiary WHERE file = ? AND {months} BETWEEN 1 AND 12",
            [file.name],
        )


def _claims(reading: Reading, file: SourceFile, kind: str) -> None:
    require(file, (PERSON, "clm_id", "clm_from_dt"), "give the file as CMS publishes it")
    found = {name: [one for one in file.columns if form.fullmatch(one)] for name, form in _NUMBERED.items()}
    codes = [name for names in found.values() for name in names]
    reading.load("synpuf", [file], [PERSON, "clm_id", "segment", "clm_from_dt", "clm_thru_dt", *codes])
    times = {"start": "clm_from_dt", "end": "clm_thru_dt"}
    cells = [CodeCell(name, column(name), "'Condition'", "'ICD9CM'", **times) for name in found["diagnosis"]]
    cells += [CodeCell(name, column(name), "'Procedure'", "'ICD9Proc'", **times) for name in found["operation"]]
    for name in found["procedure"]:
        # the number is that of the claim's line; a long claim goes on in another segment
        line = f"coalesce(segment, '') || '-{name.rsplit('_', 1)[1]}'"
        system = procedure_system(column(name))
        cells.append(CodeCell(name, column(name), "'Procedure'", system, line=line, **times))
    _add(reading, "synpuf", cells, "clm_id")
    format_ = reading.date_format or DAY
    reading.database.execute(
        f"INSERT INTO visit_row SELECT clm_id, clm_id, min({PERSON}), min({time_sql('clm_from_dt', format_)}), "
        f"max({time_sql('clm_thru_dt', format_)}), {INPATIENT if kind == 'inpatient' else OUTPATIENT} FROM synpuf "
        "WHERE clm_id IS NOT NULL GROUP BY 1"
    )


def _drugs(reading: Reading, file: SourceFile) -> None:
    require(file, (PERSON, "pde_id", "srvc_dt", "prod_srvc_id"), "give the file as CMS publishes it")
    reading.load("synpuf", [file], [PERSON, "pde_id", "srvc_dt", "prod_srvc_id"])
    cell = CodeCell("prod_srvc_id", real_ndc("prod_srvc_id"), "'Drug'", "'NDC'", start="srvc_dt", line="pde_id")
    _add(reading, "synpuf", [cell], NOTHING)


def _add(reading: Reading, table: str, cells: list[CodeCell], visit: str) -> None:
    source = reading.source_of("claims")
    add_facts(
        reading.database,
        FactTable(
            table, cells, PERSON, visit, whole_rows=False, source=source, default_type=type_of(source),
            date_format=reading.date_format or DAY,
        ),
    )  # fmt: skip
