"""Write an RF2 release of invented concepts with the shape and size of a full SNOMED CT, to test and measure with.

    python scripts/make_synthetic_rf2.py OUT_FOLDER [--concepts 360000] [--seed 7] [--zip]

Names are those of the project's own starter lexicon under up to six modifiers; codes are made up, with valid check
digits, in the namespace 1999999 so that none is a real code; only metadata codes are real (types, reference sets).
Shape at the default size: 360,000 active and 100,000 retired concepts, 1.2 million descriptions, 1.5 million
relationships of which 0.6 million is-a, some 5 million (descendant, ancestor) pairs, language, association,
inactivation and simple reference sets, and an ICD-10-CM map. Same arguments, same bytes.
"""

from __future__ import annotations

import argparse
import random
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from make_big_terminology import QUALIFIERS, SIDES

from phenotext.nlp.terminology.systems import verhoeff_ok
from phenotext.nlp.tsv import data_file

RELEASE = "20260101"
MODULE = "900000000000207008"
ROOT_CODE = "138875005"
IS_A = "116680003"
INFERRED = "900000000000011006"
FSN, SYNONYM = "900000000000003001", "900000000000013009"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"
US_ENGLISH, GB_ENGLISH = "900000000000509007", "900000000000508004"
INACTIVATION = "900000000000489007"
REASONS = ("900000000000482003", "900000000000484002", "900000000000483008")
SAME_AS, REPLACED_BY = "900000000000527005", "900000000000526001"
POSSIBLY = "900000000000523009"
ICD10CM_MAP = "6011000124106"
SIMPLE_SET = "723264001"
ATTRIBUTES = ("363698007", "116676008", "246075003", "363714003", "260686004")
# Semantic tag, share of the concepts: as in the international edition, to a percent.
TAGS = (
    ("disorder", 0.24), ("finding", 0.10), ("procedure", 0.17), ("body structure", 0.12), ("organism", 0.10),
    ("substance", 0.08), ("product", 0.07), ("qualifier value", 0.03), ("observable entity", 0.03),
    ("physical object", 0.04), ("situation", 0.02),
)  # fmt: skip
NAMESPACE = 1_999_999
RETIRED_SHARE = 100_000 / 360_000
SYNONYMS = (1, 1, 1, 2, 2, 3, 4)
MEAN_DEPTH, DEEPEST = 6, 13
SECOND_PARENT = 0.62
MODIFIERS = (*QUALIFIERS, *SIDES, *(f"grade {n}" for n in range(1, 5)), *(f"type {n}" for n in range(1, 9)))


def sctid(item: int, partition: str) -> str:
    """An identifier of the test namespace with its check digit. `partition` is 10, 11 or 12 (extension components)."""
    stem = f"{item}{NAMESPACE}{partition}"
    return next(stem + str(digit) for digit in range(10) if verhoeff_ok(stem + str(digit)))


@dataclass(slots=True)
class Shape:
    """Concepts by number: depth-first levels, parents, tag and name."""

    tag: list[str] = field(default_factory=list)
    parents: list[list[int]] = field(default_factory=list)
    names: list[list[str]] = field(default_factory=list)


def heads() -> dict[str, list[list[str]]]:
    """Names to start from: the terms of each starter concept, by the tag they serve here."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(Path(data_file("lexicon")).glob("*.tsv")):
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")]
        header = lines[0].split("\t")
        code, term, tag = header.index("code"), header.index("term"), header.index("semantic_tag")
        for line in lines[1:]:
            cells = line.split("\t")
            found.setdefault(cells[tag], {}).setdefault(cells[code], []).append(cells[term])
    everything = [names for by_code in found.values() for names in by_code.values()]
    return {tag: list(found.get(tag, {}).values()) or everything for tag, _ in TAGS}


def make_shape(concepts: int, chance: random.Random) -> Shape:
    """Parents before children; a second parent is near the first, so that ancestors are shared as in real life."""
    shape = Shape()
    by_tag = heads()
    for tag, share in TAGS:
        start = len(shape.tag)
        wanted = max(2, round(concepts * share))
        levels: list[list[int]] = [[start]]
        shape.tag.append(tag)
        shape.parents.append([])
        shape.names.append([f"{tag} of the synthetic release"])
        depths = sorted(min(DEEPEST, max(1, round(chance.gauss(MEAN_DEPTH, 2)))) for _ in range(wanted - 1))
        on_level = Counter(depths)
        for number, depth in enumerate(depths, start + 1):
            above = levels[min(depth - 1, len(levels) - 1)]
            # neighbours on a level have neighbouring parents, so second parents share most of their ancestors
            done = len(levels[depth]) if depth < len(levels) else 0
            place = done * len(above) // on_level[depth]
            parents = [above[place]]
            if chance.random() < SECOND_PARENT and len(above) > 1:
                near = above[min(len(above) - 1, max(0, place + chance.choice((-2, -1, 1, 2))))]
                parents += [near] if near not in parents else []
            level = min(depth, len(levels))
            if level == len(levels):
                levels.append([])
            levels[level].append(number)
            shape.tag.append(tag)
            shape.parents.append(parents)
            shape.names.append(child_names(shape, parents[0], by_tag[tag], number - start, chance))
    return shape


def child_names(
    shape: Shape, parent: int, heads_of_tag: list[list[str]], rank: int, chance: random.Random
) -> list[str]:
    """The preferred name first: a head of the lexicon, or the parent's name under one more modifier."""
    base = heads_of_tag[(rank - 1) % len(heads_of_tag)] if rank <= len(heads_of_tag) else shape.names[parent]
    if rank <= len(heads_of_tag):
        return list(base)[: chance.choice(SYNONYMS) + 1]
    words = chance.sample(MODIFIERS, 2)
    synonyms = chance.choice(SYNONYMS)
    names = [f"{words[0]} {name}" for name in base[: synonyms + 1]]
    if len(names) <= synonyms:
        names.append(f"{base[0]}, {words[0]}")
    if len(names[0].split()) > 9:  # names do not grow without end
        names = [f"{words[0]} {words[1]} {heads_of_tag[rank % len(heads_of_tag)][0]} variant {rank}"]
    return names


def rows(lines: Iterable[tuple[str, ...]]) -> Iterator[str]:
    return ("\t".join(line) + "\r\n" for line in lines)


class Release:
    """Writes the files of one snapshot."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed + 1)
        self.written: list[Path] = []

    def write(self, place: str, header: str, lines: Iterable[tuple[str, ...]]) -> None:
        path = self.folder / "Snapshot" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as out:
            out.write(header.replace(" ", "\t") + "\r\n")
            out.writelines(rows(lines))
        self.written.append(path)

    def member(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))


def write_release(folder: Path, concepts: int, seed: int) -> dict[str, int]:
    """Write the release and return counts of its rows."""
    chance = random.Random(seed)
    shape = make_shape(concepts, chance)
    release = Release(folder, seed)
    active = len(shape.tag)
    retired = round(active * RETIRED_SHARE)
    codes = [sctid(number + 1, "10") for number in range(active + retired)]
    count: dict[str, int] = {"concepts": active, "retired": retired}
    release.write(
        f"Terminology/sct2_Concept_Snapshot_INT_{RELEASE}.txt",
        "id effectiveTime active moduleId definitionStatusId",
        (
            *((code, RELEASE, "1", MODULE, "900000000000074008") for code in (ROOT_CODE, *codes[:active])),
            *((code, "20200131", "0", MODULE, "900000000000074008") for code in codes[active:]),
        ),
    )
    descriptions = list(described(shape, codes, active))
    count["descriptions"] = len(descriptions)
    release.write(
        f"Terminology/sct2_Description_Snapshot-en_INT_{RELEASE}.txt",
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
        (
            (key, RELEASE, "1", MODULE, code, "en", kind, term, "900000000000448009")
            for key, code, kind, term in descriptions
        ),
    )
    edges = [(codes[child], codes[parent]) for child, own in enumerate(shape.parents) for parent in own]
    edges += [(codes[child], ROOT_CODE) for child, own in enumerate(shape.parents) if not own]
    others = [
        (codes[chance.randrange(active)], codes[chance.randrange(active)], chance.choice(ATTRIBUTES))
        for _ in range(round(active * 2.5))
    ]
    count |= {"is_a": len(edges), "relationships": len(edges) + len(others)}
    typed = [*((child, parent, IS_A) for child, parent in edges), *others]
    release.write(
        f"Terminology/sct2_Relationship_Snapshot_INT_{RELEASE}.txt",
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId characteristicTypeId"
        " modifierId",
        (
            (sctid(number, "12"), RELEASE, "1", MODULE, source, target, "0", kind, INFERRED, "900000000000451002")
            for number, (source, target, kind) in enumerate(typed, 1)
        ),
    )
    write_reference_sets(release, descriptions, codes, active, count)
    return count


def described(shape: Shape, codes: list[str], active: int) -> Iterator[tuple[str, str, str, str]]:
    """(description id, code, type, term): a fully specified name for every concept, synonyms for the living."""
    number = 1
    yield sctid(number, "11"), ROOT_CODE, FSN, "SNOMED CT Concept (SNOMED RT+CTV3)"
    for place, code in enumerate(codes):
        number += 1
        if place >= active:
            yield sctid(number, "11"), code, FSN, f"Retired concept {place} (disorder)"
            continue
        names = shape.names[place]
        yield sctid(number, "11"), code, FSN, f"{names[0]} ({shape.tag[place]})"
        for name in names:
            number += 1
            yield sctid(number, "11"), code, SYNONYM, name


def write_reference_sets(
    release: Release,
    descriptions: list[tuple[str, str, str, str]],
    codes: list[str],
    active: int,
    count: dict[str, int],
) -> None:
    preferred: set[str] = set()

    def language() -> Iterator[tuple[str, ...]]:
        for refset in (US_ENGLISH, GB_ENGLISH):
            preferred.clear()
            for key, code, kind, _ in descriptions:
                first = kind == FSN or code not in preferred
                if kind == SYNONYM:
                    preferred.add(code)
                level = PREFERRED if first else ACCEPTABLE
                yield release.member(), RELEASE, "1", MODULE, refset, key, level

    common = "id effectiveTime active moduleId refsetId referencedComponentId"
    release.write(
        f"Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_{RELEASE}.txt", f"{common} acceptabilityId", language()
    )
    chance = release.chance
    retired = codes[active:]
    associations = [
        (chance.choice((SAME_AS, SAME_AS, REPLACED_BY, POSSIBLY)), code, codes[chance.randrange(active)])
        for code in retired
    ]
    release.write(
        f"Refset/Content/der2_cRefset_AssociationSnapshot_INT_{RELEASE}.txt",
        f"{common} targetComponentId",
        ((release.member(), RELEASE, "1", MODULE, kind, old, new) for kind, old, new in associations),
    )
    release.write(
        f"Refset/Content/der2_cRefset_AttributeValueSnapshot_INT_{RELEASE}.txt",
        f"{common} valueId",
        ((release.member(), RELEASE, "1", MODULE, INACTIVATION, code, chance.choice(REASONS)) for code in retired),
    )
    members = sorted(chance.sample(range(active), active // 20))
    release.write(
        f"Refset/Content/der2_Refset_SimpleSnapshot_INT_{RELEASE}.txt",
        common,
        ((release.member(), RELEASE, "1", MODULE, SIMPLE_SET, codes[place]) for place in members),
    )
    mapped = sorted(chance.sample(range(active), active // 3))
    release.write(
        f"Refset/Map/der2_iisssccRefset_ExtendedMapSnapshot_INT_{RELEASE}.txt",
        f"{common} mapGroup mapPriority mapRule mapAdvice mapTarget correlationId mapCategoryId",
        (
            (
                release.member(), RELEASE, "1", MODULE, ICD10CM_MAP, codes[place], "1", "1", "TRUE",
                f"ALWAYS {target}", target, "447561005", "447637006",
            )
            for place in mapped
            for target in [f"{chance.choice('ABCDEFGHIJKLMN')}{chance.randrange(100):02}.{chance.randrange(10)}"]
        ),
    )  # fmt: skip
    count |= {"refset_members": len(members), "icd10cm_maps": len(mapped)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a new folder")
    parser.add_argument("--concepts", type=int, default=360_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--zip", action="store_true", help="write OUT_FOLDER.zip instead of the folder's files")
    options = parser.parse_args()
    if options.out.exists() and any(options.out.iterdir()):
        raise SystemExit(f"{options.out}: not empty; give a new folder")
    if options.concepts < 100:
        raise SystemExit("--concepts: give at least 100")
    folder = options.out / f"SnomedCT_SyntheticRF2_{RELEASE}"
    count = write_release(folder, options.concepts, options.seed)
    print(", ".join(f"{number:,} {what.replace('_', ' ')}" for what, number in count.items()))
    if options.zip:
        with zipfile.ZipFile(options.out / f"{folder.name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for path in sorted(folder.rglob("*.txt")):
                packed.write(path, path.relative_to(options.out))
                path.unlink()
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir()
        folder.rmdir()


if __name__ == "__main__":
    main()
