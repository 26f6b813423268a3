"""What one question, model or metric reads: tables, other cards, SQL, and which columns it makes what of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headway.connectors.fields import text
from headway.connectors.metabase.schema import Schema
from headway.connectors.metabase.stages import (
    Clause,
    Stage,
    aggregation_name,
    arguments,
    is_field,
    stages_of,
    walked,
    written,
)
from headway.errors import MissingExtra
from headway.graph.columns import Schema as NoSchema
from headway.graph.columns import resolve

_TAG = re.compile(r"\{\{\s*(?:(#)(\d{1,18})[^{}]*|(snippet:\s*)([^{}]*?)|([^{}]*?))\s*\}\}", re.IGNORECASE)
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")
_BACKTICKS = frozenset({"bigquery", "databricks", "mysql", "spark"})
"""Dialects in which double quotes make a text, not a name."""
_MOST_SNIPPETS = 100
_LONGEST = 500_000
CARD = "headway_card_"
"""How the SQL of a native query calls another card, before its number."""


@dataclass(slots=True)
class Read:
    """What a card reads, in terms of Metabase's numbers."""

    tables: list[int] = field(default_factory=list)
    cards: list[int] = field(default_factory=list)
    metrics: list[int] = field(default_factory=list)
    """Metrics that it counts with: cards since Metabase 51, something of their own before."""
    sql: str = ""
    computed: dict[str, str] = field(default_factory=dict)
    """Output -> SQL expression, or a column's name."""
    rows: list[str] = field(default_factory=list)
    problem: str = ""
    """Why it could not be followed."""


def understood(
    dataset_query: Any, outputs: Sequence[Mapping[str, Any]], schema: Schema, snippets: Mapping[str, str]
) -> Read:
    """What a card with this query reads. `outputs` is its `result_metadata`; `snippets` are texts by name."""
    try:
        stages = stages_of(dataset_query if isinstance(dataset_query, dict) else {})
        if not stages:
            return Read(problem="its query has a form that is not known")
        if len(stages) == 1 and stages[0].native is not None:
            return _native(stages[0].native, _dialect(dataset_query, schema), schema, snippets)
        return _Structured(schema, snippets, _dialect(dataset_query, schema)).read(stages, outputs)
    except RecursionError:
        return Read(problem="its query is nested too deeply")


def _dialect(dataset_query: Mapping[str, Any], schema: Schema) -> str:
    number = dataset_query.get("database")
    known = schema.databases.get(number) if isinstance(number, int) else None
    return known.dialect if known else ""


# --- The query builder -----------------------------------------------------------------------------------------------


class _Structured:
    """Adds up what the stages of one query read."""

    def __init__(self, schema: Schema, snippets: Mapping[str, str], dialect: str) -> None:
        self._schema = schema
        self._snippets = snippets
        self._dialect = dialect
        self._read = Read()
        self._names: dict[str, str] = {}
        """What earlier stages and expressions made: name -> SQL."""
        self._open: set[str] = set()
        """Expressions that are being written out: one may not be made from itself."""
        self._stage = Stage()

    def read(self, stages: Sequence[Stage], outputs: Sequence[Mapping[str, Any]]) -> Read:
        found = self._read
        for stage in stages:
            self._stage = stage
            self._sources(stage)
            for clause in (*stage.filters, *stage.breakouts):
                self._decides(clause)
            made = {}
            for clause in stage.aggregations:
                inner, name = aggregation_name(clause)
                number = 2
                while (output := name if name not in made else f"{name}_{number}") in made:
                    number += 1
                made[output] = self._sql(inner)
            last = stage is stages[-1]
            if made or stage.breakouts:
                found.computed = {**{n: self._sql(c) for c in stage.breakouts if (n := self._column(c))}, **made}
            elif last:
                found.computed = {**found.computed, **self._plain(stage, outputs)}
            self._names = {**self._names, **found.computed, **{n: self._expression(n) for n in stage.expressions}}
        found.tables, found.cards = list(dict.fromkeys(found.tables)), list(dict.fromkeys(found.cards))
        found.rows = [row for row in dict.fromkeys(found.rows) if row != "NULL"]
        # a bare word would be taken for a column
        found.computed = {name: "(NULL)" if sql == "NULL" else sql for name, sql in found.computed.items()}
        return found

    def _sources(self, stage: Stage) -> None:
        found = self._read
        if stage.table is not None:
            found.tables.append(stage.table)
        if stage.card is not None:
            found.cards.append(stage.card)
        if stage.native is not None:
            inner = _native(stage.native, self._dialect, self._schema, self._snippets)
            found.cards += inner.cards
            found.sql, found.problem = inner.sql, inner.problem
        for join in stage.joins:
            for joined in join:
                self._sources(joined)
                parts = (*joined.filters, *joined.breakouts, *joined.aggregations, *joined.expressions.values())
                for clause in parts:
                    self._decides(clause)

    def _decides(self, clause: Clause) -> None:
        """Note the columns of a clause as ones that decide which rows there are."""
        for operator, given in walked(clause):
            if is_field(operator):
                column = self._column([operator, *given])
                if column and column not in self._names:
                    self._read.rows.append(_plain_or_quoted(column))
                elif column:
                    self._read.rows.append(self._names[column])
            elif operator == "expression":
                self._read.rows.append(self._expression(given[0] if given else ""))
            elif operator == "metric":
                self._metric(given)

    def _plain(self, stage: Stage, outputs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Outputs of a stage that adds nothing up."""
        made = {name: self._expression(name) for name in stage.expressions}
        if stage.fields is not None:
            for clause in stage.fields:
                if name := self._column(clause):
                    made.setdefault(name, self._sql(clause))
            return made
        known = self._schema.of_tables(self._read.tables) if not self._read.cards else frozenset()
        for output in outputs:
            name = text(output, "name")
            column = self._schema.column(output.get("id")) or name
            if known and column not in known:
                column = re.sub(r"_\d+$", "", column)  # the second of two columns of the same name
            if name and name not in made and (not known or column in known):
                made[name] = self._names.get(column) or _plain_or_quoted(column)
        if not outputs and not self._read.cards:
            made.update((name, _plain_or_quoted(name)) for name in sorted(known) if name not in made)
        return made

    def _column(self, clause: Clause) -> str:
        """The column that a field clause means, '' for what is none."""
        if isinstance(clause, int):
            return self._schema.column(clause)  # very old: the bare number of a field
        given = arguments(clause)
        if not isinstance(clause, list) or not given:
            return ""
        operator = clause[0]
        if operator in ("expression", "datetime-field", "fk->"):
            inner = given[-1] if operator == "fk->" else given[0]
            return inner if isinstance(inner, str) else self._column(inner)
        return self._schema.column(given[0]) if isinstance(operator, str) and is_field(operator) else ""

    def _expression(self, name: Any) -> str:
        """SQL of a custom expression, the ones inside it written out."""
        clause = self._stage.expressions.get(name) if isinstance(name, str) else None
        if clause is None or name in self._open:
            return self._names.get(name, "NULL") if isinstance(name, str) else "NULL"
        self._open.add(name)
        try:
            return self._sql(clause)
        finally:
            self._open.discard(name)

    def _sql(self, clause: Clause) -> str:
        """A clause as SQL over columns. No value of it gets there."""
        if not isinstance(clause, list):
            return "NULL"
        if not clause or not isinstance(clause[0], str):
            parts = [part for inner in clause if (part := self._sql(inner)) != "NULL"]
            return f"COALESCE({', '.join(parts)})" if parts else "NULL"
        operator, given = clause[0], arguments(clause)
        if is_field(operator) or operator in ("fk->", "datetime-field"):
            column = self._column(clause)
            return self._names.get(column) or (_plain_or_quoted(column) if column else "NULL")
        if operator == "expression":
            return self._expression(given[0] if given else "")
        if operator == "metric":
            self._metric(given)
            return "NULL"
        parts = [self._sql(part) for part in given]
        exact = operator in "+-*/" or operator.startswith(("sum", "count", "share", "distinct"))
        return written(operator, parts if exact else [part for part in parts if part != "NULL"])

    def _metric(self, given: Sequence[Any]) -> None:
        """Note a metric that is counted with."""
        if given and isinstance(given[0], int):
            self._read.metrics.append(given[0])


def _plain_or_quoted(column: str) -> str:
    return column if _WORD.fullmatch(column) else '"' + column.replace('"', '""') + '"'


# --- SQL -------------------------------------------------------------------------------------------------------------


def _native(native: Mapping[str, Any], dialect: str, schema: Schema, snippets: Mapping[str, str]) -> Read:
    """SQL without its templating: other cards as tables called CARD + number, what is optional kept where it parses."""
    given = native.get("query")
    if not isinstance(given, str):
        return Read(problem="its query is not SQL")
    tags = native.get("template-tags")
    filled = _Filled(tags if isinstance(tags, dict) else {}, dialect, schema, snippets)
    whole = filled.text(_OPTIONAL.sub(r" \1 ", given)).strip()
    if "[[" in given and not _follows(whole, dialect):
        filled = _Filled(filled.tags, dialect, schema, snippets)
        whole = filled.text(_OPTIONAL.sub(" ", given)).strip()
    if not whole:
        return Read(problem="its SQL is empty")
    return Read(cards=list(dict.fromkeys(filled.cards)), sql=whole)


def _follows(sql: str, dialect: str) -> bool:
    if len(sql) > _LONGEST:
        return False
    try:
        return not resolve(sql, dialect=dialect, schema=NoSchema()).problem
    except MissingExtra:
        return True


class _Filled:
    """Puts something that parses where a template's tags are."""

    def __init__(self, tags: Mapping[str, Any], dialect: str, schema: Schema, snippets: Mapping[str, str]) -> None:
        self.tags = tags
        self._dialect = dialect
        self.cards: list[int] = []
        self._schema = schema
        self._snippets = snippets
        self._left = _MOST_SNIPPETS

    def text(self, sql: str) -> str:
        return _TAG.sub(self._tag, sql)

    def _tag(self, match: re.Match[str]) -> str:
        if match[1]:
            self.cards.append(int(match[2]))
            return f"{CARD}{match[2]}"
        if match[3]:
            self._left -= 1
            body = self._snippets.get(match[4].strip(), "") if self._left >= 0 else ""
            return self.text(body) if len(body) < _LONGEST else ""
        return self._variable(match[5].strip())

    def _variable(self, name: str) -> str:
        """A filter of a field is a condition on its column; any other variable is a value that nobody knows."""
        tag = self.tags.get(name)
        if text(tag, "type") != "dimension" or not isinstance(tag, dict):
            return "NULL"
        operators = [given for operator, given in walked(tag.get("dimension")) if is_field(operator)]
        column = self._schema.column(operators[0][0]) if operators and operators[0] else ""
        if not column or set(column) & set('`"[]'):
            return "1 = 1"
        mark = "`" if self._dialect in _BACKTICKS else '"'
        return f"{mark}{column}{mark} IS NOT NULL"
