"""Metrics to SQL. The only module that imports MetricFlow, whose programming interface is not promised to be stable.

MetricFlow plans and renders; it is given neither a connection nor dbt.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from importlib import import_module
from typing import Any

import msgspec

from headway.errors import ConfigError, InputError, MissingExtra, WarehouseError
from headway.sql import Unparsed, trees
from headway.warehouse.where import jinja_where

DIALECTS: Mapping[str, tuple[str, str]] = {  # dbt adapter -> renderer module, renderer class
    "athena": ("athena", "AthenaSqlPlanRenderer"),
    "bigquery": ("big_query", "BigQuerySqlPlanRenderer"),
    "databricks": ("databricks", "DatabricksSqlPlanRenderer"),
    "duckdb": ("duckdb_renderer", "DuckDbSqlPlanRenderer"),
    "postgres": ("postgres", "PostgresSQLSqlPlanRenderer"),
    "redshift": ("redshift", "RedshiftSqlPlanRenderer"),
    "snowflake": ("snowflake", "SnowflakeSqlPlanRenderer"),
    "trino": ("trino", "TrinoSqlPlanRenderer"),
    "vertica": ("vertica", "VerticaSqlPlanRenderer"),
}


class Engine:
    """Renders the SQL of metrics for one warehouse. Build it once per run, from a pruned semantic manifest."""

    def __init__(self, semantic: Mapping[str, Any], adapter: str) -> None:
        """`semantic` has the shape of semantic_manifest.json; `adapter` is dbt's adapter type.

        Raises MissingExtra without MetricFlow, ConfigError for an adapter it does not know, and InputError for a
        semantic manifest that it refuses.
        """
        if adapter not in DIALECTS:
            raise ConfigError(
                f"metrics cannot be rendered for {adapter!r}", hint=f"MetricFlow knows {', '.join(sorted(DIALECTS))}"
            )
        self._adapter = adapter
        self._rendered: dict[tuple[Any, ...], str] = {}
        models = [m for m in semantic.get("semantic_models") or [] if isinstance(m, dict)]
        self._entities, self._times = _names(models)
        try:
            with _quietly():
                self._engine = _build(semantic, adapter)
        except ImportError as error:
            raise MissingExtra("metrics", "evaluating metrics") from error
        except Exception as error:  # pydantic's, MetricFlow's and plain Python errors, whatever is wrong in the file
            raise InputError(f"MetricFlow cannot use the semantic manifest: {_sentence(error)[0]}") from None

    def sql(
        self,
        metric: str,
        *,
        where: Sequence[str] = (),
        grain: str = "",
        start: date | None = None,
        end: date | None = None,
        group_by: Sequence[str] = (),
    ) -> str:
        """One SELECT whose columns are the period (when `grain` is given), then `group_by`, then the metric.

        `start` and `end` are days, both included; MetricFlow widens them to whole periods of the grain. Conditions may
        be plain SQL over `<entity>__<dimension>` names. The same request gives the same text.
        Raises InputError, with what MetricFlow suggests, for unknown metrics and dimensions.
        """
        request = (metric, tuple(where), grain, start, end, tuple(group_by))
        if request not in self._rendered:  # MetricFlow numbers its aliases differently once its caches are warm
            self._rendered[request] = self._render(*request)
        return self._rendered[request]

    def _render(
        self,
        metric: str,
        where: Sequence[str],
        grain: str,
        start: date | None,
        end: date | None,
        group_by: Sequence[str],
    ) -> str:
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest, OutputColumnOrderMode

        groups = [*([f"metric_time__{grain}"] if grain else []), *group_by]
        conditions = [jinja_where(w, dialect=self._adapter, entities=self._entities, times=self._times) for w in where]
        try:
            with _quietly():
                request = MetricFlowQueryRequest.create(
                    metric_names=[metric],
                    group_by_names=groups,
                    where_constraints=conditions or None,
                    time_constraint_start=_midnight(start),
                    time_constraint_end=_midnight(end),
                    order_by_names=groups[:1] if grain else None,
                    output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
                )
                statement = self._engine.explain(request).sql_statement
        except Exception as error:  # MetricFlow raises from several unrelated trees, and asserts
            message, hint = _sentence(error)
            raise InputError(f"MetricFlow cannot compute {metric!r}: {message}", hint=hint) from None
        if statement.bind_parameter_set.param_items:
            raise WarehouseError(f"the SQL of {metric!r} has bind parameters, which are not supported")
        return str(statement.sql)


def relations(sql: str, dialect: str) -> frozenset[tuple[str, str, str]]:
    """The (catalog, schema, table) of every table that a rendered statement reads; '' where a part is not named.

    dbt records no edge for a model that a metric reaches only through a filter; the SQL names it all the same.
    """
    from sqlglot import exp

    try:
        found = trees(sql, "postgres" if dialect == "vertica" else dialect)
    except Unparsed as error:
        raise InputError(f"the SQL cannot be parsed: {error.said}") from None
    return frozenset((t.catalog, t.db, t.name) for tree in found for t in tree.find_all(exp.Table) if t.db)


def _build(semantic: Mapping[str, Any], adapter: str) -> Any:
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    module, renderer = DIALECTS[adapter]
    client = _Renderer(
        SqlEngine[adapter.upper()], getattr(import_module(f"metricflow.sql.render.{module}"), renderer)()
    )
    manifest = parse_manifest_from_dbt_generated_manifest(msgspec.json.encode(semantic).decode())
    return MetricFlowEngine(SemanticManifestLookup(manifest), client)


class _Renderer:
    """All that MetricFlow asks of a SQL client when it only explains: the dialect. There is no connection behind it."""

    def __init__(self, engine: Any, renderer: Any) -> None:
        self.sql_engine_type = engine
        self.sql_plan_renderer = renderer

    def query(self, *arguments: Any, **_: Any) -> Any:
        raise WarehouseError(f"MetricFlow asked to run a statement, which Headway does itself: {arguments[:1]}")

    execute = dry_run = query

    def close(self) -> None:
        """Nothing is open."""

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        return f":{bind_parameter_key}"


@contextmanager
def _quietly() -> Iterator[None]:
    """MetricFlow logs and warns about things that its user cannot change."""
    loggers = [logging.getLogger(n) for n in ("metricflow", "metricflow_semantics", "metricflow_semantic_interfaces")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _names(models: Iterable[Mapping[str, Any]]) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the entities, and `<entity>__<dimension>` of every time dimension."""
    entities: set[str] = set()
    times: set[str] = set()
    for model in models:
        own = {str(e.get("name")) for e in model.get("entities") or [] if isinstance(e, dict)}
        if model.get("primary_entity"):
            own.add(str(model["primary_entity"]))
        entities |= own
        for dimension in model.get("dimensions") or []:
            if isinstance(dimension, dict) and dimension.get("type") == "time":
                times |= {f"{entity}__{dimension.get('name')}" for entity in own}
    return frozenset(entities), frozenset(times)


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day)  # noqa: DTZ001  (MetricFlow compares naive)


_MESSAGE = re.compile(r"Error #1:\s*Message:\s*(.*?)(?:\n\s*Suggestions:|\n\s*Query Input:|\Z)", re.DOTALL)
_SUGGESTIONS = re.compile(r"Suggestions:\s*\[(.*?)\]\s*(?:\n\s*\n|\n\s*Query Input:|\Z)", re.DOTALL)
_SUGGESTION = re.compile(r"""'((?:[^'\\])+)'|"([^"]+)\"""")
_ASKED = (re.compile(r"Object Builder Input:\s*(\S.*)"), re.compile(r"Query Input:\s*(\w\S*)\s"))
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):.*\n\s*(?:[\w.]+): ([^\n]*)", re.DOTALL)


def _sentence(error: Exception) -> tuple[str, str]:
    """What MetricFlow says of its first error, in one line, and its nearest names as a hint."""
    text = str(error)
    message = found[1] if (found := _MESSAGE.search(text)) else text
    if told := _TRACEBACK.search(message):  # MetricFlow prints its own stack into some messages
        message = told[1]
    message = " ".join(message.partition(". Common issues are:")[0].split()).rstrip(".")
    asked = next((found for pattern in _ASKED if (found := pattern.search(text))), None)
    if message.startswith("The given input") and asked:
        message = f"{asked[1].strip()}: {message[0].lower()}{message[1:]}"
    near = _SUGGESTIONS.search(text)
    names = [a or b for a, b in _SUGGESTION.findall(near[1])] if near else []
    return message[:400] or type(error).__name__, f"did you mean {', '.join(names[:3])}?" if names else ""
