"""An UpSet plot (Lex et al., IEEE TVCG 2014): one bar for each combination of sets, a matrix of dots below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..durable import write_bytes
from ..errors import RunError
from ..report.small_cells import MIN_CELL, Cell
from .compare import Comparison

_DARK, _PALE, _HIDDEN = "#33415c", "#d5d9e2", "#b9bfcc"
FORMATS = (".svg", ".png")


def draw_upset(comparison: Comparison, path: Path, title: str = "") -> None:
    """Write the plot as SVG or PNG; equal input gives equal bytes.

    A hidden count is a hatched bar as high as the smallest count that is told, with its text.
    Raises RunError for another ending, or where matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise RunError("the plot has no known ending", where=str(path), remedy="name it .svg or .png")
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        raise RunError("plots need matplotlib", remedy='install it with `pip install "phenotext[report]"`') from None
    import io

    names = comparison.names
    shown = [overlap for overlap in comparison.overlaps if overlap.members and overlap.cell.value != 0]
    shown.sort(key=lambda overlap: (-_height(overlap.cell), -len(overlap.members), overlap.members))
    columns = max(len(shown), 1)
    settings: dict[Any, Any] = {"svg.hashsalt": "phenotext", "svg.fonttype": "none", "font.size": 9, "axes.grid": False}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(3.4 + 0.6 * columns, 2.6 + 0.35 * len(names)), layout="constrained")
        grid = figure.add_gridspec(
            2, 2, width_ratios=(1.2, max(0.45 * columns, 1)), height_ratios=(2.2, 0.35 * len(names) + 0.2)
        )
        bars, matrix = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
        totals = figure.add_subplot(grid[1, 0])
        for place, overlap in enumerate(shown):
            bars.bar(place, _height(overlap.cell), 0.62, **_style(overlap.cell))
            bars.annotate(overlap.cell.text, (place, _height(overlap.cell)), (0, 2), textcoords="offset points",
                          ha="center", va="bottom")  # fmt: skip
            for row, name in enumerate(names):
                matrix.plot(place, row, "o", color=_DARK if name in overlap.members else _PALE, markersize=8)
            rows = [names.index(name) for name in overlap.members]
            matrix.plot([place, place], [min(rows), max(rows)], color=_DARK, linewidth=2)
        bars.set_ylabel("patients")
        bars.set_ylim(0, max([_height(overlap.cell) for overlap in shown], default=1) * 1.15)
        bars.set_xticks([])
        for axis in (bars, matrix):
            axis.set_xlim(-0.6, columns - 0.4)
        for row, name in enumerate(names):
            cell = comparison.totals[name]
            totals.barh(row, _height(cell), 0.5, **_style(cell))
            totals.annotate(cell.text, (_height(cell), row), (-3, 0), textcoords="offset points", ha="right",
                            va="center")  # fmt: skip
        totals.set_xlim(max([_height(cell) for cell in comparison.totals.values()], default=1) * 1.5, 0)
        totals.set_xlabel("all of the set")
        totals.set_yticks([])
        matrix.set_yticks(range(len(names)), names)
        matrix.set_xticks([])
        for axis in (matrix, totals):
            axis.set_ylim(len(names) - 0.5, -0.5)
        for axis in (bars, matrix, totals):
            for side in ("top", "right", "left" if axis is totals else "top"):
                axis.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            matrix.spines[side].set_visible(False)
        if title:
            bars.set_title(title, loc="left", fontsize=10)
        out = io.BytesIO()
        if path.suffix.lower() == ".svg":
            FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": "phenotext"})
        else:
            FigureCanvasAgg(figure).print_png(out, metadata={"Software": "phenotext"})
    write_bytes(path, out.getvalue())


def _height(cell: Cell) -> int:
    return cell.value if cell.value is not None else MIN_CELL


def _style(cell: Cell) -> dict[str, Any]:
    if cell.value is None:
        return {"facecolor": "white", "edgecolor": _HIDDEN, "hatch": "////"}
    return {"facecolor": _DARK, "edgecolor": _DARK}
