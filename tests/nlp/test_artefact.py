"""Compiled terminologies: what is saved is what is opened, what is damaged is refused, and every term is found."""

from __future__ import annotations

import gzip
import mmap
from pathlib import Path

import numpy as np
import pytest

from phenotext.nlp import Extractor, Terminology
from phenotext.nlp.starter import starter_terminology
from phenotext.nlp.terminology.artefact import ArtefactError
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.rows import ConceptRow, TermVariant
from phenotext.nlp.tsv import data_file, read_tsv

HEADER = "code\tsystem\tterm\tpreferred\tchronic\n"
ROWS = (
    "195967001\tSNOMED\tAsthma\tAsthma\t1\n"
    "195967001\tSNOMED\tBronchial asthma\tAsthma\t1\n"
    "73211009\tSNOMED\tDiabetes mellitus\tDiabetes mellitus\t1\n"
    "91302008\tSNOMED\tALL\tAcute lymphoblastic leukaemia\t\n"
)


@pytest.fixture
def starter_file(tmp_path: Path) -> Path:
    path = tmp_path / "starter.ptx"
    starter_terminology().save(path)
    return path


def small(**more: object) -> Terminology:
    concepts = [
        ConceptRow("2", "SNOMED", "Asthma", "disorder", True),
        ConceptRow("1", "SNOMED", "Fever", "finding"),
        ConceptRow("HP:0001945", "HPO", "Fever"),
    ]
    variants = [
        TermVariant("2", "SNOMED", "Asthma", False, "preferred", 0),
        TermVariant("1", "SNOMED", "Fever", False, "preferred", 0),
        TermVariant("HP:0001945", "HPO", "Fever", False, "synonym", 1),
        TermVariant("2", "SNOMED", "AST", True, "abbreviation", 3),
        TermVariant("9", "SNOMED", "not a concept", False, "preferred", 0),
    ]
    return compile_terminology(concepts, variants, name="small", release="2026", **more)  # pyright: ignore[reportArgumentType]


def test_what_is_saved_is_what_is_opened(starter_file: Path) -> None:
    saved, opened = starter_terminology(), Terminology.open(starter_file)
    assert (opened.name, opened.release, opened.sha256) == (saved.name, saved.release, saved.sha256)
    assert (opened.n_concepts, opened.n_terms) == (saved.n_concepts, saved.n_terms)
    assert opened.arrays.keys() == saved.arrays.keys()
    for name, array in saved.arrays.items():
        assert opened.arrays[name].dtype == array.dtype, name
        assert np.array_equal(opened.arrays[name], array), name
    for number in range(0, saved.n_concepts, 97):
        assert opened.codes[number] == saved.codes[number]
        assert opened.preferred[number] == saved.preferred[number]
        assert opened.systems[number] == saved.systems[number]
    assert np.array_equal(opened.chronic, saved.chronic)
    opened.verify()


def test_an_opened_terminology_extracts_the_same(starter_file: Path, extractor: Extractor) -> None:
    text = "No evidence of pneumonia. Mother had cysts of the left kidney. ALL in remission, all well."
    assert Extractor.load(starter_file)(text) == extractor(text)


def test_opening_is_a_memory_map(starter_file: Path) -> None:
    for name, array in Terminology.open(starter_file).arrays.items():
        if not array.size:
            continue
        assert not array.flags.writeable, name
        holder = array
        while isinstance(holder, np.ndarray):
            holder = holder.base
        assert isinstance(getattr(holder, "obj", holder), mmap.mmap), name


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "terms.tsv"
    source.write_text(HEADER + ROWS)
    packed = tmp_path / "packed" / "terms.tsv.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress((HEADER + ROWS).encode()))
    files = [tmp_path / name for name in ("a.ptx", "b.ptx", "c.ptx")]
    for path, origin in zip(files, (source, source, packed), strict=True):
        compile_sources([origin], path, name="terms", release="1")
    assert files[0].read_bytes() == files[1].read_bytes() == files[2].read_bytes()


def test_the_name_and_the_content_are_in_the_hash() -> None:
    assert small().sha256 == small().sha256
    assert small().sha256 != small(redirects={"5": "1"}).sha256


def damaged(path: Path, change: str) -> None:
    content = bytearray(path.read_bytes())
    if change == "cut":
        content = content[: len(content) // 2]
    elif change == "cut in the header":
        content = content[:60]
    elif change == "foreign":
        content = bytearray(b"PK\x03\x04" + b"x" * 200)
    elif change == "header":
        content[16:40] = b"\xff" * 24
    elif change == "empty":
        content = bytearray()
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("cut", "cut short; copy it again or build it again"),
        ("cut in the header", "build the terminology again"),
        ("foreign", "give a file of `phenotext terminology build`"),
        ("header", "build the terminology again"),
        ("empty", "give a file that `terminology build` wrote"),
    ],
)
def test_what_is_damaged_is_refused(starter_file: Path, change: str, message: str) -> None:
    damaged(starter_file, change)
    with pytest.raises(ArtefactError, match=message) as raised:
        Terminology.open(starter_file)
    assert str(starter_file) in str(raised.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no such file; build it with"):
        Terminology.open(tmp_path / "none.ptx")
    with pytest.raises(ArtefactError, match="not a compiled terminology"):
        Extractor.load(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    terminology = small()
    with pytest.raises(ArtefactError, match="build it again"):
        Terminology.from_arrays(terminology.arrays, {**terminology.meta, "format": 0})


def test_verify_sees_a_changed_byte(starter_file: Path) -> None:
    content = bytearray(starter_file.read_bytes())
    content[-70] ^= 1
    starter_file.write_bytes(content)
    with pytest.raises(ArtefactError, match="does not match its sha256"):
        Terminology.open(starter_file).verify()


def test_saving_leaves_nothing_aside(starter_file: Path) -> None:
    assert [path.name for path in starter_file.parent.iterdir()] == [starter_file.name]


def test_find() -> None:
    terminology = small(redirects={"7": "1", "8": "7", "3": "3"})
    found = [terminology.find(code) for code in ("1", "2", "HP:0001945")]
    assert [terminology.codes[number] for number in found] == ["1", "2", "HP:0001945"]
    assert terminology.find("1", "SNOMED") == terminology.find("1")
    assert terminology.find("1", "HPO") == terminology.find("1", "LOINC") == -1
    assert terminology.find("4") == terminology.find("") == -1


def test_retired_codes_are_redirected() -> None:
    terminology = small(redirects={"7": "1", "8": "7", "3": "3"})
    assert terminology.find("7") == terminology.find("8") == terminology.find("1")
    assert terminology.find("3") == -1
    note = Extractor(terminology)("Fever.", [(0, 5, "7")])
    assert note.mentions[0].code == "1"


def test_lookup() -> None:
    terminology = small()
    names = [(terminology.systems[n], terminology.codes[n]) for n in terminology.lookup("FEVERS")]
    assert names == [("SNOMED", "1"), ("HPO", "HP:0001945")]
    assert terminology.lookup("AST")
    assert terminology.lookup("ast") == []
    assert terminology.lookup("fever and asthma") == terminology.lookup("") == terminology.lookup(",") == []


def test_several_codes_of_one_string_are_candidates() -> None:
    (mention,) = Extractor(small())("Fever.").mentions
    assert (mention.code, mention.system, mention.candidates) == ("1", "SNOMED", ("1", "HP:0001945"))


def test_an_empty_terminology_finds_nothing() -> None:
    extractor = Extractor(compile_terminology([], [], name="empty"))
    assert extractor("No evidence of pneumonia.").mentions == ()
    assert extractor("No pneumonia.", [(3, 12, None)]).mentions[0].assertion == "absent"


def lexicon_terms() -> list[tuple[str, str]]:
    """(code, term) of every row of the starter lexicon."""
    folder = Path(str(data_file("lexicon")))
    return [(row["code"], row["term"]) for path in sorted(folder.glob("*.tsv")) for _, row in read_tsv(path)]


# The abbreviation table decides: without context it reads "C/S" as another of its senses.
LETTERS = {"C/S"}


def test_every_term_of_the_starter_lexicon_is_found(extractor: Extractor) -> None:
    """Put alone into a note, each term is one mention over all of it, and its code is among the candidates."""
    rows = [(code, term) for code, term in lexicon_terms() if term not in LETTERS]
    assert len(rows) > 10_000
    wrong: list[str] = []
    for (code, term), note in zip(rows, extractor.pipe([f"Findings: {term}." for _, term in rows]), strict=True):
        # a mention may end before a possessive s: "Wilson" in "Wilson's"
        places = {(10, 10 + len(term)), (10, 10 + len(term.removesuffix("'s")))}
        if not any((m.start, m.end) in places and code in m.candidates for m in note.mentions):
            found = [(m.text, m.candidates) for m in note.mentions]
            wrong.append(f"{code} {term!r}: {found}")
    assert not wrong, f"{len(wrong)} terms are not found:\n" + "\n".join(wrong)
