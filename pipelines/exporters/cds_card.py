"""The text of a CDS Hooks card: what it says, what it rests on, and what is known of how well it does."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

from ...nlp.version import VERSION

LIMIT = 139  # the standard: fewer than 140 characters
SHOWN = 12
_MARKUP = re.compile(r"([\\`*_\[\]<>#|])")


def plain(text: object) -> str:
    """Text on one line in which nothing is read as mark-up.

    >>> plain("a *b*\\n <c>")
    'a \\\\*b\\\\* \\\\<c\\\\>'
    """
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def shortened(text: str, limit: int = LIMIT) -> str:
    """At most `limit` characters.

    >>> shortened("heart failure", 9)
    'heart...'
    """
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def basis_lines(basis: Iterable[dict[str, Any]], passages: bool) -> list[str]:
    """One line for each fact that a card rests on, at most `SHOWN`, then how many more there are."""
    rows = list(basis)
    lines: list[str] = []
    for row in rows[:SHOWN]:
        line = f"- {plain(row['name'])}"
        line += f" ({plain(row['assertion'])})" if row["assertion"] else ""
        line += f", {row['day']}" if row["day"] else ""
        line += f", {plain(row['source'])}" if row["source"] else ""
        if row["note_id"] is not None:
            line += f", note {row['note_id']}"
            line += f", characters {row['start']}-{row['end']}" if row["start"] is not None else ""
        line += f" [{plain(row['criterion'])}]"
        if passages and row["snippet"]:
            line += f': "{plain(row["snippet"])}"'
        lines.append(line)
    if len(rows) > SHOWN:
        lines.append(f"- and {len(rows) - SHOWN} more in the run's tables")
    return lines


def card(
    key: str,
    summary: str,
    about: dict[str, str],
    basis: list[str],
    declared: dict[str, Any],
    topic: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An information card.

    Args:
        key: what makes the card this card; its uuid comes from it.
        about: the headed paragraphs: inputs, logic, validation.
        declared: purpose, sponsor and intended use of the run.
    """
    heads = {
        "Sponsor": declared.get("sponsor") or "none declared",
        "Intended use": declared.get("intended_use") or "not declared",
        **about,
        "Limits": (
            "Found by software in notes and claims and not confirmed by a clinician. A note may be wrong, "
            "copied forward or about somebody else, and what is written nowhere is not found. "
            "Review the basis below before acting."
        ),
    }
    detail = "\n\n".join(f"**{name}:** {plain(text)}" for name, text in heads.items())
    detail += "\n\n**Basis:**\n\n" + "\n".join(basis)
    source: dict[str, Any] = {"label": f"phenotext {VERSION}"}
    if topic:
        source["topic"] = topic
    return {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:phenotext:card:{key}")),
        "summary": shortened(summary),
        "indicator": "info",
        "source": source,
        "detail": detail,
    }
