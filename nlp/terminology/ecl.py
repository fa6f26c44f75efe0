"""Evaluates ECL expressions (SNOMED CT Expression Constraint Language) over a compiled terminology.

The subset and the errors are described in `docs/ecl.md`. A set of concepts is an ascending int32 array of concept
numbers, so that AND, OR and MINUS are merges of sorted arrays and a hierarchy operator on one concept is a slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from .ecl_parser import parse
from .ecl_syntax import EclError, MemberOf, Node, Reference, Walk, Wildcard
from .systems import FAULT_REMEDIES, code_fault
from .terminology import Terminology

__all__ = ["EclError", "EclResult", "UnknownCode", "evaluate", "resolve_ecl"]

_NONE = np.empty(0, np.int32)
_MANY = 2_000  # from here on a table of all concepts is faster than a search for each


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code of an expression that names nothing in the terminology.

    Attributes:
        reason: `not_found`, `retired`, `no_reference_set` (for the operand of `^`), or a fault of the code itself
            (`check_digit`, `spreadsheet_number`, ...).
        successors: (association, code) of a retired code, or of one that the terminology knows from its maps alone,
            for a person to choose from.
        position: character of the text, from 0.
    """

    code: str
    system: str
    reason: str
    position: int
    successors: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        told = f"{self.system} {self.code}: {self.reason.replace('_', ' ')}"
        if self.successors:
            told += " (" + ", ".join(f"{association} {code}" for association, code in self.successors) + ")"
        return told


@dataclass(frozen=True, slots=True)
class EclResult:
    """What an expression gives.

    Attributes:
        concepts: [k] int32 concept numbers, ascending, read-only.
        unknown: codes that name nothing; each counts as an empty set.
        replaced: (code, successor) of retired codes with one clear successor, which was taken.
        needs_hierarchy: a hierarchy operator was used and the terminology has no hierarchy: a concept then stands for
            itself alone.
    """

    concepts: np.ndarray
    unknown: tuple[UnknownCode, ...]
    replaced: tuple[tuple[str, str], ...]
    needs_hierarchy: bool


def evaluate(terminology: Terminology, text: str, *, strict: bool = False) -> np.ndarray:
    """Concept numbers [k] int32, ascending, that an expression names; see `resolve_ecl`.

    >>> from phenotext.nlp import Extractor
    >>> terminology = Extractor().terminology
    >>> [terminology.preferred[i] for i in evaluate(terminology, "195967001 OR 709044004 |CKD|")]
    ['Asthma', 'Chronic kidney disease']
    """
    return resolve_ecl(terminology, text, strict=strict).concepts


def resolve_ecl(terminology: Terminology, text: str, *, strict: bool = False) -> EclResult:
    """Evaluate an expression and report its unknown codes.

    Args:
        terminology: the terminology that gives concepts, hierarchy and reference sets.
        text: the expression.
        strict: raise EclError for an unknown code, and for a hierarchy operator without a hierarchy.

    Raises:
        EclError: the expression cannot be read.
    """
    node = parse(text)
    work = _Evaluation(terminology)
    concepts = work.of(node).astype(np.int32, copy=True)
    concepts.flags.writeable = False
    result = EclResult(concepts, tuple(work.unknown), tuple(dict.fromkeys(work.replaced)), work.needs_hierarchy)
    if strict and result.unknown:
        first = result.unknown[0]
        more = f" and {len(result.unknown) - 1} more" if len(result.unknown) > 1 else ""
        remedy = FAULT_REMEDIES.get(first.reason, "correct the code or use a terminology that has it")
        raise EclError(f"{first}{more}", text, first.position, remedy)
    if strict and result.needs_hierarchy:
        raise EclError(
            f"terminology {terminology.name} has no is-a hierarchy", text, 0,
            "build it from a source with is-a relations (SNOMED CT RF2, OBO, Athena), or list the codes",
        )  # fmt: skip
    return result


@dataclass(slots=True)
class _Evaluation:
    terminology: Terminology
    unknown: list[UnknownCode] = field(default_factory=list)
    replaced: list[tuple[str, str]] = field(default_factory=list)
    needs_hierarchy: bool = False

    def of(self, node: Node) -> np.ndarray:
        if isinstance(node, Reference):
            return self._concept(node)
        if isinstance(node, Wildcard):
            return self._every(node)
        if isinstance(node, Walk):
            return self._walk(node.operator, node.operand)
        if isinstance(node, MemberOf):
            return self._members(node.operand)
        parts = [self.of(part) for part in node.parts]
        return reduce(_MERGES[node.word], parts)

    def _concept(self, node: Reference) -> np.ndarray:
        number = self.terminology.find(node.code, node.system)
        if number < 0:
            self._report(node, "not_found")
            return _NONE
        if self.terminology.codes[number] != node.code:
            self.replaced.append((node.code, self.terminology.codes[number]))
        return np.array([number], np.int32)

    def _report(self, node: Reference, reason: str) -> None:
        retired = self.terminology.retired.get(node.code, node.system)
        fault = code_fault(node.system, node.code)
        if retired is not None:
            self.unknown.append(UnknownCode(node.code, node.system, "retired", node.position, retired.successors))
        else:
            # a class whose names went to a SNOMED code, or a claims code: the map says where to look
            targets = self.terminology.maps.targets(node.system, node.code)
            leads = tuple((f"maps to {target.system}", target.code) for target in targets)
            self.unknown.append(UnknownCode(node.code, node.system, fault or reason, node.position, leads))

    def _every(self, node: Wildcard) -> np.ndarray:
        held, system = self.terminology.concept_system, node.system
        if system is None:
            return np.arange(len(held), dtype=np.int32)
        names = self.terminology.system_names
        if system not in names:
            self.unknown.append(UnknownCode("*", system, "not_found", node.position))
            return _NONE
        return np.flatnonzero(held == names.index(system)).astype(np.int32)

    def _walk(self, operator: str, operand: Node) -> np.ndarray:
        start = self.of(operand)
        hierarchy = self.terminology.hierarchy
        if not hierarchy:
            self.needs_hierarchy = True
        if operator == "!!>":  # the top of a set: who has no ancestor in it
            return _minus(start, hierarchy.descendants_of(start))
        if operator == "!!<":
            return _minus(start, hierarchy.ancestors_of(start))
        if operator.endswith("!"):
            found = hierarchy.children_of(start) if operator[0] == "<" else hierarchy.parents_of(start)
        elif operator[0] == "<":
            found = hierarchy.descendants_of(start)
        else:
            found = hierarchy.ancestors_of(start)
        return _or(start, found) if operator[:2] in ("<<", ">>") else found

    def _members(self, operand: Node) -> np.ndarray:
        refsets = self.terminology.refsets
        if isinstance(operand, Reference):
            # a reference set may be there whose own concept the sources did not give
            if operand.code not in refsets:
                self._report(operand, "no_reference_set")
                return _NONE
            return refsets[operand.code]
        if isinstance(operand, Wildcard) and operand.system in (None, "SNOMED"):
            names = list(refsets)
        else:
            names = [code for i in self.of(operand).tolist() if (code := self.terminology.codes[i]) in refsets]
        return reduce(_or, (refsets[name] for name in names), _NONE)


def _and(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if len(a) > len(b):
        a, b = b, a
    return a[_held(a, b)]


def _or(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if not len(a) or not len(b):
        return b if not len(a) else a
    both = np.concatenate((a, b))
    both.sort(kind="stable")  # merges the two ascending runs
    new = np.ones(len(both), bool)
    np.not_equal(both[1:], both[:-1], out=new[1:])
    return both[new]


def _minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[~_held(a, b)]


def _held(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """[len(a)] bool: which of `a` are in the ascending `b`."""
    if not len(a) or not len(b):
        return np.zeros(len(a), bool)
    if len(a) > _MANY:
        member = np.zeros(max(int(a[-1]), int(b[-1])) + 1, bool)
        member[b] = True
        return member[a]
    place = np.minimum(b.searchsorted(a), len(b) - 1)
    return b[place] == a


_MERGES = {"AND": _and, "OR": _or, "MINUS": _minus}
