"""Cost: whatever it is split by, the parts sum exactly to the whole, in building and in reading alike."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from case_graph import AS_OF, FILE, graph_of, records_of
from headway.config import Price
from headway.graph.graph import Graph
from headway.graph.model import Observation
from headway.questions.cost import By, cost
from headway.questions.evidence import cost_column

COMPANY = """
covers "kind:model kind:dashboard" 2026-08-01..2026-11-21
source raw
model shared < raw owner=data-team path=models/shared.sql
model growing < shared owner=growth-team path=models/marts/growing.sql
model keeping < shared path=models/marts/keeping.sql
model selling < shared path=selling.sql
metric mrr < growing
metric churn < keeping
metric sales < selling, growing
objective grow "Grow" 2026-10-01..2026-12-31
objective keep "Keep" 2026-10-01..2026-12-31
objective sell "Sell" 2026-10-01..2026-12-31
key_result grow.mrr < mrr
key_result keep.churn < churn
key_result sell.sales < sales
dashboard seen
views seen 1 on 2026-11-20
dashboard dead
notebook dark
"""
NODES = ["raw", "shared", "growing", "keeping", "selling", "mrr", "seen", "dead", "dark"]

rows = st.lists(
    st.builds(
        Observation,
        day=st.just(AS_OF),
        measure=st.just("cost"),
        amount=st.floats(-1000, 1e7, allow_nan=False),
        unit=st.sampled_from(["EUR", "credits"]),
        node=st.sampled_from(NODES),
        person_class=st.sampled_from(["dbt", "person", ""]),
        tool=st.sampled_from(["dbt", "looker", ""]),
        origin=st.just(FILE),
    ),
    min_size=1,
    max_size=25,
)
price_lists = st.sampled_from([{}, {"credits": Price(3.0, "EUR")}, {"credits": Price(0.1, "USD")}])


@pytest.mark.parametrize("by", get_args(By))
@settings(max_examples=60, deadline=None)
@given(observations=rows, prices=price_lists)
def test_the_parts_sum_exactly_to_the_whole(by: By, observations: list[Observation], prices: dict[str, Price]) -> None:
    graph = Graph([*records_of(COMPANY), *observations], as_of=AS_OF, prices=prices)
    answer = cost(graph, by=by)
    found = [part for part in (answer, *answer.sections) if "parts_micros" in part.totals]
    assert found
    ledgers = {ledger.unit: ledger for ledger in graph.spend(AS_OF, AS_OF)}
    for split in found:
        totals, ledger = split.totals, ledgers[split.totals["unit"]]
        assert sum(totals["parts_micros"].values()) == totals["total_micros"] == ledger.total
        assert sum(totals["spent_micros"].values()) == totals["total_micros"]
        assert len(totals["parts_micros"]) == len(split.rows) - 1  # no two parts under one key
        for column in ("build", "read"):
            cells = [record[column] for record in split.records()]
            if ledger.told_apart:
                *parts, whole = (round(cell * 1_000_000) for cell in cells)
                assert sum(parts) == whole == sum(ledger.parts[column])
            else:
                assert set(cells) == {None}


@settings(max_examples=60, deadline=None)
@given(observations=rows)
def test_no_two_ways_of_splitting_come_to_another_whole(observations: list[Observation]) -> None:
    graph = Graph([*records_of(COMPANY), *observations], as_of=AS_OF, prices={"credits": Price(1 / 3, "EUR")})
    assert len({cost(graph, by=by).totals["total_micros"] for by in get_args(By)}) == 1


def test_any_number_of_days_has_an_answer() -> None:
    graph = graph_of(COMPANY + "cost shared 3 EUR on 2026-11-20\ncost shared 4 EUR on 2001-01-01")
    assert cost(graph, days=10**12).totals["total_micros"] == 7_000_000
    assert cost(graph, days=-5).totals["total_micros"] == 0
    assert cost(graph, days=3).totals["total_micros"] == 3_000_000
    assert cost(graph, days=2).totals["total_micros"] == 0


def test_what_is_largest_among_what_serves_nothing_comes_first_and_is_counted_whole() -> None:
    extra = "\n".join(f"model idle{n} cost={n}" for n in range(1, 13))
    answer = cost(Graph(records_of(COMPANY + extra), as_of=AS_OF))
    [pieces] = [s for s in answer.sections if s.headline.startswith("Largest pieces that serve nothing")]
    assert pieces.headline == "Largest pieces that serve nothing (EUR 78 in all, the first 10 of 12)"
    assert [(r["asset"], r["amount"]) for r in pieces.records()][:2] == [("idle12", 12.0), ("idle11", 11.0)]
    assert len(pieces.rows) == 10
    assert pieces.findings == 0


@pytest.mark.parametrize(
    ("more", "heading", "monthly"),
    [
        ("cost shared 3 EUR on 2026-11-20", "EUR", "EUR a month"),
        ("cost shared 3 credits on 2026-11-20", "credits", "credits a month"),
        ("price credits 2 EUR\ncost shared 3 credits on 2026-11-20", "EUR, converted", "EUR a month, converted"),
        (
            "price credits 2 EUR\ncost shared 3 credits on 2026-11-20\ncost shared 3 EUR on 2026-11-20",
            "EUR, partly converted",
            "EUR a month, partly converted",
        ),
        ("seconds shared 3 on 2026-11-20", "Warehouse seconds", "Warehouse seconds a month"),
        ("bytes shared 3 on 2026-11-20", "Bytes read", "Bytes read a month"),
        (
            'seconds shared 3 on 2026-11-20 tool="dbt run results"',
            "Seconds in the last dbt run",
            "Seconds in the last dbt run",
        ),
    ],
)
def test_a_heading_says_what_its_amounts_are(more: str, heading: str, monthly: str) -> None:
    graph = graph_of(COMPANY + more)
    assert [c.heading for c in cost(graph).columns if c.key == "amount"] == [heading]
    assert cost_column(graph).heading == monthly
