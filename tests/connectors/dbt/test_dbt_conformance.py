"""The dbt connector keeps the promises of a connector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from small_project import entry, headway, project, semantic_model, simple_metric, table

from headway.connectors.dbt.connector import Dbt
from headway.testing import ConnectorConformance


class TestDbt(ConnectorConformance):
    """A project with some of everything."""

    connector = Dbt
    input_option = "manifest"

    def recording(self, folder: Path) -> Mapping[str, Any]:
        join = {"where_filters": [{"where_sql_template": "{{ Dimension('customer__segment') }} = 'pro'"}]}
        manifest = project(
            table("source.shop.raw.orders"),
            table("model.shop.customers"),
            table("model.shop.orders", "source.shop.raw.orders"),
            entry("test.shop.unique", "model.shop.orders", attached_node="model.shop.orders"),
            semantic_model("customers", "customer", (), ("segment",)),
            semantic_model("orders", "order", ("customer",)),
            simple_metric("revenue", "orders", filter=join, **headway(objective="grow", target=3)),
            entry("exposure.shop.board", type="dashboard", **headway(shows="grow.revenue")),
            entry("exposure.shop.objective_grow", "metric.shop.revenue", type="analysis", **headway(kind="objective")),
        )
        (folder / "manifest.json").write_text(json.dumps(manifest))
        results = {"metadata": {}, "results": [{"unique_id": "test.shop.unique", "status": "fail"}]}
        (folder / "run_results.json").write_text(json.dumps(results))
        (folder / "CODEOWNERS").write_text("* @data\n")
        return {"manifest": "manifest.json"}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "cut off gzip": b"\x1f\x8b\x08\x00" + bytes(20),
            "spreadsheet": b"PK\x03\x04" + bytes(400),
            "a web page": b"<!doctype html><title>Sign in</title>",
            "run results": b'{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}}',
            "an open string": b'{"metadata": {"dbt_version": "' + b"a" * 10_000_000,
        }
