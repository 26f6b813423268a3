"""An open warehouse: values at the border, time limits, comments, and errors that help and do not tell secrets."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ConfigError, MissingExtra, WarehouseError
from headway.warehouse.connection import Connection, comment, connect, normal
from headway.warehouse.profile import Profile


def duck(path: Path, **settings: object) -> Profile:
    return Profile("duckdb", "dev", "", "", {"path": str(path), **settings})


def test_values_are_plain_python(shop: Connection) -> None:
    row = shop.rows(
        "SELECT CAST(1.10 AS DECIMAL(10, 2)), 7, 0.5e0, CAST('nan' AS DOUBLE), NULL, DATE '2026-01-02', "
        "TIMESTAMP '2026-01-02 03:04:05', TIMESTAMPTZ '2026-01-02 03:04:05+02', 'text', true"
    )[0]
    assert row == (
        Decimal("1.10"), 7, 0.5, None, None, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5),
        datetime(2026, 1, 2, 1, 4, 5), "text", True,
    )  # fmt: skip
    assert isinstance(row[0], Decimal)
    assert row[7].tzinfo is None


def test_zoned_times_become_naive_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert normal(datetime(2026, 1, 1, 2, 0, tzinfo=east)) == datetime(2025, 12, 31, 20, 30)
    assert normal(datetime(2026, 1, 1, tzinfo=UTC)).tzinfo is None


def test_numbers_that_are_not_numbers_become_none() -> None:
    assert normal(Decimal("NaN")) is None
    assert normal(float("nan")) is None


def test_numpy_values_are_unpacked() -> None:
    numpy = pytest.importorskip("numpy")
    assert normal(numpy.float64("nan")) is None
    assert type(normal(numpy.int64(3))) is int
    assert type(normal(numpy.float64(3.5))) is float


@given(st.text())
def test_nothing_leaves_the_comment(key_result: str) -> None:
    text = comment(key_result)
    assert text.isascii()
    assert text.count("/*") == text.count("*/") == 1
    assert text.endswith("*/")
    said = json.loads(text.removeprefix("\n/* headway: ").removesuffix(" */"))
    assert said == ({"key_result": key_result} if key_result else {})


def test_the_comment_trails_the_statement_in_the_query_log(shop: Connection) -> None:
    shop.backend.con.execute("CALL enable_logging('QueryLog')")
    shop.rows("SELECT 1", key_result="goal:key_result.grow.mrr*/ DROP TABLE x")
    logged = shop.rows("SELECT message FROM duckdb_logs WHERE message LIKE '%headway%mrr%'")
    assert logged[0][0].startswith("SELECT 1\n/* headway: {")
    assert logged[0][0].count("*/") == 1


def test_a_refused_query_is_one_sentence(shop: Connection) -> None:
    with pytest.raises(WarehouseError) as caught:
        shop.rows("SELECT nope FROM main.orders")
    assert str(caught.value).startswith('duckdb refused the query: Binder Error: Referenced column "nope" not found')
    assert "\n" not in str(caught.value)


def test_the_session_cannot_write(shop: Connection) -> None:
    with pytest.raises(WarehouseError, match="read-only"):
        shop.rows("DELETE FROM main.orders")


def test_a_query_that_takes_too_long_is_stopped(shop: Connection) -> None:
    with pytest.raises(WarehouseError, match=r"did not answer: stopped after 0\.3 seconds"):
        shop.rows("SELECT count(*) FROM range(100000000) AS a, range(100000000) AS b", 0.3)
    assert shop.rows("SELECT 1") == [(1,)], "the session is still good"


def test_no_file_a_directory_and_another_kind_of_file(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="there is no DuckDB file"):
        connect(duck(tmp_path / "none.duckdb"))
    with pytest.raises(WarehouseError, match="is a directory"):
        connect(duck(tmp_path))
    (tmp_path / "text.duckdb").write_text("not a database at all, though long enough to look at" * 500)
    with pytest.raises(WarehouseError, match="is not a DuckDB file"):
        connect(duck(tmp_path / "text.duckdb"))


def test_a_damaged_file(tmp_path: Path, shop_file: Path) -> None:
    data = bytearray(shop_file.read_bytes())
    data[12] ^= 0xFF
    (tmp_path / "damaged.duckdb").write_bytes(data)
    with pytest.raises(WarehouseError, match=r"damaged\.duckdb cannot be opened"):
        connect(duck(tmp_path / "damaged.duckdb"))


def test_a_file_that_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "busy.duckdb"
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdin
        writer.stdout.readline()
        with pytest.raises(WarehouseError, match="open for writing in another process"):
            connect(duck(path))
        writer.stdin.close()


def test_a_file_that_this_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "mine.duckdb"
    with duckdb.connect(str(path)), pytest.raises(WarehouseError, match="open for writing in this process"):
        connect(duck(path))


def test_attached_databases_are_there_and_read_only(tmp_path: Path, shop_file: Path) -> None:
    extra = tmp_path / "extra.duckdb"
    with duckdb.connect(str(extra)) as database:
        database.execute("CREATE TABLE t AS SELECT 42 AS x")
    with connect(duck(shop_file, attach=[{"path": str(extra), "alias": 'ex"tra'}])) as connection:
        assert connection.rows('SELECT x FROM "ex""tra".main.t') == [(42,)]
        with pytest.raises(WarehouseError):
            connection.rows('DELETE FROM "ex""tra".main.t')
    with pytest.raises(ConfigError, match="needs a `path:`"):
        connect(duck(shop_file, attach=["extra"]))


def test_an_adapter_that_is_not_supported() -> None:
    with pytest.raises(ConfigError, match=r"'sqlite'.*supported: bigquery, databricks, duckdb"):
        connect(Profile("sqlite", "dev", "", "", {}))


@pytest.mark.parametrize(
    ("adapter", "module"),
    [("snowflake", "snowflake"), ("databricks", "databricks"), ("trino", "trino")],
)
def test_a_driver_that_is_not_installed(adapter: str, module: str) -> None:
    if importlib.util.find_spec(module):
        pytest.skip(f"the driver of {adapter} is installed here")
    with pytest.raises(MissingExtra, match=rf"reading from {adapter}.*pip install 'headway\[{adapter}\]'"):
        connect(Profile(adapter, "dev", "", "", {}))


def test_a_server_that_is_not_there_does_not_tell_the_password() -> None:
    settings = {"host": "127.0.0.1", "port": 1, "user": "u", "password": "hush-hush", "connect_timeout": 2}
    profile = Profile("postgres", "dev", "shop", "main", settings, frozenset({"hush-hush"}))
    with pytest.raises(WarehouseError, match="postgres cannot be reached") as caught:
        connect(profile)
    assert "hush" not in str(caught.value)
