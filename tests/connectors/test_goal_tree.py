"""Whatever a tool says is above what, a tree comes of it, and what was left out is said."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.goal_tree import Goal, LeftOut, records
from headway.graph.model import Edge, Gap, Node, Objective, Target

_KEYS = st.sampled_from([f"k{n}" for n in range(7)])
_GOALS = st.lists(
    st.builds(
        Goal,
        key=_KEYS,
        title=st.text(min_size=1, max_size=8),
        sort=st.sampled_from(["objective", "key_result", "deliverable", ""]),
        parent=st.one_of(st.just(""), _KEYS, st.just("elsewhere")),
        further=st.lists(_KEYS, max_size=3).map(tuple),
        target=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        current=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        rolled_up=st.booleans(),
    ),
    max_size=9,
)


@settings(max_examples=150, deadline=None)
@given(_GOALS)
def test_no_goal_is_above_itself_and_each_is_there_once(goals: list[Goal]) -> None:
    found = list(records("tool", "Tool", goals))
    nodes = {r.id: r.kind for r in found if isinstance(r, Node)}
    assert {f"tool:{g.key}" for g in goals} <= nodes.keys()
    assert len(nodes) == sum(isinstance(r, Node) for r in found)
    up: dict[str, set[str]] = {}
    for edge in (r for r in found if isinstance(r, Edge)):
        assert nodes[edge.downstream] == "objective"
        assert edge.downstream not in up.setdefault(edge.upstream, set()), "an edge twice"
        up[edge.upstream].add(edge.downstream)
    for start, above in up.items():
        todo, seen = list(above), set()
        while todo:
            at = todo.pop()
            assert at != start
            if at not in seen:
                seen.add(at)
                todo += up.get(at, ())
    assert all(nodes[r.objective] == "objective" for r in found if isinstance(r, Target | Objective))


def test_what_it_belongs_to_counts_more_than_what_it_supports_besides() -> None:
    goals = [
        Goal(key="a", title="A", further=("b",)),
        Goal(key="b", title="B", parent="a"),
        Goal(key="c", title="C", parent="b"),
    ]
    found = list(records("tool", "Tool", goals))
    assert {(r.upstream, r.downstream) for r in found if isinstance(r, Edge)} == {
        ("tool:b", "tool:a"),
        ("tool:c", "tool:b"),
    }
    assert any("left out" in r.message for r in found if isinstance(r, Gap))


def test_a_key_result_may_support_several_objectives() -> None:
    goals = [
        Goal(key="a", title="A"),
        Goal(key="b", title="B"),
        Goal(key="k", title="K", parent="a", further=("b",), target=1.0),
    ]
    edges = {(r.upstream, r.downstream) for r in records("tool", "Tool", goals) if isinstance(r, Edge)}
    assert edges == {("tool:k", "tool:a"), ("tool:k", "tool:b")}


def test_what_is_left_out_is_counted_and_private_ones_are_not_named() -> None:
    left = LeftOut(archived=["One", "Two", "Three", "Four"], private=2, broken=["a line is broken"])
    said = [(r.message, r.hint) for r in records("tool", "Tool", [], left, hint_private="ask") if isinstance(r, Gap)]
    assert said == [
        ("4 archived goals (One, Two, Three, ...) of Tool left out", ""),
        ("2 private goals of Tool left out", "ask"),
        ("a line is broken", ""),
    ]
