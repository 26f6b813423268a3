"""A page for an address: the day that is looked at, the page itself, and the shell around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from headway.answer import plural
from headway.errors import UsageError
from headway.project.pages.page import Page
from headway.project.pages.table import PAGES, TABS, PageRow, count_of, day_of
from headway.project.past import graph_at
from headway.project.workspace import Project
from headway.render.html.shell import Shell, Tab

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
        project = project.with_graph(graph_at(project, at))
    else:
        at = None
    return Viewed(row, row.build(project, key, given), project, at)


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
        today=viewed.row.to() if viewed.at and not viewed.row.key else "",
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
