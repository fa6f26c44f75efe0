"""`phenotext terminology search`, `show`, `explain` and `resolve` as a user runs them."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.pipelines.run import RunResult

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from phenotext.nlp.terminology.build import build_terminology

    folder = tmp_path_factory.mktemp("built")
    terms = folder / "terms.tsv"
    terms.write_text(
        "code\tsystem\tterm\tpreferred\n"
        "195967001\tSNOMED\tAsthma\tAsthma\n"
        "195967001\tSNOMED\tbronchial asthma\tAsthma\n"
        "73211009\tSNOMED\tDiabetes mellitus\tDiabetes mellitus\n"
        "44054006\tSNOMED\tDiabetes mellitus type 2\tDiabetes mellitus type 2\n"
    )
    edges = folder / "edges.tsv"
    edges.write_text("child\tparent\n44054006\t73211009\n")
    build_terminology([terms, edges], folder / "t.ptx")
    return folder / "t.ptx"


def test_search(built: Path, phenotext: Call, phenotext_process: Call) -> None:
    done = phenotext_process("terminology", "search", built, "diabtes melit")
    assert done.returncode == 0, done.stderr
    assert [line.split()[2] for line in done.stdout.splitlines()] == ["73211009", "44054006"]
    hits = json.loads(phenotext("terminology", "search", built, "bronch", "--json").stdout)
    assert [(hit["code"], hit["matched_term"], hit["preferred"]) for hit in hits] == [
        ("195967001", "bronchial asthma", "Asthma")
    ]
    assert phenotext("terminology", "search", built, "zebra").stdout == "nothing found\n"
    done = phenotext("terminology", "search", built, "asthma", "--system", "HPO")
    assert (done.returncode, "it has SNOMED" in done.stderr) == (2, True)


def test_show_with_a_run(built: Path, finished: RunResult, phenotext: Call) -> None:
    done = phenotext("terminology", "show", built, "195967001", "--run", finished.out)
    assert done.returncode == 0, done.stderr
    assert "synonym: bronchial asthma" in done.stdout
    assert "in the run: " in done.stdout
    shown = json.loads(
        phenotext("terminology", "show", built, "SNOMED/195967001", "--run", finished.out, "--json").stdout
    )
    counts = {count["assertion"]: count["mentions"] for count in shown[0]["use"]}
    import pyarrow.parquet as pq

    evidence = pq.read_table(finished.out / "evidence.parquet", columns=["code", "assertion"]).to_pylist()
    own = [row["assertion"] for row in evidence if row["code"] == "SNOMED/195967001"]
    assert own
    assert counts == {assertion: own.count(assertion) for assertion in own}
    parent = phenotext("terminology", "show", built, "44054006").stdout
    assert "is a: 73211009 Diabetes mellitus" in parent


def test_explain(phenotext: Call) -> None:
    done = phenotext("terminology", "explain", "starter", "CHF", "--note-section", "Past Medical History")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It means Congestive heart failure (SNOMED 42343007)")
    told = json.loads(phenotext("terminology", "explain", "starter", "RA", "--text", "98% on RA", "--json").stdout)
    assert "room air" in [sense["expansion"] for sense in told["senses"]]


def test_resolve_writes_codes_and_report(built: Path, tmp_path: Path, phenotext: Call) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("code,term,descendants\n73211009,Diabetes,yes\nAsthma,195967001,no\n195967002,?,no\n")
    out, report = tmp_path / "codes.csv", tmp_path / "report.json"
    done = phenotext("terminology", "resolve", built, listed, "--out", out, "--report", report)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["code"] for row in rows] == ["195967001", "44054006", "73211009"]
    assert {row["concept_set"] for row in rows} == {"list"}
    (told,) = json.loads(report.read_text())
    assert [note["what"] for note in told["faulty"]] == ["check_digit"]
    assert [note["what"] for note in told["repaired"]] == ["swapped_columns"]
    first = out.read_bytes()
    assert phenotext("terminology", "resolve", built, listed, "--out", out).returncode == 0
    assert out.read_bytes() == first


def test_resolve_an_expression_and_one_set_of_several(built: Path, tmp_path: Path, phenotext: Call) -> None:
    done = phenotext("terminology", "resolve", built, "<< 73211009 OR 195967001")
    assert "expression: 3 concepts" in done.stdout
    two = tmp_path / "two.csv"
    two.write_text("codelist,code,term\na,195967001,Asthma\nb,73211009,Diabetes\n")
    done = phenotext("terminology", "resolve", built, two, "--set", "b")
    assert (done.stdout.count("items"), "b: 1 items, 1 found; 1 concepts" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "T", "195967002"), "check digit"),
        (("show", "T", "195967001", "--run", "NOWHERE"), "no finished run"),
        (("show", "NOWHERE", "1"), "no such file"),
        (("explain", "T", "asthma", "--text", "secretword"), "does not stand in the text"),
        (("resolve", "T", "NOWHERE"), "no such file, and no expression"),
        (("resolve", "T", "<< 73211009 ((("), "ECL, character"),
        (("resolve", "T", "195967001 OR 73211009", "--set", "x"), "no concept set with that name"),
        (("resolve", "T", "LIST", "--out", "LIST"), "is also an input"),
    ],
)
def test_errors_are_one_line(built: Path, tmp_path: Path, phenotext: Call, words: tuple[str, ...], told: str) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("195967001\n")
    places = {"T": built, "NOWHERE": tmp_path / "none", "LIST": listed}
    done = phenotext("terminology", *(places.get(word, word) for word in words))
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secretword" not in done.stderr
