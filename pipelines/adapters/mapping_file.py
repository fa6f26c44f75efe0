"""The YAML file that says which columns of somebody's claims play which role."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ..errors import RunError
from .source_file import SourceFile

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "data" / "mappings" / "claims_mapping.schema.json"
NAMES = ("mapping.yaml", "mapping.yml")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping that fits its schema."""

    path: Path
    document: dict[str, Any]

    @property
    def delimiter(self) -> str | None:
        return self.document.get("delimiter")

    def part(self, name: str) -> dict[str, Any] | None:
        """`person` or `observation_period`, where the mapping has it."""
        return self.document.get(name)


def read_mapping_file(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        RunError: naming the place in the file that does not fit, and what would.
    """
    import yaml
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise RunError("is not YAML", where=f"{path.name}{line}", remedy="see docs/claims.md for the form") from None
    except OSError as error:
        raise RunError(f"cannot be read ({error.strerror})", where=str(path)) from None
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    faults = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda one: list(map(str, one.path)))
    if faults:
        fault = best_match(faults) or faults[0]
        place = "/".join(str(part) for part in fault.absolute_path) or "the file"
        raise RunError(
            f"{place}: {fault.message}", where=path.name,
            remedy="correct it; docs/claims.md and pipelines/data/mappings/medical_claims.yaml show the form",
        )  # fmt: skip
    _check_patterns(path, document)
    return Mapping(path, document)


def _check_patterns(path: Path, document: dict[str, Any]) -> None:
    for number, file in enumerate(document["files"]):
        for place, code in enumerate(file["codes"]):
            system = code["code_system"]
            for pattern in system.get("patterns", ()) if isinstance(system, dict) else ():
                try:
                    re.compile(pattern["matches"])
                except re.error as error:
                    raise RunError(
                        f"files/{number}/codes/{place}: the pattern cannot be read ({error})", where=path.name
                    ) from None


def files_of(mapping: Mapping, files: list[SourceFile]) -> dict[int | str, list[SourceFile]]:
    """Which files each part of the mapping is about: entries of `files` by number, `person`, `observation_period`.

    Raises:
        RunError: for a part whose file is not there.
    """
    found: dict[int | str, list[SourceFile]] = {}
    taken: set[Path] = set()
    parts: list[tuple[int | str, str | None]] = [
        (name, mapping.document[name]["file"]) for name in ("person", "observation_period") if name in mapping.document
    ]
    parts += [(number, part.get("file")) for number, part in enumerate(mapping.document["files"])]
    for name, pattern in parts:
        if pattern is None:
            continue
        found[name] = [file for file in files if fnmatch(file.name, pattern)]
        if not found[name]:
            raise RunError(
                f"no file is called {pattern}", where=mapping.path.name, remedy="correct the name, or take the part out"
            )
        taken.update(file.path for file in found[name])
    for name, pattern in parts:
        if pattern is None:
            found[name] = [file for file in files if file.path not in taken]
            if not found[name]:
                raise RunError("no file is left for this part", where=f"{mapping.path.name}: files/{name}")
    return found


def spread(pattern: str, file: SourceFile) -> list[tuple[str, str]]:
    """The columns (lower case) that a name with a range stands for, as far as the file has them, with the number each.

    >>> spread("DX_{1..3}", SourceFile(Path("a.csv"), ("dx_1", "dx_2"), ","))
    [('dx_1', '1'), ('dx_2', '2')]
    """
    match = _RANGE.search(pattern)
    if match is None:
        return [(pattern.lower(), "")]
    names = [
        (f"{pattern[: match.start()]}{number}{pattern[match.end() :]}".lower(), str(number))
        for number in range(int(match[1]), int(match[2]) + 1)
    ]
    return [(name, number) for name, number in names if name in file.columns]
