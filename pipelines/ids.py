"""Integer ids: those of the source are kept, all others become 63 bits of blake2b, keyed if the user has a key."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import RunError

LONGEST_KEPT = 18  # digits: every such number fits into an int64
KEY_BYTES = (16, 64)  # blake2b takes at most 64


def blake2b_63(content: bytes, key: bytes = b"") -> int:
    """First 63 bits of blake2b, as a non-negative int64.

    >>> blake2b_63(b"") < 2**63
    True
    """
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=key).digest(), "big") >> 1


def read_key(path: Path) -> bytes:
    """Key of `--id-key`: the file's bytes without surrounding blanks, 16-64 of them."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise RunError(f"the id key cannot be read ({error.strerror})", where=str(path)) from None
    if not KEY_BYTES[0] <= len(key) <= KEY_BYTES[1]:
        raise RunError(
            f"the id key has {len(key)} bytes, {KEY_BYTES[0]}-{KEY_BYTES[1]} are needed",
            where=str(path),
            remedy="make one with `openssl rand -hex 24 > FILE` and keep it safe",
        )
    return key


def key_fingerprint(key: bytes) -> str | None:
    """Tells two keys apart without giving the key away; None without a key."""
    return hmac.new(key, b"phenotext id-key", "sha256").hexdigest() if key else None


def kept_integer(text: str) -> int | None:
    """The number `text` is, if it is written the one canonical way: `7` yes, `007`, `7.0` and `-7` no."""
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_KEPT or (text[0] == "0" and len(text) > 1):
        return None
    return int(text)


@dataclass(slots=True)
class Identifier:
    """Turns ids of one kind into int64 and remembers what was hashed until `take_new` collects it."""

    kind: str
    key: bytes = b""
    _cache: dict[str, int] = field(default_factory=dict)
    _fresh: dict[str, int] = field(default_factory=dict)

    def __call__(self, source_id: str) -> int:
        known = self._cache.get(source_id)
        if known is not None:
            return known
        kept = kept_integer(source_id)
        number = kept if kept is not None else self.hashed(source_id)
        if len(self._cache) >= 1_000_000:  # bounded memory: a cache, not a register
            self._cache.clear()
        self._cache[source_id] = number
        self._fresh[source_id] = number
        return number

    def hashed(self, source_id: str) -> int:
        return blake2b_63(f"{self.kind}\x1f{source_id}".encode("utf-8", "surrogatepass"), self.key)

    def take_new(self) -> dict[str, int]:
        """Ids given since the last call (an id may come again after the cache was emptied)."""
        fresh, self._fresh = self._fresh, {}
        return fresh


class SeenNotes:
    """Set of int64 note ids in 8 bytes each: sorted runs that are merged when they have grown alike."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._runs: list[np.ndarray] = []

    def add(self, number: int) -> bool:
        """True if `number` was not there before."""
        if number in self._recent:
            return False
        for run in self._runs:
            place = int(np.searchsorted(run, number))
            if place < len(run) and run[place] == number:
                return False
        self._recent.add(number)
        if len(self._recent) >= 65_536:
            self._flush()
        return True

    def _flush(self) -> None:
        run = np.fromiter(self._recent, np.int64, len(self._recent))
        run.sort()
        self._recent.clear()
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
