"""What each code of the claims stands for: table `claim_code`, and the list of those that stand for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from .code_targets import CodeTargets, UnmappedCodes
from .concepts import Concept, Registry, spelled_id
from .database import Database, put
from .source_codes import code_of_vocabulary, vocabulary_and_code

CODE_SCHEMA = pa.schema(
    [
        ("domain", pa.string()),
        ("vocabulary", pa.string()),
        ("source_value", pa.string()),
        ("source_concept_id", pa.int64()),
        ("code", pa.string()),
        ("name", pa.string()),
        ("parent", pa.string()),
        ("base_concept_id", pa.int64()),
        ("target_domain", pa.string()),
    ]
)
UNMAPPED = pa.schema(
    [
        pa.field("vocabulary", pa.string(), nullable=False, metadata={"description": "as in event.code"}),
        pa.field("code", pa.string(), nullable=False, metadata={"description": "the code without its vocabulary"}),
        pa.field("name", pa.string(), metadata={"description": "always null: a source tells codes, not names"}),
        pa.field("rows", pa.int64(), nullable=False, metadata={"description": "facts with this code"}),
        pa.field("persons", pa.int64(), nullable=False, metadata={"description": "patients with this code"}),
    ],
    metadata={"table": "unmapped", "primary_key": "vocabulary,code"},
)
# a procedure's code may say a drug or a device (HCPCS J1100): OMOP files it under what it stands for
_WIDE_SYSTEMS = ("HCPCS", "CPT4")


@dataclass(slots=True)
class CodeBooks:
    """Concepts that codes stand for, and counts."""

    concepts: set[Concept] = field(default_factory=set)
    counts: dict[str, Any] = field(default_factory=dict)


def map_claim_codes(database: Database, targets_of: CodeTargets) -> CodeBooks:
    """Tables `claim_code` and `unmapped_code` from `claims_row`."""
    registry = targets_of.registry
    books = CodeBooks()
    unmapped = UnmappedCodes()
    used = database.execute(
        "SELECT domain, vocabulary, source_value, source_concept_id, count(*) FROM claims_row GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    rows: list[dict[str, Any]] = []
    lost: list[tuple[str, str | None, str | None, str, str]] = []
    counts: dict[str, int] = dict.fromkeys(
        ("rows", "rows_mapped", "rows_source_concept", "rows_unmapped", "codes_unmapped"), 0
    )
    for domain, given, source_value, source_concept_id, n in used:
        vocabulary, code = _vocabulary_and_code(domain, given, source_value, source_concept_id)
        full = f"{vocabulary}/{code}"
        targets = _targets(targets_of, registry, vocabulary, code, source_concept_id)
        counts["rows"] += n
        if targets:
            counts["rows_mapped"] += n
        elif source_concept_id:
            counts["rows_source_concept"] += n
            targets = [Concept(source_concept_id, f"OMOP/{source_concept_id}", full, domain)]
        else:
            counts["rows_unmapped"] += n
            counts["codes_unmapped"] += 1
            unmapped.add(vocabulary, code, n)
            lost.append((domain, given, source_value, vocabulary, code))
            targets = [Concept(spelled_id(vocabulary, code), full, full, domain)]
        for target in targets:
            if target.base_concept_id:
                books.concepts.add(target)
            parent = target.code if target.code != full and target.base_concept_id else None
            rows.append(
                {
                    "domain": domain,
                    "vocabulary": given,
                    "source_value": source_value,
                    "source_concept_id": source_concept_id,
                    "code": full,
                    "name": f"{target.name} ({full})" if parent else target.name,
                    "parent": parent,
                    "base_concept_id": target.base_concept_id,
                    "target_domain": target.domain if given in _WIDE_SYSTEMS else domain,
                }
            )
    books.counts.update(counts, unmapped=unmapped.by_vocabulary())
    put(database, "claim_code", pa.Table.from_pylist(rows, schema=CODE_SCHEMA))
    names = ("domain", "vocabulary", "source_value", "system", "code")
    put(
        database,
        "unmapped_code",
        pa.table({name: pa.array([row[place] for row in lost], pa.string()) for place, name in enumerate(names)}),
    )
    return books


def _vocabulary_and_code(
    domain: str, given: str | None, source_value: str | None, source_concept_id: int
) -> tuple[str, str]:
    if not source_value:
        return "OMOP", str(source_concept_id)
    return code_of_vocabulary(given, source_value) if given else vocabulary_and_code(domain, source_value)


def _targets(
    targets_of: CodeTargets, registry: Registry, vocabulary: str, code: str, source_concept_id: int
) -> list[Concept]:
    """The source's own standard concept where the terminology knows OMOP's ids, else what the code stands for.

    A terminology without OMOP's ids numbers its concepts itself: there the notes are met by the code only.
    """
    if source_concept_id in registry:
        return [registry.concept(source_concept_id)]
    if source_concept_id and registry.terminology.concept_ids.any():
        return []
    return targets_of.of(vocabulary, code)


def unmapped_table(database: Database) -> pa.Table:
    """Every code that stands for no concept, with the facts and patients that have it."""
    rows = database.sql(
        "SELECT u.system AS vocabulary, u.code, CAST(NULL AS VARCHAR) AS name, count(*) AS rows, "
        "count(DISTINCT r.person_id) AS persons FROM claims_row r JOIN unmapped_code u "
        "ON u.domain = r.domain AND u.vocabulary IS NOT DISTINCT FROM r.vocabulary AND u.source_value = r.source_value "
        "WHERE r.source_concept_id = 0 GROUP BY 1, 2 ORDER BY 1, 2"
    ).to_arrow_table()
    return rows.select(UNMAPPED.names).cast(UNMAPPED)
