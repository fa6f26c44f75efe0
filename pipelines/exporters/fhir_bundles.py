"""One FHIR R4 Bundle for each patient, one a line, each resource checked by `fhir.resources`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..database import Database, value
from ..errors import RunError
from ..run_folder import RunFolder
from ..sql import read_sql
from . import fhir_resources as fhir
from .by_subject import grouped, together
from .export_run import processing_date, without_text
from .ledger import Ledger

BUNDLES = "bundles.ndjson"


@dataclass(frozen=True, slots=True)
class FhirBundles:
    """`snippets`: the passage goes with the fact as a note of the resource, unless the run has none or `no_text`.
    `processed_on`: the day that Provenance.recorded tells, else that of the run."""

    snippets: bool = False
    no_text: bool = False
    processed_on: str | None = None
    form: ClassVar[str] = "fhir"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write bundles.ndjson. Patients of whom nothing is told have no bundle and are counted."""
        bundle_class = _bundle_class()
        snippets = self.snippets and not without_text(run, self.no_text)
        recorded = processing_date(run, self.processed_on)
        minimal = without_text(run, self.no_text)
        people = grouped(database, _PEOPLE)
        events = grouped(database, read_sql("export_fhir_event"))
        scores = grouped(database, read_sql("export_fhir_score"))
        kinds: dict[str, int] = {}
        bundles = 0
        with (folder / BUNDLES).open("w", encoding="utf-8", newline="\n") as out:
            for subject, (person, facts, scored) in together(people, events, scores):
                resources = list(
                    _resources(subject, person[0], facts, scored, snippets, minimal, recorded, run.document)
                )
                if len(resources) == 1:
                    ledger.withhold("patient_without_fact", 1)
                    continue
                bundle = fhir.bundle(subject, resources)
                bundle_class.model_validate(bundle)  # its own writer would take longer than the check
                out.write(json.dumps(bundle, ensure_ascii=False, separators=(",", ":")) + "\n")
                bundles += 1
                for resource in resources:
                    kind = resource["resourceType"]
                    kinds[kind] = kinds.get(kind, 0) + 1
        ledger.wrote(BUNDLES, bundles)
        ledger.remarks["resources"] = dict(sorted(kinds.items()))
        _count(database, snippets, minimal, ledger)


def _bundle_class() -> Any:
    try:
        from fhir.resources.R4B.bundle import Bundle
    except ImportError:
        raise RunError("FHIR needs the package fhir.resources", remedy="pip install 'phenotext[fhir]'") from None
    return Bundle


_PEOPLE = """
SELECT s.subject_id, p.gender_concept_id, strftime(p.birth_date, '%Y-%m-%d') AS birth_date
FROM (SELECT subject_id FROM event UNION SELECT subject_id FROM score UNION SELECT subject_id FROM note) s
LEFT JOIN person p USING (subject_id)
ORDER BY s.subject_id
"""


def _resources(
    subject: int,
    person: dict[str, Any],
    facts: list[dict[str, Any]],
    scores: list[dict[str, Any]],
    snippets: bool,
    minimal: bool,
    recorded: str,
    run_document: dict[str, Any],
) -> Iterator[dict[str, Any]]:
    yield fhir.patient(subject, person["gender_concept_id"], None if minimal else person["birth_date"])
    notes: set[int] = set()
    for fact in facts:
        if fact["note_id"] not in notes:
            notes.add(fact["note_id"])
            yield fhir.document_reference(fact["note_id"], subject, fact["note_class"], fact["note_day"])
        passage = fact["snippet"] if snippets else None
        if fact["assertion"] == "family":
            resource = fhir.family_history(fact, passage)
        else:
            resource = fhir.condition(fact, fact["assertion"] == "historical" and fact["resolved"], passage)
        yield resource
        places = [(place["start"], place["end"]) for place in fact["places"]]
        target = f"{resource['resourceType']}/{resource['id']}"
        yield fhir.provenance(target, fact["event_id"], fact["note_id"], places, fact["system"], recorded)
    for score in scores:
        for note in score["notes"]:
            if note["note_id"] not in notes:
                notes.add(note["note_id"])
                yield fhir.document_reference(note["note_id"], subject, note["note_class"], note["day"])
        basis = [fhir.reference("DocumentReference", note["note_id"]) for note in score["notes"]]
        yield fhir.risk_assessment(score, score["name"], basis, run_document.get("declared", {}))


def _count(database: Database, snippets: bool, minimal: bool, ledger: Ledger) -> None:
    shown = (
        "domain = 'Condition' AND assertion IN ('present', 'possible', 'absent', 'historical') OR assertion = 'family'"
    )
    for reason, query in (
        ("event_is_hypothetical", "event WHERE source = 'note' AND assertion = 'hypothetical'"),
        (
            "event_not_a_condition",
            f"event WHERE source = 'note' AND assertion <> 'hypothetical' AND NOT ({shown})",
        ),
        ("evidence_without_event", "evidence WHERE event_id IS NULL"),
        ("score_without_result", "score WHERE status <> 'ok'"),
    ):
        ledger.withhold(reason, value(database, f"SELECT count(*) FROM {query}"))
    for source, n in database.execute(
        "SELECT source, count(*) FROM event WHERE source <> 'note' GROUP BY 1 ORDER BY 1"
    ).fetchall():
        ledger.withhold(f"source_is_{source}", n)
    if not snippets:
        ledger.withhold("free_text_snippet", value(database, "SELECT count(*) FROM evidence"))
    if minimal:
        ledger.withhold("birth_date", value(database, "SELECT count(*) FROM person WHERE birth_date IS NOT NULL"))
