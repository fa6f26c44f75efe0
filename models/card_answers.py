"""The answers of a model card that follow from the model, its thresholds and its evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .patient_model import MIN_PATIENTS

NOT_STATED = "Not stated by the trainer."
SMALL_CELL = 10  # counts of 1 to 10 patients are not told
_WHOLE = ("auroc", "auprc", "brier")
_KINDS = {
    "tfidf": (
        "Logistic regression on TF-IDF weights of words and word pairs of the notes",
        f"Words and word pairs of the notes that at least {MIN_PATIENTS} patients have; rarer ones may be names",
    ),
    "concepts": (
        "Classifier on counts of SNOMED CT concepts, each with its assertion (present, absent, possible, historical, "
        "family, hypothetical)",
        "Concepts that the dictionary finds in the notes, by assertion",
    ),
}
_LIMITS = (
    "Trained and tested on the notes of one source: performance elsewhere is unknown until it is measured there. "
    "It sees only what is written; a disease nobody wrote down is not found. A score is no diagnosis"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured number with its interval, and where in the evaluation it stands."""

    name: str
    estimate: float
    low: float
    high: float


def measures_of(document: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[Measure]:
    """Every number with an interval in an evaluation: objects with estimate, low and high, in order of their names.

    >>> list(measures_of({"auprc": {"estimate": 0.5, "low": 0.25, "high": 0.75}}))
    [Measure(name='auprc', estimate=0.5, low=0.25, high=0.75)]
    """
    for name in sorted(document):
        item = document[name]
        if not isinstance(item, Mapping):
            continue
        numbers = [item.get(key) for key in ("estimate", "low", "high")]
        if all(isinstance(number, int | float) for number in numbers):
            estimate, low, high = (float(number) for number in numbers if number is not None)
            yield Measure(" ".join((*path, name)), estimate, low, high)
        else:
            yield from measures_of(item, (*path, name))


def people(count: object) -> str:
    """A number of patients, small ones not told.

    >>> people(7), people(0), people(1200)
    ('fewer than 11', '0', '1,200')
    """
    if not isinstance(count, int) or isinstance(count, bool):
        return "an unknown number of"
    return f"fewer than {SMALL_CELL + 1}" if 0 < count <= SMALL_CELL else f"{count:,}"


def computed_answers(
    manifest: Mapping[str, Any], evaluation: Mapping[str, Any], thresholds: Mapping[str, Any]
) -> dict[str, str]:
    """Answers by the names that the tables of the card use. Every one has words."""
    kind, predictors = _KINDS.get(manifest["kind"], (f"Classifier of the kind {manifest['kind']}", "See model.json"))
    phenotype = f"{manifest['phenotype_name']} ({manifest['phenotype_code']})"
    data: Mapping[str, Any] = manifest["data"]
    libraries = ", ".join(f"{name} {number}" for name, number in sorted(manifest["libraries"].items()))
    kinds = ", ".join(f"{name} {people(count)}" for name, count in sorted(data.get("labels_by_kind", {}).items()))
    n_labelled = (
        f"{people(data.get('n_patients'))} labelled patients, {people(data.get('n_positive'))} with the phenotype"
    )
    return {
        "name": manifest["name"],
        "version": manifest["version"],
        "title": f"Development and internal evaluation of a classifier of clinical notes that finds candidate patients "
        f"for {phenotype}",
        "stage": f"{manifest['stage']} when it was written; the log of the registry (stages.jsonl beside the "
        f"model) has "
        "what came after",
        "ehr": "None in particular: it reads the tables of a phenotext run, whatever system the notes come from",
        "summary": f"{kind}. For each patient, as of a time, it gives a calibrated probability of {phenotype} from the "
        f"notes known then, with the passages that drove it. It finds candidates for review by people",
        "keywords": f"candidate patients, clinical notes, {manifest['phenotype_name']}, {manifest['kind']}",
        "workflow": "Scores order a work list; a person reads the passages given as evidence and decides. No action "
        "follows from a score alone",
        "how_to_use": "Run `phenotext score MODEL RUN`: logit of the model, then the calibration, then the "
        "threshold, all "
        "stored with it. Read table score with score_evidence",
        "out_of_scope": "Not for diagnosis, emergencies, or decisions without review; not for notes in another "
        "language, "
        "from another kind of care, or far from the data it was trained on, before a local validation",
        "limitations": _LIMITS,
        "biases": "Who is written about, how often and in which words differs between groups of patients and "
        "sites; the "
        "model learns these differences. See the results by subgroup",
        "output": f"A probability from 0 to 1 that the patient has {phenotype} as of the prediction time, a "
        f"flag by the "
        "threshold, a rank, and the passages or features with their contributions to the logit",
        "model_type": f"{kind} (phenotext {manifest['libraries'].get('phenotext', '')})",
        "tuning": "Penalty and the way in which notes are put together were chosen by inner cross-validation with each "
        f"person on one side; seed {manifest['seed']}; the choices stand in model.json; made with {libraries}",
        "foundation": "None",
        "input_source": "Clinical notes of one run of phenotext; its hash and that of the labels stand in the manifest "
        f"(data_sha256 {manifest['data_sha256'][:12]})",
        "data_types": "In: free text of notes with their times. Out: numbers and places in notes; no text",
        "development_data": f"{n_labelled}, {people(data.get('n_notes'))} notes. Kinds of labels: "
        f"{kinds or 'not counted'}",
        "bias_mitigation": "None during training. Cases and others are weighted as the labels say; nothing is "
        "resampled",
        "security": "The folder holds safetensors and JSON, checked by hash on opening; nothing is unpickled. "
        + (
            "Trained on notes of patients: treat it as derived from protected data, and do not publish it unreviewed"
            if manifest["trained_on_phi"]
            else "Trained on notes that are of no real patient"
        ),
        "transparency": f"The whole model is readable: terms and coefficients in model.json and "
        f"model.safetensors. Licence: "
        f"{manifest['licence']}",
        "third_party": f"Libraries: {libraries}",
        "threshold_policy": _thresholds(thresholds),
        "results": _results(evaluation),
        "interpretation": "Figures with wide intervals prove little. The share of true cases among flagged "
        "patients falls "
        "with the share of cases: measure it where the model is to be used",
        "test_type": _test_type(evaluation),
        "testing_data": _testing(evaluation, data),
        "validation_process": _protocol(evaluation),
        "subgroups": _subgroups(evaluation),
        "subgroup_interpretation": "Groups with few patients say little; a difference whose interval holds 0 is "
        "not shown "
        "to exist",
        "calibration": _calibration(evaluation),
        "calibration_interpretation": "A calibrated probability means that among patients with 20 % about one "
        "in five has "
        "the phenotype, in data like those it was calibrated on",
        "objectives": "Development, with internal evaluation; evaluation at a site is recorded in the registry's log",
        "eligibility": "Labelled patients of the run with a row in its cohort; rows without notes get no score",
        "preparation": "Notes are read as they are; copies and near copies are kept on one side of every split",
        "outcome": f"{phenotype}, as labelled by people or rules for each patient, as of the prediction time",
        "predictors": predictors,
        "point_in_time": f"Only notes available at the prediction time, and up to day {manifest['end_day']} from it",
        "predictor_assessment": "Computed by the software from the notes, without knowledge of the label",
        "sample_size": f"All labels given were used: {n_labelled}. No sample size was calculated beforehand",
        "missing": "A patient without notes gets the status no_notes and no score. What is not written counts as not "
        "mentioned, not as absent",
        "predictor_handling": "Counts are damped by their logarithm, weighted by rarity and scaled to unit length",
        "measures": ", ".join(measure.name for measure in _figures(evaluation)) or "None was computed",
        "updating": "The model was not updated. A new fit is a new model with a hash of its own",
        "imbalance": "Handled by weights and by the choice of the threshold; nothing was over- or undersampled",
        "data_sharing": "The model holds no notes and no ids. Whether data can be shared is for their holder to say",
        "code_sharing": "phenotext is open source (Apache-2.0); versions stand in the manifest",
        "flow": f"{n_labelled}; {people(data.get('n_left_out'))} labels were of patients outside the run",
        "full_model": "All terms, coefficients, the intercept and the calibration stand in the model's folder",
        "next_steps": "Validate at the site of use (`phenotext evaluate-model`), then promote with two "
        "approvers; watch "
        "scores and reviewed flags over time",
    }  # fmt: skip


def _thresholds(thresholds: Mapping[str, Any]) -> str:
    policy, value = thresholds.get("default"), thresholds.get("threshold")
    if isinstance(value, int | float):
        return (
            f"Default policy {policy}: flagged from a probability of {value:.4f}. All policies stand in thresholds.json"
        )
    return "No threshold was chosen, so nobody is flagged; the scores rank only"


def _protocol(evaluation: Mapping[str, Any]) -> str:
    protocol = evaluation.get("protocol")
    words = "Each person, and patients who share near copies of a note, stand on one side of every cut"
    if not isinstance(protocol, Mapping):
        return f"Cross-validation. {words}"
    return (
        f"Cross-validation in {protocol.get('outer_folds')} folds, frozen by their hash "
        f"({str(protocol.get('folds_sha256'))[:12]}). {words}. Whatever a fit chooses, it chooses in inner folds. The "
        "calibration of a fold is fitted without it. Only labels that people gave count; intervals are a "
        "bootstrap over "
        "persons. The threshold was chosen on the same out-of-fold probabilities"
    )


def _figures(evaluation: Mapping[str, Any]) -> list[Measure]:
    """The figures of the model itself, not those of the kinds it was compared with.

    Shares of few patients tell how many they are, so only figures of the whole ranking stay where few have the
    phenotype.
    """
    found = list(measures_of(evaluation.get("figures", evaluation)))
    return [measure for measure in found if measure.name in _WHOLE] if _few(evaluation) else found


def _few(evaluation: Mapping[str, Any]) -> bool:
    positives = evaluation.get("positives")
    return isinstance(positives, int) and positives <= SMALL_CELL


def _in_words(measures: list[Measure]) -> str:
    return "; ".join(f"{m.name} {m.estimate:.3f} [{m.low:.3f}, {m.high:.3f}]" for m in measures)


def _results(evaluation: Mapping[str, Any]) -> str:
    said = _in_words(_figures(evaluation))
    share = evaluation.get("prevalence")
    shown = isinstance(share, int | float) and not _few(evaluation)
    told = f" Share of patients with the phenotype: {share:.3f}." if shown else ""
    return f"Estimates with 95 % intervals: {said}.{told}" if said else "No measure could be computed on these data"


def _calibration(evaluation: Mapping[str, Any]) -> str:
    said = _in_words([m for m in _figures(evaluation) if "brier" in m.name])
    error = evaluation.get("ece")
    told = f"expected calibration error {error:.3f} (no interval)" if isinstance(error, int | float) else ""
    return "; ".join(part for part in (said, told) if part) or "No measure of calibration was computed"


def _subgroups(evaluation: Mapping[str, Any]) -> str:
    """One sentence a group; figures of small groups are not in the evaluation to begin with."""
    groups = evaluation.get("subgroups")
    if not isinstance(groups, list) or not groups:
        return "Not measured: no groups of patients were given"
    said: list[str] = []
    for group in groups:
        name = f"{group['attribute']} {group['group']}"
        said.append(
            f"{name}: too few patients" if group["suppressed"] else f"{name}: {_in_words(list(measures_of(group)))}"
        )
    return ". ".join(said)


def _test_type(evaluation: Mapping[str, Any]) -> str:
    del evaluation
    return "Internal: patients of the same source, none of whom the tested fit had seen"


def _testing(evaluation: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    n = evaluation.get("patients", data.get("n_patients"))
    positive = evaluation.get("positives", data.get("n_positive"))
    return f"{people(n)} patients, {people(positive)} with the phenotype"
