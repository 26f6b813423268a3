"""Suggested goal links: which dashboards seem to show a key result, how surely, and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from case_graph import AS_OF, records_of
from headway.graph.graph import Graph
from headway.graph.model import Decision, Edge, Node
from headway.graph.suggest import LEAST, suggestions

SHOP = """
source raw_orders
model orders < raw_orders
model revenue_by_day < orders
model customers < raw_orders
metric mrr < orders aggregates=sum(amount) title="Monthly revenue"
objective grow "Grow" 2026-10-01..2026-12-31
key_result grow.mrr < mrr title=mrr
columns raw_orders: id, gross, status, customer_id
columns orders: id < raw_orders.id, amount < raw_orders.gross, status < raw_orders.status
columns revenue_by_day: day < raw_orders.id, revenue < orders.amount
columns customers: customer_id < raw_orders.customer_id
columns mrr: mrr < orders.amount
"""
CHART = """
chart trend < orders title="Monthly revenue" aggregates=sum(amount)
dashboard board < trend
columns trend: revenue < orders.amount
"""


def graph(*texts: str, decisions: tuple[Decision, ...] = ()) -> Graph:
    return Graph([*records_of("\n".join(texts)), *decisions], as_of=AS_OF)


def found(*texts: str, **more: object) -> dict[str, tuple[float, tuple[str, ...]]]:
    g = graph(*texts, **more)  # type: ignore[arg-type]
    return {g.nodes[s.board].name: (s.score, s.reasons) for s in suggestions(g)}


def test_a_chart_that_shows_the_metric_is_suggested_with_its_dashboard() -> None:
    assert found(SHOP, CHART) == {
        "board": (
            1.0,
            (
                "it shows orders.amount, which mrr is computed from",
                "it computes sum(amount), as mrr does",
                "it is called 'Monthly revenue'",
            ),
        )
    }


def test_a_suggestion_says_which_chart_it_rests_on() -> None:
    g = graph(SHOP, CHART)
    [only] = suggestions(g)
    assert [g.nodes[i].name for i in (only.board, only.chart, only.goal)] == ["board", "trend", "mrr"]


def test_a_suggestion_counts_for_nothing() -> None:
    g = graph(SHOP, CHART)
    assert suggestions(g)
    assert g.informs[g.index["board"]] == 0


def test_a_chart_on_no_dashboard_is_suggested_itself() -> None:
    alone = CHART.replace("dashboard board < trend", "")
    assert list(found(SHOP, alone)) == ["trend"]


def test_a_chart_on_something_made_from_the_metric_s_columns() -> None:
    chart = """
    chart daily < revenue_by_day aggregates=sum(revenue)
    columns daily: revenue < revenue_by_day.revenue
    """
    score, reasons = found(SHOP, chart)["daily"]
    assert LEAST <= score < 1
    assert reasons[0] == "it shows orders.amount, which mrr is computed from"


def test_the_metric_made_from_what_the_chart_shows() -> None:
    chart = """
    chart raw < raw_orders title="Revenue monthly" aggregates=sum(gross)
    columns raw: gross < raw_orders.gross
    """
    score, reasons = found(SHOP, chart)["raw"]
    assert LEAST <= score < 1
    assert reasons == ("it shows raw_orders.gross, which mrr is made from", "it is called 'Revenue monthly'")


def test_a_chart_on_the_same_table_that_shows_something_else_is_not_suggested() -> None:
    chart = """
    chart statuses < orders title="Monthly revenue" aggregates=count(status)
    columns statuses: status < orders.status
    """
    assert found(SHOP, chart) == {}


def test_other_columns_decide_even_where_the_name_is_the_same() -> None:
    chart = """
    chart mrr_chart < customers title="Monthly revenue" aggregates=sum(customer_id)
    columns mrr_chart: revenue < customers.customer_id
    """
    assert found(SHOP, chart) == {}


def test_what_a_chart_filters_by_is_no_value() -> None:
    chart = """
    chart filtered < orders aggregates=max(id)
    columns filtered: id < orders.id | shape orders.amount
    """
    assert found(SHOP, chart) == {}


def test_the_filter_of_the_metric_weighs_in() -> None:
    shop = SHOP.replace("mrr < orders.amount", "mrr < orders.amount | shape orders.status")
    kept = CHART.replace("revenue < orders.amount", "revenue < orders.amount | shape orders.status")
    unfiltered, filtered = found(shop, CHART)["board"], found(shop, kept)["board"]
    assert filtered[0] == 1.0
    assert unfiltered[0] < filtered[0]
    assert filtered[1][-1] == "its rows hang on status as well"


def test_another_aggregate_of_the_same_column_scores_less() -> None:
    other = CHART.replace("sum(amount)", "avg(amount)")
    assert found(SHOP, other)["board"][0] == pytest.approx(0.722)


def test_the_same_columns_alone_are_not_enough() -> None:
    other = (
        CHART.replace("sum(amount)", "max(amount)")
        .replace("Monthly revenue", "Largest")
        .replace(": revenue", ": largest")
    )
    assert found(SHOP, other) == {}


def test_counting_rows_of_the_same_table() -> None:
    shop = SHOP.replace("sum(amount)", "count()").replace("columns mrr: mrr < orders.amount", "columns mrr: mrr")
    chart = """
    chart volume < orders title="Monthly revenue" aggregates=count()
    columns volume: rows
    """
    score, reasons = found(shop, chart)["volume"]
    assert score >= LEAST
    assert "it counts rows of orders as well" in reasons


def test_without_columns_the_name_and_the_table_are_needed() -> None:
    assert found(SHOP, 'exposure a < orders title="Monthly revenue"') == {
        "a": (pytest.approx(LEAST + 0.1), ("it is called 'Monthly revenue'", "it reads orders, as mrr does"))
    }
    assert found(SHOP, 'exposure a < orders title="Weekly churn"') == {}
    assert found(SHOP, 'exposure a < customers title="Monthly revenue"') == {}


def test_a_dashboard_that_shows_it_already_is_not_suggested() -> None:
    shown = SHOP.replace("key_result grow.mrr < mrr title=mrr", "key_result grow.mrr < mrr shown_on=board")
    assert found(shown, CHART) == {}
    assert found(SHOP, CHART.replace("trend < orders", "trend < orders, mrr")) == {}


def test_what_somebody_declined_is_not_suggested_again() -> None:
    no = Decision(upstream="board", downstream="goal:key_result.grow.mrr", role="shows", accepted=False)
    assert found(SHOP, CHART, decisions=(no,)) == {}
    other = replace(no, upstream="elsewhere")
    assert list(found(SHOP, CHART, decisions=(other,))) == ["board"]


def test_goals_that_have_ended_get_none() -> None:
    assert found(SHOP.replace("2026-10-01..2026-12-31", "2026-07-01..2026-09-30"), CHART) == {}


def test_the_best_chart_of_a_dashboard_speaks_for_it() -> None:
    more = """
    chart worse < orders aggregates=avg(amount)
    columns worse: x < orders.amount
    """
    text = CHART.replace("dashboard board < trend", more + "dashboard board < trend, worse")
    g = graph(SHOP, text)
    assert [(g.nodes[s.chart].name, s.score) for s in suggestions(g)] == [("trend", 1.0)]


def test_the_order_of_records_does_not_matter() -> None:
    records = records_of(SHOP + CHART)
    one, other = Graph(records, as_of=AS_OF), Graph(list(reversed(records)), as_of=AS_OF)
    names = [
        [(g.nodes[s.board].id, g.nodes[s.goal].id, s.score, s.reasons) for s in suggestions(g)] for g in (one, other)
    ]
    assert names[0] == names[1]


def test_candidates_are_no_reason() -> None:
    assert (
        found(
            SHOP,
            CHART.replace("revenue < orders.amount", "revenue < orders.amount?").replace(
                '"Monthly revenue"', '"Sales"'
            ),
        )
        == {}
    )


def test_a_circle_of_columns_ends() -> None:
    circle = """
    model a < b
    model b < a
    chart c < a aggregates=sum(x)
    columns a: x < b.x, y < orders.amount
    columns b: x < a.x
    columns c: x < a.x
    """
    assert found(SHOP, circle) == {}


def test_no_goals_no_suggestions() -> None:
    assert (
        suggestions(Graph([Node(id="d", kind="dashboard", name="d"), Edge(upstream="d", downstream="d")], as_of=AS_OF))
        == []
    )
