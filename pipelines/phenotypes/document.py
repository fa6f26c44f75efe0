"""The YAML of a phenotype definition: read strictly, checked against the JSON Schema, hashed in a canonical form."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..errors import RunError

SCHEMA_FILE = Path(__file__).parent.parent / "data" / "phenotype_schema.json"
# What a review adds does not change what was reviewed.
_OUTSIDE_HASH = ("status", "review")
_SHOWN = 3


class _Loader(yaml.SafeLoader):
    """Safe, keeps dates as text, and refuses a key that stands twice: YAML itself would drop the first."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[object] = set()
    for key, _ in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {name} stands twice", key.start_mark)
        seen.add(name)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of definitions."""
    return json.loads(SCHEMA_FILE.read_bytes())


def read_document(path: Path) -> dict[str, Any]:
    """The document of a definition file, checked against the schema.

    Raises RunError with the file, the line or the place in the document, and what to do.
    """
    if not path.is_file():
        raise RunError(
            "no such definition", where=str(path), remedy="name a .yaml file, or one of `phenotext phenotype list`"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RunError("the file is not UTF-8", where=str(path), remedy="save it as UTF-8") from None
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        problem = getattr(error, "problem", None) or "this is no YAML"
        raise RunError(
            problem, where=where, remedy="put codes and expressions between quotation marks, indent by blanks"
        ) from None
    except RecursionError:
        raise RunError("the YAML is nested too deeply", where=str(path), remedy="flatten the criteria") from None
    check_document(document, str(path))
    return document


def check_document(document: Any, where: str) -> None:
    """Raise RunError for the first breaches of the schema, the most telling first."""
    errors = sorted(Draft202012Validator(schema()).iter_errors(document), key=lambda error: list(map(str, error.path)))
    if not errors:
        return
    told = [_told(error) for error in errors[:_SHOWN]]
    more = f" (and {len(errors) - _SHOWN} more)" if len(errors) > _SHOWN else ""
    place, problem, remedy = told[0]
    rest = "".join(f"; {other}: {trouble}" for other, trouble, _ in told[1:])
    raise RunError(f"{problem}{rest}{more}", where=f"{where}, {place}", remedy=remedy)


def _told(error: ValidationError) -> tuple[str, str, str]:
    """Place in the document, what is wrong there, what to do."""
    # of several forms that might be meant, the one that fails deepest is the one that was meant
    while error.validator == "anyOf" and error.context:
        deepest = max(error.context, key=lambda inner: (len(inner.absolute_path), inner.validator != "type"))
        if len(deepest.absolute_path) <= len(error.absolute_path):
            break
        error = deepest
    place = "/".join(str(part) for part in error.absolute_path) or "top level"
    allowed: Any = error.validator_value
    comment = error.schema.get("$comment") if isinstance(error.schema, dict) else None
    describe = error.schema.get("description") if isinstance(error.schema, dict) else None
    if error.validator == "oneOf":
        return place, str(comment or "not one of the known forms"), "keep one of them"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {})) if isinstance(error.schema, dict) else []
        extra = sorted(set(error.instance) - set(known)) if isinstance(error.instance, dict) else []
        return place, f"unknown key {', '.join(map(str, extra))}", f"known are {', '.join(known)}"
    if error.validator == "required":
        missing = re.findall(r"'([^']+)' is a required", error.message)
        return place, f"no {', '.join(missing)}", "add it"
    if error.validator == "enum":
        return place, "not one of the known values", f"give one of {', '.join(map(str, allowed))}"
    if error.validator == "const":
        return place, "not the version that is read", f'write "{allowed}"'
    if error.validator == "type":
        wanted = allowed if isinstance(allowed, str) else " or ".join(allowed)
        remedy = f"give a {wanted}" + (f": {describe}" if describe else "")
        if wanted == "string" and isinstance(error.instance, int | float):
            remedy = "put it between quotation marks: codes and versions are text"
        return place, f"is no {wanted}", remedy
    remedy = str(describe or comment or "see docs/phenotypes.md")
    return place, error.message[:160], remedy


def canonical(document: dict[str, Any], files: dict[str, str]) -> bytes:
    """What the hash is made of: sorted JSON, without status and review; files that are named count by content.

    Args:
        files: sha256 of each file that the concept sets name, by its name in the document.
    """
    kept = {key: value for key, value in document.items() if key not in _OUTSIDE_HASH}
    whole = {"definition": kept, "files": dict(sorted(files.items()))}
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def definition_hash(document: dict[str, Any], files: dict[str, str]) -> str:
    """sha256 of the canonical form.

    >>> a, b = {"id": "x", "name": "X", "status": "unvalidated"}, {"status": "validated", "name": "X", "id": "x"}
    >>> definition_hash(a, {}) == definition_hash(b, {})
    True
    """
    return hashlib.sha256(canonical(document, files)).hexdigest()
