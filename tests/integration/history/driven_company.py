"""What a small company does on its warehouse in a day: people, BI tools, dbt, mistakes. Everything is written down."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logging_server import LoggingServer

SECRET = "planted-secret-4711"
"""Stands in literals, parameters and comments; must never come out."""

SETUP = """
SET log_min_duration_statement = -1;
CREATE ROLE analyst_a LOGIN; CREATE ROLE analyst_b LOGIN; CREATE ROLE bi_service LOGIN; CREATE ROLE etl_svc LOGIN;
GRANT CREATE ON DATABASE wh TO etl_svc;
CREATE SCHEMA raw; CREATE SCHEMA marts AUTHORIZATION etl_svc;
CREATE TABLE raw.orders AS SELECT n AS order_id, n % 7 AS customer_id, n * 1.5 AS amount FROM generate_series(1, 500) n;
CREATE TABLE raw.customers AS SELECT n AS customer_id, 'segment ' || n % 3 AS segment FROM generate_series(0, 6) n;
CREATE TABLE raw.regions AS SELECT 1 AS region_id;
GRANT USAGE ON SCHEMA raw, marts TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA raw TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE etl_svc GRANT SELECT ON TABLES TO PUBLIC;
GRANT pg_read_all_stats TO etl_svc;
CREATE EXTENSION pg_stat_statements;
"""
VIEWS = """
SET log_min_duration_statement = -1;
SET ROLE etl_svc;
CREATE VIEW marts.stg_orders AS SELECT order_id, customer_id, amount FROM raw.orders;
CREATE TABLE marts.fct_orders AS
SELECT order_id, segment, amount FROM marts.stg_orders JOIN raw.customers USING (customer_id);
"""
"""What dbt would build."""
MODELS = {
    "stg_orders": ("view", "select order_id, customer_id, amount from {{ source('raw', 'orders') }}"),
    "fct_orders": (
        "table",
        """select o.order_id, c.segment, o.amount from {{ ref('stg_orders') }} as o
        join {{ source('raw', 'customers') }} as c using (customer_id)""",
    ),
}
SCHEMA = """
version: 2
sources:
  - name: raw
    tables: [{name: orders}, {name: customers}]
models:
  - name: fct_orders
    columns: [{name: order_id, data_tests: [not_null]}]
"""


def dbt_project(folder: Path, server: LoggingServer) -> Path:
    """Two models and a test, and the profile of etl_svc."""
    (folder / "models").mkdir(parents=True)
    for name, (kind, sql) in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(f"{{{{ config(materialized='{kind}') }}}}\n{sql}\n")
    (folder / "models" / "schema.yml").write_text(SCHEMA)
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n")
    (folder / "profiles.yml").write_text(
        "shop:\n  target: prod\n  outputs:\n    prod: {type: postgres, host: 127.0.0.1, "
        f"port: {server.port}, user: etl_svc, password: x, dbname: wh, schema: marts, threads: 1}}\n"
    )
    return folder


def dbt(folder: Path, *command: str) -> None:
    """Run the real dbt."""
    environment = {**os.environ, "DBT_PROFILES_DIR": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(
        [os.environ["HEADWAY_DBT"], "--quiet", *command], cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Did:
    """One statement that somebody ran, and what must come of it."""

    mark: int
    """A number that stands in its text and nowhere else in the log."""
    person: str
    """Who it was, as the log tells it: a login, a tool's name of its user, or `tool:id`."""
    reads: frozenset[str]
    """Relations that it names; none for what does not count."""
    tool: str = ""

    def milliseconds(self, ran: list[tuple[float, str]]) -> float:
        """What the log says it took: all statements with its mark, but for those that make ready and end it."""
        return sum(ms for ms, text in ran if str(self.mark) in text and not text.startswith(("PREPARE", "CLOSE")))


@dataclass
class Company:
    """Runs statements and writes down what must come of them."""

    server: LoggingServer
    did: list[Did] = field(default_factory=list)
    marked: int = 70_000

    def mark(self) -> int:
        self.marked += 1
        return self.marked

    def note(self, mark: int, person: str, *reads: str, tool: str = "") -> None:
        self.did.append(Did(mark, person, frozenset(f"wh.{r}" for r in reads), tool))

    def runs(
        self, user: str, sql: str, person: str = "", *reads: str, tool: str = "", app: str = "", **how: Any
    ) -> None:
        """Run a statement in which `@` stands for its mark, in a session of its own. No reads: it must not count."""
        import psycopg

        mark = self.mark()
        with psycopg.connect(self.server.url(user), autocommit=True, application_name=app or "psql") as connection:
            for before in how.pop("before", ()):
                connection.execute(before)
            try:
                connection.execute(sql.replace("@", str(mark)), **how)
            except psycopg.Error:
                assert not reads, "this should have worked"
            else:
                assert reads or person == "", "this should have failed"
        if reads:
            self.note(mark, person, *reads, tool=tool)

    def works(self) -> None:
        """A day's work."""
        fct, stg, orders, customers = "marts.fct_orders", "marts.stg_orders", "raw.orders", "raw.customers"
        a, b, bi = "analyst_a", "analyst_b", "bi_service"
        where = f"WHERE order_id <> @ AND '{SECRET}' <> ''"
        for _ in range(3):
            self.runs(a, f"SELECT sum(amount) FROM marts.fct_orders {where}", a, fct)
        self.runs(b, f'SELECT "segment", count(*) FROM "marts"."fct_orders" {where} GROUP BY 1', b, fct)
        self.runs(b, f"SELECT * FROM Fct_Orders {where}", b, fct, before=["SET search_path TO marts, public"])
        # a view is read by its name, not by what it stands on
        self.runs(a, f"SELECT count(*) FROM marts.stg_orders {where}", a, stg)
        # names of a WITH are not tables, and shadow them
        cte = "WITH orders AS (SELECT * FROM marts.stg_orders), big AS (SELECT * FROM orders WHERE amount > 5)"
        self.runs(b, f"{cte} SELECT * FROM big JOIN raw.customers USING (customer_id) {where}", b, stg, customers)
        self.runs(
            a, f"SELECT (SELECT max(amount) FROM raw.orders) - amount FROM marts.fct_orders {where}", a, fct, orders
        )
        self._prepared(a, b, where)
        self._tools(bi, where)
        # nothing of this counts
        self.runs(a, "SELECT nothing_here FROM marts.fct_orders WHERE order_id <> @", a)
        self.runs(b, "SELECT 1 / (order_id - order_id) FROM marts.fct_orders WHERE order_id <> @", b)
        self.runs(a, "SELECT * FROM marts.not_there WHERE order_id <> @", a)
        self.runs(a, "SELECT @, 'marts.fct_orders' AS name")
        self.runs(a, "SELECT relname FROM pg_catalog.pg_class WHERE relname <> '@'")
        self.runs(a, "SET statement_timeout = @")

    def _prepared(self, a: str, b: str, where: str) -> None:
        import psycopg

        fct, orders = "marts.fct_orders", "raw.orders"
        self.runs(a, f"SELECT amount FROM raw.orders {where} AND amount > %s", a, orders, params=(5,), prepare=True)
        self.runs(b, f"SELECT amount FROM raw.orders {where} AND %s <> ''", b, orders, params=(SECRET,))
        mark = self.mark()
        with psycopg.connect(self.server.url(a), autocommit=True) as connection:
            connection.execute(f"PREPARE p_{mark} (int) AS SELECT * FROM marts.fct_orders WHERE order_id > $1".encode())
            for _ in range(2):
                connection.execute(f"EXECUTE p_{mark} (3)".encode())
                self.note(mark, a, fct)
        mark = self.mark()
        with psycopg.connect(self.server.url(b)) as connection:  # in a transaction, which is rolled back
            with connection.cursor(name=f"c_{mark}") as cursor:
                cursor.execute("SELECT * FROM raw.orders ORDER BY amount")
                assert len(cursor.fetchmany(100)) == 100
                assert len(cursor.fetchmany(100)) == 100
            connection.rollback()
        self.note(mark, b, orders)

    def _tools(self, bi: str, where: str) -> None:
        fct = "marts.fct_orders"
        select = f"SELECT segment, sum(amount) FROM marts.fct_orders {where} GROUP BY 1"
        for user in (1, 2, 2):
            tag = f"-- Metabase:: userID: {user} queryType: MBQL queryHash: {user:064x}"
            self.runs(bi, f"{tag}\n{select}", f"metabase:{user}", fct, tool="metabase", app="Metabase v0.57 [x]")
        superset = '{"app": "superset", "user": "viewer1", "dashboard_id": 3, "chart_id": 9}'
        self.runs(bi, f"{select}\n-- {superset}", "viewer1", fct, tool="superset")
        self.runs(bi, f"{select} /* {superset.replace('viewer1', 'viewer2')} */", "viewer2", fct, tool="superset")

    def looks(self) -> None:
        """Somebody opens a Look, whose tag Looker writes before the statement or after it."""
        tag = """-- Looker Query Context '{"user_id":7,"history_slug":"%s","instance_slug":"c3d4"}'"""
        select = "SELECT count(*) FROM raw.regions WHERE region_id <> @"
        self.runs("bi_service", f"{tag % 'a1b2'}\n{select}", "looker:7", "raw.regions", tool="looker")
        self.runs("bi_service", f"{select}\n{tag % 'e5f6'}", "looker:7", "raw.regions", tool="looker")
