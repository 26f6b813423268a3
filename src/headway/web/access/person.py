"""Who is asking: a name, a role and the teams they act for. Roles come from the configuration, never from a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from headway.config import ROLES, Role, Serve

How = Literal["loopback", "oidc", "proxy", "token"]

LONGEST_NAME = 200
MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who proved who they are."""

    name: str
    """What they go by: an e-mail address or a user name. Everything they write is signed with it."""
    role: Role | Literal[""]
    """'' may do nothing: known, and named in no role."""
    teams: frozenset[str] = frozenset()
    """Owners of goals that they act for, case folded."""
    how: How = "loopback"
    key: str = ""
    """What their forms' tokens are bound to."""
    by_itself: bool = True
    """The browser sends the proof along with every request, so writes must show that they were meant."""

    def may(self, least: Role) -> bool:
        """Whether their role reaches."""
        return self.role != "" and ROLES.index(self.role) >= ROLES.index(least)

    def acts_for(self, owners: Iterable[str]) -> bool:
        """Whether they may answer for what these own: for their own teams' goals, and for those that nobody owns."""
        named = {owner.strip().casefold() for owner in owners} - {""}
        return self.role == "admin" or not named or bool(named & self.teams)


def person(serve: Serve, name: str, *, email: str = "", groups: Collection[str] = (), how: How, key: str) -> Person:
    """The person with the highest role that the configuration gives to the name, the e-mail address or a group.

    `email` is one that was proven to be theirs; '' where it was not.
    """
    groups = [g for g in groups if g][:MOST_GROUPS]
    known = _marks(name, email, groups)
    fitting = [role for role in ROLES if _named(serve.roles.get(role, ()), known)]
    teams = {g.casefold() for g in groups} | {t.casefold() for t, who in serve.teams.items() if _named(who, known)}
    role = fitting[-1] if fitting else serve.everyone
    return Person(name[:LONGEST_NAME], role, frozenset(teams), how, key)


def worth_keeping(serve: Serve, groups: Collection[str], owners: Collection[str]) -> tuple[str, ...]:
    """Those groups that the configuration or the goals mention: a session needs no others."""
    said = [one for who in (*serve.roles.values(), *serve.teams.values()) for one in who]
    wanted = {one.removeprefix("group:").casefold() for one in said if one.startswith("group:")}
    wanted |= {owner.casefold() for owner in owners}
    return tuple(g for g in dict.fromkeys(groups) if g.casefold() in wanted)[:MOST_GROUPS]


def _marks(name: str, email: str, groups: Iterable[str]) -> Mapping[str, bool]:
    """Everything that the configuration could call this person by, case folded."""
    email = email.casefold()
    marks = {f"group:{g.casefold()}": True for g in groups}
    if not set(name) & set("@:*"):
        # An address counts only where it was proven, and a name is no group: what looks like either names nobody.
        marks[name.casefold()] = True
    if email.count("@") == 1:
        marks[email] = marks[f"*@{email.partition('@')[2]}"] = True
    return marks


def _named(who: Iterable[str], known: Mapping[str, bool]) -> bool:
    return any(one.casefold() in known for one in who)
