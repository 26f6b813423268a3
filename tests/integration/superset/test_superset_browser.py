"""Real browsers on a real Superset: what people open, reload, go to and edit there is what a sync counts.

Run by `make superset-browser`; other tests of Superset send themselves what browsers send.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from real_browsers import Log, Person, chromium, page_outside
from real_superset import Admin, Browser, RealSuperset, real_superset, warehouse
from superset_project import counted, node_of, opened, project, synced

from headway.connectors.content import RELOAD_SECONDS

pytestmark = pytest.mark.browser

ROLES = {"north": "Alpha", "south": "Alpha", "boss": "Alpha", "etl_bot": "Alpha", "editor": "Admin", "reader": "Admin"}
BOARDS = {
    "sales": ("revenue", "regions"), "details": ("listed",), "plans": ("planned",), "draft": ("drafted",),
    "partner": ("shared",), "dark": ("hidden",), "notes": (),
}  # fmt: skip
"""Dashboards and their charts; the chart `loose` is on none."""
GUESTS = "Gamma"
"""The role of guests, as superset_settings.py says."""


@dataclass
class Company:
    """A Superset that was looked at, ids of what it holds, and the day on which each dashboard was last opened."""

    server: RealSuperset
    ids: dict[str, int]
    users: dict[str, int]
    embedded: str
    last: dict[str, date] = field(default_factory=dict)


def fill(server: RealSuperset, folder: Path) -> Company:
    warehouse(server.python, folder / "tea.duckdb")
    with Admin(server) as admin:
        base = admin.database("warehouse", f"duckdb:///{folder / 'tea.duckdb'}")
        orders = admin.dataset(base, "marts", "fct_orders")
        total = {"metric": "count", "adhoc_filters": []}
        rows = {"query_mode": "raw", "all_columns": ["order_id", "region"], "row_limit": 10}
        ids = {"loose": admin.chart("Loose", orders, total, "big_number_total")}
        for board, charts in BOARDS.items():
            for number, chart in enumerate(charts):
                ids[chart] = admin.chart(chart.title(), orders, *((rows,) if number else (total, "big_number_total")))
            ids[board] = admin.dashboard(board.title(), board, [ids[chart] for chart in charts])
        users = {name: admin.user(name, role) for name, role in ROLES.items()}
        return Company(server, ids, users, admin.embed(ids["partner"]))


def drive(company: Company, folder: Path) -> None:
    """What SEEN says, and what is no view: a reload, edit mode, a page in which nothing runs."""
    with chromium() as browser, ExitStack() as stack:

        def person(name: str = "") -> Person:
            context = stack.enter_context(browser.new_context())
            made = Person(company.server, context, folder, company.users.get(name, 0))
            if name:
                made.signs_in(name)
            return made

        def opened(who: Person, *boards: str) -> None:
            company.last |= dict.fromkeys(boards, who.heard[-1].at.date())

        north, south = person("north"), person("south")
        north.loads("/superset/dashboard/sales/", mount_dashboard=1, load_chart=2)
        first = north.heard[-1].at
        north.reloads(mount_dashboard=1, load_chart=2)
        again = north.heard[-1].at
        if (again - first).total_seconds() > RELOAD_SECONDS:
            pytest.fail("this machine is too busy to load a page again within the time that makes it a reload")
        north.follows("Details", mount_dashboard=1, load_chart=1)
        north.follows("Plans", mount_dashboard=1, load_chart=1)
        opened(north, "plans")
        south.loads("/superset/dashboard/sales/?standalone=1", mount_dashboard=1, load_chart=2)
        # who may not edit it is shown it
        south.loads("/superset/dashboard/details/?edit=true", mount_dashboard=1, load_chart=1)
        boss = person("boss")
        boss.follows("Sales", mount_dashboard=1, load_chart=2)
        editor = person("editor")
        editor.loads("/superset/dashboard/draft/?edit=true", mount_dashboard=1, load_chart=1)
        editor.follows("Notes", mount_dashboard=1)
        opened(editor, "notes")
        editor.loads("/superset/dashboard/details/", mount_dashboard=1, load_chart=1)
        opened(editor, "details")
        editor.edits()
        robot = person("etl_bot")
        robot.loads("/superset/dashboard/sales/", mount_dashboard=1, load_chart=2)
        north.loads(f"/explore/?slice_id={company.ids['loose']}", mount_explorer=1, load_chart=1)
        with Browser(company.server, "north") as script:
            script.loads("/superset/dashboard/dark/")
        embedding(company, person)
        # once the same would not be a reload any more, it is opened a second time
        time.sleep(max(0.0, RELOAD_SECONDS + 1 - (datetime.now(UTC) - again).total_seconds()))
        north.loads("/superset/dashboard/sales/", mount_dashboard=1, load_chart=2)
        opened(north, "sales")


def embedding(company: Company, person: Callable[[], Person]) -> None:
    """Two guests of a page outside, and one whose role lacks the right to tell what is shown (Superset answers 500)."""
    with Admin(company.server) as admin:
        token = admin.guest(company.embedded)
        with page_outside(f"{company.server.url}/embedded/{company.embedded}", token) as address:
            for _ in range(2):
                person().loads(address, mount_dashboard=1, load_chart=1)
            admin.forbids(GUESTS, "can_log", "Superset")
            guest = person()
            assert guest.loads_unheard(address) == 500
            guest.page.frame_locator("#shown").get_by_text("Shared", exact=True).wait_for()


SEEN = {
    "dashboard.sales": {"person": (3, 2), "executive": (1, 1), "service": (1, 1)},
    "dashboard.details": {"person": (3, 3)},
    "dashboard.plans": {"person": (1, 1)},
    "dashboard.notes": {"person": (1, 1)},
    "dashboard.partner": {"embedded": (3, 0)},
    "chart.revenue": {"person": (3, 2), "executive": (1, 1), "service": (1, 1)},
    "chart.regions": {"person": (3, 2), "executive": (1, 1), "service": (1, 1)},
    "chart.listed": {"person": (3, 3)},
    "chart.planned": {"person": (1, 1)},
    "chart.shared": {"embedded": (2, 0)},
    "chart.loose": {"person": (1, 1)},
}
"""Views and viewers that were driven, by class."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with real_superset() as server:
        made = fill(server, tmp_path_factory.mktemp("warehouse"))
        drive(made, tmp_path_factory.mktemp("pictures"))
        yield made


def test_what_browsers_show_is_what_is_counted(company: Company, tmp_path: Path) -> None:
    folder = project(tmp_path / "tea", company.server.url)
    assert synced(folder) == ""
    graph = opened(folder).graph()
    assert counted(graph, company.ids, SEEN) == SEEN
    use, ids = graph.use, company.ids
    boards = {name: node_of(graph, f"superset:dashboard.{ids[name]}") for name in BOARDS}
    assert {name: use.last[place] for name, place in boards.items() if use.last[place]} == company.last
    assert {name: use.people[place] for name, place in boards.items() if use.people[place]} == {
        "sales": 3, "details": 3, "plans": 1, "notes": 1,
    }  # fmt: skip


def test_superset_tells_of_another_dashboard_than_it_shows(company: Company) -> None:
    """Once it does not any more, what Headway does about it can go."""
    ids, users = company.ids, company.users
    soft = [row for row in Log(company.server).rows() if row.said.get("is_soft_navigation")]
    told = {(row.user, urlsplit(row.address).path.strip("/").split("/")[-1]): row.said for row in soft}
    assert told[users["north"], "details"]["dashboard_id"] == ids["sales"]
    assert told[users["north"], "plans"]["dashboard_id"] == ids["details"]
    edited = told[users["editor"], "notes"]
    assert (edited["dashboard_id"], edited["is_edit_mode"]) == (ids["draft"], True)
    assert told[users["boss"], "sales"]["dashboard_id"] == ids["sales"], "nothing was shown before"
