"""Explores of Lightdash: which models they stand on, and what their fields are made from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.fields import below, each, text
from headway.errors import MissingExtra
from headway.graph.columns import expression_sources

DIALECTS: Mapping[str, str] = {
    "athena": "athena",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "duckdb": "duckdb",
    "postgres": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "trino": "trino",
}
"""What Lightdash calls a warehouse -> sqlglot's dialect."""

_AGGREGATES: Mapping[str, str] = {
    "average": "AVG({})",
    "count": "COUNT({})",
    "count_distinct": "COUNT(DISTINCT {})",
    "max": "MAX({})",
    "median": "MEDIAN({})",
    "min": "MIN({})",
    "percentile": "MEDIAN({})",
    "sum": "SUM({})",
}
_OWN_TABLE = re.compile(r"\$\{\s*TABLE\s*\}\s*\.", re.IGNORECASE)
_OTHER_FIELD = re.compile(r"\$\{\s*(?:(\w+)\.)?(\w+)\s*\}")
_VALUE = re.compile(r"\$\{\s*(?:lightdash|ld)\.[^}]*\}", re.IGNORECASE)
_LIQUID = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_DEEPEST = 20
_LONGEST = 100_000


@dataclass(slots=True)
class Explore:
    """One explore, in what a chart can name of it."""

    name: str
    label: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    virtual: bool = False
    """Made from SQL inside Lightdash, not from a model."""
    models: tuple[str, ...] = ()
    """Names of the dbt models it stands on, the one it is named after first."""
    sql: str = ""
    """Of a virtual one."""
    dialect: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    """Field as charts call it (`<table>_<field>`) -> SQL over columns of the models."""
    offers: dict[str, frozenset[str]] = field(default_factory=dict)
    """Model -> columns that fields of its table are made from, lower case."""
    whole: bool = True
    """`offers` has the columns of every field."""
    joined_on: tuple[str, ...] = ()
    """SQL of what its tables are joined on."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Columns of its models that anything is made from; None where that is not known of all."""
        return tuple(sorted({name for names in self.offers.values() for name in names})) if self.whole else None


def explore_of(answer: Mapping[str, Any]) -> Explore | None:
    """An explore as `explores/<name>` of a project gives it; None for what is none, or failed to compile."""
    name, tables = text(answer, "name"), below(answer, "tables")
    if not name or not tables:
        return None
    base = text(answer, "baseTable") or name
    order = [base, *(key for key in tables if key != base)]
    parts = {key: table for key in order if (table := below(tables, key))}
    found = Explore(
        name,
        label=text(answer, "label"),
        description=text(parts.get(base, {}), "description"),
        tags=tuple(tag for tag in _list(answer.get("tags")) if isinstance(tag, str) and tag),
        virtual=text(answer, "type") == "virtual",
        dialect=DIALECTS.get(text(answer, "targetDatabase"), ""),
    )
    writer = _Writer(parts)
    for key, table in parts.items():
        made = {
            f"{key}_{called}": writer.sql(key, called)
            for kind in ("dimensions", "metrics")
            for called in below(table, kind)
        }
        found.fields.update(made)
        read = [columns_of(sql, found.dialect) for sql in made.values()]
        found.whole = found.whole and None not in read
        model = text(table, "originalName") or key
        found.offers[model] = found.offers.get(model, frozenset()).union(*(names for names in read if names))
    found.models = tuple(found.offers)
    found.joined_on = tuple(
        sql for join in each(answer, "joinedTables") if (sql := writer.plain(base, text(join, "sqlOn")))
    )
    if found.virtual:
        found.sql = _unwrapped(text(parts.get(base, {}), "sqlTable"))
    return found


def _list(of: Any) -> list[Any]:
    return of if isinstance(of, list) else []


def aggregated(kind: str, sql: str) -> str:
    """SQL of a metric of a type over SQL; for a type that is no plain aggregate, the SQL itself."""
    pattern = _AGGREGATES.get(kind)
    return pattern.format(sql or "*") if pattern else sql


def columns_of(sql: str, dialect: str) -> frozenset[str] | None:
    """Columns that an expression reads, lower case; None where nothing can tell."""
    try:
        found = expression_sources(sql, dialect)
    except MissingExtra:
        return None
    return None if found.problem else frozenset(name.lower() for name in found.values)


class _Writer:
    """Writes fields out over columns: references to other fields replaced, names of tables taken off."""

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self._tables = tables
        named = "|".join(re.escape(key) for key in sorted(tables, key=len, reverse=True))
        self._qualifier = re.compile(rf"(?<![\w.])([\"`]?)(?:{named})\1\s*\.\s*(?=[\"`\w])", re.IGNORECASE)

    def sql(self, table: str, called: str, depth: int = 0) -> str:
        """A field over columns; '' for one that is not there or is made from itself."""
        found = self._tables.get(table, {})
        dimension, metric = below(found, "dimensions", called), below(found, "metrics", called)
        of = dimension or metric
        if not of or depth > _DEEPEST:
            return ""
        if compiled := text(of, "compiledSql"):  # whole already, with the filters of a metric
            return self._unqualified(compiled)
        inner = self.plain(table, text(of, "sql"), depth)
        return inner if dimension else aggregated(text(metric, "type"), inner)

    def plain(self, table: str, sql: str, depth: int = 0) -> str:
        """SQL as it was written (`${TABLE}.amount`, `${other_field}`) over plain columns."""
        sql = _VALUE.sub("NULL", _OWN_TABLE.sub("", sql if len(sql) <= _LONGEST else ""))
        return self._unqualified(_OTHER_FIELD.sub(lambda m: self._other(m[1] or table, m[2], depth), sql))

    def _unqualified(self, sql: str) -> str:
        if len(sql) > _LONGEST:
            return ""
        return self._qualifier.sub("", _LIQUID.sub(_value, sql)).strip()

    def _other(self, table: str, called: str, depth: int) -> str:
        made = self.sql(table, called, depth + 1)
        return f"({made})" if made and not _WORD.fullmatch(made) else made or "NULL"


def _value(liquid: re.Match[str]) -> str:
    return "NULL" if liquid[0].startswith("{{") else " "


def asked(chart: Mapping[str, Any], explore: Explore) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a chart computes over the columns of its explore, and what decides its rows."""
    query = below(chart, "metricQuery")
    fields = dict(explore.fields)
    for metric in each(query, "additionalMetrics"):
        inner = explore.fields.get(f"{text(metric, 'table')}_{text(metric, 'baseDimensionName')}", "")
        made = aggregated(text(metric, "type"), inner)
        fields[f"{text(metric, 'table')}_{text(metric, 'name')}"] = made
    for dimension in each(query, "customDimensions"):
        fields[text(dimension, "id")] = explore.fields.get(text(dimension, "dimensionId"), "")
    dimensions, metrics = (
        [name for name in query.get(kind) or () if isinstance(name, str)] if isinstance(query.get(kind), list) else []
        for kind in ("dimensions", "metrics")
    )
    unknown = "("  # cannot be read: a field that is not in the explore any more may be made from anything in it
    computed = {name: fields.get(name) or unknown for name in (*dimensions, *metrics)}
    decides = (*dimensions, *_field_ids(query.get("filters")))
    rows = tuple(dict.fromkeys(sql for name in decides if (sql := fields.get(name))))
    return computed, rows


def _field_ids(of: Any) -> Iterable[str]:
    """Every `fieldId` inside filters, in order, without recursion."""
    rest, found = [of], []
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            if isinstance(one.get("fieldId"), str):
                found.append(one["fieldId"])
            rest.extend(reversed(list(one.values())))
        elif isinstance(one, list):
            rest.extend(reversed(one))
    return dict.fromkeys(found)


def _unwrapped(sql: str) -> str:
    """SQL of a virtual table without the parentheses around it."""
    sql = sql.strip()
    return sql[1:-1].strip() if sql.startswith("(") and sql.endswith(")") else sql
