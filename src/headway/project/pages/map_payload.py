"""The payload of the Map: one column per fact, one position per asset, small integers throughout.

Position k of every column is asset k. Positions belong to one snapshot: the stable id of an asset is in the List, and
`/asset/@<snapshot>/<k>` leads to it. Nothing in here names a person, a query or an address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b

import msgspec

from headway.answer import plural
from headway.graph import health
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.graph.spend import MICRO
from headway.graph.use import can_be_read
from headway.project.pages import bands, figures, goal_words
from headway.project.pages.goal_words import Verdict, expected_now, verdict_of
from headway.questions.evidence import asset_name, month
from headway.questions.goals import in_order
from headway.questions.status import standing_of
from headway.questions.usage import quadrants

VERSION = 1
"""Raised when a module that reads an older payload would misread it."""

NOBODY, USED, SERVES, UNKNOWN = range(4)
"""Values of the column `state`."""
NOT_KNOWN, TRUSTED, WARNS, BROKEN = range(4)
"""Values of the column `trust`."""
USE_LIMITS = (0, 1, 3, 10, 30)
"""People in the window at which the steps of the lens Usage begin."""

LINES = 3
"""Key results that a card in the head has lines for."""
HEADS = 6
"""Objectives drawn in the head: as many as there are colours that can be told apart."""

Layers = tuple[tuple[str, tuple[str, ...]], ...]
"""`layers:` of the configuration as a key."""

_STATE = {"serving": SERVES, "neglected": SERVES, "shadow": USED, "zombie": NOBODY, "unknown": UNKNOWN}
_TRUST = {"unknown": NOT_KNOWN, "untested": NOT_KNOWN, "trusted": TRUSTED, "warns": WARNS, "broken": BROKEN}


class Head(msgspec.Struct, frozen=True):
    """A living objective. The first `heads` of them stand in the head of the Map."""

    id: str
    t: str
    p: float | None
    """Progress, 0 to 1; None where nothing is measured."""
    covered: float
    st: Verdict
    colour: int
    """1 to 6, kept as long as the objective lives; 0 for one that is not in the head."""
    expected: float | None
    standing: bool
    note: str
    """What a standing objective says in the place of its pace."""
    more: int
    """Key results that its card has no line for."""
    under: list[int]
    """Itself and the objectives that support it: what serves one of these serves it."""


class Port(msgspec.Struct, frozen=True):
    """A key result of an objective in the head."""

    id: str
    o: int
    """Position of its objective in the head."""
    t: str
    st: Verdict
    links: list[int]
    """Assets bound to it: what it is computed from, and what shows it."""


class MapPayload(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the Map draws. Columns are of equal length."""

    version: int
    snapshot: str
    as_of: date
    bands: list[str]
    groups: list[str]
    names: list[str]
    band: list[int]
    group: list[int]
    goal_sets: list[list[int]]
    """Positions in `objectives` of those that are served directly."""
    goals: list[int]
    """Index of goal_sets."""
    state: list[int]
    """0 nobody uses it, 1 used, 2 serves an objective, 3 use not known."""
    use: list[int]
    """People inside the window; -1 where that is not known or nobody can open it."""
    cost: list[float]
    """A month, in `unit`; -1 where it is not known."""
    trust: list[int]
    """0 not known, 1 trusted, 2 a test warns, 3 late or failing, here or below."""
    edges: list[int]
    """Pairs: from, to."""
    objectives: list[Head]
    key_results: list[Port]
    heads: int
    use_known: bool
    use_limits: list[int]
    cost_limits: list[float]
    unit: list[str]
    """What stands before an amount, and what after it: `€` and `a month`."""
    kept: list[int] | None = None
    """Positions that a filter leaves; None where there is none. The rest keeps its place and fades."""
    places: list[int] | None = None
    """Of a part of the Map, what each position is in the whole, which `snapshot` names; None where it is the whole."""


class Base(msgspec.Struct, frozen=True):
    """A payload with what its positions stand for."""

    payload: MapPayload
    nodes: tuple[int, ...]
    """Node index of every position."""
    position: Mapping[int, int]
    objectives: tuple[int, ...]
    """Node index of every objective of the payload."""


def base(graph: Graph, layers: Mapping[str, Sequence[str]], heads: Sequence[int]) -> Base:
    """The payload of a graph with some objectives in its head, without a filter. Built once for each."""
    return _base(graph, _key(layers), tuple(heads))


@lru_cache(maxsize=16)
def _base(graph: Graph, layers: Layers, heads: tuple[int, ...]) -> Base:
    names, band, group, groups, nodes = _arranged(graph, dict(layers))
    position = {node: k for k, node in enumerate(nodes)}
    living = (*heads, *(o for o in heads_of(graph) if o not in heads))
    sets, goals = _goals(graph, nodes, living)
    ledger = month(graph)
    known = {cell[0] for cell in ledger.cells} if ledger else set()
    cost = [round(ledger.amounts[i] / MICRO, 1) if ledger and i in known else -1.0 for i in nodes]
    trust = trust_of(graph)
    quadrant = quadrants(graph)
    colours = goal_words.colours(graph)
    served = graph.served
    up, down = graph.edges
    before, after = _affixes(ledger.unit, figures.per(ledger)) if ledger else ("", "")
    payload = MapPayload(
        version=VERSION,
        snapshot=snapshot(graph, nodes),
        as_of=graph.as_of,
        bands=names,
        groups=groups,
        names=[_name(graph, i) for i in nodes],
        band=band,
        group=group,
        goal_sets=sets,
        goals=goals,
        state=[SERVES if served[i] else _STATE[quadrant[i] or "unknown"] for i in nodes],
        use=[people(graph, i) for i in nodes],
        cost=cost,
        trust=[_TRUST[trust[i]] for i in nodes],
        edges=[position[end] for pair in zip(up, down, strict=True) for end in pair],
        objectives=[_head(graph, o, colours[o] if o in heads else 0, living) for o in living],
        key_results=[port for place, o in enumerate(heads) for port in _ports(graph, o, place, position)],
        heads=len(heads),
        use_known=graph.use.known,
        use_limits=list(USE_LIMITS),
        cost_limits=list(figures.steps([c for c in cost if c >= 0])),
        unit=[before, after],
    )
    return Base(payload, nodes, position, living)


@lru_cache(maxsize=4)
def trust_of(graph: Graph) -> Sequence[health.Trust]:
    """The trust of every node."""
    return health.of_nodes(graph)


def placed(graph: Graph, layers: Mapping[str, Sequence[str]]) -> Sequence[int]:
    """The band of every node, as an index of bands.NAMES."""
    return _placed(graph, _key(layers))


@lru_cache(maxsize=4)
def _placed(graph: Graph, layers: Layers) -> Sequence[int]:
    return bands.bands(graph, dict(layers))


def _key(layers: Mapping[str, Sequence[str]]) -> Layers:
    return tuple((name, tuple(patterns)) for name, patterns in layers.items())


def arranged(graph: Graph, layers: Mapping[str, Sequence[str]]) -> tuple[tuple[int, ...], str]:
    """The nodes of a graph by their position, and the name of that order."""
    found = base(graph, layers, heads_of(graph)[:HEADS])
    return found.nodes, found.payload.snapshot


def snapshot(graph: Graph, nodes: Sequence[int]) -> str:
    """Names the order of the columns: the same for as long as there are the same assets in it."""
    digest = blake2b(digest_size=6)
    for i in nodes:
        digest.update(graph.nodes[i].id.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def heads_of(graph: Graph) -> list[int]:
    """Objectives that can stand in the head: in the company's own order, drafts left out."""
    return [o for o in in_order(graph) if graph.state(o) != "draft"]


def people(graph: Graph, i: int) -> int:
    """People who read an asset itself inside the window; -1 where that is not known, or nobody can read it."""
    use = graph.use
    if use.own[i]:
        return max(1, use.people[i])
    return 0 if i in use.seen and can_be_read(graph.nodes[i]) else -1


def _name(graph: Graph, i: int) -> str:
    node = graph.nodes[i]
    return node.label if KINDS[node.kind].band == "dashboard" else asset_name(graph, i)


Arranged = tuple[list[str], list[int], list[int], list[str], tuple[int, ...]]


def _arranged(graph: Graph, layers: Mapping[str, Sequence[str]]) -> Arranged:
    """Names of the bands, band and group of every position, names of the groups, and the nodes in order."""
    placed_ = placed(graph, layers)
    folders = {i: bands.folder(graph.nodes[i]) for i in graph.assets}
    shown = [b for b in range(bands.KEY_RESULTS) if b != bands.SEMANTIC or any(placed_[i] == b for i in graph.assets)]
    keys = sorted({(placed_[i], folders[i]) for i in graph.assets})
    groups: list[str] = []
    of_key: dict[tuple[int, str], int] = {}
    known: dict[str, int] = {}
    for b in shown:
        names = bands.labels([name for band, name in keys if band == b])
        for name, label in names.items():
            of_key[b, name] = known.setdefault(label, len(known))
    groups = list(known)
    nodes = tuple(sorted(graph.assets, key=lambda i: (placed_[i], of_key[placed_[i], folders[i]], graph.nodes[i].id)))
    place = {b: k for k, b in enumerate(shown)}
    band = [place[placed_[i]] for i in nodes]
    group = [of_key[placed_[i], folders[i]] for i in nodes]
    return [bands.NAMES[b] for b in shown], band, group, groups, nodes


def _goals(graph: Graph, nodes: Sequence[int], objectives: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """The sets of objectives that occur, each served directly, and the set of every position."""
    place = {o: k for k, o in enumerate(objectives)}
    sets: dict[tuple[int, ...], int] = {}
    of_mask: dict[int, int] = {}
    goals = []
    for i in nodes:
        mask = graph.served[i]
        found = of_mask.get(mask)
        if found is None:
            own = {place[o] for g in graph.goals_in(mask) if (o := graph.objective_of(g)) in place}
            found = of_mask[mask] = sets.setdefault(tuple(sorted(own)), len(sets))
        goals.append(found)
    return [list(s) for s in sets], goals


def _under(graph: Graph, o: int, objectives: Sequence[int]) -> list[int]:
    """Positions of an objective and of those that support it, directly or not."""
    return [k for k, other in enumerate(objectives) if other == o or o in graph.ancestors_of(other)]


def _head(graph: Graph, o: int, colour: int, objectives: Sequence[int]) -> Head:
    rolled = standing_of(graph).objectives[o]
    record = graph.objectives.get(o)
    standing = bool(record and record.standing)
    key_results = [g for g in graph.parts.get(o, ()) if g in graph.targets]
    looked = sum(standing_of(graph).eyes[g].state == "looked at" for g in key_results if g in standing_of(graph).eyes)
    return Head(
        id=graph.nodes[o].id,
        t=graph.nodes[o].label,
        p=None if standing or rolled.progress is None else round(rolled.progress, 3),
        covered=round(rolled.coverage, 3),
        st="none" if standing else verdict_of(rolled.status),
        colour=colour,
        expected=None if standing else expected_now(graph, o),
        standing=standing,
        note=f"{looked} of {plural(len(key_results), 'key result')} looked at" if standing else "",
        more=max(0, len(key_results) - LINES),
        under=_under(graph, o, objectives),
    )


def _ports(graph: Graph, o: int, place: int, position: Mapping[int, int]) -> list[Port]:
    found = []
    for goal in graph.parts.get(o, ()):
        if goal not in graph.targets:
            continue
        bound = {*graph.fed_by.get(goal, ()), *graph.shown_on.get(goal, ())}
        found.append(
            Port(
                id=graph.nodes[goal].id,
                o=place,
                t=graph.nodes[goal].label,
                st=verdict_of(standing_of(graph).key_results[goal].pace),
                links=sorted(position[i] for i in bound if i in position),
            )
        )
    return found


def _affixes(unit: str, when: str) -> tuple[str, str]:
    """What is written before and after an amount."""
    before, _, after = figures.in_unit(unit, 0).partition("0")
    return before, f"{after} {when}".strip() if after else f" {when}"


def cut(payload: MapPayload, *, picked: int = -1) -> MapPayload:
    """Only what a filter leaves of a payload, with what key results are bound to and the position `picked`.

    For a Map that is too large to be drawn as a whole. Positions are those of the part.
    """
    bound = {k for port in payload.key_results for k in port.links}
    places = sorted({*(payload.kept or ()), *bound, *((picked,) if picked >= 0 else ())})
    at = {k: n for n, k in enumerate(places)}
    ends = zip(payload.edges[::2], payload.edges[1::2], strict=True)
    columns = {name: [getattr(payload, name)[k] for k in places] for name in _COLUMNS}
    return msgspec.structs.replace(
        payload,
        **columns,
        edges=[at[end] for pair in ends if pair[0] in at and pair[1] in at for end in pair],
        key_results=[msgspec.structs.replace(p, links=[at[k] for k in p.links]) for p in payload.key_results],
        kept=[at[k] for k in payload.kept or ()],
        places=places,
    )


_COLUMNS = ("names", "band", "group", "goals", "state", "use", "cost", "trust")


def place_of(payload: MapPayload, position: int) -> int:
    """Where a position of the whole Map is in a payload; -1 for -1."""
    return position if payload.places is None or position < 0 else payload.places.index(position)


def tally(column: Sequence[int], kept: Sequence[int] | None) -> Counter[int]:
    """How often each value occurs, in what a filter leaves."""
    return Counter(column) if kept is None else Counter(column[k] for k in kept)
