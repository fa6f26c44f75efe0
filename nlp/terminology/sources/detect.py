"""Which format a source file has, told from its content and never from its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..source_term import NotATerminologyError
from .bytes_of import first_bytes
from .delimited import REQUIRED, is_delimited
from .obo import is_obo

Format = Literal["json", "obo", "delimited"]
_COLUMNS = ", ".join(REQUIRED)
_REMEDY = f"Give a TSV or CSV with the columns {_COLUMNS}, a FHIR ValueSet or CodeSystem, an OBO file or an OBO graph"


def detect_format(path: Path) -> Format:
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
    if is_delimited(header):
        return "delimited"
    if start.startswith("<"):
        raise NotATerminologyError(
            path, 1, "This is XML or HTML", f"{_REMEDY}; ontologies publish these beside their OWL"
        )
    raise NotATerminologyError(path, 1, f"The first line is no header with the columns {_COLUMNS}", _REMEDY)
