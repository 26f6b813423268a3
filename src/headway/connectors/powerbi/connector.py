"""Power BI's connector: what is asked for, what is made of it, and what to say where a part of it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any, ClassVar

from headway.answer import plural
from headway.config import Option
from headway.connectors import given
from headway.connectors.api import decoded_file
from headway.connectors.content import records, views
from headway.connectors.powerbi import activity
from headway.connectors.powerbi.items import Content, content
from headway.connectors.powerbi.service import Exhausted, Pace, Service
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, Place, ServiceError
from headway.graph.model import AnyRecord, Coverage, Gap, Origin
from headway.remote import Client, Refused

TOOL = "powerbi"
API = "https://api.powerbi.com"
_APP = "https://app.powerbi.com"
_COVERS = "kind:dashboard,connector:powerbi"
_EXAMPLES = 3
_SETTINGS = (
    "let admin APIs answer with detailed metadata, and with DAX and mashup expressions (tenant settings); "
    "then refresh or publish the datasets once"
)


class PowerBI:
    """Reads a tenant of Power BI: reports, dashboards, datasets with their tables and measures, and who opens them.

    Live an application (service principal) that may use read-only admin APIs signs in and asks the scanner API and the
    activity events. With `export` it reads results of scans from files instead, and with `events` activity events.

    Reports and dashboards are dashboards (`powerbi:dashboard.<id>`), datasets are datasets, measures metrics. Tables
    come from M: SQL Server, Synapse, Fabric, PostgreSQL, Redshift, Snowflake, BigQuery, Databricks, Trino, Oracle,
    MySQL and Teradata, and the SQL of native queries. Power BI keeps activity for 28 days.

    Raises ConfigError for options that cannot be, ServiceError when Power BI cannot be reached or refuses, InputError
    for files that cannot be used. A part that cannot be had is a Gap; without a scan there is nothing.
    """

    name: ClassVar[str] = "powerbi"
    options: ClassVar[tuple[Option, ...]] = (
        Option("tenant", str, "", help="the tenant: its id or domain, such as tea.example"),
        Option("client", str, "", help="id of the application that signs in"),
        Option("secret", str, help="the application's secret.", env="HEADWAY_POWERBI_SECRET", secret=True),
        Option("personal", bool, False, help="read personal workspaces too"),
        Option("export", list, [], help="results of scans, instead of tenant: JSON files, or folders of them"),
        Option("events", list, [], help="activity events beside export: JSON files, or one event a line"),
        Option("keep_days", int, 28, help="how many days of activity to look back at most; Power BI keeps 28"),
        Option("requests", int, 200, help="most requests for activity in an hour; Power BI allows 200"),
        Option("url", str, API, help="of the API, where it is another one (sovereign clouds)"),
        Option("login", str, "https://login.microsoftonline.com", help="where one signs in"),
        Option("scope", str, "https://analysis.windows.net/powerbi/api/.default", help="what one signs in for"),
        *given.USAGE,
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        listed = {k: [v] if k in {"export", "events"} and isinstance(v, str) and v else v for k, v in options.items()}
        values = given.checked(self.name, self.options, listed)
        self._context = context
        self._values = values
        self._origin = Origin(connector=self.name)
        self._live = given.one_of(self.name, values, "tenant", "export") == "tenant"
        self._keep = given.days(self.name, values, "keep_days", 30)
        for option in ("export", "events"):
            if not all(isinstance(path, str) and path and "\0" not in path for path in values[option]):
                raise ConfigError(f"option {option} of {self.name} is to be a file, a folder, or a list of them")
        if self._live and not values["client"]:
            raise ConfigError(f"{self.name} needs the option client", hint="id of the application that signs in")
        if self._live and values["events"]:
            raise ConfigError(f"option events of {self.name} goes with export: live, Power BI itself is asked")
        if not 1 <= values["requests"] <= 100_000:
            raise ConfigError(f"option requests of {self.name} is no number of requests", hint="requests: 200")
        for option in ("url", "login"):
            self._client(option)  # says at once what is wrong with an address

    def _client(self, option: str) -> Client:
        return Client("Power BI", self._values[option], progress=self._context.progress)

    def records(self) -> Iterator[AnyRecord]:
        """Datasets, measures, reports and dashboards with what they read; then views; then what is not known."""
        if self._live:
            with self._service() as service:
                found = content(service.scans(), _APP if self._values["url"] == API else "")
                yield from records(TOOL, self.name, found.items)
                seen, start, problem = self._asked(service, found)
            yield from self._usage(seen, start, problem)
            yield from self._failed(service.problems)
        else:
            found = content([self._scan(path, shown) for path, shown in self._files("export")], _APP)
            yield from records(TOOL, self.name, found.items)
            if self._values["events"]:
                told = activity.Activity()
                for path, shown in self._files("events"):
                    told.add(activity.of_file(path, shown), found.by_id)
                yield from self._usage(told, told.first, None)
        yield from self._unclear(found)

    # --- live

    def _service(self) -> Service:
        values, api = self._values, self._client("url")
        return Service(
            api=api,
            login=self._client("login"),
            tenant=values["tenant"],
            application=values["client"],
            secret=given.secret(self.name, self.options, "secret", self._context),
            scope=values["scope"],
            personal=values["personal"],
            pace=Pace(values["requests"], api.sleep, api.monotonic, self._context.progress),
        )

    def _asked(self, service: Service, found: Content) -> tuple[activity.Activity, date | None, ServiceError | None]:
        """Events from today back to a day before the last sync that had some, or to where Power BI says no more.

        Also the first day of which all were given, None for none, and why there are no earlier ones.
        """
        today = self._context.now.astimezone(UTC).date()
        first = today - timedelta(days=self._keep - 1)
        if self._context.covered is not None:
            first = max(first, (self._context.covered.astimezone(UTC) - timedelta(days=1)).date())
        told, start = activity.Activity(), None
        count = (today - first).days + 1
        for back in range(count):
            day = today - timedelta(days=back)
            self._context.progress("Power BI: activity, by day", back, count)
            try:
                told.add(service.events(day), found.by_id)
            except ServiceError as error:
                return told, start, error
            start = day
        return told, start, None

    def _failed(self, problems: Sequence[ServiceError]) -> Iterator[Gap]:
        for said in dict.fromkeys(error.message for error in problems):
            yield self._gap("lineage", f"some workspaces of Power BI are not known: {said}")

    # --- files

    def _files(self, option: str) -> Iterator[tuple[Path, str]]:
        """Every file of an option with the name to show; those of a folder by name."""
        for given_path in self._values[option]:
            path = Path(self._context.root, given_path)
            try:
                names = (
                    sorted(one.name for one in path.iterdir() if one.suffix in {".json", ".jsonl"})
                    if path.is_dir()
                    else None
                )
            except OSError as error:
                said = error.strerror or "it cannot be read"
                raise InputError(f"this folder cannot be read: {said}", place=Place(given_path)) from error
            if names is None:
                yield path, given_path
            elif not names:
                raise InputError("there are no JSON files in this folder", place=Place(given_path))
            else:
                yield from ((path / name, f"{given_path}/{name}") for name in names)

    def _scan(self, path: Path, shown: str) -> Mapping[str, Any]:
        scan = decoded_file(path, shown)
        if not isinstance(scan, dict) or not isinstance(scan.get("workspaces"), list):
            raise InputError("this is no result of a scan: it has no workspaces", place=Place(shown))
        return scan

    # --- what is said

    def _usage(self, told: activity.Activity, start: date | None, problem: ServiceError | None) -> Iterator[AnyRecord]:
        """Views, the days that they are of, and what is missing. Events come late: of today nothing is promised."""
        if told.views:
            people, classes = given.people(self._values, self._context)
            yield from views(TOOL, self.name, told.views, people, classes)
        end = self._context.now.astimezone(UTC).date() - timedelta(days=1)
        end = end if self._live or told.last is None else min(end, told.last)
        if start is not None and start <= end and _as_far_as_it_goes(problem):
            covers = self._values["covers"] or _COVERS
            yield Coverage(covers=covers, start=start, end=end, origin=self._origin)
        if problem is not None:
            before = f"before {start}" if start else "at all"
            hint = problem.hint or "Power BI keeps activity for 28 days"
            yield self._gap("usage", f"who opened what {before} is not known: {problem.message}", hint)
        if told.elsewhere:
            yield self._gap("usage", f"{plural(told.elsewhere, 'view')} of things that no scan of Power BI names")
        if told.undated:
            yield self._gap(
                "usage", f"left out, because no time is said: {plural(told.undated, 'activity event')} of Power BI"
            )

    def _unclear(self, found: Content) -> Iterator[Gap]:
        if found.bare:
            message = f"without tables: {len(found.bare):,} of {plural(found.datasets, 'dataset')} of Power BI"
            yield self._gap("lineage", f"{message} ({_some(found.bare)})", _SETTINGS)
        if found.unclear:
            message = (
                f"from a database, in a way that is not understood: {plural(len(found.unclear), 'table')} of Power BI"
            )
            yield self._gap("lineage", f"{message} ({_some(found.unclear)})")
        if found.unreadable:
            message = f"with an M expression that cannot be read: {plural(len(found.unreadable), 'table')} of Power BI"
            yield self._gap("lineage", f"{message} ({_some(found.unreadable)})")
        if found.dataflows:
            message = (
                f"what {plural(found.dataflows, 'dataflow')} of Power BI read is not known: a scan does not say it"
            )
            yield self._gap("lineage", message)

    def _gap(self, topic: str, message: str, hint: str = "") -> Gap:
        return Gap(topic=topic, message=message, hint=hint, origin=self._origin)


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:100] for name in names[:_EXAMPLES])


def _as_far_as_it_goes(problem: ServiceError | None) -> bool:
    """Whether asking again would not give more days: after anything else no day is covered, and the next sync asks."""
    return problem is None or isinstance(problem, Exhausted) or (isinstance(problem, Refused) and problem.status == 400)
