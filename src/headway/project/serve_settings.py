"""The section `serve` of headway.yml: where the pages are served, how people prove who they are, what they may do.

serve:
  host: 0.0.0.0                       # default 127.0.0.1; any other than loopback needs `auth`
  port: 8484
  url: https://headway.example.com    # what people type
  hosts: [headway.internal]           # further names it is known by
  frames: ["https://wiki.example.com"]  # origins that may show pages in a frame
  auth: [oidc, tokens]                # oidc, proxy, tokens
  oidc: {issuer: "https://login.example.com", client_id: headway, groups_claim: groups}
  proxy: {user: X-Forwarded-User, groups: X-Forwarded-Groups}
  trusted_proxies: [10.0.0.0/8]
  roles: {admin: ["group:data-platform"], editor: ["group:analytics"], stakeholder: ["*@example.com"]}
  everyone: viewer                    # role of whoever is signed in and named nowhere
  teams: {sales-team: ["group:sales-heads"]}   # who acts for an owner of goals
  session_hours: 12
  schedule: 6h                        # sync in the background

No secret stands here: they come from HEADWAY_SESSION_SECRET and HEADWAY_OIDC_SECRET.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from headway.config import ROLES, Oidc, Proxy, Serve
from headway.errors import ConfigError, Place, UsageError

Locate = Callable[..., Place]
"""`locate(node, key)`: where in the file something stands."""

WAYS = ("oidc", "proxy", "tokens")
SHORTEST_SCHEDULE = 60
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_SPAN = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_HEADER = re.compile(r"[A-Za-z0-9-]{1,80}")
_WHO = re.compile(r"group:\S.*|\*@[^\s@*]+|[^\s@*]+@[^\s@*]+|[^\s@*:]+")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


def read(said: Mapping[str, Any], locate: Locate) -> Serve:
    """The section as data. Raises ConfigError, with its place, for what cannot be, and for what would be unsafe."""
    reader = _Reader(locate, locate(said))
    parts: dict[str, Callable[[Any, str], Any]] = {
        "host": reader.host,
        "port": lambda v, n: reader.whole(v, n, 0, 65535),
        "url": reader.url,
        "hosts": lambda v, n: tuple(reader.host(h, n) for h in reader.texts(v, n)),
        "frames": lambda v, n: tuple(reader.url(f, n) for f in reader.texts(v, n)),
        "auth": reader.ways,
        "oidc": reader.oidc,
        "proxy": reader.proxy,
        "trusted_proxies": reader.networks,
        "roles": lambda v, n: reader.who(v, n, ROLES),
        "everyone": lambda v, n: reader.one_of(v, n, ROLES),
        "teams": reader.who,
        "session_hours": lambda v, n: reader.whole(v, n, 1, 24 * 30),
        "schedule": reader.schedule,
    }
    reader.known(said, parts, "serve.")
    found: dict[str, Any] = {}
    for key, value in said.items():
        reader.at = locate(said, key)
        if value is not None:
            found[key] = parts[key](value, f"serve.{key}")
    serve = Serve(**found)
    reader.at = locate(said)
    reader.fitting(serve)
    return serve


def seconds(span: str) -> int:
    """The seconds of `30m`, `6h` or `1d`. Raises UsageError for anything but a span from a minute to a month."""
    match = _SPAN.fullmatch(span.strip())
    found = int(match[1]) * _SECONDS[match[2]] if match and len(match[1]) < 8 else 0
    if not SHORTEST_SCHEDULE <= found <= 31 * 86400:
        raise UsageError(f"{span[:40]!r} is no span from a minute to a month", hint="write 30m, 6h or 1d")
    return found


@dataclass
class _Reader:
    locate: Locate
    at: Place

    def wrong(self, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, hint=hint, place=self.at)

    def known(self, said: Mapping[str, Any], known: Any, under: str) -> None:
        for key in said:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(known))}"
                raise ConfigError(f"unknown key {under}{key}", hint=hint, place=self.locate(said, key))

    def text(self, value: Any, name: str) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.wrong(f"{name} must be a text of one line")
        return value.strip()

    def texts(self, value: Any, name: str) -> list[str]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            raise self.wrong(f"{name} must be a list of texts")
        return [self.text(item, name) for item in items]

    def whole(self, value: Any, name: str, least: int, most: int) -> int:
        if type(value) is not int and not (isinstance(value, int) and not isinstance(value, bool)):
            raise self.wrong(f"{name} must be a whole number")
        if not least <= value <= most:
            raise self.wrong(f"{name} must be from {least} to {most}")
        return int(value)

    def one_of(self, value: Any, name: str, choices: tuple[str, ...]) -> str:
        if value not in choices:
            raise self.wrong(f"{name} cannot be {str(value)[:40]!r}", hint=f"one of {', '.join(choices)}")
        return str(value)

    def host(self, value: Any, name: str) -> str:
        text = self.text(value, name).lower()
        if not _HOST.fullmatch(text):
            raise self.wrong(f"{name} must be a host name or an address, without a port", hint="headway.example.com")
        return text

    def url(self, value: Any, name: str) -> str:
        text = self.text(value, name).rstrip("/")
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
        except ValueError:
            raise self.wrong(f"{name} is not an address") from None
        plain = parts.scheme == "http" and host in LOOPBACK
        bare = not (parts.query or parts.fragment or parts.username or parts.password)
        if not host or not bare or not (parts.scheme == "https" or plain):
            raise self.wrong(f"{name} must be an https address", hint="https://headway.example.com")
        return text

    def ways(self, value: Any, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.one_of(way, name, WAYS) for way in self.texts(value, name)))

    def networks(self, value: Any, name: str) -> tuple[str, ...]:
        found = []
        for text in self.texts(value, name):
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError:
                raise self.wrong(
                    f"{name} must be addresses or networks, found {text[:60]!r}", hint="10.0.0.0/8"
                ) from None
            if network.prefixlen == 0:
                raise self.wrong(f"{name} cannot be everybody", hint="name the addresses of the proxy")
            found.append(str(network))
        return tuple(found)

    def mapping(self, value: Any, name: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.wrong(f"{name} must be a mapping")
        return value

    def who(self, value: Any, name: str, keys: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
        said = self.mapping(value, name)
        if keys:
            self.known(said, keys, f"{name}.")
        found = {}
        for key, given in said.items():
            self.at = self.locate(said, key)
            people = self.texts(given, f"{name}.{key}")
            for one in people:
                if not _WHO.fullmatch(one):
                    hint = "ana@example.com, *@example.com or group:analytics"
                    raise self.wrong(f"{name}.{key} names nobody: {one[:60]!r}", hint=hint)
            found[str(key)] = tuple(people)
        return found

    def oidc(self, value: Any, name: str) -> Oidc:
        said = self.mapping(value, name)
        self.known(said, [f.name for f in fields(Oidc)], f"{name}.")
        for key in ("issuer", "client_id"):
            if key not in said:
                raise self.wrong(f"{name} needs {key}")
        found: dict[str, Any] = {}
        for key, given in said.items():
            self.at = self.locate(said, key)
            if key == "issuer":
                # compared letter by letter with what tokens say, so a slash at its end stays
                self.url(given, f"{name}.{key}")
                found[key] = given.strip()
            elif key == "scopes":
                found[key] = tuple(dict.fromkeys(("openid", *self.texts(given, f"{name}.{key}"))))
            elif key == "trust_email":
                if not isinstance(given, bool):
                    raise self.wrong(f"{name}.{key} must be true or false")
                found[key] = given
            else:
                found[key] = self.text(given, f"{name}.{key}")
        return Oidc(**found)

    def proxy(self, value: Any, name: str) -> Proxy:
        said = self.mapping(value, name)
        self.known(said, [f.name for f in fields(Proxy)], f"{name}.")
        found = {key: self.text(given, f"{name}.{key}").lower() for key, given in said.items()}
        for key, header in found.items():
            if not _HEADER.fullmatch(header):
                raise self.wrong(f"{name}.{key} must be the name of a header", hint="X-Forwarded-User")
        return Proxy(**found)

    def schedule(self, value: Any, name: str) -> int:
        try:
            return seconds(str(value))
        except UsageError:
            raise self.wrong(f"{name} must be a span from a minute to a month", hint="30m, 6h or 1d") from None

    def fitting(self, serve: Serve) -> None:
        """What only together cannot be."""
        if "oidc" in serve.auth and serve.oidc is None:
            raise self.wrong("serve.auth has oidc, and serve.oidc does not say with whom", hint="oidc: {issuer: ...}")
        if "oidc" in serve.auth and not serve.url:
            raise self.wrong("signing in with oidc needs serve.url", hint="the provider sends people back to it")
        if "proxy" in serve.auth and not serve.trusted_proxies:
            hint = "anybody could send its headers otherwise"
            raise self.wrong("serve.auth has proxy, and serve.trusted_proxies names none", hint=hint)
        if not serve.auth and (serve.roles or serve.everyone or serve.teams):
            raise self.wrong("serve has roles, and nobody has to sign in", hint="auth: [oidc], [proxy] or [tokens]")
