"""Load lumaloop/raw/*.csv into schema `raw` of DuckDB or PostgreSQL.

    python examples/load.py [--target duckdb|postgres]

Reads the same LUMALOOP_* environment variables as the dbt project's profiles.yml. The tables are
dropped and written again; on PostgreSQL the staging views on them go too, until the next dbt build.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tables import RAW_SCHEMA, TABLES, create_statement

PROJECT = Path(__file__).resolve().parent / "lumaloop"


def main() -> None:
    """Read the options and load every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", choices=LOADERS, default="duckdb")
    LOADERS[parser.parse_args().target]()


def raw_file(table: str) -> Path:
    """The CSV file of one table."""
    path = PROJECT / "raw" / f"{table}.csv"
    if not path.exists():
        raise SystemExit(f"{path} is missing: run examples/generate.py first")
    return path


def load_duckdb() -> None:
    """Load into the DuckDB file named by LUMALOOP_DB, relative to the dbt project."""
    import duckdb

    path = PROJECT / os.environ.get("LUMALOOP_DB", "lumaloop.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema if not exists {RAW_SCHEMA}")
        for table in TABLES:
            connection.execute(f"drop table if exists {RAW_SCHEMA}.{table}")
            connection.execute(create_statement(table))
            connection.execute(f"copy {RAW_SCHEMA}.{table} from '{raw_file(table)}' (format csv, header true)")


def load_postgres() -> None:
    """Load into the PostgreSQL database named by the LUMALOOP_PG_* variables."""
    import psycopg

    with psycopg.connect(**postgres_settings()) as connection, connection.cursor() as cursor:
        cursor.execute(f"create schema if not exists {RAW_SCHEMA}")
        for table in TABLES:
            cursor.execute(f"drop table if exists {RAW_SCHEMA}.{table} cascade")
            cursor.execute(create_statement(table))
            with cursor.copy(f"copy {RAW_SCHEMA}.{table} from stdin (format csv, header true)") as copy:
                copy.write(raw_file(table).read_bytes())
        cursor.execute("analyze")


def postgres_settings() -> dict[str, str]:
    """Connection settings, with the defaults of profiles.yml."""
    defaults = {"host": "127.0.0.1", "port": "5432", "user": "postgres", "password": "", "db": "lumaloop"}
    values = {key: os.environ.get(f"LUMALOOP_PG_{key.upper()}", value) for key, value in defaults.items()}
    return {**{key: values[key] for key in ("host", "port", "user", "password")}, "dbname": values["db"]}


LOADERS = {"duckdb": load_duckdb, "postgres": load_postgres}


if __name__ == "__main__":
    main()
