"""Which concepts are chronic diseases: a past mention of one ("history of atrial fibrillation") still holds today."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def _table() -> tuple[frozenset[str], frozenset[str]]:
    text = files(f"{__name__.rsplit('.', 2)[0]}.data").joinpath("chronic.tsv").read_text(encoding="utf-8")
    codes: set[str] = set()
    names: set[str] = set()
    for line in text.splitlines()[1:]:
        code, name, others = line.split("\t")
        codes.add(code)
        names.update(each.strip().casefold() for each in (name, *others.split(";")))
    return frozenset(codes), frozenset(names - {""})


def is_chronic(system: str, code: str, preferred: str) -> bool:
    """Whether `nlp/data/chronic.tsv` lists the SNOMED code, or any system's concept by its preferred name (case
    ignored)."""
    codes, names = _table()
    return (system == "SNOMED" and code in codes) or preferred.casefold() in names
