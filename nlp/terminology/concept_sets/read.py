"""Reading concept-set files; the format is told from the content."""

from __future__ import annotations

import json
import re
from os import PathLike
from pathlib import Path

from ..source_term import SourceError
from ..sources.bytes_of import all_bytes, first_bytes
from .atlas import read_atlas
from .code_list import is_code_list, read_code_list
from .concept_set import ConceptSet
from .plain_list import read_plain_list

FORMATS = (
    "Atlas concept-set JSON, OHDSI cohort definition JSON, a code list in CSV or TSV, a plain list, or an expression"
    " of SNOMED's constraint language"
)
# An operator before a code, or one between two codes: names in a plain list may hold AND and OR too.
_ECL_START = re.compile(
    r"<|>|\^|\(|\*|(?:descendant|child|ancestor|parent)(?:orself)?of\b|memberof\b|any\b", re.IGNORECASE
)
_ECL_OPERATOR = re.compile(r"[0-9)*]\s*\b(?:AND|OR|MINUS)\b\s*(?:[0-9(<>^*]|[A-Z0-9]+[#:])", re.IGNORECASE)
_TERM = re.compile(r"\|[^|\n]*\|")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def is_ecl(text: str) -> bool:
    """Whether a text is an expression of SNOMED's constraint language and no list of codes.

    >>> [is_ecl(text) for text in ("<< 73211009 |Diabetes mellitus|", "22298006 OR 73211009", "73211009 Fat OR thin")]
    [True, True, False]
    """
    bare = _TERM.sub("", _COMMENT.sub("", text)).strip()
    return _ECL_START.match(bare) is not None or _ECL_OPERATOR.search(bare) is not None


def read_concept_sets(path: str | PathLike[str], system: str | None = None) -> list[ConceptSet]:
    """All concept sets of a file, in order; [] for a cohort definition that uses none.

    Args:
        path: Atlas concept-set JSON, an OHDSI cohort definition, a code list (HDR UK, OpenCodelists, ...), a plain list
            or an expression; may be gzipped.
        system: the code system, for lists that do not say it.

    Raises:
        SourceError: naming the file, the line where there is one, what is wrong and what to do.
    """
    file = Path(path)
    head = first_bytes(file)
    if head.lstrip()[:1] in (b"{", b"["):
        return read_atlas(file, _json(file))
    text = _text(file)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "//"))]
    if not lines:
        raise SourceError(file, None, "The file holds no code", f"Give {FORMATS}")
    if is_code_list(lines[0]):
        return read_code_list(file, text, system)
    expression = "\n".join(lines)
    if is_ecl(expression):
        return [ConceptSet(stem(file), ecl=expression, origin=file.name)]
    return [read_plain_list(file, text, system, stem(file))]


def stem(path: Path) -> str:
    """The file's name without its endings: the name of a set that has none."""
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name[1:] else name


def _text(path: Path) -> str:
    content = all_bytes(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            path, line, "The line is not UTF-8", "Save the file as UTF-8 (it may be Latin-1 or Windows-1252)"
        ) from None


def _json(path: Path) -> object:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise SourceError(
            path, error.lineno, f"The JSON is broken ({error.msg})", "Export the concept set again"
        ) from None
    except RecursionError:
        raise SourceError(path, None, "The JSON is nested too deeply", "Export the concept set again") from None
