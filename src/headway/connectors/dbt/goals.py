"""Goals that a dbt project declares in `config.meta.headway` of its metrics and exposures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Literal, cast

from headway.connectors.dbt.artifacts import Exposure, Manifest, Metric, OwnerPart
from headway.connectors.dbt.edges import exposure_upstream
from headway.connectors.dbt.nodes import Assets
from headway.connectors.dbt.semantics import Semantics
from headway.connectors.dbt.stated import Stated, as_number, headway_meta
from headway.graph.model import AnyRecord, Band, Binding, Edge, Gap, Node, Objective, Origin, Target, goal_id

_NAME = re.compile(r"[\w-]{1,200}")
_PERIOD = re.compile(r"(\d{4})(?:-?(?:Q([1-4])|H([12])|(\d{2})))?", re.IGNORECASE)
_AIMS = ("key_result", "target", "baseline", "due", "band", "direction", "weight")
_SHOWS = ("shows", "shown", "key_results", "key_result")
_KINDS = ("objective", "exposure", "dashboard", "notebook", "analysis", "application", "ml")
_GRAINS = ("day", "week", "month", "quarter", "year")


class Goals:
    """Reads the goals. `records` and `gaps` are filled by `build`."""

    def __init__(self, manifest: Manifest, assets: Assets, semantics: Semantics) -> None:
        self.records: list[AnyRecord] = []
        self.gaps: list[Gap] = []
        self._manifest = manifest
        self._assets = assets
        self._semantics = semantics
        self._objective_ids: dict[str, str] = {}
        """Objective's name by what people may call it: the name, or that of its exposure."""
        self._key_results: dict[str, list[tuple[str, str]]] = {}
        """Objective's name and key result's id, by the unique id of the metric."""
        self._spans: dict[str, tuple[date | None, date | None]] = {}
        """First and last day of an objective, by its name."""
        self._ids: set[str] = set()

    def build(self) -> None:
        """Fill `records` and `gaps`."""
        named = {uid: self._objective_name(uid, e) for uid, e in self._assets.objectives.items() if is_enabled(e)}
        for uid, name in named.items():
            exposure = self._assets.objectives[uid]
            if name:
                self._objective_ids[exposure.name] = self._objective_ids[name] = name
                self._spans[name] = self._span(self._stated(uid, exposure))
        for uid, metric in self._manifest.metrics.items():
            if uid in self._assets.known:
                self._declared_by_metric(uid, metric)
        for uid, name in named.items():
            if name:
                self._objective(uid, self._assets.objectives[uid], name)
        for uid, metric in self._manifest.metrics.items():
            own = headway_meta(metric)
            if own and uid in self._assets.known and "objective" not in own and uid not in self._key_results:
                if not any(aim in own for aim in _AIMS):
                    continue
                self._stated(uid, metric).report(
                    "meta.headway describes a key result, but names no objective",
                    "add `objective:`, or let the objective's exposure depend on this metric",
                )
        for uid, exposure in self._manifest.exposures.items():
            if uid in self._assets.known and headway_meta(exposure):
                self._shown(uid, exposure)

    def _stated(self, uid: str, resource: Metric | Exposure) -> Stated:
        origin = self._origin(resource)
        return Stated(headway_meta(resource), f"dbt:{uid}", resource.name, "goals", origin, self.gaps)

    def _origin(self, resource: Metric | Exposure) -> Origin:
        return self._assets.origin(resource.original_file_path or "")

    def _objective_name(self, uid: str, exposure: Exposure) -> str:
        stated = self._stated(uid, exposure)
        name = stated.text("id") or re.sub(r"^objective_{1,2}(?=.)", "", exposure.name)
        if not _NAME.fullmatch(name):
            stated.report(f"{name[:80]!r} cannot be the id of an objective: only letters, digits, _ and -")
            return ""
        goal = goal_id("objective", name)
        if goal in self._ids:
            stated.report(f"the objective {name!r} is declared twice; the first one counts")
            return ""
        self._ids.add(goal)
        return name

    def _objective_named(self, name: str) -> str:
        return self._objective_ids.get(name, name)

    def _declared_by_metric(self, uid: str, metric: Metric) -> None:
        stated = self._stated(uid, metric)
        if "objective" not in stated:
            return
        said = stated.text("objective")
        if not said:
            return
        name = self._objective_named(said)
        if not _NAME.fullmatch(name):
            stated.report(f"{name[:80]!r} cannot be the id of an objective: only letters, digits, _ and -")
            return
        self._key_result(uid, metric, name, stated)

    def _key_result(self, uid: str, metric: Metric, objective: str, stated: Stated) -> None:
        """A key result measured by this metric, below an objective."""
        name = stated.text("key_result") or metric.name
        if not _NAME.fullmatch(name):
            stated.report(f"{name[:80]!r} cannot be the id of a key result: only letters, digits, _ and -")
            return
        goal = goal_id("key_result", objective, name)
        if goal in self._ids:
            stated.report(f"the key result {objective}.{name} is declared twice; the first one counts")
            return
        self._ids.add(goal)
        self._key_results.setdefault(uid, []).append((objective, goal))
        asset = self._assets.known[uid]
        above = goal_id("objective", objective)
        owner = stated.text("owner") if isinstance(stated.raw("owner"), str) else ""
        self.records += [
            Node(
                id=goal,
                kind="key_result",
                name=name,
                title=stated.text("title") or asset.title,
                owner=owner or asset.owner,
                owner_origin="meta" if owner else asset.owner_origin,
                group=asset.group,
                tags=asset.tags,
                url=stated.text("url"),
                description=stated.text("description") or asset.description,
                path=asset.path,
                package=asset.package,
                created=stated.day("created"),
                origin=asset.origin,
            ),
            self._target(goal, objective, metric.name, stated, asset.origin),
            Edge(upstream=asset.id, downstream=goal, origin=asset.origin),
            Edge(upstream=goal, downstream=above, role="supports", origin=asset.origin),
        ]

    def _target(self, goal: str, objective: str, metric: str, stated: Stated, origin: Origin) -> Target:
        baseline, target = stated.number("baseline"), stated.number("target")
        if target is not None and baseline == target:
            stated.report(f"baseline and target are both {target:g}; the baseline is ignored")
            baseline = None
        weight = stated.number("weight")
        if weight is not None and weight < 0:
            stated.complain("weight", weight, "0 or more")
            weight = None
        band = _band(stated)
        direction = stated.choice("direction", ("increase", "decrease", "maintain"))
        if not direction:
            direction = _direction(baseline, target, band)
        start, end = self._spans.get(objective, (None, None))
        shape = stated.choice("shape", ("linear", "front", "back"))
        return Target(
            key_result=goal,
            objective=goal_id("objective", objective),
            weight=1.0 if weight is None else weight,
            baseline=baseline,
            target=target,
            commit=stated.number("commit"),
            stretch=stated.number("stretch"),
            band=band,
            direction=cast("Literal['increase', 'decrease', 'maintain', '']", direction),
            unit=stated.text("unit"),
            start=stated.day("start") or start,
            due=stated.day("due") or end,
            shape=cast("Literal['linear', 'front', 'back']", shape or "linear"),
            binding=Binding(
                metric=metric,
                grain=stated.choice("grain", _GRAINS),
                where=tuple(stated.names("where")),
                dimensions=tuple(stated.names("dimensions")),
            ),
            draft=stated.flag("draft") or False,
            origin=origin,
        )

    def _objective(self, uid: str, exposure: Exposure, name: str) -> None:
        stated = self._stated(uid, exposure)
        goal = goal_id("objective", name)
        origin = self._origin(exposure)
        parent = self._parent(stated, name)
        self.records.append(self._objective_node(exposure, goal, name, stated, origin))
        self.records.append(self._objective_record(goal, name, parent, stated, origin))
        if parent:
            self.records.append(Edge(upstream=goal, downstream=parent, role="supports", origin=origin))
        others = 0
        for above in exposure_upstream(exposure, self._semantics):
            metric = self._manifest.metrics.get(above)
            if metric is None or above not in self._assets.known:
                others += above in self._assets.known
                continue
            existing = self._key_results.get(above)
            if not existing:
                self._key_result(above, metric, name, self._stated(above, metric))
                continue
            for objective, key_result in existing:
                if objective != name:
                    self.records.append(Edge(upstream=key_result, downstream=goal, role="supports", origin=origin))
        if others:
            what = "asset that is no metric" if others == 1 else "assets that are no metrics"
            stated.report(
                f"the objective depends on {others:,} {what}; assets serve an objective only through a key result",
                "let its exposure depend on metrics",
            )

    def _parent(self, stated: Stated, name: str) -> str:
        parent = self._objective_named(stated.text("parent"))
        if not parent:
            return ""
        if not _NAME.fullmatch(parent) or parent == name:
            stated.complain("parent", parent, "the id of another objective")
            return ""
        return goal_id("objective", parent)

    def _objective_node(self, exposure: Exposure, goal: str, name: str, stated: Stated, origin: Origin) -> Node:
        part = exposure.owner or OwnerPart()
        owner, rule = self._assets.owner_of(exposure, part)
        return Node(
            id=goal,
            kind="objective",
            name=name,
            title=exposure.label or stated.text("title"),
            owner=owner,
            owner_origin=rule,
            group=exposure.group or "",
            tags=tuple(t for t in exposure.tags if isinstance(t, str)) if isinstance(exposure.tags, list) else (),
            url=exposure.url or "",
            description=exposure.description or "",
            path=exposure.original_file_path or "",
            package=exposure.package_name or "",
            created=stated.day("created"),
            meta=dict(headway_meta(exposure)),
            origin=origin,
        )

    def _span(self, stated: Stated) -> tuple[date | None, date | None]:
        start, end = period_days(stated.text("period" if "period" in stated else "cycle"))
        start, end = stated.day("start") or start, stated.day("end") or end
        if start and end and end < start:
            stated.report(f"the end {end} is before the start {start}; both are ignored")
            return None, None
        return start, end

    def _objective_record(self, goal: str, name: str, parent: str, stated: Stated, origin: Origin) -> Objective:
        start, end = self._spans[name]
        weight = stated.number("weight")
        state = stated.choice("state", ("draft", "active", "ended"))
        return Objective(
            objective=goal,
            start=start,
            end=end,
            period=stated.text("period" if "period" in stated else "cycle"),
            weight=weight if weight is not None and weight >= 0 else 1.0,
            parent=parent,
            standing=stated.flag("standing") or False,
            limit=stated.count("limit"),
            state=cast("Literal['', 'draft', 'active', 'ended']", state),
            order=stated.count("order") or 0,
            origin=origin,
        )

    def _shown(self, uid: str, exposure: Exposure) -> None:
        """Links from an exposure to the goals it says it shows."""
        stated = self._stated(uid, exposure)
        stated.choice("kind", _KINDS)
        node = self._assets.known[uid]
        objective = self._objective_named(stated.text("objective")) if "objective" in stated else ""
        ends: dict[str, None] = {}
        for key in _SHOWS:
            for item in _shown_items(stated, key):
                end = self._goal_end(item, objective, key, stated)
                if end:
                    ends[end] = None
        if objective and not any(key in stated for key in _SHOWS):
            if _NAME.fullmatch(objective):
                ends[goal_id("objective", objective)] = None
            else:
                stated.complain("objective", objective, "the id of an objective")
        self.records += [Edge(upstream=node.id, downstream=end, role="shows", origin=node.origin) for end in ends]

    def _goal_end(self, item: str, objective: str, key: str, stated: Stated) -> str:
        """Id of a key result given as `objective.key_result`, or a reference for a bare name."""
        first, dot, second = item.partition(".")
        if not dot:
            first, second = objective, item
        if not _NAME.fullmatch(second) or (first and not _NAME.fullmatch(first)):
            stated.complain(key, item, "the name of a key result, or objective.key_result")
            return ""
        return goal_id("key_result", self._objective_named(first), second) if first else f"ref:key_result/{second}"


def period_days(period: str) -> tuple[date | None, date | None]:
    """First and last day of `2026`, `2026-H1`, `2026-Q4` or `2026-11`; (None, None) for any other text."""
    match = _PERIOD.fullmatch(period.strip())
    if not match:
        return None, None
    year, quarter, half, month = match.groups()
    first, months = 1, 12
    if quarter:
        first, months = 3 * int(quarter) - 2, 3
    elif half:
        first, months = 6 * int(half) - 5, 6
    elif month:
        first, months = int(month), 1
    try:
        start = date(int(year), first, 1)
        after = date(start.year + (first + months - 1) // 12, (first + months - 1) % 12 + 1, 1)
    except ValueError:
        return None, None
    return start, after - timedelta(days=1)


def is_enabled(exposure: Exposure) -> bool:
    """Whether the exposure counts; an objective that is switched off declares nothing."""
    return exposure.config is None or exposure.config.enabled is not False


def _direction(baseline: float | None, target: float | None, band: Band | None) -> str:
    if band is not None:
        return "maintain"
    if baseline is None or target is None:
        return ""
    return "increase" if target > baseline else "decrease"


def _band(stated: Stated) -> Band | None:
    """`band: [low, high]` or `{low, high, tolerance}`."""
    value = stated.raw("band")
    if value is None:
        return None
    parts: Mapping[str, Any] = value if isinstance(value, dict) else {}
    if isinstance(value, list) and len(value) == 2:
        parts = {"low": value[0], "high": value[1]}
    low, high = as_number(parts.get("low")), as_number(parts.get("high"))
    tolerance = as_number(parts.get("tolerance", 0))
    odd = any(parts.get(k) is not None and n is None for k, n in (("low", low), ("high", high)))
    closed = low is not None and high is not None
    if odd or tolerance is None or tolerance < 0 or (low is None and high is None) or (closed and low > high):  # type: ignore[operator]
        stated.complain("band", value, "a band such as [95, 99.9]")
        return None
    return Band(low, high, tolerance)


def _shown_items(stated: Stated, key: str) -> list[str]:
    """Names under one key; a mapping {objective, key_result} is read as `objective.key_result`."""
    value = stated.raw(key)
    items = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            parts = [p for p in (item.get("objective"), item.get("key_result")) if isinstance(p, str) and p]
            if parts and isinstance(item.get("key_result"), str):
                items.append(".".join(parts))
                continue
        if isinstance(item, str) and item.strip():
            items.append(item.strip())
        elif item is not None:
            stated.complain(key, item, "the name of a key result, or objective.key_result")
    return items
