"""The tables, once for both databases. Migrations build them; a test holds the two against each other.

Indexes are in the migrations alone: naming a PostgreSQL one here would import that dialect for every user of SQLite.

Text from outside is stored only inside JSON (which escapes NUL, refused by PostgreSQL) or as a digest (so that no
index key is too long), never bare.

    headway_sync          one row per sync of a connector
    headway_record        versions of records: one open row (to_sync is null) per record in the current view
    headway_check_result  what checks have said, by the time they said it
    headway_series        what was measured on what; its id is the digest of that, and every observation carries it
    headway_origin        files that observations come from
    headway_observation   one amount per series and day
    headway_entry         the ledger: what people wrote; rows are only ever added
    headway_census        what the past held, one row per origin and day: made again when it is lost
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

HEAD = "0003"
"""Revision of the newest migration. Revisions are numbers, so that a newer store is known as such."""

VERSION_TABLE = "headway_version"


class Moment(TypeDecorator[datetime]):
    """A time as UTC ISO text of one fixed width, so that text order is time order on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The text of an aware datetime."""
        return value.astimezone(UTC).isoformat(timespec="microseconds") if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The aware datetime, in UTC."""
        return datetime.fromisoformat(value) if value else None


class Quoted(TypeDecorator[Any]):
    """Text or plain data from outside, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """The JSON text."""
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """The data."""
        return msgspec.json.decode(value)


_Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER is SQLite's own row number

metadata = MetaData()

sync = Table(
    "headway_sync",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connector", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("status", Text, nullable=False),
    Column("message", Quoted, nullable=False),
    Column("counts", Quoted, nullable=False),
    sqlite_autoincrement=True,
)

record = Table(
    "headway_record",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("connector", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("hash", BigInteger, nullable=False),
    Column("kept", Boolean, nullable=False),  # stays in view when a later sync does not yield it again
    Column("first_sync", Integer, ForeignKey("headway_sync.id"), nullable=False),  # the first that ever yielded the key
    Column("seat", Integer, nullable=False),  # its place in that sync
    Column("from_sync", Integer, ForeignKey("headway_sync.id"), nullable=False),
    Column("to_sync", Integer, ForeignKey("headway_sync.id")),
    Column("body", Text, nullable=False),
)
check_result = Table(
    "headway_check_result",
    metadata,
    Column("connector", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("status", Text, nullable=False),
    Column("since", Moment),  # what the connector itself said
    Column("message", Quoted, nullable=False),
    sqlite_with_rowid=False,
)

series = Table(
    "headway_series",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("connector", Text, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

origin = Table(
    "headway_origin",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("connector", Text, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

observation = Table(
    "headway_observation",
    metadata,
    Column("series", BigInteger, ForeignKey("headway_series.id"), primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("amount", Double, nullable=False),
    Column("origin", BigInteger, ForeignKey("headway_origin.id"), nullable=False),
    Column("line", Integer, nullable=False),
    sqlite_with_rowid=False,
)

entry = Table(
    "headway_entry",
    metadata,
    Column("id", _Id, primary_key=True),  # in the order in which entries became visible
    Column("at", Moment, nullable=False),
    Column("topic", Text, nullable=False),
    Column("subject", BigInteger, nullable=False),  # digest of the subject, which `said` has
    Column("said", Quoted, nullable=False),
    sqlite_autoincrement=True,  # an id is given once, whatever becomes of its row
)

census = Table(
    "headway_census",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("since", Date, nullable=False),  # the first day it holds for
    Column("key", Text, nullable=False),  # what it was made from: a digest, or a commit
    Column("taken", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON, compressed
)

# What a running sync has yielded so far. Temporary tables of its own connection: filling them takes no lock that
# anybody else could wait for, and they vanish with the connection.
staging = MetaData()


def _staging(name: str, *columns: Column[Any]) -> Table:
    return Table(name, staging, *columns, prefixes=["TEMPORARY"], sqlite_with_rowid=False)


new_record = _staging(
    "headway_new_record",
    Column("type", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("hash", BigInteger, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
new_result = _staging(
    "headway_new_result",
    Column("key", Text, primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("dated", Boolean, nullable=False),  # false: the connector does not know when, so `at` is the sync's
    Column("status", Text, nullable=False),
    Column("since", Moment),
    Column("message", Quoted, nullable=False),
)
new_series = _staging(
    "headway_new_series",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
new_origin = _staging(
    "headway_new_origin",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
new_observation = _staging(
    "headway_new_observation",
    Column("series", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("amount", Double, nullable=False),
    Column("origin", BigInteger, nullable=False),
    Column("line", Integer, nullable=False),
)
