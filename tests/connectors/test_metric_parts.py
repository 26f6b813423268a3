"""What both readers of a manifest take from a metric, in the shapes that dbt's releases wrote."""

from __future__ import annotations

from typing import Any

import pytest

from headway.connectors.metric_parts import filter_templates, input_name, input_parts, templates


def test_every_kind_of_input_is_found_and_measures_are_told_apart() -> None:
    params = {
        "measure": {"name": "revenue"},
        "numerator": {"name": "won"},
        "denominator": "all_deals",
        "metrics": [{"name": "mrr"}, "arr"],
        "cumulative_type_params": {"metric": {"name": "signups"}},
        "conversion_type_params": {"base_measure": {"name": "visits"}, "conversion_metric": {"name": "orders"}},
        "input_measures": [{"name": "never"}],
    }
    found = [(input_name(item), measure) for item, measure in input_parts(params) if input_name(item)]
    assert found == [
        ("revenue", True),
        ("won", False),
        ("all_deals", False),
        ("mrr", False),
        ("arr", False),
        ("signups", False),
        ("visits", True),
        ("orders", False),
    ]


@pytest.mark.parametrize("odd", [None, 3, "x", [1], {"metrics": 3, "measure": ["a"], "conversion_type_params": "b"}])
def test_an_odd_definition_has_no_inputs(odd: Any) -> None:
    assert [name for item, _ in input_parts(odd) if (name := input_name(item))] == []


def test_templates_are_found_in_every_shape() -> None:
    nested = {"where_filters": [{"where_sql_template": "a"}, "b", ["c", 4]]}
    assert list(templates(nested)) == ["a", "b", "c"]
    assert list(templates("d")) == ["d"]
    assert list(templates(None)) == []


def test_the_filters_of_inputs_follow_the_metrics_own() -> None:
    params = {"measure": {"name": "revenue", "filter": "inner"}, "metrics": [{"filter": {"where_sql_template": "m"}}]}
    assert list(filter_templates("own", params)) == ["own", "inner", "m"]


def test_what_is_nested_without_end_is_left() -> None:
    deep: Any = "never"
    for _ in range(500):
        deep = [deep]
    assert list(templates(deep)) == []
