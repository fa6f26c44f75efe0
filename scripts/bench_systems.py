"""Running benchmarked systems: workers that answer to "run", and the `phenotext extract` command from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PEERS = Path(__file__).resolve().parent / "peers"
# One thread each: libraries that spread over cores would make CPU time and wall time say different things.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ARROW_NUM_THREADS")
ENVIRONMENT = {**os.environ, **dict.fromkeys(THREADS, "1"), "TOKENIZERS_PARALLELISM": "false"}
# engine -> the module that must import in a peer's interpreter
PEER_MODULES = {
    "medspacy": "medspacy",
    "medspacy-sentencizer": "medspacy",
    "negspacy": "negspacy.negation",
    "edsnlp": "edsnlp",
    "edsnlp-lean": "edsnlp",
    "phrasematcher": "spacy",
    "quickumls": "quickumls",
    "medcat": "medcat",
}


class SystemFailed(RuntimeError):
    """A system that could not be started or ended early; the message names it, never a text."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one pass over `characters` of `notes` notes."""

    cpu_s: float
    wall_s: float
    notes: int
    characters: int
    mentions: int = 0

    @property
    def cpu_mb_s(self) -> float:
        return self.characters / 1e6 / self.cpu_s

    @property
    def wall_mb_s(self) -> float:
        return self.characters / 1e6 / self.wall_s

    @property
    def notes_s(self) -> float:
        return self.notes / self.cpu_s


@dataclass(frozen=True, slots=True)
class Texts:
    """A JSON lines file of notes and its size."""

    path: Path
    notes: int
    characters: int

    @classmethod
    def write(cls, path: Path, texts: list[str]) -> Texts:
        with path.open("w", encoding="utf-8") as out:
            for number, text in enumerate(texts):
                row = {"note_id": f"n{number}", "patient_id": "p", "note_time": "2020-01-01", "text": text}
                out.write(json.dumps(row) + "\n")
        return cls(path, len(texts), sum(map(len, texts)))


@dataclass(slots=True)
class Worker:
    """A subprocess that holds a loaded system and makes one timed pass for each request."""

    name: str
    command: list[str]
    texts: Texts
    start_s: float = 0.0
    rss_mb: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start and wait until it is loaded and warmed up; `start_s` is the wall time of that, imports included."""
        began = time.perf_counter()
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=ENVIRONMENT,
        )  # fmt: skip
        answer = self._read()
        self.start_s = time.perf_counter() - began
        self.versions, self.rss_mb = answer["versions"], answer["rss_mb"]

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise SystemFailed(f"{self.name}: not started")
        return self._process

    def _read(self) -> dict[str, Any]:
        process = self._running()
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise SystemFailed(f"{self.name}: ended with {process.wait()}; run its driver in {PEERS.name}/ to see why")
        return json.loads(line)

    def ask(self, request: str = "run") -> None:
        """Begin a pass; "once" makes exactly one, "run" as many as fill the least time."""
        pipe = self._running().stdin
        if pipe is not None:
            pipe.write(request + "\n")
            pipe.flush()

    def answer(self) -> Timing:
        result = self._read()
        self.rss_mb = result["rss_mb"]
        return Timing(result["cpu_s"], result["wall_s"], self.texts.notes, self.texts.characters, result["mentions"])

    def run(self, request: str = "run") -> Timing:
        self.ask(request)
        return self.answer()

    @property
    def pid(self) -> int:
        return self._running().pid

    def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None


def phenotext_worker(artefact: Path, texts: Texts, name: str = "phenotext, in process") -> Worker:
    driver = [sys.executable, str(PEERS / "bench_phenotext.py"), "--artefact", str(artefact)]
    return Worker(name, [*driver, "--notes", str(texts.path)], texts)


def peer_worker(python: str, engine: str, terms: Path, texts: Texts) -> Worker:
    driver = [python, str(PEERS / "bench_peer.py"), "--engine", engine, "--terms", str(terms)]
    return Worker(engine, [*driver, "--notes", str(texts.path)], texts)


def build_terms(source: Path, folder: Path) -> tuple[Path, Path]:
    """The artefact of `source` and its terms as code and term, made in a process of its own."""
    artefact, terms = folder / f"{source.stem}.ptx", folder / f"{source.stem}.terms"
    driver = [sys.executable, str(PEERS / "bench_phenotext.py"), "--artefact", str(artefact), "--source", str(source)]
    subprocess.run([*driver, "--terms", str(terms)], check=True, env=ENVIRONMENT)
    return artefact, terms


@dataclass(slots=True)
class ExtractCommand:
    """`phenotext extract` over a file, JSON lines in and out; `started` is what one short note takes (CPU, wall)."""

    artefact: Path
    texts: Texts
    folder: Path
    started: dict[int, tuple[float, float]] = field(default_factory=dict)
    rss_mb: float = 0.0

    def _once(self, notes: Path, processes: int) -> tuple[float, float]:
        out = self.folder / "extracted.jsonl"
        command = [sys.executable, "-m", "phenotext", "extract", "--notes", str(notes), "--out", str(out)]
        command += ["--terminology", str(self.artefact), "--processes", str(processes)]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemFailed(f"phenotext extract: ended with {process.returncode}; run it by hand to see why")
        self.rss_mb = max(self.rss_mb, usage.ru_maxrss * 1024 / 1e6)
        return usage.ru_utime + usage.ru_stime, wall

    def start(self, *numbers: int) -> None:
        """Measure what starting costs with each number of processes: the best of three runs over one short note."""
        short = Texts.write(self.folder / "short.jsonl", ["No fever."]).path
        for processes in numbers:
            runs = [self._once(short, processes) for _ in range(3)]
            self.started[processes] = min(cpu for cpu, _ in runs), min(wall for _, wall in runs)

    def run(self, processes: int = 1) -> tuple[Timing, Timing]:
        """One run: as it is, and less the start-up."""
        cpu, wall = self._once(self.texts.path, processes)
        size = (self.texts.notes, self.texts.characters)
        less = [max(spent - start, 1e-9) for spent, start in zip((cpu, wall), self.started[processes])]
        return Timing(cpu, wall, *size), Timing(less[0], less[1], *size)
