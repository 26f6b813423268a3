"""The weekly digest of a channel: pace, trust, what changed since the last one, and three decisions to take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from headway.answer import figure, plural
from headway.graph.graph import Graph
from headway.graph.model import team_of
from headway.project import triage
from headway.project.audience import Place, link, owners_of, places, presses, sink_of
from headway.project.ledger import entries
from headway.project.outbox import Letter, Posted, posted
from headway.project.past import end_of
from headway.project.replies import buttons_of
from headway.project.sources import VALUES
from headway.questions.progress import WEAKEST_FIRST, Assessment, Pace
from headway.questions.status import Standing, standing_of, trust_words
from headway.questions.triage import Case
from headway.questions.triage_state import day_words
from headway.sinks.message import Line, Message, Part

if TYPE_CHECKING:
    from headway.project.workspace import Project

DECISIONS = 3
"""Decisions that one digest asks for."""
WEEK = timedelta(days=7)

_FINE = frozenset({"done", "on pace"})
_QUIET = frozenset({"done", "on pace", "too early", "no pace"})


@dataclass(frozen=True, slots=True)
class _Before:
    """How things stood when the last digest was sent."""

    graph: Graph
    day: date
    at: datetime


def digests(project: Project, to: str = "") -> list[Letter]:
    """The digest of this week for every place, or for the one called `to`, that has a goal or a decision to take.

    Weeks are those of ISO 8601; each place is told once a week. Raises what `places` and loading the graph raise.
    """
    known = posted(project)
    year, week, _ = project.as_of.isocalendar()
    open_ = triage.open_cases(project)
    before: dict[str, _Before | None] = {}
    found = []
    for place in places(project, to):
        key = f"digest:{place.key}:{year}-W{week:02}"
        last = _last(known, f"digest:{place.key}:", key)
        moment = f"{last.at}" if last else ""
        if moment not in before:
            before[moment] = _before(project, last)
        message = _digest(project, place, key, before[moment], [c for c in open_ if place.hears(c.owner)])
        if message is not None:
            found.append(Letter(message, sink_of(project, place.medium), {"as_of": project.as_of.isoformat()}))
    return found


def _last(known: Mapping[str, Posted], prefix: str, now: str) -> Posted | None:
    """The digest before this one that arrived there."""
    sent = [one for key, one in known.items() if key.startswith(prefix) and key != now and one.state == "sent"]
    return max(sent, key=lambda one: one.at, default=None)


def _before(project: Project, last: Posted | None) -> _Before | None:
    """The graph as it was known when the last digest was sent, else a week ago; None where nothing was synced then."""
    day, at = project.as_of - WEEK, end_of(project.as_of - WEEK)
    if last is not None:
        at = last.at.astimezone(UTC)
        try:
            day = min(date.fromisoformat(str(last.told.get("as_of"))), project.as_of)
        except ValueError:
            day = min(at.date(), project.as_of)
    if not project.stored:
        return None
    with project.store() as store:
        loaded = store.load(at=at)
    if not set(loaded.per_connector) - {VALUES}:
        return None
    return _Before(project.graph_of(loaded.records, as_of=day, synced_at=loaded.synced_at), day, at)


def _digest(project: Project, place: Place, key: str, before: _Before | None, open_: Sequence[Case]) -> Message | None:
    graph = project.graph()
    goals = _goals(graph, place)
    if not goals and not open_:
        return None
    standing = standing_of(graph)
    parts = [
        Part("Pace", tuple(_paces(project, graph, standing, goals)), link(project, "objectives")),
        Part("Numbers that cannot be trusted", tuple(_doubts(project, graph, goals))),
        Part(_since(project, before), tuple(_changes(project, graph, before, place)), link(project, "objectives")),
        Part(_asks(open_), tuple(_decisions(project, place, open_)), link(project, "triage_home")),
    ]
    synced = f", last synced on {graph.synced_at:%Y-%m-%d %H:%M} UTC" if graph.synced_at else ""
    return Message(
        key=key,
        to=place.to,
        title=f"Goals this week, {day_words(project.as_of, project.as_of)}",
        lead=_lead(graph, standing, goals),
        parts=tuple(part for part in parts if part.lines),
        note=f"As of {project.as_of}{synced}.",
        url=link(project, "objectives"),
    )


def _goals(graph: Graph, place: Place) -> list[int]:
    """Key results of living objectives that a place is told of."""
    return [g for g in graph.goals_in(graph.active) if place.hears(*owners_of(graph, g))]


# ---------------------------------------------------------------------- pace and trust


def _lead(graph: Graph, standing: Standing, goals: Sequence[int]) -> str:
    if not goals:
        return "No living key result belongs here."
    by_pace: dict[Pace, int] = {}
    for goal in goals:
        if goal in standing.key_results:
            pace = standing.key_results[goal].pace
            by_pace[pace] = by_pace.get(pace, 0) + 1
    words = [f"{by_pace[pace]:,} {pace}" for pace in reversed(WEAKEST_FIRST) if pace in by_pace]
    broken = sum(graph.health.trust[goal] == "broken" for goal in goals)
    trust = f" {plural(broken, 'number')} cannot be trusted today." if broken else ""
    return f"{plural(len(goals), 'key result')}: {', '.join(words)}.{trust}"


def _paces(project: Project, graph: Graph, standing: Standing, goals: Sequence[int]) -> Iterator[Line]:
    """Objectives in the company's order, each followed by those of its key results that are not on pace."""
    under: dict[int, list[int]] = {}
    for goal in goals:
        under.setdefault(graph.objective_of(goal), []).append(goal)
    order = sorted(under, key=lambda i: (graph.objectives[i].order if i in graph.objectives else 0, i))
    for objective in order:
        node, whole = graph.nodes[objective], standing.objectives.get(objective)
        progress = f"{whole.progress:.0%} of the way, " if whole is not None and whole.progress is not None else ""
        pace = whole.status if whole is not None else "not measured"
        yield Line(node.label, f"{progress}{pace}", link(project, "objective", node.id))
        late = [g for g in under[objective] if standing.key_results[g].pace not in _QUIET]
        late.sort(key=lambda g: WEAKEST_FIRST.index(standing.key_results[g].pace))
        for goal in late:
            text = _stands(graph, goal, standing.key_results[goal])
            yield Line(graph.nodes[goal].label, text, link(project, "key_result", graph.nodes[goal].id))


def _stands(graph: Graph, goal: int, said: Assessment) -> str:
    """`behind: 46, 60 expected by now`: a key result in a few words."""
    if said.value is None:
        return said.spoken
    unit = graph.targets[goal].unit if goal in graph.targets else ""
    expected = f", {figure(said.expected_value)} expected by then" if said.expected_value is not None else ""
    return f"{said.spoken}: {figure(said.value)}{f' {unit}' if unit else ''}{expected}"


def _doubts(project: Project, graph: Graph, goals: Sequence[int]) -> Iterator[Line]:
    for goal in goals:
        if graph.health.trust[goal] not in {"broken", "untested"}:
            continue
        blame = graph.health.blame.get(goal, ())
        owner = graph.nodes[blame[0].node].owner if blame else ""
        text = trust_words(graph, goal) + (f" (owned by {team_of(owner)})" if owner else "")
        yield Line(graph.nodes[goal].label, text, link(project, "key_result", graph.nodes[goal].id))


# ---------------------------------------------------------------------- what changed


def _since(project: Project, before: _Before | None) -> str:
    return f"What changed since {day_words(before.day, project.as_of)}" if before else "What changed"


def _changes(project: Project, graph: Graph, before: _Before | None, place: Place) -> Iterator[Line]:
    if before is None:
        yield Line("", "Nothing is known of a week ago: this is the first digest, and nothing had been synced by then.")
        return
    then = {before.graph.nodes[g].id: g for g in _goals(before.graph, place)}
    now = {graph.nodes[g].id: g for g in _goals(graph, place)}
    count = 0
    for id_ in dict.fromkeys((*now, *then)):
        text = _change(graph, now.get(id_), before.graph, then.get(id_))
        if text:
            count += 1
            node = graph.nodes[now[id_]] if id_ in now else before.graph.nodes[then[id_]]
            yield Line(node.label, text, link(project, "key_result", id_) if id_ in now else "")
    decided = [e for e in entries(project, "finding") if e.at > before.at and e.act not in {"undo", "comment"}]
    if decided and place.owners is None:
        count += 1
        yield Line("", f"{plural(len(decided), 'decision')} about findings.")
    if not count:
        yield Line("", "Nothing.")


def _change(graph: Graph, now: int | None, earlier: Graph, then: int | None) -> str:
    """What is different about one key result; '' for nothing."""
    if now is None:
        return "gone, or its objective has ended"
    if then is None:
        return "new"
    a, b = standing_of(earlier).key_results[then], standing_of(graph).key_results[now]
    parts = []
    if a.pace != b.pace:
        parts.append(f"{a.pace} → {b.pace}")
    if a.value != b.value:
        parts.append(f"{_value(a)} → {_value(b)}")
    was, is_ = earlier.health.trust[then], graph.health.trust[now]
    if was != is_ and "broken" in {was, is_}:
        parts.append("its number cannot be trusted any more" if is_ == "broken" else "its number can be trusted again")
    before, after = earlier.targets.get(then), graph.targets.get(now)
    if before and after and before.target != after.target:
        parts.append(f"target {_number(before.target)} → {_number(after.target)}")
    return "; ".join(parts)


def _value(said: Assessment) -> str:
    return _number(said.value)


def _number(value: float | None) -> str:
    return "nothing" if value is None else figure(value)


# ---------------------------------------------------------------------- decisions


def _asks(open_: Sequence[Case]) -> str:
    shown = min(len(open_), DECISIONS)
    more = f" (of {len(open_):,} that are open)" if len(open_) > shown else ""
    return f"{'One decision' if shown == 1 else f'{shown} decisions'} to take{more}"


def _decisions(project: Project, place: Place, open_: Sequence[Case]) -> Iterator[Line]:
    for case in open_[:DECISIONS]:
        item = case.item
        owner = f" Owner: {team_of(case.owner)}." if case.owner else ""
        advice = f" Suggested: {item.suggested}." if item.suggested else ""
        text = f"{item.what}; {item.why}.{advice}{owner}"
        buttons = buttons_of(project, case) if presses(project, place) else ()
        yield Line(item.name, text, _page(project, case), buttons, "Why?" if buttons else "")


def _page(project: Project, case: Case) -> str:
    node = project.graph().nodes[case.item.node]
    return link(project, "key_result" if case.item.what == "key result" else "asset", node.id)
