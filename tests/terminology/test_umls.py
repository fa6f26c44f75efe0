"""UMLS releases: names, synonyms from other vocabularies, restriction levels, semantic types, is-a, successors."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.code_map import CodeMaps, pack_maps
from phenotext.nlp.terminology.semantic_tags import split_tag
from phenotext.nlp.terminology.source_term import SourceError
from phenotext.nlp.terminology.sources import SourceContent, read_source
from phenotext.nlp.terminology.sources.options import SourceOptions
from phenotext.nlp.terminology.sources.umls_terms import _nearest_tags

from .umls_sample import NAMES, write_release


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_release(tmp_path / "2024AA" / "META")


def names_of(content: SourceContent, code: str) -> list[tuple[str, str]]:
    return [(term.term, term.kind) for term in content.terms if term.code == code]


def test_codes_of_snomed_by_default(release: Path) -> None:
    content = read_source(release)
    assert {term.system for term in content.terms} == {"SNOMED"}
    assert names_of(content, "195967001") == [("Asthma", "preferred"), ("Bronchial asthma", "synonym")]
    asthma = next(term for term in content.terms if term.code == "195967001")
    assert (asthma.preferred, asthma.semantic_tag, asthma.origin) == ("Asthma", "disorder", "MRCONSO.RRF:3")
    assert content.release == "SNOMEDCT_US_2024_03_01"
    counted = {name: content.dropped[name] for name in ("other_vocabulary", "suppressible", "check_digit", "duplicate")}
    assert counted == {"other_vocabulary": 9, "suppressible": 2, "check_digit": 1, "duplicate": 2}
    assert content.dropped_at["check_digit"] == ["MRCONSO.RRF:18"]
    assert len(content.terms) + sum(counted.values()) == len(NAMES)


def test_a_code_without_a_full_name_takes_its_tag_from_the_semantic_type(release: Path) -> None:
    term = next(term for term in read_source(release).terms if term.code == "50043002")
    assert term.semantic_tag == "disorder"


def test_synonyms_of_other_vocabularies_go_to_the_only_code_of_their_concept(release: Path) -> None:
    content = read_source(release, options=SourceOptions(umls_sources=("MSH", "MEDLINEPLUS")))
    assert ("Airway hyperreactivity, asthmatic", "synonym") in names_of(content, "195967001")
    assert ('"Heart attack", said by patients', "synonym") in names_of(content, "22298006")  # quotes are text
    assert content.dropped["concept_with_several_codes"] == 1  # cardiac failure: two codes in its concept
    assert content.dropped["concept_without_a_code"] == 1
    assert names_of(content, "84114007") == [("Heart failure", "preferred")]


def test_hierarchy_reads_from_right_to_left(release: Path) -> None:
    content = read_source(release)
    # "195967001 PAR 50043002" and "414545008 CHD 22298006"; part-of is no is-a, a contradiction neither
    assert content.isa == {"SNOMED": [("195967001", "50043002"), ("22298006", "414545008")]}
    assert content.dropped["hierarchy_of_another_kind"] == 1
    assert content.dropped["contradictory_relationship"] == 1
    assert content.dropped["relationship_of_a_code_not_taken"] == 1
    terminology, _ = compile_sources([release])
    child, parent = terminology.find("195967001", "SNOMED"), terminology.find("50043002", "SNOMED")
    assert terminology.hierarchy.subsumes(parent, child)
    assert not terminology.hierarchy.subsumes(child, parent)


def test_retired_codes_lead_to_their_successors(release: Path) -> None:
    content = read_source(release)
    retired = content.retired[("SNOMED", "187687003")]
    assert (retired.name, retired.successors) == ("Asthma, retired code", (("REPLACED BY", "195967001"),))
    assert content.redirects == {"187687003": "195967001"}


def test_restriction_levels_are_kept_and_limit(release: Path) -> None:
    terminology, _ = compile_sources([release])
    assert terminology.restrictions[terminology.find("195967001", "SNOMED")] == 9
    low = read_source(release, options=SourceOptions(umls_codes=("MSH",), max_restriction=2))
    assert low.dropped["restricted"] == 1
    assert "D009203" not in {term.code for term in low.terms}
    with pytest.raises(SourceError, match="no names to take of the vocabulary SNOMEDCT_US"):
        read_source(release, options=SourceOptions(max_restriction=2))


def test_suppressible_names_on_request(release: Path) -> None:
    content = read_source(release, options=SourceOptions(include_suppressible=True))
    assert ("Cardiac infarct, old name", "synonym") in names_of(content, "22298006")
    assert "suppressible" not in content.dropped
    assert content.retired == {}


def test_concept_identifiers(release: Path) -> None:
    content = read_source(release, options=SourceOptions(umls_codes=("UMLS",)))
    assert {term.system for term in content.terms} == {"UMLS"}
    # the concept's own preferred name is the MeSH heading; full names lose their tags; German is left out
    asthma = [term for term in content.terms if term.code == "C9000001"]
    assert (asthma[0].term, asthma[0].kind, asthma[0].origin) == ("Asthma", "preferred", "MRCONSO.RRF:4")
    assert all(split_tag(term.term)[1] is None for term in asthma)
    assert content.dropped["other_language"] == 1
    assert content.isa == {"UMLS": [("C9000001", "C9000002"), ("C9000003", "C9000004")]}
    drug = next(term for term in content.terms if term.code == "C9000008")
    assert drug.semantic_tag == "substance"


def test_several_vocabularies_and_filters(release: Path) -> None:
    both = read_source(release, options=SourceOptions(umls_codes=("SNOMEDCT_US", "RXNORM")))
    assert {term.system for term in both.terms} == {"SNOMED", "RxNorm"}
    names = read_source(release, options=SourceOptions(umls_codes=("RXNORM",), umls_term_types=("IN",)))
    assert [term.term for term in names.terms] == ["Aspirin-like substance"]
    for choice in ("T047", "disease or syndrome"):
        some = read_source(release, options=SourceOptions(umls_codes=("UMLS",), semantic_types=(choice,)))
        assert {term.code for term in some.terms} == {f"C900000{n}" for n in range(1, 6)}
        assert some.dropped["other_semantic_type"] == 4
    with pytest.raises(SourceError, match="semantic type t999"):
        read_source(release, options=SourceOptions(semantic_types=("T999",)))


def test_concepts_are_mapped_to_codes(release: Path) -> None:
    maps = CodeMaps(pack_maps(read_source(release).maps))
    assert [target.code for target in maps.targets("UMLS", "C9000005")] == ["84114007", "42343007"]


def test_zip_with_cut_and_packed_tables_reads_the_same(release: Path, tmp_path: Path) -> None:
    whole = read_source(release)
    conso = (release / "MRCONSO.RRF").read_bytes()
    inner = tmp_path / "2024aa-1-meta.nlm"
    with zipfile.ZipFile(inner, "w") as archive:
        # a full release cuts by size, not by line
        archive.writestr("2024AA/META/MRCONSO.RRF.aa.gz", gzip.compress(conso[:700]))
        archive.writestr("2024AA/META/MRCONSO.RRF.ab.gz", gzip.compress(conso[700:]))
        for name in ("MRREL", "MRSTY", "MRSAB"):
            archive.write(release / f"{name}.RRF", f"2024AA/META/{name}.RRF")
    outer = tmp_path / "umls-2024AA-full.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(inner, "2024AA-full/2024aa-1-meta.nlm")
    for path in (inner, outer):
        content = read_source(path)
        assert content.terms == whole.terms
        assert content.isa == whole.isa
        assert content.dropped == whole.dropped


def test_the_table_of_names_alone_under_any_name(release: Path, tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes((release / "MRCONSO.RRF").read_bytes())
    content = read_source(file)
    assert len(content.terms) == len(read_source(release).terms)
    assert content.isa == {}
    assert [notice.split()[2] for notice in content.notices] == ["no", "no"]


def test_rxnorm_has_the_same_tables_and_names_concepts_only(tmp_path: Path) -> None:
    (tmp_path / "RXNCONSO.RRF").write_text(
        "1191|ENG||||||100||1191||RXNORM|IN|1191|aspirin||N|4096|\n"
        "1192|ENG||||||101||1192||RXNORM|SCD|1192|aspirin 81 MG Oral Tablet||N|4096|\n",
        encoding="utf-8",
    )
    (tmp_path / "RXNREL.RRF").write_text("1191||CUI|RN|1192||CUI|isa|||RXNORM||||||\n", encoding="utf-8")
    content = read_source(tmp_path)
    assert [(term.system, term.code, term.term) for term in content.terms] == [
        ("RxNorm", "1191", "aspirin"),
        ("RxNorm", "1192", "aspirin 81 MG Oral Tablet"),
    ]
    assert content.isa == {"RxNorm": [("1192", "1191")]}


def test_a_broken_row_is_named_without_its_text(release: Path) -> None:
    conso = release / "MRCONSO.RRF"
    lines = conso.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4].rsplit("|", 4)[0]
    conso.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a row of MRCONSO\.RRF has 18") as caught:
        read_source(release)
    assert caught.value.line == 5
    assert "asthmatic" not in str(caught.value)


def test_bytes_that_are_not_utf8(release: Path) -> None:
    conso = release / "MRCONSO.RRF"
    conso.write_bytes(conso.read_bytes().replace(b"Bronchialasthma", b"M\xe9ni\xe8re"))
    with pytest.raises(SourceError, match="not UTF-8") as caught:
        read_source(release)
    assert caught.value.line == 7


def test_two_releases_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_release(tmp_path / "2023AB" / "META")
    write_release(tmp_path / "2024AA" / "META")
    with pytest.raises(SourceError, match="more than one table of one kind"):
        read_source(tmp_path)


def test_the_same_release_gives_the_same_bytes(release: Path, tmp_path: Path) -> None:
    for name in ("a.ptx", "b.ptx"):
        compile_sources([release], tmp_path / name)
    assert (tmp_path / "a.ptx").read_bytes() == (tmp_path / "b.ptx").read_bytes()


def test_the_sample_has_names_of_the_global_patient_set(shared: Path) -> None:
    gps = shared / "data/terminology/snomed_gps_2020/gps_2020.tsv"
    names = dict(line.split("\t")[0:3:2] for line in gps.read_text(encoding="utf-8").splitlines()[1:])
    ours = {row[3]: row[4] for row in NAMES if row[1:3] == ("SNOMEDCT_US", "PT") and row[3] != "195967002"}
    assert ours == {code: names[code] for code in ours}


def test_semantic_tags_of_semantic_types_are_tags_of_snomed() -> None:
    assert len(_nearest_tags()) > 50
    assert all(split_tag(f"x ({tag})")[1] == tag for tag in _nearest_tags().values())
