"""Queries made with Metabase's query builder: both shapes of them as one list of stages, and what the stages say.

The older shape nests (`source-query` inside `query`, options at the end of a clause), the newer one (MBQL 5) lists its
stages and puts options first. A clause is `[operator, argument, ...]` in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.fields import each

Clause = Any
"""`[operator, argument, ...]`, a value, or a list of either."""

_CARD = re.compile(r"card__(\d{1,18})")
_DEEPEST = 50
_FIELDS = frozenset({"field", "field-id", "field-literal"})
_AGGREGATES: Mapping[str, str] = {
    "count": "COUNT({0})",
    "cum-count": "COUNT({0})",
    "sum": "SUM({0})",
    "cum-sum": "SUM({0})",
    "avg": "AVG({0})",
    "min": "MIN({0})",
    "max": "MAX({0})",
    "distinct": "COUNT(DISTINCT {0})",
    "stddev": "STDDEV({0})",
    "var": "VARIANCE({0})",
    "median": "MEDIAN({0})",
    "percentile": "MEDIAN({0})",
    "sum-where": "SUM(CASE WHEN {1} IS NULL THEN {0} END)",
    "count-where": "COUNT(CASE WHEN {0} IS NULL THEN 1 END)",
    "distinct-where": "COUNT(DISTINCT CASE WHEN {1} IS NULL THEN {0} END)",
    "share": "AVG(CASE WHEN {0} IS NULL THEN 1 END)",
}
"""Operator -> SQL over its arguments. A condition is written as a test of its columns: what it compares them with is
nobody's business."""
_ARITHMETIC = frozenset("+-*/")


@dataclass(slots=True)
class Stage:
    """One stage of a query."""

    table: int | None = None
    card: int | None = None
    native: Mapping[str, Any] | None = None
    """SQL that it reads from: `{"query": text, "template-tags": {...}}`."""
    joins: list[list[Stage]] = field(default_factory=list)
    filters: list[Clause] = field(default_factory=list)
    """Conditions, of joins too, and orderings."""
    aggregations: list[Clause] = field(default_factory=list)
    breakouts: list[Clause] = field(default_factory=list)
    expressions: dict[str, Clause] = field(default_factory=dict)
    fields: list[Clause] | None = None
    """The columns asked for; None for all."""


def stages_of(dataset_query: Mapping[str, Any]) -> list[Stage]:
    """The stages of a query in order, the innermost first; none where it has no shape that is known."""
    listed = each(dataset_query, "stages")
    if listed:
        return [_newer(stage, 0) for stage in listed]
    native = dataset_query.get("native")
    if isinstance(native, dict):
        return [Stage(native=native)]
    query = dataset_query.get("query")
    return _older(query, 0) if isinstance(query, dict) else []


def _older(query: Mapping[str, Any], depth: int) -> list[Stage]:
    inner = query.get("source-query")
    before = _older(inner, depth + 1) if isinstance(inner, dict) and depth < _DEEPEST else []
    if isinstance(query.get("native"), str):
        return [Stage(native={"query": query["native"], "template-tags": query.get("template-tags")})]
    table, card = _source(query.get("source-table"))
    stage = Stage(table=table, card=card)
    stage.filters = [query["filter"]] if isinstance(query.get("filter"), list) else []
    for join in each(query, "joins"):
        if depth < _DEEPEST:
            stage.joins.append(_older(join, depth + 1))
        stage.filters.append(join.get("condition"))
    _shared(stage, query)
    expressions = query.get("expressions")
    if isinstance(expressions, dict):
        stage.expressions = {str(name): clause for name, clause in expressions.items()}
    return [*before, stage]


def _newer(query: Mapping[str, Any], depth: int) -> Stage:
    if isinstance(query.get("native"), str):
        return Stage(native={"query": query["native"], "template-tags": query.get("template-tags")})
    table, card = _source(query.get("source-table"))
    stage = Stage(table=table, card=_number(query.get("source-card")) or card)
    stage.filters = list(_list(query.get("filters")))
    for join in each(query, "joins"):
        if depth < _DEEPEST:
            stage.joins.append([_newer(inner, depth + 1) for inner in each(join, "stages")])
        stage.filters.append(join.get("conditions"))
    _shared(stage, query)
    for clause in _list(query.get("expressions")):
        name = options(clause).get("lib/expression-name")
        if isinstance(name, str):
            stage.expressions[name] = clause
    return stage


def _shared(stage: Stage, query: Mapping[str, Any]) -> None:
    """What both shapes call the same."""
    stage.aggregations = list(_list(query.get("aggregation")))
    if stage.aggregations and isinstance(stage.aggregations[0], str):
        stage.aggregations = [stage.aggregations]  # very old: one clause instead of a list of them
    stage.breakouts = list(_list(query.get("breakout")))
    stage.filters.append(query.get("order-by"))
    fields = query.get("fields")
    stage.fields = fields if isinstance(fields, list) else None


def _source(given: Any) -> tuple[int | None, int | None]:
    """Table and card of a source, one of which it is."""
    if isinstance(given, str) and (match := _CARD.fullmatch(given)):
        return None, int(match[1])
    return _number(given), None


def _number(given: Any) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def options(clause: Clause) -> Mapping[str, Any]:
    """Options of a clause, wherever its shape puts them."""
    return next((part for part in _list(clause)[1:] if isinstance(part, dict)), {})


def arguments(clause: Clause) -> list[Any]:
    """Arguments of a clause without its options."""
    return [part for part in _list(clause)[1:] if not isinstance(part, dict)]


def walked(clause: Clause) -> Iterator[tuple[str, list[Any]]]:
    """Operator and arguments of a clause and of all inside it, without recursion."""
    rest = [clause]
    while rest:
        one = rest.pop()
        if not isinstance(one, list):
            continue
        if one and isinstance(one[0], str):
            yield one[0], arguments(one)
        rest.extend(reversed([part for part in one if isinstance(part, list)]))
        if one and isinstance(one[0], str) and isinstance(default := options(one).get("default"), list):
            rest.append(default)


def is_field(operator: str) -> bool:
    """Whether a clause with this operator names a field."""
    return operator in _FIELDS


def written(operator: str, parts: list[str]) -> str:
    """SQL for an operator over the SQL of its arguments: exact for aggregates and arithmetic; else just what it reads.

    What Metabase computes with text, dates and conditions becomes COALESCE over the same columns.
    """
    if operator == "count" and not parts:
        return "COUNT(*)"
    pattern = _AGGREGATES.get(operator)
    if pattern and len(parts) > pattern.count("{1}"):
        return pattern.format(*parts)
    if operator in _ARITHMETIC and parts:
        return "(" + f" {operator} ".join(parts) + ")"
    return f"COALESCE({', '.join(parts)})" if parts else "NULL"


def aggregation_name(clause: Clause) -> tuple[Clause, str]:
    """An aggregation without the shell that names it, and what its column is called."""
    named = options(clause).get("name")
    if isinstance(clause, list) and clause and clause[0] == "aggregation-options":
        inner = arguments(clause)
        clause = inner[0] if inner else []
    operator = clause[0] if isinstance(clause, list) and clause and isinstance(clause[0], str) else ""
    usual = {"cum-sum": "sum", "cum-count": "count", "distinct": "count", "sum-where": "sum"}
    default = usual.get(operator, operator if re.fullmatch(r"[a-z-]+", operator) else "expression")
    return clause, named if isinstance(named, str) and named else default
