"""What a database of Superset is called where its tables are: SQL dialect, default catalog and schema, quoting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, unquote

_DIALECTS = {
    "awsathena": "athena",
    "clickhousedb": "clickhouse",
    "mariadb": "mysql",
    "mssql": "tsql",
    "postgresql": "postgres",
    "cockroachdb": "postgres",
    "motherduck": "duckdb",
    "impala": "hive",
    "pydoris": "doris",
    "snowflake-sqlalchemy": "snowflake",
}
_KNOWN = frozenset(
    {"athena", "bigquery", "clickhouse", "databricks", "doris", "drill", "druid", "duckdb", "exasol", "hive", "mysql"}
    | {"oracle", "postgres", "presto", "redshift", "risingwave", "snowflake", "spark", "sqlite", "starrocks"}
    | {"teradata", "trino", "tsql"}
)
_CATALOG_ONLY = {"postgres": "public", "redshift": "public", "duckdb": "main", "tsql": "dbo", "risingwave": "public"}
"""Where a URL names a catalog alone, the schema that is used when nobody says one."""
_SCHEMA_ONLY = frozenset({"mysql", "clickhouse", "hive", "spark", "doris"})
"""Where a URL names a schema, because there are no catalogs above it."""
_BACKTICKS = frozenset({"mysql", "starrocks", "doris", "bigquery", "databricks", "spark", "hive", "clickhouse"})
_URI = re.compile(r"(?P<scheme>[A-Za-z][\w.+-]*)://(?P<place>[^/?#]*)(?P<path>[^?#]*)\??(?P<query>[^#]*)")
_MOST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A connection that Superset has."""

    key: str
    name: str = ""
    dialect: str = ""
    """sqlglot's name; '' where it has none."""
    catalog: str = ""
    schema: str = ""
    """What holds tables whose dataset names no catalog, no schema."""

    @staticmethod
    def of(key: str, name: str, uri: str = "", backend: str = "") -> Database:
        """From a SQLAlchemy URL, of which nothing but dialect, catalog and schema is kept, or the backend's name."""
        match = _URI.match(uri[:_MOST])
        scheme = (match["scheme"] if match else backend).partition("+")[0].lower()
        dialect = _DIALECTS.get(scheme, scheme)
        dialect = dialect if dialect in _KNOWN else ""
        catalog, schema = _defaults(match, dialect) if match else ("", _CATALOG_ONLY.get(dialect, ""))
        return Database(key=key, name=name, dialect=dialect, catalog=catalog, schema=schema)


def _defaults(match: re.Match[str], dialect: str) -> tuple[str, str]:
    """Catalog and schema of a SQLAlchemy URL, as its dialect's driver understands it."""
    path = unquote(match["path"]).strip("/")
    query = dict(parse_qsl(match["query"]))
    own = {
        "bigquery": (match["place"].rpartition("@")[2], path.partition("/")[0]),  # bigquery://project/dataset
        "duckdb": ("memory" if path in {"", ":memory:"} else PurePosixPath(path.removeprefix("md:")).stem, "main"),
        "sqlite": ("", "main"),
        "athena": (query.get("catalog_name", ""), path),
        "databricks": (query.get("catalog", ""), query.get("schema", "") or path),
        **dict.fromkeys(_SCHEMA_ONLY, ("", path)),
    }
    if dialect in own:
        return own[dialect]
    catalog, _, schema = path.replace("/", ".", 1).partition(".")
    return catalog, schema or (_CATALOG_ONLY.get(dialect, "") if catalog else "")


def quoted(column: str, dialect: str) -> str:
    """A column as an expression: as it is where that means it, else in the dialect's quotes."""
    if re.fullmatch(r"\w+", column):
        return column
    mark = "`" if dialect in _BACKTICKS else '"'
    return mark + column.replace(mark, mark * 2) + mark


def table(catalog: str, schema: str, name: str, database: Database) -> str:
    """`catalog.schema.name` as written, with the database's defaults for what is not.

    A name that has its schema in itself (`sales.orders`, as one may type it) is taken as it is.
    """
    if not schema and "." in name:
        return ".".join(filter(None, (catalog, name)))
    return ".".join(filter(None, (catalog or database.catalog, schema or database.schema, name)))
