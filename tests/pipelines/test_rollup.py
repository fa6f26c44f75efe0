"""Roll-ups: features of ancestors and concept sets, counted by hand; denials and conditions never roll up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from phenotext.nlp.tables import ROLLUP
from phenotext.nlp.terminology.compile import compile_terminology
from phenotext.nlp.terminology.rows import ConceptRow, Relations, TermVariant
from phenotext.pipelines import features, sql
from phenotext.pipelines.concepts import LOCAL_BASE, Registry
from phenotext.pipelines.errors import RunError
from phenotext.pipelines.feature_request import FeatureRequest, make_features
from phenotext.pipelines.leaks import check_leaks
from phenotext.pipelines.registry import read_registry
from phenotext.pipelines.rollups import SET_BASE, read_rollups, rollup_table
from phenotext.pipelines.run import RunResult, run
from phenotext.pipelines.settings import Settings

from .conftest import many_notes, rows, table_bytes, write_jsonl

NAMES = {
    "64572001": "Disease",
    "19829001": "Disorder of lung",
    "195967001": "Asthma",
    "233604007": "Pneumonia",
    "38341003": "Hypertension",
    "29857009": "Chest pain",
    "254837009": "Breast cancer",
    "386661006": "Fever",
}
ISA = [
    ("19829001", "64572001"), ("195967001", "19829001"), ("233604007", "19829001"), ("38341003", "64572001"),
    ("254837009", "64572001"),
]  # fmt: skip
ROLLUPS = """
rollups:
  - name: Lung disease        # one concept with its descendants: the concept's own id
    concepts: 19829001
  - name: Pain or fever
    concepts: "29857009 |Chest pain| OR 386661006"
    comment: a set of its own
  - name: A disease but no lung
    concepts: "<< 64572001 MINUS << 19829001"
"""
NOTES = [
    ("2021-05-22", "Patient has asthma."),
    ("2021-05-22", "Patient has pneumonia and asthma. Fever."),
    ("2021-05-27", "No asthma. Return if pneumonia develops. Denies chest pain."),
    ("2021-05-30", "Disorder of lung. Mother had asthma."),
    ("2021-03-01", "Possible pneumonia."),
    ("2020-01-01", "Asthma."),
    ("2021-05-31", "Hypertension."),
    ("2021-07-01", "Pneumonia."),  # after the prediction
]
CLAIMS = (
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_source_value,paid_date\n"
    "1,ada,0,2021-01-12,J45.20,2021-02-01\n"
    "2,ada,0,2021-01-12,J18.9,2021-02-01\n"
    "3,ada,0,2021-05-20,J18.9,2021-05-21\n"
    "4,ada,0,2021-05-25,J18.9,2021-08-01\n"  # paid after the prediction
)


@pytest.fixture(scope="module")
def terminology(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("terminology") / "small.ptx"
    compile_terminology(
        [ConceptRow(code, "SNOMED", name, "disorder") for code, name in NAMES.items()],
        [TermVariant(code, "SNOMED", name, False, "preferred", 0) for code, name in NAMES.items()],
        path,
        name="small",
        relations=Relations(isa=[("SNOMED", child, parent) for child, parent in ISA]),
    )
    return path


def registry_of(path: Path) -> Registry:
    from phenotext.nlp.terminology.terminology import Terminology

    return Registry(Terminology.open(path))


@pytest.fixture(scope="module")
def rolled(terminology: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("rolled")
    notes = [
        {"note_id": f"n{i}", "patient_id": "ada", "note_time": f"{day}T10:00:00", "available_time": f"{day}T11:00:00",
         "text": text}
        for i, (day, text) in enumerate(NOTES)
    ]  # fmt: skip
    (folder / "rollups.yaml").write_text(ROLLUPS)
    (folder / "cohort.csv").write_text("patient_id,prediction_time\nada,2021-06-01\n")
    (folder / "claims").mkdir()
    (folder / "claims" / "condition_occurrence.csv").write_text(CLAIMS)
    return run(
        Settings(
            write_jsonl(folder / "n.jsonl", notes),
            folder / "out",
            terminology=terminology,
            claims=folder / "claims",
            cohort=folder / "cohort.csv",
            rollup=folder / "rollups.yaml",
        )
    )


def values(out: Path) -> dict[str, float]:
    names = {row["covariate_id"]: row["feature_name"] for row in rows(out, "covariate_ref")}
    return {names[row["covariate_id"]]: row["covariate_value"] for row in rows(out, "feature")}


def test_features_counted_by_hand(rolled: RunResult) -> None:
    found = {name: value for name, value in values(rolled.out).items() if "rollup" in name}
    lung, pain, other = "snomed_19829001", "set_pain_or_fever", "set_a_disease_but_no_lung"
    expected: dict[str, float] = {}
    # lung disease present: 22 May (two notes, one day), 30 May, and 1 January of the year before
    for window, count in (("any", 3), ("365d", 2), ("180d", 2), ("30d", 2)):
        expected |= {
            f"note_rollup_{lung}_present_{window}_binary": 1,
            f"note_rollup_{lung}_present_{window}_count": count,
            f"note_rollup_{lung}_present_{window}_recency": 2,
            f"note_rollup_{lung}_family_{window}_binary": 1,
            f"note_rollup_{lung}_family_{window}_count": 1,
            f"note_rollup_{lung}_family_{window}_recency": 2,
            f"note_rollup_{pain}_present_{window}_binary": 1,
            f"note_rollup_{pain}_present_{window}_count": 1,
            f"note_rollup_{pain}_present_{window}_recency": 10,
            f"note_rollup_{other}_present_{window}_binary": 1,
            f"note_rollup_{other}_present_{window}_count": 1,
            f"note_rollup_{other}_present_{window}_recency": 1,
        }
    for window in ("any", "365d", "180d"):
        expected |= {
            f"note_rollup_{lung}_possible_{window}_binary": 1,
            f"note_rollup_{lung}_possible_{window}_count": 1,
            f"note_rollup_{lung}_possible_{window}_recency": 92,
        }
    # claims: 12 January (two lines, one day) and 20 May; what was paid later is not known yet
    for window, count in (("any", 2), ("365d", 2), ("180d", 2), ("30d", 1)):
        expected |= {
            f"claims_rollup_{lung}_{window}_binary": 1,
            f"claims_rollup_{lung}_{window}_count": count,
            f"claims_rollup_{lung}_{window}_recency": 12,
        }
    assert found == expected


def test_denials_and_conditions_are_facts_but_never_roll_up(rolled: RunResult) -> None:
    assertions = {event["assertion"] for event in rows(rolled.out, "event")}
    assert {"absent", "hypothetical"} <= assertions
    assert values(rolled.out)["note_snomed_195967001_absent_30d_binary"] == 1
    registry = read_registry().to_pylist()
    assert not [
        row for row in registry if row["series"].startswith("rollup") and row["assertion"] in ("absent", "hypothetical")
    ]
    used = {row["analysis_id"] for row in rows(rolled.out, "covariate_ref")}
    assert not used & {*range(729, 741), *range(777, 789)}


def test_a_registry_with_absent_rollups_would_not_help(rolled: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """The query itself leaves them out, whatever the registry says."""
    import duckdb
    import pyarrow as pa

    table = read_registry()
    names = table.column("series").to_pylist()
    column = [
        "absent" if name == "rollup_note_present" else value
        for name, value in zip(names, table.column("assertion").to_pylist(), strict=True)
    ]
    changed = table.set_column(table.column_names.index("assertion"), "assertion", pa.array(column))
    monkeypatch.setattr(features, "read_registry", lambda: changed)
    database = duckdb.connect()
    for name, path in (
        ("event", "data/*/*.parquet"),
        ("note", "note.parquet"),
        ("cohort", "cohort.parquet"),
        ("rollup", "rollup.parquet"),
    ):
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{rolled.out / path}')")
    features.load_analyses(database, -1)
    features.compute_features(database)
    ids = {row[0] % 1000 for row in database.execute("SELECT covariate_id FROM feature").fetchall()}
    assert not ids & set(range(717, 741))
    assert ids & set(range(765, 777))  # family history still rolls up


def test_ids_follow_the_formula(rolled: RunResult) -> None:
    analyses = {row["analysis_id"]: row for row in rows(rolled.out, "analysis_ref")}
    assertions = ["present", "absent", "possible", "historical", "family", "hypothetical"]
    windows = [("any", None), ("365d", -365), ("180d", -180), ("30d", -30)]
    for w, (window, start) in enumerate(windows):
        for g, agg in enumerate(["binary", "count", "recency"]):
            for a, assertion in enumerate(assertions):
                number = 717 + 12 * a + 3 * w + g
                if assertion in ("absent", "hypothetical"):
                    assert number not in analyses
                    continue
                row = analyses[number]
                assert (row["assertion"], row["window"], row["start_day"], row["agg"], row["source"]) == (
                    assertion, window, start, agg, "note",
                )  # fmt: skip
            for base, source in ((861, "claims"), (873, "ehr")):
                row = analyses[base + 3 * w + g]
                assert (row["source"], row["window"], row["agg"]) == (source, window, agg)
    for row in rows(rolled.out, "covariate_ref"):
        assert row["covariate_id"] < 2**53
        if row["source"] != "person":  # age, year and month are no concepts
            assert row["covariate_id"] == row["concept_id"] * 1000 + row["analysis_id"]


def test_names_and_codes_of_the_rollups(rolled: RunResult, terminology: Path) -> None:
    references = {
        row["concept_id"]: row for row in rows(rolled.out, "covariate_ref") if "rollup" in row["feature_name"]
    }
    lung = registry_of(terminology).find("SNOMED", "19829001")
    assert references.keys() == {lung, SET_BASE, SET_BASE + 1}
    assert references[lung]["code"] == "SNOMED/19829001"
    # ranks by name: "A disease but no lung" before "Pain or fever"
    assert references[SET_BASE]["code"] == "SET/a_disease_but_no_lung"
    assert references[SET_BASE + 1]["covariate_name"].endswith(": Pain or fever")
    table = pq.read_table(rolled.out / "rollup.parquet")
    assert table.schema.remove_metadata().equals(ROLLUP.remove_metadata())
    members = {row["member_base_concept_id"] for row in table.to_pylist() if row["rollup_base_concept_id"] == lung}
    assert members == {registry_of(terminology).find("SNOMED", code) for code in ("19829001", "195967001", "233604007")}
    counts = rolled.document["counts"]["rollups"]
    assert counts["Lung disease"] == {"concepts": "19829001", "base_concept_id": lung, "members": 3}
    assert rolled.document["identity"]["rollup"]
    assert "rollup.parquet" in rolled.document["files"]


def test_leaks_are_looked_for_in_rollups(rolled: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = check_leaks(rolled.out)
    assert all(check.identical for check in checks)
    assert all(check.later_rows for check in checks)
    honest = sql.read_sql("known_event")
    condition = "AND e.available_time <= c.prediction_time"
    assert condition in honest
    leaking = honest.replace(condition, "").replace("<= h.end_day", "<= h.end_day + 100000")
    monkeypatch.setattr(features, "read_sql", lambda name: leaking if name == "known_event" else sql.read_sql(name))
    assert not any(check.identical for check in check_leaks(rolled.out) if check.name == "deletion")


def test_rolled_up_later_from_a_run_without(rolled: RunResult, terminology: Path, tmp_path: Path) -> None:
    folder = rolled.out.parent
    plain = run(
        Settings(
            folder / "n.jsonl",
            tmp_path / "plain",
            terminology=terminology,
            claims=folder / "claims",
            cohort=folder / "cohort.csv",
        )
    )
    result = make_features(FeatureRequest(plain.out, tmp_path / "f", rollup=folder / "rollups.yaml", check_leaks=True))
    assert all(leak.identical for leak in result.leaks)
    for name in ("feature", "covariate_ref", "analysis_ref", "rollup"):
        assert (tmp_path / "f" / f"{name}.parquet").read_bytes() == (rolled.out / f"{name}.parquet").read_bytes()
    again = make_features(FeatureRequest(rolled.out, tmp_path / "g"))  # a run's own roll-ups are the default
    assert (tmp_path / "g" / "feature.parquet").read_bytes() == (rolled.out / "feature.parquet").read_bytes()
    assert again.document["counts"]["rollups"] == result.document["counts"]["rollups"]


def test_same_bytes_with_one_and_two_processes(terminology: Path, tmp_path: Path) -> None:
    notes = write_jsonl(tmp_path / "n.jsonl", many_notes(300))
    rollup = tmp_path / "r.tsv"
    rollup.write_text('name\tconcepts\nall\t64572001\n"lungs" only\t<< 19829001 MINUS 19829001\n')
    outs = []
    for processes in (1, 2):
        result = run(
            Settings(
                notes,
                tmp_path / f"out{processes}",
                terminology=terminology,
                rollup=rollup,
                processes=processes,
                tags=("disorder",),
                concepts="*",
                shard_notes=50,
            )
        )
        outs.append(table_bytes(result.out))
        assert any("rollup_set_lungs_only_present" in name for name in values(result.out))
    assert outs[0] == outs[1]


def test_a_run_with_other_rollups_is_another_run(terminology: Path, notes_file: Path, tmp_path: Path) -> None:
    def settings(rollup: str, **options: Any) -> Settings:
        path = tmp_path / "r.csv"
        path.write_text(f"name,concepts\n{rollup}\n")
        return Settings(notes_file, tmp_path / "out", terminology=terminology, rollup=path, **options)

    run(settings("lung,19829001"))
    assert run(settings("lung,19829001")).already_complete
    with pytest.raises(RunError, match="differs in the roll-ups"):
        run(settings("disease,64572001"))
    with pytest.raises(RunError, match=r"differs in the options \(concepts, tags\)"):
        run(settings("lung,19829001", concepts="*", tags=("disorder",)))
    filtered = run(settings("lung,19829001", concepts="195967001", overwrite=True))
    assert {row["code"] for row in rows(filtered.out, "evidence")} == {"SNOMED/195967001"}
    assert filtered.document["identity"]["options"]["concepts"] == "195967001"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.tsv", "name\tconcepts\nx\t\n", r"r\.tsv:2: no concepts; give name and concepts"),
        ("r.tsv", "name\tcode\nx\t1\n", "no column concepts"),
        ("r.tsv", "name\tconcepts\n", "no roll-up in this file"),
        (
            "r.tsv",
            "name\tconcepts\nx\t<< 64572001 AND\n",
            r"r\.tsv:2: ECL, character 16: the expression ends too early",
        ),
        ("r.tsv", "name\tconcepts\nx\t73211009\n", r"r\.tsv:2: SNOMED 73211009: not found; correct the code"),
        ("r.tsv", "name\tconcepts\nx\t73211008\n", r"check digit"),
        ("r.tsv", "name\tconcepts\nx\t< 386661006\n", "no concept of the terminology is in this set"),
        ("r.tsv", "name\tconcepts\nx y\t386661006\nX-y\t29857009\n", r"r\.tsv:3: the name 'X-y' is also that of .*:2"),
        ("r.tsv", "name\tconcepts\na\t386661006\nb\t<< 386661006\n", r"SNOMED/386661006 also stands in .*:2"),
        ("r.tsv", "name\tconcepts\n--\t386661006\n", "no letter or digit"),
        ("r.yaml", "rollups: 3\n", "no list of roll-ups"),
        ("r.yaml", "rollups:\n - name: a\n   concepts: 1.9e+8\n", "entry 1: concepts is no text and no code"),
        ("r.yaml", "rollups:\n - nam: a\n", "entry 1: not an entry of name and concepts"),
        ("r.yaml", "rollups: [\n", "this is no YAML"),
        ("r.txt", "", r"\.txt is not read"),
    ],
)
def test_faulty_files(terminology: Path, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RunError, match=message):
        read_rollups(tmp_path / name, registry_of(terminology))


def test_without_a_hierarchy_rollups_are_refused(notes_file: Path, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("name,concepts\nasthma,195967001\n")
    with pytest.raises(RunError, match=r"r\.csv:2: terminology phenotext-starter has no is-a hierarchy; build it from"):
        run(Settings(notes_file, tmp_path / "out", rollup=tmp_path / "r.csv"))
    assert not (tmp_path / "out").exists()
    (tmp_path / "r.csv").write_text("name,concepts\nlungs,195967001 OR 233604007\n")  # a plain list needs none
    assert values(run(Settings(notes_file, tmp_path / "out", rollup=tmp_path / "r.csv")).out)[
        "note_rollup_set_lungs_possible_any_binary"
    ]


def test_no_rollups(finished: RunResult) -> None:
    assert not (finished.out / "rollup.parquet").exists()
    assert not [name for name in values(finished.out) if "rollup" in name]
    assert rollup_table([]).num_rows == 0
    assert LOCAL_BASE < SET_BASE < 2**53 // 1000


def test_command(
    phenotext: Callable[..., subprocess.CompletedProcess[str]], terminology: Path, notes_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.yaml").write_text(ROLLUPS)
    out = tmp_path / "out"
    done = phenotext(
        "run", notes_file, "--out", out, "--terminology", terminology, "--rollup", tmp_path / "r.yaml",
        "--tags", "disorder", "--concepts", "<< 64572001",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads((out / "run.json").read_bytes())
    assert document["identity"]["options"]["tags"] == ["disorder"]
    assert set(document["counts"]["rollups"]) == {"Lung disease", "Pain or fever", "A disease but no lung"}
    assert "note_rollup_snomed_19829001_present_any_count" in values(out)
    assert phenotext("check-leaks", out).returncode == 0
