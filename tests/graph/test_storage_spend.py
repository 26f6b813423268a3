"""Storage: a stock that is never added over days, nor to bytes that were read; as money it splits without a rest."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from case_graph import AS_OF, graph_of, records_of
from headway.config import Price
from headway.graph.graph import Graph
from headway.graph.model import Node, Observation, Origin
from headway.graph.spend import BYTE_MONTHS, PARTS, STORED, stored
from headway.questions.cost import cost
from headway.questions.evidence import month

START = AS_OF - timedelta(days=29)
NODES = [Node(id=f"m{n}", kind="model", name=f"m{n}", relation=f"shop.marts.m{n}") for n in range(3)]
PRICE = {"storage": Price(2.1e-11, "EUR")}


def kept(amount: float, *, days_ago: int = 0, node: str = "m0", source: str = "first", **more: str) -> Observation:
    told = {"measure": "storage", "unit": "bytes", "node": node, **more}
    return Observation(day=AS_OF - timedelta(days=days_ago), amount=amount, origin=Origin("history", source), **told)  # type: ignore[arg-type]


def bytes_of(*records: Observation, days: int = 30) -> list[int] | None:
    ledger = stored(Graph([*NODES, *records], as_of=AS_OF), AS_OF - timedelta(days=days - 1), AS_OF)
    return [amount // 1_000_000 for amount in ledger.amounts] if ledger else None


def test_the_newest_day_of_each_node_counts_and_days_are_not_added() -> None:
    rows = [kept(5, days_ago=3), kept(7, days_ago=1), kept(6, days_ago=2), kept(11, days_ago=9, node="m1")]
    assert bytes_of(*rows) == [7, 11, 0]
    assert bytes_of(*rows, days=5) == [7, 0, 0], "what was seen before the window is not known in it"
    assert bytes_of(*rows, days=1) is None


def test_a_table_that_was_emptied_stores_nothing() -> None:
    assert bytes_of(kept(5, days_ago=3), kept(0, days_ago=1)) == [0, 0, 0]


def test_copies_add_up_within_a_source_and_two_sources_tell_of_the_same_bytes() -> None:
    copy = kept(3, node="", relation="shop.marts.m0__dbt_backup")
    assert bytes_of(kept(5), copy) == [8, 0, 0]
    assert bytes_of(kept(5), copy, kept(6, source="second")) == [8, 0, 0]
    assert bytes_of(kept(5), kept(6, source="second")) == [6, 0, 0]
    assert bytes_of(kept(5), kept(6), kept(5)) == [6, 0, 0], "two logins of one warehouse tell of one table"


def test_other_units_columns_and_what_is_no_number_are_left_out() -> None:
    rows = [kept(5, unit="rows"), kept(6, column="id"), kept(float("nan")), kept(float("inf")), kept(7, days_ago=-1)]
    assert bytes_of(*rows) is None


def test_without_a_price_it_is_no_cost() -> None:
    graph = Graph([*NODES, kept(5)], as_of=AS_OF)
    assert graph.spend(START, AS_OF) == ()
    assert month(graph) is None


def test_it_is_money_for_as_many_days_as_are_asked_for() -> None:
    graph = Graph([*NODES, kept(1e12, days_ago=2)], as_of=AS_OF, prices=PRICE)
    for days, money in ((30, 21_000_000), (60, 42_000_000), (3, 2_100_000)):
        [ledger] = graph.spend(AS_OF - timedelta(days=days - 1), AS_OF)
        assert (ledger.unit, ledger.total, ledger.mark) == ("EUR", money, "converted")
        [conversion] = ledger.conversions
        assert conversion.unit == BYTE_MONTHS
        assert Fraction(str(conversion.price.amount)) * conversion.amount == conversion.money == money
    assert bytes_of(kept(1e12)) == [10**12, 0, 0]


def test_credits_stay_the_first_unit_beside_storage_with_a_price() -> None:
    spent = Observation(day=AS_OF, measure="cost", unit="credits", amount=1, node="m0")
    graph = Graph([*NODES, *(kept(1e12, node=f"m{n}") for n in range(3)), spent], as_of=AS_OF, prices=PRICE)
    assert [ledger.unit for ledger in graph.spend(START, AS_OF)] == ["credits", "EUR"]


def test_tables_of_other_projects_are_no_rows_that_matched_nothing() -> None:
    other = Observation(day=AS_OF, measure="queries", amount=1, relation="shop.else.other")
    elsewhere = [kept(5, node="", relation=f"shop.else.{name}") for name in ("where", "other")]
    graph = Graph([*NODES, *elsewhere, other, kept(1)], as_of=AS_OF)
    assert [(u.name, u.rows) for u in graph.use.unmatched] == [("shop.else.other", 1)]
    twins = [Node(id=f"t{n}", kind="model", name=f"t{n}", relation=f"c{n}.marts.twin") for n in range(2)]
    graph = Graph([*NODES, *twins, kept(5, node="", relation="marts.twin"), kept(1)], as_of=AS_OF)
    assert [(u.name, u.fits) for u in graph.use.unmatched] == [("marts.twin", 2)]
    graph = Graph([*NODES, *elsewhere, other], as_of=AS_OF)
    found = {(u.name, u.rows) for u in graph.use.unmatched}
    assert found == {("shop.else.other", 2), ("shop.else.where", 1)}, "where none fits, the names are wrong"


def test_storage_is_no_use() -> None:
    graph = graph_of('covers "kind:model" 2026-08-01..2026-11-21\nmodel m\nstorage m 5 on 2026-11-20')
    assert not graph.use.known
    assert graph.use.reads[0] == 0


COMPANY = """
model shared
model growing < shared
model keeping < shared
model idle
metric mrr < growing
metric churn < keeping
objective grow "Grow" 2026-10-01..2026-12-31
objective keep "Keep" 2026-10-01..2026-12-31
key_result grow.mrr < mrr
key_result keep.churn < churn
"""
rows = st.lists(
    st.builds(
        kept,
        st.floats(0, 1e15),
        days_ago=st.integers(0, 40),
        node=st.sampled_from(["shared", "growing", "keeping", "idle", "gone"]),
        source=st.sampled_from(["first", "second"]),
    ),
    max_size=20,
)
prices = st.sampled_from([{}, PRICE, {"storage": Price(1 / 3, "USD"), "bytes": Price(0.1, "EUR")}])


@settings(max_examples=100, deadline=None)
@given(rows, prices, st.integers(1, 60))
def test_the_parts_sum_exactly_to_the_whole(
    observations: list[Observation], price_list: dict[str, Price], days: int
) -> None:
    read = Observation(
        day=AS_OF, measure="bytes", unit="bytes", amount=77, node="shared", origin=Origin("history", "x")
    )
    graph = Graph([*records_of(COMPANY), *observations, read], as_of=AS_OF, prices=price_list)
    answer = cost(graph, days=days)
    splits = [part for part in (answer, *answer.sections) if "parts_micros" in part.totals]
    for split in splits:
        totals = split.totals
        assert sum(totals["parts_micros"].values()) == totals["total_micros"] == sum(totals["spent_micros"].values())
    ledger = stored(graph, AS_OF - timedelta(days=days - 1), AS_OF)
    found = [split.totals for split in splits if split.totals["unit"] == STORED]
    assert [totals["total_micros"] for totals in found] == ([ledger.total] if ledger and not price_list else [])
    for cells in graph.spend(AS_OF - timedelta(days=days - 1), AS_OF):
        assert cells.total == sum(sum(cells.parts[part]) for part in PARTS)
        if ledger and price_list and cells.stores:
            rate = Fraction(str(price_list["storage"].amount)) * Fraction(days, 30)
            assert sum(cells.parts["keep"]) == sum(round(amount * rate) for amount in ledger.amounts)
