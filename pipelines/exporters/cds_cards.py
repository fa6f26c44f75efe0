"""CDS Hooks patient-view cards, from the results of a phenotype definition or from a classifier's flags.

A card without a basis that can be read is not written: whoever acts on it must be able to review what it rests on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from jsonschema import Draft202012Validator

from ..database import Database, put, value
from ..errors import RunError
from ..phenotypes.definition import wording
from ..phenotypes.evaluate import PhenotypeResult, read_result
from ..phenotypes.read_definition import build_definition
from ..run_folder import RunFolder
from ..sql import read_sql
from .by_subject import grouped
from .cds_card import basis_lines, card
from .export_run import without_text
from .fhir_resources import coding
from .ledger import Ledger

CARDS = "cards.ndjson"
_UNVALIDATED = "Unvalidated: no chart review of a site is recorded with it, so it is not known how often it is right."


@dataclass(frozen=True, slots=True)
class CdsCards:
    """`phenotype`: a result of `phenotext phenotype run`; without one the flagged rows of the run's score table."""

    phenotype: Path | None = None
    no_text: bool = False
    form: ClassVar[str] = "cds-hooks"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write cards.ndjson: one line a patient, `{"subject_id": "...", "response": {"cards": [...]}}`."""
        check = _validator()
        passages = not without_text(run, self.no_text)
        if self.phenotype is not None:
            groups = self._phenotype_cards(run, database, ledger, passages)
        else:
            groups = _score_cards(run, database, ledger, passages)
        lines = cards = 0
        with (folder / CARDS).open("w", encoding="utf-8", newline="\n") as out:
            for subject, found in groups:
                if not found:
                    continue
                response = {"cards": found}
                check.validate(response)
                line = {"subject_id": str(subject), "hook": "patient-view", "response": response}
                out.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
                lines += 1
                cards += len(found)
        ledger.wrote(CARDS, lines)
        ledger.remarks["cards"] = cards
        if not passages:
            ledger.withhold("free_text_snippet", cards)

    def _phenotype_cards(
        self, run: RunFolder, database: Database, ledger: Ledger, passages: bool
    ) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        assert self.phenotype is not None
        result = read_result(self.phenotype)
        _attach(database, result, self.phenotype, run)
        document = result.document
        about = {
            "Inputs": "clinical notes and coded claims of this patient"
            + (" that were known at the prediction time" if document.get("as_of_sha256") else " in the run"),
            "Logic": _logic(document, self.phenotype),
            "Validation": _validation(document["definition"]),
        }
        for subject, rows in grouped(database, read_sql("export_card_phenotype")):
            found: list[dict[str, Any]] = []
            for row in rows:
                if not row["basis"]:
                    ledger.withhold("match_without_evidence", 1)
                    continue
                summary = f"{document['name']}: matches the {document['status']} definition as of {row['day']}"
                key = f"{run.run_id}:{document['definition_sha256']}:{subject}:{row['day']}"
                basis = basis_lines(row["basis"], passages)
                found.append(card(key, summary, about, basis, run.document.get("declared", {})))
            yield subject, found


def _validator() -> Draft202012Validator:
    schema = json.loads((Path(__file__).parent / "cds_response_schema.json").read_bytes())
    return Draft202012Validator(schema)


def _attach(database: Database, result: PhenotypeResult, folder: Path, run: RunFolder) -> None:
    if result.document["run_id"] != run.run_id:
        raise RunError("the results are of another run", where=str(folder), remedy="run the phenotype on this run")
    for name, table in (("phenotype_row", result.rows), ("phenotype_evidence", result.evidence)):
        database.execute(f"DROP TABLE IF EXISTS {name}")
        put(database, name, table)


def _logic(document: dict[str, Any], folder: Path) -> str:
    """Name, version and hash of the definition, its description, and what each criterion asks for."""
    said = document["definition"]
    head = f"{document['phenotype_id']} version {document['version']} (sha256 {document['definition_sha256'][:12]})"
    try:
        leaves = build_definition(said, str(folder), folder).leaves()
        criteria = "; ".join(f"{leaf.path}: {wording(leaf)}" for leaf in leaves)
    except RunError:  # concept sets in files of their own, which the result does not hold
        criteria = "as in phenotype.json of the result"
    only = f" Facts from {document['only']} alone." if document.get("only") else ""
    return f"{head}. {said['description']} Criteria: {criteria}.{only}"


def _validation(definition: dict[str, Any]) -> str:
    review = definition.get("review")
    if definition["status"] != "validated" or not review:
        return _UNVALIDATED
    told = [
        f"chart review at {review['site']} on {review['date']}" if "site" in review and "date" in review else "review"
    ]
    told += [f"n = {review['n']}"] if "n" in review else []
    for name, label in (("ppv", "PPV"), ("sensitivity", "sensitivity")):
        if name in review:
            interval = review.get(f"{name}_ci")
            told.append(f"{label} {review[name]:g}" + (f" ({interval[0]:g} to {interval[1]:g})" if interval else ""))
    return "Validated: " + ", ".join(told)


def _score_cards(
    run: RunFolder, database: Database, ledger: Ledger, passages: bool
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    if not run.files("score"):
        raise RunError(
            "the run has no scores", where=str(run.path), remedy="give the results of a definition with --phenotype"
        )
    for reason, condition in (
        ("score_without_result", "status <> 'ok'"),
        ("score_not_flagged", "status = 'ok' AND flagged IS NOT TRUE"),
    ):
        ledger.withhold(reason, value(database, f"SELECT count(*) FROM score WHERE {condition}"))
    for subject, rows in grouped(database, read_sql("export_card_score")):
        found: list[dict[str, Any]] = []
        for row in rows:
            if not row["basis"]:
                ledger.withhold("flag_without_evidence", 1)
                continue
            model = f"{row['model_name']} {row['model_version']} (sha256 {row['model_sha256'][:12]})"
            told = f"{row['probability']:.2f}" if row["probability"] is not None else "not calibrated"
            about = {
                "Inputs": f"{row['n_notes']} notes known on {row['day']}",
                "Logic": f"classifier {model}; probability {told}, threshold {row['threshold'] or 0:g}",
                "Validation": "as told in the card of the model; this run holds no review of a site",
            }
            topic = coding(row["phenotype_code"], row["name"])["coding"][0]
            summary = f"{row['name']}: possible, by notes (classifier), as of {row['day']}"
            key = f"{run.run_id}:{row['score_id']}"
            basis = basis_lines(row["basis"], passages)
            found.append(card(key, summary, about, basis, run.document.get("declared", {}), topic))
        yield subject, found
