"""What tables occupy: the SQL as snapshots, hostile answers, and DuckDB for real."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from cloud_warehouse import KEY, NOW, keeps_secrets, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.errors import ConfigError, WarehouseError
from headway.graph.model import AnyRecord, Gap, Observation
from headway.project.plugins import connector_class
from headway.warehouse.adapters import ADAPTERS
from headway.warehouse.connection import Connection
from headway.warehouse.history import storage
from headway.warehouse.history.bigquery import BigQueryHistory
from headway.warehouse.history.duckdb import DuckdbHistory
from headway.warehouse.history.postgres import PostgresHistory
from headway.warehouse.history.snowflake import SnowflakeHistory
from headway.warehouse.profile import Profile

SQL = {
    "snowflake": storage.snowflake_sql(("SNOWFLAKE", "ACCOUNT_USAGE")),
    "bigquery": storage.BIGQUERY.format(project="shop-prod", region="eu"),
    "redshift": storage.REDSHIFT,
    "postgres": storage.postgres_sql(150_000),
}
LOG = "context_id,timestamp,type,log_level,message\n1,2026-11-21 10:00:00+00,QueryLog,INFO,select 1 from t\n"


@pytest.mark.parametrize("dialect", SQL)
def test_the_sql_is_the_warehouses(dialect: str) -> None:
    tree = sqlglot.parse_one(SQL[dialect], read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    same_as_snapshot(f"storage_{dialect}.sql", tree.sql(dialect, pretty=True))


def sizes(records: Iterable[AnyRecord]) -> dict[str, float]:
    """Bytes by relation."""
    found = [one for one in records if isinstance(one, Observation) and one.measure == "storage"]
    assert {(one.unit, one.person, one.person_class, one.tool, one.column) for one in found} <= {
        ("bytes", "", "", "", "")
    }
    return {one.relation: one.amount for one in found}


def told(rows: list[tuple[Any, ...]] | WarehouseError) -> list[Observation | Gap]:
    """What comes of these rows, or of a warehouse that refuses."""
    profile = Profile("snowflake", "dev", "", "", {"user": "jo_reader"})

    def ask(_: Connection) -> list[tuple[Any, ...]]:
        if isinstance(rows, WarehouseError):
            raise rows
        return rows

    connection = Connection(profile, ADAPTERS["snowflake"], None)
    return list(storage.stored(connection, ask, name="x_history", now=NOW, needs="GRANT x"))


def test_one_amount_per_relation_on_the_day_of_the_sync() -> None:
    found = told([("shop", "marts", "b", 2), ("shop", "marts", "a", 1), ("shop", "marts", "b", 3.5)])
    assert [(str(one.day), one.relation, one.amount) for one in found if isinstance(one, Observation)] == [
        ("2026-11-22", "shop.marts.a", 1),
        ("2026-11-22", "shop.marts.b", 5.5),
    ]


@pytest.mark.parametrize("size", [None, -1, float("nan"), float("inf")])
def test_what_is_no_size_is_left_out(size: Any) -> None:
    assert sizes(told([("shop", "marts", "a", size), ("shop", "marts", "b", 0), ("shop", None, "c", 5)])) == {
        "shop.marts.b": 0
    }


def test_a_warehouse_that_refuses_is_a_gap_without_its_login() -> None:
    [gap] = told(WarehouseError("snowflake refused the query: JO_READER may not"))
    assert isinstance(gap, Gap)
    assert (gap.topic, gap.hint) == ("cost", "GRANT x")
    assert gap.message == "what tables occupy cannot be read: snowflake refused the query: *** may not"


def test_a_view_that_cannot_be_read_leaves_the_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jobs = """CREATE TABLE "shop-prod.region-eu.INFORMATION_SCHEMA.JOBS" (creation_time TIMESTAMPTZ,
      user_email VARCHAR, query VARCHAR, query_info STRUCT(query_hashes STRUCT(normalized_literals VARCHAR)),
      statement_type VARCHAR, referenced_tables STRUCT(project_id VARCHAR, dataset_id VARCHAR, table_id VARCHAR)[],
      labels STRUCT("key" VARCHAR, "value" VARCHAR)[], total_bytes_billed BIGINT, total_slot_ms BIGINT,
      error_result STRUCT(reason VARCHAR));
    INSERT INTO "shop-prod.region-eu.INFORMATION_SCHEMA.JOBS" VALUES ('2026-11-21 08:00:00+00', 'ana@shop.example',
      'SELECT 1 FROM marts.orders', NULL, 'SELECT', [], [], 5, 5, NULL);"""
    stand = stand_in(monkeypatch, tmp_path, "bigquery", jobs)
    records = list(BigQueryHistory({"regions": ["eu"]}, stand.context()).records())
    [gap] = [one for one in records if isinstance(one, Gap)]
    assert gap.message.startswith("what tables occupy cannot be read: bigquery refused the query")
    assert "metadataViewer" in gap.hint
    assert "headway_reader" not in gap.message
    assert [one.measure for one in records if isinstance(one, Observation)].count("queries")
    silent = list(BigQueryHistory({"regions": ["eu"], "storage": False}, stand.context()).records())
    assert [one for one in records if one != gap] == silent, "nobody is asked where it is switched off"


def test_copies_of_snowflakes_view_are_read_where_the_others_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = """CREATE SCHEMA account_usage;
    CREATE TABLE account_usage.query_history (query_id VARCHAR, query_text VARCHAR, query_type VARCHAR,
      query_tag VARCHAR, query_parameterized_hash VARCHAR, user_name VARCHAR, database_name VARCHAR,
      schema_name VARCHAR, start_time TIMESTAMPTZ, total_elapsed_time DOUBLE, bytes_scanned DOUBLE,
      execution_status VARCHAR);
    CREATE TABLE account_usage.table_storage_metrics (table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR,
      active_bytes BIGINT, time_travel_bytes BIGINT, failsafe_bytes BIGINT, deleted BOOLEAN);
    INSERT INTO account_usage.table_storage_metrics VALUES ('SHOP', 'MARTS', 'ORDERS', 1000, 20, 3, false);"""
    stand = stand_in(monkeypatch, tmp_path, "snowflake", data, catalog="usage_copies", macros=SNOWFLAKE_MACROS)
    records = SnowflakeHistory({"account_usage": "usage_copies.account_usage"}, stand.context()).records()
    assert sizes(records) == {"SHOP.MARTS.ORDERS": 1023}


SNOWFLAKE_MACROS = "CREATE TEMP MACRO convert_timezone(zone, moment) AS moment AT TIME ZONE zone;"


# --- DuckDB ----------------------------------------------------------------------------------------------------------


def shop(folder: Path, sql: str = "") -> Path:
    """A project whose profile names `shop.duckdb`, with a log beside it."""
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (folder / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n")
    (folder / "log.csv").write_text(LOG)
    if sql:
        with duckdb.connect(str(folder / "shop.duckdb")) as connection:
            connection.execute(sql)
            connection.execute("CHECKPOINT")
    return folder / "shop.duckdb"


def duckdb_history(folder: Path, **options: Any) -> list[AnyRecord]:
    context = Context(str(folder), datetime(2026, 11, 22, 6, tzinfo=UTC), KEY)
    return list(DuckdbHistory({"path": "log.csv", **options}, context).records())


def test_blocks_of_a_duckdb_file_belong_to_its_tables(tmp_path: Path) -> None:
    file = shop(
        tmp_path,
        """CREATE SCHEMA marts; CREATE VIEW seen AS SELECT 1;
        CREATE TABLE marts.big AS SELECT range AS id, md5(CAST(range AS VARCHAR)) AS secret_word FROM range(300000);
        CREATE TABLE small AS SELECT 'a' || range AS word FROM range(50);
        CREATE TABLE other AS SELECT 'b' || range AS word FROM range(50);
        CREATE TABLE "odd 'na""me" AS SELECT 'c' || range AS word FROM range(50);
        CREATE TABLE empty (id INTEGER)""",
    )
    records = duckdb_history(tmp_path, storage=True)
    found = sizes(records)
    assert set(found) == {
        "shop.marts.big", "shop.main.small", "shop.main.other", 'shop.main.odd \'na"me', "shop.main.empty",
    }  # fmt: skip
    assert found["shop.main.empty"] == 0
    assert 300_000 * 16 < found["shop.marts.big"] <= file.stat().st_size
    # 16 random bytes in each row cannot be stored in less
    assert 0 < found["shop.main.small"] < found["shop.marts.big"] / 10
    with duckdb.connect(str(file)) as connection:
        used, block = connection.execute("SELECT used_blocks, block_size FROM pragma_database_size()").fetchall()[0]
    assert sum(found.values()) <= used * block
    assert not [one for one in records if isinstance(one, Gap)]
    keeps_secrets(records, "secret_word", "c4ca4238")


def test_many_small_tables_are_no_more_than_their_file(tmp_path: Path) -> None:
    tables = (f"CREATE TABLE t{n} (w VARCHAR); INSERT INTO t{n} SELECT 'x' || range FROM range(9)" for n in range(20))
    file = shop(tmp_path, "BEGIN;" + ";".join(tables) + ";COMMIT")
    found = sizes(duckdb_history(tmp_path, storage=True))
    assert len(found) == 20
    assert 0 < sum(found.values()) <= file.stat().st_size


def test_a_duckdb_file_is_opened_only_when_asked_and_its_absence_leaves_the_use(tmp_path: Path) -> None:
    shop(tmp_path)
    silent = duckdb_history(tmp_path)
    assert not [one for one in silent if isinstance(one, Gap)]
    *rest, gap = duckdb_history(tmp_path, storage=True)
    assert rest == silent
    assert isinstance(gap, Gap)
    assert "there is no DuckDB file" in gap.message


def test_a_file_that_is_none_is_a_gap(tmp_path: Path) -> None:
    shop(tmp_path).write_bytes(b"\x00" * 4096)
    gap = duckdb_history(tmp_path, storage=True)[-1]
    assert isinstance(gap, Gap)
    assert gap.topic == "cost"


# --- Options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["snowflake", "bigquery", "redshift", "postgres", "duckdb"])
def test_storage_is_yes_or_no(name: str) -> None:
    needed = {"duckdb": {"path": "log.csv"}, "postgres": {"logs": "x.json"}}
    with pytest.raises(ConfigError, match=r"option storage of .* is to be bool, not str"):
        connector_class(f"{name}_history")({**needed.get(name, {}), "storage": "yes"}, Context("/nowhere", NOW, KEY))


@pytest.mark.parametrize("name", ["databricks", "trino"])
def test_where_no_list_of_sizes_is_kept_there_is_no_option(name: str) -> None:
    found: Any = connector_class(f"{name}_history")
    assert "storage" not in {option.name for option in found.options}


def test_logs_of_postgres_are_read_without_a_profile_unless_storage_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "pg.json").write_text("")
    options = {"logs": "pg.json"}
    context = Context(str(tmp_path), NOW, KEY)
    assert list(PostgresHistory(options, context).records())
    with pytest.raises(ConfigError):
        list(PostgresHistory({**options, "storage": True}, context).records())
