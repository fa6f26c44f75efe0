"""Benchmark extraction on MTSamples notes: phenotext and, in the same run interleaved, peers over the same terms.

    python scripts/bench_extract.py [--notes 300] [--repeats 3] [--peer-python PATH ...] [--markdown]

In process: terms, sections, context and Arrow evidence rows over batches of 256 notes. Extract: the command with JSON
lines in and out, over all notes --copies times, start-up taken off (shown as "start") and, in a line of its own, not
taken off. Peers run in the interpreters given by --peer-python, each in the first that imports it; without, they are
left out. Every round measures every system once; ratios are medians of a round's ratios of MB per CPU-second. One
thread each. MB is 1e6 characters. "first pass" is a process that has seen no text yet; the others are warm. Prints
figures, never note text.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bench_systems import (
    PEER_MODULES,
    ExtractCommand,
    SystemFailed,
    Texts,
    Timing,
    Worker,
    build_terms,
    peer_worker,
    phenotext_worker,
)

ROOT = Path(__file__).resolve().parent.parent
IN_PROCESS, EXTRACT = "phenotext, in process", "phenotext extract"
FIRST, ALL_NOTES, GROSS = (
    "phenotext, in process, first pass",
    "phenotext, in process, all notes, first pass",
    "phenotext extract, with start-up",
)
LABELS = {
    "medspacy": "medspaCy, default + sections",
    "medspacy-sentencizer": "medspaCy, plain sentencizer",
    "negspacy": "negspaCy (terms, negation)",
    "edsnlp": "EDS-NLP (French cues)",
    "edsnlp-lean": "EDS-NLP, no normalizer, no sections",
    "phrasematcher": "spaCy PhraseMatcher (terms only)",
    "quickumls": "QuickUMLS (terms only)",
    "medcat": "MedCAT (terms only, untrained)",
}


@dataclass(slots=True)
class Line:
    """What was measured of one system; `timings` by round."""

    name: str
    timings: dict[int, Timing] = field(default_factory=dict)
    start_s: float = 0.0
    rss_mb: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)

    def ratio(self, ours: Line) -> float | None:
        """Median over the rounds that both have of ours divided by this, in MB per CPU-second."""
        both = self.timings.keys() & ours.timings.keys()
        return statistics.median(ours.timings[r].cpu_mb_s / self.timings[r].cpu_mb_s for r in both) if both else None

    def cells(self, in_process: Line, extract: Line | None) -> list[str]:
        timings = list(self.timings.values())
        middle = {
            name: statistics.median(getattr(t, name) for t in timings) for name in ("notes_s", "cpu_mb_s", "wall_mb_s")
        }
        ratios = [self.ratio(in_process), self.ratio(extract) if extract is not None else None]
        mentions = timings[0].mentions * 1e6 / timings[0].characters
        return [
            self.name,
            f"{middle['notes_s']:,.0f}",
            f"{middle['cpu_mb_s']:.2f}" if middle["cpu_mb_s"] < 1 else f"{middle['cpu_mb_s']:.1f}",
            f"{middle['wall_mb_s']:.2f}" if middle["wall_mb_s"] < 1 else f"{middle['wall_mb_s']:.1f}",
            *("" if ratio is None else f"{ratio:.1f}" for ratio in ratios),
            f"{self.rss_mb:,.0f}" if self.rss_mb else "",
            f"{self.start_s:.1f}" if self.start_s else "",
            f"{mentions:,.0f}" if mentions else "",
        ]


HEADER = [
    "system", "notes/CPU-s", "MB/CPU-s", "MB/s wall", "in process is x times", "extract is x times", "peak MB",
    "start s", "mentions/MB",
]  # fmt: skip


def read_notes(shared: Path) -> list[str]:
    path = shared / "data" / "corpora" / "mtsamples_distinct.jsonl.gz"
    if not path.is_file():
        raise SystemExit(f"{path.name}: not found; give the shared folder with --shared or PHENOTEXT_SHARED")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text_lines"] for line in lines]


def peers(pythons: Sequence[str], wanted: Sequence[str], terms: Path, texts: Texts) -> list[Worker]:
    """The peers that start, each in the first interpreter that imports it."""
    from scoring import can_import

    started: list[Worker] = []
    for engine in wanted if pythons else ():
        python = next((python for python in pythons if can_import(python, PEER_MODULES[engine])), None)
        if python is None:
            print(f"({engine}: imports in none of the interpreters, left out)", file=sys.stderr)
            continue
        worker = peer_worker(python, engine, terms, texts)
        try:
            worker.start()
        except SystemFailed as failure:
            print(f"({failure}; left out)", file=sys.stderr)
            continue
        started.append(worker)
    if not pythons:
        print("(no --peer-python: peers left out)", file=sys.stderr)
    return started


def first_pass(artefact: Path, texts: Texts, name: str, repeats: int) -> Line:
    """Fresh processes, one pass each."""
    line = Line(name)
    for number in range(repeats):
        worker = phenotext_worker(artefact, texts, name)
        worker.start()
        line.timings[number] = worker.run("once")
        line.start_s, line.rss_mb = worker.start_s, worker.rss_mb
        worker.stop()
    return line


def two_workers(artefact: Path, texts: Texts, repeats: int) -> float:
    """Wall throughput of two warm processes at once over that of one."""
    pair = [phenotext_worker(artefact, texts) for _ in range(2)]
    for worker in pair:
        worker.start()
        worker.run("once")
    ratios: list[float] = []
    for _ in range(repeats):
        alone = pair[0].run().wall_mb_s
        for worker in pair:
            worker.ask()
        ratios.append(sum(worker.answer().wall_mb_s for worker in pair) / alone)
    for worker in pair:
        worker.stop()
    return statistics.median(ratios)


def machine() -> str:
    """Processor, cores, memory, system."""
    model = platform.processor() or platform.machine()
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name"))
        memory = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1]) * 1024 / 1e9
    except (OSError, StopIteration):
        memory = 0.0
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def table(rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print rows, the first the header; Markdown or aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    edge, between = ("| ", " | ") if markdown else ("", "  ")
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print((edge + between.join(cells) + (" |" if markdown else "")).rstrip())
        if markdown and number == 0:
            print("|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--notes", type=int, default=300, help="notes for the comparison, spread over the corpus")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-python", nargs="+", action="extend", default=[], metavar="PATH")
    parser.add_argument("--peers", nargs="+", choices=list(PEER_MODULES), default=list(PEER_MODULES))
    parser.add_argument("--source", type=Path, help="terminology source (default: the shared open lexicon)")
    parser.add_argument("--copies", type=int, default=3, help="extract reads all notes so many times over")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, for the documentation")
    options = parser.parse_args()
    everything = read_notes(options.shared)
    step = max(1, len(everything) // options.notes)
    source = options.source or options.shared / "data" / "terminology" / "lexicon_v2_gps_only.tsv"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artefact, terms = build_terms(source, folder)
        sample = Texts.write(folder / "sample.jsonl", everything[::step][: options.notes])
        whole = Texts.write(folder / "whole.jsonl", everything)
        long = Texts.write(folder / "long.jsonl", everything * options.copies)
        with terms.open(encoding="utf-8") as lines:
            n_terms = sum(1 for _ in lines)
        worker = phenotext_worker(artefact, sample)
        worker.start()
        others = peers(options.peer_python, options.peers, terms, sample)
        command: ExtractCommand | None = ExtractCommand(artefact, long, folder)
        try:
            command.start(1, 2)
        except SystemFailed as failure:
            print(f"({failure}; left out)", file=sys.stderr)
            command = None
        lines = {name: Line(name) for name in (IN_PROCESS, EXTRACT, GROSS)}
        lines |= {w.name: Line(LABELS[w.name]) for w in others}
        scaling: list[tuple[float, float]] = []  # by wall time, and what CPU time allows
        worker.run("once")  # warm
        for number in range(options.repeats):
            lines[IN_PROCESS].timings[number] = worker.run()
            if command is not None:
                lines[GROSS].timings[number], lines[EXTRACT].timings[number] = command.run()
                one, both = lines[EXTRACT].timings[number], command.run(processes=2)[1]
                scaling.append((both.wall_mb_s / one.wall_mb_s, 2 * one.cpu_s / both.cpu_s))
            for peer in others:
                lines[peer.name].timings[number] = peer.run()
        for each, line in [(worker, lines[IN_PROCESS]), *((peer, lines[peer.name]) for peer in others)]:
            line.start_s, line.rss_mb, line.versions = each.start_s, each.rss_mb, each.versions
            each.stop()
        if command is not None:
            lines[EXTRACT].start_s, lines[EXTRACT].rss_mb = command.started[1][1], command.rss_mb
        first = [
            first_pass(artefact, sample, FIRST, options.repeats),
            first_pass(artefact, whole, ALL_NOTES, options.repeats),
        ]
        in_process_scaling = two_workers(artefact, sample, options.repeats)
    ours = [lines[IN_PROCESS], *first, lines[EXTRACT], lines[GROSS]]
    shown = [line for line in [*ours, *(lines[peer.name] for peer in others)] if line.timings]
    extract = lines[EXTRACT] if lines[EXTRACT].timings else None
    print(f"{date.today().isoformat()}; {machine()}")
    print(
        f"{sample.notes} MTSamples notes, {sample.characters / 1e6:.2f} MB (all: {whole.notes} notes,"
        f" {whole.characters / 1e6:.2f} MB); {n_terms:,} terms; medians of {options.repeats} rounds"
    )
    print("Versions: " + ", ".join(sorted({f"{k} {v}" for line in shown for k, v in line.versions.items()})))
    print("Command: python scripts/bench_extract.py " + " ".join(a for a in sys.argv[1:] if "/" not in a) + "\n")
    table([HEADER, *(line.cells(lines[IN_PROCESS], extract) for line in shown)], markdown=options.markdown)
    print(f"\nTwo processes at once, in process: {in_process_scaling:.2f} x one (wall).", end="")
    if scaling:
        wall, cpu = (statistics.median(column) for column in zip(*scaling))
        print(
            f" extract --processes 2, less start-up: {wall:.2f} x one (wall); its CPU time allows {cpu:.2f} x.", end=""
        )
    print()


if __name__ == "__main__":
    main()
