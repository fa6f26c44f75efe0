"""Write a terminology of a million terms by putting modifiers and invented eponyms before names of a real one.

    python scripts/make_big_terminology.py OUT.tsv [--source lexicon.tsv] [--terms 1000000] [--seed 20]

Source: tab-separated code, system, term, preferred (and scope: LABEL and EXACT rows are used); default the shared
open lexicon. All its terms come first. Every combination gets a code of its own (system LOCAL) that the synonyms of a
concept share, so codes and words grow with the terms. For measuring only: the output holds parts of its source and
its licence.
"""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUALIFIERS = (
    "acute", "chronic", "subacute", "recurrent", "persistent", "transient", "intermittent", "progressive", "severe",
    "mild", "moderate", "massive", "diffuse", "focal", "localised", "generalised", "refractory", "atypical", "benign",
    "early", "late", "advanced", "symptomatic", "asymptomatic", "idiopathic", "traumatic", "postoperative",
    "congenital", "acquired", "neonatal", "juvenile", "senile", "familial", "drug-induced", "post-viral", "treated",
)  # fmt: skip
SIDES = ("left", "right", "bilateral", "unilateral", "anterior", "posterior", "proximal", "distal", "upper", "lower")
ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "kr", "st")
SYLLABLES = tuple(onset + rest for onset in ONSETS for rest in ("a", "e", "i", "o", "u", "an", "el", "or"))
EPONYMS = 40_000
EPONYM_SHARE = 0.15


def read_source(path: Path) -> list[tuple[str, str, str, str]]:
    """(code, system, term, preferred) of the rows that are matched."""
    lines = path.read_text(encoding="utf-8").split("\n")
    header = lines[0].split("\t")
    scope = header.index("scope") if "scope" in header else None
    rows: list[tuple[str, str, str, str]] = []
    for line in lines[1:]:
        cells = line.split("\t")
        if len(cells) >= 4 and (scope is None or cells[scope] in ("LABEL", "EXACT")):
            rows.append((cells[0], cells[1], cells[2], cells[3]))
    if not rows:
        raise SystemExit(
            f"{path.name}: no LABEL or EXACT row with code, system, term, preferred; give another --source"
        )
    return rows


def modifiers(random_source: random.Random) -> Iterator[str]:
    """Endless words to put before a name: a qualifier, a side and a qualifier, or an invented eponym."""
    eponyms = ["".join(random_source.choices(SYLLABLES, k=random_source.randint(2, 4))) for _ in range(EPONYMS)]
    while True:
        draw = random_source.random()
        if draw < EPONYM_SHARE:
            yield random_source.choice(eponyms)
        elif draw < 0.5:
            yield random_source.choice(QUALIFIERS)
        else:
            yield f"{random_source.choice(SIDES)} {random_source.choice(QUALIFIERS)}"


def big_rows(source: list[tuple[str, str, str, str]], wanted: int, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """`wanted` rows with distinct terms: those of the source, then combinations."""
    seen: set[str] = set()
    by_code: dict[str, list[tuple[str, str, str, str]]] = {}
    for row in source:
        by_code.setdefault(row[0], []).append(row)
        if row[2].casefold() not in seen and len(seen) < wanted:
            seen.add(row[2].casefold())
            yield row
    random_source = random.Random(seed)
    words = modifiers(random_source)
    codes = list(by_code)
    number = 0
    while len(seen) < wanted:
        rows, word = by_code[random_source.choice(codes)], next(words)
        number += 1
        for _, _, term, preferred in rows:
            combined = f"{word} {term}"
            if combined.casefold() not in seen and len(seen) < wanted:
                seen.add(combined.casefold())
                yield f"L{number}", "LOCAL", combined, f"{word} {preferred}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", type=Path, default=shared / "data" / "terminology" / "lexicon_v2_gps_only.tsv")
    parser.add_argument("--terms", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    if not options.source.is_file():
        raise SystemExit(f"{options.source.name}: not found; give --source or set PHENOTEXT_SHARED")
    with options.out.open("w", encoding="utf-8") as out:
        out.write("code\tsystem\tterm\tpreferred\n")
        for row in big_rows(read_source(options.source), options.terms, options.seed):
            out.write("\t".join(row) + "\n")
    print(f"{options.terms:,} terms -> {options.out.name} ({options.out.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
