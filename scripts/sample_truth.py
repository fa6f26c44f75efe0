"""The truth table of generated sample patients, derived from the facts of their notes and the codes of their claims."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sample_course import Entry, Patient
from sample_notes import CLASSES

# Short key: code, name in the SNOMED CT Global Patient Set, pattern of the ICD-10-CM codes that mean it.
PHENOTYPES = {
    "t2dm": ("44054006", "Diabetes mellitus type 2", "E11"),
    "hf": ("84114007", "Heart failure", "I50"),
    "copd": ("13645005", "Chronic obstructive lung disease", "J4[34]"),
    "ra": ("69896004", "Rheumatoid arthritis", "M0[56]"),
    "ms": ("24700007", "Multiple sclerosis", "G35"),
    "nsclc": ("254637007", "Non-small cell lung cancer", "C34"),
    "lungca": ("363358000", "Malignant tumor of lung", "C34"),
    "lungadeno": ("254626006", "Adenocarcinoma of lung", "C34"),
    "ckd": ("709044004", "Chronic kidney disease", "N18"),
    "af": ("49436004", "Atrial fibrillation", "I48"),
    "pe": ("59282003", "Pulmonary embolism", r"I26|O88\.2"),
    "dvt": ("128053003", "Deep venous thrombosis", "I82"),
    "asthma": ("195967001", "Asthma", "J45"),
    "sle": ("55464009", "Systemic lupus erythematosus", "M32"),
    "brca": ("254837009", "Malignant neoplasm of breast", "C50"),
    "dementia": ("52448006", "Dementia", "F0[123]|G30"),
    "ild": ("233703007", "Interstitial lung disease", r"J84\.1"),
}
STATUS_RANK = {"present": 0, "past": 1, "absent": 2, "never": 3}


@dataclass(slots=True)
class TruthRow:
    status: str
    since: str
    why: list[str] = field(default_factory=list)


def spoken(kind: str) -> str:
    """Note class inside a sentence: `clinic note`, `ED triage note`."""
    name = CLASSES[kind]
    return name if name[1].isupper() else name[0].lower() + name[1:]


def truth_rows(patient: Patient, entries: list[Entry], texts: str, codes: list[str]) -> list[list[str]]:
    """Rows as in truth.csv, from what the notes were told to say; a present disease outranks a denial of it."""
    best: dict[tuple[str, str], TruthRow] = {}

    def put(disease: str, status: str, since: str, why: str) -> None:
        slot = "family" if status == "family" else "self"
        row = best.get((disease, slot))
        if row is None or (slot == "self" and STATUS_RANK[status] < STATUS_RANK[row.status]):
            best[disease, slot] = TruthRow(status, since, [why])
        elif row.status == status and why not in row.why:
            row.why.append(why)

    notes = [entry for entry in entries if entry.kind != "claim"]
    for disease, since in patient.has.items():
        told = Counter(spoken(entry.kind) for entry in notes if disease in dict(entry.about))
        kinds = ", ".join(f"{name} ({n})" if n > 1 else name for name, n in told.items())
        put(disease, "present", since, f"Notes: {kinds}" if told else "The notes never speak of it")
        if disease == "nsclc":
            put("lungca", "present", since, "Parent of the same disease")
            put("lungadeno", "present", since, "The type, told by pathology; C34 codes do not tell it")
    for entry in notes:
        day = entry.when.date().isoformat()
        where = spoken(entry.kind)
        for fact in entry.facts:
            name, detail = fact.disease, fact.detail
            twins = [name, "lungca"] if name == "nsclc" else [name, "nsclc"] if name == "lungca" else [name]
            for twin in twins:
                typed = twin != name and name == "lungca"  # "lung cancer" of a relative: the type is not told
                match fact.kind:
                    case "deny":
                        put(twin, "absent", day, f"Denied in the {where}")
                    case "ruleout":
                        put(twin, "absent", day, f"Excluded by {detail} ({where})")
                    case "past":
                        put(twin, "past", detail, "Long over")
                    case "family" if not typed:
                        put(twin, "family", "", detail.capitalize())
                    case "family":
                        put(twin, "never", "", f"The type of the {detail}'s lung cancer is not told")
                    case "suspect":
                        put(twin, "never", "", f"Only a question of the {where}")
                    case "hypo":
                        put(twin, "never", "", "Only a precaution")
                    case _:
                        put(twin, "never", "", f"The {detail} has it")
    for disease, short, other in (("ra", "RA", "room air"), ("pe", "PE", "the physical exam")):
        if re.search(rf"\b{short}\b", texts) and (disease, "self") not in best:
            put(disease, "never", "", f'"{short}" is {other}')
    found = []
    for (disease, _), row in best.items():
        code, name, pattern = PHENOTYPES[disease]
        claimed = sorted({icd for icd in codes if re.match(pattern, icd)})
        said = row.status != "never" and not row.why[0].startswith("The notes never")
        why = "; ".join(row.why)
        if row.status != "family":
            why += f"; claims {', '.join(claimed)}" if claimed else ""
        marked = int(bool(claimed))
        found.append([patient.patient_id, name, code, row.status, row.since, str(int(said)), str(marked), why])
    order = ["present", "past", "absent", "family", "never"]
    return sorted(found, key=lambda row: (order.index(row[3]), row[1]))


def check_codes(truth: str, gps: Path) -> int:
    """Number of codes whose name in the Global Patient Set differs from the truth table's; each is printed."""
    with gps.open(encoding="utf-8", newline="") as lines:
        names = {row["code"]: row["fsn"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}
    wanted = {(row["snomed_code"], row["phenotype"]) for row in csv.DictReader(io.StringIO(truth))}
    wanted |= {(code, name) for code, name, _ in PHENOTYPES.values()}
    wrong = [(code, name) for code, name in sorted(wanted) if re.sub(r" \([^)]*\)$", "", names.get(code, "")) != name]
    for code, name in sorted(wanted):
        print(f"{'miss' if (code, name) in wrong else 'hit '}  {code}  {name}")
    return len(wrong)
