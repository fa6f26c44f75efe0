"""FeatureExtraction: the columns that its R package reads, exact in doubles; the loader is looked at as text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.exporters.csv_files import read_csv
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.feature_extraction import (
    ANALYSIS_REF,
    COVARIATE_REF,
    COVARIATES,
    FEATURE_REF,
    LOADER,
    ROW_REF,
    FeatureExtraction,
)

from .conftest import rows
from .export_corpus import copy_with

SCHEMAS = {
    "covariates": COVARIATES, "covariateRef": COVARIATE_REF, "analysisRef": ANALYSIS_REF, "rowRef": ROW_REF,
    "featureRef": FEATURE_REF,
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(export_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fe") / "a"
    export_run(export_source, out, FeatureExtraction())
    return out


def test_columns_are_those_of_covariate_data(exported: Path) -> None:
    assert COVARIATES.names == ["rowId", "covariateId", "covariateValue"]
    assert COVARIATE_REF.names[:4] == ["covariateId", "covariateName", "analysisId", "conceptId"]
    assert ANALYSIS_REF.names == [
        "analysisId", "analysisName", "domainId", "startDay", "endDay", "isBinary", "missingMeansZero",
    ]  # fmt: skip
    for name, schema in SCHEMAS.items():
        table = pq.read_table(exported / f"{name}.parquet")
        assert table.schema.equals(schema)
        assert read_csv(exported / f"{name}.csv", schema).equals(table)


def test_values_are_the_runs_and_ids_agree(export_source: Path, exported: Path) -> None:
    covariates = pq.read_table(exported / "covariates.parquet").to_pylist()
    assert [tuple(row.values()) for row in covariates] == [
        tuple(row.values()) for row in rows(export_source, "feature")
    ]
    refs = {row["covariateId"]: row for row in pq.read_table(exported / "covariateRef.parquet").to_pylist()}
    analyses = {row["analysisId"]: row for row in pq.read_table(exported / "analysisRef.parquet").to_pylist()}
    assert {row["covariateId"] for row in covariates} <= set(refs)
    for number, ref in refs.items():
        assert number % 1000 == ref["analysisId"]
        assert ref["analysisId"] in analyses
        assert number < 2**53
    assert {row["isBinary"] for row in analyses.values()} <= {"Y", "N"}
    row_ref = pq.read_table(exported / "rowRef.parquet").to_pylist()
    cohort = rows(export_source, "cohort")
    assert [(row["rowId"], int(row["subjectId"]), row["cohortStartDate"]) for row in row_ref] == [
        (row["row_id"], row["subject_id"], row["prediction_time"].date()) for row in cohort
    ]


def test_an_id_that_a_double_does_not_hold_is_refused(export_source: Path, tmp_path: Path) -> None:
    feature = rows(export_source, "feature")
    feature[0]["row_id"] = 2**53 + 1
    with pytest.raises(RunError, match="not exact"):
        export_run(copy_with(export_source, tmp_path / "run", feature=feature), tmp_path / "a", FeatureExtraction())


def test_the_loader_reads_only_columns_that_are_written(exported: Path) -> None:
    text = (exported / LOADER).read_text(encoding="utf-8")
    code = "\n".join(line.split("#")[0] for line in text.splitlines())
    assert code.count("(") == code.count(")")
    assert code.count("{") == code.count("}")
    written = {name for schema in SCHEMAS.values() for name in schema.names} | {"phenotextRowId"}
    used = set(re.findall(r"(?:rowRef|analysisRef|covariateRef|covariates)\$(\w+)", code))
    assert used
    assert used <= written
    read = set(re.findall(r'readPhenotextTable\(folder, "(\w+)"', code))
    assert read == {"rowRef", "analysisRef", "covariateRef", "covariates"} <= set(SCHEMAS)
    # the arguments that getDbCovariateData passes to a builder
    for argument in ("connection", "cdmDatabaseSchema", "cohortTable", "cohortIds", "rowIdField", "aggregated"):
        assert re.search(rf"\b{argument}\b", code)
    assert 'attr(covariateSettings, "fun") <- "getDbPhenotextCovariateData"' in code
    assert "getDbPhenotextCovariateData <- function(" in code


def test_the_loader_parses_in_r(exported: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed; install it to parse the loader")
    done = subprocess.run(["Rscript", "-e", f"parse('{exported / LOADER}')"], capture_output=True, check=False)
    assert done.returncode == 0
