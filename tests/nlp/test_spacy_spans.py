"""Spans that other spaCy components found: asserted, linked, and with medspaCy's section attributes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from phenotext.nlp import Extractor

spacy = pytest.importorskip("spacy")

ASTHMA, PNEUMONIA, RENAL_CYST = "195967001", "233604007", "722223000"


def with_ruler(*patterns: str | dict, **config: str):
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([p if isinstance(p, dict) else {"label": "DISEASE", "pattern": p} for p in patterns])
    pipeline.add_pipe("phenotext", config={"source": "ents", **config})
    return pipeline


def links(doc) -> dict[str, tuple[str, str | None]]:
    return {e.text: (e.kb_id_, e._.phenotext_link) for e in doc.ents}


def test_how_spans_are_linked(extractor: Extractor) -> None:
    """Exact, as the note's dictionary pass has it, in another order, and not at all."""
    pipeline = with_ruler("Asthma", "the asthma", "cyst of the kidney", "zebra pox", "pneumonia bucket")
    found = links(pipeline("Asthma today; the asthma again. No cyst of the kidney, zebra pox. pneumonia bucket"))
    assert found["Asthma"] == (ASTHMA, "note")
    assert found["the asthma"] == (ASTHMA, "order_free")
    assert found["cyst of the kidney"] == (RENAL_CYST, "note")
    assert found["zebra pox"] == ("", None)
    # a part of a longer name is not the name
    assert found["pneumonia bucket"] == ("", None)
    assert extractor.terminology.preferred[extractor.terminology.find(RENAL_CYST)] == "Renal cyst"


def test_an_abbreviation_has_the_sense_of_its_note() -> None:
    pipeline = with_ruler("MS")
    heart, brain = pipeline.pipe(
        ["Rheumatic mitral stenosis (MS) on echo. Severe MS.", "Multiple sclerosis (MS) for years. MS relapse."]
    )
    assert len({e.kb_id_ for e in heart.ents}) == len({e.kb_id_ for e in brain.ents}) == 1
    assert heart.ents[0].kb_id_ != brain.ents[0].kb_id_


def test_ids_and_labels_of_others_stay() -> None:
    pipeline = with_ruler({"label": "DX", "pattern": "pneumonia", "id": "site-7"})
    (entity,) = pipeline("No pneumonia.").ents
    assert (entity.label_, entity.ent_id_, entity.kb_id_, entity._.is_negated) == ("DX", "site-7", PNEUMONIA, True)


def test_span_groups_may_overlap() -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("span_ruler", config={"spans_key": "sc"}).add_patterns(
        [{"label": "A", "pattern": "acute pneumonia", "id": "a"}, {"label": "B", "pattern": "pneumonia"}]
    )
    pipeline.add_pipe("phenotext", config={"source": "group", "span_group": "sc"})
    doc = pipeline("No acute pneumonia. Mother had pneumonia.")
    found = [(s.text, s.label_, s.id_, s.kb_id_, s._.is_negated, s._.is_family) for s in doc.spans["sc"]]
    assert ("pneumonia", "B", "", PNEUMONIA, True, False) in found
    assert ("pneumonia", "B", "", PNEUMONIA, False, True) in found
    assert next(f for f in found if f[0] == "acute pneumonia")[1:3] == ("A", "a")
    assert not pipeline("").spans.get("sc")
    assert not doc.ents


def test_every_attribute() -> None:
    pipeline = with_ruler("asthma", "gout", "fever", "rash", "cough")
    doc = pipeline("No asthma. Mother had gout. Return if fever. Possible rash. Past history of cough.")
    flags = ("is_negated", "is_family", "is_hypothetical", "is_uncertain", "is_historical")
    assert [[flag for flag in flags if getattr(e._, flag)] for e in doc.ents] == [[flag] for flag in flags]


def test_section_attributes() -> None:
    pipeline = with_ruler("asthma", "fever")
    text = "Seen today for fever.\nPast Medical History:\nasthma since school.\nPlan: home"
    fever, asthma = pipeline(text).ents
    assert (fever._.section_category, fever._.section_title.text) == ("header", "")
    assert asthma._.section_category == "past_medical_history"
    assert asthma._.section_title.text == "Past Medical History:"
    assert asthma._.section_body.text.strip() == "asthma since school."
    assert asthma._.section_span.text.strip() == "Past Medical History:\nasthma since school."
    assert asthma._.section_parent is None
    assert asthma[0]._.section_category == "past_medical_history"
    for entity in (fever, asthma):
        assert entity._.section_category == entity._.phenotext.section


def test_a_trained_entity_recogniser() -> None:
    """A small recogniser trained here; its entities are asserted and linked like any others."""
    random.seed(7)
    spacy.util.fix_random_seed(7)
    pipeline = spacy.blank("en")
    recogniser = pipeline.add_pipe("ner")
    recogniser.add_label("DISEASE")
    frames = ("No {}.", "She has {}.", "Mother had {}.", "There was {} today.", "He denies {}.")
    names = ("pneumonia", "asthma", "gout", "migraine")
    examples = []
    for frame in frames:
        for name in names:
            start = frame.index("{}")
            doc = pipeline.make_doc(frame.format(name))
            annotations = {"entities": [(start, start + len(name), "DISEASE")]}
            examples.append(spacy.training.Example.from_dict(doc, annotations))
    pipeline.initialize(lambda: examples)
    for _ in range(15):
        random.shuffle(examples)
        pipeline.update(examples)
    pipeline.add_pipe("phenotext", config={"source": "ents"})
    denied, family = pipeline.pipe(["No pneumonia.", "Mother had asthma."])
    assert [(e.text, e.label_, e.kb_id_, e._.is_negated) for e in denied.ents] == [
        ("pneumonia", "DISEASE", PNEUMONIA, True)
    ]
    assert [(e.text, e.kb_id_, e._.is_family) for e in family.ents] == [("asthma", ASTHMA, True)]


@pytest.mark.slow
@pytest.mark.parametrize("serializable", [False, True])
def test_definitions_of_the_abbreviation_detector_win(serializable: bool) -> None:
    pytest.importorskip("scispacy.abbreviation")
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "DX", "pattern": p} for p in ("ZQX", "acute ZQX", "MS")])
    pipeline.add_pipe("abbreviation_detector", config={"make_serializable": serializable})
    pipeline.add_pipe("phenotext", config={"source": "ents"})
    text = "Zonal quiet pneumonia (ZQP) is not it. Mitral stenosis (MS) since birth. No MS relapse."
    assert {pair for e, pair in links(pipeline(text)).items() if e == "MS"} == {("79619009", "definition")}
    # a long form that does not spell the short one defines nothing
    doc = pipeline("Bronchial asthma (ZQX) was not defined. Past asthma.")
    assert all(e.kb_id_ == "" for e in doc.ents)


@pytest.mark.slow
def test_definitions_add_dictionary_mentions() -> None:
    """In dictionary mode a short form that the detector found gets the code of its long form."""
    pytest.importorskip("scispacy.abbreviation")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("abbreviation_detector")
    pipeline.add_pipe("phenotext")
    doc = pipeline("Bronchial asthma (BRAS) was seen. Today no BRAS.")
    assert [e.text for e in doc._.abbreviations], "the detector found the definition"
    found = {(e.text, e.kb_id_, e._.is_negated) for e in doc.ents}
    assert ("BRAS", ASTHMA, True) in found
    assert doc.ents[0].kb_id_ == ASTHMA


@pytest.mark.slow
def test_in_a_medspacy_pipeline() -> None:
    """medspaCy finds the targets; codes, axes and sections are ours, under its names and in its own objects."""
    medspacy = pytest.importorskip("medspacy")
    target_rule = pytest.importorskip("medspacy.ner").TargetRule
    pipeline = medspacy.load(medspacy_enable=["medspacy_pyrush", "medspacy_target_matcher"])
    pipeline.get_pipe("medspacy_target_matcher").add(
        [target_rule(literal, "PROBLEM") for literal in ("asthma", "pneumonia")]
    )
    pipeline.add_pipe("phenotext", config={"source": "ents"})
    doc = pipeline("Past Medical History: asthma.\nFamily History:\nMother had pneumonia.")
    asthma, pneumonia = doc.ents
    assert (asthma.label_, asthma.kb_id_, asthma._.is_historical) == ("PROBLEM", ASTHMA, True)
    assert (pneumonia.kb_id_, pneumonia._.is_family, pneumonia._.is_historical) == (PNEUMONIA, True, False)
    assert asthma._.target_rule.literal == "asthma"
    assert [e._.section_category for e in doc.ents] == ["past_medical_history", "family_history"]
    assert pneumonia._.section_title.text == "Family History:"
    assert doc._.section_categories == ["past_medical_history", "family_history"]
    assert pneumonia._.any_context_attributes


@pytest.mark.slow
def test_sections_of_a_sectionizer_stay() -> None:
    pytest.importorskip("medspacy")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("medspacy_sectionizer")
    pipeline.add_pipe("phenotext")
    doc = pipeline("HPI: asthma for years.")
    assert doc.ents[0]._.section_category == "history_of_present_illness"
    assert doc.ents[0]._.phenotext.section == "present_illness"


def test_rules_of_other_systems_in_the_component(tmp_path: Path) -> None:
    cues = tmp_path / "cues.json"
    nix = {"literal": "nix", "category": "NEGATED_EXISTENCE", "direction": "FORWARD"}
    cues.write_text(json.dumps({"context_rules": [nix]}), encoding="utf-8")
    headings = tmp_path / "headings.json"
    headings.write_text(
        json.dumps({"section_rules": [{"literal": "Kin:", "category": "family_history"}]}), encoding="utf-8"
    )
    pipeline = with_ruler("asthma", cues=str(cues), headings=str(headings))
    denied, family = pipeline("Nix asthma.\nKin: asthma.").ents
    assert (denied._.is_negated, family._.is_family, family._.is_negated) == (True, True, False)
