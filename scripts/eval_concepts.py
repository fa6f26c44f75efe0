"""Score concept recognition: HPO on hpo_gsc_plus and hpo_id68, the open SNOMED lexicon on medcat_mtsamples and e3c.

    python scripts/eval_concepts.py [--shared DIR] [--sets NAME ...] [--peer-python PATH] [--show SET] [--json OUT]

HPO sets: old gold ids go to their successors; predictions are kept under Phenotypic abnormality HP:0000118, gold is
scored with all codes and with those codes only (published GSC+ scores count the latter). Gold rows that their authors
mark as negated, related or discontinuous count like the others. SNOMED sets: only terms of the wanted semantic tags are
built (disorders; disorders and findings), spans are scored without codes, and code accuracy where HPO gives a UMLS code
together with SNOMED codes. The peer is medspaCy's target matcher over the same rows. `--show` prints the strings of
errors of a tune set to the terminal; measure-only sets are refused. Intervals: 95 %, bootstrap by document, seeded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from code_maps import Hpo, Steps, mondo_umls_pairs
from phenotext.nlp import Extractor
from phenotext.nlp.terminology import build_terminology, read_source
from scoring import REPOSITORY, can_import, print_table, read_json_lines
from span_scoring import (
    BOTH,
    FIGURE_NAMES,
    MISSED,
    RIGHT,
    SPURIOUS,
    WRONG_CODE,
    CodedSpan,
    best_match,
    cause,
    document,
    exact,
    exact_uncoded,
    figures,
    overlapping,
    overlapping_uncoded,
)

DRIVER = Path(__file__).resolve().parent / "peers" / "medspacy_targets.py"
TUNE = ("hpo_id68", "medcat_mtsamples")
MEASURE_ONLY = ("hpo_gsc_plus", "e3c_layer1")
TAGS = {"medcat_mtsamples": {"disorder"}, "e3c_layer1": {"disorder", "finding"}}
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its gold spans."""

    text: str
    gold: tuple[CodedSpan, ...]


Predict = Callable[[Sequence[Document]], list[list[CodedSpan]]]


def read_documents(path: Path) -> list[Document]:
    """Documents of a span file; of E3C the disorders (layer CLINENTITY)."""
    documents: list[Document] = []
    for row in read_json_lines(path):
        spans: Any = row["spans"]
        kept = [s for s in spans if (s["attributes"] or {}).get("layer", "CLINENTITY") == "CLINENTITY"]
        gold = tuple(CodedSpan(s["start"], s["end"], s["code"]) for s in kept)
        documents.append(Document(str(row["text"]), gold))
    return documents


def lexicon_rows(lexicon: Path, tags: set[str], out: Path) -> Path:
    """The rows of the open lexicon that have one of `tags`."""
    lines = lexicon.read_text(encoding="utf-8").split("\n")
    column = lines[0].split("\t").index("semantic_tag")
    kept = [line for line in lines[1:] if line and line.split("\t")[column] in tags]
    out.write_text("\n".join([lines[0], *kept]) + "\n", encoding="utf-8")
    return out


def phenotext(source: Path, folder: Path) -> tuple[Extractor, Predict]:
    """This package's extractor over the terms of `source`."""
    artefact = folder / f"{source.name}.ptx"
    build_terminology([source], artefact)
    extractor = Extractor.load(artefact)

    def predict(documents: Sequence[Document]) -> list[list[CodedSpan]]:
        notes = extractor.pipe([d.text for d in documents])
        return [[CodedSpan(m.start, m.end, m.code) for m in note.mentions] for note in notes]

    return extractor, predict


def medspacy(python: str, source: Path, folder: Path) -> Predict:
    """medspaCy's target matcher over the same terms, in an interpreter of its own; its stderr is thrown away."""
    terms = folder / f"{source.name}.terms.tsv"
    rows = dict.fromkeys(f"{term.code}\t{term.term}" for term in read_source(source).terms)
    terms.write_text("\n".join(rows) + "\n", encoding="utf-8")

    def predict(documents: Sequence[Document]) -> list[list[CodedSpan]]:
        lines = "".join(json.dumps({"text": d.text}) + "\n" for d in documents)
        done = subprocess.run(
            [python, str(DRIVER), "--terms", str(terms)], input=lines.encode(), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        answers = [json.loads(line)["spans"] for line in done.stdout.decode().splitlines()]
        if done.returncode or len(answers) != len(documents):
            raise RuntimeError(
                f"{DRIVER.name} ended with {done.returncode} after {len(answers)} of {len(documents)} texts;"
                " check that medspacy imports in that interpreter"
            )
        return [[CodedSpan(*span) for span in spans] for spans in answers]

    return predict


def causes(
    documents: Sequence[Document], found: Sequence[list[CodedSpan]], *, coded: bool, extractor: Extractor | None
) -> dict[str, Counter[str]]:
    """Strings by cause, for gold ("gold: ...") and for predictions ("predicted: ...").

    With the extractor what is missed is split by what its dictionary says of the whole string.
    """
    listing: dict[str, Counter[str]] = {}
    for doc, predicted in zip(documents, found):
        for side, spans, others, nothing in (
            ("gold", doc.gold, predicted, MISSED),
            ("predicted", predicted, doc.gold, SPURIOUS),
        ):
            for span in sorted(set(spans), key=lambda s: (s.start, s.end, s.code or "")):
                answer = best_match(span, others, lambda other, code=span.code: coded and other.code == code)
                why = cause(span, answer, coded=coded, nothing=nothing)
                string = " ".join(doc.text[span.start : span.end].split())
                if why == MISSED and extractor is not None:
                    codes = [extractor.terminology.codes[c] for c in extractor.terminology.lookup(string)]
                    why += (
                        ", no such term"
                        if not codes
                        else ", a term"
                        if not coded or span.code in codes
                        else ", a term of other codes"
                    )
                if answer is not None:
                    other = " ".join(doc.text[answer.start : answer.end].split())
                    string += f" <> {other}" if other != string else ""
                    string += f" [{span.code} <> {answer.code}]" if why in (WRONG_CODE, BOTH) else ""
                elif coded:
                    string += f" [{span.code}]"
                listing.setdefault(f"{side}: {why}", Counter())[string] += 1
    return listing


def print_causes(name: str, listing: dict[str, Counter[str]], *, show: bool) -> dict[str, int]:
    """The counts by cause, and with `show` the commonest strings of each."""
    counts = {why: sum(strings.values()) for why, strings in sorted(listing.items())}
    print(f"Errors of {name} by cause: " + "; ".join(f"{why} {number}" for why, number in counts.items()) + "\n")
    for why, strings in sorted(listing.items()) if show else ():
        if not why.endswith(RIGHT):
            print(f"  {why}")
            for string, number in strings.most_common(SHOWN):
                print(f"    {number:3d}  {string}")
    return counts


@dataclass(frozen=True, slots=True)
class Settings:
    """What a set's evaluation needs besides its documents."""

    folder: Path
    hpo: Hpo
    peer_python: str | None
    show: str | None

    def systems(self, source: Path) -> tuple[Extractor, dict[str, Predict]]:
        extractor, own = phenotext(source, self.folder)
        chosen = {"phenotext": own}
        if self.peer_python is not None:
            chosen["medspaCy targets"] = medspacy(self.peer_python, source, self.folder)
        return extractor, chosen


def score_hpo(name: str, documents: Sequence[Document], source: Path, settings: Settings) -> list[list[object]]:
    """Exact, overlapping and document-level figures with HPO codes."""
    hpo = settings.hpo
    every = [
        Document(d.text, tuple(CodedSpan(s.start, s.end, hpo.current(s.code or "")) for s in d.gold)) for d in documents
    ]
    only = [Document(d.text, tuple(s for s in d.gold if s.code in hpo.phenotypic)) for d in every]
    extractor, systems = settings.systems(source)
    rows: list[list[object]] = []
    for system, predict in systems.items():
        found = [[s for s in spans if s.code in hpo.phenotypic] for spans in predict(documents)]
        for label, gold in (("HP:0000118 only", only), ("all codes", every)):
            for level, measure in (
                ("mention exact", exact),
                ("mention overlap", overlapping),
                ("document", document),
                ("span exact, no code", exact_uncoded),
            ):
                tallies = [measure(d.gold, spans) for d, spans in zip(gold, found)]
                rows.append([system, label, level, *figures(tallies).cells()])
        listing = causes(only, found, coded=True, extractor=extractor if system == "phenotext" else None)
        print_causes(f"{system} on {name}", listing, show=settings.show == name and system == "phenotext")
    print_table(["system", "gold codes", "level", *FIGURE_NAMES], rows)
    return rows


def score_snomed(
    name: str, documents: Sequence[Document], lexicon: Path, steps: Steps, settings: Settings
) -> list[list[object]]:
    """Span figures without codes, then code accuracy on the UMLS codes that HPO takes to SNOMED."""
    source = lexicon_rows(lexicon, TAGS[name], settings.folder / f"{name}.tsv")
    extractor, systems = settings.systems(source)
    to_snomed = settings.hpo.umls_to_snomed()
    coded = sum(s.code is not None for d in documents for s in d.gold)
    mapped = sum(s.code in to_snomed for d in documents for s in d.gold)
    rows: list[list[object]] = []
    accuracy: list[list[object]] = []
    for system, predict in systems.items():
        found = predict(documents)
        for level, measure in (("overlap", overlapping_uncoded), ("exact", exact_uncoded)):
            rows.append([system, level, *figures([measure(d.gold, s) for d, s in zip(documents, found)]).cells()])
        seen = right = near = 0
        for doc, spans in zip(documents, found):
            for span in doc.gold:
                wanted = to_snomed.get(span.code or "")
                answer = best_match(span, spans, lambda other: False) if wanted else None
                if wanted and answer is not None:
                    seen, right = seen + 1, right + (answer.code in wanted)
                    near += steps.within_one(answer.code, wanted)
        accuracy.append([system, coded, mapped, seen, right, near, right / max(seen, 1), near / max(seen, 1)])
        listing = causes(documents, found, coded=False, extractor=extractor if system == "phenotext" else None)
        print_causes(f"{system} on {name}", listing, show=settings.show == name and system == "phenotext")
    print_table(["system", "spans", *FIGURE_NAMES], rows)
    print(
        f"Code accuracy: {mapped} of {coded} coded gold spans ({mapped / max(coded, 1):.0%}) have a UMLS code that HPO takes to SNOMED.\n"
    )
    print_table(
        ["system", "coded gold", "mapped", "found", "exact", "one step", "exact rate", "one-step rate"], accuracy
    )
    return rows + accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shared", type=Path, default=Path(os.environ.get("PHENOTEXT_SHARED", REPOSITORY.parent / "shared"))
    )
    parser.add_argument(
        "--sets", nargs="+", choices=TUNE + MEASURE_ONLY, default=list(MEASURE_ONLY[:1] + TUNE + MEASURE_ONLY[1:])
    )
    parser.add_argument("--peer-python", help="interpreter with medspaCy")
    parser.add_argument("--show", metavar="SET", help="print the strings of this tune set's errors")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the tables as JSON")
    options = parser.parse_args()
    if options.show is not None and options.show not in TUNE:
        raise SystemExit(
            f"--show {options.show}: only the tune sets {', '.join(TUNE)} may be read; others are measure-only"
        )
    data = options.shared / "data"
    terminology = data / "terminology"
    if not terminology.is_dir():
        raise SystemExit(f"no folder {terminology}; give the shared folder with --shared or PHENOTEXT_SHARED")
    if options.peer_python is not None and not can_import(options.peer_python, "medspacy"):
        print("(medspacy does not import in that interpreter: left out)\n")
        options.peer_python = None
    hpo_file = terminology / "hpo" / "hp.v2024-04-26.json.gz"
    hpo = Hpo.read(hpo_file)
    steps = Steps.read(terminology / "mondo" / "isa_edges.tsv", hpo)
    print(f"Rows of the Mondo lexicon with a UMLS code: {mondo_umls_pairs(terminology / 'mondo' / 'lexicon.tsv.gz')}\n")
    tables: dict[str, list[list[object]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), hpo, options.peer_python, options.show)
        for name in options.sets:
            documents = read_documents(data / "corpora" / f"{name}.jsonl")
            print(f"## {name} ({'tune' if name in TUNE else 'measure-only'}, {len(documents)} documents)\n")
            if name in TAGS:
                tables[name] = score_snomed(name, documents, terminology / "lexicon_v2_gps_only.tsv", steps, settings)
            else:
                tables[name] = score_hpo(name, documents, hpo_file, settings)
    if options.json is not None:
        options.json.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
