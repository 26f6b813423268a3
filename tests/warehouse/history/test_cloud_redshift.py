"""Redshift's system views: the statements as a snapshot, and what they fetch from rows of the documented shape."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
import sqlglot
from cloud_warehouse import NOW, StandIn, amounts, keeps_secrets, people, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.errors import WarehouseError
from headway.graph.model import Gap
from headway.warehouse.history import views
from headway.warehouse.history.redshift import (
    _PROVISIONED,
    _SERVERLESS,
    RedshiftHistory,
    _kind,
    _Loaded,
    page_sql,
    pages,
)
from headway.warehouse.profile import load_profile

DAY = datetime(2026, 11, 20)
NEXT = datetime(2026, 11, 21)
NAMES = """
CREATE TABLE svv_table_info (database VARCHAR, schema VARCHAR, table_id BIGINT, "table" VARCHAR, size BIGINT);
INSERT INTO svv_table_info VALUES ('shop', 'marts ', 101, 'orders', 12), ('shop', 'raw', 102, 'orders', 0);
CREATE TABLE svv_user_info (user_id BIGINT, user_name VARCHAR);
INSERT INTO svv_user_info VALUES (100, 'ana'), (101, 'svc_dbt'), (1, 'rdsdb');
"""
LONG = "select amount from marts.orders where id in (" + "1," * 3000
SYS = f"""
CREATE TABLE sys_query_history (
  user_id BIGINT, query_id BIGINT, query_label VARCHAR, transaction_id BIGINT, session_id BIGINT,
  database_name VARCHAR, query_type VARCHAR, status VARCHAR, result_cache_hit BOOLEAN, start_time TIMESTAMP,
  end_time TIMESTAMP, elapsed_time BIGINT, queue_time BIGINT, execution_time BIGINT, returned_rows BIGINT,
  returned_bytes BIGINT, query_text VARCHAR
);
INSERT INTO sys_query_history VALUES
(100, 1, 'default', 1, 1, 'shop   ', 'SELECT', 'success', false, '2026-11-20 08:00:00', NULL, 2500000, 0, 1, 1, 1,
 rpad('-- Metabase:: userID: 7 queryType: native queryHash: ab\\nselect amount from marts.orders', 4000, ' ')),
(100, 2, 'default', 1, 1, 'shop', 'SELECT', 'success', false, '2026-11-20 09:00:00', NULL, 1000000, 0, 1, 1, 1,
 '{LONG[:4000]}'),
(100, 3, 'default', 1, 1, 'shop', 'SELECT', 'failed', false, '2026-11-20 10:00:00', NULL, 0, 0, 1, 1, 1,
 'select nope from marts.orders'),
(101, 7, 'default', 1, 1, 'shop', 'SELECT', 'canceled', false, '2026-11-20 10:30:00', NULL, 3000000, 0, 1, 1, 1,
 '/* {{"app": "dbt", "node_id": "model.shop.broken"}} */ select nope'),
(1, 4, 'maintenance', 1, 1, 'shop', 'UTILITY', 'success', false, '2026-11-20 10:00:00', NULL, 0, 0, 1, 1, 1, 'vacuum'),
(999, 5, 'default', 1, 1, 'shop', 'CTAS', 'success', false, '2026-11-20 11:00:00', NULL, NULL, 0, 1, 1, 1,
 'create table marts.orders as select * from raw.orders'),
(100, 6, 'default', 1, 1, 'shop', 'SELECT', 'success', false, '2026-11-21 00:00:00', NULL, 1, 0, 1, 1, 1, 'select 6');
CREATE TABLE sys_query_detail (query_id BIGINT, table_id BIGINT, start_time TIMESTAMP);
INSERT INTO sys_query_detail VALUES
(1, 101, '2026-11-20 08:00:00'), (2, 101, '2026-11-20 09:00:00'), (2, 101, '2026-11-20 09:00:01'),
(2, 777, '2026-11-20 09:00:01'), (2, 0, '2026-11-20 09:00:01');
"""
PIECES = [LONG[at : at + 200] for at in range(0, len(LONG), 200)]
STORED = ", ".join(f"(101, 2, {n}, '{piece}')" for n, piece in reversed(list(enumerate(PIECES))))
STL = f"""
CREATE TABLE stl_query (userid BIGINT, query BIGINT, label VARCHAR, xid BIGINT, pid BIGINT, database VARCHAR,
  querytxt VARCHAR, starttime TIMESTAMP, endtime TIMESTAMP, aborted BIGINT);
CREATE TABLE stl_querytext (userid BIGINT, query BIGINT, sequence BIGINT, text VARCHAR);
CREATE TABLE stl_scan (query BIGINT, tbl BIGINT);
INSERT INTO stl_query VALUES
(100, 1, '', 1, 1, 'shop', 'select amount from marts.orders', '2026-11-20 08:00:00', '2026-11-20 08:00:02.5', 0),
(101, 2, '', 1, 1, 'shop', '{LONG[:4000]}', '2026-11-20 09:00:00', '2026-11-20 09:00:01', 0),
(101, 3, '', 1, 1, 'shop', '{LONG[:4000]}', '2026-11-20 09:30:00', '2026-11-20 09:30:01', 0),
(100, 4, '', 1, 1, 'shop', 'select nope from marts.orders', '2026-11-20 10:00:00', '2026-11-20 10:00:01', 1),
(1, 5, '', 1, 1, 'shop', 'vacuum', '2026-11-20 10:00:00', '2026-11-20 10:00:01', 0);
INSERT INTO stl_scan VALUES (1, 101), (2, 101), (3, 101), (3, 102), (3, 0);
INSERT INTO stl_querytext VALUES {STORED},
(101, 3, 0, 'select amount'), (101, 3, 2, 'a piece is missing before this one');
"""


def fetched(stand: StandIn, *, provisioned: bool = False) -> tuple[list[dict[str, object]], _Loaded]:
    """What one day becomes, in the order it ran."""
    with views.opened(load_profile(stand.folder, environment={})) as connection:
        loaded = _Loaded(connection, _PROVISIONED if provisioned else _SERVERLESS)
        loaded.read(DAY, NEXT)
        return loaded.statements().order_by("started").to_pyarrow().to_pylist(), loaded


@pytest.fixture
def serverless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    return stand_in(monkeypatch, tmp_path, "redshift", NAMES + SYS)


@pytest.fixture
def provisioned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    return stand_in(monkeypatch, tmp_path, "redshift", NAMES + STL)


@pytest.mark.parametrize("cluster", [_SERVERLESS, _PROVISIONED], ids=["redshift_sys", "redshift_stl"])
def test_the_sql_is_redshifts(cluster: object, request: pytest.FixtureRequest) -> None:
    parts = [page_sql(getattr(cluster, part), DAY, NEXT) for part in ("statements", "scans", "pieces")]
    trees = [sqlglot.parse_one(p, read="redshift", error_level=sqlglot.ErrorLevel.RAISE) for p in parts if p]
    same_as_snapshot(f"{request.node.callspec.id}.sql", "\n;\n".join(t.sql("redshift", pretty=True) for t in trees))


def test_queries_become_statements(serverless: StandIn) -> None:
    first = fetched(serverless)[0][0]
    assert first | {"started": str(first["started"])} == {
        "started": "2026-11-20 08:00:00",
        "text": "-- Metabase:: userID: 7 queryType: native queryHash: ab\nselect amount from marts.orders",
        "hash": None,
        "user": "ana",
        "application": None,
        "label": None,
        "seconds": 2.5,
        "cost": None,
        "bytes": None,
        "database": "shop",
        "schema": None,
        "kind": "SELECT",
        "reads": None,
    }


def test_a_cut_text_is_replaced_by_what_was_scanned(serverless: StandIn) -> None:
    rows, loaded = fetched(serverless)
    assert json.loads(str(rows[1]["reads"])) == [["shop.marts.orders", None]]
    assert (loaded.cut, loaded.rows) == (1, 4)


def test_what_failed_read_nothing_and_redshifts_own_user_is_left_out(serverless: StandIn) -> None:
    rows, _ = fetched(serverless)
    assert [(row["user"], row["kind"], row["reads"], row["seconds"]) for row in rows[2:]] == [
        ("svc_dbt", "SELECT", "[]", 3.0),
        ("999", "CTAS", None, None),
    ]


def test_a_provisioned_cluster_has_its_texts_in_pieces(provisioned: StandIn) -> None:
    rows, loaded = fetched(provisioned, provisioned=True)
    assert [row["user"] for row in rows] == ["ana", "svc_dbt", "svc_dbt"], "what failed is left out"
    assert [(row["kind"], row["seconds"]) for row in rows] == [("SELECT", 2.5), ("SELECT", 1.0), ("SELECT", 1.0)]
    assert rows[1]["text"] == LONG, "put together from its pieces, in their order"
    assert rows[1]["reads"] is None
    assert json.loads(str(rows[2]["reads"])) == [["shop.marts.orders", None], ["shop.raw.orders", None]]
    assert (loaded.cut, loaded.rows) == (1, 3), "one has lost a piece"


def test_days_are_read_whole_up_to_today() -> None:
    days = list(pages(datetime(2026, 11, 20), datetime(2026, 11, 22, 6)))
    assert days == [(datetime(2026, 11, d), datetime(2026, 11, d + 1)) for d in (20, 21, 22)]


def test_nothing_is_written_to_disk(serverless: StandIn) -> None:
    _, loaded = fetched(serverless)
    setting = loaded._backend.raw_sql("SELECT current_setting('temp_directory')").fetchone()
    assert setting == ("",)


@pytest.mark.parametrize("options", [{}, {"provisioned": True}], ids=["sys_query_history", "stl_query"])
def test_a_view_that_cannot_be_read_is_named_with_the_right(
    options: dict[str, object], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand = stand_in(monkeypatch, tmp_path, "redshift", "SELECT 1")
    with pytest.raises(WarehouseError) as caught:
        list(RedshiftHistory(options, stand.context()).records())
    assert f"{request.node.callspec.id} cannot be read" in str(caught.value)
    assert "SYSLOG ACCESS UNRESTRICTED" in str(caught.value)


def test_names_that_cannot_be_looked_up_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    records = list(RedshiftHistory({}, stand_in(monkeypatch, tmp_path, "redshift", SYS).context()).records())
    gaps = [one for one in records if isinstance(one, Gap)]
    assert [(gap.message.partition(";")[0], gap.hint) for gap in gaps[-2:]] == [
        ("svv_user_info cannot be read", "GRANT SELECT ON svv_user_info TO <the user>"),
        ("svv_table_info cannot be read", "GRANT SELECT ON svv_table_info TO <the user>"),
    ]
    orders = ("shop.marts.orders", "", "queries", "2026-11-20", "person")
    assert amounts(records)[orders] == 1, "use is known all the same, save that of the statement that was cut"


def test_options_are_checked() -> None:
    with pytest.raises(Exception, match="is to be bool, not str"):
        RedshiftHistory({"provisioned": "yes"}, Context("/nowhere", NOW))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select 1", "SELECT"),
        ("  ( Select 1)", "SELECT"),
        ("with a as (select 1) select * from a", "SELECT"),
        ("/* {} */ -- more\ninsert into t select 1", "INSERT"),
        ("create table t as select 1", "CREATE"),
        ("", ""),
        ("/* cut", ""),
    ],
)
def test_the_kind_of_a_text(text: str, kind: str) -> None:
    assert _kind(text) == kind


def test_from_the_views_to_the_records(serverless: StandIn) -> None:
    records = list(RedshiftHistory({}, serverless.context()).records())
    orders = "shop.marts.orders"
    found = amounts(records)
    assert found == {
        (orders, "", "queries", "2026-11-20", "person"): 2,
        (orders, "", "seconds", "2026-11-20", "person"): 3.5,
        (orders, "amount", "queries", "2026-11-20", "person"): 1,
        (orders, "*", "queries", "2026-11-20", "person"): 1,
        ("shop.raw.orders", "", "queries", "2026-11-20", "service"): 1,
        ("shop.raw.orders", "*", "queries", "2026-11-20", "service"): 1,
        ("model.shop.broken", "", "queries", "2026-11-20", "dbt"): 1,
        ("model.shop.broken", "", "seconds", "2026-11-20", "dbt"): 3,
        (orders, "", "storage", "2026-11-22", ""): 12 * 1024 * 1024,
        ("shop.raw.orders", "", "storage", "2026-11-22", ""): 0,
    }
    assert len(people(records, orders)) == 2, "Metabase's user 7, and Ana"
    gap = next(one for one in records if isinstance(one, Gap))
    assert gap.message.startswith("1 statement was cut at 4,000 characters by Redshift")
    keeps_secrets(records, "select", '"ana"', "1,1,1")
