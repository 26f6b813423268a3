"""What the panel of the Map says of an objective: verdict, cost, weakest links, what it shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from headway.answer import plural
from headway.graph import health
from headway.graph.graph import Graph
from headway.project import Project
from headway.project.pages import figures, map_payload
from headway.project.pages.goal_words import Chip, chip_of
from headway.project.pages.map_payload import Base
from headway.project.pages.page import Tone
from headway.project.pages.table import address
from headway.questions.evidence import asset_name, month
from headway.questions.progress import WEAKEST_FIRST
from headway.questions.status import standing_of

_LISTED = 3
"""Rows of each list."""


class Line(msgspec.Struct, frozen=True):
    """A row of a list in a panel."""

    name: str
    text: str
    address: str = ""
    tone: Tone = ""


class ObjectivePanel(msgspec.Struct, frozen=True):
    """What the panel says of an objective."""

    id: str
    title: str
    verdict: Chip
    team: str
    notes: tuple[str, ...]
    progress: str
    expected: str
    cost: str
    cost_note: str
    assets: int
    bound: int
    weak: tuple[Line, ...]
    largest: tuple[Line, ...]
    largest_note: str
    """What its amounts are for: `a month`."""
    shared: tuple[Line, ...]
    lineage: str
    list: str


def panel(project: Project, base: Base, o: int) -> ObjectivePanel:
    """The panel of an objective of the head."""
    graph = project.graph()
    payload = base.payload
    place = base.objectives.index(o)
    head = payload.objectives[place]
    rolled = standing_of(graph).objectives[o]
    under = set(head.under)
    inside = [bool(under.intersection(members)) for members in payload.goal_sets]
    own = [base.nodes[k] for k, members in enumerate(payload.goals) if inside[members]]
    cost, cost_note = _cost(graph, o, project.ask("cost").totals)
    return ObjectivePanel(
        id=head.id,
        title=head.t,
        verdict=Chip("Standing", "mute", "dash") if head.standing else chip_of(rolled.status),
        team=figures.team(graph.nodes[o].owner),
        notes=tuple(_notes(graph, o)) if not head.standing else (head.note,),
        progress="—" if head.p is None else f"{head.p:.0%}",
        expected="no pace is set" if head.expected is None else f"done, {head.expected:.0%} expected",
        cost=cost,
        cost_note=cost_note,
        assets=len(own),
        bound=sum(len(port.links) for port in payload.key_results if port.o == place),
        weak=tuple(_weak(graph, own)),
        largest=tuple(_largest(graph, own)),
        largest_note=figures.per(ledger) if (ledger := month(graph)) else "",
        shared=tuple(_shared(payload, under)),
        lineage=address("lineage", head.id),
        list=address("list", objective=head.id),
    )


def _cost(graph: Graph, o: int, totals: Mapping[str, Any]) -> tuple[str, str]:
    """What an objective costs as the question of cost splits it, and its share of the whole."""
    ledger = month(graph)
    if ledger is None or "parts_micros" not in totals:
        return "—", "cost is not known"
    amount = totals["parts_micros"].get(graph.nodes[o].id, 0)
    share = f", {amount / totals['total_micros']:.0%} of spend" if totals["total_micros"] else ""
    return figures.cost(ledger, amount), f"{figures.per(ledger)}{share}"


def _notes(graph: Graph, o: int) -> Iterator[str]:
    """`Weakest: NPS after delivery`, `2 of 3 measured`, `1 reading not trusted`."""
    rolled = standing_of(graph).objectives[o]
    known = standing_of(graph).key_results
    goals = [g for g in graph.parts.get(o, ()) if g in known and g in graph.targets]
    if goals and rolled.status in {"behind", "off track", "overdue"}:
        weakest = min(goals, key=lambda g: (WEAKEST_FIRST.index(known[g].pace), known[g].gap or 0.0))
        yield f"Weakest: {graph.nodes[weakest].label}"
    if rolled.measured < rolled.items:
        yield f"{rolled.measured} of {rolled.items} measured"
    doubtful = sum(known[g].pace == "unsure" for g in goals)
    if doubtful:
        yield f"{plural(doubtful, 'reading')} not trusted"


def _weak(graph: Graph, own: Sequence[int]) -> Iterator[Line]:
    """What is broken or warns among the assets of an objective, nearest the cause first, with its reason."""
    rows = [b for i in own for b in graph.health.own.get(i, ()) if b.state != "untested"]
    rows.sort(key=lambda b: (b.state != "broken", b.check.kind != "freshness", graph.nodes[b.node].id, b.check.id))
    seen: set[int] = set()
    for b in rows:
        if b.node not in seen and len(seen) < _LISTED:
            seen.add(b.node)
            node = graph.nodes[b.node]
            yield Line(
                asset_name(graph, b.node),
                blame_words(b),
                address("lineage", node.id),
                "bad" if b.state == "broken" else "warn",
            )


def blame_words(blame: health.Blame) -> str:
    """`3 days late`, `A test fails`, `A test warns`: what is wrong with a node, in three words."""
    if blame.state == "warns":
        return "A test warns"
    if blame.state == "untested":
        return "Never tested"
    if blame.check.kind == "freshness":
        return blame.check.message or "Stale"
    ran = "Did not run" if blame.check.status == "skipped" else "Run failed"
    return ran if blame.check.kind == "run" else "A test fails"


def ran_words(blame: health.Blame) -> str:
    """What a run did, behind what ran: `a job whose run failed`, `a model that did not run`."""
    return "that did not run" if blame.check.status == "skipped" else "whose run failed"


def _largest(graph: Graph, own: Sequence[int]) -> Iterator[Line]:
    ledger = month(graph)
    if ledger is None:
        return
    for i in sorted(own, key=lambda i: (-ledger.amounts[i], graph.nodes[i].id))[:_LISTED]:
        if ledger.amounts[i]:
            yield Line(
                asset_name(graph, i), figures.cost(ledger, ledger.amounts[i]), address("asset", graph.nodes[i].id)
            )


def _shared(payload: map_payload.MapPayload, under: set[int]) -> Iterator[Line]:
    """The objectives that most of the same assets serve."""
    sets = Counter(payload.goals)
    found: Counter[int] = Counter()
    for k, members in enumerate(payload.goal_sets):
        if under.intersection(members):
            found.update({other: sets[k] for other in members if other not in under})
    for other, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]:
        yield Line(payload.objectives[other].t, plural(n, "asset"))
