"""Score the axes on the NegEx/ConText sentences: negated, historical (all rows; rows with a cue), hypothetical.

    python scripts/eval_negex.py [--corpus negex.jsonl] [--show] [--peer-python PATH]

Reads the shared corpus, never copies it: without --show only figures, causes and row ids are printed. Gold
`Not particular` is hypothetical. Rows with `source_flag` are faulty in the source: in "all", not in "clean".
"Rows with a cue" is decided by a fixed list of words in this script (not by the package's cues), so that the subset
stays the same for every version and every peer: many historical labels come from a section that the row does not show.
Intervals: 95 %, bootstrap by report, seeded.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scoring import ANSWERED, Axes, count, f1_interval, print_table, read_json_lines, shared_corpus, systems

HISTORICAL_WORDS = re.compile(
    r"\b(?:history|histories|hx|pmh|pmhx|h/o|s/p|status[ -]post|previous(?:ly)?|prior|past|ago|former(?:ly)?|remote"
    r"|(?<!year[- ])old(?!er)|chronic|known|in (?:19|20)\d\d|childhood|as a child|resol\w+|no longer"
    r"|last (?:year|month)|years? (?:earlier|before))\b"
)
# These read like history but say nothing of the past; they are blanked before the words above are looked for.
NOT_HISTORICAL = re.compile(
    r"history of (?:the )?present(?:ing)? (?:illness|complaint)|(?:family|social) history|history and physical"
    r"|(?:hour|day|week|month)s? (?:history|hx)|ago in the (?:morning|evening)"
)
NEGATION_WORDS = re.compile(
    r"\b(?:no|not|non|nor|neither|none|never|without|w/o|den(?:y|ies|ied|ying)|negative|neg|absen\w+|free|ruled out"
    r"|rule out|unremarkable|lack\w*|cannot|can't|didn't|doesn't|fail\w*|resol\w+)\b"
)
HYPOTHETICAL_WORDS = re.compile(
    r"\b(?:if|should|return|call|risk|prophyla\w+|prevent\w*|monitor|watch|screen\w*|in case|unless|instruct\w*|prn"
    r"|as needed|evaluat\w+|precaution\w*)\b"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One concept in its sentence; offsets are half-open characters of `text`."""

    id: str
    report: str
    text: str
    start: int
    end: int
    negated: bool
    temporality: str
    clean: bool

    def around(self) -> str:
        """The sentence in lower case, the target blanked."""
        return (self.text[: self.start] + " " * (self.end - self.start) + self.text[self.end :]).lower()

    @property
    def has_historical_cue(self) -> bool:
        return HISTORICAL_WORDS.search(NOT_HISTORICAL.sub(" ", self.around())) is not None


@dataclass(frozen=True, slots=True)
class Task:
    """One class to score: how the gold row and the answer show it, and the words whose presence explains a miss."""

    name: str
    axis: str
    gold: Callable[[Row], bool]
    guess: Callable[[Axes], bool]
    words: re.Pattern[str]
    prefixes: tuple[str, ...]


TASKS = [
    Task(
        "negated",
        "negation",
        lambda r: r.negated,
        lambda a: a.negation == "negated",
        NEGATION_WORDS,
        ("negated", "resolved"),
    ),
    Task(
        "historical",
        "temporality",
        lambda r: r.temporality == "Historical",
        lambda a: a.temporality == "historical",
        HISTORICAL_WORDS,
        ("historical", "resolved"),
    ),
    Task(
        "hypothetical",
        "temporality",
        lambda r: r.temporality == "Not particular",
        lambda a: a.temporality == "hypothetical",
        HYPOTHETICAL_WORDS,
        ("hypothetical",),
    ),
]


def read_rows(corpus: str | None) -> list[Row]:
    """The located rows of the corpus, with the concept in lower case (`text_lc`)."""
    rows: list[Row] = []
    for row in read_json_lines(shared_corpus("negex.jsonl", corpus)):
        start, end = row["start"], row["end"]
        if not isinstance(start, int) or not isinstance(end, int):
            continue
        rows.append(
            Row(
                id=str(row["id"]),
                report=str(row["report"]),
                text=str(row["text_lc"]),
                start=start,
                end=end,
                negated=bool(row["negated"]),
                temporality=str(row["temporality"]),
                clean=row["source_flag"] is None,
            )
        )
    return rows


def score(rows: Sequence[Row], answers: Sequence[Axes], task: Task) -> list[object]:
    """[gold rows, P, R, F1, interval] of one class."""
    gold, guess = [task.gold(row) for row in rows], [task.guess(axes) for axes in answers]
    counts = count(gold, guess)
    low, high = f1_interval(gold, guess, [row.report for row in rows])
    return [sum(gold), counts.precision, counts.recall, counts.f1, f"{low:.3f}-{high:.3f}"]


def table(name: str, rows: Sequence[Row], answers: Sequence[Axes]) -> None:
    """All classes of one system, over all and clean rows, historical also over rows with a cue."""
    pairs = list(zip(rows, answers))
    subsets = {"all": pairs, "clean": [(r, a) for r, a in pairs if r.clean]}
    lines: list[list[object]] = []
    for task in TASKS:
        if task.axis not in ANSWERED.get(name, {task.axis}):
            continue
        for label, subset in subsets.items():
            lines.append([task.name, label, len(subset), *score([r for r, _ in subset], [a for _, a in subset], task)])
        if task.name == "historical":
            cued = {label: [(r, a) for r, a in subset if r.has_historical_cue] for label, subset in subsets.items()}
            for label, subset in cued.items():
                part = [label + ", cue in row", len(subset)]
                lines.append([task.name, *part, *score([r for r, _ in subset], [a for _, a in subset], task)])
    print(f"## {name}\n")
    print_table(["class", "rows", "n", "gold", "P", "R", "F1", "95 %"], lines)


def cause(row: Row, axes: Axes, task: Task) -> str:
    """Why a row is wrong: for a false alarm the rules that fired, for a miss whether a likely cue stands in the row."""
    if task.guess(axes):
        fired = sorted(rule for rule in set(axes.rules) if rule.split(".")[0] in task.prefixes)
        return "false: " + (" + ".join(fired) or "section or no named rule")
    if axes.temporality not in ("recent", "historical") and task.name == "historical":
        return f"missed: {axes.temporality} won"
    around = NOT_HISTORICAL.sub(" ", row.around()) if task.name == "historical" else row.around()
    word = task.words.search(around)
    return f"missed: `{word.group()}` in the row not applied" if word else "missed: no cue word in the row"


def errors(rows: Sequence[Row], answers: Sequence[Axes], show: bool) -> None:
    """Error listing by cause, most frequent first; row ids only unless `show`."""
    for task in TASKS:
        causes: dict[str, list[Row]] = defaultdict(list)
        for row, axes in zip(rows, answers):
            if task.gold(row) != task.guess(axes):
                causes[cause(row, axes, task)].append(row)
        print(f"### {task.name}: {sum(map(len, causes.values()))} wrong rows\n")
        for name, wrong in sorted(causes.items(), key=lambda item: (-len(item[1]), item[0])):
            print(f"{len(wrong):4d}  {name}: {' '.join(row.id for row in wrong)}")
            if show:
                for row in wrong:
                    target = f"[[{row.text[row.start : row.end]}]]"
                    print(f"        {row.id}: {row.text[: row.start][-160:]}{target}{row.text[row.end :][:120]}")
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="negex.jsonl (default: below the shared folder)")
    parser.add_argument("--every", type=int, default=1, help="only every Nth row (a short run)")
    parser.add_argument("--show", action="store_true", help="print wrong rows to this terminal (never store them)")
    parser.add_argument("--peer-python", help="interpreter with medspaCy and/or negspaCy")
    options = parser.parse_args()
    rows = read_rows(options.corpus)[:: options.every]
    items = [(row.text, [(row.start, row.end)]) for row in rows]
    for name, predict in systems(options.peer_python).items():
        answers = [spans[0] for spans in predict(items)]
        table(name, rows, answers)
        if name == "phenotext":
            errors(rows, answers, options.show)


if __name__ == "__main__":
    main()
