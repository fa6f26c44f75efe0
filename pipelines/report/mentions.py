"""What the notes mention: by domain, concept and assertion."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..summary import ORDER
from .blocks import Chart, Section, Table, Text, Value
from .reading import Reading, label, share
from .small_cells import Group, SafeGroup, suppress_groups

CONCEPTS = 50


@dataclass(slots=True)
class _Row:
    """Mentions and their patients by assertion, None for all."""

    mentions: dict[str | None, int] = field(default_factory=dict)
    people: dict[str | None, int] = field(default_factory=dict)

    def group(self, assertions: list[str], members: tuple[Group, ...] = ()) -> Group:
        return Group(
            tuple(self.mentions.get(name, 0) for name in assertions),
            members,
            tuple(self.people.get(name, 0) for name in assertions),
            self.people.get(None, 0),
        )


def mention_section(reading: Reading, names: dict[str, str]) -> Section:
    """Mentions by assertion, domain and concept in one table of sums; `names` of concepts by code."""
    rows = _read(reading)
    if not rows:
        return Section("mentions", "Mentions", (Text("Nothing was found in the notes."),))
    top = rows[(None, None)]
    assertions = [name for name in ORDER if top.mentions.get(name)]
    assertions += sorted(name for name in top.mentions if name and name not in ORDER)
    domains = sorted({key[0] for key in rows if key[0]}, key=lambda name: (-rows[(name, None)].mentions[None], name))
    concepts = {
        domain: sorted(
            (key[1] for key in rows if key[0] == domain and key[1] is not None),
            key=lambda code: (code == "", -rows[(domain, code)].mentions[None], code),
        )
        for domain in domains
    }
    members = tuple(
        rows[(domain, None)].group(
            assertions, tuple(rows[(domain, code)].group(assertions) for code in concepts[domain])
        )
        for domain in domains
    )
    safe = suppress_groups(top.group(assertions, members), min_cell=reading.min_cell)
    by_domain = Table(
        "Mentions by domain",
        ("domain", *assertions, "all"),
        (
            *((domain, *one.cells, one.total) for domain, one in zip(domains, safe.members, strict=True)),
            ("all", *safe.cells, safe.total),
        ),
    )
    charts = Chart("Mentions by assertion", "bars", tuple(assertions), (("mentions", safe.cells),), "mentions")
    blocks = (charts, _assertions(assertions, safe), by_domain, _concepts(domains, concepts, assertions, safe, names))
    return Section("mentions", "Mentions", blocks)


def _read(reading: Reading) -> dict[tuple[str | None, str | None], _Row]:
    """Rows by domain and code; code None is the domain's sum, "" its other concepts, domain None all."""
    rows: dict[tuple[str | None, str | None], _Row] = {}
    for domain, code, assertion, level, mentions, people in reading.rows("mentions", CONCEPTS):
        key = (None, None) if level == "all" else (domain, None if level == "domain" else code or "")
        row = rows.setdefault(key, _Row())
        row.mentions[assertion] = mentions
        row.people[assertion] = people
    return rows if rows.get((None, None), _Row()).mentions.get(None) else {}


def _assertions(assertions: list[str], safe: SafeGroup) -> Table:
    rows: list[tuple[Value, ...]] = [
        (name, cell, share(cell, safe.total)) for name, cell in zip(assertions, safe.cells, strict=True)
    ]
    return Table("Mentions by assertion", ("assertion", "mentions", "share"), (*rows, ("all", safe.total, "")))


def _concepts(
    domains: list[str],
    concepts: dict[str, list[str]],
    assertions: list[str],
    safe: SafeGroup,
    names: dict[str, str],
) -> Table:
    rows: list[tuple[Value, ...]] = []
    for domain, group in zip(domains, safe.members, strict=True):
        for code, one in zip(concepts[domain], group.members, strict=True):
            name = label(names.get(code, code)) if code else "all other concepts"
            rows.append((domain, name, *one.cells, one.total, code))
    note = (
        f"The {CONCEPTS} concepts with most mentions, by domain. A count is hidden too where its mentions come from "
        "fewer patients than the smallest cell."
    )
    return Table("Mentions by concept", ("domain", "concept", *assertions, "all", "code"), tuple(rows), note)
