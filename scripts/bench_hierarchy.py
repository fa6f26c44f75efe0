"""Speed of the is-a hierarchy and of ECL on a made-up hierarchy of the size and shape of SNOMED CT.

    python scripts/bench_hierarchy.py [--concepts 360000] [--markdown]

Concepts are numbered from the top; each has one parent or a few, drawn so that there are about five million
(descendant, ancestor) pairs, as in SNOMED CT International.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from phenotext.nlp.terminology.artefact import StringColumn
from phenotext.nlp.terminology.closure import pack_hierarchy
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.ecl import evaluate
from phenotext.nlp.terminology.hierarchy import Hierarchy
from phenotext.nlp.terminology.terminology import Terminology

SEED = 20_261_120
LEVEL_SHARE = (0.0001, 0.0006, 0.006, 0.04, 0.12, 0.21, 0.23, 0.18, 0.11, 0.06, 0.03, 0.0133)


def made_up_edges(n_concepts: int) -> tuple[np.ndarray, np.ndarray]:
    """Child and parent numbers [k]; concept 0 is the root. Parents lie one level up, mostly near by, as in a tree."""
    random = np.random.default_rng(SEED)
    sizes = np.maximum(1, np.round(np.array(LEVEL_SHARE) * (n_concepts - 1))).astype(int)
    sizes[7] += n_concepts - 1 - sizes.sum()
    starts = np.concatenate(([0, 1], 1 + np.cumsum(sizes)))
    child: list[np.ndarray] = []
    parent: list[np.ndarray] = []
    for level in range(1, len(starts) - 1):
        above, own, end = starts[level - 1 : level + 2].tolist()
        concepts = np.arange(own, end)
        width = own - above
        # the place in the own level points at a place in the level above, as subtrees do
        home = above + (concepts - own) * width // (end - own)
        for wanted, spread in ((1.0, 0), (0.3, 2), (0.12, 40)):
            chosen = concepts[random.random(len(concepts)) < wanted]
            step = random.integers(-spread, spread + 1, len(chosen))
            child.append(chosen)
            parent.append(np.clip(home[chosen - own] + step, above, own - 1))
    return np.concatenate(child), np.concatenate(parent)


def timed(work: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the fastest of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def as_terminology(arrays: dict[str, np.ndarray], n_concepts: int) -> Terminology:
    """A terminology without terms around a hierarchy. Codes count upwards, so that their order is the concepts'."""
    empty = compile_terminology([], [])
    held = dict(empty.arrays)
    for name, strings in (
        ("codes", [str(100_000_000 + number) for number in range(n_concepts)]),
        ("preferred", [""] * n_concepts),
        ("semantic_tags", [""] * n_concepts),
    ):
        held[f"{name}_blob"], held[f"{name}_offsets"] = StringColumn.pack(strings)
    for name, dtype in (("concept_system", np.uint8), ("concept_flags", np.uint8), ("concept_restriction", np.uint8)):
        held[name] = np.zeros(n_concepts, dtype)
    held["concept_ids"] = np.zeros(n_concepts, np.int64)
    held.update(arrays)
    return Terminology.from_arrays(held, {**empty.meta, "systems": ["SNOMED"]}, "0" * 64)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--concepts", type=int, default=360_000)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args(arguments)
    n = options.concepts
    child, parent = made_up_edges(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    arrays, _ = pack_hierarchy(child, parent, n)
    pack_seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hierarchy = Hierarchy(arrays, n)
    size = sum(array.nbytes for array in arrays.values())

    random = np.random.default_rng(SEED)
    ones = random.integers(0, n, 20_000).tolist()
    others = random.integers(0, n, 20_000).tolist()
    terminology = as_terminology(arrays, n)
    widest = sorted(hierarchy.children(0).tolist(), key=lambda c: len(hierarchy.descendants(c)))[-2:]
    a, b = (terminology.codes[concept] for concept in widest)
    leaf = terminology.codes[n - 1]
    rows: list[tuple[str, str]] = [
        ("concepts, edges, pairs", f"{n:,}, {hierarchy.n_edges:,}, {hierarchy.n_pairs:,}"),
        ("arrays in the artefact, MB", f"{size / 1e6:.1f}"),
        ("pack_hierarchy, s", f"{pack_seconds:.2f}"),
        ("peak memory before and with pack_hierarchy, MB", f"{before / 1e3:.0f}, {peak / 1e3:.0f}"),
    ]
    for name, work in (
        ("subsumes", lambda: [hierarchy.subsumes(x, y) for x, y in zip(ones, others, strict=True)]),
        ("ancestors", lambda: [hierarchy.ancestors(x) for x in ones]),
        ("descendants", lambda: [hierarchy.descendants(x) for x in ones]),
    ):
        rows.append((f"`{name}`, one call, us", f"{timed(work) / len(ones) * 1e6:.2f}"))
    for text in (
        f"<< {leaf}", f"<< {a}", f"<< {a} AND << {b}", f"<< {a} OR << {b}", f"* MINUS << {a}", f">> (< {a})", "< *",
    ):  # fmt: skip
        found = len(evaluate(terminology, text))
        seconds = timed(lambda text=text: evaluate(terminology, text))
        shown = text.replace(a, "A").replace(b, "B").replace(leaf, "LEAF")
        rows.append((f"ECL `{shown}`, {found:,} concepts, us", f"{seconds * 1e6:,.0f}"))
    if options.markdown:
        sys.stdout.write("| what | figure |\n|---|--:|\n")
    for name, figure in rows:
        sys.stdout.write(f"| {name} | {figure} |\n" if options.markdown else f"{name}: {figure}\n")


if __name__ == "__main__":
    main()
