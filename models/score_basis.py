"""What one patient's score rests on: contributions gathered into sentences, notes and covariates."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .concept_model import MENTIONS, ConceptModel
from .note_mentions import SENTENCE_END
from .patient_model import Contribution, PatientModel
from .patients import PatientNotes

# A passage is shown to a reader: one without sentence ends is cut around its strongest word.
LONGEST_PASSAGE = 400
# How a note is named that was read where nothing better can be shown.
NOTE_READ = "note_read"


@dataclass(frozen=True, slots=True)
class Basis:
    """One thing a score rests on, its contribution in units of the logit. A passage has `note_id`, `start` and `end`, a
    whole note `note_id` alone; `covariate` names a feature. `focus` is (note_id, start, end) of the strongest word."""

    note_id: int | None
    covariate: str | None
    start: int | None
    end: int | None
    value: float
    method: str
    focus: tuple[int, int, int] | None = None


@dataclass(slots=True)
class _Group:
    value: float = 0.0
    strongest: float = 0.0
    focus: tuple[int, int, int] | None = None


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence that holds characters start to end of a text, without blanks at its ends.

    >>> text = "No fever. Cough for a week. Well."
    >>> text[slice(*sentence_around(text, 10, 15))]
    'Cough for a week.'
    """
    low = max(0, start - LONGEST_PASSAGE)
    high = min(len(text), end + LONGEST_PASSAGE)
    first = low
    for found in SENTENCE_END.finditer(text, low, start):
        first = found.end()
    following = SENTENCE_END.search(text, max(end - 1, start), high)
    last = following.end() if following is not None else high
    if last - first > LONGEST_PASSAGE:  # no sentence end near by: some words before, and after
        first = max(first, start - LONGEST_PASSAGE // 2)
        last = min(last, max(end, first + LONGEST_PASSAGE))
    while first < start and text[first].isspace():
        first += 1
    while last > end and text[last - 1].isspace():
        last -= 1
    return first, last


def basis_of(model: PatientModel, data: PatientNotes, row: int, most: int) -> tuple[Basis, ...]:
    """At most `most` things that raised the score of a row, the strongest first; at least one where the row has notes.

    Where nothing raised the score, the strongest of what lowered it is given; where the model found nothing at all, the
    notes it read, with a contribution of 0.
    """
    groups: dict[tuple[int | None, str | None, int | None, int | None, str], _Group] = {}
    places = {int(data.note_id[at]): at for at in data.notes_of(row)}
    for item in _placed(model, data, row):
        first, last = _passage(item, data, places)
        group = groups.setdefault((item.note_id, item.covariate, first, last, item.method), _Group())
        group.value += item.value
        focus = _place(item)
        if focus is not None and (group.focus is None or abs(item.value) > group.strongest):
            group.strongest, group.focus = abs(item.value), focus
    found = [
        Basis(note, covariate, first, last, group.value, method, group.focus)
        for (note, covariate, first, last, method), group in groups.items()
        if group.value != 0.0
    ]
    raised = [item for item in found if item.value > 0]
    chosen = sorted(raised, key=_by_strength)[:most] if raised else sorted(found, key=_by_strength)[:1]
    if not any(item.note_id is not None for item in chosen):
        # a reader must be able to open something: features alone name no note
        chosen += [Basis(note, None, None, None, 0.0, NOTE_READ) for note in list(places)[-1:]]
    return tuple(chosen)


def _placed(model: PatientModel, data: PatientNotes, row: int) -> list[Contribution]:
    """Contributions; one that names a term of the notes only (as trees do) is put at the term's last occurrence."""
    items = model.contributions(data, row)
    if not isinstance(model, ConceptModel) or model.reads != MENTIONS or all(item.covariate is None for item in items):
        return items
    one = data.subset([row])
    at = model.find_terms(one)
    last = dict(zip(at.column.tolist(), zip(at.note.tolist(), at.start.tolist(), at.end.tolist()), strict=True))
    column = {name: number for number, name in enumerate(model.names)}
    placed: list[Contribution] = []
    for item in items:
        found = last.get(column.get(item.covariate or "", -1))
        if found is None:  # what is not in the notes counts as well, but nobody can be shown it
            placed.append(item)
        else:
            note, start, end = found
            placed.append(replace(item, note_id=int(one.note_id[note]), covariate=None, start=start, end=end))
    return placed


def _by_strength(item: Basis) -> tuple[float, int, int, int, str]:
    return -abs(item.value), item.note_id or 0, item.start or 0, item.end or 0, item.covariate or ""


def _place(item: Contribution) -> tuple[int, int, int] | None:
    if item.note_id is None or item.start is None or item.end is None:
        return None
    return item.note_id, item.start, item.end


def _passage(item: Contribution, data: PatientNotes, places: dict[int, int]) -> tuple[int | None, int | None]:
    if item.note_id is None or item.start is None or item.end is None:
        return None, None
    return sentence_around(data.text[places[item.note_id]], item.start, item.end)
