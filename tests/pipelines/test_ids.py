"""Ids: kept, hashed, keyed; duplicates and collisions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phenotext.pipelines import ids
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.ids import Identifier, SeenNotes, kept_integer
from phenotext.pipelines.run import run
from phenotext.pipelines.settings import Settings
from phenotext.pipelines.times import to_time


@pytest.mark.parametrize("text", ["007", "7.0", "-7", " 7", "", "7e3", "٧", "1" * 19, "x"])
def test_what_is_not_written_as_an_integer_is_hashed(text: str) -> None:
    assert kept_integer(text) is None


@given(st.integers(0, 10**18 - 1))
def test_integers_are_kept(number: int) -> None:
    assert kept_integer(str(number)) == number


@given(st.text())
def test_ids_are_63_bits_and_depend_on_kind_and_key(text: str) -> None:
    patient, keyed, visit = Identifier("patient"), Identifier("patient", b"k" * 16), Identifier("visit")
    numbers = {patient.hashed(text), keyed.hashed(text), visit.hashed(text)}
    assert len(numbers) == 3
    assert all(0 <= number < 2**63 for number in numbers)


def test_seen_notes_over_many_runs() -> None:
    seen = SeenNotes()
    assert all(seen.add(number * 7919) for number in range(200_000))
    assert not any(seen.add(number * 7919) for number in range(0, 200_000, 37))
    assert seen.add(1)


def test_a_collision_is_an_error(notes_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "blake2b_63", lambda content, key=b"": 12345)
    with pytest.raises(RunError, match="ids of the source fall on one number"):
        run(Settings(notes_file, tmp_path / "out"))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2021-03-04", "2021-03-04T00:00:00"),
        ("20210304", "2021-03-04T00:00:00"),
        ("2021-03-04 05:06", "2021-03-04T05:06:00"),
        ("2021-03-04T05:06:07.5Z", "2021-03-04T05:06:07.500000"),
        ("2021-03-04T05:06:07-02:00", "2021-03-04T07:06:07"),
    ],
)
def test_times(text: str, read: str) -> None:
    time = to_time(text)
    assert time is not None
    assert time.isoformat() == read


@pytest.mark.parametrize(
    "text", ["", "2021", "03/04/2021", "2021-02-30", "0001-01-01", "9999-12-31", "2021-W09-4", "soon"]
)
def test_times_are_not_guessed(text: str) -> None:
    assert to_time(text) is None


def test_a_format_of_the_user() -> None:
    time = to_time("31/12/2020", "%d/%m/%Y")
    assert time is not None
    assert time.year == 2020
    assert to_time("2020-12-31", "%d/%m/%Y") is None
