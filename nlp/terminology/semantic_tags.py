"""The tag in parentheses that ends a SNOMED CT fully specified name: `Asthma (disorder)`."""

from __future__ import annotations

import re

from .word_list import word_list

_TRAILING = re.compile(r"\s*\(([^()]*)\)$")


def split_tag(name: str) -> tuple[str, str | None]:
    """The name without its semantic tag, and the tag; `(name, None)` if the last parenthesis is no SNOMED tag."""
    if not name.endswith(")"):
        return name, None
    match = _TRAILING.search(name)
    if match is None or match[1] not in word_list("semantic_tags.txt") or match.start() == 0:
        return name, None
    return name[: match.start()], match[1]
