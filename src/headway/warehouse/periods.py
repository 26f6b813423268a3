"""Days and the periods they fall into. Weeks begin on Monday; days are inclusive on both ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

GRAINS = ("day", "week", "month", "quarter", "year")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
ONE_DAY = timedelta(days=1)
HISTORY_PERIODS = 13
"""Periods looked back on: a year of months, so that the same month of last year is among them."""
HISTORY_DAYS = 731
"""A series never begins earlier than this many days before its last day, however long ago the key result began."""
DEFAULT_DAYS = 365
"""Length of the window of a key result that states no start."""
POINTS = 12
"""Points in time at which the value to date is taken, the last of them being the current value."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `start` to `end`, both included."""

    start: date
    end: date


def first_day(day: date, grain: str) -> date:
    """First day of the period that holds `day`."""
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if months := _MONTHS.get(grain):
        return day.replace(month=1 + (day.month - 1) // months * months, day=1)
    return day


def shift(day: date, grain: str, count: int) -> date:
    """First day of the period that lies `count` periods after the one that holds `day`."""
    begin = first_day(day, grain)
    if months := _MONTHS.get(grain):
        number = begin.year * 12 + begin.month - 1 + months * count
        return date(max(number // 12, 1), number % 12 + 1, 1) if number >= 12 else date.min
    return begin + timedelta(days=count * (7 if grain == "week" else 1))


def last_day(day: date, grain: str) -> date:
    """Last day of the period that holds `day`."""
    return shift(day, grain, 1) - ONE_DAY


def default_grain(days: int) -> str:
    """The grain that suits a period of so many days."""
    return "day" if days <= 14 else "week" if days <= 100 else "month"


def to_date(start: date | None, due: date | None, as_of: date) -> Window:
    """The key result's own days so far; a year without a stated start. It is empty before the start."""
    end = min(as_of, due) if due else as_of
    return Window(start or end - timedelta(days=DEFAULT_DAYS), end)


def series(start: date | None, due: date | None, as_of: date, grain: str) -> Window:
    """Whole periods for a level per period: from one before the start, or a look-back, until the as-of date.

    The period that holds the due day is read to its end, since its value is not known earlier.
    """
    end = min(as_of, last_day(due, grain)) if due else as_of
    begin = shift(end, grain, -HISTORY_PERIODS)
    if start and start <= end:
        begin = min(begin, shift(start, grain, -1))
    floor = first_day(end - timedelta(days=HISTORY_DAYS), grain)
    return Window(max(begin, floor) if grain != "year" else begin, end)


def ends(window: Window, most: int = POINTS) -> list[date]:
    """At most `most` evenly spaced days of the window, the last day always among them."""
    days = (window.end - window.start).days + 1
    count = min(most, days)
    return [window.start + timedelta(days=days * i // count - 1) for i in range(1, count + 1)]


def periods(window: Window, grain: str) -> Iterator[date]:
    """First day of each period that overlaps the window."""
    day = first_day(window.start, grain)
    while day <= window.end:
        yield day
        day = shift(day, grain, 1)
