"""Power BI: from files of scans and events, and from a server that speaks as its admin API does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from http_server import Answer, Request
from powerbi_tenant import (
    ADMIN,
    BARE,
    BOARD,
    CLIENT,
    EVENTS,
    FLOW,
    HARVEST,
    KILOS,
    OLD,
    ORDERS,
    REVENUE,
    SECRET,
    TENANT,
    PowerBIServer,
    event,
    guid,
    record,
    scan,
)

from headway.connectors.powerbi import dax, mashup
from headway.connectors.powerbi.connector import PowerBI
from headway.connectors.powerbi.service import Exhausted, Pace
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, ServiceError
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, ColumnLineage, ColumnSource, Coverage, Edge, Gap, Node, Observation
from headway.remote import Client
from headway.store.store import Store
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ENVIRONMENT = {"HEADWAY_POWERBI_SECRET": SECRET, "HEADWAY_PEOPLE_KEY": "a key for the tests alone"}
OFFLINE = {"export": ["scans"], "events": ["events.jsonl"]}


def dashboard(ident: str) -> str:
    return f"powerbi:dashboard.{ident}"


def dataset(ident: str) -> str:
    return f"powerbi:dataset.{ident}"


def metric(name: str) -> str:
    return f"powerbi:metric.{ORDERS}.{name}"


class TestConformance(ConnectorConformance):
    connector = PowerBI
    input_option = "export"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        record(folder)
        return {"export": ["scans/1.json", "scans/2.json"], "events": ["events.jsonl"]}

    def environment(self) -> Mapping[str, str]:
        return ENVIRONMENT

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {"a list of workspaces": b'[{"id": "1"}]', "an error": b'{"error": {"code": "x"}}', "a number": b"17"}


class TestConformanceOfEvents(ConnectorConformance):
    """The same with the file of events broken."""

    connector = PowerBI
    input_option = "events"
    tolerated: Mapping[str, str] = {}

    def recording(self, folder: Path) -> Mapping[str, Any]:
        record(folder)
        return {"export": ["scans/1.json", "scans/2.json"], "events": ["events.jsonl"]}

    def environment(self) -> Mapping[str, str]:
        return ENVIRONMENT


def read(
    root: Path, options: Mapping[str, Any], *, covered: datetime | None = None, now: datetime = NOW
) -> list[AnyRecord]:
    return list(PowerBI(options, Context(str(root), now, ENVIRONMENT, covered=covered)).records())


@pytest.fixture
def recorded(tmp_path: Path) -> list[AnyRecord]:
    record(tmp_path)
    return read(tmp_path, OFFLINE)


def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id: r for r in records if isinstance(r, Node)}


def edges(records: list[AnyRecord]) -> set[tuple[str, str]]:
    return {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}


def lineage(records: list[AnyRecord]) -> dict[str, dict[str, tuple[ColumnSource, ...]]]:
    return {r.node: r.columns for r in records if isinstance(r, ColumnLineage)}


def gaps(records: list[AnyRecord], topic: str = "") -> list[str]:
    return [r.message for r in records if isinstance(r, Gap) and topic in ("", r.topic)]


def seen(records: list[AnyRecord]) -> list[tuple[int, str, str, float]]:
    return [(r.day.day, r.node, r.person_class, r.amount) for r in records if isinstance(r, Observation)]


def days_covered(records: list[AnyRecord]) -> list[tuple[date, date]]:
    return [(r.start, r.end) for r in records if isinstance(r, Coverage)]


# --- what there is -------------------------------------------------------------------------------------------------


def test_reports_read_datasets_datasets_measures_and_tables(recorded: list[AnyRecord]) -> None:
    customers = dataset(f"{ORDERS}.Customers")
    orders = "ref:table/SHOP.MARTS.FCT_ORDERS"
    assert edges(recorded) == {
        (dataset(ORDERS), dashboard(REVENUE)),
        (dataset(HARVEST), dashboard(KILOS)),
        (dataset(BARE), dashboard(OLD)),
        (dashboard(REVENUE), dashboard(BOARD)),
        (dataset(HARVEST), dashboard(BOARD)),
        (orders, dataset(ORDERS)),
        (customers, dataset(ORDERS)),
        ("ref:table/SHOP.MARTS.DIM_CUSTOMERS", customers),
        *((metric(name), dataset(ORDERS)) for name in ("Revenue", "Per customer", "Last year", "Customer count")),
        *((orders, metric(name)) for name in ("Revenue", "Per customer", "Last year")),
        (customers, metric("Customer count")),
        ("ref:table/shop.supply.harvest", dataset(HARVEST)),
        (dataset(FLOW), dataset(HARVEST)),
        (dataset(ORDERS), dataset(HARVEST)),
    }


def test_what_people_know_of_a_report(recorded: list[AnyRecord]) -> None:
    revenue, board = nodes(recorded)[dashboard(REVENUE)], nodes(recorded)[dashboard(BOARD)]
    assert (revenue.name, revenue.owner, revenue.path) == ("Revenue", "sales-team@tea.example", "Sales")
    assert (revenue.tags, revenue.created) == (("certified",), date(2025, 5, 1))
    assert revenue.url == f"https://app.powerbi.com/groups/{guid(1)}/reports/{REVENUE}"
    assert (board.name, board.owner) == ("Morning", "Sales team")
    assert nodes(recorded)[dashboard(KILOS)].owner == "supply-team@tea.example"


def test_what_an_app_publishes_is_load_bearing_and_its_copy_is_no_other(recorded: list[AnyRecord]) -> None:
    assert {n.id for n in nodes(recorded).values() if n.outside} == {dashboard(KILOS)}
    assert [n.name for n in nodes(recorded).values() if "Kilos" in n.name] == ["Kilos"]


def test_what_lies_in_a_deleted_workspace_is_no_asset(recorded: list[AnyRecord]) -> None:
    assert {n.id for n in nodes(recorded).values() if n.disabled} == {dashboard(OLD)}


def test_columns_are_followed_through_renaming_to_tables(recorded: list[AnyRecord]) -> None:
    found = lineage(recorded)
    orders = "ref:table/SHOP.MARTS.FCT_ORDERS"
    assert found[dataset(ORDERS)] == {
        "orders.amount": (ColumnSource(orders, "amt"),),
        "orders.customer": (ColumnSource(orders, "customer_id"),),
        "orders.margin": (ColumnSource(orders, ""),),
        "customers.segment": (ColumnSource(dataset(f"{ORDERS}.Customers"), "segment"),),
    }
    assert found[metric("Per customer")] == {
        "per customer": (ColumnSource(orders, "amt"), ColumnSource(orders, "customer_id"))
    }
    assert found[metric("Last year")] == {"last year": (ColumnSource(orders, "amt"),)}


def test_measures_that_are_plain_are_computed_and_others_named(recorded: list[AnyRecord]) -> None:
    found = nodes(recorded)
    assert found[metric("Revenue")].aggregates == ("sum(amt)",)
    assert found[metric("Revenue")].description == "What was paid"
    assert found[metric("Per customer")].aggregates == ("count_distinct(customer_id), sum(amt)",)
    assert found[metric("Customer count")].aggregates == ("count()",)
    assert found[metric("Last year")].aggregates == ()


def test_what_is_not_known_is_said(recorded: list[AnyRecord]) -> None:
    assert gaps(recorded, "lineage") == [
        "without tables: 1 of 3 datasets of Power BI (Old sales)",
        "from a database, in a way that is not understood: 1 table of Power BI (Harvest: Plans)",
        "with an M expression that cannot be read: 1 table of Power BI (Harvest: Broken)",
        "what 1 dataflow of Power BI read is not known: a scan does not say it",
    ]


def test_neither_expressions_nor_literals_nor_readers_are_in_records(recorded: list[AnyRecord]) -> None:
    text = msgspec.json.encode(recorded).decode()
    for word in ("secret-note", "select", "snowflakecomputing", "reader@tea.example", "mei@", "CALCULATE", "10.0.0.1"):
        assert word not in text


# --- views ---------------------------------------------------------------------------------------------------------


def test_views_by_day_and_class(recorded: list[AnyRecord]) -> None:
    assert sorted(seen(recorded)) == [
        (19, dashboard(REVENUE), "person", 1),
        (20, dashboard(REVENUE), "person", 1),
        (20, dashboard(REVENUE), "person", 1),
        (20, dashboard(REVENUE), "service", 1),
        (20, dashboard(KILOS), "embedded", 1),
        (20, dashboard(BOARD), "person", 1),
        (21, dashboard(KILOS), "person", 1),
        (22, dashboard(REVENUE), "person", 1),
    ], "failed ones and edits are none; the copy in an app is the original"
    assert len({r.person for r in recorded if isinstance(r, Observation)}) == 4
    assert gaps(recorded, "usage") == ["1 view of things that no scan of Power BI names"]


def test_of_today_nothing_is_promised(recorded: list[AnyRecord]) -> None:
    assert days_covered(recorded) == [(date(2026, 11, 19), date(2026, 11, 21))]


def test_events_as_answers_and_twice_are_the_same(tmp_path: Path, recorded: list[AnyRecord]) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"activityEventEntities": EVENTS[:6]}))
    (tmp_path / "b.json").write_text(json.dumps([{"activityEventEntities": EVENTS[4:]}, *EVENTS[:2]]))
    assert seen(read(tmp_path, {**OFFLINE, "events": ["a.json", "b.json"]})) == seen(recorded)


def test_mails_are_deliveries(tmp_path: Path) -> None:
    record(tmp_path)
    mail = event(1, 20, "mei@tea.example", activity="RunEmailSubscription")
    (tmp_path / "events.jsonl").write_text(json.dumps(mail))
    assert seen(read(tmp_path, OFFLINE)) == [(20, dashboard(REVENUE), "scheduled", 1)]


def test_who_is_executive_is_configured(tmp_path: Path) -> None:
    record(tmp_path)
    found = read(tmp_path, {**OFFLINE, "people": {"executive": ["mei@.*"]}})
    assert {(day, c) for day, node, c, _ in seen(found) if node == dashboard(REVENUE) and day == 19} == {
        (19, "executive")
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("nonsense\n" * 5, r"events.jsonl:1: 5 lines are no activity events"),
        ('{"value": []}', "this holds no activity events"),
        ("[1, 2]", "this holds no activity events"),
        ("", "0 lines are no activity events"),
    ],
)
def test_files_that_are_no_events_are_refused(tmp_path: Path, content: str, said: str) -> None:
    record(tmp_path)
    (tmp_path / "events.jsonl").write_text(content)
    with pytest.raises(InputError, match=said):
        read(tmp_path, OFFLINE)


def test_a_few_broken_lines_do_not_matter(tmp_path: Path) -> None:
    record(tmp_path)
    lines = [json.dumps(event(i, 1 + i % 20, f"p{i}@tea.example")) for i in range(200)]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines, '{"Id": "cut o', json.dumps({"CreationTime": "never"})]))
    found = read(tmp_path, OFFLINE)
    assert sum(amount for *_, amount in seen(found)) == 200
    assert "left out, because no time is said: 1 activity event of Power BI" in gaps(found)


# --- options and broken scans --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "either tenant or export: neither is given"),
        ({"tenant": "x", "export": ["a"]}, "both are given"),
        ({"tenant": "x"}, "needs the option client"),
        ({"tenant": "x", "client": "c", "url": "nowhere"}, "is not one of a server"),
        ({"tenant": "x", "client": "c", "events": ["e"]}, "goes with export"),
        ({"export": ["a"], "keep_days": 0}, "not a number of days"),
        ({"export": ["a"], "requests": 0}, "no number of requests"),
        ({"export": [7]}, "a file, a folder, or a list"),
        ({"exports": ["a"]}, "did you mean export"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, options)


def test_a_folder_without_scans(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no JSON files"):
        read(tmp_path, {"export": "empty"})


def test_values_of_any_type_do_no_harm(tmp_path: Path) -> None:
    """Every value of a scan and of events, turned into something else in turn."""
    record(tmp_path)
    whole = json.dumps(scan())
    names = sorted(_names(json.loads(whole)) - {"workspaces"})
    for name in names:
        for odd in (None, 7, "x", [], {}, [[1]], True):
            turned = json.loads(
                whole, object_hook=lambda o, name=name, odd=odd: {k: odd if k == name else v for k, v in o.items()}
            )
            (tmp_path / "scans/1.json").write_text(json.dumps(turned))
            odd_event = {key: odd if i % 2 else value for i, (key, value) in enumerate(EVENTS[0].items())}
            (tmp_path / "events.jsonl").write_text(json.dumps([odd_event, EVENTS[1]]))
            read(tmp_path, {**OFFLINE, "export": ["scans/1.json"]})


def _names(of: Any) -> set[str]:
    if isinstance(of, dict):
        return {*of, *(name for value in of.values() for name in _names(value))}
    return {name for value in of for name in _names(value)} if isinstance(of, list) else set()


# --- a server ------------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """No test waits for real."""
    found = Clock()

    def timed(self: PowerBI, option: str) -> Client:
        return Client(
            "Power BI",
            self._values[option],
            progress=self._context.progress,
            sleep=found.sleep,
            monotonic=found.monotonic,
        )

    monkeypatch.setattr(PowerBI, "_client", timed)
    return found


def live(server: PowerBIServer, **more: Any) -> dict[str, Any]:
    return {"tenant": TENANT, "client": CLIENT, "url": server.url, "login": server.url, **more}


def test_the_server_says_what_its_files_say(tmp_path: Path, recorded: list[AnyRecord]) -> None:
    with PowerBIServer() as server:
        found = read(tmp_path, live(server))
    plain = (Edge, ColumnLineage)
    assert [r for r in found if isinstance(r, plain)] == [r for r in recorded if isinstance(r, plain)]
    assert nodes(found).keys() == nodes(recorded).keys()
    assert seen(found) == seen(recorded)
    assert days_covered(found) == [(date(2026, 10, 26), date(2026, 11, 21))], "28 days, today not promised"
    assert server.tokens == 1


def test_workspaces_are_scanned_a_hundred_at_a_time(tmp_path: Path, clock: Clock) -> None:
    with PowerBIServer() as server:
        server.workspaces += [guid(600 + i) for i in range(247)]
        read(tmp_path, live(server, keep_days=1))
    assert [len(wanted) for wanted in server.scans] == [100, 100, 50]
    assert clock.slept == [2.0, 2.0, 2.0], "each was asked for once before it was done"


def test_after_a_sync_only_new_days_are_asked_for(tmp_path: Path) -> None:
    with PowerBIServer() as server:
        found = read(tmp_path, live(server), covered=datetime(2026, 11, 21, 6, tzinfo=UTC))
        days = {r.query["startDateTime"][1:11] for r in server.seen if "startDateTime" in r.query}
    assert days == {"2026-11-20", "2026-11-21", "2026-11-22"}
    assert days_covered(found) == [(date(2026, 11, 20), date(2026, 11, 21))]


def test_days_that_power_bi_does_not_keep_are_not_covered(tmp_path: Path) -> None:
    with PowerBIServer(keeps=10) as server:
        found = read(tmp_path, live(server))
    assert days_covered(found) == [(date(2026, 11, 13), date(2026, 11, 21))]
    assert any(said.startswith("who opened what before 2026-11-13 is not known") for said in gaps(found, "usage"))


def test_a_day_that_fails_in_the_middle_is_asked_for_again_next_time(tmp_path: Path) -> None:
    """Nothing is covered, so that the next sync begins where this one was to; what was read is kept all the same."""
    with PowerBIServer() as server:
        pages = server.activity

        def breaks(request: Request) -> Any:
            return Answer(status=500) if "2026-11-18" in request.query.get("startDateTime", "") else pages(request)

        server.routes[f"{ADMIN}/activityevents"] = breaks
        found = read(tmp_path, live(server))
    assert days_covered(found) == []
    assert len(seen(found)) == 8
    assert any(said.startswith("who opened what before 2026-11-19 is not known") for said in gaps(found, "usage"))


def test_activity_that_is_not_allowed_is_a_gap_and_nothing_is_covered(tmp_path: Path) -> None:
    with PowerBIServer() as server:
        server.routes[f"{ADMIN}/activityevents"] = Answer({"error": {}}, status=403)
        found = read(tmp_path, live(server))
    assert dashboard(REVENUE) in nodes(found)
    assert days_covered(found) == seen(found) == []
    assert any(said.startswith("who opened what at all is not known") for said in gaps(found, "usage"))


def test_one_scan_that_fails_is_a_gap(tmp_path: Path) -> None:
    with PowerBIServer() as server:
        server.workspaces += [guid(600 + i) for i in range(100)]
        begin = server.begin
        turns = iter([Answer({"error": {"code": "x"}}, status=400)])
        server.routes[f"POST {ADMIN}/workspaces/getInfo"] = lambda r: (
            begin(r) if len(server.scans) == 0 else next(turns)
        )
        found = read(tmp_path, live(server, keep_days=1))
    assert dashboard(REVENUE) in nodes(found)
    assert any(said.startswith("some workspaces of Power BI are not known") for said in gaps(found))


def test_when_every_scan_fails_there_is_nothing(tmp_path: Path) -> None:
    with PowerBIServer() as server:
        server.status = lambda ident: {"id": ident, "status": "Failed"}  # type: ignore[method-assign]
        with pytest.raises(ServiceError, match="the scan of 3 workspaces failed"):
            read(tmp_path, live(server))


def test_a_scan_without_end_is_given_up(tmp_path: Path, clock: Clock) -> None:
    with PowerBIServer() as server:
        server.status = lambda ident: {"id": ident, "status": "Running"}  # type: ignore[method-assign]
        with pytest.raises(ServiceError, match="half an hour"):
            read(tmp_path, live(server))
    assert 1800 < sum(clock.slept) < 1900


def test_a_wrong_secret_is_a_service_error_without_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    wrong = {**ENVIRONMENT, "HEADWAY_POWERBI_SECRET": "wrong-secret-77"}
    with PowerBIServer() as server, pytest.raises(ServiceError, match=r"signing in was refused \(401\)") as error:
        list(PowerBI(live(server), Context(str(tmp_path), NOW, wrong)).records())
    assert "wrong-secret-77" not in str(error.value) + caplog.text


def test_no_secret_and_no_token_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with PowerBIServer() as server:
        text = msgspec.json.encode(read(tmp_path, live(server))).decode() + caplog.text
    assert SECRET not in text
    assert "token-1" not in text


@pytest.mark.parametrize("page", [Answer(b"<html>Sign in</html>"), Answer({"value": []}), Answer(b"")])
def test_a_page_instead_of_workspaces_is_a_service_error(tmp_path: Path, page: Answer) -> None:
    with PowerBIServer() as server:
        server.routes[f"{ADMIN}/workspaces/modified"] = page
        with pytest.raises(ServiceError):
            read(tmp_path, live(server))


def test_a_token_that_runs_out_is_renewed(tmp_path: Path, clock: Clock) -> None:
    with PowerBIServer() as server:
        pages = server.activity

        def slow(request: Request) -> Any:
            clock.now += 400
            return pages(request)

        server.routes[f"{ADMIN}/activityevents"] = slow
        found = read(tmp_path, live(server))
    assert server.tokens > 3
    assert days_covered(found) == [(date(2026, 10, 26), date(2026, 11, 21))]


def test_asked_too_often_it_waits_and_asks_again(tmp_path: Path, clock: Clock) -> None:
    with PowerBIServer() as server:
        pages, turns = server.activity, iter([Answer(status=429, headers={"Retry-After": "30"})] * 4)
        server.routes[f"{ADMIN}/activityevents"] = lambda r: next(turns, None) or pages(r)
        said: list[str] = []
        context = Context(str(tmp_path), NOW, ENVIRONMENT, lambda what, *_: said.append(what))
        found = list(PowerBI(live(server), context).records())
    assert days_covered(found) == [(date(2026, 10, 26), date(2026, 11, 21))]
    assert 300.0 in clock.slept
    assert any("asked too often" in what for what in said)


def test_an_hour_has_so_many_requests(tmp_path: Path, clock: Clock) -> None:
    with PowerBIServer() as server:
        said: list[str] = []
        context = Context(str(tmp_path), NOW, ENVIRONMENT, lambda what, *_: said.append(what))
        found = list(PowerBI(live(server, requests=40), context).records())
    assert days_covered(found) == [(date(2026, 10, 26), date(2026, 11, 21))]
    assert sum(clock.slept) == pytest.approx(3600, abs=10), "56 days and kinds and their pages: one hour's wait"
    assert any("40 requests an hour" in what for what in said)


def test_nobody_waits_for_days(tmp_path: Path) -> None:
    with PowerBIServer() as server:
        found = read(tmp_path, live(server, requests=10))
    [(start, end)] = days_covered(found)
    assert end == date(2026, 11, 21)
    assert date(2026, 11, 1) < start < end
    assert any("more than 2 hours of waiting" in said for said in gaps(found))


def test_pace() -> None:
    clock = Clock()
    pace = Pace(3, clock.sleep, clock.monotonic, lambda *_: None, waits=1)
    for _ in range(3):
        pace.turn()
        clock.now += 10
    pace.turn()
    assert clock.slept == [3570]
    clock.now += 5000
    pace.turn()
    assert clock.slept == [3570], "an hour later nothing is in the way"
    with pytest.raises(Exhausted):
        pace.wait(100, "why")


def test_interrupted_in_the_middle_nothing_is_kept(tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if "activity" in what and done == 2:
            raise KeyboardInterrupt

    def records() -> Iterator[AnyRecord]:
        return PowerBI(live(server), Context(str(tmp_path), NOW, ENVIRONMENT, interrupt)).records()

    with PowerBIServer() as server, Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        with pytest.raises(KeyboardInterrupt), store.sync("powerbi", NOW) as sync:
            sync.write(records())
        assert store.load().records == [] or not nodes(store.load().records)


def test_through_a_store_days_add_up(tmp_path: Path) -> None:
    """Two syncs a day apart: what the second reads again replaces, what it does not stays."""
    with PowerBIServer() as server, Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        for now in (NOW - timedelta(days=1), NOW):
            since = store.load().per_connector.get("powerbi")
            with store.sync("powerbi", now) as sync:
                sync.write(read(tmp_path, live(server), covered=since, now=now))
        graph = Graph(store.load().records, as_of=date(2026, 11, 22))
    use, at = graph.use, graph.index
    assert use.daily(at[dashboard(REVENUE)]) == {date(2026, 11, 19): 1, date(2026, 11, 20): 2, date(2026, 11, 22): 1}
    assert use.status[at[dataset(ORDERS)]] == "used"
    assert use.status[at[metric("Last year")]] == "used", "a measure is used where its dataset is"
    [coverage] = graph.coverage
    assert (coverage.start, coverage.end) == (date(2026, 10, 26), date(2026, 11, 21))


# --- M -------------------------------------------------------------------------------------------------------------


def table(relation: str) -> tuple[mashup.Leaf, ...]:
    return (mashup.Table(relation),)


@pytest.mark.parametrize(
    ("expression", "leaves"),
    [
        ('let S = Sql.Database("srv", "db"), t = S{[Schema="dbo",Item="orders"]}[Data] in t', table("db.dbo.orders")),
        ('Sql.Database("srv","db"){[Item="orders",Schema="dbo"]}[Data]', table("db.dbo.orders")),
        (
            'let S = Sql.Databases("srv"), d = S{[Name="db"]}[Data], t = d{[Schema="dbo",Item="orders"]}[Data] in t',
            table("db.dbo.orders"),
        ),
        (
            (
                'let S = GoogleBigQuery.Database([BillingProject="b"]), p = S{[Name="tea"]}[Data], '
                's = p{[Name="marts",Kind="Schema"]}[Data], #"my table" = s{[Name="orders"]}[Data] in #"my table"'
            ),
            table("tea.marts.orders"),
        ),
        (
            'let S = AmazonRedshift.Database("h","shop"), s = S{[Name="marts"]}[Data], t = s{[Name="o"]}[Data] in t',
            table("shop.marts.o"),
        ),
        (
            (
                'let S = Databricks.Catalogs("h", "/sql", [Catalog=null]), c = S{[Name="main",Kind="Database"]}[Data], '
                's = c{[Name="marts",Kind="Schema"]}[Data], t = s{[Name="orders",Kind="Table"]}[Data] in t'
            ),
            table("main.marts.orders"),
        ),
        ('MySQL.Database("h", "shop"){[Schema="shop",Item="orders"]}[Data]', table("shop.orders")),
        (
            'let S = Sql.Database("s", "db", [Query="select 1#(lf)from ""x"""]) in S',
            (mashup.Query('select 1\nfrom "x"', "tsql", ("db", "dbo")),),
        ),
        (
            'Value.NativeQuery(PostgreSQL.Database("h","shop"), "select * from o" & Suffix, null, [X=true])',
            (mashup.Query("select * from o limit 5", "postgres", ("shop", "public")),),
        ),
        ('Odbc.Query("dsn=x", "select a from b.c")', (mashup.Query("select a from b.c", ""),)),
        (
            'let a = Sql.Database("s","d"){[Schema="x",Item="y"]}[Data], b = Table.Join(a, {"k"}, Other, {"k"}) in b',
            (mashup.Table("d.x.y"), mashup.Table("shop.public.cust")),
        ),
        (
            (
                'if Flag then let a = Sql.Database("s","d"){[Schema="x",Item="y"]}[Data] in a '
                'else let b = Sql.Database("s","d"){[Schema="x",Item="z"]}[Data] in b'
            ),
            (mashup.Table("d.x.y"), mashup.Table("d.x.z")),
        ),
        (
            'let /* in */ S = Sql.Database("s","d") // let\n, t = S{[Schema="x",Item="in, let"]}[Data] in t',
            table("d.x.in, let"),
        ),
        ('Csv.Document(File.Contents("a.csv"), [Delimiter=","])', ()),
        ("let a = b, b = a in a", ()),
        ('Sql.Database("s", "d")', ()),
        ("", ()),
    ],
)
def test_sources_of_m(expression: str, leaves: tuple[mashup.Leaf, ...]) -> None:
    others = {
        "Suffix": '" limit 5" meta [IsParameterQuery=true]',
        "Other": 'let S = PostgreSQL.Database("h","shop") in S{[Schema="public",Item="cust"]}[Data]',
    }
    assert mashup.sources(expression, others).leaves == leaves


def test_renaming_is_followed_to_the_first_name() -> None:
    steps = (
        'let a = X, b = Table.RenameColumns(a, {{"A", "B"}, {"C", "D"}}), c = Table.RenameColumns(b, {"B", "E"}) in c'
    )
    assert mashup.sources(steps).renamed == {"B": "A", "D": "C", "E": "A"}
    assert mashup.sources('Table.RenameColumns(X, {{"A", "B"}, {"B", "A"}})').renamed == {"B": "A", "A": "B"}


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5000,
        "let " * 3000 + "x",
        "{[(" * 100 + ")]}" * 100,
        "(]",
        "let a = 1",
        '"' * 99_999,
        "f(" * 149,
        "x" * 2_000_000,
    ],
)
def test_hostile_m_is_unreadable_or_reads_nothing(expression: str) -> None:
    try:
        assert mashup.sources(expression).leaves == ()
    except mashup.Unreadable as error:
        assert "it" in str(error)  # noqa: PT017 - either of the two is right


def test_steps_that_double_are_read_once() -> None:
    steps = ", ".join(f"s{i} = f(s{i - 1}, s{i - 1})" for i in range(1, 1000))
    first = 's0 = Sql.Database("s","d"){[Schema="x",Item="y"]}[Data]'
    assert mashup.sources(f"let {first}, {steps} in s999").leaves == table("d.x.y")
    backwards = ", ".join(f"s{i} = f(s{i - 1}, s{i - 1})" for i in range(20, 0, -1))
    assert mashup.sources(f"let {backwards}, {first} in s20").leaves == table("d.x.y")


# --- DAX -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "sql"),
    [
        ("SUM('Fact Orders'[Amount])", 'SUM("Amount")'),
        ("COUNTROWS(Orders)", "COUNT(*)"),
        ("DISTINCTCOUNT(Orders[Customer ID])", 'COUNT(DISTINCT "Customer ID")'),
        ("AVERAGE(O[a]) + MIN(O[b]) - MAX(O[c])", 'AVG("a") + MIN("b") - MAX("c")'),
        ("DIVIDE([Revenue], COUNTROWS(O), 0) // share", '((SUM("amt"))) / NULLIF(COUNT(*), 0)'),
        ("-(SUM(O[a]) / 1000)", '-(SUM("a") / 1000)'),
        ("CALCULATE(SUM(O[a]), O[b] = 1)", ""),
        ("SUMX(O, O[a] * O[b])", ""),
        ("VAR x = SUM(O[a]) RETURN x", ""),
        ("SUM([a])", ""),
        ("[Unknown] * 2", ""),
        ("SUM(O[a]", ""),
        ("SUM(O[a]) SUM(O[b])", ""),
        ("(" * 3000, ""),
        ("", ""),
    ],
)
def test_measures(formula: str, sql: str) -> None:
    said = dax.sql(formula, lambda name: f'"{name.column}"', lambda name: 'SUM("amt")' if name == "Revenue" else "")
    assert said == sql


def test_names_in_a_measure() -> None:
    formula = "CALCULATE(SUM(O[a]), FILTER('My ''table', 'My ''table'[b]] x] > \"O[c]\")) -- O[d]"
    assert dax.names(formula) == (dax.Name("O", "a"), dax.Name("My 'table"), dax.Name("My 'table", "b] x"))
