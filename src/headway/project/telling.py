"""Telling a team that something of theirs is broken: the message, to whom it would go, and sending it.

It goes where everything of that team goes (see audience.py), through the same outbox: the same thing is told once a
day, whoever asks, and a dry run says first what would be sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headway.answer import plural
from headway.errors import HeadwayError, UnknownName, UsageError
from headway.graph.health import Blame
from headway.graph.model import KINDS
from headway.project.audience import link, places_of, sink_of
from headway.project.channels import broken
from headway.project.outbox import Letter, send
from headway.project.pages import figures
from headway.project.pages.lineage import node_name
from headway.project.pages.page import Page, said
from headway.project.pages.table import address
from headway.questions.evidence import asset_name
from headway.questions.status import trust_words
from headway.questions.triage_state import day_words
from headway.sinks.message import Line, Message, Part, text_of
from headway.sinks.protocol import Delivered

if TYPE_CHECKING:
    from headway.project.workspace import Project

MOST = 20
"""Numbers and dashboards of one message."""


def letters(project: Project, node: str, *, by: str) -> list[Letter]:
    """The message about a broken node (its id), one for each place of its team.

    Raises UnknownName for a node that there is none of, UsageError where nothing is wrong with it and where no place is
    configured, ConfigError where a place cannot be written to.
    """
    graph = project.graph()
    i = graph.index.get(node)
    if i is None:
        raise UnknownName("node", node[:80], ())
    wrong = broken(graph, i)
    if not wrong:
        raise UsageError(f"nothing is known to be wrong with {asset_name(graph, i)}", hint="there is nothing to tell")
    found = []
    for place in places_of(project, graph.nodes[i].owner):
        message = _message(project, i, wrong, f"tell:{place.key}:{node}:{project.as_of}", place.to)
        told = {"node": node, "by": by, "medium": place.medium, "to": place.to}
        found.append(Letter(message, sink_of(project, place.medium), told))
    if not found:
        raise UsageError("no channel is configured for its team", hint="slack: or email: in headway.yml names them")
    return found


def tell(project: Project, node: str, *, by: str, dry_run: bool) -> list[Delivered]:
    """Tell the team, or only say what would be sent. Raises as `letters` and `outbox.send` do."""
    return list(send(project, letters(project, node, by=by), dry_run=dry_run))


def _message(project: Project, i: int, wrong: list[Blame], key: str, to: str) -> Message:
    graph = project.graph()
    node, name = graph.nodes[i], asset_name(graph, i)
    page = link(project, "lineage", node.id)
    goals = graph.goals_in(graph.computes[i] & graph.active)
    below = graph.walk([i], "downstream")
    boards = [j for j in below if KINDS[graph.nodes[j].kind].band == "dashboard"]
    boards.sort(key=lambda j: (-graph.use.people[j], graph.nodes[j].id))
    parts = [Part("What is wrong", tuple(Line(*_wrong(project, b)) for b in wrong[:MOST]))]
    numbers = tuple(
        Line(graph.nodes[g].label, trust_words(graph, g), link(project, "key_result", graph.nodes[g].id))
        for g in goals[:MOST]
    )
    if numbers:
        parts.append(Part("Key results that wait for it", numbers))
    waiting = tuple(Line(graph.nodes[j].label, "", link(project, "asset", graph.nodes[j].id)) for j in boards[:MOST])
    if waiting:
        parts.append(Part("Dashboards that stand on it", waiting))
    on = f"{plural(len(goals), 'key result')} and {plural(len(boards), 'dashboard')} stand on it"
    lead = f"{on}, and cannot be trusted until it is well again." if goals or boards else "Nothing known stands on it."
    return Message(
        key=key,
        to=to,
        title=f"Please look at {name}",
        lead=lead,
        parts=tuple(parts),
        note=f"As of {project.as_of}. Owner: {node.owner or 'nobody'}. It is told once a day at most.",
        url=page,
    )


def _wrong(project: Project, blame: Blame) -> tuple[str, str]:
    check = blame.check
    what = {"freshness": "it is not fresh", "run": "it did not run"}.get(check.kind, "a test of it fails")
    since = f"since {day_words(blame.since.date(), project.as_of)}" if blame.since else "it is not known since when"
    return check.name or what, f"{what}, {since}" if check.name else since


# ---------------------------------------------------------------------- the page


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    state: str
    """would be sent, same: it was sent today already."""
    sentence: str
    """`Slack #finance: Please look at orders`."""
    text: str


class Tell(Page, frozen=True, kw_only=True):
    """The page."""

    node: str
    name: str
    team: str
    drafts: tuple[Draft, ...]
    open: bool
    """Something of it was not sent yet."""
    problem: str
    """Why nothing can be sent, or was not; else ''."""
    back: str


def tell_page(project: Project, node: str, *, problem: str = "") -> Tell:
    """What telling the team of a node would send. Nothing is sent. Raises UnknownName for a node that is not there."""
    graph = project.graph()
    found = letters(project, node, by="")
    i = graph.index[node]
    drafts = []
    try:
        for letter, done in zip(found, tell(project, node, by="", dry_run=True), strict=True):
            drafts.append(Draft(state=done.outcome, sentence=done.sentence, text=text_of(letter.message)))
    except HeadwayError as error:
        problem = problem or f"{error.message[:1].upper()}{error.message[1:]}."
    name, team = node_name(graph, i), figures.team(graph.nodes[i].owner)
    return Tell(
        title=f"Tell {team or 'somebody'}",
        sentence=said(f"Tell {team or 'those who look after everything'} about {name}"),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        node=graph.nodes[i].id,
        name=name,
        team=team,
        drafts=tuple(drafts),
        open=any(d.state == "would be sent" for d in drafts),
        problem=problem,
        back=address("lineage", graph.nodes[i].id),
    )
