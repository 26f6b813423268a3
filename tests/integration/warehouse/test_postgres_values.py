"""The same shop, the same oracle, on a real PostgreSQL server: every type of metric to the last digit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from headway.errors import WarehouseError
from headway.graph.model import Binding, Gap, Reading, Target
from headway.warehouse.connection import Connection, connect
from headway.warehouse.profile import load_profile
from headway.warehouse.values import evaluate

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).resolve().parents[2] / "warehouse" / "project"
ORACLES = sorted(p.stem for p in (PROJECT / "oracle").glob("*.sql"))
AS_OF = date(2026, 10, 6)
NOW = datetime(2026, 10, 6, tzinfo=UTC)


def target(**binding: Any) -> Target:
    return Target(
        key_result="goal:key_result.o.kr", objective="goal:objective.o", start=date(2026, 7, 1),
        due=date(2026, 12, 31), binding=Binding(**binding),
    )  # fmt: skip


@pytest.fixture
def database(postgres_database: Callable[[], str]) -> str:
    url = postgres_database()
    with psycopg.connect(url) as connection:
        connection.execute((PROJECT / "data.sql").read_text())
    return url


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[Connection]:
    """Opened through a dbt profile, as a user would."""
    url = urlsplit(database)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev:\n      type: postgres\n      host: \"{{ env_var('SHOP_HOST') }}\"\n"
        f"      port: {url.port}\n      user: {url.username}\n      password: ''\n"
        f"      dbname: {url.path[1:]}\n      schema: main\n"
    )
    profile = load_profile(tmp_path, environment={"SHOP_HOST": "127.0.0.1"}, working_directory=tmp_path, home=tmp_path)
    with connect(profile) as connection:
        yield connection


def ask(shop: Connection, *targets: Target, **more: Any) -> list[Reading | Gap]:
    return list(
        evaluate(targets, manifest_path=PROJECT / "manifest.json", connection=shop, as_of=AS_OF, now=NOW, **more)
    )


def test_every_type_of_metric_by_month(shop: Connection) -> None:
    for metric in ORACLES:
        oracle = shop.rows((PROJECT / "oracle" / f"{metric}.sql").read_text())
        found = [r for r in ask(shop, target(metric=metric, grain="month")) if isinstance(r, Reading)]
        assert {r.day: r.value for r in found} == {d: None if v is None else float(v) for d, v in oracle}, metric
        assert len(found) >= 2


def test_values_to_date_of_every_metric_are_those_of_duckdb(shop: Connection, tmp_path: Path) -> None:
    import duckdb

    from headway.warehouse.profile import Profile

    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as other:
        other.execute((PROJECT / "data.sql").read_text())
    bound = [target(metric=m) for m in ORACLES]
    with connect(Profile("duckdb", "dev", "shop", "main", {"path": str(path)})) as duck:
        theirs = ask(duck, *bound)
    ours = ask(shop, *bound)
    assert len(ours) == len(theirs)
    assert sum(isinstance(r, Reading) for r in ours) > 150
    for mine, other_one in zip(ours, theirs, strict=True):
        if isinstance(mine, Reading):
            assert isinstance(other_one, Reading)
            assert (mine.day, mine.grain) == (other_one.day, other_one.grain)
            same = None if other_one.value is None else pytest.approx(other_one.value, rel=1e-12)
            assert mine.value == same


def test_decimals_stay_exact(shop: Connection) -> None:
    reading = ask(shop, target(metric="revenue", grain="month"))[-1]
    assert isinstance(reading, Reading)
    oracle = shop.rows("SELECT SUM(amount) FROM main.orders WHERE ordered_at >= '2026-10-01'")[0][0]
    value = shop.rows(reading.proof)[-1][1]
    assert isinstance(value, Decimal)
    assert value == oracle


def test_values_are_plain_python(shop: Connection) -> None:
    row = shop.rows(
        "SELECT 1.10::numeric, 'NaN'::float8, 'NaN'::numeric, "
        "TIMESTAMPTZ '2026-01-02 03:04:05+02', DATE '2026-01-02', 7"
    )[0]
    assert row == (Decimal("1.10"), None, None, datetime(2026, 1, 2, 1, 4, 5), date(2026, 1, 2), 7)


def test_models_and_sql(shop: Connection) -> None:
    where = ("amount > 5", "customer_id % 2 = 0")
    by_month = ask(
        shop, target(model="orders", expression="sum(amount)", time="ordered_at", grain="month", where=where)
    )
    oracle = shop.rows(
        "SELECT DATE_TRUNC('month', ordered_at)::date, SUM(amount)::float8 FROM main.orders "
        "WHERE amount > 5 AND customer_id % 2 = 0 AND ordered_at < '2026-10-07' GROUP BY 1"
    )
    assert {r.day: r.value for r in by_month if isinstance(r, Reading)} == dict(oracle)
    (one,) = ask(shop, target(sql="select count(*) from main.orders where amount::text like '%5'"))
    assert isinstance(one, Reading)
    assert one.value == shop.rows("SELECT COUNT(*) FROM main.orders WHERE amount::text LIKE '%5'")[0][0]


def test_the_session_cannot_write(shop: Connection) -> None:
    with pytest.raises(WarehouseError, match="read-only transaction"):
        shop.rows("DELETE FROM main.orders")
    assert shop.rows("SELECT 1") == [(1,)]


def test_a_refused_query_does_not_spoil_the_next(shop: Connection) -> None:
    with pytest.raises(WarehouseError, match='postgres refused the query: column "nope" does not exist'):
        shop.rows("SELECT nope")
    assert shop.rows("SELECT 1") == [(1,)]


def test_a_statement_that_takes_too_long_is_stopped_by_the_server(shop: Connection) -> None:
    began = time.monotonic()
    (gap,) = ask(shop, target(sql="select pg_sleep(30)"), timeout_s=0.3)
    assert isinstance(gap, Gap)
    assert "statement timeout" in gap.message
    assert time.monotonic() - began < 10


def test_the_comment_reaches_the_server(shop: Connection) -> None:
    sql = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    assert shop.rows(sql, key_result="a*/b")[0][0] == f'{sql}\n/* headway: {{"key_result": "a\\u002a/b"}} */'


def test_a_wrong_password_is_not_told(postgres_url: str, tmp_path: Path) -> None:
    from headway.warehouse.profile import Profile

    url = urlsplit(postgres_url)
    settings = {"host": "127.0.0.1", "port": url.port, "user": "nobody", "password": "hush-hush"}
    with pytest.raises(WarehouseError, match=r'postgres cannot be reached: .*role "nobody" does not exist') as caught:
        connect(Profile("postgres", "dev", "postgres", "main", settings, frozenset({"hush-hush"})))
    assert "hush" not in str(caught.value)


def test_an_accumulating_metric_over_many_rows_is_bounded(database: str, shop: Connection) -> None:
    """Without a window PostgreSQL joins every row to every day since the first: minutes instead of seconds."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO main.orders SELECT 1000 + i, 1 + i % 60, TIMESTAMP '2020-01-01' + i * INTERVAL '30' MINUTE, 1 "
            "FROM generate_series(1, 100000) AS g(i)"
        )
    began = time.monotonic()
    by_month = ask(shop, target(metric="revenue_to_date", grain="month"))
    assert len(by_month) == 14
    found = ask(shop, target(metric="revenue_to_date"))
    assert len(found) == 12
    assert time.monotonic() - began < 30
    last = found[-1]
    assert isinstance(last, Reading)
    assert last.value == float(shop.rows("SELECT SUM(amount) FROM main.orders")[0][0])
