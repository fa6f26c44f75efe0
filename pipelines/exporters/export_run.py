"""Any export of a run: opened, checked against its purpose, written aside, entered in the books."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow.parquet as pq

from ...nlp.tables import TABLES
from ..database import Database
from ..errors import RunError
from ..run_folder import RunFolder
from .ledger import SPILL, Ledger, export_folder, write_ledger
from .purpose import refuse_patient_level


class Exporter(Protocol):
    """One form of export with its options: a frozen dataclass, whose fields are the options."""

    form: ClassVar[str]

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write the files into `folder`, and into `ledger` what was written and what was withheld."""
        ...


def export_run(run_path: str | Path, out: str | Path, exporter: Exporter, overwrite: bool = False) -> dict[str, Any]:
    """Export a finished run into the folder `out` and return what export.json says.

    Raises RunError for a run that is none or is commercial, an `out` that is taken, and options that do not hold.
    """
    run = RunFolder.open(run_path)
    refuse_patient_level(run)
    with export_folder(Path(out), run.path, overwrite) as folder:
        ledger = Ledger()
        database = run.connect(folder / SPILL)
        try:
            _same_schema(run)
            exporter.write(run, database, folder, ledger)
        finally:
            database.close()
        document = ledger.document(run, exporter.form, plain_options(exporter), folder)
        write_ledger(folder, document)
    return document


def _same_schema(run: RunFolder) -> None:
    """Refuse a run whose tables lack columns that this version writes."""
    for name, schema in TABLES.items():
        for path in run.files(name)[:1]:
            missing = sorted(set(schema.names) - set(pq.read_schema(path).names))
            if missing:
                raise RunError(
                    f"no column {', '.join(missing)}: another version wrote the run",
                    where=str(path),
                    remedy="run again",
                )


def plain_options(exporter: Any) -> dict[str, Any]:
    """The options, ready for JSON; of a path only the name, so that no place of one machine is told."""

    def plain(value: Any) -> Any:
        if isinstance(value, Path):
            return value.name
        return list(value) if isinstance(value, tuple | frozenset) else value

    return {name: plain(value) for name, value in asdict(exporter).items()}


def processing_date(run: RunFolder, given: str | None) -> str:
    """The day on which the notes were processed, as YYYY-MM-DD: `given`, else what run.json says.

    Standards ask for it. It is no part of a run's identity: give it where equal runs of two days must export equally.
    """
    import datetime

    text = given or str(run.document.get("measured", {}).get("started", ""))[:10]
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise RunError(
            f"'{text}' is no date of processing", where=str(run.path), remedy="give --processed-on YYYY-MM-DD"
        ) from None


def without_text(run: RunFolder, no_text: bool) -> bool:
    """Whether pieces of notes stay behind: asked for, or because the run has none (phi=minimal)."""
    return no_text or run.phi_minimal
