"""What a metric means, as small data: what it aggregates, over which rows, of which inputs.

It is kept in the metric's `Node.meta["definition"]`, so that metrics can be compared and their trees drawn:

    {"type": "simple", "agg": "sum", "expr": "amount", "over": "dbt:model.shop.orders", "filter": ["status = 'paid'"],
     "time": "paid_at"}
    {"type": "derived", "expr": "a - b", "inputs": [{"name": "mrr", "as": "a"}, {"name": "mrr", "as": "b",
     "offset": "1 month"}]}

`where` holds the filters of metrics that are made of others as they were written, to be asked again of their inputs.
`rows` says that a count counts rows: its expression is the key of the table. `held` is which day of a period counts.

A definition is code of the project, so it holds what the project wrote. Names in filters are SQL: a dimension of the
metric's own semantic model is its expression, any other is `entity__dimension`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headway.connectors.dbt.artifacts import Manifest, Metric

_CALL = re.compile(r"\{\{\s*(Dimension|TimeDimension|Entity|Metric)\(([^{}]*)\)[^{}()]*\}\}")
_QUOTED = re.compile(r"['\"](\w+)['\"]")
_GRAINS = frozenset("second minute hour day week month quarter year".split())  # noqa: SIM905
_UNDER = ("model.", "seed.", "snapshot.")
_LONGEST = 4_000
"""Characters of an expression or a filter; a definition with longer ones is left out."""
_DEEPEST = 12
_MOST = 50
"""Inputs and filters of a metric that are read."""


class Definitions:
    """The definitions of a project's metrics; its semantic models are indexed once."""

    def __init__(self, manifest: Manifest) -> None:
        self._measures: dict[str, tuple[str, Mapping[str, Any]]] = {}
        """Measure -> (semantic model, the measure)."""
        self._dimensions: dict[str, dict[str, str]] = {}
        """Semantic model -> dimension or entity -> SQL."""
        self._times: dict[str, str] = {}
        """Semantic model -> the dimension that dates its rows."""
        self._keys: dict[str, str] = {}
        """Semantic model -> SQL of its primary key."""
        self._tables: dict[str, str] = {}
        """Semantic model -> unique id of the model under it."""
        self._metrics = {metric.name: metric for metric in manifest.metrics.values()}
        for model in manifest.semantic_models.values():
            named = {i["name"]: _expression(i) for i in (*_named(model.dimensions), *_named(model.entities))}
            self._dimensions[model.name] = named
            depends = model.depends_on.nodes if model.depends_on else []
            self._tables[model.name] = next((uid for uid in depends if uid.startswith(_UNDER)), "")
            primary = next((i for i in _named(model.entities) if i.get("type") == "primary"), None)
            self._keys[model.name] = _expression(primary) if primary else ""
            time = _mapping(model.defaults).get("agg_time_dimension")
            self._times[model.name] = time if isinstance(time, str) else ""
            for measure in _named(model.measures):
                self._measures.setdefault(measure["name"], (model.name, measure))

    def of(self, metric: Metric) -> dict[str, Any]:
        """The definition of a metric; {} where the manifest does not hold one, as for metrics of dbt up to 1.5."""
        params = _mapping(metric.type_params)
        if not params or not isinstance(metric.type, str):
            return {}
        models = self._models(metric)
        made: dict[str, Any] = {"type": metric.type, **self._aggregation(params, metric.name)}
        measure = _mapping(params.get("measure"))
        made["filter"] = [*self._filters(metric.filter, models), *self._filters(measure.get("filter"), models)]
        made["inputs"] = list(self._inputs(params))
        if made["inputs"]:
            made["where"] = list(_templates(metric.filter))[:_MOST]
        if "agg" not in made and isinstance(params.get("expr"), str):
            made["expr"] = params["expr"]
        made["window"] = _window(params)
        made |= self._conversion(params)
        texts = [made.get("expr", ""), *made["filter"]]
        if any(len(text) > _LONGEST for text in texts):
            return {}
        return {key: value for key, value in made.items() if value not in ("", [], None)}

    def _aggregation(self, params: Mapping[str, Any], name: str) -> dict[str, Any]:
        """`agg`, `expr`, `time` and what else decides the value of the one measure that a metric aggregates."""
        own = _mapping(params.get("metric_aggregation_params"))
        if own:
            expr = own.get("expr") or params.get("expr") or name
            return self._aggregate(str(own.get("semantic_model") or ""), {**own, "expr": expr}, name)
        measure = _measure_name(params)
        if measure not in self._measures:
            return {}
        return self._aggregate(*self._measures[measure], measure)

    def _aggregate(self, model: str, measure: Mapping[str, Any], name: str) -> dict[str, Any]:
        agg, expr = measure.get("agg"), measure.get("expr")
        if not isinstance(agg, str):
            return {}
        time = measure.get("agg_time_dimension") or self._times.get(model, "")
        dimensions = self._dimensions.get(model, {})
        made: dict[str, Any] = {
            "agg": agg.lower(),
            "expr": name if expr is None else str(expr),
            "time": dimensions.get(time, time) if isinstance(time, str) else "",
        }
        if table := self._tables.get(model):
            made["over"] = f"dbt:{table}"
        if made["agg"] == "count" and made["expr"] == self._keys.get(model):
            made["rows"] = True
        held = _mapping(measure.get("non_additive_dimension"))
        if isinstance(held.get("name"), str):
            per = held.get("window_groupings")
            each = "".join(f" per {name}" for name in per if isinstance(name, str)) if isinstance(per, list) else ""
            made["held"] = f"{held.get('window_choice') or 'min'} of {dimensions.get(held['name'], held['name'])}{each}"
        percentile = _mapping(measure.get("agg_params")).get("percentile")
        if isinstance(percentile, int | float):
            made["percentile"] = percentile
        return made

    def _inputs(self, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The metrics that a metric is computed from, each under the name that its expression has for it."""
        for name, said in _said_inputs(params):
            made: dict[str, Any] = {"name": name, "as": str(said.get("alias") or name)}
            known = self._metrics.get(name)
            if filters := list(self._filters(said.get("filter"), self._models(known) if known else {})):
                made["filter"] = filters
                made["where"] = list(_templates(said.get("filter")))[:_MOST]
            if offset := _length(said.get("offset_window")) or _text(said.get("offset_to_grain")):
                made["offset"] = offset
            yield made

    def _conversion(self, params: Mapping[str, Any]) -> dict[str, Any]:
        said = _mapping(params.get("conversion_type_params"))
        if not said:
            return {}
        ends = []
        for end in ("base", "conversion"):
            item = said.get(f"{end}_measure")
            name = item if isinstance(item, str) else _mapping(item).get("name")
            if isinstance(name, str) and name in self._measures:
                made = self._aggregate(*self._measures[name], name)
                filters = _mapping(item).get("filter")
                ends.append({**made, "filter": list(self._filters(filters, {self._measures[name][0]: None}))})
        calculation = _text(said.get("calculation")) or "conversion_rate"
        by = {"ends": ends, "entity": _text(said.get("entity")), "calculation": calculation}
        return {**by, "window": _length(said.get("window"))}

    def _models(self, metric: Metric) -> dict[str, None]:
        """Names of the semantic models that a metric aggregates, through other metrics too."""
        found: dict[str, None] = {}
        todo, met = [metric], {metric.name}
        while todo:
            params = _mapping(todo.pop().type_params)
            own = _mapping(params.get("metric_aggregation_params")).get("semantic_model")
            if isinstance(own, str):
                found[own] = None
            measure = _measure_name(params)
            if measure in self._measures:
                found[self._measures[measure][0]] = None
            for name, _ in _said_inputs(params):
                if name in self._metrics and name not in met:
                    met.add(name)
                    todo.append(self._metrics[name])
        return found

    def _filters(self, value: Any, models: Mapping[str, None]) -> Iterator[str]:
        """The conditions of a filter as SQL."""

        def column(call: re.Match[str]) -> str:
            name, *more = _QUOTED.findall(call[2]) or [""]
            if call[1] == "Metric":
                return "__by__".join([f"metric__{name}", *more])
            grain = more.pop(0) if call[1] == "TimeDimension" and more and more[0] in _GRAINS else ""
            last = name.rpartition("__")[2]
            held = [self._dimensions[m][last] for m in models if not more and last in self._dimensions.get(m, {})]
            plain = held[0] if len(held) == 1 else "__".join((*more, name))
            return f"date_trunc('{grain}', {plain})" if grain else plain

        for template in list(_templates(value))[:_MOST]:
            yield " ".join(_CALL.sub(column, template[: _LONGEST + 1]).split())


def _said_inputs(params: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The metrics that a metric names as its inputs, each with what it says of it."""
    listed = params.get("metrics")
    cumulative = _mapping(params.get("cumulative_type_params")).get("metric")
    ends = (params.get("numerator"), params.get("denominator"))
    for item in (*ends, *(listed if isinstance(listed, list) else [])[:_MOST], cumulative):
        said = {"name": item} if isinstance(item, str) else _mapping(item)
        name = said.get("name")
        if isinstance(name, str) and name:
            yield name, said


def _measure_name(params: Mapping[str, Any]) -> str:
    said = params.get("measure")
    return _text(said if isinstance(said, str) else _mapping(said).get("name"))


def _window(params: Mapping[str, Any]) -> str:
    """Over which time a metric accumulates: `28 days`, `to date in the quarter`, `all time`; '' when it does not."""
    said = _mapping(params.get("cumulative_type_params"))
    if not said:
        return _length(params.get("window")) or _to_date(params.get("grain_to_date"))
    return _length(said.get("window")) or _to_date(said.get("grain_to_date")) or "all time"


def _to_date(grain: Any) -> str:
    return f"to date in the {grain}" if isinstance(grain, str) and grain else ""


def _length(value: Any) -> str:
    """`{count: 28, granularity: day}` as `28 day`."""
    said = _mapping(value)
    return f"{said['count']} {said['granularity']}" if "count" in said and "granularity" in said else ""


def _templates(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth <= _DEEPEST and isinstance(value, list):
        for item in value:
            yield from _templates(item, depth + 1)
    elif depth <= _DEEPEST and isinstance(value, dict):
        yield from _templates(value.get("where_sql_template"), depth + 1)
        yield from _templates(value.get("where_filters"), depth + 1)


def _expression(item: Mapping[str, Any]) -> str:
    expr = item.get("expr")
    return str(expr) if isinstance(expr, str | int) and str(expr) else str(item["name"])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(items: Any) -> Iterator[Mapping[str, Any]]:
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and isinstance(item.get("name"), str) and item["name"]:
            yield item
