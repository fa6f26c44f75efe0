"""One criterion of an OHDSI cohort definition -> one leaf: its attributes, window and count."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Lose = Callable[[str, str, str], None]
# Circe's criteria that are about coded events of a patient.
KINDS = {
    "ConditionOccurrence": "Condition",
    "DrugExposure": "Drug",
    "ProcedureOccurrence": "Procedure",
    "Measurement": "Measurement",
    "Observation": "Observation",
    "VisitOccurrence": "Visit",
    "DeviceExposure": "Device",
}
_HANDLED = {
    "CodesetId", "First", "OccurrenceStartDate", "Age", "Gender", "ValueAsNumber", "Unit", "CorrelatedCriteria",
}  # fmt: skip
_GENDER = {8532: "female", 8507: "male"}


@dataclass(frozen=True, slots=True)
class Loss:
    """A construct that is not translated: where it stands, its name, and what follows from that.

    >>> str(Loss("$.CensorWindow", "CensorWindow", "entries are not cut off"))
    '$.CensorWindow (CensorWindow): entries are not cut off'
    """

    place: str
    construct: str
    effect: str

    def __str__(self) -> str:
        return f"{self.place} ({self.construct}): {self.effect}"


def concept_set_name(concept_set: dict[str, Any]) -> str:
    """Name of a set in the definition.

    >>> concept_set_name({"id": 3, "name": "[P] Heart failure!"})
    'set_3_p_heart_failure'
    """
    slug = re.sub(r"[^a-z0-9]+", "_", str(concept_set["name"]).lower()).strip("_")[:40].strip("_")
    return f"set_{concept_set['id']}" + (f"_{slug}" if slug else "")


def criterion_leaf(
    kind: str, body: dict[str, Any], place: str, sets: dict[int, str], lose: Lose
) -> dict[str, Any] | None:
    """Set, first-only, dates, age, sex and value of a criterion; None where its kind is not supported."""
    if kind not in KINDS:
        lose(place, kind, "the criterion is left out")
        return None
    leaf: dict[str, Any] = {}
    codeset = body.get("CodesetId")
    if codeset is None:
        leaf["domains"] = [KINDS[kind]]
    elif codeset not in sets:
        raise KeyError(codeset)
    else:
        leaf["concept_set"] = sets[codeset]
    for name, content in body.items():
        if name in _HANDLED or content in (None, [], {}, False):
            continue
        lose(f"{place}.{name}", f"{kind}.{name}", "the restriction is left out")
    if body.get("First"):
        leaf["first_only"] = True
    if body.get("OccurrenceStartDate"):
        dates = _dates(body["OccurrenceStartDate"], f"{place}.OccurrenceStartDate", lose)
        leaf |= {"dates": dates} if dates else {}
    leaf |= _person(body, place, lose)
    if body.get("ValueAsNumber"):
        value = _value(body["ValueAsNumber"], f"{place}.ValueAsNumber", lose)
        if value:
            units = [str(unit["CONCEPT_CODE"]) for unit in body.get("Unit") or () if unit.get("CONCEPT_CODE")]
            leaf["value"] = value | ({"unit": units} if units else {})
    elif body.get("Unit"):
        lose(f"{place}.Unit", f"{kind}.Unit without ValueAsNumber", "the restriction is left out")
    return leaf


def demographic_leaf(body: dict[str, Any], place: str, lose: Lose) -> dict[str, Any] | None:
    """Age and sex at the index time."""
    for name, content in body.items():
        if name not in ("Age", "Gender") and content not in (None, [], {}):
            lose(f"{place}.{name}", f"DemographicCriteria.{name}", "the restriction is left out")
    return _person(body, place, lose) or None


def window(entry: dict[str, Any], place: str, lose: Lose) -> list[int | None]:
    """First and last day from the index day; also says what of a window is not supported."""
    if entry.get("RestrictVisit"):
        lose(f"{place}.RestrictVisit", "RestrictVisit", "events of other visits count too")
    if entry.get("EndWindow"):
        lose(f"{place}.EndWindow", "EndWindow", "the end of an event is not known; the window is left out")
    given = entry.get("StartWindow")
    if not given:
        return [None, None]
    for name in ("UseIndexEnd", "UseEventEnd"):
        if given.get(name):
            lose(f"{place}.StartWindow.{name}", name, "the end of an event is not known; its start is taken")
    days: list[int | None] = []
    for end, open_way in (("Start", -1), ("End", 1)):
        bound = given.get(end) or {}
        if bound.get("Days") is None:
            if bound.get("Coeff", open_way) != open_way:
                lose(f"{place}.StartWindow.{end}", "window that is empty", "the bound is left out")
            days.append(None)
        else:
            days.append(bound["Days"] * bound["Coeff"])
    first, last = days
    if first is not None and last is not None and first > last:
        lose(f"{place}.StartWindow", "window that is empty", "the window is left out")
        return [None, None]
    return days


def occurrence(given: dict[str, Any], leaf: dict[str, Any], place: str, lose: Lose) -> dict[str, Any] | None:
    """The leaf with its count: at least, at most or exactly n; None where any number will do."""
    kind, count = given.get("Type"), given.get("Count", 1)
    key = "min_count"
    if given.get("IsDistinct"):
        column = given.get("CountColumn") or "DOMAIN_CONCEPT"
        if column == "START_DATE":
            key = "min_distinct_days"
        elif count > 1 or kind != 2:
            lose(f"{place}.Occurrence.CountColumn", f"distinct {column}", "events are counted")

    def at_least(n: int) -> dict[str, Any]:
        return leaf | ({key: n} if n > 1 else {})

    if kind == 2:
        return at_least(count) if count > 0 else None
    if kind == 1 or (kind == 0 and count == 0):
        return {"not": at_least(count + 1)}
    if kind == 0:
        return {"all": [at_least(count), {"not": at_least(count + 1)}]}
    lose(f"{place}.Occurrence.Type", f"occurrence {kind}", "the criterion is left out")
    return None


def correlated(
    group: dict[str, Any],
    place: str,
    leaf: dict[str, Any],
    nested: Callable[[dict[str, Any], str], str | None],
    lose: Lose,
) -> None:
    """Criteria around each event of a criterion become windows of its leaf."""
    listed = group.get("CriteriaList") or []
    others = len(group.get("DemographicCriteriaList") or ()) + len(group.get("Groups") or ())
    kind = str(group.get("Type", "ALL")).upper()
    if not listed and not others:
        return
    if others or (kind != "ALL" and not (kind == "ANY" and len(listed) == 1)):
        lose(place, f"CorrelatedCriteria {kind} of several or with groups", "the restriction is left out")
        return
    for number, entry in enumerate(listed):
        at = f"{place}.CriteriaList[{number}]"
        count = entry.get("Occurrence") or {"Type": 2, "Count": 1}
        some, none = (count["Type"] == 2 and count["Count"] == 1), (count["Type"] in (0, 1) and count["Count"] == 0)
        if not some and not none:
            lose(f"{at}.Occurrence", "CorrelatedCriteria with a count", "the restriction is left out")
            continue
        if not entry.get("IgnoreObservationPeriod"):
            lose(
                f"{at}.IgnoreObservationPeriod",
                "CorrelatedCriteria in the same observation period",
                "events of other observation periods count too",
            )
        name = nested(entry["Criteria"], f"{at}.Criteria")
        if name is None:
            continue
        first, last = window(entry, at, lose)
        # days of the nested event from this one, turned round
        days = [None if last is None else -last, None if first is None else -first]
        leaf.setdefault("within" if some else "without", []).append({"days": days, "of": name})


def _person(body: dict[str, Any], place: str, lose: Lose) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if body.get("Age"):
        span = _whole_range(body["Age"])
        if span is None:
            lose(f"{place}.Age", f"Age {body['Age'].get('Op')}", "the restriction is left out")
        else:
            found["age"] = {key: max(n, 0) for key, n in zip(("min", "max"), span, strict=True) if n is not None}
    if body.get("Gender"):
        named = {_GENDER.get(one.get("CONCEPT_ID")) for one in body["Gender"]}
        if named == {"female"} or named == {"male"}:
            found["sex"] = named.pop()
        elif named != {"female", "male"}:
            lose(f"{place}.Gender", "Gender", "the restriction is left out")
    return found


def _whole_range(test: dict[str, Any]) -> tuple[int | None, int | None] | None:
    low, op = int(test["Value"]), test.get("Op")
    spans: dict[Any, tuple[int | None, int | None]] = {
        "lt": (None, low - 1), "lte": (None, low), "eq": (low, low), "gt": (low + 1, None), "gte": (low, None),
    }  # fmt: skip
    if op == "bt":
        return low, int(test["Extent"])
    return spans.get(op)


def _value(test: dict[str, Any], place: str, lose: Lose) -> dict[str, Any] | None:
    signs = {"lt": "<", "lte": "<=", "eq": "=", "gt": ">", "gte": ">="}
    if test.get("Op") == "bt":
        return {"range": [test["Value"], test["Extent"]]}
    if test.get("Op") in signs:
        return {"op": signs[test["Op"]], "number": test["Value"]}
    lose(place, f"ValueAsNumber {test.get('Op')}", "the restriction is left out")
    return None


def _dates(test: dict[str, Any], place: str, lose: Lose) -> dict[str, str]:
    day, one = date.fromisoformat(test["Value"][:10]), timedelta(days=1)
    match test.get("Op"):
        case "gt":
            return {"from": str(day + one)}
        case "gte":
            return {"from": str(day)}
        case "lt":
            return {"to": str(day - one)}
        case "lte":
            return {"to": str(day)}
        case "eq":
            return {"from": str(day), "to": str(day)}
        case "bt":
            return {"from": str(day), "to": test["Extent"][:10]}
        case other:
            lose(place, f"OccurrenceStartDate {other}", "the restriction is left out")
            return {}
