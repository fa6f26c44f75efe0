"""The looks of generated sample notes: headings, list marks, wraps, misspellings."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Iterable, Mapping

Section = tuple[str, list[str], str]  # heading key, lines, form: prose, list, lines or telegram


def lay_out(section: Section, style: str, bullets: str, titles: Mapping[str, str], rng: random.Random) -> Iterable[str]:
    """Lines of one section, with the heading and the list marks of the note's style; nothing for an empty section."""
    key, lines, form = section
    lines = [line for line in lines if line]
    if not lines:
        return []
    if form == "list" and bullets == "comma" and all(len(line) < 60 for line in lines):
        body = ["; ".join(line.rstrip(".") for line in lines)]
    elif form == "list" and len(lines) > 1 and not any("  " in line or " ..... " in line for line in lines):
        mark = {"dash": "- ", "comma": "", "box": "[x] ", "star": "* "}
        body = [(f"{n}. " if bullets == "number" else mark[bullets]) + line for n, line in enumerate(lines, start=1)]
    elif form in ("list", "lines"):
        body = lines
    elif form == "telegram":
        body = [rng.choice([". ", "; ", "\n"]).join(line.rstrip(".") for line in lines)]
    else:
        body = [" ".join(lines)]
    if not key:
        return [*body, ""]
    title = rng.choice(list(titles[key]))
    if style in ("colon", "dash"):
        mark = ": " if style == "colon" else " - "
        return [title + mark + body[0], ""] if len(body) == 1 else [title + mark.rstrip(), *body, ""]
    heads = {"line": [title + ":"], "caps": [title.upper()], "bare": [title], "rule": [title, "-" * len(title)]}
    return [*heads[style], *body, ""]


def swap_words(text: str, words: Mapping[str, str], chance: float, rng: random.Random) -> str:
    def swap(match: re.Match[str]) -> str:
        new = words.get(match.group())
        return new if new is not None and rng.random() < chance else match.group()

    return re.sub(r"[A-Za-z]+", swap, text)


def wrapped(text: str, width: int) -> str:
    lines = text.split("\n")
    return "\n".join(
        textwrap.fill(line, width, break_on_hyphens=False) if len(line) > width else line for line in lines
    )
