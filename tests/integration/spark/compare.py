"""The same steps on DuckDB, on PySpark in its own environment, and row by row against each other.

HEADWAY_SPARK_PYTHON=... python compare.py ROWS        both times, and whether all rows agree
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import ibis
import statement_log
from steps import records, steps


class Ended(Exception):
    """Spark, or what runs it, ended with an error."""


SIDES = ("duckdb", "spark")
HERE = Path(__file__).resolve().parent


def on_duckdb(folder: Path, dialect: str, logs: Mapping[str, Path]) -> dict[str, float]:
    """Write `folder`/STEP.parquet for each step and its log, or records.duckdb.jsonl; wall seconds by step."""
    took = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)  # Ibis calls it by its older name
        connection = ibis.duckdb.connect(threads=2, memory_limit="3GB", temp_directory=str(folder))
        for name, log in logs.items():
            start = time.perf_counter()
            table = connection.read_parquet(log)
            if name == "records":
                lines = [f"{line}\n" for line in records(table, dialect)]
                (folder / "records.duckdb.jsonl").write_text("".join(lines), encoding="utf-8")
            else:
                query = ibis.to_sql(steps(table, dialect)[name], dialect="duckdb")
                connection.raw_sql(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")
            took[name] = time.perf_counter() - start
        connection.disconnect()
    return took


def on_spark(python: str, folder: Path, dialect: str, logs: Mapping[str, Path], timeout: float) -> dict[str, float]:
    """Write `folder`/STEP/*.parquet for each step and its log; wall seconds by step, and of the session's start.

    Raises Ended with the end of what Spark said, and subprocess.TimeoutExpired.
    """
    asked = [f"{name}={log}" for name, log in logs.items()]
    said = folder / "spark.log"
    with said.open("w") as errors:  # a file: the Java process may outlive the reader of a pipe
        done = subprocess.run(
            [python, str(HERE / "on_spark.py"), str(folder), dialect, *asked],
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=timeout,
            check=False,
            cwd=folder,
        )
    if done.returncode:
        raise Ended(f"Spark ended with {done.returncode}: {said.read_text(errors='replace')[-3000:]}")
    times: dict[str, float] = json.loads(done.stdout)
    return times


def differences(folder: Path, name: str) -> tuple[int, list[tuple[str, tuple[object, ...]]]]:
    """How many rows DuckDB's result has, and the first rows that only one of the two has: ("duckdb", row), ...

    Rows are compared as they are, floats included, and as often as they occur.
    """
    ours, theirs = f"'{folder / name}.parquet'", f"'{folder / name}/*.parquet'"
    with duckdb.connect(config={"memory_limit": "3GB", "threads": 2, "temp_directory": str(folder)}) as connection:
        columns = [[c for (c, *_) in connection.execute(f"DESCRIBE FROM {side}").fetchall()] for side in (ours, theirs)]
        assert sorted(columns[0]) == sorted(columns[1]), f"columns differ: {columns}"
        listed = ", ".join(f'"{column}"' for column in columns[0])
        (rows,) = connection.execute(f"SELECT count(*) FROM {ours}").fetchone() or (0,)
        found: list[tuple[str, tuple[object, ...]]] = []
        for side, one, other in zip(SIDES, (ours, theirs), (theirs, ours), strict=True):
            query = f"SELECT {listed} FROM {one} EXCEPT ALL SELECT {listed} FROM {other} LIMIT 20"
            found += [(side, row) for row in connection.execute(query).fetchall()]
    return rows, found


def main(arguments: Sequence[str]) -> int:
    """Compare a log of so many rows, and print the times."""
    rows = int(arguments[0])
    with tempfile.TemporaryDirectory(prefix="headway-spark-") as place:
        folder = Path(place)
        logs = {"grouped": folder / "log.parquet"}
        statement_log.write(logs["grouped"], rows)
        ours = on_duckdb(folder, "spark", logs)["grouped"]
        theirs = on_spark(os.environ["HEADWAY_SPARK_PYTHON"], folder, "spark", logs, timeout=3600)
        count, found = differences(folder, "grouped")
    times = f"DuckDB {ours:.1f} s; Spark {theirs['grouped']:.1f} s, and {theirs['start']:.1f} s to start"
    lines = [f"{rows:,} statements, {count:,} groups: {times}; the rows {'differ' if found else 'are equal'}"]
    lines += [f"  only in {side}: {row}" for side, row in found]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
