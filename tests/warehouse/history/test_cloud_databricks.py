"""Databricks' system tables: the SQL as a snapshot, and the expression on rows of the documented shape."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import ibis
import pytest
import sqlglot
from cloud_warehouse import NOW, START, StandIn, amounts, keeps_secrets, people, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.errors import ConfigError, WarehouseError
from headway.graph.model import Gap
from headway.warehouse.history import views
from headway.warehouse.history.databricks import DatabricksHistory, bound
from headway.warehouse.profile import load_profile

OPTIONS = {
    "history": "shared.query.history",
    "table_lineage": "shared.access.table_lineage",
    "column_lineage": "shared.access.column_lineage",
    "billing": "",  # test_cloud_databricks_cost.py has it
}
MACROS = "CREATE TEMP MACRO to_json(tags) AS CAST(system.main.to_json(tags) AS VARCHAR);"  # a text, not JSON
HISTORY = """
CREATE SCHEMA query; CREATE SCHEMA access;
CREATE TABLE query.history (
  account_id VARCHAR, statement_id VARCHAR, execution_status VARCHAR, compute STRUCT(type VARCHAR),
  executed_by VARCHAR, executed_as VARCHAR, statement_text VARCHAR, statement_type VARCHAR,
  client_application VARCHAR, start_time TIMESTAMPTZ, end_time TIMESTAMPTZ, query_tags MAP(VARCHAR, VARCHAR)
);
INSERT INTO query.history VALUES
('a', 's1', 'FINISHED', NULL, 'ana@shop.example', 'ana@shop.example', 'SELECT amount FROM marts.orders WHERE id = 7',
 'SELECT', 'Databricks SQL Dashboard', '2026-11-10 23:59:59+00', '2026-11-11 00:00:01.500+00', NULL),
('a', 's2', 'FINISHED', NULL, 'svc-dbt', 'svc-dbt', '/* {"app": "dbt", "node_id": "model.shop.orders"} */
create or replace table marts.orders as select * from raw.orders',
 'REPLACE_TABLE_AS_SELECT', 'dbt', '2026-11-11 08:00:00+00', '2026-11-11 08:00:04+00',
 MAP {'@@dbt_model_name': 'orders'}),
('a', 's3', 'FINISHED', NULL, 'ben@shop.example', 'ben@shop.example', 'SELECT count(*) FROM marts.customers', 'SELECT',
 'JDBC', '2026-11-11 09:00:00+00', '2026-11-11 09:00:00.250+00', MAP {}),
('a', 's4', 'FAILED', NULL, 'ben@shop.example', 'ben@shop.example', 'SELECT nope FROM marts.orders', 'SELECT',
 'JDBC', '2026-11-11 10:00:00+00', NULL, NULL),
('a', 's6', 'FAILED', NULL, 'svc-dbt', 'svc-dbt', '/* {"app": "dbt", "node_id": "model.shop.broken"} */ select nope',
 'SELECT', 'dbt', '2026-11-11 10:30:00+00', '2026-11-11 10:30:03+00', NULL),
('a', 's5', 'FINISHED', NULL, 'ben@shop.example', 'ben@shop.example', NULL, 'select', 'JDBC',
 '2026-11-11 11:00:00+00', '2026-11-11 11:00:01+00', NULL),
('a', 's0', 'FINISHED', NULL, 'ben@shop.example', 'ben@shop.example', 'SELECT too_early FROM marts.orders', 'SELECT',
 'JDBC', '2026-10-31 23:59:59+00', '2026-11-01 00:00:01+00', NULL);
"""
TABLES = """
CREATE TABLE access.table_lineage (
  statement_id VARCHAR, source_table_full_name VARCHAR, target_table_full_name VARCHAR, entity_type VARCHAR,
  entity_id VARCHAR, event_time TIMESTAMPTZ
);
INSERT INTO access.table_lineage VALUES
('s1', 'main.marts.orders', NULL, 'DASHBOARD_V3', '1', '2026-11-11 00:00:02+00'),
('s1', 'main.marts.orders', NULL, 'DASHBOARD_V3', '1', '2026-11-11 00:00:02+00'),
('s1', 'main.marts.customers', NULL, 'DASHBOARD_V3', '1', '2026-11-11 00:00:02+00'),
('s2', 'main.raw.orders', 'main.marts.orders', 'JOB', '2', '2026-11-11 08:00:04+00'),
('s5', 'main.raw.odd', NULL, NULL, NULL, '2026-11-11 11:00:01+00'),
('s5', NULL, 'main.raw.paths', NULL, NULL, '2026-11-11 11:00:01+00'),
(NULL, 'main.raw.orders', NULL, 'NOTEBOOK', '3', '2026-11-11 11:00:01+00');
"""
COLUMNS = """
CREATE TABLE access.column_lineage (
  statement_id VARCHAR, source_table_full_name VARCHAR, source_column_name VARCHAR, target_table_full_name VARCHAR,
  target_column_name VARCHAR, event_time TIMESTAMPTZ
);
INSERT INTO access.column_lineage VALUES
('s1', 'main.marts.orders', 'id', NULL, NULL, '2026-11-11 00:00:02+00'),
('s1', 'main.marts.orders', 'amount', NULL, NULL, '2026-11-11 00:00:02+00'),
('s1', 'main.marts.orders', 'amount', NULL, NULL, '2026-11-11 00:00:02+00'),
('s2', 'main.raw.orders', 'id', 'main.marts.orders', 'id', '2026-11-11 08:00:04+00');
"""


def databricks(monkeypatch: pytest.MonkeyPatch, folder: Path, data: str = HISTORY + TABLES + COLUMNS) -> StandIn:
    return stand_in(monkeypatch, folder, "databricks", data, catalog="shared", macros=MACROS)


def rows(stand: StandIn, **lineage: bool) -> list[dict[str, object]]:
    """Statements from START on in the order they ran."""
    with views.opened(load_profile(stand.folder, environment={})) as connection:
        table = DatabricksHistory(OPTIONS, stand.context()).statements(START, connection.backend, **lineage)
        return table.order_by("started").to_pyarrow().to_pylist()


@pytest.mark.parametrize(
    ("name", "lineage"),
    [("databricks.sql", {}), ("databricks_text.sql", {"tables": False}), ("databricks_tables.sql", {"columns": False})],
)
def test_the_sql_is_databricks(name: str, lineage: dict[str, bool]) -> None:
    history = DatabricksHistory({}, Context("/nowhere", NOW))
    sql = str(ibis.to_sql(history.statements(START, **lineage), dialect="databricks"))
    sqlglot.parse_one(sql, read="databricks", error_level=sqlglot.ErrorLevel.RAISE)
    same_as_snapshot(name, sql)


def test_statements_have_what_they_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, build, *_ = rows(databricks(monkeypatch, tmp_path))
    assert first | {"started": str(first["started"])} == {
        "started": "2026-11-10 23:59:59",
        "text": "SELECT amount FROM marts.orders WHERE id = 7",
        "hash": None,
        "user": "ana@shop.example",
        "application": "Databricks SQL Dashboard",
        "label": None,
        "seconds": 2.5,
        "cost": None,
        "bytes": None,
        "database": None,
        "schema": None,
        "kind": "SELECT",
        "reads": '[["main.marts.customers",null],["main.marts.orders",["amount","id"]]]',
    }
    assert json.loads(str(build["label"])) == {"@@dbt_model_name": "orders"}
    assert build["reads"] is None, "what a statement builds is only in its text"


def test_no_statement_is_doubled_by_its_lineage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert len(rows(databricks(monkeypatch, tmp_path))) == 5


def test_without_lineage_the_text_is_parsed_and_what_failed_read_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, _, third, failed, hidden = rows(databricks(monkeypatch, tmp_path))
    assert third["reads"] is None
    assert (failed["reads"], failed["user"]) == ("[]", "svc-dbt"), "what others ran and failed is left out"
    assert (hidden["text"], hidden["kind"]) == (None, "SELECT")
    assert json.loads(str(hidden["reads"])) == [["main.raw.odd", None]]


def test_lineage_that_cannot_be_read_leaves_the_statements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = databricks(monkeypatch, tmp_path, HISTORY + TABLES)
    assert rows(stand, columns=False)[0]["reads"] == '[["main.marts.customers",null],["main.marts.orders",null]]'
    assert [row["reads"] for row in rows(stand, tables=False)] == [None, None, None, "[]", None]


def test_a_session_is_put_into_a_backend_only_where_it_is_bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    databricks(monkeypatch, tmp_path)
    with views.opened(load_profile(tmp_path, environment={})) as connection:
        assert bound(connection) is connection.backend
    bare = SimpleNamespace(backend=SimpleNamespace(con=object()))
    with pytest.raises(ImportError):  # the driver is not installed here, so its backend cannot be made
        bound(bare)  # type: ignore[arg-type]


def test_a_history_that_cannot_be_read_is_named_with_the_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = databricks(monkeypatch, tmp_path, "SELECT 1")
    with pytest.raises(WarehouseError) as caught:
        list(DatabricksHistory(OPTIONS, stand.context()).records())
    assert "shared.query.history cannot be read" in str(caught.value)
    assert "USE SCHEMA and SELECT" in str(caught.value)


@pytest.mark.parametrize("name", ["", "a.b.c.d", "a..b", "history; drop table x", "(select 1)"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a view"):
        DatabricksHistory({"history": name}, Context("/nowhere", NOW))


def test_from_the_tables_to_the_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = databricks(monkeypatch, tmp_path)
    records = list(DatabricksHistory({**OPTIONS, "keep_days": 21}, stand.context()).records())
    orders, customers = "main.marts.orders", "main.marts.customers"
    assert amounts(records) == {
        (orders, "", "queries", "2026-11-10", "person"): 1,
        (orders, "", "seconds", "2026-11-10", "person"): 1.25,
        (orders, "amount", "queries", "2026-11-10", "person"): 1,
        (orders, "id", "queries", "2026-11-10", "person"): 1,
        (customers, "", "queries", "2026-11-10", "person"): 1,
        (customers, "", "seconds", "2026-11-10", "person"): 1.25,
        (customers, "*", "queries", "2026-11-10", "person"): 1,
        ("marts.customers", "", "queries", "2026-11-11", "person"): 1,
        ("marts.customers", "", "seconds", "2026-11-11", "person"): 0.25,
        ("main.raw.odd", "", "queries", "2026-11-11", "person"): 1,
        ("main.raw.odd", "", "seconds", "2026-11-11", "person"): 1,
        ("main.raw.odd", "*", "queries", "2026-11-11", "person"): 1,
        ("model.shop.orders", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.orders", "", "seconds", "2026-11-11", "dbt"): 4,
        ("model.shop.broken", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.broken", "", "seconds", "2026-11-11", "dbt"): 3,
    }
    assert len(people(records, orders)) == 1
    assert people(records, "marts.customers") == people(records, "main.raw.odd") != people(records, orders)
    keeps_secrets(records, "ana@", "ben@", "select", "where")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (HISTORY, ["shared.access.table_lineage cannot be read", "taken from the text"]),
        (HISTORY + TABLES, ["shared.access.column_lineage cannot be read", "which columns were read is not known"]),
    ],
    ids=["tables", "columns"],
)
def test_lineage_that_cannot_be_read_is_said(
    data: str, said: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand = databricks(monkeypatch, tmp_path, data)
    records = list(DatabricksHistory({**OPTIONS, "keep_days": 21}, stand.context()).records())
    gap = next(one for one in records if isinstance(one, Gap))
    assert all(part in gap.message for part in said)
    assert "USE SCHEMA and SELECT" in gap.hint
    assert "headway_reader" not in gap.message
    assert [key for key in amounts(records) if key[0].endswith("marts.orders")], "use is known all the same"
