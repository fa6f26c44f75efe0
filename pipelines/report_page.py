"""The parts of a report as one web page that needs nothing from elsewhere: figures, tables, folded lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d0d7de; --paper: #fff; --tint: #f6f8fa;
  --good: #1a7f37; --warn: #9a6700; --bad: #b3261e; --bar: #b6d4fe }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --paper: #0d1117;
  --tint: #151b23; --good: #3fb950; --warn: #d29922; --bad: #f85149; --bar: #1f4a7d } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: var(--ink); background: var(--paper) }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem }
h2 { border-top: 1px solid var(--line); padding-top: 1rem }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem }
p { margin: .3rem 0 .7rem; max-width: 56rem } p.soft, .soft { color: var(--soft) }
code { font: 13px ui-monospace, monospace }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 1rem 0; padding: .6rem .8rem; background: var(--tint) }
nav, .figure, .scroll, details { border: 1px solid var(--line); border-radius: 6px }
a { color: inherit }
.figures { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1rem 0; padding: 0 }
.figure { padding: .5rem .9rem; background: var(--tint); min-width: 8rem }
.figure b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums }
.scroll { max-height: 30rem; overflow: auto; margin: .4rem 0 .8rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top }
tbody tr:last-child td { border-bottom: 0 }
thead th { position: sticky; top: 0; background: var(--tint); z-index: 1 }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.bar { width: 40% } td.bar div { background: var(--bar); height: .9rem; border-radius: 3px; margin-top: .25rem }
details { padding: .4rem .8rem; margin: .4rem 0 } summary { cursor: pointer }
.good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
.notice { border-left: 4px solid var(--warn); padding: .3rem .8rem; background: var(--tint); margin: .4rem 0 }
@media print { .scroll { max-height: none; overflow: visible } nav { display: none } }
""".strip()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a place in its table of contents; `body` is HTML."""

    anchor: str
    title: str
    body: str


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The whole document; `lead` is HTML, the title is text. Loads nothing: its own policy forbids it."""
    links = "".join(f'<a href="#{escape(s.anchor)}">{escape(s.title)}</a>' for s in sections)
    parts = "".join(
        f'<section id="{escape(s.anchor)}"><h2>{escape(s.title)}</h2>\n{s.body}</section>\n' for s in sections
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n{lead}\n<nav>{links}</nav>\n{parts}</body></html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of text; `kind` is a class of the style sheet."""
    return f'<p class="{kind}">{escape(text)}</p>\n' if kind else f"<p>{escape(text)}</p>\n"


def notice(text: str) -> str:
    """A sentence that stands out."""
    return f'<div class="notice">{escape(text)}</div>\n'


def figures(values: Iterable[tuple[str, int | str]]) -> str:
    """Large numbers with their labels."""
    cells = "".join(f'<div class="figure"><b>{number(value)}</b>{escape(label)}</div>' for label, value in values)
    return f'<div class="figures">{cells}</div>\n'


def number(value: int | str) -> str:
    """A number with separators; text is escaped."""
    return f"{value:,}" if isinstance(value, int) else escape(value)


def table(headers: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    """A table that scrolls under its header. Cells are text, or numbers, or `Markup`."""
    body: list[str] = []
    numeric: set[int] = set()
    for row in rows:
        cells: list[str] = []
        for place, cell in enumerate(row):
            if isinstance(cell, int):
                numeric.add(place)
                cells.append(f'<td class="number">{cell:,}</td>')
            else:
                cells.append(f"<td>{cell if isinstance(cell, Markup) else escape(cell)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(
        f'<th class="number">{escape(header)}</th>' if place in numeric else f"<th>{escape(header)}</th>"
        for place, header in enumerate(headers)
    )
    rows_html = "\n".join(body)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows_html}\n</tbody></table></div>\n'


def bars(headers: tuple[str, str], counts: Iterable[tuple[str, int]]) -> str:
    """Counts with bars, in the given order."""
    counts = list(counts)
    most = max((count for _, count in counts), default=0) or 1
    rows = "\n".join(
        f'<tr><td>{escape(label)}</td><td class="number">{count:,}</td>'
        f'<td class="bar"><div style="width:{100 * count / most:.1f}%"></div></td></tr>'
        for label, count in counts
    )
    head = f'<th>{escape(headers[0])}</th><th class="number">{escape(headers[1])}</th><th></th>'
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>\n'


def folded(summary: str, body: str, *, open_: bool = False) -> str:
    """HTML behind a line that opens it."""
    return f"<details{' open' if open_ else ''}><summary>{escape(summary)}</summary>\n{body}</details>\n"


def long_list(total: int, headers: Sequence[str], rows: Sequence[Sequence[str | int]], what: str) -> str:
    """A table of the rows; many are folded, and what is cut off is said."""
    if not total:
        return paragraph(f"No {what}.", "soft")
    cut = f", the first {len(rows):,} shown" if len(rows) < total else ""
    if len(rows) <= 12 and not cut:
        return paragraph(f"{total:,} {what}.") + table(headers, rows)
    return folded(f"{total:,} {what}{cut}", table(headers, rows), open_=len(rows) <= 100)


class Markup(str):
    """HTML that is already escaped."""

    __slots__ = ()
