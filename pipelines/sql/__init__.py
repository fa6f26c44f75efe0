"""The queries of the pipeline, one readable file each."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def read_sql(name: str) -> str:
    """Text of `name.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
