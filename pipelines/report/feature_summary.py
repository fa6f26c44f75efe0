"""The feature table of a run: how many features of each kind, and which most rows have."""

from __future__ import annotations

from .blocks import Block, Section, Table, Text, Value
from .reading import Reading, label, share
from .small_cells import Group, suppress_groups

FEATURES = 25
NAME_LENGTH = 160


def feature_section(reading: Reading) -> Section:
    """Features by analysis, the most frequent ones: one table of sums, so that no rest tells a small count."""
    analyses = reading.rows("analyses")
    if not analyses:
        return Section("features", "Features", (Text("The run has no features."),))
    found = int(reading.database.execute("SELECT count(*) FROM cohort").fetchall()[0][0])
    # a feature that few have is not named
    frequent = [row for row in reading.rows("covariates", FEATURES) if reading.enough(row[4])]
    groups: list[Group] = []
    for analysis, *_, values, people in analyses:
        named = [row for row in frequent if row[0] == analysis]
        members = [Group((row[3],), people=(min(row[4], found - row[3] or row[4]),)) for row in named]
        if members and (rest := values - sum(row[3] for row in named)):
            members.append(Group((rest,)))
        groups.append(Group((values,), tuple(members), people=(people,)))
    safe = suppress_groups(Group((sum(row[4] for row in analyses),), tuple(groups)), min_cell=reading.min_cell)
    rows: list[tuple[Value, ...]] = [
        (str(row[0]), label(row[1]), row[2], row[3], one.total) for row, one in zip(analyses, safe.members, strict=True)
    ]
    rows.append(("", "all", "", sum(row[3] for row in analyses), safe.total))
    columns = ("analysis", "kind of feature", "source", "features", "values")
    blocks: list[Block] = [Table("Features by analysis", columns, tuple(rows), folded=True)]
    cells = {
        row[1]: member.total
        for analysis, one in zip(analyses, safe.members, strict=True)
        for row, member in zip([row for row in frequent if row[0] == analysis[0]], one.members, strict=False)
    }
    whole = reading.count(found)
    told: list[tuple[Value, ...]] = [
        (label(row[2], length=NAME_LENGTH), row[1], cells[row[1]], share(cells[row[1]], whole))
        for row in frequent
        if row[1] in cells
    ]
    note = "Yes-or-no features over any time, by the number of cohort rows that have them; demographics left out."
    blocks.append(Table("Most frequent features", ("feature", "name", "cohort rows", "share"), tuple(told), note))
    return Section("features", "Features", tuple(blocks))
