"""What each metric means, in a form in which metrics that mean the same are equal.

A meaning is an aggregate over columns of tables, the filters and the window it keeps to, and the time that dates it. It
is read from a metric's definition where there is one (dbt, LookML, a key result's expression): then it is *exact*. Of a
chart, a dataset or a model only its aggregates and its column lineage are known; what it filters by is known, and not
by which value. Metrics made of metrics are composed of the meanings of their inputs.

Columns are followed down to the first table, and not beyond: lineage does not tell a column that is renamed from one
that is computed, nor are the rows of two tables the same. Measures of two tables that lead back to the same columns
are near, never identical.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headway.graph.canonical import Canonical, conditions, embedded, expression
from headway.graph.column_use import is_table
from headway.graph.model import KINDS

if TYPE_CHECKING:
    from headway.graph.column_reach import Column, Place
    from headway.graph.graph import Graph

_PART = re.compile(r"(\w+)\(([^()]*)\)")
_DEEPEST = 20
_FUNCTIONS: Mapping[str, str] = {"average": "avg", "sum_boolean": "sum", "percentile": "percentile"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that is measured somewhere."""

    node: int
    name: str
    """What the measure is called; '' where only the chart or table that has it is called something."""
    form: str
    """What is aggregated, in one form: `sum(orders.amount)`."""
    functions: tuple[str, ...]
    places: frozenset[Place] = frozenset()
    """The columns of tables that its values are made from."""
    filters: frozenset[str] = frozenset()
    """The conditions that must all hold; empty where they are not known."""
    filter_columns: frozenset[str] = frozenset()
    """The columns that decide which rows count; of what is not exact, groupings too."""
    window: str = ""
    """Over which time it accumulates, and which day of a period counts."""
    time: str = ""
    """The column that dates it; '' where that is not known."""
    exact: bool = False
    """It is read from a definition."""


class Meanings:
    """The meanings of everything in a graph that measures something."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._traces = _Traces(graph)
        self._known: dict[int, Meaning | None] = {}

    @cached_property
    def all(self) -> Sequence[Meaning]:
        """One for each metric; one for each aggregate of charts, datasets and tables that repeat none above them."""
        found: list[Meaning] = []
        for i in self._graph.assets:
            if self._is_metric(i):
                one = self.of(i)
                found += [one] if one is not None else []
            elif self._graph.nodes[i].aggregates:
                found += self._repeated(i)
        for goal, target in self._graph.targets.items():
            if target.binding.model and target.binding.expression:
                found += self._of_key_result(goal)
        return found

    def of(self, metric: int) -> Meaning | None:
        """The meaning of a metric; None where its definition says too little."""
        return self._of(metric, 0)

    def roots(self, meaning: Meaning) -> frozenset[Place]:
        """The columns furthest upstream that its values are made from."""
        return frozenset(root for place in meaning.places for root in self._traces.roots(place))

    def _of(self, metric: int, depth: int) -> Meaning | None:
        if metric not in self._known:
            self._known[metric] = None  # a circle of metrics has no meaning
            if depth < _DEEPEST:
                self._known[metric] = self._made(metric, depth)
        return self._known[metric]

    def _is_metric(self, i: int) -> bool:
        return KINDS[self._graph.nodes[i].kind].is_a == "metric"

    def _made(self, metric: int, depth: int) -> Meaning | None:
        node = self._graph.nodes[metric]
        said, measure = node.meta.get("definition"), node.meta.get("sql")
        found: Meaning | None = None
        if isinstance(said, Mapping):
            found = self._defined(metric, said, depth)
        elif isinstance(measure, Mapping) and isinstance(measure.get("expression"), str):
            found = self._measured(metric, measure)
        if found is None and len(node.aggregates) == 1:
            found = self._aggregated(metric, node.aggregates[0])
        return found and replace(found, name=node.name.rpartition(".")[2])

    # ------------------------------------------------------------------ definitions

    def _defined(self, metric: int, said: Mapping[str, Any], depth: int) -> Meaning | None:
        """A metric of dbt."""
        if said.get("ends"):
            return self._converted(metric, said)
        if isinstance(said.get("agg"), str):
            return self._simple(metric, said)
        return self._composed(metric, said, depth)

    def _simple(self, metric: int, said: Mapping[str, Any]) -> Meaning | None:
        scope = _Scope(self._traces, metric, self._over(metric, said))
        made = expression(_sql(said), scope.names, rows=scope.rows)
        kept = self._kept(said, scope)
        if made is None or kept is None:
            return None
        held = said.get("held")
        parts = [str(said.get("window") or ""), f"on the {scope.words(str(held))}" if held else ""]
        time = scope.names(str(said["time"]).lower()) if said.get("time") else ""
        return scope.meaning(made, kept, window=", ".join(filter(None, parts)), time=time)

    def _over(self, metric: int, said: Mapping[str, Any]) -> Sequence[int]:
        over = self._graph.index.get(str(said.get("over") or ""))
        return [over] if over is not None else self._traces.tables(metric)

    def _kept(self, said: Mapping[str, Any], scope: _Scope) -> frozenset[str] | None:
        return scope.conditions(said.get("filter"), "")

    def _composed(self, metric: int, said: Mapping[str, Any], depth: int) -> Meaning | None:
        """A metric made of others: ratio, derived, or one that accumulates another."""
        graph = self._graph
        inputs = [item for item in said.get("inputs") or () if isinstance(item, Mapping)]
        above = {graph.nodes[u].name: u for u in graph.upstream[metric] if self._is_metric(u)}
        parts: dict[str, str] = {}
        found: list[Meaning] = []
        for number, item in enumerate(inputs):
            up = above.get(str(item.get("name")))
            part = self._of(up, depth + 1) if up is not None else None
            if up is None or part is None:
                return None
            more = _Scope(self._traces, up, self._traces.tables(up)).conditions(item.get("filter"), "")
            if more is None:
                return None
            part = replace(part, filters=part.filters | more)
            found.append(part)
            alias = f"input_{number}" if said.get("type") == "ratio" else str(item.get("as") or item.get("name"))
            parts[alias.lower()] = _told(part, str(item.get("offset") or ""))
        scope = _Scope(self._traces, metric, self._traces.tables(metric))
        kept = self._kept(said, scope)
        if not found or kept is None:
            return None
        if said.get("type") == "cumulative":
            window = str(said.get("window") or "")
            return replace(found[0], node=metric, filters=found[0].filters | kept, window=window)
        sql = "input_0 / input_1" if said.get("type") == "ratio" else str(said.get("expr") or "")
        made = expression(sql, lambda name: parts.get(name, name))
        if made is None:
            return None
        return Meaning(
            node=metric,
            name="",
            form=made.text,
            functions=tuple(sorted(f for part in found for f in part.functions)),
            places=frozenset().union(*(part.places for part in found)),
            filters=kept,
            filter_columns=frozenset().union(*(part.filter_columns for part in found)),
            exact=all(part.exact for part in found),
        )

    def _converted(self, metric: int, said: Mapping[str, Any]) -> Meaning | None:
        """A conversion: how many of the first measure were followed by the second."""
        ends = [self._simple(metric, end) for end in said["ends"] if isinstance(end, Mapping)]
        whole = [end for end in ends if end is not None]
        if len(whole) != 2 or len(ends) != 2:
            return None
        told = ", ".join(_told(end, "") for end in whole)
        scope = _Scope(self._traces, metric, self._traces.tables(metric))
        return Meaning(
            node=metric,
            name="",
            form=f"{said.get('calculation')} by {said.get('entity')}({told})",
            functions=tuple(sorted(f for end in whole for f in end.functions)),
            places=whole[0].places | whole[1].places,
            filters=self._kept(said, scope) or frozenset(),
            window=str(said.get("window") or ""),
            exact=True,
        )

    def _measured(self, metric: int, said: Mapping[str, Any]) -> Meaning | None:
        """A measure of LookML: one SQL aggregate over its view."""
        scope = _Scope(self._traces, metric, self._traces.tables(metric))
        made = expression(str(said["expression"]), scope.names, dialect=str(said.get("dialect") or ""), rows=scope.rows)
        if made is None:
            return None
        return replace(scope.meaning(made, frozenset()), exact=scope.single and "query" not in said)

    def _of_key_result(self, goal: int) -> Iterator[Meaning]:
        binding = self._graph.targets[goal].binding
        scope = _Scope(self._traces, goal, list(self._graph.fed_by.get(goal, ())))
        made = expression(binding.expression, scope.names, rows=scope.rows)
        kept = scope.conditions(binding.where, "")
        if made is not None and kept is not None:
            yield scope.meaning(made, kept, time=scope.names(binding.time.lower()) if binding.time else "")

    # ------------------------------------------------------------------ aggregates alone

    def _repeated(self, i: int) -> Iterator[Meaning]:
        """What a chart, a dataset or a table computes itself, where no metric or dataset below it does."""
        graph = self._graph
        above = self._traces.short_of_tables(i)
        if any(self._is_metric(u) for u in above):
            return
        had = {a for u in above for a in graph.nodes[u].aggregates}
        for said in graph.nodes[i].aggregates:
            if said not in had and (found := self._aggregated(i, said)) is not None:
                yield found

    def _aggregated(self, i: int, said: str) -> Meaning | None:
        """The meaning of `sum(amount)`, as `graph.aggregates` says it."""
        parts = _PART.findall(said)
        if not parts or ", ".join(f"{name}({columns})" for name, columns in parts) != said:
            return None
        scope = _Scope(self._traces, i, list(self._graph.upstream[i]))
        texts = []
        for function, columns in parts:
            names = [c for c in columns.split(", ") if c]
            told = ", ".join(scope.names(c) for c in names) if names else scope.rows if function == "count" else ""
            texts.append(f"{_FUNCTIONS.get(function, function)}({told})")
        functions = tuple(sorted(_FUNCTIONS.get(function, function) for function, _ in parts))
        columns = frozenset(self._traces.label(p) for p in self._traces.filtered(i))
        return Meaning(i, "", ", ".join(texts), functions, frozenset(scope.places), frozenset(), columns)


def mentions(text: str, column: str) -> bool:
    """Whether a form or condition names a column: `orders.amount` is none of `orders.amount_eur`."""
    at = text.find(column)
    while at >= 0:
        end = at + len(column)
        before, after = text[at - 1 : at], text[end : end + 1]
        if not (before.isalnum() or before in {"_", "."} or after.isalnum() or after == "_"):
            return True
        at = text.find(column, end)
    return False


def _sql(said: Mapping[str, Any]) -> str:
    """The aggregate of a definition as SQL."""
    agg, expr = str(said["agg"]), str(said.get("expr") or "")
    if said.get("rows"):
        return "count(*)"
    if agg == "sum_boolean":
        return f"sum(case when {expr} then 1 else 0 end)"
    if agg == "count_distinct":
        return f"count(distinct {expr})"
    if agg == "percentile":
        return f"quantile({expr}, {said.get('percentile', 0.5)})"
    return f"{_FUNCTIONS.get(agg, agg)}({expr})"


def _told(part: Meaning, offset: str) -> str:
    """An input inside of the form of what is made of it."""
    more = "; ".join(filter(None, (part.window, f"{offset} before" if offset else "")))
    return embedded(part.form, part.filters) + (f"[{more}]" if more else "")


class _Scope:
    """What the names in an expression stand for: columns of what a node stands on."""

    def __init__(self, traces: _Traces, node: int, over: Sequence[int]) -> None:
        self._traces = traces
        self._node = node
        self._over = over
        self.places: dict[Place, None] = {}
        """The columns of tables that were named."""
        self.single = len(over) == 1
        tables = [t for u in over for t in traces.tables_at(u)]
        self.rows = traces.name(tables[0]) if len(set(tables)) == 1 else f"rows of {node}"

    def names(self, column: str) -> str:
        """What a column is called everywhere: `orders.amount`."""
        plain = column.rpartition(".")[2]
        if (joined := self._traces.joined(self._node, plain)) is not None:
            self.places[joined] = None
            return self._traces.label(joined)
        for up in self._over if self.single else self._holding(plain):
            place = self._traces.followed((up, plain))
            self.places[place] = None
            return self._traces.label(place)
        return f"{self._traces.name(self._node)}.{plain}"  # nobody else's, so that it is equal to nothing

    def _holding(self, column: str) -> list[int]:
        found = [up for up in self._over if column in self._traces.columns(up)]
        return found if len(found) == 1 else []

    def words(self, text: str) -> str:
        """Text of a definition as people read it."""
        return " ".join(text.split())

    def conditions(self, said: Any, dialect: str) -> frozenset[str] | None:
        """The conditions of some filters; None where one of them cannot be read."""
        found: set[str] = set()
        before = dict(self.places)
        for text in said if isinstance(said, Sequence) and not isinstance(said, str) else ():
            one = conditions(str(text), self.names, dialect=dialect)
            if one is None:
                return None
            found |= one
        self.filtered = [p for p in self.places if p not in before]
        self.places = before
        return frozenset(found)

    filtered: Sequence[Place] = ()

    def meaning(self, made: Canonical, kept: frozenset[str], *, window: str = "", time: str = "") -> Meaning:
        filters = made.filters | kept
        label = self._traces.label
        values = {p for p in self.places if label(p) in made.columns and mentions(made.text, label(p))}
        by = {label(p) for p in (*self.places, *self.filtered) if any(mentions(f, label(p)) for f in filters)}
        return Meaning(
            self._node,
            "",
            made.text,
            made.functions,
            frozenset(values),
            filters,
            frozenset(by),
            window,
            time,
            exact=True,
        )


class _Traces:
    """Columns followed upstream, each once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._columns: dict[int, Mapping[str, Column]] = {}
        self._roots: dict[Place, frozenset[Place]] = {}
        self._filtered: dict[int, frozenset[Place]] = {}
        self._tables: dict[int, tuple[int, ...]] = {}
        self._called = Counter(n.label for n in graph.nodes if is_table(n))

    def name(self, node: int) -> str:
        """The name of a table; its id where several are called so."""
        found = self._graph.nodes[node]
        return found.label if self._called[found.label] <= 1 and is_table(found) else found.id

    def label(self, place: Place) -> str:
        """`orders.amount`."""
        return f"{self.name(place[0])}.{place[1]}"

    def columns(self, node: int) -> Mapping[str, Column]:
        if node not in self._columns:
            known = bool(self._graph.column_lineage)  # without any, no graph of columns is built
            self._columns[node] = self._graph.columns.columns(node) if known else {}
        return self._columns[node]

    def tables(self, node: int) -> tuple[int, ...]:
        """The first tables upstream of a node."""
        if node not in self._tables:
            graph = self._graph
            above = graph.fed_by.get(node, ()) if KINDS[graph.nodes[node].kind].goal else graph.upstream[node]
            self._tables[node] = tuple(sorted({t for up in above for t in self.tables_at(up)}))
        return self._tables[node]

    def tables_at(self, node: int) -> tuple[int, ...]:
        """A node that is a table itself, or the first tables upstream of it."""
        return (node,) if is_table(self._graph.nodes[node]) else tuple(self._short(node, tables=True))

    def short_of_tables(self, node: int) -> list[int]:
        """What is upstream of a node without a table between."""
        return self._short(node, tables=False)

    def _short(self, node: int, *, tables: bool) -> list[int]:
        graph = self._graph
        found: dict[int, None] = {}
        todo, met = deque(graph.upstream[node]), {node}
        while todo:
            i = todo.popleft()
            if i in met:
                continue
            met.add(i)
            table = is_table(graph.nodes[i])
            if table == tables:
                found[i] = None
            if not table:
                todo.extend(graph.upstream[i])
        return list(found)

    def followed(self, place: Place) -> Place:
        """The column of a table that a column of a dataset or semantic model passes on; itself where there is none."""
        for _ in range(_DEEPEST):
            node, column = place
            if is_table(self._graph.nodes[node]):
                break
            above = self._sources(place)
            if not above and column not in self.columns(node) and len(ups := self._graph.upstream[node]) == 1:
                above = [(ups[0], column)]  # nothing is known of its columns: it stands on one thing alone
            if len(above) != 1:
                break
            place = above[0]
        return place

    def joined(self, node: int, name: str) -> Place | None:
        """The column behind `entity__dimension`, of a semantic model that a filter joins."""
        if "__" not in name:
            return None
        for up in self._short(node, tables=False):
            if name in self._graph.nodes[up].reached_by:
                return self.followed((up, name.rpartition("__")[2]))
        return None

    def roots(self, place: Place) -> frozenset[Place]:
        """The columns furthest upstream that a column is surely made from."""
        if place not in self._roots:
            found: set[Place] = set()
            todo, met = [place], {place}
            while todo:
                one = todo.pop()
                above = [p for p in self._sources(one) if p != one]
                if not above:
                    found.add(one)
                fresh = [p for p in above if p not in met]
                met.update(fresh)
                todo += fresh
            self._roots[place] = frozenset(found)
        return self._roots[place]

    def filtered(self, node: int) -> frozenset[Place]:
        """Columns of tables that decide which rows count."""
        if node not in self._filtered:
            found = self._graph.columns.filtered_by(node) if self._graph.column_lineage else frozenset()
            self._filtered[node] = frozenset(self.followed(place) for place in found)
        return self._filtered[node]

    def _sources(self, place: Place) -> list[Place]:
        known = self.columns(place[0]).get(place[1])
        found = []
        for source in known.sources if known else ():
            if source.certainty != "candidate" and source.column:
                i = self._graph.index.get(source.node)
                nodes: Iterable[int] = (i,) if i is not None else self._graph.directory.reference(source.node).nodes
                found += [(n, source.column.lower()) for n in nodes]
        return found
