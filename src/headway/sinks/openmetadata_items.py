"""What Headway says of one thing in OpenMetadata, as plain data: what is kept in the ledger, and given back later.

Each is told apart by `what`. A text is kept with its print, which stays the same when OpenMetadata lays it out in
another way.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

Kind = Literal["table", "dashboard", "chart"]
PROPERTY_TYPE = "markdown"
ENDED = "*This goal has ended.*"
"""What the description of an ended goal begins with, so that it can come back to life."""


class Item(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", forbid_unknown_fields=False):
    """What is ours about one thing."""


class Home(Item, frozen=True, kw_only=True, tag="home"):
    """The glossary or the classification that goals are kept in."""

    collection: str
    """Its part of the API."""
    fqn: str
    name: str
    texts: dict[str, str]
    prints: dict[str, str] = {}


class Goal(Item, frozen=True, kw_only=True, tag="goal"):
    """An objective, or a key result."""

    collection: str
    """glossaryTerms, tags or domains."""
    fqn: str
    name: str
    home: str = ""
    """Fully qualified name of the glossary or classification."""
    parent: str = ""
    """That of the term above."""
    texts: dict[str, str]
    """displayName and description."""
    prints: dict[str, str] = {}
    synonyms: list[str] = []
    references: list[dict[str, str]] = []
    """name and endpoint of pages."""
    team: str = ""
    """Made the owner where OpenMetadata has a team that is called so and nobody else owns it."""


class Property(Item, frozen=True, kw_only=True, tag="property"):
    """A custom property of Markdown that assets of one kind have."""

    kind: Kind
    name: str
    title: str
    description: str


class Label(msgspec.Struct, frozen=True):
    """A term or a tag on an asset."""

    fqn: str
    source: str


class Asset(Item, frozen=True, kw_only=True, tag="asset"):
    """A table, a dashboard or a chart, and the goals that it serves."""

    kind: Kind
    places: list[str]
    """Fully qualified names that it may have there; the first that is known there counts."""
    labels: list[Label] = []
    reason: str = ""
    """Why it has these labels; it begins with `Headway`."""
    domain: str = ""
    """Fully qualified name of the domain of the first objective it serves, where goals are domains."""
    properties: dict[str, str] = {}
    prints: dict[str, str] = {}


AnyItem = Home | Goal | Property | Asset


def said(item: AnyItem) -> dict[str, Any]:
    """An item as plain data."""
    data: dict[str, Any] = msgspec.to_builtins(item)
    return data


def item_of(data: Mapping[str, Any]) -> AnyItem | None:
    """The item that plain data says; None for what no version of Headway wrote."""
    try:
        found: AnyItem = msgspec.convert(data, AnyItem)
    except msgspec.ValidationError:
        return None
    return found


class Ours:
    """What was said of a thing earlier, or may have been: only that is ours there."""

    def __init__(self, before: Iterable[Mapping[str, Any]], *, ended: bool = False) -> None:
        self._before = [item for item in map(item_of, before) if item is not None]
        self.ended = ended
        """Whether it was us who marked it as ended."""

    @property
    def last(self) -> AnyItem | None:
        """What may stand there most likely."""
        return self._before[0] if self._before else None

    @property
    def assets(self) -> list[Asset]:
        """What was said of an asset."""
        return [item for item in self._before if isinstance(item, Asset)]

    @property
    def goals(self) -> list[Goal]:
        """What was said of a goal."""
        return [item for item in self._before if isinstance(item, Goal)]

    def wrote(self, name: str, stands: Any) -> bool:
        """Whether we wrote the text that stands in a field."""
        mark = print_of(stands)
        return any(not isinstance(item, Property) and item.prints.get(name) == mark for item in self._before)


def print_of(text: Any) -> str:
    """What tells texts apart, in a few characters, however OpenMetadata lays out white space and entities."""
    plain = re.sub(r"\s+", " ", html.unescape(str(text))).strip()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def prints(texts: Mapping[str, str]) -> dict[str, str]:
    """The prints of texts."""
    return {name: print_of(text) for name, text in texts.items()}


def listed(there: Mapping[str, Any], name: str) -> Sequence[Any]:
    """A list of what is there; empty where there is none."""
    value = there.get(name)
    return value if isinstance(value, list) else []
