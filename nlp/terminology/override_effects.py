"""Overrides at work in a build: the terms of the sources with a site's corrections, and what every correction did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..abbreviation_table import default_abbreviations
from ..tokens import key_words
from .abbreviation_overrides import Correction, concerns
from .chronic import is_chronic
from .compile import numeral_variants
from .overrides import Override
from .precedence import USER_FIRST
from .retired import RetiredCode
from .rows import ConceptRow, TermVariant
from .rules import drop_reason
from .source_merge import RedirectedCodes
from .terminology import Terminology
from .variants import is_acronym

State = Literal["applied", "followed", "new_concept", "no_effect", "retired", "unknown_code"]
_Key = tuple[str, str]
_Words = tuple[str, ...]
_RANKS = {"preferred": 0, "synonym": 1, "lay": 2, "abbreviation": 3}
_NAMED = 3


@dataclass(frozen=True, slots=True)
class OverrideOutcome:
    """What one line did.

    Attributes:
        state: `applied`; `followed`: its code is retired, it was applied to the code's one successor; `new_concept`:
            its code was added; `no_effect`: nothing in this release differs for it; `retired`: its code is retired
            and has no single successor; `unknown_code`: no source has its code.
        detail: a sentence for people.
    """

    line: int
    action: str
    code: str
    system: str
    term: str
    state: State
    detail: str


@dataclass(slots=True)
class _Line:
    """A line, the concept it concerns in this release, and what was met while the terms passed."""

    override: Override
    key: _Key
    words: _Words
    state: State
    removed: int = 0
    met: int = 0
    changed: int = 0


class OverrideEffects:
    """The overrides of one build. Use `new_concepts`, then `apply` (to its end), then `outcomes`."""

    def __init__(
        self,
        overrides: Iterable[Override],
        concepts: Mapping[_Key, ConceptRow],
        redirects: Mapping[str, str],
        retired: Mapping[_Key, RetiredCode],
    ) -> None:
        self._concepts = concepts
        self._retired = retired
        self._lines: list[_Line] = []
        created: set[_Key] = set()
        redirected = RedirectedCodes(redirects, retired)
        for override in overrides:
            key, state = self._settle(override, redirected)
            if state == "unknown_code" and override.action == "add":
                created.add(key)
            if key in created:
                state = "new_concept"
            self._lines.append(_Line(override, key, same_words(override.term), state))
        lines = [line for line in self._lines if line.state not in ("retired", "unknown_code")]
        self._silenced = {line.key: line for line in lines if _is(line, "suppress") and not line.words}
        self._suppressed: dict[tuple[_Key, _Words], list[_Line]] = {}
        for line in lines:
            if _is(line, "suppress") and line.words:
                self._suppressed.setdefault((line.key, line.words), []).append(line)
        self._added = {(line.key, line.words): line for line in lines if _is(line, "add")}
        self._preferred = {line.words: line for line in lines if _is(line, "prefer")}
        self._rivals: dict[_Words, list[tuple[int, int, _Key]]] = {words: [] for words in self._preferred}
        self._everywhere = {words for (key, words) in self._suppressed if key == ("", "")} | set(self._preferred)
        self._watched = {key for key, _ in self._suppressed} | {key for key, _ in self._added}
        self._emptied: set[_Key] = set()

    def _settle(self, override: Override, redirected: RedirectedCodes) -> tuple[_Key, State]:
        key = (override.system, override.code)
        if not override.code or key in self._concepts:
            return key, "applied"
        successor = redirected.successor(key)
        if successor is not None and successor in self._concepts:
            return successor, "followed"
        return key, "retired" if key in self._retired or successor is not None else "unknown_code"

    def new_concepts(self) -> dict[_Key, ConceptRow]:
        """Concepts that lines add, by (system, code)."""
        found: dict[_Key, ConceptRow] = {}
        for line in self._lines:
            override = line.override
            if line.state == "new_concept" and override.action == "add":
                name = override.preferred or (found[line.key].preferred if line.key in found else override.term)
                chronic = is_chronic(override.system, override.code, name)
                found[line.key] = ConceptRow(override.code, override.system, name, None, chronic)
        return found

    def apply(self, variants: Iterable[TermVariant]) -> Iterator[TermVariant]:
        """The variants without the suppressed ones, preferred ones ranked first, then the added ones."""
        order = 0
        for variant in variants:
            key = (variant.system, variant.code)
            silenced = self._silenced.get(key)
            if silenced is not None:
                silenced.removed += 1
                continue
            if not self._everywhere and key not in self._watched:
                yield variant
                continue
            words = same_words(variant.text)
            if self._suppress(key, words, variant):
                continue
            added = self._added.get((key, words))
            if added is not None:
                variant = _as_added(added, variant)
            order += 1
            yield self._ranked(key, words, variant, order)
        for (key, words), line in self._added.items():
            override = line.override
            exact = override.case == "exact" or (override.case == "" and is_acronym(override.term))
            rank = _RANKS[override.kind]
            order += 1
            added = TermVariant(key[1], key[0], override.term, exact, override.kind, rank)
            yield self._ranked(key, words, added, order)

    def _suppress(self, key: _Key, words: _Words, variant: TermVariant) -> bool:
        for line in (*self._suppressed.get((key, words), ()), *self._suppressed.get((("", ""), words), ())):
            # COLD in capitals names the acronym only; "cold" names both
            term = line.override.term
            if not is_acronym(term) or variant.case_sensitive or variant.text == term:
                line.removed += 1
                self._emptied.add(key)
                return True
        return False

    def _ranked(self, key: _Key, words: _Words, variant: TermVariant, order: int) -> TermVariant:
        line = self._preferred.get(words)
        if line is None:
            return variant
        self._rivals[words].append((variant.rank, order, key))
        return replace(variant, rank=variant.rank - USER_FIRST) if line.key == key else variant

    def outcomes(self, terminology: Terminology) -> list[OverrideOutcome]:
        """What every line did, in the order of the file; `terminology` is what was compiled from the variants."""
        terms = np.bincount(terminology.entry_concept, minlength=terminology.n_concepts)
        told: list[OverrideOutcome] = []
        for line in self._lines:
            state, detail = line.state, ""
            if state == "retired":
                detail = _after_retirement(self._retired.get(line.key))
            elif state == "unknown_code":
                detail = "no source has this code"
            else:
                effect, detail = self._effect(line, terminology)
                if not effect and self._in_table(line):
                    effect, detail = True, "holds for the extractor's abbreviation table"
                if state == "followed":
                    detail = f"the code is retired; applied to its successor {self._name(line.key)}: {detail}"
                if not effect:
                    state = "no_effect"
                emptied = _is(line, "suppress") and line.key in (self._silenced.keys() | self._emptied)
                number = terminology.find(line.key[1], line.key[0]) if emptied else -1
                if number >= 0 and effect and not terms[number]:
                    detail += "; the code has no term left and will not be found in any note"
            override = line.override
            told.append(
                OverrideOutcome(
                    override.line, override.action, override.code, override.system, override.term, state, detail
                )
            )
        return told

    def corrections(self) -> list[tuple[str, str, str, str]]:
        """(action, system, code, term) of the lines that also decide abbreviations in notes, under current codes."""
        return [
            _correction(line)
            for line in self._lines
            if line.state not in ("retired", "unknown_code") and self._in_table(line)
        ]

    def _in_table(self, line: _Line) -> bool:
        """Whether the abbreviation table has a sense that the line takes away or decides."""
        if line.override.action == "add":
            return False
        correction = _correction(line)
        return any(
            concerns(sense, correction)
            and (sense.system, sense.code) in self._concepts
            and not (_is(line, "prefer") and (sense.system, sense.code) == line.key)
            for sense in default_abbreviations()
        )

    def _effect(self, line: _Line, terminology: Terminology) -> tuple[bool, str]:
        if _is(line, "suppress"):
            if line.removed:
                return True, f"{line.removed:,} string{'' if line.removed == 1 else 's'} removed"
            return False, "no source has this term any more" if line.words else "the code has no term in the sources"
        if _is(line, "prefer"):
            return self._preference(line)
        return self._addition(line, terminology)

    def _preference(self, line: _Line) -> tuple[bool, str]:
        rivals = sorted(self._rivals[line.words])
        others = list(dict.fromkeys(key for _, _, key in rivals if key != line.key))
        if all(key != line.key for _, _, key in rivals):
            return False, "the term is not one of this code in the sources; add it first"
        if not others:
            return False, "no other code has this term"
        if rivals[0][2] == line.key:
            return False, "the code is chosen without this line too"
        return True, f"chosen before {self._names(others)}"

    def _addition(self, line: _Line, terminology: Terminology) -> tuple[bool, str]:
        override = line.override
        effect, detail = True, "term added"
        if line.state == "new_concept":
            detail = "no source has the code: added as a new concept"
        elif line.met:
            effect = line.changed > 0
            how = "in capitals only" if override.case == "exact" else "in any case"
            detail = f"the term was there; it now matches {how}" if effect else "already a term of this code"
        if override.preferred and line.state != "new_concept":
            detail += "; the sources name the code, preferred is not used"
        reason = drop_reason(override.term)
        if reason is None and override.case == "any" and is_acronym(override.term):
            reason = drop_reason(override.term.lower())
        if reason:
            detail += f"; the rules would leave the term out ({reason.replace('_', ' ')})"
        chosen = [(terminology.systems[i], terminology.codes[i]) for i in terminology.lookup(override.term)]
        if chosen and chosen[0] != line.key:
            detail += f"; the term also names {self._name(chosen[0])}, which is chosen: add a prefer line to change it"
        return effect, detail

    def _name(self, key: _Key) -> str:
        concept = self._concepts.get(key)
        return key[1] + (f" {concept.preferred}" if concept else "")

    def _names(self, keys: list[_Key]) -> str:
        return ", ".join(map(self._name, keys[:_NAMED])) + (", ..." if len(keys) > _NAMED else "")


def same_words(term: str) -> _Words:
    """What all strings that are matched alike have in common: normalised words, "type I" as "type 1"."""
    return tuple(min(numeral_variants(key_words(term))))


def merge_retired(parts: Collection[Mapping[_Key, RetiredCode]]) -> dict[_Key, RetiredCode]:
    """The retired codes of several sources; the first that has one tells its fate."""
    merged: dict[_Key, RetiredCode] = {}
    for part in parts:
        for key, fate in part.items():
            merged.setdefault(key, fate)
    return merged


def _correction(line: _Line) -> Correction:
    system, code = line.key if line.override.code else ("", "")
    return line.override.action, system, code, line.override.term


def _is(line: _Line, action: str) -> bool:
    return line.override.action == action


def _as_added(line: _Line, variant: TermVariant) -> TermVariant:
    """A source's term that a line adds too: the line's `case` holds."""
    line.met += 1
    case = line.override.case
    if case == "exact" and not variant.case_sensitive:
        line.changed += 1
        return replace(variant, case_sensitive=True)
    if case == "any" and variant.case_sensitive:
        line.changed += 1
        return replace(variant, case_sensitive=False)
    return variant


def _after_retirement(fate: RetiredCode | None) -> str:
    reason = f" ({fate.reason})" if fate and fate.reason else ""
    if fate is None or not fate.successors:
        return f"the code is retired{reason} and has no successor; remove the line or name another code"
    choices = ", ".join(f"{code} ({association.lower()})" for association, code in fate.successors)
    return f"the code is retired{reason}; write the successor that you mean: {choices}"
