"""Decisions about links: a file in the repository that `headway link` appends to, and that people review and edit.

- accept: prod.marts.orders_v1 means orders          # for people; what counts are the ids below
  upstream: table:prod.marts.orders_v1
  as: dbt:model.shop.orders
  by: data-team
  on: 2026-11-22
  note: renamed in March
- decline: Sales board shows Revenue
  upstream: superset:dashboard.3
  downstream: goal:key_result.grow.revenue

A table without `downstream` is decided for everything that reads it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from headway.config import Option
from headway.connectors.artifact import read, shown
from headway.connectors.protocol import Context
from headway.connectors.yaml_nodes import composed
from headway.errors import ConfigError, InputError, Place
from headway.graph.model import AnyRecord, Decision, Gap, Origin, Role

DEFAULT_PATH = "links.yml"
TABLE = "table:"
"""How a table is told from an id in the file: `table:prod.marts.orders`."""

LONGEST = 2_000
"""Characters of one value at most."""
_WORDS = ("accept", "decline")
_HINT = "write one entry after the other, each beginning with `- accept:` or `- decline:`"
_KEYS = (*_WORDS, "upstream", "downstream", "as", "role", "by", "on", "note")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Links:
    """Reads what people decided about links between dashboards, tables and key results, from a reviewable file.

    An entry that says something impossible becomes a gap with its line; a file of which nothing can be read is refused.
    """

    name: ClassVar[str] = "links"
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, DEFAULT_PATH, help="file with the decisions, relative to the project"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        unknown = sorted(set(map(str, options)) - {"path"})
        if unknown:
            raise ConfigError(f"links has no option {unknown[0]!r}", hint="its one option is path")
        path = options.get("path") or DEFAULT_PATH
        if not isinstance(path, str):
            raise ConfigError(f"option path of links is the name of a file, not {type(path).__name__}")
        self._path = Path(context.root, path)
        self._shown = shown(self._path, context.root)

    def records(self) -> Iterator[AnyRecord]:
        """A Decision for every entry, in the order of the file; a Gap for what cannot be one. Raises InputError."""
        data = read(self._path, self._shown, hint="headway link accept writes one")
        yield from decisions(bytes(data), self._shown)


def decisions(data: bytes, file: str) -> list[Decision | Gap]:
    """What the file says, in order. Raises InputError when it is no list, or when nothing in it can be read."""
    found: list[Decision | Gap] = []
    first: dict[tuple[str, str, str], int] = {}
    entries = yaml_entries(data, file, "decisions", _HINT)
    for line, entry in entries:
        try:
            decision = _decision(entry, line, file)
        except InputError as error:
            place = error.place or Place(file, line)
            origin = Origin("links", place.file, place.line)
            found.append(Gap(topic="links", message=f"{place}: {error.message}", hint=error.hint, origin=origin))
            continue
        key = (decision.upstream, decision.downstream, decision.role)
        if key in first:
            message = f"{file}:{line}: decides again what line {first[key]} decided; the later one counts"
            found.append(Gap(topic="links", message=message, hint="remove one of them", origin=decision.origin))
        first[key] = line
        found.append(decision)
    if entries and not any(isinstance(one, Decision) for one in found):
        message = str(next(one.message for one in found if isinstance(one, Gap)))
        raise InputError(message.partition(": ")[2], place=Place(file, entries[0][0]))
    return found


def yaml_entries(data: bytes, file: str, what: str, hint: str) -> list[tuple[int, Any]]:
    """The entries of a list in YAML, as nodes with their lines; `what` they are, and how each begins, for messages.

    Nothing is constructed, so nothing in the file can do anything. Raises InputError for what is no list.
    """
    from ruamel.yaml.nodes import ScalarNode, SequenceNode

    root = composed(data, file)
    if root is None or (isinstance(root, ScalarNode) and root.value in {"", "~", "null"}):
        return []
    if not isinstance(root, SequenceNode):
        raise InputError(f"is no list of {what}", place=Place(file), hint=hint)
    return [(node.start_mark.line + 1, node) for node in root.value]


def _decision(entry: Any, line: int, file: str) -> Decision:
    said = _mapping(entry, line, file)
    words = [word for word in _WORDS if word in said]
    if len(words) != 1:
        raise InputError("an entry says either accept: or decline:", place=Place(file, line))
    upstream, downstream = _reference(said.get("upstream", "")), _reference(said.get("downstream", ""))
    table = upstream.startswith("ref:table/")
    place = Place(file, line)
    if not upstream or upstream == "ref:table/":
        raise InputError("an entry needs upstream:", place=place, hint="an id, or table:catalog.schema.table")
    if not downstream and not table:
        raise InputError("an entry needs downstream:", place=place, hint="only a table may be decided for all")
    if downstream.startswith("ref:table/"):
        raise InputError("a table cannot be downstream", place=place, hint="tables are upstream of what reads them")
    if said.get("as") and not table:
        raise InputError("as: says which node a table means; this upstream is none", place=place)
    role = _role(said.get("role", ""), downstream, place)
    return Decision(
        upstream=upstream,
        downstream=downstream,
        accepted=words[0] == "accept",
        role=role,
        target=said.get("as", ""),
        by=said.get("by", ""),
        on=_day(said.get("on", ""), place),
        note=said.get("note", ""),
        origin=Origin("links", file, line),
    )


def _mapping(entry: Any, line: int, file: str) -> dict[str, str]:
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    if not isinstance(entry, MappingNode):
        raise InputError("an entry is a mapping with accept: or decline:", place=Place(file, line))
    said: dict[str, str] = {}
    for key, value in entry.value:
        place = Place(file, key.start_mark.line + 1)
        name = key.value if isinstance(key, ScalarNode) else ""
        if name not in _KEYS:
            near = difflib.get_close_matches(str(name), _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(_KEYS)}"
            raise InputError(f"unknown key {str(name)[:60]!r}", place=place, hint=hint)
        if name in said:
            raise InputError(f"{name}: is there twice", place=place)
        if not isinstance(value, ScalarNode):
            raise InputError(f"{name}: must be text", place=place)
        text = "" if value.style is None and value.value in {"~", "null"} else value.value.strip()
        if len(text) > LONGEST or _CONTROL.search(text):
            raise InputError(f"{name}: is longer than {LONGEST:,} characters, or holds unprintable ones", place=place)
        said[name] = text
    return said


def _reference(name: str) -> str:
    return "ref:table/" + name.removeprefix(TABLE).strip() if name.startswith(TABLE) else name


def _role(said: str, downstream: str, place: Place) -> Role:
    if said in {"", "feeds", "shows"}:
        return "shows" if said == "shows" or (not said and downstream.startswith("goal:")) else "feeds"
    raise InputError(f"role: is feeds or shows, not {said[:60]!r}", place=place)


def _day(said: str, place: Place) -> date | None:
    if not said:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise InputError(f"on: must be a day such as 2026-11-22, not {said[:60]!r}", place=place) from None
