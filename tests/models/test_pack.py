"""Packs: same bytes for the same model, and every way in which a folder may be wrong is refused by its own error."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from phenotext.models.card import ABOUT, FIELDS, card_fields, model_card
from phenotext.models.card_answers import NOT_STATED, computed_answers
from phenotext.models.pack import FeatureRegistry, manifest_of, open_pack
from phenotext.models.pack_files import PackError, is_pickle

from .small_model import REGISTRY, origin, patients, small_model, write_small


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("pack") / "gout").path


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path / "model")
    return tmp_path / "model"


def relist(folder: Path, **changes: Any) -> None:
    """Make the manifest fit the files again, as someone who means harm would."""
    place = folder / "manifest.json"
    manifest = json.loads(place.read_bytes())
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path != place]
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    place.write_text(json.dumps(manifest | changes))


def test_a_model_read_again_gives_the_same_scores(written: Path) -> None:
    data, _ = patients()
    pack = open_pack(written)
    assert pack.sha256 == hashlib.sha256((written / "manifest.json").read_bytes()).hexdigest()
    np.testing.assert_array_equal(pack.model().logits(data), small_model().logits(data))


def test_same_seed_same_bytes(written: Path, tmp_path: Path) -> None:
    write_small(tmp_path / "gout")
    for path in sorted(written.iterdir()):
        assert (tmp_path / "gout" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_manifest_says_where_the_model_comes_from(written: Path) -> None:
    manifest = json.loads((written / "manifest.json").read_bytes())
    for name in ("libraries", "seed", "data_sha256", "licence", "schema_version", "stage", "trained_on_phi"):
        assert name in manifest
    assert manifest["feature_registry_sha256"] == REGISTRY.sha256()
    assert manifest["stage"] == "candidate"
    assert set(manifest["files"]) == {path.name for path in written.iterdir()} - {"manifest.json"}


Spoil = Callable[[Path], object]


def _nan(folder: Path) -> None:
    arrays = load_file(folder / "model.safetensors")
    arrays["coefficients"][0] = np.nan
    save_file(arrays, folder / "model.safetensors")
    relist(folder)


def _listed_pickle(folder: Path) -> None:
    (folder / "extra.dat").write_bytes(pickle.dumps({"weights": [1.0]}))
    relist(folder)


def _link(folder: Path) -> None:
    (folder / "card.md").unlink()
    (folder / "card.md").symlink_to(folder.parent / "elsewhere")


def _outside(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"]["../secret"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _cut_weights(folder: Path) -> None:
    place = folder / "model.safetensors"
    place.write_bytes(place.read_bytes()[:-40])
    relist(folder)


def _fewer_terms(folder: Path) -> None:
    meta = json.loads((folder / "model.json").read_bytes())
    meta["names"].pop()
    (folder / "model.json").write_text(json.dumps(meta))
    relist(folder)


FAULTS: dict[str, tuple[Spoil, str]] = {
    "tampered": (lambda f: (f / "thresholds.json").write_text('{"threshold": 0.0}'), "was changed after"),
    "missing": (lambda f: (f / "calibration.json").unlink(), "is listed in the manifest and missing"),
    "unlisted": (lambda f: (f / "notes.txt").write_text("x"), "is not listed in the manifest"),
    "pickle by name": (lambda f: (f / "model.pkl").write_bytes(b"x"), "is a pickle"),
    "pickle by content": (lambda f: (f / "weights").write_bytes(pickle.dumps([1])), "is a pickle"),
    "torch archive": (lambda f: (f / "weights").write_bytes(b"PK\x03\x04rest"), "is a pickle or an archive"),
    "listed pickle": (_listed_pickle, "is a pickle"),
    "NaN": (_nan, "1 weights of coefficients are NaN or infinite"),
    "schema version": (lambda f: relist(f, schema_version="0.9"), "is for version 0.9 of the tables"),
    "format": (lambda f: relist(f, format="phenotext-model/9"), "model format 'phenotext-model/9'"),
    "field": (lambda f: relist(f, demo="no"), "demo is missing or of another type"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "no manifest.json"),
    "damaged manifest": (lambda f: (f / "manifest.json").write_text("{"), "is no JSON object"),
    "NaN in JSON": (lambda f: ((f / "thresholds.json").write_text('{"threshold": NaN}'), relist(f)), "no JSON object"),
    "link": (_link, "is a link"),
    "outside": (_outside, "lists a file outside the folder"),
    "weights cut short": (_cut_weights, "no readable safetensors file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_folder_is_refused(copy: Path, fault: str) -> None:
    spoil, words = FAULTS[fault]
    open_pack(copy)  # sound before
    spoil(copy)
    with pytest.raises(PackError, match="(?s)" + words) as error:
        open_pack(copy)
    assert error.value.remedy


def test_each_fault_has_words_of_its_own() -> None:
    assert len({words for _, words in FAULTS.values()}) >= 14


def test_weights_that_do_not_fit_the_settings(copy: Path) -> None:
    _fewer_terms(copy)
    with pytest.raises(PackError, match="differ in number"):
        open_pack(copy).model()


def test_an_unknown_kind(copy: Path) -> None:
    relist(copy, kind="oracle")
    with pytest.raises(PackError, match="kind 'oracle' is not known"):
        open_pack(copy).model()


def test_the_header_of_safetensors_is_no_pickle(tmp_path: Path) -> None:
    # 640 bytes of header: the file then begins as a pickle of protocol 2 does
    place = tmp_path / "model.safetensors"
    place.write_bytes((640).to_bytes(8, "little") + b"{}".ljust(640))
    assert place.read_bytes()[:2] == b"\x80\x02"
    assert not is_pickle(place)


def test_registry_and_days_must_agree(written: Path) -> None:
    pack = open_pack(written)
    pack.check_registry(REGISTRY, -1)
    with pytest.raises(PackError, match="feature registry mismatch: the run numbers concepts by another"):
        pack.check_registry(FeatureRegistry("d" * 64, "b" * 64), -1)
    with pytest.raises(PackError, match="feature registry mismatch: the run has another registry"):
        pack.check_registry(FeatureRegistry("a" * 64, "d" * 64), -1)
    with pytest.raises(PackError, match="up to day -1"):
        pack.check_registry(REGISTRY, 0)


def test_nothing_is_written_over(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="holds a model already"):
        write_small(copy)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(PackError, match="not empty and holds no model"):
        write_small(tmp_path / "mine")


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    model = small_model()
    assert model.linear is not None
    model.linear[0][0] = np.inf
    with pytest.raises(PackError, match="NaN or infinite"):
        write_small(tmp_path / "gout", model)
    assert not list(tmp_path.iterdir())


def test_the_card_answers_every_field(written: Path) -> None:
    card = (written / "card.md").read_text()
    assert card.startswith("---\n")
    for name, table in FIELDS.items():
        for _, field, _ in card_fields(table):
            assert (f"**{field}.**" if name == "chai" else f"| {field} |") in card
    items = {section for section, _, _ in card_fields(FIELDS["tripod"])}
    assert {item.rstrip("abcdefg") for item in items} == {str(number) for number in range(1, 28)}
    assert "auroc 0.900 [0.800, 0.950]" in card
    assert NOT_STATED in card  # nobody said anything here
    assert f"{len(ABOUT)} of {len(ABOUT)} things" in card


def test_the_trainers_words_stand_in_the_card(tmp_path: Path) -> None:
    said = {name: f"word-{name}" for name in ABOUT}
    card = write_small(tmp_path / "gout", about=said).card
    for word in said.values():
        assert word in card
    assert NOT_STATED not in card
    assert "Nothing was left open." in card


def test_every_answer_of_the_card_is_known_and_has_words(written: Path) -> None:
    answers = computed_answers(open_pack(written).manifest, {}, {})
    named = {name for table in FIELDS.values() for _, _, names in card_fields(table) for name in names}
    assert {name for name in named if not name.startswith("about.")} <= set(answers)
    assert all(text.strip() for text in answers.values())


def test_small_counts_are_not_told(tmp_path: Path) -> None:
    data = {"n_patients": 42, "n_positive": 9, "n_notes": 213, "labels_by_kind": {"gold": 42}}
    card = write_small(tmp_path / "gout", data=data).card
    assert "42 labelled patients, fewer than 11 with the phenotype" in card


def test_shares_do_not_tell_small_counts() -> None:
    figure = {"estimate": 0.5, "low": 0.2, "high": 0.8}
    figures = {"auroc": figure, "ppv@10": figure}
    few = {"figures": figures, "positives": 9, "patients": 42, "prevalence": 9 / 42}
    many = few | {"positives": 11}
    for evaluation, shown in ((few, False), (many, True)):
        card = model_card(manifest_of(origin(), "tfidf"), evaluation, {})
        assert "auroc 0.500 [0.200, 0.800]" in card
        assert ("ppv@10" in card) == shown
        assert ("0.214" in card) == shown


def test_a_name_cannot_break_the_header(tmp_path: Path) -> None:
    import yaml

    card = write_small(tmp_path / "gout", name='g"out: yes\\', licence="not stated").card
    header = yaml.safe_load(card.split("---")[1])
    assert header["model_name"] == 'g"out: yes\\'
    assert header["license"] == "other"
