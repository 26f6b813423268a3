"""Whose goals are whose: leadership owns objectives, departments their key results."""

from __future__ import annotations

from headway.project import Project
from headway.questions.evidence import the_goal
from headway.web.access.person import Person


def owners_of(project: Project, key_result: str) -> tuple[str, ...]:
    """Who owns a key result, and its objective. Raises UnknownName, UsageError."""
    graph = project.graph()
    goal = the_goal(graph, key_result, "key_result")
    return graph.nodes[goal].owner, graph.nodes[graph.objective_of(goal)].owner


def may_check_in(person: Person, project: Project, key_result: str) -> bool:
    """Whether somebody may check in on a key result: an editor of a team that owns it or its objective, and an admin.

    Raises as `owners_of` does.
    """
    return person.may("editor") and person.acts_for(owners_of(project, key_result))
