"""Whether notes and claims name the same diseases in the same patients."""

from __future__ import annotations

from .blocks import Block, Chart, Section, Table, Text, Value
from .reading import Reading, label
from .small_cells import Cell, SafeGroup, suppress_table

CONCEPTS = 25
DRAWN = 12


def kappa(notes_only: int, both: int, structured_only: int, neither: int) -> float | None:
    """Cohen's kappa of two sources that say yes or no of each patient; None where it is not defined.

    (observed - expected) / (1 - expected) agreement, Cohen 1960.

    >>> kappa(0, 10, 0, 10), kappa(5, 5, 5, 5), kappa(0, 0, 0, 20)
    (1.0, 0.0, None)
    """
    total = notes_only + both + structured_only + neither
    if not total:
        return None
    noted, recorded = (notes_only + both) / total, (structured_only + both) / total
    expected = noted * recorded + (1 - noted) * (1 - recorded)
    observed = (both + neither) / total
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreement_section(reading: Reading, people: SafeGroup) -> Section:
    """Patients whom notes, claims or both give a concept, among those with both kinds of data."""
    whole = people.members[1].cells[0]
    found = reading.rows("agreement", CONCEPTS)
    noted_kinds, both_kinds, recorded_kinds = reading.rows("agreement_kinds")[0]
    blocks: list[Block] = [
        Text(
            f"Concepts stated as present: {both_kinds:,} in notes and in claims or records, {noted_kinds:,} in "
            f"notes only, {recorded_kinds:,} in claims or records only. Notes and claims often code one disease at "
            "different depths; roll-ups and phenotype definitions bring them together."
        )
    ]
    if not found:
        blocks.append(Text("No patient has both kinds of data with a concept in common."))
        return Section("agreement", "Notes and claims", tuple(blocks))
    patients = _count(reading)
    rows: list[tuple[Value, ...]] = []
    parts: list[tuple[Cell, Cell, Cell]] = []
    for code, name, noted, shared, recorded in found:
        neither = patients - noted - shared - recorded
        safe = suppress_table([[shared, noted], [recorded, neither]], min_cell=reading.min_cell)
        (both, notes_only), (claims_only, rest) = safe.cells
        told = all(cell.shown for row in safe.cells for cell in row) and whole.shown
        agreed = kappa(noted, shared, recorded, neither) if told else None
        parts.append((notes_only, both, claims_only))
        rows.append(
            (
                label(name),
                safe.row_totals[0],
                safe.column_totals[0],
                both,
                notes_only,
                claims_only,
                # what is left over would tell how many there are
                rest if whole.shown else Cell("withheld"),
                "" if agreed is None else f"{agreed:.2f}",
                code,
            )
        )
    drawn = [place for place, cells in enumerate(parts) if any(cell.value for cell in cells)][:DRAWN]
    if drawn:
        series = tuple(
            (name, tuple(parts[place][which] for place in drawn))
            for which, name in enumerate(("notes only", "both", "claims only"))
        )
        title = "Patients with a concept, by source"
        blocks.append(Chart(title, "stacked", tuple(label(found[place][1]) for place in drawn), series, "patients"))
    note = (
        f"Among the {whole.text} patients with notes and with claims or EHR records; the concepts of most patients. "
        "Kappa is Cohen's; it is not given where a count is hidden."
    )
    columns = ("concept", "in notes", "in claims", "both", "notes only", "claims only", "neither", "kappa", "code")
    blocks.append(Table("Agreement by concept", columns, tuple(rows), note))
    return Section("agreement", "Notes and claims", tuple(blocks))


def _count(reading: Reading) -> int:
    found = reading.database.execute("SELECT count(*) FROM report_subject WHERE notes > 0 AND structured").fetchall()
    return int(found[0][0])
