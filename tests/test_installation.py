"""The libraries of the extras live in one environment with ours."""

import importlib
import importlib.metadata

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spacy", "medspacy", "scispacy", "transformers", "torch", "datasets", "pytest"])
def test_imports(name: str) -> None:
    importlib.import_module(name)


def test_console_script_and_spacy_factory_are_registered() -> None:
    entries = importlib.metadata.entry_points()
    assert entries.select(group="console_scripts", name="phenotext")
    assert entries.select(group="spacy_factories", name="phenotext")
