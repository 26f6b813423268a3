"""What a metric means is read from its definition, as far as the manifest holds one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_project import entry, node, project, read, simple_metric, table

ORDERS = entry(
    "semantic_model.shop.orders",
    "model.shop.orders",
    defaults={"agg_time_dimension": "paid_on"},
    dimensions=[{"name": "paid_on", "expr": "date(paid_at)"}, {"name": "state", "expr": "status"}],
    entities=[{"name": "order", "type": "primary", "expr": "order_id"}, {"name": "user", "type": "foreign"}],
    measures=[
        {"name": "amount", "agg": "SUM"},
        {"name": "orders", "agg": "count", "expr": "order_id"},
        {"name": "refunded", "agg": "sum", "expr": "refund", "agg_time_dimension": "refunded_at"},
        {
            "name": "open",
            "agg": "sum",
            "expr": "due",
            "non_additive_dimension": {"name": "paid_on", "window_choice": "max", "window_groupings": ["user"]},
        },
        {"name": "slow", "agg": "percentile", "expr": "hours", "agg_params": {"percentile": 0.9}},
    ],
)
OVER = {"over": "dbt:model.shop.orders", "time": "date(paid_at)"}


def definition(folder: Path, type_: str, params: Any, *others: dict[str, Any], **more: Any) -> Any:
    found = entry("metric.shop.m", "semantic_model.shop.orders", type=type_, type_params=params, **more)
    records = read(folder, project(table("model.shop.orders"), ORDERS, *others, found))
    return node(records, "metric.shop.m").meta.get("definition")


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("amount", {"agg": "sum", "expr": "amount"}),
        ("orders", {"agg": "count", "expr": "order_id", "rows": True}),
        ("refunded", {"agg": "sum", "expr": "refund", "time": "refunded_at"}),
        ("open", {"agg": "sum", "expr": "due", "held": "max of date(paid_at) per user"}),
        ("slow", {"agg": "percentile", "expr": "hours", "percentile": 0.9}),
    ],
)
def test_a_simple_metric_says_what_its_measure_aggregates(tmp_path: Path, measure: str, said: dict[str, Any]) -> None:
    assert definition(tmp_path, "simple", {"measure": {"name": measure}}) == {"type": "simple", **OVER, **said}


def test_a_metric_with_an_aggregation_of_its_own(tmp_path: Path) -> None:
    own = {"agg": "sum", "semantic_model": "orders", "agg_time_dimension": "paid_on"}
    found = definition(tmp_path, "simple", {"metric_aggregation_params": own, "expr": "amount"})
    assert found == {"type": "simple", "agg": "sum", "expr": "amount", **OVER}


def test_a_filter_is_sql_over_the_columns_of_the_metrics_own_table(tmp_path: Path) -> None:
    own = "{{ Dimension('order__state') }} = 'paid'\n and {{ Dimension('user__land') }} = 'NL'"
    input_ = {
        "where_filters": [{"where_sql_template": "{{ TimeDimension('order__paid_on', 'month') }} > '2026-01-01'"}]
    }
    found = definition(tmp_path, "simple", {"measure": {"name": "amount", "filter": input_}}, filter=own)
    assert found["filter"] == [
        "status = 'paid' and user__land = 'NL'",
        "date_trunc('month', date(paid_at)) > '2026-01-01'",
    ]


def test_filters_that_go_through_others_or_ask_a_metric_have_names_of_their_own(tmp_path: Path) -> None:
    far = "{{ Dimension('plan__tier', entity_path=['user']) }} = 'pro' and {{ Metric('m', group_by=['user']) }} > 6"
    found = definition(tmp_path, "simple", {"measure": {"name": "amount"}}, filter=far)
    assert found["filter"] == ["user__plan__tier = 'pro' and metric__m__by__user > 6"]


def test_inputs_keep_their_filter_offset_and_alias(tmp_path: Path) -> None:
    revenue = simple_metric("revenue", "orders", type_params={"measure": {"name": "amount"}})
    before = {"name": "revenue", "alias": "before", "offset_window": {"count": 1, "granularity": "month"}}
    where = "{{ Dimension('order__state') }} = 'paid'"
    paid = {"name": "revenue", "filter": where}
    found = definition(tmp_path, "derived", {"expr": "revenue - before", "metrics": [paid, before]}, revenue)
    assert found == {
        "type": "derived",
        "expr": "revenue - before",
        "inputs": [
            {"name": "revenue", "as": "revenue", "filter": ["status = 'paid'"], "where": [where]},
            {"name": "revenue", "as": "before", "offset": "1 month"},
        ],
    }


def test_windows_and_conversions(tmp_path: Path) -> None:
    window = {"window": {"count": 28, "granularity": "day"}}
    params = {"measure": "amount", "cumulative_type_params": window}
    assert definition(tmp_path, "cumulative", params)["window"] == "28 day"
    params["cumulative_type_params"] = {"grain_to_date": "quarter"}
    assert definition(tmp_path, "cumulative", params)["window"] == "to date in the quarter"
    ends = {"base_measure": "orders", "conversion_measure": {"name": "amount"}, "entity": "user"}
    found = definition(tmp_path, "conversion", {"conversion_type_params": ends})
    assert [end["agg"] for end in found["ends"]] == ["count", "sum"]
    assert (found["entity"], found["calculation"]) == ("user", "conversion_rate")


@pytest.mark.parametrize("params", [None, [], "x", {}])
def test_a_metric_without_parameters_has_no_definition(tmp_path: Path, params: object) -> None:
    assert definition(tmp_path, "simple", params) is None


@pytest.mark.parametrize(
    "params",
    [
        {"measure": 3, "metrics": "x", "cumulative_type_params": [], "conversion_type_params": 1},
        {"measure": {"name": ["amount"]}, "numerator": {"name": {}}, "denominator": 7},
        {"metrics": [{"name": "m"}, None, 3], "expr": ["a"]},
        {"metrics": [{"name": "m", "offset_window": "x", "filter": {"where_filters": 3}}]},
    ],
)
def test_a_broken_definition_says_what_it_can(tmp_path: Path, params: object) -> None:
    found = definition(tmp_path, "derived", params)
    assert found["type"] == "derived"
    assert "agg" not in found


def test_a_definition_that_is_too_long_is_left_out(tmp_path: Path) -> None:
    assert definition(tmp_path, "derived", {"expr": "a + " * 2_000 + "a", "metrics": [{"name": "a"}]}) is None


def test_what_the_project_says_to_headway_stands_beside_the_definition(tmp_path: Path) -> None:
    said = {"meta": {"headway": {"drivers": ["signups"]}}}
    metric = simple_metric("m", "orders", type_params={"measure": {"name": "amount"}}, config=said)
    found = node(read(tmp_path, project(table("model.shop.orders"), ORDERS, metric)), "metric.shop.m").meta
    assert found["drivers"] == ["signups"]
    assert found["definition"]["agg"] == "sum"
