"""`phenotext features`: any cohort from a finished run, joined with claims and with FeatureExtraction's covariates."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.nlp.tables import ANALYSIS_REF, COHORT, COVARIATE_REF, FEATURE
from phenotext.pipelines import features, sql
from phenotext.pipelines.analysis_choice import AnalysisChoice
from phenotext.pipelines.claims_import import ImportOptions, import_claims
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.feature_request import FeatureRequest, FeatureResult, make_features
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import NOTES, rows, write_jsonl

PERSON = (
    "person_id,year_of_birth,month_of_birth,day_of_birth,gender_concept_id,race_concept_id,ethnicity_concept_id,"
    "person_source_value\n1,1950,3,4,8532,8527,0,ada\n2,1980,1,1,8507,0,0,bob\n3,1990,1,1,0,0,0,77\n"
)
CONDITIONS = (
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value,paid_date\n"
    "1,1,0,2021-01-12,J45.20,2021-02-01\n2,1,0,2021-02-20,J45.20,2021-02-25\n"
    "3,2,0,2021-01-20,I10,2021-01-25\n4,1,0,2021-02-21,I10,2021-12-01\n"
)
PERIODS = (
    "person_id,observation_period_start_date,observation_period_end_date\n"
    "1,2015-01-01,2021-12-31\n2,2021-01-01,2021-12-31\n"
)
COHORT_FILE = "patient_id,prediction_time\nada,2021-04-01\nbob,2021-03-01\nada,2021-02-02\nnobody,2021-02-02\n"
TABLES = ("feature", "covariate_ref", "analysis_ref", "cohort")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    write_jsonl(folder / "notes.jsonl", NOTES)
    (folder / "cohort.csv").write_text(COHORT_FILE)
    (folder / "omop").mkdir()
    for name, text in (("person", PERSON), ("condition_occurrence", CONDITIONS), ("observation_period", PERIODS)):
        (folder / "omop" / f"{name}.csv").write_text(text)
    run(Settings(folder / "notes.jsonl", folder / "notes_only"))
    both = Settings(folder / "notes.jsonl", folder / "both", claims=folder / "omop", cohort=folder / "cohort.csv")
    run(both)
    import_claims(ImportOptions(folder / "omop", folder / "events"))
    return folder


def request(folder: Path, out: Path, **options: Any) -> FeatureResult:
    return make_features(replace(FeatureRequest(folder / "notes_only", out), **options))


def named(out: Path) -> dict[int, dict[str, float]]:
    """Values by row and feature name."""
    names = {row["covariate_id"]: row["feature_name"] for row in rows(out, "covariate_ref")}
    found: dict[int, dict[str, float]] = {row["row_id"]: {} for row in rows(out, "cohort")}
    for row in rows(out, "feature"):
        found[row["row_id"]][names[row["covariate_id"]]] = row["covariate_value"]
    return found


@pytest.mark.parametrize("claims", ["events", "omop"])
def test_claims_joined_later_give_the_bytes_of_a_run_with_claims(folder: Path, tmp_path: Path, claims: str) -> None:
    result = request(folder, tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / claims)
    for table in TABLES:
        assert (tmp_path / "f" / f"{table}.parquet").read_bytes() == (folder / "both" / f"{table}.parquet").read_bytes()
    assert result.document["counts"]["patients_in_run_and_claims"] == 2
    assert not [path for path in tmp_path.iterdir() if path.name != "f"]


def test_one_table_of_notes_claims_and_demographics(folder: Path, tmp_path: Path) -> None:
    request(folder, tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / "events")
    cohort = {row["row_id"]: row for row in rows(tmp_path / "f", "cohort")}
    found = named(tmp_path / "f")
    times = {str(row["prediction_time"])[:10]: key for key, row in cohort.items()}
    late = found[times["2021-04-01"]]
    assert late["note_snomed_195967001_present_any_count"] == 2  # 10 January and 1 March
    assert late["claims_snomed_195967001_any_count"] == 2  # 12 January and 20 February
    assert late["claims_snomed_195967001_any_recency"] == 40
    assert "claims_snomed_38341003_any_count" not in late  # paid in December
    assert late["person_gender_8532"] == late["person_age_70_74"] == 1
    assert late["person_age_years"] == 71
    assert late["person_prior_observation_days"] == 2282  # 2015-01-01 to 2021-04-01
    assert late["note_volume_any_notes"] == 2
    nobody = next(found[key] for key, row in cohort.items() if len(found[key]) == 3)
    assert nobody == {"note_volume_any_notes": 0, "note_volume_any_days": 0, "note_volume_any_recency": -1}


def test_rows_say_whether_they_were_observed_long_enough(folder: Path, tmp_path: Path) -> None:
    options = {"cohort": folder / "cohort.csv", "claims": folder / "events"}
    result = request(folder, tmp_path / "f", **options)
    assert result.document["counts"]["cohort_rows_by_lookback"] == {"enough": 2, "short": 1, "unknown": 1}
    request(folder, tmp_path / "g", **options, exclude_short=True)
    assert [row["lookback"] for row in rows(tmp_path / "g", "cohort")] == ["enough", "enough"]
    assert {row["row_id"] for row in rows(tmp_path / "g", "feature")} == {
        row["row_id"] for row in rows(tmp_path / "g", "cohort")
    }
    short = request(folder, tmp_path / "h", **options, min_lookback=30)
    assert short.document["counts"]["cohort_rows_by_lookback"] == {
        "enough": 3, "unknown": 1,
    }  # fmt: skip
    with pytest.raises(RunError, match="--exclude-short needs claims"):
        request(folder, tmp_path / "i", exclude_short=True)


def test_a_cohort_may_name_the_runs_own_numbers(folder: Path, tmp_path: Path) -> None:
    given = pq.read_table(folder / "both" / "cohort.parquet").select(["row_id", "subject_id", "prediction_time"])
    pq.write_table(given, tmp_path / "c.parquet")
    request(folder, tmp_path / "f", cohort=tmp_path / "c.parquet", claims=folder / "events")
    assert (tmp_path / "f" / "feature.parquet").read_bytes() == (folder / "both" / "feature.parquet").read_bytes()


def test_only_what_is_asked_for(folder: Path, tmp_path: Path) -> None:
    choice = AnalysisChoice.parse("605-612")
    request(folder, tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / "events", analyses=choice)
    assert {row["analysis_id"] for row in rows(tmp_path / "f", "analysis_ref")} == {*range(605, 613), 693, 694, 695}
    assert {row["covariate_id"] % 1000 for row in rows(tmp_path / "f", "feature")} <= {*range(605, 613), 693, 694, 695}


def test_wide_has_a_column_a_feature(folder: Path, tmp_path: Path) -> None:
    request(folder, tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / "events", wide=True)
    wide = {row["row_id"]: row for row in rows(tmp_path / "f", "wide")}
    references = rows(tmp_path / "f", "covariate_ref")
    analyses = {row["analysis_id"]: row for row in rows(tmp_path / "f", "analysis_ref")}
    found = named(tmp_path / "f")
    assert list(next(iter(wide.values())))[3:] == [row["feature_name"] for row in references]
    for row_id, row in wide.items():
        for reference in references:
            missing = 0.0 if analyses[reference["analysis_id"]]["missing_means_zero"] == "Y" else None
            assert row[reference["feature_name"]] == found[row_id].get(reference["feature_name"], missing)


def test_schemas_and_references(folder: Path, tmp_path: Path) -> None:
    result = request(folder, tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / "events", check_leaks=True)
    for name, schema in zip(TABLES, (FEATURE, COVARIATE_REF, ANALYSIS_REF, COHORT), strict=True):
        assert pq.read_schema(tmp_path / "f" / f"{name}.parquet").equals(schema, check_metadata=True)
    references = {row["covariate_id"]: row for row in rows(tmp_path / "f", "covariate_ref")}
    assert {row["covariate_id"] for row in rows(tmp_path / "f", "feature")} <= set(references)
    assert len({row["feature_name"] for row in references.values()}) == len(references)
    assert [(leak.name, leak.identical) for leak in result.leaks] == [("deletion", True), ("shuffling", True)] * 2
    assert any(leak.later_rows for leak in result.leaks)


@pytest.mark.parametrize("part", ["known_event", "known_note", "demographic_feature"])
def test_a_leak_is_found(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    honest = sql.read_sql(part)
    leaking = (
        honest.replace("min(o.observation_start))", "min(o.observation_end))").replace(
            "CAST(start AS DATE) <= day", "start IS NOT NULL"
        )
        if part == "demographic_feature"
        else honest.replace("AND e.available_time <= c.prediction_time", "")
        .replace("AND n.available_time <= c.prediction_time", "")
        .replace("<= h.end_day", "<= h.end_day + 100000")
    )
    assert leaking != honest
    monkeypatch.setattr(features, "read_sql", lambda name: leaking if name == part else sql.read_sql(name))
    result = request(folder, tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / "events", check_leaks=True)
    assert not all(leak.identical for leak in result.leaks)
    assert not all(test["identical"] for test in result.document["leak_tests"])


COVARIATES = "rowId,covariateId,covariateValue\n1,201826210,1\n2,201826210,1\n2,8507001,1\n1,1901,3\n9,201826210,1\n"
REFERENCES = (
    "covariateId,covariateName,analysisId,conceptId\n201826210,condition_era group: T2DM,210,201826\n"
    '8507001,gender = MALE,1,8507\n1901,"Charlson index, Romano",901,0\n77210,not used,210,77\n'
)
ANALYSES = (
    "analysisId,analysisName,domainId,startDay,endDay,isBinary,missingMeansZero\n"
    "210,ConditionGroupEraLongTerm,Condition,-365,-1,Y,NA\n1,DemographicsGender,Demographics,NA,NA,Y,NA\n"
    "901,CharlsonIndex,Condition,NA,-1,N,Y\n"
)


def write_fe(folder: Path, **changes: str) -> Path:
    folder.mkdir()
    tables = {"covariates": COVARIATES, "covariateRef": REFERENCES, "analysisRef": ANALYSES} | changes
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_covariates_of_feature_extraction_are_joined_as_they_are(folder: Path, tmp_path: Path) -> None:
    options = {"cohort": folder / "cohort.csv", "claims": folder / "events"}
    fe = write_fe(tmp_path / "fe")
    result = request(folder, tmp_path / "f", fe=fe, check_leaks=True, **options)
    assert all(leak.identical for leak in result.leaks)
    plain = request(folder, tmp_path / "g", **options)
    joined = {(row["row_id"], row["covariate_id"]): row["covariate_value"] for row in rows(tmp_path / "f", "feature")}
    ours = {(row["row_id"], row["covariate_id"]): row["covariate_value"] for row in rows(plain.out, "feature")}
    given = {(1, 201826210): 1.0, (2, 201826210): 1.0, (2, 8507001): 1.0, (1, 1901): 3.0}
    # gender comes from FeatureExtraction alone: an analysis has one source
    assert joined == {key: value for key, value in ours.items() if key[1] % 1000 != 1} | given
    references = {row["covariate_id"]: row for row in rows(tmp_path / "f", "covariate_ref")}
    assert references[1901]["covariate_name"] == "Charlson index, Romano"
    assert references[201826210]["feature_name"] == "fe_201826210"
    assert 77210 not in references
    analyses = {row["analysis_id"]: row for row in rows(tmp_path / "f", "analysis_ref")}
    assert (analyses[210]["start_day"], analyses[210]["end_day"], analyses[210]["missing_means_zero"]) == (
        -365,
        -1,
        "Y",
    )
    assert (result.document["counts"]["fe_rows"], result.document["counts"]["fe_rows_outside_the_cohort"]) == (2, 1)


def test_snake_case_and_parquet_are_read_too(folder: Path, tmp_path: Path) -> None:
    fe = write_fe(tmp_path / "fe")
    (fe / "covariates.csv").unlink()
    (fe / "covariateRef.csv").rename(fe / "covariate_ref.csv")
    table = pa.table({"row_id": [1], "covariate_id": [201826210], "covariate_value": [1.0]})
    pq.write_table(table, fe / "covariates.parquet")
    request(folder, tmp_path / "f", fe=fe, cohort=folder / "cohort.csv")
    assert 201826210 in {row["covariate_id"] for row in rows(tmp_path / "f", "feature")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"analysisRef": ANALYSES.replace("-365,-1", "-365,0")}, r"end on another day than -1 \(analysis 210: 0\)"),
        ({"covariates": COVARIATES + "1,1901,4\n"}, "1 covariates come twice in one row"),
        ({"covariates": COVARIATES.replace("1,1901,3", "1,1901,three")}, r"covariates\.csv row 4: covariate_value"),
        ({"covariates": "rowId,covariateId\n1,2\n"}, "no column covariate_value"),
        ({"covariates": "covariateId,sumValue\n1,2\n"}, "covariates are aggregated"),
        ({"covariates": "rowId,covariateId,covariateValue,timeId\n1,1901,3,2\n"}, "covariates are temporal"),
        (
            {
                "covariates": COVARIATES + "1,1009,50\n",
                "covariateRef": REFERENCES + "1009,days after index,9,0\n",
                "analysisRef": ANALYSES + "9,Post,Demographics,NA,NA,N,Y\n",
            },
            "analysis 9 tells how long .* knows the future",
        ),
        ({"covariates": COVARIATES + "1,5,1\n"}, "1 covariates are not in covariateRef"),
        ({"covariateRef": REFERENCES + "9,x,9,0\n"}, "analysis that is not in analysisRef"),
        ({"covariates": "rowId,covariateId,covariateValue\n99,1901,1\n"}, "no rowId is a row_id of the cohort"),
    ],
)
def test_faulty_covariates(folder: Path, tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(RunError, match=message):
        request(folder, tmp_path / "f", fe=write_fe(tmp_path / "fe", **changes), cohort=folder / "cohort.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fe"]


def test_ids_keyed_with_a_secret(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef")
    settings = Settings(folder / "notes.jsonl", tmp_path / "keyed", id_key=key, phi="minimal")
    run(settings)
    asked = FeatureRequest(tmp_path / "keyed", tmp_path / "f", cohort=folder / "cohort.csv", claims=folder / "omop")
    assert make_features(asked).document["counts"]["patients_in_run_and_claims"] == 2
    with pytest.raises(RunError, match="another --id-key"):
        make_features(replace(asked, out=tmp_path / "g", claims=folder / "events"))
    moved = tmp_path / "moved"
    key.rename(moved)
    with pytest.raises(RunError, match="the id key of the run is not here"):
        make_features(replace(asked, out=tmp_path / "g"))
    make_features(replace(asked, out=tmp_path / "g", id_key=moved))
    moved.write_text("another0another0")
    with pytest.raises(RunError, match="not the id key of the run"):
        make_features(replace(asked, out=tmp_path / "h", id_key=moved))


def test_folders_that_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no finished run here"):
        make_features(FeatureRequest(tmp_path, tmp_path / "f"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(RunError, match="the folder is not empty"):
        request(folder, tmp_path / "full", overwrite=True)
    assert (tmp_path / "full" / "mine").exists()
    with pytest.raises(RunError, match="the run's own folder"):
        request(folder, folder / "notes_only" / "f")
    request(folder, tmp_path / "f")
    with pytest.raises(RunError, match="holds features"):
        request(folder, tmp_path / "f")
    before = (tmp_path / "f" / "feature.parquet").read_bytes()
    request(folder, tmp_path / "f", overwrite=True)
    assert (tmp_path / "f" / "feature.parquet").read_bytes() == before
    with pytest.raises(RunError, match="--memory cannot read"):
        request(folder, tmp_path / "g", memory="lots")
    with pytest.raises(RunError, match="no such folder"):
        request(folder, tmp_path / "g", claims=tmp_path / "nothing")


def test_command(
    folder: Path,
    tmp_path: Path,
    phenotext: Callable[..., subprocess.CompletedProcess[str]],
    phenotext_process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = phenotext_process(
        "features", folder / "notes_only", "--cohort", folder / "cohort.csv", "--claims", folder / "events",
        "--out", tmp_path / "f", "--end-day", -1, "--analyses", "101-104,620-691", "--check-leaks", "--wide",
        "--memory", "1GB",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("identical") == 4
    assert "2 enough, 1 short, 1 unknown" in done.stdout
    assert "zebrafinchsentinel" not in done.stdout + done.stderr
    assert phenotext("features", folder / "notes_only", "--out", tmp_path / "f").returncode == 2
