"""Which cues and headings a command works with: the package's own, others in their place, or others beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..nlp.cue_table import CueRow, default_cues
from ..nlp.heading_table import HeadingRow, default_headings
from ..nlp.rule_import import ImportReport, RuleFileError, read_cue_file, read_heading_file
from .errors import RunError
from .readers.corpus import hash_file

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """Files of cues and headings, in any form that `nlp/rule_import` reads. None means the package's own alone."""

    cues: Path | None = None
    add_cues: Path | None = None
    headings: Path | None = None
    add_headings: Path | None = None

    def given(self) -> list[Path]:
        """The files, in the order in which they are read."""
        return [path for path in (self.cues, self.add_cues, self.headings, self.add_headings) if path is not None]

    def cue_rows(self) -> tuple[list[CueRow] | None, list[ImportReport]]:
        """The cues for an Extractor (None for its own), and what became of the rules of each file.

        Raises RunError for a file that cannot be used.
        """
        reports: list[ImportReport] = []
        if self.cues is None and self.add_cues is None:
            return None, reports
        rows: list[CueRow] = [] if self.cues is not None else default_cues()
        for path in (self.cues, self.add_cues):
            if path is not None:
                imported = _readable(path, read_cue_file)
                rows.extend(imported.rows)
                reports.append(imported.report)
        return rows, reports

    def heading_rows(self) -> tuple[list[HeadingRow] | None, list[ImportReport]]:
        """The headings for an Extractor (None for its own), and the reports. Of equal headings the first row counts,
        so added ones come before the package's own.

        Raises RunError for a file that cannot be used.
        """
        reports: list[ImportReport] = []
        if self.headings is None and self.add_headings is None:
            return None, reports
        rows: list[HeadingRow] = []
        for path in (self.add_headings, self.headings):
            if path is not None:
                imported = _readable(path, read_heading_file)
                rows.extend(imported.rows)
                reports.append(imported.report)
        if self.headings is None:
            rows.extend(default_headings())
        return rows, reports

    def reports(self) -> list[ImportReport]:
        """What became of the rules of every given file."""
        return [*self.cue_rows()[1], *self.heading_rows()[1]]

    def fingerprint(self) -> str:
        """Hash of the files' content and of the part each plays; the empty string if none is given."""
        if not self.given():
            return ""
        digest = hashlib.sha256()
        for name in ("cues", "add_cues", "headings", "add_headings"):
            path: Path | None = getattr(self, name)
            if path is not None:
                if not path.is_file():
                    raise RunError("no such file", where=str(path), remedy=f"give --{name.replace('_', '-')} a file")
                digest.update(f"{name}\0{hash_file(path)}\n".encode())
        return digest.hexdigest()


PACKAGE_RULES = LanguageRules()
Imported = TypeVar("Imported")


MAX_SHOWN = 20


def print_reports(console: Console, rules: LanguageRules) -> None:
    """Say of every given file how many of its rules were taken, and which were not or act differently."""
    for report in rules.reports():
        lines = report.lines()
        for line in lines[:MAX_SHOWN]:
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        if len(lines) > MAX_SHOWN:
            console.print(f"  ... and {len(lines) - MAX_SHOWN} more; `phenotext rules show FILE` lists all")


def _readable(path: Path, read: Callable[[Path], Imported]) -> Imported:
    try:
        return read(path)
    except RuleFileError as error:
        raise RunError(str(error)) from None
