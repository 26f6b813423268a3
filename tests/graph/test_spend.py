"""Spend: sums of cells that agree whichever way they are added, prices in exact arithmetic, nothing counted twice."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from case_graph import AS_OF
from headway.config import Price
from headway.graph.graph import Graph
from headway.graph.model import Node, Observation, Origin
from headway.graph.spend import PARTS, RUNS, measured

START = AS_OF - timedelta(days=29)
NODES = [Node(id=f"m{n}", kind="model", name=f"m{n}") for n in range(4)]

rows = st.lists(
    st.tuples(
        st.sampled_from([("cost", "EUR"), ("cost", "credits"), ("bytes", "bytes"), ("seconds", "seconds")]),
        st.floats(-1e9, 1e12, allow_nan=False),
        st.integers(0, 40),
        st.sampled_from(["m0", "m1", "m2", "m3", "gone"]),
        st.sampled_from(["dbt", "person", "service", ""]),
        st.sampled_from(["dbt", "looker", "", RUNS]),
        st.sampled_from(["", "", "id"]),
        st.sampled_from(["first", "second"]),
    ).map(
        lambda t: Observation(
            measure=t[0][0],
            unit=t[0][1],
            amount=t[1] if t[0][0] == "cost" else abs(t[1]),
            day=AS_OF - timedelta(days=t[2]),
            node=t[3],
            person_class=t[4],
            tool=t[5],
            column=t[6],
            origin=Origin("history", t[7]),
        )
    ),
    max_size=30,
)
prices = st.dictionaries(
    st.sampled_from(["credits", "bytes", "seconds"]),
    st.builds(Price, amount=st.sampled_from([3.0, 6.25e-12, 0.1, 1 / 3]), unit=st.sampled_from(["EUR", "USD"])),
)


@settings(max_examples=200, deadline=None)
@given(rows, prices)
def test_nodes_parts_and_cells_add_up_to_the_same_whole(
    observations: list[Observation], price_list: dict[str, Price]
) -> None:
    graph = Graph([*NODES, *observations], as_of=AS_OF, prices=price_list)
    ledgers = graph.spend(START, AS_OF)
    assert len({ledger.unit for ledger in ledgers}) == len(ledgers)
    for ledger in ledgers:
        assert sum(ledger.amounts) == ledger.total == sum(sum(ledger.parts[part]) for part in PARTS)
        for i in range(len(NODES)):
            assert ledger.amounts[i] == sum(ledger.parts[part][i] for part in PARTS)
        assert ledger.unit not in price_list or ledger.stand_in


@settings(max_examples=100, deadline=None)
@given(rows)
def test_without_prices_every_unit_of_cost_is_the_sum_of_its_rows(observations: list[Observation]) -> None:
    graph = Graph([*NODES, *observations], as_of=AS_OF)
    for ledger in graph.spend(START, AS_OF):
        if ledger.stand_in:
            assert not any(o.measure == "cost" and o.node != "gone" and not o.column for o in observations)
            continue
        mine = [
            o
            for o in observations
            if o.measure == "cost"
            and o.unit == ledger.unit
            and o.node != "gone"
            and not o.column
            and START <= o.day <= AS_OF
        ]
        assert ledger.total == sum(round(o.amount * 1_000_000) for o in mine)
        built = [o for o in mine if o.person_class == "dbt" or (not o.person_class and o.tool in {"dbt", RUNS})]
        assert sum(ledger.parts["build"]) == sum(round(o.amount * 1_000_000) for o in built)
        neither = [o for o in mine if not o.person_class and not o.tool]
        assert sum(ledger.parts["either"]) == sum(round(o.amount * 1_000_000) for o in neither)


def cost(amount: float, unit: str, node: str = "m0", measure: str = "cost", **more: str) -> Observation:
    return Observation(day=AS_OF, measure=measure, amount=amount, unit=unit, node=node, **more)  # type: ignore[arg-type]


def test_a_price_is_taken_as_it_is_written_and_small_rows_are_added_before_they_are_rounded() -> None:
    million = [cost(100_000.0, "bytes", measure="bytes") for _ in range(1000)]
    [ledger] = Graph([*NODES, *million], as_of=AS_OF, prices={"bytes": Price(6.25e-12, "USD")}).spend(START, AS_OF)
    # One row is 0.625 millionths of a dollar, which alone would be rounded to one.
    assert (ledger.unit, ledger.total, ledger.mark) == ("USD", 625, "converted")
    [conversion] = ledger.conversions
    assert Fraction(str(conversion.price.amount)) * conversion.amount == conversion.money


def test_money_that_was_given_and_money_that_was_converted_are_marked_when_they_are_mixed() -> None:
    records = [*NODES, cost(1, "EUR"), cost(2, "credits")]
    [ledger] = Graph(records, as_of=AS_OF, prices={"credits": Price(3.0, "EUR")}).spend(START, AS_OF)
    assert (ledger.unit, ledger.total, ledger.mark) == ("EUR", 7_000_000, "partly converted")


def test_what_is_not_a_finite_amount_is_not_added() -> None:
    records = [*NODES, cost(float("nan"), "EUR"), cost(float("inf"), "EUR"), cost(2, "EUR")]
    [ledger] = Graph(records, as_of=AS_OF).spend(START, AS_OF)
    assert ledger.total == 2_000_000


def test_seconds_can_be_had_beside_money_and_run_results_are_no_part_of_them() -> None:
    records = [*NODES, cost(1, "EUR"), cost(9, "seconds", measure="seconds")]
    records.append(cost(500, "seconds", measure="seconds", person_class="dbt", tool=RUNS))
    graph = Graph(records, as_of=AS_OF)
    assert [ledger.unit for ledger in graph.spend(START, AS_OF)] == ["EUR"]
    found = measured(graph, "seconds", START, AS_OF)
    assert found is not None
    assert (found.total, found.stand_in) == (9_000_000, "")
    assert measured(graph, "bytes", START, AS_OF) is None
    assert measured(graph, "EUR", START, AS_OF) is None
