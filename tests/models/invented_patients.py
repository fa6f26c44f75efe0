"""Patients whose notes are invented by a seeded grammar: some have gout, some deny it, all have other things."""

from __future__ import annotations

import numpy as np

from phenotext.models.patients import PatientNotes, patient_notes

OTHER = ("hypertension", "asthma", "migraine", "anemia", "pneumonia", "osteoarthritis", "depression", "psoriasis")
FILLER = (
    "Seen in clinic today for follow up.",
    "Blood pressure was well controlled.",
    "Will return in three months.",
    "Medication list was reviewed with the patient.",
    "No acute distress.",
    "Labs were drawn this morning.",
)


def note(random: np.random.Generator, statement: str | None) -> str:
    """A note of a few sentences; `statement` stands at a random place."""
    sentences = [str(s) for s in random.choice(FILLER, 3, replace=False)]
    sentences.append(f"History of {random.choice(OTHER)}.")
    sentences.append(f"Denies {random.choice(OTHER)}.")
    sentences.append(f"Visit number {random.integers(10_000)}.")
    if statement:
        sentences.insert(int(random.integers(len(sentences))), statement)
    return " ".join(sentences)


def gout_patients(n: int, seed: int, *, notes: int = 1) -> tuple[PatientNotes, np.ndarray]:
    """n patients and y: a third have gout in one note, a third deny it in one note, a third have neither."""
    random = np.random.default_rng(seed)
    statements = {0: None, 1: "Patient has gout.", 2: "No evidence of gout."}
    rows, y = [], []
    for i in range(n):
        kind = i % 3
        place = int(random.integers(notes))
        rows.append((1000 + i, [note(random, statements[kind] if k == place else None) for k in range(notes)]))
        y.append(float(kind == 1))
    return patient_notes(rows), np.asarray(y)
