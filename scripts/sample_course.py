"""What the generated part of the sample says: patients, their courses, the facts of each note; read from TSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

DISEASE_KINDS = frozenset({"deny", "family", "other", "past", "hypo", "ruleout", "suspect"})


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement of a note that is not a present disease: `detail` is the relative, the year or the test."""

    kind: str
    disease: str
    detail: str
    silent: bool


@dataclass(frozen=True, slots=True)
class Patient:
    key: str
    person_id: int
    name: str
    sex: str
    born: int
    race: str
    ethnicity: str
    insured: tuple[str, str]
    pcp: str
    job: str
    smoke: str
    has: dict[str, str]
    subtype: dict[str, str]
    base: dict[str, str]

    @property
    def patient_id(self) -> str:
        return f"syn-{self.key}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of courses.tsv: a note, or a claim without a note (kind `claim`). `number` counts within the patient."""

    patient: str
    number: int
    when: datetime
    kind: str
    about: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]
    values: dict[str, str]
    say: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]
    flags: dict[str, str]

    def said(self, *parts: str) -> list[str]:
        return [text for part, text in self.say if part in parts]


@dataclass(frozen=True, slots=True)
class Medication:
    start: str
    stop: str
    note_text: str
    claim_name: str
    days: int
    quantity: str
    fills: int
    provider: str


def pairs(cell: str) -> dict[str, str]:
    """`bp=142/86 caps` -> {'bp': '142/86', 'caps': ''}"""
    return {item.partition("=")[0]: item.partition("=")[2] for item in cell.split()}


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
            if None in row or None in row.values():
                raise ValueError(f"{path.name}, line {number}: wrong number of columns; separate them by single tabs")
            yield {column: cell.strip() for column, cell in row.items()}


def facts(cell: str) -> Iterator[Fact]:
    """`deny:hf,af ~ruleout:pe:CT family:mother:ra`; a detail may hold spaces, `~` marks what the note already says."""
    words: list[str] = []
    for word in cell.split():
        starts_fact = word.lstrip("~").partition(":")[0] in DISEASE_KINDS and ":" in word
        if starts_fact or not words:
            words.append(word)
        else:
            words[-1] += " " + word
    for text in words:
        kind, *rest = text.lstrip("~").split(":")
        if kind not in DISEASE_KINDS:
            raise ValueError(f"courses.tsv: fact kind {kind!r} is none of {sorted(DISEASE_KINDS)}")
        detail, disease = (rest[0], rest[1]) if kind in ("family", "other") else (":".join(rest[1:]), rest[0])
        for one in disease.split(","):
            yield Fact(kind, one, detail, text.startswith("~"))


def read_patients(folder: Path) -> list[Patient]:
    found = []
    for row in rows(folder / "patients.tsv"):
        has: dict[str, str] = {}
        subtype: dict[str, str] = {}
        for item in row["has"].split():
            name, _, since = item.partition("@")
            disease, _, kind = name.partition(":")
            has[disease] = since
            if kind:
                subtype[disease] = kind
        found.append(
            Patient(
                key=row["patient"],
                person_id=int(row["person"]),
                name=row["name"],
                sex=row["sex"],
                born=int(row["born"]),
                race=row["race"],
                ethnicity=row["ethnicity"],
                insured=(row["insured_from"], row["insured_to"]),
                pcp=row["pcp"],
                job=row["job"],
                smoke=row["smoke"],
                has=has,
                subtype=subtype,
                base=pairs(row["base"]),
            )
        )
    return found


def read_entries(folder: Path) -> list[Entry]:
    found: list[Entry] = []
    count: dict[str, int] = {}
    for row in rows(folder / "courses.tsv"):
        count[row["patient"]] = count.get(row["patient"], 0) + 1
        about = [item.partition(":") for item in row["about"].split()]
        say = [item.strip().partition(": ") for item in row["say"].split("|") if item.strip()]
        found.append(
            Entry(
                patient=row["patient"],
                number=count[row["patient"]],
                when=datetime.fromisoformat(row["when"]),
                kind=row["kind"],
                about=tuple((disease, state or "stable") for disease, _, state in about),
                facts=tuple(facts(row["facts"])),
                values=pairs(row["values"]),
                say=tuple((part, text) for part, _, text in say),
                codes=tuple(row["dx"].split()),
                flags=pairs(row["flags"]),
            )
        )
    return found


def read_medications(folder: Path) -> Mapping[str, list[Medication]]:
    found: dict[str, list[Medication]] = {}
    for row in rows(folder / "medications.tsv"):
        found.setdefault(row["patient"], []).append(
            Medication(
                start=row["start"],
                stop=row["stop"],
                note_text=row["note_text"],
                claim_name=row["claim_name"],
                days=int(row["days"]),
                quantity=row["quantity"],
                fills=int(row["fills"]),
                provider=row["provider"],
            )
        )
    return found
