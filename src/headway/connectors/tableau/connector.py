"""Tableau's connector: what is asked for, what is made of it, and what to say where a part of it is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date
from pathlib import Path
from typing import Any, ClassVar

from headway.answer import plural
from headway.config import Option
from headway.connectors import given
from headway.connectors.content import item_id, records, views
from headway.connectors.fields import number, text, truth
from headway.connectors.protocol import Context
from headway.connectors.tableau import events, queries
from headway.connectors.tableau.items import Answers, Content, Where, content, unexplained
from headway.connectors.tableau.queries import Part
from headway.connectors.tableau.server import Folder, Server, Tableau
from headway.errors import ConfigError, HeadwayError, InputError, ServiceError
from headway.graph.model import AnyRecord, Coverage, Gap, Observation, Origin
from headway.graph.totals import VIEWS_TOTAL
from headway.remote import Client

TOOL = "tableau"
_COVERS = "kind:dashboard,connector:tableau kind:chart,connector:tableau"
_RIGHTS = "the token's user needs to be a site administrator"


class TableauSite:
    """Reads one site of Tableau Server or Tableau Cloud: dashboards, sheets, data sources, and how often they open.

    Live it signs in with a personal access token and asks the Metadata API (which Tableau Server has to have switched
    on) and the REST API. With `export` it reads a folder of recorded answers instead: `workbooks.json`, `sheets.json`,
    `embedded_datasources.json`, `published_datasources.json`, `custom_sql.json`, `views.json`, `subscriptions.json`.

    Tableau tells how often a view was opened since it exists: a total without days or people. Views are the difference
    between the totals of two syncs. With `events`, an export of TS Events, they have days and people instead.

    Raises ConfigError for options that cannot be, ServiceError when the server cannot be reached or refuses, InputError
    for a folder or file that cannot be used. A part that cannot be had is a Gap; without workbooks there is nothing.
    """

    name: ClassVar[str] = "tableau"
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help="where Tableau is: https://tableau.example.com"),
        Option("site", str, "", help="the site, as in addresses; empty: the default site"),
        Option("token_name", str, "", help="name of the personal access token"),
        Option("token", str, help="the personal access token.", env="HEADWAY_TABLEAU_TOKEN", secret=True),
        Option("api_version", str, "3.6", help="of the REST API; 3.6 is known to every server that knows these tokens"),
        Option("export", str, "", help="a folder of recorded answers, instead of url"),
        Option("taken", str, "", help="day on which the recorded answers were taken; empty: the day of the sync"),
        Option("events", str, "", help="a CSV export of TS Events (Admin Insights): who opened which view, and when"),
        *given.USAGE,
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        values = given.checked(self.name, self.options, options)
        self._context = context
        self._values = values
        self._live = given.one_of(self.name, values, "url", "export") == "url"
        self._taken = given.iso_day(self.name, values, "taken") or context.now.astimezone(UTC).date()
        self._origin = Origin(connector=self.name)
        if (
            not all(part.isdigit() for part in values["api_version"].split("."))
            or values["api_version"].count(".") != 1
        ):
            raise ConfigError(f"option api_version of {self.name} is no version", hint='api_version: "3.6"')
        if self._live and not values["token_name"]:
            raise ConfigError(f"{self.name} needs the option token_name", hint="the name that the token was given")
        if self._live and values["taken"]:
            raise ConfigError(f"option taken of {self.name} is for recorded answers: a server answers today")
        self._base = self._client().base if self._live else ""

    def _client(self) -> Client:
        return Client("Tableau", self._values["url"], progress=self._context.progress)

    def records(self) -> Iterator[AnyRecord]:
        """Data sources, sheets and dashboards with what they read; then views; then what is not known."""
        with self._opened() as tableau:
            gaps: list[Gap] = []
            answers = self._answers(tableau, gaps)
            rows = self._rows(tableau, "views", "view", "usage", gaps)
            mailed = self._rows(tableau, "subscriptions", "subscription", "usage", gaps)
            partial = [
                Gap(topic="lineage", message=said, origin=self._origin) for said in dict.fromkeys(tableau.partial)
            ]
        outside = (text(row, "content", "id") for row in mailed or () if not truth(row, "suspended"))
        found = content(answers, Where(self._base, self._values["site"]), outside)
        gaps += self._unexplained(found, rows or ())
        yield from records(TOOL, self.name, found.items)
        if self._values["events"]:
            yield from self._dated(found)
        elif rows is not None:
            yield from self._totals(found, rows)
        yield from (*partial, *gaps)

    @contextmanager
    def _opened(self) -> Iterator[Tableau]:
        if not self._live:
            shown = self._values["export"]
            yield Folder.of(Path(self._context.root, shown), shown)
            return
        server = Server(
            self._client(),
            self._values["api_version"],
            self._values["site"],
            self._values["token_name"],
            given.secret(self.name, self.options, "token", self._context),
        )
        with server:
            yield server

    # --- asking

    def _answers(self, tableau: Tableau, gaps: list[Gap]) -> Answers:
        def nodes(part: Part) -> list[Mapping[str, Any]]:
            return self._collected(tableau.nodes(part), part.what, "lineage", gaps, part.file) or []

        workbooks = list(tableau.nodes(queries.WORKBOOKS))  # without them there is nothing
        return Answers(
            workbooks, *map(nodes, (queries.SHEETS, queries.EMBEDDED, queries.PUBLISHED, queries.CUSTOM_SQL))
        )

    def _rows(
        self, tableau: Tableau, plural: str, singular: str, topic: str, gaps: list[Gap]
    ) -> list[Mapping[str, Any]] | None:
        return self._collected(tableau.rows(plural, singular), plural, topic, gaps, plural)

    def _collected(
        self, found: Iterator[Mapping[str, Any]], what: str, topic: str, gaps: list[Gap], file: str
    ) -> list[Mapping[str, Any]] | None:
        """Everything that comes before something breaks, with a gap where it does; None where nothing came at all."""
        kept: list[Mapping[str, Any]] = []
        try:
            for one in found:
                kept.append(one)  # noqa: PERF402 - what came before an error counts
        except (ServiceError, InputError) as error:
            hint = error.hint if self._live else f"record them as {file}.json"
            gaps.append(
                Gap(
                    topic=topic,
                    message=f"{what} of Tableau are not known{' in full' if kept else ''}: {_said(error)}",
                    hint=_RIGHTS if getattr(error, "status", 0) == 403 else hint,
                    origin=self._origin,
                )
            )
            return kept or None
        return kept

    def _unexplained(self, found: Content, rows: Iterable[Mapping[str, Any]]) -> list[Gap]:
        """Add the views that REST answers name and the Metadata API does not."""
        extra = [row for row in rows if text(row, "id") and text(row, "id") not in found.by_luid]
        for row in extra:
            item = unexplained(row)
            found.items.append(item)
            found.by_luid[item.key] = item.reference
        if not extra:
            return []
        message = f"what {plural(len(extra), 'view')} of Tableau read is not known: the Metadata API does not name them"
        hint = "stories are never named there; is all of it indexed?"
        return [Gap(topic="lineage", message=message, hint=hint, origin=self._origin)]

    # --- usage

    def _totals(self, found: Content, rows: Iterable[Mapping[str, Any]]) -> Iterator[AnyRecord]:
        """How often each view was opened since it exists. What cannot be opened by itself never was."""
        totals: dict[str, float] = dict.fromkeys(found.hidden, 0.0)
        unsaid = 0
        for row in rows:
            total = number(row, "usage", "totalViewCount")
            if total is None or total < 0:
                unsaid += 1
            elif text(row, "id") in found.by_luid:
                totals[found.by_luid[text(row, "id")]] = total
        for reference, total in sorted(totals.items()):
            yield Observation(
                day=self._taken,
                measure=VIEWS_TOTAL,
                amount=total,
                node=item_id(TOOL, reference),
                tool=TOOL,
                origin=self._origin,
            )
        if len(totals) > len(found.hidden):
            yield self._coverage(self._taken, self._taken, self._origin)
        if unsaid:
            message = f"how often {plural(unsaid, 'view')} of Tableau were opened is not said"
            yield Gap(topic="usage", message=message, origin=self._origin)

    def _dated(self, found: Content) -> Iterator[AnyRecord]:
        """Who opened what on which day, from the export of TS Events."""
        shown = self._values["events"]
        told = events.read(Path(self._context.root, shown), shown, {k.casefold(): v for k, v in found.by_luid.items()})
        people, classes = given.people(self._values, self._context)
        yield from views(TOOL, self.name, told.views, people, classes)
        if told.first and told.last:
            yield self._coverage(told.first, told.last, self._origin)
        if told.bad:
            message = f"left out, because it cannot be read: {plural(told.bad, 'row')} of {shown}"
            yield Gap(topic="usage", message=message, origin=Origin(connector=self.name, file=shown))
        if told.elsewhere:
            message = f"{plural(told.elsewhere, 'view')} in {shown}: of things that this site does not have any more"
            yield Gap(topic="usage", message=message, origin=Origin(connector=self.name, file=shown))

    def _coverage(self, start: date, end: date, origin: Origin) -> Coverage:
        return Coverage(covers=self._values["covers"] or _COVERS, start=start, end=end, origin=origin)


def _said(error: HeadwayError) -> str:
    return f"{error.place}: {error.message}" if error.place else error.message
