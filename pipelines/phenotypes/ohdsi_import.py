"""OHDSI cohort definitions (the JSON of Atlas and Circe) -> phenotype definitions.

Everything is either translated, or named with its place in the JSON. A construct that changes who enters the cohort, or
when, is a loss: without leave to lose it the import is refused. What only decides when somebody leaves again (end
strategy, censoring) is told as a notice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import RunError
from .ohdsi_criteria import Loss, concept_set_name, correlated, criterion_leaf, demographic_leaf, occurrence, window

_REMEDY = "export it from Atlas again (Cohort Definitions > Export > JSON)"
_KNOWN = {
    "ConceptSets", "PrimaryCriteria", "AdditionalCriteria", "QualifiedLimit", "ExpressionLimit", "InclusionRules",
    "EndStrategy", "CensoringCriteria", "CollapseSettings", "CensorWindow", "cdmVersionRange", "Title",
}  # fmt: skip


@dataclass(slots=True)
class Import:
    """What became of a cohort definition: the document (None where nothing is left), losses and notices."""

    document: dict[str, Any] | None = None
    losses: list[Loss] = field(default_factory=list)
    notices: list[Loss] = field(default_factory=list)


def read_cohort_json(path: Path) -> dict[str, Any]:
    """The expression in a file. Raises RunError for what is no cohort definition."""
    if not path.is_file():
        raise RunError("no such file", where=str(path), remedy=_REMEDY)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise RunError("the file is no JSON", where=str(path), remedy=_REMEDY) from None
    if isinstance(content, dict) and isinstance(content.get("expression"), dict):
        content = content["expression"]
    if not isinstance(content, dict) or not isinstance(content.get("PrimaryCriteria"), dict):
        raise RunError("no cohort definition (no PrimaryCriteria)", where=str(path), remedy=_REMEDY)
    return content


def import_cohort(
    path: Path, *, sources: tuple[str, ...] = ("claims", "ehr"), phenotype_id: str | None = None
) -> Import:
    """Translate one cohort definition; the caller decides whether the losses are acceptable.

    Raises RunError for a file that is no cohort definition.
    """
    content = read_cohort_json(path)
    try:
        return _Importer(path, content, sources, phenotype_id).run()
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise RunError(
            f"the cohort definition is not of the known shape ({type(error).__name__})", where=str(path), remedy=_REMEDY
        ) from None


class _Importer:
    def __init__(self, path: Path, content: dict[str, Any], sources: tuple[str, ...], phenotype_id: str | None) -> None:
        self.path, self.content, self.sources, self.phenotype_id = path, content, sources, phenotype_id
        self.result = Import()
        self.defined: list[dict[str, Any]] = []
        self.sets: dict[int, str] = {}
        self.concept_sets: dict[str, Any] = {}

    def lose(self, place: str, construct: str, effect: str) -> None:
        self.result.losses.append(Loss(place, construct, effect))

    def notice(self, place: str, construct: str, effect: str) -> None:
        self.result.notices.append(Loss(place, construct, effect))

    def run(self) -> Import:
        content = self.content
        for key in sorted(set(content) - _KNOWN):
            if content[key] not in (None, {}, []):
                self.lose(f"$.{key}", key, "is not known")
        for one in content.get("ConceptSets") or ():
            name = concept_set_name(one)
            self.sets[one["id"]] = name
            self.concept_sets[name] = {"ohdsi": {"items": one["expression"]["items"]}, "comment": str(one["name"])}
        primary = content["PrimaryCriteria"]
        names = self._primary(primary.get("CriteriaList") or [])
        if not names:
            self.lose(
                "$.PrimaryCriteria.CriteriaList", "PrimaryCriteria", "nothing is left that could start the cohort"
            )
            return self.result
        parts: list[dict[str, Any]] = [{"any": self.entries}] if len(self.entries) > 1 else list(self.entries)
        if content.get("AdditionalCriteria"):
            parts += self._group(content["AdditionalCriteria"], "$.AdditionalCriteria")
        for number, rule in enumerate(content.get("InclusionRules") or ()):
            group = self._group(rule["expression"], f"$.InclusionRules[{number}].expression")
            if group and rule.get("name"):
                group[0]["comment"] = str(rule["name"])
            parts += group
        index = self._index(primary, names)
        self._ending()
        observed = primary.get("ObservationWindow") or {}
        self.result.document = self._document(index, parts, observed)
        return self.result

    def _document(self, index: dict[str, Any], parts: list[dict[str, Any]], observed: dict[str, Any]) -> dict[str, Any]:
        stem = self.path.name.removesuffix(".json")
        slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
        losses = "".join(f"; {loss}" for loss in self.result.losses)
        document: dict[str, Any] = {
            "schema_version": "1.0",
            "id": self.phenotype_id or (slug if slug[:1].isalpha() else f"ohdsi_{slug}"),
            "name": str(self.content.get("Title") or f"OHDSI cohort {stem}"),
            "version": "1.0",
            "description": f"Imported from the OHDSI cohort definition {self.path.name}",
            "rationale": "As in the imported definition" + (f". Not imported: {losses[2:]}" if losses else ""),
            "sources": [f"OHDSI cohort definition {self.path.name}"],
            "author": "imported",
            "status": "unvalidated",
            "concept_sets": self.concept_sets,
            "index": index,
            "observation": {
                "look_back_days": observed.get("PriorDays") or 0,
                "look_ahead_days": observed.get("PostDays") or 0,
                "candidates": True,
            },
            "criteria": parts[0] if len(parts) == 1 else {"all": parts},
        }
        if self.defined:
            document["define"] = self.defined
        return document

    def _primary(self, listed: list[dict[str, Any]]) -> list[str]:
        self.entries: list[dict[str, Any]] = []
        names: list[str] = []
        for number, criteria in enumerate(listed):
            place = f"$.PrimaryCriteria.CriteriaList[{number}]"
            leaf = self._leaf(criteria, place)
            if leaf is not None:
                name = f"entry_{number + 1}"
                names.append(name)
                self.entries.append({"name": name, **leaf})
        return names

    def _leaf(self, criteria: dict[str, Any], place: str) -> dict[str, Any] | None:
        """A leaf without its occurrence, None where it cannot be told at all."""
        ((kind, body),) = criteria.items()
        place = f"{place}.{kind}"
        found = criterion_leaf(kind, body or {}, place, self.sets, self.lose)
        if found is None:
            return None
        leaf = {**found, "source": list(self.sources)}
        if (body or {}).get("CorrelatedCriteria"):
            correlated(body["CorrelatedCriteria"], f"{place}.CorrelatedCriteria", leaf, self._nested, self.lose)
        return leaf

    def _nested(self, criteria: dict[str, Any], place: str) -> str | None:
        """Name of a leaf that is only referred to."""
        leaf = self._leaf(criteria, place)
        if leaf is None:
            return None
        name = f"nested_{len(self.defined) + 1}"
        self.defined.append({"name": name, **leaf})
        return name

    def _group(self, group: dict[str, Any], place: str) -> list[dict[str, Any]]:
        """A group as one criterion, [] if nothing is in it."""
        parts: list[dict[str, Any]] = []
        given = 0
        for number, entry in enumerate(group.get("CriteriaList") or ()):
            given += 1
            at = f"{place}.CriteriaList[{number}]"
            leaf = self._leaf(entry["Criteria"], f"{at}.Criteria")
            if leaf is None:
                continue
            days = window(entry, at, self.lose)
            if days != [None, None]:
                leaf["within"] = {"days": days}
            if not entry.get("IgnoreObservationPeriod"):
                leaf["same_observation"] = True
            counted = occurrence(entry.get("Occurrence") or {"Type": 2, "Count": 1}, leaf, at, self.lose)
            if counted is not None:
                parts.append(counted)
        for number, entry in enumerate(group.get("DemographicCriteriaList") or ()):
            given += 1
            leaf = demographic_leaf(entry, f"{place}.DemographicCriteriaList[{number}]", self.lose)
            if leaf is not None:
                parts.append(leaf)
        for number, inner in enumerate(group.get("Groups") or ()):
            given += 1
            parts += self._group(inner, f"{place}.Groups[{number}]")
        if not parts:
            return []
        kind, n = str(group.get("Type", "ALL")).upper(), group.get("Count") or 0
        if kind in ("ALL", "ANY"):
            return parts if len(parts) == 1 else [{kind.lower(): parts}]
        if kind == "AT_LEAST" and n >= 1:
            if len(parts) < given or n > len(parts):
                self.lose(place, "AT_LEAST", f"{n} of {given} became {min(n, len(parts))} of {len(parts)}")
            return [{"at_least": {"n": min(n, len(parts)), "of": parts}}]
        if kind == "AT_MOST":
            return [{"not": {"at_least": {"n": n + 1, "of": parts}}}] if n < len(parts) else []
        if kind != "AT_LEAST":
            self.lose(f"{place}.Type", f"group {kind}", "the group is left out")
        return []

    def _index(self, primary: dict[str, Any], names: list[str]) -> dict[str, Any]:
        def limit(holder: dict[str, Any], key: str) -> str:
            kind = str((holder.get(key) or {}).get("Type") or "All").lower()
            if kind not in ("all", "first", "last"):
                self.lose(f"$.{key}.Type", key, f"the limit {kind} is not known; all is taken")
                return "all"
            return kind

        content = self.content
        primary_limit = limit(primary, "PrimaryCriteriaLimit")
        # Circe looks at the qualified limit only where there are additional criteria
        qualified = limit(content, "QualifiedLimit") if content.get("AdditionalCriteria") else "all"
        expression = limit(content, "ExpressionLimit")
        if primary_limit != "all":
            return {"rule": primary_limit, "of": names, "among": "events"}
        if qualified != "all":
            if content.get("InclusionRules"):
                self.lose("$.QualifiedLimit", "QualifiedLimit with InclusionRules", "the day is chosen after all rules")
            return {"rule": qualified, "of": names, "among": "holding"}
        if expression != "all":
            return {"rule": expression, "of": names, "among": "holding"}
        return self._every_entry(names)

    def _every_entry(self, names: list[str]) -> dict[str, Any]:
        """Several entries a patient: those that overlap are one, so it matters here how long one lasts."""
        pad = (self.content.get("CollapseSettings") or {}).get("EraPad") or 0
        strategy = self.content.get("EndStrategy")
        if not strategy:
            self.lose(
                "$.EndStrategy",
                "no EndStrategy with ExpressionLimit All",
                "a second observation period gives no second entry",
            )
            return {"rule": "first", "of": names, "among": "holding"}
        offset = strategy.get("DateOffset")
        if offset is None:
            construct = next(iter(strategy))
            self.lose(
                f"$.EndStrategy.{construct}",
                f"{construct} with ExpressionLimit All",
                f"entries more than {pad} days apart count anew",
            )
            return {"rule": "all", "of": names, "gap_days": pad}
        gap = (offset.get("Offset") or 0) + pad
        if offset.get("DateField") != "StartDate":
            self.lose(
                "$.EndStrategy.DateOffset.DateField",
                "DateOffset from EndDate with ExpressionLimit All",
                f"the end of an event is not known: entries more than {gap} days apart count anew",
            )
        return {"rule": "all", "of": names, "gap_days": gap}

    def _ending(self) -> None:
        """What decides only when somebody leaves."""
        content = self.content
        if content.get("EndStrategy") and not any("$.EndStrategy" in loss.place for loss in self.result.losses):
            self.notice("$.EndStrategy", next(iter(content["EndStrategy"])), "the end of the cohort is not computed")
        for number, _ in enumerate(content.get("CensoringCriteria") or ()):
            self.notice(f"$.CensoringCriteria[{number}]", "CensoringCriteria", "the end of the cohort is not computed")
        if content.get("CensorWindow"):
            self.lose("$.CensorWindow", "CensorWindow", "entries outside the window are not cut off")
