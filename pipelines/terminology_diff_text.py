"""What a new release of a terminology changes, as a few lines for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..nlp.terminology.diff import MovedString, TerminologyDiff
from ..nlp.terminology.phenotype_changes import SetChange
from .run_changes import RunChanges

_SHOWN = 5


def diff_summary(changes: TerminologyDiff, sets: Sequence[SetChange] = (), run: RunChanges | None = None) -> str:
    """Plain text: counts, the first strings that lead to another code, every concept set that changes."""
    (old, old_release, _), (new, new_release, _) = changes.names.old, changes.names.new
    kinds = ", ".join(f"{count:,} {how}" for how, count in changes.moved_by_kind.items())
    lines = [
        f"{old} {old_release}".rstrip() + " -> " + f"{new} {new_release}".rstrip(),
        f"  codes: {changes.codes_before:,} -> {changes.codes:,}; {changes.added.total:,} added,"
        f" {changes.retired.total:,} retired, {changes.removed.total:,} removed",
        f"  names, tags or chronic flags changed: {changes.changed.total:,}; parents: {changes.parents.total:,}",
        f"  terms of codes in both: {changes.terms_lost.total:,} lost, {changes.terms_gained.total:,} gained;"
        f" {changes.strings_lost:,} strings name nothing any more",
        f"  strings that lead to another code: {changes.moved.total:,}" + (f" ({kinds})" if kinds else ""),
        *map(_move, changes.moved.shown[:_SHOWN]),
    ]
    for change in sets:
        lines.append(
            f"  {change.name}: {change.before:,} -> {change.now:,} concepts, {change.gained.total:,} gained,"
            f" {change.lost.total:,} lost; {change.strings_in.total:,} strings in, {change.strings_out.total:,} out"
        )
        for lost in change.lost.shown[:_SHOWN]:
            successors = ", ".join(f"{code} {name}".rstrip() for _, code, name in lost.successors)
            lines.append(
                f"    {lost.why}: {lost.code.code} {lost.code.name}" + (f" -> {successors}" if successors else "")
            )
        lines += map(_move, [*change.strings_in.shown[:_SHOWN], *change.strings_out.shown[:_SHOWN]])
        lines += [f"    WARNING: {warning}" for warning in change.warnings]
    if run is not None:
        lines.append(f"  run: {run.concerned:,} of {run.mentions:,} mentions are concerned")
        for row in run.rows.shown[:_SHOWN]:
            now = f" -> {row.now.code} {row.now.name}" if row.now and row.change != "new_parents" else ""
            change = row.change.replace("_", " ")
            lines.append(f"    {change}: {row.code.code} {row.code.name}{now}, {row.mentions:,} mentions")
        if not run.same_terminology:
            lines.append("    WARNING: the run was not made with the old terminology; the counts are an estimate")
        if not run.strings_known:
            lines.append("    the run keeps no strings (phi=minimal): only codes are compared")
    return "\n".join(lines)


def _move(row: MovedString) -> str:
    return (
        f"    {row.how}: {row.string or '(a derived form)'}: {row.before.code} {row.before.name}"
        f" -> {row.now.code} {row.now.name}"
    )
