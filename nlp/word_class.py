"""Word classes: what an adjective, a noun and a verb of one meaning share. Only order-free matching uses them."""

from __future__ import annotations

from functools import cache, lru_cache

from .normalize import normalize
from .tsv import data_file

# Between the content words of a term these carry no meaning of their own; "elevated circulating X concentration" is
# what a note calls "elevated X".
STOPWORDS = frozenset(
    "of the a an in on at to by for from with is are was were be been being his her their its as morphology"
    " circulating concentration level serum plasma".split()
)
# Endings of adjectives and the (normalised) endings of their nouns, longest first.
ENDINGS = (
    ("phied", "phy"),
    ("iencie", "ient"),
    ("iency", "ient"),
    ("ency", "ent"),
    ("ancy", "ant"),
    ("ence", "ent"),
    ("ance", "ant"),
    ("astic", "as"),
    ("paretic", "pares"),
    ("otic", "os"),
    ("ytic", "ys"),
)
# Endings that a class drops, with the shortest stem they may leave.
SUFFIXES = (
    ("ization", 4),
    ("ation", 4),
    ("ative", 4),
    ("atory", 4),
    ("ated", 4),
    ("ate", 4),
    ("ness", 4),
    ("ment", 4),
    ("ity", 4),
    ("ism", 5),
    ("ous", 5),
    ("ive", 5),
    ("ion", 5),
    ("ing", 4),
    ("ia", 4),
    ("ic", 4),
    ("al", 5),
    ("ed", 4),
    ("is", 5),
    ("us", 5),
    ("y", 4),
    ("e", 4),
    ("a", 5),
)


@cache
def _table() -> dict[str, str]:
    classes: dict[str, str] = {}
    with open(data_file("word_classes.tsv"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            members = [normalize(word) for word in line.split()]
            for member in members:
                classes.setdefault(member, members[0])
    return classes


@lru_cache(maxsize=1 << 18)
def word_class(key: str) -> str:
    """Class of a normalised word: `renal` -> that of `kidney`, `hypotonic` and `hypotonia` -> `hypoton`."""
    table = _table()
    found = table.get(key)
    if found is not None:
        return found
    stem = _derivational_stem(key)
    return table.get(stem, stem)


def _derivational_stem(word: str) -> str:
    if len(word) < 5 or not word.isalpha():
        return word
    for ending, noun in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            word = word[: -len(ending)] + noun
            break
    for _ in range(2):
        for suffix, shortest in SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= shortest:
                word = word[: -len(suffix)]
                break
        else:
            break
    return word
