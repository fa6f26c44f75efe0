"""`phenotext phenotype import-ohdsi`: a cohort definition of Atlas becomes a definition of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..errors import RunError, refuse_same_file


def import_command(
    cohort: Annotated[Path, typer.Argument(metavar="COHORT.json", help="Cohort definition, exported from Atlas.")],
    out: Annotated[Path, typer.Option("--out", metavar="DEF.yaml", help="Definition to write.")],
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Write it even if constructs are lost; they are listed.")
    ] = False,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Where facts may come from: note, claims, ehr. Repeatable; claims and ehr else."),
    ] = None,
) -> None:
    """Import an OHDSI cohort definition; what is not supported is named, and refused unless --allow-loss is given."""
    import yaml

    from ..durable import write_bytes
    from ..phenotypes.ohdsi_import import import_cohort
    from ..phenotypes.read_definition import build_definition

    sources = tuple(dict.fromkeys(source)) if source else ("claims", "ehr")
    unknown = [name for name in sources if name not in ("note", "claims", "ehr")]
    if unknown:
        raise RunError(f"--source {unknown[0]} is not known", remedy="give note, claims or ehr")
    refuse_same_file(out, cohort)
    result = import_cohort(cohort, sources=sources)
    console = Console(stderr=True)
    for loss in result.losses:
        console.print(f"not supported: {loss}", markup=False, highlight=False, soft_wrap=True)
    for notice in result.notices:
        console.print(f"notice: {notice}", markup=False, highlight=False, soft_wrap=True)
    if result.document is None:
        raise RunError("nothing that could start the cohort is supported", where=str(cohort), remedy="see above")
    if result.losses and not allow_loss:
        raise RunError(
            f"{len(result.losses)} constructs are not supported", where=str(cohort),
            remedy="use --allow-loss to import the rest; the losses are then named in the definition",
        )  # fmt: skip
    build_definition(result.document, str(out), out.parent)
    text = yaml.safe_dump(result.document, sort_keys=False, allow_unicode=True, width=110)
    write_bytes(out, text.encode())
    console.print(f"-> {out}", markup=False, highlight=False, soft_wrap=True)
