"""From a request to a person: by an API token, a session, a trusted proxy, or because only this machine can ask."""

from __future__ import annotations

import getpass
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from headway.config import Serve
from headway.project import tokens
from headway.web.access.person import LONGEST_NAME, Person, person
from headway.web.access.signing import SESSION, Signer

FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-user", "x-real-ip")
"""Headers that a reverse proxy adds, and nothing else does."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """A proof was given, and it is none: never answered as if it had not been there."""

    message: str
    limited: bool = False
    """Counts as a try at a token."""


class Identities:
    """Who is asking, by the ways that are configured."""

    def __init__(
        self, serve: Serve, root: str | Path, signer: Signer, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        """`root`: the folder of the project, below which tokens are kept."""
        self.serve = serve
        self.signer = signer
        self._root = root
        self._clock = clock or (lambda: datetime.now(UTC))
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(n) for n in serve.trusted_proxies)
        self._owner = Person(_user(), "admin", how="loopback", key="loopback")

    @property
    def asks(self) -> bool:
        """Whether people have to prove who they are."""
        return bool(self.serve.auth)

    def of(self, scope: Scope) -> Person | None:
        """The person behind a request; None for a stranger. Raises Refused for a proof that is none."""
        headers = Headers(scope=scope)
        if not self.asks:
            if any(name in headers for name in FORWARDING):
                raise Refused("This server is for this machine alone, and the request came through a proxy.")
            return self._owner
        if "authorization" in headers:
            return self._by_token(headers.getlist("authorization"))
        session = self.signer.read_session(_cookies(headers).get(SESSION, ""))
        if session is not None and (found := self._by_session(session)):
            return found
        if "proxy" in self.serve.auth and self._is_proxy(_peer(scope)):
            return self._by_proxy(headers)
        return None

    def address(self, scope: Scope) -> str:
        """Where a request comes from: the peer, or what the trusted proxies say of theirs; IPv6 by its network.

        Read from the right: each proxy adds whom it talked to at the end, and what stands further left can be made up.
        """
        address = _peer(scope)
        if self._is_proxy(address):
            said = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
            for one in reversed([part.strip() for part in said.split(",")][-20:]):
                if _address(one) is None:
                    break
                address = one
                if not self._is_proxy(one):
                    break
        parsed = _address(address)
        if isinstance(parsed, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        return str(parsed or "unknown")

    def by_token(self, text: str) -> tuple[Person, tokens.Token] | None:
        """The person that an API token stands for, with it; None when it does not hold."""
        token = tokens.known(self._root, text.strip(), self._clock()) if "tokens" in self.serve.auth else None
        return (_of_token(token), token) if token else None

    def _by_token(self, given: list[str]) -> Person:
        scheme, _, text = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise Refused("The Authorization header must be one, and hold Bearer and a token.")
        found = self.by_token(text)
        if found is None:
            raise Refused("This token does not hold here: it is unknown, was taken back, or has expired.", limited=True)
        return found[0]

    def _by_session(self, said: Mapping[str, Any]) -> Person | None:
        key = f"session/{said.get('sid', '')}"
        if number := said.get("token"):
            # Looked up each time, so that a token that is taken back ends its sessions.
            token = tokens.by_id(self._root, str(number), self._clock()) if "tokens" in self.serve.auth else None
            return _of_token(token, key) if token else None
        name, groups = said.get("name"), said.get("groups")
        if "oidc" not in self.serve.auth or not isinstance(name, str) or not isinstance(groups, list):
            return None
        email = str(said.get("email") or "")
        return person(self.serve, name, email=email, groups=[str(g) for g in groups], how="oidc", key=key)

    def _by_proxy(self, headers: Headers) -> Person | None:
        users = headers.getlist(self.serve.proxy.user)
        lists = headers.getlist(self.serve.proxy.groups)
        if not users:
            return None
        if len(users) > 1 or len(lists) > 1:
            # A proxy that adds its header beside one that was sent in: which of both is true cannot be known.
            raise Refused("The proxy says twice who this is.")
        name = users[0].strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable() or "," in name:
            raise Refused("The proxy does not say who this is.")
        groups = [g.strip() for g in re.split("[,;|]", lists[0])] if lists else []
        email = name if "@" in name else ""
        return person(self.serve, name, email=email, groups=groups, how="proxy", key=f"proxy/{name.casefold()}")

    def _is_proxy(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def _of_token(token: tokens.Token, key: str = "") -> Person:
    teams = frozenset(team.casefold() for team in token.teams)
    return Person(token.name, token.role, teams, "token", key, by_itself=bool(key))


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed


def _cookies(headers: Headers) -> dict[str, str]:
    return cookie_parser("; ".join(headers.getlist("cookie")))


def _user() -> str:
    """Who runs this process, as the command line would sign for them."""
    try:
        return getpass.getuser()[:LONGEST_NAME] or "owner"
    except (KeyError, OSError):
        return "owner"
