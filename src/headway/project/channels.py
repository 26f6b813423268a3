"""Where owners hear of what is theirs: the channels and addresses of headway.yml, and what a page says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from headway.graph.graph import Graph
from headway.graph.health import Blame
from headway.graph.model import team_of

if TYPE_CHECKING:
    from headway.project.workspace import Project

Medium = Literal["slack", "email"]

TOLD_IN = "Told in"
"""How a page calls the channel of a team; it does not leave the company."""


@dataclass(frozen=True, slots=True)
class Place:
    """One channel or address."""

    medium: Medium
    to: str
    owners: frozenset[str] | None
    """Teams that it speaks for, case folded; None for all of them."""

    @property
    def key(self) -> str:
        """What it is called in the keys of messages: `slack:#sales`."""
        return f"{self.medium}:{self.to}"

    def hears(self, *owners: str) -> bool:
        """Whether what belongs to one of these owners is told here."""
        return self.owners is None or any(_team(owner) in self.owners for owner in owners if owner)


def places_of(project: Project, *owners: str) -> tuple[Place, ...]:
    """Where the owners of something hear of it: the place of the first that has one, else the place for the rest.

    One place of each medium that is configured, none where it has neither.
    """
    found: list[Place] = []
    for medium, default, named in configured(project):
        folded = {_team(owner): place for owner, place in named.items()}
        to = next((folded[_team(owner)] for owner in owners if _team(owner) in folded), default)
        if to:
            found.append(Place(medium, to, None if to == default else frozenset(map(_team, owners))))
    return tuple(found)


def speaking_for(owners: Iterable[str]) -> frozenset[str]:
    """Owners as a place has them."""
    return frozenset(map(_team, owners))


def _team(owner: str) -> str:
    return team_of(owner).casefold()


def owners_of(graph: Graph, goal: int) -> tuple[str, ...]:
    """Who owns a key result: its own owner, then that of its objective."""
    said = (graph.nodes[goal].owner, graph.nodes[graph.objective_of(goal)].owner)
    return tuple(dict.fromkeys(owner for owner in said if owner))


def configured(project: Project) -> list[tuple[Medium, str, Mapping[str, str]]]:
    """Each medium that is configured, with the place for everything and the place of each owner."""
    slack, email = project.config.slack, project.config.email
    found: list[tuple[Medium, str, Mapping[str, str]]] = []
    if slack is not None:
        found.append(("slack", slack.channel, slack.channels))
    if email is not None:
        found.append(("email", email.address, email.addresses))
    return found


# ---------------------------------------------------------------------- what a page says of them


def channel_of(project: Project, *owners: str) -> str:
    """Where owners hear of what is theirs, in words: `Slack #finance`, `e-mail`; '' where no place is configured.

    Addresses are not said.
    """
    named = [f"Slack {place.to}" if place.medium == "slack" else "e-mail" for place in places_of(project, *owners)]
    return " and ".join(named)


def tellable(project: Project, node: int) -> str:
    """Address of the page that tells the team of a node what is wrong with it; '' where nothing is, or no place."""
    graph = project.graph()
    known = project.use_store and not project.looking_back and broken(graph, node)
    if not known or not places_of(project, graph.nodes[node].owner):
        return ""
    return f"/tell?node={quote(graph.nodes[node].id, safe=':@.')}"


def broken(graph: Graph, node: int) -> list[Blame]:
    """What is wrong with a node itself, and not only with what it is made from."""
    return [b for b in graph.health.own.get(node, ()) if b.state == "broken"]
