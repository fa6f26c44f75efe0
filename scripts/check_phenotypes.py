"""Check every code of the shipped phenotype definitions against its source, and that a run can find it.

    python scripts/check_phenotypes.py                     # shared data in ../shared
    python scripts/check_phenotypes.py --shared /data/shared

SNOMED codes stand in the SNOMED CT Global Patient Set or, if not there, in Mondo's exact mappings (check_lexicon.py);
LOINC codes in the codes of the Synthea modules. The name between bars must be the name that the source gives. A SNOMED
code must also be a concept of the starter lexicon, or no note of the demo could ever meet it. Exits 1 at any miss.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

from check_lexicon import Sources, load_sources, name_key, tsv_cells

from phenotext.nlp.starter import starter_terminology
from phenotext.pipelines.phenotypes.read_definition import read_definition
from phenotext.pipelines.phenotypes.shipped import shipped_files

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = re.compile(r"(?P<system>[^/]+)/(?P<code>\S+) \|(?P<name>.+)\|")


def loinc_names(shared: Path) -> dict[str, str]:
    """LOINC codes of the Synthea modules with their names."""
    path = shared / "data" / "terminology" / "synthea_modules" / "synthea_codes.tsv"
    with path.open(encoding="utf-8") as lines:
        rows = [list(cells.values()) for cells in tsv_cells(lines)]
    return {row[0]: row[2] for row in rows if row[1] == "LOINC"}


def miss(written: str, sources: Sources, loinc: dict[str, str]) -> str | None:
    """What is wrong with one code as a definition writes it."""
    match = WRITTEN.fullmatch(written)
    if match is None:
        return "is not written as SYSTEM/CODE |name|"
    code, name = match["code"], name_key(match["name"])
    if match["system"] == "LOINC":
        return None if name_key(loinc.get(code, "")) == name else "is not LOINC's name of the code"
    if match["system"] != "SNOMED":
        return f"is of {match['system']}, which has no source here"
    if name not in sources.names(code):
        return f"has another name in its source: {sorted(sources.names(code))[:3]}"
    return None if starter_terminology().find(code, "SNOMED") >= 0 else "is no concept of the starter lexicon"


def check(shared: Path) -> tuple[Counter[str], list[str]]:
    """Codes checked by definition, and the misses."""
    sources, loinc = load_sources(shared), loinc_names(shared)
    counts: Counter[str] = Counter()
    misses: list[str] = []
    for path in shipped_files():
        definition = read_definition(path)
        for name, entry in definition.document["concept_sets"].items():
            for written in (*entry.get("codes", ()), *entry.get("exclude", ())):
                counts[definition.phenotype_id] += 1
                wrong = miss(written, sources, loinc)
                if wrong is not None:
                    misses.append(f"{path.name}, concept_sets/{name}: {written} {wrong}")
    return counts, misses


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the codes of the shipped phenotype definitions.")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder with data/terminology")
    options = parser.parse_args()
    if not (options.shared / "data" / "terminology").is_dir():
        parser.error(f"{options.shared} holds no data/terminology; give the folder with --shared")
    counts, misses = check(options.shared)
    for phenotype, count in sorted(counts.items()):
        print(f"{phenotype:24} {count:4} codes")
    print(f"{'total':24} {counts.total():4} codes, {len(misses)} misses")
    for line in misses:
        print(f"MISS {line}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
