"""ECL: what is read, what is refused and how, and the same answers as a slow evaluator over random hierarchies."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phenotext.nlp.terminology.build_report import BuildReport
from phenotext.nlp.terminology.ecl import EclError, evaluate, resolve_ecl
from phenotext.nlp.terminology.ecl_parser import parse
from phenotext.nlp.terminology.ecl_syntax import Combined, Reference
from phenotext.nlp.terminology.retired import RetiredCode
from phenotext.nlp.terminology.terminology import Terminology

from .hierarchies import terminology_of

# disease > lung disease > (pneumonia, asthma), infection > pneumonia: a small piece of SNOMED CT
DISEASE, LUNG, INFECTION, PNEUMONIA, ASTHMA = "64572001", "19829001", "40733004", "233604007", "195967001"
REFSET, OTHER_REFSET = "447562003", "733073007"
OLD, CLEAR = "22298006", "57054005"  # stand for retired codes here
ISA = [(LUNG, DISEASE), (INFECTION, DISEASE), (PNEUMONIA, LUNG), (PNEUMONIA, INFECTION), (ASTHMA, LUNG)]


@pytest.fixture(scope="module")
def small() -> Terminology:
    names = {
        DISEASE: "Disease", LUNG: "Disorder of lung", INFECTION: "Infection", PNEUMONIA: "Pneumonia", ASTHMA: "Asthma",
        REFSET: "A set", "HP:0001250": "Seizure", "HP:0012638": "Abnormal nervous system physiology", "E11.9": "T2DM",
    }  # fmt: skip
    return terminology_of(
        names,
        [*ISA, ("HP:0001250", "HP:0012638")],
        refsets={REFSET: [ASTHMA], OTHER_REFSET: [PNEUMONIA, LUNG]},
        retired={OLD: RetiredCode("Old", "ambiguous", (("POSSIBLY EQUIVALENT TO", ASTHMA),))},
        redirects={CLEAR: PNEUMONIA},
    )


def codes(terminology: Terminology, text: str) -> set[str]:
    found = evaluate(terminology, text)
    assert found.dtype == np.int32
    assert np.all(np.diff(found) > 0)
    return {terminology.codes[i] for i in found.tolist()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LUNG, {LUNG}),
        (f"  {LUNG}|Disorder of lung (disorder)| ", {LUNG}),
        (f"<{LUNG}", {PNEUMONIA, ASTHMA}),
        (f"<< {LUNG} |Disorder of lung|", {LUNG, PNEUMONIA, ASTHMA}),
        (f"<! {DISEASE}", {LUNG, INFECTION}),
        (f"<<! {DISEASE}", {DISEASE, LUNG, INFECTION}),
        (f"> {PNEUMONIA}", {LUNG, INFECTION, DISEASE}),
        (f">> {PNEUMONIA}", {PNEUMONIA, LUNG, INFECTION, DISEASE}),
        (f">! {PNEUMONIA}", {LUNG, INFECTION}),
        (f">>! {ASTHMA}", {ASTHMA, LUNG}),
        (f"!!> (<< {LUNG})", {LUNG}),
        (f"!!< (<< {DISEASE})", {PNEUMONIA, ASTHMA}),
        (f"<< {LUNG} AND << {INFECTION}", {PNEUMONIA}),
        (f"<<{LUNG},<<{INFECTION}", {PNEUMONIA}),
        (f"< {LUNG} oR {INFECTION}", {PNEUMONIA, ASTHMA, INFECTION}),
        (f"<< {LUNG} minus << {INFECTION}", {LUNG, ASTHMA}),
        (f"(<< {LUNG} MINUS {ASTHMA}) MINUS {PNEUMONIA}", {LUNG}),
        (f"<< {LUNG} MINUS ({ASTHMA} OR {PNEUMONIA})", {LUNG}),
        (f"^ {REFSET}", {ASTHMA}),
        (f"^{OTHER_REFSET} |Another set|", {PNEUMONIA, LUNG}),
        (f"> ^ {REFSET}", {LUNG, DISEASE}),
        (f"^ (<< {REFSET})", {ASTHMA}),
        ("^ *", {ASTHMA, PNEUMONIA, LUNG}),
        (f"<< {DISEASE} AND ^ {OTHER_REFSET}", {PNEUMONIA, LUNG}),
        (f"/* lungs */ << {LUNG} /* but not */ MINUS\n\t{ASTHMA} /* which is * wide / spread */", {LUNG, PNEUMONIA}),
        ("HP:0001250 |Seizure|", {"HP:0001250"}),
        ("<< HP:0012638", {"HP:0012638", "HP:0001250"}),
        ("HPO#HP:0001250 OR ICD10CM#E11.9 |diabetes|", {"HP:0001250", "E11.9"}),
        ('"ICD-10-CM#E11.9"', {"E11.9"}),
        ("SNOMED#* AND > " + PNEUMONIA, {LUNG, INFECTION, DISEASE}),
        ("HPO#*", {"HP:0012638", "HP:0001250"}),
        ("< *", {LUNG, INFECTION, PNEUMONIA, ASTHMA, "HP:0001250"}),
    ],
)
def test_evaluate(small: Terminology, text: str, expected: set[str]) -> None:
    assert codes(small, text) == expected


def test_star_is_everything(small: Terminology) -> None:
    assert evaluate(small, "*").tolist() == list(range(small.n_concepts))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"character 1: the expression is empty"),
        ("<<", r"character 3: the expression ends too early"),
        (f"<< {LUNG} AND", r"ends too early"),
        (f"{LUNG} {ASTHMA}", r"character 10: two expressions without a word between them"),
        (f"({LUNG} {ASTHMA})", r"two expressions without"),
        (f"({LUNG}", r"character 1: the parenthesis is not closed; add \)"),
        (f"{LUNG})", r"closing parenthesis without an opening one"),
        (f"AND {LUNG}", r"'AND' stands where a code"),
        ("()", r"'\)' stands where a code"),
        (f"{LUNG} AND {ASTHMA} OR {PNEUMONIA}", r"character \d+: AND and OR stand side by side; say with parentheses"),
        (f"{LUNG} OR {ASTHMA} MINUS {PNEUMONIA}", r"OR and MINUS stand side by side"),
        (f"{LUNG} MINUS {ASTHMA} MINUS {PNEUMONIA}", r"MINUS joins two expressions only"),
        (f"< > {LUNG}", r"< and > one after the other; use parentheses"),
        (f"{LUNG} |lung", r"the term has no end"),
        (f"{LUNG} ||", r"the term is empty"),
        ("|lung|", r"a term without a code before it"),
        (f"{LUNG} /* lung", r"the comment has no end"),
        ("asthma", r"'asthma' is neither a code nor AND, OR or MINUS"),
        ("E11.9", r"'E' is neither a code .* SYSTEM#CODE"),
        (f"descendantOf {LUNG}", r"the long syntax \(descendantOf\) is not read; write <"),
        (f"< {LUNG} : 116676008 = 79654002", r"an attribute refinement \(:\) is not supported"),
        (f"< {LUNG}:[1..3]127489000 = < 105590001", r"an attribute refinement \(:\) is not supported"),
        (f"[1..3] {LUNG}", r"a cardinality or field list \(\[ ... \]\) is not supported"),
        (f"< {LUNG} . 363698007", r"a dotted expression \(\.\) is not supported"),
        (f'< {DISEASE} {{{{ term = "heart" }}}}', r"a filter or history supplement .* is not supported"),
        (f"< {DISEASE} {{{{ +HISTORY-MIN }}}}", r"a filter or history supplement .* is not supported"),
        (f"({LUNG} {{{{ C active = 1 }}}}) OR {ASTHMA}", r"a filter or history supplement"),
        (f"^ [targetComponentId] {REFSET}", r"a cardinality or field list"),
        (f"{{ {LUNG} }}", r"an attribute group"),
        (f"{LUNG} = {ASTHMA}", r"a comparison"),
        (f"{LUNG} ~ {ASTHMA}", r"'~' is no sign of ECL"),
        (f"<< {LUNG}\nAND\n  << {ASTHMA} OR {LUNG}", r"line 3, character 16: AND and OR"),
        ("(" * 500 + LUNG + ")" * 500, r"too many parentheses"),
        ("< (" * 500 + LUNG + ")" * 500, r"too many parentheses"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(EclError, match=message):
        parse(text)


def test_every_error_has_place_and_remedy() -> None:
    with pytest.raises(EclError) as caught:
        parse(f"<< {LUNG} AND {ASTHMA} OR {PNEUMONIA}")
    assert caught.value.position == len(f"<< {LUNG} AND {ASTHMA} ")
    assert caught.value.remedy


@given(st.text(max_size=40) | st.text(alphabet="<>!^*()|,/.:{}[] \n0123456789ANDORMIUS", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    position = 0
    try:
        parse(text)
    except EclError as error:
        position = error.position
    assert 0 <= position <= len(text)


def test_unknown_codes_are_reported(small: Terminology) -> None:
    result = resolve_ecl(small, f"<< {ASTHMA} OR {OLD} OR 73211009 OR 73211008 OR ^ {LUNG} OR {CLEAR}")
    assert [small.codes[i] for i in result.concepts.tolist()] == [ASTHMA, PNEUMONIA]
    assert [(u.code, u.reason, u.successors) for u in result.unknown] == [
        (OLD, "retired", (("POSSIBLY EQUIVALENT TO", ASTHMA),)),
        ("73211009", "not_found", ()),
        ("73211008", "check_digit", ()),
        (LUNG, "no_reference_set", ()),
    ]
    assert result.replaced == ((CLEAR, PNEUMONIA),)
    assert not result.needs_hierarchy
    with pytest.raises(ValueError, match="read-only"):
        result.concepts[0] = 1


def test_strict_raises(small: Terminology) -> None:
    with pytest.raises(EclError, match=r"character 14: SNOMED 22298006: retired \(POSSIBLY EQUIVALENT TO 195967001\)"):
        evaluate(small, f"{ASTHMA} OR {OLD}", strict=True)
    with pytest.raises(EclError, match="check digit; SNOMED ids end in a check digit"):
        evaluate(small, "73211008", strict=True)
    with pytest.raises(EclError, match="no is-a hierarchy"):
        evaluate(terminology_of({ASTHMA: "Asthma"}), f"<< {ASTHMA}", strict=True)


def test_without_hierarchy_a_concept_is_itself() -> None:
    flat = terminology_of({ASTHMA: "Asthma", LUNG: "Disorder of lung"})
    result = resolve_ecl(flat, f"<< {LUNG}")
    assert [flat.codes[i] for i in result.concepts.tolist()] == [LUNG]
    assert result.needs_hierarchy
    assert not resolve_ecl(flat, LUNG).needs_hierarchy


# ---- against an evaluator that knows only sets and walking


CODES = tuple(f"C{i}" for i in range(12))


@st.composite
def hierarchies(draw: st.DrawFn) -> list[tuple[str, str]]:
    size = len(CODES)
    pairs = draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=30))
    return [(CODES[max(a, b)], CODES[min(a, b)]) for a, b in pairs if a != b]


def expressions() -> st.SearchStrategy[tuple[str, ...]]:
    """Trees as nested tuples: ("code", C), ("any",), (operator, tree), (word, tree, tree, ...)."""
    leaves = st.sampled_from(CODES).map(lambda code: ("code", code)) | st.just(("any",))
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(("<", "<<", ">", ">>", "<!", "<<!", ">!", ">>!", "!!>", "!!<")), inner)
            | st.tuples(st.just("MINUS"), inner, inner)
            | st.tuples(st.sampled_from(("AND", "OR")), inner, inner, inner)
            | st.tuples(st.sampled_from(("AND", "OR")), inner, inner)
        ),
        max_leaves=8,
    )


def written(tree: tuple, spaced: bool) -> str:
    blank = " /* and */\n " if spaced else " "
    if tree[0] == "code":
        return f"ICD10CM#{tree[1]}" + (" |a term (disorder)|" if spaced else "")
    if tree[0] == "any":
        return "*"
    if len(tree) == 2:
        inner = written(tree[1], spaced)
        return tree[0] + (inner if tree[1][0] in ("code", "any") and spaced else f"({inner})")
    return "(" + f"{blank}{tree[0]}{blank}".join(written(part, spaced) for part in tree[1:]) + ")"


def slowly(tree: tuple, edges: list[tuple[str, str]]) -> set[str]:
    def above(code: str) -> set[str]:
        parents = {p for c, p in edges if c == code}
        return parents.union(*(above(parent) for parent in parents))

    if tree[0] == "code":
        return {tree[1]}
    if tree[0] == "any":
        return set(CODES)
    sets = [slowly(part, edges) for part in tree[1:]]
    inner = sets[0]
    if tree[0] == "AND":
        return set.intersection(*sets)
    if tree[0] == "OR":
        return set.union(*sets)
    if tree[0] == "MINUS":
        return inner - sets[1]
    up = {code: above(code) for code in CODES}
    reached = {
        "<": {c for c in CODES if up[c] & inner},
        ">": {a for c in inner for a in up[c]},
        "<!": {c for c, p in edges if p in inner},
        ">!": {p for c, p in edges if c in inner},
    }
    if tree[0] == "!!>":
        return inner - reached["<"]
    if tree[0] == "!!<":
        return inner - reached[">"]
    with_self = tree[0][:2] in ("<<", ">>")
    found = reached[tree[0][1:] if with_self else tree[0]]
    return found | inner if with_self else found


@settings(max_examples=150, deadline=None)
@given(hierarchies(), expressions(), st.booleans())
def test_equals_a_slow_evaluator(edges: list[tuple[str, str]], tree: tuple[str, ...], spaced: bool) -> None:
    terminology = terminology_of({code: code for code in CODES}, edges)
    assert codes(terminology, written(tree, spaced)) == slowly(tree, edges)


def test_joined_parts_stay_in_order() -> None:
    node = parse(f"{LUNG}, {ASTHMA} and {PNEUMONIA}")
    assert isinstance(node, Combined)
    assert node.word == "AND"
    assert [part.code for part in node.parts if isinstance(part, Reference)] == [LUNG, ASTHMA, PNEUMONIA]


@pytest.mark.shared
def test_a_real_ontology(published: Callable[[str], tuple[Terminology, BuildReport]]) -> None:
    terminology, _ = published("hpo/hp.v2024-04-26.json.gz")
    if not terminology.hierarchy:
        pytest.skip("the OBO-graph loader gives no is-a relations")
    everything = codes(terminology, "<< HP:0000118")
    seizures = codes(terminology, "<< HP:0001250 |Seizure|")
    assert seizures < everything
    assert codes(terminology, "<< HP:0000118 AND << HP:0001250") == seizures
    assert codes(terminology, "<< HP:0000118 MINUS << HP:0001250") == everything - seizures
    assert all(re.fullmatch(r"HP:\d{7}", code) for code in seizures)
    began = time.perf_counter()
    for _ in range(100):
        evaluate(terminology, "<< HP:0000118 MINUS << HP:0001250")
    assert (time.perf_counter() - began) / 100 < 0.05
