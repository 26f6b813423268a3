"""Looker: recorded answers, a server that speaks its API, and everything that such a server can do wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.connectors import looker_site
from tests.connectors.http_server import Answer, Server, unused_url

from headway.connectors.looker import activity, site
from headway.connectors.looker.connector import Looker
from headway.connectors.protocol import Context
from headway.errors import ConfigError, HeadwayError, InputError, ServiceError
from headway.graph.model import AnyRecord, ColumnLineage, Coverage, Edge, Gap, Node, Observation
from headway.people import People
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
KEY = "a-key-for-tests-only"
ENVIRONMENT = {"HEADWAY_LOOKER_CLIENT_ID": "id", "HEADWAY_LOOKER_CLIENT_SECRET": "secret", "HEADWAY_PEOPLE_KEY": KEY}


class TestConformance(ConnectorConformance):
    connector = Looker
    input_option = "export"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        looker_site.recorded(folder / "looker")
        return {"export": "looker"}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "looker" / "api" / "4.0" / "dashboards.json"

    def environment(self) -> Mapping[str, str]:
        return {"HEADWAY_PEOPLE_KEY": KEY}


def read(root: Path, covered: datetime | None = None, **options: Any) -> list[AnyRecord]:
    context = Context(str(root), NOW, ENVIRONMENT, covered=covered)
    return list(Looker(options, context).records())


@pytest.fixture
def records(tmp_path: Path) -> list[AnyRecord]:
    looker_site.recorded(tmp_path / "looker")
    return read(tmp_path, export="looker", people={"executive": ["chief@.*"]})


def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id.removeprefix("looker:"): r for r in records if isinstance(r, Node)}


def upstream(records: list[AnyRecord], node: str) -> set[str]:
    ends = (r.upstream for r in records if isinstance(r, Edge) and r.downstream == f"looker:{node}")
    return {end.removeprefix("looker:") for end in ends}


def gaps(records: list[AnyRecord]) -> list[str]:
    return [r.message for r in records if isinstance(r, Gap)]


# --- what there is ---------------------------------------------------------------------------------------------------


def test_dashboards_read_their_tiles_and_looks(records: list[AnyRecord]) -> None:
    assert upstream(records, "dashboard.1") == {"chart.1.100", "chart.look.7", "chart.1.102", "chart.1.105"}
    assert upstream(records, "chart.1.100") == {
        "dataset.explore.tea.orders",
        "metric.tea.orders.revenue",
        "metric.tea.orders.count",
    }
    assert upstream(records, "chart.1.102") == {"dataset.explore.tea.orders", "metric.tea.orders.revenue"}
    assert upstream(records, "dashboard.tea::stock") == {"chart.tea::stock.1"}


def test_explores_and_measures_read_tables(records: list[AnyRecord]) -> None:
    tables = {"ref:table/wh.marts.orders", "ref:table/wh.marts.customers"}
    assert upstream(records, "dataset.explore.tea.orders") == tables
    assert "ref:table/wh.marts.orders" in upstream(records, "metric.tea.orders.revenue")
    assert upstream(records, "dataset.explore.tea.stock") == set()
    assert nodes(records)["metric.tea.orders.revenue"].aggregates == ("sum(amount)",)
    assert any("which tables 2 views of explores read" in text for text in gaps(records))


def test_columns_of_tiles(records: list[AnyRecord]) -> None:
    found = {r.node.removeprefix("looker:"): r for r in records if isinstance(r, ColumnLineage)}
    explore = found["dataset.explore.tea.orders"]
    assert {(s.node, s.column) for s in explore.columns["orders.created_month"]} == {
        ("ref:table/wh.marts.orders", "created_at")
    }
    assert {(s.node, s.column) for s in explore.columns["orders.status"]} == {("ref:table/wh.marts.orders", "")}
    assert {s.column for s in explore.shape} == {"customer_id", "id"}
    tile = found["chart.1.100"]
    assert [s.column for s in tile.columns["orders.created_month"]] == ["orders.created_month"]
    assert [s.node for s in tile.columns["orders.revenue"]] == ["looker:metric.tea.orders.revenue"]
    assert [s.column for s in tile.shape] == ["orders.status"]


def test_what_else_is_known_of_them(records: list[AnyRecord]) -> None:
    found = nodes(records)
    board = found["dashboard.1"]
    assert (board.title or board.name, board.owner, board.path) == ("Sales of tea", "sales-team", "Shared/Sales")
    assert board.created == date(2025, 3, 1)
    assert found["chart.look.7"].tags == ("look",)
    assert found["chart.look.7"].owner == "finance-team"
    assert found["dashboard.90"].disabled
    assert not found["dashboard.1"].disabled


def test_what_is_embedded_sent_or_public_is_load_bearing(records: list[AnyRecord]) -> None:
    outside = {key for key, node in nodes(records).items() if node.outside}
    assert outside == {"dashboard.1", "dashboard.2", "dashboard.tea::stock", "chart.look.8"}


def test_tied_to_the_items_of_the_lookml_source(tmp_path: Path) -> None:
    looker_site.recorded(tmp_path / "looker")
    records = read(tmp_path, export="looker", lookml=True)
    assert {node.kind for node in nodes(records).values()} == {"dashboard", "chart"}
    assert upstream(records, "chart.1.100") == {
        "lookml:dataset.explore.tea.orders",
        "ref:metric/orders.revenue",
        "ref:metric/orders.count",
    }
    tile = next(r for r in records if isinstance(r, ColumnLineage) and r.node == "looker:chart.1.100")
    assert [s.node for s in tile.columns["orders.revenue"]] == ["ref:metric/orders.revenue"]


# --- who opens them --------------------------------------------------------------------------------------------------


def test_views_by_day_class_and_person(records: list[AnyRecord]) -> None:
    people = People(KEY.encode())
    found = {
        (r.node.removeprefix("looker:"), str(r.day), r.person_class, r.person): r.amount
        for r in records
        if isinstance(r, Observation)
    }
    lead = people.hashed("lead@tea.example")
    assert found == {
        ("dashboard.1", "2026-11-20", "person", lead): 4.0,
        ("dashboard.1", "2026-11-20", "scheduled", lead): 5.0,
        ("dashboard.1", "2026-11-21", "embedded", people.hashed("partner@tea.example")): 7.0,
        ("dashboard.tea::stock", "2026-11-21", "service", people.hashed("etl_svc@tea.example")): 2.0,
        ("dashboard.2", "2026-11-22", "service", lead): 9.0,
        ("chart.look.7", "2026-11-19", "executive", people.hashed("chief@tea.example")): 2.0,
    }


def test_the_log_covers_ninety_days_and_no_tiles(records: list[AnyRecord]) -> None:
    (coverage,) = (r for r in records if isinstance(r, Coverage))
    assert (coverage.start, coverage.end) == (date(2026, 8, 25), date(2026, 11, 22))
    assert (coverage.end - coverage.start).days == 89
    assert coverage.covers == "kind:dashboard,connector:looker kind:chart,tag:look,connector:looker"


def test_a_later_sync_reads_from_the_day_before_the_last(tmp_path: Path) -> None:
    looker_site.recorded(tmp_path / "looker")
    records = read(tmp_path, covered=NOW - timedelta(hours=12), export="looker")
    (coverage,) = (r for r in records if isinstance(r, Coverage))
    assert coverage.start == date(2026, 11, 20)
    assert min(r.day for r in records if isinstance(r, Observation)) == date(2026, 11, 20)


def test_no_name_of_a_reader_is_anywhere(records: list[AnyRecord]) -> None:
    assert "@tea.example" not in repr(records)


# --- live ------------------------------------------------------------------------------------------------------------


def test_a_server_gives_the_same_as_its_recording(tmp_path: Path, records: list[AnyRecord]) -> None:
    with Server(looker_site.routes()) as server:
        live = read(tmp_path, url=server.url, people={"executive": ["chief@.*"]})
    assert set(nodes(live)) == set(nodes(records))
    assert [r for r in live if isinstance(r, Observation)] == [r for r in records if isinstance(r, Observation)]
    assert nodes(live)["dashboard.1"].url == f"{server.url}/dashboards/1"
    assert all(request.path.startswith("/api/4.0/") for request in server.seen)
    assert "secret" not in repr(live)
    assert looker_site.TOKEN not in repr(live)


def test_a_log_that_is_cut_is_asked_for_in_halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "ROWS", 2)
    with Server(looker_site.routes()) as server:
        records = read(tmp_path, url=server.url)
    views = [r for r in records if isinstance(r, Observation)]
    assert sum(r.amount for r in views) == sum(row[-1] for row in looker_site.ACTIVITY) + 2
    assert gaps(records) == [text for text in gaps(records) if "which tables" in text]
    limits = {r.json["limit"] for r in server.seen if r.path.endswith("/run/json") and r.json["view"] == "history"}
    assert limits == {"2", "100000"}


def test_a_day_with_more_rows_than_can_be_asked_for_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "ROWS", 2)
    monkeypatch.setattr(activity, "MOST_ROWS", 3)
    with Server(looker_site.routes()) as server:
        records = read(tmp_path, url=server.url)
    assert any("has more than 3 rows for 2026-11-20: the rest is unknown" in text for text in gaps(records))
    (coverage,) = (r for r in records if isinstance(r, Coverage))
    assert coverage.covers == "kind:chart,tag:look,connector:looker"


def test_the_trash_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "PAGE", 2)
    routes = looker_site.routes()
    trash = [{"id": str(900 + i), "title": "x", "deleted": True} for i in range(5)]
    routes[f"{looker_site.API}/dashboards/search"] = lambda r: trash[int(r.query["offset"]) :][: int(r.query["limit"])]
    with Server(routes) as server:
        found = nodes(read(tmp_path, url=server.url))
    assert {f"dashboard.{900 + i}" for i in range(5)} <= set(found)


def test_a_token_that_has_run_out_is_asked_for_anew(tmp_path: Path) -> None:
    routes = looker_site.routes()
    good = routes[f"{looker_site.API}/looks/7"]
    turns = iter([Answer({"message": "Requires authentication."}, status=401)])
    routes[f"{looker_site.API}/looks/7"] = lambda request: next(turns, None) or good(request)
    with Server(routes) as server:
        found = nodes(read(tmp_path, url=server.url))
    assert "chart.look.7" in found
    assert server.asked.count("POST /api/4.0/login") == 2


def test_later_is_tried_again(tmp_path: Path) -> None:
    routes = looker_site.routes()
    good = routes[f"{looker_site.API}/folders"]
    turns = iter([Answer(status=429, headers={"Retry-After": "0"}), Answer(status=503, headers={"Retry-After": "0"})])
    routes[f"{looker_site.API}/folders"] = lambda request: next(turns, None) or good(request)
    with Server(routes) as server:
        assert nodes(read(tmp_path, url=server.url))["dashboard.1"].path == "Shared/Sales"
    assert server.asked.count("GET /api/4.0/folders") == 3


def test_a_part_that_fails_is_a_gap_and_the_rest_comes(tmp_path: Path) -> None:
    routes = looker_site.routes()
    routes[f"{looker_site.API}/dashboards/1"] = Answer({"message": "oops"}, status=418)
    routes[f"{looker_site.API}/lookml_models/tea/explores/stock"] = Answer(status=403)
    routes[f"POST {looker_site.API}/queries/run/json"] = Answer(status=403)
    routes[f"{looker_site.API}/scheduled_plans"] = Answer(b"<html>")
    with Server(routes) as server:
        records = read(tmp_path, url=server.url)
    said = "\n".join(gaps(records))
    for text in (
        "1 dashboards of looker could not be read: Looker: api/4.0/dashboards/1 failed with status 418",
        "1 explores of looker could not be read",
        "it is not known who opens dashboards of looker",
        "it is not known who opens looks of looker",
        "it is not known what of looker is embedded elsewhere",
        "1 lists of schedules of looker could not be read",
    ):
        assert text in said
    assert {"dashboard.1", "dashboard.2", "chart.look.7"} <= set(nodes(records))
    assert not any(isinstance(r, Coverage) for r in records)
    assert "oops" not in repr(records)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("POST /api/4.0/login", Answer({"message": "no"}, status=404), "login is not there"),
        ("POST /api/4.0/login", Answer({}), "login gave no token"),
        ("POST /api/4.0/login", Answer(b"<html>"), "is not JSON"),
        ("POST /api/4.0/login", Answer({"access_token": "a\r\nb"}), "gave no token"),
        ("/api/4.0/dashboards", Answer(status=401), "credentials are wrong"),
        ("/api/4.0/dashboards", Answer(status=403), "is not allowed"),
        ("/api/4.0/dashboards", Answer({"not": "a list"}), "gave no list"),
        (
            "/api/4.0/dashboards",
            Answer(status=302, headers={"Location": "https://elsewhere.example"}),
            "sent elsewhere",
        ),
    ],
)
def test_nothing_to_be_had_is_one_sentence(tmp_path: Path, path: str, answer: Answer, said: str) -> None:
    with Server({**looker_site.routes(), path: answer}) as server, pytest.raises(ServiceError, match=said) as error:
        read(tmp_path, url=server.url)
    assert "secret" not in str(error.value).replace("HEADWAY_LOOKER_CLIENT_SECRET", "")


def test_a_server_that_goes_away_ends_the_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.remote.Client.attempts", 1)
    routes = looker_site.routes()
    for name in ("folders", "dashboards/1", "dashboards/2", "dashboards/tea%3A%3Astock", "looks"):
        routes[f"{looker_site.API}/{name}"] = Answer(b"x", cut=0)
    with Server(routes) as server, pytest.raises(ServiceError, match="broke off"):
        read(tmp_path, url=server.url)


def test_cancelled_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if what == "explores":
            raise KeyboardInterrupt

    with Server(looker_site.routes()) as server:
        context = Context(str(tmp_path), NOW, ENVIRONMENT, stop)
        with pytest.raises(KeyboardInterrupt):
            list(Looker({"url": server.url}, context).records())


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ({}, ENVIRONMENT, "needs either url or export"),
        ({"url": "http://a.example", "export": "x"}, ENVIRONMENT, "both are given"),
        ({"url": "ftp://a.example"}, ENVIRONMENT, "url of Looker"),
        ({"export": "nowhere"}, ENVIRONMENT, "no such folder"),
        ({"export": "x", "keep_days": 0}, ENVIRONMENT, "not a number of days"),
        ({"url": "URL"}, {"HEADWAY_PEOPLE_KEY": KEY}, "needs HEADWAY_LOOKER_CLIENT_ID"),
    ],
)
def test_options_that_cannot_be(
    tmp_path: Path, options: dict[str, Any], environment: dict[str, str], said: str
) -> None:
    options = {key: unused_url() if value == "URL" else value for key, value in options.items()}
    with pytest.raises((ConfigError, InputError), match=said):
        list(Looker(options, Context(str(tmp_path), NOW, environment)).records())


@pytest.mark.parametrize("name", sorted(path.replace("%3A", ":") for path in looker_site.plain()))
@pytest.mark.parametrize("content", [b"", b"{}", b'[null, 1, "x", {"id": null}]', b"7"])
def test_any_answer_may_be_broken(tmp_path: Path, name: str, content: bytes) -> None:
    looker_site.recorded(tmp_path / "looker")
    (tmp_path / "looker" / "api" / "4.0" / f"{name.replace(':', '%3A')}.json").write_bytes(content)
    try:
        records = read(tmp_path, export="looker")
    except HeadwayError:
        assert name == "dashboards", "only without the list of dashboards there is nothing to be had"
        return
    assert "dashboard.2" in nodes(records) or name == "dashboards"


@pytest.mark.parametrize("log", ["dashboards", "looks", "content"])
def test_any_row_of_the_log_may_be_broken(tmp_path: Path, log: str) -> None:
    looker_site.recorded(tmp_path / "looker")
    odd = [
        None,
        7,
        {},
        {"history.created_date": "soon"},
        {"history.created_date": "2026-11-20", "history.dashboard_id": []},
    ]
    file = tmp_path / "looker" / "system_activity" / f"{log}.json"
    file.write_text(json.dumps([*odd, *json.loads(file.read_text())]))
    records = read(tmp_path, export="looker")
    assert sum(r.amount for r in records if isinstance(r, Observation)) == 29.0
    file.unlink()
    assert any(f"{log}.json" in text or "no such answer" in text for text in gaps(read(tmp_path, export="looker")))
