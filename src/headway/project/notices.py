"""What people should hear of when it happens, each thing once: an objective at risk and its recovery, and retirements.

An objective is at risk from the first failure upstream that breaks the trust in one of its numbers until all of them
can be trusted again. Another failure in between is the same risk; one after the recovery is a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from headway.answer import listed, plural
from headway.graph.graph import Graph
from headway.graph.health import Blame
from headway.graph.use import READS
from headway.project import triage
from headway.project.audience import Place, link, owners_of, places, places_of, presses, sink_of
from headway.project.outbox import Letter, Posted, posted
from headway.project.replies import buttons_of
from headway.project.retirements import Record, latest, records_of
from headway.project.thread_replies import OFFERED
from headway.questions.status import trust_words
from headway.questions.triage import Case
from headway.questions.triage_state import day_words
from headway.sinks.message import Line, Message, Part

if TYPE_CHECKING:
    from headway.project.workspace import Project

MOST_KEPT = 200
"""Key results of one objective that are kept as broken."""

MOST_PEOPLE = 3
"""People who are asked about one asset: those who used it last."""


def notices(project: Project, to: str = "") -> list[Letter]:
    """What nobody was told yet, for every place, or for the one called `to`.

    Raises what `audience.places` and loading the graph raise, and InputError for retirements that cannot be read.
    """
    wanted = {place.key for place in places(project, to)}
    known = posted(project)
    found = (*_risks(project, known), *_recoveries(project, known), *_retirements(project))
    letters = []
    for place, message, told in found:
        before = known.get(message.key)
        person = message.key.startswith("retire:person:")
        if (place.key in wanted or (person and not to)) and (before is None or before.state != "sent"):
            where = {} if person else {"medium": place.medium, "to": place.to}
            letters.append(Letter(message, sink_of(project, place.medium), {**told, **where}))
    return letters


_Found = tuple[Place, Message, Mapping[str, Any]]


# ---------------------------------------------------------------------- objectives at risk


def _risks(project: Project, known: Mapping[str, Posted]) -> Iterator[_Found]:
    graph = project.graph()
    broken: dict[int, list[int]] = {}
    for goal in graph.goals_in(graph.active):
        if graph.health.trust[goal] == "broken":
            broken.setdefault(graph.objective_of(goal), []).append(goal)
    for objective, goals in broken.items():
        node = graph.nodes[objective]
        owners = tuple(dict.fromkeys(o for o in (node.owner, *owners_of(graph, goals[0])) if o))
        for place in places_of(project, *owners):
            risk = f"risk:{place.key}:{node.id}"
            key = f"{risk}#{_number(known, risk)}"
            told = {"objective": node.id, "risk": risk, "numbers": [graph.nodes[g].id for g in goals[:MOST_KEPT]]}
            yield place, _risk(project, graph, objective, goals, place, key), told


def _number(known: Mapping[str, Posted], risk: str) -> int:
    """The number of the risk that is open, or would be: another one once the last was told to be over."""
    number = 1
    while f"{risk}#{number}:over" in known and known[f"{risk}#{number}:over"].state != "open":
        number += 1
    return number


def _risk(project: Project, graph: Graph, objective: int, goals: Sequence[int], place: Place, key: str) -> Message:
    node = graph.nodes[objective]
    numbers = tuple(
        Line(graph.nodes[g].label, trust_words(graph, g), link(project, "key_result", graph.nodes[g].id)) for g in goals
    )
    page = link(project, "objective", node.id)
    return Message(
        key=key,
        to=place.to,
        title=f"At risk: {node.label}",
        lead=f"{plural(len(goals), 'number')} of this objective cannot be trusted, because something upstream failed.",
        parts=(
            Part("Where it comes from", tuple(_guilty(project, graph, goals))),
            Part("What cannot be trusted", numbers, page),
        ),
        note=f"As of {project.as_of}. It is told once; when it recovers, that is told too.",
        url=page,
    )


def _guilty(project: Project, graph: Graph, goals: Sequence[int]) -> Iterator[Line]:
    """The nodes that broke the trust, each once, the most upstream first, with their owners."""
    blamed: dict[int, Blame] = {}
    for goal in goals:
        for blame in graph.health.blame.get(goal, ()):
            if blame.state == "broken":
                blamed.setdefault(blame.node, blame)
    for i, blame in blamed.items():
        node, check = graph.nodes[i], blame.check
        what = {"freshness": "is not fresh", "run": f"its run: {check.status}"}.get(check.kind, f"{check.name} fails")
        since = f" since {day_words(blame.since.date(), project.as_of)}" if blame.since else ""
        owner = f"owned by {node.owner}" if node.owner else "nobody owns it"
        yield Line(node.name, f"{what}{since}; {owner}", link(project, "asset", node.id))


def _recoveries(project: Project, known: Mapping[str, Posted]) -> Iterator[_Found]:
    """Risks that were told and are over, as answers to what was told."""
    graph = project.graph()
    everywhere = {place.key: place for place in places(project)}
    for key, said in known.items():
        risk, objective = said.told.get("risk"), said.told.get("objective")
        if not key.startswith("risk:") or key.endswith(":over") or not (risk and objective) or said.state == "open":
            continue
        place = everywhere.get(f"{said.told.get('medium')}:{said.told.get('to')}")
        over = known.get(f"{key}:over")
        if place is None or (over is not None and over.state == "sent"):
            continue
        lead = _over(graph, str(objective), said.told.get("numbers") or ())
        if not lead:
            continue
        i = graph.index.get(str(objective))
        label = graph.nodes[i].label if i is not None else str(objective)
        message = Message(
            key=f"{key}:over",
            to=place.to,
            title=f"Recovered: {label}" if i is not None else f"Gone: {label}",
            lead=lead,
            note=f"As of {project.as_of}.",
            url=link(project, "objective", str(objective)) if i is not None else "",
            thread=said.receipt,
        )
        yield place, message, {}


def _over(graph: Graph, objective: str, numbers: Sequence[str]) -> str:
    """Why a risk is over; '' while it is not, and while that is not known of what had been broken."""
    i = graph.index.get(objective)
    if i is None:
        return "The objective is not there any more."
    goals = [g for g in graph.goals_in(graph.active) if graph.objective_of(g) == i]
    if not goals:
        return "The objective has no living key result any more."
    trust = graph.health.trust
    if any(trust[g] == "broken" or (trust[g] == "unknown" and graph.nodes[g].id in numbers) for g in goals):
        return ""
    return "Everything that its numbers are computed from ran, passed its tests and is fresh again."


# ---------------------------------------------------------------------- retirements


def _retirements(project: Project) -> Iterator[_Found]:
    """What is announced to go and still in service: to who used it last, or to its owner."""
    graph = project.graph()
    announced = {
        graph.index[record.node]: record
        for record in latest(records_of(project)).values()
        if record.stage in {"announced", "deprecated"} and record.node in graph.index
    }
    cases = {case.item.node: case for case in triage.all_cases(project)} if announced else {}
    people = _last_users(project, graph, announced)
    for i, record in announced.items():
        case = cases.get(i)
        if case is not None and case.state.word == "kept":
            continue
        for who in people.get(i, ()):
            place = Place("slack", project.config.slack.people[who] if project.config.slack else "", None)
            yield place, _retirement(project, graph, record, place, case, f"person:{who}"), {"node": record.node}
        for place in places_of(project, graph.nodes[i].owner) if i not in people else ():
            yield place, _retirement(project, graph, record, place, case, place.key), {"node": record.node}


def _last_users(project: Project, graph: Graph, nodes: Iterable[int]) -> dict[int, list[str]]:
    """Keyed hashes of who used some nodes last, the last first, as far as headway.yml says who they are in Slack.

    Whoever has several logins is one person, under one of their hashes.
    """
    known = project.config.slack.people if project.config.slack else {}
    if not known:
        return {}
    one = {slack: login for login, slack in sorted(known.items(), reverse=True)}
    wanted = set(nodes)
    last: dict[int, dict[str, date]] = {}
    for i, seen in graph.use.linked:
        if i in wanted and seen.person in known and seen.measure in READS and seen.amount > 0:
            days, who = last.setdefault(i, {}), one[known[seen.person]]
            days[who] = max(seen.day, days.get(who, seen.day))
    return {i: sorted(days, key=lambda who: (-days[who].toordinal(), who))[:MOST_PEOPLE] for i, days in last.items()}


def _retirement(project: Project, graph: Graph, record: Record, place: Place, case: Case | None, who: str) -> Message:
    i = graph.index[record.node]
    node, page = graph.nodes[i], link(project, "asset", graph.nodes[i].id)
    last = graph.use.last[i]
    used = f"last used on {day_words(last, project.as_of)}" if last else "no use of it is on record"
    when = "today" if record.on == project.as_of else day_words(record.on, project.as_of)
    downstream = [graph.nodes[j].label for j in graph.downstream[i]]
    feeds = f"; feeds {listed(downstream)}" if downstream else ""
    about = f"{node.kind.replace('_', ' ')}, {used}{feeds}. {record.because}".strip()
    can = case is not None and presses(project, place)
    buttons = buttons_of(project, case, keep="We need it", snooze=False) if case is not None and can else ()
    line = Line(node.label, about, page, buttons, "For which goal, or for what?" if buttons else "")
    return Message(
        key=f"retire:{who}:{node.id}:{record.on}",
        to=place.to,
        title=f"We plan to retire {node.label}",
        lead=f"It is {record.stage} for {when}. Do you need it, and for which goal?",
        parts=(Part("What goes", (line,)),),
        note=f"Owner: {node.owner or 'nobody'}. Whoever needs it decides about it in Triage, with a reason"
        + (f", or can {OFFERED}" if buttons else "."),
        url=page,
    )
