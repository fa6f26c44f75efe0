"""The registry of analyses: which id counts what, over which window. Ids are never reused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

REGISTRY_FILE = Path(__file__).parent / "data" / "analysis_registry.csv"
_TYPES = {"analysis_id": pa.int64(), "start_day": pa.int32()}


def read_registry(path: Path = REGISTRY_FILE) -> pa.Table:
    """Columns as in the file; `start_day` is null for any time."""
    names = csv.read_csv(path).column_names
    return csv.read_csv(
        path,
        convert_options=csv.ConvertOptions(
            column_types={name: _TYPES.get(name, pa.string()) for name in names}, strings_can_be_null=False
        ),
    )
