"""SQL of the metrics of dbt 1.0 to 1.5 (manifests v4 to v9), which MetricFlow does not know.

Such a metric is an aggregate over one model, dated by a column of it, or an expression over other such metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headway.errors import InputError
from headway.warehouse.manifest import Manifest
from headway.warehouse.periods import Window
from headway.warehouse.statements import column, parsed, rendered, value_select

_AGGREGATES = {"average": "AVG", "max": "MAX", "median": "MEDIAN", "min": "MIN", "sum": "SUM"}
_DERIVED = frozenset({"derived", "expression"})


def is_additive(metric: Mapping[str, Any]) -> bool:
    """Whether the value of a window is the sum of the values of its days."""
    return _method(metric) in {"sum", "count"}


def is_dated(manifest: Manifest, name: str) -> bool:
    """Whether a metric, or everything that it is made of, has a time column."""
    return all(metric.get("timestamp") for metric in _leaves(manifest, name, frozenset()))


def legacy_sql(
    manifest: Manifest,
    name: str,
    *,
    dialect: str,
    where: Sequence[str] = (),
    grain: str = "",
    window: Window | None = None,
) -> str:
    """`SELECT [period,] value` of a metric; the period when there is a `grain`.

    `where` is SQL over the columns of the model, and applies to every part of a derived metric. Raises InputError for
    what the metric says and SQL cannot.
    """
    conditions = [parsed(w, dialect, "condition") for w in where]
    builder = _Builder(manifest, dialect, conditions, grain, window)
    select = builder.select(name, frozenset())
    return rendered(select.order_by("period") if grain else select, dialect)


class _Builder:
    """Builds the statement of a metric from those of its parts; all share conditions, grain and window."""

    def __init__(
        self, manifest: Manifest, dialect: str, conditions: list[Any], grain: str, window: Window | None
    ) -> None:
        self._manifest = manifest
        self._dialect = dialect
        self._conditions = conditions
        self._grain = grain
        self._window = window

    def select(self, name: str, above: frozenset[str]) -> Any:
        metric = self._manifest.metric(name)
        if name in above:
            raise InputError(f"the metric {name!r} is computed from itself")
        if metric.get("window"):
            raise InputError(f"the metric {name!r} has a rolling `window`, which is not translated to SQL")
        if _method(metric) in _DERIVED:
            return self._derived(metric, above | {name})
        return self._simple(metric)

    def _simple(self, metric: Mapping[str, Any]) -> Any:
        nodes = (metric.get("depends_on") or {}).get("nodes") or []
        model = next((str(n) for n in nodes if str(n).startswith(("model.", "seed.", "snapshot."))), "")
        if not model:
            raise InputError(f"the metric {metric.get('name')!r} names no model")
        filters = [_filter(f, self._dialect) for f in metric.get("filters") or []]
        stamp = metric.get("timestamp")
        return value_select(
            self._manifest.relation(model),
            _aggregate(metric, self._dialect),
            [*filters, *(c.copy() for c in self._conditions)],
            dialect=self._dialect,
            time=column(str(stamp), self._dialect) if stamp else None,
            grain=self._grain,
            window=self._window,
        )

    def _derived(self, metric: Mapping[str, Any], above: frozenset[str]) -> Any:
        from sqlglot import exp

        parts = _parts(self._manifest, metric)
        if not parts:
            raise InputError(f"the derived metric {metric.get('name')!r} names no other metrics")
        columns: list[Any] = [exp.column("period")] if self._grain else []
        select = exp.select(*columns, exp.alias_(parsed(_expression(metric), self._dialect, "expression"), "value"))
        for number, part in enumerate(parts):
            value = exp.alias_(exp.column("value"), part, quoted=False)
            inner = exp.select(*(c.copy() for c in columns), value).from_(
                self.select(part, above).subquery(f"in_{part}")
            )
            source = inner.subquery(f"of_{part}")
            if number == 0:
                select = select.from_(source)
            elif self._grain:
                select = select.join(source, using="period", join_type="full outer")
            else:
                select = select.join(source, join_type="cross")
        return select


def _leaves(manifest: Manifest, name: str, above: frozenset[str]) -> list[dict[str, Any]]:
    metric = manifest.metric(name)
    if _method(metric) not in _DERIVED or name in above:
        return [metric]
    return [leaf for part in _parts(manifest, metric) for leaf in _leaves(manifest, part, above | {name})]


def _parts(manifest: Manifest, metric: Mapping[str, Any]) -> list[str]:
    """Names of the metrics that a derived metric is made of, in a stable order."""
    named = [str(m[-1]) for m in metric.get("metrics") or [] if isinstance(m, list) and m]
    nodes = (metric.get("depends_on") or {}).get("nodes") or []
    named += [str(n).rpartition(".")[2] for n in nodes if str(n).startswith("metric.")]
    return [n for n in dict.fromkeys(named) if n in manifest.metrics]


def _method(metric: Mapping[str, Any]) -> str:
    return str(metric.get("calculation_method") or metric.get("type") or "")


def _expression(metric: Mapping[str, Any]) -> str:
    return str(metric.get("expression") or metric.get("sql") or "")


def _aggregate(metric: Mapping[str, Any], dialect: str) -> Any:
    from sqlglot import exp

    method, text = _method(metric), _expression(metric).strip()
    if method == "count" and text in {"*", ""}:
        return exp.Count(this=exp.Star())
    value = parsed(text, dialect, "expression")
    if method == "count":
        return exp.Count(this=value)
    if method == "count_distinct":
        return exp.Count(this=exp.Distinct(expressions=[value]))
    if method not in _AGGREGATES:
        raise InputError(f"the metric {metric.get('name')!r} is aggregated by {method!r}, which is not known")
    return exp.func(_AGGREGATES[method], value, dialect=dialect)


def _filter(said: Any, dialect: str) -> Any:
    """{field, operator, value} as one condition; each part is SQL text of the project."""
    if not isinstance(said, dict) or not all(isinstance(said.get(k), str) for k in ("field", "operator", "value")):
        raise InputError("a filter of the metric is not {field, operator, value}")
    return parsed(f"{said['field']} {said['operator']} {said['value']}", dialect, "filter")
