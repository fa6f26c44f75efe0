"""`phenotext show`: one note, with what was found in it and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from ..durable import PRIVATE, write_bytes
from ..note_html import note_page
from ..note_view import NoteView, ShownMention, view_note

STYLES = {
    "present": "bold black on green",
    "absent": "black on bright_black",
    "possible": "black on yellow",
    "historical": "black on cyan",
    "family": "black on magenta",
    "other": "black on magenta",
    "hypothetical": "black on blue",
}


def show_command(
    note_id: Annotated[str, typer.Argument(metavar="NOTE_ID", help="The note's id in the source, or in note.parquet.")],
    run: Annotated[Path, typer.Option("--run", metavar="OUT", help="Folder of a finished run.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a web page instead (mode 0600: it holds the note).")
    ] = None,
    id_key: Annotated[Path | None, typer.Option(help="The run's id key, to check the text of this note alone.")] = None,
) -> None:
    """Show one note: highlights, assertion, cue, section and code. Refused if the source has changed since the run."""
    view = view_note(run, note_id, id_key)
    if html is not None:
        write_bytes(html, note_page(view).encode("utf-8"), PRIVATE)
        Console(stderr=True).print(f"-> {html}", markup=False, highlight=False, soft_wrap=True)
        return
    console = Console()
    console.print(
        Panel(
            _highlighted(view),
            title=f"{view.note_id}  {view.note_time:%Y-%m-%d %H:%M}  {view.note_class or ''}",
            title_align="left",
        )
    )
    console.print(Text("  ").join(Text(f" {name} ", style) for name, style in STYLES.items()), soft_wrap=True)
    for mention in view.mentions:
        console.print(_line(view, mention), soft_wrap=True)


def _highlighted(view: NoteView) -> Text:
    # a terminal would obey control characters; each is shown as one character, so that offsets stay
    text = Text("".join(c if c in "\n\t" or c.isprintable() else " " for c in view.text))
    for mention in view.mentions:
        for start, end, _ in mention.cues:
            text.stylize("underline", start, end)
    for mention in view.mentions:
        text.stylize(STYLES[mention.assertion], mention.start, mention.end)
    return text


def _axes(mention: ShownMention) -> str:
    usual = {"affirmed", "certain", "recent", "patient"}
    axes = (mention.negation, mention.certainty, mention.temporality, mention.experiencer)
    return ", ".join(axis for axis in axes if axis not in usual)


def _line(view: NoteView, mention: ShownMention) -> Text:
    """What was found, as what, where, and because of which words."""
    found = " ".join(view.text[mention.start : mention.end].split())
    line = Text.assemble(
        (f" {mention.assertion:<12} ", STYLES[mention.assertion]),
        " ",
        (found, "bold"),
        f"  {mention.name} {mention.code}".rstrip(),
        (f"  {mention.section} {mention.start}-{mention.end}", "dim"),
    )
    cues = [f"{' '.join(view.text[start:end].split())} [{rule}]" for start, end, rule in mention.cues]
    reasons = ", ".join(filter(None, [_axes(mention), *cues]))
    if reasons:
        line.append(f"\n{'':15}{reasons}", "italic")
    return line
