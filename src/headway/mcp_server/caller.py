"""Who calls a tool, and what they may do: the owner of this machine, or whoever an API token stands for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from headway.config import ROLES, Role
from headway.errors import UsageError
from headway.project.tokens import Token


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose assistant asks."""

    name: str
    """Everything they write is signed with it; '' where it is not known, and then nothing is written."""
    role: Role = "admin"
    teams: frozenset[str] = frozenset()
    """Owners of goals that they act for, case folded."""
    remote: bool = False
    """They proved who they are by a token: places on this machine's disk are none of theirs."""

    def needs(self, least: Role) -> None:
        """Raise UsageError unless their role reaches."""
        if ROLES.index(self.role) < ROLES.index(least):
            raise UsageError(f"this needs the role {least}, and the token {self.name} has {self.role}")

    def acts_for(self, owners: Iterable[str]) -> bool:
        """Whether they may answer for what these own: their own teams' goals, and those that nobody owns."""
        named = {owner.strip().casefold() for owner in owners} - {""}
        return self.role == "admin" or not named or bool(named & self.teams)


def access_of(token: Token) -> AccessToken:
    """What the protocol's library keeps of a token that holds: never its secret."""
    claims = {"name": token.name, "role": token.role, "teams": list(token.teams)}
    return AccessToken(token=token.id, client_id=token.id, scopes=[token.role], claims=claims)


def caller_of(user: Any, owner: Caller) -> Caller:
    """The caller behind a request: of the token that came with it, else the owner of this machine."""
    if not isinstance(user, AuthenticatedUser):
        return owner
    claims = user.access_token.claims or {}
    teams = frozenset(str(team).casefold() for team in claims.get("teams", ()))
    return Caller(str(claims["name"]), claims["role"], teams, remote=True)
