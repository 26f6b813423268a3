"""One key result on one day: which reading counts, and what follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from headway.config import Policy
from headway.graph.model import Band, Binding, Change, Checkpoint, Reading, Target
from headway.questions.progress import assess

KR = "goal:key_result.grow.mrr"
START, DUE = date(2026, 10, 1), date(2026, 12, 31)
TODAY = date(2026, 11, 22)


def target(**more):
    base = {"key_result": KR, "objective": "goal:objective.grow", "baseline": 100.0, "target": 200.0}
    return Target(**(base | {"start": START, "due": DUE} | more))


def reading(day, value, grain="day", **more):
    return Reading(key_result=KR, day=day, value=value, grain=grain, **more)


def look(readings, as_of=TODAY, policy=None, trusted=None, **more):
    return assess(target(**more), readings, as_of=as_of, policy=policy, trusted=trusted)


def test_a_measured_key_result_in_full():
    seen = look([reading(TODAY - timedelta(days=4 - i), 150.0 + i) for i in range(5)], trusted=True)
    assert (seen.value, seen.day, seen.through) == (154.0, TODAY, TODAY)
    assert (seen.baseline, seen.baseline_from, seen.target) == (100.0, "stated", 200.0)
    assert seen.attainment == seen.progress == pytest.approx(0.54)
    assert seen.elapsed == seen.expected == pytest.approx(52 / 91)
    assert seen.expected_value == pytest.approx(100 + 100 * 52 / 91)
    assert seen.gap == pytest.approx(0.54 - 52 / 91, abs=1e-9)
    assert (seen.pace, seen.spoken) == ("on pace", "on pace")
    assert seen.required.days == 39
    assert seen.required.per_day == pytest.approx(46 / 39)
    assert seen.forecast.value == pytest.approx(193)
    assert seen.forecast.off_track is True
    assert seen.grade is None
    assert seen.held_share is None
    assert seen.notes == ()
    assert seen.item.progress == pytest.approx(0.54)


def test_a_goal_that_decreases():
    seen = look([reading(TODAY, 50.0)], baseline=100.0, target=60.0)
    assert seen.attainment == 1.25
    assert seen.progress == 1.0
    assert seen.pace == "done"
    assert seen.required is None


def test_never_read_is_not_zero():
    seen = look([])
    assert seen.pace == "not measured"
    assert (seen.value, seen.progress, seen.gap, seen.required, seen.forecast) == (None,) * 5
    assert seen.expected == pytest.approx(52 / 91)
    assert seen.item.progress is None
    assert "it has never been read" in seen.notes


def test_readings_of_later_days_and_other_key_results_are_ignored():
    other = Reading(key_result="goal:key_result.grow.other", day=TODAY, value=1.0, grain="day")
    assert look([reading(TODAY, 150.0), reading(TODAY + timedelta(days=1), 200.0), other]).value == 150.0


def test_the_latest_complete_period_counts():
    months = [
        reading(date(2026, 9, 1), 100.0, "month"),
        reading(date(2026, 10, 1), 130.0, "month"),
        reading(date(2026, 11, 1), 20.0, "month", complete=False),
    ]
    seen = look(months)
    assert (seen.value, seen.day, seen.through) == (130.0, date(2026, 10, 1), date(2026, 10, 31))
    assert seen.complete
    # October is held against the end of October, not against today.
    assert seen.expected == pytest.approx(30 / 91)
    assert seen.elapsed == pytest.approx(52 / 91)
    assert seen.pace == "on pace"
    assert not seen.stale


def test_a_period_that_was_not_over_on_the_day_asked_about_is_not_complete_whatever_it_says():
    months = [reading(date(2026, 10, 1), 130.0, "month"), reading(date(2026, 11, 1), 160.0, "month", complete=True)]
    assert look(months).value == 130.0
    assert look(months, as_of=date(2026, 11, 30)).value == 160.0


def test_an_incomplete_period_is_better_than_nothing_and_flagged():
    seen = look([reading(date(2026, 11, 1), 120.0, "month", complete=False)])
    assert (seen.value, seen.complete) == (120.0, False)
    assert any("not over" in note for note in seen.notes)
    assert seen.expected == pytest.approx(52 / 91)


def test_empty_periods_after_the_last_value_are_told():
    seen = look([reading(TODAY - timedelta(days=1), 150.0), reading(TODAY, None)])
    assert (seen.value, seen.day) == (150.0, TODAY - timedelta(days=1))
    assert "1 later reading held nothing" in seen.notes
    assert look([reading(TODAY, None)]).pace == "not measured"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_reading_that_is_not_finite_is_left_out_and_told(value):
    seen = look([reading(TODAY - timedelta(days=1), 150.0), reading(TODAY, value)])
    assert seen.value == 150.0
    assert any("not finite" in note for note in seen.notes)
    assert look([reading(TODAY, value)]).pace == "not measured"


def test_of_two_readings_of_one_period_the_later_read_counts():
    early, late = datetime(2026, 11, 22, 6, tzinfo=UTC), datetime(2026, 11, 22, 9, tzinfo=UTC)
    pair = [reading(TODAY, 160.0, at=late), reading(TODAY, 150.0, at=early)]
    assert look(pair).value == 160.0
    assert look(pair[::-1]).value == 160.0
    assert look([reading(TODAY, 150.0, at=datetime(2026, 11, 22, 6)), reading(TODAY, 170.0, at=late)]).value == 170.0


def test_a_series_whose_grain_changed_is_not_mixed():
    mixed = [
        *(reading(date(2026, 10, 1) + timedelta(days=i), 10.0 + i) for i in range(5)),
        reading(date(2026, 10, 5), 140.0, "week"),
        reading(date(2026, 10, 12), 150.0, "week"),
    ]
    seen = look(mixed)
    assert (seen.value, seen.through) == (150.0, date(2026, 10, 18))
    assert seen.forecast is None
    assert look(mixed, binding=Binding(metric="mrr", grain="day")).value == 14.0


@pytest.mark.parametrize(
    ("grain", "day", "stale"),
    [
        ("", TODAY - timedelta(days=45), False),
        ("", TODAY - timedelta(days=46), True),
        ("day", TODAY - timedelta(days=2), False),
        ("day", TODAY - timedelta(days=3), True),
        ("week", date(2026, 11, 2), False),
        ("week", date(2026, 10, 26), True),
        ("month", date(2026, 9, 1), False),
        ("month", date(2026, 8, 1), True),
    ],
)
def test_an_old_reading_is_stale(grain, day, stale):
    seen = look([reading(day, 160.0, grain)])
    assert seen.stale is stale
    assert seen.spoken.endswith("when last read") is stale
    assert any("not read since" in note for note in seen.notes) is stale


def test_after_the_due_day_age_is_counted_up_to_it():
    seen = look([reading(DUE, 150.0)], as_of=date(2027, 6, 1))
    assert (seen.age, seen.stale, seen.pace) == (0, False, "overdue")
    assert seen.required is None
    assert seen.forecast is None


def test_an_untrusted_reading_makes_it_unsure_even_when_it_looks_done():
    seen = look([reading(TODAY, 250.0)], trusted=False)
    assert (seen.pace, seen.progress) == ("unsure", 1.0)


def test_before_the_start_it_is_too_early():
    assert look([reading(date(2026, 9, 20), 90.0)], as_of=date(2026, 9, 20)).pace == "too early"


def test_a_value_from_before_the_period_says_so_and_nothing_about_pace():
    seen = look([reading(date(2026, 7, 1), 100.0, "quarter")])
    assert (seen.through, seen.pace) == (date(2026, 9, 30), "too early")
    assert any("inside the period" in note for note in seen.notes)


def test_a_band_is_judged_by_holding():
    days = [reading(date(2026, 10, 1) + timedelta(days=i), v) for i, v in enumerate([0.94, 0.99, 0.96, 0.98])]
    band = {"baseline": None, "target": None, "direction": "maintain", "band": Band(0.95, None, 0.05)}
    seen = look(days, as_of=date(2026, 10, 4), **band)
    assert (seen.progress, seen.expected, seen.gap, seen.pace) == (1.0, 1.0, 0.0, "on pace")
    assert seen.held_share == 0.75
    assert seen.target is None
    assert seen.required is None
    assert seen.forecast.target is None
    broken = look([*days, reading(date(2026, 10, 5), 0.91)], as_of=date(2026, 10, 5), **band)
    assert broken.attainment == pytest.approx(0.2)
    assert broken.pace == "off track"
    after = look([reading(DUE, 0.97)], as_of=date(2027, 1, 1), **band)
    assert after.pace == "done"


def test_a_band_of_a_standing_key_result_needs_no_dates():
    seen = look([reading(TODAY, 5.0)], band=Band(1, 9), target=None, baseline=None, start=None, due=None)
    assert (seen.pace, seen.elapsed, seen.notes) == ("on pace", None, ())


def test_a_band_whose_bounds_are_not_numbers_is_no_band():
    seen = look([reading(TODAY, 5.0)], band=Band(float("nan"), float("inf")), target=None, baseline=None)
    assert seen.pace == "no pace"


def test_a_value_that_is_only_watched_has_no_pace():
    seen = look([reading(TODAY, 5.0)], baseline=None, target=None, start=None, due=None)
    assert (seen.value, seen.progress, seen.pace) == (5.0, None, "no pace")
    assert "progress cannot be said: no target is stated" in seen.notes


def test_without_dates_progress_is_said_and_pace_is_not():
    seen = look([reading(TODAY, 150.0)], start=None, due=None)
    assert (seen.progress, seen.pace) == (0.5, "no pace")
    assert any("start and a due date" in note for note in seen.notes)


def test_a_missing_baseline_is_taken_from_the_value_at_the_start_and_told():
    months = [reading(date(2026, m, 1), v, "month") for m, v in ((8, 90.0), (9, 120.0), (10, 140.0))]
    seen = look(months, baseline=None)
    assert (seen.baseline, seen.baseline_from) == (120.0, "first reading")
    assert seen.progress == pytest.approx(0.25)
    assert any("2026-09-30" in note for note in seen.notes)
    late = look([reading(date(2026, 10, 9), 150.0), reading(TODAY, 175.0)], baseline=None)
    assert (late.baseline, late.progress) == (150.0, 0.5)


def test_a_first_reading_that_is_past_the_target_is_no_baseline():
    days = [reading(date(2026, 10, 1), 220.0), reading(TODAY, 230.0)]
    seen = look(days, baseline=None, direction="increase")
    assert (seen.baseline, seen.attainment, seen.pace) == (None, 1.0, "done")
    fell = look([*days, reading(TODAY, 190.0)], baseline=None, direction="increase")
    assert (fell.attainment, fell.pace) == (None, "no pace")
    assert "progress cannot be said: no baseline is stated" in fell.notes


def test_commit_and_stretch_give_a_score_and_what_is_not_stated():
    seen = look([reading(TODAY, 150.0)], baseline=100.0, target=None, stretch=200.0)
    assert seen.target == pytest.approx(170)
    assert (seen.grade.score, seen.grade.zone) == (pytest.approx(0.5), "commit")
    derived = look([reading(TODAY, 170.0)], baseline=None, target=170.0, stretch=200.0)
    assert derived.baseline == pytest.approx(100)
    assert derived.baseline_from == "derived"
    assert derived.pace == "done"
    mixed = look([reading(TODAY, 150.0)], commit=300.0)
    assert mixed.grade is None
    assert any("not in order" in note for note in mixed.notes)


@pytest.mark.parametrize("field", ["baseline", "target"])
def test_an_aim_that_is_not_finite_is_taken_as_not_stated(field):
    seen = look([reading(TODAY, 150.0)], **{field: float("nan")})
    assert seen.value == 150.0
    assert field == "baseline" or seen.pace == "no pace"
    assert seen.baseline is None or seen.baseline == seen.baseline


def test_baseline_and_target_that_are_the_same_are_told():
    seen = look([reading(TODAY, 100.0)], target=100.0)
    assert (seen.attainment, seen.pace) == (1.0, "done")
    assert any("the same" in note for note in seen.notes)


def test_shape_and_checkpoints_change_what_is_expected():
    at = [reading(TODAY, 110.0)]
    assert look(at).pace == "off track"
    assert look(at, shape="back").pace == "behind"
    assert look(at, checkpoints=(Checkpoint(date(2026, 12, 15), 112.0),)).pace == "on pace"


def test_policy_and_forecast_window():
    days = [reading(date(2026, 10, 1) + timedelta(days=i), 100.0 if i < 10 else 100.0 + i) for i in range(20)]
    assert look(days, as_of=date(2026, 10, 20), policy=Policy(forecast_points=5)).forecast.per_day == pytest.approx(1)
    assert look(days, as_of=date(2026, 10, 20), policy=Policy(forecast_points=20)).forecast.per_day != pytest.approx(1)


def test_incomplete_readings_do_not_bend_the_forecast():
    weeks = [reading(date(2026, 9, 28) + timedelta(weeks=i), 100.0 + i, "week") for i in range(7)]
    partial = reading(date(2026, 11, 16), 3.0, "week", complete=False)
    assert look([*weeks, partial]).forecast == look(weeks).forecast
    assert look(weeks).forecast.per_day == pytest.approx(1 / 7)


def test_history_of_the_target_does_not_matter_to_the_assessment():
    changed = (Change(at=TODAY, field="target", before=150.0, after=200.0),)
    assert look([reading(TODAY, 150.0)], changes=changed).progress == 0.5
