"""The store as a SQLite file: write-ahead log, immediate write transactions, one lock file per connector."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, text

from headway.errors import Place, StoreError
from headway.store import database
from headway.store.database import Database
from headway.store.schema import VERSION_TABLE

_BEGIN = "headway_begin"  # execution option: the statement that begins a transaction


class SqliteDatabase(Database):
    """A store in one file. It can be read while another process writes."""

    driver_error = sqlite3.Error

    def __init__(self, url: URL) -> None:
        name = url.database or ""
        if name in ("", ":memory:") or name.startswith("file:"):
            raise StoreError("a store needs a file", hint="sqlite:////absolute/path/headway.db")
        self._path = Path(os.path.abspath(name))  # noqa: PTH100  (resolve() would follow a link)
        self.place = Place(str(self._path))
        self._create(self._path)
        self.engine = _engine(self._path)
        self.migrate()
        self._log_ahead()

    def _log_ahead(self) -> None:
        """Turn the write-ahead log on, which stays on: readers and a writer no longer wait for one another."""
        with self.talking(), closing(self.engine.raw_connection()) as connection:
            driver = connection.driver_connection
            if driver is None or driver.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            try:
                driver.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not _code(error).startswith("SQLITE_BUSY"):  # else whoever uses it now, or the next, turns it on
                    raise

    def _create(self, path: Path) -> None:
        """An empty file that only its owner can read, where there is none."""
        try:
            if path.is_dir():
                raise StoreError("this is a folder; a store is a file", place=self.place)
            if path.exists():
                if not path.is_file():
                    raise StoreError("this is not a regular file", place=self.place)
                return
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StoreError(f"the store cannot be created: {reason}", place=self.place) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See Database. Readers take no lock."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def writing(self, connection: Connection) -> AbstractContextManager[object]:
        """See Database. IMMEDIATE: waits for its turn at the beginning, where waiting is safe."""
        connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        return connection.begin()

    @contextmanager
    def recording(self) -> Iterator[Connection]:
        """See Database. FULL: the write-ahead log is on the disk before a commit is over."""
        with self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA synchronous = FULL")
            with self.writing(connection):
                yield connection

    @contextmanager
    def hold(self, connector: str) -> Iterator[Connection]:
        """See Database. The lock is a second SQLite file: held on every system, let go when the process dies."""
        with self._lock(connector, database.BUSY_SECONDS), self.engine.connect() as connection:
            yield connection

    def is_held(self, connector: str) -> bool:
        """See Database."""
        try:
            with self._lock(connector, 0):
                return False
        except StoreError:
            return True

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """See Database."""
        with ExitStack() as held:
            free = True
            try:
                held.enter_context(self._lock(name, 0))
            except StoreError as error:
                if not _code(error.__cause__ or error).startswith("SQLITE_BUSY"):
                    raise
                free = False
            yield free

    @contextmanager
    def _lock(self, connector: str, seconds: float) -> Iterator[None]:
        tag = blake2b(connector.encode(), digest_size=6).hexdigest()
        path = self._path.with_name(f"{self._path.name}-{tag}.lock")
        self._create(path)
        with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _code(error).startswith("SQLITE_BUSY"):
                    raise
                raise StoreError(
                    f"{connector} is being synced by another process",
                    hint="try again when that has finished",
                    place=self.place,
                ) from error
            yield

    def claim(self, connection: Connection) -> None:
        """See Database. The write transaction already keeps others out."""
        tables = inspect(connection).get_table_names()
        if tables and VERSION_TABLE not in tables:
            raise StoreError(
                f"this is a database of something else (it has a table {tables[0]!r}); Headway leaves it alone",
                hint="give the store a file of its own",
                place=self.place,
            )

    def explain(self, error: Exception) -> tuple[str, str]:
        """See Database."""
        code = _code(error)
        for prefix, message, hint in _MEANINGS:
            if code.startswith(prefix):
                return message.format(seconds=database.BUSY_SECONDS), hint
        return f"the store cannot be used: {error}", ""


_MEANINGS = (
    ("SQLITE_BUSY", "the store has been locked by another process for {seconds} seconds", "try again when it is done"),
    ("SQLITE_LOCKED", "the store is locked by another process", "try again when it is done"),
    ("SQLITE_NOTADB", "this file is not a store", "give another file, or move this one away"),
    ("SQLITE_CORRUPT", "the store is damaged", "restore it from a backup, or move it away and sync again"),
    ("SQLITE_READONLY", "the store cannot be written: the file or its folder is read-only", "check its permissions"),
    ("SQLITE_CANTOPEN", "the store cannot be opened", "check the permissions of the file and of its folder"),
    ("SQLITE_PERM", "the store cannot be opened: no permission", "check its permissions"),
    ("SQLITE_FULL", "the disk is full; nothing was changed", "free some space and sync again"),
    ("SQLITE_IOERR", "the disk refused to read or write the store", "check the disk; network folders do not work"),
)


def _code(error: BaseException) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"timeout": database.BUSY_SECONDS},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where this module says
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")  # safe with a write-ahead log

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.execute(text(connection.get_execution_options().get(_BEGIN, "BEGIN")))

    return engine
