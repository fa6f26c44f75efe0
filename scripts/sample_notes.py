"""The text of generated sample notes: phrases chosen for the facts of a note, then a layout and the usual wear.

Phrases stand in JSON files; the choice is seeded and prefers what this patient, then anybody, has not had yet.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sample_course import Entry, Fact, Medication, Patient
from sample_layout import Section, lay_out, swap_words, wrapped

SLOT = re.compile(r"\{(\w+)\}")
CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")  # <one|or another>
NUMBER = re.compile(r"\{#(\d+)-(\d+)\}")  # any whole number of the range
HE = {
    "M": {"he": "he", "his": "his", "him": "him", "himself": "himself", "man": "man", "mf": "male", "MF": "M"},
    "F": {"he": "she", "his": "her", "him": "her", "himself": "herself", "man": "woman", "mf": "female", "MF": "F"},
}
VITALS = frozenset({"bp", "hr", "spo2", "wt", "temp"})
LABS = {
    "a1c": ("A1c", "%"),
    "glu": ("glucose", "mg/dL"),
    "cr": ("creatinine", "mg/dL"),
    "egfr": ("eGFR", "ml/min"),
    "k": ("potassium", "mmol/L"),
    "uacr": ("UACR", "mg/g"),
    "bnp": ("NT-proBNP", "pg/mL"),
    "crp": ("CRP", "mg/L"),
    "das": ("DAS28", ""),
    "edss": ("EDSS", ""),
    "walk": ("25-ft walk", "s"),
    "fev1": ("FEV1", "% pred"),
    "cat": ("CAT", ""),
    "ef": ("EF", "%"),
    "size": ("mass", "mm"),
}
REPORTS = frozenset({"cxr", "ct", "mri", "us", "xr", "leg", "joint"})
GRIDS = {"echo": 6, "mon": 5, "pft": 4}
CLASSES = {
    "clinic": "Clinic note",
    "consult": "Consult note",
    "dc": "Discharge summary",
    "tri": "ED triage note",
    "rn": "Nursing note",
    "tel": "Telephone encounter",
    "avs": "After-visit summary",
    "problems": "Problem list",
    "path": "Pathology report",
    "echo": "Echocardiogram",
    "mon": "Cardiac monitor report",
    "pft": "Pulmonary function report",
} | dict.fromkeys(REPORTS, "Radiology report")


CHRONIC_TITLE = {"lungca": "nsclc"}


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def one_of(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


@dataclass(slots=True)
class PhraseBook:
    """Banks of phrases with slots; counts what was used, so that notes do not read alike."""

    banks: Mapping[str, list[str]]
    used: Counter[str] = field(default_factory=Counter)
    used_for: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def read(cls, folder: Path) -> PhraseBook:
        banks: dict[str, list[str]] = {}
        for name in ("diseases", "phrases", "reports"):
            banks |= json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return cls(banks)

    def pick(self, bank: str, slots: Mapping[str, str], rng: random.Random, owner: str) -> str:
        """A filled phrase of the bank, "" where no phrase has all its slots known."""
        able = [phrase for phrase in self.banks.get(bank, []) if set(SLOT.findall(phrase)) <= slots.keys()]
        if not able:
            return ""
        rarity = {phrase: (self.used_for[owner, phrase], self.used[phrase]) for phrase in able}
        phrase = rng.choice([phrase for phrase in able if rarity[phrase] == min(rarity.values())])
        self.used[phrase] += 1
        self.used_for[owner, phrase] += 1
        phrase = CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), phrase)
        phrase = NUMBER.sub(lambda match: str(rng.randint(int(match.group(1)), int(match.group(2)))), phrase)
        return SLOT.sub(lambda match: slots[match.group(1)], phrase)


@dataclass(slots=True)
class Draft:
    """One note while it is written."""

    book: PhraseBook
    surface: Mapping[str, dict[str, str]]
    patient: Patient
    entry: Entry
    medications: Sequence[Medication]
    slots: dict[str, str]
    earlier: Mapping[int, tuple[str, str]]  # note number -> date and history of an earlier note
    also: Sequence[str]
    rng: random.Random
    history: str = ""

    def pick(self, bank: str, **extra: str) -> str:
        return self.book.pick(bank, self.slots | extra, self.rng, self.patient.key)

    def several(self, bank: str, count: int) -> list[str]:
        return list(dict.fromkeys(filter(None, (self.pick(bank) for _ in range(count)))))

    def name(self, disease: str) -> str:
        subtype = self.patient.subtype.get(disease)
        special = self.pick(f"{subtype}.name") if subtype and self.rng.random() < 0.6 else ""
        return special or self.pick(f"{disease}.name")

    def other_name(self, disease: str, bank: str = "deny.name") -> str:
        disease = CHRONIC_TITLE.get(disease, disease)
        return self.pick(f"{bank}.{disease}") or self.pick(f"deny.name.{disease}")

    def of_kind(self, *kinds: str) -> list[Fact]:
        return [fact for fact in self.entry.facts if fact.kind in kinds and not fact.silent]

    def fact(self, fact: Fact) -> str:
        name = self.other_name(fact.disease, "past.name" if fact.kind == "past" else "deny.name")
        more = {"X": name, "how": fact.detail, "How": capital(fact.detail), "year": fact.detail, "rel": fact.detail}
        return capital(self.pick(f"{fact.kind}.sent", Rel=capital(fact.detail), **more))

    def facts(self, *kinds: str) -> list[str]:
        return [self.fact(fact) for fact in self.of_kind(*kinds)]

    def denials(self, style: str) -> list[str]:
        names = [self.other_name(fact.disease) for fact in self.of_kind("deny")]
        return [capital(self.pick(f"deny.{style}", X=one_of(names)))] if names else []

    def of_state(self, disease: str, state: str, part: str, **extra: str) -> str:
        """From the bank of the state of the disease, or from one for all states."""
        return self.pick(f"{disease}.{state}.{part}", **extra) or self.pick(f"{disease}.{part}", **extra)

    def each(self, part: str) -> list[str]:
        """One phrase for each disease of the note: `hf.worse.hx`, or `hf.tel`."""
        found = []
        for disease, state in self.entry.about:
            name = self.name(disease)
            found.append(self.of_state(disease, state, part, n=name, N=capital(name)))
        return [text for text in found if text]

    def vitals(self) -> str:
        v = self.slots
        return self.rng.choice(
            [
                f"BP {v['bp']}, HR {v['hr']}, SpO2 {v['spo2']} % RA, weight {v['wt']} kg",
                f"T {v['temp']}  P {v['hr']}  R 16  BP {v['bp']}  sat {v['spo2']}% RA",
                f"{v['bp']}, pulse {v['hr']}, {v['wt']} kg",
                f"BP: {v['bp']} | HR: {v['hr']} | Temp: {v['temp']} C | SpO2: {v['spo2']} % | Wt: {v['wt']} kg",
                f"Blood pressure {v['bp']}. Pulse {v['hr']}. Oxygen {v['spo2']} percent on room air.",
            ]
        )

    def labs(self) -> list[str]:
        own = [
            (LABS[key], self.entry.values[key], self.slots.get(key + "0", ""))
            for key in self.entry.values
            if key in LABS
        ]
        if not own:
            return []
        form = self.rng.choice(["inline", "lines", "table", "dots"])
        if form == "inline":
            return ["; ".join(f"{name} {value} {unit}".strip() for (name, unit), value, _ in own)]
        if form == "table":
            head = [f"{'':<14}{'today':>8}{'before':>8}"]
            return head + [f"{name:<14}{value:>8}{old or '-':>8}  {unit}".rstrip() for (name, unit), value, old in own]
        mark = ": " if form == "lines" else " ....... "
        return [f"{name}{mark}{value} {unit}".rstrip() for (name, unit), value, _ in own]

    def drugs(self) -> list[str]:
        day = self.entry.when.date().isoformat()
        return [m.note_text for m in self.medications if m.start <= day and (not m.stop or day < m.stop)]

    def known(self) -> list[str]:
        """Background diseases: what the note is about, and two plain ones that never change."""
        return [self.name(disease) for disease, _ in self.entry.about] + list(self.also)

    def systems(self) -> list[str]:
        """A template of symptoms, one mild one of them present; empty in every other note."""
        if self.rng.random() < 0.5:
            return []
        here = self.pick("ros.mild")
        items = [here, *self.several("ros.item", 7)]
        self.rng.shuffle(items)
        marks = self.rng.choice([("[x]", "[ ]"), ("(+)", "(-)"), ("yes:", "no:")])
        shown = [f"{marks[item != here]} {item}" for item in items]
        return ["  ".join(shown[:4]), "  ".join(shown[4:])]

    def told(self) -> list[str]:
        """The history; kept, because a later note may copy it forward."""
        lines = self.each("hx") + self.entry.said("hpi")
        if self.entry.about:
            lines += self.several(self.entry.about[0][0] + ".extra", self.rng.randint(1, 2))
        self.history = " ".join(lines)
        if "copy" in self.entry.flags:
            date, text = self.earlier[int(self.entry.flags["copy"])]
            lines += [self.pick("copy.lead", olddate=date) + " " + text]
        return lines

    def assessment(self) -> list[str]:
        lines = [f"{a} {p}" for a, p in zip(self.each("as"), self.each("pl"))] if self.entry.about else []
        return lines + self.facts("suspect", "ruleout") + self.entry.said("plan")

    def clinic(self, head: str) -> list[Section]:
        chance = self.rng.random
        close = [*self.facts("hypo"), self.pick("close")]
        opening, told = self.pick("open." + head), self.told()
        minor = chance() < 0.4
        told += [self.pick("minor.hx")] if minor else []
        plan = self.assessment() + ([self.pick("minor.pl")] if minor else []) + close
        exam = self.several("exam.gen", 2) + self.entry.said("exam") + self.each("exam")
        family, past, other = self.facts("family"), self.facts("past"), self.facts("other")
        shape = self.rng.choice(["full", "full", "soap", "brief"])
        if shape == "brief":
            text = [
                opening,
                *told,
                *self.entry.said("ros"),
                *past,
                *family,
                *other,
                *self.denials("sent"),
                self.vitals().rstrip(".") + ".",
                *exam[1:],
            ]
            return [("", text, "prose"), ("labs", self.labs(), "lines"), ("plan", plan, "list")]
        history = [opening, *told, *self.denials("sent"), *self.several("ros", 2)]
        if shape == "soap":
            background: list[Section] = [("pmh", [*self.also, *past], "list"), ("fh", family, "prose")]
        else:
            background = [
                ("ros", self.entry.said("ros") + self.systems(), "lines"),
                ("pmh", [*self.known(), *past], "list"),
                ("fh", family or (["Noncontributory."] if chance() < 0.4 else []), "prose"),
                ("sh", [self.patient.smoke, self.pick("social"), *other], "prose"),
                ("all", [self.slots["allergy"]] if chance() < 0.4 else [], "prose"),
            ]
            other = []
        said = [] if shape == "full" else self.entry.said("ros")
        return [
            ("hpi", history + other + said, "prose"),
            *background,
            ("meds", self.drugs(), "list"),
            ("vs", [self.vitals()], "prose"),
            ("pe", exam, "prose"),
            ("labs", self.labs(), "lines"),
            ("ap", plan, "list"),
        ]

    def discharge(self) -> list[Section]:
        course = [
            self.pick("open.elective" if "elective" in self.entry.flags else "open.dc"),
            *self.each("hx"),
            *self.each("dc"),
            *self.entry.said("course"),
        ]
        self.history = " ".join(course[1:])
        course += self.facts("ruleout") + self.denials("sent")
        return [
            (
                "dx",
                [name for name, _ in [(self.name(d), s) for d, s in self.entry.about]] + self.entry.said("dx"),
                "list",
            ),
            ("pmh", [*self.also, *self.facts("past")], "list"),
            ("fh", self.facts("family"), "prose"),
            ("course", course, "prose"),
            ("labs", self.labs(), "lines"),
            ("dcmeds", self.drugs(), "list"),
            ("instr", self.each("avs") + self.facts("hypo") + [self.pick("close.dc")], "prose"),
        ]

    def triage(self) -> list[Section]:
        words = [self.pick("tri.open"), *self.each("tri"), *self.entry.said("tri"), *self.denials("tele")]
        words += [*self.facts("other"), "VS " + self.vitals(), self.slots["allergy"]]
        return [("", [*words, self.pick("tri.close")], "telegram")]

    def nursing(self, kind: str) -> list[Section]:
        lines = [self.pick("open." + kind), *self.each(kind), *self.entry.said(kind), *self.denials("tele")]
        lines += self.facts("ruleout", "family") + ([self.vitals().rstrip(".") + "."] if kind == "rn" else [])
        lines += [self.pick("close.tel")] if kind == "tel" else self.several("ros", 1)
        return [("", lines, self.rng.choice(["prose", "lines"]))]

    def after_visit(self) -> list[Section]:
        advice = self.each("avs") + self.entry.said("avs") + self.facts("hypo") + [self.pick("close.avs")]
        drugs: Section = ("meds", self.drugs(), "list")
        return [("", [self.pick("open.avs")], "prose"), ("advice", advice, "list"), drugs]

    def problems(self) -> list[Section]:
        since = {disease: self.patient.has[disease] for disease, _ in self.entry.about}
        active = [f"{self.name(disease)} (since {date[:4]})" for disease, date in since.items()]
        active += [part.strip() for text in self.entry.said("active") for part in text.split(";")] + list(self.also)
        past: Section = ("past", self.facts("past"), "list")
        return [("active", active, "list"), past, ("fh", self.facts("family"), "list")]

    def findings(self, kind: str) -> list[str]:
        if bank := self.entry.flags.get("find", ""):
            return [self.pick(bank)]
        return [text for text in (self.of_state(*about, kind) for about in self.entry.about) if text]

    def report(self, kind: str) -> list[Section]:
        normal, main = self.several(f"{kind}.normal", 4), self.findings(kind)
        body = normal[:2] + main + self.entry.said("find") + normal[2:]
        names = [capital(self.name(disease)) + "." for disease, _ in self.entry.about]
        closing = names + self.facts("ruleout", "suspect")
        return [
            ("", [self.pick(f"{kind}.open")], "prose"),
            ("ind", [capital(self.pick(f"{kind}.ind"))], "prose"),
            ("find", body, "prose"),
            ("imp", closing or [(main or self.entry.said("find") or normal)[0], "No acute change."], "list"),
            ("", [self.pick("rad.sig")], "prose"),
        ]

    def grid(self, kind: str) -> list[Section]:
        lines = self.several(f"{kind}.line", GRIDS[kind]) + self.entry.said(kind)
        if self.rng.random() < 0.5:
            lines = [f"{key:<25}{value.strip()}" for key, _, value in (line.partition(":") for line in lines)]
        main = self.findings(kind)
        return [("", [self.pick(f"{kind}.open")], "prose"), ("find", lines, "lines"), ("imp", main, "list")]

    def pathology(self) -> list[Section]:
        bank = self.entry.flags.get("find") or "path." + self.entry.about[0][0]
        return [
            (
                "spec",
                [self.rng.choice(["Lung, needle core", "Lung, CT-guided biopsy", "Right upper lobe, forceps"])]
                if "nodule" not in bank
                else ["Lingula, needle core"],
                "prose",
            ),
            ("gross", [self.pick("path.gross")], "prose"),
            ("micro", [self.pick("path.micro"), *self.entry.said("micro")], "prose"),
            ("diag", [self.pick(bank)], "list"),
        ]

    def sections(self) -> list[Section]:
        kind = self.entry.kind
        plain: dict[str, Callable[[], list[Section]]] = {
            "dc": self.discharge,
            "tri": self.triage,
            "avs": self.after_visit,
            "problems": self.problems,
            "path": self.pathology,
        }
        if kind in ("clinic", "consult"):
            return self.clinic(kind)
        if kind in ("rn", "tel"):
            return self.nursing(kind)
        if kind in REPORTS:
            return self.report(kind)
        return self.grid(kind) if kind in GRIDS else plain[kind]()

    def text(self) -> str:
        head = self.pick("head." + self.entry.kind)
        lines = [head, ""] if head else []
        style = self.rng.choice(["colon", "colon", "line", "caps", "bare", "dash", "rule"])
        bullets = self.rng.choice(["number", "dash", "comma", "box", "star"])
        for section in self.sections():
            lines += lay_out(section, style, bullets, self.surface["headings"], self.rng)
        text = "\n".join(lines).strip("\n")
        if self.entry.kind in ("tri", "rn", "tel"):
            text = swap_words(text, self.surface["tele"], 0.5, self.rng)
        if self.rng.random() < 0.3:
            text = swap_words(text, self.surface["typos"], 0.6, self.rng)
        if "caps" in self.entry.flags or (self.entry.kind in REPORTS and self.rng.random() < 0.3):
            text = text.upper()
        if self.rng.random() < 0.2:
            last = self.patient.name.split()[-1]
            text = (
                text.replace(last, self.pick("placeholder")) + "\n\n" + self.pick("sign", who=self.pick("placeholder"))
            )
        width = int(self.entry.flags.get("wrap") or (self.rng.randint(60, 80) if self.rng.random() < 0.2 else 0))
        return (wrapped(text, width) if width else text) + "\n"
