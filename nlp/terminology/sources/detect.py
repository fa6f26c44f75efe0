"""Which format a source file has, told from its content and never from its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..source_term import NotATerminologyError
from .bytes_of import first_bytes
from .delimited_columns import REQUIRED, is_delimited, is_edge_table
from .obo import is_obo
from .options import DEFAULT_OPTIONS, SourceOptions
from .rf2_files import header_of
from .rf2_schema import kind_of

Format = Literal["json", "obo", "delimited", "edges"]
_COLUMNS = ", ".join(REQUIRED)
_REMEDY = f"Give a TSV or CSV with the columns {_COLUMNS}, a FHIR ValueSet or CodeSystem, an OBO file or an OBO graph"


def detect_format(path: Path, options: SourceOptions = DEFAULT_OPTIONS) -> Format:
    """The format of a file, unpacked if gzipped; JSON is told apart further when parsed.

    Raises:
        NotATerminologyError: none of the formats.
        SourceError: missing, empty, broken gzip or UTF-16.
    """
    head = first_bytes(path).decode("utf-8", errors="replace")
    start = head.lstrip()
    if start[0] in "{[":
        # An OBO file may begin with a stanza head, which JSON cannot look like.
        return "obo" if is_obo(head) else "json"
    if is_obo(head):
        return "obo"
    header = start.split("\n", 1)[0].rstrip("\r")
    if is_edge_table(header, options):
        return "edges"
    if is_delimited(header, options):
        return "delimited"
    if start.startswith("<"):
        raise NotATerminologyError(
            path, 1, "This is XML or HTML", f"{_REMEDY}; ontologies publish these beside their OWL"
        )
    if kind_of(header_of(head.encode())) is not None:
        problem = "This is one file of a SNOMED CT release (RF2), which means little by itself"
        raise NotATerminologyError(path, 1, problem, "Give the release's folder or zip")
    wanted = ", ".join(options.columns.values())
    if wanted:
        problem = f"The first line is no header with the columns {wanted} that --columns names"
        raise NotATerminologyError(path, 1, problem, "Correct --columns; upper and lower case are the same")
    raise NotATerminologyError(path, 1, f"The first line is no header with the columns {_COLUMNS}", _REMEDY)
