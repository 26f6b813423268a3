"""Days and periods: boundaries, windows, and the days at which a value to date is taken."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.warehouse.periods import GRAINS, Window, default_grain, ends, first_day, last_day, series, shift, to_date

days = st.dates(date(1980, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("day", "grain", "first", "last"),
    [
        ("2026-10-06", "day", "2026-10-06", "2026-10-06"),
        ("2026-10-06", "week", "2026-10-05", "2026-10-11"),
        ("2027-01-01", "week", "2026-12-28", "2027-01-03"),
        ("2028-02-10", "month", "2028-02-01", "2028-02-29"),
        ("2026-12-31", "quarter", "2026-10-01", "2026-12-31"),
        ("2026-12-31", "year", "2026-01-01", "2026-12-31"),
    ],
)
def test_the_ends_of_a_period(day: str, grain: str, first: str, last: str) -> None:
    assert first_day(date.fromisoformat(day), grain).isoformat() == first
    assert last_day(date.fromisoformat(day), grain).isoformat() == last


@given(days, st.sampled_from(GRAINS), st.integers(-30, 30))
def test_periods_tile_the_calendar(day: date, grain: str, count: int) -> None:
    begin = first_day(day, grain)
    assert begin <= day <= last_day(day, grain)
    assert first_day(last_day(day, grain) + timedelta(days=1), grain) == shift(day, grain, 1)
    assert shift(shift(day, grain, count), grain, -count) == begin


@given(days, st.integers(0, 800), st.integers(1, 20))
def test_evenly_spaced_days_end_with_the_last(day: date, length: int, most: int) -> None:
    window = Window(day, day + timedelta(days=length))
    found = ends(window, most)
    assert found == sorted(set(found))
    assert len(found) == min(most, length + 1)
    assert found[-1] == window.end
    assert found[0] >= window.start


def test_a_series_begins_before_the_key_result_and_ends_today() -> None:
    window = series(date(2026, 10, 1), date(2026, 12, 31), date(2026, 10, 20), "month")
    assert window == Window(date(2025, 9, 1), date(2026, 10, 20))
    long = series(date(2026, 1, 1), date(2026, 12, 31), date(2026, 10, 20), "week")
    assert long.start == date(2025, 12, 22), "one week before the start"


def test_a_series_is_bounded_however_long_ago_the_key_result_began() -> None:
    window = series(date(2010, 1, 1), None, date(2026, 10, 20), "day")
    assert (window.end - window.start).days == 731


def test_a_series_reads_the_period_of_the_due_day_to_its_end() -> None:
    assert series(None, date(2026, 9, 15), date(2026, 10, 20), "month").end == date(2026, 9, 30)
    assert series(None, date(2026, 9, 15), date(2026, 9, 20), "month").end == date(2026, 9, 20)


def test_the_value_to_date_ends_with_the_key_result() -> None:
    assert to_date(date(2026, 7, 1), date(2026, 9, 30), date(2026, 10, 20)).end == date(2026, 9, 30)
    assert to_date(date(2026, 7, 1), date(2026, 9, 30), date(2026, 8, 20)).end == date(2026, 8, 20)
    assert to_date(None, None, date(2026, 8, 20)).start == date(2025, 8, 20)


@pytest.mark.parametrize(("length", "grain"), [(14, "day"), (15, "week"), (100, "week"), (101, "month")])
def test_the_grain_that_suits_a_period(length: int, grain: str) -> None:
    assert default_grain(length) == grain
