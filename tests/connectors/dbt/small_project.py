"""Small dbt projects for the tests: only what a test is about has to be written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from headway.connectors.dbt.connector import Dbt
from headway.connectors.protocol import Context
from headway.graph.model import AnyRecord, Edge, Gap, Node

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"

R = TypeVar("R", bound=AnyRecord)


def entry(uid: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """One entry of a manifest: kind, package and name come from its id, everything else as given."""
    kind, package, *names = uid.split(".")
    return {
        "unique_id": uid,
        "resource_type": kind,
        "package_name": package,
        "name": names[-1] if kind in ("source", "seed", "snapshot") else names[0],
        "original_file_path": f"models/{names[0]}.sql",
        "depends_on": {"macros": [], "nodes": list(depends_on)},
        **fields,
    }


def table(uid: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """A model, seed, snapshot or source with a relation."""
    name = uid.rsplit(".", maxsplit=1)[-1]
    return entry(uid, *depends_on, **{"relation_name": f'"wh"."shop"."{name}"', "config": {}, **fields})


def headway(**meta: Any) -> dict[str, Any]:
    """A `config` with `meta.headway`."""
    return {"config": {"meta": {"headway": meta}}}


def simple_metric(name: str, model: str, **fields: Any) -> dict[str, Any]:
    """A simple metric of the semantic model `model`."""
    params = {"measure": None, "metric_aggregation_params": {"semantic_model": model, "agg": "sum"}}
    return entry(
        f"metric.shop.{name}", f"semantic_model.shop.{model}", **{"type": "simple", "type_params": params, **fields}
    )


def semantic_model(
    name: str, primary: str, foreign: tuple[str, ...] = (), dimensions: tuple[str, ...] = (), **fields: Any
) -> dict[str, Any]:
    """A semantic model on the model of the same name."""
    entities = [{"name": primary, "type": "primary"}, *({"name": f, "type": "foreign"} for f in foreign)]
    return entry(
        f"semantic_model.shop.{name}",
        f"model.shop.{name}",
        **{"entities": entities, "dimensions": [{"name": d} for d in dimensions], "measures": [], **fields},
    )


def project(*entries: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A manifest of these entries, each put where its kind belongs."""
    manifest: dict[str, Any] = {
        "metadata": {"dbt_schema_version": SCHEMA, "project_name": "shop", "generated_at": "2026-11-20T00:00:00Z"},
        "nodes": {},
        "sources": {},
        "exposures": {},
        "metrics": {},
        "semantic_models": {},
        "saved_queries": {},
        "groups": {},
        "unit_tests": {},
        "functions": {},
        "disabled": {},
    }
    section = {
        "source": "sources",
        "exposure": "exposures",
        "metric": "metrics",
        "semantic_model": "semantic_models",
        "saved_query": "saved_queries",
        "group": "groups",
        "unit_test": "unit_tests",
        "function": "functions",
    }
    for item in entries:
        manifest[section.get(item["resource_type"], "nodes")][item["unique_id"]] = dict(item)
    return {**manifest, **more}


def read(folder: Path, manifest: Any, files: Mapping[str, Any] | None = None, /, **options: Any) -> list[AnyRecord]:
    """Write `target/manifest.json` and other files (text, bytes or JSON) into `folder`, and read the project."""
    for name, content in {"target/manifest.json": manifest, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes | str) else json.dumps(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(Dbt(options, Context(root=str(folder), now=NOW)).records())


def of(records: list[AnyRecord], shape: type[R]) -> list[R]:
    """The records of one type."""
    return [record for record in records if isinstance(record, shape)]


def node(records: list[AnyRecord], uid: str) -> Node:
    """The node with this unique id or goal id."""
    wanted = uid if uid.startswith("goal:") else f"dbt:{uid}"
    return next(n for n in of(records, Node) if n.id == wanted)


def edges(records: list[AnyRecord], role: str = "feeds") -> set[tuple[str, str, str]]:
    """(upstream, downstream, evidence) of all edges of a role, without the `dbt:` before ids."""
    found = [e for e in of(records, Edge) if e.role == role]
    short = {(e.upstream.removeprefix("dbt:"), e.downstream.removeprefix("dbt:"), e.evidence) for e in found}
    assert len(short) == len(found), "an edge is given twice"
    return short


def gaps(records: list[AnyRecord], topic: str) -> list[str]:
    """The messages of all gaps about a topic."""
    return [gap.message for gap in of(records, Gap) if gap.topic == topic]
