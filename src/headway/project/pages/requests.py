"""Requests: should we build what was asked? What exists already, what is waiting in which order, what was declined."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from headway.graph.graph import Graph
from headway.project import requests as desk
from headway.project.pages import figures
from headway.project.pages.filters import find_goal
from headway.project.pages.page import Page, said
from headway.project.pages.table import address
from headway.project.workspace import Project

MOST_ROWS = 100
"""Requests of one group, and of what was declined or built, that are shown."""

KINDS = ("dashboard", "chart", "metric", "table", "data", "other")
"""What can be asked for."""

ACTS = {
    "accepted": "Accept",
    "pointed": "Point to what exists",
    "extended": "Extend what exists",
    "declined": "Decline",
    "built": "It is built",
}
"""What can be decided about a request -> how it is said."""


class Choice(msgspec.Struct, frozen=True):
    """One key result that a request can be for."""

    id: str
    name: str
    objective: str


class Asset(msgspec.Struct, frozen=True):
    """An asset that may answer a wish already."""

    id: str
    name: str
    kind: str
    to: str
    fit: float | None
    use: str
    trust: str
    missing: tuple[str, ...]


class Before(msgspec.Struct, frozen=True):
    """A request for the like."""

    id: str
    text: str
    state: str
    decision: str


class Answered(msgspec.Struct, frozen=True):
    """What exists already for a wish, and what is recommended."""

    headline: str
    reasons: tuple[str, ...]
    assets: tuple[Asset, ...]
    before: tuple[Before, ...]


class Wish(msgspec.Struct, frozen=True):
    """What is filled in."""

    text: str = ""
    decision: str = ""
    key_result: str = ""
    kind: str = ""
    readers: str = ""
    due: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the backlog."""

    rank: int
    id: str
    text: str
    key_result: str
    points: float | None
    made_of: tuple[str, ...]
    state: str
    advice: str
    """What is recommended; '' where somebody has decided."""
    why: str
    """The reasons, or the decision, in sentences."""
    by: str
    asked: date
    due: date | None


class Group(msgspec.Struct, frozen=True):
    """The requests for one objective, ranked; those without a key result are a group of their own, last."""

    name: str
    rows: tuple[Waiting, ...]
    more: int


class Declined(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was declined."""

    id: str
    text: str
    key_result: str
    on: date | None
    by: str
    why: str
    since: str


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was built, and whether anybody uses it."""

    id: str
    text: str
    asset: str
    on: date | None
    verdict: str
    use: str


class Requests(Page, frozen=True, kw_only=True):
    """The page."""

    wish: Wish
    problem: str
    """Why the wish could not be filed; else ''."""
    same: bool
    """It was asked for before; it can be filed anyway."""
    filed: str
    """Id of the request that was just filed or decided."""
    key_results: tuple[Choice, ...]
    kinds: tuple[str, ...]
    answer: Answered | None
    groups: tuple[Group, ...]
    objective: str
    """Name of the only objective that is shown; '' for all."""
    waiting: int
    declined: tuple[Declined, ...]
    declined_words: str
    built: tuple[Built, ...]
    built_words: str
    acts: tuple[tuple[str, str], ...]
    count: int
    """Requests there are; a form that was sent twice has an older one."""
    writes: bool
    headless: bool


def requests(  # noqa: PLR0913 - one argument for each field of the form
    project: Project,
    *,
    objective: str = "",
    text: str = "",
    decision: str = "",
    key_result: str = "",
    kind: str = "",
    readers: str = "",
    due: str = "",
    filed: str = "",
) -> Requests:
    """The backlog, and what exists already for a wish. Raises UnknownName for an objective that there is none of."""
    wish = Wish(text, decision, key_result, kind, readers, due)
    return page_of(project, wish, objective=objective, filed=filed)


def page_of(
    project: Project, wish: Wish, *, objective: str = "", filed: str = "", problem: str = "", same: bool = False
) -> Requests:
    """The page, with what could not be done."""
    graph = project.graph()
    only = graph.nodes[find_goal(graph, objective)].label if objective else ""
    waiting = project.ask("requests")
    refused, made = project.ask("declined"), project.ask("built")
    known = desk.requests_of(project)
    groups = [_group(section.headline, list(section.records())) for section in waiting.sections]
    return Requests(
        title="Requests",
        sentence=said(waiting.headline.replace(": `headway request file` files one.", ".")),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=waiting.gaps,
        wish=wish,
        problem=problem,
        same=same,
        filed=filed if any(r.id == filed for r in known) else "",
        key_results=tuple(_choices(graph)),
        kinds=KINDS,
        answer=_answered(project, wish) if wish.text.strip() else None,
        groups=tuple(g for g in groups if not only or g.name == only),
        objective=only,
        waiting=int(waiting.totals.get("requests", 0)),
        declined=tuple(_declined(r) for r in list(refused.records())[:MOST_ROWS]),
        declined_words=refused.headline,
        built=tuple(_built(r) for r in list(made.records())[:MOST_ROWS]),
        built_words=made.headline,
        acts=tuple(ACTS.items()),
        count=len(known),
        writes=project.use_store,
        headless=not graph.goals,
    )


def open_requests(project: Project) -> int:
    """The number behind the tab: requests that nobody has decided about; 0 while nobody has written down a goal."""
    return int(project.ask("requests", state="open").totals["open"]) if project.graph().goals else 0


def _choices(graph: Graph) -> Iterator[Choice]:
    for goal in graph.goals_in(graph.active):
        if goal in graph.targets:
            node = graph.nodes[goal]
            yield Choice(node.id, node.label, graph.nodes[graph.objective_of(goal)].label)


def _answered(project: Project, wish: Wish) -> Answered:
    graph = project.graph()
    known = {choice.id for choice in _choices(graph)}
    answer = project.ask(
        "answered-by",
        text=wish.text[:2000],
        key_result=wish.key_result if wish.key_result in known else "",
        kind=wish.kind if wish.kind in KINDS else "",
        decision=wish.decision[:2000],
    )
    found = []
    for row, r in zip(answer.rows, answer.records(), strict=True):
        to = address("asset", row.node)
        missing = tuple(r["missing"] or ())
        found.append(Asset(row.node, r["asset"], r["kind"], to, r["fit"], r["use"], r["trust"], missing))
    reasons = [str(r["reason"]).strip() for s in answer.sections if s.headline == "Why" for r in s.records()]
    before = [
        Before(r["request"], r["asks"], r["state"], r["decision"])
        for s in answer.sections
        if s.headline == "Asked before"
        for r in s.records()
    ]
    return Answered(answer.headline, tuple(reasons), tuple(found), tuple(before))


def _group(name: str, records: list[dict[str, Any]]) -> Group:
    rows = [
        Waiting(
            rank=r["rank"],
            id=r["request"],
            text=r["asks"],
            key_result=r["key_result"] or "",
            points=r["points"],
            made_of=tuple(r["made_of"]),
            state=r["state"],
            advice=r["advice"] or "",
            why=r["why"] or "",
            by=figures.team(r["by"] or ""),
            asked=r["asked"],
            due=r["due"],
        )
        for r in records[:MOST_ROWS]
    ]
    return Group(name, tuple(rows), max(0, len(records) - MOST_ROWS))


def _declined(r: dict[str, Any]) -> Declined:
    return Declined(
        id=r["request"],
        text=r["asks"],
        key_result=r["key_result"] or "",
        on=r["declined"],
        by=figures.team(r["by"] or ""),
        why=r["why"] or "",
        since=r["since"] or "",
    )


def _built(r: dict[str, Any]) -> Built:
    return Built(
        id=r["request"],
        text=r["asks"],
        asset=r["asset"] or "",
        on=r["built"],
        verdict=r["verdict"] or "",
        use=r["use"] or "",
    )
