"""Amounts are added up exactly: whatever order an engine's threads take, a second sync stores nothing new."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from history_samples import NOW, PEOPLE, quiet, statement, table, used

from headway.graph.model import Observation
from headway.warehouse.history.usage import History, usage

MANY = 400_000
"""Rows of three row groups: DuckDB gives a thread a group at a time."""
MEASURES = ("seconds", "bytes", "cost")


def observations(statements: Any) -> list[Observation]:
    history = History(name="sample", dialect="duckdb", cost_unit="EUR", people=PEOPLE)
    found = usage(statements, history, now=NOW, since=None, progress=quiet)
    return [record for record in found if isinstance(record, Observation)]


def test_threads_add_up_the_same_each_time() -> None:
    """Thirds and sevenths: no double holds one, so doubles would add up to something else in another order."""
    with table([]) as statements:
        connection = statements.get_backend().con
        connection.execute("SET threads = 4")
        connection.execute(
            f"""INSERT INTO statements (started, text, "user", seconds, cost, bytes)
            SELECT TIMESTAMP '2026-11-20' + to_seconds(i % 100000), 'SELECT a FROM s.t JOIN s.u USING (b), s.v',
                'u' || i % 2, (i % 9973) / 7.0, (i % 8191) / 3e6, i % 65537 FROM range({MANY}) AS r(i)"""
        )
        runs = [observations(statements) for _ in range(4)]
    assert runs[0]
    assert all(run == runs[0] for run in runs)
    for measure, divisor, modulus in (("seconds", 7, 9973), ("cost", 3_000_000, 8191)):
        whole = sum(Fraction(i % modulus, divisor) for i in range(MANY))
        found = sum(Fraction(r.amount) for r in runs[0] if r.measure == measure and not r.column)
        assert abs(found - whole) < Fraction(MANY, 2 * 10**9), measure


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_no_bit(seed: int) -> None:
    rows = [
        statement(
            f"SELECT a FROM s.t{n % 3} JOIN s.u{n % 2} USING (i) WHERE b = {n}",
            user=f"u{n % 4}", seconds=n / 7, cost=n / 3e5, bytes=n * 1e6 + 1,
        )
        for n in range(60)
    ]  # fmt: skip
    ordered = used(*rows, cost_unit="EUR")
    random.Random(seed).shuffle(rows)
    assert used(*rows, cost_unit="EUR") == ordered


def test_rows_that_are_added_up_in_between_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        statement(
            f"SELECT a FROM s.t{n % 3} WHERE b = {n}", f"2026-11-{19 + n % 3} 10:{n:02d}:00", user=f"u{n % 4}",
            seconds=n / 7, hash=f"h{n % 5}", database=f"d{n % 2}",
        )
        for n in range(60)
    ]  # fmt: skip
    at_once = used(*rows)
    monkeypatch.setattr("headway.warehouse.history.usage._ROWS_AT_ONCE", 4)
    monkeypatch.setattr("headway.warehouse.history.usage._ROWS_TOGETHER", 6)
    assert used(*rows) == at_once


@pytest.mark.parametrize("relations", [1, 2, 3, 7])
def test_the_shares_of_a_statement_sum_to_it(relations: int) -> None:
    sources = ", ".join(f"s.t{n}" for n in range(relations))
    records = used(
        statement(f"SELECT 1 FROM {sources}", seconds=1 / 3, cost=0.000_000_1, bytes=100_000_000_001.0),
        cost_unit="EUR",
    )
    shares = {m: [r.amount for r in records if isinstance(r, Observation) and r.measure == m] for m in MEASURES}
    assert sum(round(share * 1e9) for share in shares["seconds"]) == 333_333_333
    assert sum(round(share * 1e9) for share in shares["cost"]) == 100
    assert sum(shares["bytes"]) == 100_000_000_001
    assert max(shares["bytes"]) - min(shares["bytes"]) <= 1


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), 1e19])
def test_an_amount_that_cannot_be_is_not_known(wrong: float) -> None:
    records = used(
        statement("SELECT 1 FROM s.t", seconds=wrong, bytes=wrong),
        statement("SELECT 1 FROM s.t", seconds=2.0, bytes=3.0),
    )
    found = {r.measure: r.amount for r in records if isinstance(r, Observation) and not r.column}
    assert found == {"queries": 2, "seconds": 2, "bytes": 3}


def test_amounts_too_large_for_a_machine_word_are_added_all_the_same() -> None:
    """Eight times 200 years of seconds, and of exabytes."""
    rows = [statement("SELECT 1 FROM s.t", user=f"u{n}", seconds=6.3e9, bytes=2e18, cost=8e9) for n in range(8)]
    records = used(*rows, *rows, cost_unit="EUR")
    found = [(r.measure, r.amount) for r in records if isinstance(r, Observation) and not r.column]
    assert sorted(set(found)) == [("bytes", 4e18), ("cost", 1.6e10), ("queries", 2), ("seconds", 1.26e10)]
