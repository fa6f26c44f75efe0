"""The OBO flat file format (https://owlcollab.github.io/oboformat/doc/obo-syntax.html), its `[Term]` stanzas."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from ..source_term import SourceError
from .bytes_of import text_lines
from .content import MATCHED_SCOPES, SourceContent, resolve_chains
from .obo_terms import OboRecord, release_of, take_record

_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s*([A-Z]*)\s*([^\[\s]*)')
_SYNONYM_REMEDY = 'Write it as: synonym: "text" EXACT []'
_OLD_SCOPES = {
    "exact_synonym": "EXACT",
    "related_synonym": "RELATED",
    "broad_synonym": "BROAD",
    "narrow_synonym": "NARROW",
}
# An xref may be followed by a quoted description, modifiers or a comment.
_XREF_END = re.compile(r"\s")
_ESCAPE = re.compile(r"\\(.)")
_HEADER = re.compile(r"\A(?:[ \t]*(?:!.*)?\r?\n)*(?:format-version:|data-version:|ontology:|\[Term\])")


def is_obo(head: str) -> bool:
    """Whether the start of a text is that of an OBO file."""
    return _HEADER.match(head) is not None


def read_obo(path: Path, scopes: Collection[str] = MATCHED_SCOPES) -> SourceContent:
    """Read an OBO file; synonyms of other scopes than `scopes` are left out and counted.

    Raises:
        SourceError: a line that is no `tag: value`, a synonym without quotes, no terms, or more than half of the
        terms faulty.
    """
    content = SourceContent(path.name)
    record: OboRecord | None = None
    started = count = 0
    in_header = True

    def finish() -> None:
        nonlocal count
        if record is not None:
            count += 1
            take_record(record, content, f"{path.name}:{started}", scopes)

    for number, raw in enumerate(text_lines(path), 1):
        line = raw.strip()
        if not line or line.startswith("!"):
            continue
        if line.startswith("[") and line.endswith("]"):
            finish()
            record = OboRecord() if line == "[Term]" else None
            started, in_header = number, False
            continue
        tag, colon, value = line.partition(":")
        if not colon:
            raise SourceError(
                path,
                number,
                "The line is neither `tag: value` nor a stanza head",
                "Check whether the file is cut or damaged",
            )
        if record is not None:
            _fill(record, path, number, tag, value.strip())
        elif in_header and tag == "data-version":
            content.release = release_of(value.strip())
    finish()
    if count == 0:
        raise SourceError(path, None, "The OBO file has no [Term] stanza", "Give the full ontology file")
    content.drops.refuse_mostly_bad(path, count)
    content.redirects = resolve_chains(content.redirects)
    return content


def _fill(record: OboRecord, path: Path, number: int, tag: str, value: str) -> None:
    if tag == "id":
        record.id = _plain(value)
    elif tag == "name":
        record.name = _unescape(value)
    elif tag == "is_obsolete":
        record.obsolete = _plain(value) == "true"
    elif tag == "alt_id":
        record.alternative_ids.append(_plain(value))
    elif tag == "replaced_by":
        record.replaced_by.append(_plain(value))
    elif tag == "consider":
        record.consider.append(_plain(value))
    elif tag == "is_a":
        record.parents.append(_plain(value))
    elif tag == "xref":
        record.xrefs.append(_XREF_END.split(value, maxsplit=1)[0])
    elif tag == "synonym" or tag in _OLD_SCOPES:
        match = _SYNONYM.match(value)
        if match is None:
            raise SourceError(path, number, "The synonym has no closed quotes", _SYNONYM_REMEDY)
        record.synonyms.append((_unescape(match[1]).strip(), _OLD_SCOPES.get(tag) or match[2] or "RELATED", match[3]))


def _plain(value: str) -> str:
    """An identifier or flag without its trailing comment or modifiers."""
    return re.split(r"\s+[!{]", value, maxsplit=1)[0].strip()


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": " ", "W": " ", "t": " "}.get(match[1], match[1]), value)
