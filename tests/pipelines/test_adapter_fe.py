"""Covariates of FeatureExtraction that are of another kind than ours are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.fe_reader import read_fe_covariates

from .adapter_samples import put_files

REFERENCES = {
    "covariateRef.csv": "covariateId,covariateName,analysisId,conceptId\n201826102,diabetes,102,201826\n",
    "analysisRef.csv": "analysisId,analysisName,domainId,startDay,endDay,isBinary,missingMeansZero\n"
    "102,ConditionOccurrenceLongTerm,Condition,-365,-1,Y,NA\n",
}


@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        ("covariateId,sumValue,averageValue\n201826102,3,0.5\n", "aggregated"),
        ("rowId,covariateId,covariateValue,timeId\n1,201826102,1,1\n", "temporal"),
    ],
)
def test_other_kinds_are_refused(covariates: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=message):
        read_fe_covariates(put_files(tmp_path / "fe", {**REFERENCES, "covariates.csv": covariates}), -1)


def test_an_empty_time_column_is_no_fault(tmp_path: Path) -> None:
    covariates = "rowId,covariateId,covariateValue,timeId\n1,2.01826102e+08,1,\n"
    given = read_fe_covariates(put_files(tmp_path / "fe", {**REFERENCES, "covariates.csv": covariates}), -1)
    assert given.feature.to_pylist() == [{"row_id": 1, "covariate_id": 201826102, "covariate_value": 1.0}]
