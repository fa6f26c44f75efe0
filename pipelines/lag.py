"""How long after the fact a row could be known, where the source does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from .errors import RunError

_SPAN = re.compile(r"(\d+)([hd])")
_HOURS = {"h": 1, "d": 24}


@dataclass(frozen=True, slots=True)
class Lag:
    """Hours from the clinical time to the available time: 72 h for notes, 90 days for claims.

    >>> Lag.parse("notes=0h,claims=30d")
    Lag(notes_hours=0, claims_hours=720)
    """

    notes_hours: int = 72
    claims_hours: int = 90 * 24

    @property
    def notes(self) -> timedelta:
        return timedelta(hours=self.notes_hours)

    @classmethod
    def parse(cls, text: str) -> Lag:
        """Read `notes=0h,claims=0d`; what is not named keeps its default."""
        hours: dict[str, int] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, _, span = part.partition("=")
            match = _SPAN.fullmatch(span.strip())
            if name.strip() not in ("notes", "claims") or match is None:
                raise RunError(f"--lag cannot read {part!r}", remedy="write it like --lag notes=72h,claims=90d")
            hours[f"{name.strip()}_hours"] = int(match[1]) * _HOURS[match[2]]
        return cls(**hours)
