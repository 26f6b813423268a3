"""Expressions that mean the same are one text; those that do not, are not."""

from __future__ import annotations

import re

import pytest

from headway.graph import canonical
from headway.graph.canonical import conditions, expression


def form(sql: str) -> tuple[str, frozenset[str]]:
    found = expression(sql, lambda name: name, rows="orders")
    assert found is not None, sql
    return found.text, found.filters


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sum(a)", 'SUM( ("A") )'),
        ("count(*)", "count(1)"),
        ("count(*)", "sum(1)"),
        ("sum(a + b)", "sum(b + a)"),
        ("sum(a) / count(*)", "1.0 * sum(a) / nullif(count(1), 0)"),
        ("sum(case when s = 'x' then a end)", "sum(case when 'x' = s then a else 0 end)"),
        ("sum(a) filter (where s = 'x')", "sum(case when s = 'x' then a end)"),
        ("count(case when f then 1 end)", "sum(case when f then 1 else 0 end)"),
        ("count(distinct case when f then u end)", "count(distinct u) filter (where f = true)"),
        ("sum(case when s in ('a', 'b') then a end)", "sum(case when s in ('b', 'a') then a end)"),
        ("sum(case when a > 1 and f then b end)", "sum(case when f and 1 < a then b end)"),
    ],
)
def test_what_means_the_same_is_one_text(one: str, other: str) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sum(a - b)", "sum(b - a)"),
        ("sum(a) / sum(b)", "sum(b) / sum(a)"),
        ("count(a)", "count(distinct a)"),
        ("count(distinct a)", "approx_count_distinct(a)"),
        ("avg(case when f then a end)", "avg(case when f then a else 0 end)"),
        ("sum(a)", "100 * sum(a)"),
        ("sum(case when s = 'x' then a end)", "sum(case when s = 'X' then a end)"),
        ("sum(case when a > 1 then b end)", "sum(case when a >= 1 then b end)"),
        ("sum(case when a = 1 or f then b end)", "sum(case when a = 1 and f then b end)"),
        ("sum(cast(a as int))", "sum(cast(a as double))"),
        ("quantile(a, 0.5)", "quantile(a, 0.9)"),
    ],
)
def test_what_does_not_is_two(one: str, other: str) -> None:
    assert form(one) != form(other)


@pytest.mark.parametrize(
    "broken",
    ["", "sum(", "select 1", "a, b", "sum(a) from t", "(" * 5_000, "sum(a" + " + a" * 20_000 + ")", "'" * 99],
)
def test_what_cannot_be_read_has_no_form(broken: str) -> None:
    assert expression(broken, lambda name: name) is None


def test_a_number_that_no_memory_holds_is_kept_as_it_is() -> None:
    assert form("sum(a) * 1e999999")[0] == "(1E+999999 * sum(a))"


def test_conditions_are_one_each() -> None:
    found = conditions("not f and (a = 1 or b) and a is not null", lambda name: f"t.{name}")
    assert found == {"t.f = false", "(t.a = 1 or t.b)", "not(t.a is null)"}
    assert conditions("a = ", lambda name: name) is None


@pytest.mark.parametrize("function", ["sum", "AVG", "min", "Max"])
@pytest.mark.parametrize(
    "column", ["amount", "Amount_EUR", "_x1", "day", "date", "user", "value", "type", "null", "current_date"]
)
def test_what_needs_no_parser_is_as_the_parser_says(
    function: str, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = f"{function}({column})"
    quick = expression(sql, lambda name: f"orders.{name}")
    monkeypatch.setattr(canonical, "_PLAIN", re.compile(r"(?!)"))
    assert quick == expression(sql, lambda name: f"orders.{name}")
    assert quick is not None
