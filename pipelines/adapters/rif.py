"""CMS Research Identifiable Files: cut by `|`, one row a line of a claim, the claim's own codes on every line.

A claim's codes count once, those of a line once a line. An UPDATE stands for the whole claim that was sent before. ICD
codes have no dot and say their version in a column beside them (0 = ICD-10, 9 = ICD-9).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .cells import require
from .facts import CodeCell, FactTable, add_facts
from .reading import Reading, type_of
from .rif_people import DAY, read_beneficiaries
from .source_file import SourceFile
from .sql_names import NOTHING, column, first_of
from .time_sql import time_sql
from .us_codes import INPATIENT, OUTPATIENT, procedure_system, real_ndc, versioned

_DIAGNOSIS = re.compile(r"icd_dgns_(?:e_)?cd(\d+)|(?:prncpal|admtg|line_icd|fst)_dgns_(?:e_)?cd|rsn_visit_cd(\d+)")
_OPERATION = re.compile(r"icd_prcdr_cd(\d+)")
_KEPT = ("INSERT", "UPDATE", "DELETE")


def rif_table(file: SourceFile) -> str | None:
    """Which RIF file it is, by its columns."""
    if not file.has("dml_ind"):
        return None
    if file.has("bene_id", "efctv_bgn_dt"):
        return "history"
    if file.has("bene_id", "bene_birth_dt"):
        return "beneficiary"
    if file.has("pde_id", "prod_srvc_id"):
        return "drug"
    if not file.has("clm_id", "bene_id"):
        return None
    if file.has("line_num"):
        return "supplier"  # carrier and durable medical equipment
    return "inpatient" if file.has("clm_ip_admsn_type_cd") else "institution"


def read_rif(reading: Reading, tables: Mapping[str, list[SourceFile]]) -> None:
    """Fill the relations from the files that are there."""
    read_beneficiaries(reading, tables.get("beneficiary", []), tables.get("history", []))
    for kind in ("supplier", "inpatient", "institution"):
        for columns, files in _alike(tables.get(kind, [])).items():
            _claims(reading, columns, files, kind)
    for _, files in _alike(tables.get("drug", [])).items():
        _drugs(reading, files)


def _alike(files: list[SourceFile]) -> dict[tuple[str, ...], list[SourceFile]]:
    """Files by their columns: updates of a claim come in files of the same form."""
    groups: dict[tuple[str, ...], list[SourceFile]] = {}
    for file in files:
        groups.setdefault(file.columns, []).append(file)
    return groups


def _claims(reading: Reading, columns: tuple[str, ...], files: list[SourceFile], kind: str) -> None:
    for file in files:
        require(file, ("clm_id", "clm_from_dt"), "give the file as CMS sends it")
    known = set(columns)

    def there(name: str) -> str:
        return column(name) if name in known else NOTHING

    line = there("line_num" if "line_num" in known else "clm_line_num")
    header = {"start": "clm_from_dt", "end": there("clm_thru_dt")}
    available = first_of("nch_wkly_proc_dt", "fi_clm_proc_dt", there=columns)
    day = time_sql("clm_from_dt", reading.date_format or DAY)
    cells: list[CodeCell] = []
    for name in columns:
        if _DIAGNOSIS.fullmatch(name):
            version = there(re.sub(r"_cd(\d*)$", r"_vrsn_cd\1", name))
            system = versioned(version, day, "ICD9CM", "ICD10CM")
            cells.append(CodeCell(name, column(name), "'Condition'", system, available=available, **header))
        elif match := _OPERATION.fullmatch(name):
            done = f"coalesce({there(f'prcdr_dt{match[1]}')}, clm_from_dt)"
            system = versioned(there(f"icd_prcdr_vrsn_cd{match[1]}"), day, "ICD9Proc", "ICD10PCS")
            cells.append(CodeCell(name, column(name), "'Procedure'", system, start=done, available=available))
    if "clm_drg_cd" in known:
        cells.append(CodeCell("clm_drg_cd", "clm_drg_cd", "'Observation'", "'DRG'", available=available, **header))
    of_line = {
        "start": f"coalesce({first_of('line_1st_expns_dt', 'rev_cntr_dt', there=columns)}, clm_from_dt)",
        "available": available,
        "line": line,
    }
    if "hcpcs_cd" in known:
        system = procedure_system("hcpcs_cd")
        cells.append(CodeCell("hcpcs_cd", "hcpcs_cd", "'Procedure'", system, **of_line))
    if "line_ndc_cd" in known:
        cells.append(CodeCell("line_ndc_cd", real_ndc("line_ndc_cd"), "'Drug'", "'NDC'", **of_line))
    wanted = ["dml_ind", "final_action", "bene_id", "clm_id", "clm_from_dt", "clm_thru_dt", *columns]
    reading.load("rif", files, wanted, piped=True)
    _settle_versions(reading, "clm_id")
    _add(reading, cells, "clm_id")
    through = time_sql("clm_thru_dt", reading.date_format or DAY)
    reading.database.execute(
        f"INSERT INTO visit_row SELECT clm_id, clm_id, min(bene_id), min({day}), max({through}), "
        f"{INPATIENT if kind == 'inpatient' else OUTPATIENT} FROM rif WHERE clm_id IS NOT NULL GROUP BY 1"
    )


def _drugs(reading: Reading, files: list[SourceFile]) -> None:
    for file in files:
        require(file, ("bene_id", "srvc_dt"), "give the file as CMS sends it")
    wanted = ["dml_ind", "final_action", "bene_id", "pde_id", "srvc_dt", "pd_dt", "prod_srvc_id", "adjstmt_dltn_cd"]
    reading.load("rif", files, wanted, piped=True)
    reading.set_aside("rif", "adjstmt_dltn_cd = 'D'", "deleted")
    _settle_versions(reading, "pde_id")
    cell = CodeCell(
        "prod_srvc_id", real_ndc("prod_srvc_id"), "'Drug'", "'NDC'", start="srvc_dt", available="pd_dt", line="pde_id"
    )
    _add(reading, [cell], NOTHING)


def _settle_versions(reading: Reading, claim: str) -> None:
    """Of what was sent for a claim the latest counts; what is deleted or no longer final does not."""
    given = ", ".join(f"'{word}'" for word in _KEPT)
    reading.set_aside("rif", f"coalesce(upper(dml_ind), '') NOT IN ({given})", "unknown_dml_ind")
    order = "CASE upper(dml_ind) WHEN 'INSERT' THEN 0 ELSE 1 END"
    reading.database.execute(
        f"CREATE OR REPLACE TEMP TABLE latest AS SELECT {claim} AS claim, max(({order}, file)) AS last FROM rif "
        f"WHERE upper(dml_ind) <> 'INSERT' GROUP BY 1"
    )
    reading.set_aside(
        "rif", f"{claim} IN (SELECT claim FROM latest) AND ({order}, file) < "
        f"(SELECT any_value(last) FROM latest WHERE claim = rif.{claim})", "superseded",
    )  # fmt: skip
    reading.set_aside("rif", "upper(dml_ind) = 'DELETE'", "deleted")
    reading.set_aside("rif", "upper(final_action) = 'N'", "not_final")


def _add(reading: Reading, cells: list[CodeCell], visit: str) -> None:
    source = reading.source_of("claims")
    add_facts(
        reading.database,
        FactTable(
            "rif", cells, "bene_id", visit, whole_rows=False, source=source, default_type=type_of(source),
            date_format=reading.date_format or DAY, signed_people=True,
        ),
    )  # fmt: skip
