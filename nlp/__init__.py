"""Text in, coded and asserted mentions out.

`Extractor` is the whole of it; see `docs/extraction.md`.
"""

from .extractor import Extractor, SpanError
from .results import BatchResult, Cue, ExtractedNote, Mention, Section
from .terminology.terminology import Terminology
from .version import VERSION as __version__

__all__ = [
    "BatchResult",
    "Cue",
    "ExtractedNote",
    "Extractor",
    "Mention",
    "Section",
    "SpanError",
    "Terminology",
    "__version__",
]
