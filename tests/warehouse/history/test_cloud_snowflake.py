"""Snowflake's ACCOUNT_USAGE: the SQL as a snapshot; and run for real, against fakesnow in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlglot
from cloud_warehouse import NOW, START, amounts, keeps_secrets, people, same_as_snapshot, stand_in

from headway.connectors.protocol import Context
from headway.errors import ConfigError, WarehouseError
from headway.graph.model import AnyRecord, Coverage, Gap, Observation
from headway.warehouse.history.snowflake import SnowflakeHistory, statements_sql

REPOSITORY = Path(__file__).resolve().parents[3]
NEEDS = ("fakesnow==0.12.1", "snowflake-connector-python<5", "ibis-framework[snowflake,duckdb]>=12", "msgspec",
         "ruamel.yaml", "sqlglot")  # fmt: skip
QUERIES = """
CREATE SCHEMA account_usage;
CREATE TABLE account_usage.query_history (query_id VARCHAR, query_text VARCHAR, query_type VARCHAR, query_tag VARCHAR,
  query_parameterized_hash VARCHAR, user_name VARCHAR, database_name VARCHAR, schema_name VARCHAR,
  start_time TIMESTAMPTZ, total_elapsed_time DOUBLE, bytes_scanned DOUBLE, execution_status VARCHAR);
"""


@pytest.mark.parametrize(
    ("name", "views"),
    [("snowflake.sql", {}), ("snowflake_text.sql", {"access": False}), ("snowflake_free.sql", {"attribution": False})],
)
def test_the_sql_is_snowflakes(name: str, views: dict[str, bool]) -> None:
    sql = statements_sql(("snowflake", "account_usage"), START, **views)
    sqlglot.parse_one(sql, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)
    same_as_snapshot(name, sql)


def test_copies_of_the_views_can_be_read_instead() -> None:
    sql = statements_sql(("audit", "copies"), START)
    tables = {t.sql("snowflake") for t in sqlglot.parse_one(sql, read="snowflake").find_all(sqlglot.exp.Table)}
    assert {name.partition(" ")[0] for name in tables if "." in name and "LATERAL" not in name} == {
        "audit.copies.query_history",
        "audit.copies.access_history",
        "audit.copies.query_attribution_history",
    }


def test_every_view_is_windowed() -> None:
    sql = statements_sql(("snowflake", "account_usage"), START)
    assert sql.count("start_time >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMPTZ)") == 3


def test_views_that_cannot_be_read_are_said_with_the_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = stand_in(monkeypatch, tmp_path, "snowflake", QUERIES, catalog="usage_copies")
    history = SnowflakeHistory({"account_usage": "usage_copies.account_usage"}, stand.context())
    access, attribution = (one for one in islice(history.records(), 2) if isinstance(one, Gap))
    assert "ACCESS_HISTORY cannot be read" in access.message
    assert "taken from the text" in access.message
    assert "Enterprise" in access.hint
    assert (attribution.topic, "no credits are known" in attribution.message) == ("cost", True)
    assert "IMPORTED PRIVILEGES" in attribution.hint
    assert "headway_reader" not in access.message + attribution.message


def test_no_history_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand = stand_in(monkeypatch, tmp_path, "snowflake", "SELECT 1")
    with pytest.raises(WarehouseError) as caught:
        list(SnowflakeHistory({}, stand.context()).records())
    assert "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY cannot be read" in str(caught.value)
    assert "IMPORTED PRIVILEGES" in str(caught.value)


def test_a_schema_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="is not the name of a view"):
        SnowflakeHistory({"account_usage": "x y"}, Context("/nowhere", NOW))


# --- Against fakesnow ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with fakesnow: HEADWAY_FAKESNOW_PYTHON, or a new environment that takes half a minute to make."""
    if given := os.environ.get("HEADWAY_FAKESNOW_PYTHON"):
        return given
    folder = tmp_path_factory.mktemp("fakesnow")
    venv.create(folder, with_pip=True)
    made = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    done = subprocess.run([made, "-m", "pip", "install", "-q", *NEEDS], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"fakesnow cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    return made


def ran(python: str, folder: Path, *left_out: str) -> tuple[list[dict[str, Any]], list[AnyRecord]]:
    """Statements and records of the history that fakesnow_account.py makes up."""
    script = Path(__file__).parent / "fakesnow_account.py"
    done = subprocess.run(
        [python, str(script), str(folder), *left_out],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return found["statements"], msgspec.convert(found["records"], list[AnyRecord])


@pytest.mark.integration
def test_from_account_usage_to_the_records(python: str, tmp_path: Path) -> None:
    statements, records = ran(python, tmp_path)
    assert [(row["seconds"], row["cost"], row["kind"]) for row in statements[:2]] == [
        (1.5, 0.25, "SELECT"),
        (0.5, 0.25, "SELECT"),
    ]
    view, customers, odd = "shop.marts.orders_v", "shop.marts.customers", "shop.marts.odd"
    assert amounts(records) == {
        (view, "", "queries", "2026-11-10", "person"): 2,
        (view, "", "seconds", "2026-11-10", "person"): 2.0,
        (view, "", "bytes", "2026-11-10", "person"): 200,
        (view, "", "cost", "2026-11-10", "person"): 0.5,
        (view, "amount", "queries", "2026-11-10", "person"): 2,
        (view, "id", "queries", "2026-11-10", "person"): 2,
        (view, "", "queries", "2026-11-11", "person"): 1,
        (view, "", "seconds", "2026-11-11", "person"): 0.25,
        (view, "*", "queries", "2026-11-11", "person"): 1,
        (customers, "", "queries", "2026-11-11", "person"): 1,
        (customers, "", "seconds", "2026-11-11", "person"): 0.1,
        (customers, "", "bytes", "2026-11-11", "person"): 10,
        (customers, "region", "queries", "2026-11-11", "person"): 1,
        (odd, "", "queries", "2026-11-11", "person"): 1,
        (odd, "", "seconds", "2026-11-11", "person"): 0.1,
        (odd, "", "bytes", "2026-11-11", "person"): 10,
        (odd, 'a "b"', "queries", "2026-11-11", "person"): 1,
        ("shop.raw.orders", "", "queries", "2026-11-11", "service"): 1,
        ("shop.raw.orders", "*", "queries", "2026-11-11", "service"): 1,
        ("shop.marts.wide", "", "seconds", "2026-11-11", "service"): 2.0,
        ("shop.marts.wide", "", "bytes", "2026-11-11", "service"): 40,
        ("shop.marts.wide", "", "cost", "2026-11-11", "service"): 1.0,
        ("model.shop.orders", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.orders", "", "seconds", "2026-11-11", "dbt"): 4.0,
        ("model.shop.orders", "", "bytes", "2026-11-11", "dbt"): 5000,
        ("model.shop.orders", "", "cost", "2026-11-11", "dbt"): 2.5,
        ("model.shop.broken", "", "queries", "2026-11-11", "dbt"): 1,
        ("model.shop.broken", "", "seconds", "2026-11-11", "dbt"): 1.0,
        ("model.shop.broken", "", "cost", "2026-11-11", "dbt"): 0.5,
        ("SHOP.MARTS.ORDERS", "", "storage", "2026-11-22", ""): 1236,
        ("SHOP.MARTS.EMPTY", "", "storage", "2026-11-22", ""): 0,
    }
    assert {one.unit for one in records if isinstance(one, Observation) and one.measure == "cost"} == {"credits"}
    assert len(people(records, view)) == 2
    assert [str(one.start) for one in records if isinstance(one, Coverage)] == ["2026-11-10"]
    assert not [one for one in records if isinstance(one, Gap)]
    keeps_secrets(records, '"ana"', '"ben"', "select", "where")


@pytest.mark.integration
def test_without_access_history_the_text_is_parsed(python: str, tmp_path: Path) -> None:
    statements, records = ran(python, tmp_path, "access")
    assert {row["reads"] for row in statements} == {None, "[]"}
    assert amounts(records)["shop.marts.orders_v", "id", "queries", "2026-11-10", "person"] == 2
    said = [one.message for one in records if isinstance(one, Gap)]
    assert len(said) == 1
    assert "ACCESS_HISTORY cannot be read" in said[0]


@pytest.mark.integration
def test_without_attribution_no_credits_are_known(python: str, tmp_path: Path) -> None:
    _, records = ran(python, tmp_path, "attribution")
    found = amounts(records)
    assert not [key for key in found if key[2] == "cost"]
    assert found["shop.marts.orders_v", "", "queries", "2026-11-10", "person"] == 2
    assert [one.topic for one in records if isinstance(one, Gap)] == ["cost"]
