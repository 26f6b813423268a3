"""What BI tools hold becomes records: nodes, edges, columns, gaps; and views become observations."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.connectors.content import Item, View, records, views
from headway.graph.model import AnyRecord, ColumnLineage, ColumnSource, Edge, Gap, Node, Observation
from headway.people import Classes, People

PEOPLE = People(b"a key of the tea house, long enough")
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def made(*items: Item) -> list[AnyRecord]:
    return list(records("metabase", "metabase", items))


def one(found: Sequence[AnyRecord], kind: type[Any], node: str = "") -> Any:
    """The only record of its type (of a node)."""
    fitting = [r for r in found if isinstance(r, kind) and (not node or getattr(r, "node", "") == node)]
    assert len(fitting) == 1, fitting
    return fitting[0]


def edges(found: Sequence[AnyRecord]) -> list[tuple[str, str, str]]:
    return [(r.upstream, r.downstream, r.evidence) for r in found if isinstance(r, Edge)]


def gaps(found: Sequence[AnyRecord]) -> list[str]:
    return [r.message for r in found if isinstance(r, Gap)]


# --- Nodes and edges -------------------------------------------------------------------------------------------------


def test_an_item_says_all_it_knows() -> None:
    item = Item(
        kind="dashboard",
        key="2",
        title="Sales of tea",
        name="sales-of-tea",
        owner="Sales team",
        url="https://bi.tea.example/dashboard/2",
        path="Company/Sales",
        description="What we sell",
        tags=("verified",),
        created=date(2026, 1, 2),
        archived=True,
        outside=True,
        meta={"views": "all"},
        file="answers/2.json",
        line=3,
    )
    node = one(made(item), Node)
    assert (node.id, node.kind, node.name, node.title) == (
        "metabase:dashboard.2",
        "dashboard",
        "sales-of-tea",
        "Sales of tea",
    )
    assert (node.owner, node.owner_origin, node.url) == ("Sales team", "metabase", item.url)
    assert (node.path, node.description, node.tags) == ("Company/Sales", "What we sell", ("verified",))
    assert (node.created, node.disabled, node.outside) == (date(2026, 1, 2), True, True)
    assert node.meta == {"views": "all"}
    assert (node.origin.connector, str(node.origin)) == ("metabase", "answers/2.json:3")


def test_things_without_a_name_go_by_their_key() -> None:
    assert one(made(Item(kind="dataset", key="7")), Node).name == "7"
    assert one(made(Item(kind="dataset", key="7", title=" \n\t")), Node).name == "7"
    titled = one(made(Item(kind="dataset", key="7", title="Orders")), Node)
    assert (titled.name, titled.title) == ("Orders", "")
    assert one(made(Item(kind="dataset", key="7", title="Orders", name="Orders")), Node).title == ""


def test_hostile_and_huge_texts_are_made_harmless() -> None:
    item = Item(
        kind="chart", key="1", title="a\x1b[31m\nb\u202e" + "t" * 9000, description="one\n\x00two\n" + "d" * 9000
    )
    node = one(made(item), Node)
    assert node.name.startswith("a [31m b ttt")
    assert len(node.name) == 300
    assert node.description.startswith("one\ntwo\nddd")
    assert len(node.description) == 4000
    surrogate = one(made(Item(kind="chart", key="1", title="a\ud800b")), Node)
    assert msgspec.json.decode(msgspec.json.encode(surrogate), type=Node).name == "a b"


def test_of_items_with_the_same_reference_the_first_counts() -> None:
    found = made(
        Item(kind="chart", key="1", title="First", tables=("shop.orders",)),
        Item(kind="chart", key="1", title="Second", tables=("shop.customers",)),
        Item(kind="dataset", key="1", title="Another kind"),
    )
    assert [r.name for r in found if isinstance(r, Node)] == ["First", "Another kind"]
    assert edges(found) == [("ref:table/shop.orders", "metabase:chart.1", "matched")]


def test_reads_become_edges_once_and_what_is_not_there_is_counted() -> None:
    found = made(
        Item(kind="dashboard", key="1", reads=("chart.1", "chart.9", "chart.1", "dashboard.1")),
        Item(kind="dashboard", key="2", reads=("chart.9", "chart.8")),
        Item(kind="chart", key="1", tables=("shop.orders", "shop.orders"), models=("orders", "orders")),
    )
    assert edges(found) == [
        ("metabase:chart.1", "metabase:dashboard.1", "declared"),
        ("ref:table/shop.orders", "metabase:chart.1", "matched"),
        ("ref:model/orders", "metabase:chart.1", "matched"),
    ]
    assert ", ".join(gaps(found)) == (
        "2 of the things that metabase names are not in what it gave: "
        "chart.9 (read by dashboard.1), chart.8 (read by dashboard.2)"
    )


def test_many_that_are_missing_are_three_examples() -> None:
    (said,) = gaps(made(Item(kind="dashboard", key="1", reads=tuple(f"chart.{n}" for n in range(4000)))))
    assert said.startswith("4,000 of the things")
    assert said.count("read by") == 3


def test_circles_are_kept_for_the_graph_to_find() -> None:
    found = made(Item(kind="chart", key="1", reads=("chart.2",)), Item(kind="chart", key="2", reads=("chart.1",)))
    assert [e[:2] for e in edges(found)] == [
        ("metabase:chart.2", "metabase:chart.1"),
        ("metabase:chart.1", "metabase:chart.2"),
    ]


# --- SQL -------------------------------------------------------------------------------------------------------------


def chart(sql: str, **more: Any) -> Item:
    return Item(kind="chart", key="1", title="Returned", sql=sql, **{"dialect": "postgres", **more})


def test_sql_gives_tables_columns_and_what_decides_rows() -> None:
    sql = "select o.status, sum(p.amount) total from stg_payments p join shop.orders o using (order_id) group by 1"
    found = made(chart(sql, default=("tea", "marts")))
    assert edges(found) == [
        ("ref:table/tea.marts.stg_payments", "metabase:chart.1", "parsed"),
        ("ref:table/tea.shop.orders", "metabase:chart.1", "parsed"),
    ]
    lineage = one(found, ColumnLineage)
    assert lineage.columns["status"] == (ColumnSource("ref:table/tea.shop.orders", "status", "assumed"),)
    assert lineage.columns["total"] == (ColumnSource("ref:table/tea.marts.stg_payments", "amount", "assumed"),)
    assert ColumnSource("ref:table/tea.shop.orders", "order_id", "assumed") in lineage.shape
    assert sql not in msgspec.json.encode(found).decode()


def test_a_star_needs_every_column_of_what_it_passes_on() -> None:
    lineage = one(made(chart("select * from shop.orders where status = 'paid'")), ColumnLineage)
    assert ColumnSource("ref:table/shop.orders", "", "candidate") in lineage.shape
    assert "paid" not in msgspec.json.encode(lineage).decode()


def test_columns_of_the_same_name_are_told_together() -> None:
    lineage = one(made(chart("select o.id, p.id from shop.orders o cross join shop.payments p")), ColumnLineage)
    assert {source.node for source in lineage.columns["id"]} == {"ref:table/shop.orders", "ref:table/shop.payments"}


@pytest.mark.parametrize("default", [("", ""), ("tea", ""), ("tea", "marts")])
def test_a_table_may_stand_for_an_item(default: tuple[str, str]) -> None:
    stands_for = {"item_27": "dataset.27"}
    found = made(
        chart("select sum(amount) from item_27 join t.shop.days using (day)", stands_for=stands_for, default=default),
        Item(kind="dataset", key="27"),
    )
    assert edges(found) == [
        ("metabase:dataset.27", "metabase:chart.1", "declared"),
        ("ref:table/t.shop.days", "metabase:chart.1", "parsed"),
    ]
    assert ColumnSource("metabase:dataset.27", "amount", "candidate") in one(found, ColumnLineage).columns["_col_0"]


def test_an_item_that_stands_for_itself_or_for_nothing_is_no_end_of_an_edge() -> None:
    found = made(chart("select a from me join gone using (a)", stands_for={"me": "chart.1", "gone": "chart.9"}))
    assert edges(found) == []
    assert gaps(found) == [
        "1 of the things that metabase names are not in what it gave: chart.9 (read by chart.1)",
    ]
    assert [r for r in found if isinstance(r, ColumnLineage) and r.columns.get("a")] == []


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select * from shop.a; select * from b", ["shop.a", "tea.marts.b"]),
        (
            "with own as (select 1 from shop.a) merge into shop.t using own on own.x = t.x when matched then delete",
            ["shop.a", "shop.t"],
        ),
        ("select 'secret' from (", []),
        ("this is no SQL at all !!", []),
        ("{{ broken template %}", []),
        ("(" * 5000, []),
        ("\x00\x01", []),
    ],
)
def test_sql_that_cannot_be_followed_is_a_gap_and_its_tables_are_linked_where_it_parses(
    sql: str, tables: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = made(chart(sql, default=("tea", "marts")))
    linked = [upstream.removeprefix("ref:table/") for upstream, _, _ in edges(found)]
    assert set(linked) == {t if t.count(".") == 2 else f"tea.{t}" for t in tables}
    gap = one(found, Gap)
    assert gap.message.startswith("the query of chart 'Returned' could not be followed: ")
    assert gap.node == "metabase:chart.1"
    assert one(found, ColumnLineage).problem
    assert "secret" not in msgspec.json.encode(found).decode()
    assert caplog.text == ""


def test_a_common_table_expression_is_no_table() -> None:
    found = made(chart("with own as (select 1 as x from shop.a) select x from own; select 1"))
    assert [e[0] for e in edges(found)] == ["ref:table/shop.a"]


def test_a_query_that_is_too_long_is_not_even_tried() -> None:
    (said,) = gaps(made(chart("select " + "1, " * 400_000 + "1 from shop.orders")))
    assert "it is longer than 500,000 characters" in said


def test_an_unknown_dialect_is_a_gap() -> None:
    found = made(chart("select 1 from shop.orders", dialect="klingon"))
    assert "does not know the dialect" in gaps(found)[0]


def test_without_a_parser_one_gap_says_so_and_the_rest_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    import headway.graph.columns

    monkeypatch.setattr(headway.graph.columns, "_checked", [])
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    found = made(
        chart("select 1 from shop.orders"),
        replace(chart("select 2 from shop.orders"), key="2"),
        Item(kind="dataset", key="3", tables=("shop.orders",), columns=("Status",), computed={"sum": "SUM(amount)"}),
    )
    assert len([r for r in found if isinstance(r, Node)]) == 3
    assert gaps(found) == ["2 queries of metabase were not followed: no SQL parser is installed"]
    lineage = one(found, ColumnLineage)
    assert lineage.columns["status"] == (ColumnSource("ref:table/shop.orders", "status", "known"),)
    # without a parser every column may be behind an expression
    assert lineage.columns["sum"] == (ColumnSource("ref:table/shop.orders", "", "known"),)


# --- Columns without SQL ---------------------------------------------------------------------------------------------


def test_columns_and_expressions_over_one_table_are_known() -> None:
    item = Item(
        kind="dataset",
        key="1",
        tables=("shop.orders",),
        columns=("Status",),
        computed={"Revenue": "SUM(amount) / COUNT(DISTINCT customer_id)", "n": "COUNT(*)"},
        rows=("ordered_at", "status = 'paid'"),
    )
    found = made(item)
    orders = "ref:table/shop.orders"
    lineage = one(found, ColumnLineage)
    assert lineage.columns == {
        "status": (ColumnSource(orders, "status"),),
        "revenue": (ColumnSource(orders, "amount"), ColumnSource(orders, "customer_id")),
        "n": (),
    }
    assert lineage.shape == (ColumnSource(orders, "ordered_at"), ColumnSource(orders, "status"))
    assert set(one(found, Node).aggregates) == {"count_distinct(customer_id), sum(amount)", "count()"}


def test_over_several_sources_each_is_a_candidate() -> None:
    item = Item(kind="chart", key="1", reads=("dataset.1",), tables=("shop.days",), computed={"sum": "SUM(amount)"})
    lineage = one(made(item, Item(kind="dataset", key="1")), ColumnLineage)
    assert lineage.columns["sum"] == (
        ColumnSource("metabase:dataset.1", "amount", "candidate"),
        ColumnSource("ref:table/shop.days", "amount", "candidate"),
    )


def test_what_sources_are_known_to_offer_tells_which_one_is_meant() -> None:
    item = Item(
        kind="chart",
        key="1",
        tables=("shop.orders", "shop.days"),
        computed={"sum": "SUM(Amount)", "day": "day", "id": "id", "gone": "gone"},
        offers={"shop.orders": frozenset({"amount", "id"}), "shop.days": frozenset({"day", "id"})},
    )
    blind = replace(item, offers={"shop.orders": frozenset({"amount"}), "shop.days": frozenset()})
    assert len(one(made(blind), ColumnLineage).columns["sum"]) == 2  # nobody knows what shop.days has
    orders, days = "ref:table/shop.orders", "ref:table/shop.days"
    assert one(made(item), ColumnLineage).columns == {
        "sum": (ColumnSource(orders, "amount"),),
        "day": (ColumnSource(days, "day"),),
        "id": (ColumnSource(orders, "id", "candidate"), ColumnSource(days, "id", "candidate")),
        "gone": (ColumnSource(orders, "gone", "candidate"), ColumnSource(days, "gone", "candidate")),
    }


def test_a_literal_that_nobody_named_is_in_no_record() -> None:
    found = made(chart("select 'secret', 4711, count(*), a from shop.orders"))
    written = msgspec.json.encode(found).decode()
    assert "secret" not in written
    assert "4711" not in written
    assert list(one(found, ColumnLineage).columns) == ["a"]


def test_an_expression_that_cannot_be_read_needs_every_column() -> None:
    item = Item(kind="chart", key="1", tables=("shop.orders",), computed={"x": "SUM((", "y": "a b c d"})
    lineage = one(made(item), ColumnLineage)
    assert set(lineage.columns.values()) == {(ColumnSource("ref:table/shop.orders", ""),)}


def test_a_dashboard_has_no_columns_of_its_own() -> None:
    item = Item(kind="dashboard", key="1", tables=("shop.orders",), computed={"x": "SUM(a)"})
    assert [r for r in made(item) if isinstance(r, ColumnLineage)] == []


@given(st.lists(st.tuples(st.sampled_from(["chart", "dataset"]), st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_every_edge_of_any_items_has_ends_that_are_there(given_items: list[tuple[Any, int, int]]) -> None:
    items = [Item(kind=k, key=str(n), reads=(f"chart.{r}", f"dataset.{r}")) for k, n, r in given_items]
    found = made(*items)
    nodes = [r.id for r in found if isinstance(r, Node)]
    assert len(nodes) == len(set(nodes)) == len({item.reference for item in items})
    pairs = [e[:2] for e in edges(found)]
    assert len(pairs) == len(set(pairs))
    assert all(up in nodes and down in nodes and up != down for up, down in pairs)


# --- Views -----------------------------------------------------------------------------------------------------------


def view(seconds: float = 0, user: str = "ada@tea.example", item: str = "dashboard.1", **more: Any) -> View:
    return View(item=item, at=MORNING + timedelta(seconds=seconds), user=user, **more)


def counted(seen: list[View], **more: Any) -> list[Observation]:
    classes = Classes.of({"executive": ["board.*"], "data_team": [".*@data[.]tea[.]example"]})
    return views("metabase", "metabase", seen, PEOPLE, classes, **more)


def test_views_are_counted_by_item_day_class_and_person() -> None:
    found = counted(
        [
            view(0),
            view(3600),
            view(0, user="board@tea.example"),
            view(0, user="eve@data.tea.example"),
            view(0, user="metabase_svc"),
            view(0, user=""),
            view(86400),
            view(0, item="chart.7"),
            view(0, user="", person_class="embedded"),
        ]
    )
    assert [(o.node, o.day.day, o.person_class, o.amount) for o in found] == [
        ("metabase:chart.7", 20, "person", 1.0),
        ("metabase:dashboard.1", 20, "", 1.0),
        ("metabase:dashboard.1", 20, "data_team", 1.0),
        ("metabase:dashboard.1", 20, "embedded", 1.0),
        ("metabase:dashboard.1", 20, "executive", 1.0),
        ("metabase:dashboard.1", 20, "person", 2.0),
        ("metabase:dashboard.1", 20, "service", 1.0),
        ("metabase:dashboard.1", 21, "person", 1.0),
    ]
    assert {(o.measure, o.tool, o.unit, o.origin.connector) for o in found} == {
        ("views", "metabase", "count", "metabase")
    }


def test_people_are_hashes_and_the_same_person_is_the_same_hash() -> None:
    found = counted([view(0), view(0, item="chart.7", user=" ADA@tea.example ")])
    assert {o.person for o in found} == {PEOPLE.hashed("ada@tea.example")}
    assert "ada" not in msgspec.json.encode(found).decode()


@pytest.mark.parametrize(
    ("seconds", "amount"), [([0, 30], 1), ([0, 31], 2), ([0, 20, 40, 60], 1), ([0, 30, 61], 2), ([0, 0, 0], 1)]
)
def test_reloads_count_once_however_many(seconds: list[float], amount: float) -> None:
    assert [o.amount for o in counted([view(s) for s in seconds])] == [amount]


def test_reloads_are_one_persons_of_one_item() -> None:
    assert sum(o.amount for o in counted([view(0), view(5, user="bo@tea.example"), view(6, item="chart.7")])) == 3
    assert sum(o.amount for o in counted([view(0, user=""), view(1, user="")])) == 2
    assert sum(o.amount for o in counted([view(0), view(1)], reload_seconds=0)) == 2
    assert sum(o.amount for o in counted([view(0, person_class="person"), view(1, person_class="scheduled")])) == 2


def test_a_day_is_one_of_utc() -> None:
    late = View(item="dashboard.1", at=datetime(2026, 11, 20, 22, 0, tzinfo=timezone(-timedelta(hours=5))), user="ada")
    assert [o.day for o in counted([late])] == [date(2026, 11, 21)]


def test_amounts_are_added_where_a_tool_counts_itself() -> None:
    assert [o.amount for o in counted([view(0, user="", amount=4), view(0, user="", amount=3)])] == [7.0]


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["ada", "bo", ""]), st.sampled_from("ab")), max_size=30))
def test_the_order_in_which_views_come_means_nothing(given_views: list[tuple[int, str, str]]) -> None:
    seen = [view(s, user=u, item=f"chart.{i}") for s, u, i in given_views]
    shuffled = list(seen)
    random.Random(7).shuffle(shuffled)
    found = counted(seen)
    assert counted(shuffled) == found
    assert sum(o.amount for o in found) <= len(seen)
    assert {o.node for o in found} == {f"metabase:{v.item}" for v in seen}
