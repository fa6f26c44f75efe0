"""Score section finding on the tune sets (`python scripts/eval_sections.py [--shared DIR] [--limit N] [--json OUT]`).

mts_aligned_sections, at gold spans only (the rest of a note is unlabelled): a body is found when half of it lies in
sections whose own or enclosing name answers to its label in `section_label_map.tsv`; precision counts the predicted
blocks that share half of the shorter of the two with a body. "boundaries" leaves names out: each covers half of the
other. aci_bench: a heading line is found when a section begins there; precision counts sections whose main heading
fills its line; "aci names": names that fit the division. "leaks" pass the next heading. Never prints note text.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phenotext.nlp import Extractor, Section

ROOT = Path(__file__).resolve().parent.parent
LABEL_MAP = Path(__file__).with_name("section_label_map.tsv")
HEADINGS = ROOT / "nlp" / "data" / "sections.tsv"
HALF, UNNAMED = 0.5, "header"
# A heading right before a body: capitalised words at the beginning of a line or sentence, then a colon or a line's end.
BEFORE = re.compile(r"(?:^|[\n.;,]\s*|\s{2,})([A-Z][A-Za-z0-9 /&,()'#-]{0,60}?)\s*(?::[\s-]*|[-,]?[ \t]*\n\s*)$")
HEADING_LINE = re.compile(r"[^:\n]{0,80}[:\n]\s*")
HEADING_ALONE = re.compile(r"[^:\n]{1,60}:?[ \t]*(?:\n|$)")
Sections = tuple[Section, ...]
NOT_IN_TABLE, NOT_DETECTED = "heading not in the table", "heading in the table, not detected"


@dataclass(slots=True)
class Score:
    """Counts of one task; `causes` maps a cause to the heading strings or section names seen with it."""

    predicted: int = 0
    right: int = 0
    gold: int = 0
    found: int = 0
    leaks: int = 0
    leak_chances: int = 0
    causes: dict[str, Counter[str]] = field(default_factory=dict)

    def blame(self, cause: str, heading: str) -> None:
        self.causes.setdefault(cause, Counter())[heading] += 1

    def figures(self) -> dict[str, float]:
        precision = self.right / self.predicted if self.predicted else 0.0
        recall = self.found / self.gold if self.gold else 0.0
        f1 = 2 * precision * recall / (precision + recall or 1.0)
        return {"P": precision, "R": recall, "F1": f1, "leaks": self.leaks, "leak_chances": self.leak_chances}


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level section with its parts, neighbours of one name joined; `body` begins after the heading."""

    names: frozenset[str]
    top: str
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """The section names that answer to a gold label, and the kind of each heading in the table."""

    answers: dict[str, set[str]]
    kinds: dict[str, str]

    def fits(self, label: str, names: Iterable[str]) -> bool:
        return not self.answers.get(label, set()).isdisjoint(names)


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a tab-separated table by column name, `#` lines left out."""
    lines = [x.split("\t") for x in path.read_text(encoding="utf-8").splitlines() if x and not x.startswith("#")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def read_notes(path: Path, limit: int | None) -> list[dict[str, Any]]:
    """The first `limit` notes (all without one) of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:limit] if line]


def plain(heading: str) -> str:
    """A heading as the table spells it."""
    return re.sub(r"\s+", " ", heading).strip(" :-,.").lower()


def blocks_of(text: str, sections: Sections) -> list[Block]:
    """Join each top-level section with its parts and with neighbours of the same name."""
    blocks: list[Block] = []
    for section in sections:
        top = section.path[0] if section.path else section.name
        if blocks and blocks[-1].top == top and top != "other":
            last = blocks.pop()
            blocks.append(Block(last.names | {section.name}, top, last.body, section.end))
            continue
        heading = None if top == UNNAMED else HEADING_LINE.match(text, section.start, section.end)
        body = heading.end() if heading else section.start
        blocks.append(Block(frozenset((top, section.name)), top, body, section.end))
    return blocks


def heading_before(text: str, start: int) -> tuple[str, int] | None:
    """The heading right before `start` and where it begins; None when none stands there."""
    match = BEFORE.search(text, max(0, start - 90), start)
    return (match.group(1), match.start(1)) if match else None


def section_at(sections: Sections, position: int) -> Section | None:
    """The section that holds a character."""
    return next((s for s in sections if s.start <= position < s.end), None)


def blame_miss(score: Score, ref: Reference, text: str, sections: Sections, gold: dict[str, Any]) -> None:
    """Sort a missed body by cause. A heading unknown to the table is printed only in capitals: it may be note text."""
    label, before = gold["section"], heading_before(text, gold["start"])
    if before is None:
        holder = section_at(sections, gold["start"])
        score.blame("no heading right before the body", f"{label} in {holder.name if holder else '?'}")
        return
    heading, at = before
    known = plain(heading) in ref.kinds
    shown = plain(heading) if known or heading.isupper() else f"(not capitals, {label})"
    opened = [s for s in sections if at - 3 <= s.start < gold["start"] and s.name != "other"]
    if opened and ref.fits(label, (opened[-1].name, *opened[-1].path)):
        score.blame("right name, body cut short", shown)
    elif opened:
        score.blame("wrong name", f"{shown} -> {opened[-1].name}, gold {label}")
    else:
        score.blame(NOT_DETECTED if known else NOT_IN_TABLE, shown)


def score_leak(score: Score, ref: Reference, text: str, sections: Sections, end: int, following: int) -> None:
    """Does the section that holds the last character before `end` also hold the next body, past its heading?"""
    before = heading_before(text, following)
    if following < end or before is None:
        return
    score.leak_chances += 1
    if section_at(sections, end - 1) is section_at(sections, following):
        score.leaks += 1
        known = plain(before[0]) in ref.kinds
        score.blame(f"leak past a heading {'in' if known else 'not in'} the table", plain(before[0]) if known else "?")


def score_mts(ex: Extractor, notes: list[dict[str, Any]], ref: Reference) -> tuple[Score, Score]:
    """Named and boundary-only scores of labelled section bodies."""
    named, bounds = Score(), Score()
    for note in notes:
        text, gold = note["text"], sorted(note["sections"], key=lambda g: (g["start"], g["end"]))
        sections = ex(text).sections
        touched: dict[int, tuple[bool, bool]] = {}
        for number, span in enumerate(gold):
            start, end, label = span["start"], span["end"], span["section"]
            answering = [s for s in sections if ref.fits(label, (s.name, *s.path))]
            held = sum(max(0, min(end, s.end) - max(start, s.start)) for s in answering)
            named.found += held >= HALF * (end - start)
            if held < HALF * (end - start):
                blame_miss(named, ref, text, sections, span)
            covered = False
            for index, block in enumerate(blocks_of(text, sections)):
                shared, body = min(end, block.end) - max(start, block.body), block.end - block.body
                if block.top == UNNAMED or shared <= 0 or shared < HALF * min(end - start, body):
                    continue
                mutual = shared >= HALF * (end - start) and shared >= HALF * body
                name_right, mutual_before = touched.get(index, (False, False))
                touched[index] = (name_right or ref.fits(label, block.names), mutual_before or mutual)
                covered |= mutual
            bounds.found += covered
            if number + 1 < len(gold):
                score_leak(named, ref, text, sections, end, gold[number + 1]["start"])
        for score, which in ((named, 0), (bounds, 1)):
            score.gold += len(gold)
            score.predicted += len(touched)
            score.right += sum(right[which] for right in touched.values())
    return named, bounds


def score_aci(ex: Extractor, notes: list[dict[str, Any]], ref: Reference) -> tuple[Score, Score]:
    """Heading lines found as the beginnings of sections, and of those found, names that fit the division."""
    lines, named = Score(), Score()
    for note in notes:
        text, headers = note["text"], note["headers"]
        sections = ex(text).sections
        starts = {s.start: s for s in sections}
        taken: set[int] = set()
        for number, header in enumerate(headers):
            start, end, heading = header["start"], header["end"], plain(header["text"])
            place = next((position for position in range(start - 2, end) if position in starts), None)
            if place is None:
                lines.blame(NOT_DETECTED if heading in ref.kinds else NOT_IN_TABLE, heading)
            else:
                taken.add(place)
                label = next((d["division"] for d in note["divisions"] if d["start"] <= start < d["end"]), "")
                if ref.fits(label, (starts[place].name, *starts[place].path)):
                    named.found += 1
                else:
                    named.blame("wrong name", f"{heading} -> {starts[place].name}, division {label}")
            if number + 1 < len(headers):
                lines.leak_chances += 1
                holder = section_at(sections, max(end, headers[number + 1]["start"] - 2))
                lines.leaks += holder is not None and holder.end > headers[number + 1]["end"]
        for section in sections:
            if section.start not in taken and section.name != UNNAMED:
                alone = HEADING_ALONE.match(text, section.start)
                scored = alone is not None and ref.kinds.get(plain(alone.group())) != "sub"
                lines.blame("heading line not listed" if scored else "run-in or part, not scored", section.name)
                lines.predicted += scored
        lines.gold, lines.found = lines.gold + len(headers), lines.found + len(taken)
    lines.predicted, lines.right = lines.predicted + lines.found, lines.found
    named.gold, named.predicted, named.right = lines.found, lines.found, named.found
    return lines, named


def main() -> None:
    parser = argparse.ArgumentParser(description="Score section finding on the tune sets.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared")))
    parser.add_argument("--limit", type=int, help="score the first N notes of each set")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write figures and error counts as JSON")
    options = parser.parse_args()
    corpora = options.shared / "data" / "corpora"
    if not corpora.is_dir():
        raise SystemExit(f"no folder {corpora}; give the shared folder with --shared or PHENOTEXT_SHARED")
    answers = {row["label"]: set(row["names"].split(",")) for row in read_table(LABEL_MAP)}
    ref, ex = Reference(answers, {row["heading"]: row["kind"] for row in read_table(HEADINGS)}), Extractor()
    named, bounds = score_mts(ex, read_notes(corpora / "mts_aligned_sections.jsonl", options.limit), ref)
    lines, fitting = score_aci(ex, read_notes(corpora / "aci_bench.jsonl", options.limit), ref)
    scores = {"mts named": named, "mts boundaries": bounds, "aci heading lines": lines, "aci names": fitting}
    print(f"{'task':<20}{'P':>7}{'R':>7}{'F1':>7}{'n':>6}  leaks")
    for task, score in scores.items():
        figures = "".join(f"{score.figures()[name]:>7.3f}" for name in ("P", "R", "F1"))
        print(f"{task:<20}{figures}{score.gold:>6}  {score.leaks}/{score.leak_chances}")
    for task, score in scores.items():
        for cause, headings in sorted(score.causes.items()):
            print(f"\n{task}: {cause} ({sum(headings.values())})")
            print("  " + "; ".join(f"{heading} x{count}" for heading, count in headings.most_common(40)))
    if options.json:
        report = {task: {**score.figures(), "causes": score.causes} for task, score in scores.items()}
        options.json.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
