"""Roll-ups: ancestors and concept sets that features are gathered under, read from a file of the user.

An entry has a name and its concepts: a single code stands for the concept and all its descendants, an ECL expression
for what it gives. A single code keeps that concept's id; any other set gets an id of its own, `SET_BASE` + its rank by
name among the sets of the file, so it follows from the file and never from the data.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from ..nlp.tables import ROLLUP
from ..nlp.terminology.ecl import EclError, evaluate
from ..nlp.terminology.ecl_parser import parse
from ..nlp.terminology.ecl_syntax import Reference, Walk
from .concepts import Concept, Registry, base_concept_ids
from .errors import RunError

# Above every spelled code (`concepts.py`), and base_concept_id * 1000 + 999 stays below 2 ** 53.
SET_BASE = 8_000_000_000_000
SET_VOCABULARY = "SET"
_COLUMNS = ("name", "concepts")


@dataclass(frozen=True, slots=True)
class Rollup:
    """What features are rolled up to: `concept` names them, `members` [k] int64 are base concept ids, ascending."""

    name: str
    expression: str
    concept: Concept
    members: np.ndarray


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    concepts: str
    where: str


def read_rollups(path: Path, registry: Registry) -> list[Rollup]:
    """The roll-ups of a YAML, TSV or CSV file, by id.

    Raises RunError, with the entry, for names that are missing or alike, expressions that cannot be read, unknown
    codes, and sets without members.
    """
    entries = list(_entries(path))
    if not entries:
        raise RunError("no roll-up in this file", where=str(path), remedy="give entries of name and concepts")
    numbers = base_concept_ids(registry.terminology)
    names: dict[str, str] = {}
    for entry in entries:
        known = names.setdefault(_slug(entry.name), entry.where)
        if known != entry.where:
            raise RunError(
                f"the name {entry.name!r} is also that of {known}",
                where=entry.where,
                remedy="give names that differ in letters or digits",
            )
    own = [_own_concept(entry, registry) for entry in entries]
    sets = sorted(entry.name for entry, concept in zip(entries, own, strict=True) if concept is None)
    found: dict[int, str] = {}
    rollups: list[Rollup] = []
    for entry, concept in zip(entries, own, strict=True):
        if concept is None:
            number = SET_BASE + sets.index(entry.name)
            concept = Concept(number, f"{SET_VOCABULARY}/{_slug(entry.name)}", entry.name, "any")
        same = found.setdefault(concept.base_concept_id, entry.where)
        if same != entry.where:
            raise RunError(f"{concept.code} also stands in {same}", where=entry.where, remedy="remove one of them")
        rollups.append(Rollup(entry.name, entry.concepts, concept, np.sort(numbers[_members(entry, registry)])))
    return sorted(rollups, key=lambda rollup: rollup.concept.base_concept_id)


def rollup_table(rollups: Sequence[Rollup]) -> pa.Table:
    """Rows of table `rollup`, ordered by its key."""
    lengths = [len(rollup.members) for rollup in rollups]
    ids = np.repeat(np.array([rollup.concept.base_concept_id for rollup in rollups], np.int64), lengths)
    members = np.concatenate([rollup.members for rollup in rollups]) if rollups else np.empty(0, np.int64)
    return pa.table({"rollup_base_concept_id": ids, "member_base_concept_id": members}, schema=ROLLUP)


def _own_concept(entry: _Entry, registry: Registry) -> Concept | None:
    """The concept whose descendants an entry asks for; None for any other set."""
    try:
        node = parse(entry.concepts)
    except EclError as error:
        raise RunError(str(error), where=entry.where) from None
    if isinstance(node, Walk) and node.operator == "<<":
        node = node.operand
    if not isinstance(node, Reference):
        return None
    number = registry.find(node.system, node.code)
    return registry.concept(number) if number else None


def _members(entry: _Entry, registry: Registry) -> np.ndarray:
    single = isinstance(parse(entry.concepts), Reference)
    try:
        members = evaluate(registry.terminology, f"<< {entry.concepts}" if single else entry.concepts, strict=True)
    except EclError as error:
        problem = str(error) if not single else error.problem
        raise RunError(problem, where=entry.where, remedy=error.remedy if single else None) from None
    if not len(members):
        raise RunError("no concept of the terminology is in this set", where=entry.where, remedy="widen it")
    return members


def _slug(name: str) -> str:
    """As feature names write it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _entries(path: Path) -> Iterator[_Entry]:
    if not path.is_file():
        raise RunError("no such file", where=str(path), remedy="give --rollup a YAML, TSV or CSV file")
    suffix = path.suffix.lower()
    if suffix not in (".yaml", ".yml", ".tsv", ".csv"):
        raise RunError(
            f"{suffix or 'a file without ending'} is not read", where=str(path), remedy="give .yaml, .tsv or .csv"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RunError("the file is not UTF-8", where=str(path), remedy="save it as UTF-8") from None
    rows = _yaml_rows(path, text) if suffix in (".yaml", ".yml") else _table_rows(path, text, suffix)
    for where, row in rows:
        name, concepts = (_cell(row.get(column), column, where) for column in _COLUMNS)
        if not _slug(name):
            raise RunError("the name has no letter or digit", where=where, remedy="give a name of letters and digits")
        yield _Entry(name, concepts, where)


def _cell(value: object, column: str, where: str) -> str:
    if isinstance(value, float | bool):
        raise RunError(f"{column} is no text and no code", where=where, remedy="put it between quotation marks")
    text = "" if value is None else str(value).strip()
    if not text:
        raise RunError(f"no {column}", where=where, remedy=f"give {' and '.join(_COLUMNS)} in every entry")
    return text


def _yaml_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise RunError("this is no YAML", where=where, remedy="put expressions between quotation marks") from None
    entries = document.get("rollups") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise RunError(
            "no list of roll-ups", where=str(path), remedy="write `rollups:` and entries of name and concepts"
        )
    for number, entry in enumerate(entries, start=1):
        where = f"{path}, entry {number}"
        if not isinstance(entry, dict) or set(entry) - {*_COLUMNS, "comment"}:
            raise RunError(
                "not an entry of name and concepts", where=where, remedy="give name, concepts, and a comment"
            )
        yield where, entry


def _table_rows(path: Path, text: str, suffix: str) -> Iterator[tuple[str, dict[str, object]]]:
    quoting, delimiter = (csv.QUOTE_NONE, "\t") if suffix == ".tsv" else (csv.QUOTE_MINIMAL, ",")
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, quoting=quoting)
    missing = set(_COLUMNS) - set(reader.fieldnames or ())
    if missing:
        raise RunError(
            f"no column {' or '.join(sorted(missing))}", where=str(path), remedy="name them in the first line"
        )
    for row in reader:
        yield f"{path}:{reader.line_num}", dict(row)
