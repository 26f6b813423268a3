"""BigQuery's JOBS: the SQL as a snapshot, and the expression on rows of the documented shape."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import ibis
import pytest
import sqlglot
from cloud_warehouse import NOW, START, StandIn, amounts, keeps_secrets, people, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.errors import ConfigError, WarehouseError
from headway.graph.model import Coverage, Gap, Observation
from headway.warehouse.adapters import ADAPTERS
from headway.warehouse.connection import Connection
from headway.warehouse.history import views
from headway.warehouse.history.bigquery import BigQueryHistory
from headway.warehouse.profile import Profile, load_profile

JOBS = """
CREATE TABLE "{project}.region-{region}.INFORMATION_SCHEMA.JOBS" (
  job_id VARCHAR, creation_time TIMESTAMPTZ, user_email VARCHAR, query VARCHAR,
  query_info STRUCT(query_hashes STRUCT(normalized_literals VARCHAR)), statement_type VARCHAR,
  destination_table STRUCT(project_id VARCHAR, dataset_id VARCHAR, table_id VARCHAR),
  referenced_tables STRUCT(project_id VARCHAR, dataset_id VARCHAR, table_id VARCHAR)[],
  labels STRUCT("key" VARCHAR, "value" VARCHAR)[], total_bytes_billed BIGINT, total_slot_ms BIGINT,
  cache_hit BOOLEAN, error_result STRUCT(reason VARCHAR, location VARCHAR, message VARCHAR)
);
CREATE TABLE "{project}.region-{region}.INFORMATION_SCHEMA.TABLE_STORAGE" (
  project_id VARCHAR, table_schema VARCHAR, table_name VARCHAR, total_logical_bytes BIGINT, total_physical_bytes BIGINT
);
"""
ROWS = """
INSERT INTO "shop-prod.region-eu.INFORMATION_SCHEMA.TABLE_STORAGE" VALUES
('shop-prod', 'marts', 'orders', 5000000000000, 700), ('shop-prod', 'marts', 'orders', 0, 100),
('shop-prod', 'raw', 'orders', NULL, NULL);
INSERT INTO "shop-prod.region-eu.INFORMATION_SCHEMA.JOBS" VALUES
('j1', '2026-11-10 23:30:00+00', 'ana@shop.example', 'SELECT amount FROM `shop-prod`.marts.orders WHERE id = 7',
 {'query_hashes': {'normalized_literals': 'h1'}}, 'SELECT', NULL,
 [{'project_id': 'shop-prod', 'dataset_id': 'raw', 'table_id': 'orders'}], [], 10485760, 2500, false, NULL),
('j2', '2026-11-11 08:00:00+00', 'dbt@shop-prod.iam.gserviceaccount.com',
 '/* {"app": "dbt", "node_id": "model.shop.orders"} */ CREATE TABLE marts.orders AS SELECT * FROM raw.orders',
 {'query_hashes': {'normalized_literals': 'h2'}}, 'CREATE_TABLE_AS_SELECT', NULL,
 [{'project_id': 'shop-prod', 'dataset_id': 'raw', 'table_id': 'orders'}],
 [{'key': 'app', 'value': 'dbt'}, {'key': 'node_id', 'value': 'model_shop_orders'}], 20971520, 4000, false, NULL),
('j3', '2026-11-11 09:00:00+00', 'ana@shop.example', 'BEGIN SELECT 1; END', NULL, 'SCRIPT', NULL, [], [], 1, 1,
 false, NULL),
('j4', '2026-11-11 10:00:00+00', 'ben@shop.example', NULL, NULL, 'SELECT', NULL,
 [{'project_id': 'shop-prod', 'dataset_id': 'raw', 'table_id': 'orders'},
  {'project_id': 'shop-prod', 'dataset_id': 'raw', 'table_id': 'old orders'}], NULL, 0, NULL, true, NULL),
('j5', '2026-11-11 11:00:00+00', 'ben@shop.example', 'SELECT missing FROM marts.orders', NULL, 'SELECT', NULL, NULL,
 NULL, NULL, NULL, false, {'reason': 'invalidQuery', 'location': 'query', 'message': 'no such column'}),
('j8', '2026-11-11 11:30:00+00', 'dbt@shop-prod.iam.gserviceaccount.com',
 '/* {"app": "dbt", "node_id": "model.shop.broken"} */ SELECT nope FROM raw.orders', NULL, 'SELECT', NULL,
 [{'project_id': 'shop-prod', 'dataset_id': 'raw', 'table_id': 'orders'}], [], 7, 1000, false,
 {'reason': 'stopped', 'location': NULL, 'message': 'stopped'}),
('j6', '2026-10-31 23:59:59+00', 'ben@shop.example', 'SELECT too_early FROM marts.orders', NULL, 'SELECT', NULL, [],
 [], 5, 5, false, NULL),
('j7', '2026-11-11 12:00:00+00', 'ben@shop.example', 'SELECT 1 FROM marts.orders', NULL, NULL, NULL, [], [], 5, 5,
 false, NULL);
"""


@pytest.fixture
def bigquery(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    return stand_in(monkeypatch, tmp_path, "bigquery", JOBS.format(project="shop-prod", region="eu") + ROWS)


def rows(stand: StandIn, **options: object) -> list[dict[str, object]]:
    """Statements from START on in the order they ran."""
    profile = load_profile(stand.folder, environment={})
    with views.opened(profile) as connection:
        history = BigQueryHistory(options, stand.context())
        table = history.statements(["shop-prod"], "eu", START, connection.backend)
        return table.order_by("started").to_pyarrow().to_pylist()


def test_the_sql_is_bigquerys() -> None:
    history = BigQueryHistory({}, Context("/nowhere", NOW))
    sql = str(ibis.to_sql(history.statements(["shop-prod"], "eu", START), dialect="bigquery"))
    sqlglot.parse_one(sql, read="bigquery", error_level=sqlglot.ErrorLevel.RAISE)
    same_as_snapshot("bigquery.sql", sql)


def test_the_partition_column_is_compared_with_a_timestamp() -> None:
    """Compared with a DATETIME the statement would be refused, and no partition left out."""
    history = BigQueryHistory({}, Context("/nowhere", NOW))
    sql = str(ibis.to_sql(history.statements(["shop-prod"], "eu", START), dialect="bigquery"))
    assert "`creation_time` >= TIMESTAMP('2026-11-01T00:00:00+00:00')" in sql


def test_jobs_become_statements(bigquery: StandIn) -> None:
    first = rows(bigquery)[0]
    assert first | {"started": str(first["started"])} == {
        "started": "2026-11-10 23:30:00",
        "text": "SELECT amount FROM `shop-prod`.marts.orders WHERE id = 7",
        "hash": "h1",
        "user": "ana@shop.example",
        "application": None,
        "label": "{}",
        "seconds": 2.5,
        "cost": 10485760.0,
        "bytes": 10485760.0,
        "database": "shop-prod",
        "schema": None,
        "kind": "SELECT",
        "reads": None,
    }


def test_scripts_and_what_is_too_old_are_left_out(bigquery: StandIn) -> None:
    found = [row["text"] for row in rows(bigquery)]
    assert len(found) == 5
    assert "BEGIN SELECT 1; END" not in found
    assert "SELECT too_early FROM marts.orders" not in found
    assert "SELECT 1 FROM marts.orders" in found, "a job without a type is no script"


def test_labels_are_json(bigquery: StandIn) -> None:
    assert json.loads(str(rows(bigquery)[1]["label"])) == {"app": "dbt", "node_id": "model_shop_orders"}


def test_referenced_tables_stand_in_for_a_text_that_is_not_shown(bigquery: StandIn) -> None:
    hidden = rows(bigquery)[2]
    assert hidden["text"] is None
    assert json.loads(str(hidden["reads"])) == [
        ["shop-prod.raw.orders", None],
        ["shop-prod.raw.old orders", None],
    ]


def test_what_failed_read_nothing(bigquery: StandIn) -> None:
    """And is left out altogether, unless dbt ran it: that has a cost."""
    found = {str(row["text"]): row["reads"] for row in rows(bigquery, referenced=True)}
    assert not any("missing" in text for text in found)
    assert next(reads for text, reads in found.items() if "broken" in text) == "[]"


def test_referenced_tables_for_all_on_request(bigquery: StandIn) -> None:
    found = rows(bigquery, referenced=True)
    assert json.loads(str(found[0]["reads"])) == [["shop-prod.raw.orders", None]]
    assert found[1]["reads"] is None, "what a statement builds is only in its text"


def test_projects_of_one_region_are_one_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = JOBS.format(project="shop-lab", region="eu") + ROWS.replace("shop-prod.region", "shop-lab.region")
    stand = stand_in(monkeypatch, tmp_path, "bigquery", JOBS.format(project="shop-prod", region="eu") + ROWS + other)
    history = BigQueryHistory({}, stand.context())
    with views.opened(load_profile(tmp_path, environment={})) as connection:
        table = history.statements(["shop-prod", "shop-lab"], "eu", START, connection.backend)
        found = table.to_pyarrow().to_pylist()
    assert len(found) == 10
    assert {row["database"] for row in found} == {"shop-prod", "shop-lab"}


def test_a_region_that_cannot_be_read_is_named_with_the_right(bigquery: StandIn) -> None:
    with pytest.raises(WarehouseError) as caught:
        list(BigQueryHistory({"regions": ["US"]}, bigquery.context()).records())
    said = str(caught.value)
    assert "shop-prod.region-us.INFORMATION_SCHEMA.JOBS cannot be read" in said
    assert "bigquery.jobs.listAll" in said
    assert bigquery.profiles[-1].settings["location"] == "us"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"regions": ["eu`; drop"]}, "has a name that cannot be"),
        ({"regions": "eu"}, "is to be list, not str"),
        ({"projects": [7]}, "has a name that cannot be"),
        ({"region": ["eu"]}, "did you mean regions?"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")):
        BigQueryHistory(options, Context("/nowhere", NOW))


def test_a_profile_of_another_warehouse_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = stand_in(monkeypatch, tmp_path, "snowflake", "")
    with pytest.raises(ConfigError, match=r"cannot read the target 'dev', which is of type snowflake"):
        list(BigQueryHistory({}, stand.context()).records())


def test_from_the_view_to_the_records(bigquery: StandIn) -> None:
    records = list(BigQueryHistory({"regions": ["eu"], "keep_days": 21}, bigquery.context()).records())
    orders, old = "shop-prod.marts.orders", "shop-prod.raw.old orders"
    assert amounts(records) == {
        (orders, "", "queries", "2026-11-10", "person"): 1,
        (orders, "", "seconds", "2026-11-10", "person"): 2.5,
        (orders, "", "bytes", "2026-11-10", "person"): 10485760,
        (orders, "", "cost", "2026-11-10", "person"): 10485760,
        (orders, "amount", "queries", "2026-11-10", "person"): 1,
        (orders, "id", "queries", "2026-11-10", "person"): 1,
        (orders, "", "queries", "2026-11-11", "person"): 1,
        (orders, "", "seconds", "2026-11-11", "person"): 0.005,
        (orders, "", "bytes", "2026-11-11", "person"): 5,
        (orders, "", "cost", "2026-11-11", "person"): 5,
        ("shop-prod.raw.orders", "", "queries", "2026-11-11", "person"): 1,
        ("shop-prod.raw.orders", "*", "queries", "2026-11-11", "person"): 1,
        (old, "", "queries", "2026-11-11", "person"): 1,
        (old, "*", "queries", "2026-11-11", "person"): 1,
        ("model.shop.orders", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.orders", "", "seconds", "2026-11-11", "dbt"): 4,
        ("model.shop.orders", "", "bytes", "2026-11-11", "dbt"): 20971520,
        ("model.shop.orders", "", "cost", "2026-11-11", "dbt"): 20971520,
        ("model.shop.broken", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.broken", "", "seconds", "2026-11-11", "dbt"): 1,
        ("model.shop.broken", "", "bytes", "2026-11-11", "dbt"): 7,
        ("model.shop.broken", "", "cost", "2026-11-11", "dbt"): 7,
        ("shop-prod.marts.orders", "", "storage", "2026-11-22", ""): 5e12,
    }
    assert {one.unit for one in records if isinstance(one, Observation) and one.measure == "cost"} == {"bytes"}
    assert len(people(records, orders)) == 2
    assert people(records, old) < people(records, orders), "Ben read both"
    assert [(one.start, one.end) for one in records if isinstance(one, Coverage)] == [
        (date(2026, 11, 10), date(2026, 11, 22))
    ]
    assert not [one for one in records if isinstance(one, Gap)]
    keeps_secrets(records, "ana@", "ben@", "select", "where")


def test_a_later_sync_reads_a_little_before_the_one_before(bigquery: StandIn) -> None:
    since = datetime(2026, 11, 12, 6, tzinfo=UTC)
    records = list(BigQueryHistory({"regions": ["eu"]}, bigquery.context(since=since)).records())
    read = [one.day for one in records if isinstance(one, Observation) and one.measure != "storage"]
    assert set(read) == {date(2026, 11, 11)}
    coverage = next(one for one in records if isinstance(one, Coverage))
    assert (coverage.start, coverage.end) == (date(2026, 11, 11), date(2026, 11, 22))


def test_a_client_in_place_of_a_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ibis's BigQuery backend has no `con`."""
    closed = []
    backend = SimpleNamespace(disconnect=lambda: closed.append(True))
    profile = Profile("bigquery", "dev", "shop-prod", "", {})
    monkeypatch.setattr(
        "headway.warehouse.history.views.connect", lambda _: Connection(profile, ADAPTERS["bigquery"], backend)
    )
    with views.opened(profile):
        assert not closed
    assert closed == [True]
