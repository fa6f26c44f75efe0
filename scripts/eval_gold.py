"""Score the extractor on the gold mentions (`python scripts/eval_gold.py [--show] [--json OUT]`).

Detection looks at places only; code, axes, assertion and section are scored on mentions paired by overlap, one to one
("found"), and axes and assertion also with the gold spans given ("given": no detection errors). Intervals: notes drawn
anew. The notes were written for this project, so the figures say nothing of another site's notes. Causes of error:
missed - the concept, or only the term, is not in the terminology, or the term is and was not matched; wrong axis - by
the cue rule that decided it. `--show` prints the mentions with their surroundings (the notes are the project's own).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from make_gold import GOLD
from scoring import count, f1_interval, print_table
from span_pairs import interval_by_note, pairs, share_right
from span_scoring import (
    FIGURE_NAMES,
    CodedSpan,
    Figures,
    exact,
    exact_uncoded,
    figures,
    overlapping,
    overlapping_uncoded,
)

from phenotext.annotations.gold_notes import ASSERTIONS, AXES, GoldMention, GoldNote, read_gold_notes
from phenotext.nlp import ExtractedNote, Extractor, Mention

CLASSES = [(axis, value) for axis, values in AXES.items() for value in values[1:]]
DETECTION = {
    "mention, exact": exact_uncoded,
    "mention, overlap": overlapping_uncoded,
    "mention and code, exact": exact,
    "mention and code, overlap": overlapping,
}
SURROUNDINGS = 40


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold mention of note number `note` and the mention that answers to it."""

    note: int
    gold: GoldMention
    found: Mention


@dataclass(frozen=True, slots=True)
class Share:
    """Share of right answers with its 95 % interval (notes drawn with replacement)."""

    n: int
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one class; `gold` counts its gold mentions."""

    gold: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


@dataclass(slots=True)
class Report:
    """All figures, and the errors by cause with the mentions that show them."""

    detection: dict[str, Figures] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    classes: dict[str, dict[str, ClassScore]] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def share(labels: Sequence[tuple[str, str]], notes: Sequence[int], n_notes: int) -> Share:
    """Accuracy over (gold, found) labels."""
    names = {name: k for k, name in enumerate(sorted({name for pair in labels for name in pair}))}
    gold = np.array([names[one] for one, _ in labels])
    found = np.array([names[two] for _, two in labels])
    low, high = interval_by_note(share_right, gold, found, np.array(notes), n_notes)
    return Share(len(labels), share_right(gold, found), low, high)


def class_score(labels: Sequence[tuple[str, str]], notes: Sequence[int], name: str) -> ClassScore:
    gold, found = [one == name for one, _ in labels], [two == name for _, two in labels]
    counts = count(gold, found)
    low, high = f1_interval(gold, found, notes)
    return ClassScore(sum(gold), counts.precision, counts.recall, counts.f1, low, high)


def add_labels(report: Report, matched: Sequence[Pair], n_notes: int, mode: str) -> None:
    """Axes and assertion over pairs; `mode` (found, given) names the tables."""
    notes = [pair.note for pair in matched]
    scored: dict[str, ClassScore] = {}
    for axis, value in CLASSES:
        labels = [(getattr(pair.gold, axis), getattr(pair.found, axis)) for pair in matched]
        scored[value if value != "other" else "other person"] = class_score(labels, notes, value)
    report.classes[f"axes, {mode} spans"] = scored
    labels = [(pair.gold.assertion, pair.found.assertion) for pair in matched]
    report.classes[f"assertion, {mode} spans"] = {name: class_score(labels, notes, name) for name in ASSERTIONS}
    report.shares[f"assertion, {mode} spans"] = share(labels, notes, n_notes)


def section_path(note: ExtractedNote, place: int) -> tuple[str, ...]:
    """Names of the section at a character and of those around it."""
    return next(((s.name, *s.path) for s in note.sections if s.start <= place < s.end), ())


def surroundings(text: str, start: int, end: int) -> str:
    left, right = text[max(0, start - SURROUNDINGS) : start], text[end : end + SURROUNDINGS]
    return f"{left}[{text[start:end]}]{right}".replace("\n", "\\n")


def why_missed(extractor: Extractor, mention: GoldMention, words: str, known: set[str]) -> str:
    """The term alone in an otherwise empty note tells whether the terminology has it."""
    if mention.code not in known:
        return "missed: concept not in the terminology"
    alone = extractor(words).mentions
    if any(m.start == 0 and m.end == len(words) for m in alone):
        return "missed: term in the terminology, not matched"
    return "missed: term not in the terminology"


def add_errors(
    report: Report, extractor: Extractor, notes: Sequence[GoldNote], answers: Sequence[ExtractedNote],
    matched: Sequence[Pair], given: Sequence[Pair],
) -> None:  # fmt: skip
    """Fill `report.errors`: cause -> one line a mention."""
    known = {m.code for note in notes for m in note.mentions if extractor.terminology.find(m.code) >= 0}
    errors = report.errors
    answered = {(pair.note, pair.gold.start, pair.gold.end) for pair in matched}
    used = {(pair.note, pair.found.start, pair.found.end) for pair in matched}
    for number, (note, answer) in enumerate(zip(notes, answers)):

        def show(mention: GoldMention | Mention, rest: str = "", *, note: GoldNote = note) -> str:
            words = surroundings(note.text, mention.start, mention.end)
            return f"{note.note_id} {words} {mention.code} {rest}".rstrip()

        for mention in note.mentions:
            if (number, mention.start, mention.end) not in answered:
                words = note.text[mention.start : mention.end]
                errors[why_missed(extractor, mention, words, known)].append(show(mention))
        for mention in answer.mentions:
            if (number, mention.start, mention.end) not in used:
                errors["spurious"].append(show(mention, f"{mention.preferred}"))
        for pair in (pair for pair in matched if pair.note == number):
            if pair.gold.code != pair.found.code:
                cause = "wrong code" if pair.gold.code in known else "wrong code: gold concept not in the terminology"
                errors[cause].append(show(pair.gold, f"> {pair.found.code} {pair.found.preferred}"))
            path = section_path(answer, pair.found.start)
            if pair.gold.section != pair.found.section:
                kind = "section is a part of, or around, the gold one" if pair.gold.section in path else "wrong section"
                errors[kind].append(show(pair.gold, f"{pair.gold.section} > {pair.found.section}"))
        for pair in (pair for pair in given if pair.note == number):
            rules = ", ".join(sorted({cue.rule for cue in pair.found.cues})) or "no cue"
            for axis in AXES:
                wanted, got = getattr(pair.gold, axis), getattr(pair.found, axis)
                if wanted != got:
                    errors[f"wrong {axis}: {wanted} > {got}"].append(show(pair.gold, f"[{rules}]"))
            axes_right = all(getattr(pair.gold, axis) == getattr(pair.found, axis) for axis in AXES)
            if axes_right and pair.gold.assertion != pair.found.assertion:
                cause = f"wrong assertion, axes right: {pair.gold.assertion} > {pair.found.assertion}"
                errors[cause].append(show(pair.gold, f"[{rules}]"))


def evaluate(notes: Sequence[GoldNote], extractor: Extractor | None = None, *, causes: bool = True) -> Report:
    """Score the extractor (default: starter lexicon) on gold notes; without `causes` the errors stay empty."""
    ready = extractor or Extractor()
    texts = [note.text for note in notes]
    answers = list(ready.pipe(texts))
    report = Report()
    wanted = [[CodedSpan(m.start, m.end, m.code) for m in note.mentions] for note in notes]
    got = [[CodedSpan(m.start, m.end, m.code) for m in answer.mentions] for answer in answers]
    for task, tally in DETECTION.items():
        report.detection[task] = figures([tally(*both) for both in zip(wanted, got)])
    matched = [
        Pair(i, gold, found)
        for i, (note, answer) in enumerate(zip(notes, answers))
        for gold, found in pairs(note.mentions, answer.mentions)
    ]
    spans = [[(m.start, m.end, m.code) for m in note.mentions] for note in notes]
    asserted = list(ready.notes(ready.extract_batch(texts, spans)))
    given = [Pair(i, *both) for i, n in enumerate(notes) for both in zip(n.mentions, asserted[i].mentions, strict=True)]
    where = [pair.note for pair in matched]
    report.shares["code"] = share([(p.gold.code, p.found.code or "") for p in matched], where, len(notes))
    report.shares["section"] = share([(p.gold.section, p.found.section) for p in matched], where, len(notes))
    around = [
        (p.gold.section, p.gold.section if p.gold.section in section_path(answers[p.note], p.found.start) else "")
        for p in matched
    ]
    report.shares["section, or one around it"] = share(around, where, len(notes))
    add_labels(report, matched, len(notes), "found")
    add_labels(report, given, len(notes), "given")
    if causes:
        add_errors(report, ready, notes, answers, matched, given)
    return report


def print_report(report: Report, *, show: bool) -> None:
    print_table(["detection", *FIGURE_NAMES], [[task, *found.cells()] for task, found in report.detection.items()])
    rows = [[name, s.n, s.right, f"{s.low:.3f}-{s.high:.3f}"] for name, s in report.shares.items()]
    print_table(["on paired mentions", "n", "accuracy", "95 %"], rows)
    for title, classes in report.classes.items():
        cells = [
            [name, c.gold, c.precision, c.recall, c.f1, f"{c.low:.3f}-{c.high:.3f}"] for name, c in classes.items()
        ]
        print_table([title, "gold", "P", "R", "F1", "95 %"], cells)
    ordered = sorted(report.errors.items(), key=lambda item: (item[0].split(":")[0], -len(item[1])))
    print_table(["cause of error", "n"], [[cause, len(lines)] for cause, lines in ordered])
    rules = Counter(
        f"{cause.split(':')[0]} by {line[line.rindex('[') + 1 : -1]}"
        for cause, lines in ordered
        if cause.startswith(tuple(f"wrong {axis}" for axis in AXES))
        for line in lines
    )
    print_table(["wrong axes by rules", "n"], rules.most_common(25))
    for cause, lines in ordered if show else ():
        print(f"## {cause} ({len(lines)})")
        print("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD / "markup", help="folder of mark-up")
    parser.add_argument("--terminology", help="a .ptx instead of the starter lexicon")
    parser.add_argument("--show", action="store_true", help="print every error with its surroundings")
    parser.add_argument("--json", type=Path, help="write the figures there (no note text)")
    options = parser.parse_args()
    notes = read_gold_notes(options.gold, adjudicated=True)
    extractor = Extractor.load(options.terminology) if options.terminology else Extractor()
    report = evaluate(notes, extractor)
    print(f"{len(notes)} notes, {sum(len(note.mentions) for note in notes)} gold mentions\n")
    print_report(report, show=options.show)
    if options.json:
        plain = {
            "detection": {task: asdict(found) for task, found in report.detection.items()},
            "accuracy": {name: asdict(found) for name, found in report.shares.items()},
            "classes": {title: {n: asdict(c) for n, c in found.items()} for title, found in report.classes.items()},
            "errors": {cause: len(lines) for cause, lines in report.errors.items()},
        }
        options.json.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
