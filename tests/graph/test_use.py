"""Use: distinct people, percentiles and trends against counting the slow way; what rows about columns do not say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from case_graph import AS_OF, FILE, graph_of
from headway.config import Policy
from headway.graph.graph import Graph
from headway.graph.model import Coverage, Edge, Node, Observation

OPENS = AS_OF - timedelta(days=89)
SEEN = 'covers "kind:model kind:dashboard" 2026-08-01..2026-11-21\n'

rows = st.lists(
    st.builds(
        Observation,
        day=st.dates(OPENS - timedelta(days=20), AS_OF + timedelta(days=2)),
        measure=st.sampled_from(["queries", "views", "people", "seconds", "cost"]),
        amount=st.integers(0, 5).map(float),
        node=st.sampled_from(["a", "b", "c", "gone"]),
        person_class=st.sampled_from(["person", "dbt", "service", ""]),
        column=st.sampled_from(["", "", "", "id"]),
        tool=st.sampled_from(["", "looker"]),
        person=st.sampled_from(["", "p1", "p2", "p3"]),
        origin=st.just(FILE),
    ),
    max_size=40,
)


def graph_with(observations: list[Observation]) -> Graph:
    nodes = [Node(id=name, kind="model", name=name) for name in ("a", "b", "c")]
    chain = [Edge(upstream="a", downstream="b"), Edge(upstream="b", downstream="c")]
    seen = Coverage(covers="", start=date(2026, 8, 1), end=AS_OF, origin=FILE)
    return Graph([*nodes, *chain, *observations, seen], as_of=AS_OF)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_everything_counted_agrees_with_counting_by_hand(observations: list[Observation]) -> None:
    graph = graph_with(observations)
    use = graph.use
    for name, i in graph.index.items():
        mine = [o for o in observations if o.node == name and not o.column and o.amount > 0 and OPENS <= o.day <= AS_OF]
        reads = [o for o in mine if o.measure in {"queries", "views"}]
        human = [o for o in reads if o.person_class in {"person", ""}]
        crowd = [o.amount for o in mine if o.measure == "people" and o.person_class in {"person", ""}]
        named = {o.person for o in human} - {""}
        assert use.reads[i] == sum(o.amount for o in human)
        assert use.own[i] == bool(human or crowd)
        assert use.people[i] == max([len(named), *crowd], default=0)
        if use.counted.get(i) == "exact":
            assert all(o.person for o in human)
        if human and all(o.person for o in human) and max(crowd, default=0) <= len(named):
            assert use.counted[i] == "exact"
        assert sum(use.by_class(i).values()) == sum(o.amount for o in reads)
        assert sum(use.by_tool(i).values()) == use.reads[i] == sum(use.daily(i).values())
        assert sum(r.reads for r in use.readers(i)) == sum(o.amount for o in reads)
        assert sum(r.reads for r in use.readers(i) if r.counts) == use.reads[i]


@settings(max_examples=60, deadline=None)
@given(rows)
def test_rows_about_columns_are_linked_and_change_nothing_else(observations: list[Observation]) -> None:
    with_columns, without = graph_with(observations).use, graph_with([o for o in observations if not o.column]).use
    for name in ("status", "own", "reads", "people", "counted", "persons", "last", "percentile", "seen", "known"):
        assert getattr(with_columns, name) == getattr(without, name), name
    linked = sum(o.day <= AS_OF and o.node != "gone" for o in observations)
    assert len(with_columns.linked) == linked


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=12))
def test_a_percentile_is_the_share_of_the_others_with_fewer_reads(reads: list[int]) -> None:
    text = SEEN + "".join(f"model m{n}\n" for n in range(len(reads)))
    text += "".join(f"queries m{n} {amount} on 2026-11-20\n" for n, amount in enumerate(reads) if amount)
    text += "notebook outside\nviews outside 99 on 2026-11-20\n"
    graph = graph_of(text)
    if not any(reads):
        return
    for n, amount in enumerate(reads):
        others = [r for k, r in enumerate(reads) if k != n]
        assert graph.use.percentile[graph.index[f"m{n}"]] == sum(r < amount for r in others) / len(others)


def test_percentiles_compare_within_a_band_and_only_what_is_covered() -> None:
    graph = graph_of(
        SEEN
        + """
        model low
        model high
        dashboard alone
        metric figures < high
        source unseen
        queries low 1 on 2026-11-20
        queries high 5 on 2026-11-20
        views alone 50 on 2026-11-20
        queries unseen 7 on 2026-11-20
        """
    )
    percentile = {graph.nodes[i].name: share for i, share in graph.use.percentile.items()}
    assert percentile == {"low": 0.0, "high": 1.0}


def test_a_trend_compares_whole_weeks_of_what_every_source_saw() -> None:
    graph = graph_of(
        """
        covers "kind:model" 2026-09-01..2026-11-21
        model m
        queries m 5 on 2026-10-12
        queries m 5 on 2026-09-13
        queries m 400 on 2026-09-12
        queries m 30 on 2026-10-18
        queries m 600 on 2026-11-22
        """
    )
    m = graph.index["m"]
    # Seen are 82 days, 1 September to 21 November; half of them are 41 days, which is 5 whole weeks.
    assert graph.use.seen[m] == (date(2026, 9, 1), date(2026, 11, 21))
    assert graph.use.halves(m) == (10.0, 30.0, 35)
    assert graph.use.trend(m) == 3.0


@pytest.mark.parametrize(
    ("before", "after", "trend"), [(9, 100, None), (10, 0, 0.0), (0, 0, None), (20, 20, 1.0), (20, 25, 1.25)]
)
def test_a_trend_needs_reads_to_compare_with(before: int, after: int, trend: float | None) -> None:
    text = SEEN + "model m\nmodel other\nqueries other 1 on 2026-11-20\n"
    text += f"queries m {before} on 2026-09-20\n" if before else ""
    text += f"queries m {after} on 2026-11-10\n" if after else ""
    graph = graph_of(text)
    assert graph.use.trend(graph.index["m"]) == trend


def test_less_than_two_weeks_of_reads_have_no_trend() -> None:
    graph = graph_of(SEEN + "model m\nqueries m 90 on 2026-11-20\n", policy=Policy(usage_window_days=13, grace_days=5))
    assert graph.use.halves(graph.index["m"]) is None
    assert graph.use.trend(graph.index["m"]) is None


def test_what_no_source_covers_has_no_trend_and_no_percentile() -> None:
    graph = graph_of(SEEN + "model m\nqueries m 5 on 2026-11-20\nnotebook n\nviews n 50 on 2026-10-01\n")
    n = graph.index["n"]
    assert graph.use.own[n]
    assert graph.use.trend(n) is None
    assert n not in graph.use.percentile


def test_an_audience_counts_everybody_once_and_says_when_it_cannot() -> None:
    graph = graph_of(
        SEEN
        + """
        dashboard a
        dashboard b
        dashboard crowd
        dashboard quiet
        views a 1 on 2026-11-20 person=p1
        views a 1 on 2026-11-19 person=p2
        views b 1 on 2026-11-20 person=p2
        views b 1 on 2026-11-20 person=p3
        views crowd 9 on 2026-11-20
        people crowd 7 on 2026-11-20
        """
    )
    use, at = graph.use, graph.index
    assert use.audience([at["a"], at["b"]]) == (3, "exact")
    assert use.audience([at["a"], at["b"], at["quiet"]]) == (3, "exact")
    assert use.audience([at["a"], at["crowd"]]) == (7, "on one day")
    assert use.audience([at["quiet"]]) == (0, "exact")
    assert use.audience([]) == (0, "exact")


def test_an_asset_in_its_grace_period_is_told_from_one_that_nobody_can_see() -> None:
    graph = graph_of(SEEN + "model old\nqueries old 1 on 2026-11-20\nmodel fresh created=2026-11-20\nnotebook dark\n")
    assert {graph.nodes[i].name for i in graph.use.new} == {"fresh"}
    assert graph.use.status[graph.index["dark"]] == "unknown"
