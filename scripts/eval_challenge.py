"""Score the assertion challenge set (tests/data/challenge_assertion.tsv): axes, assertion, themes, failing ids.

    python scripts/eval_challenge.py [--show] [--peer-python PATH]

An axis that the mark-up does not give is expected at its default; `any` is not scored. Spans carry no code here, so a
target that is chronic and historical (assertion present by the schema) may come out as `historical` too.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring import ANSWERED, REPOSITORY, Axes, count, print_table, systems

from phenotext.annotations.markup import parse

CHALLENGE = REPOSITORY / "tests" / "data" / "challenge_assertion.tsv"
DEFAULTS = {"negation": "affirmed", "certainty": "certain", "temporality": "recent", "experiencer": "patient"}
CLASSES = [
    ("negation", "negated"),
    ("certainty", "uncertain"),
    ("temporality", "historical"),
    ("temporality", "hypothetical"),
    ("experiencer", "family"),
    ("experiencer", "other"),
]
ASSERTIONS = ["present", "absent", "possible", "historical", "family", "other", "hypothetical"]


@dataclass(frozen=True, slots=True)
class Target:
    """One marked span: half-open character offsets, the expected axes, and the assertions that count as right."""

    start: int
    end: int
    axes: dict[str, str]
    assertion: str
    accepted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Passage:
    """One row of the challenge set, mark-up taken off."""

    id: str
    theme: str
    difficulty: int
    text: str
    targets: tuple[Target, ...]


def read_passages(path: Path) -> list[Passage]:
    """Read the set; raises ValueError naming the row where an attribute is missing or unknown."""
    passages: list[Passage] = []
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            text, spans = parse(row["text"].replace("\\n", "\n"))
            targets: list[Target] = []
            for span in spans:
                given = span.attributes
                unknown = set(given) - set(DEFAULTS) - {"assertion", "chronic"}
                if unknown or given.get("assertion") not in ASSERTIONS:
                    raise ValueError(f"{path.name}, {row['id']}: attributes {sorted(given)}; correct the mark-up")
                axes = {axis: given.get(axis, default) for axis, default in DEFAULTS.items()}
                accepted = {given["assertion"]}
                if given.get("chronic") == "1" and axes["temporality"] == "historical" and "present" in accepted:
                    accepted.add("historical")
                targets.append(Target(span.start, span.end, axes, given["assertion"], frozenset(accepted)))
            passages.append(Passage(row["id"], row["theme"], int(row["difficulty"]), text, tuple(targets)))
    return passages


def mistakes(target: Target, got: Axes) -> list[str]:
    """`axis expected>got` for every axis (and the assertion) that is wrong."""
    wrong = [
        f"{axis} {expected}>{getattr(got, axis)}"
        for axis, expected in target.axes.items()
        if expected not in ("any", getattr(got, axis))
    ]
    if got.assertion not in target.accepted:
        wrong.append(f"assertion {target.assertion}>{got.assertion}")
    return wrong


def axis_rows(pairs: Sequence[tuple[Target, Axes]], answered: set[str]) -> list[list[object]]:
    """P, R, F1 of each non-default value of the axes a system answers, over (expected, got) pairs."""
    rows: list[list[object]] = []
    for axis, value in CLASSES:
        if axis not in answered:
            continue
        scored = [(target.axes[axis] == value, getattr(got, axis) == value)
                  for target, got in pairs if target.axes[axis] != "any"]  # fmt: skip
        counts = count([gold for gold, _ in scored], [guess for _, guess in scored])
        rows.append([value, counts.tp + counts.fn, counts.precision, counts.recall, counts.f1])
    return rows


def assertion_rows(pairs: Sequence[tuple[Target, Axes]]) -> list[list[object]]:
    """P, R, F1 of each assertion and the accuracy over all."""
    rows: list[list[object]] = []
    settled = [(t.assertion, t.assertion if got.assertion in t.accepted else got.assertion) for t, got in pairs]
    for name in ASSERTIONS:
        counts = count([gold == name for gold, _ in settled], [guess == name for _, guess in settled])
        rows.append([name, counts.tp + counts.fn, counts.precision, counts.recall, counts.f1])
    right = sum(gold == guess for gold, guess in settled)
    rows.append(["accuracy", len(settled), "", "", right / max(len(settled), 1)])
    return rows


def report(name: str, passages: Sequence[Passage], answers: Sequence[Sequence[Axes]]) -> dict[str, list[str]]:
    """Print the axis and assertion tables of one system; returns the failing passages, id -> what was wrong."""
    pairs = [(t, a) for passage, answer in zip(passages, answers) for t, a in zip(passage.targets, answer, strict=True)]
    print(f"## {name}: {len(passages)} passages, {len(pairs)} targets\n")
    print_table(["axis value", "n", "P", "R", "F1"], axis_rows(pairs, ANSWERED.get(name, set(DEFAULTS))))
    print_table(["assertion", "n", "P", "R", "F1"], assertion_rows(pairs))
    failing: dict[str, list[str]] = {}
    for passage, answer in zip(passages, answers):
        wrong = [f"#{i} {m}" for i, (t, a) in enumerate(zip(passage.targets, answer), 1) for m in mistakes(t, a)]
        if wrong:
            failing[passage.id] = wrong
    return failing


def group_table(
    passages: Sequence[Passage],
    results: dict[str, list[list[Axes]]],
    failing: dict[str, dict[str, list[str]]],
    key: str,
) -> None:
    """Assertion accuracy (by target) and wholly right passages by theme or difficulty."""
    totals: Counter[object] = Counter()
    targets: Counter[object] = Counter()
    right: dict[str, Counter[object]] = defaultdict(Counter)
    whole: dict[str, Counter[object]] = defaultdict(Counter)
    for number, passage in enumerate(passages):
        group = getattr(passage, key)
        totals[group] += 1
        targets[group] += len(passage.targets)
        for name, answers in results.items():
            right[name][group] += sum(a.assertion in t.accepted for t, a in zip(passage.targets, answers[number]))
            whole[name][group] += passage.id not in failing[name]
    header = [key, "passages", "targets"]
    for name in results:
        header += [f"{name} assertion", f"{name} passages right"]
    rows: list[list[object]] = []
    for group in totals:
        row: list[object] = [group, totals[group], targets[group]]
        for name in results:
            row += [right[name][group] / max(targets[group], 1), whole[name][group] / totals[group]]
        rows.append(row)
    total: list[object] = ["all", sum(totals.values()), sum(targets.values())]
    for name in results:
        total += [sum(right[name].values()) / max(sum(targets.values()), 1), sum(whole[name].values()) / len(passages)]
    print_table(header, [*rows, total])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", type=Path, default=CHALLENGE, help="another set in the same format")
    parser.add_argument("--theme", help="only this theme")
    parser.add_argument("--every", type=int, default=1, help="only every Nth passage (a short run)")
    parser.add_argument("--show", action="store_true", help="print the failing sentences (they are the project's own)")
    parser.add_argument("--peer-python", help="interpreter with medspaCy and/or negspaCy")
    parser.add_argument("--minimum", type=float, default=0.0, help="exit 1 below this assertion accuracy of phenotext")
    options = parser.parse_args()
    passages = [p for p in read_passages(options.set) if options.theme in (None, p.theme)][:: options.every]
    if not passages:
        raise SystemExit(f"no passage of theme {options.theme!r} in {options.set.name}; leave --theme out to see all")
    items = [(p.text, [(t.start, t.end) for t in p.targets]) for p in passages]
    results = {name: predict(items) for name, predict in systems(options.peer_python).items()}
    failing = {name: report(name, passages, answers) for name, answers in results.items()}
    for key in ("theme", "difficulty"):
        group_table(passages, results, failing, key)
    print(f"failing ids ({len(failing['phenotext'])} of {len(passages)} passages), #target axis expected>got:")
    for number, passage in enumerate(passages):
        wrong = failing["phenotext"].get(passage.id)
        if wrong is None:
            continue
        rules = sorted({rule for axes in results["phenotext"][number] for rule in axes.rules})
        print(f"{passage.id}: {'; '.join(wrong)}  [{', '.join(rules)}]")
        if options.show:
            print("    " + passage.text.replace("\n", "\\n"))
    pairs = [(t, a) for p, answer in zip(passages, results["phenotext"]) for t, a in zip(p.targets, answer)]
    accuracy = sum(a.assertion in t.accepted for t, a in pairs) / max(len(pairs), 1)
    if accuracy < options.minimum:
        raise SystemExit(f"assertion accuracy {accuracy:.3f} is below {options.minimum}")


if __name__ == "__main__":
    main()
