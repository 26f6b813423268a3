"""Goals of a tool, as flat rows with parents, turned into the same records that a goals file gives.

Tools know one kind of goal that may hold others; Headway tells objectives from key results. A goal that holds others is
an objective, and so is one at the top; its own number becomes a key result of it, called `<id>.number`, unless the tool
computes it from the goals below. A goal without others below it is the key result or deliverable that it says it is, or
what it looks like. Ids are the tool's own, so goals that are renamed, moved or closed stay the same goals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from headway.graph.model import (
    AnyRecord,
    Binding,
    Deliverable,
    Edge,
    Gap,
    Node,
    Objective,
    Origin,
    Reading,
    Target,
)

Sort = Literal["objective", "key_result", "deliverable", ""]
NUMBER = ".number"
"""End of the id of the key result that holds the own number of a goal with others below it."""
_TOLD = 3
"""Names that a sentence about several goals says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal as a tool has it."""

    key: str
    """The tool's own id."""
    title: str
    sort: Sort = ""
    """What it says it is; '' where the tool does not tell."""
    parent: str = ""
    """Key of the goal that it belongs to; '' at the top."""
    further: tuple[str, ...] = ()
    """Keys of more goals that it supports."""
    description: str = ""
    owner: str = ""
    url: str = ""
    tags: tuple[str, ...] = ()
    period: str = ""
    start: date | None = None
    end: date | None = None
    weight: float = 1.0
    state: Literal["", "draft", "active", "ended"] = ""
    baseline: float | None = None
    target: float | None = None
    current: float | None = None
    read: date | None = None
    """The day on which `current` was true."""
    unit: str = ""
    metric: str = ""
    """Name of the metric that gives its value, where the tool knows one."""
    rolled_up: bool = False
    """Its number is computed from the goals below it."""
    dropped: bool = False
    """It was given up: a key result that nobody aims at any more."""
    done: bool = False
    done_on: date | None = None
    file: str = ""
    line: int = 0

    @property
    def numbered(self) -> bool:
        """Whether it has a number of its own to be measured by."""
        return bool(self.metric) or self.target is not None or (self.current is not None and not self.rolled_up)


@dataclass(slots=True)
class LeftOut:
    """Goals that were not read, by reason."""

    archived: list[str] = field(default_factory=list)
    """What they are called."""
    private: int = 0
    """How many: what they are called is not read."""
    broken: list[str] = field(default_factory=list)
    """Sentences about goals that cannot be understood."""


def records(
    connector: str,
    tool: str,
    goals: Sequence[Goal],
    left_out: LeftOut | None = None,
    *,
    hint_private: str = "",
    prefix: str = "",
) -> Iterator[AnyRecord]:
    """Nodes, edges, targets and readings in the order of `goals`, then what is not known.

    `tool` is how people call it; `prefix` comes before the keys in ids. A goal given twice counts once, as it was given
    first.
    """
    tree = _Tree(connector, tool, goals, prefix)
    for goal in tree.goals.values():
        yield from tree.of(goal)
    yield from tree.gaps
    if tree.dropped:
        message = f"{_counted(tree.dropped, 'dropped key result', 'dropped key results')} of {tool} left out"
        yield Gap(topic="goals", message=message, origin=Origin(connector))
    yield from _missing(connector, tool, left_out or LeftOut(), hint_private)


def node_id(connector: str, key: str) -> str:
    """Id of a goal's node: `asana:1201`."""
    return f"{connector}:{' '.join(key.split())}"


def slug(title: str) -> str:
    """The key of a goal that has none of its own: words of its title."""
    return re.sub(r"\W+", "_", title.casefold()).strip("_")[:80] or "goal"


class _Tree:
    """The goals with what is below them."""

    def __init__(self, connector: str, tool: str, goals: Sequence[Goal], prefix: str) -> None:
        self.connector = connector
        self.prefix = f"{prefix}." if prefix else ""
        self.tool = tool
        self.gaps: list[Gap] = []
        self.goals: dict[str, Goal] = {}
        self.order: dict[str, int] = {}
        twice = []
        for goal in goals:
            if goal.key in self.goals:
                twice.append(goal.title)
            else:
                self.order[goal.key] = len(self.order)
                self.goals[goal.key] = goal
        if twice:
            self._note(f"{_counted(twice, 'goal is there twice', 'goals are there twice')}; the first counts")
        self.dropped: list[str] = []
        self.parent = self._parents()
        self.below: Mapping[str, list[str]] = self._below()

    def _parents(self) -> dict[str, str]:
        """Key -> key of the goal that it belongs to; '' for those at the top. No goal is above itself."""
        parent = {key: goal.parent if goal.parent in self.goals else "" for key, goal in self.goals.items()}
        lost = [goal.title for goal in self.goals.values() if goal.parent and goal.parent not in self.goals]
        if lost:
            one, several = "goal stands at the top", "goals stand at the top"
            message = f"{_counted(lost, one, several)}: what they belong to is not read"
            self._note(message, hint="it is archived, private, or not among what is read")
        done: set[str] = set()
        for start in parent:
            path: dict[str, None] = {}
            key = start
            while key and key not in done and key not in path:
                path[key] = None
                key = parent[key]
            if key in path:
                parent[key] = ""
                self._note(f"{self.goals[key].title!r} is above itself; it stands at the top now", key)
            done.update(path)
        return parent

    def _below(self) -> dict[str, list[str]]:
        below: dict[str, list[str]] = defaultdict(list)
        for key, above in self.parent.items():
            if above:
                below[above].append(key)
        return below

    def sort(self, goal: Goal) -> Sort:
        """What a goal is in Headway's words."""
        if self.below.get(goal.key) or not self.parent[goal.key]:
            return "objective"
        if goal.sort:
            return goal.sort
        return "key_result"

    def of(self, goal: Goal) -> Iterator[AnyRecord]:
        """The records of one goal."""
        sort = self.sort(goal)
        if sort == "objective":
            yield from self._objective(goal)
        elif sort == "deliverable":
            yield from self._deliverable(goal)
        elif goal.dropped:
            self.dropped.append(goal.title)
        else:
            yield from self._key_result(goal, self.id(goal.key), self.id(self.parent[goal.key]))

    def id(self, key: str) -> str:
        return node_id(self.connector, f"{self.prefix}{key}")

    def _objective(self, goal: Goal) -> Iterator[AnyRecord]:
        node, above = self.id(goal.key), self.parent[goal.key]
        known = [*([self.id(above)] if above else []), *self._further(goal)]
        yield self._node(goal, "objective", node, goal.title)
        yield Objective(
            objective=node,
            start=goal.start,
            end=goal.end,
            period=goal.period,
            weight=goal.weight,
            parent=known[0] if known else "",
            state=goal.state,
            order=self.order[goal.key],
            origin=self._origin(goal),
        )
        for parent in known:
            yield Edge(upstream=node, downstream=parent, role="supports", origin=self._origin(goal))
        if goal.numbered and not goal.rolled_up:
            yield from self._key_result(goal, f"{node}{NUMBER}", node)

    def _further(self, goal: Goal) -> list[str]:
        """Ids of the objectives that it supports besides the one it belongs to; none that would close a circle."""
        found = []
        for key in dict.fromkeys(goal.further):
            if key not in self.goals or key == self.parent[goal.key] or self.sort(self.goals[key]) != "objective":
                continue
            if self._is_above(goal.key, key):
                self._note(f"{goal.title!r} is to support what it is above itself; that is left out", goal.key)
            else:
                found.append(self.id(key))
        return found

    def _is_above(self, key: str, below: str) -> bool:
        """Whether a goal is the other one, or is supported by it over whatever steps."""
        todo, seen = [below], {below}
        while todo:
            at = todo.pop()
            if at == key:
                return True
            up = [k for k in (self.parent[at], *self.goals[at].further) if k in self.goals and k not in seen]
            seen.update(up)
            todo += up
        return False

    def _key_result(self, goal: Goal, node: str, objective: str) -> Iterator[AnyRecord]:
        origin = self._origin(goal)
        nowhere = goal.target is not None and goal.target == goal.baseline
        yield self._node(goal, "key_result", node, goal.title)
        yield Target(
            key_result=node,
            objective=objective,
            weight=goal.weight,
            baseline=goal.baseline,
            target=None if nowhere else goal.target,
            direction=_direction(goal),
            unit=goal.unit,
            start=goal.start,
            due=goal.end,
            binding=Binding(metric=goal.metric) if goal.metric else Binding(manual=goal.current is not None),
            draft=goal.state == "draft",
            origin=origin,
        )
        yield Edge(upstream=node, downstream=objective, role="supports", origin=origin)
        for more in self._further(goal) if self.sort(goal) == "key_result" else ():
            yield Edge(upstream=node, downstream=more, role="supports", origin=origin)
        if goal.metric:
            yield Edge(upstream=f"ref:metric/{goal.metric}", downstream=node, role="feeds", origin=origin)
        elif goal.current is not None and goal.read is not None:
            # Called after the tool, not "manual": a tool tells only its current value, so the store keeps earlier ones.
            proof = f"{goal.file}:{goal.line}" if goal.line else f"as {self.tool} has it"
            yield Reading(
                key_result=node, day=goal.read, value=goal.current, source=self.connector, proof=proof, origin=origin
            )
        if not goal.numbered and not goal.metric:
            message = f"{goal.title!r} has no number in {self.tool}: it is only words"
            hint = "give it a number there, or bind it under bindings: in the goals file"
            self._note(message, goal.key, hint)
        elif nowhere:
            hint = "give it another start or target there"
            self._note(f"{goal.title!r} starts at its target in {self.tool}: there is no way to go", goal.key, hint)
        elif goal.target is None:
            self._note(f"{goal.title!r} has a number in {self.tool}, but no target", goal.key)

    def _deliverable(self, goal: Goal) -> Iterator[AnyRecord]:
        node, objective, origin = self.id(goal.key), self.id(self.parent[goal.key]), self._origin(goal)
        yield self._node(goal, "deliverable", node, goal.title)
        yield Deliverable(
            deliverable=node, objective=objective, due=goal.end, done=goal.done, done_on=goal.done_on, origin=origin
        )
        yield Edge(upstream=node, downstream=objective, role="supports", origin=origin)

    def _node(self, goal: Goal, kind: str, node: str, title: str) -> Node:
        return Node(
            id=node,
            kind=kind,
            name=node.partition(":")[2],
            title=title,
            owner=goal.owner,
            owner_origin=self.connector if goal.owner else "",
            tags=goal.tags,
            url=goal.url,
            description=goal.description,
            origin=self._origin(goal),
        )

    def _origin(self, goal: Goal) -> Origin:
        return Origin(self.connector, goal.file, goal.line)

    def _note(self, message: str, key: str = "", hint: str = "") -> None:
        origin = self._origin(self.goals[key]) if key else Origin(self.connector)
        node = self.id(key) if key else ""
        self.gaps.append(Gap(topic="goals", message=message, node=node, hint=hint, origin=origin))


def _direction(goal: Goal) -> Literal["increase", "decrease", ""]:
    if goal.baseline is None or goal.target is None or goal.baseline == goal.target:
        return ""
    return "increase" if goal.target > goal.baseline else "decrease"


def _missing(connector: str, tool: str, left_out: LeftOut, hint_private: str) -> Iterator[Gap]:
    origin = Origin(connector)
    if left_out.archived:
        message = f"{_counted(left_out.archived, 'archived goal', 'archived goals')} of {tool} left out"
        yield Gap(topic="goals", message=message, origin=origin)
    if left_out.private:
        count = left_out.private
        message = f"{count:,} private {'goal' if count == 1 else 'goals'} of {tool} left out"
        yield Gap(topic="goals", message=message, hint=hint_private, origin=origin)
    for message in left_out.broken:
        yield Gap(topic="goals", message=message, origin=origin)


def _counted(names: Sequence[str], one: str, several: str) -> str:
    """`2 goals are (A, B)`: how many, and what the first of them are called."""
    told = ", ".join(name[:80] for name in names[:_TOLD]) + (", ..." if len(names) > _TOLD else "")
    return f"{len(names):,} {one if len(names) == 1 else several} ({told})"
