"""Normalisation of single words: what two spellings of one word have in common.

Applied once per distinct word to the dictionary and to the text alike, so that a rule only has to send both spellings
to the same place, not to good English: case, accents, Greek letters, British/American spelling, plural and common
Latin inflection, roman numerals. Offsets never depend on it, because it works on words cut out of the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "λ": "lambda",
    "ω": "omega",
}
# "i" and "v" stay letters: they are words and initials too; the compiler writes "type i" and "type 1" as two variants.
ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}
# Latin and irregular plurals that the suffix rules below would miss.
IRREGULAR = {
    "feet": "foot",
    "teeth": "tooth",
    "fungi": "fungus",
    "emboli": "embolus",
    "thrombi": "thrombus",
    "calculi": "calculus",
    "bronchi": "bronchus",
    "nuclei": "nucleus",
    "bacilli": "bacillus",
    "cocci": "coccus",
    "uteri": "uterus",
    "diverticula": "diverticulum",
    "bacteria": "bacterium",
    "atria": "atrium",
    "ova": "ovum",
    "septa": "septum",
    "sputa": "sputum",
    "ganglia": "ganglion",
    "criteria": "criterion",
    "phenomena": "phenomenon",
    "indices": "index",
    "appendices": "appendix",
    "cortices": "cortex",
    "cervices": "cervix",
    "matrices": "matrix",
    "varices": "varix",
    "apices": "apex",
    "phalanges": "phalanx",
    "meninges": "meninx",
    "leaves": "leaf",
    "lives": "life",
    "children": "child",
    "women": "woman",
    "men": "man",
    "grey": "gray",
    "mould": "mold",
    "mets": "mets",  # metastases, not "met"
}
PLURAL_ACRONYM = re.compile(r"[A-Z0-9]{2,}s\Z")
BRITISH_SUFFIX = (
    ("isation", "ization"),
    ("ise", "ize"),
    ("ised", "ized"),
    ("ising", "izing"),
    ("tre", "ter"),
    ("bre", "ber"),
)


def fold(word: str) -> str:
    """Lower-case `word` and strip its accents; Greek letters become their names. Used alone for cues and headings."""
    if word.isascii():
        return word.lower()
    folded = "".join(GREEK.get(char, char) for char in word.casefold())
    return "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))


def americanize(word: str) -> str:
    """Send British spellings of a folded word to the American one (haem, oedema, tumour, sulph, -isation)."""
    if len(word) < 5:
        return word
    if "ae" in word:
        if word.endswith("ae"):
            word = word[:-1]
        elif not word.startswith("aer"):
            word = word.replace("ae", "e")
    if "oe" in word and len(word) > 5 and not word.endswith(("oe", "oes")):
        word = word.replace("oe", "e")
    if "ph" in word:
        word = word.replace("sulph", "sulf")
    if "leuc" in word:
        word = word.replace("leuco", "leuko").replace("leuce", "leuke")
    if len(word) >= 6:
        if word.endswith("our"):
            return word[:-3] + "or"
        if word.endswith("ours"):
            return word[:-4] + "ors"
    for british, american in BRITISH_SUFFIX:
        if word.endswith(british) and len(word) >= len(british) + 2:
            return word[: -len(british)] + american
    return word


def stem(word: str) -> str:
    """Strip plural and `-sis/-ses` inflection of a folded word; the result is a key, not a word."""
    length = len(word)
    if length < 4 or not word.isalpha():
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word[-1] == "s":
        if word.endswith("ies"):
            return word[:-3] + "y" if length > 5 else word[:-1]
        if length >= 6 and word.endswith(("sis", "ses")):
            return word[:-2]
        if word.endswith(("xes", "tches", "nches", "rches", "shes")):
            return word[:-2]
        if word.endswith(("ss", "us", "is")):
            return word
        return word[:-1]
    if length >= 5 and word.endswith("se"):
        return word[:-1]
    if length >= 7 and word.endswith("mata"):
        return word[:-2]
    if length >= 8 and word.endswith("itides"):
        return word[:-5] + "tis"
    return word


@lru_cache(maxsize=1 << 18)
def normalize(word: str) -> str:
    """Return the dictionary key of one word (no blanks, no punctuation): `Tumours` -> `tumor`, `II` -> `2`."""
    if word.endswith("s") and PLURAL_ACRONYM.match(word):
        word = word[:-1]
    folded = fold(word)
    roman = ROMAN.get(folded)
    if roman is not None:
        return roman
    return stem(americanize(folded))
