"""Checks of SNOMED CT identifiers, and keys of reference set members, for whole columns at once."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..systems import verhoeff_ok

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

CONCEPT_PARTITIONS = (0, 10)
DESCRIPTION_PARTITIONS = (1, 11)
RELATIONSHIP_PARTITIONS = (2, 12)
_LONGEST = 18
_SHORTEST = 100_000  # six digits
_HEX = np.full(256, 255, np.uint8)
for _digit, _char in enumerate("0123456789abcdef"):
    _HEX[[ord(_char), ord(_char.upper())]] = _digit
# Places of the 32 digits in a UUID's 36 characters.
_DIGIT_PLACES = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])


def _checking_tables() -> tuple[np.ndarray, np.ndarray]:
    """Verhoeff's multiplication in the dihedral group D5 (10, 10), and his permutation by place (8, 10)."""
    i, j = np.meshgrid(np.arange(10), np.arange(10), indexing="ij")
    rotation = (i + j) % 5
    product = np.where(i < 5, np.where(j < 5, rotation, rotation + 5), np.where(j < 5, (i - j) % 5 + 5, (i - j) % 5))
    rows = [np.arange(10), np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])]
    while len(rows) < 8:
        rows.append(rows[1][rows[-1]])
    return product, np.stack(rows)


_PRODUCT, _PERMUTED = _checking_tables()


def sound_ids(ids: np.ndarray, partitions: tuple[int, int]) -> np.ndarray:
    """Which ids (n,) int64 are well formed: 6 to 18 digits, the right partition and check digit; (n,) bool.

    >>> sound_ids(np.array([22298006, 22298007, 101013]), CONCEPT_PARTITIONS).tolist()
    [True, False, False]
    """
    check = np.zeros(len(ids), np.int64)
    rest = ids.copy()
    for place in range(_LONGEST):
        digit = rest % 10
        within = rest > 0
        check = np.where(within, _PRODUCT[check, _PERMUTED[place % 8][digit]], check)
        rest //= 10
    partition = ids // 10 % 100
    right = (partition == partitions[0]) | (partition == partitions[1])
    return (check == 0) & right & (ids >= _SHORTEST) & (ids < 10**_LONGEST)


def id_fault(number: int, partitions: tuple[int, int]) -> str | None:
    """Why an id is not sound, as a short reason."""
    digits = str(number)
    if not 6 <= len(digits) <= _LONGEST or number < 0:
        return "malformed_code"
    if not verhoeff_ok(digits):
        # Spreadsheets keep 15 significant digits and fill with zeros.
        return "spreadsheet_number" if len(digits) > 15 and digits.endswith("0") else "check_digit"
    return None if int(digits[-3:-1]) in partitions else "wrong_partition"


def member_keys(column: pa.Array) -> np.ndarray:
    """Members' identifiers as (n, 2) uint64: a UUID's 128 bits, of other strings a hash of as many."""
    column = column.cast(pa.binary())
    lengths = np.asarray(pc.binary_length(column))
    keys = np.zeros((len(column), 2), np.uint64)
    formed = lengths == 36
    if formed.any():
        flat = column.filter(pa.array(formed)).cast(pa.binary(36))
        text = np.frombuffer(flat.buffers()[1], np.uint8)[flat.offset * 36 :].reshape(-1, 36)[: len(flat)]
        digits = _HEX[text[:, _DIGIT_PLACES]]
        sound = (digits < 16).all(axis=1)
        packed = (digits[:, 0::2] << 4) | (digits[:, 1::2] & 15)
        rows = np.flatnonzero(formed)[sound]
        keys[rows] = np.ascontiguousarray(packed[sound]).view(np.dtype(">u8")).astype(np.uint64)
        formed[np.flatnonzero(formed)[~sound]] = False
    for row in np.flatnonzero(~formed).tolist():
        keys[row] = np.frombuffer(blake2b(column[row].as_py(), digest_size=16).digest(), np.uint64)
    return keys
