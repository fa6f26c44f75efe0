"""`phenotext model`: cards and stages of models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..errors import RunError

model_app = typer.Typer(
    name="model", help="Model cards, and the stages of models in a registry. See docs/models.md.", no_args_is_help=True
)
_MODEL = typer.Argument(metavar="MODEL", help="Folder of a model; the folder it lies in is its registry.")
_WHY = typer.Option(help="The reason, for the log.")
_WHEN = typer.Option(help="Date of the decision, such as 2026-10-05; none is made up.")
_APPROVER = typer.Option("--approver", help="Who decides; give it twice for `validated`.")


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


@model_app.command("card")
def card_command(model: Annotated[Path, _MODEL]) -> None:
    """Print a model's card (Markdown), after its files were checked."""
    from ...models.pack import open_pack

    print(open_pack(model).card, end="")


@model_app.command("list")
def list_command(
    registry: Annotated[Path, typer.Argument(metavar="REGISTRY", help="Folder with model folders in it.")],
) -> None:
    """List the models of a folder with their stages; what cannot be used is named with the reason."""
    from ...models.registry import list_models
    from ...models.stage_log import read_log

    for item in list_models(registry):
        if item.fault is not None:
            _say(f"{item.folder}: {item.stage}: {item.fault}")
            continue
        demo = ", demo" if item.demo else ""
        _say(f"{item.folder}: {item.stage}{demo}; {item.name} {item.version} ({item.kind}), sha256 {item.sha256[:12]}")
        _say(f"  {item.phenotype_name} ({item.phenotype_code})")
    entries = read_log(registry)
    if entries:
        _say(f"{len(entries)} decisions in the log; the last line is {entries[-1]['sha256'][:16]}")


@model_app.command("promote")
def promote_command(
    model: Annotated[Path, _MODEL],
    to: Annotated[str, typer.Option(help="validated or deployed.")],
    why: Annotated[str, _WHY],
    approver: Annotated[list[str], _APPROVER],
    validation: Annotated[Path | None, typer.Option(help="JSON file of `phenotext evaluate-model`.")] = None,
    when: Annotated[str | None, _WHEN] = None,
) -> None:
    """Move a model to the next stage. `validated` needs a local validation and two approvers."""
    from ...models.registry import change_stage

    if to == "retired":
        raise RunError("promote does not retire", remedy="use `phenotext model retire`")
    entry = change_stage(
        model, to, why=why, approvers=approver, when=when, validation=_document(validation) if validation else None
    )
    _say(f"{entry['model_name']} {entry['model_version']}: {entry['from']} -> {entry['to']}")


@model_app.command("retire")
def retire_command(
    model: Annotated[Path, _MODEL],
    why: Annotated[str, _WHY],
    approver: Annotated[list[str], _APPROVER],
    when: Annotated[str | None, _WHEN] = None,
) -> None:
    """Take a model out of use for good; `score` then refuses it."""
    from ...models.registry import change_stage

    entry = change_stage(model, "retired", why=why, approvers=approver, when=when)
    _say(f"{entry['model_name']} {entry['model_version']}: {entry['from']} -> retired")


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise RunError("is no readable JSON object", where=str(path), remedy="make it with `phenotext evaluate-model`")
    return document
