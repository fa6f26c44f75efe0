"""A report as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ..report_page import STYLE
from .blocks import Block, Chart, Report, Table, Value
from .charts import svg
from .small_cells import Cell

# Charts are placed side by side where there is room; the page itself never scrolls sideways, wide tables do.
CHART_STYLE = """
:root { --series1: #3b76b5; --series2: #1f8a70; --series3: #b8791f }
@media (prefers-color-scheme: dark) { :root { --series1: #6ea8e6; --series2: #4fc3a1; --series3: #e0a95a } }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1rem 2rem;
  align-items: start; margin: 1rem 0 }
figure { margin: 0; min-width: 0 } figcaption { font-weight: 600; margin-bottom: .3rem }
figure svg { display: block; width: 100%; height: auto }
td.hidden { color: var(--soft) }
.scroll { max-height: none; width: fit-content; min-width: min(100%, 34rem); max-width: 100% }
.scroll.tall { max-height: 34rem }
td.code { font: 13px/1.6 ui-monospace, monospace; white-space: nowrap }
.pairs td, td.name { overflow-wrap: anywhere } .pairs td:first-child { min-width: 7rem } td.name { min-width: 12rem }
@media (max-width: 40rem) { body { margin: 1rem auto; font-size: 14px } .scroll { min-width: 100% }
  .figure { flex: 1 1 40%; min-width: 0 } th, td { padding: .3rem .45rem } h1 { font-size: 1.35rem } }
""".strip()


@dataclass(frozen=True, slots=True)
class _Run:
    """Charts that follow each other, or one block of another kind."""

    charts: tuple[Chart, ...] = ()
    block: Block | None = None


def html(report: Report) -> str:
    """The whole document. Needs matplotlib (extra `report`); charts without a count are left out."""
    charts = [block for section in report.sections for block in section.blocks if isinstance(block, Chart)]
    numbers = {id(chart): number for number, chart in enumerate(charts, 1)}
    return _template().render(
        report=report,
        style=Markup(f"{STYLE}\n{CHART_STYLE}"),
        runs=_runs,
        kind=lambda block: type(block).__name__,
        shown=_shown,
        numeric=_numeric,
        draw=lambda chart: Markup(svg(chart, numbers[id(chart)])),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html")


def _runs(blocks: Sequence[Block]) -> Iterator[_Run]:
    waiting: list[Chart] = []
    for block in blocks:
        if isinstance(block, Chart):
            if any(cell.value for _, cells in block.series for cell in cells):
                waiting.append(block)
            continue
        if waiting:
            yield _Run(charts=tuple(waiting))
            waiting = []
        yield _Run(block=block)
    if waiting:
        yield _Run(charts=tuple(waiting))


def _shown(value: Value) -> str:
    if isinstance(value, Cell):
        return value.text
    return f"{value:,}" if isinstance(value, int) else value


def _numeric(table: Table, column: int) -> bool:
    """Whether a column's header stands to the right, over numbers."""
    return any(
        isinstance(row[column], (int, Cell)) or (isinstance(row[column], str) and str(row[column]).endswith("%"))
        for row in table.rows
    )
