"""Example: the same classifiers on claims alone, on notes alone, and on both, from matrix exports of one run.

    python scripts/example_classifiers.py [--out build/example_classifiers] [--phenotype 44054006] [--seed 0]

Runs the shipped patients through the pipeline, writes three matrix exports, trains scikit-learn's logistic regression
and XGBoost on each with the same code, and prints what cross-validation says. The label is the truth table of the
sample: the phenotype is present. Needs scikit-learn, scipy and xgboost.

42 invented patients show how the parts fit together, not how well a classifier does: the intervals say so. The
phenotype's own code is among the features, as it would be at a site; what is compared is where the sources see it.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from xgboost import XGBClassifier

from phenotext.pipelines.exporters.export_run import export_run
from phenotext.pipelines.exporters.matrix import Matrix
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

SAMPLE = Path(__file__).resolve().parent.parent / "pipelines" / "data" / "sample"
SOURCES = {"claims alone": ("claims",), "notes alone": ("note",), "claims and notes": ("claims", "note")}
FOLDS = 5
DRAWS = 500


@dataclass(frozen=True, slots=True)
class Result:
    """How one classifier does on one set of features; intervals are 95 % by bootstrap over patients."""

    features: str
    classifier: str
    n_columns: int
    roc_auc: float
    roc_auc_interval: tuple[float, float]
    average_precision: float
    average_precision_interval: tuple[float, float]


def classifiers(seed: int) -> dict[str, Any]:
    """Fresh classifiers; all settings stand here."""
    logistic = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2_000, random_state=seed)
    boosted = XGBClassifier(
        n_estimators=60, max_depth=2, learning_rate=0.2, min_child_weight=0.1, tree_method="hist", n_jobs=1,
        random_state=seed,
    )  # fmt: skip
    return {"logistic regression": make_pipeline(MaxAbsScaler(), logistic), "XGBoost": boosted}


def read_matrix(folder: Path) -> tuple[Any, list[int]]:
    """Features [patients, columns] as a CSR matrix, and the subject id of each row."""
    matrix = sparse.csr_matrix(sparse.load_npz(folder / "matrix.npz"))
    return matrix, pq.read_table(folder / "rows.parquet")["subject_id"].to_pylist()


def labels(out: Path, phenotype: str) -> dict[int, int]:
    """1 for the subjects who have the phenotype (by code, or by that of a kind of it), 0 for all others."""
    with (SAMPLE / "phenotypes.tsv").open(encoding="utf-8") as handle:
        rows = csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t")
        codes = {row["snomed_code"]: set(row["codes"].split()) for row in rows}
    if phenotype not in codes:
        raise SystemExit(f"--phenotype {phenotype} is not in the truth table; use one of {', '.join(codes)}")
    with (SAMPLE / "truth.csv").open(encoding="utf-8") as handle:
        have = {
            row["patient_id"]
            for row in csv.DictReader(handle)
            if row["status"] == "present" and row["snomed_code"] in codes[phenotype]
        }
    ids = pq.read_table(out / "run" / "private" / "id_map.parquet").to_pylist()
    return {row["id"]: int(row["source_id"] in have) for row in ids if row["kind"] == "patient"}


def cross_validated(matrix: Any, y: np.ndarray, name: str, seed: int) -> np.ndarray:
    """Probability of each patient [n] by a model that did not see the patient."""
    told = np.zeros(len(y))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(matrix, y):
        model = classifiers(seed)[name]
        model.fit(matrix[train], y[train])
        told[test] = np.asarray(model.predict_proba(matrix[test]))[:, 1]
    return told


def interval(y: np.ndarray, told: np.ndarray, measure: Any, seed: int) -> tuple[float, float]:
    """2.5 and 97.5 % of the measure over patients drawn with replacement; draws without both classes do not count."""
    draw = np.random.default_rng(seed)
    values = []
    for _ in range(DRAWS):
        chosen = draw.integers(0, len(y), len(y))
        if 0 < y[chosen].sum() < len(y):
            values.append(measure(y[chosen], told[chosen]))
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def compare(out: Path, phenotype: str, seed: int) -> tuple[list[Result], int, int]:
    """All results, the number of patients and of those who have the phenotype."""
    run(Settings(SAMPLE / "notes.jsonl", out / "run", claims=SAMPLE / "claims", overwrite=True))
    label_of = labels(out, phenotype)
    results: list[Result] = []
    n = cases = 0
    for features, sources in SOURCES.items():
        folder = out / "_".join(sources)
        export_run(out / "run", folder, Matrix(sources=sources), overwrite=True)
        matrix, subjects = read_matrix(folder)
        y = np.array([label_of[subject] for subject in subjects])
        n, cases = len(y), int(y.sum())
        if cases < FOLDS or n - cases < FOLDS:
            raise SystemExit(f"{cases} of {n} patients have {phenotype}: too few for {FOLDS} folds")
        for name in classifiers(seed):
            told = cross_validated(matrix, y, name, seed)
            results.append(
                Result(
                    features,
                    name,
                    matrix.shape[1],
                    float(roc_auc_score(y, told)),
                    interval(y, told, roc_auc_score, seed),
                    float(average_precision_score(y, told)),
                    interval(y, told, average_precision_score, seed),
                )
            )
    return results, n, cases


def main() -> int:
    """Train, cross-validate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/example_classifiers"))
    parser.add_argument("--phenotype", default="44054006", help="SNOMED code of phenotypes.tsv")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    results, n, cases = compare(options.out, options.phenotype, options.seed)
    table = Table(title=f"{cases} of {n} invented patients have {options.phenotype}; {FOLDS}-fold cross-validation")
    for name in ("features", "classifier", "columns", "ROC AUC (95 % interval)", "average precision (95 % interval)"):
        table.add_column(name)
    for result in results:
        auc, precision = result.roc_auc_interval, result.average_precision_interval
        table.add_row(
            result.features,
            result.classifier,
            f"{result.n_columns:,}",
            f"{result.roc_auc:.2f} ({auc[0]:.2f} to {auc[1]:.2f})",
            f"{result.average_precision:.2f} ({precision[0]:.2f} to {precision[1]:.2f})",
        )
    Console(width=None if sys.stdout.isatty() else 132).print(table)
    document = {
        "phenotype": options.phenotype, "patients": n, "cases": cases, "folds": FOLDS, "seed": options.seed,
        "results": [{name: getattr(item, name) for name in Result.__slots__} for item in results],
    }  # fmt: skip
    (options.out / "results.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
