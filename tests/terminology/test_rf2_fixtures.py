"""SNOMED CT releases (RF2) that nobody here wrote: counts taken independently, and a clear word on the broken ones."""

import csv
from pathlib import Path

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.terminology import SourceError, read_source
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.sources.content import SourceContent
from phenotext.nlp.terminology.sources.options import SourceOptions

pytestmark = pytest.mark.shared

UNCHECKED = SourceOptions(check_digits=False)
OWL = "snomed_owl_toolkit/SnomedCT_MiniRF2_"
MINI = "snowstorm_mini/SnomedCT_MiniRF2"


@pytest.fixture
def fixtures(shared: Path) -> Path:
    return shared / "data" / "terminology" / "rf2_fixtures"


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    """The newest row of every id of a release's files, the slow way: with the csv module and a dictionary."""
    newest: dict[str, dict[str, str]] = {}
    for file in sorted(folder.rglob(f"*{name}*.txt")):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["id"] not in newest or row["effectiveTime"] > newest[row["id"]]["effectiveTime"]:
                newest[row["id"]] = row
    return list(newest.values())


def edges_of(folder: Path) -> set[tuple[str, str]]:
    active = {row["id"] for row in rows_of(folder, "sct2_Concept_") if row["active"] == "1"}
    return {
        (row["sourceId"], row["destinationId"])
        for row in rows_of(folder, "sct2_Relationship_")
        if row["active"] == "1"
        and row["typeId"] == "116680003"
        and row["characteristicTypeId"] == "900000000000011006"
        and {row["sourceId"], row["destinationId"]} <= active
    }


def named(content: SourceContent) -> set[tuple[str, str, str]]:
    return {(term.code, term.term, term.preferred) for term in content.terms}


def noticed(content: SourceContent, words: str) -> bool:
    return any(words in notice for notice in content.notices)


WHOLE = (
    f"{OWL}Base_snapshot",
    f"{OWL}Base_CompleteOwl_snapshot",
    f"{OWL}Base_some_Inactive_snapshot",
    f"{OWL}Base_with_Anthrax_snapshot",
    f"{OWL}Base_with_Axioms_snapshot",
    f"{OWL}Base_with_Concepts_as_numbers_snapshot",
    f"{OWL}Base_with_extra_attribute_snapshot",
    f"{OWL}Concept_Inactivation_snapshot",
    "snomed_owl_toolkit/duplicate-axiom-test/int-snapshot",
    f"{MINI}_Base_snapshot",
    f"{MINI}/Full",
    f"{MINI}/Snapshot",
    "snowstorm_dummy/RF2Release/Full",
    "snowstorm_dummy/RF2Release/Snapshot",
)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_releases_against_a_slow_count(fixtures: Path, name: str) -> None:
    folder = fixtures / name
    content = read_source(folder, options=UNCHECKED)
    concepts = {row["id"]: row["active"] == "1" for row in rows_of(folder, "sct2_Concept_")}
    with_name = {
        row["conceptId"]
        for row in rows_of(folder, "sct2_Description_")
        if row["active"] == "1" and row["typeId"] == "900000000000003001" and concepts.get(row["conceptId"])
    }
    assert {term.code for term in content.terms} == with_name
    assert {code for _, code in content.retired} == {code for code, active in concepts.items() if not active}
    assert len(content.isa["SNOMED"]) == len(edges_of(folder))
    assert set(content.isa["SNOMED"]) == edges_of(folder)


class TestSnowstormDummy:
    def test_counts(self, fixtures: Path) -> None:
        folder = fixtures / "snowstorm_dummy" / "RF2Release"
        content = read_source(folder)
        assert (len(content.retired), len(content.isa["SNOMED"])) == (2, 112)
        assert noticed(content, "Full files were passed over")
        moved = content.retired["SNOMED", "118225008"]
        assert moved.reason == "ambiguous"
        assert moved.successors == (
            ("POSSIBLY EQUIVALENT TO", "118222006"),
            ("POSSIBLY EQUIVALENT TO", "250171008"),
            ("POSSIBLY EQUIVALENT TO", "413350009"),
        )
        assert content.redirects == {"246188002": "404684003"}
        assert content.retired["SNOMED", "246188002"].successors == (("REPLACED BY", "404684003"),)

    def test_preferred_terms_against_a_slow_count(self, fixtures: Path) -> None:
        folder = fixtures / "snowstorm_dummy" / "RF2Release" / "Snapshot"
        content = read_source(folder)
        british = {  # the release has one row of US English
            row["referencedComponentId"]
            for row in rows_of(folder, "LanguageSnapshot")
            if row["active"] == "1"
            and row["refsetId"] == "900000000000508004"
            and row["acceptabilityId"] == "900000000000548007"
        }
        expected = {
            row["conceptId"]: row["term"]
            for row in rows_of(folder, "sct2_Description_")
            if row["active"] == "1" and row["typeId"] == "900000000000013009" and row["id"] in british
        }
        found = {term.code: term.preferred for term in content.terms}
        shared_codes = found.keys() & expected.keys()
        assert len(shared_codes) > 50
        assert {code: found[code] for code in shared_codes} == {code: expected[code] for code in shared_codes}

    def test_end_to_end(self, fixtures: Path) -> None:
        terminology, _ = compile_sources([fixtures / "snowstorm_dummy" / "RF2Release"])
        root, finding = terminology.find("138875005", "SNOMED"), terminology.find("404684003", "SNOMED")
        assert root is not None
        assert finding is not None
        assert terminology.hierarchy.subsumes(root, finding)
        assert terminology.redirects["246188002"] == "404684003"
        mentions = Extractor(terminology)("One more physical sign was seen.").mentions
        assert [mention.code for mention in mentions] == ["72670004"]


def test_full_and_snapshot_say_the_same(fixtures: Path) -> None:
    folder = fixtures / "snowstorm_dummy" / "RF2Release"
    full, snapshot = read_source(folder / "Full"), read_source(folder / "Snapshot")
    assert {(t.code, t.term, t.preferred) for t in full.terms} == {
        (t.code, t.term, t.preferred) for t in snapshot.terms
    }
    assert full.retired == snapshot.retired  # the edges differ in four attributes' parents, as the files do


def test_extended_map_of_a_fragment(fixtures: Path) -> None:
    content = read_source(fixtures / "hermes_example")
    rows = [row for table in content.maps for row in table.to_pylist()]
    assert [(row["source_code"], row["target_system"], row["target_code"], row["relationship"]) for row in rows] == [
        ("37535007", "ICD10", "Q99.9", "1/1 TRUE"),
        ("211339002", "ICD10", "S80.8", "1/1 TRUE"),
        ("1208339007", "ICD10", "G11.1", "1/1 TRUE"),
    ]
    assert content.dropped == {
        "inactive_description": 2,
        "unknown_concept": 4,
        "inactive_relationship": 2,
        "is_a_unknown_concept": 2,
        "map_without_target": 1,
        "concept_without_name": 3,
    }
    assert noticed(content, "There is no term")
    assert noticed(content, "der2_ssRefset_SimpleMapWithDescriptionSnapshot_12345_20241021.txt")


def test_mini_release_with_all_three_forms(fixtures: Path) -> None:
    content = read_source(fixtures / MINI)
    assert len(content.terms) == 12  # eleven full names of the Snapshot and one of the Delta
    assert len(content.isa["SNOMED"]) == 9
    assert content.dropped["not_acceptable_in_language"] == 1  # the only synonym is in no language reference set
    assert content.dropped["concept_without_name"] == 2
    assert noticed(content, "4 Full files were passed over")
    assert noticed(content, "The Delta files were applied")


def test_extension_with_its_base(fixtures: Path, tmp_path: Path) -> None:
    alone = read_source(fixtures / f"{MINI}_Extension_snapshot")
    assert (alone.dropped["check_digit"], alone.dropped["is_a_unknown_concept"]) == (1, 1)
    (tmp_path / "base").symlink_to(fixtures / f"{MINI}_Base_snapshot")  # links to folders are not followed
    for part in ("Base", "Extension"):
        for file in (fixtures / f"{MINI}_{part}_snapshot").rglob("*.txt"):
            (tmp_path / part).mkdir(exist_ok=True)
            (tmp_path / part / file.name).symlink_to(file)
    both = read_source(tmp_path, options=UNCHECKED)
    assert noticed(both, "2 releases were read as one")
    assert ("900101001", "900000000000441003") in both.isa["SNOMED"]
    assert both.release == "ExtensionA 20180931, INT 20180731"


def test_orphan_relationship(fixtures: Path, tmp_path: Path) -> None:
    delta = fixtures / f"{OWL}Concept_Deletion_Orphan_Relationship_delta"
    with pytest.raises(SourceError, match="The release is a Delta that gives no term"):
        read_source(delta)
    for folder in (delta, fixtures / f"{OWL}Base_snapshot"):
        for file in folder.rglob("*.txt"):
            (tmp_path / file.name).symlink_to(file)
    content = read_source(tmp_path)
    assert content.dropped["is_a_unknown_concept"] == 1
    assert noticed(content, "1 rows have no effectiveTime")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            f"{MINI}_bad_delta",
            r"sct2_Description_Delta-en_INT_20190131.txt:6: 1 of 1 rows are faulty \(wrong cell count in 1",
        ),
        (f"{MINI}_dummy_mrcm_snap", "The release is empty: its files have headers and no rows"),
        (f"{OWL}Empty_delta", "The release is empty: its files have headers and no rows"),
        (f"{OWL}Nested_GCI_delta", "The release has a Concept file but no Description file"),
        (
            f"{OWL}GroupSeparation_Additional_Axiom_snapshot",
            "The release gives nothing: no description belongs to a concept that is in use",
        ),
        (f"{OWL}Add_Attribute_delta", "The release is a Delta that gives no term"),
        (f"{OWL}Base_extra_descriptions", "The release is a Delta that gives no term"),
        (f"{OWL}Add_Annotation_Property_delta", r"OWLAxiomDelta_INT_20180731.txt:3: 3 of 4 rows .*bad effective time"),
        (f"{OWL}Equivalence_delta", r"1 of 1 concept ids are faulty \(check digit, the first at .*#1362969004\)"),
        (f"{OWL}Triangle_Additional_Axiom_delta", "6 of 7 concept ids are faulty"),
        ("snowstorm_dummy/conversion-to-complete-owl", "The release is a Delta that gives no term"),
        ("snowstorm_zip", "The release gives nothing: no description belongs to a concept that is in use"),
        (
            "snowstorm_zip/SNOMEDCT/SnomedCT_InternationalRF2_PRODUCTION_20250701T120000Z.zip",
            "The release gives nothing: no description belongs to a concept that is in use",
        ),
    ],
)
def test_broken_and_empty_ones_are_refused(fixtures: Path, name: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read_source(fixtures / name)


def test_every_release_is_read_or_refused(fixtures: Path) -> None:
    """No other error than `SourceError`; what is read has something in it and says what was left out."""
    folders = {file.parent for file in fixtures.rglob("sct2_Concept_*.txt")}
    assert len(folders) >= 45
    read = 0
    for folder in sorted(folders):
        try:
            content = read_source(folder)
        except SourceError:
            continue
        read += 1
        assert content.terms or content.retired or content.maps
        assert noticed(content, "Concepts in use by module")
    assert read >= 20
