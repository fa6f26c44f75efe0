"""What a new release changes: codes, names, terms that move, parents, and the user's concept sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from phenotext.nlp.terminology import Terminology
from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.concept_sets import ConceptSet, ConceptSetItem
from phenotext.nlp.terminology.diff import diff_terminologies
from phenotext.nlp.terminology.phenotype_changes import phenotype_changes
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.rows import ConceptRow, Relations, TermVariant
from phenotext.nlp.terminology.string_groups import group_hashes, groups_of, hashes_of
from phenotext.nlp.tokens import key_words

Terms = dict[str, list[str]]


def release(
    terms: Terms,
    *,
    isa: tuple[tuple[str, str], ...] = (),
    retired: dict[str, RetiredCode] | None = None,
    redirects: dict[str, str] | None = None,
    chronic: frozenset[str] = frozenset(),
    tags: dict[str, str] | None = None,
    name: str = "test",
) -> Terminology:
    """The first term of each code is its preferred name; earlier codes win where a string names two."""
    rows = [ConceptRow(c, "Local", t[0], (tags or {}).get(c), c in chronic) for c, t in terms.items()]
    variants = [
        TermVariant(code, "Local", text, False, "preferred" if i == 0 else "synonym", 0 if i == 0 else 1)
        for code, texts in terms.items()
        for i, text in enumerate(texts)
    ]
    relations = Relations(
        isa=[("Local", child, parent) for child, parent in isa],
        retired={("Local", code): fate for code, fate in (retired or {}).items()},
    )
    return compile_terminology(rows, variants, name=name, redirects=redirects, relations=relations)


OLD: Terms = {
    "A": ["Asthma", "bronchial asthma", "wheezy chest"],
    "B": ["Croup", "barking cough"],
    "D": ["Disorder of lung"],
    "E": ["Emphysema"],
    "G": ["Gone disease"],
    "R": ["Retired asthma", "old asthma"],
}
NEW: Terms = {
    "A": ["Asthma (airway disease)", "Asthma", "bronchial asthma", "asthma bronchiale"],
    "B": ["Croup", "barking cough", "wheezy chest"],
    "D": ["Disorder of lung"],
    "E": ["Emphysema"],
    "N": ["New asthma", "old asthma"],
    "S": ["Severe wheeze", "bronchial asthma"],
}


@pytest.fixture(scope="module")
def old() -> Terminology:
    return release(OLD, isa=(("A", "D"), ("R", "A"), ("E", "D"), ("G", "D")), chronic=frozenset("E"), name="old")


@pytest.fixture(scope="module")
def new() -> Terminology:
    fate = RetiredCode("Retired asthma", "duplicate", (("SAME AS", "N"),))
    return release(
        NEW,
        isa=(("A", "D"), ("N", "A"), ("E", "A"), ("S", "A")),
        retired={"R": fate},
        redirects={"R": "N"},
        tags={"A": "disorder"},
        name="new",
    )


def test_codes(old: Terminology, new: Terminology) -> None:
    changes = diff_terminologies(old, new)
    assert (changes.codes_before, changes.codes) == (6, 6)
    assert [row.code for row in changes.added.shown] == ["N", "S"]
    [retired] = changes.retired.shown
    assert (retired.code, retired.reason, retired.successors) == ("R", "duplicate", (("SAME AS", "N", "New asthma"),))
    assert [row.code for row in changes.removed.shown] == ["G"]


def test_names_tags_and_chronic_flags(old: Terminology, new: Terminology) -> None:
    first, second = diff_terminologies(old, new).changed.shown
    assert (first.code, first.name_before, first.name) == ("A", "Asthma", "Asthma (airway disease)")
    assert (first.tag_before, first.tag) == ("", "disorder")
    assert (second.code, second.name, second.chronic_before, second.chronic) == ("E", "Emphysema", True, False)


def test_terms_and_strings(old: Terminology, new: Terminology) -> None:
    changes = diff_terminologies(old, new)
    assert [(row.string, row.code.code) for row in changes.terms_lost.shown] == [("wheezy chest", "A")]
    assert [(row.string, row.code.code) for row in changes.terms_gained.shown] == [
        ("Asthma (airway disease)", "A"),
        ("asthma bronchiale", "A"),
        ("wheezy chest", "B"),
    ]
    # "retired asthma" and "gone disease" name nothing any more
    assert changes.strings_lost == 2


def test_moved_strings_are_told_from_successors(old: Terminology, new: Terminology) -> None:
    changes = diff_terminologies(old, new)
    assert [(row.string, row.before.code, row.now.code, row.how) for row in changes.moved.shown] == [
        ("wheezy chest", "A", "B", "moved"),
        ("old asthma", "R", "N", "followed"),
    ]
    assert changes.moved_by_kind == {"followed": 1, "moved": 1}


def test_a_string_whose_chosen_code_changes_is_reordered() -> None:
    before = release({"A": ["One", "lump"], "B": ["Two", "lump"]})
    after = release({"B": ["Two", "lump"], "A": ["One", "lump"]})
    [row] = diff_terminologies(before, after).moved.shown
    assert (row.string, row.before.code, row.now.code, row.how) == ("lump", "A", "B", "reordered")


def test_a_term_with_a_numeral_is_one_row() -> None:
    before = release({"A": ["Diabetes type 1"], "B": ["Sweet disease"]})
    after = release({"A": ["Other name"], "B": ["Sweet disease", "diabetes type I"]})
    changes = diff_terminologies(before, after)
    assert [(row.string, row.how) for row in changes.moved.shown] == [("Diabetes type 1", "moved")]
    assert [row.string for row in changes.terms_lost.shown] == ["Diabetes type 1"]
    assert len(changes.matching.moved) == 2


def test_parents(old: Terminology, new: Terminology) -> None:
    changes = diff_terminologies(old, new)
    [row] = changes.parents.shown
    assert row.code.code == "E"
    assert [code.code for code in row.lost] == ["D"]
    assert [code.code for code in row.gained] == ["A"]
    assert changes.matching.reparented == [old.find("E")]


def test_a_parent_that_is_gone_is_lost() -> None:
    before = release({"A": ["One"], "P": ["Above"], "Z": ["Top"]}, isa=(("A", "P"), ("P", "Z"), ("A", "Z")))
    after = release({"A": ["One"], "Z": ["Top"]}, isa=(("A", "Z"),))
    [row] = diff_terminologies(before, after).parents.shown
    assert ([code.name for code in row.lost], row.gained) == (["Above"], ())


def test_nothing_changes_against_itself(old: Terminology) -> None:
    changes = diff_terminologies(old, old)
    lists = (changes.added, changes.retired, changes.removed, changes.changed, changes.moved)
    assert all(part.total == 0 for part in (*lists, changes.terms_lost, changes.terms_gained, changes.parents))
    assert changes.strings_lost == changes.strings_gained == changes.derived_lost == 0
    assert json.loads(json.dumps(changes.to_json()))["schema"] == "phenotext.terminology_diff/1"


def test_the_same_code_of_another_system_is_another_code() -> None:
    def one(system: str) -> Terminology:
        variant = TermVariant("A1", system, "lump", False, "preferred", 0)
        return compile_terminology([ConceptRow("A1", system, "lump")], [variant])

    changes = diff_terminologies(one("Local"), one("Other"))
    assert (changes.added.total, changes.removed.total, changes.moved.total) == (1, 1, 1)


def test_concept_sets(old: Terminology, new: Terminology) -> None:
    changes = diff_terminologies(old, new)
    asthma = ConceptSet("Asthma", (ConceptSetItem("Local", "A", descendants=True),))
    croup = ConceptSet("Croup", (ConceptSetItem("Local", "B"),))
    lung = ConceptSet("Lung", (ConceptSetItem("Local", "R"), ConceptSetItem("Local", "G")))
    first, second, third = phenotype_changes(old, new, changes, [asthma, croup, lung])
    assert (first.before, first.now, first.new_codes) == (2, 4, 2)
    assert [code.code for code in first.gained.shown] == ["E", "N", "S"]
    [lost] = first.lost.shown
    assert (lost.code.code, lost.why, lost.successors) == ("R", "retired", (("SAME AS", "N", "New asthma"),))
    assert [row.string for row in first.strings_out.shown] == ["wheezy chest"]
    assert first.strings_in.total == 0  # "old asthma" was in the set before, under R
    assert [row.string for row in second.strings_in.shown] == ["wheezy chest"]
    assert (second.gained.total, second.lost.total, second.changed) == (0, 0, True)
    assert [note.code for note in third.replaced] == ["R"]
    assert [note.code for note in third.unresolved] == ["G"]
    assert {member.code.code: member.why for member in third.lost.shown} == {"G": "removed", "R": "retired"}


def test_a_member_that_leaves_but_stays_a_code(old: Terminology) -> None:
    after = release(OLD, isa=(("A", "D"), ("E", "D"), ("G", "D")))
    asthma = ConceptSet("Asthma", (ConceptSetItem("Local", "A", descendants=True),))
    [change] = phenotype_changes(old, after, diff_terminologies(old, after), [asthma])
    assert [(member.code.code, member.why) for member in change.lost.shown] == [("R", "left")]


def test_group_hashes_do_not_depend_on_the_terminology(old: Terminology, new: Terminology) -> None:
    strings = [key_words(text) for texts in NEW.values() for text in texts]
    wanted = hashes_of(strings)
    groups = groups_of(new, strings)
    assert (groups >= 0).all()
    assert np.array_equal(group_hashes(new)[groups], wanted)
    known = groups_of(old, strings)
    assert np.array_equal(group_hashes(old)[known[known >= 0]], wanted[known >= 0])
    assert 0 < (known >= 0).sum() < len(strings)
    assert groups_of(new, [["asthma", "bronchial"], [], ["no", "such"]]).tolist() == [-1, -1, -1]
    assert len(set(wanted.tolist())) == len({tuple(words) for words in strings})


@pytest.mark.slow
def test_mondo_against_the_global_patient_set(shared: Path) -> None:
    folder = shared / "data/terminology"
    mondo, _ = compile_sources([folder / "mondo/lexicon.tsv.gz"])
    better, _ = compile_sources([folder / "snomed_gps_2020/gps_2020.tsv", folder / "lexicon_v2_gps_only.tsv"])
    changes = diff_terminologies(mondo, better)
    # Mondo's wrong exact matches: asthma as the exercise-induced one, Crohn disease as that of the large bowel
    moved = {row.string.casefold(): (row.before.code, row.now.code) for row in changes.moved.shown}
    assert moved["asthma"] == ("31387002", "195967001")
    assert moved["crohn disease"] == ("7620006", "34000006")
    assert changes.moved.total < 1_000
    assert changes.codes == 34_242
    assert changes.codes - changes.added.total == changes.codes_before - changes.removed.total - changes.retired.total


def test_the_command_takes_an_expression_as_concept_set(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from phenotext.nlp.terminology.build import build_terminology
    from phenotext.pipelines.commands.terminology import terminology_app

    for name, extra in (("old", ""), ("new", "B\tLocal\tbeta\tbeta\n")):
        (tmp_path / f"{name}.tsv").write_text(f"code\tsystem\tterm\tpreferred\nA\tLocal\talpha\talpha\n{extra}")
        build_terminology([tmp_path / f"{name}.tsv"], tmp_path / f"{name}.ptx")
    given = ["diff", str(tmp_path / "old.ptx"), str(tmp_path / "new.ptx"), "--concept-set"]
    told = CliRunner().invoke(terminology_app, [*given, "Local#A OR Local#B"])
    assert told.exit_code == 0, told.output
    assert "expression: 1 -> 2 concepts, 1 gained" in told.output
    told = CliRunner().invoke(terminology_app, [*given, "nothing-like-it.json"])
    assert "no such file, and no expression" in str(told.exception)
