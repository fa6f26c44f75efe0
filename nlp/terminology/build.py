"""From source files to a compiled terminology, with an account of everything left out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from .ambiguous_strings import ambiguous_strings
from .build_findings import Findings, TermTally, list_strings, other_names, retired_findings, same_names
from .build_report import BuildReport, SourceReport
from .compile import compile_terminology
from .override_effects import OverrideEffects, merge_retired
from .overrides import Override, read_overrides
from .precedence import SourceOrder
from .rows import ConceptRow, TermVariant
from .rules import RuleReport, compile_terms
from .source_merge import RedirectedCodes, merged_concepts, merged_relations
from .source_term import SourceError, SourceTerm
from .sources.content import MATCHED_SCOPES, SourceContent, resolve_chains
from .sources.options import DEFAULT_OPTIONS, SourceOptions
from .sources.read import read_source
from .terminology import MAX_SYSTEMS, Terminology
from .variants import clean_name
from .xrefs import Keep, adopt_xrefs

Progress = Callable[[str, int, int], None]
"""Called with a stage (`read`, `rules`, `compile`, `done`), the steps done and their total."""

_Key = tuple[str, str]
# Fewer long terms than this say nothing about a source's habits.
_CAPITALS_SAMPLE = 2_000


def build_terminology(
    paths: Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None = None,
    *,
    name: str | None = None,
    release: str | None = None,
    scopes: Collection[str] = MATCHED_SCOPES,
    options: SourceOptions = DEFAULT_OPTIONS,
    overrides: str | PathLike[str] | None = None,
    match_tags: Collection[str] = (),
    snomed_from_xrefs: bool = False,
    keep_codes: Keep = "unconverted",
    findings: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Build a terminology and, with `out`, write it there.

    Args:
        paths: source files or folders, in order; the first that has a code gives its preferred name and semantic tag.
        out: where the compiled file goes.
        name: the terminology's name; the first source's name by default.
        release: its release; those of the sources by default.
        scopes: synonym scopes to match, where a source gives scopes.
        options: choices that concern single formats.
        overrides: a file of the user's own corrections (see `overrides.py`).
        match_tags: semantic tags to match although `nlp/data/unmatched_tags.txt` has them.
        snomed_from_xrefs: turn classes of ontologies into the SNOMED codes of their cross-references, where the names
            agree (see `xrefs.py`); one of the other sources must have the SNOMED names.
        keep_codes: with that, which codes of the ontologies stay beside.
        findings: also list what deserves a look (`BuildReport.findings`); takes a second look at ambiguous strings.
        progress: called as the work goes on.

    Raises:
        SourceError: a source that cannot be read.
    """
    _, report = compile_sources(
        paths,
        out,
        name=name,
        release=release,
        scopes=scopes,
        options=options,
        overrides=overrides,
        match_tags=match_tags,
        snomed_from_xrefs=snomed_from_xrefs,
        keep_codes=keep_codes,
        findings=findings,
        progress=progress,
    )
    return report


def compile_sources(
    paths: Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None = None,
    *,
    name: str | None = None,
    release: str | None = None,
    scopes: Collection[str] = MATCHED_SCOPES,
    options: SourceOptions = DEFAULT_OPTIONS,
    overrides: str | PathLike[str] | None = None,
    match_tags: Collection[str] = (),
    snomed_from_xrefs: bool = False,
    keep_codes: Keep = "unconverted",
    findings: bool = False,
    progress: Progress | None = None,
) -> tuple[Terminology, BuildReport]:
    """As `build_terminology`, and gives the terminology itself too."""
    started = time.perf_counter()
    tell = progress or (lambda stage, done, total: None)
    corrections = [] if overrides is None else read_overrides(overrides)
    sources: list[SourceContent] = []
    for number, path in enumerate(paths):
        tell("read", number, len(paths))
        sources.append(read_source(path, scopes, options))
    tell("read", len(paths), len(paths))
    report = BuildReport(
        name or _default_name(sources), release or ", ".join(dict.fromkeys(s.release for s in sources if s.release))
    )
    if snomed_from_xrefs:
        report.xrefs = adopt_xrefs(sources, keep_codes)
    redirects: dict[str, str] = {}
    for source in sources:
        for old, new in source.redirects.items():
            redirects.setdefault(old, new)
    redirects = resolve_chains(redirects)
    capitals = [_all_capitals(source.terms) for source in sources]
    for source, shouts in zip(sources, capitals, strict=True):
        report.sources.append(_source_report(source, shouts))
        report.terms_read += len(source.terms)

    retired = merge_retired([source.retired for source in sources])
    redirected = RedirectedCodes(redirects, retired)
    concepts = merged_concepts(sources, redirected)
    effects = OverrideEffects(corrections, concepts, redirects, retired)
    concepts.update(effects.new_concepts())
    _refuse_many_systems(paths, sources)
    rules = RuleReport()
    builder = _Terms(concepts, redirects, report, match_tags)
    tally = TermTally()
    variants = tally.watch(effects.apply(builder.variants(sources, capitals, rules)), concepts)
    variants = _ticking(variants, report.terms_read, rules, tell)
    # A redirect to a code that no source has leads nowhere, one from a living code would hide it.
    useful = _useful(redirects, redirected, concepts)
    terminology = compile_terminology(
        list(concepts.values()),
        variants,
        None if out is None else Path(out),
        name=report.name,
        release=report.release,
        redirects=useful,
        relations=merged_relations(sources, concepts),
        report=report.relations,
        corrections=effects.corrections(),
    )
    tell("done", 1, 1)
    _account(report, rules, terminology, concepts)
    report.terms_by_kind = dict(sorted(tally.by_kind.items()))
    report.terms_by_tag = dict(sorted(tally.by_tag.items()))
    report.overrides = effects.outcomes(terminology)
    if findings:
        report.findings = _findings(sources, concepts, redirects, useful, tally, terminology, corrections)
    report.seconds = time.perf_counter() - started
    return terminology, report


class _Terms:
    """The terms of all sources under their final codes, with the preferred names that no row carries."""

    def __init__(
        self,
        concepts: dict[_Key, ConceptRow],
        redirects: dict[str, str],
        report: BuildReport,
        match_tags: Collection[str] = (),
    ) -> None:
        self.match_tags = match_tags
        self.concepts = concepts
        self.redirects = redirects
        self.report = report
        self.named: set[_Key] = set()

    def variants(self, sources: list[SourceContent], capitals: list[bool], rules: RuleReport) -> Iterator[TermVariant]:
        # Sources that shout are few and read apart; the others go through the rules together, so that a code that
        # loses its term in
        # one source and has another elsewhere is not reported.
        order = SourceOrder(len(sources))
        numbered = list(zip(range(len(sources)), sources, capitals, strict=True))
        spoken = (
            term
            for number, source, shouts in numbered
            if not shouts
            for term in order.from_source(self._settled(source.terms), number)
        )
        shouted = [(number, source) for number, source, shouts in numbered if shouts]
        spoken = self._and_preferred(spoken, order, last=not shouted)
        yield from order.ranked(compile_terms(spoken, rules, match_tags=self.match_tags))
        if shouted:
            loud = (
                term for number, source in shouted for term in order.from_source(self._settled(source.terms), number)
            )
            loud = self._and_preferred(loud, order, last=True)
            kept = RuleReport()
            without, rules.codes_without_terms = rules.codes_without_terms, []
            loud = compile_terms(loud, kept, capitals_mean_acronym=False, match_tags=self.match_tags)
            yield from order.ranked(loud)
            _join(rules, kept, without)

    def _settled(self, terms: Iterable[SourceTerm]) -> Iterator[SourceTerm]:
        """Terms of retired codes under their successors; `preferred` only where it is the concept's."""
        for term in terms:
            key = (term.system, term.code)
            concept = self.concepts.get(key)
            if concept is None:
                key = (term.system, self.redirects[term.code])
                concept = self.concepts[key]
                term = replace(term, code=concept.code, preferred=concept.preferred)
                self.report.redirected_terms += 1
            if term.kind == "preferred" and term.preferred != concept.preferred:
                term = replace(term, kind="synonym", preferred=concept.preferred)
            if key not in self.named and clean_name(term.term).casefold() == concept.preferred.casefold():
                self.named.add(key)
            yield term

    def _and_preferred(self, terms: Iterator[SourceTerm], order: SourceOrder, last: bool) -> Iterator[SourceTerm]:
        yield from terms
        order.done()
        if not last:
            return
        for key, concept in self.concepts.items():
            if key not in self.named:
                self.report.preferred_names_added += 1
                yield SourceTerm(
                    concept.code,
                    concept.system,
                    concept.preferred,
                    concept.preferred,
                    "preferred",
                    False,
                    concept.semantic_tag,
                    "preferred",
                )


def _refuse_many_systems(paths: Sequence[str | PathLike[str]], sources: list[SourceContent]) -> None:
    """Hundreds of code systems are no code systems: a column was taken for another."""
    systems = [{term.system for term in source.terms} for source in sources]
    if len(set().union(*systems)) > MAX_SYSTEMS:
        most = max(range(len(sources)), key=lambda number: len(systems[number]))
        raise SourceError(
            Path(paths[most]),
            None,
            f"The terms have {len(systems[most]):,} code systems, more than the {MAX_SYSTEMS} that there may be",
            "Check that the column system holds systems such as SNOMED, not codes or names",
        )


def _join(rules: RuleReport, kept: RuleReport, without: list[tuple[str, str, str]]) -> None:
    """Add the second report to the first."""
    for counts, more in ((rules.dropped, kept.dropped), (rules.derived, kept.derived)):
        for reason, count in more.items():
            counts[reason] = counts.get(reason, 0) + count
    for reason, pairs in kept.examples.items():
        seen = rules.examples.setdefault(reason, [])
        seen.extend(pairs[: rules.max_examples - len(seen)])
    rules.terms += kept.terms
    rules.terms_kept += kept.terms_kept
    rules.variants += kept.variants
    rules.acronyms += kept.acronyms
    rules.kept_only_term += kept.kept_only_term
    rules.codes_without_terms = list(dict.fromkeys([*without, *kept.codes_without_terms]))


def _ticking(variants: Iterator[TermVariant], total: int, rules: RuleReport, tell: Progress) -> Iterator[TermVariant]:
    tell("rules", 0, total)
    for number, variant in enumerate(variants):
        if number % 20_000 == 0:
            tell("rules", min(rules.terms, total), total)
        yield variant
    tell("rules", total, total)
    tell("compile", 0, 1)


def _all_capitals(terms: list[SourceTerm]) -> bool:
    """Whether a source writes nearly all its terms in capitals, so that capitals tell no acronyms apart."""
    step = max(1, len(terms) // _CAPITALS_SAMPLE)
    long = [term.term for term in terms[::step] if sum(char.isalpha() for char in term.term) > 6]
    return bool(long) and sum(text.isupper() for text in long) > 0.8 * len(long)


def _useful(redirects: dict[str, str], redirected: RedirectedCodes, concepts: dict[_Key, ConceptRow]) -> dict[str, str]:
    codes = {code for _, code in concepts}
    living = {key[1] for key in concepts if redirected.successor(key) is not None}
    return {old: new for old, new in redirects.items() if new in codes and old not in living}


def _source_report(source: SourceContent, shouts: bool) -> SourceReport:
    return SourceReport(
        source.name,
        source.release,
        len(source.terms),
        dict(source.dropped),
        dict(source.dropped_at),
        len(source.redirects),
        list(source.skipped_files),
        shouts,
        list(source.notices),
        dict(source.repairs.counts),
        dict(source.repairs.places),
    )


def _account(
    report: BuildReport, rules: RuleReport, terminology: Terminology, concepts: dict[_Key, ConceptRow]
) -> None:
    report.terms_kept = rules.terms_kept
    report.terms_dropped = rules.dropped
    report.examples = rules.examples
    report.variants = rules.variants
    report.derived = rules.derived
    report.codes = len(concepts)
    report.codes_by_system = dict(sorted(Counter(system for system, _ in concepts).items()))
    report.chronic_codes = sum(concept.chronic for concept in concepts.values())
    entries = np.diff(terminology.group_start)
    report.strings = len(entries)
    report.ambiguous = int((entries > 1).sum())
    report.acronyms = rules.acronyms
    report.redirects = len(terminology.redirects)
    report.long_terms_kept = rules.kept_only_term
    report.codes_without_terms = rules.codes_without_terms
    report.sha256 = terminology.sha256
    if rules.variants == 0:
        report.warnings.append("The terminology is empty: no term remains, so nothing will be found in any note")
    if rules.codes_without_terms:
        report.warnings.append(f"{len(rules.codes_without_terms):,} codes have no term that may be matched")


def _findings(
    sources: list[SourceContent],
    concepts: dict[_Key, ConceptRow],
    redirects: dict[str, str],
    useful: dict[str, str],
    tally: TermTally,
    terminology: Terminology,
    corrections: list[Override],
) -> Findings:
    ambiguous, doubtful = ambiguous_strings(sources, concepts, redirects, terminology, corrections)
    return Findings(
        ambiguous,
        doubtful,
        list_strings(tally.word_acronyms(), concepts),
        list_strings(tally.short, concepts),
        tally.short_by_length(),
        same_names(concepts),
        other_names(sources, concepts),
        retired_findings(sources, concepts, useful),
    )


def _default_name(sources: list[SourceContent]) -> str:
    if not sources:
        return "terminology"
    name = sources[0].name
    for ending in (".gz", ".tsv", ".csv", ".txt", ".json", ".obo"):
        name = name.removesuffix(ending)
    return name or "terminology"
