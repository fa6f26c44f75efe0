"""Note events as rows of OMOP domain tables, in `*_derived` files of their own.

They never go into CONDITION_OCCURRENCE and its like: covariate builders do not look at the type concept, so rows from
notes would silently merge into claims covariates. Present facts go to the table of their domain; historical and family
facts to OBSERVATION, with the fact as value; absent, other and hypothetical ones stay behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..database import Database, value
from ..errors import RunError
from ..run_folder import RunFolder
from .ledger import Ledger
from .omop_fields import check_lengths, omop_fields, write_omop

NLP_TYPE = 32858
HISTORY_OF_EVENT = 1340204
# only for what precedes the first observation period
MEDICAL_HISTORY = 43054928
FAMILY_HISTORY = 4210989
LOCAL_BASE = 2_000_000_000
# domain -> table, and where "possible" can be told
DOMAIN_TABLES = {
    "Condition": "condition_occurrence",
    "Drug": "drug_exposure",
    "Procedure": "procedure_occurrence",
    "Device": "device_exposure",
    "Measurement": "measurement",
    "Observation": "observation",
}
_POSSIBLE_FIELD = {
    "Condition": "condition_status_source_value",
    "Procedure": "modifier_source_value",
    "Observation": "qualifier_source_value",
}
_NULLS = {
    "integer": "CAST(NULL AS BIGINT)",
    "float": "CAST(NULL AS DOUBLE)",
    "date": "CAST(NULL AS DATE)",
    "datetime": "CAST(NULL AS TIMESTAMP)",
    "varchar": "CAST(NULL AS VARCHAR)",
}
_STANDARD = f"CASE WHEN base_concept_id < {LOCAL_BASE} THEN base_concept_id ELSE 0 END"
_DAY = "CAST(clinical_time AS DATE)"


def _row(domain: str) -> dict[str, str]:
    """Field -> SQL for a present (or possible) fact of a domain. `prefix_` is how the table names its fields."""
    table = DOMAIN_TABLES[domain]
    prefix = {"Drug": "drug", "Device": "device"}.get(domain, table.split("_")[0])
    start = {
        "Condition": "condition_start",
        "Drug": "drug_exposure_start",
        "Device": "device_exposure_start",
    }.get(domain, prefix)
    row = {
        f"{table}_id": "event_id",
        "person_id": "subject_id",
        f"{prefix}_concept_id": _STANDARD,
        f"{start}_date": _DAY,
        f"{start}_datetime": "clinical_time",
        f"{prefix}_type_concept_id": str(NLP_TYPE),
        "provider_id": "provider_id",
        "visit_occurrence_id": "visit_id",
        f"{prefix}_source_value": "left(base_code, 50)",
        f"{prefix}_source_concept_id": "base_concept_id",
    }
    if domain == "Drug":
        row["drug_exposure_end_date"] = _DAY  # required; a note says only that the drug was taken on its day
    if domain in ("Measurement", "Observation"):
        row["value_as_number"] = "numeric_value"
        row["unit_source_value"] = "left(unit, 50)"
    if domain in _POSSIBLE_FIELD:
        row[_POSSIBLE_FIELD[domain]] = "CASE assertion WHEN 'possible' THEN 'possible' END"
    return row


def _told(concept: str, word: str) -> dict[str, str]:
    """Field -> SQL for an observation that tells of a fact: history, or family history, with the fact as value."""
    return {
        **_row("Observation"),
        "observation_concept_id": concept,
        "value_as_concept_id": _STANDARD,
        "value_as_string": "left(concept_name, 60)",
        "observation_source_value": f"'{word}'",
        "observation_source_concept_id": "0",
        "value_source_value": "left(base_code, 50)",
        "qualifier_source_value": "CAST(NULL AS VARCHAR)",
    }


def _select(table: str, row: dict[str, str], condition: str) -> str:
    columns = [f'{row.get(field.name, _NULLS[field.kind])} AS "{field.name}"' for field in omop_fields(table)]
    return f"SELECT {', '.join(columns)} FROM note_fact WHERE {condition}"


@dataclass(frozen=True, slots=True)
class OmopDerived:
    """`possible`: facts that notes call possible go out too, where their table has a field that says so."""

    possible: bool = False
    form: ClassVar[str] = "omop-derived"

    def write(self, run: RunFolder, database: Database, folder: Path, ledger: Ledger) -> None:
        """Write one `*_derived` file, Parquet and CSV, for each table."""
        del run
        database.execute(f"CREATE TEMP TABLE note_fact AS {_FACTS}")
        duplicate = value(database, "SELECT event_id FROM note_fact GROUP BY event_id HAVING count(*) > 1 LIMIT 1")
        if duplicate is not None:
            raise RunError("two patients have an event of the same id", remedy="use another --id-key for the run")
        for domain, table in DOMAIN_TABLES.items():
            told = "'present'" + (", 'possible'" if self.possible and domain in _POSSIBLE_FIELD else "")
            parts = [_select(table, _row(domain), f"domain = '{domain}' AND assertion IN ({told})")]
            if domain == "Observation":
                history = f"CASE WHEN before_observation THEN {MEDICAL_HISTORY} ELSE {HISTORY_OF_EVENT} END"
                parts.append(_select(table, _told(history, "history of"), "assertion = 'historical'"))
                parts.append(_select(table, _told(str(FAMILY_HISTORY), "family history of"), "assertion = 'family'"))
            key = omop_fields(table)[0].name
            query = f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY person_id, {key}"
            write_omop(database, table, query, folder, f"{table}_derived", ledger)
            _check(table, folder / f"{table}_derived.parquet")
        self._count(database, ledger)

    def _count(self, database: Database, ledger: Ledger) -> None:
        for source, n in database.execute(
            "SELECT source, count(*) FROM event WHERE source <> 'note' GROUP BY 1 ORDER BY 1"
        ).fetchall():
            ledger.withhold(f"source_is_{source}", n)
        for assertion, n in database.execute(
            "SELECT assertion, count(*) FROM note_fact WHERE assertion IN ('absent', 'hypothetical') "
            "GROUP BY 1 ORDER BY 1"
        ).fetchall():
            ledger.withhold(f"assertion_is_{assertion}", n)
        ledger.withhold(
            "evidence_without_event", value(database, "SELECT count(*) FROM evidence WHERE event_id IS NULL")
        )
        known = ", ".join(f"'{domain}'" for domain in DOMAIN_TABLES)
        told = ", ".join(f"'{domain}'" for domain in _POSSIBLE_FIELD)
        for reason, condition in (
            ("domain_without_table", f"assertion = 'present' AND domain NOT IN ({known})"),
            ("possible_not_asked_for", "assertion = 'possible'" if not self.possible else "false"),
            (
                "possible_has_no_field",
                f"assertion = 'possible' AND domain NOT IN ({told})" if self.possible else "false",
            ),
        ):
            ledger.withhold(reason, value(database, f"SELECT count(*) FROM note_fact WHERE {condition}"))
        local = value(
            database,
            f"SELECT count(DISTINCT base_concept_id) FROM note_fact WHERE base_concept_id >= {LOCAL_BASE} "
            "AND assertion IN ('present', 'possible', 'historical', 'family')",
        )
        if local:
            ledger.remarks["concepts_without_omop_id"] = local


_FACTS = """
SELECT
    e.*,
    split_part(e.code, '//', 1)                                  AS base_code,
    coalesce(regexp_replace(c.description, ' \\([a-z]+\\)$', ''), split_part(e.code, '//', 1)) AS concept_name,
    n.provider_id,
    v.unit,
    coalesce(e.clinical_time < o.first_observed, false)          AS before_observation
FROM event e
LEFT JOIN note n USING (note_id)
LEFT JOIN codes c ON c.code = e.code
LEFT JOIN (SELECT event_id, min(unit) AS unit FROM evidence WHERE unit IS NOT NULL GROUP BY event_id) v
       ON v.event_id = e.event_id
LEFT JOIN (SELECT subject_id, min(observation_start) AS first_observed FROM observation_period GROUP BY 1) o
       ON o.subject_id = e.subject_id
WHERE e.source = 'note'
"""


def _check(table: str, path: Path) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as source:
        for batch in source.iter_batches(65_536):
            broken = check_lengths(table, batch)
            if broken:
                raise RunError(f"a row breaks the CDM: {', '.join(broken)}", where=path.name)
