"""Databricks' bill: shared among the statements of a warehouse and hour by the time they took, as an estimate."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import ibis
import pytest
import sqlglot
from cloud_warehouse import NOW, START, StandIn, keeps_secrets, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, Gap, Observation
from headway.warehouse.history.databricks import DatabricksHistory

OPTIONS = {
    "history": "shared.query.history",
    "table_lineage": "shared.access.table_lineage",
    "column_lineage": "shared.access.column_lineage",
    "billing": "shared.billing.usage",
    "keep_days": 21,
}
MACROS = "CREATE TEMP MACRO to_json(tags) AS CAST(system.main.to_json(tags) AS VARCHAR);"
TABLES = """
CREATE SCHEMA query; CREATE SCHEMA access; CREATE SCHEMA billing;
CREATE TABLE access.table_lineage (statement_id VARCHAR, source_table_full_name VARCHAR, event_time TIMESTAMPTZ);
CREATE TABLE access.column_lineage (statement_id VARCHAR, source_table_full_name VARCHAR, source_column_name VARCHAR,
  event_time TIMESTAMPTZ);
CREATE TABLE query.history (statement_id VARCHAR, execution_status VARCHAR,
  compute STRUCT(type VARCHAR, cluster_id VARCHAR, warehouse_id VARCHAR), executed_by VARCHAR, statement_text VARCHAR,
  statement_type VARCHAR, client_application VARCHAR, start_time TIMESTAMPTZ, end_time TIMESTAMPTZ,
  query_tags MAP(VARCHAR, VARCHAR));
"""
BILLS = """
CREATE TABLE billing.usage (record_id VARCHAR, sku_name VARCHAR, usage_start_time TIMESTAMPTZ,
  usage_end_time TIMESTAMPTZ, usage_unit VARCHAR, usage_quantity DECIMAL(38, 18),
  usage_metadata STRUCT(job_id VARCHAR, warehouse_id VARCHAR));
"""


def ran(table: str, warehouse: str, start: str, seconds: float, *, status: str = "FINISHED", by: str = "ana") -> str:
    """A row of the history: a statement that reads a table, on the 20th of November."""
    compute = f"{{'type': 'WAREHOUSE', 'cluster_id': NULL, 'warehouse_id': {warehouse}}}"
    return (
        f"INSERT INTO query.history VALUES ('{table}{start}', '{status}', {compute}, '{by}', "
        f"'SELECT 1 FROM m.s.{table}', 'SELECT', 'x', '2026-11-20 {start}+00', "
        f"TIMESTAMPTZ '2026-11-20 {start}+00' + INTERVAL '{seconds} seconds', NULL);"
    )


def billed(warehouse: str, hour: int, quantity: float, unit: str = "DBU") -> str:
    """A row of the bill, for an hour of the 20th of November."""
    return (
        f"INSERT INTO billing.usage VALUES ('r', 'SQL', '2026-11-20 {hour:02}:00:00+00', NULL, '{unit}', {quantity}, "
        f"{{'job_id': NULL, 'warehouse_id': {warehouse}}});"
    )


@pytest.fixture
def databricks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def made(*statements: str, bills: str = BILLS) -> list[AnyRecord]:
        data = TABLES + bills + "".join(statements)
        stand: StandIn = stand_in(monkeypatch, tmp_path, "databricks", data, catalog="shared", macros=MACROS)
        return list(DatabricksHistory(OPTIONS, stand.context()).records())

    return made


def costs(records: list[AnyRecord]) -> dict[str, float]:
    """DBUs by relation."""
    found: dict[str, float] = defaultdict(float)
    for one in records:
        if isinstance(one, Observation) and one.measure == "cost":
            assert one.unit == "DBU"
            found[one.relation] += one.amount
    return {name: round(amount, 9) for name, amount in found.items()}


def test_the_sql_is_databricks() -> None:
    history = DatabricksHistory({}, Context("/nowhere", NOW))
    sql = str(ibis.to_sql(history.statements(START, billing=True), dialect="databricks"))
    sqlglot.parse_one(sql, read="databricks", error_level=sqlglot.ErrorLevel.RAISE)
    same_as_snapshot("databricks_billing.sql", sql)


def test_an_hour_of_a_warehouse_is_shared_by_time(databricks: Any) -> None:
    found = databricks(
        ran("a", "'w1'", "08:10:00", 30), ran("b", "'w1'", "08:59:59", 90), ran("c", "'w2'", "08:20:00", 7),
        billed("'w1'", 8, 12), billed("'w2'", 8, 3),
    )  # fmt: skip
    assert costs(found) == {"m.s.a": 3, "m.s.b": 9, "m.s.c": 3}
    keeps_secrets(found, '"ana"', "from m.s")


def test_what_is_billed_in_several_rows_is_added_and_retractions_are_taken_off(databricks: Any) -> None:
    found = databricks(
        ran("a", "'w1'", "08:10:00", 30), billed("'w1'", 8, 12), billed("'w1'", 8, -12), billed("'w1'", 8, 5.5)
    )
    assert costs(found) == {"m.s.a": 5.5}


def test_what_failed_has_its_share_of_the_time_and_is_nobodys_cost(databricks: Any) -> None:
    found = databricks(
        ran("a", "'w1'", "08:10:00", 30), ran("b", "'w1'", "08:20:00", 90, status="FAILED"), billed("'w1'", 8, 12)
    )
    assert costs(found) == {"m.s.a": 3}


def test_idle_hours_other_warehouses_other_units_and_no_warehouse_are_put_down_to_nobody(databricks: Any) -> None:
    found = databricks(
        ran("a", "'w1'", "08:10:00", 30), ran("b", "NULL", "08:10:00", 30),
        billed("'w1'", 9, 12), billed("'w2'", 8, 5), billed("NULL", 8, 7), billed("'w1'", 8, 100, unit="GB"),
    )  # fmt: skip
    assert costs(found) == {}
    assert {one.relation for one in found if isinstance(one, Observation)} == {"m.s.a", "m.s.b"}, "use is known"


def test_statements_that_took_no_time_have_no_share(databricks: Any) -> None:
    assert costs(databricks(ran("a", "'w1'", "08:10:00", 0), billed("'w1'", 8, 12))) == {}


def test_a_statement_is_not_doubled_by_its_bill(databricks: Any) -> None:
    found = databricks(ran("a", "'w1'", "08:10:00", 30), *(billed("'w1'", 8, n) for n in range(5)))
    queries = [
        one.amount for one in found if isinstance(one, Observation) and one.measure == "queries" and not one.column
    ]
    assert queries == [1]


def test_a_bill_that_cannot_be_read_is_said_and_leaves_the_use(databricks: Any) -> None:
    found = databricks(ran("a", "'w1'", "08:10:00", 30), bills="")
    [gap] = [one for one in found if isinstance(one, Gap)]
    assert gap.topic == "cost"
    assert "shared.billing.usage cannot be read" in gap.message
    assert "what statements cost is not known" in gap.message
    assert "headway_reader" not in gap.message
    assert {one.measure for one in found if isinstance(one, Observation)} == {"queries", "seconds"}


def test_without_a_bill_a_shared_history_needs_no_compute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = TABLES + ran("a", "'w1'", "08:10:00", 30) + "ALTER TABLE query.history DROP COLUMN compute;"
    stand = stand_in(monkeypatch, tmp_path, "databricks", data, catalog="shared", macros=MACROS)
    found = list(DatabricksHistory({**OPTIONS, "billing": ""}, stand.context()).records())
    assert {one.measure for one in found if isinstance(one, Observation)} == {"queries", "seconds"}
    assert not [one for one in found if isinstance(one, Gap)]
