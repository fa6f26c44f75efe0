"""The feature tables of an export: the run's own, or those of `phenotext features` on the run."""

from __future__ import annotations

import json
from pathlib import Path

from ...nlp.tables import TABLES
from ..database import Database, quoted
from ..errors import RunError
from ..run_folder import RunFolder

_DOCUMENT = "features.json"
_NAMES = ("cohort", "feature", "covariate_ref", "analysis_ref")


def open_features(run: RunFolder, database: Database, folder: Path | None) -> int:
    """Put the features of `folder`, where one is given, in place of the run's; return their end_day.

    Raises RunError for a folder that holds no features, or those of another run.
    """
    if folder is None:
        return run.end_day
    try:
        identity = json.loads((folder / _DOCUMENT).read_bytes())["identity"]
    except (OSError, ValueError, KeyError):
        raise RunError(
            f"no features here (no {_DOCUMENT})",
            where=str(folder),
            remedy="name the --out folder of `phenotext features`",
        ) from None
    if identity["run_id"] != run.run_id:
        raise RunError("the features are of another run", where=str(folder), remedy="compute them on this run")
    for name in _NAMES:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise RunError(f"no {name}.parquet", where=str(folder), remedy="compute the features again")
        columns = ", ".join(f'"{column}"' for column in TABLES[name].names)
        database.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT {columns} FROM read_parquet({quoted(path)})")
    return int(identity["end_day"])
