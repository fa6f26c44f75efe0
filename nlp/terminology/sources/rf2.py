"""SNOMED CT releases (RF2): a folder or zip, International with extensions, read as one source.

Where they come from and what is read: `docs/sources/rf2.md`.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..source_term import SourceError
from .content import SourceContent
from .options import DEFAULT_OPTIONS, SourceOptions
from .rf2_concepts import Concepts, read_concepts
from .rf2_files import Release, open_release
from .rf2_hierarchy import read_edges
from .rf2_history import read_history
from .rf2_names import Names, read_names
from .rf2_refsets import read_maps, read_refsets
from .rf2_rows import ReadLog

_TOGETHER = "Put it into one folder with the Snapshot or Full release before it"
_SCTID = re.compile(r"[0-9]{6,18}")
_FICTITIOUS = (
    "If these are made-up ids of a test release, build with --no-check-digits or read with "
    "SourceOptions(check_digits=False); otherwise fetch the release again"
)


def read_rf2(path: Path, options: SourceOptions = DEFAULT_OPTIONS) -> SourceContent | None:
    """The content of the release at a folder or zip; None where there is no RF2 file.

    Args:
        path: a folder at any level of a release, a zip, or a folder or zip that holds several releases.
        options: languages, the language reference sets that choose preferred terms, and whether ids are checked.

    Raises:
        SourceError: a file or zip that cannot be read, a missing file, or a release that gives nothing.
    """
    for refset in options.language_refsets:
        if not _SCTID.fullmatch(refset):
            problem = f"`{refset[:30]}` is no id of a language reference set"
            raise SourceError(path, None, problem, "Give ids such as 900000000000509007 (US English)")
    with open_release(path) as release:
        return None if release is None else _content(release, options)


def _content(release: Release, options: SourceOptions) -> SourceContent:
    _require_files(release)
    log = ReadLog()
    concepts = read_concepts(release, log, options.check_digits)
    _refuse_bad_ids(release, concepts, log)
    names = read_names(release, concepts, options, log)
    edges = read_edges(release, concepts, log, options.check_digits)
    history = read_history(release, concepts, names, log)
    refsets = read_refsets(release, log)
    maps, map_notices = read_maps(release, concepts, names, log)
    content = SourceContent(
        release.path.name,
        _release_name(release),
        names.terms,
        log.drops,
        redirects=history.redirects,
        skipped_files=release.skipped,
        isa={"SNOMED": edges.pairs} if edges.pairs else {},
        retired=history.retired,
        refsets=refsets,
        maps=maps,
    )
    if names.without:
        log.drops.counts["concept_without_name"] = names.without
        log.drops.places["concept_without_name"] = _without_names(concepts, names)
    if not (content.terms or content.retired or refsets or any(len(table) for table in maps)):
        raise _nothing(release, log)
    content.notices = [*_notices(release, concepts, names, log), *edges.notices, *map_notices]
    if names.terms and not edges.pairs:
        content.notices.append("There is no is-a relationship between concepts in use, so that there is no hierarchy")
    if edges.odd_ids:
        content.notices.append(
            f"{edges.odd_ids:,} is-a relationships have ids that fail the check digit or the partition; they are kept, "
            "as these ids are used for nothing but telling versions apart"
        )
    return content


def _require_files(release: Release) -> None:
    """Descriptions and relationships mean nothing without concepts, nor a Snapshot's concepts without descriptions."""
    if release.of("description", "relationship") and not release.of("concept"):
        problem = "The release has descriptions or relationships but no Concept file"
        raise SourceError(release.path, None, problem, "Give the whole release folder, or its zip")
    whole = [file for file in release.of("concept") if file.type != "Delta"]
    if whole and not release.of("description"):
        problem = "The release has a Concept file but no Description file"
        raise SourceError(release.path, None, problem, "Give the whole release folder, or its zip")


def _refuse_bad_ids(release: Release, concepts: Concepts, log: ReadLog) -> None:
    bad = {
        reason: log.drops.counts[reason]
        for reason in ("check_digit", "wrong_partition", "spreadsheet_number", "malformed_code")
        if reason in log.drops.counts
    }
    if sum(bad.values()) > len(concepts.ids):
        reason = max(bad, key=lambda reason: bad[reason])
        problem = (
            f"{sum(bad.values()):,} of {sum(bad.values()) + len(concepts.ids):,} concept ids are faulty "
            f"({reason.replace('_', ' ')}, the first at {log.drops.places[reason][0]})"
        )
        raise SourceError(release.path, None, problem, _FICTITIOUS)


def _nothing(release: Release, log: ReadLog) -> SourceError:
    if not log.rows:
        problem = "The release is empty: its files have headers and no rows"
        return SourceError(release.path, None, problem, "Give a release with content; a Delta goes with its Snapshot")
    if release.is_delta_only():
        problem = "The release is a Delta that gives no term, retired concept, reference set or map by itself"
        return SourceError(
            release.path, None, problem, "Put it into one folder with the Snapshot or Full release before it"
        )
    problem = "The release gives nothing: no description belongs to a concept that is in use"
    return SourceError(release.path, None, problem, "Check that the Concept and Description files belong together")


def _release_name(release: Release) -> str | None:
    """Countries and dates in the names of the concept files (else of all): `INT 20230131, US1000124 20230901`."""
    files = release.of("concept") or release.files
    return ", ".join(sorted({file.release for file in files if file.release})) or None


def _without_names(concepts: Concepts, names: Names) -> list[str]:
    found = (
        code
        for code, name, active in zip(concepts.codes, names.preferred, concepts.active.tolist(), strict=True)
        if active and name is None
    )
    return [f"concept#{code}" for code, _ in zip(found, range(5), strict=False)]


def _notices(release: Release, concepts: Concepts, names: Names, log: ReadLog) -> list[str]:
    """What a user should know, a sentence each."""
    notices: list[str] = []
    packages = sorted({file.package or "." for file in release.files})
    if len(packages) > 1:
        notices.append(f"{len(packages)} releases were read as one, the newest row of every id: {', '.join(packages)}")
    if release.left_out:
        notices.append(f"{len(release.left_out)} Full files were passed over, because their Snapshots are there")
    full = sum(file.type == "Full" for file in release.files)
    if full:
        notices.append(f"{full} Full files were read; the newest row of every id counts")
    if release.is_delta_only():
        notices.append(
            "This is a Delta without the release it changes: names and relationships of concepts that it does not "
            "list are missing. Put both into one folder"
        )
    elif any(file.type == "Delta" for file in release.files):
        notices.append("The Delta files were applied to the others by effectiveTime")
    if release.of("concept"):
        modules = ", ".join(f"{module} ({count:,})" for module, count in sorted(concepts.modules.items()))
        notices.append(f"Concepts in use by module: {modules or 'none'}")
    if names.terms and not names.languages:
        notices.append(
            "There is no language reference set, so that all descriptions in use count as acceptable and the full name "
            "without its tag as the preferred term"
        )
    if release.of("concept") and not names.terms:
        notices.append("There is no term: no description belongs to a concept that is in use here")
    if names.untagged:
        notices.append(f"{names.untagged:,} fully specified names have no semantic tag")
    if log.comments:
        notices.append(f"{log.comments:,} comment lines (#) were passed over; published releases have none")
    if log.unpublished:
        notices.append(f"{log.unpublished:,} rows have no effectiveTime, they are unpublished and count as the newest")
    unused = sorted(file.name for file in release.unused)
    if unused:
        notices.append(f"{len(unused)} RF2 files of kinds that are not used here were passed over: {', '.join(unused)}")
    return notices
