"""A DuckDB file that stands for a warehouse of another make: its views as tables, its rows as it has them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import ibis
import msgspec
import pytest

from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, Observation
from headway.warehouse.adapters import ADAPTERS
from headway.warehouse.connection import Connection
from headway.warehouse.profile import Profile

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = datetime(2026, 11, 1, tzinfo=UTC)
SNAPSHOTS = Path(__file__).parent / "snapshots"
KEY = {"HEADWAY_PEOPLE_KEY": "a key of the tests, long enough"}


@dataclass
class StandIn:
    """A project whose profile names a warehouse, and the DuckDB file that answers in its place."""

    folder: Path
    profiles: list[Profile] = field(default_factory=list)
    """The profiles that connections were asked for."""

    def context(self, *, since: datetime | None = None) -> Context:
        return Context(str(self.folder), NOW, KEY, since=since)


def stand_in(
    monkeypatch: pytest.MonkeyPatch, folder: Path, adapter: str, data: str, *, catalog: str = "shop", macros: str = ""
) -> StandIn:
    """Make one: `data` is the SQL that fills `<catalog>.duckdb`, `macros` the vendor's functions that DuckDB lacks."""
    found = StandIn(folder)
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    place = {"bigquery": "project: shop-prod", "redshift": "dbname: shop"}.get(adapter, f"catalog: {catalog}")
    (folder / "profiles.yml").write_text(
        f"shop: {{target: dev, outputs: {{dev: {{type: {adapter}, {place}, user: headway_reader, password: hush}}}}}}\n"
    )
    file = folder / f"{catalog}.duckdb"
    with duckdb.connect(str(file)) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(data)

    def connect(profile: Profile) -> Connection:
        found.profiles.append(profile)
        backend = ibis.duckdb.connect(file, read_only=True)
        backend.raw_sql(f"SET TimeZone = 'UTC'; {macros}")
        return Connection(profile, ADAPTERS["duckdb"], backend)

    monkeypatch.setattr("headway.warehouse.history.views.connect", connect)
    return found


def same_as_snapshot(name: str, sql: str) -> None:
    """Compare with a file of snapshots/; with HEADWAY_UPDATE_SNAPSHOTS set, write it instead."""
    file = SNAPSHOTS / name
    if os.environ.get("HEADWAY_UPDATE_SNAPSHOTS"):
        file.write_text(sql + "\n")
    assert file.read_text() == sql + "\n"


Amounts = dict[tuple[str, str, str, str, str], float]


def amounts(records: Iterable[AnyRecord]) -> Amounts:
    """(node or relation, column, measure, day, class) to amount, added up over people and tools."""
    found: Amounts = defaultdict(float)
    for one in records:
        if isinstance(one, Observation):
            found[one.node or one.relation, one.column, one.measure, str(one.day), one.person_class] += one.amount
    return dict(found)


def people(records: Iterable[AnyRecord], relation: str) -> set[str]:
    """Who read a relation, as the records say it."""
    return {one.person for one in records if isinstance(one, Observation) and one.relation == relation and one.person}


def keeps_secrets(records: Iterable[AnyRecord], *secrets: str) -> None:
    """No login, no literal and no text of a statement is in any record, nor in what is kept on disk."""
    said = msgspec.json.encode(list(records)).decode().lower()
    assert [secret for secret in secrets if secret.lower() in said] == []
