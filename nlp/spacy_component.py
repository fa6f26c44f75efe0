"""The extractor as a spaCy component: `nlp.add_pipe("phenotext")` fills `doc.ents` and medspaCy's attribute names.

Drops into medspaCy and scispaCy pipelines; nothing of spaCy is imported by the engine itself. Needs the `spacy`
extra. spaCy reads the factory's annotations at run time, so they are not postponed here.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from .extractor import BATCH_NOTES, Extractor
from .results import ExtractedNote, Mention

# attribute of medspaCy's ConText -> how it follows from a mention
MEDSPACY_ATTRIBUTES = {
    "is_negated": lambda m: m.negation == "negated",
    "is_uncertain": lambda m: m.certainty == "uncertain",
    "is_historical": lambda m: m.temporality == "historical",
    "is_hypothetical": lambda m: m.temporality == "hypothetical",
    "is_family": lambda m: m.experiencer == "family",
}


class PhenotextComponent:
    """Sets entities and their attributes on a Doc.

    Each entity carries `ent._.phenotext` (the Mention with offsets, axes, assertion and cues), medspaCy's `is_negated`,
    `is_uncertain`, `is_historical`, `is_hypothetical`, `is_family`, and `section_category`.
    """

    def __init__(self, extractor: Extractor, *, source: str = "dictionary", label: str = "CONCEPT") -> None:
        if source not in ("dictionary", "ents"):
            raise ValueError(f"phenotext component: source {source!r}; use 'dictionary' or 'ents'")
        self.extractor = extractor
        self.source = source
        self.label = label
        _register_attributes()

    def __call__(self, doc: Doc) -> Doc:
        return next(self.pipe([doc]))

    def pipe(self, docs: Iterable[Doc], batch_size: int = BATCH_NOTES, **_: Any) -> Iterator[Doc]:
        """Process a stream of Docs in batches."""
        iterator = iter(docs)
        while batch := list(islice(iterator, batch_size)):
            texts = [doc.text for doc in batch]
            spans = None
            if self.source == "ents":
                spans = [[(e.start_char, e.end_char, self._link(e.text)) for e in doc.ents] for doc in batch]
            notes = self.extractor.notes(self.extractor.extract_batch(texts, spans))
            for doc, note in zip(batch, notes):
                yield self._fill(doc, note)

    def _link(self, text: str) -> str | None:
        concepts = self.extractor.terminology.lookup(text)
        return self.extractor.terminology.codes[concepts[0]] if concepts else None

    def _fill(self, doc: Doc, note: ExtractedNote) -> Doc:
        if self.source == "ents":
            entities = list(doc.ents)
            doc.ents = [
                Span(doc, e.start, e.end, label=e.label_, kb_id=m.code or e.kb_id_)
                for e, m in zip(entities, note.mentions)
            ]
            for entity, mention in zip(doc.ents, note.mentions):
                _annotate(entity, mention)
            return doc
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


def _register_attributes() -> None:
    for name in (*MEDSPACY_ATTRIBUTES, "section_category", "phenotext"):
        if not Span.has_extension(name):
            Span.set_extension(name, default=None if name in ("phenotext", "section_category") else False)


def _annotate(span: Span, mention: Mention) -> None:
    span._.phenotext = mention
    for name, value in MEDSPACY_ATTRIBUTES.items():
        _set(span, name, value(mention))
    _set(span, "section_category", mention.section)


def _set(span: Span, name: str, value: object) -> None:
    # medspaCy defines section_category as a computed attribute; what it computes must stay
    if Span.get_extension(name)[2] is None:
        span._.set(name, value)


@Language.factory(
    "phenotext",
    assigns=["doc.ents", "span._.phenotext"],
    default_config={"terminology": None, "source": "dictionary", "label": "CONCEPT"},
)
def make_phenotext(nlp: Language, name: str, terminology: str | None, source: str, label: str) -> PhenotextComponent:
    """Factory behind `nlp.add_pipe("phenotext", config={...})`.

    Args:
        terminology: path of a compiled terminology; the starter lexicon by default.
        source: `dictionary` finds the terminology's concepts; `ents` keeps the entities that earlier components set,
            asserts them, and links those whose words are in the terminology.
        label: entity label in dictionary mode; the code goes into `ent.kb_id_`.
    """
    extractor = Extractor() if terminology is None else Extractor.load(terminology)
    return PhenotextComponent(extractor, source=source, label=label)
