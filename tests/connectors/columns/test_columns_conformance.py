"""The columns connector keeps the promises of a connector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlglot", reason="sqlglot is not installed")

from column_project import manifest, node

from headway.connectors.columns.connector import Columns
from headway.testing import ConnectorConformance


class TestColumns(ConnectorConformance):
    """A project with some of everything; nothing is kept, because a recording is not to be written beside."""

    connector = Columns
    input_option = "manifest"
    declared_elsewhere = ("dbt:",)

    def recording(self, folder: Path) -> Mapping[str, Any]:
        content = manifest(
            node("source.shop.app.raw"),
            node("model.shop.a", "select id, status from wh.shop.raw where paid", "source.shop.app.raw"),
            node("model.shop.b", "select a.*, r.x from wh.shop.a join wh.other.r using (id)", "model.shop.a"),
            node("model.shop.broken", "select from (("),
            {
                "unique_id": "semantic_model.shop.s",
                "name": "s",
                "depends_on": {"nodes": ["model.shop.a"]},
                "measures": [{"name": "n", "expr": "count(id) + 1"}],
            },
        )
        (folder / "manifest.json").write_text(json.dumps(content))
        return {"manifest": "manifest.json", "cache": ""}

    def bad_inputs(self) -> Mapping[str, bytes]:
        return {
            "cut off gzip": b"\x1f\x8b\x08\x00" + bytes(20),
            "spreadsheet": b"PK\x03\x04" + bytes(400),
            "a web page": b"<!doctype html><title>Sign in</title>",
            "run results": b'{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}}',
            "an open string": b'{"metadata": {"dbt_version": "' + b"a" * 1_000_000,
        }
