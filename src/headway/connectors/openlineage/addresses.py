"""Addresses as they may be kept: without logins, and without parameters, in which keys are sent.

What could be a login is taken for one: rather a name loses a part than a password comes out.
"""

from __future__ import annotations

import re

_CONTAINERS = frozenset({"abfs://", "abfss://", "wasb://", "wasbs://"})
"""Here the part before `@` is a container, which says which data it is, and no login."""
_SITES = frozenset({"http://", "https://"})
"""Here an `@` behind the host is one of a path."""
_START = re.compile(r"\s*(?:jdbc:oracle:\w+:|(?:[a-z][\w+.-]*:){0,3}//)", re.IGNORECASE)
_URL = re.compile(r"\s*(?:jdbc:|[a-z][\w+.-]*://)", re.IGNORECASE)
_NAMED = re.compile(r"[?;#&][\w.~%-]+=|[:,/](?:user|username|uid|password|passwd|pwd|token)=", re.IGNORECASE)
_PARAMETERS = re.compile(
    r"(?:[?;#]|[:,&/](?:user|username|uid|password|passwd|pwd|token)=).*$", re.IGNORECASE | re.DOTALL
)
_QUERY = re.compile(r"\?[\w.~%-]+=.*$", re.DOTALL)
_HOST = r"(?:\[[^\]]*\]|[^/:@,]*)(?::\d{1,5})?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*(?:/.*)?$", re.DOTALL)
_SITE = re.compile(r"(?:\[[^\]]*\]|localhost|[^/:@]*\.[^/:@]*)(?::\d{1,5})?/")


def without_secrets(address: str) -> str:
    """A namespace or an address of the web without login, parameters and fragment."""
    if not any(mark in address for mark in "@?;#="):
        return address
    return _PARAMETERS.sub("", _without_login(address))


def clean_name(name: str) -> str:
    """The name of a dataset or a job without a query; one that is an address as `without_secrets` has it."""
    if "://" not in name and "?" not in name and "jdbc:" not in name:
        return name
    url = _URL.match(name)
    if url is None:
        return _QUERY.sub("", name)
    # A `#` or a `?` in a path of files is a letter like others.
    if url[0].strip().lower() in _SITES | {"jdbc:"}:
        return without_secrets(name)
    return _QUERY.sub("", _without_login(name))


def _without_login(address: str) -> str:
    start = _START.match(address)
    head = start[0] if start else ""
    rest, scheme = address[len(head) :], head.strip().lower()
    if "@" not in rest:
        return address
    named = _NAMED.search(rest)
    text = rest[: named.start()] if named else rest
    oracle = scheme.startswith("jdbc:oracle:") and not scheme.endswith("//")
    if "@" not in text and (oracle or not _HOSTS.match(text)):
        text = rest  # what looks like parameters is a part of a password
    if "@" not in text:
        return head + text
    if oracle:
        return f"{head}@{text.rpartition('@')[2]}"
    if scheme in _CONTAINERS:
        return head + _of_container(text)
    login, _, host = text.rpartition("@")
    of_path = scheme in _SITES and _SITE.match(text)
    no_login = not head and not any(mark in login for mark in ":/")
    return address if no_login else head + (text if of_path else host)


def _of_container(text: str) -> str:
    """`container@host`, without what follows a colon in the first."""
    before, _, host = text.partition("@")
    container, colon, _ = before.partition(":")
    if colon:
        return f"{container}@{text.rpartition('@')[2]}"
    return text if "/" in before else f"{container}@{host}"
