"""Exact attribution against fractions, one node at a time; and the bit matrix against plain integers."""

from __future__ import annotations

from array import array
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headway.graph import attribution as module
from headway.graph.attribution import Attribution, exclusive, shares, split
from headway.graph.reach import MaskRows, reach

AMOUNTS = st.one_of(
    st.integers(-20, 20),
    st.integers(0, 10**13),
    st.integers(-(2**61), 2**61),
    st.integers(-(10**30), 10**30),
)


def as_rows(masks):
    """The same masks as a bit matrix, whose rows are in another order than the nodes."""
    kept = reach(len(masks), [], [], dict(enumerate(masks)), engine="numpy").masks
    return MaskRows(kept.rows[::-1].copy(), kept.nodes[::-1].copy(), len(masks) - 1 - kept.row_of)


@st.composite
def costs(draw, amounts=AMOUNTS):
    goals = draw(st.sampled_from([1, 3, 8, 9, 64, 65, 130]))
    bits = st.sets(st.integers(0, goals - 1), max_size=12)
    mask = st.one_of(bits.map(lambda chosen: sum(1 << bit for bit in chosen)), st.just((1 << goals) - 1))
    pairs = draw(st.lists(st.tuples(mask, amounts), max_size=15))
    return [m for m, _ in pairs], [a for _, a in pairs], goals


def largest_remainders(mask, amount, weights):
    """One node by fractions: floors of the exact quotas, then one micro-unit at a time to the largest remainder."""
    goals = [g for g in range(mask.bit_length()) if mask >> g & 1]
    chosen = {g: weights[g] for g in goals}
    if not any(chosen.values()):
        chosen = dict.fromkeys(goals, 1)
    quota = {g: Fraction(abs(amount) * w, sum(chosen.values())) for g, w in chosen.items()}
    portions = {g: int(q) for g, q in quota.items()}
    while sum(portions.values()) < abs(amount):
        best = max(goals, key=lambda g: (quota[g] - portions[g], -g))
        portions[best] += 1
    return {g: p if amount >= 0 else -p for g, p in portions.items()}


def naive(masks, amounts, goals, weights):
    parts, none = [0] * goals, 0
    for mask, amount in zip(masks, amounts, strict=True):
        if not mask:
            none += amount
        for goal, portion in largest_remainders(mask, amount, weights).items() if mask else ():
            parts[goal] += portion
    return Attribution(parts, none, sum(amounts))


@settings(max_examples=200, deadline=None)
@given(case=costs())
def test_equal_split_is_exact_and_the_same_on_both_paths(case):
    masks, amounts, goals = case
    expected = naive(masks, amounts, goals, [1] * goals)
    assert sum(expected.parts) + expected.none == expected.total
    assert split(masks, amounts, goals) == expected
    assert split(as_rows(masks), amounts, goals) == expected


@settings(max_examples=200, deadline=None)
@given(case=costs(), data=st.data())
def test_weighted_split_is_exact_and_the_same_on_both_paths(case, data):
    masks, amounts, goals = case
    weight = st.one_of(st.integers(0, 3), st.integers(0, 10**6))
    weights = data.draw(st.lists(weight, min_size=goals, max_size=goals))
    expected = naive(masks, amounts, goals, weights)
    assert sum(expected.parts) + expected.none == expected.total
    assert split(masks, amounts, goals, weights) == expected
    assert split(as_rows(masks), amounts, goals, weights) == expected


@settings(max_examples=100, deadline=None)
@given(case=costs(), weight=st.integers(1, 1000))
def test_equal_weights_change_nothing(case, weight):
    masks, amounts, goals = case
    assert split(masks, amounts, goals, [weight] * goals) == split(masks, amounts, goals)


@settings(max_examples=100, deadline=None)
@given(case=costs(), numbers=st.randoms(use_true_random=False))
def test_the_order_of_nodes_does_not_matter(case, numbers):
    masks, amounts, goals = case
    pairs = list(zip(masks, amounts, strict=True))
    numbers.shuffle(pairs)
    again = [m for m, _ in pairs], [a for _, a in pairs]
    assert split(*again, goals) == split(masks, amounts, goals)
    assert split(as_rows(again[0]), again[1], goals) == split(masks, amounts, goals)


@settings(max_examples=200, deadline=None)
@given(case=costs(), weighted=st.booleans())
@example(case=([0b111], [-5], 3), weighted=False)
def test_shares_of_one_node(case, weighted):
    masks, amounts, goals = case
    weights = [g % 5 for g in range(goals)] if weighted else None
    for mask, amount in zip(masks, amounts, strict=True):
        got = shares(mask, amount, weights)
        assert got == (largest_remainders(mask, amount, weights or [1] * goals) if mask else {})
        assert list(got) == sorted(got)
        assert sum(got.values()) == (amount if mask else 0)


def test_the_remainder_goes_one_by_one_to_the_lowest_goals():
    assert shares(0b10110, 11) == {1: 4, 2: 4, 4: 3}
    assert shares(0b10110, -11) == {1: -4, 2: -4, 4: -3}
    assert shares(0b11, 10, [3, 1]) == {0: 8, 1: 2}  # 7.5 and 2.5: a tie
    assert shares(0b11, 10, [0, 0]) == {0: 5, 1: 5}
    assert split([0b11, 0, 0b10], [3, 4, -1], 2) == Attribution([2, 0], 4, 6)


def test_amounts_as_any_sequence():
    masks, expected = [0b11, 0b10, 0], Attribution([3, 9], 7, 19)
    for kind in (list, tuple, lambda a: array("q", a), np.array, lambda a: np.array(a, dtype=np.int32)):
        for given_masks in (masks, as_rows(masks)):
            result = split(given_masks, kind([5, 7, 7]), 2)
            assert result == expected
            assert {type(part) for part in result.parts} == {int}


@pytest.mark.parametrize("size", [2**37 - 1, 2**38 + 1, 2**45 + 3, 2**53 + 1])
def test_sums_beyond_a_double_are_exact(size):
    # more rows than one block, odd amounts that a double cannot add up
    count = module.BLOCK + 100
    masks = [1 << (v % 3) | 1 << 70 for v in range(count)]
    amounts = [(size - v) * (1 if v % 5 else -1) for v in range(count)]
    assert sum(map(abs, amounts)) < module.INT64_SAFE or size == 2**53 + 1
    assert split(as_rows(masks), amounts, 71) == split(masks, amounts, 71)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize(
    ("masks", "amounts", "goals", "weights", "said"),
    [
        ([1], [], 1, None, "1 masks but 0 amounts"),
        ([4], [0], 2, None, r"mask 0x4 names a goal outside 0\.\.1"),
        ([1 << 64], [0], 64, None, r"names a goal outside 0\.\.63"),
        ([1], [1], 1, [1, 1], "2 weights for 1 goals"),
        ([1], [1], 1, [-1], "weights are not negative"),
    ],
)
def test_refuses_what_does_not_fit(rows, masks, amounts, goals, weights, said):
    with pytest.raises(ValueError, match=said):
        split(as_rows(masks) if rows else masks, amounts, goals, weights)


def test_refuses_negative_masks_and_broken_amounts():
    with pytest.raises(ValueError, match="mask -0x1"):
        split([-1], [1], 3)
    with pytest.raises(ValueError, match="not negative"):
        shares(-1, 1)
    with pytest.raises(ValueError, match="weights"):
        shares(0b100, 1, [1])
    for masks in ([1], as_rows([1])):
        with pytest.raises(TypeError, match="whole micro-units"):
            split(masks, [0.5], 1)


@settings(max_examples=200, deadline=None)
@given(case=costs(), data=st.data())
def test_exclusive_nodes(case, data):
    masks, _, goals = case
    goal = data.draw(st.integers(0, goals + 70))
    masks += [1 << (g % goals) for g in range(5)]
    expected = [v for v, mask in enumerate(masks) if mask == 1 << goal]
    assert exclusive(masks, goal) == expected
    assert exclusive(as_rows(masks), goal) == expected
