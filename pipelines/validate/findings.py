"""What a validation found: the rules that are broken, with the keys of rows that break them, never their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule. `rows` are primary keys of the first rows that break it, `n_rows` counts all of them."""

    rule: str
    table: str
    sentence: str
    n_rows: int
    rows: tuple[dict[str, Any], ...] = ()

    def document(self) -> dict[str, Any]:
        """Ready for JSON."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.rows]
        return {
            "rule": self.rule, "table": self.table, "sentence": self.sentence, "n_rows": self.n_rows, "rows": rows,
        }  # fmt: skip


@dataclass(slots=True)
class ValidationReport:
    """Findings of one folder, and what was looked at."""

    folder: str
    kind: str
    tables: dict[str, int] = field(default_factory=dict)
    rules_checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_checked: dict[str, str] = field(default_factory=dict)
    source: str = "not looked for"

    @property
    def valid(self) -> bool:
        """No rule is broken."""
        return not self.findings

    def checked(
        self, rule: str, table: str, sentence: str, n_rows: int = 0, rows: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Enter that a rule was checked, with what breaks it."""
        self.rules_checked += 1
        if n_rows:
            self.findings.append(Finding(rule, table, sentence, n_rows, tuple(rows)))

    def document(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "folder": self.folder,
            "kind": self.kind,
            "valid": self.valid,
            "tables": self.tables,
            "rules_checked": self.rules_checked,
            "findings": [finding.document() for finding in self.findings],
            "not_checked": self.not_checked,
            "source": self.source,
        }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
