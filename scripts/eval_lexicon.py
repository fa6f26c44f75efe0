"""Does the starter lexicon find what a larger open lexicon finds of the diseases that both know?

    python scripts/eval_lexicon.py [--shared ../shared] [--show]

On `medcat_mtsamples` (tune part): gold disease spans that the open lexicon (`lexicon_v2_gps_only.tsv`, labels and exact
synonyms) finds with a code that the starter lexicon has too, and how many of these the starter lexicon finds; by span
overlap, over all and for each concept. `--show` prints the strings that only the open lexicon finds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from phenotext.nlp import Extractor
from phenotext.nlp.terminology.build import compile_sources


def main() -> int:
    """Print the comparison; exit 1 where the starter lexicon finds fewer spans over all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parent.parent.parent / "shared")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    data: Path = options.shared / "data"
    starter = Extractor()
    larger = Extractor(compile_sources([data / "terminology" / "lexicon_v2_gps_only.tsv"])[0])
    known = set(starter.terminology.codes)
    gold = ours = theirs = 0
    by_concept: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    for line in (data / "corpora" / "medcat_mtsamples.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        text: str = row["text"]
        found = [(m.start, m.end) for m in starter(text).mentions]
        named = [(m.start, m.end, m.code) for m in larger(text).mentions]
        for span in row["spans"]:
            gold += 1
            start, end = span["start"], span["end"]
            hits = [code for s, e, code in named if s < end and start < e and code in known]
            if not hits:
                continue
            theirs += 1
            by_concept[str(hits[0]), "theirs"] += 1
            if any(s < end and start < e for s, e in found):
                ours += 1
                by_concept[str(hits[0]), "ours"] += 1
            else:
                missed[text[start:end]] += 1
    codes = sorted({code for code, _ in by_concept})
    fewer = [code for code in codes if by_concept[code, "ours"] < by_concept[code, "theirs"]]
    print(f"gold disease spans: {gold}")
    print(f"found by the open lexicon with a code of the starter lexicon: {theirs} spans of {len(codes)} concepts")
    print(f"of these found by the starter lexicon: {ours}; concepts with fewer spans: {len(fewer)}")
    if options.show:
        for string, count in missed.most_common():
            print(f"  {count} {string}")
    return int(ours < theirs)


if __name__ == "__main__":
    sys.exit(main())
