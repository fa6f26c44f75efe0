"""Which run a report is about, what it may be used for, and what was read and left out."""

from __future__ import annotations

from typing import Any

from ..reasons import REASONS
from .blocks import Block, Section, Table, Value
from .corpus import figures
from .reading import Reading, label, share, words
from .small_cells import SafeGroup

# Counts of run.json that say what was put right or left out, with words for a reader.
_REMARKS = {
    "notes_default_lag": "notes without an available time: the default lag was added",
    "notes_unread_available_time": "notes whose available time could not be read",
    "notes_available_before_note_time": "notes available before they were written: their note time was taken",
    "cohort_rows_without_data": "cohort rows of patients without notes or claims",
    "subjects_without_given_split": "patients missing in the splits file",
}
_CLAIMS_REMARKS = {
    "events_default_lag": "events of claims without an available time: the default lag was added",
    "unread_available_times": "events of claims whose available time could not be read",
}
_TOLD = {"characters", "claims", "covariates", "events", "features", "mentions", "notes", "patients", "quarantined"}


def identity_section(reading: Reading) -> Section:
    """What the run declares, its terminology and versions, and the options that decide its tables."""
    document = reading.run.document
    identity, declared = document["identity"], document["declared"]
    terminology = identity["terminology"]
    lag = (identity.get("options") or {}).get("lag") or {}
    rows: list[tuple[str, str]] = [
        ("run", reading.run.run_id),
        ("intended use", declared.get("intended_use", "")),
        ("purpose", declared.get("purpose", "")),
        ("sponsor", declared.get("sponsor", "") or "none declared"),
        ("basis of the data", declared.get("data_basis", "") or "none declared"),
        ("terminology", " ".join(filter(None, (terminology["name"], terminology.get("release"))))),
        ("sha256 of the terminology", terminology["sha256"]),
        ("package", f"phenotext {identity['package_version']}"),
        ("schema", identity["schema_version"]),
        ("text in the tables", "none (phi = minimal)" if reading.run.phi_minimal else "yes (phi = full)"),
        ("features count up to day", f"{reading.run.end_day} of the prediction"),
        *((f"default lag of {name.removesuffix('_hours')}", f"{hours:g} hours") for name, hours in sorted(lag.items())),
    ]
    rows += [("model", _model(model)) for model in identity.get("models") or []]
    return Section("run", "Run", (Table("What this is a report of", ("", ""), tuple(rows)),))


def _model(model: Any) -> str:
    if isinstance(model, dict):
        return ", ".join(f"{words(str(key))} {value}" for key, value in sorted(model.items()))
    return str(model)


def data_section(reading: Reading, people: SafeGroup) -> Section:
    """Sizes, what was left out and why, and what took a default."""
    blocks: list[Block] = [figures(reading, people)]
    counts = reading.run.document["counts"]
    sources = reading.rows("event_sources")
    safe = reading.partition([row[1] for row in sources], [row[2] for row in sources])
    rows: list[tuple[Value, ...]] = [
        (row[0], cell, share(cell, safe.total)) for row, cell in zip(sources, safe.cells, strict=True)
    ]
    blocks.append(Table("Events by source", ("source", "events", "share"), tuple(rows)))
    reasons = reading.rows("quarantine")
    safe = reading.partition([row[1] for row in reasons])
    left: list[tuple[Value, ...]] = [
        (words(label(row[0])), REASONS.get(row[0], ""), cell) for row, cell in zip(reasons, safe.cells, strict=True)
    ]
    if left:
        left.append(("all", "", safe.total))
    blocks.append(Table("Rows left out (quarantine)", ("reason", "meaning", "rows"), tuple(left)))
    blocks.append(Table("Defaults and remarks", ("what", "count"), tuple(_remarks(reading, counts))))
    return Section("data", "What was read", tuple(blocks))


def _remarks(reading: Reading, counts: dict[str, Any]) -> list[tuple[Value, ...]]:
    """Counts of the run that no table of the report tells; those without words of their own by their name."""
    rows: list[tuple[Value, ...]] = []
    for name, count in [*counts.items(), *(counts.get("claims") or {}).items()]:
        known = _REMARKS.get(name) or _CLAIMS_REMARKS.get(name)
        withheld = name.startswith(("withheld", "n_withheld")) or name.endswith("withheld")
        if isinstance(count, int) and (known or (withheld and name not in _TOLD)):
            rows.append((known or words(name), reading.count(count)))
        elif isinstance(count, dict) and withheld:
            rows += [
                (f"{words(name)}: {words(key)}", reading.count(value))
                for key, value in sorted(count.items())
                if isinstance(value, int)
            ]
    return rows
