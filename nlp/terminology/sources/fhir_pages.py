"""Whether the pages of a FHIR expansion that were given make the whole of it.

A terminology server answers `$expand` in pages (`expansion.offset`, `expansion.total`; R4, ValueSet.expansion). A page
that was not saved would be missing without a sign, so the pages are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..source_term import SourceError

_REMEDY = "Fetch the missing pages (same ValueSet, `offset` and `count` set) into this folder, one file a page"


@dataclass(frozen=True, slots=True)
class ExpansionPage:
    """One page: `key` is the ValueSet it belongs to, `offset` the place of its first code (from 0), `codes` (system,
    code) of those it has, `total` how many the whole expansion has, where the server says so."""

    key: str
    file: str
    offset: int
    codes: tuple[tuple[str, str], ...]
    total: int | None

    @property
    def count(self) -> int:
        """How many codes the page has."""
        return len(self.codes)


def check_pages(path: Path, pages: Iterable[ExpansionPage]) -> list[str]:
    """Sentences on pages that overlap or repeat.

    Args:
        path: the file or folder that was read, for the error.
        pages: of any number of ValueSets.

    Raises:
        SourceError: codes of an expansion that no page has: a gap, or fewer codes than its total.
    """
    expansions: dict[str, list[ExpansionPage]] = {}
    for page in pages:
        expansions.setdefault(page.key, []).append(page)
    notices: list[str] = []
    for given in expansions.values():
        notices.extend(_check(path, sorted(given, key=lambda page: (page.offset, page.file))))
    return notices


def _check(path: Path, pages: list[ExpansionPage]) -> list[str]:
    notices: list[str] = []
    totals = sorted({page.total for page in pages if page.total is not None})
    if len(totals) > 1:
        raise SourceError(
            path,
            None,
            f"The pages of one expansion give different totals ({totals[0]:,} and {totals[-1]:,}), so they come from "
            "different releases",
            "Fetch all pages again, from one release",
        )
    reached, before = 0, ""
    for page in pages:
        if page.offset > reached:
            problem = f"{_codes(reached + 1, page.offset)} of an expansion stand on no page"
            raise SourceError(path, None, problem, _REMEDY)
        if page.offset < reached:
            overlap = min(reached, page.offset + page.count) - page.offset
            notices.append(
                f"{page.file}: {overlap:,} codes of this page also stand on an earlier page ({before}); counted once"
            )
        reached, before = max(reached, page.offset + page.count), page.file
    total = totals[0] if totals else reached
    if reached < total:
        problem = f"{_codes(reached + 1, total)} of an expansion with {total:,} codes are missing"
        raise SourceError(path, None, problem, _REMEDY)
    repeated = sum(len(set(page.codes)) for page in pages) - len({code for page in pages for code in page.codes})
    if repeated and not notices:
        problem = f"{repeated:,} codes stand on several pages, whose offsets do not overlap, so others are missing"
        raise SourceError(path, None, problem, "Fetch the pages again; the server may have ignored `offset`")
    return notices


def _codes(first: int, last: int) -> str:
    return f"Code {first:,}" if first == last else f"Codes {first:,} to {last:,}"
