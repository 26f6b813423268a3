"""Search: what a text is about, by words, fields and rarity; misspelt, half-written, accented and hostile text too."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_graph import graph_of
from headway.graph.graph import Graph
from headway.graph.model import ColumnLineage, Edge, Node
from headway.graph.search import Index, _distance, index_of, telling, words

SHOP = """
source raw_orders
model fct_orders < raw_orders owner=core-team
model fct_churn owner=growth-team
columns fct_orders: order_id, shipping_country, gross_margin
metric churn_rate < fct_churn title="Monthly churn rate"
metric revenue < fct_orders title=Revenue
chart chart_7 < revenue title="Refunds by warehouse"
dashboard board < chart_7 title="Sales board"
dashboard other title="Parking places"
objective grow "Grow sales" 2026-10-01..2026-12-31
key_result grow.revenue < revenue title="Net income" shown_on=board
"""


@pytest.fixture(scope="module")
def shop() -> Graph:
    return graph_of(SHOP)


def found(graph: Graph, text: str, **more: object) -> list[str]:
    return [graph.nodes[h.node].name for h in index_of(graph).find(text, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stg_orders.v2", ("stg", "order", "v2")),
        ("churnByPlan", ("churn", "by", "plan")),
        ("HTTPRequests", ("http", "request")),
        ("Bestellübersicht", ("bestellubersicht",)),
        ("companies classes status analysis", ("company", "classe", "status", "analysis")),
        ("  \x00\t—!? ", ()),
    ],
)
def test_names_are_split_and_folded(text: str, said: tuple[str, ...]) -> None:
    assert words(text) == said


def test_every_field_is_searched_and_named(shop: Graph) -> None:
    for text, name, field in (
        ("fct_churn", "fct_churn", "name"),
        ("monthly", "churn_rate", "title"),
        ("shipping country", "fct_orders", "column"),
        ("refunds", "board", "chart"),
        ("growth team", "fct_churn", "owner"),
        ("net income", "board", "goal"),
    ):
        hits = {shop.nodes[h.node].name: h for h in index_of(shop).find(text)}
        assert field in hits[name].where, text


def test_the_metrics_of_a_table_are_searched(shop: Graph) -> None:
    hit = next(h for h in index_of(shop).find("revenue") if shop.nodes[h.node].name == "fct_orders")
    assert hit.where == ("metric",)


def test_what_is_called_exactly_so_comes_first(shop: Graph) -> None:
    assert found(shop, "revenue")[0] == "revenue"
    assert found(shop, "Sales Board")[0] == "board"


def test_goals_are_found_beside_assets(shop: Graph) -> None:
    assert {shop.nodes[h.node].kind for h in index_of(shop).find("grow sales")} >= {"objective", "key_result"}
    assert found(shop, "grow sales", kinds=("objective",)) == ["grow"]


def test_misspelt_and_half_written_words_are_found_at_a_discount(shop: Graph) -> None:
    right = index_of(shop).find("churn")
    for slip in ("chrun", "churm", "chrn", "churrn"):
        hits = index_of(shop).find(slip)
        assert [h.node for h in hits] == [h.node for h in right], slip
        assert 0 < hits[0].coverage < 1
    assert found(shop, "reven")[0] in {"revenue", "fct_orders", "board"}
    assert not found(shop, "zzzz")


def test_coverage_says_how_much_and_missing_says_what_not(shop: Graph) -> None:
    hit = next(h for h in index_of(shop).find("Refunds by supplier") if shop.nodes[h.node].name == "board")
    assert hit.missing == ("supplier",)
    assert 0.2 < hit.coverage < 0.8
    whole = next(h for h in index_of(shop).find("refunds by warehouse") if shop.nodes[h.node].name == "chart_7")
    assert whole.coverage == 1.0
    assert whole.missing == ()


def test_filler_counts_for_little(shop: Graph) -> None:
    plain = {h.node: h.coverage for h in index_of(shop).find("churn")}
    wordy = {h.node: h.coverage for h in index_of(shop).find("please show me the churn so that we can see it")}
    best = max(plain, key=lambda n: plain[n])
    assert wordy[best] == plain[best] == 1.0
    assert telling("a dashboard of churn") == {"churn"}
    assert telling("the dashboard") == {"the", "dashboard"}


def test_least_and_limit_hold(shop: Graph) -> None:
    index = index_of(shop)
    assert all(h.coverage >= 0.9 for h in index.find("refunds by warehouse", least=0.9))
    assert len(index.find("team", limit=1)) == 1


def test_a_rare_word_outranks_a_common_one() -> None:
    lines = [f"model orders_{k}" for k in range(30)] + ["model orders_refund"]
    graph = graph_of("\n".join(lines))
    assert found(graph, "orders refund")[0] == "orders_refund"


def test_the_same_text_gives_the_same_hits_whatever_the_order_of_records(shop: Graph) -> None:
    again = graph_of("\n".join(reversed(SHOP.strip().splitlines())))
    for text in ("revenue board", "chrun", "order country"):
        assert found(shop, text) == found(again, text)


HOSTILE = [
    "",
    " ",
    "\x00\x1b[31m",
    "🦆" * 50,
    "x" * 1_000_000,
    "a " * 100_000,
    "'; drop table--",
    "\u202eabc",
    "%_*?[",
    "١٢٣",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(shop: Graph, text: str) -> None:
    for hit in index_of(shop).find(text):
        assert 0 <= hit.coverage <= 1


def test_hostile_names_are_only_names() -> None:
    names = ["", "\x00", "🦆", "x" * 100_000, "a.b.c" * 1_000, "</script>", "\u202eevil"]
    records = [Node(id=f"n{k}", kind="model", name=n, description="d " * 1_000_000) for k, n in enumerate(names)]
    wide = ColumnLineage(node="n1", columns={f"c{k}": () for k in range(20_000)})
    edges = [Edge(upstream="n0", downstream="n1"), Edge(upstream="n1", downstream="n0")]
    graph = Graph([*records, wide, *edges], as_of=graph_of("model a").as_of)
    assert [graph.nodes[h.node].id for h in index_of(graph).find("evil")] == ["n6"]
    assert Index(Graph([], as_of=graph.as_of)).find("anything") == ()


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_slips_are_counted_as_all_ways_of_slipping_say(one: str, other: str) -> None:
    """Against a search over what a word can become, one slip at a time."""
    reachable, far = {one}, 0
    while other not in reachable and far < 2:
        reachable |= {new for word in reachable for new in _slips(word)}
        far += 1
    counted = _distance(one, other, 2)
    # One place may not slip twice, so that a swap with something between costs one more than it might.
    assert (counted == far or counted == far + 1) if other in reachable else counted > 2


def _slips(word: str) -> set[str]:
    cuts = [(word[:k], word[k:]) for k in range(len(word) + 1)]
    out = {a + b[1:] for a, b in cuts if b}
    out |= {a + c + b for (a, b), c in product(cuts, "ab")}
    out |= {a + c + b[1:] for (a, b), c in product(cuts, "ab") if b}
    return out | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
