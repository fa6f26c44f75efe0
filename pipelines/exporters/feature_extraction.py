"""Features as OHDSI FeatureExtraction keeps them: covariates, covariateRef and analysisRef, with an R loader.

Ids are those of the feature table, which FeatureExtraction's own formula made. FeatureExtraction's usual way in, the
table `cohort_attribute`, is not used: it joins on the patient alone, so that a value of one index date leaks to
another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from ..database import Database, batches, value
from ..durable import write_table
from ..errors import RunError
from ..run_folder import RunFolder
from .csv_files import write_csv
from .feature_tables import open_features
from .ledger import Ledger

LOADER = "phenotext_covariates.R"
_I64, _F64, _TEXT = pa.int64(), pa.float64(), pa.string()
# R has no 64-bit integer of its own: an id from 2 ** 53 on would be read as another one.
_EXACT = 2**53

# The columns of FeatureExtraction's CovariateData, in its order.
COVARIATES = pa.schema([("rowId", _I64), ("covariateId", _I64), ("covariateValue", _F64)])
COVARIATE_REF = pa.schema(
    [
        ("covariateId", _I64),
        ("covariateName", _TEXT),
        ("analysisId", _I64),
        ("conceptId", _I64),
        ("valueAsConceptId", _I64),
        ("collisions", _I64),
    ]
)
ANALYSIS_REF = pa.schema(
    [
        ("analysisId", _I64),
        ("analysisName", _TEXT),
        ("domainId", _TEXT),
        ("startDay", pa.int32()),
        ("endDay", pa.int32()),
        ("isBinary", _TEXT),
        ("missingMeansZero", _TEXT),
    ]
)
# Ours: which row is who as of when (ids as text, as they may need 64 bits), and the names that scoring joins on.
ROW_REF = pa.schema([("rowId", _I64), ("subjectId", _TEXT), ("cohortStartDate", pa.date32()), ("cohortId", _I64)])
FEATURE_REF = pa.schema(
    [
        ("covariateId", _I64),
        ("featureName", _TEXT),
        ("code", _TEXT),
        ("assertion", _TEXT),
        ("source", _TEXT),
        ("window", _TEXT),
        ("agg", _TEXT),
    ]
)
_QUERIES = {
    "covariates": (
        COVARIATES,
        'SELECT row_id AS "rowId", covariate_id AS "covariateId", covariate_value AS "covariateValue" FROM feature '
        "ORDER BY row_id, covariate_id",
    ),
    "covariateRef": (
        COVARIATE_REF,
        'SELECT covariate_id AS "covariateId", covariate_name AS "covariateName", analysis_id AS "analysisId", '
        'concept_id AS "conceptId", value_as_concept_id AS "valueAsConceptId", collisions FROM covariate_ref '
        "ORDER BY covariate_id",
    ),
    "analysisRef": (
        ANALYSIS_REF,
        'SELECT analysis_id AS "analysisId", analysis_name AS "analysisName", domain_id AS "domainId", '
        'start_day AS "startDay", end_day AS "endDay", is_binary AS "isBinary", '
        'missing_means_zero AS "missingMeansZero" FROM analysis_ref ORDER BY analysis_id',
    ),
    "rowRef": (
        ROW_REF,
        'SELECT row_id AS "rowId", CAST(subject_id AS VARCHAR) AS "subjectId", '
        'CAST(prediction_time AS DATE) AS "cohortStartDate", cohort_id AS "cohortId" FROM cohort ORDER BY row_id',
    ),
    "featureRef": (
        FEATURE_REF,
        'SELECT covariate_id AS "covariateId", feature_name AS "featureName", code, assertion, source, "window", agg '
        "FROM covariate_ref ORDER BY covariate_id",
    ),
}


@dataclass(frozen=True, slots=True)
class FeatureExtraction:
    """`features`: a folder of `phenotext features`, whose tables go out in place of the run's."""

    features: Path | None = None
    form: ClassVar[str] = "fe"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write the tables as Parquet and CSV, and the R loader."""
        open_features(run, database, self.features)
        large = value(
            database,
            f"SELECT max(greatest(row_id, covariate_id)) FROM feature WHERE greatest(row_id, covariate_id) >= {_EXACT}",
        )
        if large is not None:
            raise RunError(f"id {large} is not exact in R", where=str(run.path), remedy="use row ids below 2 ** 53")
        unknown = value(
            database, "SELECT count(*) FROM feature WHERE covariate_id NOT IN (SELECT covariate_id FROM covariate_ref)"
        )
        if unknown:
            raise RunError(f"{unknown} feature rows have no covariate_ref", where=str(run.path), remedy="run again")
        for name, (schema, query) in _QUERIES.items():
            path = folder / f"{name}.parquet"
            ledger.wrote(path.name, write_table(path, schema, batches(database, query)))
            with pq.ParquetFile(path) as source:
                rows = write_csv(folder / f"{name}.csv", schema, source.iter_batches(65_536))
            ledger.wrote(f"{name}.csv", rows)
        loader = (Path(__file__).parent / "phenotext_covariates_r.txt").read_text(encoding="utf-8")
        (folder / LOADER).write_text(loader, encoding="utf-8")
        nameless = "SELECT count(*) FROM cohort WHERE row_id NOT IN (SELECT row_id FROM feature)"
        ledger.withhold("cohort_row_without_feature", value(database, nameless))
