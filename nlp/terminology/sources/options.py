"""What a reader of terminology sources may be told; every field has a default that suits most sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

US_ENGLISH = "900000000000509007"
GB_ENGLISH = "900000000000508004"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Choices for reading sources; a source takes those that concern its format.

    Attributes:
        languages: RF2: language codes of the descriptions to take, lower case; `en` also takes `en-us`.
        language_refsets: RF2: language reference sets that choose preferred terms, the first that has one wins; then
            any other one of the release whose descriptions are in `languages`.
        check_digits: RF2: leave out components whose ids fail the check digit or the partition. False takes ids as
            they are, for fictitious test releases.
        vocabularies: Athena: vocabularies whose names are matched, by their OMOP names; empty takes those that
            `nlp/data/athena_vocabularies.tsv` marks.
        domains: Athena: OMOP domains of the concepts to match, for every vocabulary; empty takes those of that table.
        standard_only: Athena: of vocabularies that have standard concepts of their own (SNOMED, LOINC, ...), match
            those only.
        umls_codes: UMLS: source abbreviations (`SAB`) of the vocabularies whose codes come out; `UMLS` for the concept
            identifiers (CUIs) themselves.
        umls_sources: UMLS: source abbreviations of the vocabularies whose terms are read. Those that are not among
            `umls_codes` give synonyms. Empty takes those of `umls_codes`, or all of them where CUIs come out.
        umls_languages: UMLS: `LAT` of the terms to take.
        umls_term_types: UMLS: term types (`TTY`) to take; empty takes all.
        semantic_types: UMLS: semantic types, by name or TUI, of the concepts to take; empty takes all.
        include_suppressible: UMLS: also take rows marked obsolete or suppressible.
        max_restriction: UMLS: highest restriction level (`SRL`) to take; None takes all.
        columns: delimited text: role -> name of its column (`code`, `term`, `system`, `preferred`, ...); applies to the
            files that have all these columns.
        system: delimited text: the code system of files without such a column; empty if they all have one.
    """

    languages: tuple[str, ...] = ("en",)
    language_refsets: tuple[str, ...] = (US_ENGLISH, GB_ENGLISH)
    check_digits: bool = True
    vocabularies: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    standard_only: bool = True
    umls_codes: tuple[str, ...] = ("SNOMEDCT_US",)
    umls_sources: tuple[str, ...] = ()
    umls_languages: tuple[str, ...] = ("ENG",)
    umls_term_types: tuple[str, ...] = ()
    semantic_types: tuple[str, ...] = ()
    include_suppressible: bool = False
    max_restriction: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    system: str = ""


DEFAULT_OPTIONS = SourceOptions()
