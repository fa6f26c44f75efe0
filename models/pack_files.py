"""The files of a pack: their names, and the checks that come before anything in them is believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
META = "model.json"
CALIBRATION = "calibration.json"
THRESHOLDS = "thresholds.json"
EVALUATION = "evaluation.json"
CARD = "card.md"
PICKLED = frozenset({".pkl", ".pickle", ".p", ".joblib", ".dill", ".pt", ".pth", ".ckpt", ".npy", ".npz", ".bin"})
# A pickle of protocol 2 and later begins with these bytes; torch and joblib wrap one in a zip archive.
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_ZIP_START = b"PK\x03\x04"


class PackError(ValueError):
    """A model that cannot be used: the file or folder, what is wrong and what to do. Never words of a note."""

    def __init__(self, where: str | PathLike[str], problem: str, remedy: str) -> None:
        self.where, self.problem, self.remedy = fspath(where), problem, remedy
        super().__init__(f"{self.where}: {problem}; {remedy}")


def json_bytes(document: object) -> bytes:
    """JSON with sorted names, one way to write each document. ValueError for NaN and infinity.

    >>> json_bytes({"b": 1, "a": 0.5})
    b'{\\n  "a": 0.5,\\n  "b": 1\\n}\\n'
    """
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_object(content: bytes, place: Path) -> dict[str, Any]:
    """A JSON object. Raises PackError for anything else, NaN and infinity among it."""

    def refuse(word: str) -> float:
        raise ValueError(word)

    try:
        document = json.loads(content, parse_constant=refuse)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise PackError(place, "is no JSON object with finite numbers", "write the pack again with `phenotext train`")
    return document


def verified_files(folder: Path, listed: Mapping[str, object]) -> dict[str, bytes]:
    """Content of every file of the manifest, after its hash was compared: the bytes checked are the bytes used.

    Raises PackError for pickles, unlisted, missing and changed files, links, and names that lead out of the folder.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    for name, path in names.items():
        if path.is_symlink() or not path.is_file():
            raise PackError(path, "is a link or no plain file", "copy the model's own files into the folder")
        if is_pickle(path):
            raise PackError(
                path,
                "is a pickle or an archive that may hold one; opening it could run foreign code",
                "remove it: phenotext models are safetensors and JSON",
            )
        if name != MANIFEST and name not in listed:
            raise PackError(path, "is not listed in the manifest", "remove it, or fetch the model again")
    content: dict[str, bytes] = {}
    for name in sorted(listed):
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or name == MANIFEST:
            raise PackError(folder / MANIFEST, "lists a file outside the folder", "do not use this model")
        if name not in names:
            raise PackError(folder / name, "is listed in the manifest and missing", "fetch the model again")
        data = names[name].read_bytes()
        if hashlib.sha256(data).hexdigest() != listed[name]:
            raise PackError(
                folder / name,
                "was changed after the model was written (its sha256 is not that of the manifest)",
                "fetch the model again; do not score with it",
            )
        content[name] = data
    return content


def is_pickle(path: Path) -> bool:
    """Whether a file's name or first bytes say that it is a pickle, or an archive as torch and joblib write them."""
    if path.suffix.lower() in PICKLED:
        return True
    with open(path, "rb") as source:
        start = source.read(9)
    if path.suffix == ".safetensors" and start.endswith(b"{"):
        return False  # its first bytes are the length of a JSON header, which may look like those of a pickle
    return start.startswith((*_PICKLE_STARTS, _ZIP_START))
