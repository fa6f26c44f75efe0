"""Codes that are no longer in use: why, and which codes stand in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .artefact import StringColumn, place_of

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RetiredCode:
    """What became of a retired code.

    Attributes:
        name: its last preferred name, empty if unknown.
        reason: why it was retired, in the source's words (`duplicate`, `ambiguous`, ...), empty if unknown.
        successors: (association, code) pairs, such as `("SAME AS", "195967001")`. Only an unambiguous one becomes a
            redirect; `POSSIBLY EQUIVALENT TO` and its like are for people to choose from.
    """

    name: str = ""
    reason: str = ""
    successors: tuple[tuple[str, str], ...] = ()


def pack_retired(retired: Mapping[Key, RetiredCode]) -> dict[str, np.ndarray]:
    """The arrays of a terminology file, ordered by code, then system."""
    arrays: dict[str, np.ndarray] = {}
    ordered = sorted(retired, key=lambda key: (key[1], key[0]))
    reasons = sorted({retired[key].reason for key in ordered})
    number = {reason: i for i, reason in enumerate(reasons)}
    successors = [retired[key].successors for key in ordered]
    arrays["retired_reason"] = np.array([number[retired[key].reason] for key in ordered], np.int32)
    arrays["retired_start"] = np.zeros(len(ordered) + 1, np.int64)
    np.cumsum([len(pairs) for pairs in successors], out=arrays["retired_start"][1:])
    for name, strings in (
        ("code", [code for _, code in ordered]),
        ("system", [system for system, _ in ordered]),
        ("name", [retired[key].name for key in ordered]),
        ("reasons", reasons),
        ("association", [association for pairs in successors for association, _ in pairs]),
        ("successor", [code for pairs in successors for _, code in pairs]),
    ):
        arrays[f"retired_{name}_blob"], arrays[f"retired_{name}_offsets"] = StringColumn.pack(strings)
    return arrays


class RetiredCodes:
    """The retired codes of a terminology; empty where its sources had none."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._length = len(arrays["retired_reason"]) if "retired_reason" in arrays else 0
        if self._length:
            self._columns = {
                name: StringColumn(arrays[f"retired_{name}_blob"], arrays[f"retired_{name}_offsets"])
                for name in ("code", "system", "name", "reasons", "association", "successor")
            }

    def __len__(self) -> int:
        return self._length

    def get(self, code: str, system: str | None = None) -> RetiredCode | None:
        """What became of `code` (of `system`, where given); None if it is not known as retired."""
        if not self._length:
            return None
        columns = self._columns
        row = place_of(columns["code"], code)
        while 0 <= row < self._length and columns["code"][row] == code:
            if system is None or columns["system"][row] == system:
                first, last = self._arrays["retired_start"][row : row + 2].tolist()
                pairs = tuple((columns["association"][i], columns["successor"][i]) for i in range(first, last))
                reason = columns["reasons"][int(self._arrays["retired_reason"][row])]
                return RetiredCode(columns["name"][row], reason, pairs)
            row += 1
        return None
