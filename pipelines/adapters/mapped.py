"""Claims files of any layout, by a mapping of their columns."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from typing import Any

from ..database import literal
from ..errors import RunError
from .facts import CodeCell, FactTable, add_facts
from .mapping_file import Mapping, spread
from .reading import Reading, type_of
from .source_file import SourceFile
from .sql_names import NOTHING, choose, column
from .time_sql import time_sql


def read_mapped(reading: Reading, mapping: Mapping, tables: Dictionary[int | str, list[SourceFile]]) -> None:
    """Fill the relations from the files that the mapping names."""
    document = mapping.document
    reading.date_format = reading.date_format or document.get("date_format")
    _persons(reading, mapping, tables.get("person", []))
    _periods(reading, mapping, tables.get("observation_period", []))
    for number, part in enumerate(document["files"]):
        for file in tables[number]:
            _facts(reading, mapping, f"files/{number}", part, file)


def _columns(
    mapping: Mapping, place: str, part: dict[str, Any], roles: tuple[str, ...], file: SourceFile
) -> dict[str, str]:
    """Role -> column in lower case, for the roles that the mapping gives. Raises RunError for a column not there."""
    found: dict[str, str] = {}
    for role in roles:
        given = part.get(role)
        if given is None:
            continue
        name = str(given["column"] if isinstance(given, dict) else given).lower()
        _must_be_there(mapping, f"{place}/{role}", name, file)
        found[role] = name
    return found


def _must_be_there(mapping: Mapping, place: str, name: str, file: SourceFile) -> None:
    if name not in file.columns:
        raise RunError(
            f"no column {name} (which {mapping.path.name} names at {place})",
            where=file.name,
            remedy=f"it has {', '.join(file.columns[:12])}{', ...' if len(file.columns) > 12 else ''}",
        )


def _persons(reading: Reading, mapping: Mapping, files: list[SourceFile]) -> None:
    reading.database.execute("INSERT INTO people_complete VALUES (?)", [bool(files)])
    part = mapping.part("person") or {}
    for file in files:
        roles = ("patient", "birth_date", "death_date", "gender", "race", "ethnicity", "site")
        found = _columns(mapping, "person", part, roles, file)
        reading.load("members", [file], list(found.values()), facts=False)
        patient = column(found["patient"])

        def moment(role: str, found: dict[str, str] = found) -> str:
            if role not in found:
                return "CAST(NULL AS TIMESTAMP)"
            return time_sql(column(found[role]), reading.date_format)

        def chosen(role: str, found: dict[str, str] = found) -> str:
            return choose(column(found[role]), part[role]["values"], "0") if role in found else "0"

        site = column(found["site"]) if "site" in found else NOTHING
        # of several files (one a year) the last says what is so
        later = "(SELECT coalesce(max(ordinal), 0) FROM person_row)"
        reading.database.execute(
            f"INSERT INTO known_person SELECT DISTINCT {patient}, {patient} FROM members WHERE {patient} IS NOT NULL"
        )
        reading.database.execute(
            f"INSERT INTO person_row SELECT file, line + {later}, {patient}, {moment('birth_date')}, "
            f"{moment('death_date')}, {chosen('gender')}, {chosen('race')}, {chosen('ethnicity')}, {site} FROM members "
            f"WHERE {patient} IS NOT NULL"
        )


def _periods(reading: Reading, mapping: Mapping, files: list[SourceFile]) -> None:
    part = mapping.part("observation_period") or {}
    for file in files:
        found = _columns(mapping, "observation_period", part, ("patient", "start", "end"), file)
        reading.load("enrollment", [file], list(found.values()), facts=False)
        start, end = (time_sql(column(found[role]), reading.date_format) for role in ("start", "end"))
        reading.database.execute(
            f"INSERT INTO period_row SELECT file, line, {column(found['patient'])}, {start}, {end} FROM enrollment"
        )


def _facts(reading: Reading, mapping: Mapping, place: str, part: dict[str, Any], file: SourceFile) -> None:
    roles = ("patient", "service_date", "end_date", "available_date", "visit", "line")
    found = _columns(mapping, place, part, roles, file)
    wanted = list(found.values())
    cells: list[CodeCell] = []

    def role(name: str) -> str:
        return column(found[name]) if name in found else NOTHING

    for number, code in enumerate(part["codes"]):
        here = f"{place}/codes/{number}"
        names = spread(code["column"], file)
        if not names:
            raise RunError(f"no column fits {code['column']} ({mapping.path.name} at {here})", where=file.name)
        own = _columns(mapping, here, code, ("service_date", "value"), file)
        unit = code.get("unit")
        if isinstance(unit, str):
            _must_be_there(mapping, f"{here}/unit", unit.lower(), file)
            wanted.append(unit.lower())
        wanted += own.values()
        for name, digit in names:
            _must_be_there(mapping, f"{here}/column", name, file)
            wanted.append(name)
            system, read = _system(mapping, f"{here}/code_system", code["code_system"], name, digit, file)
            wanted += read
            domain, read = _domain(mapping, f"{here}/domain", code["domain"], file)
            wanted += read
            cells.append(
                CodeCell(
                    cell=name,
                    code=column(name),
                    domain=domain,
                    vocabulary=system,
                    start=column(own["service_date"]) if "service_date" in own else role("service_date"),
                    # a code's own date is not bound to the end of the claim
                    end=NOTHING if "service_date" in own else role("end_date"),
                    available=role("available_date"),
                    value=column(own["value"]) if "value" in own else NOTHING,
                    unit=literal(unit["constant"])
                    if isinstance(unit, dict)
                    else column(unit.lower())
                    if unit
                    else NOTHING,
                    line=role("line") if code.get("per_line") else NOTHING,
                )
            )
    # one code column and no claim to gather lines by: a row is a fact of its own
    alone = len(cells) == 1 and "visit" not in found
    reading.load("mapped_cells", [file], wanted)
    source = reading.source_of(mapping.document.get("source", "claims"))
    add_facts(
        reading.database,
        FactTable(
            "mapped_cells", cells, role("patient"), role("visit"), whole_rows=alone, source=source,
            default_type=type_of(source), date_format=reading.date_format,
            signed_people=mapping.document.get("negative_ids") == "keep",
        ),
    )  # fmt: skip
    if "visit" in found:
        start, end = (
            time_sql(role("service_date"), reading.date_format),
            time_sql(role("end_date"), reading.date_format),
        )
        reading.database.execute(
            f"INSERT INTO visit_row SELECT {role('visit')}, {role('visit')}, min({role('patient')}), min({start}), "
            f"max(coalesce({end}, {start})), 0 FROM mapped_cells WHERE {role('visit')} IS NOT NULL GROUP BY 1"
        )


def _system(mapping: Mapping, place: str, given: Any, code: str, digit: str, file: SourceFile) -> tuple[str, list[str]]:
    if isinstance(given, str):
        return ("NULL" if given == "by_form" else literal(given)), []
    if "patterns" in given:
        whens = " ".join(
            f"WHEN regexp_full_match(upper({column(code)}), {literal(one['matches'])}) THEN {literal(one['system'])}"
            for one in given["patterns"]
        )
        return f"CASE {whens} END", []
    name = given["column"].replace("{n}", digit).lower()
    _must_be_there(mapping, place, name, file)
    if "values" in given:
        return choose(column(name), given["values"], "NULL"), [name]
    return column(name), [name]


def _domain(mapping: Mapping, place: str, given: Any, file: SourceFile) -> tuple[str, list[str]]:
    if isinstance(given, str):
        return literal(given), []
    name = given["column"].lower()
    _must_be_there(mapping, place, name, file)
    return choose(column(name), given["values"], "'Observation'"), [name]
