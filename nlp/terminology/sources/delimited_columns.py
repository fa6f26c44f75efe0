"""Which column of a delimited file says what: by their own names, or as the user maps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..source_term import SourceError
from .options import DEFAULT_OPTIONS, SourceOptions

REQUIRED = ("code", "system", "term", "preferred")
OPTIONAL = ("scope", "synonym_type", "kind", "chronic", "semantic_tag", "status")
DELIMITERS = "\t,;|"
# A table of is-a edges.
CHILD, PARENT = "child", "parent"


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each column stands, -1 for one that is absent."""

    width: int
    code: int
    system: int
    term: int
    preferred: int
    scope: int
    synonym_type: int
    kind: int
    chronic: int
    semantic_tag: int
    status: int


def delimiter_of(header: str, options: SourceOptions = DEFAULT_OPTIONS) -> str:
    """The delimiter that cuts the header line into most known columns; a tab if none does."""
    known = {*REQUIRED, *OPTIONAL, CHILD, PARENT, *_folded(options.columns).values()}

    def score(mark: str) -> tuple[int, bool]:
        return sum(name in known for name in names_of(header.split(mark))), mark == "\t"

    return max(DELIMITERS, key=score)


def is_delimited(header: str, options: SourceOptions = DEFAULT_OPTIONS) -> bool:
    """Whether the first line can be the header of a term table: two of the required columns at least, or all the
    columns that the user maps."""
    names = [name.strip('"') for name in names_of(header.split(delimiter_of(header, options)))]
    return sum(name in REQUIRED for name in names) >= 2 or _mapped(names, options)


def is_edge_table(header: str, options: SourceOptions = DEFAULT_OPTIONS) -> bool:
    """Whether the first line is the header of a table of is-a edges: `child` and `parent`, and no term."""
    names = [name.strip('"') for name in names_of(header.split(delimiter_of(header, options)))]
    return CHILD in names and PARENT in names and "term" not in names


def term_columns(path: Path, line: int, header: list[str], options: SourceOptions) -> Columns:
    """The places of the columns of a term table.

    The user's mapping holds for files that have all its columns; other files are read by their own names. With a
    mapping or a `system` of the user's, `preferred` may be absent: then the term is the display name.

    Raises:
        SourceError: a column that is needed is missing, or stands there twice.
    """
    names = names_of(header)
    own = {role: role for role in (*REQUIRED, *OPTIONAL)}
    mapped = _folded(options.columns) if _mapped(names, options) else {}
    role_names = {**own, **mapped}
    needed = [role for role in REQUIRED if not (role == "system" and options.system)]
    if mapped or options.system:
        needed.remove("preferred")
    missing = [role for role in needed if role_names[role] not in names]
    if missing:
        raise _missing(path, line, missing, names, options)
    doubled = sorted({name for name in role_names.values() if names.count(name) > 1})
    if doubled:
        raise SourceError(
            path, line, f"The header has the column {doubled[0]} twice", "Rename or remove one of the two"
        )
    places = {role: names.index(name) if name in names else -1 for role, name in role_names.items()}
    return Columns(width=len(header), **places)


def names_of(header: list[str]) -> list[str]:
    """Column names as they are compared: small letters, blanks as underscores."""
    return [_fold(name) for name in header]


def _mapped(names: list[str], options: SourceOptions) -> bool:
    wanted = _folded(options.columns).values()
    return bool(wanted) and all(name in names for name in wanted)


def _folded(columns: Mapping[str, str]) -> dict[str, str]:
    return {role: _fold(name) for role, name in columns.items()}


def _fold(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _missing(path: Path, line: int, missing: list[str], names: list[str], options: SourceOptions) -> SourceError:
    absent = [name for name in _folded(options.columns).values() if name not in names]
    if absent:
        lacking = ", ".join(absent)
        problem = f"The header lacks the column{'s' if len(absent) > 1 else ''} {lacking} that --columns names"
        return SourceError(path, line, problem, "Correct --columns, or name the columns as the docs have them")
    remedy = f"Name the columns {', '.join(REQUIRED)} in the first line, separated by tabs without quotes or by commas"
    if missing == ["system"]:
        remedy += "; or say which code system it is with --system"
    else:
        remedy += "; or map them with --columns"
        remedy += " and name the code system with --system" if "system" in missing else ""
    return SourceError(
        path, line, f"The header lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}", remedy
    )
