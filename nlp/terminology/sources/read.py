"""Reading one source, a file or a folder of files, whatever its format."""

from __future__ import annotations

import json
from collections.abc import Collection
from os import PathLike
from pathlib import Path

import orjson

from ..source_term import NotATerminologyError, SourceError, SourceTerm
from .athena import read_athena
from .athena_files import find_athena
from .bytes_of import all_bytes, bad_utf8
from .content import MATCHED_SCOPES, SourceContent, merge
from .delimited import read_delimited, read_edges
from .detect import detect_format
from .fhir import is_fhir, read_fhir
from .fhir_pages import check_pages
from .obo import read_obo
from .obograph import is_obograph, read_obograph
from .options import DEFAULT_OPTIONS, SourceOptions
from .rf2 import read_rf2
from .target_rules import is_target_rules, read_target_rules
from .umls import read_umls

_JSON_REMEDY = "Give a FHIR ValueSet or CodeSystem, an OBO graph or medspaCy target rules"


def read_source(
    path: str | PathLike[str],
    scopes: Collection[str] = MATCHED_SCOPES,
    options: SourceOptions = DEFAULT_OPTIONS,
) -> SourceContent:
    """Read a terminology source: TSV, CSV, FHIR JSON, OBO or OBO-graph JSON, each also gzipped, or a folder of such
    files.

    A folder gives all its files in the order of their names; hidden files are passed over, files in no terminology
    format are
    listed in `skipped_files`, and malformed ones fail.

    Args:
        path: the file or folder.
        scopes: synonym scopes to take; the default leaves RELATED, BROAD and NARROW out.
        options: choices that concern single formats.

    Raises:
        SourceError: what is wrong, with file, line and remedy.
    """
    path = Path(path)
    umls = read_umls(path, options)
    if umls is not None:
        return umls
    athena = find_athena(path) if path.is_dir() else None
    # A release may lie anywhere below a folder or in zips inside a zip, so that this also checks what a zip is.
    release = read_rf2(path, options) if athena is None else None
    if release is not None:
        return release
    if path.is_file() and (athena := find_athena(path)) is not None:
        return read_athena(athena, options)
    if not path.is_dir():
        content = _read_file(path, scopes, options)
        content.notices.extend(check_pages(path, content.pages))
        return content
    parts: list[SourceContent] = [read_athena(athena, options)] if athena is not None else []
    skipped: list[str] = []
    for file in sorted(path.iterdir(), key=lambda entry: entry.name):
        if file.name.startswith(".") or not file.is_file() or (athena is not None and file in athena.files):
            continue
        try:
            parts.append(_read_file(file, scopes, options))
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
    whole.notices.extend(check_pages(path, whole.pages))
    if whole.pages:
        _without_repeats(whole)
    return whole


def _without_repeats(content: SourceContent) -> None:
    """Leave out terms that stand on several pages of an expansion."""
    seen: set[tuple[str, str, str]] = set()
    kept: list[SourceTerm] = []
    for term in content.terms:
        key = (term.system, term.code, term.term)
        if key in seen:
            content.drops.leave_out("duplicate", term.origin)
        else:
            seen.add(key)
            kept.append(term)
    content.terms = kept


def _read_file(path: Path, scopes: Collection[str], options: SourceOptions) -> SourceContent:
    form = detect_format(path, options)
    if form == "edges":
        return read_edges(path, options)
    if form == "delimited":
        return read_delimited(path, scopes, options)
    if form == "obo":
        return read_obo(path, scopes)
    document = _parse_json(path)
    if is_fhir(document):
        return read_fhir(path, document)  # type: ignore[arg-type]
    if is_obograph(document):
        return read_obograph(path, document, scopes)  # type: ignore[arg-type]
    if is_target_rules(document):
        return read_target_rules(path, document)  # type: ignore[arg-type]
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
