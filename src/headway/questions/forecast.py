"""Where a series of readings is heading: a straight line, its prediction interval, and the day it meets a target.

Pure arithmetic on (day, value) points. Everything that comes out is finite; what cannot be computed is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from headway.errors import UsageError

FEWEST_POINTS = 4
"""Below this a line through readings says nothing: two points always fit, three nearly always."""

LONGEST_WAIT = 36_525
"""Days after the first point beyond which a meeting with the target is not worth a date (a century)."""

Outlook = Literal["reaches", "open", "misses", ""]
"""Whether the whole interval is at or past the target, straddles it, or is short of it; '' without a target."""


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line `level + slope * (x - centre)`; x in days, slope in units of the value per day."""

    slope: float
    level: float
    """Mean of the values: the line's height at `centre`."""
    centre: float
    """Mean of the x."""
    spread: float
    """Sum of squared distances of the x from `centre`."""
    error: float
    """Residual standard error, with n - 2 degrees of freedom; 0 for n = 2."""
    points: int

    def at(self, x: float) -> float:
        """Height of the line at x."""
        return self.level + self.slope * (x - self.centre)

    def reaches(self, value: float) -> float | None:
        """The x at which the line has this height; None for a flat line."""
        if self.slope == 0.0:
            return None
        x = self.centre + (value - self.level) / self.slope
        return x if math.isfinite(x) else None

    def interval(self, x: float, confidence: float = 0.90) -> float:
        """Half width of the prediction interval at x for one further reading.

        t(n - 2) * s * sqrt(1 + 1/n + (x - mean x)² / Sxx), the standard interval for a new observation of a simple
        linear regression with independent, normal errors (any regression textbook, e.g. Draper and Smith, ch. 1).
        Readings of one metric are seldom independent, so the true interval is usually wider.
        """
        if self.error == 0.0:
            return 0.0
        quantile = student_t(0.5 + confidence / 2, self.points - 2)
        return quantile * self.error * math.sqrt(1 + 1 / self.points + (x - self.centre) ** 2 / self.spread)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where the readings are heading if they go on as they did."""

    due: date
    value: float
    """Height of the line on the due day, in the unit of the values."""
    low: float
    high: float
    """Prediction interval of `value`."""
    confidence: float
    per_day: float
    """Slope of the line."""
    points: int
    """Readings the line was fitted to."""
    target: float | None
    rising: bool
    """The target lies above where the series came from. Means nothing without a target."""
    reaches_on: date | None
    """First day on which the line is at or past the target; None when it moves away or needs over a century.
    It may lie before the last reading."""

    @property
    def off_track(self) -> bool | None:
        """The line itself misses the target on the due day; None without a target."""
        if self.target is None:
            return None
        return not _past(self.value, self.target, self.rising)

    @property
    def outlook(self) -> Outlook:
        """What the interval says, not just the line."""
        if self.target is None:
            return ""
        worst, best = (self.low, self.high) if self.rising else (self.high, self.low)
        if _past(worst, self.target, self.rising):
            return "reaches"
        return "open" if _past(best, self.target, self.rising) else "misses"


def trend(xs: Sequence[float], values: Sequence[float]) -> Line | None:
    """Ordinary least squares through (x, value) points.

    Returns None for fewer than two distinct x. Raises UsageError for a number that is not finite, or lengths that
    differ. Values of any size are fine: they are scaled by the largest before they are squared.
    """
    if len(xs) != len(values):
        raise UsageError(f"a trend needs as many values as days, not {len(values)} for {len(xs)}")
    if not all(map(math.isfinite, xs)) or not all(map(math.isfinite, values)):
        raise UsageError("a trend needs finite numbers")
    n = len(xs)
    if n < 2 or min(xs) == max(xs):
        return None
    scale = max(abs(v) for v in values) or 1.0
    ys = [v / scale for v in values]
    centre, level = math.fsum(xs) / n, math.fsum(ys) / n
    spread = math.fsum((x - centre) ** 2 for x in xs)
    slope = math.fsum((x - centre) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread
    squares = math.fsum((y - level - slope * (x - centre)) ** 2 for x, y in zip(xs, ys, strict=True))
    error = math.sqrt(squares / (n - 2)) if n > 2 else 0.0
    if error < 1e-13:  # what is left is rounding, not scatter: the points are on the line
        error = 0.0
    line = Line(slope * scale, level * scale, centre, spread, error * scale, n)
    return line if math.isfinite(line.slope) and math.isfinite(line.error) else None


def forecast(
    points: Sequence[tuple[date, float]],
    due: date,
    *,
    target: float | None = None,
    rising: bool | None = None,
    look_back: int = 12,
    confidence: float = 0.90,
) -> Forecast | None:
    """Ordinary least squares over the last `look_back` points, read off on the due day.

    `points` are (day, value) in order of day, one per day. `rising` says on which side of the target the series
    started; left out, the first point used decides. None with fewer than FEWEST_POINTS points or where the numbers
    run out of range. That a projected miss flags a goal before anyone changes its status by hand is a convention of
    OKR tools ("trending off track"); the line and its interval are textbook regression, see `Line`.
    """
    used = points[-max(look_back, FEWEST_POINTS) :]
    if len(used) < FEWEST_POINTS:
        return None
    first = used[0][0]
    line = trend([float((day - first).days) for day, _ in used], [value for _, value in used])
    if line is None:
        return None
    x = float((due - first).days)
    value, half = line.at(x), line.interval(x, confidence)
    if not all(map(math.isfinite, (value, value - half, value + half))):
        return None
    up = rising if rising is not None else target is None or used[0][1] <= target
    return Forecast(
        due=due,
        value=value,
        low=value - half,
        high=value + half,
        confidence=confidence,
        per_day=line.slope,
        points=len(used),
        target=target,
        rising=up,
        reaches_on=None if target is None else _meeting(line, target, rising=up, first=first),
    )


def _meeting(line: Line, target: float, *, rising: bool, first: date) -> date | None:
    x = line.reaches(target)
    if x is None or (line.slope > 0) != rising or x > LONGEST_WAIT:
        return None
    # The subtraction keeps a meeting at exactly midnight from being rounded up by the last bit.
    try:
        return first + timedelta(days=max(0, math.ceil(x - 1e-9)))
    except OverflowError:
        return None


def _past(value: float, target: float, rising: bool) -> bool:
    # The last bits of a fitted value are rounding: a line that ends on its target reaches it.
    slack = 1e-9 * max(abs(value), abs(target))
    return value >= target - slack if rising else value <= target + slack


@lru_cache(maxsize=256)
def student_t(probability: float, degrees: int) -> float:
    """Quantile of Student's t: the x with P(T <= x) = probability, for a whole number of degrees of freedom.

    Inverts the finite sums for the distribution function in Abramowitz and Stegun, 26.7.3 and 26.7.4, by bisection
    on the angle atan(x / sqrt(degrees)); good to about ten digits. Raises UsageError outside 0 < probability < 1 or
    below one degree of freedom.
    """
    if not 0.0 < probability < 1.0 or degrees < 1:
        raise UsageError(f"no t quantile for probability {probability} and {degrees} degrees of freedom")
    if probability < 0.5:
        return -student_t(1.0 - probability, degrees)
    wanted, low, high = 2.0 * probability - 1.0, 0.0, math.pi / 2
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return math.sqrt(degrees) * math.tan(low)
        if _within(middle, degrees) < wanted:
            low = middle
        else:
            high = middle


def _within(angle: float, degrees: int) -> float:
    """P(|T| <= sqrt(degrees) tan(angle))."""
    sine, cosine = math.sin(angle), math.cos(angle)
    if degrees == 1:
        return 2.0 * angle / math.pi
    odd = degrees % 2
    term = total = cosine if odd else 1.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return 2.0 / math.pi * (angle + sine * total) if odd else sine * total
