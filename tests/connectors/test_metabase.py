"""Metabase, from recorded answers and from a server that speaks its API."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import metabase_site as site
import msgspec
import pytest
from http_server import Answer, Request, Server, unused_url
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.dbt.connector import Dbt
from headway.connectors.metabase.connector import Metabase
from headway.connectors.metabase.queries import understood
from headway.connectors.metabase.schema import Schema
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, ServiceError
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, ColumnLineage, ColumnSource, Coverage, Edge, Gap, Node, Observation
from headway.graph.use import measure
from headway.remote import Client
from headway.testing import ConnectorConformance

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HEADWAY_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = {"HEADWAY_PEOPLE_KEY": "a key for the tests of tea"}
TOKEN = "mb-tea-9f3a77"
ORDERS, CUSTOMERS = "ref:table/tea.marts.orders", "ref:table/tea.marts.customers"


class TestConformance(ConnectorConformance):
    """A recording keeps what every connector promises."""

    connector = Metabase
    input_option = "export"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        site.record(folder / "answers")
        return {"export": "answers", "taken": "2026-11-20"}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "answers/api/collection.json"

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {"no collections": b"[]", "an object": b'{"data": []}', "gzip cut short": gzip.compress(b"[1]")[:-4]}

    def environment(self) -> Mapping[str, str]:
        return KEY


def read(folder: Path, found: dict[str, Any] | None = None, **options: Any) -> list[AnyRecord]:
    """The records of answers."""
    site.record(folder / "answers", found)
    context = Context(root=str(folder), now=NOW, environment=KEY)
    return list(Metabase({"export": "answers", "taken": "2026-11-20", **options}, context).records())


def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id.removeprefix("metabase:"): r for r in records if isinstance(r, Node)}


def upstream(records: list[AnyRecord], of: str) -> list[str]:
    return [r.upstream for r in records if isinstance(r, Edge) and r.downstream == f"metabase:{of}"]


def columns(records: list[AnyRecord], of: str) -> ColumnLineage:
    return next(r for r in records if isinstance(r, ColumnLineage) and r.node == f"metabase:{of}")


def gaps(records: list[AnyRecord], topic: str = "") -> list[str]:
    return [r.message for r in records if isinstance(r, Gap) and topic in ("", r.topic)]


# --- What there is ---------------------------------------------------------------------------------------------------


def test_questions_models_metrics_and_dashboards_are_nodes(tmp_path: Path) -> None:
    found = nodes(read(tmp_path, url="https://bi.tea.example/"))
    assert sorted(found) == [
        "chart.28",
        "chart.29",
        "chart.31",
        "chart.32",
        "chart.33",
        "chart.40",
        "dashboard.2",
        "dashboard.3",
        "dataset.27",
        "metric.30",
    ]
    model = found["dataset.27"]
    assert (model.kind, model.name, model.owner, model.path) == (
        "dataset",
        "Orders",
        "sales@tea.example",
        "Company/Sales Tea",
    )
    assert (model.url, model.tags, model.created) == (
        "https://bi.tea.example/card/27",
        ("verified",),
        date(2026, 2, 3),
    )
    assert found["chart.28"].url == "https://bi.tea.example/card/28"
    assert found["dashboard.2"].url == "https://bi.tea.example/dashboard/2"
    assert found["chart.31"].path == ""
    assert found["dashboard.2"].owner == "sales@tea.example"
    assert found["dashboard.3"].owner == "board@tea.example"
    assert [key for key, node in found.items() if node.disabled] == ["chart.32"]


def test_what_is_embedded_public_subscribed_or_alerted_is_outside(tmp_path: Path) -> None:
    found = nodes(read(tmp_path))
    assert sorted(key for key, node in found.items() if node.outside) == [
        "chart.28",
        "chart.29",
        "dashboard.3",
        "metric.30",
    ]


def test_dashboards_read_their_cards_on_all_tabs_with_series_and_cards_of_their_own(tmp_path: Path) -> None:
    records = read(tmp_path)
    assert upstream(records, "dashboard.2") == [f"metabase:chart.{n}" for n in (28, 29, 31, 40)]
    assert upstream(records, "dashboard.3") == ["metabase:chart.28"]
    assert upstream(records, "chart.40") == [ORDERS]


# --- What it reads ---------------------------------------------------------------------------------------------------


def test_the_older_query_shape(tmp_path: Path) -> None:
    records = read(tmp_path)
    assert upstream(records, "dataset.27") == [ORDERS, CUSTOMERS]
    model = columns(records, "dataset.27")
    assert model.columns["amount"] == (ColumnSource(ORDERS, "amount"),)
    assert model.columns["region"] == (ColumnSource(CUSTOMERS, "region"),)
    assert {s.node for s in model.columns["customer_id_2"]} == {ORDERS, CUSTOMERS}
    assert {s.column for s in model.shape} == {"status", "customer_id"}
    assert upstream(records, "chart.28") == ["metabase:dataset.27"]
    chart = columns(records, "chart.28")
    assert chart.columns == {
        "region": (ColumnSource("metabase:dataset.27", "region"),),
        "sum": (ColumnSource("metabase:dataset.27", "amount"),),
        "count": (),
    }
    assert set(nodes(records)["chart.28"].aggregates) == {"sum(amount)", "count()"}


def test_the_newer_query_shape(tmp_path: Path) -> None:
    records = read(tmp_path)
    assert upstream(records, "metric.30") == [ORDERS]
    assert nodes(records)["metric.30"].aggregates == ("sum(amount)",)
    assert upstream(records, "chart.31") == ["metabase:dataset.27", "metabase:metric.30", CUSTOMERS]
    chart = columns(records, "chart.31")
    assert ColumnSource("metabase:dataset.27", "amount") in chart.columns["taxed"]
    assert {s.column for s in chart.columns["region"]} == {"region"}
    assert {s.column for s in chart.shape} == {"amount", "customer_id", "region", "sum"}
    assert ColumnSource("metabase:metric.30", "sum") in chart.shape
    assert nodes(records)["chart.31"].aggregates == ("avg(amount)",)


def test_sql_with_cards_variables_filters_and_optional_parts(tmp_path: Path) -> None:
    records = read(tmp_path)
    assert upstream(records, "chart.29") == ["metabase:dataset.27", CUSTOMERS]
    decides = {(s.node, s.column) for s in columns(records, "chart.29").shape}
    assert ("metabase:dataset.27", "amount") in decides
    assert (CUSTOMERS, "region") in decides
    assert "ordered at" in {column for _, column in decides}


@pytest.mark.parametrize(
    ("query", "read_from", "shape"),
    [
        ("select amount from marts.orders [[where {{oops]] limit 3", [ORDERS], set()),
        ("select amount from marts.orders where 1=1 [[ and (status = {{s}} ]]", [ORDERS], set()),
        ("select amount from marts.orders where {{unknown}} and status in ({{s}})", [ORDERS], {"status"}),
        ("select amount from marts.orders [[where status = {{ s }}]];", [ORDERS], {"status"}),
        ("with o as (select * from {{ #28 }}) select o.sum as amount from o", ["metabase:chart.28"], set()),
        ("select amount from {{snippet: orders}}", [ORDERS], set()),
    ],
)
def test_templates_are_taken_out(tmp_path: Path, query: str, read_from: list[str], shape: set[str]) -> None:
    found = site.answers()
    found["api/card/29"] = site.card(29, "Late orders", site.native(query))
    found["api/native-query-snippet"] = [{"name": "orders", "content": "marts.{{snippet: rest}}"}, {"name": "rest"}]
    found["api/native-query-snippet"][1]["content"] = "orders"
    records = read(tmp_path, found)
    assert upstream(records, "chart.29") == read_from
    assert shape <= {s.column for s in columns(records, "chart.29").shape}
    assert [g for g in gaps(records) if "Late orders" in g] == []


def test_snippets_that_name_themselves_end(tmp_path: Path) -> None:
    found = site.answers()
    found["api/card/29"] = site.card(29, "Late orders", site.native("select 1 from {{snippet: me}}"))
    found["api/native-query-snippet"] = [{"name": "me", "content": "{{snippet: me}} {{snippet: me}}"}]
    assert any("Late orders" in said for said in gaps(read(tmp_path, found)))


def test_nothing_that_is_compared_with_and_no_sql_is_in_any_record(tmp_path: Path) -> None:
    written = msgspec.json.encode(read(tmp_path)).decode()
    for hidden in ("paid in full", "4711", "1.19", "a secret", "select", "MetabasePass", "db.tea.example"):
        assert hidden not in written


def test_what_cannot_be_followed_is_told(tmp_path: Path) -> None:
    said = gaps(read(tmp_path), "lineage")
    assert any("'Broken' could not be followed: the SQL could not be parsed" in one for one in said)
    assert any("chart 'Withheld' reads is not known: its query has a form that is not known" in one for one in said)


@pytest.mark.parametrize(
    "query",
    [
        {"type": "query", "query": {"source-table": "card__31", "expressions": {"a": ["expression", "a"]}}},
        {
            "type": "query",
            "query": {"source-query": {"native": "select 1 from marts.orders"}, "aggregation": ["count"]},
        },
        {"type": "query", "query": {"source-table": True, "joins": 5, "filter": {}, "aggregation": {"a": 1}}},
        {"type": "query", "query": {"source-table": 10, "aggregation": [["sum"], [], None, ["+", 1, ["sum", None]]]}},
        {"type": "query", "query": {"source-table": 10, "fields": [["field"], ["field", []], 102, None]}},
        {"stages": [{"joins": [{"stages": [{"joins": [{"stages": "no"}]}]}], "expressions": [3, ["+"]]}]},
        {"stages": [5]},
        {"native": 7, "stages": []},
        {"native": {"query": 7}},
        {"native": {"query": "   "}},
        {"native": {"query": "{{" * 4000}},
        {"type": "query", "query": "no"},
        [],
        "no",
    ],
)
def test_queries_of_any_form_crash_nothing(tmp_path: Path, query: Any) -> None:
    found = site.answers()
    found["api/card/28"] = {**found["api/card/28"], "dataset_query": query}
    assert "chart.28" in nodes(read(tmp_path, found))


WORDS = [
    "type",
    "query",
    "native",
    "stages",
    "lib/type",
    "source-table",
    "source-card",
    "source-query",
    "joins",
    "condition",
    "conditions",
    "filter",
    "filters",
    "aggregation",
    "breakout",
    "expressions",
    "fields",
    "order-by",
    "field",
    "expression",
    "sum",
    "count",
    "metric",
    "+",
    "case",
    "=",
    "asc",
    "card__27",
    "amount",
    "template-tags",
    "dimension",
    "name",
    "lib/expression-name",
    "{{x}}",
    "[[a]]",
    "select",
]
MBQL = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 130) | st.floats(allow_nan=False) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(WORDS), MBQL, max_size=4), st.lists(st.dictionaries(st.just("name"), MBQL)))
def test_no_query_whatever_it_is_crashes_anything(query: dict[str, Any], outputs: list[dict[str, Any]]) -> None:
    schema = Schema()
    schema.add(site.DATABASE)
    found = understood({"database": 2, **query}, outputs, schema, {})
    assert all(isinstance(number, int) for number in (*found.tables, *found.cards, *found.metrics))
    assert all(isinstance(text, str) for text in (*found.computed, *found.computed.values(), *found.rows))


def test_a_deep_query_is_a_gap(tmp_path: Path) -> None:
    clause: Any = site.AMOUNT
    for _ in range(600):
        clause = ["+", clause, 1]
    found = site.answers()
    found["api/card/28"] = site.card(28, "Deep", site.legacy(source_table=10, aggregation=[["sum", clause]]))
    records = read(tmp_path, found)
    assert "chart.28" in nodes(records)
    assert any("Deep" in one for one in gaps(records, "lineage")) or upstream(records, "chart.28") == [ORDERS]


def test_a_question_that_reads_itself_is_no_edge(tmp_path: Path) -> None:
    found = site.answers()
    found["api/card/28"] = site.card(28, "Me", site.legacy(source_table="card__28"))
    assert upstream(read(tmp_path, found), "chart.28") == []


# --- What cannot be had ----------------------------------------------------------------------------------------------


def test_parts_that_are_broken_are_gaps_and_the_rest_comes(tmp_path: Path) -> None:
    site.record(tmp_path / "answers")
    (tmp_path / "answers/api/card/28.json").write_text("{")
    (tmp_path / "answers/api/dashboard/3.json").write_text("[]")
    (tmp_path / "answers/api/database/2/metadata.json").unlink()
    context = Context(root=str(tmp_path), now=NOW, environment=KEY)
    records = list(Metabase({"export": "answers"}, context).records())
    assert {"dashboard.2", "dataset.27"} <= set(nodes(records))
    assert "dashboard.3" not in nodes(records)
    said = gaps(records)
    assert any("questions could not be read: answers/api/card/28.json: is not JSON" in one for one in said)
    assert any("dashboards could not be read: api/dashboard/3 is something else" in one for one in said)
    assert any("databases could not be read: answers/api/database/2/metadata.json" in one for one in said)
    assert any("model 'Orders'" in one or "dataset 'Orders' reads is not known: tables" in one for one in said)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either url or export"),
        ({"url": "bi.tea.example"}, "not one of a server"),
        ({"url": f"https://x:{TOKEN}@bi.tea.example"}, "has credentials in it"),
        ({"export": "answers", "taken": "yesterday"}, "no day"),
        ({"export": "answers", "keep_days": 0}, "not a number of days"),
        ({"export": 5}, "to be str"),
        ({"exprot": "answers"}, "did you mean export"),
        ({"url": "https://bi.tea.example"}, "HEADWAY_METABASE_API_KEY"),
        ({"url": "https://bi.tea.example", "user": "headway"}, "HEADWAY_METABASE_PASSWORD"),
        ({"export": "nowhere"}, "no such folder"),
        ({"export": "a\0b"}, "no such folder"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    context = Context(root=str(tmp_path), now=NOW, environment=KEY)
    with pytest.raises((ConfigError, InputError)) as caught:
        list(Metabase(options, context).records())
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)


# --- Totals of views -------------------------------------------------------------------------------------------------


def test_totals_are_of_the_day_the_export_was_taken(tmp_path: Path) -> None:
    records = read(tmp_path)
    totals = {o.node: o for o in records if isinstance(o, Observation)}
    assert totals["metabase:dashboard.2"].amount == 121
    assert totals["metabase:dataset.27"].amount == 27
    assert {(o.measure, o.day, o.person_class, o.tool) for o in totals.values()} == {
        ("views_total", date(2026, 11, 20), "", "metabase")
    }
    assert "metabase:chart.40" not in totals  # whose count is not known
    assert "metabase:dashboard.3" not in totals
    assert [r for r in records if isinstance(r, Coverage)] == []
    assert any("but not by whom" in one for one in gaps(records, "usage"))


def test_between_two_totals_lies_what_was_opened(tmp_path: Path) -> None:
    later = site.answers()
    later["api/dashboard/2"] = {**later["api/dashboard/2"], "view_count": 130}
    records = read(tmp_path / "one", taken="2026-10-01")
    records += [r for r in read(tmp_path / "two", later, taken="2026-11-20") if isinstance(r, Observation)]
    graph = Graph(records, as_of=NOW.date())
    use = measure(graph)
    dashboard, chart = (graph.directory.ids[f"metabase:{key}"] for key in ("dashboard.2", "chart.28"))
    assert (use.reads[dashboard], use.status[dashboard]) == (9, "used")
    assert use.reads[chart] == 0
    first = measure(Graph(read(tmp_path / "three"), as_of=NOW.date()))
    assert set(first.status) == {"unknown"}


def test_totals_without_a_day_are_left_out(tmp_path: Path) -> None:
    records = read(tmp_path, taken="")
    assert [r for r in records if isinstance(r, Observation)] == []
    assert any("not of which day" in one for one in gaps(records, "usage"))


# --- Live ------------------------------------------------------------------------------------------------------------


def routes() -> dict[str, Any]:
    found: dict[str, Any] = {f"/{path}": Answer(body) for path, body in site.answers().items()}
    found["/api/card"] = Answer(site.CARDS)
    found["/api/card?f=archived"] = Answer([])
    return found


def live(
    server: Server | str, root: Path, environment: dict[str, str] | None = None, **options: Any
) -> list[AnyRecord]:
    url = server if isinstance(server, str) else server.url
    context = Context(
        root=str(root), now=NOW, environment={**KEY, "HEADWAY_METABASE_API_KEY": TOKEN, **(environment or {})}
    )
    return list(Metabase({"url": url, **options}, context).records())


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits: how long was to be waited."""
    waits: list[float] = []
    monkeypatch.setattr("headway.connectors.metabase.connector.Client", partial(Client, sleep=waits.append))
    return waits


def test_a_server_gives_what_its_recording_gives(tmp_path: Path, slept: list[float]) -> None:
    recorded = [r for r in read(tmp_path) if not isinstance(r, Gap)]
    with Server(routes()) as server:
        records = [r for r in live(server, tmp_path) if not isinstance(r, Gap)]
        assert {request.headers["x-api-key"] for request in server.seen} == {TOKEN}
        assert TOKEN not in msgspec.json.encode(records).decode()
        assert "GET /api/card/28" not in server.asked  # the list of cards had it
    assert [(type(r), getattr(r, "id", "")) for r in records] == [(type(r), getattr(r, "id", "")) for r in recorded]
    totals = {r.day for r in records if isinstance(r, Observation)}
    assert totals == {NOW.date()}
    assert slept == []


def test_collections_come_in_pages(tmp_path: Path, slept: list[float]) -> None:
    many = [site.card(n, f"Card {n}", site.legacy(source_table=10)) for n in range(1000, 3500)]

    def page(request: Request) -> Any:
        start, size = int(request.query["offset"]), int(request.query["limit"])
        return {"data": [site.item(one, "card") for one in many[start : start + size]], "total": len(many)}

    found = routes() | {"/api/collection/6/items": page, "/api/card": Answer(many)}
    with Server(found) as server:
        assert len([key for key in nodes(live(server, tmp_path)) if key.startswith("chart.")]) > 2500
        assert server.asked.count("GET /api/collection/6/items") == 3


def test_a_page_that_never_ends_is_read_once(tmp_path: Path, slept: list[float]) -> None:
    same = {"data": [{"id": 28, "model": "card"}], "total": 10**9}
    with Server(routes() | {"/api/collection/6/items": same}) as server:
        live(server, tmp_path)
        assert server.asked.count("GET /api/collection/6/items") == 2


def test_signing_in_with_a_password(tmp_path: Path, slept: list[float]) -> None:
    environment = {"HEADWAY_METABASE_API_KEY": "", "HEADWAY_METABASE_PASSWORD": "tea-password-1"}
    with Server(routes() | {"POST /api/session": {"id": "session-77"}}) as server:
        records = live(server, tmp_path, environment, user="headway@tea.example")
        assert server.seen[0].json == {"username": "headway@tea.example", "password": "tea-password-1"}
        assert {request.headers.get("x-metabase-session") for request in server.seen[1:]} == {"session-77"}
        assert "tea-password" not in msgspec.json.encode(records).decode()
    with Server(routes() | {"POST /api/session": {}}) as server, pytest.raises(ServiceError, match="gave no session"):
        live(server, tmp_path, environment, user="headway@tea.example")
    wrong = Answer({"errors": {"password": "did not match"}}, status=401)
    with Server({"POST /api/session": wrong}) as server, pytest.raises(ServiceError, match="credentials are wrong"):
        live(server, tmp_path, environment, user="headway@tea.example")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(status=401), "credentials are wrong"),
        (Answer(status=403), "not allowed"),
        (Answer(b"<html>Sign in</html>"), "it is a web page"),
        (Answer(status=500), "status 500"),
        (Answer({"an": "object"}), "something else than a list of collections"),
        (Answer(["text"]), "something else than a list of collections"),
        (Answer(b""), "something else than a list of collections"),
        (Answer([1], cut=0), "broke off"),
    ],
)
def test_nothing_to_be_had_is_an_error(tmp_path: Path, slept: list[float], answer: Answer, words: str) -> None:
    with Server({"/api/collection": answer}) as server, pytest.raises(ServiceError) as caught:
        live(server, tmp_path)
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_nobody_there(tmp_path: Path, slept: list[float]) -> None:
    with pytest.raises(ServiceError, match="nothing answers there"):
        live(unused_url(), tmp_path)


def test_asked_to_wait_it_waits(tmp_path: Path, slept: list[float]) -> None:
    busy = [Answer(status=429, headers={"Retry-After": "9"}), Answer(site.DASHBOARDS[0])]
    with Server(routes() | {"/api/dashboard/2": busy}) as server:
        assert "dashboard.2" in nodes(live(server, tmp_path))
    assert slept == [9.0]


def test_one_dashboard_that_fails_and_older_versions_are_no_end(tmp_path: Path, slept: list[float]) -> None:
    found = routes() | {"/api/dashboard/2": Answer(status=500), "/api/pulse": Answer(status=403)}
    del found["/api/card"], found["/api/card?f=archived"], found["/api/notification"]
    with Server(found) as server:
        records = live(server, tmp_path)
        assert "GET /api/card/28" in server.asked
    assert "dashboard.3" in nodes(records)
    assert "dashboard.2" not in nodes(records)
    said = gaps(records, "metabase")
    assert len(said) == 2
    assert "dashboards could not be read: Metabase: api/dashboard/2 failed with status 500" in said
    assert "subscriptions could not be read: Metabase: api/pulse is not allowed to this user (403)" in said


def test_a_server_that_dies_in_the_middle_is_an_error(tmp_path: Path, slept: list[float]) -> None:
    dying = {path: route for path, route in routes().items() if path.startswith("/api/collection")}
    dead = {f"/api/card/{one['id']}": Answer(status=502) for one in site.CARDS}
    with Server(dying | dead) as server, pytest.raises(ServiceError, match="502"):
        live(server, tmp_path)


def test_cancelled_in_the_middle(tmp_path: Path, slept: list[float]) -> None:
    def cancel(what: str, done: int, total: int) -> None:
        if "dashboards" in what:
            raise KeyboardInterrupt

    with Server(routes()) as server:
        context = Context(
            root=str(tmp_path), now=NOW, environment={**KEY, "HEADWAY_METABASE_API_KEY": TOKEN}, progress=cancel
        )
        with pytest.raises(KeyboardInterrupt):
            list(Metabase({"url": server.url}, context).records())


def test_progress_is_told(tmp_path: Path, slept: list[float]) -> None:
    said: list[tuple[str, int, int]] = []
    with Server(routes()) as server:
        context = Context(
            root=str(tmp_path),
            now=NOW,
            environment={**KEY, "HEADWAY_METABASE_API_KEY": TOKEN},
            progress=lambda *what: said.append(what),
        )
        list(Metabase({"url": server.url}, context).records())
    assert ("reading Metabase's dashboards", 1, 2) in said
    assert all(done <= total for _, done, total in said)


@pytest.mark.parametrize("url", ["mysql://x:tea-secret@h/metabase", "h2:file", "postgresql", "postgres://h\n/x"])
def test_an_application_database_that_is_no_postgresql(tmp_path: Path, slept: list[float], url: str) -> None:
    with Server(routes()) as server, pytest.raises(ConfigError) as caught:
        live(server, tmp_path, {"HEADWAY_METABASE_DB_URL": url})
    assert "named by a URL of PostgreSQL" in str(caught.value)
    assert "tea-secret" not in str(caught.value)


def test_an_application_database_that_does_not_answer_is_a_gap(tmp_path: Path, slept: list[float]) -> None:
    address = unused_url().replace("http://", "postgresql+psycopg://reader:tea-secret@") + "/metabase"
    with Server(routes()) as server:
        records = live(server, tmp_path, {"HEADWAY_METABASE_DB_URL": address})
    assert "dashboard.2" in nodes(records)
    (said,) = gaps(records, "usage")
    assert said == "the application database of Metabase cannot be read: OperationalError"
    assert [r for r in records if isinstance(r, Observation | Coverage)] == []
    assert "tea-secret" not in msgspec.json.encode(records).decode()


def test_without_a_driver_the_rest_comes(tmp_path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with Server(routes()) as server:
        records = live(server, tmp_path, {"HEADWAY_METABASE_DB_URL": "postgresql://h/metabase"})
    assert any("optional part that is not installed" in one for one in gaps(records, "usage"))


# --- Real answers ----------------------------------------------------------------------------------------------------


REAL = {
    "chart.27": ["customers", "orders"],
    "chart.28": ["customers", "orders"],
    "chart.29": ["stg_orders", "stg_payments"],
    "chart.30": [],
    "chart.31": [],
    "chart.32": ["orders"],
    "chart.33": ["payments"],
    "dashboard.2": ["customers", "orders", "stg_orders", "stg_payments"],
}


@pytest.fixture
def real() -> Path:
    if not (SHARED / "metabase_api").is_dir():
        pytest.skip("the shared data is not here: metabase_api")
    return SHARED / "metabase_api"


def test_every_card_of_a_real_metabase_reaches_the_models_it_reads(real: Path) -> None:
    context = Context(root=str(real), now=NOW, environment=KEY)
    dbt = [
        r
        for r in Dbt({"manifest": "manifest.json"}, context).records()
        if not (isinstance(r, Node) and r.id.startswith("dbt:exposure."))
        and not (isinstance(r, Edge) and r.downstream.startswith("dbt:exposure."))
    ]
    graph = Graph([*dbt, *Metabase({"export": "."}, context).records()], as_of=NOW.date())
    of = {node.id: _models(graph, at) for at, node in enumerate(graph.nodes) if node.id.startswith("metabase:")}
    assert of == {f"metabase:{key}": names for key, names in REAL.items()}
    assert [gap.message for gap in graph.gaps if gap.topic == "lineage"] == []


def test_every_card_of_a_real_metabase_is_one_with_its_exposure_of_dbt(real: Path) -> None:
    context = Context(root=str(real), now=NOW, environment=KEY)
    records = [
        *Dbt({"manifest": "manifest.json"}, context).records(),
        *Metabase({"export": ".", "url": "http://localhost:3000"}, context).records(),
    ]
    graph = Graph(records, as_of=NOW.date())
    assert [node.id for node in graph.nodes if node.id.startswith("metabase:")] == []
    merged = {graph.directory.find(f"metabase:{key}").node for key in REAL}
    assert len(merged) == len(REAL)
    assert None not in merged


def _models(graph: Graph, of: int) -> list[str]:
    """Names of the models that something of Metabase reads, through others of Metabase."""
    found: set[str] = set()
    rest = [of]
    while rest:
        for up in graph.upstream[rest.pop()]:
            node = graph.nodes[up]
            if node.id.startswith("metabase:"):
                rest.append(up)
            else:
                found.add(node.name)
    return sorted(found)
