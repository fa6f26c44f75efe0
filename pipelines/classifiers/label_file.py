"""The user's labels, by patient, put on the rows of a cohort.

Columns: the patient (patient_id, subject_id or person_id), and `label` (0/1, true/false), `value`, or `status`, where
`present` is 1 and any other word 0. Optional: prediction_time, weight, kind, reviewer, inclusion_probability. A file of
several phenotypes has a column with the code, and only the rows of the phenotype count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...models.labels import KINDS, Labels
from ..cohort_file import PATIENT, PREDICTION, open_rows
from ..errors import RunError
from ..ids import Identifier
from ..readers.rows import text_of
from ..run_folder import RunFolder
from ..times import to_time
from .patient_data import COHORT_COLUMNS

_LABEL = ("label", "value", "status")
_CODE = ("snomed_code", "phenotype_code", "code")
_YES = frozenset(("1", "1.0", "true", "yes"))
_NO = frozenset(("0", "0.0", "false", "no"))


@dataclass(frozen=True, slots=True)
class LabelledCohort:
    """Labels by row_id of `cohort` (row_id, subject_id, prediction_time). `own`: the cohort is the run's own.

    `left_out` counts labels of patients that the run does not have; `sha256` names the labels, whatever their order in
    the file.
    """

    cohort: pa.Table
    own: bool
    labels: Labels
    left_out: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Given:
    subject_id: int
    time: datetime | None
    value: int
    weight: float
    kind: str
    reviewer: str | None
    inclusion: float
    where: str


def read_label_file(
    path: Path, run: RunFolder, key: bytes, phenotype_code: str, *, unlisted_are_negative: bool = False
) -> LabelledCohort:
    """Read labels and put them on rows of the run's cohort, or on rows of their own where they name other times.

    `unlisted_are_negative`: patients of the run without a label are 0, for files that list every patient who has the
    phenotype. Raises RunError naming file and row; an unclear label is never guessed.
    """
    given = _read(path, phenotype_code, Identifier("patient", key))
    cohort = run.table("cohort").select(COHORT_COLUMNS).sort_by("row_id")
    times = cohort.column("prediction_time").to_pylist()
    rows = cohort.column("row_id").to_pylist()
    subjects = cohort.column("subject_id").to_pylist()
    known = set(run.table("note").column("subject_id").to_pylist()) | set(subjects)
    there = [item for item in given if item.subject_id in known]
    if not there:
        raise RunError(
            f"none of the {len(given)} labelled patients is in the run",
            where=str(path),
            remedy="write patient ids as the notes do, and label patients of this run",
        )
    timed = [item for item in there if item.time is not None]
    if timed and len(timed) < len(there):
        item = next(item for item in there if item.time is None)
        raise RunError("no prediction time, but other rows have one", where=item.where, remedy="give all or none")
    by_time = {(subject, time): row for row, subject, time in zip(rows, subjects, times, strict=True)}
    own = not timed or all((item.subject_id, item.time) in by_time for item in timed)
    if own:
        by_subject: dict[int, list[int]] = {}
        for row, subject in zip(rows, subjects, strict=True):
            by_subject.setdefault(subject, []).append(row)
        placed = [
            (_only_row(item, by_subject) if item.time is None else by_time[item.subject_id, item.time], item)
            for item in there
        ]
    else:
        order = sorted(timed, key=lambda item: (item.subject_id, item.time or datetime.min))
        placed = list(enumerate(order, 1))
        columns = [[row for row, _ in placed], [i.subject_id for i in order], [i.time for i in order]]
        cohort = pa.table(columns, schema=cohort.schema)
        rows = columns[0]
    if unlisted_are_negative:
        labelled = {row for row, _ in placed}
        rest = _Given(0, None, 0, 1.0, "gold", None, 1.0, "")
        placed += [(row, rest) for row in rows if row not in labelled]
    placed.sort(key=lambda pair: pair[0])
    labels = Labels(
        row_id=np.array([row for row, _ in placed], np.int64),
        value=np.array([item.value for _, item in placed], np.int8),
        weight=np.array([item.weight for _, item in placed]),
        kind=np.array([KINDS.index(item.kind) for _, item in placed], np.int8),
        reviewer=tuple(item.reviewer for _, item in placed),
        inclusion_probability=np.array([item.inclusion for _, item in placed]),
    )
    return LabelledCohort(cohort, own, labels, len(given) - len(there), _fingerprint(labels, cohort))


def _only_row(item: _Given, by_subject: dict[int, list[int]]) -> int:
    rows = by_subject.get(item.subject_id, [])
    if len(rows) == 1:
        return rows[0]
    problem = "the patient has no row in the run's cohort" if not rows else f"the patient has {len(rows)} cohort rows"
    raise RunError(problem, where=item.where, remedy="add a column prediction_time that says which is meant")


def _read(path: Path, phenotype_code: str, subject_of: Callable[[str], int]) -> list[_Given]:
    names, rows = open_rows(path)
    by_lower = {name.strip().lower(): name for name in names}

    def column(wanted: tuple[str, ...]) -> str | None:
        return next((by_lower[name] for name in wanted if name in by_lower), None)

    patient, label, code, time = column(PATIENT), column(_LABEL), column(_CODE), column(PREDICTION)
    for found, wanted in ((patient, PATIENT), (label, _LABEL)):
        if found is None:
            raise RunError(f"no column {' or '.join(wanted)}", where=path.name, remedy="add it to the header")
    chosen: dict[tuple[int, datetime | None], _Given] = {}
    wanted_codes = {phenotype_code, phenotype_code.split("/", 1)[-1]}
    for number, record in rows:
        where = f"{path.name} row {number}"
        if isinstance(record, str):
            raise RunError(f"the row cannot be read ({record})", where=where, remedy="mend the row")
        cells: dict[str, Any] = {name: record.get(place) for name, place in by_lower.items()}
        if code is not None and text_of(record.get(code)) not in wanted_codes:
            continue
        item = _row(cells, str(patient).strip().lower(), str(label).strip().lower(), time, subject_of, where)
        before = chosen.get((item.subject_id, item.time))
        if before is not None and before.value != item.value and str(label).strip().lower() != "status":
            raise RunError(
                f"another label than in {before.where} for the same patient",
                where=where,
                remedy="decide which holds and keep one",
            )
        # one row a finding: the mother had it, and the patient has it
        if before is None or item.value > before.value:
            chosen[item.subject_id, item.time] = item
    if not chosen:
        raise RunError(
            f"no label of {phenotype_code}" if code is not None else "no labels", where=path.name, remedy="add some"
        )
    return list(chosen.values())


def _row(
    cells: dict[str, Any], patient: str, label: str, time: str | None, subject_of: Callable[[str], int], where: str
) -> _Given:
    source_id = text_of(cells[patient])
    if source_id is None:
        raise RunError("no patient id", where=where, remedy="give each row one")
    word = (text_of(cells[label]) or "").lower()
    if isinstance(cells[label], bool):
        word = str(cells[label]).lower()
    if label == "status":
        value = int(word == "present")
    elif word in _YES or word in _NO:
        value = int(word in _YES)
    else:
        raise RunError(f"{label} is not 0 or 1", where=where, remedy="write 1 for a patient with the phenotype, else 0")
    moment = None if time is None else to_time(cells[time.strip().lower()])
    if time is not None and moment is None:
        raise RunError("the prediction time cannot be read", where=where, remedy="write it as 2021-03-04T10:00:00")
    kind = (text_of(cells.get("kind")) or "gold").lower()
    if kind not in KINDS:
        raise RunError("unknown kind of label", where=where, remedy=f"use {', '.join(KINDS)}")
    weight = _number(cells, "weight", where)
    inclusion = _number(cells, "inclusion_probability", where)
    if not 0 <= weight < float("inf"):
        raise RunError("weight is below 0", where=where, remedy="give a weight of 0 or more")
    if not 0 < inclusion <= 1:
        raise RunError(
            "inclusion_probability is not in (0, 1]", where=where, remedy="give how likely the row was drawn"
        )
    return _Given(subject_of(source_id), moment, value, weight, kind, text_of(cells.get("reviewer")), inclusion, where)


def _number(cells: dict[str, Any], name: str, where: str) -> float:
    cell = cells.get(name)
    if cell is None or cell == "":
        return 1.0
    try:
        return float(cell)
    except (TypeError, ValueError):
        raise RunError(f"{name} is no number", where=where) from None


def _fingerprint(labels: Labels, cohort: pa.Table) -> str:
    times = dict(
        zip(
            cohort.column("row_id").to_pylist(),
            zip(cohort.column("subject_id").to_pylist(), cohort.column("prediction_time").to_pylist(), strict=True),
            strict=True,
        )
    )
    lines = sorted(
        f"{times[row][0]}\t{times[row][1].isoformat()}\t{value}\t{weight!r}\t{kind}\t{inclusion!r}\n"
        for row, value, weight, kind, inclusion in zip(
            labels.row_id.tolist(),
            labels.value.tolist(),
            labels.weight.tolist(),
            labels.names(),
            labels.inclusion_probability.tolist(),
            strict=True,
        )
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
