"""Term rules: what may be matched, and in which forms."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp.terminology.plain_english import plain_english_words
from phenotext.nlp.terminology.rows import TermVariant
from phenotext.nlp.terminology.rules import RuleReport, compile_terms, drop_reason, forms
from phenotext.nlp.terminology.source_term import SourceTerm, TermKind
from phenotext.nlp.terminology.sources import read_source
from phenotext.nlp.terminology.variants import (
    clean_name,
    is_acronym,
    part_order,
    split_trailing_acronym,
    uninverted,
    without_unspecified,
)


def term(text: str, code: str = "1", kind: TermKind = "synonym", preferred: str = "Name") -> SourceTerm:
    return SourceTerm(code, "SNOMED", text, preferred, kind, False, None, "x:1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (word, "plain_english")
            for word in (
                "all",
                "was",
                "other",
                "Normal",
                "patient",
                "Disease",
                "diseases",
                "can",
                "aids",
                "Not present",
            )
        ),
        *(
            (word, None)
            for word in (
                "fever",
                "pain",
                "cough",
                "cold",
                "asthma",
                "stroke",
                "shock",
                "falls",
                "common cold",
                "heart disease",
            )
        ),
        *(
            (word, None)
            for word in (
                "ALL",
                "CAN",
                "AIDS",
                "WAS",
                "COLD",
                "T2DM",
                "B12",
                "vitamin B 12",
                "hives",
                "shingles",
                "mumps",
            )
        ),
        *((word, "numeric") for word in ("277000", "7.5", "1/2", "20 %", "1st")),
        *((word, "one_letter") for word in ("E", "(e)", "A's", "r(Y)", "B 5")),
        *((word, "punctuation") for word in ("", "---", "()", " . ")),
        (" ".join(["very"] * 21), "too_long"),
        (" ".join(["pain"] * 20), None),
    ],
)
def test_filter(text: str, reason: str | None) -> None:
    assert drop_reason(text) == reason


CLINICAL = """
fever pain cough cold asthma stroke shock fall falls rash itch nausea vomiting fatigue weak weakness anxiety stress
edema obesity smoker bleeding wound burn ulcer cancer tumor mass lesion infection allergy seizure syncope dizzy headache
migraine jaundice gout anemia death dead pregnant pregnancy depression insomnia tremor cramps cyst hernia
polyp fracture sprain swelling surgery dialysis biopsy
"""


@pytest.mark.parametrize("word", CLINICAL.split())
def test_clinical_words_are_no_plain_english(word: str) -> None:
    assert word not in plain_english_words()


def test_plain_english_is_lower_case_and_has_no_doubles() -> None:
    words = plain_english_words()
    assert len(words) > 1_500
    assert all(word == word.lower().strip() for word in words)


@pytest.mark.parametrize("text", ["ALL", "COPD", "T2DM", "B12", "HIV", "PEs", "AMoL", "H1N1", "A-V", "L-TGA", "G6PD"])
def test_acronyms(text: str) -> None:
    assert is_acronym(text)


@pytest.mark.parametrize(
    "text", ["all", "Asthma", "HbA1c", "A", "COVID-19", "T cell", "p53", "Ab", "12", "HYPERTENSION"]
)
def test_no_acronyms(text: str) -> None:
    assert not is_acronym(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Asthma (disorder)", "Asthma"),
        ("Skin  structure (body structure)", "Skin structure"),
        ("[X]Other emphysema", "Other emphysema"),
        ("[D] Chest pain", "Chest pain"),
        ("Endometriosis (clinical)", "Endometriosis (clinical)"),
        ("(disorder)", "(disorder)"),
    ],
)
def test_semantic_tags_and_chapter_marks(text: str, clean: str) -> None:
    assert clean_name(text) == clean


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Asthma NOS", "Asthma"),
        ("Pneumonia, unspecified", "Pneumonia"),
        ("Arthritis, not otherwise specified", "Arthritis"),
        ("Ulcer (NOS)", "Ulcer"),
        ("Diagnosis", None),
        ("Unspecified asthma", None),
        ("NOS", None),
    ],
)
def test_unspecified(text: str, short: str | None) -> None:
    assert without_unspecified(text) == short


@pytest.mark.parametrize(
    ("text", "natural"),
    [
        ("diabetes mellitus, type 2", ["type 2 diabetes mellitus", "diabetes mellitus type 2"]),
        ("Otitis media, chronic", ["chronic Otitis media"]),
        (
            "anemia, hemolytic, autoimmune",
            [],
        ),  # "autoimmune" is no adjective by its ending: better none than a wrong one
        ("anemia, hemolytic, congenital", ["congenital hemolytic anemia"]),
        (
            "diabetes mellitus, gestational, type A",
            ["type A gestational diabetes mellitus", "gestational diabetes mellitus type A"],
        ),
        ("nausea, vomiting", []),
        ("atrial, ventricular", []),
        ("fracture of femur, closed", []),
        ("pain, with radiation", []),
        ("hernia, unspecified", []),
        ("fever, cough, malaise", []),
        ("bleeding, gastrointestinal", ["gastrointestinal bleeding"]),
        ("a, b, c, chronic", []),
    ],
)
def test_inverted_commas(text: str, natural: list[str]) -> None:
    assert uninverted(text) == natural


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("Carcinoma of the breast", ["breast carcinoma"]),
        ("Malignant neoplasm of lung", ["lung malignant neoplasm", "lung cancer"]),
        ("Closed fracture of left femur", ["closed left femur fracture"]),
        ("Infection of unknown origin", []),
        ("Malignant neoplasm of head and neck", []),
        ("Secondary malignant neoplasm of bone", []),
        ("Pain in the knee", ["knee pain"]),
        ("breast cancer", ["cancer of breast", "cancer of the breast"]),
        ("knee pain", ["pain in knee", "pain in the knee"]),
        ("viral infection", []),
        ("squeezing chest pain", []),
        ("aneurysmal bone cyst", []),
    ],
)
def test_part_order(text: str, turned: list[str]) -> None:
    assert part_order(text) == turned


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("Chronic obstructive lung disease (COLD)", ("Chronic obstructive lung disease", "COLD")),
        ("Attention deficit hyperactivity disorder [ADHD]", ("Attention deficit hyperactivity disorder", "ADHD")),
        ("Blood group antibody (XYZ)", None),
        ("Endometriosis (clinical)", None),
    ],
)
def test_trailing_acronym(text: str, pair: tuple[str, str] | None) -> None:
    assert split_trailing_acronym(text) == pair


def compiled(*terms: SourceTerm, capitals_mean_acronym: bool = True) -> tuple[list[TermVariant], RuleReport]:
    report = RuleReport(max_examples=2)
    return list(compile_terms(terms, report, capitals_mean_acronym=capitals_mean_acronym)), report


def test_variants_carry_kind_rank_and_case() -> None:
    variants, report = compiled(
        term("Chronic obstructive lung disease (COLD)", kind="preferred"), term("COLD", kind="abbreviation")
    )
    assert [(v.text, v.case_sensitive, v.kind, v.rank) for v in variants] == [
        ("Chronic obstructive lung disease (COLD)", False, "preferred", 0),
        ("Chronic obstructive lung disease", False, "preferred", 4),
        ("COLD", True, "abbreviation", 7),
        ("COLD", True, "abbreviation", 3),
    ]
    assert report.derived == {"acronym_long": 1, "acronym_short": 1}
    assert report.acronyms == 2


def test_what_is_dropped_is_reported_with_examples() -> None:
    variants, report = compiled(
        term("all"), term("ALL"), term("other"), term("was"), term("12"), term("Acute", code="2", preferred="Acute")
    )
    assert [v.text for v in variants] == ["ALL"]
    assert report.dropped == {"plain_english": 4, "numeric": 1}
    assert report.examples["plain_english"] == [("1", "all"), ("1", "other")]
    assert report.codes_without_terms == [("SNOMED", "2", "Acute")]
    assert (report.terms, report.terms_kept) == (6, 1)


def test_a_code_keeps_its_only_term_even_if_long() -> None:
    long = " ".join(["deep"] * 25)
    variants, report = compiled(term(long, code="1"), term(long, code="2"), term("asthma", code="2"))
    assert [(v.code, v.text) for v in variants] == [("2", "asthma"), ("1", long)]
    assert report.dropped == {"too_long": 2}
    assert report.kept_only_term == 1
    assert report.codes_without_terms == []


def test_derived_forms_pass_the_filter_too() -> None:
    variants, report = compiled(term("Other, unspecified"))
    assert [v.text for v in variants] == ["Other, unspecified"]
    assert report.dropped == {"plain_english_variant": 1}


def test_capitals_throughout_are_no_acronyms() -> None:
    variants, _ = compiled(term("FEVER"), term("ALL"), capitals_mean_acronym=False)
    assert [(v.text, v.case_sensitive) for v in variants] == [("FEVER", False)]


@given(st.text(max_size=60))
def test_forms_of_any_text(text: str) -> None:
    found = forms(text)
    assert found[0][1] == ""
    assert len({form for form, _ in found}) == len(found) <= 20


def test_variants_of_real_terms_use_only_words_of_the_term(shared: Path) -> None:
    content = read_source(shared / "data/terminology/snomed_gps_2020/gps_2020.tsv")
    for source in random.Random(0).sample(content.terms, 4_000):
        words = {word.strip(",()").lower() for word in source.term.split()} | {"the", "of", "in", "cancer"}
        for form, _ in forms(source.term):
            assert {word.strip(",()").lower() for word in form.split()} <= words
