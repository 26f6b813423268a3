"""Exposures and BI content that are the same thing become one node; what only looks alike stays two."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from headway.graph.graph import Graph
from headway.graph.merge import Address, address, merge
from headway.graph.model import AnyRecord, Edge, Node, Observation, Origin

DAY = date(2026, 11, 22)
DBT = Origin("dbt", "models/exposures.yml", 4)
TOOL = Origin("superset")


def exposure(name: str = "sales", **more: object) -> Node:
    return replace(Node(id=f"dbt:exposure.shop.{name}", kind="dashboard", name=name, origin=DBT), **more)


def board(key: str = "3", tool: str = "superset", kind: str = "dashboard", **more: object) -> Node:
    node = Node(id=f"{tool}:{kind}.{key}", kind=kind, name=f"{kind} {key}", origin=Origin(tool))
    return replace(node, **more)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bi.example.com/dashboard/12", Address("bi.example.com", ("dashboard", "12"))),
        ("HTTPS://BI.Example.com:443/Dashboard/12-sales/?tab=1#x", Address("bi.example.com", ("dashboard", "12"))),
        ("http://bi.example.com:80//dashboard//12/", Address("bi.example.com", ("dashboard", "12"))),
        ("https://bi.example.com:8443/a", Address("bi.example.com:8443", ("a",))),
        ("https://tea:secret@bi.example.com/a", Address("bi.example.com", ("a",))),
        (
            "https://t.example.com/#/site/tea/views/Sales/Week?:iid=1",
            Address("t.example.com", ("site", "tea", "views", "sales", "week")),
        ),
        ("https://bi.example.com", Address("bi.example.com", ())),
        (" https://bi.example.com/a ", Address("bi.example.com", ("a",))),
        ("bi.example.com/a", None),
        ("", None),
        ("https://", None),
        ("javascript:alert(1)", None),
    ],
)
def test_addresses_are_compared_without_what_does_not_matter(url: str, expected: Address | None) -> None:
    assert address(url) == expected


@pytest.mark.parametrize(
    ("said", "there", "name"),
    [
        ("https://bi.example.com/superset/dashboard/3/", "https://bi.example.com/superset/dashboard/3/", ""),
        (
            "http://BI.example.com/superset/dashboard/3?native_filters=x",
            "https://bi.example.com/superset/dashboard/3/",
            "",
        ),
        (
            "https://bi.example.com/superset/dashboard/tea-sales/",
            "https://bi.example.com/superset/dashboard/3/",
            "tea-sales",
        ),
        (
            "https://bi.example.com/superset/dashboard/3/",
            "https://bi.example.com/superset/dashboard/tea-sales/",
            "tea-sales",
        ),
        ("https://bi.example.com/groups/w/reports/3/ReportSection1", "https://bi.example.com/groups/w/reports/3", ""),
        ("https://bi.example.com/dashboard/3-tea-sales", "https://bi.example.com/dashboard/3", ""),
    ],
)
def test_one_address_is_one_node(said: str, there: str, name: str) -> None:
    tool = board("3", url=there, name=name or "Tea sales")
    merged = merge([exposure(url=said), tool])
    assert [n.id for n in merged.nodes] == ["dbt:exposure.shop.sales"]
    assert merged.aliases == {"superset:dashboard.3": "dbt:exposure.shop.sales"}
    assert merged.gaps == ()


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("https://bi.example.com/dashboard/31", "https://bi.example.com/dashboard/3"),
        ("https://bi.example.com/dashboard", "https://bi.example.com/dashboard/3"),
        ("https://bi.example.com/", "https://bi.example.com/dashboard/3"),
        ("https://other.example.com/dashboard/3", "https://bi.example.com/dashboard/3"),
        ("https://bi.example.com:8443/dashboard/3", "https://bi.example.com/dashboard/3"),
        ("https://bi.example.com/home/page", "https://bi.example.com/home"),
        ("https://bi.example.com/", "https://bi.example.com/"),
        ("", ""),
    ],
)
def test_another_address_is_another_node(said: str, there: str) -> None:
    merged = merge([exposure(url=said), board("3", url=there, name="Tea sales")])
    assert (len(merged.nodes), merged.aliases) == (2, {})


def test_charts_behind_one_path_are_told_apart_by_the_query() -> None:
    there = [board(k, kind="chart", url=f"https://bi.example.com/explore/?slice_id={k}") for k in ("7", "8")]
    merged = merge([exposure(url="https://bi.example.com/explore/?slice_id=8"), *there])
    assert merged.aliases == {"superset:chart.8": "dbt:exposure.shop.sales"}


def test_an_address_of_several_is_left_apart_with_a_note() -> None:
    there = [board(k, url="https://bi.example.com/home/sales") for k in ("3", "4")]
    merged = merge([exposure(url="https://bi.example.com/home/sales"), *there])
    assert merged.aliases == {}
    assert [g.message for g in merged.gaps] == [
        "the address of the exposure sales is that of superset:dashboard.3 and superset:dashboard.4"
    ]


def test_two_exposures_of_one_dashboard_are_left_apart_with_a_note() -> None:
    url = "https://bi.example.com/dashboard/3"
    merged = merge([exposure("a", url=url), exposure("b", url=url), board("3", url=url)])
    assert (len(merged.nodes), merged.aliases) == (3, {})
    assert "name the same thing: superset:dashboard.3" in merged.gaps[0].message


def test_an_exposure_may_say_what_it_is() -> None:
    said = exposure(meta={"same_as": "superset:dashboard.3"})
    assert merge([said, board("3"), board("4")]).aliases == {"superset:dashboard.3": said.id}
    lost = merge([exposure(meta={"same_as": "superset:dashboard.9"}), board("3", title="sales")])
    assert lost.aliases == {}
    assert [g.message for g in lost.gaps] == [
        "sales says that it is the same as 'superset:dashboard.9', which is not in the graph"
    ]


def test_an_archived_dashboard_is_told_of_and_not_brought_back() -> None:
    url = "https://bi.example.com/dashboard/3"
    graph = Graph([exposure(url=url), board("3", url=url, disabled=True)], as_of=DAY)
    assert [n.id for n in graph.nodes] == ["dbt:exposure.shop.sales"]
    assert "superset:dashboard.3, which is archived there" in graph.gaps[0].message


# --- titles ----------------------------------------------------------------------------------------------------------

TITLE = {"title": "Tea  sales"}


@pytest.mark.parametrize(
    ("nodes", "together", "why"),
    [
        ([exposure(**TITLE), board(title="tea sales")], True, ""),
        ([exposure("tea_sales"), board(title="Tea sales")], True, ""),
        ([exposure(**TITLE), board(**TITLE), board("4", "metabase")], False, "does not say which tool"),
        ([exposure(**TITLE, tags=("Superset",)), board(**TITLE), board("4", "metabase")], True, ""),
        ([exposure(**TITLE, meta={"tool": "superset"}), board(**TITLE), board("4", "metabase")], True, ""),
        ([exposure(**TITLE, tags=("metabase",)), board(**TITLE), board("4", "metabase")], False, "names another tool"),
        ([exposure(**TITLE), board("3", **TITLE), board("4", **TITLE)], False, "which of them are the same"),
        ([exposure("a", **TITLE), exposure("b", **TITLE), board("3", **TITLE)], False, "which of them are the same"),
        (
            [exposure(**TITLE, url="https://bi.example.com/d/9"), board(**TITLE, url="https://bi.example.com/d/3")],
            False,
            "address names something else",
        ),
        (
            [exposure(**TITLE, url="https://wiki.example.com/x"), board(**TITLE, url="https://bi.example.com/d/3")],
            False,
            "address is not that of superset",
        ),
        ([exposure(**TITLE, url="https://bi.example.com"), board(**TITLE, url="https://bi.example.com/d/3")], True, ""),
        ([exposure(**TITLE, kind="ml"), board(**TITLE)], False, ""),
        ([exposure(**TITLE), board(kind="chart", **TITLE)], False, ""),
    ],
)
def test_a_title_counts_with_its_tool_and_only_when_it_is_the_only_one(
    nodes: list[Node], together: bool, why: str
) -> None:
    merged = merge(nodes)
    assert bool(merged.aliases) == together
    assert len(merged.nodes) == len(nodes) - together
    assert [why in g.message for g in merged.gaps] == ([True] if why else [])
    assert all(g.topic == "lineage" and g.node.startswith("dbt:") for g in merged.gaps)
    assert merge(list(reversed(nodes))).aliases == merged.aliases


# --- what becomes of the two -----------------------------------------------------------------------------------------


def both(**more: object) -> list[AnyRecord]:
    said = exposure(url="https://bi.example.com/dashboard/3", tags=("weekly",), **more)
    there = board(
        "3",
        url="https://bi.example.com/dashboard/3",
        title="Tea sales",
        owner="tea-team",
        owner_origin="superset",
        description="Weekly.",
        tags=("tea",),
        outside=True,
        created=date(2026, 1, 2),
    )
    return [said, there]


def test_what_the_exposure_does_not_say_comes_from_the_tool() -> None:
    (node,) = Graph(both(), as_of=DAY).nodes
    assert (node.id, node.title, node.owner, node.owner_origin) == (
        "dbt:exposure.shop.sales",
        "Tea sales",
        "tea-team",
        "superset",
    )
    assert (node.description, node.tags, node.outside, node.created) == (
        "Weekly.",
        ("weekly", "tea"),
        True,
        date(2026, 1, 2),
    )
    assert (node.origin, node.also) == (DBT, (TOOL,))
    (kept,) = Graph(both(owner="sales-team", owner_origin="exposure", description="Ours."), as_of=DAY).nodes
    assert (kept.owner, kept.owner_origin, kept.description) == ("sales-team", "exposure", "Ours.")


def test_both_ids_and_the_address_find_it() -> None:
    graph = Graph(both(), as_of=DAY)
    names = (
        "superset:dashboard.3",
        "exposure.shop.sales",
        "sales",
        "Tea sales",
        "http://bi.example.com/dashboard/3/?x=1",
    )
    assert [graph.directory.find(name).node for name in names] == [0] * 5
    assert graph.index["superset:dashboard.3"] == 0
    assert graph.select("connector:superset") == graph.select("connector:dbt") == {0}


def test_edges_of_both_count_once() -> None:
    orders = Node(id="dbt:model.shop.orders", kind="model", name="orders", relation="p.m.orders")
    chart = board("7", kind="chart")
    records = [
        *both(),
        orders,
        chart,
        Edge(upstream=orders.id, downstream="dbt:exposure.shop.sales"),
        Edge(upstream="ref:table/p.m.orders", downstream="superset:dashboard.3", evidence="matched"),
        Edge(upstream="ref:table/p.m.orders", downstream=chart.id, evidence="matched"),
        Edge(upstream=chart.id, downstream="superset:dashboard.3"),
    ]
    graph = Graph(records, as_of=DAY)
    assert sorted(graph.nodes[i].name for i in graph.upstream[graph.index["superset:dashboard.3"]]) == [
        "chart 7",
        "orders",
    ]


def views(node: str, amount: float, connector: str, day: date = DAY) -> Observation:
    return Observation(
        day=day, measure="views", amount=amount, node=node, person_class="person", origin=Origin(connector)
    )


def test_views_that_two_sources_tell_are_counted_once() -> None:
    earlier = date(2026, 11, 20)
    rows = [
        views("superset:dashboard.3", 5, "superset"),
        views("superset:dashboard.3", 2, "superset", earlier),
        views("exposure.shop.sales", 6, "observations"),
        views("sales", 6, "observations"),
        views("exposure.shop.sales", 4, "observations", date(2026, 11, 19)),
    ]
    assert Graph([*both(), *rows], as_of=DAY).use.reads[0] == 5 + 2 + 4
    apart = [exposure(), board("4", url="https://bi.example.com/dashboard/4")]
    assert Graph([*apart, *rows[2:]], as_of=DAY).use.reads[0] == 16


def test_views_between_two_lifetime_totals_are_told_by_these() -> None:
    days = [date(2026, 11, d) for d in (10, 15, 20)]
    totals = [
        replace(views("superset:dashboard.3", total, "superset", day), measure="views_total")
        for total, day in zip((100, 103, 110), days, strict=True)
    ]
    rows = [views("sales", 1, "observations", date(2026, 11, d)) for d in (10, 11, 15, 20, 21)]
    assert Graph([*both(), *totals, *rows], as_of=DAY).use.reads[0] == 3 + 7 + 2


def test_without_content_of_tools_nothing_is_changed() -> None:
    nodes = [exposure("a", **TITLE), exposure("b", **TITLE)]
    merged = merge(nodes)
    assert (merged.nodes, merged.aliases, merged.gaps) == (tuple(nodes), {}, ())
