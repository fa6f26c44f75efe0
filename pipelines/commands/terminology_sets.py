"""`phenotext terminology resolve`: what a concept set names in a compiled terminology."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import RunError, refuse_same_file
from .terminology_browse import open_terminology

if TYPE_CHECKING:
    from ...nlp.terminology.concept_sets import ConceptSet, ResolvedSet
    from ...nlp.terminology.terminology import Terminology

COLUMNS = ("concept_set", "kind", "system", "code", "name", "semantic_tag", "concept_id")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resolve")(resolve_command)


def resolve_command(
    terminology: Annotated[
        str, typer.Argument(metavar="T.ptx", help="A file of `phenotext terminology build`, or `starter`.")
    ],
    concept_set: Annotated[
        str,
        typer.Argument(
            metavar="SET",
            help="Atlas concept-set JSON, an OHDSI cohort definition, a code list (CSV, TSV), a plain list, a file with"
            " an ECL expression, or the expression itself.",
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write the codes here (CSV).")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the full account here (JSON).")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--set", help="Only the set of this name or id. Repeatable.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="The code system, for lists that do not say it.")] = None,
) -> None:
    """Resolve concept sets: codes with descendants and exclusions, and what was not found, retired or replaced."""
    from ...nlp.terminology.concept_sets.resolve import Resolver
    from ...nlp.terminology.ecl import EclError

    opened = open_terminology(terminology)
    sets = concept_sets_of(concept_set, system)
    if only:
        known = {name for one in sets for name in (one.name, one.set_id)}
        for name in only:
            if name not in known:
                raise RunError(
                    "no concept set with that name or id",
                    where=f"--set {name[:60]}",
                    remedy="give one of " + "; ".join(f"{one.set_id} {one.name}".strip() for one in sets[:10]),
                )
        sets = [one for one in sets if one.name in only or (one.set_id and one.set_id in only)]
    inputs = [Path(name) for name in (terminology, concept_set) if named_file(name)]
    for path in (out, report):
        if path is not None:
            if path.is_dir():
                raise RunError("is a folder", where=str(path), remedy="give a file")
            refuse_same_file(path, *inputs)
    if out is not None and report is not None and out.resolve() == report.resolve():
        raise RunError("is named twice", where=str(out), remedy="give --out and --report names of their own")
    resolver = Resolver(opened)
    try:
        resolved = [resolver.resolve(one) for one in sets]
    except EclError as error:
        raise RunError(str(error), where=concept_set if named_file(concept_set) else None) from None
    _write(opened, resolved, out, report)
    console = Console()
    for one in resolved:
        console.print(one.report.summary(), markup=False, highlight=False, soft_wrap=True)
    if not resolved:
        console.print("no concept set in it", markup=False, highlight=False)
    for path in (out, report):
        if path is not None:
            console.print(f"-> {path}", markup=False, highlight=False, soft_wrap=True)


def named_file(given: str) -> bool:
    """Whether a SET is a file or folder that is there; else it may be an expression."""
    try:
        return Path(given).exists()
    except OSError:  # an expression longer than a file name may be
        return False


def concept_sets_of(given: str, system: str | None = None) -> list[ConceptSet]:
    """The concept sets of a file, or the one that an expression is. Raises RunError for what is neither."""
    from ...nlp.terminology.concept_sets import ConceptSet, read_concept_sets
    from ...nlp.terminology.concept_sets.read import is_ecl

    if named_file(given):
        if Path(given).is_dir():
            raise RunError("is a folder", where=given, remedy="give one file with concept sets")
        return read_concept_sets(given, system)
    if is_ecl(given) or _is_sound_expression(given):
        return [ConceptSet("expression", ecl=given)]
    raise RunError(
        "no such file, and no expression",
        where=given[:80],
        remedy='give a file with concept sets, or an expression such as "<< 195967001"',
    )


def _is_sound_expression(text: str) -> bool:
    """Whether a text without the signs of an expression is one all the same: a code alone, `Local#A OR Local#B`."""
    from ...nlp.terminology.ecl_parser import parse
    from ...nlp.terminology.ecl_syntax import EclError

    try:
        parse(text)
    except EclError:
        return False
    return True


def _write(terminology: Terminology, resolved: list[ResolvedSet], out: Path | None, report: Path | None) -> None:
    from ..durable import write_bytes, write_json

    if out is not None:
        cells = io.StringIO(newline="")
        writer = csv.writer(cells, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in resolved:
            for i in one.concepts.tolist():
                concept_id = int(terminology.concept_ids[i])
                writer.writerow(
                    (one.name, "concept", terminology.systems[i], terminology.codes[i], terminology.preferred[i],
                     terminology.semantic_tags[i], concept_id or "")
                )  # fmt: skip
            for system, code in sorted(one.source_codes):
                writer.writerow((one.name, "source_code", system, code, "", "", ""))
        out.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(out, cells.getvalue().encode("utf-8"))
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        write_json(report, [one.report.to_json() for one in resolved])
