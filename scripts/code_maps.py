"""Facts of the shared ontologies that concept evaluation needs: HPO ids and edges, UMLS to SNOMED, one is-a step."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

PHENOTYPIC_ABNORMALITY = "HP:0000118"
_ALTERNATIVE = "http://www.geneontology.org/formats/oboInOwl#hasAlternativeId"
_REPLACED_BY = "http://purl.obolibrary.org/obo/IAO_0100001"


def _short(identifier: str) -> str:
    return identifier.rsplit("/", 1)[-1].replace("_", ":")


@dataclass(frozen=True, slots=True)
class Hpo:
    """`parents` by id, `successor` of alternative and retired ids, ids under HP:0000118, UMLS and SNOMED references."""

    parents: dict[str, set[str]]
    successor: dict[str, str]
    phenotypic: set[str]
    umls: dict[str, set[str]]
    snomed: dict[str, set[str]]

    def current(self, code: str) -> str:
        """The id that stands for `code` today."""
        seen = {code}
        while (following := self.successor.get(code)) is not None and following not in seen:
            code = following
            seen.add(code)
        return code

    @classmethod
    def read(cls, path: Path) -> Hpo:
        """Read an obographs JSON file, gzipped or not."""
        data = path.read_bytes()
        graph = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)["graphs"][0]
        parents: dict[str, set[str]] = defaultdict(set)
        children: dict[str, set[str]] = defaultdict(set)
        for edge in graph["edges"]:
            if edge["pred"] == "is_a":
                parents[_short(edge["sub"])].add(_short(edge["obj"]))
                children[_short(edge["obj"])].add(_short(edge["sub"]))
        successor: dict[str, str] = {}
        umls: dict[str, set[str]] = {}
        snomed: dict[str, set[str]] = {}
        for node in graph["nodes"]:
            code, meta = _short(node["id"]), node.get("meta", {})
            for value in meta.get("basicPropertyValues", []):
                if value["pred"] == _ALTERNATIVE:
                    successor[_short(value["val"])] = code
                elif value["pred"] == _REPLACED_BY and meta.get("deprecated"):
                    successor[code] = _short(value["val"])
            if not meta.get("deprecated"):
                references = [xref["val"].partition(":") for xref in meta.get("xrefs", [])]
                umls[code] = {value for name, _, value in references if name == "UMLS"}
                snomed[code] = {value for name, _, value in references if name in ("SNOMEDCT_US", "SNOMED_CT")}
        under: set[str] = set()
        waiting = [PHENOTYPIC_ABNORMALITY]
        while waiting:
            code = waiting.pop()
            if code not in under:
                under.add(code)
                waiting.extend(children.get(code, ()))
        return cls(dict(parents), successor, under, umls, snomed)

    def umls_to_snomed(self) -> dict[str, set[str]]:
        """SNOMED codes of each UMLS concept that a node gives together."""
        found: dict[str, set[str]] = defaultdict(set)
        for code, concepts in self.umls.items():
            for concept in concepts:
                if self.snomed[code]:
                    found[concept] |= self.snomed[code]
        return dict(found)


@dataclass(frozen=True, slots=True)
class Steps:
    """Unordered pairs of SNOMED codes that are one is-a step apart."""

    near: dict[str, set[str]]

    @classmethod
    def read(cls, isa_edges: Path, hpo: Hpo) -> Steps:
        """Direct edges of the Mondo table (child, parent, direct) and edges between HPO nodes with SNOMED codes."""
        near: dict[str, set[str]] = defaultdict(set)
        pairs: list[tuple[str, str]] = []
        for line in isa_edges.read_text(encoding="utf-8").splitlines()[1:]:
            child, parent, direct = line.split("\t")
            if direct == "1":
                pairs.append((child, parent))
        for child, parents in hpo.parents.items():
            for parent in parents:
                pairs += [(c, p) for c in hpo.snomed.get(child, ()) for p in hpo.snomed.get(parent, ())]
        for child, parent in pairs:
            near[child].add(parent)
            near[parent].add(child)
        return cls(dict(near))

    def within_one(self, code: str | None, wanted: set[str]) -> bool:
        """Whether `code` is one of `wanted` or one step from one of them."""
        return code in wanted or not self.near.get(code or "", set()).isdisjoint(wanted)


def mondo_umls_pairs(lexicon: Path) -> int:
    """How many rows of the Mondo lexicon carry a UMLS cross reference at all (none in the release seen)."""
    with gzip.open(lexicon, "rt", encoding="utf-8") as lines:
        return sum("UMLS:" in line for line in lines)
