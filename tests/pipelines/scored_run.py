"""A corpus written for tests of classifiers: patients with and without asthma, and the labels."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from phenotext.pipelines.classifiers.training import TrainRequest, train_models
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings

from .conftest import SENTINEL, write_jsonl

ASTHMA = "SNOMED/195967001"
RARE = "quillfeatherson"  # the name of a person, in the notes of ten patients
_PRESENT = (
    "Asthma with nightly wheeze, uses a rescue inhaler.",
    "Follow up of asthma, cough at night, inhaler twice daily.",
    "Patient has asthma. Peak flow below her best, wheeze on exam.",
)
_OTHER = (
    "Denies asthma. Here for a sprained ankle after a fall.",
    "Mother had asthma. Visit for hypertension, blood pressure at goal.",
    "No wheeze. Low back pain after gardening, better with rest.",
    "Annual visit, hypertension, feels well. No cough.",
)


def patients(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Notes of `count` patients, two each; every third has asthma, told in one of them."""
    notes: list[dict[str, Any]] = []
    for i in range(first, first + count):
        told = _PRESENT[i // 3 % 3] if has_asthma(i) else _OTHER[i % 4]
        texts = [
            f"Clinic visit number {i}. {told} {SENTINEL}",
            f"Telephone call about an appointment, {['monday', 'friday'][i % 2]} is fine. {SENTINEL}"
            + (f" Seen by {RARE}." if i < 10 else ""),
        ]
        notes += [
            {
                "note_id": f"a{i}-{place}",
                "patient_id": f"p{i}",
                "note_time": f"2021-0{1 + place}-{1 + i % 28:02d}T09:00:00",
                "available_time": f"2021-0{1 + place}-{1 + i % 28:02d}T18:00:00",
                "text": text,
            }
            for place, text in enumerate(texts)
        ]
    return notes


def has_asthma(i: int) -> bool:
    return i % 3 == 0


def write_labels(path: Path, count: int, first: int = 0, **columns: str) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["patient_id", "label", *columns])
        for i in range(first, first + count):
            writer.writerow([f"p{i}", int(has_asthma(i)), *columns.values()])
    return path


def make_corpus(folder: Path, count: int = 60, **options: Any) -> Path:
    """A finished run, and labels.csv beside it."""
    out = folder / "out"
    run(Settings(write_jsonl(folder / "notes.jsonl", patients(count)), out, **options))
    write_labels(folder / "labels.csv", count)
    return out


def train_small(out: Path, to: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "labels": out.parent / "labels.csv", "run": out, "phenotype": ASTHMA, "out": to, "policy": "specificity",
        "target": 0.9, "synthetic": True, "seed": 5,
    }  # fmt: skip
    train_models(TrainRequest(**(given | changes)))
    return to
