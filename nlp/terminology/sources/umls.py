"""UMLS Metathesaurus releases: names from MRCONSO, semantic types from MRSTY, is-a and replacements from MRREL.

What comes out are the codes of chosen source vocabularies (`SourceOptions.umls_codes`), or the concept identifiers
(CUIs) themselves. Terms of further vocabularies (`umls_sources`) become synonyms of a code if it is the only one of its
vocabulary in their concept. Format: UMLS Reference Manual, chapter 3 (NBK9685).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..source_term import SourceError
from ..systems import canonical_system
from .content import SourceContent
from .options import DEFAULT_OPTIONS, SourceOptions
from .umls_files import Role, RrfTable, umls_tables
from .umls_relations import UmlsCodes, read_relations
from .umls_terms import UmlsTerms

# Its functions are made at import, which a type checker cannot see.
pc: Any = pyarrow.compute

CUIS = "UMLS"
"""Among `umls_codes`: the concept identifiers."""

_COLUMNS = ("CUI", "LAT", "TS", "STT", "ISPREF", "AUI", "SAB", "TTY", "CODE", "STR", "SRL", "SUPPRESS")
_KEPT = ("CUI", "TS", "STT", "ISPREF", "AUI", "SAB", "TTY", "CODE", "STR", "SRL")
_SUPPRESSED = ("O", "E", "Y")
# RxNorm's own release has the same tables; its identifiers are its codes.
_RXNORM = "RXNORM"


@dataclass(slots=True)
class _Names:
    """Rows of MRCONSO: those to take, and those of retired codes of the output vocabularies."""

    taken: list[pa.Table] = field(default_factory=list)
    obsolete: list[pa.Table] = field(default_factory=list)
    rows: int = 0


def read_umls(path: Path, options: SourceOptions = DEFAULT_OPTIONS) -> SourceContent | None:
    """Read a UMLS or RxNorm release: a folder, a zip, or MRCONSO.RRF by itself; None if it is none.

    Raises:
        SourceError: broken tables, a vocabulary or semantic type that the release lacks, or nothing left to take.
    """
    with umls_tables(path) as tables:
        return _read(path, tables, options) if tables else None


def _read(path: Path, tables: dict[Role, RrfTable], options: SourceOptions) -> SourceContent:
    content = SourceContent(path.name)
    conso = tables["conso"]
    codes = options.umls_codes
    if conso.name.upper().startswith("RXN") and codes == DEFAULT_OPTIONS.umls_codes:
        codes = (_RXNORM,)
    vocabularies = tuple(sab for sab in codes if sab.upper() != CUIS)
    cuis = len(vocabularies) < len(codes)
    wanted = tuple(dict.fromkeys((*vocabularies, *options.umls_sources)))
    if cuis and not options.umls_sources:
        wanted = ()  # all of them
    names = _read_names(conso, content, options, vocabularies, wanted)
    table = pa.concat_tables(names.taken) if names.taken else _empty()
    _check_vocabularies(path, table, names, vocabularies, wanted)
    types = _semantic_types(tables.get("sty"), table, names)
    if options.semantic_types:
        table = _of_types(path, table, types, options.semantic_types, content, conso.name)
    if not len(table):
        raise SourceError(
            path,
            None,
            "No name in the release passes the choices (vocabulary, language, term type, semantic type, restriction)",
            "Choose wider",
        )
    terms = UmlsTerms(content, conso.name, types, _ranks(tables.get("rank")))
    obsolete = pa.concat_tables(names.obsolete) if names.obsolete else _empty()
    atoms: list[tuple[pa.Table, UmlsCodes]] = []
    for sab in vocabularies:
        known = terms.take_vocabulary(sab, table)
        retired = terms.take_retired(sab, obsolete, known)
        atoms.append((pa.concat_tables([table, obsolete]), UmlsCodes(canonical_system(sab), sab, known, retired)))
    if cuis:
        atoms.append((table, UmlsCodes(CUIS, "", terms.take_cuis(table), set())))
    if terms.faulty:
        content.drops.refuse_mostly_bad(path, terms.rows)
    rel = tables.get("rel")
    if rel is None:
        content.notices.append(f"{path.name} has no MRREL.RRF, so it gives no is-a and no successors of retired codes")
    else:
        read_relations(rel, atoms, content)
    if "sty" not in tables:
        content.notices.append(f"{path.name} has no MRSTY.RRF, so codes without a SNOMED CT name have no semantic tag")
    content.release = _release(tables.get("sab"), vocabularies) or _folder_release(path)
    return content


def _read_names(
    conso: RrfTable,
    content: SourceContent,
    options: SourceOptions,
    vocabularies: tuple[str, ...],
    wanted: tuple[str, ...],
) -> _Names:
    names = _Names()
    for line, batch in conso.batches(_COLUMNS):
        names.rows += batch.num_rows
        left = pa.array(np.ones(batch.num_rows, bool))

        def drop(reason: str, bad: pa.Array, left: pa.Array, line: int = line) -> pa.Array:
            """Count the rows that are still there and bad; the others."""
            _count(content, conso.name, reason, line, pc.and_(left, bad))
            return pc.and_not(left, bad)

        column = {name: batch.column(name) for name in _COLUMNS}
        if wanted:
            left = drop("other_vocabulary", pc.invert(_among(column["SAB"], wanted)), left)
        left = drop("other_language", pc.invert(_among(column["LAT"], options.umls_languages)), left)
        if options.umls_term_types:
            left = drop("other_term_type", pc.invert(_among(column["TTY"], options.umls_term_types)), left)
        if options.max_restriction is not None:
            level = pc.cast(pc.if_else(pc.equal(column["SRL"], ""), "0", column["SRL"]), pa.int32())
            left = drop("restricted", pc.greater(level, options.max_restriction), left)
        suppressed = _among(column["SUPPRESS"], _SUPPRESSED)
        if not options.include_suppressible:
            gone = pc.and_(pc.and_(left, pc.equal(column["SUPPRESS"], "O")), _among(column["SAB"], vocabularies))
            _keep(names.obsolete, batch, gone, line)
            left = drop("suppressible", suppressed, left)
        left = drop("no_code", pc.and_(pc.equal(column["CODE"], "NOCODE"), _among(column["SAB"], vocabularies)), left)
        _keep(names.taken, batch, left, line)
    return names


def _keep(tables: list[pa.Table], batch: pa.RecordBatch, wanted: pa.Array, line: int) -> None:
    lines = pa.array(np.arange(line, line + batch.num_rows))
    rows = pa.table({**{name: batch.column(name) for name in _KEPT}, "line": lines}).filter(wanted)
    if len(rows):
        tables.append(rows)


def _empty() -> pa.Table:
    return pa.table({**{name: pa.array([], pa.string()) for name in _KEPT}, "line": pa.array([], pa.int64())})


def _count(content: SourceContent, name: str, reason: str, line: int, bad: pa.Array) -> None:
    places = np.flatnonzero(bad.to_numpy(zero_copy_only=False))
    for place in places[:5]:
        content.drops.leave_out(reason, f"{name}:{line + place}")
    if len(places) > 5:
        content.drops.leave_out(reason, f"{name}:{line + places[5]}", len(places) - 5)


def _among(values: pa.Array, names: tuple[str, ...]) -> pa.Array:
    return pc.is_in(values, value_set=pa.array(names, pa.string()))


def _check_vocabularies(
    path: Path, table: pa.Table, names: _Names, vocabularies: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    found = {str(sab) for sab in pc.unique(table["SAB"]).to_pylist()}
    found.update(str(sab) for rows in names.obsolete for sab in pc.unique(rows["SAB"]).to_pylist())
    absent = [sab for sab in (*vocabularies, *wanted) if sab not in found]
    if absent:
        raise SourceError(
            path,
            None,
            f"The release has no names to take of the vocabulary {absent[0]} ({names.rows:,} rows read)",
            "Give source abbreviations as the column SAB has them (SNOMEDCT_US, RXNORM, LNC, ICD10CM, HPO, ...), and "
            "check the choices of language, term type and restriction; a MetamorphoSys subset may lack the vocabulary",
        )


def _semantic_types(sty: RrfTable | None, table: pa.Table, names: _Names) -> dict[str, list[tuple[str, str]]]:
    """(TUI, name) of each concept that has a name among those taken."""
    found: dict[str, list[tuple[str, str]]] = {}
    if sty is None:
        return found
    rows_of_interest = [table, *names.obsolete]
    cuis = pc.unique(pa.concat_tables([rows.select(["CUI"]) for rows in rows_of_interest])["CUI"])
    pairs: dict[tuple[str, str], tuple[str, str]] = {}
    for _, batch in sty.batches(("CUI", "TUI", "STY")):
        rows = batch.filter(pc.is_in(batch.column("CUI"), value_set=cuis))
        for cui, tui, name in zip(*(rows.column(i).to_pylist() for i in range(3)), strict=True):
            found.setdefault(cui, []).append(pairs.setdefault((tui, name), (tui, name)))
    return found


def _of_types(
    path: Path,
    table: pa.Table,
    types: dict[str, list[tuple[str, str]]],
    wanted: tuple[str, ...],
    content: SourceContent,
    name: str,
) -> pa.Table:
    if not types:
        remedy = "Give the whole META folder, or build without --semantic-types"
        raise SourceError(path, None, "Semantic types were chosen, but there is no MRSTY.RRF", remedy)
    folded = {choice.strip().casefold() for choice in wanted}
    known = {word.casefold() for pairs in types.values() for pair in pairs for word in pair}
    unknown = sorted(folded - known)
    if unknown:
        remedy = "Give names or TUIs as MRSTY.RRF has them, such as `Disease or Syndrome` or T047"
        raise SourceError(path, None, f"No concept taken has the semantic type {unknown[0]}", remedy)
    cuis = [cui for cui, pairs in types.items() if any(word.casefold() in folded for pair in pairs for word in pair)]
    keep = _among(table["CUI"], tuple(cuis))
    for line in table.filter(pc.invert(keep))["line"].to_pylist():
        content.drops.leave_out("other_semantic_type", f"{name}:{line}")
    return table.filter(keep)


def _ranks(rank: RrfTable | None) -> dict[tuple[str, str], int]:
    """(vocabulary, term type) -> rank in MRRANK, higher is better."""
    if rank is None:
        return {}
    return {(sab, tty): int(number) for number, sab, tty in _cells(rank, ("RANK", "SAB", "TTY")) if number.isdigit()}


def _release(sab: RrfTable | None, vocabularies: tuple[str, ...]) -> str | None:
    """The versions of the output vocabularies, as MRSAB has them (`SNOMEDCT_US_2024_03_01`)."""
    if sab is None:
        return None
    rows = _cells(sab, ("VSAB", "RSAB", "CURVER"))
    versions = [version for version, name, current in rows if name in vocabularies and current == "Y"]
    return ", ".join(dict.fromkeys(versions)) or None


def _folder_release(path: Path) -> str | None:
    """`2024AA` in the path of a release."""
    match = re.search(r"(?:19|20)\d{2}A[AB]", f"{path.parent.name}/{path.name}", re.IGNORECASE)
    return match[0].upper() if match else None


def _cells(table: RrfTable, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for _, batch in table.batches(columns):
        yield from zip(*(batch.column(i).to_pylist() for i in range(len(columns))), strict=True)
