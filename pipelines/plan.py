"""What a run is, as one hash: an interrupted run is continued, a finished one left alone, a changed one noticed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..nlp import data
from ..nlp.tables import SCHEMA_VERSION
from ..nlp.version import VERSION
from .claims_source import claims_fingerprint
from .concepts import Registry
from .durable import write_json
from .errors import RunError
from .ids import key_fingerprint
from .language_rules import LanguageRules
from .mappings import MAPPING_FILE
from .readers import Corpus
from .readers.corpus import SourceFile, hash_file
from .registry import REGISTRY_FILE
from .settings import Settings

RUN = "run.json"
PLAN = "plan.json"
WORK = "work"
LOCK = ".lock"
OURS = frozenset(
    {
        RUN, "source.json", "settings.json", WORK, LOCK, "data", "metadata", "private",
        "evidence.parquet", "note.parquet", "cohort.parquet", "feature.parquet", "covariate_ref.parquet",
        "analysis_ref.parquet", "quarantine.parquet", "rollup.parquet", "person.parquet",
        "observation_period.parquet", "score.parquet", "score_evidence.parquet",
    }
)  # fmt: skip
_TOLD = {
    "schema_version": "the version of the tables",
    "package_version": "the version of phenotext",
    "terminology": "the terminology",
    "language_rules": "the cues and headings",
    "analysis_registry": "the registry of analyses",
    "mappings": "the code mappings",
    "options": "the options",
    "id_key": "the id key",
    "notes": "the notes",
    "claims": "the claims",
    "cohort": "the cohort file",
    "splits": "the splits file",
    "rollup": "the roll-ups",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Identity of a run, and the files it reads."""

    run_id: str
    identity: dict[str, Any]
    sources: list[SourceFile]


def make_plan(
    settings: Settings, corpus: Corpus, sources: list[SourceFile], registry: Registry, terminology: Any, key: bytes
) -> Plan:
    """Hash everything that decides what is written. Neither places nor times of day are in it."""
    # the files' names are in the tables (quarantine) and name the notes of a text folder
    listing = "".join(f"{source.name}\0{source.sha256}\n" for source in sources)
    identity = {
        "schema_version": SCHEMA_VERSION,
        "package_version": VERSION,
        "terminology": {
            "name": terminology.name,
            "release": terminology.release,
            "sha256": terminology.sha256,
            "registry_sha256": registry.sha256(),
        },
        "language_rules": _language_rules(settings.language_rules),
        "analysis_registry": hash_file(REGISTRY_FILE),
        "mappings": {"icd10cm_to_snomed": hash_file(MAPPING_FILE) if MAPPING_FILE.is_file() else None},
        "models": [],
        "options": settings.identity(),
        "id_key": key_fingerprint(key),
        "notes": {"form": corpus.form, "sha256": hashlib.sha256(listing.encode()).hexdigest()},
        "claims": claims_fingerprint(settings.claims) if settings.claims else None,
        "cohort": _given(settings.cohort),
        "splits": _given(settings.splits),
        "rollup": _given(settings.rollup),
        "recall": _given(settings.recall),
    }
    run_id = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return Plan(run_id, identity, sources)


def _language_rules(rules: LanguageRules) -> str:
    """Hash of the tables that decide sections and context; terms are in the terminology's own hash."""
    folder = Path(data.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".tsv", ".txt")):
        if path != MAPPING_FILE:
            digest.update(f"{path.name}\0{hash_file(path)}\n".encode())
    digest.update(rules.fingerprint().encode())
    return digest.hexdigest()


def _given(path: Path | None) -> str | None:
    if path is None:
        return None
    if not path.is_file():
        raise RunError("no such file", where=str(path))
    return hash_file(path)


def prepare_folder(out: Path, overwrite: bool) -> None:
    """Make `out` ready, or refuse to touch a folder that is not a run's."""
    if out.is_dir():
        strange = sorted(entry.name for entry in out.iterdir() if entry.name not in OURS)
        begun = (out / WORK).exists() or (out / RUN).exists()
        if strange and not begun:
            raise RunError(
                f"the folder is not empty and holds no run of phenotext ({len(strange)} entries, {strange[0]!r} first)",
                where=str(out),
                remedy="give --out a new folder",
            )
        if overwrite and (not strange or begun):
            discard(out)
    try:
        (out / WORK).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot be written ({error.strerror})", where=str(out)) from None


def discard(out: Path) -> None:
    """Remove what a run wrote, and nothing else. run.json goes first: without it nothing is finished."""
    (out / WORK).mkdir(exist_ok=True)  # killed on the way, the folder must still be known as ours: it goes last
    for name in (RUN, *sorted(OURS - {RUN, LOCK, WORK}), WORK):
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def finished_run(out: Path) -> dict[str, Any] | None:
    """run.json of a finished run; None if there is none."""
    return _document(out / RUN)


def _document(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        raise RunError("the file is damaged", where=str(path), remedy="use --overwrite or another --out") from None


def claim_folder(out: Path, plan: Plan) -> bool:
    """Enter the plan into `out`; True if this very run is already finished there.

    Raises RunError where the folder holds another run, naming what differs.
    """
    finished = finished_run(out)
    begun = finished or _document(out / WORK / PLAN)
    if begun is not None and begun["run_id"] != plan.run_id:
        raise RunError(
            f"this folder holds {'a finished' if finished else 'an unfinished'} run that differs in "
            + _differences(begun["identity"], plan.identity),
            where=str(out),
            remedy="use another --out, or --overwrite to discard that run",
        )
    if finished is not None:
        return True
    if begun is None:
        write_json(out / WORK / PLAN, {"run_id": plan.run_id, "identity": plan.identity})
    return False


def _differences(before: dict[str, Any], now: dict[str, Any]) -> str:
    told: list[str] = []
    for name, words in _TOLD.items():
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name == "options" and isinstance(old, dict) and isinstance(new, dict):
            changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
            words = f"{words} ({', '.join(changed)})"
        told.append(words)
    return ", ".join(told) or "its identity"


def source_document(settings: Settings, corpus: Corpus, sources: list[SourceFile], list_files: bool) -> dict[str, Any]:
    """Where the notes came from, so that `show`, review and `score` can read the text again."""
    return {
        "notes": str(corpus.root.resolve()),
        "form": corpus.form,
        "columns": corpus.columns.document() if corpus.columns else None,
        "n_files": len(sources),
        "n_bytes": sum(source.size for source in sources),
        "files": [asdict(source) for source in sources] if list_files else "private/source_files.json",
        "max_note_mb": settings.max_note_mb,
        "date_format": settings.date_format,
        "claims": str(settings.claims.resolve()) if settings.claims else None,
    }
