"""Results of a run: tables, papers, time travel, the SQL script, explanations, comparisons, the commands."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from phenotext.nlp.tables import PHENOTYPE_EVIDENCE, PHENOTYPE_ROW
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.phenotypes.compare import compare
from phenotext.pipelines.phenotypes.evaluate import (
    as_of_table,
    evaluate,
    read_result,
    script,
    write_result,
)
from phenotext.pipelines.phenotypes.explain import explain, sentence_around
from phenotext.pipelines.phenotypes.shipped import open_definition
from phenotext.pipelines.phenotypes.upset import draw_upset
from phenotext.pipelines.run import run
from phenotext.pipelines.run_folder import RunFolder
from phenotext.pipelines.settings import Settings

Call = Callable[..., subprocess.CompletedProcess[str]]
HF, DM = "SNOMED/84114007", "SNOMED/44054006"
SAMPLE = Path(__file__).resolve().parents[3] / "pipelines" / "data" / "sample"
TWO = {"all": [{"name": "dx", "concept_set": "hf"}, {"not": {"concept_set": "dm"}}]}


def test_tables_and_papers_are_written_and_read_again(maker: Any, define: Any, tmp_path: Path) -> None:
    event = maker.fact(1, 0, HF, source="note", note=5)
    maker.fact(2, 0, DM)
    folder, read = maker.write(), define(TWO)
    result = evaluate(folder, read)
    for out in ("one", "two"):
        write_result(result, tmp_path / out)
    back = read_result(tmp_path / "one")
    assert back.rows.schema.equals(PHENOTYPE_ROW)
    assert back.evidence.schema.equals(PHENOTYPE_EVIDENCE)
    rows = {row["criterion"]: row for row in back.evidence.to_pylist()}
    assert list(rows) == ["inclusion", "inclusion/1", "inclusion/2", "inclusion/2/1"]
    assert (rows["inclusion/1"]["event_id"], rows["inclusion/1"]["evidence_id"]) == (event, 10_000 + event)
    assert rows["inclusion/1"]["note_id"] == 5
    assert [rows[path]["held"] for path in rows] == [True, True, True, False]
    assert back.document["counts"] == {
        "candidates": 1, "tried": 2, "patients": 1, "rows": 1,
        "criteria": {"inclusion": 1, "inclusion/1": 1, "inclusion/2": 1, "inclusion/2/1": 0, "observation": 1},
    }  # fmt: skip
    assert back.document["definition_sha256"] == read.sha256
    for file in ("phenotype_row.parquet", "phenotype_evidence.parquet", "phenotype.json", "phenotype.sql"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    with pytest.raises(RunError, match="not a folder of a phenotype result"):
        write_result(result, folder.path)


def test_nobody_is_found_before_it_was_known(maker: Any, define: Any, tmp_path: Path) -> None:
    maker.fact(1, 0, HF, available=10)
    maker.fact(1, 5, DM, available=20)
    folder = maker.write()
    cohort = tmp_path / "cohort.csv"
    times = {1: "2020-01-05", 2: "2020-01-15", 3: "2020-02-15"}
    cohort.write_text("row_id,patient_id,prediction_time\n" + "".join(f"{n},1,{t}\n" for n, t in times.items()))
    table = as_of_table(folder, cohort)
    result = evaluate(folder, define(TWO), as_of=table)
    assert [row["row_id"] for row in result.rows.to_pylist()] == [2], "day 4: nothing known; day 45: diabetes known"
    # two rows of one patient with one index time stay apart
    both = evaluate(folder, define({"name": "dx", "concept_set": "hf"}), as_of=table).rows.to_pylist()
    assert [(row["row_id"], row["index_time"].day) for row in both] == [(2, 1), (3, 1)]
    cohort.write_text("row_id,patient_id,prediction_time\n1,1,2020-01-05\n1,1,2020-01-06\n")
    with pytest.raises(RunError, match="comes twice"):
        as_of_table(folder, cohort)


def test_warnings_say_what_the_run_lacks(maker: Any, define: Any) -> None:
    maker.fact(1, 0, HF)
    maker.fact(1, 0, "LOINC/10230-1", value=None)
    tree = {
        "any": [
            {"name": "dx", "concept_set": "hf"}, {"name": "from_ehr", "concept_set": "hf", "source": "ehr"},
            {"name": "low", "concept_set": "ef", "value": {"op": "<=", "number": 40}}, {"sex": "male"},
        ]
    }  # fmt: skip
    told = " / ".join(evaluate(maker.write(), define(tree, observation={})).document["warnings"])
    for part in ("from_ehr: the run has no events from ehr", "low: none of its 1 facts", "no table person", "periods"):
        assert part in told


def test_the_printed_script_runs_in_duckdb_alone(maker: Any, define: Any, tmp_path: Path) -> None:
    maker.fact(1, 0, HF)
    maker.fact(2, 3, HF)
    maker.fact(2, 4, DM)
    folder = maker.write()
    rows = duckdb.connect().execute(script(folder, define(TWO), None, None)).fetchall()
    assert {row[0] for row in rows} == {1}
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("patient_id,prediction_time\n2,2020-01-05\n")
    text = script(folder, define(TWO), as_of_table(folder, cohort), "claims")
    assert duckdb.connect().execute(text).fetchall() == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("sample") / "run"
    run(Settings(notes=SAMPLE / "notes.jsonl", claims=SAMPLE / "claims", out=out))
    return RunFolder.open(out)


def test_shipped_definitions_find_the_sample_patients(sample: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "scripts"))
    import importlib

    judge = importlib.import_module("eval_phenotypes")
    right = named = ill_ones = 0
    for name, ill in judge.truth().items():
        found = judge.found(sample, name)
        right, named, ill_ones = right + len(found & ill), named + len(found), ill_ones + len(ill)
        assert found & ill, name
    # 45 of 50 and 45 of 47 when this was written: the floor leaves room for a changed lexicon
    assert right / named >= 0.8
    assert right / ill_ones >= 0.85
    assert judge.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_an_explanation_shows_the_sentences(sample: RunFolder) -> None:
    (told,) = explain(sample, open_definition("heart_failure"), "syn-p01", facts=50)
    assert told.matched
    assert told.index_time is not None
    facts = [fact for node in told.nodes for fact in node.facts]
    notes = {json.loads(line)["note_id"]: json.loads(line)["text"] for line in (SAMPLE / "notes.jsonl").open()}
    quoted = [(fact, fact.sentence, fact.note) for fact in facts if fact.sentence and fact.note]
    assert quoted
    for fact, sentence, note in quoted:
        assert sentence in " ".join(notes[note].split())
        assert " ".join(notes[note][fact.start : fact.end].split()) in sentence
    (not_ill,) = explain(sample, open_definition("heart_failure"), "syn-p02")
    assert not not_ill.matched
    assert not not_ill.nodes[0].held
    with pytest.raises(RunError, match="no such patient"):
        explain(sample, open_definition("heart_failure"), "nobody")


def test_a_sentence_ends_at_stops_and_items() -> None:
    text = "Plan:\n- asthma: stable\n- Heart failure, on\n  diuretics. Return in May."
    start = text.index("Heart")
    assert sentence_around(text, start, start + 13) == "- Heart failure, on diuretics."
    long = "word " * 500
    assert len(sentence_around(long, 1000, 1004)) <= 450


def test_comparison_hides_small_cells_and_what_gives_them_away() -> None:
    everyone = set(range(1000))
    notes, claims = set(range(300)), set(range(5, 400))
    safe = compare({"notes": notes, "claims": claims}, everyone)
    by_members = {overlap.members: overlap.cell for overlap in safe.overlaps}
    assert by_members[("notes",)].text == "<11"
    shown = [by_members[("notes", "claims")], safe.totals["notes"]]
    assert not all(cell.shown for cell in shown), "their difference is the hidden count"
    exact = compare({"notes": notes, "claims": claims}, everyone, exact=True)
    assert [overlap.cell.value for overlap in exact.overlaps] == [295, 5, 100, 600]
    assert exact.jaccard == pytest.approx(295 / 400)
    three = compare({"a": notes, "b": claims, "c": set(range(900))}, everyone)
    assert three.totals["a"].text == "withheld"
    assert three.totals["b"].value is None
    with pytest.raises(RunError, match="1 results"):
        compare({"a": notes}, everyone)


def test_the_plot_is_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    comparison = compare({"notes": set(range(300)), "claims": set(range(5, 400))}, set(range(1000)))
    for ending in ("svg", "png"):
        paths = [tmp_path / f"{name}.{ending}" for name in ("a", "b")]
        for path in paths:
            draw_upset(comparison, path, "Heart failure")
        assert paths[0].read_bytes() == paths[1].read_bytes()
    text = (tmp_path / "a.svg").read_text()
    assert "&lt;11" in text
    assert "Heart failure" in text
    assert ">5<" not in text
    with pytest.raises(RunError, match="known ending"):
        draw_upset(comparison, tmp_path / "a.pdf")


def test_the_commands(sample: RunFolder, tmp_path: Path, phenotext: Call, phenotext_process: Call) -> None:
    def command(*words: object) -> subprocess.CompletedProcess[str]:
        return phenotext("phenotype", *words)

    done = phenotext_process("phenotype", "run", "heart_failure", sample.path)
    assert done.returncode == 0
    assert "6 patients" in done.stdout
    assert "Unvalidated" in done.stdout
    assert (sample.path / "phenotypes" / "heart_failure" / "phenotype_row.parquet").is_file()
    result = sample.path / "phenotypes" / "heart_failure"
    listed = tmp_path / "who.csv"
    compared = command("compare", result, "--exact", "--plot", tmp_path / "u.svg", "--patients", listed)
    assert compared.returncode == 0, compared.stderr
    assert "only heart_failure.note" in compared.stdout
    assert listed.stat().st_mode & 0o777 == 0o600
    assert len(listed.read_text().splitlines()) == 7
    assert "<11" in command("compare", result).stdout
    explained = command("explain", "heart_failure", sample.path, "syn-p01")
    assert "syn-p01 matches" in explained.stdout
    assert '"' in explained.stdout
    assert command("sql", "heart_failure", sample.path).stdout.count("CREATE OR REPLACE") == 6
    assert len(command("list").stdout.splitlines()) >= 12
    assert "The definition is sound" in command("check", "t2dm", "--terminology", "starter").stdout
    wrong = command("run", "gout", sample.path)
    assert wrong.returncode == 2
    assert "no such definition" in wrong.stderr


def test_a_commercial_run_gives_no_patients(maker: Any, define: Any, tmp_path: Path, phenotext: Call) -> None:
    maker.declared = {"purpose": "commercial"}
    maker.fact(1, 0, HF)
    folder = maker.write()
    result = evaluate(folder, define({"name": "dx", "concept_set": "hf"}))
    write_result(result, folder.path / "phenotypes" / "test")
    done = phenotext("phenotype", "compare", folder.path / "phenotypes" / "test", "--patients", tmp_path / "who.csv")
    assert done.returncode == 2
    assert "commercial" in done.stderr
    assert not (tmp_path / "who.csv").exists()
