"""Maps between code systems: packed, looked up, and read backwards."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.code_map import MAP_SCHEMA, CodeMaps, CodeTarget, map_key, pack_maps
from phenotext.nlp.terminology.terminology import Terminology
from phenotext.pipelines.code_lookup import codes_of_file, map_codes, summary, write_mapped
from phenotext.pipelines.errors import RunError

from .athena_sample import write_athena

SYSTEMS = ("ICD10CM", "NDC", "LOINC", "SNOMED")
ROWS = st.tuples(
    st.sampled_from(SYSTEMS), st.text("AB1.-é ", min_size=1, max_size=4), st.text(max_size=4),
    st.sampled_from(SYSTEMS), st.text("XY2", min_size=1, max_size=2), st.text(max_size=4),
    st.integers(0, 2**40), st.sampled_from(("Condition", "Drug", "")), st.sampled_from(("Maps to", "Maps to value")),
)  # fmt: skip


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(MAP_SCHEMA.names, row, strict=True)) for row in rows], schema=MAP_SCHEMA)


@settings(max_examples=200, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=20), st.integers(0, 20))
def test_every_row_is_found_again(rows: list[tuple[object, ...]], cut: int) -> None:
    maps = CodeMaps(pack_maps([table(rows[:cut]), table(rows[cut:])]))
    expected: dict[tuple[str, str], dict[tuple[str, str, str], CodeTarget]] = {}
    for source, code, _, target, target_code, name, number, domain, relationship in rows:
        targets = expected.setdefault((str(source), map_key(str(source), str(code))), {})
        found = CodeTarget(target, target_code, name, number, domain, relationship)  # type: ignore[arg-type]
        targets.setdefault((found.system, found.code, found.relationship), found)
    assert len(maps) == len(maps.table()) == sum(map(len, expected.values()))
    assert maps.systems == tuple(sorted({system for system, _ in expected}))
    for source, code, *_ in rows:
        wanted = list(expected[str(source), map_key(str(source), str(code))].values())
        assert maps.targets(str(source), str(code)) == wanted
        for system in SYSTEMS:
            assert maps.targets(str(source), str(code), system) == [t for t in wanted if t.system == system]


def test_dots_hyphens_and_case_do_not_matter() -> None:
    row = ("NDC", "00093-1048-01", "", "RxNorm", "860975", "metformin", 1, "Drug", "Maps to")
    maps = CodeMaps(pack_maps([table([row, ("LOINC", "4548-4", *row[2:])])]))
    assert maps.targets("NDC", "00093104801") == maps.targets("NDC", " 00093-1048-01 ") != []
    assert maps.targets("LOINC", "45484") == []  # the hyphen of LOINC is part of the code
    assert maps.targets("CPT4", "00093104801") == []


@pytest.fixture(scope="module")
def terminology(tmp_path_factory: pytest.TempPathFactory) -> Terminology:
    folder = tmp_path_factory.mktemp("athena")
    compile_sources([write_athena(folder / "v")], folder / "t.ptx")
    return Terminology.open(folder / "t.ptx")


def test_codes_are_mapped_and_counted(terminology: Terminology) -> None:
    mapped = map_codes(terminology, "ICD10CM", ["E11.9", "O99511", "Z99.9", "E11.9"])
    assert [(one.code, one.rows, [t.code for t in one.targets]) for one in mapped] == [
        ("E11.9", 2, ["44054006"]), ("O99511", 1, ["233604007", "195967001"]), ("Z99.9", 1, []),
    ]  # fmt: skip
    assert summary(mapped) == "3 codes (4 rows): 2 mapped, 1 of them to several targets; 1 unmapped (1 rows)"
    assert [len(one.targets) for one in map_codes(terminology, "NDC", ["0093-1048-01"])] == [1]


def test_maps_are_read_backwards_for_reading_results(terminology: Terminology) -> None:
    mapped = map_codes(terminology, "SNOMED", ["195967001", "44054006", "84114007"], to="ICD10CM")
    found = [(one.code, [(t.code, t.relationship) for t in one.targets]) for one in mapped]
    assert found == [
        ("195967001", [("O99511", "Mapped from")]), ("44054006", [("E119", "Mapped from")]), ("84114007", []),
    ]  # fmt: skip


def test_a_system_without_maps_is_an_error(terminology: Terminology) -> None:
    with pytest.raises(RunError, match=r"no maps of HCPCS; it has maps of ATC, CPT4"):
        map_codes(terminology, "HCPCS", ["G0008"])


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_codes_of_a_file(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "codes.txt"
    path.write_text(f"\ufeffid{mark}dx\n1{mark}E11.9\n2{mark}\n\n3{mark} Z99.9 \n", encoding="utf-8")
    assert codes_of_file(path, "dx") == (["E11.9", "Z99.9"], 1)
    with pytest.raises(RunError, match=r"no column code; give --column one of id, dx"):
        codes_of_file(path, "code")


def test_faulty_code_files(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("id,code\n1,E11.9\n2\n", encoding="utf-8")
    with pytest.raises(RunError, match="row 3 has 1 cells, the header 2"):
        codes_of_file(path, "code")
    path.write_bytes(b"code\n\xff\n")
    with pytest.raises(RunError, match="not UTF-8"):
        codes_of_file(path, "code")


def test_the_written_table(terminology: Terminology, tmp_path: Path) -> None:
    write_mapped(tmp_path / "m.csv", map_codes(terminology, "ICD10CM", ["E11.9", "Z99.9"]))
    assert (tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "E11.9,1,SNOMED,44054006,Type 2 diabetes mellitus,201826,Condition,Maps to",
        "Z99.9,1,,,,,,",
    ]
