"""What the evaluation needs of a dbt project: its metrics, its semantic models, and where its models are.

The semantic manifest that MetricFlow reads is taken from `semantic_manifest.json` where that stands beside
`manifest.json` and knows the metrics wanted, and is otherwise rebuilt from `manifest.json`. Either way it is pruned to
what the metrics wanted are made of, because building MetricFlow's engine costs more than linearly in its size.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from headway.errors import InputError, Place

JOINABLE = frozenset({"primary", "unique", "natural"})
_METRIC_IN_FILTER = re.compile(r"""Metric\(\s*(?:metric_name\s*=\s*)?['"]([^'"]+)['"]""")
_NODE_ONLY = frozenset({
    "created_at", "depends_on", "fqn", "group", "meta", "metrics", "model", "original_file_path", "package_name",
    "path", "refs", "resource_type", "sources", "tags", "unique_id", "unrendered_config",
})  # fmt: skip
"""manifest.json's bookkeeping, which MetricFlow's parser does not know."""


class _Column(msgspec.Struct, gc=False):
    name: str = ""
    granularity: str | None = None


class _Config(msgspec.Struct, gc=False):
    materialized: str | None = None


class Model(msgspec.Struct, gc=False):
    """A node of the manifest, as far as a query needs it."""

    name: str
    resource_type: str
    relation_name: str | None = None
    alias: str | None = None
    schema: str | None = None
    database: str | None = None
    version: str | int | float | None = None
    latest_version: str | int | float | None = None
    time_spine: dict[str, Any] | None = None
    columns: dict[str, _Column] = {}
    config: _Config | None = None


class _Metadata(msgspec.Struct, gc=False):
    adapter_type: str | None = None
    dbt_schema_version: str = ""


class _Document(msgspec.Struct, gc=False):
    metadata: _Metadata
    nodes: dict[str, Model]
    metrics: dict[str, dict[str, Any]] = {}
    semantic_models: dict[str, dict[str, Any]] = {}


class _Input(msgspec.Struct, gc=False):
    name: str
    alias: str | None = None
    offset_window: dict[str, Any] | None = None
    offset_to_grain: str | None = None
    join_to_timespine: bool | None = None


class _Cumulative(msgspec.Struct, gc=False):
    metric: _Input | None = None
    period_agg: str | None = None


class _Conversion(msgspec.Struct, gc=False):
    base_metric: _Input | None = None
    conversion_metric: _Input | None = None
    base_measure: _Input | None = None
    conversion_measure: _Input | None = None


class _Aggregation(msgspec.Struct, gc=False):
    agg: str
    name: str = ""
    semantic_model: str | None = None
    agg_time_dimension: str | None = None


class _Params(msgspec.Struct, gc=False):
    measure: _Input | None = None
    numerator: _Input | None = None
    denominator: _Input | None = None
    metrics: list[_Input] | None = None
    cumulative_type_params: _Cumulative | None = None
    conversion_type_params: _Conversion | None = None
    metric_aggregation_params: _Aggregation | None = None
    join_to_timespine: bool | None = None


class _DependsOn(msgspec.Struct, gc=False):
    nodes: list[str] = []


class _Metric(msgspec.Struct, gc=False):
    name: str
    type: str | None = None
    type_params: _Params | None = None
    depends_on: _DependsOn | None = None
    filters: list[Any] | None = None
    metrics: list[Any] | None = None


class _Entity(msgspec.Struct, gc=False):
    name: str
    type: str = ""


class _TimeParams(msgspec.Struct, gc=False):
    time_granularity: str | None = None


class _Dimension(msgspec.Struct, gc=False):
    name: str
    type: str = ""
    expr: str | None = None
    type_params: _TimeParams | None = None


class _Defaults(msgspec.Struct, gc=False):
    agg_time_dimension: str | None = None


class _NodeRelation(msgspec.Struct, gc=False):
    relation_name: str | None = None


class _SemanticModel(msgspec.Struct, gc=False):
    name: str
    primary_entity: str | None = None
    node_relation: _NodeRelation | None = None
    defaults: _Defaults | None = None
    entities: list[_Entity] | None = None
    dimensions: list[_Dimension] | None = None
    measures: list[_Aggregation] | None = None


class _Semantic(msgspec.Struct, gc=False):
    """What is relied on when a semantic manifest is walked; the rest of it goes to MetricFlow as it is."""

    metrics: list[_Metric] = []
    semantic_models: list[_SemanticModel] = []


class Manifest:
    """A manifest.json, read once. Raises InputError for whatever is not one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._document: _Document = _read(path, _Document)

    @property
    def adapter(self) -> str:
        """dbt's adapter type the project was compiled for; '' when the manifest does not say."""
        return self._document.metadata.adapter_type or ""

    @cached_property
    def metrics(self) -> Mapping[str, dict[str, Any]]:
        """Metrics by name; names are unique within a project."""
        metrics = list(self._document.metrics.values())
        _check({"metrics": metrics}, self.path)
        return {m["name"]: m for m in metrics}

    def metric(self, name: str) -> dict[str, Any]:
        """One metric as the manifest has it, those of dbt up to 1.5 included; InputError when absent."""
        if name not in self.metrics:
            raise self._unknown("metric", name, self.metrics)
        return self.metrics[name]

    def relation(self, unique_id: str) -> str:
        """Quoted relation of a node by its unique id; InputError when it has none."""
        node = self._document.nodes.get(unique_id)
        if node is None or not (relation := self._relation(node)):
            raise InputError(f"{unique_id} has no table in the warehouse", place=Place(str(self.path)))
        return relation

    def model(self, name: str) -> str:
        """Quoted relation of a model (seed, snapshot) by name: the latest version, unless the name is `x.v1`."""
        plain, _, version = name.rpartition(".v")
        named = [n for n in self._tables() if n.name == name]
        if not named and plain:
            named = [n for n in self._tables() if n.name == plain and str(n.version) == version]
        elif any(n.version is not None for n in named):
            named = [n for n in named if str(n.version) == str(n.latest_version)] or named
        if not named:
            raise self._unknown("model", name, {n.name for n in self._tables()})
        if len(named) > 1:
            raise InputError(
                f"{len(named)} models are called {name!r}",
                hint="bind to one of them with `sql:` instead",
                place=Place(str(self.path)),
            )
        if not (relation := self._relation(named[0])):
            raise InputError(f"the model {name!r} is ephemeral: it has no table", place=Place(str(self.path)))
        return relation

    def _relation(self, node: Model) -> str:
        """The relation as dbt wrote it; older versions wrote none when they only parsed, so it is put together."""
        if node.relation_name:
            return node.relation_name
        if node.config is None or node.config.materialized in {None, "ephemeral"}:
            return ""
        quote = {"snowflake": "", "bigquery": "`", "databricks": "`", "spark": "`"}.get(self.adapter, '"')
        return ".".join(f"{quote}{p}{quote}" for p in (node.database, node.schema, node.alias or node.name) if p)

    def semantic(self, wanted: Iterable[str]) -> dict[str, Any]:
        """The semantic manifest of the metrics wanted and all that they are made of, in MetricFlow's own shape."""
        wanted = set(wanted)
        beside = self.path.with_name("semantic_manifest.json")
        if beside.is_file():
            found = _read(beside, dict[str, Any])
            _check(found, beside)
            if wanted <= {m.get("name") for m in _dicts(found.get("metrics"))}:
                return pruned(found, wanted)
        rebuilt = self._rebuilt()
        _check(rebuilt, self.path)
        return pruned(rebuilt, wanted)

    def _tables(self) -> Iterator[Model]:
        return (n for n in self._document.nodes.values() if n.resource_type in {"model", "seed", "snapshot"})

    def _unknown(self, what: str, name: str, known: Iterable[str]) -> InputError:
        near = difflib.get_close_matches(name, list(known), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else ""
        return InputError(f"there is no {what} called {name!r}", hint=hint, place=Place(str(self.path)))

    def _rebuilt(self) -> dict[str, Any]:
        spines: list[dict[str, Any]] = []
        legacy_spines: list[dict[str, Any]] = []
        for node in self._document.nodes.values():
            if node.time_spine and (column := node.time_spine.get("standard_granularity_column")):
                spines.append(_spine(node, column))
            elif node.name == "metricflow_time_spine" and node.relation_name:  # the convention before `time_spine:`
                legacy_spines.append({"location": node.relation_name, "column_name": "date_day", "grain": "day"})
        return {
            "semantic_models": [_stripped(m) for m in self._document.semantic_models.values()],
            "metrics": [_stripped(m) for m in self._document.metrics.values()],
            "saved_queries": [],
            "project_configuration": {
                "time_spine_table_configurations": legacy_spines,
                "time_spines": spines,
                "metadata": None,
                "dsi_package_version": {"major_version": "0", "minor_version": "0", "patch_version": "0"},
            },
        }


def _spine(node: Model, column: str) -> dict[str, Any]:
    grain = next((c.granularity for c in node.columns.values() if c.name == column), None)
    custom = (node.time_spine or {}).get("custom_granularities") or []
    return {
        "node_relation": {
            "alias": node.alias,
            "schema_name": node.schema,
            "database": node.database,
            "relation_name": node.relation_name,
        },
        "primary_column": {"name": column, "time_granularity": grain or "day"},
        "custom_granularities": custom,
    }


def _stripped(node: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in node.items() if k not in _NODE_ONLY}


def _read(path: Path, shape: Any) -> Any:
    place = Place(str(path))
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape, strict=False)
    except FileNotFoundError:
        raise InputError("there is no such file", hint="run `dbt parse` first", place=place) from None
    except OSError as error:
        raise InputError(f"this file cannot be read: {error.strerror}", place=place) from None
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"this is not a dbt manifest: {detail}", place=place) from None


def _check(semantic: dict[str, Any], path: Path) -> None:
    """InputError when what is relied on is of another type than dbt writes."""
    try:
        msgspec.convert(semantic, _Semantic, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"this is not a dbt manifest: {error}", place=Place(str(path))) from None


def is_legacy(metric: Mapping[str, Any]) -> bool:
    """Whether a metric is of dbt 1.5 or older, which MetricFlow does not know (manifests v4 to v9)."""
    return not metric.get("type_params")


# --- what a metric is made of ----------------------------------------------------------------------------------------


def inputs(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The metrics that a metric is computed from, each as {name, filter, offset_window, ...}.

    `input_measures` is never looked at: dbt v2 writes metrics into it.
    """
    params = metric.get("type_params") or {}
    conversion = params.get("conversion_type_params") or {}
    found = [params.get("numerator"), params.get("denominator"), *(params.get("metrics") or [])]
    found += [conversion.get("base_metric"), conversion.get("conversion_metric")]
    found.append((params.get("cumulative_type_params") or {}).get("metric"))
    return _dicts(found)


def measures(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The measures that a metric is computed from directly, each as {name, filter, join_to_timespine, ...}."""
    params = metric.get("type_params") or {}
    conversion = params.get("conversion_type_params") or {}
    return _dicts([params.get("measure"), conversion.get("base_measure"), conversion.get("conversion_measure")])


def pruned(semantic: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """The semantic manifest with only the metrics wanted, their inputs, and the models these can be joined with."""
    metrics = {str(m.get("name")): m for m in _dicts(semantic.get("metrics"))}
    models = _dicts(semantic.get("semantic_models"))
    kept: dict[str, dict[str, Any]] = {}
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name in metrics and name not in kept:
            kept[name] = metrics[name]
            todo += [str(i.get("name")) for i in inputs(metrics[name])]
            todo += _METRIC_IN_FILTER.findall(msgspec.json.encode(_filters(metrics[name])).decode().replace('\\"', '"'))
    own = {str(m.get("name")) for metric in kept.values() for m in measures(metric)}
    named = {
        str(aggregation.get("semantic_model"))
        for metric in kept.values()
        if (aggregation := (metric.get("type_params") or {}).get("metric_aggregation_params"))
    }
    chosen = [m.get("name") in named or any(x.get("name") in own for x in _dicts(m.get("measures"))) for m in models]
    _join(models, chosen)
    return {
        **semantic,
        "metrics": [m for m in metrics.values() if m["name"] in kept],
        "semantic_models": [m for m, keep in zip(models, chosen, strict=True) if keep],
        "saved_queries": [],
    }


def _join(models: list[dict[str, Any]], chosen: list[bool]) -> None:
    """Also choose the models that filters may reach: those whose key is an entity of a chosen one, and so on."""
    names = [{str(e.get("name")) for e in _dicts(m.get("entities"))} for m in models]
    keys = [
        {str(e.get("name")) for e in _dicts(m.get("entities")) if e.get("type") in JOINABLE}
        | ({str(m["primary_entity"])} if m.get("primary_entity") else set())
        for m in models
    ]
    reached = {n for i, keep in enumerate(chosen) if keep for n in names[i] | keys[i]}
    grown = True
    while grown:
        grown = False
        for i, keep in enumerate(chosen):
            if not keep and keys[i] & reached:
                chosen[i] = grown = True
                reached |= names[i] | keys[i]


def _filters(metric: Mapping[str, Any]) -> list[Any]:
    """Every filter in a metric: its own, and those on its inputs."""
    return [metric.get("filter"), *(x.get("filter") for x in inputs(metric) + measures(metric))]


def _dicts(values: Any) -> list[dict[str, Any]]:
    """The mappings of a list; whatever else a broken file has in it is left out."""
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []
