"""Usage and credits from Snowflake's ACCOUNT_USAGE.

| view | what is taken from it |
|---|---|
| QUERY_HISTORY | the statement, its parameterised hash, tag, login, time, bytes; 365 days |
| ACCESS_HISTORY | `direct_objects_accessed`: the views and tables named, with columns; Enterprise edition only |
| QUERY_ATTRIBUTION_HISTORY | credits of each statement. Idle time of a warehouse is attributed to no statement |
| TABLE_STORAGE_METRICS | the bytes that tables occupy today (see `storage`) |

Direct, not base objects: the use of a view is use of that view, and its tables are used through it. Where
ACCESS_HISTORY cannot be read, the text is parsed instead; where QUERY_ATTRIBUTION_HISTORY cannot, no cost is known;
both are said. What other statements than SELECT read and build is taken from their text. Statements that failed are
left out, except what dbt ran: its cost counts.

The statement below runs in the tests against fakesnow, an imitation of Snowflake, with views of the documented shape;
it has not been run against Snowflake itself. `query_text` is cut by Snowflake at 100,000 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.graph.model import AnyRecord, Gap, Origin
from headway.warehouse.connection import Connection
from headway.warehouse.history import storage, views
from headway.warehouse.history.statements import COLUMNS, shaped
from headway.warehouse.history.usage import OPTIONS, History, usage
from headway.warehouse.history.views import View

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context

KEPT_DAYS = 365
RIGHT = "GRANT IMPORTED PRIVILEGES ON DATABASE snowflake TO ROLE <the role of the profile>"

_QUERIES: Mapping[str, str] = {
    "query_id": "string",
    "query_text": "string",
    "query_type": "string",
    "query_tag": "string",
    "query_parameterized_hash": "string",
    "user_name": "string",
    "database_name": "string",
    "schema_name": "string",
    "start_time": "timestamp('UTC')",
    "total_elapsed_time": "float64",
    "bytes_scanned": "float64",
    "execution_status": "string",
}
_ACCESS: Mapping[str, str] = {
    "query_id": "string",
    "query_start_time": "timestamp('UTC')",
    "direct_objects_accessed": "string",
}
_CREDITS: Mapping[str, str] = {
    "query_id": "string",
    "start_time": "timestamp('UTC')",
    "credits_attributed_compute": "float64",
    "credits_used_query_acceleration": "float64",
}

_STATEMENTS = """
SELECT
  q.query_text AS "text",
  CONVERT_TIMEZONE('UTC', q.start_time)::TIMESTAMP_NTZ AS "started",
  q.query_parameterized_hash AS "hash",
  q.user_name AS "user",
  q.query_tag AS "label",
  q.total_elapsed_time / 1000 AS "seconds",
  c.credits AS "cost",
  q.bytes_scanned AS "bytes",
  q.database_name AS "database",
  q.schema_name AS "schema",
  UPPER(q.query_type) AS "kind",
  CASE
    WHEN UPPER(q.execution_status) <> 'SUCCESS' THEN '[]'
    WHEN UPPER(q.query_type) = 'SELECT' THEN r.reads
  END AS "reads"
FROM query_history AS q
LEFT JOIN credits AS c ON c.query_id = q.query_id
LEFT JOIN reads AS r ON r.query_id = q.query_id
WHERE q.start_time >= :start
  AND q.query_text IS NOT NULL
  AND (COALESCE(UPPER(q.execution_status), 'SUCCESS') = 'SUCCESS' OR q.query_text LIKE '%"node_id"%')
"""

_COST = """
SELECT
  query_id,
  SUM(COALESCE(credits_attributed_compute, 0) + COALESCE(credits_used_query_acceleration, 0)) AS credits
FROM query_attribution_history
WHERE start_time >= :start
GROUP BY query_id
"""
_NO_COST = "SELECT NULL::VARCHAR AS query_id, NULL::FLOAT AS credits LIMIT 0"

_READS = """
SELECT query_id, '[' || LISTAGG(entry, ',') || ']' AS reads
FROM (
  SELECT
    objects.query_id,
    '["' || REPLACE(REPLACE(objects.relation, CHR(92), CHR(92) || CHR(92)), CHR(34), CHR(92) || CHR(34)) || '",'
      || CASE WHEN COUNT(names.name) = 0 THEN 'null' ELSE '["' || LISTAGG(names.name, '","') || '"]' END
      || ']' AS entry
  FROM (SELECT DISTINCT query_id, relation FROM objects) AS objects
  LEFT JOIN (
    SELECT DISTINCT
      o.query_id,
      o.relation,
      REPLACE(
        REPLACE(col.value:"columnName"::VARCHAR, CHR(92), CHR(92) || CHR(92)), CHR(34), CHR(92) || CHR(34)
      ) AS name
    FROM objects AS o, LATERAL FLATTEN(input => o.columns) AS col
  ) AS names ON names.query_id = objects.query_id AND names.relation = objects.relation
  GROUP BY objects.query_id, objects.relation
) AS entries
GROUP BY query_id
"""
_OBJECTS = """
SELECT a.query_id, object.value:"objectName"::VARCHAR AS relation, object.value:"columns" AS columns
FROM access_history AS a, LATERAL FLATTEN(input => a.direct_objects_accessed) AS object
WHERE a.query_start_time >= :start
  AND object.value:"objectName" IS NOT NULL
  AND LOWER(COALESCE(object.value:"objectDomain"::VARCHAR, '')) NOT IN ('function', 'procedure', 'sequence', 'stage')
"""
_NO_READS = "SELECT NULL::VARCHAR AS query_id, NULL::VARCHAR AS reads LIMIT 0"


def statements_sql(schema: tuple[str, ...], start: datetime, *, access: bool = True, attribution: bool = True) -> str:
    """The one SELECT whose rows have the columns of `statements.COLUMNS`, for what started at `start` or later.

    `schema` holds the parts of the name of ACCOUNT_USAGE. Without `access` the column `reads` is NULL, without
    `attribution` the column `cost`.
    """
    from sqlglot import exp, parse_one

    moment = exp.cast(exp.Literal.string(start.isoformat()), "timestamptz")
    tree = parse_one(_STATEMENTS, read="snowflake")
    own = {"credits": _COST if attribution else _NO_COST}
    own |= {"objects": _OBJECTS, "reads": _READS} if access else {"reads": _NO_READS}
    for name, sql in own.items():
        tree = tree.with_(name, parse_one(sql, read="snowflake"), dialect="snowflake")
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Identifier) and table.name not in own:
            placed = exp.table_(table.name, *reversed(schema), alias=table.alias or None)
            for key in ("joins", "laterals"):
                placed.set(key, table.args.get(key))
            table.replace(placed)
    for place in list(tree.find_all(exp.Placeholder)):
        place.replace(moment.copy())
    return str(tree.sql(dialect="snowflake", pretty=True))


class SnowflakeHistory:
    """Who read which table, view and column on Snowflake, and the credits it took, from ACCOUNT_USAGE.

    Yields what `usage` yields, after a Gap for each view that the role cannot read; then what tables occupy. Raises
    ConfigError for options and profiles that cannot be, MissingExtra without the driver, WarehouseError when
    QUERY_HISTORY cannot be read.
    """

    name: ClassVar[str] = "snowflake_history"
    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        *views.PROFILE,
        Option("account_usage", str, "snowflake.account_usage", help="schema with the views, or with copies of them"),
        storage.OPTION,
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = views.checked(self.name, self.options, options)
        self._given = options
        self._context = context
        self._schema = views.parts(self.name, "account_usage", self._options["account_usage"])

    def records(self) -> Iterator[AnyRecord]:
        """What could not be read, then the usage."""
        context = self._context
        profile = views.profile(context, self._options, self.name, "snowflake")
        history = History.of(self.name, "snowflake", self._given, context, cost_unit="credits")
        history = replace(history, keep_days=min(history.keep_days, KEPT_DAYS))
        with views.opened(profile) as connection:
            views.needed(connection, self._view("QUERY_HISTORY", _QUERIES), context.now)
            access = self._access(connection)
            attribution = self._attribution(connection)
            yield from (gap for gap in (access, attribution) if gap)
            table = self.statements(connection, history, access=not access, attribution=not attribution)
            yield from usage(table, history, now=context.now, since=context.since, progress=context.progress)
            if self._options["storage"]:
                sql = storage.snowflake_sql([part.upper() for part in self._schema])
                ask = storage.asking(sql)
                yield from storage.stored(connection, ask, name=self.name, now=context.now, needs=RIGHT)

    def statements(self, connection: Connection, history: History, *, access: bool, attribution: bool) -> ibis.Table:
        """The statements of the window as a table on the warehouse. Nothing is run."""
        start = views.window(history, self._context.now, self._context.since)
        sql = statements_sql(self._schema, start, access=access, attribution=attribution)
        schema = {name: kind for name, kind in COLUMNS.items() if name != "application"}
        return shaped(connection.backend.sql(sql, schema=schema))

    def _view(self, name: str, columns: Mapping[str, str]) -> View:
        """A view as Snowflake stores its name: upper case, because the probe quotes what the statement does not."""
        folded = {column.upper(): kind for column, kind in columns.items()}
        moment = next(column for column in folded if column.endswith("START_TIME"))
        return View((*(part.upper() for part in self._schema), name), folded, moment, RIGHT)

    def _access(self, connection: Connection) -> Gap | None:
        why = views.refused(connection, self._view("ACCESS_HISTORY", _ACCESS), self._context.now)
        if not why:
            return None
        message = f"{why}; what was read is taken from the text of the statements instead"
        hint = f"it takes Snowflake's Enterprise edition, and {RIGHT}"
        return Gap(topic="usage", message=message, hint=hint, origin=Origin(connector=self.name))

    def _attribution(self, connection: Connection) -> Gap | None:
        why = views.refused(connection, self._view("QUERY_ATTRIBUTION_HISTORY", _CREDITS), self._context.now)
        if not why:
            return None
        return Gap(topic="cost", message=f"{why}; no credits are known", hint=RIGHT, origin=Origin(connector=self.name))
