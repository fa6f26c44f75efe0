"""How rows of MRCONSO become terms: which name of a code is preferred, its semantic tag, and synonyms from other
vocabularies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from sys import intern
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute

from ..code_map import MAP_SCHEMA
from ..retired import RetiredCode
from ..semantic_tags import split_tag
from ..source_term import SourceTerm, TermKind
from ..systems import canonical_system, code_fault, tidy_code
from .content import SourceContent

# Its functions are made at import, which a type checker cannot see.
pc: Any = pyarrow.compute

_SNOMED_FULL_NAME = "FN"
# Where MRRANK is not at hand: term types from best to worst, as MRRANK has them for the vocabularies in clinical use.
_ORDER = tuple("PT PN MH SCD SBD IN PIN BN MIN HT HX LN LC OSN PTGB SY SYGB ET NM EN CE DN FN LPN AB ACR".split())
_ABBREVIATIONS = frozenset({"ACR", "AM", "SS"})
_LAY = frozenset({"CCS", "PTCS", "SYCS", "LVN"})


class _Row(NamedTuple):
    CUI: str
    TS: str
    STT: str
    ISPREF: str
    AUI: str
    SAB: str
    TTY: str
    CODE: str
    STR: str
    SRL: str
    line: int


class UmlsTerms:
    """Fills a `SourceContent` with terms.

    Args:
        content: what to fill.
        table: name of the table of names, for origins.
        types: (TUI, name) of the semantic types of each concept.
        ranks: (vocabulary, term type) -> rank, higher is better; empty if unknown.
    """

    def __init__(
        self,
        content: SourceContent,
        table: str,
        types: Mapping[str, list[tuple[str, str]]],
        ranks: Mapping[tuple[str, str], int],
    ) -> None:
        self.content = content
        self.table = table
        self.types = types
        self.ranks = ranks
        self.rows = 0
        self.faulty = 0

    def take_vocabulary(self, sab: str, table: pa.Table) -> set[str]:
        """Append the terms of a vocabulary's codes, and those of other vocabularies in the same concepts; the codes."""
        system = canonical_system(sab)
        own = pc.equal(table["SAB"], sab)
        by_code: dict[str, list[_Row]] = {}
        of_concept: dict[str, list[str]] = {}
        for row in _rows(table.filter(own)):
            self.rows += 1
            code = tidy_code(system, row.CODE)
            fault = None if code in by_code else code_fault(system, code)
            if fault or not row.STR.strip():
                self.faulty += 1
                self.content.drops.reject(fault or "empty_term", f"{self.table}:{row.line}")
                continue
            rows = by_code.setdefault(code, [])
            rows.append(row)
            codes = of_concept.setdefault(row.CUI, [])
            if code not in codes:
                codes.append(code)
        more = self._synonyms(table.filter(pc.invert(own)), of_concept)
        preferred: dict[str, str] = {}
        for code, rows in by_code.items():
            rows.sort(key=self._order)
            preferred[code] = self._append(system, code, rows, more.get(code, ()))
        self._map_concepts(system, of_concept, preferred)
        return set(by_code)

    def take_cuis(self, table: pa.Table) -> set[str]:
        """Append the terms of concepts under their CUIs; the CUIs."""
        by_concept: dict[str, list[_Row]] = {}
        for row in _rows(table):
            self.rows += 1
            if row.STR.strip():
                by_concept.setdefault(row.CUI, []).append(row)
            else:
                self.faulty += 1
                self.content.drops.reject("empty_term", f"{self.table}:{row.line}")
        for cui, rows in by_concept.items():
            # The concept's own preferred name first: TS=P, STT=PF, ISPREF=Y.
            rows.sort(key=lambda row: ((row.TS, row.STT, row.ISPREF) != ("P", "PF", "Y"), *self._order(row)))
            self._append("UMLS", cui, rows, ())
        return set(by_concept)

    def take_retired(self, sab: str, obsolete: pa.Table, known: set[str]) -> set[str]:
        """Note the codes that have obsolete names only; those codes."""
        system = canonical_system(sab)
        names: dict[str, list[_Row]] = {}
        for row in _rows(obsolete.filter(pc.equal(obsolete["SAB"], sab))):
            code = tidy_code(system, row.CODE)
            if code not in known and code_fault(system, code) is None:
                names.setdefault(code, []).append(row)
        for code, rows in names.items():
            # Obsolete names have types of their own (OAP, OAS, OAF), P for the preferred one.
            best = min(rows, key=lambda row: (not row.TTY.endswith("P"), row.line))
            self.content.retired[(system, code)] = RetiredCode(split_tag(best.STR)[0], "obsolete in the UMLS")
        return set(names)

    def _synonyms(self, table: pa.Table, of_concept: Mapping[str, list[str]]) -> dict[str, list[_Row]]:
        """Rows of other vocabularies by the code that they are synonyms of."""
        more: dict[str, list[_Row]] = {}
        for row in _rows(table):
            codes = of_concept.get(row.CUI, ())
            place = f"{self.table}:{row.line}"
            if not row.STR.strip():
                self.content.drops.leave_out("empty_synonym", place)
            elif len(codes) == 1:
                more.setdefault(codes[0], []).append(row)
            elif codes:
                self.content.drops.leave_out("concept_with_several_codes", place)
            else:
                self.content.drops.leave_out("concept_without_a_code", place)
        return more

    def _append(self, system: str, code: str, rows: list[_Row], more: Iterable[_Row]) -> str:
        code = intern(code)
        tag: str | None = None
        if system == "SNOMED":
            tags = (split_tag(row.STR)[1] for row in rows if row.TTY == _SNOMED_FULL_NAME)
            tag = next((its_tag for its_tag in tags if its_tag), None)
        tag = tag or self._tag(row.CUI for row in rows)
        preferred = _name(rows[0])
        levels = [int(row.SRL) for row in rows if row.SRL.isdigit()]
        if levels and min(levels):
            self.content.restrictions[(system, code)] = min(levels)
        seen: set[str] = set()
        for number, row in enumerate((*rows, *more)):
            text = _name(row)
            place = f"{self.table}:{row.line}"
            if text in seen:
                self.content.drops.leave_out("duplicate", place)
                continue
            seen.add(text)
            kind = "preferred" if number == 0 else _kind(row.TTY)
            self.content.terms.append(SourceTerm(code, system, text, preferred, kind, False, tag, place))
        return preferred

    def _tag(self, cuis: Iterable[str]) -> str | None:
        names = {name for cui in dict.fromkeys(cuis) for _, name in self.types.get(cui, ())}
        if not names:
            return None
        nearest = next((tag for name, tag in _nearest_tags().items() if name in names), None)
        return intern(nearest or min(names).lower())

    def _order(self, row: _Row) -> tuple[int, bool, int]:
        """Better names first: by MRRANK or the usual order of term types, then the preferred string, then the file."""
        if self.ranks:
            place = -self.ranks.get((row.SAB, row.TTY), 0)
        else:
            place = _ORDER.index(row.TTY) if row.TTY in _ORDER else len(_ORDER)
        return place, row.ISPREF != "Y", row.line

    def _map_concepts(self, system: str, of_concept: Mapping[str, list[str]], preferred: Mapping[str, str]) -> None:
        """CUIs as a map to codes, so that cross-references to the UMLS can be followed."""
        rows = [(cui, code, preferred[code]) for cui, codes in of_concept.items() for code in codes]
        text = {
            "source_system": ["UMLS"] * len(rows),
            "source_code": [cui for cui, _, _ in rows],
            "source_name": [""] * len(rows),
            "target_system": [system] * len(rows),
            "target_code": [code for _, code, _ in rows],
            "target_name": [name for _, _, name in rows],
            "target_domain": [""] * len(rows),
            "relationship": ["same concept in the UMLS"] * len(rows),
        }
        arrays = {name: pa.array(values, pa.string()) for name, values in text.items()}
        arrays["target_concept_id"] = pa.array([0] * len(rows), pa.int64())
        self.content.maps.append(pa.table([arrays[name] for name in MAP_SCHEMA.names], schema=MAP_SCHEMA))


def _rows(table: pa.Table) -> Iterator[_Row]:
    for batch in table.select(_Row._fields).to_batches(max_chunksize=100_000):
        for cells in zip(*(batch.column(i).to_pylist() for i in range(batch.num_columns)), strict=True):
            yield _Row(*cells)


def _name(row: _Row) -> str:
    text = " ".join(row.STR.split())
    return split_tag(text)[0] if row.SAB.startswith("SNOMED") else text


def _kind(term_type: str) -> TermKind:
    if term_type in _ABBREVIATIONS:
        return "abbreviation"
    return "lay" if term_type in _LAY else "synonym"


@cache
def _nearest_tags() -> dict[str, str]:
    """UMLS semantic type -> SNOMED CT semantic tag, in order of precedence."""
    text = files(f"{__name__.rsplit('.', 3)[0]}.data").joinpath("umls_semantic_types.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {cells[0]: cells[1] for cells in lines[1:]}
