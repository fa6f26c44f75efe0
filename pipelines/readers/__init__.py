"""Notes in, whatever their form: `.jsonl`, `.csv`, `.parquet` (also `.gz`), folders of `.txt`, an OMOP NOTE table."""

from .corpus import Corpus, open_corpus
from .rows import BadRow, NoteRow

__all__ = ["BadRow", "Corpus", "NoteRow", "open_corpus"]
