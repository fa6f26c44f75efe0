"""The rules of the house that a machine can check: who imports whom, what loads when, how files are named and sized."""

from __future__ import annotations

import ast
import doctest
import fnmatch
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import phenotext
import phenotext.nlp

ROOT = Path(__file__).resolve().parent.parent
# An import may go from a room to itself and to those before it.
ROOMS = ("nlp", "annotations", "models", "pipelines")
CHECKED = (*ROOMS, "tests", "scripts")
HEAVY = ("torch", "spacy", "transformers", "duckdb", "pandas", "medspacy", "sklearn", "scipy", "typer", "rich")
VAGUE = {"utils", "util", "helpers", "helper", "misc", "common", "stuff", "tools"}
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# Names that hold, or may hold, words of a note.
TEXT_NAME = re.compile(r"(?:^|_)(?:texts?|notes?|snippets?|words?|sentences?|passages?|lines?|cells?|rows?|records?)$")
MAX_LINES = 400
# Longer files that await their splitting; keep it empty.
LONG: set[str] = set()


def room_files(*rooms: str, ending: str = ".py") -> list[Path]:
    return sorted(
        path for room in rooms for path in (ROOT / room).rglob(f"*{ending}") if "__pycache__" not in path.parts
    )


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[tuple[str, bool, int]]:
    """(dotted name from the repository's root, whether it is relative, line) of every import of a file."""
    package = path.relative_to(ROOT).parent.parts
    if package[:2] == ("pipelines", "root"):
        package = ()  # installed as `phenotext` itself
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False, node.lineno
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = node.module.split(".") if node.module else []
            base = [*above, *module]
            if node.module is None:
                for alias in node.names:
                    yield ".".join([*base, alias.name]), bool(node.level), node.lineno
            else:
                yield ".".join(base), bool(node.level), node.lineno


@pytest.mark.parametrize("path", room_files(*ROOMS), ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = ROOMS[: ROOMS.index(room) + 1]
    for target, relative, line in imported(path):
        first = target.split(".")[0]
        if path.parent == ROOT / "pipelines" / "root" and first == "phenotext":
            continue  # the root package names its parts by their installed names
        assert first != "phenotext", f"{name_of(path)}:{line}: rooms import each other relatively, not as phenotext.*"
        if first in ROOMS:
            assert relative, f"{name_of(path)}:{line}: `{target}` works from the repository's root only"
            assert first in allowed, f"{name_of(path)}:{line}: {room} may not import {first}"


def test_tests_and_scripts_use_the_installed_names() -> None:
    for path in room_files("tests", "scripts"):
        for target, relative, line in imported(path):
            if not relative:
                assert target.split(".")[0] not in ROOMS, f"{name_of(path)}:{line}: write phenotext.{target}"


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return set(done.stdout.split())


def test_import_of_the_engine_is_light() -> None:
    loaded = modules_after("import phenotext.nlp")
    assert "phenotext.nlp" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_imports_alone(room: str) -> None:
    loaded = modules_after(f"import phenotext.{room}")
    assert not loaded & set(ROOMS), "a room must not land in site-packages under its bare name"
    assert not loaded & {"torch", "spacy", "transformers"}


def test_no_room_was_imported_by_its_bare_name() -> None:
    # `import nlp` works from the repository's root by accident
    assert not set(sys.modules) & set(ROOMS)


@pytest.mark.parametrize("ending", [".py", ".sql"])
def test_files_are_short(ending: str) -> None:
    long = {
        name_of(path): count
        for path in room_files(*CHECKED, ending=ending)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    expected = {name for name in LONG if name.endswith(ending)}
    assert long.keys() <= expected, f"one file, one idea: split {long}"
    assert expected <= long.keys(), "take what was split off the list"


def test_file_names_say_something() -> None:
    vague = [
        name_of(path)
        for path in room_files(*CHECKED, ending="")
        if path.is_file() and VAGUE & set(re.split(r"[_\W]+", path.stem.lower()))
    ]
    assert not vague


def tracked_files() -> list[Path]:
    """Files that are, or will be, in the repository."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("no git repository here")
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_machine_paths() -> None:
    # written so that this file passes its own test
    places = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "root", "home", "Users")) + r")/[A-Za-z0-9_.-]")
    found: list[str] = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name_of(path)}:{text.count(chr(10), 0, m.start()) + 1}" for m in places.finditer(text)]
    assert not found, f"paths of one machine: {found}"


def test_public_names_are_few() -> None:
    names = phenotext.nlp.__all__
    assert len(names) == len(set(names)) < 25
    assert all(hasattr(phenotext.nlp, name) for name in names)
    assert phenotext.nlp.__version__ == phenotext.__version__


def public_definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


@pytest.mark.parametrize("path", room_files("nlp"), ids=name_of)
def test_public_names_of_the_engine_have_docstrings(path: Path) -> None:
    tree = tree_of(path)
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), "the module has no docstring"
    missing = [f"{node.name}:{node.lineno}" for node in public_definitions(tree.body) if not ast.get_docstring(node)]
    assert not missing


def test_rooms_do_not_print() -> None:
    """Results go to files and to the console of a command; `cli.py` and `commands/` are the only places that speak."""
    printing = [
        f"{name_of(path)}:{node.lineno}"
        for path in room_files(*ROOMS)
        if path.parent.name != "commands" and path != ROOT / "pipelines" / "cli.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def test_logging_calls_carry_no_text() -> None:
    """No argument of a logging call is a name that may hold words of a note, and no traceback is logged with it."""
    wrong: list[str] = []
    for path in room_files(*ROOMS):
        for node in ast.walk(tree_of(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            logger = node.func.value
            holder = logger.id if isinstance(logger, ast.Name) else getattr(logger, "attr", "")
            if node.func.attr not in LOG_METHODS or "log" not in holder.lower():
                continue
            for part in ast.walk(node):
                name = part.id if isinstance(part, ast.Name) else getattr(part, "attr", "")
                if TEXT_NAME.search(name):
                    wrong.append(f"{name_of(path)}:{node.lineno} {name}")
            if node.func.attr == "exception" or any(keyword.arg == "exc_info" for keyword in node.keywords):
                wrong.append(f"{name_of(path)}:{node.lineno}: a traceback may quote a note")
    assert not wrong


def test_every_data_file_is_packaged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    forgotten = [
        name_of(path)
        for path in tracked_files()
        if path.relative_to(ROOT).parts[0] in ROOMS
        and path.suffix != ".py"
        and not any(fnmatch.fnmatch(path.name, pattern.removeprefix("**/")) for pattern in patterns)
    ]
    assert not forgotten
    # a folder of data must lie in a package, or setuptools does not see it
    for path in tracked_files():
        if path.relative_to(ROOT).parts[0] in ROOMS and path.suffix != ".py":
            parents = [folder for folder in path.parents if ROOT in folder.parents]
            assert any((folder / "__init__.py").is_file() for folder in parents), name_of(path)


def modules(package: ModuleType) -> Iterator[str]:
    yield package.__name__
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield found.name


@pytest.mark.parametrize("name", list(modules(phenotext)))
def test_docstring_examples(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"needs an extra: {error}")
    assert doctest.testmod(module).failed == 0
