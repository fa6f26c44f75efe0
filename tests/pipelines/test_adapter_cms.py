"""CMS files, DE-SynPUF and RIF, become events: samples in the publishers' layouts, and the real ones where they are."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from phenotext.pipelines.adapters.recognize import recognize
from phenotext.pipelines.errors import RunError

from .adapter_samples import RIF_HEADER, SYNPUF_HEADER, patient_numbers, put_files, table, take_in, wide

ADA, BOB = "00013D2EFD8E45D1", "00016F745862898F"


def synpuf(tmp_path: Path) -> Path:
    people = [
        {"DESYNPUF_ID": ADA, "BENE_BIRTH_DT": "19230501", "BENE_SEX_IDENT_CD": "1", "BENE_RACE_CD": "1",
         "BENE_HI_CVRAGE_TOT_MONS": "12", "BENE_SMI_CVRAGE_TOT_MONS": "12"},
        {"DESYNPUF_ID": BOB, "BENE_BIRTH_DT": "19430101", "BENE_SEX_IDENT_CD": "2", "BENE_RACE_CD": "5",
         "BENE_HI_CVRAGE_TOT_MONS": "3", "BENE_SMI_CVRAGE_TOT_MONS": "3"},
    ]  # fmt: skip
    later = [{**people[0], "BENE_DEATH_DT": "20090610"}]
    stay = {"DESYNPUF_ID": ADA, "CLM_ID": "196661176988405", "SEGMENT": "1", "CLM_FROM_DT": "20080312",
            "CLM_THRU_DT": "20080313", "CLM_ADMSN_DT": "20080312", "ADMTNG_ICD9_DGNS_CD": "4580",
            "ICD9_DGNS_CD_1": "7802", "ICD9_DGNS_CD_2": "78820", "ICD9_DGNS_CD_3": "V4501", "ICD9_DGNS_CD_4": "7802",
            "ICD9_PRCDR_CD_1": "3995", "HCPCS_CD_1": "99223"}  # fmt: skip
    visits = [
        {"DESYNPUF_ID": BOB, "CLM_ID": "542192281063886", "SEGMENT": "1", "CLM_FROM_DT": "20080904",
         "CLM_THRU_DT": "20080904", "ICD9_DGNS_CD_1": "25000", "HCPCS_CD_1": "84443", "HCPCS_CD_2": "G0103",
         "HCPCS_CD_3": "84443"},
        {"DESYNPUF_ID": "FFFF", "CLM_ID": "5", "SEGMENT": "1", "CLM_FROM_DT": "20080904", "ICD9_DGNS_CD_1": "25000"},
        {"DESYNPUF_ID": BOB, "CLM_ID": "6", "SEGMENT": "1", "CLM_FROM_DT": "20081304", "ICD9_DGNS_CD_1": "25000",
         "ICD9_DGNS_CD_2": "4011"},
        {"DESYNPUF_ID": BOB, "CLM_ID": "7", "SEGMENT": "1", "CLM_FROM_DT": "20080904", "CLM_THRU_DT": "20080804",
         "ICD9_DGNS_CD_1": "25000"},
        {"DESYNPUF_ID": BOB, "CLM_ID": "8", "SEGMENT": "1", "CLM_FROM_DT": "20080904"},
    ]  # fmt: skip
    doctor = {"DESYNPUF_ID": BOB, "CLM_ID": "887213386947664", "CLM_FROM_DT": "20090106", "CLM_THRU_DT": "20090106",
              "ICD9_DGNS_CD_1": "25000", "HCPCS_CD_1": "99213", "HCPCS_CD_2": "J1100", "LINE_ICD9_DGNS_CD_1": "25000",
              "LINE_ICD9_DGNS_CD_2": "4011"}  # fmt: skip
    drug = {"DESYNPUF_ID": ADA, "PDE_ID": "233024488623927", "SRVC_DT": "20080902", "PROD_SRVC_ID": "00247037252"}
    return put_files(
        tmp_path / "synpuf",
        {
            "DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv": wide(SYNPUF_HEADER["beneficiary"], people),
            "DE1_0_2009_Beneficiary_Summary_File_Sample_1.csv": wide(SYNPUF_HEADER["beneficiary"], later),
            "DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv": wide(SYNPUF_HEADER["inpatient"], [stay, stay]),
            "DE1_0_2008_to_2010_Outpatient_Claims_Sample_1.csv": wide(SYNPUF_HEADER["outpatient"], visits),
            "DE1_0_2008_to_2010_Carrier_Claims_Sample_1A.csv": wide(SYNPUF_HEADER["carrier"], [doctor]),
            "DE1_0_2008_to_2010_Prescription_Drug_Events_Sample_1.csv": wide(
                SYNPUF_HEADER["drug"], [drug, {**drug, "PDE_ID": "2", "PROD_SRVC_ID": "00000000000"}]
            ),
        },
    )


def test_synpuf_codes_stand_apart(tmp_path: Path) -> None:
    source = synpuf(tmp_path)
    assert recognize(source).form == "desynpuf"
    counts = take_in(source, tmp_path / "out")
    events = table(tmp_path / "out", "event")
    found = Counter((event["code"], event["domain"]) for event in events)
    assert found == {
        ("ICD9CM/458.0", "Condition"): 1, ("ICD9CM/780.2", "Condition"): 1, ("ICD9CM/788.20", "Condition"): 1,
        ("ICD9CM/V45.01", "Condition"): 1, ("ICD9Proc/39.95", "Procedure"): 1, ("CPT4/99223", "Procedure"): 1,
        ("ICD9CM/250.00", "Condition"): 2, ("CPT4/84443", "Procedure"): 2, ("HCPCS/G0103", "Procedure"): 1,
        ("CPT4/99213", "Procedure"): 1, ("HCPCS/J1100", "Procedure"): 1, ("ICD9CM/401.1", "Condition"): 1,
        ("NDC/00247037252", "Drug"): 1,
    }  # fmt: skip
    # the stay is there twice, names one diagnosis twice; the doctor's line repeats the claim's diagnosis
    assert counts["codes_repeated"] == 7 + 1 + 1
    assert counts["rows_without_code"] == 2  # a claim without codes, a drug without an NDC
    bad = Counter(
        (row["reason"], row["file"].split("#")[1], row["row"]) for row in table(tmp_path / "out", "quarantine")
    )
    assert bad == {
        ("unknown_person", "icd9_dgns_cd_1", 2): 1, ("unreadable_date", "icd9_dgns_cd_1", 3): 1,
        ("unreadable_date", "icd9_dgns_cd_2", 3): 1, ("end_before_start", "icd9_dgns_cd_1", 4): 1,
    }  # fmt: skip


def test_synpuf_people(tmp_path: Path) -> None:
    out = tmp_path / "out"
    take_in(synpuf(tmp_path), out)
    ids = patient_numbers(out)
    people = {row["subject_id"]: row for row in table(out, "person")}
    assert people[ids[ADA]]["death_time"] == datetime(2009, 6, 10)
    assert people[ids[ADA]]["birth_date"] == datetime(1923, 5, 1)
    assert (people[ids[BOB]]["gender_concept_id"], people[ids[BOB]]["ethnicity_concept_id"]) == (8532, 38003563)
    periods = {row["subject_id"]: row for row in table(out, "observation_period")}
    # two years that follow each other are one period; it ends with the death
    assert periods[ids[ADA]]["observation_start"] == datetime(2008, 1, 1)
    assert periods[ids[ADA]]["observation_end"] == datetime(2009, 6, 10)
    assert periods[ids[BOB]]["observation_start"] == datetime(2008, 10, 1)
    assert {row["visit_concept_id"] for row in table(out, "visit")} == {9201, 9202}


LINE = {"DML_IND": "INSERT", "BENE_ID": "-17", "CLM_ID": "-900", "FINAL_ACTION": "F", "CLM_FROM_DT": "27-OCT-2016",
        "CLM_THRU_DT": "28-OCT-2016", "NCH_WKLY_PROC_DT": "06-Nov-2016", "PRNCPAL_DGNS_CD": "E1121",
        "PRNCPAL_DGNS_VRSN_CD": "0", "ICD_DGNS_CD1": "E1121", "ICD_DGNS_VRSN_CD1": "0", "ICD_DGNS_CD2": "25000",
        "ICD_DGNS_VRSN_CD2": "9", "LINE_1ST_EXPNS_DT": "28-OCT-2016", "LINE_ICD_DGNS_CD": "E1121",
        "LINE_ICD_DGNS_VRSN_CD": "0"}  # fmt: skip


def rif(tmp_path: Path, carrier: list[dict[str, str]], **files: str) -> Path:
    people = [
        {"DML_IND": "INSERT", "BENE_ID": "-17", "BENE_BIRTH_DT": "17-MAR-1940", "BENE_SEX_IDENT_CD": "2",
         "BENE_RACE_CD": "2", "BENE_SRNM_NAME": "O\\Hara \"Jr", "RFRNC_YR": "2016",
         **{f"MDCR_ENTLMT_BUYIN_{month}_IND": "0" if month < 4 else "3" for month in range(1, 13)}},
        {"DML_IND": "UPDATE", "BENE_ID": "-17", "BENE_BIRTH_DT": "17-MAR-1940", "BENE_SEX_IDENT_CD": "2",
         "DEATH_DT": "02-Feb-2017", "RFRNC_YR": "2017", "MDCR_ENTLMT_BUYIN_1_IND": "3"},
        {"DML_IND": "INSERT", "BENE_ID": "18", "BENE_BIRTH_DT": "17-MAR-1941", "BENE_SEX_IDENT_CD": "1"},
    ]  # fmt: skip
    return put_files(
        tmp_path / "rif",
        {
            # a mark of byte order and a bar too many at the end of a line, as in files that CMS sends
            "beneficiary_2016.csv": "\ufeff" + wide(RIF_HEADER["beneficiary"], people, "|"),
            "carrier.txt": wide(RIF_HEADER["carrier"], carrier, "|").rstrip("\n") + "|\n",
            **files,
        },
    )


def test_a_rif_claim_counts_once_and_its_lines_each(tmp_path: Path) -> None:
    lines = [{**LINE, "LINE_NUM": "1", "HCPCS_CD": "99213"}, {**LINE, "LINE_NUM": "2", "HCPCS_CD": "J1100",
             "LINE_NDC_CD": "00000000000"}, {**LINE, "LINE_NUM": "2", "HCPCS_CD": "J1100"},
             {**LINE, "LINE_NUM": "3", "HCPCS_CD": "99213", "LINE_NDC_CD": "00093104801"}]  # fmt: skip
    counts = take_in(rif(tmp_path, lines), tmp_path / "out")
    events = table(tmp_path / "out", "event")
    found = Counter(event["code"] for event in events)
    assert found.pop("ICD10CM/E11.21") >= 1  # more than one where the code says several things
    assert found == {"ICD9CM/250.00": 1, "CPT4/99213": 2, "HCPCS/J1100": 1, "NDC/00093104801": 1}
    assert counts["codes_in_events"] == 6
    assert counts["codes_repeated"] == 4 * 4 - 2 + 1
    first = next(event for event in events if event["code"] == "ICD9CM/250.00")
    assert (first["time"], first["available_time"]) == (datetime(2016, 10, 27), datetime(2016, 11, 6))
    line = next(event for event in events if event["code"] == "HCPCS/J1100")
    assert line["time"] == datetime(2016, 10, 28)
    assert line["visit_id"] == first["visit_id"] is not None
    assert counts["events_default_lag"] == 0


def test_rif_people_and_months(tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = take_in(rif(tmp_path, [{**LINE, "LINE_NUM": "1"}]), out)
    ids = patient_numbers(out)
    assert ids["18"] == 18
    assert ids["-17"] > 0  # CMS writes made-up beneficiaries with a minus: no number of the tables, so hashed
    person = next(row for row in table(out, "person") if row["subject_id"] == ids["-17"])
    assert (person["gender_concept_id"], person["death_time"]) == (8532, datetime(2017, 2, 2))
    assert [(row["observation_start"], row["observation_end"]) for row in table(out, "observation_period")] == [
        (datetime(2016, 4, 1), datetime(2017, 1, 31))
    ]
    assert counts["beneficiary_rows_without_year"] == 1


def test_updates_deletions_and_claims_that_are_not_final(tmp_path: Path) -> None:
    old = {**LINE, "LINE_NUM": "1", "HCPCS_CD": "99213"}
    lines = [old, {**old, "CLM_ID": "-901"}, {**old, "CLM_ID": "-902", "FINAL_ACTION": "N"},
             {**old, "CLM_ID": "-903"}, {**old, "CLM_ID": "-904", "DML_IND": "X"}]  # fmt: skip
    update = [{**old, "DML_IND": "UPDATE", "ICD_DGNS_CD2": "", "HCPCS_CD": "99214"},
              {**old, "DML_IND": "DELETE", "CLM_ID": "-901"}]  # fmt: skip
    source = rif(tmp_path, lines, **{"carrier_update.txt": wide(RIF_HEADER["carrier"], update, "|")})
    counts = take_in(source, tmp_path / "out")
    assert counts["quarantined"] == {"deleted": 1, "not_final": 1, "superseded": 2, "unknown_dml_ind": 1}
    assert counts["rows_set_aside"] == 5
    codes = Counter(event["code"] for event in table(tmp_path / "out", "event") if event["code"].startswith("CPT4"))
    assert codes == {"CPT4/99214": 1, "CPT4/99213": 1}


def test_inpatient_claims_and_drugs(tmp_path: Path) -> None:
    stay = {"DML_IND": "INSERT", "BENE_ID": "18", "CLM_ID": "7", "FINAL_ACTION": "F", "CLM_FROM_DT": "15-JAN-2015",
            "CLM_THRU_DT": "27-JAN-2015", "CLM_IP_ADMSN_TYPE_CD": "1", "CLM_DRG_CD": "6955", "ADMTG_DGNS_CD": "4280",
            "ICD_DGNS_CD1": "42833", "ICD_PRCDR_CD1": "3995", "PRCDR_DT1": "20-JAN-2015", "CLM_LINE_NUM": "1",
            "HCPCS_CD": "0"}  # fmt: skip
    drugs = [{"DML_IND": "INSERT", "PDE_ID": str(number), "FINAL_ACTION": "F", "BENE_ID": "18",
              "SRVC_DT": "01-Mar-2015",
              "PD_DT": "09-Mar-2015", "PROD_SRVC_ID": "50090443201", "ADJSTMT_DLTN_CD": mark}
             for number, mark in enumerate(("", "", "D"))]  # fmt: skip
    source = rif(
        tmp_path, [{**LINE, "LINE_NUM": "1"}], **{
            "inpatient.csv": wide(RIF_HEADER["inpatient"], [stay], "|"),
            "pde.csv": wide(RIF_HEADER["drug"], drugs, "|"),
        },
    )  # fmt: skip
    take_in(source, tmp_path / "out")
    mine = [event for event in table(tmp_path / "out", "event") if event["subject_id"] == 18]
    # no version codes: before October 2015 they are ICD-9
    assert {event["code"]: event["time"].day for event in mine} == {
        "ICD9CM/428.0": 15, "ICD9CM/428.33": 15, "ICD9Proc/39.95": 20, "DRG/6955": 15, "HCPCS/0": 15,
        "NDC/50090443201": 1,
    }  # fmt: skip
    assert sum(event["code"].startswith("NDC") for event in mine) == 2  # one a fill; the deleted one is none


def test_files_of_two_forms_are_refused(tmp_path: Path) -> None:
    source = rif(tmp_path, [{**LINE, "LINE_NUM": "1"}])
    (source / "condition_occurrence.csv").write_text(
        "person_id,condition_concept_id,condition_start_date\n1,1,2020-01-01\n"
    )
    with pytest.raises(RunError, match="several forms"):
        take_in(source, tmp_path / "out")


_HEADER_CODE = re.compile(r"icd_dgns_(e_)?cd\d+|(prncpal|admtg|line_icd|fst)_dgns_(e_)?cd|rsn_visit_cd\d+|clm_drg_cd")


def counted_by_hand(folder: Path) -> tuple[int, int, int]:
    """Rows, filled code cells and different facts of the claims, without the package."""
    rows = cells = 0
    facts: set[tuple[str, ...]] = set()
    for path in sorted(folder.iterdir()):
        lines = path.read_text(encoding="utf-8-sig").split("\n")
        names = lines[0].strip().lower().split("|")
        if "dml_ind" not in names or not {"clm_id", "pde_id"} & set(names):
            continue
        for line in filter(str.strip, lines[1:]):
            rows += 1
            values = line.split("|")
            if len(values) != len(names) and (len(values) != len(names) + 1 or values[-1].strip()):
                continue  # more cells than names: nobody knows which is which
            row = {name: value.strip() for name, value in zip(names, values)}
            if row["final_action"] == "N":
                continue
            claim = row.get("clm_id") or row["pde_id"]
            line_number = row.get("line_num") or row.get("clm_line_num") or ""
            for name, code in row.items():
                version = row.get(re.sub(r"_cd(\d*)$", r"_vrsn_cd\1", name), "")
                day = row.get("line_1st_expns_dt") or row.get("rev_cntr_dt") or ""
                if not code or (name in ("line_ndc_cd", "prod_srvc_id") and not code.strip("0")):
                    continue
                if _HEADER_CODE.fullmatch(name):
                    fact = (claim, "drg" if name == "clm_drg_cd" else "icd", code, version)
                elif re.fullmatch(r"icd_prcdr_cd\d+", name):
                    fact = (claim, "operation", code, version, row.get(f"prcdr_dt{name[12:]}", ""))
                elif name in ("hcpcs_cd", "line_ndc_cd", "prod_srvc_id"):
                    fact = (claim, name, code, line_number, day)
                else:
                    continue
                cells += 1
                facts.add(fact)
    return rows, cells, len(facts)


@pytest.mark.parametrize("name", ["rif-synthea", "rif-static-samples"])
def test_real_rif_samples(name: str, tmp_path: Path, shared: Path) -> None:
    folder = shared / "data" / "terminology" / "bfd_rif" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    counts = take_in(folder, tmp_path / "out")
    rows, cells, facts = counted_by_hand(folder)
    assert (counts["rows_in"], counts["codes_in"], counts["codes_in_events"]) == (rows, cells, facts)
    assert facts > 50
    people = {line.split("|")[1] for path in folder.iterdir() if "benef" in path.name
              for line in path.read_text(encoding="utf-8-sig").split("\n")[1:] if line.strip()}  # fmt: skip
    assert counts["persons"] == len(people)
    # a bar with a backslash before it is a bar: an address of a sample has one
    assert [row for row in table(tmp_path / "out", "quarantine") if "backslash" in row["file"]] == []
