"""`phenotext train`, `score` and `evaluate-model`: classifiers that find candidate patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import RunError

_RUN = typer.Argument(metavar="RUN", help="Folder of a finished run.")
_KEY = typer.Option(help="The run's id key, where it was made with one.")
_NOTES = typer.Option(help="Where the run's notes are now, if they have moved; their hashes are checked.")
_LABELS = typer.Option(metavar="LABELS", help="CSV or Parquet: patient_id, label (0/1); see docs/models.md.")
_UNLISTED = typer.Option("--unlisted-are-negative", help="Patients of the run without a label count as 0.")


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def train_command(
    labels: Annotated[Path, _LABELS],
    run: Annotated[Path, typer.Option(metavar="RUN", help="Folder of a finished run.")],
    phenotype: Annotated[str, typer.Option(help="Code of the phenotype, such as SNOMED/44054006.")],
    out: Annotated[Path, typer.Option(help="Folder of the model; with --kind all a folder of models.")],
    kind: Annotated[str, typer.Option(help="tfidf, concepts, or all.")] = "all",
    notes: Annotated[Path | None, _NOTES] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; made from the phenotype else.")] = None,
    model_version: Annotated[str, typer.Option(help="Version of the model.")] = "1",
    phenotype_name: Annotated[str | None, typer.Option(help="Name of the phenotype; the terminology's else.")] = None,
    features: Annotated[bool, typer.Option("--features", help="concepts: learn from the run's features.")] = False,
    mark_denied: Annotated[bool, typer.Option(help="tfidf: denied words are words of their own.")] = True,
    policy: Annotated[str, typer.Option(help="Default threshold: ppv, workload, specificity or net_benefit.")] = "ppv",
    target: Annotated[float | None, typer.Option(help="What the policy is asked for, such as a PPV of 0.8.")] = None,
    unlisted_are_negative: Annotated[bool, _UNLISTED] = False,
    about: Annotated[Path | None, typer.Option(help="YAML with words for the model card.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the model.")] = "not stated",
    synthetic: Annotated[bool, typer.Option("--synthetic", help="The notes are of no real patient.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Mark the model so that it can never be promoted.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of folds and fits; same seed, same bytes.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that stands there.")] = False,
    id_key: Annotated[Path | None, _KEY] = None,
) -> None:
    """Train classifiers on labelled patients of a run, evaluate them out of fold, and write them as model folders."""
    from ..classifiers.training import TrainRequest, train_models

    request = TrainRequest(
        labels=labels, run=run, phenotype=phenotype, out=out, kind=kind, notes=notes, name=name,
        model_version=model_version, phenotype_name=phenotype_name, features=features,
        mark_denied=mark_denied, policy=policy, target=target,
        unlisted_are_negative=unlisted_are_negative, about=about, licence=licence, synthetic=synthetic, demo=demo,
        seed=seed, overwrite=overwrite, id_key=id_key,
    )  # fmt: skip
    report = train_models(request)
    _say(f"{report.n_rows:,} labelled rows, {report.n_positive:,} with the phenotype; {report.n_left_out:,} left out")
    for trained in report.models:
        pack = trained.pack
        _say(f"{pack.name} ({pack.kind}), sha256 {pack.sha256[:12]} -> {pack.path}")
        for line in trained.figures:
            _say(f"  {line}")
        for reason in trained.remarks:
            _say(f"  NOTE: {reason}")
    if len(report.models) > 1:
        _say(f"Recommended: {report.recommended}")
    for pack in [trained.pack for trained in report.models][:1]:
        if pack.demo:
            _say(f"Demo model: it cannot be promoted ({pack.manifest['demo_reason']}).")


def score_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model.")],
    run: Annotated[Path, _RUN],
    out: Annotated[Path | None, typer.Option(help="Folder for the tables; into the run else.")] = None,
    policy: Annotated[str | None, typer.Option(help="Flag by another threshold of the model.")] = None,
    passages: Annotated[int, typer.Option(min=1, help="Rows of evidence a score at most.")] = 5,
    top: Annotated[int, typer.Option(min=0, help="Explain scores up to this rank, flagged or not.")] = 50,
    notes: Annotated[Path | None, _NOTES] = None,
    id_key: Annotated[Path | None, _KEY] = None,
) -> None:
    """Score the patients of a run: tables score and score_evidence, and the probability as a feature."""
    from ...models.score_rows import EvidenceOptions
    from ..classifiers.scoring import ScoreRequest, score_run

    request = ScoreRequest(model, run, out, policy, id_key, notes, EvidenceOptions(passages, top))
    report = score_run(request)
    _say(f"{report.pack.name} {report.pack.manifest['version']} ({report.pack.kind}), sha256 {report.pack.sha256[:12]}")
    _say("rows: " + ", ".join(f"{name} {count:,}" for name, count in report.status.items()))
    if report.threshold is None:
        _say("flagged: nobody, since the model has no threshold; ranks are given")
    else:
        _say(f"flagged: {report.flagged:,} (probability >= {report.threshold:.4f}, policy {report.policy})")
    _say(f"{report.evidence:,} rows of evidence; {report.replaced:,} earlier scores replaced")
    if report.trained_on_these:
        _say("WARNING: the model was trained on these notes; scores of the labelled patients are too good.")
    if report.stage == "candidate":
        _say("Candidate: no site has recorded a validation of this model.")
    _say(f"-> {report.out}")


def evaluate_model_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model.")],
    run: Annotated[Path, _RUN],
    labels: Annotated[Path, _LABELS],
    site: Annotated[str, typer.Option(help="Where the labelled patients were seen.")] = "",
    date: Annotated[str, typer.Option(help="When it was done, such as 2026-10-01.")] = "",
    out: Annotated[Path | None, typer.Option(help="JSON file for `model promote`.")] = None,
    policy: Annotated[str | None, typer.Option(help="Flag by another threshold of the model.")] = None,
    unlisted_are_negative: Annotated[bool, _UNLISTED] = False,
    notes: Annotated[Path | None, _NOTES] = None,
    id_key: Annotated[Path | None, _KEY] = None,
) -> None:
    """Measure a model on labelled patients of a run: PPV, sensitivity, ranking and calibration with intervals."""
    from ..classifiers.local_validation import ValidationRequest, validate_model
    from ..durable import write_json

    if out is not None and not (site.strip() and date.strip()):
        raise RunError("a recorded validation needs --site and --date", remedy="give both, or leave out --out")
    document = validate_model(
        ValidationRequest(model, run, labels, site, date, policy, unlisted_are_negative, notes, id_key)
    )
    _say(f"{document['n']:,} labelled rows scored, {document['n_positive']:,} with the phenotype")
    for measure in ("ppv", "sensitivity", "specificity", "auroc", "auprc", "brier"):
        found = document.get(measure)
        _say(
            f"  {measure:<12} {found['estimate']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
            if found is not None
            else f"  {measure:<12} not measurable here"
        )
    if document["same_data_as_training"]:
        _say("WARNING: the model was trained on these notes, so these figures are too good; they cannot promote it.")
    if out is not None:
        write_json(out, document)
        _say(f"-> {out}")
