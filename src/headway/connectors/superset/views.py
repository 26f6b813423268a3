"""Who opened what, from Superset's log (`/api/v1/log/`, the table `logs`).

| row of the log | is |
|---|---|
| action `log`, event `mount_dashboard` | a view of a dashboard, except in edit mode |
| action `log`, event `load_chart` | a view of a chart, on a dashboard |
| action `log`, event `mount_explorer` | a view of a chart, on its own page |
| action `embedded` | a page outside that shows a dashboard |

The browser sends these events when something is really shown. The page load (action `dashboard`) is no view: it is
missing when one goes from page to page inside Superset, and scripts make it too. Times are UTC.

Superset 6.1 fills the event in before it has read the next dashboard: going from one to another inside Superset, the
event has the number and the edit mode of the one before. The address that it was sent from (`referrer`) is right.
Charts that are loaded in edit mode tell so by naming the event of their dashboard (`trigger_event`).

Somebody without a user is outside. An embedded dashboard may be told by its page load, by its event, or by both: the
event has no number of a dashboard in Superset 6.1, and is refused (500) where the role of guests lacks the right can
log on Superset. The larger number of a day counts.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import unquote

from headway.connectors import fields
from headway.connectors.content import View
from headway.connectors.superset.rest import Rest

_COLUMNS = ["action", "user_id", "user.username", "dashboard_id", "slice_id", "dttm", "json", "referrer"]
_EVENTS = {"mount_dashboard": "dashboard", "mount_explorer": "chart", "load_chart": "chart"}
_PAGE = 1000
"""Asked for; Superset gives what it allows, mostly 100."""
_LOG = "api/v1/log/"
_ADDRESS = re.compile(r"[^?#]*/superset/dashboard/([^/?#]+)/?(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
"""Of the page of a dashboard: its slug or id, and the query."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the log tells of the days from `start` to `end`; `start` None when it holds nothing of them."""

    views: tuple[View, ...]
    start: date | None
    loads_alone: bool = False
    """Pages of dashboards were loaded, but browsers told of no view at all: they are not heard."""


def seen(rest: Rest, start: date, end: date, embedded: Mapping[str, str], slugs: Mapping[str, str]) -> Seen:
    """Views from the first moment of `start` (UTC) to the last of `end`.

    `embedded` is what Content.embedded says, `slugs` the slug of a dashboard -> its id.

    Raises ServiceError; Refused (403) when the user may not read the log, (404) when there is none.
    """
    reading = _Reading(rest, start, end)
    first = reading.first()
    if first is None:
        return Seen((), None)
    events, found = _Events(slugs), list[View]()
    mounts: dict[tuple[str, date], list[View]] = defaultdict(list)
    for event, kind in _EVENTS.items():
        for row in reading.rows([("action", "eq", "log"), ("json", "ct", event)], f"views of {kind}s"):
            view = events.view(row, event, kind)
            if view is None:
                continue
            if view.user or kind == "chart":
                found.append(view)
            else:
                mounts[view.item, view.at.date()].append(view)
    heard = bool(found or mounts)
    loads: dict[tuple[str, date], list[View]] = defaultdict(list)
    for row in reading.rows([("action", "eq", "embedded")], "pages that embed dashboards"):
        key = embedded.get(fields.text(_said(row), "embedded_dashboard_id"))
        at = _moment(row)
        if key and at:
            loads[f"dashboard.{key}", at.date()].append(View(item=f"dashboard.{key}", at=at, person_class="embedded"))
    for place in sorted({*mounts, *loads}):
        inside, outside = mounts[place], loads[place]
        found += inside if len(inside) >= len(outside) else outside
    loads_alone = not heard and reading.any([("action", "eq", "dashboard")])
    return Seen(tuple(found), max(first, start), loads_alone)


@dataclass(frozen=True, slots=True)
class _Events:
    """What browsers told. Those of dashboards go first: they tell which charts were loaded to edit a dashboard."""

    slugs: Mapping[str, str]
    _edits: set[str] = field(default_factory=set)

    def view(self, row: Mapping[str, Any], event: str, kind: str) -> View | None:
        """The view that a row tells of; None when it is none."""
        said, at = _said(row), _moment(row)
        if at is None or said.get("event_name") != event:
            return None
        name = "dashboard_id" if kind == "dashboard" else "slice_id"
        # the row has the number of the first event that was sent with it, the event its own
        key, edited = fields.text(said, name) or fields.text(row, name), fields.truth(said, "is_edit_mode")
        if kind == "dashboard" and fields.truth(said, "is_soft_navigation"):
            key, edited = self._at_the_address(row, key, edited)
        if edited:
            self._edits.add(fields.text(said, "event_id"))
        by_edit = fields.text(said, "trigger_event")
        if edited or (by_edit and by_edit in self._edits) or not key.isdigit() or key == "0":
            return None  # key 0: a chart that was never saved
        user = fields.text(row, "user", "username") or fields.text(row, "user_id")
        return View(item=f"{kind}.{key}", at=at, user=user, person_class="" if user else "embedded")

    def _at_the_address(self, row: Mapping[str, Any], key: str, edited: bool) -> tuple[str, bool]:
        """Id and edit mode of the dashboard whose page told; what the event says, where the address says nothing."""
        page = _ADDRESS.fullmatch(fields.text(row, "referrer"))
        if page is None:
            return key, edited
        name = unquote(page[1])
        there = name if name.isascii() and name.isdigit() else self.slugs.get(name, key)
        return there, edited and "edit=true" in (page[2] or "").split("&")


def _said(row: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        said = json.loads(fields.text(row, "json"))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _moment(row: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(fields.text(row, "dttm"))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Reading:
    rest: Rest
    start: date
    end: date

    def first(self) -> date | None:
        """The day of the oldest row in the window, or `start` when there are older ones; None without any row."""
        for filters in ([("dttm", "lt", _written(self._begin))], [("dttm", "gt", _written(self._before))]):
            at = next((_moment(row) for _, row in self._page(filters, 0, 1)[0]), None)
            if at is not None:
                return max(at.date(), self.start)
        return None

    def any(self, filters: list[tuple[str, str, str]]) -> bool:
        """Whether there is such a row in the window."""
        return bool(self._page([*filters, ("dttm", "gt", _written(self._before))], 0, 1)[0])

    def rows(self, filters: list[tuple[str, str, str]], what: str) -> Iterator[Mapping[str, Any]]:
        """The rows of the window, each once, oldest first.

        A page begins at the last moment of the one before and not at a number of rows: what is written meanwhile moves
        nothing, and the thousandth page costs no more than the first. Rows of the same moment are told apart by id.
        """
        last, page, done = self._before, 0, 0
        known: set[int] = set()
        until = datetime.combine(self.end + timedelta(days=1), time(), UTC)
        while True:
            rows, count = self._page([*filters, ("dttm", "gt", _written(last))], page, _PAGE)
            fresh = [(key, row) for key, row in rows if key not in known]
            self.rest.client.progress(f"reading Superset's log: {what}", done, done + max(0, count - len(known)))
            for _, row in fresh:
                if (at := _moment(row)) is not None and at < until:
                    yield row
            done += len(fresh)
            moments = [at for _, row in rows if (at := _moment(row)) is not None]
            # a moment earlier, because the filter knows "later than" only; rows at the border come again
            nearly = max(moments, default=last) - timedelta(microseconds=1)
            if len(rows) >= count or nearly >= until or (page and not fresh):
                return
            if nearly > last:
                known = {key for key, row in rows if (at := _moment(row)) is None or at > nearly}
                last, page = nearly, 0
            elif rows:
                known |= {key for key, _ in rows}
                page += 1
            else:
                return

    def _page(
        self, filters: list[tuple[str, str, str]], page: int, size: int
    ) -> tuple[list[tuple[int, Mapping[str, Any]]], int]:
        """Rows with their ids, and how many there are in all."""
        answer = self.rest.get(
            _LOG,
            {
                "filters": [{"col": col, "opr": operator, "value": value} for col, operator, value in filters],
                "columns": _COLUMNS,
                "order_column": "dttm",
                "order_direction": "asc",
                "page": page,
                "page_size": size,
            },
        )
        rows = fields.each(answer, "result")
        ids = answer.get("ids")
        numbers = ids if isinstance(ids, list) and len(ids) == len(rows) else [hash(repr(row)) for row in rows]
        count = fields.number(answer, "count")
        return list(zip(numbers, rows, strict=True)), len(rows) + bool(rows) if count is None else int(count)

    @property
    def _begin(self) -> datetime:
        return datetime.combine(self.start, time(), UTC)

    @property
    def _before(self) -> datetime:
        return self._begin - timedelta(microseconds=1)


def _written(at: datetime) -> str:
    """A moment as the log's filters take it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")
