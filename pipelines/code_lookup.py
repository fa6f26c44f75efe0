"""Codes of one system looked up in a terminology's maps: forwards, or backwards where only the other way is mapped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..nlp.terminology.code_map import CodeTarget, map_key
from ..nlp.terminology.map_sources import MapSources
from ..nlp.terminology.terminology import Terminology
from .code_targets import MAPS_TO, eleven_digits
from .durable import write_bytes
from .errors import RunError

COLUMNS = (
    "code",
    "rows",
    "target_system",
    "target_code",
    "target_name",
    "target_concept_id",
    "target_domain",
    "relationship",
)
_DELIMITERS = "\t,;|"


@dataclass(frozen=True, slots=True)
class MappedCode:
    """One code, how often it was given, and what it stands for; `targets` is empty for an unmapped one."""

    code: str
    rows: int
    targets: tuple[CodeTarget, ...]


def map_codes(terminology: Terminology, system: str, codes: Iterable[str], to: str | None = None) -> list[MappedCode]:
    """Each distinct code once, in order of first appearance.

    Args:
        system: the codes' system, an OMOP vocabulary name.
        to: only targets of this system. Where the terminology maps `to` to `system` but not the other way, its maps are
            read backwards, and their relationship is called `Mapped from`.

    Raises:
        RunError: the terminology has no maps of this system.
    """
    counted: dict[str, int] = {}
    for code in codes:
        counted[code] = counted.get(code, 0) + 1
    maps = terminology.maps
    backwards = _backwards(terminology, system, counted, to) if to is not None else {}
    if system not in maps.systems and not backwards and (to is None or to not in maps.systems):
        there = ", ".join(maps.systems)
        raise RunError(
            f"the terminology has no maps of {system}",
            where=terminology.name,
            remedy=f"it has maps of {there}" if there else "build it from an OMOP vocabulary download (Athena) or RF2",
        )
    return [
        MappedCode(
            code,
            rows,
            tuple(maps.targets(system, _form(system, code), to)) or tuple(backwards.get(map_key(system, code), ())),
        )
        for code, rows in counted.items()
    ]


def _form(system: str, code: str) -> str:
    return eleven_digits(code) if system == "NDC" else code


def _backwards(
    terminology: Terminology, system: str, codes: Iterable[str], to: str | None
) -> dict[str, list[CodeTarget]]:
    """Codes of `to` that `Maps to` each code, by the form in which codes are compared."""
    maps = terminology.maps
    wanted = {(system, code) for code in codes}
    found: dict[str, list[CodeTarget]] = {}
    for source in MapSources(terminology.arrays).sources(sorted(wanted)):
        if source.system != to or source.relationship != MAPS_TO:
            continue
        for target in maps.targets(source.system, source.code, system):
            if (system, target.code) in wanted and target.relationship == MAPS_TO:
                tie = CodeTarget(source.system, source.code, source.name, 0, "", "Mapped from")
                found.setdefault(map_key(system, target.code), []).append(tie)
    return found


def codes_of_file(path: Path, column: str) -> tuple[list[str], int]:
    """The codes of one column of a delimited file with a header, and the number of rows whose cell is empty.

    Raises:
        RunError: a file that cannot be read, a column that is not there, or a row that is too short.
    """
    codes: list[str] = []
    empty = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = lines.readline().rstrip("\r\n")
            delimiter = max(_DELIMITERS, key=lambda mark: (header.count(mark), mark == ","))
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
            if column not in names:
                raise RunError(
                    f"no column {column}",
                    where=path.name,
                    remedy=f"give --column one of {', '.join(names) or 'a header'}",
                )
            place = names.index(column)
            for number, cells in enumerate(csv.reader(lines, delimiter=delimiter), 2):
                if not cells:
                    continue
                if place >= len(cells):
                    raise RunError(
                        f"row {number} has {len(cells)} cells, the header {len(names)}",
                        where=path.name,
                        remedy="give every row as many cells as the header",
                    )
                code = cells[place].strip()
                if code:
                    codes.append(code)
                else:
                    empty += 1
    except UnicodeDecodeError:
        raise RunError("is not UTF-8", where=path.name, remedy="save it as UTF-8") from None
    except csv.Error:
        raise RunError(
            "cannot be split into cells", where=path.name, remedy="give a CSV or TSV with a header"
        ) from None
    return codes, empty


def write_mapped(path: Path, mapped: Sequence[MappedCode]) -> None:
    """One row a code and target, an unmapped code with empty target cells; TSV where the name ends so, else CSV."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in mapped:
        for target in one.targets:
            number = target.concept_id or ""
            tie = (target.system, target.code, target.name, number, target.domain, target.relationship)
            writer.writerow((one.code, one.rows, *tie))
        if not one.targets:
            writer.writerow((one.code, one.rows, *("",) * 6))
    write_bytes(path, out.getvalue().encode())


def summary(mapped: Sequence[MappedCode]) -> str:
    """One line: codes mapped, codes with several targets, codes unmapped."""
    several = sum(len(one.targets) > 1 for one in mapped)
    without = [one for one in mapped if not one.targets]
    rows = sum(one.rows for one in mapped)
    text = (
        f"{len(mapped):,} codes ({rows:,} rows): {len(mapped) - len(without):,} mapped, {several:,} of them to several"
    )
    return f"{text} targets; {len(without):,} unmapped ({sum(one.rows for one in without):,} rows)"
