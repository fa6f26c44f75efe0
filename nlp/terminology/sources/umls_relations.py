"""Is-a and replacements from MRREL.

A row reads from right to left: `CUI1 REL CUI2` says what the second is to the first. REL `PAR` means that the second
is a parent of the first; RELA `isa` that the second is a kind of the first (UMLS Reference Manual, 2.4; the row
"accidental fall CHD isa fall from viaduct").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..systems import tidy_code
from .content import SourceContent, resolve_chains
from .umls_files import RrfTable

# Its functions are made at import, which a type checker cannot see.
pc: Any = pyarrow.compute

_REL_COLUMNS = ("CUI1", "AUI1", "REL", "CUI2", "AUI2", "RELA", "SAB", "SUPPRESS")
_HIERARCHY = ("PAR", "CHD")
_KINDS = {"isa": False, "inverse_isa": True}
# Ties between a retired code and the one that stands for it now. Which of the two is retired tells the direction.
_SUCCESSION = ("replaced_by", "replaces", "same_as")
# The codes that a row names, None where it names an atom that was not taken.
_Tie = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class UmlsCodes:
    """The codes of one vocabulary that were taken, and its retired ones; for CUIs `sab` is empty."""

    system: str
    sab: str
    known: set[str]
    retired: set[str]


class _Atoms:
    """From the atoms or concepts that a row names to codes, many rows at a time."""

    def __init__(self, table: pa.Table, codes: UmlsCodes) -> None:
        self.cuis_are_codes = not codes.sab
        own = table if self.cuis_are_codes else table.filter(pc.equal(table["SAB"], codes.sab))
        if self.cuis_are_codes:
            cuis = pc.unique(own["CUI"])
            self.cuis = cuis
            self.of_cui = np.array(cuis.to_pylist(), object)
            return
        self.auis = own["AUI"].combine_chunks()
        self.of_aui = np.array([tidy_code(codes.system, code) for code in own["CODE"].to_pylist()], object)
        # Rows of RxNorm name concepts only, which have one code each.
        pairs = own.group_by("CUI").aggregate([("CODE", "count_distinct"), ("CODE", "min")])
        single = pairs.filter(pc.equal(pairs["CODE_count_distinct"], 1))
        self.cuis = single["CUI"].combine_chunks()
        self.of_cui = np.array([tidy_code(codes.system, code) for code in single["CODE_min"].to_pylist()], object)

    def codes(self, cuis: pa.Array, auis: pa.Array) -> np.ndarray:
        """The code of each row, None where there is none."""
        by_cui = _looked_up(cuis, self.cuis, self.of_cui)
        if self.cuis_are_codes:
            return by_cui
        by_aui = _looked_up(auis, self.auis, self.of_aui)
        return np.where(np.asarray(pc.equal(auis, "")), by_cui, by_aui)


def read_relations(rel: RrfTable, atoms: Sequence[tuple[pa.Table, UmlsCodes]], content: SourceContent) -> None:
    """Fill `content.isa` from the hierarchies of the vocabularies that were taken, and the successors of retired codes.

    Parent and child rows whose attribute says something else than is-a (part of, ...) are left out and counted, as are
    rows with atoms that were not taken. A retired code with one successor gets a redirect.
    """
    rows = _rows_of_interest(rel, atoms)
    for table, codes in atoms:
        own = rows if not codes.sab else rows.filter(pc.equal(rows["SAB"], codes.sab))
        of_atom = _Atoms(table, codes)
        first, second = of_atom.codes(own["CUI1"], own["AUI1"]), of_atom.codes(own["CUI2"], own["AUI2"])
        ties = list(zip(first, second, strict=True))
        columns = [own[name].to_pylist() for name in ("line", "REL", "RELA", "SUPPRESS")]
        edges = set(_edges(zip(ties, *columns, strict=True), codes, content, rel.name))
        if edges:
            content.isa.setdefault(codes.system, []).extend(sorted(edges))
        if codes.retired:
            _succeed(zip(ties, columns[2], strict=True), codes, content)
    content.redirects = resolve_chains(content.redirects)


def _rows_of_interest(rel: RrfTable, atoms: Sequence[tuple[pa.Table, UmlsCodes]]) -> pa.Table:
    """Hierarchies and successions of the vocabularies taken, with their line numbers: a small part of the table."""
    sabs = {str(sab) for table, codes in atoms for sab in ([codes.sab] if codes.sab else _vocabularies(table))}
    kept: list[pa.Table] = []
    for line, batch in rel.batches(_REL_COLUMNS):
        hierarchic = _among(batch.column("REL"), _HIERARCHY)
        wanted = pc.or_(hierarchic, _among(batch.column("RELA"), (*_KINDS, *_SUCCESSION)))
        wanted = pc.and_(wanted, _among(batch.column("SAB"), tuple(sorted(sabs))))
        lines = pa.array(np.arange(line, line + batch.num_rows))
        kept.append(pa.Table.from_batches([batch]).append_column("line", lines).filter(wanted))
    return pa.concat_tables(kept).combine_chunks()


def _vocabularies(table: pa.Table) -> list[str]:
    return [str(sab) for sab in pc.unique(table["SAB"]).to_pylist()]


def _edges(
    ties: Iterable[tuple[_Tie, int, str, str, str]], codes: UmlsCodes, content: SourceContent, name: str
) -> Iterator[tuple[str, str]]:
    for (first, second), line, rel, rela, suppress in ties:
        if rel not in _HIERARCHY and rela not in _KINDS:
            continue
        if suppress in ("O", "E", "Y"):
            content.drops.leave_out("suppressible_relationship", f"{name}:{line}")
            continue
        if rela not in _KINDS and rela:
            content.drops.leave_out("hierarchy_of_another_kind", f"{name}:{line}")
            continue
        second_is_parent = _KINDS[rela] if rela else rel == "PAR"
        if rel in _HIERARCHY and second_is_parent != (rel == "PAR"):
            content.drops.leave_out("contradictory_relationship", f"{name}:{line}")
            continue
        if first is None or second is None or first not in codes.known or second not in codes.known:
            content.drops.leave_out("relationship_of_a_code_not_taken", f"{name}:{line}")
        elif first != second:
            yield (first, second) if second_is_parent else (second, first)


def _succeed(ties: Iterable[tuple[_Tie, str]], codes: UmlsCodes, content: SourceContent) -> None:
    """Successors of retired codes: `content.retired`, and a redirect where there is one only."""
    successors: dict[str, dict[str, str]] = {}
    for (one, other), rela in ties:
        if rela not in _SUCCESSION:
            continue
        old, new = (one, other) if one in codes.retired else (other, one)
        if old in codes.retired and new in codes.known:
            word = "SAME AS" if rela == "same_as" else "REPLACED BY"
            successors.setdefault(str(old), {}).setdefault(str(new), word)
    for old, found in successors.items():
        key = (codes.system, old)
        pairs = tuple((word, code) for code, word in sorted(found.items()))
        content.retired[key] = replace(content.retired[key], successors=pairs)
        if len(found) == 1:
            content.redirects.setdefault(old, next(iter(found)))


def _looked_up(keys: pa.Array, known: pa.Array, values: np.ndarray) -> np.ndarray:
    places = pc.fill_null(pc.index_in(keys, value_set=known), -1).to_numpy(zero_copy_only=False)
    return np.append(values, np.array([None], object))[places]


def _among(values: pa.Array, names: tuple[str, ...]) -> pa.Array:
    return pc.is_in(values, value_set=pa.array(names, pa.string()))
