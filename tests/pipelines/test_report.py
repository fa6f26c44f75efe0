"""The report of a run: its figures against the tables, nothing of a patient in it, the same bytes each time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from phenotext.nlp.tables import PHENOTYPE_ROW, SCORE
from phenotext.pipelines.durable import write_table
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.report.agreement import kappa
from phenotext.pipelines.report.build import build_report
from phenotext.pipelines.report.render import html
from phenotext.pipelines.run import run
from phenotext.pipelines.run_folder import RunFolder
from phenotext.pipelines.settings import Settings

from .conftest import SENTINEL, many_notes, rows, write_jsonl
from .test_terminology_report import Page

Call = Callable[..., subprocess.CompletedProcess[str]]
PATIENT = "quaggapatient"


def notes() -> list[dict[str, Any]]:
    """240 notes of 40 patients at two sites, with three authors; nothing of a patient may be told."""
    made = many_notes(240)
    for place, note in enumerate(made):
        patient = place % 40
        note |= {
            "patient_id": f"{PATIENT}{patient}",
            "site_id": "north-hospital" if patient < 25 else "south-clinic",
            "provider_id": f"dr-{'a' if patient < 13 else 'b' if patient < 25 else 'c'}",
            "note_class": "Clinic note" if place % 3 else "Letter",
        }
    made[0]["note_class"] = f"{SENTINEL} seen by mistake"  # a column that holds what it should not
    return made


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    persons = [f"{PATIENT}{number}" for number in range(40)]
    claims = folder / "claims"
    claims.mkdir()
    people = [f"{1000 + number},1960,{person}" for number, person in enumerate(persons)]
    (claims / "person.csv").write_text("\n".join(["person_id,year_of_birth,person_source_value", *people]) + "\n")
    lines = [f"{1000 + number},0,2014-01-02,J45.909" for number in range(20)]  # asthma
    lines += [f"{1000 + number},0,2014-01-03,Z79.899" for number in range(14)]
    lines += [f"{1000 + number},0,2014-01-03,Z85.3" for number in range(3)]
    header = "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value"
    numbered = [f"{number},{line}" for number, line in enumerate(lines)]
    (claims / "condition_occurrence.csv").write_text("\n".join([header, *numbered]) + "\n")
    out = folder / "out"
    run(Settings(write_jsonl(folder / "notes.jsonl", notes()), out, claims=claims))
    return out


def document(out: Path, min_cell: int = 11, **options: Any) -> dict[str, Any]:
    return json.loads(json.dumps(build_report(RunFolder.open(out), min_cell=min_cell, **options).to_json()))


def block(report: dict[str, Any], section: str, title: str) -> dict[str, Any]:
    parts = next(part for part in report["sections"] if part["id"] == section)["blocks"]
    return next(part for part in parts if part.get("title") == title and part["kind"] == "table")


def figures(report: dict[str, Any]) -> dict[str, Any]:
    parts = next(part for part in report["sections"] if part["id"] == "data")["blocks"]
    return next(part for part in parts if part["kind"] == "figures")["values"]


def phenotype(out: Path, folder: Path, name: str, subjects: list[int], **says: Any) -> None:
    """A result as `phenotext phenotype run` writes it."""
    opened = RunFolder.open(out)
    folder.mkdir(parents=True)
    table = pa.table(
        {
            "phenotype_id": [name] * len(subjects),
            "version": ["1"] * len(subjects),
            "definition_sha256": ["0"] * len(subjects),
            "subject_id": sorted(subjects),
            "index_time": pa.array([0] * len(subjects), pa.timestamp("us")),
            "row_id": pa.nulls(len(subjects), pa.int64()),
            "run_id": [opened.run_id] * len(subjects),
        }
    ).cast(PHENOTYPE_ROW)
    write_table(folder / "phenotype_row.parquet", PHENOTYPE_ROW, table.to_batches())
    says = {"name": name, "version": "1", "status": "unvalidated", "run_id": opened.run_id, "only": None} | says
    (folder / "phenotype.json").write_text(json.dumps(says), encoding="utf-8")


def subjects_of(out: Path, provider: str) -> list[int]:
    """Patients whose notes are by an author, as numbers."""
    number = {row["source_id"]: row["id"] for row in _ids(out) if row["kind"] == "provider"}[provider]
    return sorted({row["subject_id"] for row in rows(out, "note") if row["provider_id"] == number})


def _ids(out: Path) -> list[dict[str, Any]]:
    return rows(out / "private", "id_map")


def test_figures_are_those_of_the_tables(finished_run: Path) -> None:
    report = document(finished_run, min_cell=1)
    evidence, events, noted = rows(finished_run, "evidence"), rows(finished_run, "event"), rows(finished_run, "note")
    assert figures(report) == {
        "patients": 40,
        "with notes": 40,
        "with claims or records": 20,
        "notes": 240,
        "mentions": len(evidence),
        "events": len(events),
        "cohort rows": 40,
        "feature values": len(rows(finished_run, "feature")),
    }
    told = {row[0]: row[1] for row in block(report, "mentions", "Mentions by assertion")["rows"]}
    assert told == {**Counter(row["assertion"] for row in evidence), "all": len(evidence)}
    months = {row[0]: row[1] for row in block(report, "corpus", "Notes by month")["rows"]}
    assert months == {**Counter(row["note_time"].strftime("%Y-%m") for row in noted), "all": 240}
    classes = {row[0]: row[1] for row in block(report, "corpus", "Notes by class")["rows"]}
    assert classes["Clinic note"] == sum(row["note_class"] == "Clinic note" for row in noted)
    concepts = block(report, "mentions", "Mentions by concept")
    by_code = Counter(row["code"] for row in evidence)
    assert {row[-1]: row[-2] for row in concepts["rows"]} == by_code


def test_agreement_is_that_of_the_events(finished_run: Path) -> None:
    report = document(finished_run, min_cell=1)
    asthma = next(row for row in block(report, "agreement", "Agreement by concept")["rows"] if row[0] == "Asthma")
    named: dict[str, set[int]] = {"note": set(), "claims": set()}
    both_kinds = {row["subject_id"] for row in rows(finished_run, "event") if row["source"] == "claims"}
    for row in rows(finished_run, "event"):
        if row["assertion"] == "present" and row["base_concept_id"] == _asthma(finished_run):
            named[row["source"]].add(row["subject_id"])
    named["note"] &= both_kinds
    both = len(named["note"] & named["claims"])
    noted, claimed = len(named["note"] - named["claims"]), len(named["claims"] - named["note"])
    neither = len(both_kinds) - both - noted - claimed
    assert asthma[1:7] == [len(named["note"]), len(named["claims"]), both, noted, claimed, neither]
    expected = kappa(noted, both, claimed, neither)
    assert asthma[7] == ("" if expected is None else f"{expected:.2f}")


def _asthma(out: Path) -> int:
    return next(row["base_concept_id"] for row in rows(out, "evidence") if row["code"] == "SNOMED/195967001")


def test_kappa_by_hand() -> None:
    # both 20, notes only 5, claims only 10, neither 15 (Cohen's example of two raters): 0.4
    assert kappa(5, 20, 10, 15) == pytest.approx(0.4)
    assert kappa(0, 0, 0, 0) is None


def test_small_counts_are_hidden(finished_run: Path) -> None:
    report = document(finished_run)
    kinds = {"distinct codes", "found", "in the terminology", "features"}
    seen = 0
    for section in report["sections"]:
        for part in section["blocks"]:
            if part["kind"] == "table":
                for row in part["rows"]:
                    for column, cell in zip(part["columns"], row, strict=True):
                        if isinstance(cell, int) and column not in kinds:
                            assert cell == 0 or cell >= 11, (part["title"], row)
                        seen += cell == "<11"
            elif part["kind"] == "chart":
                assert all(
                    not isinstance(cell, int) or cell == 0 or cell >= 11
                    for _, cells in part["series"].items()
                    for cell in cells
                )
    assert seen
    unmapped = block(report, "coverage", "Frequent unmapped codes")["rows"]
    assert [row[:2] for row in unmapped] == [["ICD10CM", "Z79.899"]]
    assert unmapped[0][3] == "11+"  # 14 of 17 would tell the 3 of another code
    page = html(build_report(RunFolder.open(finished_run)))
    assert "Counts of 1 to 10 read &lt;11" in page
    assert "Small cells are shown" in html(build_report(RunFolder.open(finished_run), min_cell=1))


@pytest.mark.parametrize("place_names", [False, True])
def test_nothing_of_a_patient_is_told(finished_run: Path, place_names: bool) -> None:
    report = build_report(RunFolder.open(finished_run), place_names=place_names)
    told = html(report) + json.dumps(report.to_json())
    assert SENTINEL not in told
    assert PATIENT not in told
    ids = {row["id"] for row in _ids(finished_run) if row["kind"] in ("patient", "note", "visit")}
    assert ids
    assert not ids & {int(number) for number in re.findall(r"\d{6,}", told)}
    # no date but months: the day of a note, of a match, of the run
    text = Page(html(report)).text
    assert re.findall(r"\b(?:19|20)\d\d-\d\d-\d\d\b", text) == []


def test_same_bytes_each_time(finished_run: Path, tmp_path: Path, phenotext: Call, phenotext_process: Call) -> None:
    pages = []
    for name, call in (("a", phenotext), ("b", phenotext_process)):
        done = call("report", finished_run, "--out", tmp_path / name / "r.html", "--json", tmp_path / name / "r.json")
        assert done.returncode == 0, done.stderr
        assert SENTINEL not in done.stdout + done.stderr
        pages.append(((tmp_path / name / "r.html").read_bytes(), (tmp_path / name / "r.json").read_bytes()))
    assert pages[0] == pages[1]
    assert json.loads(pages[0][1]) == document(finished_run)


@pytest.mark.parametrize("min_cell", [1, 11])
def test_the_page_stands_alone(finished_run: Path, min_cell: int) -> None:
    source = html(build_report(RunFolder.open(finished_run), min_cell=min_cell))
    page = Page(source)
    assert len(page.ids) == len(set(page.ids))
    assert page.sources == []
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "script" not in page.tags
    assert page.tags.count("svg") >= 3
    assert re.findall(r"url\((?!#)", source) == []
    assert {address.split('"')[0] for address in re.findall(r"https?://([^>\s]+)", source)} <= {"www.w3.org/2000/svg"}
    # every reference inside the charts leads to something
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', source)) <= {
        pair for name in page.ids for pair in ((name, ""), ("", name))
    }


def test_narrow_and_dark(finished_run: Path) -> None:
    source = html(build_report(RunFolder.open(finished_run)))
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in source
    assert "prefers-color-scheme: dark" in source
    assert "max-width: 40rem" in source
    style = source[source.index("<style>") : source.index("</style>")]
    # nothing is wider than the page: tables scroll in their box, charts and cards shrink
    assert re.search(r"\.scroll \{[^}]*overflow: auto", style)
    assert re.search(r"figure svg \{[^}]*width: 100%; height: auto", style)
    assert not re.search(r"(?<![-\w])width: *\d+(?:px|rem|em)", style)
    assert all(float(width) >= 0 for width in re.findall(r"min-width: ([\d.]+)rem", style))
    assert not re.search(r"<svg[^>]* width=", source)
    charts = source[source.index("<svg") :]
    assert "var(--ink)" in charts
    assert not re.search(r"#(?:0[0-9a-f]){3}\b", charts)


def test_patients_by_site_and_provider(finished_run: Path, tmp_path: Path) -> None:
    a, b, c = (subjects_of(finished_run, f"dr-{letter}") for letter in "abc")
    results = tmp_path / "results"
    phenotype(finished_run, results / "most", "most", [*a, *b[:4], *c[:12]], only="note")
    phenotype(finished_run, results / "none", "none", [])
    phenotype(finished_run, results / "nearly", "nearly", [*a, *b, *c[:-2]], status="validated")
    report = document(finished_run, phenotypes=results, place_names=True)
    counts = {row[0]: row[1:] for row in block(report, "phenotypes", "Patients by phenotype")["rows"]}
    assert counts["most (notes only)"] == ["definition, version 1, unvalidated", 29, 40, "72.5 %"]
    assert counts["none"][1:] == [0, 40, "0.0 %"]
    assert counts["nearly"] == ["definition, version 1, validated", "11+", 40, ""]  # 38 of 40 would tell 2
    places = [
        row[1:] for row in block(report, "phenotypes", "Patients by site and provider")["rows"] if "most" in row[0]
    ]
    assert places == [
        ["north-hospital", "all", 17],
        ["north-hospital", "dr-a", "11+"],
        ["north-hospital", "1 other provider", "<11"],
        ["south-clinic", "all", 12],
        ["south-clinic", "dr-c", 12],
    ]
    everything = document(finished_run, 1, phenotypes=results, place_names=True)
    places = [
        row[1:] for row in block(everything, "phenotypes", "Patients by site and provider")["rows"] if "most" in row[0]
    ]
    assert ["north-hospital", "dr-b", 4] in places
    # the numbers of the tables unless names are asked for
    assert "north-hospital" not in json.dumps(document(finished_run, phenotypes=results))


def test_results_are_found_in_the_run(finished_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished_run, copy)
    phenotype(copy, copy / "phenotypes" / "x", "x", subjects_of(copy, "dr-a"))
    assert [row[0] for row in block(document(copy), "phenotypes", "Patients by phenotype")["rows"]] == ["x"]
    phenotype(copy, copy / "phenotypes" / "y", "y", [], run_id="another")
    with pytest.raises(RunError, match="another run"):
        document(copy)
    (copy / "phenotypes" / "y" / "phenotype.json").write_text("{")
    with pytest.raises(RunError, match="not valid JSON"):
        document(copy)
    with pytest.raises(RunError, match="no folder of phenotype results"):
        document(copy, phenotypes=tmp_path / "nowhere")


def test_flagged_patients(finished_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished_run, copy)
    flagged = set(subjects_of(copy, "dr-b"))
    model = {"model_name": "model", "model_version": "2", "model_sha256": "0", "base_concept_id": 1}
    said = model | {"phenotype_code": "SNOMED/195967001", "n_notes": 1, "n_chunks": 1, "status": "ok", "run_id": "r"}
    scores = [
        {name: row[name] for name in ("row_id", "subject_id", "prediction_time")}
        | {"score_id": row["row_id"], "flagged": row["subject_id"] in flagged}
        | said
        for row in rows(copy, "cohort")
    ]
    write_table(copy / "score.parquet", SCORE, pa.Table.from_pylist(scores, schema=SCORE).to_batches())
    report = document(copy, place_names=True)
    assert block(report, "phenotypes", "Patients by phenotype")["rows"] == [
        ["SNOMED/195967001", "classifier model, version 2", 12, 40, "30.0 %"]
    ]
    assert block(report, "phenotypes", "Patients by site and provider")["rows"] == [
        ["SNOMED/195967001", "north-hospital", "all", 12],
        ["SNOMED/195967001", "north-hospital", "dr-b", 12],
    ]


def test_runs_with_nothing_in_them(tmp_path: Path) -> None:
    for name, kept in (("silent", notes()[:1]), ("empty", [])):
        made = [note | {"text": "Nothing to code."} for note in kept]
        out = tmp_path / name
        run(Settings(write_jsonl(tmp_path / f"{name}.jsonl", made), out))
        report = build_report(RunFolder.open(out))
        Page(html(report))
        assert figures(report.to_json())["mentions"] == 0
    assert figures(report.to_json())["patients"] == 0


def test_quarantined_rows_are_counted(tmp_path: Path) -> None:
    made = notes()
    for note in made[:12]:
        note["note_time"] = SENTINEL
    run(Settings(write_jsonl(tmp_path / "notes.jsonl", made), tmp_path / "out"))
    report = document(tmp_path / "out")
    left = block(report, "data", "Rows left out (quarantine)")["rows"]
    assert [row[0] for row in left] == ["unreadable date", "all"]
    assert [row[2] for row in left] == [12, 12]
    assert ["notes without an available time: the default lag was added", 228] in block(
        report, "data", "Defaults and remarks"
    )["rows"]
    assert SENTINEL not in json.dumps(report)


def test_commercial_runs_only_as_roll_ups(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(Settings(write_jsonl(tmp_path / "n.jsonl", notes()), out, purpose="commercial", sponsor="Acme & <Co>"))
    with pytest.raises(RunError, match="purpose is commercial"):
        build_report(RunFolder.open(out), min_cell=10)
    page = Page(html(build_report(RunFolder.open(out))))
    assert "Acme & <Co>" in page.text
    with pytest.raises(RunError, match="--min-cell 0"):
        build_report(RunFolder.open(out), min_cell=0)


def test_a_run_without_plain_ids_names_no_places(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef0123456789abcdef")
    out = tmp_path / "out"
    run(Settings(write_jsonl(tmp_path / "n.jsonl", notes()), out, phi="minimal", id_key=key))
    with pytest.raises(RunError, match="--place-names is refused"):
        build_report(RunFolder.open(out), place_names=True)
    assert SENTINEL not in html(build_report(RunFolder.open(out)))


def test_faults_of_the_command(finished_run: Path, tmp_path: Path, phenotext: Call) -> None:
    for arguments, problem in (
        ((tmp_path, "--out", tmp_path / "r.html"), "no finished run"),
        ((finished_run, "--out", tmp_path / "r.pdf"), "is no .html file"),
        ((finished_run, "--out", tmp_path / "r.html", "--json", tmp_path / "r.txt"), "is no .json file"),
        ((finished_run, "--out", tmp_path / "r.html", "--min-cell", "0"), "not possible"),
    ):
        done = phenotext("report", *arguments)
        assert done.returncode == 2
        assert problem in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_without_matplotlib(finished_run: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['matplotlib.figure'] = None\n"
        f"sys.argv = ['phenotext', 'report', {str(finished_run)!r}, '--out', {str(tmp_path / 'r.html')!r}]\n"
        "from phenotext.pipelines.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "phenotext[report]" in done.stderr


def test_matplotlib_is_loaded_late() -> None:
    code = (
        "import sys, phenotext.pipelines.cli, phenotext.pipelines.report.build\nassert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
