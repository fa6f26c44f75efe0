"""The tag in parentheses that ends a SNOMED CT fully specified name: `Asthma (disorder)`."""

from __future__ import annotations

import re

# The tags of the SNOMED CT International Edition (SNOMED CT Editorial Guide, "Semantic tag").
TAGS = frozenset(
    """administration method|assessment scale|attribute|basic dose form|body structure|cell|cell structure|clinical drug|context-dependent category
    |disorder|disposition|dose form|environment|environment / location|ethnic group|event|finding|foundation metadata concept|geographic location
    |intended site|life style|link assertion|linkage concept|medicinal product|medicinal product form|metadata|metadata concept
    |morphologic abnormality|namespace concept|navigational concept|number|observable entity|occupation|organism|person|physical force
    |physical object|procedure|product|product name|qualifier value|racial group|record artifact|regime/therapy|release characteristic|role
    |situation|social concept|special concept|specimen|staging scale|state of matter|substance|supplier|transformation|tumor staging
    |unit of presentation|virtual clinical drug|core metadata concept|OWL metadata concept|biological function|inactive concept""".replace("\n", "")
    .replace("    |", "|")
    .split("|")
)
_TRAILING = re.compile(r"\s*\(([^()]*)\)\s*$")


def split_tag(name: str) -> tuple[str, str | None]:
    """The name without its semantic tag, and the tag; `(name, None)` if the last parenthesis is no SNOMED tag."""
    match = _TRAILING.search(name)
    if match is None or match[1] not in TAGS or match.start() == 0:
        return name, None
    return name[: match.start()], match[1]
