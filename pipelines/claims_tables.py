"""The OMOP tables that claims may come in, and their columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import RunError

ENDINGS = (".csv", ".csv.gz", ".tsv", ".parquet")
AVAILABLE = ("available_time", "paid_date", "paid_datetime", "payment_date")
PAID_TYPE = 32810  # OMOP type concept "Claim"


@dataclass(frozen=True, slots=True)
class ClaimsTable:
    """One OMOP event table; `prefix` starts the names of its columns, `start` those of its time."""

    name: str
    domain: str
    prefix: str
    start: str


CLAIMS_TABLES = (
    ClaimsTable("condition_occurrence", "Condition", "condition", "condition_start"),
    ClaimsTable("drug_exposure", "Drug", "drug", "drug_exposure_start"),
    ClaimsTable("procedure_occurrence", "Procedure", "procedure", "procedure"),
    ClaimsTable("measurement", "Measurement", "measurement", "measurement"),
    ClaimsTable("observation", "Observation", "observation", "observation"),
)


def find_table(folder: Path, name: str) -> Path | None:
    """File of a table in the folder, whatever its case and form."""
    for path in sorted(folder.iterdir()):
        if path.name.lower() in {name + ending for ending in ENDINGS}:
            return path
    return None


def claims_files(folder: Path) -> list[Path]:
    """Every file that a claims folder contributes. Raises RunError if it holds none of the tables."""
    if not folder.is_dir():
        raise RunError("no such folder", where=str(folder), remedy="give --claims a folder of OMOP tables")
    names = [table.name for table in CLAIMS_TABLES]
    events = [path for name in names if (path := find_table(folder, name))]
    if not events:
        raise RunError(
            "no claims table in this folder", where=str(folder), remedy=f"put in {', '.join(names)} as .csv or .parquet"
        )
    extra = [
        path for name in ("person", "visit_occurrence", "observation_period") if (path := find_table(folder, name))
    ]
    return events + extra
