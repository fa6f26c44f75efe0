"""A peer in the benchmark, over the terms and notes it is given; imports nothing of this project but the loop.

medspacy: default pipeline, target rules of the terms, sectionizer. medspacy-sentencizer: the same with spaCy's plain
sentencizer for PyRuSH. negspacy: tokenizer, sentencizer, PhraseMatcher over the terms, negex. edsnlp: normalizer,
sentences, sections, terms, negation, hypothesis, family, history (French cues: for speed only); edsnlp-lean: without
normalizer and sections. phrasematcher: spaCy's tokenizer and PhraseMatcher, nothing asserted. quickumls: its own
index over the terms. medcat: a vocabulary of the terms, no model.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench_loop import Run, read_terms, read_texts, serve

Terms = list[tuple[str, str]]


def over(nlp: Any, count: Callable[[Any], int] = lambda doc: len(doc.ents)) -> Run:
    """A spaCy-like pipeline as a run."""
    return lambda texts: sum(count(doc) for doc in nlp.pipe(texts))


def medspacy(terms: Terms, *, sentencizer: bool = False) -> Run:
    import medspacy as package  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    from medspacy.target_matcher import TargetRule  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]

    names = ["medspacy_pyrush", "medspacy_target_matcher", "medspacy_context", "medspacy_sectionizer"]
    nlp = package.load(medspacy_enable=names[sentencizer:])
    if sentencizer:
        nlp.add_pipe("sentencizer", first=True)
    rules = [TargetRule(literal=term, category="TARGET", metadata={"code": code}) for code, term in terms]
    matcher: Any = nlp.get_pipe("medspacy_target_matcher")
    matcher.add(rules)
    return over(nlp)


def matching(terms: Terms) -> Any:
    """A blank spaCy pipeline whose component "terms" sets entities by PhraseMatcher."""
    import spacy  # pyright: ignore[reportMissingImports]
    from spacy.language import Language  # pyright: ignore[reportMissingImports]
    from spacy.matcher import PhraseMatcher  # pyright: ignore[reportMissingImports]
    from spacy.util import filter_spans  # pyright: ignore[reportMissingImports]

    nlp: Any = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    by_code: dict[str, list[str]] = defaultdict(list)
    for code, term in terms:
        by_code[code].append(term)
    for code, names in by_code.items():
        matcher.add(code, list(nlp.tokenizer.pipe(names)))

    def find(doc: Any) -> Any:
        doc.ents = filter_spans(matcher(doc, as_spans=True))
        return doc

    Language.component("terms", func=find)
    return nlp


def phrasematcher(terms: Terms) -> Run:
    nlp = matching(terms)
    nlp.add_pipe("terms")
    return over(nlp)


def negspacy(terms: Terms) -> Run:
    from negspacy.negation import (  # pyright: ignore[reportMissingImports]
        Negex,  # noqa: F401  (registers "negex")
    )

    nlp = matching(terms)
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("terms")
    nlp.add_pipe("negex")
    return over(nlp)


def edsnlp(terms: Terms, *, lean: bool = False) -> Run:
    import edsnlp as package  # pyright: ignore[reportMissingImports]

    by_code: dict[str, list[str]] = defaultdict(list)
    for code, term in terms:
        by_code[code].append(term)
    nlp = package.blank("eds")
    for name in ("eds.normalizer", "eds.sentences", "eds.sections"):
        if not lean or name == "eds.sentences":
            nlp.add_pipe(name)
    nlp.add_pipe("eds.matcher", config={"terms": dict(by_code), "attr": "LOWER"})
    for name in ("eds.negation", "eds.hypothesis", "eds.family", "eds.history"):
        nlp.add_pipe(name)
    return over(nlp)


def quickumls(terms: Terms) -> Run:
    import nltk  # pyright: ignore[reportMissingImports]
    import spacy  # pyright: ignore[reportMissingImports]
    from quickumls import QuickUMLS  # pyright: ignore[reportMissingImports]
    from quickumls.install import parse_and_encode_ngrams  # pyright: ignore[reportMissingImports]

    folder = Path(tempfile.mkdtemp(prefix="quickumls"))
    for flag, value in (("language", "ENG"), ("database_backend", "unqlite"), ("lowercase", "")):
        (folder / f"{flag}.flag").write_text(value, encoding="ascii")
    rows = ((term.lower(), code, ["T047"], 1) for code, term in terms)
    parse_and_encode_ngrams(rows, str(folder / "umls-simstring.db"), str(folder / "cui-semtypes.db"), "unqlite")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    # It asks for a model and for stop words by download: spaCy's tokenizer and stop words are enough.
    words = SimpleNamespace(words=lambda *names: list(nlp.Defaults.stop_words))
    nltk.corpus.stopwords = words
    spacy.load = lambda *names, **options: nlp
    matcher = QuickUMLS(str(folder))
    return lambda texts: sum(len(matcher.match(text, best_match=True, ignore_syntax=True)) for text in texts)


def medcat(terms: Terms) -> Run:
    import pandas as pd
    from medcat.cat import CAT  # pyright: ignore[reportMissingImports]
    from medcat.config import Config  # pyright: ignore[reportMissingImports]
    from medcat.model_creation.cdb_maker import CDBMaker  # pyright: ignore[reportMissingImports]
    from medcat.vocab import Vocab  # pyright: ignore[reportMissingImports]

    config = Config()
    frame = pd.DataFrame({"cui": [code for code, _ in terms], "name": [term for _, term in terms]})
    cat = CAT(CDBMaker(config).prepare_csvs([frame]), Vocab(), config)
    return lambda texts: sum(len(cat.get_entities(text)["entities"]) for text in texts)


ENGINES: dict[str, tuple[Callable[[Terms], Run], str, tuple[str, ...]]] = {
    "medspacy": (medspacy, "medspacy", ("medspacy", "spacy", "PyRuSH")),
    "medspacy-sentencizer": (lambda terms: medspacy(terms, sentencizer=True), "medspacy", ("medspacy", "spacy")),
    "negspacy": (negspacy, "negspacy.negation", ("negspacy", "spacy")),
    "edsnlp": (edsnlp, "edsnlp", ("edsnlp", "spacy")),
    "edsnlp-lean": (lambda terms: edsnlp(terms, lean=True), "edsnlp", ("edsnlp", "spacy")),
    "phrasematcher": (phrasematcher, "spacy", ("spacy",)),
    "quickumls": (quickumls, "quickumls", ("medspacy-quickumls", "quickumls", "spacy")),
    "medcat": (medcat, "medcat", ("medcat", "spacy")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=list(ENGINES), required=True)
    parser.add_argument("--terms", type=Path, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--least", type=float, default=1.0)
    options = parser.parse_args()
    try:
        from loguru import logger

        logger.remove()
    except ImportError:
        pass
    make, _, packages = ENGINES[options.engine]
    terms, texts = read_terms(options.terms), read_texts(options.notes)
    serve(lambda: make(terms), texts, packages, warm_up=5, least_s=options.least)


if __name__ == "__main__":
    main()
