"""Why a string means what it means: the dictionary's entries, the abbreviation's senses, and what was chosen.

The choice itself is the extractor's, made on the string in its section and its surroundings; the entries and senses
beside it say what it could choose from and what spoke for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..abbreviation_table import AFTER, BEFORE, AbbreviationSense
from ..abbreviations import GROUP_BASE
from ..extractor import Extractor
from ..results import BatchResult, ExtractedNote, Mention
from ..sense_choice import SECTION_KIN, neighbour_key
from ..tokens import Kind, classify, key_words, words_of
from .rules import drop_reason
from .search import SearchHit, TermSearch
from .terminology import ENTRY_CASE, GROUP_ANY, GROUP_MIXED, GROUP_UPPER, Terminology

NEAREST = 5
CAPITALS = {
    GROUP_ANY: "in any capitals",
    GROUP_MIXED: "some entries in capitals only",
    GROUP_UPPER: "in capitals only",
}
_CAPITALS_WORDLIKE = "in capitals only, and not among other words in capitals: it is an English word too"


@dataclass(frozen=True, slots=True)
class KeyWord:
    """A word of the string, the key under which it is looked up, and whether any term of the terminology has it."""

    word: str
    key: str
    known: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A concept that the dictionary has for exactly this string; the first is the preferred one."""

    concept: int
    code: str
    system: str
    preferred: str
    needs_capitals: bool


@dataclass(frozen=True, slots=True)
class Sense:
    """A sense of the abbreviation table. `in_terminology` is None for what is no concept; `reasons` speak for it."""

    expansion: str
    code: str
    system: str
    priority: int
    in_terminology: bool | None
    reasons: tuple[str, ...]
    chosen: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What the extractor made of the place where the string stands.

    `how` is `dictionary`, `abbreviation_table`, `other_form` for a match in another word order or spelling, or
    `other_span` where more or fewer words than the string were taken.
    """

    text: str
    code: str
    system: str
    preferred: str
    section: str
    assertion: str
    how: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The account of one string. `capitals` is None where the dictionary has no such string, `drop_reason` says why a
    term of these words may not be matched, `nearest` are terms like it where it means nothing."""

    text: str
    section: str
    words: tuple[KeyWord, ...]
    entries: tuple[Entry, ...]
    capitals: str | None
    senses: tuple[Sense, ...]
    choices: tuple[Choice, ...]
    verdict: str
    drop_reason: str | None
    nearest: tuple[SearchHit, ...]


def explain(
    extractor: Extractor,
    text: str,
    *,
    section: str | None = None,
    surrounding: str | None = None,
    search: TermSearch | None = None,
) -> Explanation:
    """Explain one string.

    >>> told = explain(Extractor(), "RA", section="Vital Signs", surrounding="sat 98% on RA")
    >>> told.choices, [sense.expansion for sense in told.senses if "section" in " ".join(sense.reasons)]
    ((), ['room air', 'right arm'])

    Args:
        extractor: with the terminology and the tables to explain.
        text: the string.
        section: the heading under which it stands, as written or by the section's name.
        surrounding: the sentence or note around it, which must hold it; the string alone by default.
        search: an index of the terminology, where one is at hand.

    Raises:
        ValueError: an empty string, or one that does not stand in `surrounding`; the message quotes neither.
    """
    text = text.strip()
    if not text:
        raise ValueError("the string to explain is empty; give a word or a phrase")
    around = text if surrounding is None else surrounding
    place = around.find(text)
    if place < 0:
        place = around.casefold().find(text.casefold())
    if place < 0 or len(around[place : place + len(text)]) < len(text):
        raise ValueError("the string does not stand in the text around it; give a text that holds it")
    heading = "" if not section else f"{section.replace('_', ' ').strip(' :').title()}:\n"
    start, end = len(heading) + place, len(heading) + place + len(text)
    result = extractor.extract_batch([heading + around])
    note = next(extractor.notes(result))
    here = next((part.name for part in note.sections if part.start <= start < part.end), "")
    terminology = extractor.terminology
    group = _group(terminology, text)
    entries = _entries(terminology, group)
    over = [i for i, m in enumerate(note.mentions) if m.start < end and start < m.end]
    senses = _senses(extractor, text, here, around, place, note, result, over)
    reason = drop_reason(text)
    choices = tuple(
        _choice(m, _how(result, i, group) if (m.start, m.end) == (start, end) else "other_span")
        for i in over
        for m in [note.mentions[i]]
    )
    exact = [choice for choice in choices if choice.how != "other_span"]
    longer = any(note.mentions[i].start <= start and note.mentions[i].end >= end for i in over)
    verdict = _verdict(text, exact[:1] or choices[:1], longer, entries, senses, reason)
    return Explanation(
        text=text,
        section=here,
        words=_words(terminology, text),
        entries=entries,
        capitals=None if group < 0 else CAPITALS.get(int(terminology.group_case[group]), _CAPITALS_WORDLIKE),
        senses=senses,
        choices=choices,
        verdict=verdict,
        drop_reason=reason,
        nearest=() if exact or entries or senses else _nearest(search or TermSearch(terminology), text),
    )


def _words(terminology: Terminology, text: str) -> tuple[KeyWord, ...]:
    keys = key_words(text)
    known = (terminology.vocabulary.ids(keys) >= 0).tolist()
    return tuple(KeyWord(word, key, there) for word, key, there in zip(words_of(text), keys, known))


def _group(terminology: Terminology, text: str) -> int:
    """The group that the whole string names, capitals aside; -1 if none."""
    words = terminology.vocabulary.ids(key_words(text))
    if not len(words):
        return -1
    _, ends, groups = terminology.trie.longest(words, positions=np.zeros(1, np.int64))
    return int(groups[0]) if len(ends) and ends[0] == len(words) else -1


def _entries(terminology: Terminology, group: int) -> tuple[Entry, ...]:
    if group < 0:
        return ()
    low, high = terminology.group_start[group : group + 2].tolist()
    return tuple(
        Entry(
            concept,
            terminology.codes[concept],
            terminology.systems[concept],
            terminology.preferred[concept],
            bool(flags & ENTRY_CASE),
        )
        for concept, flags in zip(
            terminology.entry_concept[low:high].tolist(), terminology.entry_flags[low:high].tolist()
        )
    )


def _how(result: BatchResult, mention: int, group: int) -> str:
    its = int(result.group[mention])
    if its <= GROUP_BASE:
        return "abbreviation_table"
    return "dictionary" if its == group else "other_form"


def _choice(mention: Mention, how: str) -> Choice:
    return Choice(
        mention.text,
        mention.code or "",
        mention.system or "",
        mention.preferred or "",
        mention.section,
        mention.assertion,
        how,
    )


def _senses(
    extractor: Extractor,
    text: str,
    section: str,
    around: str,
    place: int,
    note: ExtractedNote,
    result: BatchResult,
    over: list[int],
) -> tuple[Sense, ...]:
    table = extractor.abbreviations
    if text not in table.names:
        return ()
    number = table.names.index(text)
    chosen = {int(result.concept[i]) for i in over if int(result.group[i]) == GROUP_BASE - number}
    named = {int(result.concept[i]) for i in range(len(note.mentions)) if i not in over}
    before, after = _keys(around[:place]), _keys(around[place + len(text) :])
    found: list[Sense] = []
    for sense, concept in zip(table.senses[number], table.concepts[number]):
        reasons = [*_section_reason(sense, section), *_neighbour_reasons(sense, before, after)]
        if sense.priority == 1:
            reasons.insert(0, "the usual sense")
        if concept >= 0 and concept in named:
            reasons.append("its concept is named elsewhere in the text")
        here = None if not sense.code else concept >= 0
        found.append(
            Sense(sense.expansion, sense.code, sense.system, sense.priority, here, tuple(reasons), concept in chosen)
        )
    return tuple(found)


def _section_reason(sense: AbbreviationSense, section: str) -> list[str]:
    if section in sense.sections:
        return [f"at home in the section {section}"]
    kin = [name for name in sense.sections if section in SECTION_KIN.get(name, "").split()]
    return [f"at home in the section {kin[0]}, to which {section} is akin"] if kin else []


def _neighbour_reasons(sense: AbbreviationSense, before: list[str], after: list[str]) -> list[str]:
    reasons: list[str] = []
    everything = [*before, "", *after]
    for neighbour in sense.neighbours:
        side = neighbour[0] if neighbour[0] in BEFORE + AFTER else ""
        keys = [word for part in neighbour[len(side) :].split() for word in _keys(part) or [part]]
        if side == BEFORE:
            hit = before[-1:] == keys
        elif side == AFTER:
            hit = after[:1] == keys
        else:
            hit = any(everything[i : i + len(keys)] == keys for i in range(len(everything) - len(keys) + 1))
        if hit:
            where = {BEFORE: "just before it", AFTER: "just after it", "": "near it"}[side]
            reasons.append(f'"{neighbour[len(side) :]}" stands {where}')
    return reasons


def _keys(text: str) -> list[str]:
    """The words of a text as neighbours know them."""
    kinds = [Kind(classify(word)[0]) for word in words_of(text)]
    return [neighbour_key(kind, key) for kind, key in zip(kinds, key_words(text))]


def _verdict(
    text: str,
    choices: Sequence[Choice],
    longer: bool,
    entries: tuple[Entry, ...],
    senses: tuple[Sense, ...],
    reason: str | None,
) -> str:
    for choice in choices:
        concept = f"{choice.preferred} ({choice.system} {choice.code})"
        if choice.how == "other_span":
            return f"It is {'part of a longer term' if longer else 'found in part only'}: {concept}"
        if choice.how == "abbreviation_table":
            if len(senses) < 2:
                return f"It means {concept}: the only sense in the abbreviation table"
            return f"It means {concept}: of {len(senses)} senses in the abbreviation table it fits best here"
        if choice.how == "other_form":
            return f"It means {concept}, a term of which has these words in another order or spelling"
        if len(entries) > 1:
            return f"It means {concept}: the first of {len(entries)} entries (names before synonyms, then source order)"
        return f"It means {concept}: the only entry of the dictionary"
    if senses:
        if any(sense.in_terminology for sense in senses):
            return "No mention: the sense that fits best here is no concept, or none that the terminology has"
        return "No mention: the abbreviation table has no sense with a concept of this terminology"
    if entries:
        if all(entry.needs_capitals for entry in entries) and text.upper() != text:
            return "No mention: it is an acronym and matches in capitals only"
        return "No mention here, though the dictionary has it: capitals around it, a heading, or a name it is part of"
    if reason:
        return f"No mention: such a term is left out of the dictionary ({reason.replace('_', ' ')})"
    return "No mention: no term of the terminology has these words"


def _nearest(search: TermSearch, text: str) -> tuple[SearchHit, ...]:
    """Terms like the string; if none has all its words, terms that have all but one."""
    found = search.search(text, NEAREST)
    words = text.split()
    if not found and 1 < len(words) <= 6:
        for left_out in range(len(words)):
            rest = " ".join(word for i, word in enumerate(words) if i != left_out)
            found += [hit for hit in search.search(rest, NEAREST) if hit.concept not in {h.concept for h in found}]
        found.sort(key=lambda hit: -hit.score)
    return tuple(found[:NEAREST])
