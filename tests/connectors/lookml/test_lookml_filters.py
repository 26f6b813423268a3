"""Filter expressions of Looker, held against rows that DuckDB lets through."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from headway.connectors.lookml.filters import Untranslatable, condition
from headway.warehouse.measures import measure_sql

AS_OF = date(2026, 11, 22)  # a Sunday
STATUS = ["paid", "sent", "sent back", "new", "50%", "in_progress", "a, b", "", None, "-odd"]
NUMBERS = [-5, 0, 1, 5, 9.5, 10, 100, None]
DAYS = [
    "2024-12-31", "2025-01-01", "2025-11-30", "2026-01-01", "2026-01-31", "2026-02-01", "2026-09-30", "2026-10-01",
    "2026-10-31", "2026-11-01", "2026-11-15", "2026-11-16", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23",
    "2026-12-01", None,
]  # fmt: skip


def let_through(kind: str, column: str, values: list[object], expression: str) -> list[object]:
    """The values that a filter lets through, as DuckDB says."""
    sql = measure_sql(
        {
            "expression": f"LIST(x.value ORDER BY x.position) FILTER (WHERE {condition(kind, 'x.value', expression)})",
            "alias": "x",
            "relation": "given",
        },
        dialect="duckdb",
        as_of=AS_OF,
    )
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE given (position INTEGER, value {column})")
    connection.executemany("INSERT INTO given VALUES (?, ?)", list(enumerate(values)))
    return connection.execute(sql).fetchone()[0] or []


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("paid", ["paid"]),
        ("paid,sent", ["paid", "sent"]),
        (" paid , new ", ["paid", "new"]),
        ("-paid", ["sent", "sent back", "new", "50%", "in_progress", "a, b", "", None, "-odd"]),
        ("-paid,-sent", ["sent back", "new", "50%", "in_progress", "a, b", "", None, "-odd"]),
        ("sent%", ["sent", "sent back"]),
        ("%back", ["sent back"]),
        ("sent%,-sent", ["sent back"]),
        ("-%e%", ["paid", "50%", "a, b", "", None, "-odd"]),
        ("50^%", ["50%"]),
        ('"a, b"', ["a, b"]),
        ("a^, b", ["a, b"]),
        ("^-odd", ["-odd"]),
        ("in_progress", ["in_progress"]),
        ("EMPTY", ["", None]),
        ("-EMPTY", ["paid", "sent", "sent back", "new", "50%", "in_progress", "a, b", "-odd"]),
        ("NULL", [None]),
        ('"NULL"', []),
        ("", STATUS),
    ],
)
def test_texts(expression: str, kept: list[object]) -> None:
    assert let_through("string", "VARCHAR", STATUS, expression) == kept


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("5", [5]),
        ("5, 10", [5, 10]),
        ("5 OR 10", [5, 10]),
        (">5", [9.5, 10, 100]),
        (">=5 AND <100", [5, 9.5, 10]),
        ("1 to 10", [1, 5, 9.5, 10]),
        ("[1,10)", [1, 5, 9.5]),
        ("(1, inf)", [5, 9.5, 10, 100]),
        ("(-inf, 0]", [-5, 0]),
        ("-5", [-5]),
        ("NOT 5", [-5, 0, 1, 9.5, 10, 100, None]),
        ("<>5, <>10", [-5, 0, 1, 9.5, 100, None]),
        ("NOT 5, >1", [9.5, 10, 100]),
        ("NULL", [None]),
        ("NOT NULL", [-5, 0, 1, 5, 9.5, 10, 100]),
        ("NOT [1,10]", [-5, 0, 100, None]),
        ("9.5", [9.5]),
    ],
)
def test_numbers(expression: str, kept: list[object]) -> None:
    assert let_through("number", "DOUBLE", NUMBERS, expression) == kept


@pytest.mark.parametrize(
    ("expression", "first", "last"),
    [
        ("today", "2026-11-22", "2026-11-22"),
        ("yesterday", "2026-11-21", "2026-11-21"),
        ("7 days", "2026-11-16", "2026-11-22"),
        ("1 day", "2026-11-22", "2026-11-22"),
        ("2 days ago", "2026-11-20", "2026-11-20"),
        ("7 days ago for 7 days", "2026-11-15", "2026-11-21"),
        ("this week", "2026-11-16", "2026-11-22"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("this month", "2026-11-01", "2026-11-30"),
        ("2 months", "2026-10-01", "2026-11-30"),
        ("last quarter", "2026-07-01", "2026-09-30"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("2026-01-01 to 2026-02-01", "2026-01-01", "2026-01-31"),
        ("2026/01/31", "2026-01-31", "2026-01-31"),
        ("2025-12", "2025-12-01", "2025-12-31"),
        ("2025", "2025-01-01", "2025-12-31"),
        ("before 2026-01-01", "0001-01-01", "2025-12-31"),
        ("after 2026-11-20", "2026-11-20", "9999-12-31"),
        ("before 2 months ago", "0001-01-01", "2026-08-31"),
    ],
)
def test_days(expression: str, first: str, last: str) -> None:
    found = let_through("date", "TIMESTAMP", [f"{d} 13:30:00" if d else None for d in DAYS], expression)
    assert [str(at.date()) for at in found] == [d for d in DAYS if d and first <= d <= last]


def test_days_that_are_or_are_not_known() -> None:
    assert let_through("date", "DATE", DAYS, "NULL") == [None]
    assert len(let_through("date", "DATE", DAYS, "NOT NULL")) == len(DAYS) - 1
    assert let_through("date", "DATE", DAYS, "any time") == let_through("date", "DATE", DAYS, "")
    assert let_through("date", "DATE", DAYS, "2024, 2026-12") == [date(2024, 12, 31), date(2026, 12, 1)]


def test_yes_and_no() -> None:
    assert let_through("yesno", "BOOLEAN", [True, False, None], "Yes") == [True]
    assert let_through("yesno", "BOOLEAN", [True, False, None], "no") == [False, None]


@pytest.mark.parametrize(
    ("kind", "expression", "said"),
    [
        ("string", "o'clock", "a quote"),
        ("string", "back\\\\slash", "a backslash"),
        ("string", '"open', "quotes do not match"),
        ("string", "_UF", "wildcard _"),
        ("string", "50^%%", "escaped ones"),
        ("number", "five", "not understood"),
        ("number", "> 5 AND seven", "not understood"),
        ("number", "NOT <>5", "negates twice"),
        ("number", "1); DROP TABLE x", "not understood"),
        ("date", "last 7 days", "not understood"),
        ("date", "2026-02-30", "does not exist"),
        ("date", "2 months ago for 3 days", "two units"),
        ("date", "FY2026", "not understood"),
        ("date", "before before 2026", "not understood"),
        ("yesno", "perhaps", "neither yes nor no"),
        ("duration", "5", "of type duration"),
        ("string", "x" * 3000, "2,000 characters"),
    ],
)
def test_what_is_not_translated_is_said(kind: str, expression: str, said: str) -> None:
    with pytest.raises(Untranslatable, match=said) as error:
        condition(kind, "x", expression)
    assert expression[:40] not in str(error.value) or len(expression) < 3, "a value of a filter is in the message"


@given(kind=st.sampled_from(["string", "number", "yesno", "date"]), expression=st.text(max_size=60))
def test_whatever_a_filter_says_is_one_condition_or_refused(kind: str, expression: str) -> None:
    from headway.warehouse.statements import parsed

    try:
        made = condition(kind, "x", expression)
    except Untranslatable:
        return
    tree = parsed(made, "duckdb", "condition")
    assert {column.name for column in tree.find_all(exp.Column)} <= {"x"}
