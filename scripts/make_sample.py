"""Build the sample that ships: the hand-written patients as they are, and generated patients after them.

    python scripts/make_sample.py [--sample DIR] [--out DIR] [--gps gps_2020.tsv]

Reads DIR/handwritten and DIR/generator; writes notes.jsonl, truth.csv and claims/*.csv. Same bytes on every run: each
note has its own seed. The truth table of a generated patient is derived from the facts its notes were written from and
the codes its claims carry. With --gps, every code of the truth table is checked by name and nothing else is written.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from sample_course import Entry, Medication, Patient, read_entries, read_medications, read_patients
from sample_notes import HE, REPORTS, Draft, PhraseBook

SAMPLE = Path(__file__).resolve().parent.parent / "pipelines" / "data" / "sample"
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
CLASSES = {
    "clinic": "Clinic note", "consult": "Consult note", "dc": "Discharge summary", "tri": "ED triage note",
    "rn": "Nursing note", "tel": "Telephone encounter", "avs": "After-visit summary", "problems": "Problem list",
    "path": "Pathology report", "echo": "Echocardiogram", "mon": "Cardiac monitor report", "pft": "Pulmonary function report",
} | dict.fromkeys(REPORTS, "Radiology report")  # fmt: skip
SIGNERS = {
    "dc": "dr-ward", "tri": "rn-vane", "rn": "rn-harrow", "tel": "rn-harrow", "path": "dr-slide", "echo": "dr-sinus",
    "mon": "dr-sinus", "pft": "dr-alveol",
} | dict.fromkeys(REPORTS, "dr-lumen")  # fmt: skip
PROCEDURES = {
    "clinic": "99214", "consult": "99204", "dc": "99239", "tri": "99284", "rn": "99211", "avs": "99213", "problems": "99213",
    "cxr": "71046", "ct": "71260", "mri": "70553", "us": "76775", "xr": "73130", "leg": "93971", "joint": "73502",
    "path": "88305", "echo": "93306", "mon": "93245", "pft": "94060", "claim": "99213",
}  # fmt: skip
MEASURED = {"a1c": ("4548-4", 3004410, "%"), "cr": ("2160-0", 3016723, "mg/dL"), "k": ("2823-3", 3023103, "mmol/L"),
            "bnp": ("33762-6", 3029187, "pg/mL")}  # fmt: skip
VISIT_TYPES = {"dc": 9201, "tri": 9203}
RACES = {"White": 8527, "Black": 8516, "Asian": 8515}
ETHNICITIES = {"Not Hispanic": 38003564, "Hispanic": 38003563}
GENDERS = {"F": 8532, "M": 8507}
STATUS_RANK = {"present": 0, "past": 1, "absent": 2, "never": 3}


@dataclass(slots=True)
class Claims:
    """The hand-written tables, to which rows are added; ids go on from the last one."""

    tables: dict[str, list[list[str]]]

    @classmethod
    def read(cls, folder: Path) -> Claims:
        tables = {}
        for path in sorted(folder.glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as lines:
                tables[path.stem] = list(csv.reader(lines))
        return cls(tables)

    def add(self, table: str, **cells: object) -> str:
        """Append a row: cells by column name, zeros where the table holds concept ids, otherwise empty."""
        header, *body = self.tables[table]
        identifier = str(cells.get(header[0]) or int(body[-1][0]) + 1)
        cells[header[0]] = identifier
        if unknown := cells.keys() - set(header):
            raise ValueError(f"{table}: no columns {sorted(unknown)}")
        optional = {"route_concept_id", "modifier_concept_id", "unit_concept_id", "value_as_concept_id", "meas_event_field_concept_id"}
        zero = [name for name in header if name.endswith("_concept_id") and name not in optional]
        self.tables[table].append([str(cells.get(name, "0" if name in zero else "")) for name in header])
        return identifier

    def ids(self, table: str) -> dict[str, str]:
        """Source value to id, of provider and care_site."""
        at = self.tables[table][0].index(f"{table}_source_value")
        return {row[at]: row[0] for row in self.tables[table][1:]}

    def site_of(self) -> dict[str, str]:
        """Provider's source value to the source value of the care site."""
        sites = {identifier: name for name, identifier in self.ids("care_site").items()}
        header = self.tables["provider"][0]
        name, site = header.index("provider_source_value"), header.index("care_site_id")
        return {row[name]: sites[row[site]] for row in self.tables["provider"][1:]}


@dataclass(slots=True)
class TruthRow:
    status: str
    since: str
    why: list[str] = field(default_factory=list)


def signer(entry: Entry, patient: Patient) -> str:
    return entry.flags.get("by") or SIGNERS.get(entry.kind, patient.pcp)


def encounter(entry: Entry) -> str:
    return f"syn-e{entry.patient[1:]}{int(entry.flags.get('with', entry.number)):02d}"


def person_rows(claims: Claims, patient: Patient) -> None:
    providers = claims.ids("provider")
    claims.add(
        "person", person_id=patient.person_id, gender_concept_id=GENDERS[patient.sex], year_of_birth=patient.born,
        race_concept_id=RACES[patient.race], ethnicity_concept_id=ETHNICITIES[patient.ethnicity],
        provider_id=providers[patient.pcp], person_source_value=patient.patient_id, gender_source_value=patient.sex,
        race_source_value=patient.race, ethnicity_source_value=patient.ethnicity,
    )  # fmt: skip
    claims.add(
        "observation_period", person_id=patient.person_id, observation_period_start_date=patient.insured[0],
        observation_period_end_date=patient.insured[1],
    )  # fmt: skip


def visit_rows(claims: Claims, patient: Patient, entry: Entry, kinds: Iterable[str], rng: random.Random) -> None:
    """The visit of a note with its diagnoses, procedures (also those of notes within the visit) and laboratory values."""
    last = entry.when.date()
    first = last - timedelta(days=int(entry.flags.get("stay", 0)))
    paid = last + timedelta(days=rng.randint(20, 48))
    who = signer(entry, patient)
    provider = claims.ids("provider")[who]
    common = dict(person_id=patient.person_id, provider_id=provider, paid_date=paid)
    visit = claims.add(
        "visit_occurrence", visit_concept_id=VISIT_TYPES.get(entry.kind, 9202), visit_start_date=first, visit_end_date=last,
        visit_type_concept_id=32810, care_site_id=claims.ids("care_site")[claims.site_of()[who]],
        visit_source_value=encounter(entry), **common,
    )  # fmt: skip
    for place, code in enumerate(entry.codes):
        claims.add(
            "condition_occurrence", condition_start_date=first, condition_end_date=last, condition_type_concept_id=32810,
            visit_occurrence_id=visit, condition_source_value=code,
            condition_status_source_value="secondary" if place else "primary", **common,
        )  # fmt: skip
    codes = [PROCEDURES[kind] for kind in kinds] + [code for code in [entry.flags.get("cpt", "")] if code]
    codes += ["83036"] if "a1c" in entry.values else []
    for code in dict.fromkeys(codes):
        claims.add(
            "procedure_occurrence", procedure_date=first, procedure_type_concept_id=32810, visit_occurrence_id=visit,
            procedure_source_value=code, **common,
        )  # fmt: skip
    for key, (loinc, concept, unit) in MEASURED.items():
        if key in entry.values:
            claims.add(
                "measurement", person_id=patient.person_id, measurement_concept_id=concept, measurement_date=last,
                measurement_type_concept_id=32810, value_as_number=entry.values[key], unit_concept_id=0,
                measurement_source_value=loinc, unit_source_value=unit, value_source_value=entry.values[key], paid_date=paid,
            )  # fmt: skip


def drug_rows(claims: Claims, patient: Patient, drug: Medication) -> None:
    """Fills one after the other from the start, within the insured time and the time of the prescription."""
    end = min(filter(None, [drug.stop, patient.insured[1]]))
    for fill in range(drug.fills):
        start = date.fromisoformat(max(drug.start, patient.insured[0])) + timedelta(days=fill * drug.days)
        if start.isoformat() < end:
            claims.add(
                "drug_exposure", person_id=patient.person_id, drug_exposure_start_date=start,
                drug_exposure_end_date=start + timedelta(days=drug.days - 1), drug_type_concept_id=32810,
                quantity=drug.quantity, days_supply=drug.days, provider_id=claims.ids("provider")[drug.provider],
                drug_source_value=drug.claim_name, paid_date=start + timedelta(days=2), route_concept_id=0,
            )  # fmt: skip


def note_slots(patient: Patient, entry: Entry, known: dict[str, str], who: Mapping[str, str], rng: random.Random) -> dict[str, str]:
    """What phrases may mention; `known` keeps the last value of each kind, and `a1c0` is the one before."""
    fresh = {key: value for key, value in entry.values.items() if not key.endswith("0")}
    upper, lower = (int(part) for part in patient.base["bp"].split("/"))
    drift = {
        "bp": f"{upper + rng.randint(-8, 8)}/{lower + rng.randint(-5, 5)}", "hr": str(int(patient.base["hr"]) + rng.randint(-5, 6)),
        "spo2": str(min(99, int(patient.base["spo2"]) + rng.randint(-1, 1))), "temp": f"{36.4 + rng.randint(0, 6) / 10:.1f}",
        "wt": known.get("wt", patient.base["wt"]),
    }  # fmt: skip
    before = {key + "0": known[key] for key in fresh if key in known}
    known |= fresh
    day = entry.when
    age = day.year - patient.born - (day.month < 7)  # no birthdays are kept; July stands for all
    words = HE[patient.sex]
    he = words | {"He": words["he"].capitalize(), "His": words["his"].capitalize()}
    about = dict(
        age=str(age), name=patient.name, job=patient.job, date=f"{day:%m/%d/%Y}", time=f"{day:%H:%M}", months=rng.choice("346"),
        date0=f"{day - timedelta(days=int(entry.flags.get('stay', 0))):%m/%d/%Y}",
    )  # fmt: skip
    return known | drift | entry.values | before | entry.values | he | about | dict(who)


def write_patient(
    patient: Patient, entries: list[Entry], drugs: list[Medication], book: PhraseBook,
    surface: Mapping[str, dict[str, str]], claims: Claims,
) -> list[dict[str, str]]:  # fmt: skip
    """The notes of one patient, oldest row first; claims rows are added on the way."""
    person_rows(claims, patient)
    also = random.Random(f"sample {patient.key}").sample(book.banks["also"], 2)
    providers = {row[8]: row[9] for row in claims.tables["provider"][1:]}
    names = {row[4]: row[1] for row in claims.tables["care_site"][1:]}
    known: dict[str, str] = {}
    histories: dict[int, tuple[str, str]] = {}
    found: list[dict[str, str]] = []
    for entry in entries:
        rng = random.Random(f"sample {patient.key} {entry.number}")
        if entry.codes and "with" not in entry.flags:
            within = [e.kind for e in entries if e.flags.get("with") == str(entry.number)]
            visit_rows(claims, patient, entry, [entry.kind, *within], rng)
        if entry.kind == "claim":
            continue
        by = signer(entry, patient)
        where = claims.site_of()[by]
        slots = note_slots(patient, entry, known, {"site": names[where], "specialty": providers[by]}, rng)
        draft = Draft(book, surface, patient, entry, drugs, slots, histories, also, rng)
        text = draft.text()
        histories[entry.number] = (slots["date"], draft.history)
        late = timedelta(days=int(entry.flags.get("late", 0)), minutes=rng.randint(10, 290))
        found.append({
            "note_id": f"{patient.patient_id}-{len(found) + 1:02d}", "patient_id": patient.patient_id,
            "note_time": entry.when.isoformat(), "available_time": (entry.when + late).isoformat(),
            "note_class": CLASSES[entry.kind], "encounter_id": encounter(entry), "provider_id": by, "site_id": where, "text": text,
        })  # fmt: skip
    for drug in drugs:
        drug_rows(claims, patient, drug)
    return found


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
        told = Counter(CLASSES[entry.kind].lower() for entry in notes if disease in dict(entry.about))
        kinds = ", ".join(f"{name} ({n})" if n > 1 else name for name, n in told.items())
        put(disease, "present", since, f"Notes: {kinds}" if told else "The notes never speak of it")
        if disease == "nsclc":
            put("lungca", "present", since, "Parent of the same disease")
            put("lungadeno", "present", since, "The type, told by pathology; C34 codes do not tell it")
    for entry in notes:
        day = entry.when.date().isoformat()
        where = CLASSES[entry.kind].lower()
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
    if re.search(r"\bRA\b", texts) and ("ra", "self") not in best:
        put("ra", "never", "", '"RA" is room air')
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


def build(sample: Path) -> dict[str, str]:
    """File name below the sample folder -> content."""
    by_hand, generator = sample / "handwritten", sample / "generator"
    claims = Claims.read(by_hand / "claims")
    book = PhraseBook.read(generator)
    surface = json.loads((generator / "surface.json").read_text(encoding="utf-8"))
    entries, drugs = read_entries(generator), read_medications(generator)
    notes: list[dict[str, str]] = []
    truth: list[list[str]] = []
    for patient in read_patients(generator):
        course = [entry for entry in entries if entry.patient == patient.key]
        own = write_patient(patient, course, list(drugs.get(patient.key, [])), book, surface, claims)
        codes = [code for entry in course if "with" not in entry.flags for code in entry.codes]
        truth += truth_rows(patient, course, "\n".join(note["text"] for note in own), codes)
        notes += own
    lines = [json.dumps(note, ensure_ascii=False) + "\n" for note in notes]
    files = {"notes.jsonl": (by_hand / "notes.jsonl").read_text(encoding="utf-8") + "".join(lines)}
    files["truth.csv"] = (by_hand / "truth.csv").read_text(encoding="utf-8") + csv_text(truth)
    return files | {f"claims/{table}.csv": csv_text(body) for table, body in claims.tables.items()}


def csv_text(body: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(body)
    return out.getvalue()


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


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="folder with handwritten/ and generator/")
    parser.add_argument("--out", type=Path, help="where to write; the sample folder if not given")
    parser.add_argument("--gps", type=Path, help="gps_2020.tsv: check codes and names instead of writing")
    options = parser.parse_args()
    files = build(options.sample)
    if options.gps:
        return int(check_codes(files["truth.csv"], options.gps) > 0)
    out = options.out or options.sample
    (out / "claims").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_text(content, encoding="utf-8", newline="")
    print(f"{files['notes.jsonl'].count(chr(10))} notes, {files['truth.csv'].count(chr(10)) - 1} truth rows in {out.name}/")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
