"""Patients, notes and labels as the classifiers get them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from phenotext.models.labels import LabelError, Labels, read_labels
from phenotext.models.note_mentions import find_mentions
from phenotext.models.note_words import find_words
from phenotext.models.patients import PatientDataError, PatientNotes, patient_notes
from phenotext.nlp import Extractor


@given(st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=6), st.data())
def test_subset_keeps_each_rows_notes(notes: list[list[str]], draw: st.DataObject) -> None:
    data = patient_notes(list(enumerate(notes)))
    rows = draw.draw(st.lists(st.integers(0, len(notes) - 1), unique=True) if notes else st.just([]))
    part = data.with_words(find_words(data.text)).subset(rows)
    assert part.subject_id.tolist() == rows
    for place, row in enumerate(rows):
        assert [part.text[i] for i in part.notes_of(place)] == notes[row]
        assert [int(part.note_id[i]) for i in part.notes_of(place)] == list(data.notes_of(row))
    again = find_words(part.text)
    assert part.words is not None
    strings = [part.words.vocabulary[i] for i in part.words.word.tolist()]
    assert strings == [again.vocabulary[i] for i in again.word.tolist()]
    assert part.words.first.tolist() == again.first.tolist()


def test_a_boolean_mask_selects_rows() -> None:
    data = patient_notes([(1, ["a"]), (2, []), (3, ["b", "c"])])
    assert data.subset(np.array([False, True, True])).text == ["b", "c"]


def test_mentions_of_a_subset_are_those_of_its_notes(extractor: Extractor) -> None:
    texts = ["No pneumonia. Has asthma.", "", "Gout and anemia."]
    found = find_mentions(extractor, texts)
    part, alone = found.subset(np.array([2, 0])), find_mentions(extractor, [texts[2], texts[0]])
    assert [part.codes[i] for i in part.concept] == [alone.codes[i] for i in alone.concept]
    for name in ("first", "start", "end", "assertion", "sentence", "cue_start", "cue_end"):
        assert getattr(part, name).tolist() == getattr(alone, name).tolist()


def test_mentions_do_not_depend_on_batches(extractor: Extractor) -> None:
    texts = [f"No pneumonia in lobe {i}. Gout." for i in range(7)]
    one, other = find_mentions(extractor, texts), find_mentions(extractor, texts, batch_size=2)
    assert one.codes == other.codes
    assert one.concept.tolist() == other.concept.tolist()
    assert one.first.tolist() == other.first.tolist()


def test_denied_words_are_marked_from_the_cue_on(extractor: Extractor) -> None:
    texts = ["No sign of new pneumonia, but asthma is present. Gout: denied."]
    words = find_words(texts, find_mentions(extractor, texts))
    marked = {words.vocabulary[i] for i in words.word.tolist()}
    assert {"not_pneumonia", "asthma", "present"} <= marked
    assert not {"pneumonia", "not_asthma", "not_present"} & marked


@given(st.text(max_size=60))
def test_words_are_where_they_say(text: str) -> None:
    words = find_words([text])
    for start, end, number in zip(words.start.tolist(), words.end.tolist(), words.word.tolist()):
        assert text[start:end].lower() == words.vocabulary[number]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"note_start": np.array([0, 2, 1])}, "must rise"),
        ({"note_start": np.array([0, 1])}, "3 cells"),
        ({"note_id": np.array([1])}, "note ids"),
        ({"row_id": np.array([4, 4])}, "occurs twice"),
        ({"features": sparse.csr_matrix((2, 3)), "feature_names": ("a",)}, "do not fit"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict, problem: str) -> None:
    good = patient_notes([(1, ["a"]), (2, ["b"])])
    columns = {name: getattr(good, name) for name in PatientNotes.__slots__}
    with pytest.raises(PatientDataError, match=problem):
        PatientNotes(**{**columns, **change})


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_from_csv_and_parquet_are_equal(tmp_path: Path) -> None:
    big = 2**53 + 1
    text = f"row_id,value,kind,reviewer,weight\n{big},1,reviewed,ab,\n7,0,,,0.5\n"
    csv = read_labels(write(tmp_path / "labels.csv", text))
    table = pa.table(
        {
            "row_id": [big, 7],
            "value": [1, 0],
            "kind": ["reviewed", None],
            "reviewer": ["ab", None],
            "weight": [None, 0.5],
        }
    )
    pq.write_table(table, tmp_path / "labels.parquet")
    parquet = read_labels(tmp_path / "labels.parquet")
    assert csv.row_id.tolist() == parquet.row_id.tolist() == [big, 7]
    assert csv.names() == parquet.names() == ["reviewed", "gold"]
    assert csv.reviewer == parquet.reviewer == ("ab", None)
    assert csv.weight.tolist() == parquet.weight.tolist() == [1.0, 0.5]
    assert csv.inclusion_probability.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "row", "problem"),
    [
        ("row_id\n1\n", None, "no column value"),
        ("row_id,value,colour\n1,1,red\n", None, "unknown column colour"),
        ("row_id,value\n", None, "no labels"),
        ("row_id,value\n1,1\n2,3\n", 2, "not 0 or 1"),
        ("row_id,value\n1,yes\n", 1, "no number"),
        ("row_id,value\n1,1\n,0\n", 2, "empty"),
        ("row_id,value\n1.5,1\n", 1, "no whole number"),
        ("row_id,value\n1,1\n1,0\n", 2, "label already"),
        ("row_id,value,kind\n1,1,golden\n", 1, "unknown kind"),
        ("row_id,value,weight\n1,1,-1\n", 1, "below 0"),
        ("row_id,value,inclusion_probability\n1,1,0\n", 1, "inclusion_probability"),
    ],
)
def test_faulty_labels_name_the_row_and_the_remedy(tmp_path: Path, text: str, row: int | None, problem: str) -> None:
    path = write(tmp_path / "labels.csv", text)
    with pytest.raises(LabelError, match=problem) as caught:
        read_labels(path)
    assert caught.value.row == row
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_missing_and_unknown_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such file"):
        read_labels(tmp_path / "labels.csv")
    with pytest.raises(LabelError, match="unknown ending"):
        read_labels(write(tmp_path / "labels.txt", "row_id,value\n1,1\n"))
    with pytest.raises(LabelError, match="cannot be read"):
        read_labels(write(tmp_path / "labels.parquet", "no parquet"))


def test_labels_find_their_rows() -> None:
    labels = Labels.of([9, 3], [1, 0])
    assert labels.positions(np.array([3, 5, 9])).tolist() == [2, 0]
    with pytest.raises(LabelError, match="9 is not in the cohort"):
        labels.positions(np.array([3, 5]))


def test_silver_labels_are_not_trusted() -> None:
    assert Labels.of([1], [1], kind="silver").trusted().tolist() == [False]
    assert Labels.of([1], [1], kind="reviewed").trusted().tolist() == [True]
