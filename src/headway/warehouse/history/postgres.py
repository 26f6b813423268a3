"""Usage and seconds from PostgreSQL: from its csvlog or jsonlog, or, much weaker, from pg_stat_statements."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.errors import ConfigError, MissingExtra
from headway.graph.model import AnyRecord, Coverage, Gap, Origin
from headway.warehouse.history import storage, views
from headway.warehouse.history.statements import shaped
from headway.warehouse.history.usage import OPTIONS, History, usage

if TYPE_CHECKING:
    from headway.connectors.protocol import Context
    from headway.warehouse.history.postgres_log import Found

_BEFORE = timedelta(days=8)
"""How much is read before the first day that is counted: that the log holds it shows that it begins no later."""
_MANY, _SLOW = 50, 1.0
"""A log of so many statements, all of them slower than so many milliseconds, holds only the slow ones: the BEGIN and
SET of any client are quicker."""


class PostgresHistory:
    """Reads who queried what, and how long it took, from the logs of a PostgreSQL server (9.0 or later).

    The server writes them with `logging_collector = on`, `log_destination = 'jsonlog'` (15 or later) or `'csvlog'`, and
    `log_min_duration_statement = 0`. Yields what `usage` yields; a Coverage only where the log shows every statement.
    With `source: pg_stat_statements` the counters of that extension are read instead, through the dbt profile.

    Raises ConfigError for options that cannot be, InputError when there is no log that can be read, MissingExtra
    without DuckDB, WarehouseError when pg_stat_statements cannot be asked.
    """

    name: ClassVar[str] = "postgres_history"
    options: ClassVar[tuple[Option, ...]] = (
        Option("logs", list, [], help="csvlog or jsonlog, gzipped or not: a file, a folder, a glob, or a list of them"),
        Option("source", str, "logs", help="logs, or pg_stat_statements where there are no logs"),
        Option("search_path", str, "public", help="schemas that names without one are looked up in; the first counts"),
        Option("storage", bool, help="read what tables of the profile's database occupy; unset: without logs only"),
        *views.PROFILE,
        *OPTIONS,
    )
    sync_only: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        logs = options.get("logs")
        given = {**options, "logs": [logs]} if isinstance(logs, str) and logs else options
        self._given = views.checked(self.name, self.options, given)
        self._context = context
        self._logs: list[str] = self._given["logs"]
        self._schema = _first_schema(self._given["search_path"])
        if self._given["source"] not in {"logs", "pg_stat_statements"}:
            raise ConfigError(f"option source of {self.name} is to be logs or pg_stat_statements")
        if not all(isinstance(path, str) and path and "\0" not in path for path in self._logs):
            raise ConfigError(f"option logs of {self.name} is to be a file, a folder, a glob, or a list of them")
        if self._given["source"] == "logs" and not self._logs:
            raise ConfigError(f"{self.name} needs the option logs", hint=self.options[0].help)

    def records(self) -> Iterator[AnyRecord]:
        """Observations by day; the days they cover; and what could not be read, or is not in the log."""
        history = History.of(self.name, "postgres", self._given, self._context)
        counters = self._given["source"] != "logs"
        stores = counters if self._given["storage"] is None else self._given["storage"]
        profile = views.profile(self._context, self._given, self.name, "postgres") if counters or stores else None
        if profile and counters:
            from headway.warehouse.history.postgres_counters import counted

            yield from counted(profile, history, self._context, self._schema)
        else:
            yield from self._from_logs(history)
        if profile and stores:
            yield from storage.stored_beside(profile, storage.postgres_rows, name=self.name, now=self._context.now)

    def _from_logs(self, history: History) -> Iterator[AnyRecord]:
        if any(importlib.util.find_spec(module) is None for module in ("ibis", "duckdb")):
            raise MissingExtra("duckdb", "reading PostgreSQL's logs")
        from headway.warehouse.history.postgres_files import log_files
        from headway.warehouse.history.postgres_log import load, workspace

        context = self._context
        opens = views.first_moment(history, context.now, context.since) - _BEFORE
        files, refused = log_files(self._logs, context.root, since=opens.timestamp())
        with workspace() as backend:
            statements, found = load(
                backend,
                files,
                since=opens.astimezone(UTC).replace(tzinfo=None),
                schema=self._schema,
                progress=context.progress,
            )
            blind = _blind(found)
            used = usage(shaped(statements), history, now=context.now, since=context.since, progress=context.progress)
            for record in used:
                if not (blind and isinstance(record, Coverage)):
                    yield record
        for message, hint in (*blind, *_partial(found), *((str(error), "") for error in refused)):
            yield Gap(topic="usage", message=message, hint=hint, origin=Origin(connector=self.name))


def _blind(found: Found) -> list[tuple[str, str]]:
    """Why absence from the log does not mean that something was not read, each with what would help."""
    said = []
    if found.foreign:
        message = f"{found.foreign:,} durations in PostgreSQL's log are not in English: their statements are not known"
        said.append((message, "lc_messages = 'C'"))
    if not found.statements and not found.foreign:
        said.append(("no statement is in PostgreSQL's log", "log_min_duration_statement = 0"))
    if found.statements >= _MANY and found.quickest is not None and found.quickest >= _SLOW:
        message = (
            f"no statement quicker than {found.quickest:g} ms is in PostgreSQL's log: use that is quicker is missing"
        )
        said.append((message, "log_min_duration_statement = 0, and no sampling"))
    return said


def _partial(found: Found) -> Iterator[tuple[str, str]]:
    """What else is missing, though what there is can be counted on."""
    if found.untimed:
        message = f"{found.untimed:,} of {found.statements:,} statements in PostgreSQL's log have no duration"
        yield f"{message}: seconds are too few", "log_min_duration_statement = 0, with log_statement = 'none'"
    if found.adrift:
        message = f"{found.adrift:,} statements in PostgreSQL's log are in a time zone that it does not place"
        yield f"{message}; they may be an hour off", "log_timezone = 'UTC'"
    for file, trouble in found.trouble.items():
        yield f"{file}: {trouble}", ""


def _first_schema(path: str) -> str:
    """The first schema of a search path that is one for everybody."""
    names = [name.strip().strip('"') for name in path.split(",")]
    return next((name for name in names if name and name != "$user"), "public")
