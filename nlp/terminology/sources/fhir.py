"""FHIR R4 ValueSet and CodeSystem resources, alone or in a Bundle.

A ValueSet gives the concepts it lists (`compose.include.concept`) and those of its expansion, nested ones included,
less `compose.exclude`; a CodeSystem its concepts with their designations, and its is-a: nested concepts (unless
`hierarchyMeaning` says something else) and the properties `parent`, `child` and `subsumedBy`. Inactive concepts and
designations in languages other than English are left out and counted. Nesting in an expansion is for display and says
nothing of the meaning (R4, ValueSet.expansion.contains.contains), so it gives no is-a.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from ..retired import RetiredCode
from ..semantic_tags import split_tag
from ..source_term import NotATerminologyError, SourceError, SourceTerm, TermKind
from ..systems import canonical_system, code_fault, tidy_code
from .content import SourceContent
from .fhir_pages import ExpansionPage

Json = dict[str, Any]
_REMEDY = "Give a FHIR R4 ValueSet or CodeSystem resource as JSON"
_ABBREVIATION_USES = frozenset({"abbreviation", "acronym"})


def is_fhir(document: object) -> bool:
    """Whether a JSON document is a FHIR resource."""
    return isinstance(document, dict) and "resourceType" in document


def read_fhir(path: Path, document: Json) -> SourceContent:
    """Read a parsed FHIR resource.

    Raises:
        SourceError: a ValueSet that is defined by rules only, a CodeSystem without its content, concepts without code
        or system,
            or more than half of the concepts faulty.
        NotATerminologyError: another resource type.
    """
    content = SourceContent(path.name)
    kind = document.get("resourceType")
    reader = _Reader(path, content)
    if kind == "Bundle":
        for entry in _dicts(document.get("entry")):
            resource = entry.get("resource")
            if isinstance(resource, dict):
                reader.read(resource)
    elif not reader.read(document):
        raise NotATerminologyError(path, None, f"FHIR resource type {str(kind)[:30]} holds no terms", _REMEDY)
    if reader.resources == 0:
        raise NotATerminologyError(path, None, "The Bundle holds no ValueSet and no CodeSystem", _REMEDY)
    content.drops.refuse_mostly_bad(path, reader.rows)
    return content


class _Reader:
    def __init__(self, path: Path, content: SourceContent) -> None:
        self.path = path
        self.content = content
        self.rows = 0
        self.resources = 0

    def read(self, resource: Json) -> bool:
        readers = {"ValueSet": self._value_set, "CodeSystem": self._code_system}
        reader = readers.get(str(resource.get("resourceType")))
        if reader is None:
            return False
        self.resources += 1
        version = resource.get("version")
        if self.content.release is None and isinstance(version, str):
            self.content.release = version
        reader(resource)
        return True

    def _value_set(self, resource: Json) -> None:
        compose = resource.get("compose")
        compose = compose if isinstance(compose, dict) else {}
        excluded = {
            (_system(group), str(concept.get("code", "")).strip())
            for group in _dicts(compose.get("exclude"))
            for concept in _dicts(group.get("concept"))
        }
        before = self.rows
        for group in _dicts(compose.get("include")):
            system = _system(group)
            for concept in _dicts(group.get("concept")):
                self._concept(system, concept, excluded)
        expansion = resource.get("expansion")
        if isinstance(expansion, dict):
            self._page(resource, expansion)
            for concept in _nested(expansion.get("contains"), "contains"):
                if "code" not in concept:
                    continue  # a heading that only groups others
                if concept.get("abstract") is True:
                    self.content.drops.leave_out("abstract", self._place(concept))
                    continue
                self._concept(_system(concept), concept, excluded)
        by_rule = any("concept" not in group for group in _dicts(compose.get("include")))
        if self.rows == before and not isinstance(expansion, dict) and (by_rule or "include" not in compose):
            raise SourceError(
                self.path,
                None,
                "The ValueSet lists no codes",
                "Expand it on a terminology server first (ValueSet/$expand) and give the expanded resource",
            )

    def _code_system(self, resource: Json) -> None:
        url = resource.get("url")
        if not isinstance(url, str) or not url.strip():
            raise SourceError(
                self.path, None, "The CodeSystem has no url", "Add the url, it names the system of the codes"
            )
        if resource.get("content") == "not-present" or not _dicts(resource.get("concept")):
            raise SourceError(
                self.path, None, "The CodeSystem has no concepts in it", "Give one whose content is complete"
            )
        system = _named(url)
        for concept in _nested(resource.get("concept"), "concept"):
            self._concept(system, concept, set())
        meaning = str(resource.get("hierarchyMeaning") or "is-a")
        nested = meaning == "is-a"
        if not nested and any(_dicts(concept.get("concept")) for concept in _dicts(resource.get("concept"))):
            self.content.notices.append(
                f"{self.path.name}: the nesting of concepts means {meaning[:20]}, so it gives no is-a"
            )
        edges = dict.fromkeys(_edges(resource.get("concept"), nested))
        if edges:
            tidied = [(tidy_code(system, child), tidy_code(system, parent)) for child, parent in edges]
            self.content.isa.setdefault(system, []).extend(tidied)

    def _page(self, resource: Json, expansion: Json) -> None:
        total, offset = expansion.get("total"), expansion.get("offset")
        if not isinstance(total, int) and not isinstance(offset, int):
            return
        codes = tuple(
            (str(concept.get("system") or ""), str(concept["code"]).strip())
            for concept in _nested(expansion.get("contains"), "contains")
            if "code" in concept
        )
        named = resource.get("url") or expansion.get("identifier") or resource.get("id") or self.path.name
        key = f"{named}|{resource.get('version') or ''}"
        start = offset if isinstance(offset, int) else 0
        self.content.pages.append(
            ExpansionPage(key, self.path.name, start, codes, total if isinstance(total, int) else None)
        )

    def _concept(self, system: str, concept: Json, excluded: set[tuple[str, str]]) -> None:
        self.rows += 1
        place = self._place(concept)
        drops = self.content.drops
        code = tidy_code(system, str(concept.get("code") or ""))
        fault = code_fault(system, code) if system else "empty_system"
        if fault:
            drops.reject(fault, place)
            return
        if (system, code) in excluded:
            drops.leave_out("excluded", place)
            return
        if _is_inactive(concept):
            drops.leave_out("inactive", place)
            old = concept.get("display")
            name = split_tag(old.strip())[0] if isinstance(old, str) else ""
            self.content.retired[(system, code)] = RetiredCode(name, "inactive")
            return
        display = concept.get("display")
        preferred, tag = split_tag(display.strip()) if isinstance(display, str) else ("", None)
        names: dict[str, TermKind] = {preferred: "preferred"} if preferred else {}
        for designation in _dicts(concept.get("designation")):
            language = str(designation.get("language") or "en")
            if not language.lower().startswith("en"):
                drops.leave_out("other_language", place)
                continue
            value = designation.get("value")
            if not isinstance(value, str) or not value.strip():
                continue
            name, its_tag = split_tag(value.strip())
            tag = tag or its_tag
            names.setdefault(name, _designation_kind(designation))
        if not names:
            drops.reject("empty_term", place)
            return
        preferred = preferred or next(iter(names))
        for name, kind in names.items():
            its_kind = "preferred" if name == preferred else kind
            self.content.terms.append(SourceTerm(code, system, name, preferred, its_kind, False, tag, place))

    def _place(self, concept: Json) -> str:
        return f"{self.path.name}#{str(concept.get('code', '?'))[:30]}"


def _system(group: Json) -> str:
    system = group.get("system")
    return _named(system) if isinstance(system, str) else ""


def _named(url: str) -> str:
    """The vocabulary name; for a url that is no known one its last part, which a table can carry."""
    system = canonical_system(url)
    return (urlparse(url).path.rstrip("/").rpartition("/")[2] or system) if "/" in system else system


def _dicts(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _nested(roots: object, child: str) -> Iterator[Json]:
    """Depth first, parents before children, without recursion: expansions may be deep."""
    stack = _dicts(roots)[::-1]
    while stack:
        concept = stack.pop()
        yield concept
        stack.extend(_dicts(concept.get(child))[::-1])


def _edges(roots: object, nested: bool) -> Iterator[tuple[str, str]]:
    """(child, parent) of a code system, from nesting (where it means is-a) and from properties."""
    for concept in _nested(roots, "concept"):
        code = str(concept.get("code") or "").strip()
        if not code:
            continue
        if nested:
            for child in _dicts(concept.get("concept")):
                if child.get("code"):
                    yield str(child["code"]).strip(), code
        for property_ in _dicts(concept.get("property")):
            kind = property_.get("code")
            if kind not in ("parent", "child", "subsumedBy"):
                continue
            coding = property_.get("valueCoding")
            value = property_.get("valueCode") or (coding.get("code") if isinstance(coding, dict) else None)
            if value:
                yield (str(value).strip(), code) if kind == "child" else (code, str(value).strip())


def _is_inactive(concept: Json) -> bool:
    if concept.get("inactive") is True:
        return True
    for item in _dicts(concept.get("property")):
        name = item.get("code")
        if name == "inactive" and item.get("valueBoolean") is True:
            return True
        if name == "status" and str(item.get("valueCode") or item.get("valueString")).lower() in (
            "retired",
            "deprecated",
            "inactive",
        ):
            return True
    return False


def _designation_kind(designation: Json) -> TermKind:
    use = designation.get("use")
    use = use if isinstance(use, dict) else {}
    words = f"{use.get('code', '')} {use.get('display', '')}".lower().split()
    if _ABBREVIATION_USES.intersection(words):
        return "abbreviation"
    return (
        "lay" if any(word in ("lay", "consumer", "consumer_name", "patient-friendly") for word in words) else "synonym"
    )
