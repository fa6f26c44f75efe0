"""Imported rules against the systems they come from, on the same spans in the same sentences.

    python scripts/eval_rule_import.py [--corpus negex.jsonl] [--medspacy-python PATH] [--negspacy-python PATH]
        [--show] [--minimum 0.93]

medspaCy's default ConText rules, and negspaCy's clinical terms, are imported and used as the only cues. Three sets: one
written sentence for each of medspaCy's rules, a made sentence for every imported cue, and the NegEx/ConText sentences
of the shared corpus (read, never copied; left out where absent). A row agrees if all axes do. Without --show only
figures, causes and row ids are printed. With --minimum the exit code is 1 if a system agrees less on any set.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rule_agreement import AXES, Answers, Question, ask, carriers, marked, run_driver
from scoring import REPOSITORY, can_import, print_table, read_json_lines, shared_corpus

from phenotext.nlp import Extractor
from phenotext.nlp.rule_import import ImportedCues, read_cue_file

SENTENCES = REPOSITORY / "tests" / "data" / "context_rule_sentences.tsv"
NEGSPACY_PYTHON = "/tmp/peers/bin/python"
MODULES = {"medspacy": "medspacy", "negspacy": "negspacy.negation"}


def imported_rules(python: str, engine: str) -> ImportedCues:
    """The peer's own rules, taken from it and imported from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{engine}.json"
        path.write_text("\n".join(run_driver(python, engine, "--dump")), encoding="utf-8")
        return read_cue_file(path)


def rule_sentences() -> list[Question]:
    """One written sentence a rule of medspaCy."""
    questions: list[Question] = []
    for line in SENTENCES.read_text(encoding="utf-8").splitlines():
        if line.startswith(("#", "literal\t")):
            continue
        literal, axis, sentence = line.split("\t")
        questions.append(marked(literal, sentence, frozenset() if axis == "none" else frozenset((axis,))))
    return questions


def corpus_questions(corpus: str | None) -> list[Question]:
    """The located rows of the corpus; [] where it is absent."""
    try:
        path = shared_corpus("negex.jsonl", corpus)
    except SystemExit:
        return []
    rows = [row for row in read_json_lines(path) if isinstance(row["start"], int) and isinstance(row["end"], int)]
    return [Question(str(r["id"]), str(r["text_lc"]), int(str(r["start"])), int(str(r["end"])), False) for r in rows]


def table(answers: dict[str, list[Answers]]) -> None:
    """Agreement a set and axis."""
    lines: list[list[object]] = []
    for name, rows in answers.items():
        lines.append([name, "all axes", len(rows), sum(a.agree for a in rows) / len(rows), "", "", ""])
        for axis in AXES:
            both = sum(axis in a.peer and axis in a.ours for a in rows)
            peer = sum(axis in a.peer and axis not in a.ours for a in rows)
            ours = sum(axis not in a.peer and axis in a.ours for a in rows)
            if both + peer + ours:
                lines.append([name, axis, len(rows), 1 - (peer + ours) / len(rows), both, peer, ours])
    print_table(["sentences", "axis", "rows", "agreement", "both", "peer alone", "phenotext alone"], lines)


def causes(answers: Sequence[Answers], show: bool) -> None:
    """Rows that differ, by cause."""
    by_cause: dict[str, list[Answers]] = defaultdict(list)
    for item in answers:
        if not item.agree:
            by_cause[item.cause].append(item)
    for name, items in sorted(by_cause.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        print(f"{len(items):4d}  {name}: {' | '.join(item.question.name for item in items[:40])}")
        for item in items if show else ():
            q = item.question
            print(f"        {q.text[: q.start][-200:]}[[{q.text[q.start : q.end]}]]{q.text[q.end :][:100]}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="negex.jsonl (default: below the shared folder)")
    parser.add_argument("--medspacy-python", default=sys.executable, help="interpreter with medspaCy (default: this)")
    parser.add_argument("--negspacy-python", default=NEGSPACY_PYTHON, help="interpreter with negspaCy")
    parser.add_argument("--show", action="store_true", help="print differing rows to this terminal (never store them)")
    parser.add_argument("--minimum", type=float, default=0.0, help="least agreement on every set")
    parser.add_argument("--json", type=Path, help="write the agreements there")
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for engine, python in (("medspacy", options.medspacy_python), ("negspacy", options.negspacy_python)):
        if not Path(python).exists() or not can_import(python, MODULES[engine]):
            print(f"({engine} does not import in {python}: left out)\n")
            continue
        imported = imported_rules(python, engine)
        print(f"## {engine}\n\n{imported.report.summary()}\n")
        extractor = Extractor(cues=imported.rows, headings=())
        sets = {"every cue, made sentences": carriers(imported.rows), "NegEx corpus": corpus_questions(options.corpus)}
        if engine == "medspacy":
            sets = {"every rule, written sentences": rule_sentences(), **sets}
        answers = {name: ask(python, engine, extractor, questions) for name, questions in sets.items() if questions}
        table(answers)
        for name, rows in answers.items():
            wrong = [a for a in rows if a.question.expected is not None and a.ours != a.question.expected]
            told = f"; not as the rule says: {' | '.join(a.question.name for a in wrong)}" if wrong else ""
            print(f"{name}: {sum(not a.agree for a in rows)} differ{told}")
            causes(rows, options.show)
        figures[engine] = {name: sum(a.agree for a in rows) / len(rows) for name, rows in answers.items()}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    low = {f"{e} {name}": f for e, sets in figures.items() for name, f in sets.items() if f < options.minimum}
    if low or (options.minimum and not figures):
        raise SystemExit(f"agreement below {options.minimum}: {low or 'no peer at all'}")


if __name__ == "__main__":
    main()
