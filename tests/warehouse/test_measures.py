"""Measures of BI tools on DuckDB, held against SQL written by hand; and that nothing of them is trusted."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from headway.errors import InputError
from headway.graph.model import Binding, Gap, Reading, Target
from headway.warehouse.connection import Connection
from headway.warehouse.measures import measure_sql
from headway.warehouse.values import evaluate

AS_OF = date(2026, 10, 6)
NOW = datetime(2026, 10, 6, 8, 30, tzinfo=UTC)
REVENUE = {
    "expression": "SUM(orders.amount)",
    "alias": "orders",
    "relation": "main.orders",
    "dialect": "",
    "time": {"ordered": "orders.ordered_at"},
}
Ask = Callable[..., list[Reading | Gap]]


@pytest.fixture
def ask(shop: Connection, tmp_path: Path) -> Ask:
    """Evaluate one measure for one key result; there is no manifest at all."""

    def run(computed: dict[str, Any], **binding: Any) -> list[Reading | Gap]:
        target = Target(
            key_result="goal:key_result.o.kr",
            objective="goal:objective.o",
            start=date(2026, 7, 1),
            due=date(2026, 12, 31),
            binding=Binding(metric="orders.revenue", **binding),
        )
        return list(
            evaluate(
                [target],
                manifest_path=tmp_path / "none.json",
                connection=shop,
                as_of=AS_OF,
                now=NOW,
                measures={target.key_result: computed},
            )
        )

    return run


def the_value(records: list[Reading | Gap]) -> float | None:
    (reading,) = records
    assert isinstance(reading, Reading), reading
    return reading.value


def the_gap(records: list[Reading | Gap]) -> str:
    (gap,) = records
    assert isinstance(gap, Gap)
    return f"{gap.message} | {gap.hint}"


def scalar(shop: Connection, sql: str) -> float:
    return float(shop.rows(sql)[0][0])


def test_a_value_to_date(ask: Ask, shop: Connection) -> None:
    records = ask(REVENUE)
    inside = "ordered_at >= '2026-07-01' AND ordered_at < '2026-10-07'"
    assert the_value(records) == scalar(shop, f"SELECT SUM(amount) FROM main.orders WHERE {inside}")
    assert (records[0].source, records[0].day, records[0].grain) == ("measure", AS_OF, "")


def test_a_value_per_month(ask: Ask, shop: Connection) -> None:
    found = {r.day: r.value for r in ask(REVENUE, grain="month") if isinstance(r, Reading)}
    oracle = shop.rows(
        "SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), CAST(SUM(amount) AS DOUBLE) FROM main.orders "
        "WHERE ordered_at < '2026-10-07' GROUP BY 1"
    )
    assert found == {day: value for day, value in oracle if day >= min(found)}
    assert len(found) > 3


def test_a_condition_of_the_key_result_comes_on_top(ask: Ask, shop: Connection) -> None:
    inside = "ordered_at >= '2026-07-01' AND ordered_at < '2026-10-07' AND amount > 50"
    oracle = scalar(shop, f"SELECT SUM(amount) FROM main.orders WHERE {inside}")
    assert the_value(ask(REVENUE, where=("orders.amount > 50",))) == oracle


def test_a_derived_table_and_no_time(ask: Ask, shop: Connection) -> None:
    query = "WITH big AS (SELECT customer_id FROM main.orders WHERE amount > 50) SELECT customer_id FROM big"
    computed = {"expression": "COUNT(DISTINCT fans.customer_id)", "alias": "fans", "query": query, "time": {}}
    oracle = scalar(shop, "SELECT COUNT(DISTINCT customer_id) FROM main.orders WHERE amount > 50")
    assert the_value(ask(computed)) == oracle
    assert "no time dimension, so it has no value by month" in the_gap(ask(computed, grain="month"))


def test_words_of_time_are_relative_to_the_day_of_evaluation(ask: Ask, shop: Connection) -> None:
    last_month = "SUM(CASE WHEN orders.ordered_at >= HEADWAY_DATE('month', -1) AND orders.ordered_at < HEADWAY_DATE('month', 0) THEN orders.amount END)"  # noqa: E501
    oracle = "SELECT SUM(amount) FROM main.orders WHERE ordered_at >= '2026-09-01' AND ordered_at < '2026-10-01'"
    assert the_value(ask({**REVENUE, "expression": last_month})) == scalar(shop, oracle)


def test_the_period_of_a_time(ask: Ask, shop: Connection) -> None:
    months = "COUNT(DISTINCT HEADWAY_PERIOD('month', orders.ordered_at))"
    assert the_value(ask({**REVENUE, "expression": months, "time": {}})) == 9


def test_sql_of_another_dialect_is_written_in_that_of_the_warehouse() -> None:
    computed = {
        "expression": "SAFE_DIVIDE(SUM(o.amount), COUNT(*))",
        "alias": "o",
        "relation": "`shop.main.orders`",
        "dialect": "bigquery",
        "time": {"ordered": "o.ordered_at"},
    }
    sql = measure_sql(computed, dialect="duckdb", as_of=AS_OF, time="ordered", grain="week")
    assert "`" not in sql
    assert "SAFE_DIVIDE" not in sql
    assert "shop" in sql


def test_which_time_dates_a_row(ask: Ask) -> None:
    several = {**REVENUE, "time": {"ordered": "orders.ordered_at", "shipped": "orders.shipped_at"}}
    assert "several time dimensions: ordered, shipped | name one, as in `time: ordered`" in the_gap(ask(several))
    assert the_value(ask(several, time="ordered")) == the_value(ask(REVENUE))
    assert "no time dimension 'paid' | it has ordered" in the_gap(ask(REVENUE, time="paid"))


def test_what_cannot_be_evaluated_says_why(ask: Ask) -> None:
    assert "is not evaluated: it reads another view" in the_gap(ask({"problem": "it reads another view"}))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"expression": "1; DROP TABLE main.orders"}, "expression of the measure is not SQL"),
        ({"expression": "(DELETE FROM main.orders)"}, "is not SQL|more than read|is a query"),
        ({"expression": "SUM(amount) FROM main.visits --"}, "is not SQL"),
        ({"expression": 7}, "is not a text"),
        ({"expression": ""}, "empty|not SQL"),
        ({"relation": "main.orders; DROP TABLE main.orders"}, "several statements|is not SQL"),
        ({"relation": "main.orders, main.visits"}, "is not SQL|more than the name"),
        ({"relation": "main.orders JOIN main.visits ON TRUE"}, "is not SQL|more than the name"),
        ({"relation": "(SELECT 1)"}, "is not the name of a table|is not SQL"),
        ({"query": "DROP TABLE main.orders"}, "is not a SELECT"),
        (
            {"query": "WITH gone AS (DELETE FROM main.orders RETURNING 1) SELECT * FROM gone"},
            "is not SQL|more than read",
        ),
        ({"query": "SELECT 1; SELECT 2"}, "several statements"),
        ({"query": "COPY main.orders TO '/tmp/x'"}, "is not a SELECT"),
        ({"time": {"ordered": "orders.ordered_at; DROP TABLE x"}}, "time of the measure is not SQL"),
        ({"expression": "HEADWAY_DATE('century', 1)"}, "unit of time"),
        ({"expression": "HEADWAY_DATE('year', 99999)"}, "no calendar has"),
        ({"expression": "HEADWAY_DATE('year', (SELECT 1))"}, "no calendar has|query"),
    ],
)
def test_nothing_but_one_select_is_ever_run(ask: Ask, shop: Connection, changed: dict[str, Any], said: str) -> None:
    before = scalar(shop, "SELECT COUNT(*) FROM main.orders")
    gap = the_gap(ask({**REVENUE, **changed}))
    assert "has no value" in gap
    assert "main." not in gap.replace('"main"."orders"', ""), "the other tool's SQL is quoted"
    assert re.search(said, gap), gap
    assert scalar(shop, "SELECT COUNT(*) FROM main.orders") == before


def test_an_alias_is_a_name_and_nothing_else() -> None:
    sql = measure_sql({**REVENUE, "alias": 'o" CROSS JOIN v AS "x'}, dialect="duckdb", as_of=AS_OF)
    assert '"o"" CROSS JOIN v AS ""x"' in sql


def test_a_measure_without_a_table_is_refused() -> None:
    with pytest.raises(InputError):
        measure_sql({"expression": "1", "alias": "x"}, dialect="duckdb", as_of=AS_OF)
