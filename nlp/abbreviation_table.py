"""The table of clinical abbreviations: what each may stand for, and what decides between its senses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .tsv import data_file, read_tsv

BEFORE, AFTER = "<", ">"


@dataclass(frozen=True, slots=True)
class AbbreviationSense:
    """One sense of an abbreviation.

    `code` and `system` are empty for what is no concept (units, places, people, plain words). `neighbours`: words or
    pairs of words that stand near this sense; `<the` must stand just before the abbreviation, `>nn` (any number) just
    after it. `sections`: where this sense is at home. `priority` 1 is the sense without any context.
    """

    abbreviation: str
    expansion: str
    code: str
    system: str
    sections: tuple[str, ...]
    neighbours: tuple[str, ...]
    priority: int


def read_abbreviations(path: Path) -> list[AbbreviationSense]:
    """Read an abbreviation table. Raises ValueError naming file and line for a wrong priority or a long neighbour."""
    senses: list[AbbreviationSense] = []
    for number, row in read_tsv(path):
        if not row["priority"].isdigit() or row["priority"] == "0":
            raise ValueError(
                f"{path}:{number}: priority {row['priority']!r}; give 1 for the default sense, then 2, 3 ..."
            )
        neighbours = _parts(row["neighbours"])
        for neighbour in neighbours:
            if len(neighbour.split()) > 2 or (neighbour[0] in BEFORE + AFTER and " " in neighbour):
                raise ValueError(
                    f"{path}:{number}: neighbour {neighbour!r} is too long;"
                    f" give two words, or one after {BEFORE} or {AFTER}"
                )
        senses.append(
            AbbreviationSense(
                abbreviation=row["abbreviation"],
                expansion=row["expansion"],
                code=row["code"],
                system=row["system"],
                sections=_parts(row["section"]),
                neighbours=neighbours,
                priority=int(row["priority"]),
            )
        )
    return senses


def by_abbreviation(senses: Iterable[AbbreviationSense]) -> dict[str, list[AbbreviationSense]]:
    """Senses of each abbreviation, by priority; abbreviations in alphabetical order."""
    groups: dict[str, list[AbbreviationSense]] = {}
    for sense in sorted(senses, key=lambda sense: (sense.abbreviation, sense.priority, sense.expansion)):
        groups.setdefault(sense.abbreviation, []).append(sense)
    return groups


@cache
def default_abbreviations() -> tuple[AbbreviationSense, ...]:
    """The senses shipped with the package."""
    return tuple(read_abbreviations(data_file("abbreviations.tsv")))


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())
