"""What a chart asks of its dataset: its outputs as SQL expressions, and what decides which rows there are.

A chart keeps its settings as "form data", whose keys depend on the kind of chart. Which of them hold metrics, and which
columns, is the same for all kinds that Superset has. Values that filters compare with are never looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.superset.database import quoted

_METRICS = (
    *("metric", "metrics", "metrics_b", "metric_2", "secondary_metric", "percent_metrics", "size", "x", "y"),
    *("tooltip_metrics", "timeseries_limit_metric", "timeseries_limit_metric_b", "series_limit_metric"),
)
_COLUMNS = (
    *("groupby", "groupby_b", "groupbyRows", "groupbyColumns", "columns", "series", "series_columns", "entity"),
    *("x_axis", "y_axis", "dimension", "source", "target", "source_category", "target_category", "start_time"),
    *("end_time", "subcategories", "id", "parent", "name", "tooltip_columns"),
)
_RAW = ("all_columns", "all_columns_x", "all_columns_y")
_ROWS = ("granularity_sqla", "granularity")
_DISTINCT = "COUNT_DISTINCT"
_AGGREGATES = frozenset({"AVG", "COUNT", _DISTINCT, "MAX", "MIN", "SUM"})
_LONGEST = 20_000
_MOST = 2_000
"""Outputs, or conditions, of one chart."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Outputs of a chart by label, and expressions over the dataset that choose, group or order its rows."""

    computed: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()


def asked(form: Mapping[str, Any], metrics: Mapping[str, str] | None, columns: frozenset[str], dialect: str) -> Asked:
    """What a chart's form data asks of a dataset with these saved metrics (name -> SQL expression) and columns.

    What has another type than it should, or names a column that is not in `columns`, is left out; an empty `columns`
    says that they are not known. Without `metrics` a saved metric may read every column.
    """
    reading = _Reading(form, metrics, columns, dialect)
    raw = form.get("query_mode") == "raw"
    computed: dict[str, str] = {}
    for label, expression in reading.columns(_RAW if raw else _COLUMNS):
        computed.setdefault(label, expression)
    rows = [] if raw else list(computed.values())
    if not raw:
        for label, expression in reading.metrics():
            computed.setdefault(label, expression)
        if "query_mode" not in form:
            for label, expression in reading.columns(_RAW):
                computed.setdefault(label, expression)
    rows += [expression for _, expression in reading.columns(_ROWS)]
    rows += [*reading.filters(computed), *reading.orderings(computed)]
    return Asked(dict(list(computed.items())[:_MOST]), tuple(dict.fromkeys(rows))[:_MOST])


@dataclass(frozen=True, slots=True)
class _Reading:
    form: Mapping[str, Any]
    saved: Mapping[str, str] | None
    known: frozenset[str]
    dialect: str

    def metrics(self) -> Iterator[tuple[str, str]]:
        for key in _METRICS:
            for value in _listed(self.form.get(key)):
                if found := self.metric(value):
                    yield found

    def metric(self, value: Any) -> tuple[str, str] | None:
        """Label and expression of a metric: the name of a saved one, an aggregate of a column, or SQL."""
        if isinstance(value, str):
            expression = "*" if self.saved is None else self.saved.get(value, "")
            return (value, expression) if value and expression else None
        if not isinstance(value, Mapping):
            return None
        if value.get("expressionType") == "SQL":
            expression = _text(value.get("sqlExpression"))
        else:
            column = value.get("column")
            name = _text(column.get("column_name")) if isinstance(column, Mapping) else _text(column)
            aggregate = _text(value.get("aggregate")).upper()
            if not name or aggregate not in _AGGREGATES:
                return None
            inner = quoted(name, self.dialect)
            expression = f"COUNT(DISTINCT {inner})" if aggregate == _DISTINCT else f"{aggregate}({inner})"
        return (_text(value.get("label")) or expression, expression) if expression else None

    def columns(self, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for key in keys:
            for value in _listed(self.form.get(key)):
                if isinstance(value, str) and value:
                    if value in self.known or not (self.known or value in (self.saved or {})):
                        yield value, quoted(value, self.dialect)
                elif isinstance(value, Mapping) and (expression := _text(value.get("sqlExpression"))):
                    yield _text(value.get("label")) or expression, expression

    def filters(self, computed: Mapping[str, str]) -> Iterator[str]:
        for key in ("adhoc_filters", "adhoc_filters_b"):
            for value in _listed(self.form.get(key)):
                if not isinstance(value, Mapping):
                    continue
                if value.get("expressionType") == "SQL":
                    expression = _text(value.get("sqlExpression"))
                    yield from (expression,) if expression else ()
                else:
                    yield from self.known_as(value.get("subject"), computed)

    def orderings(self, computed: Mapping[str, str]) -> Iterator[str]:
        """`order_by_cols` holds texts such as `["amount", false]`."""
        for value in _listed(self.form.get("order_by_cols")):
            try:
                named = json.loads(value) if isinstance(value, str) else value
            except (ValueError, RecursionError):
                continue
            if isinstance(named, list) and named:
                yield from self.known_as(named[0], computed)

    def known_as(self, name: Any, computed: Mapping[str, str]) -> Iterator[str]:
        """The expression of a metric or a column by its name."""
        if isinstance(name, Mapping):
            yield from (found[1] for found in (self.metric(name),) if found)
        elif isinstance(name, str) and name:
            yield computed.get(name) or (self.saved or {}).get(name) or quoted(name, self.dialect)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value[:_MOST]
    return [] if value is None else [value]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) and len(value) <= _LONGEST else ""
