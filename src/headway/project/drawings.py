"""`headway export graphml|json|dot|mermaid`: which part of the graph is given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import UsageError
from headway.questions.evidence import the_goal
from headway.render.drawn import FORMATS, around, drawing, with_goals

if TYPE_CHECKING:
    from headway.project.workspace import Project


def drawn_as(project: Project, form: str, *, select: str = "", objective: str = "") -> str:
    """The graph of a project in one of FORMATS: all of it, what a selector names, or what an objective stands on.

    Raises UsageError for both at once and for a selector that cannot be read, UnknownName for an objective that does
    not exist.
    """
    graph = project.graph()
    if select and objective:
        raise UsageError("--select and --objective are two ways of saying what is wanted", hint="give one of them")
    wanted = None
    if objective:
        wanted = around(graph, the_goal(graph, objective))
    elif select:
        wanted = with_goals(graph, graph.select(select))
    return FORMATS[form](drawing(graph, wanted))
