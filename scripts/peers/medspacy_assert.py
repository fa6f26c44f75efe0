"""Assertion of given spans by medspaCy (default ConText rules) or negspaCy (its default term set), over JSON lines.

Reads `{"text", "spans": [[start, end], ...]}` lines on stdin, writes `{"spans": [{axis: value}, ...]}` lines on stdout.
Runs in the peer's own interpreter and imports nothing of this project. Spans are aligned to tokens by expansion;
overlapping spans go into separate copies of the document, since an entity list may not overlap.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

Axes = dict[str, str]


def quiet() -> None:
    """Switch off PyRuSH's debug log, which prints the text."""
    try:
        from loguru import logger
    except ImportError:
        return
    logger.remove()


def medspacy_engine() -> tuple[Any, Callable[[Any], Axes]]:
    import medspacy  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]

    nlp = medspacy.load(medspacy_enable=["medspacy_pyrush", "medspacy_context"])

    def read(span: Any) -> Axes:
        flags = span._
        historical = "historical" if flags.is_historical else "recent"
        return {
            "negation": "negated" if flags.is_negated else "affirmed",
            "certainty": "uncertain" if flags.is_uncertain else "certain",
            "temporality": "hypothetical" if flags.is_hypothetical else historical,
            "experiencer": "family" if flags.is_family else "patient",
        }

    return nlp, read


def negspacy_engine() -> tuple[Any, Callable[[Any], Axes]]:
    import spacy  # pyright: ignore[reportMissingImports]
    from negspacy.negation import (  # pyright: ignore[reportMissingImports]
        Negex,  # noqa: F401  (registers "negex")
    )

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("negex", config={"ent_types": ["TARGET"]})
    return nlp, lambda span: {"negation": "negated" if span._.negex else "affirmed"}


def assert_spans(nlp: Any, read: Callable[[Any], Axes], text: str, spans: list[list[int]]) -> list[Axes]:
    """The axes of each span, in the given order."""
    answers: list[Axes] = [{} for _ in spans]
    waiting = list(range(len(spans)))
    while waiting:
        doc = nlp.make_doc(text)
        taken: list[tuple[int, Any]] = []
        later: list[int] = []
        for number in waiting:
            start, end = spans[number]
            span = doc.char_span(start, end, label="TARGET", alignment_mode="expand")
            if span is None:
                continue  # no token there: the defaults stand
            if any(span.start < other.end and other.start < span.end for _, other in taken):
                later.append(number)
            else:
                taken.append((number, span))
        doc.ents = [span for _, span in taken]
        for _, component in nlp.pipeline:
            doc = component(doc)
        by_place = {(entity.start, entity.end): entity for entity in doc.ents}
        for number, span in taken:
            entity = by_place.get((span.start, span.end))
            if entity is not None:
                answers[number] = read(entity)
        waiting = later
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["medspacy", "negspacy"], default="medspacy")
    quiet()
    engine = parser.parse_args().engine
    nlp, read = medspacy_engine() if engine == "medspacy" else negspacy_engine()
    for line in sys.stdin:
        item = json.loads(line)
        print(json.dumps({"spans": assert_spans(nlp, read, item["text"], item["spans"])}), flush=True)


if __name__ == "__main__":
    main()
