"""From models to metrics: measures, dimensions and keys of semantic models, and what metrics are computed of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from column_project import gaps, manifest, node, records, said

ORDERS = node("model.shop.orders", "select 1 as id, 2 as customer_id, 3 as amount, 4 as fee, 5 as day, 6 as status")
CUSTOMERS = node("model.shop.customers", "select 1 as id, 2 as country")


def semantic_model(name: str, model: str, **fields: Any) -> dict[str, Any]:
    return {"unique_id": f"semantic_model.shop.{name}", "name": name, "depends_on": {"nodes": [model]}, **fields}


SALES = semantic_model(
    "sales",
    "model.shop.orders",
    entities=[
        {"name": "order", "type": "primary", "expr": "id"},
        {"name": "customer", "type": "foreign", "expr": "customer_id"},
    ],
    dimensions=[{"name": "day", "type": "time"}, {"name": "is_paid", "type": "categorical", "expr": "status = 'paid'"}],
    measures=[
        {"name": "net", "agg": "sum", "expr": "amount - coalesce(fee, 0)"},
        {"name": "orders", "agg": "count", "expr": "1"},
        {"name": "customers", "agg": "count_distinct", "expr": "customer_id", "agg_time_dimension": "is_paid"},
    ],
    defaults={"agg_time_dimension": "day"},
)
PEOPLE = semantic_model(
    "people",
    "model.shop.customers",
    entities=[{"name": "customer", "type": "primary", "expr": "id"}],
    dimensions=[{"name": "country", "type": "categorical"}],
)


def metric(name: str, *depends_on: str, kind: str = "simple", where: Any = None, **params: Any) -> dict[str, Any]:
    return {
        "unique_id": f"metric.shop.{name}",
        "name": name,
        "type": kind,
        "type_params": params or None,
        "filter": {"where_filters": [{"where_sql_template": where}]} if where else None,
        "depends_on": {"nodes": list(depends_on)},
    }


def found(tmp_path: Path, *nodes: dict[str, Any]) -> list[Any]:
    return records(tmp_path, manifest(ORDERS, CUSTOMERS, SALES, PEOPLE, *nodes))


def test_every_measure_dimension_and_key_is_made_from_columns_of_the_model(tmp_path: Path) -> None:
    assert said(found(tmp_path), "semantic_model.shop.sales") == {
        "order": "orders.id",
        "customer": "orders.customer_id",
        "day": "orders.day",
        "is_paid": "orders.status",
        "net": "orders.amount, orders.fee",
        "orders": "",
        "customers": "orders.customer_id",
    }


def test_an_expression_that_cannot_be_followed_is_said_and_the_others_stay(tmp_path: Path) -> None:
    odd = semantic_model(
        "odd", "model.shop.orders", measures=[{"name": "bad", "expr": "sum((("}, {"name": "good", "expr": "amount"}]
    )
    result = found(tmp_path, odd)
    problem = "1 of its expressions could not be followed"
    assert said(result, "semantic_model.shop.odd") == {"bad": "", "good": "orders.amount", "(problem)": problem}


def test_a_simple_metric_is_its_measure_at_its_time(tmp_path: Path) -> None:
    revenue = metric("Revenue", "semantic_model.shop.sales", measure={"name": "net"})
    assert said(found(tmp_path, revenue), "metric.shop.Revenue") == {"revenue": "sales.net", "(shape)": "sales.day"}


def test_metrics_of_metrics(tmp_path: Path) -> None:
    a = metric("a", "semantic_model.shop.sales", measure={"name": "net"})
    b = metric("b", "semantic_model.shop.sales", measure={"name": "customers"})
    where = {"where_filters": [{"where_sql_template": "{{ Dimension('order__is_paid') }}"}]}
    ratio = metric(
        "r",
        "metric.shop.a",
        "metric.shop.b",
        kind="ratio",
        numerator={"name": "a", "filter": where},
        denominator={"name": "b"},
    )
    derived = metric("d", "metric.shop.r", kind="derived", metrics=[{"name": "r", "alias": "x"}, "a"], expr="x - a")
    result = found(tmp_path, a, b, ratio, derived)
    assert said(result, "metric.shop.r") == {"r": "a.a, b.b", "(shape)": "sales.is_paid"}
    assert said(result, "metric.shop.d") == {"d": "a.a, r.r"}
    assert said(result, "metric.shop.b") == {"b": "sales.customers", "(shape)": "sales.is_paid"}


def test_a_filter_over_a_join_names_the_dimension_and_both_keys(tmp_path: Path) -> None:
    where = "{{ Dimension('customer__country') }} = 'DE' and {{ TimeDimension('order__day', 'month') }} > '2026-01-01'"
    result = found(tmp_path, metric("m", "semantic_model.shop.sales", measure={"name": "orders"}, where=where))
    assert said(result, "metric.shop.m") == {
        "m": "sales.orders",
        "(shape)": "people.country, people.customer, sales.customer, sales.day",
    }


def test_a_dimension_that_several_could_have_is_a_candidate_of_each(tmp_path: Path) -> None:
    other = semantic_model("other", "model.shop.customers", dimensions=[{"name": "country", "type": "categorical"}])
    where = "{{ Dimension('country') }} = 'DE'"
    result = found(tmp_path, other, metric("m", "semantic_model.shop.sales", measure={"name": "net"}, where=where))
    assert said(result, "metric.shop.m")["(shape)"] == "other.country??, people.country??, sales.day"


def test_a_metric_written_over_the_model_itself(tmp_path: Path) -> None:
    aggregation = {"semantic_model": "sales", "agg": "sum"}
    new = metric("n", "semantic_model.shop.sales", expr="amount * 2", metric_aggregation_params=aggregation)
    assert said(found(tmp_path, new), "metric.shop.n") == {"n": "orders.amount", "(shape)": "sales.day"}


def test_conversions_join_on_their_entity(tmp_path: Path) -> None:
    params = {"base_measure": {"name": "orders"}, "conversion_measure": {"name": "net"}, "entity": "customer"}
    conversion = metric("c", "semantic_model.shop.sales", kind="conversion", conversion_type_params=params)
    assert said(found(tmp_path, conversion), "metric.shop.c") == {
        "c": "sales.net, sales.orders",
        "(shape)": "sales.customer, sales.day",
    }


def test_metrics_from_before_the_semantic_layer(tmp_path: Path) -> None:
    old = metric("old", "model.shop.orders") | {
        "expression": "amount - fee",
        "timestamp": "day",
        "filters": [{"field": "status", "operator": "=", "value": "'paid'"}],
    }
    over = metric("over", "metric.shop.old") | {"expression": "{{metric('old')}} / 2"}
    result = found(tmp_path, old, over)
    assert said(result, "metric.shop.old") == {
        "old": "orders.amount, orders.fee",
        "(shape)": "orders.day, orders.status",
    }
    assert said(result, "metric.shop.over") == {"over": "old.old"}


def test_an_input_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = found(tmp_path, metric("m", measure={"name": "gone"}))
    problem = "it is computed from something that is not in the manifest"
    assert said(result, "metric.shop.m") == {"m": "", "(problem)": problem}
    assert gaps(result) == [f"the columns of 1 nodes are not known: {problem} (metric.shop.m)"]


@pytest.mark.parametrize("odd", [3, "x", [1, None], {"name": 4}, [{"name": None}], [[["x"]]]])
def test_odd_shapes_are_not_stumbled_over(tmp_path: Path, odd: Any) -> None:
    model = semantic_model("odd", "model.shop.orders", measures=odd, dimensions=odd, entities=odd, defaults=odd)
    params = {
        "measure": odd,
        "metrics": odd,
        "numerator": odd,
        "conversion_type_params": odd,
        "metric_aggregation_params": odd,
    }
    result = found(
        tmp_path,
        model,
        metric("m", measure=odd, **{k: v for k, v in params.items() if k != "measure"}) | {"filter": odd},
    )
    assert said(result, "semantic_model.shop.odd") == {}
    assert "(problem)" in said(result, "metric.shop.m")
