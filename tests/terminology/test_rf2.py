"""SNOMED CT releases (RF2): the rules by which concepts, names, history, hierarchy, sets and maps are read."""

import random
from pathlib import Path

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.terminology import SourceError, read_source
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.sources.content import SourceContent
from phenotext.nlp.terminology.sources.options import SourceOptions

from .rf2_release import (
    ACCEPTABLE,
    AMBIGUOUS,
    ATTACK,
    DEFINITION,
    FSN,
    GB,
    ICD10CM,
    ICDO,
    LUNG,
    OLD,
    POSSIBLY,
    PREFERRED,
    REPLACED_BY,
    ROOT,
    SAME_AS,
    SET,
    STATED,
    SYNONYM,
    US,
    sctid,
    small_release,
)


def terms(content: SourceContent, code: str = LUNG) -> list[tuple[str, str]]:
    return sorted((term.kind, term.term) for term in content.terms if term.code == code)


def preferred(content: SourceContent, code: str = LUNG) -> str:
    return next(term.preferred for term in content.terms if term.code == code)


def noticed(content: SourceContent, words: str) -> bool:
    return any(words in notice for notice in content.notices)


class TestWhole:
    def test_content(self, tmp_path: Path) -> None:
        content = read_source(small_release().write(tmp_path / "release"))
        assert terms(content) == [("preferred", "Azure lung disease"), ("synonym", "ALD"), ("synonym", "Azure lung")]
        assert {term.semantic_tag for term in content.terms if term.code == LUNG} == {"disorder"}
        assert content.terms[0].origin.startswith("sct2_Description_Snapshot-en_INT_20230131.txt#")
        assert content.isa == {"SNOMED": sorted([(ATTACK, LUNG), (LUNG, ROOT)], key=lambda pair: int(pair[0]))}
        assert content.redirects == {OLD: LUNG}
        assert content.retired["SNOMED", OLD].name == "Bluish lung disease"
        assert content.retired["SNOMED", OLD].reason == "duplicate"
        assert content.retired["SNOMED", OLD].successors == (("SAME AS", LUNG),)
        assert content.refsets == {SET: [LUNG, ATTACK]}
        (row,) = content.maps[0].to_pylist()
        assert (row["source_code"], row["source_name"]) == (LUNG, "Azure lung disease")
        assert (row["target_system"], row["target_code"], row["relationship"]) == ("ICD10CM", "J98.4", "1/1 TRUE")
        assert content.release == "INT 20230131"
        assert content.dropped == {"description_of_retired_concept": 1}
        assert content.drops.faults == 0

    def test_end_to_end(self, tmp_path: Path) -> None:
        terminology, report = compile_sources([small_release().zipped(tmp_path / "Release.zip")], tmp_path / "t.ptx")
        lung, attack = terminology.find(LUNG, "SNOMED"), terminology.find(ATTACK, "SNOMED")
        assert lung is not None
        assert attack is not None
        assert terminology.hierarchy.subsumes(lung, attack)
        assert sorted(terminology.refsets[SET].tolist()) == sorted([lung, attack])
        retired = terminology.retired.get(OLD, "SNOMED")
        assert retired is not None
        assert retired.reason == "duplicate"
        assert terminology.redirects[OLD] == LUNG
        assert [target.code for target in terminology.maps.targets("SNOMED", LUNG, "ICD10CM")] == ["J98.4"]
        assert report.sources[0].release == "INT 20230131"
        found = Extractor(terminology)("She has azure lung since May.").mentions
        assert [mention.code for mention in found] == [LUNG]

    def test_same_bytes(self, tmp_path: Path) -> None:
        folder = small_release().write(tmp_path / "release")
        compile_sources([folder], tmp_path / "a.ptx")
        compile_sources([folder], tmp_path / "b.ptx")
        assert (tmp_path / "a.ptx").read_bytes() == (tmp_path / "b.ptx").read_bytes()


class TestNames:
    def test_preferred_by_language(self, tmp_path: Path) -> None:
        release = small_release()
        release.concept(sctid(20))
        release.describe(sctid(20), "Tumor of azure lung (disorder)", FSN, us=PREFERRED, gb=PREFERRED)
        release.describe(sctid(20), "Azure tumor", us=PREFERRED, gb=ACCEPTABLE)
        release.describe(sctid(20), "Azure tumour", us=ACCEPTABLE, gb=PREFERRED)
        folder = release.write(tmp_path / "release")
        assert preferred(read_source(folder), sctid(20)) == "Azure tumor"
        assert (
            preferred(read_source(folder, options=SourceOptions(language_refsets=(GB, US))), sctid(20))
            == "Azure tumour"
        )

    def test_falls_back_to_gb_then_to_others_then_to_the_full_name(self, tmp_path: Path) -> None:
        release, other = small_release(), sctid(9)
        british, irish, unnamed = sctid(20), sctid(21), sctid(22)
        for concept in (british, irish, unnamed):
            release.concept(concept)
            release.describe(concept, f"Full name {concept} (finding)", FSN)
        release.describe(british, "British", gb=PREFERRED)
        release.member("language", other, release.describe(irish, "Irish"), PREFERRED)
        release.member("language", other, release.describe(british, "Not for Britain"), PREFERRED)
        content = read_source(release.write(tmp_path / "release"))
        assert preferred(content, british) == "British"
        assert preferred(content, irish) == "Irish"
        assert terms(content, unnamed) == [("preferred", f"Full name {unnamed}")]
        assert content.dropped["not_acceptable_in_language"] == 1
        with pytest.raises(SourceError, match="`en-GB` is no id of a language reference set"):
            read_source(tmp_path / "release", options=SourceOptions(language_refsets=("en-GB",)))

    def test_without_language_reference_set(self, tmp_path: Path) -> None:
        release = small_release()
        del release.rows["language"]
        content = read_source(release.write(tmp_path / "release"))
        assert terms(content) == [("preferred", "Azure lung disease"), ("synonym", "ALD"), ("synonym", "Azure lung")]
        assert noticed(content, "no language reference set")

    def test_left_out_and_counted(self, tmp_path: Path) -> None:
        release = small_release()
        release.describe(LUNG, "Lunge, azurblau", language="de", us=ACCEPTABLE)
        release.describe(LUNG, "Azure lung, US spelling", language="en-US", us=ACCEPTABLE)
        release.describe(LUNG, "A lung that is azure.", DEFINITION, us=ACCEPTABLE)
        release.describe(LUNG, "Old azure lung", active=0, us=ACCEPTABLE)
        release.describe(LUNG, "Azure lungs nobody accepts")
        release.describe(LUNG, "Second full name (finding)", FSN)
        release.describe(LUNG, "Azure lung", SYNONYM, us=ACCEPTABLE)
        release.describe(sctid(77), "Of no concept", us=ACCEPTABLE)
        release.concept(sctid(30))
        content = read_source(release.write(tmp_path / "release"))
        assert [term for _, term in terms(content)] == [
            "Azure lung disease",
            "ALD",
            "Azure lung",
            "Azure lung, US spelling",
        ]
        assert content.dropped == {
            "other_language": 1,
            "text_definition": 1,
            "inactive_description": 1,
            "not_acceptable_in_language": 1,
            "second_full_name": 1,
            "unknown_concept": 1,
            "description_of_retired_concept": 1,
            "concept_without_name": 1,
        }
        assert content.dropped_at["unknown_concept"][0].startswith("sct2_Description_Snapshot-en_INT_20230131.txt#")
        assert content.dropped_at["concept_without_name"] == [f"concept#{sctid(30)}"]


class TestHistory:
    def test_only_unambiguous_ends_redirect(self, tmp_path: Path) -> None:
        release = small_release()
        one, two, three, four, ring, back = (sctid(item) for item in range(40, 46))
        for code in (one, two, three, four, ring, back):
            release.concept(code, active=0)
        release.member("association", REPLACED_BY, one, OLD)  # a chain: one, OLD, LUNG
        release.member("association", SAME_AS, two, LUNG)
        release.member("association", SAME_AS, two, ATTACK)
        release.member("association", POSSIBLY, three, LUNG)
        release.member("association", SAME_AS, four, ATTACK, active=0)
        release.member("association", SAME_AS, ring, back)
        release.member("association", SAME_AS, back, ring)
        release.member("association", sctid(46), three, ATTACK)
        release.named(sctid(46), "PARTLY LIKE association reference set", "foundation metadata concept")
        release.member("association", SAME_AS, LUNG, ATTACK)
        release.member("attribute", "900000000000490003", sctid(2, "11"), AMBIGUOUS)
        content = read_source(release.write(tmp_path / "release"))
        assert content.redirects == {OLD: LUNG, one: LUNG}
        assert content.retired["SNOMED", one].successors == (("REPLACED BY", OLD),)
        assert content.retired["SNOMED", two].successors == (("SAME AS", LUNG), ("SAME AS", ATTACK))
        assert set(content.retired["SNOMED", three].successors) == {
            ("POSSIBLY EQUIVALENT TO", LUNG),
            ("PARTLY LIKE", ATTACK),
        }
        assert content.retired["SNOMED", four].successors == ()
        assert content.dropped["inactive_association"] == 1
        assert content.dropped["association_not_of_a_retired_concept"] == 1
        assert content.dropped["reason_not_of_a_concept"] == 1


class TestHierarchy:
    def test_inferred_only(self, tmp_path: Path) -> None:
        release = small_release()
        release.relate(ATTACK, ROOT, by=STATED, file="stated")
        release.relate(ATTACK, ROOT, active=0)
        release.relate(ATTACK, ROOT, "363698007")
        release.relate(ATTACK, OLD)
        release.relate(ATTACK, sctid(88))
        release.relate(ATTACK, ATTACK)
        release.relate(ATTACK, LUNG)  # a second time
        release.relate(LUNG, ROOT, key="100000")
        content = read_source(release.write(tmp_path / "release"))
        assert sorted(content.isa["SNOMED"]) == sorted([(ATTACK, LUNG), (LUNG, ROOT)])
        for reason in ("inactive_relationship", "is_a_not_inferred", "relationship_other_than_is_a", "is_a_itself"):
            assert content.dropped[reason] == 1, reason
        assert content.dropped["is_a_retired_concept"] == content.dropped["is_a_unknown_concept"] == 1
        assert noticed(content, "1 is-a relationships have ids that fail")

    def test_stated_and_axioms_where_nothing_is_inferred(self, tmp_path: Path) -> None:
        release = small_release()
        release.rows["relationship"] = []
        release.relate(LUNG, ROOT, by=STATED, file="stated")
        part = "ObjectSomeValuesFrom(:609096000 ObjectSomeValuesFrom(:363698007 :39057004))"
        axioms = (
            (ATTACK, f"EquivalentClasses(:{ATTACK} ObjectIntersectionOf(:{LUNG} {part}))"),
            (SET, f"SubClassOf(:{SET} :{ROOT})"),
            (LUNG, f"SubClassOf(ObjectIntersectionOf(:{ROOT} {part}) :{LUNG})"),
        )
        for concept, axiom in axioms:
            release.member("owl", "733073007", concept, axiom)
        release.member("owl", "762103008", "734147008", "Ontology(<http://snomed.info/sct/900000000000207008>)")
        content = read_source(release.write(tmp_path / "release"))
        assert set(content.isa["SNOMED"]) == {(LUNG, ROOT), (ATTACK, LUNG), (SET, ROOT)}
        assert noticed(content, "1 stated relationships and 2 parents named in OWL axioms")


class TestSetsAndMaps:
    def test_members(self, tmp_path: Path) -> None:
        release = small_release()
        release.member("simple", SET, ROOT, active=0)
        release.member("simple", SET, sctid(3, "11"))
        content = read_source(release.write(tmp_path / "release"))
        assert content.refsets == {SET: [LUNG, ATTACK]}
        assert content.dropped["inactive_member"] == content.dropped["member_is_no_concept"] == 1

    def test_maps(self, tmp_path: Path) -> None:
        release = small_release()
        named, nameless = sctid(60), sctid(61)
        release.named(named, "SNOMED CT to ICD-10-CA map", "foundation metadata concept")
        rest = ("447561005", "447637006")
        rule = "IFA 445518008 | Age at onset of clinical finding |"
        release.member("map", ICD10CM, ATTACK, "1", "2", "OTHERWISE TRUE", "", "J98.9", *rest)
        release.member("map", ICD10CM, ATTACK, "1", "1", rule, "", "J98.1", *rest)
        release.member("map", ICD10CM, ATTACK, "2", "1", "TRUE", "", "", *rest)
        release.member("map", ICD10CM, ATTACK, "2", "1", "TRUE", "", "Z99", *rest, active=0)
        release.member("map", nameless, ATTACK, "1", "1", "TRUE", "", "X1", *rest)
        release.member("map", named, ATTACK, "1", "1", "TRUE", "", "J98.2", *rest)
        release.member("simple_map", ICDO, LUNG, "8140/3")
        content = read_source(release.write(tmp_path / "release"))
        rows = [row for table in content.maps for row in table.to_pylist()]
        assert [(row["target_system"], row["target_code"], row["relationship"]) for row in rows] == [
            ("ICDO3", "8140/3", "1/1 TRUE"),
            ("ICD10CM", "J98.4", "1/1 TRUE"),
            ("ICD10CM", "J98.1", f"1/1 {rule}"),
            ("ICD10CM", "J98.9", "1/2 OTHERWISE TRUE"),
        ]
        assert content.dropped["inactive_map"] == content.dropped["map_without_target"] == 1
        assert content.dropped["map_target_system_unknown"] == 2
        assert noticed(content, f"The maps of reference set {named} (SNOMED CT to ICD-10-CA map) were left out")


def test_damage_gives_content_or_a_clear_error(tmp_path: Path) -> None:
    """Bytes changed, lost and added at random, in files and in zips: never another error than `SourceError`."""
    chance = random.Random(20)
    pieces = (b"\t", b"\n", b"\r", b"\x00", b"\xff", b"#", b"1.5", b"9" * 25)
    read = refused = 0
    for number in range(200):
        folder = tmp_path / str(number)
        if number % 2:
            folder.mkdir()
            file = small_release().zipped(folder / "release.zip")
        else:
            file = chance.choice(sorted(small_release().write(folder).rglob("*.txt")))
        data = bytearray(file.read_bytes())
        for _ in range(chance.choice((1, 3, 20))):
            place = chance.randrange(len(data))
            data[place : place + chance.choice((0, 1, 10))] = chance.choice(pieces)
        file.write_bytes(data)
        try:
            read_source(folder)
            read += 1
        except SourceError:
            refused += 1
    assert read > 10
    assert refused > 20
