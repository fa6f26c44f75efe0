"""Terminologies of published files, compiled once for all tests that look at one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.build_report import BuildReport
from phenotext.nlp.terminology.terminology import Terminology


@pytest.fixture(scope="session")
def published(shared: Path) -> Callable[[str], tuple[Terminology, BuildReport]]:
    """Compile a file of the terminologies beside the repository, with findings; seconds, so once for each file."""

    @cache
    def compiled(name: str) -> tuple[Terminology, BuildReport]:
        return compile_sources([shared / "data" / "terminology" / name], findings=True)

    return compiled
