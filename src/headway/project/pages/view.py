"""A page for an address: the day that is looked at, the page itself, and the shell around it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from headway.answer import plural
from headway.collector import paused_collector
from headway.errors import HeadwayError, UsageError
from headway.graph.graph import Graph
from headway.graph.search import index_of
from headway.project.pages.page import Page
from headway.project.pages.table import PAGES, TABS, PageRow, count_of, day_of
from headway.project.past import graph_at
from headway.project.workspace import Project
from headway.render.html.shell import Shell, Tab

DAYS_KEPT = 4
"""Earlier days that are kept in memory."""

STALE_HOURS = 26
"""A sync older than this is told beside every sentence: a nightly one that ran late is not, one that was missed is."""

Theme = Literal["", "light", "dark"]
"""'' follows the system."""


@dataclass(frozen=True, slots=True)
class Viewed:
    """A page, with the project on the day that was looked at."""

    row: PageRow
    page: Page
    project: Project
    at: date | None
    key: str = ""


def look(row: PageRow, project: Project, key: str = "", given: Mapping[str, str] | None = None) -> Viewed:
    """The page for an address, on the day of `at`.

    Raises UsageError for a value that cannot be used, a day before the first sync included; UnknownName for something
    that does not exist; and what opening the project raises.
    """
    given = given or {}
    at = day_of(given.get("at", "")) if row.historic else None
    if at is not None and at > project.as_of:
        raise UsageError(f"{at} has not come yet", hint=f"the newest day is {project.as_of}")
    if at is not None and at < project.as_of:
        project = _earlier(project, at)
    else:
        at = None
    return Viewed(row, row.build(project, key, given), project, at, key)


def warm(project: Project) -> None:
    """Load the graph and work out what nearly every page asks, so that the first reader does not wait for it."""
    graph = project.graph()
    with paused_collector():
        for name in ("goals", "cost", "viewers", "zombies", "shadow-goals", "neglected", "trust"):
            project.ask(name)
        index_of(graph)
        for row in PAGES:
            with suppress(HeadwayError):  # whoever opens a page is told what is wrong with what people wrote
                count_of(row, project)


@lru_cache(maxsize=DAYS_KEPT)
def _known(now: Graph, day: date, load: _Load) -> Project:  # noqa: ARG001 - the graph of today is part of the key
    return replace(load.project, looking_back=True).with_graph(graph_at(load.project, day))


class _Load:
    """How an earlier day is loaded; equal to any other, so that only the graph of today and the day are the key."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Load)

    def __hash__(self) -> int:
        return 0


def _earlier(project: Project, day: date) -> Project:
    """The project on an earlier day, kept while the graph of today is the same."""
    return _known(project.graph(), day, _Load(project))


def shell_of(viewed: Viewed, now: Project, *, theme: Theme = "", twin: str = "") -> Shell:
    """What stands around a page. `now` is the project of today, whose open decisions the tabs count."""
    page = viewed.page
    first = {tab: row for tab in TABS for row in reversed(PAGES) if row.tab == tab}
    tabs = [
        Tab(tab, first[tab].to(), count_of(first[tab], now), current=viewed.row.tab == tab)
        for tab in TABS
        if tab in first
    ]
    synced = page.synced_at
    late = synced is not None and viewed.at is None and now.now - synced > timedelta(hours=STALE_HOURS)
    return Shell(
        title=page.title,
        tabs=tuple(tabs),
        as_of=moment(page.as_of, synced),
        as_of_exact=synced.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if synced else page.as_of.isoformat(),
        stale=f"as of {plural((now.now - synced).days, 'day')} ago" if late and synced else "",
        historic=day_words(viewed.at) if viewed.at else "",
        at=viewed.at.isoformat() if viewed.at else "",
        today=f"{viewed.row.to(viewed.key)}?at=" if viewed.at else "",
        theme=theme,
        sheets=viewed.row.sheets,
        modules=viewed.row.modules,
        picture=viewed.row.picture,
        twin=twin,
    )


def day_words(day: date, *, year: bool = False) -> str:
    """`22 Nov`, or `22 Nov 2026`."""
    return f"{day.day} {day:%b %Y}" if year else f"{day.day} {day:%b}"


def moment(day: date, synced: datetime | None) -> str:
    """`as of 22 Nov, 06:00`: the day that answers are for, and the hour of the sync where it was on that day (UTC)."""
    hour = f", {synced.astimezone(UTC):%H:%M}" if synced and synced.astimezone(UTC).date() == day else ""
    return f"as of {day_words(day)}{hour}"
