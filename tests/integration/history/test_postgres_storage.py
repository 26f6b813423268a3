"""What tables occupy in a real PostgreSQL: what the server itself says, partitions put to their root."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, Gap, Observation
from headway.warehouse.history import storage, views
from headway.warehouse.history.postgres import PostgresHistory
from headway.warehouse.profile import load_profile

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
SETUP = '''
CREATE SCHEMA marts;
CREATE TABLE marts.orders (id int PRIMARY KEY, note text);
INSERT INTO marts.orders SELECT n, string_agg(md5((n * m)::text), '') FROM generate_series(1, 300) n,
  generate_series(1, 100) m GROUP BY n;
CREATE TABLE marts.empty (id int);
CREATE VIEW marts.seen AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW marts.kept AS SELECT * FROM marts.orders;
CREATE TABLE marts."Odd ""name""" AS SELECT 1 AS one;
CREATE TABLE marts.days (day date, amount int) PARTITION BY RANGE (day);
CREATE TABLE marts.days_old PARTITION OF marts.days FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')
  PARTITION BY RANGE (day);
CREATE TABLE marts.days_old_1 PARTITION OF marts.days_old FOR VALUES FROM ('2026-01-01') TO ('2026-04-01');
CREATE TABLE marts.days_new PARTITION OF marts.days FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
INSERT INTO marts.days SELECT date '2026-01-01' + n % 60, n FROM generate_series(1, 5000) n;
INSERT INTO marts.days SELECT date '2026-08-01' + n % 60, n FROM generate_series(1, 9000) n;
'''


@pytest.fixture
def shop(tmp_path: Path, postgres_database: Callable[[], str]) -> tuple[Path, str]:
    """A project whose profile names a database with tables of every sort, and the database's URL."""
    import psycopg

    url = postgres_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SETUP.encode())
    at = urlsplit(url)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(
        f"shop: {{target: dev, outputs: {{dev: {{type: postgres, host: {at.hostname}, port: {at.port}, "
        f"user: {at.username}, password: '', dbname: {at.path[1:]}, schema: marts}}}}}}\n"
    )
    (tmp_path / "pg.json").write_text("")
    return tmp_path, url


def run(root: Path, **options: Any) -> list[AnyRecord]:
    context = Context(str(root), NOW, {"HEADWAY_PEOPLE_KEY": "a key of the tests, long enough"})
    return list(PostgresHistory({"logs": "pg.json", **options}, context).records())


def occupied(url: str, *tables: str) -> int:
    import psycopg

    with psycopg.connect(url) as connection:
        rows = [connection.execute("SELECT pg_total_relation_size(%s::regclass)", [t]).fetchone() for t in tables]
    return sum(row[0] for row in rows if row)


def test_every_table_is_told_with_what_the_server_says_it_occupies(shop: tuple[Path, str]) -> None:
    root, url = shop
    database = urlsplit(url).path[1:]
    found = {
        one.relation.removeprefix(f"{database}."): one.amount
        for one in run(root, storage=True)
        if isinstance(one, Observation)
    }
    assert found == {
        "marts.orders": occupied(url, "marts.orders"),
        "marts.kept": occupied(url, "marts.kept"),
        "marts.empty": 0,
        'marts.Odd "name"': occupied(url, 'marts."Odd ""name"""'),
        "marts.days": occupied(url, "marts.days_old_1", "marts.days_new"),
    }
    assert found["marts.orders"] > 300 * 3200, "what is in TOAST counts"
    assert found["marts.days"] > 14_000 * 8


def test_a_server_without_roots_of_partitions_tells_each_partition(shop: tuple[Path, str]) -> None:
    root, _ = shop
    with views.opened(load_profile(root, environment={})) as connection:
        rows = connection.rows(storage.postgres_sql(110_000))
    assert {row[2] for row in rows} == {"orders", "kept", "empty", 'Odd "name"', "days_old_1", "days_new"}


def test_a_server_that_is_away_leaves_what_the_log_says(shop: tuple[Path, str]) -> None:
    root, url = shop
    profile = root / "profiles.yml"
    profile.write_text(profile.read_text().replace(f"port: {urlsplit(url).port}", "port: 1"))
    without = run(root)
    *rest, gap = run(root, storage=True)
    assert rest == without
    assert isinstance(gap, Gap)
    assert gap.message.startswith("what tables occupy cannot be read: ")
    assert "cannot be reached" in gap.message
