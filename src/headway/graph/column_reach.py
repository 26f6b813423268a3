"""Column-level reach: which goals each column of each node feeds, how surely, and whether anybody reads it.

The column graph has one vertex per (node, column) that some record names, and two more per node: its *rows* (what
decides which rows there are) and *every column* of it. Values flow from column to column; a shape source flows into the
rows of its node. Where columns are not known, everything is kept alive: what reads a node without saying which columns
takes every column of it. So no column is cut off from a goal that it may feed.

Rows flow from node to node. Whoever reads a node depends on its rows, so rows serve what the node serves; a column
serves what the columns and rows that are made from it serve. This never claims more than the table-level answer, apart
from what a record names without an edge between the nodes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from headway.collector import paused_collector
from headway.graph.column_goals import of_key_results
from headway.graph.column_use import ColumnUse, is_table
from headway.graph.link import unmatched_summary
from headway.graph.model import KINDS, Certainty, ColumnLineage, ColumnSource, Gap
from headway.graph.reach import reach
from headway.graph.use import Status

if TYPE_CHECKING:
    from headway.graph.graph import Graph, Way

Place = tuple[int, str]
"""A node index and a column of it; '' is the node as a whole: its rows, or a goal."""

Role = Literal["value", "rows", "any"]
"""What a column does: its values go in, it decides which rows there are, or any column may go in, since it is not known
which do."""

CERTAINTIES: tuple[Certainty, ...] = ("known", "assumed", "candidate")
ROLES: tuple[Role, ...] = ("value", "rows", "any")
_VALUE, _ROWS, _ANY = range(3)
_CANDIDATE = CERTAINTIES.index("candidate")
_SURENESS: Mapping[str, int] = {name: k for k, name in enumerate(CERTAINTIES)}


class Column(NamedTuple):
    """A column of a node."""

    name: str
    declared: bool
    """The node's own record lists it; otherwise only others name it."""
    sources: tuple[ColumnSource, ...]
    """What its values are made from."""


class Link(NamedTuple):
    """One step of a column path: how surely and as what the place before flows into the place after."""

    certainty: Certainty
    role: Role


@dataclass(frozen=True, slots=True)
class Feed:
    """One way in which a column serves a goal, with the strongest proof: the surest path, of these the shortest."""

    goal: int
    """Node index of the goal, as in Service."""
    way: Way
    path: tuple[Place, ...]
    """The column first, the goal last; a place without a column is the rows of its node."""
    links: tuple[Link, ...]
    """One between every two places of the path."""

    @property
    def certainty(self) -> Certainty:
        """The weakest on the path."""
        return max((link.certainty for link in self.links), key=CERTAINTIES.index, default="known")

    @property
    def role(self) -> Role:
        """`value` when values flow all the way; otherwise what interrupts them."""
        return max((link.role for link in self.links), key=ROLES.index, default="value")


class ColumnReach:
    """The column graph of a graph, swept once, when it is first asked what serves what."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        with paused_collector():
            self._wiring = wiring = _Wiring(graph)
        self.gaps: tuple[Gap, ...] = tuple(wiring.gaps())
        """Nodes whose columns could not be followed, and records about nodes that do not exist."""
        self._goals = len(graph.goals)
        self._computed = (1 << self._goals) - 1

    @cached_property
    def _masks(self) -> Sequence[int]:
        """By vertex the goals it serves: those computed from it, and above them those it informs."""
        graph = self._graph
        rows: dict[int, int] = defaultdict(int)
        for goal in graph.goals:
            rows[goal] |= 1 << graph.bit[goal]
            for board in graph.shown_on.get(goal, ()):
                rows[board] |= 1 << (graph.bit[goal] + self._goals)
        return self.sweep(rows, self.spread(rows))

    def spread(self, seeds: Mapping[int, int]) -> dict[int, int]:
        """Masks of nodes as masks of all of their columns, by vertex."""
        return {v: mask for node, mask in seeds.items() for v in self.vertices(node).values()}

    def sweep(self, rows: Mapping[int, int], columns: Mapping[int, int], *, sure: bool = False) -> Sequence[int]:
        """By vertex: masks of what is downstream, given masks at the rows of nodes and, by vertex, at columns.

        `sure` leaves candidates out.
        """
        wiring = self._wiring
        flowed = reach(wiring.count, wiring.row_up, wiring.row_down, rows).masks
        start = {i: mask for i, mask in enumerate(flowed) if mask}
        start.update(columns)
        up: Sequence[int] = wiring.up
        down: Sequence[int] = wiring.down
        if sure:
            kept = [k for k, certainty in enumerate(wiring.certainty) if certainty != _CANDIDATE]
            up, down = [up[k] for k in kept], [down[k] for k in kept]
        masks = reach(wiring.size, up, down, start).masks
        return masks if isinstance(masks, list) else list(masks)  # read one by one, a bit matrix is slow

    # ------------------------------------------------------------------ columns

    @property
    def known(self) -> bool:
        """Whether any column lineage is known at all."""
        return bool(self._wiring.records)

    @property
    def nodes(self) -> Sequence[int]:
        """The nodes that have columns, in the graph's order."""
        return sorted(self._wiring.columns)

    def vertices(self, node: int) -> Mapping[str, int]:
        """The vertex of every column of a node."""
        return self._wiring.columns.get(node, {})

    def columns(self, node: int) -> Mapping[str, Column]:
        """The columns of a node: those its own record lists, in its order, then those that only others name."""
        sources: dict[str, list[ColumnSource]] = {}
        for record in self._wiring.records.get(node, ()):
            for name, found in record.columns.items():
                sources.setdefault(name.lower(), []).extend(found)
        return {
            name: Column(name, name in sources, tuple(dict.fromkeys(sources.get(name, ()))))
            for name in self.vertices(node)
        }

    def complete(self, node: int) -> bool:
        """Whether all columns of a node are known."""
        return self._wiring.exact(node)

    def problem(self, node: int) -> str:
        """Why the columns of a node could not be followed; '' when they could, or nobody tried."""
        return next((r.problem for r in self._wiring.records.get(node, ()) if r.problem), "")

    def readers(self, node: int, column: str) -> tuple[Place, ...]:
        """What a column goes into directly: columns, and nodes whose rows it decides or that may read any column."""
        wiring = self._wiring
        start = self.vertices(node).get(column.lower())
        found: dict[Place, None] = {}
        todo = [] if start is None else [start]
        while todo:
            for down, _, _ in wiring.below.get(todo.pop(), ()):
                if (place := wiring.place(down)) is not None:
                    found[place] = None
                else:
                    todo.append(down)
        return tuple(found)

    def made_from(self, node: int) -> frozenset[Place]:
        """The first columns of tables, going upstream, that the values of a node are surely made from.

        What decides its rows, candidates, and reads of every column of something are no part of it.
        """
        wiring, nodes = self._wiring, self._graph.nodes
        found: set[Place] = set()
        todo = self._places_of(node)
        met = set(todo)
        while todo:
            vertex = todo.pop()
            place = wiring.place(vertex)
            if place is not None and place[0] != node and is_table(nodes[place[0]]):
                found.add(place)
                continue
            fresh = [up for up in wiring.values_above.get(vertex, ()) if up not in met]
            met.update(fresh)
            todo += fresh
        return frozenset(found)

    def sweep_values(
        self, seeds: Mapping[Place, int], towards: Literal["upstream", "downstream"]
    ) -> Callable[[Place], int]:
        """Masks at columns, brought along sure values: upstream to what they are made from, or downstream to what is
        made from them. Returns the mask of any column, its own seed included."""
        wiring = self._wiring
        start = {
            v: mask for (node, column), mask in seeds.items() if (v := self.vertices(node).get(column)) is not None
        }
        up, down = wiring.values
        masks = reach(wiring.size, *((up, down) if towards == "upstream" else (down, up)), start).masks
        found: Sequence[int] = masks if isinstance(masks, list) else list(masks)

        def at(place: Place) -> int:
            vertex = self.vertices(place[0]).get(place[1])
            return 0 if vertex is None else found[vertex]

        return at

    def filtered_by(self, node: int) -> frozenset[Place]:
        """Columns that decide which rows count for a node, or for what it is made from short of a table."""
        graph = self._graph
        found: set[Place] = set()
        todo = [node]
        met = {node}
        while todo:
            i = todo.pop()
            if i != node and is_table(graph.nodes[i]):
                continue
            for record in self._wiring.records.get(i, ()):
                for source in record.shape:
                    found.update(
                        (above, source.column) for above in self._wiring.nodes_of(source.node, i) if source.column
                    )
            above = graph.fed_by.get(i, ()) if KINDS[graph.nodes[i].kind].goal else graph.upstream[i]
            fresh = [u for u in above if u not in met]
            met.update(fresh)
            todo += fresh
        return frozenset(found)

    # ------------------------------------------------------------------ goals

    def computes(self, node: int, column: str = "") -> int:
        """Mask of the goals that are computed from a column; from the node as a whole when nothing names the column."""
        return self._mask(node, column) & self._computed if column else self._graph.computes[node]

    def informs(self, node: int, column: str = "") -> int:
        """Mask of the goals that are shown on something downstream of a column; of the node as for `computes`."""
        return self._mask(node, column) >> self._goals if column else self._graph.informs[node]

    def served(self, node: int, column: str) -> int:
        """Mask of the active goals that a column serves, in either way."""
        mask = self._mask(node, column)
        return (mask | mask >> self._goals) & self._graph.active

    def _mask(self, node: int, column: str) -> int:
        vertex = self.vertices(node).get(column.lower())
        if vertex is None:
            return self._graph.computes[node] | (self._graph.informs[node] << self._goals)
        return self._masks[vertex]

    def path(self, node: int, column: str, goal: int) -> tuple[Place, ...]:
        """The strongest proof that a column serves a goal: the surest path, of these the shortest; () when none."""
        found = [feed for feed in self.feeds(node, column) if feed.goal == goal]
        best = min(
            found, key=lambda f: (CERTAINTIES.index(f.certainty), ROLES.index(f.role), len(f.path)), default=None
        )
        return best.path if best else ()

    def feeds(self, node: int, column: str) -> tuple[Feed, ...]:
        """How a column serves each goal: for each way the strongest proof. Empty for a column that nothing names."""
        graph = self._graph
        start = self.vertices(node).get(column.lower())
        if start is None:
            return ()
        wanted: dict[tuple[int, Way], list[int]] = {}
        for goal in graph.goals_in(self.computes(node, column)):
            wanted[goal, "computes"] = self._places_of(goal)
        for goal in graph.goals_in(self.informs(node, column)):
            wanted[goal, "informs"] = [v for board in graph.shown_on[goal] for v in self._places_of(board)]
        found: list[Feed] = []
        for certainty in range(len(CERTAINTIES)):
            for role in range(len(ROLES)):
                if not wanted:
                    break
                before, order = self._wiring.breadth_first(start, certainty, role)
                for key, ends in list(wanted.items()):
                    end = min((v for v in ends if v in order), key=order.__getitem__, default=None)
                    if end is not None:
                        del wanted[key]
                        found.append(self._feed(*key, before, end))
        return tuple(sorted(found, key=lambda f: (f.goal, f.way)))

    def _places_of(self, node: int) -> list[int]:
        return [node, *self.vertices(node).values()]

    def _feed(self, goal: int, way: Way, before: Mapping[int, tuple[int, Link]], end: int) -> Feed:
        places: list[Place] = []
        links: list[Link] = []
        vertex = end
        while vertex in before:
            place = self._wiring.place(vertex)
            vertex, link = before[vertex]
            if place is not None:  # every column of a node is no place; the link out of it says how sure, and as what
                places.append(place)
                links.append(link)
        places.append(self._wiring.places[vertex - 2 * self._wiring.count])
        if way == "informs":
            places.insert(0, (goal, ""))
            links.insert(0, Link("known", "value"))
        return Feed(goal, way, tuple(reversed(places)), tuple(reversed(links)))

    # ------------------------------------------------------------------ use

    @cached_property
    def use(self) -> ColumnUse:
        """Who reads each column, in three values."""
        return ColumnUse(self._graph, self)

    def used(self, node: int, column: str) -> Status:
        """Whether a column, or anything downstream of it, is read: used, unused or unknown (see column_use)."""
        return self.use.status(node, column)


class _Wiring:
    """The column graph as edges between dense integers.

    Vertices: the rows of node i are i, every column of it is `count + i`, single columns follow. Edge k flows from
    up[k] to down[k] with certainty[k] and role[k]. Rows flow along row_up and row_down, which are node indexes.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.count = len(graph.nodes)
        self.up: list[int] = []
        self.down: list[int] = []
        self.certainty = bytearray()
        self.role = bytearray()
        self.row_up: list[int] = []
        self.row_down: list[int] = []
        self.columns: dict[int, dict[str, int]] = {}
        self.places: list[Place] = []
        self.lost: dict[str, int] = defaultdict(int)
        self._references: dict[str, tuple[int, ...]] = {}
        self._wholes: dict[int, None] = {}
        self.records = self._by_node()
        self._problems = {i for i, found in self.records.items() if any(r.problem for r in found)}
        for node, records in self.records.items():
            for record in records:
                for column in record.columns:
                    self._vertex(node, column)
        declared = {node: len(found) for node, found in self.columns.items()}
        named = {node: self._follow(node, records) for node, records in self.records.items()}
        for node in range(self.count):
            self._attach(node, named.get(node, set()))
        for node in self.records:
            self._undeclared(node, declared.get(node, 0))
        for node in self._wholes:
            for vertex in self.columns.get(node, {}).values():
                self._edge(vertex, self.count + node, 0, _VALUE)
        self.size = 2 * self.count + len(self.places)

    def exact(self, node: int) -> bool:
        """The columns of a node, and what they are made from, are all known."""
        return node in self.records and node not in self._problems

    def place(self, vertex: int) -> Place | None:
        """What a vertex stands for; None for every column of a node."""
        if vertex < self.count:
            return vertex, ""
        return self.places[vertex - 2 * self.count] if vertex >= 2 * self.count else None

    def _by_node(self) -> dict[int, list[ColumnLineage]]:
        found: dict[int, list[ColumnLineage]] = {}
        written = self.graph.column_lineage
        for record in (*written, *(of_key_results(self.graph) if written else ())):
            nodes = self.nodes_of(record.node)
            if len(nodes) == 1:
                found.setdefault(nodes[0], []).append(record)
            else:
                self.lost[record.node] += 1
        return found

    def nodes_of(self, reference: str, reader: int = -1) -> tuple[int, ...]:
        """The nodes an id or reference may mean, to the node that reads it where somebody decided for that one."""
        i = self.graph.index.get(reference)
        if i is not None:
            return (i,)
        decided = self.graph.decided_tables
        if decided and (found := decided.get((reader, reference))) is not None:
            return found
        if reference not in self._references:
            self._references[reference] = self.graph.directory.reference(reference).nodes
        return self._references[reference]

    def _vertex(self, node: int, column: str) -> int:
        found = self.columns.get(node)
        if found is None:
            found = self.columns[node] = {}
        vertex = found.get(column)
        if vertex is None:
            column = column.lower()
            vertex = found.get(column)
            if vertex is None:
                vertex = found[column] = 2 * self.count + len(self.places)
                self.places.append((node, column))
        return vertex

    def _edge(self, up: int, down: int, certainty: int, role: int) -> None:
        self.up.append(up)
        self.down.append(down)
        self.certainty.append(certainty)
        self.role.append(role)

    def _reads(self, above: int, node: int) -> None:
        """The rows of `above` flow into the rows of `node`."""
        self.row_up.append(above)
        self.row_down.append(node)

    def _whole(self, node: int) -> int:
        """The vertex of every column of a node."""
        self._wholes[node] = None
        return self.count + node

    # ------------------------------------------------------------------ what records say

    def _follow(self, node: int, records: Iterable[ColumnLineage]) -> set[int]:
        """Place the edges into a node that its records name; returns the nodes that they name."""
        named: set[int] = set()
        for record in records:
            self._draw(record.shape, node, node, _ROWS, named)
            for column, sources in record.columns.items():
                if sources:
                    self._draw(sources, node, self._vertex(node, column), _VALUE, named)
        named.discard(node)
        for above in named:
            self._reads(above, node)
        return named

    def _draw(self, sources: Iterable[ColumnSource], node: int, target: int, role: int, named: set[int]) -> None:
        index = self.graph.index
        for source in sources:
            i = index.get(source.node)
            nodes = (i,) if i is not None else self.nodes_of(source.node, node)
            certainty = _SURENESS[source.certainty] if len(nodes) == 1 else _CANDIDATE
            for above in nodes:
                named.add(above)
                vertex = self.columns.get(above, {}).get(source.column)
                if vertex is None:
                    vertex = self._vertex(above, source.column) if source.column else self._whole(above)
                self._edge(vertex, target, certainty, role)

    # ------------------------------------------------------------------ what records leave open

    def _attach(self, node: int, named: set[int]) -> None:
        """Place what a node depends on beyond what its records name: always on the side of keeping alive."""
        graph = self.graph
        kind = KINDS[graph.nodes[node].kind]
        exact = self.exact(node)
        todo = deque(graph.fed_by.get(node, ()) if kind.goal else graph.upstream[node])
        seen = {node, *named} if exact else {node}
        while todo:
            above = todo.popleft()
            if above in seen:
                continue
            seen.add(above)
            if exact and self._looks_through(node, above):
                todo.extend(graph.upstream[above])
                continue
            if above not in named:
                self._reads(above, node)
            if exact and kind.is_a == "metric":
                continue  # its record says all that its value is made from, even when that is no column: count(*)
            self._take_all(above, node)

    def _looks_through(self, node: int, above: int) -> bool:
        """Whether a record of `node` speaks of what `above` stands on instead of `above`: that is no table."""
        above_node = self.graph.nodes[above]
        if not self.graph.upstream[above]:
            return False
        if KINDS[self.graph.nodes[node].kind].is_a == "metric":
            return not is_table(above_node)
        return above_node.materialized == "ephemeral" or above_node.kind == "job"

    def _take_all(self, above: int, node: int) -> None:
        """The rows of `node` may depend on every column of `above`; of a metric with a record, on its column."""
        if KINDS[self.graph.nodes[above].kind].is_a == "metric" and self.exact(above):
            columns = self.columns.get(above, {})
            own = columns.get(self.graph.nodes[above].name.lower())
            for vertex in columns.values() if own is None else (own,):
                self._edge(vertex, node, 0, _VALUE)
        else:
            self._edge(self._whole(above), node, _CANDIDATE, _ANY)

    def _undeclared(self, node: int, declared: int) -> None:
        """Columns that others name and the node's own record does not list may be made from anything above."""
        open_ = list(self.columns.get(node, {}).values())[declared:]
        for above in self.graph.upstream[node] if open_ else ():
            if above != node:
                self._reads(above, node)
                for vertex in open_:
                    self._edge(self._whole(above), vertex, _CANDIDATE, _ANY)

    # ------------------------------------------------------------------ walking

    @cached_property
    def below(self) -> Mapping[int, Sequence[tuple[int, int, int]]]:
        """Vertex -> (vertex downstream, certainty, role)."""
        below: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for up, *edge in zip(self.up, self.down, self.certainty, self.role, strict=True):
            below[up].append(tuple(edge))  # type: ignore[arg-type]
        for up, down in zip(self.row_up, self.row_down, strict=True):
            below[up].append((down, 0, _VALUE))  # what leads into rows says what they are
        return below

    @cached_property
    def values(self) -> tuple[Sequence[int], Sequence[int]]:
        """Upstream and downstream ends of the edges along which values surely flow."""
        first, last = self.count, 2 * self.count
        edges = zip(self.up, self.down, self.certainty, self.role, strict=True)
        kept = [
            (up, down)
            for up, down, certainty, role in edges
            if role == _VALUE and certainty != _CANDIDATE and not first <= up < last
        ]
        return [up for up, _ in kept], [down for _, down in kept]

    @cached_property
    def values_above(self) -> Mapping[int, Sequence[int]]:
        """Vertex -> the columns that its values are surely made from."""
        above: dict[int, list[int]] = defaultdict(list)
        with paused_collector():
            for up, down in zip(*self.values, strict=True):
                above[down].append(up)
        return above

    def breadth_first(
        self, start: int, certainty: int, role: int
    ) -> tuple[Mapping[int, tuple[int, Link]], Mapping[int, int]]:
        """Downstream of `start` over edges that are at least so sure, in roles up to `role`.

        Returns vertex -> (the one before it, the link between), and vertex -> when it was met. Neighbours are taken by
        the ids of their nodes, so that the order of the records does not matter.
        """
        before: dict[int, tuple[int, Link]] = {}
        met = {start: 0}
        todo = deque([start])
        while todo:
            vertex = todo.popleft()
            steps = [e for e in self.below.get(vertex, ()) if e[1] <= certainty and e[2] <= role and e[0] not in met]
            steps.sort(key=lambda e: (self._name(e[0]), e[1], e[2]))
            for down, sure, how in steps:
                if down not in met:
                    met[down] = len(met)
                    before[down] = vertex, Link(CERTAINTIES[sure], ROLES[how])
                    todo.append(down)
        return before, met

    def _name(self, vertex: int) -> tuple[str, str]:
        place = self.place(vertex)
        node, column = place if place is not None else (vertex - self.count, "")
        return self.graph.nodes[node].id, column

    # ------------------------------------------------------------------ what is not known

    def gaps(self) -> Iterator[Gap]:
        """What the records could not say, counted and by name."""
        if self._problems:
            names = sorted(self.graph.nodes[i].name for i in self._problems)
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
            nodes = "1 node" if len(names) == 1 else f"{len(names):,} nodes"
            message = f"the columns of {nodes} could not be followed, so whatever may go in there is kept: {shown}"
            yield Gap(topic="lineage", message=message)
        if self.lost:
            rows = sum(self.lost.values())
            message = f"{rows:,} record{'' if rows == 1 else 's'} of column lineage fit no node: "
            yield Gap(topic="lineage", message=message + unmatched_summary(self.lost.items()))
