"""Goals files to one tree of goals, with everything that is wrong in all of them said at once.

The reader sees bytes, not paths: whoever has the files reads them. It looks at no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from headway.connectors.goals.checks import check_key_result, check_span
from headway.connectors.goals.document import parse, shown
from headway.connectors.goals.problems import Problems
from headway.connectors.goals.schema import SHAPES
from headway.connectors.goals.shape import Block, check
from headway.connectors.goals.values import is_empty
from headway.errors import GoalsError


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day, each None when nothing says."""

    start: date | None = None
    end: date | None = None


@dataclass(slots=True)
class Goal:
    """One objective as read. `parents` are ids, the first of them its place in the tree."""

    id: str
    block: Block
    span: Span
    period: str
    parents: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Goals:
    """Everything the files say, in their order; references are known to fit."""

    objectives: tuple[Goal, ...]
    bindings: tuple[Block, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no objective at all, and nothing bound."""
        return not self.objectives and not self.bindings


def read(files: Sequence[tuple[str, bytes]], problems: Problems | None = None) -> Goals:
    """The goals in these files, given as (name for messages, content).

    Periods and objectives of all files form one set. Raises GoalsError with every problem of every file, those
    already in `problems` included.
    """
    reading = _Reading(problems or Problems())
    for name, data in files:
        block = file_block(name, data, reading.problems)
        if block is not None:
            reading.take(block)
    reading.connect()
    if found := reading.problems.sorted():
        raise GoalsError(found)
    return Goals(tuple(reading.goals.values()), tuple(reading.bindings.values()))


def file_block(name: str, data: bytes, problems: Problems) -> Block | None:
    """One file held against the format: keys, types, required values. None when there is nothing in it to use."""
    tree = parse(data, name, problems.add)
    if tree is None or is_empty(tree):  # a file of nothing but comments is no mistake
        return None
    return check(tree, SHAPES["file"], problems)


class _Reading:
    """Collects over all files, then connects what refers to one another."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.periods: dict[str, Block] = {}
        self.goals: dict[str, Goal] = {}
        self.above: dict[str, str] = {}
        """Id of a nested objective to the id of the one it is written in."""
        self.files: list[Block] = []
        self.bindings: dict[str, Block] = {}

    def take(self, file: Block) -> None:
        for period in file.blocks("periods"):
            self.first(period, "period", self.periods)
            check_span(period, self.problems)
        for binding in file.blocks("bindings"):
            goal = binding.text("goal")
            if goal in self.bindings:
                message = f"{goal} is bound twice, first at {self.bindings[goal].at('goal')}"
                self.problems.say(message, binding.at("goal"), "keep one of them")
            elif goal:
                self.bindings[goal] = binding
        self.files.append(file)

    def connect(self) -> None:
        """Everything that needs all files: periods first, then objectives, then what they refer to."""
        for file in self.files:
            for objective in file.blocks("objectives"):
                self.objective(objective, "", Span(), "")
        for goal in self.goals.values():
            self.supports(goal)
        self.cycles()
        key_results = {goal.id: _ids(goal.block.blocks("key_results")) for goal in self.goals.values()}
        owners: dict[str, list[str]] = {}
        for holder, names in key_results.items():
            for name in names:
                owners.setdefault(name, []).append(holder)
        for goal in self.goals.values():
            self.initiatives(goal, key_results, owners)

    def first(self, block: Block, what: str, known: dict[str, Block]) -> bool:
        """Whether this is the first one with its id; a second one is reported with the place of the first."""
        name = block.text("id")
        if not name:
            return False
        if name in known:
            message = f"there are two {what}s with the id {name}, the first at {known[name].at('id')}"
            self.problems.say(message, block.at("id"), "give one of them another id")
            return False
        known[name] = block
        return True

    def objective(self, block: Block, above: str, outer: Span, outer_period: str) -> None:
        span, period = self.span(block, outer, outer_period)
        check_span(block, self.problems, span.start, span.end)
        name = block.text("id")
        if name in self.goals:
            first = self.goals[name].block.at("id")
            message = f"there are two objectives with the id {name}, the first at {first}"
            self.problems.say(message, block.at("id"), "give one of them another id")
        elif name:
            self.goals[name] = Goal(name, block, span, period)
            self.above[name] = above
        for what in ("key_result", "deliverable", "initiative"):
            seen: dict[str, Block] = {}
            for part in block.blocks(what + "s"):
                self.first(part, what.replace("_", " "), seen)
        for key_result in block.blocks("key_results"):
            check_key_result(key_result, span.start, span.end, self.problems)
        for nested in block.blocks("objectives"):
            self.objective(nested, name, span, period)

    def span(self, block: Block, outer: Span, outer_period: str) -> tuple[Span, str]:
        """Own dates before those of the period, and those before what the objective around this one has."""
        name = block.text("period")
        if name and name not in self.periods:
            message = f"there is no period {shown(name)}"
            hint = self.problems.did_you_mean(name, self.periods) or f"add it under periods: with id: {name}"
            self.problems.say(message, block.at("period"), hint)
            return Span(block.day("start"), block.day("end")), ""
        if name:
            outer, outer_period = Span(self.periods[name].day("start"), self.periods[name].day("end")), name
        elif block.day("start") and block.day("end"):
            outer_period = ""
        return Span(block.day("start") or outer.start, block.day("end") or outer.end), outer_period

    def supports(self, goal: Goal) -> None:
        """Fill in the parents: the objective around it, then `parent`, then `supports`; each once."""
        if self.above[goal.id]:
            goal.parents.append(self.above[goal.id])
        for word in (*goal.block.words("parent"), *goal.block.words("supports")):
            if word.text not in self.goals:
                hint = self.problems.did_you_mean(word.text, self.goals)
                self.problems.say(f"there is no objective {shown(word.text)} to support", word.place, hint)
            elif word.text not in goal.parents:
                goal.parents.append(word.text)

    def cycles(self) -> None:
        """Report each ring of objectives once. Depth first without recursion: a chain may be as long as the files."""
        state: dict[str, int] = {}
        for start in self.goals:
            if start in state:
                continue
            path, todo = [start], [iter(self.goals[start].parents)]
            state[start] = 1
            while todo:
                above = next(todo[-1], None)
                if above is None:
                    state[path.pop()] = 2
                    todo.pop()
                elif state.get(above) == 1:
                    self.cycle(path[path.index(above) :])
                elif above in self.goals and above not in state:
                    state[above] = 1
                    path.append(above)
                    todo.append(iter(self.goals[above].parents))

    def cycle(self, ring: list[str]) -> None:
        links = [
            word
            for name in reversed(ring)
            for key in ("parent", "supports")
            for word in self.goals[name].block.words(key)
            if word.text in ring
        ]
        place = links[0].place
        if len(ring) == 1:
            self.problems.say(f"objective {ring[0]} supports itself", place, "remove that")
            return
        chain = " > ".join([*(ring if len(ring) <= 12 else [*ring[:10], "...", ring[-1]]), ring[0]])
        self.problems.say(f"objectives support one another in a ring: {chain}", place, "remove one of these links")

    def initiatives(
        self, goal: Goal, key_results: Mapping[str, Collection[str]], owners: Mapping[str, Sequence[str]]
    ) -> None:
        """Report what initiatives work towards without it being there. `owners`: the objectives that have a name."""
        for initiative in goal.block.blocks("initiatives"):
            for word in initiative.words("key_results"):
                objective, _, name = word.text.rpartition(".")
                if name in key_results.get(objective or goal.id, ()):
                    continue
                hint = self.problems.did_you_mean(word.text, key_results[goal.id])
                if not hint and name in owners:
                    hint = f"did you mean {' or '.join(f'{owner}.{name}' for owner in owners[name][:3])}?"
                message = f"there is no key result {shown(word.text)}"
                somewhere = "name it as it is called under key_results:, or as objective.key_result"
                self.problems.say(message, word.place, hint or somewhere)


def _ids(blocks: Sequence[Block]) -> dict[str, None]:
    """The ids in their order, quick to look up."""
    return dict.fromkeys(block.text("id") for block in blocks if block.text("id"))
