"""What a run knows of its claims before it reads them: which files there are, and their hashes."""

from __future__ import annotations

from pathlib import Path

from .adapters.recognize import RecognizedSource, recognize
from .events_folder import is_events_folder, open_events_folder
from .readers.corpus import hash_file


def claims_fingerprint(path: Path) -> dict[str, str]:
    """Hash of every file that decides which events there are, by its name.

    Raises:
        RunError: a place without claims, see `adapters.recognize.recognize`.
    """
    if is_events_folder(path):
        return {name: told["sha256"] for name, told in sorted(open_events_folder(path)["files"].items())}
    return source_fingerprint(recognize(path))


def source_fingerprint(source: RecognizedSource) -> dict[str, str]:
    """The same for a source that is recognised already."""
    return {source.name_of(path): hash_file(path) for path in source.files()}
