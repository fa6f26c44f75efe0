"""What tests share: the extractor on the starter lexicon, the command line, and the corpora beside the repository."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.nlp import Extractor

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real corpora and terminologies; tests that need it are skipped where it is absent."""
    path = Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip(f"no corpora at {path}; set PHENOTEXT_SHARED to the folder that holds data/")
    return path


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return Extractor()


@pytest.fixture
def phenotext(monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command line in this process: the same words, exit code and printed text as in a process of its own.

    A new process loads every library and the lexicon again (about two seconds); `phenotext_process` is for the tests
    that are about that: one call of each command, what is loaded when, standard input, killed runs.
    """
    from phenotext.pipelines.cli import main

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        printed, told = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        root.handlers.clear()  # so that the command sets up its own log, as in a process of its own
        code: object = 0
        try:
            with monkeypatch.context() as patched:
                patched.setattr(sys, "argv", ["phenotext", *map(str, words)])
                patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
                patched.setattr(sys, "stdout", printed)
                patched.setattr(sys, "stderr", told)
                main()
        except SystemExit as left:
            code = left.code
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        if code is not None and not isinstance(code, int):
            told.write(f"{code}\n")
            code = 1
        texts = (stream.buffer.getvalue().decode() for stream in (printed, told))  # type: ignore[attr-defined]
        return subprocess.CompletedProcess([*map(str, words)], code or 0, *texts)

    return call


@pytest.fixture(scope="session")
def phenotext_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own."""

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "phenotext", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)

    return call
