"""What `usage` asks of the place where a history lives comes out of Spark as it comes out of DuckDB.

PySpark, with what Headway needs beside it, is in an environment of its own, named by HEADWAY_SPARK_PYTHON.
"""

from __future__ import annotations

import os
from pathlib import Path

import compare
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statement_log

pytestmark = pytest.mark.integration

ROWS = 200_000
FEW = 3_000
SECONDS = 300

PECULIAR: dict[str, tuple[str, str]] = {
    # text: what DuckDB makes of it, what Spark makes of it
    "SELECT ÄÖÜ FROM É": ("select äöü from é", "select äöü from é"),
    "SELECT İ FROM ΑΣ": ("select i from \u03b1\u03c3", "select i\u0307 from \u03b1\u03c2"),
}
"""Capital letters outside ASCII; for some of them Java has more rules. A history has one engine, so its keys agree."""
NAMES = ("select n from menü1", "select n from menü2")
"""Statements that read different tables."""


@pytest.fixture(scope="module")
def python() -> str:
    named = os.environ.get("HEADWAY_SPARK_PYTHON")
    if named:
        return named
    reason = "HEADWAY_SPARK_PYTHON does not name the Python that has PySpark (make integration sets it)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def results(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what both engines made of the same logs, in one session of Spark."""
    folder = tmp_path_factory.mktemp("spark")
    logs = {name: folder / f"{name}-log.parquet" for name in ("grouped", "normal", "records")}
    statement_log.write(logs["grouped"], ROWS)
    statement_log.write(logs["records"], FEW)
    texts(logs["normal"], [*NAMES, *PECULIAR, *statement_log.templates()])
    compare.on_duckdb(folder, "spark", logs)
    compare.on_spark(python, folder, "spark", logs, timeout=SECONDS)
    return folder


def texts(target: Path, given: list[str]) -> None:
    """A log in which each text ran once."""
    started = pa.array(range(len(given)), pa.int64()).cast(pa.timestamp("us"))
    pq.write_table(pa.table({"started": started, "text": given}), target)


def test_sums_are_the_same_row_for_row(results: Path) -> None:
    rows, found = compare.differences(results, "grouped")
    assert not found, "\n".join(map(str, found))
    assert rows > ROWS / 10
    summed = pq.read_table(results / "grouped.parquet", columns=["queries"])["queries"].to_pylist()
    assert sum(summed) == ROWS


def test_normal_texts_are_the_same_but_for_known_letters(results: Path) -> None:
    rows, found = compare.differences(results, "normal")
    assert rows == len(NAMES) + len(PECULIAR) + len(statement_log.templates())
    assert {(side, row) for side, row in found if row[0] not in NAMES} == {
        (side, (text, normal))
        for text, normals in PECULIAR.items()
        for side, normal in zip(compare.SIDES, normals, strict=True)
        if len(set(normals)) > 1
    }


@pytest.mark.parametrize("side", compare.SIDES)
def test_tables_with_letters_outside_ascii_are_told_apart(results: Path, side: str) -> None:
    made = pq.read_table(results / ("normal.parquet" if side == "duckdb" else "normal")).to_pylist()
    assert len({row["normal"] for row in made if row["text"] in NAMES}) == len(NAMES)


def test_long_statements_end_no_engine(python: str, tmp_path: Path) -> None:
    logs = {"normal": tmp_path / "log.parquet"}
    hostile = statement_log.hostile()
    texts(logs["normal"], hostile)
    compare.on_duckdb(tmp_path, "spark", logs)
    compare.on_spark(python, tmp_path, "spark", logs, timeout=SECONDS)
    rows, found = compare.differences(tmp_path, "normal")
    assert (rows, found) == (len(hostile), [])


def test_records_are_the_same(results: Path) -> None:
    ours = (results / "records.duckdb.jsonl").read_text(encoding="utf-8").splitlines()
    theirs = (results / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(set(ours) ^ set(theirs)) == []
    assert ours == theirs
    assert sum(line.startswith('["Observation"') for line in ours) > FEW / 10
