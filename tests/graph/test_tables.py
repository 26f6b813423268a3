"""Tables as tools outside dbt name them: which node they mean, by which tier, and what is never guessed."""

from __future__ import annotations

import gzip
import json
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.graph.graph import Graph
from headway.graph.model import Edge, Node, Observation
from headway.graph.tables import Match, Tables, fold_table

DATA = Path(os.environ.get("HEADWAY_SHARED_DATA") or Path(__file__).resolve().parents[2] / "../shared/data")
DAY = date(2026, 11, 22)


def model(relation: str, name: str = "", kind: str = "model", **more: object) -> Node:
    name = name or relation.rpartition(".")[2]
    return Node(id=f"dbt:{kind}.{relation}", kind=kind, name=name, relation=relation, **more)


def source(relation: str) -> Node:
    return model(relation, kind="source")


SHOP = [
    model("prod.staging.stg_orders"),
    model("prod.marts.orders"),
    model("prod.marts.Customers"),
    model("prod.marts.report"),
    model("prod.finance.report"),
    source("prod.raw_shop.customers"),
    source("lake.web.events_*"),
    model("prod.marts.hidden", materialized="ephemeral"),
]


def found(nodes: list[Node], name: str, edges: tuple[Edge, ...] = ()) -> tuple[str, list[str]]:
    graph = Graph([*nodes, *edges], as_of=DAY)
    match = graph.directory.table(name)
    return match.tier, [graph.nodes[i].relation for i in match.nodes]


@pytest.mark.parametrize(
    ("name", "tier", "relations"),
    [
        ("prod.marts.orders", "relation", ["prod.marts.orders"]),
        ('"PROD"."Marts"."ORDERS"', "relation", ["prod.marts.orders"]),
        ("`prod`.`marts`.`orders`", "relation", ["prod.marts.orders"]),
        ("[prod].[marts].[orders]", "relation", ["prod.marts.orders"]),
        ("prod . marts . customers", "relation", ["prod.marts.Customers"]),
        ("server.prod.marts.orders", "relation", ["prod.marts.orders"]),
        ("prod.marts.orders__dbt_tmp", "relation", ["prod.marts.orders"]),
        ("marts.orders", "schema and table", ["prod.marts.orders"]),
        ("views.marts.orders", "schema and table", ["prod.marts.orders"]),
        ("orders", "table", ["prod.marts.orders"]),
        ("elsewhere.analytics.orders", "table", ["prod.marts.orders"]),
        ("report", "table", ["prod.marts.report", "prod.finance.report"]),
        ("customers", "table", ["prod.marts.Customers", "prod.raw_shop.customers"]),
        ("team_finance.report", "table", ["prod.finance.report"]),
        # The place is known, and nothing there is called so.
        ("prod.marts.stg_orders", "", []),
        ("marts.stg_orders", "", []),
        ("prod.raw_shop.orders", "", []),
        ("raw_shop.orders", "", []),
        # The layer is known under another target, and nothing in it is called so.
        ("live.live_marts.stg_orders", "", []),
        ("superset.public.tables", "", []),
        ("hidden", "", []),
        ("", "", []),
        ("...", "", []),
        ("prod..orders", "", []),
    ],
)
def test_a_name_means_a_node_by_the_first_tier_that_fits(name: str, tier: str, relations: list[str]) -> None:
    assert found(SHOP, name) == (tier, relations)


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("lake.web.events_*", "relation"),
        ("lake.web.events_20260101", "relation"),
        ("lake:web.events_20260101", "relation"),
        ("web.events_2026*", "schema and table"),
        ("events_20261231", "table"),
        ("lake.web.events_20261399", ""),  # no day
        ("lake.web.events_2026", ""),
        ("lake.web.clicks_20260101", ""),
    ],
)
def test_any_day_of_a_sharded_table_is_the_table(name: str, tier: str) -> None:
    assert found(SHOP, name) == (tier, ["lake.web.events_*"] if tier else [])


def test_a_wildcard_finds_a_table_that_is_declared_by_one_day_and_days_of_their_own_stay_apart() -> None:
    one = [source("p.web.hits_20260101")]
    assert found(one, "p.web.hits_*") == ("relation", ["p.web.hits_20260101"])
    two = [*one, source("p.web.hits_20260102")]
    assert found(two, "p.web.hits_20260102") == ("relation", ["p.web.hits_20260102"])
    assert found(two, "p.web.hits_*")[1] == ["p.web.hits_20260101", "p.web.hits_20260102"]


def test_a_partition_is_its_table() -> None:
    assert found(SHOP, "prod.marts.orders$20260101")[1] == ["prod.marts.orders"]


def test_relations_without_a_catalog() -> None:
    nodes = [model("marts.orders"), model("finance.orders")]
    assert found(nodes, "marts.orders") == ("schema and table", ["marts.orders"])
    assert found(nodes, "default.finance.orders") == ("schema and table", ["finance.orders"])
    assert found(nodes, "orders")[1] == ["marts.orders", "finance.orders"]


def test_two_nodes_with_one_relation_are_several() -> None:
    nodes = [model("p.marts.orders"), Node(id="dbt:model.other", kind="model", name="o", relation="P.marts.ORDERS")]
    assert found(nodes, "p.marts.orders") == ("relation", ["p.marts.orders", "P.marts.ORDERS"])


def test_a_disabled_node_is_never_meant() -> None:
    nodes = [model("p.marts.orders", disabled=True), model("p.marts.items")]
    assert found(nodes, "p.marts.orders") == ("", [])
    assert found(nodes, "orders") == ("", [])


# --- sources that name what a model builds ---------------------------------------------------------------------------

DEVELOPMENT = [
    model("dev.wizard_marts.orders"),
    model("dev.wizard_staging.stg_orders"),
    source("lake.production_marts.orders"),
    source("dev.wizard_raw.orders"),
]


@pytest.mark.parametrize("name", ["lake.production_marts.orders", "production_marts.orders"])
def test_a_source_of_the_same_table_and_layer_is_what_the_model_builds(name: str) -> None:
    assert found(DEVELOPMENT, name)[1] == ["dev.wizard_marts.orders"]


@pytest.mark.parametrize("relation", ["lake.production_marts.orders", "dev.wizard_marts.orders"])
def test_rows_of_use_about_such_a_source_are_about_the_model(relation: str) -> None:
    rows = [Observation(day=DAY, measure="queries", amount=3, relation=relation)]
    graph = Graph([*DEVELOPMENT, *rows], as_of=DAY)
    assert [(graph.nodes[i].relation, o.amount) for i, o in graph.use.linked] == [("dev.wizard_marts.orders", 3)]
    same = [model("p.marts.orders"), source("p.marts.orders"), source("p.raw.orders")]
    rows = [Observation(day=DAY, measure="queries", amount=3, relation=r) for r in ("p.marts.orders", "p.raw.orders")]
    use = Graph([*same, *rows], as_of=DAY).use
    assert [i for i, _ in use.linked] == [0, 2]


def test_a_source_of_another_layer_stays_a_source() -> None:
    assert found(DEVELOPMENT, "dev.wizard_raw.orders") == ("relation", ["dev.wizard_raw.orders"])
    assert found(DEVELOPMENT, "lake.production_raw.orders") == ("table", ["dev.wizard_raw.orders"])
    assert found(DEVELOPMENT, "lake.production_raw.stg_orders") == ("", [])
    assert found(DEVELOPMENT, "lake.somewhere.stg_orders") == ("table", ["dev.wizard_staging.stg_orders"])


def test_a_source_that_the_model_stands_on_is_not_what_it_builds() -> None:
    nodes = [source("lake.raw_shop.orders"), model("dev.dev_shop.base"), model("dev.dev_shop.orders")]
    apart = found(nodes, "lake.raw_shop.orders")
    assert apart == ("relation", ["dev.dev_shop.orders"])
    edges = (
        Edge(upstream=nodes[0].id, downstream=nodes[1].id),
        Edge(upstream=nodes[1].id, downstream=nodes[2].id),
    )
    assert found(nodes, "lake.raw_shop.orders", edges) == ("relation", ["lake.raw_shop.orders"])


def test_a_source_that_two_models_could_build_stays_a_source() -> None:
    nodes = [model("a.x_marts.orders"), model("b.y_marts.orders"), source("lake.z_marts.orders")]
    assert found(nodes, "lake.z_marts.orders") == ("relation", ["lake.z_marts.orders"])


def test_a_table_in_another_layer_is_no_link_but_worth_showing() -> None:
    graph = Graph(SHOP, as_of=DAY)
    match = graph.directory.table("live.live_marts.stg_orders")
    assert (match.node, [graph.nodes[i].relation for i in match.alike]) == (None, ["prod.staging.stg_orders"])


def test_what_a_person_said_comes_before_every_rule() -> None:
    tables = Tables(SHOP)
    assert tables.match("prod.marts.orders").nodes == (1,)
    tables.decide("prod.marts.orders", Match((2,), "decision"))
    assert tables.match('PROD."marts".orders') == Match((2,), "decision")


@given(st.text(max_size=60))
def test_any_text_is_a_name_that_folds_once(name: str) -> None:
    folded = fold_table(name)
    assert fold_table(folded) == folded or "__dbt" in folded or "$" in folded or ":" in folded
    assert Tables(SHOP).match(name).tier in {"", "relation", "schema and table", "table"}


def test_a_production_project_and_the_dashboards_on_it() -> None:
    """Its manifest is of a development target, and its own production tables are declared as sources too."""
    file = DATA / "mitodl" / "manifest.json.gz"
    if not file.exists():
        pytest.skip(f"no real project at {file}")
    content = json.loads(gzip.decompress(file.read_bytes()))
    nodes = [
        model(".".join((n["database"], n["schema"], n["alias"] or n["name"])), kind=n["resource_type"])
        for n in content["nodes"].values()
        if n["resource_type"] in {"model", "seed", "snapshot"}
    ]
    twice = [s for s in content["sources"].values() if s["schema"].startswith("ol_warehouse_production_")]
    nodes += [source(".".join((s["database"], s["schema"], s["name"]))) for s in content["sources"].values()]
    tables = Tables(nodes)
    assert len(twice) == 10
    for one in twice:
        match = tables.match(".".join((one["database"], one["schema"], one["name"])))
        assert (match.tier, nodes[match.nodes[0]].kind) == ("relation", "model")
    built = [n for n in nodes if n.kind == "model"]
    for node in built:
        _, schema, table = node.relation.split(".")
        name = f"ol_data_lake_production.ol_warehouse_production_{schema.removeprefix('wizard_')}.{table}"
        match = tables.match(name)
        assert [nodes[i].relation for i in match.nodes] == [node.relation], name
