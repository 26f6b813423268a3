"""What data catalogs are told, and what a sink of a catalog is. Plain data; no catalog is known here.

A sink turns the head of the DAG into statements: one for each thing there (a term, a dataset, a property) with all that
is ours about it. The caller compares them with what it said before, and gives the sink the changes to send.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from headway.config import Option
from headway.graph.graph import Way
from headway.graph.model import Node
from headway.sinks.protocol import Delivered, Setting


@dataclass(frozen=True, slots=True)
class CatalogLink:
    """A page on the web about a goal."""

    title: str
    url: str
    """http or https, without credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogGoal:
    """A living objective, or a key result of one."""

    id: str
    """Id of its node, such as `goal:key_result.grow.mrr`."""
    kind: Literal["objective", "key_result"]
    name: str
    """Stable, and unique among the goals of both kinds: `grow`, `grow.mrr`, `asana:1204`."""
    title: str
    description: str
    """Markdown. With figures it says how the goal stands."""
    owner: str = ""
    """The team; '' where there is none."""
    url: str = ""
    """Its page among those that Headway serves, where their address is configured; else its page elsewhere, or ''."""
    objective: str = ""
    """Id of the objective above it; '' for a goal at the top."""
    status: str = ""
    """on pace, behind, off track, ...; '' where figures were left out."""
    period: str = ""
    """The name of its period, or its first and last day; '' for a goal without."""
    links: tuple[CatalogLink, ...] = ()
    """Further pages: in the tool that the goal is kept in, and those of initiatives towards it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogAsset:
    """An asset in service with the living goals that it serves; without any, what was said before is no longer so."""

    node: Node
    ids: tuple[str, ...]
    """Every id it is known by, the node's own first: a dashboard that is also an exposure has two."""
    objectives: tuple[str, ...] = ()
    """Ids of the objectives that its key results belong to, in the company's order; not of those further above."""
    key_results: tuple[str, ...] = ()
    """Ids of the key results, those of the first objective first."""
    ways: frozenset[Way] = frozenset()
    """How it serves them: it computes, it informs, or both."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a catalog is told."""

    goals: tuple[CatalogGoal, ...]
    """Objectives in the company's order, each before its key results; key results without objective at the end."""
    assets: tuple[CatalogAsset, ...]
    """Every asset in service, in the order of the graph."""

    def goal(self, goal_id: str) -> CatalogGoal | None:
        """The living goal with this id."""
        return next((goal for goal in self.goals if goal.id == goal_id), None)


@dataclass(frozen=True, slots=True)
class Statement:
    """All that is ours about one thing in a catalog."""

    key: str
    """What the catalog calls it: a urn, a full name. One line of at most 700 characters; a sink has it once."""
    title: str
    """For sentences."""
    said: Mapping[str, Any]
    """Plain JSON data, at most 60,000 bytes. It is sent when it changed. Texts of more than 500 characters are only
    compared, not kept: what is needed to take something back must be shorter."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one thing in a catalog."""

    key: str
    title: str
    said: Mapping[str, Any] | None
    """What is to stand there; None: what we said is to be taken back."""
    before: tuple[Mapping[str, Any], ...] = field(default=())
    """What we said there, or may have said when a run was cut off, long texts left out; () where we said nothing."""
    taken: tuple[Mapping[str, Any], ...] = field(default=())
    """What we said there last before it was taken back; () where it was not, or is said again."""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    """That of taking it back; empty where there was none."""


class CatalogSink(Protocol):
    """Sends changes to one catalog. See sinks.protocol.Sink for what `deliver` must keep to.

    A change may arrive twice: it says what is to be so, not what is to be added. What people wrote there stays. For
    something that the catalog does not have, or not any more, the outcome is `left alone`.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None: ...

    @property
    def place(self) -> str:
        """Which catalog it is, such as its address: what was said in one was not said in another. No credentials."""
        ...

    def statements(self, head: Head) -> Sequence[Statement]:
        """What is to be said, in the order in which it must be sent: what others refer to comes first."""
        ...

    def deliver(self, items: Iterable[Change], *, dry_run: bool) -> Iterator[Delivered]:
        """Send the changes, or say what would be sent."""
        ...
