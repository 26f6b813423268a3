"""Tables told of by systems outside dbt: one node for one table, and nothing guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.case_graph import AS_OF, graph_of

from headway.graph.graph import Graph
from headway.graph.model import Check, Edge, Node, Observation, Origin

ORIGIN = Origin(connector="openlineage")


def table(name: str, relation: str, *, warehouse: bool = False, **more: str) -> Node:
    meta = {"warehouse": True} if warehouse else {}
    return Node(id=f"lake:{name}", kind="source", name=relation, relation=relation, meta=meta, origin=ORIGIN, **more)


def dbt(name: str, relation: str, kind: str = "source", **more: str) -> Node:
    return Node(id=f"dbt:{kind}.shop.{name}", kind=kind, name=name, relation=relation, **more)


JOB = Node(id="lake:job.load", kind="job", name="load", origin=ORIGIN)


def graph(*nodes: Node, edges: tuple[tuple[str, str], ...] = (), more: tuple[object, ...] = ()) -> Graph:
    joined = (Edge(upstream=u, downstream=d, evidence="observed", origin=ORIGIN) for u, d in edges)
    return Graph([*nodes, *joined, *more], as_of=AS_OF)  # type: ignore[list-item]


def ids(found: Graph) -> list[str]:
    return [node.id for node in found.nodes]


def lineage_gaps(found: Graph) -> list[str]:
    return [gap.message for gap in found.gaps if gap.topic == "lineage"]


def test_a_table_that_dbt_knows_is_dbts_node_found_by_both_ids() -> None:
    found = graph(
        dbt("raw.orders", "wh.raw.orders", description="Orders."),
        dbt("orders", "wh.main.orders", "model"),
        JOB,
        table("orders", "WH.RAW.ORDERS", owner="platform-team", description="Loaded nightly."),
        edges=(("lake:job.load", "lake:orders"), ("dbt:source.shop.raw.orders", "dbt:model.shop.orders")),
        more=(
            Check(
                node="lake:orders", id="t", kind="test", name="t", status="fail", at=datetime(2026, 11, 22, tzinfo=UTC)
            ),
        ),
    )
    assert ids(found) == ["dbt:source.shop.raw.orders", "dbt:model.shop.orders", "lake:job.load"]
    source = found.index["lake:orders"]
    assert source == found.index["dbt:source.shop.raw.orders"]
    assert found.upstream[source] == [found.index["lake:job.load"]]
    node = found.nodes[source]
    # What dbt says counts; what it does not say is taken from outside.
    assert (node.name, node.relation, node.description) == ("raw.orders", "wh.raw.orders", "Orders.")
    assert (node.owner, node.also) == ("platform-team", (ORIGIN,))
    assert list(found.health.own) == [source]
    assert lineage_gaps(found) == []


@pytest.mark.parametrize("kind", ["model", "snapshot", "seed"])
def test_a_table_that_dbt_builds_is_that_node_also_where_a_source_declares_it(kind: str) -> None:
    built = dbt("orders", "wh.main.orders", kind)
    found = graph(dbt("main.orders", "wh.main.orders"), built, table("orders", "wh.main.orders"))
    assert found.nodes[found.index["lake:orders"]].id == built.id


def test_a_table_of_another_database_is_another_table() -> None:
    found = graph(
        dbt("raw.orders", "wh.public.orders"), table("app", "shop.public.orders"), table("short", "public.orders")
    )
    assert ids(found) == ["dbt:source.shop.raw.orders", "lake:app", "lake:short"]
    assert lineage_gaps(found) == []


@pytest.mark.parametrize(
    ("known", "told"), [("wh.raw.orders", "raw.orders"), ("raw.orders", "spark_catalog.raw.orders")]
)
def test_in_dbts_own_warehouse_one_side_may_leave_the_catalog_out(known: str, told: str) -> None:
    assert ids(graph(dbt("raw.orders", known), table("x", told, warehouse=True))) == ["dbt:source.shop.raw.orders"]
    assert ids(graph(dbt("raw.orders", known), table("x", told))) == ["dbt:source.shop.raw.orders", "lake:x"]


def test_what_fits_two_of_dbts_nodes_stays_apart_with_a_gap() -> None:
    found = graph(dbt("a.orders", "wh.raw.orders"), dbt("b.orders", "wh.raw.orders"), table("x", "wh.raw.orders"))
    assert "lake:x" in ids(found)
    assert lineage_gaps(found) == [
        (
            "the table wh.raw.orders could be dbt:source.shop.a.orders or dbt:source.shop.b.orders; "
            "nothing is guessed, and it stays a node of its own"
        )
    ]


def test_two_that_could_be_one_of_dbts_stay_apart_unless_one_is_of_its_warehouse() -> None:
    known = dbt("raw.orders", "wh.raw.orders")
    found = graph(known, table("a", "wh.raw.orders"), table("b", "WH.raw.orders"))
    assert ids(found) == [known.id, "lake:a", "lake:b"]
    assert [gap.hint for gap in found.gaps if gap.topic == "lineage"] == [
        "name the namespace of dbt's warehouse: {name: openlineage, warehouse: [...]}"
    ]
    settled = graph(known, table("a", "wh.raw.orders"), table("b", "WH.raw.orders", warehouse=True))
    assert settled.index["lake:b"] == settled.index[known.id]
    assert "lake:a" in ids(settled)


def test_many_tables_that_are_not_clear_are_one_gap() -> None:
    twice = [dbt(f"{s}.t{i}", f"wh.raw.t{i}") for i in range(5) for s in "ab"]
    found = graph(*twice, *(table(f"t{i}", f"wh.raw.t{i}") for i in range(5)))
    [said] = lineage_gaps(found)
    assert said.startswith("the table wh.raw.t0 could be")
    assert "and so it is with 4 more; nothing is guessed" in said


def test_of_tables_that_differ_in_case_alone_the_one_that_is_written_so_is_meant() -> None:
    found = graph(dbt("a", "p.d.Orders"), dbt("b", "p.d.orders"), table("x", "p.d.Orders"))
    assert found.index["lake:x"] == found.index["dbt:source.shop.a"]


def test_a_disabled_model_is_not_what_is_meant() -> None:
    off = Node(id="dbt:model.shop.orders", kind="model", name="orders", relation="wh.main.orders", disabled=True)
    assert ids(graph(off, table("x", "wh.main.orders"))) == ["lake:x"]


def test_a_table_outside_takes_no_name_from_one_of_dbts() -> None:
    """A dashboard and a usage row that name a table in short still mean dbt's, though another is called alike."""
    chart = Node(id="bi:chart.1", kind="chart", name="c")
    used = Observation(day=AS_OF, measure="queries", amount=1, relation="public.orders", person_class="person")
    app = table("app", "shop.public.orders")
    found = graph(
        dbt("orders", "wh.public.orders", "model"),
        app,
        chart,
        more=(Edge(upstream="ref:table/public.orders", downstream="bi:chart.1", evidence="matched"), used),
    )
    assert found.upstream[found.index["bi:chart.1"]] == [found.index["dbt:model.shop.orders"]]
    assert found.use.own[found.index["dbt:model.shop.orders"]]
    whole = (Edge(upstream="ref:table/shop.events.clicks", downstream="bi:chart.1", evidence="matched"),)
    clicks = table("clicks", "shop.events.clicks")
    linked = graph(dbt("clicks", "wh.main.clicks", "model"), clicks, chart, more=whole)
    # By its whole name it is meant, before a table of dbt's that only its last part fits.
    assert linked.upstream[linked.index["bi:chart.1"]] == [linked.index["lake:clicks"]]


def test_columns_flow_through_a_job_to_the_goals_that_they_serve() -> None:
    found = graph_of("""
        source app:orders relation=shop.public.orders
        source app:rates relation=shop.public.rates
        job flow:load < app:orders, app:rates
        source lake:raw < flow:load relation=wh.raw.raw_orders
        source raw_orders relation=wh.raw.raw_orders
        model orders < raw_orders
        metric mrr < orders
        objective grow "Grow" 2026-10-01..2026-12-31
        key_result grow.mrr < mrr
        columns raw_orders: amount < app:orders.gross, note < app:orders.note | shape app:rates.day
        columns orders: amount < raw_orders.amount
        columns mrr: mrr < orders.amount
    """)
    app, rates = found.index["app:orders"], found.index["app:rates"]
    assert found.columns.served(app, "gross") == 1
    assert found.columns.served(app, "note") == 0
    assert found.columns.served(rates, "day") == 1


def test_a_merge_job_and_a_job_that_writes_back_make_a_circle_that_is_told_of() -> None:
    found = graph(
        dbt("orders", "wh.main.orders", "model"),
        JOB,
        dbt("raw.orders", "wh.raw.orders"),
        edges=(
            ("dbt:model.shop.orders", JOB.id),
            (JOB.id, "dbt:source.shop.raw.orders"),
            ("dbt:source.shop.raw.orders", "dbt:model.shop.orders"),
        ),
    )
    assert [gap for gap in lineage_gaps(found) if "3 nodes feed one another in a circle" in gap]
