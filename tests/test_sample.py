"""The sample that ships: valid files, built from its parts byte for byte, notes that do not read alike."""

import csv
import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest

from phenotext.nlp import Extractor

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "pipelines" / "data" / "sample"
TABLES = sorted(path.stem for path in (SAMPLE / "handwritten" / "claims").glob("*.csv"))
MAX_SHARED_LINES = 0.4  # of a generated note's longer lines, with any one other patient
WORDS = {
    "Diabetes mellitus type 2": r"diabet|\bDM2?\b|T2DM|niddm",
    "Heart failure": r"heart failure|\bCHF\b|\bHFrEF|\bHFpEF|cardiac failure",
    "Chronic obstructive lung disease": r"\bCOPD\b|chronic obstructive|emphysema",
    "Rheumatoid arthritis": r"rheumatoid|\bRA\b",
    "Multiple sclerosis": r"multiple sclerosis|\bMS\b",
    "Non-small cell lung cancer": r"non-small|nsclc|lung (?:cancer|ca\b)|adenocarcinoma",
    "Chronic kidney disease": r"\bCKD\b|chronic kidney",
    "Atrial fibrillation": r"atrial fib|\bA ?fib\b|\bAF\b",
    "Pulmonary embolism": r"pulmonary embol|\bPE\b",
    "Deep venous thrombosis": r"\bDVT\b|deep vein",
    "Asthma": r"asthma",
    "Systemic lupus erythematosus": r"lupus|\bSLE\b",
    "Malignant neoplasm of breast": r"breast (?:cancer|ca\b)",
    "Dementia": r"dementia|alzheimer",
    "Interstitial lung disease": r"interstitial lung|\bILD\b",
}


def notes() -> list[dict[str, str]]:
    return [json.loads(line) for line in (SAMPLE / "notes.jsonl").read_text(encoding="utf-8").splitlines()]


def table(name: str) -> list[dict[str, str]]:
    with (SAMPLE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def handwritten_patients() -> set[str]:
    lines = (SAMPLE / "handwritten" / "notes.jsonl").read_text(encoding="utf-8").splitlines()
    return {json.loads(line)["patient_id"] for line in lines}


def generated() -> list[dict[str, str]]:
    by_hand = handwritten_patients()
    return [note for note in notes() if note["patient_id"] not in by_hand]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_the_generator_reproduces_the_shipped_files(tmp_path: Path):
    subprocess.run([sys.executable, str(ROOT / "scripts" / "make_sample.py"), "--out", str(tmp_path)], check=True)
    built = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert built == {Path("notes.jsonl"), Path("truth.csv"), *(Path("claims") / f"{name}.csv" for name in TABLES)}
    assert not [str(path) for path in built if (tmp_path / path).read_bytes() != (SAMPLE / path).read_bytes()]


@pytest.mark.parametrize("name", ["notes.jsonl", "truth.csv", *(f"claims/{name}.csv" for name in TABLES)])
def test_the_handwritten_part_stands_first_and_unchanged(name: str):
    assert (SAMPLE / name).read_bytes().startswith((SAMPLE / "handwritten" / name).read_bytes())


def test_counts():
    assert len(notes()) >= 200
    assert len({note["patient_id"] for note in notes()}) >= 40
    assert len({note["note_class"] for note in notes()}) >= 19


def test_notes_have_unique_ids_texts_and_ordered_times():
    every = notes()
    assert len({note["note_id"] for note in every}) == len(every)
    assert len({flat(note["text"]).lower() for note in every}) == len(every)
    for note in every:
        assert note["note_id"].startswith(note["patient_id"] + "-")
        assert datetime.fromisoformat(note["note_time"]) <= datetime.fromisoformat(note["available_time"])
        assert note["text"].endswith("\n")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", note["text"]), note["note_id"]


def test_no_phrase_is_left_unfilled():
    for note in generated():
        assert not re.search(r"[{}]|<\w+\||\|\w+>|\.\. |\?\.", note["text"].replace("..", "")), note["note_id"]


def test_claims_rows_belong_together():
    people = {row["person_id"]: row["person_source_value"] for row in table("claims/person")}
    assert {note["patient_id"] for note in notes()} == set(people.values())
    periods = {row["person_id"]: row for row in table("claims/observation_period")}
    assert periods.keys() == people.keys()
    visits = {row["visit_occurrence_id"]: row for row in table("claims/visit_occurrence")}
    providers = {row["provider_id"] for row in table("claims/provider")}
    for name in TABLES:
        rows = table(f"claims/{name}")
        key = next(iter(rows[0]))
        assert len({row[key] for row in rows}) == len(rows), name
        for row in rows:
            assert None not in row
            assert None not in row.values()
            assert row.get("person_id", next(iter(people))) in people
            assert not row.get("provider_id") or row["provider_id"] in providers
            if row.get("visit_occurrence_id"):
                assert visits[row["visit_occurrence_id"]]["person_id"] == row["person_id"]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("visit_occurrence", "visit_start_date"),
        ("condition_occurrence", "condition_start_date"),
        ("procedure_occurrence", "procedure_date"),
        ("drug_exposure", "drug_exposure_start_date"),
        ("measurement", "measurement_date"),
    ],
)
def test_claims_dates_are_in_order_and_insured(name: str, start: str):
    periods = {row["person_id"]: row for row in table("claims/observation_period")}
    for row in table(f"claims/{name}"):
        period = periods[row["person_id"]]
        end = row.get(start.replace("start", "end")) or row[start]
        assert period["observation_period_start_date"] <= row[start] <= period["observation_period_end_date"], row
        assert date.fromisoformat(row[start]) <= date.fromisoformat(end)
        assert date.fromisoformat(row[start]) <= date.fromisoformat(row["paid_date"]), row


def test_notes_lie_in_their_visits_and_name_known_providers():
    visits = {row["visit_source_value"]: row for row in table("claims/visit_occurrence")}
    people = {row["person_id"]: row["person_source_value"] for row in table("claims/person")}
    providers = {row["provider_source_value"] for row in table("claims/provider")}
    sites = {row["care_site_source_value"] for row in table("claims/care_site")}
    for note in notes():
        assert note["provider_id"] in providers
        assert note["site_id"] in sites
        visit = visits.get(note["encounter_id"])
        if visit:
            assert people[visit["person_id"]] == note["patient_id"]
            assert visit["visit_start_date"] <= note["note_time"][:10] <= visit["visit_end_date"], note["note_id"]


def test_truth_rows_are_valid_and_known_to_the_starter_lexicon(extractor: Extractor):
    rows = table("truth")
    keys = [(row["patient_id"], row["snomed_code"], row["status"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert {row["status"] for row in rows} <= {"present", "past", "absent", "family", "never"}
    assert {row["patient_id"] for row in rows} <= {note["patient_id"] for note in notes()}
    assert {row["snomed_code"] for row in rows} <= set(extractor.terminology.codes)
    for row in rows:
        assert re.fullmatch(r"(\d{4}(-\d\d-\d\d)?)?", row["since"])
        assert row["why"]


def test_truth_codes_carry_their_names(shared: Path):
    gps = shared / "data" / "terminology" / "snomed_gps_2020" / "gps_2020.tsv"
    command = [sys.executable, str(ROOT / "scripts" / "make_sample.py"), "--gps", str(gps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_whatever_the_generated_notes_name_is_in_the_truth_table():
    listed = {(row["patient_id"], row["phenotype"]) for row in table("truth")}
    told = defaultdict(str)
    for note in generated():
        told[note["patient_id"]] += " " + flat(note["text"])
    for patient, text in told.items():
        for phenotype, pattern in WORDS.items():
            # short forms count in capitals only: "pe" and "ra" are parts of words in capital-free text
            hits = [hit.group() for hit in re.finditer(pattern, text, re.IGNORECASE)]
            assert (patient, phenotype) in listed or not [hit for hit in hits if len(hit) > 2 or hit.isupper()]


def test_truth_agrees_with_the_claims_on_what_is_coded():
    patterns = {
        "Diabetes mellitus type 2": "E11",
        "Heart failure": "I50",
        "Chronic obstructive lung disease": "J4[34]",
        "Rheumatoid arthritis": "M0[56]",
        "Multiple sclerosis": "G35",
        "Non-small cell lung cancer": "C34",
        "Chronic kidney disease": "N18",
        "Atrial fibrillation": "I48",
    }
    people = {row["person_id"]: row["person_source_value"] for row in table("claims/person")}
    by_hand = handwritten_patients()
    codes = {(people[row["person_id"]], row["condition_source_value"]) for row in table("claims/condition_occurrence")}
    own = [row for row in table("truth") if row["status"] != "family" and row["patient_id"] not in by_hand]
    for phenotype, pattern in patterns.items():
        coded = {patient for patient, code in codes if re.match(pattern, code) and patient not in by_hand}
        assert coded == {row["patient_id"] for row in own if row["phenotype"] == phenotype and row["in_claims"] == "1"}


def test_enough_cases_of_each_phenotype_for_a_demonstration():
    rows = [row for row in table("truth") if row["status"] == "present"]
    for phenotype in list(WORDS)[:8]:
        of_it = [row for row in rows if row["phenotype"] == phenotype]
        assert len(of_it) >= 4, phenotype
    assert len([row for row in rows if row["in_claims"] == "0"]) >= 15
    assert len([row for row in rows if row["in_notes"] == "0"]) >= 5


def test_generated_notes_share_few_lines_with_another_patient():
    lines = {
        note["note_id"]: {line.strip().lower() for line in note["text"].split("\n") if len(line.strip()) >= 25}
        for note in notes()
    }
    owner = {note["note_id"]: note["patient_id"] for note in notes()}
    for note in generated():
        own = lines[note["note_id"]]
        if len(own) < 5:
            continue
        others: dict[str, set[str]] = defaultdict(set)
        for other, theirs in lines.items():
            if owner[other] != note["patient_id"]:
                others[owner[other]] |= own & theirs
        assert max(map(len, others.values())) <= MAX_SHARED_LINES * len(own), note["note_id"]
