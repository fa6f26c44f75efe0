"""Terminology sources: what each format gives."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources import read_source
from phenotext.nlp.terminology.systems import canonical_system, code_fault, is_concept_id, tidy_code, verhoeff_ok

HEADER = "code\tsystem\tterm\tpreferred"
ASTHMA = "195967001\tSNOMEDCT\tAsthma\tAsthma"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class TestSystems:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("SNOMEDCT", "SNOMED"),
            ("snomedct_us", "SNOMED"),
            ("SCT", "SNOMED"),
            ("http://snomed.info/sct", "SNOMED"),
            ("http://snomed.info/sct/731000124108/version/20240301", "SNOMED"),
            ("http://snomed.info/sct|20240301", "SNOMED"),
            ("urn:oid:2.16.840.1.113883.6.96", "SNOMED"),
            ("HP", "HPO"),
            ("http://hl7.org/fhir/sid/icd-10-cm", "ICD10CM"),
            ("http://www.nlm.nih.gov/research/umls/rxnorm", "RxNorm"),
            ("http://loinc.org", "LOINC"),
            ("MONDO", "Mondo"),
            ("MyLocalCodes", "MyLocalCodes"),
        ],
    )
    def test_aliases(self, given: str, name: str) -> None:
        assert canonical_system(given) == name

    @pytest.mark.parametrize("code", ["195967001", "44054006", "11010461000119101", "138875005"])
    def test_concept_ids(self, code: str) -> None:
        assert verhoeff_ok(code)
        assert is_concept_id(code)

    @pytest.mark.parametrize(
        ("system", "code", "fault"),
        [
            ("SNOMED", "195967002", "check_digit"),
            ("SNOMED", "1092131000000100", "spreadsheet_number"),
            ("SNOMED", "7.32E+07", "spreadsheet_number"),
            ("SNOMED", "195967001.0", "spreadsheet_number"),
            ("SNOMED", "x195967001", "malformed_code"),
            ("SNOMED", "301485011", "description_id"),
            ("SNOMED", "", "empty_code"),
            ("HPO", "HP:125", "malformed_code"),
            ("HPO", "HP:0001250", None),
            ("ICD10CM", "E11.9", None),
        ],
    )
    def test_faults(self, system: str, code: str, fault: str | None) -> None:
        assert code_fault(system, code) == fault

    def test_hpo_codes_keep_their_form(self) -> None:
        for given in ("HP:0001250", "HP_0001250", "http://purl.obolibrary.org/obo/HP_0001250"):
            assert tidy_code("HPO", given) == "HP:0001250"


class TestDelimited:
    def test_columns_in_any_order_and_case(self, tmp_path: Path) -> None:
        path = write(
            tmp_path, "a", "Preferred\tTERM\textra\tSystem\tcode\r\nAsthma\tBronchial asthma\tx\tSCT\t195967001\r\n"
        )
        (term,) = read_source(path).terms
        assert (term.code, term.system, term.term, term.preferred, term.kind) == (
            "195967001",
            "SNOMED",
            "Bronchial asthma",
            "Asthma",
            "synonym",
        )
        assert term.origin == "a:2"

    def test_tabs_know_no_quotes_and_commas_do(self, tmp_path: Path) -> None:
        tsv = write(tmp_path, "a.tsv", f'{HEADER}\n195967001\tSNOMED\t"Asthma"\tAsthma\n')
        csv = write(
            tmp_path, "a.csv", 'code,system,term,preferred\n44054006,SNOMED,"Diabetes mellitus, ""type"" 2",T2\n'
        )
        assert read_source(tsv).terms[0].term == '"Asthma"'
        assert read_source(csv).terms[0].term == 'Diabetes mellitus, "type" 2'

    def test_format_is_told_by_content_not_name(self, tmp_path: Path) -> None:
        path = write(tmp_path, "terms.json", gzip.compress(f"\ufeff{HEADER}\n{ASTHMA}\n".encode()))
        assert read_source(path).terms[0].code == "195967001"

    def test_only_label_and_exact_scopes_match_by_default(self, tmp_path: Path) -> None:
        rows = [f"{ASTHMA}\t{scope}" for scope in ("LABEL", "exact", "RELATED", "BROAD", "NARROW", "")]
        path = write(tmp_path, "a", "\n".join([f"{HEADER}\tscope", *rows]))
        content = read_source(path)
        assert len(content.terms) == 3
        assert content.dropped == {"scope_related": 1, "scope_broad": 1, "scope_narrow": 1}
        assert len(read_source(path, scopes={"EXACT", "RELATED"}).terms) == 3

    def test_optional_columns(self, tmp_path: Path) -> None:
        path = write(
            tmp_path,
            "a",
            f"{HEADER}\tsynonym_type\tchronic\tsemantic_tag\tstatus\n"
            "195967001\tSCT\tBA\tAsthma\tABBREV\tyes\tdisorder\tactive\n"
            "195967001\tSCT\twheezy chest\tAsthma\tlayperson\t0\t\t\n"
            "195967001\tSCT\tAsthma (disorder)\tAsthma (disorder)\t\t\t\t\n"
            "195967001\tSCT\told name\tAsthma\t\t\t\tretired\n",
        )
        content = read_source(path)
        assert [(t.kind, t.chronic, t.semantic_tag) for t in content.terms] == [
            ("abbreviation", True, "disorder"),
            ("lay", False, None),
            ("preferred", False, "disorder"),
        ]
        assert content.terms[2].preferred == "Asthma"
        assert content.dropped == {"inactive": 1}

    def test_single_bad_rows_are_dropped_and_counted_with_their_lines(self, tmp_path: Path) -> None:
        good = [ASTHMA] * 6
        bad = [
            "195967002\tSCT\ta\ta",
            "\tSCT\tb\tb",
            "195967001\tSCT\t\tc",
            "Asthma\tSCT\t195967001\tAsthma",
            "301485011\tSCT\te\te",
        ]
        content = read_source(write(tmp_path, "a.tsv", "\n".join([HEADER, *good, *bad, "", ""])))
        assert len(content.terms) == 7
        assert content.dropped == {"check_digit": 1, "empty_code": 1, "empty_term": 1, "description_id": 1}
        assert content.repairs.counts == {"swapped_columns": 1}
        assert content.repairs.places == {"swapped_columns": ["a.tsv:11"]}
        assert content.dropped_at["check_digit"] == ["a.tsv:8"]

    @pytest.mark.parametrize("name", ["line\u2028separator", "next\x85line", "form\x0cfeed"])
    def test_only_line_feeds_end_a_row(self, tmp_path: Path, name: str) -> None:
        content = read_source(write(tmp_path, "a", f"{HEADER}\n195967001\tSCT\t{name}\tAsthma\n"))
        assert [term.term for term in content.terms] == [name]


class TestFhir:
    def test_value_set_with_compose_and_nested_expansion(self, tmp_path: Path) -> None:
        document = {
            "resourceType": "ValueSet",
            "version": "7",
            "compose": {
                "include": [
                    {
                        "system": "http://snomed.info/sct",
                        "concept": [
                            {
                                "code": "195967001",
                                "display": "Asthma (disorder)",
                                "designation": [
                                    {"value": "Bronchial asthma"},
                                    {"language": "de", "value": "Bronchialasthma"},
                                ],
                            }
                        ],
                    }
                ],
                "exclude": [{"system": "http://snomed.info/sct", "concept": [{"code": "49436004"}]}],
            },
            "expansion": {
                "contains": [
                    {
                        "display": "a heading",
                        "contains": [{"system": "http://snomed.info/sct", "code": "44054006", "display": "T2"}],
                    },
                    {"system": "http://snomed.info/sct", "code": "49436004", "display": "Atrial fibrillation"},
                    {
                        "system": "http://snomed.info/sct",
                        "code": "38341003",
                        "display": "Hypertension",
                        "inactive": True,
                    },
                ]
            },
        }
        content = read_source(write(tmp_path, "v", json.dumps(document)))
        assert [(t.code, t.term, t.preferred, t.kind, t.semantic_tag) for t in content.terms] == [
            ("195967001", "Asthma", "Asthma", "preferred", "disorder"),
            ("195967001", "Bronchial asthma", "Asthma", "synonym", "disorder"),
            ("44054006", "T2", "T2", "preferred", None),
        ]
        assert content.dropped == {"other_language": 1, "excluded": 1, "inactive": 1}
        assert content.release == "7"

    def test_code_system_with_nested_concepts(self, tmp_path: Path) -> None:
        document = {
            "resourceType": "CodeSystem",
            "url": "http://hl7.org/fhir/sid/icd-10-cm",
            "content": "complete",
            "concept": [
                {
                    "code": "J45",
                    "display": "Asthma",
                    "concept": [
                        {"code": "J45.9", "display": "Asthma, unspecified"},
                        {"code": "J45.8", "display": "gone", "property": [{"code": "inactive", "valueBoolean": True}]},
                    ],
                }
            ],
        }
        content = read_source(write(tmp_path, "c", json.dumps(document)))
        assert [(t.system, t.code) for t in content.terms] == [("ICD10CM", "J45"), ("ICD10CM", "J45.9")]
        assert content.dropped == {"inactive": 1}

    def test_an_empty_list_of_concepts_is_no_error(self, tmp_path: Path) -> None:
        document = {"resourceType": "ValueSet", "compose": {"include": [{"system": "http://loinc.org", "concept": []}]}}
        assert read_source(write(tmp_path, "v", json.dumps(document))).terms == []

    def test_deep_nesting(self, tmp_path: Path) -> None:
        text = '{"code":"A","display":"a name"}'
        for _ in range(400):
            text = '{"code":"A","display":"a name","concept":[' + text + "]}"
        path = write(tmp_path, "c", '{"resourceType":"CodeSystem","url":"http://x.org/mine","concept":[' + text + "]}")
        content = read_source(path)
        assert len(content.terms) == 401
        assert content.terms[0].system == "mine"


OBO = """format-version: 1.2
data-version: hp/releases/2024-04-26

[Term]
id: HP:0002099
name: Asthma
synonym: "Bronchial asthma" EXACT []
synonym: "wheezing \\"disease\\"" EXACT layperson [ORCID:0]
synonym: "BA" EXACT abbreviation []
synonym: "lung trouble" RELATED []
alt_id: HP:0012041

[Term]
id: HP:0000057
name: obsolete Old
is_obsolete: true
replaced_by: HP:0002099 ! Asthma

[Typedef]
id: part_of
name: part of
"""


class TestObo:
    def test_flat_file(self, tmp_path: Path) -> None:
        content = read_source(write(tmp_path, "x", OBO))
        assert [(t.system, t.code, t.term, t.kind) for t in content.terms] == [
            ("HPO", "HP:0002099", "Asthma", "preferred"),
            ("HPO", "HP:0002099", "Bronchial asthma", "synonym"),
            ("HPO", "HP:0002099", 'wheezing "disease"', "lay"),
            ("HPO", "HP:0002099", "BA", "abbreviation"),
        ]
        assert content.redirects == {"HP:0012041": "HP:0002099", "HP:0000057": "HP:0002099"}
        assert content.dropped == {"scope_related": 1, "obsolete": 1}
        assert content.release == "2024-04-26"
        assert content.terms[0].origin == "x:4"

    def test_graph(self, tmp_path: Path) -> None:
        purl, owl = "http://purl.obolibrary.org/obo/", "http://www.geneontology.org/formats/oboInOwl#"
        nodes = [
            {
                "id": f"{purl}HP_0002099",
                "lbl": "Asthma",
                "type": "CLASS",
                "meta": {
                    "synonyms": [
                        {"pred": "hasExactSynonym", "val": "BA", "synonymType": f"{purl}hp#abbreviation"},
                        {"pred": "hasBroadSynonym", "val": "lung trouble"},
                    ],
                    "basicPropertyValues": [{"pred": f"{owl}hasAlternativeId", "val": "HP:0012041"}],
                },
            },
            {
                "id": f"{purl}HP_0000057",
                "lbl": "obsolete Old",
                "type": "CLASS",
                "meta": {
                    "deprecated": True,
                    "basicPropertyValues": [{"pred": f"{purl}IAO_0100001", "val": "HP:0012041"}],
                },
            },
            {"id": f"{purl}BFO_0000050", "lbl": "part of", "type": "PROPERTY"},
        ]
        path = write(
            tmp_path,
            "g",
            json.dumps({"graphs": [{"nodes": nodes, "meta": {"version": f"{purl}hp/releases/2024-04-26/hp.json"}}]}),
        )
        content = read_source(path)
        assert [(t.code, t.term, t.kind) for t in content.terms] == [
            ("HP:0002099", "Asthma", "preferred"),
            ("HP:0002099", "BA", "abbreviation"),
        ]
        # The chain HP:0000057 -> HP:0012041 -> HP:0002099 is resolved.
        assert content.redirects == {"HP:0012041": "HP:0002099", "HP:0000057": "HP:0002099"}
        assert content.release == "2024-04-26"


class TestFolder:
    def test_files_in_order_of_name_and_others_passed_over(self, tmp_path: Path) -> None:
        write(tmp_path, "b.obo", OBO)
        write(tmp_path, "a.tsv.gz", gzip.compress(f"{HEADER}\n{ASTHMA}\n".encode()))
        write(tmp_path, "README.md", "# Some words about the files\n")
        write(tmp_path, "notes.tsv", "who\twhat\n1\t2\n")
        write(tmp_path, ".hidden", b"\x00")
        content = read_source(tmp_path)
        assert [t.system for t in content.terms][:2] == ["SNOMED", "HPO"]
        assert content.skipped_files == ["README.md", "notes.tsv"]

    def test_folder_without_terminology(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no file in a known terminology format"):
            read_source(tmp_path)


class TestPublishedFiles:
    """The real files, with the counts that their README gives."""

    @pytest.mark.parametrize("name", ["gps_2020.tsv", "ValueSet-snomed-intl-gps.json"])
    def test_global_patient_set(self, shared: Path, name: str) -> None:
        content = read_source(shared / "data/terminology/snomed_gps_2020" / name)
        assert len(content.terms) == len({term.code for term in content.terms}) == 26_158
        assert content.dropped == {}
        tags = [term.semantic_tag for term in content.terms]
        assert (tags.count("disorder"), tags.count("finding"), tags.count("procedure")) == (6_999, 5_219, 2_606)
        assert all(term.system == "SNOMED" and not term.term.endswith("(disorder)") for term in content.terms)

    def test_open_lexicon(self, shared: Path) -> None:
        content = read_source(shared / "data/terminology/lexicon_v2_gps_only.tsv")
        assert len(content.terms) + sum(content.dropped.values()) == 73_360
        assert content.dropped == {"scope_related": 7_218, "scope_broad": 762, "scope_narrow": 632}
        assert len({term.code for term in content.terms}) == 34_242

    def test_hpo(self, shared: Path) -> None:
        content = read_source(shared / "data/terminology/hpo/hp.v2024-04-26.json.gz")
        codes = {term.code for term in content.terms}
        assert content.release == "2024-04-26"
        assert content.dropped["obsolete"] == 425
        assert len(codes) == 18_536
        assert all(code.startswith("HP:") for code in codes)
        assert len(content.redirects) >= 3_805
        assert set(content.redirects.values()) <= codes
        kinds = [term.kind for term in content.terms]
        assert kinds.count("lay") > 6_000
        assert kinds.count("abbreviation") > 400
