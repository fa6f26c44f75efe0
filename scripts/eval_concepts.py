"""Score concept recognition: HPO on hpo_gsc_plus and hpo_id68, the open SNOMED lexicon on medcat_mtsamples and e3c.

    python scripts/eval_concepts.py [--shared DIR] [--sets NAME ...] [--peer-python PATH] [--recall T]
        [--show SET] [--json OUT]

HPO sets: old gold ids go to their successors; predictions are kept under Phenotypic abnormality HP:0000118, gold is
scored with all codes and with those codes only (published GSC+ scores count the latter). Gold rows that their authors
mark as negated, related or discontinuous count like the others. SNOMED sets: only terms of the wanted semantic tags
are built (TAGS), spans are scored without codes, and code accuracy where HPO gives a UMLS code together with SNOMED
codes. The peer is medspaCy's target matcher over the same rows. `--show` prints the strings of errors of a tune set
to the terminal; measure-only sets are refused. Intervals: 95 %, bootstrap by document, seeded.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from code_maps import Hpo, Steps, mondo_umls_pairs
from concept_systems import EVERY_SCOPE, Document, Predict, lexicon_rows, medspacy, phenotext, read_documents
from scoring import REPOSITORY, can_import, print_table
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

from phenotext.nlp import Extractor
from phenotext.nlp.terminology.sources.content import MATCHED_SCOPES

TUNE = ("hpo_id68", "medcat_mtsamples")
MEASURE_ONLY = ("hpo_gsc_plus", "e3c_layer1")
# Semantic tags of the terms that are built; codes outside the Global Patient Set (Mondo's own diseases) have none.
TAGS = {
    "medcat_mtsamples": {"all disorders": {"disorder", ""}, "tagged disorders": {"disorder"}},
    "e3c_layer1": {
        "all conditions and findings": {"disorder", "finding", "morphologic abnormality", ""},
        "tagged disorders and findings": {"disorder", "finding"},
    },
}
CODE_CAUSES = ("code: further off", "code: one is-a step", "code: right")
SHOWN = 40


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
    recall: float | None = None

    def systems(self, source: Path, scopes: frozenset[str] = MATCHED_SCOPES) -> tuple[Extractor, dict[str, Predict]]:
        extractor, own = phenotext(source, self.folder, scopes=scopes)
        chosen = {"phenotext": own}
        if self.recall is not None:
            strict = phenotext(source, self.folder, scopes=scopes, misspellings=False)[1]
            chosen["without misspellings"] = strict
            wide = phenotext(source, self.folder, scopes=scopes, recall=self.recall)[1]
            chosen[f"recall from {self.recall}"] = wide
        if scopes != MATCHED_SCOPES:
            chosen["labels and exact synonyms only"] = phenotext(source, self.folder)[1]
        if self.peer_python is not None:
            chosen["medspaCy targets"] = medspacy(self.peer_python, source, self.folder, scopes)
        return extractor, chosen


def score_hpo(name: str, documents: Sequence[Document], source: Path, settings: Settings) -> list[list[object]]:
    """Exact, overlapping and document-level figures with HPO codes."""
    hpo = settings.hpo
    every = [
        Document(d.text, tuple(CodedSpan(s.start, s.end, hpo.current(s.code or "")) for s in d.gold)) for d in documents
    ]
    only = [Document(d.text, tuple(s for s in d.gold if s.code in hpo.phenotypic)) for d in every]
    extractor, systems = settings.systems(source, EVERY_SCOPE)
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


def code_answers(
    documents: Sequence[Document], found: Sequence[list[CodedSpan]], to_snomed: dict[str, set[str]], steps: Steps
) -> dict[str, Counter[str]]:
    """Strings of the gold spans that can be judged, by what the code of the best overlapping prediction is."""
    answers: dict[str, Counter[str]] = {why: Counter() for why in CODE_CAUSES}
    for doc, spans in zip(documents, found):
        for span in doc.gold:
            wanted = to_snomed.get(span.code or "")
            answer = best_match(span, spans, lambda other: False) if wanted else None
            if wanted is None or answer is None:
                continue
            why = CODE_CAUSES[2 if answer.code in wanted else 1 if steps.within_one(answer.code, wanted) else 0]
            strings = [" ".join(doc.text[s.start : s.end].split()) for s in (span, answer)]
            answers[why][f"{strings[0]} <> {strings[1]} [{','.join(sorted(wanted))} <> {answer.code}]"] += 1
    return answers


def score_snomed(
    name: str, documents: Sequence[Document], lexicon: Path, steps: Steps, settings: Settings
) -> list[list[object]]:
    """Span figures without codes, then code accuracy on the UMLS codes that HPO takes to SNOMED."""
    to_snomed = settings.hpo.umls_to_snomed()
    coded = sum(s.code is not None for d in documents for s in d.gold)
    mapped = sum(s.code in to_snomed for d in documents for s in d.gold)
    rows: list[list[object]] = []
    accuracy: list[list[object]] = []
    for number, (terms, tags) in enumerate(TAGS[name].items()):
        source = lexicon_rows(lexicon, tags, settings.folder / f"{name}.{number}.tsv")
        extractor, systems = settings.systems(source)
        for system, predict in systems.items():
            found = predict(documents)
            for level, measure in (("overlap", overlapping_uncoded), ("exact", exact_uncoded)):
                tallies = [measure(d.gold, spans) for d, spans in zip(documents, found)]
                rows.append([system, terms, level, *figures(tallies).cells()])
            own = system == "phenotext"
            listing = causes(documents, found, coded=False, extractor=extractor if own else None)
            codes = code_answers(documents, found, to_snomed, steps)
            seen, right, near = (sum(sum(codes[why].values()) for why in CODE_CAUSES[first:]) for first in (0, 2, 1))
            accuracy.append(
                [system, terms, coded, mapped, seen, right, near, right / max(seen, 1), near / max(seen, 1)]
            )
            print_causes(f"{system} on {name}, {terms}", {**listing, **codes}, show=settings.show == name and own)
    print_table(["system", "terms", "spans", *FIGURE_NAMES], rows)
    share = f"{mapped} of {coded} coded gold spans ({mapped / max(coded, 1):.0%})"
    print(f"Code accuracy: {share} have a UMLS code that HPO takes to SNOMED.\n")
    header = ["system", "terms", "coded gold", "mapped", "found", "exact", "one step", "exact rate", "one-step rate"]
    print_table(header, accuracy)
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
    parser.add_argument(
        "--recall", type=float, metavar="T", help="also without misspellings, and in recall mode from similarity T on"
    )
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
        settings = Settings(Path(folder), hpo, options.peer_python, options.show, options.recall)
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
