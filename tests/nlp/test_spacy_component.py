"""The engine as a spaCy component: entities, codes and medspaCy's attributes."""

from __future__ import annotations

import pytest

from phenotext.nlp import Extractor

spacy = pytest.importorskip("spacy")

TEXT = (
    "No evidence of pneumonia. Mother had asthma. Possible COPD. Return if fever develops. Past medical history: DVT."
)


@pytest.fixture(scope="module")
def nlp():
    pipeline = spacy.blank("en")
    pipeline.add_pipe("phenotext")
    return pipeline


def test_entities_are_the_mentions(nlp, extractor: Extractor) -> None:
    doc = nlp(TEXT)
    mentions = extractor(TEXT).mentions
    assert [(e.start_char, e.end_char, e.kb_id_) for e in doc.ents] == [(m.start, m.end, m.code) for m in mentions]
    assert {e.label_ for e in doc.ents} == {"CONCEPT"}
    assert [e._.phenotext for e in doc.ents] == list(mentions)


def test_medspacy_attributes(nlp) -> None:
    flags = ("is_negated", "is_family", "is_historical", "is_hypothetical", "is_uncertain")
    found = {e.text: [flag for flag in flags if getattr(e._, flag)] for e in nlp(TEXT).ents}
    assert found == {
        "pneumonia": ["is_negated"],
        "asthma": ["is_family"],
        "DVT": ["is_historical"],
        "fever": ["is_hypothetical"],
        "COPD": ["is_uncertain"],
    }


def test_section(nlp) -> None:
    sections = {e.text: e._.phenotext.section for e in nlp(TEXT).ents}
    assert sections["pneumonia"] == "header"
    assert sections["DVT"] == "past_medical_history"


def test_pipe_gives_what_calls_give(nlp) -> None:
    texts = [TEXT, "", "Denies cough.", "Asthma \U0001f600 and café."] * 3
    docs = list(nlp.pipe(texts, batch_size=5))
    assert [doc.text for doc in docs] == texts
    for doc, text in zip(docs, texts, strict=True):
        alone = nlp(text)
        assert [(e.start, e.end, e.kb_id_) for e in doc.ents] == [(e.start, e.end, e.kb_id_) for e in alone.ents]
        assert [e._.phenotext for e in doc.ents] == [e._.phenotext for e in alone.ents]


def test_label_is_configurable() -> None:
    pipeline = spacy.blank("en")
    pipeline.add_pipe("phenotext", config={"label": "PROBLEM"})
    assert [e.label_ for e in pipeline("Asthma.").ents] == ["PROBLEM"]


def with_ruler(**config: str):
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "DISEASE", "pattern": "pneumonia"}, {"label": "DISEASE", "pattern": "zebra pox"}])
    pipeline.add_pipe("phenotext", config={"source": "ents", **config})
    return pipeline


def test_entities_of_others_are_asserted_and_linked(extractor: Extractor) -> None:
    known, unknown = with_ruler()("No pneumonia, no zebra pox, no cough.").ents
    assert (known.text, known.label_, known._.is_negated) == ("pneumonia", "DISEASE", True)
    assert known.kb_id_ == extractor("pneumonia").mentions[0].code
    # what the terminology does not know is asserted all the same
    assert (unknown.text, unknown.label_, unknown.kb_id_, unknown._.is_negated) == ("zebra pox", "DISEASE", "", True)


def test_entities_of_others_in_a_stream() -> None:
    pipeline = with_ruler()
    docs = list(pipeline.pipe(["No pneumonia.", "", "Pneumonia? pneumonia likely."]))
    assert [[e._.is_negated for e in doc.ents] for doc in docs] == [[True], [], [False]]


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="use 'dictionary', 'ents' or 'group'"):
        spacy.blank("en").add_pipe("phenotext", config={"source": "elsewhere"})


def test_a_terminology_file(tmp_path, extractor: Extractor) -> None:
    path = tmp_path / "starter.ptx"
    extractor.terminology.save(path)
    pipeline = spacy.blank("en")
    pipeline.add_pipe("phenotext", config={"terminology": str(path)})
    assert [e.text for e in pipeline("Asthma and fever.").ents] == ["Asthma", "fever"]


@pytest.mark.slow
def test_beside_medspacy() -> None:
    """In one pipeline with medspaCy's context component, which defines the same attributes first."""
    pytest.importorskip("medspacy")
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    pipeline.add_pipe("phenotext")
    pipeline.add_pipe("medspacy_context")
    doc = pipeline("No evidence of pneumonia. She has asthma.")
    assert [(e.text, e._.is_negated) for e in doc.ents] == [("pneumonia", True), ("asthma", False)]
    pipeline = spacy.blank("en")
    pipeline.add_pipe("medspacy_sectionizer")
    pipeline.add_pipe("phenotext", last=True)
    doc = pipeline("Past Medical History: asthma. No evidence of pneumonia.")
    assert (doc.ents[0].text, doc.ents[0]._.phenotext.section) == ("asthma", "past_medical_history")
