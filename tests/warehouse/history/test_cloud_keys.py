"""What `usage` asks of each warehouse, in that warehouse's own SQL: the fingerprints over the statements compile."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import pytest
import sqlglot
from cloud_warehouse import NOW, START

from headway.connectors.protocol import Context
from headway.warehouse.history import fingerprint
from headway.warehouse.history.bigquery import BigQueryHistory
from headway.warehouse.history.databricks import DatabricksHistory
from headway.warehouse.history.trino import TrinoHistory

CONTEXT = Context("/nowhere", NOW)
STATEMENTS: dict[str, Callable[[], ibis.Table]] = {
    "bigquery": lambda: BigQueryHistory({}, CONTEXT).statements(["shop-prod", "shop-lab"], "eu", START),
    "databricks": lambda: DatabricksHistory({}, CONTEXT).statements(START),
    "trino": lambda: TrinoHistory({"table": "audit.public.completed_queries"}, CONTEXT).statements(START),
}


@pytest.mark.parametrize("dialect", STATEMENTS)
def test_what_is_counted_compiles_for_the_warehouse(dialect: str) -> None:
    keyed = fingerprint.keyed(STATEMENTS[dialect](), dialect, fingerprint.flavour(dialect))
    counted = keyed.group_by("key", "comment", day=keyed["started"].date()).agg(queries=keyed.count())
    sql = str(ibis.to_sql(counted, dialect=dialect))
    tree = sqlglot.parse_one(sql, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    written = {table.name.rpartition(".")[2] for table in tree.find_all(sqlglot.exp.Table)}
    assert written & {"JOBS", "history", "completed_queries"}
    moments = {"bigquery": "creation_time", "databricks": "start_time", "trino": "create_time"}
    assert any(moments[dialect] in comparison.this.sql() for comparison in tree.find_all(sqlglot.exp.GTE)), (
        "the partition column is compared as it is, so that partitions are left out"
    )
