"""Abbreviations: what decides their sense, and when they are mere words."""

from pathlib import Path

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.abbreviation_table import AbbreviationSense, default_abbreviations, read_abbreviations
from phenotext.nlp.definitions import long_form, spelled_by_initials
from phenotext.nlp.terminology.build import compile_sources

MULTIPLE_SCLEROSIS, MITRAL_STENOSIS = "24700007", "79619009"
PULMONARY_EMBOLISM, PLEURAL_EFFUSION, PULMONARY_EDEMA = "59282003", "60046008", "19242006"
RHEUMATOID_ARTHRITIS, MYOCARDIAL_INFARCTION = "69896004", "22298006"


def codes(extractor: Extractor, text: str, abbreviation: str) -> list[str | None]:
    """Codes of the mentions that are the abbreviation as written, in order."""
    return [mention.code for mention in extractor(text).mentions if mention.text == abbreviation]


@pytest.mark.parametrize(
    ("text", "abbreviation", "wanted"),
    [
        ("He has multiple sclerosis (MS). The valve is normal and MS is stable.", "MS", [MULTIPLE_SCLEROSIS] * 2),
        ("MS (mitral stenosis) is severe. Interferon was never given for MS.", "MS", [MITRAL_STENOSIS] * 2),
        ("MS - mitral stenosis - was found. The MS was graded.", "MS", [MITRAL_STENOSIS] * 2),
        ("The PE was small. It was a pleural effusion (PE).", "PE", [PLEURAL_EFFUSION] * 2),
        ("Pulmonary edema (PE) on the film. Heparin was stopped; PE improved.", "PE", [PULMONARY_EDEMA] * 2),
        ("Right atrium (RA) enlarged. RA was paced, on methotrexate.", "RA", []),
        ("Hydrops fetalis (HF) at 20 weeks; HF persisted, ejection fraction fine.", "HF", []),
    ],
)
def test_a_definition_binds_every_occurrence_of_the_note(
    extractor: Extractor, text: str, abbreviation: str, wanted: list[str]
) -> None:
    assert codes(extractor, text, abbreviation) == wanted


def test_a_definition_holds_for_its_own_note_only(extractor: Extractor) -> None:
    notes = list(extractor.pipe(["Mitral stenosis (MS). MS is mild.", "Interferon for MS, relapsing since 2010."]))
    assert [m.code for m in notes[0].mentions if m.text == "MS"] == [MITRAL_STENOSIS] * 2
    assert [m.code for m in notes[1].mentions if m.text == "MS"] == [MULTIPLE_SCLEROSIS]


def test_a_bracket_that_defines_nothing_binds_nothing(extractor: Extractor) -> None:
    assert codes(extractor, "Inferior wall damage (MI), troponin was high.", "MI") == [MYOCARDIAL_INFARCTION]


@pytest.mark.parametrize(
    ("text", "abbreviation", "wanted"),
    [
        ("IMAGING:\nCT angiogram with bilateral PE.", "PE", [PULMONARY_EMBOLISM]),
        ("The chest tube drained the PE, which was exudative.", "PE", [PLEURAL_EFFUSION]),
        ("PE: heart regular, lungs clear.", "PE", []),
        ("Oxygen saturation 96% on RA.", "RA", []),
        ("RA with morning stiffness, on adalimumab.", "RA", [RHEUMATOID_ARTHRITIS]),
        ("MS 2 mg IV was given for pain.", "MS", []),
        ("Lesions on brain MRI fit MS, started on ocrelizumab.", "MS", [MULTIPLE_SCLEROSIS]),
        ("The wedge pressure was raised and the RA was dilated.", "RA", []),
    ],
)
def test_neighbours_and_sections_decide(extractor: Extractor, text: str, abbreviation: str, wanted: list[str]) -> None:
    assert codes(extractor, text, abbreviation) == wanted


def test_the_section_decides_where_no_neighbour_does(tmp_path: Path) -> None:
    extractor = small_extractor(
        tmp_path,
        sense("QX", "quick ague", "22298006", sections=("diagnosis",), priority=2),
        sense("QX", "quiet exam", "", sections=("physical_exam",)),
    )
    assert codes(extractor, "DIAGNOSIS: QX.", "QX") == ["22298006"]
    assert codes(extractor, "PHYSICAL EXAM: QX.", "QX") == []
    assert codes(extractor, "They wrote QX.", "QX") == []


def test_a_concept_named_in_full_speaks_for_its_sense(tmp_path: Path) -> None:
    extractor = small_extractor(
        tmp_path, sense("QX", "quick ague", "22298006"), sense("QX", "quiet xerosis", "44054006", priority=2)
    )
    assert codes(extractor, "QX again.", "QX") == ["22298006"]
    assert codes(extractor, "Known quiet xerosis. QX again.", "QX") == ["44054006"]


@pytest.mark.parametrize(
    ("text", "abbreviation"),
    [
        ("DISCUSSED WITH ALL RELATIVES.", "ALL"),
        ("SAME AS BEFORE.", "AS"),
        ("TOLD THAT HE MAY LEAVE.", "HE"),
        ("Wears hearing AIDS.", "AIDS"),
    ],
)
def test_english_words_in_capitals_are_words(extractor: Extractor, text: str, abbreviation: str) -> None:
    assert codes(extractor, text, abbreviation) == []


@pytest.mark.parametrize("text", ["The boy ran as all did.", "Ms Green is well.", "Mi casa.", "She saw the pe."])
def test_other_case_never_matches(extractor: Extractor, text: str) -> None:
    assert not [m for m in extractor(text).mentions if m.text.upper() in ("ALL", "AS", "MS", "MI", "PE")]


def test_plural_and_possessive(extractor: Extractor) -> None:
    (plural,) = [m for m in extractor("The MIs were treated with stents.").mentions if m.text.startswith("MI")]
    assert (plural.text, plural.code) == ("MIs", MYOCARDIAL_INFARCTION)
    assert codes(extractor, "Bilateral PEs on CT angiogram, on heparin.", "PEs") == [PULMONARY_EMBOLISM]


def test_a_longer_match_wins(extractor: Extractor) -> None:
    (mention,) = extractor("Viral URI last week.").mentions
    assert mention.text == "Viral URI"


def test_candidates_are_the_coded_senses_the_chosen_first(extractor: Extractor) -> None:
    (mention,) = [m for m in extractor("Rheumatic valve with MS, gradient 12.").mentions if m.text == "MS"]
    assert mention.candidates == (MITRAL_STENOSIS, MULTIPLE_SCLEROSIS)


def test_offsets_and_axes(extractor: Extractor) -> None:
    text = "Lungs clear.\nNo PE  on the CT angiogram; N/V resolved."
    mentions = {m.text: m for m in extractor(text).mentions}
    assert (mentions["PE"].start, mentions["PE"].assertion) == (text.index("PE"), "absent")
    assert text[mentions["N/V"].start : mentions["N/V"].end] == "N/V"
    assert all(text[m.start : m.end] == m.text for m in mentions.values())


def test_mentions_stay_in_order(extractor: Extractor) -> None:
    mentions = extractor("Asthma, MS on interferon, COPD, RA on methotrexate, fever.").mentions
    assert [m.start for m in mentions] == sorted(m.start for m in mentions)


def test_batches_and_repeats_agree(extractor: Extractor) -> None:
    texts = ["MS on interferon.", "Mitral valve area small, MS.", "", "Sat 95 on RA.", "CP, SOB, N/V."]
    alone = [extractor(text) for text in texts]
    assert list(extractor.pipe(texts)) == alone == list(extractor.pipe(texts))


def test_an_abbreviation_the_terminology_lacks_is_added(tmp_path: Path) -> None:
    extractor = small_extractor(tmp_path, sense("QX", "quick ague", "22298006"))
    (mention,) = extractor("Known QX.").mentions
    assert (mention.text, mention.code, mention.preferred) == ("QX", "22298006", "Quick ague")


def test_a_foreign_sense_leaves_the_terminologys_own_acronym(tmp_path: Path) -> None:
    foreign = small_extractor(tmp_path, sense("QZ", "quartz lung", "9999"))
    assert codes(foreign, "Known QZ.", "QZ") == ["195967001"]
    uncoded = small_extractor(tmp_path, sense("QZ", "quiz", ""))
    assert codes(uncoded, "Known QZ.", "QZ") == []


def test_without_the_table_the_terminology_decides(tmp_path: Path) -> None:
    assert codes(small_extractor(tmp_path), "Known QZ and QX.", "QZ") == ["195967001"]


def test_given_spans_are_not_touched(extractor: Extractor) -> None:
    (mention,) = extractor("Sat 95 on RA.", spans=[(10, 12, RHEUMATOID_ARTHRITIS)]).mentions
    assert mention.code == RHEUMATOID_ARTHRITIS


@pytest.mark.parametrize(
    ("short", "text", "wanted"),
    [
        ("MS", "a history of multiple sclerosis", "multiple sclerosis"),
        ("DVT", "a deep vein thrombosis", "deep vein thrombosis"),
        ("COPD", "asthma only", None),
        ("MS", "MS", None),
    ],
)
def test_long_forms(short: str, text: str, wanted: str | None) -> None:
    assert long_form(short, text) == wanted


def test_initials_pass_over_small_words() -> None:
    assert spelled_by_initials("SOB", "shortness of breath")
    assert spelled_by_initials("SB", "shortness of breath")
    assert not spelled_by_initials("PT", "physiotherapy")


def test_a_wrong_table_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "senses.tsv"
    header = "abbreviation\texpansion\tcode\tsystem\tsection\tspecialty\tneighbours\tpriority\tarea\n"
    path.write_text(header + "QX\tquick ague\t\t\t\t\tone two three\t1\t\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"senses\.tsv:2: neighbour 'one two three' is too long"):
        read_abbreviations(path)
    path.write_text(header + "QX\tquick ague\t\t\t\t\t\tfirst\t\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"senses\.tsv:2: priority 'first'"):
        read_abbreviations(path)


def test_the_shipped_table() -> None:
    senses = default_abbreviations()
    assert len({sense.abbreviation for sense in senses}) >= 400
    assert len({(s.abbreviation, s.expansion) for s in senses}) == len(senses)
    defaults = [sense.abbreviation for sense in senses if sense.priority == 1]
    assert sorted(defaults) == sorted({sense.abbreviation for sense in senses})


def sense(
    abbreviation: str, expansion: str, code: str, sections: tuple[str, ...] = (), priority: int = 1
) -> AbbreviationSense:
    return AbbreviationSense(abbreviation, expansion, code, "SNOMED" if code else "", sections, (), priority)


def small_extractor(folder: Path, *senses: AbbreviationSense) -> Extractor:
    """An extractor that knows three invented concepts, one of them by an acronym too."""
    rows = [
        "code\tsystem\tterm\tpreferred",
        "22298006\tSNOMED\tQuick ague\tQuick ague",
        "44054006\tSNOMED\tQuiet xerosis\tQuiet xerosis",
        "195967001\tSNOMED\tQuartz disease\tQuartz disease",
        "195967001\tSNOMED\tQZ\tQuartz disease",
    ]
    path = folder / "small.tsv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return Extractor(compile_sources([path])[0], abbreviations=senses)
