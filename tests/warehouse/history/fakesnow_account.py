"""Runs the Snowflake history against fakesnow and prints what came of it as JSON; started by test_cloud_snowflake.py.

A process of its own, in an environment of its own: fakesnow needs another snowflake-connector-python than Ibis brings.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TABLES = """
create database if not exists snowflake;
create schema if not exists snowflake.account_usage;
create table snowflake.account_usage.query_history(
  query_id varchar, query_text varchar, query_type varchar, query_tag varchar, query_parameterized_hash varchar,
  user_name varchar, role_name varchar, warehouse_name varchar, session_id number, database_name varchar,
  schema_name varchar, start_time timestamp_ltz, total_elapsed_time number, bytes_scanned number,
  execution_status varchar, rows_inserted number);
create table snowflake.account_usage.access_history(
  query_id varchar, query_start_time timestamp_ltz, user_name varchar, direct_objects_accessed variant,
  base_objects_accessed variant, objects_modified variant);
create table snowflake.account_usage.query_attribution_history(
  query_id varchar, parent_query_id varchar, root_query_id varchar, user_name varchar, start_time timestamp_ltz,
  end_time timestamp_ltz, credits_attributed_compute float, credits_used_query_acceleration float);
create table snowflake.account_usage.table_storage_metrics(
  id number, table_name varchar, table_schema varchar, table_catalog varchar, is_transient varchar, active_bytes number,
  time_travel_bytes number, failsafe_bytes number, retained_for_clone_bytes number, deleted boolean,
  table_dropped timestamp_ltz)
"""
STORED = """
(1, 'ORDERS', 'MARTS', 'SHOP', 'NO', 1000, 200, 30, 4000000, false, null),
(2, 'ORDERS', 'MARTS', 'SHOP', 'NO', 0, 5, 1, 0, false, '2026-11-20'),
(3, 'ORDERS', 'MARTS', 'SHOP', 'NO', 7000000, 0, 0, 0, true, '2026-01-01'),
(4, 'EMPTY', 'MARTS', 'SHOP', 'YES', 0, 0, 0, 0, false, null)
"""
DBT = '{"app": "dbt", "dbt_version": "1.11.16", "node_id": "model.shop.orders", "target_name": "prod"}'
QUERIES = (
    # id, text, type, tag, hash, user, started, milliseconds, bytes, status
    ("q1", "select amount, id from orders_v where id = 7", "SELECT", "", "h1", "ANA", "2026-11-10 23:30:00", 1500, 100,
     "SUCCESS"),
    ("q2", "select amount, id from orders_v where id = 8", "SELECT", "", "h1", "ANA", "2026-11-10 23:40:00", 500, 100,
     "SUCCESS"),
    ("q3", "select count(*) from orders_v", "SELECT", "", "h3", "BEN", "2026-11-11 08:00:00", 250, 0, "SUCCESS"),
    ("q4", f"create table marts.orders as (select * from raw.orders) /* {DBT} */", "CREATE_TABLE_AS_SELECT", DBT, "h4",
     "SVC_DBT", "2026-11-11 03:00:00", 4000, 5000, "SUCCESS"),
    ("q5", "select nope from orders_v", "SELECT", "", "h5", "BEN", "2026-11-11 09:00:00", 10, 0, "FAIL"),
    ("q8", f"create view marts.broken as (select nope) /* {DBT.replace('orders', 'broken')} */", "CREATE_VIEW", "",
     "h8", "SVC_DBT", "2026-11-11 03:10:00", 1000, 0, "FAIL"),
    ("q9", "insert into marts.wide select * from raw.orders", "INSERT", "", "h9", "SVC_LOAD", "2026-11-11 04:00:00",
     2000, 40, "SUCCESS"),
    ("q6", "select region from shop.marts.customers", "SELECT", "", "h6", "BEN", "2026-11-11 10:00:00", 100, 10,
     "SUCCESS"),
    ("q7", 'select "x" from "odd"', "SELECT", "", "h7", "ANA", "2026-11-11 11:00:00", 100, 10, "SUCCESS"),
    ("q0", "select too_old from orders_v", "SELECT", "", "h0", "ANA", "2025-01-01 00:00:00", 1, 1, "SUCCESS"),
)  # fmt: skip
ORDERS_V = {"objectDomain": "View", "objectName": "SHOP.MARTS.ORDERS_V",
            "columns": [{"columnName": "AMOUNT"}, {"columnName": "ID"}]}  # fmt: skip
STAGE = {"objectDomain": "Stage", "objectName": "SHOP.MARTS.DROPS"}
ACCESS: dict[str, list[dict[str, Any]]] = {
    "q1": [ORDERS_V, STAGE],
    "q2": [ORDERS_V],
    "q3": [{**ORDERS_V, "columns": []}],
    "q4": [{"objectDomain": "Table", "objectName": "SHOP.RAW.ORDERS", "columns": [{"columnName": "ID"}]}],
    "q9": [{"objectDomain": "Table", "objectName": "SHOP.RAW.ORDERS", "columns": [{"columnName": "ID"}]}],
    "q7": [{"objectDomain": "Table", "objectName": 'SHOP.MARTS."odd"', "columns": [{"columnName": 'a "b"'}]}],
}
BASE = [{"objectDomain": "Table", "objectName": "SHOP.RAW.ORDERS", "columns": [{"columnName": "ID"}]}]
CREDITS = {"q1": (0.25, None), "q2": (0.125, 0.125), "q4": (2.0, 0.5), "q5": (0.01, None), "q8": (0.5, None),
           "q9": (1.0, None)}  # fmt: skip


def seed(cursor: Any, *, access: bool, attribution: bool) -> None:
    """Fill the three views; leave out those that a role without the right would not see."""
    for statement in TABLES.split(";"):
        if (access or "access_history" not in statement) and (attribution or "attribution" not in statement):
            cursor.execute(statement)
    cursor.execute(f"insert into snowflake.account_usage.table_storage_metrics values {STORED}")
    for query in QUERIES:
        started = query[6] + "+00:00"
        cursor.execute(
            "insert into snowflake.account_usage.query_history select %s, %s, %s, %s, %s, %s, 'R', 'W', 1, 'SHOP',"
            " 'MARTS', %s::timestamp_ltz, %s, %s, %s, 0",
            (*query[:6], started, *query[7:]),
        )
        if access and query[0] in ACCESS:
            cursor.execute(
                "insert into snowflake.account_usage.access_history"
                " select %s, %s::timestamp_ltz, %s, parse_json(%s), parse_json(%s), null",
                (query[0], started, query[5], json.dumps(ACCESS[query[0]]), json.dumps(BASE)),
            )
        if attribution and query[0] in CREDITS:
            cursor.execute(
                "insert into snowflake.account_usage.query_attribution_history"
                " select %s, null, null, %s, %s::timestamp_ltz, %s::timestamp_ltz, %s, %s",
                (query[0], query[5], started, started, *CREDITS[query[0]]),
            )


def whole_pattern(transform: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A transformation of fakesnow that leaves the backslashes of a pattern as many as there are."""

    def transformed(node: Any) -> Any:
        if type(node).__name__ in {"RegexpReplace", "RegexpExtract"} and node.expression.is_string:
            node.expression.args["this"] = node.expression.this.replace("\\", "\\\\")
        return transform(node)

    return transformed


def main(folder: Path, *left_out: str) -> None:
    """Print {"statements": ..., "records": ...} of a history in `folder`."""
    import fakesnow
    import msgspec
    from fakesnow import transforms
    from fakesnow.cursor import FakeSnowflakeCursor
    from fakesnow.variables import Variables
    from ibis.backends.snowflake import Backend

    from headway.connectors.protocol import Context
    from headway.warehouse.adapters import ADAPTERS
    from headway.warehouse.connection import Connection
    from headway.warehouse.history import views
    from headway.warehouse.history.snowflake import SnowflakeHistory
    from headway.warehouse.history.usage import History
    from headway.warehouse.profile import Profile

    # two methods of the real cursor that fakesnow lacks: Ibis fetches with them
    FakeSnowflakeCursor.fetch_arrow_all = lambda self, **_: self._arrow_table
    FakeSnowflakeCursor.fetch_arrow_batches = lambda self: iter([self._arrow_table])
    # it takes a dollar sign inside a literal for a session variable, which Snowflake does not
    Variables.inline_variables = lambda self, sql: sql
    # it halves the backslashes of a pattern after its parser has done so
    for name in ("regex_replace", "regex_substr"):
        setattr(transforms, name, whole_pattern(getattr(transforms, name)))
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (folder / "profiles.yml").write_text(
        "shop: {target: dev, outputs: {dev: {type: snowflake, account: a, database: SHOP, schema: MARTS}}}\n"
    )
    with fakesnow.patch():
        import snowflake.connector

        session = snowflake.connector.connect(database="SHOP", schema="MARTS")
        seed(session.cursor(), access="access" not in left_out, attribution="attribution" not in left_out)

        def connect(profile: Profile) -> Connection:
            # fakesnow knows no ALTER SESSION, with which Ibis begins, so the session is put into a backend as it is
            backend = Backend()
            backend.con = session
            return Connection(profile, ADAPTERS["snowflake"], backend)

        session.close = lambda: None  # it is used twice
        views.connect = connect
        context = Context(str(folder), NOW, {"HEADWAY_PEOPLE_KEY": "a key of the tests, long enough"})
        history = SnowflakeHistory({"keep_days": 30}, context)
        given = History.of("snowflake_history", "snowflake", {"keep_days": 30}, context, cost_unit="credits")
        with views.opened(views.profile(context, history._options, history.name, "snowflake")) as connection:
            table = history.statements(
                connection, given, access="access" not in left_out, attribution="attribution" not in left_out
            )
            statements = table.order_by("started").to_pyarrow().to_pylist()
        records = list(history.records())
    sys.stdout.write(
        json.dumps({"statements": statements, "records": [msgspec.to_builtins(r) for r in records]}, default=str)
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), *sys.argv[2:])
