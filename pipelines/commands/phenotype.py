"""`phenotext phenotype`: definitions of who has a condition, tried on runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..errors import RunError
from . import phenotype_compare, phenotype_import

if TYPE_CHECKING:
    from ..phenotypes.explain import Explanation, ShownFact

phenotype_app = typer.Typer(
    name="phenotype",
    help="Phenotype definitions: run them, explain a patient, compare results. See docs/phenotypes.md.",
    no_args_is_help=True,
)
_DEF = typer.Argument(metavar="DEF", help="A definition file (.yaml), or the id of a shipped one (`phenotype list`).")
_RUN = typer.Argument(metavar="RUN", help="Folder of a finished run.")
_AS_OF = typer.Option(
    "--as-of", metavar="COHORT", help="Only what was known then: a cohort file, or `run` for the run's own cohort."
)
_KEY = typer.Option(help="The run's id key, where it was made with one.")
_ONLY = typer.Option("--only", help="Take facts from this source alone: note, claims or ehr.")


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def _check_only(only: str | None) -> None:
    if only not in (None, "note", "claims", "ehr"):
        raise RunError(f"--only {only} is not known", remedy="give note, claims or ehr")


@phenotype_app.command("run")
def run_phenotype_command(
    definition: Annotated[str, _DEF],
    run: Annotated[Path, _RUN],
    out: Annotated[Path | None, typer.Option(help="Folder of the result; RUN/phenotypes/<id> else.")] = None,
    as_of: Annotated[Path | None, _AS_OF] = None,
    only: Annotated[str | None, _ONLY] = None,
    id_key: Annotated[Path | None, _KEY] = None,
) -> None:
    """Find the patients of a definition: who matches, when, and on what evidence."""
    from ..phenotypes.evaluate import as_of_table, default_folder, evaluate, write_result
    from ..phenotypes.shipped import open_definition
    from ..run_folder import RunFolder

    _check_only(only)
    opened, read = RunFolder.open(run), open_definition(definition)
    result = evaluate(opened, read, as_of=as_of_table(opened, as_of, id_key), only=only)
    folder = out or default_folder(opened, read, only, as_of is not None)
    write_result(result, folder)
    counts = result.document["counts"]
    _say(f"{read.name} {read.version} ({read.status}), sha256 {read.sha256[:12]}")
    _say(f"{counts['patients']:,} patients, {counts['rows']:,} rows; {counts['tried']:,} tried")
    for node in read.nodes():
        _say(f"  {node.path:<16} held for {counts['criteria'][node.path]:,}")
    if read.observation is not None:
        _say(f"  {'observation':<16} held for {counts['criteria']['observation']:,}")
    for warning in result.document["warnings"]:
        _say(f"WARNING: {warning}")
    if read.status == "unvalidated":
        _say("Unvalidated: no site has recorded a chart review with this definition.")
    _say(f"-> {folder}")


@phenotype_app.command("sql")
def sql_command(
    definition: Annotated[str, _DEF],
    run: Annotated[Path, _RUN],
    as_of: Annotated[Path | None, _AS_OF] = None,
    only: Annotated[str | None, _ONLY] = None,
    id_key: Annotated[Path | None, _KEY] = None,
) -> None:
    """Print the SQL of a definition: a script that DuckDB runs by itself."""
    from ..phenotypes.evaluate import as_of_table, script
    from ..phenotypes.shipped import open_definition
    from ..run_folder import RunFolder

    _check_only(only)
    opened = RunFolder.open(run)
    print(script(opened, open_definition(definition), as_of_table(opened, as_of, id_key), only), end="")


@phenotype_app.command("explain")
def explain_phenotype_command(
    definition: Annotated[str, _DEF],
    run: Annotated[Path, _RUN],
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="The patient's id in the source, or subject_id.")],
    as_of: Annotated[Path | None, _AS_OF] = None,
    id_key: Annotated[Path | None, _KEY] = None,
    facts: Annotated[int, typer.Option(min=0, help="Facts shown for each criterion at most.")] = 3,
) -> None:
    """Show one patient: which criteria held, when, and the sentences they rest on."""
    from ..phenotypes.evaluate import as_of_table
    from ..phenotypes.explain import explain
    from ..phenotypes.shipped import open_definition
    from ..run_folder import RunFolder

    opened, read = RunFolder.open(run), open_definition(definition)
    cohort = as_of_table(opened, as_of, id_key)
    found = explain(opened, read, patient, as_of=cohort, id_key=id_key, facts=facts)
    if not found:
        _say("the patient has no row in the cohort")
    console = Console()
    for explanation in found:
        _explain(console, read.name, explanation)


def _explain(console: Console, name: str, explanation: Explanation) -> None:
    when = f"index {explanation.index_time:%Y-%m-%d}" if explanation.index_time is not None else "no index day"
    row = f", cohort row {explanation.row_id}" if explanation.row_id is not None else ""
    verdict = "matches" if explanation.matched else "does not match"
    console.print(Text(f"{name}: {explanation.patient} {verdict} ({when}{row})", "bold"), soft_wrap=True)
    for node in explanation.nodes:
        mark, style = ("held", "green") if node.held else ("not held", "red")
        console.print(
            Text.assemble("  " * (node.depth + 1), (mark, style), f"  {node.path}  ", node.text), soft_wrap=True
        )
        for fact in node.facts:
            console.print(_fact(fact, "  " * (node.depth + 2)), soft_wrap=True)
        if node.left_out:
            console.print(Text("  " * (node.depth + 2) + f"and {node.left_out:,} more; --facts shows them", "dim"))


def _fact(fact: ShownFact, indent: str) -> Text:
    number = "" if fact.number is None else f" = {fact.number:g} {fact.unit or ''}".rstrip()
    line = Text.assemble(
        indent,
        (f"{fact.time:%Y-%m-%d}", "cyan"),
        f"  {fact.source}  {fact.code} {fact.name}{number} ({fact.assertion})",
    )
    if fact.note is not None:
        place = f" {fact.section or ''} {fact.start}-{fact.end}" if fact.start is not None else ""
        line.append(f"  note {fact.note}{place}", "dim")
    if fact.sentence is not None:
        # a terminal would obey control characters
        line.append(f'\n{indent}  "{"".join(c if c.isprintable() else " " for c in fact.sentence)}"', "italic")
    return line


@phenotype_app.command("list")
def list_command() -> None:
    """List the shipped definitions with their status."""
    from ..phenotypes.read_definition import read_definition
    from ..phenotypes.shipped import shipped_files

    for path in shipped_files():
        read = read_definition(path)
        _say(f"{read.phenotype_id:<22} {read.version:<6} {read.status:<12} {read.name}")


@phenotype_app.command("check")
def check_command(
    definition: Annotated[str, _DEF],
    terminology: Annotated[
        str | None, typer.Option(help="Resolve the concept sets in this terminology (.ptx), or `starter`.")
    ] = None,
) -> None:
    """Check a definition: its form, its review and, with --terminology, its concept sets."""
    from ..phenotypes.definition import wording
    from ..phenotypes.sets import resolve_sets
    from ..phenotypes.shipped import open_definition
    from .terminology_browse import open_terminology

    read = open_definition(definition)
    _say(f"{read.phenotype_id} {read.version} ({read.status}): {read.name}")
    _say(f"sha256 {read.sha256}")
    for leaf in read.leaves():
        _say(f"  {leaf.path:<16} {f'{leaf.name}: ' if leaf.name else ''}{wording(leaf)}")
    if terminology is not None:
        resolved = resolve_sets(read, open_terminology(terminology))
        for report in resolved.reports.values():
            _say(report.summary())
    _say("The definition is sound.")


phenotype_app.command("compare")(phenotype_compare.compare_command)
phenotype_app.command("import-ohdsi")(phenotype_import.import_command)
