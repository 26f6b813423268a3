"""Superset through its API: pages, rights that are missing, who opened what, and servers that misbehave."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from http_server import Answer, Request, Server, unused_url
from hypothesis import given
from hypothesis import strategies as st
from superset_export import edges, gaps, lineage, nodes
from superset_server import PASSWORD, TOKEN, FakeSuperset, key_of, logged

from headway.connectors.protocol import Context
from headway.connectors.superset import connector as superset_connector
from headway.connectors.superset.connector import COVERS, Superset
from headway.connectors.superset.rest import rison
from headway.errors import ConfigError, ServiceError
from headway.graph.model import AnyRecord, Coverage, Edge, Gap, Observation
from headway.project import Project
from headway.remote import Client
from headway.testing import NOW

DAY = NOW.date()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeSuperset:
    monkeypatch.setattr(superset_connector, "Client", partial(Client, sleep=lambda _: None))
    return FakeSuperset.tea()


@pytest.fixture
def server(fake: FakeSuperset) -> Iterator[Server]:
    with fake.server() as running:
        yield running


def run(server: Server, root: Path, covered: datetime | None = None, **options: Any) -> list[AnyRecord]:
    context = Context(root=str(root), now=NOW, environment=key_of(root), since=covered, covered=covered)
    return list(Superset({"url": server.url, **options}, context).records())


def views(records: list[AnyRecord], day: date = DAY) -> dict[tuple[str, str], float]:
    """Views of a day by item and class."""
    found: dict[tuple[str, str], float] = Counter()
    for r in records:
        if isinstance(r, Observation) and r.day == day:
            assert r.measure == "views"
            found[r.node.removeprefix("superset:"), r.person_class] += r.amount
    return found


# --- What there is ---------------------------------------------------------------------------------------------------


def test_what_an_export_gives_the_api_gives_too(server: Server, tmp_path: Path) -> None:
    records = run(server, tmp_path)
    assert sorted(nodes(records)) == [
        "superset:chart.11", "superset:chart.12", "superset:chart.13", "superset:dashboard.21", "superset:dashboard.22",
        "superset:dataset.1", "superset:dataset.2", "superset:dataset.3",
    ]  # fmt: skip
    assert edges(records) == {
        ("superset:chart.11", "superset:dashboard.21"),
        ("superset:chart.12", "superset:dashboard.21"),
        ("superset:dataset.3", "superset:dashboard.21"),
        ("superset:dataset.1", "superset:chart.11"),
        ("superset:dataset.2", "superset:chart.12"),
        ("superset:dataset.3", "superset:chart.13"),
        ("ref:table/tea.marts.orders", "superset:dataset.1"),
        ("ref:table/tea.marts.orders", "superset:dataset.2"),
        ("ref:table/tea.public.regions", "superset:dataset.2"),
        ("ref:table/cold.raw.stock", "superset:dataset.3"),
    }
    assert lineage(records, "superset:chart.11") == (
        {"revenue": [("superset:dataset.1", "amount")]},
        [("superset:dataset.1", "paid")],
    )
    assert nodes(records)["superset:chart.12"].aggregates == ("max(amount)", "avg(half)")


def test_owners_addresses_tags_and_who_depends_on_it(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.embedded[21] = "e0000000-0000-4000-8000-000000000001"
    found = nodes(run(server, tmp_path))
    sales, draft = found["superset:dashboard.21"], found["superset:dashboard.22"]
    assert (sales.name, sales.title, sales.owner) == ("sales", "Sales", "Sales Team")
    assert sales.url == f"{server.url}/superset/dashboard/sales/"
    assert draft.url == "", "an address of somewhere else is not shown"
    assert draft.tags == ("draft",)
    assert found["superset:chart.11"].owner == "Sales Team, second@example.com"
    assert found["superset:chart.11"].tags == ("weekly",)
    outside = {name for name, node in found.items() if node.outside}
    assert outside == {"superset:dashboard.21", "superset:dashboard.22", "superset:chart.13"}


def test_lists_are_read_to_their_end(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    one = fake.rows["chart"][0]
    fake.rows["chart"] = [{**one, "id": 1000 + n, "slice_name": f"Chart {n}"} for n in range(257)]
    records = run(server, tmp_path)
    assert sum(node.kind == "chart" for node in nodes(records).values()) == 257
    pages = [r.query["q"] for r in server.seen if r.path == "/api/v1/chart/"]
    assert [q[q.index("page:") :].split(",")[0] for q in pages] == ["page:0)", "page:1)", "page:2)"]


def test_what_moves_between_pages_is_not_lost(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    """The list is ordered by change: whatever is changed while it is read jumps to the first page."""
    rows = [{**fake.rows["chart"][0], "id": 1000 + n} for n in range(150)]
    asked = 0

    def moving(request: Request) -> Answer:
        nonlocal asked
        asked += 1
        if asked == 2:
            rows.insert(0, rows.pop(120))
        start = 100 * int(request.query["q"].split("page:")[1].split(",")[0].rstrip(")"))
        return Answer({"count": len(rows), "result": rows[start : start + 100]})

    fake.routes["/api/v1/chart/"] = moving
    assert sum(node.kind == "chart" for node in nodes(run(server, tmp_path)).values()) == 150


def test_two_syncs_of_the_same_give_the_same(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.log = [logged("mount_dashboard", "2026-11-22T05:00:00.000001", dashboard_id=21)]
    assert run(server, tmp_path) == run(server, tmp_path)


def test_a_token_that_runs_out_is_renewed(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.routes["/api/v1/dataset/"] = [Answer({"msg": "Token has expired"}, 401), Answer({"count": 0, "result": []})]
    assert nodes(run(server, tmp_path))
    assert fake.signed_in == 2


def test_a_token_instead_of_a_password(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    context = Context(root=str(tmp_path), now=NOW, environment={"HEADWAY_SUPERSET_TOKEN": TOKEN, **_only_key(tmp_path)})
    assert nodes(list(Superset({"url": server.url}, context).records()))
    assert fake.signed_in == 0


def _only_key(root: Path) -> dict[str, str]:
    return {k: v for k, v in key_of(root).items() if "PEOPLE" in k}


# --- Parts that are missing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/api/v1/log/", "it is not known who opens what: Superset: api/v1/log is not allowed to this user (403)"),
        ("/api/v1/database/", "databases could not be listed, so names of tables are taken as written"),
        ("/api/v1/dataset/export/", "columns and saved metrics of 3 datasets are not known"),
        ("/api/v1/report/", "what is sent on a schedule is not known"),
        ("/api/v1/dashboard/21", "what dashboards filter by is not known of 2 dashboards"),
        ("/api/v1/dashboard/21/embedded", "which dashboards are embedded is not known of 2 dashboards"),
    ],
)
def test_a_right_that_is_missing_is_one_gap(
    server: Server, fake: FakeSuperset, tmp_path: Path, path: str, sentence: str
) -> None:
    fake.log = [logged("mount_dashboard", "2026-11-22T05:00:00", dashboard_id=21)]
    fake.routes[path] = Answer({"message": "Forbidden"}, 403)
    records = run(server, tmp_path)
    (gap,) = gaps(records)
    assert gap.startswith(sentence)
    assert len(nodes(records)) == 8
    assert bool(views(records)) is (path != "/api/v1/log/")
    assert any(isinstance(r, Coverage) for r in records) is (path != "/api/v1/log/")


def test_without_the_right_to_export_charts_still_know_their_columns(
    server: Server, fake: FakeSuperset, tmp_path: Path
) -> None:
    """A saved metric is then anything: every column of the dataset counts as read."""
    fake.routes["/api/v1/dataset/export/"] = Answer({}, 403)
    records = run(server, tmp_path)
    assert lineage(records, "superset:chart.11")[0] == {"revenue": [("superset:dataset.1", "")]}
    columns, _ = lineage(records, "superset:chart.12")
    assert columns["name"] == [("superset:dataset.2", "name")]


def test_one_dashboard_that_fails_is_one_gap(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.embedded[22] = "e2"
    fake.log = [logged("mount_dashboard", "2026-11-22T05:00:00", dashboard_id=21)]
    fake.routes["/api/v1/dashboard/21/embedded"] = Answer({"message": "Fatal error"}, 500)
    records = run(server, tmp_path)
    (gap,) = gaps(records)
    assert gap.startswith("which dashboards are embedded is not known of 1 dashboard: ")
    assert nodes(records)["superset:dashboard.22"].outside


def test_reports_that_are_switched_off_are_none(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    del fake.rows["report"]
    records = run(server, tmp_path)
    assert not [gap for gap in gaps(records) if "schedule" in gap]
    assert not [n for n in nodes(records).values() if n.outside]


def test_things_without_names_or_of_wrong_types(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    wrong: list[Any] = [None, True, -1.5, "text", [1], {"a": 1}]
    for kind, rows in fake.rows.items():
        one = rows[0]
        for number, value in enumerate(wrong):
            rows.append(dict.fromkeys(one, value) | {"id": 100 + number})
        rows.extend([{"id": value} for value in wrong] + wrong if kind != "dataset" else [])
    records = run(server, tmp_path)
    assert len(nodes(records)) >= 8 + 3 * len(wrong)
    assert len(msgspec.json.decode(msgspec.json.encode(records), type=list[AnyRecord])) == len(records)


# --- Who opened what -------------------------------------------------------------------------------------------------


def test_views_are_counted_and_nothing_else(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    day = "2026-11-22T0"
    fake.embedded[21] = "e0000000-0000-4000-8000-000000000001"
    fake.log = [
        logged("mount_dashboard", f"{day}1:00:00", dashboard_id=21),
        logged("action:dashboard", f"{day}1:00:00", dashboard_id=21),
        logged("mount_dashboard", f"{day}1:00:20", dashboard_id=21),  # a reload
        logged("mount_dashboard", f"{day}1:30:00", dashboard_id=21, said={"is_soft_navigation": True}),
        logged("mount_dashboard", f"{day}1:40:00", dashboard_id=21, said={"is_edit_mode": True}),
        logged("mount_dashboard", f"{day}1:00:05", "planted-viewer-2", said={"dashboard_id": 21}),
        logged("mount_dashboard", f"{day}2:00:00", "superset_bot", dashboard_id=22),
        logged("mount_dashboard", f"{day}2:00:00", "boss@example.com", dashboard_id=22),
        logged("action:dashboard", f"{day}2:00:00", "planted-script", dashboard_id=22),
        logged("action:DashboardRestApi.get", f"{day}2:00:00", "planted-script", dashboard_id=22),
        logged("load_chart", f"{day}1:00:01", dashboard_id=21, slice_id=11),
        logged("load_chart", f"{day}1:00:01", dashboard_id=21, slice_id=12),
        logged("mount_explorer", f"{day}3:00:00", slice_id=11),
        logged("mount_explorer", f"{day}3:00:00", said={"note": "not saved yet"}),
        logged("mount_explorer", f"{day}3:00:00", slice_id=999),
        logged("spa_navigation", f"{day}3:00:00", said={"to": "mount_dashboard"}, dashboard_id=21),
        logged("action:embedded", f"{day}4:00:00", None, said={"embedded_dashboard_id": fake.embedded[21]}),
        logged("action:embedded", f"{day}4:00:01", None, said={"embedded_dashboard_id": fake.embedded[21]}),
        logged("action:embedded", f"{day}4:00:01", None, said={"embedded_dashboard_id": "another"}),
        logged("mount_dashboard", f"{day}4:00:00", None, dashboard_id=21),  # what the first of them told itself
    ]
    records = run(server, tmp_path, people={"executive": ["boss@.*"]})
    assert views(records) == {
        ("dashboard.21", "person"): 3,
        ("dashboard.21", "embedded"): 2,
        ("dashboard.22", "service"): 1,
        ("dashboard.22", "executive"): 1,
        ("chart.11", "person"): 2,
        ("chart.12", "person"): 1,
    }
    people = {
        r.person for r in records if isinstance(r, Observation) and r.node == "superset:dashboard.21" and r.person
    }
    assert len(people) == 2
    assert "planted" not in repr(records)
    (covered,) = [r for r in records if isinstance(r, Coverage)]
    assert (covered.covers, covered.start, covered.end) == (COVERS, DAY, DAY)
    (gap,) = gaps(records)
    assert gap.startswith("1 of 12 views in Superset's log are of dashboards and charts that it does not list any more")


def test_from_dashboard_to_dashboard_the_address_says_which_was_opened(
    server: Server, fake: FakeSuperset, tmp_path: Path
) -> None:
    """The event has the number and the edit mode of the dashboard before."""
    page, day = f"{server.url}/superset/dashboard", "2026-11-22T0"
    before = {"dashboard_id": 21, "is_soft_navigation": True}
    fake.log = [
        logged("mount_dashboard", f"{day}1:00:00", dashboard_id=21),
        logged("mount_dashboard", f"{day}1:05:00", dashboard_id=21, said=before, referrer=f"{page}/22/?standalone=1"),
        logged("mount_dashboard", f"{day}2:00:00", dashboard_id=22, said={"is_edit_mode": True, "event_id": "planted"}),
        logged(
            "mount_dashboard", f"{day}2:05:00", dashboard_id=22,
            said={**before, "dashboard_id": 22, "is_edit_mode": True}, referrer=f"{page}/sales/",
        ),
        logged(
            "mount_dashboard", f"{day}3:00:00", dashboard_id=22,
            said={**before, "is_edit_mode": True}, referrer=f"{page}/22/?edit=true",
        ),
        # loaded by hand, then gone elsewhere before the browser told
        logged("mount_dashboard", f"{day}4:00:00", dashboard_id=21, referrer=f"{page}/22/"),
        # told together with an event of another dashboard, whose number the row has
        logged("mount_dashboard", f"{day}5:00:00", dashboard_id=21, said={"dashboard_id": 22}),
    ]  # fmt: skip
    assert views(run(server, tmp_path)) == {("dashboard.21", "person"): 3, ("dashboard.22", "person"): 2}


@pytest.mark.parametrize(
    "referrer",
    [
        None, 7, "", "http://[", "/" * 1000, "/superset/dashboard/", "/superset/dashboard/p/link/",
        "/dashboard/list/?next=/superset/dashboard/22/", "/superset/dashboard/renamed/",
    ],
)  # fmt: skip
def test_an_address_that_names_no_dashboard_leaves_what_the_event_says(
    server: Server, fake: FakeSuperset, tmp_path: Path, referrer: Any
) -> None:
    said = {"is_soft_navigation": True}
    fake.log = [logged("mount_dashboard", "2026-11-22T01:00:00", dashboard_id=21, said=said, referrer=referrer)]
    assert views(run(server, tmp_path)) == {("dashboard.21", "person"): 1}


def test_charts_that_are_loaded_to_edit_a_dashboard_are_not_viewed(
    server: Server, fake: FakeSuperset, tmp_path: Path
) -> None:
    day = "2026-11-22T0"
    fake.log = [
        logged("load_chart", f"{day}1:00:01", slice_id=11, said={"trigger_event": "edit"}),
        logged("mount_dashboard", f"{day}1:00:00", dashboard_id=21, said={"is_edit_mode": True, "event_id": "edit"}),
        logged("mount_dashboard", f"{day}2:00:00", dashboard_id=21, said={"is_edit_mode": True}),
        logged("load_chart", f"{day}2:00:01", slice_id=12),
        logged("mount_dashboard", f"{day}3:00:00", dashboard_id=21, said={"event_id": "view"}),
        logged("load_chart", f"{day}3:00:01", slice_id=11, said={"trigger_event": "view"}),
    ]
    assert views(run(server, tmp_path)) == {
        ("dashboard.21", "person"): 1,
        ("chart.11", "person"): 1,
        ("chart.12", "person"): 1,
    }


def test_names_are_kept_where_it_is_asked_for(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.log = [logged("mount_dashboard", "2026-11-22T01:00:00", "viewer", dashboard_id=21)]
    (seen,) = [r for r in run(server, tmp_path, names=True) if isinstance(r, Observation)]
    assert seen.person == "viewer"


@pytest.mark.parametrize("page", [1, 2, 7, 100, 1000])
def test_every_row_of_the_log_is_read_once(server: Server, fake: FakeSuperset, tmp_path: Path, page: int) -> None:
    """Also those of one moment, more than a page of them, and where the log knows whole seconds only."""
    fake.page = page
    moments = [f"2026-11-22T0{n % 5}:{n % 60:02}:00" for n in range(40)] + ["2026-11-22T04:59:59"] * 30
    # those without a user are never taken for reloads
    fake.log = [logged("load_chart", at, f"viewer{n}" if n % 2 else None, slice_id=11) for n, at in enumerate(moments)]
    assert views(run(server, tmp_path)) == {("chart.11", "person"): 35, ("chart.11", "embedded"): 35}


def test_rows_that_are_written_meanwhile_move_nothing(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.page = 3
    fake.log = [logged("load_chart", f"2026-11-22T01:00:{n:02}", f"viewer{n}", slice_id=11) for n in range(20)]
    asked = 0
    plain = fake._logged

    def growing(q: str) -> list[dict[str, Any]]:
        nonlocal asked
        asked += 1
        if asked % 2:
            fake.log.insert(0, logged("load_chart", "2026-11-21T23:00:00", "late", slice_id=11))
        return plain(q)

    fake._logged = growing  # type: ignore[method-assign]
    assert views(run(server, tmp_path)) == {("chart.11", "person"): 20}


def test_a_log_that_never_ends_is_left(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    row = logged("load_chart", "2026-11-22T01:00:00", slice_id=11)
    fake.routes["/api/v1/log/"] = Answer({"count": 10**9, "ids": [1], "result": [row]})
    assert views(run(server, tmp_path)) == {("chart.11", "person"): 1}


def test_what_is_covered_begins_where_the_log_does(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.log = [
        logged("action:welcome", "2026-09-01T10:00:00"),
        logged("mount_dashboard", "2026-11-22T01:00:00", dashboard_id=21),
        logged("mount_dashboard", "2026-11-23T01:00:00", dashboard_id=21),  # a clock that is ahead
    ]
    records = run(server, tmp_path)
    (covered,) = [r for r in records if isinstance(r, Coverage)]
    assert (covered.start, covered.end) == (date(2026, 9, 1), DAY)
    assert sum(views(records).values()) == 1
    assert not views(records, DAY + timedelta(days=1))
    (shorter,) = [r for r in run(server, tmp_path, keep_days=10) if isinstance(r, Coverage)]
    assert shorter.start == DAY - timedelta(days=10)


def test_a_later_sync_reads_whole_days_from_a_day_before_the_last(
    server: Server, fake: FakeSuperset, tmp_path: Path
) -> None:
    fake.log = [
        logged("mount_dashboard", f"2026-11-{day:02}T{hour:02}:00:00", dashboard_id=21)
        for day in range(10, 23)
        for hour in (0, 1, 5)
    ]
    records = run(server, tmp_path, covered=datetime(2026, 11, 20, 18, 0, tzinfo=UTC))
    (covered,) = [r for r in records if isinstance(r, Coverage)]
    assert (covered.start, covered.end) == (date(2026, 11, 19), DAY)
    days = {r.day: r.amount for r in records if isinstance(r, Observation)}
    assert days == {date(2026, 11, day): 3 for day in (19, 20, 21, 22)}


def test_days_before_the_right_to_read_the_log_are_read_once_it_is_given(
    server: Server, fake: FakeSuperset, tmp_path: Path
) -> None:
    """A sync without the log succeeds, and must not count as one that read it."""
    fake.log = [logged("mount_dashboard", f"2026-{m:02}-05T10:00:00", dashboard_id=21) for m in (8, 9, 10, 11)]
    (tmp_path / "headway.yml").write_text(f"project: tea\nconnectors:\n  - {{name: superset, url: '{server.url}'}}\n")

    def synced(now: datetime) -> set[date]:
        project = replace(Project.open(tmp_path, environment=key_of(tmp_path)), now=now)
        assert not [r.error for r in project.sync(evaluate=False) if r.connector == "superset" and r.error]
        return {o.day for o in project.graph().observations if o.node == "superset:dashboard.21"}

    days = {date(2026, month, 5) for month in (8, 9, 10, 11)}
    assert synced(NOW) == days
    fake.routes["/api/v1/log/"] = Answer({"message": "Forbidden"}, 403)
    synced(NOW + timedelta(days=1))
    fake.log.append(logged("mount_dashboard", "2026-11-23T10:00:00", dashboard_id=21))
    synced(NOW + timedelta(days=9))
    del fake.routes["/api/v1/log/"]
    assert synced(NOW + timedelta(days=10)) == {*days, date(2026, 11, 23)}
    asked = [r.query["q"] for r in server.seen if r.path == "/api/v1/log/"]
    assert "2026-11-20T23:59:59" in asked[-1], "from the day before the last sync that read it, not from the beginning"


def test_an_empty_log_covers_nothing(server: Server, tmp_path: Path) -> None:
    records = run(server, tmp_path)
    assert gaps(records) == ["Superset: it is not known who opens what, its log is empty"]
    assert not [r for r in records if isinstance(r, Coverage)]


def test_page_loads_alone_are_no_proof_that_nobody_looked(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.log = [logged("action:dashboard", "2026-11-22T01:00:00", dashboard_id=21)]
    records = run(server, tmp_path)
    assert "its log tells of pages that were loaded, but of no view" in gaps(records)[0]
    assert not [r for r in records if isinstance(r, Coverage)]


def test_a_log_that_nobody_opened_anything_in_covers_its_days(
    server: Server, fake: FakeSuperset, tmp_path: Path
) -> None:
    fake.log = [logged("action:welcome", "2026-11-20T01:00:00")]
    (covered,) = [r for r in run(server, tmp_path) if isinstance(r, Coverage)]
    assert covered.start == date(2026, 11, 20)


def test_usage_may_be_left_to_others(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    records = run(server, tmp_path, usage=False)
    assert {type(r) for r in records} & {Observation, Coverage, Gap} == set()
    assert any(isinstance(r, Edge) for r in records)
    assert not [r for r in server.seen if r.path == "/api/v1/log/"]


# --- Servers that misbehave ------------------------------------------------------------------------------------------


def test_nothing_that_answers(fake: FakeSuperset, tmp_path: Path) -> None:
    context = Context(root=str(tmp_path), now=NOW, environment=key_of(tmp_path))
    with pytest.raises(ServiceError, match="nothing answers there"):
        list(Superset({"url": unused_url()}, context).records())


def test_a_wrong_password(server: Server, tmp_path: Path) -> None:
    environment = key_of(tmp_path) | {"HEADWAY_SUPERSET_PASSWORD": "planted-wrong"}
    context = Context(root=str(tmp_path), now=NOW, environment=environment)
    with pytest.raises(ServiceError, match=r"the credentials are wrong or no longer good \(401\)") as caught:
        list(Superset({"url": server.url}, context).records())
    assert "planted" not in str(caught.value) + repr(caught.value.__context__)


@pytest.mark.parametrize(
    ("path", "answer", "sentence"),
    [
        ("/api/v1/security/login", Answer(b"<html>sign in</html>"), "not JSON .it is a web page"),
        ("/api/v1/security/login", Answer({"access_token": ""}), "signing in gave no token"),
        ("/api/v1/security/login", Answer({"access_token": "a\nb"}), "signing in gave no token"),
        ("/api/v1/security/login", Answer([]), "signing in gave no token"),
        ("/api/v1/security/login", Answer(b"", 302, {"Location": "https://elsewhere.example.com"}), "sent elsewhere"),
        ("/api/v1/dashboard/", Answer({"message": "Forbidden"}, 403), "is not allowed to this user"),
        ("/api/v1/chart/", Answer(b"<html>busy</html>"), "not JSON"),
        ("/api/v1/chart/", Answer([1, 2]), "something else than was asked for"),
        ("/api/v1/dataset/", Answer({}, 500), "failed with status 500"),
        ("/api/v1/dataset/", Answer(b"x" * 100, cut=10), "connection broke off"),
        ("/api/v1/log/", Answer({}, 502), "failed with status 502"),
        ("/api/v1/log/", Answer(b"[[[["), "not JSON"),
    ],
)
def test_what_nothing_can_be_made_of_ends_the_sync(
    server: Server, fake: FakeSuperset, tmp_path: Path, path: str, answer: Answer, sentence: str
) -> None:
    fake.routes[path] = answer
    with pytest.raises(ServiceError, match=sentence):
        run(server, tmp_path)


def test_asked_to_wait_it_waits(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.routes["/api/v1/report/"] = [Answer({}, 429, {"Retry-After": "7"}), Answer({"count": 0, "result": []})]
    assert nodes(run(server, tmp_path))


def test_a_slow_answer_ends_the_sync_in_time(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    fake.routes["/api/v1/chart/"] = Answer({}, wait=30)
    began = time.monotonic()
    with pytest.raises(ServiceError, match="no answer within 1 seconds"):
        run(server, tmp_path, timeout=1)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("body", [b"PK\x03\x04 no zip", b"", b"<html>", b"\0" * 1000])
def test_an_export_that_is_none_is_a_gap(server: Server, fake: FakeSuperset, tmp_path: Path, body: bytes) -> None:
    fake.routes["/api/v1/dataset/export/"] = Answer(body)
    records = run(server, tmp_path)
    assert gaps(records)[0].startswith("columns and saved metrics of 3 datasets are not known")
    assert len(nodes(records)) == 8


def test_stopped_in_the_middle_it_stops(server: Server, fake: FakeSuperset, tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if "log" in what:
            raise KeyboardInterrupt

    fake.log = [logged("mount_dashboard", "2026-11-22T01:00:00", dashboard_id=21)]
    context = Context(root=str(tmp_path), now=NOW, environment=key_of(tmp_path), progress=stop)
    with pytest.raises(KeyboardInterrupt):
        list(Superset({"url": server.url}, context).records())


def test_secrets_stay_where_they_are(
    server: Server, fake: FakeSuperset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.log = [logged("mount_dashboard", "2026-11-22T01:00:00", dashboard_id=21)]
    said = repr(run(server, tmp_path)) + caplog.text
    fake.routes["/api/v1/chart/"] = Answer({"message": f"{PASSWORD} {TOKEN}"}, 500)
    with pytest.raises(ServiceError) as caught:
        run(server, tmp_path)
    said += (
        "".join(f"{e} {e!r}" for e in (caught.value, caught.value.__context__, caught.value.__cause__)) + caplog.text
    )
    for secret in (PASSWORD, TOKEN, "planted"):
        assert secret not in said


# --- Options and queries ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "https://bi.example.com", "export": "x"},
        {"url": "ftp://bi.example.com"},
        {"url": "https://u:p@bi.example.com"},
        {"url": 5},
        {"url": "https://bi.example.com", "keep_days": 0},
        {"url": "https://bi.example.com", "timeout": -1},
        {"url": "https://bi.example.com", "people": {"somebody": ["x"]}},
        {"url": "https://bi.example.com", "names": "yes"},
    ],
)
def test_options_that_cannot_be(server: Server, tmp_path: Path, options: dict[str, Any]) -> None:
    options = {k: server.url if v == "https://bi.example.com" else v for k, v in options.items()}
    context = Context(root=str(tmp_path), now=NOW, environment=key_of(tmp_path))
    with pytest.raises(ConfigError):
        list(Superset(options, context).records())


@pytest.mark.parametrize("missing", ["HEADWAY_SUPERSET_USER", "HEADWAY_SUPERSET_PASSWORD"])
def test_credentials_come_from_the_environment_alone(server: Server, tmp_path: Path, missing: str) -> None:
    environment = {k: v for k, v in key_of(tmp_path).items() if k != missing}
    context = Context(root=str(tmp_path), now=NOW, environment=environment)
    options = {"url": server.url, "user": "reader", "password": PASSWORD}
    with pytest.raises(ConfigError, match=missing):
        list(Superset(options, context).records())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"page": 0, "columns": ["id", "owners.id"]}, "(page:0,columns:!(id,owners.id))"),
        (
            ["2026-01-01", "it's", "a!b", "", "null", True, None, 1.5],
            "!('2026-01-01','it!'s','a!!b','',null,!t,None,1.5)",
        ),
        ([1, 2], "!(1,2)"),
    ],
)
def test_rison(value: Any, text: str) -> None:
    assert rison(value) == text


@given(st.text())
def test_no_text_leaves_its_quotes(text: str) -> None:
    written = rison(text)
    if written.startswith("'"):
        inner = written[1:-1].replace("!!", "").replace("!'", "")
        assert "'" not in inner
        assert "!" not in inner
