"""Who opened what: Looker's own log, which it offers as the model `system__activity`.

Rows come added up by day, thing, source and user. An answer is cut at a number of rows without a word about it, so an
answer that is full is never taken: its days are asked for in halves, and a single day with a higher limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from headway.connectors import content
from headway.connectors.content import View
from headway.connectors.fields import day, each, number, text
from headway.connectors.looker.site import ACTIVITY, NAME, Site, as_gap
from headway.connectors.protocol import Progress
from headway.errors import InputError, ServiceError
from headway.graph.model import Coverage, Gap, Observation, Origin, PersonClass
from headway.people import Classes, People

RETENTION_DAYS = 90
"""How long Looker keeps its log."""
ROWS = 5_000
"""Rows that are asked for at once."""
MOST_ROWS = 100_000
"""Rows that are asked for where a single day has more."""
_RIGHT = "it needs the permission see_system_activity"

_SOURCES: Mapping[str, PersonClass] = {
    "scheduled_task": "scheduled",
    "schedule": "scheduled",
    "alerts": "scheduled",
    "regenerator": "scheduled",
    "dashboard_prefetch": "scheduled",
    "renderer": "scheduled",
    "embed": "embedded",
    "private_embed": "embedded",
    "public_embed": "embedded",
    "cookieless_embed": "embedded",
    "signed_embed": "embedded",
    "api": "service",
    "api3": "service",
    "api3.1": "service",
    "api4": "service",
    "system": "service",
    "suggest_filter": "service",
    "other": "service",
}
"""Class of person by `history.source`; of any other source the user's name decides."""


@dataclass(frozen=True, slots=True)
class _Log:
    """One of the two logs: of dashboards, or of Looks."""

    name: str
    key: str
    amount: str
    prefix: str
    covers: str
    """What is shown by it: nothing there means that nobody opened it."""


_LOGS = (
    _Log(
        "dashboards",
        "history.dashboard_id",
        "history.dashboard_run_count",
        "dashboard.",
        f"kind:dashboard,connector:{NAME}",
    ),
    _Log("looks", "look.id", "history.query_run_count", "chart.look.", f"kind:chart,tag:look,connector:{NAME}"),
)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How the log is read."""

    people: People
    classes: Classes
    covers: str
    keep_days: int
    now: datetime
    covered: datetime | None
    """When the last sync that read the log began."""

    @property
    def first(self) -> date:
        """The first day to be read: a day before the last sync, or as far back as the log goes as a whole."""
        today = self.now.astimezone(UTC).date()
        # the day that the log begins in is half gone already
        start = today - timedelta(days=min(self.keep_days, RETENTION_DAYS) - 1)
        if self.covered is not None:
            start = max(start, (self.covered.astimezone(UTC) - timedelta(days=1)).date())
        return min(start, today)

    @property
    def last(self) -> date:
        """The day of this sync."""
        return self.now.astimezone(UTC).date()


def usage(site: Site, asking: Asking, progress: Progress) -> Iterator[Observation | Coverage | Gap]:
    """Views by thing, day, class and person; then what they cover, unless one of the logs could not be had.

    A Look is asked for by people, and by dashboards that show it: only what was run as a Look is a view of it.
    """
    seen: list[View] = []
    gaps: list[Gap] = []
    shown: list[str] = []
    lost = False
    for log in _LOGS:
        before = len(gaps)
        progress(f"log of {log.name}", 0, 0)
        try:
            for row in _rows(site, log, asking.first, asking.last, gaps):
                view = _view(log, row, asking)
                if view is not None:
                    seen.append(view)
        except (ServiceError, InputError) as error:
            gaps.append(as_gap(error, f"it is not known who opens {log.name} of looker", _RIGHT))
            lost = True
        shown += [log.covers] if len(gaps) == before else []
    # rows are sums already, so nothing in them is a reload
    yield from content.views(NAME, NAME, seen, asking.people, asking.classes, reload_seconds=0)
    covers = " ".join(shown) if gaps or not asking.covers else asking.covers
    if covers and not lost:  # else a later sync begins where this one did, and leaves no day out
        yield Coverage(covers=covers, start=asking.first, end=asking.last, origin=Origin(connector=NAME))
    yield from gaps


def _rows(site: Site, log: _Log, first: date, last: date, gaps: list[Gap]) -> Iterator[Mapping[str, Any]]:
    """All rows of the days from first to last, however many they are."""
    limit = ROWS
    while True:
        answer = site.run(log.name, _body(log, first, last, limit))
        if not isinstance(answer, list):
            raise ServiceError("Looker: its log is not a list of rows")
        if site.recorded or len(answer) < limit:
            yield from each({"rows": answer}, "rows")
            return
        if first < last:
            middle = first + (last - first) // 2
            yield from _rows(site, log, first, middle, gaps)
            yield from _rows(site, log, middle + timedelta(days=1), last, gaps)
            return
        if limit == MOST_ROWS:
            message = (
                f"the log of {log.name} of looker has more than {MOST_ROWS:,} rows for {first}: the rest is unknown"
            )
            gaps.append(Gap(topic="usage", message=message, origin=Origin(connector=NAME)))
            yield from each({"rows": answer}, "rows")
            return
        limit = MOST_ROWS


def _body(log: _Log, first: date, last: date, limit: int) -> dict[str, Any]:
    filters = {
        "history.created_date": f"{first} to {last + timedelta(days=1)}",  # the second day is not among them
        log.key: "-NULL" if log.name == "dashboards" else "NOT NULL",
    }
    if log.name == "looks":
        filters["history.dashboard_id"] = "NULL"
    fields = ["history.created_date", log.key, "history.source", "user.email", log.amount]
    return {
        "model": ACTIVITY,
        "view": "history",
        "fields": fields,
        "filters": filters,
        "sorts": fields[:4],
        "limit": str(limit),
        "query_timezone": "UTC",
    }


def _view(log: _Log, row: Mapping[str, Any], asking: Asking) -> View | None:
    on, key, amount = day(row, "history.created_date"), text(row, log.key), number(row, log.amount)
    if on is None or not key or not amount or amount < 0 or not asking.first <= on <= asking.last:
        return None
    source = text(row, "history.source").strip().casefold()
    return View(
        item=f"{log.prefix}{key}",
        at=datetime.combine(on, time(), UTC),
        user=text(row, "user.email"),
        person_class=_SOURCES.get(source, ""),
        amount=amount,
    )


def embedded(site: Site) -> tuple[set[str], list[Gap]]:
    """`dashboard.<id>` and `look.<id>` of what was ever opened on an embedded page, as far as Looker remembers."""
    body = {
        "model": ACTIVITY,
        "view": "content_usage",
        "fields": ["content_usage.content_id", "content_usage.content_type", "content_usage.embed_total"],
        "filters": {"content_usage.embed_total": ">0"},
        "sorts": ["content_usage.content_id"],
        "limit": str(MOST_ROWS),
    }
    try:
        rows = each({"rows": site.run("content", body)}, "rows")
    except (ServiceError, InputError) as error:
        return set(), [as_gap(error, "it is not known what of looker is embedded elsewhere", _RIGHT)]
    found = set()
    for row in rows:
        kind, key = text(row, "content_usage.content_type").casefold(), text(row, "content_usage.content_id")
        if key and kind in {"dashboard", "look"} and (number(row, "content_usage.embed_total") or 0) > 0:
            found.add(f"{kind}.{key}")
    return found, []
