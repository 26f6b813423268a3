"""Facets: digests of what a node of a dbt project is made of, so that two manifests can be compared.

Asked for with the option `facets: true`. What depends on where dbt runs (target schema, database, times of parsing,
compiled SQL) is no part of a facet, nor is what only documents (descriptions, tags, owners). Macros count for every
node that calls them, through other macros too; dbt's own and the adapter's are left out, since they change with the
version of dbt and not with the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from headway.connectors.dbt.artifacts import Manifest, Metric, Part, Resource, SemanticModel
from headway.connectors.dbt.nodes import Assets
from headway.graph.model import Facets, Origin

_NO_MEANING = frozenset({"meta", "tags", "docs", "group", "persist_docs", "access", "enabled", "contract", "grants"})
"""Keys of a configuration that do not change what is built. A contract has a facet of its own."""

_SHOWN_TWICE = frozenset({"input_measures"})
"""Keys of a metric's parameters that releases of dbt fill differently from the same YAML."""

_TEST = frozenset({"test", "unit_test"})
_OWN = re.compile(r"dbt(_(postgres|redshift|snowflake|bigquery|databricks|spark|duckdb|trino|athena|fabric))?")
"""Packages whose macros come with dbt."""

_NOTHING = msgspec.Raw(b"null")
"""Stands for what is absent. Parts that few nodes need are kept as they came and read when they are."""

_encode = msgspec.json.Encoder(order="sorted").encode

_MANY = 1 << 17
_CODE: dict[bytes, str] = {}


class Called(Part):
    """What a node depends on, macros included."""

    nodes: list[str] = msgspec.field(default_factory=list)
    macros: Any = None


class FacetResource(Resource):
    """A resource with what its facets are made from."""

    depends_on: Called | None = None  # type: ignore[assignment]
    raw_code: Any = None
    raw_sql: Any = None
    checksum: Any = None
    columns: msgspec.Raw = _NOTHING
    contract: Any = None
    constraints: Any = None
    unrendered_config: msgspec.Raw = _NOTHING
    unrendered_database: Any = None
    unrendered_schema: Any = None
    freshness: msgspec.Raw = _NOTHING
    loaded_at_field: Any = None
    loaded_at_query: Any = None
    external: Any = None
    test_metadata: msgspec.Raw = _NOTHING


class Macro(Part):
    """A macro."""

    name: str = ""
    package_name: str | None = None
    macro_sql: Any = None
    depends_on: Called | None = None


class FacetManifest(Manifest):
    """manifest.json with what facets are made from."""

    nodes: dict[str, FacetResource] = msgspec.field(default_factory=dict)  # type: ignore[assignment]
    sources: dict[str, FacetResource] = msgspec.field(default_factory=dict)  # type: ignore[assignment]
    unit_tests: dict[str, FacetResource] = msgspec.field(default_factory=dict)  # type: ignore[assignment]
    macros: dict[str, Macro] = msgspec.field(default_factory=dict)


def facets(manifest: Manifest, assets: Assets, file: str) -> Iterator[Facets]:
    """The facets of every asset that has any. `manifest` is a FacetManifest; one that is not has none."""
    if not isinstance(manifest, FacetManifest):
        return
    macros = _Macros(manifest)
    tests = _tests(manifest)
    origin = Origin("dbt", file)
    for uid, node in assets.known.items():
        resource = _resource(manifest, uid)
        found = dict(_of(resource, node.meta.get("definition"))) if resource is not None else {}
        if isinstance(resource, FacetResource):
            found |= macros.of(resource.depends_on)
        found |= tests.get(uid, {})
        if found:
            yield Facets(node=f"dbt:{uid}", digests=found, origin=origin)


def _resource(manifest: Manifest, uid: str) -> Resource | None:
    for section in (manifest.nodes, manifest.sources, manifest.metrics, manifest.semantic_models):
        if uid in section:
            found: Resource = section[uid]
            return found
    return None


def _of(resource: Resource, definition: Any) -> Iterator[tuple[str, str]]:
    if isinstance(resource, Metric):
        params = resource.type_params
        if isinstance(params, dict):
            params = {k: v for k, v in params.items() if k not in _SHOWN_TWICE}
        read = definition if isinstance(definition, dict) else {}
        told = {k: v for k, v in read.items() if k not in {"filter", "over"}}
        yield "definition", _digest([resource.type, params, told])
        if resource.filter or read.get("filter"):
            yield "filter", _digest([resource.filter, read.get("filter")])
        if "over" in read:
            yield "table", _digest(str(read["over"]))
    elif isinstance(resource, SemanticModel):
        yield "definition", _digest([resource.primary_entity, resource.defaults])
        for what, items in (("entity", resource.entities), ("dimension", resource.dimensions)):
            for item in items if isinstance(items, list) else []:
                if isinstance(item, dict) and isinstance(item.get("name"), str):
                    said = {k: item.get(k) for k in ("type", "expr", "type_params", "is_partition", "role")}
                    yield f"{what} {item['name']}", _digest(said)
    elif isinstance(resource, FacetResource):
        yield from _of_table(resource)


def _of_table(resource: FacetResource) -> Iterator[tuple[str, str]]:
    kind = resource.resource_type
    if kind == "source":
        place = [resource.unrendered_database, resource.unrendered_schema, resource.identifier, resource.external]
        yield "source", _digest(place)
        limits = _mapping(resource.freshness)
        if any(isinstance(v, dict) and v.get("count") for v in limits.values()):
            yield "freshness", _digest([limits, resource.loaded_at_field, resource.loaded_at_query])
        return
    if kind == "seed":
        if checksum := _checksum(resource.checksum):
            yield "data", _digest(checksum)
    else:
        yield "SQL", _of_code(str(resource.raw_code or resource.raw_sql or ""))
    yield "config", _of_config(bytes(resource.unrendered_config))
    if isinstance(resource.contract, dict) and resource.contract.get("enforced"):
        yield "contract", _digest(resource.constraints)
        for name, column in _mapping(resource.columns).items():
            if isinstance(column, dict):
                yield f"column {name}", _digest([column.get("data_type"), column.get("constraints")])


def _tests(manifest: FacetManifest) -> dict[str, dict[str, str]]:
    """Unique id of what is tested -> facets of its tests."""
    found: dict[str, dict[str, str]] = {}
    for test in (*manifest.nodes.values(), *manifest.unit_tests.values()):
        kind = test.resource_type
        if kind not in _TEST:
            continue
        above = test.depends_on.nodes if test.depends_on else []
        tested = test.attached_node or test.tested_node_unique_id or (above[0] if len(above) == 1 else "")
        if not tested:
            continue
        found.setdefault(tested, {})[f"{kind.replace('_', ' ')} {test.name}"] = _of_test(test)
    return found


def _of_test(test: FacetResource) -> str:
    metadata, config = bytes(test.test_metadata), bytes(test.unrendered_config)
    if test.resource_type != "unit_test" and (digest := _of_generic(metadata, config)):
        return digest
    generic = _mapping(metadata)
    asked = [generic.get("name"), generic.get("kwargs")] if generic else test.raw_code
    return _digest([asked, _meaning(config), test.checksum if test.resource_type == "unit_test" else None])


class _Macros:
    """Digests of the macros that a node calls, through other macros too."""

    def __init__(self, manifest: FacetManifest) -> None:
        own = {
            uid: macro
            for uid, macro in manifest.macros.items()
            if isinstance(macro.macro_sql, str) and not _OWN.fullmatch(macro.package_name or "")
        }
        self._below = {uid: _called(macro.depends_on) for uid, macro in own.items()}
        self._digests = {uid: (f"macro {macro.name}", _of_code(str(macro.macro_sql))) for uid, macro in own.items()}

    def of(self, depends_on: Called | None) -> dict[str, str]:
        """Facets of the macros of the project and its packages that something calls."""
        if not self._digests or depends_on is None or not depends_on.macros:
            return {}
        found: dict[str, str] = {}
        todo = list(_called(depends_on))
        met = set(todo)
        while todo:
            uid = todo.pop()
            if uid in self._digests:
                name, digest = self._digests[uid]
                found[name] = digest
                fresh = [m for m in self._below[uid] if m not in met]
                met.update(fresh)
                todo += fresh
        return found


def _called(depends_on: Called | None) -> Iterable[str]:
    macros = depends_on.macros if depends_on else None
    return [m for m in macros if isinstance(m, str)] if isinstance(macros, list) else []


def _checksum(value: Any) -> str:
    """The checksum of a seed's data; '' where dbt gave only its path, because the file is large."""
    said = value if isinstance(value, dict) else {}
    return "" if said.get("name") in {"path", "none", None} else str(said.get("checksum") or "")


# Two manifests that are compared agree in nearly everything, and so do the parts of one: what was met is known.


@lru_cache(maxsize=_MANY)
def _of_generic(metadata: bytes, config: bytes) -> str:
    """The digest of a generic test; '' where it is none."""
    generic = _mapping(metadata)
    return _digest([[generic.get("name"), generic.get("kwargs")], _meaning(config), None]) if generic else ""


@lru_cache(maxsize=_MANY)
def _of_config(config: bytes) -> str:
    return _digest(_meaning(config))


def _of_code(code: str) -> str:
    """The digest of code. Code is long, so that what is remembered of it is a digest of how it was laid out."""
    key = blake2b(code.encode(errors="replace"), digest_size=16).digest()
    found = _CODE.get(key)
    if found is None:
        if len(_CODE) >= _MANY:
            _CODE.clear()
        found = _CODE[key] = _digest(_plain(code))
    return found


def _meaning(config: bytes) -> dict[str, Any]:
    """What of a configuration changes what is built, as the project wrote it."""
    return {k: v for k, v in _mapping(config).items() if k not in _NO_MEANING}


def _mapping(raw: msgspec.Raw | bytes) -> dict[str, Any]:
    """A part that was kept as it came; {} where it is no mapping."""
    data = bytes(raw)
    if data in {b"null", b"{}"}:
        return {}
    found = msgspec.json.decode(data)
    return found if isinstance(found, dict) else {}


def _plain(code: str) -> str:
    """Code with runs of white space outside of quotes made one: laying SQL out anew is no change."""
    parts = code.split("'")
    return "'".join(part if k % 2 else " ".join(part.split()) for k, part in enumerate(parts))


def _digest(value: Any) -> str:
    return blake2b(
        value.encode(errors="replace") if isinstance(value, str) else _encode(value), digest_size=8
    ).hexdigest()
