"""`phenotext terminology build`: sources in, one compiled terminology and a report out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import RunError, refuse_same_file
from ..progress import Bar
from ..report_files import check_reports, write_reports

_ROLES = (
    "code",
    "system",
    "term",
    "preferred",
    "scope",
    "synonym_type",
    "kind",
    "chronic",
    "semantic_tag",
    "status",
)


class KeepCodes(StrEnum):
    """Which codes of an ontology stay beside the SNOMED codes made from its cross-references."""

    ALL = "all"
    UNCONVERTED = "unconverted"
    NONE = "none"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("build")(build_command)


def build_command(
    source: Annotated[
        list[Path],
        typer.Option(
            "--source",
            help="SNOMED CT RF2, OMOP Athena, UMLS RRF, FHIR, OBO, OBO graph, TSV or CSV: a file, zip or folder. "
            "Repeatable; the first that has a code or string takes precedence.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The compiled terminology.")],
    name: Annotated[str | None, typer.Option(help="Name of the terminology; the first source's by default.")] = None,
    release: Annotated[str | None, typer.Option(help="Release; the sources' by default.")] = None,
    overrides: Annotated[
        Path | None, typer.Option("--overrides", help="Your own corrections: terms to add, suppress and prefer (TSV).")
    ] = None,
    match_tag: Annotated[
        list[str] | None,
        typer.Option(help="Match a semantic tag that is left out by default, such as 'qualifier value'. Repeatable."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="TSV and CSV: which column is what, such as code=snomedCode,term=description. Repeatable."),
    ] = None,
    system: Annotated[
        str, typer.Option(help="TSV and CSV: code system of files that have no such column, such as SNOMED.")
    ] = "",
    language: Annotated[
        list[str] | None, typer.Option(help="RF2: language of the descriptions; en if none. Repeatable.")
    ] = None,
    language_refset: Annotated[
        list[str] | None,
        typer.Option(help="RF2: language reference set that chooses preferred terms, best first. Repeatable."),
    ] = None,
    check_digits: Annotated[
        bool, typer.Option(help="RF2: refuse ids with a wrong check digit or partition (no: for fictitious releases).")
    ] = True,
    vocabulary: Annotated[
        list[str] | None,
        typer.Option(help="OMOP: match names of this vocabulary; SNOMED, RxNorm, HPO if none. Repeatable."),
    ] = None,
    domain: Annotated[
        list[str] | None, typer.Option("--domain", help="OMOP: match concepts of this domain only. Repeatable.")
    ] = None,
    nonstandard: Annotated[
        bool, typer.Option("--nonstandard", help="OMOP: match SNOMED and LOINC concepts that are not standard too.")
    ] = False,
    umls_codes: Annotated[
        list[str] | None,
        typer.Option(help="UMLS: vocabulary (SAB) whose codes come out, or UMLS for CUIs; SNOMEDCT_US. Repeatable."),
    ] = None,
    umls_source: Annotated[
        list[str] | None,
        typer.Option(help="UMLS: further vocabulary (SAB) whose terms become synonyms of those codes. Repeatable."),
    ] = None,
    umls_language: Annotated[
        list[str] | None, typer.Option(help="UMLS: language (LAT) of the terms; ENG if none. Repeatable.")
    ] = None,
    umls_term_type: Annotated[
        list[str] | None, typer.Option(help="UMLS: take this term type (TTY) only. Repeatable.")
    ] = None,
    semantic_type: Annotated[
        list[str] | None,
        typer.Option(help="UMLS: take concepts of this semantic type only, by name or TUI. Repeatable."),
    ] = None,
    include_suppressible: Annotated[
        bool, typer.Option("--include-suppressible", help="UMLS: also take obsolete and suppressible names.")
    ] = False,
    max_restriction: Annotated[
        int | None, typer.Option(min=0, max=9, help="UMLS: highest restriction level (SRL) of names to take.")
    ] = None,
    snomed_from_xrefs: Annotated[
        bool,
        typer.Option(
            "--snomed-from-xrefs",
            help="OBO: turn classes into the SNOMED codes of their cross-references where the names agree; another "
            "source must have the SNOMED names.",
        ),
    ] = False,
    keep_codes: Annotated[
        KeepCodes, typer.Option(help="With --snomed-from-xrefs: which codes of the ontology stay.")
    ] = KeepCodes.UNCONVERTED,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="Synonym scope to match, of sources that have scopes (OBO, TSV): LABEL and EXACT if none; also "
            "RELATED, NARROW, BROAD. Repeatable."
        ),
    ] = None,
    reports: Annotated[
        list[Path] | None,
        typer.Option("--report", help="Write what was kept, dropped and why: a .html or a .json file. Repeatable."),
    ] = None,
) -> None:
    """Compile sources into one memory-mapped file, and report what was left out and why."""
    from ...nlp.terminology.build import build_terminology
    from ...nlp.terminology.sources.content import MATCHED_SCOPES, SCOPES
    from ...nlp.terminology.sources.options import DEFAULT_OPTIONS, SourceOptions
    from ...nlp.terminology.systems import canonical_system

    for path in source:
        if not path.exists():
            raise RunError("no such file or folder", where=str(path), remedy="give --source an existing one")
    if out.is_dir():
        raise RunError("is a folder", where=str(out), remedy="give --out a file, such as snomed.ptx")
    scopes = frozenset(name.upper() for name in scope or MATCHED_SCOPES)
    if not scopes <= SCOPES:
        raise RunError(
            f"--scope {', '.join(sorted(scopes - SCOPES))} is not known", remedy=f"give {', '.join(sorted(SCOPES))}"
        )
    inputs = [*source, *([overrides] if overrides else [])]
    refuse_same_file(out, *inputs)
    check_reports(reports or [], out, *inputs)
    options = SourceOptions(
        languages=_several(language) or DEFAULT_OPTIONS.languages,
        language_refsets=_several(language_refset) or DEFAULT_OPTIONS.language_refsets,
        check_digits=check_digits,
        vocabularies=tuple(vocabulary or ()),
        domains=tuple(domain or ()),
        standard_only=not nonstandard,
        umls_codes=_several(umls_codes) or DEFAULT_OPTIONS.umls_codes,
        umls_sources=_several(umls_source),
        umls_languages=_several(umls_language) or DEFAULT_OPTIONS.umls_languages,
        umls_term_types=_several(umls_term_type),
        semantic_types=tuple(semantic_type or ()),  # their names have commas
        include_suppressible=include_suppressible,
        max_restriction=max_restriction,
        columns=_mapping(columns or []),
        system=canonical_system(system),
    )
    with Bar() as bar:
        report = build_terminology(
            source,
            out,
            name=name,
            release=release,
            scopes=scopes,
            options=options,
            overrides=overrides,
            match_tags=match_tag or (),
            snomed_from_xrefs=snomed_from_xrefs,
            keep_codes=keep_codes.value,
            findings=bool(reports),
            progress=lambda stage, done, total: bar.stage(f"Terminology: {stage}"),
        )
    if reports:
        from ..terminology_html import build_page

        write_reports(reports, lambda: build_page(report), report.to_json)
    console = Console()
    console.print(report.summary(), markup=False, highlight=False, soft_wrap=True)
    for path in (out, *(reports or [])):
        console.print(f"-> {path}", markup=False, highlight=False, soft_wrap=True)


def _several(given: list[str] | None) -> tuple[str, ...]:
    """Values of a repeatable option, each also several with commas."""
    return tuple(part.strip() for value in given or () for part in value.split(",") if part.strip())


def _mapping(given: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in _several(given):
        role, equals, column = (part.strip() for part in pair.partition("="))
        if not equals or not column or role not in _ROLES:
            raise RunError(
                f"--columns {pair} does not say which column is what",
                where="--columns",
                remedy=f"write role=column, such as code=snomedCode,term=description; roles are {', '.join(_ROLES)}",
            )
        if role in mapping:
            raise RunError(f"the role {role} is given twice", where="--columns", remedy="give each role one column")
        mapping[role] = column
    return mapping
