"""Building a terminology: precedence, redirects, chronic flags, and the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phenotext.nlp.terminology import SourceError, Terminology, build_terminology
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.build_report import BuildReport
from phenotext.nlp.terminology.chronic import is_chronic

HEADER = "code\tsystem\tterm\tpreferred"
OBO = "format-version: 1.2\n\n[Term]\nid: HP:0002099\nname: Asthma\nalt_id: HP:0012041\n"


def write(folder: Path, name: str, *rows: str, header: str = HEADER) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def concept(terminology: Terminology, code: str) -> int:
    return list(terminology.codes).index(code)


def test_the_first_source_names_a_code(tmp_path: Path) -> None:
    first = write(tmp_path, "a.tsv", "195967001\tSCT\tAsthma\tAsthma")
    second = write(
        tmp_path, "b.tsv", "195967001\tSCT\tBronchial asthma\tBronchial asthma", "44054006\tSCT\tT2DM\tType 2 diabetes"
    )
    terminology, report = compile_sources([first, second])
    assert terminology.preferred[concept(terminology, "195967001")] == "Asthma"
    assert (report.codes, report.terms_read, report.name) == (2, 3, "a")
    assert report.preferred_names_added == 1  # "Type 2 diabetes" stands in no row of its own


def test_written_and_read_again_with_the_same_hash(tmp_path: Path) -> None:
    source = write(tmp_path, "a.tsv", "195967001\tSCT\tAsthma\tAsthma")
    report = build_terminology([source], tmp_path / "t.ptx", name="mine", release="7")
    terminology = Terminology.open(tmp_path / "t.ptx")
    assert (terminology.sha256, terminology.name, terminology.release) == (report.sha256, "mine", "7")
    first = (tmp_path / "t.ptx").read_bytes()
    build_terminology([source], tmp_path / "t.ptx", name="mine", release="7")
    assert (tmp_path / "t.ptx").read_bytes() == first


def test_alternative_codes_redirect_and_their_terms_move(tmp_path: Path) -> None:
    (tmp_path / "x.obo").write_text(OBO, encoding="utf-8")
    old = write(tmp_path, "old.tsv", "HP:0012041\tHPO\tReactive airways\tReactive airways")
    terminology, report = compile_sources([tmp_path / "x.obo", old])
    assert list(terminology.codes) == ["HP:0002099"]
    assert dict(terminology.redirects) == {"HP:0012041": "HP:0002099"}
    assert report.redirected_terms == 1
    assert report.variants == 2


def test_chronic_by_code_by_name_and_by_source(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        "a.tsv",
        "49436004\tSCT\tAF\tAtrial fibrillation\t",
        "I48.91\tICD10CM\tatrial fibrillation\tATRIAL FIBRILLATION\t",
        "X1\tLocal\tlong trouble\tLong trouble\t1",
        "386661006\tSCT\tFever\tFever\t0",
        header=f"{HEADER}\tchronic",
    )
    terminology, report = compile_sources([source])
    flags = {code: bool(flag) for code, flag in zip(terminology.codes, terminology.chronic, strict=True)}
    assert flags == {"49436004": True, "I48.91": True, "X1": True, "386661006": False}
    assert report.chronic_codes == 3


def test_an_empty_terminology_builds_with_a_warning(tmp_path: Path) -> None:
    source = write(tmp_path, "a.tsv")
    report = build_terminology([source], tmp_path / "t.ptx")
    assert report.codes == 0
    assert any("empty" in warning for warning in report.warnings)
    assert "WARNING: The terminology is empty" in report.summary()
    assert len(Terminology.open(tmp_path / "t.ptx").codes) == 0


def test_nothing_is_dropped_silently(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        "a.tsv",
        "62014002\tSCT\tAcute\tAcute",
        *["195967001\tSCT\tAsthma\tAsthma"] * 3,
        "195967002\tSCT\tx\tx",
    )
    report = build_terminology([source])
    assert report.sources[0].dropped == {"check_digit": 2}
    text = report.summary()
    assert "check digit" in text
    assert "a.tsv:2" in text
    assert json.loads(json.dumps(report.to_json()))["sources"][0]["dropped_at"]["check_digit"] == ["a.tsv:2", "a.tsv:6"]


def test_codes_without_terms_are_listed_and_stay_concepts(tmp_path: Path) -> None:
    source = write(tmp_path, "a.tsv", "X1\tLocal\tother\tOther", "X2\tLocal\tother\tAsthma")
    terminology, report = compile_sources([source])
    assert report.codes_without_terms == [("Local", "X1", "Other")]
    assert list(terminology.codes) == ["X1", "X2"]
    assert any("1 codes have no term" in warning for warning in report.warnings)


def test_ambiguous_strings_are_counted(tmp_path: Path) -> None:
    source = write(tmp_path, "a.tsv", "X1\tLocal\tlump\tlump", "X2\tLocal\tLumps\tLumps", "X3\tLocal\tcyst\tcyst")
    assert build_terminology([source]).ambiguous == 1


def test_a_source_in_capitals_has_no_acronyms(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        "a.tsv",
        "X1\tLocal\tFEVER\tFEVER",
        "X2\tLocal\tCHRONIC COUGH\tCHRONIC COUGH",
        "X3\tLocal\tPNEUMONIA\tPNEUMONIA",
    )
    report = build_terminology([source])
    assert report.sources[0].all_capitals
    assert report.acronyms == 0


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    build_terminology([write(tmp_path, "a.tsv", "X1\tLocal\tlump\tlump")], progress=lambda *step: seen.append(step))
    assert [stage for stage, _, _ in seen] == ["read", "read", "rules", "rules", "rules", "compile", "done"]


def test_errors_of_sources_come_through(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        build_terminology([tmp_path / "missing.tsv"], tmp_path / "t.ptx")
    assert not (tmp_path / "t.ptx").exists()


def test_chronic_table_agrees_with_the_global_patient_set(shared: Path) -> None:
    names = {}
    for line in (shared / "data/terminology/snomed_gps_2020/gps_2020.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        code, _, name = line.split("\t")[:3]
        names[code] = name
    table = Path(__file__).resolve().parents[2] / "nlp/data/chronic.tsv"
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(rows) > 150
    assert all(len(row) == 3 and names[row[0]] == row[1] for row in rows)
    assert is_chronic("SNOMED", "49436004", "")
    assert not is_chronic("SNOMED", "386661006", "Fever")


@pytest.mark.parametrize(
    ("source", "codes", "terms", "acronyms"),
    [
        ("snomed_gps_2020/gps_2020.tsv", 26_158, 26_158, 0),
        ("snomed_gps_2020/ValueSet-snomed-intl-gps.json", 26_158, 26_158, 0),
        ("lexicon_v2_gps_only.tsv", 34_242, 64_748, 2_000),
        ("hpo/hp.v2024-04-26.json.gz", 18_536, 38_127, 80),
    ],
)
def test_published_sources_build(
    published: Callable[[str], tuple[Terminology, BuildReport]], source: str, codes: int, terms: int, acronyms: int
) -> None:
    _, report = published(source)
    assert (report.codes, report.terms_read) == (codes, terms)
    assert report.acronyms >= acronyms
    # names with a context of their own (history of, risk of) and plain English are left out; what a semantic tag keeps
    # from matching is a rule of its own
    assert report.terms_kept + report.terms_dropped.get("unmatched_tag", 0) > 0.97 * terms
    assert len(report.codes_without_terms) < 0.03 * codes


def test_hundreds_of_systems_are_a_wrong_column(tmp_path: Path) -> None:
    rows = "".join(f"A{n}\tSYS{n}\tsome disease {n}x\tsome disease {n}x\n" for n in range(257))
    path = tmp_path / "t.tsv"
    path.write_text("code\tsystem\tterm\tpreferred\n" + rows, encoding="utf-8")
    with pytest.raises(SourceError, match=r"257 code systems.*column system"):
        compile_sources([path])
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n").rpartition("\n")[0], encoding="utf-8")
    terminology, _ = compile_sources([path])
    assert terminology.systems[terminology.find("A255", "SYS255")] == "SYS255"
