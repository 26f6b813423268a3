"""A project that names the Superset of the tests, its syncs, and what they count."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from real_superset import PASSWORD

from headway.graph.graph import Graph
from headway.graph.model import Observation
from headway.project import Project

KEY = "an invented key for the tests only"
MANIFEST: dict[str, Any] = {
    "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "dbt_version": "1.11.0",
        "project_name": "tea",
        "adapter_type": "duckdb",
    },
    "nodes": {},
    "sources": {},
    "exposures": {},
    "metrics": {},
    "semantic_models": {},
    "saved_queries": {},
    "groups": {},
    "macros": {},
    "docs": {},
    "disabled": {},
    "parent_map": {},
    "child_map": {},
    "unit_tests": {},
    "selectors": {},
}


def project(folder: Path, url: str, **options: Any) -> Path:
    """A dbt project of two models and a source, as its manifest says, and a headway.yml that names the Superset."""
    manifest = json.loads(json.dumps(MANIFEST))
    for name, above in (("fct_orders", []), ("dim_regions", []), ("fct_visits", ["model.tea.fct_orders"])):
        manifest["nodes"][f"model.tea.{name}"] = {
            "unique_id": f"model.tea.{name}", "resource_type": "model", "name": name, "alias": name,
            "package_name": "tea", "path": f"{name}.sql", "original_file_path": f"models/{name}.sql",
            "fqn": ["tea", name], "tags": [], "database": "tea", "schema": "marts", "columns": {}, "meta": {},
            "relation_name": f'"tea"."marts"."{name}"', "description": "", "raw_code": "", "language": "sql",
            "config": {"materialized": "table", "enabled": True, "meta": {}},
            "depends_on": {"macros": [], "nodes": above}, "checksum": {"name": "sha256", "checksum": ""},
        }  # fmt: skip
    (folder / "target").mkdir(parents=True)
    (folder / "target" / "manifest.json").write_text(json.dumps(manifest))
    source = {"name": "superset", "url": url, "people": {"executive": ["boss"]}, **options}
    (folder / "headway.yml").write_text(json.dumps({"project": "tea", "connectors": [source]}))
    return folder


def opened(folder: Path, user: str = "reader", password: str = PASSWORD) -> Project:
    environment = {
        **os.environ,
        "HEADWAY_PEOPLE_KEY": KEY,
        "HEADWAY_SUPERSET_USER": user,
        "HEADWAY_SUPERSET_PASSWORD": password,
    }
    return Project.open(folder, environment=environment)


def synced(folder: Path, **who: str) -> str:
    """Sync everything; what went wrong with Superset, '' when nothing did."""
    results = opened(folder, **who).sync(evaluate=False)
    (superset,) = [r for r in results if r.connector == "superset"]
    assert not [r.error for r in results if r is not superset and r.error]
    return superset.error


def counted(graph: Graph, ids: Mapping[str, int], items: Iterable[str]) -> dict[str, dict[str, tuple[float, int]]]:
    """Views and distinct viewers by item and class; `items` are `<kind>.<name>`, with the names of `ids`."""
    names = {f"superset:{kind}.{ids[name]}": f"{kind}.{name}" for kind, name in (item.split(".") for item in items)}
    views: dict[str, dict[str, list[Observation]]] = {}
    for one in graph.observations:
        if one.tool == "superset" and one.measure == "views":
            views.setdefault(names.get(one.node, one.node), {}).setdefault(one.person_class, []).append(one)
    return {
        item: {
            c: (sum(o.amount for o in rows), len({o.person for o in rows if o.person})) for c, rows in classes.items()
        }
        for item, classes in views.items()
    }


def node_of(graph: Graph, name: str) -> int:
    return graph.index[name]
