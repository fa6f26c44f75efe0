"""What medspaCy's ConText or negspaCy says of one span in one sentence: the peer of `eval_rule_import.py`.

Reads `{"text", "start", "end", "whole"}` JSON lines on stdin; `whole` says that the text is one sentence, else the
peer's own splitter finds the sentence around the span (PyRuSH, spaCy's sentencizer). Writes `{"sentence": [start,
end], "span": [start, end], "axes": [names], "modifiers": [[start, end, category]]}` lines; span and modifiers in
characters of the sentence. Runs in the peer's own interpreter and imports nothing of this project. `--dump` prints the
peer's rules instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

AXES = {
    "is_negated": "negated",
    "is_uncertain": "uncertain",
    "is_historical": "historical",
    "is_hypothetical": "hypothetical",
    "is_family": "family",
}
NEGSPACY_SET = "en_clinical"


class Medspacy:
    """ConText with a rule file, or with the default rules."""

    def __init__(self, rules: str | None) -> None:
        import medspacy  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
        from loguru import logger  # pyright: ignore[reportMissingImports]

        logger.remove()  # PyRuSH logs the text
        self.nlp: Any = medspacy.load(medspacy_enable=["medspacy_pyrush"])
        self.split: Any = self.nlp.get_pipe("medspacy_pyrush")
        self.context: Any = self.nlp.add_pipe("medspacy_context", config={"rules": rules or "default"})

    def answer(self, doc: Any) -> tuple[list[str], list[list[object]]]:
        doc = self.context(doc)
        span = doc.ents[0]
        modifiers: list[list[object]] = []
        for modifier in span._.modifiers:
            words = doc[slice(*modifier.modifier_span)]
            modifiers.append([words.start_char, words.end_char, modifier.category])
        return [axis for flag, axis in AXES.items() if span._.get(flag)], modifiers

    def dump(self) -> object:
        return {"context_rules": [rule.to_dict() for rule in self.context.rules]}


class Negspacy:
    """negex with the default clinical term set."""

    def __init__(self, rules: str | None) -> None:
        import spacy  # pyright: ignore[reportMissingImports]
        from negspacy.negation import Negex  # pyright: ignore[reportMissingImports]
        from negspacy.termsets import termset  # pyright: ignore[reportMissingImports]

        terms = json.loads(Path(rules).read_text(encoding="utf-8")) if rules else termset(NEGSPACY_SET).get_patterns()
        self.terms: Any = terms
        self.nlp: Any = spacy.blank("en")
        self.split: Any = self.nlp.add_pipe("sentencizer")
        self.negex: Any = Negex(self.nlp, "negex", terms, ["TARGET"], "negex", [])

    def answer(self, doc: Any) -> tuple[list[str], list[list[object]]]:
        preceding, following, _ = self.negex.process_negations(doc)
        doc = self.negex(doc)
        if not doc.ents[0]._.negex:
            return [], []
        words = [doc[start:end] for _, start, end in (*preceding, *following)]
        return ["negated"], [[span.start_char, span.end_char, "NEGATED"] for span in words]

    def dump(self) -> object:
        return self.terms


def answer(peer: Any, item: dict[str, Any]) -> dict[str, object]:
    """The sentence around a span as a document of its own, and what the peer says there."""
    text, start, end = item["text"], item["start"], item["end"]
    low, high = 0, len(text)
    if not item["whole"]:
        doc = peer.split(peer.nlp.make_doc(text))
        span = doc.char_span(start, end, alignment_mode="expand")
        sentence = doc[span[0].sent.start : max(span[0].sent.end, span.end)]
        low, high = sentence.start_char, sentence.end_char
    doc = peer.nlp.make_doc(text[low:high])
    for token in doc:
        token.is_sent_start = token.i == 0
    span = doc.char_span(start - low, end - low, label="TARGET", alignment_mode="expand")
    doc.ents = [span]
    axes, modifiers = peer.answer(doc)
    place = [span.start_char, span.end_char]
    return {"sentence": [low, high], "span": place, "axes": axes, "modifiers": modifiers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["medspacy", "negspacy"], required=True)
    parser.add_argument("--rules", help="rule file in place of the peer's own rules")
    parser.add_argument("--dump", action="store_true", help="print the peer's rules as JSON")
    options = parser.parse_args()
    peer = Medspacy(options.rules) if options.engine == "medspacy" else Negspacy(options.rules)
    if options.dump:
        print(json.dumps(peer.dump()))
        return
    for line in sys.stdin:
        print(json.dumps(answer(peer, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
