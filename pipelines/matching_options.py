"""How freely `phenotext extract` matches: misspellings, matches inside longer ones, similar phrases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..nlp.recall.candidate_index import CandidateIndex, RecallIndexError
from .errors import RunError


@dataclass(frozen=True, slots=True)
class MatchingOptions:
    """As the arguments of Extractor; `recall` is the file of an index."""

    misspellings: bool = True
    nested: bool = False
    recall: Path | None = None
    recall_threshold: float | None = None

    def index(self) -> CandidateIndex | None:
        """The opened index of recall mode. Raises RunError for a file that is none."""
        if self.recall is None:
            return None
        try:
            return CandidateIndex.open(self.recall)
        except RecallIndexError as error:
            raise RunError(str(error)) from None


USUAL_MATCHING = MatchingOptions()
