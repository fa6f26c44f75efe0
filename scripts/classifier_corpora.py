"""The corpora that classifiers are evaluated on, as patients with labels, and the terminologies they are read with."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phenotext.models.near_duplicates import Folds, check_disjoint, make_folds
from phenotext.models.note_mentions import find_mentions
from phenotext.models.note_words import find_words
from phenotext.models.patients import PatientNotes, patient_notes
from phenotext.models.train import row_groups
from phenotext.nlp import Extractor
from phenotext.nlp.starter import starter_terminology
from phenotext.nlp.terminology.build import compile_sources

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
# Tags that a package leaves out by default; reports of findings name parts and shapes by themselves.
MATCH_TAGS = ("qualifier value", "body structure", "morphologic abnormality", "observable entity")
TERMINOLOGIES = ("starter", "lexicon_v2", "both")


@dataclass(frozen=True, slots=True)
class LabelledCorpus:
    """n patients with y [n, labels] of 0/1 and the names of the labels."""

    data: PatientNotes
    y: np.ndarray
    labels: tuple[str, ...]

    def cut(self, folds: int, seed: int) -> tuple[Folds, np.ndarray]:
        """Folds without a person or a near-duplicate note on two sides (checked), and the groups."""
        groups = row_groups(self.data).group
        cut = make_folds(groups, self.y, folds, seed, row_id=self.data.row_id)
        check_disjoint(cut.fold, self.data.subject_id, groups)
        return cut, groups


def rows_of(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise SystemExit(f"{path}: no such file; give --shared the folder that holds data/corpora")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def openi(shared: Path) -> LabelledCorpus:
    """Chest X-ray reports, findings and impression only (the indication would give the answer away), 13 findings."""
    rows = rows_of(shared / "data" / "corpora" / "openi_cxr.jsonl.gz")
    kept = ("findings", "impression")
    texts = []
    for row in rows:
        parts = [
            f"{part['section'].upper()}: {row['text'][part['start'] : part['end']]}"
            for part in row["sections"]
            if part["section"] in kept
        ]
        texts.append("\n".join(parts))
    labels = tuple(name for name in rows[0]["labels"] if name not in ("Hernia", "normal"))
    y = np.asarray([[row["labels"][name] for name in labels] for row in rows], np.float64)
    return LabelledCorpus(patient_notes([(i, [text]) for i, text in enumerate(texts)]), y, labels)


def specialties(shared: Path, least: int) -> LabelledCorpus:
    """Transcribed reports with the specialties they are filed under; those with at least `least` reports."""
    rows = [r for r in rows_of(shared / "data" / "corpora" / "mtsamples_distinct.jsonl.gz") if r.get("specialties")]
    counts: dict[str, int] = {}
    for row in rows:
        for name in set(row["specialties"]):
            counts[name] = counts.get(name, 0) + 1
    labels = tuple(sorted(name for name, count in counts.items() if count >= least))
    y = np.asarray([[name in row["specialties"] for name in labels] for row in rows], np.float64)
    return LabelledCorpus(patient_notes([(i, [row["text_lines"]]) for i, row in enumerate(rows)]), y, labels)


def extractor_of(name: str, shared: Path) -> Extractor:
    """An extractor on the starter lexicon, the shared open lexicon, or both, with matches inside longer ones."""
    lexicon = shared / "data" / "terminology" / "lexicon_v2_gps_only.tsv"
    if name == "starter":
        return Extractor(starter_terminology(), nested=True)
    sources = [lexicon] if name == "lexicon_v2" else [REPOSITORY / "nlp" / "data" / "lexicon", lexicon]
    return Extractor(compile_sources(sources, match_tags=MATCH_TAGS)[0], nested=True)


def with_mentions(data: PatientNotes, extractor: Extractor) -> PatientNotes:
    return data.with_mentions(find_mentions(extractor, data.text))


def with_words(data: PatientNotes, *, marked: bool) -> PatientNotes:
    """The words of the notes, found once for all folds; with the data's mentions denied ones are marked."""
    return data.with_words(find_words(data.text, data.mentions if marked else None))
