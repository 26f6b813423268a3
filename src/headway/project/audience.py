"""Who hears of what: the channels of Slack and the addresses of e-mail, each with the owners that it speaks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headway.errors import ConfigError, UnknownName
from headway.graph.graph import Graph
from headway.project.pages.table import address
from headway.sinks.message import Message
from headway.sinks.protocol import Setting, Sink

if TYPE_CHECKING:
    from headway.project.workspace import Project

Medium = Literal["slack", "email"]


@dataclass(frozen=True, slots=True)
class Place:
    """One channel or address."""

    medium: Medium
    to: str
    owners: frozenset[str] | None
    """Owners that it speaks for, case folded; None for all of them."""

    @property
    def key(self) -> str:
        """What it is called in the keys of messages: `slack:#sales`."""
        return f"{self.medium}:{self.to}"

    def hears(self, *owners: str) -> bool:
        """Whether what belongs to one of these owners is told here."""
        return self.owners is None or any(owner.casefold() in self.owners for owner in owners if owner)


def places(project: Project, to: str = "") -> tuple[Place, ...]:
    """Every place that is configured, or the one called `to`, in a steady order.

    Raises ConfigError where none is configured, UnknownName where none is called so.
    """
    found: list[Place] = []
    for medium, default, named in _configured(project):
        owners: dict[str, set[str]] = {}
        for owner, place in named.items():
            owners.setdefault(place, set()).add(owner.casefold())
        if default:
            found.append(Place(medium, default, None))
        found += [Place(medium, place, frozenset(whose)) for place, whose in owners.items() if place != default]
    if not found:
        raise ConfigError("headway.yml does not say where messages go", hint="slack: {channel: C012AB3CD}, or email")
    if not to:
        return tuple(found)
    chosen = tuple(place for place in found if to in {place.to, place.key, place.to.removeprefix("#")})
    if not chosen:
        raise UnknownName("channel or address", to, [place.to for place in found[:5]])
    return chosen


def places_of(project: Project, *owners: str) -> tuple[Place, ...]:
    """Where the owners of something hear of it: the place of the first that has one, else the place for the rest.

    One place of each medium that is configured, none where it has neither.
    """
    found: list[Place] = []
    for medium, default, named in _configured(project):
        folded = {owner.casefold(): place for owner, place in named.items()}
        to = next((folded[owner.casefold()] for owner in owners if owner.casefold() in folded), default)
        if to:
            found.append(Place(medium, to, None if to == default else frozenset(o.casefold() for o in owners)))
    return tuple(found)


def sink_of(project: Project, medium: Medium) -> Sink[Message]:
    """What sends to such a place. Raises ConfigError."""
    setting = Setting(project.config.root, project.now, project.environment, project.progress)
    if medium == "slack":
        from headway.sinks.slack import Slack

        slack = project.config.slack
        return Slack({"api": slack.api, "webhooks": slack.webhooks} if slack else {}, setting)
    from headway.sinks.mail import Mail

    email = project.config.email
    if email is None:
        raise ConfigError("headway.yml does not say how e-mail is sent", hint="email: {from: ..., host: ...}")
    return Mail(
        {"from": email.sender, "host": email.host, "port": email.port, "security": email.security},
        setting,
    )


def presses(project: Project, place: Place) -> bool:
    """Whether buttons work there: an app is installed whose presses are believed, and somebody may decide with them."""
    slack, given = project.config.slack, project.environment
    app = all(given.get(name, "").strip() for name in ("HEADWAY_SLACK_TOKEN", "HEADWAY_SLACK_SIGNING_SECRET"))
    return place.medium == "slack" and slack is not None and bool(slack.deciders) and app


def link(project: Project, page: str, key: str = "") -> str:
    """The address of a page as people can open it; '' where serve.url does not say where the pages are."""
    base, path = project.config.serve.url, address(page, key)
    return f"{base}{path}" if base and path else ""


def owners_of(graph: Graph, goal: int) -> tuple[str, ...]:
    """Who owns a key result: its own owner, then that of its objective."""
    said = (graph.nodes[goal].owner, graph.nodes[graph.objective_of(goal)].owner)
    return tuple(dict.fromkeys(owner for owner in said if owner))


def _configured(project: Project) -> list[tuple[Medium, str, Mapping[str, str]]]:
    slack, email = project.config.slack, project.config.email
    found: list[tuple[Medium, str, Mapping[str, str]]] = []
    if slack is not None:
        found.append(("slack", slack.channel, slack.channels))
    if email is not None:
        found.append(("email", email.address, email.addresses))
    return found
