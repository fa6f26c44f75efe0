"""Reading one source, a file or a folder of files, whatever its format."""

from __future__ import annotations

import json
from collections.abc import Collection
from os import PathLike
from pathlib import Path

import orjson

from ..source_term import NotATerminologyError, SourceError
from .bytes_of import all_bytes, bad_utf8
from .content import MATCHED_SCOPES, SourceContent, merge
from .delimited import read_delimited
from .detect import detect_format
from .fhir import is_fhir, read_fhir
from .obo import read_obo
from .obograph import is_obograph, read_obograph

_JSON_REMEDY = "Give a FHIR ValueSet or CodeSystem, or an OBO graph"


def read_source(path: str | PathLike[str], scopes: Collection[str] = MATCHED_SCOPES) -> SourceContent:
    """Read a terminology source: TSV, CSV, FHIR JSON, OBO or OBO-graph JSON, each also gzipped, or a folder of such
    files.

    A folder gives all its files in the order of their names; hidden files are passed over, files in no terminology
    format are
    listed in `skipped_files`, and malformed ones fail.

    Args:
        path: the file or folder.
        scopes: synonym scopes to take; the default leaves RELATED, BROAD and NARROW out.

    Raises:
        SourceError: what is wrong, with file, line and remedy.
    """
    path = Path(path)
    if not path.is_dir():
        return _read_file(path, scopes)
    parts: list[SourceContent] = []
    skipped: list[str] = []
    for file in sorted(path.iterdir(), key=lambda entry: entry.name):
        if file.name.startswith(".") or not file.is_file():
            continue
        try:
            parts.append(_read_file(file, scopes))
        except NotATerminologyError:
            skipped.append(file.name)
    if not parts:
        raise SourceError(
            path,
            None,
            "The folder has no file in a known terminology format",
            _JSON_REMEDY + ", an OBO file, a TSV or a CSV",
        )
    whole = merge(path.name, parts)
    whole.skipped_files = skipped
    return whole


def _read_file(path: Path, scopes: Collection[str]) -> SourceContent:
    form = detect_format(path)
    if form == "delimited":
        return read_delimited(path, scopes)
    if form == "obo":
        return read_obo(path, scopes)
    document = _parse_json(path)
    if is_fhir(document):
        return read_fhir(path, document)  # type: ignore[arg-type]
    if is_obograph(document):
        return read_obograph(path, document, scopes)  # type: ignore[arg-type]
    raise NotATerminologyError(path, None, "This JSON is neither a FHIR resource nor an OBO graph", _JSON_REMEDY)


def _parse_json(path: Path) -> object:
    data = all_bytes(path)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    # The standard parser is slower but says where; its message names no content.
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        raise bad_utf8(path, data.count(b"\n", 0, error.start) + 1, error.start - start + 1) from None
    except json.JSONDecodeError as error:
        problem = f"The JSON is broken at column {error.colno} ({error.msg})"
        raise SourceError(
            path, error.lineno, problem, "Fetch the file again, it may be cut short, or correct it there"
        ) from None
    except RecursionError:
        raise SourceError(path, None, "The JSON is nested too deep", _JSON_REMEDY) from None
