"""Strings of a terminology that name several codes: which, as what, and why the chosen one is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..tokens import key_words
from .build_findings import SHOWN, DoubtfulSynonym, Listing, NamedCode, SharedString
from .compile import numeral_variants
from .overrides import Override
from .rows import ConceptRow
from .rules import DERIVED_RANK, forms
from .source_term import SourceTerm
from .sources.content import SourceContent
from .string_groups import groups_of
from .terminology import Terminology

_Key = tuple[str, str]
_RANKS = {"preferred": 0, "synonym": 1, "lay": 2, "abbreviation": 3}
_CHUNK = 50_000


@dataclass(slots=True)
class _Use:
    """How a group's string names a concept: its best term."""

    rank: int
    text: str
    kind: str
    rule: str
    origin: str


def ambiguous_strings(
    sources: Sequence[SourceContent],
    concepts: Mapping[_Key, ConceptRow],
    redirects: Mapping[str, str],
    terminology: Terminology,
    overrides: Sequence[Override] = (),
) -> tuple[Listing[SharedString], Listing[DoubtfulSynonym]]:
    """Ambiguous strings, those with most codes first, and synonyms that are another code's name.

    A string stands as the chosen code's source writes it.
    """
    entries = np.diff(terminology.group_start)
    groups = np.flatnonzero(entries > 1)
    if not len(groups):
        return Listing(), Listing()
    wanted = np.zeros(len(entries), bool)
    wanted[groups] = True
    concerned = np.unique(terminology.entry_concept[np.repeat(wanted, entries)]).tolist()
    keys = {i: (terminology.systems[i], terminology.codes[i]) for i in concerned}
    number = {key: i for i, key in keys.items()}
    uses: dict[int, dict[int, _Use]] = {int(group): {} for group in groups}
    chunk: list[tuple[int, SourceTerm, str, str, list[str]]] = []
    for term, concept in _terms(sources, concepts, redirects, number, overrides):
        for text, rule in forms(term.term, term.semantic_tag):
            chunk += [(concept, term, text, rule, words) for words in numeral_variants(key_words(text))]
        if len(chunk) >= _CHUNK:
            _note_uses(terminology, chunk, uses)
            chunk = []
    _note_uses(terminology, chunk, uses)
    preferred = {" ".join(key_words(o.term)) for o in overrides if o.action == "prefer"}
    shared: list[SharedString] = []
    doubtful: list[DoubtfulSynonym] = []
    for group, known in uses.items():
        low, high = terminology.group_start[group : group + 2].tolist()
        order = terminology.entry_concept[low:high].tolist()
        codes = tuple(_named(keys[i], concepts[keys[i]], known.get(i)) for i in order)
        best = known.get(order[0])
        string = best.text if best else next((use.text for use in known.values()), codes[0].name)
        if " ".join(key_words(string)) in preferred:
            decided = "override"
        else:
            ranks = [known[i].rank for i in order if i in known]
            decided = "kind" if len(ranks) > 1 and ranks[0] < min(ranks[1:]) else "order"
        shared.append(SharedString(string, codes, decided))
        doubtful += _doubtful(string, codes)
    shared.sort(key=lambda row: (-len(row.codes), len(row.string), row.string.casefold()))
    doubtful.sort(key=lambda row: (row.code.system, row.string.casefold(), row.code.code, row.named.code))
    return Listing(len(shared), shared[:SHOWN]), Listing(len(doubtful), doubtful[:SHOWN])


def _terms(
    sources: Sequence[SourceContent],
    concepts: Mapping[_Key, ConceptRow],
    redirects: Mapping[str, str],
    number: Mapping[_Key, int],
    overrides: Sequence[Override],
) -> Iterator[tuple[SourceTerm, int]]:
    """The terms of the concerned concepts, with the concept's number; preferred names that no row carries last."""
    for source in sources:
        for term in source.terms:
            key = (term.system, term.code)
            concept = number.get(key)
            if concept is None and key not in concepts:
                concept = number.get((term.system, redirects.get(term.code, "")))
            if concept is not None:
                yield term, concept
    for line in overrides:
        key = (line.system, line.code if (line.system, line.code) in concepts else redirects.get(line.code, ""))
        if line.action == "add" and key in number:
            origin = f"overrides:{line.line}"
            yield SourceTerm(key[1], key[0], line.term, line.term, line.kind, False, None, origin), number[key]
    for key, concept in number.items():
        row = concepts[key]
        yield SourceTerm(row.code, row.system, row.preferred, row.preferred, "preferred", False, None, ""), concept


def _note_uses(
    terminology: Terminology,
    chunk: list[tuple[int, SourceTerm, str, str, list[str]]],
    uses: dict[int, dict[int, _Use]],
) -> None:
    groups = groups_of(terminology, [words for *_, words in chunk])
    preferred = terminology.preferred
    for group, (concept, term, text, rule, _) in zip(groups.tolist(), chunk):
        if group not in uses:
            continue
        kind = "abbreviation" if rule == "acronym_short" else term.kind
        if kind == "preferred" and term.preferred != preferred[concept]:
            kind = "synonym"  # another source's name of the code
        rank = _RANKS[kind] + (DERIVED_RANK if rule else 0)
        known = uses[group].get(concept)
        if known is None or rank < known.rank:
            uses[group][concept] = _Use(rank, text, kind, rule, term.origin)


def _named(key: _Key, concept: ConceptRow, use: _Use | None) -> NamedCode:
    if use is None:
        return NamedCode(*key, concept.preferred)
    return NamedCode(*key, concept.preferred, use.kind, use.rule, use.origin)


def _doubtful(string: str, codes: tuple[NamedCode, ...]) -> Iterator[DoubtfulSynonym]:
    owners = [code for code in codes if code.kind == "preferred" and not code.rule]
    for code in codes:
        if code.kind in ("preferred", "abbreviation") or code.rule:
            continue
        for owner in owners:
            if owner.system == code.system:
                yield DoubtfulSynonym(string, code, owner)
