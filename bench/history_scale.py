"""What a year of a busy warehouse costs to count: rows that say which table was read, added up by table and day.

    python -m bench.history_scale make 100000000          write the rows as Parquet, once, and print their folder
    python -m bench.history_scale aggregate FOLDER        queries, seconds and people by table and day, into Parquet
    python -m bench.history_scale exact FOLDER            the same, people counted exactly
    python -m bench.history_scale floor FOLDER            only read the four columns

A row is one table that one statement read: `day` (DATE), `table` and `user` (texts), `seconds` (DOUBLE). There are
20,000 tables, 5,000 users and 180 days; few tables and few users have most of the rows. Each run is held to
MEMORY, may spill into the folder, and checks that no row was lost.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench import generate

if TYPE_CHECKING:
    import duckdb

TABLES, USERS, DAYS = 20_000, 5_000, 180
MEMORY = "2GB"
"""DuckDB's own limit; what the process takes besides it is measured, not limited."""
THREADS = 2
ROW_GROUP = 1_000_000


def make(rows: int) -> Path:
    """`rows.parquet` with this many rows (about 7 bytes each), the same ones at each call."""
    path = generate.folder("history", rows)
    if generate.finished(path):
        return path
    path.mkdir(parents=True, exist_ok=True)
    target = path / "rows.parquet"
    # the cube of a uniform number: half of the rows fall on an eighth of the tables
    query = f"""
        WITH raw AS (
            SELECT i, hash(i) % 1000003 / 1000003.0 AS a, hash(i + 1000000007) % 1000003 / 1000003.0 AS b
            FROM range({int(rows)}) AS r (i)
        )
        SELECT
            DATE '2026-05-01' + (i * {DAYS} // {int(rows)})::INTEGER AS day,
            'analytics.mart_' || (floor(a * a * a * {TABLES})::INTEGER % 40) || '.table_'
                || floor(a * a * a * {TABLES})::INTEGER AS "table",
            'user_' || floor(b * b * {USERS})::INTEGER AS "user",
            (hash(i + 2000000011) % 30000) / 1000.0 AS seconds
        FROM raw
    """
    with _connection(path) as connection:
        connection.execute(
            f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
    generate.finish(path)
    return path


def aggregate(folder: str, people: str = 'approx_count_distinct("user")') -> None:
    """Queries, seconds, people and the last day of use by table and day, written as Parquet."""
    path = Path(folder)
    with _connection(path) as connection:
        connection.execute(
            f"""COPY (
                SELECT "table", day, count(*) AS queries, sum(seconds) AS seconds, {people} AS people
                FROM '{path / "rows.parquet"}' GROUP BY "table", day
            ) TO '{path / "result.parquet"}' (FORMAT parquet)"""
        )
        count = f"SELECT count(*), count(*) FROM '{path / 'rows.parquet'}'"
        total = f"SELECT sum(queries), count(*) FROM '{path / 'result.parquet'}'"
        (given, _), (kept, groups) = (_one(connection, query) for query in (count, total))
    assert kept == given, f"{given - kept} rows of {given} were lost"
    assert 0 < groups <= TABLES * DAYS, f"{groups} groups"


def exact(folder: str) -> None:
    """As `aggregate`, but each person counted once and none twice."""
    aggregate(folder, 'count(DISTINCT "user")')


def floor(folder: str) -> None:
    """The least any aggregate over these columns does: read them."""
    path = Path(folder)
    with _connection(path) as connection:
        # counts would come from the file's statistics
        columns = 'sum(length("table")) + sum(length("user")) + sum(dayofmonth(day))'
        read, seconds = _one(connection, f"SELECT {columns}, sum(seconds) FROM '{path / 'rows.parquet'}'")
    assert read > 0
    assert seconds > 0


def _connection(path: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    settings = {"memory_limit": MEMORY, "threads": THREADS, "preserve_insertion_order": False}
    return duckdb.connect(config={**settings, "temp_directory": str(path / "spilled")})


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def main(arguments: list[str]) -> int:
    """Run one of the commands above."""
    command, argument = arguments
    if command == "make":
        print(make(int(argument)))
    else:
        {"aggregate": aggregate, "exact": exact, "floor": floor}[command](argument)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
