"""The kind `concepts`: coded, asserted mentions of the notes, or features of a run, in a regression or in trees.

Terms of a mention: its code with the assertion ("SNOMED/233604007//ABSENT", bare = present), the same with the section
it stands in ("...@findings"), and the same with the dictionary's term that was found ("...=consolidation"), because
one concept gathers terms that authors use for different things. No word outside a mention enters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from ..nlp import Extractor
from ..nlp.results import ASSERTION
from .additive_model import AdditiveModel
from .aggregation import AGGREGATIONS, BAG
from .boosted_trees import BoostedTrees, prefer_trees
from .design import Design, Matrix, Occurrences, Terms, same_person_or_text
from .note_mentions import NoteMentions, find_mentions
from .patient_model import MIN_PATIENTS, Contribution, ModelDataError
from .patients import PatientNotes

# A code is a row of a public terminology and names nobody, so it may be rarer than a string.
MIN_PATIENTS_CODE = 3
# Fewer and more telling columns than words: a stronger penalty.
CONCEPT_C_GRID = (3.0, 1.0, 30.0)
MENTIONS, FEATURES = "mentions", "features"
LEARNERS = ("linear", "trees")


class ConceptModel(AdditiveModel):
    """Learns from `data.features` where the data have them, else from mentions (found by `extractor` where absent).

    `sections` and `strings` switch the second and third group of terms. `learners`: "linear" alone, or with "trees"
    (XGBoost, where installed) chosen by inner cross-validation. Mentions must come from the terminology of training.
    Extractors with `nested=True` serve it best: the shorter concept inside a longer one stands in for its parent.
    """

    kind = "concepts"

    def __init__(
        self,
        extractor: Extractor | None = None,
        *,
        sections: bool = True,
        strings: bool = True,
        learners: Sequence[str] = ("linear",),
        aggregations: Sequence[str] = AGGREGATIONS,
        c_grid: Sequence[float] = CONCEPT_C_GRID,
    ) -> None:
        super().__init__(extractor, aggregations=aggregations, c_grid=c_grid)
        if not learners or learners[0] != "linear" or any(name not in LEARNERS for name in learners):
            raise ValueError("learners must be ('linear',) or ('linear', 'trees')")
        self.sections, self.strings, self.learners = sections, strings, tuple(learners)
        self.reads = MENTIONS
        self.terminology: str | None = None
        self.nested = False
        self.trees: BoostedTrees | None = None

    def mentions(self, data: PatientNotes) -> NoteMentions:
        """The data's mentions, or found now; refused from another terminology than that of training."""
        found = data.mentions
        if found is None:
            if self.extractor is None:
                raise ModelDataError("concepts are read from features or mentions; give them, or an extractor")
            found = find_mentions(self.extractor, data.text)
        if self.terminology is not None and found.terminology != self.terminology:
            raise ModelDataError(
                f"mentions are of terminology {found.terminology[:12]}, the model was trained on"
                f" {self.terminology[:12]}; open that terminology"
            )
        if self.terminology is not None and found.nested != self.nested:
            raise ModelDataError(
                f"the model was trained {'with' if self.nested else 'without'} matches inside longer ones;"
                f" open the extractor with nested={self.nested}"
            )
        return found

    def learn_terms(self, data: PatientNotes) -> Terms:
        self.terminology = None
        found = self.mentions(data)
        self.terminology, self.nested = found.terminology, found.nested
        coded = concept_terms(found, sections=self.sections).seen_in(data, MIN_PATIENTS_CODE)
        if not self.strings:
            return coded
        written = string_terms(found, data.text).seen_in(data, MIN_PATIENTS)
        k = len(coded.names)
        shifted = Occurrences(written.at.note, written.at.column + k, written.at.start, written.at.end)
        return Terms((*coded.names, *written.names), Occurrences.join([coded.at, shifted]))

    def find_terms(self, data: PatientNotes) -> Occurrences:
        found = self.mentions(data)
        parts = [concept_terms(found, sections=self.sections).on(self.names).at]
        if self.strings:
            parts.append(string_terms(found, data.text).on(self.names).at)
        return Occurrences.join(parts)

    def prepare(self, data: PatientNotes) -> Design:
        """As for every kind; with features, those that MIN_PATIENTS_CODE patients have, on a scale of 1."""
        self.reads = MENTIONS if data.features is None else FEATURES
        if data.features is None:
            return super().prepare(data)
        table: Matrix = sparse.csr_matrix(data.features, dtype=np.float64)
        kept = patients_with(table, data.subject_id) >= MIN_PATIENTS_CODE
        if not kept.any():
            raise ModelDataError(f"no feature is seen in {MIN_PATIENTS_CODE} patients; train on more patients")
        names = tuple(name for name, keep in zip(data.feature_names, kept.tolist()) if keep)
        if len(set(names)) != len(names):
            raise ModelDataError("a feature name occurs twice; give each feature a name of its own")
        table = compressed(table[:, np.flatnonzero(kept)])
        square = np.asarray(table.multiply(table).mean(axis=0)).ravel()
        scale = 1 / np.sqrt(np.maximum(square, 1e-12))
        none = np.zeros(0, np.int64)
        return Design(
            names=names,
            bag=sparse.csr_matrix(table @ sparse.diags(scale)),
            notes=sparse.csr_matrix((0, len(names))),
            note_row=none,
            bag_idf=scale,
            note_idf=scale,
            groups=same_person_or_text(data),
        )

    def fit_design(self, design: Design, y: np.ndarray, weight: np.ndarray, seed: int) -> Self:
        ways = self.aggregations
        if self.reads == FEATURES:
            self.aggregations = (BAG,)
        try:
            super().fit_design(design, y, weight, seed)
        finally:
            self.aggregations = ways
        self.trees = None
        if "trees" in self.learners and self.aggregation == BAG:
            chosen, found = prefer_trees(design, y, weight, seed, self.c)
            self.inner.append(found)
            if chosen:
                self.trees = BoostedTrees.fit(design.bag, y, weight, seed)
        return self

    def _matrix(self, data: PatientNotes, at: Occurrences) -> Matrix:
        if self.reads == MENTIONS:
            return super()._matrix(data, at)
        if data.features is None:
            raise ModelDataError("the model was trained on features of a run; give data with features")
        place = {name: i for i, name in enumerate(data.feature_names)}
        missing = [name for name in self.names if name not in place]
        if missing:
            # a feature that no patient has is in no table; zeros are what it says
            width = len(data.feature_names)
            padded: Matrix = sparse.hstack([data.features, sparse.csr_matrix((len(data), 1))]).tocsr()
            columns = [place.get(name, width) for name in self.names]
            return sparse.csr_matrix(compressed(padded[:, columns]) @ sparse.diags(self.idf))
        columns = [place[name] for name in self.names]
        table: Matrix = sparse.csr_matrix(data.features, dtype=np.float64)[:, columns]
        return sparse.csr_matrix(compressed(table) @ sparse.diags(self.idf))

    def _occurrences(self, data: PatientNotes) -> Occurrences:
        if self.reads == MENTIONS:
            return self.find_terms(data)
        none = np.zeros(0, np.int64)
        return Occurrences(none, none, none, none)

    def logits(self, data: PatientNotes) -> np.ndarray:
        if self.reads == MENTIONS and self.trees is None:
            return super().logits(data)
        matrix = self._matrix(data, self._occurrences(data))
        if self.trees is not None:
            return self.trees.logits(matrix)
        coefficients, intercept = self._fitted()
        return np.asarray(matrix @ coefficients).ravel() + intercept

    @property
    def intercept(self) -> float:
        return self._fitted()[1] if self.trees is None else self.trees.intercept

    def contributions(self, data: PatientNotes, row: int) -> list[Contribution]:
        """As for every kind; features and trees give one contribution a feature (its name in `covariate`)."""
        if self.reads == MENTIONS and self.trees is None:
            return super().contributions(data, row)
        one = data.subset([row])
        matrix = self._matrix(one, self._occurrences(one))
        if self.trees is not None:
            values, method = self.trees.contributions(matrix)[0], "tree_shap"
        else:
            values, method = np.asarray(matrix.todense()).ravel() * self._fitted()[0], "linear"
        found = [
            Contribution(None, self.names[i], None, None, float(values[i]), method)
            for i in np.flatnonzero(values).tolist()
        ]
        return sorted(found, key=lambda c: (-abs(c.value), c.covariate or ""))

    def settings(self) -> dict[str, Any]:
        return {
            "reads": self.reads,
            "sections": self.sections,
            "strings": self.strings,
            "terminology": self.terminology,
            "nested": self.nested,
            "learner": "linear" if self.trees is None else "trees",
        }

    def arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, meta = super().arrays()
        return (arrays if self.trees is None else {**arrays, "trees": self.trees.as_array()}), meta

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Self:
        settings = meta["settings"]
        model = cls(sections=bool(settings["sections"]), strings=bool(settings["strings"]))
        model.reads, model.terminology = str(settings["reads"]), settings["terminology"]
        model.nested = bool(settings["nested"])
        if settings["learner"] == "trees":
            model.trees = BoostedTrees.from_array(np.asarray(arrays["trees"], np.uint8))
        return model.restore(arrays, meta)


def _stated(code: str, assertion: int) -> str:
    return code if assertion == 0 else f"{code}//{ASSERTION[assertion].upper()}"


def concept_terms(found: NoteMentions, *, sections: bool) -> Terms:
    """Code with assertion, and the same with the section."""
    kinds, n_sections = len(ASSERTION), max(len(found.sections), 1)
    note = found.note()
    stated = found.concept.astype(np.int64) * kinds + found.assertion
    distinct, column = np.unique(stated, return_inverse=True)
    names = [_stated(found.codes[key // kinds], key % kinds) for key in distinct.tolist()]
    plain = Occurrences(note, column.astype(np.int64), found.start, found.end)
    if not sections:
        return Terms(tuple(names), plain)
    placed, place = np.unique(stated * n_sections + found.section, return_inverse=True)
    for key in placed.tolist():
        stated_key, section = divmod(key, n_sections)
        names.append(f"{_stated(found.codes[stated_key // kinds], stated_key % kinds)}@{found.sections[section]}")
    in_section = Occurrences(note, place.astype(np.int64) + len(distinct), found.start, found.end)
    return Terms(tuple(names), Occurrences.join([plain, in_section]))


def string_terms(found: NoteMentions, texts: Sequence[str]) -> Terms:
    """Code with assertion and the string as it stands in the note, lower case and with single blanks."""
    names: dict[str, int] = {}
    column = []
    note = found.note()
    columns = (note, found.start, found.end, found.concept, found.assertion)
    for i, start, end, concept, assertion in zip(*(cells.tolist() for cells in columns)):
        string = " ".join(str(texts[i])[start:end].lower().split())
        column.append(names.setdefault(f"{_stated(found.codes[concept], assertion)}={string}", len(names)))
    return Terms(tuple(names), Occurrences(note, np.asarray(column, np.int64), found.start, found.end))


def patients_with(table: Matrix, subject_id: np.ndarray) -> np.ndarray:
    """[k] number of distinct patients with a value other than 0."""
    subject = np.unique(subject_id, return_inverse=True)[1]
    whole = table.tocoo()
    some = whole.data != 0
    pairs = np.unique(whole.col[some].astype(np.int64) * (len(subject) + 1) + subject[whole.row[some]])
    return np.bincount(pairs // (len(subject) + 1), minlength=table.shape[1])


def compressed(table: Matrix) -> Matrix:
    """sign(x) ln(1 + |x|): counts and recency have long tails."""
    out: Matrix = sparse.csr_matrix(table, dtype=np.float64, copy=True)
    out.data = np.sign(out.data) * np.log1p(np.abs(out.data))
    return out
