"""Metrics of dbt 1.0 to 1.5, translated to SQL and held against SQL written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from headway.errors import InputError
from headway.graph.model import Binding, Gap, Reading, Target
from headway.warehouse.connection import Connection
from headway.warehouse.legacy import is_additive, legacy_sql
from headway.warehouse.manifest import Manifest
from headway.warehouse.periods import Window
from headway.warehouse.values import evaluate

AS_OF = date(2026, 10, 6)
QUARTER = Window(date(2026, 7, 1), date(2026, 9, 30))
IN_QUARTER = "ordered_at >= '2026-07-01' AND ordered_at < '2026-10-01'"
Load = Callable[[dict[str, Any]], Manifest]


def old(name: str, method: str, expression: str, **more: Any) -> dict[str, Any]:
    """A metric as dbt 1.3 to 1.5 wrote it (manifests v7 to v9)."""
    return {
        "name": name, "calculation_method": method, "expression": expression, "timestamp": "ordered_at", "filters": [],
        "window": None, "model": "ref('orders')", "depends_on": {"nodes": ["model.shop.orders"]}, "metrics": [], **more,
    }  # fmt: skip


def older(name: str, method: str, sql: str) -> dict[str, Any]:
    """The same as dbt 1.0 to 1.2 wrote it (manifests v4 to v6)."""
    return {
        "name": name, "type": method, "sql": sql, "timestamp": "ordered_at", "filters": [], "model": "ref('orders')",
        "depends_on": {"nodes": ["model.shop.orders"]},
    }  # fmt: skip


def derived(name: str, expression: str, *parts: str, **more: Any) -> dict[str, Any]:
    nodes = {"nodes": [f"metric.shop.{p}" for p in parts]}
    made = {"depends_on": nodes, "metrics": [[p] for p in parts], "model": None, "timestamp": None}
    return {**old(name, "derived", expression), **made, **more}


METRICS = [
    old("revenue", "sum", "amount"),
    old("orders", "count", "*"),
    old("buyers", "count_distinct", "customer_id"),
    old("smallest", "min", "amount"),
    old("largest", "max", "amount"),
    old("mean", "average", "amount"),
    old("middle", "median", "amount"),
    old("big_orders", "count", "order_id", filters=[{"field": "amount", "operator": ">=", "value": "50"}]),
    older("revenue_v4", "sum", "amount"),
    older("orders_v6", "count", "*"),
    derived("aov", "revenue / orders", "revenue", "orders"),
    derived("share", "big_orders * 1.0 / orders", "big_orders", "orders"),
    derived("twice_aov", "aov * 2", "aov"),
    derived("by_ids_only", "revenue - 1", "revenue", metrics=[]),
    old("undated", "sum", "amount", timestamp=None),
    old("rolling", "sum", "amount", window={"count": 14, "period": "day"}),
    old("guess", "percentile", "amount"),
    old("nowhere", "sum", "amount", depends_on={"nodes": []}),
    old("injected", "sum", "amount", filters=[{"field": "1 = 1); DROP TABLE x --", "operator": "=", "value": "1"}]),
    old("odd_filter", "sum", "amount", filters=[{"field": 3}]),
    derived("loop_a", "loop_b", "loop_b"),
    derived("loop_b", "loop_a", "loop_a"),
    derived("lonely", "1"),
]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    path = tmp_path_factory.mktemp("legacy") / "manifest.json"
    document = {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v9.json", "adapter_type": "duckdb"},
        "nodes": {
            "model.shop.orders": {"name": "orders", "resource_type": "model", "relation_name": '"main"."orders"'}
        },
        "metrics": {f"metric.shop.{m['name']}": m for m in METRICS},
    }
    path.write_text(json.dumps(document))
    return Manifest(path)


ORACLE = {
    "revenue": "SUM(amount)",
    "orders": "COUNT(*)",
    "buyers": "COUNT(DISTINCT customer_id)",
    "smallest": "MIN(amount)",
    "largest": "MAX(amount)",
    "mean": "AVG(amount)",
    "middle": "MEDIAN(amount)",
    "big_orders": "COUNT(CASE WHEN amount >= 50 THEN 1 END)",
    "revenue_v4": "SUM(amount)",
    "orders_v6": "COUNT(*)",
    "aov": "SUM(amount) / COUNT(*)",
    "share": "COUNT(CASE WHEN amount >= 50 THEN 1 END) * 1.0 / COUNT(*)",
    "twice_aov": "SUM(amount) / COUNT(*) * 2",
    "by_ids_only": "SUM(amount) - 1",
}


@pytest.mark.parametrize("name", sorted(ORACLE))
def test_each_method_by_month_and_as_one_value(manifest: Manifest, shop: Connection, name: str) -> None:
    by_month = legacy_sql(manifest, name, dialect="duckdb", grain="month", window=QUARTER)
    oracle = (
        f"SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), {ORACLE[name]} FROM main.orders "
        f"WHERE {IN_QUARTER} GROUP BY 1 ORDER BY 1"
    )
    assert shop.rows(by_month) == shop.rows(oracle)
    assert len(shop.rows(by_month)) == 3
    whole = legacy_sql(manifest, name, dialect="duckdb", window=QUARTER)
    assert shop.rows(whole) == shop.rows(f"SELECT {ORACLE[name]} FROM main.orders WHERE {IN_QUARTER}")


def test_conditions_apply_to_every_part(manifest: Manifest, shop: Connection) -> None:
    sql = legacy_sql(manifest, "aov", dialect="duckdb", where=["customer_id < 30"], window=QUARTER)
    oracle = f"SELECT SUM(amount) / COUNT(*) FROM main.orders WHERE {IN_QUARTER} AND customer_id < 30"
    assert shop.rows(sql) == shop.rows(oracle)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rolling", "has a rolling `window`"),
        ("guess", "aggregated by 'percentile', which is not known"),
        ("nowhere", "names no model"),
        ("injected", "is not SQL|several statements"),
        ("odd_filter", "not {field, operator, value}"),
        ("loop_a", "computed from itself"),
        ("lonely", "names no other metrics"),
        ("missing", "there is no metric called"),
    ],
)
def test_what_cannot_be_translated(manifest: Manifest, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        legacy_sql(manifest, name, dialect="duckdb")


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery", "databricks", "redshift", "trino"])
def test_other_warehouses_get_their_own_words(manifest: Manifest, dialect: str) -> None:
    from sqlglot import parse_one

    for name in ORACLE:
        sql = legacy_sql(manifest, name, dialect=dialect, grain="month", window=QUARTER)
        assert parse_one(sql, dialect=dialect).sql(dialect=dialect)
    if dialect == "postgres":
        assert "PERCENTILE_CONT(0.5)" in legacy_sql(manifest, "middle", dialect=dialect)


def test_only_sums_and_counts_are_added_up(manifest: Manifest) -> None:
    assert {m for m in ORACLE if is_additive(manifest.metric(m))} == {
        "revenue", "orders", "big_orders", "revenue_v4", "orders_v6",
    }  # fmt: skip


def evaluated(manifest: Manifest, shop: Connection, metric: str, grain: str = "") -> list[Reading | Gap]:
    bound = Target(
        key_result="goal:key_result.o.kr", objective="goal:objective.o", start=date(2026, 7, 1),
        due=date(2026, 12, 31), binding=Binding(metric=metric, grain=grain),
    )  # fmt: skip
    now = datetime(2026, 10, 6, tzinfo=UTC)
    return list(evaluate([bound], manifest_path=manifest.path, connection=shop, as_of=AS_OF, now=now))


def test_a_key_result_by_month(manifest: Manifest, shop: Connection) -> None:
    found = evaluated(manifest, shop, "revenue", "month")
    oracle = shop.rows(
        "SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), CAST(SUM(amount) AS DOUBLE) FROM main.orders "
        "WHERE ordered_at < '2026-10-07' GROUP BY 1"
    )
    assert {r.day: r.value for r in found if isinstance(r, Reading)} == dict(oracle)
    assert {r.source for r in found if isinstance(r, Reading)} == {"sql"}


@pytest.mark.parametrize(("metric", "points"), [("orders", 12), ("aov", 1)])
def test_a_key_result_to_date(manifest: Manifest, shop: Connection, metric: str, points: int) -> None:
    found = evaluated(manifest, shop, metric)
    value = shop.rows(
        f"SELECT CAST({ORACLE[metric]} AS DOUBLE) FROM main.orders "
        "WHERE ordered_at >= '2026-07-01' AND ordered_at < '2026-10-07'"
    )[0][0]
    last = found[-1]
    assert isinstance(last, Reading)
    assert (len(found), last.day, last.value) == (points, AS_OF, value)


def test_a_metric_without_time_is_read_as_it_stands(manifest: Manifest, shop: Connection) -> None:
    (reading,) = evaluated(manifest, shop, "undated", "month")
    assert isinstance(reading, Reading)
    assert (reading.day, reading.grain) == (AS_OF, "")
    assert reading.value == float(shop.rows("SELECT SUM(amount) FROM main.orders")[0][0])


@pytest.mark.parametrize("metric", ["rolling", "loop_a", "injected"])
def test_what_cannot_be_translated_is_a_gap(manifest: Manifest, shop: Connection, metric: str) -> None:
    (gap,) = evaluated(manifest, shop, metric)
    assert isinstance(gap, Gap)
    assert gap.message.startswith("'kr' has no value: ")
