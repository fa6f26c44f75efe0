"""run.json (import.json of events, features.json of features) against the folder: the identity, each file's hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ...nlp.tables import SCHEMA_VERSION
from ..readers.corpus import hash_file
from .findings import ValidationReport
from .layout import Layout

FILE_RULES = {
    "run.id": "run_id (features_id) is the hash of the identity in run.json (import.json, features.json)",
    "run.schema_version": f"the tables are of version {SCHEMA_VERSION} of the schema",
    "run.files": "every file is there with the hash that run.json gives",
    "run.listed": "run.json lists every file of events",
}


def check_files(layout: Layout, report: ValidationReport, max_rows: int) -> None:
    """Check the folder. Rows of these findings are files."""

    def enter(rule: str, wrong: list[str]) -> None:
        rows = [{"file": name} for name in wrong[:max_rows]]
        report.checked(rule, "", FILE_RULES[rule], len(wrong), rows)

    identity = layout.document.get("identity")
    given = json.dumps(identity, sort_keys=True).encode()
    enter("run.id", [] if layout.identity_hash == hashlib.sha256(given).hexdigest() else [layout.paper])
    version = identity.get("schema_version") if isinstance(identity, dict) else None
    enter("run.schema_version", [] if version == SCHEMA_VERSION else [layout.paper])
    files = layout.document.get("files")
    told: dict[str, Any] = files if isinstance(files, dict) else {}
    hashes = {name: of["sha256"] if isinstance(of, dict) else of for name, of in told.items()}
    enter("run.files", [name for name, sha256 in sorted(hashes.items()) if not _same(layout, name, sha256)])
    enter("run.listed", [name for path in layout.files.get("event", ()) if (name := layout.name(path)) not in hashes])


def _same(layout: Layout, name: str, sha256: str) -> bool:
    path = layout.root / name
    return path.is_file() and hash_file(path) == sha256
