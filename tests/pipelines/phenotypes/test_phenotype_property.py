"""The compiled SQL against a plain evaluator in Python, on random definitions and facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phenotext.nlp.tables import EVENT, EVIDENCE, NOTE, OBSERVATION_PERIOD, PERSON
from phenotext.pipelines.phenotypes.compile import Options, compile_definition
from phenotext.pipelines.phenotypes.definition import Definition, Group, Leaf, Window
from phenotext.pipelines.phenotypes.read_definition import build_definition
from phenotext.pipelines.phenotypes.sets import SET_SCHEMA

SETS = {"a": 1, "b": 2, "c": 3}
START = datetime(2020, 2, 20)
SUBJECTS = (1, 2)
SECTIONS = (None, "plan", "history")

moments = st.builds(lambda d, h: START + timedelta(days=d, hours=h), st.integers(0, 30), st.sampled_from((0, 9, 23)))


@st.composite
def facts(draw: st.DrawFn) -> dict[str, Any]:
    source = draw(st.sampled_from(("note", "claims", "ehr")))
    time = draw(moments)
    note = source == "note"
    return {
        "subject": draw(st.sampled_from(SUBJECTS)), "time": time, "set": draw(st.sampled_from(tuple(SETS))),
        "known": time + timedelta(days=draw(st.integers(0, 10))), "source": source,
        "assertion": draw(st.sampled_from(("present", "present", "historical", "absent"))) if note else "present",
        "number": draw(st.sampled_from((None, 1.0, 2.5, 40.1))),
        "unit": draw(st.sampled_from((None, "%", "mg"))) if note else None,
        "section": draw(st.sampled_from(SECTIONS)) if note else None,
        "note": draw(st.integers(1, 3)) if note else None,
    }  # fmt: skip


days = st.one_of(st.none(), st.integers(-15, 15))
spans = st.tuples(days, days).map(
    lambda span: list(span) if None in span else sorted(day for day in span if day is not None)
)


@st.composite
def leaf_documents(draw: st.DrawFn, name: str, earlier: tuple[str, ...]) -> dict[str, Any]:
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from(({"sex": "female"}, {"age": {"min": 60}}, {"age": {"min": 20, "max": 59}})))
    leaf: dict[str, Any] = {"name": name, "concept_set": draw(st.sampled_from(("a", "b", ["a", "c"])))}
    optional = {
        "source": st.sampled_from(("note", "claims", "both", "either", ["claims", "ehr"])),
        "assertions": st.sampled_from((["present", "historical"], ["absent"])),
        "min_count": st.integers(1, 3), "min_distinct_days": st.integers(1, 3), "first_only": st.booleans(),
        "value": st.sampled_from(
            ({"op": "<=", "number": 2.5}, {"range": [1, 40.1], "unit": "%"},
             {"op": ">", "number": 1, "unit": ["mg", "%"], "unknown_unit": "accept"})
        ),
        "age": st.sampled_from(({"min": 60}, {"max": 59})), "sex": st.just("male"),
        "dates": st.just({"from": "2020-02-28", "to": "2020-03-15"}), "same_observation": st.booleans(),
        "within": st.builds(lambda span: {"days": span}, spans),
    }  # fmt: skip
    for key in draw(st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True)):
        leaf[key] = draw(optional[key])
    if "source" not in leaf and draw(st.booleans()):
        leaf["sections"] = draw(st.sampled_from(({"in": ["plan"]}, {"not_in": ["plan"]})))
    if earlier and draw(st.booleans()):
        window = {"days": draw(spans), "of": draw(st.sampled_from(earlier))}
        leaf[draw(st.sampled_from(("within", "without")))] = window
    return leaf


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    leaves: list[dict[str, Any]] = [{"name": "dx", "concept_set": draw(st.sampled_from(("a", ["a", "b"])))}]
    for number in range(draw(st.integers(0, 4))):
        earlier = tuple(leaf["name"] for leaf in leaves if "name" in leaf)
        leaves.append(draw(leaf_documents(f"l{number}", earlier)))

    def tree(parts: list[dict[str, Any]], depth: int) -> dict[str, Any]:
        if len(parts) == 1:
            return {"not": parts[0]} if draw(st.integers(0, 3)) == 0 else parts[0]
        cut = draw(st.integers(1, len(parts) - 1))
        halves = [tree(parts[:cut], depth + 1), tree(parts[cut:], depth + 1)]
        kind = draw(st.sampled_from(("all", "any", "at_least")))
        return {"at_least": {"n": draw(st.integers(1, 2)), "of": halves}} if kind == "at_least" else {kind: halves}

    rule = draw(st.sampled_from(("first", "last", "nth", "all", "tree")))
    index: dict[str, Any] = {"rule": rule}
    if rule != "tree":
        index["of"] = "dx"
    if rule == "nth":
        index["n"] = 2
    if rule == "all" and draw(st.booleans()):
        index["gap_days"] = draw(st.integers(0, 10))
    if rule in ("first", "last") and draw(st.booleans()):
        index["among"] = "holding"
    more: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        more["observation"] = {
            "look_back_days": draw(st.integers(0, 10)), "candidates": draw(st.booleans()),
            "unknown": draw(st.sampled_from(("exclude", "keep"))),
        }  # fmt: skip
    kept = len(leaves) if len(leaves) < 3 else draw(st.integers(2, len(leaves)))
    if kept < len(leaves):
        more["exclusion"] = tree(leaves[kept:], 0)
    return {
        "schema_version": "1.0", "id": "random", "name": "Random", "version": "1", "description": "d",
        "rationale": "r", "sources": ["s"], "author": "a", "status": "unvalidated",
        "concept_sets": {name: {"codes": [f"SNOMED/{number}"]} for name, number in SETS.items()},
        "index": index, "criteria": tree(leaves[:kept], 0), **more,
    }  # fmt: skip


class Plain:
    """The meaning of a definition, said again without SQL, for one patient."""

    def __init__(self, read: Definition, events: list[dict[str, Any]], person: dict[str, Any], spans: Any) -> None:
        self.read, self.events, self.person, self.spans = read, events, person, spans
        self.leaves = read.by_name()

    def facts(self, leaf: Leaf) -> list[dict[str, Any]]:
        kind = [
            e for e in self.events
            if e["set"] in leaf.concept_sets and e["source"] in leaf.sources and e["assertion"] in leaf.assertions
        ]  # fmt: skip
        if leaf.first_only:
            first = min((e["time"] for e in kind), default=None)
            kind = [e for e in kind if e["time"] == first]
        return [e for e in kind if self.passes(leaf, e)]

    def passes(self, leaf: Leaf, e: dict[str, Any]) -> bool:
        section = e["section"]
        if leaf.sections.included and section not in leaf.sections.included:
            return False
        if leaf.sections.excluded and section in leaf.sections.excluded:
            return False
        if leaf.value is not None:
            value, number = leaf.value, e["number"]
            if number is None:
                return False
            if value.low is not None and not (number > value.low or (value.low_closed and number == value.low)):
                return False
            if value.high is not None and not (number < value.high or (value.high_closed and number == value.high)):
                return False
            if value.units and e["unit"] not in value.units and not (e["unit"] is None and value.accept_unknown_unit):
                return False
        if not self.suits(leaf, e["time"]):
            return False
        day = e["time"].date()
        if leaf.first_date and day < date.fromisoformat(leaf.first_date):
            return False
        return not (leaf.last_date and day > date.fromisoformat(leaf.last_date))

    def suits(self, leaf: Leaf, time: datetime) -> bool:
        born = self.person["born"]
        if leaf.sex is not None and self.person["sex"] != leaf.sex:
            return False
        if leaf.min_age is None and leaf.max_age is None:
            return True
        if born is None:
            return False
        age = time.year - born.year - ((time.month, time.day) < (born.month, born.day))
        return (leaf.min_age is None or age >= leaf.min_age) and (leaf.max_age is None or age <= leaf.max_age)

    def windows(self, leaf: Leaf) -> tuple[Window, ...]:
        anchored = any(window.of == "index" for window in leaf.windows)
        return leaf.windows if self.read.index.rule != "tree" or anchored else (*leaf.windows, Window(None, 0))

    def at(self, leaf: Leaf, index: datetime) -> list[dict[str, Any]]:
        return [e for e in self.facts(leaf) if self.within(leaf, e, index)]

    def within(self, leaf: Leaf, e: dict[str, Any], index: datetime) -> bool:
        for window in self.windows(leaf):
            origins = [index] if window.of == "index" else [r["time"] for r in self.at(self.leaves[window.of], index)]
            inside = any(
                (window.first is None or window.first <= (e["time"].date() - origin.date()).days)
                and (window.last is None or (e["time"].date() - origin.date()).days <= window.last)
                for origin in origins
            )
            if inside == window.absent:
                return False
        if leaf.same_observation:
            return any(
                first.date() <= moment.date() <= last.date() and first.date() <= index.date() <= last.date()
                for first, last in self.spans
                for moment in (e["time"],)
            )
        return True

    def holds(self, node: Group | Leaf, index: datetime) -> bool:
        if isinstance(node, Group):
            held = [self.holds(part, index) for part in node.parts]
            return {"all": all(held), "any": any(held), "not": not held[0], "at_least": sum(held) >= node.n}[node.kind]
        if node.of_person:
            return self.suits(node, index)
        found = self.at(node, index)
        sides = [found]
        if node.both:
            sides = [[e for e in found if (e["source"] == "note") == note] for note in (True, False)]
        return all(
            len({(e["source"], e["note"] or e["id"]) for e in side}) >= node.min_count
            and len({e["time"].date() for e in side}) >= node.min_distinct_days
            for side in sides
        )

    def observed(self, index: datetime) -> bool:
        wanted = self.read.observation
        if wanted is None or (wanted.keep_unknown and not self.spans):
            return True
        back, ahead = timedelta(days=wanted.look_back_days), timedelta(days=wanted.look_ahead_days)
        return any(
            first.date() <= index.date() - back and index.date() + ahead <= last.date() for first, last in self.spans
        )

    def matched(self, index: datetime) -> bool:
        excluded = self.read.exclusion is not None and self.holds(self.read.exclusion, index)
        return self.holds(self.read.inclusion, index) and not excluded and self.observed(index)

    def result(self) -> list[datetime]:
        rule, by_day = self.read.index, {}
        if rule.rule == "tree":
            for leaf in self.read.leaves():
                if not leaf.of_person:
                    for e in self.facts(leaf):
                        day = e["time"].date()
                        by_day[day] = max(by_day.get(day, e["time"]), e["time"])
        else:
            for e in self.facts(self.leaves["dx"]):
                day = e["time"].date()
                by_day[day] = min(by_day.get(day, e["time"]), e["time"])
        times = [by_day[day] for day in sorted(by_day)]
        if self.read.observation is not None and self.read.observation.candidates:
            times = [time for time in times if self.observed(time)]
        if rule.rule == "last":
            times.reverse()
        if rule.among == "events":
            return [time for time in times[rule.n - 1 : rule.n] if self.matched(time)]
        held = [time for time in times if self.matched(time)]
        if rule.rule != "all":
            return held[:1]
        gap = rule.gap_days
        return [
            time for place, time in enumerate(held)
            if gap is None or place == 0 or (time.date() - held[place - 1].date()).days > gap
        ]  # fmt: skip


def tables(events: list[dict[str, Any]], people: dict[int, Any], spans: dict[int, Any]) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    rows, mentions, notes = [], [], {}
    for e in events:
        note = None if e["note"] is None else e["subject"] * 10 + e["note"]
        known = {"subject_id": e["subject"], "available_time": e["known"], "run_id": "r"}
        suffix = "" if e["assertion"] == "present" else f"//{e['assertion'].upper()}"
        rows.append(
            {**known, "clinical_time": e["time"], "code": f"SNOMED/{SETS[e['set']]}{suffix}", "concept_id": 0,
             "base_concept_id": SETS[e["set"]], "domain": "Condition", "assertion": e["assertion"],
             "source": e["source"], "type_concept_id": 0, "note_id": note, "event_id": e["id"],
             "numeric_value": e["number"]}
        )  # fmt: skip
        if note is not None:
            notes[note] = {"note_id": note, "note_time": e["time"], "available_defaulted": False, "n_characters": 1,
                           "note_hash": "h", "n_mentions": 1, **known}  # fmt: skip
            mentions.append(
                {**known, "evidence_id": e["id"], "event_id": e["id"], "note_id": note, "note_time": e["time"],
                 "section": e["section"], "start": 0, "end": 1, "note_hash": "h", "code": "x", "base_concept_id": 0,
                 "negation": "", "certainty": "", "temporality": "", "experiencer": "", "assertion": "",
                 "triggers": [], "numeric_value": e["number"], "unit": e["unit"], "nlp_system": "", "nlp_version": ""}
            )  # fmt: skip
    persons = [
        {"subject_id": n, "birth_date": one["born"], "gender_concept_id": {"female": 8532, "male": 8507}[one["sex"]],
         "race_concept_id": 0, "ethnicity_concept_id": 0, "run_id": "r"} for n, one in people.items()
    ]  # fmt: skip
    periods = [
        {"subject_id": n, "observation_start": first, "observation_end": last, "run_id": "r"}
        for n, found in spans.items() for first, last in found
    ]  # fmt: skip
    sets = [{"set_name": name, "base_concept_id": number, "code_key": None} for name, number in SETS.items()]
    for name, content, schema in (
        ("event", rows, EVENT), ("evidence", mentions, EVIDENCE), ("note", list(notes.values()), NOTE),
        ("person", persons, PERSON), ("observation_period", periods, OBSERVATION_PERIOD),
        ("phenotype_concept", sets, SET_SCHEMA),
    ):  # fmt: skip
        table = pa.Table.from_pylist(content, schema=schema)
        database.register("incoming", table)
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    return database


@settings(
    max_examples=100,  # each makes a database and takes over 100 ms
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(
    document=definitions(),
    events=st.lists(facts(), min_size=1, max_size=14),
    born=st.lists(st.sampled_from((None, datetime(1960, 3, 1), datetime(1960, 2, 29))), min_size=2, max_size=2),
    periods=st.lists(st.lists(st.integers(-20, 30), min_size=0, max_size=2), min_size=2, max_size=2),
    as_of_day=st.one_of(st.none(), st.integers(0, 40)),
)
def test_sql_and_plain_python_agree(
    document: dict[str, Any], events: list[dict[str, Any]], born: Any, periods: Any, as_of_day: int | None
) -> None:
    read = build_definition(document, "random.yaml", Path())
    for number, event in enumerate(events, start=1):
        event["id"] = number + 100
    people = {n: {"born": one, "sex": ("female", "male")[n % 2]} for n, one in zip(SUBJECTS, born, strict=True)}
    spans = {
        n: [(START + timedelta(days=first), START + timedelta(days=first + 25)) for first in starts]
        for n, starts in zip(SUBJECTS, (sorted(set(p)) for p in periods), strict=True)
    }
    database = tables(events, people, spans)
    as_of = None if as_of_day is None else START + timedelta(days=as_of_day)
    if as_of is not None:
        database.execute(
            "CREATE TABLE phenotype_as_of AS SELECT unnest([71, 72]) AS row_id, unnest([1, 2]) AS subject_id, "
            "CAST(? AS TIMESTAMP) AS prediction_time, CAST(NULL AS TIMESTAMP) AS observation_start, "
            "CAST(NULL AS TIMESTAMP) AS observation_end",
            [as_of],
        )
    rows = database.execute(compile_definition(read, Options(as_of=as_of is not None))).fetchall()
    found = {(row[0], row[2]) for row in rows if row[5] == "inclusion"}
    expected: set[tuple[int, datetime]] = set()
    plain: dict[int, Plain] = {}
    for subject in SUBJECTS:
        known = [e for e in events if e["subject"] == subject and (as_of is None or e["known"] <= as_of)]
        plain[subject] = Plain(read, known, people[subject], spans[subject])
        expected |= {(subject, index) for index in plain[subject].result()}
    assert found == expected
    for subject, _, index, _, _, path, held, *_ in rows:  # and every criterion of those who match
        for node in read.nodes():
            if node.path == path:
                assert held == plain[subject].holds(node, index), (path, subject, index)
    for leaf in read.leaves():  # and the facts that it rests on
        for subject, index in found:
            told = {row[7] for row in rows if (row[0], row[2], row[5]) == (subject, index, leaf.path)} - {None}
            if not leaf.of_person:
                assert told == {e["id"] for e in plain[subject].at(leaf, index)}
