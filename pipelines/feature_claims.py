"""Claims that `phenotext features --claims` names, as a folder of events that meets the run's ids and concepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .claims_import import ImportOptions, import_claims
from .errors import RunError
from .events_folder import is_events_folder, open_events_folder
from .ids import key_fingerprint
from .lag import Lag
from .run_folder import RunFolder


def open_events(path: Path | None, run: RunFolder, id_key: Path | None, key: bytes, work: Path) -> Path | None:
    """The folder of events: `path` itself, or `work`, which a source at `path` is imported into. None without claims.

    Raises RunError where the ids or the concepts would not be those of the run.
    """
    if path is None:
        return None
    if not is_events_folder(path):
        if not path.exists():
            raise RunError("no such folder", where=str(path), remedy="give a folder of claims or of imported events")
        terminology = run.settings.get("terminology")
        run.terminology()  # refuses one that has changed
        options = ImportOptions(
            path, work, terminology=Path(terminology) if terminology else None, lag=_lag(run), id_key=id_key
        )
        import_claims(options)
        return work
    identity: dict[str, Any] = open_events_folder(path)["identity"]
    if identity["id_key"] != key_fingerprint(key):
        raise RunError("was imported with another --id-key (or none) than the run", where=str(path), remedy=_AGAIN)
    ours = run.document["identity"]["terminology"]["registry_sha256"]
    if identity["terminology"]["registry_sha256"] != ours:
        raise RunError("was imported with another terminology than the run", where=str(path), remedy=_AGAIN)
    return path


_AGAIN = "import the claims again with `phenotext claims import` and the run's options"


def _lag(run: RunFolder) -> Lag:
    lag = run.settings["lag"]
    return Lag(**lag)
