"""Benchmark terminologies of some sixty thousand and of a million terms: building, opening, memory, speed, sharing.

    python scripts/bench_terminology.py [--shared DIR] [--big SOURCE | --rf2] [--notes 1000] [--repeats 3] [--markdown]

The big terminology is a million terms in a table, with --rf2 a whole made-up SNOMED CT release (hierarchy, reference
sets, retired codes and maps included), or any source given with --big.

Build: wall seconds and peak memory of a process that does nothing else. Open: seconds until the artefact is mapped, and
until the extractor is ready, in fresh processes (file cache warm), best of five. Memory: of a process after extracting
the notes (evidence rows in process): resident, peak, and the proportional share (PSS) of two such processes at once;
"artefact shared" is the part of the mapped file that both hold once. Linux only. Prints figures, never note text.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from bench_extract import machine, read_notes, table
from bench_systems import ENVIRONMENT, PEERS, Texts, Worker, phenotext_worker

ROOT = Path(__file__).resolve().parent.parent
IMPORT = "import time; t = time.perf_counter(); import phenotext.nlp; print(time.perf_counter() - t)"
OPEN = """
import sys, time
from phenotext.nlp import Extractor, Terminology
first = time.perf_counter()
terminology = Terminology.open(sys.argv[1])
opened = time.perf_counter()
Extractor(terminology)
print(opened - first, time.perf_counter() - first)
"""


def python(*arguments: str) -> str:
    """Standard output of this interpreter run with `arguments`."""
    done = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, check=True, env=ENVIRONMENT)
    return done.stdout.decode()


def build(source: Path, artefact: Path) -> dict[str, float]:
    """Build in a process of its own; wall_s, cpu_s, peak_mb, strings, codes."""
    driver = str(PEERS / "bench_phenotext.py")
    return json.loads(python(driver, "--artefact", str(artefact), "--source", str(source)))


def open_times(artefact: Path) -> tuple[float, float]:
    """Seconds to map the file, and to a ready extractor."""
    runs = [tuple(map(float, python("-c", OPEN, str(artefact)).split())) for _ in range(5)]
    return min(run[0] for run in runs), min(run[1] for run in runs)


def kilobytes(path: Path, key: str) -> float:
    """The sum of the lines `key: N kB` of a file in /proc, in MB."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024 / 1e6


def mapped(pid: int, artefact: Path) -> tuple[float, float]:
    """Resident and proportional MB of the mappings of `artefact` in a process."""
    resident = share = 0.0
    inside = False
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        word = line.split()[0]
        if not word.endswith(":"):
            inside = line.endswith(str(artefact))
        elif inside and word in ("Rss:", "Pss:"):
            size = int(line.split()[1]) * 1024 / 1e6
            resident, share = (resident + size, share) if word == "Rss:" else (resident, share + size)
    return resident, share


def memory(artefact: Path, texts: Texts) -> dict[str, float]:
    """Memory of one process and of two at once after extracting the notes."""
    pair = [phenotext_worker(artefact, texts) for _ in range(2)]
    try:
        pair[0].start()
        opened = kilobytes(Path(f"/proc/{pair[0].pid}/status"), "VmRSS")
        pair[0].run("once")
        folder = Path(f"/proc/{pair[0].pid}")
        alone = {
            "opened": opened,
            "resident": kilobytes(folder / "status", "VmRSS"),
            "peak": kilobytes(folder / "status", "VmHWM"),
        }
        alone["file"] = mapped(pair[0].pid, artefact)[0]
        alone["pss"] = kilobytes(folder / "smaps_rollup", "Pss")
        pair[1].start()
        pair[1].run("once")
        alone["pss_two"] = sum(kilobytes(Path(f"/proc/{worker.pid}/smaps_rollup"), "Pss") for worker in pair)
        resident, share = zip(*(mapped(worker.pid, artefact) for worker in pair))
        alone["shared"] = sum(resident) - sum(share)
        return alone
    finally:
        for worker in pair:
            worker.stop()


def speeds(workers: list[Worker], repeats: int) -> list[tuple[float, float]]:
    """For each worker the MB per CPU-second of its first pass and the median of warm passes, interleaved."""
    for worker in workers:
        worker.start()
    first = [worker.run("once").cpu_mb_s for worker in workers]
    warm = [[worker.run().cpu_mb_s for worker in workers] for _ in range(repeats)]
    for worker in workers:
        worker.stop()
    return [(one, statistics.median(column)) for one, column in zip(first, zip(*warm))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--big", type=Path, help="a big terminology; made by make_big_terminology.py by default")
    parser.add_argument("--rf2", action="store_true", help="the big terminology is made by make_synthetic_rf2.py")
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    everything = read_notes(options.shared)
    step = max(1, len(everything) // options.notes)
    small = options.shared / "data" / "terminology" / "lexicon_v2_gps_only.tsv"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = Texts.write(folder / "notes.jsonl", everything[::step][: options.notes])
        big = options.big or folder / "big.tsv"
        if options.rf2:
            big = folder / "rf2"
            python(str(Path(__file__).with_name("make_synthetic_rf2.py")), str(big))
        elif options.big is None:
            python(str(Path(__file__).with_name("make_big_terminology.py")), str(big), "--source", str(small))
        artefacts = {small: folder / "small.ptx", big: folder / "big.ptx"}
        built = {source: build(source, artefact) for source, artefact in artefacts.items()}
        speed = speeds([phenotext_worker(artefact, texts) for artefact in artefacts.values()], options.repeats)
        columns: list[list[str]] = []
        for (source, artefact), (first, warm) in zip(artefacts.items(), speed):
            figures, used = built[source], memory(artefact, texts)
            opened, ready = open_times(artefact)
            column = [
                f"{figures['strings']:,.0f} strings, {figures['codes']:,.0f} codes",
                f"{figures['wall_s']:.1f}",
                f"{figures['peak_mb']:,.0f}",
                f"{artefact.stat().st_size / 1e6:.1f}",
                f"{opened:.3f}",
                f"{ready:.3f}",
                f"{used['opened']:.0f}",
                f"{used['resident']:.0f}",
                f"{used['peak']:.0f}",
                f"{used['file']:.0f}",
                f"{used['pss']:.0f}",
                f"{used['pss_two']:.0f}",
                f"{used['shared']:.0f}",
                f"{first:.1f}",
                f"{warm:.1f}",
            ]
            columns.append(column)
        imported = min(float(python("-c", IMPORT)) for _ in range(5))
    labels = [
        "terms", "build, wall s", "build, peak MB", "artefact MB", "open s", "extractor ready s", "resident MB, opened",
        "resident MB, after the notes", "peak MB, after the notes", "of it mapped artefact MB", "PSS MB, one process",
        "PSS MB, two processes together", "artefact MB held once by both", "MB/CPU-s, first pass", "MB/CPU-s, warm",
    ]  # fmt: skip
    print(f"{date.today().isoformat()}; {machine()}")
    print(f"{texts.notes} MTSamples notes, {texts.characters / 1e6:.2f} MB; import phenotext.nlp: {imported:.2f} s\n")
    lines = [list(cells) for cells in zip(labels, *columns, strict=True)]
    table([["", "open lexicon", "big terminology"], *lines], markdown=options.markdown)


if __name__ == "__main__":
    main()
