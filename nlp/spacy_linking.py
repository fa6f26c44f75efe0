"""Codes for spans that others found: by the note's own definitions, by context, by lookup, by words in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from spacy.tokens import Doc

from .extractor import Extractor
from .results import SIMILAR
from .tokens import key_words

How = Literal["definition", "note", "exact", "order_free", "similarity"]
# Words around a concept's name that a span may have besides it.
DETERMINERS = frozenset("a an the this that these those some any his her their its my our your".split())


@dataclass(frozen=True, slots=True)
class Link:
    """The code of a span and how it was found.

    `definition`: the note defines the abbreviation (scispaCy's AbbreviationDetector). `note`: the dictionary finds just
    this span in its note, so that abbreviations have the sense they have there. `exact`: the terminology has the
    string. `order_free`: it has the words in another order or form. `similarity`: recall mode finds it alike.
    """

    code: str
    how: How


@dataclass(frozen=True, slots=True)
class Definition:
    """A short form at a place of the text (half-open characters) and what the note says that it stands for."""

    start: int
    end: int
    long_form: str


def definitions(doc: Doc) -> list[Definition]:
    """What scispaCy's AbbreviationDetector left in `doc._.abbreviations`, in order; [] if it did not run."""
    if not Doc.has_extension("abbreviations"):
        return []
    found: list[Definition] = []
    for item in doc._.get("abbreviations") or ():
        if isinstance(item, dict):  # make_serializable=True
            short, long = doc[item["short_start"] : item["short_end"]], item["long_text"]
        else:
            short, long = item, item._.long_form
        text = getattr(long, "text", long)
        if isinstance(text, str) and text.strip():
            found.append(Definition(short.start_char, short.end_char, text))
    return sorted(set(found), key=lambda d: (d.start, d.end, d.long_form))


class SpanLinker:
    """Links spans to the terminology of an extractor. Strings are linked once and remembered."""

    MAX_REMEMBERED = 100_000

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self._known: dict[str, Link | None] = {}

    def link(
        self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]], defined: Sequence[Sequence[Definition]]
    ) -> list[list[Link | None]]:
        """A link or None for each span of each text.

        Args:
            texts: the notes.
            spans: half-open characters, for each note.
            defined: each note's definitions.
        """
        wanted = [number for number, found in enumerate(spans) if found]
        by_place = self._concepts([texts[number] for number in wanted])
        links: list[list[Link | None]] = [[] for _ in texts]
        for place, number in enumerate(wanted):
            for start, end in spans[number]:
                link = self._defined(texts[number], start, end, defined[number])
                if link is None and (place, start, end) in by_place:
                    link = Link(by_place[place, start, end], "note")
                links[number].append(link or self.text_link(texts[number][start:end]))
        return links

    def _concepts(self, texts: Sequence[str]) -> dict[tuple[int, int, int], str]:
        """Code of each (text, start, end) at which the dictionary finds a concept."""
        if not texts:
            return {}
        result = self.extractor.extract_batch(texts)
        codes = self.extractor.terminology.codes
        rows = zip(result.note.tolist(), result.start.tolist(), result.end.tolist(), result.concept.tolist())
        return {(note, start, end): codes[concept] for note, start, end, concept in rows if concept >= 0}

    def _defined(self, text: str, start: int, end: int, defined: Iterable[Definition]) -> Link | None:
        """The link of a span with its short forms written out."""
        inside = [definition for definition in defined if start <= definition.start and definition.end <= end]
        if not inside:
            return None
        written, place = "", start
        for definition in inside:
            if definition.start < place:
                continue  # two definitions of one short form: the first counts
            written += text[place : definition.start] + definition.long_form
            place = definition.end
        link = self.text_link(written + text[place:end])
        return None if link is None else Link(link.code, "definition")

    def text_link(self, text: str) -> Link | None:
        """The link of a string by itself."""
        if text not in self._known:
            if len(self._known) >= self.MAX_REMEMBERED:
                self._known.clear()
            self._known[text] = self._look_up(text)
        return self._known[text]

    def _look_up(self, text: str) -> Link | None:
        terminology = self.extractor.terminology
        found = terminology.lookup(text)
        if found:
            return Link(terminology.codes[found[0]], "exact")
        if not text.strip():
            return None
        result = self.extractor.extract_batch([text])
        columns = (result.start, result.end, result.concept, result.origin)
        for start, end, concept, origin in zip(*(column.tolist() for column in columns)):
            around = key_words(f"{text[:start]} {text[end:]}")
            if concept >= 0 and all(word in DETERMINERS or not word.isalnum() for word in around):
                return Link(terminology.codes[concept], "similarity" if origin == SIMILAR else "order_free")
        return None


def with_definitions(
    linker: SpanLinker, found: Sequence[tuple[int, int, str | None]], defined: Sequence[Definition]
) -> list[tuple[int, int, str | None]] | None:
    """Dictionary mentions (start, end, code) with the note's definitions applied: defined short forms get the code of
    their long form, and those that no mention covers are added. None if nothing changes."""
    spans = {(start, end): code for start, end, code in found}
    changed = False
    for definition in defined:
        place = definition.start, definition.end
        link = linker.text_link(definition.long_form)
        if link is None or spans.get(place) == link.code:
            continue
        if place not in spans and any(start < place[1] and place[0] < end for start, end in spans):
            continue
        spans[place] = link.code
        changed = True
    return [(start, end, code) for (start, end), code in sorted(spans.items())] if changed else None


def span_key(span: Any) -> tuple[int, int]:
    """Half-open characters of a spaCy Span."""
    return span.start_char, span.end_char
