"""Tableau: from recorded answers and from a server that speaks as Tableau does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from http_server import Answer, Request, unused_url
from tableau_site import NODES, SITE, TOKEN, TOKEN_NAME, VIEWS, TableauServer, luid, record, view

from headway.connectors.protocol import Context
from headway.connectors.tableau import formulas, queries, tables
from headway.connectors.tableau.connector import TableauSite
from headway.errors import ConfigError, InputError, ServiceError
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, ColumnLineage, ColumnSource, Coverage, Edge, Gap, Node, Observation
from headway.store.store import Store
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ENVIRONMENT = {"HEADWAY_TABLEAU_TOKEN": TOKEN, "HEADWAY_PEOPLE_KEY": "a key for the tests alone"}
REVENUE, BY_MONTH, HARVEST = (
    f"tableau:dashboard.{luid(11)}",
    f"tableau:chart.{luid(21)}",
    f"tableau:dashboard.{luid(12)}",
)
PUBLISHED, EMBEDDED = f"tableau:dataset.{luid(31)}", "tableau:dataset.e1"


class TestConformance(ConnectorConformance):
    connector = TableauSite
    input_option = "export"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        record(folder / "answers")
        return {"export": "answers"}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / str(options["export"]) / "workbooks.json"

    def environment(self) -> Mapping[str, str]:
        return ENVIRONMENT

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "an answer about something else": b'{"data": {"sheetsConnection": {"nodes": []}}}',
            "an error alone": b'{"errors": [{"message": "no"}]}',
            "no pages": b"[]",
            "a number": b"17",
        }


def read(root: Path, options: Mapping[str, Any], *, now: datetime = NOW, **environment: str) -> list[AnyRecord]:
    context = Context(str(root), now, {**ENVIRONMENT, **environment})
    return list(TableauSite(options, context).records())


@pytest.fixture
def recorded(tmp_path: Path) -> list[AnyRecord]:
    record(tmp_path / "answers")
    return read(tmp_path, {"export": "answers"})


def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id: r for r in records if isinstance(r, Node)}


def edges(records: list[AnyRecord]) -> set[tuple[str, str]]:
    return {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}


def totals(records: list[AnyRecord]) -> dict[str, float]:
    return {r.node: r.amount for r in records if isinstance(r, Observation) and r.measure == "views_total"}


def gaps(records: list[AnyRecord]) -> list[str]:
    return [r.message for r in records if isinstance(r, Gap)]


def lineage(records: list[AnyRecord]) -> dict[str, dict[str, tuple[ColumnSource, ...]]]:
    return {r.node: r.columns for r in records if isinstance(r, ColumnLineage)}


# --- what there is -------------------------------------------------------------------------------------------------


def test_dashboards_read_sheets_sheets_data_sources_and_those_tables(recorded: list[AnyRecord]) -> None:
    assert edges(recorded) == {
        (BY_MONTH, REVENUE),
        ("tableau:chart.s2", REVENUE),
        (f"tableau:chart.{luid(23)}", HARVEST),
        (EMBEDDED, BY_MONTH),
        (EMBEDDED, "tableau:chart.s2"),
        ("tableau:dataset.e2", f"tableau:chart.{luid(23)}"),
        (PUBLISHED, EMBEDDED),
        ("ref:table/shop.marts.fct_orders", PUBLISHED),
        ("ref:table/shop.marts.dim_customers", PUBLISHED),
        ("tableau:dataset.q1", "tableau:dataset.e2"),
        ("ref:table/supply.harvest", "tableau:dataset.q1"),
    }, "what comes through a published source or custom SQL is not read directly, a spreadsheet is no table"


def test_what_people_know_of_a_view(recorded: list[AnyRecord]) -> None:
    revenue, harvest = nodes(recorded)[REVENUE], nodes(recorded)[HARVEST]
    assert (revenue.kind, revenue.name, revenue.owner, revenue.path) == (
        "dashboard",
        "Revenue",
        "sales-team@tea.example",
        "Sales/Tea sales",
    )
    assert (revenue.tags, revenue.created) == (("weekly",), date(2025, 4, 1))
    assert (harvest.owner, harvest.created) == ("Supply team", date(2024, 1, 1)), "the name where there is no mail"
    assert nodes(recorded)[PUBLISHED].owner == "data-team@tea.example"


def test_what_is_sent_to_subscribers_is_load_bearing(recorded: list[AnyRecord]) -> None:
    outside = {n.id for n in nodes(recorded).values() if n.outside}
    assert outside == {HARVEST, f"tableau:chart.{luid(23)}"}, "a workbook's views; not one whose mails are suspended"


def test_columns_are_followed_through_fields_to_tables(recorded: list[AnyRecord]) -> None:
    found = lineage(recorded)
    orders = "ref:table/shop.marts.fct_orders"
    assert found[PUBLISHED]["revenue"] == (ColumnSource(orders, "amount"),)
    assert found[PUBLISHED]["segment"] == (ColumnSource("ref:table/shop.marts.dim_customers", "segment"),)
    assert found[PUBLISHED]["lucky"] == (ColumnSource(orders, "customer_id"), ColumnSource(orders, "amount"))
    assert found[EMBEDDED]["revenue per customer"] == (
        ColumnSource(PUBLISHED, "revenue"),
        ColumnSource(PUBLISHED, "customer"),
    )
    assert found[BY_MONTH]["order date"] == (ColumnSource(EMBEDDED, "order date"),)
    assert found["tableau:dataset.e2"]["kilos"] == (ColumnSource("tableau:dataset.q1", "kilos"),)
    assert found["tableau:dataset.q1"]["kilos"] == (ColumnSource("ref:table/supply.harvest", "kilos", "assumed"),)


def test_what_a_sheet_computes_is_told_over_columns(recorded: list[AnyRecord]) -> None:
    found = nodes(recorded)
    assert set(found[BY_MONTH].aggregates) == {"sum(amount)", "count_distinct(customer_id), sum(amount)"}
    assert found[PUBLISHED].aggregates == ("avg(amount)",), "a level of detail is not said in SQL"
    assert found[f"tableau:chart.{luid(23)}"].aggregates == ("sum(kilos)",)


def test_neither_sql_nor_literals_are_in_records(recorded: list[AnyRecord]) -> None:
    text = msgspec.json.encode(recorded).decode()
    for word in ("select", "secret-note", "Parameters"):
        assert word not in text


# --- views ---------------------------------------------------------------------------------------------------------


def test_totals_are_of_the_day_of_the_sync_and_what_cannot_be_opened_never_was(recorded: list[AnyRecord]) -> None:
    assert totals(recorded) == {
        REVENUE: 950,
        HARVEST: 40,
        BY_MONTH: 12,
        f"tableau:chart.{luid(23)}": 3,
        f"tableau:dashboard.{luid(14)}": 7,
        "tableau:chart.s2": 0,
    }
    assert {r.day for r in recorded if isinstance(r, Observation)} == {date(2026, 11, 22)}
    [coverage] = [r for r in recorded if isinstance(r, Coverage)]
    assert (coverage.start, coverage.end) == (date(2026, 11, 22), date(2026, 11, 22))
    assert coverage.covers == "kind:dashboard,connector:tableau kind:chart,connector:tableau"


def test_a_story_that_the_metadata_does_not_know_is_there_and_said(recorded: list[AnyRecord]) -> None:
    assert nodes(recorded)[f"tableau:dashboard.{luid(14)}"].name == "The story of our tea"
    assert gaps(recorded) == ["what 1 view of Tableau read is not known: the Metadata API does not name them"]


def test_views_are_what_lies_between_two_syncs(tmp_path: Path) -> None:
    """Through a real store: the first sync says nothing of use, the second what was opened since."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:

        def synced(day: int, month: int, more: int) -> Graph:
            now = datetime(2026, month, day, 6, tzinfo=UTC)
            views = [view(11, "Revenue", 950 + more), *VIEWS[1:]]
            record(tmp_path / "answers", views=views)
            with store.sync("tableau", now) as sync:
                sync.write(read(tmp_path, {"export": "answers"}, now=now))
            return Graph(store.load().records, as_of=now.date())

        first = synced(1, 9, 0)
        assert {first.use.status[i] for i in first.assets} == {"unknown"}
        synced(1, 10, 20)
        last = synced(22, 11, 25)
        at = last.index
        assert last.use.daily(at[REVENUE]) == {date(2026, 10, 1): 20, date(2026, 11, 22): 5}
        assert last.use.status[at[REVENUE]] == "used"
        assert last.use.status[at[EMBEDDED]] == "used", "what a dashboard that is opened stands on"
        assert last.use.status[at[HARVEST]] == "unused"
        assert last.use.status[at["tableau:chart.s2"]] == "used", "shown on a dashboard that is opened"


def test_recorded_answers_may_be_of_another_day(tmp_path: Path) -> None:
    record(tmp_path / "answers")
    found = read(tmp_path, {"export": "answers", "taken": "2026-11-20"})
    assert {r.day for r in found if isinstance(r, Observation)} == {date(2026, 11, 20)}


EVENTS = f"""\
Actor User Name,Event Date,Event Type,Item Type,Item LUID,Event Name
mei@tea.example,2026-11-19 08:00:00,Access,View,{luid(11)},Access View
mei@tea.example,2026-11-19 08:00:10,Access,View,{luid(11)},Access View
bo@tea.example,11/20/2026 1:52:45 PM,Access,View,{luid(11).upper()},Access View
svc-etl,2026-11-20 09:00:00,Access,View,{luid(11)},Access View
bo@tea.example,2026-11-20 10:00:00,Access,Workbook,{luid(1)},Access Workbook
bo@tea.example,2026-11-20 10:00:00,Publish,View,{luid(11)},Publish View
bo@tea.example,2026-11-21 10:00:00,Access,View,{luid(99)},Access View
"""


def test_an_export_of_events_has_people_and_days(tmp_path: Path) -> None:
    record(tmp_path / "answers")
    (tmp_path / "events.csv").write_text(EVENTS)
    found = read(tmp_path, {"export": "answers", "events": "events.csv"})
    seen = [r for r in found if isinstance(r, Observation)]
    assert [(r.day.day, r.measure, r.node, r.person_class, r.amount) for r in seen] == [
        (19, "views", REVENUE, "person", 1),
        (20, "views", REVENUE, "person", 1),
        (20, "views", REVENUE, "service", 1),
    ], "a reload is no view, and there are no totals beside"
    assert len({r.person for r in seen}) == 3
    [coverage] = [r for r in found if isinstance(r, Coverage)]
    assert (coverage.start, coverage.end) == (date(2026, 11, 19), date(2026, 11, 21))
    assert "1 view in events.csv: of things that this site does not have any more" in gaps(found)
    assert "tea.example" not in msgspec.json.encode(seen).decode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "events.csv:1: there is no column event type, item type, item luid"),
        (EVENTS.replace("2026-", "26."), "rows cannot be read"),
        ("", "empty"),
    ],
)
def test_a_file_that_is_no_export_of_events_is_refused(tmp_path: Path, content: str, said: str) -> None:
    record(tmp_path / "answers")
    (tmp_path / "events.csv").write_text(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path, {"export": "answers", "events": "events.csv"})


# --- what is missing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing", ["sheets", "embedded_datasources", "published_datasources", "custom_sql", "views", "subscriptions"]
)
def test_an_answer_that_was_not_recorded_is_a_gap(tmp_path: Path, missing: str) -> None:
    record(tmp_path / "answers", without=(missing,))
    found = read(tmp_path, {"export": "answers"})
    assert REVENUE in nodes(found)
    assert any(f"answers/{missing}.json" in said and "not known" in said for said in gaps(found)), gaps(found)
    if missing == "views":
        assert not [r for r in found if isinstance(r, Coverage | Observation)]


def test_values_of_any_type_do_no_harm(tmp_path: Path) -> None:
    """Every value of every answer, turned into something else in turn."""
    record(tmp_path / "answers")
    for file in sorted((tmp_path / "answers").glob("*.json")):
        whole = file.read_text()
        for odd in (None, 7, "x", [], {}, [[1]], True):
            content = json.loads(whole, object_hook=lambda o, odd=odd: _turned(o, odd))
            file.write_text(json.dumps(content))
            read(tmp_path, {"export": "answers"})
        file.write_text(whole)


def _turned(of: dict[str, Any], odd: Any) -> dict[str, Any]:
    keep = {"data", "nodes", "id", "pagination"} | {key for key in of if key.endswith("Connection")}
    return {key: value if key in keep or key in {"views", "view"} else odd for key, value in of.items()}


def test_fields_that_stand_on_themselves_and_formulas_without_end(tmp_path: Path) -> None:
    record(tmp_path / "answers")
    file = tmp_path / "answers/published_datasources.json"
    answer = json.loads(file.read_text())
    fields = answer["data"]["publishedDatasourcesConnection"]["nodes"][0]["fields"]
    deep = [
        {"id": f"x{i}", "name": f"x{i}", "role": "MEASURE", "formula": f"[x{i + 1}] + [x{i + 1}]"} for i in range(3000)
    ]
    fields += [{"id": "y", "name": "y", "role": "MEASURE", "formula": "[y] + SUM([Revenue])"}, *deep]
    file.write_text(json.dumps(answer))
    assert nodes(read(tmp_path, {"export": "answers"}))[PUBLISHED].aggregates == ("avg(amount)",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "either url or export: neither is given"),
        ({"url": "https://x.example", "export": "answers"}, "both are given"),
        ({"url": "https://x.example"}, "needs the option token_name"),
        ({"url": "ftp://x.example", "token_name": "t"}, "is not one of a server"),
        ({"export": "answers", "taken": "yesterday"}, "option taken of tableau is no day"),
        ({"export": "answers", "api_version": "new"}, "is no version"),
        ({"export": "answers", "sit": "tea"}, "did you mean site"),
        ({"export": 7}, "is to be str, not int"),
        ({"url": "https://x.example", "token_name": "t", "taken": "2026-11-20"}, "a server answers today"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, options)


def test_the_token_comes_from_the_environment(tmp_path: Path) -> None:
    options = {"url": "https://x.example", "token_name": "t", "token": "in the file"}
    with pytest.raises(ConfigError, match="needs HEADWAY_TABLEAU_TOKEN in the environment"):
        list(TableauSite(options, Context(str(tmp_path), NOW, {})).records())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: there is no such folder"):
        read(tmp_path, {"export": "nowhere"})


# --- a server ------------------------------------------------------------------------------------------------------


def live(server: TableauServer, **more: Any) -> dict[str, Any]:
    return {"url": server.url, "site": SITE, "token_name": TOKEN_NAME, **more}


def test_a_server_and_its_recorded_answers_say_the_same(tmp_path: Path, recorded: list[AnyRecord]) -> None:
    with TableauServer() as server:
        found = read(tmp_path, live(server))
    plain = [r for r in found if not isinstance(r, Node)]
    assert plain == [r for r in recorded if not isinstance(r, Node)]
    assert nodes(found).keys() == nodes(recorded).keys()
    assert nodes(found)[REVENUE].url == f"{server.url}/#/site/tea/views/Teasales/Revenue"


def test_it_signs_in_asks_every_page_and_signs_out(tmp_path: Path) -> None:
    with TableauServer(page=2) as server:
        read(tmp_path, live(server))
    asked = server.asked
    assert asked[0] == "POST /api/3.6/auth/signin"
    assert asked[-1] == "POST /api/3.6/auth/signout"
    assert sum(line.endswith("/views") for line in asked) == 3
    assert sum(line.endswith("/graphql") for line in asked) == 6, "sheets in two pages"
    assert all("x-tableau-auth" in request.headers for request in server.seen[1:])
    assert all(TOKEN not in str(request.headers) + request.path for request in server.seen)


def test_too_many_nodes_are_asked_for_in_smaller_pages(tmp_path: Path, recorded: list[AnyRecord]) -> None:
    with TableauServer(page=100, node_limit=5) as server:
        found = read(tmp_path, live(server))
    assert edges(found) == edges(recorded)
    assert gaps(found) == gaps(recorded)


def test_wrong_credentials_are_a_service_error_without_them(tmp_path: Path) -> None:
    with TableauServer() as server, pytest.raises(ServiceError, match=r"signin was refused.*\(401\)") as error:
        read(tmp_path, live(server), HEADWAY_TABLEAU_TOKEN="wrong-token-aa11")
    assert "wrong-token-aa11" not in str(error.value)


def test_a_page_instead_of_json_is_a_service_error(tmp_path: Path) -> None:
    with TableauServer() as server:
        server.routes["POST /api/3.6/auth/signin"] = Answer(b"<html>Welcome</html>")
        with pytest.raises(ServiceError, match="not JSON"):
            read(tmp_path, live(server))
        server.routes["POST /api/3.6/auth/signin"] = {"credentials": {}}
        with pytest.raises(ServiceError, match="no session"):
            read(tmp_path, live(server))


def test_nobody_there_is_a_service_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.remote.Client.sleep", lambda *_: None, raising=False)
    options = {"url": unused_url(), "site": SITE, "token_name": TOKEN_NAME}
    quick = TableauSite(options, Context(str(tmp_path), NOW, ENVIRONMENT))
    monkeypatch.setattr(quick, "_client", lambda client=quick._client: _hasty(client()))
    with pytest.raises(ServiceError, match="nothing answers there"):
        list(quick.records())


def _hasty(client: Any) -> Any:
    client.attempts = 1
    return client


def test_redirects_are_not_followed_with_the_token(tmp_path: Path) -> None:
    with TableauServer() as elsewhere, TableauServer() as server:
        server.routes["POST /api/3.6/auth/signin"] = Answer(
            status=302, headers={"Location": f"{elsewhere.url}/api/3.6/auth/signin"}
        )
        with pytest.raises(ServiceError, match="sent elsewhere"):
            read(tmp_path, live(server))
        assert elsewhere.seen == []


def test_a_list_that_is_not_allowed_is_a_gap(tmp_path: Path) -> None:
    with TableauServer() as server:
        path = next(path for path in server.routes if path.endswith("/views"))
        server.routes[path] = Answer({"error": {}}, status=403)
        found = read(tmp_path, live(server))
    assert REVENUE in nodes(found)
    assert not [r for r in found if isinstance(r, Observation | Coverage)]
    [gap] = [r for r in found if isinstance(r, Gap) and "views" in r.message]
    assert "(403)" in gap.message
    assert "administrator" in gap.hint


def test_a_server_that_breaks_off_in_the_middle_gives_what_it_gave(tmp_path: Path) -> None:
    with TableauServer(page=2) as server:

        def second_page_fails(request: Request) -> Answer:
            if "sheetsConnection" in request.json["query"] and request.json["variables"]["afterToken"]:
                return Answer({"message": "no"}, status=400)
            return server.metadata(request)

        server.routes["POST /api/metadata/graphql"] = second_page_fails
        found = read(tmp_path, live(server))
    assert BY_MONTH in nodes(found)
    assert f"tableau:chart.{luid(23)}" not in {e for e, _ in edges(found)}
    assert any(said.startswith("sheets of Tableau are not known in full") for said in gaps(found))


def test_errors_beside_an_answer_are_said(tmp_path: Path) -> None:
    with TableauServer() as server:

        def in_part(request: Request) -> Answer:
            answer = server.metadata(request).body
            errors = [{"message": "about sales-team@tea.example", "extensions": {"code": "BACKFILL_RUNNING"}}]
            return Answer({**answer, "errors": errors})

        server.routes["POST /api/metadata/graphql"] = in_part
        found = read(tmp_path, live(server))
    said = [message for message in gaps(found) if "BACKFILL_RUNNING" in message]
    assert said[0] == "Tableau: workbooks and dashboards were answered in part or not at all (BACKFILL_RUNNING)"
    assert len(said) == 5
    assert not any("sales-team" in message for message in said)


def test_metadata_that_is_switched_off_is_a_service_error(tmp_path: Path) -> None:
    with TableauServer() as server:
        server.routes["POST /api/metadata/graphql"] = Answer({"errors": [{"message": "disabled"}]})
        with pytest.raises(ServiceError, match="workbooks and dashboards were answered in part or not at all"):
            read(tmp_path, live(server))
        assert server.asked[-1] == "POST /api/3.6/auth/signout"


def test_pages_without_end_do_end(tmp_path: Path) -> None:
    with TableauServer() as server:
        page = {"data": {"sheetsConnection": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}}}

        def round_and_round(request: Request) -> Answer:
            return Answer(page) if "sheetsConnection" in request.json["query"] else server.metadata(request)

        server.routes["POST /api/metadata/graphql"] = round_and_round
        found = read(tmp_path, live(server))
    assert any("do not come to an end" in said for said in gaps(found))


def test_told_to_wait_it_waits_and_asks_again(tmp_path: Path, recorded: list[AnyRecord]) -> None:
    with TableauServer() as server:
        path = next(path for path in server.routes if path.endswith("/subscriptions"))
        usual = server.routes[path]
        turns = iter([Answer(status=429, headers={"Retry-After": "0"})])
        server.routes[path] = lambda request: next(turns, None) or usual(request)
        assert edges(read(tmp_path, live(server))) == edges(recorded)
    assert sum(line.endswith("/subscriptions") for line in server.asked) == 2


def test_interrupted_it_signs_out(tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if "sheets" in what:
            raise KeyboardInterrupt

    with TableauServer() as server:
        context = Context(str(tmp_path), NOW, ENVIRONMENT, interrupt)
        with pytest.raises(KeyboardInterrupt):
            list(TableauSite(live(server), context).records())
        assert server.asked[-1] == "POST /api/3.6/auth/signout"


def test_no_secret_and_no_session_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with TableauServer() as server:
        text = msgspec.json.encode(read(tmp_path, live(server))).decode() + caplog.text
    assert TOKEN not in text
    assert "session-of-the-tea-site" not in text


# --- held against the vendor's own client --------------------------------------------------------------------------


def test_the_vendors_client_asks_the_same_server_the_same(tmp_path: Path) -> None:
    """tableauserverclient signs in to, pages through and understands the server that our connector is tested on."""
    vendor = pytest.importorskip("tableauserverclient")
    with TableauServer(page=2) as server:
        found = read(tmp_path, live(server))
        ours = {line for line in server.asked if "signout" not in line}
        server.seen.clear()
        client = vendor.Server(server.url, use_server_version=False)
        client.version = "3.6"
        with client.auth.sign_in(vendor.PersonalAccessTokenAuth(TOKEN_NAME, TOKEN, SITE)):
            seen = {one.id: one.total_views for one in vendor.Pager(client.views, usage=True)}
            mailed = {one.target.id: one.suspended for one in vendor.Pager(client.subscriptions)}
            pages = [
                page["data"][f"{part.name}Connection"]["nodes"]
                for part in (queries.WORKBOOKS, queries.SHEETS, queries.EMBEDDED, queries.PUBLISHED, queries.CUSTOM_SQL)
                for page in client.metadata.paginated_query(part.query, {"first": 2})["pages"]
            ]
        theirs = {line for line in server.asked if "signout" not in line}
    assert ours == theirs
    known = {node.removeprefix("tableau:").partition(".")[2]: total for node, total in totals(found).items()}
    assert {key: total for key, total in known.items() if key != "s2"} == seen
    assert mailed == {luid(2): False, luid(11): True}
    assert sum(map(len, pages)) == sum(map(len, NODES.values()))


# --- names and formulas --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full", "name", "schema", "kind", "database", "relation"),
    [
        ("[marts].[fct_orders]", "fct_orders", "", "postgres", "shop", "shop.marts.fct_orders"),
        ("[SHOP].[MARTS].[FCT_ORDERS]", "FCT_ORDERS", "MARTS", "snowflake", "SHOP", "SHOP.MARTS.FCT_ORDERS"),
        ("[orders]", "orders", "marts", "redshift", "shop", "shop.marts.orders"),
        ("[orders]", "orders", "", "postgres", "shop", "orders"),
        ("[orders]", "orders", "", "mysql", "shop", "shop.orders"),
        ("[shop].[orders]", "orders", "", "athena", "AwsDataCatalog", "shop.orders"),
        ("`tea-project.marts.orders`", "orders", "", "bigquery", "tea-project", "tea-project.marts.orders"),
        ("marts.orders", "orders", "", "trino_jdbc", "", "marts.orders"),
        ("[marts].[a]]b]", "a]b", "", "sqlserver", "", "marts.a]b"),
        ("", "orders", "", "postgres", "", "orders"),
        ("", "", "", "postgres", "shop", ""),
        ("[Sheet1$]", "Sheet1$", "", "excel-direct", "targets.xlsx", ""),
    ],
)
def test_names_of_tables(full: str, name: str, schema: str, kind: str, database: str, relation: str) -> None:
    given = {"fullName": full, "name": name, "schema": schema, "connectionType": kind, "database": {"name": database}}
    assert tables.relation(given) == relation


def test_custom_sql_loses_what_is_tableaus() -> None:
    assert tables.plain_sql("a << 3 and b = <[Parameters].[Which one]>") == "a < 3 and b =  NULL "


@pytest.mark.parametrize(
    ("formula", "sql"),
    [
        ("SUM([a]) / COUNTD([b])", "SUM( <a> ) / COUNT(DISTINCT  <b> )"),
        ("ZN(SUM([a]))", "COALESCE( SUM( <a> ) , 0)"),
        ("SUM(IF [a] == 'paid' THEN [b] END)", "SUM( CASE WHEN <a> = '' THEN <b> END )"),
        ("// why\nAVG([a]) /* so */", "AVG( <a> )"),
        ("SUM([a]]b])", "SUM( <a]b> )"),
        ("{FIXED [a]: SUM([b])}", ""),
        ("WINDOW_SUM(SUM([a]))", ""),
        ("SUM([a]) > [Parameters].[limit]", ""),
        ("SUM([a]", ""),
        ("SUM([a]))", ""),
        ("", ""),
    ],
)
def test_formulas(formula: str, sql: str) -> None:
    assert formulas.sql(formula, lambda name: f"<{name}>") == sql


def test_fields_of_a_formula() -> None:
    assert formulas.fields("{FIXED [a]: SUM([b]) + [Parameters].[p] + 'text [c]' + [a]} // [d]") == ("a", "b")
