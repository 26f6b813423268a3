"""Usage from Databricks' system tables: `system.query.history` with the lineage that Unity Catalog keeps.

| table | what is taken from it |
|---|---|
| system.query.history | statements on SQL warehouses and serverless compute: text, who, when, with what, `query_tags` |
| system.access.table_lineage | the tables and views that a statement read |
| system.access.column_lineage | their columns |
| system.billing.usage | DBUs of each SQL warehouse and hour, shared among its statements |

Lineage is kept only where Databricks could infer it: a statement without any is parsed, and so is every statement
that is not a SELECT, because only its text says what it builds. Statements that failed are left out, except what dbt
ran. dbt's model is in the tag `@@dbt_model_name` (dbt-databricks 1.11).

The bill is kept per warehouse and hour, not per statement, so **the cost of a statement is an estimate**: what its
warehouse was billed for the hour in which it began, times its share of the time that all statements which began there
in that hour took, those included that failed. A statement of several hours counts for its first alone. An hour in which
none began is attributed to none, so the sum stays below the bill. What retracts or restates a bill is added like any
other row of it.

That `query_tags` is a map of texts, that a view which was read is listed as one, and the names `compute.warehouse_id`,
`usage_metadata.warehouse_id`, `usage_start_time`, `usage_quantity` and `usage_unit` are not checked.

The SQL is held as a snapshot and the expression runs in the tests on rows of the documented shape; neither has been
run against Databricks itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.graph.model import AnyRecord, Gap, Origin
from headway.warehouse.connection import Connection
from headway.warehouse.history import views
from headway.warehouse.history.statements import shaped
from headway.warehouse.history.usage import OPTIONS, History, usage
from headway.warehouse.history.views import View

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context

KEPT_DAYS = 365
UNIT = "DBU"
RIGHT = (
    "have an account admin enable the system schema, and grant USE CATALOG, USE SCHEMA and SELECT on it, "
    "or name a view that shares it with the option for it"
)

_HISTORY: Mapping[str, str] = {
    "statement_id": "string",
    "statement_text": "string",
    "statement_type": "string",
    "execution_status": "string",
    "executed_by": "string",
    "client_application": "string",
    "start_time": "timestamp('UTC')",
    "end_time": "timestamp('UTC')",
    "query_tags": "map<string, string>",
}
_WHERE: Mapping[str, str] = {"compute": "struct<warehouse_id: string>"}
"""What of the history the bill is joined to."""
_BILLING: Mapping[str, str] = {
    "usage_start_time": "timestamp('UTC')",
    "usage_metadata": "struct<warehouse_id: string>",
    "usage_quantity": "decimal(38, 18)",
    "usage_unit": "string",
}
_TABLES: Mapping[str, str] = {
    "statement_id": "string",
    "source_table_full_name": "string",
    "event_time": "timestamp('UTC')",
}
_NAMED: Mapping[str, str] = {**_TABLES, "source_column_name": "string"}


def statements(
    history: ibis.Table,
    tables: ibis.Table | None = None,
    columns: ibis.Table | None = None,
    billing: ibis.Table | None = None,
) -> ibis.Table:
    """Rows of the four system tables in the shape of `statements.COLUMNS`; one that cannot be read is None."""
    import ibis

    @ibis.udf.scalar.builtin(signature=(("map<string, string>",), "string"))
    def to_json(tags):  # type: ignore[no-untyped-def]
        """The warehouse's own function."""

    if billing is not None:
        history = _billed(history, billing)
    failed = ibis.coalesce(history.execution_status.upper() != "FINISHED", False)
    history = history.filter(views.ran(failed, ibis.coalesce(history.statement_text, "")))
    reads = None if tables is None else _reads(tables, columns)
    table = history if reads is None else history.left_join(reads, history.statement_id == reads.statement_id)
    known = ibis.null("string") if reads is None else reads.reads
    return shaped(
        table.select(
            started=history.start_time.cast("timestamp"),
            text=history.statement_text,
            user=history.executed_by,
            application=history.client_application,
            label=to_json(history.query_tags),
            seconds=_seconds(history),
            kind=history.statement_type.upper(),
            reads=views.said(known, history.statement_type.upper(), failed),
            **({} if billing is None else {"cost": history.cost}),
        )
    )


def _seconds(history: ibis.Table) -> ibis.Value:
    return history.end_time.delta(history.start_time, unit="millisecond") / 1000.0


def _billed(history: ibis.Table, billing: ibis.Table) -> ibis.Table:
    """The history with its column `cost`: a share by time of what a warehouse was billed for an hour; else NULL."""
    billing = billing.filter(billing.usage_unit.upper() == UNIT)
    bills = billing.select(
        at=billing.usage_metadata.warehouse_id,
        hour=billing.usage_start_time.truncate("h"),
        quantity=billing.usage_quantity.cast("float64"),
    )
    bills = bills.filter(bills["at"].notnull()).group_by("at", "hour").agg(billed=bills.quantity.sum())
    history = history.mutate(
        ran_at=history["compute"].warehouse_id, began=history.start_time.truncate("h"), took=_seconds(history)
    )
    history = history.mutate(all_took=history.took.sum().over(group_by=["ran_at", "began"]))
    joined = history.left_join(bills, (history.ran_at == bills["at"]) & (history.began == bills.hour))
    return joined.mutate(cost=joined.billed * joined.took / joined.all_took.nullif(0.0))


def _reads(tables: ibis.Table, columns: ibis.Table | None) -> ibis.Table:
    """One row per statement, with what it read as JSON text."""
    import ibis

    read = tables.filter(tables.statement_id.notnull() & tables.source_table_full_name.notnull())
    read = read.select("statement_id", "source_table_full_name").distinct()
    named = ibis.literal("null")
    if columns is not None:
        columns = columns.filter(columns.source_table_full_name.notnull() & columns.source_column_name.notnull())
        listed = columns.group_by("statement_id", "source_table_full_name").agg(
            names=columns.source_column_name.collect(distinct=True)
        )
        listed = listed.select(
            of=listed.statement_id,
            relation=listed.source_table_full_name,
            names=views.listed(listed.names.sort().map(views.quoted)),
        )
        read = read.left_join(
            listed, (read.statement_id == listed.of) & (read.source_table_full_name == listed.relation)
        )
        named = ibis.coalesce(read.names, "null")
    entries = read.select(
        "statement_id", entry=ibis.literal("[") + views.quoted(read.source_table_full_name) + "," + named + "]"
    )
    grouped = entries.group_by("statement_id").agg(entries=entries.entry.collect())
    return grouped.select("statement_id", reads=views.listed(grouped.entries.sort()))


class DatabricksHistory:
    """Who read which table, view and column on Databricks, and an estimate of its DBUs, from Unity Catalog.

    Yields what `usage` yields, after a Gap for each table but the history that cannot be read. Raises ConfigError for
    options and profiles that cannot be, MissingExtra without the driver, WarehouseError when the history cannot be
    read.
    """

    name: ClassVar[str] = "databricks_history"
    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        *views.PROFILE,
        Option("history", str, "system.query.history", help="table of statements, or a view that shares it"),
        Option("table_lineage", str, "system.access.table_lineage", help="table of what they read, or such a view"),
        Option("column_lineage", str, "system.access.column_lineage", help="table of the columns, or such a view"),
        Option("billing", str, "system.billing.usage", help="table of what was billed, or such a view; '' for no cost"),
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = views.checked(self.name, self.options, options)
        self._given = options
        self._context = context
        columns = {**_HISTORY, **_WHERE} if self._options["billing"] else _HISTORY
        self._history = self._view("history", columns, "start_time")
        self._tables = self._view("table_lineage", _TABLES, "event_time")
        self._columns = self._view("column_lineage", _NAMED, "event_time")
        self._billing = self._view("billing", _BILLING, "usage_start_time") if self._options["billing"] else None

    def records(self) -> Iterator[AnyRecord]:
        """What could not be read, then the usage."""
        context = self._context
        profile = views.profile(context, self._options, self.name, "databricks")
        history = History.of(self.name, "databricks", self._given, context, cost_unit=UNIT)
        history = replace(history, keep_days=min(history.keep_days, KEPT_DAYS))
        start = views.window(history, context.now, context.since)
        with views.opened(profile) as connection:
            views.needed(connection, self._history, context.now)
            tables = views.refused(connection, self._tables, context.now)
            columns = "" if tables else views.refused(connection, self._columns, context.now)
            if tables:
                yield self._gap(f"{tables}; what was read is taken from the text of the statements instead")
            if columns:
                yield self._gap(f"{columns}; which columns were read is not known")
            billing = views.refused(connection, self._billing, context.now) if self._billing else ""
            if billing:
                yield self._gap(f"{billing}; what statements cost is not known", "cost")
            backend = bound(connection)
            told = self._billing is not None and not billing
            table = self.statements(start, backend, tables=not tables, columns=not columns, billing=told)
            yield from usage(table, history, now=context.now, since=context.since, progress=context.progress)

    def statements(
        self,
        start: datetime,
        backend: Any = None,
        *,
        tables: bool = True,
        columns: bool = True,
        billing: bool = False,
    ) -> ibis.Table:
        """The statements from `start` on, as a table. Nothing is run."""
        return statements(
            self._history.since(start, backend),
            self._tables.since(start, backend) if tables else None,
            self._columns.since(start, backend) if tables and columns else None,
            self._billing.since(start, backend) if self._billing and billing else None,
        )

    def _view(self, option: str, columns: Mapping[str, str], moment: str) -> View:
        return View(views.parts(self.name, option, self._options[option]), columns, moment, RIGHT)

    def _gap(self, message: str, topic: str = "usage") -> Gap:
        return Gap(topic=topic, message=message, hint=RIGHT, origin=Origin(connector=self.name))


def bound(connection: Connection) -> Any:
    """The Ibis backend of an open session.

    Ibis creates a volume for tables it uploads whenever it connects to Databricks; Headway only reads, so the session
    is put into a backend that has not connected.
    """
    if hasattr(connection.backend, "compiler"):
        return connection.backend
    from ibis.backends.databricks import Backend

    backend = Backend()
    backend.con = connection.backend.con
    return backend
