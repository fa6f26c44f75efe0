"""Delimited files whose columns have names of their own, and the repair of rows that leave no doubt."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from phenotext.nlp.terminology.build import build_terminology
from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources import read_source
from phenotext.nlp.terminology.sources.options import SourceOptions
from phenotext.pipelines.commands.terminology_build import _mapping
from phenotext.pipelines.errors import RunError

LISTS = SourceOptions(columns={"code": "snomedCode", "term": "Description text"}, system="SNOMED")


def write(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_by_the_names_that_the_user_gives(tmp_path: Path) -> None:
    path = write(tmp_path, "list,SnomedCode,description text\nasthma,195967001,Asthma (disorder)\n")
    (term,) = read_source(path, options=LISTS).terms
    assert (term.code, term.system, term.term, term.preferred) == (
        "195967001",
        "SNOMED",
        "Asthma (disorder)",
        "Asthma",
    )
    assert (term.kind, term.semantic_tag) == ("preferred", "disorder")


def test_a_mapping_holds_for_the_files_that_have_its_columns(tmp_path: Path) -> None:
    write(tmp_path, "SnomedCode,description text\n195967001,Asthma\n", "a.csv")
    write(tmp_path, "code\tsystem\tterm\tpreferred\nHP:0002099\tHPO\tAsthma\tAsthma\n", "b.tsv")
    assert [term.system for term in read_source(tmp_path, options=LISTS).terms] == ["SNOMED", "HPO"]


def test_a_system_of_the_row_wins_over_the_constant(tmp_path: Path) -> None:
    path = write(tmp_path, "code,term,system\n195967001,Asthma,\nJ45,Asthma,ICD10CM\n")
    assert [term.system for term in read_source(path, options=SourceOptions(system="SNOMED")).terms] == [
        "SNOMED",
        "ICD10CM",
    ]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "code,term,system\n195967001,Asthma,SNOMED\n")
    with pytest.raises(SourceError, match="lacks the column name that --columns names"):
        read_source(path, options=SourceOptions(columns={"term": "name"}))
    other = write(tmp_path, "id,label\n195967001,Asthma\n", "other.csv")
    with pytest.raises(SourceError, match="no header with the columns ids that --columns names"):
        read_source(other, options=SourceOptions(columns={"code": "ids"}))
    with pytest.raises(SourceError, match="lacks the column system") as caught:
        read_source(other, options=SourceOptions(columns={"code": "id", "term": "label"}))
    assert "--system" in str(caught.value)
    with pytest.raises(SourceError, match="lacks the column preferred"):
        read_source(path)


@pytest.mark.parametrize("given", ["code", "code=", "codes=id", "code=a,code=b"])
def test_a_mapping_that_says_nothing_is_refused(given: str) -> None:
    with pytest.raises(RunError):
        _mapping([given])


def test_mapping_of_the_command_line() -> None:
    assert _mapping(["code=snomedCode, term=description", "preferred=name"]) == {
        "code": "snomedCode",
        "term": "description",
        "preferred": "name",
    }


def test_rows_that_leave_no_doubt_are_repaired_and_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "snomedCode\tDescription text\n"
        "195967001\tAsthma\n"
        "22298006\tMyocardial infarction\n"
        "Heart failure\t84114007\n"  # swapped
        "x44054006\tDiabetes mellitus type 2\n"  # kept from a spreadsheet by a letter
        "x44054007\tDiabetes mellitus type 2\n"  # ... but its check digit is wrong
        "x301485011\tAsthma\n"  # an id of a description
        "50043002\t73211009\n"  # two codes: which is the term?
        "1092131000000100\tEx-trivial smoker\n",
        "list.tsv",
    )
    content = read_source(path, options=LISTS)
    assert [(term.code, term.term) for term in content.terms] == [
        ("195967001", "Asthma"),
        ("22298006", "Myocardial infarction"),
        ("84114007", "Heart failure"),
        ("44054006", "Diabetes mellitus type 2"),
        ("50043002", "73211009"),
    ]
    assert content.repairs.counts == {"swapped_columns": 1, "repaired_prefix": 1}
    assert content.repairs.places["swapped_columns"] == ["list.tsv:4"]
    assert content.dropped == {"malformed_code": 1, "description_id": 1, "spreadsheet_number": 1}
    report = build_terminology([path], options=LISTS)
    assert report.sources[0].repaired == {"swapped_columns": 1, "repaired_prefix": 1}
    assert "repaired: 1 rows whose code and term were swapped (list.tsv:4)" in report.summary()


def test_mostly_swapped_rows_mean_a_wrong_header(tmp_path: Path) -> None:
    path = write(tmp_path, "snomedCode,Description text\n" + "Heart failure,84114007\n" * 3 + "195967001,Asthma\n")
    with pytest.raises(SourceError, match="swapped columns in 3") as caught:
        read_source(path, options=LISTS)
    assert caught.value.line == 2


def test_dirty_codelists_are_sorted_as_their_own_check_says(shared: Path) -> None:
    path = shared / "data/terminology/hdruk_codelists/snomed_codelists.tsv"
    checks = Counter(line.rsplit("\t", 1)[1] for line in path.read_text(encoding="utf-8").splitlines()[1:])
    assert checks == {"ok": 8_370, "bad_format": 603, "bad_check": 33}
    content = read_source(path, options=SourceOptions(columns={"code": "code", "term": "term"}, system="SNOMED"))
    dropped, repaired = content.dropped, content.repairs.counts
    assert repaired == {"swapped_columns": 283}
    assert dropped == {"description_id": 211, "malformed_code": 109, "spreadsheet_number": 29, "check_digit": 4}
    assert len(content.terms) == checks["ok"] + repaired["swapped_columns"]
    assert dropped["spreadsheet_number"] + dropped["check_digit"] == checks["bad_check"]
    assert dropped["description_id"] + dropped["malformed_code"] + repaired["swapped_columns"] == checks["bad_format"]
    assert len(content.terms) + sum(dropped.values()) == 9_006
