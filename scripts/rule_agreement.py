"""Another system and phenotext with the same rules on the same sentences: answers, and causes of difference."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phenotext.nlp import Extractor
from phenotext.nlp.cue_table import Category, CueRow, Direction

DRIVER = Path(__file__).resolve().parent / "peers" / "rule_peer.py"
AXES = ("negated", "uncertain", "historical", "hypothetical", "family")
TARGET = "gout"
# What ends a scope in phenotext and not in the peers; see docs/context.md.
_STOPS = {
    "stop: semicolon, question mark or list number": re.compile(r"[;?]|\d\S*\s?\)"),
    "stop: comma before a subject": re.compile(
        r",\s*(?:he|she|they|it|we|i|patient|pt|this|there|who|which)\b", re.IGNORECASE
    ),
    "stop: sentence or line end inside the peer's sentence": re.compile(r"[.:]\s+[A-Z]|\n|\*{3}"),
    "stop: a negation ends history and doubt": re.compile(
        r"\b(?:no|not|denie[sd]|without|negative|rule[sd]?)\b", re.IGNORECASE
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One span in a text (half-open characters). `whole`: the text is one sentence. `expected`: axes, where known."""

    name: str
    text: str
    start: int
    end: int
    whole: bool
    expected: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Axes that the peer and phenotext set on a question's span, and why they differ ("" where they agree)."""

    question: Question
    peer: frozenset[str]
    ours: frozenset[str]
    cause: str

    @property
    def agree(self) -> bool:
        return self.peer == self.ours


def run_driver(python: str, engine: str, *options: str, lines: str = "") -> list[str]:
    """Output lines of the peer's driver. RuntimeError if it fails; its own messages may hold note text."""
    done = subprocess.run(
        [python, str(DRIVER), "--engine", engine, *options], input=lines.encode(), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{engine}: {python} {DRIVER.name} ended with {done.returncode}; does it import there?")
    return done.stdout.decode().splitlines()


def marked(name: str, sentence: str, expected: frozenset[str] | None) -> Question:
    """A question from a sentence with its target in double brackets."""
    start = sentence.index("[[")
    end = sentence.index("]]") - 2
    return Question(name, sentence.replace("[[", "").replace("]]", ""), start, end, True, expected)


def carriers(rows: Sequence[CueRow]) -> list[Question]:
    """A made sentence for every cue: the target where the cue looks, or behind what ends or hides a negation."""
    questions: list[Question] = []
    for row in rows:
        if row.category in (Category.TERMINATOR, Category.PSEUDO):
            sentence = f"{'no fever ' if row.category == Category.TERMINATOR else ''}{row.cue} [[{TARGET}]]."
            expected: frozenset[str] = frozenset()
        else:
            forward = row.direction != Direction.BACKWARD
            sentence = f"today {row.cue} [[{TARGET}]]." if forward else f"today [[{TARGET}]] {row.cue}."
            expected = frozenset((row.category.name.lower(),))
        questions.append(marked(row.rule, sentence, expected))
    return questions


def ask(python: str, engine: str, extractor: Extractor, questions: Sequence[Question]) -> list[Answers]:
    """Both systems on the peer's sentences and the peer's (token-aligned) spans."""
    lines = "".join(
        json.dumps({"text": q.text, "start": q.start, "end": q.end, "whole": q.whole}) + "\n" for q in questions
    )
    answers = [json.loads(line) for line in run_driver(python, engine, lines=lines)]
    sentences = [q.text[slice(*answer["sentence"])] for q, answer in zip(questions, answers, strict=True)]
    spans = [[(*answer["span"], None)] for answer in answers]
    result: list[Answers] = []
    batches = range(0, len(sentences), 256)
    notes = [n for at in batches for n in extractor.notes(extractor.extract_batch(sentences[at:at + 256], spans[at:at + 256]))]  # fmt: skip # noqa: E501
    for question, answer, note in zip(questions, answers, notes, strict=True):
        # from the cues, because one axis hides another in the result: history is not shown beside hypothesis
        ours = frozenset(cue.rule.split(".")[0] for cue in note.mentions[0].cues) & frozenset(AXES)
        peer = frozenset(answer["axes"])
        why = "" if ours == peer else cause(note.text, answer, ours - peer)
        result.append(Answers(question, peer, ours, why))
    return result


def cause(sentence: str, answer: dict[str, list[list[int]]], ours_only: frozenset[str]) -> str:
    """Why the two differ, from the words between the peer's modifiers and the span."""
    if ours_only:
        return "phenotext alone: a cue the peer does not match here"
    start, end = answer["span"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    causes: list[str] = []
    for low, high, _ in answer["modifiers"]:
        if low < end and start < high:
            return "cue inside the finding"
        between = sentence[high:start] if high <= start else sentence[end:low]
        if re.search(r":\s{2,}$", sentence[:low]) and sentence[low:high].lower() == "no":
            causes.append("the cue `: no` is met across two blanks, the peer does not meet it")
        elif re.match(r"(?:\s*\w+)?\s*:", between) and sentence[low:high].isupper():
            causes.append("cue inside a section heading")
        else:
            causes.extend(name for name, pattern in _STOPS.items() if pattern.search(between))
    return causes[0] if causes else "other"
