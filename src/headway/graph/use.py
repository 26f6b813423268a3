"""Use: who reads each node, in three values, own and inherited.

- *used*: people read it inside the window, or read something downstream of it;
- *unused*: a source of usage covers it and everything downstream of it that can be read, and nobody did;
- *unknown*: anything else, with the reason. Unknown is never reported as unused.

Nodes that cannot be read directly (metrics, semantic models, ephemeral models) have no use of their own. Nobody used
one when nothing downstream is used and nobody read the tables it is computed from; otherwise it is unknown.

Rows about one column of a node are linked, but say nothing here: they do not add up to the node they are part of.
Lifetime totals of views become views by difference (see `totals`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from headway.graph import totals
from headway.graph.link import Match, unmatched_summary
from headway.graph.model import KINDS, Coverage, Gap, Node, Observation
from headway.graph.spend import STORAGE
from headway.graph.tables import is_outside

if TYPE_CHECKING:
    from headway.graph.graph import Graph

Status = Literal["used", "unused", "unknown"]

Key = TypeVar("Key")

Counted = Literal["exact", "at least", "on one day"]
"""How a number of people is known: as the distinct people of the window; as a part of them, since some reads do not say
who it was; or as the most on one day, because no read says who it was. The last two are lower bounds."""

READS = ("queries", "views")
"""Measures that add up to reads. `people` says how many, and does not add up over days."""
_USE_MEASURES = frozenset((*READS, "people"))

TREND_READS = 10
"""Fewest reads in the first half of the window that a trend is told from."""

_WEEK = 7
_USED, _BLIND = 1, 2
_NOBODY: frozenset[str] = frozenset()


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


class Reads(NamedTuple):
    """Reads of one asset inside the window, by one class of reader with one tool."""

    person_class: str
    """'' where the source does not say."""
    tool: str
    """'' where that is not known."""
    counts: bool
    """Counts as use."""
    reads: float
    people: int | None
    """Distinct people; None where some of the reads do not say who it was."""
    last: date


@dataclass(frozen=True)
class Use:
    """Use of every node of a graph. Sequences run over node indexes."""

    status: Sequence[Status]
    reason: Mapping[int, str]
    """Why the use of a node is unknown."""
    new: AbstractSet[int]
    """Nodes whose use is unknown because they are in their grace period."""
    own: Sequence[bool]
    """Read directly by people inside the window."""
    reads: Sequence[float]
    """Queries and views by people inside the window, on the node itself."""
    people: Sequence[int]
    """People who read the node itself inside the window."""
    counted: Mapping[int, Counted]
    """How `people` is known, where there are any."""
    persons: Mapping[int, AbstractSet[str]]
    """Keyed hashes of the people who read a node inside the window, as far as its rows say who it was."""
    last: Sequence[date | None]
    """Last day on which people read it or something downstream of it."""
    last_own: Sequence[date | None]
    """Last day on which people read it itself."""
    seen: Mapping[int, tuple[date, date]]
    """First and last day inside the window that every source which covers the node could see."""
    percentile: Mapping[int, float]
    """Share (0..1) of the other assets of its band with fewer reads by people; only where reads are covered."""
    linked: Sequence[tuple[int, Observation]]
    """Observations with the node they are about, rows about single columns included."""
    unmatched: tuple[Unmatched, ...]
    gaps: tuple[Gap, ...]
    known: bool
    """Some source of usage covers something."""
    opens: date
    """First day of the window."""
    classes: AbstractSet[str]
    """Person classes that count as use; '' is the rows that do not say."""
    coarse: AbstractSet[int] = frozenset()
    """Nodes of whose reads it is only known within more than a week when they were."""

    @cached_property
    def rows(self) -> Mapping[int, Sequence[Observation]]:
        """Rows of queries and views inside the window by node, those included that do not count as use."""
        found: dict[int, list[Observation]] = defaultdict(list)
        for node, observation in self.linked:
            if observation.measure in READS and observation.day >= self.opens and _tells_use(observation):
                found[node].append(observation)
        return found

    @cached_property
    def embedded(self) -> frozenset[int]:
        """Nodes that were opened on pages of others inside the window."""
        theirs = ((i, row) for i, row in self.linked if row.person_class == "embedded" and row.day >= self.opens)
        return frozenset(i for i, row in theirs if row.measure in READS and _tells_use(row))

    def daily(self, node: int) -> dict[date, float]:
        """Reads by people on each day inside the window; days without any are left out."""
        return _summed((o.day, o.amount) for o in self.rows.get(node, ()) if o.person_class in self.classes)

    def by_class(self, node: int) -> dict[str, float]:
        """Reads inside the window by person class, those included that do not count as use."""
        return _summed((o.person_class, o.amount) for o in self.rows.get(node, ()))

    def by_tool(self, node: int) -> dict[str, float]:
        """Reads by people inside the window by tool; '' where that is not known."""
        return _summed((o.tool, o.amount) for o in self.rows.get(node, ()) if o.person_class in self.classes)

    def readers(self, node: int) -> list[Reads]:
        """Reads inside the window by person class and tool, most first; those included that do not count as use."""
        groups: dict[tuple[str, str], list[Observation]] = defaultdict(list)
        for row in self.rows.get(node, ()):
            groups[row.person_class, row.tool].append(row)
        found = []
        for (group, tool), rows in groups.items():
            people = {o.person for o in rows}
            named = None if "" in people else len(people)
            reads, last = sum(o.amount for o in rows), max(o.day for o in rows)
            found.append(Reads(group, tool, group in self.classes, reads, named, last))
        return sorted(found, key=lambda r: (-r.reads, r.person_class, r.tool))

    def audience(self, nodes: Iterable[int]) -> tuple[int, Counted]:
        """Distinct people who read any of `nodes` themselves, and how their number is known."""
        read = [i for i in nodes if self.own[i]]
        named = len(_NOBODY.union(*(self.persons.get(i, _NOBODY) for i in read)))
        if all(self.counted.get(i) == "exact" for i in read):
            return named, "exact"
        most = max(self.people[i] for i in read)
        return (most, "on one day") if most > named else (named, "at least")

    def halves(self, node: int) -> tuple[float, float, int] | None:
        """Reads by people in the first and the second half of what was seen of the window, and the days of each.

        Halves are whole weeks, so that weekends weigh the same on both sides. None when fewer than two weeks were seen,
        and where it is only known roughly when reads were.
        """
        if node not in self.seen or node in self.coarse:
            return None
        start, end = self.seen[node]
        half = ((end - start).days + 1) // 2 // 7 * 7
        if not half:
            return None
        middle = end - timedelta(days=half)
        opens = middle - timedelta(days=half)
        first = second = 0.0
        for day, reads in self.daily(node).items():
            if middle < day <= end:
                second += reads
            elif opens < day <= middle:
                first += reads
        return first, second, half

    def trend(self, node: int) -> float | None:
        """Reads in the second half of the window over those in the first; None when there are too few to tell."""
        halves = self.halves(node)
        return halves[1] / halves[0] if halves and halves[0] >= TREND_READS else None


def _summed(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    found: dict[Key, float] = {}
    for key, amount in pairs:
        found[key] = found.get(key, 0.0) + amount
    return found


def _tells_use(observation: Observation) -> bool:
    """Whether a row says that its node was read, as opposed to what that cost, or which columns."""
    return observation.measure in _USE_MEASURES and observation.amount > 0 and not observation.column


def measure(graph: Graph) -> Use:
    """Use of every node, from the graph's observations and what their sources cover."""
    found, unmatched = _link(graph)
    linked, spans, apart = totals.told(found)
    seen = [row for row in linked if _tells_use(row[1])]
    tally = _tally(graph, seen)
    dated = [row for row in found if _tells_use(row[1])] if spans else seen
    coverage = _coverage(graph, _kinds_by_source(graph, dated), spans)
    status, reason, new = _judge(graph, tally.own, coverage)
    return Use(
        status=status,
        reason=reason,
        new=new,
        own=tally.own,
        reads=tally.reads,
        people=tally.people,
        counted=tally.counted,
        persons=tally.persons,
        last=_inherit_last(graph, tally.last),
        last_own=tally.last,
        seen=coverage.seen,
        percentile=_percentiles(graph, tally.reads, coverage.covered),
        linked=linked,
        unmatched=unmatched,
        gaps=(*coverage.gaps, *_unmatched_gaps(unmatched)),
        known=any(coverage.covered),
        opens=_opens(graph),
        classes=_classes(graph),
        coarse=frozenset(i for i, days in apart.items() if days > _WEEK),
    )


def _judge(graph: Graph, own: Sequence[bool], coverage: _Covered) -> tuple[list[Status], dict[int, str], set[int]]:
    """Per node whether it is used; why that is unknown where it is; and which of those are new."""
    count, covered = len(graph.nodes), coverage.covered
    readable = [can_be_read(node) for node in graph.nodes]
    # A job that is not known to write anything does something all the same.
    blind = [
        not covered[i] if readable[i] else node.kind == "job" and not graph.downstream[i]
        for i, node in enumerate(graph.nodes)
    ]
    seeds = {i: (_USED if own[i] else 0) | (_BLIND if blind[i] else 0) for i in graph.assets if own[i] or blind[i]}
    flags: Sequence[int] = graph.reach(seeds).masks
    quiet = _quiet(graph, readable, covered, own)
    stands = graph.walk((i for i, read in enumerate(own) if read), "downstream").keys()
    status: list[Status] = ["unknown"] * count
    reason: dict[int, str] = {}
    new: set[int] = set()
    for i in graph.assets:
        if flags[i] & _USED:
            status[i] = "used"
        elif (born := graph.nodes[i].created) and (graph.as_of - born).days < graph.policy.grace_days:
            reason[i] = f"new: first seen {born}"
            new.add(i)
        elif blind[i]:
            reason[i] = coverage.stale.get(i, "no usage source covers it")
        elif flags[i] & _BLIND or not quiet[i]:
            reason[i] = _blind(flags[i], stands=i in stands)
        else:
            status[i] = "unused"
    return status, reason, new


def _blind(flag: int, *, stands: bool) -> str:
    """Why the use of a node is unknown that is covered itself, or cannot be read directly.

    `stands`: people read it or something upstream of it.
    """
    if flag & _BLIND:
        return "no usage source covers what reads it"
    if stands:
        return "people read the tables it stands on; whether through it cannot be told"
    return "it cannot be read directly, and no usage source covers what it stands on"


def can_be_read(node: Node) -> bool:
    """Whether people can read a node itself; others are only used through what is downstream of them."""
    return KINDS[node.kind].queried and node.materialized != "ephemeral"


# ---------------------------------------------------------------------- linking rows to nodes


def _link(graph: Graph) -> tuple[list[tuple[int, Observation]], tuple[Unmatched, ...]]:
    """Rows up to the as-of date with their node, and the names of those that have none."""
    linked: list[tuple[int, Observation]] = []
    by_node: dict[str, Match] = {}
    by_relation: dict[str, Match] = {}
    node_of: dict[str, int] = {}
    relation_of: dict[str, int] = {}
    lost: dict[tuple[str, bool], list[Observation]] = defaultdict(list)
    elsewhere: dict[tuple[str, bool], list[Observation]] = defaultdict(list)
    as_of = graph.as_of
    for observation in graph.observations:
        if observation.day > as_of:
            continue
        name = observation.node
        at = node_of.get(name) if name else relation_of.get(observation.relation)
        if at is not None:  # nearly every row: names repeat from day to day
            linked.append((at, observation))
            continue
        known, find = (by_node, graph.directory.find) if name else (by_relation, graph.directory.relation)
        name = name or observation.relation
        match = known.get(name)
        if match is None:
            match = known[name] = find(name)
        if match.node is None:
            # A warehouse tells the storage of all its tables, and most of them are no business of this project.
            foreign = observation.measure == STORAGE and not match.nodes
            (elsewhere if foreign else lost)[name, known is by_node].append(observation)
        else:
            (node_of if known is by_node else relation_of)[name] = match.node
            linked.append((match.node, observation))
    if elsewhere and all(observation.measure != STORAGE for _, observation in linked):
        for what, rows in elsewhere.items():  # unless none is: then it is their names that do not fit
            lost[what] += rows
    unmatched = [
        Unmatched(
            name=name,
            rows=len(rows),
            reads=sum(o.amount for o in rows if o.measure in READS),
            first=min(o.day for o in rows),
            last=max(o.day for o in rows),
            fits=len((by_node if is_node else by_relation)[name].nodes),
            source=rows[0].origin.file or rows[0].origin.connector,
        )
        for (name, is_node), rows in lost.items()
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
    """What `Use` says of these names, as it is being counted."""

    own: list[bool]
    reads: list[float]
    people: list[int]
    last: list[date | None]
    counted: dict[int, Counted] = field(default_factory=dict)
    persons: dict[int, set[str]] = field(default_factory=dict)


def _tally(graph: Graph, seen: Iterable[tuple[int, Observation]]) -> _Tally:
    """Count what people read. There are many rows: what only single assets are asked for is left to `Use`."""
    opens, classes = _opens(graph), _classes(graph)
    count = len(graph.nodes)
    tally = _Tally([False] * count, [0.0] * count, [0] * count, [None] * count)
    crowd: dict[int, float] = {}
    last, reads, persons = tally.last, tally.reads, tally.persons
    for node, observation in seen:
        if observation.person_class not in classes:
            continue
        day = observation.day
        before = last[node]
        if before is None or day > before:
            last[node] = day
        if day < opens:
            continue
        if observation.measure == "people":
            crowd[node] = max(crowd.get(node, 0.0), observation.amount)
            continue
        reads[node] += observation.amount
        who = persons.get(node)
        if who is None:
            who = persons[node] = set()
        who.add(observation.person)
    for node, who in persons.items():
        tally.own[node] = True
        whole = "" not in who
        who.discard("")
        if who:
            tally.people[node], tally.counted[node] = len(who), "exact" if whole else "at least"
    for node, people in crowd.items():
        tally.own[node] = True
        if people > tally.people[node]:
            tally.people[node], tally.counted[node] = round(people), "on one day"
    return tally


def _opens(graph: Graph) -> date:
    """First day of the window."""
    return graph.as_of - timedelta(days=graph.policy.usage_window_days - 1)


def _classes(graph: Graph) -> frozenset[str]:
    """Classes whose reads count as use; rows without one count too: their sources do not tell people apart."""
    return frozenset((*graph.policy.counted_classes, ""))


def _percentiles(graph: Graph, reads: Sequence[float], covered: Sequence[bool]) -> dict[int, float]:
    """Per asset whose reads are covered: the share of the others of its band that have fewer."""
    bands: dict[str, list[int]] = defaultdict(list)
    for i in graph.assets:
        if covered[i] and can_be_read(graph.nodes[i]):
            bands[KINDS[graph.nodes[i].kind].band].append(i)
    found: dict[int, float] = {}
    for members in bands.values():
        if len(members) > 1:
            ranked = sorted(reads[i] for i in members)
            others = len(members) - 1
            found.update((i, bisect_left(ranked, reads[i]) / others) for i in members)
    return found


def _inherit_last(graph: Graph, own: Sequence[date | None]) -> list[date | None]:
    """The latest day of a node and everything downstream of it; exact through circles as well."""
    last = list(own)
    sweep = graph.order
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


@dataclass
class _Covered:
    """What the sources of usage can see."""

    covered: list[bool]
    """Per node: some source that is neither stale nor too short sees it."""
    seen: dict[int, tuple[date, date]] = field(default_factory=dict)
    stale: dict[int, str] = field(default_factory=dict)
    """Why a node is not covered that a stale or short source names."""
    gaps: list[Gap] = field(default_factory=list)

    def covers(self, node: int, start: date, end: date) -> None:
        """Note that a source sees a node from `start` to `end`; of several, what all of them see counts."""
        self.covered[node] = True
        known = self.seen.get(node)
        self.seen[node] = (max(start, known[0]), min(end, known[1])) if known else (start, end)


def _coverage(graph: Graph, by_source: Mapping[totals.Source, AbstractSet[str]], spans: totals.Spans) -> _Covered:
    """Per node whether a source of usage can see it today; why not where one is stale; and what is wrong with them.

    `by_source` has the kinds of node that each source has dated rows about, `spans` the totals of those that have some.
    """
    result = _Covered([False] * len(graph.nodes))
    # Who reads files, topics and tables of another database is not seen by what watches dbt's warehouse.
    elsewhere = {i for i in graph.assets if is_outside(node := graph.nodes[i]) and not node.meta.get("warehouse")}
    for coverage in graph.coverage:
        source = (coverage.origin.connector, coverage.origin.file)
        kinds, known = by_source.get(source), spans.get(source, {})
        if kinds is None and not known:
            continue
        if coverage.covers:
            seen = graph.configured(coverage.covers, f"covers of {coverage.origin}")
        else:
            kinds = {*(kinds or ()), *(graph.nodes[i].kind for i in known)}
            seen = frozenset(i for i in graph.assets if graph.nodes[i].kind in kinds)
        seen -= elsewhere
        if known:
            _cover_by_totals(graph, result, coverage, {i: known[i] for i in sorted(seen & known.keys())})
        if kinds is not None:
            _cover(graph, result, coverage, seen - known.keys())
    if not any(result.covered) and not result.gaps:
        message = "no source of usage is connected, so nothing is called used or unused"
        result.gaps.append(
            Gap(topic="usage", message=message, hint="add one under observations: in headway.yml, or --usage FILE")
        )
    return result


def _cover(graph: Graph, result: _Covered, coverage: Coverage, nodes: Iterable[int]) -> None:
    """Note what a source sees that says when."""
    message, blind = _how_fresh(graph, coverage.start, coverage.end, str(coverage.origin))
    if message:
        result.gaps.append(Gap(topic="usage", message=message, origin=coverage.origin))
    for i in nodes:
        if blind:
            result.stale.setdefault(i, message)
        else:
            result.covers(i, max(coverage.start, _opens(graph)), min(coverage.end, graph.as_of))


def _cover_by_totals(
    graph: Graph, result: _Covered, coverage: Coverage, spans: Mapping[int, tuple[date, date]]
) -> None:
    """Note what a source sees of nodes that it has totals of: for each, what happened between its first and its last.

    One gap speaks for all: it says what is wrong with the source as a whole, from its first total to its last.
    """
    name = str(coverage.origin)

    def fresh(span: tuple[date, date]) -> tuple[str, bool]:
        first, last = span
        if first == last:
            return f"{name} has one total of views so far, of {first}; what is opened shows from the next one on", True
        return _how_fresh(graph, first, last, name)

    said = {span: fresh(span) for span in set(spans.values())}
    for i, (first, last) in spans.items():
        message, blind = said[first, last]
        if blind:
            result.stale.setdefault(i, message)
        else:
            result.covers(i, max(first, _opens(graph)), min(last, graph.as_of))
    if spans:
        message, _ = fresh((min(first for first, _ in spans.values()), max(last for _, last in spans.values())))
        if message:
            result.gaps.append(Gap(topic="usage", message=message, origin=coverage.origin))


def _kinds_by_source(graph: Graph, seen: Iterable[tuple[int, Observation]]) -> dict[tuple[str, str], set[str]]:
    """The kinds of node that each source of usage has rows about."""
    nodes: dict[tuple[str, str], set[int]] = defaultdict(set)
    origin, found = None, set[int]()
    for node, observation in seen:
        if observation.origin is not origin:  # rows of one file come together and share it
            origin = observation.origin
            found = nodes[origin.connector, origin.file]
        found.add(node)
    return {source: {graph.nodes[i].kind for i in members} for source, members in nodes.items()}


def _how_fresh(graph: Graph, start: date, end: date, source: str) -> tuple[str, bool]:
    """What to say about a source that covers start..end, and whether it is too old or short to call things unused."""
    policy = graph.policy
    behind = (graph.as_of - end).days
    opens = graph.as_of - timedelta(days=policy.usage_window_days - 1)
    if behind > policy.stale_usage_days:
        return f"{source} ends on {end}, {behind} days before {graph.as_of}; what it does not show is not known", True
    seen = (end - max(start, opens)).days + 1
    if seen < min(policy.grace_days, policy.usage_window_days):
        return f"{source} covers only {seen} {'day' if seen == 1 else 'days'}, too few to call anything unused", True
    if start > opens:
        return f"{source} begins on {start}; use before that day is not known", False
    return "", False


def _quiet(graph: Graph, readable: Sequence[bool], covered: Sequence[bool], own: Sequence[bool]) -> list[bool]:
    """Per node: nobody reads it, as far as it can be known by looking at it and what it stands on."""
    quiet = [covered[i] and not own[i] for i in range(len(graph.nodes))]
    for i in graph.order:
        if not readable[i]:
            above = graph.upstream[i]
            # People query the tables that a metric stands on; what a job writes says all about the job.
            quiet[i] = graph.nodes[i].kind == "job" or (bool(above) and all(quiet[u] for u in above))
    return quiet
