"""spaCy token patterns, written out as phrases: what a cue or heading can hold is a fixed sequence of words.

`[{"LOWER": {"IN": ["no", "without"]}}, {"LOWER": "new", "OP": "?"}, {"LOWER": "fracture"}]` gives four phrases. spaCy
cuts contractions and possessives in two ("was" + "n't", "mother" + "'s"); they are joined here, as notes have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from .regex_words import NotFiniteError, expand_regex

MAX_PHRASES = 2000
MAX_REPEATS = 3
NOT = "n't"
# Attributes that name the token's letters. Cues ignore case, so that of ORTH and TEXT is lost.
LETTERS = frozenset(("LOWER", "NORM", "ORTH", "TEXT"))
# A number is known by its class in cues: `nn`, or `yyyy` for a year.
NUMBERS = frozenset(("IS_DIGIT", "LIKE_NUM"))
_EXACT_OP = re.compile(r"\{(?:(\d+)|(\d*),(\d*))\}")
# "n't" alone at the beginning of a pattern stands for the end of any of these.
CONTRACTED: tuple[str, ...] = tuple(
    "aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't shouldn't wasn't weren't won't"
    " wouldn't".split()
)
_IRREGULAR = {"ca": "can't", "can": "can't", "wo": "won't", "will": "won't", "sha": "shan't", "shall": "shan't"}


class UntranslatableError(ValueError):
    """A pattern that no list of phrases can stand for; the message is the reason, for the report."""


@dataclass(slots=True)
class Phrases:
    """The phrases of a pattern, and in what they differ from it."""

    phrases: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def differ(self, text: str) -> None:
        """Note a difference once."""
        if text not in self.differences:
            self.differences.append(text)


def phrases_of(literal: str, pattern: object) -> Phrases:
    """The phrases of a medspaCy rule: its literal, its token pattern (a list) or its regular expression (a string).

    >>> phrases_of("x", [{"LOWER": {"IN": ["did", "could"]}}, {"LOWER": {"IN": ["not", "n't"]}}]).phrases
    ['did not', "didn't", 'could not', "couldn't"]

    Raises:
        UntranslatableError: with the reason.
    """
    result = Phrases()
    if pattern is None:
        result.phrases = [literal]
    elif isinstance(pattern, str):
        try:
            expansion = expand_regex(pattern)
        except NotFiniteError as error:
            raise UntranslatableError(str(error)) from None
        if not expansion.anchored:
            result.differ("the regular expression also matches inside words, the cue whole words only")
        result.phrases = list(expansion.strings)
    elif isinstance(pattern, list):
        result.phrases = _token_phrases(pattern, result)
    else:
        raise UntranslatableError(f"the pattern is a {type(pattern).__name__}; a list or a string is one")
    result.phrases = [phrase for phrase in result.phrases if phrase.strip()]
    if not result.phrases:
        raise UntranslatableError("nothing is left of the pattern")
    return result


def _token_phrases(pattern: list[Any], result: Phrases) -> list[str]:
    places = [_choices(token, result) for token in pattern]
    total = 1
    for choices in places:
        total *= len(choices)
        if total > MAX_PHRASES:
            raise UntranslatableError(f"the pattern stands for more than {MAX_PHRASES} phrases")
    found: dict[str, None] = {}
    for parts in product(*places):
        for phrase in _joined(word for part in parts for word in part):
            found[phrase] = None
    return list(found)


def _choices(token: object, result: Phrases) -> list[tuple[str, ...]]:
    """What may stand at one place of the pattern: tuples of words, the empty one if nothing may."""
    if not isinstance(token, Mapping):
        raise UntranslatableError("a token of the pattern is no object")
    attributes = {str(name).upper(): value for name, value in token.items()}
    low, high = _repeats(attributes.pop("OP", "1"), result)
    if set(attributes) == {"IS_SPACE"}:
        return [()]  # blanks and line breaks do not part the words of a cue
    try:
        words = _words(attributes, result)
    except UntranslatableError as error:
        if low > 0:
            raise
        result.differ(f"an optional token was left out: {error}")
        return [()]
    choices: list[tuple[str, ...]] = []
    for count in range(low, high + 1):
        choices.extend(product(words, repeat=count))
        if len(choices) > MAX_PHRASES:
            raise UntranslatableError(f"the pattern stands for more than {MAX_PHRASES} phrases")
    return choices


def _repeats(op: object, result: Phrases) -> tuple[int, int]:
    if op in ("1", "", None):
        return 1, 1
    if op == "?":
        return 0, 1
    if op in ("*", "+"):
        result.differ(f"at most {MAX_REPEATS} repetitions of a token are taken")
        return (0 if op == "*" else 1), MAX_REPEATS
    counted = _EXACT_OP.fullmatch(str(op))
    if counted is None:
        raise UntranslatableError("a token that must not be there (OP !)" if op == "!" else "an operator (OP) unknown")
    if counted[1]:
        low = high = int(counted[1])
    else:
        low = int(counted[2] or 0)
        high = int(counted[3]) if counted[3] else max(low, MAX_REPEATS)
        if not counted[3]:
            result.differ(f"at most {high} repetitions of a token are taken")
    return low, high


def _words(attributes: dict[str, Any], result: Phrases) -> list[str]:
    """The words that a token with these attributes may be."""
    if not attributes:
        raise UntranslatableError("it matches any token")
    if len(attributes) > 1:
        raise UntranslatableError("several conditions on one token")
    ((name, value),) = attributes.items()
    if name in NUMBERS and value is True:
        if name == "LIKE_NUM":
            result.differ("numbers that are written as words are not matched")
        return ["nn", "yyyy"]
    if name not in LETTERS:
        raise UntranslatableError(f"a condition on {name}")
    if isinstance(value, str):
        words = [value]
    elif isinstance(value, Mapping) and set(value) == {"IN"} and isinstance(value["IN"], list):
        words = [str(word) for word in value["IN"]]
    elif isinstance(value, Mapping) and set(value) == {"REGEX"} and isinstance(value["REGEX"], str):
        try:
            expansion = expand_regex(value["REGEX"])
        except NotFiniteError as error:
            raise UntranslatableError(str(error)) from None
        if not expansion.anchored:
            result.differ("the regular expression also matches inside words, the cue whole words only")
        words = list(expansion.strings)
    else:
        named = ", ".join(sorted(map(str, value))) if isinstance(value, Mapping) else type(value).__name__
        raise UntranslatableError(f"a condition on {name} with {named}")
    if name in ("ORTH", "TEXT") and any(word != word.lower() for word in words):
        result.differ("the pattern asks for capitals, cues ignore case")
    if name == "LOWER" and any(word != word.lower() for word in words):
        result.differ("capitals under LOWER, which spaCy never matches; taken in any case")
    if any(" " in word.strip() for word in words):
        result.differ("several words in one token, which spaCy never matches; taken as words")
    return words


def _joined(words: Iterable[str]) -> list[str]:
    """The phrase as notes write it, in all its spellings: contractions joined, "cannot" in one and in two words."""
    spellings: list[str] = [""]
    for word in words:
        if word in ("n't", "n’t"):
            if spellings == [""]:
                spellings = list(CONTRACTED)
            else:
                spellings = [_contract(phrase) for phrase in spellings]
        elif word in ("'s", "’s", "'", "’"):
            spellings = [phrase + word for phrase in spellings]
        else:
            more = [f"{phrase[:-4]} cannot".strip() for phrase in spellings if word == "not" and _ends_in_can(phrase)]
            spellings = [*(f"{phrase} {word}".strip() for phrase in spellings), *more]
    return spellings


def _ends_in_can(phrase: str) -> bool:
    return phrase == "can" or phrase.endswith(" can")


def _contract(phrase: str) -> str:
    before, _, last = phrase.rpartition(" ")
    return f"{before} {_IRREGULAR.get(last, last + NOT)}".strip()
