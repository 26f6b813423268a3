"""The arithmetic of derived metrics, held against Python's own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import UsageError
from headway.questions.arithmetic import parse

VALUES = {"a": 6.0, "b": -2.0, "z": 0.0, "n": None}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a - b - 1", 7.0),
        ("a / b / 2", -1.5),
        ("a - (b - 1)", 9.0),
        ("2 + 3 * a", 20.0),
        ("-a * -b", -12.0),
        ("1.5e1 + .5", 15.5),
        ('"A" + 1', 7.0),
        ("A / Z", None),
        ("a / nullif(z, 0)", None),
        ("coalesce(n, z, a)", 0.0),
        ("a + n", None),
        ("nullif(a, b)", 6.0),
        ("abs(b) + power(a, 2)", 38.0),
        ("greatest(a, b, 1) - least(a, b)", 8.0),
        ("ln(b)", None),
        ("exp(1000)", None),
        ("cast(a as double precision) / 4::float", 1.5),
    ],
)
def test_values_are_as_in_sql(text: str, value: float | None) -> None:
    assert parse(text).value(VALUES) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing"),
        ("a +", "missing"),
        ("a b", "'b' is not expected"),
        ("(a", r"'\)' is missing"),
        ("sum(a)", "the function sum is not followed"),
        ("case when a then b end", "CASE is not followed"),
        ("a = 'x'", "no arithmetic"),
        ("cast(a as int)", "fraction"),
        ("a::decimal(10, 2)", "rounds"),
        ("nullif(a)", "takes 2 values"),
        ("(" * 500 + "a" + ")" * 500, "too deeply"),
        ("a + " * 2_000 + "a", "longer"),
        ("\x00", "no arithmetic"),
    ],
)
def test_what_is_no_arithmetic_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse(text)


@given(st.text(alphabet="ab12.+-*/() ,", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text).value({"a": 3.0, "b": 0.5, **dict.fromkeys(parse(text).names(), 1.0)})
    except UsageError:
        return
    assert found is None or math.isfinite(found)


def test_a_weighted_sum_and_a_product_are_known_as_such() -> None:
    assert parse("2 * (a - b) / 4 + 1").linear() == ({"a": 0.5, "b": -0.5}, 1.0)
    assert parse("a * b").linear() is None
    assert parse("30.0 * a / nullif(b, 0)").product() == ({"a": 1, "b": -1}, 30.0)
    assert parse("a / (b + 1)").product() is None


def test_inputs_are_replaced_by_what_they_are_made_of() -> None:
    whole = parse("a / b").put({"a": parse("x + y")})
    assert whole.names() == ("x", "y", "b")
    assert whole.value({"x": 1, "y": 2, "b": 4}) == 0.75
