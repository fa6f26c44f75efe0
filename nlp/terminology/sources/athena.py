"""OMOP vocabularies as Athena (athena.ohdsi.org) gives them: terms, is-a, retired codes and maps.

Read are CONCEPT, CONCEPT_SYNONYM, CONCEPT_RELATIONSHIP, CONCEPT_ANCESTOR and VOCABULARY; the other tables of a download
say nothing about names or codes. See `docs/sources/athena.md`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..source_term import SourceError
from .athena_concepts import Concepts, VocabularyRule, matched_rules, read_concepts, rows_matched, vocabulary_rules
from .athena_files import AthenaTables, Role
from .athena_relations import (
    MAPS_TO,
    Relationships,
    add_isa,
    add_maps,
    add_retired,
    read_direct_ancestors,
    read_relationships,
    unmapped_codes,
)
from .athena_rows import RowLog, row_blocks
from .athena_terms import add_terms, read_synonyms
from .content import SourceContent, resolve_chains
from .options import DEFAULT_OPTIONS, SourceOptions

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them


def read_athena(tables: AthenaTables, options: SourceOptions = DEFAULT_OPTIONS) -> SourceContent:
    """Read the tables that `find_athena` found.

    Raises:
        SourceError: no CONCEPT table, columns or rows that cannot be read, or vocabularies that are not there.
    """
    files = tables.of("concept")
    if not files:
        raise SourceError(
            tables.where,
            None,
            f"There is {tables.tables[0].name} but no CONCEPT table",
            "Put CONCEPT.csv of the same download beside it",
        )
    content = SourceContent(tables.where.name, _release(tables))
    log = RowLog(content.drops, content.repairs)
    concepts = read_concepts(files, log)
    rules = matched_rules(concepts, options, files[0].place)
    wanted = rows_matched(concepts, rules)
    synonyms = read_synonyms(tables.of("synonym"), concepts, wanted, log)
    nameless = add_terms(content, concepts, wanted, synonyms, files[0].name)
    del synonyms
    relations = read_relationships(tables.of("relationship"), concepts, log)
    edges = add_isa(content, concepts, wanted, *relations.of("Is a"))
    if not edges:
        edges = add_isa(content, concepts, wanted, *read_direct_ancestors(tables.of("ancestor"), concepts, log))
    add_retired(content, concepts, rows_matched(concepts, rules, retired=True), relations)
    for key in content.concept_ids.keys() & content.retired.keys():  # the code was used again
        del content.retired[key]
        content.redirects.pop(key[1], None)
    content.redirects = resolve_chains(content.redirects)
    add_maps(content, concepts, relations)
    content.notices = _notices(tables, concepts, rules, relations, nameless, edges, len(content.terms))
    return content


def _release(tables: AthenaTables) -> str | None:
    """The version of the vocabularies as a whole, which stands at the vocabulary called `None`."""
    for table in tables.of("vocabulary"):
        if "vocabulary_version" not in table.columns:
            continue
        for block in row_blocks(table, ["vocabulary_id", "vocabulary_version"], RowLog()):
            versions = block.filter(pc.equal(block["vocabulary_id"], "None"))["vocabulary_version"].to_pylist()
            if versions and versions[0].strip():
                return versions[0].strip()
    return None


def _notices(
    tables: AthenaTables,
    concepts: Concepts,
    rules: list[VocabularyRule],
    relations: Relationships,
    nameless: dict[str, int],
    edges: int,
    terms: int,
) -> list[str]:
    notices: list[str] = []
    if not terms:
        there = ", ".join(sorted(name for name in concepts.vocabulary.names if name))
        notices.append(f"No names are matched: of the vocabularies {there} none was asked for that has names to match.")
    losses: tuple[tuple[Role, str], ...] = (
        ("synonym", "synonyms"),
        ("relationship", "maps, hierarchy and successors of retired codes"),
    )
    for role, loss in losses:
        if not tables.of(role):
            notices.append(f"There is no CONCEPT_{role.upper()} table, so there are no {loss}.")
    if terms and not edges:
        notices.append("Neither CONCEPT_RELATIONSHIP nor CONCEPT_ANCESTOR has is-a relations of the concepts taken.")
    notices += _nameless(concepts, nameless)
    unmapped = {name: pair for name, pair in unmapped_codes(concepts, relations).items() if pair[0]}
    if unmapped and len(relations.of(MAPS_TO)[0]):
        parts = ", ".join(f"{name} {n:,} of {total:,}" for name, (n, total) in unmapped.items())
        notices.append(f"Codes in use without a map to a standard concept: {parts}.")
    lost = relations.unknown_target.get(MAPS_TO, 0)
    if lost:
        notices.append(
            f"{lost:,} maps lead to concepts that CONCEPT lacks: download the vocabularies of their targets too "
            "(SNOMED, RxNorm, LOINC, CVX)."
        )
    strays = relations.unknown_source.get(MAPS_TO, 0)
    if strays:
        notices.append(f"{strays:,} maps are of concepts that CONCEPT lacks; they were left out.")
    if concepts.bad_dates:
        notices.append(f"{concepts.bad_dates:,} validity dates of CONCEPT are no dates; nothing is decided by them.")
    unknown = [rule.vocabulary for rule in rules if rule.vocabulary not in vocabulary_rules()]
    if unknown:
        notices.append(f"Taken whole, as there is no rule for them: {', '.join(unknown)}.")
    return notices


def _nameless(concepts: Concepts, nameless: dict[str, int]) -> list[str]:
    """Whether names are missing, as those of CPT4 are until the user's own licence adds them."""
    rows = np.flatnonzero(concepts.vocabulary.among({"CPT4"}))
    notices: list[str] = []
    if len(rows):
        names, codes = concepts.name.take(pa.array(rows)), concepts.code.take(pa.array(rows))
        empty = int(pc.sum(pc.or_(pc.equal(names, ""), pc.equal(names, codes))).as_py())
        if empty * 2 > len(rows):
            notices.append(
                f"{empty:,} of {len(rows):,} CPT4 codes have no names. Their maps work; for names run the CPT4 tool "
                "of the download (cpt4.jar) with your UMLS licence key and build again."
            )
    others = {name: count for name, count in nameless.items() if name != "CPT4"}
    if others:
        parts = ", ".join(f"{name} {count:,}" for name, count in others.items())
        notices.append(f"Concepts without a name, which cannot be matched: {parts}.")
    return notices
