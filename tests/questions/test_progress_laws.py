"""Laws of the formulas, on generated numbers."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import date, timedelta

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from headway.graph.model import Band, Checkpoint, Reading, Target
from headway.questions import progress as p

numbers = st.floats(-1e9, 1e9).map(lambda x: round(x, 3))
any_finite = st.floats(allow_nan=False, allow_infinity=False)
any_float = st.floats()
shares = st.floats(0, 1)
shapes = st.sampled_from(["linear", "front", "back"])
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(any_finite, any_finite, any_finite)
def test_attainment_is_finite_and_progress_bounded(s, t, c):
    assert math.isfinite(p.attainment(s, t, c))
    assert 0.0 <= p.progress(s, t, c) <= 1.0


@given(any_finite, any_finite)
def test_attainment_is_0_at_the_baseline_and_1_at_the_target(s, t):
    assume(s != t)
    assert p.attainment(s, t, s) == 0.0
    assert p.attainment(s, t, t) == 1.0


@given(numbers, numbers, numbers, numbers)
def test_attainment_never_falls_on_the_way_to_the_target(s, t, a, b):
    assume(s != t)
    near, far = (a, b) if (a <= b) == (s < t) else (b, a)
    assert p.attainment(s, t, near) <= p.attainment(s, t, far)


@given(any_finite, any_finite, any_finite)
def test_both_directions_are_mirror_images(s, t, c):
    assert p.attainment(s, t, c) == p.attainment(-s, -t, -c)


modest = st.integers(-10_000, 10_000).map(float)


@given(modest, modest, modest, st.floats(0.01, 1e3), st.booleans(), modest)
def test_a_change_of_units_changes_nothing(s, t, c, factor, turned, offset):
    assume(s != t)
    factor = -factor if turned else factor
    moved = [factor * x + offset for x in (s, t, c)]
    assert p.attainment(*moved) == pytest.approx(p.attainment(s, t, c), rel=1e-6, abs=1e-6)


@given(numbers, numbers)
def test_equal_ends_are_guarded(s, c):
    assert p.attainment(s, s, c) == (1.0 if c == s else 0.0)


@given(numbers, numbers, st.floats(0, 1e6), numbers)
def test_holding_is_bounded_and_whole_inside(low, high, tolerance, c):
    assume(low <= high)
    share = p.held(c, Band(low, high, tolerance))
    assert 0.0 <= share <= 1.0
    assert low <= c <= high or share < 1.0 or tolerance > 1e3 * min(abs(c - low), abs(c - high))
    assert p.held(low, Band(low, high, tolerance)) == p.held(high, Band(low, high, tolerance)) == 1.0


@given(shapes, shares, shares)
def test_expected_shapes_run_from_0_to_1_and_never_fall(shape, a, b):
    assert p.expected_share(shape, 0.0) == 0.0
    assert p.expected_share(shape, 1.0) == 1.0
    low, high = sorted((a, b))
    assert 0.0 <= p.expected_share(shape, low) <= p.expected_share(shape, high) <= 1.0


@given(shares)
def test_front_is_ahead_of_linear_is_ahead_of_back(x):
    assert p.expected_share("front", x) >= x >= p.expected_share("back", x)


@given(
    numbers,
    numbers,
    shapes,
    st.lists(st.tuples(st.integers(1, 89), shares), max_size=5),
    st.integers(-5, 100),
    st.integers(-5, 100),
)
def test_a_plan_runs_from_baseline_to_target(s, t, shape, points, one, other):
    assume(abs(t - s) > 1e-3)
    start = date(2026, 1, 1)
    rising = sorted({day: 0.0 for day, _ in points}), sorted(x for _, x in points)
    dated = tuple(Checkpoint(start + timedelta(days=d), s + (t - s) * x) for d, x in zip(*rising, strict=False))
    plan = p.Plan(s, t, start, start + timedelta(days=90), shape, dated)
    assert plan.value(plan.start) == s
    assert plan.value(plan.due) == t
    assert plan.share(plan.start) == 0.0
    assert plan.share(plan.due) == 1.0
    first, second = sorted((one, other))
    assert plan.share(start + timedelta(days=first)) <= plan.share(start + timedelta(days=second)) + 1e-9


@given(numbers, numbers, st.integers(1, 400))
def test_the_required_rate_arrives(c, t, left):
    need = p.required_rate(c, t, left)
    assert c + need.per_day * left == pytest.approx(t, rel=1e-9, abs=1e-3)
    if need.growth_per_day is not None:
        assert c * (1 + need.growth_per_day) ** left == pytest.approx(t, rel=1e-6)


@given(numbers, numbers, numbers, numbers)
def test_scores_are_bounded_and_never_fall(s, stretch, a, b):
    assume(abs(stretch - s) > 1)
    marks = p.scale(baseline=s, stretch=stretch)
    near, far = (a, b) if (a <= b) == (s < stretch) else (b, a)
    low, high = p.grade(marks, near), p.grade(marks, far)
    assert 0.0 <= low.score <= high.score <= 1.0
    zones = ["fail", "commit", "target", "stretch"]
    assert zones.index(low.zone) <= zones.index(high.zone)


@given(numbers, numbers)
def test_marks_can_be_derived_from_each_other(s, stretch):
    assume(abs(stretch - s) > 1)
    marks = p.scale(baseline=s, stretch=stretch)
    back = p.scale(target=marks.target, stretch=marks.stretch)
    size = max(abs(s), abs(stretch))
    assert back.baseline == pytest.approx(s, abs=1e-9 * size)
    assert p.scale(baseline=s, target=marks.target).stretch == pytest.approx(stretch, abs=1e-9 * size)


@given(st.lists(st.tuples(st.floats(0, 1e308), shares), min_size=1, max_size=8))
@example([(0.1, 0.1)] * 3)
def test_a_roll_up_lies_between_the_worst_and_the_best(parts):
    up = p.roll_up([p.Item(w, x, "on pace") for w, x in parts])
    counted = [x for w, x in parts if w > 0]
    assert 0.0 <= up.coverage <= 1.0
    if counted and up.progress is not None:
        assert min(counted) <= up.progress <= max(counted)
    assert (up.progress is None) == (not counted)


@given(st.lists(st.tuples(st.floats(0.1, 10), st.none() | shares), max_size=8), st.randoms(use_true_random=False))
def test_a_roll_up_does_not_depend_on_the_order(parts, rng):
    items = [p.Item(w, x, "on pace" if x is not None else "not measured") for w, x in parts]
    shuffled = items[:]
    rng.shuffle(shuffled)
    one, other = p.roll_up(items), p.roll_up(shuffled)
    assert (one.progress is None) == (other.progress is None)
    assert one.progress is None or one.progress == pytest.approx(other.progress)
    assert one.coverage == pytest.approx(other.coverage)
    assert one.status == other.status


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=4, max_size=12, unique=True),
    st.floats(-1e6, 1e6),
    st.floats(-1e3, 1e3),
    st.integers(0, 800),
)
def test_an_exact_line_is_forecast_exactly(xs, level, slope, ahead):
    start = date(2026, 1, 1)
    points = [(start + timedelta(days=x), level + slope * x) for x in sorted(xs)]
    seen = p.forecast(points, start + timedelta(days=ahead))
    size = max(abs(level), abs(slope) * 800, 1e-300)
    assert seen.value == pytest.approx(level + slope * ahead, abs=1e-9 * size)
    assert seen.high - seen.low <= 1e-6 * size


@settings(deadline=None)
@given(st.lists(numbers, min_size=4, max_size=12), st.integers(0, 400))
def test_a_forecast_lies_in_its_interval_and_turning_the_sign_turns_it(values, ahead):
    start = date(2026, 1, 1)
    points = [(start + timedelta(days=7 * i), v) for i, v in enumerate(values)]
    due = start + timedelta(days=ahead)
    seen = p.forecast(points, due, target=5.0, rising=True)
    assert seen.low <= seen.value <= seen.high
    mirror = p.forecast([(d, -v) for d, v in points], due, target=-5.0, rising=False)
    assert mirror.value == -seen.value
    assert (mirror.off_track, mirror.outlook, mirror.reaches_on) == (seen.off_track, seen.outlook, seen.reaches_on)


def scalars(thing):
    if isinstance(thing, dict):
        for value in thing.values():
            yield from scalars(value)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from scalars(value)
    else:
        yield thing


aims = st.none() | any_float
some_days = st.none() | days


@settings(deadline=None)
@given(
    st.builds(
        Target,
        key_result=st.just("k"),
        objective=st.just("o"),
        baseline=aims,
        target=aims,
        commit=aims,
        stretch=aims,
        band=st.none() | st.builds(Band, low=aims, high=aims, tolerance=any_float),
        direction=st.sampled_from(["increase", "decrease", "maintain", ""]),
        start=some_days,
        due=some_days,
        shape=shapes,
        checkpoints=st.lists(st.builds(Checkpoint, day=days, value=any_float), max_size=3).map(tuple),
    ),
    st.lists(
        st.builds(
            Reading,
            key_result=st.just("k"),
            day=days,
            value=st.none() | any_float,
            grain=st.sampled_from(["", "day", "month", "fortnight"]),
            complete=st.booleans(),
            at=st.none() | st.datetimes(),
        ),
        max_size=8,
    ),
    days,
    st.none() | st.booleans(),
)
def test_whatever_is_stated_and_read_nothing_that_comes_out_is_nan_or_infinite(target, readings, as_of, trusted):
    seen = p.assess(target, readings, as_of=as_of, trusted=trusted)
    assert all(math.isfinite(x) for x in scalars(asdict(seen)) if isinstance(x, float))
    assert seen.pace in p.WEAKEST_FIRST
    assert (seen.value is None) == (seen.pace == "not measured")
    assert seen.progress is None or 0 <= seen.progress <= 1
    assert 0 <= p.roll_up([seen.item]).coverage <= 1
