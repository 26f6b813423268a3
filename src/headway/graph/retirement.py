"""Retirement: the exact set of assets that can go, so that nothing outside it loses anything it needs.

An asset can go when nothing keeps it and nothing downstream of it is kept. What keeps an asset: it is load-bearing, a
living goal stands on it, people read it, it is new, or its use is not known. The set is closed downstream, and it is
the largest such set: one sweep finds it, through circles too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from headway.graph.graph import Graph
from headway.graph.model import KINDS, Observation
from headway.graph.totals import VIEWS_TOTAL
from headway.graph.use import READS, can_be_read

Reason = Literal["load-bearing", "serves", "used", "new", "stale", "unknown", "held", "not in the plan"]
"""What keeps an asset. `stale`: a source of usage that sees it is too old. `held`: something that is no node needs it,
such as a test. `not in the plan`: nobody asked about it."""

_READ = frozenset((*READS, "people"))
_USE = _READ | {VIEWS_TOTAL}


class Blocker(NamedTuple):
    """One reason why one asset stays."""

    node: int
    reason: Reason
    goals: int = 0
    """Mask of the living goals that stand on the asset itself, for `serves`."""
    note: str = ""
    """What holds it, for `held`."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A source of usage that ends too long ago to call anything unused that it sees."""

    source: str
    end: date
    days: int
    """Between its end and the as-of date."""
    nodes: frozenset[int]
    """Assets that it sees."""


@dataclass(frozen=True)
class Retirement:
    """What can go, and what cannot and why. Numbers are node indexes."""

    going: frozenset[int]
    turn: Mapping[int, int]
    """When each can go: 1 has nothing left downstream, 2 only what goes at 1, and so on."""
    components: tuple[tuple[int, ...], ...]
    """Parts of the set that lineage connects, each in the order in which they go; the largest part first."""
    kept: Mapping[int, tuple[Blocker, ...]]
    """What was asked about and stays, with what keeps it, itself or downstream; at most two reasons each."""
    stale: tuple[Stale, ...]
    """Sources too old to tell, where nothing else keeps what they see."""

    def nearly(self, graph: Graph) -> list[int]:
        """Those that stay for one reason only, which one decision or one reader could take away."""
        return [i for i, why in self.kept.items() if len(why) == 1 and _slight(graph, why[0])]


def plan(
    graph: Graph,
    roots: Iterable[int] | None = None,
    *,
    leaving: int = 0,
    held: Mapping[int, str] | None = None,
) -> Retirement:
    """What can go of `roots` and of all that only they need; of the whole graph without roots.

    What is downstream of a root has to go with it, and what is upstream of either goes where nothing else needs it.
    `leaving` is a mask of goals that are taken for ended; `held` says of nodes what else needs them.
    """
    stale = _stale(graph)
    own = _obstacles(graph, leaving, stale)
    for i, note in (held or {}).items():
        own[i] += (Blocker(i, "held", note=note),)
    if roots is None:
        living = ~graph.ended & ~leaving
        none = (i for i in graph.assets if not (graph.computes[i] | graph.informs[i]) & living)
        asked: AbstractSet[int] = frozenset((*none, *(i for i in graph.assets if graph.use.status[i] == "unused")))
        around: AbstractSet[int] = frozenset(graph.assets)
    else:
        asked = frozenset(roots)
        around = _around(graph, asked)
    going = _free(graph, own, around)
    if roots is not None:
        # Of what was asked about some may stay; then only what goes with the rest of it goes.
        around = _around(graph, asked & going)
        going = _free(graph, own, around)
        asked = asked | (around - going)
    turn = turns(graph, going)
    kept = {i: why for i, why in _why_kept(graph, own, around, asked).items() if i not in going}
    open_ = [s for s in stale if any(_only_stale(own[i]) for i in s.nodes & (asked | around))]
    return Retirement(going, turn, _components(graph, going, turn), kept, tuple(open_))


def turns(graph: Graph, going: AbstractSet[int]) -> dict[int, int]:
    """When each of a set can go: one later than everything downstream of it."""
    turn: dict[int, int] = {}
    for i in reversed(graph.order):
        if i in going:
            turn[i] = 1 + max((turn.get(j, 0) for j in graph.downstream[i]), default=0)
    return turn


def last_reader(graph: Graph, nodes: AbstractSet[int]) -> dict[int, Observation]:
    """The newest row of use by people of each of `nodes`, or of what is downstream of it; without it where none is."""
    found: dict[int, Observation] = {}
    for node, row in graph.use.linked:
        if node not in nodes:
            continue
        counts = row.measure in _READ and row.person_class in graph.use.classes and not row.column
        if counts and row.day <= graph.as_of and _later(row, found.get(node)):
            found[node] = row
    for i in reversed(graph.order):
        if i in nodes:
            for below in graph.downstream[i]:
                if below in found and _later(found[below], found.get(i)):
                    found[i] = found[below]
    return found


def _later(row: Observation, known: Observation | None) -> bool:
    """Newer, or of the same day and saying who it was where the other does not."""
    return known is None or (row.day, bool(row.person), bool(row.tool)) > (
        known.day,
        bool(known.person),
        bool(known.tool),
    )


# ---------------------------------------------------------------------- what keeps an asset


def _obstacles(graph: Graph, leaving: int, stale: Sequence[Stale]) -> list[tuple[Blocker, ...]]:
    """Per node what keeps it itself, whatever is downstream of it; () for most."""
    use = graph.use
    goals = _attached(graph, ~graph.ended & ~leaving)
    bearing, own = graph.load_bearing, graph.protected | graph.outside
    too_old = frozenset[int]().union(*(s.nodes for s in stale))
    circles = {i for cycle in graph.cycles for i in cycle}  # their members would each point at the next one
    found: list[tuple[Blocker, ...]] = [()] * len(graph.nodes)
    for i in graph.assets:
        node, below = graph.nodes[i], graph.downstream[i]
        why: list[Blocker] = []
        if i in bearing and (i in own or not any(j in bearing for j in below)):
            why.append(Blocker(i, "load-bearing"))
        if mask := goals.get(i, 0):
            why.append(Blocker(i, "serves", mask))
        if use.own[i]:
            why.append(Blocker(i, "used"))
        elif i in use.new:
            why.append(Blocker(i, "new"))
        elif i in too_old:
            why.append(Blocker(i, "stale"))
        elif use.status[i] == "unknown":
            blind = can_be_read(node) and i not in use.seen
            if blind or i in circles or not any(use.status[j] == "unknown" for j in below):
                why.append(Blocker(i, "unknown"))
        found[i] = tuple(why)
    return found


def _attached(graph: Graph, wanted: int) -> dict[int, int]:
    """Node -> mask of those of the wanted goals that stand on it directly, drafts included."""
    found: dict[int, int] = defaultdict(int)
    for goal in graph.goals:
        bit = (1 << graph.bit[goal]) & wanted
        if bit:
            for node in (*graph.fed_by.get(goal, ()), *graph.shown_on.get(goal, ())):
                found[node] |= bit
    return found


def _stale(graph: Graph) -> list[Stale]:
    """Sources of usage that end too long before the as-of date, with what they see."""
    if not any((graph.as_of - c.end).days > graph.policy.stale_usage_days for c in graph.coverage):
        return []
    by_source: dict[tuple[str, str], set[int]] = defaultdict(set)
    for node, row in graph.use.linked:
        if row.measure in _USE:
            by_source[row.origin.connector, row.origin.file].add(node)
    found = []
    for coverage in graph.coverage:
        rows = by_source.get((coverage.origin.connector, coverage.origin.file))
        days = (graph.as_of - coverage.end).days
        if not rows or days <= graph.policy.stale_usage_days:
            continue
        kinds = {graph.nodes[i].kind for i in rows}
        if coverage.covers:
            seen = graph.configured(coverage.covers, f"covers of {coverage.origin}")
        else:
            seen = frozenset(i for i in graph.assets if graph.nodes[i].kind in kinds)
        found.append(Stale(str(coverage.origin), coverage.end, days, seen))
    return found


def _only_stale(why: Sequence[Blocker]) -> bool:
    return bool(why) and all(b.reason == "stale" for b in why)


def _slight(graph: Graph, why: Blocker) -> bool:
    """Whether a reason is one that a single decision, or a single reader, could take away."""
    if why.reason == "used":
        return graph.use.people[why.node] == 1
    return why.goals.bit_count() <= 1


# ---------------------------------------------------------------------- sets


def _around(graph: Graph, roots: AbstractSet[int]) -> frozenset[int]:
    """Assets that may go with some: what is downstream of them, and upstream of all that."""
    return frozenset(graph.walk(graph.walk(roots, "downstream"), "upstream")) & frozenset(graph.assets)


def _free(graph: Graph, own: Sequence[Sequence[Blocker]], around: AbstractSet[int]) -> frozenset[int]:
    """Those of `around` that nothing keeps, nor anything downstream of them."""
    quiet = graph.use.status
    needed = graph.reach({i: 1 for i in graph.assets if own[i] or quiet[i] != "unused" or i not in around}).masks
    return frozenset(i for i in around if not needed[i])


def _why_kept(
    graph: Graph, own: Sequence[tuple[Blocker, ...]], around: AbstractSet[int], asked: AbstractSet[int]
) -> dict[int, tuple[Blocker, ...]]:
    """What keeps each of `asked`, itself or downstream of it; two reasons are enough to know that there are several."""
    found: dict[int, tuple[Blocker, ...]] = {}
    goals = {i for i, node in enumerate(graph.nodes) if KINDS[node.kind].goal}
    changed = True
    while changed:
        changed = False
        for i in reversed(graph.order):
            if i in goals:
                continue
            mine = own[i]
            if not mine and i not in around and i not in asked:
                mine = (Blocker(i, "not in the plan"),)
            elif len(mine) > 1:
                mine = tuple(sorted(mine, key=lambda b: b.reason))[:2]
            if len(mine) < 2:
                below: tuple[Blocker, ...] = ()
                for j in graph.downstream[i]:
                    if j in found and found[j] is not below:
                        below = _two(below, found[j])
                mine = (*mine, *(b for b in below if b.node != i))[:2] if mine else below
            # Circles need another pass; what has two reasons already can only keep them.
            if mine and mine != found.get(i) and len(found.get(i, ())) < 2:
                found[i] = mine
                changed = bool(graph.cycles)
    return {i: found.get(i, ()) for i in sorted(asked)}


def _two(some: tuple[Blocker, ...], others: tuple[Blocker, ...]) -> tuple[Blocker, ...]:
    """The first two of two sets of reasons; which they are does not depend on the order of merging."""
    if not some or some == others:
        return others
    return tuple(sorted({*some, *others}, key=lambda b: (b.node, b.reason))[:2])


def _components(graph: Graph, going: AbstractSet[int], turn: Mapping[int, int]) -> tuple[tuple[int, ...], ...]:
    """Parts that lineage inside the set connects; inside each, what goes first comes first."""
    part: dict[int, int] = {}
    found: list[list[int]] = []
    for start in sorted(going):
        if start in part:
            continue
        members, todo = [], [start]
        part[start] = len(found)
        while todo:
            i = todo.pop()
            members.append(i)
            for j in (*graph.upstream[i], *graph.downstream[i]):
                if j in going and j not in part:
                    part[j] = len(found)
                    todo.append(j)
        found.append(sorted(members, key=lambda i: (turn[i], graph.nodes[i].name, i)))
    return tuple(tuple(m) for m in sorted(found, key=lambda m: (-len(m), graph.nodes[m[0]].name, m[0])))
