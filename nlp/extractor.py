"""The extractor: text in; coded, asserted, evidenced mentions out. One object, one call, one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from .abbreviation_table import AbbreviationSense, default_abbreviations
from .abbreviations import GROUP_BASE, AbbreviationTable
from .assertion import decide
from .concept_filter import ConceptFilter, narrowed
from .context import WORD_CLASSES, ContextRules
from .cue_table import CueRow, CueTable, default_cues, folded_words
from .found import Found
from .heading_table import HeadingRow, HeadingTable, default_headings
from .misspellings import MisspellingCorrector, misspelled
from .nested import with_nested
from .note_objects import note_objects
from .order_free import LINKING, class_hashes
from .recall.candidate_index import CandidateIndex
from .recall.recall_mode import RecallMode
from .recognize import recognize
from .results import BatchResult, ExtractedNote
from .scopes import MentionWords, word_class
from .sections import HEADER, NO_HEADING, RUN_IN, SENTENCE_GOES_ON, UNKNOWN, HeadingWords, find_sections
from .starter import starter_terminology
from .stream import Stream, build_stream
from .terminology.abbreviation_overrides import corrected_senses
from .terminology.terminology import Terminology
from .token_batch import TokenBatch, tokenize
from .tokens import Kind, SurfaceTable
from .trie import Vocabulary

BATCH_NOTES = 256
BATCH_CHARACTERS = 1 << 20

Span = tuple[int, int, str | None]


class SpanError(ValueError):
    """A given span that does not lie in its text; the message names the span, never the text."""


class Extractor:
    """Finds, codes and asserts the concepts of a terminology in notes.

    >>> extractor = Extractor()
    >>> note = extractor("No evidence of pneumonia. Mother had asthma.")
    >>> [(m.text, m.assertion, [c.text for c in m.cues]) for m in note.mentions]
    [('pneumonia', 'absent', ['No evidence of']), ('asthma', 'family', ['Mother'])]

    Without arguments it uses the starter lexicon. `cues`, `headings` and `abbreviations` replace the package's own
    tables (`abbreviations=()` leaves abbreviations to the terminology alone); `order_free=False` finds terms only as
    they are written; `misspellings=False` reads no word as another one; `nested=True` also gives shorter matches inside
    longer ones; `recall` (a CandidateIndex of the same terminology) links phrases that are no term to the most similar
    one, from `recall_threshold` on; `concepts` (a ConceptFilter or an ECL expression) restricts what is extracted. An
    extractor may be used by one thread at a time; processes each open their own and share the memory-mapped
    terminology.
    """

    def __init__(
        self,
        terminology: Terminology | None = None,
        *,
        cues: Sequence[CueRow] | None = None,
        headings: Sequence[HeadingRow] | None = None,
        abbreviations: Sequence[AbbreviationSense] | None = None,
        order_free: bool = True,
        concepts: ConceptFilter | str | None = None,
        misspellings: bool = True,
        nested: bool = False,
        recall: CandidateIndex | None = None,
        recall_threshold: float | None = None,
    ) -> None:
        self.terminology = starter_terminology() if terminology is None else terminology
        self.concepts = ConceptFilter(concepts) if isinstance(concepts, str) else concepts or ConceptFilter()
        # given spans are not filtered, so the whole terminology stays beside the part that is matched
        wanted = self.concepts.wanted(self.terminology) if self.concepts else None
        self._matched = self.terminology if wanted is None else narrowed(self.terminology, wanted)
        cue_rows = default_cues() if cues is None else list(cues)
        heading_rows = default_headings() if headings is None else list(headings)
        words: set[str] = {*WORD_CLASSES, *LINKING, *NO_HEADING, *RUN_IN, *SENTENCE_GOES_ON}
        words.update(chain.from_iterable(folded_words(row.cue) for row in cue_rows))
        words.update(chain.from_iterable(folded_words(row.heading) for row in heading_rows))
        vocabulary = Vocabulary.build(words)
        ordered = sorted(words)
        ids = dict(zip(ordered, vocabulary.ids(ordered).tolist()))
        self.cue_table = CueTable.build(cue_rows, vocabulary)
        self.heading_table = HeadingTable.build(heading_rows, vocabulary)
        self.rules = tuple(row.rule for row in self.cue_table.rows)
        self._context = ContextRules(self.cue_table, ids)
        size = len(vocabulary.hashes) + 1
        self._linking = word_class(LINKING, ids, size) if order_free else None
        self._heading_words = HeadingWords(
            *(word_class(words, ids, size) for words in (NO_HEADING, RUN_IN, SENTENCE_GOES_ON))
        )
        self.abbreviations = AbbreviationTable(
            corrected_senses(default_abbreviations() if abbreviations is None else abbreviations, self.terminology),
            self._matched,
            (*self.heading_table.names, HEADER, UNKNOWN),
            wanted,
        )
        self._surfaces = SurfaceTable(
            self.terminology.vocabulary.ids,
            vocabulary.ids,
            self._classes if order_free else None,
            self.abbreviations.surface_ids,
            MisspellingCorrector(self.terminology).corrections if misspellings else None,
        )
        self.misspellings = misspellings
        self.nested = nested
        self.recall = None if recall is None else RecallMode(recall, self.terminology, recall_threshold, wanted)
        self._chronic = np.append(self.terminology.chronic, False)  # the last cell answers for concept -1

    def _classes(self, keys: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        hashes = class_hashes(keys)
        return hashes, self.terminology.bags.members(hashes)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        concepts: ConceptFilter | str | None = None,
        misspellings: bool = True,
        nested: bool = False,
        recall: CandidateIndex | None = None,
        recall_threshold: float | None = None,
    ) -> Extractor:
        """Open a terminology that `phenotext terminology build` wrote. Raises ArtefactError with the remedy."""
        return cls(
            Terminology.open(path),
            concepts=concepts,
            misspellings=misspellings,
            nested=nested,
            recall=recall,
            recall_threshold=recall_threshold,
        )

    def __repr__(self) -> str:
        terminology = self.terminology
        return (
            f"Extractor({terminology.name} {terminology.release}: {terminology.n_concepts} concepts,"
            f" {terminology.n_terms} terms; {len(self.rules)} cues, {len(self.heading_table.name)} headings;"
            " tokens -> sentences -> concepts -> sections -> context -> assertion)"
        )

    def __call__(self, text: str, spans: Sequence[Span] | None = None) -> ExtractedNote:
        """Extract one note. With `spans` (start, end, code or None) exactly those are asserted, in the given order."""
        return next(self.notes(self.extract_batch([text], None if spans is None else [spans])))

    def pipe(
        self, texts: Iterable[str], *, n_process: int = 1, batch_size: int = BATCH_NOTES
    ) -> Iterator[ExtractedNote]:
        """Extract a stream of notes, in order. With `n_process` > 1 batches are spread over processes."""
        if n_process > 1:
            from .parallel import pipe_processes

            yield from pipe_processes(self, texts, n_process, batch_size)
            return
        for batch in batches(texts, batch_size):
            yield from self.notes(self.extract_batch(batch))

    def extract_batch(self, texts: Sequence[str], spans: Sequence[Sequence[Span] | None] | None = None) -> BatchResult:
        """Extract several notes at once and return arrays (see BatchResult).

        `spans` has one item a note: None for dictionary matching, or spans to assert instead. Raises SpanError for a
        span outside its text.
        """
        given_spans = [s for s in spans or () if s is not None]
        if given_spans and len(given_spans) != len(texts):
            raise ValueError("extract_batch: give spans for every note of a batch or for none; split the batch")
        if not texts:
            return self.extract_batch([""]).empty()
        tokens = tokenize(texts, self._surfaces)
        stream = build_stream(tokens, self._surfaces)
        slips = misspelled(stream, self._surfaces)
        sections = find_sections(stream, tokens, self.heading_table, self._heading_words)
        given = len(given_spans) > 0
        given_codes: list[str | None] | None = None
        places: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        if given:
            mentions, concept, start, end, given_codes = self._given(texts, given_spans, tokens, stream)
            found = Found.given(mentions.first, mentions.last, concept)
            places = np.repeat(np.arange(len(texts)), [len(s) for s in given_spans]), start, end
        else:
            first, last, group, concept = recognize(self._matched, stream, self._surfaces, self._linking)
            if slips.weak.any():
                stands = slips.supported(stream, first, last)
                first, last, group, concept = first[stands], last[stands], group[stands], concept[stands]
            first, last, group, concept = self.abbreviations.resolve(
                texts, tokens.note_char, stream, self._surfaces, sections, (first, last, group), concept
            )
            outside = ~sections.in_known_headings(first, last)
            first, last, group, concept = first[outside], last[outside], group[outside], concept[outside]
            found = Found.in_dictionary(stream, slips, first, last, group, concept)
            if self.recall is not None:
                similar = self.recall.matches(texts, tokens.note_char, stream, self._surfaces, first, last)
                found = found.and_also(similar.take(~sections.in_known_headings(similar.first, similar.last)))
                found = found.take(found.by_position())
            mentions = MentionWords(found.first, found.last, overlapping=False)
        order = np.argsort(mentions.first, kind="stable") if given else None
        if order is not None:
            mentions = MentionWords(mentions.first[order], mentions.last[order], overlapping=True)
        context = self._context.apply(stream, sections, mentions)
        inner = np.zeros(len(found), bool)
        if self.nested and not given:
            found, context, inner = with_nested(self._matched, stream, slips, found, context)
            mentions = MentionWords(found.first, found.last, overlapping=True)
        concept = found.concept
        note, start, end = found.places(stream, tokens.note_char) if places is None else places
        chronic = self._chronic[concept if order is None else concept[order]]
        assertion = decide(context, chronic)
        section = sections.of_words(mentions.first)
        pair_mention = context.pair_mention
        columns = [context.negated, context.uncertain, context.temporality, context.experiencer, assertion, section]
        cue_order = slice(None)
        if order is not None:  # back to the order in which the spans were given
            inverse = np.empty_like(order)
            inverse[order] = np.arange(len(order))
            columns = [column[inverse] for column in columns]
            pair_mention = order[pair_mention]
            cue_order = np.argsort(pair_mention, kind="stable")
            pair_mention = pair_mention[cue_order]
        cue_note = note[pair_mention]
        cue_first, cue_last = context.pair_first[cue_order], context.pair_last[cue_order]
        section_end = np.append(sections.start[1:], tokens.note_char[-1])
        last_of_note = np.append(sections.note[1:] != sections.note[:-1], True)
        section_end[last_of_note] = tokens.note_char[sections.note[last_of_note] + 1]
        base = tokens.note_char[sections.note]
        self._surfaces.trim()
        return BatchResult(
            texts=texts,
            note=note.astype(np.int32),
            start=start.astype(np.int32),
            end=end.astype(np.int32),
            concept=concept.astype(np.int32),
            group=found.group.astype(np.int32),
            score=found.score,
            origin=found.origin,
            nested=inner,
            negation=columns[0],
            certainty=columns[1],
            temporality=columns[2],
            experiencer=columns[3],
            assertion=columns[4],
            section=columns[5].astype(np.int32),
            cue_mention=pair_mention.astype(np.int32),
            cue_start=(stream.start[cue_first] - tokens.note_char[cue_note]).astype(np.int32),
            cue_end=(stream.end[cue_last - 1] - tokens.note_char[cue_note]).astype(np.int32),
            cue_rule=context.pair_rule[cue_order].astype(np.int32),
            section_note=sections.note.astype(np.int32),
            section_start=(sections.start - base).astype(np.int32),
            section_end=(section_end - base).astype(np.int32),
            section_heading_end=(sections.heading_end - base).astype(np.int32),
            section_name=sections.name,
            section_parent=sections.parent,
            section_names=sections.names,
            rules=self.rules,
            given_codes=given_codes,
        )

    def _given(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]], tokens: TokenBatch, stream: Stream
    ) -> tuple[MentionWords, np.ndarray, np.ndarray, np.ndarray, list[str | None]]:
        starts: list[int] = []
        ends: list[int] = []
        bases: list[int] = []
        codes: list[str | None] = []
        for number, (text, wanted) in enumerate(zip(texts, spans)):
            for start, end, code in wanted:
                if not 0 <= start < end <= len(text):
                    raise SpanError(
                        f"span {start}..{end} of note {number} in the batch does not lie in its {len(text)} characters;"
                        " give half-open character offsets of the text"
                    )
                starts.append(start)
                ends.append(end)
                bases.append(number)
                codes.append(code)
        start, end = np.array(starts, np.int64), np.array(ends, np.int64)
        base = tokens.note_char[np.array(bases, np.int64)]
        # a word belongs to a span if they share a character; a span of blanks alone takes the word before it
        first = np.searchsorted(stream.end, start + base, side="right")
        last = np.searchsorted(stream.start, end + base, side="left")
        note_last = np.flatnonzero(stream.kind == Kind.BREAK)[1:][np.array(bases, np.int64)] - 1
        first = np.minimum(first, note_last)
        last = np.maximum(last, first + 1)
        found = {code: self.terminology.find(code) for code in set(codes) if code is not None}
        concept = np.array([-1 if code is None else found[code] for code in codes], np.int64)
        return MentionWords(first, last, overlapping=True), concept, start, end, codes

    def notes(self, result: BatchResult) -> Iterator[ExtractedNote]:
        """The notes of a batch as objects."""
        return note_objects(self, result)

    def candidates(self, group: int, concept: int) -> list[int]:
        """Concept numbers that a mention's string may stand for, the chosen one first (`group` as in BatchResult)."""
        if group <= GROUP_BASE:
            return self.abbreviations.codes(group, concept)
        if group < 0:
            return [concept]
        terminology = self._matched
        entries = terminology.entry_concept[terminology.group_start[group] : terminology.group_start[group + 1]]
        return [concept, *(number for number in entries.tolist() if number != concept)]


def batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut a stream into lists of at most `size` notes and about BATCH_CHARACTERS characters."""
    iterator = iter(texts)
    while chunk := list(islice(iterator, size)):
        batch: list[str] = []
        characters = 0
        for text in chunk:
            if batch and characters + len(text) > BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
            batch.append(text)
            characters += len(text)
        yield batch
