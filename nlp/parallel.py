"""Extraction over several processes, results in the order of the input and equal to those of one process."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING

from .results import ExtractedNote

if TYPE_CHECKING:
    from .extractor import Extractor

_worker: list[Extractor] = []


def _start(extractor: Extractor) -> None:
    _worker[:] = [extractor]


def _extract(texts: list[str]) -> list[ExtractedNote]:
    extractor = _worker[0]
    return list(extractor.notes(extractor.extract_batch(texts)))


def pipe_processes(
    extractor: Extractor, texts: Iterable[str], n_process: int, batch_size: int
) -> Iterator[ExtractedNote]:
    """Spread batches over forked processes, which share the extractor's pages; at most 4 batches a process wait."""
    from .extractor import batches

    pool = ProcessPoolExecutor(
        n_process, mp_context=multiprocessing.get_context("fork"), initializer=_start, initargs=(extractor,)
    )
    waiting: deque[Future[list[ExtractedNote]]] = deque()
    with pool:
        for batch in batches(texts, batch_size):
            waiting.append(pool.submit(_extract, batch))
            if len(waiting) >= 4 * n_process:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
