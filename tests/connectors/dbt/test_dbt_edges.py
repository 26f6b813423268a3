"""Which edges are true: what is declared, what dbt leaves out, and what filters join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_project import edges, entry, gaps, of, project, read, semantic_model, simple_metric, table

from headway.connectors.dbt.artifacts import Metric
from headway.connectors.dbt.semantics import Reference, filters_of_metric
from headway.graph.model import Node

ORDERS, CUSTOMERS, REGIONS = (
    "semantic_model.shop.orders",
    "semantic_model.shop.customers",
    "semantic_model.shop.regions",
)


def where(*templates: str) -> dict[str, Any]:
    """A filter as dbt 1.7 and later write it."""
    return {"where_filters": [{"where_sql_template": t} for t in templates]}


def shop(*entries: dict[str, Any]) -> dict[str, Any]:
    """Orders belong to customers, customers live in regions."""
    return project(
        *(table(f"model.shop.{name}") for name in ("orders", "customers", "regions")),
        semantic_model("orders", "order", ("customer",), ("status", "ordered_at")),
        semantic_model("customers", "customer", ("region",), ("segment", "signed_up_at")),
        semantic_model("regions", "region", (), ("country",)),
        *entries,
    )


def metric(name: str, kind: str, params: dict[str, Any], *depends_on: str, **fields: Any) -> dict[str, Any]:
    return entry(f"metric.shop.{name}", *depends_on, type=kind, type_params=params, **fields)


def into(records: Any, downstream: str) -> set[tuple[str, str]]:
    """(upstream, evidence) of one node."""
    return {(up, evidence) for up, down, evidence in edges(records) if down == downstream}


def test_an_edge_is_given_once_and_tests_and_hooks_give_none(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        project(
            table("model.shop.a"),
            table("model.shop.b", "model.shop.a", "model.shop.a", "macro.shop.m", "operation.shop.o", "model.shop.b"),
            entry("test.shop.t", "model.shop.a", "model.shop.b"),
            entry("analysis.shop.i", "model.shop.b"),
        ),
    )
    assert edges(records) == {("model.shop.a", "model.shop.b", "declared")}
    assert gaps(records, "lineage") == []


def test_missing_ends_are_counted_with_examples(tmp_path: Path) -> None:
    gone = [f"model.old_package.m{n}" for n in range(5)]
    records = read(tmp_path, project(table("model.shop.a", *gone)))
    assert edges(records) == set()
    [message] = gaps(records, "lineage")
    assert message.startswith("target/manifest.json: 5 upstream nodes are not in the manifest: model.old_package.m0 ")
    assert message.endswith("model.old_package.m2 (used by a) and 2 more")


def test_data_flows_through_functions(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        project(
            table("model.shop.rates"),
            entry("function.shop.inner", "model.shop.rates", "function.shop.outer"),
            entry("function.shop.outer", "function.shop.inner"),
            table("model.shop.orders", "function.shop.outer"),
        ),
    )
    assert edges(records) == {("model.shop.rates", "model.shop.orders", "declared")}


def test_exposure_metrics_are_upstream_where_depends_on_lacks_them(tmp_path: Path) -> None:
    board = entry("exposure.shop.board", "model.shop.orders", type="dashboard")
    board["metrics"] = [["revenue"], ["shop", "revenue"], ["gone"], [], [3]]
    records = read(tmp_path, shop(simple_metric("revenue", "orders"), board))
    assert into(records, "exposure.shop.board") == {
        ("model.shop.orders", "declared"),
        ("metric.shop.revenue", "declared"),
    }


def test_metrics_of_the_same_name_are_told_apart_by_package(tmp_path: Path) -> None:
    ours, theirs = entry("metric.shop.revenue"), entry("metric.lib.revenue")
    board = entry("exposure.shop.board", type="dashboard", metrics=[["lib", "revenue"]])
    assert into(read(tmp_path, project(ours, theirs, board)), "exposure.shop.board") == {
        ("metric.lib.revenue", "declared")
    }


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"numerator": {"name": "a"}, "denominator": {"name": "b"}}, {"metric.shop.a", "metric.shop.b"}),
        ({"numerator": "a", "denominator": None}, {"metric.shop.a"}),
        (
            {"metrics": [{"name": "a", "offset_window": "1 month"}, {"name": "a"}, "b"]},
            {"metric.shop.a", "metric.shop.b"},
        ),
        ({"cumulative_type_params": {"metric": {"name": "a"}}}, {"metric.shop.a"}),
        (
            {"conversion_type_params": {"base_metric": {"name": "a"}, "conversion_metric": {"name": "b"}}},
            {"metric.shop.a", "metric.shop.b"},
        ),
        (
            {"conversion_type_params": {"base_measure": {"name": "amount"}, "conversion_measure": {"name": "spend"}}},
            {"semantic_model.shop.pay", "semantic_model.shop.ads"},
        ),
        ({"measure": {"name": "amount"}}, {"semantic_model.shop.pay"}),
        ({"measure": "spend"}, {"semantic_model.shop.ads"}),
        ({"metric_aggregation_params": {"semantic_model": "ads"}}, {"semantic_model.shop.ads"}),
        ({"input_measures": [{"name": "a"}, {"name": "amount"}]}, set()),
        ({"measure": {"name": "nowhere"}, "metrics": [{"name": "nowhere"}, 5]}, set()),
    ],
)
def test_inputs_are_upstream_where_depends_on_lacks_them(
    tmp_path: Path, params: dict[str, Any], expected: set[str]
) -> None:
    records = read(
        tmp_path,
        project(
            table("model.shop.pay"),
            table("model.shop.ads"),
            semantic_model("pay", "payment", measures=[{"name": "amount"}]),
            semantic_model("ads", "ad", measures=[{"name": "spend"}]),
            metric("a", "simple", {}),
            metric("b", "simple", {}),
            metric("kpi", "derived", params),
        ),
    )
    assert into(records, "metric.shop.kpi") == {(uid, "declared") for uid in expected}


@pytest.mark.parametrize(
    "fields",
    [
        {"depends_on": {"nodes": ["model.shop.orders"]}},
        {"depends_on": None, "refs": [["orders"]]},
        {"depends_on": None, "refs": [{"name": "orders", "package": None, "version": None}]},
        {"depends_on": None, "model_unique_id": "model.shop.orders"},
        {"model": "ref('orders')", "model_unique_id": "model.shop.orders", "calculation_method": "sum"},
    ],
)
def test_legacy_metrics_hang_on_their_model(tmp_path: Path, fields: dict[str, Any]) -> None:
    records = read(tmp_path, project(table("model.shop.orders"), entry("metric.shop.revenue", **fields)))
    assert edges(records) == {("model.shop.orders", "metric.shop.revenue", "declared")}


def test_legacy_derived_metrics_hang_on_metrics(tmp_path: Path) -> None:
    derived = entry("metric.shop.aov", calculation_method="derived", metrics=[["revenue"], ["orders"]])
    records = read(tmp_path, project(entry("metric.shop.revenue"), entry("metric.shop.orders"), derived))
    assert into(records, "metric.shop.aov") == {
        ("metric.shop.revenue", "declared"),
        ("metric.shop.orders", "declared"),
    }


def test_saved_queries_hang_on_their_metrics(tmp_path: Path) -> None:
    export = {"name": "pack", "config": {"export_as": "table", "schema_name": "out", "database": "wh"}}
    query = entry("saved_query.shop.pack", query_params={"metrics": ["revenue"]}, exports=[export])
    records = read(tmp_path, shop(simple_metric("revenue", "orders"), query))
    assert into(records, "saved_query.shop.pack") == {("metric.shop.revenue", "declared")}
    assert next(n for n in of(records, Node) if n.kind == "saved_query").relation == "wh.out.pack"


# Filters

REVENUE = {"metric_aggregation_params": {"semantic_model": "orders"}}


@pytest.mark.parametrize(
    ("template", "joined"),
    [
        ("{{ Dimension('customer__segment') }} = 'pro'", {CUSTOMERS}),
        ('{{Dimension( "customer__segment" )}} = 1', {CUSTOMERS}),
        ("{{ Dimension('Customer__Segment') }} = 1", {CUSTOMERS}),
        ("{{ TimeDimension('customer__signed_up_at', 'day') }} > '2026-01-01'", {CUSTOMERS}),
        ("{{ TimeDimension('customer__signed_up_at__month') }} > '2026-01-01'", {CUSTOMERS}),
        ("{{ Dimension('customer__signed_up_at').grain('week') }} > '2026-01-01'", {CUSTOMERS}),
        ("{{ Dimension('customer__region__country') }} = 'SE'", {CUSTOMERS, REGIONS}),
        ("{{ Dimension('country', entity_path=['customer', 'region']) }} = 'SE'", {CUSTOMERS, REGIONS}),
        ("{{ Dimension(name='region__country', entity_path=['customer']) }} = 'SE'", {CUSTOMERS, REGIONS}),
        ("{{ Entity('customer__region') }} = 4", {CUSTOMERS}),
        ("{{ Entity('region') }} = 4", {REGIONS}),
        ("{{ Entity('customer') }} = 4", set()),
        ("{{ Dimension('order__status') }} = 'paid'", set()),
        ("{{ Dimension('status') }} = 'paid'", set()),
        ("{{ TimeDimension('metric_time', 'day') }} > '2026-01-01'", set()),
        ("{{ TimeDimension('metric_time__month') }} > '2026-01-01'", set()),
        ("{{ Metric('visits', group_by=['customer']) }} > 3", {"metric.shop.visits"}),
        (
            "{{ Dimension('customer__segment') }} = {{ Dimension('customer__region__country') }}",
            {CUSTOMERS, REGIONS},
        ),
        ("status = 'Dimension'", set()),
    ],
)
def test_what_a_filter_joins_is_upstream(tmp_path: Path, template: str, joined: set[str]) -> None:
    kpi = metric("kpi", "simple", REVENUE, ORDERS, filter=where(template))
    records = read(tmp_path, shop(metric("visits", "simple", {}), kpi))
    assert into(records, "metric.shop.kpi") == {(ORDERS, "declared")} | {(uid, "parsed") for uid in joined}
    assert gaps(records, "lineage") == []


@pytest.mark.parametrize(
    "shape",
    [
        where("{{ Dimension('customer__segment') }} = 1"),
        {"where_sql_template": "{{ Dimension('customer__segment') }} = 1"},
        "{{ Dimension('customer__segment') }} = 1",
        ["{{ Dimension('customer__segment') }} = 1"],
    ],
)
@pytest.mark.parametrize("place", ["metric", "measure", "numerator", "metrics", "cumulative", "conversion", "query"])
def test_filters_are_found_wherever_they_are(tmp_path: Path, shape: Any, place: str) -> None:
    base = metric("base", "simple", REVENUE, ORDERS)
    given = {"name": "base", "filter": shape}
    downstream = "metric.shop.kpi"
    if place == "query":
        params = {"metrics": ["base"], "where": shape}
        kpi = entry("saved_query.shop.kpi", "metric.shop.base", query_params=params)
        downstream = "saved_query.shop.kpi"
    elif place in ("metric", "measure"):
        params = {**REVENUE, **({"measure": {"name": "m", "filter": shape}} if place == "measure" else {})}
        kpi = metric("kpi", "simple", params, ORDERS, filter=shape if place == "metric" else None)
    else:
        params = {
            "numerator": {"numerator": given},
            "metrics": {"metrics": [given]},
            "cumulative": {"cumulative_type_params": {"metric": given}},
            "conversion": {"conversion_type_params": {"base_metric": given}},
        }[place]
        kpi = metric("kpi", "derived", params, "metric.shop.base")
    assert (CUSTOMERS, "parsed") in into(read(tmp_path, shop(base, kpi)), downstream)


def test_no_parsed_edge_where_the_way_is_already_declared(tmp_path: Path) -> None:
    text = "{{ Dimension('customer__segment') }} = 1"
    records = read(
        tmp_path,
        shop(
            metric("revenue", "simple", REVENUE, ORDERS),
            metric("people", "simple", {"metric_aggregation_params": {"semantic_model": "customers"}}, CUSTOMERS),
            metric("ratio", "ratio", {"numerator": "revenue", "denominator": "people"}, filter=where(text)),
        ),
    )
    assert into(records, "metric.shop.ratio") == {
        ("metric.shop.revenue", "declared"),
        ("metric.shop.people", "declared"),
    }


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "{{ Dimension('planet__name') }} = 1",
            "the filter names Dimension('planet__name'), which no semantic model has",
        ),
        ("{{ Dimension('customer__age') }} = 1", "the filter names Dimension('customer__age'), which no semantic"),
        ("{{ Entity('planet') }} = 1", "the filter names Entity('planet'), which no semantic model has"),
        ("{{ Metric('gone', ['customer']) }} = 1", "the filter names Metric('gone'), which no semantic model has"),
        ("{{ Dimension(some_variable) }} = 1", "a part of the filter could not be read"),
        ("{{ Dimension('customer__segment' }} = 1", "a part of the filter could not be read"),
        ("{{ Dimension(" + "(" * 10_000, "a part of the filter could not be read"),
        ("x" * 200_000, "a part of the filter could not be read"),
    ],
)
def test_what_a_filter_names_in_vain_is_a_gap(tmp_path: Path, template: str, said: str) -> None:
    records = read(tmp_path, shop(metric("kpi", "simple", REVENUE, ORDERS, filter=where(template))))
    [message] = gaps(records, "lineage")
    assert message.startswith(f"kpi: {said}")


def test_two_semantic_models_that_share_an_entity_are_both_upstream(tmp_path: Path) -> None:
    twin = semantic_model("regions", "customer", (), ("segment",))
    manifest = shop(metric("kpi", "simple", REVENUE, ORDERS, filter=where("{{ Dimension('customer__segment') }} = 1")))
    manifest["semantic_models"][REGIONS] = twin
    assert into(read(tmp_path, manifest), "metric.shop.kpi") == {
        (ORDERS, "declared"),
        (CUSTOMERS, "parsed"),
        (REGIONS, "parsed"),
    }


def test_metrics_in_a_circle_end(tmp_path: Path) -> None:
    text = where("{{ Dimension('customer__segment') }} = 1")
    records = read(
        tmp_path,
        shop(
            metric("a", "derived", {"metrics": ["b"]}, filter=text),
            metric("b", "derived", {"metrics": ["a"]}, filter=text),
        ),
    )
    assert (CUSTOMERS, "parsed") in into(records, "metric.shop.a")
    assert ("metric.shop.a", "declared") in into(records, "metric.shop.b")


def test_a_long_filter_of_calls_is_read_in_time() -> None:
    template = "{{ Dimension('customer__segment') }} or " * 2_400
    references, complete = filters_of_metric(Metric(name="kpi", filter=template))
    assert references == [Reference("Dimension", ("customer", "segment"))]
    assert not complete
