"""The demo: run the sample patients through the pipeline and show what notes add to claims, sentence by sentence.

    python scripts/demo.py [--out build/demo]

Reads nothing outside the project. Everything printed is computed from the tables of the run and the sample's truth
table.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

SAMPLE = Path(__file__).resolve().parent.parent / "pipelines" / "data" / "sample"
COLOURS = {"present": "green", "historical": "cyan", "possible": "yellow", "absent": "red", "family": "magenta"}
SENTENCES = 8
PHENOTYPE = "heart_failure"
EXPORTS = (
    ("meds", "checked by the meds package"),
    ("note-nlp", "for an OMOP database"),
    ("matrix", "for a claims model"),
)


@dataclass(frozen=True, slots=True)
class Phenotype:
    """One row of phenotypes.tsv: its SNOMED codes and what a keyword search would look for."""

    name: str
    codes: frozenset[str]
    keywords: re.Pattern[str]


def read_phenotypes() -> dict[str, Phenotype]:
    lines = [line for line in (SAMPLE / "phenotypes.tsv").read_text().splitlines() if not line.startswith("#")]
    return {
        row["snomed_code"]: Phenotype(
            row["phenotype"],
            frozenset(f"SNOMED/{code}" for code in row["codes"].split()),
            re.compile(row["keywords"], re.IGNORECASE),
        )
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    }


def patients_by_phenotype(phenotypes: dict[str, Phenotype], out: Path) -> dict[str, dict[str, set[str]]]:
    """For each phenotype the patients that truth, claims, keyword search and the extracted notes name."""
    database = duckdb.connect()
    ids = database.execute(
        f"SELECT source_id, id FROM '{out}/private/id_map.parquet' WHERE kind = 'patient'"
    ).fetchall()
    patient_of = {number: source for source, number in ids}
    events = database.execute(
        f"SELECT subject_id, source, base_concept_id, assertion FROM '{out}/data/*/*.parquet'"
    ).fetchall()
    code_of = dict(
        database.execute(
            f"SELECT concept_id, code FROM '{out}/metadata/codes.parquet' WHERE code NOT LIKE '%//%'"
        ).fetchall()
    )
    notes = [json.loads(line) for line in (SAMPLE / "notes.jsonl").open(encoding="utf-8")]
    with (SAMPLE / "truth.csv").open(encoding="utf-8") as handle:
        truth = [
            (row["snomed_code"], row["patient_id"]) for row in csv.DictReader(handle) if row["status"] == "present"
        ]
    found: dict[str, dict[str, set[str]]] = {}
    for code, phenotype in phenotypes.items():
        sets: dict[str, set[str]] = {name: set() for name in ("truth", "claims", "keyword", "notes")}
        # the truth table names kinds of a disease by their own code
        sets["truth"] = {patient for named, patient in truth if f"SNOMED/{named}" in phenotype.codes}
        sets["keyword"] = {note["patient_id"] for note in notes if phenotype.keywords.search(note["text"])}
        for subject, source, concept, assertion in events:
            if code_of.get(concept) in phenotype.codes and assertion == "present":
                sets["notes" if source == "note" else "claims"].add(patient_of[subject])
        found[code] = sets
    return found


def comparison(phenotypes: dict[str, Phenotype], found: dict[str, dict[str, set[str]]]) -> Table:
    """Right patients of all and wrong ones, by source."""
    table = Table(title="Who has it? Right patients found (+ wrong ones)", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("phenotype")
    table.add_column("truly", justify="right")
    for name in ("claims", "keyword search", "notes (phenotext)", "claims or notes"):
        table.add_column(name, justify="right")
    totals = [0] * 9
    for code, phenotype in phenotypes.items():
        sets = found[code]
        truth = sets["truth"]
        cells = [phenotype.name, str(len(truth))]
        totals[0] += len(truth)
        columns = (sets["claims"], sets["keyword"], sets["notes"], sets["claims"] | sets["notes"])
        for place, named in enumerate(columns):
            right, wrong = len(named & truth), len(named - truth)
            totals[1 + 2 * place] += right
            totals[2 + 2 * place] += wrong
            cells.append(f"{right}" + (f" [red]+{wrong}[/red]" if wrong else ""))
        table.add_row(*cells)
    table.add_section()
    table.add_row("[bold]all", str(totals[0]), *(f"{totals[i]} [red]+{totals[i + 1]}[/red]" for i in (1, 3, 5, 7)))
    return table


def sentences(phenotypes: dict[str, Phenotype], found: dict[str, dict[str, set[str]]], out: Path, wanted: str) -> Table:
    """Evidence: `new` = what notes add to claims, `not` = what keyword search counts and means no disease."""
    title = "What claims miss and notes show" if wanted == "new" else "What keyword search counts and must not"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", show_lines=False)
    for name in ("patient", "phenotype", "sentence", "assertion", "cue"):
        table.add_column(name, overflow="fold")
    rows = duckdb.execute(
        f"""SELECT m.source_id, e.code, e.assertion, e.snippet, e.lexical_variant, e.triggers
            FROM '{out}/evidence.parquet' e JOIN '{out}/private/id_map.parquet' m
              ON m.id = e.subject_id AND m.kind = 'patient'
            ORDER BY e.note_time, e.note_id, e.start"""
    ).fetchall()
    shown = 0
    for code, phenotype in phenotypes.items():
        sets = found[code]
        new = (sets["notes"] & sets["truth"]) - sets["claims"]
        not_ill = sets["keyword"] - sets["truth"] - sets["notes"]
        for patient, concept, assertion, snippet, words, triggers in rows:
            if concept not in phenotype.codes or shown >= SENTENCES:
                continue
            chosen = patient in new and assertion == "present" if wanted == "new" else patient in not_ill
            if not chosen:
                continue
            cues = ", ".join(dict.fromkeys(t["text"] or t["rule"] for t in triggers)) or "-"
            colour = COLOURS.get(assertion, "white")
            table.add_row(patient, phenotype.name, _marked(snippet, words, colour), f"[{colour}]{assertion}", cues)
            shown += 1
            break
    return table


def _marked(snippet: str, words: str, colour: str) -> Text:
    """The passage on one line, cut at whole words, with the mention highlighted."""
    before, _, after = snippet.partition(words)
    text = Text(" ".join(before.split()[-9:]) + " ")
    text.append(" ".join(words.split()), style=f"bold {colour}")
    return text.append(" " + " ".join(after.split()[:9]))


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the demo, and how many of the last lines that it prints are shown."""

    arguments: tuple[str, ...]
    lines: int
    why: str

    def run(self, console: Console) -> int:
        """Run it; a failure shows all that it printed."""
        shown = " ".join(self.arguments)
        console.print(f"\n[bold]$ phenotext {shown}[/bold]  [dim]{self.why}[/dim]", highlight=False, soft_wrap=True)
        command = [sys.executable, "-m", "phenotext", *self.arguments]
        done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
        for line in lines if done.returncode else lines[-self.lines :]:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        return done.returncode


def commands_before(out: Path) -> list[Command]:
    """Is the run sound, and who has the phenotype?"""
    return [
        Command(("validate", str(out)), 3, "are the tables what the schema says?"),
        Command(("phenotype", "run", PHENOTYPE, str(out)), 7, "one of 14 definitions, on notes and claims"),
    ]


def commands_after(out: Path, patient: str) -> list[Command]:
    """A patient's evidence, a joined feature table, exports that validate, and a report."""
    run, beside = str(out), out.parent / f"{out.name}-more"
    return [
        Command(("phenotype", "explain", PHENOTYPE, run, patient), 14, "why this patient?"),
        Command(
            ("features", run, "--out", str(beside / "features"), "--check-leaks", "--overwrite"),
            8,
            "notes and claims in one table, and does it know the future?",
        ),
        Command(
            ("export", "meds", run, "--out", str(beside / "meds"), "--overwrite"), 3, "checked by the meds package"
        ),
        Command(
            ("export", "note-nlp", run, "--out", str(beside / "note_nlp"), "--overwrite"), 3, "for an OMOP database"
        ),
        Command(("export", "matrix", run, "--out", str(beside / "matrix"), "--overwrite"), 3, "for a claims model"),
        Command(
            ("report", run, "--out", str(beside / "report.html"), "--min-cell", "1"),
            2,
            "one page; small cells are shown because nobody here is real",
        ),
    ]


def first_match(out: Path, phenotype: str) -> str:
    """The source's id of the first patient that a phenotype result names."""
    rows = duckdb.execute(
        f"""SELECT min(m.source_id) FROM '{out}/phenotypes/{phenotype}/phenotype_row.parquet' p
            JOIN '{out}/private/id_map.parquet' m ON m.id = p.subject_id AND m.kind = 'patient'"""
    ).fetchall()
    return str(rows[0][0])


def main() -> int:
    """Run the main job on the shipped notes and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    out: Path = parser.parse_args().out
    console = Console(width=None if sys.stdout.isatty() else 132)
    command = [sys.executable, "-m", "phenotext", "run", str(SAMPLE / "notes.jsonl")]
    command += ["--claims", str(SAMPLE / "claims"), "--out", str(out), "--overwrite"]
    console.print(f"[bold]$ phenotext run {SAMPLE.name}/notes.jsonl --claims {SAMPLE.name}/claims --out {out}[/bold]\n")
    status = subprocess.run(command, check=False).returncode
    if status:
        return status
    phenotypes = read_phenotypes()
    found = patients_by_phenotype(phenotypes, out)
    console.print()
    console.print(comparison(phenotypes, found))
    console.print(sentences(phenotypes, found, out, "new"))
    console.print(sentences(phenotypes, found, out, "not"))
    features = duckdb.execute(
        f"""SELECT r.feature_name, f.covariate_value FROM '{out}/feature.parquet' f
            JOIN '{out}/covariate_ref.parquet' r USING (covariate_id)
            WHERE f.row_id = (SELECT min(row_id) FROM '{out}/cohort.parquet') AND r.feature_name LIKE '%snomed%'
            ORDER BY r.feature_name LIMIT 6"""
    ).fetchall()
    table = Table(title="Some features of the first cohort row", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("feature_name")
    table.add_column("value", justify="right")
    for name, value in features:
        table.add_row(name, f"{value:g}")
    console.print(table)
    for command in commands_before(out):
        status = status or command.run(console)
    if status:
        return status
    for command in commands_after(out, first_match(out, PHENOTYPE)):
        status = status or command.run(console)
    if status:
        return status
    console.print()
    console.print(f"One note:  phenotext show syn-p04-01 --run {out}")
    console.print(f"No feature knows the future:  phenotext check-leaks {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
