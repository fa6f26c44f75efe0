"""Score section finding on the tune sets: whole notes with labelled section bodies, and visit notes with heading lines.

`python scripts/eval_sections.py [--shared DIR] [--limit N] [--json OUT]`

mts_aligned_sections: at gold spans only, because the rest of a note is unlabelled. A gold body is found when at least half
of it lies in predicted sections whose name (or an enclosing section's) answers to its label by `section_label_map.tsv`;
precision counts the predicted blocks that share at least half of the shorter of the two with a gold body. "boundaries"
leaves names out and asks that block and body cover at least half of each other. aci_bench: a heading line is found when a
section begins there; precision counts the predicted top-level sections. "leak": a body that runs on past the next heading.
Prints counts and heading strings only, never note text.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phenotext.nlp import Extractor, Section

ROOT = Path(__file__).resolve().parent.parent
LABEL_MAP = Path(__file__).with_name("section_label_map.tsv")
HEADINGS = ROOT / "nlp" / "data" / "sections.tsv"
HALF = 0.5
# What stands before a body when a heading does: capitalised words at the beginning of a line or sentence, then a colon
# or the end of the line.
BEFORE = re.compile(r"(?:^|[\n.;,]\s*|\s{2,})([A-Z][A-Za-z0-9 /&,()'#-]{0,60}?)\s*(?::[\s-]*|[-,]?[ \t]*\n\s*)$")
HEADING_LINE = re.compile(r"[^:\n]{0,80}[:\n]\s*")
UNNAMED = ("header",)


@dataclass(slots=True)
class Score:
    """Counts of one task; `causes` maps a cause to the heading strings (or section names) seen with it."""

    predicted: int = 0
    predicted_right: int = 0
    gold: int = 0
    gold_found: int = 0
    leaks: int = 0
    leak_chances: int = 0
    causes: dict[str, Counter[str]] = field(default_factory=dict)

    def blame(self, cause: str, heading: str) -> None:
        self.causes.setdefault(cause, Counter())[heading] += 1

    def figures(self) -> dict[str, float]:
        precision = self.predicted_right / self.predicted if self.predicted else 0.0
        recall = self.gold_found / self.gold if self.gold else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return {"P": precision, "R": recall, "F1": f1, "n": self.gold, "leaks": self.leaks, "of": self.leak_chances}


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level section with its parts, neighbours of one name joined: half-open characters, body without heading."""

    name: str
    start: int
    body: int
    end: int


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a tab-separated table by column name, `#` lines left out."""
    lines = [x for x in path.read_text(encoding="utf-8").splitlines() if x.strip() and not x.startswith("#")]
    header = lines[0].split("\t")
    for line in lines[1:]:
        yield dict(zip(header, line.split("\t")))


def read_notes(path: Path, limit: int | None) -> list[dict[str, Any]]:
    """The first `limit` notes (all without one) of a JSON-lines file."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for number, line in enumerate(lines) if limit is None or number < limit]


def overlap(a: int, b: int, c: int, d: int) -> int:
    """Characters that the half-open spans a..b and c..d share."""
    return max(0, min(b, d) - max(a, c))


def plain(heading: str) -> str:
    """A heading as the table spells it."""
    return re.sub(r"\s+", " ", heading).strip(" :-,.").lower()


def blocks_of(text: str, sections: tuple[Section, ...]) -> list[Block]:
    """Join each top-level section with its parts and with neighbours of the same name."""
    blocks: list[Block] = []
    for section in sections:
        name = section.path[0] if section.path else section.name
        if blocks and blocks[-1].name == name and name != "other":
            last = blocks.pop()
            blocks.append(Block(name, last.start, last.body, section.end))
            continue
        heading = None if name in UNNAMED else HEADING_LINE.match(text, section.start, section.end)
        blocks.append(Block(name, section.start, heading.end() if heading else section.start, section.end))
    return blocks


def heading_before(text: str, start: int) -> tuple[str, int] | None:
    """The heading right before `start` and where it begins; None when none stands there."""
    match = BEFORE.search(text, max(0, start - 90), start)
    return (match.group(1), match.start(1)) if match else None


def section_at(sections: tuple[Section, ...], position: int) -> Section | None:
    return next((s for s in sections if s.start <= position < s.end), None)


def blame_miss(score: Score, known: dict[str, str], text: str, sections: tuple[Section, ...], gold: dict[str, Any]) -> None:
    """Sort a missed body by cause."""
    before = heading_before(text, gold["start"])
    if before is None:
        holder = section_at(sections, gold["start"])
        score.blame("no heading right before the body", f"{gold['section']} in {holder.name if holder else '?'}")
        return
    heading, at = before
    opened = [s for s in sections if at - 3 <= s.start < gold["start"]]
    # An unknown heading is printed only in capitals: anything else may be a piece of the note.
    shown = plain(heading) if plain(heading) in known or heading.isupper() else f"(not capitals, {gold['section']})"
    if opened and opened[-1].name != "other":
        score.blame("wrong name", f"{shown} -> {opened[-1].name}, gold {gold['section']}")
    elif plain(heading) in known:
        score.blame("in the table, not detected", shown)
    else:
        score.blame("missed heading, not in the table", shown)


def score_mts(ex: Extractor, notes: list[dict[str, Any]], names: dict[str, set[str]], known: dict[str, str]) -> tuple[Score, Score]:
    """Named and boundary-only scores of labelled section bodies."""
    named, bounds = Score(), Score()
    for note in notes:
        text, gold = note["text"], sorted(note["sections"], key=lambda g: (g["start"], g["end"]))
        sections = ex(text).sections
        blocks = blocks_of(text, sections)
        touched: dict[int, bool] = {}
        fitting: dict[int, bool] = {}
        for number, span in enumerate(gold):
            start, end, size = span["start"], span["end"], span["end"] - span["start"]
            wanted = names[span["section"]]
            right = sum(overlap(start, end, s.start, s.end) for s in sections if wanted.intersection((s.name, *s.path)))
            named.gold += 1
            bounds.gold += 1
            if right >= HALF * size:
                named.gold_found += 1
            else:
                blame_miss(named, known, text, sections, span)
            fits = False
            for index, block in enumerate(blocks):
                shared = overlap(start, end, block.body, block.end)
                body = block.end - block.body
                if shared == 0 or shared < HALF * min(size, body) or block.name in UNNAMED:
                    continue
                part = any(wanted.intersection((s.name, *s.path)) and overlap(start, end, s.start, s.end) for s in sections
                           if block.start <= s.start < block.end)  # fmt: skip
                touched[index] = touched.get(index, False) or block.name in wanted or part
                mutual = shared >= HALF * size and shared >= HALF * body
                fitting[index] = fitting.get(index, False) or mutual
                fits |= mutual
            bounds.gold_found += fits
            if number + 1 < len(gold) and gold[number + 1]["start"] >= end and heading_before(text, gold[number + 1]["start"]):
                named.leak_chances += 1
                following = gold[number + 1]["start"]
                if section_at(sections, end - 1) is section_at(sections, following):
                    named.leaks += 1
                    before = heading_before(text, following)
                    head = plain(before[0]) if before else ""
                    cause = "in the table" if head in known else "not in the table"
                    named.blame(f"leak past a heading {cause}", head if head in known else span["section"])
        named.predicted += len(touched)
        named.predicted_right += sum(touched.values())
        bounds.predicted += len(fitting)
        bounds.predicted_right += sum(fitting.values())
    return named, bounds


def score_aci(ex: Extractor, notes: list[dict[str, Any]], names: dict[str, set[str]], known: dict[str, str]) -> tuple[Score, Score]:
    """Heading lines found as the beginnings of sections; the second score also asks for a name that fits the division."""
    lines, named = Score(), Score()
    for note in notes:
        sections = ex(note["text"]).sections
        starts = {s.start: s for s in sections}
        taken: set[int] = set()
        fitting = 0
        for number, header in enumerate(note["headers"]):
            place = next((p for p in range(header["start"] - 2, header["end"] + 1) if p in starts), None)
            lines.gold += 1
            named.gold += 1
            if place is None:
                lines.blame("in the table, not detected" if plain(header["text"]) in known else "not in the table", plain(header["text"]))
            else:
                taken.add(place)
                section = starts[place]
                division = next((d["division"] for d in note["divisions"] if d["start"] <= header["start"] < d["end"]), "")
                if names.get(division, set()).intersection((section.name, *section.path)):
                    fitting += 1
                else:
                    named.blame("wrong name", f"{plain(header['text'])} -> {section.name}, division {division or '?'}")
            if number + 1 < len(note["headers"]):
                lines.leak_chances += 1
                following = note["headers"][number + 1]
                holder = section_at(sections, max(header["end"], following["start"] - 2))
                lines.leaks += holder is not None and holder.end > following["end"]
        lines.gold_found += len(taken)
        named.gold_found += fitting
        extra = [s for s in sections if not s.path and s.name not in UNNAMED and s.start not in taken]
        for section in extra:
            lines.blame("predicted where no heading line is listed", section.name)
        lines.predicted += len(taken) + len(extra)
        lines.predicted_right += len(taken)
        named.predicted += len(taken)
        named.predicted_right += fitting
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
    names = {row["label"]: set(row["names"].split(",")) for row in read_table(LABEL_MAP)}
    known = {row["heading"]: row["name"] for row in read_table(HEADINGS)}
    ex = Extractor()
    named, bounds = score_mts(ex, read_notes(corpora / "mts_aligned_sections.jsonl", options.limit), names, known)
    lines, fitting = score_aci(ex, read_notes(corpora / "aci_bench.jsonl", options.limit), names, known)
    scores = {"mts named": named, "mts boundaries": bounds, "aci heading lines": lines, "aci names": fitting}
    print(f"{'task':<20}{'P':>7}{'R':>7}{'F1':>7}{'n':>6}  leaks")
    for task, score in scores.items():
        f = score.figures()
        leaks = f"{score.leaks}/{score.leak_chances}" if score.leak_chances else "-"
        print(f"{task:<20}{f['P']:>7.3f}{f['R']:>7.3f}{f['F1']:>7.3f}{score.gold:>6}  {leaks}")
    for task, score in scores.items():
        for cause, headings in sorted(score.causes.items()):
            print(f"\n{task}: {cause} ({sum(headings.values())})")
            print("  " + "; ".join(f"{heading} x{count}" for heading, count in headings.most_common(40)))
    if options.json:
        report = {task: {**score.figures(), "causes": score.causes} for task, score in scores.items()}
        options.json.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
