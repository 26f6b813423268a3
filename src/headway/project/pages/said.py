"""What people wrote about an asset or a goal: who, when, why, and what came of it. All of it is from the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from headway.errors import HeadwayError
from headway.graph.graph import Graph
from headway.graph.requests import Request
from headway.project import triage
from headway.project.check_ins import check_ins
from headway.project.ledger import entries
from headway.project.pages import figures
from headway.project.pages.goal_rows import amount
from headway.project.pages.table import address
from headway.project.requests import requests_of
from headway.project.retirements import latest, records_of
from headway.project.workspace import Project
from headway.questions.intake import goal_of
from headway.questions.status import standing_of

MOST = 50
"""Of what was said, the newest are shown; the rest is counted."""

_DONE = {
    "keep": "Kept",
    "link": "Linked",
    "retire": "Retirement announced",
    "snooze": "Snoozed",
    "assign": "Assigned",
    "reopen": "Put back on the list",
    "comment": "Answered in Slack",
}
_STATES = {
    "open": "nobody has decided yet",
    "pointed": "answered by what exists",
    "extended": "what exists is to be extended",
}
"""States of a request that are not said with their own name."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody decided, asked for or said."""

    on: date
    by: str
    what: str
    """`Kept until 31 Dec`, `Says at risk`, `Request 7KD2PX`."""
    about: str
    """What it is about, where that is not what the page is about; else ''."""
    to: str
    """Address of more; '' where there is none."""
    note: str
    """The reason, the comment, or what was asked for, in the words of whoever wrote it."""
    came: str
    """What came of it: `it holds`, `declined`, `was 71, is 74 points`."""
    came_by: str
    """Who took it back or decided about it; '' where nobody did."""


def said_about(project: Project, *nodes: str, check_in: bool = True, page: str = "") -> tuple[tuple[Said, ...], int]:
    """What was written about some nodes, newest first, and how many more there are.

    `check_in`: also what people said about key results. `page`: the node that the page is about. Nothing where there is
    no store, or where it is out of reach: the numbers beside it are there all the same.
    """
    if not project.stored:
        return (), 0
    page = page or nodes[0]
    try:
        found = [*_decided(project, nodes, page), *_asked(project, nodes, page)]
        if check_in:
            found += _checked_in(project, nodes, page)
    except HeadwayError:
        return (), 0
    found.sort(key=lambda s: s.on, reverse=True)
    return tuple(found[:MOST]), max(0, len(found) - MOST)


def _decided(project: Project, nodes: Collection[str], page: str) -> Iterator[Said]:
    """Decisions about findings. What came of them takes a look at every finding, so only where there is one."""
    about = {e.subject.partition("::")[2] for e in entries(project, "finding")}
    if about.isdisjoint(nodes):
        return
    graph = project.graph()
    answer = triage.log(project)
    for row, r in zip(answer.rows, answer.records(), strict=True):
        if row.node not in nodes or r["act"] not in _DONE:
            continue
        state, _, by = str(r["state"]).partition(" by ")
        came = {"holds": "it holds", "over": "its day is over"}.get(state, state)
        if r["act"] == "comment" and state == "holds":
            came = ""
        if r["act"] == "retire" and state == "holds":
            came = _stage(project, row.node) or came
        yield Said(
            on=r["on"],
            by=r["by"],
            what=_words(graph, r),
            about="" if row.node == page else _name(graph, row.node),
            to=address("triage", str(r["kind"])) if r["kind"] else "",
            note=r["reason"] or "",
            came=came,
            came_by=by,
        )


def _words(graph: Graph, r: Mapping[str, Any]) -> str:
    said = _DONE[r["act"]]
    if r["act"] in {"link", "assign"} and r["to"]:
        said += f" to {_name(graph, str(r['to']))}"
    return f"{said} until {_day(r['until'])}" if r["until"] else said


def _stage(project: Project, node: str) -> str:
    """How far the retirement of an asset is."""
    try:
        record = latest(records_of(project)).get(node)
    except HeadwayError:
        return ""
    return f"{record.stage}, for {_day(record.on)}" if record is not None else ""


def _checked_in(project: Project, nodes: Collection[str], page: str) -> Iterator[Said]:
    graph, standing = project.graph(), standing_of(project.graph())
    answer = check_ins(project)
    for row, r in zip(answer.rows, answer.records(), strict=True):
        if row.node not in nodes or row.node not in graph.index:
            continue
        goal = graph.index[row.node]
        now, then = standing.key_results[goal].value, r["value"]
        unit = graph.targets[goal].unit
        came = f"readings said {r['status']}" if r["status"] else ""
        if isinstance(then, int | float) and now is not None:
            came = f"was {amount(then, unit)}, is {amount(now, unit)}"
        yield Said(
            on=date.fromisoformat(str(r["on"])),
            by=r["by"],
            what=f"Says {r['confidence']}" if r["confidence"] else "Says",
            about="" if row.node == page else graph.nodes[goal].label,
            to=address("key_result", row.node),
            note=r["note"] or "",
            came=came,
            came_by="",
        )


def _asked(project: Project, nodes: Collection[str], page: str) -> Iterator[Said]:
    graph = project.graph()
    for wish in requests_of(project):
        goal = goal_of(graph, wish).node if wish.key_result else None
        ends = {wish.asset, graph.nodes[goal].id if goal is not None else ""} - {""}
        if ends.isdisjoint(nodes):
            continue
        about = next(iter(sorted(ends & set(nodes))))
        yield Said(
            on=wish.asked,
            by=figures.team(wish.by),
            what=f"Request {wish.id}",
            about="" if about == page else _name(graph, about),
            to=address("requests"),
            note=wish.text,
            came=_became(wish),
            came_by=figures.team(wish.decided.by) if wish.decided else "",
        )


def _became(wish: Request) -> str:
    state = _STATES.get(wish.state, wish.state)
    last = wish.decided
    if last is None:
        return state
    return f"{state} on {_day(last.on)}" + (f": {last.reason}" if last.reason else "")


def _name(graph: Graph, node: str) -> str:
    i = graph.index.get(node)
    return graph.nodes[i].label if i is not None else node


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
