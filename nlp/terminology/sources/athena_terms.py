"""From CONCEPT and CONCEPT_SYNONYM to terms."""

from __future__ import annotations

from sys import intern
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..semantic_tags import split_tag
from ..source_term import SourceTerm
from ..systems import canonical_system, code_fault, tidy_code
from .athena_concepts import Concepts, semantic_tag_of_class
from .athena_files import AthenaTable
from .athena_rows import RowLog, concept_numbers, row_blocks
from .content import SourceContent

pc: Any = pyarrow.compute  # its functions are made at run time, so that type checkers do not see them

ENGLISH = "4180186"
_TAGGED = frozenset({"SNOMED", "RxNorm", "RxNorm Extension"})
_NO_NAME = frozenset({"", "null", "\\n", "cpt4 code"})


def read_synonyms(
    tables: list[AthenaTable], concepts: Concepts, wanted: np.ndarray, log: RowLog
) -> dict[int, list[str]]:
    """English synonyms by row of CONCEPT, for the rows that are `wanted` ([n] bool). Others are counted if they are
    in another language or name no concept of CONCEPT; those of concepts that are not matched are not."""
    synonyms: dict[int, list[str]] = {}
    for table in tables:
        row = 2
        for block in row_blocks(table, ["concept_id", "concept_synonym_name", "language_concept_id"], log):
            numbers = concept_numbers(block["concept_id"], table, row + np.arange(len(block)), log)
            rows = concepts.rows_of(numbers)
            for place in np.flatnonzero((rows < 0) & (numbers >= 0)).tolist():
                log.drops.leave_out("synonym_of_unknown_concept", f"{table.name}:{row + place}")
            chosen = np.flatnonzero((rows >= 0) & wanted[rows])
            part = block.take(pa.array(chosen))
            language = pc.utf8_trim_whitespace(pc.replace_substring_regex(part["language_concept_id"], r"\.0*$", ""))
            for concept, text, spoken, place in zip(
                rows[chosen].tolist(),
                part["concept_synonym_name"].to_pylist(),
                language.to_pylist(),
                chosen.tolist(),
                strict=True,
            ):
                if spoken == ENGLISH:
                    synonyms.setdefault(concept, []).append(text.strip())
                else:
                    log.drops.leave_out("other_language", f"{table.name}:{row + place}")
            row += len(block)
    return synonyms


def add_terms(
    content: SourceContent, concepts: Concepts, wanted: np.ndarray, synonyms: dict[int, list[str]], file: str
) -> dict[str, int]:
    """Terms and OMOP concept ids of the `wanted` concepts, in the order of CONCEPT.

    Returns:
        Concepts without a name, by vocabulary.
    """
    tags = semantic_tag_of_class()
    nameless: dict[str, int] = {}
    for low in range(0, len(concepts), 1 << 16):
        rows = low + np.flatnonzero(wanted[low : low + (1 << 16)])
        places = pa.array(rows)
        codes, names = concepts.code.take(places).to_pylist(), concepts.name.take(places).to_pylist()
        for row, given, name in zip(rows.tolist(), codes, names, strict=True):
            system = canonical_system(concepts.vocabulary[row])
            code = tidy_code(system, given)
            origin = f"{file}#{concepts.ids[row]}"
            fault = code_fault(system, code)
            if fault:
                content.drops.reject(fault, origin)
                continue
            if name.casefold() in _NO_NAME or name == code:
                nameless[system] = nameless.get(system, 0) + 1
                content.drops.leave_out("no_name", origin)
                continue
            tag = tags.get(concepts.concept_class[row]) if system in _TAGGED else None
            if system == "SNOMED":
                name, told = split_tag(name)
                told = told or next((t for s in synonyms.get(row, ()) if (t := split_tag(s)[1])), None)
                tag = told or tag
            content.concept_ids[system, code] = int(concepts.ids[row])
            _add(content, system, code, name, synonyms.get(row, []), intern(tag) if tag else None, origin)
    return nameless


def _add(
    content: SourceContent, system: str, code: str, name: str, synonyms: list[str], tag: str | None, origin: str
) -> None:
    """The concept's name and its synonyms, each string once."""
    content.terms.append(SourceTerm(code, system, name, name, "preferred", False, tag, origin))
    seen = {name.casefold()}
    for text in synonyms:
        if system == "SNOMED":
            text = split_tag(text)[0]
        folded = text.casefold()
        if not text or folded in seen:
            content.drops.leave_out("duplicate" if text else "empty_term", origin)
            continue
        seen.add(folded)
        content.terms.append(SourceTerm(code, system, text, name, "synonym", False, tag, origin))
