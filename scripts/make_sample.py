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
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from sample_claims import Claims, drug_rows, encounter, person_rows, signer, visit_rows
from sample_course import Entry, Medication, Patient, read_entries, read_medications, read_patients
from sample_notes import CLASSES, HE, Draft, PhraseBook
from sample_truth import check_codes, truth_rows

SAMPLE = Path(__file__).resolve().parent.parent / "pipelines" / "data" / "sample"


def note_slots(
    patient: Patient, entry: Entry, known: dict[str, str], who: Mapping[str, str], rng: random.Random
) -> dict[str, str]:
    """What phrases may mention; `known` keeps the last value of each kind, and `a1c0` is the one before."""
    fresh = {key: value for key, value in entry.values.items() if not key.endswith("0")}
    upper, lower = (int(part) for part in patient.base["bp"].split("/"))
    drift = {
        "bp": f"{upper + rng.randint(-8, 8)}/{lower + rng.randint(-5, 5)}",
        "hr": str(int(patient.base["hr"]) + rng.randint(-5, 6)),
        "spo2": str(min(99, int(patient.base["spo2"]) + rng.randint(-1, 1))),
        "temp": f"{36.4 + rng.randint(0, 6) / 10:.1f}",
        "wt": known.get("wt", patient.base["wt"]),
    }
    before = {key + "0": known[key] for key in fresh if key in known}
    known |= fresh
    day = entry.when
    age = day.year - patient.born - (day.month < 7)  # no birthdays are kept; July stands for all
    words = HE[patient.sex]
    he = words | {"He": words["he"].capitalize(), "His": words["his"].capitalize()}
    about = {
        "age": str(age),
        "name": patient.name,
        "job": patient.job,
        "date": f"{day:%m/%d/%Y}",
        "time": f"{day:%H:%M}",
        "months": rng.choice("346"),
        "date0": f"{day - timedelta(days=int(entry.flags.get('stay', 0))):%m/%d/%Y}",
    }
    return known | drift | entry.values | before | entry.values | he | about | dict(who)


def write_patient(
    patient: Patient,
    entries: list[Entry],
    drugs: list[Medication],
    book: PhraseBook,
    surface: Mapping[str, dict[str, str]],
    claims: Claims,
) -> list[dict[str, str]]:
    """The notes of one patient, oldest row first; claims rows are added on the way."""
    person_rows(claims, patient)
    always = random.Random(f"sample {patient.key}")
    also = always.sample(book.banks["also.young" if patient.born > 1972 else "also"], 2)
    allergy = always.choice(book.banks["allergy"])
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
        slots["allergy"] = allergy
        draft = Draft(book, surface, patient, entry, drugs, slots, histories, also, rng)
        text = draft.text()
        histories[entry.number] = (slots["date"], draft.history)
        late = timedelta(days=int(entry.flags.get("late", 0)), minutes=rng.randint(10, 290))
        found.append(
            {
                "note_id": f"{patient.patient_id}-{len(found) + 1:02d}",
                "patient_id": patient.patient_id,
                "note_time": entry.when.isoformat(),
                "available_time": (entry.when + late).isoformat(),
                "note_class": CLASSES[entry.kind],
                "encounter_id": encounter(entry),
                "provider_id": by,
                "site_id": where,
                "text": text,
            }
        )
    for drug in drugs:
        drug_rows(claims, patient, drug)
    return found


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
    notes, truth = files["notes.jsonl"].count("\n"), files["truth.csv"].count("\n") - 1
    print(f"{notes} notes, {truth} truth rows in {out.name}/")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
