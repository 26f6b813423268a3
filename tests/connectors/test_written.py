"""Flags, numbers, days and periods as people write them; what is none is None and no guess."""

from __future__ import annotations

from datetime import date

import pytest

from headway.connectors.written import (
    ORDERS,
    Exact,
    Sign,
    as_number,
    can_be_read_in_two_ways,
    day_of,
    decimal_signs,
    span,
)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("12", 12.0), ("1,200", 1200.0), ("12,5", 12.5), ("1.234,50", 1234.5), ("1,234.50", 1234.5), ("12.5 %", 12.5),
        ("\u20ac 1'000", 1000.0), ("-3", -3.0), ("+1,200", 1200.0), ("1 200", 1200.0), (".5", 0.5), ("1e3", 1000.0),
        ("0,125", 0.125), ("0.125", 0.125), ("1400,5", 1400.5), ("1,0000", 1.0), ("1.200", 1.2), ("01,200", 1.2),
        ("1.234.567", 1234567.0), ("1,234,567.8", 1234567.8), ("1,23,456", 123456.0),
        ("n/a", None), ("", None), ("nan", None), ("inf", None), ("1e999", None), ("9" * 5000, None), ("-", None),
        (".", None), ("\u00b2", None), ("1.2,3.4", None), ("1,234,56", None), ("1.234.56", None), ("3 of 5", None),
        ("31.12.2026", None), ("1_000", None),
    ],
)  # fmt: skip
def test_numbers(said: str, value: float | None) -> None:
    assert as_number(said) == value


@pytest.mark.parametrize(
    ("said", "decimal", "value"),
    [
        ("1.000", ",", 1000.0),
        ("1,200", ",", 1.2),
        ("1,200", ".", 1200.0),
        ("1.000", ".", 1.0),
        ("0.5", ",", 0.5),
        ("2.500,5", ".", 2500.5),
        (Exact("12.125"), ",", 12.125),
    ],
)
def test_numbers_that_could_be_two_follow_the_file(said: str, decimal: Sign, value: float) -> None:
    assert as_number(said, decimal) == value


@pytest.mark.parametrize(
    ("cells", "signs"),
    [
        (["1.000", "1.400,5", "2.000"], {","}),
        (["1,000", "2.5"], {"."}),
        (["1,000", "1.000", "7", "n/a"], set()),
        (["0,5", "0.5"], {",", "."}),
        (["1.234.567"], {","}),
        ([Exact("0.5"), "0,5"], {","}),
    ],
)
def test_the_cells_that_are_plain_say_what_the_sign_of_decimals_is(cells: list[str], signs: set[str]) -> None:
    assert decimal_signs(cells) == signs


def test_what_can_be_read_in_two_ways() -> None:
    cells = ["1.000", "-12,345 %", "0,125", "1400,5", "1.000.000", "12", Exact("1.125")]
    assert [cell for cell in cells if can_be_read_in_two_ways(cell)] == ["1.000", "-12,345 %"]


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("Q3 Y2025", date(2025, 7, 1), date(2025, 9, 30)),
        ("2026-H1", date(2026, 1, 1), date(2026, 6, 30)),
        ("FY2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("Q3 FY2026", date(2026, 7, 1), date(2026, 9, 30)),
        ("FY2026 Q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("FY2026-Q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("h1  fy2026", date(2026, 1, 1), date(2026, 6, 30)),
        ("FY26", date(2026, 1, 1), date(2026, 12, 31)),
        ("Q3-26", date(2026, 7, 1), date(2026, 9, 30)),
        ("Q4 '26", date(2026, 10, 1), date(2026, 12, 31)),
        ("Jul 2026", date(2026, 7, 1), date(2026, 7, 31)),
        ("February 2028", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-07", date(2026, 7, 1), date(2026, 7, 31)),
        ("Q1 2026 - Q2 2026", date(2026, 1, 1), date(2026, 6, 30)),
        ("Jan 2026 \u2013 Mar 2026", date(2026, 1, 1), date(2026, 3, 31)),
    ],
)
def test_periods(said: str, first: date, last: date) -> None:
    assert span(said) == (first, last)


@pytest.mark.parametrize(
    "said",
    ["", "next", "H3 2025", "Q3", "26", "Q3 2026 or later", "not FY2026", "Q2 2026 - Q1 2026", "Q1 2026 - soon",
     "Jul 26", "Mayhem 2026", "Q1 2026 Q2 2026", " - ".join(["Q1 2026"] * 40_000)],
)  # fmt: skip
def test_what_is_no_period(said: str) -> None:
    assert span(said) is None


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "said", ["2026-11-99999999999", "2026-02-30", "2026-11-" + "9" * 5_000, "9" * 5_000, "x", "1/2"]
)
def test_what_is_no_day(said: str, order: str) -> None:
    assert day_of(said, ORDERS[order]) is None
