"""A message as plain data, before it is given the shape of Slack or of a letter, and as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

UNSURE = "unsure"
"""In the receipt of something that failed: it may have arrived all the same."""


@dataclass(frozen=True, slots=True)
class Button:
    """Something that can be decided with one press."""

    label: str
    action: str
    value: str
    """Comes back with the press."""
    confirm: str = ""
    """What is asked before it counts; '' asks nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is about, and what is said of it."""

    lead: str
    text: str = ""
    url: str = ""
    buttons: tuple[Button, ...] = ()
    ask: str = ""
    """Label of a field for words that go with the buttons; '' for none."""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines under a heading. Those that a message has no room for are counted; `url` shows them all."""

    title: str
    lines: tuple[Line, ...]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to one place."""

    key: str
    """Stays the same from run to run: one key is sent once."""
    to: str
    """A channel or a person of Slack, or an address."""
    title: str
    lead: str = ""
    parts: tuple[Part, ...] = ()
    note: str = ""
    url: str = ""
    """The page that shows more; '' where none is served."""
    thread: Mapping[str, Any] = field(default_factory=dict)
    """Receipt of the message that this one answers."""
    begun: datetime | None = None
    """When somebody began to send exactly this without saying how it ended: it may be there."""


def text_of(message: Message, most: int = 0) -> str:
    """The message as plain text, at most so many lines under each heading; 0 is all of them."""
    return "\n".join(_lines(message, most)) + "\n"


def _lines(message: Message, most: int) -> Iterator[str]:
    yield message.title
    yield "=" * min(len(message.title), 72)
    if message.lead:
        yield from ("", message.lead)
    for part in message.parts:
        yield from ("", part.title, "-" * min(len(part.title), 72))
        shown = part.lines[:most] if most else part.lines
        for line in shown:
            yield f"* {said(line)}" + (f"\n  {line.url}" if line.url else "")
        if left := len(part.lines) - len(shown):
            yield f"{left:,} more" + (f": {part.url}" if part.url else "")
        elif part.url:
            yield part.url
    if message.note:
        yield from ("", message.note)
    if message.url:
        yield from ("", message.url)


def said(line: Line) -> str:
    """`Revenue: behind`: a line without its mark-up."""
    return f"{line.lead}: {line.text}" if line.lead and line.text else line.lead or line.text
