"""A definition as one SQL statement that a person can read: facts, one CTE for each criterion, the verdict, the result.

The statement reads the views of a run (`event`, `evidence`, `note`, `person`, `observation_period`) and the tables
`phenotype_concept` (sets.py) and, with `as_of`, `phenotype_as_of` (row_id, subject_id, prediction_time,
observation_start, observation_end). It gives one row for each chosen index time, criterion and fact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .criterion_sql import SEX, age_sql, day_test, fact_filter, fact_window, listed
from .definition import INDEX, Definition, Group, Leaf, Observation, Window, wording


@dataclass(frozen=True, slots=True)
class Options:
    """What else a statement depends on.

    Attributes:
        as_of: evaluate each cohort row with what was available at its prediction_time.
        only: take facts from this source alone (note, claims or ehr); None for the definition's own.
        subject: show all candidates of this patient, held or not; None for the chosen rows of all patients.
        counts: give counts by criterion over all candidates instead of rows.
    """

    as_of: bool = False
    only: str | None = None
    subject: int | None = None
    counts: bool = False


_HEAD_ALL = """unit AS (  -- whom the definition is tried on: every patient, with all that the run knows
    SELECT subject_id AS unit_id, subject_id, CAST(NULL AS BIGINT) AS row_id
    FROM (SELECT subject_id FROM event UNION SELECT subject_id FROM note
          UNION SELECT subject_id FROM person UNION SELECT subject_id FROM observation_period){only}
),
observed AS (
    SELECT subject_id, observation_start, observation_end FROM observation_period
)"""
_HEAD_AS_OF = """unit AS (  -- whom the definition is tried on: every cohort row, with what was known then
    SELECT row_id AS unit_id, subject_id, row_id, prediction_time AS as_of FROM phenotype_as_of{only}
),
observed AS (
    SELECT subject_id, observation_start, observation_end FROM observation_period
    UNION
    SELECT subject_id, observation_start, observation_end FROM phenotype_as_of
    WHERE observation_start IS NOT NULL AND observation_end IS NOT NULL
)"""
_FACTS = """used_code AS (
    SELECT DISTINCT code, base_concept_id,
           CASE WHEN code LIKE 'ICD%' OR code LIKE 'NDC/%'
                THEN replace(replace(upper(split_part(code, '//', 1)), '.', ''), '-', '')
                ELSE upper(split_part(code, '//', 1)) END AS code_key
    FROM event
),
set_member AS (  -- codes of the run's events that belong to a concept set
    SELECT s.set_name, u.code, u.base_concept_id
    FROM used_code u JOIN phenotype_concept s ON s.base_concept_id = u.base_concept_id
    UNION
    SELECT s.set_name, u.code, u.base_concept_id
    FROM used_code u JOIN phenotype_concept s ON s.code_key = u.code_key
),
fact AS (  -- events of the sets; an event from a note once for each of its mentions
    SELECT t.unit_id, e.subject_id, e.event_id, v.evidence_id, e.note_id, e.clinical_time, e.code, e.base_concept_id,
           e.domain, e.assertion, e.source, coalesce(v.numeric_value, e.numeric_value) AS number, {unit} AS unit,
           v.section, v.note_class, CASE WHEN e.source = 'note' THEN e.note_id ELSE e.event_id END AS fact_id
    FROM unit t
    JOIN event e ON e.subject_id = t.subject_id{known}
    LEFT JOIN evidence v ON v.subject_id = e.subject_id AND v.event_id = e.event_id AND e.source = 'note'
    WHERE {wanted}
)"""


def compile_definition(definition: Definition, options: Options = Options(), *, event_unit: bool = False) -> str:
    """The SQL statement of a definition. `event_unit`: table event has a column unit."""
    return _Statement(definition, options, event_unit).text()


class _Statement:
    def __init__(self, definition: Definition, options: Options, event_unit: bool) -> None:
        self.definition, self.options, self.event_unit = definition, options, event_unit
        tree = definition.index.rule == "tree"
        self.leaves = [_until_index(leaf) if tree else leaf for leaf in definition.leaves()]
        if options.only is not None:
            self.leaves = [_restricted(leaf, options.only) for leaf in self.leaves]
        self.by_name = {leaf.name: leaf for leaf in self.leaves if leaf.name is not None}
        self.by_path = {leaf.path: leaf for leaf in self.leaves}
        factual = [leaf for leaf in self.leaves if not leaf.of_person]
        self.cte = {leaf.path: f"c{number}" for number, leaf in enumerate(factual, start=1)}
        self.column = {node.path: f"n{number}" for number, node in enumerate(definition.nodes(), start=1)}
        self.ctes: list[str] = []

    def text(self) -> str:
        """The whole statement."""
        options = self.options
        only = f"\n    WHERE subject_id = {options.subject}" if options.subject is not None else ""
        self.ctes.append((_HEAD_AS_OF if options.as_of else _HEAD_ALL).format(only=only))
        known = " AND e.available_time <= t.as_of" if options.as_of else ""
        unit = "coalesce(v.unit, e.unit)" if self.event_unit else "v.unit"
        self.ctes.append(_FACTS.format(unit=unit, known=known, wanted=self._wanted()))
        for leaf in self.leaves:
            if not leaf.of_person:
                self._facts(leaf)
        self._candidates()
        for leaf in self._in_order():
            self._held(leaf)
        self._verdict()
        head = (
            f"-- {self.definition.phenotype_id} {self.definition.version}: {self.definition.name.replace(chr(10), ' ')}"
        )
        final = self._counts() if options.counts else self._result()
        return f"{head}\n-- definition sha256 {self.definition.sha256}\nWITH\n" + ",\n".join(self.ctes) + f"\n{final}\n"

    def _wanted(self) -> str:
        tests = ["(e.code, e.base_concept_id) IN (SELECT code, base_concept_id FROM set_member)"]
        domains = sorted({name for leaf in self.leaves if not leaf.concept_sets for name in leaf.domains})
        if domains:
            tests.append(f"e.domain IN ({listed(domains)})")
        return " OR ".join(tests)

    def _facts(self, leaf: Leaf) -> None:
        name = self.cte[leaf.path]
        self.ctes.append(f"-- {leaf.path}{f' {leaf.name}' if leaf.name else ''}: {_comment(leaf)}\n"
                         f"{name}_fact AS (\n{fact_filter(leaf)}\n)")  # fmt: skip

    def _in_order(self) -> list[Leaf]:
        """Leaves with facts, one after those that its windows name."""
        ordered: list[Leaf] = []

        def visit(leaf: Leaf) -> None:
            for window in leaf.windows:
                if window.of != INDEX:
                    visit(self.by_name[window.of])
            if leaf not in ordered:
                ordered.append(leaf)

        for leaf in self.leaves:
            if not leaf.of_person:
                visit(leaf)
        return ordered

    def _candidates(self) -> None:
        rule = self.definition.index
        if rule.rule == "tree":
            source = "\n        UNION ALL ".join(
                f"SELECT unit_id, clinical_time FROM {self.cte[leaf.path]}_fact"
                for leaf in self.leaves if not leaf.of_person and not leaf.path.startswith("define/")
            ) or "SELECT unit_id, CAST(NULL AS TIMESTAMP) AS clinical_time FROM unit WHERE false"  # fmt: skip
            time = "max(clinical_time)"  # nothing of that day is later
        else:
            names = [self._unit_level(self.by_name[name]) for name in rule.of]
            source = "\n        UNION ALL ".join(f"SELECT unit_id, clinical_time FROM {name}" for name in names)
            time = "min(clinical_time)"
        choose = ""
        if rule.among == "events":
            order = "DESC" if rule.rule == "last" else "ASC"
            choose = f"\n    QUALIFY row_number() OVER (PARTITION BY unit_id ORDER BY index_time {order}) = {rule.n}"
        days = (
            f"index_day AS (  -- days that may be the index day\n    SELECT unit_id, {time} AS index_time\n    FROM ("
            f"{source})\n    GROUP BY unit_id, CAST(clinical_time AS DATE)\n)"
        )
        self.ctes.append(days)
        observation = self.definition.observation
        if observation is not None and observation.candidates:
            choose = f"\n    WHERE {_observed_day(observation)}{choose}"
        self.ctes.append(
            f"chosen_day AS (\n    SELECT unit_id, index_time FROM index_day k JOIN unit u USING (unit_id){choose}\n)"
        )
        found = "chosen_day"
        if self.options.subject is not None:
            found = (
                "(SELECT * FROM chosen_day UNION ALL SELECT unit_id, NULL FROM unit\n"
                "          WHERE unit_id NOT IN (SELECT unit_id FROM chosen_day))"
            )
        self.ctes.append(
            "candidate AS (\n    SELECT row_number() OVER (ORDER BY unit_id, index_time) AS candidate_id, unit_id, "
            f"index_time\n    FROM {found}\n)"
        )

    def _unit_level(self, leaf: Leaf) -> str:
        """Name of the CTE with the leaf's facts before there is an index day."""
        base = f"{self.cte[leaf.path]}_fact"
        if not leaf.windows:
            return base
        name = f"{self.cte[leaf.path]}_day"
        if not any(cte.startswith(f"{name} AS") for cte in self.ctes):
            tests = [
                fact_window(window, self._unit_level(self.by_name[window.of]), "unit_id", "f.unit_id")
                for window in leaf.windows
            ]
            where = "\n      AND ".join(tests)
            self.ctes.append(f"{name} AS (\n    SELECT f.* FROM {base} f\n    WHERE {where}\n)")
        return name

    def _held(self, leaf: Leaf) -> None:
        name = self.cte[leaf.path]
        tests: list[str] = []
        for window in leaf.windows:
            if window.of == INDEX:
                tests.append(day_test("k.index_time", "f.clinical_time", window))
            else:
                tests.append(
                    fact_window(window, self.cte[self.by_name[window.of].path], "candidate_id", "k.candidate_id")
                )
        if leaf.same_observation:
            tests.append(
                "EXISTS (SELECT 1 FROM observed o WHERE o.subject_id = f.subject_id\n"
                "                  AND CAST(k.index_time AS DATE) BETWEEN CAST(o.observation_start AS DATE) AND "
                "CAST(o.observation_end AS DATE)\n"
                "                  AND CAST(f.clinical_time AS DATE) BETWEEN CAST(o.observation_start AS DATE) AND "
                "CAST(o.observation_end AS DATE))"
            )
        where = "\n    WHERE " + "\n      AND ".join(tests) if tests else ""
        self.ctes.append(
            f"{name} AS (\n    SELECT k.candidate_id, f.* FROM candidate k JOIN {name}_fact f USING (unit_id){where}\n)"
        )
        sides = ["", " FILTER (source = 'note')", " FILTER (source <> 'note')"]
        having = [
            f"count(DISTINCT (source, fact_id)){side} >= {leaf.min_count}"
            + (
                f" AND count(DISTINCT CAST(clinical_time AS DATE)){side} >= {leaf.min_distinct_days}"
                if leaf.min_distinct_days > 1
                else ""
            )
            for side in (sides[1:] if leaf.both else sides[:1])
        ]
        self.ctes.append(
            f"{name}_held AS (\n    SELECT candidate_id FROM {name} GROUP BY candidate_id\n"
            f"    HAVING {' AND '.join(having)}\n)"
        )

    def _verdict(self) -> None:
        columns: list[str] = []
        for leaf in self.definition.defined:
            self._columns(leaf, columns)
        for tree in (self.definition.inclusion, self.definition.exclusion):
            if tree is not None:
                self._columns(tree, columns)
        observation = self.definition.observation
        joined = [f"{self.cte[leaf.path]}_held" for leaf in self.leaves if not leaf.of_person]
        if observation is None:
            columns.append("true AS observed")
        else:
            self._observed(observation)
            joined.append("well_observed")
            columns.append("(well_observed.candidate_id IS NOT NULL) AS observed")
        matched = ["k.index_time IS NOT NULL", self.column["inclusion"]]
        if self.definition.exclusion is not None:
            matched.append(f"NOT {self.column['exclusion']}")
        columns.append(f"({' AND '.join(matched)} AND observed) AS matched")
        listed_columns = ",\n           ".join(columns)
        self.ctes.append(
            "verdict AS (  -- every criterion at every candidate index time\n"
            "    SELECT k.candidate_id, k.unit_id, u.subject_id, u.row_id, k.index_time,\n"
            f"           {listed_columns}\n"
            "    FROM candidate k JOIN unit u USING (unit_id) LEFT JOIN person p ON p.subject_id = u.subject_id"
            + "".join(f"\n    LEFT JOIN {name} ON {name}.candidate_id = k.candidate_id" for name in joined)
            + "\n)"
        )
        self.ctes.append(f"chosen AS (\n    {self._chosen()}\n)")

    def _observed(self, observation: Observation) -> None:
        self.ctes.append(
            "well_observed AS (\n    SELECT k.candidate_id FROM candidate k JOIN unit u USING (unit_id)\n"
            f"    WHERE {_observed_day(observation)}\n)"
        )

    def _columns(self, node: Group | Leaf, columns: list[str]) -> None:
        """Columns of a node, its parts first: a column may use those before it."""
        if isinstance(node, Leaf):
            leaf = self.by_path[node.path]
            test, remark = f"({self.cte.get(leaf.path)}_held.candidate_id IS NOT NULL)", ""
            if leaf.of_person:
                test, remark = _person_test(leaf), f": {_comment(leaf)}"
        else:
            for part in node.parts:
                self._columns(part, columns)
            names = [self.column[part.path] for part in node.parts]
            remark = f": {node.kind}"
            if node.kind == "not":
                test = f"(NOT {names[0]})"
            elif node.kind == "at_least":
                remark += f" {node.n}"
                test = f"(({' + '.join(f'CAST({name} AS INTEGER)' for name in names)}) >= {node.n})"
            else:
                test = f"({(' AND ' if node.kind == 'all' else ' OR ').join(names)})"
        columns.append(f"{test} AS {self.column[node.path]} /* {node.path}{remark} */")

    def _chosen(self) -> str:
        rule = self.definition.index
        if self.options.subject is not None:
            return "SELECT * FROM verdict"
        text = "SELECT * FROM verdict WHERE matched"
        if rule.rule == "all":
            if rule.gap_days is None:
                return text
            return (
                f"{text}\n    QUALIFY coalesce(date_diff('day', lag(index_time) OVER (PARTITION BY unit_id ORDER BY "
                f"index_time), index_time) > {rule.gap_days}, true)"
            )
        if rule.among == "events":
            return text
        order = "DESC" if rule.rule == "last" else "ASC"
        return f"{text}\n    QUALIFY row_number() OVER (PARTITION BY unit_id ORDER BY index_time {order}) = {rule.n}"

    def _result(self) -> str:
        parts: list[str] = []
        for node in self.definition.nodes():
            head = "SELECT v.subject_id, v.row_id, v.index_time, v.candidate_id, v.matched, "
            head += f"'{node.path}' AS criterion, v.{self.column[node.path]} AS held"
            name = self.cte.get(node.path)
            if name is None:
                parts.append(
                    f"{head}, CAST(NULL AS BIGINT) AS event_id, CAST(NULL AS BIGINT) AS evidence_id, "
                    "CAST(NULL AS BIGINT) AS note_id, CAST(0 AS INTEGER) AS ordinal\nFROM chosen v"
                )
            else:
                parts.append(
                    f"{head}, f.event_id, f.evidence_id, f.note_id,\n"
                    "       CAST(row_number() OVER (PARTITION BY v.candidate_id ORDER BY f.clinical_time, f.event_id, "
                    "f.evidence_id) - 1 AS INTEGER) AS ordinal\n"
                    f"FROM chosen v LEFT JOIN {name} f USING (candidate_id)"
                )
        if self.definition.observation is not None:
            parts.append(
                "SELECT v.subject_id, v.row_id, v.index_time, v.candidate_id, v.matched, 'observation', v.observed, "
                "NULL, NULL, NULL, 0\nFROM chosen v"
            )
        return "\nUNION ALL\n".join(parts) + "\nORDER BY subject_id, index_time, row_id, criterion, ordinal"

    def _counts(self) -> str:
        parts = ["SELECT '' AS criterion, count(DISTINCT unit_id) AS units FROM candidate"]
        parts += [
            f"SELECT '{node.path}', count(DISTINCT unit_id) FROM verdict WHERE {self.column[node.path]}"
            for node in self.definition.nodes()
        ]
        parts.append("SELECT 'observation', count(DISTINCT unit_id) FROM verdict WHERE observed")
        return "\nUNION ALL\n".join(parts)


def _observed_day(observation: Observation) -> str:
    """Whether index_time of k has enough observed days of patient u around it."""
    unknown = " OR u.subject_id NOT IN (SELECT subject_id FROM observed)" if observation.keep_unknown else ""
    return (
        "(EXISTS (SELECT 1 FROM observed o WHERE o.subject_id = u.subject_id\n"
        "                   AND CAST(o.observation_start AS DATE) <= CAST(k.index_time AS DATE) - "
        f"{observation.look_back_days}\n"
        "                   AND CAST(o.observation_end AS DATE) >= CAST(k.index_time AS DATE) + "
        f"{observation.look_ahead_days}){unknown})"
    )


def _until_index(leaf: Leaf) -> Leaf:
    """Under rule tree a fact counts up to the index day, unless the leaf says another window itself."""
    if leaf.of_person or any(window.of == INDEX for window in leaf.windows):
        return leaf
    return replace(leaf, windows=(*leaf.windows, Window(None, 0)))


def _restricted(leaf: Leaf, only: str) -> Leaf:
    sources = tuple(source for source in leaf.sources if source == only)
    return replace(leaf, sources=sources, both=False)


def _comment(leaf: Leaf) -> str:
    return " ".join(wording(leaf).replace("*/", "").split())


def _person_test(leaf: Leaf) -> str:
    tests = age_sql(leaf, "p.birth_date", "k.index_time")
    if leaf.sex is not None:
        tests.append(f"p.gender_concept_id = {SEX[leaf.sex]}")
    return f"coalesce({' AND '.join(tests)}, false)"
