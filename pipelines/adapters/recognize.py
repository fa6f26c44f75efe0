"""Which form a folder of claims or records has, told by what is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RunError
from .desynpuf import desynpuf_table, read_desynpuf
from .mapped import read_mapped
from .mapping_file import NAMES, Mapping, files_of, read_mapping_file
from .omop import FACT_TABLES, omop_table, read_omop
from .reading import Reading
from .rif import read_rif, rif_table
from .source_file import SourceFile, data_files, open_header
from .synthea import FACT_TABLES as SYNTHEA_TABLES
from .synthea import read_synthea, synthea_table

FORMS = {
    "omop": "an OMOP CDM folder",
    "synthea": "Synthea's CSV export",
    "desynpuf": "CMS DE-SynPUF",
    "rif": "CMS RIF",
    "mapping": "files with a mapping",
}


@dataclass(frozen=True, slots=True)
class RecognizedSource:
    """A source and its form. `tables` are the files by table of the form, `ignored` those of no use to it."""

    root: Path
    form: str
    tables: dict[Any, list[SourceFile]]
    ignored: tuple[str, ...]
    mapping: Mapping | None = None

    def files(self) -> list[Path]:
        """Every file that decides what is read, in order of the names."""
        paths = {file.path for files in self.tables.values() for file in files}
        if self.mapping is not None:
            paths.add(self.mapping.path)
        return sorted(paths)

    def name_of(self, path: Path) -> str:
        """A file's name relative to the source."""
        folder = self.root if self.root.is_dir() else self.root.parent
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name

    def read(self, reading: Reading) -> None:
        """Fill the relations of the reading."""
        reading.begin()
        if self.mapping is not None:
            read_mapped(reading, self.mapping, self.tables)
        else:
            _READERS[self.form](reading, self.tables)


_READERS: dict[str, Callable[[Reading, dict[str, list[SourceFile]]], None]] = {
    "omop": read_omop,
    "synthea": read_synthea,
    "desynpuf": read_desynpuf,
    "rif": read_rif,
}
_FACTS = {
    "omop": {table.name for table in FACT_TABLES},
    "synthea": {*SYNTHEA_TABLES, "claims"},
    "desynpuf": {"inpatient", "outpatient", "carrier", "drug"},
    "rif": {"supplier", "inpatient", "institution", "drug"},
}


def recognize(root: Path, mapping: Path | None = None) -> RecognizedSource:
    """Tell the form of a source.

    Args:
        root: a folder, or one file where there is a mapping.
        mapping: a mapping of its columns; without it a `mapping.yaml` in the folder counts.

    Raises:
        RunError: no such place, no table that is known, or tables of several forms.
    """
    if not root.exists():
        raise RunError("no such folder", where=str(root), remedy="give a folder of claims tables")
    if mapping is None and root.is_dir():
        mapping = next((root / name for name in NAMES if (root / name).is_file()), None)
    if mapping is not None:
        return _with_mapping(root, read_mapping_file(mapping))
    if root.is_file():
        raise RunError(
            "is a file whose columns nobody explains", where=root.name, remedy="give --mapping M.yaml (docs/claims.md)"
        )
    found: dict[str, dict[str, list[SourceFile]]] = {}
    ignored: list[str] = []
    for path in data_files(root):
        file = open_header(path)
        folder = path.parent.name if path.parent != root else ""
        for form, table in (
            ("rif", rif_table(file)),
            ("desynpuf", desynpuf_table(file)),
            ("omop", omop_table(file, folder)),
            ("synthea", synthea_table(file)),
        ):
            if table is not None:
                found.setdefault(form, {}).setdefault(table, []).append(file)
                break
        else:
            ignored.append(path.relative_to(root).as_posix())
    with_facts = [form for form, tables in found.items() if _FACTS[form] & set(tables)]
    if len(with_facts) > 1:
        raise RunError(
            f"tables of several forms are here ({', '.join(FORMS[form] for form in sorted(with_facts))})",
            where=str(root),
            remedy="give each form a folder of its own",
        )
    if not with_facts:
        names = ", ".join(table.name for table in FACT_TABLES)
        raise RunError(
            "no claims table in this folder",
            where=str(root),
            remedy=f"put in {names} as .csv or .parquet, tables of {FORMS['synthea']}, {FORMS['desynpuf']} or "
            f"{FORMS['rif']}, or files with a mapping.yaml (docs/claims.md)",
        )
    form = with_facts[0]
    for other, tables in found.items():
        if other != form:
            ignored += [file.name for files in tables.values() for file in files]
    return RecognizedSource(root, form, found[form], tuple(sorted(ignored)))


def _with_mapping(root: Path, mapping: Mapping) -> RecognizedSource:
    paths = [path for path in data_files(root) if path.resolve() != mapping.path.resolve()]
    if not paths:
        raise RunError("no table in this folder", where=str(root), remedy="put in the files that the mapping names")
    files = [open_header(path, mapping.delimiter if path.suffix.lower() != ".parquet" else None) for path in paths]
    tables: dict[Any, list[SourceFile]] = dict(files_of(mapping, files))
    used = {file.path for group in tables.values() for file in group}
    ignored = tuple(sorted(file.name for file in files if file.path not in used))
    return RecognizedSource(root, "mapping", tables, ignored, mapping)
