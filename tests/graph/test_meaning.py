"""What metrics mean, as far as their definitions, aggregates and columns tell."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from headway.graph.alike import alike
from headway.graph.graph import Graph
from headway.graph.meaning import Meaning, Meanings
from headway.graph.model import AnyRecord, Binding, ColumnLineage, ColumnSource, Edge, Node, Target

SIMPLE: dict[str, Any] = {"type": "simple", "agg": "sum", "expr": "amount", "over": "orders"}


def metric(name: str, definition: object = None, *above: str, **more: Any) -> list[AnyRecord]:
    meta = {"definition": definition} if definition is not None else {}
    node = Node(id=name, kind="metric", name=name, **{"meta": meta, **more})
    return [node, *(Edge(upstream=up, downstream=name) for up in above or ("orders",))]


ORDERS: list[AnyRecord] = [
    Node(id="orders", kind="model", name="orders"),
    ColumnLineage(node="orders", columns={"amount": (), "status": ()}),
]


def graph(*records: list[AnyRecord]) -> Graph:
    return Graph([*ORDERS, *(r for some in records for r in some)], as_of=date(2026, 11, 22))


def meaning(records: list[AnyRecord], of: str) -> Meaning | None:
    made = graph(records)
    return Meanings(made).of(made.index[of])


@pytest.mark.parametrize(
    ("definition", "form"),
    [
        (SIMPLE, "sum(orders.amount)"),
        ({**SIMPLE, "agg": "average"}, "avg(orders.amount)"),
        ({**SIMPLE, "agg": "count_distinct"}, "count_distinct(orders.amount)"),
        ({**SIMPLE, "agg": "sum_boolean", "expr": "status = 1"}, "count(orders)"),
        ({**SIMPLE, "agg": "percentile", "percentile": 0.9}, "percentile(orders.amount, 0.9)"),
        ({**SIMPLE, "agg": "count", "rows": True}, "count(orders)"),
        ({**SIMPLE, "expr": "1"}, "count(orders)"),
    ],
)
def test_a_simple_metric_is_an_aggregate_over_the_columns_of_its_table(definition: dict[str, Any], form: str) -> None:
    found = meaning(metric("m", definition), "m")
    assert found is not None
    assert (found.form, found.exact, found.name) == (form, True, "m")


def test_filters_are_told_with_the_columns_they_ask() -> None:
    found = meaning(metric("m", {**SIMPLE, "filter": ["status = 'paid' and amount > 0"]}), "m")
    assert found is not None
    assert found.filters == {"orders.status = 'paid'", "0 < orders.amount"}
    assert found.filter_columns == {"orders.status", "orders.amount"}


def test_a_column_is_no_part_of_one_whose_name_begins_alike() -> None:
    rows = {**SIMPLE, "expr": "case when amount = 1 then amount_eur end", "filter": ["amount_2 > 0"]}
    found = meaning(metric("m", rows), "m")
    assert found is not None
    assert found.filter_columns == {"orders.amount", "orders.amount_2"}
    assert found.places == {(0, "amount_eur")}


def test_a_filter_on_a_joined_dimension_names_the_table_it_is_of() -> None:
    users: list[AnyRecord] = [
        Node(id="users", kind="model", name="users"),
        Node(id="people", kind="semantic_model", name="people", reached_by=("user__country",)),
        Edge(upstream="users", downstream="people"),
        ColumnLineage(node="people", columns={"country": (ColumnSource("users", "land"),)}),
    ]
    found = meaning([*users, *metric("m", {**SIMPLE, "filter": ["user__country = 'NL'"]}, "orders", "people")], "m")
    assert found is not None
    assert found.filters == {"users.land = 'NL'"}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        "sum",
        {"type": "simple"},
        {**SIMPLE, "expr": "sum(((("},
        {**SIMPLE, "filter": ["status ="]},
        {"type": "ratio", "inputs": [{"name": "nowhere"}, {"name": "m"}]},
        {"type": "ratio", "inputs": [None, 3]},
        {"type": "derived", "expr": "a -", "inputs": [{"name": "n", "as": "a"}]},
        {"type": "conversion", "ends": [None]},
    ],
)
def test_what_a_definition_does_not_say_is_no_meaning(broken: object) -> None:
    assert meaning([*metric("n", SIMPLE), *metric("m", broken, "orders", "n")], "m") is None


def test_a_circle_of_metrics_has_no_meaning() -> None:
    ratio = {"type": "ratio", "inputs": [{"name": "a"}, {"name": "b"}]}
    made = graph(metric("a", ratio, "b"), metric("b", ratio, "a"))
    assert Meanings(made).all == []


def test_names_that_cannot_be_placed_are_equal_to_nothing() -> None:
    both = graph(
        [Node(id="items", kind="model", name="items")],
        metric("a", {**SIMPLE, "over": "", "expr": "other"}, "orders", "items"),
        metric("b", {**SIMPLE, "over": "", "expr": "other"}, "orders", "items"),
    )
    assert alike(both) == []


def key_result(expression: str, where: tuple[str, ...] = ()) -> list[AnyRecord]:
    goal = "goal:key_result.grow.paid"
    binding = Binding(model="orders", expression=expression, where=where)
    return [
        Node(id=goal, kind="key_result", name="paid"),
        Target(key_result=goal, objective="goal:objective.grow", binding=binding),
        Edge(upstream="orders", downstream=goal),
    ]


def test_a_key_result_of_its_own_expression_repeats_the_metric_that_says_the_same() -> None:
    paid = metric("paid", {**SIMPLE, "filter": ["status = 'paid'"]})
    (same,) = alike(graph(paid, key_result("SUM(amount)", ("status = 'paid'",))))
    assert (same.relation, [m.node for m in same.members]) == ("identical", [1, 2])
    (near,) = alike(graph(paid, key_result("SUM(amount)", ("status = 'sent'",))))
    assert (near.relation, near.differs) == ("near", ("filter status",))


def test_a_measure_of_lookml_is_the_same_as_the_metric_that_it_repeats() -> None:
    sql = {"expression": "SUM(CASE WHEN o.status = 'paid' THEN o.amount END)", "alias": "o", "relation": "orders"}
    measure = metric("lookml:shop.orders.paid", None, meta={"sql": sql})
    (found,) = alike(graph(metric("paid", {**SIMPLE, "filter": ["status = 'paid'"]}), measure))
    assert found.relation == "identical"
    assert found.sure


def test_a_measure_over_a_query_is_never_said_to_be_surely_the_same() -> None:
    sql = {"expression": "SUM(o.amount)", "alias": "o", "query": "SELECT amount FROM orders WHERE status = 'paid'"}
    measure = metric("lookml:shop.orders.paid", None, meta={"sql": sql})
    (found,) = alike(graph(metric("paid", SIMPLE), measure))
    assert not found.sure


def test_ten_thousand_charts_are_sorted_by_their_meaning_and_not_compared() -> None:
    charts: list[AnyRecord] = []
    for k in range(10_000):
        charts.append(Node(id=f"c{k}", kind="chart", name=f"c{k}", aggregates=("sum(amount)", f"avg(x{k})")))
        charts.append(Edge(upstream="orders", downstream=f"c{k}"))
    (found,) = alike(graph(charts))
    assert (found.relation, len(found.members), found.sure) == ("identical", 10_000, False)
