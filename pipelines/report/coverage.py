"""How much of the terminology was found, and which codes of the claims have no concept."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow.parquet as pq

from .blocks import Block, Section, Table, Text, Value
from .reading import Reading, label, share
from .small_cells import Group, suppress_groups

TAGS = 30
CODES = 10
_Unmapped = tuple[str, str, str, int, int | None]


def coverage_section(reading: Reading) -> Section:
    """Concepts found by semantic tag, source codes by vocabulary, unmapped codes."""
    blocks: list[Block] = [_concepts(reading)]
    claims = reading.run.document["counts"].get("claims")
    if claims:
        blocks += _claims(reading, claims)
        blocks += _source_codes(reading)
    return Section("coverage", "Terms and codes", tuple(blocks))


def _concepts(reading: Reading) -> Block:
    terminology = reading.terminology
    if terminology is None:
        return Text(f"Coverage of the terminology is left out: {reading.terminology_fault}.", notice=True)
    found = {code for (code,) in reading.rows("concepts_found")}
    has, there = Counter[str](), Counter[str]()
    for place in range(terminology.n_concepts):
        tag = terminology.semantic_tags[place] or "no semantic tag"
        there[tag] += 1
        has[tag] += f"{terminology.systems[place]}/{terminology.codes[place]}" in found
    rows: list[tuple[Value, ...]] = []
    for tag, count in sorted(there.items(), key=lambda item: (-has[item[0]], -item[1], item[0]))[:TAGS]:
        rows.append((tag, has[tag], count, f"{100 * has[tag] / count:.1f} %"))
    total = sum(has.values())
    rows.append(("all", total, terminology.n_concepts, f"{100 * total / max(1, terminology.n_concepts):.1f} %"))
    note = "Concepts of the terminology that were found at least once, whatever the assertion."
    return Table("Concepts found", ("semantic tag", "found", "in the terminology", "share"), tuple(rows), note)


def _claims(reading: Reading, claims: dict[str, Any]) -> list[Block]:
    """Rows of the claims by what became of their codes; of the unmapped the vocabularies and the frequent codes.

    All in one table of sums, so that no rest tells a small count. A code of its own is listed only where enough rows
    (and people) have it.
    """
    unmapped: dict[str, Any] = claims.get("unmapped") or {}
    counts = [int(claims.get(key, 0)) for key in ("rows_mapped", "rows_source_concept", "rows_unmapped")]
    names = ("share a concept with the terminology", "keep the source's concept", "unmapped")
    columns = ("what became of the code", "rows", "share")
    vocabularies = {name: int(entry.get("rows", 0)) for name, entry in sorted(unmapped.items())}
    codes = {name: _frequent(reading, name, unmapped[name], _unmapped_table(reading)) for name in vocabularies}
    sound = all(sum(row[2] for row in codes[name]) <= count for name, count in vocabularies.items())
    if not sound or sum(vocabularies.values()) != counts[2] or sum(counts) != claims.get("rows"):
        # a source whose rows count in several ways: no sum, so nothing to derive
        plain = [(name, reading.count(count), "") for name, count in zip(names, counts, strict=True)]
        return [Table("Rows of the claims", columns, tuple(plain))]
    groups: list[Group] = []
    for name, count in vocabularies.items():
        members = [Group((row[2],)) for row in codes[name]]
        if members and (rest := count - sum(row[2] for row in codes[name])):
            members.append(Group((rest,)))
        groups.append(Group((count,), tuple(members)))
    root = Group((sum(counts),), (Group((counts[0],)), Group((counts[1],)), Group((counts[2],), tuple(groups))))
    safe = suppress_groups(root, min_cell=reading.min_cell)
    by_vocabulary = safe.members[2].members
    rows: list[tuple[Value, ...]] = [
        (name, one.total, share(one.total, safe.total)) for name, one in zip(names, safe.members, strict=True)
    ]
    rows += [
        (f"unmapped, {name}", one.total, share(one.total, safe.total))
        for name, one in zip(vocabularies, by_vocabulary, strict=True)
    ]
    listed: list[tuple[Value, ...]] = [
        (vocabulary, label(row[0]), label(row[1], "no name"), member.total)
        for vocabulary, one in zip(vocabularies, by_vocabulary, strict=True)
        for row, member in zip(codes[vocabulary], one.members, strict=False)
    ]
    kinds = sum(int(entry.get("codes", 0)) for entry in unmapped.values())
    note = f"{kinds:,} codes of the claims have no concept in the terminology. Listed are those with the most rows."
    return [
        Table("Rows of the claims", columns, (*rows, ("all", safe.total, ""))),
        Table("Frequent unmapped codes", ("vocabulary", "code", "description", "rows"), tuple(listed), note),
    ]


def _frequent(
    reading: Reading, vocabulary: str, entry: dict[str, Any], table: list[_Unmapped] | None
) -> list[tuple[str, str, int]]:
    """(code, name, rows) of a vocabulary's unmapped codes that have rows enough."""
    if table is None:
        found = [(code, "", int(rows)) for code, rows in (entry.get("top") or {}).items()]
    else:
        found = [row[1:4] for row in table if row[0] == vocabulary and (row[4] is None or reading.enough(row[4]))]
    own = [row for row in found if reading.enough(row[2])]
    return sorted(own, key=lambda row: (-row[2], row[0]))[:CODES]


def _source_codes(reading: Reading) -> list[Block]:
    rows: list[tuple[Value, ...]] = list(reading.rows("source_codes"))
    note = "Distinct codes of claims and EHR records, mapped or not."
    return [Table("Codes of the source", ("vocabulary", "distinct codes"), tuple(rows), note)] if rows else []


def _unmapped_table(reading: Reading) -> list[_Unmapped] | None:
    """(vocabulary, code, name, rows, people) of the import's own list, where the run has one."""
    path = reading.run.path / "unmapped.parquet"
    if not path.is_file():
        return None
    table = pq.read_table(path, columns=["vocabulary", "code", "name", "rows", "persons"])
    return [
        (row["vocabulary"], row["code"] or "", row["name"] or "", int(row["rows"]), row["persons"])
        for row in table.to_pylist()
    ]
