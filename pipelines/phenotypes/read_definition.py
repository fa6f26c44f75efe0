"""From a checked document to a `Definition`: names resolved, short forms written out, contradictions refused."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from ..errors import RunError
from .definition import (
    INDEX,
    SOURCES,
    Choice,
    Criterion,
    Definition,
    Group,
    IndexRule,
    Leaf,
    Observation,
    ValueTest,
    Window,
)
from .document import check_document, definition_hash, read_document

_REVIEW = ("date", "site", "n", "ppv", "ppv_ci", "sensitivity", "sensitivity_ci", "approvers")
_OPEN = {"<": (False, False), "<=": (False, True), ">": (True, False), ">=": (True, True)}


def read_definition(path: Path) -> Definition:
    """Read a definition file. Raises RunError with file, place and remedy."""
    return build_definition(read_document(path), str(path), path.parent)


def build_definition(document: dict[str, Any], where: str, folder: Path) -> Definition:
    """A definition from a parsed document; checks the schema again, so that any document may be given."""
    check_document(document, where)
    return _Reader(document, where, folder).definition()


class _Reader:
    def __init__(self, document: dict[str, Any], where: str, folder: Path) -> None:
        self.document, self.where, self.folder = document, where, folder
        self.names: dict[str, str] = {}

    def fail(self, place: str, problem: str, remedy: str) -> RunError:
        return RunError(problem, where=f"{self.where}, {place}", remedy=remedy)

    def definition(self) -> Definition:
        document = self.document
        defined = tuple(
            self._defined(entry, f"define/{number}", f"define/{number + 1}")
            for number, entry in enumerate(document.get("define", ()))
        )
        inclusion = self._node(document["criteria"], "criteria", "inclusion")
        exclusion = None
        if "exclusion" in document:
            exclusion = self._node(document["exclusion"], "exclusion", "exclusion")
        sha256 = definition_hash(document, self._files())
        self._review(sha256)
        observation = document.get("observation")
        read = Definition(
            phenotype_id=document["id"],
            name=document["name"],
            version=document["version"],
            status=document["status"],
            sha256=sha256,
            index=self._index(),
            inclusion=inclusion,
            exclusion=exclusion,
            observation=None if observation is None else Observation(
                observation.get("look_back_days", 0),
                observation.get("look_ahead_days", 0),
                observation.get("unknown", "exclude") == "keep",
                observation.get("candidates", False),
            ),
            document=document,
            folder=self.folder,
            where=self.where,
            defined=defined,
        )  # fmt: skip
        self._check_references(read)
        return read

    def _files(self) -> dict[str, str]:
        """sha256 of the files that concept sets name."""
        hashes: dict[str, str] = {}
        for name, entry in self.document["concept_sets"].items():
            named = entry.get("file") or entry.get("ohdsi")
            if isinstance(named, str):
                path = self.folder / named
                if not path.is_file():
                    raise self.fail(
                        f"concept_sets/{name}", f"no file {named}", "give a path from the definition's own folder"
                    )
                hashes[named] = hashlib.sha256(path.read_bytes()).hexdigest()
        return hashes

    def _review(self, sha256: str) -> None:
        review = self.document.get("review") or {}
        missing = [key for key in _REVIEW if key not in review]
        if self.document["status"] == "validated" and missing:
            raise self.fail(
                "review",
                f"the status is validated, but the review has no {', '.join(missing)}",
                "record the chart review in full, or set status: unvalidated",
            )
        for measure in ("ppv", "sensitivity"):
            low, high = review.get(f"{measure}_ci") or (0, 1)
            if not low <= review.get(measure, low) <= high:
                raise self.fail(f"review/{measure}_ci", "does not contain the estimate", "give it as [low, high]")
        people = [name.casefold().strip() for name in review.get("approvers", ())]
        if len(set(people)) < len(people):
            raise self.fail("review/approvers", "names one person twice", "name two different people")
        if "date" in review:
            self._date(review["date"], "review/date")
        if review.get("definition_sha256", sha256) != sha256:
            raise self.fail(
                "review/definition_sha256",
                f"the definition was changed after its review (it is {sha256} now)",
                "review it again, or set status: unvalidated and take the review out",
            )

    def _index(self) -> IndexRule:
        entry = self.document["index"]
        rule, of = entry["rule"], _many(entry.get("of", ()))
        if rule == "tree":
            extra = sorted(set(entry) - {"rule"})
            if extra:
                raise self.fail("index", f"rule tree takes no {', '.join(extra)}", "take it out")
        elif not of:
            raise self.fail("index", f"rule {rule} has no `of`", "name the criterion whose facts give the index day")
        if (rule == "nth") != ("n" in entry):
            raise self.fail("index", "n and rule nth belong together", "give both or neither")
        if "gap_days" in entry and rule != "all":
            raise self.fail("index", f"gap_days has no meaning with rule {rule}", "take it out, or use rule: all")
        among = "holding" if rule in ("all", "tree") else entry.get("among", "events")
        return IndexRule(rule, of, entry.get("n", 1), among, entry.get("gap_days"))

    def _node(self, entry: dict[str, Any], place: str, path: str) -> Criterion:
        name = entry.get("name")
        if name is not None:
            if name == INDEX:
                raise self.fail(place, "no criterion may be called index", "give another name")
            if name in self.names:
                raise self.fail(place, f"the name {name} is also that of {self.names[name]}", "give another name")
            self.names[name] = place
        for kind in ("all", "any"):
            if kind in entry:
                return Group(path, kind, self._parts(entry[kind], f"{place}/{kind}", path), name)
        if "not" in entry:
            return Group(path, "not", (self._node(entry["not"], f"{place}/not", f"{path}/1"),), name)
        if "at_least" in entry:
            n, of = entry["at_least"]["n"], entry["at_least"]["of"]
            if n > len(of):
                raise self.fail(f"{place}/at_least", f"{n} of {len(of)} can never hold", "lower n")
            return Group(path, "at_least", self._parts(of, f"{place}/at_least/of", path), name, n)
        return self._leaf(entry, place, path, name)

    def _defined(self, entry: dict[str, Any], place: str, path: str) -> Leaf:
        leaf = self._node(entry, place, path)
        if not isinstance(leaf, Leaf) or leaf.name is None or leaf.of_person:
            raise self.fail(place, "is no named leaf with facts", "give it a name and a concept_set")
        return leaf

    def _parts(self, entries: list[dict[str, Any]], place: str, path: str) -> tuple[Criterion, ...]:
        return tuple(
            self._node(entry, f"{place}/{number}", f"{path}/{number + 1}") for number, entry in enumerate(entries)
        )

    def _leaf(self, entry: dict[str, Any], place: str, path: str, name: str | None) -> Leaf:
        sets = _many(entry.get("concept_set", ()))
        for wanted in sets:
            if wanted not in self.document["concept_sets"]:
                known = ", ".join(self.document["concept_sets"]) or "none"
                raise self.fail(f"{place}/concept_set", f"no concept set {wanted}", f"known are {known}")
        if not sets and "domains" not in entry:
            extra = sorted(set(entry) - {"name", "comment", "age", "sex"})
            if extra:
                raise self.fail(
                    place, f"a test of age or sex alone takes no {', '.join(extra)}", "add concept_set, or take it out"
                )
        age, dates = entry.get("age", {}), entry.get("dates", {})
        self._ordered(age.get("min"), age.get("max"), f"{place}/age")
        for end in dates.values():
            self._date(end, f"{place}/dates")
        self._ordered(dates.get("from"), dates.get("to"), f"{place}/dates")
        source = entry.get("source", "either")
        both = source == "both"
        sources = SOURCES if source in ("either", "both") else tuple(s for s in SOURCES if s in _many(source))
        sections, classes = _choice(entry.get("sections")), _choice(entry.get("note_classes"))
        if (sections or classes) and (both or "note" not in sources):
            raise self.fail(
                place, f"sections and note_classes need facts from notes, but source is {source}", "use source: note"
            )
        if sections or classes:
            sources = ("note",)
        return Leaf(
            path=path,
            name=name,
            concept_sets=sets,
            domains=tuple(entry.get("domains", ())),
            sources=sources,
            both=both,
            assertions=tuple(entry.get("assertions", ("present",))),
            min_count=entry.get("min_count", 1),
            min_distinct_days=entry.get("min_distinct_days", 1),
            windows=self._windows(entry, place),
            sections=sections,
            note_classes=classes,
            value=self._value(entry.get("value"), f"{place}/value"),
            min_age=age.get("min"),
            max_age=age.get("max"),
            sex=entry.get("sex"),
            first_date=dates.get("from"),
            last_date=dates.get("to"),
            first_only=entry.get("first_only", False),
            same_observation=entry.get("same_observation", False),
        )

    def _date(self, text: str, place: str) -> None:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise self.fail(place, "there is no such day", "write it as 2021-03-04") from None

    def _ordered(self, first: Any, last: Any, place: str) -> None:
        if first is not None and last is not None and first > last:
            raise self.fail(place, f"{first} lies above {last}", "give the smaller one first")

    def _windows(self, entry: dict[str, Any], place: str) -> tuple[Window, ...]:
        windows: list[Window] = []
        for key in ("within", "without"):
            given = entry.get(key, ())
            for window in [given] if isinstance(given, dict) else given:
                days = window["days"]
                first, last = (-days, days) if isinstance(days, int) else days
                self._ordered(first, last, f"{place}/{key}/days")
                windows.append(Window(first, last, window.get("of", INDEX), key == "without"))
                if key == "without" and windows[-1].of == INDEX:
                    raise self.fail(f"{place}/{key}", "needs `of` with the name of a criterion", "add it")
        for key in ("before", "after"):
            if key in entry:
                order = entry[key] if isinstance(entry[key], dict) else {"criterion": entry[key]}
                near, far = order.get("min_days", 1), order.get("days")
                self._ordered(near, far, f"{place}/{key}")
                span = (None if far is None else -far, -near) if key == "before" else (near, far)
                windows.append(Window(*span, order["criterion"]))
        return tuple(windows)

    def _value(self, entry: dict[str, Any] | None, place: str) -> ValueTest | None:
        if entry is None:
            return None
        units, accept = _many(entry.get("unit", ())), entry.get("unknown_unit") == "accept"
        if "range" in entry:
            low, high = entry["range"]
            self._ordered(low, high, f"{place}/range")
            return ValueTest(low, high, units=units, accept_unknown_unit=accept)
        op, number = entry["op"], entry["number"]
        if op == "=":
            return ValueTest(number, number, units=units, accept_unknown_unit=accept)
        lower, closed = _OPEN[op]
        if lower:
            return ValueTest(number, None, low_closed=closed, units=units, accept_unknown_unit=accept)
        return ValueTest(None, number, high_closed=closed, units=units, accept_unknown_unit=accept)

    def _check_references(self, read: Definition) -> None:
        leaves = read.by_name()
        for name in read.index.of:
            self._known(name, leaves, "index/of")
            if leaves[name].of_person:
                raise self.fail("index/of", f"{name} asks about the person and has no dates", "name another criterion")
        for leaf in read.leaves():
            for window in leaf.windows:
                if window.of != INDEX:
                    self._known(window.of, leaves, leaf.path)
                    if leaves[window.of].of_person:
                        raise self.fail(leaf.path, f"{window.of} asks about the person and has no dates", "change `of`")
        for leaf in read.leaves():
            self._no_cycle(leaf, leaves, ())
        for name in read.index.of:
            tied = [other for other in _closure(leaves[name], leaves) if other.anchored]
            if tied:
                raise self.fail(
                    "index/of",
                    f"{name} gives the index day, but {tied[0].name or tied[0].path} counts from it",
                    "give the window to another criterion",
                )

    def _known(self, name: str, leaves: dict[str, Leaf], place: str) -> None:
        if name not in leaves:
            known = ", ".join(sorted(leaves)) or "none"
            raise self.fail(
                place, f"no criterion with facts is called {name}", f"give a name to one; known are {known}"
            )

    def _no_cycle(self, leaf: Leaf, leaves: dict[str, Leaf], above: tuple[str, ...]) -> None:
        if leaf.path in above:
            raise self.fail(leaf.path, "its windows lead back to itself", "break the circle")
        for window in leaf.windows:
            if window.of != INDEX:
                self._no_cycle(leaves[window.of], leaves, (*above, leaf.path))


def _closure(leaf: Leaf, leaves: dict[str, Leaf]) -> list[Leaf]:
    """The leaf and every other one that its windows lead to."""
    found = [leaf]
    for window in leaf.windows:
        if window.of != INDEX:
            found += _closure(leaves[window.of], leaves)
    return found


def _many(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _choice(entry: dict[str, list[str]] | None) -> Choice:
    return Choice(tuple(entry.get("in", ())), tuple(entry.get("not_in", ()))) if entry else Choice()
