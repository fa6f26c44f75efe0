"""ICD-10-CM to SNOMED CT, from the table that comes with the project."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ..nlp import data

MAPPING_FILE = Path(data.__file__).parent / "icd10cm_to_snomed.tsv"


@dataclass(frozen=True, slots=True)
class Mapped:
    """One SNOMED concept that an ICD-10-CM code stands for."""

    snomed: str
    name: str


def undotted(code: str) -> str:
    return code.replace(".", "").replace(" ", "").upper()


def read_mapping(path: Path = MAPPING_FILE) -> dict[str, list[Mapped]]:
    """Targets by undotted ICD-10-CM code; several where one code says several things. Empty without the file."""
    table: dict[str, list[Mapped]] = {}
    if not path.is_file():
        return table
    with open(path, encoding="utf-8", newline="") as source:
        lines = (line for line in source if not line.startswith("#"))
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            target = Mapped(row["snomed"].strip(), (row.get("name") or "").strip())
            targets = table.setdefault(undotted(row["icd10cm"]), [])
            if target.snomed and target not in targets:
                targets.append(target)
    for targets in table.values():
        targets.sort(key=lambda item: item.snomed)
    return table
