"""OMOP vocabularies as Athena gives them, and as databases export them."""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources.athena_relations import nearest_wanted, only_successor
from phenotext.nlp.terminology.sources.content import SourceContent
from phenotext.nlp.terminology.sources.options import SourceOptions
from phenotext.nlp.terminology.sources.read import read_source

from .athena_sample import (
    ANCESTOR_HEADER,
    CONCEPT_HEADER,
    CONCEPTS,
    RELATIONSHIPS,
    Row,
    concept,
    lines,
    quoted_with_iso_dates,
    write_athena,
)


def terms(content: SourceContent) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for term in content.terms:
        found.setdefault(term.code, []).append((term.kind, term.term))
    return found


def maps(content: SourceContent) -> list[tuple[str, str, str, str, str, int]]:
    columns = ("source_system", "source_code", "relationship", "target_system", "target_code", "target_concept_id")
    return [tuple(row[name] for name in columns) for table in content.maps for row in table.to_pylist()]  # type: ignore[misc]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_athena(tmp_path / "vocabulary")


def test_names_and_synonyms_of_the_default_vocabularies(folder: Path) -> None:
    content = read_source(folder)
    assert content.release == "v5.0 31-AUG-23"
    assert terms(content) == {
        "195967001": [("preferred", "Asthma"), ("synonym", "Bronchial asthma")],
        "233604007": [("preferred", "Pneumonia")],
        "44054006": [("preferred", "Type 2 diabetes mellitus"), ("synonym", "Type II diabetes mellitus")],
        "84114007": [("preferred", "Heart failure")],
        "59621000": [("preferred", "Essential hypertension")],
        "64572001": [("preferred", "Disease")],
        "6809": [("preferred", "metformin")],
        "151827": [("preferred", "Glucophage")],
    }
    assert content.concept_ids["SNOMED", "195967001"] == 317009
    assert content.concept_ids["RxNorm", "6809"] == 1503297
    tags = {term.code: term.semantic_tag for term in content.terms}
    assert (tags["195967001"], tags["6809"], tags["151827"]) == ("disorder", "substance", "product")
    assert content.dropped == {
        "duplicate": 2,
        "other_language": 1,
        "synonym_of_unknown_concept": 1,
        "invalid_relationship": 1,
        "map_of_reused_code": 1,
    }


def test_a_left_out_parent_is_replaced_by_the_nearest_above(folder: Path) -> None:
    assert sorted(read_source(folder).isa["SNOMED"]) == [
        ("195967001", "64572001"), ("233604007", "64572001"), ("84114007", "64572001"),
    ]  # fmt: skip


def test_retired_codes(folder: Path) -> None:
    content = read_source(folder)
    assert content.redirects == {"187687003": "195967001"}
    assert content.retired["SNOMED", "187687003"] == RetiredCode(
        "Asthma", "updated", (("Concept replaced by", "195967001"), ("Maps to", "195967001"))
    )
    assert content.retired["SNOMED", "155374007"].successors == (
        ("Maps to", "84114007"), ("Concept poss_eq to", "84114007"), ("Concept poss_eq to", "59621000"),
    )  # fmt: skip
    assert content.retired["SNOMED", "156471009"] == RetiredCode("Rheumatoid arthritis", "deleted")
    assert ("NDC", "00093104801") not in content.retired


@pytest.mark.parametrize(
    ("pairs", "successor"),
    [
        ((("Concept replaced by", "a"), ("Maps to", "b")), "a"),
        ((("Concept replaced by", "a"), ("Concept replaced by", "b"), ("Maps to", "b")), None),
        ((("Concept same_as to", "a"), ("Concept poss_eq to", "b")), "a"),
        ((("Maps to", "a"),), "a"),
        ((("Maps to", "a"), ("Maps to", "b")), None),
        ((("Maps to", "a"), ("Concept poss_eq to", "a")), None),
        ((("Concept poss_eq to", "a"),), None),
        ((), None),
    ],
)
def test_only_an_unambiguous_successor_is_a_redirect(pairs: tuple[tuple[str, str], ...], successor: str | None) -> None:
    assert only_successor(pairs) == successor


def test_maps_keep_every_target(folder: Path) -> None:
    content = read_source(folder)
    found = maps(content)
    assert ("ICD10CM", "E11.9", "Maps to", "SNOMED", "44054006", 201826) in found
    assert [row[4] for row in found if row[1] == "O99.511"] == ["233604007", "195967001"]
    assert [row[2:5] for row in found if row[1] == "Z82.5"] == [("Maps to value", "SNOMED", "195967001")]
    assert [row[4] for row in found if row[0] == "NDC"] == ["860975"]  # the product that has the code today
    assert ("SNOMED", "155374007", "Maps to", "SNOMED", "84114007", 316139) in found
    assert ("CPT4", "99213", "Maps to", "CPT4", "99213", 900107) in found
    assert Counter(row[0] for row in found) == {
        "SNOMED": 7, "RxNorm": 2, "LOINC": 1, "ICD10CM": 4, "ICD9CM": 1, "NDC": 1, "CPT4": 1, "ATC": 1,
    }  # fmt: skip


def test_what_a_user_should_know_is_said(folder: Path) -> None:
    notices = " ".join(read_source(folder).notices)
    assert "1 of 1 CPT4 codes have no names" in notices
    assert "cpt4.jar" in notices
    assert "1 maps lead to concepts that CONCEPT lacks" in notices
    # Z99.9 and Z82.5, whose only map is lost; brand names have none either
    assert "ICD10CM 2 of 4" in notices
    _, report = compile_sources([folder])
    assert "cpt4.jar" in str(report.to_json())


def test_vocabularies_domains_and_standards_are_chosen(folder: Path) -> None:
    def codes(**choice: object) -> set[str]:
        return {term.code for term in read_source(folder, options=SourceOptions(**choice)).terms}  # type: ignore[arg-type]

    assert codes(vocabularies=("loinc", "ICD-10-CM")) == {"4548-4", "E11.9", "O99.511", "Z99.9", "Z82.5"}
    assert codes(vocabularies=("SNOMED",), domains=("Spec Anatomic Site",)) == {"50043002"}
    assert codes(vocabularies=("SNOMED",), standard_only=False) - codes(vocabularies=("SNOMED",)) == {"404684003"}
    assert codes(vocabularies=("CPT4",)) == set()
    with pytest.raises(SourceError, match=r"no concepts of the vocabularies HPO. It has ATC, CPT4"):
        codes(vocabularies=("HPO",))
    with pytest.raises(SourceError, match=r"no concepts of the domains Disease"):
        codes(domains=("Disease",))


def content_key(content: SourceContent) -> object:
    return (
        [(t.code, t.system, t.term, t.kind, t.semantic_tag) for t in content.terms], content.isa, content.retired,
        content.redirects, content.concept_ids, maps(content), content.release, content.notices,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["quoted", "gzip", "crlf", "bom", "lower_case", "zip", "zip_with_folder", "decimals"])
def test_every_form_gives_the_same(form: str, folder: Path, tmp_path: Path) -> None:
    expected = content_key(read_source(folder))
    other = tmp_path / "other"
    other.mkdir()
    place = other
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        name = file.name
        if form == "quoted":
            text = quoted_with_iso_dates(text)
        elif form == "crlf":
            text = text.replace("\n", "\r\n")
        elif form == "bom":
            text = "\ufeff" + text
        elif form == "lower_case":
            name = name.lower()
        elif form == "decimals" and name == "CONCEPT_RELATIONSHIP.csv":
            text = "".join(
                line if number == 0 else "\t".join((f"{a}.0", f"{b}.0", rest))
                for number, line in enumerate(text.splitlines(keepends=True))
                for a, b, rest in [line.split("\t", 2)]
            )
        data = text.encode()
        if form == "gzip":
            (other / f"{name}.gz").write_bytes(gzip.compress(data))
        elif form.startswith("zip"):
            place = tmp_path / "download.zip"
            with zipfile.ZipFile(place, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"vocabulary/{name}" if form == "zip_with_folder" else name, data)
        else:
            (other / name).write_bytes(data)
    content = read_source(place)
    if form == "decimals":
        read = [row for row in RELATIONSHIPS if row[2] != "Subsumes" and not row[5]]
        assert content.repairs.counts == {"decimal_concept_id": 2 * len(read)}
    assert content_key(content) == expected


def test_quote_marks_of_a_tab_file_belong_to_the_name(folder: Path) -> None:
    content = read_source(folder)
    names = {row["target_name"] for table in content.maps for row in table.to_pylist()}
    assert '24 HR metformin "Extended" Tablet' in names


def test_cpt4_rows_of_their_own_file(tmp_path: Path) -> None:
    """Before the CPT4 tool is run, a download has CPT4 rows in a file of their own."""
    cpt4 = tuple(row for row in CONCEPTS if row[3] == "CPT4")
    folder = write_athena(tmp_path / "before", tuple(row for row in CONCEPTS if row[3] != "CPT4"))
    (folder / "CONCEPT_CPT4.csv").write_text(lines(CONCEPT_HEADER, cpt4), encoding="utf-8")
    before = read_source(folder)
    assert any("cpt4.jar" in notice for notice in before.notices)
    assert ("CPT4", "99213", "Maps to", "CPT4", "99213", 900107) in maps(before)
    # afterwards CONCEPT has them too, with names, and the file may still lie there
    named = concept(
        900107, "Office visit of an established patient", "CPT4", "99213", domain="Observation", kind="CPT4"
    )
    write_athena(folder, (*(row for row in CONCEPTS if row[3] != "CPT4"), named))
    after = read_source(folder, options=SourceOptions(vocabularies=("CPT4",)))
    assert [term.term for term in after.terms] == ["Office visit of an established patient"]
    assert not any("cpt4.jar" in notice for notice in after.notices)
    assert "doubled_concept_id" not in after.dropped


def test_ancestors_give_the_hierarchy_where_is_a_is_missing(tmp_path: Path) -> None:
    folder = write_athena(tmp_path / "v", relationships=tuple(row for row in RELATIONSHIPS if row[2] != "Is a"))
    assert any("is-a" in notice for notice in read_source(folder).notices)
    rows: tuple[Row, ...] = (
        (900001, 317009, 1, 1),
        (900003, 900001, 1, 2),
        (900003, 317009, 2, 3),
        (317009, 317009, 0, 0),
    )
    (folder / "CONCEPT_ANCESTOR.csv").write_text(lines(ANCESTOR_HEADER, rows), encoding="utf-8")
    assert read_source(folder).isa == {"SNOMED": [("195967001", "64572001")]}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_nearest_wanted_is_what_climbing_finds(edges: list[tuple[int, int]], wanted: list[bool]) -> None:
    def climb(node: int) -> set[int]:
        seen, stack, found = set[int](), [node], set[int]()
        while stack:
            for parent in [above for below, above in edges if below == stack[-1]] if stack else []:
                if wanted[parent]:
                    found.add(parent)
                elif parent not in seen:
                    seen.add(parent)
                    stack.insert(0, parent)
            stack.pop()
        return found - {node}

    pairs = np.array(edges, np.int64).reshape(-1, 2)
    child, parent = nearest_wanted(pairs[:, 0], pairs[:, 1], np.array(wanted))
    expected = {(node, above) for node in range(10) if wanted[node] for above in climb(node)}
    assert set(zip(child.tolist(), parent.tolist(), strict=True)) == expected
    assert len(child) == len(expected)


def test_a_folder_holds_other_sources_too(folder: Path) -> None:
    (folder / "own.tsv").write_text(
        "code\tsystem\tterm\tpreferred\n386661006\tSNOMED\tFever\tFever\n", encoding="utf-8"
    )
    content = read_source(folder)
    assert {"386661006", "195967001"} <= {term.code for term in content.terms}


def test_the_compiled_terminology(folder: Path, tmp_path: Path) -> None:
    terminology, report = compile_sources([folder], tmp_path / "a.ptx")
    asthma, disease = terminology.find("195967001", "SNOMED"), terminology.find("64572001", "SNOMED")
    assert terminology.concept_ids[asthma] == 317009
    assert terminology.hierarchy.subsumes(disease, asthma)
    assert terminology.find("187687003", "SNOMED") == asthma
    assert terminology.maps.targets("ICD10CM", "e119")[0].code == "44054006"
    assert report.relations.maps["ICD10CM to SNOMED"] == 4
    again, _ = compile_sources([folder])
    assert again.sha256 == terminology.sha256


@pytest.mark.shared
def test_synthea27nj(shared: Path) -> None:
    """Counts from the sample's README, and what follows from them."""
    folder = shared / "data" / "terminology" / "athena_samples" / "synthea27nj"
    if not folder.is_dir():
        pytest.skip("no athena_samples in the shared data")
    with (folder / "CONCEPT.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2294
    snomed = [row for row in rows if row["vocabulary_id"] == "SNOMED"]
    assert len(snomed) == 701
    content = read_source(folder)
    retired = {code for system, code in content.retired if system == "SNOMED"}
    assert retired == {row["concept_code"] for row in snomed if row["invalid_reason"]}
    assert len(retired) == 15
    taken = {"Condition", "Observation", "Measurement", "Procedure", "Device"}
    expected = {
        row["concept_code"]
        for row in snomed
        if row["standard_concept"] == "S" and not row["invalid_reason"] and row["domain_id"] in taken
    }
    assert {term.code for term in content.terms if term.system == "SNOMED"} == expected
    known = {row["concept_id"] for row in rows}
    with gzip.open(folder / "CONCEPT_RELATIONSHIP.csv.gz", "rt", encoding="utf-8", newline="") as file:
        ties = list(csv.DictReader(file))
    assert len(ties) == 266_588
    inside = [
        row
        for row in ties
        if row["relationship_id"] == "Maps to" and {row["concept_id_1"], row["concept_id_2"]} <= known
    ]
    assert len(inside) == 2232
    claims = {row["concept_id"] for row in rows if row["vocabulary_id"] in ("SNOMED", "RxNorm", "LOINC")}
    kept = [row for row in inside if row["concept_id_1"] != row["concept_id_2"] or row["concept_id_1"] in claims]
    assert sum(len(table) for table in content.maps) == len(kept) == 1271
    assert content.redirects["275272006"] == "127295002"
    assert "PERSON.csv" in content.skipped_files
    assert content.release == "v5.0 09-APR-22*"


@pytest.mark.shared
def test_synpuf(shared: Path) -> None:
    """OMOP 5.0 in comma-separated files with lower-case names, without synonyms and maps."""
    folder = shared / "data" / "terminology" / "synpuf_omop_10p" / "import"
    if not folder.is_dir():
        pytest.skip("no synpuf_omop_10p in the shared data")
    content = read_source(folder)
    assert content.release == "v5.0 21-MAY-19"
    assert ("57054005", "22298006") in content.isa["SNOMED"]
    assert content.concept_ids["SNOMED", "22298006"] == 4329847
    assert sum(len(table) for table in content.maps) == 0
    assert any("CONCEPT_SYNONYM" in notice for notice in content.notices)


def test_a_redirect_holds_in_its_own_vocabulary_only(tmp_path: Path) -> None:
    """RxNorm and CPT4 both have five-digit codes; a retired one of RxNorm says nothing of its double in CPT4."""
    header = (
        "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept\tconcept_code\t"
        "valid_start_date\tvalid_end_date\tinvalid_reason\n"
    )
    rows = [
        (1, "old drug", "Drug", "RxNorm", "Ingredient", "", "12345", "U"),
        (2, "new drug", "Drug", "RxNorm", "Ingredient", "S", "67890", ""),
        (3, "some surgery", "Procedure", "CPT4", "CPT4", "S", "12345", ""),
        (4, "other surgery", "Procedure", "CPT4", "CPT4", "S", "67890", ""),
        (5, "older drug", "Drug", "RxNorm", "Ingredient", "", "12222", "U"),
    ]
    text = "".join("\t".join(map(str, (*row[:7], "19700101", "20991231", row[7]))) + "\n" for row in rows)
    (tmp_path / "CONCEPT.csv").write_text(header + text, encoding="utf-8")
    (tmp_path / "CONCEPT_RELATIONSHIP.csv").write_text(
        "concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason\n"
        "1\t2\tConcept replaced by\t19700101\t20991231\t\n5\t2\tConcept replaced by\t19700101\t20991231\t\n",
        encoding="utf-8",
    )
    terminology, report = compile_sources([tmp_path], options=SourceOptions(vocabularies=("RxNorm", "CPT4")))
    assert report.codes_by_system == {"CPT4": 2, "RxNorm": 1}

    def name(code: str, system: str) -> str | None:
        number = terminology.find(code, system)
        return None if number < 0 else terminology.preferred[number]

    assert [name("12345", system) for system in ("CPT4", "RxNorm")] == ["some surgery", "new drug"]
    assert [name("12222", system) for system in ("CPT4", "RxNorm")] == [None, "new drug"]
    assert [terminology.codes[i] for i in terminology.lookup("some surgery")] == ["12345"]
