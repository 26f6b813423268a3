"""The store: what connectors said, now and at any earlier time, in SQLite or PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self

from sqlalchemy import Connection, func, insert, make_url, select, update
from sqlalchemy.exc import ArgumentError

from headway.errors import HeadwayError, StoreError, UsageError
from headway.graph.ledger import Entry
from headway.graph.model import Node, Record
from headway.store.census import Kept, keys
from headway.store.census import Origin as CensusOrigin
from headway.store.census import keep as keep_census
from headway.store.census import read as read_censuses
from headway.store.database import Database
from headway.store.ledger import append, checked, read
from headway.store.rows import clean
from headway.store.schema import entry as entry_table
from headway.store.schema import sync as sync_table
from headway.store.sync import Counts, Sync
from headway.store.view import Loaded, gone_nodes, synced
from headway.store.view import load as load_view
from headway.store.view import load_each as load_each_view

_URLS = "sqlite:////absolute/path/headway.db or postgresql://user@host/database"
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SyncRow:
    """One sync of one connector."""

    id: int
    connector: str
    started: datetime
    finished: datetime | None
    """None while it runs, and when it was interrupted without a chance to say so."""
    status: Literal["running", "done", "removed", "failed", "interrupted"]
    message: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether anything happened in a store, in a few figures: equal ones mean that nothing did."""

    ended: int
    """Syncs that are over, however they ended."""
    finished: datetime | None
    """When the last of them was."""
    started: datetime | None
    """When the last sync of any source began."""
    running: tuple[str, ...]
    """Connectors that are being synced."""
    entry: int
    """Id of the newest entry of the ledger; 0 without one."""


class Store:
    """Records of all connectors with their history. Open it with `Store.open`; safe with several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def open(url: str) -> Store:
        """Open the store at a SQLAlchemy URL, creating and upgrading its tables where needed.

        `sqlite:////absolute/path/headway.db` (the folder is made if it is missing) or
        `postgresql://user@host/database`. Raises StoreError, which never holds a password, when the URL is of another
        kind or the database is missing, damaged, locked, not permitted or written by a newer Headway.
        """
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise StoreError("the URL of the store cannot be read", hint=f"expected {_URLS}") from None
        kind = parsed.drivername.partition("+")[0]
        if kind == "sqlite":
            from headway.store.sqlite import SqliteDatabase

            return Store(SqliteDatabase(parsed))
        if kind in ("postgresql", "postgres"):
            from headway.store.postgres import PostgresDatabase

            return Store(PostgresDatabase(parsed))
        raise StoreError(f"a store cannot be kept in {kind!r}", hint=f"expected {_URLS}")

    def sync(self, connector: str, at: datetime) -> AbstractContextManager[Sync]:
        """Sync a connector: what is written inside the block replaces its part of the view when the block ends well.

        `at` is when the sync began, with time zone. Nothing written is visible before the end, and nothing at all
        when the block raises: then the sync is recorded as failed (or interrupted, by KeyboardInterrupt and the
        like) and the exception goes on. Syncs of one connector wait for one another, those of several run at once.

        Records are versioned: unchanged ones cost nothing, vanished ones leave the view and stay in history.
        Observations and readings add up over syncs. Observations of a day inside a Coverage that the sync yields are
        replaced as a whole, readings written by hand always. Results of checks are kept as history.
        Raises UsageError for a time without zone, StoreError for everything else.
        """
        return self._run(connector, at, "done")

    def remove(self, connector: str, at: datetime) -> None:
        """Take a connector that is not configured any more out of the view, with all it ever said; history stays.

        Syncing it again brings back what adds up over syncs. Raises as `sync` does.
        """
        with self._run(connector, at, "removed"):
            pass

    @contextmanager
    def _run(self, connector: str, at: datetime, status: Literal["done", "removed"]) -> Iterator[Sync]:
        if at.tzinfo is None:
            raise UsageError("the time of a sync needs a time zone")
        if not connector or len(connector) > _LONGEST_NAME or not connector.isprintable():
            raise UsageError(f"{connector[:_LONGEST_NAME]!r} cannot be the name of a connector")
        clock = time.monotonic()
        with self._held(connector) as connection:
            sync_id = self._begin(connection, connector, at)

            def end(how: str, message: str = "", counts: Counts | None = None) -> None:
                finished = at + timedelta(seconds=time.monotonic() - clock)
                _end(connection, sync_id, finished, how, message, counts or Counts())

            try:
                sync = Sync(connection, connector, at, self._database.talking)
                yield sync
                with self._database.talking(), self._database.writing(connection):
                    end(status, counts=sync.merge(sync_id))
            except BaseException as error:
                try:
                    with self._database.talking(), self._database.writing(connection):
                        end(*_verdict(error))
                except StoreError as second:
                    error.add_note(f"the store could not take note of this: {second}")
                raise

    @contextmanager
    def _held(self, connector: str) -> Iterator[Connection]:
        # Only taking and releasing the hold is the database's doing; errors of the block are its own.
        hold = self._database.hold(connector)
        with self._database.talking():
            connection = hold.__enter__()
        try:
            yield connection
        finally:
            with self._database.talking():
                hold.__exit__(None, None, None)

    def _begin(self, connection: Connection, connector: str, at: datetime) -> int:
        """Note that a sync runs. Whoever was noted as running before, under the same hold, is dead."""
        s = sync_table.c
        dead = update(sync_table).where(s.connector == connector, s.status == "running")
        new = insert(sync_table).values(connector=connector, started=at, status="running", message="", counts={})
        with self._database.talking(), self._database.writing(connection):
            connection.execute(dead.values(status="interrupted"))
            return int(connection.execute(new.returning(s.id)).scalar_one())

    def load(self, at: datetime | None = None) -> Loaded:
        """The current view, or the view as it was at a time (with time zone).

        A connector whose last sync failed or was interrupted is shown as of its last successful one, with a Gap.
        Nodes get `created` from the first sync that saw them, checks their last result and since when they fail,
        targets the changes that syncs have seen (a changed `due` as `date.toordinal()`).
        Raises UsageError for a time without zone, StoreError when the database cannot be read.
        """
        if at is not None and at.tzinfo is None:
            raise UsageError("the time of a view needs a time zone")
        with self._database.talking(), self._database.reading() as connection:
            return load_view(connection, at, self._database.is_held)

    def synced(self) -> Mapping[str, datetime]:
        """When the last successful sync began of each connector in view: `load().per_connector`, at next to no cost."""
        with self._database.talking(), self._database.reading() as connection:
            return synced(connection)

    def gone(self, connector: str) -> list[tuple[Node, datetime]]:
        """Nodes that a connector yielded once and not in its last good sync, and when the first sync without began.

        Nodes that are of a version of Headway that this one does not understand are left out. Raises StoreError.
        """
        with self._database.talking(), self._database.reading() as connection:
            return gone_nodes(connection, connector)

    def load_each(self, times: Sequence[datetime], without: Collection[type[Record]] = ()) -> Iterator[Loaded]:
        """`load` at each of some times, without records of some types: for many times far quicker than one by one.

        What several of them show is the same record. The database is read until the last one was taken. Raises as
        `load` does.
        """
        if any(at.tzinfo is None for at in times):
            raise UsageError("the time of a view needs a time zone")
        with self._database.talking(), self._database.reading() as connection:
            yield from load_each_view(connection, times, self._database.is_held, without)

    def syncs(self, connector: str = "") -> list[SyncRow]:
        """All syncs, or those of one connector, newest first. A dead one is `interrupted` at once."""
        query = select(sync_table).order_by(sync_table.c.id.desc())
        if connector:
            query = query.where(sync_table.c.connector == connector)
        with self._database.talking(), self._database.reading() as connection:
            rows = connection.execute(query).all()
        alive: dict[str, bool] = {}
        for row in rows:
            if row.status == "running" and row.connector not in alive:
                with self._database.talking():
                    alive[row.connector] = self._database.is_held(row.connector)
        return [_sync_row(row, alive) for row in rows]

    def pulse(self) -> Pulse:
        """What has happened so far, counted in the database: for whoever looks often."""
        s = sync_table.c
        figures = select(func.count(s.finished), func.max(s.finished), func.max(s.started))
        running = select(s.connector).where(s.status == "running").distinct().order_by(s.connector)
        with self._database.talking(), self._database.reading() as connection:
            ended, finished, started = connection.execute(figures).one()
            names = connection.execute(running).scalars().all()
            newest = connection.execute(select(func.max(entry_table.c.id))).scalar()
        with self._database.talking():
            alive = tuple(name for name in names if self._database.is_held(name))
        return Pulse(ended, finished, started, alive, newest or 0)

    def record(self, entry: Entry) -> Entry:
        """Append to the ledger; gives the entry back with its id. One short transaction, whoever else writes.

        Raises UsageError for what no entry can be (see `headway.store.ledger.checked`), StoreError when it cannot be
        written.
        """
        return self.record_all([entry])[0]

    def record_all(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Append all of them in this order, or none. Raises as `record` does."""
        good = [checked(entry) for entry in entries]
        with self._database.talking(), self._database.recording() as connection:
            return append(connection, good)

    def entries(self, topic: str = "", subject: str = "", since: int = 0) -> tuple[Entry, ...]:
        """What people wrote, oldest first: of every topic and subject, or of one; with an id above `since`.

        Whoever has seen everything up to an id misses nothing by asking for what came since.
        """
        with self._database.talking(), self._database.reading() as connection:
            return read(connection, topic, subject, since, self._database.place)

    def keep(self, kept: Kept) -> None:
        """Keep a census in the place of the one of its origin and day. Raises StoreError."""
        with self._database.talking(), self._database.recording() as connection:
            keep_census(connection, kept)

    def censuses(self, origin: CensusOrigin, days: Sequence[date]) -> dict[date, Kept]:
        """The kept censuses that hold for some days, by the day that was asked for."""
        with self._database.talking(), self._database.reading() as connection:
            return read_censuses(connection, origin, days)

    def census_keys(self, origin: CensusOrigin) -> dict[date, str]:
        """The days of which a census is kept, with what each was made from."""
        with self._database.talking(), self._database.reading() as connection:
            return keys(connection, origin)

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether this process is the only one inside such a block of this name; the others are told so and go on.

        The hold ends with the block or with the process. Names are those of connectors: a sync of the same name waits.
        Raises StoreError when the store cannot be used.
        """
        hold = self._database.alone(name)
        with self._database.talking():
            free = hold.__enter__()
        try:
            yield free
        finally:
            with self._database.talking():
                hold.__exit__(None, None, None)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _verdict(error: BaseException) -> tuple[str, str]:
    if isinstance(error, HeadwayError):
        return "failed", clean(str(error))
    if isinstance(error, Exception):
        return "failed", clean(f"{type(error).__name__}: {error}")
    return "interrupted", ""


def _end(connection: Connection, sync_id: int, finished: datetime, status: str, message: str, counts: Counts) -> None:
    row = update(sync_table).where(sync_table.c.id == sync_id)
    connection.execute(row.values(status=status, finished=finished, message=message, counts=asdict(counts)))


def _sync_row(row: Any, alive: dict[str, bool]) -> SyncRow:
    status = row.status
    if status == "running" and not alive[row.connector]:
        status = "interrupted"
    return SyncRow(row.id, row.connector, row.started, row.finished, status, row.message, Counts(**row.counts))
