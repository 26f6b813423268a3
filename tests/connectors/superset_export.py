"""An export of an invented Superset of a company that sells tea, as files to write to a folder or into a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from headway.connectors.protocol import Context
from headway.connectors.superset.connector import Superset
from headway.graph.model import AnyRecord, ColumnLineage, Edge, Gap, Node
from headway.testing import NOW

WAREHOUSE, LAKE = "d0000000-0000-4000-8000-000000000001", "d0000000-0000-4000-8000-000000000002"
ORDERS, BY_REGION, STOCK = (f"a0000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
REVENUE, REGIONS, LOOSE = (f"c0000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
SALES, EMPTY = (f"b0000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


def column(name: str, expression: str | None = None) -> dict[str, Any]:
    return {"column_name": name, "expression": expression, "type": "VARCHAR", "is_dttm": False}


def metric(name: str, expression: str) -> dict[str, Any]:
    return {"metric_name": name, "expression": expression, "verbose_name": None}


def on_board(chart: str) -> dict[str, Any]:
    return {"type": "CHART", "id": f"CHART-{chart}", "children": [], "meta": {"uuid": chart, "width": 4}}


def files() -> dict[str, Any]:
    """Name of each file below the export's root -> what it holds. Every call gives a fresh copy."""
    return {
        "metadata.yaml": {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-11-20T08:00:00+00:00"},
        "databases/warehouse.yaml": {
            "database_name": "warehouse",
            "sqlalchemy_uri": "postgresql+psycopg2://bi:XXXXXXXXXX@db.example.com:5432/tea?sslmode=require",
            "uuid": WAREHOUSE,
        },
        "databases/lake.yaml": {
            "database_name": "lake",
            "sqlalchemy_uri": "trino://trino.example.com:443/lake",
            "uuid": LAKE,
        },
        "datasets/warehouse/orders.yaml": {
            "table_name": "orders",
            "schema": "marts",
            "catalog": None,
            "sql": None,
            "uuid": ORDERS,
            "database_uuid": WAREHOUSE,
            "columns": [column("region"), column("amount"), column("paid"), column("vat", "amount * 0.2")],
            "metrics": [metric("count", "COUNT(*)"), metric("revenue", "SUM(amount)")],
        },
        "datasets/warehouse/by_region.yaml": {
            "table_name": "by region",
            "schema": None,
            "catalog": None,
            "sql": "select r.name, sum(o.amount) as amount from marts.orders o join regions r on r.id = o.region\n"
            "where o.day > '{{ from_dttm }}' {% if filter_values('x') %} and 1 = 1 {% endif %} group by 1;",
            "uuid": BY_REGION,
            "database_uuid": WAREHOUSE,
            "columns": [column("name"), column("amount"), column("half", "amount / 2")],
            "metrics": [metric("best", "MAX(amount)")],
        },
        "datasets/lake/stock.yaml": {
            "table_name": "stock",
            "schema": "raw",
            "catalog": "cold",
            "sql": None,
            "uuid": STOCK,
            "database_uuid": LAKE,
            "columns": [column("tea"), column("Grams left")],
            "metrics": [],
        },
        "charts/Revenue.yaml": {
            "slice_name": "Revenue",
            "viz_type": "big_number_total",
            "uuid": REVENUE,
            "dataset_uuid": ORDERS,
            "params": {
                "metric": "revenue",
                "adhoc_filters": [
                    {
                        "expressionType": "SIMPLE",
                        "clause": "WHERE",
                        "subject": "paid",
                        "operator": "==",
                        "comparator": "planted-value-8812",
                    }
                ],
            },
        },
        "charts/Regions.yaml": {
            "slice_name": "Regions",
            "viz_type": "table",
            "uuid": REGIONS,
            "dataset_uuid": BY_REGION,
            "params": {
                "query_mode": "aggregate",
                "groupby": ["name"],
                "all_columns": ["half"],
                "metrics": [
                    "best",
                    {
                        "expressionType": "SIMPLE",
                        "aggregate": "AVG",
                        "column": {"column_name": "half"},
                        "label": "Mean",
                    },
                ],
            },
        },
        "charts/Loose.yaml": {
            "slice_name": "What is left",
            "viz_type": "table",
            "uuid": LOOSE,
            "dataset_uuid": STOCK,
            "params": '{"query_mode": "raw", "all_columns": ["tea", "Grams left"], "metrics": ["count"]}',
        },
        "dashboards/Sales.yaml": {
            "dashboard_title": "Sales",
            "slug": "sales",
            "published": True,
            "description": "How much tea is sold",
            "uuid": SALES,
            "position": {
                "DASHBOARD_VERSION_KEY": "v2",
                "CHART-1": on_board(REVENUE),
                "CHART-2": on_board(REGIONS),
                "CHART-3": on_board(REVENUE),
            },
            "metadata": {
                "native_filter_configuration": [{"targets": [{"datasetUuid": STOCK, "column": {"name": "tea"}}]}]
            },
        },
        "dashboards/Empty.yaml": {
            "dashboard_title": "To be done",
            "slug": None,
            "published": False,
            "uuid": EMPTY,
            "position": {},
            "metadata": {},
        },
    }


def in_folder(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write an export; bytes and text are written as they are."""
    for name, value in content.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_bytes(value))
    return folder


def in_zip(file: Path, content: Mapping[str, Any], top: str = "dashboard_export_20261120T080000/") -> Path:
    """Write an export as Superset's button gives it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in content.items():
            archive.writestr(zipfile.ZipInfo(top + name, (2026, 11, 20, 8, 0, 0)), _bytes(value), zipfile.ZIP_DEFLATED)
    return file


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False).encode()


def run(root: Path, export: Any = "export") -> list[AnyRecord]:
    """All records of an export below `root`."""
    return list(Superset({"export": export}, Context(root=str(root), now=NOW)).records())


def nodes(records: list[AnyRecord]) -> dict[str, Node]:
    return {r.id: r for r in records if isinstance(r, Node)}


def edges(records: list[AnyRecord]) -> set[tuple[str, str]]:
    return {(r.upstream, r.downstream) for r in records if isinstance(r, Edge)}


def gaps(records: list[AnyRecord]) -> list[str]:
    return [r.message for r in records if isinstance(r, Gap)]


def lineage(records: list[AnyRecord], node: str) -> tuple[dict[str, list[tuple[str, str]]], list[tuple[str, str]]]:
    """Sources of each column of a node, and of its rows, as (node, column)."""
    (found,) = [r for r in records if isinstance(r, ColumnLineage) and r.node == node]
    assert not found.problem
    columns = {name: [(s.node, s.column) for s in sources] for name, sources in found.columns.items()}
    return columns, [(s.node, s.column) for s in found.shape]
