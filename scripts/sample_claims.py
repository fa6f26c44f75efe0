"""OMOP-like claims of generated sample patients, added to the hand-written tables; and who signs a note."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sample_course import Entry, Medication, Patient
from sample_notes import REPORTS

SIGNERS = {
    "dc": "dr-ward",
    "tri": "rn-vane",
    "rn": "rn-harrow",
    "tel": "rn-harrow",
    "path": "dr-slide",
    "echo": "dr-sinus",
    "mon": "dr-sinus",
    "pft": "dr-alveol",
} | dict.fromkeys(REPORTS, "dr-lumen")
PROCEDURES = {
    "clinic": "99214",
    "consult": "99204",
    "dc": "99239",
    "tri": "99284",
    "rn": "99211",
    "avs": "99213",
    "problems": "99213",
    "cxr": "71046",
    "ct": "71260",
    "mri": "70553",
    "us": "76775",
    "xr": "73130",
    "leg": "93971",
    "joint": "73502",
    "path": "88305",
    "echo": "93306",
    "mon": "93245",
    "pft": "94060",
    "claim": "99213",
}
MEASURED = {
    "a1c": ("4548-4", 3004410, "%"),
    "cr": ("2160-0", 3016723, "mg/dL"),
    "k": ("2823-3", 3023103, "mmol/L"),
    "bnp": ("33762-6", 3029187, "pg/mL"),
}
VISIT_TYPES = {"dc": 9201, "tri": 9203}
RACES = {"White": 8527, "Black": 8516, "Asian": 8515}
ETHNICITIES = {"Not Hispanic": 38003564, "Hispanic": 38003563}
GENDERS = {"F": 8532, "M": 8507}


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
        optional = {
            "route_concept_id",
            "modifier_concept_id",
            "unit_concept_id",
            "value_as_concept_id",
            "meas_event_field_concept_id",
        }
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


def signer(entry: Entry, patient: Patient) -> str:
    return entry.flags.get("by") or SIGNERS.get(entry.kind, patient.pcp)


def encounter(entry: Entry) -> str:
    return f"syn-e{entry.patient[1:]}{int(entry.flags.get('with', entry.number)):02d}"


def person_rows(claims: Claims, patient: Patient) -> None:
    providers = claims.ids("provider")
    claims.add(
        "person",
        person_id=patient.person_id,
        gender_concept_id=GENDERS[patient.sex],
        year_of_birth=patient.born,
        race_concept_id=RACES[patient.race],
        ethnicity_concept_id=ETHNICITIES[patient.ethnicity],
        provider_id=providers[patient.pcp],
        person_source_value=patient.patient_id,
        gender_source_value=patient.sex,
        race_source_value=patient.race,
        ethnicity_source_value=patient.ethnicity,
    )
    claims.add(
        "observation_period",
        person_id=patient.person_id,
        observation_period_start_date=patient.insured[0],
        observation_period_end_date=patient.insured[1],
    )


def visit_rows(claims: Claims, patient: Patient, entry: Entry, kinds: Iterable[str], rng: random.Random) -> None:
    """The visit of a note: diagnoses, procedures (also those of notes within the visit), laboratory values."""
    last = entry.when.date()
    first = last - timedelta(days=int(entry.flags.get("stay", 0)))
    paid = last + timedelta(days=rng.randint(20, 48))
    who = signer(entry, patient)
    provider = claims.ids("provider")[who]
    common = {"person_id": patient.person_id, "provider_id": provider, "paid_date": paid}
    visit = claims.add(
        "visit_occurrence",
        visit_concept_id=VISIT_TYPES.get(entry.kind, 9202),
        visit_start_date=first,
        visit_end_date=last,
        visit_type_concept_id=32810,
        care_site_id=claims.ids("care_site")[claims.site_of()[who]],
        visit_source_value=encounter(entry),
        **common,
    )
    for place, code in enumerate(entry.codes):
        claims.add(
            "condition_occurrence",
            condition_start_date=first,
            condition_end_date=last,
            condition_type_concept_id=32810,
            visit_occurrence_id=visit,
            condition_source_value=code,
            condition_status_source_value="secondary" if place else "primary",
            **common,
        )
    codes = [PROCEDURES[kind] for kind in kinds] + [code for code in [entry.flags.get("cpt", "")] if code]
    codes += ["83036"] if "a1c" in entry.values else []
    for code in dict.fromkeys(codes):
        claims.add(
            "procedure_occurrence",
            procedure_date=first,
            procedure_type_concept_id=32810,
            visit_occurrence_id=visit,
            procedure_source_value=code,
            **common,
        )
    for key, (loinc, concept, unit) in MEASURED.items():
        if key in entry.values:
            claims.add(
                "measurement",
                person_id=patient.person_id,
                measurement_concept_id=concept,
                measurement_date=last,
                measurement_type_concept_id=32810,
                value_as_number=entry.values[key],
                unit_concept_id=0,
                measurement_source_value=loinc,
                unit_source_value=unit,
                value_source_value=entry.values[key],
                paid_date=paid,
            )


def drug_rows(claims: Claims, patient: Patient, drug: Medication) -> None:
    """Fills one after the other from the start, within the insured time and the time of the prescription."""
    end = min(filter(None, [drug.stop, patient.insured[1]]))
    for fill in range(drug.fills):
        start = date.fromisoformat(max(drug.start, patient.insured[0])) + timedelta(days=fill * drug.days)
        if start.isoformat() < end:
            claims.add(
                "drug_exposure",
                person_id=patient.person_id,
                drug_exposure_start_date=start,
                drug_exposure_end_date=start + timedelta(days=drug.days - 1),
                drug_type_concept_id=32810,
                quantity=drug.quantity,
                days_supply=drug.days,
                provider_id=claims.ids("provider")[drug.provider],
                drug_source_value=drug.claim_name,
                paid_date=start + timedelta(days=2),
                route_concept_id=0,
            )
