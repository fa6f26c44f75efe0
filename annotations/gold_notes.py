"""Gold mentions in mark-up: one file a note (`<note_id>.txt`), its text with every mention marked in place.

Used for the adjudicated gold and for the two passes behind it; the passes carry neither assertion nor section.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .markup import MarkedSpan, parse

AXES = {
    "negation": ("affirmed", "negated"),
    "certainty": ("certain", "uncertain"),
    "temporality": ("recent", "historical", "hypothetical"),
    "experiencer": ("patient", "family", "other"),
}
ASSERTIONS = ("present", "absent", "possible", "historical", "family", "other", "hypothetical")
PASSES = ("both", "a", "b", "adjudicated", "single")
SYSTEM = "SNOMED"


@dataclass(frozen=True, slots=True)
class GoldMention:
    """A marked mention: half-open character offsets, code and axes (defaults filled in).

    `assertion`, `section` and `passes` are empty in the mark-up of a pass. `passes` says whence the gold mention comes:
    both passes alike, only a, only b, adjudicated between them, or single (a note that had one pass only).
    """

    start: int
    end: int
    code: str
    negation: str
    certainty: str
    temporality: str
    experiencer: str
    assertion: str
    section: str
    value: str | None
    passes: str


@dataclass(frozen=True, slots=True)
class GoldNote:
    """A note's text without mark-up and its mentions in order of position."""

    note_id: str
    text: str
    mentions: tuple[GoldMention, ...]


def read_gold_notes(folder: Path, *, adjudicated: bool) -> list[GoldNote]:
    """Read all `*.txt` of a folder, ordered by name.

    With `adjudicated` every mention must have assertion, section and passes. Raises ValueError naming file, offset and
    attribute for anything else than the known attributes and values; FileNotFoundError for an empty folder.
    """
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no *.txt with mark-up; give the folder that holds one file a note")
    notes: list[GoldNote] = []
    for path in paths:
        text, spans = parse(path.read_bytes().decode("utf-8"))  # bytes: line ends must stay as they are
        notes.append(GoldNote(path.stem, text, tuple(_mention(span, path, adjudicated) for span in spans)))
    return notes


def _mention(span: MarkedSpan, path: Path, adjudicated: bool) -> GoldMention:
    given = span.attributes
    where = f"{path.name}, characters {span.start}-{span.end}"
    unknown = set(given) - set(AXES) - {"code", "assertion", "section", "value", "passes"}
    if unknown:
        raise ValueError(f"{where}: unknown attributes {sorted(unknown)}; correct the mark-up")
    needed = ("code", "assertion", "section", "passes") if adjudicated else ("code",)
    missing = [name for name in needed if not given.get(name)]
    if missing:
        raise ValueError(f"{where}: attributes {missing} are missing; add them to the mark-up")
    allowed = dict(AXES) | {"assertion": ASSERTIONS, "passes": PASSES}
    for name, values in allowed.items():
        if name in given and given[name] not in values:
            raise ValueError(f"{where}: {name}={given[name]}; use one of {', '.join(values)}")
    axes = {name: given[name] if name in given else values[0] for name, values in AXES.items()}
    return GoldMention(
        span.start,
        span.end,
        given["code"],
        axes["negation"],
        axes["certainty"],
        axes["temporality"],
        axes["experiencer"],
        given.get("assertion", ""),
        given.get("section", ""),
        given.get("value"),
        given.get("passes", ""),
    )
