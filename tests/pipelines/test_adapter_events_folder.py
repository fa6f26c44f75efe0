"""The folder of an import is what runs read, and it is the same bytes whenever the same is imported."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.nlp import tables
from phenotext.pipelines.claims_import import ImportOptions, import_claims
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.lag import Lag
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .adapter_samples import put_files, table, take_in
from .conftest import rows

Call = Callable[..., subprocess.CompletedProcess[str]]
FILES = {
    "person.csv": "person_id,person_source_value,year_of_birth\n10,ada,1950\n11,bob,1960\n",
    "condition_occurrence.csv": "person_id,condition_concept_id,condition_start_date,condition_source_value,"
    "visit_occurrence_id\n10,0,2021-01-12,J45.909,500\n11,0,2021-01-12,Z99.9,\n10,0,2021-01-12,"
    "O99.511,\n10,0,soon,I10,\n",
    "visit_occurrence.csv": "visit_occurrence_id,person_id,visit_source_value\n500,10,e1\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return put_files(tmp_path / "claims", FILES)


def test_a_run_with_the_folder_is_the_run_with_the_source(source: Path, tmp_path: Path, notes_file: Path) -> None:
    take_in(source, tmp_path / "events")
    direct = run(Settings(notes_file, tmp_path / "direct", claims=source))
    through = run(Settings(notes_file, tmp_path / "through", claims=tmp_path / "events"))
    for name in ("event", "feature", "covariate_ref", "metadata/codes", "person", "observation_period", "quarantine"):
        one, other = rows(direct.out, name), rows(through.out, name)
        assert len(one) > 0, name
        for row in [*one, *other]:
            row["run_id"] = ""
        assert one == other, name
    assert direct.document["counts"]["claims"]["rows"] == through.document["counts"]["claims"]["rows"] == 3
    assert table(direct.out / "private", "id_map") == table(through.out / "private", "id_map")


def test_the_same_input_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        take_in(source, tmp_path / name)
    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.parquet")} for name in ("a", "b")
    )
    assert len(one) == 10
    assert one == other


def test_tables_have_the_schemas_of_the_project(source: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    take_in(source, tmp_path / "out")
    for name in ("event", "person", "observation_period", "codes", "quarantine"):
        schema = pq.read_schema(tmp_path / "out" / f"{name}.parquet")
        assert schema.equals(tables.TABLES[name], check_metadata=False), name
    assert (tmp_path / "out" / "private" / "id_map.parquet").stat().st_mode & 0o777 == 0o600


def test_what_would_not_meet_the_run_is_refused(source: Path, tmp_path: Path, notes_file: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123")
    take_in(source, tmp_path / "keyed", id_key=key)
    with pytest.raises(RunError, match="another --id-key"):
        run(Settings(notes_file, tmp_path / "out1", claims=tmp_path / "keyed"))
    take_in(source, tmp_path / "late", lag=Lag(claims_hours=24))
    with pytest.raises(RunError, match=r"--lag notes=72h,claims=24h"):
        run(Settings(notes_file, tmp_path / "out2", claims=tmp_path / "late"))
    take_in(source, tmp_path / "spoilt")
    (tmp_path / "spoilt" / "event.parquet").write_bytes(b"")
    with pytest.raises(RunError, match="changed after the import"):
        run(Settings(notes_file, tmp_path / "out3", claims=tmp_path / "spoilt"))


def test_folders_are_not_overwritten_unasked(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    take_in(source, out)
    with pytest.raises(RunError, match="finished import"):
        import_claims(ImportOptions(source, out))
    import_claims(ImportOptions(source, out, overwrite=True))
    strange = put_files(tmp_path / "mine", {"letter.txt": "dear"})
    with pytest.raises(RunError, match="holds no import"):
        import_claims(ImportOptions(source, strange))
    with pytest.raises(RunError, match="lies inside"):
        import_claims(ImportOptions(source, source / "out"))


def test_the_command(source: Path, tmp_path: Path, phenotext: Call, phenotext_process: Call) -> None:
    done = phenotext_process("claims", "import", source, "--out", tmp_path / "events")
    assert done.returncode == 0, done.stderr
    assert "4 rows with 4 codes" in done.stdout
    assert "unreadable_date" in done.stdout
    unmapped = {
        (row["vocabulary"], row["code"], row["rows"], row["persons"]) for row in table(tmp_path / "events", "unmapped")
    }
    assert unmapped == {("ICD10CM", "Z99.9", 1, 1), ("ICD10CM", "O99.511", 1, 1)}
    again = phenotext("claims", "import", source, "--out", tmp_path / "events")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    assert phenotext("claims", "import", tmp_path / "nowhere", "--out", tmp_path / "x").returncode == 2
