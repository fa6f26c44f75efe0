"""The measuring loop of every benchmarked system: load, say so, then one timed run for each line on stdin.

Imports the standard library only, so that it works in any peer's interpreter. What a system prints goes nowhere (some
log note text); only this loop's JSON lines reach stdout: first `{"ready": true, "load_s", "versions", "rss_mb"}`, then
for each run `{"cpu_s", "wall_s", "passes", "mentions", "rss_mb"}` with times a pass over all texts. CPU is that of the
process with all its threads.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

Run = Callable[[list[str]], int]


def read_texts(path: Path) -> list[str]:
    """The `text` of each JSON line."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def read_terms(path: Path) -> list[tuple[str, str]]:
    """(code, term) of each tab-separated line."""
    with path.open(encoding="utf-8") as lines:
        pairs = [line.rstrip("\n").partition("\t") for line in lines]
    return [(code, term) for code, _, term in pairs if term]


def peak_rss_mb() -> float:
    """Peak resident memory in MB; VmHWM, because `ru_maxrss` starts at the parent's peak."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def versions(*packages: str) -> dict[str, str]:
    """Versions of those of `packages` that are installed."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def serve(
    load: Callable[[], Run], texts: list[str], packages: tuple[str, ...], *, warm_up: int, least_s: float
) -> None:
    """Load, warm up on the first `warm_up` texts, then time runs as asked; a run repeats until it took `least_s`."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    began = time.perf_counter()
    run = load()
    load_s = time.perf_counter() - began
    if warm_up:
        run(texts[:warm_up])
    ready = {"ready": True, "load_s": load_s, "versions": versions(*packages), "rss_mb": peak_rss_mb()}
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        target = 0.0 if line.strip() == "once" else least_s
        cpu, wall = time.process_time(), time.perf_counter()
        mentions = passes = 0
        while not passes or time.perf_counter() - wall < target:
            mentions = run(texts)
            passes += 1
        result = {
            "cpu_s": (time.process_time() - cpu) / passes,
            "wall_s": (time.perf_counter() - wall) / passes,
            "passes": passes,
            "mentions": mentions,
            "rss_mb": peak_rss_mb(),
        }
        print(json.dumps(result), file=answers, flush=True)
