"""The systems that `eval_concepts.py` compares, over the same terms, and the documents that they read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring import read_json_lines
from span_scoring import CodedSpan

from phenotext.nlp import Extractor
from phenotext.nlp.recall import CandidateIndex
from phenotext.nlp.terminology import build_terminology, read_source
from phenotext.nlp.terminology.sources.content import MATCHED_SCOPES, SCOPES

# Related, narrow and broad synonyms too: on the tune set (ID-68) they add recall and cost no precision.
EVERY_SCOPE = SCOPES
DRIVER = Path(__file__).resolve().parent / "peers" / "medspacy_targets.py"


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


def phenotext(
    source: Path,
    folder: Path,
    *,
    scopes: frozenset[str] = MATCHED_SCOPES,
    misspellings: bool = True,
    recall: float | None = None,
) -> tuple[Extractor, Predict]:
    """This package's extractor over the terms of `source`; `recall` is recall mode's threshold, None without it."""
    artefact = folder / f"{source.name}.{len(scopes)}.ptx"
    if not artefact.is_file():
        build_terminology([source], artefact, scopes=scopes)
    extractor = Extractor.load(artefact, misspellings=misspellings)
    if recall is not None:
        index = CandidateIndex.build(extractor.terminology)
        extractor = Extractor(extractor.terminology, misspellings=misspellings, recall=index, recall_threshold=recall)

    def predict(documents: Sequence[Document]) -> list[list[CodedSpan]]:
        notes = extractor.pipe([d.text for d in documents])
        return [[CodedSpan(m.start, m.end, m.code) for m in note.mentions] for note in notes]

    return extractor, predict


def medspacy(python: str, source: Path, folder: Path, scopes: frozenset[str] = MATCHED_SCOPES) -> Predict:
    """medspaCy's target matcher over the same terms, in an interpreter of its own; its stderr is thrown away."""
    terms = folder / f"{source.name}.terms.tsv"
    rows = dict.fromkeys(f"{term.code}\t{term.term}" for term in read_source(source, scopes).terms)
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
