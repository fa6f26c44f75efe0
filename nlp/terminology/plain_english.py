"""Words of everyday English that are no clinical concept on their own, though some terminology may list them."""

from functools import cache

from ..tsv import data_file


@cache
def plain_english_words() -> frozenset[str]:
    """The lower-case words of `nlp/data/plain_english.txt`."""
    text = data_file("plain_english.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
