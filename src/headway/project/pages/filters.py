"""Filters that the Map and the List share: which assets are looked at. A filter never moves anything on the Map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import msgspec

from headway.errors import UnknownName, UsageError
from headway.graph.graph import Graph
from headway.project import Project
from headway.project.pages import figures
from headway.project.pages.map_payload import (
    BROKEN,
    NOBODY,
    NOT_KNOWN,
    SERVES,
    TRUSTED,
    UNKNOWN,
    USED,
    WARNS,
    Base,
    arranged,
    heads_of,
)
from headway.questions.evidence import the_asset, the_goal

STATES = {"serves": SERVES, "used": USED, "nobody": NOBODY, "unknown": UNKNOWN}
TRUSTS = {"trusted": TRUSTED, "warns": WARNS, "broken": BROKEN, "unknown": NOT_KNOWN}


class Filters(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is looked at; '' is everything. Names are those of the parameters of the List."""

    department: str = ""
    folder: str = ""
    owner: str = ""
    kind: str = ""
    band: str = ""
    state: str = ""
    trust: str = ""
    objective: str = ""
    only: str = ""
    around: str = ""

    @property
    def given(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name))}


class Choices(msgspec.Struct, frozen=True):
    """What a reader can choose from."""

    departments: tuple[str, ...]
    owners: tuple[str, ...]
    kinds: tuple[str, ...]
    objectives: tuple[tuple[str, str], ...]
    """Ids and titles."""


@lru_cache(maxsize=4)
def choices(graph: Graph) -> Choices:
    """The departments (owners of objectives), teams, kinds and objectives of a graph."""
    heads = heads_of(graph)
    named = {figures.team(graph.nodes[o].owner) for o in heads}
    owners = {figures.team(graph.nodes[i].owner) for i in graph.assets}
    return Choices(
        departments=tuple(sorted(named - {""})),
        owners=tuple(sorted(owners - {""})),
        kinds=tuple(sorted({graph.nodes[i].kind for i in graph.assets})),
        objectives=tuple((graph.nodes[o].id, graph.nodes[o].label) for o in heads),
    )


def find_goal(graph: Graph, name: str) -> int:
    """The objective that an address names. Raises UnknownName."""
    i = graph.index.get(name)
    return i if i is not None and graph.nodes[i].kind == "objective" else the_goal(graph, name)


def find_node(project: Project, name: str) -> int:
    """The asset or goal that an address names, by its id first; `@<snapshot>/<k>` is a position on the Map.

    Raises UnknownName, also where the snapshot is not the one of today any more.
    """
    graph = project.graph()
    i = graph.index.get(name)
    if i is not None:
        return i
    if name.startswith("@"):
        return _at_position(project, name)
    for kind in ("objective", "key_result"):
        found = graph.directory.find(name, kind)
        if found.node is not None:
            return found.node
    return the_asset(graph, name)


def _at_position(project: Project, name: str) -> int:
    snapshot, _, position = name[1:].partition("/")
    nodes, now = arranged(project.graph(), project.config.layers)
    if snapshot == now and position.isascii() and position.isdigit() and int(position[:9]) < len(nodes):
        return nodes[int(position[:9])]
    raise UnknownName("place on the Map, as it is now,", name[:80], ())


def kept_by(project: Project, base: Base, filters: Filters) -> list[int] | None:
    """Positions that all filters leave, in order; None when none is set. Raises UnknownName and UsageError."""
    tests = list(_tests(project, base, filters))
    if not tests:
        return None
    return [k for k in range(len(base.nodes)) if all(test(k) for test in tests)]


def _tests(project: Project, base: Base, filters: Filters) -> Iterator[Callable[[int], bool]]:
    graph, payload, nodes = project.graph(), base.payload, base.nodes
    if filters.folder:
        yield lambda k: payload.groups[payload.group[k]] == filters.folder
    if filters.band:
        yield lambda k: payload.bands[payload.band[k]] == filters.band
    if filters.state:
        yield lambda k: payload.state[k] == STATES[filters.state]
    if filters.trust:
        yield lambda k: payload.trust[k] == TRUSTS[filters.trust]
    if filters.owner:
        yield lambda k: _team(graph, nodes[k]) == filters.owner
    if filters.kind:
        yield lambda k: graph.nodes[nodes[k]].kind == filters.kind
    if filters.around:
        near = within_reach(graph, find_node(project, filters.around))
        yield lambda k: nodes[k] in near
    yield from _tests_of_goals(graph, base, filters)


def _tests_of_goals(graph: Graph, base: Base, filters: Filters) -> Iterator[Callable[[int], bool]]:
    payload, nodes = base.payload, base.nodes
    if filters.department:
        if filters.department not in {*choices(graph).departments, *choices(graph).owners}:
            raise UsageError(f"no team is called {filters.department!r}", hint="the filters list those there are")
        goals = [o for o in heads_of(graph) if figures.team(graph.nodes[o].owner) == filters.department]
        mask = 0
        for o in goals:
            mask |= graph.goal_mask(o)
        yield lambda k: bool(graph.served[nodes[k]] & mask) or _team(graph, nodes[k]) == filters.department
    if filters.objective:
        wanted = graph.goal_mask(find_goal(graph, filters.objective))
        yield lambda k: bool(graph.served[nodes[k]] & wanted)
    if filters.only:
        place = base.objectives.index(o) if (o := find_goal(graph, filters.only)) in base.objectives else -1
        yield lambda k: payload.goal_sets[payload.goals[k]] == [place]


def _team(graph: Graph, i: int) -> str:
    return figures.team(graph.nodes[i].owner)


def within_reach(graph: Graph, focus: int) -> frozenset[int]:
    """A node, everything upstream of it, and everything downstream of it, goals included."""
    found = set(graph.walk([focus], "upstream"))
    todo = [focus]
    below = {focus}
    while todo:
        i = todo.pop()
        for j in next_below(graph, i):
            if j not in below:
                below.add(j)
                todo.append(j)
    return frozenset(found | below)


def next_below(graph: Graph, i: int) -> list[int]:
    """What a node flows into: assets, the goals computed from it or shown on it, what a goal supports."""
    return [*graph.downstream[i], *_goals_above(graph).get(i, ()), *graph.supports.get(i, ())]


@lru_cache(maxsize=4)
def _goals_above(graph: Graph) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for attached in (graph.fed_by, graph.shown_on):
        for goal, assets in attached.items():
            for i in assets:
                if goal not in found.setdefault(i, []):
                    found[i].append(goal)
    for objective, parts in graph.parts.items():
        for part in parts:
            if objective not in graph.supports.get(part, ()):
                found.setdefault(part, []).append(objective)
    return found
