"""Finding the files of a SNOMED CT release, and choosing among its Full, Snapshot and Delta forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..source_term import SourceError
from .rf2_archive import LIMITS, FoundFile, ZipLimits, found_files, is_zip
from .rf2_schema import Kind, kind_of

ReleaseType = Literal["Delta", "Snapshot", "Full"]
# Deltas first: of two rows with one id and one time, the first file's counts.
_ORDER: dict[ReleaseType, int] = {"Delta": 0, "Snapshot": 1, "Full": 2}
_HEAD = 65_536
_NAMED = re.compile(r"x?(?:sct2|der2)_[^/]*\.txt", re.IGNORECASE)
_TYPE = re.compile(r"_[A-Za-z]*?(Full|Snapshot|Delta)(?=[-_])")
_RELEASE = re.compile(r"_([A-Za-z0-9]+)_([0-9]{8})\.txt$", re.IGNORECASE)
_INNER_FOLDERS = frozenset(
    ("full", "snapshot", "delta", "terminology", "refset", "content", "language", "map", "metadata")
)
_RELEASE_NAMES = re.compile(r"snomed|rf2|(?:^|[^a-z])sct", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release. `package` is the folder that holds its Full, Snapshot or Delta folder, or itself;
    `release` its country or extension and date, such as `INT 20230131`."""

    found: FoundFile
    kind: Kind
    columns: tuple[str, ...]
    type: ReleaseType
    package: str
    release: str

    @property
    def name(self) -> str:
        """The name alone, for the origin of terms."""
        return self.found.name

    @property
    def place(self) -> str:
        """The path, for messages."""
        return self.found.place


@dataclass(slots=True)
class Release:
    """The files of a release to read, in order of precedence; `left_out` Full files that a Snapshot stands for, and
    `unused` RF2 files whose content has no use here."""

    path: Path
    files: list[ReleaseFile] = field(default_factory=list)
    left_out: list[ReleaseFile] = field(default_factory=list)
    unused: list[ReleaseFile] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[ReleaseFile]:
        """The files of these kinds."""
        return [file for file in self.files if file.kind in kinds]

    def is_delta_only(self) -> bool:
        """Whether no file tells the whole state of things."""
        return all(file.type == "Delta" for file in self.files)


@contextmanager
def open_release(path: Path, limits: ZipLimits = LIMITS) -> Iterator[Release | None]:
    """The release at a folder or zip, or None where there is none; its files can be read inside the `with`.

    Raises:
        SourceError: a zip that cannot be read, or a file that is named as RF2 but has another header.
    """
    if not path.is_dir() and not is_zip(path):
        yield None
        return
    with found_files(path, limits) as (found, problems):
        release = Release(path)
        for file in found:
            _sort_in(release, file)
        if not release.files and not release.unused:
            # An unreadable zip among other sources is passed over as before, unless it is named as a release.
            for problem in problems:
                if _RELEASE_NAMES.search(Path(problem.path).name):
                    raise problem
            yield None
            return
        if problems:
            raise problems[0]
        _choose(release)
        yield release


def header_of(head: bytes) -> tuple[str, ...]:
    """The columns named by the first line that is neither blank nor a comment (`#`)."""
    for line in head.removeprefix(_BOM).split(b"\n"):
        if line.strip() and not line.startswith(b"#"):
            return tuple(cell.strip() for cell in line.decode("utf-8", errors="replace").split("\t"))
    return ()


def _sort_in(release: Release, file: FoundFile) -> None:
    try:
        with file.open() as stream:
            head = stream.read(_HEAD)
    except SourceError:
        if _NAMED.fullmatch(file.name):
            raise
        release.skipped.append(file.inside)
        return
    kind = kind_of(header_of(head))
    if kind is None:
        if _NAMED.fullmatch(file.name):
            raise _not_rf2(file, head)
        release.skipped.append(file.inside)
        return
    named = _RELEASE.search(file.name)
    found = ReleaseFile(
        file, kind, header_of(head), _type_of(file), _package(file), f"{named[1]} {named[2]}" if named else ""
    )
    (release.unused if kind == "unused" else release.files).append(found)


def _not_rf2(file: FoundFile, head: bytes) -> SourceError:
    if head.startswith(_UTF16):
        return SourceError(file.place, 1, "The text is UTF-16", "Save it as UTF-8, or fetch the release again")
    if not head.strip():
        return SourceError(file.place, None, "The file is empty, without even a header", "Fetch the release again")
    problem = "The name is that of an RF2 file, but the first line is no RF2 header"
    return SourceError(file.place, 1, problem, "Fetch the release again; columns are separated by tabs, as published")


def _type_of(file: FoundFile) -> ReleaseType:
    """By the name, then by the folder; a file that says neither is read as a Snapshot, its newest rows count."""
    named = _TYPE.search(file.name)
    words = [named[1]] if named else reversed(file.inside.split("/")[:-1])
    for word in words:
        for kind in _ORDER:
            if word.casefold() == kind.casefold():
                return kind
    return "Snapshot"


def _package(file: FoundFile) -> str:
    parts = file.inside.split("/")[:-1]
    while parts and parts[-1].casefold() in _INNER_FOLDERS:
        parts.pop()
    return "/".join(parts)


def _choose(release: Release) -> None:
    """Leave out Full files of a package that has a Snapshot of the same kind, and settle the order."""
    snapshots = {(file.package, file.kind) for file in release.files if file.type == "Snapshot"}
    release.left_out = [f for f in release.files if f.type == "Full" and (f.package, f.kind) in snapshots]
    release.files = [file for file in release.files if file not in release.left_out]
    release.files.sort(key=lambda file: (_ORDER[file.type], file.found.inside))
