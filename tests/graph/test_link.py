"""From what a record names to the node it means: by id, by relation, by name; never a guess."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.graph.graph import Graph
from headway.graph.link import fold_relation, reached_names
from headway.graph.model import Node, Observation

NODES = [
    Node(id="dbt:model.shop.orders", kind="model", name="orders", relation="prod.marts.orders"),
    Node(id="dbt:source.shop.web.orders", kind="source", name="orders", relation="prod.raw_web.orders"),
    Node(id="dbt:model.shop.Users", kind="model", name="Users", relation="prod.marts.users"),
    Node(id="dbt:exposure.shop.exec", kind="dashboard", name="exec", title="Executive overview", url="https://bi/7"),
    Node(id="goal:objective.grow", kind="objective", name="grow", title="Executive overview"),
]
GRAPH = Graph(NODES, as_of=date(2026, 11, 22))


@pytest.mark.parametrize(
    ("name", "what", "ids"),
    [
        ("dbt:model.shop.orders", "asset", ["dbt:model.shop.orders"]),
        ("model.shop.orders", "asset", ["dbt:model.shop.orders"]),
        ("orders", "asset", ["dbt:model.shop.orders", "dbt:source.shop.web.orders"]),
        ("orders", "model", ["dbt:model.shop.orders"]),
        ("web.orders", "source", ["dbt:source.shop.web.orders"]),
        ("users", "asset", ["dbt:model.shop.Users"]),
        ("Executive overview", "shown", ["dbt:exposure.shop.exec"]),
        ("executive OVERVIEW", "objective", ["goal:objective.grow"]),
        ("https://bi/7", "shown", ["dbt:exposure.shop.exec"]),
        ("orders", "shown", []),
        ("goal:objective.grow", "asset", []),
    ],
)
def test_finding_by_name(name: str, what: str, ids: list[str]) -> None:
    assert [NODES[i].id for i in GRAPH.directory.find(name, what).nodes] == ids


@pytest.mark.parametrize(
    ("relation", "ids"),
    [
        ("prod.marts.orders", ["dbt:model.shop.orders"]),
        ('"PROD"."Marts"."ORDERS"', ["dbt:model.shop.orders"]),
        ("`prod`.`marts`.`orders`", ["dbt:model.shop.orders"]),
        ("marts.orders", ["dbt:model.shop.orders"]),
        ("marts.orders__dbt_tmp", ["dbt:model.shop.orders"]),
        ("orders", ["dbt:model.shop.orders", "dbt:source.shop.web.orders"]),
        ("web.orders", []),
        ("other.marts.orders", []),
        ("", []),
    ],
)
def test_finding_by_relation(relation: str, ids: list[str]) -> None:
    assert [NODES[i].id for i in GRAPH.directory.relation(relation).nodes] == ids


def test_a_name_that_fits_nothing_suggests_what_looks_alike() -> None:
    assert GRAPH.directory.find("ordres").nodes == ()
    assert GRAPH.directory.near("ordres") == ("orders",)


def test_rows_that_fit_several_nodes_are_not_given_to_any() -> None:
    day = date(2026, 11, 20)
    rows = [Observation(day=day, measure="queries", amount=3, relation=r) for r in ("orders", "marts.orders", "gone.t")]
    use = Graph([*NODES, *rows], as_of=date(2026, 11, 22)).use
    assert [o.relation for _, o in use.linked] == ["marts.orders"]
    assert {(u.name, u.fits) for u in use.unmatched} == {("orders", 2), ("gone.t", 0)}


@given(st.text(max_size=40))
def test_folding_a_relation_is_idempotent(relation: str) -> None:
    assert fold_relation(fold_relation(relation)) == fold_relation(relation)


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("plan__tier = 'pro'", {"plan__tier"}),
        ("account__plan__tier in ('a__b', 'c')", {"plan__tier"}),
        ("{{ Dimension('plan__tier') }} = 'x'", {"plan__tier"}),
        ("signup__created_at__month > '2026-01-01'", {"signup__created_at"}),
        ("amount > 3", set()),
        ("note = 'it''s plan__tier'", set()),
    ],
)
def test_names_that_a_condition_reaches(condition: str, names: set[str]) -> None:
    assert reached_names([condition]) == names
