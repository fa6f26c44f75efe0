"""The one relation that every source is read into: `fact`, one row a code, everything still text.

A wide claim (many code columns a row) gives one fact for each filled column. Which facts are sound, and which are the
same fact again, is decided here for all sources alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ...nlp.terminology.systems import is_concept_id
from ..database import Database, literal, put
from ..sql import read_sql
from .sql_names import NOTHING
from .time_sql import time_sql, zone_sql


@dataclass(frozen=True, slots=True)
class CodeCell:
    """Where the parts of a fact stand in a loaded table: SQL expressions over its text columns.

    `line` is what tells apart two lines of one claim; header codes, which every line repeats, have none.
    """

    cell: str | None
    code: str
    domain: str
    vocabulary: str = NOTHING
    start: str = NOTHING
    end: str = NOTHING
    available: str = NOTHING
    value: str = NOTHING
    unit: str = NOTHING
    concept: str = NOTHING
    source_concept: str = NOTHING
    type_concept: str = NOTHING
    line: str = NOTHING

    def struct(self) -> str:
        """The fact as a DuckDB struct."""
        cell = NOTHING if self.cell is None else literal(self.cell)
        parts = {
            "cell": cell,
            "start_text": self.start,
            "end_text": self.end,
            "available_text": self.available,
            "domain": self.domain,
            "vocabulary": self.vocabulary,
            "source_value": self.code,
            "concept_text": self.concept,
            "source_concept_text": self.source_concept,
            "type_text": self.type_concept,
            "value_text": self.value,
            "unit": self.unit,
            "claim_line": self.line,
        }
        return "{" + ", ".join(f"'{name}': {text}" for name, text in parts.items()) + "}"


@dataclass(frozen=True, slots=True)
class FactTable:
    """How one loaded table gives facts.

    Args:
        name: the loaded table.
        cells: its codes.
        person, visit: SQL expressions.
        whole_rows: every row is one fact with its own identity (an OMOP row, a line of Synthea), so that only rows
            that agree in every cell are one fact twice. Else the same code of one claim and line is one fact.
        source: claims or ehr.
        default_type: OMOP type concept where the row names none.
        date_format: strptime format of the times, where they are not ISO 8601 or 20210112.
        signed_people: negative ids of persons are the source's own way to write them (CMS' synthetic beneficiaries).
    """

    name: str
    cells: Sequence[CodeCell]
    person: str
    visit: str
    whole_rows: bool
    source: str
    default_type: int
    date_format: str | None = None
    signed_people: bool = False


def create_facts(database: Database) -> None:
    """The empty relations `checked_fact` and `row_count`."""
    database.execute(read_sql("claims_fact_tables"))


def add_facts(database: Database, table: FactTable) -> None:
    """Cut the loaded table into rows of `checked_fact`: times and numbers read, and a reason where a fact cannot stand.

    Needs `known_person` (person_id) and `people_complete` (one row: whether nobody else can be there).
    """
    structs = ", ".join(cell.struct() for cell in table.cells)
    if table.whole_rows:
        given = structs
        same = "row_hash"
    else:
        given = f"unnest(list_filter([{structs}], lambda x: x.source_value IS NOT NULL))"
        parts = ("start_text", "domain", "vocabulary", "source_value", "value_text", "unit", "claim_line")
        same = f"hash(person_id, visit, {', '.join('f.' + part for part in parts)})"
    facts = (
        f"SELECT file, line, row_hash, {table.person} AS person_id, {table.visit} AS visit, {given} AS f "
        f"FROM {table.name}"
    )
    query = read_sql("claims_fact").format(
        facts=facts,
        same=same,
        start=time_sql("f.start_text", table.date_format),
        end=time_sql("f.end_text", table.date_format),
        available=time_sql("f.available_text", table.date_format),
        zoned=zone_sql("f.start_text", table.date_format),
        default_type=table.default_type,
        source=literal(table.source),
        negative="FALSE" if table.signed_people else "regexp_matches(n.person_id, '^-[0-9]')",
    )
    database.execute(f"INSERT INTO checked_fact BY NAME {query}")
    # a row without any code is no fault (a line of charges), but it is told
    codes = [f"{cell.code} IS NULL" for cell in table.cells]
    empty = "FALSE" if table.whole_rows else " AND ".join(codes)
    database.execute(
        f"INSERT INTO row_count SELECT file, count(*), count(*) FILTER (WHERE {empty}), 0 "
        f"FROM {table.name} GROUP BY file ORDER BY file"
    )


def settle_facts(database: Database) -> None:
    """Table `claims_row`: the facts that stand, each once. The others keep their reason in `checked_fact`."""
    _refuse_rounded(database)
    _refuse_mixed_zones(database)
    database.execute(f"CREATE OR REPLACE TABLE settled AS SELECT * FROM ({read_sql('claims_rows')})")
    database.execute("CREATE OR REPLACE VIEW claims_row AS SELECT * FROM settled WHERE copy = 1")


def _refuse_rounded(database: Database) -> None:
    """Ids of 16 to 18 digits that end in 00 and fail their check digit: a spreadsheet keeps 15 digits."""
    long = database.execute(
        "SELECT DISTINCT source_value FROM checked_fact "
        "WHERE reason IS NULL AND regexp_full_match(source_value, '\\d{14,16}00')"
    ).fetchall()
    rounded = [code for (code,) in long if not is_concept_id(code)]
    if rounded:
        put(database, "rounded", pa.table({"code": pa.array(sorted(rounded), pa.string())}))
        database.execute(
            "UPDATE checked_fact SET reason = 'code_rounded' "
            "WHERE reason IS NULL AND source_value IN (SELECT code FROM rounded)"
        )


def _refuse_mixed_zones(database: Database) -> None:
    """Moments of one file that name an offset from UTC, and others that do not: the fewer ones are in doubt."""
    database.execute(
        "UPDATE checked_fact SET reason = 'mixed_time_zone' FROM ("
        "  SELECT file, count(*) FILTER (WHERE zoned) > count(*) FILTER (WHERE NOT zoned) AS mostly FROM checked_fact "
        "  WHERE zoned IS NOT NULL AND reason IS NULL GROUP BY file HAVING count(DISTINCT zoned) = 2"
        ") mixed WHERE mixed.file = checked_fact.file AND reason IS NULL AND zoned <> mostly"
    )
