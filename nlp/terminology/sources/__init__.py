"""Loaders of terminology sources, one file per format; `read_source` recognises the format by content."""

from .content import DropLog, SourceContent
from .read import read_source

__all__ = ["DropLog", "SourceContent", "read_source"]
