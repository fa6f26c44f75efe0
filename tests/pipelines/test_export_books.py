"""What all exports share: the folder, the books, the purpose, the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phenotext.pipelines.errors import RunError
from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.feature_extraction import FeatureExtraction
from phenotext.pipelines.exporters.fhir_bundles import FhirBundles
from phenotext.pipelines.exporters.matrix import Matrix
from phenotext.pipelines.exporters.meds_dataset import MedsDataset
from phenotext.pipelines.exporters.note_nlp import NoteNlp
from phenotext.pipelines.exporters.omop_derived import OmopDerived
from phenotext.pipelines.exporters.tables_csv import TablesCsv
from phenotext.pipelines.exporters.wide import Wide

from .export_corpus import SENTINEL, file_bytes, make_run

EXPORTERS: dict[str, Any] = {
    "meds": MedsDataset(),
    "note-nlp": NoteNlp(processed_on="2024-05-06"),
    "omop-derived": OmopDerived(possible=True),
    "fe": FeatureExtraction(),
    "fhir": FhirBundles(snippets=True, processed_on="2024-05-06"),
    "matrix": Matrix(),
    "wide": Wide(),
    "csv": TablesCsv(),
}


@pytest.fixture(scope="module")
def same_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("same_run") / "run").out


@pytest.fixture(scope="module")
def commercial_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("commercial_run") / "run", purpose="commercial").out


@pytest.mark.parametrize("form", EXPORTERS)
def test_exports_are_the_same_bytes_again_and_their_books_hold(form: str, export_source: Path, tmp_path: Path) -> None:
    first = export_run(export_source, tmp_path / "a", EXPORTERS[form])
    second = export_run(export_source, tmp_path / "b", EXPORTERS[form])
    assert first == second
    assert file_bytes(tmp_path / "a") == file_bytes(tmp_path / "b")
    assert first["format"] == form
    assert json.loads((tmp_path / "a" / "export.json").read_bytes()) == first
    assert set(first["files"]) == set(file_bytes(tmp_path / "a")) - {"export.json"}
    assert all(file["rows"] >= 0 for file in first["files"].values() if "rows" in file)
    assert str(tmp_path) not in json.dumps(first)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize("form", EXPORTERS)
def test_equal_runs_in_two_places_export_equally(
    form: str, export_source: Path, same_run: Path, tmp_path: Path
) -> None:
    export_run(export_source, tmp_path / "a", EXPORTERS[form])
    export_run(same_run, tmp_path / "b", EXPORTERS[form])
    assert file_bytes(tmp_path / "a") == file_bytes(tmp_path / "b")


@pytest.mark.parametrize("form", EXPORTERS)
def test_a_minimal_run_gives_away_no_text(form: str, minimal_export_source: Path, tmp_path: Path) -> None:
    document = export_run(minimal_export_source, tmp_path / "a", EXPORTERS[form])
    for name, content in file_bytes(tmp_path / "a").items():
        assert SENTINEL.encode() not in content, name
        assert b"ada" not in content.replace(b"metadata", b"") or not name.endswith((".csv", ".ndjson")), name
    if form in ("note-nlp", "fhir", "csv"):
        assert any("snippet" in reason for reason in document["withheld"])


@pytest.mark.parametrize("form", ["note-nlp", "fhir", "csv"])
def test_text_goes_out_of_a_full_run_unless_it_is_asked_to_stay(form: str, export_source: Path, tmp_path: Path) -> None:
    import dataclasses

    from pyarrow import parquet

    export_run(export_source, tmp_path / "a", EXPORTERS[form])
    export_run(export_source, tmp_path / "b", dataclasses.replace(EXPORTERS[form], no_text=True))

    def told(folder: Path) -> bool:
        texts = [content for name, content in file_bytes(folder).items() if not name.endswith(".parquet")]
        texts += [str(parquet.read_table(path).to_pylist()).encode() for path in folder.glob("*.parquet")]
        return any(SENTINEL.encode() in text for text in texts)

    assert told(tmp_path / "a")
    assert not told(tmp_path / "b")


@pytest.mark.parametrize("form", EXPORTERS)
def test_a_commercial_run_exports_nothing(form: str, commercial_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="commercial"):
        export_run(commercial_run, tmp_path / "a", EXPORTERS[form])
    assert not (tmp_path / "a").exists()


def test_out_is_not_lost_by_mistake(export_source: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    with pytest.raises(RunError, match="holds no export"):
        export_run(export_source, tmp_path / "mine", Matrix(), overwrite=True)
    export_run(export_source, tmp_path / "a", Matrix())
    with pytest.raises(RunError, match="--overwrite"):
        export_run(export_source, tmp_path / "a", Matrix())
    before = file_bytes(tmp_path / "a")
    with pytest.raises(RunError, match="no features of source"):
        export_run(export_source, tmp_path / "a", Matrix(sources=("laboratory",)), overwrite=True)
    assert file_bytes(tmp_path / "a") == before  # a failed export leaves the old one
    export_run(export_source, tmp_path / "a", TablesCsv(), overwrite=True)
    assert not (tmp_path / "a" / "matrix.npz").exists()
    with pytest.raises(RunError, match="inside"):
        export_run(export_source, export_source / "exports", Matrix())
    with pytest.raises(RunError, match="no finished run"):
        export_run(tmp_path / "nothing", tmp_path / "b", Matrix())


def test_commands(
    export_source: Path,
    tmp_path: Path,
    phenotext: Callable[..., subprocess.CompletedProcess[str]],
    phenotext_process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    for form in EXPORTERS:
        call = phenotext_process if form == "meds" else phenotext
        done = call("export", form, export_source, "--out", tmp_path / form)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / form / "export.json").is_file()
    done = phenotext("export", "matrix", export_source, "--out", tmp_path / "x", "--columns", tmp_path / "none.json")
    assert done.returncode == 2
    assert "frozen columns" in done.stderr
    done = phenotext("export", "note-nlp", export_source, "--out", tmp_path / "x", "--processed-on", "soon")
    assert done.returncode == 2
    assert "YYYY-MM-DD" in done.stderr
