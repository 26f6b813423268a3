"""A small shop as files: a dbt manifest with results, a goals file and usage, as a person would have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOALS = """\
version: 1
periods:
  - {id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}
objectives:
  - id: grow
    title: Grow sales
    owner: sales-team
    period: 2026-Q4
    key_results:
      - id: revenue
        title: Revenue
        metric: revenue
        baseline: 100
        target: 200
        shown_on: [sales_board]
      - id: happiness
        title: Happy customers
        readings: [{date: 2026-11-01, value: 41}, {date: 2026-11-20, value: 46}]
        baseline: 40
        target: 50
"""

USAGE = """\
node,relation,day,measure,amount,unit,person_class
exposure.shop.sales_board,,2026-08-20,views,3,count,person
exposure.shop.sales_board,,2026-11-21,views,9,count,person
exposure.shop.sales_board,,2026-11-21,people,4,count,person
,main.orders,2026-11-20,queries,5,count,service
,main.gone,2026-11-20,queries,5,count,person
model.shop.orders,,2026-11-20,cost,1.5,EUR,
model.shop.forgotten,,2026-11-20,cost,0.5,EUR,
"""

COVERS = "kind:model kind:source kind:dashboard"

SETTINGS = f"""\
project: shop
as_of: 2026-11-22
goals: goals.yml
observations:
  - {{path: usage.csv, covers: "{COVERS}"}}
"""


def manifest(**changes: Any) -> dict[str, Any]:
    """The shop's manifest: raw_orders -> orders -> revenue -> sales_board, and a forgotten model."""
    nodes = {
        "model.shop.orders": _model("orders", "source.shop.raw.raw_orders"),
        "model.shop.forgotten": _model("forgotten", "model.shop.orders"),
        "test.shop.not_null_orders": {
            "unique_id": "test.shop.not_null_orders",
            "name": "not_null_orders",
            "resource_type": "test",
            "attached_node": "model.shop.orders",
            "depends_on": {"nodes": ["model.shop.orders"]},
        },
    }
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.16",
            "generated_at": "2026-11-22T05:00:00Z",
            "project_name": "shop",
            "adapter_type": "duckdb",
        },
        "nodes": nodes,
        "sources": {
            "source.shop.raw.raw_orders": {
                "unique_id": "source.shop.raw.raw_orders",
                "name": "raw_orders",
                "source_name": "raw",
                "resource_type": "source",
                "relation_name": '"wh"."raw"."raw_orders"',
            }
        },
        "metrics": {
            "metric.shop.revenue": {
                "unique_id": "metric.shop.revenue",
                "name": "revenue",
                "resource_type": "metric",
                "package_name": "shop",
                "type": "simple",
                "label": "Revenue",
                "depends_on": {"nodes": ["model.shop.orders"]},
            }
        },
        "exposures": {
            "exposure.shop.sales_board": {
                "unique_id": "exposure.shop.sales_board",
                "name": "sales_board",
                "type": "dashboard",
                "label": "Sales board",
                "owner": {"name": "sales-team"},
                "depends_on": {"nodes": ["metric.shop.revenue"]},
            }
        },
        **changes,
    }


def _model(name: str, *above: str) -> dict[str, Any]:
    return {
        "unique_id": f"model.shop.{name}",
        "name": name,
        "resource_type": "model",
        "package_name": "shop",
        "original_file_path": f"models/{name}.sql",
        "relation_name": f'"wh"."main"."{name}"',
        "depends_on": {"nodes": list(above)},
        "config": {"materialized": "table"},
    }


def write_shop(folder: Path, *, goals: str = GOALS, usage: str = USAGE, settings: str = SETTINGS) -> Path:
    """Write the shop into a folder; '' leaves a file out. Returns the folder."""
    target = folder / "target"
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").write_text(json.dumps(manifest()))
    result = {"unique_id": "test.shop.not_null_orders", "status": "pass", "timing": []}
    metadata = {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        "generated_at": "2026-11-22T05:00:00Z",
    }
    (target / "run_results.json").write_text(json.dumps({"metadata": metadata, "results": [result]}))
    for name, text in (("goals.yml", goals), ("usage.csv", usage), ("headway.yml", settings)):
        if text:
            (folder / name).write_text(text)
    return folder
