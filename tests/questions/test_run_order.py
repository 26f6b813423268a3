"""The order never puts a node before what it reads, whatever the graph and the goals are."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Edge, Node, Objective, Target
from headway.questions.alignment import run_order

DAY = date(2026, 11, 22)


@st.composite
def worlds(draw: st.DrawFn) -> list[AnyRecord]:
    count, goals = draw(st.integers(2, 9)), draw(st.integers(1, 4))
    records: list[AnyRecord] = [Node(id=f"dbt:model.shop.m{i}", kind="model", name=f"m{i}") for i in range(count)]
    for down in range(1, count):
        for up in draw(st.sets(st.integers(0, down - 1), max_size=3)):
            # Declared from high to low, so that neither ids nor the order of declaration give the answer away.
            ends = (f"dbt:model.shop.m{count - 1 - up}", f"dbt:model.shop.m{count - 1 - down}")
            records.append(Edge(upstream=ends[0], downstream=ends[1]))
    for g in range(goals):
        objective, key_result = f"goal:objective.o{g % 2}", f"goal:key_result.o{g % 2}.k{g}"
        records += [
            Node(id=key_result, kind="key_result", name=f"k{g}"),
            Target(key_result=key_result, objective=objective, due=DAY + timedelta(days=draw(st.integers(0, 3)))),
            Edge(upstream=f"dbt:model.shop.m{draw(st.integers(0, count - 1))}", downstream=key_result),
        ]
    for o in range(min(goals, 2)):
        records += [Node(id=f"goal:objective.o{o}", kind="objective", name=f"o{o}")]
        records += [Objective(objective=f"goal:objective.o{o}")]
    return records


@given(worlds())
@settings(max_examples=150, deadline=None)
def test_nothing_runs_before_what_it_reads(records: list[AnyRecord]) -> None:
    graph = Graph(records, as_of=DAY)
    answer = run_order(graph, everything=True)
    rank = {row.node: row.values[0] for row in answer.rows}
    assert sorted(rank.values()) == list(range(1, len(rank) + 1))
    for edge in (r for r in records if isinstance(r, Edge) and r.downstream in rank):
        assert rank[edge.upstream] < rank[edge.downstream]
    waited = [row.values[3] for row in answer.rows]
    assert waited == sorted(waited, reverse=True)
    assert len(run_order(graph).rows) == sum(n > 0 for n in waited) == answer.totals["waited_for"]
