"""Small projects with SQL for the tests of column lineage: only what a test is about has to be written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headway.connectors.columns.connector import Columns
from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, ColumnLineage, ColumnSource, Gap

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MARK = {"known": "", "assumed": "?", "candidate": "??"}


def node(uid: str, sql: str | None = None, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """A source, seed, model or snapshot in wh.shop; `sql` is its compiled code."""
    kind, package, *names = uid.split(".")
    return {
        "unique_id": uid,
        "resource_type": kind,
        "package_name": package,
        "name": names[-1] if kind == "source" else names[0],
        "original_file_path": f"models/{names[-1]}.sql",
        "relation_name": f'"wh"."shop"."{names[-1]}"',
        "database": "wh",
        "schema": "shop",
        "alias": names[-1],
        "config": {},
        "columns": {},
        "compiled_code": sql,
        "depends_on": {"nodes": list(depends_on)},
        **({"source_name": names[0]} if kind == "source" else {}),
        **fields,
    }


def manifest(*nodes: Mapping[str, Any], adapter: str = "duckdb", **sections: Any) -> dict[str, Any]:
    """A manifest of these nodes; other sections as given."""
    by_kind: dict[str, dict[str, Any]] = {"nodes": {}, "sources": {}, "semantic_models": {}, "metrics": {}}
    section = {"source": "sources", "semantic_model": "semantic_models", "metric": "metrics"}
    for one in nodes:
        uid = one["unique_id"]
        by_kind[section.get(uid.partition(".")[0], "nodes")][uid] = one
    schema = "https://schemas.getdbt.com/dbt/manifest/v12.json"
    return {"metadata": {"dbt_schema_version": schema, "adapter_type": adapter}, **by_kind, **sections}


def catalog(**tables: str) -> dict[str, Any]:
    """A catalogue: unique id (dots as __) to its columns, separated by spaces."""
    found: dict[str, dict[str, Any]] = {"nodes": {}, "sources": {}}
    for name, columns in tables.items():
        uid = name.replace("__", ".")
        listed = {c: {"index": i, "name": c, "type": "text"} for i, c in enumerate(columns.split(), 1)}
        found["sources" if uid.startswith("source.") else "nodes"][uid] = {"columns": listed, "metadata": {}}
    return found


def records(
    folder: Path, content: Mapping[str, Any], listed: Mapping[str, Any] | None = None, *, cache: str = ""
) -> list[AnyRecord]:
    """What the connector makes of a project."""
    (folder / "target").mkdir(exist_ok=True)
    (folder / "target" / "manifest.json").write_text(json.dumps(content))
    if listed is not None:
        (folder / "target" / "catalog.json").write_text(json.dumps(listed))
    return list(Columns({"cache": cache}, Context(root=str(folder), now=NOW)).records())


def said(found: list[AnyRecord], node: str) -> dict[str, str]:
    """The record of a node: its columns and, under `(shape)` and `(problem)`, the rest; ids cut to their last part."""
    record = next(r for r in found if isinstance(r, ColumnLineage) and r.node == f"dbt:{node}")
    lines = {name: _sources(sources) for name, sources in record.columns.items()}
    if record.shape:
        lines["(shape)"] = _sources(record.shape)
    if record.problem:
        lines["(problem)"] = record.problem
    return lines


def gaps(found: list[AnyRecord]) -> list[str]:
    """The messages of the gaps."""
    return [r.message for r in found if isinstance(r, Gap)]


def _sources(sources: tuple[ColumnSource, ...]) -> str:
    return ", ".join(f"{s.node.rpartition('.')[2]}.{s.column}{MARK[s.certainty]}" for s in sources)
