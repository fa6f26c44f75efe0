"""Scores and what they rest on, as the tables `score` and `score_evidence`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..nlp.tables import SCORE, SCORE_EVIDENCE
from .patient_model import PatientModel
from .patients import PatientNotes
from .score_basis import NOTE_READ, Basis, basis_of
from .tfidf_model import TfidfModel

OK, NO_NOTES, OUT_OF_SCOPE, ERROR = "ok", "no_notes", "out_of_scope", "error"


@dataclass(frozen=True, slots=True)
class ScoredBy:
    """What stands in every score row: the model, its phenotype, and the run. `threshold` None: nobody is flagged."""

    model_name: str
    model_version: str
    model_sha256: str
    phenotype_code: str
    base_concept_id: int
    threshold: float | None
    run_id: str


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """n scored rows: `logit` and `probability` [n] float64 (NaN where the status is not ok), `status` n names, and the
    basis of the rows (by row_id) that are flagged or among the highest of the part."""

    row_id: np.ndarray
    subject_id: np.ndarray
    prediction_time: np.ndarray
    n_notes: np.ndarray
    logit: np.ndarray
    probability: np.ndarray
    status: tuple[str, ...]
    basis: Mapping[int, tuple[Basis, ...]]


@dataclass(frozen=True, slots=True)
class EvidenceOptions:
    """How much is explained: at most `passages` rows a score; unflagged scores up to rank `top` are explained too."""

    passages: int = 5
    top: int = 50


def score_part(
    model: PatientModel,
    calibrate: Callable[[np.ndarray], np.ndarray],
    data: PatientNotes,
    threshold: float | None,
    options: EvidenceOptions,
) -> ScoredPart:
    """Score n patients. `calibrate` takes [n] logits to [n] probabilities.

    A row without notes has no score. A logit or probability that is not finite is status `error`: one patient must
    not cost the others theirs.
    """
    counts = data.note_counts()
    logit = np.asarray(model.logits(data), np.float64)
    if logit.shape != (len(data),):
        raise ValueError(f"the model gave {logit.shape} logits for {len(data)} rows")
    probability = np.full(len(data), np.nan)
    scope = _in_scope(model, data, logit)
    usable = (counts > 0) & scope & np.isfinite(logit)
    if usable.any():
        probability[usable] = np.asarray(calibrate(logit[usable]), np.float64)
    usable &= np.isfinite(probability) & (probability >= 0) & (probability <= 1)
    status = tuple(
        OK if good else NO_NOTES if count == 0 else OUT_OF_SCOPE if not inside else ERROR
        for good, count, inside in zip(usable.tolist(), counts.tolist(), scope.tolist())
    )
    probability[~usable] = np.nan
    logit = np.where(usable, logit, np.nan)
    explained = _explained(probability, logit, data.row_id, usable, threshold, options.top)
    basis = {int(data.row_id[row]): basis_of(model, data, row, options.passages) for row in explained}
    return ScoredPart(data.row_id, data.subject_id, data.prediction_time, counts, logit, probability, status, basis)


def _in_scope(model: PatientModel, data: PatientNotes, logit: np.ndarray) -> np.ndarray:
    """[n] bool: False for a patient in whose notes a model of words knows not one word, as in another language.

    To kinds that count concepts a note without any is an answer, so they have no such rows.
    """
    scope = np.ones(len(data), bool)
    if isinstance(model, TfidfModel):
        # only a row of which nothing is known has the intercept for its logit, or one with such a note
        for row in np.flatnonzero((logit == model.intercept) & (data.note_counts() > 0)).tolist():
            scope[row] = len(model.find_terms(data.subset([row])).note) > 0
    return scope


def _order(probability: np.ndarray, logit: np.ndarray, row_id: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Positions of the usable rows, the highest first; ties by the logit, then by row_id."""
    at = np.flatnonzero(usable)
    return at[np.lexsort((row_id[at], -logit[at], -probability[at]))]


def _explained(
    probability: np.ndarray,
    logit: np.ndarray,
    row_id: np.ndarray,
    usable: np.ndarray,
    threshold: float | None,
    top: int,
) -> list[int]:
    order = _order(probability, logit, row_id, usable)
    flagged = probability[order] >= threshold if threshold is not None else np.zeros(len(order), bool)
    return order[flagged | (np.arange(len(order)) < top)].tolist()


@dataclass(frozen=True, slots=True)
class ScoreTables:
    """`score` and `score_evidence`, sorted by their keys. `focus` [evidence rows]: (note_id, start, end) of the
    strongest word of each passage, or None: mentions are looked up by it."""

    score: pa.Table
    evidence: pa.Table
    focus: tuple[tuple[int, int, int] | None, ...]


def score_tables(
    parts: Iterable[ScoredPart],
    by: ScoredBy,
    covariate_ids: Mapping[str, int] | None = None,
    options: EvidenceOptions | None = None,
) -> ScoreTables:
    """Put parts together: ranks over all of them, ids from the model and the row.

    `covariate_ids` gives the covariate_id of a feature name; features the run does not have are named by their notes.
    Raises ValueError where a row comes in two parts.
    """
    listed = list(parts)
    row_id = _joined([part.row_id for part in listed], np.int64)
    if len(np.unique(row_id)) != len(row_id):
        raise ValueError("a row was scored twice")
    logit = _joined([part.logit for part in listed], np.float64)
    probability = _joined([part.probability for part in listed], np.float64)
    status = [name for part in listed for name in part.status]
    usable = np.asarray([name == OK for name in status], bool)
    order = _order(probability, logit, row_id, usable)
    rank = np.zeros(len(row_id), np.int32)
    rank[order] = np.arange(1, len(order) + 1)
    score_id = np.asarray([score_number(by, row) for row in row_id.tolist()], np.int64)
    if len(np.unique(score_id)) != len(score_id):
        raise ValueError("two scores have the same id")
    n = len(row_id)
    free = ~usable
    flagged = probability >= by.threshold if by.threshold is not None else np.zeros(n, bool)
    counts = _joined([part.n_notes for part in listed], np.int64)
    columns = {
        "score_id": pa.array(score_id),
        "row_id": pa.array(row_id),
        "subject_id": pa.array(_joined([part.subject_id for part in listed], np.int64)),
        "prediction_time": pa.array(_joined([part.prediction_time for part in listed], "datetime64[us]")),
        "phenotype_code": pa.repeat(by.phenotype_code, n),
        "base_concept_id": pa.repeat(pa.scalar(by.base_concept_id, pa.int64()), n),
        "model_name": pa.repeat(by.model_name, n),
        "model_version": pa.repeat(by.model_version, n),
        "model_sha256": pa.repeat(by.model_sha256, n),
        "raw_score": pa.array(logit, mask=free),
        "probability": pa.array(probability, mask=free),
        "threshold": pa.nulls(n, pa.float64())
        if by.threshold is None
        else pa.repeat(pa.scalar(by.threshold, pa.float64()), n),
        "flagged": pa.nulls(n, pa.bool_()) if by.threshold is None else pa.array(flagged, mask=free),
        "rank": pa.array(rank, mask=free),
        "n_notes": pa.array(counts.astype(np.int32)),
        # these kinds read a note as one piece, whatever its length
        "n_chunks": pa.array(counts.astype(np.int32)),
        "status": pa.array(status, pa.string()),
        "run_id": pa.repeat(by.run_id, n),
    }
    score = pa.table({name: columns[name] for name in SCORE.names}, schema=SCORE).sort_by("score_id")
    wanted = usable & (flagged | (rank <= (options or EvidenceOptions()).top))
    basis = {row: found for part in listed for row, found in part.basis.items()}
    explained = sorted((int(score_id[at]), basis[int(row_id[at])]) for at in np.flatnonzero(wanted))
    evidence, focus = _evidence(explained, covariate_ids or {})
    return ScoreTables(score, evidence, focus)


def _evidence(
    explained: Sequence[tuple[int, tuple[Basis, ...]]], covariate_ids: Mapping[str, int]
) -> tuple[pa.Table, tuple[tuple[int, int, int] | None, ...]]:
    rows: list[dict[str, object]] = []
    focus: list[tuple[int, int, int] | None] = []
    for score_id, found in explained:
        kept = [(item, covariate_ids.get(item.covariate) if item.covariate is not None else None) for item in found]
        # a feature that the run does not name can be pointed at by its note only
        usable = [(item, number) for item, number in kept if item.note_id is not None or number is not None]
        named = [(item, number) for item, number in usable if item.method != NOTE_READ]
        usable = named or usable
        for rank, (item, number) in enumerate(usable, 1):
            rows.append(
                {
                    "score_id": score_id,
                    "rank": rank,
                    "note_id": item.note_id,
                    "covariate_id": number,
                    "start": item.start,
                    "end": item.end,
                    "contribution": item.value,
                    "method": item.method,
                }
            )
            focus.append(item.focus)
    return pa.Table.from_pylist(rows, SCORE_EVIDENCE), tuple(focus)


def score_number(by: ScoredBy, row_id: int) -> int:
    """score_id: 63 bits of blake2b over model, phenotype and cohort row.

    >>> score_number(ScoredBy("m", "1", "0" * 64, "SNOMED/195967001", 1, None, "r"), 7) < 2**63
    True
    """
    content = f"score\x1f{by.model_sha256}\x1f{by.phenotype_code}\x1f{row_id}".encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") >> 1


def _joined(parts: list[np.ndarray], kind: object) -> np.ndarray:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)  # pyright: ignore[reportCallIssue, reportArgumentType]
