"""How every goal stands on the day of the graph: each key result assessed once, rolled up through the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from headway.answer import listed
from headway.graph.graph import Graph
from headway.graph.model import Reading, Target
from headway.graph.use import Counted
from headway.questions.evidence import people_words
from headway.questions.progress import Assessment, RollUp, assess, roll_up

Looked = Literal["looked at", "neglected", "unknown", "shown nowhere"]


@dataclass(frozen=True, slots=True)
class Eyes:
    """Who looks at a key result: the use of the dashboards that show it."""

    state: Looked
    boards: tuple[int, ...]
    last: date | None
    people: int
    counted: Counted = "exact"
    """How `people` is known."""


@dataclass(frozen=True)
class Standing:
    """How the goals of a graph stand."""

    key_results: Mapping[int, Assessment]
    objectives: Mapping[int, RollUp]
    eyes: Mapping[int, Eyes]


@lru_cache(maxsize=4)
def standing_of(graph: Graph) -> Standing:
    """Assess every key result and roll every objective up."""
    assessed: dict[int, Assessment] = {}
    for goal in graph.goals:
        target = graph.targets.get(goal) or Target(
            key_result=graph.nodes[goal].id, objective=graph.nodes[graph.objective_of(goal)].id
        )
        readings: Sequence[Reading] = graph.readings.get(goal, ())
        trusted = {"broken": False, "trusted": True, "warns": True}.get(graph.health.trust[goal])
        assessed[goal] = assess(target, readings, as_of=graph.as_of, policy=graph.policy, trusted=trusted)
    objectives: dict[int, RollUp] = {}
    for objective in _bottom_up(graph):
        parts = graph.parts.get(objective, ())
        items = [assessed[p].item for p in parts if p in assessed]
        if objective in assessed and graph.targets.get(objective):
            items.append(assessed[objective].item)
        below = [objectives[p].item(_weight(graph, p)) for p in parts if p in objectives]
        objectives[objective] = roll_up(items, below)
    return Standing(assessed, objectives, {goal: _eyes(graph, goal) for goal in graph.goals})


def _weight(graph: Graph, objective: int) -> float:
    record = graph.objectives.get(objective)
    return record.weight if record else 1.0


def _bottom_up(graph: Graph) -> list[int]:
    """Objectives, those that support others first. A circle of parents is cut where it closes."""
    found: list[int] = []
    seen: set[int] = set()
    for start in (i for i, n in enumerate(graph.nodes) if n.kind == "objective"):
        todo = [(start, False)]
        while todo:
            i, done = todo.pop()
            if done:
                found.append(i)
            elif i not in seen:
                seen.add(i)
                todo.append((i, True))
                todo += [(p, False) for p in graph.parts.get(i, ()) if graph.nodes[p].kind == "objective"]
    return found


def _eyes(graph: Graph, goal: int) -> Eyes:
    boards = tuple(graph.shown_on.get(goal, ()))
    use = graph.use
    # A dashboard is looked at when it is opened itself: what is downstream of it is another page.
    seen = [day for b in boards if use.own[b] and (day := use.last[b])]
    last = max((day for b in boards if (day := use.last[b])), default=None)
    people, counted = use.audience(boards)
    recently = graph.as_of - timedelta(days=graph.policy.neglected_days)
    if not boards:
        return Eyes("shown nowhere", boards, None, 0)
    if seen and max(seen) > recently:
        return Eyes("looked at", boards, last, people, counted)
    if any(use.status[b] == "unknown" for b in boards):
        return Eyes("unknown", boards, last, people, counted)
    return Eyes("neglected", boards, last, people, counted)


def who_looks(graph: Graph, eyes: Eyes) -> str:
    """`14 people`, `up to 4 people a day`, `nobody in 34 days`, `shown nowhere`: for a column."""
    if eyes.state == "looked at":
        return people_words(eyes.people, eyes.counted) if eyes.people else f"last on {eyes.last}"
    if eyes.state == "neglected":
        return f"nobody in {(graph.as_of - eyes.last).days} days" if eyes.last else "nobody on record"
    return "not known" if eyes.state == "unknown" else "shown nowhere"


def trust_words(graph: Graph, goal: int) -> str:
    """`trusted`, `9 days late: raw.payments`, `2 tests never ran`: for a column."""
    trust = graph.health.trust[goal]
    blame = graph.health.blame.get(goal, ())
    if trust == "trusted":
        return "trusted"
    if trust == "unknown":
        return "not known"
    worst = [b for b in blame if b.state == {"broken": "broken", "untested": "untested", "warns": "warns"}[trust]]
    nodes = list(dict.fromkeys(graph.nodes[b.node].name for b in worst))
    if trust == "untested":
        return f"{len(worst)} {'test' if len(worst) == 1 else 'tests'} never ran"
    first = worst[0]
    if trust == "warns":
        return f"a test warns: {listed(nodes, 1)}"
    what = {"freshness": first.check.message or "stale", "run": first.check.status}.get(first.check.kind, "test fails")
    return f"{what}: {listed(nodes, 1)}"
