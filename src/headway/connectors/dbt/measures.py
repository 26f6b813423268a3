"""What dbt's metrics aggregate, said so that it can be compared with what a chart computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headway.connectors.dbt.artifacts import Manifest, Metric

_NAMES = {"average": "avg", "sum_boolean": "sum", "percentile": "quantile"}
"""dbt's aggregations under the names that SQL has for them; the others are called alike."""
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(?!\w)(?!\s*\()")
_TEXT = re.compile(r"'(?:[^']|'')*'|\{\{.*?\}\}", re.DOTALL)
_RESERVED = frozenset(
    """and as asc between case cast current_date current_timestamp date day desc distinct else end false float from
    hour if in int integer interval is like month not null numeric or over partition quarter row rows then timestamp
    true varchar week when year""".split()  # noqa: SIM905
)
_LONGEST = 10_000


class Measures:
    """The measures of a project's semantic models by name, indexed once."""

    def __init__(self, manifest: Manifest) -> None:
        self._measures: dict[str, str] = {}
        for model in manifest.semantic_models.values():
            for measure in model.measures if isinstance(model.measures, list) else []:
                if isinstance(measure, dict) and isinstance(name := measure.get("name"), str):
                    self._measures.setdefault(name, _aggregate(measure.get("agg"), measure.get("expr"), name))

    def of(self, metric: Metric) -> tuple[str, ...]:
        """`aggregate(columns)` of every measure that the metric itself names; () for one made of other metrics."""
        params = metric.type_params if isinstance(metric.type_params, dict) else {}
        return tuple(dict.fromkeys(filter(None, self._of(params, metric.name or ""))))

    def _of(self, params: dict[str, Any], name: str) -> Iterator[str]:
        own = params.get("metric_aggregation_params")
        if isinstance(own, dict):
            yield _aggregate(own.get("agg"), own.get("expr") or params.get("expr"), name)
        conversion = params.get("conversion_type_params")
        ends = (
            (conversion.get("base_measure"), conversion.get("conversion_measure"))
            if isinstance(conversion, dict)
            else ()
        )
        for item in (params.get("measure"), *ends):
            said = item.get("name") if isinstance(item, dict) else item
            if isinstance(said, str):
                yield self._measures.get(said, "")


def _aggregate(agg: Any, expr: Any, name: str) -> str:
    """As `graph.aggregates.aggregate` says it, from dbt's own parts and without a parser; '' for no aggregate.

    dbt takes the measure's name for a column where no expression is given; `1` and `*` count rows.
    """
    if not isinstance(agg, str) or not agg.isidentifier():
        return ""
    expression = name if expr is None else str(expr)
    if len(expression) > _LONGEST:
        return ""
    words = (word.rpartition(".")[2].lower() for word in _WORD.findall(_TEXT.sub(" ", expression)))
    columns = sorted({word for word in words if word and word not in _RESERVED})
    function = _NAMES.get(agg.lower(), agg.lower())
    if function == "sum" and not columns:
        function = "count"  # sum(1)
    return f"{function}({', '.join(columns)})"
