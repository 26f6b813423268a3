"""Usage from Redshift's system views: the SYS views, or the STL views of a provisioned cluster.

| view | what is taken from it |
|---|---|
| SYS_QUERY_HISTORY | text, who, when, how long, result; the text is cut at 4,000 characters |
| SYS_QUERY_DETAIL | the tables of a statement whose text is cut |
| STL_QUERY, STL_QUERYTEXT | the same for a provisioned cluster, with the text in pieces of 200 characters |
| STL_SCAN | the tables of a statement whose pieces are missing |
| SVV_TABLE_INFO, SVV_USER_INFO | names of tables and logins |

Rows are fetched a day at a time and counted here, in a DuckDB in memory that never writes to disk: Ibis speaks
PostgreSQL to Redshift, which is close but lacks much of it, and some system views cannot be joined with others. Views
are kept for about seven days [not checked], so sync at least that often. No cost is known, only time.

The text is parsed, because scans name the tables under a view and no columns. Of a statement whose text is cut the
tables come from its scans, and how many such statements there were is said in a Gap. `\\n` stands for a line break in
these texts. Statements that failed are left out, except what dbt ran.

Statements and rows have the documented shape and are run in the tests on DuckDB tables in place of the views; they
have not been run against Redshift itself. Names and columns of SVV_USER_INFO, and START_TIME of SYS_QUERY_DETAIL, are
from general knowledge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.errors import MissingExtra, WarehouseError
from headway.graph.model import AnyRecord, Gap, Origin
from headway.warehouse.connection import Connection
from headway.warehouse.history import storage, views
from headway.warehouse.history.statements import COLUMNS, shaped
from headway.warehouse.history.usage import OPTIONS, History, usage
from headway.warehouse.history.views import View

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context

KEPT_DAYS = 7
CUT = 4000
PIECE = 200
RIGHT = "ALTER USER <the user of the profile> SYSLOG ACCESS UNRESTRICTED, or only its own statements are seen"

_SYS = View(
    ("sys_query_history",),
    {
        "query_id": "int64",
        "user_id": "int64",
        "database_name": "string",
        "query_type": "string",
        "status": "string",
        "start_time": "timestamp",
        "elapsed_time": "int64",
        "query_text": "string",
    },
    "start_time",
    RIGHT,
)
_STL = View(
    ("stl_query",),
    {
        "query": "int64",
        "userid": "int64",
        "database": "string",
        "aborted": "int64",
        "starttime": "timestamp",
        "endtime": "timestamp",
        "querytxt": "string",
    },
    "starttime",
    RIGHT,
)
_TABLES = 'SELECT table_id, "database", "schema", "table" FROM svv_table_info'
_PEOPLE = "SELECT user_id, user_name FROM svv_user_info"
_NO_TABLES = "svv_table_info cannot be read; the tables of statements whose text is cut are not known"
_NO_PEOPLE = "svv_user_info cannot be read; logins are known by their numbers only, and none as a service"


@dataclass(frozen=True, slots=True)
class _Cluster:
    """The statements that read the history of one kind of cluster, for `{start}` to `{end}`. User 1 is Redshift's."""

    view: View
    statements: str
    """query, user, database, kind, status, started, ended or microseconds, text; status None: it went well."""
    scans: str
    """query, table; of statements whose text is cut."""
    pieces: str = ""
    """query, number of the piece, piece; of statements whose text is cut."""
    longest: int = CUT
    """Characters at which a text is cut."""


_SERVERLESS = _Cluster(
    _SYS,
    "SELECT query_id, user_id, database_name, query_type, NULLIF(status, 'success') AS status, start_time, "
    "elapsed_time, RTRIM(query_text) AS query_text FROM sys_query_history "
    "WHERE start_time >= '{start}' AND start_time < '{end}' AND user_id <> 1",
    "SELECT DISTINCT d.query_id, d.table_id FROM sys_query_detail AS d "
    "JOIN sys_query_history AS h ON h.query_id = d.query_id "
    "WHERE h.start_time >= '{start}' AND h.start_time < '{end}' AND h.user_id <> 1 AND d.start_time >= '{start}' "
    "AND d.table_id > 0 AND LENGTH(RTRIM(h.query_text)) >= {cut}",
)
_PROVISIONED = _Cluster(
    _STL,
    "SELECT query, userid, database, NULL AS kind, NULLIF(aborted, 0) AS status, starttime, endtime, "
    "RTRIM(querytxt) AS querytxt FROM stl_query "
    "WHERE starttime >= '{start}' AND starttime < '{end}' AND userid <> 1",
    "SELECT DISTINCT s.query, s.tbl FROM stl_scan AS s JOIN stl_query AS q ON q.query = s.query "
    "WHERE q.starttime >= '{start}' AND q.starttime < '{end}' AND q.userid <> 1 AND s.tbl > 0 "
    "AND LENGTH(RTRIM(q.querytxt)) >= {cut}",
    "SELECT t.query, t.sequence, t.text FROM stl_querytext AS t JOIN stl_query AS q ON q.query = t.query "
    "WHERE q.starttime >= '{start}' AND q.starttime < '{end}' AND q.userid <> 1 "
    "AND LENGTH(RTRIM(q.querytxt)) >= {cut}",
    327 * PIECE,
)
_LOADED = {
    name: kind for name, kind in COLUMNS.items() if name not in {"hash", "application", "label", "cost", "bytes"}
}


def pages(start: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Days from `start` up to and with the one of `now`."""
    while start <= now:
        yield start, start + timedelta(days=1)
        start += timedelta(days=1)


def page_sql(sql: str, start: datetime, end: datetime) -> str:
    """A statement of `_Cluster` for one page."""
    return sql.format(start=f"{start:%Y-%m-%d %H:%M:%S}", end=f"{end:%Y-%m-%d %H:%M:%S}", cut=CUT)


class RedshiftHistory:
    """Who read which table and view on Redshift, from its SYS views, or its STL views with `provisioned`.

    Yields what `usage` yields, and a Gap when texts were cut. Raises ConfigError for options and profiles that cannot
    be, MissingExtra without psycopg or DuckDB, WarehouseError when a view cannot be read.
    """

    name: ClassVar[str] = "redshift_history"
    options: ClassVar[tuple[Option, ...]] = (
        *OPTIONS,
        *views.PROFILE,
        Option("provisioned", bool, False, help="read the STL views of a provisioned cluster instead of the SYS views"),
        storage.OPTION,
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._options = views.checked(self.name, self.options, options)
        self._given = options
        self._context = context
        self._cluster = _PROVISIONED if self._options["provisioned"] else _SERVERLESS

    def records(self) -> Iterator[AnyRecord]:
        """The usage, what tables occupy, then how many texts were cut."""
        context = self._context
        profile = views.profile(context, self._options, self.name, "redshift")
        history = History.of(self.name, "redshift", self._given, context)
        history = replace(history, keep_days=min(history.keep_days, KEPT_DAYS))
        start = views.window(history, context.now, context.since)
        with views.opened(profile) as connection:
            views.needed(connection, self._cluster.view, context.now)
            loaded = _Loaded(connection, self._cluster)
            days = list(pages(start, context.now))
            for number, (first, end) in enumerate(days):
                context.progress(f"reading {self._cluster.view} of {first:%Y-%m-%d}", number, len(days))
                loaded.read(first, end)
            yield from usage(
                loaded.statements(), history, now=context.now, since=context.since, progress=context.progress
            )
            if self._options["storage"]:
                ask, needs = storage.asking(storage.REDSHIFT), "GRANT SELECT ON svv_table_info TO <the user>"
                yield from storage.stored(connection, ask, name=self.name, now=context.now, needs=needs)
        origin = Origin(connector=self.name)
        if loaded.cut:
            yield Gap(topic="usage", message=self._cut(loaded), origin=origin)
        for without in loaded.unknown:
            view = without.partition(" ")[0]
            yield Gap(topic="usage", message=without, hint=f"GRANT SELECT ON {view} TO <the user>", origin=origin)

    def _cut(self, loaded: _Loaded) -> str:
        count = "1 statement was" if loaded.cut == 1 else f"{loaded.cut:,} of {loaded.rows:,} statements were"
        return (
            f"{count} cut at {self._cluster.longest:,} characters by Redshift: for them the tables that were scanned "
            "are counted, not the views and columns that were named, nor what a comment at the end says"
        )


class _Loaded:
    """Statements fetched page by page into a DuckDB in memory."""

    def __init__(self, connection: Connection, cluster: _Cluster) -> None:
        try:
            import duckdb  # noqa: F401
            import ibis
        except ImportError as error:
            raise MissingExtra("duckdb", "counting a history of Redshift") from error
        self.rows = self.cut = 0
        self._connection = connection
        self._cluster = cluster
        self.unknown: list[str] = []
        """What could not be looked up, and what follows from it."""
        self._logins = {user: str(name).strip() for user, name in self._names(_PEOPLE, _NO_PEOPLE)}
        tables = self._names(_TABLES, _NO_TABLES)
        self._tables = {table: ".".join(str(part).strip() for part in name) for table, *name in tables}
        self._backend = ibis.duckdb.connect()
        # texts of statements are to be nowhere on disk, not even for a moment
        self._backend.raw_sql("SET temp_directory = ''")
        columns = ", ".join(f'"{name}" {_DUCKDB[kind]}' for name, kind in _LOADED.items())
        self._backend.raw_sql(f"CREATE TABLE statements ({columns})")

    def statements(self) -> ibis.Table:
        """All statements fetched so far."""
        return shaped(View(("statements",), _LOADED, "started", "").table(self._backend))

    def read(self, start: datetime, end: datetime) -> None:
        """Fetch the statements that started in [start, end)."""
        import pyarrow as pa

        cluster = self._cluster
        whole = self._whole_texts(page_sql(cluster.pieces, start, end)) if cluster.pieces else {}
        scanned: dict[Any, set[str]] = {}
        for query, table in self._ask(page_sql(cluster.scans, start, end)):
            if table in self._tables:
                scanned.setdefault(query, set()).add(self._tables[table])
        rows = [
            self._row(row, whole.get(row[0], ""), scanned.get(row[0], set()))
            for row in self._ask(page_sql(cluster.statements, start, end))
            if row[4] is None or '"node_id"' in str(row[7])
        ]
        self.rows += len(rows)
        if rows:
            schema = pa.schema([(name, _ARROW[kind](pa)) for name, kind in _LOADED.items()])
            self._backend.con.register("page", pa.Table.from_pylist(rows, schema=schema))
            self._backend.raw_sql("INSERT INTO statements BY NAME SELECT * FROM page")
            self._backend.con.unregister("page")

    def _row(self, row: Sequence[Any], whole: str, scanned: set[str]) -> dict[str, Any]:
        _, user, database, kind, status, started, took, text = row
        text = whole or str(text or "")
        cut = len(text) >= self._cluster.longest or (not whole and len(text) >= CUT)
        self.cut += cut
        text = text.replace("\\n", "\n")
        kind = _kind(text) if kind is None else str(kind).strip().upper()
        seconds = (took - started).total_seconds() if isinstance(took, datetime) else took and float(took) / 1e6
        reads = json.dumps([[name, None] for name in sorted(scanned)]) if cut and scanned else None
        if reads and kind != "SELECT":
            reads += " "  # statements are told apart by this text, and one that builds is not one that reads
        return {
            "started": started,
            "text": text or None,
            "user": self._logins.get(user, str(user)),
            "seconds": seconds,
            "database": str(database or "").strip(),
            "schema": None,
            "kind": kind or None,
            "reads": "[]" if status is not None else reads,
        }

    def _whole_texts(self, sql: str) -> dict[Any, str]:
        """Texts put together from their pieces; blanks at the end of a piece are part of the text."""
        pieces: dict[Any, list[tuple[int, str]]] = {}
        for query, number, piece in self._ask(sql):
            pieces.setdefault(query, []).append((number, str(piece)))
        return {
            query: "".join(piece.ljust(PIECE) for _, piece in sorted(found)).rstrip()
            for query, found in pieces.items()
            if sorted(number for number, _ in found) == list(range(len(found)))
        }

    def _names(self, sql: str, without: str) -> Sequence[Sequence[Any]]:
        """Names to look up; none, and a note, where they cannot be read: the rest is worth having."""
        try:
            return self._ask(sql)
        except WarehouseError:
            self.unknown.append(without)
            return ()

    def _ask(self, sql: str) -> Sequence[Sequence[Any]]:
        try:
            return self._connection.rows(sql, views.SECONDS)
        except WarehouseError as error:
            raise WarehouseError(views.nobody(self._connection.profile, error.message), hint=RIGHT) from None


def _kind(text: str) -> str:
    """The first word of a statement, SELECT for WITH; '' when there is none."""
    found = _FIRST.match(text)
    word = found[1].upper() if found else ""
    return "SELECT" if word == "WITH" else word


_FIRST = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*([a-zA-Z]+)", re.DOTALL)
_DUCKDB: Mapping[str, str] = {"timestamp": "TIMESTAMP", "string": "VARCHAR", "float64": "DOUBLE"}
_ARROW: Mapping[str, Any] = {
    "timestamp": lambda pa: pa.timestamp("us"),
    "string": lambda pa: pa.string(),
    "float64": lambda pa: pa.float64(),
}
