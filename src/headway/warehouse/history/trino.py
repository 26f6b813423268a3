"""Usage from the event log of Starburst's Trino: the table `completed_queries`.

Trino itself keeps no history: `system.runtime.queries` forgets. Starburst's event logger writes one row per query into
a database, which is a catalog of the same Trino; the option `table` says where. `accessed_metadata` is JSON text of
the form `[{"catalogName", "schema", "table", "columns"}]`, so columns are known without parsing. Where it is empty the
text is parsed, and so is every statement that is not a SELECT, because only its text says what it builds. Queries that
failed are left out, except what dbt ran. No cost is known, only time, which counts waiting in the queue. How long rows
are kept is up to whoever owns that database; that `create_time` is in UTC is assumed.

Open-source Trino can write a table of the same columns with an event listener of its own.

The SQL is held as a snapshot and the expression runs in the tests on rows of the documented shape; neither has been
run against Starburst itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.graph.model import AnyRecord
from headway.warehouse.history import views
from headway.warehouse.history.statements import shaped
from headway.warehouse.history.usage import OPTIONS, History, usage
from headway.warehouse.history.views import View

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context

RIGHT = "let the role of the profile SELECT from it; Starburst's event logger has to be on for it to exist"

_COLUMNS: Mapping[str, str] = {
    "usr": "string",
    "query": "string",
    "catalog": "string",
    "schema": "string",
    "query_type": "string",
    "accessed_metadata": "string",
    "create_time": "timestamp(3)",
    "end_time": "timestamp(3)",
    "query_state": "string",
}


def statements(queries: ibis.Table) -> ibis.Table:
    """Rows of `completed_queries` in the shape of `statements.COLUMNS`."""
    import ibis

    @ibis.udf.scalar.builtin(signature=(("string",), "json"))
    def json_parse(text):  # type: ignore[no-untyped-def]
        """The warehouse's own function: a cast would make one JSON string of the whole text."""

    @ibis.udf.scalar.builtin(name="try", signature=(("json",), "json"))
    def tried(value):  # type: ignore[no-untyped-def]
        """NULL in place of an error, such as of JSON that is torn."""

    failed = ibis.coalesce(queries.query_state.upper() != "FINISHED", False)
    queries = queries.filter(views.ran(failed, ibis.coalesce(queries["query"], "")))
    accessed = queries.accessed_metadata
    there = tried(json_parse(accessed)).array
    reads = views.listed(there.map(_entry)).nullif("[]")
    return shaped(
        queries.select(
            started=queries.create_time.cast("timestamp"),
            text=queries["query"],
            user=queries.usr,
            seconds=queries.end_time.delta(queries.create_time, unit="millisecond") / 1000.0,
            database=queries.catalog,
            schema=queries["schema"],
            kind=queries.query_type.upper(),
            reads=views.said(reads, queries.query_type.upper(), failed),
        )
    )


def _entry(accessed: Any) -> Any:
    """One table of `accessed_metadata` as `["catalog.schema.table", ["COL", ...]]`."""
    import ibis

    relation = accessed["catalogName"].str + "." + accessed["schema"].str + "." + accessed["table"].str
    columns = views.listed(accessed["columns"].array.map(lambda column: views.quoted(column.str)))
    return ibis.literal("[") + views.quoted(relation) + "," + ibis.coalesce(columns.nullif("[]"), "null") + "]"


class TrinoHistory:
    """Who read which table and column on Trino, from the `completed_queries` of Starburst's event logger.

    Yields what `usage` yields. Raises ConfigError for options and profiles that cannot be, MissingExtra without the
    driver, WarehouseError when the table cannot be read.
    """

    name: ClassVar[str] = "trino_history"
    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        *views.PROFILE,
        Option("table", str, required=True, help="catalog.schema.completed_queries of the event logger's database"),
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = views.checked(self.name, self.options, options)
        self._given = options
        self._context = context
        self._view = View(views.parts(self.name, "table", self._options["table"]), _COLUMNS, "create_time", RIGHT)

    def records(self) -> Iterator[AnyRecord]:
        """The usage."""
        context = self._context
        profile = views.profile(context, self._options, self.name, "trino")
        history = History.of(self.name, "trino", self._given, context)
        start = views.window(history, context.now, context.since)
        with views.opened(profile) as connection:
            views.needed(connection, self._view, context.now)
            table = self.statements(start, connection.backend)
            yield from usage(table, history, now=context.now, since=context.since, progress=context.progress)

    def statements(self, start: datetime, backend: Any = None) -> ibis.Table:
        """The statements from `start` on, as a table. Nothing is run."""
        return statements(self._view.since(start, backend))
