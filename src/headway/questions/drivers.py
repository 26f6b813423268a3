"""What moved a key result: its metric tree, and the change between two days split over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from headway.answer import Answer, Column, Finding, figure, listed
from headway.errors import HeadwayError, UsageError
from headway.graph.graph import Graph
from headway.graph.metric_tree import Component, Sides, Tree, tree_of, walk
from headway.graph.model import Gap, Target
from headway.questions.arithmetic import Term, name, parse
from headway.questions.decompose import Split, Undefined, split
from headway.questions.evidence import gaps, make, the_goal
from headway.questions.members import members_answer, signed
from headway.questions.registry import Says, Supplied, question

Read = Callable[[Target, Sequence[Component], date | None, date | None, str], Sides]

_COLUMNS = (
    Column("tree", "Made of"),
    Column("metric", "Metric", secondary=True),
    Column("role", "Role"),
    Column("before", "Before", "number"),
    Column("after", "After", "number"),
    Column("change", "Change", "number"),
    Column("part", "Part in the change", "number"),
    Column("share", "Share", "percent"),
    Column("note", "Note"),
)
_CLOSE = 1e-9
"""How far a value may be from what its inputs give, as a share, to count as the same."""

_ROUNDED = 0.005
"""How far a baseline may be from what is read, as a share, to count as the same number, rounded."""


@question("HW702")
def drivers(
    graph: Graph,
    *,
    key_result: Annotated[str, Says("Name or id of a key result.", positional=True)],
    since: Annotated[date | None, Says("Compare with this day; default: the day before the key result starts.")] = None,
    until: Annotated[date | None, Says("Up to this day; default: the day of the answer.")] = None,
    by: Annotated[str, Says("Also split the change over the members of this dimension, such as plan__tier.")] = "",
    tree: Annotated[bool, Says("Only draw the tree, without reading any value.")] = False,
    read: Annotated[Read | None, Supplied("metric inputs")] = None,
) -> Answer:
    """What moved this key result: its change, split over what its metric is made of.

    The parts sum to the change. A sum is split additively, a product or quotient of positive inputs by logarithmic
    means (LMDI), everything else by exact Shapley values. A key result with a grain is compared by the periods that are
    over on the two days, one without by its value to date; a day before its start by as many days up to it.

    With `--by`, a ratio is split into what changed within members (rate) and between them (mix). Metrics that are only
    said to be drivers (config.meta.headway.drivers) are *influences*: they are shown beside, and have no part.
    """
    goal = the_goal(graph, key_result, "key_result")
    made = tree_of(graph, goal)
    label = graph.nodes[goal].label
    if made is None:
        way = {"model": "the expression of a model", "sql": "SQL", "readings": "readings by hand"}
        bound = way.get(graph.targets[goal].binding.way) if goal in graph.targets else None
        said = f"is bound to {bound}" if bound else "is bound to no metric that is known"
        headline = f"{label} {said}, so nothing is known of what it is made of."
        return make(graph, "drivers", "HW702", headline, _COLUMNS, gaps=gaps(graph, "values"))
    sides, unread = (None, []) if tree else _read(graph, goal, made, since, until, by, read)
    told = _Told(graph, made, sides)
    sections = []
    if sides is not None and by and told.change is not None:
        sections.append(members_answer(graph, by, told.root, told.formula, told.split, sides))
    return make(
        graph,
        "drivers",
        "HW702",
        told.headline(label),
        _COLUMNS,
        list(told.rows()),
        totals=told.totals(goal),
        sections=tuple(sections),
        gaps=(*unread, *told.gaps(goal, since), *gaps(graph, "values")),
    )


def _read(
    graph: Graph, goal: int, tree: Tree, since: date | None, until: date | None, by: str, read: Read | None
) -> tuple[Sides | None, list[Gap]]:
    """The values of both sides, or why there are none: then the tree is shown without."""
    if read is None:
        message = "the inputs of the metric were not read from the warehouse, so the tree has no values"
        return None, [Gap(topic="values", message=message, node=graph.nodes[goal].id)]
    wanted = [tree.root, *(Component(one.node, graph.nodes[one.node].name) for one in tree.influences)]
    try:
        return read(graph.targets[goal], wanted, since, until, by), []
    except UsageError:
        raise
    except HeadwayError as error:
        message = f"the inputs of {tree.root.name} could not be read: {error.message}"
        return None, [Gap(topic="values", message=message, node=graph.nodes[goal].id, hint=error.hint)]


def formula_of(component: Component, depth: int) -> Term:
    """The arithmetic of a component over the keys of what it is made of, at most `depth` levels down."""
    if not component.inputs or depth == 0:
        return name(component.key)
    try:
        made = parse(component.expression)
    except UsageError:
        return name(component.key)
    parts = {alias: formula_of(part, depth - 1) for alias, part in component.inputs}
    return made.put(parts) if set(made.names()) <= set(parts) else name(component.key)


def not_followed(component: Component) -> str:
    """Why the arithmetic of a component cannot be followed; '' where it can, or there is none."""
    if not component.inputs:
        return ""
    try:
        unknown = set(parse(component.expression).names()) - {alias for alias, _ in component.inputs}
    except UsageError as error:
        return f"its expression is not followed: {error.message}"
    return f"its expression names {', '.join(sorted(unknown))}, which is none of its inputs" if unknown else ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A component where it is drawn."""

    component: Component
    alias: str
    drawn: str


class _Told:
    """A tree with its values, and the change split over it."""

    def __init__(self, graph: Graph, tree: Tree, sides: Sides | None) -> None:
        self._graph = graph
        self._tree = tree
        self._sides = sides
        self.root = tree.root
        self.formula = name(tree.root.key)
        self.split: Split | None = None
        self.why = ""
        before, after = self.pair(tree.root.key)
        self.change = None if before is None or after is None else after - before
        if sides is not None:
            self._decompose(sides)

    def pair(self, key: str) -> tuple[float | None, float | None]:
        """The values of a component on both sides."""
        return self._sides.values.get(key, (None, None)) if self._sides is not None else (None, None)

    def _decompose(self, sides: Sides) -> None:
        """Split over the deepest inputs that have values on both sides, and less deep where that cannot be."""
        for depth in (8, 3, 2, 1):
            formula = formula_of(self.root, depth)
            if formula == name(self.root.key):
                self.why = not_followed(self.root)
                break
            if any(key not in sides.values for key in formula.names()):
                self.why = "not all of its inputs could be read"
                continue
            before = {key: sides.values[key][0] for key in formula.names()}
            after = {key: sides.values[key][1] for key in formula.names()}
            try:
                self.split, self.formula, self.why = split(formula, before, after), formula, ""
            except Undefined as error:
                empty = [key for key in formula.names() if before[key] is None or after[key] is None]
                self.why = f"{', '.join(empty)} has no value on one side" if empty else str(error)
                continue
            return

    @property
    def parts(self) -> Mapping[str, float]:
        """The part of each input in the change, by key."""
        return dict(zip(self.formula.names(), self.split.parts, strict=True)) if self.split else {}

    @property
    def rest(self) -> float:
        """What of the change the inputs do not explain: the metric's own value is not what its inputs give."""
        if self.split is None or self.change is None:
            return 0.0
        before, after = self.pair(self.root.key)
        largest = max(abs(before or 0.0), abs(after or 0.0), abs(self.split.before), abs(self.split.after))
        apart = self.change - self.split.change
        off = max(abs(self.split.before - (before or 0.0)), abs(self.split.after - (after or 0.0)))
        return apart if off > _CLOSE * largest else 0.0

    # ------------------------------------------------------------------ rows

    def rows(self) -> Iterator[Finding]:
        parts, seen = dict(self.parts), Counter(part.key for part in walk(self.root) if not part.inputs)
        for line in _drawn(self.root, self.root.name, "", ""):
            component = line.component
            part: float | None = None
            note = component.why or self._problem(component)
            if component is self.root:
                part = self.change
                note = note or (f"not split: {self.why}" if self.why else self._method())
            elif component.key in parts:
                part = parts.pop(component.key)
            elif component.key in self.parts:
                note = note or "counted above"
            elif component.inputs and self.split is not None:
                part = self._sum(component, seen)
            yield self._row(component.node, line.drawn, self._role(component), component, part, note)
        if self.rest:
            values = ("not explained by the inputs", None, "rest", None, None, None, self.rest, self._share(self.rest))
            yield Finding(values=(*values, "the metric is not what its inputs give"), counts=False)
        for one in self._tree.influences:
            component = Component(one.node, self._graph.nodes[one.node].name)
            on = self._graph.nodes[one.on].name
            note = "; ".join(filter(None, (f"said to drive {on}", self._problem(component))))
            yield self._row(one.node, f"~ {component.name}", "influence", component, None, note)

    def _row(self, node: int, drawn: str, role: str, component: Component, part: float | None, note: str) -> Finding:
        before, after = self.pair(component.key)
        change = None if before is None or after is None else after - before
        label = self._graph.nodes[node].label
        values = (drawn, label, role, before, after, change, part, self._share(part), note or None)
        return Finding(values=values, node=self._graph.nodes[node].id, counts=False)

    def _sum(self, component: Component, seen: Counter[str]) -> float | None:
        """The part of what is made of others: the sum of theirs, where nothing else is made of them too."""
        own = Counter(part.key for part in walk(component) if not part.inputs)
        if any(seen[key] != count for key, count in own.items()) or any(key not in self.parts for key in own):
            return None
        return sum(self.parts[key] for key in own)

    def _share(self, part: float | None) -> float | None:
        return part / self.change if part is not None and self.change else None

    def _problem(self, component: Component) -> str:
        if self._sides is None:
            return ""
        if component.key in self._sides.problems:
            return self._sides.problems[component.key]
        if component is not self.root and (why := not_followed(component)):
            return why
        before, after = self.pair(component.key)
        sides = [when for when, value in (("before", before), ("after", after)) if value is None]
        return f"no rows {' and '.join(sides)}" if sides else ""

    def _role(self, component: Component) -> str:
        if component is self.root:
            return "key result"
        return "component"

    def _method(self) -> str:
        words = {"additive": "split additively", "multiplicative": "split by logarithmic means (LMDI)"}
        return words.get(self.split.method, "split by Shapley values") if self.split else ""

    # ------------------------------------------------------------------ words

    def headline(self, label: str) -> str:
        """What happened, in a sentence."""
        made = len({part.key for part in walk(self.root) if not part.inputs and part is not self.root})
        if self._sides is None or self.change is None:
            of = f" is made of {made} inputs" if made else " is made of nothing else"
            return f"{label}: {self.root.name}{of}; what moved it is not known."
        before, after = self._sides.before, self._sides.after
        b, a = self.pair(self.root.key)
        days = (
            f"from {figure(b or 0)} ({before.start} to {before.end}) to {figure(a or 0)} ({after.start} to {after.end})"
        )
        if not self.change:
            return f"{label} did not move {days}."
        moved = f"{label} {'rose' if self.change > 0 else 'fell'} by {figure(abs(self.change))} {days}"
        parts = sorted(self.parts.items(), key=lambda item: -abs(item[1]))
        by_key = {part.key: part for part in walk(self.root)}
        told = [f"{_called(by_key[key])} {signed(part)}" for key, part in parts]
        return f"{moved}: {listed(told)}." if told else f"{moved}."

    def totals(self, goal: int) -> dict[str, Any]:
        """The tree for machines, with values and parts."""
        sides, target = self._sides, self._graph.targets[goal]
        found: dict[str, Any] = {"key_result": self._graph.nodes[goal].id, "change": self.change}
        if sides is not None:
            found["before"] = {"start": sides.before.start, "end": sides.before.end}
            found["after"] = {"start": sides.after.start, "end": sides.after.end}
            found["grain"] = sides.grain or None
        found |= {"baseline": target.baseline, "method": self.split.method if self.split else None}
        found["tree"] = self._tree_of(self.root)
        found["influences"] = [
            {"metric": self._graph.nodes[one.node].id, "on": self._graph.nodes[one.on].id}
            for one in self._tree.influences
        ]
        return found

    def _tree_of(self, component: Component) -> dict[str, Any]:
        before, after = self.pair(component.key)
        return {
            "metric": self._graph.nodes[component.node].id,
            "key": component.key,
            "how": component.how,
            "expression": component.expression or None,
            "before": before,
            "after": after,
            "part": self.change if component is self.root else self.parts.get(component.key),
            "inputs": [{"as": alias, **self._tree_of(part)} for alias, part in component.inputs],
        }

    def gaps(self, goal: int, since: date | None) -> Iterator[Gap]:
        """What is stated otherwise, and drivers that do not exist."""
        node, target = self._graph.nodes[goal].id, self._graph.targets[goal]
        before, _ = self.pair(self.root.key)
        stated = target.baseline
        if since is None and stated is not None and before is not None and self._sides is not None:
            span = self._sides.before
            if abs(before - stated) > _ROUNDED * max(abs(before), abs(stated)):
                message = f"the baseline is stated as {stated:g}; from {span.start} to {span.end} it was {before:g}"
                yield Gap(topic="values", message=message, node=node, hint="name the day it is of with --since")
        for missing in self._tree.missing:
            yield Gap(topic="values", message=f"there is no metric {missing!r}, which is named as a driver", node=node)


def _called(component: Component) -> str:
    """An input in a sentence."""
    more = [*component.told[:1], *map(str, component.offsets)]
    side = {"base": "base of ", "conversions": "conversions of ", "": ""}[component.side]
    return side + component.name + (f" ({', '.join(more)})" if more else "")


def _drawn(component: Component, drawn: str, lead: str, alias: str) -> Iterator[_Line]:
    """A tree as lines with branches."""
    yield _Line(component, alias, drawn)
    last = len(component.inputs) - 1
    for number, (name_, part) in enumerate(component.inputs):
        branch, more = ("└─ ", "   ") if number == last else ("├─ ", "│  ")
        known_as = "" if name_ in {part.name, part.side} else f"{name_}: "
        yield from _drawn(part, f"{lead}{branch}{known_as}{_called(part)}", lead + more, name_)
