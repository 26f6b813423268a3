"""What each warehouse needs: how a dbt target becomes a connection, and how a statement gets a time limit.

One row of ADAPTERS per dbt adapter. Argument functions are plain data to plain data; drivers are imported by `open_it`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer
from typing import Any

from headway.errors import ConfigError
from headway.warehouse.profile import Profile

Rows = list[tuple[Any, ...]]
CONNECT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Adapter:
    """How one kind of warehouse is opened and asked."""

    dialect: str
    """sqlglot's name of its SQL."""
    extra: str
    driver: str
    """Module whose absence means that the extra is not installed."""
    open_it: Callable[[Profile], Any]
    """Opens a session that cannot write where the warehouse offers that; returns an Ibis backend."""
    ask: Callable[[Any, str, float], Rows]
    """Runs one statement on the backend within so many seconds."""


# --- DuckDB ----------------------------------------------------------------------------------------------------------


def duckdb_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """dbt-duckdb's settings as arguments of `ibis.duckdb.connect`."""
    config = {**(settings.get("config_options") or {}), **(settings.get("settings") or {})}
    extensions = [e["name"] if isinstance(e, dict) else str(e) for e in settings.get("extensions") or []]
    remote = str(settings["path"]).startswith(("md:", "motherduck:"))
    if remote and (token := settings.get("motherduck_token")):
        config["motherduck_token"] = token
    return {"database": settings["path"], "read_only": not remote, "extensions": extensions or None, **config}


def _open_duckdb(profile: Profile) -> Any:
    import ibis
    from sqlglot import exp

    backend = ibis.duckdb.connect(**duckdb_arguments(profile.settings))
    for attached in profile.settings.get("attach") or []:
        if not isinstance(attached, dict) or not attached.get("path"):
            raise ConfigError("each item of `attach:` in a DuckDB target needs a `path:`")
        alias = attached.get("alias")
        options = ["READ_ONLY"]
        if kind := attached.get("type"):
            options.append(f"TYPE {exp.to_identifier(str(kind), quoted=True).sql('duckdb')}")
        named = f" AS {exp.to_identifier(str(alias), quoted=True).sql('duckdb')}" if alias else ""
        path = exp.Literal.string(str(attached["path"])).sql("duckdb")
        backend.con.execute(f"ATTACH IF NOT EXISTS {path}{named} ({', '.join(options)})")
    return backend


def _ask_duckdb(backend: Any, sql: str, seconds: float) -> Rows:
    import duckdb

    timer = Timer(seconds, backend.con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        cursor = backend.con.execute(sql)
        if any("TIME ZONE" in str(column[1]) for column in cursor.description or ()):
            # DuckDB makes zoned times with pytz, which nothing here installs; Arrow makes them without
            reader = cursor.to_arrow_reader if hasattr(cursor, "to_arrow_reader") else cursor.fetch_record_batch
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it says that this copies the rows, which are few
                table = reader().read_all()
            return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        return list(cursor.fetchall())
    except duckdb.InterruptException as error:
        raise TimeoutError(f"stopped after {seconds:g} seconds") from error
    finally:
        timer.cancel()


# --- PostgreSQL and what speaks its protocol -------------------------------------------------------------------------


def postgres_arguments(profile: Profile) -> dict[str, Any]:
    """dbt-postgres's or dbt-redshift's settings as arguments of `ibis.postgres.connect`."""
    settings = profile.settings
    passed = {k: settings[k] for k in ("sslmode", "sslcert", "sslkey", "sslrootcert") if settings.get(k)}
    if settings.get("keepalives_idle"):
        passed["keepalives_idle"] = settings["keepalives_idle"]
    if settings.get("search_path"):
        passed["options"] = "-c search_path=" + str(settings["search_path"]).replace(" ", "\\ ")
    if profile.adapter == "redshift":
        passed["client_encoding"] = "utf-8"  # Redshift reports an encoding that psycopg does not know
    password = settings.get("password", settings.get("pass"))
    return {
        "host": settings.get("host"),
        "port": settings.get("port", 5439 if profile.adapter == "redshift" else 5432),
        "user": settings.get("user"),
        "password": str(password) if password not in {None, ""} else None,
        "database": profile.database,
        "connect_timeout": settings.get("connect_timeout") or CONNECT_SECONDS,
        "application_name": "headway",
        "prepare_threshold": None,  # prepared statements do not survive connection pools such as PgBouncer
        **passed,
    }


def _open_postgres(profile: Profile) -> Any:
    import ibis
    from psycopg import sql

    backend = ibis.postgres.connect(**postgres_arguments(profile))
    if profile.adapter == "postgres":
        backend.con.execute("SET default_transaction_read_only = on")
    if role := profile.settings.get("role"):
        backend.con.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(str(role))))
    return backend


def _ask_postgres(backend: Any, sql: str, seconds: float) -> Rows:
    with backend.con.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {int(seconds * 1000)}")
        cursor.execute(sql)  # no parameters, so a % in the statement stays a %
        return list(cursor.fetchall())


# --- Snowflake, BigQuery, Databricks, Trino --------------------------------------------------------------------------


def snowflake_arguments(profile: Profile) -> dict[str, Any]:
    """dbt-snowflake's settings as arguments of `ibis.snowflake.connect`."""
    settings = profile.settings
    names = {
        "account": "account", "user": "user", "password": "password", "role": "role", "warehouse": "warehouse",
        "authenticator": "authenticator", "token": "token", "private_key_path": "private_key_file",
        "private_key_passphrase": "private_key_file_pwd", "host": "host", "port": "port",
        "protocol": "protocol", "insecure_mode": "insecure_mode",
    }  # fmt: skip
    passed = {theirs: settings[ours] for ours, theirs in names.items() if settings.get(ours) not in {None, ""}}
    parameters = {"QUERY_TAG": json.dumps({"app": "headway"})}
    # Ibis would otherwise create helper functions in the database; Headway only reads
    return {
        "database": profile.database,
        "schema": profile.schema,
        "create_object_udfs": False,
        "session_parameters": parameters,
        **passed,
    }


def _open_snowflake(profile: Profile) -> Any:
    import ibis

    return ibis.snowflake.connect(**snowflake_arguments(profile))


def _ask_snowflake(backend: Any, sql: str, seconds: float) -> Rows:
    with backend.con.cursor() as cursor:
        cursor.execute(sql, timeout=max(1, int(seconds)))
        return list(cursor.fetchall())


def _open_bigquery(profile: Profile) -> Any:
    import ibis
    from google.oauth2 import service_account  # type: ignore[import-not-found, unused-ignore]

    settings = profile.settings
    method = settings.get("method", "oauth")
    credentials = None
    if method == "service-account":
        credentials = service_account.Credentials.from_service_account_file(settings.get("keyfile"))
    elif method == "service-account-json":
        credentials = service_account.Credentials.from_service_account_info(settings.get("keyfile_json"))
    elif method != "oauth":
        raise ConfigError(
            f"a BigQuery target with method {method!r} cannot be used here",
            hint="oauth, service-account or service-account-json",
        )
    return ibis.bigquery.connect(
        project_id=settings.get("execution_project") or profile.database,
        dataset_id=f"{profile.database}.{profile.schema}" if profile.schema else "",
        credentials=credentials,
        location=settings.get("location"),
    )


def _ask_bigquery(backend: Any, sql: str, seconds: float) -> Rows:
    from google.cloud import bigquery  # type: ignore[import-not-found, unused-ignore]

    job = bigquery.QueryJobConfig()
    job.job_timeout_ms = int(seconds * 1000)
    return [tuple(row.values()) for row in backend.raw_sql(sql, query_job_config=job)]


def databricks_arguments(profile: Profile) -> dict[str, Any]:
    """dbt-databricks's settings as arguments of `databricks.sql.connect`."""
    settings = profile.settings
    return {
        "server_hostname": settings.get("host"),
        "http_path": settings.get("http_path"),
        "access_token": settings.get("token"),
        "auth_type": settings.get("auth_type") if settings.get("auth_type") != "token" else None,
        "catalog": settings.get("catalog") or None,
        "schema": profile.schema or None,
        "session_configuration": {"timezone": "UTC"},
    }


@dataclass(frozen=True)
class _Session:
    """A driver's connection where Ibis would write on opening: it creates a volume on Databricks."""

    con: Any


def _open_databricks(profile: Profile) -> Any:
    from databricks import sql  # type: ignore[import-not-found, unused-ignore]

    arguments = {k: v for k, v in databricks_arguments(profile).items() if v is not None}
    return _Session(sql.connect(**arguments))


def _ask_databricks(backend: Any, sql: str, seconds: float) -> Rows:
    with backend.con.cursor() as cursor:
        cursor.execute(f"SET STATEMENT_TIMEOUT = {max(1, int(seconds))}")
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def trino_arguments(profile: Profile) -> dict[str, Any]:
    """dbt-trino's settings as arguments of `ibis.trino.connect`."""
    settings = profile.settings
    method = settings.get("method") or "none"
    if method not in {"none", "ldap"}:
        raise ConfigError(f"a Trino target with method {method!r} cannot be used here", hint="none or ldap")
    scheme = settings.get("http_scheme") or ("https" if method == "ldap" else "http")
    return {
        "user": settings.get("user"),
        "auth": settings.get("password") if method == "ldap" else None,
        "host": f"{scheme}://{settings.get('host')}" if method == "ldap" else settings.get("host"),
        "port": settings.get("port", 8080),
        "database": profile.database,
        "schema": profile.schema,
        "source": "headway",
        "http_scheme": scheme,
        "roles": settings.get("roles"),
    }


def _open_trino(profile: Profile) -> Any:
    import ibis

    return ibis.trino.connect(**{k: v for k, v in trino_arguments(profile).items() if v is not None})


@contextmanager
def _closing(cursor: Any) -> Iterator[Any]:
    try:
        yield cursor
    finally:
        cursor.close()


def _ask_trino(backend: Any, sql: str, seconds: float) -> Rows:
    with _closing(backend.con.cursor()) as cursor:
        cursor.execute(f"SET SESSION query_max_run_time = '{max(1, int(seconds))}s'")
        cursor.fetchall()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


ADAPTERS: Mapping[str, Adapter] = {
    "duckdb": Adapter("duckdb", "duckdb", "duckdb", _open_duckdb, _ask_duckdb),
    "postgres": Adapter("postgres", "postgres", "psycopg", _open_postgres, _ask_postgres),
    "redshift": Adapter("redshift", "postgres", "psycopg", _open_postgres, _ask_postgres),
    "snowflake": Adapter("snowflake", "snowflake", "snowflake", _open_snowflake, _ask_snowflake),
    "bigquery": Adapter("bigquery", "bigquery", "google", _open_bigquery, _ask_bigquery),
    "databricks": Adapter("databricks", "databricks", "databricks", _open_databricks, _ask_databricks),
    "trino": Adapter("trino", "trino", "trino", _open_trino, _ask_trino),
}


def supported() -> Sequence[str]:
    """The dbt adapters whose key results can be evaluated."""
    return sorted(ADAPTERS)
