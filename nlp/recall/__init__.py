"""Recall mode: phrases that are no string of the dictionary, linked to the most similar one. Needs scikit-learn."""

from .candidate_index import CandidateIndex, RecallIndexError

__all__ = ["CandidateIndex", "RecallIndexError"]
