"""The sections `slack` and `email` of headway.yml: where messages go.

slack:
  channel: C012AB3CD                  # hears of everything
  channels: {sales-team: C045EF6GH}   # owner of goals or assets -> its channel
  people: {b7c1...: U012AB3CD}        # keyed hash of a person -> who that is in Slack
  webhooks: {"#sales": SALES_WEBHOOK} # channel -> environment variable with the address of its webhook
  deciders: {U012AB3CD: analytics}    # who may decide with buttons -> the team that signs; "*" is everybody
email:
  from: headway@example.com
  host: smtp.example.com
  port: 587
  security: starttls                  # starttls, tls or none
  address: data@example.com           # hears of everything
  addresses: {sales-team: sales@example.com}

No secret stands here: they come from HEADWAY_SLACK_TOKEN, HEADWAY_SLACK_SIGNING_SECRET, the variables that `webhooks`
names, HEADWAY_SMTP_USER and HEADWAY_SMTP_PASSWORD.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from headway.config import Email, Slack
from headway.errors import ConfigError, Place

Locate = Callable[..., Place]
"""`locate(node, key)`: where in the file something stands."""

SECURITY = ("starttls", "tls", "none")

_CHANNEL = re.compile(r"#[^\s#@,<>&|]{1,80}|[CDG][A-Z0-9]{2,20}")
_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_HASH = re.compile(r"[0-9a-f]{8,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def slack(said: Mapping[str, Any], locate: Locate) -> Slack:
    """The section `slack` as data. Raises ConfigError, with its place, for what cannot be."""
    known = ("channel", "channels", "people", "webhooks", "deciders", "api")
    _known(said, known, "slack", locate)
    found: dict[str, Any] = {}
    for key, value in said.items():
        at, name = locate(said, key), f"slack.{key}"
        if key == "channel":
            found[key] = _fits(value, _CHANNEL, name, "C012AB3CD or #sales", at)
        elif key == "channels":
            found[key] = _pairs(value, name, None, _CHANNEL, "{sales-team: C012AB3CD}", at)
        elif key == "people":
            found[key] = _pairs(value, name, _HASH, _PERSON, "{b7c1f00d: U012AB3CD}", at)
        elif key == "webhooks":
            found[key] = _pairs(value, name, _CHANNEL, _VARIABLE, '{"#sales": SALES_WEBHOOK}', at)
        elif key == "deciders":
            found[key] = _deciders(value, name, at)
        else:
            found[key] = _api(value, name, at)
    if not found.get("channel") and not found.get("channels"):
        raise ConfigError("slack names no channel", hint="channel: C012AB3CD", place=locate(said))
    return Slack(**found)


def email(said: Mapping[str, Any], locate: Locate) -> Email:
    """The section `email` as data. Raises ConfigError, with its place, for what cannot be."""
    known = ("from", "host", "port", "security", "address", "addresses")
    _known(said, known, "email", locate)
    found: dict[str, Any] = {}
    for key, value in said.items():
        at, name = locate(said, key), f"email.{key}"
        if key in {"from", "address"}:
            found["sender" if key == "from" else key] = _fits(value, _ADDRESS, name, "data@example.com", at)
        elif key == "addresses":
            found[key] = _pairs(value, name, None, _ADDRESS, "{sales-team: sales@example.com}", at)
        elif key == "host":
            found[key] = _fits(value, _HOST, name, "smtp.example.com", at)
        elif key == "port":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
                raise ConfigError(f"{name} must be from 1 to 65535", place=at)
            found[key] = int(value)
        elif value not in SECURITY:
            raise ConfigError(f"{name} is one of {', '.join(SECURITY)}", place=at)
        else:
            found[key] = str(value)
    for key, name in (("sender", "from"), ("host", "host")):
        if key not in found:
            raise ConfigError(f"email needs {name}", place=locate(said))
    if not found.get("address") and not found.get("addresses"):
        raise ConfigError("email names no address", hint="address: data@example.com", place=locate(said))
    return Email(**found)


def _known(said: Mapping[str, Any], known: tuple[str, ...], section: str, locate: Locate) -> None:
    for key in said:
        if key not in known:
            secret = re.search(r"token|secret|password|url|user", str(key)) is not None
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
            hint = "secrets come from the environment only" if secret else hint
            raise ConfigError(f"unknown key {section}.{key}", hint=hint, place=locate(said, key))


def _fits(value: Any, pattern: re.Pattern[str], name: str, like: str, at: Place) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value.strip()):
        # What stands there is not said: it may be a secret in the wrong place.
        raise ConfigError(f"{name} must be such as {like}", place=at)
    return str(value.strip())


def _pairs(
    value: Any, name: str, left: re.Pattern[str] | None, right: re.Pattern[str], like: str, at: Place
) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be a mapping such as {like}", place=at)
    found = {}
    for key, given in value.items():
        key_ = str(key).strip()
        if not key_ or not key_.isprintable() or (left is not None and not left.fullmatch(key_)):
            raise ConfigError(f"{name} must be a mapping such as {like}", place=at)
        found[key_] = _fits(given, right, f"each of {name}", like, at)
    return found


def _deciders(value: Any, name: str, at: Place) -> dict[str, str]:
    like = "{U012AB3CD: analytics}"
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be a mapping such as {like}", place=at)
    found = {}
    for key, team in value.items():
        good = isinstance(team, str) and team.strip() and team.isprintable() and len(team) <= 100
        if not good or (key != "*" and not _PERSON.fullmatch(str(key))):
            raise ConfigError(f"{name} must be a mapping such as {like}", place=at)
        found[str(key)] = str(team).strip()
    return found


def _api(value: Any, name: str, at: Place) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not host or not safe or parts.query or parts.fragment or parts.username or parts.password:
        raise ConfigError(f"{name} must be an https address", hint="https://slack.com/api/", place=at)
    return text.rstrip("/") + "/"
