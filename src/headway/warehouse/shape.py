"""What kind of metric it is, as far as asking for it is concerned: which window, which grain, what may be added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headway.warehouse.manifest import inputs, measures
from headway.warehouse.periods import GRAINS

_ADDITIVE = frozenset({"sum", "count", "sum_boolean"})


@dataclass(frozen=True, slots=True)
class Shape:
    """How a metric behaves over time."""

    additive: bool = False
    """The value of a window is the sum of the values of its days."""
    cumulative: bool = False
    """Every part accumulates, so the value of a period is the value of its last day."""
    mixed: bool = False
    """Some parts accumulate and some do not: at a coarser grain than a day the two do not fit together."""
    offset: bool = False
    """Compares with an earlier period, so it exists only per period."""
    offset_grain: str = ""
    """The finest grain of what it is offset by: only periods of this grain begin where the earlier ones did."""
    spine: bool = False
    """Yields rows for days without data, and for the future."""
    finest: str = "day"
    """The finest grain that every part is dated at, a day at most."""
    clocks: tuple[tuple[str, str], ...] = field(default=())
    """(quoted relation, SQL of its time) of every semantic model that dates its rows."""


def shape_of(semantic: Mapping[str, Any], name: str) -> Shape:
    """The shape of a metric of a semantic manifest. Cycles in a broken manifest are left to MetricFlow to refuse."""
    metrics = {str(m.get("name")): m for m in semantic.get("metrics") or []}
    walk = _Walk(metrics, list(semantic.get("semantic_models") or []))
    walk.visit(name, frozenset())
    only = metrics.get(name, {})
    averaged = any(agg == "average" for agg in walk.period_aggs)
    accumulates = walk.cumulative > 0 and not averaged
    return Shape(
        additive=only.get("type") == "simple" and not walk.spine and walk.additive,
        cumulative=accumulates and walk.plain == 0,
        mixed=accumulates and walk.plain > 0,
        offset=walk.offset,
        offset_grain=min(walk.offset_grains, key=GRAINS.index, default=""),
        spine=walk.spine or walk.offset or walk.cumulative > 0,
        finest=max(walk.grains, key=GRAINS.index, default="day"),
        clocks=tuple(dict.fromkeys(walk.clocks)),
    )


class _Walk:
    """Visits the parts of a metric and takes notes."""

    def __init__(self, metrics: Mapping[str, dict[str, Any]], models: list[dict[str, Any]]) -> None:
        self._metrics = metrics
        self._models = models
        self.plain = 0
        self.cumulative = 0
        self.offset = False
        self.spine = False
        self.additive = True
        self.period_aggs: list[str] = []
        self.offset_grains: list[str] = []
        self.grains: list[str] = []
        self.clocks: list[tuple[str, str]] = []

    def visit(self, name: str, above: frozenset[str], accumulating: bool = False) -> None:
        metric = self._metrics.get(name)
        if metric is None or name in above:
            return
        params = metric.get("type_params") or {}
        if metric.get("type") == "cumulative":
            accumulating = True
            self.cumulative += 1
            agg = (params.get("cumulative_type_params") or {}).get("period_agg")
            self.period_aggs.append(str(agg or "first").lower())
        elif metric.get("type") in {"simple", "conversion"} and not accumulating:
            self.plain += 1
        if params.get("join_to_timespine") or params.get("fill_nulls_with") is not None:
            self.spine = True
        for measure in measures(metric):
            if measure.get("join_to_timespine") or measure.get("fill_nulls_with") is not None:
                self.spine = True
            self._measure(str(measure.get("name")))
        if aggregation := params.get("metric_aggregation_params"):
            model = next((m for m in self._models if m.get("name") == aggregation.get("semantic_model")), {})
            self._aggregation(model, aggregation)
        for part in inputs(metric):
            self.offset = self.offset or bool(part.get("offset_window") or part.get("offset_to_grain"))
            grain = (part.get("offset_window") or {}).get("granularity")
            self.offset_grains += [grain] if grain in GRAINS else []
            self.offset_grains += ["day"] if part.get("offset_to_grain") else []  # periods begin on days, not on weeks
            self.visit(str(part.get("name")), above | {name}, accumulating)

    def _measure(self, name: str) -> None:
        for model in self._models:
            for measure in model.get("measures") or []:
                if measure.get("name") == name:
                    self._aggregation(model, measure)
                    return

    def _aggregation(self, model: Mapping[str, Any], aggregation: Mapping[str, Any]) -> None:
        if str(aggregation.get("agg")).lower() not in _ADDITIVE or aggregation.get("non_additive_dimension"):
            self.additive = False
        time = aggregation.get("agg_time_dimension") or (model.get("defaults") or {}).get("agg_time_dimension")
        relation = (model.get("node_relation") or {}).get("relation_name")
        for dimension in model.get("dimensions") or []:
            if dimension.get("name") == time and relation:
                self.clocks.append((str(relation), str(dimension.get("expr") or time)))
                grain = (dimension.get("type_params") or {}).get("time_granularity")
                self.grains.append(grain if grain in GRAINS else "day")
