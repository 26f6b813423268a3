"""Edges of a dbt project: what is declared, and what the filters of metrics join."""

from __future__ import annotations

from collections.abc import Iterable

from headway.answer import listed, plural
from headway.connectors.dbt.artifacts import Exposure, Manifest, Resource
from headway.connectors.dbt.nodes import NOT_ASSETS, Assets
from headway.connectors.dbt.semantics import Reference, Semantics, filters_of_metric, filters_of_query
from headway.graph.model import Edge, Evidence, Gap, Node, Origin


class Wiring:
    """Builds edges between known assets. `gaps` says which ends were missing and which filters fitted nothing."""

    def __init__(self, manifest: Manifest, assets: Assets, semantics: Semantics, file: str) -> None:
        self.edges: list[Edge] = []
        self.gaps: list[Gap] = []
        self._manifest = manifest
        self._assets = assets
        self._known = assets.known
        self._semantics = semantics
        self._file = file
        self._gone: dict[str, str] = {}
        self._off: dict[str, str] = {}
        self._declared: dict[str, list[str]] = {}
        """Upstream unique ids of metrics and saved queries."""

    def build(self) -> None:
        """Fill `edges` and `gaps`."""
        manifest, known = self._manifest, self._known
        for uid, node in manifest.nodes.items():
            if uid in known and node.depends_on is not None and node.depends_on.nodes:
                self._connect(known[uid], self._without_functions(node.depends_on.nodes))
        for uid, model in manifest.semantic_models.items():
            if uid in known:
                self._connect(known[uid], [*_listed(model), *self._semantics.upstream_of_semantic_model(model)])
        for uid, metric in manifest.metrics.items():
            self._declared[uid] = list(dict.fromkeys([*_listed(metric), *self._semantics.upstream_of_metric(metric)]))
        for uid, query in manifest.saved_queries.items():
            params = query.query_params if isinstance(query.query_params, dict) else {}
            named = self._semantics.metrics_named(params.get("metrics"))
            self._declared[uid] = list(dict.fromkeys([*_listed(query), *named]))
        for uid, upstream in self._declared.items():
            if uid in known:
                self._connect(known[uid], upstream)
        self._connect_filters()
        for uid, exposure in manifest.exposures.items():
            if uid in known:
                self._connect(known[uid], exposure_upstream(exposure, self._semantics))
        self._report_missing()

    def _connect(self, node: Node, upstream: Iterable[str], evidence: Evidence = "declared") -> None:
        known, edges = self._known, self.edges
        downstream, origin = node.id, node.origin
        for uid in dict.fromkeys(self._without_stand_ins(upstream)):
            above = known.get(uid)
            if above is node:
                continue
            if above is not None:
                edges.append(Edge(upstream=above.id, downstream=downstream, evidence=evidence, origin=origin))
            elif uid in self._assets.disabled:
                self._off.setdefault(uid, node.name)
            elif uid.partition(".")[0] not in NOT_ASSETS and uid not in self._manifest.nodes:
                self._gone.setdefault(uid, node.name)

    def _without_stand_ins(self, upstream: Iterable[str]) -> Iterable[str]:
        """Put in place of each metric that Headway wrote the metric that it is made of."""
        stand_ins = self._assets.stand_ins
        if not stand_ins:
            return upstream
        found: list[str] = []
        for uid in upstream:
            metric = stand_ins.get(uid)
            found += [uid] if metric is None else [u for u in _listed(metric) if u not in stand_ins]
        return found

    def _without_functions(self, upstream: list[str]) -> list[str]:
        """Put in place of each function what that function reads: functions are no assets, but data flows through."""
        functions = self._manifest.functions
        if not functions:
            return upstream
        found: dict[str, None] = {}
        met: set[str] = set()
        waiting = list(reversed(upstream))
        while waiting:
            uid = waiting.pop()
            function = functions.get(uid)
            if function is None:
                found[uid] = None
            elif uid not in met:
                met.add(uid)
                waiting += reversed(_listed(function))
        return list(found)

    def _connect_filters(self) -> None:
        for uid, metric in self._manifest.metrics.items():
            if uid in self._known:
                self._connect_filter(uid, *filters_of_metric(metric))
        for uid, query in self._manifest.saved_queries.items():
            if uid in self._known:
                self._connect_filter(uid, *filters_of_query(query))

    def _connect_filter(self, uid: str, references: list[Reference], complete: bool) -> None:
        if not references and complete:
            return
        node = self._known[uid]
        own = self._reached(uid)
        found, unresolved = self._semantics.joined_by(references, own)
        self._connect(node, found, "parsed")
        problems = []
        if unresolved:
            problems.append(f"the filter names {listed(unresolved)}, which no semantic model has")
        if not complete:
            problems.append("a part of the filter could not be read")
        for problem in problems:
            message = f"{node.name}: {problem}: what it joins is not in the lineage"
            self.gaps.append(Gap(topic="lineage", message=message, node=node.id, origin=node.origin))

    def _reached(self, uid: str) -> set[str]:
        """The metric or saved query itself and everything of the semantic layer above it."""
        met = {uid}
        waiting = [uid]
        while waiting:
            for above in self._declared.get(waiting.pop(), ()):
                if above not in met:
                    met.add(above)
                    waiting.append(above)
        return met

    def _report_missing(self) -> None:
        for missing, what, hint in (
            (self._gone, "not in the manifest", "was a package removed? run `dbt deps` and `dbt parse`"),
            (self._off, "disabled", ""),
        ):
            if missing:
                examples = listed([f"{uid[:200]} (used by {by[:200]})" for uid, by in missing.items()])
                count = plural(len(missing), "upstream node is", "upstream nodes are")
                message = f"{self._file}: {count} {what}: {examples}"
                self.gaps.append(Gap(topic="lineage", message=message, hint=hint, origin=Origin("dbt", self._file)))


def exposure_upstream(exposure: Exposure, semantics: Semantics) -> list[str]:
    """What an exposure depends on: dbt 1 lists metrics in `depends_on`, dbt 2 only under `metrics`."""
    return list(dict.fromkeys([*_listed(exposure), *semantics.metrics_named(exposure.metrics)]))


def _listed(resource: Resource) -> list[str]:
    return resource.depends_on.nodes if resource.depends_on is not None else []
