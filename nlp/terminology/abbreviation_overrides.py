"""A site's corrections to abbreviations: what a terminology's override file says of them holds for the table too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..abbreviation_table import AbbreviationSense
from .variants import is_acronym

if TYPE_CHECKING:
    from .terminology import Terminology

Correction = tuple[str, str, str, str]
"""Action (`suppress` or `prefer`), system, code and term; system and code, or the term, may be empty."""


def corrected_senses(senses: Iterable[AbbreviationSense], terminology: Terminology) -> list[AbbreviationSense]:
    """The senses under the overrides that `terminology` was built with.

    A suppressed sense is left out. A preferred code takes the place of the other coded senses of its abbreviation;
    senses without a code ("MS" the title) stay, so that the surroundings still decide whether it is one.
    """
    kept = list(senses)
    for correction in corrections_of(terminology):
        action, system, code, term = correction
        if action == "suppress":
            kept = [sense for sense in kept if not _suppressed(sense, correction)]
            continue
        named = [sense for sense in kept if _names(sense, term) and sense.code]
        if not named:
            continue
        number = terminology.find(code, system)
        expansion = terminology.preferred[number] if number >= 0 else term
        chosen = next((sense for sense in named if (sense.system, sense.code) == (system, code)), None)
        chosen = chosen or replace(named[0], expansion=expansion, code=code, system=system)
        others = {id(sense) for sense in named}
        kept = [sense for sense in kept if id(sense) not in others]
        kept.append(replace(chosen, priority=min(sense.priority for sense in named)))
    return kept


def corrections_of(terminology: Terminology) -> Sequence[Correction]:
    """The corrections of the override file that a terminology was built with."""
    listed: Any = terminology.meta.get("corrections", ())
    return [tuple(correction) for correction in listed]


def concerns(sense: AbbreviationSense, correction: Correction) -> bool:
    """Whether a correction takes this sense away, or decides its abbreviation."""
    if correction[0] == "suppress":
        return _suppressed(sense, correction)
    return bool(sense.code) and _names(sense, correction[3])


def _suppressed(sense: AbbreviationSense, correction: Correction) -> bool:
    _, system, code, term = correction
    if not sense.code or (term and not _names(sense, term)):
        return False
    return not code or (sense.system, sense.code) == (system, code)


def _names(sense: AbbreviationSense, term: str) -> bool:
    if sense.abbreviation == term:
        return True
    return not is_acronym(term) and sense.abbreviation.casefold() == term.casefold()
