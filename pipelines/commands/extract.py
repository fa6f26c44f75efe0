"""`phenotext extract`: JSON lines in, JSON lines out."""

from __future__ import annotations

import gzip
import os
import stat
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console

from ...nlp.concept_filter import ConceptFilter, ConceptFilterError
from ...nlp.recall.candidate_index import RecallIndexError
from ...nlp.terminology.ecl import EclError
from ..errors import RunError, refuse_same_file
from ..json_lines import extract_stream
from ..language_rules import LanguageRules, print_reports
from ..matching_options import MatchingOptions
from ..progress import Bar
from ..readers.jsonl import open_bytes
from ..settings import comma_list
from ..worker import load_extractor

STANDARD = Path("-")


@contextmanager
def _target(path: Path) -> Iterator[IO[bytes]]:
    """Standard output or a pipe as it is; a file aside first, so that it is whole or not there."""
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        with open(path, "wb") as out:
            yield out
        return
    if not path.parent.is_dir():
        raise RunError("no such folder", where=str(path.parent), remedy="make it first")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _whole(notes: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RunError("the gzip file is damaged or cut short", where=str(notes), remedy="copy it again") from None


def extract_command(
    notes: Annotated[
        Path, typer.Option("--notes", help="JSON lines with note_id and text, optionally spans; - for standard input.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="JSON lines, one for each line in, in order; - for standard output.")
    ],
    terminology: Annotated[
        Path | None, typer.Option(help="Compiled terminology; the starter lexicon by default.")
    ] = None,
    cues: Annotated[
        Path | None, typer.Option(help="Cues in place of the package's: TSV, medspaCy or negspaCy file.")
    ] = None,
    add_cues: Annotated[Path | None, typer.Option(help="Cues beside them, of the same forms.")] = None,
    headings: Annotated[
        Path | None, typer.Option(help="Section headings in place of the package's: TSV or medspaCy file.")
    ] = None,
    add_headings: Annotated[Path | None, typer.Option(help="Headings beside them, of the same forms.")] = None,
    concepts: Annotated[
        str | None, typer.Option(metavar="ECL", help="Extract only these concepts, as in '<< 404684003' (docs/ecl.md).")
    ] = None,
    tags: Annotated[str | None, typer.Option(help="Extract only these semantic tags, as in disorder,finding.")] = None,
    misspellings: Annotated[
        bool, typer.Option("--misspellings/--no-misspellings", help="Read misspelled words as what they were meant.")
    ] = True,
    nested: Annotated[bool, typer.Option("--nested", help="Also give shorter matches inside longer ones.")] = False,
    recall: Annotated[
        Path | None, typer.Option(help="Also link similar phrases, by the index of `terminology recall-index`.")
    ] = None,
    recall_threshold: Annotated[float | None, typer.Option(help="Least similarity for --recall, 0 to 1.")] = None,
    processes: Annotated[int, typer.Option(help="Worker processes.")] = 1,
) -> None:
    """Extract mentions from JSON lines: one line out for every line in, none ever dropped.

    With "spans": [{"start", "end", "code"?}] in a line the dictionary is left out and exactly those spans are asserted.
    """
    if notes != STANDARD and not notes.is_file():
        problem = "is a folder" if notes.is_dir() else "no such file"
        raise RunError(problem, where=str(notes), remedy="give --notes a .jsonl file")
    rules = LanguageRules(cues, add_cues, headings, add_headings)
    refuse_same_file(out, *(path for path in (notes, terminology, *rules.given()) if path is not None))
    if processes < 1:
        raise RunError(f"--processes {processes} is not possible", remedy="give 1 or more")
    wanted = ConceptFilter(concepts, comma_list(tags))
    matching = MatchingOptions(misspellings, nested, recall, recall_threshold)
    try:
        load_extractor(terminology, rules, wanted, matching)  # what cannot be used is reported at once
    except (EclError, ConceptFilterError, RecallIndexError) as error:
        raise RunError(str(error)) from None
    print_reports(Console(stderr=True), rules)
    began = time.perf_counter()
    lines = size = 0
    with Bar() as bar, _target(out) as target:
        source = sys.stdin.buffer if notes == STANDARD else open_bytes(notes)
        gzipped = notes.suffix == ".gz"
        bar.stage("Extracting", None if gzipped or notes == STANDARD else notes.stat().st_size)
        with source, _whole(notes):
            for count, read, output in extract_stream(source, terminology, processes, rules, wanted, matching):
                target.write(output)
                lines += count
                size += read
                bar.advance(read)
    seconds = max(time.perf_counter() - began, 1e-9)
    if out != STANDARD:
        Console(stderr=True).print(
            f"{lines:,} lines -> {out} ({lines / seconds:,.0f} lines/s, {size / seconds / 1e6:.1f} MB/s)",
            soft_wrap=True,
            highlight=False,
        )
