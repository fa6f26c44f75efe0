"""medspaCy's SectionRules as headings.

medspaCy finds a heading's words anywhere in the text; here a heading must also stand and look like one, so
no colon is needed in its words, and single words without one count in plain sight only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..cue_table import folded_words
from ..heading_table import HeadingKind, HeadingRow, default_headings
from ..sections import HEADER, UNKNOWN
from .report import ImportReport
from .rule_dicts import RuleDict, differ, leave_out, rule_dicts
from .token_patterns import UntranslatableError, phrases_of

# Section names of medspaCy's own rules -> the names of phenotext, on which context and features depend.
SECTION_NAMES: Mapping[str, str] = {
    "allergy": "allergies",
    "comments": "comment",
    "diagnoses": "diagnosis",
    "history_of_present_illness": "present_illness",
    "labs_and_studies": "laboratory",
    "neurological": "neurologic",
    "observation_and_plan": "assessment_and_plan",
    "patient_education": "patient_instructions",
    "reason_for_examination": "indication",
    "sexual_and_social_history": "social_history",
    "signature": "attestation",
    # `other` is the name of headings that no table knows
    "other": "unclassified",
}
_KEYS = ("parents", "parent_required", "max_scope", "section_title")


@dataclass(slots=True)
class ImportedHeadings:
    """Headings and the account of how they came about. `Extractor(headings=imported.rows)` uses them alone."""

    rows: list[HeadingRow]
    report: ImportReport


def headings_from_medspacy(
    rules: Sequence[object], source: str = "section_rules", *, names: Mapping[str, str] | None = None
) -> ImportedHeadings:
    """Headings from the list under `section_rules` of a medspaCy file.

    Args:
        rules: rule objects as in the JSON.
        source: what the report calls them.
        names: section name here for each category; None takes `SECTION_NAMES`, `{}` keeps the file's categories.

    >>> headings_from_medspacy([{"literal": "HPI:", "category": "history_of_present_illness"}]).rows[0].name
    'present_illness'
    """
    report = ImportReport(source)
    renamed = SECTION_NAMES if names is None else names
    loinc = {row.name: row.loinc for row in reversed(default_headings())}
    rows: list[HeadingRow] = []
    owner: dict[tuple[str, ...], str] = {}
    for rule in rule_dicts(rules, report, _KEYS):
        try:
            name = _section_name(rule, renamed)
            fresh = _headings(rule, name, loinc.get(name, ""), owner, report)
        except UntranslatableError as error:
            leave_out(report, rule.number, rule.name, str(error))
            continue
        report.taken += 1
        rows.extend(fresh)
    report.rows = len(rows)
    return ImportedHeadings(rows, report)


def _section_name(rule: RuleDict, renamed: Mapping[str, str]) -> str:
    category = rule.category.lower().replace(" ", "_")
    name = renamed.get(category, category)
    if not name:
        raise UntranslatableError("no category")
    if name in (HEADER, UNKNOWN):
        raise UntranslatableError(f"the section name {name} is phenotext's own; map it with `names`")
    return name


def _headings(
    rule: RuleDict, name: str, loinc: str, owner: dict[tuple[str, ...], str], report: ImportReport
) -> list[HeadingRow]:
    phrases = phrases_of(rule.literal, rule.pattern)
    rows: list[HeadingRow] = []
    taken = False
    others: set[str] = set()
    for phrase in phrases.phrases:
        heading = phrase.strip().rstrip(":").strip().lower()
        words = tuple(folded_words(heading))
        if not words:
            continue
        known = words in owner
        if owner.setdefault(words, name) != name:
            others.add(owner[words])
            continue
        taken = True
        if known:
            continue
        kind = HeadingKind.MAIN if ":" in phrase or len(words) > 1 else HeadingKind.WEAK
        if rule.fields.get("parents"):
            kind = HeadingKind.SUB
        rows.append(HeadingRow(name, heading, loinc, kind, ("", "")))
    if not taken:
        raise UntranslatableError(
            f"an earlier rule gives the same heading to {', '.join(sorted(others))}" if others else "no word in it"
        )
    if others:
        differ(report, rule, f"some of its headings belong to {', '.join(sorted(others))} already")
    for difference in phrases.differences:
        differ(report, rule, difference)
    if rule.fields.get("parents"):
        differ(report, rule, "parents: it is a part of whatever section with parts stands before it")
    if rule.fields.get("parent_required"):
        differ(report, rule, "parent_required is not kept: without a parent it stands for itself")
    if rule.fields.get("max_scope") is not None:
        differ(report, rule, "max_scope is not kept: the section goes on to the next heading")
    return rows
