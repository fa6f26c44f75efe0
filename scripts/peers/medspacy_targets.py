"""Concepts found by medspaCy's target matcher, over JSON lines: the peer of `eval_concepts.py`.

Reads `{"text"}` lines on stdin and terms from `--terms` (tab-separated code and term), writes `{"spans": [[start, end,
code], ...]}` lines on stdout. Runs in the peer's own interpreter and imports nothing of this project.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--terms", type=Path, required=True)
    options = parser.parse_args()
    import spacy  # pyright: ignore[reportMissingImports]
    from loguru import logger  # pyright: ignore[reportMissingImports]
    from medspacy.target_matcher import (  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
        TargetMatcher,
        TargetRule,
    )

    logger.remove()  # some components log the text
    nlp = spacy.blank("en")
    matcher = TargetMatcher(nlp)
    rules = []
    for line in options.terms.read_text(encoding="utf-8").split("\n"):
        code, _, term = line.partition("\t")
        if term:
            rules.append(TargetRule(literal=term, category="TARGET", metadata={"code": code}))
    matcher.add(rules)
    for line in sys.stdin:
        doc: Any = matcher(nlp.make_doc(json.loads(line)["text"]))
        spans = [[e.start_char, e.end_char, e._.target_rule.metadata["code"]] for e in doc.ents]
        print(json.dumps({"spans": spans}), flush=True)


if __name__ == "__main__":
    main()
