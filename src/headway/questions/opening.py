"""How the goals are opened with: one sentence that answers the first page, and what of a progress is sure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from headway.answer import plural
from headway.graph.graph import Graph
from headway.questions.evidence import no_goals
from headway.questions.goals import FINE
from headway.questions.progress import Pace, assess, roll_up
from headway.questions.status import standing_of

BAD: tuple[Pace, ...] = ("overdue", "off track", "behind")
"""What is named in the sentence, worst first."""

_MOST_WEEKS = 60
"""Weeks of a trajectory."""

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True, slots=True)
class Said:
    """A part of a sentence. `bad` is what asks for an eye first."""

    text: str
    tone: Literal["", "bad"] = ""


def opening(graph: Graph, objectives: Sequence[int]) -> tuple[Said, ...]:
    """The answer in five seconds: how many are on pace, what is worst, and how many numbers cannot be trusted.

    `objectives`: those that are shown, standing ones left out. What is named is the worst status that any has.
    """
    if said := no_goals(graph):
        return (Said(said),)
    if not objectives:
        return (Said("No objective is active here."),)
    return (Said(_on_pace(graph, objectives)), *_worst(graph, objectives))


def doubted(graph: Graph, objectives: Sequence[int]) -> list[int]:
    """Key results of some objectives whose value cannot be trusted today."""
    return [g for g in key_results(graph, objectives) if standing_of(graph).key_results[g].pace == "unsure"]


def key_results(graph: Graph, objectives: Sequence[int]) -> list[int]:
    """Key results directly under some objectives, in order; drafts included."""
    known = standing_of(graph).key_results
    return [g for o in objectives for g in graph.parts.get(o, ()) if g in graph.targets and g in known]


def trusted_part(graph: Graph, objective: int) -> float | None:
    """What of an objective's progress comes from values that can be trusted today; None without any progress.

    Progress is sum(w p) / sum(w) over what has a value; this is the same sum over the trusted ones, above the same
    weight. An objective that only rolls up others has the trusted parts of those, weighted alike.
    """
    standing = standing_of(graph)
    whole = standing.objectives[objective].progress
    if whole is None:
        return None
    own = [standing.key_results[g] for g in key_results(graph, [objective])]
    weighed = [(a.weight, a.progress, a.pace != "unsure") for a in own if a.progress is not None and not a.draft]
    if not weighed:
        below = [p for p in graph.parts.get(objective, ()) if p in standing.objectives]
        doubt = bool(doubted(graph, below))
        return whole if not doubt else _mean_trusted(graph, below, whole)
    total = math.fsum(w * p for w, p, _ in weighed)
    sure = math.fsum(w * p for w, p, ok in weighed if ok)
    return whole * sure / total if total > 0 else whole


def trajectory(graph: Graph, objective: int) -> list[tuple[date, float, float | None]]:
    """Progress of an objective week by week since it began, from what had been read by then; and what was expected.

    Targets are those of today: what is drawn is how far the way that is meant now had been gone.
    """
    record = graph.objectives.get(objective)
    start = record.start if record else None
    if start is None or start >= graph.as_of or record is None:
        return []
    end = min(graph.as_of, record.end or graph.as_of)
    days = [start + timedelta(days=k) for k in range(0, (end - start).days, 7)] + [end]
    found = []
    goals = [g for g in key_results(graph, [objective]) if not graph.targets[g].draft]
    for day in days[-_MOST_WEEKS:]:
        assessed = [assess(graph.targets[g], graph.readings.get(g, ()), as_of=day, policy=graph.policy) for g in goals]
        rolled = roll_up(a.item for a in assessed)
        known = [(a.weight, a.expected) for a in assessed if a.expected is not None and a.progress is not None]
        total = math.fsum(w for w, _ in known)
        expected = math.fsum(w * e for w, e in known) / total if total > 0 else None
        if rolled.progress is not None:
            found.append((day, rolled.progress, expected))
    return found


def _mean_trusted(graph: Graph, below: Sequence[int], whole: float) -> float:
    parts = [(standing_of(graph).objectives[o].progress, trusted_part(graph, o)) for o in below]
    known = [(p, t) for p, t in parts if p is not None and t is not None]
    total = math.fsum(p for p, _ in known)
    return whole * math.fsum(t for _, t in known) / total if total > 0 else whole


def _on_pace(graph: Graph, objectives: Sequence[int]) -> str:
    count = len(objectives)
    fine = sum(standing_of(graph).objectives[o].status in FINE for o in objectives)
    if count == 1:
        status = standing_of(graph).objectives[objectives[0]].status
        return f"{graph.nodes[objectives[0]].label} is {status}."
    if not fine and len({standing_of(graph).objectives[o].status for o in objectives}) == 1:
        return f"{_all(count)} objectives are {standing_of(graph).objectives[objectives[0]].status}."
    if fine == count:
        return f"{_all(count)} objectives are on pace."
    verb = "is" if fine in {0, 1} else "are"
    return f"{_number(fine).capitalize()} of {_number(count)} objectives {verb} on pace."


def _worst(graph: Graph, objectives: Sequence[int]) -> Iterator[Said]:
    status = standing_of(graph).objectives
    worst = next((bad for bad in BAD if any(status[o].status == bad for o in objectives)), None)
    those = [o for o in objectives if worst and status[o].status == worst]
    doubtful = doubted(graph, objectives)
    named = 0 < len(those) < len(objectives)
    if named:
        titles = [graph.nodes[o].label for o in those]
        said = titles[0] if len(titles) == 1 else " and ".join(titles) if len(titles) == 2 else f"{len(titles):,}"
        yield Said(f" {said} {'is' if len(titles) == 1 else 'are'} {worst}")
    if not doubtful:
        if named:
            yield Said(".")
        return
    inside = named and len(those) == 1 and set(doubtful) <= set(key_results(graph, those))
    count = _number(len(doubtful))
    what = f"{count} of its numbers" if inside else f"{count} {'number' if len(doubtful) == 1 else 'numbers'}"
    yield Said(", and " if named else " ")
    yield Said(f"{what if named else what.capitalize()} cannot be trusted today", "bad")
    yield Said(".")


def _all(count: int) -> str:
    return "Both" if count == 2 else f"All {_number(count)}"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def counted(graph: Graph, objectives: Sequence[int]) -> str:
    """`1 behind, 2 off track, 1 without a reading`: key results that are not on pace, by verdict."""
    words = {"unsure": "unsure", "not measured": "without a reading", "too early": "too early to say"}
    paces = [standing_of(graph).key_results[g].pace for g in key_results(graph, objectives)]
    order: tuple[Pace, ...] = ("behind", "off track", "overdue", "unsure", "not measured", "too early")
    return " · ".join(f"{paces.count(p):,} {words.get(p, p)}" for p in order if p in paces) or plural(
        len(paces), "key result"
    )
