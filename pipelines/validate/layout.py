"""Which tables a folder holds, and where: a run of `phenotext run`, the events of `phenotext claims import`, or what
`phenotext features` wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import meds

from ...nlp.tables import TABLES
from ..errors import RunError
from ..events_folder import IMPORT
from ..feature_request import DOCUMENT as FEATURES
from ..ids import key_fingerprint
from ..plan import RUN

PHENOTYPE_TABLES = ("phenotype_row", "phenotype_evidence")
_PLACES = {
    "codes": meds.code_metadata_filepath,
    "concept": "metadata/concepts.parquet",
    "subject_split": meds.subject_splits_filepath,
    "id_map": "private/id_map.parquet",
    "note_text": "private/text.parquet",
}
# A folder of events may have these; what rules say of tables that it has not is not asked of it.
_OF_EVENTS = ("event", "person", "observation_period", "codes", "concept", "quarantine", "id_map")
_OF_FEATURES = ("cohort", "feature", "covariate_ref", "analysis_ref", "rollup")
_PAPERS = {"run": RUN, "events": IMPORT, "features": FEATURES}
_ALWAYS = {
    "run": (
        "event", "evidence", "note", "cohort", "feature", "covariate_ref", "analysis_ref", "codes", "subject_split",
        "quarantine", "id_map",
    ),
    "events": ("event",),
    "features": ("cohort", "feature", "covariate_ref", "analysis_ref"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder with the files of its tables. A table without files is one that the folder may have and has not."""

    root: Path
    kind: Literal["run", "events", "features"]
    document: dict[str, Any]
    files: dict[str, tuple[Path, ...]]

    @property
    def paper(self) -> str:
        """Name of the file with the identity and the hashes."""
        return _PAPERS[self.kind]

    @property
    def identity_hash(self) -> Any:
        """The hash of the identity that the folder says it has."""
        return self.document.get("features_id" if self.kind == "features" else "run_id")

    @property
    def run_id(self) -> str:
        """The run that its rows come from."""
        return str(self._identity.get("run_id") if self.kind == "features" else self.document.get("run_id"))

    @property
    def given_features(self) -> bool:
        """Features of another tool stand among those of the run."""
        return self.kind == "features" and bool(self._identity.get("fe"))

    @property
    def missing(self) -> list[str]:
        """Tables that every folder of this kind has, but this one."""
        return [table for table in _ALWAYS[self.kind] if not self.files[table] and not self._no_rows(table)]

    def _no_rows(self, table: str) -> bool:
        # a run without patients has no split, so no file of events
        return table == "event" and self.kind == "run" and not self.document.get("counts", {}).get("events")

    @property
    def phi(self) -> str:
        """full or minimal."""
        return str(self._identity.get("options", {}).get("phi", "full"))

    @property
    def keyed(self) -> bool:
        """Ids and hashes were made with a key."""
        return self._identity.get("id_key") is not None

    def fits(self, key: bytes) -> bool:
        """Whether this is the key they were made with; none where there was none."""
        return self._identity.get("id_key") == key_fingerprint(key)

    @property
    def _identity(self) -> dict[str, Any]:
        identity = self.document.get("identity")
        return identity if isinstance(identity, dict) else {}

    def name(self, path: Path) -> str:
        """A file's name within the folder."""
        return path.relative_to(self.root).as_posix()


def find_layout(root: Path) -> Layout:
    """Tell what `root` is. Raises RunError where it is none of the three."""
    if not root.is_dir():
        raise RunError("no such folder", where=str(root), remedy="name the --out folder of `phenotext run`")
    if (root / RUN).is_file():
        files = {table: _run_files(root, table) for table in TABLES}
        return Layout(root, "run", _document(root / RUN), files)
    if (root / FEATURES).is_file():
        files = {table: _plain_files(root, table) for table in _OF_FEATURES}
        return Layout(root, "features", _document(root / FEATURES), files)
    if (root / IMPORT).is_file() or (root / "event.parquet").is_file():
        document = _document(root / IMPORT) if (root / IMPORT).is_file() else {}
        files = {table: found for table in _OF_EVENTS if (found := _plain_files(root, table)) or table == "event"}
        return Layout(root, "events", document, files)
    raise RunError(
        f"no finished run here (no {RUN}), no events (no {IMPORT}, no event.parquet), no features (no {FEATURES})",
        where=str(root),
        remedy="name the --out folder of `phenotext run`, `phenotext claims import` or `phenotext features`",
    )


def _run_files(root: Path, table: str) -> tuple[Path, ...]:
    if table == "event":
        return tuple(sorted((root / meds.data_subdirectory).rglob("*.parquet")))
    path = root / _PLACES.get(table, f"{table}.parquet")
    found = (path,) if path.is_file() else ()
    if table in PHENOTYPE_TABLES:  # one folder for each definition
        return (*found, *sorted((root / "phenotypes").glob(f"*/{table}.parquet")))
    return found


def _plain_files(root: Path, table: str) -> tuple[Path, ...]:
    path = root / ("private/id_map.parquet" if table == "id_map" else f"{table}.parquet")
    return (path,) if path.is_file() else ()


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, OSError):
        document = None
    if not isinstance(document, dict):
        raise RunError("the file is damaged", where=str(path), remedy="run again with --overwrite")
    return document
