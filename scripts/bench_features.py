"""How fast features are computed, and how much memory that takes, on events made from a formula.

    python scripts/bench_features.py                                  2 M events of 20,000 patients, in memory
    python scripts/bench_features.py --events 100000000 --subjects 1000000 --memory 8GB --out-of-core

All analyses are computed, values and roll-ups with them. Half of the events are from notes; concepts are skewed, as in
life: the commonest hundred make up a third. With --out-of-core the events are Parquet files, ordered by patient as a
run writes them, and the features are written to a file.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from phenotext.nlp.tables import FEATURE
from phenotext.pipelines.database import Database, connect, quoted
from phenotext.pipelines.durable import write_table
from phenotext.pipelines.features import feature_batches, load_analyses

CHUNK = 5_000_000
_EVENTS = """
SELECT
    CAST(i * {subjects} // {events} AS BIGINT)                              AS subject_id,
    i                                                                       AS event_id,
    1000 + CAST(floor(pow((hash(i * 13) % 100000) / 100000.0, 3) * 3000) AS BIGINT) AS base_concept_id,
    CASE WHEN i % 2 = 0 THEN 'note' WHEN i % 10 = 1 THEN 'ehr' ELSE 'claims' END AS source,
    CASE WHEN i % 2 = 0 AND i % 6 = 0 THEN 'absent' WHEN i % 2 = 0 AND i % 14 = 2 THEN 'possible' ELSE 'present' END
                                                                            AS assertion,
    CASE hash(i * 13) % 4 WHEN 0 THEN 'Drug' WHEN 1 THEN 'Procedure' ELSE 'Condition' END AS domain,
    CAST(CASE WHEN i % 20 = 1 THEN (hash(i) % 1000) / 10.0 END AS FLOAT)    AS numeric_value,
    TIMESTAMP '2018-01-01' + to_days(CAST(hash(i * 17) % 1400 AS INTEGER))  AS clinical_time,
    TIMESTAMP '2018-01-04' + to_days(CAST(hash(i * 17) % 1400 AS INTEGER))  AS available_time
FROM range({first}, {last}) t(i)
"""


def fill(database: Database, events: int, subjects: int, folder: Path | None) -> None:
    """`event` in memory, or as files in `folder`; `note`, `cohort` and `rollup`."""
    ranges = [(first, min(first + CHUNK, events)) for first in range(0, events, CHUNK)]
    queries = [_EVENTS.format(subjects=subjects, events=events, first=first, last=last) for first, last in ranges]
    if folder is None:
        database.execute("CREATE TABLE event AS " + " UNION ALL ".join(queries))
    else:
        for place, query in enumerate(queries):
            path = folder / f"{place:04d}.parquet"
            if not path.is_file():
                database.execute(f"COPY ({query}) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd)")
        database.execute(f"CREATE VIEW event AS SELECT * FROM read_parquet({quoted(folder / '*.parquet')})")
    database.execute(
        "CREATE TABLE note AS SELECT subject_id, event_id AS note_id, clinical_time AS note_time, available_time "
        "FROM event WHERE event_id % 20 = 0"
    )
    database.execute(
        "CREATE TABLE cohort AS SELECT i AS row_id, i AS subject_id, TIMESTAMP '2021-06-01' AS prediction_time, "
        f"CAST(NULL AS TIMESTAMP) AS observation_start FROM range(CAST({subjects} AS BIGINT)) t(i)"
    )
    database.execute(
        "CREATE TABLE rollup AS SELECT 1000 + i // 30 AS rollup_base_concept_id, 1000 + i AS member_base_concept_id "
        "FROM range(CAST(300 AS BIGINT)) t(i)"
    )


def measure(database: Database, out: Path | None) -> tuple[int, float]:
    """Feature rows, and the seconds they took."""
    began = time.perf_counter()
    rows = (
        sum(batch.num_rows for batch in feature_batches(database))
        if out is None
        else write_table(out, FEATURE, feature_batches(database))
    )
    return rows, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--subjects", type=int, default=20_000)
    parser.add_argument("--memory", default=None, help="limit of the database, as in 8GB")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out-of-core", action="store_true")
    parser.add_argument("--folder", type=Path, default=None, help="where the files go (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        database = connect(folder / "spill")
        if options.memory:
            database.execute(f"SET memory_limit = '{options.memory}'")
        if options.threads:
            database.execute(f"SET threads = {options.threads}")
        events = folder / "event"
        events.mkdir()
        fill(database, options.events, options.subjects, events if options.out_of_core else None)
        load_analyses(database, -1)
        for _ in range(1 if options.out_of_core else options.rounds):
            spent = time.process_time()
            rows, seconds = measure(database, folder / "feature.parquet" if options.out_of_core else None)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            spent = time.process_time() - spent
            print(
                f"{options.events:,} events, {options.subjects:,} patients: {rows:,} features in {seconds:.1f} s "
                f"({spent:.1f} CPU s), peak {peak:.2f} GB resident",
                flush=True,
            )


if __name__ == "__main__":
    main()
