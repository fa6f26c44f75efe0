"""The main job: notes and claims in, feature tables out; resumable, the same bytes whatever the processes."""

from __future__ import annotations

import multiprocessing
import platform
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from .cohort_file import read_cohort, read_splits
from .concepts import Registry
from .durable import PRIVATE, exclusive, write_json
from .errors import RunError
from .finish import Finisher
from .ids import blake2b_63, read_key
from .plan import LOCK, RUN, WORK, Plan, claim_folder, finished_run, make_plan, prepare_folder, source_document
from .readers import Corpus, open_corpus
from .readers.corpus import hash_file
from .rollups import Rollup, read_rollups
from .settings import Settings
from .shards import Cutter
from .worker import Constants, Shard, ShardCounts, load_extractor, start_worker, write_shard


class Watcher(Protocol):
    """Is told how a run goes on."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A new part of the work begins; `total` in bytes, where known."""

    def advance(self, amount: int) -> None:
        """So many more bytes are done."""


class Silent:
    """A watcher that does not watch."""

    def stage(self, name: str, total: int | None = None) -> None:
        del name, total

    def advance(self, amount: int) -> None:
        del amount


@dataclass(frozen=True, slots=True)
class RunResult:
    """Where a run's tables are and what run.json says of them."""

    out: Path
    document: dict[str, Any]
    already_complete: bool
    resumed_shards: int


def run(settings: Settings, watcher: Watcher | None = None) -> RunResult:
    """Do the run that `settings` describe, or what is left of it.

    Raises RunError for what the user can put right. Rows of the input that are no usable notes are not errors: they are
    in the quarantine table, counted by reason.
    """
    watcher = watcher or Silent()
    settings.check()
    key = read_key(settings.id_key) if settings.id_key else b""
    corpus = open_corpus(settings.notes)
    out = settings.out
    if out.exists() and not out.is_dir():
        raise RunError("is a file", where=str(out), remedy="give --out a folder")
    if corpus.root.is_dir() and corpus.root.resolve() in (out.resolve(), *out.resolve().parents):
        raise RunError("lies inside the notes folder", where=str(out), remedy="give --out a folder elsewhere")
    _check_lists(settings)
    terminology = _terminology(settings)
    registry = Registry(terminology)
    rollups = read_rollups(settings.rollup, registry) if settings.rollup is not None else []
    watcher.stage("Checking the input", sum(path.stat().st_size for path in corpus.all_files()))
    plan = make_plan(settings, corpus, corpus.fingerprint(watcher.advance), registry, terminology, key)
    out.mkdir(parents=True, exist_ok=True)
    _refuse_foreign(out)
    with exclusive(out / LOCK):
        prepare_folder(out, settings.overwrite)
        if claim_folder(out, plan):
            return _already_complete(out)
        return _Run(settings, plan, corpus, registry, key, watcher, rollups).go()


def _check_lists(settings: Settings) -> None:
    """Read the cohort and splits files once, so that a mistake in them is told before the notes are extracted."""

    def number(source_id: str) -> int:
        return blake2b_63(source_id.encode())

    if settings.cohort is not None:
        read_cohort(settings.cohort, number)
    if settings.splits is not None:
        read_splits(settings.splits, number)


def _refuse_foreign(out: Path) -> None:
    """Say so before a lock file is put into somebody else's folder."""
    entries = [entry.name for entry in out.iterdir()] if out.is_dir() else []
    if entries and not {RUN, WORK, LOCK} & set(entries):
        raise RunError(
            f"the folder is not empty and holds no run of phenotext ({len(entries)} entries)",
            where=str(out),
            remedy="give --out a new folder",
        )


def _terminology(settings: Settings) -> Any:
    path = settings.terminology
    if path is not None and not path.exists():
        raise RunError(
            "no such terminology",
            where=str(path),
            remedy="build it with `phenotext terminology build --source FILE --out T`",
        )
    try:
        return load_extractor(path, settings.language_rules, settings.concept_filter, settings.matching).terminology
    except ValueError as error:
        raise RunError(str(error)) from None


def _already_complete(out: Path) -> RunResult:
    document = finished_run(out) or {}
    lost = [name for name in document.get("files", {}) if not (out / name).is_file()]
    if lost:
        raise RunError(
            f"the run is finished, but {len(lost)} of its files are gone ({lost[0]})",
            where=str(out),
            remedy="use --overwrite",
        )
    shutil.rmtree(out / WORK, ignore_errors=True)
    return RunResult(out, document, already_complete=True, resumed_shards=0)


@dataclass(slots=True)
class _Run:
    settings: Settings
    plan: Plan
    corpus: Corpus
    registry: Registry
    key: bytes
    watcher: Watcher
    rollups: list[Rollup]

    def go(self) -> RunResult:
        began, started = time.perf_counter(), datetime.now(UTC)
        out = self.settings.out
        folder = out / WORK / "shards"
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob("*.part"):
            shutil.rmtree(left_over)
        shutil.rmtree(out / WORK / "final", ignore_errors=True)
        done = {int(path.name) for path in folder.iterdir()}
        cutter = Cutter(self.settings, folder, self.key)
        self.watcher.stage("Reading notes", sum(source.size for source in self.plan.sources))
        total, extracted = self._shards(cutter, done)
        changed = self.corpus.changed_since(self.plan.sources)
        if changed is not None:
            raise RunError(
                "the file changed while it was read",
                where=changed,
                remedy="run again with --overwrite when it is at rest",
            )
        seconds_extract = time.perf_counter() - began
        shards = [folder / f"{number:07d}" for number in range(total)]
        finisher = Finisher(self.settings, self.plan, self.registry, self.key, shards, self._step, self.rollups)
        finished = finisher.finish()
        self._write_papers()
        counts = {
            **finished.counts,
            "notes_unread_available_time": cutter.notes_unread_available,
            "notes_available_before_note_time": cutter.notes_early_available,
        }
        document = {
            "run_id": self.plan.run_id,
            "identity": self.plan.identity,
            "declared": {
                "intended_use": self.settings.intended_use,
                "purpose": self.settings.purpose,
                "sponsor": self.settings.sponsor,
                "data_basis": self.settings.data_basis,
            },
            "counts": counts,
            "measured": {
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - began, 3),
                "seconds_extract": round(seconds_extract, 3),
                "notes_extracted_now": sum(item.notes for item in extracted),
                "characters_extracted_now": sum(item.characters for item in extracted),
                "shards": total,
                "shards_resumed": len(done),
                "processes": self.settings.processes,
                "host": platform.node(),
                "python": platform.python_version(),
            },
            "files": {name: hash_file(out / name) for name in finished.files},
        }
        write_json(out / RUN, document)
        shutil.rmtree(out / WORK, ignore_errors=True)
        return RunResult(out, document, already_complete=False, resumed_shards=len(done))

    def _step(self, name: str) -> None:
        self.watcher.stage(f"Writing {name}")

    def _write_papers(self) -> None:
        out, hide = self.settings.out, self._hide_files
        document = source_document(self.settings, self.corpus, self.plan.sources, list_files=not hide)
        write_json(out / "source.json", document)
        if hide:
            listed = source_document(self.settings, self.corpus, self.plan.sources, list_files=True)
            write_json(out / "private" / "source_files.json", listed["files"], PRIVATE)
        write_json(out / "settings.json", self.settings.document())

    @property
    def _hide_files(self) -> bool:
        # names of text files hold patient ids
        return self.settings.phi == "minimal" and self.corpus.form == "txt"

    def _terminology(self) -> Path | None:
        """Where workers open the terminology: the starter lexicon is compiled once, not by each of them."""
        if self.settings.terminology is not None or self.settings.processes == 1:
            return self.settings.terminology
        path = self.settings.out / WORK / "starter.ptx"
        load_extractor(None).terminology.save(path)
        return path

    def _shards(self, cutter: Cutter, done: set[int]) -> tuple[int, list[ShardCounts]]:
        """Number of shards, and the counts of those made now."""
        constants = Constants(
            run_id=self.plan.run_id,
            terminology=self._terminology(),
            key=self.key,
            keep_snippets=self.settings.phi == "full",
            keep_text=self.settings.keep_text,
            hide_files=self._hide_files,
            rules=self.settings.language_rules,
            concepts=self.settings.concept_filter,
            matching=self.settings.matching,
        )
        total = 0

        def wanted() -> Iterator[Shard]:
            nonlocal total
            for shard in cutter.shards(self.corpus):
                total += 1
                if shard.number in done:
                    self.watcher.advance(shard.size)
                else:
                    yield shard

        counts: list[ShardCounts] = []
        work = (
            _in_processes(constants, wanted(), self.settings.processes)
            if self.settings.processes > 1
            else ((shard.size, write_shard(constants, shard)) for shard in wanted())
        )
        for size, result in work:
            counts.append(result)
            self.watcher.advance(size)
        return total, counts


def _in_processes(constants: Constants, shards: Iterator[Shard], processes: int) -> Iterator[tuple[int, ShardCounts]]:
    """Shards as they are finished; never more than a few in memory."""
    context = multiprocessing.get_context("spawn")  # a fork after Arrow and DuckDB have made threads may hang
    ready = (constants.terminology, constants.rules, constants.concepts, constants.matching)
    with ProcessPoolExecutor(processes, context, start_worker, ready) as pool:
        waiting: dict[Future[ShardCounts], int] = {}
        try:
            for shard in shards:
                waiting[pool.submit(write_shard, constants, shard)] = shard.size
                while len(waiting) > 2 * processes:
                    yield from _collect(waiting)
            while waiting:
                yield from _collect(waiting)
        except BrokenProcessPool:
            raise RunError(
                "a worker process was killed, perhaps for want of memory",
                remedy="run the same command again, with fewer --processes",
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _collect(waiting: dict[Future[ShardCounts], int]) -> Iterator[tuple[int, ShardCounts]]:
    finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        yield waiting.pop(future), future.result()
