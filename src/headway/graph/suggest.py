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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from headway.collector import paused_collector
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
_ABOVE = 0.7
"""What it counts for when a chart shows what the key result's own columns are made from, and not these."""
_ALIKE = 0.5
"""What the same function over other columns counts for."""
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
    told = any(graph.nodes[i].aggregates for i in graph.assets if _on_board(graph, i))
    goals = [
        _Goal.of(graph, g, told=told) for g in graph.goals if graph.active >> graph.bit[g] & 1 and g in graph.targets
    ]
    if not goals:
        return []
    with paused_collector():
        index = _Index(graph, goals)
    best: dict[tuple[int, int], Suggestion] = {}
    for node in graph.assets:
        if not _on_board(graph, node) or any(_on_board(graph, u) for u in graph.upstream[node]):
            continue  # a dashboard with charts is as good as its best chart
        boards = _boards(graph, node)
        chart = _Chart.of(graph, node, boards)
        for goal, overlap in index.near(chart):
            found = _compare(graph, chart, goal, overlap, least)
            if found is None:
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


Names = tuple[tuple[frozenset[str], str], ...]
"""What something is called: the words that tell, and the text they are from."""


@dataclass(frozen=True, slots=True)
class _Goal:
    """A key result as it is compared."""

    node: int
    values: frozenset[Place]
    """The columns of tables that it is made from, the first ones going upstream."""
    aggregates: frozenset[str]
    functions: frozenset[str]
    filters: frozenset[str]
    """Names of the columns that decide which rows count."""
    tables: frozenset[int]
    """Tables that it is computed from directly."""
    names: Names
    metric: str
    """What it is computed from, for sentences."""

    @staticmethod
    def of(graph: Graph, goal: int, *, told: bool) -> _Goal:
        """`told`: some chart says what it computes, so that it is worth knowing of the key result."""
        fed = graph.fed_by.get(goal, ())
        metrics = _metrics(graph, fed)
        binding = graph.targets[goal].binding
        said = [a for i in metrics for a in graph.nodes[i].aggregates]
        if told and binding.expression:
            said.append(aggregate(binding.expression))
        aggregates = frozenset(a for a in said if a)
        node = graph.nodes[goal]
        called = [node.name, node.title, *(text for i in fed for text in (graph.nodes[i].name, graph.nodes[i].title))]
        return _Goal(
            node=goal,
            values=_made_from(graph, goal),
            aggregates=aggregates,
            functions=_functions(aggregates),
            filters=_filters(graph, goal),
            tables=frozenset(_tables(graph, fed)),
            names=_tokens(called),
            metric=graph.nodes[fed[0]].name if fed else node.label,
        )


@dataclass(frozen=True, slots=True)
class _Chart:
    """A chart, or a dashboard without charts, as it is compared."""

    node: int
    values: frozenset[Place]
    aggregates: frozenset[str]
    functions: frozenset[str]
    filters: frozenset[str]
    tables: frozenset[int]
    names: Names

    @staticmethod
    def of(graph: Graph, chart: int, boards: Sequence[int]) -> _Chart:
        nodes = [graph.nodes[i] for i in (chart, *boards)]
        called = [text for n in nodes for text in (n.name, n.title)]
        if graph.column_lineage:
            called += [name for name in graph.columns.vertices(chart) if name]
        return _Chart(
            node=chart,
            values=_made_from(graph, chart),
            aggregates=frozenset(graph.nodes[chart].aggregates),
            functions=_functions(graph.nodes[chart].aggregates),
            filters=_filters(graph, chart),
            tables=frozenset(_tables(graph, [chart])),
            names=_tokens(called),
        )


def _made_from(graph: Graph, node: int) -> frozenset[Place]:
    """The columns that a node shows; none where nobody followed any, which is told without building a graph of them."""
    return graph.columns.made_from(node) if graph.column_lineage else frozenset()


def _filters(graph: Graph, node: int) -> frozenset[str]:
    """Names of the columns that decide the rows of a node."""
    return frozenset(c for _, c in graph.columns.filtered_by(node)) if graph.column_lineage else frozenset()


def _metrics(graph: Graph, fed: Iterable[int]) -> list[int]:
    """The metrics among `fed`, and those that they are made of."""
    found = [i for i in fed if KINDS[graph.nodes[i].kind].is_a == "metric"]
    for i in found:  # it grows meanwhile
        found += [u for u in graph.upstream[i] if KINDS[graph.nodes[u].kind].is_a == "metric" and u not in found]
    return found


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


def _tokens(texts: Iterable[str]) -> Names:
    """The words of each text that say something, in lower case, with the text; texts without any left out."""
    found: dict[frozenset[str], str] = {}
    for text in texts:
        words = frozenset(_stem(w) for w in _WORD.findall(text.lower().replace("_", " "))) - _FILLER
        if words and (words not in found or "_" in found[words]):
            found[words] = text
    return tuple(found.items())


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


# --- Which columns they share ----------------------------------------------------------------------------------------


class _Overlap(NamedTuple):
    """How the values of a chart and of a key result hang together."""

    share: float
    """Of what one of them is made from: how much the other is made from as well, 0..1."""
    way: Literal["direct", "above", "table"]
    """`direct`: the chart shows what the key result is made from. `above`: something that this is made from.
    `table`: they read the same table, whatever of it."""
    places: tuple[Place, ...] = ()


class _Index:
    """Which goals a chart could show, by three sweeps over all columns instead of a walk per pair.

    Every column that some goal is made from has a bit, and so has every goal.
    """

    def __init__(self, graph: Graph, goals: Sequence[_Goal]) -> None:
        self._goals = goals
        self._places = sorted({place for goal in goals for place in goal.values})
        bits = {place: bit for bit, place in enumerate(self._places)}
        self._needs = [sum(1 << bits[place] for place in goal.values) for goal in goals]
        self._by_table: dict[int, list[int]] = defaultdict(list)
        self._by_bit: dict[int, list[int]] = defaultdict(list)
        seeds: dict[Place, int] = defaultdict(int)
        for k, goal in enumerate(goals):
            for place in goal.values:
                seeds[place] |= 1 << k
                self._by_bit[bits[place]].append(k)
            for table in goal.tables:
                self._by_table[table].append(k)
        self._made_from: Callable[[Place], int] = _nothing
        self._goes_into: Callable[[Place], int] = _nothing
        if seeds:
            sweep = graph.columns.sweep_values
            self._made_from = sweep({place: 1 << bit for place, bit in bits.items()}, "downstream")
            self._goes_into = sweep(seeds, "upstream")

    def near(self, chart: _Chart) -> Iterator[tuple[_Goal, _Overlap]]:
        """The goals that share columns or a table with a chart, in order, with what they share."""
        shown = 0
        into: dict[int, list[Place]] = defaultdict(list)
        for place in sorted(chart.values):
            shown |= self._made_from(place)
            for k in _bits(self._goes_into(place)):
                into[k].append(place)
        near = {k for bit in _bits(shown) for k in self._by_bit[bit]}
        tables = {k for table in chart.tables for k in self._by_table.get(table, ())}
        for k in sorted(near | tables | into.keys()):
            goal = self._goals[k]
            if k in near:
                both = shown & self._needs[k]
                places = tuple(self._places[bit] for bit in _bits(both))
                yield goal, _Overlap(len(places) / len(goal.values), "direct", places)
            elif k in into:
                yield goal, _Overlap(_ABOVE * len(into[k]) / len(chart.values), "above", tuple(into[k]))
            else:
                yield goal, _Overlap(0.0, "table")


def _nothing(place: Place) -> int:  # noqa: ARG001 - nothing is known of any place
    return 0


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


# --- How alike they are ----------------------------------------------------------------------------------------------


def _compare(
    graph: Graph, chart: _Chart, goal: _Goal, overlap: _Overlap, least: float
) -> tuple[float, tuple[str, ...]] | None:
    """Score and reasons; None when the score is below `least`."""
    counted = goal.tables & chart.tables if "count()" in goal.aggregates & chart.aggregates else frozenset[int]()
    if not counted and not (goal.values and chart.values):
        return _by_name(graph, chart, goal)
    shares = {"columns": _ROWS_ONLY if counted else overlap.share}
    if not shares["columns"]:
        return None
    if chart.aggregates and goal.aggregates:
        same = not chart.aggregates.isdisjoint(goal.aggregates)
        shares["measure"] = 1.0 if same else _ALIKE if chart.functions & goal.functions else 0.0
    if goal.filters:
        shares["filter"] = len(goal.filters & chart.filters) / len(goal.filters)
    if _score({**shares, "name": 1.0}) < least:
        return None  # whatever they are called
    shares["name"], called = _called_alike(chart.names, goal.names)
    score = _score(shares)
    if score < least:
        return None
    said = {
        "columns": _counts_rows(graph, counted) if counted else _shows(graph, goal, overlap),
        "measure": f"it computes {', '.join(sorted(chart.aggregates & goal.aggregates))}, as {goal.metric} does",
        "filter": f"its rows hang on {', '.join(sorted(goal.filters & chart.filters))} as well",
        "name": called,
    }
    silent = {"measure"} if shares.get("measure") != 1.0 else set()
    ranked = sorted(shares, key=lambda part: (-WEIGHTS[part] * shares[part], part))
    return round(score, 3), tuple(said[part] for part in ranked if shares[part] and part not in silent)


def _score(shares: Mapping[str, float]) -> float:
    """The mean of the signals that apply, by their weights."""
    return sum(WEIGHTS[part] * share for part, share in shares.items()) / sum(WEIGHTS[part] for part in shares)


def _counts_rows(graph: Graph, tables: Iterable[int]) -> str:
    return f"it counts rows of {min(graph.nodes[i].name for i in tables)} as well"


def _shows(graph: Graph, goal: _Goal, overlap: _Overlap) -> str:
    way = "computed" if overlap.way == "direct" else "made"
    return f"it shows {_named(graph, overlap.places)}, which {goal.metric} is {way} from"


def _by_name(graph: Graph, chart: _Chart, goal: _Goal) -> tuple[float, tuple[str, ...]] | None:
    """Columns are not known on one side: the same table and the same name."""
    shared = goal.tables & chart.tables
    name, called = _called_alike(chart.names, goal.names)
    if not shared or name < LEAST_NAME:
        return None
    table = min(graph.nodes[i].name for i in shared)
    return round(LEAST + (name - LEAST_NAME) / 4, 3), (called, f"it reads {table}, as {goal.metric} does")


def _functions(aggregates: Iterable[str]) -> frozenset[str]:
    return frozenset(part.partition("(")[0] for text in aggregates for part in text.split("), "))


def _called_alike(ours: Names, theirs: Names) -> tuple[float, str]:
    """The best Jaccard index of the words of two names, and in words what that is."""
    best, said = 0.0, ""
    for mine, text in ours:
        for other, _ in theirs:
            both = mine & other
            if both and (share := len(both) / len(mine | other)) > best:
                best, said = share, f"it is called {text!r}" if share == 1 else f"it is called much the same: {text!r}"
    return best, said


def _named(graph: Graph, places: Iterable[Place], most: int = 2) -> str:
    names = sorted(f"{graph.nodes[node].name}.{column}" for node, column in places)
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
