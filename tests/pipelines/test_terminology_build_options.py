"""The options of `phenotext terminology build` reach the readers, and what cannot work ends in one clear line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from phenotext.nlp.terminology import Terminology

Call = Callable[..., subprocess.CompletedProcess[str]]
UMLS = "C9000001|ENG|S|L1|PF|S1|N|A1||{code}||{sab}|{kind}|{code}|{name}|{level}|N||\n"


def test_column_mapping(tmp_path: Path, phenotext: Call) -> None:
    source, out = tmp_path / "list.csv", tmp_path / "t.ptx"
    source.write_text("SnomedCode,Description\n195967001,Asthma\nHeart failure,84114007\n22298006,MI\n", "utf-8")
    told = phenotext(
        "terminology", "build", "--source", source, "--columns", "code=snomedCode,term=description",
        "--system", "SNOMEDCT", "--out", out,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "repaired: 1 rows whose code and term were swapped" in told.stdout
    assert list(Terminology.open(out).codes) == ["195967001", "22298006", "84114007"]
    refused = phenotext("terminology", "build", "--source", source, "--columns", "code", "--out", out)
    assert refused.returncode != 0
    assert "role=column" in refused.stderr


def test_umls_options(tmp_path: Path, phenotext: Call) -> None:
    rows = [
        {"code": "195967001", "sab": "SNOMEDCT_US", "kind": "PT", "name": "Asthma", "level": 9},
        {"code": "D001249", "sab": "MSH", "kind": "ET", "name": "Asthmatic lungs", "level": 0},
    ]
    (tmp_path / "MRCONSO.RRF").write_text("".join(UMLS.format(**row) for row in rows), "utf-8")
    out = tmp_path / "t.ptx"
    build = ("terminology", "build", "--source", tmp_path / "MRCONSO.RRF", "--out", out)
    assert phenotext(*build, "--umls-source", "MSH").returncode == 0
    terminology = Terminology.open(out)
    assert [terminology.codes[n] for n in terminology.lookup("asthmatic lungs")] == ["195967001"]
    assert phenotext(*build, "--umls-codes", "MSH", "--max-restriction", "0").returncode == 0
    assert list(Terminology.open(out).codes) == ["D001249"]
    assert "no names to take of the vocabulary SNOMEDCT_US" in phenotext(*build, "--max-restriction", "0").stderr


def test_snomed_from_xrefs(tmp_path: Path, phenotext: Call) -> None:
    names, onto, out = tmp_path / "names.tsv", tmp_path / "onto.obo", tmp_path / "t.ptx"
    names.write_text("code\tsystem\tterm\tpreferred\n195967001\tSNOMED\tAsthma\tAsthma\n", "utf-8")
    onto.write_text(
        "format-version: 1.2\n\n[Term]\nid: HP:0002099\nname: Asthma\nxref: SNOMEDCT_US:195967001\n\n"
        '[Term]\nid: HP:0001250\nname: Seizure\nsynonym: "Fits of the brain" EXACT []\nxref: SNOMEDCT_US:195967001\n',
        "utf-8",
    )
    build = ("terminology", "build", "--source", names, "--source", onto, "--out", out, "--snomed-from-xrefs")
    told = phenotext(*build)
    assert told.returncode == 0, told.stderr
    assert "1 accepted, 1 rejected (1 name differs)" in told.stdout
    assert list(Terminology.open(out).codes) == ["HP:0001250", "195967001"]
    assert phenotext(*build, "--keep-codes", "none").returncode == 0
    assert list(Terminology.open(out).codes) == ["195967001"]
