"""Who looks at each goal: people and executives, through which dashboards, beside deliveries and embedded pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from headway.answer import Answer, Column, Finding, plural
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.questions.evidence import gaps, make, no_goals, path_steps, people_words, the_goal
from headway.questions.goals import in_order
from headway.questions.registry import Says, question
from headway.questions.status import Eyes, standing_of

EXECUTIVE = "executive"
_APART = ("scheduled", "embedded", "data_team", "service")
"""Classes that are shown beside people and do not count as somebody looking."""

_COLUMNS = (
    Column("objective", "Objective"),
    Column("key_result", "Key result"),
    Column("shown_on", "Shown on", "list"),
    Column("views", "Views", "number"),
    Column("people", "People"),
    Column("executives", "Executives"),
    Column("last_seen", "Last seen", "date"),
    Column("apart", "Not people", "list", secondary=True),
    Column("state", "State"),
)


@dataclass(frozen=True, slots=True)
class _Audience:
    """Reads of what shows a goal, inside the window."""

    views: float
    executives: int
    executives_known: bool
    """Every read by an executive says which one."""
    apart: tuple[str, ...]

    @staticmethod
    def of(graph: Graph, boards: Sequence[int]) -> _Audience:
        use = graph.use
        rows = [row for board in boards for row in use.rows.get(board, ())]
        executives = {row.person for row in rows if row.person_class == EXECUTIVE and row.measure != "people"}
        apart = []
        for name in _APART:
            reads = sum(row.amount for row in rows if row.person_class == name and name not in use.classes)
            if reads:
                apart.append(f"{reads:,.0f} {name.replace('_', ' ')}")
        named = len(executives - {""})
        views = sum(row.amount for row in rows if row.person_class in use.classes and row.measure != "people")
        return _Audience(views, named or int(bool(executives)), "" not in executives, tuple(apart))


@question("HW307")
def viewers(
    graph: Graph,
    *,
    objective: Annotated[str, Says("Name or id of one objective; all of them without.", positional=True)] = "",
) -> Answer:
    """Who looks at each key result: how many people, which of them lead the company, and when was it last seen?

    Counted are views of the dashboards that show it, inside `policy.usage_window_days`. Executives are login names that
    fit the patterns `people: {executive: [...]}` of the source. Deliveries, embedded pages, service accounts and the
    data team are shown apart. A finding is a key result that nobody is known to look at.
    """
    wanted = [the_goal(graph, objective)] if objective else in_order(graph)
    eyes = standing_of(graph).eyes
    goals = [(o, g) for o in wanted for g in graph.parts.get(o, ()) if g in graph.targets and g in eyes]
    rows = [_row(graph, o, g, eyes[g]) for o, g in goals]
    nobody = sum(row.counts for row in rows)
    led = sum(row.values[5] not in {None, "none"} for row in rows)
    blind = sum(eyes[g].state == "unknown" for _, g in goals)
    headline = no_goals(graph) or (
        f"{len(rows) - nobody - blind} of {plural(len(rows), 'key result')} looked at in {graph.policy.neglected_days} "
        f"days, {led} by executives."
    )
    more = [Gap(topic="usage", message=f"who looks at {plural(blind, 'key result')} is not known")] if blind else []
    if rows and not any(row.person_class == EXECUTIVE for row in graph.observations):
        message = "no source of usage says who the executives are"
        more.append(Gap(topic="usage", message=message, hint='people: {executive: ["ceo@.*", ...]} beside the source'))
    totals = {"key_results": len(rows), "unseen": nobody, "unknown": blind, "by_executives": led}
    found = gaps(graph, "usage", "goals")
    return make(graph, "viewers", "HW307", headline, _COLUMNS, rows, totals=totals, gaps=(*more, *found))


def _row(graph: Graph, objective: int, goal: int, eyes: Eyes) -> Finding:
    boards = _opened(graph, eyes.boards)
    audience = _Audience.of(graph, boards)
    executives = str(audience.executives) if audience.executives_known else f"at least {audience.executives}"
    known = eyes.state in {"looked at", "neglected"}
    values = (
        graph.nodes[objective].label,
        graph.nodes[goal].label,
        [graph.nodes[b].label for b in eyes.boards],
        audience.views if known or audience.views else None,
        (people_words(eyes.people, eyes.counted) if eyes.people else "nobody") if known else None,
        (executives if audience.executives else "none") if known else None,
        eyes.last,
        list(audience.apart),
        eyes.state if eyes.state != "unknown" else "not known",
    )
    path = path_steps(graph, [eyes.boards[0], goal]) if eyes.boards else ()
    unseen = eyes.state in {"neglected", "shown nowhere"}
    return Finding(values=values, node=graph.nodes[goal].id, path=path, counts=unseen)


def _opened(graph: Graph, boards: Sequence[int]) -> list[int]:
    """What people open to see a goal: a chart counts by itself only where no dashboard of the list holds it."""
    held = set(boards)
    return [
        b
        for b in boards
        if graph.nodes[b].kind != "chart"
        or not any(d in held and KINDS[graph.nodes[d].kind].band == "dashboard" for d in graph.downstream[b])
    ]
