"""The `phenotext` command: thin, every verb in a file of `commands/`."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..nlp.version import VERSION
from .commands.check_leaks import check_leaks_command
from .commands.claims import claims_app
from .commands.export import export_app
from .commands.extract import extract_command
from .commands.features import features_command
from .commands.model import model_app
from .commands.phenotype import phenotype_app
from .commands.report import report_command
from .commands.rules import rules_app
from .commands.run import run_command
from .commands.schema import schema_command
from .commands.show import show_command
from .commands.terminology import terminology_app
from .commands.train import evaluate_model_command, score_command, train_command
from .commands.validate import validate_command
from .errors import RunError

app = typer.Typer(
    name="phenotext",
    help="Clinical notes in, SNOMED-coded and asserted phenotype features out.\n\n"
    "Start with [bold]phenotext run NOTES --out OUT[/]; look at one note with "
    "[bold]phenotext show NOTE_ID --run OUT[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"phenotext {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, and log what is done.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version
    context.obj = {"debug": debug}
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )


app.command("run")(run_command)
app.command("extract")(extract_command)
app.command("show")(show_command)
app.command("check-leaks")(check_leaks_command)
app.command("features")(features_command)
app.command("report")(report_command)
app.command("validate")(validate_command)
app.command("train")(train_command)
app.command("score")(score_command)
app.command("evaluate-model")(evaluate_model_command)
app.command("schema")(schema_command)
app.add_typer(export_app, name="export")
app.add_typer(terminology_app, name="terminology")
app.add_typer(rules_app, name="rules")
app.add_typer(phenotype_app, name="phenotype")
app.add_typer(model_app, name="model")
app.add_typer(claims_app, name="claims")


def _expected_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is written for the user. Loaded late: `--help` needs no terminology code."""
    from ..models.errors import USER_ERRORS
    from ..nlp.terminology.artefact import ArtefactError
    from ..nlp.terminology.source_term import SourceError

    return (RunError, ArtefactError, SourceError, *USER_ERRORS)


def _say(kind: str, message: str) -> None:
    Console(stderr=True).print(Text.assemble((f"{kind}: ", "bold red"), message), soft_wrap=True)


def _trace(error: BaseException | None) -> None:
    """Where an error came from: places and kinds, without messages, which may quote a note."""
    while error is not None:
        traceback.print_tb(error.__traceback__)
        print(type(error).__name__, file=sys.stderr)
        error = error.__cause__ or error.__context__


def main() -> None:
    """Entry point. Exit codes: 0 done, 2 an error the user can put right, 1 anything else."""
    debug = "--debug" in sys.argv
    if debug:  # wherever it stands
        sys.argv = [sys.argv[0], "--debug", *(word for word in sys.argv[1:] if word != "--debug")]
    try:
        app()
    except Exception as error:
        if debug:
            _trace(error)
        if isinstance(error, _expected_errors()):
            _say("error", str(error))
            sys.exit(2)
        if isinstance(error, OSError):
            _say("error", f"{error.filename or 'file'}: {error.strerror or type(error).__name__}")
            sys.exit(2)
        # the message of an unforeseen error may quote a note: only its kind is shown
        _say("error", f"unexpected {type(error).__name__}" + ("" if debug else "; run again with --debug to see where"))
        sys.exit(1)


if __name__ == "__main__":
    main()
