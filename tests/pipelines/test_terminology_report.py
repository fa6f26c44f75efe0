"""Reports as pages: whole, escaped, without the network; and the commands that write them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from phenotext.nlp.terminology.build import compile_sources
from phenotext.nlp.terminology.diff import diff_terminologies
from phenotext.nlp.terminology.terminology import Terminology
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.report_files import check_reports
from phenotext.pipelines.report_page import long_list, table
from phenotext.pipelines.run import run
from phenotext.pipelines.run_changes import run_changes
from phenotext.pipelines.settings import Phi, Settings
from phenotext.pipelines.terminology_diff_html import diff_page
from phenotext.pipelines.terminology_diff_text import diff_summary
from phenotext.pipelines.terminology_html import build_page

from .conftest import SENTINEL, write_jsonl

HOSTILE = '<script>alert(1)</script> & "x" \'<b>'
HEADER = "code\tsystem\tterm\tpreferred\tkind"
Call = Callable[..., subprocess.CompletedProcess[str]]
VOID = {"meta", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """Checks that tags are closed in order; keeps tags, ids, links, texts and the cells of table rows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.cells: list[int] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.sources += [given["src"] or ""] if "src" in given else []
        if tag == "tr":
            self.cells.append(0)
        if tag in ("td", "th"):
            self.cells[-1] += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def source(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def check(html: str) -> Page:
    page = Page(html)
    assert "script" not in page.tags
    assert page.sources == []
    assert page.links
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "http://" not in html.replace("http-equiv", "")
    assert "prefers-color-scheme: dark" in html
    return page


def test_build_page_is_whole_and_escaped(tmp_path: Path) -> None:
    path = source(
        tmp_path,
        "a<b>.tsv",
        f"A1\tLocal\t{HOSTILE}\t{HOSTILE}\t",
        f"A2\tLocal\t{HOSTILE}\t{HOSTILE}\t",
        "A3\tLocal\t<12>\t<12>\t",
        "195967002\tSNOMED\tasthma\tasthma\t",
        "A4\tLocal\tALL\tAcute <lymphoid>\tabbreviation",
    )
    overrides = tmp_path / "ours.tsv"
    overrides.write_text("action\tcode\tsystem\tterm\nadd\tA5\tLocal\t<u>funny</u>\nsuppress\t\t\t<gone>\n")
    _, report = compile_sources([path], overrides=overrides, findings=True, name=HOSTILE)
    report.sources[0].notices.append("<notice>")
    html = build_page(report)
    page = check(html)
    for text in (HOSTILE, "<12>", "Acute <lymphoid>", "<u>funny</u>", "<notice>", "a<b>.tsv:5", "<gone>"):
        assert text in page.text, text
    assert "SNOMED ids end in a check digit" in page.text
    assert page.ids == ["sources", "rules", "content", "overrides", "ambiguous", "doubtful", "acronyms", "retired",
                        "names", "relations", "without-terms"]  # fmt: skip
    assert build_page(report) == html


def test_a_build_without_findings_has_a_page_too(tmp_path: Path) -> None:
    _, report = compile_sources([source(tmp_path, "a.tsv")])
    page = check(build_page(report))
    assert "The terminology is empty" in page.text
    assert "ambiguous" not in page.ids


def test_tables_have_as_many_cells_as_headers() -> None:
    page = Page(table(("a", "b"), [("x<", 1_234), ("y", 5)]))
    assert page.cells == [2, 2, 2]
    assert "1,234" in page.text
    assert "No rows." in long_list(0, ("a",), [], "rows")
    assert "5,000 rows, the first 1 shown" in long_list(5_000, ("a",), [("x",)], "rows")


def test_reports_are_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"\.html or in \.json"):
        check_reports([tmp_path / "report.pdf"])
    (tmp_path / "r.html").mkdir()
    with pytest.raises(RunError, match="is a folder"):
        check_reports([tmp_path / "r.html"])
    with pytest.raises(RunError, match="named twice"):
        check_reports([tmp_path / "a.json", tmp_path / "a.json"])
    with pytest.raises(RunError, match="named twice"):
        check_reports([tmp_path / "t.json"], tmp_path / "t.json")


def test_build_command_writes_both_reports(tmp_path: Path, phenotext: Call) -> None:
    path = source(tmp_path, "a.tsv", "A1\tLocal\tAsthma\tAsthma\t", "B1\tLocal\tAsthma\tWheeze\t")
    overrides = tmp_path / "ours.tsv"
    overrides.write_text("action\tcode\tsystem\tterm\nprefer\tB1\tLocal\tasthma\n")
    out, html, document = tmp_path / "t.ptx", tmp_path / "new" / "r.html", tmp_path / "r.json"
    done = phenotext("terminology", "build", "--source", path, "--out", out, "--overrides", overrides,
                     "--report", html, "--report", document)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "overrides: 1 lines, 1 applied" in done.stdout
    assert "chosen before A1 Asthma" in check(html.read_text(encoding="utf-8")).text
    report = json.loads(document.read_bytes())
    assert report["overrides"][0]["state"] == "applied"
    assert report["findings"]["ambiguous"]["shown"][0]["decided_by"] == "override"
    overrides.write_text("action\tcode\tsystem\tterm\nprefer\tB1\tLocal\t\n")
    done = phenotext("terminology", "build", "--source", path, "--out", out, "--overrides", overrides)
    assert done.returncode == 2
    assert "ours.tsv:2: prefer needs term" in done.stderr


OLD = ["A1\tLocal\tasthma\tasthma\t", "B1\tLocal\tcroup\tcroup\t", "C1\tLocal\tpneumonia\tpneumonia\t",
       "D1\tLocal\tchest pain\tchest pain\t", "E1\tLocal\tbreast cancer\tbreast cancer\t"]  # fmt: skip
NEW = ["A1\tLocal\twheezing disease\twheezing disease\t", "B1\tLocal\tcroup\tcroup\t", "B1\tLocal\tasthma\tcroup\t",
       f"F1\tLocal\t{HOSTILE}\t{HOSTILE}\t", "D1\tLocal\tthorax pain\tthorax pain\t",
       "E1\tLocal\tbreast cancer\tbreast cancer\t"]  # fmt: skip


@pytest.fixture
def releases(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "old.ptx", tmp_path / "new.ptx"
    for path, rows in zip(paths, (OLD, NEW), strict=True):
        compile_sources([source(tmp_path, f"{path.stem}.tsv", *rows)], path)
    return paths


def a_run(folder: Path, terminology: Path, phi: Phi = "full") -> Path:
    key = folder / "key"
    key.write_text("0123456789abcdef" * 3)
    notes = [
        {"note_id": f"n{i}", "patient_id": f"p{i % 2}", "note_time": "2021-01-10", "text": f"{text} {SENTINEL}"}
        for i, text in enumerate(
            ["Asthma. Pneumonia.", "No asthma.", "Asthma. Asthma.", "Chest pain.", "Breast cancer. Croup."]
        )
    ]
    run(
        Settings(
            write_jsonl(folder / "notes.jsonl", notes), folder / "out", terminology=terminology, phi=phi, id_key=key
        )
    )
    return folder / "out"


def test_mentions_of_a_run_that_a_release_concerns(tmp_path: Path, releases: tuple[Path, Path]) -> None:
    old, new = map(Terminology.open, releases)
    changes = diff_terminologies(old, new)
    found = run_changes(a_run(tmp_path, releases[0]), old, new, changes)
    assert (found.mentions, found.concerned, found.unknown_code) == (8, 6, 0)
    assert found.same_terminology
    assert found.strings_known
    rows = [(r.change, r.code.code, r.now.code if r.now else None, r.mentions, r.patients) for r in found.rows.shown]
    assert rows == [("moved", "A1", "B1", 4, 2), ("not_found", "D1", None, 1, 1), ("removed", "C1", None, 1, 1)]
    page = check(diff_page(changes, [], found))
    assert "6 of 8 mentions are concerned" in page.text
    assert SENTINEL not in page.text
    other = run_changes(tmp_path / "out", new, old, diff_terminologies(new, old))
    assert not other.same_terminology
    assert other.unknown_code == 1
    with pytest.raises(RunError, match="no finished run"):
        run_changes(tmp_path / "nowhere", old, new, changes)


def test_a_run_without_strings_is_compared_by_code(tmp_path: Path, releases: tuple[Path, Path]) -> None:
    old, new = map(Terminology.open, releases)
    changes = diff_terminologies(old, new)
    found = run_changes(a_run(tmp_path, releases[0], phi="minimal"), old, new, changes)
    assert not found.strings_known
    assert [(row.change, row.code.code) for row in found.rows.shown] == [("removed", "C1")]
    assert "only codes are compared" in diff_summary(changes, [], found)


def test_diff_command(tmp_path: Path, releases: tuple[Path, Path], phenotext: Call) -> None:
    codes = tmp_path / "lung.csv"
    codes.write_text("code,system,term\nA1,Local,asthma\nC1,Local,pneumonia\n")
    html, document = tmp_path / "d.html", tmp_path / "d.json"
    done = phenotext("terminology", "diff", *releases, "--concept-set", codes, "--run", a_run(tmp_path, releases[0]),
                     "--report", html, "--report", document)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "moved: asthma: A1 wheezing disease -> B1 croup" in done.stdout or "moved: asthma: A1 asthma" in done.stdout
    assert "removed: C1 pneumonia" in done.stdout
    page = check(html.read_text(encoding="utf-8"))
    assert HOSTILE in page.text
    assert page.ids == ["phenotypes", "run", "moved", "codes", "names", "terms", "parents"]
    report = json.loads(document.read_bytes())
    [change] = report["concept_sets"]
    assert change["lost"]["shown"][0]["why"] == "removed"
    assert [row["string"] for row in change["strings_out"]["shown"]] == ["asthma"]
    assert report["run"]["concerned"] == 6
    assert report["moved"]["shown"][0]["how"] == "moved"
    first = document.read_bytes(), html.read_bytes()
    phenotext("terminology", "diff", *releases, "--concept-set", codes, "--run", tmp_path / "out",
              "--report", html, "--report", document)  # fmt: skip
    assert (document.read_bytes(), html.read_bytes()) == first
    done = phenotext("terminology", "diff", releases[0], tmp_path / "none.ptx")
    assert done.returncode == 2
    assert "no such file" in done.stderr
