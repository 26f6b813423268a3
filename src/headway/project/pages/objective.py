"""Objective: its card, how its progress went, and what supports it."""

from __future__ import annotations

from datetime import date

import msgspec

from headway.project import channels
from headway.project.pages.goal_rows import ObjectiveRow, objective_row, phrases
from headway.project.pages.page import Page
from headway.project.pages.said import Said, said_about
from headway.project.workspace import Project
from headway.questions.evidence import the_goal
from headway.questions.opening import opening, trajectory


class ProgressPoint(msgspec.Struct, frozen=True):
    """Progress on a day, from what was read by then."""

    day: date
    progress: float
    expected: float | None


class ObjectivePage(Page, frozen=True, kw_only=True):
    """The page."""

    row: ObjectiveRow
    description: str
    channel: str
    """Where its owner hears of it: `Slack #finance`; '' where none is configured."""
    since: str
    history: tuple[ProgressPoint, ...]
    said: tuple[Said, ...]
    """What people said, decided and asked for about it and its key results."""
    more_said: int
    below: tuple[ObjectiveRow, ...]
    """Objectives that support it."""


def objective(project: Project, *, node: str) -> ObjectivePage:
    """One objective by its id or name. Raises UnknownName."""
    graph = project.graph()
    goal = the_goal(graph, node)
    row = objective_row(project, goal)
    below = [i for i in graph.parts.get(goal, ()) if graph.nodes[i].kind == "objective"]
    answer = project.ask("goals", objective=graph.nodes[goal].id)
    parts = [goal, *graph.goals_in(graph.goal_mask(goal))]
    written, more_written = said_about(project, *dict.fromkeys(graph.nodes[i].id for i in parts))
    return ObjectivePage(
        title=row.name,
        sentence=phrases(opening(graph, [goal])),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=answer.gaps,
        row=row,
        description=graph.nodes[goal].description[:2_000],
        channel=channels.channel_of(project, graph.nodes[goal].owner),
        since=f"Since {row.start.day} {row.start:%b}" if row.start else "This period",
        history=tuple(ProgressPoint(day, done, expected) for day, done, expected in trajectory(graph, goal)),
        said=written,
        more_said=more_written,
        below=tuple(objective_row(project, o) for o in below),
    )
