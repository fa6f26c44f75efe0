"""The notes of a run: how many, of which classes, when, how long, and in which sections something was found."""

from __future__ import annotations

from .blocks import Block, Chart, Figures, Section, Table, Text, Value
from .reading import Reading, label, share, words
from .small_cells import Cell, Group, SafeGroup, suppress_groups

CLASSES = 20
SECTIONS = 30
_BINS = {0: "none", 1: "1", 2: "2", 3: "3", 4: "4-5", 6: "6-10", 11: "11-20", 21: "21-50", 51: "51 or more"}


def patients(reading: Reading) -> SafeGroup:
    """Patients with claims or EHR records and without (columns), by notes: none, any, and any by number of notes.

    Rows: the first member is those without notes, the second those with, whose members are the bins with notes.
    """
    bins = {row[0]: (row[1], row[2]) for row in reading.rows("notes_per_patient")}
    silent = Group(bins.pop(0, (0, 0)))
    members = tuple(Group(bins[bin_]) for bin_ in sorted(bins))
    noted = Group((sum(one.counts[0] for one in members), sum(one.counts[1] for one in members)), members)
    root = Group((silent.counts[0] + noted.counts[0], silent.counts[1] + noted.counts[1]), (silent, noted))
    return suppress_groups(root, min_cell=reading.min_cell)


def corpus_section(reading: Reading, people: SafeGroup) -> Section:
    """Profile of the notes; `people` is what `patients` gave."""
    total = int(reading.database.execute("SELECT count(*) FROM note").fetchall()[0][0])
    if not total:
        return Section("corpus", "Notes", (Text("The run has no notes."),))
    blocks: list[Block] = []
    months = reading.rows("notes_by_month")
    safe = reading.partition([row[1] for row in months], [row[2] for row in months])
    blocks.append(
        Chart("Notes by month", "columns", tuple(row[0] for row in months), (("notes", safe.cells),), "notes")
    )
    by_month = _table("Notes by month", "month", [row[0] for row in months], safe.cells, safe.total, folded=True)
    lengths = reading.rows("notes_by_length")
    safe = reading.partition([row[1] for row in lengths], [row[2] for row in lengths])
    names = [f"up to {row[0]:,}" if row[0] else "longer" for row in lengths]
    blocks.append(Chart("Length of notes in characters", "bars", tuple(names), (("notes", safe.cells),), "notes"))
    bins = sorted({row[0] for row in reading.rows("notes_per_patient")} - {0})
    cells = tuple(member.total for member in people.members[1].members)
    labels = tuple(_BINS[bin_] for bin_ in bins)
    blocks.append(Chart("Notes per patient", "bars", labels, (("patients", cells),), "patients"))
    blocks += (_classes(reading), by_month, _sections(reading, total))
    return Section("corpus", "Notes", tuple(blocks))


def _table(
    title: str, kind: str, names: list[str], cells: tuple[Cell, ...], total: Cell, *, folded: bool = False
) -> Table:
    rows: list[tuple[Value, ...]] = [(name, cell, share(cell, total)) for name, cell in zip(names, cells, strict=True)]
    return Table(title, (kind, "notes", "share"), (*rows, ("all", total, "")), folded=folded)


def _classes(reading: Reading) -> Table:
    found = reading.rows("notes_by_class")
    own = [row for row in found if reading.enough(row[2]) and reading.enough(row[1])][:CLASSES]
    other = [row for row in found if row not in own]
    names = [label(row[0]) for row in own]
    counts, people = [row[1] for row in own], [row[2] for row in own]
    if other:
        names.append(f"{len(other):,} other classes" if len(other) > 1 else "another class")
        counts.append(sum(row[1] for row in other))
        people.append(reading.rows("other_class_patients", [row[0] for row in own])[0][0])
    safe = reading.partition(counts, people)
    return _table("Notes by class", "class", names, safe.cells, safe.total)


def _sections(reading: Reading, notes: int) -> Table:
    found = reading.rows("sections")
    if not found:
        return Table("Sections with mentions", ("section", "mentions", "notes", "share of notes"), ())
    own = [row for row in found if reading.enough(row[2])][:SECTIONS]
    other = [row for row in found if row not in own]
    counts, people = [row[1] for row in own], [row[2] for row in own]
    if other:
        counts.append(sum(row[1] for row in other))
        people.append(reading.rows("other_section_patients", [row[0] for row in own])[0][0])
    safe = reading.partition(counts, people)
    whole = reading.count(notes)
    rows: list[tuple[Value, ...]] = []
    for row, cell in zip(own, safe.cells, strict=False):
        held = reading.part(row[3], notes, row[2])
        rows.append((words(label(row[0], "outside known sections")), cell, held, share(held, whole)))
    if other:
        rows.append((f"{len(other):,} other section{'s' if len(other) > 1 else ''}", safe.cells[-1], "", ""))
    note = "Sections in which at least one mention was found; a note counts once for each."
    return Table("Sections with mentions", ("section", "mentions", "notes", "share of notes"), tuple(rows), note)


def figures(reading: Reading, people: SafeGroup) -> Figures:
    """The sizes of the run."""
    number = reading.database.execute(
        "SELECT (SELECT count(*) FROM note), (SELECT count(*) FROM evidence), (SELECT count(*) FROM event), "
        "(SELECT count(*) FROM cohort), (SELECT count(*) FROM feature), (SELECT count(*) FROM report_subject)"
    ).fetchall()[0]
    names = ("notes", "mentions", "events", "cohort rows", "feature values")
    return Figures(
        (
            ("patients", people.total),
            ("with notes", people.members[1].total),
            ("with claims or records", people.cells[0]),
            *((name, reading.count(count, number[-1])) for name, count in zip(names, number[:-1], strict=True)),
        )
    )
