"""Views from lifetime totals, as arithmetic."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headway.graph.model import Observation, Origin
from headway.graph.totals import told

TOOL = Origin(connector="tableau")
FIRST = date(2026, 1, 1)


def total(day: int, amount: float, node: str = "t:chart.1", origin: Origin = TOOL) -> Observation:
    return Observation(
        day=FIRST + timedelta(days=day), measure="views_total", amount=amount, node=node, tool="tableau", origin=origin
    )


def views(rows: list[tuple[int, Observation]]) -> list[tuple[int, int, float]]:
    """(node, day, amount) of the views told from these rows."""
    return [(node, (row.day - FIRST).days, row.amount) for node, row in told(rows).rows if row.measure == "views"]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_what_never_falls_adds_up_to_last_less_first(amounts: list[int]) -> None:
    rows = [(0, total(day, amount)) for day, amount in enumerate(sorted(amounts))]
    mixed = rows[::-1] if len(rows) % 2 else rows
    assert sum(amount for *_, amount in views(mixed)) == max(amounts) - min(amounts)


def test_a_fall_starts_anew_and_nothing_is_negative() -> None:
    assert views([(0, total(0, 9)), (0, total(1, 4)), (0, total(2, 0)), (0, total(3, 2))]) == [(0, 1, 4), (0, 3, 2)]


def test_other_rows_pass_as_they_are() -> None:
    seen = (3, Observation(day=FIRST, measure="queries", amount=2, node="x", origin=TOOL))
    rows = [seen, (0, total(0, 1)), (0, total(5, 3))]
    assert told([seen]) == ([seen], {}, {})
    found, spans, apart = told(rows)
    assert found[0] == seen
    assert [row.measure for _, row in found] == ["queries", "views"]
    assert spans == {("tableau", ""): {0: (FIRST, FIRST + timedelta(days=5))}}
    assert apart == {0: 5}


def test_sources_and_things_that_fit_one_node_are_not_mixed() -> None:
    other = Origin(connector="observations", file="totals.csv")
    rows = [
        (0, total(0, 100)),
        (0, total(1, 7, "t:chart.2")),
        (0, total(2, 5, origin=other)),
        (0, total(3, 101)),
        (0, total(4, 9, "t:chart.2")),
        (0, total(5, 6, origin=other)),
    ]
    assert sorted(views(rows)) == [(0, 3, 1), (0, 4, 2), (0, 5, 1)]
    spans = told(rows).spans
    assert spans["tableau", ""][0] == (FIRST + timedelta(days=1), FIRST + timedelta(days=3)), "where both are known"


def test_the_line_in_a_file_does_not_tell_totals_apart() -> None:
    rows = [(0, total(i, i * 10.0, origin=Origin("observations", "t.csv", i + 2))) for i in range(3)]
    assert views(rows) == [(0, 1, 10), (0, 2, 10)]
