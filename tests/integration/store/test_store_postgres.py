"""The store in PostgreSQL, against a real server."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "store"))
pytest.register_assert_rewrite("store_census", "store_conformance", "store_ledger", "store_meaning", "store_samples")

from store_census import StoreCensus  # noqa: E402
from store_conformance import StoreConformance  # noqa: E402
from store_ledger import StoreLedger  # noqa: E402
from store_meaning import StoreMeaning  # noqa: E402
from store_samples import T0, names, node, written  # noqa: E402

from headway.errors import StoreError  # noqa: E402
from headway.store import Store  # noqa: E402

pytestmark = pytest.mark.integration


@pytest.fixture
def fresh(postgres_database: Callable[[], str]) -> Callable[[], str]:
    return postgres_database


class TestPostgres(StoreConformance):
    """What every store does."""


class TestPostgresCensus(StoreCensus):
    """What every store does with censuses."""


class TestPostgresLedger(StoreLedger):
    """What every store keeps of what people wrote."""


class TestPostgresMeaning(StoreMeaning):
    """What every store makes of its records."""


def test_other_tables_of_the_database_are_left_alone(fresh: Callable[[], str]) -> None:
    url = fresh()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE record (id int); CREATE TABLE sync (id int); INSERT INTO record VALUES (7)")
    with Store.open(url) as store:
        written(store, "dbt", T0, node("a"))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id FROM record").fetchall() == [(7,)]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_way_to_say_postgresql(fresh: Callable[[], str], scheme: str) -> None:
    url = fresh().replace("postgresql://", f"{scheme}://")
    with Store.open(url) as store:
        written(store, "dbt", T0, node("a"))
        assert names(store) == ["a"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    "form",
    ["postgresql://me:s3cr3t%21@127.0.0.1:{port}/db", "postgresql://me@127.0.0.1:{port}/db?password=s3cr3t!"],
)
def test_a_server_that_is_not_there(form: str) -> None:
    port = _free_port()
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Store.open(form.format(port=port))
    said = str(caught.value)
    assert said.startswith(f"postgresql://127.0.0.1:{port}/db: ")
    assert "s3cr3t" not in said
    assert "\n" not in said


def test_a_database_that_is_not_there(postgres_url: str) -> None:
    with pytest.raises(StoreError, match='database "nowhere" does not exist'):
        Store.open(postgres_url.rpartition("/")[0] + "/nowhere")


def test_a_user_who_may_not_create_tables(fresh: Callable[[], str]) -> None:
    url = fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS headway_guest")
        connection.execute("CREATE ROLE headway_guest LOGIN")
    user = url.partition("://")[2].partition("@")[0]
    with pytest.raises(StoreError, match="no permission"):
        Store.open(url.replace(f"{user}@", "headway_guest:s3cr3t@"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE headway_guest")


def test_a_user_who_may_only_read_can_load_but_not_sync(fresh: Callable[[], str]) -> None:
    url = fresh()
    with Store.open(url) as store:
        written(store, "dbt", T0, node("a"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS headway_reader")
        connection.execute("CREATE ROLE headway_reader LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO headway_reader")
    user = url.partition("://")[2].partition("@")[0]
    with Store.open(url.replace(f"{user}@", "headway_reader@")) as reader:
        assert names(reader) == ["a"]
        with pytest.raises(StoreError, match="no permission"):
            written(reader, "dbt", T0, node("b"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY headway_reader; DROP ROLE headway_reader")
