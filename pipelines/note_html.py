"""A note as one web page that needs nothing from elsewhere."""

from __future__ import annotations

import itertools
from html import escape

from .note_view import NoteView, ShownMention

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1b1f24 }
pre { white-space: pre-wrap; font: 14px/1.7 ui-monospace, monospace; padding: 1rem }
pre { border: 1px solid #d0d7de; border-radius: 6px }
mark { border-radius: 3px; padding: 1px 2px; color: inherit }
u { text-decoration-thickness: 2px; text-underline-offset: 3px }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #d0d7de; vertical-align: top }
.present { background: #aceebb } .absent { background: #d0d7de } .possible { background: #fae17d }
.historical { background: #b6e3ff }
.family, .other { background: #ecd8ff } .hypothetical { background: #ffd8b5 }
""".strip()


def note_page(view: NoteView) -> str:
    """HTML of a note: mentions coloured by assertion, cues underlined, a table with section, axes and code."""
    title = escape(f"{view.note_id}  {view.note_time:%Y-%m-%d %H:%M}  {view.note_class or ''}".strip())
    rows = "\n".join(_row(view, mention) for mention in view.mentions)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n<pre>{_marked(view)}</pre>\n"
        "<table><thead><tr><th>text</th><th>assertion</th><th>axes</th><th>cue</th><th>section</th><th>code</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>\n</body></html>\n"
    )


def _row(view: NoteView, mention: ShownMention) -> str:
    axes = f"{mention.negation}, {mention.certainty}, {mention.temporality}, {mention.experiencer}"
    cues = "; ".join(f"{view.text[start:end]} ({rule})" for start, end, rule in mention.cues)
    cells = (
        escape(view.text[mention.start : mention.end]),
        "",
        *map(escape, (axes, cues, mention.section, f"{mention.code} {mention.name}")),
    )
    marked = f'<mark class="{mention.assertion}">{mention.assertion}</mark>'
    return "<tr>" + "".join(f"<td>{marked if place == 1 else cell}</td>" for place, cell in enumerate(cells)) + "</tr>"


def _marked(view: NoteView) -> str:
    """The text, escaped, cut where a mention or a cue begins or ends, each piece with its mark."""
    edges = {0, len(view.text)}
    cues = [(start, end) for mention in view.mentions for start, end, _ in mention.cues]
    for start, end in [(mention.start, mention.end) for mention in view.mentions] + cues:
        edges |= {start, end}
    cuts = sorted(edges)
    pieces: list[str] = []
    for start, end in itertools.pairwise(cuts):
        piece = escape(view.text[start:end])
        if any(first <= start < last for first, last in cues):
            piece = f"<u>{piece}</u>"
        mention = next((item for item in view.mentions if item.start <= start < item.end), None)
        if mention is not None:
            label = escape(f"{mention.assertion}: {mention.code} {mention.name} ({mention.section})", quote=True)
            piece = f'<mark class="{mention.assertion}" title="{label}">{piece}</mark>'
        pieces.append(piece)
    return "".join(pieces)
