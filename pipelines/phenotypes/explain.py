"""One patient and one definition: the tree of criteria, what held, and the sentences that it rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import RunError
from ..note_view import view_note
from ..run_folder import RunFolder
from .compile import Options
from .definition import Criterion, Definition, Group, Leaf, wording
from .evaluate import Prepared, prepare

# A sentence ends at a full stop and a blank, or at a line break that ends a paragraph, a list item or a heading.
_END = re.compile(r"(?<=[.!?])\s+(?=\S)|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)]))|(?<=:)\n")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact that a criterion took: an event, and for notes the mention and its sentence (None under phi=minimal)."""

    time: datetime
    source: str
    code: str
    name: str
    assertion: str
    number: float | None
    unit: str | None
    note: str | None
    section: str | None
    start: int | None
    end: int | None
    sentence: str | None


@dataclass(frozen=True, slots=True)
class ShownNode:
    """A criterion with its answer and facts (`left_out` more are not shown)."""

    path: str
    text: str
    depth: int
    held: bool
    facts: tuple[ShownFact, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one patient at one index time (None where the patient has no candidate)."""

    patient: str
    index_time: datetime | None
    row_id: int | None
    matched: bool
    nodes: tuple[ShownNode, ...]
    warnings: tuple[str, ...]


def explain(
    run: RunFolder,
    definition: Definition,
    patient: str,
    *,
    as_of: pa.Table | None = None,
    id_key: Path | None = None,
    facts: int = 3,
) -> list[Explanation]:
    """Explain one patient: every index time that matched, or the candidate at which most criteria held.

    Args:
        patient: id in the source, or subject_id.
        as_of: as for `evaluate`; then one explanation for each cohort row of the patient.
        facts: facts shown for each criterion at most.

    Raises RunError for an unknown patient, and where the source of the notes has changed since the run.
    """
    with prepare(run, definition, as_of) as prepared:
        database = prepared.database
        run.attach(database, "id_map")
        subject = _subject(prepared, run, patient)
        statement = prepared.statement(definition, Options(subject=subject))
        database.execute(f"CREATE TEMP TABLE phenotype_result AS {statement}")
        candidates = database.execute(
            "SELECT row_id, candidate_id, index_time, matched, sum(CAST(held AND ordinal = 0 AS INTEGER)) AS n "
            "FROM phenotype_result GROUP BY ALL ORDER BY row_id, matched DESC, n DESC, index_time DESC"
        ).fetchall()
        sentences = _Sentences(run, id_key)
        chosen: list[tuple[Any, ...]] = []
        for row in candidates:
            first = not any(other[0] == row[0] for other in chosen)
            if first or (row[3] and definition.index.rule == "all"):
                chosen.append(row)
        return [
            Explanation(
                patient, time, row_id, matched, tuple(_nodes(prepared, definition, candidate, sentences, facts)),
                tuple(prepared.sets.warnings()),
            )
            for row_id, candidate, time, matched, _ in chosen
        ]  # fmt: skip


def _subject(prepared: Prepared, run: RunFolder, patient: str) -> int:
    database = prepared.database
    found = database.execute("SELECT id FROM id_map WHERE kind = 'patient' AND source_id = ?", [patient]).fetchall()
    if not found and patient.isdigit() and len(patient) < 20:
        found = database.execute(
            "SELECT DISTINCT subject_id FROM (SELECT subject_id FROM event UNION SELECT subject_id FROM note UNION "
            "SELECT subject_id FROM person) WHERE subject_id = CAST(? AS HUGEINT)",
            [patient],
        ).fetchall()
    if not found:
        raise RunError(
            "no such patient in this run",
            where=str(run.path),
            remedy="give the patient's id of the source, or subject_id",
        )
    return int(found[0][0])


def _nodes(
    prepared: Prepared, definition: Definition, candidate: int, sentences: _Sentences, most: int
) -> list[ShownNode]:
    nodes: list[ShownNode] = []

    def visit(node: Criterion, depth: int) -> None:
        rows = _facts(prepared, candidate, node.path)
        held = bool(rows[0]["held"])
        facts = [row for row in rows if row["event_id"] is not None]
        # several mentions of one event are one fact to a reader
        first = {row["event_id"]: row for row in reversed(facts)}
        ordered = [row for row in facts if first[row["event_id"]] is row]
        shown = tuple(_shown(row, sentences) for row in ordered[:most])
        nodes.append(ShownNode(node.path, _title(node), depth, held, shown, len(ordered) - len(shown)))
        if isinstance(node, Group):
            for part in node.parts:
                visit(part, depth + 1)

    for tree in (*definition.defined, definition.inclusion, definition.exclusion):
        if tree is not None:
            visit(tree, 0)
    if definition.observation is not None:
        held = bool(_facts(prepared, candidate, "observation")[0]["held"])
        back, ahead = definition.observation.look_back_days, definition.observation.look_ahead_days
        title = f"observed {back} days before and {ahead} days after the index day"
        nodes.append(ShownNode("observation", title, 0, held, (), 0))
    return nodes


def _title(node: Criterion) -> str:
    name = f"{node.name}: " if node.name else ""
    if isinstance(node, Leaf):
        return name + wording(node)
    kinds = {"all": "all of", "any": "any of", "not": "not", "at_least": f"at least {node.n} of"}
    return name + kinds[node.kind]


def _facts(prepared: Prepared, candidate: int, path: str) -> list[dict[str, Any]]:
    result = prepared.database.execute(
        """SELECT r.held, r.event_id, e.clinical_time, e.source, e.code, e.assertion, d.description,
                  coalesce(v.numeric_value, e.numeric_value) AS number, v.unit, v.section, v."start", v."end",
                  coalesce(m.source_id, CAST(r.note_id AS VARCHAR)) AS note
           FROM phenotype_result r
           LEFT JOIN event e ON e.subject_id = r.subject_id AND e.event_id = r.event_id
           LEFT JOIN evidence v ON v.evidence_id = r.evidence_id
           LEFT JOIN codes d ON d.code = e.code
           LEFT JOIN id_map m ON m.kind = 'note' AND m.id = r.note_id
           WHERE r.candidate_id = ? AND r.criterion = ? ORDER BY r.ordinal""",
        [candidate, path],
    )
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _shown(row: dict[str, Any], sentences: _Sentences) -> ShownFact:
    start, end = row["start"], row["end"]
    sentence = sentences.of(row["note"], start, end) if row["note"] is not None and start is not None else None
    return ShownFact(
        row["clinical_time"], row["source"], row["code"], row["description"] or "", row["assertion"], row["number"],
        row["unit"], row["note"], row["section"], start, end, sentence,
    )  # fmt: skip


class _Sentences:
    """Sentences of notes, each note read again once, its text checked against the run's hash by `view_note`."""

    def __init__(self, run: RunFolder, id_key: Path | None) -> None:
        self.run, self.id_key = run, id_key
        self._texts: dict[str, str] = {}

    def of(self, note: str, start: int, end: int) -> str | None:
        """The sentence around a mention; None under phi=minimal."""
        if self.run.phi_minimal:
            return None
        if note not in self._texts:
            self._texts[note] = view_note(self.run.path, note, self.id_key).text
        return sentence_around(self._texts[note], start, end)


def sentence_around(text: str, start: int, end: int) -> str:
    """The sentence that holds the characters start to end, on one line; a very long one is cut around the mention.

    >>> sentence_around("No cough. He has asthma since 2001. Smokes.", 17, 23)
    'He has asthma since 2001.'
    """
    first = max((match.end() for match in _END.finditer(text, 0, start)), default=0)
    following = _END.search(text, end)
    last = following.start() if following else len(text)
    if last - first > _LONGEST:
        first, last = max(first, start - _LONGEST // 2), min(last, end + _LONGEST // 2)
    return " ".join(text[first:last].split())
