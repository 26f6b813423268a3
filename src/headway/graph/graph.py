"""The graph: assets below, goals above, immutable, every node a dense integer.

Built once from records and a date. `nodes[i]` is node i; lineage is `upstream[i]` and `downstream[i]`. Which goals an
asset serves is one bit mask per node, swept once: bit g stands for `goals[g]`. Two masks are kept apart everywhere:

- `computes`: the asset is upstream of what the key result is computed from;
- `informs`: the asset is upstream of (or is) a dashboard that shows the key result.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, TypeVar

from msgspec.structs import replace

from headway.config import Policy, Price
from headway.errors import ConfigError, UsageError
from headway.graph import attribution, health, spend, use
from headway.graph.broken import Broken, Gone, broken
from headway.graph.column_reach import ColumnReach
from headway.graph.copies import leave_out_copies
from headway.graph.decided import Decided, Link, link_gaps
from headway.graph.goal_sources import merge_goals
from headway.graph.link import TABLE, Directory, Match, dangling_gaps, reached_names
from headway.graph.merge import merge, told_once
from headway.graph.model import (
    KINDS,
    AnyRecord,
    Check,
    ColumnLineage,
    Coverage,
    Decision,
    Deliverable,
    Edge,
    Facets,
    Gap,
    Node,
    Objective,
    Observation,
    Reading,
    Target,
)
from headway.graph.outside import one_table_each
from headway.graph.reach import order, reach, shortest_ways, way_back

Way = Literal["computes", "informs"]
State = Literal["draft", "planned", "active", "ended"]
R = TypeVar("R")

_PASSES_ON = frozenset({"saved_query", "chart"})
"""Kinds that carry a metric on to the dashboard that shows it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One way in which an asset serves a goal, with the shortest path as proof (asset first, goal last)."""

    goal: int
    """Node index of the key result (or of an objective that is fed directly)."""
    way: Way
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A reference of a goal that fits no node, or several."""

    node: int
    reference: str
    role: str
    match: Match


class Graph:
    """The headed DAG on one day. Reading it never changes it; nothing in it touches disk, network or clock."""

    def __init__(
        self,
        records: Iterable[AnyRecord],
        *,
        as_of: date,
        policy: Policy | None = None,
        protected: Sequence[str] = (),
        prices: Mapping[str, Price] | None = None,
        synced_at: datetime | None = None,
        base: Graph | None = None,
        goal_order: Sequence[str] = (),
    ) -> None:
        kinds: dict[type, list[Any]] = defaultdict(list)
        for record in records:
            kinds[type(record)].append(record)
        leave_out_copies(kinds)
        self.as_of = as_of
        self.policy = policy or Policy()
        self.prices: Mapping[str, Price] = prices or {}
        self.synced_at = synced_at
        self.base = base  # the graph before a change; None where nothing is compared
        self.knew: Sequence[Gone] = ()  # by earlier syncs, and not by the last: said by whoever keeps that
        self._goal_aliases, merging = merge_goals(kinds, goal_order)
        self._gaps: list[Gap] = [*kinds[Gap], *merging]
        self.observations: Sequence[Observation] = kinds[Observation]
        self.coverage: Sequence[Coverage] = kinds[Coverage]
        self.checks: Sequence[Check] = kinds[Check]
        self.column_lineage: Sequence[ColumnLineage] = kinds[ColumnLineage]
        self.decisions: Sequence[Decision] = kinds[Decision]
        self.facets: Mapping[str, Mapping[str, str]] = {f.node: f.digests for f in kinds[Facets]}
        """Node id -> facet -> digest, where a connector was asked for them."""
        self._protected = tuple(protected)

        self._take_nodes(kinds[Node])
        self.assets: Sequence[int] = [i for i, n in enumerate(self.nodes) if not KINDS[n.kind].goal]

        known = self._known
        self.targets: Mapping[int, Target] = known(kinds[Target], lambda t: t.key_result)
        self.objectives: Mapping[int, Objective] = known(kinds[Objective], lambda o: o.objective)
        self.deliverables: Mapping[int, Deliverable] = known(kinds[Deliverable], lambda d: d.deliverable)
        self.readings: Mapping[int, Sequence[Reading]] = self._group_readings(kinds[Reading])

        self.fed_by: dict[int, list[int]] = defaultdict(list)
        """Goal -> assets it is computed from directly."""
        self.shown_on: dict[int, list[int]] = defaultdict(list)
        """Goal -> dashboards that show it."""
        self.supports: dict[int, list[int]] = defaultdict(list)
        """Goal -> goals it belongs under; for an initiative, the key results it works towards."""
        self.evidence: dict[tuple[int, int], str] = {}
        """Edges that are not simply declared, with how they are known."""
        self.unlinked: list[Unlinked] = []
        self.links: list[Link] = []
        """Every table that something outside dbt reads, with the nodes it fits."""
        self.declined: frozenset[tuple[str, str]] = frozenset()
        """Upstream and downstream ids of links between nodes that somebody declined."""
        self._connect(kinds[Edge])
        self._connect_filters()
        self._sweep()

    # ------------------------------------------------------------------ building

    def _take_nodes(self, nodes: Iterable[Node]) -> None:
        """Give every node its number; what is known twice (a table, a dashboard that is an exposure) has one."""
        live, self.disabled = self._split_nodes(nodes)
        tables = one_table_each(live)
        merged = merge(tables.nodes, self.disabled)
        self.nodes, self._gaps = merged.nodes, [*self._gaps, *tables.gaps, *merged.gaps]
        index = {n.id: i for i, n in enumerate(self.nodes)}
        index.update((other, index[kept]) for other, kept in (*tables.aliases.items(), *merged.aliases.items()))
        index.update((gone, index[kept]) for gone, kept in self._goal_aliases.items() if kept in index)
        self.index: Mapping[str, int] = index
        """Id -> node; what two connectors know has two ids."""
        self.upstream: list[list[int]] = [[] for _ in self.nodes]
        self.downstream: list[list[int]] = [[] for _ in self.nodes]
        self.directory = Directory(self.nodes, self.index, self.upstream)
        self.observations = told_once(self.observations, merged.aliases, lambda name: self.directory.find(name).node)

    def _split_nodes(self, nodes: Iterable[Node]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        """Nodes in service and disabled ones. A goal declared twice is taken from the goals file."""
        live: dict[str, Node] = {}
        disabled: dict[str, Node] = {}
        for node in nodes:
            before = live.get(node.id)
            if node.disabled:
                disabled[node.id] = node
            elif before is None:
                live[node.id] = node
            elif before != node:
                kept, other = (node, before) if node.origin.connector == "goals" else (before, node)
                live[node.id] = kept
                message = f"{node.kind} {node.label!r} is declared twice; {kept.origin} is used, {other.origin} is not"
                self._gaps.append(Gap(topic="goals", message=message, node=node.id))
        return tuple(live.values()), tuple(n for i, n in disabled.items() if i not in live)

    def _known(self, records: Iterable[R], key: Callable[[R], str]) -> dict[int, R]:
        """Records by the index of the node they are about; of two, the goals file's."""
        found: dict[int, R] = {}
        for record in records:
            i = self.index.get(key(record))
            if i is not None and (i not in found or record.origin.connector == "goals"):  # type: ignore[attr-defined]
                found[i] = record
        return found

    def _group_readings(self, readings: Iterable[Reading]) -> dict[int, list[Reading]]:
        grouped: dict[int, list[Reading]] = defaultdict(list)
        for reading in readings:
            i = self.index.get(reading.key_result)
            if i is not None and reading.day <= self.as_of:
                grouped[i].append(reading)
        for series in grouped.values():
            series.sort(key=lambda r: (r.day, r.at.timestamp() if r.at else 0.0))
        return grouped

    def _connect(self, edges: Iterable[Edge]) -> None:
        seen: set[tuple[int, int, str]] = set()
        dangling: list[tuple[Edge, str]] = []
        off = {node.id for node in self.disabled}
        tables: list[Edge] = []
        for edge in edges:
            if edge.upstream not in self.index and edge.upstream.startswith(TABLE):
                tables.append(edge)
                continue
            ends = []
            for end in (edge.upstream, edge.downstream):
                i = self.index.get(end)
                if i is None:
                    match = self.directory.reference(end)
                    i = match.node
                    if i is None and end not in off and not self._note_unlinked(edge, end, match):
                        dangling.append((edge, end))
                ends.append(i)
            up, down = ends
            if up is None or down is None or (up, down, edge.role) in seen:
                continue
            seen.add((up, down, edge.role))
            self._place(up, down, edge)
        # Only now is it known what stands on what, which tells a source from what a model builds.
        dangling += self._connect_tables(tables, off, seen)
        self._gaps += dangling_gaps(self.nodes, self.index, dangling)

    def _connect_tables(
        self, edges: Iterable[Edge], off: Set[str], seen: set[tuple[int, int, str]]
    ) -> Iterator[tuple[Edge, str]]:
        """Link tables as tools name them, then what people decided; yields edges into nothing."""
        decided = Decided(self.decisions, self.directory)
        for edge in edges:
            down = self.index.get(edge.downstream)
            if down is None:
                down = self.directory.reference(edge.downstream).node
            if down is None:
                if edge.downstream not in off:
                    yield edge, edge.downstream
                continue
            link = decided.link(down, edge.upstream[len(TABLE) :], edge.evidence, edge.origin)
            self.links.append(link)
            up = link.upstream
            if up is not None and up != down and (up, down, edge.role) not in seen:
                seen.add((up, down, edge.role))
                self._place(up, down, edge if link.decision is None else replace(edge, evidence="accepted"))
        for accepted in decided.accepted:
            key = (accepted.upstream, accepted.downstream, accepted.decision.role)
            if key not in seen and accepted.upstream != accepted.downstream:
                seen.add(key)
                role, origin = accepted.decision.role, accepted.decision.origin
                edge = Edge(upstream="", downstream="", role=role, evidence="accepted", origin=origin)
                self._place(accepted.upstream, accepted.downstream, edge)
        self.declined = frozenset((self.nodes[u].id, self.nodes[d].id) for u, d in decided.declined)
        self._gaps += [*decided.gaps, *self._overruled(decided, seen)]

    def _overruled(self, decided: Decided, seen: Set[tuple[int, int, str]]) -> Iterator[Gap]:
        """Links that somebody declined and that are declared all the same: what is declared counts."""
        for (up, down), decision in decided.declined.items():
            if (up, down, decision.role) in seen:
                names = f"{self.nodes[up].label} and {self.nodes[down].label}"
                message = f"{decision.origin}: the link between {names} is declined here, but declared elsewhere"
                hint = "take it out there, or take the decision back"
                yield Gap(topic="links", message=message, node=self.nodes[up].id, hint=hint, origin=decision.origin)

    def _note_unlinked(self, edge: Edge, end: str, match: Match) -> bool:
        """Remember a goal's reference that could not be linked; False when it is not a goal's."""
        other = self.index.get(edge.downstream if end == edge.upstream else edge.upstream)
        goal = self.index.get(edge.downstream, other)
        if goal is None or not KINDS[self.nodes[goal].kind].goal:
            return False
        self.unlinked.append(Unlinked(goal, end, edge.role, match))
        return True

    def _place(self, up: int, down: int, edge: Edge) -> None:
        if edge.evidence != "declared":
            self.evidence[up, down] = edge.evidence
        above = KINDS[self.nodes[down].kind].goal
        if edge.role == "supports":
            self.supports[up].append(down)
        elif edge.role == "shows" and above:
            self.shown_on[down].append(up)
        elif above:
            self.fed_by[down].append(up)
        else:
            self.downstream[up].append(down)
            self.upstream[down].append(up)

    def _connect_filters(self) -> None:
        """A key result's own condition may join a semantic model that its metric does not stand on."""
        reached: dict[str, list[int]] = defaultdict(list)
        for i in self.assets:
            for name in self.nodes[i].reached_by:
                reached[name].append(i)
        for goal, target in self.targets.items():
            if not target.binding.metric or not target.binding.where:
                continue
            above = self.walk(self.fed_by.get(goal, ()), "upstream")
            for name in sorted(reached_names(target.binding.where)):
                for i in reached.get(name, ()):
                    if i not in above:
                        self._place(i, goal, Edge(upstream="", downstream="", evidence="parsed"))
                        above.update(self.walk([i], "upstream"))

    def _sweep(self) -> None:
        """Give every goal that assets can serve a bit, and sweep both ways of serving once."""
        self.goals: Sequence[int] = [
            i
            for i, n in enumerate(self.nodes)
            if n.kind == "key_result" or (n.kind == "objective" and i in self.fed_by)
        ]
        self.bit: Mapping[int, int] = {goal: bit for bit, goal in enumerate(self.goals)}
        for goal in self.goals:
            for board in self._boards_of(self.fed_by.get(goal, ())):
                if board not in self.shown_on[goal]:
                    self.shown_on[goal].append(board)
        # Upstream and downstream ends of every edge that data flows along: all that a sweep needs.
        self.edges: tuple[array[int], array[int]] = (
            array("q", (u for u, ds in enumerate(self.downstream) for _ in ds)),
            array("q", (d for ds in self.downstream for d in ds)),
        )
        computed = self.flow({goal: self.fed_by.get(goal, ()) for goal in self.goals})
        self.computes: Sequence[int] = computed.masks
        self.informs: Sequence[int] = self.flow({goal: self.shown_on.get(goal, ()) for goal in self.goals}).masks
        self.cycles: tuple[tuple[int, ...], ...] = computed.cycles
        for cycle in self.cycles:
            names = " → ".join(self.nodes[i].name for i in cycle[:6]) + (" → …" if len(cycle) > 6 else "")
            message = f"{len(cycle)} nodes feed one another in a circle: {names}"
            self._gaps.append(Gap(topic="lineage", message=message, node=self.nodes[cycle[0]].id))

    def flow(self, attached: Mapping[int, Iterable[int]]) -> Any:
        """Sweep: for each goal, mark with its bit everything upstream of the nodes it is attached to."""
        seeds: dict[int, int] = defaultdict(int)
        for goal, nodes in attached.items():
            for node in nodes:
                seeds[node] |= 1 << self.bit[goal]
        return self.reach(seeds)

    def reach(self, seeds: Mapping[int, int]) -> Any:
        """Masks of what lies downstream of every node, given masks at some of them (see graph.reach)."""
        return reach(len(self.nodes), *self.edges, seeds)

    def _boards_of(self, fed: Iterable[int]) -> Iterator[int]:
        """Dashboards that depend on a key result's own metric, directly or through a saved query or a chart."""
        todo = [i for i in fed if self.nodes[i].kind == "metric"]
        seen = set(todo)
        while todo:
            for below in self.downstream[todo.pop()]:
                if below in seen:
                    continue
                seen.add(below)
                kind = KINDS[self.nodes[below].kind]
                if kind.is_a == "exposure":
                    yield below
                if kind.name in _PASSES_ON:
                    todo.append(below)

    # ------------------------------------------------------------------ goals

    def state(self, objective: int) -> State:
        """Whether an objective is a draft, planned, active or ended on the as-of date."""
        record = self.objectives.get(objective)
        if record is None:
            return "active"
        if record.state in {"draft", "ended"}:
            return "draft" if record.state == "draft" else "ended"
        if record.standing:
            return "active"
        if record.end and record.end < self.as_of:
            return "ended"
        return "planned" if record.start and record.start > self.as_of else "active"

    def objective_of(self, goal: int) -> int:
        """The objective a goal belongs to; itself when it is one, or when it belongs to none."""
        if goal in self.targets:
            found = self.index.get(self.targets[goal].objective)
            if found is not None:
                return found
        return next((o for o in self.supports.get(goal, ()) if self.nodes[o].kind == "objective"), goal)

    def ancestors_of(self, objective: int) -> tuple[int, ...]:
        """The objectives that an objective supports, nearest first; a circle of parents ends where it closes."""
        found: list[int] = []
        todo = deque(self.supports.get(objective, ()))
        while todo:
            above = todo.popleft()
            if above not in found and above != objective:
                found.append(above)
                todo.extend(self.supports.get(above, ()))
        return tuple(found)

    @cached_property
    def parts(self) -> Mapping[int, Sequence[int]]:
        """Objective -> goals that belong under it directly: key results, deliverables, objectives."""
        under: dict[int, list[int]] = defaultdict(list)
        for lower, uppers in self.supports.items():
            for upper in uppers:
                under[upper].append(lower)
        for key_result in self.targets:
            objective = self.objective_of(key_result)
            if objective != key_result and key_result not in under[objective]:
                under[objective].append(key_result)
        return {k: sorted(v) for k, v in under.items()}

    @cached_property
    def active(self) -> int:
        """Mask of the goals whose objective has not ended and is not a draft."""
        mask = 0
        for goal in self.goals:
            target = self.targets.get(goal)
            if self.state(self.objective_of(goal)) in {"active", "planned"} and not (target and target.draft):
                mask |= 1 << self.bit[goal]
        return mask

    @cached_property
    def ended(self) -> int:
        """Mask of the goals whose objective has ended."""
        return sum(1 << self.bit[g] for g in self.goals if self.state(self.objective_of(g)) == "ended")

    def goal_mask(self, goal: int) -> int:
        """Mask of a key result, or of everything under an objective (its sub-objectives included)."""
        mask, todo, seen = 0, [goal], {goal}
        while todo:
            i = todo.pop()
            if i in self.bit:
                mask |= 1 << self.bit[i]
            fresh = [p for p in self.parts.get(i, ()) if p not in seen]
            seen.update(fresh)
            todo += fresh
        return mask

    def goals_in(self, mask: int) -> list[int]:
        """Node indexes of the goals in a mask, in order."""
        found = []
        while mask:
            low = mask & -mask
            found.append(self.goals[low.bit_length() - 1])
            mask ^= low
        return found

    @cached_property
    def served(self) -> Sequence[int]:
        """Per node: mask of the active goals it serves, in either way."""
        active = self.active
        return [(c | i) & active for c, i in zip(self.computes, self.informs, strict=True)]

    # ------------------------------------------------------------------ walking

    def walk(
        self, starts: Iterable[int], direction: Literal["upstream", "downstream"], steps: int = 0
    ) -> dict[int, int]:
        """Everything upstream or downstream of `starts`, with its distance; at most `steps` steps when not 0.

        A goal's upstream is what it is computed from and what shows it.
        """
        distance = dict.fromkeys(starts, 0)
        todo = deque(distance)
        while todo:
            i = todo.popleft()
            if steps and distance[i] >= steps:
                continue
            for j in self._next(i, direction):
                if j not in distance:
                    distance[j] = distance[i] + 1
                    todo.append(j)
        return distance

    def _next(self, i: int, direction: Literal["upstream", "downstream"]) -> Iterable[int]:
        if direction == "downstream":
            return self.downstream[i]
        if KINDS[self.nodes[i].kind].goal:
            return (*self.fed_by.get(i, ()), *self.shown_on.get(i, ()), *self.parts.get(i, ()))
        return self.upstream[i]

    def services(self, asset: int, wanted: int = -1) -> tuple[Service, ...]:
        """How an asset serves each goal in the mask `wanted` (-1: all): for each way the shortest path."""
        before = shortest_ways(self.downstream, asset)
        found: list[Service] = []
        ways: tuple[tuple[Way, int, Mapping[int, list[int]]], ...] = (
            ("computes", self.computes[asset], self.fed_by),
            ("informs", self.informs[asset], self.shown_on),
        )
        for way, mask, attached in ways:
            for goal in self.goals_in(mask & wanted if wanted >= 0 else mask):
                ends = [i for i in attached[goal] if i in before]
                path = min((way_back(before, end) for end in ends), key=lambda p: (len(p), p))
                found.append(Service(goal, way, (*path, goal)))
        return tuple(sorted(found, key=lambda s: (s.goal, s.way)))

    def way(self, start: int, end: int) -> tuple[int, ...]:
        """The shortest path along which data flows from one asset to another, both included; () when there is none."""
        before = shortest_ways(self.downstream, start)
        return way_back(before, end) if end in before else ()

    # ------------------------------------------------------------------ what hangs on the nodes

    @cached_property
    def order(self) -> Sequence[int]:
        """All nodes, those upstream first."""
        return order(len(self.nodes), *self.edges)

    @cached_property
    def use(self) -> use.Use:
        """Who uses each node, in three values."""
        return use.measure(self)

    @cached_property
    def columns(self) -> ColumnReach:
        """What each column serves, and who reads it."""
        return ColumnReach(self)

    @cached_property
    def health(self) -> health.Health:
        """Whether each node can be trusted, and who is to blame for each goal."""
        return health.examine(self)

    @cached_property
    def load_bearing(self) -> frozenset[int]:
        """Assets that something protected, or something outside, stands on (themselves included)."""
        return frozenset(self.walk(self.protected | self.outside, "upstream"))

    @cached_property
    def protected(self) -> frozenset[int]:
        """Assets that somebody said must stay."""
        said = frozenset(i for i in self.assets if self.nodes[i].protected)
        return said.union(*(self.configured(selector, "protected") for selector in self._protected))

    @cached_property
    def outside(self) -> frozenset[int]:
        """Assets exposed to an outside system: its source says so, or pages of others showed them inside the window."""
        said = frozenset(i for i in self.assets if self.nodes[i].outside)
        return said | self.use.embedded.intersection(self.assets)

    def spend(self, start: date, end: date) -> tuple[spend.Ledger, ...]:
        """What each node cost on the days start..end, both included: one ledger a unit, never added together."""
        return spend.ledgers(self, start, end)

    def attribute(self, amounts: Sequence[int], masks: Sequence[int], goals: int) -> attribution.Attribution:
        """Split amounts equally over the goals in each mask; parts sum exactly to the whole."""
        return attribution.split(masks, amounts, goals)

    def select(self, selector: str) -> frozenset[int]:
        """Indexes of the nodes a dbt-style selector names (see graph.select)."""
        from headway.graph.select import select

        return select(self, selector)

    def configured(self, selector: str, where: str) -> frozenset[int]:
        """`select` for a selector that stands in the configuration: ConfigError says where when it cannot be read."""
        try:
            return self.select(selector)
        except UsageError as error:
            raise ConfigError(f"{where}: {error.message}", hint=error.hint) from None

    @cached_property
    def decided_tables(self) -> Mapping[tuple[int, str], tuple[int, ...]]:
        """What somebody decided that a table means, by what reads it and the reference as in Edge; () for declined."""
        return {(k.node, TABLE + k.name): () if k.declined else k.match.nodes for k in self.links if k.decision}

    @cached_property
    def broken(self) -> Mapping[str, Broken]:
        """Tables that are read and not built any more, by the name that tools give them."""
        return broken(self)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Everything that is not known, from the connectors, the linking and the use."""
        linking = link_gaps(self.links, self.broken)
        return (*self._gaps, *self._unlinked_gaps(), *linking, *self.use.gaps)

    def suggestion(self, unlinked: Unlinked) -> str:
        """`did you mean …?` for a goal's reference that fits nothing; '' when nothing looks alike."""
        what, _, name = unlinked.reference.removeprefix("ref:").partition("/")
        near = () if unlinked.match.nodes or what == "relation" else self.directory.near(name, what)
        return f"did you mean {', '.join(near)}?" if near else ""

    def _unlinked_gaps(self) -> Iterator[Gap]:
        for u in self.unlinked:
            what, _, name = u.reference.removeprefix("ref:").partition("/")
            noun = {"shown": "dashboard", "relation": "table"}.get(what, what.replace("_", " "))
            if u.match.nodes:
                options = ", ".join(self.nodes[i].id for i in u.match.nodes[:3])
                message, hint = (
                    f"{noun} {name!r} fits {len(u.match.nodes)} nodes: {options}",
                    "name one of them by its id",
                )
            else:
                message = f"there is no {noun} {name!r} in the graph"
                hint = self.suggestion(u)
            label = self.nodes[u.node].label
            yield Gap(topic="goals", message=f"{label}: {message}", node=self.nodes[u.node].id, hint=hint)
