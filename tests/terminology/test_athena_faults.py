"""OMOP vocabularies that are broken: each gives a clear error or is counted."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources.read import read_source

from .athena_sample import CONCEPT_HEADER, RELATIONSHIPS, concept, quoted_with_iso_dates, tie, write_athena


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_athena(tmp_path / "vocabulary")


def rewrite(folder: Path, name: str, old: str, new: str, count: int = -1) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8", newline="")


def test_a_missing_concept_table(folder: Path) -> None:
    (folder / "CONCEPT.csv").unlink()
    with pytest.raises(SourceError, match=r"but no CONCEPT table. Put CONCEPT.csv"):
        read_source(folder)


def test_a_missing_column(folder: Path) -> None:
    rewrite(folder, "CONCEPT.csv", "standard_concept\t", "standard\t")
    with pytest.raises(SourceError, match=r"CONCEPT.csv:1: The table lacks the column standard_concept"):
        read_source(folder)


def test_another_separator_than_the_header(folder: Path) -> None:
    path = folder / "CONCEPT.csv"
    header, rows = path.read_text(encoding="utf-8").split("\n", 1)
    path.write_text(header + "\n" + rows.replace("\t", ","), encoding="utf-8")
    with pytest.raises(SourceError, match=r"CONCEPT.csv:2: 24 of 24 rows have another number of cells .* tabs"):
        read_source(folder)


def test_single_rows_that_are_faulty_are_counted(folder: Path) -> None:
    with (folder / "CONCEPT.csv").open("a", encoding="utf-8") as file:
        file.write("1\ttoo few cells\n")
        file.write("\t".join(map(str, concept(317009, "Asthma again", "SNOMED", "195967001"))) + "\n")
        file.write("\t".join(map(str, concept(0, "x", "SNOMED", "1959670011"))).replace("0\tx", "4.4E7\tx", 1) + "\n")
        file.write("\t".join(map(str, concept(77, "wrong check digit", "SNOMED", "195967002"))) + "\n")
    with (folder / "CONCEPT_RELATIONSHIP.csv").open("a", encoding="utf-8") as file:
        file.write("\t".join(map(str, tie(5, "Maps to", 6))).replace("5\t", "x\t", 1) + "\n")
    content = read_source(folder)
    for reason, place in (
        ("wrong_cell_count", "CONCEPT.csv:26"), ("doubled_concept_id", "CONCEPT.csv#317009"),
        ("check_digit", "CONCEPT.csv#77"),
    ):  # fmt: skip
        assert content.dropped[reason] == 1
        assert content.dropped_at[reason] == [place]
    assert content.dropped_at["malformed_concept_id"] == [
        "CONCEPT.csv:27",
        f"CONCEPT_RELATIONSHIP.csv:{len(RELATIONSHIPS) + 2}",
    ]
    assert "Asthma again" not in {term.term for term in content.terms}


def test_mostly_faulty_ids_are_refused(folder: Path) -> None:
    path = folder / "CONCEPT.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *("x" + row for row in rows)]) + "\n", encoding="utf-8")
    with pytest.raises(SourceError, match="24 of 24 rows are faulty, most by malformed concept id"):
        read_source(folder)


def test_dates_that_are_none_are_counted(folder: Path) -> None:
    rewrite(folder, "CONCEPT.csv", "20991231", "30990001", 3)
    content = read_source(folder)
    assert any(notice.startswith("3 validity dates") for notice in content.notices)
    assert len(content.terms) == 10


@pytest.mark.parametrize("rows", ["", "\n"])
def test_a_header_without_rows(rows: str, folder: Path) -> None:
    (folder / "CONCEPT.csv").write_text("\t".join(CONCEPT_HEADER) + rows, encoding="utf-8")
    with pytest.raises(SourceError, match="has no rows"):
        read_source(folder)


def test_text_that_is_not_utf8(folder: Path) -> None:
    path = folder / "CONCEPT.csv"
    path.write_bytes(path.read_bytes().replace(b"Pneumonia", b"Pneumon\xeda"))
    with pytest.raises(SourceError, match=r"CONCEPT.csv:3: The line is not UTF-8"):
        read_source(folder)


def test_an_open_quote_does_not_swallow_rows_silently(folder: Path) -> None:
    for file in folder.iterdir():
        file.write_text(quoted_with_iso_dates(file.read_text(encoding="utf-8")), encoding="utf-8")
    rewrite(folder, "CONCEPT.csv", "Pneumonia", '"Pneumonia')
    with pytest.raises(SourceError, match=r"CONCEPT.csv:3: A quote that opens here is not closed"):
        read_source(folder)


def test_a_broken_zip(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "athena.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceError, match="zip"):
        read_source(path)
