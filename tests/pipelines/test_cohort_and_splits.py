"""The user's own cohort and splits, and the default split."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.splits import default_split

from .conftest import rows


def with_cohort(notes: Path, tmp_path: Path, text: str) -> RunResult:
    path = tmp_path / "cohort.csv"
    path.write_text(text)
    return run(Settings(notes, tmp_path / "out", cohort=path))


def test_a_cohort_of_the_user(notes_file: Path, tmp_path: Path) -> None:
    result = with_cohort(
        notes_file,
        tmp_path,
        "patient_id,index_date,cohort_id,label,observation_start\nada,2021-02-01,3,1,2020-01-01\nada,2021-06-01,3,0,\nzoe,2021-01-01,4,,\n",
    )
    cohort = rows(result.out, "cohort")
    assert [row["row_id"] for row in cohort] == [1, 2, 3]
    assert {(row["prediction_time"], row["label"], row["observation_start"]) for row in cohort} == {
        (datetime(2021, 2, 1), 1.0, datetime(2020, 1, 1)), (datetime(2021, 6, 1), 0.0, None),
        (datetime(2021, 1, 1), None, None),
    }  # fmt: skip
    by_time = {row["prediction_time"]: row["row_id"] for row in cohort}
    volume = {
        (row["row_id"], row["covariate_id"]): row["covariate_value"]
        for row in rows(result.out, "feature")
        if row["covariate_id"] < 1000
    }
    assert volume[by_time[datetime(2021, 2, 1)], 693] == 1
    assert volume[by_time[datetime(2021, 6, 1)], 693] == 2
    assert volume[by_time[datetime(2021, 1, 1)], 693] == 0
    assert result.document["counts"]["cohort_rows_without_data"] == 1


def test_a_cohort_in_parquet(notes_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "cohort.parquet"
    pq.write_table(pa.table({"row_id": [9], "subject_id": ["ada"], "prediction_time": [datetime(2021, 2, 1)]}), path)
    result = run(Settings(notes_file, tmp_path / "out", cohort=path))
    assert [row["row_id"] for row in rows(result.out, "cohort")] == [9]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("patient_id,when\nada,2021-01-01\n", "no column prediction_time"),
        ("patient_id,prediction_time\nada,soon\n", "cohort.csv row 1: the prediction time cannot be read"),
        ("patient_id,prediction_time\n,2021-01-01\n", "cohort.csv row 1: no patient id"),
        ("patient_id,prediction_time,row_id\na,2021-01-01,1\nb,2021-01-01,1\n", "a row_id comes twice"),
    ],
)
def test_an_unusable_cohort_is_an_error(notes_file: Path, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RunError, match=told):
        with_cohort(notes_file, tmp_path, text)


def test_splits_of_the_user(notes_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_text("patient_id,split\nada,test\nbob,dev\n")
    result = run(Settings(notes_file, tmp_path / "out", splits=path))
    ids = {row["source_id"]: row["id"] for row in rows(result.out, "private/id_map") if row["kind"] == "patient"}
    splits = {row["subject_id"]: row["split"] for row in rows(result.out, "metadata/subject_splits")}
    assert (splits[ids["ada"]], splits[ids["bob"]]) == ("held_out", "tuning")
    assert splits[77] == default_split(77)
    assert result.document["counts"]["subjects_without_given_split"] == 1
    for split in set(splits.values()):
        subjects = {row["subject_id"] for row in pq.read_table(result.out / "data" / split / "0.parquet").to_pylist()}
        assert subjects <= {subject for subject, name in splits.items() if name == split}


def test_a_patient_in_two_splits_is_an_error(notes_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    path.write_text("patient_id,split\nada,test\nada,train\n")
    with pytest.raises(RunError, match="a patient is in two splits"):
        run(Settings(notes_file, tmp_path / "out", splits=path))


def test_the_default_split_is_80_10_10() -> None:
    shares = Counter(default_split(subject) for subject in range(20_000))
    assert shares["train"] / 20_000 == pytest.approx(0.8, abs=0.01)
    assert shares["tuning"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert set(shares) == {"train", "tuning", "held_out"}
