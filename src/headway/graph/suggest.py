"""Suggested goal links: dashboards that seem to show a key result, with a score and the reasons for it.

A suggestion never counts until a person accepts it. It rests on four signals, each in 0..1, weighted by WEIGHTS:

- *columns*: the values that a chart shows are made from the same columns as the key result's metric, or from columns
  that are made from them (column lineage, values only: filters and joins are no reason);
- *measure*: it aggregates them the same way (`sum(amount)`);
- *filter*: it keeps to the rows by the same columns as the metric does; no signal where the metric has no filter;
- *name*: chart, measure or dashboard are called like the key result or its metric.

Where the columns of a dashboard are not known, it must read a table that the metric is computed from and be called
alike. A dashboard takes the score of its best chart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway.graph.aggregates import aggregate
from headway.graph.column_reach import Place
from headway.graph.column_use import is_table
from headway.graph.model import KINDS

if TYPE_CHECKING:
    from headway.graph.graph import Graph

WEIGHTS: Mapping[str, float] = {"columns": 0.5, "measure": 0.25, "name": 0.15, "filter": 0.1}
"""What each signal counts for; of those that apply the weighted mean is the score."""
LEAST = 0.6
"""Score from which a link is suggested: the same columns alone are not enough."""
LEAST_NAME = 0.6
"""How alike the names must be where columns are not known."""
_FURTHER = 0.5
"""What the same columns count for when neither side is made from what the other shows: both only share a source."""
_ROWS_ONLY = 0.7
"""What it counts for when both count rows of the same table: there are no columns to compare."""
_WORD = re.compile(r"[^\W_]+")
_FILLER = frozenset("a an and by chart dashboard for from in kpi metric new of on our per report the to total".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Suggestion:
    """That a dashboard (or a chart on no dashboard) shows a key result."""

    board: int
    """Node index."""
    goal: int
    """Node index of the key result."""
    score: float
    reasons: tuple[str, ...]
    """Whole phrases for people, the strongest first."""
    chart: int
    """The chart that it rests on; the board itself where it has none."""


def suggestions(graph: Graph, *, least: float = LEAST) -> list[Suggestion]:
    """What seems to show a key result without anybody having said so, best first; at most one per board and goal.

    Goals that have ended, and links that somebody declined, are left out.
    """
    goals = [_Goal.of(graph, g) for g in graph.goals if graph.active >> graph.bit[g] & 1 and g in graph.targets]
    if not goals:
        return []
    index = _Index(graph, goals)
    best: dict[tuple[int, int], Suggestion] = {}
    for node in graph.assets:
        if not _on_board(graph, node) or any(_on_board(graph, u) for u in graph.upstream[node]):
            continue  # a dashboard with charts is as good as its best chart
        boards = _boards(graph, node)
        chart = _Chart.of(graph, node, boards)
        for goal in index.near(chart):
            found = _compare(graph, chart, goal)
            if found is None or found[0] < least:
                continue
            for board in boards or (node,):
                if not _open(graph, board, node, goal.node):
                    continue
                before = best.get((board, goal.node))
                if before is None or (found[0], -node) > (before.score, -before.chart):
                    best[board, goal.node] = Suggestion(board, goal.node, *found, node)
    return sorted(best.values(), key=lambda s: (-s.score, graph.nodes[s.board].id, graph.nodes[s.goal].id))


def _open(graph: Graph, board: int, chart: int, goal: int) -> bool:
    """Nobody has said yet whether the board shows the goal, and it is not known from the lineage either."""
    shown = graph.shown_on.get(goal, ())
    if board in shown or chart in shown:
        return False
    declined = graph.declined
    ids = graph.nodes
    return (ids[board].id, ids[goal].id) not in declined and (ids[chart].id, ids[goal].id) not in declined


def _on_board(graph: Graph, node: int) -> bool:
    """Whether a node is something that people look at: a chart, a dashboard, another exposure."""
    return KINDS[graph.nodes[node].kind].band == "dashboard"


def _boards(graph: Graph, chart: int) -> tuple[int, ...]:
    """The dashboards that a chart is on."""
    return tuple(b for b in graph.downstream[chart] if _on_board(graph, b))


# --- What is compared ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Values:
    """What the values of something are made from."""

    near: frozenset[Place]
    """The first columns of tables, going upstream."""
    all: frozenset[Place]
    """Those and everything upstream of them."""

    @staticmethod
    def of(graph: Graph, node: int) -> _Values:
        return _Values(*graph.columns.made_from(node))


@dataclass(frozen=True, slots=True)
class _Goal:
    """A key result as it is compared."""

    node: int
    values: _Values
    aggregates: frozenset[str]
    filters: frozenset[str]
    """Names of the columns that decide which rows count."""
    tables: frozenset[int]
    """Tables that it is computed from directly."""
    names: tuple[frozenset[str], ...]
    metric: str
    """What it is computed from, for sentences."""

    @staticmethod
    def of(graph: Graph, goal: int) -> _Goal:
        fed = graph.fed_by.get(goal, ())
        metrics = [i for i in graph.walk(fed, "upstream") if KINDS[graph.nodes[i].kind].is_a == "metric"]
        binding = graph.targets[goal].binding
        said = [a for i in metrics for a in graph.nodes[i].aggregates]
        if binding.expression:
            said.append(aggregate(binding.expression))
        node = graph.nodes[goal]
        called = [node.name, node.title, *(text for i in fed for text in (graph.nodes[i].name, graph.nodes[i].title))]
        return _Goal(
            node=goal,
            values=_Values.of(graph, goal),
            aggregates=frozenset(a for a in said if a),
            filters=frozenset(c for _, c in graph.columns.filtered_by(goal)),
            tables=frozenset(_tables(graph, fed)),
            names=_tokens(called),
            metric=graph.nodes[fed[0]].name if fed else node.label,
        )


@dataclass(frozen=True, slots=True)
class _Chart:
    """A chart, or a dashboard without charts, as it is compared."""

    node: int
    values: _Values
    filters: frozenset[str]
    tables: frozenset[int]
    names: tuple[frozenset[str], ...]

    @staticmethod
    def of(graph: Graph, chart: int, boards: Sequence[int]) -> _Chart:
        nodes = [graph.nodes[i] for i in (chart, *boards)]
        called = [text for n in nodes for text in (n.name, n.title)]
        called += [name for name in graph.columns.vertices(chart) if name]
        filters = frozenset(c for _, c in graph.columns.filtered_by(chart))
        tables = frozenset(_tables(graph, [chart]))
        return _Chart(chart, _Values.of(graph, chart), filters, tables, _tokens(called))


def _tables(graph: Graph, starts: Iterable[int]) -> Iterator[int]:
    """The first tables upstream of `starts`, themselves included."""
    todo, seen = list(starts), set(starts)
    while todo:
        i = todo.pop()
        if is_table(graph.nodes[i]):
            yield i
            continue
        fresh = [u for u in graph.upstream[i] if u not in seen]
        seen.update(fresh)
        todo += fresh


def _tokens(texts: Iterable[str]) -> tuple[frozenset[str], ...]:
    """The words of each text that say something, in lower case; texts without any left out."""
    found = (frozenset(_stem(w) for w in _WORD.findall(text.lower().replace("_", " "))) - _FILLER for text in texts)
    return tuple(dict.fromkeys(words for words in found if words))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


class _Index:
    """Which goals a chart could show at all, so that not every chart is held against every goal."""

    def __init__(self, graph: Graph, goals: Sequence[_Goal]) -> None:
        self._graph = graph
        self._by_place: dict[Place, list[_Goal]] = defaultdict(list)
        self._by_table: dict[int, list[_Goal]] = defaultdict(list)
        for goal in goals:
            for place in goal.values.all:
                self._by_place[place].append(goal)
            for table in goal.tables:
                self._by_table[table].append(goal)

    def near(self, chart: _Chart) -> list[_Goal]:
        """Goals that share a column or a table with a chart, in the graph's order."""
        found: dict[int, _Goal] = {}
        for place in chart.values.all:
            found.update((g.node, g) for g in self._by_place.get(place, ()))
        for table in chart.tables:
            found.update((g.node, g) for g in self._by_table.get(table, ()))
        return [found[node] for node in sorted(found)]


# --- How alike they are ----------------------------------------------------------------------------------------------


def _compare(graph: Graph, chart: _Chart, goal: _Goal) -> tuple[float, tuple[str, ...]] | None:
    """Score and reasons; None when there is no reason at all."""
    name, called = _called_alike(chart.names, goal.names)
    parts: dict[str, tuple[float, str]] = {"name": (name, called)}
    columns = _same_columns(graph, chart, goal)
    measures = frozenset(graph.nodes[chart.node].aggregates)
    if measures and goal.aggregates:
        same = sorted(measures & goal.aggregates)
        alike = 1.0 if same else _FURTHER if _functions(measures) & _functions(goal.aggregates) else 0.0
        parts["measure"] = alike, f"it computes {same[0]}, as {goal.metric} does" if same else ""
    if columns is None:
        return _by_name(graph, chart, goal, name, called)
    parts["columns"] = columns
    if not columns[0]:
        return None
    if goal.filters:
        shared = goal.filters & chart.filters
        parts["filter"] = len(shared) / len(goal.filters), f"it filters by {', '.join(sorted(shared))} as well"
    whole = sum(WEIGHTS[part] for part in parts)
    score = sum(WEIGHTS[part] * share for part, (share, _) in parts.items()) / whole
    ranked = sorted(parts.items(), key=lambda item: (-WEIGHTS[item[0]] * item[1][0], item[0]))
    return round(score, 3), tuple(reason for _, (share, reason) in ranked if share and reason)


def _by_name(
    graph: Graph, chart: _Chart, goal: _Goal, name: float, called: str
) -> tuple[float, tuple[str, ...]] | None:
    """Columns are not known on one side: the same table and the same name."""
    shared = sorted(goal.tables & chart.tables)
    if not shared or name < LEAST_NAME:
        return None
    score = LEAST + (name - LEAST_NAME) / 4
    return round(score, 3), (called, f"it reads {graph.nodes[shared[0]].name}, as {goal.metric} does")


def _same_columns(graph: Graph, chart: _Chart, goal: _Goal) -> tuple[float, str] | None:
    """How much of what the key result is computed from the chart shows, and how; None where columns are not known."""
    mine, theirs = chart.values, goal.values
    counted = goal.tables & chart.tables
    if counted and "count()" in goal.aggregates and "count()" in graph.nodes[chart.node].aggregates:
        return _ROWS_ONLY, f"it counts rows of {min(graph.nodes[i].name for i in counted)} as well"
    if not theirs.near or not mine.near:
        return None
    direct = theirs.near & mine.all
    if direct:
        return len(direct) / len(
            theirs.near
        ), f"it shows {_places(graph, direct)}, which {goal.metric} is computed from"
    above = mine.near & theirs.all
    if above:
        return len(above) / len(mine.near), f"it shows {_places(graph, above)}, which {goal.metric} is made from"
    far = mine.all & theirs.all
    if far:
        return _FURTHER, f"both are made from {_places(graph, far)}"
    return 0.0, ""


def _functions(aggregates: Iterable[str]) -> set[str]:
    return {part.partition("(")[0] for text in aggregates for part in text.split("), ")}


def _called_alike(ours: Sequence[frozenset[str]], theirs: Sequence[frozenset[str]]) -> tuple[float, str]:
    """The best Jaccard index of the words of two names, and the shared words."""
    best, shared = 0.0, frozenset[str]()
    for mine in ours:
        for other in theirs:
            both = mine & other
            share = len(both) / len(mine | other)
            if share > best:
                best, shared = share, both
    return best, f"both are called {' '.join(sorted(shared))}" if shared else ""


def _places(graph: Graph, places: Iterable[Place], most: int = 2) -> str:
    names = sorted(f"{graph.nodes[node].name}.{column}" for node, column in places)
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
