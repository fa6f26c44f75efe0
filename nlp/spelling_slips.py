"""Which difference between two spellings is a slip of the pen, and which makes another word.

"Pnuemonia" is pneumonia, but "gastrotomy" is no gastrostomy, "inflection" no infection and "radiating" no radiation. So
a difference counts by its kind, its place and the length of the word. Read on 2,357 transcribed reports (see
docs/accuracy.md, "Misspellings and recall mode").
"""

from __future__ import annotations

from enum import IntEnum

from .misspelling_index import SHORTEST, edits, sound_key

# Between five and this many letters a slip needs a word beside it.
LONG_ENOUGH = 6
VOWELS = frozenset("aeiouy")
# Letters beside each other on the keyboard.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOURS = frozenset(
    pair
    for r, row in enumerate(_ROWS)
    for i, key in enumerate(row)
    for pair in (
        *((key, row[j]) for j in (i - 1, i + 1) if 0 <= j < len(row)),
        *((key, _ROWS[r + 1][j]) for j in (i - 1, i) if r < 2 and 0 <= j < len(_ROWS[r + 1])),
        *((_ROWS[r + 1][j], key) for j in (i - 1, i) if r < 2 and 0 <= j < len(_ROWS[r + 1])),
    )
)
# Beginnings that change the sense: a word that has one is no slip for a word that has another, or none.
PREFIXES = (
    "hypo hyper inter intra infra supra sub super pre pro per post ante anti ab ad de re dis un in im non extra exo"
    " endo ecto macro micro para peri uni bi tri mono poly retro antero epi hemi homo hetero iso mal mis trans"
).split()
# Endings that change the sense, longest first.
ENDINGS = (
    "ostomy otomy ectomy oscopy ography ogram ograph oscope otome ometer ometry ologist ology plasty pexy desis lysis"
    " genic genesis pathy plegia paresis phobia philia penia cytosis trophy trophic tropic ation ating ative ator"
    " itic otic itis osis ations ement ment able ible less ness ing ion ers or er ed ist ism ic al ous ose ase"
    " ine in ol one ate ite ide"
).split()
# Stems of different organs that differ by a slip.
STEMS = (("ureter", "urethr"), ("ile", "ili"), ("perone", "perine"), ("prostat", "prostrat"), ("humer", "humor"))
# A wrong vowel in one of these, one too few or too many, is a slip even so near the end.
STRONG_ENDINGS = tuple(
    "tion sion itis osis iasis emia uria algia trophy pathy oma penia pnea rrhea plegia phasia plasia ectasia opia"
    " lepsy palsy mania phobia thermia tension cardia kinesia esthesia sclerosis".split()
)


class Strength(IntEnum):
    """How surely one spelling is a slip for the other. A WEAK one needs a known word beside it in the same term."""

    NONE = 0
    WEAK = 1
    STRONG = 2


def slip(word: str, target: str) -> tuple[Strength, int]:
    """How surely `word` is `target` misspelled, and the edits between them; both as `spelling` writes them."""
    strength, distance = _by_letters(word, target)
    # few pairs come so far, and these tests are the slow ones
    if strength and (_changed_prefix(word, target) or _changed_ending(word, target) or _changed_stem(word, target)):
        strength = Strength.NONE
    return strength, distance


def _by_letters(word: str, target: str) -> tuple[Strength, int]:
    """The same by kind and place of the difference alone."""
    none = (Strength.NONE, 0)
    length = min(len(word), len(target))
    if word == target or length < SHORTEST:
        return none
    alike = sound_key(word) == sound_key(target)
    if not alike and word[0] != target[0]:
        return none
    head = _shared(word, target)
    tail = min(_shared(word[::-1], target[::-1]), length - head)
    # what both begin and end with has no part in their distance
    distance = edits(word[head : len(word) - tail], target[head : len(target) - tail], 3)
    if distance > 3:
        return none
    if distance > 1:
        if alike and tail > 0 and length >= 7 and (distance == 2 or length >= 9):
            return Strength.STRONG, distance
        near = length >= 9 and tail >= 3 and edits(sound_key(word), sound_key(target), 1) <= 1
        return (Strength.STRONG if near and distance == 2 else Strength.NONE), distance
    mine, its = word[head : len(word) - tail], target[head : len(target) - tail]
    if len(mine) == 2 and mine == its[::-1]:
        # at the very end an exchange makes plurals and the like: "grafts"/"graft s"
        return Strength.STRONG if length >= LONG_ENOUGH else Strength.WEAK, 1
    if alike:
        inside = tail > 0 or mine in its or its in mine
        return (Strength.NONE if not inside else Strength.STRONG if length >= LONG_ENOUGH else Strength.WEAK), 1
    vowels = VOWELS.issuperset(mine + its)
    if tail < 2 and not (vowels and tail and target.endswith(STRONG_ENDINGS)):
        return none
    if vowels:
        return Strength.STRONG if length >= 7 else Strength.WEAK, 1
    return _one_consonant(mine, its, length), 1


def _one_consonant(mine: str, its: str, length: int) -> Strength:
    """A letter too few, too many or another, not only vowels, inside the word."""
    if mine and its:
        if (mine, its) in NEIGHBOURS and length >= 8:
            return Strength.STRONG
        return Strength.WEAK if length >= 9 else Strength.NONE
    return Strength.STRONG if length >= 8 else Strength.WEAK


def _shared(one: str, other: str) -> int:
    """Length of the common beginning."""
    for i, (a, b) in enumerate(zip(one, other)):
        if a != b:
            return i
    return min(len(one), len(other))


def _changed_prefix(word: str, target: str) -> bool:
    """Whether the two begin with different prefixes before the same rest, or one lacks the other's prefix."""
    mine = [prefix for prefix in PREFIXES if word.startswith(prefix)]
    its = [prefix for prefix in PREFIXES if target.startswith(prefix)]
    return any(word[len(a) :] == target[len(b) :] for a in (*mine, "") for b in (*its, "") if a != b)


def _changed_stem(word: str, target: str) -> bool:
    """Whether the two differ by one of STEMS alone."""
    return any(word.replace(a, b) == target.replace(a, b) for pair in STEMS for a, b in (pair, pair[::-1]))


def _changed_ending(word: str, target: str) -> bool:
    """Whether the two have the same beginning and different endings of sense."""
    mine = [ending for ending in ENDINGS if word.endswith(ending)]
    its = [ending for ending in ENDINGS if target.endswith(ending)]
    return any(word[: -len(a)] == target[: -len(b)] for a in mine for b in its if a != b)
