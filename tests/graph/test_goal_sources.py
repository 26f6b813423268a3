"""Goals of several places as one tree, and the bindings that git keeps for them."""

from __future__ import annotations

from datetime import date
from typing import Any

from headway.connectors.goals.reader import read
from headway.connectors.goals.records import records as goal_records
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Binding, Deliverable, Edge, Gap, Node, Objective, Origin, Reading, Target

TODAY = date(2026, 11, 22)
PAGE = "https://t.example/g/1"


def tool(name: str = "asana", **more: Any) -> list[AnyRecord]:
    """A tool with one objective, and one key result that is read by hand."""
    o = Origin(name)
    return [
        Node(id=f"{name}:1", kind="objective", name="1", title="Grow", owner="sales", url=PAGE, origin=o),
        Objective(objective=f"{name}:1", start=date(2026, 10, 1), end=date(2026, 12, 31), origin=o),
        Node(id=f"{name}:2", kind="key_result", name="2", title="Revenue", origin=o),
        Target(
            key_result=f"{name}:2", objective=f"{name}:1", baseline=1.0, target=9.0, binding=Binding(manual=True),
            origin=o, **more,
        ),
        Edge(upstream=f"{name}:2", downstream=f"{name}:1", role="supports", origin=o),
        Reading(key_result=f"{name}:2", day=date(2026, 11, 1), value=4.0, source="manual", origin=o),
        Gap(topic="goals", message="x has no number", node=f"{name}:2", hint="bind it under bindings:", origin=o),
    ]  # fmt: skip


METRIC = Node(id="dbt:metric.shop.revenue", kind="metric", name="revenue", origin=Origin("dbt"))


def written(text: str) -> list[AnyRecord]:
    return list(goal_records(read([("goals.yml", text.encode())])))


def graph(*parts: list[AnyRecord], order: tuple[str, ...] = ()) -> Graph:
    return Graph([METRIC, *(r for part in parts for r in part)], as_of=TODAY, goal_order=order)


def messages(found: Graph) -> list[str]:
    return [g.message for g in found.gaps]


BINDING = """\
bindings:
  - {goal: "asana:2", metric: revenue, where: "a = 1", note: said so in the meeting}
"""


def test_a_binding_gives_a_goal_of_a_tool_its_metric() -> None:
    found = graph(tool(), written(BINDING))
    goal = found.index["asana:2"]
    target = found.targets[goal]
    assert (target.binding.metric, target.binding.where, target.target) == ("revenue", ("a = 1",), 9.0)
    assert [found.nodes[i].name for i in found.fed_by[goal]] == ["revenue"]
    assert found.computes[found.index["dbt:metric.shop.revenue"]]
    assert not found.readings.get(goal)  # what somebody typed there gives way to what is measured
    assert not any("no number" in m for m in messages(found))


def test_a_binding_survives_what_the_tool_changes() -> None:
    renamed = [
        Node(id="asana:2", kind="key_result", name="2", title="Sales", origin=Origin("asana"))
        if getattr(r, "id", "") == "asana:2"
        else r
        for r in tool()
    ]
    found = graph(renamed, written(BINDING))
    assert found.targets[found.index["asana:2"]].binding.metric == "revenue"


def test_a_binding_to_nothing_says_so_with_its_place() -> None:
    found = graph(tool(), written('bindings:\n  - {goal: "asana:22", metric: revenue}\n'))
    (said,) = [g for g in found.gaps if "points to nothing" in g.message]
    assert said.message.startswith("goals.yml:2")
    assert "asana:2" in said.hint
    assert not any("nothing declares" in m for m in messages(found))


def test_a_binding_of_an_objective_says_so() -> None:
    found = graph(tool(), written('bindings:\n  - {goal: "asana:1", metric: revenue}\n'))
    assert any("points to 'Grow', which is no key result" in m for m in messages(found))


def test_a_binding_follows_a_goal_that_got_goals_below_it() -> None:
    o = Origin("asana")
    more = [
        Node(id="asana:1.number", kind="key_result", name="1.number", title="Grow", origin=o),
        Target(key_result="asana:1.number", objective="asana:1", target=3.0, origin=o),
    ]
    found = graph([*tool(), *more], written('bindings:\n  - {goal: "asana:1", metric: revenue}\n'))
    assert found.targets[found.index["asana:1.number"]].binding.metric == "revenue"
    assert found.fed_by[found.index["asana:1.number"]] == [found.index["dbt:metric.shop.revenue"]]


def test_a_binding_to_a_metric_that_is_not_there_is_unlinked() -> None:
    found = graph(tool(), written('bindings:\n  - {goal: "asana:2", metric: revenu}\n'))
    assert any("there is no metric 'revenu'" in m for m in messages(found))


def test_numbers_beside_a_binding_fill_what_the_tool_lacks() -> None:
    records = tool()
    records[3] = Target(key_result="asana:2", objective="asana:1", origin=Origin("asana"))
    text = 'bindings:\n  - {goal: "asana:2", metric: revenue, baseline: 9, target: 3, unit: days}\n'
    target = graph(records, written(text)).targets[1 + graph(records).index["asana:1"]]
    assert (target.baseline, target.target, target.unit, target.direction) == (9.0, 3.0, "days", "decrease")


GROW = """\
objectives:
  - id: grow
    title: Grow the company
    {extra}
    key_results:
      - {id: revenue, title: All revenue, metric: revenue, same_as: "asana:2", target: 20, baseline: 2}
"""


def test_goals_that_are_the_same_are_one_and_the_first_counts() -> None:
    mine = written(GROW.replace("{extra}", 'same_as: "asana:1"'))
    found = graph(mine, tool(), order=("goals", "asana"))
    assert found.index["asana:2"] == found.index["goal:key_result.grow.revenue"]
    target = found.targets[found.index["asana:2"]]
    assert (target.target, target.baseline, target.binding.metric) == (20.0, 2.0, "revenue")
    objective = found.index["asana:1"]
    assert (found.nodes[objective].label, found.nodes[objective].owner) == ("Grow the company", "sales")
    assert found.objectives[objective].end == date(2026, 12, 31)  # which only the tool says
    assert sum(n.kind == "objective" for n in found.nodes) == 1
    assert sum(n.kind == "key_result" for n in found.nodes) == 1


def test_the_stated_order_decides() -> None:
    mine = written(GROW.replace("{extra}", 'same_as: "asana:1"'))
    found = graph(mine, tool(), order=("asana", "goals"))
    node = found.nodes[found.index["goal:objective.grow"]]
    assert (node.id, node.label) == ("asana:1", "Grow")
    target = found.targets[found.index["asana:2"]]
    assert (target.target, target.objective) == (9.0, "asana:1")
    assert [r.value for r in found.readings[found.index["asana:2"]]] == [4.0]


def test_the_same_address_is_the_same_goal() -> None:
    mine = written("objectives: [{id: grow, title: Grow more, url: 'https://T.example/g/1/?tab=2'}]")
    found = graph(mine, tool())
    assert found.index["asana:1"] == found.index["goal:objective.grow"]


def test_the_same_title_is_not_the_same_goal() -> None:
    found = graph(tool("asana"), tool("lattice")[2:4], written("objectives: [{id: grow, title: Grow}]"))
    assert found.index["asana:1"] != found.index["goal:objective.grow"]


def test_same_as_nothing_and_as_another_kind_is_said() -> None:
    text = 'objectives: [{id: a, title: A, same_as: "asana:77"}, {id: b, title: B, same_as: "asana:2"}]'
    said = messages(graph(tool(), written(text)))
    assert any("the same as 'asana:77', which no source has" in m for m in said)
    assert any("they stay apart" in m for m in said)


def test_three_sources_chain_to_the_first() -> None:
    lattice = tool("lattice")
    lattice[0] = Node(
        id="lattice:1", kind="objective", name="1", title="Grow", meta={"same_as": "asana:1"}, origin=Origin("lattice")
    )
    mine = written('objectives: [{id: grow, title: Grow, same_as: "lattice:1"}]')
    found = graph(mine, lattice, tool())
    assert found.index["asana:1"] == found.index["lattice:1"] == found.index["goal:objective.grow"]
    assert {found.nodes[i].id for i in found.parts[found.index["asana:1"]]} == {"asana:2", "lattice:2"}


def test_deliverables_that_are_the_same_are_one() -> None:
    def one(name: str, done: bool, **meta: Any) -> list[AnyRecord]:
        o = Origin(name)
        return [
            Node(id=f"{name}:1", kind="objective", name="1", origin=o),
            Objective(objective=f"{name}:1", origin=o),
            Node(id=f"{name}:9", kind="deliverable", name="9", meta=meta, origin=o),
            Deliverable(deliverable=f"{name}:9", objective=f"{name}:1", done=done, origin=o),
        ]

    found = graph(one("asana", True), one("lattice", False, same_as="asana:9"), order=("asana",))
    assert [d.done for d in found.deliverables.values()] == [True]


def test_nothing_is_touched_where_there_is_one_source() -> None:
    records = tool()
    assert Graph(records, as_of=TODAY).targets == Graph(records, as_of=TODAY, goal_order=("asana",)).targets
