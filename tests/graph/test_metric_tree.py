"""What a metric is made of, from the definitions of metrics; every broken definition ends in a leaf that says why."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from headway.graph.graph import Graph
from headway.graph.metric_tree import Component, Tree, leaves, tree_of, walk
from headway.graph.model import AnyRecord, Binding, Edge, Node, Target

GOAL = "goal:key_result.o.kr"
A, B = {"name": "a", "as": "a"}, {"name": "b", "as": "b"}


def tree(metrics: dict[str, Any], of: str = "m", where: tuple[str, ...] = (), **meta: Any) -> Tree | None:
    records: list[AnyRecord] = []
    for name, definition in {"a": None, "b": None, **metrics}.items():
        own = {**({"definition": definition} if definition is not None else {}), **(meta if name == of else {})}
        records.append(Node(id=name, kind="metric", name=name, meta=own))
        inputs = definition.get("inputs") if isinstance(definition, dict) else None
        named = [item for item in inputs if isinstance(item, dict)] if isinstance(inputs, list) else []
        records += [Edge(upstream=str(item.get("name")), downstream=name) for item in named]
    binding = Binding(metric=of, where=where)
    records.append(Node(id=GOAL, kind="key_result", name="kr"))
    records.append(Target(key_result=GOAL, objective="goal:objective.o", binding=binding))
    records.append(Edge(upstream=of, downstream=GOAL))
    graph = Graph(records, as_of=date(2026, 11, 22))
    return tree_of(graph, graph.index[GOAL])


def root(metrics: dict[str, Any], **more: Any) -> Component:
    found = tree(metrics, **more)
    assert found is not None
    return found.root


def test_a_ratio_is_its_two_inputs() -> None:
    found = root({"m": {"type": "ratio", "inputs": [A, B]}})
    assert (found.how, found.expression) == ("ratio", "numerator / denominator")
    assert [(alias, part.name) for alias, part in found.inputs] == [("numerator", "a"), ("denominator", "b")]


def test_conditions_and_offsets_reach_the_bottom_and_tell_inputs_apart() -> None:
    inner = {"type": "ratio", "inputs": [A, B]}
    before = {"name": "r", "as": "before", "offset": "2 month"}
    paid = {"name": "r", "as": "now", "filter": ["status = 1"], "where": ["{{ status }} = 1"]}
    found = root({"r": inner, "m": {"type": "derived", "expr": "now - before", "inputs": [paid, before]}}, where=("x",))
    assert list(leaves(found)) == [
        "a | x | {{ status }} = 1",
        "b | x | {{ status }} = 1",
        "a | 2 months before | x",
        "b | 2 months before | x",
    ]


def test_a_conversion_is_what_followed_over_what_came_first() -> None:
    found = root({"m": {"type": "conversion", "calculation": "conversion_rate", "ends": [{}, {}]}})
    assert (found.expression, list(leaves(found))) == ("conversions / base", ["m | conversions", "m | base"])
    assert not root({"m": {"type": "conversion", "calculation": "conversions"}}).inputs


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ({"type": "ratio", "inputs": [A]}, "not all known"),
        ({"type": "derived", "expr": "a"}, "not all known"),
        ({"type": "derived", "expr": "a", "inputs": [None]}, "not all known"),
        ({"type": "derived", "expr": "a", "inputs": [{"name": "nowhere"}]}, "not all known"),
        ({"type": "derived", "expr": "m + a", "inputs": [A, {"name": "m"}]}, "from itself"),
        ({"type": "derived", "expr": "a", "inputs": [{**A, "offset": "month"}]}, "beginning of a month"),
    ],
)
def test_what_cannot_be_taken_apart_is_a_leaf_that_says_why(definition: dict[str, Any], why: str) -> None:
    found = root({"m": definition})
    assert not found.inputs
    assert why in found.why


@pytest.mark.parametrize("definition", [None, [], "ratio", {}, {"type": 3}, {"type": "simple"}])
def test_what_has_no_inputs_is_a_leaf(definition: object) -> None:
    assert root({"m": definition}) == Component(root({"m": definition}).node, "m")


def test_a_circle_and_a_tree_that_is_too_deep_end() -> None:
    ring = {"m": {"type": "ratio", "inputs": [{"name": "n"}, A]}, "n": {"type": "ratio", "inputs": [{"name": "m"}, B]}}
    assert not root(ring).inputs
    chain: dict[str, Any] = {
        f"m{k}": {"type": "ratio", "inputs": [{"name": f"m{k + 1}"}, {"name": f"m{k + 1}"}]} for k in range(30)
    }
    found = root({**chain, "m30": None}, of="m0")
    assert len(list(walk(found))) < 1_000
    assert any("cut here" in part.why for part in walk(found))


def test_declared_drivers_are_influences_and_never_components() -> None:
    found = tree({"m": {"type": "ratio", "inputs": [A, B]}, "c": None}, drivers=["c", "a", "nobody", 3])
    assert found is not None
    assert [one.node for one in found.influences] == [3]
    assert found.missing == ("nobody",)


def test_a_key_result_without_a_metric_has_no_tree() -> None:
    records: list[AnyRecord] = [
        Node(id="orders", kind="model", name="orders"),
        Node(id=GOAL, kind="key_result", name="kr"),
        Target(key_result=GOAL, objective="o", binding=Binding(model="orders", expression="count(*)")),
        Edge(upstream="orders", downstream=GOAL),
    ]
    graph = Graph(records, as_of=date(2026, 11, 22))
    assert tree_of(graph, graph.index[GOAL]) is None
