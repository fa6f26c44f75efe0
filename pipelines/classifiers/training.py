"""Train classifiers on labelled patients of a run and write them as packs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models.card import ABOUT
from ...models.concept_model import ConceptModel
from ...models.kinds import KINDS
from ...models.pack import ModelPack, Origin, write_pack
from ...models.pack_files import MANIFEST
from ...models.patient_model import PatientModel
from ...models.tfidf_model import TfidfModel
from ...models.thresholds import NET_BENEFIT, POLICIES, PPV, SPECIFICITY, WORKLOAD, ThresholdError, choose_threshold
from ...models.train import MIN_POSITIVES, Candidate, Training, TrainingRows, train
from ...nlp.table_rules import PLAIN_CODE
from ..errors import RunError
from ..run_folder import RunFolder
from .label_file import LabelledCohort, read_label_file
from .note_texts import run_key
from .patient_data import Needs, PatientSource, feature_registry
from .ready_model import needs_of
from .scoring import phenotype_concept

# Below these a model is a demonstration, whatever its figures say: the intervals are too wide to decide by.
LEAST_PATIENTS, LEAST_POSITIVES = 200, 30
# A demonstration may be tried on fewer positives than TRAIN asks for.
DEMO_POSITIVES = 5
_TARGETS = {PPV: 0.8, WORKLOAD: 50, SPECIFICITY: 0.95, NET_BENEFIT: 0.2}


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What `phenotext train` is asked for; see the options of the command."""

    labels: Path
    run: Path
    phenotype: str
    out: Path
    kind: str = "all"
    notes: Path | None = None
    name: str | None = None
    model_version: str = "1"
    phenotype_name: str | None = None
    features: bool = False
    mark_denied: bool = True
    policy: str = PPV
    target: float | None = None
    unlisted_are_negative: bool = False
    about: Path | None = None
    licence: str = "not stated"
    synthetic: bool = False
    demo: bool = False
    seed: int = 0
    overwrite: bool = False
    id_key: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A pack that was written, its figures in words, and what the user should know of it."""

    pack: ModelPack
    figures: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainReport:
    """All models of one call. `recommended` is the name of the simplest that is not shown to be worse than the best."""

    models: tuple[TrainedModel, ...]
    recommended: str
    n_rows: int
    n_positive: int
    n_left_out: int


def train_models(request: TrainRequest, progress: Callable[[str], None] | None = None) -> TrainReport:
    """Train the kinds asked for on the same folds, and write each as a pack.

    With one kind the pack is `out`, with several `out/<kind>`. Raises RunError or an error of the models' room.
    """
    kinds = _kinds(request)
    run = RunFolder.open(request.run)
    phenotype_name = _phenotype_name(run, request)
    about = read_about(request.about)
    _check_policy(request)
    folders = {kind: request.out if len(kinds) == 1 else request.out / kind for kind in kinds}
    _check_folders(folders, request)
    key = run_key(run, request.id_key)
    labelled = read_label_file(
        request.labels, run, key, request.phenotype, unlisted_are_negative=request.unlisted_are_negative
    )
    source = PatientSource(run, labelled.cohort, labelled.own, key, request.notes)
    needs = [needs_of(make()) for make in kinds.values()]
    data = source.all(Needs(any(need.mentions for need in needs), request.features and "concepts" in kinds))
    rows = TrainingRows.of(data, labelled.labels, where=str(request.labels))
    n_positive = int(rows.y.sum())
    demo, demo_reason = _demo(request, rows)
    training = train(
        rows, kinds, seed=request.seed, progress=progress, min_positives=DEMO_POSITIVES if demo else MIN_POSITIVES
    )
    described = _described(run, labelled, rows, training)
    models: list[TrainedModel] = []
    for kind, candidate in training.candidates.items():
        registered = needs_of(candidate.model)
        origin = Origin(
            name=_name(request, phenotype_name, kind, several=len(kinds) > 1),
            version=request.model_version,
            phenotype_code=request.phenotype,
            phenotype_name=phenotype_name,
            data_sha256=training.data_sha256,
            data=described,
            seed=request.seed,
            end_day=run.end_day,
            licence=request.licence,
            trained_on_phi=not request.synthetic,
            demo=demo,
            demo_reason=demo_reason,
            registry=feature_registry(run) if registered.mentions or registered.features else None,
            about=about,
        )
        thresholds, remarks = _thresholds(request, rows, candidate)
        pack = write_pack(
            folders[kind],
            origin,
            candidate.model,
            calibration=candidate.calibration.as_json(),
            thresholds=thresholds,
            evaluation=_evaluation(training, kind),
            overwrite=request.overwrite,
        )
        models.append(TrainedModel(pack, _figures(candidate), remarks))
    recommended = models[list(kinds).index(training.recommended)].pack.name
    return TrainReport(tuple(models), recommended, len(rows.y), n_positive, labelled.left_out)


def _kinds(request: TrainRequest) -> dict[str, Callable[[], PatientModel]]:
    known: dict[str, Callable[[], PatientModel]] = {
        "tfidf": lambda: TfidfModel(mark_denied=request.mark_denied),
        "concepts": lambda: ConceptModel(learners=("linear", "trees")),
    }
    if request.kind == "all":
        return known
    if request.kind not in known:
        raise RunError(f"--kind {request.kind} is not known", remedy=f"use {', '.join(KINDS)} or all")
    return {request.kind: known[request.kind]}


def _phenotype_name(run: RunFolder, request: TrainRequest) -> str:
    if not re.fullmatch(PLAIN_CODE, request.phenotype):
        raise RunError("is no code", where=request.phenotype, remedy="write VOCABULARY/CODE, such as SNOMED/44054006")
    phenotype_concept(run, request.phenotype)
    if request.phenotype_name is not None:
        return request.phenotype_name
    terminology = run.terminology()
    vocabulary, _, code = request.phenotype.partition("/")
    index = terminology.find(code, vocabulary)
    if index < 0:
        raise RunError(
            "the run's terminology has no such code", where=request.phenotype, remedy="give --phenotype-name"
        )
    return terminology.preferred[index]


def _name(request: TrainRequest, phenotype_name: str, kind: str, *, several: bool) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", phenotype_name.lower()).strip("-") or "phenotype"
    if request.name is None:
        return f"{plain}-{kind}"
    return f"{request.name}-{kind}" if several else request.name


def _check_policy(request: TrainRequest) -> None:
    if request.policy not in POLICIES:
        raise RunError(f"--policy {request.policy} is not known", remedy=f"use {', '.join(POLICIES)}")


def _check_folders(folders: Mapping[str, Path], request: TrainRequest) -> None:
    """Before hours of training, not after."""
    for folder in folders.values():
        if (folder / MANIFEST).is_file() and not request.overwrite:
            raise RunError("holds a model already", where=str(folder), remedy="give another --out, or --overwrite")
    if len(folders) > 1 and (request.out / MANIFEST).is_file():
        raise RunError(
            "is the folder of one model",
            where=str(request.out),
            remedy="with several kinds give --out a folder for them",
        )


def read_about(path: Path | None) -> dict[str, str]:
    """Words for the card from a YAML file. Raises RunError for a key the card does not have."""
    import yaml

    if path is None:
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RunError(f"cannot be read as YAML ({type(error).__name__})", where=str(path)) from None
    if not isinstance(document, dict):
        raise RunError("is no list of `key: words`", where=str(path), remedy=f"use the keys {', '.join(ABOUT)}")
    unknown = [str(key) for key in document if key not in ABOUT]
    if unknown:
        raise RunError(f"the card has no field {unknown[0]}", where=str(path), remedy=f"use {', '.join(ABOUT)}")
    return {key: str(value) for key, value in document.items() if value is not None}


def _demo(request: TrainRequest, rows: TrainingRows) -> tuple[bool, str]:
    patients = len(np.unique(rows.data.subject_id[rows.trusted]))
    positive = len(np.unique(rows.data.subject_id[rows.trusted & (rows.y > 0)]))
    if patients < LEAST_PATIENTS or positive < LEAST_POSITIVES:
        return (
            True,
            f"trained on fewer than {LEAST_PATIENTS} patients or fewer than {LEAST_POSITIVES} with the phenotype",
        )
    return (True, "marked as a demonstration by the trainer") if request.demo else (False, "")


def _described(run: RunFolder, labelled: LabelledCohort, rows: TrainingRows, training: Training) -> dict[str, Any]:
    """Counts and hashes of the training data; no ids."""
    kinds: dict[str, int] = {}
    for kind in labelled.labels.names():
        kinds[kind] = kinds.get(kind, 0) + 1
    subjects = rows.data.subject_id
    return {
        "run_id": run.run_id,
        "notes_sha256": run.document["identity"]["notes"]["sha256"],
        "labels_sha256": labelled.sha256,
        "folds_sha256": training.folds.sha256,
        "n_rows": len(rows.y),
        "n_patients": len(np.unique(subjects)),
        "n_positive": len(np.unique(subjects[rows.y > 0])),
        "n_notes": rows.data.n_notes,
        "n_left_out": labelled.left_out,
        "labels_by_kind": kinds,
    }


def _thresholds(
    request: TrainRequest, rows: TrainingRows, candidate: Candidate
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A threshold by each policy, chosen on out-of-fold probabilities of labels that people gave."""
    gold = rows.trusted
    y, weight = rows.y[gold], 1 / rows.inclusion_probability[gold]
    probability = candidate.out_of_fold_probabilities[gold]
    policies: dict[str, dict[str, Any]] = {}
    not_met: dict[str, str] = {}
    for policy in POLICIES:
        target = request.target if policy == request.policy and request.target is not None else _TARGETS[policy]
        try:
            policies[policy] = choose_threshold(policy, target, y, probability, weight).as_json()
        except ThresholdError as error:
            not_met[policy] = str(error)
    default = request.policy if request.policy in policies else None
    remarks: tuple[str, ...] = ()
    if default is None:
        remarks = (f"no default threshold, so nobody is flagged: {not_met[request.policy]}",)
    threshold = policies[default]["threshold"] if default else None
    return {"default": default, "threshold": threshold, "policies": policies, "not_met": not_met}, remarks


def _evaluation(training: Training, kind: str) -> dict[str, Any]:
    whole = training.as_json()
    return {
        "kind": kind,
        "protocol": whole["protocol"],
        **whole["kinds"][kind],
        "comparison": {name: whole[name] for name in ("recommended", "best", "behind_best")},
        "other_kinds": {name: found["figures"] for name, found in whole["kinds"].items() if name != kind},
    }


def _figures(candidate: Candidate) -> tuple[str, ...]:
    found = candidate.evaluation
    wanted = [name for name in ("auprc", "auroc", "brier") if name in found.figures]
    lines = [f"{name:<6} {found.figures[name]}" for name in wanted]
    return (*lines, f"prevalence {found.prevalence:.3f}; out-of-fold, {found.patients:,} patients")
