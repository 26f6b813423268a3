"""Names of tables, and custom SQL, as Tableau writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headway.connectors.fields import text

_FILES = re.compile(
    r"textscan|textclean|excel.*|csv|hyper|dataengine|tde|google-?sheets|json.*|pdf.*|ogrdirect|semistructpassivestore.*"
    r"|msaccess|stat-direct|cloudfile:.*|webdata-direct.*|salesforce.*|sqlproxy",
    re.IGNORECASE,
)
"""Connections to files and services: what they call tables are none of a warehouse."""

_TWO_LEVELS = frozenset(
    ("athena", "awshadoophive", "clickhouse", "hadoophive", "hive", "hortonworkshadoophive", "mysql", "mysql_odbc")
)
"""Connections that know databases and no schemas: what Tableau calls the database stands where a schema would."""

_DIALECTS = {
    "athena": "athena",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "googlebigquery": "bigquery",
    "hadoophive": "hive",
    "hive": "hive",
    "mysql": "mysql",
    "oracle": "oracle",
    "postgres": "postgres",
    "presto": "presto",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "spark": "spark",
    "sqlserver": "tsql",
    "azure_sql_dw": "tsql",
    "azure_sqldb": "tsql",
    "teradata": "teradata",
    "trino": "trino",
    "vertica": "postgres",
}
_PARAMETER = re.compile(r"<\s*\[[^\]<>]*\](?:\s*\.\s*\[[^\]<>]*\])*\s*>")
_PART = re.compile(r'\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|`([^`]*)`|([^.\[\]"`]+)')


def relation(table: Mapping[str, Any]) -> str:
    """`catalog.schema.table` of a table, or fewer parts where Tableau does not say them; '' for what is no table.

    The full name goes before the schema beside it, which Tableau fills in from elsewhere at times.
    """
    kind = connection(table)
    if _FILES.fullmatch(kind):
        return ""
    parts = [part for part in _parts(text(table, "fullName")) if part] or [text(table, "name").strip()]
    parts = parts[-3:]
    if not parts[-1]:
        return ""
    database, schema = text(table, "database", "name").strip(), text(table, "schema").strip()
    if len(parts) == 1 and schema:
        parts = [schema, *parts]
    if database and len(parts) == (1 if kind in _TWO_LEVELS else 2):
        parts = [database, *parts]
    return ".".join(parts)


def _parts(name: str) -> list[str]:
    """The parts of `[schema].[table]`, or of the same in other quotes or none."""
    found: list[str] = []
    for bracketed, quoted, ticked, bare in _PART.findall(name):
        part = bracketed.replace("]]", "]") or quoted.replace('""', '"') or ticked or bare.strip()
        found += part.split(".") if ticked else [part]
    return found


def connection(of: Mapping[str, Any]) -> str:
    """What a table or custom SQL is connected to, such as `postgres`; '' when Tableau does not say."""
    kind = text(of, "connectionType") or text(of, "database", "connectionType")
    return kind.strip().casefold().removesuffix("_jdbc")


def dialect(kind: str) -> str:
    """sqlglot's name of the SQL that a connection speaks; '' for one that it does not know."""
    return _DIALECTS.get(kind, "")


def plain_sql(query: str) -> str:
    """Custom SQL without Tableau's own writing: parameters are taken out, doubled angle brackets are single again."""
    return _PARAMETER.sub(" NULL ", query).replace("<<", "<").replace(">>", ">")
