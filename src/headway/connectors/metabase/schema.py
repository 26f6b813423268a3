"""What Metabase knows of the databases behind it: what tables and fields are called whose numbers queries name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.fields import each, text

DIALECTS: Mapping[str, str] = {
    "athena": "athena",
    "bigquery-cloud-sdk": "bigquery",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "druid": "druid",
    "duckdb": "duckdb",
    "mysql": "mysql",
    "oracle": "oracle",
    "postgres": "postgres",
    "presto-jdbc": "presto",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "sparksql": "spark",
    "sqlite": "sqlite",
    "sqlserver": "tsql",
    "starburst": "trino",
    "vertica": "postgres",
}
"""Metabase's engine -> sqlglot's dialect."""

_CATALOG = ("dbname", "db", "catalog", "project-id")
_NAMED_BY_SCHEMA = frozenset({"mysql", "clickhouse", "sparksql"})
"""Engines whose database is what others call a schema."""


@dataclass(frozen=True, slots=True)
class Database:
    """One connected database."""

    dialect: str = ""
    default: tuple[str, str] = ("", "")
    """Catalog and schema of names in SQL that do not say theirs."""


@dataclass(slots=True)
class Schema:
    """Databases, tables and fields by Metabase's numbers of them."""

    databases: dict[int, Database] = field(default_factory=dict)
    tables: dict[int, str] = field(default_factory=dict)
    """`catalog.schema.table`, or fewer parts."""
    columns: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Columns of each table, in order, those left out that are hidden everywhere."""
    fields: dict[int, str] = field(default_factory=dict)
    """Number of a field -> its column."""

    def add(self, metadata: Mapping[str, Any]) -> None:
        """Take in the answer to `api/database/<id>/metadata`; what is not as it should be is left out."""
        number, engine = metadata.get("id"), text(metadata, "engine")
        if not isinstance(number, int):
            return
        details = metadata.get("details")
        named = next((name for key in _CATALOG if (name := text(details, key))), "")
        default = ("", named) if engine in _NAMED_BY_SCHEMA else (named, text(details, "schema"))
        self.databases[number] = Database(DIALECTS.get(engine, ""), default)
        for table in each(metadata, "tables"):
            self._table(table, default)

    def _table(self, table: Mapping[str, Any], default: tuple[str, str]) -> None:
        number, name = table.get("id"), text(table, "name")
        if not isinstance(number, int) or not name:
            return
        parts = (default[0], text(table, "schema") or default[1], name)
        self.tables[number] = ".".join(part for part in parts if part)
        columns = [(column.get("id"), text(column, "name")) for column in each(table, "fields")]
        self.fields.update((at, called) for at, called in columns if isinstance(at, int) and called)
        self.columns[number] = tuple(called for _, called in columns if called)

    def column(self, of: Any) -> str:
        """The column that a field's number, or name, means; '' when nobody knows."""
        if isinstance(of, str):
            return of
        return self.fields.get(of, "") if isinstance(of, int) and not isinstance(of, bool) else ""

    def of_tables(self, tables: Sequence[int]) -> frozenset[str]:
        """The columns of tables, all of which are known; empty when one is not."""
        known = [self.columns.get(table, ()) for table in tables]
        return frozenset(name for names in known for name in names) if all(known) else frozenset()
