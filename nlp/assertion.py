"""From axes to the one assertion that events are made of; the order of the rules is the schema's (docs/schema.md)."""

from __future__ import annotations

import numpy as np

from .context import Context
from .results import ASSERTION

PRESENT, ABSENT, POSSIBLE, HISTORICAL, FAMILY, OTHER, HYPOTHETICAL = range(len(ASSERTION))


def decide(context: Context, chronic: np.ndarray) -> np.ndarray:
    """Assertion number of each mention [k]; `chronic` [k] marks diseases that a history does not end."""
    negated = context.negated > 0
    historical = context.temporality == 1
    return np.select(
        [
            (context.experiencer > 0) & negated,  # "no family history of MI" is no event of anybody
            context.experiencer == 1,
            context.experiencer == 2,
            context.temporality == 2,
            context.resolved & historical,
            negated,
            context.uncertain > 0,
            historical & ~chronic,
        ],
        [ABSENT, FAMILY, OTHER, HYPOTHETICAL, HISTORICAL, ABSENT, POSSIBLE, HISTORICAL],
        default=PRESENT,
    ).astype(np.uint8)
