"""Who hears of what: the channels of Slack and the addresses of e-mail, each with the owners that it speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import ConfigError, UnknownName
from headway.project.channels import Medium, Place, configured, owners_of, places_of, speaking_for
from headway.project.pages.table import address
from headway.sinks.message import Message
from headway.sinks.protocol import Setting, Sink

if TYPE_CHECKING:
    from headway.project.workspace import Project

__all__ = ["Medium", "Place", "link", "owners_of", "places", "places_of", "presses", "sink_of"]


def places(project: Project, to: str = "") -> tuple[Place, ...]:
    """Every place that is configured, or the one called `to`, in a steady order.

    Raises ConfigError where none is configured, UnknownName where none is called so.
    """
    found: list[Place] = []
    for medium, default, named in configured(project):
        owners: dict[str, set[str]] = {}
        for owner, place in named.items():
            owners.setdefault(place, set()).add(owner)
        if default:
            found.append(Place(medium, default, None))
        found += [Place(medium, place, speaking_for(whose)) for place, whose in owners.items() if place != default]
    if not found:
        raise ConfigError("headway.yml does not say where messages go", hint="slack: {channel: C012AB3CD}, or email")
    if not to:
        return tuple(found)
    chosen = tuple(place for place in found if to in {place.to, place.key, place.to.removeprefix("#")})
    if not chosen:
        raise UnknownName("channel or address", to, [place.to for place in found[:5]])
    return chosen


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
