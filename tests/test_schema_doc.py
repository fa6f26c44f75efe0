"""docs/schema.md says what the code says, and the command prints it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from phenotext.nlp.rule_kinds import Allowed
from phenotext.nlp.table_rules import RULES
from phenotext.nlp.tables import TABLES
from phenotext.pipelines.schema_document import schema_page

Call = Callable[..., subprocess.CompletedProcess[str]]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "schema.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == schema_page(), "run scripts/make_schema_doc.py"


def test_rules_name_tables_and_columns_that_exist() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule.table in TABLES
        columns = [getattr(rule, "column", None), *getattr(rule, "columns", ())]
        assert {column for column in columns if column} <= set(TABLES[rule.table].names), rule.name


def test_descriptions_list_the_allowed_values() -> None:
    """Where a description lists values (a|b|c), they are the allowed ones."""
    for rule in RULES:
        if isinstance(rule, Allowed):
            said = (TABLES[rule.table].field(rule.column).metadata or {})[b"description"].decode()
            if "|" in said:
                assert set(said.split(":")[0].split(";")[0].split("|")) == set(rule.values), rule.name


def test_every_column_is_described() -> None:
    for table in TABLES.values():
        assert all((field.metadata or {}).get(b"description") for field in table)


def test_command(phenotext: Call, phenotext_process: Call) -> None:
    done = phenotext_process("schema", "event", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [column["name"] for column in document["tables"]["event"]["columns"]] == TABLES["event"].names
    assert "## event" in phenotext("schema", "--markdown").stdout
    whole = phenotext("schema")
    assert whole.returncode == 0
    assert all(table in whole.stdout for table in TABLES)
    wrong = phenotext("schema", "events")
    assert wrong.returncode == 2
    assert "no table events" in wrong.stderr
