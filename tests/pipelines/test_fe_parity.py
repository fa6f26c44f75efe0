"""What OHDSI FeatureExtraction gives for analyses 101-104, 301-304 and 501-504 on six patients, worked out by hand.

FeatureExtraction 3.14, inst/sql/sql_server/DomainConcept.sql with inst/csv/PrespecAnalyses.csv, takes for a row of
the cohort the distinct concepts with start_date <= cohort_start_date + end_day, start_date >= cohort_start_date +
start_day and concept <> 0; value 1, covariate id = concept * 1000 + analysis. Both bounds are inclusive; the start date
stands on both sides for these analyses (`domainEndDate` is the start date); start_day is any time, -365, -180, -30
(`longTermStartDays`, ...), and `endDays` is 0 by default. It knows days only, and no delay.

Here that is `--lag notes=0h,claims=0d --end-day 0`, and a prediction time at the end of the index day where the claims
have times of day.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from phenotext.pipelines.feature_request import FeatureRequest, make_features
from phenotext.pipelines.lag import Lag
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings

from .conftest import rows, write_jsonl

DIABETES, BRONCHITIS, COLON = 201826, 260139, 79740
ASPIRIN, LISINOPRIL = 1112807, 1308216
ECHO, PRECAUTIONS = 4230911, 4002575

# Index day 2022-06-30 = day 0. Day -30 is 31 May, -31 30 May; 30 June is day 181 of 2022, so -180 is 1 January and -181
# 31 December 2021; -365 is 30 June 2021, -366 29 June 2021; +1 is 1 July 2022.
CONDITIONS = f"""person_id,condition_concept_id,condition_start_date,condition_start_datetime,condition_source_value
1,{DIABETES},2022-06-30,,
2,{DIABETES},2022-05-31,,
2,{BRONCHITIS},2022-05-30,,
3,{DIABETES},2022-01-01,,
3,{BRONCHITIS},2021-12-31,,
4,{DIABETES},2022-07-01,,
4,0,2022-06-25,,Q99.9
4,{BRONCHITIS},2022-06-20,,
4,{BRONCHITIS},2022-06-20,,
4,{BRONCHITIS},2022-06-19,,
6,{DIABETES},2022-06-30,2022-06-30 14:00:00,
6,{BRONCHITIS},2022-05-31,2022-05-31 23:30:00,
6,{COLON},2022-07-01,2022-07-01 00:00:00,
"""
DRUGS = f"""person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_end_date,drug_source_value
3,{ASPIRIN},2021-06-30,2021-07-30,
3,{LISINOPRIL},2021-06-29,2022-06-29,
5,{ASPIRIN},2022-06-30,2022-07-30,
"""
PROCEDURES = f"""person_id,procedure_concept_id,procedure_date,procedure_source_value
5,{ECHO},2021-12-12,
5,{ECHO},2022-06-10,
5,{PRECAUTIONS},2021-05-26,
"""
INDEX = {1: (1, "2022-06-30"), 2: (2, "2022-06-30"), 3: (3, "2022-06-30"), 4: (4, "2022-06-30"), 5: (5, "2022-06-30"),
         6: (6, "2022-06-30T23:59:59"), 7: (6, "2021-01-01")}  # fmt: skip


def block(concept: int, first: int, windows: int) -> set[int]:
    """Covariates of the first so many windows: any time, 365, 180, 30 days."""
    return {concept * 1000 + first + w for w in range(windows)}


BY_HAND: dict[int, set[int]] = {
    1: block(DIABETES, 101, 4),  # day 0 is inside, end_day being 0
    2: block(DIABETES, 101, 4) | block(BRONCHITIS, 101, 3),  # day -30 is inside the 30 days, -31 is not
    # -180 is inside 180 days, -181 is not; -365 is inside 365 days; -366 counts any time only. Lisinopril's end, day
    # -1, does not matter: drugs count by their start.
    3: block(DIABETES, 101, 3) | block(BRONCHITIS, 101, 2) | block(ASPIRIN, 301, 2) | block(LISINOPRIL, 301, 1),
    4: block(BRONCHITIS, 101, 4),  # day +1 is outside; concept 0 never counts; three rows are one covariate
    # 12 December 2021 is day -200, 10 June 2022 day -20: distinct over both; 26 May 2021 is day -400
    5: block(ASPIRIN, 301, 4) | block(ECHO, 501, 4) | block(PRECAUTIONS, 501, 1),
    6: block(DIABETES, 101, 4) | block(BRONCHITIS, 101, 4),  # 31 May at 23:30 is day -30 still; 1 July is +1
    7: set(),  # the same patient, earlier: nothing was there
}
WANTED = {*range(101, 105), *range(301, 305), *range(501, 505)}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("toy")
    claims = folder / "omop"
    claims.mkdir()
    for name, text in (
        ("condition_occurrence", CONDITIONS), ("drug_exposure", DRUGS), ("procedure_occurrence", PROCEDURES),
    ):  # fmt: skip
        (claims / f"{name}.csv").write_text(text)
    cohort = "".join(f"{row},{person},{time}\n" for row, (person, time) in INDEX.items())
    (folder / "cohort.csv").write_text("row_id,patient_id,prediction_time\n" + cohort)
    notes = [{"note_id": "n1", "patient_id": "1", "note_time": "2022-06-01", "text": "Patient has asthma."}]
    return run(
        Settings(
            write_jsonl(folder / "notes.jsonl", notes),
            folder / "out",
            claims=claims,
            cohort=folder / "cohort.csv",
            lag=Lag.parse("notes=0h,claims=0d"),
            end_day=0,
        )
    )


def native(features: list[dict[str, object]]) -> dict[int, set[int]]:
    """Covariates with ids that FeatureExtraction gives too, by row. Local concepts have ids from 2,000,000,000 on."""
    found: dict[int, set[int]] = {row: set() for row in INDEX}
    for feature in features:
        covariate = int(str(feature["covariate_id"]))
        if covariate % 1000 in WANTED and covariate // 1000 < 2_000_000_000:
            assert feature["covariate_value"] == 1
            found[int(str(feature["row_id"]))].add(covariate)
    return found


def test_as_worked_out_by_hand(toy: RunResult) -> None:
    assert native(rows(toy.out, "feature")) == BY_HAND


def test_the_hand_agrees_with_the_rule_of_feature_extraction() -> None:
    """The rule as its SQL states it, on dates alone."""
    found: dict[int, set[int]] = {row: set() for row in INDEX}
    for text, concept, start, first in (
        (CONDITIONS, "condition_concept_id", "condition_start_date", 101),
        (DRUGS, "drug_concept_id", "drug_exposure_start_date", 301),
        (PROCEDURES, "procedure_concept_id", "procedure_date", 501),
    ):
        for line in csv.DictReader(io.StringIO(text)):
            for row, (person, time) in INDEX.items():
                days = (date.fromisoformat(line[start]) - date.fromisoformat(time[:10])).days
                if str(person) != line["person_id"] or days > 0 or line[concept] == "0":
                    continue
                for w, start_day in enumerate((None, -365, -180, -30)):
                    if start_day is None or days >= start_day:
                        found[row].add(int(line[concept]) * 1000 + first + w)
    assert found == BY_HAND


def test_the_code_without_a_concept_is_kept_apart(toy: RunResult) -> None:
    """FeatureExtraction drops concept 0; here its code has a number of its own, outside FeatureExtraction's."""
    of_four = [row for row in rows(toy.out, "feature") if row["row_id"] == 4]
    local = [row for row in of_four if row["covariate_id"] >= 2_000_000_000_000]
    assert {row["covariate_id"] % 1000 for row in local} == {*range(101, 105), *range(605, 613)}


def test_the_defaults_are_not_those_of_feature_extraction(toy: RunResult, tmp_path: Path) -> None:
    """With end_day -1 the index day is outside: patients 1, 5 and 6 lose what happened on it."""
    again = make_features(FeatureRequest(toy.out, tmp_path / "f", end_day=-1))
    found = native(rows(again.out, "feature"))
    assert found[1] == set()
    assert found[5] == BY_HAND[5] - block(ASPIRIN, 301, 4)
    assert found[6] == block(BRONCHITIS, 101, 4)
    assert found[2] == BY_HAND[2]
    assert {row["end_day"] for row in rows(again.out, "analysis_ref")} == {-1}
