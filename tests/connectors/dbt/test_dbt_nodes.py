"""What becomes a node, and what a node says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_project import entry, gaps, headway, node, of, project, read, semantic_model, simple_metric, table

from headway.graph.model import Node


def test_only_assets_are_nodes(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        project(
            table("source.shop.raw.orders"),
            table("seed.shop.plans"),
            table("snapshot.shop.plans_history"),
            table("model.shop.orders"),
            semantic_model("orders", "order"),
            simple_metric("revenue", "orders"),
            entry("saved_query.shop.pack"),
            entry("analysis.shop.idea"),
            entry("operation.shop.hook"),
            entry("test.shop.positive", "model.shop.orders"),
            entry("unit_test.shop.math", "model.shop.orders"),
            entry("function.shop.f"),
            entry("quantum.shop.q"),
        ),
    )
    assert [(n.id, n.kind) for n in of(records, Node)] == [
        ("dbt:source.shop.raw.orders", "source"),
        ("dbt:seed.shop.plans", "seed"),
        ("dbt:snapshot.shop.plans_history", "snapshot"),
        ("dbt:model.shop.orders", "model"),
        ("dbt:semantic_model.shop.orders", "semantic_model"),
        ("dbt:metric.shop.revenue", "metric"),
        ("dbt:saved_query.shop.pack", "saved_query"),
    ]
    assert gaps(records, "dbt") == ["target/manifest.json: 1 node of the unknown kind 'quantum' left out"]


@pytest.mark.parametrize(
    ("stated", "kind", "outside"),
    [
        ("dashboard", "dashboard", False),
        ("notebook", "notebook", False),
        ("analysis", "analysis", False),
        ("application", "application", True),
        ("ml", "ml", True),
        ("spreadsheet", "exposure", False),
        (None, "exposure", False),
        ("objective", "exposure", False),
    ],
)
def test_the_type_of_an_exposure_is_its_kind(tmp_path: Path, stated: str | None, kind: str, outside: bool) -> None:
    exposure = entry("exposure.shop.board", type=stated, label="Sales board", url="https://bi.example/1")
    found = node(read(tmp_path, project(exposure)), "exposure.shop.board")
    assert (found.kind, found.outside, found.title, found.url) == (kind, outside, "Sales board", "https://bi.example/1")


def test_a_version_is_in_the_title_and_the_id(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        project(
            table("model.shop.orders.v1", version=1, relation_name='"wh"."shop"."orders_v1"'),
            table("model.shop.orders.v2", version="2", deprecation_date="2027-01-01T00:00:00+00:00"),
        ),
    )
    first, second = node(records, "model.shop.orders.v1"), node(records, "model.shop.orders.v2")
    assert (first.name, first.title, first.deprecated) == ("orders", "orders (v1)", "")
    assert (second.name, second.title, second.deprecated) == ("orders", "orders (v2)", "2027-01-01")


@pytest.mark.parametrize(
    ("fields", "relation"),
    [
        ({"relation_name": '"Wh"."shop"."Orders"'}, "Wh.shop.Orders"),
        ({"relation_name": "`wh-1`.`shop`.`orders`"}, "wh-1.shop.orders"),
        ({"relation_name": "[wh].[shop].[orders]"}, "wh.shop.orders"),
        ({"relation_name": None, "database": "wh", "schema": "shop", "alias": "o"}, "wh.shop.o"),
        ({"relation_name": None, "schema": "shop", "identifier": "raw_o"}, "shop.raw_o"),
        ({"relation_name": None, "schema": "shop"}, "shop.orders"),
        ({"relation_name": None}, ""),
        ({"relation_name": '"wh"."shop"."orders"', "config": {"materialized": "ephemeral"}}, ""),
    ],
)
def test_relation(tmp_path: Path, fields: dict[str, object], relation: str) -> None:
    found = node(read(tmp_path, project(table("model.shop.orders", **fields))), "model.shop.orders")
    assert found.relation == relation


def test_tags_and_meta_are_merged_from_both_places(tmp_path: Path) -> None:
    model = table(
        "model.shop.orders",
        tags=["a", "b"],
        meta={"headway": {"protected": False}, "other": 1},
        config={"tags": ["b", "c"], "meta": {"headway": {"protected": True, "created": "2026-10-01"}}},
    )
    found = node(read(tmp_path, project(model)), "model.shop.orders")
    assert found.tags == ("a", "b", "c")
    assert found.protected
    assert found.created is not None
    assert found.created.isoformat() == "2026-10-01"
    assert found.meta == {"protected": True, "created": "2026-10-01"}
    one = table("model.shop.orders", config={"tags": "solo"})
    assert node(read(tmp_path, project(one)), "model.shop.orders").tags == ("solo",)


def test_a_wrong_type_in_meta_is_named_and_skipped(tmp_path: Path) -> None:
    records = read(
        tmp_path,
        project(
            table("model.shop.a", **headway(protected="yes", outside=[1], created="soon")),
            table("model.shop.b", config={"meta": {"headway": "objective"}}),
            table("model.shop.c", deprecation_date="next year"),
        ),
    )
    found = node(records, "model.shop.a")
    assert (found.protected, found.outside, found.created) == (False, False, None)
    assert gaps(records, "dbt") == [
        "a: meta.headway.protected is 'yes', not true or false",
        "a: meta.headway.outside is a list, not true or false",
        "a: meta.headway.created is 'soon', not a date such as 2026-12-31",
        "b: meta.headway is 'objective', not a mapping",
        "c: deprecation_date 'next year' is not a date",
    ]


SPINES = [{"name": "metricflow_time_spine"}, {"time_spine": {"standard_granularity_column": "day"}}]


@pytest.mark.parametrize("days", SPINES)
def test_what_metrics_are_computed_along_is_protected(tmp_path: Path, days: dict[str, Any]) -> None:
    """No `depends_on` speaks of a time spine; MetricFlow cannot do without it."""
    spine = table("model.shop.days", **days)
    with_metrics = (semantic_model("orders", "order"), simple_metric("revenue", "orders"), table("model.shop.orders"))
    found = node(read(tmp_path / "metrics", project(spine, *with_metrics)), "model.shop.days")
    assert (found.protected, found.meta) == (True, {"time_spine": True})
    assert not node(read(tmp_path / "none", project(spine)), "model.shop.days").protected
    denied = table("model.shop.days", **days, **headway(protected=False))
    assert not node(read(tmp_path / "denied", project(denied, *with_metrics)), "model.shop.days").protected


def test_outside_can_be_denied(tmp_path: Path) -> None:
    app = entry("exposure.shop.app", type="application", **headway(outside=False))
    assert not node(read(tmp_path, project(app)), "exposure.shop.app").outside


def test_disabled_resources_are_known_but_count_for_nothing(tmp_path: Path) -> None:
    off = {"config": {"enabled": False}}
    records = read(
        tmp_path,
        project(
            table("model.shop.a"),
            table("model.shop.b", "model.shop.a", **off),
            table("model.shop.c", "model.shop.b"),
            disabled={
                "model.shop.x": [table("model.shop.x", "model.shop.a", **off), table("model.shop.x", **off)],
                "model.shop.a": [table("model.shop.a", **off)],
                "exposure.shop.y": [entry("exposure.shop.y", type="notebook", **off)],
                "metric.shop.m": [entry("metric.shop.m", label="M", **off)],
                "test.shop.t": [entry("test.shop.t", **off)],
            },
        ),
    )
    assert {(n.id, n.kind) for n in of(records, Node) if n.disabled} == {
        ("dbt:model.shop.b", "model"),
        ("dbt:model.shop.x", "model"),
        ("dbt:exposure.shop.y", "notebook"),
        ("dbt:metric.shop.m", "metric"),
    }
    assert not node(records, "model.shop.a").disabled
    assert gaps(records, "lineage") == [
        "target/manifest.json: 1 upstream node is disabled: model.shop.b (used by c)",
    ]


@pytest.mark.parametrize(
    ("disabled", "count", "odd"),
    [
        ([table("model.shop.x")], 1, 0),
        ({"model.shop.x": table("model.shop.x")}, 1, 0),
        ({"model.shop.x": [table("model.shop.x"), 7, {"name": 1}]}, 1, 2),
        (None, 0, 0),
        ("nothing", 0, 0),
    ],
)
def test_disabled_of_any_shape(tmp_path: Path, disabled: object, count: int, odd: int) -> None:
    records = read(tmp_path, project(table("model.shop.a"), disabled=disabled))
    assert sum(n.disabled for n in of(records, Node)) == count
    expected = [f"{odd} entries under `disabled` have an unknown shape and were left out"] if odd else []
    assert gaps(records, "dbt") == expected


def test_names_that_look_like_paths_stay_names(tmp_path: Path) -> None:
    evil = "model.shop.x"
    model = table(evil, name="../../etc/passwd", original_file_path="..\\..\\secrets\\x.sql")
    records = read(tmp_path, project(model), {"CODEOWNERS": "* @data"})
    found = node(records, evil)
    assert (found.name, found.path, found.owner) == ("../../etc/passwd", "../../secrets/x.sql", "@data")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["CODEOWNERS", "target"]


def test_a_semantic_model_says_by_which_names_a_filter_reaches_it(tmp_path: Path) -> None:
    plans = semantic_model("plans", "Plan", foreign=("account",), dimensions=("tier", "Name"))
    records = read(tmp_path, project(table("model.shop.plans"), plans))
    assert node(records, "semantic_model.shop.plans").reached_by == ("plan__name", "plan__tier")
