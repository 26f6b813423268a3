"""From models to metrics: which columns a measure, dimension or key is made from, and what a metric is computed of.

The record of a semantic model has a column per measure, dimension and entity key. That of a metric has one column, its
own name: made from measures and other metrics; what it is filtered by, and the time it is placed in, are its shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headway.collector import drop_cycles
from headway.connectors.columns.artifacts import TABLES, Manifest, Metric, SemanticModel
from headway.connectors.columns.cache import Cache, Sources
from headway.connectors.metric_parts import filter_templates, input_name, input_parts, mapping, mappings
from headway.graph.columns import expression_sources
from headway.graph.model import Certainty, ColumnLineage, ColumnSource, Origin

ORIGIN = Origin(connector="columns")
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_NO_COLUMN = frozenset({"current_date", "current_timestamp", "null", "true", "false"})
_CALL = re.compile(r"\b(Dimension|TimeDimension|Entity|Metric)\s*\(\s*['\"]([\w.]+)['\"]\s*(?:,\s*(\[[^\[\]()]*\]))?")
_QUOTED = re.compile(r"['\"](\w+)['\"]")
_GRAINS = frozenset("day week month quarter year hour minute second".split())  # noqa: SIM905
_LONGEST = 100_000
_DEEPEST = 12

UNKNOWN_INPUT = "it is computed from something that is not in the manifest"

Found = dict[tuple[str, str], ColumnSource]


class Semantics:
    """Records of semantic models and metrics. `columns` gives a node's columns, None when they are not known."""

    def __init__(
        self, manifest: Manifest, dialect: str, columns: Callable[[str], tuple[str, ...] | None], cache: Cache
    ) -> None:
        self._manifest = manifest
        self._dialect = dialect
        self._columns = columns
        self._cache = cache
        self._metrics = {metric.name: uid for uid, metric in reversed(list(manifest.metrics.items()))}
        self._models: dict[str, str] = {}
        self._measures: dict[str, tuple[str, str]] = {}
        """Measure to its semantic model and the dimension that dates it."""
        self._dimensions: dict[str, dict[str, str]] = {}
        """Dimension to the semantic models that have it, as keys."""
        self._entities: dict[str, dict[str, str]] = {}
        """Entity to the semantic models that have it, with its type."""
        for uid, model in manifest.semantic_models.items():
            self._index(uid, model)

    def records(self) -> Iterator[ColumnLineage]:
        """Semantic models, then metrics."""
        for uid, model in self._manifest.semantic_models.items():
            yield self._semantic_model(uid, model)
        for uid, metric in self._manifest.metrics.items():
            yield self._metric(uid, metric)

    def _index(self, uid: str, model: SemanticModel) -> None:
        self._models.setdefault(model.name, uid)
        defaults = mapping(model.defaults).get("agg_time_dimension")
        for item in _named(model.measures):
            time = item.get("agg_time_dimension") or defaults
            self._measures.setdefault(item["name"], (uid, time if isinstance(time, str) else ""))
        for item in _named(model.dimensions):
            self._dimensions.setdefault(item["name"].lower(), {})[uid] = ""
        for item in _named(model.entities):
            self._entities.setdefault(item["name"].lower(), {})[uid] = str(item.get("type") or "")
        if model.primary_entity:
            self._entities.setdefault(model.primary_entity.lower(), {}).setdefault(uid, "primary")

    # ------------------------------------------------------------------------------------------- semantic models

    def _semantic_model(self, uid: str, model: SemanticModel) -> ColumnLineage:
        above = _table_under(model)
        if not above:
            return ColumnLineage(node=f"dbt:{uid}", problem="its model is not in the manifest", origin=ORIGIN)
        columns: dict[str, Found] = {}
        problems = 0
        for item in (*_named(model.entities), *_named(model.dimensions), *_named(model.measures)):
            found, problem = self._over(above, item.get("expr") or item["name"])
            additive = mapping(item.get("non_additive_dimension")).get("name")
            if isinstance(additive, str):
                found |= self._over(above, self._expression_of(model, additive))[0]
            columns.setdefault(item["name"].lower(), {}).update(found)
            problems += bool(problem)
        return ColumnLineage(
            node=f"dbt:{uid}",
            columns={name: _sorted(found) for name, found in columns.items()},
            problem=f"{problems} of its expressions could not be followed" if problems else "",
            origin=ORIGIN,
        )

    def _expression_of(self, model: SemanticModel, dimension: str) -> Any:
        found = next((item for item in _named(model.dimensions) if item["name"] == dimension), None)
        return found.get("expr") or dimension if found else dimension

    def _over(self, above: str, expression: Any) -> tuple[Found, str]:
        """The columns of a node that an expression over it is made from."""
        text = str(expression) if isinstance(expression, str | int | float) else ""
        names, problem = self._parsed(text)
        columns = self._columns(above)
        known = None if columns is None else {column.lower() for column in columns}
        found: Found = {}
        for name in names:
            certainty: Certainty = "known" if known is not None and name in known else "assumed"
            found["dbt:" + above, name] = ColumnSource("dbt:" + above, name, certainty)
        return found, problem

    def _parsed(self, text: str) -> tuple[tuple[str, ...], str]:
        if _PLAIN.fullmatch(text) and text.lower() not in _NO_COLUMN:
            return (text.lower(),), ""
        key = self._cache.key(text.encode(errors="surrogatepass"), self._dialect, "expression")
        found = self._cache.expression(key)
        if found is None:
            parsed = expression_sources(text[:_LONGEST], self._dialect)
            drop_cycles()
            found = tuple(dict.fromkeys(name.lower() for name in parsed.values)), parsed.problem
            self._cache.put_expression(key, found)
        return found

    # ------------------------------------------------------------------------------------------- metrics

    def _metric(self, uid: str, metric: Metric) -> ColumnLineage:
        values: Found = {}
        shape: Found = {}
        known = self._legacy(metric, values, shape) if not metric.type_params else self._inputs(metric, values, shape)
        own = self._own_models(uid, 0)
        for template in filter_templates(metric.filter, metric.type_params):
            self._filter(template, own, shape)
        self._conversion(metric, own, shape)
        return ColumnLineage(
            node=f"dbt:{uid}",
            columns={metric.name.lower(): _sorted(values)},
            shape=_sorted(shape),
            problem="" if known else UNKNOWN_INPUT,
            origin=ORIGIN,
        )

    def _inputs(self, metric: Metric, values: Found, shape: Found) -> bool:
        """What the definition names. Returns whether all of it is known, and there is any."""
        known, some = True, False
        for item, measure in input_parts(metric.type_params):
            name = input_name(item)
            if not name:
                continue
            some = True
            if measure and name in self._measures:
                model, time = self._measures[name]
                _add(values, f"dbt:{model}", name)
                if time:
                    _add(shape, f"dbt:{model}", time)
            elif not measure and name in self._metrics:
                _add(values, f"dbt:{self._metrics[name]}", name)
            else:
                known = False
        params = mapping(metric.type_params)
        aggregation = mapping(params.get("metric_aggregation_params"))
        if aggregation:
            some = True
            known &= self._aggregated(params, aggregation, values, shape)
        return known and some

    def _aggregated(
        self, params: Mapping[str, Any], aggregation: Mapping[str, Any], values: Found, shape: Found
    ) -> bool:
        """A simple metric of dbt 1.12 and 2: an expression right over the model under a semantic model."""
        uid = self._models.get(str(aggregation.get("semantic_model")))
        above = _table_under(self._manifest.semantic_models[uid]) if uid else ""
        if not uid or not above:
            return False
        found, problem = self._over(above, params.get("expr") or aggregation.get("expr") or "1")
        values |= found
        time = aggregation.get("agg_time_dimension") or mapping(self._manifest.semantic_models[uid].defaults).get(
            "agg_time_dimension"
        )
        if isinstance(time, str):
            _add(shape, f"dbt:{uid}", time)
        return not problem

    def _legacy(self, metric: Metric, values: Found, shape: Found) -> bool:
        """A metric of dbt 1.0 to 1.5: an expression over one model, or over other metrics."""
        depends = metric.depends_on.nodes if metric.depends_on else []
        above = next((uid for uid in depends if uid.startswith(TABLES)), "")
        for uid in depends:
            if uid in self._manifest.metrics:
                _add(values, f"dbt:{uid}", self._manifest.metrics[uid].name)
        if not above:
            return bool(values)
        found, problem = self._over(above, metric.expression or metric.sql or "")
        values |= found
        fields = [item.get("field") for item in metric.filters or () if isinstance(item, dict)]
        for field in (metric.timestamp, *fields):
            if isinstance(field, str) and field:
                shape |= self._over(above, field)[0]
        return not problem

    def _own_models(self, uid: str, depth: int) -> dict[str, None]:
        """The semantic models that a metric is computed from, through other metrics too."""
        metric = self._manifest.metrics.get(uid)
        if metric is None or depth > _DEEPEST:
            return {}
        own: dict[str, None] = {}
        for above in metric.depends_on.nodes if metric.depends_on else ():
            if above in self._manifest.semantic_models:
                own[above] = None
            elif above in self._manifest.metrics and above != uid:
                own |= self._own_models(above, depth + 1)
        return own

    def _filter(self, template: str, own: Mapping[str, None], shape: Found) -> None:
        """Dimensions and entities that a filter names, and the keys on the way to them."""
        for call in _CALL.finditer(template[:_LONGEST]):
            what, name, path = call.groups()
            if what == "Metric":
                if name in self._metrics:
                    _add(shape, f"dbt:{self._metrics[name]}", name)
                continue
            words = [word.lower() for part in (*_QUOTED.findall(path or ""), name) for word in part.split("__")]
            if len(words) > 1 and words[-1] in _GRAINS and words[-1] not in self._dimensions:
                words.pop()
            self._joined(words[:-1], words[-1], own, shape)

    def _joined(self, links: list[str], name: str, own: Mapping[str, None], shape: Found) -> None:
        if name == "metric_time":
            return
        holders = self._dimensions.get(name) or self._entities.get(name) or {}
        if links:
            with_link = self._entities.get(links[-1], {})
            owned = [uid for uid in holders if with_link.get(uid) in ("primary", "unique", "natural")]
            named = [uid for uid in holders if uid in own and uid in with_link] or owned
        else:
            named = [uid for uid in holders if uid in own]
        found = named or list(holders)
        for uid in found:
            _add(shape, f"dbt:{uid}", name, "known" if len(found) == 1 else "candidate")
            for link in links if uid not in own else ():
                for side in (uid, *own):
                    if side in self._entities.get(link, {}):
                        _add(shape, f"dbt:{side}", link)

    def _conversion(self, metric: Metric, own: Mapping[str, None], shape: Found) -> None:
        """A conversion joins its two measures on an entity."""
        entity = mapping(mapping(metric.type_params).get("conversion_type_params")).get("entity")
        if isinstance(entity, str):
            for uid in own:
                if uid in self._entities.get(entity.lower(), {}):
                    _add(shape, f"dbt:{uid}", entity)


def _table_under(model: SemanticModel) -> str:
    depends = model.depends_on.nodes if model.depends_on else []
    return next((uid for uid in depends if uid.startswith(TABLES)), "")


def _add(found: Found, node: str, column: str, certainty: Certainty = "known") -> None:
    found.setdefault((node, column.lower()), ColumnSource(node, column.lower(), certainty))


def _sorted(found: Found) -> Sources:
    return tuple(found[key] for key in sorted(found))


def _named(items: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings of a list that have a name."""
    for item in mappings(items):
        if isinstance(item.get("name"), str) and item["name"]:
            yield item
