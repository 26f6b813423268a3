"""Decisions stand above every rule of linking; content that is archived leaves no loose ends."""

from __future__ import annotations

from datetime import date

import pytest

from case_graph import graph_of
from headway.graph.graph import Graph
from headway.graph.model import ColumnLineage, ColumnSource, Decision, Edge, Node

DAY = date(2026, 11, 22)
SHOP = """
model orders relation=prod.marts.orders
model users relation=prod.marts.users
dataset bi:dataset.1 tables=prod.marts.orders
dashboard bi:dashboard.1 < bi:dataset.1
"""


def below(text: str, name: str) -> set[str]:
    graph = graph_of(text)
    return {graph.nodes[i].id for i in graph.downstream[graph.index[name]]}


def test_an_accepted_table_is_stronger_than_what_its_name_says() -> None:
    assert below(SHOP, "orders") == {"bi:dataset.1"}
    decided = SHOP + "accept table:prod.marts.orders as=users\n"
    assert below(decided, "orders") == set()
    assert below(decided, "users") == {"bi:dataset.1"}


def test_a_decision_for_one_reader_is_stronger_than_one_for_all() -> None:
    text = SHOP + "dataset bi:dataset.2 tables=prod.marts.orders\n"
    both = text + "decline table:prod.marts.orders\naccept table:prod.marts.orders bi:dataset.2 as=users\n"
    assert (below(both, "orders"), below(both, "users")) == (set(), {"bi:dataset.2"})


def test_the_later_of_two_decisions_counts() -> None:
    link = "bi:dashboard.1 bi:dashboard.2\n"
    text = SHOP + "dashboard bi:dashboard.2\n"
    assert below(text + "decline " + link + "accept " + link, "bi:dashboard.1") == {"bi:dashboard.2"}
    assert below(text + "accept " + link + "decline " + link, "bi:dashboard.1") == set()


@pytest.mark.parametrize("reader", ["", "bi:dataset.1"])
@pytest.mark.parametrize("table", ["prod.marts.orders_v1", "prod.marts.users"])
def test_columns_follow_what_was_decided(reader: str, table: str) -> None:
    reference = f"ref:table/{table}"
    records = [
        Node(id="dbt:model.orders", kind="model", name="orders", relation="prod.marts.orders"),
        Node(id="dbt:model.users", kind="model", name="users", relation="prod.marts.users"),
        Node(id="bi:dataset.1", kind="dataset", name="v1"),
        Edge(upstream=reference, downstream="bi:dataset.1", evidence="matched"),
        ColumnLineage(node="bi:dataset.1", columns={"total": (ColumnSource(reference, "amount"),)}),
    ]

    def readers(*decisions: Decision) -> list[tuple[str, str]]:
        graph = Graph([*records, *decisions], as_of=DAY)
        return [(name, c) for i, name in ((0, "orders"), (1, "users")) for _, c in graph.columns.readers(i, "amount")]

    means = Decision(upstream=reference, downstream=reader, accepted=True, target="dbt:model.orders")
    assert readers() == ([("users", "total")] if table.endswith("users") else [])
    assert readers(means) == [("orders", "total")]
    assert readers(Decision(upstream=reference, downstream=reader, accepted=False)) == []


def test_what_archived_content_reads_is_no_loose_end() -> None:
    graph = graph_of(SHOP + "chart bi:chart.9 < orders tables=prod.marts.users,gone.away.table disabled\n")
    assert [g.message for g in graph.gaps if g.topic == "lineage"] == []
    assert len(graph.links) == 1


def test_a_dashboard_that_feeds_itself_by_decision_is_no_edge() -> None:
    assert below(SHOP + "accept bi:dashboard.1 bi:dashboard.1\n", "bi:dashboard.1") == set()
