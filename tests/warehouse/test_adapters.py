"""dbt's settings as the arguments of each driver, and nothing that would write."""

from __future__ import annotations

import pytest

from headway.errors import ConfigError
from headway.warehouse.adapters import (
    ADAPTERS,
    databricks_arguments,
    duckdb_arguments,
    postgres_arguments,
    snowflake_arguments,
    supported,
    trino_arguments,
)
from headway.warehouse.metricflow import DIALECTS
from headway.warehouse.profile import Profile


def test_every_adapter_has_a_dialect_that_is_known() -> None:
    from sqlglot.dialects.dialect import Dialect

    assert set(ADAPTERS) <= set(DIALECTS)
    assert list(supported()) == sorted(ADAPTERS)
    for adapter in ADAPTERS.values():
        assert Dialect.get_or_raise(adapter.dialect)


def test_duckdb_is_opened_read_only_with_its_settings() -> None:
    arguments = duckdb_arguments(
        {"path": "/x.duckdb", "extensions": ["json", {"name": "icu", "repo": "core"}], "settings": {"threads": 2}}
    )
    assert arguments == {"database": "/x.duckdb", "read_only": True, "extensions": ["json", "icu"], "threads": 2}


def test_motherduck_gets_its_token() -> None:
    arguments = duckdb_arguments({"path": "md:shop", "motherduck_token": "t"})
    assert arguments["motherduck_token"] == "t"
    assert arguments["read_only"] is False, "MotherDuck has no such mode"


def test_postgres() -> None:
    settings = {"host": "h", "port": 5433, "user": "u", "pass": "p", "sslmode": "require", "search_path": "a, b"}
    arguments = postgres_arguments(Profile("postgres", "t", "shop", "main", settings))
    assert arguments["password"] == "p"
    assert arguments["database"] == "shop"
    assert arguments["options"] == "-c search_path=a,\\ b"
    assert arguments["sslmode"] == "require"
    assert arguments["application_name"] == "headway"
    assert "client_encoding" not in arguments


def test_redshift_speaks_postgres_with_its_own_port() -> None:
    arguments = postgres_arguments(Profile("redshift", "t", "shop", "main", {"host": "h", "user": "u"}))
    assert (arguments["port"], arguments["client_encoding"]) == (5439, "utf-8")


def test_snowflake_creates_nothing_on_connecting() -> None:
    settings = {"account": "a", "user": "u", "private_key_path": "/k.p8", "warehouse": "w", "role": ""}
    arguments = snowflake_arguments(Profile("snowflake", "t", "SHOP", "MAIN", settings))
    assert arguments["create_object_udfs"] is False
    assert arguments["private_key_file"] == "/k.p8"
    assert (arguments["database"], arguments["schema"], arguments["warehouse"]) == ("SHOP", "MAIN", "w")
    assert "role" not in arguments


def test_databricks() -> None:
    settings = {"host": "h", "http_path": "/sql/1", "token": "t", "catalog": "main"}
    arguments = databricks_arguments(Profile("databricks", "t", "main", "shop", settings))
    assert arguments["server_hostname"] == "h"
    assert arguments["access_token"] == "t"
    assert arguments["session_configuration"] == {"timezone": "UTC"}


@pytest.mark.parametrize(("method", "host"), [("none", "h"), ("ldap", "https://h")])
def test_trino(method: str, host: str) -> None:
    settings = {"host": "h", "method": method, "user": "u", "password": "p", "port": 443}
    arguments = trino_arguments(Profile("trino", "t", "hive", "shop", settings))
    assert (arguments["host"], arguments["database"], arguments["port"]) == (host, "hive", 443)
    assert arguments["auth"] == ("p" if method == "ldap" else None)


def test_trino_by_a_method_that_is_not_supported() -> None:
    with pytest.raises(ConfigError, match="kerberos"):
        trino_arguments(Profile("trino", "t", "hive", "shop", {"method": "kerberos"}))
