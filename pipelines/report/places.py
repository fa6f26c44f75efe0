"""Patients of a phenotype by site and provider: roll-ups whose rows have enough patients."""

from __future__ import annotations

from collections import Counter

from .blocks import Value
from .reading import Reading, label
from .small_cells import Cell, Group, SafeGroup, suppress_groups

Place = tuple[int | None, int | None, int]
"""Site, provider, patients."""


def place_rows(reading: Reading, places: list[Place], rest: int) -> tuple[Cell, list[tuple[Value, ...]]]:
    """All patients, and rows of (site, provider, patients): sites by size, each followed by its providers.

    Sites and providers with fewer patients than the smallest cell are gathered. `rest`: the patients who are known, but
    not among these; where they are few, the overall number is hidden, since it would tell them.
    """
    sites = Counter[int | None]()
    for site, _, patients in places:
        sites[site] += patients
    large = sorted(
        (site for site in sites if reading.enough(sites[site])), key=lambda site: (-sites[site], _name(site))
    )
    small = [site for site in sites if site not in set(large)]
    groups: list[Group] = []
    names: list[tuple[str, list[str]]] = []

    def name(number: int | None, kind: str) -> str:
        return label(reading.place_names.get((kind, number or 0)), _name(number, kind))

    for site in large:
        counts = {provider: count for at, provider, count in places if at == site}
        shown = sorted((p for p in counts if reading.enough(counts[p])), key=lambda p: (-counts[p], _name(p)))
        labels = [name(provider, "provider") for provider in shown]
        members = [Group((counts[provider],)) for provider in shown]
        others = [count for provider, count in counts.items() if provider not in set(shown)]
        if others:
            labels.append(_several(len(others), "provider", other=bool(shown)))
            members.append(Group((sum(others),)))
        groups.append(Group((sites[site],), tuple(members)))
        names.append((name(site, "site"), labels))
    if small:
        groups.append(Group((sum(sites[site] for site in small),)))
        names.append((_several(len(small), "site", other=bool(large)), []))
    total = sum(sites.values())
    safe = suppress_groups(Group((total,), tuple(groups), people=(rest,) if rest else None), min_cell=reading.min_cell)
    return safe.total, _rows(safe, names)


def _rows(safe: SafeGroup, names: list[tuple[str, list[str]]]) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = []
    for site, (name, providers) in zip(safe.members, names, strict=True):
        rows.append((name, "all", site.total))
        rows.extend((name, provider, cell.total) for provider, cell in zip(providers, site.members, strict=True))
    return rows


def _name(number: int | None, kind: str = "") -> str:
    return f"no {kind} stated".replace("  ", " ") if number is None else str(number)


def _several(count: int, kind: str, *, other: bool) -> str:
    return f"{count:,} {'other ' if other else ''}{kind}{'s' if count > 1 else ''}"
