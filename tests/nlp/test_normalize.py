"""Two spellings of one word have one key; different words keep different ones."""

import pytest

from phenotext.nlp.normalize import normalize


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tumour", "tumors"),
        ("haemoglobin", "hemoglobin"),
        ("oedema", "edema"),
        ("oesophagus", "esophagus"),
        ("diarrhoea", "diarrhea"),
        ("leucocytosis", "leukocytosis"),
        ("metastases", "metastasis"),
        ("diverticula", "diverticulum"),
        ("biopsies", "biopsy"),
        ("disease", "diseases"),
        ("DVTs", "DVT"),
        ("Sjögren", "sjogren"),
        ("β", "beta"),
        ("III", "3"),
        ("catheterisation", "catheterization"),
        ("fibre", "fiber"),
        ("vertebrae", "vertebra"),
        ("adenomata", "adenoma"),
        ("headaches", "headache"),
        ("reflexes", "reflex"),
    ],
)
def test_spellings_meet(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("virus", "vire"),
        ("pelvis", "pelvi"),
        ("gas", "ga"),
        ("toes", "tes"),
        ("four", "for"),
        ("iv", "i"),
        ("basis", "base"),
    ],
)
def test_words_stay_apart(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)
