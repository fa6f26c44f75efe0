"""Malformed source files are refused with file, line, what is wrong and what to do, and never with their content."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources import read_source

HEADER = "code\tsystem\tterm\tpreferred"
ASTHMA = "195967001\tSNOMEDCT\tAsthma\tAsthma"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook() -> bytes:
    """A zip with the parts of a spreadsheet."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


SECRET = "Jane Doe has a rash"
MALFORMED = {
    "missing columns": (f"code\tsystem\tname\n195967001\tSCT\t{SECRET}\n", 1, "lacks the columns term, preferred"),
    "too few cells": (f"{HEADER}\n{ASTHMA}\n195967001\tSCT\t{SECRET}\n", 3, "3 cells, the header 4"),
    "too many cells": (f"{HEADER}\n{ASTHMA}\t{SECRET}\n", 2, "5 cells, the header 4"),
    "doubled column": (f"{HEADER}\tterm\n{ASTHMA}\tx\n", 1, "has the column term twice"),
    "open quote": (f'code,system,term,preferred\n195967001,SCT,"{SECRET},x\n', 2, "quoting is broken"),
    "quote inside": (f'code,system,term,preferred\n195967001,SCT,"a"{SECRET},x\n', 2, "quoting is broken"),
    "bad utf-8": (
        f"{HEADER}\n195967001\tSCT\t".encode() + b"M\xe9ni\xe8re\tx\n",
        2,
        "Byte 16 of the line is not UTF-8",
    ),
    "utf-16": (HEADER.encode("utf-16"), 1, "UTF-16"),
    "empty": (b"", None, "empty"),
    "blank": (b" \n\n", None, "empty"),
    "binary": (b"abc\x00\x01def", None, "binary"),
    "zero byte later": (
        HEADER.encode() + b"\n" + (ASTHMA.encode() + b"\n") * 3000 + b"1\x00\t2\t3\t4\n",
        3002,
        "zero bytes",
    ),
    "spreadsheet": (workbook(), None, "spreadsheet"),
    "broken zip": (b"PK\x03\x04" + b"x" * 50, None, "zip is broken"),
    "no header": (f"{ASTHMA}\n{SECRET}\n", 1, "no header"),
    "prose": (SECRET, 1, "no header"),
    "xml": ("<?xml version='1.0'?><rdf/>", 1, "XML or HTML"),
    "broken gzip": (gzip.compress(f"{HEADER}\n{ASTHMA}\n".encode() * 50)[:-12], None, "gzip data is broken"),
    "not gzip": (b"\x1f\x8b\x08garbage-garbage-garbage", None, "gzip data is broken"),
    "broken json": ('{"resourceType": "ValueSet",\n  "x": [1, 2\n', 3, "JSON is broken at column"),
    "json with bad utf-8": (b'{"resourceType": "ValueSet",\n "title": "M\xe9"}', 2, "not UTF-8"),
    "unknown json": ('{"hello": 1}', None, "neither a FHIR resource nor an OBO graph"),
    "json list": ("[1, 2]", None, "neither a FHIR resource nor an OBO graph"),
    "other resource": ('{"resourceType": "Patient"}', None, "holds no terms"),
    "value set by rule": (
        '{"resourceType":"ValueSet","compose":{"include":[{"system":"http://snomed.info/sct","filter":[]}]}}',
        None,
        "lists no codes",
    ),
    "code system without concepts": (
        '{"resourceType":"CodeSystem","url":"http://x","content":"not-present"}',
        None,
        "no concepts",
    ),
    "graph without classes": ('{"graphs":[{"nodes":[]}]}', None, "no classes"),
    "obo without terms": ("format-version: 1.2\n", None, "no \\[Term\\] stanza"),
    "obo with a broken line": (f"format-version: 1.2\n\n[Term]\nid: HP:0002099\n{SECRET}\n", 5, "neither `tag: value`"),
    "obo with an open synonym": (
        f'format-version: 1.2\n\n[Term]\nid: HP:0002099\nsynonym: "{SECRET}\n',
        5,
        "no closed quotes",
    ),
    "swapped columns": (f"{HEADER}\n" + "Asthma\tSCT\t195967001\tAsthma\n" * 3, 2, "swapped columns"),
    "damaged by a spreadsheet": (
        f"{HEADER}\n{ASTHMA}\n" + "1092131000000100\tSCT\tx\tx\n" * 3,
        3,
        "spreadsheet number",
    ),
    "floats": (f"{HEADER}\n1.96E+08\tSCT\tAsthma\tAsthma\n", 2, "spreadsheet number"),
    "no codes": (f"{HEADER}\n\tSCT\tAsthma\tAsthma\n", 2, "empty code"),
}


@pytest.mark.parametrize(("content", "line", "problem"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_files_are_refused_with_file_line_and_remedy(
    tmp_path: Path, content: str | bytes, line: int | None, problem: str
) -> None:
    path = write(tmp_path, "terms.tsv", content)
    with pytest.raises(SourceError, match=problem) as caught:
        read_source(path)
    error = caught.value
    assert error.line == line
    assert str(error).startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert error.remedy
    assert str(error).endswith(f"{error.remedy}.")
    assert SECRET not in str(error)
    assert error.__cause__ is None


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_source(tmp_path / "nothing.tsv")
