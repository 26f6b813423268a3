"""LookML repositories: each construct of the set beside this file, and everything that a file can have wrong."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.connectors.lookml.connector import Lookml
from headway.connectors.lookml.fields import branches, without_liquid
from headway.connectors.lookml.files import MOST_FILES
from headway.connectors.lookml.reading import Worker
from headway.connectors.lookml.worker import MOST_BYTES, statements
from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, ColumnLineage, Edge, Gap, Node
from headway.testing import FAULTS, ConnectorConformance
from headway.warehouse.measures import measure_sql, time_of

SET = Path(__file__).parent
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
ALONE = """
view: orders {
  sql_table_name: marts.orders ;;
  dimension: status {}
  dimension_group: created { type: time timeframes: [date] sql: ${TABLE}.created_at ;; }
  measure: revenue { type: sum sql: ${TABLE}.amount ;; filters: [status: "paid"] }
}
explore: orders {}
"""


def read(root: Path, **options: Any) -> list[AnyRecord]:
    return list(Lookml(options, Context(str(root), NOW)).records())


def written(folder: Path, **files: str | bytes) -> Path:
    """Files by name (`__` for a dot) in a folder `looker`; returns the folder above it."""
    for name, content in files.items():
        path = folder / "looker" / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture(scope="module")
def records() -> list[AnyRecord]:
    """The records of the set."""
    return read(SET, path="shop", projects={"blocks": "blocks"})


@pytest.fixture(scope="module")
def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id: r for r in records if isinstance(r, Node)}


@pytest.fixture(scope="module")
def upstream(records: list[AnyRecord]) -> Callable[[str], set[str]]:
    def of(node: str) -> set[str]:
        return {r.upstream.removeprefix("lookml:") for r in records if isinstance(r, Edge) and r.downstream == node}

    return lambda short: of(f"lookml:{short}")


@pytest.fixture(scope="module")
def lineage(records: list[AnyRecord]) -> dict[str, ColumnLineage]:
    return {r.node.removeprefix("lookml:"): r for r in records if isinstance(r, ColumnLineage)}


def sources(lineage: ColumnLineage, column: str) -> set[str]:
    return {f"{s.node.removeprefix('lookml:')}#{s.column}" for s in lineage.columns[column]}


def spec(nodes: Mapping[str, Node], measure: str) -> dict[str, Any]:
    return nodes[f"lookml:metric.tea_shop.{measure}"].meta["sql"]


class TestConformance(ConnectorConformance):
    connector = Lookml
    tolerated: ClassVar[Mapping[str, str]] = {}

    def recording(self, folder: Path) -> Mapping[str, Any]:
        (folder / "tea.model.lkml").write_text(ALONE)
        return {"path": "tea.model.lkml"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "a lone ;": b"view: a {\n;\n}",
            "a block without }": b"view: a { dimension: b { type: string }",
            "an expression without ;;": b"view: a { sql_table_name: b ",
            "a text without its quote": b'view: a { label: "b }',
            "a } too many": b"view: a {}\n}\nview: b {}",
            "zeros": b"view: a {}\0",
        }


class TestConformanceOfAWholeProject(ConnectorConformance):
    connector = Lookml
    tolerated: ClassVar[Mapping[str, str]] = dict.fromkeys(FAULTS, "one broken file of many is a gap")

    def recording(self, folder: Path) -> Mapping[str, Any]:
        shutil.copytree(SET / "shop", folder / "shop")
        shutil.copytree(SET / "blocks", folder / "blocks")
        return {"path": "shop", "projects": {"blocks": "blocks"}}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "shop" / "views" / "orders.view.lkml"


# --- the set ---------------------------------------------------------------------------------------------------------


def test_ids_have_no_file_in_them(nodes: dict[str, Node], tmp_path: Path) -> None:
    shutil.copytree(SET / "shop", tmp_path / "shop")
    shutil.copytree(SET / "blocks", tmp_path / "blocks")
    moved = tmp_path / "shop" / "views" / "elsewhere.view.lkml"
    (tmp_path / "shop" / "views" / "customers.view.lkml").rename(moved)
    again = read(tmp_path, path="shop", projects={"blocks": "blocks"})
    assert {r.id for r in again if isinstance(r, Node)} == set(nodes)
    assert "lookml:dataset.view.tea_shop.customers" in nodes
    assert "lookml:dataset.view.blocks.calendar" in nodes


def test_a_view_reads_its_table_with_constants_filled_in(upstream: Callable[[str], set[str]]) -> None:
    assert upstream("dataset.view.tea_shop.orders") == {"ref:table/marts.orders"}
    assert upstream("dataset.view.tea_shop.plain") == {"ref:table/plain"}


def test_each_branch_of_a_table_name_counts(upstream: Callable[[str], set[str]]) -> None:
    assert upstream("dataset.view.tea_shop.customers") == {
        "ref:table/marts.customers",
        "ref:table/finance_marts.customers",
    }


def test_another_project_is_read_with_the_constants_that_are_set_for_it(upstream: Callable[[str], set[str]]) -> None:
    assert upstream("dataset.view.blocks.calendar") == {"ref:table/shared.Days"}


def test_what_must_be_extended_is_no_dataset_but_passes_its_fields_on(
    nodes: dict[str, Node], lineage: dict[str, ColumnLineage]
) -> None:
    assert "lookml:dataset.view.tea_shop.people" not in nodes
    assert "lookml:dataset.explore.tea.base" not in nodes
    assert "lookml:metric.tea_shop.customers.count" in nodes
    customers = lineage["dataset.view.tea_shop.customers"]
    assert set(customers.columns) == {"id", "name", "country", "discount"}
    assert sources(customers, "name") == {"ref:table/finance_marts.customers#name"}
    assert sources(customers, "country") == {"ref:table/finance_marts.customers#country_code"}


def test_a_refinement_is_laid_over_its_view(nodes: dict[str, Node], lineage: dict[str, ColumnLineage]) -> None:
    assert nodes["lookml:dataset.view.tea_shop.orders"].path == "shop/views/orders.view.lkml"
    assert nodes["lookml:metric.tea_shop.orders.web_revenue"].path == "shop/views/refined/deep/orders.view.lkml"
    assert sources(lineage["dataset.view.tea_shop.orders"], "channel") == {"ref:table/marts.orders#channel"}


def test_dimensions_are_followed_through_one_another(lineage: dict[str, ColumnLineage]) -> None:
    orders = lineage["dataset.view.tea_shop.orders"]
    both = {"ref:table/marts.orders#amount", "ref:table/marts.orders#tax"}
    for name in ("net", "net_in_thousands", "is_large", "size", "net_tier"):
        assert sources(orders, name) == both, name
    assert sources(orders, "customer_id") == {"ref:table/marts.orders#customer_id"}
    assert sources(orders, "created") == {"ref:table/marts.orders#created_at"}
    assert sources(orders, "to_pay") == {"ref:table/marts.orders#created_at", "ref:table/marts.orders#paid_at"}
    assert "wished_status" not in orders.columns


def test_a_derived_table_is_followed_through_other_views(
    upstream: Callable[[str], set[str]], lineage: dict[str, ColumnLineage]
) -> None:
    assert upstream("dataset.view.tea_shop.order_facts") == {"ref:table/marts.orders", "dataset.view.tea_shop.orders"}
    facts = lineage["dataset.view.tea_shop.order_facts"]
    assert sources(facts, "first_order") == {"ref:table/marts.orders#created_at"}
    assert "status" in {s.column for s in facts.shape}, "a column that Looker filters on is not among the shape"
    assert upstream("dataset.view.tea_shop.loyal") == {"ref:table/marts.orders", "dataset.view.tea_shop.paid"}
    assert sources(lineage["metric.tea_shop.loyal.loyal_customers"], "loyal_customers") == {
        "ref:table/marts.orders#customer_id"
    }


def test_a_view_derived_from_an_explore_stands_on_its_fields(
    upstream: Callable[[str], set[str]], lineage: dict[str, ColumnLineage]
) -> None:
    assert "dataset.explore.tea.orders" in upstream("dataset.view.tea_shop.by_country")
    assert "metric.tea_shop.orders.total_revenue" in upstream("dataset.view.tea_shop.by_country")
    derived = lineage["dataset.view.tea_shop.by_country"]
    assert sources(derived, "country") == {"dataset.view.tea_shop.customers#country"}
    assert sources(derived, "where_from") == {
        "dataset.view.tea_shop.customers#country",
        "dataset.view.tea_shop.orders#status",
    }
    assert {(s.node, s.column) for s in derived.shape} == {("lookml:dataset.view.tea_shop.orders", "created")}


def test_an_explore_reads_what_it_joins(
    upstream: Callable[[str], set[str]], lineage: dict[str, ColumnLineage], nodes: dict[str, Node]
) -> None:
    assert nodes["lookml:dataset.explore.tea.orders"].name == "tea/orders"
    assert upstream("dataset.explore.tea.orders") == {"dataset.view.tea_shop.orders", "dataset.view.tea_shop.customers"}
    assert upstream("dataset.explore.tea.sales") == {"dataset.view.tea_shop.orders", "dataset.view.blocks.calendar"}
    orders = lineage["dataset.explore.tea.orders"]
    assert sources(orders, "buyer.country") == {"dataset.view.tea_shop.customers#country"}
    assert sources(orders, "orders.created") == {"dataset.view.tea_shop.orders#created"}
    shape = {f"{s.node.rpartition('.')[2]}.{s.column}" for s in orders.shape}
    assert shape == {"orders.customer_id", "customers.id", "customers.country", "orders.status"}


def test_dashboards_show_measures(upstream: Callable[[str], set[str]], lineage: dict[str, ColumnLineage]) -> None:
    assert upstream("chart.tea_shop.sales.revenue") == {
        "dataset.explore.tea.orders",
        "metric.tea_shop.orders.total_revenue",
    }
    chart = lineage["chart.tea_shop.sales.revenue"]
    assert sources(chart, "orders.created_month") == {"dataset.explore.tea.orders#orders.created"}
    assert {s.column for s in chart.shape} == {"orders.status", "customers.country"}
    merged = upstream("chart.tea_shop.sales.merged")
    assert {
        "dataset.explore.tea.sales",
        "metric.tea_shop.orders.count",
        "metric.tea_shop.orders.paid_revenue",
    } <= merged
    assert upstream("dashboard.tea_shop.sales") == {f"chart.tea_shop.sales.{n}" for n in ("revenue", "merged", "Lost")}
    assert "chart.tea_shop.sales_more.merged" in upstream("dashboard.tea_shop.sales_more")


def test_a_dashboard_that_shows_the_measure_informs_the_key_result(records: list[AnyRecord], tmp_path: Path) -> None:
    from headway.connectors.goals.connector import Goals

    goals = "objectives:\n- {id: o, title: O, key_results: [{id: k, title: K, metric: orders.total_revenue}]}\n"
    (tmp_path / "goals.yml").write_text(goals)
    more = list(Goals({"path": "goals.yml"}, Context(str(tmp_path), NOW)).records())
    graph = Graph([*records, *more], as_of=date(2026, 11, 22))
    goal = graph.index["goal:key_result.o.k"]
    shown = {graph.nodes[i].id for i in graph.shown_on[goal]}
    assert "lookml:dashboard.tea_shop.sales" in shown
    assert [graph.nodes[i].id for i in graph.fed_by[goal]] == ["lookml:metric.tea_shop.orders.total_revenue"]


def test_dashboards_may_be_left_to_the_tool() -> None:
    kinds = {r.kind for r in read(SET, path="shop", dashboards=False) if isinstance(r, Node)}
    assert kinds == {"dataset", "metric"}


def test_what_is_not_there_is_said_with_its_place(records: list[AnyRecord]) -> None:
    said = [f"{r.message}" for r in records if isinstance(r, Gap)]
    assert said == [
        "includes that lead to nothing, 1 in all: /nowhere/*.view (shop/tea.model.lkml:9)",
        "views that explores name and no file of the model has, 1 in all: gone (shop/explores/orders.explore.lkml:32)",
        (
            "explores and fields that dashboards name and no file has, 1 in all: "
            "explore tea/vanished (shop/dashboards/sales.dashboard.lookml:35)"
        ),
    ]


def test_a_project_that_is_not_given_is_an_include_that_leads_nowhere() -> None:
    said = [r.message for r in read(SET, path="shop") if isinstance(r, Gap)]
    assert any("//blocks/views/calendar.view (shop/tea.model.lkml:8)" in text for text in said)


# --- measures --------------------------------------------------------------------------------------------------------

ORDERS = """
CREATE SCHEMA marts;
CREATE TABLE marts.orders AS SELECT
  i AS id, i % 7 AS customer_id, (i * 37) % 190 AS amount, i % 11 AS tax,
  ['new', 'paid', 'sent', 'back', NULL][1 + i % 5] AS status,
  CASE i % 3 WHEN 0 THEN 'web shop' WHEN 1 THEN 'web app' END AS channel,
  TIMESTAMP '2025-12-25 10:00:00' + INTERVAL (i % 340) DAY AS created_at
FROM range(1, 1500) AS r(i);
"""


@pytest.mark.parametrize(
    ("measure", "oracle"),
    [
        ("orders.count", "COUNT(*)"),
        ("orders.total_revenue", "SUM(amount - tax)"),
        ("orders.paid_revenue", "SUM(amount - tax) FILTER (WHERE status IN ('paid', 'sent') AND amount - tax >= 100)"),
        ("orders.refunds", "COUNT(*) FILTER (WHERE COALESCE(status, '') NOT IN ('new', 'paid'))"),
        ("orders.customers", "COUNT(DISTINCT customer_id)"),
        ("orders.average_net", "AVG(amount - tax)"),
        ("orders.smallest", "MIN(amount - tax)"),
        ("orders.largest", "MAX(amount - tax) FILTER (WHERE amount - tax < 1000)"),
        ("orders.revenue_per_customer", "1.0 * SUM(amount - tax) / COUNT(DISTINCT customer_id)"),
        (
            "orders.last_week_revenue",
            "SUM(amount - tax) FILTER (WHERE created_at >= '2026-11-09' AND created_at < '2026-11-16')",
        ),
        (
            "orders.web_revenue",
            (
                "SUM(amount - tax) FILTER (WHERE channel LIKE 'web%' AND created_at >= '2026-01-01' "
                "AND created_at < '2026-02-01')"
            ),
        ),
    ],
)
def test_a_measure_has_the_value_of_sql_written_by_hand(nodes: dict[str, Node], measure: str, oracle: str) -> None:
    computed = spec(nodes, measure)
    assert time_of(computed, "") == "created"
    sql = measure_sql(computed, dialect="duckdb", as_of=date(2026, 11, 22))
    warehouse = duckdb.connect()
    warehouse.execute(ORDERS)
    found, expected = (warehouse.execute(s).fetchone() for s in (sql, f"SELECT {oracle} FROM marts.orders"))
    assert found == expected
    assert found is not None
    assert found[0]


def test_a_measure_over_a_derived_table(nodes: dict[str, Node]) -> None:
    warehouse = duckdb.connect()
    warehouse.execute(ORDERS)
    sql = measure_sql(spec(nodes, "loyal.loyal_customers"), dialect="duckdb", as_of=date(2026, 11, 22))
    oracle = (
        "SELECT COUNT(*) FROM (SELECT 1 FROM marts.orders WHERE status = 'paid' GROUP BY customer_id "
        "HAVING SUM(amount) > 500)"
    )
    assert warehouse.execute(sql).fetchone() == warehouse.execute(oracle).fetchone()


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("orders.median_net", "measures of type median are not evaluated"),
        ("orders.in_unit", "it has Liquid in it"),
        ("orders.a", "b refers to itself"),
        ("orders.b", "refers to itself"),
        ("orders.of_customer", "it reads another view, customers"),
        ("customers.count", "its table has Liquid in it"),
        ("order_facts.spent", "its table has Liquid in it"),
    ],
)
def test_a_measure_that_is_not_evaluated_says_why(nodes: dict[str, Node], measure: str, said: str) -> None:
    assert said in spec(nodes, measure)["problem"]
    with pytest.raises(InputError, match=said):
        time_of(spec(nodes, measure), "")


def test_what_a_measure_computes_compares(nodes: dict[str, Node]) -> None:
    assert nodes["lookml:metric.tea_shop.orders.total_revenue"].aggregates == ("sum(amount, tax)",)
    assert nodes["lookml:metric.tea_shop.orders.total_revenue"].title == "Revenue"
    assert nodes["lookml:metric.tea_shop.orders.total_revenue"].tags == ("money",)


def test_constants_of_the_options_go_before_those_of_the_manifest() -> None:
    found = read(SET, path="shop", constants={"schema": "prod"})
    assert any(isinstance(r, Edge) and r.upstream == "ref:table/prod.orders" for r in found)


# --- Liquid ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("a {% if x %} b {% elsif y %} c {% else %} d {% endif %} e", "a  b  e"),
        ("{% case p %}{% when 'a' %}x{% when 'b' %}y{% endcase %}", "x"),
        ("{{ schema }}.orders", "orders"),
        ("prod_{{ env }}.orders", "prod_orders"),
        ("x > {{ limit }}", "x >  NULL "),
        ("{% condition f %} o.day {% endcondition %}", "( o.day ) IS NOT NULL"),
        ("a {% comment %} b {% endcomment %} c", "a  c"),
        ("{% assign x = 1 %}a", "a"),
        ("{% if a %}{% if b %}x{% else %}y{% endif %}{% endif %}z", "xz"),
        ("{% if never ends %} x", " x"),
        ("{% never ends", "{% never ends"),
        ("{{ {{ }}", "{{  NULL "),
    ],
)
def test_liquid_is_taken_out(written: str, plain: str) -> None:
    assert without_liquid(written) == (plain, True)


def test_a_text_without_liquid_stays() -> None:
    assert without_liquid("a } b % c") == ("a } b % c", False)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("a.b", ["a.b"]),
        ("{% if x %} a.b {% else %} c.d {% endif %}", ["a.b", "c.d"]),
        ("{% if x %}a.b{% elsif y %}c.d{% endif %}", ["a.b", "c.d"]),
        ("{% if company %}tea.{% endif %}orders", ["tea.orders", "orders"]),
        ("{% if a %}x{% if b %}y{% else %}z{% endif %}{% else %}w{% endif %}_t", ["xy_t", "xz_t", "w_t"]),
        ("{% case p %}{% when 1 %}a{% when 2 %}b{% else %}c{% endcase %}", ["a", "b", "c"]),
        ("marts.{{ env }}_orders", ["marts._orders"]),
        ("{{ schema }}.orders", ["orders"]),
        ("{% if x %} never ends", ["never ends"]),
        ("{% endif %}a", ["a"]),
    ],
)
def test_what_a_table_may_be_called(written: str, names: list[str]) -> None:
    assert branches(written) == names


def test_branches_do_not_multiply_without_end() -> None:
    assert len(branches("{% if a %}x{% else %}y{% endif %}" * 60)) == 16


def test_tables_of_other_views(tmp_path: Path) -> None:
    model = """
      view: a { sql_table_name: marts.a ;; dimension: x {} }
      view: b { sql_table_name: ${a.SQL_TABLE_NAME} ;; dimension: x {} measure: n { type: sum sql: ${x} ;; } }
      view: c { derived_table: { sql_create: CREATE TABLE ${SQL_TABLE_NAME} AS SELECT * FROM ${a.SQL_TABLE_NAME} ;; } }
      view: d { derived_table: { create_process: { sql_step: CREATE TABLE x AS FROM ${b.SQL_TABLE_NAME} ;; } } }
      view: e { sql_table_name: ${gone.SQL_TABLE_NAME} ;; measure: n { type: count } }
    """
    written(tmp_path, tea__model__lkml=model)
    records = read(tmp_path, path="looker")
    edges = {(r.upstream, r.downstream.rpartition(".")[2]) for r in records if isinstance(r, Edge)}
    assert ("ref:table/marts.a", "b") in edges
    assert ("lookml:dataset.view.looker.a", "b") in edges
    assert ("lookml:dataset.view.looker.a", "c") in edges
    assert ("lookml:dataset.view.looker.b", "d") in edges
    found = {r.id: r.meta["sql"] for r in records if isinstance(r, Node) and r.kind == "metric"}
    assert found["lookml:metric.looker.b.n"]["relation"] == "marts.a"
    assert found["lookml:metric.looker.e.n"] == {"problem": "there is no view gone"}


def test_where_looker_can_be_asked_for_a_measure(tmp_path: Path) -> None:
    view = "view: {name} {{ sql_table_name: {name} ;; measure: n {{ type: count }} }}\n"
    first = (
        'include: "*.view"\n'
        "explore: base { extension: required view_name: orders }\n"
        "explore: orders { join: customers { sql_on: 1 = 1 ;; } join: buyer { from: customers sql_on: 1 = 1 ;; } }\n"
        "explore: late { from: orders view_name: delayed }\n"
    )
    views = "".join(view.format(name=name) for name in ("orders", "customers", "alone"))
    second = 'include: "*.view"\nexplore: late { view_name: orders }\n'
    written(tmp_path, tea__model__lkml=first, shop__model__lkml=second, all__view__lkml=views)
    found = {r.name: r.meta["looker"] for r in read(tmp_path, path="looker") if isinstance(r, Node) and r.meta}
    assert {name: (said["view"], said["measure"]) for name, said in found.items()} == {
        "orders.n": ("orders", "n"),
        "customers.n": ("customers", "n"),
        "alone.n": ("alone", "n"),
    }
    places = {n: [(p["model"], p["explore"], p["view"]) for p in said["explores"]] for n, said in found.items()}
    assert places == {
        "orders.n": [("shop", "late", "orders"), ("tea", "orders", "orders"), ("tea", "late", "delayed")],
        "customers.n": [("tea", "orders", "customers"), ("tea", "orders", "buyer")],
        "alone.n": [],
    }


def test_blanks_comments_and_quotes_are_where_they_were() -> None:
    text = 'view: a { # one\n  label: "x \\" y\nz # no\n"\n  dimension: b{sql:1;;}\n  tags: [- c, "d"] # last\n}\n'
    assert statements(text) == [
        [
            "view",
            "a",
            1,
            [
                ["label", 'x \\" y\nz # no\n', 2, None],
                ["dimension", "b", 5, [["sql", "1", 5, None]]],
                ["tags", ["-c", "d"], 6, None],
            ],
        ]
    ]


@pytest.mark.parametrize("unit", ["{{", "{%", "{% if ", "${", "{% condition a %}", "@{"])
def test_liquid_that_never_ends_takes_no_time(unit: str) -> None:
    began = time.monotonic()
    without_liquid(unit * 50_000)
    assert time.monotonic() - began < 2


# --- what can be wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("view: a {\n;\n}", "b.view.lkml:2 could not be read: there is a single ; outside of an expression"),
        ("view: a {\n  sql_table_name: b", "b.view.lkml:2 could not be read: it ends inside an expression without ;;"),
        ('view: a {\n\n label: "b', "b.view.lkml:3 could not be read: it ends inside"),
        ("view: a {}\n}\nview: c {}", "b.view.lkml:2 could not be read: there is a } too many"),
        ('view: a { label: "x" label: "y" }', "b.view.lkml could not be read: label is written twice in one block"),
        ("a: {" * 100_000, "b.view.lkml could not be read: it is nested too deeply"),
        (b"view: a {}\n\0", "b.view.lkml:2 could not be read: it is binary"),
        (b"view: a {}\n\n# caf\xe9", "b.view.lkml:3 could not be read: it is not UTF-8 text"),
        ("x" * (MOST_BYTES + 1), "b.view.lkml could not be read: it is larger than 4,194,304 bytes"),
        ("<html>", "b.view.lkml:1 could not be read: it is not LookML"),
    ],
)
def test_a_file_that_fails_is_named_and_the_rest_is_read(tmp_path: Path, content: str | bytes, said: str) -> None:
    written(tmp_path, tea__model__lkml=ALONE, b__view__lkml=content)
    records = read(tmp_path, path="looker")
    (gap,) = (r for r in records if isinstance(r, Gap))
    assert gap.message.startswith(f"looker/{said}"), gap.message
    assert gap.origin.file == "looker/b.view.lkml"
    assert any(isinstance(r, Node) and r.id.endswith(".orders.revenue") for r in records)


def test_ten_megabytes_are_named_and_not_parsed(tmp_path: Path) -> None:
    written(tmp_path, tea__model__lkml=ALONE, big__view__lkml=ALONE * 60_000)
    began = time.monotonic()
    assert any(isinstance(r, Gap) and "larger than" in r.message for r in read(tmp_path, path="looker"))
    assert time.monotonic() - began < 10


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read(tmp_path: Path) -> None:
    slow = written(tmp_path, slow__view__lkml=ALONE * 8_000, good__view__lkml=ALONE) / "looker"
    with Worker(seconds=0.3) as worker:
        worker.parse(slow / "good.view.lkml")
        late = worker.parse(slow / "slow.view.lkml")
        assert late.problem == "it was not parsed within 0.3 seconds"
        assert worker.parse(slow / "good.view.lkml").statements
        assert worker.started == 2


def test_many_slow_files_end_in_bounded_time(tmp_path: Path) -> None:
    for number in range(6):
        written(tmp_path, **{f"slow{number}__view__lkml": ALONE * 8_000})
    began = time.monotonic()
    with Worker(seconds=0.5) as worker:
        said = [worker.parse(path).problem for path in sorted((tmp_path / "looker").iterdir())]
    assert [text[-12:] for text in said] == [" 0.5 seconds"] * 3 + ["0.05 seconds"] * 3
    assert time.monotonic() - began < 8


def test_a_child_that_dies_is_replaced(tmp_path: Path) -> None:
    folder = written(tmp_path, good__view__lkml=ALONE) / "looker"
    with Worker() as worker:
        assert worker.parse(folder / "good.view.lkml").statements
        assert worker._child is not None
        worker._child.kill()
        worker._child.wait()
        assert "gave up" in worker.parse(folder / "good.view.lkml").problem
        assert worker.parse(folder / "good.view.lkml").statements


def test_nothing_in_the_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, tea__model__lkml=ALONE)
    for name in ("lkml", "msgspec", "resource", "queue"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'sign')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert any(isinstance(r, Node) for r in read(tmp_path, path="looker"))
    assert not (tmp_path / "sign").exists()


BOARD = """
- dashboard: sales
  title: T
  elements:
  - {name: a, model: tea, explore: orders, fields: [orders.revenue]}
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- dashboard: a\n  title: [", "s.dashboard.lookml:2 could not be read: it is not valid YAML"),
        ("title: x", "s.dashboard.lookml:1 could not be read: it holds no dashboard"),
        ("- &a\n  dashboard: x\n  elements: [*a]\n", "an alias in it stands for itself"),
        ("[" * 50_000, "it is nested too deeply"),
        ("- dashboard: \x00", "it is binary"),
        (
            "- &a0 [x, x]\n" + "".join(f"- &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]\n" for i in range(12)),
            "its aliases unfold to more than 200,000 values",
        ),
    ],
)
def test_a_dashboard_file_that_fails_is_named(tmp_path: Path, content: str, said: str) -> None:
    written(tmp_path, tea__model__lkml=ALONE, s__dashboard__lookml=content)
    (gap,) = (r for r in read(tmp_path, path="looker") if isinstance(r, Gap))
    assert said in gap.message
    assert "looker/s.dashboard.lookml" in gap.message


def test_tags_of_yaml_do_nothing(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    content = BOARD.replace("title: T", f"title: !!python/object/apply:os.system ['touch {sign}']")
    written(tmp_path, tea__model__lkml=ALONE, s__dashboard__lookml=content.replace("name: a", "name: !odd a"))
    found = {r.id for r in read(tmp_path, path="looker") if isinstance(r, Node)}
    assert {"lookml:dashboard.looker.sales", "lookml:chart.looker.sales.a"} <= found
    assert not sign.exists()


def test_circles_are_cut_and_named(tmp_path: Path) -> None:
    model = (
        'include: "tea.model"\ninclude: "*.model"\n'
        "view: a { extends: [b] dimension: x {} measure: n { type: number sql: ${n} ;; } }\n"
        "view: b { extends: [c] }\nview: c { extends: [a] sql_table_name: t ;; }\nview: own { extends: [own] }\n"
        "explore: a { extends: [a] }\n"
        "view: d { derived_table: { sql: SELECT * FROM ${e.SQL_TABLE_NAME} ;; } dimension: y {} }\n"
        "view: e { derived_table: { sql: SELECT * FROM ${d.SQL_TABLE_NAME} ;; } dimension: y {} }\n"
    )
    written(tmp_path, tea__model__lkml=model)
    records = read(tmp_path, path="looker")
    said = [r.message for r in records if isinstance(r, Gap)]
    assert any("views and explores that extend themselves, 3 in all" in text for text in said), said
    nodes = {r.id: r for r in records if isinstance(r, Node)}
    assert "refers to itself" in nodes["lookml:metric.looker.a.n"].meta["sql"]["problem"]
    assert "lookml:dataset.view.looker.d" in nodes


def test_what_unfolds_without_end_stops(tmp_path: Path) -> None:
    fields = "".join(f"dimension: d{i + 1} {{ sql: ${{d{i}}} || ${{d{i}}} ;; }}\n" for i in range(60))
    tables = "".join(
        f"view: t{i + 1} {{ derived_table: {{ sql: SELECT * FROM ${{t{i}.SQL_TABLE_NAME}} AS a, "
        f"${{t{i}.SQL_TABLE_NAME}} AS b ;; }} dimension: x {{}} }}\n"
        for i in range(40)
    )
    chain = "".join(
        f"view: v{i + 1} {{ extends: [v{i}, v{max(0, i - 1)}] dimension: f{i} {{}} }}\n" for i in range(120)
    )
    model = (
        f"view: a {{ dimension: d0 {{}}\n{fields} measure: m {{ type: sum sql: ${{d60}} ;; }} }}\n"
        f"view: t0 {{ sql_table_name: t ;; dimension: x {{}} }}\n{tables}view: v0 {{ dimension: f {{}} }}\n{chain}"
    )
    written(tmp_path, tea__model__lkml=model)
    began = time.monotonic()
    nodes = {r.id: r for r in read(tmp_path, path="looker") if isinstance(r, Node)}
    assert "unfolds to more than 50,000 characters" in nodes["lookml:metric.looker.a.m"].meta["sql"]["problem"]
    assert time.monotonic() - began < 20


def test_views_defined_twice_and_refined_out_of_nothing(tmp_path: Path) -> None:
    model = ALONE + "view: +ghost {}\nview: x { extends: [ghost] }\n"
    written(tmp_path, tea__model__lkml='include: "*.view"\n' + model, b__view__lkml='view: orders { label: "B" }')
    said = "\n".join(r.message for r in read(tmp_path, path="looker") if isinstance(r, Gap))
    assert "views that are defined twice, of which the first counts, 1 in all: orders" in said
    assert "extended or refined things that are not there, 2 in all: +ghost" in said


def test_old_lookml_is_named(tmp_path: Path) -> None:
    written(tmp_path, tea__model__lkml=ALONE, old__view__lookml="- view: old\n")
    (gap,) = (r for r in read(tmp_path, path="looker") if isinstance(r, Gap))
    assert (
        gap.message
        == "looker/old.view.lookml could not be read: it is in the old YAML form of LookML, which is not read"
    )


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    written(tmp_path, tea__model__lkml='include: "*.view"\n' + ALONE)
    (tmp_path / "secret.view.lkml").write_text("view: secret {}")
    (tmp_path / "looker" / "s.view.lkml").symlink_to(tmp_path / "secret.view.lkml")
    assert not any("secret" in r.id for r in read(tmp_path, path="looker") if isinstance(r, Node))


def test_views_and_explores_of_no_model(tmp_path: Path) -> None:
    written(tmp_path, orders__view__lkml=ALONE)
    records = read(tmp_path, path="looker")
    assert "lookml:dataset.view.looker.orders" in {r.id for r in records if isinstance(r, Node)}
    (gap,) = (r for r in records if isinstance(r, Gap))
    assert gap.message == "explores in files that no model includes, 1 in all: orders (looker/orders.view.lkml:8)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs a path"),
        ({"path": 7}, "option path of the lookml source is not a text"),
        ({"path": "nowhere"}, "nowhere: there is no such folder or file"),
        ({"path": "empty"}, "empty: holds no files of LookML"),
        ({"path": "bad"}, "bad/a.lkml:1: not one of its 2 files could be read|not one of its 2 files"),
        ({"path": "looker", "dialect": "klingon"}, "there is no dialect 'klingon'"),
        ({"path": "looker", "constants": {"a": []}}, "is not a mapping of names to texts"),
        ({"path": "looker", "projects": {"b": "nowhere"}}, "nowhere: there is no such folder"),
        ({"path": "looker", "dashboards": "no"}, "is not true or false"),
    ],
)
def test_what_cannot_be_read_at_all(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    written(tmp_path, tea__model__lkml=ALONE)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.lkml").write_text("}")
    (tmp_path / "bad" / "b.lkml").write_text("}")
    with pytest.raises((ConfigError, InputError), match=said):
        read(tmp_path, **options)


def test_no_more_files_than_any_project_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.connectors.lookml.files.MOST_FILES", 2)
    written(tmp_path, a__view__lkml="", b__view__lkml="", c__view__lkml="")
    with pytest.raises(InputError, match="holds more than 2 files"):
        read(tmp_path, path="looker")
    assert MOST_FILES == 20_000


@pytest.mark.parametrize("options", [{"path": "lkml"}, {"path": "tea.model.lkml"}])
def test_the_name_of_a_project_does_not_come_from_this_machine(tmp_path: Path, options: dict[str, Any]) -> None:
    (tmp_path / "lkml").mkdir()
    for folder in (tmp_path, tmp_path / "lkml"):
        (folder / "tea.model.lkml").write_text(ALONE)
    ids = {r.id for r in read(tmp_path, **options) if isinstance(r, Node)}
    name = "lookml" if options["path"].endswith(".lkml") else "lkml"
    assert f"lookml:dataset.view.{name}.orders" in ids


# --- broken at random ------------------------------------------------------------------------------------------------

FILES = {path.relative_to(SET).as_posix(): path.read_bytes() for path in sorted(SET.rglob("*.l*k*ml"))}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_a_file_it_is_read_or_named(data: st.DataObject, tmp_path_factory: Any) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    content = FILES[name]
    at = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(at, min(len(content), at + 200)))
    put = data.draw(
        st.one_of(st.binary(max_size=12), st.sampled_from([b";", b"}", b"{", b'"', b";;", b"${", b"{%", b"-"]))
    )
    folder = tmp_path_factory.mktemp("broken")
    path = folder / name.rpartition("/")[2]
    path.write_bytes(content[:at] + put + (content[end:] if data.draw(st.booleans()) else b""))
    (folder / "whole.model.lkml").write_text(f'include: "/*"\n{ALONE.replace("orders", "whole")}')
    began = time.monotonic()
    try:
        records = read(folder.parent, path=folder.name)
    except HeadwayError as error:
        pytest.fail(f"{error} although one file is whole")
    assert time.monotonic() - began < 15
    assert any(isinstance(r, Node) and r.id.endswith(".whole.revenue") for r in records)
    for gap in (r for r in records if isinstance(r, Gap) and "could not be read" in r.message):
        assert path.name in gap.message
