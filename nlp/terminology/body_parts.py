"""Nouns for parts of the body, which decide whether "cancer of the X" may be said "X cancer"."""

from functools import cache
from importlib.resources import files


@cache
def body_part_nouns() -> frozenset[str]:
    """The lower-case singular nouns of `nlp/data/body_parts.txt`."""
    text = files(f"{__package__.rpartition('.')[0]}.data").joinpath("body_parts.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
