"""How many bytes each table occupies, where the warehouse says so in one cheap statement: observations of `storage`.

| warehouse | what is counted | what is not |
|---|---|---|
| Snowflake | TABLE_STORAGE_METRICS: active, Time Travel and Fail-safe, of dropped versions as well | kept for clones |
| BigQuery | TABLE_STORAGE: logical bytes, which is what is billed unless a dataset says otherwise | physical bytes |
| Redshift | SVV_TABLE_INFO: blocks of 1 MiB, of the database that the profile names | other databases |
| PostgreSQL | pg_total_relation_size: with indexes and TOAST; partitions count for their root | the log (WAL) |
| DuckDB | blocks of the file that hold the table's columns, as many bytes as a block has | indexes, free blocks |

A stock, not a flow: one amount per relation, on the day of the sync. Databricks and Trino keep no such list per table.
The statements for Snowflake, BigQuery and Redshift have not been run against these vendors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from headway.config import Option
from headway.errors import WarehouseError
from headway.graph.model import Gap, Observation, Origin
from headway.graph.spend import STORAGE
from headway.warehouse.history import views

if TYPE_CHECKING:
    from headway.warehouse.connection import Connection
    from headway.warehouse.profile import Profile

OPTION = Option("storage", bool, True, help="read how many bytes each table occupies")
"""Of histories that are read from the warehouse they are about."""

Row = Sequence[Any]
"""Database, schema, table, bytes."""

SNOWFLAKE = """
SELECT table_catalog, table_schema, table_name, SUM(active_bytes + time_travel_bytes + failsafe_bytes)
FROM {schema}.table_storage_metrics
WHERE NOT deleted
GROUP BY table_catalog, table_schema, table_name
"""
BIGQUERY = """
SELECT project_id, table_schema, table_name, total_logical_bytes
FROM `{project}.region-{region}.INFORMATION_SCHEMA.TABLE_STORAGE`
"""
REDSHIFT = 'SELECT "database", "schema", "table", CAST(size AS BIGINT) * 1048576 FROM svv_table_info'

_POSTGRES_VERSION = "SELECT CAST(current_setting('server_version_num') AS integer)"
_POSTGRES = """
SELECT current_database(), n.nspname, r.relname, sum(pg_total_relation_size(c.oid))
FROM pg_class AS c
  JOIN pg_class AS r ON r.oid = {root}
  JOIN pg_namespace AS n ON n.oid = r.relnamespace
WHERE c.relkind IN ('r', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
GROUP BY n.nspname, r.relname
"""
_ROOT = "COALESCE(pg_partition_root(c.oid), c.oid)"
_PARTITIONS = 120_000
"""Version that can tell the root of a partition; before it each partition is a table by itself."""

_DUCKDB_BLOCK = "SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()"
_DUCKDB_TABLES = """
SELECT database_name, schema_name, table_name FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal AND NOT temporary
ORDER BY ALL
"""
# The least and largest value of each segment are in there as well: they are not asked for.
_DUCKDB_BLOCKS = """
SELECT count(DISTINCT block) FROM (
  SELECT unnest(list_append(additional_block_ids, block_id)) AS block FROM pragma_storage_info('{table}')
  WHERE persistent
) WHERE block >= 0
"""


def stored(
    connection: Connection,
    ask: Callable[[Connection], Iterable[Row]],
    *,
    name: str,
    now: datetime,
    needs: str = "",
) -> Iterator[Observation | Gap]:
    """One Observation per relation, sorted; or one Gap, where the warehouse refuses, with the right that is missing.

    `ask` gives the rows of one warehouse, `name` is the connector's. Rows of one relation are added up: a table that
    was dropped and made again may be listed twice.
    """
    try:
        found = list(ask(connection))
    except WarehouseError as error:
        yield unknown(name, views.nobody(connection.profile, error.message), needs)
        return
    sizes: dict[str, float] = defaultdict(float)
    for *parts, size in found:
        amount = -1.0 if size is None else float(size)
        if isfinite(amount) and amount >= 0 and all(parts):
            sizes[".".join(str(part).strip() for part in parts)] += amount
    day, origin = now.astimezone(UTC).date(), Origin(connector=name)
    for relation, amount in sorted(sizes.items()):
        yield Observation(day=day, measure=STORAGE, amount=amount, relation=relation, unit="bytes", origin=origin)


def unknown(name: str, why: str, hint: str = "") -> Gap:
    """The Gap of a source that cannot tell what is stored."""
    message = f"what tables occupy cannot be read: {why}"
    return Gap(topic="cost", message=message, hint=hint, origin=Origin(connector=name))


def stored_beside(
    profile: Profile, ask: Callable[[Connection], Iterable[Row]], *, name: str, now: datetime
) -> Iterator[Observation | Gap]:
    """The same for a history that is in files: the warehouse is opened for this alone, and may be out of reach."""
    try:
        with views.opened(profile) as connection:
            yield from stored(connection, ask, name=name, now=now)
    except WarehouseError as error:
        yield unknown(name, error.message, error.hint)


def asking(sql: str) -> Callable[[Connection], Iterable[Row]]:
    """Asks one statement."""
    return lambda connection: connection.rows(sql, views.SECONDS)


def snowflake_sql(schema: Sequence[str]) -> str:
    """The statement for copies of the view in `schema`, its parts outermost first."""
    return SNOWFLAKE.format(schema=".".join('"' + part.replace('"', '""') + '"' for part in schema))


def postgres_rows(connection: Connection) -> Iterable[Row]:
    """Tables and materialised views of the profile's database."""
    version = int(connection.rows(_POSTGRES_VERSION)[0][0])
    return connection.rows(postgres_sql(version), views.SECONDS)


def postgres_sql(version: int) -> str:
    """The statement for a server of this `server_version_num`."""
    return _POSTGRES.format(root=_ROOT if version >= _PARTITIONS else "c.oid")


def duckdb_rows(connection: Connection) -> Iterator[Row]:
    """Tables of the profile's file, as it was written last: what is in the WAL alone is in no block yet."""
    size = int(connection.rows(_DUCKDB_BLOCK)[0][0] or 0)
    for table in connection.rows(_DUCKDB_TABLES):
        quoted = ".".join('"' + str(part).replace('"', '""') + '"' for part in table)
        [(blocks,)] = connection.rows(_DUCKDB_BLOCKS.format(table=quoted.replace("'", "''")))
        yield (*table, blocks * size)
