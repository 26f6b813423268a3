"""Which things of DataHub an asset is: their urns, made as DataHub's own sources of dbt and of BI tools make them.

| here | there |
|---|---|
| a table of dbt | `urn:li:dataset:(urn:li:dataPlatform:dbt,db.schema.table,PROD)` |
| the same in the warehouse | `urn:li:dataset:(urn:li:dataPlatform:snowflake,db.schema.table,PROD)` |
| a semantic model of dbt | a dataset of dbt, by its unique id |
| an exposure of dbt | `urn:li:dashboard:(dbt,exposure.shop.board)` |
| Superset, Metabase | dashboards and charts by their number |
| Looker | `dashboards.<id>`; tiles and Looks as `dashboard_elements.<id>` |
| Power BI | `reports.<id>` and `dashboards.<id>` |

Metrics have no urn by default there. Sheets and dashboards of Tableau have an id there that Tableau's REST API does not
tell, and that is not known here.
"""

from __future__ import annotations

import re

from headway.graph.model import Node
from headway.sinks.catalog import CatalogAsset
from headway.sinks.datahub_settings import Settings

_TABLES = frozenset({"source", "seed", "snapshot", "model"})
_IN_URL = re.compile(r"/superset/dashboard/(\d+)(?:/|\?|$)")
_SLICE = re.compile(r"slice_id(?:=|%22%3A|%3D)(\d+)")
_LONGEST = 500
"""Characters of a urn at most; DataHub takes 512."""


def urns_of(asset: CatalogAsset, settings: Settings) -> tuple[str, ...]:
    """Urns of an asset, each once; () for what is not known there."""
    found: dict[str, None] = {}
    node = asset.node
    if node.relation and node.kind in _TABLES and node.id.startswith("dbt:"):
        found |= dict.fromkeys(_tables(node, settings))
    for one in asset.ids:
        tool, _, reference = one.partition(":")
        if urn := _other(tool, reference, node, settings):
            found[urn] = None
    return tuple(urn for urn in found if len(urn) <= _LONGEST)


def entity_type(urn: str) -> str:
    """`dataset` for `urn:li:dataset:(...)`."""
    return urn.split(":", 3)[2]


def platform(urn: str) -> str:
    """Where an asset lives: `snowflake`, `dbt`, `superset`."""
    return urn.partition("(")[2].partition(",")[0].rpartition(":")[2]


def _tables(node: Node, settings: Settings) -> list[str]:
    name = node.relation.lower() if settings.lowercase else node.relation
    found = []
    if settings.of_dbt:
        found.append(_dataset("dbt", name, settings.instances.get("dbt", ""), settings))
    if settings.of_warehouse:
        found.append(_dataset(settings.platform, name, settings.platform_instance, settings))
    return found


def _other(tool: str, reference: str, node: Node, settings: Settings) -> str:
    """The urn of what is no table; '' where there is none."""
    kind, _, key = reference.partition(".")
    if tool == "dbt":
        return _of_dbt(kind, reference, settings)
    number = {"superset": _superset, "metabase": _number, "looker": _looker, "powerbi": _powerbi}.get(tool)
    if kind not in {"dashboard", "chart"} or number is None:
        return ""
    name = number(kind, key, node)
    return _shown(kind, tool, name, settings) if name else ""


def _of_dbt(kind: str, unique_id: str, settings: Settings) -> str:
    if kind == "exposure":
        return _shown("dashboard", "dbt", unique_id, settings)
    if kind == "semantic_model" and settings.of_dbt:
        name = unique_id.lower() if settings.lowercase else unique_id
        return _dataset("dbt", name, settings.instances.get("dbt", ""), settings)
    return ""


def _superset(kind: str, key: str, node: Node) -> str:
    """Its number, which stands in its address where only its uuid is known."""
    if key.isdecimal():
        return key
    found = (_IN_URL if kind == "dashboard" else _SLICE).search(node.url)
    return found[1] if found else ""


def _number(kind: str, key: str, node: Node) -> str:  # noqa: ARG001 - called as the others are
    return key if key.isdecimal() else ""


def _looker(kind: str, key: str, node: Node) -> str:  # noqa: ARG001 - called as the others are
    """A dashboard's id; of a chart the id of its Look (`look.12`) or of its tile (`<dashboard>.<tile>`)."""
    return f"dashboards.{key}" if kind == "dashboard" else f"dashboard_elements.{key.rpartition('.')[2]}"


def _powerbi(kind: str, key: str, node: Node) -> str:
    """Reports and dashboards are of one kind here; the address tells them apart."""
    if kind != "dashboard":
        return ""
    return f"dashboards.{key}" if f"/dashboards/{key}" in node.url else f"reports.{key}"


def _dataset(platform: str, name: str, instance: str, settings: Settings) -> str:
    from datahub.emitter.mce_builder import make_dataset_urn_with_platform_instance

    return str(make_dataset_urn_with_platform_instance(platform, name, instance or None, settings.env))


def _shown(kind: str, platform: str, name: str, settings: Settings) -> str:
    from datahub.emitter.mce_builder import make_chart_urn, make_dashboard_urn

    make = make_dashboard_urn if kind == "dashboard" else make_chart_urn
    return str(make(platform, name, settings.instances.get(platform) or None))
