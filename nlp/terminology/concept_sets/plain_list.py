"""Plain lists: one code a line, with a name or a comment after it if wanted."""

from __future__ import annotations

import re
from pathlib import Path

from ..source_term import SourceError
from ..systems import canonical_system, tidy_code
from .code_system import system_of_code
from .concept_set import ConceptSet, ConceptSetItem

_COMMENT = re.compile(r"(?:^|\s)(?:#|//).*$")
_LINE = re.compile(r"(?P<code>\S+?)[,;]?(?:\s+(?P<name>.*))?")
# `ICD10CM/E11.9`, as in event codes. OBO codes have their system before a colon and are recognised as they are.
_PREFIXED = re.compile(r"(?P<system>[A-Za-z][A-Za-z0-9 _+-]*)[/](?P<code>\S+)")


def read_plain_list(path: Path, text: str, system: str | None, name: str) -> ConceptSet:
    """A list of codes; `#` and `//` begin comments, a code may be written `SYSTEM/CODE`.

    Raises:
        SourceError: a line whose code looks like one of no known system, where `system` is not given.
    """
    items: list[ConceptSetItem] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", raw).strip()
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        code = match["code"].strip("\"'|")
        prefixed = _PREFIXED.fullmatch(code)
        if prefixed:
            own, code = canonical_system(prefixed["system"]), prefixed["code"]
        elif system:
            own = canonical_system(system)
        else:
            own = system_of_code(code) or ""
        if not own:
            raise SourceError(
                path,
                number,
                "The line does not begin with a code of a system that can be told by its looks",
                "Write one code a line, name the system with --system, or write SYSTEM/CODE",
            )
        label = (match["name"] or "").strip().strip("|\"'").strip()
        items.append(ConceptSetItem(own, tidy_code(own, code), name=label, origin=f"{path.name}:{number}"))
    return ConceptSet(name, tuple(items), origin=path.name)
