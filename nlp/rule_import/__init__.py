"""Rule files of other systems: medspaCy's ConText and section rules and negspaCy's term sets as cues and headings.

See `docs/interoperation.md`. medspaCy's target rules are a terminology source: `phenotext terminology build`.
"""

from .context_rules import ImportedCues, cues_from_medspacy
from .export import medspacy_rules, write_medspacy_rules
from .installed import MedspacyRules, from_medspacy, from_negspacy
from .negspacy_terms import cues_from_negspacy
from .report import ImportReport, RuleFileError, RuleNote
from .rule_files import read_cue_file, read_heading_file
from .section_rules import ImportedHeadings, headings_from_medspacy

__all__ = [
    "ImportReport",
    "ImportedCues",
    "ImportedHeadings",
    "MedspacyRules",
    "RuleFileError",
    "RuleNote",
    "cues_from_medspacy",
    "cues_from_negspacy",
    "from_medspacy",
    "from_negspacy",
    "headings_from_medspacy",
    "medspacy_rules",
    "read_cue_file",
    "read_heading_file",
    "write_medspacy_rules",
]
