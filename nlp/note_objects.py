"""From the arrays of a batch to frozen objects, one note at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .results import (
    ASSERTION,
    CERTAINTY,
    EXPERIENCER,
    NEGATION,
    ORIGIN,
    TEMPORALITY,
    BatchResult,
    Cue,
    ExtractedNote,
    Mention,
    Section,
)

if TYPE_CHECKING:
    from .extractor import Extractor


def note_objects(extractor: Extractor, result: BatchResult) -> Iterator[ExtractedNote]:
    """Yield the notes of `result` in order."""
    count = len(result.texts)
    mention_bounds = np.searchsorted(result.note, np.arange(count + 1)).tolist()
    cue_bounds = np.searchsorted(result.cue_mention, np.arange(len(result) + 1)).tolist()
    section_bounds = np.searchsorted(result.section_note, np.arange(count + 1)).tolist()
    names = result.section_names
    section_name = [names[number] for number in result.section_name.tolist()]
    paths = [(names[number],) if number >= 0 else () for number in result.section_parent.tolist()]
    section_start, section_end = result.section_start.tolist(), result.section_end.tolist()
    cue_start, cue_end, cue_rule = result.cue_start.tolist(), result.cue_end.tolist(), result.cue_rule.tolist()
    columns = (
        result.start, result.end, result.concept, result.group, result.negation, result.certainty,
        result.temporality, result.experiencer, result.assertion, result.section, result.score, result.origin,
        result.nested,
    )  # fmt: skip
    rows = list(zip(*(column.tolist() for column in columns)))

    def cue(text: str, i: int) -> Cue:
        rule = cue_rule[i]
        name = extractor.rules[rule] if rule >= 0 else f"section.{section_name[-1 - rule]}"
        return Cue(cue_start[i], cue_end[i], text[cue_start[i] : cue_end[i]], name)

    for number, text in enumerate(result.texts):
        low, high = section_bounds[number : number + 2]
        sections = tuple(Section(section_name[i], section_start[i], section_end[i], paths[i]) for i in range(low, high))
        mentions: list[Mention] = []
        for i in range(mention_bounds[number], mention_bounds[number + 1]):
            start, end, concept, group, negation, certainty, temporality, experiencer, assertion, *how = rows[i]
            section, score, origin, nested = how
            code, system, preferred, candidates = _concept(extractor, result, i, concept, group)
            mentions.append(
                Mention(
                    start=start,
                    end=end,
                    text=text[start:end],
                    code=code,
                    system=system,
                    preferred=preferred,
                    negation=NEGATION[negation],
                    certainty=CERTAINTY[certainty],
                    temporality=TEMPORALITY[temporality],
                    experiencer=EXPERIENCER[experiencer],
                    assertion=ASSERTION[assertion],
                    section=section_name[section],
                    cues=tuple(cue(text, c) for c in range(cue_bounds[i], cue_bounds[i + 1])),
                    candidates=candidates,
                    score=score,
                    origin=ORIGIN[origin],
                    nested=nested,
                )
            )
        yield ExtractedNote(text, tuple(mentions), sections)


def _concept(
    extractor: Extractor, result: BatchResult, i: int, concept: int, group: int
) -> tuple[str | None, str | None, str | None, tuple[str, ...]]:
    """Code, system, preferred name and candidate codes of mention `i`."""
    terminology = extractor.terminology
    if concept < 0:
        return (result.given_codes[i] if result.given_codes else None), None, None, ()
    candidates = tuple(terminology.codes[number] for number in extractor.candidates(group, concept))
    return terminology.codes[concept], terminology.systems[concept], terminology.preferred[concept], candidates
