"""Covariates of OHDSI FeatureExtraction, read from the CSV or Parquet files that its data were saved to.

Three tables, with the names that R gives them or with those of the database: `covariates` (rowId, covariateId,
covariateValue), `covariateRef` and `analysisRef`; so `covariate_ref.csv` with `covariate_id` is read as well.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa

from ..nlp.tables import ANALYSIS_REF, COVARIATE_REF, FEATURE
from .database import Database, connect, quoted
from .errors import RunError
from .given_features import GivenFeatures
from .sql import read_sql

_ENDINGS = (".csv", ".csv.gz", ".parquet")
_TABLES = {
    "covariates": {"row_id": "BIGINT", "covariate_id": "BIGINT", "covariate_value": "DOUBLE"},
    "covariate_ref": {
        "covariate_id": "BIGINT", "covariate_name": "VARCHAR", "analysis_id": "BIGINT", "concept_id": "BIGINT",
    },
    "analysis_ref": {
        "analysis_id": "BIGINT", "analysis_name": "VARCHAR", "domain_id": "VARCHAR", "start_day": "INTEGER",
        "end_day": "INTEGER", "is_binary": "VARCHAR", "missing_means_zero": "VARCHAR",
    },
}  # fmt: skip
_MAY_BE_EMPTY = frozenset({"start_day", "end_day", "missing_means_zero", "is_binary", "domain_id", "concept_id"})


def read_fe_covariates(folder: Path, end_day: int) -> GivenFeatures:
    """The covariates of a folder. An analysis without an end day (demographics) takes `end_day`.

    Raises RunError for a table or column that is missing, and cells that are no numbers.
    """
    if not folder.is_dir():
        raise RunError(
            "no such folder", where=str(folder), remedy="give a folder of covariates, covariateRef, analysisRef"
        )
    database = connect()
    try:
        for table, columns in _TABLES.items():
            _load(database, _find(folder, table), table, columns)
        database.execute("CREATE TABLE horizon AS SELECT CAST(? AS INTEGER) AS end_day", [end_day])
        strange = database.execute(
            "SELECT count(*) FROM fe_covariates ANTI JOIN fe_covariate_ref USING (covariate_id)"
        ).fetchall()[0][0]
        if strange:
            raise RunError(
                f"{strange} covariates are not in covariateRef",
                where=str(folder),
                remedy="save all three tables together",
            )
        strange = database.execute(
            "SELECT count(*) FROM fe_covariate_ref ANTI JOIN fe_analysis_ref USING (analysis_id)"
        ).fetchall()[0][0]
        if strange:
            raise RunError(
                f"{strange} rows of covariateRef have an analysis that is not in analysisRef", where=str(folder),
                remedy="save all three tables together",
            )  # fmt: skip

        def read(query: str, schema: pa.Schema) -> pa.Table:
            return database.sql(query).to_arrow_table().select(schema.names).cast(schema)

        return GivenFeatures(
            read("SELECT row_id, covariate_id, covariate_value FROM fe_covariates", FEATURE),
            read(read_sql("fe_covariate_ref"), COVARIATE_REF),
            read(read_sql("fe_analysis_ref"), ANALYSIS_REF),
            str(folder),
        )
    finally:
        database.close()


def _find(folder: Path, table: str) -> Path:
    wanted = {table.replace("_", "") + ending for ending in _ENDINGS}
    for path in sorted(folder.iterdir()):
        if path.name.lower().replace("_", "") in wanted:
            return path
    raise RunError(f"no {table} in this folder", where=str(folder), remedy=f"put in {table}.csv or {table}.parquet")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()).lower()


def _refuse_other_kinds(database: Database, path: Path, source: str, given: dict[str, str]) -> None:
    """Raise RunError for covariates of whole cohorts and for temporal ones, whose windows our ids do not tell apart."""
    if {"sum_value", "average_value"} & given.keys():
        raise RunError(
            "covariates are aggregated", where=path.name, remedy="run FeatureExtraction with aggregated = FALSE"
        )
    times = f"SELECT count(nullif(CAST(\"{given.get('time_id')}\" AS VARCHAR), 'NA')) FROM {source}"
    if "time_id" in given and database.execute(times).fetchall()[0][0]:
        raise RunError(
            "covariates are temporal", where=path.name, remedy="use createCovariateSettings, not the temporal settings"
        )


def _load(database: Database, path: Path, table: str, columns: dict[str, str]) -> None:
    """Table `fe_<table>` with these columns."""
    if path.suffix == ".parquet":
        source = f"read_parquet({quoted(path)})"
    else:
        source = f"read_csv({quoted(path)}, all_varchar = true, header = true, strict_mode = true)"
    try:
        given = {_snake(row[0]): row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    except duckdb.Error:
        raise RunError("cannot be read as a table", where=path.name, remedy="give UTF-8 CSV or Parquet") from None
    missing = [name for name in columns if name not in given and name not in _MAY_BE_EMPTY]
    if table == "covariates":
        _refuse_other_kinds(database, path, source, given)
    if missing:
        raise RunError(f"no column {', '.join(missing)}", where=path.name, remedy="save it as FeatureExtraction does")
    picked = ", ".join(
        f"nullif(trim(CAST(\"{given[name]}\" AS VARCHAR)), '') AS {name}"
        if name in given else f"CAST(NULL AS VARCHAR) AS {name}"
        for name in columns
    )  # fmt: skip
    database.execute(f"CREATE TABLE raw_{table} AS SELECT {picked}, row_number() OVER () AS place FROM {source}")
    # R writes a missing cell as NA, and whole numbers above 99,999 as 1e+05 or 201826101.0 now and then
    typed = {
        name: f"TRY_CAST(CASE WHEN {name} <> 'NA' THEN {name} END AS {kind})"
        if kind != "BIGINT" else f"TRY_CAST(TRY_CAST({name} AS DECIMAL(38, 4)) AS BIGINT)"
        for name, kind in columns.items()
    }  # fmt: skip
    for name in columns:
        wrong = database.execute(
            f"SELECT min(place) FROM raw_{table} WHERE {typed[name]} IS NULL "
            + (f"AND {name} IS NOT NULL AND {name} <> 'NA'" if name in _MAY_BE_EMPTY else "")
        ).fetchall()[0][0]
        if wrong is not None:
            raise RunError(f"{name} cannot be read", where=f"{path.name} row {wrong}", remedy="save the table again")
    chosen = ", ".join(f"{typed[name]} AS {name}" for name in columns)
    database.execute(f"CREATE TABLE fe_{table} AS SELECT {chosen} FROM raw_{table}")
