"""What tests share: the extractor on the starter lexicon, and the corpora beside the repository."""

import os
from pathlib import Path

import pytest

from phenotext.nlp import Extractor

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real corpora and terminologies; tests that need it are skipped where it is absent."""
    path = Path(os.environ.get("PHENOTEXT_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip(f"no corpora at {path}; set PHENOTEXT_SHARED to the folder that holds data/")
    return path


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return Extractor()
