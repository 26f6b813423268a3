"""A query history in files: rows of SQL, time, user and what it took, in CSV, JSON lines or Parquet."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError, InputError, Place
from headway.graph.model import AnyRecord, Gap, Origin
from headway.warehouse.history import rowfiles
from headway.warehouse.history.statements import COLUMNS, shaped
from headway.warehouse.history.usage import OPTIONS, History, usage

if TYPE_CHECKING:
    from headway.connectors.protocol import Context

KNOWN_AS: Mapping[str, tuple[str, ...]] = {
    "started": ("started", "start_time", "started_at", "time", "timestamp", "creation_time", "created_at", "date"),
    "text": ("text", "sql", "query", "query_text", "statement", "statement_text"),
    "hash": ("hash", "query_hash", "query_parameterized_hash"),
    "user": ("user", "user_name", "username", "usename", "user_email", "usr", "executed_by"),
    "application": ("application", "application_name", "client", "client_application", "source"),
    "label": ("label", "labels", "query_tag", "query_tags"),
    "seconds": ("seconds", "duration", "duration_seconds", "elapsed", "elapsed_seconds"),
    "cost": ("cost", "credits"),
    "bytes": ("bytes", "bytes_scanned", "total_bytes_billed"),
    "database": ("database", "database_name", "catalog", "dbname"),
    "schema": ("schema", "schema_name"),
    "kind": ("kind", "query_type", "statement_type"),
    "reads": ("reads",),
}
"""What a column may be called when the option `columns` does not say; the first that is there is taken."""

UNITS: Mapping[str, float] = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
"""Units that a duration may be in, and how many seconds one is."""

STARTED = (
    "CASE WHEN regexp_full_match({0}, '\\d{{1,11}}([.]\\d+)?')"
    " THEN make_timestamp((try_cast({0} AS DOUBLE) * 1e6)::BIGINT)"
    " WHEN regexp_full_match({0}, '\\d{{12,14}}') THEN make_timestamp(try_cast({0} AS BIGINT) * 1000)"
    " WHEN regexp_full_match({0}, '\\d{{15,17}}') THEN make_timestamp(try_cast({0} AS BIGINT))"
    " ELSE try_cast(try_cast(regexp_replace({0}, '\\s*(UTC|GMT)$', '+00') AS TIMESTAMPTZ) AS TIMESTAMP) END"
)
"""A moment from text: ISO 8601 (UTC where it names no offset), or seconds, milliseconds or microseconds since 1970."""


class HistoryFile:
    """Reads a query history from files; see KNOWN_AS for the columns.

    Raises ConfigError for options that cannot be, InputError for files that cannot be used, MissingExtra without
    DuckDB. Rows without a moment are left out and told in a Gap.
    """

    name: ClassVar[str] = "history"
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", list, required=True, help="a CSV, JSON lines or Parquet file, a glob, or a list of them"),
        Option("dialect", str, required=True, help="dialect of the SQL: snowflake, bigquery, postgres, duckdb, ..."),
        Option("columns", dict, {}, help=f"your column name for each of ours ({', '.join(COLUMNS)})"),
        Option("duration_unit", str, "seconds", help=f"what durations are in: {', '.join(UNITS)}"),
        Option("cost_unit", str, "", help="what cost is in, such as EUR or credits"),
        Option("database", str, "", help="database of names that have none"),
        Option("schema", str, "", help="schema of names that have none"),
        Option("memory_limit", str, rowfiles.MEMORY_LIMIT, help="how much memory reading may take"),
        *OPTIONS,
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        known_options(self.name, self.options, options)
        self._context = context
        self._given = options
        self._texts = {name: text_option(self.name, options, name) for name in ("cost_unit", "database", "schema")}
        unit = options.get("duration_unit") or "seconds"
        if unit not in UNITS:
            raise ConfigError(f"option duration_unit of {self.name} is unknown", hint=f"there are {', '.join(UNITS)}")
        self._factor = UNITS[unit]
        self._dialect = dialect_option(self.name, options)
        self._columns = _columns(options.get("columns") or {})

    def records(self) -> Iterator[AnyRecord]:
        """Use by day, sorted; the days it covers; and what is not known."""
        history = History.of(self.name, self._dialect, self._given, self._context, cost_unit=self._texts["cost_unit"])
        files = rowfiles.found(self._given.get("path"), self._context.root, self.name)
        backend = rowfiles.connect(self._given.get("memory_limit", rowfiles.MEMORY_LIMIT), self.name)
        try:
            rows = rowfiles.Rows(backend, files)
            table = rows.select(self._expressions(rows))
            yield from checked(rows, self.name)
            context = self._context
            yield from usage(shaped(table), history, now=context.now, since=context.since, progress=context.progress)
        finally:
            backend.disconnect()

    def _expressions(self, rows: rowfiles.Rows) -> dict[str, str]:
        """SQL that makes each of our columns from those of the files."""
        theirs = {column.lower(): column for column in rows.columns}
        found = {}
        for ours, names in KNOWN_AS.items():
            wanted = (self._columns[ours],) if ours in self._columns else names
            name = next((theirs[n.lower()] for n in wanted if n.lower() in theirs), None)
            if name is None and (ours in self._columns or ours in {"started", "text"}):
                raise _missing(wanted[0], ours, rows)
            if name is not None:
                cell = f"{rowfiles.identifier(name)}::VARCHAR"
                # statements are long and keep their white space
                found[ours] = f"nullif({cell if ours == 'text' else f'trim({cell})'}, '')"
        for number in {"seconds", "cost", "bytes"} & found.keys():
            factor = self._factor if number == "seconds" else 1.0
            cast = f"try_cast({found[number]} AS DOUBLE)"
            found[number] = f"CASE WHEN {cast} BETWEEN 0 AND 1e18 THEN {cast} * {factor!r} END"
        found["started"] = started(rows, found["started"])
        for ours in ("database", "schema"):
            if self._texts[ours]:
                default = rowfiles.literal(self._texts[ours])
                found[ours] = f"coalesce({found[ours]}, {default})" if ours in found else default
        return found


def started(rows: rowfiles.Rows, moment: str) -> str:
    """SQL that makes a moment of a column: as it is where the files have moments, else from text."""
    name = moment.partition("(")[2].rpartition("::VARCHAR")[0].rpartition("(")[2]
    kind = rows.types.get(name, "")
    return f"{name}::TIMESTAMP" if kind.startswith("TIMESTAMP") else STARTED.format(moment)


def checked(rows: rowfiles.Rows, name: str) -> Iterator[Gap]:
    """Count the rows that cannot be used, by reading everything once.

    Raises InputError when none can be.
    """
    with rowfiles.reading(rows.files[0]):
        [counts] = rows.backend.con.execute("SELECT count(*), count(started) FROM headway_history").fetchall()
    whole, usable = (int(count) for count in counts)
    lost = whole - usable + rows.rejected()
    shown = rows.files[0].shown if len(rows.files) == 1 else f"{len(rows.files):,} files"
    if lost and not usable:
        raise InputError(
            f"no row has a moment in its time column: {lost:,} rows",
            place=Place(rows.files[0].shown),
            hint="write 2026-11-22 10:00:00, or say under `columns` which column is `started`",
        )
    if lost:
        origin = Origin(connector=name, file=rows.files[0].shown if len(rows.files) == 1 else "")
        rows_were = "1 row was" if lost == 1 else f"{lost:,} rows were"
        yield Gap(
            topic="usage",
            message=f"{rows_were} left out of {shown}: not whole, or without a moment that can be read",
            origin=origin,
        )


def known_options(name: str, known: tuple[Option, ...], given: Mapping[str, Any]) -> None:
    """Raise ConfigError for an option that is not known, or is missing."""
    names = [option.name for option in known]
    for said in given:
        if said not in names:
            near = difflib.get_close_matches(str(said), names, n=1) or [", ".join(names)]
            raise ConfigError(f"{name} has no option {str(said)[:60]!r}", hint=f"did you mean {near[0]}?")
    for option in known:
        if option.required and not given.get(option.name):
            raise ConfigError(f"option {option.name} of {name} is missing", hint=option.help)


def text_option(name: str, given: Mapping[str, Any], option: str) -> str:
    """An option that is text; '' where it is not given. Raises ConfigError."""
    value = given.get(option) or ""
    if not isinstance(value, str) or not value.isprintable():
        raise ConfigError(f"option {option} of {name} is to be text")
    return value


def dialect_option(name: str, given: Mapping[str, Any]) -> str:
    """The option `dialect`, as sqlglot knows it. Raises ConfigError for one that it does not know."""
    from sqlglot.dialects import Dialect

    dialect = text_option(name, given, "dialect").lower()
    known = sorted(key for key in Dialect.classes if key)
    if dialect not in known:
        near = difflib.get_close_matches(dialect, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise ConfigError(f"option dialect of {name} is not known: {dialect[:60]!r}", hint=hint)
    return dialect


def _columns(given: Any) -> dict[str, str]:
    """The option `columns`: our name to theirs."""
    if not isinstance(given, Mapping) or not all(isinstance(theirs, str) and theirs for theirs in given.values()):
        raise ConfigError("option columns of history is not a mapping", hint="columns: {text: sql, started: time}")
    for ours in given:
        if ours not in COLUMNS:
            near = difflib.get_close_matches(str(ours), COLUMNS, n=1) or [", ".join(COLUMNS)]
            raise ConfigError(f"history has no column {str(ours)[:60]!r}", hint=f"did you mean {near[0]}?")
    return dict(given)


def _missing(name: str, ours: str, rows: rowfiles.Rows) -> InputError:
    there = ", ".join(repr(column[:60]) for column in rows.columns[:12])
    return InputError(
        f"there is no column called {name!r}, only {there}",
        place=Place(rows.files[0].shown),
        hint=f"say under `columns` what {ours} is called",
    )
