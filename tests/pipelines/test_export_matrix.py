"""Matrix and wide table: the feature table comes back, and scoring uses the training columns and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.nlp.tables import COHORT
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.exporters import wide as wide_module
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.matrix import Matrix, nearness
from phenotext.pipelines.exporters.wide import Wide

from .conftest import rows
from .export_corpus import copy_with

sparse = pytest.importorskip("scipy.sparse")


def read(folder: Path) -> tuple[dict[tuple[int, str], float], list[str], list[int]]:
    """Cells by row id and feature name, the columns, the row ids."""
    matrix = sparse.load_npz(folder / "matrix.npz").tocoo()
    names = [column["feature_name"] for column in json.loads((folder / "columns.json").read_bytes())["columns"]]
    row_ids = pq.read_table(folder / "rows.parquet")["row_id"].to_pylist()
    assert matrix.shape == (len(row_ids), len(names))
    return {(row_ids[r], names[c]): v for r, c, v in zip(matrix.row, matrix.col, matrix.data)}, names, row_ids


def expected(source: Path, *, recency: bool = True) -> dict[tuple[int, str], float]:
    """Cells by row id and feature name straight from the feature table, zeros left out."""
    refs = {row["covariate_id"]: row for row in rows(source, "covariate_ref")}
    analyses = {row["analysis_id"]: row for row in rows(source, "analysis_ref")}
    cells: dict[tuple[int, str], float] = {}
    for row in rows(source, "feature"):
        ref, value = refs[row["covariate_id"]], row["covariate_value"]
        if ref["agg"] == "recency" and recency:
            value = 0.0 if value < 0 else 1 / (1 + value)
        keeps_zero = analyses[ref["analysis_id"]]["missing_means_zero"] == "N" and ref["agg"] != "recency"
        if value != 0 or keeps_zero:
            cells[row["row_id"], ref["feature_name"]] = value
    return cells


def test_the_matrix_is_the_feature_table(export_source: Path, tmp_path: Path) -> None:
    document = export_run(export_source, tmp_path / "a", Matrix())
    cells, names, row_ids = read(tmp_path / "a")
    assert cells == expected(export_source)
    assert len(cells) == document["cells"] > 50
    assert names == sorted({row["feature_name"] for row in rows(export_source, "covariate_ref")})
    assert row_ids == [row["row_id"] for row in rows(export_source, "cohort")]
    assert any(name.endswith("recency") and 0 < value <= 1 for (_, name), value in cells.items())
    matrix = sparse.load_npz(tmp_path / "a" / "matrix.npz")
    assert matrix.format == "csr"
    assert matrix.has_canonical_format
    assert len(row_ids) == 3  # one patient has no fact at all, yet has a row


def test_recency_is_near_one_today_and_zero_for_never() -> None:
    import numpy as np

    assert nearness(np.array([0, 1, 9, -1])).tolist() == [1.0, 0.5, 0.1, 0.0]


def test_a_value_of_zero_is_kept_where_missing_is_not_zero(export_source: Path, tmp_path: Path) -> None:
    analyses = rows(export_source, "analysis_ref")
    feature = rows(export_source, "feature")
    refs = {row["covariate_id"]: row for row in rows(export_source, "covariate_ref")}
    chosen = next(row for row in feature if refs[row["covariate_id"]]["agg"] == "binary")
    chosen["covariate_value"] = 0.0
    analysis = next(row for row in analyses if row["analysis_id"] == chosen["covariate_id"] % 1000)
    name = refs[chosen["covariate_id"]]["feature_name"]
    for missing, stored in (("Y", None), ("N", 0.0)):
        analysis["missing_means_zero"] = missing
        source = copy_with(export_source, tmp_path / f"run{missing}", analysis_ref=analyses, feature=feature)
        export_run(source, tmp_path / missing, Matrix())
        assert read(tmp_path / missing)[0].get((chosen["row_id"], name)) == stored


def test_sources_part_the_columns(export_source: Path, tmp_path: Path) -> None:
    whole = expected(export_source)
    sources = {row["source"] for row in rows(export_source, "covariate_ref")}
    assert {"note", "claims"} <= sources
    found: dict[tuple[int, str], float] = {}
    for source in sorted(sources):
        document = export_run(export_source, tmp_path / source, Matrix(sources=(source,)))
        cells, names, _ = read(tmp_path / source)
        found |= cells
        assert document["withheld"]["column_of_another_source"] == len(rows(export_source, "covariate_ref")) - len(
            names
        )
    assert found == whole


def test_scoring_uses_the_training_columns(export_source: Path, tmp_path: Path) -> None:
    export_run(export_source, tmp_path / "train", Matrix())
    frozen = tmp_path / "train" / "columns.json"
    cells, names, _ = read(tmp_path / "train")
    lost, extra = names[3], names[5]
    refs = rows(export_source, "covariate_ref")
    for row in refs:
        if row["feature_name"] in (lost, extra):
            row["feature_name"] = f"other_{row['feature_name']}"
    source = copy_with(export_source, tmp_path / "run", covariate_ref=refs)
    document = export_run(source, tmp_path / "score", Matrix(columns=frozen))
    scored, used, _ = read(tmp_path / "score")
    assert used == names
    assert scored == {key: value for key, value in cells.items() if key[1] not in (lost, extra)}
    assert document["columns_missing_in_run"] == 2
    assert document["withheld"]["column_not_in_frozen_list"] == 2
    name_of = {ref["covariate_id"]: ref["feature_name"] for ref in rows(export_source, "covariate_ref")}
    dropped = [row for row in rows(export_source, "feature") if name_of[row["covariate_id"]] in (lost, extra)]
    assert document["withheld"]["cell_of_dropped_column"] == len(dropped)
    again = export_run(export_source, tmp_path / "again", Matrix(columns=frozen))
    assert again["columns_missing_in_run"] == 0
    assert (tmp_path / "again" / "matrix.npz").read_bytes() == (tmp_path / "train" / "matrix.npz").read_bytes()


@pytest.mark.parametrize(
    ("name", "value"), [("registry_sha256", "0" * 64), ("end_day", 0), ("format", "phenotext-columns/9")]
)
def test_columns_that_mean_something_else_are_refused(
    name: str, value: Any, export_source: Path, tmp_path: Path
) -> None:
    export_run(export_source, tmp_path / "train", Matrix())
    document = json.loads((tmp_path / "train" / "columns.json").read_bytes())
    (tmp_path / "other.json").write_text(json.dumps(document | {name: value}))
    with pytest.raises(RunError, match=name):
        export_run(export_source, tmp_path / "a", Matrix(columns=tmp_path / "other.json"))


def test_bad_choices_are_refused(export_source: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[]")
    with pytest.raises(RunError, match="no file of frozen columns"):
        export_run(export_source, tmp_path / "a", Matrix(columns=tmp_path / "broken.json"))
    with pytest.raises(RunError, match="contradict"):
        export_run(export_source, tmp_path / "a", Matrix(columns=tmp_path / "broken.json", sources=("note",)))
    with pytest.raises(RunError, match="no features here"):
        export_run(export_source, tmp_path / "a", Matrix(features=tmp_path))
    refs = rows(export_source, "covariate_ref")
    refs[1]["feature_name"] = refs[0]["feature_name"]
    with pytest.raises(RunError, match="one name"):
        export_run(copy_with(export_source, tmp_path / "run", covariate_ref=refs), tmp_path / "a", Matrix())
    with pytest.raises(RunError, match="more than 10"):
        export_run(export_source, tmp_path / "a", Wide(max_columns=10))


def test_features_of_another_cohort(export_source: Path, tmp_path: Path) -> None:
    from phenotext.pipelines.feature_request import FeatureRequest, make_features

    cohort = tmp_path / "cohort.csv"
    cohort.write_text("patient_id,prediction_time\nada,2021-02-01\nada,2022-01-01\n")
    make_features(FeatureRequest(export_source, tmp_path / "features", cohort=cohort))
    export_run(export_source, tmp_path / "a", Matrix(features=tmp_path / "features"))
    cells, _, row_ids = read(tmp_path / "a")
    assert len(row_ids) == 2
    assert cells == expected(tmp_path / "features")
    export_run(export_source, tmp_path / "w", Wide(features=tmp_path / "features"))
    assert pq.read_table(tmp_path / "w" / "wide.parquet").num_rows == 2


def wide_cells(folder: Path) -> tuple[dict[tuple[int, str], float], dict[tuple[int, str], None]]:
    filled: dict[tuple[int, str], float] = {}
    empty: dict[tuple[int, str], None] = {}
    for row in pq.read_table(folder / "wide.parquet").to_pylist():
        for name, cell in row.items():
            if name not in COHORT.names:
                if cell is None:
                    empty[row["row_id"], name] = None
                elif cell != 0:
                    filled[row["row_id"], name] = cell
    return filled, empty


@pytest.mark.parametrize("height", [1, 2, 100])
def test_the_wide_table_is_the_feature_table(
    height: int, export_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_columns = len(rows(export_source, "covariate_ref"))
    monkeypatch.setattr(wide_module, "_CELLS_IN_MEMORY", height * n_columns)
    export_run(export_source, tmp_path / "a", Wide())
    filled, empty = wide_cells(tmp_path / "a")
    assert filled == {key: value for key, value in expected(export_source, recency=False).items() if value}
    head = pq.read_table(tmp_path / "a" / "wide.parquet").select(COHORT.names)
    assert head.to_pylist() == rows(export_source, "cohort")
    missing = {
        row["feature_name"]
        for row in rows(export_source, "covariate_ref")
        if {a["analysis_id"]: a for a in rows(export_source, "analysis_ref")}[row["analysis_id"]]["missing_means_zero"]
        == "N"
    }
    assert {name for _, name in empty} <= missing  # null only where missing is not zero
    assert empty


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_nearness_keeps_the_order_of_days(days: list[float]) -> None:
    import numpy as np

    near = nearness(np.array(sorted(days)))
    assert (np.diff(near) <= 0).all()
    assert ((near > 0) & (near <= 1)).all()
