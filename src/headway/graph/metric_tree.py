"""The metric tree of a key result: which metrics its value is computed from, and by which arithmetic.

Component edges come from the metrics' definitions: what a metric is computed of. Influence edges are declared
(`config.meta.headway.drivers` on a metric): what is believed to move it. They are never mixed: only components have a
part in a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from headway.graph.model import KINDS

if TYPE_CHECKING:
    from headway.graph.graph import Graph

_DEEPEST = 8
_MOST = 200
"""Nodes of a tree."""

How = Literal["ratio", "derived", "conversion", "leaf"]
Side = Literal["", "base", "conversions"]


@dataclass(frozen=True, slots=True)
class Offset:
    """How far back an input is taken."""

    count: int
    grain: str

    def __str__(self) -> str:
        return f"{self.count} {self.grain}{'' if self.count == 1 else 's'} before"


@dataclass(frozen=True, slots=True)
class Component:
    """A metric in a tree. Two with the same `key` are the same input, whatever they are called."""

    node: int
    """Index of the metric's node."""
    name: str
    how: How = "leaf"
    expression: str = ""
    """Arithmetic over the aliases of `inputs`."""
    inputs: tuple[tuple[str, Component], ...] = ()
    """Each with its alias."""
    where: tuple[str, ...] = ()
    """Conditions on top of the metric's own, as they were written."""
    told: tuple[str, ...] = ()
    """The same for people."""
    offsets: tuple[Offset, ...] = ()
    side: Side = ""
    """One of the two counts that a conversion divides."""
    why: str = ""
    """Why it is not taken apart further although it is made of others; '' where there is nothing to take apart."""

    @property
    def key(self) -> str:
        """What tells this input from others."""
        return " | ".join(filter(None, (self.name, self.side, *map(str, self.offsets), *sorted(self.where))))


@dataclass(frozen=True, slots=True)
class Influence:
    """A metric that somebody declared to move another one."""

    node: int
    on: int
    """The metric of the tree that it moves."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A key result's metric with its components, and what is said to move them."""

    root: Component
    influences: tuple[Influence, ...] = ()
    missing: tuple[str, ...] = ()
    """Names of declared drivers that no metric has."""


def tree_of(graph: Graph, goal: int) -> Tree | None:
    """The metric tree of a key result; None where it is bound to no metric."""
    target = graph.targets.get(goal)
    fed = [i for i in graph.fed_by.get(goal, ()) if KINDS[graph.nodes[i].kind].is_a == "metric"]
    if target is None or not target.binding.metric or not fed:
        return None
    names = {n.name: i for i, n in enumerate(graph.nodes) if KINDS[n.kind].is_a == "metric" and not KINDS[n.kind].goal}
    made = _Maker(graph, names).component(fed[0], 0)
    root = _conditioned(made, target.binding.where, target.binding.where)
    found, missing = _influences(graph, root, names)
    return Tree(root, tuple(found), missing)


def walk(component: Component) -> Iterator[Component]:
    """A component and all that it is made of."""
    yield component
    for _, part in component.inputs:
        yield from walk(part)


def leaves(component: Component) -> dict[str, Component]:
    """What a component is made of at the bottom, by key."""
    return {part.key: part for part in walk(component) if not part.inputs}


class _Maker:
    def __init__(self, graph: Graph, names: Mapping[str, int]) -> None:
        self._graph = graph
        self._names = names
        self._count = 0

    def component(self, node: int, depth: int) -> Component:
        self._count += 1
        name = self._graph.nodes[node].name
        said = self._graph.nodes[node].meta.get("definition")
        definition: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        kind = definition.get("type")
        leaf = Component(node, name)
        if kind == "conversion":
            return self._conversion(leaf, definition)
        if kind not in {"ratio", "derived"}:
            return leaf
        if depth >= _DEEPEST or self._count > _MOST:
            return replace(leaf, why="the tree is cut here: it is too deep, or too large")
        inputs: list[tuple[str, Component]] = []
        for item in definition.get("inputs") or ():
            found = self._input(node, item, depth)
            if isinstance(found, str):
                return replace(leaf, why=found)
            inputs.append(found)
        expression = "numerator / denominator" if kind == "ratio" else str(definition.get("expr") or "")
        if kind == "ratio" and len(inputs) == 2:
            inputs = [("numerator", inputs[0][1]), ("denominator", inputs[1][1])]
        elif kind == "ratio" or not inputs:
            return replace(leaf, why="its inputs are not all known")
        how: How = "ratio" if kind == "ratio" else "derived"
        whole = Component(node, name, how, expression, tuple(inputs))
        own = tuple(str(text) for text in definition.get("where") or ())
        return _conditioned(whole, own, definition.get("filter") or ()) if own else whole

    def _input(self, node: int, item: Any, depth: int) -> tuple[str, Component] | str:
        """One input under its alias, or why it cannot be taken apart."""
        if not isinstance(item, Mapping) or item.get("name") not in self._names:
            return "its inputs are not all known"
        up = self._names[item["name"]]
        if up == node or node in self._graph.walk([up], "upstream"):
            return "it is computed from itself"
        part = self.component(up, depth + 1)
        if item.get("where"):
            part = _conditioned(part, tuple(map(str, item["where"])), item.get("filter") or ())
        if item.get("offset"):
            count, _, grain = str(item["offset"]).partition(" ")
            if not count.isdigit() or not grain:
                return f"it compares with the beginning of a {count}"
            part = _shifted(part, Offset(int(count), grain.removesuffix("s")))
        return str(item.get("as") or item["name"]).lower(), part

    def _conversion(self, leaf: Component, said: Mapping[str, Any]) -> Component:
        if said.get("calculation") != "conversion_rate":
            return leaf
        sides: tuple[Side, Side] = ("conversions", "base")
        inputs = tuple((side, replace(leaf, side=side)) for side in sides)
        return Component(leaf.node, leaf.name, "conversion", "conversions / base", tuple(inputs))


def _conditioned(component: Component, where: tuple[str, ...], told: Any) -> Component:
    """A component with more conditions, which all that it is made of keeps to."""
    if not where:
        return component
    inputs = tuple((alias, _conditioned(part, where, told)) for alias, part in component.inputs)
    more = tuple(str(text) for text in told)
    return replace(component, where=(*component.where, *where), told=(*component.told, *more), inputs=inputs)


def _shifted(component: Component, offset: Offset) -> Component:
    inputs = tuple((alias, _shifted(part, offset)) for alias, part in component.inputs)
    return replace(component, offsets=(*component.offsets, offset), inputs=inputs)


def _influences(graph: Graph, root: Component, names: Mapping[str, int]) -> tuple[list[Influence], tuple[str, ...]]:
    found: dict[tuple[int, int], Influence] = {}
    missing: dict[str, None] = {}
    inside = dict.fromkeys(part.node for part in walk(root))
    for node in inside:
        said = graph.nodes[node].meta.get("drivers")
        for name in [said] if isinstance(said, str) else said if isinstance(said, list) else ():
            if isinstance(name, str) and name in names:
                found.setdefault((names[name], node), Influence(names[name], node))
            elif isinstance(name, str):
                missing[name[:100]] = None
    return [one for one in found.values() if one.node not in inside], tuple(missing)


@dataclass(frozen=True, slots=True)
class Span:
    """Days that a value is of, both included."""

    start: date
    end: date


Pair = tuple[float | None, float | None]
"""A value before and after; None where there is none."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What the components of a tree were, before and after."""

    before: Span
    after: Span
    grain: str
    """day, week, month, quarter or year where the values are of a period; '' where they are to date."""
    values: Mapping[str, Pair] = field(default_factory=dict)
    """By the key of the component; what is not here could not be read."""
    members: Mapping[str, Mapping[str, Pair]] = field(default_factory=dict)
    """By the key of the component: its value for each member of the dimension that was asked for."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """By the key of the component: why it could not be read."""
    unsplit: Mapping[str, str] = field(default_factory=dict)
    """By the key of the component: why its members could not be read."""
