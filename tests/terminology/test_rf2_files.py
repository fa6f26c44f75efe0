"""SNOMED CT releases (RF2): folders, zips and zips in zips; Full, Snapshot and Delta; broken files and their errors."""

import struct
import zipfile
from pathlib import Path

import pytest

from phenotext.nlp.terminology import SourceError, read_source
from phenotext.nlp.terminology.sources.content import SourceContent
from phenotext.nlp.terminology.sources.options import SourceOptions
from phenotext.nlp.terminology.sources.rf2_archive import ZipLimits
from phenotext.nlp.terminology.sources.rf2_files import open_release

from .rf2_release import (
    ACCEPTABLE,
    ATTACK,
    FSN,
    LUNG,
    PREFERRED,
    ROOT,
    US,
    Release,
    sctid,
    small_release,
)

DESCRIPTIONS = "Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20230131.txt"
CONCEPTS = "Snapshot/Terminology/sct2_Concept_Snapshot_INT_20230131.txt"
LANGUAGE = "Snapshot/Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20230131.txt"


def strings(content: SourceContent, code: str = LUNG) -> set[str]:
    return {term.term for term in content.terms if term.code == code}


def noticed(content: SourceContent, words: str) -> bool:
    return any(words in notice for notice in content.notices)


def extension() -> Release:
    """An extension: a concept and a synonym of its own, and a newer row that retires an edge of the base."""
    release = Release("20230901", module=sctid(100), first=1000)
    release.named(sctid(101), "Azure lung, local kind", "disorder")
    release.describe(LUNG, "Local word for azure lung", us=ACCEPTABLE)
    release.relate(sctid(101), LUNG)
    return release


def error(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_source(path)
    return caught.value


class TestFinding:
    @pytest.mark.parametrize("below", ["", "Snapshot", "Snapshot/.."])
    def test_a_folder_at_any_level(self, tmp_path: Path, below: str) -> None:
        small_release().write(tmp_path / "SnomedCT" / "package")
        whole = read_source(tmp_path)
        assert read_source(tmp_path / "SnomedCT" / "package" / below).terms == whole.terms

    def test_names_do_not_matter(self, tmp_path: Path) -> None:
        for number, text in enumerate(small_release().texts().values()):
            (tmp_path / f"part{number}.tsv").write_text("\ufeff# a comment\n\n" + text.replace("\r\n", "\n"))
        content = read_source(tmp_path)
        assert strings(content) == {"Azure lung disease", "Azure lung", "ALD"}
        assert all((content.isa, content.refsets, content.maps, content.retired))
        assert noticed(content, "comment lines (#) were passed over")

    def test_other_files_are_listed(self, tmp_path: Path) -> None:
        folder = small_release().write(tmp_path / "release")
        (folder / "Readme_en.txt").write_text("Read me")
        (folder / ".hidden").write_text("id\teffectiveTime")
        (folder / "Snapshot" / "sct2_Identifier_Snapshot_INT_20230131.txt").write_text(
            "alternateIdentifier\teffectiveTime\tactive\tmoduleId\tidentifierSchemeId\treferencedComponentId\n"
        )
        content = read_source(folder)
        assert content.skipped_files == ["Readme_en.txt"]
        assert noticed(content, "passed over: sct2_Identifier_Snapshot_INT_20230131.txt")

    def test_zip_gives_what_the_folder_gives(self, tmp_path: Path) -> None:
        folder = read_source(small_release().write(tmp_path / "release"))
        packed = read_source(small_release().zipped(tmp_path / "release.zip"))
        assert (packed.terms, packed.isa, packed.retired) == (folder.terms, folder.isa, folder.retired)

    def test_international_and_extension_in_one_zip(self, tmp_path: Path) -> None:
        small_release().zipped(tmp_path / "Int_20230131.zip")
        extension().zipped(tmp_path / "Local_20230901.zip", where="US1000124_20230901")
        with zipfile.ZipFile(tmp_path / "both.zip", "w") as outer:
            for name in ("Int_20230131.zip", "Local_20230901.zip"):
                outer.write(tmp_path / name, f"deep/{name}")
                (tmp_path / name).unlink()
        content = read_source(tmp_path / "both.zip")
        assert "Local word for azure lung" in strings(content)
        assert (sctid(101), LUNG) in content.isa["SNOMED"]
        assert content.release == "INT 20230131, US1000124 20230901"
        assert noticed(content, "2 releases were read as one")
        assert noticed(content, f"Concepts in use by module: {sctid(100)} (1), 900000000000207008 (5)")
        assert read_source(tmp_path).terms == content.terms


class TestVersions:
    def test_full_takes_the_newest_rows(self, tmp_path: Path) -> None:
        release = small_release()
        changed = release.describe(LUNG, "Azure lunge", us=ACCEPTABLE, time="20200131")
        release.describe(LUNG, "Azure lunges", us=ACCEPTABLE, time="20210131", key=changed)
        gone = release.describe(LUNG, "Azure long", us=ACCEPTABLE, time="20200131")
        release.describe(LUNG, "Azure long", active=0, time="20210131", key=gone)
        member = "01234567-89ab-cdef-0123-456789abcdef"
        word = release.describe(LUNG, "Azure word")
        release.member("language", US, word, ACCEPTABLE, time="20200131", key=member)
        release.member("language", US, word, PREFERRED, active=0, time="20210131", key=member.upper())
        edge = sctid(900, "12")
        release.relate(ATTACK, ROOT, active=0, time="20210131", key=edge)
        release.relate(ATTACK, ROOT, time="20200131", key=edge)
        content = read_source(release.write(tmp_path / "release", "Full"))
        assert strings(content) == {"Azure lung disease", "Azure lung", "ALD", "Azure lunges"}
        assert (ATTACK, ROOT) not in content.isa["SNOMED"]
        assert content.dropped["not_acceptable_in_language"] == 1
        assert noticed(content, "8 Full files were read")
        assert content.drops.faults == 0

    def test_snapshot_stands_for_full(self, tmp_path: Path) -> None:
        folder = small_release().write(tmp_path / "release")
        old = small_release()
        old.describe(LUNG, "Only in the Full files", us=ACCEPTABLE)
        old.write(folder, "Full")
        content = read_source(folder)
        assert "Only in the Full files" not in strings(content)
        assert noticed(content, "8 Full files were passed over")

    def test_delta_changes_the_snapshot(self, tmp_path: Path) -> None:
        base = small_release()
        edge, word = sctid(900, "12"), sctid(901, "11")
        base.relate(ATTACK, ROOT, key=edge)
        base.describe(LUNG, "Azure lunge", us=ACCEPTABLE, key=word)
        delta = Release("20230731", first=2000)
        delta.relate(ATTACK, ROOT, active=0, key=edge)
        delta.describe(LUNG, "Azure lunge, corrected", us=ACCEPTABLE, key=word)
        delta.describe(LUNG, "Too new to have a date", us=ACCEPTABLE, time="")
        folder = base.write(tmp_path / "release")
        delta.write(folder, "Delta", "INT_20230731")
        content = read_source(folder)
        assert (ATTACK, ROOT) not in content.isa["SNOMED"]
        assert {"Azure lunge, corrected", "Too new to have a date"} <= strings(content)
        assert "Azure lunge" not in strings(content)
        assert noticed(content, "applied to the others by effectiveTime")
        assert noticed(content, "1 rows have no effectiveTime")

    def test_delta_alone(self, tmp_path: Path) -> None:
        delta = Release("20230731")
        delta.named(sctid(70), "Newly found disease")
        delta.describe(LUNG, "Of a concept elsewhere", us=ACCEPTABLE)
        delta.relate(sctid(70), LUNG)
        content = read_source(delta.write(tmp_path / "d", "Delta"))
        assert strings(content, sctid(70)) == {"Newly found disease"}
        assert content.dropped == {"unknown_concept": 1, "is_a_unknown_concept": 1}
        assert noticed(content, "Delta without the release it changes")
        assert noticed(content, "there is no hierarchy")

    def test_delta_with_relationships_only(self, tmp_path: Path) -> None:
        delta = Release("20230731")
        delta.relate(ATTACK, LUNG)
        caught = error(delta.write(tmp_path / "d", "Delta"))
        assert caught.problem.startswith("The release is a Delta that gives no term")
        assert caught.remedy == "Put it into one folder with the Snapshot or Full release before it"

    def test_conflicting_rows(self, tmp_path: Path) -> None:
        release = small_release()
        key = release.describe(LUNG, "First wording", us=ACCEPTABLE)
        release.describe(LUNG, "Second wording", key=key)
        release.rows["concept"].append(release.rows["concept"][0])  # an equal row is a repeat
        content = read_source(release.write(tmp_path / "release"))
        assert {"First wording", "Second wording"} & strings(content) == {"First wording"}
        assert content.dropped["conflicting_versions"] == 1
        assert content.dropped_at["conflicting_versions"] == [f"{Path(DESCRIPTIONS).name}#{key}"]


class TestFaultyRows:
    def test_counted_with_their_lines(self, tmp_path: Path) -> None:
        release = small_release()
        release.rows["description"][1:1] = [
            "",
            "# a comment",
            "1\t2\t3",
            f"{sctid(50, '11')}\t20230131\t1\t1\t1.2E+17\ten\t{FSN}\tFrom a spreadsheet\t1",
            f"{sctid(50, '11')}\t2023-01-31\t1\t1\t{LUNG}\ten\t{FSN}\tA date with dashes\t1",
            f"{sctid(50, '11')}\t20230131\tyes\t1\t{LUNG}\ten\t{FSN}\tNo flag\t1",
            f"{sctid(50, '11')}\t20230131\t1\t1\tx{LUNG}\ten\t{FSN}\tNo id\t1",
            f"{sctid(50, '11')}\t20230131\t1\t1\t{LUNG}\ten\t{FSN}\t \t1",
        ]
        content = read_source(release.write(tmp_path / "release"))
        name = Path(DESCRIPTIONS).name
        assert content.dropped_at == {
            "wrong_cell_count": [f"{name}:5"],
            "spreadsheet_number": [f"{name}:6"],
            "bad_effective_time": [f"{name}:7"],
            "bad_active_flag": [f"{name}:8"],
            "malformed_code": [f"{name}:9"],
            "empty_term": [f"{name}:10"],
            "description_of_retired_concept": content.dropped_at["description_of_retired_concept"],
        }
        assert content.drops.faults == 6
        assert strings(content) == {"Azure lung disease", "Azure lung", "ALD"}

    def test_a_return_inside_a_cell_is_a_blank(self, tmp_path: Path) -> None:
        release = small_release()
        release.describe(LUNG, "Azure\rlunge", us=ACCEPTABLE)
        release.rows["description"].append("1\t2")
        content = read_source(release.write(tmp_path / "release"))
        assert "Azure lunge" in strings(content)
        assert content.dropped_at["wrong_cell_count"] == [
            f"{Path(DESCRIPTIONS).name}:{len(release.rows['description']) + 1}"
        ]

    def test_faulty_ids(self, tmp_path: Path) -> None:
        release = small_release()
        wrong = sctid(80)[:-1] + str((int(sctid(80)[-1]) + 1) % 10)
        release.named(wrong, "Wrong check digit")
        release.named(sctid(81, "11"), "A description's id")
        release.describe(LUNG, "Word with a concept's id", key=sctid(82), us=ACCEPTABLE)
        release.describe(LUNG, "Word with a wrong digit", key=wrong[:-3] + "11" + wrong[-1], us=ACCEPTABLE)
        folder = release.write(tmp_path / "release")
        content = read_source(folder)
        assert content.dropped["check_digit"] == 2
        assert content.dropped["wrong_partition"] == 2
        assert content.dropped["unknown_concept"] == 4
        assert content.dropped_at["check_digit"][0] == f"{Path(CONCEPTS).name}#{wrong}"
        unchecked = read_source(folder, options=SourceOptions(check_digits=False))
        assert strings(unchecked, wrong) == {"Wrong check digit"}
        assert "Word with a concept's id" in strings(unchecked)

    def test_made_up_ids(self, tmp_path: Path) -> None:
        release = Release()
        for number in range(3):
            release.concept(str(1000 + number))
            release.describe(str(1000 + number), f"Thing {number}", key=str(2000 + number))
        folder = release.write(tmp_path / "release")
        caught = error(folder)
        assert caught.problem.startswith("3 of 3 concept ids are faulty (malformed code, the first at sct2_Concept_")
        assert "SourceOptions(check_digits=False)" in caught.remedy
        assert len(read_source(folder, options=SourceOptions(check_digits=False)).terms) == 3


class TestBrokenFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return small_release().write(tmp_path / "release")

    @pytest.mark.parametrize(
        ("missing", "problem"),
        [
            (CONCEPTS, "The release has descriptions or relationships but no Concept file"),
            (DESCRIPTIONS, "The release has a Concept file but no Description file"),
        ],
    )
    def test_missing(self, folder: Path, missing: str, problem: str) -> None:
        (folder / missing).unlink()
        assert str(error(folder)) == f"{folder}: {problem}. Give the whole release folder, or its zip."

    def test_without_language_file(self, folder: Path) -> None:
        (folder / LANGUAGE).unlink()
        assert noticed(read_source(folder), "no language reference set")

    def test_headers_only(self, tmp_path: Path) -> None:
        caught = error(Release().write(tmp_path / "empty"))
        assert caught.problem == "The release is empty: its files have headers and no rows"

    @pytest.mark.parametrize(
        ("data", "line", "problem"),
        [
            (b"", None, "The file is empty, without even a header"),
            (b"id;effectiveTime;active\n", 1, "The name is that of an RF2 file, but the first line is no RF2 header"),
            ("id\teffectiveTime\n".encode("utf-16"), 1, "The text is UTF-16"),
        ],
    )
    def test_no_header(self, folder: Path, data: bytes, line: int | None, problem: str) -> None:
        (folder / DESCRIPTIONS).write_bytes(data)
        caught = error(folder)
        assert (caught.path, caught.line, caught.problem) == (str(folder / DESCRIPTIONS), line, problem)

    def test_not_utf8(self, folder: Path) -> None:
        text = (folder / DESCRIPTIONS).read_bytes().replace(b"Azure lung attack", b"Azur\xe9 lung attack", 1)
        (folder / DESCRIPTIONS).write_bytes(text)
        caught = error(folder)
        assert caught.line == text[: text.index(b"\xe9")].count(b"\n") + 1
        assert "is not UTF-8" in caught.problem

    def test_zero_bytes(self, folder: Path) -> None:
        with (folder / CONCEPTS).open("ab") as file:
            file.write(b"\x00" * 10)
        assert error(folder).problem == "The line has zero bytes, the file is damaged"

    def test_mostly_short_rows(self, folder: Path) -> None:
        lines = (folder / DESCRIPTIONS).read_text().splitlines()
        cut = [lines[0], *(line.rsplit("\t", 1)[0] for line in lines[1:])]
        (folder / DESCRIPTIONS).write_text("\n".join(cut))
        caught = error(folder)
        count = len(lines) - 1
        assert (caught.line, caught.problem) == (
            2,
            f"{count} of {count} rows are faulty (wrong cell count in {count}, the first here)",
        )

    def test_a_file_alone(self, folder: Path) -> None:
        assert error(folder / CONCEPTS).problem.startswith("This is one file of a SNOMED CT release (RF2)")


class TestZips:
    def refused(self, path: Path, limits: ZipLimits | None = None) -> SourceError:
        with pytest.raises(SourceError) as caught, open_release(path, limits or ZipLimits()):
            pass
        return caught.value

    def test_cut_short(self, tmp_path: Path) -> None:
        path = small_release().zipped(tmp_path / "release.zip")
        path.write_bytes(path.read_bytes()[:-100])
        assert str(error(path)) == f"{path}: The zip is broken or cut short. Fetch it again."

    def test_damaged_inside(self, tmp_path: Path) -> None:
        path = small_release().zipped(tmp_path / "release.zip")
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            member = next(m for m in archive.infolist() if "Description" in m.filename)
        start = member.header_offset + 30 + len(member.filename)
        data[start + 40 : start + 60] = bytes(20)
        path.write_bytes(bytes(data))
        caught = error(path)
        assert "sct2_Description_Snapshot" in caught.path

    def test_encrypted(self, tmp_path: Path) -> None:
        path = small_release().zipped(tmp_path / "release.zip")
        data = bytearray(path.read_bytes())
        place = data.index(b"PK\x01\x02")
        flags = struct.unpack_from("<H", data, place + 8)[0]
        struct.pack_into("<H", data, place + 8, flags | 1)
        path.write_bytes(bytes(data))
        caught = error(path)
        assert (caught.problem, caught.remedy) == (
            "The file is encrypted",
            "Unpack the zip with its password and give the folder",
        )

    def test_too_deep(self, tmp_path: Path) -> None:
        inner = small_release().zipped(tmp_path / "0.zip")
        for depth in range(1, 4):
            outer = tmp_path / f"{depth}.zip"
            with zipfile.ZipFile(outer, "w") as archive:
                archive.write(inner, inner.name)
            inner = outer
            if depth < 3:
                assert strings(read_source(outer))
        assert error(inner).problem == "The zip lies more than 3 zips deep"

    def test_bombs(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("sct2_Concept_Snapshot_INT_20230131.txt", b"0" * 1_000_000)
        assert self.refused(path, ZipLimits(ratio=100, ratio_from=100_000)).problem.startswith(
            "The file is packed more"
        )
        assert self.refused(path, ZipLimits(size=100_000)).problem.startswith("The zip unpacks to more than")
        assert self.refused(path, ZipLimits(members=0)).problem == "The zip has more than 0 files"

    def test_nothing_is_written_outside(self, tmp_path: Path) -> None:
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        with zipfile.ZipFile(inner / "release.zip", "w") as archive:
            for name, text in small_release().texts().items():
                archive.writestr(f"../../{name}", text)
        before = sorted(tmp_path.rglob("*"))
        assert strings(read_source(inner / "release.zip"))
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_zip_of_other_things(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "book.zip", "w") as archive:
            archive.writestr("a.xml", "<a/>")
        assert "zip archive" in error(tmp_path / "book.zip").problem
