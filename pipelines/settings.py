"""Everything a run can be told, in one typed object that is frozen while it runs and written beside the results."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..nlp.concept_filter import ConceptFilter
from .errors import RunError
from .lag import Lag
from .language_rules import LanguageRules
from .matching_options import MatchingOptions

Phi = Literal["full", "minimal"]
Purpose = Literal["care", "research", "quality", "commercial"]

# These change how fast a run is or where it writes, never what it writes.
OUTSIDE_IDENTITY = frozenset(
    (
        "notes", "out", "terminology", "cues", "add_cues", "headings",
        "add_headings", "recall", "rollup", "claims", "cohort", "splits", "id_key", "processes", "overwrite",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of `phenotext run`. Paths are outside the run's identity: the content they lead to is inside."""

    notes: Path
    out: Path
    terminology: Path | None = None
    cues: Path | None = None
    add_cues: Path | None = None
    headings: Path | None = None
    add_headings: Path | None = None
    concepts: str | None = None
    tags: tuple[str, ...] = ()
    misspellings: bool = True
    nested: bool = False
    recall: Path | None = None
    recall_threshold: float | None = None
    rollup: Path | None = None
    claims: Path | None = None
    cohort: Path | None = None
    splits: Path | None = None
    id_key: Path | None = None
    processes: int = 1
    overwrite: bool = False
    phi: Phi = "full"
    keep_text: bool = False
    lag: Lag = field(default_factory=Lag)
    end_day: int = -1
    min_lookback: int = 365
    max_note_mb: float = 10.0
    date_format: str | None = None
    shard_notes: int = 1000
    shard_bytes: int = 4_000_000
    intended_use: str = "research and quality improvement; not a medical device"
    purpose: Purpose = "research"
    sponsor: str = ""
    data_basis: str = ""

    def check(self) -> None:
        """Raise RunError for combinations that cannot be honoured."""
        if self.phi not in ("full", "minimal"):
            raise RunError(f"--phi {self.phi} is not known", remedy="use full or minimal")
        if self.purpose not in ("care", "research", "quality", "commercial"):
            raise RunError(f"--purpose {self.purpose} is not known", remedy="use care, research, quality or commercial")
        if self.phi == "minimal" and self.id_key is None:
            raise RunError(
                "--phi minimal needs --id-key FILE, because a plain hash of an id or a text can be guessed back",
                remedy="make a key with `openssl rand -hex 24 > key` and add --id-key key",
            )
        if self.phi == "minimal" and self.keep_text:
            raise RunError("--phi minimal and --keep-text contradict each other", remedy="give one of them")
        if self.processes < 1:
            raise RunError(f"--processes {self.processes} is not possible", remedy="give 1 or more")
        if self.min_lookback < 0:
            raise RunError(f"--min-lookback {self.min_lookback} is not possible", remedy="give 0 days or more")
        if self.max_note_mb <= 0:
            raise RunError(f"--max-note-mb {self.max_note_mb:g} would leave out every note", remedy="give more than 0")
        if self.shard_notes < 1 or self.shard_bytes < 1:
            raise RunError("a shard must hold at least one note", remedy="give --shard-notes 1 or more")

    @property
    def language_rules(self) -> LanguageRules:
        """The cue and heading files."""
        return LanguageRules(self.cues, self.add_cues, self.headings, self.add_headings)

    @property
    def concept_filter(self) -> ConceptFilter:
        """What is extracted: an ECL expression, semantic tags."""
        return ConceptFilter(self.concepts, self.tags)

    @property
    def matching(self) -> MatchingOptions:
        """How freely terms are matched."""
        return MatchingOptions(self.misspellings, self.nested, self.recall, self.recall_threshold)

    @property
    def max_note_bytes(self) -> int:
        return int(self.max_note_mb * 1_000_000)

    def identity(self) -> dict[str, Any]:
        """The options that decide what is written, ready for JSON."""
        return {name: value for name, value in self.document().items() if name not in OUTSIDE_IDENTITY}

    def document(self) -> dict[str, Any]:
        """All options, ready for JSON."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    """As JSON gives it back, so that a document read again equals this one."""
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def comma_list(text: str | None) -> tuple[str, ...]:
    """The parts of `a, b`, none empty.

    >>> comma_list("disorder, finding,")
    ('disorder', 'finding')
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
