"""How many mentions of a finished run a new release of its terminology concerns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..nlp.terminology.build_findings import Listing, NamedCode
from ..nlp.terminology.diff import TerminologyDiff, named
from ..nlp.terminology.string_groups import hashes_of
from ..nlp.terminology.terminology import Terminology
from ..nlp.tokens import key_words
from .database import Database, connect, put, quoted
from .errors import RunError
from .plan import RUN, finished_run

_ORDER = ("moved", "not_found", "removed", "new_parents")


@dataclass(frozen=True, slots=True)
class ChangedMentions:
    """Mentions of one code that a release concerns.

    `change`: `moved`: their strings now lead to `now`; `not_found`: their strings name nothing any more; `removed`: the
    code is not in the new release, `now` is its successor where it has one; `new_parents`: the code stays, its parents
    changed. `patients` counts patients with such a mention, whatever its assertion.
    """

    change: str
    code: NamedCode
    now: NamedCode | None
    mentions: int
    patients: int


@dataclass(frozen=True, slots=True)
class RunChanges:
    """What a release means for a run.

    Attributes:
        mentions: in the run.
        concerned: mentions in `rows`, each counted once.
        unknown_code: mentions whose code the old terminology does not have: then the run used another one.
        strings_known: False for a run with `phi=minimal`, which keeps no strings; only codes are compared then.
        same_terminology: the run was made with the old terminology.
    """

    mentions: int
    concerned: int
    unknown_code: int
    strings_known: bool
    same_terminology: bool
    rows: Listing[ChangedMentions]


def run_changes(run: Path, old: Terminology, new: Terminology, changes: TerminologyDiff) -> RunChanges:
    """Count the mentions of a run that a release concerns. Words of notes are compared, but not reported.

    Raises:
        RunError: no finished run there.
    """
    document = finished_run(run) if run.is_dir() else None
    evidence = run / "evidence.parquet"
    if document is None or not evidence.is_file():
        raise RunError(
            f"no finished run here (no {RUN})", where=str(run), remedy="name the --out folder of `phenotext run`"
        )
    database = connect()
    try:
        database.execute(f"CREATE VIEW evidence AS SELECT * FROM read_parquet({quoted(evidence)})")
        return _count(database, document, old, new, changes)
    finally:
        database.close()


def _count(
    database: Database, document: dict[str, object], old: Terminology, new: Terminology, changes: TerminologyDiff
) -> RunChanges:
    uses = database.execute(
        "SELECT code, lexical_variant, count(*) FROM evidence GROUP BY ALL ORDER BY code, lexical_variant"
    ).fetchall()
    hashes = hashes_of([key_words(string or "") for _, string, _ in uses]).tolist()
    sorting = _Sorting(old, new, changes)
    kinds: dict[tuple[str, int, int], int] = {}
    chosen: list[tuple[str, str | None, int]] = []
    unknown = 0
    for (code, string, mentions), string_hash in zip(uses, hashes):
        system, _, bare = code.partition("/")
        concept = old.find(bare, system)
        if concept < 0:
            unknown += mentions
            continue
        kind = sorting.change(concept, None if string is None else string_hash)
        if kind is not None:
            chosen.append((code, string, kinds.setdefault(kind, len(kinds))))
    put(
        database,
        "changed",
        pa.table(
            {
                "code": pa.array([code for code, _, _ in chosen], pa.string()),
                "lexical_variant": pa.array([string for _, string, _ in chosen], pa.string()),
                "kind": pa.array([kind for _, _, kind in chosen], pa.int64()),
            }
        ),
    )
    counts = database.execute(
        "SELECT kind, count(*), count(DISTINCT subject_id) FROM evidence JOIN changed ON evidence.code = changed.code"
        " AND evidence.lexical_variant IS NOT DISTINCT FROM changed.lexical_variant GROUP BY kind ORDER BY kind"
    ).fetchall()
    keys = list(kinds)
    rows: list[ChangedMentions] = []
    for kind, mentions, patients in counts:
        change, was, now = keys[kind]
        rows.append(ChangedMentions(change, named(old, was), named(new, now) if now >= 0 else None, mentions, patients))
    rows.sort(key=lambda row: (_ORDER.index(row.change), -row.mentions, row.code.system, row.code.code))
    identity = document.get("identity")
    made_with = identity.get("terminology") if isinstance(identity, dict) else None
    return RunChanges(
        sum(mentions for _, _, mentions in uses),
        sum(row.mentions for row in rows),
        unknown,
        not uses or any(string is not None for _, string, _ in uses),
        isinstance(made_with, dict) and made_with.get("sha256") == old.sha256,
        Listing.of(rows),
    )


class _Sorting:
    """What a release does to a mention, from its code and its string."""

    def __init__(self, old: Terminology, new: Terminology, changes: TerminologyDiff) -> None:
        self._old, self._new = old, new
        matching = changes.matching
        self._to_new, self._lost = matching.to_new, matching.lost
        self._reparented = frozenset(matching.reparented)
        self._moved = {
            (string, was): now for string, (was, now, _) in zip(matching.moved_hashes.tolist(), matching.moved)
        }

    def change(self, concept: int, string: int | None) -> tuple[str, int, int] | None:
        """(change, old concept, new concept or -1); None where the mention stays as it is."""
        if self._to_new[concept] < 0:
            return "removed", concept, self._new.find(self._old.codes[concept], self._old.systems[concept])
        if string is not None:
            now = self._moved.get((string, concept))
            if now is not None:
                return "moved", concept, now
            place = int(np.searchsorted(self._lost, np.uint64(string)))
            if place < len(self._lost) and int(self._lost[place]) == string:
                return "not_found", concept, -1
        return ("new_parents", concept, int(self._to_new[concept])) if concept in self._reparented else None
