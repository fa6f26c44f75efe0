"""Small sources written in the layouts of their publishers, and the accounts that every import must balance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from phenotext.pipelines.claims_import import ImportOptions, import_claims

SYNPUF_HEADER = {
    "beneficiary": "DESYNPUF_ID,BENE_BIRTH_DT,BENE_DEATH_DT,BENE_SEX_IDENT_CD,BENE_RACE_CD,BENE_ESRD_IND,SP_STATE_CODE,"
    "BENE_COUNTY_CD,BENE_HI_CVRAGE_TOT_MONS,BENE_SMI_CVRAGE_TOT_MONS,BENE_HMO_CVRAGE_TOT_MONS,PLAN_CVRG_MOS_NUM",
    "inpatient": "DESYNPUF_ID,CLM_ID,SEGMENT,CLM_FROM_DT,CLM_THRU_DT,PRVDR_NUM,CLM_PMT_AMT,AT_PHYSN_NPI,CLM_ADMSN_DT,"
    "ADMTNG_ICD9_DGNS_CD,NCH_BENE_DSCHRG_DT,CLM_DRG_CD,"
    + ",".join(f"ICD9_DGNS_CD_{i}" for i in range(1, 11))
    + ","
    + ",".join(f"ICD9_PRCDR_CD_{i}" for i in range(1, 7))
    + ","
    + ",".join(f"HCPCS_CD_{i}" for i in range(1, 46)),
    "outpatient": "DESYNPUF_ID,CLM_ID,SEGMENT,CLM_FROM_DT,CLM_THRU_DT,PRVDR_NUM,CLM_PMT_AMT,"
    + ",".join(f"ICD9_DGNS_CD_{i}" for i in range(1, 11))
    + ","
    + ",".join(f"ICD9_PRCDR_CD_{i}" for i in range(1, 7))
    + ",ADMTNG_ICD9_DGNS_CD,"
    + ",".join(f"HCPCS_CD_{i}" for i in range(1, 46)),
    "carrier": "DESYNPUF_ID,CLM_ID,CLM_FROM_DT,CLM_THRU_DT,"
    + ",".join(f"ICD9_DGNS_CD_{i}" for i in range(1, 9))
    + ","
    + ",".join(f"HCPCS_CD_{i}" for i in range(1, 14))
    + ","
    + ",".join(f"LINE_NCH_PMT_AMT_{i}" for i in range(1, 14))
    + ","
    + ",".join(f"LINE_ICD9_DGNS_CD_{i}" for i in range(1, 14)),
    "drug": "DESYNPUF_ID,PDE_ID,SRVC_DT,PROD_SRVC_ID,QTY_DSPNSD_NUM,DAYS_SUPLY_NUM,PTNT_PAY_AMT,TOT_RX_CST_AMT",
}
RIF_HEADER = {
    "beneficiary": "DML_IND|BENE_ID|STATE_CODE|BENE_BIRTH_DT|BENE_SEX_IDENT_CD|BENE_RACE_CD|"
    "BENE_SRNM_NAME|DEATH_DT|RFRNC_YR|" + "|".join(f"MDCR_ENTLMT_BUYIN_{i}_IND" for i in range(1, 13)),
    "carrier": "DML_IND|BENE_ID|CLM_ID|CLM_GRP_ID|FINAL_ACTION|CLM_FROM_DT|CLM_THRU_DT|"
    "NCH_WKLY_PROC_DT|PRNCPAL_DGNS_CD|"
    "PRNCPAL_DGNS_VRSN_CD|ICD_DGNS_CD1|ICD_DGNS_VRSN_CD1|ICD_DGNS_CD2|ICD_DGNS_VRSN_CD2|LINE_NUM|LINE_1ST_EXPNS_DT|"
    "HCPCS_CD|LINE_ICD_DGNS_CD|LINE_ICD_DGNS_VRSN_CD|LINE_NDC_CD",
    "inpatient": "DML_IND|BENE_ID|CLM_ID|CLM_GRP_ID|FINAL_ACTION|CLM_FROM_DT|CLM_THRU_DT|NCH_WKLY_PROC_DT|"
    "CLM_IP_ADMSN_TYPE_CD|CLM_DRG_CD|ADMTG_DGNS_CD|ADMTG_DGNS_VRSN_CD|ICD_DGNS_CD1|ICD_DGNS_VRSN_CD1|ICD_PRCDR_CD1|"
    "ICD_PRCDR_VRSN_CD1|PRCDR_DT1|CLM_LINE_NUM|REV_CNTR|HCPCS_CD",
    "drug": "DML_IND|PDE_ID|CLM_GRP_ID|FINAL_ACTION|BENE_ID|SRVC_DT|PD_DT|PROD_SRVC_ID|ADJSTMT_DLTN_CD",
}


def wide(header: str, rows: Iterable[Mapping[str, str]], mark: str = ",") -> str:
    """A table from the cells that are filled."""
    names = header.split(mark)
    lines = [header]
    for row in rows:
        assert set(row) <= set(names), set(row) - set(names)
        lines.append(mark.join(row.get(name, "") for name in names))
    return "\n".join(lines) + "\n"


def put_files(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def take_in(source: Path, out: Path, **options: Any) -> dict[str, Any]:
    """Import, check the accounts, and return the counts."""
    document = import_claims(ImportOptions(source, out, **options))
    counts = document["counts"]
    check_accounts(counts)
    bad = table(out, "quarantine")
    assert sum(counts["quarantined"].values()) == len(bad)
    assert len({(row["file"], row["row"]) for row in bad}) == len(bad)
    assert counts["rows_unmapped"] == sum(row["rows"] for row in table(out, "unmapped"))
    assert counts["events"] == len(table(out, "event"))
    return counts


def check_accounts(counts: Mapping[str, Any]) -> None:
    """Nothing is lost: what came in is in events, said before, unusable with a reason, or without a code."""
    assert counts["rows_in"] == counts["rows_set_aside"] + counts["rows_without_code"] + counts["rows_with_codes"]
    assert counts["codes_in"] == counts["codes_quarantined"] + counts["codes_repeated"] + counts["codes_in_events"]
    assert counts["events"] == counts["codes_in_events"] + counts["events_of_further_concepts"]
    mapped = counts["rows_mapped"] + counts["rows_source_concept"] + counts["rows_unmapped"]
    assert counts["codes_in_events"] == counts["rows"] == mapped


def table(out: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(out / f"{name}.parquet").to_pylist()


def patient_numbers(out: Path) -> dict[str, int]:
    return {row["source_id"]: row["id"] for row in table(out / "private", "id_map") if row["kind"] == "patient"}
