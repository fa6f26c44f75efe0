"""Sections on spaCy objects, under medspaCy's names: `span._.section_category`, `section_title`, `section_body`, ...

Where medspaCy is loaded its own attributes stay and are fed; elsewhere the same names are defined here. A document that
a sectionizer has been over keeps its sections.
"""

import sys
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span, Token

from .results import BatchResult

NAMES = ("section_category", "section_title", "section_body", "section_span", "section_parent")
STORE = "phenotext_sections"
_MEDSPACY = "medspacy.section_detection"


@dataclass(frozen=True, slots=True)
class DocSection:
    """One section of a Doc, in tokens, half-open; the attributes of medspaCy's Section. `parent` is a section name."""

    category: str
    title_span: tuple[int, int]
    body_span: tuple[int, int]
    parent: str | None

    @property
    def section_span(self) -> tuple[int, int]:
        """From the heading's first token to the body's end."""
        return self.title_span[0], self.body_span[1]


def register_sections() -> None:
    """Define the attributes that nobody has defined."""
    if not Doc.has_extension(STORE):
        Doc.set_extension(STORE, default=())
    for name in NAMES:
        read = _reader(name)
        if not Token.has_extension(name):
            Token.set_extension(name, getter=read)
        if not Span.has_extension(name):
            Span.set_extension(name, getter=lambda span, read=read: read(span[0]))


def doc_sections(doc: Doc, result: BatchResult, note: int) -> tuple[DocSection, ...]:
    """The sections of one note of a batch in the tokens of its Doc. A token on a border belongs to the later part."""
    begins = np.array([token.idx for token in doc], np.int64)
    low, high = np.searchsorted(result.section_note, [note, note + 1])
    names = result.section_names

    def token(characters: np.ndarray) -> list[int]:
        return np.searchsorted(begins, characters[low:high]).tolist()

    columns = (token(result.section_start), token(result.section_heading_end), token(result.section_end))
    found: list[DocSection] = []
    for place, (first, body, end) in enumerate(zip(*columns)):
        parent = int(result.section_parent[low + place])
        name = names[int(result.section_name[low + place])]
        found.append(DocSection(name, (first, body), (body, end), names[parent] if parent >= 0 else None))
    return tuple(found)


def set_sections(doc: Doc, sections: tuple[DocSection, ...]) -> None:
    """Store the sections on the Doc, and in medspaCy's own attributes if it is loaded and has found none."""
    doc._.set(STORE, sections)
    medspacy = sys.modules.get(_MEDSPACY)
    if medspacy is None or not (Doc.has_extension("sections") and Token.has_extension("section")):
        return
    if doc._.get("sections"):
        return
    made: dict[str, Any] = {}
    listed: list[Any] = []
    for section in sections:
        parent = made.get(section.parent) if section.parent else None
        theirs = medspacy.Section(section.category, *section.title_span, *section.body_span, parent)
        made[section.category] = theirs
        listed.append(theirs)
        for token in doc[slice(*section.section_span)]:
            token._.set("section", theirs)
    doc._.set("sections", listed)


def section_of(token: Token) -> Any:
    """The section a token stands in: medspaCy's Section if there is one, else a DocSection, else None."""
    if Token.has_extension("section"):
        theirs = token._.get("section")
        if theirs is not None:
            return theirs
    sections: tuple[DocSection, ...] = token.doc._.get(STORE)
    place = bisect_right(sections, token.i, key=lambda section: section.title_span[0]) - 1
    return sections[place] if place >= 0 else None


def _reader(name: str) -> Callable[[Token], Any]:
    """The getter of one attribute of a token."""

    def read(token: Token) -> Any:
        section = section_of(token)
        if section is None:
            return None
        if name == "section_category":
            return section.category
        if name == "section_parent":
            return section.parent
        part = {"section_title": "title_span", "section_body": "body_span", "section_span": "section_span"}[name]
        start, end = getattr(section, part)
        return token.doc[start:end]

    return read
