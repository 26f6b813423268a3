"""What a sink is: a name, options as plain data, and one method that sends things out.

A sink is given plain data and says what became of each piece of it. What is worth sending, and what was sent already,
is decided before: a sink knows no question, no connector and no store, and no other sink. The caller keeps what
`Delivered.receipt` says, before it asks for the next one, so that a run that is killed can be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from headway.config import Option

Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total); total 0 when it is not known."""

Outcome = Literal["sent", "would be sent", "same", "left alone", "failed"]
"""`would be sent`: in a dry run. `same`: it is there already. `left alone`: somebody else changed it there, and it was
not to be overwritten. `failed`: the system outside refused, or cannot take it; the others go on."""


def silent(what: str, done: int, total: int) -> None:
    """A progress function that says nothing."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a sink is given besides its options."""

    root: str
    """Absolute path that relative options are relative to."""
    now: datetime
    """When this delivery began, with time zone. Sinks never read the clock."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Where secrets come from."""
    progress: Progress = silent


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one thing that was to be sent."""

    key: str
    """That of what was to be sent: it stays the same from run to run."""
    outcome: Outcome
    sentence: str
    """In words: what was sent where, what would change, or why it was not sent. Never a secret."""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    """Plain data to be kept, and given back the next time: what was sent, where it ended up."""


Item = TypeVar("Item", contravariant=True)  # noqa: PLC0105 - its readers need no word for the variance


class Sink(Protocol[Item]):
    """Sends things of one kind to a system outside.

    `deliver` yields one Delivered for each item, in their order, right after it was sent. In a dry run nothing outside
    changes; what is there may be read. Sending the same twice changes nothing the second time. It raises ConfigError,
    ServiceError or MissingExtra when nothing can be sent at all.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]

    def __init__(self, options: Mapping[str, Any], setting: Setting) -> None: ...

    def deliver(self, items: Iterable[Item], *, dry_run: bool) -> Iterator[Delivered]:
        """Send the items, or say what would be sent."""
        ...
