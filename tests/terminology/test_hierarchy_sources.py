"""Is-a and retired codes from OBO, OBO graphs, FHIR code systems and tables of edges; FHIR expansions in pages."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.build_report import BuildReport
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources import read_source
from phenotext.nlp.terminology.sources.options import SourceOptions
from phenotext.nlp.terminology.terminology import Terminology

OBO = """format-version: 1.2

[Term]
id: HP:0002099
name: Asthma
is_a: HP:0002795 ! Abnormal respiratory system physiology
is_a: MONDO:0005087 {source="x"} ! another vocabulary
xref: SNOMEDCT_US:195967001
xref: UMLS:C0000001 "a description"
xref: https://example.org/asthma

[Term]
id: HP:0002795
name: Abnormal respiratory system physiology
relationship: part_of HP:0000118

[Term]
id: HP:0000057
name: obsolete Wheezy chest
is_obsolete: true
consider: HP:0002099
consider: HP:0002795
"""


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_obo(tmp_path: Path) -> None:
    content = read_source(write(tmp_path, "x.obo", OBO))
    assert content.isa == {"HPO": [("HP:0002099", "HP:0002795")]}
    assert content.dropped == {"is_a_of_another_vocabulary": 1, "obsolete": 1}
    assert content.retired == {
        ("HPO", "HP:0000057"): RetiredCode(
            "Wheezy chest", "obsolete", (("CONSIDER", "HP:0002099"), ("CONSIDER", "HP:0002795"))
        )
    }
    assert content.redirects == {}
    assert content.xrefs == {("HPO", "HP:0002099"): [("SNOMED", "195967001"), ("UMLS", "C0000001")]}


def test_obo_graph(tmp_path: Path) -> None:
    purl = "http://purl.obolibrary.org/obo/"
    nodes = [
        {"id": f"{purl}HP_0002099", "lbl": "Asthma", "type": "CLASS"},
        {"id": f"{purl}HP_0002795", "lbl": "Abnormal respiratory system physiology", "type": "CLASS"},
    ]
    nodes[0]["meta"] = {"xrefs": [{"val": "SNOMEDCT_US_2023_03_01:195967001"}]}  # type: ignore[assignment]
    edges = [
        {"sub": f"{purl}HP_0002099", "pred": "is_a", "obj": f"{purl}HP_0002795"},
        {"sub": f"{purl}HP_0002795", "pred": f"{purl}BFO_0000050", "obj": f"{purl}HP_0002099"},  # part of
    ]
    content = read_source(write(tmp_path, "g.json", {"graphs": [{"nodes": nodes, "edges": edges}]}))
    assert content.isa == {"HPO": [("HP:0002099", "HP:0002795")]}
    assert content.xrefs == {("HPO", "HP:0002099"): [("SNOMED", "195967001")]}


def code_system(**more: Any) -> dict[str, Any]:
    concepts = [
        {"code": "A", "display": "a disease", "concept": [{"code": "B", "display": "b disease"}]},
        {"code": "C", "display": "c disease", "property": [{"code": "parent", "valueCode": "B"}]},
        {"code": "D", "display": "d disease", "property": [{"code": "child", "valueCoding": {"code": "C"}}]},
        {"code": "E", "display": "e disease", "property": [{"code": "subsumedBy", "valueCode": "A"}]},
        {"code": "F", "display": "f disease", "property": [{"code": "status", "valueCode": "retired"}]},
    ]
    return {"resourceType": "CodeSystem", "url": "http://example.org/cs/mine", "concept": concepts, **more}


def test_fhir_code_system(tmp_path: Path) -> None:
    content = read_source(write(tmp_path, "c.json", code_system()))
    assert content.isa == {"mine": [("B", "A"), ("C", "B"), ("C", "D"), ("E", "A")]}
    assert content.retired == {("mine", "F"): RetiredCode("f disease", "inactive")}
    parts = read_source(write(tmp_path, "p.json", code_system(hierarchyMeaning="part-of")))
    assert ("B", "A") not in parts.isa["mine"]
    assert parts.notices == ["p.json: the nesting of concepts means part-of, so it gives no is-a"]


def test_edge_table_beside_its_terms(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.tsv",
        "code\tsystem\tterm\tpreferred\n195967001\tSNOMED\tAsthma\tAsthma\n"
        "50043002\tSNOMED\tDisorder of respiratory system\tDisorder of respiratory system\n",
    )
    write(tmp_path, "isa.tsv", "parent\tchild\n50043002\t195967001\n50043002\t50043002\n50043002\t195967002\n")
    content = read_source(tmp_path)
    assert content.isa == {"SNOMED": [("195967001", "50043002")]}
    assert content.dropped == {"edge_to_itself": 1, "check_digit": 1}
    terminology, report = compile_sources([tmp_path])
    assert report.relations.isa_edges == 1
    assert terminology.hierarchy.subsumes(terminology.find("50043002"), terminology.find("195967001"))


def test_the_system_of_an_edge_table(tmp_path: Path) -> None:
    prefixed = read_source(write(tmp_path, "h.csv", "child,parent\nHP_0002099,HP:0002795\n"))
    own = read_source(write(tmp_path, "o.csv", "child,parent,system\nJ45.0,J45,ICD-10-CM\n"))
    told = write(tmp_path, "t.csv", "child,parent\nJ45.0,J45\n")
    assert own.isa == {"ICD10CM": [("J45.0", "J45")]}
    assert read_source(told, options=SourceOptions(system="ICD10CM")).isa == own.isa
    with pytest.raises(SourceError, match="does not say of which code system"):
        read_source(told)
    assert prefixed.isa == {"HPO": [("HP:0002099", "HP:0002795")]}


def test_faulty_edges_are_counted(tmp_path: Path) -> None:
    rows = ["child\tparent\tsystem", *["195967001\t50043002\tSNOMED"] * 3, "195967002\t50043002\tSNOMED"]
    content = read_source(write(tmp_path, "e.tsv", "\n".join(rows)))
    assert content.dropped == {"check_digit": 1}
    assert len(content.isa["SNOMED"]) == 3
    with pytest.raises(SourceError, match="1 cell, the header 2"):
        read_source(write(tmp_path, "f.tsv", "child\tparent\n195967001\n"))


def page(codes: list[str], offset: int, total: int | None, url: str = "http://example.org/vs") -> dict[str, Any]:
    contains = [{"system": "http://example.org/cs/mine", "code": code, "display": f"disease {code}"} for code in codes]
    expansion: dict[str, Any] = {"offset": offset, "contains": contains}
    if total is not None:
        expansion["total"] = total
    return {"resourceType": "ValueSet", "url": url, "expansion": expansion}


class TestPages:
    def test_all_pages_in_any_order(self, tmp_path: Path) -> None:
        write(tmp_path, "a.json", page(["C"], 2, 3))
        write(tmp_path, "b.json", page(["A", "B"], 0, 3))
        write(tmp_path, "other.json", page(["X"], 0, 1, "http://example.org/other"))
        content = read_source(tmp_path)
        assert sorted(term.code for term in content.terms) == ["A", "B", "C", "X"]
        assert content.notices == []

    @pytest.mark.parametrize(
        ("pages", "problem"),
        [
            ([page(["A", "B"], 0, 3)], "Code 3 of an expansion with 3 codes are missing"),
            ([page(["A"], 0, 4), page(["D"], 3, 4)], "Codes 2 to 3 of an expansion stand on no page"),
            ([page(["B"], 1, 2)], "Code 1 of an expansion stand on no page"),
            ([page(["A"], 0, 2), page(["B"], 1, 3)], "different totals"),
            ([page(["A", "B"], 0, 4), page(["A", "B"], 2, 4)], "2 codes stand on several pages"),
        ],
    )
    def test_missing_pages(self, tmp_path: Path, pages: list[dict[str, Any]], problem: str) -> None:
        for number, resource in enumerate(pages):
            write(tmp_path, f"{number}.json", resource)
        with pytest.raises(SourceError, match=problem):
            read_source(tmp_path)

    def test_a_single_file_that_is_one_page_of_several(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="Codes 2 to 9"):
            read_source(write(tmp_path, "a.json", page(["A"], 0, 9)))

    def test_pages_that_overlap_are_counted_once(self, tmp_path: Path) -> None:
        write(tmp_path, "a.json", page(["A", "B"], 0, 3))
        write(tmp_path, "b.json", page(["B", "C"], 1, 3))
        content = read_source(tmp_path)
        assert [term.code for term in content.terms] == ["A", "B", "C"]
        assert content.dropped == {"duplicate": 1}
        assert content.notices == ["b.json: 1 codes of this page also stand on an earlier page (a.json); counted once"]


class TestPublishedFiles:
    def test_hpo(self, shared: Path, published: Callable[[str], tuple[Terminology, BuildReport]]) -> None:
        path = shared / "data/terminology/hpo/hp.v2024-04-26.json.gz"
        content = read_source(path)
        edges = json.loads(gzip.decompress(path.read_bytes()))["graphs"][0]["edges"]
        assert len(content.isa["HPO"]) == sum(edge["pred"] == "is_a" for edge in edges) == 22_932
        assert len(content.retired) == 425
        assert sum(bool(retired.successors) for retired in content.retired.values()) >= 330
        terminology, report = published("hpo/hp.v2024-04-26.json.gz")
        root, asthma = terminology.find("HP:0000118"), terminology.find("HP:0002099")
        assert terminology.hierarchy.subsumes(root, asthma)
        assert report.relations.isa_unknown == 0

    def test_mondo_terms_and_edges(self, shared: Path) -> None:
        content = read_source(shared / "data/terminology/mondo")
        lines = (shared / "data/terminology/mondo/isa_edges.tsv").read_text(encoding="utf-8").splitlines()
        assert len(content.isa["SNOMED"]) == len(lines) - 1 == 19_284
        assert len(content.terms) > 30_000
