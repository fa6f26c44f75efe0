"""What a concept filter lets through, and that it acts before matching."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.nlp import Extractor
from phenotext.nlp.concept_filter import ConceptFilter, ConceptFilterError, narrowed
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.ecl import EclError
from phenotext.nlp.terminology.rows import ConceptRow, Relations, TermVariant
from phenotext.nlp.terminology.source_term import SourceTerm
from phenotext.nlp.terminology.terminology import Terminology
from phenotext.nlp.terminology.word_list import word_list

NAMES = {
    "84114007": ("Heart failure", "disorder"),
    "80891009": ("Heart structure", "body structure"),
    "49601007": ("Disorder of cardiovascular system", "disorder"),
    "386661006": ("Fever", "finding"),
    "80146002": ("Appendectomy", "procedure"),
    "HP:0001250": ("Seizure", None),
}
SYNONYMS = [("80891009", "heart"), ("80146002", "AE"), ("84114007", "ae"), ("386661006", "renal heart cyst")]


@pytest.fixture(scope="module")
def small() -> Terminology:
    def system(code: str) -> str:
        return "HPO" if code.startswith("HP") else "SNOMED"

    terms = [(code, name) for code, (name, _) in NAMES.items()] + SYNONYMS
    return compile_terminology(
        [ConceptRow(code, system(code), name, tag) for code, (name, tag) in NAMES.items()],
        [TermVariant(code, system(code), term, term == "AE", "synonym", 1) for code, term in terms],
        name="small",
        relations=Relations(isa=[("SNOMED", "84114007", "49601007")]),
    )


def found(terminology: Terminology, concepts: ConceptFilter | str | None, text: str) -> list[tuple[str, str | None]]:
    note = Extractor(terminology, concepts=concepts)(text)
    assert all(text[m.start : m.end] == m.text for m in note.mentions)
    return [(m.text, m.code) for m in note.mentions]


def test_a_shorter_wanted_term_is_found_inside_a_longer_unwanted_one(small: Terminology) -> None:
    text = "Heart failure with fever."
    assert found(small, None, text) == [("Heart failure", "84114007"), ("fever", "386661006")]
    assert found(small, ConceptFilter(tags=("body structure",)), text) == [("Heart", "80891009")]
    assert found(small, ConceptFilter(tags=("disorder",)), text) == [("Heart failure", "84114007")]
    assert found(small, ConceptFilter(tags=("disorder", "finding")), text) == found(small, None, text)


def test_ecl_and_systems(small: Terminology) -> None:
    text = "Heart failure, fever, seizure."
    assert found(small, "<< 49601007 |Disorder of cardiovascular system|", text) == [("Heart failure", "84114007")]
    assert found(small, "386661006 OR HP:0001250", text) == [("fever", "386661006"), ("seizure", "HP:0001250")]
    assert found(small, ConceptFilter(systems=("HP",)), text) == [("seizure", "HP:0001250")]
    assert found(small, ConceptFilter(tags=("none",)), text) == [("seizure", "HP:0001250")]
    both = ConceptFilter("SNOMED#* MINUS << 49601007", tags=("disorder", "finding"))
    assert found(small, both, text) == [("fever", "386661006")]


def test_an_ambiguous_string_stands_for_its_wanted_concepts(small: Terminology) -> None:
    # AE in capitals is either, in small letters only heart failure
    upper, lower = "AE today", "ae today"
    assert [code for _, code in found(small, None, lower)] == ["84114007"]
    procedures, disorders = ConceptFilter(tags=("procedure",)), ConceptFilter(tags=("disorder",))
    assert found(small, procedures, upper) == [("AE", "80146002")]
    assert found(small, procedures, lower) == []
    assert found(small, disorders, upper) == [("AE", "84114007")]
    assert found(small, disorders, lower) == [("ae", "84114007")]
    both = Extractor(small)(upper).mentions[0]
    alone = Extractor(small, concepts=procedures)(upper).mentions[0]
    assert set(both.candidates) == {"80146002", "84114007"}
    assert alone.candidates == ("80146002",)


def test_order_free_matches_are_filtered_too(small: Terminology) -> None:
    text = "Cyst of heart, renal; a renal cyst of the heart."
    assert ("cyst of the heart", "386661006") not in found(small, ConceptFilter(tags=("disorder",)), text)
    text = "A heart cyst, renal heart cyst."
    assert found(small, ConceptFilter(tags=("finding",)), "cyst heart renal") == [("cyst heart renal", "386661006")]
    assert found(small, ConceptFilter(tags=("procedure",)), "cyst heart renal") == []
    assert found(small, ConceptFilter(tags=("body structure",)), text) == [("heart", "80891009"), ("heart", "80891009")]


def test_abbreviations_have_only_wanted_senses() -> None:
    text = "He has CHF. COPD is stable."
    assert [m.text for m in Extractor()(text).mentions] == ["CHF", "COPD"]
    assert [m.text for m in Extractor(concepts="13645005")(text).mentions] == ["COPD"]
    assert [m.text for m in Extractor(concepts=ConceptFilter(tags=("procedure",)))(text).mentions] == []


def test_given_spans_are_not_filtered(small: Terminology) -> None:
    text = "Heart failure with fever."
    extractor = Extractor(small, concepts=ConceptFilter(tags=("procedure",)))
    note = extractor(text, [(0, 13, "84114007"), (19, 24, None)])
    assert [(m.text, m.code) for m in note.mentions] == [("Heart failure", "84114007"), ("fever", None)]


def test_no_filter_changes_nothing(small: Terminology) -> None:
    everything = ConceptFilter("*")
    text = "Heart failure with fever, AE, ae, HEART cyst renal. Seizure; no appendectomy."
    assert Extractor(small, concepts=everything)(text) == Extractor(small)(text)
    assert not ConceptFilter()
    assert Extractor(small, concepts=ConceptFilter())._matched is small
    view = narrowed(small, np.ones(small.n_concepts, bool))
    for name in ("group_start", "group_case", "entry_concept", "entry_flags"):
        assert np.array_equal(getattr(view, name), getattr(small, name)), name
    assert np.array_equal(view.trie.group, small.trie.group)
    assert np.array_equal(view.bags.groups, small.bags.groups)


WORDS = [*(name for name, _ in NAMES.values()), "heart", "AE", "ae", "renal", "cyst", "no"]


@settings(max_examples=8, deadline=None)  # each makes two extractors
@given(
    st.sets(st.sampled_from(sorted(NAMES)), min_size=1),
    st.lists(st.lists(st.sampled_from(WORDS), max_size=8), min_size=1, max_size=20),
)
def test_equals_a_terminology_without_the_others(wanted: set[str], notes: list[list[str]]) -> None:
    """Filtering is the same as compiling the wanted concepts alone."""

    def built(codes: set[str]) -> Terminology:
        def system(code: str) -> str:
            return "HPO" if code.startswith("HP") else "SNOMED"

        terms = [(code, name) for code, (name, _) in NAMES.items()] + SYNONYMS
        return compile_terminology(
            [ConceptRow(code, system(code), name, tag) for code, (name, tag) in NAMES.items() if code in codes],
            [TermVariant(c, system(c), term, term == "AE", "synonym", 1) for c, term in terms if c in codes],
        )

    expression = " OR ".join(sorted(wanted))
    whole = Extractor(built(set(NAMES)), concepts=expression, abbreviations=())
    part = Extractor(built(wanted), abbreviations=())
    texts = [" ".join(words) + "." for words in notes]
    for one, other in zip(whole.pipe(texts), part.pipe(texts), strict=True):
        assert one == other


@pytest.mark.parametrize(
    ("concepts", "message"),
    [
        (ConceptFilter(tags=("disorders",)), "has the semantic tag 'disorders'; did you mean 'disorder'"),
        (ConceptFilter(tags=("zzz",)), "it has body structure, disorder, finding, none, procedure"),
        (ConceptFilter(systems=("ICD10",)), "has no codes of ICD10; it has HPO, SNOMED"),
        (ConceptFilter("386661006", tags=("disorder",)), "no concept of terminology small passes the filter"),
        (ConceptFilter("<< "), "ECL, character 3"),
        (ConceptFilter("73211009"), "SNOMED 73211009: not found"),
    ],
)
def test_errors(small: Terminology, concepts: ConceptFilter, message: str) -> None:
    with pytest.raises((ConceptFilterError, EclError), match=message):
        Extractor(small, concepts=concepts)


def test_command(tmp_path: Path, phenotext: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"note_id": "1", "text": "Heart failure and fever after appendectomy."}\n')

    def extract(*words: str) -> subprocess.CompletedProcess[str]:
        return phenotext("extract", "--notes", notes, "--out", "-", *words)

    def texts(done: subprocess.CompletedProcess[str]) -> list[str]:
        assert done.returncode == 0, done.stderr
        return [mention["text"] for mention in json.loads(done.stdout)["mentions"]]

    assert texts(extract("--tags", "disorder, procedure")) == ["Heart failure", "appendectomy"]
    assert texts(extract("--concepts", "386661006 OR 80146002", "--processes", "2")) == ["fever", "appendectomy"]
    wrong = extract("--concepts", "84114007 : 363698007 = *")
    assert wrong.returncode != 0
    assert "an attribute refinement (:) is not supported" in wrong.stderr


# ---- tags that are never matched


def test_unmatched_tags_are_semantic_tags() -> None:
    assert word_list("unmatched_tags.txt") < word_list("semantic_tags.txt")
    assert not word_list("unmatched_tags.txt") & {"disorder", "finding", "procedure", "situation", "observable entity"}


def test_terms_of_unmatched_tags_stay_out_and_their_concepts_stay(tmp_path: Path) -> None:
    source = tmp_path / "s.tsv"
    source.write_text(
        "code\tsystem\tterm\tpreferred\tsemantic_tag\n"
        "386661006\tSNOMED\tFever\tFever\tfinding\n"
        "10828004\tSNOMED\tUbiquitous value\tUbiquitous value\tqualifier value\n"
    )
    terminology, report = compile_sources([source])
    assert report.terms_dropped == {"unmatched_tag": 1}
    assert report.examples["unmatched_tag"] == [("10828004", "Ubiquitous value")]
    assert report.codes_without_terms == []
    assert terminology.find("10828004") >= 0
    assert terminology.lookup("ubiquitous value") == []
    again, report = compile_sources([source], match_tags=["qualifier value"])
    assert report.terms_dropped == {}
    assert again.lookup("ubiquitous value") == [again.find("10828004")]
    assert SourceTerm("1", "SNOMED", "a", "a", "preferred", False, None, "x").semantic_tag is None


def test_the_starter_lexicon_loses_nothing() -> None:
    assert not set(Extractor().terminology.semantic_tags) & word_list("unmatched_tags.txt")
