"""The connector `superset`: dashboards, charts and datasets of Apache Superset, and who opens them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import content, given
from headway.connectors.protocol import Context
from headway.connectors.superset import export, views
from headway.connectors.superset.live import Content
from headway.connectors.superset.rest import Rest
from headway.connectors.superset.stock import NAME, Stock
from headway.errors import ConfigError
from headway.graph.model import AnyRecord, Coverage, Gap, Origin
from headway.people import Classes
from headway.remote import Client, Refused

COVERS = f"kind:dashboard,connector:{NAME} kind:chart,connector:{NAME}"
_OVERLAP = timedelta(days=1)
_LONGEST_TIMEOUT = 3600


class Superset:
    """Reads Superset through its REST API, or an export of it: a folder, or a zip as its export button gives it.

    Yields nodes of kinds dashboard, chart and dataset, what they read, and which columns of it. From the API also views
    by dashboard, chart, day and person, and the days that the log covers; then gaps.

    Signs in with user and password, or with a token. Views need a user who may read the log; without the right to they
    are a gap. Raises ConfigError for options that cannot be, ServiceError when Superset cannot be reached or signed in
    to, InputError for an export that cannot be used, MissingExtra without the extra `bi`.
    """

    name: ClassVar[str] = NAME
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help="where Superset is: https://superset.example.com"),
        Option("export", list, [], help="instead of url: a zip or folder that Superset exported, or a list of them"),
        Option("user", str, help="who to sign in as", env="HEADWAY_SUPERSET_USER", secret=True),
        Option("password", str, help="the user's password", env="HEADWAY_SUPERSET_PASSWORD", secret=True),
        Option(
            "token", str, help="a bearer token, instead of user and password", env="HEADWAY_SUPERSET_TOKEN", secret=True
        ),
        Option("provider", str, "db", help="how the user is known to Superset: db or ldap"),
        Option("usage", bool, True, help="read who opened what from the log"),
        Option("keep_days", int, 400, help="how many days back the first sync reads the log"),
        Option("timeout", int, 60, help="seconds to wait for an answer"),
        *given.USAGE,
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        said = {**options}
        if isinstance(said.get("export"), str):
            said["export"] = [said["export"]]
        self._options = given.checked(NAME, self.options, said)
        self._context = context
        self._live = given.one_of(NAME, self._options, "url", "export") == "url"
        if not all(isinstance(path, str) and path for path in self._options["export"]):
            raise ConfigError(f"option export of {NAME} is not a file or folder", hint="export: superset/export.zip")
        Classes.of(self._options["people"])
        self._timeout = given.days(NAME, self._options, "timeout", _LONGEST_TIMEOUT)
        self._keep_days = given.days(NAME, self._options, "keep_days", 36_500)

    def records(self) -> Iterator[AnyRecord]:
        """What there is, then who looked, then gaps."""
        if self._live:
            with self._client() as client:
                yield from self._asked(client)
        else:
            exports = [self._located(text) for text in self._options["export"]]
            yield from _records(export.read(exports, self._context.progress))

    def _asked(self, client: Client) -> Iterator[AnyRecord]:
        environment = self._context.environment
        rest = Rest(
            client, provider=self._options["provider"], token=environment.get("HEADWAY_SUPERSET_TOKEN", "").strip()
        )
        if not rest.token:
            rest.user = given.secret(NAME, self.options, "user", self._context)
            rest.password = given.secret(NAME, self.options, "password", self._context)
        rest.sign_in()
        reading = Content(rest)
        stock = reading.stock()
        yield from _records(stock)
        if self._options["usage"]:
            yield from self._usage(rest, stock, reading.embedded)

    def _usage(self, rest: Rest, stock: Stock, embedded: Mapping[str, str]) -> Iterator[AnyRecord]:
        """Views of what there still is, the days that the log shows, and why it does not show others."""
        context, origin = self._context, Origin(connector=NAME)
        today = context.now.astimezone(UTC).date()
        start = today - timedelta(days=self._keep_days)
        if context.covered is not None:
            start = min(today, max(start, (context.covered - _OVERLAP).astimezone(UTC).date()))
        slugs = {board.slug: key for key, board in stock.dashboards.items() if board.slug}
        try:
            seen = views.seen(rest, start, today, embedded, slugs)
        except Refused as error:
            if error.status not in {403, 404}:
                raise
            yield Gap(
                topic="usage",
                message=f"it is not known who opens what: {error.message}",
                hint="sign in as a user who may read the log: in Superset the role Admin, or can read on Log",
                origin=origin,
            )
            return
        if seen.start is None or seen.loads_alone:
            why = "its log tells of pages that were loaded, but of no view" if seen.loads_alone else "its log is empty"
            yield Gap(topic="usage", message=f"Superset: it is not known who opens what, {why}", origin=origin)
            return
        known = {
            f"{kind}.{key}" for kind, of in (("dashboard", stock.dashboards), ("chart", stock.charts)) for key in of
        }
        people, classes = given.people(self._options, context)
        there = [view for view in seen.views if view.item in known]
        yield from content.views(NAME, NAME, there, people, classes)
        yield Coverage(covers=self._options["covers"] or COVERS, start=seen.start, end=today, origin=origin)
        if gone := len(seen.views) - len(there):
            yield Gap(
                topic="usage",
                message=f"{gone:,} of {len(seen.views):,} views in Superset's log are of dashboards and charts that it "
                "does not list any more, or not to this user; they are not counted",
                origin=origin,
            )

    def _client(self) -> Client:
        return Client("Superset", self._options["url"], timeout=self._timeout, progress=self._context.progress)

    def _located(self, text: str) -> tuple[Path, str]:
        path = Path(self._context.root, text)
        shown = os.path.relpath(path, self._context.root) if "\0" not in text else text
        return path, text if shown.startswith(os.pardir) else shown


def _records(stock: Stock) -> Iterator[AnyRecord]:
    yield from content.records(NAME, NAME, stock.items())
    yield from stock.gaps
