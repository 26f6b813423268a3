"""Parts sum to the change, on any tree, and are those of the formulas' sources."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headway.questions.arithmetic import Term, name, parse
from headway.questions.decompose import (
    MOST_INPUTS,
    Undefined,
    additive,
    multiplicative,
    rate_and_mix,
    settled,
    shapley,
    split,
)

NAMES = ("a", "b", "c", "d")
VALUES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))
POSITIVE = st.floats(1e-3, 1e6)


def terms() -> st.SearchStrategy[Term]:
    leaf = st.sampled_from(NAMES).map(name) | st.floats(-100, 100).map(lambda x: Term("number", number=round(x, 2)))
    return st.recursive(
        leaf, lambda below: st.builds(Term, st.sampled_from("+-*/"), st.tuples(below, below)), max_leaves=8
    )


def close(parts: float, change: float, largest: float) -> bool:
    return math.isclose(parts, change, rel_tol=1e-9, abs_tol=1e-9 * max(largest, 1e-12))


@given(terms(), *[st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES)) for _ in range(2)])
def test_parts_sum_to_the_change_on_any_tree(formula: Term, before: dict[str, float], after: dict[str, float]) -> None:
    try:
        found = split(formula, before, after)
    except Undefined:
        assume(False)
    values = [abs(found.before), abs(found.after), *map(abs, found.parts)]
    assert close(math.fsum(found.parts), found.change, max(values))
    assert found.before == formula.value(before)
    for key, part in zip(formula.names(), found.parts, strict=True):
        if before[key] == after[key] and found.method != "multiplicative":
            assert abs(part) <= 1e-9 * max(values)


@given(st.lists(st.tuples(POSITIVE, POSITIVE, st.sampled_from([-2, -1, 1, 2])), min_size=1, max_size=5))
def test_a_product_of_positive_inputs_is_split_without_a_rest(rows: list[tuple[float, float, int]]) -> None:
    before, after, exponents = ([row[k] for row in rows] for k in range(3))
    start = math.prod(x**e for x, e in zip(before, exponents, strict=True))
    end = math.prod(x**e for x, e in zip(after, exponents, strict=True))
    parts = multiplicative([int(e) for e in exponents], before, after)
    assert math.isclose(math.fsum(parts), end - start, rel_tol=1e-6, abs_tol=1e-7 * max(start, end))


@given(st.lists(st.tuples(*[st.integers(0, 1_000)] * 4), min_size=1, max_size=8))
def test_rate_and_mix_sum_to_the_change_of_the_ratio(rows: list[tuple[int, int, int, int]]) -> None:
    n0, d0, n1, d1 = ([float(row[k]) for row in rows] for k in range(4))
    try:
        rate, mix = rate_and_mix((n0, n1), (d0, d1))
    except Undefined:
        broken = any(n and not d for n, d in zip([*n0, *n1], [*d0, *d1], strict=True))
        assert broken or not sum(d0) or not sum(d1)
        return
    change = sum(n1) / sum(d1) - sum(n0) / sum(d0)
    largest = max(sum(n1) / sum(d1), sum(n0) / sum(d0), 1.0)
    assert math.isclose(math.fsum([*rate, *mix]), change, rel_tol=1e-9, abs_tol=1e-9 * largest)


def test_the_figures_of_three_factors() -> None:
    parts = multiplicative([1, 1, 1], [1_000, 0.05, 80], [1_200, 0.045, 85])
    assert parts == pytest.approx([781.838137782718, -451.810914772055, 259.972776989336])
    assert math.fsum(parts) == pytest.approx(590)


def test_what_is_subtracted_keeps_its_sign() -> None:
    assert additive([1, -1], [10, 4], [12, 5]) == [2, -1]
    assert split(parse("a - b"), {"a": 10, "b": 4}, {"a": 12, "b": 5}).parts == (2, -1)


def test_two_factors_by_shapley_are_the_midpoint_formula() -> None:
    parts = shapley(lambda v: None if v[0] is None or v[1] is None else v[0] * v[1], [2, -3], [5, 7])
    assert parts == [3 * (-3 + 7) / 2, 10 * (2 + 5) / 2]


def test_the_method_follows_the_formula_and_the_values() -> None:
    values: Mapping[str, float] = {"a": 2, "b": 3}
    assert split(parse("2 * a - b"), values, {"a": 1, "b": 1}).method == "additive"
    assert split(parse("a / nullif(b, 0)"), values, {"a": 1, "b": 1}).method == "multiplicative"
    assert split(parse("a * b"), values, {"a": 0, "b": -1}).method == "shapley"
    assert split(parse("(a - b) / b"), values, {"a": 1, "b": 1}).method == "shapley"


def test_nothing_is_split_where_there_is_no_value() -> None:
    with pytest.raises(Undefined, match="no value after"):
        split(parse("a / b"), {"a": 1, "b": 1}, {"a": 1, "b": 0})
    with pytest.raises(Undefined, match="on the way"):
        split(parse("1 / (a + b)"), {"a": 1, "b": -2}, {"a": 2, "b": 3})
    with pytest.raises(Undefined, match="no value before"):
        split(parse("a + b"), {"a": None, "b": 1}, {"a": 1, "b": 1})


def test_an_input_without_a_value_counts_as_its_formula_says() -> None:
    found = split(parse("a + coalesce(b, 0)"), {"a": 1, "b": None}, {"a": 2, "b": 5})
    assert (found.method, found.parts) == ("shapley", (1, 5))


def test_too_many_inputs_are_not_tried() -> None:
    names = [f"x{k}" for k in range(MOST_INPUTS + 1)]
    formula = parse(f"({' + '.join(names)}) * x0 / x1")
    one, two = dict.fromkeys(names, 1.0), dict.fromkeys(names, -2.0)
    with pytest.raises(Undefined, match="11 of its inputs changed"):
        split(formula, one, two)
    assert split(formula, one, {**one, "x3": -2.0}).parts[3] == pytest.approx(-3)


def test_what_rounding_leaves_over_is_on_the_largest_part() -> None:
    assert settled([1, -5, 2], -1) == (1, -4, 2)
    assert settled([], 3) == ()


def test_a_new_member_is_all_mix_and_one_with_nothing_below_is_refused() -> None:
    rate, mix = rate_and_mix(([10, 0], [10, 30]), ([100, 0], [100, 100]))
    assert rate == [0, 0]
    assert math.fsum(mix) == pytest.approx(0.1)
    with pytest.raises(Undefined, match="nothing below"):
        rate_and_mix(([1, 1], [1, 1]), ([1, 0], [1, 1]))
    with pytest.raises(Undefined, match="divide by before"):
        rate_and_mix(([0], [1]), ([0], [1]))
