"""SQL for key results bound to models and to queries: built from trees, refused when it is more than one expression."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.errors import InputError
from headway.warehouse.connection import Connection
from headway.warehouse.periods import Window
from headway.warehouse.statements import column, last_data_sql, model_sql, parsed, table, wrapped_sql

QUARTER = Window(date(2026, 7, 1), date(2026, 9, 30))


def test_a_model_without_time_is_one_value(shop: Connection) -> None:
    sql = model_sql('"main"."orders"', "sum(amount) / count(distinct customer_id)", dialect="duckdb")
    assert shop.rows(sql) == shop.rows("SELECT SUM(amount) / COUNT(DISTINCT customer_id) FROM main.orders")


def test_conditions_are_kept_apart(shop: Connection) -> None:
    conditions = ["amount > 50 OR amount < 10", "customer_id <= 30"]
    sql = model_sql('"main"."orders"', "count(*)", dialect="duckdb", where=conditions)
    oracle = "SELECT COUNT(*) FROM main.orders WHERE (amount > 50 OR amount < 10) AND customer_id <= 30"
    assert shop.rows(sql) == shop.rows(oracle)


def test_both_ends_of_the_window_are_included(shop: Connection) -> None:
    sql = model_sql('"main"."orders"', "count(*)", dialect="duckdb", time="ordered_at", window=QUARTER)
    oracle = "SELECT COUNT(*) FROM main.orders WHERE ordered_at >= '2026-07-01' AND ordered_at < '2026-10-01'"
    assert shop.rows(sql) == shop.rows(oracle)


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_periods_of_a_model(shop: Connection, grain: str) -> None:
    sql = model_sql('"main"."orders"', "sum(amount)", dialect="duckdb", time="ordered_at", grain=grain, window=QUARTER)
    oracle = (
        f"SELECT CAST(DATE_TRUNC('{grain}', ordered_at) AS DATE), SUM(amount) FROM main.orders "
        "WHERE ordered_at >= '2026-07-01' AND ordered_at < '2026-10-01' GROUP BY 1 ORDER BY 1"
    )
    assert shop.rows(sql) == shop.rows(oracle)


def test_weeks_begin_on_monday_on_bigquery_too() -> None:
    sql = model_sql("`p`.`d`.`t`", "sum(x)", dialect="bigquery", time="made_on", grain="week")
    assert "DATE_TRUNC(CAST(made_on AS DATE), ISOWEEK)" in sql


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sum(x); drop table y", "is not SQL"),
        ("drop table y", "is not SQL"),
        ("sum(x) from y", "is not SQL"),
        ("x = 1) or (1 = 1", "is not SQL"),
        ("sum(x) as total", "is not SQL"),
        ("sum(", "is not SQL"),
        ("", "is empty"),
        (" -- nothing", "is empty"),
        ("(select 1)", "is a query, not an expression"),
        ("(" * 20000 + "1", "is nested too deeply"),
        ("'unended", "is not SQL"),
    ],
)
def test_what_is_not_an_expression(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parsed(text, "duckdb", "expression")


@given(st.text())
@example("->")
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        sql = model_sql('"main"."orders"', text, dialect="duckdb")
    except InputError:
        return
    assert ";" not in sql or ";" in text


def test_time_must_be_a_column() -> None:
    assert column('"Order Date"', "duckdb").name == "Order Date"
    for text in ("now()", "1", "a + b", "*"):
        with pytest.raises(InputError, match=r"must name a column|is not SQL"):
            column(text, "duckdb")


def test_a_relation_must_be_a_table() -> None:
    assert table('"a"."b"."c"', "duckdb").sql("duckdb") == '"a"."b"."c"'
    with pytest.raises(InputError):
        table("(select 1)", "duckdb")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select 1; delete from x", "holds several statements"),
        ("with a as (delete from x returning 1) select * from a", "would do more than read: DELETE"),
        ("select * into y from x", "would do more than read: INTO"),
        ("select * from x for update", "would do more than read: LOCK"),
        ("update x set y = 1", "is not a SELECT but UPDATE"),
        ("copy x to '/tmp/x'", "is not a SELECT"),
        ("attach 'x'", "is not SQL"),
        ("set x = 1", "is not a SELECT"),
        ("pragma version", "is not a SELECT"),
        ("vacuum", "is not a SELECT"),
        ("call f()", "is not a SELECT"),
        ("selec 1", "is not SQL"),
        (";", "is empty"),
        ("", "is empty"),
    ],
)
def test_a_query_that_is_not_one_select(sql: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        wrapped_sql(sql, dialect="postgres")


def test_a_query_is_run_as_written(shop: Connection) -> None:
    written = "with a as (select 1 as x union all select 2)\nselect sum(x) as total from a -- ;\n ; ; "
    sql = wrapped_sql(written, dialect="duckdb")
    assert "select sum(x) as total from a -- ;\n" in sql
    assert shop.rows(sql) == [(3,)]
    assert shop.rows(wrapped_sql(written, dialect="duckdb", where=["total > 3"])) == []


def test_the_last_day_that_has_data(shop: Connection) -> None:
    clocks = [('"main"."orders"', "ordered_at"), ('"main"."visits"', "CAST(visited_at AS DATE)")]
    one = last_data_sql(clocks[:1], dialect="duckdb", end=date(2026, 12, 31))
    both = last_data_sql(clocks, dialect="duckdb", end=date(2026, 12, 31))
    assert shop.rows(one) == [(date(2026, 10, 2),)]
    assert shop.rows(both) == [(date(2026, 10, 7),)]
    assert shop.rows(last_data_sql(clocks, dialect="duckdb", end=date(2025, 1, 1))) == [(None,)]
