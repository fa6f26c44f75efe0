"""What a terminology build did: what was read, kept and left out, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from .build_findings import Findings
from .override_effects import OverrideOutcome
from .relations import RelationReport
from .systems import FAULT_REMEDIES
from .xrefs import XrefReport

REPORT_SCHEMA = "phenotext.terminology_build/1"
_REPAIRS = {
    "swapped_columns": "rows whose code and term were swapped",
    "repaired_prefix": "codes behind an x",
}


@dataclass(slots=True)
class SourceReport:
    """One source: its rows taken (`terms`), rows left out by reason, and the first places of each."""

    name: str
    release: str | None
    terms: int
    dropped: dict[str, int] = field(default_factory=dict)
    dropped_at: dict[str, list[str]] = field(default_factory=dict)
    redirects: int = 0
    skipped_files: list[str] = field(default_factory=list)
    all_capitals: bool = False
    notices: list[str] = field(default_factory=list)
    repaired: dict[str, int] = field(default_factory=dict)
    repaired_at: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class BuildReport:
    """The account of a build; `to_json` for machines, `summary` for people.

    `examples` are (code, term) of terms the rules dropped, `codes_without_terms` (system, code, preferred name);
    `codes` are concepts in
    the terminology, those without terms included; `ambiguous` are strings, normalised, that name more than one concept.
    `terms_by_kind` and `terms_by_tag` count strings handed to the compiler (see `TermTally`), `overrides` says what
    each line of the override file did, `findings` lists what deserves a look, where it was asked for.
    """

    name: str
    release: str
    sources: list[SourceReport] = field(default_factory=list)
    terms_read: int = 0
    terms_kept: int = 0
    terms_dropped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    variants: int = 0
    derived: dict[str, int] = field(default_factory=dict)
    codes: int = 0
    codes_by_system: dict[str, int] = field(default_factory=dict)
    chronic_codes: int = 0
    strings: int = 0
    ambiguous: int = 0
    acronyms: int = 0
    redirects: int = 0
    redirected_terms: int = 0
    preferred_names_added: int = 0
    long_terms_kept: int = 0
    codes_without_terms: list[tuple[str, str, str]] = field(default_factory=list)
    relations: RelationReport = field(default_factory=RelationReport)
    terms_by_kind: dict[str, int] = field(default_factory=dict)
    terms_by_tag: dict[str, int] = field(default_factory=dict)
    overrides: list[OverrideOutcome] = field(default_factory=list)
    xrefs: list[XrefReport] = field(default_factory=list)
    findings: Findings | None = None
    warnings: list[str] = field(default_factory=list)
    sha256: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types; the same sources give the same report, but for `not_reproducible`."""
        report = asdict(self)
        seconds = report.pop("seconds")
        dropped = {reason for source in self.sources for reason in source.dropped}
        remedies = {reason: FAULT_REMEDIES[reason] for reason in dropped & FAULT_REMEDIES.keys()}
        return {
            "schema": REPORT_SCHEMA,
            **report,
            "remedies": dict(sorted(remedies.items())),
            "not_reproducible": {"seconds": round(seconds, 3)},
        }

    def _override_states(self) -> dict[str, int]:
        return dict(Counter(outcome.state for outcome in self.overrides))

    def summary(self) -> str:
        """A few lines of plain text for the terminal."""
        lines = [f"Terminology {self.name}" + (f", release {self.release}" if self.release else "")]
        for source in self.sources:
            release = f" ({source.release})" if source.release else ""
            lines.append(
                f"  source {source.name}{release}: {source.terms:,} terms" + _reasons(", left out ", source.dropped)
            )
            lines += [
                f"    {reason}: {', '.join(places[:3])}"
                for reason, places in source.dropped_at.items()
                if reason in FAULT_REMEDIES
            ]
            lines += [
                f"    repaired: {count:,} {_REPAIRS.get(kind, kind)} ({', '.join(source.repaired_at[kind][:3])})"
                for kind, count in source.repaired.items()
            ]
            lines += [f"    {notice}" for notice in source.notices]
            if source.skipped_files:
                lines.append(f"    not a terminology, passed over: {', '.join(source.skipped_files)}")
        for xrefs in self.xrefs:
            lines += xrefs.summary()
        lines.append(
            f"  terms: {self.terms_read:,} read, {self.terms_kept:,} kept"
            + _reasons(", dropped by rule ", self.terms_dropped)
            + (f"; {self.preferred_names_added:,} preferred names added" if self.preferred_names_added else "")
        )
        for reason, pairs in self.examples.items():
            lines.append(
                f"    {reason.replace('_', ' ')}: " + ", ".join(f"{_short(term)} ({code})" for code, term in pairs[:5])
            )
        systems = ", ".join(f"{count:,} {system}" for system, count in self.codes_by_system.items())
        lines.append(
            f"  codes: {self.codes:,}"
            + (f" ({systems})" if systems else "")
            + f", {self.chronic_codes:,} of them chronic diseases"
        )
        lines.append(
            f"  strings: {self.strings:,}, {self.ambiguous:,} of them name several codes; "
            f"{self.acronyms:,} acronyms match in capitals only; "
            f"{self.redirects:,} retired or alternative codes redirected"
        )
        lines += self._relations()
        if self.codes_without_terms:
            few = ", ".join(f"{code} {_short(name)}" for _, code, name in self.codes_without_terms[:5])
            more = ", ..." if len(self.codes_without_terms) > 5 else ""
            lines.append(f"  codes without a term that may be matched: {len(self.codes_without_terms):,} ({few}{more})")
        if self.overrides:
            lines.append(f"  overrides: {len(self.overrides):,} lines" + _reasons(", ", self._override_states()))
            lines += [
                f"    line {o.line}, {o.action} {_short(o.term)}{' ' if o.term else ''}{o.code}: {o.detail}"
                for o in self.overrides
                if o.state != "applied"
            ]
        lines += [f"  WARNING: {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def _relations(self) -> list[str]:
        """What there is beside names, and what of it was left out."""
        held, lines = self.relations, list[str]()
        if held.isa_edges or held.isa_unknown or held.on_circle:
            line = (
                f"  hierarchy: {held.isa_edges:,} is-a relations, {held.isa_pairs:,} pairs of ancestor and descendant"
            )
            if held.isa_unknown:
                child, parent = held.isa_unknown_examples[0]
                line += f"; {held.isa_unknown:,} relations of codes that no source names ({child} is a {parent}, ...)"
            if held.on_circle:
                line += f"; {len(held.on_circle):,} codes on circles ({', '.join(held.on_circle[:3])}, ...)"
            lines.append(line)
        if held.refset_members:
            members = sum(held.refset_members.values())
            line = f"  reference sets: {len(held.refset_members):,} with {members:,} members"
            lost = f"; {held.refset_unknown:,} members left out, because no source names them"
            lines.append(line + (lost if held.refset_unknown else ""))
        if held.maps:
            lines.append("  maps: " + ", ".join(f"{count:,} {pair}" for pair, count in held.maps.items()))
        return lines


def _reasons(lead: str, counts: dict[str, int]) -> str:
    if not counts:
        return ""
    return lead + ", ".join(
        f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(counts.items(), key=lambda item: -item[1])
    )


def _short(text: str, width: int = 40) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
