"""What a report consists of, apart from how it looks: sections of figures, tables, charts and sentences.

Counts of people, notes, mentions and rows come as `Cell`, already suppressed; a plain int counts kinds (concepts,
codes, features). So nothing that renders a report can show a small cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from .small_cells import Cell

Value = str | int | Cell
ChartKind = Literal["bars", "columns", "stacked"]


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence; a notice stands out."""

    text: str
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Large numbers with labels."""

    values: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header; `folded` tables open on demand."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Counts of labels in one or more series (name, one cell for each label). Hidden counts are not drawn."""

    title: str
    kind: ChartKind
    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[Cell, ...]], ...]
    unit: str


Block = Text | Figures | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with a place in its table of contents."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report of a run."""

    title: str
    run_id: str
    min_cell: int
    purpose: str
    intended_use: str
    sections: tuple[Section, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The same facts for a machine; a hidden count is the text that stands for it."""
        return {
            "title": self.title,
            "run_id": self.run_id,
            "min_cell": self.min_cell,
            "purpose": self.purpose,
            "intended_use": self.intended_use,
            "sections": [
                {"id": section.anchor, "title": section.title, "blocks": [_block(block) for block in section.blocks]}
                for section in self.sections
            ],
        }


def _plain(value: Value) -> str | int:
    if isinstance(value, Cell):
        return value.text if value.value is None else value.value
    return value


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"kind": "text", "text": block.text}
        case Figures():
            return {"kind": "figures", "values": {label: _plain(value) for label, value in block.values}}
        case Table():
            return {
                "kind": "table",
                "title": block.title,
                "note": block.note,
                "columns": list(block.columns),
                "rows": [[_plain(value) for value in row] for row in block.rows],
            }
        case Chart():
            return {
                "kind": "chart",
                "title": block.title,
                "unit": block.unit,
                "labels": list(block.labels),
                "series": {name: [_plain(cell) for cell in cells] for name, cells in block.series},
            }
