"""Lightdash, from recorded answers and from a server that speaks its API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from http_server import Answer, Request, Server, unused_url
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.lightdash.connector import Lightdash
from headway.connectors.lightdash.explores import aggregated, asked, explore_of
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, ServiceError
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, ColumnLineage, ColumnSource, Edge, Gap, Node, Observation
from headway.remote import Client
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TOKEN = "ldpat_tea_9f3a"
TEA, PREVIEW = "11111111-aaaa-4000-8000-000000000001", "11111111-aaaa-4000-8000-000000000002"
REVENUE, LATE, ADHOC, SALES = (f"22222222-bbbb-4000-8000-00000000000{n}" for n in range(1, 5))
DATASET = f"dataset.{TEA}.orders"
ORDERS, CUSTOMERS = "ref:model/orders", "ref:model/customers"


def content(uuid: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "contentType": kind,
        "uuid": uuid,
        "slug": name.lower().replace(" ", "-"),
        "name": name,
        "description": None,
        "createdAt": "2026-03-04T10:00:00.000Z",
        "createdBy": {"uuid": "u1", "firstName": "Sales", "lastName": "team"},
        "project": {"uuid": TEA, "name": "Tea"},
        "space": {"uuid": "s1", "name": "Sales"},
        "views": 12,
        "firstViewedAt": "2026-03-05T10:00:00.000Z",
        "verification": None,
        **more,
    }


CONTENT = [
    content(REVENUE, "chart", "Revenue by region", source="dbt_explore", verification={"verifiedAt": "2026-04-01"}),
    content(LATE, "chart", "Late orders", source="dbt_explore", views=0),
    content(ADHOC, "chart", "Ad hoc", source="sql", views=None),
    content(SALES, "dashboard", "Sales", description="What we sell", views=40),
    {"contentType": "space", "uuid": "s1", "name": "Sales", "project": {"uuid": TEA}},
]

EXPLORE = {
    "name": "orders",
    "label": "Orders",
    "tags": ["core", 7],
    "baseTable": "orders",
    "targetDatabase": "postgres",
    "type": "default",
    "joinedTables": [{"table": "buyer", "sqlOn": "${orders.customer_id} = ${buyer.customer_id}"}],
    "tables": {
        "buyer": {
            "originalName": "customers",
            "dimensions": {
                "customer_id": {"sql": "${TABLE}.customer_id", "compiledSql": '"buyer".customer_id'},
                "region": {"sql": "${TABLE}.region", "compiledSql": '"buyer".region'},
            },
            "metrics": {},
        },
        "orders": {
            "description": "One row per order",
            "dimensions": {
                "customer_id": {"compiledSql": '"orders".customer_id'},
                "status": {"compiledSql": '"orders".status'},
                "amount": {"sql": "${TABLE}.amount"},
                "is_late": {"sql": "${TABLE}.shipped_at > ${TABLE}.promised_at"},
            },
            "metrics": {
                "revenue": {
                    "type": "sum",
                    "compiledSql": 'SUM(CASE WHEN (("orders".status) = \'paid in full\') THEN ("orders".amount) END)',
                },
                "orders": {"type": "count_distinct", "sql": "${TABLE}.order_id"},
                "per_order": {"type": "number", "sql": "${revenue} / ${orders}"},
            },
        },
    },
}


def saved(uuid: str, **query: Any) -> dict[str, Any]:
    return {"uuid": uuid, "tableName": "orders", "metricQuery": {"exploreName": "orders", **query}}


def answers() -> dict[str, Any]:
    """Every answer by its path."""
    bodies: dict[str, Any] = {
        "api/v1/org/projects": [
            {"projectUuid": TEA, "name": "Tea", "type": "DEFAULT"},
            {"projectUuid": PREVIEW, "name": "Preview of a branch", "type": "PREVIEW"},
        ],
        f"api/v1/projects/{TEA}": {
            "warehouseConnection": {"type": "postgres", "dbname": "tea", "schema": "marts", "host": "db.tea.example"}
        },
        "api/v2/content": {"data": CONTENT, "pagination": {"page": 1, "pageSize": 100, "totalPageCount": 1}},
        f"api/v1/saved/{REVENUE}": saved(
            REVENUE,
            dimensions=["buyer_region"],
            metrics=["orders_revenue", "orders_big", "orders_per_order"],
            filters={"dimensions": {"id": "x", "and": [{"target": {"fieldId": "orders_is_late"}, "values": [4711]}]}},
            additionalMetrics=[{"name": "big", "table": "orders", "type": "max", "baseDimensionName": "amount"}],
        ),
        f"api/v1/saved/{LATE}": saved(LATE, dimensions=["orders_gone"], metrics=[]),
        f"api/v1/projects/{TEA}/sqlRunner/saved/{ADHOC}": {
            "sql": "select region, count(*) from customers where region <> 'a secret' group by 1"
        },
        f"api/v1/dashboards/{SALES}": {
            "tiles": [
                {"type": "saved_chart", "properties": {"savedChartUuid": REVENUE}},
                {"type": "saved_chart", "properties": {"savedChartUuid": REVENUE}},
                {"type": "sql_chart", "properties": {"savedSqlUuid": ADHOC}},
                {"type": "markdown", "properties": {"title": "Hello"}},
                {"type": "saved_chart", "properties": {"savedChartUuid": None}},
            ]
        },
        f"api/v1/projects/{TEA}/explores/orders": EXPLORE,
        f"api/v1/schedulers/{TEA}/list": {
            "data": [
                {"schedulerUuid": "k1", "savedChartUuid": None, "dashboardUuid": SALES, "enabled": True},
                {"schedulerUuid": "k3", "savedSqlUuid": ADHOC, "dashboardUuid": None, "enabled": True},
                {"schedulerUuid": "k2", "savedChartUuid": LATE, "dashboardUuid": None, "enabled": False},
            ],
            "pagination": {"totalPageCount": 1},
        },
    }
    return {path: {"status": "ok", "results": body} for path, body in bodies.items()}


def record(folder: Path, found: dict[str, Any] | None = None) -> None:
    for path, body in (found or answers()).items():
        file = folder / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))


class TestConformance(ConnectorConformance):
    """A recording keeps what every connector promises."""

    connector = Lightdash
    input_option = "export"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        record(folder / "answers")
        return {"export": "answers", "taken": "2026-11-20"}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "answers/api/v1/org/projects.json"

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {"no projects": b'{"results": []}', "an error": b'{"status": "error", "error": {"statusCode": 401}}'}


def read(folder: Path, found: dict[str, Any] | None = None, **options: Any) -> list[AnyRecord]:
    record(folder / "answers", found)
    context = Context(root=str(folder), now=NOW)
    return list(Lightdash({"export": "answers", "taken": "2026-11-20", **options}, context).records())


def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id.removeprefix("lightdash:"): r for r in records if isinstance(r, Node)}


def upstream(records: list[AnyRecord], of: str) -> list[str]:
    return [r.upstream for r in records if isinstance(r, Edge) and r.downstream == f"lightdash:{of}"]


def columns(records: list[AnyRecord], of: str) -> ColumnLineage:
    return next(r for r in records if isinstance(r, ColumnLineage) and r.node == f"lightdash:{of}")


def gaps(records: list[AnyRecord], topic: str = "") -> list[str]:
    return [r.message for r in records if isinstance(r, Gap) and topic in ("", r.topic)]


def test_charts_dashboards_and_explores_are_nodes(tmp_path: Path) -> None:
    found = nodes(read(tmp_path, url="https://ld.tea.example/"))
    assert sorted(found) == sorted(
        [DATASET, f"chart.{REVENUE}", f"chart.{LATE}", f"chart.{ADHOC}", f"dashboard.{SALES}"]
    )
    chart, dashboard, explore = found[f"chart.{REVENUE}"], found[f"dashboard.{SALES}"], found[DATASET]
    assert (chart.name, chart.title, chart.owner) == ("revenue-by-region", "Revenue by region", "Sales team")
    assert (chart.path, chart.tags, chart.created) == ("Tea/Sales", ("verified",), date(2026, 3, 4))
    assert chart.url == f"https://ld.tea.example/projects/{TEA}/saved/{REVENUE}/view"
    assert dashboard.url == f"https://ld.tea.example/projects/{TEA}/dashboards/{SALES}/view"
    assert found[f"chart.{ADHOC}"].url == f"https://ld.tea.example/projects/{TEA}/sql-runner/ad-hoc"
    assert (explore.kind, explore.name, explore.title, explore.tags) == ("dataset", "orders", "Orders", ("core",))
    assert explore.description == "One row per order"
    assert [key for key, node in found.items() if node.outside] == [f"chart.{ADHOC}", f"dashboard.{SALES}"]


def test_dashboards_read_charts_that_read_explores_that_are_models(tmp_path: Path) -> None:
    records = read(tmp_path)
    assert upstream(records, f"dashboard.{SALES}") == [f"lightdash:chart.{REVENUE}", f"lightdash:chart.{ADHOC}"]
    assert upstream(records, f"chart.{REVENUE}") == [f"lightdash:{DATASET}"]
    assert upstream(records, DATASET) == [ORDERS, CUSTOMERS]
    assert upstream(records, f"chart.{ADHOC}") == ["ref:table/tea.marts.customers"]


def test_an_explore_is_tied_to_the_model_of_its_name(tmp_path: Path) -> None:
    models = [
        Node(id=f"dbt:model.shop.{name}", kind="model", name=name, relation=f"tea.marts.{name}")
        for name in ("orders", "customers")
    ]
    graph = Graph([*models, *read(tmp_path)], as_of=NOW.date())
    dataset = graph.directory.ids[f"lightdash:{DATASET}"]
    assert sorted(graph.nodes[up].name for up in graph.upstream[dataset]) == ["customers", "orders"]
    assert [gap.message for gap in graph.gaps if gap.topic == "lineage"] == []


def test_columns_are_followed_through_fields_metrics_and_joins(tmp_path: Path) -> None:
    records = read(tmp_path)
    explore = columns(records, DATASET)
    assert sorted(explore.columns) == [
        "amount",
        "customer_id",
        "order_id",
        "promised_at",
        "region",
        "shipped_at",
        "status",
    ]
    assert explore.columns["amount"] == (ColumnSource(ORDERS, "amount"),)
    assert explore.columns["region"] == (ColumnSource(CUSTOMERS, "region"),)
    assert {s.node for s in explore.shape} == {ORDERS, CUSTOMERS}
    chart = columns(records, f"chart.{REVENUE}")
    of = {name: {s.column for s in sources} for name, sources in chart.columns.items()}
    assert of == {
        "buyer_region": {"region"},
        "orders_revenue": {"amount", "status"},
        "orders_big": {"amount"},
        "orders_per_order": {"amount", "status", "order_id"},
    }
    assert {s.column for s in chart.shape} == {"region", "shipped_at", "promised_at"}
    assert {s.node for s in chart.shape} == {f"lightdash:{DATASET}"}
    assert "max(amount)" in nodes(records)[f"chart.{REVENUE}"].aggregates
    # a field that is gone may have been made from anything
    assert columns(records, f"chart.{LATE}").columns["orders_gone"] == (ColumnSource(f"lightdash:{DATASET}", ""),)


def test_nothing_that_is_compared_with_and_no_sql_is_in_any_record(tmp_path: Path) -> None:
    written = msgspec.json.encode(read(tmp_path)).decode()
    for hidden in ("paid in full", "4711", "a secret", "select", "db.tea.example", "CASE"):
        assert hidden not in written


def test_a_virtual_view_is_its_sql(tmp_path: Path) -> None:
    found = answers()
    virtual = {
        "name": "orders",
        "type": "virtual",
        "baseTable": "orders",
        "targetDatabase": "postgres",
        "tables": {"orders": {"sqlTable": "(select amount from marts.fct_orders)", "dimensions": {}}},
    }
    found[f"api/v1/projects/{TEA}/explores/orders"] = {"results": virtual}
    records = read(tmp_path, found)
    assert upstream(records, DATASET) == ["ref:table/tea.marts.fct_orders"]
    assert set(columns(records, DATASET).columns) == {"amount"}


def test_an_explore_that_cannot_be_had_still_names_its_model(tmp_path: Path) -> None:
    found = answers()
    del found[f"api/v1/projects/{TEA}/explores/orders"]
    records = read(tmp_path, found)
    assert upstream(records, f"chart.{REVENUE}") == [ORDERS]
    assert any("explores could not be read" in one for one in gaps(records, "lightdash"))


def test_totals_are_of_the_day_the_export_was_taken(tmp_path: Path) -> None:
    records = read(tmp_path)
    totals = {o.node.removeprefix("lightdash:"): o for o in records if isinstance(o, Observation)}
    assert {key: o.amount for key, o in totals.items()} == {
        f"chart.{REVENUE}": 12,
        f"chart.{LATE}": 0,
        f"dashboard.{SALES}": 40,
    }
    assert {(o.measure, o.day, o.person_class, o.tool) for o in totals.values()} == {
        ("views_total", date(2026, 11, 20), "", "lightdash")
    }
    assert any("administrators and scheduled deliveries alike" in one for one in gaps(records, "usage"))
    assert [r for r in read(tmp_path, taken="") if isinstance(r, Observation)] == []


@pytest.mark.parametrize(
    "explore",
    [
        {},
        {"name": "orders"},
        {"name": "orders", "tables": {"orders": 5}},
        {"name": "orders", "errors": [{"type": "x"}]},
        {"name": "orders", "tables": {"orders": {"dimensions": [], "metrics": {"a": 5}}}, "joinedTables": "no"},
        {"name": "orders", "tables": {"orders": {"dimensions": {"a": {"sql": "${a}"}, "b": {"sql": "${c.d} +"}}}}},
        {"name": "orders", "tables": {"orders": {"dimensions": {"a": {"sql": "{% if x %} ${TABLE}.a {{ y }}"}}}}},
    ],
)
def test_explores_of_any_form_crash_nothing(tmp_path: Path, explore: Any) -> None:
    found = answers()
    found[f"api/v1/projects/{TEA}/explores/orders"] = {"results": explore}
    assert f"chart.{REVENUE}" in nodes(read(tmp_path, found))


WORDS = [
    "name",
    "tables",
    "orders",
    "baseTable",
    "dimensions",
    "metrics",
    "sql",
    "compiledSql",
    "type",
    "sum",
    "joinedTables",
    "sqlOn",
    "${a.b}",
    "((",
    "tags",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6), JSON)
def test_no_explore_or_chart_whatever_it_is_crashes_anything(explore: dict[str, Any], query: Any) -> None:
    found = explore_of({"name": "orders", **explore})
    if found is not None:
        computed, rows = asked({"metricQuery": query}, found)
        assert all(isinstance(sql, str) for sql in (*found.fields.values(), *computed.values(), *rows))


def test_an_explore_with_a_field_that_cannot_be_read_is_known_as_a_table_only() -> None:
    tables = {"orders": {"dimensions": {"a": {"sql": "${TABLE}.a"}, "b": {"sql": "(("}}}}
    explore = explore_of({"name": "orders", "tables": tables})
    assert explore is not None
    assert explore.columns is None
    assert aggregated("count", "") == "COUNT(*)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either url or export"),
        ({"url": "ld.tea.example"}, "not one of a server"),
        ({"url": "https://ld.tea.example"}, "HEADWAY_LIGHTDASH_TOKEN"),
        ({"export": "nowhere"}, "no such folder"),
        ({"export": "answers", "projects": [5]}, "not a list of uuids"),
        ({"export": "answers", "projects": ["no-such-project"]}, "has no project 'no-such-project'"),
        ({"export": "answers", "taken": "soon"}, "no day"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    record(tmp_path / "answers")
    with pytest.raises((ConfigError, InputError)) as caught:
        list(Lightdash(options, Context(root=str(tmp_path), now=NOW)).records())
    assert words in str(caught.value)


# --- Live ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits: how long was to be waited."""
    waits: list[float] = []
    monkeypatch.setattr("headway.connectors.lightdash.connector.Client", partial(Client, sleep=waits.append))
    return waits


def routes() -> dict[str, Any]:
    return {f"/{path}": body for path, body in answers().items()}


def live(server: Server | str, root: Path, **options: Any) -> list[AnyRecord]:
    url = server if isinstance(server, str) else server.url
    context = Context(root=str(root), now=NOW, environment={"HEADWAY_LIGHTDASH_TOKEN": TOKEN})
    return list(Lightdash({"url": url, **options}, context).records())


def test_a_server_gives_what_its_recording_gives(tmp_path: Path, slept: list[float]) -> None:
    with Server(routes()) as server:
        records = live(server, tmp_path)
        assert {request.headers["authorization"] for request in server.seen} == {f"ApiKey {TOKEN}"}
        contents = next(request for request in server.seen if request.path == "/api/v2/content")
        assert contents.query == {"projectUuids": TEA, "pageSize": "100", "page": "1"}
    assert [(type(r), getattr(r, "id", "")) for r in records] == [
        (type(r), getattr(r, "id", "")) for r in read(tmp_path)
    ]
    assert {r.day for r in records if isinstance(r, Observation)} == {NOW.date()}
    assert TOKEN not in msgspec.json.encode(records).decode()


def test_content_comes_in_pages(tmp_path: Path, slept: list[float]) -> None:
    many = [content(f"chart-{n}", "chart", f"Chart {n}", source="sql") for n in range(250)]

    def page(request: Request) -> Any:
        start = (int(request.query["page"]) - 1) * int(request.query["pageSize"])
        return {"results": {"data": many[start : start + 100], "pagination": {"totalPageCount": 3}}}

    with Server(routes() | {"/api/v2/content": page}) as server:
        assert len(nodes(live(server, tmp_path))) == 250
        assert server.asked.count("GET /api/v2/content") == 3


def test_content_of_versions_without_pages_and_pages_that_never_end(tmp_path: Path, slept: list[float]) -> None:
    with Server(routes() | {"/api/v2/content": {"results": CONTENT}}) as server:
        assert f"chart.{REVENUE}" in nodes(live(server, tmp_path))
    many = [content(f"chart-{n}", "chart", f"Chart {n}", source="sql") for n in range(130)]

    def page(request: Request) -> Any:
        start = (int(request.query["page"]) - 1) * 100
        return {"results": many[start : start + 100]}

    with Server(routes() | {"/api/v2/content": page}) as server:
        assert len(nodes(live(server, tmp_path))) == 130
    endless = {"results": {"data": CONTENT, "pagination": {"totalPageCount": 10**9}}}
    with Server(routes() | {"/api/v2/content": endless}) as server:
        live(server, tmp_path)
        assert server.asked.count("GET /api/v2/content") == 2


def test_previews_are_read_when_they_are_named(tmp_path: Path, slept: list[float]) -> None:
    with Server(routes()) as server:
        live(server, tmp_path, projects=[PREVIEW])
        assert {request.query.get("projectUuids") for request in server.seen if "v2" in request.path} == {PREVIEW}


@pytest.mark.parametrize("path", ["/api/v1/org/projects", "/api/v2/content"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer({"status": "error"}, status=401), "credentials are wrong"),
        (Answer({"status": "error"}, status=403), "not allowed"),
        (Answer(b"<html>Sign in</html>"), "it is a web page"),
        (Answer(status=500), "status 500"),
        (Answer({"results": "no"}), "something else than a list of"),
        (Answer([]), "something else than a list of"),
    ],
)
def test_nothing_to_be_had_is_an_error(
    tmp_path: Path, slept: list[float], path: str, answer: Answer, words: str
) -> None:
    with Server(routes() | {path: answer}) as server, pytest.raises(ServiceError) as caught:
        live(server, tmp_path)
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_nobody_there(tmp_path: Path, slept: list[float]) -> None:
    with pytest.raises(ServiceError, match="nothing answers there"):
        live(unused_url(), tmp_path)


def test_parts_that_fail_are_gaps_and_the_rest_comes(tmp_path: Path, slept: list[float]) -> None:
    found = routes() | {
        f"/api/v1/saved/{LATE}": Answer(status=500),
        f"/api/v1/dashboards/{SALES}": Answer({"results": None}),
        f"/api/v1/schedulers/{TEA}/list": Answer(status=403),
    }
    with Server(found) as server:
        records = live(server, tmp_path)
    assert f"chart.{REVENUE}" in nodes(records)
    assert upstream(records, f"chart.{REVENUE}") == [f"lightdash:{DATASET}"]
    said = " | ".join(gaps(records, "lightdash"))
    assert f"charts could not be read: Lightdash: api/v1/saved/{LATE} failed with status 500" in said
    assert f"dashboards could not be read: api/v1/dashboards/{SALES} is something else" in said
    assert "scheduled deliveries could not be read: " in said


def test_asked_to_wait_it_waits_and_can_be_cancelled(tmp_path: Path, slept: list[float]) -> None:
    busy = [Answer(status=429, headers={"Retry-After": "9"}), Answer(answers()[f"api/v1/saved/{LATE}"])]
    with Server(routes() | {f"/api/v1/saved/{LATE}": busy}) as server:
        live(server, tmp_path)
        assert slept == [9.0]

        def cancel(what: str, done: int, total: int) -> None:
            if done == 2:
                raise KeyboardInterrupt

        context = Context(root=str(tmp_path), now=NOW, environment={"HEADWAY_LIGHTDASH_TOKEN": TOKEN}, progress=cancel)
        with pytest.raises(KeyboardInterrupt):
            list(Lightdash({"url": server.url}, context).records())


def test_keys_that_would_lead_elsewhere_are_left_out(tmp_path: Path, slept: list[float]) -> None:
    odd = [content("../../secrets", "chart", "Odd", source="sql"), content("a b", "dashboard", "Odd")]
    explore = f"/api/v1/projects/{TEA}/explores/..%2F..%2Fsecrets"
    late = {"results": {**answers()[f"api/v1/saved/{LATE}"]["results"], "tableName": "../../secrets"}}
    with Server(routes() | {"/api/v2/content": {"results": [*CONTENT, *odd]}, f"/api/v1/saved/{LATE}": late}) as server:
        records = live(server, tmp_path)
        assert not any("secrets" in request.path and request.path != explore for request in server.seen)
    assert len(nodes(records)) == 5
