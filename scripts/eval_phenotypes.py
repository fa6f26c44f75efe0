"""How the shipped definitions do on the shipped synthetic patients: PPV and sensitivity with 95 % intervals (Wilson).

    python scripts/eval_phenotypes.py [--run build/demo] [--by-source]

The patients are invented, few, and were written for this project: the figures show that the definitions work, not how
well they work on real records. They are no validation. Definitions of a suspicion have no truth to compare with.
"""

from __future__ import annotations

import argparse
import csv
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from phenotext.pipelines.phenotypes.evaluate import evaluate
from phenotext.pipelines.phenotypes.read_definition import read_definition
from phenotext.pipelines.phenotypes.shipped import FOLDER
from phenotext.pipelines.run_folder import RunFolder

SAMPLE = Path(__file__).resolve().parent.parent / "pipelines" / "data" / "sample"
# Definition -> row of the sample's phenotypes.tsv, and what counts as having it
TRUTH: dict[str, tuple[str, tuple[str, ...]]] = {
    "t2dm": ("44054006", ("present",)),
    "heart_failure": ("84114007", ("present",)),
    "copd": ("13645005", ("present",)),
    "ipf": ("700250006", ("present",)),
    "rheumatoid_arthritis": ("69896004", ("present",)),
    "multiple_sclerosis": ("24700007", ("present",)),
    "systemic_lupus": ("55464009", ("present",)),
    "nsclc": ("254637007", ("present",)),
    "breast_cancer": ("254837009", ("present", "past")),
    "ckd": ("709044004", ("present",)),
}
KINDS = {"254637007": {"254637007", "254626006", "254634000"}, "700250006": {"700250006"}}
Z = 1.959963984540054


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); 0 to 1 for no cases."""
    if n == 0:
        return 0.0, 1.0
    share, square = hits / n, Z * Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def truth() -> dict[str, set[str]]:
    """Patients who have it, by definition."""
    lines = [line for line in (SAMPLE / "phenotypes.tsv").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    kinds = {row["snomed_code"]: set(row["codes"].split()) for row in rows} | KINDS
    with (SAMPLE / "truth.csv").open(encoding="utf-8") as handle:
        known = list(csv.DictReader(handle))
    return {
        name: {row["patient_id"] for row in known if row["snomed_code"] in kinds[code] and row["status"] in statuses}
        for name, (code, statuses) in TRUTH.items()
    }


def found(run: RunFolder, name: str, only: str | None = None) -> set[str]:
    """Patients (ids of the source) that a definition finds."""
    rows = evaluate(run, read_definition(FOLDER / f"{name}.yaml"), only=only).rows
    ids = duckdb.execute(f"SELECT id, source_id FROM '{run.path}/private/id_map.parquet' WHERE kind = 'patient'")
    source = dict(ids.fetchall())
    return {source[subject] for subject in rows.column("subject_id").to_pylist()}


def share(hits: int, n: int) -> str:
    low, high = wilson(hits, n)
    return f"{hits}/{n} = {hits / n:.2f} ({low:.2f}-{high:.2f})" if n else "none"


def sample_run(out: Path) -> None:
    """Run the shipped notes and claims."""
    command = [sys.executable, "-m", "phenotext", "run", str(SAMPLE / "notes.jsonl")]
    command += ["--claims", str(SAMPLE / "claims"), "--out", str(out), "--overwrite"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description="Shipped phenotype definitions on the shipped synthetic patients.")
    parser.add_argument("--run", type=Path, help="a finished run of the sample; one is made otherwise")
    parser.add_argument("--by-source", action="store_true", help="notes alone and claims alone too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.run or Path(folder) / "run"
        if options.run is None:
            sample_run(path)
        run = RunFolder.open(path)
        print("SYNTHETIC patients, written for this project: this is a test of the machinery and no validation.")
        print(f"{'definition':22} {'facts from':10} {'PPV':28} {'sensitivity':28} wrong / missed")
        for name, ill in truth().items():
            for only in (None, "note", "claims") if options.by_source else (None,):
                named = found(run, name, only)
                wrong, missed = sorted(named - ill), sorted(ill - named)
                told = " ".join(["+" + patient for patient in wrong] + ["-" + patient for patient in missed])
                ppv, sensitivity = share(len(named & ill), len(named)), share(len(named & ill), len(ill))
                print(f"{name:22} {only or 'all':10} {ppv:28} {sensitivity:28} {told}")
        for file in sorted(FOLDER.glob("*.yaml")):
            if file.stem not in TRUTH:
                print(
                    f"{file.stem:22} {'all':10} {len(found(run, file.stem))} patients found; no truth to compare with"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
