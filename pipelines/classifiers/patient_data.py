"""From a run and a cohort to what classifiers read: per row the notes known at its prediction time, and its features.

Point in time is decided by the same SQL as features (known_note.sql, known_event.sql): a note counts iff it was
available at the prediction time and its day is at or before the run's end_day. Patients come in parts, so that the
texts in memory stay bounded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ...models.pack import FeatureRegistry
from ...models.patients import PatientNotes
from ...nlp.concept_filter import ConceptFilter
from ..database import Database, put
from ..errors import RunError
from ..features import compute_features, load_analyses
from ..language_rules import LanguageRules
from ..matching_options import MatchingOptions
from ..run_folder import RunFolder
from ..sql import read_sql
from .note_texts import parts_by_size, read_texts, run_key

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from ...nlp.extractor import Extractor

PART_CHARACTERS = 200_000_000
COHORT_COLUMNS = ("row_id", "subject_id", "prediction_time")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model reads beside the texts: the extractor's mentions, the run's features."""

    mentions: bool = True
    features: bool = True


@dataclass(frozen=True, slots=True)
class PatientSource:
    """Patients of a run as of a cohort. `cohort` has row_id, subject_id and prediction_time; it is the run's own where
    `own` is true, and then its feature table is used as it is."""

    run: RunFolder
    cohort: pa.Table
    own: bool
    key: bytes
    notes: Path | None = None
    part_characters: int = PART_CHARACTERS

    @classmethod
    def of_run(cls, run: RunFolder, *, id_key: Path | None = None, notes: Path | None = None) -> PatientSource:
        """The run's own cohort."""
        return cls(run, run.table("cohort").select(COHORT_COLUMNS), True, run_key(run, id_key), notes)

    def parts(self, needs: Needs) -> Iterator[PatientNotes]:
        """PatientNotes of all rows in order of row_id, some rows at a time. Raises RunError (see read_texts)."""
        cohort = self.cohort.sort_by("row_id")
        database = self.run.connect()
        try:
            known = self._known_notes(database, cohort)
            matrix, names = self._features(database, cohort) if needs.features else (None, ())
        finally:
            database.close()
        rows = cohort.column("row_id").to_numpy()
        start = np.searchsorted(known["row_id"], rows), np.searchsorted(known["row_id"], rows, side="right")
        sizes = np.array([known["n_characters"][a:b].sum() for a, b in zip(*start, strict=True)], np.int64)
        extractor = self._extractor() if needs.mentions else None
        for part in parts_by_size(sizes, self.part_characters):
            part_rows = cohort.slice(part.start, part.stop - part.start)
            first, last = int(start[0][part.start]), int(start[1][part.stop - 1])
            counts = (start[1] - start[0])[part]
            hashes = dict(zip(known["note_id"][first:last].tolist(), known["note_hash"][first:last], strict=True))
            texts = read_texts(self.run, hashes, self.key, self.notes)
            note_id = known["note_id"][first:last]
            data = PatientNotes(
                row_id=part_rows.column("row_id").to_numpy(),
                subject_id=part_rows.column("subject_id").to_numpy(),
                prediction_time=part_rows.column("prediction_time").to_numpy().astype("datetime64[us]"),
                note_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
                note_id=note_id,
                text=[texts[number] for number in note_id.tolist()],
                features=None if matrix is None else matrix[part],
                feature_names=names,
            )
            yield data if extractor is None else _with_mentions(extractor, data)

    def all(self, needs: Needs) -> PatientNotes:
        """All rows at once, as training needs them. Raises RunError where there are none."""
        for data in replace(self, part_characters=sys.maxsize).parts(needs):
            return data
        raise RunError("the cohort has no rows", where=str(self.run.path), remedy="run on notes of patients")

    def _known_notes(self, database: Database, cohort: pa.Table) -> Mapping[str, Any]:
        """row_id, note_id [j] int64, note_hash [j] str and n_characters [j], in order of row and note time."""
        put(database, "cohort_part", cohort)
        database.execute(f"CREATE OR REPLACE TABLE horizon AS SELECT CAST({self.run.end_day} AS INTEGER) AS end_day")
        database.execute(f"CREATE OR REPLACE TEMP TABLE known_note AS {read_sql('known_note')}")
        table = database.sql(read_sql("model_note")).to_arrow_table()
        database.execute("DROP TABLE cohort_part; DROP TABLE known_note")
        return {
            "row_id": table.column("row_id").to_numpy(),
            "note_id": table.column("note_id").to_numpy(),
            "note_hash": table.column("note_hash").to_pylist(),
            "n_characters": table.column("n_characters").to_numpy().astype(np.int64),
        }

    def _features(self, database: Database, cohort: pa.Table) -> tuple[csr_matrix, tuple[str, ...]]:
        """[rows, k] of the run's features and their names; scores of classifiers are never among them."""
        from scipy.sparse import csr_matrix

        if not self.own:
            database.execute("DROP VIEW IF EXISTS cohort; DROP VIEW IF EXISTS feature")
            put(database, "cohort", cohort)
            load_analyses(database, self.run.end_day)
            compute_features(database)
        names = [
            name
            for (name,) in database.execute(
                "SELECT feature_name FROM covariate_ref WHERE agg <> 'probability' ORDER BY feature_name"
            ).fetchall()
        ]
        put(
            database,
            "model_column",
            pa.table({"feature_name": pa.array(names, pa.string()), "place": range(len(names))}),
        )
        put(database, "model_row", pa.table({"row_id": cohort.column("row_id"), "place": range(cohort.num_rows)}))
        found = database.sql(
            "SELECT r.place AS row_place, m.place AS column_place, f.covariate_value AS cell "
            "FROM feature f JOIN model_row r USING (row_id) JOIN covariate_ref c USING (covariate_id) "
            "JOIN model_column m USING (feature_name) ORDER BY 1, 2"
        ).to_arrow_table()
        row, column, cell = (found.column(place).to_numpy() for place in range(3))
        return csr_matrix((cell, (row, column)), shape=(cohort.num_rows, len(names))), tuple(names)

    def _extractor(self) -> Extractor:
        """The extractor of the run, with its terminology (checked), rules and options, and with matches inside longer
        ones: "type 2 diabetes with nephropathy" is type 2 diabetes to a classifier too."""
        from ..worker import load_extractor

        settings = self.run.settings
        self.run.terminology()

        def path(name: str) -> Path | None:
            return None if settings.get(name) is None else Path(settings[name])

        return load_extractor(
            path("terminology"),
            LanguageRules(path("cues"), path("add_cues"), path("headings"), path("add_headings")),
            ConceptFilter(settings.get("concepts"), tuple(settings.get("tags") or ())),
            MatchingOptions(
                settings.get("misspellings", True),
                True,
                path("recall"),
                settings.get("recall_threshold"),
            ),
        )


def _with_mentions(extractor: Extractor, data: PatientNotes) -> PatientNotes:
    """Mentions of each note; a note that several rows read is extracted once."""
    from ...models.note_mentions import find_mentions

    _, first, back = np.unique(data.note_id, return_index=True, return_inverse=True)
    texts: list[str] = [data.text[int(at)] for at in first]
    found = find_mentions(extractor, texts)
    return data.with_mentions(found.subset(back.astype(np.int64)))


def feature_registry(run: RunFolder) -> FeatureRegistry:
    """What must agree between the run a model is trained on and the run it scores."""
    identity = run.document["identity"]
    return FeatureRegistry(
        registry_sha256=str(identity["terminology"]["registry_sha256"]),
        analysis_registry=str(identity["analysis_registry"]),
    )
