"""A registry: a folder of packs, and a log of who moved which model to which stage, and why.

candidate -> validated -> deployed -> retired. A model without an entry is a candidate. No step is skipped but retiring,
and nothing comes back from retirement: a model that is wanted again is trained again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .pack import FIRST_STAGE, ModelPack, open_pack
from .pack_files import MANIFEST, PackError
from .stage_log import append, locked, read_log

STAGES = (FIRST_STAGE, "validated", "deployed", "retired")
_NEXT = {"candidate": ("validated", "retired"), "validated": ("deployed", "retired"), "deployed": ("retired",)}
_APPROVERS = {"validated": 2, "deployed": 1, "retired": 1}
_RATES = ("ppv", "sensitivity")


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model of a registry: its stage, or what is wrong with its folder."""

    folder: str
    stage: str
    name: str = ""
    version: str = ""
    kind: str = ""
    phenotype_code: str = ""
    phenotype_name: str = ""
    demo: bool = False
    sha256: str = ""
    fault: str | None = None


def list_models(registry: Path) -> list[RegisteredModel]:
    """Every model folder of a registry, in order of the names. A damaged one is listed with its fault.

    Raises PackError where the folder is missing or its log was tampered with.
    """
    if not registry.is_dir():
        raise PackError(registry, "no such folder", "name a folder with model folders in it")
    entries = read_log(registry)
    return [
        _listed(path, entries)
        for path in sorted(registry.iterdir())
        if path.is_dir() and not path.name.startswith(".") and (path / MANIFEST).exists()
    ]


def _listed(path: Path, entries: Sequence[Mapping[str, Any]]) -> RegisteredModel:
    try:
        pack = open_pack(path)
        stage = _stage(pack, entries)
    except PackError as error:
        return RegisteredModel(path.name, "unusable", fault=error.problem)
    manifest = pack.manifest
    return RegisteredModel(
        folder=path.name,
        stage=stage,
        name=pack.name,
        version=manifest["version"],
        kind=pack.kind,
        phenotype_code=manifest["phenotype_code"],
        phenotype_name=manifest["phenotype_name"],
        demo=pack.demo,
        sha256=pack.sha256,
    )


def stage_of(pack: ModelPack) -> str:
    """Stage of a model by the log beside its folder; `candidate` where there is none. Raises PackError."""
    return _stage(pack, read_log(pack.path.resolve().parent))


def _stage(pack: ModelPack, entries: Sequence[Mapping[str, Any]]) -> str:
    own = [entry for entry in entries if entry["folder"] == pack.path.resolve().name]
    if own and own[-1]["model_sha256"] != pack.sha256:
        raise PackError(
            pack.path,
            f"is not the model that was {own[-1]['to']}: its sha256 is another one",
            "bring back the model of the log, or give the new one a folder of its own",
        )
    elsewhere = [entry for entry in entries if entry["model_sha256"] == pack.sha256]
    return elsewhere[-1]["to"] if elsewhere else FIRST_STAGE


def change_stage(
    model: Path,
    to: str,
    *,
    why: str,
    approvers: Sequence[str],
    when: str | None = None,
    validation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Move a model to another stage and return the entry of the log.

    To `validated`: two different approvers, and a local validation (document of `phenotext evaluate-model`: n, ppv and
    sensitivity with intervals, site, date) of this very model on other data than it was trained on. A demo model is
    only ever a candidate or retired. `when` is the date the user gives; nothing is dated by itself. Raises PackError.
    """
    pack = open_pack(model)
    registry = pack.path.resolve().parent
    with locked(registry):
        stage = stage_of(pack)
        _check_step(pack, stage, to)
        people = _people(pack, to, approvers)
        if not why.strip():
            raise PackError(pack.path, "no reason is given", "say why with --why")
        entry: dict[str, Any] = {
            "folder": pack.path.resolve().name,
            "model_name": pack.name,
            "model_version": pack.manifest["version"],
            "model_sha256": pack.sha256,
            "phenotype_code": pack.manifest["phenotype_code"],
            "from": stage,
            "to": to,
            "why": why.strip(),
            "approvers": people,
            "when": when,
        }
        if to == "validated":
            entry["validation"] = _checked_validation(pack, validation)
        return append(registry, entry)


def _check_step(pack: ModelPack, stage: str, to: str) -> None:
    if to not in STAGES:
        raise PackError(pack.path, f"there is no stage {to!r}", f"use one of {', '.join(STAGES[1:])}")
    if to not in _NEXT.get(stage, ()):
        allowed = " or ".join(_NEXT.get(stage, ())) or "nothing: train a new model"
        raise PackError(pack.path, f"a {stage} model cannot become {to}", f"from {stage} comes {allowed}")
    if pack.demo and to != "retired":
        reason = pack.manifest.get("demo_reason") or "it was trained for a demonstration"
        raise PackError(
            pack.path, f"is a demo model and cannot be promoted ({reason})", "train one on enough patients of your own"
        )


def _people(pack: ModelPack, to: str, approvers: Sequence[str]) -> list[str]:
    """Approvers, each once whatever the spelling of blanks and capitals."""
    by_name = {" ".join(name.split()).casefold(): " ".join(name.split()) for name in approvers if name.strip()}
    needed = _APPROVERS[to]
    if len(by_name) < needed:
        raise PackError(
            pack.path,
            f"{to} needs {needed} different approvers, {len(by_name)} given",
            "name each with --approver",
        )
    return list(by_name.values())


def _checked_validation(pack: ModelPack, validation: Mapping[str, Any] | None) -> dict[str, Any]:
    remedy = "make it with `phenotext evaluate-model MODEL RUN --labels L --site S --date D --out FILE`"
    if validation is None:
        raise PackError(pack.path, "no local validation is given", remedy)

    def refuse(problem: str) -> PackError:
        return PackError(pack.path, f"the local validation {problem}", remedy)

    if validation.get("model_sha256") != pack.sha256:
        raise refuse("is of another model")
    if validation.get("same_data_as_training") is not False:
        raise refuse("was made on the notes the model was trained on")
    n = validation.get("n")
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise refuse("has no number of patients (n)")
    for name in ("site", "date"):
        if not isinstance(validation.get(name), str) or not validation[name].strip():
            raise refuse(f"has no {name}")
    for name in _RATES:
        rate = validation.get(name)
        if not isinstance(rate, Mapping) or not _is_interval(rate):
            raise refuse(f"has no {name} with its interval")
    kept = ("n", "n_positive", "n_flagged", "site", "date", *_RATES, "data_sha256", "threshold")
    return {name: validation[name] for name in kept if name in validation}


def _is_interval(rate: Mapping[str, Any]) -> bool:
    numbers = [rate.get(name) for name in ("low", "estimate", "high")]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        return False
    low, estimate, high = (float(number) for number in numbers if number is not None)
    return 0 <= low <= estimate <= high <= 1
