"""The formulas of goals, on worked examples."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from headway.config import Policy
from headway.errors import UsageError
from headway.graph.model import Band, Checkpoint
from headway.questions import progress as p
from headway.questions.forecast import forecast, student_t, trend
from headway.questions.formulas import last_day

START, DUE = date(2026, 1, 1), date(2026, 3, 31)


@pytest.mark.parametrize(("current", "share"), [(80, 0.5), (70, 0.75), (50, 1.25), (100, 0.0), (60, 1.0), (120, -0.5)])
def test_attainment_of_bugs_from_100_to_60_is_not_limited(current, share):
    assert p.attainment(100, 60, current) == pytest.approx(share)
    assert p.progress(100, 60, current) == pytest.approx(min(1, max(0, share)))


def test_equal_baseline_and_target_is_all_or_nothing():
    assert p.attainment(5, 5, 5) == 1.0
    assert p.attainment(5, 5, 5.1) == 0.0


@pytest.mark.parametrize("numbers", [(float("nan"), 1, 2), (0, float("inf"), 2), (0, 1, float("-inf"))])
def test_a_number_that_is_not_finite_is_refused_by_name(numbers):
    with pytest.raises(UsageError, match="must be a finite number"):
        p.attainment(*numbers)


def test_attainment_stays_finite_at_the_ends_of_the_number_range():
    big = 1.7e308
    assert p.attainment(-big, big, 0) == pytest.approx(0.5)
    assert p.attainment(-big, big, big) == 1.0
    assert p.attainment(0, 5e-324, big) > 1e300
    assert p.attainment(5e-324, 0, big) < -1e300


@pytest.mark.parametrize(
    ("current", "tolerance", "share"),
    [(10, 0, 1), (20, 0, 1), (15, 0, 1), (20.5, 0, 0), (21, 4, 0.75), (9, 4, 0.75), (40, 4, 0), (9.9, 0, 0)],
)
def test_a_band_is_held_bounds_included(current, tolerance, share):
    assert p.held(current, Band(10, 20, tolerance)) == pytest.approx(share)


def test_an_open_end_of_a_band_is_no_bound():
    assert p.held(-1e9, Band(None, 20)) == 1.0
    assert p.held(1e9, Band(10, None)) == 1.0


def test_held_share_does_not_count_the_tolerance():
    assert p.held_share([10, 20, 21, 9], Band(10, 20, tolerance=5)) == 0.5
    assert p.held_share([], Band(10, 20)) is None


def test_elapsed_is_0_on_the_first_day_1_on_the_last_and_clamped():
    assert p.elapsed(START, DUE, START) == 0.0
    assert p.elapsed(START, DUE, DUE) == 1.0
    assert p.elapsed(START, DUE, START - timedelta(days=9)) == 0.0
    assert p.elapsed(START, DUE, DUE + timedelta(days=9)) == 1.0
    assert p.elapsed(START, date(2026, 1, 11), date(2026, 1, 4)) == pytest.approx(0.3)
    assert p.elapsed(START, START, START) == 1.0
    assert p.elapsed(START, START, START - timedelta(days=1)) == 0.0


def test_shapes_at_half_time():
    assert p.expected_share("linear", 0.5) == 0.5
    assert p.expected_share("back", 0.5) == 0.25
    assert p.expected_share("front", 0.5) == pytest.approx((1 - 0.8**6) / (1 - 0.8**12))


def test_checkpoints_replace_the_shape_and_meet_both_ends():
    points = (Checkpoint(date(2026, 2, 1), 40.0), Checkpoint(date(2026, 1, 11), 10.0))
    plan = p.Plan(0, 100, START, DUE, "back", points)
    assert [plan.value(d) for d in (START, date(2026, 1, 6), date(2026, 1, 11), date(2026, 2, 1), DUE)] == [
        0,
        5,
        10,
        40,
        100,
    ]
    assert plan.share(date(2026, 2, 1)) == pytest.approx(0.4)
    assert plan.value(START - timedelta(days=1)) == 0
    assert plan.value(DUE + timedelta(days=1)) == 100


def test_checkpoints_that_cannot_be_used_leave_the_shape():
    points = (Checkpoint(START, 50.0), Checkpoint(DUE, 50.0), Checkpoint(date(2026, 2, 1), float("nan")))
    plan = p.Plan(0, 100, START, DUE, "linear", points)
    assert plan.value(START) == 0
    assert plan.value(DUE) == 100
    assert plan.share(date(2026, 2, 1)) == pytest.approx(31 / 89)


def test_a_planned_dip_is_expected_as_no_progress_not_as_negative():
    plan = p.Plan(100, 200, START, DUE, checkpoints=(Checkpoint(date(2026, 2, 1), 80.0),))
    assert plan.value(date(2026, 2, 1)) == 80
    assert plan.share(date(2026, 2, 1)) == 0.0


def verdict(attained, expected, passed, **more):
    return p.verdict(attained, expected, passed, policy=Policy(), **more)


@pytest.mark.parametrize(
    ("attained", "passed", "pace"),
    [
        (0.5, 0.5, "on pace"),
        (0.3, 0.5, "on pace"),  # exactly 0.20 behind is not below it
        (0.7, 0.9, "on pace"),  # ... also where floats say 0.20000000000000007
        (0.29, 0.5, "behind"),
        (0.1, 0.5, "behind"),
        (0.09, 0.5, "off track"),
        (-3.0, 0.5, "off track"),
        (0.0, 0.09, "too early"),
        (0.0, 0.10, "on pace"),
        (1.0, 0.5, "done"),
        (1.0, 0.05, "done"),
        (0.1 + 0.2 + 0.7 - 1e-16, 0.5, "done"),
    ],
)
def test_verdict_by_gap(attained, passed, pace):
    assert verdict(attained, passed, passed) == pace


def test_verdict_where_pace_is_not_the_question():
    assert verdict(None, 0.5, 0.5, measured=False) == "not measured"
    assert verdict(1.0, 0.5, 0.5, trusted=False) == "unsure"
    assert verdict(0.5, 0.5, 0.5, trusted=None) == "on pace"
    assert verdict(0.99, 1.0, 1.0, over=True) == "overdue"
    assert verdict(1.0, 1.0, 1.0, over=True) == "done"
    assert verdict(None, None, 0.5) == "no pace"
    assert verdict(0.5, None, None) == "no pace"
    assert verdict(1.0, None, None) == "done"


def test_verdict_of_a_band_is_never_done_before_the_end_and_never_waits():
    assert verdict(1.0, 1.0, 0.5, maintain=True) == "on pace"
    assert verdict(0.0, 1.0, 0.05, maintain=True) == "off track"
    assert verdict(0.7, 1.0, 0.5, maintain=True) == "behind"
    assert verdict(0.0, 1.0, 0.0, maintain=True) == "too early"
    assert verdict(1.0, 1.0, None, maintain=True) == "on pace"
    assert verdict(1.0, 1.0, 1.0, maintain=True, over=True) == "done"
    assert verdict(0.9, 1.0, 1.0, maintain=True, over=True) == "overdue"


def test_verdict_uses_the_company_thresholds():
    strict = Policy(at_risk_gap=-0.05, off_track_gap=-0.10, quiet_share=0.0)
    assert p.verdict(0.44, 0.5, 0.5, policy=strict) == "behind"
    assert p.verdict(0.39, 0.5, 0.5, policy=strict) == "off track"
    assert p.verdict(0.0, 0.01, 0.01, policy=strict) == "on pace"


def test_required_rate_linear_and_compound():
    need = p.required_rate(100, 121, 14)
    assert need is not None
    assert need.per_day == pytest.approx(1.5)
    assert need.per_week == pytest.approx(10.5)
    assert need.growth_per_week == pytest.approx(0.1)
    assert (1 + need.growth_per_day) ** 14 == pytest.approx(1.21)


def test_required_rate_where_there_is_none():
    assert p.required_rate(100, 120, 0) is None
    assert p.required_rate(-1.7e308, 1.7e308, 1) is None
    for current, target in [(0, 10), (-5, 10), (10, 0)]:
        need = p.required_rate(current, target, 10)
        assert need.growth_per_day is None
        assert need.growth_per_week is None
        assert need.per_day == pytest.approx((target - current) / 10)
    assert p.required_rate(1e-300, 1e300, 1).growth_per_day is None


def test_commit_and_target_of_0_to_100_are_30_and_70():
    marks = p.scale(baseline=0, stretch=100)
    assert (marks.commit, marks.target) == (30, 70)


@pytest.mark.parametrize(
    "known",
    [
        {"baseline": 200, "stretch": 100},
        {"baseline": 200, "target": 130},
        {"baseline": 200, "commit": 170},
        {"target": 130, "stretch": 100},
        {"commit": 170, "stretch": 100},
        {"commit": 170, "target": 130},
    ],
)
def test_any_two_marks_give_the_others_also_downwards(known):
    marks = p.scale(**known)
    assert [marks.baseline, marks.commit, marks.target, marks.stretch] == pytest.approx([200, 170, 130, 100])


def test_a_scale_that_is_out_of_order_or_too_little_known_is_none():
    assert p.scale(baseline=0, commit=80, target=70, stretch=100) is None
    assert p.scale(baseline=0, target=0) is None
    assert p.scale(target=5) is None
    assert p.scale(baseline=5) is None
    assert p.scale(baseline=float("nan"), target=5) is None
    assert p.scale(baseline=-1.7e308, target=1.7e308) is None


@pytest.mark.parametrize(
    ("current", "score", "zone"),
    [
        (-10, 0.0, "fail"),
        (15, 0.15, "fail"),
        (30, 0.3, "commit"),
        (50, 0.5, "commit"),
        (70, 0.7, "target"),
        (85, 0.85, "target"),
        (100, 1.0, "stretch"),
        (1000, 1.0, "stretch"),
    ],
)
def test_grade(current, score, zone):
    grade = p.grade(p.scale(baseline=0, stretch=100), current)
    assert grade.score == pytest.approx(score)
    assert grade.zone == zone


# One-sided quantiles as printed in the usual tables of Student's t.
T_TABLE = {
    (0.90, 1): 3.078,
    (0.95, 1): 6.314,
    (0.975, 1): 12.706,
    (0.995, 1): 63.657,
    (0.95, 2): 2.920,
    (0.975, 2): 4.303,
    (0.995, 2): 9.925,
    (0.95, 3): 2.353,
    (0.975, 3): 3.182,
    (0.95, 4): 2.132,
    (0.975, 5): 2.571,
    (0.95, 8): 1.860,
    (0.95, 10): 1.812,
    (0.995, 10): 3.169,
    (0.95, 29): 1.699,
    (0.95, 30): 1.697,
    (0.975, 60): 2.000,
    (0.95, 120): 1.658,
}


@pytest.mark.parametrize(("probability", "degrees"), list(T_TABLE))
def test_t_quantile_agrees_with_the_tables(probability, degrees):
    assert student_t(probability, degrees) == pytest.approx(T_TABLE[probability, degrees], abs=6e-4)
    assert student_t(1 - probability, degrees) == pytest.approx(-T_TABLE[probability, degrees], abs=6e-4)


@pytest.mark.parametrize(("probability", "degrees"), [(0, 3), (1, 3), (float("nan"), 3), (0.9, 0)])
def test_t_quantile_that_does_not_exist(probability, degrees):
    with pytest.raises(UsageError):
        student_t(probability, degrees)


WEEKLY = [(START + timedelta(weeks=i), float(v)) for i, v in enumerate([100, 101, 103, 103, 105])]


def test_forecast_of_the_weekly_series():
    line = trend([0, 7, 14, 21, 28], [100, 101, 103, 103, 105])
    assert line.reaches(120) == pytest.approx(116.7, abs=0.05)
    seen = forecast(WEEKLY, START + timedelta(days=90), target=120)
    assert seen.value == pytest.approx(115.43, abs=0.005)
    assert seen.per_day == pytest.approx(0.171429, abs=1e-6)
    assert seen.reaches_on == START + timedelta(days=117)
    assert seen.off_track is True
    # By hand: squares 0.8 over 3 degrees of freedom, t(0.95, 3), and 1 + 1/5 + 76²/490 under the root.
    assert seen.high - seen.value == pytest.approx(2.35336 * (0.8 / 3) ** 0.5 * (1.2 + 76**2 / 490) ** 0.5, abs=1e-4)
    assert seen.outlook == "misses"


def test_forecast_of_the_same_series_for_other_targets():
    due = START + timedelta(days=90)
    assert forecast(WEEKLY, due, target=105).outlook == "reaches"
    assert forecast(WEEKLY, due, target=117).outlook == "open"
    assert forecast(WEEKLY, due).outlook == ""
    assert forecast(WEEKLY, due).off_track is None
    down = forecast(WEEKLY, due, target=90, rising=False)
    assert down.reaches_on is None
    assert down.outlook == "misses"


def test_points_on_a_line_leave_no_interval():
    seen = forecast([(START + timedelta(days=i), 0.1 * i) for i in range(7)], DUE)
    assert seen.low == seen.value == seen.high
    assert seen.value == pytest.approx(8.9)


def test_forecast_needs_four_points_on_two_days_and_looks_back_only_so_far():
    due = START + timedelta(days=90)
    assert forecast(WEEKLY[:3], due) is None
    assert forecast([(START, 1.0)] * 5, due) is None
    assert forecast([(START, -900.0), *WEEKLY], due, look_back=5) == forecast(WEEKLY, due)
    assert forecast(WEEKLY, due, look_back=1).points == 4


def test_forecast_out_of_range_is_none_and_a_far_meeting_has_no_date():
    due = START + timedelta(days=90)
    steep = [(START + timedelta(days=i), 1e308 * (i / 3)) for i in range(4)]
    assert forecast(steep, due) is None
    flat = [(START + timedelta(days=i), 1 + i * 1e-6) for i in range(4)]
    assert forecast(flat, due, target=2).reaches_on is None
    with pytest.raises(UsageError, match="finite"):
        forecast([(START + timedelta(days=i), float("nan")) for i in range(4)], due)


def item(weight, progress, pace="on pace", **more):
    return p.Item(weight, progress, pace, **more)


def test_roll_up_weighs_what_has_a_value_and_says_how_much_that_is():
    up = p.roll_up([item(3, 0.5), item(1, 1.0, "done"), item(4, None, "not measured")])
    assert up.progress == pytest.approx(0.625)
    assert up.coverage == pytest.approx(0.5)
    assert up.status == "not measured"
    assert (up.measured, up.items) == (2, 3)


def test_a_guardrail_counts_for_the_status_only():
    up = p.roll_up([item(1, 0.8), item(0, 0.0, "off track")])
    assert up.progress == 0.8
    assert up.coverage == 1.0
    assert up.status == "off track"


def test_only_guardrails_have_a_coverage_but_no_progress():
    up = p.roll_up([item(0, 0.8), item(0, None, "not measured")])
    assert up.progress is None
    assert up.coverage == 0.5


def test_nothing_measured_is_not_zero():
    assert p.roll_up([]) == p.RollUp(None, 0.0, "not measured", 0, 0)
    up = p.roll_up([item(1, None, "not measured")])
    assert up.progress is None
    assert up.coverage == 0.0


def test_drafts_are_left_out():
    up = p.roll_up([item(1, 0.8), item(1, 0.0, "off track", draft=True)])
    assert (up.progress, up.status, up.items) == (0.8, "on pace", 1)


def test_the_weakest_decides_and_a_watched_number_does_not():
    for weaker, stronger in zip(p.WEAKEST_FIRST, p.WEAKEST_FIRST[1:], strict=False):
        assert p.roll_up([item(1, 0.5, stronger), item(1, 0.5, weaker)]).status == weaker
    assert p.roll_up([item(1, None, "no pace")]).status == "no pace"


def test_objectives_below_count_alone_or_together():
    below = p.roll_up([item(1, 0.2, "behind"), item(1, None, "not measured")]).item(weight=2)
    assert below == p.Item(2, 0.2, "behind", 0.5)
    alone = p.roll_up([], [below])
    assert (alone.progress, alone.coverage, alone.status) == (0.2, 0.5, "behind")
    own = [item(2, 1.0, "done")]
    assert p.roll_up(own, [below]).progress == 1.0
    both = p.roll_up(own, [below], together=True)
    assert both.progress == pytest.approx(0.6)
    assert both.coverage == pytest.approx(0.75)
    assert both.status == "behind"


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf")])
def test_a_weight_that_is_no_weight_is_refused(weight):
    with pytest.raises(UsageError, match="weight"):
        p.roll_up([item(weight, 0.5)])


def test_weights_of_any_size_add_up():
    assert p.roll_up([item(1.7e308, 0.2), item(1.7e308, 0.4)]).progress == pytest.approx(0.3)
    assert p.roll_up([item(5e-324, 0.2)]).progress == 0.2


@pytest.mark.parametrize(
    ("grain", "first", "last"),
    [
        ("day", date(2026, 2, 1), date(2026, 2, 1)),
        ("week", date(2026, 2, 2), date(2026, 2, 8)),
        ("month", date(2028, 2, 1), date(2028, 2, 29)),
        ("month", date(2026, 12, 1), date(2026, 12, 31)),
        ("quarter", date(2026, 10, 1), date(2026, 12, 31)),
        ("year", date(2026, 1, 1), date(2026, 12, 31)),
        ("", date(2026, 1, 5), date(2026, 1, 5)),
        ("year", date(9999, 1, 1), date(9999, 12, 31)),
        ("week", date(9999, 12, 30), date(9999, 12, 31)),
    ],
)
def test_last_day_of_a_period(grain, first, last):
    assert last_day(first, grain) == last
