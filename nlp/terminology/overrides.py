"""A site's own corrections to a terminology: a small TSV of terms to add, to suppress and to prefer.

The file names codes and strings, not rows of a release, so it goes unchanged into the build of the next release; the
build says of every line what it did (see `override_effects.py`).

Columns (tabs, no quoting, a header, `#` starts a comment line): `action`, `code`, `system`, `term`, `kind`, `case`,
`preferred`, `comment`; `action` is needed, the others may be left out or empty where the action does not use them.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp()) / "ours.tsv"
>>> write_overrides(path, [Override("prefer", "195967001", "SNOMED", "RAD", comment="reactive airways disease here")])
>>> read_overrides(path)[0].term
'RAD'
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from ..tokens import key_words
from .rules import MAX_WORDS
from .source_term import SourceError, TermKind
from .systems import FAULT_REMEDIES, canonical_system, code_fault, tidy_code
from .variants import is_acronym

Action = Literal["add", "suppress", "prefer"]
Case = Literal["", "exact", "any"]

COLUMNS = ("action", "code", "system", "term", "kind", "case", "preferred", "comment")
_ACTIONS: tuple[str, ...] = get_args(Action)
_CASES: tuple[str, ...] = get_args(Case)
_KINDS: tuple[str, ...] = get_args(TermKind)
_NEEDS: dict[str, tuple[str, ...]] = {"add": ("code", "system", "term"), "prefer": ("code", "system", "term")}
_ONLY_ADD = ("kind", "case", "preferred")


@dataclass(frozen=True, slots=True)
class Override:
    """One correction.

    Attributes:
        action: `add` a term to a code; `suppress` one term of a code, a term everywhere (no code) or all terms of a
            code (no term); `prefer` the code where the term names several.
        system: OMOP vocabulary name of the code, empty where there is no code.
        term: the string, in any spelling that normalises alike.
        kind: of an added term.
        case: `exact`: an added term matches in capitals only, `any`: in any case, empty: acronyms in capitals only.
        preferred: name of an added code that the sources do not have; the term where empty.
        comment: for people.
        line: line of the file it was read from, 0 if it was not read.
    """

    action: Action
    code: str = ""
    system: str = ""
    term: str = ""
    kind: TermKind = "synonym"
    case: Case = ""
    preferred: str = ""
    comment: str = ""
    line: int = 0


def read_overrides(path: str | os.PathLike[str]) -> list[Override]:
    """The lines of an override file, in order.

    Raises:
        SourceError: with the line, where the file cannot be read or a line makes no sense.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(path, None, "There is no such file", "Give --overrides an existing one") from None
    except IsADirectoryError:
        raise SourceError(path, None, "This is a folder", "Give --overrides one file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SourceError(path, line, "The file is not UTF-8", "Save it as UTF-8 text with tabs") from None
    lines = [line.rstrip("\r") for line in text.split("\n")]  # splitlines would also cut at characters inside a term
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not rows:
        return []
    columns = _header(path, *rows[0])
    found: list[Override] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, line in rows[1:]:
        cells = line.split("\t")
        if len(cells) > len(columns):
            problem = f"The row has {len(cells)} cells, the header {len(columns)}"
            raise SourceError(path, number, problem, "Separate cells with one tab each; a cell must not hold a tab")
        override = _override(path, number, dict(zip(columns, (cell.strip() for cell in cells))))
        key = _key(override)
        if key in seen:
            problem = f"The line repeats or contradicts line {seen[key]}"
            raise SourceError(path, number, problem, "Keep one of the two")
        seen[key] = number
        found.append(override)
    _refuse_contradictions(path, found)
    return found


def write_overrides(path: str | os.PathLike[str], overrides: Iterable[Override]) -> None:
    """Write a file that `read_overrides` reads back to the same lines (their numbers apart).

    Raises:
        SourceError: a cell that holds a tab or a line break, which the format cannot carry.
    """
    path = Path(path)
    rows = ["\t".join(COLUMNS)]
    for number, override in enumerate(overrides, 2):
        kind = override.kind if override.action == "add" else ""
        cells = [
            override.action,
            override.code,
            override.system,
            override.term,
            kind,
            override.case,
            override.preferred,
            override.comment,
        ]
        if any(mark in cell for cell in cells for mark in "\t\r\n"):
            raise SourceError(path, number, "A cell holds a tab or a line break", "Put a blank in its place")
        rows.append("\t".join(cells))
    aside = path.with_name(f".{path.name}.part")
    aside.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    os.replace(aside, path)


def _header(path: Path, number: int, line: str) -> list[str]:
    columns = [cell.strip().lower() for cell in line.split("\t")]
    unknown = [name for name in columns if name not in COLUMNS]
    if "action" not in columns or unknown or len(set(columns)) < len(columns):
        named = f" (unknown: {', '.join(unknown)})" if unknown and "action" in columns else ""
        problem = f"The header does not name the columns of an override file{named}"
        raise SourceError(path, number, problem, f"Begin with a line of these, separated by tabs: {', '.join(COLUMNS)}")
    return columns


def _override(path: Path, number: int, cells: dict[str, str]) -> Override:
    def wrong(problem: str, remedy: str) -> SourceError:
        return SourceError(path, number, problem, remedy)

    action = cells.get("action", "").lower()
    if action not in _ACTIONS:
        raise wrong(f"Unknown action {action[:20]!r}", f"Write one of {', '.join(_ACTIONS)}")
    code, term = cells.get("code", ""), cells.get("term", "")
    system = canonical_system(cells.get("system", ""))
    missing = [name for name in _NEEDS.get(action, ()) if not cells.get(name)]
    if missing:
        raise wrong(f"{action} needs {' and '.join(missing)}", "Fill the cells")
    if action == "suppress" and not code and not term:
        raise wrong("suppress names neither a code nor a term", "Fill one of the two, or both")
    if bool(code) != bool(system):
        raise wrong("A code needs its system, and a system its code", "Fill both cells or none, such as SNOMED")
    if action != "add":
        idle = [name for name in _ONLY_ADD if cells.get(name)]
        if idle:
            raise wrong(f"{action} has no use for {' and '.join(idle)}", "Empty the cells; they belong to add")
    code = tidy_code(system, code)
    fault = code_fault(system, code) if code else None
    if fault:
        raise wrong(f"The code is not one of {system} ({fault.replace('_', ' ')})", FAULT_REMEDIES[fault])
    words = key_words(term)
    if term and not any(map(str.isalnum, term)):
        raise wrong("The term has no letter or digit", "Write it as it stands in notes")
    if len(words) > MAX_WORDS:
        raise wrong(f"The term has {len(words)} words", f"Give a term of up to {MAX_WORDS} words")
    kind = cells.get("kind", "").lower() or "synonym"
    if kind not in _KINDS:
        raise wrong(f"Unknown kind {kind[:20]!r}", f"Write one of {', '.join(_KINDS)}")
    case = cells.get("case", "").lower()
    if case not in _CASES:
        raise wrong(f"Unknown case {case[:20]!r}", "Write exact or any, or leave it empty")
    if case == "exact" and not is_acronym(term):
        raise wrong("exact is for acronyms in capitals", "Write the term as an acronym, or leave case empty")
    return Override(
        cast(Action, action),
        code,
        system,
        term,
        cast(TermKind, kind),
        cast(Case, case),
        cells.get("preferred", ""),
        cells.get("comment", ""),
        number,
    )


def _key(override: Override) -> tuple[str, ...]:
    words = " ".join(key_words(override.term))
    if override.action == "prefer":  # one string has one preferred code
        return ("prefer", words)
    return (override.action, override.system, override.code, words)


def _refuse_contradictions(path: Path, overrides: list[Override]) -> None:
    """A term that is added or preferred must not also be suppressed for the same code.

    It may be suppressed everywhere, or the code's other terms may be: the line then says what alone is to stay.
    """
    suppressed = {_key(override)[1:]: override.line for override in overrides if override.action == "suppress"}
    for override in overrides:
        if override.action == "suppress":
            continue
        key = (override.system, override.code, " ".join(key_words(override.term)))
        if key in suppressed:
            problem = f"The line contradicts line {suppressed[key]}, which suppresses the same"
            raise SourceError(path, override.line, problem, "Keep one of the two")
