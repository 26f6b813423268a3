"""The arithmetic of goals: attainment, plans, bands, required rates, scores. Pure formulas; the day is passed in.

Throughout: s is the baseline, t the target, c the current value. Shares are 0..1, never percent. Numbers that are
not finite raise UsageError; nothing that comes out is NaN or infinite.
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from headway.errors import UsageError
from headway.graph.model import Band, Checkpoint

Shape = Literal["linear", "front", "back"]
Zone = Literal["fail", "commit", "target", "stretch"]

COMMIT_SCORE, TARGET_SCORE = 0.3, 0.7
FRONT_STEPS = 12
"""Steps of the front-loaded shape: about the weeks of a quarter."""


def attainment(baseline: float, target: float, current: float) -> float:
    """Share of the way from baseline to target: (c - s) / (t - s).

    One expression for goals that increase and that decrease; negative after a step the wrong way, above 1 beyond the
    target. Unclamped as in Quantive, whose published example (bugs from 100 to 60) gives 1.25 at 50. s = t is refused
    when goals are read; met anyway, it is 1 at the target and 0 elsewhere. Out-of-range results become the largest
    float of that sign.
    """
    finite(baseline=baseline, target=target, current=current)
    if baseline == target:
        return 1.0 if current == target else 0.0
    moved, way = current - baseline, target - baseline
    if math.isinf(moved) or math.isinf(way):
        moved, way = current / 2 - baseline / 2, target / 2 - baseline / 2
    share = moved / way if way else math.copysign(math.inf, moved if target > baseline else -moved)
    return max(-sys.float_info.max, min(sys.float_info.max, share)) + 0.0


def progress(baseline: float, target: float, current: float) -> float:
    """Attainment clamped to 0..1, which is what Operately, okr-tracker and OpenOKR show as progress."""
    return clamp(attainment(baseline, target, current))


def held(current: float, band: Band) -> float:
    """Progress of a *maintain* key result: 1 inside the band, bounds included.

    Outside it is 1 - distance / tolerance, not below 0; without a tolerance it is all or nothing. (OpenOKR measures
    the distance back to the band; Quantive's "stay below" is binary and leaves the bound out, Asana's and ours
    include it.)
    """
    finite(current=current, tolerance=band.tolerance, low=band.low or 0.0, high=band.high or 0.0)
    if band.low is not None and current < band.low:
        distance = band.low - current
    elif band.high is not None and current > band.high:
        distance = current - band.high
    else:
        return 1.0
    return clamp(1.0 - min(distance / band.tolerance, 1.0)) if band.tolerance > 0 else 0.0


def held_share(values: Sequence[float], band: Band) -> float | None:
    """Share of readings that lie inside the band, tolerance not counted; None without readings."""
    if not values:
        return None
    strict = Band(band.low, band.high)
    return sum(held(value, strict) == 1.0 for value in values) / len(values)


def elapsed(start: date, due: date, today: date) -> float:
    """Share of the period that has passed: 0 on the first day, 1 on the due day (as Viva Goals counted), clamped."""
    if due <= start:
        return 1.0 if today >= due else 0.0
    return clamp((today - start).days / (due - start).days)


def expected_share(shape: Shape, share: float) -> float:
    """Progress that is expected when `share` (0..1) of the period has passed. 0 at 0, exactly 1 at 1, never falling.

    linear: x. back: x², the continuous form of (k/n)². front: the discrete 1 - 0.8^k closes a fifth of what is left
    at each of k steps and never arrives; with k = FRONT_STEPS * x and divided by its value at the end it does:
    (1 - 0.8^(12x)) / (1 - 0.8^12), which is 0.79 at half time.
    """
    finite(share=share)
    x = clamp(share)
    if shape == "back":
        return x * x
    if shape == "front":
        rate = FRONT_STEPS * math.log(0.8)
        return clamp(math.expm1(rate * x) / math.expm1(rate))
    return x


@dataclass(frozen=True, slots=True)
class Plan:
    """What is expected on which day, on the way from `baseline` to `target`.

    Checkpoints replace the shape: the plan is then the straight lines through (start, baseline), the checkpoints in
    order of day, and (due, target). A checkpoint on or outside the two ends, or without a finite value, is left out;
    of two on one day the later written counts.
    """

    baseline: float
    target: float
    start: date
    due: date
    shape: Shape = "linear"
    checkpoints: tuple[Checkpoint, ...] = ()

    def elapsed(self, day: date) -> float:
        """Share of the period that has passed on that day."""
        return elapsed(self.start, self.due, day)

    def value(self, day: date) -> float:
        """Value expected on that day, in the unit of the target; held constant outside the period."""
        between = {c.day: c.value for c in self.checkpoints if self.start < c.day < self.due and math.isfinite(c.value)}
        if not between:
            return _mix(self.baseline, self.target, expected_share(self.shape, self.elapsed(day)))
        points = [(self.start, self.baseline), *sorted(between.items()), (self.due, self.target)]
        after = bisect_right([d for d, _ in points], day)
        if after == 0:
            return self.baseline
        if after == len(points):
            return self.target
        (from_day, low), (to_day, high) = points[after - 1], points[after]
        return _mix(low, high, elapsed(from_day, to_day, day))

    def share(self, day: date) -> float:
        """Progress expected on that day, 0..1."""
        if self.checkpoints:
            return progress(self.baseline, self.target, self.value(day))
        return expected_share(self.shape, self.elapsed(day))


@dataclass(frozen=True, slots=True)
class Required:
    """What it still takes to arrive on the due day."""

    days: int
    per_day: float
    """Linear, in units of the value."""
    per_week: float
    growth_per_day: float | None
    """Compound, as a share (0.01 is 1 % a day); None unless current value and target are both positive."""
    growth_per_week: float | None


def required_rate(current: float, target: float, days: int) -> Required | None:
    """Linear (t - c) / n and compound (t / c)^(1/n) - 1 over the `days` left, per day and per week.

    None when no day is left or the numbers run out of range. A growth rate that runs out of range is None by itself.
    """
    finite(current=current, target=target)
    per_day = target / days - current / days if days > 0 else math.inf
    if not math.isfinite(per_day * 7):
        return None
    daily = weekly = None
    if current > 0 and target > 0:
        rate = (math.log(target) - math.log(current)) / days
        daily, weekly = _growth(rate), _growth(rate * 7)
    return Required(days, per_day, per_day * 7, daily, weekly)


@dataclass(frozen=True, slots=True)
class Scale:
    """Commit, target and stretch of a key result, all known and in order from the baseline."""

    baseline: float
    commit: float
    target: float
    stretch: float


def scale(
    *,
    baseline: float | None = None,
    commit: float | None = None,
    target: float | None = None,
    stretch: float | None = None,
) -> Scale | None:
    """Fills in what is missing of a scale: commit = s + 0.3 (stretch - s), target = s + 0.7 (stretch - s).

    These and their inverses are the proportions of puzzle/okr, after Google's grading where 0.7 is the mark to aim
    at: stretch = s + (target - s) / 0.7, s = (target - 0.7 stretch) / 0.3. None when too little is known (two of the
    four, one of them past the baseline), or when what is known is not in order.
    """
    if baseline is None:
        baseline = _baseline(commit, target, stretch)
    if baseline is None:
        return None
    if stretch is None:
        if target is not None:
            stretch = baseline + (target - baseline) / TARGET_SCORE
        elif commit is not None:
            stretch = baseline + (commit - baseline) / COMMIT_SCORE
        else:
            return None
    if commit is None:
        commit = baseline + COMMIT_SCORE * (stretch - baseline)
    if target is None:
        target = baseline + TARGET_SCORE * (stretch - baseline)
    steps = (baseline, commit, target, stretch)
    rising = all(a < b for a, b in pairwise(steps))
    falling = all(a > b for a, b in pairwise(steps))
    return Scale(*steps) if (rising or falling) and all(map(math.isfinite, steps)) else None


@dataclass(frozen=True, slots=True)
class Grade:
    """Score of a key result that has commit, target and stretch."""

    score: float
    """0..1: 0.3 at commit, 0.7 at target, 1 at stretch, straight lines between (Grove's and Doerr's 0 to 1 grade)."""
    zone: Zone
    """fail below commit, then the last mark that was reached."""


def grade(marks: Scale, current: float) -> Grade:
    """Score and zone of the current value on a scale."""
    legs: tuple[tuple[float, float, float, float, Zone], ...] = (
        (marks.baseline, marks.commit, 0.0, COMMIT_SCORE, "fail"),
        (marks.commit, marks.target, COMMIT_SCORE, TARGET_SCORE, "commit"),
        (marks.target, marks.stretch, TARGET_SCORE, 1.0, "target"),
    )
    for start, end, low, high, zone in legs:
        way = attainment(start, end, current)
        if way < 1.0:
            return Grade(_mix(low, high, max(0.0, way)), zone)
    return Grade(1.0, "stretch")


def last_day(day: date, grain: str) -> date:
    """Last day of the period of this grain that begins on `day`; the day itself for any other grain."""
    try:
        if grain == "week":
            return day + timedelta(days=6)
        months = {"month": 1, "quarter": 3, "year": 12}.get(grain)
        if months is None:
            return day
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        return date(year, month + 1, 1) - timedelta(days=1)
    except (OverflowError, ValueError):  # the last period that the calendar can name
        return date.max


def finite(**numbers: float) -> None:
    """Raises UsageError, by name, for a number that is NaN or infinite."""
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise UsageError(f"{name} must be a finite number, not {number}")


def clamp(share: float) -> float:
    """The share, held within 0..1."""
    return min(1.0, max(0.0, share))


def _mix(low: float, high: float, share: float) -> float:
    """Between two values: exact at both ends, never outside them, never out of range."""
    return min(max(low * (1.0 - share) + high * share, min(low, high)), max(low, high))


def _growth(rate: float) -> float | None:
    try:
        return math.expm1(rate)
    except OverflowError:
        return None


def _baseline(commit: float | None, target: float | None, stretch: float | None) -> float | None:
    if target is not None and stretch is not None:
        return (target - TARGET_SCORE * stretch) / COMMIT_SCORE
    if commit is not None and stretch is not None:
        return (commit - COMMIT_SCORE * stretch) / TARGET_SCORE
    if commit is not None and target is not None:
        return commit - COMMIT_SCORE * (target - commit) / (TARGET_SCORE - COMMIT_SCORE)
    return None
