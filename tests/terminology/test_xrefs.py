"""Cross-references of ontologies become SNOMED codes only where the names agree; precedence of combined sources."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.ecl import resolve_ecl
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources import read_source
from phenotext.nlp.terminology.sources.obo_terms import reference
from phenotext.nlp.terminology.terminology import Terminology
from phenotext.nlp.terminology.xrefs import XrefReport, adopt_xrefs

HEADER = "code\tsystem\tterm\tpreferred\tsemantic_tag\n"
NAMES = """\
195967001\tSNOMED\tAsthma\tAsthma\tdisorder
195967001\tSNOMED\tBronchial asthma\tAsthma\tdisorder
84114007\tSNOMED\tHeart failure\tHeart failure\tdisorder
42343007\tSNOMED\tCongestive heart failure\tCongestive heart failure\tdisorder
22298006\tSNOMED\tMyocardial infarction\tMyocardial infarction\tdisorder
386661006\tSNOMED\tFever\tFever\tfinding
"""


def term(number: int, name: str, *lines: str) -> str:
    rows = "".join(f"{line}\n" for line in lines)
    return f"[Term]\nid: DOID:{number}\nname: {name}\n{rows}\n"


ONTOLOGY = "format-version: 1.2\n\n" + "".join(
    [
        term(1, "asthma", 'synonym: "wheezy lung disease" EXACT []', "xref: SNOMEDCT_US_2023_03_01:195967001"),
        term(2, "cardiac infarct", 'synonym: "myocardial infarction" EXACT []', "xref: SCTID:22298006"),
        term(3, "pneumonia", "xref: SNOMEDCT:386661006"),  # the name differs
        term(4, "congestive heart failure", 'synonym: "heart failure" EXACT []', "xref: SNOMEDCT:84114007"),
        term(5, "pyrexia", 'synonym: "fever" EXACT []', 'synonym: "asthma" EXACT []', "xref: SNOMEDCT:386661006"),
        term(6, "a", "xref: SNOMEDCT:386661007"),  # check digit
        term(7, "b", "xref: SNOMEDCT:73211009"),  # a code that the names lack
        term(8, "heart failure", "xref: SNOMEDCT:187687003"),  # retired, and its successor is something else
        term(9, "bronchial asthma", "xref: SNOMEDCT:187687003"),  # retired, its successor fits
        term(10, "c", "xref: SNOMEDCT:155374007"),  # retired without successor
        term(11, "without any", "xref: UMLS:C0000000"),
    ]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "names.tsv").write_text(HEADER + NAMES, encoding="utf-8")
    (tmp_path / "onto.obo").write_text(ONTOLOGY, encoding="utf-8")
    return tmp_path


def adopted(folder: Path, keep: str = "unconverted") -> tuple[XrefReport, list[tuple[str, str, str]]]:
    names, onto = read_source(folder / "names.tsv"), read_source(folder / "onto.obo")
    names.redirects["187687003"] = "195967001"
    names.retired[("SNOMED", "187687003")] = RetiredCode("Asthma", "duplicate", (("SAME AS", "195967001"),))
    names.retired[("SNOMED", "155374007")] = RetiredCode("Heart failure, old", "ambiguous")
    (report,) = adopt_xrefs([names, onto], keep)  # type: ignore[arg-type]
    return report, [(t.code, t.term, t.preferred) for t in onto.terms]


def test_each_cross_reference_is_accepted_or_rejected_for_a_reason(folder: Path) -> None:
    report, _ = adopted(folder)
    assert report.accepted == {
        "label_is_preferred_name": 1,
        "label_is_synonym": 1,
        "synonym_is_preferred_name": 2,
    }
    assert report.rejected == {
        "name_differs": 2,
        "label_names_another_code": 1,
        "check_digit": 1,
        "no_such_code": 1,
        "retired_without_successor": 1,
    }
    assert report.xrefs == sum(report.accepted.values()) + sum(report.rejected.values()) == report.classes == 10
    example = report.examples["label_names_another_code"][0]
    assert (example.label, example.target, example.target_name) == (
        "congestive heart failure",
        "84114007",
        "Heart failure",
    )
    # asthma is right, "congestive heart failure" and "heart failure" point elsewhere
    assert (report.checkable, report.right) == (3, 1)


def test_names_move_to_the_snomed_code(folder: Path) -> None:
    report, terms = adopted(folder)
    assert ("195967001", "wheezy lung disease", "Asthma") in terms
    assert ("22298006", "cardiac infarct", "Myocardial infarction") in terms
    assert ("386661006", "pyrexia", "Fever") in terms
    assert not any(code == "386661006" and name == "asthma" for code, name, _ in terms)  # names another code
    assert (report.converted, report.terms_added, report.terms_left_out, report.classes_left_out) == (4, 3, 1, 4)
    assert not any(code == "DOID:1" for code, _, _ in terms)
    assert any(code == "DOID:3" for code, _, _ in terms)


@pytest.mark.parametrize(("keep", "own"), [("all", 11), ("unconverted", 7), ("none", 0)])
def test_which_codes_of_the_ontology_stay(folder: Path, keep: str, own: int) -> None:
    _, terms = adopted(folder, keep)
    assert len({code for code, _, _ in terms if code.startswith("DOID:")}) == own


def test_from_build_to_note(folder: Path) -> None:
    sources = [folder / "names.tsv", folder / "onto.obo"]
    terminology, report = compile_sources(sources, snomed_from_xrefs=True)
    note = Extractor(terminology)("He has wheezy lung disease.")
    assert [(mention.text, mention.code, mention.system) for mention in note.mentions] == [
        ("wheezy lung disease", "195967001", "SNOMED")
    ]
    assert [target.code for target in terminology.maps.targets("DOID", "DOID:1", "SNOMED")] == ["195967001"]
    assert "accepted" in report.summary()
    assert report.to_json()["xrefs"][0]["rejected"]["check_digit"] == 1
    plain, _ = compile_sources(sources)
    assert [mention.code for mention in Extractor(plain)("He has wheezy lung disease.").mentions] == ["DOID:1"]


def test_options_that_cannot_work_are_refused(folder: Path) -> None:
    with pytest.raises(SourceError, match="No source has SNOMED names"):
        compile_sources([folder / "onto.obo"], snomed_from_xrefs=True)
    with pytest.raises(SourceError, match="No source has cross-references"):
        compile_sources([folder / "names.tsv"], snomed_from_xrefs=True)


@pytest.mark.parametrize(
    ("xref", "target"),
    [
        ("SCTID:22298006", ("SNOMED", "22298006")),
        ("SNOMED_CT:22298006", ("SNOMED", "22298006")),
        ("SNOMEDCT_US_2023_03_01:22298006", ("SNOMED", "22298006")),
        ("UMLS_CUI:C0000001", ("UMLS", "C0000001")),
        ("HP:0001250", ("HPO", "HP:0001250")),
        ("ICD10CM:J45.9", ("ICD10CM", "J45.9")),
        ("https://example.org/x", None),
        ("nothing", None),
    ],
)
def test_spellings_of_cross_references(xref: str, target: tuple[str, str] | None) -> None:
    assert reference(xref) == target


class TestPublishedFiles:
    def test_hpo_is_right_on_97_percent(self, shared: Path) -> None:
        root = shared / "data/terminology"
        names = read_source(root / "snomed_gps_2020/gps_2020.tsv")
        hpo = read_source(root / "hpo/hp.v2024-04-26.json.gz")
        (report,) = adopt_xrefs([names, hpo])
        assert report.xrefs == sum(report.accepted.values()) + sum(report.rejected.values()) == 4_629
        assert report.checkable > 700
        assert round(report.right / report.checkable, 2) == 0.97
        assert report.rejected["name_differs"] > 800  # a fifth of all: taken on trust they would give wrong codes
        assert report.converted > 900

    def test_mondo_is_right_on_93_percent(self, shared: Path, tmp_path: Path) -> None:
        """Mondo's mappings stand in a table; written as OBO they take the same way."""
        root = shared / "data/terminology"
        labels: dict[str, str] = {}
        codes: dict[str, list[str]] = {}
        synonyms: dict[str, list[str]] = {}
        lines = gzip.decompress((root / "mondo/lexicon.tsv.gz").read_bytes()).decode("utf-8").splitlines()
        for line in lines[1:]:
            code, _, name, _, scope, _, source, class_id, mapping, *_ = line.split("\t")
            if source != "MONDO" or mapping != "exact":
                continue
            if code not in codes.setdefault(class_id, []):
                codes[class_id].append(code)
            if scope == "LABEL":
                labels[class_id] = name
            elif scope == "EXACT":
                synonyms.setdefault(class_id, []).append(name)
        stanzas = ["format-version: 1.2\n"]
        for class_id, label in labels.items():
            rows = [f"[Term]\nid: {class_id}\nname: {label}"]
            rows += [f'synonym: "{name}" EXACT []' for name in synonyms.get(class_id, ()) if '"' not in name]
            rows += [f"xref: SCTID:{code}" for code in codes[class_id]]
            stanzas.append("\n".join(rows) + "\n")
        (tmp_path / "mondo.obo").write_text("\n".join(stanzas), encoding="utf-8")
        names = read_source(root / "snomed_gps_2020/gps_2020.tsv")
        (report,) = adopt_xrefs([names, read_source(tmp_path / "mondo.obo")])
        assert report.checkable > 500
        assert 0.90 < report.right / report.checkable < 0.96


def first_code(terminology: Terminology, text: str) -> str:
    return terminology.codes[int(terminology.lookup(text)[0])]


class TestPrecedence:
    """Of several codes for one string those of the first source come first, whatever the kind of the name."""

    A = "X1\tLocal\tblue spells\tOther name\t\n"
    B = "Y1\tMine\tblue spells\tblue spells\tdisorder\n"

    def write(self, folder: Path, name: str, rows: str) -> Path:
        path = folder / name
        path.write_text(HEADER + rows, encoding="utf-8")
        return path

    def test_source_before_kind(self, tmp_path: Path) -> None:
        a, b = self.write(tmp_path, "a.tsv", self.A), self.write(tmp_path, "b.tsv", self.B)
        assert first_code(compile_sources([a, b])[0], "blue spells") == "X1"
        assert first_code(compile_sources([b, a])[0], "blue spells") == "Y1"

    def test_a_string_of_a_source_before_a_derived_one(self, tmp_path: Path) -> None:
        a = self.write(tmp_path, "a.tsv", "X1\tLocal\tdiabetes mellitus, type 2\tdiabetes mellitus, type 2\t\n")
        b = self.write(tmp_path, "b.tsv", "Y1\tMine\ttype 2 diabetes mellitus\ttype 2 diabetes mellitus\t\n")
        assert first_code(compile_sources([a, b])[0], "type 2 diabetes mellitus") == "Y1"

    def test_a_source_in_capitals_keeps_its_place(self, tmp_path: Path) -> None:
        loud = self.write(
            tmp_path,
            "loud.tsv",
            "X1\tLocal\tBLUE SPELLS\tBLUE SPELLS\t\nX2\tLocal\tCHRONIC COUGHING\tCHRONIC COUGHING\t\n",
        )
        other = self.write(tmp_path, "b.tsv", self.B)
        assert first_code(compile_sources([loud, other])[0], "blue spells") == "X1"
        assert first_code(compile_sources([other, loud])[0], "blue spells") == "Y1"

    def test_preferred_names_without_a_row_keep_their_sources_place(self, tmp_path: Path) -> None:
        a = self.write(tmp_path, "a.tsv", "X1\tLocal\tsomething else\tblue spells\t\n")
        b = self.write(tmp_path, "b.tsv", self.B)
        assert first_code(compile_sources([a, b])[0], "blue spells") == "X1"

    def test_within_one_source_the_kind_decides(self, tmp_path: Path) -> None:
        both = self.write(tmp_path, "a.tsv", self.A + self.B)
        assert first_code(compile_sources([both])[0], "blue spells") == "Y1"

    def test_the_first_source_names_and_tags_a_code(self, tmp_path: Path) -> None:
        a = self.write(tmp_path, "a.tsv", "195967001\tSNOMED\tasthma bronchiale\tasthma bronchiale\t\n")
        b = self.write(tmp_path, "b.tsv", NAMES)
        terminology, _ = compile_sources([a, b])
        number = terminology.find("195967001")
        assert terminology.preferred[number] == "asthma bronchiale"
        assert terminology.semantic_tags[number] == "disorder"  # the first source says nothing of it

    def test_the_user_comes_before_all_sources(self, tmp_path: Path) -> None:
        a, b = self.write(tmp_path, "a.tsv", self.A), self.write(tmp_path, "b.tsv", self.B)
        overrides = tmp_path / "overrides.tsv"
        overrides.write_text("action\tcode\tsystem\tterm\nprefer\tY1\tMine\tblue spells\n", encoding="utf-8")
        assert first_code(compile_sources([a, b], overrides=overrides)[0], "blue spells") == "Y1"


def test_classes_that_left_do_not_tear_the_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "names.tsv").write_text(HEADER + NAMES, encoding="utf-8")
    onto = "format-version: 1.2\n\n" + "".join(
        [
            term(1, "disease of something"),
            term(2, "asthma", "xref: SNOMEDCT:195967001", "is_a: DOID:1"),
            term(3, "asthma of cooks", "is_a: DOID:2", "is_a: DOID:4"),
            term(
                4,
                "asthma, bronchial",
                'synonym: "bronchial asthma" EXACT []',
                "xref: SNOMEDCT:195967001",
                "is_a: DOID:2",
            ),
            term(5, "asthma of pastry cooks", "is_a: DOID:3"),
        ]
    )
    (tmp_path / "onto.obo").write_text(onto, encoding="utf-8")
    names, ontology = tmp_path / "names.tsv", tmp_path / "onto.obo"
    terminology, report = compile_sources([names, ontology], snomed_from_xrefs=True)
    assert (report.xrefs[0].converted, report.relations.isa_unknown) == (2, 0)
    top, cooks, pastry = (terminology.find(f"DOID:{number}", "DOID") for number in (1, 3, 5))
    assert terminology.hierarchy.parents(cooks).tolist() == [top]
    assert terminology.hierarchy.descendants(top).tolist() == [cooks, pastry]
    assert terminology.find("DOID:2", "DOID") == -1
    # who asks for the class that left is told where its names went
    (unknown,) = resolve_ecl(terminology, "<< DOID:2").unknown
    assert str(unknown) == "DOID DOID:2: not found (maps to SNOMED 195967001)"
    whole, report = compile_sources([names, ontology], snomed_from_xrefs=True, keep_codes="all")
    assert whole.hierarchy.n_edges == 5
    _, report = compile_sources([names, ontology], snomed_from_xrefs=True, keep_codes="none")
    assert (report.relations.isa_edges, report.relations.isa_unknown) == (0, 0)


def test_the_summary_tells_of_hierarchy_and_maps(folder: Path) -> None:
    (folder / "edges.tsv").write_text("child\tparent\nDOID:3\tDOID:6\nDOID:3\tDOID:99\n", encoding="utf-8")
    sources = [folder / name for name in ("names.tsv", "onto.obo", "edges.tsv")]
    _, report = compile_sources(sources, snomed_from_xrefs=True)
    told = report.summary()
    assert "hierarchy: 1 is-a relations, 1 pairs" in told
    assert "; 1 relations of codes that no source names (DOID:3 is a DOID:99, ...)" in told
    assert f"maps: {report.xrefs[0].converted} DOID to SNOMED" in told
