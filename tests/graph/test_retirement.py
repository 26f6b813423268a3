"""Retirement on random graphs: nothing outside what goes reaches into it, and nothing that could go is left out."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from case_graph import AS_OF, FILE, graph_of
from headway.graph.graph import Graph
from headway.graph.model import (
    AnyRecord,
    Binding,
    Coverage,
    Edge,
    Node,
    Objective,
    Observation,
    Target,
    goal_id,
)
from headway.graph.retirement import Retirement, plan, turns

KINDS_DRAWN = ("source", "model", "model", "metric", "dashboard", "notebook")


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, set[int]]:
    """A graph of up to twelve assets, circles included, with goals, use, protection and grace; and some roots."""
    count = draw(st.integers(1, 12))
    records: list[AnyRecord] = [Coverage(covers="kind:model kind:source kind:dashboard", start=date(2026, 6, 1),
                                         end=date(2026, 11, 21), origin=FILE)]  # fmt: skip
    for i in range(count):
        records.append(
            Node(
                id=f"n{i}",
                kind=draw(st.sampled_from(KINDS_DRAWN)),
                name=f"n{i}",
                protected=draw(st.integers(0, 9)) == 0,
                outside=draw(st.integers(0, 9)) == 0,
                created=date(2026, 11, 15) if draw(st.integers(0, 9)) == 0 else None,
            )
        )
        if draw(st.integers(0, 4)) == 0:
            records.append(
                Observation(day=date(2026, 11, 20), measure="views", amount=3, node=f"n{i}", person_class="person",
                            person=draw(st.sampled_from(("", "a", "b"))), origin=FILE)
            )  # fmt: skip
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    backward = draw(st.booleans())
    for up, down in draw(st.lists(ends, max_size=24)):
        if up < down or (backward and up != down):
            records.append(Edge(upstream=f"n{up}", downstream=f"n{down}"))
    for k, state in enumerate(draw(st.lists(st.sampled_from(("active", "ended", "draft")), max_size=3))):
        objective, key_result = goal_id("objective", f"o{k}"), goal_id("key_result", f"o{k}", "kr")
        records += [
            Node(id=objective, kind="objective", name=f"o{k}"),
            Objective(objective=objective, state=state),  # type: ignore[arg-type]
            Node(id=key_result, kind="key_result", name=f"kr{k}"),
            Target(key_result=key_result, objective=objective, binding=Binding(metric="x")),
            Edge(upstream=key_result, downstream=objective, role="supports"),
            Edge(upstream=f"n{draw(st.integers(0, count - 1))}", downstream=key_result),
            Edge(upstream=f"n{draw(st.integers(0, count - 1))}", downstream=key_result, role="shows"),
        ]
    graph = Graph(records, as_of=AS_OF)
    roots = draw(st.sets(st.sampled_from(sorted(graph.assets))))
    return graph, roots


def below(graph: Graph, i: int) -> set[int]:
    """Everything downstream of a node, itself included: walked here without the sweep that is tested."""
    seen, todo = {i}, [i]
    while todo:
        for j in graph.downstream[todo.pop()]:
            if j not in seen:
                seen.add(j)
                todo.append(j)
    return seen


def keeps(graph: Graph, i: int) -> bool:
    """Whether an asset may not go whatever is downstream of it, written from the rules and not from the code."""
    node = graph.nodes[i]
    living = [g for g in graph.goals if graph.state(graph.objective_of(g)) != "ended"]
    attached = any(i in (*graph.fed_by.get(g, ()), *graph.shown_on.get(g, ())) for g in living)
    return node.protected or node.outside or attached or graph.use.own[i]


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_nothing_outside_what_goes_reaches_into_it(drawn: tuple[Graph, set[int]]) -> None:
    graph, roots = drawn
    for found in (plan(graph), plan(graph, roots)):
        for i in found.going:
            assert below(graph, i) <= found.going
            assert graph.use.status[i] == "unused"
            assert not any(keeps(graph, j) for j in below(graph, i))
            assert not graph.served[i]
            assert i not in graph.load_bearing


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_nothing_that_could_go_is_left_out_without_a_reason(drawn: tuple[Graph, set[int]]) -> None:
    graph, roots = drawn
    whole = plan(graph)
    for i in graph.assets:
        free = all(graph.use.status[j] == "unused" and not keeps(graph, j) for j in below(graph, i))
        assert (i in whole.going) == free
    some = plan(graph, roots)
    assert some.going <= whole.going
    assert roots & some.going == {i for i in roots if i in whole.going}
    for i in roots - some.going:
        assert some.kept[i]
        assert all(why.node in below(graph, i) for why in some.kept[i])


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_only_what_belongs_to_a_root_goes(drawn: tuple[Graph, set[int]]) -> None:
    graph, roots = drawn
    found = plan(graph, roots)
    gone = roots & found.going
    with_them = set().union(*(below(graph, i) for i in gone)) if gone else set()
    for i in found.going:
        assert below(graph, i) & with_them, "it feeds nothing that goes with a root"


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_order_and_parts_hold(drawn: tuple[Graph, set[int]]) -> None:
    graph, _ = drawn
    found = plan(graph)
    assert sorted(i for part in found.components for i in part) == sorted(found.going)
    part_of = {i: n for n, part in enumerate(found.components) for i in part}
    circling = {i for cycle in graph.cycles for i in cycle}
    for i in found.going:
        for j in graph.downstream[i]:
            assert part_of[i] == part_of[j]
            assert found.turn[i] > found.turn[j] or {i, j} <= circling


def names(graph: Graph, found: Retirement) -> list[str]:
    return sorted(graph.nodes[i].name for i in found.going)


LONG = """
covers "kind:model kind:dashboard" 2026-08-01..2026-11-21
""" + "\n".join(f"model m{i}" + (f" < m{i - 1}" if i else "") for i in range(3000))


def test_a_chain_of_thousands_is_no_recursion_and_is_ordered() -> None:
    graph = graph_of(LONG + "\nviews m0 1 on 2026-08-02")
    found = plan(graph)
    assert len(found.going) == 3000
    assert turns(graph, found.going)[graph.index["m0"]] == 3000


def test_a_goal_that_leaves_frees_what_only_it_needed() -> None:
    graph = graph_of(
        """
        covers "kind:model kind:dashboard" 2026-08-01..2026-11-21
        objective grow "Grow" 2026-10-01..2026-12-31
        objective save "Save" 2026-10-01..2026-12-31
        model base
        model a < base
        model b < base
        metric grown < a
        metric saved < b
        key_result grow.g < grown
        key_result save.s < saved
        views base 1 on 2026-08-01
        """
    )
    mask = graph.goal_mask(graph.index[goal_id("objective", "grow")])
    roots = [i for i in graph.assets if graph.computes[i] & mask]
    assert names(graph, plan(graph, roots, leaving=mask)) == ["a", "grown"]
    assert names(graph, plan(graph, roots)) == []
