"""What a connector is: a name, options as plain data, and records. Everything else is its own business.

A connector imports no other connector, no store, no question and no front. A vendor's package is imported inside the
function that needs it and sits behind an extra. Third parties register a class under the entry point group
`headway.connectors`; the built-in ones use the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from headway.config import Option
from headway.graph.model import AnyRecord, Gap, Node, Reading

Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total); total 0 when it is not known."""


def silent(what: str, done: int, total: int) -> None:
    """A progress function that says nothing."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a connector is given besides its options."""

    root: str
    """Absolute path that relative options are relative to."""
    now: datetime
    """When this sync began, with time zone. Connectors never read the clock."""
    environment: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = silent
    since: datetime | None = None
    """When the last successful sync of this connector began; None when there was none. A history reads from a little
    before it, and says with a Coverage which days it read."""
    covered: datetime | None = None
    """The same of the last successful sync that yielded a Coverage: for a connector whose syncs may succeed without
    having read its history, so that no day is left out once it can."""


class Connector(Protocol):
    """Turns a system outside into records.

    `records` raises InputError, ConfigError, WarehouseError or MissingExtra when there is nothing to be had at all;
    whatever is wrong with a part of the input is yielded as a Gap instead. The same input yields the same records in
    the same order, and ids stay the same between syncs.

    A connector that takes long (all of a project's SQL, a warehouse's history) sets `sync_only = True`: it is read by a
    sync and never to answer a question from files alone.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]

    def __init__(self, options: Mapping[str, Any], context: Context) -> None: ...

    def records(self) -> Iterator[AnyRecord]:
        """Everything this connector knows, in any order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The value of one key result, for a system outside to compute."""

    key_result: str
    """Id of its node."""
    title: str
    """What people call it."""
    metric: Node
    """The metric that it is bound to, as the connector gave it that yielded it."""
    time: str = ""
    """The time dimension that dates the metric; '' where there is just one, or none."""
    grain: str = ""
    """day, week, month, quarter or year for a value per period; '' for one value of all days."""
    start: date
    end: date
    """The days, both included; without a time dimension the value is that of `as_of`."""
    as_of: date
    periods: Mapping[date, bool] = field(default_factory=dict)
    """With a grain: first day of each period that is asked for, in order, and whether it was over on `as_of`."""
    filters: tuple[str, ...] = ()
    """Conditions as the goals file has them, such as `orders.country = 'NL'`; all of them must hold."""


@runtime_checkable
class Evaluates(Protocol):
    """A connector that also computes metrics: its system is asked for the values of key results in a sync."""

    def takes(self, metric: Node, *, computable: bool) -> bool:
        """Whether a key result on this metric is asked here; `computable` says that the warehouse could, too."""
        ...

    def readings(self, wanted: Sequence[Wanted]) -> Iterator[Reading | Gap]:
        """Readings of key results, with the query as proof, and a gap for each that has no value.

        Raises HeadwayError when the system cannot be asked at all.
        """
        ...
