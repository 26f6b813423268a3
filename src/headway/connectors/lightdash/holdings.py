"""Everything that projects of a Lightdash hold, part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from headway.connectors.fields import below, each, number, text
from headway.connectors.lightdash.explores import DIALECTS, Explore, explore_of
from headway.connectors.parts import Parts
from headway.connectors.protocol import Progress
from headway.errors import ConfigError
from headway.graph.model import Gap
from headway.remote import Api

NAME = "lightdash"
_PAGE = 100
_MOST_PAGES = 10_000
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CATALOG = ("dbname", "database", "project", "catalog")
_SCHEMA = ("schema", "dataset")

Object = Mapping[str, Any]


@dataclass(slots=True)
class Project:
    """One project: what is in it, by uuid."""

    uuid: str
    name: str = ""
    dialect: str = ""
    default: tuple[str, str] = ("", "")
    """Catalog and schema of names in SQL that do not say theirs."""
    content: dict[str, Object] = field(default_factory=dict)
    """Charts and dashboards as the list of content has them."""
    charts: dict[str, Object] = field(default_factory=dict)
    """Charts in full, those made from SQL too."""
    dashboards: dict[str, Object] = field(default_factory=dict)
    explores: dict[str, Explore] = field(default_factory=dict)
    """By name; those that a chart stands on."""
    sent: set[str] = field(default_factory=set)
    """Charts and dashboards that a schedule delivers."""


class Reader:
    """Reads projects through the API, or from its recorded answers. One use."""

    def __init__(self, api: Api, progress: Progress, wanted: Sequence[str]) -> None:
        self._api = api
        self._progress = progress
        self._wanted = wanted
        self._parts = Parts(api, "Lightdash")

    @property
    def gaps(self) -> list[Gap]:
        """What could not be had."""
        return self._parts.gaps(NAME)

    def read(self) -> list[Project]:
        """The projects wanted, all but previews where none are named.

        Raises ServiceError or InputError when there is nothing to be had at all, ConfigError for a project that is not
        there.
        """
        path = "api/v1/org/projects"
        listed = [one for one in each(self._api.get(path), "results") if _KEY.fullmatch(text(one, "projectUuid"))]
        if not listed:
            raise self._parts.wrong(path, "a list of projects")
        there = {text(one, "projectUuid"): one for one in listed}
        for uuid in self._wanted:
            if uuid not in there:
                raise ConfigError(
                    f"{NAME} has no project {uuid[:60]!r}, or does not show it", hint=f"there are {', '.join(there)}"
                )
        chosen = self._wanted or [uuid for uuid, one in there.items() if text(one, "type") != "PREVIEW"]
        return [self._project(Project(uuid, text(there[uuid], "name"))) for uuid in dict.fromkeys(chosen)]

    def _project(self, project: Project) -> Project:
        self._warehouse(project)
        for one in self._paged("charts and dashboards", "api/v2/content", {"projectUuids": project.uuid}):
            uuid, of = text(one, "uuid"), text(one, "project", "uuid") or project.uuid
            if of == project.uuid and _KEY.fullmatch(uuid) and text(one, "contentType") in ("chart", "dashboard"):
                project.content.setdefault(uuid, one)
        for done, (uuid, one) in enumerate(project.content.items()):
            self._progress("reading Lightdash's charts and dashboards", done, len(project.content))
            self._one(project, uuid, one)
        names = dict.fromkeys(
            name for chart in project.charts.values() if (name := text(chart, "tableName")) and len(name) < 200
        )
        for done, name in enumerate(names):
            self._progress("reading Lightdash's explores", done, len(names))
            path = f"api/v1/projects/{project.uuid}/explores/{quote(name, safe='')}"
            found = explore_of(self._results("explores", path))
            if found is not None:
                project.explores[name] = found
        for one in self._paged("scheduled deliveries", f"api/v1/schedulers/{project.uuid}/list", {}, optional=True):
            if one.get("enabled") is not False:
                project.sent |= {text(one, f"{what}Uuid") for what in ("savedChart", "savedSql", "dashboard")} - {""}
        return project

    def _warehouse(self, project: Project) -> None:
        answer = self._results("projects", f"api/v1/projects/{project.uuid}", optional=True)
        warehouse = below(answer, "warehouseConnection")
        project.dialect = DIALECTS.get(text(warehouse, "type"), "")
        catalog = next((name for key in _CATALOG if (name := text(warehouse, key))), "")
        project.default = (catalog, next((name for key in _SCHEMA if (name := text(warehouse, key))), ""))

    def _one(self, project: Project, uuid: str, one: Object) -> None:
        if text(one, "contentType") == "dashboard":
            if found := self._results("dashboards", f"api/v1/dashboards/{uuid}"):
                project.dashboards[uuid] = found
            return
        sql = text(one, "source") == "sql"
        path = f"api/v1/projects/{project.uuid}/sqlRunner/saved/{uuid}" if sql else f"api/v1/saved/{uuid}"
        if found := self._results("charts", path):
            project.charts[uuid] = found

    def _results(self, what: str, path: str, *, optional: bool = False) -> Object:
        """What an answer wraps; an empty object, and a note, where there is none."""
        answer = self._parts.get(what, path, optional=optional)
        found = below(answer, "results")
        if answer is not None and not found:
            self._parts.note(what, f"{path} is something else than was expected")
        return found

    def _paged(
        self, what: str, path: str, query: Mapping[str, str | int], *, optional: bool = False
    ) -> Iterator[Object]:
        """Everything in a list that comes in pages; older versions do not say how many pages there are.

        A list that need not be there is nothing without it; of any other the first page is what a sync stands on.
        """
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES):
            asked = {**query, "pageSize": _PAGE, "page": page}
            if page == 1 and not optional:
                answer = self._api.get(path, asked)
            else:
                answer = self._parts.get(what, path, asked, optional=optional)
            results = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(results if isinstance(results, list) else below(answer, "results").get("data"), list):
                if page == 1 and not optional:
                    raise self._parts.wrong(path, f"a list of {what}")
                return
            listed = each(answer, "results") or each(answer, "results", "data")
            key = "schedulerUuid" if optional else "uuid"
            fresh = [one for one in listed if text(one, key) not in seen]
            yield from fresh
            seen.update(text(one, key) for one in fresh)
            pages = number(answer, "results", "pagination", "totalPageCount")
            if not fresh or (len(listed) < _PAGE if pages is None else page >= pages):
                return
