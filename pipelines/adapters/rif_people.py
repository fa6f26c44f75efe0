"""Beneficiaries of CMS RIF: one row a person and year, with twelve columns of monthly entitlement."""

from __future__ import annotations

from .reading import Reading
from .source_file import SourceFile
from .time_sql import time_sql
from .us_codes import ethnicity, race, sex

DAY = "%d-%b-%Y"
_MONTHS = [f"mdcr_entlmt_buyin_{month}_ind" for month in range(1, 13)]


def read_beneficiaries(reading: Reading, files: list[SourceFile], history: list[SourceFile]) -> None:
    """Persons, with the last year's word on each, and months of entitlement as periods of observation."""
    database = reading.database
    shared = ["bene_id", "bene_birth_dt", "bene_sex_ident_cd", "bene_race_cd"]
    reading.load("beneficiary", files, [*shared, "death_dt", "rfrnc_yr", *_MONTHS], piped=True, facts=False)
    reading.load("history", history, shared, piped=True, facts=False)
    database.execute("INSERT INTO people_complete VALUES (?)", [bool(files)])
    database.execute(
        "INSERT INTO known_person SELECT DISTINCT bene_id, bene_id FROM "
        "(SELECT bene_id FROM beneficiary UNION ALL SELECT bene_id FROM history) WHERE bene_id IS NOT NULL"
    )
    format_ = reading.date_format or DAY
    birth, death = time_sql("bene_birth_dt", format_), time_sql("death_dt", format_)
    traits = f"{sex('bene_sex_ident_cd')}, {race('bene_race_cd')}, {ethnicity('bene_race_cd')}, NULL"
    # the history holds what is no longer so: it counts only for those who stand nowhere else
    database.execute(
        f"INSERT INTO person_row SELECT file, row_number() OVER (ORDER BY file, line), bene_id, {birth}, NULL, "
        f"{traits} FROM history "
        "WHERE bene_id IS NOT NULL AND bene_id NOT IN (SELECT bene_id FROM beneficiary WHERE bene_id IS NOT NULL)"
    )
    database.execute(
        f"INSERT INTO person_row SELECT file, row_number() OVER (ORDER BY TRY_CAST(rfrnc_yr AS INTEGER) NULLS FIRST, "
        f"file, line), bene_id, {birth}, {death}, {traits} FROM beneficiary WHERE bene_id IS NOT NULL"
    )
    year = "TRY_CAST(rfrnc_yr AS INTEGER)"
    months = ", ".join(f"{{'month': {place}, 'held': {name}}}" for place, name in enumerate(_MONTHS, 1))
    without = database.execute(
        f"SELECT count(*) FROM beneficiary WHERE {year} IS NULL OR {year} NOT BETWEEN 1800 AND 2300"
    ).fetchall()[0][0]
    reading.count("beneficiary_rows_without_year", without)
    database.execute(
        "INSERT INTO period_row SELECT file, line, bene_id, first, first + INTERVAL 1 MONTH - INTERVAL 1 DAY FROM ("
        f"SELECT file, line, bene_id, CAST(make_date({year}, m.month, 1) AS TIMESTAMP) AS first, m.held FROM ("
        f"SELECT *, unnest([{months}]) AS m FROM beneficiary WHERE {year} BETWEEN 1800 AND 2300)) "
        "WHERE bene_id IS NOT NULL AND held <> '0'"
    )
