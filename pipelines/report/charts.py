"""Charts as inline SVG: the same bytes for the same counts, colours from the page's style sheet, light and dark.

matplotlib draws with colours that stand for the page's variables, which replace them in the SVG; text stays text.
"""

from __future__ import annotations

import logging
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

from ..errors import RunError
from .blocks import Chart
from .small_cells import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# drawn as -> variable of the style sheet
_VARIABLES = {
    "#010203": "var(--ink)",
    "#040506": "var(--soft)",
    "#070809": "var(--line)",
    "#0a0b0c": "var(--series1)",
    "#0d0e0f": "var(--series2)",
    "#101112": "var(--series3)",
}
_INK, _SOFT, _LINE, *_SERIES = _VARIABLES
WIDTH = 4.4
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "axes.edgecolor": _LINE,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "xtick.labelcolor": _SOFT,
    "ytick.labelcolor": _INK,
}
LABEL = 26


def need_matplotlib() -> None:
    """Raise RunError where the charts cannot be drawn, before the work begins."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise RunError("the charts need matplotlib", remedy="pip install 'phenotext[report]'") from None


def svg(chart: Chart, number: int) -> str:
    """The chart as an `svg` element; `number` tells its ids from those of other charts in the page."""
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # every font it looks at
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    # whatever matplotlibrc the user has: the bytes of a report depend on the run alone
    settings |= {**_SETTINGS, "svg.hashsalt": f"phenotext-{number}"}
    with matplotlib.rc_context(settings):
        lines = len(chart.labels) if chart.kind != "columns" else 6
        figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * lines))
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        if chart.kind == "columns":
            _columns(axes, chart)
        else:
            _bars(axes, chart)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        out = StringIO()
        figure.savefig(
            out,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return _inline(out.getvalue(), chart.title, number)


def _bars(axes: Axes, chart: Chart) -> None:
    """Horizontal bars from the top down, stacked where there are several series; hidden counts as their text."""
    places = list(range(len(chart.labels)))
    start = [0] * len(places)
    for color, (name, cells) in zip(_SERIES, chart.series, strict=False):
        values = [cell.value or 0 for cell in cells]
        axes.barh(places, values, left=start, color=color, height=0.7, label=name)
        start = [before + value for before, value in zip(start, values, strict=True)]
    most = max(start, default=0) or 1
    for place, end in zip(places, start, strict=True):
        axes.text(
            end + most * 0.015, place, _ends([cells[place] for _, cells in chart.series]), va="center", fontsize=9
        )
    axes.set_yticks(places, [_short(name) for name in chart.labels])
    axes.set_xlim(0, most * 1.2)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(_whole_numbers())
    axes.set_xlabel(chart.unit)
    if len(chart.series) > 1:
        axes.legend(frameon=False, ncols=len(chart.series), loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)


def _ends(cells: list[Cell]) -> str:
    if len(cells) == 1:
        return cells[0].text
    return "" if all(cell.shown for cell in cells) else "+ hidden"


def _columns(axes: Axes, chart: Chart) -> None:
    """Upright bars along time; a hidden count is a mark on the ground."""
    cells = chart.series[0][1]
    places = list(range(len(cells)))
    axes.bar(places, [cell.value or 0 for cell in cells], color=_SERIES[0], width=0.85)
    hidden = [place for place, cell in enumerate(cells) if not cell.shown]
    if hidden:
        axes.plot(hidden, [0] * len(hidden), linestyle="", marker="x", markersize=3, color=_SOFT, clip_on=False)
        axes.text(0, 1.02, "x: hidden, too few", transform=axes.transAxes, fontsize=9, color=_SOFT)
    step = max(1, -(-len(places) // 5))
    axes.set_xticks(places[::step], [chart.labels[place] for place in places[::step]])
    axes.set_ylim(0, None if any(cell.value for cell in cells) else 1)
    axes.yaxis.set_major_locator(_whole_numbers())
    axes.set_ylabel(chart.unit)


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=5, integer=True)


def _short(name: str) -> str:
    return (name if len(name) <= LABEL else name[: LABEL - 3] + "...").replace("$", r"\$")


def _inline(document: str, title: str, number: int) -> str:
    """The svg element alone: no prologue, ids of its own, colours of the page, as wide as there is room."""
    element = document[document.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, count=1, flags=re.DOTALL)
    element = re.sub(r'\bid="([^"]+)"', rf'id="chart{number}-\1"', element)
    element = re.sub(r'xlink:href="#([^"]+)"', rf'href="#chart{number}-\1"', element)
    element = re.sub(r"url\(#([^)]+)\)", rf"url(#chart{number}-\1)", element)
    element = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font: \1 system-ui, sans-serif", element)
    for drawn, variable in _VARIABLES.items():
        element = element.replace(drawn, variable)
    box = re.search(r'viewBox="[^"]+"', element)
    assert box is not None
    width = re.search(r'width="([\d.]+)pt"', element)
    assert width is not None
    head = (
        f'<svg {box.group()} role="img" aria-labelledby="chart{number}-title" '
        f'style="max-width: {float(width.group(1)) * 4 / 3:.0f}px" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="chart{number}-title">{_escaped(title)}</title>'
    )
    return head + element[element.index(">") + 1 :]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
