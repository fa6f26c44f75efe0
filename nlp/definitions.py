"""Abbreviations that a note defines itself: "multiple sclerosis (MS)", "MS (multiple sclerosis)".

The long form is found as Schwartz and Hearst describe ("A simple algorithm for identifying abbreviation definitions
in biomedical text", PSB 2003): the characters of the short form are sought in the text from right to left, the first
of them at the beginning of a word.
"""

from __future__ import annotations

import re

from .tokens import key_words

# Words that give no letter to an abbreviation.
SILENT = frozenset(("of", "the", "and", "in", "to", "a", "an", "for", "with", "by", "on", "at", "or"))
_WORD_BEGIN = re.compile(r"\w+")


def window_words(short: str) -> int:
    """How many words a long form may have: at most as many as letters plus five, and twice as many as letters."""
    letters = sum(map(str.isalnum, short))
    return min(letters + 5, 2 * letters)


def long_form(short: str, text: str) -> str | None:
    """The end of `text` that spells out `short`, None if its letters are not there in order.

    >>> long_form("MS", "a long history of multiple sclerosis")
    'multiple sclerosis'
    """
    place = len(text) - 1
    for number, letter in reversed(list(enumerate(short.lower()))):
        if not letter.isalnum():
            continue
        while place >= 0 and (
            text[place].lower() != letter or (number == 0 and place > 0 and text[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
        place -= 1
    found = text[place + 1 :].strip()
    return (
        found if len(found) > len(short) and short.lower() not in map(str.lower, _WORD_BEGIN.findall(found)) else None
    )


def spelled_by_initials(short: str, long: str) -> bool:
    """Whether the first letters of the words of `long`, small words left out, are just the letters of `short`."""
    wanted = [letter for letter in short.lower() if letter.isalnum()]
    words = [word.lower() for word in _WORD_BEGIN.findall(long)]
    return [word[0] for word in words if word not in SILENT] == wanted or [word[0] for word in words] == wanted


def match_expansion(words: list[str], expansions: list[tuple[str, ...]], at_end: bool) -> int:
    """Which of `expansions` (as `key_words` gives them) ends, or else begins, `words`; the longest; -1 if none does."""
    best, length = -1, 0
    for number, expansion in enumerate(expansions):
        size = len(expansion)
        part = words[-size:] if at_end else words[:size]
        if size > length and tuple(part) == expansion:
            best, length = number, size
    return best


def expansion_keys(expansion: str) -> tuple[str, ...]:
    """The normalised words of an expansion, by which definitions are compared."""
    return tuple(key_words(expansion))
