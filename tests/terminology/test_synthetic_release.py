"""The small version of the scale benchmark: a made-up RF2 release of the shape of the real one, built and used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.terminology import Terminology
from phenotext.nlp.terminology.build import compile_sources

ROOT = Path(__file__).resolve().parent.parent.parent
CONCEPTS = 3_000


def release(folder: Path, *options: str) -> dict[str, int]:
    """Write a release and return the counts that the generator prints."""
    script = str(ROOT / "scripts" / "make_synthetic_rf2.py")
    command = [sys.executable, script, str(folder), "--concepts", str(CONCEPTS), *options]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {what: int(number.replace(",", "")) for number, what in re.findall(r"(\d[\d,]*) ([a-z][a-z0-9 ]+)", printed)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    folder = tmp_path_factory.mktemp("release")
    return folder, release(folder)


def test_everything_that_was_written_is_read(made: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    folder, counts = made
    terminology, report = compile_sources([folder], tmp_path / "t.ptx")
    assert report.codes == counts["concepts"] + 1  # the root
    assert report.relations.isa_edges == counts["is a"]
    assert report.relations.retired == counts["retired"]
    assert sum(report.relations.refset_members.values()) == counts["refset members"]
    assert report.relations.maps == {"SNOMED to ICD10CM": counts["icd10cm maps"]}
    root = terminology.find("138875005", "SNOMED")
    assert len(terminology.hierarchy.descendants(root)) == counts["concepts"]
    assert Terminology.open(tmp_path / "t.ptx").sha256 == terminology.sha256
    (mention,) = Extractor(terminology)("No allergic reaction.").mentions
    assert (mention.text, mention.assertion) == ("allergic reaction", "absent")


def test_a_zip_gives_the_same_terminology(made: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    release(tmp_path / "zipped", "--zip")
    (archive,) = (tmp_path / "zipped").glob("*.zip")
    zipped, _ = compile_sources([archive], name="synthetic", release="1")
    plain, _ = compile_sources([made[0]], name="synthetic", release="1")
    assert zipped.sha256 == plain.sha256
