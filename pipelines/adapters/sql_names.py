"""Names and texts as they are written in SQL."""

from __future__ import annotations

from ..database import literal

NOTHING = "CAST(NULL AS VARCHAR)"


def column(name: str) -> str:
    """A column as SQL.

    >>> column("icd_dgns_cd1")
    '"icd_dgns_cd1"'
    """
    return '"' + name.replace('"', '""') + '"'


def first_of(*names: str, there: tuple[str, ...]) -> str:
    """The first filled of the columns that are there, as SQL; null where none is."""
    present = [column(name) for name in names if name in there]
    if not present:
        return NOTHING
    return present[0] if len(present) == 1 else f"coalesce({', '.join(present)})"


def choose(text: str, values: dict[str, str | int], otherwise: str) -> str:
    """What a code stands for, as SQL; case does not matter."""
    if not values:
        return otherwise
    whens = " ".join(
        f"WHEN {literal(key.lower())} THEN {value if isinstance(value, int) else literal(value)}"
        for key, value in values.items()
    )
    return f"CASE lower({text}) {whens} ELSE {otherwise} END"
