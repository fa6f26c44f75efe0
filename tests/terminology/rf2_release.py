"""Small SNOMED CT releases in RF2 for tests. Concepts are made up, with ids in a namespace that is nobody's; only the
metadata that gives a release its meaning (types, reference sets) has its real ids."""

from __future__ import annotations

import uuid
import zipfile
from pathlib import Path

from phenotext.nlp.terminology.systems import verhoeff_ok

CORE = "900000000000207008"
FSN, SYNONYM, DEFINITION = "900000000000003001", "900000000000013009", "900000000000550004"
US, GB = "900000000000509007", "900000000000508004"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"
IS_A, INFERRED, STATED = "116680003", "900000000000011006", "900000000000010007"
SAME_AS, REPLACED_BY, POSSIBLY = "900000000000527005", "900000000000526001", "900000000000523009"
REASONS, DUPLICATE, AMBIGUOUS = "900000000000489007", "900000000000482003", "900000000000484002"
ICD10CM, ICDO = "6011000124106", "446608001"

_COMMON = "id\teffectiveTime\tactive\tmoduleId"
_MEMBER = f"{_COMMON}\trefsetId\treferencedComponentId"
_RELATED = f"{_COMMON}\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId"
_MAP = "mapGroup\tmapPriority\tmapRule\tmapAdvice\tmapTarget\tcorrelationId\tmapCategoryId"
FILES = {
    "concept": ("Terminology/sct2_Concept_{}_{}.txt", f"{_COMMON}\tdefinitionStatusId"),
    "description": (
        "Terminology/sct2_Description_{}-en_{}.txt",
        f"{_COMMON}\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId",
    ),
    "relationship": ("Terminology/sct2_Relationship_{}_{}.txt", _RELATED),
    "stated": ("Terminology/sct2_StatedRelationship_{}_{}.txt", _RELATED),
    "owl": ("Terminology/sct2_sRefset_OWLExpression{}_{}.txt", f"{_MEMBER}\towlExpression"),
    "language": ("Refset/Language/der2_cRefset_Language{}-en_{}.txt", f"{_MEMBER}\tacceptabilityId"),
    "simple": ("Refset/Content/der2_Refset_Simple{}_{}.txt", _MEMBER),
    "association": ("Refset/Content/der2_cRefset_Association{}_{}.txt", f"{_MEMBER}\ttargetComponentId"),
    "attribute": ("Refset/Content/der2_cRefset_AttributeValue{}_{}.txt", f"{_MEMBER}\tvalueId"),
    "map": ("Refset/Map/der2_iisssccRefset_ExtendedMap{}_{}.txt", f"{_MEMBER}\t{_MAP}"),
    "simple_map": ("Refset/Map/der2_sRefset_SimpleMap{}_{}.txt", f"{_MEMBER}\tmapTarget"),
}


def sctid(item: int, partition: str = "10") -> str:
    """A made-up id with a right check digit; partition 10 concept, 11 description, 12 relationship."""
    stem = f"{item}1000999{partition}"
    return next(stem + digit for digit in "0123456789" if verhoeff_ok(stem + digit))


class Release:
    """Rows to be written as a release; every method takes the defaults of an ordinary row."""

    def __init__(self, time: str = "20230131", module: str = CORE, first: int = 1) -> None:
        self.rows: dict[str, list[str]] = {kind: [] for kind in ("concept", "description", "relationship")}
        self.time = time
        self.module = module
        self.number = first

    def _add(self, kind: str, key: str, cells: str, active: int, time: str | None) -> None:
        row = f"{key}\t{self.time if time is None else time}\t{active}\t{self.module}\t{cells}"
        self.rows.setdefault(kind, []).append(row)

    def concept(self, code: str, active: int = 1, time: str | None = None) -> str:
        self._add("concept", code, "900000000000074008", active, time)
        return code

    def describe(
        self,
        concept: str,
        term: str,
        kind: str = SYNONYM,
        *,
        us: str = "",
        gb: str = "",
        active: int = 1,
        language: str = "en",
        time: str | None = None,
        key: str | None = None,
    ) -> str:
        """A description, and where `us` or `gb` is given its row in that language reference set."""
        self.number += 1
        key = key or sctid(self.number, "11")
        self._add("description", key, f"{concept}\t{language}\t{kind}\t{term}\t900000000000448009", active, time)
        for refset, value in ((US, us), (GB, gb)):
            if value:
                self.member("language", refset, key, value)
        return key

    def relate(
        self,
        child: str,
        parent: str,
        kind: str = IS_A,
        *,
        by: str = INFERRED,
        active: int = 1,
        time: str | None = None,
        key: str | None = None,
        file: str = "relationship",
    ) -> None:
        self.number += 1
        cells = f"{child}\t{parent}\t0\t{kind}\t{by}\t900000000000451002"
        self._add(file, key or sctid(self.number, "12"), cells, active, time)

    def member(
        self,
        kind: str,
        refset: str,
        component: str,
        *cells: str,
        active: int = 1,
        time: str | None = None,
        key: str | None = None,
    ) -> None:
        self.number += 1
        key = key or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.module}{self.number}"))
        self._add(kind, key, "\t".join((refset, component, *cells)), active, time)

    def named(self, code: str, name: str, tag: str = "disorder", *synonyms: str) -> str:
        """A concept in use with its full name, the preferred term of both Englishes and further synonyms."""
        self.concept(code)
        self.describe(code, f"{name} ({tag})", FSN, us=PREFERRED, gb=PREFERRED)
        self.describe(code, name, us=PREFERRED, gb=PREFERRED)
        for synonym in synonyms:
            self.describe(code, synonym, us=ACCEPTABLE, gb=ACCEPTABLE)
        return code

    def texts(self, form: str = "Snapshot", where: str = "INT_20230131", end: str = "\r\n") -> dict[str, str]:
        """The files by their paths below the release's folder."""
        return {
            f"{form}/" + FILES[kind][0].format(form, where): end.join((FILES[kind][1], *rows, ""))
            for kind, rows in self.rows.items()
        }

    def write(self, folder: Path, form: str = "Snapshot", where: str = "INT_20230131", end: str = "\r\n") -> Path:
        for name, text in self.texts(form, where, end).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text.encode())
        return folder

    def zipped(self, path: Path, form: str = "Snapshot", where: str = "INT_20230131") -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in self.texts(form, where).items():
                archive.writestr(f"{path.stem}/{name}", text)
        return path


ROOT, LUNG, ATTACK, OLD, SET = (sctid(item) for item in (1, 2, 3, 4, 5))


def small_release(time: str = "20230131") -> Release:
    """Two findings below a root, a retired duplicate, a reference set and a map."""
    release = Release(time)
    release.named(ROOT, "Whole thing", "finding")
    release.named(LUNG, "Azure lung disease", "disorder", "Azure lung", "ALD")
    release.named(ATTACK, "Azure lung attack", "disorder")
    release.concept(OLD, active=0)
    release.describe(OLD, "Bluish lung disease (disorder)", FSN, us=PREFERRED)
    release.relate(LUNG, ROOT)
    release.relate(ATTACK, LUNG)
    release.member("association", SAME_AS, OLD, LUNG)
    release.member("attribute", REASONS, OLD, DUPLICATE)
    release.named(DUPLICATE, "Duplicate component", "foundation metadata concept")
    release.named(SET, "Lung reference set", "foundation metadata concept")
    release.member("simple", SET, LUNG)
    release.member("simple", SET, ATTACK)
    cells = ("1", "1", "TRUE", "ALWAYS J98.4", "J98.4", "447561005", "447637006")
    release.member("map", ICD10CM, LUNG, *cells)
    return release
