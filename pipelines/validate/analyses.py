"""analysis_ref against the registry of analyses that phenotext ships: ids are never used for something else."""

from __future__ import annotations

from ..database import Database, put, value
from ..registry import read_registry
from .findings import ValidationReport

REGISTRY_RULE = "analysis_ref.registry"
SENTENCE = "every analysis stands in the registry, with the same meaning"
_SAME = ("domain_id", "source", "assertion", "window", "start_day", "agg", "is_binary", "missing_means_zero")


def check_analyses(database: Database, report: ValidationReport, max_rows: int) -> None:
    """Needs the view `analysis_ref`. An empty text in the registry is null in the table, or empty."""
    put(database, "registered", read_registry())
    differs = " OR ".join(
        f"nullif(CAST(a.\"{name}\" AS VARCHAR), '') IS DISTINCT FROM nullif(CAST(r.\"{name}\" AS VARCHAR), '')"
        for name in (*_SAME, "feature_name")
    )
    source = (
        "FROM analysis_ref a LEFT JOIN registered r ON r.analysis_id = a.analysis_id "
        f"WHERE r.analysis_id IS NULL OR {differs}"
    )
    count = value(database, f"SELECT count(*) {source}")
    found = database.execute(f"SELECT a.analysis_id {source} ORDER BY 1 LIMIT {max_rows}").fetchall()
    report.checked(REGISTRY_RULE, "analysis_ref", SENTENCE, count, [{"analysis_id": number} for (number,) in found])
