"""The starter lexicon: what an extractor knows when no terminology is given."""

from __future__ import annotations

from functools import cache

from .terminology.terminology import Terminology
from .tsv import data_file


@cache
def starter_terminology() -> Terminology:
    """Compile `nlp/data/lexicon` in memory (a fraction of a second); one copy a process."""
    from .terminology.build import compile_sources

    return compile_sources([data_file("lexicon")], name="phenotext-starter", release="1")[0]
