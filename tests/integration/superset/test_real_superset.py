"""A real Superset: what is put into it and who looks at it must come out of a whole sync, exactly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_superset import PASSWORD, Admin, Browser, RealSuperset, real_superset, warehouse
from superset_project import counted, node_of, opened, project, synced

from headway.graph.graph import Graph
from headway.graph.model import Coverage

pytestmark = pytest.mark.integration


@dataclass
class Company:
    """A Superset with content, the days on which it was looked at, and ids of what it holds."""

    server: RealSuperset
    ids: dict[str, int]
    began: datetime
    ended: datetime

    @property
    def days(self) -> set[date]:
        return {self.began.date(), self.ended.date()}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with real_superset() as server:
        began = datetime.now(UTC)
        with Admin(server) as admin:
            ids = fill(admin, server, tmp_path_factory.mktemp("warehouse") / "tea.duckdb")
        drive(server, ids)
        yield Company(server, ids, began, datetime.now(UTC))


def fill(admin: Admin, server: RealSuperset, file: Path) -> dict[str, int]:
    """Three datasets, four charts (one on no dashboard), four dashboards (one embedded, one reported), six users."""
    warehouse(server.python, file)
    base = admin.database("warehouse", f"duckdb:///{file}")
    orders = admin.dataset(base, "marts", "fct_orders")
    admin.metric(orders, "revenue", "SUM(amount)")
    regions = admin.dataset(base, "marts", "dim_regions")
    sql = """SELECT r.title, SUM(o.amount) AS sold FROM marts.fct_orders o JOIN marts.dim_regions r USING (region)
    WHERE o.paid {% if filter_values('region') %} AND 1 = 1 {% endif %} GROUP BY r.title"""
    sold = admin.dataset(base, "marts", "sold by region", sql)
    paid = {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": "paid",
        "operator": "==",
        "comparator": "planted-5",
    }
    revenue = admin.chart("Revenue", orders, {"metric": "revenue", "adhoc_filters": [paid]}, "big_number_total")
    best = {"expressionType": "SIMPLE", "aggregate": "MAX", "column": {"column_name": "sold"}, "label": "Best"}
    by_region = admin.chart("Sold by region", sold, {"groupby": ["title"], "metrics": [best]})
    listed = admin.chart("Orders", orders, {"query_mode": "raw", "all_columns": ["order_id", "amount"]})
    loose = admin.chart("Tried out", orders, {"metrics": ["count"], "groupby": ["region"]})
    filtered = {
        "native_filter_configuration": [{"id": "f", "targets": [{"datasetId": regions, "column": {"name": "region"}}]}]
    }
    sales = admin.dashboard("Sales", "sales", [revenue, by_region], **filtered)
    details = admin.dashboard("Details", "details", [listed])
    dark, partner, gone = (admin.dashboard(t, t.lower(), []) for t in ("Dark", "Partner", "Gone"))
    admin.embed(partner)
    admin.report("Every morning", dark)
    for name, role in (
        ("north", "Alpha"),
        ("south", "Alpha"),
        ("boss", "Alpha"),
        ("etl_bot", "Alpha"),
        ("reader", "Admin"),
    ):
        admin.user(name, role)
    return {
        "orders": orders, "regions": regions, "sold": sold, "revenue": revenue, "by_region": by_region,
        "listed": listed, "loose": loose, "sales": sales, "details": details, "dark": dark, "partner": partner,
        "gone": gone,
    }  # fmt: skip


def drive(server: RealSuperset, ids: dict[str, int]) -> None:
    """What SEEN says, and much that is no view: reloads, edit mode, pages in which nothing runs, a robot."""
    sales, details, charts = ids["sales"], ids["details"], (ids["revenue"], ids["by_region"])
    with Browser(server, "north") as north, Browser(server, "south") as south, Browser(server, "boss") as boss:
        north.opens(sales, *charts)
        north.opens(sales, *charts)  # reloaded: no second view
        north.opens(details, ids["listed"], soft=True)
        north.opens(sales, soft=False, edit=True)
        north.loads(f"/superset/dashboard/{sales}/")  # a script: nothing runs in the page
        north.loads(f"/superset/dashboard/{ids['dark']}/")
        north.explores(ids["loose"])
        south.opens(sales, charts[0])
        south.opens(ids["dark"], edit=True, soft=True)
        south.opens(ids["gone"])
        boss.opens(sales, soft=True)
    with Browser(server, "etl_bot") as robot:
        robot.opens(sales, *charts)
    for _ in range(2):
        with Admin(server) as admin:
            uuid = admin.ask("GET", f"dashboard/{ids['partner']}/embedded")["result"]["uuid"]
        page = httpx.get(
            f"{server.url}/embedded/{uuid}", headers={"Referer": "https://partner.example.com/"}, timeout=60
        )
        assert page.status_code == 200


SEEN = {
    "dashboard.sales": {"person": (2, 2), "executive": (1, 1), "service": (1, 1)},
    "dashboard.details": {"person": (1, 1)},
    "dashboard.partner": {"embedded": (2, 0)},
    "dashboard.gone": {"person": (1, 1)},
    "chart.revenue": {"person": (2, 2), "service": (1, 1)},
    "chart.by_region": {"person": (1, 1), "service": (1, 1)},
    "chart.listed": {"person": (1, 1)},
    "chart.loose": {"person": (1, 1)},
}
"""Views and viewers that were driven, by class."""


@pytest.fixture(scope="module")
def tea(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was synced once."""
    folder = project(tmp_path_factory.mktemp("tea") / "tea", company.server.url)
    assert synced(folder) == ""
    return folder


def upstream(graph: Graph, name: str) -> set[str]:
    return {graph.nodes[i].id for i in graph.upstream[node_of(graph, name)]}


# In the order in which they change the server: from nothing to a dashboard that is gone, and a server that is.


def test_views_viewers_and_last_seen_are_what_was_driven(company: Company, tea: Path) -> None:
    graph = opened(tea).graph()
    assert counted(graph, company.ids, SEEN) == SEEN
    use = graph.use
    sales, dark = (node_of(graph, f"superset:dashboard.{company.ids[n]}") for n in ("sales", "dark"))
    assert (use.people[sales], use.reads[sales]) == (3, 3), "people and those who lead; no robot"
    assert use.last[sales] in company.days
    assert use.last[dark] is None, "edit mode and a bare page are no views"
    (covered,) = [r for r in graph.coverage if isinstance(r, Coverage)]
    assert covered.end == datetime.now(UTC).date()
    assert covered.start in company.days


def test_what_there_is_and_what_it_reads(company: Company, tea: Path) -> None:
    graph, ids = opened(tea).graph(), company.ids
    s = {name: f"superset:{kind}.{ids[name]}" for kind, names in KINDS.items() for name in names}
    assert upstream(graph, s["sales"]) == {s["revenue"], s["by_region"], s["regions"]}
    assert upstream(graph, s["sold"]) == {"dbt:model.tea.fct_orders", "dbt:model.tea.dim_regions"}
    assert upstream(graph, s["orders"]) == {"dbt:model.tea.fct_orders"}
    assert upstream(graph, s["loose"]) == {s["orders"]}
    assert not graph.downstream[node_of(graph, s["loose"])]
    nodes = {n.id: n for n in graph.nodes}
    assert {name for name in s if nodes[s[name]].outside} == {"partner", "dark"}
    assert nodes[s["revenue"]].aggregates == ("sum(amount)",)
    assert nodes[s["sales"]].owner == "Data Team"
    assert nodes[s["sales"]].url == f"{company.server.url}/superset/dashboard/sales/"
    lineage = {one.node: one for one in graph.column_lineage if one.node.startswith("superset:")}
    assert [(c.node, c.column) for c in lineage[s["revenue"]].columns["revenue"]] == [(s["orders"], "amount")]
    assert [(c.node, c.column) for c in lineage[s["revenue"]].shape] == [(s["orders"], "paid")]
    assert [c.column for c in lineage[s["sold"]].columns["sold"]] == ["amount"]


KINDS = {
    "dataset": ("orders", "regions", "sold"),
    "chart": ("revenue", "by_region", "listed", "loose"),
    "dashboard": ("sales", "details", "dark", "partner", "gone"),
}


def test_a_second_sync_changes_nothing(company: Company, tea: Path) -> None:
    assert synced(tea) == ""
    assert counted(opened(tea).graph(), company.ids, SEEN) == SEEN
    results = {r.connector: r for r in opened(tea).sync(evaluate=False)}
    assert not results["superset"].gaps


def test_nobodys_name_and_no_value_is_kept(company: Company, tea: Path) -> None:
    kept = b"".join(file.read_bytes() for file in tea.rglob("*") if file.is_file() and file.name != "headway.yml")
    for secret in ("planted", "north", "etl_bot", "boss", "SELECT r.title", PASSWORD):
        assert secret.encode() not in kept, secret


def test_a_user_who_may_not_read_the_log(company: Company, tmp_path: Path) -> None:
    """Content comes, and one gap; with the right, all days come at the next sync."""
    folder = project(tmp_path / "tea", company.server.url)
    results = {r.connector: r for r in opened(folder, user="south").sync(evaluate=False)}
    assert not results["superset"].error
    (gap,) = results["superset"].gaps
    assert gap.message == "it is not known who opens what: Superset: api/v1/log is not allowed to this user (403)"
    graph = opened(folder).graph()
    assert f"superset:dashboard.{company.ids['sales']}" in graph.index
    assert not counted(graph, company.ids, SEEN)
    assert synced(folder) == ""
    assert counted(opened(folder).graph(), company.ids, SEEN) == SEEN


def test_a_wrong_password_and_a_stopped_server_keep_what_was_known(company: Company, tea: Path) -> None:
    error = synced(tea, password="planted-wrong")
    assert error.startswith("Superset: api/v1/security/login was refused: the credentials are wrong")
    assert "planted" not in error
    assert counted(opened(tea).graph(), company.ids, SEEN) == SEEN
    company.server.stop()
    try:
        assert "nothing answers there" in synced(tea)
        assert counted(opened(tea).graph(), company.ids, SEEN) == SEEN
    finally:
        company.server.start()


@pytest.mark.parametrize("how", ["garbage", "slow", "cut"])
def test_a_proxy_that_spoils_answers_keeps_what_was_known(company: Company, tmp_path: Path, how: str) -> None:
    with Proxy(company.server) as proxy:
        folder = project(tmp_path / "tea", proxy.url, timeout=2)
        assert synced(folder) == ""
        known = counted(opened(folder).graph(), company.ids, SEEN)
        assert known == SEEN
        proxy.spoils = how
        error = synced(folder)
        assert error.startswith("Superset: api/v1/chart "), error
        assert counted(opened(folder).graph(), company.ids, SEEN) == SEEN


def test_a_dashboard_that_is_deleted_vanishes_and_stays_in_history(company: Company, tea: Path) -> None:
    before, gone = datetime.now(UTC), f"superset:dashboard.{company.ids['gone']}"
    with Admin(company.server) as admin:
        admin.ask("DELETE", f"dashboard/{company.ids['gone']}")
    assert gone in opened(tea).graph().index
    assert synced(tea) == ""
    graph = opened(tea).graph()
    assert gone not in graph.index
    assert f"superset:dashboard.{company.ids['sales']}" in graph.index
    with opened(tea).store() as store:
        then = store.load(at=before)
    assert gone in {getattr(r, "id", "") for r in then.records}


class Proxy:
    """Stands in front of a Superset, and spoils what it says of charts once it is told to."""

    def __init__(self, server: RealSuperset) -> None:
        self._server = server
        self.spoils = ""

    def __enter__(self) -> Proxy:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        proxy, self._stopping = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
                pass

            def do_GET(self) -> None:
                proxy.passes(self)

            do_POST = do_GET  # noqa: N815 - the base class calls it so

        self._listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._listening.daemon_threads = True
        self._thread = threading.Thread(target=self._listening.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._listening.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join(5)

    def passes(self, request: Any) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        headers = {k: v for k, v in request.headers.items() if k.lower() in {"authorization", "content-type"}}
        answer = httpx.request(
            request.command,
            self._server.url + request.path,
            content=request.rfile.read(length),
            headers=headers,
            timeout=60,
        )
        body, spoils = answer.content, self.spoils if "/chart/" in request.path else ""
        if spoils == "slow":
            self._stopping.wait(30)
            return
        if spoils == "garbage":
            body = b"<html><body>Please wait</body></html>"
        request.send_response(answer.status_code)
        request.send_header("Content-Type", answer.headers["Content-Type"])
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:20] if spoils == "cut" else body)
