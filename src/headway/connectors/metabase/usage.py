"""Who opened what in Metabase: from its application database, which knows it, or as lifetime totals, which do not.

The application database has two logs. `view_log` has a row for every dashboard and card that a person opened; in the
open-source edition newer versions do not write it. `query_execution` has a row for every query that was run, with its
context: there are the views of embedded and public pages, and what subscriptions sent. Where `view_log` is empty or
fell silent, people's views are told from the queries that their opening caused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from headway.connectors.content import View, views
from headway.connectors.metabase.holdings import NAME
from headway.connectors.protocol import Progress
from headway.errors import ConfigError, MissingExtra, ServiceError
from headway.graph.model import AnyRecord, Coverage, Gap, Origin, PersonClass
from headway.people import Classes, People

COVERS = f"kind:dashboard,connector:{NAME} kind:chart,connector:{NAME}"
_SETTINGS = "-c default_transaction_read_only=on -c timezone=UTC -c statement_timeout=600000"
_BATCH = 10_000
_OVERLAP = timedelta(days=1)
_SILENCE = timedelta(days=3)
"""A view_log that has nothing for so long while people's queries run is not written any more."""
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")
_SENT = {"pulse", "dashboard-subscription"}

_VIEWS = """
SELECT v.timestamp, v.model, v.model_id, {context}, COALESCE(u.email, v.user_id::text), {machine}
FROM view_log v LEFT JOIN core_user u ON u.id = v.user_id
WHERE v.timestamp >= %(start)s AND v.timestamp < %(end)s AND v.user_id IS NOT NULL
  AND v.model IN ('dashboard', 'card') AND {allowed}
"""
_PEOPLES_QUERIES = """
SELECT q.started_at, q.context, q.dashboard_id, q.card_id, COALESCE(u.email, q.executor_id::text), {machine}
FROM query_execution q LEFT JOIN core_user u ON u.id = q.executor_id
WHERE q.started_at >= %(start)s AND q.started_at < %(end)s AND q.executor_id IS NOT NULL
  AND (%(after)s::timestamptz IS NULL OR q.started_at > %(after)s)
  AND q.context IN ('dashboard', 'question', 'csv-download', 'xlsx-download', 'json-download')
"""
_OTHER_QUERIES = """
SELECT CAST(q.started_at AT TIME ZONE 'UTC' AS date), q.context, q.dashboard_id, q.card_id, count(*)
FROM query_execution q
WHERE q.started_at >= %(start)s AND q.started_at < %(end)s
  AND (q.context IN ('pulse', 'dashboard-subscription') OR q.context LIKE 'embedded-%%' OR q.context LIKE 'public-%%')
GROUP BY 1, 2, 3, 4
"""
_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_name IN ('view_log', 'query_execution', 'core_user') AND table_schema = ANY (current_schemas(false))
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """What to look for, and what to call people."""

    people: People
    classes: Classes
    covers: str
    keep_days: int
    now: datetime
    since: datetime | None
    kinds: Mapping[int, str]
    """Number of a card -> what kind of item it is."""

    @property
    def window(self) -> tuple[datetime, datetime]:
        """Whole days in UTC, from a day before the last sync to the day of `now`; the end is not in it."""
        today = self.now.astimezone(UTC).date()
        start = today - timedelta(days=self.keep_days)
        if self.since is not None:
            start = max(start, (self.since - _OVERLAP).astimezone(UTC).date())
        begins = datetime.combine(min(start, today), time(), UTC)
        return begins, datetime.combine(today + timedelta(days=1), time(), UTC)


def checked_database(url: str) -> str:
    """The URL of an application database as its driver takes it. Raises ConfigError for what is no PostgreSQL."""
    match = _POSTGRES.match(url)
    if match is None or not url.isprintable():
        raise ConfigError(
            "the application database of Metabase is not named by a URL of PostgreSQL",
            hint="HEADWAY_METABASE_DB_URL=postgresql://reader:password@host:5432/metabase",
        )
    return "postgresql://" + url[match.end() :]


def usage(url: str, asking: Asking, progress: Progress) -> Iterator[AnyRecord]:
    """Views by item, day, class and person; then a Coverage of the days that the logs show, or a Gap without any.

    Raises ConfigError, MissingExtra without the driver, ServiceError when the database cannot be read.
    """
    address = checked_database(url)
    try:
        import psycopg
    except ImportError:
        raise MissingExtra("postgres", "reading Metabase's application database") from None
    progress("reading who opened what in Metabase", 0, 0)
    problem = ""
    try:
        with psycopg.connect(
            address,
            connect_timeout=15,
            options=_SETTINGS,
        ) as connection:
            seen, first = _Logs(connection, asking).read()
    except psycopg.Error as error:
        problem = type(error).__name__  # its text may name the server and its user
    if problem:
        raise ServiceError(
            f"the application database of Metabase cannot be read: {problem}",
            hint="is it up, and may this user read view_log, query_execution and core_user?",
        )
    yield from views(NAME, NAME, seen, asking.people, asking.classes)
    origin = Origin(connector=NAME)
    if first is None:
        message = "the application database of Metabase holds no views"
        yield Gap(topic="usage", message=message, hint="is it the one that Metabase uses?", origin=origin)
        return
    start, end = asking.window
    begins = max(start.date(), first)
    yield Coverage(covers=asking.covers or COVERS, start=begins, end=end.date() - timedelta(days=1), origin=origin)


@dataclass(frozen=True, slots=True)
class _Span:
    """From when to when a log has rows."""

    first: datetime
    last: datetime

    @property
    def whole(self) -> date:
        """The first day that it shows: it may begin in the middle of one, so the day after, unless there is none."""
        return self.first.date() + timedelta(days=1 if self.first.date() < self.last.date() else 0)


class _Logs:
    """Reads the two logs over one connection."""

    def __init__(self, connection: Any, asking: Asking) -> None:
        self._connection = connection
        self._kinds = asking.kinds
        self._window = dict(zip(("start", "end"), asking.window, strict=True))
        self._columns: set[tuple[str, str]] = set(connection.execute(_COLUMNS).fetchall())

    def read(self) -> tuple[list[View], date | None]:
        """The views of the window, and the first day that the logs show as a whole; None when they hold nothing."""
        viewed = self._span("view_log", "timestamp")
        ran = self._span("query_execution", "started_at")
        seen = list(self._others())
        if viewed is not None:
            seen += self._logged()
        if ran is None or (viewed is not None and ran.last - viewed.last <= _SILENCE):
            return seen, viewed.whole if viewed else None
        # Without view_log, or since it fell silent: an update to a version that does not write it any more.
        seen += self._peoples_queries(viewed.last if viewed else None)
        return seen, viewed.whole if viewed and viewed.last >= ran.first else ran.whole

    def _has(self, table: str, column: str) -> bool:
        return (table, column) in self._columns

    def _card(self, number: int) -> str:
        return f"{self._kinds.get(number, 'chart')}.{number}"

    def _machine(self) -> str:
        """Whether the user is no person: an API key, or one that Metabase itself uses."""
        return "u.type <> 'personal'" if self._has("core_user", "type") else "false"

    def _span(self, table: str, column: str) -> _Span | None:
        """From when to when a log has rows; None without any."""
        if not self._has(table, column):
            return None
        found = self._connection.execute(f"SELECT min({column}), max({column}) FROM {table}").fetchone()  # noqa: S608
        return None if found is None or found[0] is None else _Span(_utc(found[0]), _utc(found[1]))

    def _rows(self, sql: str, **more: Any) -> Iterator[tuple[Any, ...]]:
        with self._connection.cursor(name="headway") as cursor:  # on the server: logs are long
            cursor.itersize = _BATCH
            cursor.execute(sql, {**self._window, **more})
            yield from cursor

    def _logged(self) -> Iterator[View]:
        sql = _VIEWS.format(
            context="v.context" if self._has("view_log", "context") else "NULL",
            machine=self._machine(),
            allowed="v.has_access IS NOT FALSE" if self._has("view_log", "has_access") else "true",
        )
        for at, model, key, context, user, machine in self._rows(sql):
            if context == "collection" or key is None:
                continue  # a picture of it, beside others
            person_class: PersonClass = "scheduled" if context == "pulse" else "service" if machine else ""
            item = self._card(key) if model == "card" else f"dashboard.{key}"
            yield View(item=item, at=_utc(at), user=user or "", person_class=person_class)

    def _peoples_queries(self, after: datetime | None) -> Iterator[View]:
        if not self._has("query_execution", "context"):
            return
        sql = _PEOPLES_QUERIES.format(machine=self._machine())
        for at, context, dashboard, card, user, machine in self._rows(sql, after=after):
            person_class: PersonClass = "service" if machine else ""
            items = [f"dashboard.{dashboard}"] if dashboard is not None and context == "dashboard" else []
            items += [self._card(card)] if card is not None else []
            for item in items:
                yield View(item=item, at=_utc(at), user=user or "", person_class=person_class)

    def _others(self) -> Iterator[View]:
        """Views of nobody in particular. One view of a dashboard runs each of its cards once: so many times as its
        most asked card was run, it was opened."""
        if not self._has("query_execution", "context"):
            return
        amounts: dict[tuple[date, PersonClass, str], float] = defaultdict(float)
        for day, context, dashboard, card, count in self._rows(_OTHER_QUERIES):
            person_class: PersonClass = "scheduled" if context in _SENT else "embedded"
            if dashboard is not None:
                place = (day, person_class, f"dashboard.{dashboard}")
                amounts[place] = max(amounts[place], float(count))
            if card is not None:
                amounts[day, person_class, self._card(card)] += float(count)
        for (day, person_class, item), amount in sorted(amounts.items()):
            yield View(item=item, at=datetime.combine(day, time(), UTC), person_class=person_class, amount=amount)


def _utc(moment: datetime) -> datetime:
    """A moment of the database; very old versions of Metabase kept them without a zone, in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
