"""Starburst's completed_queries: the SQL as a snapshot, and the expression on rows of the documented shape."""

from __future__ import annotations

import json
from pathlib import Path

import ibis
import pytest
import sqlglot
from cloud_warehouse import NOW, START, StandIn, amounts, keeps_secrets, people, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.errors import ConfigError, WarehouseError
from headway.graph.model import Gap
from headway.warehouse.history import views
from headway.warehouse.history.trino import TrinoHistory
from headway.warehouse.profile import load_profile

OPTIONS = {"table": "audit.events.completed_queries"}
MACROS = "CREATE TEMP MACRO json_parse(text) AS CAST(text AS JSON);"
DATA = """
CREATE SCHEMA events;
CREATE TABLE events.completed_queries (
  query_id VARCHAR, usr VARCHAR, query VARCHAR, catalog VARCHAR, schema VARCHAR, query_type VARCHAR,
  accessed_metadata VARCHAR, create_time TIMESTAMP, end_time TIMESTAMP, query_state VARCHAR
);
INSERT INTO events.completed_queries VALUES
('q1', 'ana', 'SELECT amount, id FROM marts.orders WHERE id = 7', 'lake', 'marts', 'SELECT',
 '[{"catalogName":"lake","schema":"marts","table":"orders","columns":["amount","id"],"connectorInfo":{"x":[1]}},
   {"catalogName":"lake","schema":"marts","table":"odd orders","columns":[]}]',
 '2026-11-10 23:59:59', '2026-11-11 00:00:01.500', 'FINISHED'),
('q2', 'ben', 'SHOW TABLES', 'lake', NULL, 'DESCRIBE', NULL, '2026-11-11 08:00:00', '2026-11-11 08:00:01', 'FINISHED'),
('q3', 'ben', 'SELECT 1 FROM marts.orders', 'lake', 'marts', 'select', '[]', '2026-11-11 09:00:00',
 '2026-11-11 09:00:01', 'FINISHED'),
('q4', 'ben', 'SELECT nope FROM marts.orders', 'lake', 'marts', 'SELECT',
 '[{"catalogName":"lake","schema":"marts","table":"orders","columns":["nope"]}]', '2026-11-11 10:00:00',
 '2026-11-11 10:00:01', 'FAILED'),
('q5', 'dbt', '/* {"app": "dbt", "node_id": "model.shop.broken"} */ SELECT nope', 'lake', 'marts', 'SELECT', NULL,
 '2026-11-11 10:30:00', '2026-11-11 10:30:03', 'FAILED'),
('q6', 'ben', 'SELECT id FROM marts.orders', 'lake', 'marts', 'SELECT', '[{"catalogName":"lake","sch',
 '2026-11-11 11:00:00', '2026-11-11 11:00:01', 'FINISHED'),
('q7', 'ben', 'SELECT id FROM marts.orders', 'lake', 'marts', 'SELECT', '[{"catalogName":"lake"}, 7, null]',
 '2026-11-11 12:00:00', '2026-11-11 12:00:01', 'FINISHED'),
('q8', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-11 13:00:00', NULL, NULL),
('q0', 'ben', 'SELECT too_early FROM marts.orders', 'lake', 'marts', 'SELECT', '[]', '2026-10-31 23:59:59',
 '2026-11-01 00:00:01', 'FINISHED');
"""


@pytest.fixture
def trino(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    return stand_in(monkeypatch, tmp_path, "trino", DATA, catalog="audit", macros=MACROS)


def rows(stand: StandIn) -> list[dict[str, object]]:
    with views.opened(load_profile(stand.folder, environment={})) as connection:
        table = TrinoHistory(OPTIONS, stand.context()).statements(START, connection.backend)
        return table.order_by("started").to_pyarrow().to_pylist()


def test_the_sql_is_trinos() -> None:
    history = TrinoHistory(OPTIONS, Context("/nowhere", NOW))
    sql = str(ibis.to_sql(history.statements(START), dialect="trino"))
    sqlglot.parse_one(sql, read="trino", error_level=sqlglot.ErrorLevel.RAISE)
    same_as_snapshot("trino.sql", sql)


def test_queries_have_what_they_read(trino: StandIn) -> None:
    first = rows(trino)[0]
    assert first | {"started": str(first["started"]), "reads": json.loads(str(first["reads"]))} == {
        "started": "2026-11-10 23:59:59",
        "text": "SELECT amount, id FROM marts.orders WHERE id = 7",
        "hash": None,
        "user": "ana",
        "application": None,
        "label": None,
        "seconds": 2.5,
        "cost": None,
        "bytes": None,
        "database": "lake",
        "schema": "marts",
        "kind": "SELECT",
        "reads": [["lake.marts.orders", ["amount", "id"]], ["lake.marts.odd orders", None]],
    }


def test_without_metadata_the_text_is_parsed_and_what_failed_read_nothing(trino: StandIn) -> None:
    assert [(row["kind"], row["reads"]) for row in rows(trino)[1:]] == [
        ("DESCRIBE", None),
        ("SELECT", None),
        ("SELECT", "[]"),
        ("SELECT", None),
        ("SELECT", None),
        (None, None),
    ], "torn or odd metadata is as good as none"


def test_the_table_has_to_be_named() -> None:
    with pytest.raises(ConfigError, match="needs the option table"):
        TrinoHistory({}, Context("/nowhere", NOW))


def test_a_table_that_cannot_be_read_is_named_with_the_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = stand_in(monkeypatch, tmp_path, "trino", "SELECT 1", catalog="audit", macros=MACROS)
    with pytest.raises(WarehouseError) as caught:
        list(TrinoHistory(OPTIONS, stand.context()).records())
    assert "audit.events.completed_queries cannot be read" in str(caught.value)
    assert "event logger has to be on" in str(caught.value)


def test_from_the_table_to_the_records(trino: StandIn) -> None:
    records = list(TrinoHistory({**OPTIONS, "keep_days": 21}, trino.context()).records())
    orders, odd = "lake.marts.orders", "lake.marts.odd orders"
    assert amounts(records) == {
        (orders, "", "queries", "2026-11-10", "person"): 1,
        (orders, "", "seconds", "2026-11-10", "person"): 1.25,
        (orders, "amount", "queries", "2026-11-10", "person"): 1,
        (orders, "id", "queries", "2026-11-10", "person"): 1,
        (odd, "", "queries", "2026-11-10", "person"): 1,
        (odd, "", "seconds", "2026-11-10", "person"): 1.25,
        (odd, "*", "queries", "2026-11-10", "person"): 1,
        (orders, "", "queries", "2026-11-11", "person"): 3,
        (orders, "", "seconds", "2026-11-11", "person"): 3,
        (orders, "id", "queries", "2026-11-11", "person"): 2,
        ("model.shop.broken", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.broken", "", "seconds", "2026-11-11", "dbt"): 3,
    }
    assert len(people(records, orders)) == 2
    assert len(people(records, odd)) == 1
    assert [one.message for one in records if isinstance(one, Gap)] == [
        "1 of 7 queries (14.3 %) have no text in the history; what they read is not counted"
    ]
    keeps_secrets(records, "select", "where", '"ana"', '"ben"')
