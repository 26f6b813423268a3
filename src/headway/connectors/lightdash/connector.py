"""The connector `lightdash`: dashboards, charts and explores of Lightdash, and how often they are opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors import content, given
from headway.connectors.api import answers
from headway.connectors.content import Item
from headway.connectors.fields import below, day, each, number, text
from headway.connectors.lightdash.explores import Explore, asked
from headway.connectors.lightdash.holdings import NAME, Object, Project, Reader
from headway.connectors.protocol import Context
from headway.errors import ConfigError
from headway.graph.model import AnyRecord, Gap, Observation, Origin
from headway.graph.totals import VIEWS_TOTAL
from headway.remote import Client, checked_url


class Lightdash:
    """Reads a Lightdash through its API, or recorded answers of it from a folder.

    Yields nodes of kinds dashboard, chart and dataset (explores), what they read, which columns of it; lifetime totals
    of views; then gaps. An explore is tied to the dbt model of its name.

    Raises ConfigError for options that cannot be, InputError for a folder without answers, MissingExtra without the
    extra `bi`, ServiceError when Lightdash cannot be reached or refuses.
    """

    name: ClassVar[str] = NAME
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help="where Lightdash is: https://lightdash.example.com"),
        Option("token", str, help="personal access token", env="HEADWAY_LIGHTDASH_TOKEN", secret=True),
        Option("projects", list, [], help="uuids of the projects to read; empty: all but previews"),
        Option("export", str, "", help="folder with recorded answers, such as api/v1/saved/<uuid>.json"),
        Option("taken", str, "", help="day on which `export` was recorded, so that its totals of views have a date"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        self._export: str = values["export"]
        self._url: str = values["url"]
        if not self._export and not self._url:
            raise ConfigError(f"{NAME} needs either url or export: neither is given")
        if self._url:
            self._url = checked_url("Lightdash", self._url)
        self._projects = values["projects"]
        if not all(isinstance(uuid, str) for uuid in self._projects):
            raise ConfigError(f"option projects of {NAME} is not a list of uuids")
        self._taken = given.iso_day(NAME, values, "taken")

    def records(self) -> Iterator[AnyRecord]:
        """Everything in the projects, how often it was opened, and what could not be had."""
        with answers(NAME, self._context.root, self._export, self._client) as api:
            reader = Reader(api, self._context.progress, self._projects)
            projects = reader.read()
        items = [item for project in projects for item in _Items(project, self._url).all()]
        yield from content.records(NAME, NAME, items)
        yield from reader.gaps
        yield from self._totals(projects)

    def _client(self) -> Client:
        token = given.secret(NAME, self.options, "token", self._context)
        headers = {"authorization": f"ApiKey {token}"}
        return Client("Lightdash", self._url, headers=headers, progress=self._context.progress)

    def _totals(self, projects: list[Project]) -> Iterator[AnyRecord]:
        """How often everything was opened since it was made."""
        origin = Origin(connector=NAME)
        on = self._taken if self._export else self._context.now.date()
        if on is None:
            message = "the export of lightdash has totals of views, but not of which day"
            yield Gap(topic="usage", message=message, hint="taken: 2026-11-22", origin=origin)
            return
        for project in projects:
            for uuid, one in sorted(project.content.items()):
                total = number(one, "views")
                if total is not None and total >= 0:
                    node = content.item_id(NAME, f"{text(one, 'contentType')}.{uuid}")
                    yield Observation(day=on, measure=VIEWS_TOTAL, amount=total, node=node, tool=NAME, origin=origin)
        yield Gap(
            topic="usage",
            message="lightdash counts views by people, administrators and scheduled deliveries alike, and not by whom",
            origin=origin,
        )


class _Items:
    """A project as items: explores, charts, dashboards."""

    def __init__(self, project: Project, url: str) -> None:
        self._project = project
        self._url = f"{url}/projects/{project.uuid}" if url else ""

    def all(self) -> list[Item]:
        """Each kind sorted by its key."""
        project = self._project
        of = {"chart": self._chart, "dashboard": self._dashboard}
        shown = [(text(one, "contentType"), uuid, one) for uuid, one in project.content.items()]
        found = [self._explore(project.explores[name]) for name in sorted(project.explores)]
        return found + [of[kind](uuid, one) for kind, uuid, one in sorted(shown, key=lambda known: known[:2])]

    def _key(self, explore: str) -> str:
        return f"{self._project.uuid}.{explore}"

    def _explore(self, explore: Explore) -> Item:
        return Item(
            kind="dataset",
            key=self._key(explore.name),
            name=explore.name,
            title=explore.label,
            description=explore.description,
            tags=explore.tags,
            path=self._project.name,
            url=f"{self._url}/tables/{explore.name}" if self._url else "",
            models=() if explore.virtual else explore.models,
            sql=explore.sql,
            dialect=explore.dialect or self._project.dialect,
            default=self._project.default,
            columns=None if explore.virtual else explore.columns,
            offers=explore.offers,
            rows=explore.joined_on,
        )

    def _chart(self, uuid: str, one: Object) -> Item:
        project = self._project
        chart = project.charts.get(uuid, {})
        sql, table = text(chart, "sql"), text(chart, "tableName")
        explore = project.explores.get(table)
        computed, rows = asked(chart, explore) if explore else ({}, ())
        saved = "sql-runner" if sql else "saved"
        return Item(
            kind="chart",
            key=uuid,
            reads=(f"dataset.{self._key(table)}",) if explore else (),
            models=(table,) if table and not explore else (),
            sql=sql,
            dialect=project.dialect if sql else explore.dialect if explore else "",
            default=project.default,
            computed=computed,
            rows=rows,
            url=f"{self._url}/{saved}/{text(one, 'slug') if sql else f'{uuid}/view'}" if self._url else "",
            **self._common(uuid, one, chart),
        )

    def _dashboard(self, uuid: str, one: Object) -> Item:
        dashboard = self._project.dashboards.get(uuid, {})
        shown = [
            text(tile, "properties", "savedChartUuid") or text(tile, "properties", "savedSqlUuid")
            for tile in each(dashboard, "tiles")
        ]
        return Item(
            kind="dashboard",
            key=uuid,
            reads=tuple(f"chart.{chart}" for chart in dict.fromkeys(shown) if chart),
            url=f"{self._url}/dashboards/{uuid}/view" if self._url else "",
            **self._common(uuid, one, dashboard),
        )

    def _common(self, uuid: str, one: Object, whole: Object) -> dict[str, Any]:
        maker = below(one, "createdBy") or below(one, "lastUpdatedBy")
        verified = below(one, "verification") or below(whole, "verification")
        return {
            "title": text(one, "name"),
            "name": text(one, "slug"),
            "owner": " ".join(part for part in (text(maker, "firstName"), text(maker, "lastName")) if part),
            "path": "/".join(part for part in (self._project.name, text(one, "space", "name")) if part),
            "description": text(one, "description"),
            "tags": ("verified",) if verified else (),
            "created": day(one, "createdAt"),
            "outside": uuid in self._project.sent,
        }
