"""Other ways to write a term, derived by rule: pure functions from a string to strings.

The rules are conservative, as a wrong variant gives wrong codes silently. Spelling, case, plurals and numerals are
not handled here
but when text and terms are normalised alike.
"""

from __future__ import annotations

import re

from .semantic_tags import split_tag
from .word_list import word_list

# Read codes put their chapter marks before the term: "[X]Other emphysema".
_CHAPTER_MARK = re.compile(r"^(?:\[[A-Z]{1,2}\]\s*)+")
_UNSPECIFIED = re.compile(
    r"(?:\s*[,;-]?\s*\(?\bNOS\b\)?|\s*[,;]\s*(?:unspecified|not otherwise specified|not elsewhere classified|NEC)"
    r"|\s+not otherwise specified)\.?$",
    re.IGNORECASE,
)
_UNSPECIFIED_ENDINGS = ("nos", "nec", "specified", "classified", ")", ".")
_TRAILING_ACRONYM = re.compile(r"^(?P<long>.*\S)\s*[(\[](?P<short>[A-Za-z0-9][A-Za-z0-9/&-]{1,9})[)\]]$")
_TYPE_PHRASE = re.compile(
    r"(?:type|stage|grade|class|category|group|phase|subtype)\s+(?:[0-9]{1,2}[A-Za-z]?|[IVX]{1,4}[A-Ca-c]?|[A-H])",
    re.IGNORECASE,
)
_ADJECTIVE_ENDING = re.compile(
    r"[a-z-]{2,}(?:al|ic|ous|ive|ary|ory|ar|ed|oid|less|ile|ing|genic|linked|onset)", re.IGNORECASE
)
_LINK_WORDS = re.compile(
    r"\b(?:and|or|with|without|of|in|on|at|to|by|due|not|no|for|from|as|than|but|if|the|a|an|via|per|nor)\b",
    re.IGNORECASE,
)
_PART_HEADS = (
    "malignant neoplasm",
    "malignant tumor",
    "malignant tumour",
    "squamous cell carcinoma",
    "adenocarcinoma",
    "carcinoma",
    "cancer",
    "neoplasm",
    "tumor",
    "tumour",
    "fracture",
    "infection",
    "abscess",
    "cyst",
    "pain",
)
# SNOMED calls cancers "malignant neoplasm of X"; notes say "X cancer".
_ALSO_CANCER = frozenset({"malignant neoplasm", "malignant tumor", "malignant tumour"})
_HEAD_OF_PART = re.compile(
    rf"(?P<before>(?:closed|open|acute|chronic|primary|pathological|stress|metastatic)\s+)?(?P<head>{'|'.join(_PART_HEADS)})"
    r"\s+(?:of|in)\s+(?:the\s+)?(?P<part>.+)",
    re.IGNORECASE,
)
_ANY_HEAD = re.compile("neoplasm|tumou?r|carcinoma|cancer|fracture|infection|abscess|cyst|pain", re.IGNORECASE)
_PART_THEN_HEAD = re.compile(
    rf"(?P<part>[A-Za-z]+(?:\s+[A-Za-z]+)??)\s+(?P<head>{'|'.join(h for h in _PART_HEADS if h not in ('fracture',))})",
    re.IGNORECASE,
)
_SIDES = frozenset({"left", "right", "upper", "lower", "proximal", "distal"})
_PLURAL_PARTS = {"vertebrae": "vertebra", "ovaries": "ovary", "testes": "testis", "feet": "foot", "bronchi": "bronchus"}


def clean_name(term: str, semantic_tag: str | None = None) -> str:
    """The term as it may stand in a note: without SNOMED's semantic tag and Read's chapter marks, blanks made
    single."""
    term = " ".join((_CHAPTER_MARK.sub("", term) if term.startswith("[") else term).split())
    name, tag = split_tag(term)
    if tag is None and semantic_tag and term.endswith(f" ({semantic_tag})"):
        name = term[: -len(semantic_tag) - 3]
    return name or term


def without_unspecified(term: str) -> str | None:
    """The term without a trailing NOS or ", unspecified", or None if it has none."""
    if not term[-10:].lower().endswith(_UNSPECIFIED_ENDINGS):
        return None
    stripped = _UNSPECIFIED.sub("", term).rstrip(" ,;-")
    return stripped if stripped and stripped != term else None


def split_trailing_acronym(term: str) -> tuple[str, str] | None:
    """`Chronic obstructive lung disease (COLD)` as its long and its short form, if they go together.

    The test is that of Schwartz and Hearst (2003): the short form's letters in order within the long form, its first
    one at the start of a word.
    """
    match = _TRAILING_ACRONYM.match(term) if term.endswith((")", "]")) else None
    if match is None:
        return None
    long, short = match["long"], match["short"]
    if not is_acronym(short) or not _abbreviates(short, long):
        return None
    return long, short


def is_acronym(text: str) -> bool:
    """2 to 6 characters without blanks: two capitals or more and one lower-case letter at most, or capitals with
    digits."""
    if not 2 <= len(text) <= 6 or any(char.isspace() for char in text):
        return False
    capitals = sum(char.isupper() for char in text)
    lower = sum(char.islower() for char in text)
    digits = sum(char.isdigit() for char in text)
    return lower <= 1 and (capitals >= 2 or (capitals >= 1 and digits >= 1 and lower == 0))


def uninverted(term: str) -> list[str]:
    """`Diabetes mellitus, type 2` as `type 2 Diabetes mellitus`, and as `Diabetes mellitus type 2` for types, stages
    and grades.

    Two or three parts; every part after the first must be a type phrase or one or two adjectives, and the first must
    not end in an
    adjective (that is a list: "atrial, ventricular").
    """
    if "," not in term or len(term) > 120:
        return []
    parts = [part.strip() for part in term.split(",")]
    if not 2 <= len(parts) <= 3 or not all(parts):
        return []
    head, *tails = parts
    words = head.split()
    if _is_adjective(words[-1]) or _LINK_WORDS.search(head) or _TYPE_PHRASE.fullmatch(head):
        return []
    if not all(_modifies(tail) for tail in tails):
        return []
    natural = " ".join([*reversed(tails), head])
    if all(_TYPE_PHRASE.fullmatch(tail) for tail in tails):
        return [natural, " ".join(parts)]
    if len(tails) == 2 and _TYPE_PHRASE.fullmatch(tails[1]):
        return [natural, f"{tails[0]} {head} {tails[1]}"]
    return [natural]


def part_order(term: str) -> list[str]:
    """`Carcinoma of the breast` as `breast carcinoma` and the reverse, for a few heads and for parts of the body
    only."""
    if not _ANY_HEAD.search(term):
        return []
    match = _HEAD_OF_PART.fullmatch(term)
    if match is not None:
        part = re.sub(r"^(?:structure\s+of\s+)|\s+structure$", "", match["part"], flags=re.IGNORECASE)
        if not _is_body_part(part):
            return []
        before, head = (match["before"] or "").lower(), match["head"].lower()
        found = [f"{before}{part} {head}"]
        if head in _ALSO_CANCER:
            found.append(f"{before}{part} cancer")
        return found
    match = _PART_THEN_HEAD.fullmatch(term)
    if match is not None and _is_body_part(match["part"], plain=True):
        part, head = match["part"].lower(), match["head"]
        joint = "in" if head.lower() == "pain" else "of"
        return [f"{head} {joint} {part}", f"{head} {joint} the {part}"]
    return []


def _modifies(tail: str) -> bool:
    if _TYPE_PHRASE.fullmatch(tail):
        return True
    words = tail.split()
    return len(words) <= 2 and all(_is_adjective(word) for word in words)


def _is_adjective(word: str) -> bool:
    word = word.lower()
    if word in word_list("adjective_like_nouns.txt"):
        return False
    return word in word_list("adjectives.txt") or _ADJECTIVE_ENDING.fullmatch(word) is not None


def _is_body_part(phrase: str, *, plain: bool = False) -> bool:
    """A noun for a part of the body, with sides and (unless `plain`) adjectives before it, three words at most."""
    words = phrase.lower().split()
    if not 1 <= len(words) <= 3:
        return False
    last = words[-1]
    known = word_list("body_parts.txt")
    singular = _PLURAL_PARTS.get(last) or (last if last in known else last.removesuffix("s"))
    before = words[:-1]
    return singular in known and all(
        word in _SIDES or word in known or (not plain and _is_adjective(word)) for word in before
    )


def _abbreviates(short: str, long: str) -> bool:
    letters = [char for char in short.lower() if char.isalnum()]
    text = long.lower()
    starts = [match.start() for match in re.finditer(r"[a-z0-9]+", text)]
    if not letters:
        return False
    for start in starts:
        if text[start] == letters[0]:
            place = start
            for char in letters[1:]:
                place = text.find(char, place + 1)
                if place < 0:
                    break
            else:
                return True
    return False
