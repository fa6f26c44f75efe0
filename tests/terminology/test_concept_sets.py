"""Concept sets: read in every form they come in, and resolved with an account of what does not fit."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.code_map import MAP_SCHEMA
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.concept_sets import ConceptSet, ConceptSetItem, read_concept_sets, resolve
from phenotext.nlp.terminology.concept_sets.read import is_ecl
from phenotext.nlp.terminology.concept_sets.resolve import Resolver
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.rows import ConceptRow, Relations, TermVariant
from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.terminology import Terminology

DIABETES, TYPE_2, TYPE_1, TREATED, ASTHMA = "73211009", "44054006", "46635009", "237599002", "195967001"
NAMES = {
    DIABETES: "Diabetes mellitus",
    TYPE_2: "Diabetes mellitus type 2",
    TYPE_1: "Diabetes mellitus type 1",
    TREATED: "Insulin treated type 2 diabetes mellitus",
    ASTHMA: "Asthma",
}
IDS = {DIABETES: 201820, TYPE_2: 201826, TYPE_1: 201254, ASTHMA: 317009}
ISA = [(TYPE_2, DIABETES), (TYPE_1, DIABETES), (TREATED, TYPE_2)]
OLD_HEART_FAILURE, HEART_FAILURE = "155374007", "42343007"
OLD_DIABETES = "156619005"


def map_row(source: tuple[str, str], target: str) -> dict[str, Any]:
    return dict(zip(MAP_SCHEMA.names, (*source, "", "SNOMED", target, "", IDS.get(target, 0), "Condition", "Maps to")))


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    concepts = [
        ConceptRow(code, "SNOMED", name, "disorder", concept_id=IDS.get(code, 0)) for code, name in NAMES.items()
    ]
    rows = [
        map_row(("ICD10CM", "E11.9"), TYPE_2),
        map_row(("ICD10CM", "E10.9"), TYPE_1),
        map_row(("ICD9CM", "250.00"), TYPE_2),
        map_row(("ICD10CM", "J45.909"), ASTHMA),
    ]
    relations = Relations(
        isa=[("SNOMED", child, parent) for child, parent in ISA],
        retired={
            ("SNOMED", OLD_HEART_FAILURE): RetiredCode("CCF", "duplicate", (("POSSIBLY EQUIVALENT TO", HEART_FAILURE),))
        },
        maps=[pa.Table.from_pylist(rows, MAP_SCHEMA)],
    )
    return compile_terminology(
        concepts,
        [TermVariant(code, "SNOMED", name, False, "preferred", 0) for code, name in NAMES.items()],
        redirects={OLD_DIABETES: DIABETES},
        relations=relations,
    )


def codes(terminology: Terminology, found: np.ndarray) -> list[str]:
    return [terminology.codes[i] for i in found.tolist()]


def atlas_item(code: str, concept_id: int, *, excluded: bool = False, descendants: bool = False, mapped: bool = False):
    concept = {"CONCEPT_ID": concept_id, "CONCEPT_CODE": code, "VOCABULARY_ID": "SNOMED", "CONCEPT_NAME": "x"}
    return {"concept": concept, "isExcluded": excluded, "includeDescendants": descendants, "includeMapped": mapped}


def written(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


EXPRESSION = {"items": [atlas_item(DIABETES, 201820, descendants=True), atlas_item(TYPE_1, 201254, excluded=True)]}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (EXPRESSION, "set"),
        ({"id": 7, "name": "T2DM", "expression": EXPRESSION}, "T2DM"),
        ([{"id": 7, "name": "T2DM", "expression": EXPRESSION}], "T2DM"),
        ({"ConceptSets": [{"id": 7, "name": "T2DM", "expression": EXPRESSION}], "PrimaryCriteria": {}}, "T2DM"),
        ({"expression": {"ConceptSets": [{"id": 7, "name": "T2DM", "expression": EXPRESSION}]}}, "T2DM"),
    ],
)  # fmt: skip
def test_atlas_in_all_its_wrappings(tmp_path: Path, terminology: Terminology, content: object, name: str) -> None:
    (found,) = read_concept_sets(written(tmp_path, "set.json", content))
    assert found.name == name
    assert [(item.code, item.concept_id, item.excluded, item.descendants) for item in found.items] == [
        (DIABETES, 201820, False, True), (TYPE_1, 201254, True, False),
    ]  # fmt: skip
    resolved = resolve(terminology, found)
    assert codes(terminology, resolved.concepts) == [TREATED, TYPE_2, DIABETES]
    assert (resolved.report.found, resolved.report.excluded_concepts) == (2, 1)
    assert resolved.concepts.dtype == np.int32
    assert not resolved.concepts.flags.writeable


def test_excluded_with_descendants_and_mapped(terminology: Terminology) -> None:
    items = (
        ConceptSetItem("SNOMED", DIABETES, descendants=True, mapped=True),
        ConceptSetItem("SNOMED", TYPE_2, excluded=True, descendants=True, mapped=True),
    )
    resolved = resolve(terminology, ConceptSet("T1", items))
    assert codes(terminology, resolved.concepts) == [TYPE_1, DIABETES]
    assert resolved.source_codes == {("ICD10CM", "E109")}
    without = resolve(terminology, ConceptSet("T1", (ConceptSetItem("SNOMED", DIABETES, mapped=True),)))
    assert without.source_codes == frozenset()


def test_concept_ids_alone_and_codes_of_mapped_systems(terminology: Terminology) -> None:
    items = (ConceptSetItem("", "", 317009), ConceptSetItem("", "", 99), ConceptSetItem("ICD9CM", "250.00"))
    resolved = resolve(terminology, ConceptSet("s", items))
    assert codes(terminology, resolved.concepts) == [ASTHMA]
    assert resolved.source_codes == {("ICD9CM", "25000")}
    assert [(note.what, note.code) for note in resolved.report.not_found] == [("concept_id_not_found", "concept id 99")]


def test_mapped_codes_that_are_concepts_themselves_join_the_concepts() -> None:
    rows = [
        map_row(("ICD10CM", "E11.9"), TYPE_2),
        map_row(("SNOMED", TYPE_2), TYPE_2),
        map_row(("NDC", "1-2-3"), TYPE_2),
    ]
    terminology = compile_terminology(
        [ConceptRow(TYPE_2, "SNOMED", "Type 2"), ConceptRow("E11.9", "ICD10CM", "Type 2 diabetes")],
        [TermVariant(TYPE_2, "SNOMED", "Type 2", False, "preferred", 0)],
        relations=Relations(maps=[pa.Table.from_pylist(rows, MAP_SCHEMA)]),
    )
    resolved = resolve(terminology, ConceptSet("s", (ConceptSetItem("SNOMED", TYPE_2, mapped=True),)))
    assert codes(terminology, resolved.concepts) == ["E11.9", TYPE_2]
    assert resolved.source_codes == {("NDC", "123")}
    undotted = resolve(terminology, ConceptSet("s", (ConceptSetItem("ICD10CM", "e119"),)))
    assert codes(terminology, undotted.concepts) == ["E11.9"]
    assert not undotted.report.replaced


def test_what_does_not_fit_is_told_apart(terminology: Terminology) -> None:
    given = [
        ("SNOMED", OLD_DIABETES), ("SNOMED", OLD_HEART_FAILURE), ("SNOMED", HEART_FAILURE), ("SNOMED", "73211008"),
        ("SNOMED", "1092131000000100"), ("SNOMED", "969061000006110"), ("SNOMED", "7.32E+07"), ("CPT4", "99213"),
    ]  # fmt: skip
    report = resolve(terminology, ConceptSet("s", tuple(ConceptSetItem(*pair) for pair in given))).report
    assert [(note.code, note.detail) for note in report.replaced] == [
        (OLD_DIABETES, f"now {DIABETES} Diabetes mellitus")
    ]
    (retired,) = report.retired
    assert (retired.name, retired.detail) == ("CCF", f"duplicate, POSSIBLY EQUIVALENT TO {HEART_FAILURE}")
    assert [note.code for note in report.not_found] == [HEART_FAILURE]
    assert [note.what for note in report.faulty] == [
        "check_digit", "spreadsheet_number", "description_id", "spreadsheet_number",
    ]  # fmt: skip
    assert [note.what for note in report.other_systems] == ["CPT4"]
    assert report.found + len(report.retired + report.not_found + report.faulty + report.other_systems) == report.items
    json.dumps(report.to_json())
    assert "retired without a clear successor" in report.summary()


def test_descendants_without_a_hierarchy_are_a_loud_warning() -> None:
    flat = compile_terminology(
        [ConceptRow(DIABETES, "SNOMED", "Diabetes mellitus")],
        [TermVariant(DIABETES, "SNOMED", "Diabetes mellitus", False, "preferred", 0)],
    )
    resolved = resolve(flat, ConceptSet("s", (ConceptSetItem("SNOMED", DIABETES, descendants=True),)))
    assert len(resolved.concepts) == 1
    assert len(resolved.report.without_hierarchy) == 1
    assert "WARNING" in resolved.report.summary()
    assert "no is-a relations of SNOMED" in resolved.report.warnings[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<< {DIABETES} |Diabetes mellitus|", [TREATED, TYPE_2, TYPE_1, DIABETES]),
        (f"<< {DIABETES} MINUS << {TYPE_2}", [TYPE_1, DIABETES]),
        (f"# all but\n(< {DIABETES})\n  OR {ASTHMA}\n", [ASTHMA, TREATED, TYPE_2, TYPE_1]),
    ],
)
def test_expressions(tmp_path: Path, terminology: Terminology, text: str, expected: list[str]) -> None:
    (found,) = read_concept_sets(written(tmp_path, "set.ecl", text))
    assert found.ecl is not None
    assert codes(terminology, resolve(terminology, found).concepts) == expected


def test_an_expression_with_unknown_codes_is_reported(terminology: Terminology) -> None:
    text = f"<< {HEART_FAILURE} OR << {OLD_HEART_FAILURE} OR 73211008 OR {OLD_DIABETES}"
    report = resolve(terminology, ConceptSet("s", ecl=text)).report
    assert [note.code for note in report.not_found] == [HEART_FAILURE]
    assert [note.code for note in report.retired] == [OLD_HEART_FAILURE]
    assert [note.what for note in report.faulty] == ["check_digit"]
    assert [note.code for note in report.replaced] == [OLD_DIABETES]


def test_names_with_and_are_no_expression() -> None:
    assert not is_ecl("109006 Anxiety disorder of childhood OR adolescence\n73211009 Diabetes")
    assert not is_ecl("73211009 |Diabetes AND 44054006 OR 3|")
    assert is_ecl("73211009 or 44054006")


def test_plain_lists(tmp_path: Path) -> None:
    text = (
        f"# diabetes\n\n{DIABETES}\n{TYPE_2} | Type 2 |  # main\n{TYPE_1},\nICD10CM/E11.9 T2DM\nHP:0000819 // sugar\n"
    )
    (found,) = read_concept_sets(written(tmp_path, "dm.txt", text))
    assert found.name == "dm"
    assert [(item.system, item.code, item.name) for item in found.items] == [
        ("SNOMED", DIABETES, ""), ("SNOMED", TYPE_2, "Type 2"), ("SNOMED", TYPE_1, ""),
        ("ICD10CM", "E11.9", "T2DM"), ("HPO", "HP:0000819", ""),
    ]  # fmt: skip
    assert found.items[1].origin == "dm.txt:4"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("code,term", f'{ASTHMA},"Asthma, allergic"', ("SNOMED", ASTHMA, "Asthma, allergic")),
        ("id,name", f"{ASTHMA},Asthma", ("SNOMED", ASTHMA, "Asthma")),
        ("snomedcode;description", f"{ASTHMA};Asthma", ("SNOMED", ASTHMA, "Asthma")),
        ("ICD10Code,Description", "J459,Asthma", ("ICD10", "J459", "Asthma")),
        ("conceptId\tpreferredTerm\tterm", f"{ASTHMA}\tx\tAsthma", ("SNOMED", ASTHMA, "Asthma")),
        ("code,term,coding_system,concept_id", f"{ASTHMA},Asthma,SNOMED  CT codes,C1", ("SNOMED", ASTHMA, "Asthma")),
        ("code,term,code_system", f"{ASTHMA},Asthma,http://snomed.info/sct", ("SNOMED", ASTHMA, "Asthma")),
    ],
)  # fmt: skip
def test_code_list_headers(tmp_path: Path, header: str, row: str, expected: tuple[str, str, str]) -> None:
    (found,) = read_concept_sets(written(tmp_path, "asthma.csv", f"{header}\r\n{row}\r\n"))
    assert found.name == "asthma"
    assert [(item.system, item.code, item.name) for item in found.items] == [expected]


def test_atlas_as_csv(tmp_path: Path) -> None:
    text = (
        "Concept Set ID,Name,Concept ID,Concept Code,Concept Name,Domain,Vocabulary,Standard Concept,"
        "Exclude,Descendants,Mapped\n"
        f"3,T2DM,201826,{TYPE_2},Type 2,Condition,SNOMED,S,FALSE,TRUE,NO\n"
        f"3,T2DM,201254,{TYPE_1},Type 1,Condition,SNOMED,S,TRUE,TRUE,NO\n"
    )
    (found,) = read_concept_sets(written(tmp_path, "a.csv", text))
    assert (found.name, found.items[0].concept_id, found.items[0].name) == ("T2DM", 201826, "Type 2")
    flags = [(item.excluded, item.descendants, item.mapped) for item in found.items]
    assert flags == [(False, True, False), (True, True, False)]


def test_lists_are_mended_where_that_is_certain(tmp_path: Path) -> None:
    text = (
        "codelist,code,term\n"
        f"a,Asthma,{ASTHMA}\n"
        f"a,x{DIABETES},Diabetes\n"
        f"b,{TYPE_1}.0,Type 1\n"
        "b,,Nothing\n"
        f"b,{TYPE_2},Type 2, with a comma\n"
    )
    first, second = read_concept_sets(written(tmp_path, "two_snomed.csv.txt", text))
    assert [item.code for item in first.items] == [ASTHMA, DIABETES]
    assert [note.what for note in first.repaired] == ["swapped_columns", "x_before_id"]
    assert [item.code for item in second.items] == [TYPE_1, TYPE_2]
    assert [note.what for note in second.repaired] == ["decimal_point", "too_many_cells"]
    assert [(note.what, note.origin) for note in second.unreadable] == [("empty_code", "two_snomed.csv.txt:5")]


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.json.gz"
    path.write_bytes(gzip.compress(json.dumps(EXPRESSION).encode()))
    assert read_concept_sets(path)[0].name == "s"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("# nothing\n", "holds no code"),
        ('{"items": [', "JSON is broken"),
        ({"items": [{"isExcluded": False}]}, r"items\[0\] has no concept"),
        ({"items": [atlas_item("1", 1) | {"isExcluded": "no"}]}, "isExcluded is neither true nor false"),
        ({"items": {"a": 1}}, "no list of items"),
        ({"resourceType": "ValueSet"}, "FHIR ValueSet"),
        ({"a": 1}, "no concept set"),
        ("asthma is bad\n", r"set\.txt:1: .*--system"),
        ("code,term\nabc,Thing\n", "which system"),
        ("code,term\n", "a header and no codes"),
        ('code,term\n"195967001,Asthma\n', "quoting is broken"),
        ("code,term,exclude\n195967001,Asthma,perhaps\n", "neither yes nor no"),
    ],
)
def test_errors_say_what_to_do(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        read_concept_sets(written(tmp_path, "set.txt", content))


# Real files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared: Path) -> Terminology:
    """The Global Patient Set with Mondo's is-a relations."""
    folder = shared / "data" / "terminology"
    return compile_sources([folder / "snomed_gps_2020" / "gps_2020.tsv", folder / "mondo" / "isa_edges.tsv"])[0]


@pytest.mark.shared
def test_all_ohdsi_cohorts_are_read(shared: Path) -> None:
    files = sorted((shared / "data" / "terminology" / "ohdsi_phenotype_library" / "cohorts").glob("*.json"))
    sets = {path.name: read_concept_sets(path) for path in files}
    items = [item for held in sets.values() for one in held for item in one.items]
    assert (len(files), sum(map(len, sets.values())), len(items)) == (60, 185, 1437)
    assert sum(item.excluded for item in items) == 433
    assert sum(item.descendants for item in items) == 1376
    assert Counter(item.system for item in items)["SNOMED"] == 551
    assert all(item.concept_id and item.code for item in items)
    assert [name for name, held in sets.items() if not held] == ["25.json"]


@pytest.mark.shared
def test_ohdsi_sets_against_a_real_hierarchy(shared: Path, real: Terminology) -> None:
    assert real.hierarchy
    resolver = Resolver(real)
    folder = shared / "data" / "terminology" / "ohdsi_phenotype_library" / "cohorts"
    grown = 0
    for path in sorted(folder.glob("*.json")):
        for one in read_concept_sets(path):
            resolved = resolver.resolve(one)
            report = resolved.report
            told = report.found + len(report.not_found) + len(report.other_systems) + len(report.retired)
            assert told + len(report.faulty) == report.items
            assert not report.faulty
            assert not report.without_hierarchy
            assert np.all(np.diff(resolved.concepts) > 0)
            for item in one.items:
                number = real.find(item.code, item.system)
                if item.excluded and number >= 0:
                    assert number not in resolved.concepts
            grown += len(resolved.concepts) > report.found
    assert grown > 20  # descendants were found


@pytest.mark.shared
def test_athena_files_give_concept_ids_hierarchy_and_maps(shared: Path) -> None:
    terminology = compile_sources([shared / "data" / "terminology" / "athena_samples" / "synthea27nj"])[0]
    injury = ConceptSetItem("", "", 4132546, descendants=True)  # traumatic brain injury, by its OMOP id alone
    resolved = resolve(terminology, ConceptSet("TBI", (injury,)))
    assert "127295002" in codes(terminology, resolved.concepts)
    assert len(resolved.concepts) > 1
    assert not resolved.report.without_hierarchy


@pytest.mark.shared
def test_hdr_uk_lists_with_all_their_faults(shared: Path, real: Terminology) -> None:
    sets = read_concept_sets(shared / "data" / "terminology" / "hdruk_codelists" / "snomed_codelists.tsv")
    assert (len(sets), sum(len(one.items) for one in sets)) == (85, 9006)
    assert {item.system for one in sets for item in one.items} == {"SNOMED"}
    repaired = Counter(note.what for one in sets for note in one.repaired)
    assert repaired == {"swapped_columns": 283, "x_before_id": 311}
    resolver = Resolver(real)
    reports = [resolver.resolve(one).report for one in sets]
    faulty = Counter(note.what for report in reports for note in report.faulty)
    assert faulty == {
        "description_id": 211, "malformed_code": 98, "spreadsheet_number": 29, "check_digit": 14, "not_a_concept_id": 1,
    }  # fmt: skip
    # the README counts 636 bad rows: those saved by swapping the columns back, and those that cannot be
    assert repaired["swapped_columns"] + faulty.total() == 636
    assert sum(report.found for report in reports) > 2000
    spoilt = {note.code for report in reports for note in report.faulty if note.what == "spreadsheet_number"}
    assert "1092131000000100" in spoilt
