"""The graph on its own: linking, both ways of serving, paths as proof, circles, attribution."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_graph import graph_of, records_of
from headway.graph.graph import Graph
from headway.graph.model import Binding, Edge, Node, Objective, Origin, Target, goal_id

AS_OF = date(2026, 11, 22)


@st.composite
def lineages(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], list[int], list[int]]:
    """A random project: how many models, edges between them (circles allowed), what two key results stand on."""
    count = draw(st.integers(1, 12))
    node = st.integers(0, count - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=25))
    fed = draw(st.lists(node, min_size=2, max_size=2))
    return count, edges, fed, draw(st.permutations(range(count)))


def build(count: int, edges: list[tuple[int, int]], fed: list[int], order: list[int]) -> Graph:
    objective = goal_id("objective", "o")
    records: list[object] = [Node(id=f"m{i}", kind="model", name=f"m{i}") for i in order]
    records += [Node(id=objective, kind="objective", name="o"), Objective(objective=objective)]
    for number, model in enumerate(fed):
        key_result = goal_id("key_result", "o", f"k{number}")
        records += [
            Node(id=key_result, kind="key_result", name=f"k{number}"),
            Target(key_result=key_result, objective=objective),
            Edge(upstream=f"m{model}", downstream=key_result),
        ]
    records += [Edge(upstream=f"m{u}", downstream=f"m{d}") for u, d in edges]
    return Graph(records, as_of=AS_OF)  # type: ignore[arg-type]


def ancestors(edges: list[tuple[int, int]], start: int) -> set[int]:
    found, todo = {start}, [start]
    while todo:
        node = todo.pop()
        fresh = {u for u, d in edges if d == node} - found
        found |= fresh
        todo += fresh
    return found


@given(lineages())
def test_an_asset_computes_exactly_the_key_results_it_is_upstream_of(
    project: tuple[int, list[tuple[int, int]], list[int], list[int]],
) -> None:
    count, edges, fed, order = project
    graph = build(count, edges, fed, order)
    for number, model in enumerate(fed):
        goal = graph.index[goal_id("key_result", "o", f"k{number}")]
        mine = {graph.nodes[i].name for i in graph.assets if graph.computes[i] >> graph.bit[goal] & 1}
        assert mine == {f"m{i}" for i in ancestors(edges, model)}


@given(lineages())
def test_every_proof_is_a_path_along_real_edges_and_none_is_shorter(
    project: tuple[int, list[tuple[int, int]], list[int], list[int]],
) -> None:
    count, edges, fed, order = project
    graph = build(count, edges, fed, order)
    for asset in graph.assets:
        services = graph.services(asset)
        assert {s.goal for s in services} == set(graph.goals_in(graph.computes[asset]))
        for service in services:
            *lineage, goal = service.path
            assert lineage[0] == asset
            assert goal == service.goal
            assert lineage[-1] in graph.fed_by[goal]
            for up, down in pairwise(lineage):
                assert down in graph.downstream[up]
            assert len(lineage) - 1 == graph.walk(graph.fed_by[goal], "upstream")[asset]


@given(lineages())
def test_the_order_of_records_does_not_matter(
    project: tuple[int, list[tuple[int, int]], list[int], list[int]],
) -> None:
    count, edges, fed, order = project
    one, other = build(count, edges, fed, sorted(order)), build(count, edges[::-1], fed, order)
    for i in one.assets:
        assert one.computes[i] == other.computes[other.index[one.nodes[i].id]]


def test_a_circle_is_reported_with_its_nodes_and_hangs_nothing() -> None:
    graph = graph_of("""
        model a < c
        model b < a
        model c < b
        model leaf < c
        objective o "O"
        key_result o.k < leaf
    """)
    assert {graph.nodes[i].name for i in graph.cycles[0]} == {"a", "b", "c"}
    assert any("feed one another in a circle" in gap.message for gap in graph.gaps)
    assert {graph.nodes[i].name for i in graph.assets if graph.computes[i]} == {"a", "b", "c", "leaf"}
    assert graph.use.last[graph.index["a"]] is None


def test_use_is_inherited_through_a_circle() -> None:
    graph = graph_of("""
        covers "kind:model" 2026-08-01..2026-11-21
        model a < b
        model b < a
        model top < b
        queries top 1 on 2026-11-02
    """)
    assert [graph.use.status[graph.index[n]] for n in "ab"] == ["used", "used"]
    assert [graph.use.last[graph.index[n]] for n in "ab"] == [date(2026, 11, 2)] * 2


def test_a_dashboard_on_a_saved_query_or_a_chart_of_the_metric_informs() -> None:
    graph = graph_of("""
        model orders
        metric mrr < orders
        saved_query weekly < mrr
        chart line < weekly
        dashboard board < line
        dashboard elsewhere < orders
        objective o "O"
        key_result o.k < mrr
    """)
    informing = {graph.nodes[i].name for i in graph.assets if graph.informs[i]}
    assert informing == {"orders", "mrr", "weekly", "line", "board"}


def test_a_dashboard_on_another_metric_derived_from_it_does_not_inform() -> None:
    graph = graph_of("""
        metric mrr
        metric growth < mrr
        dashboard board < growth
        objective o "O"
        key_result o.k < mrr
    """)
    assert not graph.informs[graph.index["board"]]


def test_a_declared_link_informs_whatever_the_dashboard_reads() -> None:
    graph = graph_of("""
        model orders
        model other
        metric mrr < orders
        dashboard board < other
        objective o "O"
        key_result o.k < mrr shown_on=board
    """)
    assert {graph.nodes[i].name for i in graph.assets if graph.informs[i]} == {"other", "board"}


def test_drafts_do_not_align_and_planned_objectives_do() -> None:
    graph = graph_of("""
        model a
        model b
        objective idea "Idea" state=draft
        objective next "Next" 2027-01-01..2027-03-31
        key_result idea.k < a
        key_result next.k < b
    """)
    assert [bool(graph.served[graph.index[n]]) for n in "ab"] == [False, True]
    assert graph.state(graph.index[goal_id("objective", "next")]) == "planned"


def test_an_objective_declared_twice_is_taken_from_the_goals_file_and_said() -> None:
    objective = goal_id("objective", "o")
    written = Origin(connector="goals", file="goals.yml", line=3)
    graph = Graph(
        [
            Node(id=objective, kind="objective", name="o", title="From dbt", origin=Origin(connector="dbt")),
            Objective(objective=objective, weight=2, origin=Origin(connector="dbt")),
            Node(id=objective, kind="objective", name="o", title="From goals.yml", origin=written),
            Objective(objective=objective, weight=5, origin=written),
        ],
        as_of=AS_OF,
    )
    assert graph.nodes[0].title == "From goals.yml"
    assert graph.objectives[0].weight == 5
    assert any("declared twice; goals.yml:3 is used" in gap.message for gap in graph.gaps)


def test_a_key_results_condition_joins_the_semantic_model_it_names() -> None:
    goal = goal_id("key_result", "o", "k")
    graph = Graph(
        [
            *records_of("""
                model dim_plans
                model fct_mrr
                semantic_model plans < dim_plans
                semantic_model revenue < fct_mrr
                metric mrr < revenue
                objective o "O"
            """)[:-2],
            Node(id="plan_names", kind="semantic_model", name="plan_names", reached_by=("plan__tier", "plan__name")),
            Edge(upstream="dim_plans", downstream="plan_names"),
            Node(id=goal, kind="key_result", name="k"),
            Target(
                key_result=goal,
                objective=goal_id("objective", "o"),
                binding=Binding(metric="mrr", where=("account__plan__tier = 'plan__name' and amount > 3",)),
            ),
            Edge(upstream="ref:metric/mrr", downstream=goal),
        ],
        as_of=AS_OF,
    )
    assert {graph.nodes[i].name for i in graph.assets if graph.computes[i]} == {
        "fct_mrr", "revenue", "mrr", "dim_plans", "plan_names",
    }  # fmt: skip
    proof = graph.services(graph.index["dim_plans"])[0].path
    assert graph.evidence[proof[-2], proof[-1]] == "parsed"


def test_edges_to_nothing_are_counted_and_left_out() -> None:
    graph = Graph(
        [
            Node(id="a", kind="model", name="a"),
            Edge(upstream="ghost", downstream="a"),
            Edge(upstream="a", downstream="x"),
        ],
        as_of=AS_OF,
    )
    assert graph.upstream == [[]]
    assert any(gap.message.startswith("2 edges lead to nodes that nothing declares") for gap in graph.gaps)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(10**6), 10**12)), max_size=30))
def test_cost_by_objective_sums_exactly(costs: list[tuple[int, int]]) -> None:
    from headway.questions.cost import split_by_objective

    graph = graph_of("""
        model shared
        model left < shared
        model right < shared
        model lonely
        objective a "A"
        objective b "B"
        objective c "C"
        key_result a.k < left
        key_result b.k < left
        key_result c.k < right
    """)
    amounts = [0] * len(graph.nodes)
    for node, amount in costs:
        amounts[node] += amount
    by_objective, rest = split_by_objective(graph, amounts)
    assert sum(by_objective.values()) + sum(rest.values()) == sum(amounts)
    assert rest["unknown"] == amounts[3]


@pytest.mark.parametrize(
    ("state", "dates", "expected"),
    [
        ("", "2026-10-01..2026-12-31", "active"),
        ("", "2026-04-01..2026-11-21", "ended"),
        ("", "2026-11-23..2026-12-31", "planned"),
        ("ended", "2026-10-01..2026-12-31", "ended"),
        ("draft", "2026-10-01..2026-12-31", "draft"),
    ],
)
def test_the_state_of_an_objective(state: str, dates: str, expected: str) -> None:
    option = f"state={state}" if state else ""
    graph = graph_of(f'objective o "O" {dates} {option}')
    assert graph.state(0) == expected


def test_a_dashboard_that_shows_a_key_result_which_does_not_exist_is_named() -> None:
    graph = Graph(
        [
            Node(id="board", kind="dashboard", name="board"),
            Edge(upstream="board", downstream="ref:key_result/churn", role="shows"),
        ],
        as_of=AS_OF,
    )
    (gap,) = (g for g in graph.gaps if g.topic == "goals")
    assert gap.message == "board says that it shows the key result 'churn', which does not exist"
