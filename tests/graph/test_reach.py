"""Reach sets against a depth-first search per goal, on random graphs with cycles, loops, duplicates and loose nodes."""

from __future__ import annotations

import random
import subprocess
import sys
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.errors import MissingExtra
from headway.graph import reach as module
from headway.graph.reach import Adjacency, MaskRows, closure, next_hop, order, path, reach

ENGINES = ("ints", "numpy")


@st.composite
def graphs(draw, most=12):
    count = draw(st.integers(0, most))
    node = st.integers(0, max(0, count - 1))
    edges = draw(st.lists(st.tuples(node, node), max_size=3 * most)) if count else []
    # bits around the edges of bytes and words; few of them, so that equal masks and empty ones occur
    bits = st.sampled_from([0, 1, 2, 7, 8, 62, 63, 64, 65, 130])
    mask = st.lists(bits, max_size=3).map(lambda chosen: sum({1 << bit for bit in chosen}))
    seeds = draw(st.dictionaries(node, mask, max_size=4)) if count else {}
    return count, [u for u, _ in edges], [d for _, d in edges], seeds


def below(count, upstream, downstream):
    lists = [[] for _ in range(count)]
    for u, d in zip(upstream, downstream, strict=True):
        lists[u].append(d)
    return lists


def descendants(lists, start):
    seen, stack = {start}, [start]
    while stack:
        for d in lists[stack.pop()]:
            if d not in seen:
                seen.add(d)
                stack.append(d)
    return seen


def naive(count, upstream, downstream, seeds):
    lists = below(count, upstream, downstream)
    masks = []
    for v in range(count):
        mask = 0
        for w in descendants(lists, v):
            mask |= seeds.get(w, 0)
        masks.append(mask)
    return masks


def naive_cycles(count, upstream, downstream):
    lists = below(count, upstream, downstream)
    reached = [descendants(lists, v) for v in range(count)]
    groups = {tuple(sorted(w for w in reached[v] if v in reached[w])) for v in range(count)}
    return tuple(sorted(g for g in groups if len(g) > 1 or g[0] in lists[g[0]]))


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=300, deadline=None)
@given(graph=graphs())
def test_equals_a_search_from_every_node(engine, graph):
    result = reach(*graph, engine=engine)
    assert list(result.masks) == naive(*graph)
    assert result.cycles == naive_cycles(*graph[:3])


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=100, deadline=None)
@given(graph=graphs(), numbers=st.randoms(use_true_random=False))
def test_numbering_and_edge_order_do_not_matter(engine, graph, numbers):
    count, upstream, downstream, seeds = graph
    new = list(range(count))
    numbers.shuffle(new)
    edges = [(new[u], new[d]) for u, d in zip(upstream, downstream, strict=True)]
    numbers.shuffle(edges)
    before = reach(*graph, engine=engine)
    after = reach(
        count, [u for u, _ in edges], [d for _, d in edges], {new[v]: m for v, m in seeds.items()}, engine=engine
    )
    assert [after.masks[new[v]] for v in range(count)] == list(before.masks)
    assert {frozenset(c) for c in after.cycles} == {frozenset(new[v] for v in c) for c in before.cycles}


@pytest.mark.parametrize("engine", ENGINES)
def test_hubs_and_wide_levels(engine):
    # one node above 400 others, 20 nodes above 50 each: many ranks, few wide rows
    rng = random.Random(3)
    upstream, downstream, seeds = [0] * 400, list(range(100, 500)), {}
    for v in range(1, 21):
        picked = rng.sample(range(100, 500), 50)
        upstream += [v] * 50
        downstream += picked
    for v in range(100, 500):
        seeds[v] = 1 << (v - 100)
    result = reach(500, upstream, downstream, seeds, engine=engine)
    assert result.masks[0] == (1 << 400) - 1
    assert list(result.masks) == naive(500, upstream, downstream, seeds)


@pytest.mark.parametrize("kind", [list, tuple, lambda e: array("q", e), lambda e: array("i", e), np.array])
@pytest.mark.parametrize("engine", ENGINES)
def test_takes_edges_as_any_sequence_and_gives_plain_integers(engine, kind):
    masks = reach(3, kind([0, 1]), kind([1, 2]), {2: 5}, engine=engine).masks
    assert list(masks) == [5, 5, 5]
    assert {type(mask) for mask in masks} == {int}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("count", "upstream", "downstream", "seeds", "said"),
    [
        (2, [0], [], {}, "1 upstream ends but 0 downstream"),
        (2, [-1], [0], {}, r"nodes are 0\.\.1, not -1"),
        (2, [0], [2], {}, r"nodes are 0\.\.1, not 2"),
        (2, [0], [1], {2: 1}, "seed 1 at node 2"),
        (2, [0], [1], {1: -1}, "seed -1 at node 1"),
        (0, [0], [0], {}, r"nodes are 0"),
    ],
)
def test_refuses_what_is_not_a_graph(engine, count, upstream, downstream, seeds, said):
    with pytest.raises(ValueError, match=said):
        reach(count, upstream, downstream, seeds, engine=engine)


def test_a_matrix_of_masks_reads_like_a_list():
    masks = reach(5, [0, 1, 2], [1, 2, 3], {3: 1 << 70, 1: 2}, engine="numpy").masks
    expected = [(1 << 70) | 2, (1 << 70) | 2, 1 << 70, 1 << 70, 0]
    assert isinstance(masks, MaskRows)
    assert list(masks) == expected
    assert (masks[-1], masks[1:3], masks[::-2]) == (0, expected[1:3], expected[::-2])
    assert len(masks) == 5
    with pytest.raises(IndexError):
        masks[5]


def test_large_graphs_use_the_matrix_unless_they_are_deep_or_numpy_is_missing(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1_000)
    wide = (30_000, [k % 100 for k in range(29_900)], list(range(100, 30_000)), {29_999: 1})
    deep = (30_000, list(range(29_999)), list(range(1, 30_000)), {29_999: 1})
    assert isinstance(reach(*wide).masks, MaskRows)
    assert reach(*deep).masks == [1] * 30_000
    assert list(reach(*wide).masks) == reach(*wide, engine="ints").masks
    many = {29_999: 1 << (1 << 20)}  # a matrix would take 4 GB
    assert isinstance(reach(*wide[:3], many).masks, list)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert isinstance(reach(*wide).masks, list)
    assert order(*wide[:3])[:101] == [*range(100), 100]
    with pytest.raises(MissingExtra, match=r"headway\[large\]"):
        reach(*wide, engine="numpy")


@pytest.mark.parametrize("at", ["bottom", "middle", "top"])
def test_a_deep_graph_with_a_cycle_is_exact(monkeypatch, at):
    monkeypatch.setattr(module, "LARGE", 1_000)
    count = 30_000
    upstream, downstream = list(range(count - 1)), list(range(1, count))
    first = {"bottom": count - 3, "middle": count // 2, "top": 0}[at]
    upstream.append(first + 2)
    downstream.append(first)
    result = reach(count, upstream, downstream, {count - 1: 1, first + 1: 2})
    assert result.cycles == ((first, first + 1, first + 2),)
    assert list(result.masks) == [3] * (first + 3) + [1] * (count - first - 3)


def test_a_large_graph_with_cycles_is_exact():
    rng = np.random.default_rng(4)
    count = 20_000
    upstream = rng.integers(0, count, 30_000)
    downstream = np.minimum(upstream + rng.integers(1, 2_000, 30_000), count - 1)
    upstream[:20], downstream[:20] = downstream[:20].copy(), upstream[:20].copy()  # a few backward edges
    seeds = {int(v): 1 << g for g, v in enumerate(rng.integers(0, count, 90))}
    rows = reach(count, upstream, downstream, seeds, engine="numpy")
    ints = reach(count, upstream, downstream, seeds, engine="ints")
    assert rows.cycles == ints.cycles
    assert rows.cycles
    assert list(rows.masks) == ints.masks


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chain_of_a_hundred_thousand_is_swept_in_one_go(engine):
    """Something that called itself at each step would end here, and something that grew with the depth never would."""
    count = 100_000
    goals = (1 << 500) - 1
    masks = reach(count, list(range(count - 1)), list(range(1, count)), {count - 1: goals}, engine=engine).masks
    assert masks[0] == masks[count // 2] == masks[count - 1] == goals


@settings(max_examples=300, deadline=None)
@given(graph=graphs(), numbers=st.randoms(use_true_random=False))
def test_order_is_topological_and_keeps_cycles_together(graph, numbers):
    count, upstream, downstream, _ = graph
    found = order(count, upstream, downstream)
    assert sorted(found) == list(range(count))
    place = {v: i for i, v in enumerate(found)}
    group = {v: c for c in naive_cycles(count, upstream, downstream) for v in c}
    for u, d in zip(upstream, downstream, strict=True):
        assert place[u] < place[d] or (u in group and group[u] == group.get(d))
    for members in set(group.values()):
        places = [place[v] for v in members]
        assert max(places) - min(places) == len(members) - 1
    edges = list(zip(upstream, downstream, strict=True))
    numbers.shuffle(edges)
    assert order(count, [u for u, _ in edges], [d for _, d in edges]) == found


def test_order_below_a_cycle_does_not_depend_on_the_order_of_edges():
    edges = [(0, 1), (1, 0), (0, 2), (0, 3), (0, 4)]
    for known in (edges, edges[::-1]):
        assert order(5, [u for u, _ in known], [d for _, d in known]) == [0, 1, 4, 3, 2]


@settings(max_examples=100, deadline=None)
@given(graph=graphs())
def test_order_of_a_large_graph_is_the_same(graph):
    count, upstream, downstream, _ = graph
    expected = order(count, upstream, downstream)
    large, module.LARGE = module.LARGE, 1
    try:
        assert order(count, upstream, downstream) == expected
    finally:
        module.LARGE = large


@settings(max_examples=200, deadline=None)
@given(graph=graphs(), data=st.data())
def test_closure_is_the_union_of_searches(graph, data):
    count, upstream, downstream, _ = graph
    lists = below(count, upstream, downstream)
    starts = data.draw(st.lists(st.integers(0, count - 1), max_size=3)) if count else []
    expected = set().union(*(descendants(lists, v) for v in starts))
    assert closure(count, lists, starts) == expected
    assert closure(count, Adjacency(count, upstream, downstream), starts) == expected


def test_closure_refuses_strangers():
    with pytest.raises(ValueError, match=r"nodes are 0\.\.1, not -1"):
        closure(2, [[1], []], [-1])


@settings(max_examples=200, deadline=None)
@given(graph=graphs(), data=st.data())
def test_next_hops_are_shortest_and_lowest(graph, data):
    count, upstream, downstream, _ = graph
    goal = data.draw(st.sets(st.integers(0, count - 1), max_size=3)) if count else set()
    distance = dict.fromkeys(goal, 0)
    frontier = set(goal)
    while frontier:
        further = {u for u, d in zip(upstream, downstream, strict=True) if d in frontier} - distance.keys()
        step = distance[next(iter(frontier))] + 1
        distance |= dict.fromkeys(further, step)
        frontier = further
    hops = next_hop(count, Adjacency(count, downstream, upstream), goal)
    lists = below(count, upstream, downstream)
    for v in range(count):
        if v in goal:
            assert hops[v] == v
        elif v in distance:
            assert hops[v] == min(d for d in lists[v] if distance.get(d) == distance[v] - 1)
        else:
            assert hops[v] == -1
        way = path(hops, v)
        assert len(way) == (distance[v] + 1 if v in distance else 0)
        assert not way or (way[0] == v and way[-1] in goal)


def test_next_hop_refuses_strangers():
    with pytest.raises(ValueError, match=r"nodes are 0\.\.0, not 1"):
        next_hop(1, [[]], [1])


@settings(max_examples=100, deadline=None)
@given(graph=graphs())
def test_adjacency_is_a_sequence_of_neighbours(graph):
    count, upstream, downstream, _ = graph
    lists = below(count, upstream, downstream)
    adjacency = Adjacency(count, upstream, downstream)
    assert [list(near) for near in adjacency] == lists
    assert [list(near) for near in adjacency[1:3]] == lists[1:3]
    if count:
        assert list(adjacency[-1]) == lists[-1]
    with pytest.raises(IndexError, match=f"no node {count}"):
        adjacency[count]


def test_importing_loads_no_numpy():
    code = "import sys, headway.graph.reach, headway.graph.attribution; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
