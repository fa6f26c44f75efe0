"""The maps of a terminology read backwards: which codes of other systems stand for a concept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .artefact import StringColumn

_NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class CodeSource:
    """One code that is mapped to a concept; `relationship` is the map's word for the tie."""

    system: str
    code: str
    name: str
    relationship: str


class MapSources:
    """Look-ups from target to source. The index over the distinct target codes is built at the first look-up."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays if "map_concept_id" in arrays else {}
        self._number: dict[str, int] | None = None

    def sources(self, targets: Iterable[tuple[str, str]]) -> list[CodeSource]:
        """Every code that maps to one of the (system, code) targets; none twice, by system and code."""
        if not self._arrays:
            return []
        if self._number is None:
            self._number = {code: i for i, code in enumerate(self._column("target_code"))}
        systems = list(self._column("target_system"))
        rows = [_NO_ROWS]
        wanted: dict[str, list[int]] = {}
        for system, code in targets:
            if code in self._number:
                wanted.setdefault(system, []).append(self._number[code])
        for system, codes in wanted.items():
            if system in systems:
                its = np.isin(self._arrays["map_target_code"], np.array(codes, np.int32))
                rows.append(np.flatnonzero(its & (self._arrays["map_target_system"] == systems.index(system))))
        names = {name: self._column(name) for name in ("source_system", "source_name", "relationship")}
        codes = self._column("code")
        found = {
            (source.system, source.code, source.relationship): source
            for row in np.unique(np.concatenate(rows)).tolist()
            for source in [
                CodeSource(
                    names["source_system"][int(self._arrays["map_source_system"][row])],
                    codes[row],
                    names["source_name"][int(self._arrays["map_source_name"][row])],
                    names["relationship"][int(self._arrays["map_relationship"][row])],
                )
            ]
        }
        return [found[key] for key in sorted(found)]

    def _column(self, name: str) -> StringColumn:
        return StringColumn(self._arrays[f"map_{name}_blob"], self._arrays[f"map_{name}_offsets"])
