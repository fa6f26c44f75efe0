"""`phenotext terminology`: build a compiled terminology from sources."""

from __future__ import annotations

import typer

from . import recall_index, terminology_browse, terminology_build, terminology_diff, terminology_map, terminology_sets

terminology_app = typer.Typer(help="Build compiled terminologies.", no_args_is_help=True)
terminology_build.register(terminology_app)
recall_index.register(terminology_app)
terminology_browse.register(terminology_app)
terminology_sets.register(terminology_app)
terminology_diff.register(terminology_app)


@terminology_app.callback()
def _terminology() -> None:
    """Build compiled terminologies."""


terminology_map.register(terminology_app)
