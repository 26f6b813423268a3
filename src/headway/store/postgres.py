"""The store as PostgreSQL tables: repeatable-read readers, one advisory lock per connector.

The connection must be a session: temporary tables and advisory locks do not survive a proxy that hands each
transaction to another server process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import blake2b
from typing import cast

from sqlalchemy import URL, Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import DBAPIError

from headway.errors import MissingExtra, Place, StoreError
from headway.store import database
from headway.store.database import Database

_CONNECT_SECONDS = 10
_LOCK_NOT_AVAILABLE = "55P03"
_LEDGER = "\nledger"  # no connector can be called so
_MEANINGS = {
    "42501": ("the database refuses: no permission", "grant the user the right to create and write tables"),
    "53100": ("the database's disk is full; nothing was changed", ""),
    "25006": ("the database is read-only", "give the URL of the primary server"),
    _LOCK_NOT_AVAILABLE: ("the store has been locked by another process for too long", "try again when it is done"),
}


class PostgresDatabase(Database):
    """A store that a team shares."""

    def __init__(self, url: URL) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra("postgres", "a store in PostgreSQL") from error
        self._driver_error = psycopg.Error
        self.place = Place(f"postgresql://{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}")
        queried = url.query.get("password", ())
        self._secrets = [s for s in (url.password, *([queried] if isinstance(queried, str) else queried)) if s]
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS}
        self.engine = create_engine(
            url.set(drivername="postgresql+psycopg"), poolclass=NullPool, connect_args=arguments, hide_parameters=True
        )
        self.migrate()

    @property
    def driver_error(self) -> type[Exception]:
        """See Database."""
        return cast("type[Exception]", self._driver_error)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See Database."""
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def writing(self, connection: Connection) -> AbstractContextManager[object]:
        """See Database. The rows of two connectors never meet, and those of one are written under its hold."""
        return connection.begin()

    @contextmanager
    def recording(self) -> Iterator[Connection]:
        """See Database. Without turns a sequence's numbers would become visible in any order."""
        with self.engine.connect() as connection, connection.begin():
            connection.execute(select(func.set_config("lock_timeout", f"{int(database.BUSY_SECONDS * 1000)}ms", True)))
            connection.execute(select(func.set_config("synchronous_commit", "on", True)))
            connection.execute(select(func.pg_advisory_xact_lock(_key(_LEDGER))))
            yield connection

    @contextmanager
    def hold(self, connector: str) -> Iterator[Connection]:
        """See Database."""
        with self.engine.connect() as connection:
            wait = f"{int(database.BUSY_SECONDS * 1000)}ms"
            try:
                with connection.begin():
                    connection.execute(select(func.set_config("lock_timeout", wait, False)))
                    connection.execute(select(func.pg_advisory_lock(_key(connector))))
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
                    raise
                raise StoreError(
                    f"{connector} is being synced by another process",
                    hint="try again when that has finished",
                    place=self.place,
                ) from error
            yield connection

    def is_held(self, connector: str) -> bool:
        """See Database."""
        with self.reading() as connection:
            free = connection.execute(select(func.pg_try_advisory_xact_lock_shared(_key(connector)))).scalar()
        return not free

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """See Database."""
        with self.engine.connect() as connection:
            with connection.begin():
                free = connection.execute(select(func.pg_try_advisory_lock(_key(name)))).scalar()
            yield bool(free)

    def claim(self, connection: Connection) -> None:
        """See Database. Other tables are not in the way: ours have a prefix."""
        connection.execute(select(func.pg_advisory_xact_lock(_key(""))))

    def explain(self, error: Exception) -> tuple[str, str]:
        """See Database. A password is never in the sentence."""
        state = getattr(error, "sqlstate", None) or ""
        if state in _MEANINGS:
            return _MEANINGS[state]
        said = " ".join(str(error).split())
        for secret in self._secrets:
            said = said.replace(secret, "***")
        if not state:
            return f"the database cannot be reached: {said}", "check the URL, the server and the network"
        return f"the database refuses: {said}", ""


def _key(connector: str) -> int:
    return int.from_bytes(blake2b(f"headway {connector}".encode(), digest_size=8).digest(), "big", signed=True)
