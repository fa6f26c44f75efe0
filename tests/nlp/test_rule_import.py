"""Rule files of medspaCy and negspaCy as cues and headings, and the round trip against the systems themselves."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phenotext.nlp import Extractor
from phenotext.nlp.cue_table import Category, Direction, Reach, default_cues
from phenotext.nlp.rule_import import (
    RuleFileError,
    cues_from_medspacy,
    cues_from_negspacy,
    from_medspacy,
    from_negspacy,
    headings_from_medspacy,
    medspacy_rules,
    read_cue_file,
    read_heading_file,
    write_medspacy_rules,
)
from phenotext.nlp.rule_import.regex_words import NotFiniteError, expand_regex
from phenotext.nlp.rule_import.token_patterns import UntranslatableError, phrases_of

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = Path("/tmp/peers")


def rule(literal: str = "nix", category: str = "NEGATED_EXISTENCE", direction: str = "FORWARD", **more: Any) -> dict:
    return {"literal": literal, "category": category, "direction": direction, **more}


def assertion(text: str, extractor: Extractor) -> list[str]:
    return [mention.assertion for mention in extractor(text).mentions]


@pytest.mark.parametrize(
    ("pattern", "strings"),
    [
        ("no|without", ["no", "without"]),
        (r"\bden(?:y|ied|ies)\b", ["deny", "denied", "denies"]),
        (r"signs?\s+of", ["signs of", "sign of"]),
        ("gr[ae]y", ["gray", "grey"]),
        (r"^r\/o$", ["r/o"]),
        ("(a|b){2}", ["aa", "ab", "ba", "bb"]),
        ("(?i)x{1,2}", ["x", "xx"]),
    ],
)
def test_finite_expressions_are_written_out(pattern: str, strings: list[str]) -> None:
    assert list(expand_regex(pattern).strings) == strings


@pytest.mark.parametrize("pattern", ["no.*of", r"\d+", "a+", "[^a]", "[a-z]", "(?=x)y", "(a", "a)", "(a|b){40}", r"\w"])
def test_endless_expressions_are_refused(pattern: str) -> None:
    with pytest.raises(NotFiniteError):
        expand_regex(pattern)


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        ([{"LOWER": "no"}, {"LOWER": {"IN": ["new", "old"]}, "OP": "?"}], ["no", "no new", "no old"]),
        ([{"LOWER": {"IN": ["was", "ca"]}}, {"LOWER": "n't"}], ["wasn't", "can't"]),
        ([{"LOWER": "can"}, {"LOWER": "not"}], ["can not", "cannot"]),
        ([{"LOWER": "mother"}, {"LOWER": "'s", "OP": "?"}], ["mother", "mother's"]),
        ([{"TEXT": {"REGEX": "^den(y|ies)$"}}, {"IS_SPACE": True, "OP": "*"}], ["deny", "denies"]),
        ([{"LOWER": "very", "OP": "{1,2}"}, {"ORTH": "ill"}], ["very ill", "very very ill"]),
        ([{"LOWER": "since"}, {"IS_DIGIT": True}], ["since nn", "since yyyy"]),
    ],
)
def test_token_patterns_are_written_out(pattern: list, phrases: list[str]) -> None:
    assert phrases_of("literal", pattern).phrases == phrases


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ([{"POS": "NOUN"}], "a condition on POS"),
        ([{}], "any token"),
        ([{"LOWER": {"NOT_IN": ["x"]}}], "NOT_IN"),
        ([{"LOWER": "x", "OP": "!"}], "must not be there"),
        ([{"LOWER": "x", "LENGTH": 1}], "several conditions"),
        ([{"LOWER": {"REGEX": "x.*"}}], "no fixed letters"),
        ([{"LOWER": {"IN": [str(i) for i in range(50)]}}] * 2, "more than 2000"),
        ([], "nothing is left"),
        ({"LOWER": "x"}, "a list or a string"),
    ],
)
def test_untranslatable_patterns_say_why(pattern: Any, reason: str) -> None:
    with pytest.raises(UntranslatableError, match=reason):
        phrases_of("literal", pattern)


def test_every_rule_is_taken_or_has_its_reason() -> None:
    rules = [
        rule(),
        rule("nix of", max_scope=3),
        rule("perchance", "POSSIBLE_EXISTENCE", "BACKWARD"),
        rule("but", direction="TERMINATE"),
        rule("not only", direction="PSEUDO"),
        {"literal": "hx", "category": "historical", "rule": "BIDIRECTIONAL"},  # a file of the first versions
        rule("certain", "DEFINITE_EXISTENCE"),
        rule("x1", allowed_types=["PROBLEM"]),
        rule("x2", pattern=[{"POS": "NOUN"}]),
        rule("x3", direction="SIDEWAYS"),
        rule("x4", max_scope=0),
        rule("?", max_targets=1, terminated_by=["FAMILY"], colour="red"),
        {"category": "FAMILY"},
        "no rule",
    ]
    imported = cues_from_medspacy(rules)
    report = imported.report
    assert (report.rules, report.taken, report.rows) == (14, 7, 7)
    assert report.taken + len(report.left_out) == report.rules
    rows = {row.cue: (row.category, row.direction, row.reach, row.words) for row in imported.rows}
    assert rows["nix of"] == (Category.NEGATED, Direction.FORWARD, Reach.WORDS, 2)
    assert rows["perchance"][:3] == (Category.UNCERTAIN, Direction.BACKWARD, Reach.SENTENCE)
    assert rows["but"][:2] == (Category.TERMINATOR, Direction.NONE)
    assert rows["not only"][:2] == (Category.PSEUDO, Direction.NONE)
    assert rows["hx"][:2] == (Category.HISTORICAL, Direction.BOTH)
    reasons = {note.number: note.text for note in report.left_out}
    assert list(reasons) == [7, 8, 9, 10, 11, 13, 14]
    assert "DEFINITE_EXISTENCE" in reasons[7]
    assert "allowed_types" in reasons[8]
    assert {note.text.split()[0] for note in report.changed} == {"max_targets", "terminated_by", "not"}
    mapped = cues_from_medspacy([rules[6]], categories={"definite_existence": Category.AFFIRMED})
    assert mapped.rows[0].category == Category.AFFIRMED


def test_imported_cues_act(extractor: Extractor) -> None:
    imported = cues_from_medspacy([rule(), rule("nix of", max_scope=2), rule("but", direction="TERMINATE")])
    alone = Extractor(cues=imported.rows)
    assert assertion("Nix fever but cough.", alone) == ["absent", "present"]
    assert assertion("Nix of severe fever. Nix of very severe fever.", alone) == ["absent", "present"]
    assert assertion("No fever.", alone) == ["present"]
    both = Extractor(cues=[*default_cues(), *imported.rows])
    assert assertion("Nix fever. No cough.", both) == ["absent", "absent"]
    assert assertion("Nix fever.", extractor) == ["present"]


def test_headings() -> None:
    rules = [
        {"literal": "Prior Troubles:", "category": "past_medical_history"},
        {"literal": "PRIOR TROUBLES:", "category": "past_medical_history"},
        {"literal": "Prior troubles", "category": "plan"},
        {"literal": "Lungs:", "category": "respiratory", "parents": ["physical_exam"], "parent_required": True},
        {"literal": "Story:", "category": "history_of_present_illness"},
        {"literal": "Foo:", "category": "header"},
        {"section_title": "family_history", "pattern": "Kin:"},
    ]
    imported = headings_from_medspacy(rules)
    assert [(row.name, row.heading) for row in imported.rows] == [
        ("past_medical_history", "prior troubles"),
        ("respiratory", "lungs"),
        ("present_illness", "story"),
        ("family_history", "kin"),
    ]
    assert imported.rows[0].loinc
    assert (imported.report.taken, imported.report.rules) == (5, 7)
    assert [note.number for note in imported.report.left_out] == [3, 6]
    extractor = Extractor(headings=imported.rows)
    note = extractor("STORY: Cough.\nPrior Troubles: DVT.\nKin: Asthma.")
    assert [(m.section, m.assertion) for m in note.mentions] == [
        ("present_illness", "present"),
        ("past_medical_history", "historical"),
        ("family_history", "family"),
    ]
    assert headings_from_medspacy(rules[4:5], names={}).rows[0].name == "history_of_present_illness"


def test_negspacy_terms() -> None:
    terms = {"pseudo_negations": ["no further"], "preceding_negations": ["no", "not"], "termination": ["but"]}
    imported = cues_from_negspacy({**terms, "following_negations": ["was not", ""], "other": ["x"]})
    assert (imported.report.rules, imported.report.taken) == (7, 5)
    extractor = Extractor(cues=imported.rows)
    assert assertion("No fever but cough.", extractor) == ["absent", "present"]
    assert assertion("No further fever.", extractor) == ["present"]
    # the preceding "not" inside the following "was not" acts too
    assert assertion("Fever was not there. It was not asthma.", extractor) == ["absent", "absent"]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_files_are_told_by_content(tmp_path: Path) -> None:
    medspacy = json.dumps({"context_rules": [rule()]})
    table = "rule\tcue\tcategory\tdirection\treach\tpositive\tnegative\nn.x\tnix\tnegated\tforward\tclause\ta\tb\n"
    for name, text in {
        "a.txt": medspacy,
        "b.json": json.dumps({"item_data": [rule()]}),
        "c.tsv": json.dumps({"preceding_negations": ["nix"]}),
        "d.py": "# ours\nfrom os import path\nterms = {'preceding_negations': ['nix']}\n",
        "e.json": table,
        "f.json": "\ufeff" + medspacy,
    }.items():
        imported = read_cue_file(write(tmp_path / name, text))
        assert [(row.cue, row.category) for row in imported.rows] == [("nix", Category.NEGATED)], name
    heading = write(tmp_path / "h", json.dumps({"section_rules": [{"literal": "Kin:", "category": "family_history"}]}))
    assert read_heading_file(heading).rows[0].heading == "kin"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ('{"context_rules": [', "broken at column"),
        ("[1]", "no object"),
        ('{"target_rules": []}', "terminology build"),
        ('{"section_rules": []}', "which are headings"),
        ('{"context_rules": []}', "it has none"),
        (json.dumps({"context_rules": [rule(category="X")]}), "None of its 1 rules"),
        ("rule\tcue\nx\ty\n", "no column category"),
        (
            "rule\tcue\tcategory\tdirection\treach\tpositive\tnegative\na\tb\tzap\tforward\t3\tp\tn\n",
            "unknown category",
        ),
        ("import os\nos.remove('x')\n", "Neither a table nor JSON"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path / "cues.any", text)
    with pytest.raises(RuleFileError, match=told) as error:
        read_cue_file(path)
    assert str(path) in str(error.value)


def test_missing_and_misplaced_files(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match="No such file"):
        read_cue_file(tmp_path / "none")
    with pytest.raises(RuleFileError, match="folder"):
        read_heading_file(tmp_path)
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    with pytest.raises(RuleFileError, match="UTF-8"):
        read_cue_file(tmp_path / "latin")
    with pytest.raises(RuleFileError, match="which are cues"):
        read_heading_file(write(tmp_path / "c.json", json.dumps({"context_rules": [rule()]})))
    with pytest.raises(RuleFileError, match="No column name"):
        read_heading_file(write(tmp_path / "h.tsv", "heading\tkind\nx\tmain\n"))


def test_our_cues_survive_the_way_through_medspacy(tmp_path: Path) -> None:
    path = tmp_path / "ours.json"
    report = write_medspacy_rules(default_cues(), path)
    assert report.taken == report.rules == len(default_cues())
    back = read_cue_file(path)
    assert not back.report.left_out
    assert not back.report.changed
    assert sorted(back.rows, key=lambda row: row.rule) == sorted(default_cues(), key=lambda row: row.rule)
    first = path.read_bytes()
    write_medspacy_rules(default_cues(), path)
    assert path.read_bytes() == first


def test_what_is_lost_in_medspacy_is_listed() -> None:
    rows = [row for row in default_cues() if row.cue in ("no", "(-)", "husband", "resolved", "since nn years ago")]
    exported = medspacy_rules(rows)
    texts = {note.text for note in exported.report.changed}
    assert any("clause" in text for text in texts)
    assert any("other people" in text for text in texts)
    rules = {r["literal"]: r for r in exported.document["context_rules"]}
    assert len(rules) == len(exported.document["context_rules"])
    assert rules["(-)"]["max_scope"] == 2
    damaged = {**rules["no"], "metadata": {"phenotext_cues": [{"rule": "x"}]}}
    assert "damaged" in cues_from_medspacy([damaged]).report.left_out[0].text


def test_the_installed_rules() -> None:
    if importlib.util.find_spec("medspacy") is None:
        pytest.skip("medspaCy is not installed")
    rules = from_medspacy()
    assert (rules.cues.report.rules, rules.cues.report.left_out) == (102, [])
    assert (rules.headings.report.rules, rules.headings.report.left_out) == (140, [])
    assert len({row.rule for row in rules.cues.rows}) == len(rules.cues.rows)
    extractor = Extractor(cues=rules.cues.rows, headings=rules.headings.rows)
    note = extractor("Family History: asthma. HPI: She can't have pneumonia; possible COPD. Cough was ruled out.")
    assert [m.assertion for m in note.mentions] == ["family", "absent", "possible", "absent"]
    with pytest.raises(RuleFileError, match="no such file"):
        from_medspacy("xx")


def test_the_installed_term_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("negspacy") is None:
        package = next(PEERS.glob("lib/python*/site-packages/negspacy"), None)
        if package is None:
            pytest.skip("negspaCy is neither installed nor in the peers' environment")
        (tmp_path / "negspacy").symlink_to(package)
        with pytest.raises(RuleFileError, match="not installed"):
            from_negspacy()
        monkeypatch.syspath_prepend(str(tmp_path))
    imported = from_negspacy("en_clinical")
    assert imported.report.taken == imported.report.rules > 100
    assert assertion("Patient was not febrile. Denies cough.", Extractor(cues=imported.rows)) == ["absent", "absent"]
    assert from_negspacy("es_clinical").report.taken > 100
    with pytest.raises(RuleFileError, match="en_clinical"):
        from_negspacy("xx")


@pytest.mark.slow
def test_agreement_with_the_systems_themselves(tmp_path: Path) -> None:
    """The same rules on the same spans in the same sentences; the corpus part runs where the corpus is."""
    if importlib.util.find_spec("medspacy") is None:
        pytest.skip("medspaCy is not installed")
    out = tmp_path / "agreement.json"
    command = [sys.executable, str(ROOT / "scripts" / "eval_rule_import.py"), "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(out.read_text(encoding="utf-8"))
    floors = {"every rule, written sentences": 0.99, "every cue, made sentences": 0.985, "NegEx corpus": 0.94}
    assert "every rule, written sentences" in figures["medspacy"]
    for engine, sets in figures.items():
        for name, agreement in sets.items():
            assert agreement >= floors[name], (engine, name, agreement)


@pytest.mark.slow
def test_medspacy_takes_our_export(tmp_path: Path) -> None:
    medspacy = pytest.importorskip("medspacy")
    target_rule = pytest.importorskip("medspacy.ner").TargetRule
    path = tmp_path / "ours.json"
    write_medspacy_rules(default_cues(), path)
    nlp = medspacy.load(medspacy_enable=["medspacy_target_matcher"])
    nlp.add_pipe("sentencizer", first=True)
    nlp.add_pipe("medspacy_context", config={"rules": str(path)})
    nlp.get_pipe("medspacy_target_matcher").add([target_rule(t, "PROBLEM") for t in ("fever", "cough")])
    doc = nlp("There is no evidence of fever but cough persists.")
    assert [(e.text, e._.is_negated) for e in doc.ents] == [("fever", True), ("cough", False)]
