"""`phenotext terminology recall-index`: the index that `phenotext extract --recall` reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import RunError, refuse_same_file


def recall_index_command(
    terminology: Annotated[Path, typer.Argument(help="Compiled terminology.")],
    out: Annotated[Path, typer.Option("--out", help="Where the index goes.")],
) -> None:
    """Index a terminology's terms by their letter trigrams, for `extract --recall`. Needs scikit-learn."""
    from ...nlp.recall.candidate_index import CandidateIndex, RecallIndexError
    from ...nlp.terminology.artefact import ArtefactError
    from ...nlp.terminology.terminology import Terminology

    refuse_same_file(out, terminology)
    console = Console(stderr=True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            index = CandidateIndex.build(Terminology.open(terminology))
        index.save(out)
    except (RecallIndexError, ArtefactError) as error:
        raise RunError(str(error)) from None
    for warning in caught:
        console.print(f"warning: {warning.message}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"{len(index):,} aliases -> {out}", soft_wrap=True, highlight=False, markup=False)


def register(app: typer.Typer) -> None:
    """Add the subcommand."""
    app.command("recall-index")(recall_index_command)
