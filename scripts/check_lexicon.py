"""Check every code and name of the starter lexicon and of the abbreviation table against their sources.

    python scripts/check_lexicon.py                     # shared data in ../shared
    python scripts/check_lexicon.py --shared /data/shared --verbose

Sources, both CC BY 4.0: the SNOMED CT Global Patient Set (``GPS``) and, for codes that are not in it, Mondo's exact
mappings (``MONDO``). A code is a hit when its source holds it and one of its terms here equals the name there after
``name_key``.
Prints a table of hits and misses per file, every miss with file and line, and exits 1 if there is one.
"""

import argparse
import gzip
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEXICON_COLUMNS = ("code", "system", "term", "preferred", "kind", "chronic", "area", "source", "semantic_tag")
ABBREVIATION_COLUMNS = (
    "abbreviation", "expansion", "code", "system", "section", "specialty", "neighbours", "priority", "area",
)  # fmt: skip
KINDS = frozenset({"preferred", "synonym", "abbreviation", "lay", "misspelling"})
SOURCES = frozenset({"GPS", "MONDO"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, with where it stands."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(frozen=True, slots=True)
class Sources:
    """Names by code, as ``name_key`` gives them: the Global Patient Set and Mondo's exact mappings."""

    gps: dict[str, str]
    mondo: dict[str, frozenset[str]]

    def names(self, code: str) -> frozenset[str]:
        if code in self.gps:
            return frozenset({self.gps[code]})
        return self.mondo.get(code, frozenset())

    def owner(self, code: str) -> str | None:
        if code in self.gps:
            return "GPS"
        return "MONDO" if code in self.mondo else None


@dataclass(slots=True)
class Report:
    """Misses as ``(file, line, message)``, and the counts of each file."""

    misses: list[tuple[str, int, str]] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def miss(self, row: Row, message: str) -> None:
        self.misses.append((row.file, row.line, message))


def name_key(text: str) -> str:
    """Lower case; accents, punctuation and possessive 's away: two spellings with one key are the same name.

    >>> name_key("Crohn's disease, of ILEUM")
    'crohn disease of ileum'
    """
    decomposed = unicodedata.normalize("NFKD", re.sub(r"['’](s\b)?", "", text))
    bare = "".join(char for char in decomposed if not unicodedata.combining(char)).lower()
    return " ".join(re.findall(r"\w+", bare))


def agreement_key(key: str) -> str:
    """A ``name_key`` without plural endings: the official name is often singular where notes write the plural."""
    return " ".join(re.sub(r"(?<=\w\w)(?<![sui])s$", "", word) for word in key.split())


def read_table(path: Path, columns: tuple[str, ...], report: Report) -> list[Row]:
    """The rows of a tab-separated file without quoting; a line of another shape is a miss and is left out."""
    rows: list[Row] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        cells = line.split("\t")
        row = Row(path.name, number, dict(zip(columns, cells)))
        if number == 1:
            if tuple(cells) != columns:
                report.miss(row, f"header is {cells}, expected {list(columns)}")
                return []
        elif len(cells) != len(columns):
            report.miss(row, f"{len(cells)} cells, expected {len(columns)}")
        elif any(cell != cell.strip() for cell in cells):
            report.miss(row, "a cell starts or ends with white space")
        else:
            rows.append(row)
    return rows


def tsv_cells(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    header = next(lines).rstrip("\n").split("\t")
    for line in lines:
        yield dict(zip(header, line.rstrip("\n").split("\t")))


def load_sources(shared: Path) -> Sources:
    """Names of both sources; of Mondo, labels and exact synonyms of nodes that are mapped exactly."""
    terminology = shared / "data" / "terminology"
    with (terminology / "snomed_gps_2020" / "gps_2020.tsv").open(encoding="utf-8") as lines:
        gps = {cells["code"]: name_key(cells["term"]) for cells in tsv_cells(lines)}
    mondo: dict[str, set[str]] = defaultdict(set)
    with gzip.open(terminology / "mondo" / "lexicon.tsv.gz", "rt", encoding="utf-8") as lines:
        for cells in tsv_cells(lines):
            if cells["mapping"] == "exact" and cells["scope"] in {"LABEL", "EXACT"}:
                mondo[cells["code"]].add(name_key(cells["term"]))
    return Sources(gps, {code: frozenset(names) for code, names in mondo.items()})


def check_row(row: Row, report: Report) -> None:
    if row["system"] != "SNOMED":
        report.miss(row, f"system {row['system']!r}, expected 'SNOMED'")
    if row["kind"] not in KINDS:
        report.miss(row, f"kind {row['kind']!r}, expected one of {sorted(KINDS)}")
    if row["chronic"] not in {"0", "1"}:
        report.miss(row, f"chronic {row['chronic']!r}, expected 0 or 1")
    if row["source"] not in SOURCES:
        report.miss(row, f"source {row['source']!r}, expected one of {sorted(SOURCES)}")
    if row["area"] != Path(row.file).stem:
        report.miss(row, f"area {row['area']!r} in file {row.file}")
    if not name_key(row["term"]):
        report.miss(row, "empty term")


def check_concept(rows: list[Row], sources: Sources, report: Report) -> None:
    """One code's rows: known code, agreeing name, one preferred term, the same facts on every row, no term twice."""
    first, code = rows[0], rows[0]["code"]
    counts = report.counts[first.file]
    counts["concepts"] += 1
    for row in rows:
        report.counts[row.file]["terms"] += 1
    owner = sources.owner(code)
    counts[owner or "unknown"] += 1
    if owner is None:
        report.miss(first, f"code {code} is neither in the Global Patient Set nor an exact Mondo mapping")
    elif owner != first["source"]:
        report.miss(first, f"code {code}: source is {owner}, the row says {first['source']}")
    elif not set(map(agreement_key, sources.names(code))) & {agreement_key(name_key(row["term"])) for row in rows}:
        report.miss(first, f"code {code}: no term equals its name in {owner}: {sorted(sources.names(code))[:4]}")
    for column in ("preferred", "chronic", "source"):
        if len({row[column] for row in rows}) > 1:
            report.miss(
                first, f"code {code}: {column} differs between its rows {sorted({row[column] for row in rows})}"
            )
    preferred = [row["term"] for row in rows if row["kind"] == "preferred"]
    if preferred != [first["preferred"]]:
        report.miss(first, f"code {code}: preferred rows {preferred}, preferred column {first['preferred']!r}")
    seen: set[str] = set()
    for row in rows:
        # Abbreviations are matched as written, so AFib and AFIB are two terms.
        key = row["term"] if row["kind"] == "abbreviation" else row["term"].lower()
        if key in seen:
            report.miss(row, f"code {code}: term {row['term']!r} stands twice")
        seen.add(key)


def check_lexicon(rows: list[Row], sources: Sources, report: Report) -> dict[str, list[Row]]:
    """Checks every lexicon row; returns the rows by code."""
    concepts: dict[str, list[Row]] = defaultdict(list)
    owners: dict[str, tuple[str, Row]] = {}
    for row in rows:
        check_row(row, report)
        concepts[row["code"]].append(row)
        code, other = owners.setdefault(name_key(row["term"]), (row["code"], row))
        if code != row["code"]:
            report.miss(row, f"term {row['term']!r} names {row['code']} and {code} ({other.file}:{other.line})")
    for group in concepts.values():
        # A file may add terms to a concept of another area; the preferred row stands in its home file.
        home = next((row.file for row in group if row["kind"] == "preferred"), group[0].file)
        check_concept(sorted(group, key=lambda row: row.file != home), sources, report)
    return concepts


def check_senses(rows: list[Row], concepts: dict[str, list[Row]], sources: Sources, report: Report) -> None:
    """Senses: a coded one's expansion is a term of its code; one default each; none ambiguous in the lexicon."""
    terms = {code: {name_key(row["term"]) for row in group} | sources.names(code) for code, group in concepts.items()}
    written = {row["term"]: row for group in concepts.values() for row in group}
    senses: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        senses[row["abbreviation"]].append(row)
        counts = report.counts[row.file]
        counts["terms"] += 1
        code = row["code"]
        if not row["expansion"]:
            report.miss(row, f"{row['abbreviation']}: no expansion")
        if row["priority"] not in set("123456789"):
            report.miss(row, f"{row['abbreviation']}: priority {row['priority']!r}, expected 1 to 9")
        if row["system"] != ("SNOMED" if code else ""):
            report.miss(row, f"{row['abbreviation']}: system {row['system']!r} with code {code!r}")
        counts["not coded" if not code else sources.owner(code) or "unknown"] += 1
        if code and name_key(row["expansion"]) not in terms.get(code, sources.names(code)):
            report.miss(row, f"{row['abbreviation']}: {row['expansion']!r} is no term of code {code}")
    for abbreviation, group in senses.items():
        report.counts[group[0].file]["concepts"] += 1
        defaults = sum(row["priority"] == "1" for row in group)
        if defaults != 1:
            report.miss(group[0], f"{abbreviation}: {defaults} senses with priority 1, expected one")
        if len({name_key(row["expansion"]) for row in group}) < len(group):
            report.miss(group[0], f"{abbreviation}: a sense stands twice")
        held = written.get(abbreviation)
        if held and {row["code"] for row in group} != {held["code"]}:
            report.miss(held, f"{abbreviation} has several senses ({group[0].file}:{group[0].line}): the table decides")


def print_report(report: Report, verbose: bool) -> None:
    columns = ("concepts", "terms", "GPS", "MONDO", "not coded", "unknown")
    missed = Counter(file for file, _, _ in report.misses)
    width = max(map(len, report.counts), default=4)
    print(f"{'file':{width}} " + " ".join(f"{name:>9}" for name in (*columns, "misses")))
    for file in sorted(report.counts):
        numbers = [report.counts[file][name] for name in columns]
        print(f"{file:{width}} " + " ".join(f"{number:9}" for number in (*numbers, missed[file])))
    total = sum(report.counts.values(), Counter())
    print(f"{'total':{width}} " + " ".join(f"{n:9}" for n in (*(total[name] for name in columns), len(report.misses))))
    for file, line, message in report.misses if verbose else report.misses[:200]:
        print(f"MISS {file}:{line}: {message}")


def check(data: Path, shared: Path) -> Report:
    """Checks ``data/lexicon/*.tsv`` and ``data/abbreviations.tsv`` against the terminologies under ``shared``."""
    report = Report()
    sources = load_sources(shared)
    lexicon = [
        row for path in sorted((data / "lexicon").glob("*.tsv")) for row in read_table(path, LEXICON_COLUMNS, report)
    ]
    concepts = check_lexicon(lexicon, sources, report)
    senses = read_table(data / "abbreviations.tsv", ABBREVIATION_COLUMNS, report)
    check_senses(senses, concepts, sources, report)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the starter lexicon's codes and names against their sources.")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder with data/terminology")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "nlp" / "data", help="folder with lexicon/ and abbreviations.tsv"
    )
    parser.add_argument("--verbose", action="store_true", help="list every miss, not the first 200")
    options = parser.parse_args()
    if not (options.shared / "data" / "terminology").is_dir():
        parser.error(f"{options.shared} holds no data/terminology; give the folder with --shared")
    report = check(options.data, options.shared)
    print_report(report, options.verbose)
    return 1 if report.misses else 0


if __name__ == "__main__":
    sys.exit(main())
