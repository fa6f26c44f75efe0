"""Recall mode: phrases that are no term, linked to the most similar one, with a score below 1."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from phenotext.nlp import Extractor

pytest.importorskip("sklearn", reason="recall mode needs scikit-learn: pip install 'phenotext[scispacy]'")

from phenotext.nlp.recall import CandidateIndex, RecallIndexError
from phenotext.nlp.recall.trigrams import each_word_answered, phrase_key, trigrams, weigh
from phenotext.nlp.terminology.artefact import StringColumn
from phenotext.nlp.terminology.build import compile_sources


@pytest.fixture(scope="module")
def index(extractor: Extractor) -> CandidateIndex:
    return CandidateIndex.build(extractor.terminology)


def test_trigrams_are_those_of_scikit_learn() -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    analyze = CountVectorizer(analyzer="char_wb", ngram_range=(3, 3), lowercase=False).build_analyzer()
    for phrase in ("renal failure", "a b", "x", "type 2 diabete"):
        assert trigrams(phrase) == analyze(phrase)


def test_search_is_exact(index: CandidateIndex) -> None:
    """The pruned search finds what comparing with every alias finds."""
    from scipy.sparse import csr_matrix

    arrays = index.arrays
    shape = (len(index), len(arrays["gram_idf"]))
    aliases = csr_matrix((arrays["row_weight"], arrays["row_gram"], arrays["row_start"]), shape)
    names = StringColumn(arrays["alias_blob"], arrays["alias_offsets"])
    phrases = ["cardiac failing", "swollen both knees", "diabetic retinal disease", "osteoarthritic knees", "zzzqx"]
    phrases += [names[i] + "es" for i in range(0, len(index), len(index) // 40)]
    keys = [phrase_key(phrase) for phrase in phrases]
    starts, grams, weights = weigh(keys, index._numbers, arrays["gram_idf"])
    every = (csr_matrix((weights, grams, starts), (len(keys), shape[1])) @ aliases.T).toarray()
    for threshold in (0.3, 0.6, 0.9):
        alias, score = index._nearest(keys, threshold)
        best = every.max(axis=1)
        assert np.array_equal(alias >= 0, best >= threshold)
        assert np.allclose(score[alias >= 0], best[alias >= 0], atol=1e-4)


def test_phrases_are_linked_and_asserted(extractor: Extractor, index: CandidateIndex) -> None:
    ready = Extractor(extractor.terminology, recall=index, recall_threshold=0.7)
    text = "No evidence of hypertensive cardiac failing. Known asthma."
    assert [m.text for m in extractor(text).mentions] != [m.text for m in ready(text).mentions]
    similar = [m for m in ready(text).mentions if m.origin == "similarity"]
    assert similar
    for mention in similar:
        assert 0.7 <= mention.score < 1
        assert mention.assertion == "absent"
        assert mention.text == text[mention.start : mention.end]
        assert mention.candidates == (mention.code,)


def test_what_the_dictionary_finds_stays(extractor: Extractor, index: CandidateIndex) -> None:
    ready = Extractor(extractor.terminology, recall=index, recall_threshold=0.6)
    text = "History of asthma and COPD, now with diabetic retinal disease of both eyes. No chest pains."
    plain = [(m.start, m.end, m.code, m.assertion) for m in extractor(text).mentions]
    found = [(m.start, m.end, m.code, m.assertion) for m in ready(text).mentions if m.origin != "similarity"]
    assert found == plain
    places = [(m.start, m.end) for m in ready(text).mentions]
    assert places == sorted(places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))


def test_saved_index_is_the_same(tmp_path: Path, extractor: Extractor, index: CandidateIndex) -> None:
    path = tmp_path / "terms.recall"
    index.save(path)
    again = CandidateIndex.open(path)
    assert len(again) == len(index)
    one, other = index.nearest(["cardiac failing"], 0.5), again.nearest(["cardiac failing"], 0.5)
    assert np.array_equal(one[0], other[0])
    second = tmp_path / "again.recall"
    CandidateIndex.build(extractor.terminology).save(second)
    assert second.read_bytes() == path.read_bytes()


def test_an_index_of_another_terminology_is_refused(tmp_path: Path, index: CandidateIndex) -> None:
    source = tmp_path / "own.tsv"
    source.write_text("code\tsystem\tterm\tpreferred\n195967001\tSNOMED\tasthma\tAsthma\n", encoding="utf-8")
    other = compile_sources([source])[0]
    with pytest.raises(RecallIndexError, match="another terminology"):
        Extractor(other, recall=index)


def test_bad_files_and_thresholds_are_refused(tmp_path: Path, extractor: Extractor, index: CandidateIndex) -> None:
    with pytest.raises(RecallIndexError, match="no such file"):
        CandidateIndex.open(tmp_path / "absent")
    extractor.terminology.save(tmp_path / "t.ptx")
    with pytest.raises(RecallIndexError, match="no recall index"):
        CandidateIndex.open(tmp_path / "t.ptx")
    with pytest.raises(RecallIndexError, match=r"threshold 1\.5"):
        Extractor(extractor.terminology, recall=index, recall_threshold=1.5)


def test_too_many_aliases_are_said(extractor: Extractor) -> None:
    with pytest.warns(UserWarning, match="aliases are more than 10"):
        CandidateIndex.build(extractor.terminology, max_aliases=10)


def test_each_word_needs_one_like_it() -> None:
    assert each_word_answered("knee osteoarthritic", "osteoarthritis of the knee")
    assert not each_word_answered("knee joint", "knee pain")


def test_same_with_several_batches(extractor: Extractor, index: CandidateIndex) -> None:
    texts = ["No hypertensive cardiac failing.", "", "Diabetic retinal disease.", "Swollen both knees."]
    one = Extractor(extractor.terminology, recall=index, recall_threshold=0.6)
    other = Extractor(extractor.terminology, recall=index, recall_threshold=0.6)
    assert list(one.pipe(texts)) == list(other.pipe(texts, batch_size=1))


def test_entities_of_spacy_are_linked(extractor: Extractor, index: CandidateIndex) -> None:
    """Spans that an NER set are linked to the most similar term where they are none."""
    spacy = pytest.importorskip("spacy", reason="needs spaCy: pip install 'phenotext[spacy]'")
    from phenotext.nlp.spacy_component import PhenotextComponent

    def entities(ready: Extractor) -> list[tuple[str, str, str | None]]:
        doc = spacy.blank("en")("No cardiac failing today, but asthma.")
        doc.ents = [doc.char_span(3, 18, label="DISEASE"), doc.char_span(30, 36, label="DISEASE")]
        return [(e.text, e.kb_id_, e._.phenotext_link) for e in PhenotextComponent(ready, source="ents")(doc).ents]

    ready = Extractor(extractor.terminology, recall=index, recall_threshold=0.7)
    asthma = ("asthma", "195967001", "note")
    assert entities(extractor) == [("cardiac failing", "", None), asthma]
    found = entities(ready)
    heart_failure = extractor.terminology.lookup("heart failure")[0]
    assert found[0][:2] == ("cardiac failing", extractor.terminology.codes[heart_failure])
    assert found[1] == asthma
