"""The README tells the truth: its table and its example are what comes out; and all links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from phenotext.nlp import Extractor

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def blocks(language: str = "") -> list[str]:
    found = re.findall(r"^```([a-z]*)\n(.*?)^```$", README, flags=re.M | re.S)
    return [content for name, content in found if name == language]


def test_the_table_on_the_first_screen(extractor: Extractor) -> None:
    note = blocks()[0].rstrip("\n")
    rows = []
    for m in extractor(note).mentions:
        cues = ", ".join(dict.fromkeys(cue.text for cue in m.cues))
        rows.append(f"| {m.text} | **{m.assertion}** | {cues} | {m.section} | {m.system} {m.code} |")
    table = "\n".join(rows)
    assert table in README, f"put this into README.md:\n{table}"


def test_the_python_example() -> None:
    (code,) = blocks("python")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})
    assert said.getvalue() in blocks()


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(file), f"{target} has no heading #{anchor}"
