"""Usage and bytes billed from BigQuery's INFORMATION_SCHEMA.JOBS, which there is one of per project and region.

What was read is taken from the text, because `referenced_tables` holds the tables under a view instead of the view
[not checked against BigQuery], and no columns. It is taken from `referenced_tables` for jobs whose text is not shown,
and for all of them with the option `referenced`, which suits projects whose SQL relies on a default dataset.

Of other statements than SELECT the text is taken in any case, because only it says what they build. Jobs that failed
are left out, except what dbt ran.

A script is listed once as a whole and once per statement; the whole is left out. `cost` and `bytes` are the bytes
billed, `seconds` are slot seconds: the time of all workers added up, not the time somebody waited. Jobs are kept for
180 days. The column `labels` carries what dbt says with `job-label: true`.

The SQL is held as a snapshot and the expression runs in the tests on rows of the documented shape; neither has been
run against BigQuery itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError
from headway.graph.model import AnyRecord
from headway.warehouse.history import storage, views
from headway.warehouse.history.statements import shaped
from headway.warehouse.history.usage import OPTIONS, History, usage
from headway.warehouse.history.views import View

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context

KEPT_DAYS = 180
RIGHT = "grant roles/bigquery.resourceViewer on the project, which holds bigquery.jobs.listAll"
STORAGE_RIGHT = "grant roles/bigquery.metadataViewer on the project"

_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]{0,127}")
_COLUMNS: Mapping[str, str] = {
    "creation_time": "timestamp('UTC')",
    "user_email": "string",
    "query": "string",
    "query_info": "struct<query_hashes: struct<normalized_literals: string>>",
    "statement_type": "string",
    "referenced_tables": "array<struct<project_id: string, dataset_id: string, table_id: string>>",
    "labels": "array<struct<key: string, value: string>>",
    "total_bytes_billed": "int64",
    "total_slot_ms": "int64",
    "error_result": "struct<reason: string>",
}


def jobs_view(project: str, region: str) -> View:
    """The jobs of one project in one region."""
    return View((f"{project}.region-{region}.INFORMATION_SCHEMA.JOBS",), _COLUMNS, "creation_time", RIGHT)


def statements(jobs: ibis.Table, project: str, *, referenced: bool = False) -> ibis.Table:
    """Rows of JOBS in the shape of `statements.COLUMNS`."""
    import ibis

    failed = jobs.error_result.reason.notnull()
    kept = views.ran(failed, ibis.coalesce(jobs["query"], ""))
    jobs = jobs.filter(ibis.coalesce(jobs.statement_type, "") != "SCRIPT", kept)
    tables = views.listed(
        jobs.referenced_tables.map(
            lambda read: (
                ibis.literal("[")
                + views.quoted(read.project_id + "." + read.dataset_id + "." + read.table_id)
                + ",null]"
            )
        )
    )
    labels = jobs.labels.map(lambda label: views.quoted(label.key) + ":" + views.quoted(label.value)).join(",")
    reads = tables if referenced else ibis.ifelse(jobs["query"].isnull(), tables, ibis.null("string"))
    slot_seconds = jobs.total_slot_ms.cast("float64") / 1000.0
    return shaped(
        jobs.select(
            started=jobs.creation_time.cast("timestamp"),
            text=jobs["query"],
            hash=jobs.query_info.query_hashes.normalized_literals,
            user=jobs.user_email,
            label=ibis.literal("{") + ibis.coalesce(labels, "") + "}",
            seconds=slot_seconds,
            cost=jobs.total_bytes_billed,
            bytes=jobs.total_bytes_billed,
            database=ibis.literal(project),
            kind=jobs.statement_type.upper(),
            reads=views.said(reads, jobs.statement_type, failed),
        )
    )


class BigQueryHistory:
    """Who read which table and view on BigQuery, and the bytes billed for it, from INFORMATION_SCHEMA.JOBS.

    Every region is a query of its own there, and so here. A project or region that cannot be read ends the sync with a
    WarehouseError, because days would otherwise count as read that were not. Raises ConfigError for options and
    profiles that cannot be, MissingExtra without the driver.
    """

    name: ClassVar[str] = "bigquery_history"
    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        *views.PROFILE,
        Option("regions", list, [], help="regions to read, such as eu or europe-west1; empty: the profile's, else us"),
        Option("projects", list, [], help="projects whose jobs are read; empty: the profile's"),
        storage.OPTION,
        Option("referenced", bool, False, help="what was read comes from referenced_tables, never from the text"),
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = views.checked(self.name, self.options, options)
        self._given = options
        self._context = context
        for option in ("regions", "projects"):
            for name in self._options[option]:
                if not isinstance(name, str) or not _NAME.fullmatch(name.lower()):
                    raise ConfigError(f"option {option} of {self.name} has a name that cannot be: {str(name)[:60]!r}")

    def records(self) -> Iterator[AnyRecord]:
        """The usage of each region in turn."""
        context = self._context
        profile = views.profile(context, self._options, self.name, "bigquery")
        regions = self._options["regions"] or [str(profile.settings.get("location") or "us")]
        projects = self._options["projects"] or [profile.database]
        history = History.of(self.name, "bigquery", self._given, context, cost_unit="bytes")
        history = replace(history, keep_days=min(history.keep_days, KEPT_DAYS))
        start = views.window(history, context.now, context.since)
        for region in dict.fromkeys(name.lower() for name in regions):
            with views.opened(views.located(profile, region)) as connection:
                for project in projects:
                    views.needed(connection, jobs_view(project, region), context.now)
                table = self.statements(projects, region, start, connection.backend)
                yield from usage(table, history, now=context.now, since=context.since, progress=context.progress)
                for project in dict.fromkeys(projects) if self._options["storage"] else ():
                    ask = storage.asking(storage.BIGQUERY.format(project=project, region=region))
                    yield from storage.stored(connection, ask, name=self.name, now=context.now, needs=STORAGE_RIGHT)

    def statements(self, projects: Sequence[str], region: str, start: datetime, backend: Any = None) -> ibis.Table:
        """The statements of all projects in one region from `start` on, as one table. Nothing is run."""
        import ibis

        referenced = self._options["referenced"]
        tables = [
            statements(jobs_view(project, region).since(start, backend), project, referenced=referenced)
            for project in dict.fromkeys(projects)
        ]
        return tables[0] if len(tables) == 1 else ibis.union(*tables)
