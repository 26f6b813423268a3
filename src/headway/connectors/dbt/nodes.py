"""Assets of a dbt project as nodes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from headway.answer import plural
from headway.connectors.dbt.artifacts import (
    Disabled,
    Exposure,
    Manifest,
    Metric,
    OwnerPart,
    Resource,
    SavedQuery,
    SemanticModel,
)
from headway.connectors.dbt.definitions import Definitions
from headway.connectors.dbt.exported import is_exported
from headway.connectors.dbt.measures import Measures
from headway.connectors.dbt.owners import Owners
from headway.connectors.dbt.semantics import reached_by
from headway.connectors.dbt.stated import Stated, headway_meta, merged_meta
from headway.graph.model import KINDS, Gap, Node, Origin

TABLES = frozenset({"model", "seed", "snapshot"})
"""Resource types under `nodes` that are assets."""

CHECKS = frozenset({"test", "unit_test"})

NOT_ASSETS = CHECKS | {
    "analysis",
    "operation",
    "function",
    "macro",
    "doc",
    "group",
    "sql_operation",
    "sql operation",
    "rpc",
}
"""Resource types that are no assets: health, or work files."""

_EXPOSURES = frozenset({"dashboard", "notebook", "analysis", "application", "ml"})
_OUTSIDE = frozenset({"application", "ml"})
_QUOTES = str.maketrans("", "", '"`[]')


class Assets:
    """Builds nodes. `known` has the enabled ones by unique id, `disabled` the ids of the others."""

    def __init__(self, manifest: Manifest, owners: Owners, file: str) -> None:
        self.known: dict[str, Node] = {}
        self.disabled: dict[str, Node] = {}
        self.objectives: dict[str, Exposure] = {}
        """Exposures that declare an objective; they are goals, not assets."""
        self.exported: dict[str, Exposure] = {}
        """Those that Headway wrote itself."""
        self.stand_ins: dict[str, Metric] = {}
        """Metrics that Headway wrote: each stands for the one that it is made of, and is no asset."""
        self.gaps: list[Gap] = []
        self._manifest = manifest
        self._owners = owners
        self._file = file
        self._origins: dict[str, Origin] = {}
        self._measures = Measures(manifest)
        self._definitions = Definitions(manifest)

    def build(self, switched_off: list[Disabled]) -> None:
        """Fill `known`, `disabled`, `objectives` and `gaps`."""
        manifest = self._manifest
        for uid, source in manifest.sources.items():
            self._add(uid, source, "source", relation=relation_of(source))
        unknown: dict[str, int] = {}
        for uid, resource in manifest.nodes.items():
            kind = resource.resource_type or uid.partition(".")[0]
            if kind in TABLES:
                self._add(uid, resource, kind, title=_version_title(resource), relation=relation_of(resource))
            elif kind not in NOT_ASSETS:
                unknown[kind] = unknown.get(kind, 0) + 1
        self._add_semantics()
        self._add_exposures()
        for kind, count in unknown.items():
            self.gaps.append(_gap(self._file, f"{plural(count, 'node')} of the unknown kind {kind[:100]!r} left out"))
        for resource in switched_off:
            self._add_disabled(resource)

    def _add_semantics(self) -> None:
        manifest = self._manifest
        for uid, model in manifest.semantic_models.items():
            self._add(uid, model, "semantic_model", title=model.label or "")
        for uid, metric in manifest.metrics.items():
            if is_exported(metric):
                self.stand_ins[uid] = metric
            else:
                self._add(uid, metric, "metric", title=metric.label or "")
        for uid, query in manifest.saved_queries.items():
            self._add(uid, query, "saved_query", title=query.label or "", relation=_export_relation(query))

    def _add_exposures(self) -> None:
        for uid, exposure in self._manifest.exposures.items():
            if is_exported(exposure):
                self.exported[uid] = exposure
            elif headway_meta(exposure).get("kind") == "objective":
                self.objectives[uid] = exposure
            else:
                self._add(uid, exposure, exposure_kind(exposure.type), **_exposure_parts(exposure))

    def owner_of(self, resource: Resource, exposure: OwnerPart | None = None) -> tuple[str, str]:
        """Owner of a resource and the rule that named it."""
        path = _path(resource)
        return self._owners.of(_group(resource), merged_meta(resource), exposure, path, resource.package_name or "")

    def origin(self, path: str) -> Origin:
        """The defining file as an origin; the manifest where no file is named."""
        found = self._origins.get(path)
        if found is None:
            found = self._origins[path] = Origin("dbt", path or self._file)
        return found

    def replace(self, uid: str, *, relation: str, materialized: str) -> None:
        """Give a known node the relation and type that the warehouse knows it by."""
        self.known[uid] = msgspec.structs.replace(self.known[uid], relation=relation, materialized=materialized)

    def _add_disabled(self, resource: Disabled) -> None:
        uid = resource.unique_id
        kind = resource.resource_type or uid.partition(".")[0]
        if uid in self.known or uid in self.disabled or uid in self.objectives:
            return
        if kind in TABLES or kind == "source":
            title = _version_title(resource)
            self._add(uid, resource, kind, title=title, relation=relation_of(resource), disabled=True)
        elif kind in ("semantic_model", "metric", "saved_query"):
            self._add(uid, resource, kind, title=resource.label or "", disabled=True)
        elif kind == "exposure" and headway_meta(resource).get("kind") != "objective":
            self._add(uid, resource, exposure_kind(resource.type), **_exposure_parts(resource), disabled=True)

    def _add(
        self,
        uid: str,
        resource: Resource,
        kind: str,
        *,
        title: str = "",
        relation: str = "",
        url: str = "",
        exposure: OwnerPart | None = None,
        disabled: bool = False,
    ) -> None:
        if not uid.strip():
            self.gaps.append(_gap(self._file, f"an entry of the kind {kind} without an id was left out"))
            return
        config = resource.config
        path = _path(resource)
        group = _group(resource)
        package = resource.package_name or ""
        meta = merged_meta(resource)
        owner, rule = self._owners.of(group, meta, exposure, path, package)
        own: Mapping[str, Any] = {}
        spine = kind == "model" and self._is_time_spine(resource)
        protected, outside, created = spine, kind in _OUTSIDE, None
        if meta and "headway" in meta:
            own = headway_meta(resource)
            stated = Stated(own, f"dbt:{uid}", resource.name, "dbt", self.origin(path), self.gaps)
            if not isinstance(meta["headway"], dict):
                stated.complain("", meta["headway"], "a mapping")
            protected = protected if (said := stated.flag("protected")) is None else said
            outside = outside if (said := stated.flag("outside")) is None else said
            created = stated.day("created")
        if config is not None and config.enabled is False:
            disabled = True
        node = Node(
            id="dbt:" + uid,
            kind=kind,
            name=resource.name or uid.rpartition(".")[2],
            title="" if title == resource.name else title,
            relation=relation,
            owner=owner,
            owner_origin=rule,
            group=group,
            tags=_tags(resource),
            url=url,
            description=resource.description or "",
            path=path,
            package=package,
            materialized=(config.materialized or "") if config is not None else "",
            disabled=disabled,
            deprecated=self._deprecated(uid, resource) if resource.deprecation_date else "",
            created=created,
            protected=protected,
            outside=outside,
            aggregates=self._measures.of(resource) if isinstance(resource, Metric) else (),
            reached_by=reached_by(resource) if isinstance(resource, SemanticModel) else (),
            meta={**self._meta(own, resource), "time_spine": True} if spine else self._meta(own, resource),
            origin=self.origin(path),
        )
        (self.disabled if disabled else self.known)[uid] = node

    def _is_time_spine(self, resource: Resource) -> bool:
        """Whether the project's metrics are computed along its days, of which no `depends_on` speaks."""
        known = bool(resource.time_spine) or resource.name == "metricflow_time_spine"
        return known and bool(self._manifest.metrics or self._manifest.semantic_models)

    def _meta(self, own: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
        """What the project says to Headway, and what a metric or a saved query is beyond the fields of a node."""
        if isinstance(resource, Metric) and (definition := self._definitions.of(resource)):
            return {**own, "definition": definition}
        return _with_exports(own, resource)

    def _deprecated(self, uid: str, resource: Resource) -> str:
        stated = resource.deprecation_date
        try:
            return date.fromisoformat(str(stated)[:10]).isoformat()
        except ValueError:
            message = f"{resource.name}: deprecation_date {str(stated)[:60]!r} is not a date"
            origin = self.origin(_path(resource))
            self.gaps.append(Gap(topic="dbt", message=message, node=f"dbt:{uid}", origin=origin))
            return ""


def _gap(file: str, message: str) -> Gap:
    return Gap(topic="dbt", message=f"{file}: {message}", origin=Origin("dbt", file))


def exposure_kind(stated: str | None) -> str:
    """The kind of node for an exposure's `type`; plain `exposure` for a type that dbt does not have."""
    return stated if stated in _EXPOSURES and stated in KINDS else "exposure"


def relation_of(resource: Resource) -> str:
    """`catalog.schema.table` without quotes; '' for what is never built (ephemeral models)."""
    config = resource.config
    if config is not None and config.materialized == "ephemeral":
        return ""
    if resource.relation_name:
        return resource.relation_name.translate(_QUOTES)
    name = resource.identifier or resource.alias or resource.name
    return ".".join(filter(None, (resource.database, resource.schema, name))) if resource.schema else ""


def _export_relation(query: SavedQuery) -> str:
    exports = _exports(query)
    return exports[0]["relation"] if len(exports) == 1 else ""


def _exports(query: SavedQuery) -> list[dict[str, str]]:
    """The tables that a saved query is written to, where its schema is known."""
    found = []
    for export in query.exports if isinstance(query.exports, list) else []:
        config = export.get("config") if isinstance(export, dict) else None
        if isinstance(config, dict):
            names = (config.get("database"), config.get("schema_name"), config.get("alias") or export.get("name"))
            words = [n for n in names if isinstance(n, str) and n]
            if isinstance(names[1], str) and isinstance(names[2], str):
                found.append({"relation": ".".join(words), "as": str(config.get("export_as") or "")})
    return found


def _with_exports(own: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    exports = _exports(resource) if isinstance(resource, SavedQuery) else []
    return {**own, "exports": exports} if exports else dict(own)


def _exposure_parts(exposure: Exposure | Disabled) -> dict[str, Any]:
    return {"title": exposure.label or "", "url": exposure.url or "", "exposure": exposure.owner}


def _path(resource: Resource) -> str:
    path = resource.original_file_path or ""
    return path.replace("\\", "/") if "\\" in path else path


def _group(resource: Resource) -> str:
    return resource.group or (resource.config.group if resource.config is not None else "") or ""


def _tags(resource: Resource) -> tuple[str, ...]:
    config = resource.config
    inner = config.tags if config is not None else None
    outer = resource.tags
    if not inner and not outer:
        return ()
    words: list[Any] = []
    for tags in (outer, inner):
        words += tags if isinstance(tags, list) else [tags]
    return tuple(dict.fromkeys(tag for tag in words if isinstance(tag, str) and tag))


def _version_title(resource: Resource) -> str:
    version = resource.version
    if isinstance(version, str | int | float) and not isinstance(version, bool) and version != "":
        return f"{resource.name} (v{version})"
    return ""
