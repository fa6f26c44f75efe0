"""The extractor as a spaCy component: `nlp.add_pipe("phenotext")` fills `doc.ents` and medspaCy's attribute names.

Drops into medspaCy and scispaCy pipelines; nothing of spaCy is imported by the engine itself. Needs the `spacy`
extra. spaCy reads the factory's annotations at run time, so they are not postponed here.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from .extractor import BATCH_NOTES, Extractor
from .results import ExtractedNote, Mention
from .rule_import import read_cue_file, read_heading_file
from .spacy_linking import Link, SpanLinker, definitions, span_key, with_definitions
from .spacy_sections import doc_sections, register_sections, set_sections
from .terminology.terminology import Terminology

SOURCES = ("dictionary", "ents", "group")
# attribute of medspaCy's ConText -> how it follows from a mention
MEDSPACY_ATTRIBUTES = {
    "is_negated": lambda m: m.negation == "negated",
    "is_uncertain": lambda m: m.certainty == "uncertain",
    "is_historical": lambda m: m.temporality == "historical",
    "is_hypothetical": lambda m: m.temporality == "hypothetical",
    "is_family": lambda m: m.experiencer == "family",
}


class PhenotextComponent:
    """Sets entities and their attributes on a Doc, or attributes and codes on the spans that others set.

    Each entity carries `ent._.phenotext` (the Mention with offsets, axes, assertion and cues), medspaCy's `is_negated`,
    `is_uncertain`, `is_historical`, `is_hypothetical`, `is_family`, and its section attributes (`section_category`,
    `section_title`, `section_body`, `section_span`, `section_parent`). `ent._.phenotext_link` says how the code of a
    span that others found was found (see `spacy_linking.Link`).
    """

    def __init__(
        self,
        extractor: Extractor,
        *,
        source: str = "dictionary",
        label: str = "CONCEPT",
        span_group: str = "medspacy_spans",
    ) -> None:
        if source not in SOURCES:
            raise ValueError(f"phenotext component: source {source!r}; use 'dictionary', 'ents' or 'group'")
        self.extractor = extractor
        self.source = source
        self.label = label
        self.span_group = span_group
        self._linker = SpanLinker(extractor)
        _register_attributes()

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, docs: Iterable[Doc], batch_size: int = BATCH_NOTES, **_: Any) -> Iterator[Doc]:
        """Process a stream of Docs in batches."""
        iterator = iter(docs)
        while batch := list(islice(iterator, batch_size)):
            if self.source == "dictionary":
                yield from self._find(batch)
            else:
                yield from self._assert(batch)

    def _find(self, docs: list[Doc]) -> Iterator[Doc]:
        """Entities from the dictionary."""
        result = self.extractor.extract_batch([doc.text for doc in docs])
        for number, (doc, note) in enumerate(zip(docs, self.extractor.notes(result))):
            set_sections(doc, doc_sections(doc, result, number))
            defined = definitions(doc)
            if defined:
                spans = with_definitions(self._linker, [(m.start, m.end, m.code) for m in note.mentions], defined)
                note = note if spans is None else self.extractor(doc.text, spans)
            yield self._set_entities(doc, note)

    def _set_entities(self, doc: Doc, note: ExtractedNote) -> Doc:
        found: list[Span] = []
        for mention in note.mentions:
            span = doc.char_span(
                mention.start, mention.end, label=self.label, kb_id=mention.code or "", alignment_mode="expand"
            )
            if span is not None:
                _annotate(span, mention)
                found.append(span)
        # spaCy's tokens may be coarser than ours: two mentions in one token cannot both be entities
        doc.ents = filter_spans(found)
        return doc

    def _assert(self, docs: list[Doc]) -> Iterator[Doc]:
        """Axes and codes for the spans that earlier components set."""
        texts = [doc.text for doc in docs]
        spans = [list(doc.ents) if self.source == "ents" else self._group(doc) for doc in docs]
        links = self._linker.link(
            texts, [[span_key(span) for span in found] for found in spans], [definitions(doc) for doc in docs]
        )
        given = [
            [(*span_key(span), link.code if link else span.kb_id_ or None) for span, link in zip(found, linked)]
            for found, linked in zip(spans, links)
        ]
        result = self.extractor.extract_batch(texts, given)
        for number, (doc, note) in enumerate(zip(docs, self.extractor.notes(result))):
            set_sections(doc, doc_sections(doc, result, number))
            self._code(doc, spans[number], links[number])
            for span, mention, link in zip(spans[number], note.mentions, links[number]):
                _annotate(span, mention)
                span._.set("phenotext_link", None if link is None else link.how)
            yield doc

    def _group(self, doc: Doc) -> list[Span]:
        return list(doc.spans[self.span_group]) if self.span_group in doc.spans else []

    def _code(self, doc: Doc, spans: Sequence[Span], links: Sequence[Link | None]) -> None:
        """Write the codes of linked spans; labels, ids and codes of others stay as they are."""
        if self.source == "ents":
            for span, link in zip(spans, links):
                for token in span if link is not None else ():
                    token.ent_kb_id_ = link.code if link is not None else ""
        elif any(links):
            doc.spans[self.span_group] = [
                span if link is None
                else Span(doc, span.start, span.end, label=span.label_, kb_id=link.code, span_id=span.id_)
                for span, link in zip(spans, links)
            ]  # fmt: skip


def _register_attributes() -> None:
    for name in (*MEDSPACY_ATTRIBUTES, "phenotext", "phenotext_link"):
        if not Span.has_extension(name):
            Span.set_extension(name, default=False if name in MEDSPACY_ATTRIBUTES else None)
    register_sections()


def _annotate(span: Span, mention: Mention) -> None:
    span._.phenotext = mention
    for name, value in MEDSPACY_ATTRIBUTES.items():
        # where somebody computes the attribute, what is computed must stay
        if Span.get_extension(name)[2] is None:
            span._.set(name, value(mention))


@Language.factory(
    "phenotext",
    assigns=["doc.ents", "span._.phenotext"],
    default_config={
        "terminology": None,
        "source": "dictionary",
        "label": "CONCEPT",
        "span_group": "medspacy_spans",
        "cues": None,
        "headings": None,
    },
)
def make_phenotext(
    nlp: Language,
    name: str,
    terminology: str | None,
    source: str,
    label: str,
    span_group: str,
    cues: str | None,
    headings: str | None,
) -> PhenotextComponent:
    """Factory behind `nlp.add_pipe("phenotext", config={...})`.

    Args:
        terminology: path of a compiled terminology; the starter lexicon by default.
        source: `dictionary` finds the terminology's concepts; `ents` keeps the entities that earlier components set,
            asserts them, and links those that the terminology has; `group` does the same with a span group.
        label: entity label in dictionary mode; the code goes into `ent.kb_id_`.
        span_group: name of the span group of source `group`; the default is medspaCy's.
        cues: cue file in place of the package's own: TSV, medspaCy or negspaCy (see `rule_import`).
        headings: heading file in place of the package's own: TSV or medspaCy.
    """
    extractor = Extractor(
        None if terminology is None else Terminology.open(terminology),
        cues=None if cues is None else read_cue_file(Path(cues)).rows,
        headings=None if headings is None else read_heading_file(Path(headings)).rows,
    )
    return PhenotextComponent(extractor, source=source, label=label, span_group=span_group)
