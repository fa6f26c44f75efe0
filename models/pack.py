"""A model as a folder ("pack"): weights, settings, calibration, thresholds, evaluation, card, and a manifest of hashes.

A pack never changes once it is written: what people decide about it later stands in the registry's log. So the hash of
the manifest, which has the hash of every file, names the model. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..nlp.tables import SCHEMA_VERSION
from ..nlp.version import VERSION
from .pack_files import (
    CALIBRATION,
    CARD,
    EVALUATION,
    MANIFEST,
    META,
    THRESHOLDS,
    WEIGHTS,
    PackError,
    json_bytes,
    read_object,
    verified_files,
)
from .patient_model import ModelDataError

if TYPE_CHECKING:
    from .patient_model import PatientModel

FORMAT = "phenotext-model/1"
# The stage in which every pack is written; the registry's log has those that follow.
FIRST_STAGE = "candidate"
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "xgboost", "safetensors", "pyarrow")
# (name, type) of what a manifest must have
_MUST = (
    ("format", str), ("name", str), ("version", str), ("kind", str), ("phenotype_code", str), ("phenotype_name", str),
    ("schema_version", str), ("data_sha256", str), ("data", dict), ("seed", int), ("libraries", dict),
    ("licence", str), ("trained_on_phi", bool), ("demo", bool), ("stage", str), ("end_day", int), ("about", dict),
    ("files", dict),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeatureRegistry:
    """What must be the same where a model is trained and where it scores, or one feature name means two things.

    `registry_sha256`: the numbering of concepts; `analysis_registry`: the hash of the registry of analyses.
    """

    registry_sha256: str
    analysis_registry: str

    def sha256(self) -> str:
        """Hash of both."""
        return hashlib.sha256(json_bytes(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, for its manifest.

    `data` holds counts and hashes of the training data (no ids), `data_sha256` names labels and notes together.
    `registry` is None for a model that reads no features. `demo` with `demo_reason` marks a model that may never be
    promoted. `about` is what the trainer says of the model in words (see card.ABOUT).
    """

    name: str
    version: str
    phenotype_code: str
    phenotype_name: str
    data_sha256: str
    data: Mapping[str, Any]
    seed: int
    end_day: int
    licence: str = "not stated"
    trained_on_phi: bool = True
    demo: bool = False
    demo_reason: str = ""
    registry: FeatureRegistry | None = None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelPack:
    """An opened pack: all files checked, nothing executed. `sha256` is that of the manifest."""

    path: Path
    sha256: str
    manifest: dict[str, Any]
    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]
    calibration: dict[str, Any]
    thresholds: dict[str, Any]
    evaluation: dict[str, Any]
    card: str

    @property
    def kind(self) -> str:
        return self.manifest["kind"]

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @property
    def demo(self) -> bool:
        return self.manifest["demo"]

    def check_registry(self, registry: FeatureRegistry, end_day: int) -> None:
        """Raise PackError where features or days of a run mean something else than in training."""
        ours = self.manifest["end_day"]
        if ours != end_day:
            raise PackError(
                self.path,
                f"the model was trained on notes up to day {ours} before the prediction, the run counts to {end_day}",
                f"run with --end-day {ours}",
            )
        expected = self.manifest.get("feature_registry")
        if expected is None:
            return
        for key, words in (
            ("registry_sha256", "numbers concepts by another terminology"),
            ("analysis_registry", "has another registry of analyses"),
        ):
            if expected.get(key) != getattr(registry, key):
                raise PackError(
                    self.path,
                    f"feature registry mismatch: the run {words} than the one the model was trained on",
                    "score a run made with the same terminology and version, or train again",
                )

    def model(self) -> PatientModel:
        """The classifier, ready to score. Raises PackError for a kind this version does not have."""
        from .kinds import model_class

        cls = model_class(self.kind, where=self.path)
        try:
            return cls.from_arrays(self.arrays, self.meta)
        except ModelDataError as error:
            raise PackError(self.path, str(error), "do not score with it") from None
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise PackError(
                self.path,
                f"the weights do not fit the settings ({type(error).__name__})",
                "write the pack again with `phenotext train`",
            ) from None


def write_pack(
    folder: Path,
    origin: Origin,
    model: PatientModel,
    *,
    calibration: Mapping[str, Any],
    thresholds: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    overwrite: bool = False,
) -> ModelPack:
    """Write a pack, whole or not at all, and open it. Same model and origin, same bytes.

    Raises PackError where `folder` exists and is no pack, or is one and `overwrite` is False, and for weights that are
    not finite.
    """
    from .card import model_card

    _check_target(folder, overwrite)
    arrays, meta = model.arrays()
    _refuse_not_finite(arrays, folder)
    head = manifest_of(origin, model.kind)
    content = {
        WEIGHTS: _weights(arrays),
        META: json_bytes(meta),
        CALIBRATION: json_bytes(calibration),
        THRESHOLDS: json_bytes(thresholds),
        EVALUATION: json_bytes(evaluation),
    }
    content[CARD] = model_card(head, evaluation, thresholds).encode()
    head["files"] = {name: hashlib.sha256(content[name]).hexdigest() for name in sorted(content)}
    content[MANIFEST] = json_bytes(head)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for name, data in content.items():
            (aside / name).write_bytes(data)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return open_pack(folder)


def open_pack(path: str | Path) -> ModelPack:
    """Open a pack after checking every file. Raises PackError, which says what is wrong and what to do.

    Refused are: pickles and anything else that could run code, files that the manifest does not list, missing and
    changed files, links, another format or schema version, damaged JSON, weights that are not finite.
    """
    folder = Path(path)
    manifest_bytes, manifest = read_manifest(folder)
    content = verified_files(folder, manifest["files"])
    lacking = [name for name in (WEIGHTS, META, CALIBRATION, THRESHOLDS, EVALUATION, CARD) if name not in content]
    if lacking:
        raise PackError(folder, f"the manifest lists no {lacking[0]}", "write the pack again with `phenotext train`")
    arrays = _read_weights(content[WEIGHTS], folder)
    _refuse_not_finite(arrays, folder)
    return ModelPack(
        path=folder,
        sha256=hashlib.sha256(manifest_bytes).hexdigest(),
        manifest=manifest,
        arrays=arrays,
        meta=read_object(content[META], folder / META),
        calibration=read_object(content[CALIBRATION], folder / CALIBRATION),
        thresholds=read_object(content[THRESHOLDS], folder / THRESHOLDS),
        evaluation=read_object(content[EVALUATION], folder / EVALUATION),
        card=content[CARD].decode("utf-8", "replace"),
    )


def read_manifest(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """The manifest's bytes and content, its format and fields checked; the other files are not looked at."""
    if not folder.is_dir():
        raise PackError(folder, "no such model folder", "name the folder that `phenotext train --out` wrote")
    place = folder / MANIFEST
    if not place.is_file() or place.is_symlink():
        raise PackError(folder, f"no {MANIFEST}, so this is no model", "name the --out folder of `phenotext train`")
    content = place.read_bytes()
    manifest = read_object(content, place)
    if manifest.get("format") != FORMAT:
        raise PackError(
            place, f"model format {manifest.get('format')!r}, this version reads {FORMAT!r}", "train the model again"
        )
    for name, kind in _MUST:
        value = manifest.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise PackError(place, f"{name} is missing or of another type", "write the pack again")
    if manifest["schema_version"] != SCHEMA_VERSION:
        raise PackError(
            place,
            f"the model is for version {manifest['schema_version']} of the tables, this is {SCHEMA_VERSION}",
            "train the model again with this version",
        )
    return content, manifest


def manifest_of(origin: Origin, kind: str) -> dict[str, Any]:
    """A manifest without its files."""
    registry = origin.registry
    return {
        "format": FORMAT,
        "name": origin.name,
        "version": origin.version,
        "kind": kind,
        "phenotype_code": origin.phenotype_code,
        "phenotype_name": origin.phenotype_name,
        "schema_version": SCHEMA_VERSION,
        "feature_registry": None if registry is None else asdict(registry),
        "feature_registry_sha256": None if registry is None else registry.sha256(),
        "end_day": origin.end_day,
        "data_sha256": origin.data_sha256,
        "data": dict(origin.data),
        "seed": origin.seed,
        "libraries": library_versions(),
        "licence": origin.licence,
        "trained_on_phi": origin.trained_on_phi,
        "demo": origin.demo,
        "demo_reason": origin.demo_reason,
        "stage": FIRST_STAGE,
        "about": dict(origin.about),
    }


def library_versions() -> dict[str, str]:
    """Versions of what decides the weights."""
    found = {"phenotext": VERSION}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _check_target(folder: Path, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise PackError(folder, "is a file", "give --out the name of a folder")
    if not any(folder.iterdir()):
        return
    if not (folder / MANIFEST).is_file():
        raise PackError(folder, "the folder is not empty and holds no model", "give --out a new folder")
    if not overwrite:
        raise PackError(folder, "holds a model already", "give another --out, or --overwrite")


def _weights(arrays: Mapping[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def _read_weights(content: bytes, folder: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise PackError(
            folder / WEIGHTS, f"no readable safetensors file ({type(error).__name__})", "write the pack again"
        ) from None


def _refuse_not_finite(arrays: Mapping[str, np.ndarray], folder: Path) -> None:
    for name in sorted(arrays):
        array = arrays[name]
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            count = int((~np.isfinite(array)).sum())
            raise PackError(
                folder / WEIGHTS,
                f"{count} weights of {name} are NaN or infinite",
                "do not use this model; train it again and look at the labels and weights",
            )
