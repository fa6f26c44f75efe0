"""One file of named arrays, memory-mapped when opened: the compiled form of a terminology (`.ptx`).

Layout: magic (8 bytes), header length (u64 little-endian), header (JSON: meta, arrays with dtype, shape and offset,
sha256 of the payload), then the arrays, each aligned to 64 bytes. Nothing is pickled; processes share the pages.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"PTXTERM1"
ALIGNMENT = 64


class ArtefactError(ValueError):
    """A terminology file that cannot be used; the message says why and what to do."""


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def payload_hash(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> str:
    """sha256 over the meta data and every array, in name order: the terminology's identity."""
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write_artefact(path: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any], sha256: str) -> None:
    """Write atomically: the file is whole or not there."""
    entries: dict[str, dict[str, Any]] = {}
    offset = 0
    for name in sorted(arrays):
        array = arrays[name]
        entries[name] = {"dtype": array.dtype.str, "shape": list(array.shape), "offset": offset}
        offset = _aligned(offset + array.nbytes)
    header = json.dumps({"meta": meta, "arrays": entries, "size": offset, "sha256": sha256}, sort_keys=True).encode()
    base = _aligned(len(MAGIC) + 8 + len(header))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(MAGIC + len(header).to_bytes(8, "little") + header)
            for name, entry in entries.items():
                out.seek(base + entry["offset"])
                out.write(np.ascontiguousarray(arrays[name]).data)
            out.truncate(base + offset)
            out.flush()
            os.fsync(out.fileno())
        # mkstemp makes the file private; a terminology holds no patient data and is meant to be shared
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def open_artefact(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Map `path` and return its arrays (read-only views), meta data and recorded sha256.

    Raises ArtefactError where the file is missing, cut short or no terminology.
    """
    try:
        with open(path, "rb") as source:
            mapped = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise ArtefactError(f"{path}: no such file; build it with `phenotext terminology build --out {path}`") from None
    except (ValueError, IsADirectoryError):
        raise ArtefactError(f"{path}: not a compiled terminology; give a file that `terminology build` wrote") from None
    if mapped[:8] != MAGIC:
        raise ArtefactError(
            f"{path}: not a compiled terminology (wrong first bytes); give a file of `phenotext terminology build`"
        )
    length = int.from_bytes(mapped[8:16], "little")
    try:
        header = json.loads(mapped[16 : 16 + length])
    except ValueError:
        raise ArtefactError(f"{path}: the header is damaged; build the terminology again") from None
    base = _aligned(16 + length)
    if len(mapped) < base + header["size"]:
        raise ArtefactError(f"{path}: the file is cut short; copy it again or build it again")
    arrays: dict[str, np.ndarray] = {}
    for name, entry in header["arrays"].items():
        count = int(np.prod(entry["shape"], dtype=np.int64))
        array = np.frombuffer(mapped, dtype=np.dtype(entry["dtype"]), count=count, offset=base + entry["offset"])
        arrays[name] = array.reshape(entry["shape"])
    return arrays, header["meta"], header["sha256"]


class StringColumn:
    """Strings stored as one UTF-8 blob with offsets; `column[i]` decodes one, so a million cost nothing to open."""

    __slots__ = ("_blob", "_offsets")

    def __init__(self, blob: np.ndarray, offsets: np.ndarray) -> None:
        self._blob = blob
        self._offsets = offsets

    @classmethod
    def empty(cls) -> StringColumn:
        """A column without rows."""
        return cls(*cls.pack([]))

    @staticmethod
    def pack(strings: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Blob [bytes] uint8 and offsets [n + 1] int64 of `strings`."""
        encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(item) for item in encoded], out=offsets[1:])
        return np.frombuffer(b"".join(encoded), np.uint8), offsets

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._blob[self._offsets[index] : self._offsets[index + 1]].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))


class SortedStrings(Mapping[str, str]):
    """A read-only mapping over two string columns, the first in ascending order; nothing is loaded beforehand."""

    __slots__ = ("_keys", "_values")

    def __init__(self, keys: StringColumn, values: StringColumn) -> None:
        self._keys = keys
        self._values = values

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __getitem__(self, key: str) -> str:
        place = place_of(self._keys, key)
        if place < 0:
            raise KeyError(key)
        return self._values[place]


def place_of(column: StringColumn, key: str, low: int = 0, high: int | None = None) -> int:
    """Index of `key` in the ascending part `low:high` of a column, -1 if it is not there."""
    stop = len(column) if high is None else high
    place = bisect_left(column, key, low, stop)
    return place if place < stop and column[place] == key else -1
