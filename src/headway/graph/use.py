"""Use: who reads each node, in three values, own and inherited.

- *used*: people read it inside the window, or read something downstream of it;
- *unused*: a source of usage covers it and everything downstream of it that can be read, and nobody did;
- *unknown*: anything else, with the reason. Unknown is never reported as unused.

Nodes that cannot be read directly (metrics, semantic models, ephemeral models) have no use of their own. Nobody used
one when nothing downstream is used and nobody read the tables it is computed from; otherwise it is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from headway.graph.link import Match, unmatched_summary
from headway.graph.model import KINDS, Gap, Observation
from headway.graph.reach import order

if TYPE_CHECKING:
    from headway.graph.graph import Graph

Status = Literal["used", "unused", "unknown"]

READS = ("queries", "views")
"""Measures that add up to reads. `people` says how many, and does not add up over days."""
_USE_MEASURES = frozenset((*READS, "people"))

_USED, _BLIND = 1, 2


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Rows of a usage source that name something no node is known by, or that several are."""

    name: str
    rows: int
    reads: float
    first: date
    last: date
    fits: int
    """Number of nodes the name fits; 0 when none."""
    source: str


@dataclass(frozen=True)
class Use:
    """Use of every node of a graph. Sequences run over node indexes."""

    status: Sequence[Status]
    reason: Mapping[int, str]
    """Why the use of a node is unknown."""
    own: Sequence[bool]
    """Read directly by people inside the window."""
    reads: Sequence[float]
    """Queries and views by people inside the window, on the node itself."""
    people: Sequence[int]
    """Most distinct people on one day inside the window: a lower bound of the people of the window."""
    last: Sequence[date | None]
    """Last day on which people read it or something downstream of it."""
    by_class: Mapping[int, Mapping[str, float]]
    """Reads inside the window by person class, those included that do not count as use."""
    linked: Sequence[tuple[int, Observation]]
    """Observations with the node they are about."""
    unmatched: tuple[Unmatched, ...]
    gaps: tuple[Gap, ...]
    known: bool
    """Some source of usage covers something."""


def measure(graph: Graph) -> Use:
    """Use of every node, from the graph's observations and what their sources cover."""
    linked, unmatched = _link(graph)
    tally = _tally(graph, linked)
    covered, stale, gaps = _coverage(graph, linked)
    count = len(graph.nodes)
    readable = [_readable(graph, i) for i in range(count)]
    seeds = {
        i: (_USED if tally.own[i] else 0) | (_BLIND if readable[i] and not covered[i] else 0)
        for i in graph.assets
        if tally.own[i] or (readable[i] and not covered[i])
    }
    flags: Sequence[int] = graph.reach(seeds).masks
    quiet = _quiet(graph, readable, covered, tally.own)
    status: list[Status] = ["unknown"] * count
    reason: dict[int, str] = {}
    for i in graph.assets:
        if flags[i] & _USED:
            status[i] = "used"
        elif (born := graph.nodes[i].created) and (graph.as_of - born).days < graph.policy.grace_days:
            reason[i] = f"new: first seen {born}"
        elif flags[i] & _BLIND or not quiet[i]:
            uncovered = readable[i] and not covered[i]
            reason[i] = (
                stale.get(i, "no usage source covers it") if uncovered else _blind(graph, i, tally.own, flags[i])
            )
        else:
            status[i] = "unused"
    return Use(
        status=status,
        reason=reason,
        own=tally.own,
        reads=tally.reads,
        people=tally.people,
        last=_inherit_last(graph, tally.last),
        by_class=tally.by_class,
        linked=linked,
        unmatched=unmatched,
        gaps=(*gaps, *_unmatched_gaps(unmatched)),
        known=any(covered),
    )


def _blind(graph: Graph, i: int, own: Sequence[bool], flag: int) -> str:
    """Why the use of a node is unknown that is covered itself, or cannot be read directly."""
    if flag & _BLIND:
        return "no usage source covers what reads it"
    if any(own[u] for u in graph.walk([i], "upstream")):
        return "people read the tables it stands on; whether through it cannot be told"
    return "it cannot be read directly, and no usage source covers what it stands on"


def _readable(graph: Graph, i: int) -> bool:
    node = graph.nodes[i]
    return KINDS[node.kind].queried and node.materialized != "ephemeral"


# ---------------------------------------------------------------------- linking rows to nodes


def _link(graph: Graph) -> tuple[list[tuple[int, Observation]], tuple[Unmatched, ...]]:
    linked: list[tuple[int, Observation]] = []
    matches: dict[tuple[str, str], Match] = {}
    lost: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for observation in graph.observations:
        if observation.day > graph.as_of:
            continue
        key = (observation.node, observation.relation)
        match = matches.get(key)
        if match is None:
            find = graph.directory
            match = find.find(observation.node) if observation.node else find.relation(observation.relation)
            matches[key] = match
        if match.node is None:
            lost[key].append(observation)
        else:
            linked.append((match.node, observation))
    unmatched = [
        Unmatched(
            name=key[0] or key[1],
            rows=len(rows),
            reads=sum(o.amount for o in rows if o.measure in READS),
            first=min(o.day for o in rows),
            last=max(o.day for o in rows),
            fits=len(matches[key].nodes),
            source=rows[0].origin.file or rows[0].origin.connector,
        )
        for key, rows in lost.items()
    ]
    return linked, tuple(sorted(unmatched, key=lambda u: (-u.rows, u.name)))


def _unmatched_gaps(unmatched: Sequence[Unmatched]) -> Iterator[Gap]:
    for fits_some, what in ((False, "match no node"), (True, "fit several nodes")):
        lost = [u for u in unmatched if bool(u.fits) == fits_some]
        if lost:
            rows = sum(u.rows for u in lost)
            names = unmatched_summary((u.name, u.rows) for u in lost)
            fit = what if rows != 1 else what.replace("match", "matches").replace("fit ", "fits ")
            message = f"{rows:,} row{'' if rows == 1 else 's'} of usage and cost {fit}: {names}"
            yield Gap(topic="usage", message=message, hint="headway unknown lists them")


# ---------------------------------------------------------------------- counting


@dataclass
class _Tally:
    own: list[bool]
    reads: list[float]
    people: list[int]
    last: list[date | None]
    by_class: dict[int, dict[str, float]]


def _tally(graph: Graph, linked: Sequence[tuple[int, Observation]]) -> _Tally:
    count = len(graph.nodes)
    tally = _Tally([False] * count, [0.0] * count, [0] * count, [None] * count, defaultdict(lambda: defaultdict(float)))
    opens = graph.as_of - timedelta(days=graph.policy.usage_window_days - 1)
    # Rows without a class come from sources that do not tell people apart; they are counted as people.
    counted = {*graph.policy.counted_classes, ""}
    for node, observation in linked:
        if observation.measure not in _USE_MEASURES or observation.amount <= 0:
            continue
        inside = observation.day >= opens
        if inside and observation.measure in READS:
            tally.by_class[node][observation.person_class or "person"] += observation.amount
        if observation.person_class not in counted:
            continue
        last = tally.last[node]
        if last is None or observation.day > last:
            tally.last[node] = observation.day
        if inside:
            tally.own[node] = True
            if observation.measure == "people":
                tally.people[node] = max(tally.people[node], round(observation.amount))
            else:
                tally.reads[node] += observation.amount
    return tally


def _inherit_last(graph: Graph, own: Sequence[date | None]) -> list[date | None]:
    """The latest day of a node and everything downstream of it; exact through circles as well."""
    last = list(own)
    sweep = order(len(graph.nodes), *graph.edges)
    # Members of a circle share everything downstream, which one pass brings to at least one of them.
    for _ in range(2 if graph.cycles else 1):
        for i in reversed(sweep):
            for below in graph.downstream[i]:
                day = last[below]
                if day is not None and ((known := last[i]) is None or day > known):
                    last[i] = day
        for cycle in graph.cycles:
            latest = max((d for i in cycle if (d := last[i])), default=None)
            for i in cycle:
                last[i] = latest
    return last


# ---------------------------------------------------------------------- what is covered


def _coverage(
    graph: Graph, linked: Sequence[tuple[int, Observation]]
) -> tuple[list[bool], dict[int, str], tuple[Gap, ...]]:
    """Per node whether a source of usage can see it today; why not where one is stale; and what is wrong with them."""
    covered = [False] * len(graph.nodes)
    stale: dict[int, str] = {}
    gaps: list[Gap] = []
    by_source: dict[tuple[str, str], set[str]] = defaultdict(set)
    for node, observation in linked:
        if observation.measure in _USE_MEASURES:
            by_source[observation.origin.connector, observation.origin.file].add(graph.nodes[node].kind)
    for coverage in graph.coverage:
        kinds = by_source.get((coverage.origin.connector, coverage.origin.file))
        if kinds is None:
            continue
        if coverage.covers:
            seen = graph.configured(coverage.covers, f"covers of {coverage.origin}")
        else:
            seen = frozenset(i for i in graph.assets if graph.nodes[i].kind in kinds)
        message, blind = _how_fresh(graph, coverage.start, coverage.end, str(coverage.origin))
        if message:
            gaps.append(Gap(topic="usage", message=message, origin=coverage.origin))
        for i in seen:
            if blind:
                stale.setdefault(i, message)
            else:
                covered[i] = True
    if not any(covered) and not gaps:
        message = "no source of usage is connected, so nothing is called used or unused"
        gaps.append(
            Gap(topic="usage", message=message, hint="add one under observations: in headway.yml, or --usage FILE")
        )
    return covered, stale, tuple(gaps)


def _how_fresh(graph: Graph, start: date, end: date, source: str) -> tuple[str, bool]:
    """What to say about a source that covers start..end, and whether it is too old or short to call things unused."""
    policy = graph.policy
    behind = (graph.as_of - end).days
    opens = graph.as_of - timedelta(days=policy.usage_window_days - 1)
    if behind > policy.stale_usage_days:
        return f"{source} ends on {end}, {behind} days before {graph.as_of}; what it does not show is not known", True
    seen = (end - max(start, opens)).days + 1
    if seen < min(policy.grace_days, policy.usage_window_days):
        return f"{source} covers only {seen} days, too few to call anything unused", True
    if start > opens:
        return f"{source} begins on {start}; use before that day is not known", False
    return "", False


def _quiet(graph: Graph, readable: Sequence[bool], covered: Sequence[bool], own: Sequence[bool]) -> list[bool]:
    """Per node: nobody reads it, as far as it can be known by looking at it and what it stands on."""
    quiet = [covered[i] and not own[i] for i in range(len(graph.nodes))]
    for i in order(len(graph.nodes), *graph.edges):
        if not readable[i]:
            above = graph.upstream[i]
            quiet[i] = bool(above) and all(quiet[u] for u in above)
    return quiet
