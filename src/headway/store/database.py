"""What the two databases have in common: transactions, errors as one sentence, and migrations when they are needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from headway.errors import Place, StoreError
from headway.store.schema import HEAD, VERSION_TABLE

BUSY_SECONDS = 30
"""How long one process waits for another before it gives up."""


class Database(ABC):
    """An open database whose tables are those of `schema`."""

    engine: Engine
    place: Place

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that sees one state of the store, whatever others write meanwhile."""

    @abstractmethod
    def writing(self, connection: Connection) -> AbstractContextManager[object]:
        """A write transaction: commits when the block ends well, rolls back otherwise."""

    @abstractmethod
    def recording(self) -> AbstractContextManager[Connection]:
        """A connection in a short write transaction of the ledger, committed when the block ends well.

        Writers take turns, so that ids become visible in their order, and a commit outlives a power cut: what a person
        wrote cannot be synced again. Waits at most BUSY_SECONDS for its turn.
        """

    @abstractmethod
    def hold(self, connector: str) -> AbstractContextManager[Connection]:
        """A connection of its own, while no other process may sync the same connector.

        The hold ends with the block or with the process, however that ends. Raises StoreError after BUSY_SECONDS.
        """

    @abstractmethod
    def is_held(self, connector: str) -> bool:
        """Whether a sync of the connector is alive somewhere."""

    @abstractmethod
    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Whether nobody else is inside such a block of this name; waits for nobody. Ends as `hold` does."""

    @abstractmethod
    def explain(self, error: Exception) -> tuple[str, str]:
        """What a driver's error means, and what to do about it."""

    @abstractmethod
    def claim(self, connection: Connection) -> None:
        """Make sure that the tables may be created here, and that nobody else creates them at the same time."""

    @property
    @abstractmethod
    def driver_error(self) -> type[Exception]:
        """Base of the driver's own errors."""

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Errors of the database become a StoreError with its place."""
        try:
            yield
        except (SQLAlchemyError, self.driver_error) as error:
            cause = getattr(error, "orig", None) or error
            message, hint = self.explain(cause)
            raise StoreError(message, hint=hint, place=self.place) from error

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def migrate(self) -> None:
        """Create or upgrade the tables. Costs one query when they are up to date."""
        with self.talking():
            with self.reading() as connection:
                revision = self._revision(connection)
            if revision == HEAD:
                return
            with self.engine.connect() as connection, self.writing(connection):
                self.claim(connection)
                if self._revision(connection) != HEAD:  # nobody else did it meanwhile
                    _upgrade(connection, HEAD)

    def _revision(self, connection: Connection) -> str:
        """The revision of the tables, '' when there are none. Raises StoreError when it is not one of ours."""
        if not inspect(connection).has_table(VERSION_TABLE):
            return ""
        found = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
        revision = str(found or "")
        if revision and not revision.isdecimal():
            raise StoreError(f"the store says it is of version {revision!r}, which is none", place=self.place)
        if revision and int(revision) > int(HEAD):
            raise StoreError(
                f"the store was written by a newer Headway (its tables are of version {int(revision)}, this Headway "
                f"knows {int(HEAD)})",
                hint="upgrade Headway: pip install --upgrade headway",
                place=self.place,
            )
        return revision


def _upgrade(connection: Connection, revision: str) -> None:
    # Imported here: Alembic costs more than everything else a command does with an up-to-date store.
    from alembic.command import upgrade
    from alembic.config import Config

    folder = Path(__file__).with_name("migrations")
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    upgrade(config, revision)
