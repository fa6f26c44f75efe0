"""Mentions as Arrow rows: the text-derived columns of the evidence table (see `nlp/tables.py` for the whole)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from .extractor import Extractor
from .results import ASSERTION, CERTAINTY, EXPERIENCER, NEGATION, TEMPORALITY, BatchResult

SNIPPET_CHARACTERS = 80
TRIGGER = pa.struct(
    [
        pa.field("text", pa.string()),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
    ]
)
EVIDENCE_COLUMNS = pa.schema(
    [
        pa.field("note_index", pa.int32(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("section", pa.string(), nullable=False),
        pa.field("lexical_variant", pa.string()),
        pa.field("snippet", pa.string()),
        pa.field("code", pa.string()),
        pa.field("concept_index", pa.int32(), nullable=False),
        pa.field("negation", pa.string(), nullable=False),
        pa.field("certainty", pa.string(), nullable=False),
        pa.field("temporality", pa.string(), nullable=False),
        pa.field("experiencer", pa.string(), nullable=False),
        pa.field("assertion", pa.string(), nullable=False),
        pa.field("triggers", pa.list_(TRIGGER), nullable=False),
        pa.field("link_score", pa.float32()),
    ]
)


def evidence_batch(extractor: Extractor, texts: Sequence[str], *, keep_text: bool = True) -> pa.RecordBatch:
    """Extract `texts` and return one row a mention, ordered by note, start, end.

    Columns as EVIDENCE_COLUMNS; `note_index` counts within `texts`, `start`/`end` are characters of that text, `code`
    is
    `SYSTEM/CODE`. Without `keep_text` the columns that hold words of the note are null.
    """
    return evidence_of(extractor, extractor.extract_batch(texts), keep_text=keep_text)


def evidence_of(extractor: Extractor, result: BatchResult, *, keep_text: bool = True) -> pa.RecordBatch:
    """The same for a batch that is already extracted."""
    count = len(result)
    texts = result.texts
    notes, starts, ends = result.note.tolist(), result.start.tolist(), result.end.tolist()
    variants = snippets = pa.nulls(count, pa.string())
    if keep_text:
        variants = pa.array([texts[n][s:e] for n, s, e in zip(notes, starts, ends)], pa.string())
        around = SNIPPET_CHARACTERS
        snippets = pa.array(
            [texts[n][s - around if s > around else 0 : e + around] for n, s, e in zip(notes, starts, ends)],
            pa.string(),
        )
    return pa.RecordBatch.from_arrays(
        [
            pa.array(result.note),
            pa.array(result.start),
            pa.array(result.end),
            _names(result.section_names, result.section_name[result.section]),
            variants,
            snippets,
            _codes(extractor, result.concept),
            pa.array(result.concept),
            _names(NEGATION, result.negation),
            _names(CERTAINTY, result.certainty),
            _names(TEMPORALITY, result.temporality),
            _names(EXPERIENCER, result.experiencer),
            _names(ASSERTION, result.assertion),
            _triggers(result, keep_text),
            pa.array(result.score, pa.float32(), mask=result.score == 1),
        ],
        schema=EVIDENCE_COLUMNS,
    )


def _names(names: Sequence[str], numbers: np.ndarray) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(numbers))


def _codes(extractor: Extractor, concept: np.ndarray) -> pa.Array:
    """`SYSTEM/CODE` of each concept; only codes that occur are decoded."""
    terminology = extractor.terminology
    distinct, inverse = np.unique(concept, return_inverse=True)
    systems = terminology.systems
    codes = [None if c < 0 else f"{systems[c]}/{terminology.codes[c]}" for c in distinct.tolist()]
    return pa.array(codes, pa.string()).take(pa.array(inverse))


def _triggers(result: BatchResult, keep_text: bool) -> pa.Array:
    """[k] list<struct<text, start, end, rule>>."""
    starts, ends = result.cue_start, result.cue_end
    note = result.note[result.cue_mention]
    texts = result.texts
    words: pa.Array = pa.nulls(len(starts), pa.string())
    if keep_text:
        words = pa.array([texts[n][s:e] for n, s, e in zip(note.tolist(), starts.tolist(), ends.tolist())], pa.string())
    # rules first, then one per section name: a section prior is named after its section
    names = [*result.rules, *(f"section.{name}" for name in result.section_names)]
    number = result.cue_rule.copy()
    prior = number < 0
    number[prior] = len(result.rules) + result.section_name[-1 - number[prior]]
    rows = pa.StructArray.from_arrays(
        [words, pa.array(starts), pa.array(ends), _names(names, number)], fields=list(TRIGGER)
    )
    offsets = np.searchsorted(result.cue_mention, np.arange(len(result) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), rows)
