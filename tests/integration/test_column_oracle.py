"""Column lineage of the demo company, held against two judges: sqlglot's own lineage, column by column, and the data.

Needs the dbt program named by HEADWAY_DBT, with dbt-duckdb.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")
pytest.importorskip("duckdb", reason="duckdb is not installed")

import duckdb
from sqlglot import exp
from sqlglot.lineage import lineage

from headway.connectors.columns.connector import Columns
from headway.connectors.protocol import Context
from headway.graph.model import ColumnLineage, Gap
from headway.project.demo import Demo

pytestmark = pytest.mark.integration

Place = tuple[str, str]
"""A node and a column of it."""

PERTURBED = (
    ("app.users", "country"),
    ("app.users", "user_id"),
    ("billing.invoices", "amount_eur"),
    ("billing.subscriptions", "ended_on"),
    ("billing.subscriptions", "plan_id"),
    ("helpdesk.tickets", "topic"),
    ("marketing.campaigns", "channel"),
    ("marketing.store_reviews", "rating"),
)
"""Columns of sources that are changed, one at a time: plain values, keys, and what rows are filtered by."""


class Company:
    """The built demo: its manifest, what Headway says of its columns, and its database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = json.loads((folder / "target/manifest.json").read_bytes())
        self.catalog = json.loads((folder / "target/catalog.json").read_bytes())
        found = list(Columns({"cache": ""}, Context(root=str(folder), now=datetime.now(UTC))).records())
        self.gaps = [r for r in found if isinstance(r, Gap)]
        self.records = {r.node.removeprefix("dbt:"): r for r in found if isinstance(r, ColumnLineage)}
        self.models = [uid for uid in self.records if uid.startswith("model.")]

    def sql(self, uid: str) -> str:
        node = self.manifest["nodes"][uid]
        return (self.folder / "target/compiled" / node["package_name"] / node["original_file_path"]).read_text()

    def relation(self, uid: str) -> str:
        section = "sources" if uid.startswith("source.") else "nodes"
        return str(self.manifest[section][uid]["relation_name"])

    def columns(self, uid: str) -> list[str]:
        section = "sources" if uid.startswith("source.") else "nodes"
        listed = self.catalog[section][uid]["columns"].values()
        return [c["name"] for c in sorted(listed, key=lambda c: c["index"])]


@pytest.fixture(scope="module")
def company(demo: Demo) -> Company:
    return Company(demo.project_dir)


def test_every_model_is_followed_and_has_the_columns_of_the_warehouse(company: Company) -> None:
    assert company.gaps == []
    assert len(company.models) > 60
    for uid in company.models:
        assert list(company.records[uid].columns) == [c.lower() for c in company.columns(uid)], uid
        certainties = {s.certainty for sources in company.records[uid].columns.values() for s in sources}
        assert certainties <= {"known"}, uid


def test_every_edge_equals_the_oracle(company: Company) -> None:
    schema: dict[str, Any] = {}
    by_relation = {}
    tables = [
        *company.manifest["sources"],
        *(u for u in company.records if u.startswith(("model.", "seed.", "snapshot."))),
    ]
    for uid in tables:
        relation = company.relation(uid)
        database, name, table = relation.replace('"', "").split(".")
        by_relation[database, name, table] = uid
        columns = dict.fromkeys(company.columns(uid), "text")
        schema.setdefault(database, {}).setdefault(name, {})[table] = columns
    edges = 0
    for uid in company.models:
        for column, sources in company.records[uid].columns.items():
            expected = set()
            for node in lineage(column, company.sql(uid), schema=schema, dialect="duckdb").walk():
                if isinstance(node.expression, exp.Table) and node.expression.name and not node.downstream:
                    table = node.expression
                    expected.add((by_relation[table.catalog, table.db, table.name], node.name.rpartition(".")[2]))
            ours = {(s.node.removeprefix("dbt:"), s.column) for s in sources}
            assert ours == expected, (uid, column)
            edges += len(ours)
    assert edges > 300


def test_what_does_not_depend_on_a_column_does_not_change_with_it(company: Company, tmp_path: Path) -> None:
    database = tmp_path / "lumaloop.duckdb"  # the name is the catalogue's
    shutil.copy(company.folder / "lumaloop.duckdb", database)
    with duckdb.connect(str(database), config={"threads": 1}) as connection:
        rebuild(connection, company)
        before = prints(connection, company)
        rebuild(connection, company)
        steady = {place for place, value in prints(connection, company).items() if before[place] == value}
        assert len(steady) > 0.9 * len(before)
        moved = 0
        for name, column in PERTURBED:
            source = f"source.lumaloop.{name}"
            connection.begin()
            perturb(connection, company.relation(source), column)
            rebuild(connection, company)
            after = prints(connection, company)
            connection.rollback()
            changed = {place for place in steady if after[place] != before[place]}
            depends = downstream(company, (source, column))
            assert changed <= depends, (name, column, sorted(changed - depends)[:5])
            assert len(depends) < len(before)
            moved += bool(changed)
        assert moved == len(PERTURBED)


def rebuild(connection: Any, company: Company) -> None:
    """Every model as a table, each after what it reads."""
    for uid in company.models:
        relation = company.relation(uid)
        schema, table = (part.strip('"') for part in relation.split(".")[1:])
        kind = connection.execute(
            "select table_type from information_schema.tables where table_schema = ? and table_name = ?",
            [schema, table],
        ).fetchone()
        if kind:
            connection.execute(f"drop {'view' if kind[0] == 'VIEW' else 'table'} {relation} cascade")
        connection.execute(f"create table {relation} as {company.sql(uid)}")


def prints(connection: Any, company: Company) -> Mapping[Place, tuple[Any, ...]]:
    """For every column of every model, something that tells its values apart whatever their order."""
    found = {}
    for uid in company.models:
        columns = company.columns(uid)
        parts = ", ".join(f'sum(hash("{c}")::hugeint % 1000000007), bit_xor(hash("{c}"))' for c in columns)
        row = connection.execute(f"select count(*), {parts} from {company.relation(uid)}").fetchone()
        for at, column in enumerate(columns):
            found[uid, column.lower()] = (row[0], *row[1 + 2 * at : 3 + 2 * at])
    return found


def perturb(connection: Any, relation: str, column: str) -> None:
    """Another value of the same type in every third row."""
    kind = connection.execute(
        f'select typeof("{column}") from {relation} where "{column}" is not null limit 1'
    ).fetchone()
    new = {"VARCHAR": f"\"{column}\" || '~'", "DATE": f'"{column}" + 17', "BOOLEAN": f'not "{column}"'}
    value = new.get(kind[0], f'"{column}" + 1')
    connection.execute(f'update {relation} set "{column}" = {value} where rowid % 3 = 0 and "{column}" is not null')


def downstream(company: Company, start: Place) -> set[Place]:
    """Every column that a column goes into, by value or because it decides which rows there are."""
    values = {start}
    rows: set[str] = set()
    for uid in company.models:
        record = company.records[uid]
        read = {s.node.removeprefix("dbt:") for sources in (*record.columns.values(), record.shape) for s in sources}
        read |= set(company.manifest["nodes"][uid]["depends_on"]["nodes"])
        if read & rows or any((s.node.removeprefix("dbt:"), s.column) in values for s in record.shape):
            rows.add(uid)
        for column, sources in record.columns.items():
            if uid in rows or any((s.node.removeprefix("dbt:"), s.column) in values for s in sources):
                values.add((uid, column))
    return values
