"""A site's own corrections: the file, and what every line does in a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.terminology import BuildReport, SourceError, Terminology
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.override_effects import OverrideEffects, OverrideOutcome
from phenotext.nlp.terminology.overrides import Override, read_overrides, write_overrides
from phenotext.nlp.terminology.retired import RetiredCode

HEADER = "action\tcode\tsystem\tterm\tkind\tcase\tpreferred\tcomment"
SOURCE = [
    "A1\tLocal\tAsthma\tAsthma",
    "A1\tLocal\tCRF\tAsthma",
    "A1\tLocal\twheeze\tAsthma",
    "B1\tLocal\tChronic renal failure\tChronic renal failure",
    "B1\tLocal\tCRF\tChronic renal failure",
    "B1\tLocal\tkidney failure type 1\tChronic renal failure",
    "C1\tLocal\tWheeze\tWheeze",
]


def overrides_file(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "ours.tsv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def build(folder: Path, *lines: str, source: list[str] = SOURCE) -> tuple[Terminology, list[OverrideOutcome]]:
    terminology, report = build_report(folder, *lines, source=source)
    return terminology, report.overrides


def build_report(folder: Path, *lines: str, source: list[str] = SOURCE) -> tuple[Terminology, BuildReport]:
    terms = folder / "terms.tsv"
    terms.write_text("\n".join(["code\tsystem\tterm\tpreferred", *source]) + "\n", encoding="utf-8")
    return compile_sources([terms], overrides=overrides_file(folder, *lines))


def codes(terminology: Terminology, text: str) -> list[str]:
    return [terminology.codes[concept] for concept in terminology.lookup(text)]


def test_without_overrides_the_order_decides(tmp_path: Path) -> None:
    terminology, outcomes = build(tmp_path)
    assert codes(terminology, "CRF") == ["A1", "B1"]
    assert codes(terminology, "wheeze") == ["C1", "A1"]
    assert outcomes == []


def test_suppress_a_term_of_a_code(tmp_path: Path) -> None:
    terminology, [outcome] = build(tmp_path, "suppress\tA1\tLocal\tcrf")
    # "crf" in small letters means every spelling, the acronym too
    assert codes(terminology, "CRF") == ["B1"]
    assert (outcome.state, outcome.line, outcome.detail) == ("applied", 2, "1 string removed")


def test_suppress_a_term_everywhere(tmp_path: Path) -> None:
    terminology, [outcome] = build(tmp_path, "suppress\t\t\tCRF")
    assert codes(terminology, "CRF") == []
    assert outcome.detail == "2 strings removed"


def test_suppress_a_code_leaves_the_concept(tmp_path: Path) -> None:
    terminology, [outcome] = build(tmp_path, "suppress\tC1\tLocal")
    assert codes(terminology, "wheeze") == ["A1"]
    assert terminology.find("C1") >= 0
    assert "no term left" in outcome.detail


def test_suppressing_follows_spelling_and_numerals(tmp_path: Path) -> None:
    terminology, [outcome] = build(tmp_path, "suppress\tB1\tLocal\tKidney failures type I")
    assert outcome.state == "applied"
    assert codes(terminology, "kidney failure type 1") == codes(terminology, "kidney failure type i") == []


def test_an_acronym_does_not_suppress_the_word(tmp_path: Path) -> None:
    source = ["A1\tLocal\tCOLD\tObstructive lung disease", "C1\tLocal\tfeeling cold\tFeeling cold"]
    source += ["C1\tLocal\tcold\tFeeling cold"]
    terminology, [outcome] = build(tmp_path, "suppress\t\t\tCOLD", source=source)
    assert codes(terminology, "cold") == ["C1"]
    assert outcome.detail == "1 string removed"
    terminology, [outcome] = build(tmp_path, "suppress\t\t\tcold", source=source)
    assert codes(terminology, "COLD") == []
    assert outcome.detail == "2 strings removed"


def test_prefer_wins_over_a_preferred_name(tmp_path: Path) -> None:
    terminology, outcomes = build(
        tmp_path, "prefer\tB1\tLocal\tCRF", "prefer\tA1\tLocal\twheeze", "prefer\tA1\tLocal\tAsthma"
    )
    assert codes(terminology, "CRF") == ["B1", "A1"]
    assert codes(terminology, "wheeze") == ["A1", "C1"]
    assert [outcome.state for outcome in outcomes] == ["applied", "applied", "no_effect"]
    assert outcomes[0].detail == "chosen before A1 Asthma"
    assert outcomes[2].detail == "no other code has this term"
    [mention] = Extractor(terminology)("Known CRF.").mentions
    assert mention.code == "B1"
    # the strings that people read keep their kind
    from phenotext.nlp.terminology.term_strings import TermStrings

    assert list(TermStrings(terminology.arrays).of(terminology.find("B1"))) == [
        ("CRF", "synonym"),
        ("kidney failure type 1", "synonym"),
    ]


def test_prefer_that_changes_nothing_says_why(tmp_path: Path) -> None:
    _, outcomes = build(tmp_path, "prefer\tA1\tLocal\tCRF", "prefer\tC1\tLocal\tAsthma", "prefer\tZ9\tLocal\tpain")
    assert [outcome.detail for outcome in outcomes] == [
        "the code is chosen without this line too",
        "the term is not one of this code in the sources; add it first",
        "no source has this code",
    ]
    assert [outcome.state for outcome in outcomes] == ["no_effect", "no_effect", "unknown_code"]


def test_add_terms_and_codes(tmp_path: Path) -> None:
    terminology, outcomes = build(
        tmp_path,
        "add\tA1\tLocal\twheezy bronchitis",
        "add\tA1\tLocal\tasthma",
        "add\tA1\tLocal\tsugar\tlay",
        "add\tN1\tLocal\tfunny turn\t\t\tUnexplained turn",
        "add\tC1\tLocal\tchronic renal failure",
    )
    assert codes(terminology, "wheezy bronchitis") == codes(terminology, "sugar") == ["A1"]
    assert codes(terminology, "funny turn") == codes(terminology, "unexplained turn") == ["N1"]
    assert terminology.preferred[terminology.find("N1")] == "Unexplained turn"
    assert [outcome.state for outcome in outcomes] == ["applied", "no_effect", "applied", "new_concept", "applied"]
    assert outcomes[1].detail == "already a term of this code"
    assert "as a new concept" in outcomes[3].detail
    # added, but the preferred name of another code stays the chosen one
    assert codes(terminology, "chronic renal failure") == ["B1", "C1"]
    assert "B1 Chronic renal failure, which is chosen" in outcomes[4].detail


def test_what_the_rules_would_drop_is_added_and_said(tmp_path: Path) -> None:
    terminology, [outcome] = build(tmp_path, "add\tA1\tLocal\thot")
    assert codes(terminology, "hot") == ["A1"]
    assert "rules would leave the term out (plain english)" in outcome.detail


def test_case_of_added_terms(tmp_path: Path) -> None:
    terminology, outcomes = build(
        tmp_path, "add\tA1\tLocal\tCOAD", "add\tB1\tLocal\tESRF\t\tany", "add\tA1\tLocal\tcrf\t\tany"
    )
    assert (codes(terminology, "COAD"), codes(terminology, "coad")) == (["A1"], [])
    assert codes(terminology, "esrf") == ["B1"]
    assert codes(terminology, "crf") == ["A1"]
    assert outcomes[2].detail == "the term was there; it now matches in any case"
    source = ["A1\tLocal\tDiscomfort\tDiscomfort", "A1\tLocal\tache\tDiscomfort"]
    terminology, [outcome] = build(tmp_path, "add\tA1\tLocal\tACHE\t\texact", source=source)
    assert (codes(terminology, "ACHE"), codes(terminology, "ache")) == (["A1"], [])
    assert outcome.detail == "the term was there; it now matches in capitals only"


def test_a_term_may_be_suppressed_everywhere_but_for_one_code(tmp_path: Path) -> None:
    terminology, outcomes = build(tmp_path, "suppress\t\t\tCRF", "add\tB1\tLocal\tCRF")
    assert codes(terminology, "CRF") == ["B1"]
    assert [outcome.state for outcome in outcomes] == ["applied", "applied"]


def test_retired_codes_are_followed(tmp_path: Path) -> None:
    obo = tmp_path / "x.obo"
    obo.write_text("format-version: 1.2\n\n[Term]\nid: HP:0002099\nname: Asthma\nalt_id: HP:0012041\n")
    path = overrides_file(tmp_path, "add\tHP:0012041\tHPO\twheezy bronchitis")
    terminology, report = compile_sources([obo], overrides=path)
    [outcome] = report.overrides
    assert codes(terminology, "wheezy bronchitis") == ["HP:0002099"]
    assert outcome.state == "followed"
    assert outcome.detail.startswith("the code is retired; applied to its successor HP:0002099 Asthma")
    assert "line 2, add wheezy bronchitis HP:0012041: the code is retired" in report.summary()


def test_retired_codes_without_one_successor_propose() -> None:
    fate = RetiredCode("Old", "ambiguous", (("POSSIBLY EQUIVALENT TO", "B1"), ("POSSIBLY EQUIVALENT TO", "C1")))
    line = Override("prefer", "R1", "Local", "CRF", line=2)
    effects = OverrideEffects([line], {}, {}, {("Local", "R1"): fate})
    assert list(effects.apply([])) == []
    from phenotext.nlp.terminology.compile import compile_terminology

    [outcome] = effects.outcomes(compile_terminology([], []))
    assert outcome.state == "retired"
    assert outcome.detail == (
        "the code is retired (ambiguous); write the successor that you mean: "
        "B1 (possibly equivalent to), C1 (possibly equivalent to)"
    )


def test_a_line_whose_term_is_gone_has_no_effect(tmp_path: Path) -> None:
    _, report = build_report(tmp_path, "suppress\tA1\tLocal\tphthisic")
    [outcome] = report.overrides
    assert (outcome.state, outcome.detail) == ("no_effect", "no source has this term any more")
    assert "overrides: 1 lines, 1 no effect" in report.summary()


def test_same_bytes_and_other_bytes(tmp_path: Path) -> None:
    plain, _ = build(tmp_path)
    first, _ = build(tmp_path, "suppress\t\t\tCRF")
    second, _ = build(tmp_path, "suppress\t\t\tCRF")
    nothing, _ = build(tmp_path, "suppress\t\t\tphthisic")
    assert first.sha256 == second.sha256 != plain.sha256
    assert nothing.sha256 == plain.sha256


def test_round_trip(tmp_path: Path) -> None:
    lines = [
        Override("add", "195967001", "SNOMED", "wheezy, “bronchitis”", "lay", "", "", "ward 7 says so"),
        Override("add", "X1", "Local", "FT", "abbreviation", "any", "Funny turn"),
        Override("suppress", "", "", "CRF"),
        Override("suppress", "44054006", "SNOMED"),
        Override("prefer", "X1", "Local", "ft or so"),
    ]
    write_overrides(tmp_path / "a.tsv", lines)
    read = read_overrides(tmp_path / "a.tsv")
    assert [line.line for line in read] == [2, 3, 4, 5, 6]
    write_overrides(tmp_path / "b.tsv", read)
    assert (tmp_path / "b.tsv").read_bytes() == (tmp_path / "a.tsv").read_bytes()
    from dataclasses import replace

    assert [replace(line, line=0) for line in read] == lines
    with pytest.raises(SourceError, match="tab"):
        write_overrides(tmp_path / "c.tsv", [Override("suppress", term="a\tb")])
    assert not (tmp_path / "c.tsv").exists()


def test_comments_blank_lines_and_fewer_columns(tmp_path: Path) -> None:
    path = overrides_file(
        tmp_path, "", "# ours", "suppress\thives", "suppress\tFD", header="\ufeff# 2024\naction\tterm"
    )
    assert [(line.action, line.term, line.line) for line in read_overrides(path)] == [
        ("suppress", "hives", 5),
        ("suppress", "FD", 6),
    ]
    (tmp_path / "empty.tsv").write_text("")
    assert read_overrides(tmp_path / "empty.tsv") == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("remove\tA1\tLocal\tx ray", "Unknown action 'remove'"),
        ("add\tA1\tLocal", "add needs term"),
        ("prefer\t\t\tCRF", "prefer needs code and system"),
        ("suppress", "neither a code nor a term"),
        ("suppress\tA1\t\tCRF", "A code needs its system"),
        ("suppress\tA1\tLocal\tCRF\tlay", "no use for kind"),
        ("add\t195967002\tSNOMED\tasthma", "check digit"),
        ("add\t1.95967E+08\tSNOMED\tasthma", "spreadsheet number"),
        ("add\tA1\tLocal\t--", "no letter or digit"),
        ("add\tA1\tLocal\t" + "long " * 30, "30 words"),
        ("add\tA1\tLocal\tasthma\tslang", "Unknown kind 'slang'"),
        ("add\tA1\tLocal\tCRF\t\tupper", "Unknown case 'upper'"),
        ("add\tA1\tLocal\tasthma\t\texact", "exact is for acronyms"),
        ("add\tA1\tLocal\tCRF\t\t\t\t\tmore", "9 cells"),
    ],
)
def test_faulty_lines_name_their_place(tmp_path: Path, line: str, problem: str) -> None:
    path = overrides_file(tmp_path, "suppress\t\t\tfine", line)
    with pytest.raises(SourceError, match=problem) as caught:
        read_overrides(path)
    assert caught.value.line == 3
    assert "ours.tsv:3: " in str(caught.value)


@pytest.mark.parametrize(
    "lines",
    [
        ("prefer\tA1\tLocal\tCRF", "prefer\tB1\tLocal\tcrf"),
        ("suppress\t\t\tCRF", "suppress\t\t\tCRF"),
        ("suppress\tA1\tLocal\tCRF", "add\tA1\tLocal\tCRF"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, lines: tuple[str, str]) -> None:
    with pytest.raises(SourceError, match="line 2") as caught:
        read_overrides(overrides_file(tmp_path, *lines))
    assert caught.value.line == 3


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_overrides(tmp_path / "none.tsv")
    with pytest.raises(SourceError, match="folder"):
        read_overrides(tmp_path)
    with pytest.raises(SourceError, match="does not name the columns"):
        read_overrides(overrides_file(tmp_path, header="code\tterm"))
    with pytest.raises(SourceError, match="unknown: colour"):
        read_overrides(overrides_file(tmp_path, header="action\tcolour"))
    (tmp_path / "latin.tsv").write_bytes(b"action\tterm\nsuppress\tM\xe9ni\xe8re\n")
    with pytest.raises(SourceError, match=r"latin\.tsv:2: The file is not UTF-8"):
        read_overrides(tmp_path / "latin.tsv")


def test_overrides_hold_for_the_abbreviation_table_too(tmp_path: Path) -> None:
    """The extractor's table of abbreviations comes before the dictionary, so it must know the overrides."""
    from phenotext.nlp.abbreviation_table import default_abbreviations

    sense = next(sense for sense in default_abbreviations() if sense.abbreviation == "CRF" and sense.code)
    source = [
        f"{sense.code}\t{sense.system}\tChronic renal failure\tChronic renal failure",
        f"{sense.code}\t{sense.system}\tCRF\tChronic renal failure",
        "A1\tLocal\tCorticotropin releasing factor\tCorticotropin releasing factor",
        "A1\tLocal\tCRF\tCorticotropin releasing factor",
    ]

    def codes(*lines: str) -> tuple[list[str], str]:
        terminology, report = build_report(tmp_path, *lines, source=source)
        found = Extractor(terminology)("Assessment: CRF, stable.").mentions
        return [str(mention.code) for mention in found], " ".join(outcome.state for outcome in report.overrides)

    assert codes("suppress\tA1\tLocal\tno such term") == ([sense.code], "no_effect")
    assert codes("suppress\t\t\tCRF") == ([], "applied")
    # what is left in the table are senses that are no concept ("case report form")
    assert codes(f"suppress\t{sense.code}\t{sense.system}\tCRF") == ([], "applied")
    assert codes("prefer\tA1\tLocal\tCRF") == (["A1"], "applied")
    assert codes(f"prefer\t{sense.code}\t{sense.system}\tCRF")[0] == [sense.code]
