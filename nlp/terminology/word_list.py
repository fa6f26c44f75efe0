"""The word lists of the term rules, one entry to a line in `nlp/data`."""

from functools import cache
from importlib.resources import files


@cache
def word_list(name: str) -> frozenset[str]:
    """The entries of a file of `nlp/data`; lines that start with # are comments."""
    text = files(f"{__name__.rsplit('.', 2)[0]}.data").joinpath(name).read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
