"""Covariates that OHDSI FeatureExtraction has computed, joined to the features of the same cohort rows as they are.

They are refused where their windows end on another day than ours, since FeatureExtraction's ids do not carry it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..nlp.tables import ANALYSIS_REF, COVARIATE_REF, FEATURE
from .database import Database, put, value
from .errors import RunError

# DemographicsPostObservationTime, DemographicsTimeInCohort
KNOW_THE_FUTURE = (9, 10)


@dataclass(frozen=True, slots=True)
class GivenFeatures:
    """Feature rows and what explains them, in the schemas of the run's own tables."""

    feature: pa.Table
    covariate_ref: pa.Table
    analysis_ref: pa.Table
    where: str = ""

    @property
    def analysis_ids(self) -> tuple[int, ...]:
        """Analyses that come from there, and so are not computed here: an id has one source."""
        return tuple(sorted(set(self.analysis_ref.column("analysis_id").to_pylist())))


def no_given() -> GivenFeatures:
    """Nothing that was given."""
    return GivenFeatures(FEATURE.empty_table(), COVARIATE_REF.empty_table(), ANALYSIS_REF.empty_table())


def enter_given(database: Database, given: GivenFeatures, end_day: int) -> dict[str, Any]:
    """Table `given_feature`: the rows of the cohort. Reads `cohort`; returns counts.

    Raises RunError where windows end on another day than `end_day`, an analysis knows the future, a covariate comes
    twice in a row, or no row is one of the cohort's.
    """
    put(database, "given_feature", given.feature)
    if not given.feature.num_rows and not given.analysis_ref.num_rows:
        return {}
    ends = {
        number: end
        for number, end, domain in zip(
            *(given.analysis_ref.column(name).to_pylist() for name in ("analysis_id", "end_day", "domain_id")),
            strict=True,
        )
        if end != end_day and domain != "Demographics"
    }
    if ends:
        number, end = min(ends.items())
        raise RunError(
            f"{len(ends)} of the analyses end on another day than {end_day} (analysis {number}: {end})",
            where=given.where,
            remedy=f"give --end-day {end}, or make the covariates with endDays = {end_day}",
        )
    future = value(
        database, f"SELECT min(covariate_id % 1000) FROM given_feature WHERE covariate_id % 1000 IN {KNOW_THE_FUTURE}"
    )
    if future is not None:
        raise RunError(
            f"analysis {future} tells how long a patient is observed after prediction, so it knows the future",
            where=given.where,
            remedy="make the covariates without it",
        )
    twice = value(
        database,
        "SELECT count(*) FROM (SELECT 1 FROM given_feature GROUP BY row_id, covariate_id HAVING count(*) > 1)",
    )
    if twice:
        raise RunError(
            f"{twice} covariates come twice in one row", where=given.where, remedy="export the covariates again"
        )
    outside = value(database, "SELECT count(DISTINCT row_id) FROM given_feature ANTI JOIN cohort USING (row_id)")
    inside = value(database, "SELECT count(DISTINCT row_id) FROM given_feature SEMI JOIN cohort USING (row_id)")
    if outside and not inside:
        raise RunError(
            "no rowId is a row_id of the cohort",
            where=given.where,
            remedy="make the covariates with rowIdField naming the row_id of the cohort file",
        )
    return {"fe_rows": inside, "fe_rows_outside_the_cohort": outside}
