"""Small terminologies with a hierarchy, for tests. Codes of the made-up system `LOCAL` are letters and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.rows import ConceptRow, Relations, TermVariant
from phenotext.nlp.terminology.terminology import Terminology


def terminology_of(
    names: Mapping[str, str],
    isa: Iterable[tuple[str, str]] = (),
    *,
    tags: Mapping[str, str] | None = None,
    refsets: Mapping[str, Sequence[str]] | None = None,
    retired: Mapping[str, RetiredCode] | None = None,
    redirects: Mapping[str, str] | None = None,
    synonyms: Iterable[tuple[str, str]] = (),
    name: str = "small",
) -> Terminology:
    """A terminology of SNOMED (codes of digits), HPO (`HP:`) and ICD10CM (the rest)."""

    def system(code: str) -> str:
        return "SNOMED" if code.isdigit() else "HPO" if code.startswith("HP:") else "ICD10CM"

    terms = [(code, term, 0) for code, term in names.items()] + [(code, term, 1) for code, term in synonyms]
    return compile_terminology(
        [ConceptRow(code, system(code), term, (tags or {}).get(code)) for code, term in names.items()],
        [
            TermVariant(code, system(code), term, term.isupper(), "synonym" if rank else "preferred", rank)
            for code, term, rank in terms
        ],
        name=name,
        redirects=redirects,
        relations=Relations(
            isa=[(system(child), child, parent) for child, parent in isa],
            refsets={refset: list(members) for refset, members in (refsets or {}).items()},
            retired={("SNOMED", code): became for code, became in (retired or {}).items()},
        ),
    )
