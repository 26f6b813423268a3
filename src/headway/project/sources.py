"""What each configured source is called in the store: by its connector, and by what it reads where there are several.

What was synced hangs on the name, so it must not depend on the order of sources, nor on options that only say how to
read. Nothing secret is ever in a name: it is shown and kept.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from headway.config import Source
from headway.errors import ConfigError
from headway.graph.model import AnyRecord, Node

VALUES = "values"
"""Name under which the readings of key results are synced."""

FILES = ("path", "logs", "export", "folder", "manifest")
"""Options that say alone what is read, the first that is given."""
PLACES = (
    "url", "base_url", "host", "server", "site", "account", "workspace", "account_usage", "profiles_dir", "project_dir",
    "profile", "target", "projects", "project", "regions", "region", "catalog", "database", "schema", "table",
    "history", "source",
)  # fmt: skip
"""Options that say together where it is read."""

OWN_WORDS = frozenset({"goals_csv", "okr_yaml"})
"""Connectors whose goals are called by what people wrote, which other files may have too."""

LONGEST = 150
_SECRET = re.compile(r"secret|passw|token|key|credential|auth|login|user|people", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=//)[^/@\s]*@|\?[^/\s]*=.*$")
"""What may be secret in a URL: a login before its host, and parameters at its end."""
_DOOR = re.compile(r"(?<=://)([^/]+)/(.*[^/].*)")
"""A path below a host may be one that lets everybody in who has it, such as a shared file's."""


def by_name(sources: Sequence[Source]) -> dict[str, Source]:
    """Sources by the name they are synced under, at most 200 printable characters, in the order they are given.

    A source that is the only one of its connector is called like it. Of several, each is `connector:what`, where `what`
    is the file or the place it reads; where that is the same, also what else of PLACES is given, and then a digest of
    the other options. Sources that agree in all of these are told apart by their order, since they read the same.
    """
    names = [source.connector for source in sources]
    for said in (_read, _everywhere, _otherwise):
        names = _told_apart(sources, names, said)
    found: dict[str, Source] = {}
    for told, source in zip(names, sources, strict=True):
        name = told
        while name in found:
            name += "'"
        found[name] = source
    return found


class Apart:
    """Sees to it that no two sources of one connector have a goal of the same id: their trees would be mixed."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def watched(self, name: str, records: Callable[[], Iterable[AnyRecord]]) -> Iterator[AnyRecord]:
        """The records of the source that is called `name`. Raises ConfigError for a goal of another one."""
        own = name.partition(":")[0]
        for record in records():
            if own in OWN_WORDS and isinstance(record, Node):
                first = self._first.setdefault(record.id, name)
                if first != name:
                    message = f"{first} and {name} both have a goal {record.id}"
                    raise ConfigError(message, hint="prefix: at one of them becomes part of its ids: prefix: sales")
            yield record


def _told_apart(sources: Sequence[Source], names: Sequence[str], said: Callable[[Source], str]) -> list[str]:
    """The names, with more said of those that are shared."""
    shared: dict[str, int] = defaultdict(int)
    for name in names:
        shared[name] += 1
    more = [said(source) if shared[name] > 1 else "" for source, name in zip(sources, names, strict=True)]
    rows = zip(sources, names, more, strict=True)
    return [f"{source.connector}:{text}" if text else name for source, name, text in rows]


def _read(source: Source) -> str:
    """The file that is read, or the place; '' where the options say neither."""
    options = source.options
    file = next((name for name in FILES if options.get(name)), "")
    return _shown(options, (file,)) if file else _shown(options, PLACES)


def _everywhere(source: Source) -> str:
    return _shown(source.options, (*FILES, *PLACES))


def _otherwise(source: Source) -> str:
    """All that tells where, and a digest of how, without what may be secret."""
    rest = {k: v for k, v in source.options.items() if k not in {*FILES, *PLACES} and not _SECRET.search(str(k))}
    said = json.dumps(rest, sort_keys=True, default=str).encode(errors="replace")
    return f"{_everywhere(source)}#{blake2b(said, digest_size=4).hexdigest()}"


def _closed(address: re.Match[str]) -> str:
    return f"{address[1]}/~{blake2b(address[2].encode(errors='replace'), digest_size=4).hexdigest()}"


def _shown(options: Mapping[str, Any], names: Iterable[str]) -> str:
    texts: list[str] = []
    for name in names:
        value = options.get(name)
        if value not in (None, "", [], {}):
            texts += map(str, value) if isinstance(value, list | tuple) else [str(value)]
    text = ",".join(_DOOR.sub(_closed, _LOGIN.sub("", text)) for text in texts)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 20]}~{blake2b(text.encode(errors='replace'), digest_size=8).hexdigest()}"
