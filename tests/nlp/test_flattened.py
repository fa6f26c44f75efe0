"""Notes whose line breaks became commas are read by their lines, and only those."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.nlp import Extractor
from phenotext.nlp.token_batch import tokenize
from phenotext.nlp.tokens import Kind, SurfaceTable

FLAT = (
    "CHIEF COMPLAINT:,  Cough.,HISTORY OF PRESENT ILLNESS: , The patient has asthma.  Denies fever, chills.,"
    "ALLERGIES: , No known allergies.,FAMILY HISTORY: ,Mother had breast cancer.,ASSESSMENT:,1.  Pneumonia.,2.  Anemia"
)


def no_ids(words: Sequence[str]) -> np.ndarray:
    return np.full(len(words), -1, np.int32)


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return Extractor()


def test_sections_of_a_flattened_note(extractor: Extractor) -> None:
    note = extractor(FLAT)
    assert [section.name for section in note.sections] == [
        "chief_complaint",
        "present_illness",
        "allergies",
        "family_history",
        "assessment",
    ]
    found = {m.text: (m.section, m.assertion) for m in note.mentions}
    assert found["asthma"] == ("present_illness", "present")
    assert found["fever"] == ("present_illness", "absent")
    assert found["breast cancer"] == ("family_history", "family")
    assert found["Pneumonia"] == found["Anemia"] == ("assessment", "present")
    assert "ALLERGIES" not in found


def test_the_same_findings_as_with_line_breaks(extractor: Extractor) -> None:
    broken = FLAT.replace(".,", ".\n").replace(":,", ":\n").replace(": ,", ":\n ")

    def found(text: str) -> list[tuple[str, str, str]]:
        return [(m.text, m.section, m.assertion) for m in extractor(text).mentions]

    assert found(FLAT) == found(broken)


@pytest.mark.parametrize(
    "text",
    [
        "No fever, chills or cough.",
        "Platelets 150,000. No bleeding.",
        "Seen by J. Doe, M.D., today.\nNo fever.,Asthma",  # has a line break of its own
        "Takes aspirin,Plavix and Norvasc for coronary disease",  # no end of a line in it
    ],
)
def test_commas_of_other_notes_stay_commas(extractor: Extractor, text: str) -> None:
    assert len(extractor(text).sections) == 1


@given(st.text(st.sampled_from("Aa1.,:? \n"), max_size=40))
def test_no_character_is_lost_and_no_kind_but_a_comma_changes(text: str) -> None:
    surfaces = SurfaceTable(no_ids, no_ids)
    batch = tokenize([text], surfaces)
    pieces = [text[start:stop] for start, stop in zip(batch.start, [*batch.start[1:], len(text)])]
    assert "".join(pieces) == text
    own = surfaces.kind[batch.surface]
    changed = batch.kind != own
    assert set(own[changed].tolist()) <= {Kind.COMMA}
    assert set(batch.kind[changed].tolist()) <= {Kind.NEWLINE}
    if "\n" in text:
        assert not changed.any()
