"""Should we build what was asked? What exists already, a recommendation with its reasons, and a rank. A person decides.

The rank is a sum of at most 100 points, each of which is shown with the numbers it is made of:

    40 x weight of the objective / largest weight of an objective that has not ended
    30 x (1 - progress of the key result); half of it where the progress is not known
    20 x 1 for what is small to build, 0.5 for medium, 0 for large
    10 x days since it was asked for, at most 90, / 90

An objective that has ended weighs nothing. The formula is Headway's own: what is wanted most and is furthest from its
target first, then what is cheap, then what has waited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Literal

from headway.answer import figure, listed
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.health import Trust
from headway.graph.link import Match
from headway.graph.model import KINDS
from headway.graph.requests import SAME, WAITING, Request, Size, Sort, similar
from headway.graph.search import index_of, subject
from headway.questions.evidence import asset_name, no_goals, people_words, the_goal
from headway.questions.status import standing_of

Verdict = Literal["accept", "point", "extend", "decline"]

POINTS: Mapping[str, float] = {"objective": 40.0, "gap": 30.0, "cost": 20.0, "age": 10.0}
"""What each part counts for at most."""
OLDEST = 90
"""Days after which waiting counts for no more."""
ANSWERS = 0.8
"""Share of what is asked that an asset of the right sort covers, from which it is pointed to."""
EXTENDS = 0.45
"""... from which it is better extended than another built;"""
EXTENDS_SHOWN = 0.25
"""... and for an asset that shows the key result already."""
MENTIONED = 0.3
"""... and from which an asset is named at all, if it covers half of what the best one does."""
MOST_FOUND = 10
_LOOKED_AT = 60
"""Hits of the search among which the best are chosen, by sort, fit and use."""

_SHARES: Mapping[Size, float] = {"small": 1.0, "medium": 0.5, "large": 0.0}
_SIZE_OF: Mapping[Sort, Size] = {"chart": "small", "metric": "small", "data": "large"}
"""What a sort of asset takes to build where nobody has said; medium for the others."""
_BANDS: Mapping[Sort, tuple[str, ...]] = {
    "dashboard": ("dashboard",),
    "chart": ("dashboard",),
    "metric": ("metric", "semantic"),
    "table": ("model",),
    "data": ("source", "model"),
}
"""Bands of the assets that are what a sort of request asks for."""
_SEEN = ("dashboard", "metric")
"""... where it does not say: what people look at. A table answers nobody who did not ask for one."""


@dataclass(frozen=True, slots=True)
class Points:
    """The rank of a request, 0..100, in its four parts with what they are made of."""

    parts: Mapping[str, float]
    """By the keys of POINTS."""
    why: tuple[str, ...]
    """A phrase for each part, in that order."""

    @property
    def total(self) -> float:
        """The sum of the parts as they are shown."""
        return round(sum(self.parts.values()), 1)


@dataclass(frozen=True, slots=True)
class Found:
    """An asset that may answer a request already."""

    node: int
    fit: float
    """0..1: how much of what is asked it covers (see `graph.search.Hit.coverage`)."""
    shows: bool
    """It shows the key result, or is what that is computed from."""
    right: bool
    """It is of the sort that was asked for."""
    missing: tuple[str, ...]
    """Words of the request that it does not say."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What should become of a request, and why."""

    verdict: Verdict
    asset: int | None
    """What to point to or to extend."""
    reasons: tuple[str, ...]
    """Whole sentences, the deciding ones first."""
    goal: int | None
    """The key result it is for."""
    points: Points | None
    """None without a key result."""
    found: tuple[Found, ...]
    """Assets that may answer it, the best first."""
    like: tuple[Request, ...]
    """Requests for the like, the likest first."""


def advise(graph: Graph, request: Request, known: Sequence[Request] = ()) -> Advice:
    """What to do about a request, given what others asked for. Nothing is decided: that is a person's."""
    goal = goal_of(graph, request).node
    found = tuple(_existing(graph, request, goal))
    like = tuple(other for _, other in similar(request.text, known, besides=request.id))
    points = _points(graph, request, goal) if goal is not None else None
    best = next((f for f in found if f.right), None)
    answer = best if best and best.fit >= ANSWERS else None
    if answer:
        return Advice("point", answer.node, tuple(_pointing(graph, answer)), goal, points, found, like)
    against = tuple(_against(graph, request, goal, known))
    if against:
        return Advice("decline", None, against, goal, points, found, like)
    if best and best.fit >= (EXTENDS_SHOWN if best.shows else EXTENDS):
        reasons = (*_extending(graph, best), *_for(graph, request, goal))
        return Advice("extend", best.node, reasons, goal, points, found, like)
    reasons = (*_for(graph, request, goal), _nothing_there(graph, found))
    return Advice("accept", None, reasons, goal, points, found, like)


def goal_of(graph: Graph, request: Request) -> Match:
    """The key result that a request is for, with how many its words fit."""
    return graph.directory.find(request.key_result, "key_result") if request.key_result else Match(())


def the_key_result(graph: Graph, name: str) -> int | None:
    """The key result that a person names for a request; None where nobody has written down any goal.

    Raises UnknownName when there is none, UsageError when there are several or when it is an objective's name.
    """
    if no_goals(graph):
        return None
    objective = graph.directory.find(name, "objective").node
    if objective is not None and not graph.directory.find(name, "key_result").nodes:
        parts = [graph.nodes[p].name for p in graph.parts.get(objective, ()) if p in graph.targets]
        hint = f"name one of its key results: {', '.join(parts)}" if parts else "it has no key result"
        raise UsageError(f"{name!r} is an objective", hint=hint)
    return the_goal(graph, name, "key_result")


def same_as(graph: Graph, request: Request, known: Sequence[Request]) -> list[Request]:
    """Requests filed before this one that ask for the same for the same key result: waiting, built or declined."""
    earlier = list(takewhile(lambda r: not request.id or r.id != request.id, known))
    goal = goal_of(graph, request).node
    states = {*WAITING, "built", "declined"}
    return [
        other
        for share, other in similar(request.text, earlier)
        if share >= SAME and other.state in states and goal_of(graph, other).node == goal
    ]


def ranked(graph: Graph, requests: Sequence[Request]) -> list[Request]:
    """Requests by their points, most first, then by age; those without a key result last, the oldest first."""

    def place(request: Request) -> tuple[bool, float, str, str]:
        goal = goal_of(graph, request).node
        points = _points(graph, request, goal).total if goal is not None else 0.0
        return goal is None, -points, request.asked.isoformat(), request.id

    return sorted(requests, key=place)


# ---------------------------------------------------------------------- rank


def _points(graph: Graph, request: Request, goal: int) -> Points:
    objective = graph.objective_of(goal)
    weight, largest = _weight(graph, objective), _largest(graph)
    state = graph.state(objective)
    share = 0.0 if state == "ended" or not largest else min(weight / largest, 1.0)
    weighs = f"weight {figure(weight)} of at most {figure(largest)}" if state != "ended" else "the objective has ended"
    assessed = standing_of(graph).key_results.get(goal)
    progress = assessed.progress if assessed else None
    gap = 0.5 if progress is None else 1 - progress
    lacks = "how far it is from its target is not known, which counts half"
    size = request.cost or _SIZE_OF.get(request.kind, "medium")
    said = f"{size}, as was said" if request.cost else f"{size}, {_as_taken(request)}"
    days = max((graph.as_of - request.asked).days, 0)
    parts = {
        "objective": POINTS["objective"] * share,
        "gap": POINTS["gap"] * gap,
        "cost": POINTS["cost"] * _SHARES[size],
        "age": POINTS["age"] * min(days, OLDEST) / OLDEST,
    }
    parts = {name: round(points, 1) for name, points in parts.items()}
    why = (weighs, lacks if progress is None else f"{progress:.0%} of the way to its target", said, _days(days))
    phrases = (f"{n} {parts[n]:g} of {POINTS[n]:g}: {w}" for n, w in zip(POINTS, why, strict=True))
    return Points(parts, tuple(phrases))


def _weight(graph: Graph, objective: int) -> float:
    record = graph.objectives.get(objective)
    return record.weight if record else 1.0


@lru_cache(maxsize=4)
def _largest(graph: Graph) -> float:
    """The largest weight of an objective that has not ended."""
    living = {graph.objective_of(g) for g in graph.goals} | set(graph.objectives)
    return max((_weight(graph, o) for o in living if graph.state(o) != "ended"), default=0.0)


def _as_taken(request: Request) -> str:
    """Why a request is of its size, where nobody has said it."""
    nouns = {
        "dashboard": "a dashboard",
        "chart": "a chart",
        "metric": "a metric",
        "table": "a table",
        "data": "new data",
    }
    noun = nouns.get(request.kind)
    return f"as {noun} is taken to be" if noun else "which is taken where no kind is named"


def _days(days: int) -> str:
    return "asked today" if not days else f"asked {days:,} {'day' if days == 1 else 'days'} ago"


# ---------------------------------------------------------------------- what exists


def _existing(graph: Graph, request: Request, goal: int | None) -> Iterator[Found]:
    """Assets that cover some of the text, and those that show the key result, the best first."""
    bands = _BANDS.get(request.kind, _SEEN)
    kinds = [k.name for k in KINDS.values() if not k.goal and (k.band != "source" or "source" in bands)]
    hits = {h.node: h for h in index_of(graph).find(request.text, kinds=kinds, limit=_LOOKED_AT)}
    shown = () if goal is None else (*graph.shown_on.get(goal, ()), *graph.fed_by.get(goal, ()))
    places = {node: k for k, node in enumerate([*hits, *(n for n in shown if n not in hits)])}
    least = max(MENTIONED, max((h.coverage for h in hits.values()), default=0.0) / 2)
    found = []
    for node in places:
        hit = hits.get(node)
        shows = node in shown
        if not shows and (hit is None or hit.coverage < least):
            continue
        missing = hit.missing if hit else subject(request.text)
        right = KINDS[graph.nodes[node].kind].band in bands
        found.append(Found(node, hit.coverage if hit else 0.0, shows, right, missing))
    used = graph.use.status

    def place(f: Found) -> tuple[bool, float, bool, bool, int]:
        return not f.right, -round(f.fit, 1), not f.shows, used[f.node] != "used", places[f.node]

    found.sort(key=place)
    best = found[:MOST_FOUND]
    # What shows the key result is never crowded out by what only uses the same words.
    yield from (*best, *(f for f in found[MOST_FOUND:] if f.shows and f.right))


def _pointing(graph: Graph, found: Found) -> Iterator[str]:
    name = said(graph, found.node)
    yield f"{name} covers {found.fit:.0%} of what is asked{_and_lacks(found)}."
    yield from _state(graph, found)


def _extending(graph: Graph, found: Found) -> Iterator[str]:
    name = said(graph, found.node)
    already = " and shows the key result" if found.shows else ""
    yield f"{name} covers {found.fit:.0%} of what is asked{already}{_and_lacks(found)}."
    yield from _state(graph, found)


def _and_lacks(found: Found) -> str:
    return f"; it says nothing of {listed(found.missing)}" if found.missing else ""


def _state(graph: Graph, found: Found) -> Iterator[str]:
    """How an asset that is pointed to is used, and whether it can be trusted."""
    node = graph.nodes[found.node]
    status = graph.use.status[found.node]
    if status == "unused":
        days = graph.policy.usage_window_days
        yield f"Nobody has used it in {days} days: ask why, before another is built that nobody uses."
    elif status == "used":
        by = f"by {use_words(graph, found.node)}" if graph.use.own[found.node] else "through what is downstream of it"
        yield f"It is used {by}."
    else:
        yield "Whether anybody uses it is not known."
    trust, words = trust_of(graph, found.node)
    if trust in {"broken", "untested", "warns"}:
        yield f"It cannot be trusted today ({words}): mend that first."
    if node.deprecated:
        yield f"It is deprecated from {node.deprecated}."


def _nothing_there(graph: Graph, found: Sequence[Found]) -> str:
    best = max(found, key=lambda f: f.fit, default=None)
    if best is None or not best.fit:
        return "Nothing that exists says anything of what is asked."
    kind = graph.nodes[best.node].kind.replace("_", " ")
    return f"Nothing of the kind answers it; nearest is the {kind} {said(graph, best.node)}, with {best.fit:.0%} of it."


# ---------------------------------------------------------------------- for and against


def _against(graph: Graph, request: Request, goal: int | None, known: Sequence[Request]) -> Iterator[str]:
    """Reasons to say no."""
    for other in same_as(graph, request, known):
        if other.state == "declined" and other.decided:
            act = other.decided
            yield f"The same was declined on {act.on} by {act.by} ({other.id}): {_ended(act.reason)}"
        else:
            asset = f" as {_called(graph, other.asset)}" if other.state == "built" and other.asset else ""
            yield f"{other.id} asks for the same ({other.state}{asset}): {_ended(other.text)}"
    if goal is None:
        yield from _no_goal(graph, request)
        return
    objective = graph.objective_of(goal)
    label = graph.nodes[objective].label
    record = graph.objectives.get(objective)
    if graph.state(objective) == "ended":
        on = f" on {record.end}" if record and record.end else ""
        yield f"Its objective, {label}, ended{on}."
    if record and record.standing:
        limit = record.limit if record.limit is not None else graph.policy.standing_limit
        count = sum(part in graph.targets for part in graph.parts.get(objective, ()))
        if count >= limit:
            yield f"{label} is standing and has {count} of at most {limit} key results: something has to go first."


def _no_goal(graph: Graph, request: Request) -> Iterator[str]:
    """Why a request is for no key result; nothing where nobody has written one down."""
    if no_goals(graph):
        return
    match = goal_of(graph, request)
    if not request.key_result:
        yield "It names no key result, so nothing says what it would be for."
    elif match.nodes:
        names = listed([graph.nodes[i].id.removeprefix("goal:key_result.") for i in match.nodes])
        yield f"{request.key_result!r} fits several key results: {names}."
    elif graph.directory.find(request.key_result, "objective").nodes:
        yield f"{request.key_result!r} is an objective: name one of its key results."
    else:
        near = graph.directory.near(request.key_result, "key_result")
        hint = f"; did you mean {listed(near)}?" if near else "."
        yield f"There is no key result called {request.key_result!r}{hint}"


def _for(graph: Graph, request: Request, goal: int | None) -> Iterator[str]:
    """Reasons to say yes, and what to ask first."""
    if goal is None:
        yield "No goals are written down yet, so nothing says what matters more."
    else:
        objective = graph.objective_of(goal)
        assessed = standing_of(graph).key_results.get(goal)
        done = assessed.progress if assessed else None
        way = "whose progress is not known" if done is None else f"which is {done:.0%} of the way to its target"
        state = graph.state(objective)
        mark = f", {state}" if state in {"draft", "planned"} else ""
        yield f"It is for {graph.nodes[goal].label} ({graph.nodes[objective].label}{mark}), {way}."
    if not request.decision:
        yield "Nobody has said which decision it is for: ask that first."


def _called(graph: Graph, asset: str) -> str:
    node = graph.index.get(asset)
    return asset if node is None else said(graph, node)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


# ---------------------------------------------------------------------- an asset in words


def said(graph: Graph, i: int) -> str:
    """What people call an asset: dashboards and metrics by their title, tables by their name."""
    node = graph.nodes[i]
    return node.label if KINDS[node.kind].band in {"dashboard", "metric"} else asset_name(graph, i)


def use_words(graph: Graph, i: int) -> str:
    """`14 people`, `through what is downstream`, `nobody in 90 days`, `not known`: for a column."""
    use = graph.use
    if use.status[i] == "unknown":
        return "not known"
    if use.status[i] == "unused":
        return f"nobody in {graph.policy.usage_window_days} days"
    if not use.own[i]:
        return "through what is downstream"
    people, counted = use.audience([i])
    return people_words(people, counted) if people else f"{figure(use.reads[i])} reads"


def trust_of(graph: Graph, i: int) -> tuple[Trust, str]:
    """Whether an asset can be trusted today, from its own checks and those of everything upstream; and in words."""
    above = graph.walk([i], "upstream")
    blame = sorted(
        (b for node in above for b in graph.health.own.get(node, ())),
        key=lambda b: (("broken", "untested", "warns").index(b.state), -above[b.node], b.check.id),
    )
    if blame and blame[0].state == "broken":
        what = {"freshness": blame[0].check.message or "stale", "run": "the run failed"}
        words = what.get(blame[0].check.kind, "a test fails")
        return "broken", f"{words}: {asset_name(graph, blame[0].node)}"
    if above.keys().isdisjoint(_ran(graph)):
        return "unknown", "not known"
    if not blame:
        return "trusted", "trusted"
    count = sum(b.state == blame[0].state for b in blame)
    if blame[0].state == "untested":
        return "untested", f"{count} {'test' if count == 1 else 'tests'} never ran"
    return "warns", f"a test warns: {asset_name(graph, blame[0].node)}"


@lru_cache(maxsize=4)
def _ran(graph: Graph) -> frozenset[int]:
    """Nodes of which some check has a result."""
    return frozenset(graph.index[c.node] for c in graph.checks if c.status != "not run" and c.node in graph.index)
