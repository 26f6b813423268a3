"""The small invented shop that the warehouse tests run on, in a DuckDB file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from headway.warehouse.connection import Connection, connect
from headway.warehouse.profile import Profile

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder with the shop's manifest.json, data.sql and the hand-written oracle of each metric."""
    return PROJECT


@pytest.fixture(scope="session")
def shop_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute((PROJECT / "data.sql").read_text())
    return path


@pytest.fixture
def shop(shop_file: Path) -> Iterator[Connection]:
    with connect(Profile("duckdb", "dev", "shop", "main", {"path": str(shop_file)})) as connection:
        yield connection
