"""Inline mark-up: sentences in which the expected mentions and their attributes stand in the text itself.

`No evidence of <m negation=negated>pneumonia</m>, but <m>cough</m> persists.` An axis that is not given means its
default is expected (affirmed, certain, recent, patient). `&lt;`, `&gt;` and `&amp;` escape; values hold no blanks or
are quoted ("..."). Tests, cue examples and the gold set are written so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

TAG = re.compile(r"<m((?:\s+[a-z_]+=(?:\"[^\"]*\"|[^\s>\"]+))*)\s*>|</m>|&lt;|&gt;|&amp;")
ATTRIBUTE = re.compile(r"([a-z_]+)=(?:\"([^\"]*)\"|([^\s>\"]+))")
ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


@dataclass(frozen=True, slots=True)
class MarkedSpan:
    """One `<m>` span: half-open character offsets into the text without mark-up, and its attributes as written."""

    start: int
    end: int
    attributes: dict[str, str] = field(default_factory=dict)


def parse(marked: str) -> tuple[str, list[MarkedSpan]]:
    """Split marked text into plain text and its spans (ordered by start; nesting allowed).

    Raises ValueError, with the position, on an unbalanced tag.
    """
    pieces: list[str] = []
    spans: list[MarkedSpan] = []
    open_tags: list[tuple[int, dict[str, str]]] = []
    length = 0
    last = 0
    for tag in TAG.finditer(marked):
        piece = marked[last : tag.start()]
        pieces.append(piece)
        length += len(piece)
        last = tag.end()
        token = tag.group()
        if token in ENTITIES:
            pieces.append(ENTITIES[token])
            length += 1
        elif token == "</m>":
            if not open_tags:
                raise ValueError(f"mark-up: </m> at character {tag.start()} closes nothing; add the opening <m>")
            start, attributes = open_tags.pop()
            spans.append(MarkedSpan(start, length, attributes))
        else:
            found = ATTRIBUTE.findall(tag.group(1) or "")
            open_tags.append((length, {name: quoted or bare for name, quoted, bare in found}))
    if open_tags:
        raise ValueError(f"mark-up: {len(open_tags)} <m> never closed; add </m>")
    pieces.append(marked[last:])
    spans.sort(key=lambda span: (span.start, -span.end))
    return "".join(pieces), spans


def render(text: str, spans: Iterable[MarkedSpan]) -> str:
    """Write `text` with its spans as mark-up; `parse(render(text, spans))` gives both back.

    Spans may nest but not cross (ValueError).
    """
    ordered = sorted(spans, key=lambda span: (span.start, -span.end))
    pieces: list[str] = []
    open_ends: list[int] = []
    position = 0

    def advance(to: int) -> None:
        nonlocal position
        pieces.append(text[position:to].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        position = to

    for span in ordered:
        while open_ends and open_ends[-1] <= span.start:
            advance(open_ends.pop())
            pieces.append("</m>")
        if open_ends and span.end > open_ends[-1]:
            raise ValueError(f"mark-up: spans cross at characters {span.start} and {open_ends[-1]}; they may only nest")
        advance(span.start)
        inner = "".join(f' {name}="{value}"' for name, value in span.attributes.items())
        pieces.append(f"<m{inner}>")
        open_ends.append(span.end)
    while open_ends:
        advance(open_ends.pop())
        pieces.append("</m>")
    advance(len(text))
    return "".join(pieces)
