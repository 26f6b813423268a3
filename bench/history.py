"""A query history of a million statements: the generator, and the case that turns it into usage.

    python -m bench.history write FOLDER [STATEMENTS]     one Parquet file, deterministic
    python -m bench.history usage FOLDER                  reads it as usage, with nothing kept from before
    python -m bench.history again FOLDER                  reads what is new since a day ago, as a second sync does

Of 1,000,000 statements 523,000 have texts of their own, and those come from 2,400 statements with other literals: what
BI tools, people and dbt send, 930 characters in the mean, half of them tagged with a comment.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

STATEMENTS = 1_000_000
DISTINCT = 0.523
SHAPES = 2_400
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILE = "statements.parquet"

_COLUMNS = (
    "order_id",
    "customer_id",
    "region",
    "status",
    "amount",
    "net_amount",
    "ordered_at",
    "channel",
    "plan",
    "seat_count",
)


def shape(number: int) -> tuple[str, str]:
    """One of the statements, as the text before and after a literal in it."""
    left, right = number % 400, (number * 7 + 13) % 400
    columns = [_COLUMNS[(number + step) % len(_COLUMNS)] for step in range(3 + number % 4)]
    listed = ",\n  ".join(f"o.{column} AS {column}_{number % 17}" for column in columns)
    cases = "\n".join(
        f"  SUM(CASE WHEN o.status = 'state {step}' AND o.amount > {step * 10}.5"
        f" THEN o.net_amount ELSE 0 END) AS net_{step},"
        for step in range(1 + number % 6)
    )
    before = (
        f"SELECT\n  {listed},\n{cases}\n  COUNT(DISTINCT o.customer_id) AS customers_{number}\n"
        f"FROM analytics.marts.fct_{left} AS o\n"
        f"LEFT JOIN analytics.marts.dim_{right} AS d ON d.customer_id = o.customer_id\n"
        f"WHERE o.ordered_at >= '2026-01-01' AND o.ordered_at < '2026-11-{1 + number % 28:02d}' AND o.order_id <> "
    )
    after = (
        " AND o.region IN ('north', 'south', 'east') AND COALESCE(d.segment, 'none') NOT LIKE '%test%'\n"
        f"GROUP BY {', '.join(str(position + 1) for position in range(len(columns)))}\n"
        f"ORDER BY 1 DESC\nLIMIT {100 + number % 900}"
    )
    if number % 5 == 0:
        before = f"WITH scoped AS (\n{before}"
        after += f"\n)\nSELECT s.*, p.name FROM scoped AS s\nJOIN analytics.staging.stg_{right} AS p"
        after += f" ON p.id = s.customers_{number}"
    return before, after


def write(folder: Path, statements: int = STATEMENTS) -> None:
    """Write the history, with DuckDB."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    shapes = min(SHAPES, max(1, statements // 400))
    distinct = int(statements * DISTINCT)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE shape (number INTEGER, before VARCHAR, after VARCHAR)")
        connection.executemany("INSERT INTO shape VALUES (?, ?, ?)", [(n, *shape(n)) for n in range(shapes)])
        connection.execute(
            f"""
            COPY (
              WITH statement AS (
                SELECT i, CASE WHEN i < {distinct} THEN i ELSE (i * 7919) % {distinct} END AS n
                FROM range({statements}) r(i)
              )
              SELECT TIMESTAMP '2026-08-25' + to_seconds((i * 7919) % (90 * 86400)) AS started,
                CASE n % 10
                  WHEN 0 THEN '/* {{"app": "dbt", "dbt_version": "1.11.2", "profile_name": "shop", '
                    || '"target_name": "prod", "node_id": "model.shop.m' || (n % {shapes}) || '"}} */' || chr(10)
                  WHEN 1 THEN '-- Metabase:: userID: ' || (n % 97) || ' queryType: MBQL queryHash: '
                    || md5(n::VARCHAR) || chr(10)
                  WHEN 2 THEN '-- Metabase:: userID: ' || (n % 89) || ' queryType: native queryHash: '
                    || md5(n::VARCHAR) || chr(10)
                  WHEN 3 THEN '-- Looker Query Context ''{{"user_id":' || (n % 83) || ',"history_slug":"'
                    || md5(n::VARCHAR) || '","instance_slug":"a1"}}'' ' || chr(10)
                  ELSE '' END
                || before || n || after
                || CASE WHEN n % 10 = 4 THEN ' /* {{"app": "superset", "user": "viewer' || (n % 50)
                  || '", "chart_id": ' || (n % 400) || ', "dashboard_id": ' || (n % 60) || '}} */' ELSE '' END AS sql,
                CASE WHEN n % 10 = 0 THEN 'dbt_prod' WHEN n % 10 < 5 THEN 'bi_svc'
                  ELSE 'user' || (n % 150) END AS "user",
                (n % 1000) / 100.0 AS seconds
              FROM statement JOIN shape ON shape.number = n % {shapes} ORDER BY i
            ) TO '{folder / FILE}' (FORMAT parquet)
            """
        )


def read(folder: Path, root: Path, since: datetime | None) -> dict[str, float]:
    """Read it as usage; CPU and wall seconds, and how many rows came out. What was parsed is kept below `root`."""
    from headway.connectors.protocol import Context
    from headway.warehouse.history.file import HistoryFile

    context = Context(str(root), NOW, {"HEADWAY_PEOPLE_KEY": "a key for measuring only"}, since=since)
    options = {"path": str(folder / FILE), "dialect": "snowflake", "memory_limit": "2GB"}
    wall, cpu = time.perf_counter(), time.process_time()
    rows = sum(1 for _ in HistoryFile(options, context).records())
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "rows": rows}


def usage(folder: Path) -> dict[str, float]:
    """The first sync: nothing is known yet."""
    with tempfile.TemporaryDirectory() as root:
        return read(folder, Path(root), None)


def again(folder: Path) -> dict[str, float]:
    """The next day's sync. The first call makes the first sync as well: the runner does not count it."""
    root = folder / "synced"
    if not root.exists():
        root.mkdir()
        read(folder, root, None)
    return read(folder, root, NOW - timedelta(days=1))


if __name__ == "__main__":
    where = Path(sys.argv[2])
    if sys.argv[1] == "write":
        write(where, *(int(number) for number in sys.argv[3:]))
    else:
        print(json.dumps({"usage": usage, "again": again}[sys.argv[1]](where)))
