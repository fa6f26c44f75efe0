"""The checks of the tables that DuckDB makes: nulls, keys, order, and the rules of the schema."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...nlp.rule_kinds import JoinCheck, Order, RowCheck, Rule
from ...nlp.table_rules import RULES, rules_of
from ...nlp.tables import TABLES, primary_key
from ..database import Database, put, quoted, value
from .findings import ValidationReport
from .layout import PHENOTYPE_TABLES, Layout
from .rule_queries import broken_rows, out_of_order, row_condition, tables_read


@dataclass(frozen=True, slots=True)
class TableChecks:
    """Checks of the tables in `sound`, those whose columns are as the schema says."""

    database: Database
    layout: Layout
    sound: Collection[str]
    report: ValidationReport
    max_rows: int

    def attach(self) -> None:
        """A view for each table; empty where the folder may have the table and has not."""
        for table in sorted(self.sound):
            files = self.layout.files[table]
            if files:
                self.database.execute(f"CREATE VIEW {table} AS SELECT * FROM {_read(*files)}")
                self.report.tables[table] = value(self.database, f"SELECT count(*) FROM {table}")
            else:
                put(self.database, table, TABLES[table].empty_table())

    def check(self) -> None:
        """All of them."""
        for table in TABLES:
            if table not in self.sound:
                continue
            if self.layout.files[table]:
                self._key(table)
            self._rows_alone(table)
            for rule in rules_of(table):
                if row_condition(rule) is None:
                    self._rule(rule)
        for rule in RULES:
            if rule.table in self.layout.files and rule.table not in self.sound:
                self.report.not_checked[rule.name] = f"{rule.table} is missing or has other columns"

    def run_ids(self, run_id: str) -> None:
        """Every row says that this run wrote it."""
        for table, schema in TABLES.items():
            if table in self.sound and self.layout.files[table] and "run_id" in schema.names:
                self.database.execute("CREATE OR REPLACE TEMP TABLE this_run AS SELECT ? AS run_id", [run_id])
                self._enter(
                    f"{table}.run_id", table, "run_id is that of run.json",
                    f"FROM {table} t WHERE t.run_id <> (SELECT run_id FROM this_run)",
                )  # fmt: skip

    def _rows_alone(self, table: str) -> None:
        """Nulls, and the rules that look at one row alone: counted in one reading of the table."""
        names = [field.name for field in TABLES[table] if not field.nullable]
        empty = " OR ".join(f't."{name}" IS NULL' for name in names)
        checks = [(f"{table}.nulls", f"never null: {', '.join(names)}", empty)]
        for rule in rules_of(table):
            condition = row_condition(rule)
            if condition is not None and self._applies(rule):
                checks.append((rule.name, rule.sentence, condition))
        counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for _, _, condition in checks)
        found = self.database.execute(f"SELECT {counts} FROM {table} t").fetchall()[0]
        for (name, sentence, condition), count in zip(checks, found):
            rows = self._keys(table, f"FROM {table} t WHERE {condition}") if count else []
            self.report.checked(name, table, sentence, count, rows)

    def _key(self, table: str) -> None:
        key = _columns(primary_key(TABLES[table]))
        # under phi=minimal names of text files are hidden, so their rows cannot be told apart
        given = "file IS NOT NULL" if table == "quarantine" else "true"
        # a definition may be run twice on one run, with other options: each result has its own file
        source = _read(*self.layout.files[table], filename=True) if table in PHENOTYPE_TABLES else table
        groups = f"{key}, filename" if table in PHENOTYPE_TABLES else key
        groups = f"FROM (SELECT {key} FROM {source} WHERE {given} GROUP BY {groups} HAVING count(*) > 1) t"
        self._enter(f"{table}.key", table, f"no two rows have the same {key.replace(chr(34), '')}", groups)

    def _rule(self, rule: Rule) -> None:
        if not self._applies(rule):
            return
        lacking = [table for table in tables_read(rule) if table not in self.sound]
        if lacking:
            # what this kind of folder never has is not missed
            if any(table in self.layout.files for table in lacking):
                self.report.not_checked[rule.name] = f"{', '.join(lacking)}: missing or with other columns"
            return
        if isinstance(rule, Order):
            self._order(rule)
        else:
            self._enter(rule.name, rule.table, rule.sentence, broken_rows(rule))

    def _applies(self, rule: Rule) -> bool:
        only = rule.only if isinstance(rule, RowCheck | JoinCheck) else ""
        holds = {"": True, "phi=minimal": self.layout.phi == "minimal", "no id key": not self.layout.keyed}
        return holds[only]

    def _order(self, rule: Order) -> None:
        schema = TABLES[rule.table]
        nullable = [schema.field(name) for name in rule.columns if schema.field(name).nullable]
        least = {field.name: "'-infinity'" if pa.types.is_timestamp(field.type) else "-1" for field in nullable}
        before, wrong = out_of_order(rule, least)
        columns = _columns(dict.fromkeys((*primary_key(schema), *rule.columns)))
        count, rows = 0, []
        for path in self.layout.files[rule.table]:
            source = f"FROM (SELECT {columns}, {before} FROM {_read(path)}) t WHERE {wrong}"
            count += value(self.database, f"SELECT count(*) {source}")
            rows += self._keys(rule.table, source)
        self.report.checked(rule.name, rule.table, rule.sentence, count, rows[: self.max_rows])

    def _enter(self, name: str, table: str, sentence: str, source: str) -> None:
        count = value(self.database, f"SELECT count(*) {source}")
        rows = self._keys(table, source) if count else []
        self.report.checked(name, table, sentence, count, rows)

    def _keys(self, table: str, source: str) -> list[dict[str, Any]]:
        """Primary keys of the first rows."""
        key = primary_key(TABLES[table])
        alias = "t" if f"{table} t " in source or ") t" in source else table
        columns = ", ".join(f'{alias}."{name}"' for name in key)
        result = self.database.execute(f"SELECT {columns} {source} ORDER BY {columns} LIMIT {self.max_rows}")
        return [dict(zip(key, row)) for row in result.fetchall()]


def _columns(names: Collection[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _read(*files: Path, filename: bool = False) -> str:
    # the folders of the splits are no column
    options = "hive_partitioning = false" + (", filename = true" if filename else "")
    return f"read_parquet([{', '.join(quoted(path) for path in files)}], {options})"
