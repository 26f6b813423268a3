"""DuckDB's query log, written by DuckDB itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from history_samples import KEY, amounts, tables

from headway.connectors.protocol import Context
from headway.errors import InputError
from headway.graph.model import Coverage, Gap, Observation
from headway.people import KEY_VARIABLE
from headway.warehouse.history.duckdb import DuckdbHistory

V1_4 = """context_id,timestamp,type,log_level,message
15,2026-11-20 14:58:00.679414+00,QueryLog,INFO,"/* {""app"": ""dbt"", ""node_id"": ""model.shop.m""} */
create table m as select 1"
19,2026-11-20 23:58:00.687406-02,QueryLog,INFO,select a from m where a = 1 -- trail
23,2026-11-21 14:58:00.699405+00,Metrics,INFO,"{""a"": 1}"
27,2026-11-21 14:58:00.711512+00,QueryLog,INFO,"select a, 'it''s ""q""' from m"
31,2026-11-21 14:58:00.7
"""


def records(folder: Path, now: datetime, path: str = "log", **options: Any) -> list[Any]:
    context = Context(str(folder), now, {KEY_VARIABLE: KEY})
    return list(DuckdbHistory({"path": path, **options}, context).records())


def test_queries_driven_through_duckdb_are_counted_exactly(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE TABLE marts.orders (id INTEGER, amount INTEGER)")
        connection.execute("CREATE TABLE customers (id INTEGER)")
        log = str(tmp_path / "log").replace("'", "''")
        connection.execute(f"CALL enable_logging('QueryLog', storage = 'file', storage_config = {{'path': '{log}'}})")
        for number in range(7):
            connection.execute(f"SELECT amount FROM marts.orders WHERE id = {number}").fetchall()
        for number in range(3):
            connection.execute(f"SELECT 'a''b{number}' FROM marts.orders o JOIN customers c ON c.id = o.id").fetchall()
        tag = '/* {"app": "superset", "user": "viewer", "dashboard_id": 3} */'
        connection.execute(f"SELECT id FROM customers {tag}").fetchall()
        build = '/* {"app": "dbt", "node_id": "model.shop.fct"} */'
        connection.execute(f"CREATE TABLE marts.fct AS SELECT * FROM marts.orders {build}")
        connection.execute('SELECT 1 FROM customers\n/* headway: {"key_result": "x"} */').fetchall()
        connection.execute("CALL disable_logging()")
    found = records(tmp_path, datetime.now(UTC), database="shop")
    assert tables(found) == {
        "shop.marts.orders": 10, "shop.main.customers": 4, "superset:dashboard.3": 1, "model.shop.fct": 1,
    }  # fmt: skip
    assert amounts(found, "queries", "relation", "column")["shop.marts.orders", "amount"] == 7
    assert {r.tool for r in found if isinstance(r, Observation) and r.node == ""} == {"", "superset"}
    assert len([r for r in found if isinstance(r, Coverage)]) == 1
    assert not [r for r in found if isinstance(r, Gap)]


def test_a_log_as_1_4_writes_it_cut_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "duckdb_log_entries.csv").write_text(V1_4)
    found = records(tmp_path, datetime(2026, 11, 22, tzinfo=UTC))
    assert tables(found) == {"model.shop.m": 1, "main.m": 2}
    assert {r.day.day for r in found if isinstance(r, Observation) and not r.node} == {21}
    assert [r.message[:13] for r in found if isinstance(r, Gap)] == ["1 row was lef"]


def test_what_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(InputError, match="no such file"):
        records(tmp_path, datetime.now(UTC))
    (tmp_path / "log" / "duckdb_log_entries.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column called 'timestamp'"):
        records(tmp_path, datetime.now(UTC))
