"""The files of a folder or a zip, zips inside included, read as streams: nothing is unpacked to a named place.

A zip is checked before anything in it is read: encrypted, broken or absurdly compressed ones are refused.
"""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from ..source_term import SourceError
from .bytes_of import open_bytes

# The UMLS calls its zips .nlm.
ZIP_NAMES = (".zip", ".nlm")
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_IN_MEMORY = 64 << 20
_PASSWORD = "Unpack the zip with its password and give the folder"
# What the standard library raises on damaged bytes; `struct` and `lzma` have errors of their own.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, lzma.LZMAError, OSError, ValueError, IndexError)


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """What a zip may be: `depth` zips inside one another, `size` bytes and `members` unpacked in all; a member of more
    than `ratio_from` bytes may not be packed tighter than `ratio` to 1 (release files are packed about 4 to 20)."""

    depth: int = 3
    size: int = 20 << 30
    members: int = 100_000
    ratio: int = 250
    ratio_from: int = 64 << 20


LIMITS = ZipLimits()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in a folder or zip. `place` is its path, through the zips that hold it, for messages; `open` gives its
    bytes, unpacked."""

    place: str
    inside: str
    open: Callable[[], AbstractContextManager[BinaryIO]]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.inside.rsplit("/", 1)[-1]


@contextmanager
def found_files(path: Path, limits: ZipLimits = LIMITS) -> Iterator[tuple[list[FoundFile], list[SourceError]]]:
    """Every file below a folder or in a zip, in order of their paths, and the zips of a folder that cannot be read.

    Hidden files, those that macOS adds to zips and links to folders are passed over.

    Raises:
        SourceError: a zip, given by itself, that is broken, encrypted or beyond the limits.
    """
    with ExitStack() as stack:
        walk = _Walk(stack, limits)
        if path.is_dir():
            walk.folder(path)
        elif is_zip(path):
            walk.zip(str(path), "", stack.enter_context(open_bytes(path)), 1)
        yield walk.files, walk.problems


def is_zip(path: Path) -> bool:
    """Whether a file is a zip, by its first bytes; a broken one only if it is also named so."""
    if not path.is_file():
        return False
    with open_bytes(path) as stream:
        if stream.read(4) not in (_ZIP, _EMPTY_ZIP):
            return False
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


class _Walk:
    def __init__(self, stack: ExitStack, limits: ZipLimits) -> None:
        self.stack = stack
        self.limits = limits
        self.files: list[FoundFile] = []
        self.problems: list[SourceError] = []
        self.size = 0
        self.members = 0

    def folder(self, root: Path) -> None:
        for parent, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not _hidden(name))
            for name in sorted(names):
                file = Path(parent, name)
                if _hidden(name) or not file.is_file():
                    continue
                inside = file.relative_to(root).as_posix()
                if name.lower().endswith(ZIP_NAMES) and is_zip(file):
                    try:
                        self.zip(str(file), inside, self.stack.enter_context(open_bytes(file)), 1)
                    except SourceError as error:
                        self.problems.append(error)
                else:
                    self.files.append(FoundFile(str(file), inside, lambda file=file: open_bytes(file)))

    def zip(self, place: str, inside: str, stream: BinaryIO, depth: int) -> None:
        """Add the files of one zip. `stream` must stay open as long as they are read."""
        if depth > self.limits.depth:
            problem = f"The zip lies more than {self.limits.depth} zips deep"
            raise SourceError(place, None, problem, "Unpack the outer zips first")
        try:
            archive = self.stack.enter_context(zipfile.ZipFile(stream))
        except _BROKEN:
            raise _broken(place) from None
        except NotImplementedError:
            raise _unknown_packing(place) from None
        members = sorted(
            (m for m in archive.infolist() if m.filename and not m.is_dir()), key=lambda member: member.filename
        )
        for member in members:
            parts = member.filename.replace("\\", "/").split("/")
            if any(_hidden(part) and part not in (".", "..") for part in parts):
                continue
            self._check(place, member)
            name = "/".join(part for part in parts if part not in ("", ".", ".."))
            where, below = f"{place}/{name}", f"{inside}/{name}".lstrip("/")
            if name.lower().endswith(ZIP_NAMES):
                self.zip(where, below, self._unpacked(archive, member, where), depth + 1)
            else:
                self.files.append(FoundFile(where, below, lambda m=member, w=where: _open_member(archive, m, w)))

    def _check(self, place: str, member: zipfile.ZipInfo) -> None:
        where = f"{place}/{member.filename}"
        if member.flag_bits & 1:
            raise SourceError(
                where, None, "The file is encrypted", "Unpack the zip with its password and give the folder"
            )
        self.size += member.file_size
        self.members += 1
        if self.size > self.limits.size:
            problem = f"The zip unpacks to more than {self.limits.size / (1 << 30):.3g} GB"
            raise SourceError(place, None, problem, "Give the Snapshot folder alone, unpacked")
        if self.members > self.limits.members:
            raise SourceError(place, None, f"The zip has more than {self.limits.members:,} files", "This is no release")
        if member.file_size > max(self.limits.ratio_from, self.limits.ratio * member.compress_size):
            problem = f"The file is packed more than {self.limits.ratio} to 1, as no release file is"
            raise SourceError(where, None, problem, "Fetch the release again from its publisher")

    def _unpacked(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> BinaryIO:
        """A zip inside a zip, in memory or in a nameless temporary file, as its directory is at its end."""
        spool = self.stack.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115
        with _open_member(archive, member, where) as stream:
            copyfileobj(stream, spool, 1 << 20)
        spool.seek(0)
        return cast(BinaryIO, spool)


@contextmanager
def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> Iterator[BinaryIO]:
    try:
        with archive.open(member) as stream:
            yield cast(BinaryIO, stream)
    except SourceError:
        raise
    except _BROKEN:
        raise _broken(where) from None
    except NotImplementedError:
        raise _unknown_packing(where) from None


def _broken(place: str) -> SourceError:
    return SourceError(place, None, "The zip is broken or cut short", "Fetch it again")


def _unknown_packing(place: str) -> SourceError:
    problem = "The zip is packed in a way that cannot be read here"
    return SourceError(place, None, problem, "Unpack it and give the folder")


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
