"""What a connector is: a name, options as plain data, and records. Everything else is its own business.

A connector imports no other connector, no store, no question and no front. A vendor's package is imported inside the
function that needs it and sits behind an extra. Third parties register a class under the entry point group
`headway.connectors`; the built-in ones use the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from headway.config import Option
from headway.graph.model import AnyRecord

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
