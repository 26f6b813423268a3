"""A key result bound to a measure of LookML, from files to its reading: the whole way, on DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.shop import GOALS, SETTINGS, write_shop

from headway.graph.model import Gap
from headway.project.workspace import Project

VIEW = """
view: orders {
  sql_table_name: main.orders ;;
  dimension: status {}
  dimension: net { type: number sql: ${TABLE}.amount - ${TABLE}.tax ;; }
  dimension_group: ordered { type: time timeframes: [date, month] sql: ${TABLE}.ordered_at ;; }
  dimension_group: paid { type: time timeframes: [date] sql: ${TABLE}.paid_at ;; }
  measure: paid_revenue { type: sum sql: ${net} ;; filters: [status: "paid,sent"] }
  measure: median_net { type: median sql: ${net} ;; }
}
explore: orders {}
"""
BOARD = """
- dashboard: weekly
  title: Weekly numbers
  elements:
  - {name: revenue, model: tea, explore: orders, fields: [orders.ordered_month, orders.paid_revenue]}
"""
PROFILE = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: FOLDER/wh.duckdb, schema: main}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(
        tmp_path,
        settings=f"{SETTINGS}warehouse: {{profiles_dir: '{tmp_path}'}}\nconnectors: {{name: lookml, path: looker}}\n",
    )
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILE.replace("FOLDER", str(tmp_path)))
    (tmp_path / "looker").mkdir()
    (tmp_path / "looker" / "tea.model.lkml").write_text(VIEW)
    (tmp_path / "looker" / "weekly.dashboard.lookml").write_text(BOARD)
    model = tmp_path / "looker" / "tea.model.lkml"
    model.write_text('include: "*.dashboard"\n' + model.read_text())
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as warehouse:
        warehouse.execute(
            "CREATE TABLE orders AS SELECT i AS id, i * 10 AS amount, i % 3 AS tax, "
            "['paid', 'sent', 'new'][1 + i % 3] AS status, "
            "TIMESTAMP '2026-09-01 12:00:00' + INTERVAL (i) DAY AS ordered_at, NULL::TIMESTAMP AS paid_at "
            "FROM range(0, 90) AS r(i)"
        )
    return tmp_path


def goals(shop: Path, binding: str) -> None:
    (shop / "goals.yml").write_text(GOALS.replace("metric: revenue\n", f"{binding}\n").replace("[sales_board]", "[]"))


def synced(shop: Path) -> tuple[dict[str, float | None], list[str]]:
    """Readings by day, and what was said about values."""
    (values,) = (r for r in Project.open(shop).sync() if r.connector == "values")
    assert not values.error
    graph = Project.open(shop).graph()
    goal = graph.index["goal:key_result.grow.revenue"]
    found = {str(r.day): r.value for r in graph.readings.get(goal, ()) if r.source == "measure"}
    return found, [gap.message for gap in values.gaps if isinstance(gap, Gap)]


def test_the_reading_is_what_sql_written_by_hand_gives(shop: Path) -> None:
    goals(shop, "metric: orders.paid_revenue\n        time: ordered")
    with duckdb.connect(str(shop / "wh.duckdb")) as warehouse:
        oracle = warehouse.execute(
            "SELECT SUM(amount - tax) FROM orders WHERE status IN ('paid', 'sent') "
            "AND ordered_at >= '2026-10-01' AND ordered_at < '2026-11-23'"
        ).fetchone()
    assert oracle is not None
    found, said = synced(shop)
    assert found == {"2026-11-22": float(oracle[0])}
    assert said == []


def test_a_reading_per_month(shop: Path) -> None:
    goals(shop, "metric: orders.paid_revenue\n        time: ordered\n        grain: month")
    with duckdb.connect(str(shop / "wh.duckdb")) as warehouse:
        oracle = warehouse.execute(
            "SELECT CAST(date_trunc('month', ordered_at) AS DATE), SUM(amount - tax) FROM orders "
            "WHERE status IN ('paid', 'sent') AND ordered_at < '2026-11-23' GROUP BY 1"
        ).fetchall()
    found, _ = synced(shop)
    assert found == {str(day): float(value) for day, value in oracle}
    assert len(found) == 3


def test_the_table_serves_and_the_dashboard_informs(shop: Path) -> None:
    goals(shop, "metric: orders.paid_revenue\n        time: ordered")
    graph = Project.open(shop).graph()
    goal = graph.index["goal:key_result.grow.revenue"]
    orders = graph.index["dbt:model.shop.orders"]
    assert graph.computes[orders] >> graph.bit[goal] & 1, "the model does not serve the key result"
    assert [graph.nodes[i].id for i in graph.shown_on[goal]] == [
        "lookml:chart.looker.weekly.revenue",
        "lookml:dashboard.looker.weekly",
    ]


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ("metric: orders.paid_revenue", "several time dimensions: ordered, paid"),
        ("metric: orders.median_net", "the measure is not evaluated: measures of type median are not evaluated"),
        ("metric: orders.paid_revenue\n        time: shipped", "no time dimension 'shipped'"),
    ],
)
def test_what_has_no_value_says_why(shop: Path, binding: str, said: str) -> None:
    goals(shop, binding)
    found, messages = synced(shop)
    assert found == {}
    assert said in messages[0]
