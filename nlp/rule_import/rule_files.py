"""Cue and heading files by content: our own TSV, medspaCy JSON, or a term set of negspaCy as JSON or Python."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from ..cue_table import COLUMNS, Category, read_cues
from ..heading_table import read_headings
from .context_rules import ImportedCues, cues_from_medspacy
from .negspacy_terms import TERM_LISTS, cues_from_negspacy, is_term_set
from .report import ImportReport, RuleFileError
from .section_rules import ImportedHeadings, headings_from_medspacy

# Keys under which medspaCy files keep their rules; the second is that of its first versions.
CONTEXT_KEYS = ("context_rules", "item_data")
SECTION_KEY = "section_rules"
HEADING_COLUMNS = ("name", "heading", "loinc", "kind", "positive", "negative")
_CUE_REMEDY = (
    f"Give a TSV with the columns {', '.join(COLUMNS)}, a medspaCy file with `context_rules`, or a negspaCy term set"
    f" with {', '.join(TERM_LISTS)}"
)
_HEADING_REMEDY = f"Give a TSV with the columns {', '.join(HEADING_COLUMNS)}, or a medspaCy file with `{SECTION_KEY}`"


def read_cue_file(path: Path, *, categories: Mapping[str, Category] | None = None) -> ImportedCues:
    """Read cues from a file of any of the three forms.

    Args:
        path: the file; its name says nothing of its form.
        categories: see `cues_from_medspacy`.

    Raises:
        RuleFileError: missing, broken, of another form, or without a single rule that could be taken.
    """
    text = _text(path, _CUE_REMEDY)
    if _is_table(text):
        try:
            rows = read_cues(path)
        except ValueError as error:
            raise _table_error(path, error) from None
        imported = ImportedCues(rows, ImportReport(path.name, len(rows), len(rows), len(rows)))
    else:
        document = _document(path, text, _CUE_REMEDY)
        rules = next((rules for key in CONTEXT_KEYS if isinstance(rules := document.get(key), list)), None)
        if rules is not None:
            imported = cues_from_medspacy(rules, path.name, categories=categories)
        elif is_term_set(document):
            imported = cues_from_negspacy(document, path.name)
        else:
            raise RuleFileError(path, _no_rules(document, "context"), _CUE_REMEDY)
    return imported if imported.rows else _refuse(path, imported.report, _CUE_REMEDY)


def read_heading_file(path: Path, *, names: Mapping[str, str] | None = None) -> ImportedHeadings:
    """Read headings from our own TSV or from a medspaCy file.

    Raises:
        RuleFileError: missing, broken, of another form, or without a single rule that could be taken.
    """
    text = _text(path, _HEADING_REMEDY)
    if _is_table(text):
        _check_heading_columns(path, text)
        try:
            rows = read_headings(path)
        except ValueError as error:
            raise _table_error(path, error) from None
        imported = ImportedHeadings(rows, ImportReport(path.name, len(rows), len(rows), len(rows)))
    else:
        document = _document(path, text, _HEADING_REMEDY)
        rules = document.get(SECTION_KEY)
        if not isinstance(rules, list):
            raise RuleFileError(path, _no_rules(document, "section"), _HEADING_REMEDY)
        imported = headings_from_medspacy(rules, path.name, names=names)
    return imported if imported.rows else _refuse(path, imported.report, _HEADING_REMEDY)


def _text(path: Path, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RuleFileError(path, "No such file", remedy) from None
    except IsADirectoryError:
        raise RuleFileError(path, "This is a folder", remedy) from None
    except UnicodeDecodeError as error:
        raise RuleFileError(path, f"Not UTF-8 (byte {error.start})", "Save it as UTF-8") from None
    except OSError as error:
        raise RuleFileError(path, f"Cannot be read ({error.strerror})", remedy) from None


def _is_table(text: str) -> bool:
    """Whether the first line that is no comment is a header of several columns."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return "\t" in first and not first.lstrip().startswith(("{", "["))


def _check_heading_columns(path: Path, text: str) -> None:
    header = next(line for line in text.splitlines() if line.strip() and not line.startswith("#")).split("\t")
    missing = [column for column in HEADING_COLUMNS if column not in header]
    if missing:
        raise RuleFileError(path, f"No column {', '.join(missing)}", _HEADING_REMEDY)


def _table_error(path: Path, error: ValueError) -> RuleFileError:
    """The error of our own table reader, which already begins with the place."""
    told = str(error).removeprefix(str(path)).removeprefix(":")
    place, _, problem = told.partition(": ")
    if place.isdigit():
        return RuleFileError(path, problem, "Correct the line", int(place))
    return RuleFileError(path, told.strip(), "Correct the file")


def _document(path: Path, text: str, remedy: str) -> dict[str, object]:
    if not text.strip():
        raise RuleFileError(path, "The file is empty", remedy)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        document = _python_dict(text)
        if document is None:
            problem = f"Neither a table nor JSON; as JSON it is broken at column {error.colno} ({error.msg})"
            raise RuleFileError(path, problem, remedy, error.lineno) from None
    except RecursionError:
        raise RuleFileError(path, "The JSON is nested too deep", remedy) from None
    if not isinstance(document, dict):
        raise RuleFileError(path, "The JSON is no object with lists of rules", remedy)
    return {str(key): value for key, value in document.items()}


def _python_dict(text: str) -> object:
    """The term set in a Python file: a dict, or the one assigned dict that has its keys. Nothing is executed."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    for statement in body:
        if isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign)) and statement.value is not None:
            try:
                value = ast.literal_eval(statement.value)
            except (ValueError, TypeError, SyntaxError, RecursionError):
                continue
            if isinstance(value, dict) and (is_term_set(value) or len(body) == 1):
                return value
    return None


def _no_rules(document: dict[str, object], wanted: str) -> str:
    """What a JSON object is, if it is not what was asked for."""
    others = {
        "target_rules": "medspaCy target rules, which `terminology build --source` reads",
        SECTION_KEY: "medspaCy section rules, which are headings",
        **dict.fromkeys(CONTEXT_KEYS, "medspaCy context rules, which are cues"),
    }
    for key, what in others.items():
        if isinstance(document.get(key), list):
            return f"No {wanted} rules in it, but {what}"
    return f"No {wanted} rules in it; its keys are {', '.join(sorted(document))[:120] or 'none'}"


def _refuse(path: Path, report: ImportReport, remedy: str) -> NoReturn:
    reasons = "; ".join(f"{reason} ({count})" for reason, count in report.reasons().most_common(3))
    raise RuleFileError(path, f"None of its {report.rules} rules could be taken: {reasons or 'it has none'}", remedy)
