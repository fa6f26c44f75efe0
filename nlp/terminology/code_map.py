"""Maps between code systems: ICD-10-CM, NDC, ... to standard concepts, and SNOMED CT to ICD for reading results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .artefact import StringColumn

MAP_SCHEMA = pa.schema(
    [
        pa.field("source_system", pa.string(), nullable=False),
        pa.field("source_code", pa.string(), nullable=False),
        pa.field("source_name", pa.string(), nullable=False),
        pa.field("target_system", pa.string(), nullable=False),
        pa.field("target_code", pa.string(), nullable=False),
        pa.field("target_name", pa.string(), nullable=False),
        pa.field("target_concept_id", pa.int64(), nullable=False),
        pa.field("target_domain", pa.string(), nullable=False),
        pa.field("relationship", pa.string(), nullable=False),
    ]
)
"""`target_concept_id` is the OMOP concept id, 0 if unknown; `relationship` is the source's word for the tie: `Maps to`,
or for SNOMED CT extended maps `group/priority rule` such as `1/1 TRUE`."""

_TEXT = tuple(field.name for field in MAP_SCHEMA if field.name not in ("source_code", "target_concept_id"))
# Written with and without a dot or blank; other systems' codes count as they are.
_UNDOTTED = frozenset({"ICD10CM", "ICD9CM", "ICD9Proc", "ICD10", "ICDO3", "NDC"})


@dataclass(frozen=True, slots=True)
class CodeTarget:
    """One code that a source code stands for."""

    system: str
    code: str
    name: str
    concept_id: int
    domain: str
    relationship: str


def map_key(system: str, code: str) -> str:
    """The form in which codes of a system are compared: ICD and NDC codes without dots, hyphens and blanks, capitals.

    >>> map_key("ICD10CM", "e11.9")
    'E119'
    """
    code = code.strip().upper()
    return code.replace(".", "").replace(" ", "").replace("-", "") if system in _UNDOTTED else code


def pack_maps(tables: Sequence[pa.Table]) -> dict[str, np.ndarray]:
    """The arrays of a terminology file: rows ordered by source system and code, none twice."""
    rows = pa.concat_tables([table.select(MAP_SCHEMA.names).cast(MAP_SCHEMA) for table in tables])
    keys = [
        map_key(system, code)
        for system, code in zip(rows["source_system"].to_pylist(), rows["source_code"].to_pylist(), strict=True)
    ]
    rows = rows.set_column(rows.column_names.index("source_code"), "source_code", pa.array(keys, pa.string()))
    # The first of equal rows stays, so that sources keep their precedence; then a stable order.
    rows = rows.append_column("place", pa.array(np.arange(len(rows))))
    equal = ["source_system", "source_code", "target_system", "target_code", "relationship"]
    first = rows.group_by(equal, use_threads=False).aggregate([("place", "min")])["place_min"]
    rows = rows.take(first)
    rows = rows.sort_by([(name, "ascending") for name in (*equal[:2], "place")]).drop_columns("place")
    arrays: dict[str, np.ndarray] = {"map_concept_id": rows["target_concept_id"].to_numpy()}
    arrays["map_code_blob"], arrays["map_code_offsets"] = StringColumn.pack(rows["source_code"].to_pylist())
    for name in _TEXT:
        values = rows[name].combine_chunks().dictionary_encode()
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        arrays[f"map_{name}"] = values.indices.to_numpy().astype(np.int32)
        names = values.dictionary.to_pylist()
        arrays[f"map_{name}_blob"], arrays[f"map_{name}_offsets"] = StringColumn.pack(names)
    return arrays


class CodeMaps:
    """The maps of a terminology; empty where its sources had none."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._length = len(arrays["map_concept_id"]) if "map_concept_id" in arrays else 0
        self._systems: dict[str, tuple[int, int]] = {}
        if self._length:
            self._codes = StringColumn(arrays["map_code_blob"], arrays["map_code_offsets"])
            self._names = {
                name: StringColumn(arrays[f"map_{name}_blob"], arrays[f"map_{name}_offsets"]) for name in _TEXT
            }
            numbers = arrays["map_source_system"]
            for number in dict.fromkeys(numbers[_run_starts(numbers)].tolist()):
                rows = np.flatnonzero(numbers == number)
                self._systems[self._names["source_system"][number]] = (int(rows[0]), int(rows[-1]) + 1)

    def __len__(self) -> int:
        return self._length

    @property
    def systems(self) -> tuple[str, ...]:
        """The source systems that have maps."""
        return tuple(sorted(self._systems))

    def targets(self, system: str, code: str, target_system: str | None = None) -> list[CodeTarget]:
        """What a code stands for, several where it says several things; [] if unmapped."""
        low, high = self._systems.get(system, (0, 0))
        key = map_key(system, code)
        stop = high
        while low < high:
            middle = (low + high) // 2
            if self._codes[middle] < key:
                low = middle + 1
            else:
                high = middle
        found: list[CodeTarget] = []
        while low < stop and self._codes[low] == key:
            target = self._target(low)
            if target_system is None or target.system == target_system:
                found.append(target)
            low += 1
        return found

    def table(self) -> pa.Table:
        """Everything as a table of `MAP_SCHEMA`; source codes in the form of `map_key`."""
        if not self._length:
            return MAP_SCHEMA.empty_table()
        columns: dict[str, pa.Array] = {
            "target_concept_id": pa.array(self._arrays["map_concept_id"]),
            "source_code": pa.array(list(self._codes), pa.string()),
        }
        for name in _TEXT:
            indices = pa.array(self._arrays[f"map_{name}"])
            columns[name] = pa.DictionaryArray.from_arrays(indices, list(self._names[name])).cast(pa.string())
        return pa.table([columns[name] for name in MAP_SCHEMA.names], schema=MAP_SCHEMA)

    def _target(self, row: int) -> CodeTarget:
        text = {name: self._names[name][int(self._arrays[f"map_{name}"][row])] for name in _TEXT}
        return CodeTarget(
            text["target_system"],
            text["target_code"],
            text["target_name"],
            int(self._arrays["map_concept_id"][row]),
            text["target_domain"],
            text["relationship"],
        )


def _run_starts(numbers: np.ndarray) -> np.ndarray:
    starts = np.ones(len(numbers), bool)
    starts[1:] = numbers[1:] != numbers[:-1]
    return starts
