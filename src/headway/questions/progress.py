"""How goals are doing: the assessment of a key result, and the roll-up of an objective. Pure; the day is passed in.

The formulas themselves are in `formulas` and `forecast` and can be imported from here. Numbers that are not finite
raise UsageError, except in `assess`, which is given what was read: it leaves such readings out and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Literal

from headway.config import Policy
from headway.errors import UsageError
from headway.graph.model import Band, Reading, Target
from headway.questions.forecast import Forecast, forecast, trend
from headway.questions.formulas import (
    Grade,
    Plan,
    Required,
    Scale,
    Zone,
    attainment,
    clamp,
    elapsed,
    expected_share,
    finite,
    grade,
    held,
    held_share,
    last_day,
    progress,
    required_rate,
    scale,
)

__all__ = [
    "WEAKEST_FIRST",
    "Assessment",
    "Forecast",
    "Grade",
    "Item",
    "Pace",
    "Plan",
    "Required",
    "RollUp",
    "Scale",
    "Zone",
    "assess",
    "attainment",
    "elapsed",
    "expected_share",
    "forecast",
    "grade",
    "held",
    "held_share",
    "pace_gap",
    "progress",
    "required_rate",
    "roll_up",
    "scale",
    "trend",
    "verdict",
]

Pace = Literal["overdue", "off track", "behind", "unsure", "not measured", "too early", "on pace", "done", "no pace"]
"""How a key result stands. `unsure`: its reading is not trusted. `no pace`: it has a value, but no target or no dates
to hold it against (the key results of a standing objective need none)."""

WEAKEST_FIRST: tuple[Pace, ...] = (
    "overdue",
    "off track",
    "behind",
    "unsure",
    "not measured",
    "too early",
    "on pace",
    "done",
    "no pace",
)
"""The status of a goal is the first of these that any of its key results has. Silence is weaker than being on pace;
a number that is merely watched decides nothing beside one that has a target."""

MANUAL_LIMIT = 45
"""Days after which a value without a period (written by hand, or a single number) is stale."""
GRAIN_DAYS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
"""Longest length of each period; a value is stale when its period ended more than two of them ago."""

_SAME = 9
"""Decimals to which shares are compared: beyond them is rounding (0.7 - 0.9 is not below -0.2)."""


def pace_gap(done: float, expected: float) -> float:
    """Progress minus expected progress, in share points: negative is behind. (BurningOKR's d.)"""
    return round(done - expected, _SAME) + 0.0


def verdict(
    attained: float | None,
    expected: float | None,
    passed: float | None,
    *,
    policy: Policy,
    measured: bool = True,
    trusted: bool | None = None,
    over: bool = False,
    maintain: bool = False,
) -> Pace:
    """One word for how a key result stands.

    `attained` unclamped attainment (of a maintain key result: `held`); `expected` the share expected and `passed` the
    share of the period passed on the day that the value speaks for; `over`: the due day is behind us.
    `trusted` None means that nobody checked. Thresholds are the policy's, whose defaults are BurningOKR's: a gap
    below -0.20 is behind, below -0.40 off track, and the first tenth of the period is too early to say. A maintain
    key result is expected to hold from the first day and is done only when its period is over.
    """
    if not measured:
        return "not measured"
    if trusted is False:
        return "unsure"
    if attained is None:
        return "no pace"
    reached = round(attained, _SAME) >= 1.0
    if over or (reached and not maintain):
        return "done" if reached else "overdue"
    if maintain:
        expected, passed, quiet = 1.0, passed or 0.0, passed == 0.0
    else:
        quiet = passed is not None and passed < policy.quiet_share
    return _by_gap(attained, expected, passed, quiet=quiet, policy=policy)


def _by_gap(attained: float, expected: float | None, passed: float | None, *, quiet: bool, policy: Policy) -> Pace:
    if expected is None or passed is None:
        return "no pace"
    if quiet:
        return "too early"
    gap = pace_gap(clamp(attained), expected)
    if gap < policy.off_track_gap:
        return "off track"
    return "behind" if gap < policy.at_risk_gap else "on pace"


@dataclass(frozen=True, slots=True)
class Item:
    """One key result (or one objective below) as its objective sees it."""

    weight: float
    """0 makes it a guardrail: it counts for the status, not for the progress."""
    progress: float | None
    pace: Pace
    coverage: float = 1.0
    """Share of the item itself that is measured; below 1 for an objective below. Means nothing without progress."""
    draft: bool = False


@dataclass(frozen=True, slots=True)
class RollUp:
    """How an objective stands, from what belongs to it."""

    progress: float | None
    """Weighted mean of what has a value; None when nothing has."""
    coverage: float
    """Share of the weight that is measured, 0..1; of the number of items when all are guardrails."""
    status: Pace
    """That of the weakest item."""
    measured: int
    items: int
    """Drafts are not counted."""

    def item(self, weight: float = 1.0) -> Item:
        """This roll-up as an item of the objective above."""
        return Item(weight, self.progress, self.status, self.coverage)


def roll_up(items: Iterable[Item], below: Iterable[Item] = (), *, together: bool = False) -> RollUp:
    """Progress, coverage and status of an objective.

    Progress is sum(w p) / sum(w) over the items that have a value (Lattice, okr-tracker, OpenOKR); missing is not
    zero, so coverage stands beside it. Status is the weakest item's (Perdoo). `below` are the roll-ups of the
    objectives that support this one: they count when it has no key results of its own, or always with `together`.
    Drafts are left out. Raises UsageError for a weight that is negative or not finite.
    """
    own = [item for item in items if not item.draft]
    if together or not own:
        own += [item for item in below if not item.draft]
    for item in own:
        finite(weight=item.weight, progress=item.progress or 0.0, coverage=item.coverage)
        if item.weight < 0:
            raise UsageError(f"a weight cannot be negative: {item.weight:g}")
    if not own:
        return RollUp(None, 0.0, "not measured", 0, 0)
    largest = max(item.weight for item in own) or 1.0
    weighed = [(item.weight / largest, item.progress) for item in own if item.progress is not None and item.weight > 0]
    total = math.fsum(item.weight / largest for item in own)
    return RollUp(
        progress=_mean([(w, p) for w, p in weighed if w > 0]),
        coverage=clamp(
            math.fsum(_known(item) * item.weight / largest for item in own) / total
            if total
            else math.fsum(_known(item) for item in own) / len(own)
        ),
        status=min((item.pace for item in own), key=WEAKEST_FIRST.index),
        measured=sum(item.progress is not None for item in own),
        items=len(own),
    )


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that can be said about one key result on one day. What cannot be said is None, and a note says why."""

    key_result: str
    as_of: date
    pace: Pace
    value: float | None
    day: date | None
    """First day of the period that the value belongs to, or the day itself."""
    through: date | None
    """Last day that the value speaks for; pace is judged on it (a monthly value is held against its month's end)."""
    complete: bool
    """False when only a period that is not over yet has a value."""
    age: int | None
    """Days from `through` to the as-of date, or to the due day where that came first."""
    stale: bool
    """The verdict holds for when the value was last read, not for today."""
    baseline: float | None
    baseline_from: Literal["stated", "derived", "first reading", ""]
    target: float | None
    """As stated, or derived from commit and stretch; None for a band."""
    attainment: float | None
    """Raw share of the way; for a band, how well it is held."""
    progress: float | None
    """Attainment clamped to 0..1."""
    elapsed: float | None
    """Share of the period passed on the as-of date."""
    expected: float | None
    """Progress expected on the day the value speaks for; on the as-of date when there is no value."""
    expected_value: float | None
    gap: float | None
    """progress - expected, in share points."""
    required: Required | None
    """From the value to the target in the days from the as-of date to the due day."""
    forecast: Forecast | None
    """Until the due day, from complete readings."""
    held_share: float | None
    """Of a band: share of the readings since the start that were inside."""
    grade: Grade | None
    """Only when a commit or stretch value is stated."""
    trusted: bool | None
    weight: float
    draft: bool
    notes: tuple[str, ...]

    @property
    def item(self) -> Item:
        """This key result as its objective sees it."""
        return Item(self.weight, self.progress, self.pace, draft=self.draft)

    @property
    def spoken(self) -> str:
        """The verdict as people read it: `behind`, or `behind when last read`."""
        return f"{self.pace} when last read" if self.stale and self.value is not None else self.pace


def assess(
    target: Target,
    readings: Sequence[Reading],
    *,
    as_of: date,
    policy: Policy | None = None,
    trusted: bool | None = None,
) -> Assessment:
    """How one key result is doing on `as_of`, from its readings up to that day (others are ignored).

    The current value is that of the latest complete period that has one; without any, that of the latest period that
    is under way, flagged. Values without a grain are taken by day. `trusted` is what a health check of the nodes it is
    computed from said; None when there was none.
    """
    policy = policy or Policy()
    series = _Series.of(target, readings, as_of)
    aim = _Aim.of(target, series)
    now = series.current
    value = now.value if now else None
    judged = min(now.through, as_of) if now else as_of
    plan = aim.plan(target)
    attained = aim.attained(value) if value is not None else None
    done = None if attained is None else clamp(attained)
    expected = 1.0 if aim.band else plan.share(judged) if plan else None
    age = series.age(min(as_of, target.due or as_of))
    return Assessment(
        key_result=target.key_result,
        as_of=as_of,
        pace=verdict(
            attained,
            expected,
            _passed(target, judged),
            policy=policy,
            measured=value is not None,
            trusted=trusted,
            over=target.due is not None and as_of > target.due,
            maintain=aim.band is not None,
        ),
        value=value,
        day=now.day if now else None,
        through=now.through if now else None,
        complete=now.complete if now else False,
        age=age,
        stale=series.stale(age),
        baseline=aim.baseline,
        baseline_from=aim.baseline_from,
        target=aim.target,
        attainment=attained,
        progress=done,
        elapsed=_passed(target, as_of),
        expected=expected,
        expected_value=plan.value(judged) if plan else None,
        gap=None if done is None or expected is None else pace_gap(done, expected),
        required=_required(target, aim, value, attained, as_of),
        forecast=_forecast(target, aim, series, as_of, policy),
        held_share=held_share(series.since(target.start), aim.band) if aim.band else None,
        grade=grade(aim.marks, value) if aim.marks and value is not None else None,
        trusted=trusted,
        weight=target.weight,
        draft=target.draft,
        notes=(*series.notes, *aim.notes, *_notes(target, aim, series, as_of, age)),
    )


@dataclass(frozen=True, slots=True)
class _Value:
    """A finite value with the days it belongs to."""

    day: date
    through: date
    value: float
    complete: bool


@dataclass(frozen=True, slots=True)
class _Series:
    """The readings of one key result in one grain, in order, one per period, finite values only."""

    grain: str
    values: tuple[_Value, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, target: Target, readings: Sequence[Reading], as_of: date) -> _Series:
        rows = sorted((r for r in readings if r.key_result == target.key_result and r.day <= as_of), key=_order)
        if not rows:
            return cls("", (), ("it has never been read",))
        grains = {r.grain for r in rows}
        grain = target.binding.grain if target.binding.grain in grains else rows[-1].grain
        latest = {r.day: r for r in rows if r.grain == grain}
        values, empty, broken = [], 0, 0
        for row in latest.values():
            through = last_day(row.day, grain)
            if row.value is None:
                empty += 1
            elif not math.isfinite(row.value):
                broken += 1
            else:
                values.append(_Value(row.day, through, float(row.value), row.complete and through <= as_of))
                empty = 0  # only what was asked after the last value matters
        notes = []
        if broken:
            notes.append(f"{broken:,} of its readings are not finite numbers and are left out")
        if empty:
            notes.append(f"{empty:,} later {'reading' if empty == 1 else 'readings'} held nothing")
        series = cls(grain, tuple(values), ())
        if series.current and not series.current.complete:
            notes.append(
                f"the {grain or 'period'} from {series.current.day.isoformat()} is not over: its value can change"
            )
        return cls(grain, series.values, tuple(notes))

    @property
    def complete(self) -> list[_Value]:
        return [v for v in self.values if v.complete]

    @property
    def current(self) -> _Value | None:
        known = self.complete or self.values
        return known[-1] if known else None

    def age(self, day: date) -> int | None:
        """Days from the last that the current value speaks for to this one."""
        return max(0, (day - self.current.through).days) if self.current else None

    def stale(self, age: int | None) -> bool:
        limit = 2 * GRAIN_DAYS[self.grain] if self.grain in GRAIN_DAYS else MANUAL_LIMIT
        return age is not None and age > limit

    def since(self, start: date | None) -> list[float]:
        return [v.value for v in self.complete if start is None or v.through >= start]

    def baseline(self, start: date | None) -> _Value | None:
        """What the value was at the start: the last one that speaks for a day up to it, else the first there is."""
        known = self.complete or self.values
        before = [v for v in known if start is not None and v.through <= start]
        return before[-1] if before else known[0] if known else None


@dataclass(frozen=True, slots=True)
class _Aim:
    """What a key result is held against, with what could be derived filled in."""

    baseline: float | None
    baseline_from: Literal["stated", "derived", "first reading", ""]
    target: float | None
    band: Band | None
    marks: Scale | None
    direction: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, target: Target, series: _Series) -> _Aim:
        band = _band(target)
        if band:
            return cls(None, "", None, band, None, target.direction, ())
        notes: list[str] = []
        start, goal = _stated(target.baseline), _stated(target.target)
        commit, stretch = _stated(target.commit), _stated(target.stretch)
        origin: Literal["stated", "derived", "first reading", ""] = "" if start is None else "stated"
        aims = (commit, goal, stretch)
        if start is None and sum(x is not None for x in aims) > 1:
            derived = scale(commit=commit, target=goal, stretch=stretch)
            start, origin = (derived.baseline, "derived") if derived else (None, "")
        if start is None and any(x is not None for x in aims):
            first = series.baseline(target.start)
            towards = next(x for x in (goal, stretch, commit) if x is not None)
            if first and _leads(first.value, towards, target.direction):
                start, origin = first.value, "first reading"
                notes.append(f"no baseline is stated: the value of {first.through.isoformat()} is taken for it")
        marks = None
        if commit is not None or stretch is not None:
            marks = scale(baseline=start, commit=commit, target=goal, stretch=stretch)
            if marks is None:
                notes.append("commit, target and stretch are not in order from the baseline: there is no score")
            elif goal is None:
                goal = marks.target
        if goal is None:
            notes.append("progress cannot be said: no target is stated")
        elif start is None:
            notes.append("progress cannot be said: no baseline is stated")
        elif start == goal:
            notes.append("baseline and target are the same: progress is all or nothing")
        return cls(start, origin, goal, None, marks, target.direction, tuple(notes))

    @property
    def rising(self) -> bool | None:
        if self.target is not None and self.baseline is not None and self.baseline != self.target:
            return self.baseline < self.target
        return {"increase": True, "decrease": False}.get(self.direction)

    def attained(self, value: float) -> float | None:
        if self.band:
            return held(value, self.band)
        if self.target is None:
            return None
        if self.baseline is not None:
            return attainment(self.baseline, self.target, value)
        # Without a baseline there is no way to measure, but being there already can be seen.
        if self.rising is None:
            return None
        return 1.0 if (value >= self.target if self.rising else value <= self.target) else None

    def plan(self, target: Target) -> Plan | None:
        if self.baseline is None or self.target is None or target.start is None or target.due is None:
            return None
        return Plan(self.baseline, self.target, target.start, target.due, target.shape, target.checkpoints)


def _notes(target: Target, aim: _Aim, series: _Series, as_of: date, age: int | None) -> Iterator[str]:
    now = series.current
    if now and series.stale(age):
        yield f"the value speaks for {now.through.isoformat()}, {age:,} days earlier: it was not read since"
    if now and target.start and now.through < target.start <= as_of:
        yield f"no reading is from inside the period yet: the value speaks for {now.through.isoformat()}"
    if now and not aim.band and (target.start is None or target.due is None) and aim.attained(now.value) is not None:
        yield "pace cannot be said: a start and a due date are needed"


def _required(target: Target, aim: _Aim, value: float | None, attained: float | None, as_of: date) -> Required | None:
    if value is None or aim.target is None or target.due is None or (attained is not None and attained >= 1.0):
        return None
    return required_rate(value, aim.target, (target.due - as_of).days)


def _forecast(target: Target, aim: _Aim, series: _Series, as_of: date, policy: Policy) -> Forecast | None:
    if target.due is None or as_of > target.due:
        return None
    points = [(v.through, v.value) for v in series.complete]
    return forecast(points, target.due, target=aim.target, rising=aim.rising, look_back=policy.forecast_points)


def _passed(target: Target, day: date) -> float | None:
    return None if target.start is None or target.due is None else elapsed(target.start, target.due, day)


def _band(target: Target) -> Band | None:
    """The band of a maintain key result; a bound that is not a finite number is an open end."""
    if target.band is None or (target.direction != "maintain" and target.target is not None):
        return None
    low, high = _stated(target.band.low), _stated(target.band.high)
    return None if low is None and high is None else Band(low, high, _stated(target.band.tolerance) or 0.0)


def _stated(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None


def _leads(baseline: float, target: float, direction: str) -> bool:
    """Going from here to there is going the way that is wanted."""
    return {"increase": baseline <= target, "decrease": baseline >= target}.get(direction, True)


def _order(reading: Reading) -> tuple[date, bool, float]:
    """By day; of two readings of one period the complete one, then the later read, comes last."""
    at = reading.at
    seconds = 0.0 if at is None else (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()
    return reading.day, reading.complete, seconds


def _known(item: Item) -> float:
    return 0.0 if item.progress is None else clamp(item.coverage)


def _mean(weighed: Sequence[tuple[float, float]]) -> float | None:
    if not weighed:
        return None
    mean = math.fsum(w * p for w, p in weighed) / math.fsum(w for w, _ in weighed)
    return min(max(mean, min(p for _, p in weighed)), max(p for _, p in weighed))
