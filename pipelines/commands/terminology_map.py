"""`phenotext terminology map`: what codes of one system stand for in another, from the maps of a terminology."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..code_lookup import MappedCode, codes_of_file, map_codes, summary, write_mapped
from ..errors import RunError, refuse_same_file

_SHOWN = 40
_UNMAPPED_SHOWN = 10


def map_command(
    terminology: Annotated[Path, typer.Argument(metavar="T.ptx", help="A compiled terminology with maps.")],
    codes: Annotated[list[str] | None, typer.Argument(metavar="[CODE]...", help="Codes; dots do not matter.")] = None,
    system: Annotated[str, typer.Option("--system", help="The codes' system: ICD10CM, NDC, SNOMED, ...")] = "ICD10CM",
    to: Annotated[str | None, typer.Option("--to", help="Only targets of this system, such as ICD10CM.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read codes from a CSV or TSV with a header.")] = None,
    column: Annotated[str, typer.Option("--column", help="The column of --file that holds the codes.")] = "code",
    out: Annotated[Path | None, typer.Option("--out", help="Write the result to this .csv or .tsv.")] = None,
) -> None:
    """Map codes to the concepts they stand for. One code may have several targets; unmapped codes are counted."""
    from ...nlp.terminology.systems import canonical_system
    from ...nlp.terminology.terminology import Terminology

    given = list(codes or [])
    empty = 0
    if file is not None:
        if not file.is_file():
            raise RunError("no such file", where=str(file), remedy="give --file a CSV or TSV with a header")
        more, empty = codes_of_file(file, column)
        given += more
    if not given and not empty:
        raise RunError("no codes", remedy="give codes after the terminology, or --file codes.csv --column code")
    if out is not None:
        if out.is_dir() or not out.parent.is_dir():
            raise RunError("cannot be written", where=str(out), remedy="give --out a file in a folder that is there")
        refuse_same_file(out, terminology, *([file] if file else []))
    opened = Terminology.open(terminology)
    mapped = map_codes(opened, canonical_system(system), given, canonical_system(to) if to else None)
    console = Console()
    if out is not None:
        write_mapped(out, mapped)
    else:
        _show(console, mapped)
    without = sorted((one for one in mapped if not one.targets), key=lambda one: (-one.rows, one.code))
    console.print(summary(mapped) + (f"; {empty:,} rows without a code" if empty else ""), highlight=False)
    if without:
        few = ", ".join(one.code for one in without[:_UNMAPPED_SHOWN])
        more_text = ", ..." if len(without) > _UNMAPPED_SHOWN else ""
        console.print(f"Unmapped: {few}{more_text}", markup=False, highlight=False, soft_wrap=True)
    if out is not None:
        console.print(f"-> {out}", markup=False, highlight=False, soft_wrap=True)


def _show(console: Console, mapped: list[MappedCode]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("code", "system", "target", "name", "concept id", "domain", "relationship"):
        table.add_column(name, overflow="fold")
    for one in mapped[:_SHOWN]:
        for place, target in enumerate(one.targets):
            table.add_row(
                Text(one.code if place == 0 else ""), target.system, target.code, Text(target.name),
                str(target.concept_id or ""), target.domain, target.relationship,
            )  # fmt: skip
        if not one.targets:
            table.add_row(Text(one.code), Text("unmapped", style="yellow"))
    console.print(table)
    if len(mapped) > _SHOWN:
        console.print(f"... and {len(mapped) - _SHOWN:,} more codes; --out writes all of them", highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to `phenotext terminology`."""
    app.command("map")(map_command)
