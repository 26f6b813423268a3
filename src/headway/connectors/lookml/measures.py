"""A measure as one SQL aggregate over its view: what evaluation needs, or why there is no evaluating it.

What comes out is a plain mapping, kept in the node's meta under `sql`:

    {"expression": "SUM(orders.amount)", "alias": "orders", "relation": "marts.orders", "dialect": "",
     "time": {"created": "orders.created_at"}}

with `query` in place of `relation` for a derived table, and `{"problem": "..."}` where it cannot be evaluated.
In the SQL, HEADWAY_DATE(unit, shift) is a day relative to the day of evaluation (see filters), and HEADWAY_PERIOD(unit,
time) the first day of the period that a time falls into: each warehouse writes these its own way.
"""

from __future__ import annotations

from typing import Any

from headway.connectors.lookml.fields import Expression, Fields, Relation
from headway.connectors.lookml.filters import Untranslatable, condition
from headway.connectors.lookml.views import Field

_AGGREGATES = {"sum": "SUM", "average": "AVG", "min": "MIN", "max": "MAX"}
_KINDS = {
    "string": "string",
    "zipcode": "string",
    "number": "number",
    "yesno": "yesno",
    "date": "date",
    "date_time": "date",
    "time": "date",
}
_DATED = frozenset({"", "raw", "time", "date", "week", "month", "quarter", "year"})


class Measures:
    """The measures of one view as SQL."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields

    def of(self, measure: Field) -> Expression:
        """The aggregate of a measure with its filters; its `problem` says why it is not evaluated."""
        kind = measure.text("type") or "string"
        if kind == "number":
            made = self.fields.text(measure.text("sql"), self.of)
            problem = "a measure of type number has filters" if measure.filters else ""
            problem = problem or ("" if made.sql else "it has no sql")
            return Expression(made.sql or "NULL", made.problem or problem, made.others)
        if kind not in {*_AGGREGATES, "count", "count_distinct"}:
            made = self.fields.text(measure.text("sql") or "NULL", self.of)
            return Expression(
                made.sql or "NULL", made.problem or f"measures of type {kind} are not evaluated", made.others
            )
        filters = self._filters(measure)
        value = self.fields.text(measure.text("sql"), self.of)
        problem = value.problem or filters.problem
        if kind != "count" and not value.sql:
            return Expression("NULL", problem or "it has no sql", filters.others)
        return Expression(_aggregate(kind, value.sql, filters.sql), problem, (*value.others, *filters.others))

    def _filters(self, measure: Field) -> Expression:
        """What its filters let through, as one condition; '' for all rows."""
        parts: list[str] = []
        others: list[tuple[str, str]] = []
        problem = ""
        for name, written in measure.filters:
            view, _, short = name.rpartition(".")
            if view and view != self.fields.view.name:
                others.append((view, short))
                problem = problem or f"it filters on another view, {view}"
                continue
            found = self.fields.find(short)
            made = self.fields.field(short, self.of)
            others += made.others
            problem = problem or made.problem
            if found is None:
                continue
            try:
                parts.append(condition(_kind(*found), made.sql, written))
            except Untranslatable as error:
                parts.append(f"({made.sql}) IS NOT NULL")  # so that its columns are known
                problem = problem or f"it has {error}"
        return Expression(" AND ".join(parts), problem, tuple(dict.fromkeys(others)))

    def spec(self, measure: Field, relation: Relation, dialect: str) -> dict[str, Any]:
        """What evaluation needs of a measure: see the module."""
        made = self.of(measure)
        problem = made.problem or relation.problem
        if not problem and not relation.query and len(relation.tables) != 1:
            problem = "its view has no table of its own"
        if problem:
            return {"problem": problem}
        source = {"query": relation.query} if relation.query else {"relation": relation.tables[0]}
        return {"expression": made.sql, "alias": self.fields.alias, "dialect": dialect, **source, "time": self.times()}

    def times(self) -> dict[str, str]:
        """SQL of every dimension that can date a row, by name."""
        found: dict[str, str] = {}
        for name, field in self.fields.view.fields.items():
            group = field.kind == "dimension_group" and (field.text("type") or "time") == "time"
            if group or (field.kind == "dimension" and field.text("type") in {"date", "date_time"}):
                made = self.fields.field(name, self.of)
                if not made.problem:
                    found[name] = made.sql
        return found


def _kind(field: Field, timeframe: str) -> str:
    """What kind of filter expression fits a field."""
    if field.kind == "measure":
        return "measure"
    said = field.text("type") or ("time" if field.kind == "dimension_group" else "string")
    if field.kind == "dimension_group":
        return "date" if said == "time" and timeframe in _DATED else said
    return _KINDS.get(said, said)


def _aggregate(kind: str, value: str, filtered: str) -> str:
    if kind == "count":
        return f"COUNT(CASE WHEN {filtered} THEN 1 END)" if filtered else "COUNT(*)"
    kept = f"CASE WHEN {filtered} THEN {value} END" if filtered else value
    return f"COUNT(DISTINCT {kept})" if kind == "count_distinct" else f"{_AGGREGATES[kind]}({kept})"
